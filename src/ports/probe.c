/* probe.c - HTTP and TCP probes, each over a connection of its own. */
#include "ports/probe.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/loop.h"
#include "ports/fetch.h"

struct probe {
	struct probe_request request; /* its texts are not kept */
	char what[128];
	struct fetch_transfer *transfer;
	struct loop_io *io;
	struct loop_timer *timer;
	int fd;
	int cause; /* errno of a connect that failed at once */
};

static void
probe_free(struct probe *probe)
{
	loop_io_free(probe->io);
	loop_timer_free(probe->timer);
	if (probe->fd >= 0)
		close(probe->fd);
	free(probe);
}

static void
finish(struct probe *probe, const struct probe_result *result)
{
	struct probe_request request = probe->request;

	probe_free(probe);
	request.on_done(request.context, result);
}

/* HTTP. */

static bool
on_body(void *context UNUSED, struct str piece UNUSED)
{
	return true; /* read, so that the app can finish it; what it says does not matter */
}

static void
on_answered(void *context, const struct fetch_result *answer)
{
	struct probe *probe = context;
	struct probe_result result = { 0 };

	probe->transfer = NULL;
	if (answer->outcome == FETCH_ANSWERED) {
		result.is_good = answer->status >= probe->request.status_min
				 && answer->status <= probe->request.status_max;
		snprintf(result.text, sizeof(result.text), "%s answered %d (expected %d-%d)",
		    probe->what, answer->status, probe->request.status_min,
		    probe->request.status_max);
	} else {
		/* A forwarded port takes the connection and drops it while nobody listens
		 * behind. */
		result.is_closed = true;
		snprintf(result.text, sizeof(result.text), "%s: %s", probe->what, answer->why);
	}
	finish(probe, &result);
}

static void
start_http(struct probe *probe, struct fetch *fetch, const struct probe_request *wanted)
{
	char host[DOMAIN_SIZE + 16];
	char url[1280]; /* a path has 1,023 at most */
	const char *headers[] = { wanted->host[0] != '\0' ? host : NULL, NULL };
	struct fetch_request request = { .url = url,
		.headers = headers,
		.fresh = true,
		.connect_ms = wanted->timeout_ms,
		.total_ms = wanted->timeout_ms,
		.on_body = on_body,
		.on_done = on_answered,
		.context = probe };

	snprintf(probe->what, sizeof(probe->what), "GET %s", wanted->path);
	snprintf(host, sizeof(host), "Host: %s", wanted->host);
	snprintf(url, sizeof(url), "http://%s%s", wanted->address, wanted->path);
	probe->transfer = fetch_start(fetch, &request);
}

/* TCP. */

static void
finish_tcp(struct probe *probe, int cause)
{
	struct probe_result result = { .is_good = cause == 0,
		.is_closed = cause == ECONNREFUSED };

	snprintf(result.text, sizeof(result.text), "%s: %s", probe->what,
	    cause == 0 ? "connected" : strerror(cause));
	finish(probe, &result);
}

static void
on_connected(void *context, int ready UNUSED)
{
	struct probe *probe = context;
	int cause = 0;
	socklen_t size = sizeof(cause);

	if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &cause, &size) != 0)
		cause = errno;
	finish_tcp(probe, cause);
}

static void
on_timer(void *context)
{
	struct probe *probe = context;

	finish_tcp(probe, probe->cause != 0 ? probe->cause : ETIMEDOUT);
}

/* "10.0.0.2:80" or "[::1]:80"; numbers only, so nothing is looked up. */
static struct addrinfo *
parse_address(const char *text)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	const char *colon = strrchr(text, ':');
	bool is_bracketed = text[0] == '[';
	char host[64];

	if (colon == NULL || colon - text <= (is_bracketed ? 2 : 0))
		return NULL;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text) - (is_bracketed ? 2 : 0),
	    text + (is_bracketed ? 1 : 0));
	return getaddrinfo(host, colon + 1, &hints, &found) == 0 ? found : NULL;
}

static void
start_tcp(struct probe *probe, struct loop *loop, const struct probe_request *wanted)
{
	struct addrinfo *to = parse_address(wanted->address);
	int64_t wait_ms = wanted->timeout_ms;

	snprintf(probe->what, sizeof(probe->what), "connect to %s", wanted->address);
	probe->timer = loop_timer_new(loop, on_timer, probe);
	if (to == NULL) {
		probe->cause = EADDRNOTAVAIL;
	} else {
		probe->fd =
		    socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (probe->fd < 0
		    || (connect(probe->fd, to->ai_addr, to->ai_addrlen) != 0
			&& errno != EINPROGRESS))
			probe->cause = errno;
		freeaddrinfo(to);
	}
	if (probe->cause != 0)
		wait_ms = 0;
	else
		probe->io = loop_io_new(loop, probe->fd, LOOP_WRITE, on_connected, probe);
	loop_timer_set(probe->timer, wait_ms);
}

struct probe *
probe_start(struct loop *loop, struct fetch *fetch, const struct probe_request *request)
{
	struct probe *probe = calloc(1, sizeof(*probe));

	CHECK(probe != NULL && request->on_done != NULL);
	probe->fd = -1;
	probe->request = *request;
	if (request->path != NULL)
		start_http(probe, fetch, request);
	else
		start_tcp(probe, loop, request);
	return probe;
}

void
probe_cancel(struct probe *probe)
{
	if (probe == NULL)
		return;
	if (probe->transfer != NULL)
		fetch_cancel(probe->transfer);
	probe_free(probe);
}
