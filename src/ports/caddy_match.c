/* caddy_match.c - what a route of Caddy takes: hosts, and whether it answers itself. Also where servers
 * listen.
 *
 * The one idea: routes are tried in their order, and one that answers all of a host hides what stands
 * behind it. What only works on requests that go on (compression, headers, a login) hides
 * nothing, and our routes belong behind it. */
#include <string.h>
#include <strings.h>

#include "ports/caddy_inside.h"

/* Caddy compares label by label, and "*" stands for one whole label. */
bool
caddy_host_covers(const char *pattern, const char *host)
{
	struct str left = str_of(pattern);
	struct str right = str_of(host);

	while (left.n > 0 && right.n > 0) {
		struct str a;
		struct str b;

		left = str_cut(left, '.', &a);
		right = str_cut(right, '.', &b);
		if (!str_is(a, "*") && (a.n != b.n || strncasecmp(a.p, b.p, a.n) != 0))
			return false;
	}
	return left.n == 0 && right.n == 0;
}

/* NULL: not one of the hosts is covered. *ret_is_exact: the pattern is that host itself. */
static const char *
covered(const struct json *patterns, const struct front_route *hosts, bool *ret_is_exact)
{
	const char *found = NULL;

	*ret_is_exact = false;
	for (size_t i = 0; i < json_count(patterns); i++) {
		const char *pattern = json_text(json_at(patterns, i));

		for (size_t k = 0; k < hosts->domain_count; k++) {
			if (!caddy_host_covers(pattern, hosts->domains[k]))
				continue;
			found = hosts->domains[k];
			*ret_is_exact = strcasecmp(pattern, found) == 0;
			if (*ret_is_exact)
				return found;
		}
	}
	return found;
}

static bool
is_passing(const char *handler)
{
	static const char *const names[] = { "authentication", "encode", "headers",
		"intercept", "invoke", "log_append", "map", "metrics", "push", "request_body",
		"rewrite", "templates", "tracing", "vars" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(handler, names[i]) == 0)
			return true;
	return false;
}

/* A subroute answers when something in it may. */
static bool
is_answering(const struct json *handler)
{
	const struct json *parts = json_get(handler, "routes");

	if (strcmp(json_text(json_get(handler, "handler")), "subroute") != 0)
		return !is_passing(json_text(json_get(handler, "handler")));
	for (size_t i = 0; i < json_count(parts); i++) {
		const struct json *inner = json_get(json_at(parts, i), "handle");

		for (size_t k = 0; k < json_count(inner); k++)
			if (!is_passing(json_text(json_get(json_at(inner, k), "handler"))))
				return true;
	}
	return false;
}

static bool
answers(const struct json *route)
{
	const struct json *handlers = json_get(route, "handle");

	if (json_bool(json_get(route, "terminal")))
		return true;
	for (size_t i = 0; i < json_count(handlers); i++)
		if (is_answering(json_at(handlers, i)))
			return true;
	return false;
}

bool
caddy_route_swallows(
    const struct json *route, const struct front_route *hosts, const char **ret_host)
{
	const struct json *sets = json_get(route, "match");
	bool takes = json_count(sets) == 0;

	*ret_host = NULL;
	if (!answers(route))
		return false;
	for (size_t i = 0; i < json_count(sets); i++) {
		const struct json *set = json_at(sets, i);
		const struct json *patterns = json_get(set, "host");
		bool is_exact = false;
		const char *host;

		/* With a path or the like it takes only a part of the host. */
		if (json_count(set) > (patterns == NULL ? 0u : 1u))
			continue;
		host = patterns == NULL ? NULL : covered(patterns, hosts, &is_exact);
		takes = takes || patterns == NULL || host != NULL;
		if (is_exact)
			*ret_host = host;
	}
	return takes;
}

/* "tcp/127.0.0.1:443" without its network; *ret_host "" stands for all addresses. */
static struct str
split_listen(const char *listen, struct str *ret_host)
{
	const char *slash = strchr(listen, '/');
	const char *colon;

	if (slash != NULL)
		listen = slash + 1;
	colon = strrchr(listen, ':');
	if (colon == NULL) {
		*ret_host = str_of(listen);
		return str_of("");
	}
	*ret_host = (struct str){ listen, (size_t)(colon - listen) };
	if (str_is(*ret_host, "0.0.0.0") || str_is(*ret_host, "[::]"))
		*ret_host = str_of("");
	return str_of(colon + 1);
}

bool
caddy_listens_overlap(const char *a, const char *b)
{
	struct str host_a;
	struct str host_b;
	struct str port_a = split_listen(a, &host_a);
	struct str port_b = split_listen(b, &host_b);

	if (port_a.n != port_b.n || memcmp(port_a.p, port_b.p, port_a.n) != 0)
		return false;
	return host_a.n == 0 || host_b.n == 0
	       || (host_a.n == host_b.n && memcmp(host_a.p, host_b.p, host_a.n) == 0);
}
