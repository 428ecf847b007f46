/* conn.c - one connection: its states, what it reads, and how it ends.
 *
 * The order of a connection's life is IDLE, READING, BUSY, WRITING and IDLE again; a stream
 * leaves that circle, and every polite end passes LINGERING. Freed memory never surprises
 * anybody: a closed connection is only reaped at the end of a tick. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "http/inside.h"
#include "http/parse.h"
#include "http/reply.h"
#include "http/waits.h"

static void on_io(void *context, int ready);

void
conn_new(struct http_server *server, int fd, const struct sockaddr_in6 *peer)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	CHECK(conn != NULL && fd >= 0);
	conn->server = server;
	conn->fd = fd;
	conn->peer = *peer;
	chain_init(&conn->all);
	chain_init(&conn->wait);
	buf_init(&conn->in, HTTP_INPUT_MAX * 2);
	buf_init(&conn->out, SSE_BUFFER_MAX);
	chain_append(&server->conns, &conn->all);
	server->conn_count++;
	server->counters.connections++;
	server->counters.accepted++;
	conn->io = loop_io_new(server->loop, fd, LOOP_READ, on_io, conn);
	/* A client that connects and is silent has the time of a request, not of an idle
	 * one. */
	wait_set(conn, WAIT_REQUEST);
}

void
conn_close(struct conn *conn)
{
	struct http_server *server = conn->server;

	if (conn->state == CONN_CLOSED)
		return;
	wait_clear(conn);
	if (conn->stream != NULL) {
		stream_free(conn->stream);
	} else {
		server->conn_count--;
		server->counters.connections--;
	}
	if (conn->request != NULL)
		request_abandon(conn->request);
	conn->request = NULL;
	conn->state = CONN_CLOSED;
	loop_io_free(conn->io);
	close(conn->fd);
	buf_free(&conn->in);
	buf_free(&conn->out);
	chain_append(&server->closed, &conn->all);
	listeners_update(server);
}

/* Closing with bytes of the client unread would make the kernel reset the connection, and the
 * client might never read why it was refused. */
void
conn_finish(struct conn *conn)
{
	CHECK(conn->request == NULL);
	if (conn->peer_is_done || shutdown(conn->fd, SHUT_WR) != 0) {
		conn_close(conn);
		return;
	}
	conn->state = CONN_LINGERING;
	buf_free(&conn->in);
	conn->in_used = 0;
	wait_set(conn, WAIT_LINGER);
	conn_want(conn);
}

/* Formats and sends what the request was answered. */
void
conn_release(struct conn *conn)
{
	struct request_inside *rq = conn->request;
	struct reply *reply = &rq->reply;

	CHECK(conn->state == CONN_BUSY && rq->phase == REQUEST_ANSWERED);
	CHECK(reply->kind != REPLY_NONE && conn->out.n == 0);
	request_move(rq, REQUEST_RELEASED);
	wait_clear(conn);
	conn->server->counters.replies[reply->status / 100]++;
	if (conn->server->settings.answered != NULL)
		conn->server->settings.answered(
		    conn->server->settings.context, &rq->public, reply->status);
	conn->closes = conn->closes || !rq->keeps_alive || conn->server->is_draining
		       || reply->kind == REPLY_STREAM;
	reply_format_head(rq, conn->closes, &conn->out);
	CHECK(!conn->out.overflow);
	if (reply->kind == REPLY_STREAM) {
		reply->kind = REPLY_NONE; /* the source moves on into the stream */
		stream_begin(conn, &reply->source);
		return;
	}
	if (!rq->public.is_head && reply->status != 204 && reply->status != 304)
		conn->body = reply->body;
	conn->state = CONN_WRITING;
	conn_flush(conn);
}

/* An answer that does not come from a handler, and does not wait for the tick. */
static void
conn_answer_self(struct conn *conn, int status, const char *code, const char *text)
{
	struct request_inside *rq = conn->request;

	conn->state = CONN_BUSY;
	conn->closes = true;
	reply_error(&rq->public, status, code, "%s", text);
	conn_release(conn);
}

/* 25 bytes into a socket that has nothing to send: they fit, or it is broken. */
static bool
send_continue(struct conn *conn)
{
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (send(conn->fd, line, sizeof(line) - 1, MSG_NOSIGNAL) == sizeof(line) - 1)
		return true;
	conn_close(conn);
	return false;
}

/* Part of a request came. Returns how many of the bytes are its own; a whole request is
 * queued, a refused one answered. */
static size_t
conn_feed(struct conn *conn, struct str bytes)
{
	enum parse_outcome outcome;
	size_t used;

	if (conn->request == NULL)
		conn->request = request_new(conn->server, conn);
	if (conn->state == CONN_IDLE) {
		conn->state = CONN_READING;
		if (!wait_is(conn, WAIT_REQUEST))
			wait_clear(conn);
	}
	outcome = parse_feed(conn->request->parse, bytes, &used);
	switch (outcome) {
	case PARSE_MORE:
		if (parse_wants_continue(conn->request->parse) && !send_continue(conn))
			break;
		if (!wait_is(conn, WAIT_REQUEST))
			wait_set(
			    conn, WAIT_REQUEST); /* from the first byte; not moved by others */
		break;
	case PARSE_WHOLE:
		wait_clear(conn);
		conn->state = CONN_BUSY;
		conn->server->counters.requests++;
		request_move(conn->request, REQUEST_WAITING);
		break;
	case PARSE_REFUSED: {
		const struct refusal *refusal = parse_refusal(conn->request->parse);

		conn->server->counters.refused++;
		conn_answer_self(conn, refusal->status, refusal->code, refusal->text);
		break;
	}
	}
	return used;
}

