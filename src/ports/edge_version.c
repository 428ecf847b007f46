/* edge_version.c - the routes by which single versions of a stage are reached, each by its own tag.
 *
 * The one idea: such a route is one more edge_stage, whose id is the deploy's; only the comparison with the store
 * (edge_sync.c) makes it and takes it away. So no deploy waits for it, and what serves the stage's own names is not
 * touched by it. */
#include "ports/edge_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/catalog.h"

static bool
is_one_of(uint64_t deploy, const uint64_t *deploys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (deploys[i] == deploy)
			return true;
	return false;
}

size_t
edge_versions(const struct edge *edge, uint64_t stage, uint64_t ret_deploys[KEPT_MAX + 1])
{
	if (edge->stage_versions == NULL)
		return 0;
	return edge->stage_versions(edge->context, stage, ret_deploys);
}

bool
edge_version_is_wanted(const struct edge *edge, const struct edge_stage *version)
{
	uint64_t deploys[KEPT_MAX + 1];
	size_t count = edge_versions(edge, version->version_of, deploys);

	return is_one_of(version->id, deploys, count);
}

bool
edge_version_is_busy(const struct edge *edge, const struct edge_stage *version)
{
	for (const struct edge_stage *other = edge->stages; other != NULL; other = other->next)
		if (other != version && other->version_of == version->version_of
		    && other->op != NULL)
			return true;
	return false;
}

static void
give_up_name(struct edge_stage *version, const char *name)
{
	size_t left = 0;

	for (size_t i = 0; i < version->domain_count; i++)
		if (strcmp(version->domains[i], name) != 0) {
			if (left != i)
				memcpy(version->domains[left], version->domains[i],
				    sizeof(version->domains[i]));
			left++;
		}
	version->domain_count = left;
}

/* Not in the middle of a swap, which decides on the names that the stage has. */
static bool
leads_to_versions(const struct edge *edge, const struct edge_stage *stage)
{
	uint64_t deploys[KEPT_MAX + 1];
	size_t count = edge_versions(edge, stage->id, deploys);

	for (size_t i = 0; stage->http != NULL && i < stage->http->server_count; i++)
		if (stage->http->servers[i].state == EDGE_SERVER_READY
		    && !is_one_of(stage->http->servers[i].deploy, deploys, count))
			return false;
	return true;
}

bool
edge_version_is_akin(const struct edge_op *op, const struct edge_stage *other)
{
	const struct edge_stage *stage = op->stage;

	if (stage->version_of == 0)
		return other->version_of == stage->id;
	return (other->id == stage->version_of && leads_to_versions(op->edge, other))
	       || (other->version_of == stage->version_of
		   && !edge_version_is_wanted(op->edge, other));
}

void
edge_version_take_names(const struct edge_op *op)
{
	struct edge_stage *other;

	if (op->deploy == 0)
		return;
	for (other = op->edge->stages; other != NULL; other = other->next) {
		if (other == op->stage || !edge_version_is_akin(op, other))
			continue;
		for (size_t i = 0; i < op->domain_count; i++)
			give_up_name(other, op->domains[i].name);
	}
}

void
edge_version_log(const struct edge_op *op)
{
	const struct stage_entry *entry =
	    catalog_stage(op->edge->host.catalog, op->stage->version_of);
	struct log_context context = { .deploy_id = op->stage->id };

	if (entry != NULL) {
		context.project = entry->spec->project;
		context.stage = entry->spec->stage;
	}
	if (op->deploy == 0)
		log_info(&context, "edge.version",
		    "the version of deploy %" PRIu64 " is not reached by its tag any more",
		    op->stage->id);
	else
		log_info(&context, "edge.version",
		    "%s leads to the version of deploy %" PRIu64,
		    op->domain_count > 0 ? op->domains[0].name : "nothing", op->stage->id);
}

bool
edge_leads_to_version(const struct edge *edge, uint64_t deploy, int64_t drain_ms)
{
	const struct edge_stage *version = edge_stage_find(edge, deploy);
	bool has_time;

	if (edge->link != EDGE_LINK_UP)
		return true;
	if (version == NULL || version->version_of == 0)
		return false;
	has_time =
	    version->left_us == 0 || clock_mono_us() - version->left_us < drain_ms * 1000;
	/* What a worker of before a reload has in flight nobody has counted. */
	return has_time && (version->http != NULL || edge->has_old_workers);
}
