/* reply.c - setting answers aside, and their head as it goes over the wire. */
#include "http/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "http/inside.h"

enum { MESSAGE_SIZE = 1024 };

/* On every answer, unless the handler says otherwise by the same name. */
static const struct {
	const char *name;
	const char *line;
} defaults[] = {
	{ "X-Content-Type-Options", "X-Content-Type-Options: nosniff\r\n" },
	{ "X-Frame-Options", "X-Frame-Options: DENY\r\n" },
	{ "Referrer-Policy", "Referrer-Policy: no-referrer\r\n" },
	{ "Content-Security-Policy",
	    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n" },
	{ "Cache-Control", "Cache-Control: no-store\r\n" },
};

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

static const char *
status_phrase(int status)
{
	for (size_t i = 0; i < COUNT(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Unnamed"; /* the number is what counts */
}

/* Completes the answer. */
static void
reply_set(struct request_inside *rq, int status, const char *content_type, struct str body)
{
	CHECK(rq->reply.kind == REPLY_NONE);
	CHECK(status >= 200 && status <= 599);
	rq->reply.kind = REPLY_BODY;
	rq->reply.status = status;
	rq->reply.content_type = content_type;
	rq->reply.body = body;
	request_move(rq, REQUEST_ANSWERED);
}

void
reply_header(struct request *rq, const char *name, struct str value)
{
	struct buf *headers = &rq->inside->reply.headers;

	CHECK(rq->inside->reply.kind == REPLY_NONE);
	buf_text(headers, name);
	buf_text(headers, ": ");
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] >= 0x20 && value.p[i] != 0x7f)
			buf_char(headers, value.p[i]);
	buf_text(headers, "\r\n");
}

struct buf *
reply_body(struct request *rq)
{
	return &rq->inside->reply.built;
}

void
reply_built(struct request *rq, int status, const char *content_type)
{
	struct reply *reply = &rq->inside->reply;

	if (reply->built.overflow)
		reply_error(rq, 500, "ANSWER_TOO_LARGE",
		    "The answer is larger than %d bytes: ask for less of it at once",
		    HTTP_REPLY_MAX);
	else
		reply_bytes(rq, status, content_type, buf_view(&reply->built));
}

void
reply_json(struct request *rq, int status)
{
	reply_built(rq, status, "application/json");
}

void
reply_bytes(struct request *rq, int status, const char *content_type, struct str bytes)
{
	if (rq->inside->reply.headers.overflow)
		reply_error(rq, 500, "ANSWER_TOO_LARGE",
		    "The answer's headers are larger than %d bytes", HTTP_REPLY_HEADER_MAX);
	else
		reply_set(rq->inside, status, content_type, bytes);
}

bool
reply_is_json(const struct request *rq, int *ret_status, struct str *ret_body)
{
	const struct reply *reply = &rq->inside->reply;

	if (reply->kind != REPLY_BODY || reply->content_type == NULL
	    || strcmp(reply->content_type, "application/json") != 0)
		return false;
	*ret_status = reply->status;
	*ret_body = reply->body;
	return true;
}

void
reply_text(struct request *rq, int status, const char *text)
{
	buf_clear(reply_body(rq));
	buf_text(reply_body(rq), text);
	reply_built(rq, status, "text/plain; charset=utf-8");
}

void
reply_empty(struct request *rq, int status)
{
	reply_bytes(rq, status, NULL, STR(""));
}

static void
write_error(
    struct request *rq, int status, const char *code, struct str detail, const char *message)
{
	struct reply *reply = &rq->inside->reply;
	struct json_writer w;

	buf_clear(&reply->built);
	if (reply->headers.overflow)
		buf_clear(&reply->headers);
	json_writer_init(&w, &reply->built);
	json_object_open(&w);
	json_key(&w, "error");
	json_object_open(&w);
	json_pair_text(&w, "code", code);
	json_pair_text(&w, "message", message);
	json_key(&w, "detail");
	if (detail.n > 0)
		json_put_raw(&w, detail);
	else
		json_put_null(&w);
	json_pair_text(&w, "request_id", rq->id);
	json_object_close(&w);
	json_object_close(&w);
	CHECK(!reply->built.overflow);
	reply_set(rq->inside, status, "application/json", buf_view(&reply->built));
}

void
reply_error(struct request *rq, int status, const char *code, const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	write_error(rq, status, code, STR(""), message);
}

void
reply_error_detail(struct request *rq, int status, const char *code, struct str detail,
    const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	write_error(rq, status, code, detail, message);
}

static bool
has_header(struct str lines, const char *name)
{
	size_t n = strlen(name);

	while (lines.n > 0) {
		struct str line;

		lines = str_cut(lines, '\n', &line);
		if (line.n > n && line.p[n] == ':' && strncasecmp(line.p, name, n) == 0)
			return true;
	}
	return false;
}

static void
format_lengths(const struct reply *reply, struct buf *out)
{
	if (reply->content_type != NULL) {
		buf_text(out, "Content-Type: ");
		buf_text(out, reply->content_type);
		buf_text(out, "\r\n");
	}
	if (reply->kind == REPLY_BODY && reply->status != 204 && reply->status != 304)
		buf_format(out, "Content-Length: %zu\r\n", reply->body.n);
}

void
reply_format_head(struct request_inside *rq, bool closes, struct buf *out)
{
	const struct reply *reply = &rq->reply;
	struct str added = buf_view(&reply->headers);

	buf_format(
	    out, "HTTP/1.1 %d %s\r\nDate: ", reply->status, status_phrase(reply->status));
	buf_text(out, server_date(rq->server));
	buf_text(out, "\r\nX-Request-ID: ");
	buf_text(out, rq->public.id);
	buf_text(out, "\r\n");
	for (size_t i = 0; i < COUNT(defaults); i++)
		if (!has_header(added, defaults[i].name))
			buf_text(out, defaults[i].line);
	buf_str(out, added);
	format_lengths(reply, out);
	buf_text(out, closes ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
}
