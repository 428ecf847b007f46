/* scripted_fetch.c - see scripted_fetch.h. Nothing is ever sent. */
#include "scripted_fetch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/loop.h"
#include "fuzz.h"
#include "ports/fetch_text.h"

enum { HOUR_MS = 3600000, PIECE_MAX = 400 };

struct fetch_transfer {
	TAILQ_ENTRY(fetch_transfer) entry;
	struct fetch *fetch;
	struct loop_timer *timer;
	fetch_body_fn *on_body;
	fetch_done_fn *on_done;
	void *context;
	char *method;
	char *url;
	bool is_head;
	bool is_delivering;
	bool is_cancelled; /* while delivering */
	size_t body_max;
	int64_t patience_ms;
	int status;
	struct buf headers;
	struct buf body;
};

TAILQ_HEAD(transfer_list, fetch_transfer);

struct fetch {
	struct loop *loop;
	struct transfer_list all;
	uint32_t count;
};

static struct {
	struct str rest;
	uint64_t seed;
	uint32_t requests;
	script_watch_fn *watch;
	script_model_fn *model;
	bool repeats_model;
	void *context;
} script;

void
script_set(struct str text, script_watch_fn *watch, void *context)
{
	script.rest = text;
	script.seed = fuzz_seed(text);
	script.requests = 0;
	script.repeats_model = false;
	script.watch = watch;
	script.context = context;
}

void
script_set_model(script_model_fn *model)
{
	script.model = model;
}

void
script_repeat_model(void)
{
	script.repeats_model = true;
}

bool
script_is_over(void)
{
	return script.rest.n == 0;
}

uint32_t
script_requests(void)
{
	return script.requests;
}

struct fetch *
fetch_new(struct loop *loop)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	CHECK(fetch != NULL);
	fetch->loop = loop;
	TAILQ_INIT(&fetch->all);
	return fetch;
}

static void
transfer_free(struct fetch_transfer *t)
{
	TAILQ_REMOVE(&t->fetch->all, t, entry);
	t->fetch->count--;
	loop_timer_free(t->timer);
	buf_free(&t->headers);
	buf_free(&t->body);
	free(t->method);
	free(t->url);
	free(t);
}

void
fetch_free(struct fetch *fetch)
{
	if (fetch == NULL)
		return;
	while (!TAILQ_EMPTY(&fetch->all))
		transfer_free(TAILQ_FIRST(&fetch->all));
	free(fetch);
}

/* Adds text with {sha256} replaced by the digest of body. */
static void
add_digested(struct buf *to, struct str text, struct str body)
{
	static const char mark[] = "{sha256}";
	char hex[HASH_HEX_SIZE];
	const char *at;

	while (text.n > 0 && (at = memmem(text.p, text.n, mark, sizeof(mark) - 1)) != NULL) {
		size_t n = (size_t)(at - text.p);

		hash_sha256_hex(body, hex);
		buf_add(to, text.p, n);
		buf_format(to, "sha256:%s", hex);
		text.p += n + sizeof(mark) - 1;
		text.n -= n + sizeof(mark) - 1;
	}
	buf_str(to, text);
}

static void
read_part(struct fetch_transfer *t, struct str part)
{
	struct str line;
	const char *gap = memmem(part.p, part.n, "\n\n", 2);
	struct str body = { "", 0 };

	if (str_starts(part, "\n")) { /* no headers */
		body = (struct str){ part.p + 1, part.n - 1 };
		part.n = 0;
	} else if (gap != NULL) {
		body = (struct str){ gap + 2, part.n - (size_t)(gap + 2 - part.p) };
		part.n = (size_t)(gap - part.p);
	}
	add_digested(&t->body, body, (struct str){ "", 0 });
	buf_format(&t->headers, "HTTP/1.1 %d Said\r\n", t->status);
	while (part.n > 0) {
		part = str_cut(part, '\n', &line);
		add_digested(&t->headers, line, buf_view(&t->body));
		buf_text(&t->headers, "\r\n");
	}
	buf_text(&t->headers, "\r\n");
}

/* Gives out the body. false: whoever takes it has had enough, or it is too large. */
static bool
hand_out(struct fetch_transfer *t, enum fetch_outcome *outcome)
{
	struct str rest = buf_view(&t->body);
	size_t taken = 0;
	struct str piece;
	char *memory;

	while (!t->is_cancelled
	       && (memory = fuzz_piece(&rest, &script.seed, PIECE_MAX, &piece)) != NULL) {
		bool goes_on = true;

		taken += piece.n;
		if (t->body_max != 0 && taken > t->body_max) {
			*outcome = FETCH_TOO_LARGE;
			goes_on = false;
		} else if (t->on_body != NULL && !t->on_body(t->context, piece)) {
			*outcome = FETCH_BROKEN;
			goes_on = false;
		}
		free(memory);
		if (!goes_on)
			return false;
	}
	return true;
}

