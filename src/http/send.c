/* send.c - bytes out of a connection. */
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/loop.h"
#include "http/inside.h"
#include "http/waits.h"

/* What is not sent yet, of out and of body behind it. Returns how many pieces. */
static size_t
pieces_left(const struct conn *conn, struct iovec pieces[2])
{
	size_t out_sent = conn->sent < conn->out.n ? conn->sent : conn->out.n;
	size_t body_sent = conn->sent - out_sent;
	size_t count = 0;

	CHECK(body_sent <= conn->body.n);
	if (out_sent < conn->out.n)
		pieces[count++] = (struct iovec){ .iov_base = conn->out.p + out_sent,
			.iov_len = conn->out.n - out_sent };
	if (body_sent < conn->body.n)
		pieces[count++] =
		    (struct iovec){ .iov_base = (char *)(uintptr_t)conn->body.p + body_sent,
			    .iov_len = conn->body.n - body_sent };
	return count;
}

/* Bytes of this reply that the client's side has confirmed. What the kernel holds for it may
 * be megabytes, so the space in the socket alone tells nothing for a long time. */
static int64_t
bytes_taken(const struct conn *conn)
{
	int queued = 0;

	if (ioctl(conn->fd, SIOCOUTQ, &queued) != 0)
		queued = 0;
	return (int64_t)conn->sent - queued;
}

static void
wait_for_room(struct conn *conn)
{
	if (!wait_is(conn, WAIT_WRITE)) {
		conn->taken_before = bytes_taken(conn);
		wait_set(conn, WAIT_WRITE);
	}
	conn_want(conn);
}

void
conn_write_expire(struct conn *conn)
{
	int64_t taken = bytes_taken(conn);

	if (taken - conn->taken_before >= HTTP_WRITE_LEAST) {
		conn->taken_before = taken;
		wait_set(conn, WAIT_WRITE);
		return;
	}
	conn->server->counters.timeouts++;
	conn_close(conn);
}

static void
all_sent(struct conn *conn)
{
	wait_clear(conn);
	buf_free(&conn->out);
	conn->body = (struct str){ NULL, 0 };
	conn->sent = 0;
	if (conn->state == CONN_STREAMING)
		stream_flushed(conn->stream);
	else
		conn_read_on(conn);
}

bool
conn_flush(struct conn *conn)
{
	CHECK(conn->state == CONN_WRITING || conn->state == CONN_STREAMING);
	for (;;) {
		struct iovec pieces[2];
		struct msghdr message = { .msg_iov = pieces };
		ssize_t n;

		message.msg_iovlen = pieces_left(conn, pieces);
		if (message.msg_iovlen == 0)
			break;
		n = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			wait_for_room(conn);
			return true;
		}
		if (n < 0) {
			conn_close(conn);
			return false;
		}
		conn->sent += (size_t)n;
		conn->server->counters.bytes_out += (uint64_t)n;
	}
	all_sent(conn);
	return conn->state != CONN_CLOSED;
}

/* Reading goes on while a reply is under way, to notice a client that leaves, until it has
 * sent as much ahead as we keep. */
void
conn_want(struct conn *conn)
{
	bool has_room = conn->in.n - conn->in_used < HTTP_INPUT_MAX;
	int wanted = !conn->peer_is_done && has_room ? LOOP_READ : 0;

	if ((conn->state == CONN_WRITING || conn->state == CONN_STREAMING)
	    && conn->sent < conn->out.n + conn->body.n)
		wanted |= LOOP_WRITE;
	loop_io_want(conn->io, wanted);
}
