/* caddy_judge.c - Caddy's HTTP servers as they are, against what shall be: the one next change.
 *
 * The one idea: a question without memory. Whatever others did meanwhile, the next look sees it, and the
 * answer is again one small change that brings our route nearer, or why a person has to act. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ports/caddy_inside.h"

struct look {
	const struct caddy_wish *wish;
	struct caddy_plan *plan;
	char id[CADDY_ID_SIZE];
	char family[CADDY_ID_SIZE]; /* what the ids of all routes of ours begin with */
	const struct json *routes; /* of our server */
	const struct json *ours; /* NULL: it is not there */
	size_t ours_at;
};

void
caddy_plan_init(struct caddy_plan *plan)
{
	*plan = (struct caddy_plan){ .verdict = CADDY_KEEP };
	buf_init(&plan->body, CADDY_ROUTE_MAX + 1024);
}

void
caddy_plan_free(struct caddy_plan *plan)
{
	buf_free(&plan->body);
}

static void PRINTF_LIKE(3, 4)
    decide(struct caddy_plan *plan, enum caddy_verdict verdict, const char *format, ...)
{
	va_list args;

	plan->verdict = verdict;
	va_start(args, format);
	vsnprintf(plan->text, sizeof(plan->text), format, args);
	va_end(args);
}

static void PRINTF_LIKE(3, 4)
    call(struct caddy_plan *plan, const char *method, const char *format, ...)
{
	va_list args;

	plan->verdict = CADDY_CALL;
	plan->method = method;
	va_start(args, format);
	vsnprintf(plan->path, sizeof(plan->path), format, args);
	va_end(args);
}

static const char *
id_of(const struct json *route)
{
	return json_text(json_get(route, "@id"));
}

/* Our route belongs once into our server, and nowhere else. False: this one is too many. */
static bool
look_at_server(void *context, const char *name, const struct json *server)
{
	struct look *look = context;
	const struct json *routes = json_get(server, "routes");
	bool is_ours = strcmp(name, look->wish->config->server) == 0;

	for (size_t i = 0; i < json_count(routes); i++) {
		if (strcmp(id_of(json_at(routes, i)), look->id) != 0)
			continue;
		if (is_ours && look->ours == NULL && !look->wish->is_absent) {
			look->ours = json_at(routes, i);
			look->ours_at = i;
			continue;
		}
		call(look->plan, "DELETE", CADDY_SERVERS "/%s/routes/%zu", name, i);
		decide(look->plan, CADDY_CALL,
		    look->wish->is_absent ? "its route %s stands in Caddy's server '%s'"
					  : "its route %s stands once more in Caddy's server "
					    "'%s'",
		    look->id, name);
		return false;
	}
	return true;
}

struct clash {
	const char *listen;
	const char *server; /* "" none */
};

static bool
find_clash(void *context, const char *name, const struct json *server)
{
	struct clash *clash = context;
	const struct json *listens = json_get(server, "listen");

	for (size_t i = 0; i < json_count(listens); i++) {
		if (!caddy_listens_overlap(json_text(json_at(listens, i)), clash->listen))
			continue;
		clash->server = name;
		return false;
	}
	return true;
}

static void
make_server(struct look *look, const struct json *servers)
{
	const struct proxy_config *config = look->wish->config;
	struct clash clash = { config->listen, "" };
	struct json_writer w;
	struct buf route;

	json_visit(servers, find_clash, &clash);
	if (clash.server[0] != '\0') {
		decide(look->plan, CADDY_REFUSE,
		    "Caddy's server '%s' listens on %s already: set 'server: %s', or another "
		    "'listen'",
		    clash.server, config->listen, clash.server);
		return;
	}
	buf_init(&route, CADDY_ROUTE_MAX);
	caddy_route_write(look->wish, &route);
	json_writer_init(&w, &look->plan->body);
	json_object_open(&w);
	json_key(&w, "listen");
	json_array_open(&w);
	json_put_text(&w, config->listen);
	json_array_close(&w);
	json_key(&w, "routes");
	json_array_open(&w);
	json_put_raw(&w, buf_view(&route));
	json_array_close(&w);
	json_object_close(&w);
	buf_free(&route);
	decide(look->plan, CADDY_CALL, "Caddy has no server '%s'", config->server);
	call(look->plan, "PUT", CADDY_SERVERS "/%s", config->server);
}

