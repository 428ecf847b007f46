/* request.c - the life of a request, and what a handler asks about it. */
#include "http/request.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/inside.h"
#include "http/parse.h"
#include "http/waits.h"

/* The struct itself, the decoded target and the parser fit into the first block. */
enum { ARENA_FIRST = sizeof(struct request_inside) + 1536 };

static const char *const method_names[METHOD_COUNT] = {
	[METHOD_GET] = "GET",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH",
	[METHOD_DELETE] = "DELETE",
	[METHOD_OPTIONS] = "OPTIONS",
	[METHOD_OTHER] = "another",
};

const char *
method_text(enum method method)
{
	CHECK((size_t)method < COUNT(method_names));
	return method_names[method];
}

struct request_inside *
request_new(struct http_server *server, struct conn *conn)
{
	struct arena *arena = arena_new(ARENA_FIRST);
	struct request_inside *rq = arena_take(arena, sizeof(*rq));

	rq->public.arena = arena;
	rq->public.inside = rq;
	rq->public.method = METHOD_OTHER;
	rq->server = server;
	rq->conn = conn;
	chain_init(&rq->link);
	buf_init(&rq->head, HTTP_HEADER_BYTES_MAX);
	buf_init(&rq->body, server->settings.body_max);
	buf_init(&rq->reply.headers, HTTP_REPLY_HEADER_MAX);
	buf_init(&rq->reply.built, HTTP_REPLY_MAX);
	rq->parse = parse_new(rq);
	server_make_id(server, rq->public.id); /* until the client's own is known */
	return rq;
}

void
request_free(struct request_inside *rq)
{
	if (rq == NULL)
		return;
	if (rq->reply.kind
	    == REPLY_STREAM) { /* answered, but the client left before the release */
		rq->server->stream_count--;
		rq->reply.source.gone(rq->reply.source.context);
	}
	chain_remove(&rq->link);
	buf_free(&rq->head);
	CHECK(rq->server->body_bytes >= rq->body.n);
	rq->server->body_bytes -= rq->body.n;
	buf_free(&rq->body);
	buf_free(&rq->reply.headers);
	buf_free(&rq->reply.built);
	arena_free(rq->public.arena);
}

void
request_move(struct request_inside *rq, enum request_phase phase)
{
	struct http_server *server = rq->server;

	CHECK(phase > rq->phase);
	rq->phase = phase;
	switch (phase) {
	case REQUEST_WAITING:
		chain_append(&server->waiting, &rq->link);
		break;
	case REQUEST_TAKEN:
		chain_append(&server->taken, &rq->link);
		break;
	case REQUEST_HELD:
		chain_append(&server->held, &rq->link);
		break;
	case REQUEST_ANSWERED:
		chain_append(rq->conn == NULL ? &server->dead : &server->answered, &rq->link);
		break;
	case REQUEST_ARRIVING:
	case REQUEST_RELEASED:
		chain_remove(&rq->link);
		break;
	}
}

/* A held request belongs to its handler until that answers it; all others go with the
 * client. */
void
request_abandon(struct request_inside *rq)
{
	CHECK(rq->phase != REQUEST_TAKEN);
	rq->conn = NULL;
	if (rq->phase != REQUEST_HELD)
		request_free(rq);
}

void
request_hold(struct request *rq)
{
	CHECK(rq->inside->phase == REQUEST_TAKEN);
	request_move(rq->inside, REQUEST_HELD);
	wait_set(rq->inside->conn, WAIT_HOLD);
}

bool
request_is_abandoned(const struct request *rq)
{
	return rq->inside->conn == NULL;
}

static bool
pair_find(const struct pair *pairs, size_t count, const char *name, struct str *ret_value)
{
	for (size_t i = 0; i < count; i++)
		if (str_is(pairs[i].name, name)) {
			*ret_value = pairs[i].value;
			return true;
		}
	return false;
}

struct str
request_header(const struct request *rq, const char *name)
{
	const struct request_inside *inside = rq->inside;
	size_t n = strlen(name);

	for (size_t i = 0; i < inside->header_count; i++)
		if (inside->headers[i].name.n == n
		    && strncasecmp(inside->headers[i].name.p, name, n) == 0)
			return inside->headers[i].value;
	return STR("");
}

bool
request_query(const struct request *rq, const char *name, struct str *ret_value)
{
	return pair_find(rq->inside->query, rq->inside->query_count, name, ret_value);
}

static void
write_part(struct buf *to, struct str part)
{
	buf_str(to, part);
	buf_char(to, '\0');
}

void
request_write_target(const struct request *rq, struct buf *to)
{
	write_part(to, str_of(method_text(rq->method)));
	write_part(to, rq->path);
	for (size_t i = 0; i < rq->inside->query_count; i++) {
		write_part(to, rq->inside->query[i].name);
		write_part(to, rq->inside->query[i].value);
	}
}

struct str
request_parameter(const struct request *rq, const char *name)
{
	struct str value = STR("");

	CHECK(pair_find(rq->inside->parameters, rq->inside->parameter_count, name, &value));
	return value;
}

void
request_peer(const struct request *rq, char text[REQUEST_PEER_SIZE])
{
	const struct conn *conn = rq->inside->conn;
	char address[INET6_ADDRSTRLEN] = "";

	if (conn != NULL && conn->peer.sin6_family == AF_INET6) {
		inet_ntop(AF_INET6, &conn->peer.sin6_addr, address, sizeof(address));
		snprintf(
		    text, REQUEST_PEER_SIZE, "[%s]:%u", address, ntohs(conn->peer.sin6_port));
	} else if (conn != NULL && conn->peer.sin6_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, &conn->peer, sizeof(v4));
		inet_ntop(AF_INET, &v4.sin_addr, address, sizeof(address));
		snprintf(text, REQUEST_PEER_SIZE, "%s:%u", address, ntohs(v4.sin_port));
	} else {
		snprintf(text, REQUEST_PEER_SIZE, "%s", conn == NULL ? "gone" : "unix");
	}
}
