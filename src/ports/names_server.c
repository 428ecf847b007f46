/* names_server.c - see names_server.h. */
#include "ports/names_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/names.h"
#include "ports/names_inside.h"

enum {
	STANDBY_US = 3000000, /* for the one whose address it is */
	LOOK_MS = 250, /* at the file, and for addresses that were taken */
	CONNECTION_MS = 10000, /* over TCP, all in all */
	PATH_SIZE = 4096,
};

struct place { /* an address to answer on */
	struct names_server *server;
	char listen[NAME_SIZE];
	int udp_fd; /* -1: not open */
	int tcp_fd;
	struct loop_io *udp_io;
	struct loop_io *tcp_io;
	bool is_wanted;
	bool has_complained;
	int64_t since_us; /* wanted */
};

struct connection {
	LIST_ENTRY(connection) entry;
	struct names_server *server;
	int fd;
	struct loop_io *io;
	struct loop_timer *end;
	struct buf in;
};

LIST_HEAD(connections, connection);

struct names_server {
	struct loop *loop;
	bool is_standby;
	char path[PATH_SIZE];
	struct names names;
	struct stat seen; /* of the file when it was read */
	bool has_complained;
	struct place places[NAMES_LISTEN_MAX];
	struct loop_timer *timer;
	struct connections connections;
	size_t connection_count;
	struct buf answer;
};

/* Answering. */

static void look_at_file(struct names_server *s);

static void
on_packet(void *context, int ready UNUSED)
{
	struct place *place = context;
	struct names_server *s = place->server;
	int fd = place->udp_fd; /* a changed file may close the place */

	for (int i = 0; i < NAMES_PACKETS_MAX; i++) {
		char packet[NAMES_QUERY_MAX];
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(
		    fd, packet, sizeof(packet), MSG_TRUNC, (struct sockaddr *)&from, &size);

		if (n < 0)
			return;
		if ((size_t)n > sizeof(packet))
			continue;
		look_at_file(s);
		if (place->udp_fd != fd)
			return;
		buf_clear(&s->answer);
		if (names_answer(
			&s->names, (struct str){ packet, (size_t)n }, true, &s->answer))
			(void)sendto(fd, s->answer.p, s->answer.n, MSG_NOSIGNAL,
			    (struct sockaddr *)&from, size);
	}
}

static void
connection_free(struct connection *c)
{
	LIST_REMOVE(c, entry);
	c->server->connection_count--;
	loop_io_free(c->io);
	loop_timer_free(c->end);
	close(c->fd);
	buf_free(&c->in);
	free(c);
}

/* False: no whole question is there. */
static bool
answer_next(struct connection *c, bool *ret_is_broken)
{
	struct names_server *s = c->server;
	unsigned char head[2];
	size_t n;

	if (c->in.n < sizeof(head))
		return false;
	memcpy(head, c->in.p, sizeof(head));
	n = (size_t)head[0] << 8 | head[1];
	*ret_is_broken = n > NAMES_QUERY_MAX;
	if (*ret_is_broken || c->in.n < n + sizeof(head))
		return false;
	buf_clear(&s->answer);
	buf_add(&s->answer, "\0\0", 2);
	if (names_answer(&s->names, (struct str){ c->in.p + 2, n }, false, &s->answer)) {
		s->answer.p[0] = (char)((s->answer.n - 2) >> 8);
		s->answer.p[1] = (char)((s->answer.n - 2) & 0xff);
		/* Who asks on and on without reading is not waited for. */
		*ret_is_broken = send(c->fd, s->answer.p, s->answer.n, MSG_NOSIGNAL)
				 != (ssize_t)s->answer.n;
	}
	buf_consume(&c->in, n + sizeof(head));
	return !*ret_is_broken;
}

static void
on_bytes(void *context, int ready UNUSED)
{
	struct connection *c = context;
	char piece[NAMES_QUERY_MAX];
	ssize_t n = recv(c->fd, piece, sizeof(piece), 0);
	bool is_broken = false;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_add(&c->in, piece, (size_t)n);
	look_at_file(c->server);
	while (n > 0 && answer_next(c, &is_broken))
		;
	if (n <= 0 || is_broken)
		connection_free(c);
}

static void
on_connection_end(void *context)
{
	connection_free(context);
}

