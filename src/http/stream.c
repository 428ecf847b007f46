/* stream.c - event streams: waking, asking, sending, ending. */
#include "http/stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "http/inside.h"
#include "http/reply.h"
#include "http/waits.h"

/* How long a browser waits before it comes back to a stream that broke. */
static const char first_line[] = "retry: 2000\n\n";

static void
refuse_stream(struct request *rq, const struct stream_source *source)
{
	source->gone(source->context);
	if (rq->is_head) {
		reply_bytes(rq, 200, "text/event-stream", STR(""));
		return;
	}
	reply_header(rq, "Retry-After", STR("5"));
	reply_error(rq, 503, "BUSY",
	    "There are as many event streams as this server serves: close one, or try again "
	    "later");
}

void
reply_stream(struct request *rq, const struct stream_source *source)
{
	struct http_server *server = rq->inside->server;
	struct reply *reply = &rq->inside->reply;

	CHECK(reply->kind == REPLY_NONE && source->next != NULL && source->gone != NULL);
	if (rq->is_head || server->is_draining
	    || server->stream_count >= server->settings.streams_max) {
		refuse_stream(rq, source);
		return;
	}
	reply_header(
	    rq, "X-Accel-Buffering", STR("no")); /* proxies hold events back otherwise */
	reply->kind = REPLY_STREAM;
	reply->status = 200;
	reply->content_type = "text/event-stream";
	reply->source = *source;
	server->stream_count++;
	request_move(rq->inside, REQUEST_ANSWERED);
}

bool
stream_resume_id(const struct request *rq, uint64_t *ret_id)
{
	return str_number(request_header(rq, "Last-Event-ID"), UINT64_MAX, ret_id);
}

/* To be asked within the next ticks. Only with nothing unsent: the socket sets the pace. */
static void
stream_queue(struct stream *stream)
{
	stream->has_more = true;
	if (stream->conn->out.n == 0 && chain_is_empty(&stream->awake))
		chain_append(&stream->conn->server->awake, &stream->awake);
}

void
stream_begin(struct conn *conn, const struct stream_source *source)
{
	struct http_server *server = conn->server;
	struct stream *stream = calloc(1, sizeof(*stream));

	CHECK(stream != NULL);
	stream->conn = conn;
	stream->source = *source;
	stream->has_more = true;
	chain_init(&stream->all);
	chain_init(&stream->awake);
	chain_append(&server->streams, &stream->all);
	server->counters.streams++;
	server->counters.connections--;
	server->conn_count--;
	conn->stream = stream;
	conn->state = CONN_STREAMING;
	request_free(conn->request);
	conn->request = NULL;
	buf_free(&conn->in);
	conn->in_used = 0;
	buf_text(&conn->out, first_line);
	listeners_update(server);
	if (conn->peer_is_done)
		conn_close(conn);
	else
		conn_flush(conn);
}

void
stream_free(struct stream *stream)
{
	struct http_server *server = stream->conn->server;

	chain_remove(&stream->all);
	chain_remove(&stream->awake);
	server->counters.streams--;
	server->stream_count--;
	stream->conn->stream = NULL;
	stream->source.gone(stream->source.context);
	free(stream);
}

void
stream_flushed(struct stream *stream)
{
	struct conn *conn = stream->conn;

	if (stream->is_ending) {
		stream_free(stream);
		conn->server->conn_count++;
		conn->server->counters.connections++;
		conn_finish(conn);
		return;
	}
	wait_set(conn, WAIT_HEARTBEAT);
	conn_want(conn);
	if (stream->has_more)
		stream_queue(stream);
}

/* A comment; it also makes the kernel notice a peer that vanished without a word. */
void
stream_heartbeat(struct stream *stream)
{
	CHECK(stream->conn->out.n == 0);
	buf_text(&stream->conn->out, ":\n\n");
	conn_flush(stream->conn);
}

static void
write_event(struct buf *out, uint64_t id, const char *event, struct str data)
{
	if (id != 0)
		buf_format(out, "id: %" PRIu64 "\n", id);
	if (event != NULL)
		buf_format(out, "event: %s\n", event);
	do {
		struct str line;

		data = str_cut(data, '\n', &line);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		buf_text(out, "data: ");
		for (size_t i = 0; i < line.n;
		     i++) /* a lone CR ends a line in an event stream */
			buf_char(out, line.p[i] == '\r' ? ' ' : line.p[i]);
		buf_char(out, '\n');
	} while (data.n > 0);
	buf_char(out, '\n');
}

bool
stream_event(struct stream *stream, uint64_t id, const char *event, struct str data)
{
	struct buf *out = &stream->conn->out;
	size_t before = out->n;

	write_event(out, id, event, data);
	if (!out->overflow)
		return true;
	out->n = before;
	out->p[before] = '\0';
	out->overflow = false;
	if (before > 0)
		return false;
	buf_text(out, ": an event was too large to be sent\n\n");
	return true;
}

void
stream_end(struct stream *stream)
{
	stream->is_ending = true;
}

void
http_streams_wake(struct http_server *server, uint64_t topic)
{
	if (chain_is_empty(&server->streams))
		return;
	for (size_t i = 0; i < server->topic_count; i++)
		if (server->topics[i] == topic)
			return;
	if (server->topic_count < SSE_TOPICS_MAX)
		server->topics[server->topic_count++] = topic;
	else
		server->topics_overflowed = true;
}

static bool
is_woken(const struct http_server *server, uint64_t topic)
{
	if (topic == 0 || server->topics_overflowed)
		return true;
	for (size_t i = 0; i < server->topic_count; i++)
		if (server->topics[i] == topic)
			return true;
	return false;
}

/* One walk a tick, however many wakes there were. */
static void
streams_wake_all(struct http_server *server)
{
	if (server->topic_count == 0)
		return;
	for (struct chain *link = server->streams.next; link != &server->streams;
	     link = link->next) {
		struct stream *stream = CHAIN_OWNER(link, struct stream, all);

		if (is_woken(server, stream->source.topic))
			stream_queue(stream);
	}
	server->topic_count = 0;
	server->topics_overflowed = false;
}

static void
stream_serve(struct stream *stream)
{
	struct conn *conn = stream->conn;

	CHECK(conn->out.n == 0 && conn->state == CONN_STREAMING);
	stream->has_more = stream->source.next(stream->source.context, stream);
	if (conn->out.n > 0)
		conn_flush(conn);
	else if (stream->is_ending)
		stream_flushed(stream);
	/* Otherwise nothing was written, and asking again at once would only spin. */
}

void
streams_serve(struct http_server *server)
{
	struct chain *link;

	streams_wake_all(server);
	for (int i = 0; i < SSE_WAKE_MAX && (link = chain_take(&server->awake)) != NULL; i++)
		stream_serve(CHAIN_OWNER(link, struct stream, awake));
}
