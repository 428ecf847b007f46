/* inside.h - what the files of the server share; nobody outside this folder includes it.
 *
 * A request is always in exactly one of the server's lists, named by its phase; a connection
 * has at most one request, and one deadline (waits.h). */
#ifndef SLIPWAY_HTTP_INSIDE_H
#define SLIPWAY_HTTP_INSIDE_H

#include <netinet/in.h>
#include <sys/un.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"
#include "http/chain.h"
#include "http/request.h"
#include "http/server.h"
#include "http/stream.h"

struct conn;
struct loop_io;
struct loop_timer;
struct parse;

struct pair { /* a header, a query parameter, a route's parameter */
	struct str name;
	struct str value;
};

enum request_phase {
	REQUEST_ARRIVING, /* in no list */
	REQUEST_WAITING, /* whole; for http_server_take() */
	REQUEST_TAKEN, /* the handler's, within this tick */
	REQUEST_HELD, /* the handler's, beyond it */
	REQUEST_ANSWERED, /* for http_server_release() */
	REQUEST_RELEASED, /* in no list; its bytes are leaving */
};

enum reply_kind { REPLY_NONE, REPLY_BODY, REPLY_STREAM };

struct reply {
	enum reply_kind kind;
	int status;
	const char *content_type; /* NULL: no body */
	struct buf headers; /* lines added by the handler */
	struct buf built;
	struct str body; /* of built, or the handler's own bytes */
	struct stream_source source;
};

struct request_inside {
	struct request public;
	struct http_server *server;
	struct conn *conn; /* NULL: abandoned while held */
	struct chain link;
	enum request_phase phase;
	struct parse *parse;
	struct buf head; /* the bytes of the request line and headers, views point into it */
	struct buf body;
	struct pair headers[HTTP_HEADERS_MAX];
	size_t header_count;
	struct pair query[HTTP_QUERY_MAX];
	size_t query_count;
	struct pair parameters[HTTP_PARAMETERS_MAX];
	size_t parameter_count;
	bool keeps_alive; /* as the client wishes */
	struct reply reply;
};

/* request.c */
struct request_inside *request_new(struct http_server *server, struct conn *conn);
void
request_free(struct request_inside *rq); /* NULL allowed; tells an unused source it is over */
void request_move(struct request_inside *rq, enum request_phase phase);
void request_abandon(struct request_inside *rq); /* its connection is gone */

/* reply.c: the head of the reply, as it goes over the wire. */
void reply_format_head(struct request_inside *rq, bool closes, struct buf *out);

enum conn_state {
	CONN_IDLE, /* nothing came yet of the next request */
	CONN_READING, /* a part of it came */
	CONN_BUSY, /* the request is with the tick or its handler */
	CONN_WRITING, /* the reply is leaving */
	CONN_STREAMING,
	CONN_LINGERING, /* all is said; reading on so that the client is able to read it */
	CONN_CLOSED, /* waits for reap */
};

enum wait_kind { WAIT_REQUEST, WAIT_IDLE, WAIT_HOLD, WAIT_WRITE, WAIT_LINGER, WAIT_HEARTBEAT };
enum { WAIT_COUNT = WAIT_HEARTBEAT + 1 };

struct conn {
	struct http_server *server;
	struct loop_io *io;
	int fd;
	enum conn_state state;
	enum wait_kind wait_kind;
	bool peer_is_done; /* sent its FIN; may still read */
	bool closes; /* after this reply */
	struct chain all;
	struct chain wait;
	int64_t wait_until_ms;
	struct request_inside *request;
	struct stream *stream;
	struct buf in; /* came early: pipelined requests */
	size_t in_used;
	struct buf out; /* head of the reply, or events */
	struct str body; /* of the reply, behind out; the request owns it */
	size_t sent; /* of out and body together */
	int64_t taken_before; /* by the client, when the write deadline was set */
	struct sockaddr_in6 peer; /* sin6_family says which: AF_INET is a struct sockaddr_in */
};

struct stream {
	struct conn *conn;
	struct stream_source source;
	struct chain all;
	struct chain awake;
	bool has_more;
	bool is_ending;
};

enum { HTTP_ADDRESS_SIZE = sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof("unix:") };

struct listener {
	struct http_server *server;
	char address[HTTP_ADDRESS_SIZE]; /* as in the settings */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": not a Unix socket */
	int fd; /* -1: closed, or not yet open */
	struct loop_io *io;
};

struct http_server {
	struct loop *loop;
	struct http_settings settings;
	struct http_counters counters;
	struct listener listeners[HTTP_LISTEN_MAX];
	size_t listener_count;
	bool is_draining;
	bool is_accepting;
	struct loop_timer *accept_timer; /* runs while descriptors are short */
	bool accept_is_paused;
	struct chain conns;
	struct chain closed; /* to be freed by reap */
	size_t body_bytes; /* of all requests in memory */
	bool is_full; /* has been told */
	size_t conn_count; /* those that count against connections_max */
	struct chain waiting;
	struct chain taken;
	struct chain held;
	struct chain answered;
	struct chain dead; /* abandoned and answered: to be freed by reap */
	struct chain waits[WAIT_COUNT];
	int64_t wait_ms[WAIT_COUNT];
	struct loop_timer *wait_timer;
	int64_t wait_armed_ms; /* 0: not armed */
	struct chain streams;
	struct chain awake;
	size_t stream_count; /* with those whose reply is not released yet */
	uint64_t topics[SSE_TOPICS_MAX];
	size_t topic_count;
	bool topics_overflowed;
	uint64_t id_seed;
	int64_t date_s;
	char date[32];
	char scratch[HTTP_INPUT_MAX]; /* what recv() fills; used within one callback */
};

/* conn.c */
void conn_new(struct http_server *server, int fd, const struct sockaddr_in6 *peer);
void conn_close(struct conn *conn); /* at once; the struct lives until reap */
void conn_finish(struct conn *conn); /* politely: FIN, then linger */
void conn_expire(struct conn *conn); /* its deadline has passed */
void conn_drain(struct conn *conn);
void conn_release(struct conn *conn); /* its request is answered and committed */
void conn_read_on(struct conn *conn); /* the reply is out: the next request, or the end */

/* send.c */
bool conn_flush(struct conn *conn); /* false: closed */
void conn_write_expire(struct conn *conn); /* cut off, or given more time */
void conn_want(struct conn *conn); /* tells the loop what the state waits for */

/* stream.c */
void stream_begin(struct conn *conn, const struct stream_source *source);
void stream_flushed(struct stream *stream); /* the socket took everything */
void stream_heartbeat(struct stream *stream);
void stream_free(struct stream *stream);
void streams_serve(struct http_server *server);

/* listener.c */
int listener_take(struct listener *listener, const char *address, struct err *err) MUST_USE;
int listener_open(struct listener *listener, struct err *err) MUST_USE;
void listener_close(struct listener *listener);
void listeners_update(struct http_server *server); /* accept when there is room, else not */

/* server.c */
const char *server_date(struct http_server *server);
void server_make_id(struct http_server *server, char id[REQUEST_ID_SIZE]);

#endif
