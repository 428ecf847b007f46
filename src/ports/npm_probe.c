/* npm_probe.c - who answers for a stage, asked where its visitors come in.
 *
 * The one idea: our location in the host's nginx says where it leads. It is asked with the name of the
 * stage's first domain, over HTTPS where the host sends everybody there. */
#include <stdio.h>
#include <string.h>

#include "ports/npm_inside.h"

/* Its index; count: it is not there. */
static size_t
find(const struct npm_sights *sights, uint64_t stage)
{
	size_t i = 0;

	while (i < sights->count && sights->seen[i].stage != stage)
		i++;
	return i;
}

void
npm_sights_note(struct npm_sights *sights, uint64_t stage, const struct npm_plan *plan)
{
	size_t at = find(sights, stage);
	struct npm_seen *place;

	if (at == NPM_SEEN_MAX)
		memmove(
		    sights->seen, sights->seen + 1, (size_t)--at * sizeof(sights->seen[0]));
	else if (at == sights->count)
		sights->count++;
	place = &sights->seen[at];
	*place = (struct npm_seen){ .stage = stage, .is_https = plan->is_https };
	memcpy(place->domain, plan->domain, sizeof(place->domain));
}

/* The host of a URL without its port, and the port behind it. */
static int
cut_host(const char *url, char *host, size_t size, int default_port)
{
	const char *from = strstr(url, "://") + 3;
	const char *colon = strrchr(from, ':');
	uint64_t port;

	if (colon == NULL || strchr(colon, ']') != NULL
	    || !str_number(str_of(colon + 1), 65535, &port)) {
		snprintf(host, size, "%s", from);
		return default_port;
	}
	snprintf(host, size, "%.*s", (int)(colon - from), from);
	return (int)port;
}

void
npm_probe_domain(const char *domain, char to[DOMAIN_SIZE])
{
	bool is_wild = domain[0] == '*';

	snprintf(to, DOMAIN_SIZE, "%s%s", is_wild ? "slipway" : "", domain + is_wild);
}

void
npm_probe_write(const struct npm_sights *sights, const struct front_host *front,
    const struct front_route *route, int count, struct front_request *to)
{
	size_t at = find(sights, route->stage);
	const struct npm_seen *seen = at < sights->count ? &sights->seen[at] : NULL;
	char first[DOMAIN_SIZE];
	const char *domain = seen != NULL ? seen->domain : first;
	bool is_https = seen != NULL && seen->is_https;
	const char *entry = is_https ? front->config->https_entry : front->config->entry;
	char host[DOMAIN_SIZE + 2];
	int port = is_https ? 443 : 80;

	npm_probe_domain(route->domains[0], first);
	(void)cut_host(front->config->address, host, sizeof(host), 0);
	if (entry[0] != '\0')
		port = cut_host(entry, host, sizeof(host), port);
	snprintf(to->host, sizeof(to->host), "Host: %s", domain);
	if (is_https) {
		snprintf(to->resolve, sizeof(to->resolve), "%s:%d:%s", domain, port,
		    strcmp(host, "localhost") == 0 ? "127.0.0.1" : host);
		snprintf(host, sizeof(host), "%s", domain);
	}
	snprintf(to->url, sizeof(to->url), "%s://%s:%d/.well-known/slipway-%s?%d",
	    is_https ? "https" : "http", host, port, front->secret, count);
}

static bool
is_good_status(const struct front_route *route, int status)
{
	if (route->status_min != 0)
		return status >= route->status_min && status <= route->status_max;
	return status != 502 && status != 503 && status != 504;
}

enum front_proof
npm_probe_proves(
    const struct front_route *route, const struct fetch_result *result, char said[128])
{
	struct str instance = fetch_header(result->transfer, NPM_INSTANCE_HEADER);
	int status = fetch_status(result->transfer);

	if (instance.n == 0) {
		snprintf(said, 128,
		    "an answer with status %d did not come by Slipway's location: see "
		    "'entry' of the proxy",
		    status);
		return FRONT_UNPROVEN;
	}
	for (size_t i = 0; i < route->target_count; i++) {
		if (!str_is(instance, route->targets[i].address))
			continue;
		if (is_good_status(route, status))
			return FRONT_PROVEN;
		snprintf(said, 128, "%.60s answers with status %d through it",
		    route->targets[i].address, status);
		return FRONT_LEADS;
	}
	snprintf(said, 128, "%.*s still answers", instance.n > 80 ? 80 : (int)instance.n,
	    instance.p);
	return FRONT_OTHER;
}
