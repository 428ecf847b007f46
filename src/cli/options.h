/* options.h - one command's words: options anywhere, arguments in order.
 *
 * "--name value", "--name=value", "-n value", "-nvalue"; "--" ends the options; "-" is an argument. */
#ifndef SLIPWAY_CLI_OPTIONS_H
#define SLIPWAY_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct option_spec {
	const char *name; /* without dashes; NULL ends a list */
	char letter; /* 0: none */
	const char *value; /* what follows it, as the help shows it; NULL: it is a switch */
	const char *help;
};

enum { OPTIONS_MAX = 8, ARGUMENTS_MAX = 4 };

struct options {
	const struct option_spec *specs;
	const char
	    *values[OPTIONS_MAX]; /* in the order of specs; NULL: not given; "" for a switch */
	const char *arguments[ARGUMENTS_MAX];
	size_t argument_count;
};

/* words: those behind the command's name. An unknown option's error names the nearest known one. */
int options_parse(struct options *o, const struct option_spec *specs, int count,
    char *const *words, struct err *err) MUST_USE;

/* name must be among the specs. */
bool options_has(const struct options *o, const char *name);
const char *options_value(const struct options *o, const char *name); /* NULL: not given */

/* A whole number in least..most; *ret_number is untouched when the option was not given. */
int options_number(const struct options *o, const char *name, uint64_t least, uint64_t most,
    uint64_t *ret_number, struct err *err) MUST_USE;

#endif
