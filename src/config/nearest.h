/* nearest.h - the known name that somebody probably meant. */
#ifndef SLIPWAY_CONFIG_NEAREST_H
#define SLIPWAY_CONFIG_NEAREST_H

#include "base/str.h"

struct nearest {
	const char *name; /* best so far; NULL when none is near enough */
	size_t distance;
	struct str wanted;
};

/* Begin, offer each known name, read .name. */
void nearest_begin(struct nearest *nearest, struct str wanted);
void nearest_offer(struct nearest *nearest, const char *name);

#endif
