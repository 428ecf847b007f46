/* fuzz_http.c - the HTTP server as a whole: however the bytes of its clients are cut, it says the same
 * byte for byte, answers each request once and in order, and leaves nothing behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "fuzz.h"
#include "http/inside.h"
#include "http/reply.h"
#include "http/server.h"
#include "http/stream.h"
#include "talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum way { AT_ONCE, BYTE_BY_BYTE, IN_PIECES, IMPATIENT, WAYS };
enum { HANDLED_MAX = 4096, BODY_MAX = 300, LARGE = 300000 };

static struct loop *loop;
static struct http_server *server;
static struct request *held;
static size_t held_number;
static bool has_streamed;
static size_t handled;
static bool handled_head[HANDLED_MAX];

/* Three events, and none larger than the input makes it. */
static bool
next_event(void *context, struct stream *stream)
{
	unsigned *left = context;

	if (*left > 0) {
		char text[32];

		snprintf(text, sizeof(text), "line\n%u", *left);
		if (stream_event(stream, *left, "step", str_of(text)))
			(*left)--;
		return true;
	}
	stream_end(stream);
	return false;
}

static void
reply_events(struct request *rq)
{
	unsigned *left = malloc(sizeof(*left));
	uint64_t id = 3;

	CHECK(left != NULL);
	(void)!stream_resume_id(rq, &id);
	*left = (unsigned)(id % 4);
	has_streamed = true;
	reply_stream(
	    rq, &(struct stream_source){ .next = next_event, .gone = free, .context = left });
}

/* Says all that a handler can know. */
static void
echo(struct request *rq, size_t number)
{
	struct buf *body = reply_body(rq);
	struct str value = { "", 0 };

	request_query(rq, "a", &value);
	buf_format(body, "%zu %s %zu %zu %d ", number, method_text(rq->method), rq->path.n,
	    rq->body.n, rq->is_head);
	buf_str(body, rq->path);
	buf_char(body, '|');
	buf_str(body, value);
	buf_char(body, '|');
	buf_str(body, rq->body);
	buf_char(body, '|');
	buf_str(body, request_header(rq, "Cookie"));
	reply_header(rq, "X-Seen", request_header(rq, "Cookie"));
	reply_built(rq, 200, "text/plain");
}

static void
handle(void *context UNUSED, struct request *rq)
{
	static char large[LARGE];
	size_t number = handled++;

	CHECK(number < HANDLED_MAX);
	handled_head[number] = rq->is_head;
	if (str_is(rq->path, "/stream")) {
		reply_events(rq);
	} else if (str_is(rq->path, "/large")) {
		memset(large, 'x', sizeof(large));
		reply_bytes(rq, 200, "text/plain", (struct str){ large, sizeof(large) });
	} else if (str_is(rq->path, "/empty")) {
		reply_empty(rq, 204);
	} else if (str_is(rq->path, "/hold") && held == NULL) {
		held = rq;
		held_number = number;
		request_hold(rq);
	} else if (!str_is(rq->path, "/none")) {
		echo(rq, number);
	}
}

static void
turn(void)
{
	loop_turn(loop, false);
	clock_tick();
	http_server_step(server, 64);
	http_server_release(server);
	if (held != NULL) {
		struct request *rq = held;

		held = NULL;
		echo(rq, held_number);
	}
}

static void
listen_until_quiet(struct talk *talk)
{
	int quiet = 0;

	while (quiet < 4) {
		turn();
		quiet = talk_hear(talk) || http_server_is_busy(server) ? 0 : quiet + 1;
	}
}

static void
say_all(struct talk *talk, struct str input, enum way way)
{
	uint64_t seed = fuzz_seed(input) + 7;
	struct str piece;
	char *memory;

	if (way == AT_ONCE || way == IMPATIENT) {
		talk_say(talk, input);
		if (way == IMPATIENT)
			talk_say_no_more(talk);
		return;
	}
	while ((memory = fuzz_piece(&input, &seed, way == BYTE_BY_BYTE ? 1 : 60, &piece))
	       != NULL) {
		talk_say(talk, piece);
		turn();
		talk_hear(talk);
		free(memory);
	}
}

/* Whether the next answer has a body. Of a refusal nobody knows which method it was for: its body is the
 * error, which ends with a brace. */
static bool
has_body(struct str rest, size_t number)
{
	return number < handled ? !handled_head[number]
				: rest.n > 0 && rest.p[rest.n - 1] == '}';
}

/* In order, one each, and a refusal only as the last. A stream is not even begun for who has left. */
static void
check_answers(const struct talk *talk, enum way way)
{
	size_t unheard = way == IMPATIENT && has_streamed ? 1 : 0;
	struct str rest = buf_view(&talk->heard);
	struct said said;
	size_t count = 0;
	long last = -1;

	while (talk_next_answer(&rest, has_body(rest, count), &said)) {
		if (count < handled && said.body.n > 0 && said.body.p[0] >= '0'
		    && said.body.p[0] <= '9') {
			long number = strtol(said.body.p, NULL, 10);

			CHECK(number > last);
			last = number;
		}
		count++;
	}
	CHECK(count + unheard >= handled && count <= handled + 1);
}

/* Returns what was heard, without 100 Continue; to be freed. */
static struct buf
run(struct str input, enum way way)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct talk talk;
	struct buf all;
	struct str rest;
	const char *at;

	server->id_seed = 1;
	handled = 0;
	has_streamed = false;
	talk_begin(&talk, server);
	say_all(&talk, input, way);
	listen_until_quiet(&talk);
	talk_say_no_more(&talk);
	listen_until_quiet(&talk);
	check_answers(&talk, way);
	buf_init(&all, talk.heard.max);
	rest = buf_view(&talk.heard);
	while (rest.n > 0 && (at = memmem(rest.p, rest.n, go_on, strlen(go_on))) != NULL) {
		buf_add(&all, rest.p, (size_t)(at - rest.p));
		rest.n -= (size_t)(at - rest.p) + strlen(go_on);
		rest.p = at + strlen(go_on);
	}
	buf_str(&all, rest);
	talk_end(&talk);
	for (int i = 0; i < 3; i++)
		turn();
	CHECK(server->body_bytes == 0 && server->conn_count == 0 && server->stream_count == 0);
	CHECK(chain_is_empty(&server->conns) && chain_is_empty(&server->held));
	return all;
}

static void
set_up(void)
{
	static const char *const listen[] = { "unix:/nowhere", NULL };
	struct http_settings settings = {
		.listen = listen, .handle = handle, .body_max = BODY_MAX
	};
	struct err err;

	if (server != NULL)
		return;
	loop = loop_new();
	server = http_server_new(loop, &settings, &err);
	CHECK(server != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = { (const char *)data, size };
	struct buf first;

	set_up();
	first = run(input, AT_ONCE);
	for (int way = BYTE_BY_BYTE; way < WAYS; way++) {
		struct buf other = run(input, (enum way)way);

		/* Who says good-bye to a stream gets no more of it. */
		if (way != IMPATIENT || !has_streamed) {
			CHECK(first.n == other.n);
			CHECK(first.n == 0 || memcmp(first.p, other.p, first.n) == 0);
		}
		buf_free(&other);
	}
	buf_free(&first);
	return 0;
}