/* The first route that hides ours; the count of routes when none does. */
static size_t
find_hiding(const struct look *look)
{
	size_t count = json_count(look->routes);

	for (size_t i = 0; i < count; i++) {
		const struct json *route = json_at(look->routes, i);
		const char *host;

		if (route != look->ours
		    && caddy_route_swallows(route, look->wish->route, &host))
			return i;
	}
	return count;
}

/* A route of others that answers for the very same host: two cannot. */
static bool
find_rival(const struct look *look, size_t end)
{
	size_t family_size = strlen(look->family);

	for (size_t i = 0; i < end; i++) {
		const struct json *route = json_at(look->routes, i);
		const char *host;

		if (strncmp(id_of(route), look->family, family_size) == 0
		    || !caddy_route_swallows(route, look->wish->route, &host) || host == NULL)
			continue;
		decide(look->plan, CADDY_REFUSE,
		    "route %zu of Caddy's server '%s'%s%s, which is not this Slipway's, "
		    "answers "
		    "for %s already: take the host out of one of them",
		    i, look->wish->config->server, id_of(route)[0] == '\0' ? "" : ", @id ",
		    id_of(route), host);
		look->plan->is_blind = true;
		return true;
	}
	return false;
}

/* One of our wildcards takes a host that the route has; which one, or NULL. */
static const char *
host_that_we_take(const struct look *look, const struct json *route)
{
	const struct front_route *ours = look->wish->route;
	const struct json *hosts = json_get(json_at(json_get(route, "match"), 0), "host");

	for (size_t i = 0; i < json_count(hosts); i++) {
		const char *host = json_text(json_at(hosts, i));

		for (size_t k = 0; k < ours->domain_count; k++)
			if (strcasecmp(ours->domains[k], host) != 0
			    && caddy_host_covers(ours->domains[k], host))
				return host;
	}
	return NULL;
}

/* Two routes of Slipway of which each would have to stand before the other: moving them would not end. */
static bool
find_crossing(const struct look *look)
{
	static const char ours[] = "slipway-";

	for (size_t i = 0; i < json_count(look->routes); i++) {
		const struct json *route = json_at(look->routes, i);
		const char *ignored;
		const char *host;

		if (route == look->ours || strncmp(id_of(route), ours, strlen(ours)) != 0
		    || !caddy_route_swallows(route, look->wish->route, &ignored))
			continue;
		host = host_that_we_take(look, route);
		if (host == NULL)
			continue;
		decide(look->plan, CADDY_REFUSE,
		    "a wildcard of this stage takes %s of Caddy's route %s, and one of that "
		    "route "
		    "takes a domain of this stage: give a wildcard a stage of its own",
		    host, id_of(route));
		return true;
	}
	return false;
}

static void
insert(struct look *look, size_t at)
{
	const char *server = look->wish->config->server;

	caddy_route_write(look->wish, &look->plan->body);
	decide(look->plan, CADDY_CALL, "its route %s is not in Caddy's server '%s'", look->id,
	    server);
	if (json_kind(look->routes) != JSON_IS_ARRAY) {
		struct buf route = look->plan->body;

		buf_init(&look->plan->body, CADDY_ROUTE_MAX + 1024);
		buf_format(&look->plan->body, "[%s]", buf_cstr(&route));
		buf_free(&route);
		call(look->plan, "POST", CADDY_SERVERS "/%s/routes", server);
	} else if (at == json_count(look->routes))
		call(look->plan, "POST", CADDY_SERVERS "/%s/routes", server);
	else
		call(look->plan, "PUT", CADDY_SERVERS "/%s/routes/%zu", server, at);
}

static void
replace(struct look *look, bool is_edited, const char *told)
{
	caddy_route_write(look->wish, &look->plan->body);
	look->plan->is_overwriting = is_edited;
	decide(look->plan, CADDY_CALL,
	    is_edited ? "its route %s was edited in Caddy (%s)"
		      : "its route %s is another one (%s)",
	    look->id, told);
	call(look->plan, "PATCH", CADDY_SERVERS "/%s/routes/%zu", look->wish->config->server,
	    look->ours_at);
}

