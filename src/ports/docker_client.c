/* docker_client.c - calls to an engine: lines and lanes, the answer and its error decoded.
 *
 * The one idea: a call moves from the line (until the API version is known) to its lane (until
 * there is room) to the wire, and can be taken back at each place. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ports/docker_parts.h"

enum {
	CALL_MS = 60000,
	URL_BYTES_MAX = 8192,
	BODY_BYTES_MAX = 4 << 20, /* a container's configuration: 200 values of 8 KB */
	AUTH_BYTES_MAX = 16384,
	COMPLAINT_BYTES_MAX = 16384,
};

enum call_place { CALL_IN_LINE, CALL_IN_LANE, CALL_ON_WIRE };

struct call {
	LIST_ENTRY(call) owned;
	TAILQ_ENTRY(call) queued;
	struct engine *engine;
	struct fetch_transfer *transfer;
	enum call_place place;
	uint32_t round; /* of the negotiation that it waits for */
	struct buf path;
	struct buf body;
	struct buf auth;
	struct buf complaint; /* body of an error where a stream was asked for */
	struct call_request request; /* its texts: see the buffers */
};

static void call_admit(struct call *call);

static void
call_free(struct call *call)
{
	if (call->auth.p != NULL)
		explicit_bzero(call->auth.p, call->auth.n);
	buf_free(&call->path);
	buf_wipe(&call->body); /* env may hold secrets */
	buf_free(&call->auth);
	buf_free(&call->complaint);
	free(call);
}

/* Ends a call that is in no line any more. */
static void
call_finish(struct call *call, const struct answer *answer)
{
	LIST_REMOVE(call, owned);
	call->request.on_done(call->request.context, answer);
	call_free(call);
}

static void
join_line(struct call *call)
{
	struct engine *engine = call->engine;

	call->place = CALL_IN_LINE;
	call->round = engine->round;
	TAILQ_INSERT_TAIL(&engine->line, call, queued);
}

/* Another one may go. While it is not known how the engine is to be asked, because it was lost or is
 * another one by now, all go back into the line: who stays would wait for somebody to leave. */
static void
lane_leave(struct call *call)
{
	struct engine *engine = call->engine;
	struct lane_state *lane = &engine->lanes[call->request.lane];
	struct call *next;

	if (call->request.lane == LANE_NONE)
		return;
	CHECK(lane->used > 0);
	lane->used--;
	if (engine->link != LINK_READY && !TAILQ_EMPTY(&lane->line))
		engine_negotiate(engine);
	while ((next = TAILQ_FIRST(&lane->line)) != NULL && lane->used < lane->limit) {
		TAILQ_REMOVE(&lane->line, next, queued);
		if (engine->link != LINK_READY)
			join_line(next);
		else
			call_admit(next);
	}
}

static struct json *
parse_body(struct str body)
{
	struct err err;

	if (body.n == 0 || (body.p[0] != '{' && body.p[0] != '['))
		return NULL;
	return json_parse(body, &err);
}

/* A sentence for each answer that is not good, and whether asking again may help. */
static void
judge(struct call *call, const struct fetch_result *result, struct answer *answer, char *text,
    size_t size)
{
	const char *message = json_text(json_get(answer->json, "message"));
	char explained[REASON_SIZE];

	answer->message = text;
	answer->kind = ANSWER_TROUBLED;
	if (result->outcome == FETCH_UNREACHED) {
		answer->is_unreached = true;
		engine_explain(call->engine, result->why, explained);
		snprintf(text, size, "%s", explained);
	} else if (result->outcome != FETCH_ANSWERED) {
		snprintf(text, size, "the Docker engine '%s' gave no whole answer: %s",
		    call->engine->config.name, result->why);
	} else if (result->status < 400) {
		answer->kind = ANSWER_DONE;
		answer->message = "";
	} else {
		if (result->status < 500 && result->status != 408 && result->status != 429)
			answer->kind = ANSWER_REFUSED;
		if (message[0] != '\0')
			snprintf(text, size, "%s", message);
		else
			snprintf(text, size, "the Docker engine '%s' answered HTTP %d",
			    call->engine->config.name, result->status);
	}
}

