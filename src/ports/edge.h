/* edge.h - the edge: an HAProxy of our own that carries the traffic of every stage.
 *
 * The one idea: HAProxy is a process of its own, kept by `slipway edge`, and outlives this one. A
 * swap changes servers over its runtime socket and reloads nothing; what it runs is also kept in
 * its files, so that a HAProxy that died comes back with the same routes. Every effect is
 * "make it so": read what HAProxy has, send what is missing, read again. */
#ifndef SLIPWAY_PORTS_EDGE_H
#define SLIPWAY_PORTS_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/settings.h"
#include "ports/port.h"

struct edge;

/* To a request that carries the first with the probe's secret, the edge names who answers in the second:
 * the server, or itself when no server did. */
#define EDGE_PROBE_HEADER "slipway-probe"
#define EDGE_INSTANCE_HEADER "slipway-instance"
#define EDGE_ITSELF "edge"

struct edge_settings {
	const char *directory; /* of its files and sockets; made with mode 0700; copied */
	const char *haproxy; /* path, or a name looked for in PATH; copied */
	struct addresses http; /* kept, not copied: they outlive the edge */
	struct addresses https;
	const char *certificates; /* PEM file or folder of them, for https; copied */
	const char *trusted; /* proxies before it, with commas; kept, not copied; may be "" */
	/* The rest is for edge_new() only. */
	bool is_kept_elsewhere; /* `slipway edge` is a service of its own: never start it */
	uint64_t (*stage_live)(
	    void *context, uint64_t stage); /* whom its route leads to; 0: nobody */
	bool (*stage_is_busy)(void *context, uint64_t stage); /* a deploy is under way */
	/* Its proxy leads straight to the containers, and yet visitors may come by here: it has not
	 * been seen to do so. NULL: never. */
	bool (*stage_is_awaited)(void *context, uint64_t stage);
	/* The deploys of a stage that are reached by their tag, each by a route of its own; returns how many.
	 * NULL: never any. */
	size_t (*stage_versions)(
	    void *context, uint64_t stage, uint64_t ret_deploys[KEPT_MAX + 1]);
	/* Nobody is led to some version by its tag any more, and nothing is in flight: its containers may go. NULL when
	 * stage_versions is. */
	void (*version_left)(void *context);
	void *context;
};

/* Checks the directory and the program; the rest happens in the loop: adopts the edge that runs or
 * starts one. NULL on error. */
struct edge *edge_new(const struct port_host *host, const struct edge_settings *settings,
    struct err *err) MUST_USE;
void edge_free(struct edge *edge); /* HAProxy goes on; NULL allowed */

/* SWITCH, CONFIRM, RESTORE, DRAIN, PARK. One that comes before HAProxy is there waits for it. */
void edge_perform(struct edge *edge, const struct effect *effect);

/* Compares the routes with the store and mends what differs; soon, in slices, and as often as one
 * likes. Stages that are busy with a deploy are left to it. */
void edge_sync(struct edge *edge);

/* "slipway-probe: secret", as long as the edge lives; never to be logged. */
const char *edge_probe_header(const struct edge *edge);

/* HAProxy answers and has its routes. */
bool edge_is_ready(const struct edge *edge);

/* Why it is not ready, or what it could not do last, for a person; "" when all is well. */
const char *edge_fault(const struct edge *edge);

struct edge_server_status {
	uint64_t deploy;
	int replica;
	char address[64];
	const char *state; /* "ready", "draining" or "off" */
	uint32_t in_flight; /* requests and WebSockets; TCP connections */
	/* Since HAProxy knows it, and to TCP none of the last two: */
	uint64_t served;
	uint64_t requests; /* that it answered, or failed to */
	uint64_t failures; /* of those: 5xx, and what HAProxy had to answer in its place */
};

/* The servers of a stage as of the last look, at most a second old while somebody keeps asking.
 * Returns how many. */
size_t
edge_status(struct edge *edge, uint64_t stage, struct edge_server_status *to, size_t most);

/* Somebody may still be led to this version by its tag, or it has requests in flight; no longer than
 * drain_ms behind the end of its route. While HAProxy is away nobody knows: true. */
bool edge_leads_to_version(const struct edge *edge, uint64_t deploy, int64_t drain_ms);

/* `slipway edge`: keeps HAProxy running until SIGTERM or SIGINT. Returns the exit code. */
int edge_run(const struct edge_settings *settings, struct err *err);

#endif
