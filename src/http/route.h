/* route.h - from method and path to the function that answers.
 *
 * The one idea: a constant table, read from the top; the first pattern that fits the path
 * wins, so fixed words stand above {name} of the same place. */
#ifndef SLIPWAY_HTTP_ROUTE_H
#define SLIPWAY_HTTP_ROUTE_H

#include <stddef.h>

#include "http/request.h"

typedef void route_fn(void *context, struct request *rq);

struct route {
	enum method method; /* GET serves HEAD too */
	const char
	    *pattern; /* "/api/v1/stages/{project}/{stage}"; a {name} is one non-empty piece */
	route_fn *handle;
	unsigned flags; /* the caller's: who may come here, for example */
};

/* The row for the request, its {names} filled in. NULL: answered already with 404, with 405
 * and Allow, or for OPTIONS with 204 and Allow. */
const struct route *route_find(const struct route *table, size_t count, struct request *rq);

#endif
