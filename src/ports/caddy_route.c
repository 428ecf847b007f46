/* caddy_route.c - the route of a stage in Caddy's configuration, written and recognised.
 *
 * The one idea: the route carries a seal, a sum over its own content. So it can be told whether it is
 * as it should be, and whether a person has edited it since, without remembering what was
 * written; a field that an older Caddy refused does not count. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "ports/caddy_inside.h"

void
caddy_route_id(const char *mark, uint64_t stage, char id[CADDY_ID_SIZE])
{
	snprintf(id, CADDY_ID_SIZE, "slipway-%s-%" PRIu64, mark, stage);
}

static void
text_array(struct json_writer *w, const char *key, const char *text)
{
	json_key(w, key);
	json_array_open(w);
	json_put_text(w, text);
	json_array_close(w);
}

static void
put_resolver(struct json_writer *w, const struct proxy_config *config)
{
	char address[NAME_SIZE + 8];

	snprintf(address, sizeof(address), "udp/%s", config->names);
	json_key(w, "resolver");
	json_object_open(w);
	text_array(w, "addresses", address);
	json_object_close(w);
}

static void
put_upstreams(struct json_writer *w, const struct caddy_wish *wish)
{
	char name[NAMES_TEXT_SIZE];
	char whole[NAMES_TEXT_SIZE + 1];

	if (wish->route->is_to_edge) {
		json_key(w, "upstreams");
		json_array_open(w);
		json_object_open(w);
		json_pair_text(w, "dial", wish->route->targets[0].address);
		json_object_close(w);
		json_array_close(w);
		return;
	}
	names_of_stage(wish->mark, wish->route->stage, name);
	snprintf(whole, sizeof(whole), "%s.", name); /* no search domains behind it */
	json_key(w, "dynamic_upstreams");
	json_object_open(w);
	json_pair_text(w, "source", "srv");
	json_pair_text(w, "name", whole);
	json_pair_text(w, "refresh", "100ms");
	if ((wish->extras & CADDY_GRACE_PERIOD) != 0)
		json_pair_text(w, "grace_period", "1h");
	put_resolver(w, wish->config);
	json_object_close(w);
}

/* Who has not sent anything yet waits as long as at the edge; what may have been sent is never sent
 * again. "No server was chosen" counts as unsent: the variable has no value then, which older
 * versions write as <nil>. */
static void
put_retries(struct json_writer *w)
{
	json_key(w, "load_balancing");
	json_object_open(w);
	json_pair_text(w, "try_duration", "30s");
	json_pair_text(w, "try_interval", "100ms");
	json_key(w, "retry_match");
	json_array_open(w);
	json_object_open(w);
	json_key(w, "vars");
	json_object_open(w);
	json_key(w, "{http.reverse_proxy.upstream.hostport}");
	json_array_open(w);
	json_put_text(w, "");
	json_put_text(w, "<nil>");
	json_array_close(w);
	json_object_close(w);
	json_object_close(w);
	json_array_close(w);
	json_object_close(w);
}

/* Idle connections end before the server behind them may end them: that would cost a request. To a
 * container they end soon, because a drain waits for them. */
static void
put_transport(struct json_writer *w, const struct caddy_wish *wish)
{
	json_key(w, "transport");
	json_object_open(w);
	json_pair_text(w, "protocol", "http");
	json_pair_bool(w, "compression", false); /* what the client did not ask for */
	json_key(w, "keep_alive");
	json_object_open(w);
	json_pair_text(w, "idle_timeout", wish->route->is_to_edge ? "10s" : "1s");
	json_object_close(w);
	if (!wish->route->is_to_edge)
		put_resolver(w, wish->config);
	json_object_close(w);
}