static void
finish(struct fetch_transfer *t, enum fetch_outcome outcome, const char *why)
{
	struct fetch_result result = { .outcome = outcome,
		.status = outcome == FETCH_ANSWERED ? t->status : 0,
		.body = { "", 0 },
		.why = outcome == FETCH_ANSWERED ? NULL : why,
		.transfer = t };
	fetch_done_fn *on_done = t->on_done;
	char *copy = NULL;

	if (outcome == FETCH_ANSWERED && t->on_body == NULL && !t->is_head && t->body.n > 0) {
		copy = malloc(t->body.n);
		CHECK(copy != NULL);
		memcpy(copy, t->body.p, t->body.n);
		result.body = (struct str){ copy, t->body.n };
	}
	on_done(t->context, &result);
	free(copy);
	transfer_free(t);
}

static void
on_silence_over(void *context)
{
	finish(context, FETCH_BROKEN, "no answer came in time");
}

static void
answer(struct fetch_transfer *t, struct str part)
{
	enum fetch_outcome outcome = FETCH_ANSWERED;

	read_part(t, part);
	if (!t->is_head)
		hand_out(t, &outcome);
	if (t->is_cancelled)
		transfer_free(t);
	else
		finish(t, outcome, "the answer was cut off");
}

static void
follow_part(struct fetch_transfer *t, struct str part)
{
	struct str word;
	uint64_t status;

	part = str_cut(part, '\n', &word);
	t->is_delivering = true;
	if (str_is(word, "silent")) {
		t->is_delivering = false;
		loop_timer_free(t->timer);
		t->timer = loop_timer_new(t->fetch->loop, on_silence_over, t);
		loop_timer_set(t->timer, t->patience_ms);
	} else if (str_is(word, "broken")) {
		finish(t, FETCH_BROKEN, "the connection was closed");
	} else if (str_is(word, "large")) {
		finish(t, FETCH_TOO_LARGE, "the answer is larger than allowed");
	} else if (str_number(word, 999, &status) && status >= 100) {
		t->status = (int)status;
		answer(t, part);
	} else {
		finish(t, FETCH_UNREACHED, "connection refused");
	}
}

static void
on_time(void *context)
{
	struct fetch_transfer *t = context;
	struct str part = { "unreached", 9 };
	struct buf good;

	if (!fuzz_next_part(&script.rest, &part) && script.repeats_model)
		part = STR("ok");
	buf_init(&good, FETCH_BODY_MAX);
	if (str_is(part, "ok") && script.model != NULL) {
		script.model(t->method, t->url, &good);
		part = buf_view(&good);
	}
	follow_part(t, part);
	buf_free(&good);
}

static int64_t
patience(const struct fetch_request *request)
{
	if (request->stall_ms > 0)
		return request->stall_ms;
	return request->total_ms == 0  ? 30000
	       : request->total_ms < 0 ? HOUR_MS
				       : request->total_ms;
}

/* What every port owes to whoever reads its requests. */
static void
check_request(const struct fetch_request *request)
{
	CHECK(request->on_done != NULL);
	CHECK(strncasecmp(request->url, "http://", 7) == 0
	      || strncasecmp(request->url, "https://", 8) == 0);
	for (const char *c = request->url; *c != '\0'; c++)
		CHECK(*c > ' ' && *c < 0x7f);
	for (const char *const *h = request->headers; h != NULL && *h != NULL; h++)
		CHECK(strpbrk(*h, "\r\n") == NULL && strchr(*h, ':') != NULL);
}

struct fetch_transfer *
fetch_start(struct fetch *fetch, const struct fetch_request *request)
{
	struct fetch_transfer *t = calloc(1, sizeof(*t));

	CHECK(t != NULL);
	check_request(request);
	log_debug(NULL, "fuzz.request", "%s %s",
	    request->method == NULL ? "GET" : request->method, request->url);
	if (script.watch != NULL)
		script.watch(script.context, request);
	script.requests++;
	t->fetch = fetch;
	t->method = fuzz_text(str_of(request->method == NULL ? "GET" : request->method));
	t->url = fuzz_text(str_of(request->url));
	t->on_body = request->on_body;
	t->on_done = request->on_done;
	t->context = request->context;
	t->is_head = strcmp(t->method, "HEAD") == 0;
	t->body_max = request->body_max != 0     ? request->body_max
		      : request->on_body != NULL ? 0
						 : FETCH_BODY_MAX;
	t->patience_ms = patience(request);
	buf_init(&t->headers, FETCH_HEADER_MAX);
	buf_init(&t->body, FETCH_BODY_MAX);
	t->timer = loop_timer_new(fetch->loop, on_time, t);
	loop_timer_set(t->timer, (int64_t)(fuzz_random(&script.seed) % 3));
	TAILQ_INSERT_TAIL(&fetch->all, t, entry);
	fetch->count++;
	return t;
}

void
fetch_cancel(struct fetch_transfer *t)
{
	if (t->is_delivering) {
		CHECK(!t->is_cancelled);
		t->is_cancelled = true;
	} else {
		transfer_free(t);
	}
}

struct str
fetch_header(const struct fetch_transfer *t, const char *name)
{
	return fetch_header_at(t, name, 0);
}

struct str
fetch_header_at(const struct fetch_transfer *t, const char *name, uint32_t index)
{
	return header_find(buf_view(&t->headers), name, index);
}

int
fetch_status(const struct fetch_transfer *t)
{
	return t->status;
}

uint32_t
fetch_active(const struct fetch *fetch)
{
	return fetch->count;
}
