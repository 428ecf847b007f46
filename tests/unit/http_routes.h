/* http_routes.h - the handlers that test_http.c and test_http_life.c serve. */
#ifndef SLIPWAY_TESTS_HTTP_ROUTES_H
#define SLIPWAY_TESTS_HTTP_ROUTES_H

#include "http_bed.h"

#define H "Host: a\r\n"

static struct request *held;
static size_t big_size;

static void
on_hello(void *context UNUSED, struct request *rq)
{
	buf_text(reply_body(rq), "{\"hello\":true}");
	reply_json(rq, 200);
}

static void
on_echo(void *context UNUSED, struct request *rq)
{
	reply_bytes(rq, 200, "application/octet-stream", rq->body);
}

static void
on_thing(void *context UNUSED, struct request *rq)
{
	buf_str(reply_body(rq), STR("thing="));
	buf_str(reply_body(rq), request_parameter(rq, "name"));
	reply_built(rq, 200, "text/plain");
}

/* Tells everything that a handler can ask. */
static void
on_facts(void *context UNUSED, struct request *rq)
{
	struct buf *to = reply_body(rq);
	struct str value;
	char peer[REQUEST_PEER_SIZE];

	request_peer(rq, peer);
	buf_format(
	    to, "%s|%.*s|%s|", method_text(rq->method), (int)rq->path.n, rq->path.p, peer);
	value = request_header(rq, "x-VALUE");
	buf_format(to, "%.*s|", (int)value.n, value.p);
	if (request_query(rq, "a b", &value))
		buf_format(to, "%.*s|", (int)value.n, value.p);
	buf_text(to, request_query(rq, "none", &value) ? "some" : "none");
	reply_built(rq, 200, "text/plain");
}

static void
on_big(void *context UNUSED, struct request *rq)
{
	struct buf *to = reply_body(rq);

	for (uint64_t i = 0; i < big_size / sizeof(i); i++)
		buf_add(to, &i, sizeof(i));
	reply_built(rq, 200, "text/plain");
}

static void
on_held(void *context UNUSED, struct request *rq)
{
	request_hold(rq);
	held = rq;
}

static void
on_forgotten(void *context UNUSED, struct request *rq UNUSED)
{
}

static void
on_page(void *context UNUSED, struct request *rq)
{
	reply_header(rq, "Content-Security-Policy", STR("default-src 'self'"));
	reply_header(rq, "cache-control", STR("max-age=60"));
	reply_header(rq, "X-Odd", STR("a\r\nSet-Cookie: b"));
	reply_text(rq, 200, "page");
}

static void
on_empty(void *context UNUSED, struct request *rq)
{
	reply_empty(rq, 204);
}

static void
on_detail(void *context UNUSED, struct request *rq)
{
	reply_error_detail(rq, 422, "invalid", STR("[{\"at\":\"x\"}]"), "%d faults", 1);
}

static const struct route routes[] = {
	{ METHOD_GET, "/hello", on_hello, 0 },
	{ METHOD_POST, "/echo", on_echo, 0 },
	{ METHOD_PUT, "/echo", on_echo, 0 },
	{ METHOD_GET, "/things/fixed", on_hello, 0 },
	{ METHOD_GET, "/things/{name}", on_thing, 0 },
	{ METHOD_DELETE, "/things/{name}", on_thing, 0 },
	{ METHOD_GET, "/facts", on_facts, 0 },
	{ METHOD_GET, "/big", on_big, 0 },
	{ METHOD_GET, "/held", on_held, 0 },
	{ METHOD_GET, "/forgotten", on_forgotten, 0 },
	{ METHOD_GET, "/page", on_page, 0 },
	{ METHOD_GET, "/empty", on_empty, 0 },
	{ METHOD_GET, "/detail", on_detail, 0 },
	{ METHOD_GET, "/", on_hello, 0 },
};

static void
handle(void *context, struct request *rq)
{
	const struct route *route = route_find(routes, COUNT(routes), rq);

	if (route != NULL)
		route->handle(context, rq);
}

static struct bed
usual_bed(void)
{
	return bed_new((struct http_settings){ .handle = handle, .body_max = 1000 });
}

#endif