static void
put_proxy(struct json_writer *w, const struct caddy_wish *wish)
{
	json_object_open(w);
	json_pair_text(w, "handler", "reverse_proxy");
	put_upstreams(w, wish);
	json_pair_text(w, "flush_interval", "10ms"); /* streams flow */
	if ((wish->extras & CADDY_STREAM_CLOSE_DELAY) != 0)
		json_pair_text(w, "stream_close_delay", "1h");
	put_retries(w);
	put_transport(w, wish);
	json_object_close(w);
}

/* To whom names the secret it is told who answers; then the same proxying as for everybody. */
static void
put_probe(struct json_writer *w, const struct caddy_wish *wish)
{
	json_object_open(w);
	json_key(w, "match");
	json_array_open(w);
	json_object_open(w);
	json_key(w, "header");
	json_object_open(w);
	text_array(w, CADDY_PROBE_HEADER, wish->secret);
	json_object_close(w);
	json_object_close(w);
	json_array_close(w);
	json_key(w, "handle");
	json_array_open(w);
	json_object_open(w);
	json_pair_text(w, "handler", "headers");
	json_key(w, "request");
	json_object_open(w);
	text_array(w, "delete", CADDY_PROBE_HEADER);
	json_object_close(w);
	json_key(w, "response");
	json_object_open(w);
	json_pair_bool(w, "deferred", true);
	json_key(w, "set");
	json_object_open(w);
	text_array(w, CADDY_INSTANCE_HEADER, "{http.reverse_proxy.upstream.hostport}");
	json_object_close(w);
	json_object_close(w);
	json_object_close(w);
	json_array_close(w);
	json_object_close(w);
}

static void
put_subroute(struct json_writer *w, const struct caddy_wish *wish)
{
	json_object_open(w);
	json_pair_text(w, "handler", "subroute");
	json_key(w, "routes");
	json_array_open(w);
	put_probe(w, wish);
	json_object_open(w);
	json_key(w, "handle");
	json_array_open(w);
	put_proxy(w, wish);
	json_array_close(w);
	json_object_close(w);
	json_array_close(w);
	json_object_close(w);
}

static void
put_hosts(struct json_writer *w, const struct front_route *route)
{
	json_key(w, "match");
	json_array_open(w);
	json_object_open(w);
	json_key(w, "host");
	json_array_open(w);
	for (size_t i = 0; i < route->domain_count; i++)
		json_put_text(w, route->domains[i]);
	json_array_close(w);
	json_object_close(w);
	json_array_close(w);
}

/* The seal stands in a variable that nobody reads. */
static void
put_seal(struct json_writer *w, const char *seal)
{
	json_object_open(w);
	json_pair_text(w, "handler", "vars");
	json_pair_text(w, "slipway", seal);
	json_object_close(w);
}

static void
write_sealed(const struct caddy_wish *wish, const char *seal, struct buf *json)
{
	struct json_writer w;
	char id[CADDY_ID_SIZE];

	caddy_route_id(wish->mark, wish->route->stage, id);
	json_writer_init(&w, json);
	json_object_open(&w);
	json_pair_text(&w, "@id", id);
	put_hosts(&w, wish->route);
	json_key(&w, "handle");
	json_array_open(&w);
	put_seal(&w, seal);
	if (wish->route->is_to_edge)
		put_proxy(&w, wish);
	else
		put_subroute(&w, wish);
	json_array_close(&w);
	json_pair_bool(&w, "terminal", true);
	json_object_close(&w);
	CHECK(!json->overflow);
}

static void
make_seal(const struct caddy_wish *wish, char seal[CADDY_SEAL_SIZE])
{
	struct buf text;
	struct err err;
	struct json *tree;

	buf_init(&text, CADDY_ROUTE_MAX);
	write_sealed(wish, "", &text);
	tree = json_parse(buf_view(&text), &err);
	CHECK(tree != NULL);
	caddy_route_sum(tree, seal);
	json_free(tree);
	buf_free(&text);
}

void
caddy_route_write(const struct caddy_wish *wish, struct buf *json)
{
	char seal[CADDY_SEAL_SIZE];

	make_seal(wish, seal);
	write_sealed(wish, seal, json);
}

