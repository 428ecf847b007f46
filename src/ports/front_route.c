/* front_route.c - what a proxy in front shall have for a deploy: its domains, and behind them its
 * containers or the edge. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "ports/front_inside.h"
#include "ports/route.h"

static void
fill_targets(const struct front *front, const struct route_want *want, struct front_route *ret)
{
	const char *edge = front->config.edge_address[0] != '\0' ? front->config.edge_address
								 : front->edge_address;

	ret->is_to_edge = !front->config.is_direct;
	if (ret->is_to_edge) {
		ret->target_count = edge[0] == '\0' ? 0 : 1;
		snprintf(ret->targets[0].address, sizeof(ret->targets[0].address), "%s", edge);
		return;
	}
	for (size_t i = 0; i < want->target_count; i++) {
		ret->targets[i].replica = want->targets[i].replica;
		snprintf(ret->targets[i].address, sizeof(ret->targets[i].address), "%s",
		    want->targets[i].address);
	}
	ret->target_count = want->target_count;
}

static void
fill_probe(const struct health_spec *health, struct front_route *ret)
{
	bool is_http = health->kind == HEALTH_HTTP && health->path != NULL;

	snprintf(ret->path, sizeof(ret->path), "%s", is_http ? health->path : "/");
	ret->status_min = is_http ? health->status_min : 0;
	ret->status_max = is_http ? health->status_max : 0;
}

static bool
has_domain(const struct front_route *route, const char *name)
{
	for (size_t i = 0; i < route->domain_count; i++)
		if (strcmp(route->domains[i], name) == 0)
			return true;
	return false;
}

/* The edge behind it leads to each version that runs, by its tag. */
static void
add_versions(const struct front *front, const struct route_want *live, struct front_route *ret)
{
	uint64_t deploys[KEPT_MAX + 1];
	size_t count = 0;

	if (!front->config.is_direct && live->spec->max_instances > 1
	    && front->settings.stage_versions != NULL)
		count = front->settings.stage_versions(
		    front->settings.context, live->stage, deploys);
	for (size_t i = 0; i < count; i++) {
		struct route_want want;
		struct err ignored;

		if (route_want(
			front->host.store, front->host.catalog, deploys[i], &want, &ignored)
		    != 0)
			continue;
		for (size_t k = 0; k < want.domain_count; k++)
			if (want.is_of_tag[k] && !has_domain(ret, want.domains[k])
			    && ret->domain_count < DOMAINS_MAX)
				memcpy(ret->domains[ret->domain_count++], want.domains[k],
				    sizeof(ret->domains[0]));
	}
}

int
front_route_fill(
    struct front *front, uint64_t deploy, struct front_route *ret, struct err *err)
{
	struct route_want want;

	*ret = (struct front_route){ .deploy = deploy };
	if (route_want(front->host.store, front->host.catalog, deploy, &want, err) != 0)
		return -1;
	if (deploy == 0 || strcmp(want.spec->proxy, front->config.name) != 0)
		return 0; /* its route is not here */
	ret->stage = want.stage;
	snprintf(ret->project, sizeof(ret->project), "%s", want.spec->project);
	snprintf(ret->stage_name, sizeof(ret->stage_name), "%s", want.spec->stage);
	snprintf(ret->certificate, sizeof(ret->certificate), "%s", want.spec->certificate);
	memcpy(ret->domains, want.domains, sizeof(ret->domains));
	/* A proxy that leads straight to containers has nothing of its own to answer with. */
	ret->domain_count = want.is_stopped && front->config.is_direct ? 0 : want.domain_count;
	add_versions(front, &want, ret);
	fill_targets(front, &want, ret);
	fill_probe(&want.spec->health, ret);
	return 0;
}

uint64_t
front_route_hash(const struct front_route *route)
{
	struct buf text;
	char hex[HASH_HEX_SIZE];
	uint64_t hash = 0;

	buf_init(&text, DOMAINS_MAX * DOMAIN_SIZE + 4096);
	buf_format(&text, "%s %s", route->targets[0].address, route->certificate);
	for (size_t i = 0; i < route->domain_count; i++)
		buf_format(&text, " %s", route->domains[i]);
	hash_sha256_hex(buf_view(&text), hex);
	buf_free(&text);
	CHECK(sscanf(hex, "%16" SCNx64, &hash) == 1);
	return hash;
}
