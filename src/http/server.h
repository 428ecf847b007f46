/* server.h - the HTTP/1.1 server: listening, the tick's side of it, and its end.
 *
 * The one idea: loop callbacks only move bytes. A whole request waits for the tick; its reply
 * is set aside and leaves with http_server_release(), after the commit. What leaves at once
 * knows nothing of the state: refusals of requests that are no HTTP, 408, 100 Continue,
 * heartbeats.
 *
 *	loop_turn(loop, !http_server_is_busy(server));
 *	http_server_step(server, TICK_EVENTS_MAX);
 *	(commit)
 *	http_server_release(server);
 *
 * A connection has one request under way at a time; pipelined ones wait their turn as
 * bytes. */
#ifndef SLIPWAY_HTTP_SERVER_H
#define SLIPWAY_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct http_server;
struct loop;
struct request;

typedef void http_handler_fn(void *context, struct request *rq);

struct http_settings { /* 0: the default of base/limits.h */
	const char *const
	    *listen; /* "127.0.0.1:8080", "[::1]:8080", "unix:/path"; ended by NULL */
	http_handler_fn
	    *handle; /* for http_server_step(); route_find() is its usual beginning */
	/* Told of every answer as it leaves, refusals too; may be NULL. Of a request that was
	 * refused before its head was read, the path is empty. */
	void (*answered)(void *context, const struct request *rq, int status);
	void *context;
	size_t connections_max;
	size_t streams_max;
	size_t body_max; /* of one request */
	size_t bodies_max; /* of all together */
	int64_t request_ms;
	int64_t idle_ms;
	int64_t hold_ms;
	int64_t write_ms;
	int64_t linger_ms;
	int64_t heartbeat_ms;
};

struct http_counters {
	uint64_t connections; /* open now, without streams */
	uint64_t streams; /* open now */
	uint64_t accepted; /* ever, here and below */
	uint64_t accept_pauses; /* descriptors had run out */
	uint64_t requests;
	uint64_t replies[6]; /* by hundreds of the status: [2] is 2xx */
	uint64_t refused; /* not HTTP, too large, or too slow; part of replies */
	uint64_t timeouts; /* cut off by a deadline, idle ones not counted */
	uint64_t bytes_in;
	uint64_t bytes_out;
};

/* Takes the addresses (a taken port is told here), listens not yet. NULL on error. */
struct http_server *http_server_new(
    struct loop *loop, const struct http_settings *settings, struct err *err) MUST_USE;
void http_server_free(struct http_server *server); /* cuts everything off */

/* Begins to accept. Only now are addresses of "unix:" taken. */
int http_server_open(struct http_server *server, struct err *err) MUST_USE;

/* Port of the index-th address, for ":0"; 0 for a Unix socket. */
uint16_t http_server_port(const struct http_server *server, size_t index);

/* The tick. take: the next waiting request or NULL; it must be answered, made a stream or held
 * before release, which otherwise answers 500. step: takes at most `most` and calls the
 * handler. */
struct request *http_server_take(struct http_server *server);
void http_server_step(struct http_server *server, size_t most);
void http_server_release(struct http_server *server);
bool http_server_is_busy(const struct http_server *server); /* work waits: do not sleep */

/* The end, in this order. stop_accepting closes the listeners. drain: ends streams and idle
 * connections, the others after their answer, with Connection: close. */
void http_server_stop_accepting(struct http_server *server);
void http_server_drain(struct http_server *server);
bool http_server_is_drained(const struct http_server *server);

const struct http_counters *http_server_counters(const struct http_server *server);

#endif
