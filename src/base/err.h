/* err.h - what went wrong, in words for a person, passed as the last argument.
 *
 * A function that can fail returns 0 or -1 and fills err on -1; its outputs are then untouched.
 * Each layer adds its context once, in front: "read slipway.yml: no such file". */
#ifndef SLIPWAY_BASE_ERR_H
#define SLIPWAY_BASE_ERR_H

#include "base/check.h"

/* The longest lists every key that a stage may have. */
enum { ERR_TEXT_SIZE = 1024 };

struct err {
	char text[ERR_TEXT_SIZE]; /* always ended by NUL; cut when longer */
};

/* Sets the text. Returns -1, so that `return err_set(err, ...)` reads well. */
int err_set(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* As err_set, with ": " and the text of errno behind it. */
int err_errno(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts context and ": " in front of the text. Returns -1. */
int err_context(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
