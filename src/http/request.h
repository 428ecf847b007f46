/* request.h - one HTTP request as a handler sees it.
 *
 * The one idea: everything is already checked and decoded, and lives until the reply is
 * released (see server.h). A handler reads it, answers with exactly one reply_...() (reply.h)
 * or turns it into a stream (stream.h), or keeps it for later with request_hold(). */
#ifndef SLIPWAY_HTTP_REQUEST_H
#define SLIPWAY_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct request;
struct request_inside;

enum method {
	METHOD_GET, /* a HEAD arrives as GET too; its reply is sent without the body */
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_OTHER, /* known to HTTP, not served here */
};
enum { METHOD_COUNT = METHOD_OTHER + 1 };

enum { REQUEST_ID_SIZE = 65, REQUEST_PEER_SIZE = 64 };

struct request {
	enum method method;
	bool is_head;
	struct str path; /* decoded; begins with '/', or is "*"; `..` is a name like others */
	struct str body;
	char id[REQUEST_ID_SIZE]; /* X-Request-ID when sane, else made here */
	struct arena *arena; /* for the handler; freed with the request */
	struct request_inside *inside; /* the server's */
};

const char *method_text(enum method method);

/* Value of a header, trimmed; empty when absent. The first one when it came several times;
 * Host and Authorization never do (such a request is refused). */
struct str request_header(const struct request *rq, const char *name);

/* Decoded value of a query parameter; false when absent. The first one counts. */
bool request_query(const struct request *rq, const char *name, struct str *ret_value);

/* Method, path and query as text, the same for the same target and no other; a NUL ends each part. */
void request_write_target(const struct request *rq, struct buf *to);

/* Value of {name} in the route's pattern. CHECKs that the pattern has it. */
struct str request_parameter(const struct request *rq, const char *name);

/* "127.0.0.1:5123", "[::1]:5123" or "unix". */
void request_peer(const struct request *rq, char text[REQUEST_PEER_SIZE]);

/* The answer comes in a later tick. The request stays valid until it is answered, even when
 * the client goes away or HTTP_HOLD_MS pass (it is then told 504); a reply is dropped in that
 * case. */
void request_hold(struct request *rq);

/* For a held request: the client will not see an answer any more. */
bool request_is_abandoned(const struct request *rq);

#endif
