/* catalog_inside.h - what catalog.c, hosts.c and proxies.c share. */
#ifndef SLIPWAY_STORE_CATALOG_INSIDE_H
#define SLIPWAY_STORE_CATALOG_INSIDE_H

#include "store/catalog.h"

struct old_spec {
	uint64_t id;
	struct stage_spec *spec;
};

struct notify_rule {
	char project[NAME_SIZE];
	char stage[NAME_SIZE];
	char *names; /* owned */
};

struct catalog {
	struct store *store;
	struct engine_config engines[ENGINES_MAX];
	size_t engine_count;
	struct registry_config *registries;
	size_t registry_count;
	struct proxy_config *proxies;
	size_t proxy_count;
	struct receiver_config *receivers;
	size_t receiver_count;
	struct notify_rule *rules; /* few: most stages leave it to the larger one */
	size_t rule_count;
	struct project_entry everyone; /* the webhook of all projects */
	struct project_entry **projects;
	size_t project_count;
	struct stage_entry *stages;
	struct stage_spec **stage_specs; /* the same places; owned */
	size_t stage_count;
	struct old_spec *old; /* revisions before, oldest use first; owned */
	size_t old_count;
};

int proxies_load(struct catalog *, struct err *err) MUST_USE;
int receivers_load(struct catalog *, struct err *err) MUST_USE;
void receivers_free(struct catalog *);
void webhooks_load(struct catalog *);
int hosts_load(struct catalog *, struct err *err) MUST_USE;

#endif
