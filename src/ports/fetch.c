/* fetch.c - transfers: the line, the limits, the answers.
 *
 * The one idea: nothing changes the set of curl's transfers while curl is at work. What a
 * callback wants changed meanwhile (a start, a cancel) is kept in lists and done by
 * settle() once curl has returned; only there are the answers given out. */
#include "ports/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/loop.h"
#include "ports/fetch_text.h"
#include "ports/fetch_wire.h"

enum place {
	PLACE_LINE, /* not yet given to curl */
	PLACE_CURL,
	PLACE_DOOMED, /* cancelled while curl was at work */
	PLACE_OVER, /* its on_done is running */
};

struct fetch_transfer {
	struct fetch *fetch;
	TAILQ_ENTRY(fetch_transfer) entry;
	enum place place;
	bool is_refused; /* the line was full */
	bool is_too_large;
	struct wire *wire;
	struct buf body;
	size_t received;
	size_t received_max; /* 0: no limit */
	bool is_mail;
	fetch_body_fn *on_body;
	fetch_done_fn *on_done;
	void *context;
};

TAILQ_HEAD(transfer_line, fetch_transfer);

struct fetch {
	struct wires *wires;
	struct loop_timer *soon; /* settle() in the next turn */
	struct transfer_line in_curl;
	struct transfer_line line; /* waits for its turn */
	uint32_t in_curl_count;
	uint32_t line_count;
};

static bool
take_piece(void *context, struct str piece)
{
	struct fetch_transfer *t = context;

	if (t->place != PLACE_CURL)
		return false;
	t->received += piece.n;
	if (t->received_max != 0 && t->received > t->received_max) {
		t->is_too_large = true;
		return false;
	}
	if (t->on_body != NULL)
		return t->on_body(t->context, piece) && t->place == PLACE_CURL;
	buf_str(&t->body, piece);
	return true;
}

static struct fetch_transfer *
transfer_new(struct fetch *fetch, const struct fetch_request *request)
{
	struct fetch_transfer *t = calloc(1, sizeof(*t));
	size_t body_max = request->body_max == 0 ? FETCH_BODY_MAX : request->body_max;

	CHECK(t != NULL);
	t->fetch = fetch;
	t->on_body = request->on_body;
	t->on_done = request->on_done;
	t->context = request->context;
	t->is_mail = request->mail != NULL;
	t->received_max = request->on_body == NULL ? body_max : request->body_max;
	buf_init(&t->body, body_max);
	t->wire = wire_new(request, take_piece, t);
	return t;
}

static void
transfer_free(struct fetch_transfer *t)
{
	wire_free(t->wire);
	buf_free(&t->body);
	free(t);
}

/* Takes it away from curl and out of its list. */
static void
transfer_withdraw(struct fetch_transfer *t)
{
	struct fetch *fetch = t->fetch;

	if (t->place == PLACE_LINE) {
		TAILQ_REMOVE(&fetch->line, t, entry);
		fetch->line_count--;
	} else {
		TAILQ_REMOVE(&fetch->in_curl, t, entry);
		wires_remove(fetch->wires, t->wire);
		fetch->in_curl_count--;
	}
}

static void
transfer_begin(struct fetch_transfer *t)
{
	struct fetch *fetch = t->fetch;

	TAILQ_INSERT_HEAD(&fetch->in_curl, t, entry);
	fetch->in_curl_count++;
	t->place = PLACE_CURL;
	wires_add(fetch->wires, t->wire);
}

static void
judge(struct fetch_transfer *t, struct fetch_result *result, char *text, size_t size)
{
	size_t most = t->received_max;

	if (wire_is_whole(t->wire)) {
		result->outcome = FETCH_ANSWERED;
		result->status = wire_status(t->wire);
		result->body = buf_view(&t->body);
	} else if (t->is_too_large || wire_has_too_many_headers(t->wire)) {
		if (!t->is_too_large)
			most = FETCH_HEADER_MAX;
		snprintf(text, size, "the answer is larger than %zu bytes", most);
		result->outcome = FETCH_TOO_LARGE;
		result->why = text;
	} else {
		result->outcome = wire_was_unsent(t->wire) ? FETCH_UNREACHED : FETCH_BROKEN;
		result->why = wire_explain(t->wire);
		result->status = t->is_mail ? wire_status(t->wire) : 0;
	}
}

