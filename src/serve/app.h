/* app.h - the server's parts, held together for the tick and the handlers. */
#ifndef SLIPWAY_SERVE_APP_H
#define SLIPWAY_SERVE_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"

struct app {
	const struct settings *settings;
	struct loop *loop;
	struct fetch *fetch;
	struct store *store;
	struct retention *retention;
	struct catalog *catalog;
	struct runtime *runtime;
	struct docker *docker;
	struct registry *registry;
	struct edge *edge; /* NULL: SLIPWAY_EDGE=off */
	struct http_server *server;
	char token_hash[65]; /* SHA-256 of the bearer token, hexadecimal */
	bool is_draining; /* takes no new work */
	int64_t started_ms;
};

#endif
