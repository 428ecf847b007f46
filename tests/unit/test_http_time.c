/* test_http_time.c - the HTTP server's deadlines: slow, silent and idle clients. */
#include "http_bed.h"

enum { REQUEST_MS = 200, IDLE_MS = 150, WRITE_MS = 200, LINGER_MS = 100, HOLD_MS = 150 };

static struct request *held;

static void
handle(void *context UNUSED, struct request *rq)
{
	if (str_is(rq->path, "/held")) {
		request_hold(rq);
		held = rq;
		return;
	}
	if (str_is(rq->path, "/big")) {
		while (reply_body(rq)->n < HTTP_REPLY_MAX - 8)
			buf_text(reply_body(rq), "01234567");
		reply_built(rq, 200, "text/plain");
		return;
	}
	reply_text(rq, 200, "ok");
}

static struct bed
quick_bed(void)
{
	return bed_new((struct http_settings){ .handle = handle,
	    .request_ms = REQUEST_MS,
	    .idle_ms = IDLE_MS,
	    .write_ms = WRITE_MS,
	    .linger_ms = LINGER_MS,
	    .hold_ms = HOLD_MS });
}

static int64_t
ms_since(int64_t began_us)
{
	return (clock_mono_us() - began_us) / 1000;
}

/* Sends text, then one byte of `dribble` a few ms apart, until an answer is there. */
static int
dribble_status(const char *text, const char *dribble, int64_t *ret_ms)
{
	struct bed bed = quick_bed();
	struct client client = client_new(&bed);
	int64_t began_us = clock_mono_us();
	int64_t last_ms = 0;
	int status;

	client_say(&bed, &client, text);
	while (!client_has_answer(&client) && !client.is_over) {
		assert_true(ms_since(began_us) < BED_PATIENCE_MS);
		if (ms_since(began_us) >= last_ms + 10) {
			last_ms = ms_since(began_us);
			client_send(&bed, &client, (struct str){ dribble, 1 });
			if (dribble[1] != '\0')
				dribble++;
		}
		bed_turn(&bed);
	}
	*ret_ms = ms_since(began_us);
	status = client_answer(&bed, &client, NULL, 0);
	BED_UNTIL(&bed, client_is_over(&client));
	assert_int_equal(http_server_counters(bed.server)->timeouts, 1);
	client_free(&client);
	BED_UNTIL(&bed, http_server_counters(bed.server)->connections == 0);
	bed_free(&bed);
	return status;
}

/* The deadline is absolute: bytes that trickle in do not move it. */
static void
dribbling_requests_end(void **state UNUSED)
{
	static const char *const begun[] = {
		"GET / HTTP/1.1\r\nHost: a\r\nX: ",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n",
		"G",
	};
	int64_t ms;

	for (size_t i = 0; i < COUNT(begun); i++) {
		assert_int_equal(
		    dribble_status(begun[i], i == 3 ? "ET /aaaaaaa" : "a", &ms), 408);
		assert_true(ms >= REQUEST_MS - 20 && ms < REQUEST_MS * 4);
	}
}

