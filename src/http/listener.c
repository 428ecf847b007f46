/* listener.c - the addresses listened on, and accepting.
 *
 * A TCP address is taken (bound) before recovery, so that a taken port is told at once, and
 * listened on after it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "http/inside.h"

enum { BACKLOG = 1024, UNIX_MODE = 0660 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static int
address_fault(const char *text, struct err *err)
{
	return err_set(err,
	    "listen on \"%s\": not an address: write 127.0.0.1:8080, [::1]:8080 or unix:/path",
	    text);
}

/* Numbers only: looking up a name may block. */
static int
address_read(const char *text, union address *address, socklen_t *ret_size, struct err *err)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	uint64_t port;
	size_t n;

	memset(address, 0, sizeof(*address));
	if (colon == NULL || !str_number(str_of(colon + 1), UINT16_MAX, &port)
	    || !str_copy(host, sizeof(host), (struct str){ text, (size_t)(colon - text) }))
		return address_fault(text, err);
	n = strlen(host);
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		address->v6.sin6_family = AF_INET6;
		address->v6.sin6_port = htons((uint16_t)port);
		*ret_size = sizeof(address->v6);
		if (inet_pton(AF_INET6, host + 1, &address->v6.sin6_addr) == 1)
			return 0;
	} else {
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = htons((uint16_t)port);
		*ret_size = sizeof(address->v4);
		if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1)
			return 0;
	}
	return address_fault(text, err);
}

static int
bind_fault(const struct listener *listener, struct err *err)
{
	if (errno == EADDRINUSE)
		return err_set(err,
		    "listen on %s: the address is in use by another program (or another "
		    "slipway): "
		    "stop that one, or listen elsewhere",
		    listener->address);
	if (errno == EACCES)
		return err_set(err,
		    "listen on %s: permission denied: choose a port from 1024 up, or grant it",
		    listener->address);
	return err_errno(err, "listen on %s", listener->address);
}

static int
take_tcp(struct listener *listener, struct err *err)
{
	union address address;
	socklen_t size = 0;
	int on = 1;

	if (address_read(listener->address, &address, &size, err) != 0)
		return -1;
	listener->fd =
	    socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return err_errno(err, "listen on %s", listener->address);
	setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address.any.sa_family == AF_INET6)
		setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(listener->fd, &address.any, size) == 0)
		return 0;
	bind_fault(listener, err);
	listener_close(listener);
	return -1;
}

int
listener_take(struct listener *listener, const char *address, struct err *err)
{
	struct str text = str_of(address);

	if (!str_copy(listener->address, sizeof(listener->address), text))
		return err_set(err,
		    "listen on %s: the address must have at most %zu characters", address,
		    sizeof(listener->address) - 1);
	if (!str_starts(text, "unix:"))
		return take_tcp(listener, err);
	text = (struct str){ text.p + 5, text.n - 5 };
	if (text.n == 0 || !str_copy(listener->path, sizeof(listener->path), text))
		return err_set(err, "listen on %s: the path must have 1 to %zu characters",
		    listener->address, sizeof(listener->path) - 1);
	return 0;
}

/* A socket file outlives its program. Somebody answering there: it is in use. */
static int
remove_stale(const struct listener *listener, const struct sockaddr_un *local, struct err *err)
{
	struct stat st;
	int fd;
	int answer;

	if (lstat(listener->path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, "listen on %s: there is a file of that name: remove it",
		    listener->address);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(err, "listen on %s", listener->address);
	answer = connect(fd, (const struct sockaddr *)local, sizeof(*local)) == 0 ? 0 : errno;
	close(fd);
	if (answer != ECONNREFUSED) {
		errno = EADDRINUSE;
		return bind_fault(listener, err);
	}
	if (unlink(listener->path) != 0)
		return err_errno(
		    err, "listen on %s: remove the old socket", listener->address);
	return 0;
}

static int
open_unix(struct listener *listener, struct err *err)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };

	CHECK(str_copy(local.sun_path, sizeof(local.sun_path), str_of(listener->path)));
	if (remove_stale(listener, &local, err) != 0)
		return -1;
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return err_errno(err, "listen on %s", listener->address);
	/* On Linux the mode of the socket becomes the mode of the file: no moment is too
	 * open. */
	fchmod(listener->fd, UNIX_MODE);
	if (bind(listener->fd, (const struct sockaddr *)&local, sizeof(local)) == 0)
		return 0;
	bind_fault(listener, err);
	close(listener->fd);
	listener->fd = -1;
	return -1;
}

static void
on_starved(struct http_server *server, int why)
{
	server->counters.accept_pauses++;
	server->accept_is_paused = true;
	listeners_update(server);
	loop_timer_set(server->accept_timer, HTTP_ACCEPT_PAUSE_MS);
	if ((server->counters.accept_pauses & (server->counters.accept_pauses - 1)) == 0)
		log_warn(NULL, "http.accept_paused",
		    "cannot accept connections (%s): raise the limit of open files (ulimit "
		    "-n)",
		    strerror(why));
}

static void
tell_full(struct http_server *server)
{
	if (server->is_full)
		return;
	server->is_full = true;
	log_warn(NULL, "http.accept_paused",
	    "all %zu connections are open: further clients wait until one ends",
	    server->settings.connections_max);
}

static bool
accept_one(struct listener *listener)
{
	struct http_server *server = listener->server;
	struct sockaddr_in6 peer = { .sin6_family = AF_UNSPEC };
	socklen_t size = sizeof(peer);
	int on = 1;
	int fd = accept4(
	    listener->fd, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		if (listener->path[0] == '\0')
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		else
			peer.sin6_family = AF_UNIX;
		conn_new(server, fd, &peer);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		on_starved(server, errno);
		return false;
	}
	return errno == ECONNABORTED
	       || errno == EINTR; /* that one left; the next may be there */
}

static void
on_accept(void *context, int ready UNUSED)
{
	struct listener *listener = context;
	struct http_server *server = listener->server;

	for (int i = 0; i < HTTP_ACCEPT_MAX; i++)
		if (server->conn_count >= server->settings.connections_max
		    || !accept_one(listener))
			break;
	if (server->conn_count >= server->settings.connections_max)
		tell_full(server);
	listeners_update(server);
}

int
listener_open(struct listener *listener, struct err *err)
{
	if (listener->path[0] != '\0' && open_unix(listener, err) != 0)
		return -1;
	if (listen(listener->fd, BACKLOG) != 0)
		return bind_fault(listener, err);
	listener->io =
	    loop_io_new(listener->server->loop, listener->fd, 0, on_accept, listener);
	return 0;
}

void
listener_close(struct listener *listener)
{
	bool was_open = listener->io != NULL;

	loop_io_free(listener->io);
	listener->io = NULL;
	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
	if (was_open && listener->path[0] != '\0')
		unlink(listener->path);
}

void
listeners_update(struct http_server *server)
{
	bool has_room = server->conn_count < server->settings.connections_max;
	int wanted = has_room && !server->accept_is_paused ? LOOP_READ : 0;

	if (server->conn_count <= server->settings.connections_max / 2)
		server->is_full = false; /* the next time is told again */
	if (!server->is_accepting)
		return;
	for (size_t i = 0; i < server->listener_count; i++)
		if (server->listeners[i].io != NULL)
			loop_io_want(server->listeners[i].io, wanted);
}
