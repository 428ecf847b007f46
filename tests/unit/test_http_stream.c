/* test_http_stream.c - event streams: resuming, waking, slow readers, heartbeats and the
 * end. */
#include "http_bed.h"

#include <inttypes.h>

enum { EVENTS_MAX = 100000 };

/* The world behind the streams: event n exists when n <= last. */
static uint64_t last_id;
static uint64_t asked;
static uint64_t gone;
static size_t data_size;
static bool ends_at_last;

struct subscriber {
	uint64_t cursor;
};

static bool
on_next(void *context, struct stream *stream)
{
	struct subscriber *subscriber = context;
	struct buf data;
	bool fits = true;

	asked++;
	buf_init(&data, 1 << 20);
	while (fits && subscriber->cursor < last_id) {
		buf_clear(&data);
		buf_format(&data, "{\"n\":%" PRIu64 "}", subscriber->cursor + 1);
		while (data.n < data_size)
			buf_char(&data, '.');
		fits = stream_event(stream, subscriber->cursor + 1, "step", buf_view(&data));
		if (fits)
			subscriber->cursor++;
	}
	buf_free(&data);
	if (ends_at_last && subscriber->cursor == last_id)
		stream_end(stream);
	return subscriber->cursor < last_id;
}

static void
on_gone(void *context)
{
	gone++;
	free(context);
}

static void
handle(void *context UNUSED, struct request *rq)
{
	struct subscriber *subscriber;
	struct str topic;
	uint64_t number = 0;

	if (!str_is(rq->path, "/events")) {
		reply_text(rq, 200, "other");
		return;
	}
	subscriber = calloc(1, sizeof(*subscriber));
	if (request_query(rq, "topic", &topic))
		assert_true(str_number(topic, 1000, &number));
	stream_resume_id(rq, &subscriber->cursor);
	reply_stream(rq,
	    &(struct stream_source){
		.topic = number, .next = on_next, .gone = on_gone, .context = subscriber });
}

static struct bed
stream_bed(struct http_settings settings)
{
	last_id = 0;
	asked = 0;
	gone = 0;
	data_size = 0;
	ends_at_last = false;
	settings.handle = handle;
	return bed_new(settings);
}

static uint64_t
streams_now(const struct bed *bed)
{
	return http_server_counters(bed->server)->streams;
}

static struct client
subscribe(struct bed *bed, const char *query, const char *headers)
{
	struct client client = client_new(bed);
	char text[256];

	snprintf(
	    text, sizeof(text), "GET /events%s HTTP/1.1\r\nHost: a\r\n%s\r\n", query, headers);
	client_say(bed, &client, text);
	BED_UNTIL(bed, client_has(&client, "\r\n\r\nretry: "));
	return client;
}

static void
publish(struct bed *bed, uint64_t count, uint64_t topic)
{
	last_id += count;
	http_streams_wake(bed->server, topic);
}

static void
settle(struct bed *bed)
{
	for (int i = 0; i < 10; i++)
		bed_turn(bed);
}

