/* target.h - the request target into path and query parameters, decoded once. */
#ifndef SLIPWAY_HTTP_TARGET_H
#define SLIPWAY_HTTP_TARGET_H

#include "base/str.h"

struct request_inside;

/* Fills path and query. NULL, or what is wrong with the target, for a person. */
const char *target_read(struct request_inside *rq, struct str target);

#endif
