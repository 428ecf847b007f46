/* parse.c - llhttp in strict mode; no other file includes it.
 *
 * The head is collected in one piece of memory, so that headers are views without copies and
 * the whole of it can be checked once; the body is parsed from wherever its bytes are. Two
 * pauses give the borders: behind the head, and behind the message. */
#include "http/parse.h"

#include <llhttp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http/head.h"
#include "http/inside.h"
#include "http/target.h"

enum parse_phase { PARSE_HEAD, PARSE_BODY };

struct span { /* offsets into the head, which may still move */
	uint16_t start;
	uint16_t end;
};
_Static_assert(HTTP_HEADER_BYTES_MAX <= UINT16_MAX, "a span reaches any byte of the head");

struct parse {
	llhttp_t machine;
	struct request_inside *request;
	enum parse_phase phase;
	struct span target;
	bool has_target; /* all of it */
	struct span names[HTTP_HEADERS_MAX];
	struct span values[HTTP_HEADERS_MAX];
	size_t count;
	bool in_name;
	bool in_value;
	bool wants_continue;
	size_t body_raw; /* with the framing of chunks */
	char last[4]; /* bytes of it */
	struct refusal refusal;
};

static enum parse_outcome PRINTF_LIKE(4, 5)
    refuse(struct parse *parse, int status, const char *code, const char *format, ...)
{
	va_list args;

	if (parse->refusal.status != 0)
		return PARSE_REFUSED;
	parse->refusal.status = status;
	parse->refusal.code = code;
	va_start(args, format);
	vsnprintf(parse->refusal.text, sizeof(parse->refusal.text), format, args);
	va_end(args);
	return PARSE_REFUSED;
}

static enum parse_outcome
refuse_head_size(struct parse *parse)
{
	return refuse(parse, 431, "HEADERS_TOO_LARGE",
	    "The request's headers are larger than %d bytes or more than %d: send fewer or "
	    "shorter "
	    "ones",
	    HTTP_HEADER_BYTES_MAX, HTTP_HEADERS_MAX);
}

static enum parse_outcome
refuse_target_size(struct parse *parse)
{
	return refuse(parse, 414, "URI_TOO_LONG",
	    "The request's target is longer than %d bytes", HTTP_TARGET_MAX);
}

static enum parse_outcome
refuse_body_size(struct parse *parse)
{
	return refuse(parse, 413, "TOO_LARGE",
	    "The request's body is larger than the %zu bytes allowed",
	    parse->request->server->settings.body_max);
}

/* A piece of a span: the first one sets its start, each one its end. */
static void
span_extend(struct parse *parse, struct span *span, bool is_first, const char *at, size_t n)
{
	size_t offset = (size_t)(at - parse->request->head.p);

	CHECK(offset + n <= HTTP_HEADER_BYTES_MAX);
	if (is_first)
		span->start = (uint16_t)offset;
	span->end = (uint16_t)(offset + n);
}

static int
on_url(llhttp_t *machine, const char *at, size_t n)
{
	struct parse *parse = machine->data;

	span_extend(parse, &parse->target, parse->target.end == 0, at, n);
	return 0;
}

/* Limits are looked at where a part ends: a piece of it tells nothing that the whole would not, and so
 * the refusal is the same however the bytes are cut. */
static int
on_url_complete(llhttp_t *machine)
{
	struct parse *parse = machine->data;

	parse->has_target = true;
	if (parse->target.end - parse->target.start <= HTTP_TARGET_MAX)
		return 0;
	refuse_target_size(parse);
	return -1;
}

static int
on_header_field(llhttp_t *machine, const char *at, size_t n)
{
	struct parse *parse = machine->data;

	if (parse->phase == PARSE_BODY)
		return 0; /* a trailer: nobody asks for one */
	if (parse->count < HTTP_HEADERS_MAX) /* one too many is refused at its end */
		span_extend(parse, &parse->names[parse->count], !parse->in_name, at, n);
	parse->in_name = true;
	return 0;
}

static int
on_header_field_complete(llhttp_t *machine)
{
	struct parse *parse = machine->data;

	if (parse->phase == PARSE_BODY)
		return 0;
	if (parse->count == HTTP_HEADERS_MAX) {
		refuse_head_size(parse);
		return -1;
	}
	parse->in_name = false;
	parse->in_value = false;
	parse->count++;
	return 0;
}

static int
on_header_value(llhttp_t *machine, const char *at, size_t n)
{
	struct parse *parse = machine->data;

	if (parse->phase == PARSE_BODY)
		return 0;
	CHECK(parse->count > 0);
	span_extend(parse, &parse->values[parse->count - 1], !parse->in_value, at, n);
	parse->in_value = true;
	return 0;
}