static void
events_arrive_and_resume(void **state UNUSED)
{
	struct bed bed = stream_bed((struct http_settings){ 0 });
	struct client client;

	last_id = 2; /* before anybody listens */
	client = subscribe(&bed, "", "");
	assert_non_null(strstr(client.got.p, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(client.got.p, "\r\nContent-Type: text/event-stream\r\n"));
	assert_non_null(strstr(client.got.p, "\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr(client.got.p, "\r\nConnection: close\r\n"));
	assert_null(strstr(client.got.p, "Content-Length"));
	BED_UNTIL(&bed, client_has(&client, "id: 1\nevent: step\ndata: {\"n\":1}\n\n"
					    "id: 2\nevent: step\ndata: {\"n\":2}\n\n"));
	publish(&bed, 1, 7);
	BED_UNTIL(&bed, client_has(&client, "data: {\"n\":3}\n\n"));
	client_free(&client);
	client = subscribe(&bed, "", "Last-Event-ID: 2\r\n");
	BED_UNTIL(&bed, client_has(&client, "data: {\"n\":3}\n\n"));
	assert_null(strstr(client.got.p, "{\"n\":2}"));
	client_free(&client);
	client = subscribe(&bed, "", "Last-Event-ID: x\r\n");
	BED_UNTIL(&bed, client_has(&client, "data: {\"n\":1}\n\n"));
	client_free(&client);
	BED_UNTIL(&bed, streams_now(&bed) == 0);
	assert_int_equal(gone, 3);
	bed_free(&bed);
}

/* Bytes of events wait for the release like everything else. */
static void
events_wait_for_the_release(void **state UNUSED)
{
	struct bed bed = stream_bed((struct http_settings){ 0 });
	struct client client = subscribe(&bed, "", "");

	settle(&bed);
	buf_clear(&client.got);
	bed.is_gated = true;
	publish(&bed, 1, 1);
	settle(&bed);
	assert_false(client_has(&client, "data"));
	assert_true(http_server_is_busy(bed.server));
	http_server_release(bed.server);
	BED_UNTIL(&bed, client_has(&client, "data: {\"n\":1}\n\n"));
	client_free(&client);
	bed_free(&bed);
}

static void
only_its_topic_wakes_a_stream(void **state UNUSED)
{
	struct bed bed = stream_bed((struct http_settings){ 0 });
	struct client one = subscribe(&bed, "?topic=1", "");
	struct client two = subscribe(&bed, "?topic=2", "");
	struct client all = subscribe(&bed, "", "");

	settle(&bed);
	asked = 0;
	publish(&bed, 1, 1);
	BED_UNTIL(&bed, client_has(&one, "{\"n\":1}") && client_has(&all, "{\"n\":1}"));
	settle(&bed);
	assert_int_equal(asked, 2);
	assert_false(client_has(&two, "{\"n\":1}"));
	publish(&bed, 1, 2);
	for (uint64_t topic = 100; topic < 200; topic++) /* more than are told apart */
		http_streams_wake(bed.server, topic);
	BED_UNTIL(&bed, client_has(&two, "{\"n\":2}") && client_has(&one, "{\"n\":2}"));
	client_free(&one);
	client_free(&two);
	client_free(&all);
	bed_free(&bed);
}

static void
disconnect_is_noticed_at_once(void **state UNUSED)
{
	struct bed bed = stream_bed((struct http_settings){ 0 });
	struct client client = subscribe(&bed, "", "");

	settle(&bed);
	assert_int_equal(http_server_counters(bed.server)->connections, 0);
	client_free(&client);
	for (int i = 0; i < 3 && gone == 0; i++)
		bed_turn(&bed);
	assert_int_equal(gone, 1);
	assert_int_equal(streams_now(&bed), 0);
	/* It leaves between its request and the release. */
	client = client_new(&bed);
	client_say(&bed, &client, "GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
	bed.is_gated = true;
	while (http_server_counters(bed.server)->requests < 2)
		bed_turn(&bed);
	http_server_step(bed.server, 1);
	setsockopt(
	    client.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	client_free(&client);
	BED_UNTIL(&bed, http_server_counters(bed.server)->connections == 0);
	assert_int_equal(gone, 2);
	http_server_release(bed.server);
	bed_free(&bed);
}

static void
heartbeats_keep_it_alive(void **state UNUSED)
{
	struct bed bed = stream_bed((struct http_settings){ .heartbeat_ms = 40 });
	struct client client = subscribe(&bed, "", "");
	int64_t began_us = clock_mono_us();

	bed.is_gated = true; /* they carry nothing, so they need no commit */
	BED_UNTIL(&bed, client_has(&client, ":\n\n:\n\n:\n\n"));
	assert_true(clock_mono_us() - began_us >= 110000);
	client_free(&client);
	BED_UNTIL(&bed, gone == 1);
	bed_free(&bed);
}

/* One that does not read is cut off; it holds no memory to speak of and disturbs nobody. */
static void
slow_subscriber_is_cut_off(void **state UNUSED)
{
	struct bed bed = stream_bed((struct http_settings){ .write_ms = 300 });
	struct client slow = subscribe(&bed, "", "");
	struct client fast = subscribe(&bed, "", "");
	int64_t until_us = clock_mono_us() + (int64_t)BED_PATIENCE_MS * 1000;

	data_size = 8000;
	while (gone == 0) { /* the kernel's buffers take some megabytes first */
		assert_true(clock_mono_us() < until_us);
		publish(&bed, 50, 1);
		bed_turn(&bed);
		client_poll(&fast);
		buf_clear(&fast.got);
	}
	assert_int_equal(streams_now(&bed), 1);
	assert_int_equal(http_server_counters(bed.server)->timeouts, 1);
	data_size = 0;
	publish(&bed, 1, 1);
	until_us = clock_mono_us() + (int64_t)BED_PATIENCE_MS * 1000;
	for (;;) {
		char wanted[64];

		snprintf(wanted, sizeof(wanted), "data: {\"n\":%" PRIu64 "}\n\n", last_id);
		if (client_has(&fast, wanted))
			break;
		assert_true(clock_mono_us() < until_us);
		bed_turn(&bed);
	}
	client_free(&slow);
	client_free(&fast);
	bed_free(&bed);
}

/* The first line behind this one that begins so. A sanitizer's strstr() would look at all ten megabytes each time. */
static const char *
next_id(const char *at, const char *end)
{
	do {
		at = memchr(at, '\n', (size_t)(end - at));
		if (at == NULL)
			return NULL;
		at++;
	} while (end - at < 4 || memcmp(at, "id: ", 4) != 0);
	return at;
}

/* One that reads slowly, but reads, gets every event once and in order. */
static void
backlog_arrives_complete(void **state UNUSED)
{
	struct bed bed = stream_bed((struct http_settings){ 0 });
	struct client client;
	char wanted[64];
	const char *at;

	last_id = 20000;
	data_size = 500;
	client = subscribe(&bed, "", "");
	BED_UNTIL(&bed, client_has(&client, "data: {\"n\":20000}"));
	settle(&bed);
	client_poll(&client);
	at = client.got.p;
	for (uint64_t n = 1; n <= last_id; n++) {
		snprintf(wanted, sizeof(wanted), "id: %" PRIu64 "\n", n);
		at = next_id(at, client.got.p + client.got.n);
		assert_non_null(at);
		assert_int_equal(strncmp(at, wanted, strlen(wanted)), 0);
	}
	assert_null(next_id(at, client.got.p + client.got.n));
	client_free(&client);
	bed_free(&bed);
}

static void
a_tick_serves_a_slice(void **state UNUSED)
{
	enum { SUBSCRIBERS = SSE_WAKE_MAX + 44 };
	struct bed bed = stream_bed((struct http_settings){ 0 });
	struct client *clients = calloc(SUBSCRIBERS, sizeof(*clients));

	for (size_t i = 0; i < SUBSCRIBERS; i++)
		clients[i] = subscribe(&bed, "", "");
	settle(&bed);
	asked = 0;
	publish(&bed, 1, 1);
	http_server_release(bed.server);
	assert_int_equal(asked, SSE_WAKE_MAX);
	assert_true(http_server_is_busy(bed.server));
	http_server_release(bed.server);
	assert_int_equal(asked, SUBSCRIBERS);
	assert_false(http_server_is_busy(bed.server));
	for (size_t i = 0; i < SUBSCRIBERS; i++) {
		BED_UNTIL(&bed, client_has(&clients[i], "{\"n\":1}"));
		client_free(&clients[i]);
	}
	BED_UNTIL(&bed, gone == SUBSCRIBERS);
	free(clients);
	bed_free(&bed);
}

static void
streams_are_limited_apart(void **state UNUSED)
{
	struct bed bed =
	    stream_bed((struct http_settings){ .connections_max = 2, .streams_max = 3 });
	struct client streams[3];
	struct client client;
	char text[2048];

	for (size_t i = 0; i < COUNT(streams); i++)
		streams[i] = subscribe(&bed, "", "");
	client = client_new(&bed); /* streams do not use up the connections */
	client_say(&bed, &client, "GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 503);
	assert_non_null(strstr(text, "\"BUSY\""));
	assert_non_null(strstr(text, "Retry-After: "));
	assert_int_equal(gone, 1);
	client_say(&bed, &client, "HEAD /events HTTP/1.1\r\nHost: a\r\n\r\n");
	BED_UNTIL(&bed, client_has(&client, "text/event-stream"));
	assert_int_equal(gone, 2);
	client_free(&streams[0]);
	BED_UNTIL(&bed, streams_now(&bed) == 2);
	buf_clear(&client.got);
	client_say(&bed, &client, "GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
	BED_UNTIL(&bed, client_has(&client, "retry: "));
	client_free(&streams[1]);
	client_free(&streams[2]);
	client_free(&client);
	BED_UNTIL(&bed, streams_now(&bed) == 0);
	assert_int_equal(gone, 6); /* four streams, one refused, one HEAD */
	bed_free(&bed);
}

static void
source_may_end_it(void **state UNUSED)
{
	struct bed bed = stream_bed((struct http_settings){ 0 });
	struct client client;

	last_id = 3;
	ends_at_last = true;
	client = subscribe(&bed, "", "");
	BED_UNTIL(&bed, client_is_over(&client));
	assert_false(client.is_reset);
	assert_true(client_has(&client, "data: {\"n\":3}\n\n"));
	client_free(&client);
	client = subscribe(&bed, "", "Last-Event-ID: 3\r\n"); /* ends without a word */
	BED_UNTIL(&bed, client_is_over(&client));
	assert_int_equal(gone, 2);
	client_free(&client);
	BED_UNTIL(&bed, http_server_counters(bed.server)->connections == 0);
	bed_free(&bed);
}

static void
drain_ends_streams(void **state UNUSED)
{
	struct bed bed = stream_bed((struct http_settings){ 0 });
	struct client idle = subscribe(&bed, "", "");
	struct client asking = client_new(&bed);

	client_say(&bed, &asking, "GET /events HTTP/1.1\r\nHost: a\r\n\r");
	while (http_server_counters(bed.server)->bytes_in < 60)
		bed_turn(&bed);
	http_server_drain(bed.server);
	BED_UNTIL(&bed, client_is_over(&idle));
	assert_false(idle.is_reset);
	client_say(&bed, &asking, "\n");
	assert_int_equal(client_answer(&bed, &asking, NULL, 0), 503);
	assert_int_equal(gone, 2);
	BED_UNTIL(&bed, http_server_is_drained(bed.server));
	client_free(&idle);
	client_free(&asking);
	bed_free(&bed);
}

static struct str event_data;

static bool
on_next_once(void *context, struct stream *stream)
{
	uint64_t *told = context;

	if (*told == 0)
		assert_true(stream_event(stream, 0, NULL, event_data));
	*told = 1;
	return false;
}

static void
on_gone_once(void *context UNUSED)
{
}

static void
handle_once(void *context, struct request *rq)
{
	reply_stream(rq, &(struct stream_source){
			     .next = on_next_once, .gone = on_gone_once, .context = context });
}

static void
event_text_is_framed(void **state UNUSED)
{
	uint64_t told = 0;
	struct bed bed =
	    bed_new((struct http_settings){ .handle = handle_once, .context = &told });
	struct client client;
	struct buf large;

	event_data = STR("a\r\nb\n\nevent: x\rid: 1");
	client = subscribe(&bed, "", "");
	BED_UNTIL(&bed,
	    client_has(&client, "\n\ndata: a\ndata: b\ndata: \ndata: event: x id: 1\n\n"));
	client_free(&client);
	told = 0;
	event_data = STR("");
	client = subscribe(&bed, "", "");
	BED_UNTIL(&bed, client_has(&client, "\n\ndata: \n\n"));
	client_free(&client);
	told = 0;
	buf_init(&large, SSE_BUFFER_MAX);
	while (large.n < SSE_BUFFER_MAX)
		buf_char(&large, 'x');
	event_data = buf_view(&large);
	client = subscribe(&bed, "", "");
	BED_UNTIL(&bed, client_has(&client, ": an event was too large"));
	assert_null(strstr(client.got.p, "xxx"));
	client_free(&client);
	buf_free(&large);
	bed_free(&bed);
}

static bool
on_next_silent(void *context, struct stream *stream UNUSED)
{
	++*(uint64_t *)context;
	return true;
}

static void
handle_silent(void *context, struct request *rq)
{
	reply_stream(
	    rq, &(struct stream_source){
		    .next = on_next_silent, .gone = on_gone_once, .context = context });
}

/* It says that there is more and writes none of it. */
static void
silent_source_does_not_spin(void **state UNUSED)
{
	uint64_t count = 0;
	struct bed bed =
	    bed_new((struct http_settings){ .handle = handle_silent, .context = &count });
	struct client client = subscribe(&bed, "", "");

	settle(&bed);
	assert_int_equal(count, 1);
	assert_false(http_server_is_busy(bed.server));
	http_streams_wake(bed.server, 1);
	settle(&bed);
	assert_int_equal(count, 2);
	client_free(&client);
	bed_free(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_arrive_and_resume),
		cmocka_unit_test(events_wait_for_the_release),
		cmocka_unit_test(only_its_topic_wakes_a_stream),
		cmocka_unit_test(disconnect_is_noticed_at_once),
		cmocka_unit_test(heartbeats_keep_it_alive),
		cmocka_unit_test(slow_subscriber_is_cut_off),
		cmocka_unit_test(backlog_arrives_complete),
		cmocka_unit_test(a_tick_serves_a_slice),
		cmocka_unit_test(streams_are_limited_apart),
		cmocka_unit_test(source_may_end_it),
		cmocka_unit_test(drain_ends_streams),
		cmocka_unit_test(event_text_is_framed),
		cmocka_unit_test(silent_source_does_not_spin),
	};

	return cmocka_run_group_tests_name("http_stream", tests, NULL, NULL);
}
