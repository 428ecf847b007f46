/* test_http_life.c - the HTTP server between its callers: the gate before the commit, clients
 * that leave, limits of connections and descriptors, addresses, and the end. */
#include "http_routes.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/log.h"

/* Intent before effect: not one byte before the release. */
static void
nothing_leaves_before_the_release(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);
	struct request *rq;

	bed.is_gated = true;
	client_say(
	    &bed, &client, "GET /hello HTTP/1.1\r\n" H "\r\nGET /hello HTTP/1.1\r\n" H "\r\n");
	BED_UNTIL(&bed, (rq = http_server_take(bed.server)) != NULL);
	reply_text(rq, 200, "secret until committed");
	for (int i = 0; i < 20; i++)
		bed_turn(&bed);
	client_poll(&client);
	assert_int_equal(client.got.n, 0);
	assert_int_equal(http_server_counters(bed.server)->bytes_out, 0);
	assert_null(http_server_take(bed.server)); /* one at a time on a connection */
	http_server_release(bed.server);
	assert_non_null(rq = http_server_take(bed.server));
	reply_text(rq, 200, "the second");
	BED_UNTIL(&bed, client_has(&client, "secret until committed"));
	assert_false(client_has(&client, "the second"));
	http_server_release(bed.server);
	BED_UNTIL(&bed, client_has(&client, "the second"));
	client_free(&client);
	bed_free(&bed);
}

/* The tick dies between handler and commit: the client learns nothing. */
static void
a_tick_that_dies_answers_nothing(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);
	struct request *rq;

	bed.is_gated = true;
	client_say(&bed, &client, "GET /hello HTTP/1.1\r\n" H "\r\n");
	BED_UNTIL(&bed, (rq = http_server_take(bed.server)) != NULL);
	reply_text(rq, 200, "never");
	bed_free(&bed);
	client_poll(&client);
	assert_true(client.is_over);
	assert_int_equal(client.got.n, 0);
	client_free(&client);
}

static void
forgotten_requests_are_answered(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);

	client_say(&bed, &client, "GET /forgotten HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(client_answer(&bed, &client, NULL, 0), 500);
	client_free(&client);
	bed_free(&bed);
}

static void
held_request_is_answered_later(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);
	struct client other = client_new(&bed);
	char text[4096];

	held = NULL;
	client_say(&bed, &client, "GET /held HTTP/1.1\r\n" H "\r\n");
	BED_UNTIL(&bed, held != NULL);
	client_say(&bed, &other, "GET /hello HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(client_answer(&bed, &other, NULL, 0), 200); /* nobody else waits */
	assert_false(request_is_abandoned(held));
	reply_text(held, 200, "at last");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 200);
	assert_non_null(strstr(text, "at last"));
	/* The client leaves: the request stays valid until it is answered. */
	held = NULL;
	client_say(&bed, &client, "GET /held HTTP/1.1\r\n" H "\r\n");
	BED_UNTIL(&bed, held != NULL);
	setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
	    sizeof(struct linger)); /* RST */
	client_free(&client);
	BED_UNTIL(&bed, request_is_abandoned(held));
	assert_true(str_is(held->path, "/held"));
	reply_text(held, 200, "to nobody");
	bed_turn(&bed);
	assert_int_equal(http_server_counters(bed.server)->connections, 1);
	client_free(&other);
	bed_free(&bed);
}

static void
half_closed_client_gets_its_answers(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);

	client_say(&bed, &client,
	    "GET /things/1 HTTP/1.1\r\n" H "\r\nGET /things/2 HTTP/1.1\r\n" H
	    "\r\nGET /things/3 HT");
	shutdown(client.fd, SHUT_WR);
	BED_UNTIL(&bed, client_is_over(&client));
	assert_false(client.is_reset);
	assert_true(client_has(&client, "thing=1"));
	assert_true(client_has(&client, "thing=2"));
	client_free(&client);
	client = client_new(&bed);
	held = NULL;
	client_say(&bed, &client, "GET /held HTTP/1.1\r\n" H "\r\n");
	shutdown(client.fd, SHUT_WR);
	BED_UNTIL(&bed, held != NULL);
	for (int i = 0; i < 5; i++)
		bed_turn(&bed);
	reply_text(held, 200, "at last");
	BED_UNTIL(&bed, client_is_over(&client));
	assert_true(client_has(&client, "at last"));
	client_free(&client);
	BED_UNTIL(&bed, http_server_counters(bed.server)->connections == 0);
	bed_free(&bed);
}

