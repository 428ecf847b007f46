/* app.h - the server's parts, held together for the tick and the handlers. */
#ifndef SLIPWAY_SERVE_APP_H
#define SLIPWAY_SERVE_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"

/* Of the loop since the start; a look at it twice gives the mean between. */
struct tick_figures {
	int64_t count;
	int64_t spent_us;
	int64_t longest_us;
	int64_t slow; /* over TICK_SLOW_MS */
};

struct app {
	const struct settings *settings;
	struct loop *loop;
	struct fetch *fetch;
	struct store *store;
	struct retention *retention;
	struct catalog *catalog;
	struct runtime *runtime;
	struct vault *vault;
	struct ecr *ecr;
	struct docker *docker;
	struct registry *registry;
	struct edge *edge; /* NULL: SLIPWAY_EDGE=off */
	struct proxies *proxies;
	struct backups *backups; /* NULL: none by rule */
	struct notifier *notifier;
	struct notices *notices;
	struct metrics *metrics;
	struct http_server *server;
	struct loop_timer *wake; /* ends the loop's wait when a deadline is due */
	size_t connections_max; /* of clients, and as many streams; 0: the usual */
	char token_hash[65]; /* SHA-256 of the bearer token, hexadecimal */
	bool is_draining; /* takes no new work */
	int64_t drain_until_ms;
	int64_t started_ms;
	int64_t kept_due_ms; /* see kept.h */
	struct tick_figures ticks;
};

#endif