static void
on_caller(void *context, int ready UNUSED)
{
	struct place *place = context;
	struct names_server *s = place->server;
	struct connection *c;
	int fd = accept4(place->tcp_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (s->connection_count == NAMES_CONNECTIONS_MAX) {
		close(fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	CHECK(c != NULL);
	c->server = s;
	c->fd = fd;
	buf_init(&c->in, 2 * (NAMES_QUERY_MAX + 2));
	c->io = loop_io_new(s->loop, fd, LOOP_READ, on_bytes, c);
	c->end = loop_timer_new(s->loop, on_connection_end, c);
	loop_timer_set(c->end, CONNECTION_MS);
	LIST_INSERT_HEAD(&s->connections, c, entry);
	s->connection_count++;
}

/* Listening. */

/* -1 with errno when it could not be had. */
static int
open_socket(const char *where, int type)
{
	struct sockaddr_storage address;
	socklen_t size = names_socket_address(where, &address);
	const int on = 1;
	int fd = socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int why;

	if (fd < 0)
		return -1;
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, size) == 0
	    && (type != SOCK_STREAM || listen(fd, 16) == 0))
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

static void
place_close(struct place *place)
{
	loop_io_free(place->udp_io);
	loop_io_free(place->tcp_io);
	if (place->udp_fd >= 0)
		close(place->udp_fd);
	if (place->tcp_fd >= 0)
		close(place->tcp_fd);
	*place = (struct place){ .server = place->server, .udp_fd = -1, .tcp_fd = -1 };
}

/* UDP is what Caddy uses; TCP alone may be missing. */
static void
place_open(struct place *place)
{
	struct loop *loop = place->server->loop;

	if (place->udp_fd < 0) {
		place->udp_fd = open_socket(place->listen, SOCK_DGRAM);
		if (place->udp_fd >= 0)
			place->udp_io =
			    loop_io_new(loop, place->udp_fd, LOOP_READ, on_packet, place);
	}
	if (place->tcp_fd < 0) {
		place->tcp_fd = open_socket(place->listen, SOCK_STREAM);
		if (place->tcp_fd >= 0)
			place->tcp_io =
			    loop_io_new(loop, place->tcp_fd, LOOP_READ, on_caller, place);
	}
	if (place->udp_fd >= 0 && place->tcp_fd >= 0) {
		if (place->has_complained || place->server->is_standby)
			log_info(
			    NULL, "names.listening", "names are told on %s", place->listen);
		place->has_complained = false;
	} else if (!place->has_complained && !place->server->is_standby) {
		place->has_complained = true;
		log_warn(NULL, "names.waiting",
		    "names cannot be told on %s yet: %s; it is tried again and again",
		    place->listen, strerror(errno));
	}
}

static void
want_place(struct names_server *s, const char *listen)
{
	struct place *room = NULL;

	for (size_t i = 0; i < COUNT(s->places); i++) {
		struct place *place = &s->places[i];

		if (strcmp(place->listen, listen) == 0) {
			place->is_wanted = true;
			return;
		}
		if (place->listen[0] == '\0' && room == NULL)
			room = place;
	}
	if (room == NULL) /* more addresses than proxies: the file is being changed */
		return;
	snprintf(room->listen, sizeof(room->listen), "%s", listen);
	room->is_wanted = true;
	room->since_us = clock_mono_us();
}

static void
arrange_places(struct names_server *s)
{
	for (size_t i = 0; i < COUNT(s->places); i++)
		s->places[i].is_wanted = false;
	for (size_t i = 0; i < s->names.count; i++)
		if (i == 0
		    || strcmp(s->names.targets[i].listen, s->names.targets[i - 1].listen) != 0)
			want_place(s, s->names.targets[i].listen);
	for (size_t i = 0; i < COUNT(s->places); i++)
		if (!s->places[i].is_wanted && s->places[i].listen[0] != '\0')
			place_close(&s->places[i]);
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size
	       && a->st_mtim.tv_sec == b->st_mtim.tv_sec
	       && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A file that cannot be read changes nothing: what was told last goes on being told. */
static void
look_at_file(struct names_server *s)
{
	struct stat now = { .st_ino = 0 };
	struct err err;

	if (stat(s->path, &now) != 0 && errno != ENOENT)
		return;
	if (is_same_file(&now, &s->seen))
		return;
	s->seen = now;
	if (names_read(s->path, &s->names, &err) != 0) {
		if (!s->has_complained)
			log_error(NULL, "names.unreadable", "%s", err.text);
		s->has_complained = true;
		return;
	}
	s->has_complained = false;
	arrange_places(s);
}

static void
on_time(void *context)
{
	struct names_server *s = context;

	look_at_file(s);
	for (size_t i = 0; i < COUNT(s->places); i++) {
		struct place *place = &s->places[i];

		if (place->is_wanted && (place->udp_fd < 0 || place->tcp_fd < 0)
		    && (!s->is_standby || clock_mono_us() - place->since_us > STANDBY_US))
			place_open(place);
	}
	loop_timer_set(s->timer, LOOK_MS);
}

struct names_server *
names_server_new(struct loop *loop, const char *directory, bool is_standby)
{
	struct names_server *s = calloc(1, sizeof(*s));

	CHECK(s != NULL);
	s->loop = loop;
	s->is_standby = is_standby;
	snprintf(s->path, sizeof(s->path), "%s/" NAMES_FILE, directory);
	for (size_t i = 0; i < COUNT(s->places); i++)
		s->places[i] = (struct place){ .server = s, .udp_fd = -1, .tcp_fd = -1 };
	LIST_INIT(&s->connections);
	buf_init(&s->answer, NAMES_TCP_MAX + 2);
	s->timer = loop_timer_new(loop, on_time, s);
	on_time(s);
	return s;
}

void
names_server_free(struct names_server *s)
{
	struct connection *c;

	if (s == NULL)
		return;
	while ((c = LIST_FIRST(&s->connections)) != NULL)
		connection_free(c);
	for (size_t i = 0; i < COUNT(s->places); i++)
		place_close(&s->places[i]);
	loop_timer_free(s->timer);
	names_free(&s->names);
	buf_free(&s->answer);
	free(s);
}