static void
finish(struct fetch_transfer *t)
{
	struct fetch_result result = { .body = str_of(""), .transfer = t };
	char text[64];

	if (t->is_refused) {
		result.outcome = FETCH_UNREACHED;
		result.why = "too many requests wait in line; try again later";
	} else {
		judge(t, &result, text, sizeof(text));
	}
	transfer_withdraw(t);
	t->place = PLACE_OVER;
	t->on_done(t->context, &result);
	transfer_free(t);
}

static void
bury_doomed(struct fetch *fetch)
{
	struct fetch_transfer *next;

	for (struct fetch_transfer *t = TAILQ_FIRST(&fetch->in_curl); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (t->place == PLACE_DOOMED) {
			transfer_withdraw(t);
			transfer_free(t);
		}
	}
}

/* Curl has returned: forgets the cancelled, gives out answers, lets waiting ones begin. */
static void
settle(void *context)
{
	struct fetch *fetch = context;
	struct fetch_transfer *t;

	bury_doomed(fetch);
	while ((t = wires_next_ended(fetch->wires)) != NULL)
		finish(t);
	while ((t = TAILQ_FIRST(&fetch->line)) != NULL) {
		if (t->is_refused) { /* NOLINT(clang-analyzer-unix.Malloc): it was removed */
			finish(t);
		} else if (fetch->in_curl_count < FETCH_MAX) {
			TAILQ_REMOVE(&fetch->line, t, entry);
			fetch->line_count--;
			transfer_begin(t);
		} else {
			break;
		}
	}
}

struct fetch *
fetch_new(struct loop *loop)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	CHECK(fetch != NULL);
	TAILQ_INIT(&fetch->in_curl);
	TAILQ_INIT(&fetch->line);
	fetch->soon = loop_timer_new(loop, settle, fetch);
	fetch->wires = wires_new(loop, settle, fetch);
	return fetch;
}

static void
cancel_all(struct transfer_line *list)
{
	struct fetch_transfer *next;

	for (struct fetch_transfer *t = TAILQ_FIRST(list); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		fetch_cancel(t);
	}
}

void
fetch_free(struct fetch *fetch)
{
	if (fetch == NULL)
		return;
	cancel_all(&fetch->in_curl);
	cancel_all(&fetch->line);
	wires_free(fetch->wires);
	loop_timer_free(fetch->soon);
	free(fetch);
}

struct fetch_transfer *
fetch_start(struct fetch *fetch, const struct fetch_request *request)
{
	struct fetch_transfer *t;

	CHECK(request->on_done != NULL && request->url != NULL);
	t = transfer_new(fetch, request);
	if (!wires_is_entered(fetch->wires) && TAILQ_EMPTY(&fetch->line)
	    && fetch->in_curl_count < FETCH_MAX) {
		transfer_begin(t);
		return t;
	}
	t->is_refused = fetch->line_count >= FETCH_LINE_MAX;
	if (t->is_refused) /* it only waits to be told so */
		TAILQ_INSERT_HEAD(&fetch->line, t, entry);
	else
		TAILQ_INSERT_TAIL(&fetch->line, t, entry);
	fetch->line_count++;
	loop_timer_set(fetch->soon, 0);
	return t;
}

void
fetch_cancel(struct fetch_transfer *t)
{
	CHECK(t->place == PLACE_LINE || t->place == PLACE_CURL);
	if (t->place == PLACE_CURL && wires_is_entered(t->fetch->wires)) {
		t->place = PLACE_DOOMED; /* settle() follows as soon as curl has returned */
		return;
	}
	transfer_withdraw(t);
	if (!TAILQ_EMPTY(&t->fetch->line))
		loop_timer_set(t->fetch->soon, 0);
	transfer_free(t);
}

struct str
fetch_header(const struct fetch_transfer *t, const char *name)
{
	return fetch_header_at(t, name, 0);
}

struct str
fetch_header_at(const struct fetch_transfer *t, const char *name, uint32_t index)
{
	return header_find(wire_headers(t->wire), name, index);
}

int
fetch_status(const struct fetch_transfer *t)
{
	return wire_status(t->wire);
}

uint32_t
fetch_active(const struct fetch *fetch)
{
	return fetch->in_curl_count + fetch->line_count;
}
