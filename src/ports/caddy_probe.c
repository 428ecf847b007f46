/* caddy_probe.c - the request through Caddy that tells who answers, and what its answer proves.
 *
 * The one idea: it takes the way of all requests of the stage, through the same handler; our route only
 * adds the name of the container to the answer, for who knows the secret. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ports/caddy_inside.h"

/* "https://127.0.0.1:8443": through TLS the name must be the domain's, so that Caddy finds its
 * certificate. */
static void
fill_url(const char *entry, const char *domain, const char *path, struct front_request *to)
{
	char host[CADDY_ENTRY_SIZE];
	const char *port;
	char *colon;

	snprintf(host, sizeof(host), "%s", strstr(entry, "://") + 3);
	colon = strrchr(host, ':');
	port = colon == NULL || strchr(colon, ']') != NULL ? "443" : colon + 1;
	if (strncmp(entry, "https:", 6) != 0) {
		snprintf(to->url, sizeof(to->url), "%s%s", entry, path);
		return;
	}
	snprintf(to->url, sizeof(to->url), "https://%s:%s%s", domain, port, path);
	if (colon != NULL && port == colon + 1)
		*colon = '\0';
	snprintf(to->resolve, sizeof(to->resolve), "%s:%s:%s", domain,
	    colon != NULL && *colon == '\0' ? colon + 1 : "443", host);
}

void
caddy_probe_fill(const struct proxy_config *config, const char *entry,
    const struct front_route *route, int count, struct front_request *to)
{
	const char *domain = route->domains[(size_t)count % route->domain_count];
	const char *entries[] = { config->https_entry, config->entry, entry };
	char concrete[DOMAIN_SIZE + 16];
	char made[CADDY_ENTRY_SIZE];

	snprintf(concrete, sizeof(concrete), "%s%s", domain[0] == '*' ? "slipway-probe" : "",
	    domain[0] == '*' ? domain + 1 : domain);
	caddy_entry(config, NULL, made, sizeof(made)); /* when nobody knows better */
	entry = made;
	for (size_t i = COUNT(entries); i-- > 0;)
		if (entries[i][0] != '\0')
			entry = entries[i];
	fill_url(entry, concrete, route->path, to);
	snprintf(to->host, sizeof(to->host), "Host: %.253s", concrete);
}

static bool
is_good_status(const struct front_route *route, int status)
{
	if (route->status_min != 0)
		return status >= route->status_min && status <= route->status_max;
	return status != 502 && status != 503 && status != 504;
}

enum front_proof
caddy_probe_proves(const char *mark, const struct front_route *route, struct str instance,
    int status, char said[128])
{
	struct name_target target;

	if (instance.n == 0) {
		snprintf(said, 128,
		    status == 502 || status == 503 || status == 504
			? "Caddy answers with status %d"
			: "an answer with status %d did not come by Slipway's route: see "
			  "'entry'"
			  " and 'server' of the proxy",
		    status);
		return FRONT_UNPROVEN;
	}
	if (!names_parse_target(mark, instance, &target) || target.stage != route->stage) {
		snprintf(said, 128, "something else answers: %.*s",
		    instance.n > 80 ? 80 : (int)instance.n, instance.p);
		return FRONT_OTHER;
	}
	for (size_t i = 0; i < route->target_count; i++) {
		if (target.deploy != route->deploy
		    || target.replica != route->targets[i].replica)
			continue;
		if (is_good_status(route, status))
			return FRONT_PROVEN;
		snprintf(said, 128, "status %d came through Caddy", status);
		return FRONT_LEADS;
	}
	snprintf(said, 128, "deploy %" PRIu64 " still answers", target.deploy);
	return FRONT_OTHER;
}
