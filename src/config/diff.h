/* diff.h - what two configurations say differently, key by key, as slipway.yml would have it. */
#ifndef SLIPWAY_CONFIG_DIFF_H
#define SLIPWAY_CONFIG_DIFF_H

#include <stddef.h>

#include "base/arena.h"
#include "config/file.h"

struct config_change {
	const char *key; /* "replicas", "health.interval", "env.LOG_LEVEL" */
	const char *from; /* as YAML on one line; NULL: not said, so the default */
	const char *to;
};

struct config_changes {
	struct config_change *items;
	size_t count;
};

/* from or to may be NULL: all of the other is new, or goes. Everything lives in the arena or in what is
 * compared; equal ones give none. */
struct config_changes diff_engines(
    const struct config_engine *from, const struct config_engine *to, struct arena *arena);
struct config_changes diff_registries(
    const struct config_registry *from, const struct config_registry *to, struct arena *arena);
struct config_changes diff_proxies(
    const struct config_proxy *from, const struct config_proxy *to, struct arena *arena);
struct config_changes diff_receivers(
    const struct config_receiver *from, const struct config_receiver *to, struct arena *arena);
struct config_changes
diff_notify(const struct strings *from, const struct strings *to, struct arena *arena);
struct config_changes diff_webhooks(
    const struct config_webhook *from, const struct config_webhook *to, struct arena *arena);
struct config_changes
diff_stages(const struct stage_spec *from, const struct stage_spec *to, struct arena *arena);

#endif
