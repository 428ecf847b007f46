/* edge_confirm.c - CONFIRM: is it really this deploy that answers, through the proxy?
 *
 * The one idea: positive proof. HAProxy names the server in its answer to a request that carries our
 * secret header, and only when that server itself has answered; ten such answers in a row, each on
 * a connection of its own, prove the route, whatever their status is: health is the gate's
 * business. TCP has no headers; there the proof is that a connection through the port was counted
 * for the deploy's server and did not fail. No pause in between: HAProxy switches at once. */
#include "ports/edge_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/fetch.h"

/* An app that takes seconds for an answer is confirmed by fewer: HAProxy has been read back already,
 * and the deadline of a confirmation must not depend on how quick an app is. */
enum {
	ANSWERS = 10,
	SLOW_ANSWERS = 2,
	SLOW_US = 5000000,
	TCP_ANSWERS = 3,
	REQUEST_MS = 5000,
	BODY_MAX = 1 << 20,
	PAUSE_MS = 20
};

static void tcp_look(struct edge_op *op);

static void
confirmed(struct edge_op *op)
{
	int64_t ms = (clock_mono_us() - op->began_us) / 1000;

	port_note(&op->edge->host, &op->effect, LOG_INFO,
	    "confirmed through the proxy: %d answers in a row (%" PRId64 " ms)", op->confirmed,
	    ms);
	edge_op_done(op, EV_CONFIRMED);
}

static bool
has_http(const struct edge_op *op)
{
	return op->domain_count > 0 && op->domains[0].is_wanted;
}

/* HTTP. */

static void
count(struct edge_op *op, bool is_proof, int answers)
{
	op->confirmed = is_proof ? op->confirmed + 1 : 0;
	if (op->confirmed < answers
	    && (op->confirmed < SLOW_ANSWERS || clock_mono_us() - op->began_us < SLOW_US)) {
		edge_op_again(op, is_proof ? 0 : PAUSE_MS);
		return;
	}
	if (answers == ANSWERS && op->tcp_port != 0) {
		op->step = 1;
		op->confirmed = 0;
		edge_op_again(op, 0);
		return;
	}
	confirmed(op);
}

static bool
names_deploy(const struct edge_op *op, struct str name)
{
	char head[EDGE_SERVER_NAME_SIZE];

	snprintf(head, sizeof(head), "d%" PRIu64 "r", op->deploy);
	return str_starts(name, head);
}

static void
on_fetched(void *context, const struct fetch_result *result)
{
	struct edge_op *op = context;
	struct str name = { "", 0 };

	if (result->outcome == FETCH_ANSWERED || result->outcome == FETCH_TOO_LARGE)
		name = fetch_header(result->transfer, EDGE_INSTANCE_HEADER);
	op->transfer = NULL;
	if (str_is(name, EDGE_ITSELF))
		snprintf(op->said, sizeof(op->said),
		    "the last answer was HAProxy's own, status %d", result->status);
	else if (name.n > 0)
		snprintf(op->said, sizeof(op->said), "the last answer came from %.*s",
		    (int)name.n, name.p);
	else if (result->outcome == FETCH_ANSWERED)
		snprintf(op->said, sizeof(op->said),
		    "the last answer, status %d, does not say who gave it", result->status);
	else
		snprintf(
		    op->said, sizeof(op->said), "the last request failed: %s", result->why);
	count(op, names_deploy(op, name), ANSWERS);
}

/* Where HAProxy listens on all addresses, loopback is one of them. */
static void
loopback_of(const char *host, char *text, size_t size)
{
	if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "*") == 0 || host[0] == '\0')
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0)
		host = "::1";
	snprintf(text, size, strchr(host, ':') != NULL ? "[%s]" : "%s", host);
}

static void
fetch(struct edge_op *op)
{
	const struct edge *edge = op->edge;
	char host_header[DOMAIN_SIZE + 16];
	const char *headers[] = { host_header, edge_probe_header(edge), NULL };
	char url[1024];
	char host[128] = "localhost";
	char socket_path[EDGE_PATH_SIZE];
	struct fetch_request request = { .url = url,
		.headers = headers,
		.fresh = true,
		.total_ms = REQUEST_MS,
		.body_max = BODY_MAX,
		.on_done = on_fetched,
		.context = op };
	int port = 80;

	/* A wildcard stands for any first label. */
	snprintf(host_header, sizeof(host_header), "Host: %s%s",
	    op->domains[0].name[0] == '*' ? "slipway" : "",
	    op->domains[0].name + (op->domains[0].name[0] == '*'));
	if (edge->http.count > 0) {
		loopback_of(edge->http.items[0].host, host, sizeof(host));
		port = edge->http.items[0].port;
	} else {
		edge_path(edge, "probe.sock", socket_path);
		request.unix_socket = socket_path;
	}
	snprintf(url, sizeof(url), "http://%s:%d%s", host, port, op->path);
	op->transfer = fetch_start(edge->host.fetch, &request);
}

