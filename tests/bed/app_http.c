/* SPDX-License-Identifier: MIT */
/*
 * The HTTP/1.1 part of the test app: reads requests (Content-Length and chunked bodies,
 * pipelined or not) and answers. Each answer names the version and the instance that gave it.
 */
#include "app.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { STREAM_TICKS = 10, BYTES_MAX = 64 * 1024 * 1024 };

/* Copies the value of a header of the current request; false when it is absent. */
static bool
header(const struct conn *c, const char *name, char *value, size_t capacity)
{
	size_t name_size = strlen(name);
	for (const char *line = strstr(c->head, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, name_size) != 0 || line[name_size] != ':')
			continue;
		line += name_size + 1;
		line += strspn(line, " \t");
		snprintf(value, capacity, "%.*s", (int)strcspn(line, "\r"), line);
		return true;
	}
	return false;
}

/* Copies a parameter of the target's query; false when it is absent. No percent decoding. */
static bool
query(const struct conn *c, const char *name, char *value, size_t capacity)
{
	size_t name_size = strlen(name);
	for (const char *p = strchr(c->target, '?'); p; p = strchr(p, '&')) {
		p++;
		if (strncmp(p, name, name_size) != 0 || p[name_size] != '=')
			continue;
		p += name_size + 1;
		snprintf(value, capacity, "%.*s", (int)strcspn(p, "&"), p);
		return true;
	}
	return false;
}

static long
query_number(const struct conn *c, const char *name, long fallback)
{
	char text[32];
	return query(c, name, text, sizeof text) ? strtol(text, NULL, 10) : fallback;
}

static bool
path_is(const struct conn *c, const char *path)
{
	size_t size = strlen(path);
	return strncmp(c->target, path, size) == 0
	       && (c->target[size] == '\0' || c->target[size] == '?');
}

static void
send_head(struct conn *c, int status, const char *type, const char *length_header)
{
	char head[1024];
	if (app.is_draining)
		c->close_after = true;
	int size = snprintf(head, sizeof head,
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%s\r\nConnection: %s\r\n"
	    "App-Name: %s\r\nApp-Version: %s\r\nApp-Instance: %s\r\n\r\n",
	    status, status < 400 ? "OK" : "Failed", type, length_header,
	    c->close_after ? "close" : "keep-alive", app.name, app.version, app.instance);
	conn_write(c, head, (size_t)size);
}

static void
answer(struct conn *c, int status, const char *type, const char *body, size_t size)
{
	char length[64];
	snprintf(length, sizeof length, "Content-Length: %zu", size);
	send_head(c, status, type, length);
	if (strcmp(c->method, "HEAD") != 0)
		conn_write(c, body, size);
	c->phase = PHASE_HEAD;
}