static int
on_headers_complete(llhttp_t *machine)
{
	(void)machine;
	return HPE_PAUSED;
}

static int
on_body(llhttp_t *machine, const char *at, size_t n)
{
	struct parse *parse = machine->data;
	struct request_inside *rq = parse->request;
	struct http_server *server = rq->server;

	if (server->body_bytes + n > server->settings.bodies_max) {
		refuse(parse, 503, "BUSY",
		    "Too much is being sent to the server: try again later");
		return -1;
	}
	buf_add(&rq->body, at, n);
	if (rq->body.overflow) {
		refuse_body_size(parse);
		return -1;
	}
	server->body_bytes += n;
	return 0;
}

static int
on_message_complete(llhttp_t *machine)
{
	(void)machine;
	return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
	.on_url = on_url,
	.on_url_complete = on_url_complete,
	.on_header_field = on_header_field,
	.on_header_field_complete = on_header_field_complete,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

struct parse *
parse_new(struct request_inside *rq)
{
	struct parse *parse = arena_take(rq->public.arena, sizeof(*parse));

	llhttp_init(&parse->machine, HTTP_REQUEST, &callbacks);
	parse->machine.data = parse;
	parse->request = rq;
	return parse;
}

static void
read_method(struct request_inside *rq, int method)
{
	static const struct {
		int llhttp;
		enum method method;
	} table[] = {
		{ HTTP_GET, METHOD_GET },
		{ HTTP_HEAD, METHOD_GET },
		{ HTTP_POST, METHOD_POST },
		{ HTTP_PUT, METHOD_PUT },
		{ HTTP_PATCH, METHOD_PATCH },
		{ HTTP_DELETE, METHOD_DELETE },
		{ HTTP_OPTIONS, METHOD_OPTIONS },
	};

	rq->public.is_head = method == HTTP_HEAD;
	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].llhttp == method)
			rq->public.method = table[i].method;
}

/* The head does not move any more: offsets become views. */
static void
read_headers(struct parse *parse)
{
	struct request_inside *rq = parse->request;
	const char *head = rq->head.p;

	for (size_t i = 0; i < parse->count; i++) {
		const struct span *name = &parse->names[i];
		const struct span *value = &parse->values[i];

		rq->headers[i].name =
		    (struct str){ head + name->start, (size_t)(name->end - name->start) };
		rq->headers[i].value = str_trim(
		    (struct str){ head + value->start, (size_t)(value->end - value->start) });
	}
	rq->header_count = parse->count;
}

static enum parse_outcome
check_expectation(struct parse *parse)
{
	struct str expect = request_header(&parse->request->public, "Expect");

	if (expect.n == 0 || parse->machine.http_minor == 0)
		return PARSE_MORE;
	if (!head_value_is(expect, "100-continue"))
		return refuse(parse, 417, "EXPECTATION_FAILED",
		    "The only expectation understood is 100-continue");
	parse->wants_continue = true;
	return PARSE_MORE;
}

static enum parse_outcome
finish_head(struct parse *parse)
{
	struct request_inside *rq = parse->request;
	const llhttp_t *machine = &parse->machine;
	struct span target = parse->target;
	const char *fault;

	read_method(rq, machine->method);
	read_headers(parse);
	rq->keeps_alive = llhttp_should_keep_alive(machine) != 0;
	head_take_id(rq);
	if (machine->http_major != 1 || machine->http_minor > 1)
		return refuse(parse, 505, "VERSION_NOT_SUPPORTED", "Use HTTP/1.1 or HTTP/1.0");
	if (machine->method == HTTP_CONNECT || machine->method == HTTP_TRACE)
		return refuse(
		    parse, 501, "NOT_IMPLEMENTED", "This is no proxy: no CONNECT or TRACE");
	fault = head_fault(rq, machine->http_minor == 0);
	if (fault == NULL)
		fault = target_read(
		    rq, (struct str){ rq->head.p + target.start, target.end - target.start });
	if (fault != NULL)
		return refuse(parse, 400, "INVALID", "The request is refused: %s", fault);
	if (machine->content_length > rq->body.max)
		return refuse_body_size(parse);
	return check_expectation(parse);
}