/* TCP. */

static uint64_t
count_served(const struct edge_op *op)
{
	const struct edge_backend *b = op->stage->tcp;
	uint64_t served = 0;

	for (size_t i = 0; i < b->server_count; i++)
		if (b->servers[i].deploy == op->deploy)
			served += b->servers[i].served - b->servers[i].failed;
	return served;
}

static void
close_tcp(struct edge_op *op)
{
	loop_io_free(op->tcp_io);
	op->tcp_io = NULL;
	if (op->tcp_fd >= 0)
		close(op->tcp_fd);
	op->tcp_fd = -1;
}

static void
on_tcp_stat(void *context, bool is_answered, struct str answer)
{
	struct edge_op *op = context;
	uint64_t served;

	op->ask = NULL;
	if (!is_answered)
		return;
	edge_take_stat(op->edge, answer);
	served = count_served(op);
	close_tcp(op);
	snprintf(op->said, sizeof(op->said), "no connection through port %d reached it",
	    op->tcp_port);
	op->step = 1;
	count(op, served > op->served_before, TCP_ANSWERS);
}

static void
on_tcp_connected(void *context, int ready UNUSED)
{
	struct edge_op *op = context;
	int error = 0;
	socklen_t size = sizeof(error);

	loop_io_want(op->tcp_io, 0);
	if (getsockopt(op->tcp_fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
		close_tcp(op);
		snprintf(
		    op->said, sizeof(op->said), "port %d: %s", op->tcp_port, strerror(error));
		count(op, false, TCP_ANSWERS);
		return;
	}
	/* HAProxy has accepted; a moment later it has a server. */
	op->step = 3;
	edge_op_again(op, PAUSE_MS);
}

static void
tcp_connect(struct edge_op *op)
{
	char text[128];
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .v4 = {
			  .sin_family = AF_INET, .sin_port = htons((uint16_t)op->tcp_port) } };
	socklen_t size = sizeof(address.v4);

	loopback_of(edge_tcp_host(op->edge), text, sizeof(text));
	if (inet_pton(AF_INET, text, &address.v4.sin_addr) != 1) {
		address.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
			.sin6_port = htons((uint16_t)op->tcp_port) };
		size = sizeof(address.v6);
		text[strlen(text) - 1] = '\0';
		inet_pton(AF_INET6, text + 1, &address.v6.sin6_addr);
	}
	op->served_before = count_served(op);
	op->tcp_fd =
	    socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (op->tcp_fd < 0
	    || (connect(op->tcp_fd, &address.any, size) != 0 && errno != EINPROGRESS)) {
		snprintf(
		    op->said, sizeof(op->said), "port %d: %s", op->tcp_port, strerror(errno));
		close_tcp(op);
		count(op, false, TCP_ANSWERS);
		return;
	}
	op->tcp_io =
	    loop_io_new(op->edge->host.loop, op->tcp_fd, LOOP_WRITE, on_tcp_connected, op);
}

static void
on_tcp_before(void *context, bool is_answered, struct str answer)
{
	struct edge_op *op = context;

	op->ask = NULL;
	if (!is_answered)
		return;
	edge_take_stat(op->edge, answer);
	tcp_connect(op);
}

/* step: 0 HTTP, 1 TCP before connecting, 3 TCP after it. */
static void
tcp_look(struct edge_op *op)
{
	if (op->stage->tcp == NULL || op->stage->tcp->tcp_port != op->tcp_port) {
		edge_op_fail(
		    op, EV_TROUBLED, "HAProxy has no route for the TCP port %d", op->tcp_port);
		return;
	}
	op->ask = edge_ask(op->edge->stats, op->step == 3 ? on_tcp_stat : on_tcp_before, op,
	    "show stat %s 4 -1", op->stage->tcp->name);
}

void
edge_confirm(struct edge_op *op)
{
	if (op->is_stopped) { /* SWITCH has read that HAProxy has nobody for it any more */
		edge_op_done(op, EV_CONFIRMED);
		return;
	}
	if (op->step == 0 && has_http(op)) {
		fetch(op);
		return;
	}
	if (op->tcp_port == 0) { /* SWITCH has read that nothing leads to the stage any more */
		edge_op_done(op, EV_CONFIRMED);
		return;
	}
	if (op->step == 0)
		op->step = 1;
	tcp_look(op);
}

void
edge_confirm_stop(struct edge_op *op)
{
	if (op->transfer != NULL)
		fetch_cancel(op->transfer);
	op->transfer = NULL;
	close_tcp(op);
}
