/* SPDX-License-Identifier: MIT */
/*
 * One request over a blocking socket, judged without mercy: anything but a complete 200 from
 * the right app counts. It is a good client: it does not reuse a connection which the other
 * side has closed, and honours Connection: close. It never retries, so nothing is hidden.
 */
#define _GNU_SOURCE
#include "checker.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { POST_BODY_SIZE = 300 };

struct answer {
	char *bytes; /* ANSWER_MAX + 1 */
	size_t size;
	size_t head_size; /* 0 until the head is complete */
	bool is_closed;
};

static _Thread_local char answer_bytes[ANSWER_MAX + 1];

static void
fail(struct outcome *o, enum reason reason, const char *detail)
{
	o->reason = reason;
	snprintf(o->detail, sizeof o->detail, "%s", detail);
}

static void
link_close(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->uses = 0;
}

/* An idle connection must have nothing to read: neither the end nor bytes nobody asked for. */
static bool
link_is_open(const struct link *l)
{
	char byte;
	ssize_t n = recv(l->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n < 0 && errno == EAGAIN;
}

static int
wait_for(int fd, short events, int64_t deadline_us)
{
	int64_t left_us = deadline_us - now_us();
	struct pollfd p = { .fd = fd, .events = events };
	if (left_us <= 0)
		return 0;
	int n;
	do
		n = poll(&p, 1, (int)(left_us / 1000) + 1);
	while (n < 0 && errno == EINTR);
	return n;
}

static bool
link_open(struct link *l, const struct target *t, int64_t deadline_us, struct outcome *o)
{
	int one = 1, error = 0;
	socklen_t size = sizeof error;
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	l->uses = 0;
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	int rc = connect(l->fd, (const struct sockaddr *)&t->address, sizeof t->address);
	if (rc < 0 && errno == EINPROGRESS) {
		if (wait_for(l->fd, POLLOUT, deadline_us) <= 0) {
			fail(o, REASON_CONNECT, "timeout");
			return false;
		}
		getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	} else if (rc < 0) {
		error = errno;
	}
	if (error)
		fail(o, REASON_CONNECT, strerror(error));
	return !error;
}

static bool
send_all(int fd, const char *bytes, size_t size, int64_t deadline_us)
{
	while (size > 0) {
		ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		} else if (errno != EAGAIN || wait_for(fd, POLLOUT, deadline_us) <= 0) {
			return false;
		}
	}
	return true;
}

/* Reads some more; false (with the reason set) when that is not possible. */
static bool
answer_more(struct answer *a, int fd, int64_t deadline_us, struct outcome *o)
{
	for (;;) {
		if (a->size == ANSWER_MAX) {
			fail(o, REASON_MALFORMED, "the answer is too large");
			return false;
		}
		ssize_t n = recv(fd, a->bytes + a->size, ANSWER_MAX - a->size, 0);
		if (n > 0) {
			a->size += (size_t)n;
			a->bytes[a->size] = '\0';
			return true;
		}
		if (n < 0 && errno == EAGAIN) {
			if (wait_for(fd, POLLIN, deadline_us) > 0)
				continue;
			fail(o, REASON_TIMEOUT,
			    a->size ? "in the answer" : "before the answer");
			return false;
		}
		a->is_closed = true;
		if (a->size > 0)
			fail(o, REASON_SHORT_BODY, n == 0 ? "closed" : strerror(errno));
		else
			fail(o, o->is_fresh ? REASON_RESET : REASON_STALE,
			    n == 0 ? "closed" : strerror(errno));
		return false;
	}
}