static const struct json *
seal_at(const struct json *route, size_t index)
{
	const struct json *handler = json_at(json_get(route, "handle"), index);
	const struct json *seal = json_get(handler, "slipway");

	return strcmp(json_text(json_get(handler, "handler")), "vars") == 0 ? seal : NULL;
}

const char *
caddy_route_seal(const struct json *route)
{
	return json_text(seal_at(route, 0));
}

void
caddy_route_sum(const struct json *route, char sum[CADDY_SEAL_SIZE])
{
	static const char *const keys[] = { "group", "match", "terminal" };
	const struct json *handlers = json_get(route, "handle");
	char hex[HASH_HEX_SIZE];
	struct buf text;

	buf_init(&text, CADDY_CONFIG_MAX);
	for (size_t i = 0; i < COUNT(keys); i++) {
		json_dump_sorted(json_get(route, keys[i]), &text);
		buf_char(&text, '\n');
	}
	for (size_t i = 0; i < json_count(handlers); i++) {
		if (seal_at(route, i) == NULL)
			json_dump_sorted(json_at(handlers, i), &text);
		buf_char(&text, '\n');
	}
	hash_sha256_hex(buf_view(&text), hex);
	snprintf(sum, CADDY_SEAL_SIZE, "%.16s", hex);
	buf_free(&text);
}

bool
caddy_route_is(const struct caddy_wish *wish, const struct json *route)
{
	char sum[CADDY_SEAL_SIZE];

	caddy_route_sum(route, sum);
	for (unsigned extras = 0; extras <= CADDY_ALL_EXTRAS; extras++) {
		struct caddy_wish variant = *wish;
		char seal[CADDY_SEAL_SIZE];

		variant.extras = extras;
		make_seal(&variant, seal);
		if (strcmp(seal, sum) == 0)
			return true;
	}
	return false;
}

bool
caddy_route_sees(const struct caddy_wish *wish, const struct json *route)
{
	char name[NAMES_TEXT_SIZE];
	struct buf text;
	bool sees;

	names_of_stage(wish->mark, wish->route->stage, name);
	buf_init(&text, CADDY_CONFIG_MAX);
	json_dump(route, &text);
	sees = strstr(buf_cstr(&text), name) != NULL
	       && strstr(buf_cstr(&text), wish->secret) != NULL;
	buf_free(&text);
	return sees;
}

/* Of the first reverse_proxy, in the route itself or in the last part of its subroute. */
static const char *
target_of(const struct json *route)
{
	const struct json *handlers = json_get(route, "handle");
	const struct json *last = json_at(handlers, json_count(handlers) - 1);
	const struct json *parts = json_get(last, "routes");
	const struct json *dial;

	if (json_count(parts) > 0) {
		handlers = json_get(json_at(parts, json_count(parts) - 1), "handle");
		last = json_at(handlers, json_count(handlers) - 1);
	}
	dial = json_get(json_at(json_get(last, "upstreams"), 0), "dial");
	return json_text(
	    dial != NULL ? dial : json_get(json_get(last, "dynamic_upstreams"), "name"));
}

void
caddy_route_tell(const struct json *route, char *text, size_t size)
{
	const struct json *hosts = json_get(json_at(json_get(route, "match"), 0), "host");
	const char *target = target_of(route);
	struct buf told;

	buf_init(&told, size - 1);
	for (size_t i = 0; i < json_count(hosts) && i < 3; i++)
		buf_format(&told, "%s%s", i == 0 ? "" : ", ", json_text(json_at(hosts, i)));
	if (json_count(hosts) > 3)
		buf_text(&told, ", ...");
	buf_format(&told, "%s -> %s", json_count(hosts) == 0 ? "all hosts" : "",
	    target[0] == '\0' ? "something that is no proxying" : target);
	snprintf(text, size, "%s", buf_cstr(&told));
	buf_free(&told);
}
