/* front.h - a proxy that people already run: Nginx Proxy Manager or Caddy, as one of `proxies` in
 * slipway.yml says.
 *
 * The one idea: it leads straight to the containers, or to the edge. To the edge: the route is set
 * once, and a deploy only switches the edge. Straight: a switch is a change at the proxy, and it is
 * confirmed, drained and given back here, the same for every kind; what a kind of proxy needs to be
 * told is its driver's (front_driver.h). */
#ifndef SLIPWAY_PORTS_FRONT_H
#define SLIPWAY_PORTS_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ports/port.h"
#include "store/catalog.h"

struct docker;
struct front;
struct front_driver;

struct front_settings {
	const char *directory; /* of the edge's files, where names of Caddy are kept; copied */
	const char
	    *edge_address; /* "127.0.0.1:80": where the edge listens; "": nowhere; copied */
	/* "name: secret" of a request that the edge marks in its answer; kept, not copied */
	const char *edge_probe;
	const char *edge_mark; /* the name of that mark; kept, not copied */
	const char *store_uuid; /* the mark of what is ours; copied */
	struct docker *docker; /* tells what is in flight to a container */
	uint64_t (*stage_live)(void *context, uint64_t stage);
	bool (*stage_is_busy)(void *context, uint64_t stage);
	/* As in edge.h. NULL: never any. */
	size_t (*stage_versions)(
	    void *context, uint64_t stage, uint64_t ret_deploys[KEPT_MAX + 1]);
	/* The route to the edge stands: the rest of the effect is the edge's. */
	void (*hand_over)(void *hand_over_context, const struct effect *effect);
	void *hand_over_context;
	void *context;
};

struct front *front_new(const struct port_host *host, const struct front_settings *settings,
    const struct proxy_config *config, const struct front_driver *driver);
void front_free(struct front *front); /* drops everything under way; NULL allowed */

/* What waits for it is TROUBLED for this reason; before front_free() of one that is made anew. */
void front_interrupt(struct front *front, const char *why);

/* The same proxy with the same settings: it need not be made anew after an apply. */
bool front_is(const struct front *front, const struct proxy_config *config);

/* SWITCH, CONFIRM, RESTORE, DRAIN; see actors/kinds.h. A newer effect of the same actor replaces
 * the older one, a swap that was overtaken is REFUSED. */
void front_perform(struct front *front, const struct effect *effect);

/* The route of a stage is not this proxy's any more: takes it away. DRAIN, RESTORE. */
void front_remove(struct front *front, const struct effect *effect);

/* Compares the routes of live deploys with what the proxy has; reports what differs and, where the
 * configuration allows it, mends it. As often as one likes: one comparison at a time. */
void front_sync(struct front *front);

/* The route of the stage has been seen to be as it shall be, since these settings hold; and not just a moment ago. */
bool front_leads(const struct front *front, uint64_t stage);

/* Why it cannot be driven now, or what differs there, for a person; "" when all is well. */
const char *front_fault(const struct front *front);

#endif
