/* stream.h - server-sent events, pulled from the source.
 *
 * The one idea: nobody pushes into a slow subscriber. A stream has a cursor of its own (in its
 * source's context); after http_streams_wake() it is asked to write what lies behind the
 * cursor, as much as its buffer takes (SSE_BUFFER_MAX), and again when the socket has taken
 * all of it. At most SSE_WAKE_MAX streams are asked a tick, always after the commit. A reader
 * that takes nothing for HTTP_WRITE_MS is cut off; it comes back with Last-Event-ID. */
#ifndef SLIPWAY_HTTP_STREAM_H
#define SLIPWAY_HTTP_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct http_server;
struct request;
struct stream;

struct stream_source {
	uint64_t topic; /* what wakes it; 0: everything does */
	/* Writes with stream_event() until that says false, or there is no more. Returns
	 * whether there is more to write now. Asked once at the beginning without any wake. */
	bool (*next)(void *context, struct stream *stream);
	/* Exactly once, when it is over for any reason: frees the context. */
	void (*gone)(void *context);
	void *context;
};

/* Answers the request with an event stream. Takes the context over in any case: when there are
 * SSE_STREAMS_MAX already, or for HEAD, the request is answered otherwise and gone() is
 * called. */
void reply_stream(struct request *rq, const struct stream_source *source);

/* Value of Last-Event-ID; false when absent, or not a number. */
bool stream_resume_id(const struct request *rq, uint64_t *ret_id);

/* From next() only. id 0 and event NULL stay out; data may have several lines. false: no room
 * now, nothing was written; stop and return true. An event beyond SSE_BUFFER_MAX is replaced
 * by a comment. */
bool stream_event(struct stream *stream, uint64_t id, const char *event, struct str data);

/* From next() only: nothing follows; the connection closes once all is sent. */
void stream_end(struct stream *stream);

/* There is news on the topic; cheap, may be called often. */
void http_streams_wake(struct http_server *server, uint64_t topic);

#endif
