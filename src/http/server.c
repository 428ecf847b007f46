/* server.c - the server as a whole: its birth, its part in the tick, its end. */
#include "http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/loop.h"
#include "http/inside.h"
#include "http/reply.h"
#include "http/waits.h"

static size_t
size_or(size_t given, size_t otherwise)
{
	return given == 0 ? otherwise : given;
}

static int64_t
ms_or(int64_t given, int64_t otherwise)
{
	return given == 0 ? otherwise : given;
}

static void
settings_take(struct http_server *server, const struct http_settings *given)
{
	server->settings = *given;
	server->settings.listen = NULL; /* the caller's; the listeners have copies */
	server->settings.connections_max =
	    size_or(given->connections_max, HTTP_CONNECTIONS_MAX);
	server->settings.streams_max = size_or(given->streams_max, SSE_STREAMS_MAX);
	server->settings.body_max = size_or(given->body_max, HTTP_BODY_MAX);
	server->settings.bodies_max = size_or(given->bodies_max, HTTP_BODIES_MAX);
	server->wait_ms[WAIT_REQUEST] = ms_or(given->request_ms, HTTP_REQUEST_MS);
	server->wait_ms[WAIT_IDLE] = ms_or(given->idle_ms, HTTP_IDLE_MS);
	server->wait_ms[WAIT_HOLD] = ms_or(given->hold_ms, HTTP_HOLD_MS);
	server->wait_ms[WAIT_WRITE] = ms_or(given->write_ms, HTTP_WRITE_MS);
	server->wait_ms[WAIT_LINGER] = ms_or(given->linger_ms, HTTP_LINGER_MS);
	server->wait_ms[WAIT_HEARTBEAT] = ms_or(given->heartbeat_ms, SSE_HEARTBEAT_MS);
}

static void
on_accept_pause_over(void *context)
{
	struct http_server *server = context;

	server->accept_is_paused = false;
	listeners_update(server);
}

static struct http_server *
server_new(struct loop *loop, const struct http_settings *settings)
{
	struct http_server *server = calloc(1, sizeof(*server));

	CHECK(server != NULL);
	server->loop = loop;
	settings_take(server, settings);
	chain_init(&server->conns);
	chain_init(&server->closed);
	chain_init(&server->waiting);
	chain_init(&server->taken);
	chain_init(&server->held);
	chain_init(&server->answered);
	chain_init(&server->dead);
	chain_init(&server->streams);
	chain_init(&server->awake);
	waits_init(server);
	server->accept_timer = loop_timer_new(loop, on_accept_pause_over, server);
	random_bytes(&server->id_seed, sizeof(server->id_seed));
	return server;
}

struct http_server *
http_server_new(struct loop *loop, const struct http_settings *settings, struct err *err)
{
	struct http_server *server = server_new(loop, settings);

	for (size_t i = 0; settings->listen != NULL && settings->listen[i] != NULL; i++) {
		struct listener *listener = &server->listeners[i];

		if (i == HTTP_LISTEN_MAX) {
			err_set(err, "listen on %s: more than %d addresses",
			    settings->listen[i], HTTP_LISTEN_MAX);
			http_server_free(server);
			return NULL;
		}
		*listener = (struct listener){ .server = server, .fd = -1 };
		server->listener_count++;
		if (listener_take(listener, settings->listen[i], err) != 0) {
			http_server_free(server);
			return NULL;
		}
	}
	if (server->listener_count == 0) {
		err_set(err, "no address to listen on");
		http_server_free(server);
		return NULL;
	}
	return server;
}

int
http_server_open(struct http_server *server, struct err *err)
{
	CHECK(!server->is_accepting && !server->is_draining);
	for (size_t i = 0; i < server->listener_count; i++)
		if (listener_open(&server->listeners[i], err) != 0)
			return -1;
	server->is_accepting = true;
	listeners_update(server);
	return 0;
}

uint16_t
http_server_port(const struct http_server *server, size_t index)
{
	struct sockaddr_in6 address = { 0 };
	socklen_t size = sizeof(address);

	CHECK(index < server->listener_count);
	if (server->listeners[index].path[0] != '\0'
	    || getsockname(server->listeners[index].fd, (struct sockaddr *)&address, &size)
		   != 0)
		return 0;
	return ntohs(address.sin6_port); /* at the same place in a struct sockaddr_in */
}

