/* semver.h - semantic versions (2.0.0) and ranges of them as npm and Flux write them.
 *
 * The one idea: numbers stay decimal texts and are compared as such, so no version is too large; and a
 * bound compares only the numbers that it names, so that ^, ~, 1.x and 1.2 - 2 need no arithmetic. */
#ifndef SLIPWAY_CONFIG_SEMVER_H
#define SLIPWAY_CONFIG_SEMVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

struct semver { /* views into the text that it was read from */
	struct str number[3]; /* major, minor, patch: without leading zeros */
	struct str pre; /* "rc.1"; empty: a release */
};

/* Reads "1.2.3", "v1.2.3-rc.1", "1.2.3+build". What cannot stand in a tag stands for itself in a
 * common disguise: '_' begins build metadata, too. false: it is none. */
bool semver_parse(struct str text, struct semver *ret_version);

/* Precedence: <0, 0, >0. Build metadata counts nothing. */
int semver_order(const struct semver *a, const struct semver *b);

/* Decimal digits of any length by value. */
int decimal_order(struct str a, struct str b);

struct semver_bound {
	char op; /* '<', '>', '=', or 'l' and 'g' for <= and >= */
	uint8_t count; /* of the numbers that count; below 3: the others are free */
	bool is_prefix; /* = of numbers alone, whatever the prerelease */
	bool begins_set; /* the first bound behind || */
	struct semver version;
};

struct semver_range {
	char text[TAG_SIZE]; /* the bounds lead into it: never move or copy the struct */
	struct semver_bound bounds[SEMVER_BOUNDS_MAX];
	size_t count;
	bool prereleases; /* they count like any other */
};

/* "^1.2", "~1.2.3", ">=1.2 <2 || 3.x", "1.2 - 2.3", "*". */
int semver_range_parse(const char *text, bool prereleases, struct semver_range *ret_range,
    struct err *err) MUST_USE;

enum semver_fit { SEMVER_FITS, SEMVER_OUTSIDE, SEMVER_IS_PRERELEASE };

/* IS_PRERELEASE: inside, but prereleases were not asked for: neither for all, nor by a bound that is
 * one of the same three numbers. */
enum semver_fit
semver_range_fits(const struct semver_range *range, const struct semver *version);

#endif
