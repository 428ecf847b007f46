/* registry.h - the port to image registries (OCI distribution, version 2).
 *
 * Performs RESOLVE (which digest is this deploy's tag?) and SEEK (the newest tag that a stage wants,
 * with its digest). A digest is an index's own where there is one, never a platform's. A registry
 * that asks for patience gets it from everybody, and what is left of a rate budget goes to deploys
 * before polls. */
#ifndef SLIPWAY_PORTS_REGISTRY_H
#define SLIPWAY_PORTS_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "ports/port.h"

struct registry;

struct registry *registry_new(const struct port_host *host);
void registry_free(struct registry *registry); /* drops everything under way; NULL allowed */

/* Answers once, unless a newer effect for the same actor comes before. */
void registry_perform(struct registry *registry, const struct effect *effect);

struct registry_status {
	char host[DOMAIN_SIZE + 8]; /* as images name it */
	char username[256]; /* "": asked without a login */
	int64_t ok_ms; /* the last good answer; 0: none yet */
	int64_t trouble_ms; /* the last trouble; 0: none yet */
	char why[REASON_SIZE]; /* what it was; "" since the next good answer */
	int64_t gate_until_ms; /* it asked to be left alone until then; 0: not */
	int64_t polls_until_ms; /* polls wait until then, to keep the budget; 0: not */
	int64_t limit; /* its rate budget, -1: it does not say ... */
	int64_t remaining; /* ... and what is left of it */
	int64_t window_s; /* for so long; 0: it does not say */
	uint32_t active; /* questions under way ... */
	uint32_t waiting; /* ... and in line */
};

/* The index-th registry (with one login) that was asked; false: there are no more. */
bool registry_status(
    const struct registry *registry, uint32_t index, struct registry_status *ret_status);

#endif