/* Keeps bytes that came before their turn. */
static void
conn_keep(struct conn *conn, struct str bytes)
{
	if (bytes.n == 0)
		return;
	if (conn->in_used > 0) {
		buf_consume(&conn->in, conn->in_used);
		conn->in_used = 0;
	}
	buf_str(&conn->in, bytes);
	CHECK(!conn->in.overflow);
}

void
conn_read_on(struct conn *conn)
{
	request_free(conn->request);
	conn->request = NULL;
	if (conn->closes || conn->server->is_draining) {
		conn_finish(conn);
		return;
	}
	conn->state = CONN_IDLE;
	if (conn->in.n > 0) {
		size_t start = conn->in_used;
		size_t used =
		    conn_feed(conn, (struct str){ conn->in.p + start, conn->in.n - start });

		conn->in_used = start + used;
		if (conn->in_used
		    >= conn->in.n) { /* in is empty already when it was refused */
			buf_free(&conn->in);
			conn->in_used = 0;
		}
	}
	if (conn->peer_is_done && (conn->state == CONN_IDLE || conn->state == CONN_READING))
		conn_close(conn);
	if (conn->state == CONN_IDLE)
		wait_set(conn, WAIT_IDLE);
	if (conn->state != CONN_CLOSED)
		conn_want(conn);
}

/* The client has sent its last byte: what is whole is still answered. */
static void
conn_peer_done(struct conn *conn)
{
	conn->peer_is_done = true;
	switch (conn->state) {
	case CONN_BUSY:
	case CONN_WRITING:
		conn_want(conn);
		break;
	case CONN_IDLE:
	case CONN_READING:
	case CONN_STREAMING: /* browsers never half-close: it left */
	case CONN_LINGERING:
	case CONN_CLOSED:
		conn_close(conn);
		break;
	}
}

static void
conn_received(struct conn *conn, struct str bytes)
{
	size_t used;

	switch (conn->state) {
	case CONN_IDLE:
	case CONN_READING:
		used = conn_feed(conn, bytes);
		if (conn->state == CONN_BUSY || conn->state == CONN_WRITING)
			conn_keep(conn, (struct str){ bytes.p + used, bytes.n - used });
		break;
	case CONN_BUSY:
	case CONN_WRITING:
		conn_keep(conn, bytes);
		break;
	case CONN_STREAMING: /* nothing may follow; nobody reads it */
	case CONN_LINGERING:
	case CONN_CLOSED:
		break;
	}
	if (conn->state != CONN_CLOSED)
		conn_want(conn);
}

static void
conn_receive(struct conn *conn)
{
	struct http_server *server = conn->server;
	ssize_t n = recv(conn->fd, server->scratch, sizeof(server->scratch), 0);

	if (n > 0) {
		server->counters.bytes_in += (uint64_t)n;
		conn_received(conn, (struct str){ server->scratch, (size_t)n });
	} else if (n == 0) {
		conn_peer_done(conn);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
		conn_close(conn);
	}
}

static void
on_io(void *context, int ready)
{
	struct conn *conn = context;

	CHECK(conn->state != CONN_CLOSED);
	if ((ready & LOOP_WRITE) != 0
	    && (conn->state == CONN_WRITING || conn->state == CONN_STREAMING))
		conn_flush(conn);
	if ((ready & LOOP_READ) != 0 && conn->state != CONN_CLOSED && !conn->peer_is_done)
		conn_receive(conn);
}

/* The handler keeps the request; the client is told with one made for the purpose. */
static void
hold_expire(struct conn *conn)
{
	struct request_inside *held = conn->request;

	if (held->phase != REQUEST_HELD)
		return; /* answered in this very turn: the release sends it */
	conn->request = request_new(conn->server, conn);
	conn->request->public.is_head = held->public.is_head;
	CHECK(str_copy(conn->request->public.id, REQUEST_ID_SIZE, str_of(held->public.id)));
	request_abandon(held);
	conn->server->counters.timeouts++;
	conn_answer_self(conn, 504, "NO_ANSWER_YET",
	    "The answer did not come in time; what was asked for may still happen: look "
	    "again");
}

static void
request_expire(struct conn *conn)
{
	if (conn->request == NULL) { /* never said a word */
		conn_close(conn);
		return;
	}
	conn->server->counters.timeouts++;
	conn->server->counters.refused++;
	conn_answer_self(conn, 408, "REQUEST_TIMEOUT",
	    "The request did not arrive whole in the time allowed");
}

void
conn_expire(struct conn *conn)
{
	switch (conn->wait_kind) {
	case WAIT_REQUEST:
		request_expire(conn);
		break;
	case WAIT_HOLD:
		hold_expire(conn);
		break;
	case WAIT_HEARTBEAT:
		stream_heartbeat(conn->stream);
		break;
	case WAIT_WRITE:
		conn_write_expire(conn);
		break;
	case WAIT_IDLE:
	case WAIT_LINGER:
		conn_close(conn);
		break;
	}
}

void
conn_drain(struct conn *conn)
{
	switch (conn->state) {
	case CONN_IDLE:
		conn_finish(conn);
		break;
	case CONN_STREAMING:
		stream_end(conn->stream);
		if (conn->out.n == 0)
			stream_flushed(conn->stream);
		break;
	case CONN_READING:
	case CONN_BUSY:
	case CONN_WRITING: /* conn_release() sees that it ends */
	case CONN_LINGERING:
	case CONN_CLOSED:
		break;
	}
}
