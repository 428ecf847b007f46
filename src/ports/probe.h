/* probe.h - one look at one instance over the network: does it answer as it should? */
#ifndef SLIPWAY_PORTS_PROBE_H
#define SLIPWAY_PORTS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct loop;
struct fetch;
struct probe;

struct probe_result {
	bool is_good;
	bool is_closed; /* nobody listens there (yet) */
	char text[REASON_SIZE]; /* "GET /health answered 503 (expected 200-299)" */
};

struct probe_request { /* texts are copied */
	const char *address; /* "10.0.0.2:8080", "[::1]:8080" */
	const char *path; /* HTTP; NULL: only connect */
	const char *host; /* Host header; "": the address */
	int status_min;
	int status_max;
	int64_t timeout_ms;
	void (*on_done)(void *context, const struct probe_result *result);
	void *context;
};

/* on_done comes once, from a later turn of the loop. */
struct probe *
probe_start(struct loop *loop, struct fetch *fetch, const struct probe_request *request);
void probe_cancel(struct probe *probe); /* not after on_done; NULL allowed */

#endif
