/* edge_bed.h - what the tests of the edge run against: small backends, load, and a plain client.
 *
 * Backends and load are processes of their own, so that they work while the test waits; what they
 * count lies in shared memory. */
#ifndef SLIPWAY_TESTS_EDGE_BED_H
#define SLIPWAY_TESTS_EDGE_BED_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"

enum {
	BED_PEERS = 256,
	BED_BYTES = 16384,
	FIRST_PORT = 20000,
	BLOCK_PORTS = 250,
	BLOCKS = 44
};

struct bed_shared {
	atomic_ulong requests; /* of the load */
	atomic_ulong failed;
	atomic_ulong stale; /* a kept connection that ended before the answer; asked again */
	atomic_int stop;
	atomic_int holds; /* requests that wait at a backend */
	atomic_int released; /* they may be answered */
	char why[128];
};

static struct bed_shared *bed;

static inline void
bed_open(void)
{
	bed = mmap(
	    NULL, sizeof(*bed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(bed, MAP_FAILED);
}

static inline struct sockaddr_in
bed_address(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static inline int
bed_listen(int port)
{
	struct sockaddr_in address = bed_address(port);
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0
	    && listen(fd, 512) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Programs run beside one another: each has a block of ports to itself, as long as it has the abstract
 * name of the block. That goes with the process, however it ends. */
static inline int
bed_claim_ports(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	for (int i = 0; i < BLOCKS; i++) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		int block = (int)((getpid() + i) % BLOCKS);
		int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
		    "slipway-test-ports-%d", block);
		socklen_t size =
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);

		if (bind(fd, (const struct sockaddr *)&address, size) == 0)
			return FIRST_PORT + block * BLOCK_PORTS;
	}
	fail_msg("all blocks of ports are taken");
	return -1;
}

/* Below the range of outgoing ports, so that it stays free until it is used. */
static inline int
bed_free_port(void)
{
	static int first;
	static int next;

	if (first == 0)
		next = first = bed_claim_ports();
	for (;;) {
		int fd;

		if (next == first + BLOCK_PORTS)
			next = first;
		fd = bed_listen(next++);
		if (fd >= 0) {
			close(fd);
			return next - 1;
		}
	}
}

static inline int
bed_connect(int port)
{
	struct sockaddr_in address = bed_address(port);
	struct timeval limit = { .tv_sec = 20 };
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Backends. */

struct bed_peer {
	int fd;
	bool is_held;
	bool is_tunnel;
	char in[BED_BYTES];
	size_t n;
};

static inline bool
bed_say(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t done = send(fd, text, n, MSG_NOSIGNAL);

		if (done <= 0)
			return false;
		text += done;
		n -= (size_t)done;
	}
	return true;
}

static inline bool
bed_answer(int fd, const char *more, const char *body, size_t n)
{
	char head[512];
	int length = snprintf(
	    head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n%s\r\n", n, more);

	return bed_say(fd, head, (size_t)length) && bed_say(fd, body, n);
}

/* Paths: /hold waits for bed->released, /echo gives the request back, Upgrade makes a tunnel. */
static inline bool
bed_request(struct bed_peer *peer, const char *name, const char *end)
{
	size_t n = (size_t)(end - peer->in) + 4;
	bool is_ok = true;

	if (strstr(peer->in, "Upgrade: ") != NULL || strstr(peer->in, "upgrade: ") != NULL) {
		static const char text[] =
		    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		    "Connection: Upgrade\r\n"
		    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
		    "\r\n";
		peer->is_tunnel = true;
		is_ok = bed_say(peer->fd, text, sizeof(text) - 1);
	} else if (strncmp(peer->in, "GET /hold", 9) == 0) {
		peer->is_held = true;
		atomic_fetch_add(&bed->holds, 1);
	} else if (strncmp(peer->in, "GET /echo", 9) == 0) {
		is_ok = bed_answer(peer->fd, "slipway-instance: liar\r\n", peer->in, n);
	} else {
		is_ok = bed_answer(peer->fd, "", name, strlen(name));
	}
	peer->n -= n;
	memmove(peer->in, peer->in + n, peer->n + 1);
	return is_ok;
}

static inline bool
bed_feed(struct bed_peer *peer, const char *name, bool is_raw)
{
	ssize_t n = recv(peer->fd, peer->in + peer->n, sizeof(peer->in) - 1 - peer->n, 0);

	if (n <= 0)
		return false;
	peer->n += (size_t)n;
	peer->in[peer->n] = '\0';
	if (is_raw || peer->is_tunnel) { /* echo with our name in front */
		char text[BED_BYTES + 64];
		int length = snprintf(text, sizeof(text), "%s:%s", name, peer->in);

		peer->n = 0;
		return bed_say(peer->fd, text, (size_t)length);
	}
	while (!peer->is_held) {
		const char *end = strstr(peer->in, "\r\n\r\n");

		if (end == NULL)
			return true;
		if (!bed_request(peer, name, end))
			return false;
		if (peer->is_tunnel)
			return true;
	}
	return true;
}

static inline void
bed_close(struct bed_peer *peer)
{
	if (peer->is_held)
		atomic_fetch_sub(&bed->holds, 1);
	close(peer->fd);
	*peer = (struct bed_peer){ .fd = -1 };
}

static inline _Noreturn void
bed_serve(int listener, const char *name, bool is_raw)
{
	static struct bed_peer peers[BED_PEERS];
	static struct pollfd polls[BED_PEERS + 1];

	for (size_t i = 0; i < BED_PEERS; i++)
		peers[i].fd = -1;
	for (;;) {
		polls[BED_PEERS] = (struct pollfd){ .fd = listener, .events = POLLIN };
		for (size_t i = 0; i < BED_PEERS; i++)
			polls[i] = (struct pollfd){ .fd = peers[i].fd, .events = POLLIN };
		poll(polls, BED_PEERS + 1, 5);
		for (size_t i = 0; i < BED_PEERS; i++) {
			struct bed_peer *peer = &peers[i];

			if (peer->fd >= 0 && peer->is_held && atomic_load(&bed->released)) {
				peer->is_held = false;
				atomic_fetch_sub(&bed->holds, 1);
				bed_answer(peer->fd, "", name, strlen(name));
			}
			if (peer->fd >= 0 && polls[i].revents != 0
			    && !bed_feed(peer, name, is_raw))
				bed_close(peer);
		}
		if (polls[BED_PEERS].revents != 0)
			for (size_t i = 0; i < BED_PEERS; i++)
				if (peers[i].fd < 0) {
					const int one = 1;

					peers[i].fd = accept(listener, NULL, NULL);
					setsockopt(peers[i].fd, IPPROTO_TCP, TCP_NODELAY, &one,
					    sizeof(one));
					break;
				}
	}
}

static inline pid_t
bed_fork(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

static inline pid_t
bed_backend(int port, const char *name, bool is_raw)
{
	int listener = bed_listen(port);
	pid_t pid;

	assert_true(listener >= 0);
	pid = bed_fork();
	if (pid == 0)
		bed_serve(listener, name, is_raw);
	close(listener);
	return pid;
}

static inline void
bed_kill(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Client. */

/* One whole answer with Content-Length into text; its status, or -1 when the connection ended or
 * was silent; *ret_any says whether any byte came. */
static inline int
bed_read(int fd, char *text, size_t size, bool *ret_any)
{
	size_t n = 0;
	int status = -1;

	*ret_any = false;
	for (;;) {
		ssize_t got = recv(fd, text + n, size - 1 - n, 0);
		const char *body;
		const char *length;

		if (got <= 0)
			return -1;
		*ret_any = true;
		n += (size_t)got;
		text[n] = '\0';
		body = strstr(text, "\r\n\r\n");
		if (body == NULL)
			continue;
		sscanf(text, "HTTP/1.1 %d", &status);
		length = strcasestr(text, "\r\ncontent-length: ");
		if (length == NULL || length > body)
			return status;
		if (n - (size_t)(body + 4 - text) >= strtoul(length + 18, NULL, 10))
			return status;
	}
}

static inline int
bed_get(
    int port, const char *host, const char *path, const char *more, char *text, size_t size)
{
	char request[2048];
	int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n",
	    path, host, more);
	int fd = bed_connect(port);
	bool any;
	int status;

	text[0] = '\0';
	if (fd < 0)
		return -1;
	bed_say(fd, request, (size_t)n);
	status = bed_read(fd, text, size, &any);
	close(fd);
	return status;
}

static inline const char *
bed_body(const char *text)
{
	const char *body = strstr(text, "\r\n\r\n");

	return body == NULL ? "" : body + 4;
}

/* Load: the client looks whether a kept connection is still open before it uses it, as good ones do;
 * one that ends all the same before any byte of the answer is asked again and counted apart. */

static inline void
bed_fail(const char *why)
{
	if (atomic_fetch_add(&bed->failed, 1) == 0)
		snprintf(bed->why, sizeof(bed->why), "%s (errno %d)", why, errno);
}

static inline bool
bed_is_open(int fd)
{
	char none;

	return recv(fd, &none, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static inline void
bed_load_once(int port, const char *request, size_t n, int *fd, int keep)
{
	char text[4096];
	bool any;
	bool is_kept;
	int status;

	for (;;) {
		is_kept = *fd >= 0 && bed_is_open(*fd);
		if (*fd >= 0 && !is_kept) {
			close(*fd);
			*fd = -1;
		}
		if (*fd < 0)
			*fd = bed_connect(port);
		if (*fd < 0) {
			bed_fail("connect");
			return;
		}
		status =
		    bed_say(*fd, request, n) ? bed_read(*fd, text, sizeof(text), &any) : -1;
		if (status == 200)
			break;
		close(*fd);
		*fd = -1;
		if (status < 0 && is_kept && !any) {
			atomic_fetch_add(&bed->stale, 1);
			continue;
		}
		bed_fail(status < 0 ? "no answer" : text);
		return;
	}
	atomic_fetch_add(&bed->requests, 1);
	if (!keep || strcasestr(text, "connection: close") != NULL) {
		close(*fd);
		*fd = -1;
	}
}

static inline pid_t
bed_load(int port, const char *host, int keep)
{
	pid_t pid = bed_fork();
	char request[512];
	int fd = -1;
	int n;

	if (pid != 0)
		return pid;
	n = snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n", host,
	    keep ? "" : "Connection: close\r\n");
	while (!atomic_load(&bed->stop))
		bed_load_once(port, request, (size_t)n, &fd, keep);
	_exit(0);
}

static inline void
bed_load_reset(void)
{
	atomic_store(&bed->requests, 0);
	atomic_store(&bed->failed, 0);
	atomic_store(&bed->stale, 0);
	atomic_store(&bed->stop, 0);
	bed->why[0] = '\0';
}

#endif