static bool
header(const struct answer *a, const char *name, char *value, size_t capacity)
{
	size_t name_size = strlen(name);
	const char *end = a->bytes + a->head_size;
	value[0] = '\0';
	for (const char *line = strstr(a->bytes, "\r\n"); line && line + 4 < end;
	     line = strstr(line, "\r\n")) {
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

/* The size of a complete chunked body, or -1 while more must come. */
static long
chunked_size(const char *body)
{
	const char *p = body;
	for (;;) {
		char *after;
		unsigned long size = strtoul(p, &after, 16);
		const char *line_end = strstr(after, "\r\n");
		if (!line_end)
			return -1;
		if (size > ANSWER_MAX || strlen(line_end + 2) < size + 2)
			return -1;
		p = line_end + 2 + size + 2;
		if (size == 0)
			return p - body;
	}
}

static bool
read_answer(struct answer *a, int fd, int64_t deadline_us, struct outcome *o)
{
	char value[64], *end;
	while (!(end = strstr(a->bytes, "\r\n\r\n")))
		if (!answer_more(a, fd, deadline_us, o))
			return false;
	a->head_size = (size_t)(end - a->bytes) + 4;
	if (sscanf(a->bytes, "HTTP/1.1 %d", &o->status) != 1) {
		fail(o, REASON_MALFORMED, "no HTTP/1.1 status line");
		return false;
	}
	if (header(a, "Transfer-Encoding", value, sizeof value)) {
		while (chunked_size(a->bytes + a->head_size) < 0)
			if (!answer_more(a, fd, deadline_us, o))
				return false;
		return true;
	}
	if (header(a, "Content-Length", value, sizeof value)) {
		size_t size = strtoul(value, NULL, 10);
		while (a->size < a->head_size + size)
			if (!answer_more(a, fd, deadline_us, o))
				return false;
		return true;
	}
	while (answer_more(a, fd, deadline_us, o)) /* the body ends with the connection */
		;
	if (a->is_closed && o->reason == REASON_SHORT_BODY)
		o->reason = REASON_NONE;
	return o->reason == REASON_NONE;
}

static void
judge(const struct target *t, const struct answer *a, struct outcome *o)
{
	char expected[64];
	const char *body = a->bytes + a->head_size;
	header(a, "App-Version", o->version, sizeof o->version);
	header(a, "App-Instance", o->instance, sizeof o->instance);
	header(a, "App-Name", o->app, sizeof o->app);
	snprintf(
	    expected, sizeof expected, "\"body_bytes\":%d,", o->is_post ? POST_BODY_SIZE : 0);
	if (o->status != 200) {
		fail(o, o->status >= 500 ? REASON_STATUS_5XX : REASON_STATUS, "");
		snprintf(o->detail, sizeof o->detail, "status %d", o->status);
	} else if (t->app[0] && strcmp(t->app, o->app) != 0) {
		fail(o, REASON_WRONG_APP, o->app[0] ? o->app : "no App-Name");
	} else if (!o->version[0]) {
		fail(o, REASON_NO_VERSION, "");
	} else if (strcmp(t->path, "/") == 0 && !strstr(body, expected)) {
		fail(o, REASON_BODY, "the app counted another body");
	}
}

static size_t
make_request(
    const struct target *t, bool is_post, bool keep_alive, char *text, size_t capacity)
{
	int size = snprintf(text, capacity,
	    "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: checker\r\n"
	    "Connection: %s\r\n",
	    is_post ? "POST" : "GET", t->path, t->host, keep_alive ? "keep-alive" : "close");
	if (is_post)
		size += snprintf(text + size, capacity - (size_t)size,
		    "Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%0*d",
		    POST_BODY_SIZE, POST_BODY_SIZE, 7);
	else
		size += snprintf(text + size, capacity - (size_t)size, "\r\n");
	return (size_t)size;
}

void
http_ask(const struct target *t, struct link *l, bool is_post, bool keep_alive, int timeout_ms,
    struct outcome *o)
{
	char request[2048], connection[64];
	size_t request_size = make_request(t, is_post, keep_alive, request, sizeof request);
	struct answer a = { .bytes = answer_bytes };
	memset(o, 0, sizeof *o);
	a.bytes[0] = '\0';
	o->is_post = is_post;
	o->begin_us = now_us();
	int64_t deadline_us = o->begin_us + (int64_t)timeout_ms * 1000;
	if (l->fd >= 0 && (!keep_alive || !link_is_open(l)))
		link_close(l);
	o->is_fresh = l->fd < 0;
	bool is_whole = false;
	if (!o->is_fresh || link_open(l, t, deadline_us, o)) {
		/* A refused send is not yet the verdict: an early answer may already be there.
		 */
		(void)!send_all(l->fd, request, request_size, deadline_us);
		is_whole = read_answer(&a, l->fd, deadline_us, o);
	}
	o->end_us = now_us();
	if (is_whole)
		judge(t, &a, o);
	l->uses++;
	header(&a, "Connection", connection, sizeof connection);
	if (!is_whole || a.is_closed || !keep_alive || strcasecmp(connection, "close") == 0)
		link_close(l);
}
