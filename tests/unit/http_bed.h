/* http_bed.h - a server in this process and raw clients against it, for test_http*.c.
 *
 * The one idea: the test is the main loop. Nothing happens but in bed_turn(), and every wait
 * is a condition with a deadline. */
#ifndef SLIPWAY_TESTS_HTTP_BED_H
#define SLIPWAY_TESTS_HTTP_BED_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/loop.h"
#include "base/str.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/route.h"
#include "http/server.h"
#include "http/stream.h"

enum { BED_TURN_MS = 2, BED_PATIENCE_MS = 10000 };

struct bed {
	struct loop *loop;
	struct loop_timer *timer;
	struct http_server *server;
	uint16_t port;
	bool is_gated; /* turns without release */
};

static void
bed_on_timer(void *context UNUSED)
{
}

static struct bed
bed_new(struct http_settings settings)
{
	static const char *const listen[] = { "127.0.0.1:0", NULL };
	struct bed bed = { .loop = loop_new() };
	struct err err;

	if (settings.listen == NULL)
		settings.listen = listen;
	bed.timer = loop_timer_new(bed.loop, bed_on_timer, NULL);
	bed.server = http_server_new(bed.loop, &settings, &err);
	assert_non_null(bed.server);
	assert_int_equal(http_server_open(bed.server, &err), 0);
	bed.port = http_server_port(bed.server, 0);
	return bed;
}

static void
bed_free(struct bed *bed)
{
	http_server_free(bed->server);
	loop_timer_free(bed->timer);
	loop_free(bed->loop);
}

/* One tick; it waits at most BED_TURN_MS for something to happen. */
static void
bed_turn(struct bed *bed)
{
	loop_timer_set(bed->timer, BED_TURN_MS);
	loop_turn(bed->loop, !http_server_is_busy(bed->server));
	clock_tick();
	if (bed->is_gated)
		return;
	http_server_step(bed->server, TICK_EVENTS_MAX);
	http_server_release(bed->server);
}

/* A client: what it has received, and whether the server has closed. */
struct client {
	int fd;
	struct buf got;
	bool is_over;
	bool is_reset;
};

/* receive_size: of the socket's buffer, 0 for the usual. */
static int
bed_connect_with(uint16_t port, int receive_size)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	if (receive_size > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_size, sizeof(receive_size));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static struct client
client_new(const struct bed *bed)
{
	struct client client = { .fd = bed_connect_with(bed->port, 0) };

	buf_init(&client.got, 64 << 20);
	return client;
}

static void
client_free(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	buf_free(&client->got);
}

/* Takes what is there. */
static void
client_poll(struct client *client)
{
	char piece[65536];
	ssize_t n;

	while (!client->is_over
	       && (n = recv(client->fd, piece, sizeof(piece), MSG_DONTWAIT)) != -1) {
		if (n == 0)
			client->is_over = true;
		else
			buf_add(&client->got, piece, (size_t)n);
	}
	if (!client->is_over && errno != EAGAIN && errno != EWOULDBLOCK) {
		client->is_over = true;
		client->is_reset = true;
	}
}

/* Sends everything, turning as long as the socket is full; a server that closes ends it. */
static void
client_send(struct bed *bed, struct client *client, struct str bytes)
{
	int64_t until_us = clock_mono_us() + (int64_t)BED_PATIENCE_MS * 1000;

	while (bytes.n > 0) {
		ssize_t n = send(client->fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);

		assert_true(clock_mono_us() < until_us);
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			return;
		if (n < 0) {
			bed_turn(bed);
			client_poll(client);
			continue;
		}
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
}

static void
client_say(struct bed *bed, struct client *client, const char *text)
{
	client_send(bed, client, str_of(text));
}

/* Turns until the condition holds; false after BED_PATIENCE_MS. */
#define BED_UNTIL(bed, condition)                                                     \
	do {                                                                          \
		int64_t until_us = clock_mono_us() + (int64_t)BED_PATIENCE_MS * 1000; \
		while (!(condition)) {                                                \
			if (clock_mono_us() > until_us)                               \
				fail_msg("waited in vain for: %s", #condition);       \
			bed_turn(bed);                                                \
		}                                                                     \
	} while (0)

static bool
client_has(struct client *client, const char *text)
{
	client_poll(client);
	return strstr(buf_cstr(&client->got), text) != NULL;
}

static bool
client_is_over(struct client *client)
{
	client_poll(client);
	return client->is_over;
}

/* Length of the first whole answer in bytes, 0 when there is none yet. */
static size_t
answer_size(struct str bytes, bool has_body)
{
	const char *end = bytes.n == 0 ? NULL : memmem(bytes.p, bytes.n, "\r\n\r\n", 4);
	const char *length;
	size_t head;
	size_t body = 0;

	if (end == NULL)
		return 0;
	head = (size_t)(end - bytes.p) + 4;
	length = memmem(bytes.p, head, "Content-Length: ", 16);
	if (length != NULL && has_body)
		body = strtoul(length + 16, NULL, 10);
	return bytes.n >= head + body ? head + body : 0;
}

static int
answer_status(struct str bytes)
{
	assert_true(bytes.n > 12 && strncmp(bytes.p, "HTTP/1.1 ", 9) == 0);
	return (int)strtol(bytes.p + 9, NULL, 10);
}

static bool
client_has_answer(struct client *client)
{
	client_poll(client);
	return answer_size(buf_view(&client->got), true) > 0;
}

/* Waits for one whole answer and takes it out of `got`. Returns the status; text gets the
 * whole of it (cut when longer) when not NULL. */
static int
client_answer(struct bed *bed, struct client *client, char *text, size_t text_size)
{
	size_t n;
	int status;

	BED_UNTIL(bed, client_has_answer(client) || client->is_over);
	n = answer_size(buf_view(&client->got), true);
	if (n == 0)
		fail_msg("closed without an answer; got: %s", buf_cstr(&client->got));
	status = answer_status(buf_view(&client->got));
	if (text != NULL)
		snprintf(text, text_size, "%.*s", (int)n, client->got.p);
	buf_consume(&client->got, n);
	return status;
}

#endif