static struct request_inside *
request_first(struct chain *list)
{
	return chain_is_empty(list) ? NULL
				    : CHAIN_OWNER(list->next, struct request_inside, link);
}

struct request *
http_server_take(struct http_server *server)
{
	struct request_inside *rq = request_first(&server->waiting);

	if (rq == NULL)
		return NULL;
	request_move(rq, REQUEST_TAKEN);
	return &rq->public;
}

void
http_server_step(struct http_server *server, size_t most)
{
	CHECK(server->settings.handle != NULL);
	for (size_t i = 0; i < most; i++) {
		struct request *rq = http_server_take(server);

		if (rq == NULL)
			break;
		server->settings.handle(server->settings.context, rq);
	}
}

/* Nobody holds on to what is freed here: callbacks and handlers are all behind us. */
static void
reap(struct http_server *server)
{
	struct chain *link;

	while ((link = chain_take(&server->dead)) != NULL)
		request_free(CHAIN_OWNER(link, struct request_inside, link));
	while ((link = chain_take(&server->closed)) != NULL) {
		struct conn *conn = CHAIN_OWNER(link, struct conn, all);

		CHECK(conn->state == CONN_CLOSED);
		free(conn);
	}
}

void
http_server_release(struct http_server *server)
{
	struct request_inside *rq;

	while ((rq = request_first(&server->taken)) != NULL)
		reply_error(
		    &rq->public, 500, "INTERNAL", "The server did not answer this request");
	while ((rq = request_first(&server->answered)) != NULL)
		conn_release(rq->conn);
	streams_serve(server);
	reap(server);
}

bool
http_server_is_busy(const struct http_server *server)
{
	return !chain_is_empty(&server->waiting) || !chain_is_empty(&server->taken)
	       || !chain_is_empty(&server->answered) || !chain_is_empty(&server->awake)
	       || server->topic_count > 0;
}

void
http_server_stop_accepting(struct http_server *server)
{
	server->is_accepting = false;
	for (size_t i = 0; i < server->listener_count; i++)
		listener_close(&server->listeners[i]);
}

void
http_server_drain(struct http_server *server)
{
	struct chain *link = server->conns.next;

	http_server_stop_accepting(server);
	server->is_draining = true;
	while (link != &server->conns) {
		struct conn *conn = CHAIN_OWNER(link, struct conn, all);

		link = link->next; /* conn may move to the closed ones */
		conn_drain(conn);
	}
}

/* Those that linger have heard everything; nobody waits for them. */
bool
http_server_is_drained(const struct http_server *server)
{
	for (const struct chain *link = server->conns.next; link != &server->conns;
	     link = link->next)
		if (CHAIN_OWNER(link, const struct conn, all)->state != CONN_LINGERING)
			return false;
	return true;
}

void
http_server_free(struct http_server *server)
{
	if (server == NULL)
		return;
	CHECK(chain_is_empty(&server->taken));
	http_server_stop_accepting(server);
	while (!chain_is_empty(&server->conns))
		conn_close(CHAIN_OWNER(server->conns.next, struct conn, all));
	while (!chain_is_empty(&server->held))
		request_free(request_first(&server->held));
	reap(server);
	waits_free(server);
	loop_timer_free(server->accept_timer);
	free(server);
}

const struct http_counters *
http_server_counters(const struct http_server *server)
{
	return &server->counters;
}

const char *
server_date(struct http_server *server)
{
	int64_t now_s = clock_wall_ms() / 1000;

	if (now_s != server->date_s) {
		time_t seconds = (time_t)now_s;
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(server->date, sizeof(server->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		server->date_s = now_s;
	}
	return server->date;
}

/* Different for each request of this and of every other run; not a secret. */
void
server_make_id(struct http_server *server, char id[REQUEST_ID_SIZE])
{
	uint64_t mixed = server->id_seed += 0x9e3779b97f4a7c15u;

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
	mixed ^= mixed >> 31;
	snprintf(id, REQUEST_ID_SIZE, "%016llx", (unsigned long long)mixed);
}
