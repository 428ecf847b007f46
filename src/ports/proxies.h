/* proxies.h - who leads the traffic of a stage: the edge, a proxy in front, or nobody.
 *
 * The one idea: the swap machine is the same for all; here its effects find the proxy that the deploy's
 * revision of the configuration names. A stage that changes its proxy is switched at the new one
 * first, and leaves the old one when the elder is drained. */
#ifndef SLIPWAY_PORTS_PROXIES_H
#define SLIPWAY_PORTS_PROXIES_H

#include "ports/edge.h"
#include "ports/front.h"

struct proxies;

/* edge: NULL when it is switched off; stays the caller's. settings: hand_over is set here. */
struct proxies *proxies_new(
    const struct port_host *host, const struct front_settings *settings, struct edge *edge);
void proxies_free(struct proxies *proxies); /* NULL allowed */

/* SWITCH, CONFIRM, RESTORE, DRAIN. */
void proxies_perform(struct proxies *proxies, const struct effect *effect);

/* Compares every proxy's routes with the store, soon: the containers of a live deploy have changed. */
void proxies_sync(struct proxies *proxies);

/* The same for the edge; for proxies in front at most every ten seconds. */
void proxies_look(struct proxies *proxies);

/* The stage's proxy leads straight to its containers, and has not been seen to do so: it may lead to the
 * edge still, as it did before its `way` was changed. */
bool proxies_await(const struct proxies *proxies, uint64_t stage);

/* Why a proxy of that name cannot be driven, or what differs there; "" when all is well. */
const char *proxies_fault(const struct proxies *proxies, const char *name);

#endif
