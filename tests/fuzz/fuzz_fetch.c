/* fuzz_fetch.c - outgoing HTTP over the real libcurl and the real loop: whatever bytes a peer sends,
 * each transfer ends once, and nothing is larger than was allowed.
 *
 * A peer in this process answers on a Unix socket with the input, one part for each request, and
 * closes; "keep" as the first line of a part leaves the connection open. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/loop.h"
#include "fuzz.h"
#include "ports/fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEERS_MAX = 16, BODY_MAX = 3000, TRANSFERS = 4, TOTAL_MS = 30 };

struct peer {
	struct loop_io *io;
	int fd;
};

static struct loop *loop;
static struct loop_io *listener;
static struct fetch *first; /* stays: it loads what all of curl needs */
static char path[64];
static struct peer peers[PEERS_MAX];
static struct str rest;

static void
peer_close(struct peer *peer)
{
	loop_io_free(peer->io);
	close(peer->fd);
	*peer = (struct peer){ .fd = -1 };
}

static void
on_request(void *context, int ready UNUSED)
{
	struct peer *peer = context;
	char request[8192];
	struct str part = { "", 0 };
	bool keeps;

	if (recv(peer->fd, request, sizeof(request), MSG_DONTWAIT) <= 0) {
		peer_close(peer);
		return;
	}
	fuzz_next_part(&rest, &part);
	keeps = str_starts(part, "keep\n");
	if (keeps)
		part = (struct str){ part.p + 5, part.n - 5 };
	if (part.n > 0)
		(void)!send(peer->fd, part.p, part.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (!keeps)
		peer_close(peer);
}

static void
on_connect(void *context, int ready UNUSED)
{
	int *listening = context;
	int fd = accept(*listening, NULL, NULL);

	for (size_t i = 0; fd >= 0 && i < PEERS_MAX; i++)
		if (peers[i].io == NULL) {
			peers[i].fd = fd;
			peers[i].io = loop_io_new(loop, fd, LOOP_READ, on_request, &peers[i]);
			return;
		}
	CHECK(fd < 0);
}

static void
tear_down(void)
{
	unlink(path);
}

static void
set_up(void)
{
	static int fd;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (loop != NULL)
		return;
	loop = loop_new();
	first = fetch_new(loop);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(path, sizeof(path), "/tmp/slipway-fuzz-fetch.%d", (int)getpid());
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	CHECK(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(atexit(tear_down) == 0);
	CHECK(listen(fd, PEERS_MAX) == 0);
	listener = loop_io_new(loop, fd, LOOP_READ, on_connect, &fd);
}

struct watched {
	uint32_t ends;
	size_t taken;
	const struct fetch_transfer *transfer;
};

static bool
on_body(void *context, struct str piece)
{
	struct watched *w = context;

	CHECK(w->ends == 0);
	w->taken += piece.n;
	CHECK(w->taken <= BODY_MAX);
	CHECK(fetch_status(w->transfer) >= 0);
	return w->taken < 2000;
}

static void
on_done(void *context, const struct fetch_result *result)
{
	struct watched *w = context;

	CHECK(w->ends++ == 0);
	if (result->outcome == FETCH_ANSWERED) {
		CHECK(result->status >= 0 && result->status <= 999);
		CHECK(result->body.n <= BODY_MAX);
		fetch_header(result->transfer, "Content-Type");
		for (uint32_t i = 0; fetch_header_at(result->transfer, "Link", i).n > 0; i++)
			CHECK(i < 10000);
	} else {
		CHECK(result->why != NULL && result->why[0] != '\0');
	}
}

static void
begin(struct fetch *fetch, struct watched *w, int i)
{
	static const char *const headers[] = { "Accept: text/plain", NULL };
	static const char *const methods[] = { "GET", "HEAD", "POST", "DELETE" };
	struct fetch_request request = { .method = methods[i],
		.url = "http://localhost/x",
		.unix_socket = path,
		.headers = headers,
		.body = i == 2 ? STR("{}") : STR(""),
		.follow = i == 0,
		.fresh = i == 3,
		.total_ms = TOTAL_MS,
		.body_max = BODY_MAX,
		.on_body = i % 2 == 1 ? NULL : on_body,
		.on_done = on_done,
		.context = w };

	*w = (struct watched){ 0 };
	w->transfer = fetch_start(fetch, &request);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct watched watched[TRANSFERS];
	struct fetch *fetch;

	set_up();
	rest = (struct str){ (const char *)data, size };
	fetch = fetch_new(loop);
	for (int i = 0; i < TRANSFERS && (i == 0 || rest.n > 0); i++) {
		begin(fetch, &watched[i], i);
		while (watched[i].ends == 0)
			loop_turn(loop, true);
	}
	CHECK(fetch_active(fetch) == 0);
	fetch_free(fetch);
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (peers[i].io != NULL)
			peer_close(&peers[i]);
	return 0;
}
