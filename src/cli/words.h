/* words.h - values as people read them: ages, durations, digests, states; and text made harmless.
 *
 * Pure. Widths are counted in characters (code points of UTF-8), each as one column. */
#ifndef SLIPWAY_CLI_WORDS_H
#define SLIPWAY_CLI_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

enum { WORDS_SIZE = 32 };

struct json;

/* A time or a while in milliseconds out of a server's answer. What lies before 1970 or after 9999 is 0,
 * so that differences of such times always fit. */
int64_t words_ms(const struct json *object, const char *key);

/* "0s", "59s", "3m", "5h", "12d"; a clock that is behind gives "0s". */
void words_age(int64_t ms, char text[WORDS_SIZE]);

/* "0.3 s", "99.9 s", "2m05s", "1h02m". */
void words_took(int64_t ms, char text[WORDS_SIZE]);

/* The first twelve digits without "sha256:". */
void words_digest(const char *digest, char text[WORDS_SIZE]);

/* "ROLLED_BACK" is "rolled back" to people. */
void words_state(const char *state, char text[WORDS_SIZE]);

/* The other way, for queries: "rolled-back" is "ROLLED_BACK". false: too long to be a state. */
bool words_state_name(const char *text, char name[WORDS_SIZE]);

/* Clock and date of this place: "2026-01-31 12:34:56". */
void words_time(int64_t wall_ms, char text[WORDS_SIZE]);

size_t words_width(struct str text);
struct str words_cut(struct str text, size_t width); /* the first characters */

/* Appends text with control characters as '?', so that nobody's text steers the terminal; tabs become
 * one blank. keep_colour lets sequences through that only set colours. */
void words_clean(struct buf *to, struct str text, bool keep_colour);

/* Cuts off and returns the next piece without what a terminal would obey, but lines, colours and
 * clearing to the end of a line. Empty: nothing is left. */
struct str words_harmless(struct str *rest);

/* PROJECT/STAGE, or PROJECT alone where the caller allows it (stage is "" then). */
struct target {
	char project[NAME_SIZE];
	char stage[NAME_SIZE];
};

int
words_target(const char *text, bool needs_stage, struct target *ret, struct err *err) MUST_USE;

#endif