/* Every prefix of a request, then the client is gone: nothing stays behind. */
static void
clients_may_leave_at_any_byte(void **state UNUSED)
{
	static const char whole[] =
	    "POST /echo HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /big HTTP/1.1\r\n" H
	    "\r\n";
	struct bed bed = usual_bed();

	big_size = 4 << 20;
	for (size_t n = 0; n < sizeof(whole); n++) {
		struct client client = client_new(&bed);

		client_send(&bed, &client, (struct str){ whole, n });
		for (size_t i = 0; i < n % 4; i++)
			bed_turn(&bed);
		if (n % 2)
			setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
			    sizeof(struct linger));
		client_free(&client);
	}
	BED_UNTIL(&bed, http_server_counters(bed.server)->accepted == sizeof(whole)
			    && http_server_counters(bed.server)->connections == 0);
	bed_free(&bed);
}

static void
connections_are_limited(void **state UNUSED)
{
	struct bed bed =
	    bed_new((struct http_settings){ .handle = handle, .connections_max = 10 });
	struct client clients[15];

	for (size_t i = 0; i < COUNT(clients); i++) {
		clients[i] = client_new(&bed);
		client_say(&bed, &clients[i], "GET /hello HTTP/1.1\r\n" H "\r\n");
	}
	for (size_t i = 0; i < 10; i++)
		BED_UNTIL(&bed, client_has_answer(&clients[i]));
	for (int i = 0; i < 20; i++)
		bed_turn(&bed);
	for (size_t i = 10; i < COUNT(clients); i++)
		assert_false(client_has_answer(&clients[i]));
	assert_int_equal(http_server_counters(bed.server)->connections, 10);
	for (size_t i = 0; i < 5; i++)
		client_free(&clients[i]);
	for (size_t i = 10; i < COUNT(clients); i++)
		BED_UNTIL(&bed, client_has_answer(&clients[i]));
	assert_int_equal(http_server_counters(bed.server)->connections, 10);
	for (size_t i = 5; i < COUNT(clients); i++)
		client_free(&clients[i]);
	BED_UNTIL(&bed, http_server_counters(bed.server)->connections == 0);
	bed_free(&bed);
}

/* Out of descriptors: no spinning, and those who wait are served when there are some again. */
static void
descriptors_may_run_out(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);
	struct rlimit limit;
	struct rlimit low;
	int64_t until_us;
	int lowest = dup(0);
	int turns = 0;

	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)lowest;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	client_say(&bed, &client, "GET /hello HTTP/1.1\r\n" H "\r\n");
	until_us = clock_mono_us() + 250000;
	while (clock_mono_us() < until_us) {
		bed_turn(&bed);
		turns++;
	}
	assert_true(http_server_counters(bed.server)->accept_pauses >= 1);
	assert_true(http_server_counters(bed.server)->accept_pauses <= 4);
	assert_true(turns <= 250 / BED_TURN_MS + 10);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(client_answer(&bed, &client, NULL, 0), 200);
	client_free(&client);
	bed_free(&bed);
}

static void
drain_lets_requests_finish(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client idle = client_new(&bed);
	struct client busy = client_new(&bed);
	struct client partial = client_new(&bed);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(bed.port) };
	char text[4096];
	int fd;

	client_say(&bed, &idle, "GET /hello HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(client_answer(&bed, &idle, NULL, 0), 200);
	held = NULL;
	client_say(&bed, &busy, "GET /held HTTP/1.1\r\n" H "\r\n");
	client_say(&bed, &partial, "GET /hello HTTP/1.1\r\nHo");
	BED_UNTIL(&bed, held != NULL && http_server_counters(bed.server)->bytes_in > 85);
	http_server_stop_accepting(bed.server);
	http_server_drain(bed.server);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
	close(fd);
	BED_UNTIL(&bed, client_is_over(&idle));
	assert_false(http_server_is_drained(bed.server));
	client_say(&bed, &partial, "st: a\r\n\r\n");
	assert_int_equal(client_answer(&bed, &partial, text, sizeof(text)), 200);
	assert_non_null(strstr(text, "Connection: close\r\n"));
	assert_false(http_server_is_drained(bed.server));
	reply_text(held, 200, "done");
	assert_int_equal(client_answer(&bed, &busy, text, sizeof(text)), 200);
	assert_non_null(strstr(text, "Connection: close\r\n"));
	BED_UNTIL(&bed, http_server_is_drained(bed.server));
	client_free(&idle);
	client_free(&busy);
	client_free(&partial);
	bed_free(&bed);
}

