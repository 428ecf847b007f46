/* net.c - see net.h. The __wrap_ functions are what src/http calls. */
#include "net.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/loop.h"

enum { LISTENER = 1 << 20, FIRST = LISTENER + 1, PIECE = 1 << 14 };

struct link {
	bool is_used;
	bool is_accepted;
	bool client_is_gone;
	bool server_is_done; /* it sent its FIN */
	bool server_is_gone;
	size_t room;
	size_t taken; /* of up, by the server */
	size_t seen; /* of down: in the client's hands, no longer in the kernel's */
	size_t consumed; /* of down: done with */
	struct buf up; /* to the server */
	struct buf down;
};

bool (*net_on_leaving)(void);

static struct link links[LINKS_MAX];
static bool is_listening;

int __wrap_socket(int domain, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_listen(int fd, int backlog);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *p, size_t n, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
int __wrap_shutdown(int fd, int how);
int __wrap_close(int fd);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_close(int fd);

static void
forget(struct link *l)
{
	buf_free(&l->up);
	buf_free(&l->down);
	*l = (struct link){ 0 };
}

void
net_reset(void)
{
	for (int i = 0; i < LINKS_MAX; i++)
		forget(&links[i]);
	is_listening = false;
}

/* The client's side. */

int
net_dial(size_t room)
{
	for (int i = 0; is_listening && i < LINKS_MAX; i++)
		if (!links[i].is_used) {
			links[i] = (struct link){ .is_used = true, .room = room };
			buf_init(&links[i].up, 4 << 20);
			buf_init(&links[i].down, 32 << 20);
			return i;
		}
	return -1;
}

static struct link *
link_at(int index)
{
	CHECK(index >= 0 && index < LINKS_MAX && links[index].is_used);
	return &links[index];
}

void
net_send(int index, struct str bytes)
{
	struct link *l = link_at(index);

	if (!l->server_is_gone)
		buf_str(&l->up, bytes);
}

struct str
net_received(int index)
{
	struct link *l = link_at(index);

	l->seen = l->down.n;
	return (struct str){ l->down.p + l->consumed, l->down.n - l->consumed };
}

void
net_consume(int index, size_t n)
{
	struct link *l = link_at(index);

	l->consumed += n;
	CHECK(l->consumed <= l->down.n);
	if (l->consumed == l->down.n) {
		buf_clear(&l->down);
		l->consumed = 0;
		l->seen = 0;
	}
}

bool
net_has_news(int index)
{
	return link_at(index)->seen < link_at(index)->down.n;
}

bool
net_is_over(int index)
{
	return link_at(index)->server_is_done || link_at(index)->server_is_gone;
}

static void
forget_if_over(struct link *l)
{
	if (l->client_is_gone && (l->server_is_gone || !l->is_accepted))
		forget(l);
}

void
net_hang_up(int index)
{
	link_at(index)->client_is_gone = true;
	forget_if_over(link_at(index));
}

void
net_die(void)
{
	is_listening = false;
	for (int i = 0; i < LINKS_MAX; i++)
		if (links[i].is_used) {
			links[i].server_is_gone = true;
			forget_if_over(&links[i]);
		}
}

/* The server's side. */

static struct link *
link_of(int fd)
{
	return link_at(fd - FIRST);
}

int
net_ready(int fd)
{
	int ready = 0;

	if (fd == LISTENER) {
		for (int i = 0; i < LINKS_MAX; i++)
			if (links[i].is_used && !links[i].is_accepted
			    && !links[i].server_is_gone)
				return LOOP_READ;
		return 0;
	}
	struct link *l = link_of(fd);
	if (l->taken < l->up.n || l->client_is_gone)
		ready |= LOOP_READ;
	if (l->down.n - l->seen < l->room || l->client_is_gone)
		ready |= LOOP_WRITE;
	return ready;
}

int
__wrap_socket(int domain UNUSED, int type UNUSED, int protocol UNUSED)
{
	return LISTENER;
}

int
__wrap_bind(int fd, const struct sockaddr *address UNUSED, socklen_t size UNUSED)
{
	CHECK(fd == LISTENER && !is_listening);
	return 0;
}

int
__wrap_listen(int fd, int backlog UNUSED)
{
	CHECK(fd == LISTENER);
	is_listening = true;
	return 0;
}

int
__wrap_setsockopt(int fd UNUSED, int level UNUSED, int name UNUSED, const void *value UNUSED,
    socklen_t size UNUSED)
{
	return 0;
}

int
__wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags UNUSED)
{
	struct sockaddr_in peer = { .sin_family = AF_INET };

	CHECK(fd == LISTENER);
	for (int i = 0; i < LINKS_MAX; i++) {
		if (!links[i].is_used || links[i].is_accepted || links[i].server_is_gone)
			continue;
		peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		peer.sin_port = htons((uint16_t)(1024 + i));
		CHECK(*size >= sizeof(peer));
		memcpy(address, &peer, sizeof(peer));
		*size = sizeof(peer);
		links[i].is_accepted = true;
		return FIRST + i;
	}
	errno = EAGAIN;
	return -1;
}

ssize_t
__wrap_recv(int fd, void *to, size_t size, int flags UNUSED)
{
	struct link *l = link_of(fd);
	size_t n = l->up.n - l->taken;

	if (n == 0 && l->client_is_gone)
		return 0;
	if (n == 0) {
		errno = EAGAIN;
		return -1;
	}
	n = n < size ? n : size;
	memcpy(to, l->up.p + l->taken, n);
	l->taken += n;
	return (ssize_t)n;
}

/* A dead process goes on in vain until its tick has ended: what it sends is sent nowhere. */
static ssize_t
take(struct link *l, const void *p, size_t n)
{
	size_t room = l->room - (l->down.n - l->seen);

	if (l->client_is_gone) {
		errno = EPIPE;
		return -1;
	}
	if (!net_on_leaving())
		return (ssize_t)n;
	if (l->down.n - l->seen >= l->room) {
		errno = EAGAIN;
		return -1;
	}
	n = n < room ? n : room;
	n = n < PIECE ? n : PIECE;
	buf_add(&l->down, p, n);
	CHECK(!l->down.overflow);
	return (ssize_t)n;
}

ssize_t
__wrap_send(int fd, const void *p, size_t n, int flags UNUSED)
{
	return take(link_of(fd), p, n);
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *message, int flags UNUSED)
{
	CHECK(message->msg_iovlen > 0);
	return take(link_of(fd), message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
}

int
__wrap_shutdown(int fd, int how UNUSED)
{
	link_of(fd)->server_is_done = true;
	return 0;
}

int
__wrap_close(int fd)
{
	if (fd < LISTENER)
		return __real_close(fd);
	if (fd == LISTENER) {
		is_listening = false;
		return 0;
	}
	if (links[fd - FIRST].is_used) { /* not: the process died before */
		links[fd - FIRST].server_is_gone = true;
		forget_if_over(&links[fd - FIRST]);
	}
	return 0;
}

/* SIOCOUTQ: what the client has not taken yet. */
int
__wrap_ioctl(int fd, unsigned long request UNUSED, ...)
{
	struct link *l = link_of(fd);
	va_list args;

	va_start(args, request);
	*va_arg(args, int *) = (int)(l->down.n - l->seen);
	va_end(args);
	return 0;
}
