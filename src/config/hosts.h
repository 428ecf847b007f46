/* hosts.h - the keys of engines, registries, proxies and webhooks, as tables: what may stand there, and what is
 * written when it is not the default. */
#ifndef SLIPWAY_CONFIG_HOSTS_H
#define SLIPWAY_CONFIG_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/spec.h"

enum host_section { HOST_ENGINE, HOST_REGISTRY, HOST_PROXY, HOST_WEBHOOK };
enum { HOST_KEYS_MAX = 32 };

struct host_key {
	const char *above; /* the map that it stands in; NULL: none */
	const char *key; /* NULL: the end of the table */
	const char *yes; /* a choice of two words, of a bool; NULL: a text (const char *) */
	const char *no;
	const char *initial; /* left out when it says this; NULL: nothing but "" */
	size_t offset; /* in struct config_engine, config_registry, ... */
	unsigned kinds; /* of proxies that have it, as bits; 0: all */
	bool (*applies)(const void *record); /* NULL: always */
};

const struct host_key *host_keys(enum host_section section);

/* The keys that may stand in an entry, or in its map `above`; ended by NULL. */
void host_known(enum host_section section, const char *above, enum proxy_kind kind,
    const char *known[HOST_KEYS_MAX]);

#endif