/* A reply that is leaving when the end comes arrives whole, then the connection closes. */
static void
drain_lets_replies_leave(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);

	big_size = 8 << 20;
	client_say(&bed, &client, "GET /big HTTP/1.1\r\n" H "\r\n");
	BED_UNTIL(&bed, http_server_counters(bed.server)->bytes_out > 0);
	assert_true(http_server_counters(bed.server)->bytes_out < big_size);
	http_server_drain(bed.server);
	bed_turn(&bed);
	assert_false(http_server_is_drained(bed.server));
	BED_UNTIL(&bed, client_is_over(&client));
	assert_false(client.is_reset);
	assert_int_equal(answer_size(buf_view(&client.got), true), client.got.n);
	BED_UNTIL(&bed, http_server_is_drained(bed.server));
	client_free(&client);
	bed_free(&bed);
}

/* What listening on the addresses says; NULL when it works. */
static const char *
listen_fault(struct loop *loop, const char *address)
{
	static struct err err;
	const char *const listen[] = { address, NULL };
	struct http_settings settings = { .listen = listen, .handle = handle };
	struct http_server *server = http_server_new(loop, &settings, &err);
	int opened = server == NULL ? -1 : http_server_open(server, &err);

	http_server_free(server);
	return opened == 0 ? NULL : err.text;
}

static void
addresses_are_checked(void **state UNUSED)
{
	static const char *const bad[] = { "", "8080", ":8080", "localhost:8080", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:99999", "::1:80", "[::1]", "[::g]:80", "[]:80",
		"[:80", "1.2.3:80", "unix:", "127.0.0.1:80x" };
	struct loop *loop = loop_new();
	struct bed bed = usual_bed();
	char taken[64];

	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *fault = listen_fault(loop, bad[i]);
		if (fault == NULL || strstr(fault, bad[i]) == NULL)
			fail_msg("%s: %s", bad[i], fault == NULL ? "accepted" : fault);
	}
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", bed.port);
	assert_non_null(listen_fault(loop, taken));
	assert_non_null(strstr(listen_fault(loop, taken), "in use by another program"));
	assert_null(listen_fault(loop, "127.0.0.1:0"));
	bed_free(&bed);
	loop_free(loop);
}

static void
nothing_is_accepted_before_open(void **state UNUSED)
{
	static const char *const listen[] = { "127.0.0.1:0", NULL };
	struct http_settings settings = { .listen = listen, .handle = handle };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct loop *loop = loop_new();
	struct err err;
	struct http_server *server = http_server_new(loop, &settings, &err);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_non_null(server);
	to.sin_port = htons(http_server_port(server, 0));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	http_server_free(server);
	loop_free(loop);
}

static void
unix_socket_serves(void **state UNUSED)
{
	char directory[] = "/tmp/slipway-test-XXXXXX";
	char address[64];
	const char *const listen[] = { "[::1]:0", address, NULL };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct client client = { .fd = socket(AF_UNIX, SOCK_STREAM, 0) };
	struct loop *loop = loop_new();
	struct stat st;
	struct bed bed;
	char text[4096];
	int stale;

	assert_non_null(mkdtemp(directory));
	snprintf(address, sizeof(address), "unix:%s/s", directory);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/s", directory);
	stale = socket(AF_UNIX, SOCK_STREAM, 0); /* left by one that was killed */
	assert_int_equal(bind(stale, (struct sockaddr *)&to, sizeof(to)), 0);
	close(stale);
	bed = bed_new((struct http_settings){ .listen = listen, .handle = handle });
	assert_int_not_equal(bed.port, 0);
	assert_int_equal(stat(to.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0117u, 0);
	buf_init(&client.got, 65536);
	assert_int_equal(connect(client.fd, (struct sockaddr *)&to, sizeof(to)), 0);
	client_say(&bed, &client, "GET /facts HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 200);
	assert_non_null(strstr(text, "|unix|"));
	assert_non_null(strstr(listen_fault(loop, address), "in use"));
	client_free(&client);
	bed_free(&bed);
	assert_int_equal(stat(to.sun_path, &st), -1); /* cleaned up */
	assert_int_equal(rmdir(directory), 0);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_leaves_before_the_release),
		cmocka_unit_test(a_tick_that_dies_answers_nothing),
		cmocka_unit_test(forgotten_requests_are_answered),
		cmocka_unit_test(held_request_is_answered_later),
		cmocka_unit_test(half_closed_client_gets_its_answers),
		cmocka_unit_test(clients_may_leave_at_any_byte),
		cmocka_unit_test(connections_are_limited),
		cmocka_unit_test(descriptors_may_run_out),
		cmocka_unit_test(drain_lets_requests_finish),
		cmocka_unit_test(drain_lets_replies_leave),
		cmocka_unit_test(addresses_are_checked),
		cmocka_unit_test(nothing_is_accepted_before_open),
		cmocka_unit_test(unix_socket_serves),
	};

	log_setup(LOG_ERROR, false, 2);
	return cmocka_run_group_tests_name("http_life", tests, NULL, NULL);
}