static void answer_text(struct conn *c, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
answer_text(struct conn *c, int status, const char *format, ...)
{
	char body[4096];
	va_list arguments;
	va_start(arguments, format);
	int size = vsnprintf(body, sizeof body, format, arguments);
	va_end(arguments);
	answer(c, status, "application/json", body, (size_t)size);
}

static void
answer_identity(struct conn *c)
{
	answer_text(c, 200,
	    "{\"app\":\"%s\",\"version\":\"%s\",\"instance\":\"%s\",\"method\":\"%s\","
	    "\"body_bytes\":%llu,\"body_sum\":%u,\"requests\":%llu}\n",
	    app.name, app.version, app.instance, c->method, (unsigned long long)c->body_size,
	    c->body_sum, (unsigned long long)app.requests);
}

/* HEALTH: ok, flap (every second answer), or the status to answer with; then the time windows.
 */
static void
answer_health(struct conn *c)
{
	int64_t age_ms = now_ms() - app.start_ms;
	int64_t bad_ms = now_ms() - app.bad_from_ms;
	int status = 200;
	app.health_asked++;
	if (strcmp(app.health, "fail") == 0)
		status = 503;
	else if (strcmp(app.health, "flap") == 0)
		status = app.health_asked % 2 ? 200 : 503;
	else if (strtol(app.health, NULL, 10) >= 200)
		status = (int)strtol(app.health, NULL, 10);
	if (app.health_fail_after_ms >= 0 && bad_ms >= app.health_fail_after_ms)
		status = 503;
	if (age_ms < app.health_fail_until_ms)
		status = 503;
	if (status != 200)
		say("health failed status=%d age_ms=%lld", status, (long long)age_ms);
	answer_text(c, status, "{\"healthy\":%s,\"version\":\"%s\"}\n",
	    status == 200 ? "true" : "false", app.version);
}

static void
answer_bytes(struct conn *c)
{
	long size = query_number(c, "n", 1024);
	if (size < 0 || size > BYTES_MAX) {
		answer_text(c, 400, "{\"error\":\"n is 0 to %d\"}\n", BYTES_MAX);
		return;
	}
	char *body = malloc((size_t)size + 1);
	memset(body, 'x', (size_t)size);
	answer(c, 200, "application/octet-stream", body, (size_t)size);
	free(body);
}

static void
stream_tick(struct conn *c)
{
	char text[64], chunk[96];
	int size = snprintf(text, sizeof text, "tick %d %s\n", c->ticks_left, app.version);
	int chunk_size = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", (unsigned)size, text);
	if (c->ticks_left > 0)
		conn_write(c, chunk, (size_t)chunk_size);
	else
		conn_write(c, "0\r\n\r\n", 5);
	c->due_ms = now_ms() + c->tick_ms;
	if (c->ticks_left-- <= 0)
		c->phase = PHASE_HEAD;
}

static void
begin_stream(struct conn *c)
{
	c->ticks_left = (int)query_number(c, "n", STREAM_TICKS);
	c->tick_ms = (int)query_number(c, "ms", 100);
	send_head(c, 200, "text/plain", "Transfer-Encoding: chunked");
	c->phase = PHASE_STREAM;
	stream_tick(c);
}

static void
begin_slow(struct conn *c, int64_t wait_ms)
{
	c->due_ms = now_ms() + wait_ms;
	c->phase = PHASE_SLOW;
}

static void
route(struct conn *c)
{
	char text[256];
	app.requests++;
	if (app.fail_after_ms >= 0 && now_ms() - app.bad_from_ms >= app.fail_after_ms) {
		answer_text(c, 500, "{\"error\":\"FAIL_AFTER_MS\"}\n");
	} else if (path_is(c, "/health") && app.health_slow_ms > 0) {
		begin_slow(c, app.health_slow_ms);
	} else if (path_is(c, "/health")) {
		answer_health(c);
	} else if (app.error_after_ms >= 0
		   && now_ms() - app.bad_from_ms >= app.error_after_ms) {
		answer_text(c, 500, "{\"error\":\"ERROR_AFTER_MS\"}\n");
	} else if (path_is(c, "/slow")) {
		begin_slow(c, query_number(c, "ms", 1000));
	} else if (path_is(c, "/stream")) {
		begin_stream(c);
	} else if (path_is(c, "/bytes")) {
		answer_bytes(c);
	} else if (path_is(c, "/echo")) {
		answer(
		    c, 200, "application/octet-stream", c->body ? c->body : "", c->body_kept);
	} else if (path_is(c, "/headers")) {
		answer(c, 200, "text/plain", c->head, strlen(c->head));
	} else if (path_is(c, "/status")) {
		answer_text(c, (int)query_number(c, "code", 200), "{}\n");
	} else if (path_is(c, "/env")) {
		const char *value = query(c, "name", text, sizeof text) ? getenv(text) : NULL;
		answer(c, value ? 200 : 404, "text/plain", value ? value : "",
		    value ? strlen(value) : 0);
	} else if (path_is(c, "/exit")) {
		say("exit code=%ld by request", query_number(c, "code", 1));
		exit((int)query_number(c, "code", 1));
	} else if (path_is(c, "/ws")) {
		if (!header(c, "Upgrade", text, sizeof text)
		    || strcasecmp(text, "websocket") != 0
		    || !header(c, "Sec-WebSocket-Key", text, sizeof text)
		    || !websocket_accept(c, text))
			answer_text(
			    c, 426, "{\"error\":\"a WebSocket upgrade is expected\"}\n");
	} else {
		answer_identity(c);
	}
}

void
http_due(struct conn *c)
{
	if (c->phase == PHASE_STREAM)
		stream_tick(c);
	else if (path_is(c, "/health"))
		answer_health(c);
	else
		answer_identity(c);
}

static void
body_take(struct conn *c, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		c->body_sum = (c->body_sum ^ (unsigned char)bytes[i]) * 16777619u;
	size_t room = BODY_KEPT_MAX - c->body_kept, kept = size < room ? size : room;
	if (!c->body && kept > 0)
		c->body = malloc(BODY_KEPT_MAX);
	if (kept > 0)
		memcpy(c->body + c->body_kept, bytes, kept);
	c->body_kept += kept;
	c->body_size += size;
}

static void
refuse(struct conn *c)
{
	c->close_after = true;
	answer_text(c, 400, "{\"error\":\"malformed request\"}\n");
}

/* Each take_ function uses what it can of the input and returns the bytes used, 0 for "more".
 */
static size_t
take_head(struct conn *c)
{
	char value[64], *end = strstr(c->input, "\r\n\r\n");
	if (!end) {
		if (c->input_size == INPUT_SIZE)
			refuse(c);
		return 0;
	}
	size_t size = (size_t)(end - c->input) + 4;
	memcpy(c->head, c->input, size);
	c->head[size] = '\0';
	c->body_left = c->body_size = c->body_kept = 0;
	c->body_sum = 2166136261u;
	if (sscanf(c->head, "%15s %2047s HTTP/1.", c->method, c->target) != 2) {
		refuse(c);
		return size;
	}
	bool is_old = strstr(c->head, " HTTP/1.0\r\n") != NULL;
	bool has_connection = header(c, "Connection", value, sizeof value);
	c->close_after = has_connection ? strcasecmp(value, "close") == 0 : is_old;
	if (header(c, "Expect", value, sizeof value))
		conn_write(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	if (header(c, "Transfer-Encoding", value, sizeof value)) {
		c->phase = PHASE_CHUNKS;
	} else if (header(c, "Content-Length", value, sizeof value)
		   && strtoll(value, NULL, 10) > 0) {
		c->body_left = (uint64_t)strtoll(value, NULL, 10);
		c->phase = PHASE_BODY;
	} else {
		route(c);
	}
	return size;
}

static size_t
take_body(struct conn *c)
{
	size_t size = c->input_size < c->body_left ? c->input_size : (size_t)c->body_left;
	body_take(c, c->input, size);
	c->body_left -= size;
	if (c->body_left == 0)
		route(c);
	return size;
}

static size_t
take_chunk(struct conn *c)
{
	char *end = strstr(c->input, "\r\n");
	if (!end)
		return 0;
	size_t chunk = strtoul(c->input, NULL, 16), at = (size_t)(end - c->input) + 2;
	if (chunk > INPUT_SIZE - 64) {
		refuse(c);
		return c->input_size;
	}
	if (c->input_size < at + chunk + 2)
		return 0;
	body_take(c, c->input + at, chunk);
	if (chunk == 0)
		route(c);
	return at + chunk + 2;
}

void
http_input(struct conn *c)
{
	size_t used = 1;
	while (used > 0 && c->input_size > 0 && !c->is_dead) {
		if (c->phase == PHASE_HEAD && c->close_after)
			return;
		used = 0;
		if (c->phase == PHASE_HEAD)
			used = take_head(c);
		else if (c->phase == PHASE_BODY)
			used = take_body(c);
		else if (c->phase == PHASE_CHUNKS)
			used = take_chunk(c);
		memmove(c->input, c->input + used, c->input_size - used);
		c->input_size -= used;
		c->input[c->input_size] = '\0';
		if (c->phase == PHASE_WEBSOCKET && c->input_size > 0) {
			websocket_input(c);
			return;
		}
	}
}
