/* route.h - what a deploy's route shall be, from the store: where it leads, and from which names.
 *
 * The one idea: a route is wanted for one deploy: its instances, and the host names of its own
 * revision of the configuration. So restoring is the same work as switching, for the elder. The
 * edge and the drivers of other proxies all begin here. */
#ifndef SLIPWAY_PORTS_ROUTE_H
#define SLIPWAY_PORTS_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "config/guarantee.h"
#include "config/spec.h"

struct catalog;
struct store;

struct route_target {
	int replica;
	char address[64]; /* "10.0.0.2:8080", "[fd00::2]:8080" and nothing else */
};

struct route_want {
	uint64_t deploy; /* 0: no route at all, and nothing below */
	uint64_t stage;
	const struct stage_spec *spec; /* until the end of the tick */
	struct route_target targets[REPLICAS_MAX];
	size_t target_count;
	bool is_stopped; /* by this deploy: its names lead to nobody */
	bool is_restart_awaited; /* one of them crashed and is kept for a moment: look again */
	char domains[DOMAINS_MAX][DOMAIN_SIZE]; /* with the tag put in; "*.example.org" too */
	bool is_of_tag[DOMAINS_MAX]; /* the same domain: it names this version alone */
	size_t domain_count;
};

/* 0; or -1: the deploy or its configuration is not known any more, or a name cannot be made. */
int route_want(struct store *store, struct catalog *catalog, uint64_t deploy,
    struct route_want *ret, struct err *err) MUST_USE;

/* The edge carries its traffic: by itself, or behind a proxy that hands over to it. */
bool route_is_by_edge(const struct catalog *catalog, const struct stage_spec *spec);

/* What a switch of such a stage promises. */
const struct guarantee *
route_guarantee(const struct catalog *catalog, const struct stage_spec *spec);

/* An address and port in figures, safe to be put into commands and files. */
bool route_is_address(const char *text);

#endif