/* Also for a second request, pipelined behind the first, whose own time begins with it. */
static void
stalled_second_request_ends(void **state UNUSED)
{
	struct bed bed = quick_bed();
	struct client client = client_new(&bed);
	int64_t began_us = clock_mono_us();

	client_say(&bed, &client, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHo");
	assert_int_equal(client_answer(&bed, &client, NULL, 0), 200);
	assert_int_equal(client_answer(&bed, &client, NULL, 0), 408);
	assert_true(ms_since(began_us) >= REQUEST_MS - 20);
	BED_UNTIL(&bed, client_is_over(&client));
	client_free(&client);
	bed_free(&bed);
}

static void
silent_and_idle_clients_are_closed(void **state UNUSED)
{
	struct bed bed = quick_bed();
	struct client silent = client_new(&bed);
	struct client idle = client_new(&bed);
	int64_t began_us;

	client_say(&bed, &idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(client_answer(&bed, &idle, NULL, 0), 200);
	began_us = clock_mono_us();
	BED_UNTIL(&bed, client_is_over(&idle));
	assert_true(ms_since(began_us) >= IDLE_MS - 20 && ms_since(began_us) < IDLE_MS * 4);
	BED_UNTIL(&bed, client_is_over(&silent));
	assert_int_equal(silent.got.n, 0);
	assert_int_equal(idle.got.n, 0);
	assert_int_equal(
	    http_server_counters(bed.server)->timeouts, 0); /* nobody lost anything */
	client_free(&silent);
	client_free(&idle);
	bed_free(&bed);
}

/* An idle deadline is pushed on by each request. */
static void
a_client_in_use_stays(void **state UNUSED)
{
	struct bed bed = quick_bed();
	struct client client = client_new(&bed);
	int64_t began_us = clock_mono_us();
	int64_t asked_ms = 0;

	while (ms_since(began_us) < IDLE_MS * 3) {
		if (ms_since(began_us) < asked_ms) {
			bed_turn(&bed);
			continue;
		}
		client_say(&bed, &client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
		assert_int_equal(client_answer(&bed, &client, NULL, 0), 200);
		asked_ms = ms_since(began_us) + IDLE_MS / 3;
	}
	client_free(&client);
	bed_free(&bed);
}

/* A client with a small window asks for 16 MB, then takes `piece` bytes every 20 ms as long as
 * it is connected, at most for_ms. Returns how long it was. */
static int64_t
slow_reader_ms(size_t piece, int64_t for_ms)
{
	struct bed bed = quick_bed();
	struct client client = { .fd = bed_connect_with(bed.port, 8192) };
	int64_t began_us;
	int64_t read_ms = 0;
	int64_t ms;
	char bytes[8192];

	client_say(&bed, &client, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	BED_UNTIL(&bed, http_server_counters(bed.server)->bytes_out > 0);
	began_us = clock_mono_us();
	while (
	    http_server_counters(bed.server)->connections > 0 && ms_since(began_us) < for_ms) {
		if (piece > 0 && ms_since(began_us) > read_ms + 20) {
			read_ms = ms_since(began_us);
			(void)!recv(client.fd, bytes, piece, MSG_DONTWAIT);
		}
		bed_turn(&bed);
	}
	ms = ms_since(began_us);
	assert_int_equal(http_server_counters(bed.server)->timeouts, ms < for_ms ? 1 : 0);
	client_free(&client);
	bed_free(&bed);
	return ms;
}

static void
slow_reader_is_cut_off(void **state UNUSED)
{
	int64_t ms = slow_reader_ms(0, BED_PATIENCE_MS);

	assert_true(ms >= WRITE_MS - 20 && ms < WRITE_MS * 5);
	ms = slow_reader_ms(1000, BED_PATIENCE_MS); /* taking a little is not enough */
	assert_true(ms >= WRITE_MS - 20 && ms < WRITE_MS * 5);
}

/* One that takes its share in time may stay, though the kernel holds megabytes for it and
 * tells of no room for long. */
static void
steady_reader_may_stay(void **state UNUSED)
{
	int64_t ms = slow_reader_ms(8192, WRITE_MS * 6);

	assert_true(ms >= WRITE_MS * 6);
}

static void
held_request_times_out(void **state UNUSED)
{
	struct bed bed = quick_bed();
	struct client client = client_new(&bed);
	int64_t began_us = clock_mono_us();
	char text[2048];

	held = NULL;
	client_say(
	    &bed, &client, "GET /held HTTP/1.1\r\nHost: a\r\nX-Request-ID: mine\r\n\r\n");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 504);
	assert_true(ms_since(began_us) >= HOLD_MS - 20);
	assert_non_null(strstr(text, "\"request_id\":\"mine\""));
	assert_true(request_is_abandoned(held));
	reply_text(held, 200, "too late"); /* dropped */
	BED_UNTIL(&bed, client_is_over(&client));
	assert_false(client_has(&client, "too late"));
	client_free(&client);
	bed_free(&bed);
}

/* A refused client that neither reads nor closes does not stay. */
static void
lingering_ends(void **state UNUSED)
{
	struct bed bed = quick_bed();
	struct client client = client_new(&bed);
	int64_t began_us = clock_mono_us();

	client_say(&bed, &client, "nonsense\r\n\r\n");
	BED_UNTIL(&bed, http_server_counters(bed.server)->refused == 1);
	assert_int_equal(http_server_counters(bed.server)->connections, 1);
	BED_UNTIL(&bed, http_server_counters(bed.server)->connections == 0);
	assert_true(ms_since(began_us) >= LINGER_MS - 20);
	assert_true(client_has(&client, "HTTP/1.1 400 "));
	client_free(&client);
	bed_free(&bed);
}

/* More deadlines than are handled in one turn, all at the same time. */
static void
many_expire_together(void **state UNUSED)
{
	enum { CLIENTS = HTTP_EXPIRE_MAX * 2 + 10 };
	struct bed bed = quick_bed();
	struct client *clients = calloc(CLIENTS, sizeof(*clients));

	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i] = client_new(&bed);
		bed_turn(&bed);
	}
	BED_UNTIL(&bed, http_server_counters(bed.server)->accepted == CLIENTS
			    && http_server_counters(bed.server)->connections == 0);
	for (size_t i = 0; i < CLIENTS; i++)
		client_free(&clients[i]);
	free(clients);
	bed_free(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dribbling_requests_end),
		cmocka_unit_test(stalled_second_request_ends),
		cmocka_unit_test(silent_and_idle_clients_are_closed),
		cmocka_unit_test(a_client_in_use_stays),
		cmocka_unit_test(slow_reader_is_cut_off),
		cmocka_unit_test(steady_reader_may_stay),
		cmocka_unit_test(held_request_times_out),
		cmocka_unit_test(lingering_ends),
		cmocka_unit_test(many_expire_together),
	};

	return cmocka_run_group_tests_name("http_time", tests, NULL, NULL);
}
