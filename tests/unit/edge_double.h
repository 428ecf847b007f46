/* edge_double.h - the store and the catalog of the tests of the edge: small doubles in memory.
 *
 * The one idea: they are arrays; a test writes there what they are to say. */
#ifndef SLIPWAY_TESTS_EDGE_DOUBLE_H
#define SLIPWAY_TESTS_EDGE_DOUBLE_H

#include "edge_bed.h"

#include "store/catalog.h"
#include "store/deploys.h"

enum { STAGES = 80, DEPLOYS = 600 };

static struct stage_spec specs[STAGES];
static char domains[STAGES][32];
static const char *domain_lists[STAGES][2];
static struct stage_entry entries[STAGES];
static size_t stage_count;
static uint64_t live[STAGES + 1]; /* by stage id, 1.. */
static bool busy[STAGES + 1];

static struct {
	uint64_t stage;
	uint64_t spec;
	const char *tag; /* NULL: "" */
	bool is_stop; /* it starts nothing: the stage is stopped by it */
	size_t count;
	struct instance instances[REPLICAS_MAX];
} deploys[DEPLOYS];

bool
store_deploy_get(struct store *store UNUSED, uint64_t id, struct deploy_row *ret_row)
{
	if (id == 0 || id >= DEPLOYS || deploys[id].stage == 0)
		return false;
	*ret_row = (struct deploy_row){
		.id = id, .stage = deploys[id].stage, .spec = deploys[id].spec
	};
	if (deploys[id].tag != NULL)
		snprintf(ret_row->tag, sizeof(ret_row->tag), "%s", deploys[id].tag);
	snprintf(ret_row->trigger, sizeof(ret_row->trigger), "%s",
	    deploys[id].is_stop ? "STOP" : "MANUAL");
	return true;
}

void
store_deploy_log_add(struct store *store UNUSED, uint64_t deploy UNUSED,
    const char *level UNUSED, struct str text UNUSED)
{
}

size_t
store_instances(struct store *store UNUSED, uint64_t deploy, struct instance *to, size_t most)
{
	size_t count = deploys[deploy].count;

	assert_true(count <= most);
	memcpy(to, deploys[deploy].instances, count * sizeof(*to));
	return count;
}

const struct stage_spec *
catalog_spec(struct catalog *catalog UNUSED, uint64_t id)
{
	return id > 0 && id <= STAGES ? &specs[id - 1] : NULL;
}

/* All stages are the edge's own. */
const struct proxy_config *
catalog_proxy(const struct catalog *catalog UNUSED, const char *name UNUSED)
{
	return NULL;
}

size_t
catalog_stage_count(const struct catalog *catalog UNUSED)
{
	return stage_count;
}

const struct stage_entry *
catalog_stage_at(const struct catalog *catalog UNUSED, size_t index)
{
	return &entries[index];
}

const struct stage_entry *
catalog_stage(const struct catalog *catalog UNUSED, uint64_t id)
{
	return id > 0 && id <= stage_count ? &entries[id - 1] : NULL;
}

static inline uint64_t
stage_live(void *context UNUSED, uint64_t stage)
{
	return stage <= STAGES ? live[stage] : 0;
}

static inline bool
stage_is_busy(void *context UNUSED, uint64_t stage)
{
	return stage <= STAGES && busy[stage];
}

/* Stage n has revision n, the domain "app<n>.test", and an id that counts from 1. */
static inline void
world_reset(void)
{
	memset(live, 0, sizeof(live));
	memset(busy, true, sizeof(busy)); /* until go_live() */
	memset(deploys, 0, sizeof(deploys));
	stage_count = 3;
	for (size_t i = 0; i < STAGES; i++) {
		snprintf(domains[i], sizeof(domains[i]), "app%zu.test", i + 1);
		domain_lists[i][0] = domains[i];
		domain_lists[i][1] = NULL;
		specs[i] = (struct stage_spec){ .project = "shop",
			.stage = domains[i],
			.drain_ms = 20000,
			.health = { .kind = HEALTH_HTTP, .path = "/health" },
			.domains = { .items = domain_lists[i], .count = 1 },
			.proxy = "edge" };
		entries[i] =
		    (struct stage_entry){ .id = i + 1, .spec_id = i + 1, .spec = &specs[i] };
	}
}

static inline void
go_live(uint64_t stage, uint64_t deploy)
{
	live[stage] = deploy;
	busy[stage] = false;
}

static inline void
world_deploy(uint64_t id, uint64_t stage, uint64_t spec, int port, size_t replicas)
{
	deploys[id].stage = stage;
	deploys[id].spec = spec;
	deploys[id].count = replicas;
	for (size_t i = 0; i < replicas; i++) {
		struct instance *instance = &deploys[id].instances[i];

		*instance =
		    (struct instance){ .deploy = id, .replica = (int)i, .status = "running" };
		snprintf(instance->address, sizeof(instance->address), "127.0.0.1:%d", port);
	}
}

#endif
