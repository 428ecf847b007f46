/* waits.c - deadlines in lists. The timer may fire too early (its deadline was cleared); it
 * then arms itself anew, which is cheaper than following every change. */
#include "http/waits.h"

#include "base/clock.h"
#include "base/loop.h"

/* Read afresh: clock_now_ms() is of the last tick, which may be a long sleep ago. */
static int64_t
now_ms(void)
{
	return clock_mono_us() / 1000;
}

static struct conn *
wait_first(struct http_server *server, size_t kind)
{
	struct chain *list = &server->waits[kind];

	return chain_is_empty(list) ? NULL : CHAIN_OWNER(list->next, struct conn, wait);
}

static void
waits_arm(struct http_server *server, int64_t at_ms)
{
	int64_t delay_ms = at_ms - now_ms();

	if (server->wait_armed_ms != 0 && server->wait_armed_ms <= at_ms)
		return;
	server->wait_armed_ms = at_ms;
	loop_timer_set(server->wait_timer, delay_ms < 1 ? 1 : delay_ms);
}

static void
on_timer(void *context)
{
	struct http_server *server = context;
	int64_t now = now_ms();
	int budget = HTTP_EXPIRE_MAX;

	server->wait_armed_ms = 0;
	for (size_t kind = 0; kind < WAIT_COUNT; kind++) {
		struct conn *conn;

		while ((conn = wait_first(server, kind)) != NULL && conn->wait_until_ms <= now
		       && budget > 0) {
			budget--;
			wait_clear(conn);
			conn_expire(conn);
		}
		conn = wait_first(server, kind);
		if (conn != NULL)
			waits_arm(server, conn->wait_until_ms);
	}
}

void
waits_init(struct http_server *server)
{
	for (size_t kind = 0; kind < WAIT_COUNT; kind++) {
		chain_init(&server->waits[kind]);
		CHECK(server->wait_ms[kind] > 0);
	}
	server->wait_timer = loop_timer_new(server->loop, on_timer, server);
}

void
waits_free(struct http_server *server)
{
	for (size_t kind = 0; kind < WAIT_COUNT; kind++)
		CHECK(chain_is_empty(&server->waits[kind]));
	loop_timer_free(server->wait_timer);
}

void
wait_set(struct conn *conn, enum wait_kind kind)
{
	struct http_server *server = conn->server;

	CHECK(conn->state != CONN_CLOSED);
	conn->wait_kind = kind;
	conn->wait_until_ms = now_ms() + server->wait_ms[kind];
	chain_append(&server->waits[kind], &conn->wait);
	waits_arm(server, conn->wait_until_ms);
}

void
wait_clear(struct conn *conn)
{
	chain_remove(&conn->wait);
}

bool
wait_is(const struct conn *conn, enum wait_kind kind)
{
	return !chain_is_empty(&conn->wait) && conn->wait_kind == kind;
}