static enum parse_outcome
refuse_malformed(struct parse *parse, llhttp_errno_t code)
{
	const char *reason = llhttp_get_error_reason(&parse->machine);

	if (code == HPE_PAUSED_H2_UPGRADE)
		return refuse(parse, 505, "VERSION_NOT_SUPPORTED", "Use HTTP/1.1 or HTTP/1.0");
	return refuse(parse, 400, "INVALID", "The request is not valid HTTP/1.1: %s",
	    reason == NULL ? "malformed" : reason);
}

/* Only the head's bytes are kept; those behind it are left to feed_body(). */
static enum parse_outcome
feed_head(struct parse *parse, struct str bytes, size_t *ret_used)
{
	struct buf *head = &parse->request->head;
	size_t start = head->n;
	size_t room = head->max - start;
	llhttp_errno_t code;

	CHECK(room > 0);
	buf_add(head, bytes.p, bytes.n < room ? bytes.n : room);
	*ret_used = head->n - start;
	code = llhttp_execute(&parse->machine, head->p + start, *ret_used);
	if (code == HPE_PAUSED) {
		head->n = (size_t)(llhttp_get_error_pos(&parse->machine) - head->p);
		CHECK(head->n >= start && head->n - start <= *ret_used);
		head->p[head->n] = '\0';
		*ret_used = head->n - start;
		llhttp_resume(&parse->machine);
		parse->phase = PARSE_BODY;
		return finish_head(parse);
	}
	if (code != HPE_OK)
		return refuse_malformed(parse, code);
	if (head->n == head->max)
		return !parse->has_target && parse->target.end > 0 ? refuse_target_size(parse)
								   : refuse_head_size(parse);
	return PARSE_MORE;
}

static void
keep_last(struct parse *parse, struct str bytes)
{
	size_t n = bytes.n < sizeof(parse->last) ? bytes.n : sizeof(parse->last);

	memmove(parse->last, parse->last + n, sizeof(parse->last) - n);
	memcpy(parse->last + sizeof(parse->last) - n, bytes.p + bytes.n - n, n);
}

/* The end of a chunked body must be "0 CR LF CR LF", or a trailer's CR LF CR LF; llhttp takes
 * a lone LF for the last two, and a proxy in front of us perhaps not. */
static bool
has_odd_end(const struct parse *parse)
{
	return request_header(&parse->request->public, "Transfer-Encoding").n > 0
	       && memcmp(parse->last, "\r\n\r\n", sizeof(parse->last)) != 0;
}

/* Also called without bytes: a request without a body is whole at the end of its head. */
static enum parse_outcome
feed_body(struct parse *parse, struct str bytes, size_t *ret_used)
{
	struct request_inside *rq = parse->request;
	llhttp_errno_t code = llhttp_execute(&parse->machine, bytes.p, bytes.n);

	*ret_used = bytes.n;
	if (code == HPE_PAUSED)
		*ret_used = (size_t)(llhttp_get_error_pos(&parse->machine) - bytes.p);
	CHECK(*ret_used <= bytes.n);
	parse->body_raw += *ret_used;
	keep_last(parse, (struct str){ bytes.p, *ret_used });
	if (code != HPE_OK && code != HPE_PAUSED)
		return refuse_malformed(parse, code);
	/* Framing, extensions and trailers of chunks have no limit of their own in llhttp. */
	if (parse->body_raw > rq->body.max * 2 + HTTP_HEADER_BYTES_MAX)
		return refuse_body_size(parse);
	if (parse->body_raw > 0)
		parse->wants_continue = false;
	if (code == HPE_OK)
		return PARSE_MORE;
	if (has_odd_end(parse))
		return refuse(
		    parse, 400, "INVALID", "The chunked body does not end in CR LF CR LF");
	rq->public.body = buf_view(&rq->body);
	return PARSE_WHOLE;
}

enum parse_outcome
parse_feed(struct parse *parse, struct str bytes, size_t *ret_used)
{
	enum parse_outcome outcome = PARSE_MORE;
	size_t head_used = 0;

	CHECK(parse->refusal.status == 0);
	if (parse->phase == PARSE_HEAD)
		outcome = feed_head(parse, bytes, &head_used);
	*ret_used = head_used;
	if (outcome == PARSE_MORE && parse->phase == PARSE_BODY) {
		struct str rest = { bytes.p + head_used, bytes.n - head_used };
		size_t body_used;

		outcome = feed_body(parse, rest, &body_used);
		*ret_used += body_used;
	}
	return outcome;
}

const struct refusal *
parse_refusal(const struct parse *parse)
{
	return &parse->refusal;
}

bool
parse_wants_continue(struct parse *parse)
{
	bool wants = parse->phase == PARSE_BODY && parse->wants_continue;

	parse->wants_continue = false;
	return wants;
}