static void
on_fetched(void *context, const struct fetch_result *result)
{
	struct call *call = context;
	struct str body = call->complaint.n > 0 ? buf_view(&call->complaint) : result->body;
	struct json *json = parse_body(body);
	struct answer answer = {
		.status = result->status, .json = json, .owned = &json, .body = body
	};
	char text[ERR_TEXT_SIZE];

	judge(call, result, &answer, text, sizeof(text));
	if (result->outcome == FETCH_UNREACHED)
		engine_lost(call->engine, text);
	else if (result->outcome == FETCH_BROKEN && call->engine->link == LINK_READY)
		engine_negotiate(call->engine); /* does it hang? is it another one by now? */
	call->transfer = NULL;
	lane_leave(call);
	call_finish(call, &answer);
	json_free(json);
}

/* Of a stream: an error's body is no part of it. */
static bool
on_piece(void *context, struct str piece)
{
	struct call *call = context;

	if (fetch_status(call->transfer) == 200)
		return call->request.on_body(call->request.context, piece);
	buf_str(&call->complaint, piece);
	return true;
}

static void
call_send(struct call *call)
{
	const struct call_request *request = &call->request;
	const char *headers[3] = { NULL };
	size_t count = 0;
	struct buf url;
	struct fetch_request fetch = {
		.method = request->method,
		.body = buf_view(&call->body),
		.headers = headers,
		.fresh = request->is_fresh,
		.total_ms = request->total_ms == 0 ? CALL_MS : request->total_ms,
		.on_body = request->on_body == NULL ? NULL : on_piece,
		.on_done = on_fetched,
		.context = call,
	};

	buf_init(&url, URL_BYTES_MAX);
	engine_address(call->engine, &fetch, &url);
	buf_format(&url, "/v%s%s", call->engine->status.api, buf_cstr(&call->path));
	CHECK(!url.overflow);
	fetch.url = buf_cstr(&url);
	if (call->body.n > 0)
		headers[count++] = "Content-Type: application/json";
	if (call->auth.n > 0)
		headers[count++] = buf_cstr(&call->auth);
	call->place = CALL_ON_WIRE;
	call->transfer = fetch_start(call->engine->docker->host.fetch, &fetch);
	buf_free(&url);
}

static void
call_admit(struct call *call)
{
	struct lane_state *lane = &call->engine->lanes[call->request.lane];

	if (call->request.lane != LANE_NONE && lane->used >= lane->limit) {
		call->place = CALL_IN_LANE;
		TAILQ_INSERT_TAIL(&lane->line, call, queued);
		return;
	}
	if (call->request.lane != LANE_NONE)
		lane->used++;
	call_send(call);
}

void
call_start(struct engine *engine, struct call_list *owner, const struct call_request *request)
{
	struct call *call = calloc(1, sizeof(*call));

	CHECK(call != NULL && request->on_done != NULL);
	call->engine = engine;
	call->request = *request;
	buf_init(&call->path, URL_BYTES_MAX / 2);
	buf_init(&call->body, BODY_BYTES_MAX);
	buf_init(&call->auth, AUTH_BYTES_MAX);
	buf_init(&call->complaint, COMPLAINT_BYTES_MAX);
	buf_text(&call->path, request->path);
	buf_str(&call->body, request->body);
	if (request->auth != NULL)
		buf_format(&call->auth, "X-Registry-Auth: %s", request->auth);
	CHECK(!call->path.overflow && !call->body.overflow && !call->auth.overflow);
	call->request.path = NULL;
	call->request.auth = NULL;
	call->request.body = str_of("");
	LIST_INSERT_HEAD(owner, call, owned);
	if (engine->link == LINK_READY) {
		call_admit(call);
		return;
	}
	engine_negotiate(engine);
	join_line(call);
}

