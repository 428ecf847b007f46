/* guarantee.h - what each way of leading traffic promises for a switch, and why.
 *
 * The one place for these words: `slipway check`, the deploy's log and the API all use them;
 * docs/proxies.md is tested against them. Measured: see docs/benchmarks.md. */
#ifndef SLIPWAY_CONFIG_GUARANTEE_H
#define SLIPWAY_CONFIG_GUARANTEE_H

#include <stdbool.h>

#include "config/spec.h"

struct guarantee {
	bool is_hitless; /* no request fails */
	const char *way; /* "Nginx Proxy Manager, straight to the container" */
	const char *promise; /* "no request fails" */
	const char *reason;
};

const struct guarantee *guarantee_of(enum proxy_kind kind, bool is_direct);

#endif
