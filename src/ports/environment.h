/* environment.h - the values of a container's variables, when one is made.
 *
 * The one idea: a spec only says where a value is; what it is goes from there to the engine, and is
 * kept nowhere on the way. */
#ifndef SLIPWAY_PORTS_ENVIRONMENT_H
#define SLIPWAY_PORTS_ENVIRONMENT_H

#include <stdint.h>

#include "base/err.h"
#include "config/spec.h"

struct buf;
struct vault;

struct environment {
	struct vault *vault;
	const char *paths; /* SLIPWAY_SECRET_PATHS: where files with values may lie */
};

/* Appends the value of one variable; the caller wipes the buffer (buf_wipe). *ret_version: of a
 * secret, else 0. -1: it is not there, or not to be given away; err names it and the remedy. */
int environment_value(const struct environment *from, const struct pair_spec *pair,
    struct buf *value, int64_t *ret_version, struct err *err) MUST_USE;

/* Every variable of a stage has a value now. */
int environment_check(
    const struct environment *from, const struct stage_spec *spec, struct err *err) MUST_USE;

#endif