static void
judge_ours(struct look *look, bool is_right, size_t hiding)
{
	char sum[CADDY_SEAL_SIZE];
	char told[192];
	bool is_edited;

	caddy_route_sum(look->ours, sum);
	caddy_route_tell(look->ours, told, sizeof(told));
	is_edited = strcmp(sum, caddy_route_seal(look->ours)) != 0;
	if (is_edited && !is_right && !look->wish->may_overwrite) {
		decide(look->plan, CADDY_REFUSE,
		    "its route %s was edited in Caddy (now: %s) and is kept: delete it there,"
		    " or set 'drift: mend' for the proxy",
		    look->id, told);
		look->plan->is_blind =
		    hiding < look->ours_at || !caddy_route_sees(look->wish, look->ours);
	} else if (hiding < look->ours_at) {
		decide(look->plan, CADDY_CALL, "its route %s stands behind route %zu (%s)",
		    look->id, hiding, id_of(json_at(look->routes, hiding)));
		look->plan->is_overwriting = is_edited;
		call(look->plan, "DELETE", CADDY_SERVERS "/%s/routes/%zu",
		    look->wish->config->server, look->ours_at);
	} else if (!is_right) {
		replace(look, is_edited, told);
	}
}

static void
judge_route(struct look *look)
{
	bool is_right = look->ours != NULL && caddy_route_is(look->wish, look->ours);
	size_t hiding;

	/* Behind one that is right, a rival hides nothing. */
	if (find_rival(look, is_right ? look->ours_at : json_count(look->routes))
	    || find_crossing(look))
		return;
	hiding = find_hiding(look);
	if (look->ours == NULL)
		insert(look, hiding);
	else
		judge_ours(look, is_right, hiding);
}

static uint32_t
named_by(const struct json *route, const struct front_route *hosts)
{
	const struct json *sets = json_get(route, "match");
	uint32_t named = 0;

	for (size_t i = 0; i < json_count(sets); i++) {
		const struct json *patterns = json_get(json_at(sets, i), "host");

		for (size_t k = 0; k < json_count(patterns); k++)
			for (size_t d = 0; d < hosts->domain_count; d++)
				if (strcasecmp(
					json_text(json_at(patterns, k)), hosts->domains[d])
				    == 0)
					named |= 1u << d;
	}
	return named;
}

uint32_t
caddy_taken(const struct caddy_wish *wish, const struct json *servers)
{
	const struct json *routes =
	    json_get(json_get(servers, wish->config->server), "routes");
	char id[CADDY_ID_SIZE];
	char family[CADDY_ID_SIZE];
	uint32_t taken = 0;

	caddy_route_id(wish->mark, wish->route->stage, id);
	snprintf(family, sizeof(family), "slipway-%s-", wish->mark);
	for (size_t i = 0; i < json_count(routes); i++) {
		const struct json *route = json_at(routes, i);

		if (strncmp(id_of(route), family, strlen(family)) == 0
		    && strcmp(id_of(route), id) != 0)
			taken |= named_by(route, wish->route);
	}
	return taken;
}

void
caddy_judge(const struct caddy_wish *wish, const struct json *servers, struct caddy_plan *plan)
{
	struct look look = { .wish = wish, .plan = plan };
	const struct json *server = json_get(servers, wish->config->server);

	caddy_route_id(wish->mark, wish->route->stage, look.id);
	snprintf(look.family, sizeof(look.family), "slipway-%s-", wish->mark);
	json_visit(servers, look_at_server, &look);
	if (plan->verdict != CADDY_KEEP || wish->is_absent)
		return;
	look.routes = json_get(server, "routes");
	if (json_kind(server) != JSON_IS_OBJECT)
		make_server(&look, servers);
	else
		judge_route(&look);
}

/* Caddy speaks TLS on all but its HTTP port, unless it was told otherwise. */
void
caddy_entry(
    const struct proxy_config *config, const struct json *server, char *url, size_t size)
{
	const struct json *automatic = json_get(server, "automatic_https");
	const char *listen = json_text(json_at(json_get(server, "listen"), 0));
	const char *slash;
	const char *colon;
	bool is_plain;
	char host[NAME_SIZE];

	if (listen[0] == '\0')
		listen = config->listen;
	slash = strchr(listen, '/');
	if (slash != NULL)
		listen = slash + 1;
	colon = strrchr(listen, ':');
	if (colon == NULL) {
		snprintf(url, size, "http://127.0.0.1:80");
		return;
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - listen), listen);
	if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "[::]") == 0)
		snprintf(host, sizeof(host), "127.0.0.1");
	is_plain = strcmp(colon, ":80") == 0
		   || (json_bool(json_get(automatic, "disable"))
		       && json_count(json_get(server, "tls_connection_policies")) == 0);
	snprintf(url, size, "%s://%s%s", is_plain ? "http" : "https", host, colon);
}