void
call_named(struct engine *engine, struct call_list *owner, const struct call_request *wanted,
    const char *format, const char *name)
{
	struct call_request request = *wanted;
	const char *tail = strchr(format, '*');
	struct buf escaped;
	struct buf path;

	CHECK(tail != NULL);
	buf_init(&escaped, 512);
	buf_init(&path, 1024);
	url_escape(&escaped, name);
	buf_add(&path, format, (size_t)(tail - format));
	buf_str(&path, buf_view(&escaped));
	buf_text(&path, tail + 1);
	request.path = buf_cstr(&path);
	call_start(engine, owner, &request);
	buf_free(&path);
	buf_free(&escaped);
}

void
calls_go_on(struct engine *engine)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&engine->line)) != NULL) {
		TAILQ_REMOVE(&engine->line, call, queued);
		call_admit(call);
	}
}

/* Those that join while the others are told wait for the next negotiation. */
void
calls_fail(struct engine *engine, const struct answer *answer)
{
	uint32_t round = engine->round;
	struct call *call;

	/* on_done may take back others in the line: from the head each time. The analyzer does
	 * not see that the head has changed. */
	while ((call = TAILQ_FIRST(&engine->line)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		if (call->round > round)
			break;
		TAILQ_REMOVE(&engine->line, call, queued);
		call_finish(call, answer);
	}
}

static void
call_cancel(struct call *call)
{
	LIST_REMOVE(call, owned);
	switch (call->place) {
	case CALL_IN_LINE:
		TAILQ_REMOVE(&call->engine->line, call, queued);
		break;
	case CALL_IN_LANE:
		TAILQ_REMOVE(&call->engine->lanes[call->request.lane].line, call, queued);
		break;
	case CALL_ON_WIRE:
		fetch_cancel(call->transfer);
		lane_leave(call);
		break;
	}
	call_free(call);
}

void
call_list_cancel(struct call_list *list)
{
	struct call *next;

	for (struct call *call = LIST_FIRST(list); call != NULL; call = next) {
		next = LIST_NEXT(call, owned);
		call_cancel(call);
	}
}

bool
call_list_drop(struct call_list *list, call_done_fn *on_done, void *context)
{
	struct call *next;

	for (struct call *call = LIST_FIRST(list); call != NULL; call = next) {
		next = LIST_NEXT(call, owned);
		if (!call->request.must_end || call->place != CALL_ON_WIRE) {
			call_cancel(call);
			continue;
		}
		CHECK(call->request.on_body == NULL);
		call->request.on_done = on_done;
		call->request.context = context;
	}
	return !LIST_EMPTY(list);
}

void
lines_feed(struct buf *pending, struct str piece, line_fn *each, void *context)
{
	while (piece.n > 0) {
		struct str line;
		bool is_ended = memchr(piece.p, '\n', piece.n) != NULL;

		piece = str_cut(piece, '\n', &line);
		buf_str(pending, line);
		if (!is_ended)
			return;
		if (!pending->overflow && pending->n > 0)
			each(context, str_trim(buf_view(pending)));
		buf_clear(pending);
	}
}

void
lines_end(struct buf *pending, line_fn *each, void *context)
{
	if (!pending->overflow && pending->n > 0)
		each(context, str_trim(buf_view(pending)));
	buf_clear(pending);
}

void
url_escape(struct buf *to, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-._~/:@", c) != NULL)
			buf_char(to, (char)c);
		else
			buf_format(to, "%%%02X", c);
	}
}

void
url_label_filter(struct buf *to, const char *const *labels)
{
	struct json_writer w;
	struct buf json;

	buf_init(&json, URL_BYTES_MAX / 8);
	json_writer_init(&w, &json);
	json_object_open(&w);
	json_key(&w, "label");
	json_array_open(&w);
	for (; *labels != NULL; labels++)
		json_put_text(&w, *labels);
	json_array_close(&w);
	json_object_close(&w);
	url_escape(to, buf_cstr(&json));
	buf_free(&json);
}
