/* str.h - views of bytes and a growing buffer with a mandatory maximum.
 *
 * The one idea: a buffer that once overflowed stays overflowed and holds what fitted, so a caller
 * may append ten times and check once. */
#ifndef SLIPWAY_BASE_STR_H
#define SLIPWAY_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* A view: not owned, not ended by NUL. */
struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })

struct str str_of(const char *text); /* NULL gives the empty view */
bool str_is(struct str s, const char *text);
bool str_starts(struct str s, const char *prefix);
struct str str_trim(struct str s); /* without blanks, tabs, CR and LF at both ends */

/* Of UTF-8. Turns: holds controls, ends of lines, or what turns the order of letters: a list or a log with it
 * shows something else than it says. Hides: turns, or holds what nobody sees, and blanks other than ' ': two
 * names that differ look the same. */
bool str_turns(struct str s);
bool str_hides(struct str s);

/* Cuts s at the first `at`: *head gets what is before it, the rest behind it is returned. Without
 * `at`, head is all of s and the rest is empty. */
struct str str_cut(struct str s, char at, struct str *head);

/* Whole decimal number 0..max and nothing else; false otherwise (result untouched). */
bool str_number(struct str s, uint64_t max, uint64_t *ret_number);

/* Copies with a NUL; false (and an empty string) when it does not fit. */
bool str_copy(char *to, size_t to_size, struct str from) MUST_USE;

/* Glob of tags and names: `*` any run, `?` one character, everything else itself. */
bool str_glob(const char *pattern, const char *text);

/* Order of versions as people read them: runs of digits by value (any length), the rest by
 * letter; a pre-release suffix ("1.2-rc1") sorts before its release. Returns <0, 0 or >0. */
int str_version_order(const char *a, const char *b);

/* Equal in constant time for equal lengths. */
bool str_equal_secret(struct str a, struct str b);

struct buf {
	char *p; /* NUL behind the last byte whenever p is not NULL */
	size_t n;
	size_t allocated;
	size_t max;
	bool overflow;
};

/* max: the most bytes it may ever hold (not counting the NUL). */
void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);
void buf_wipe(struct buf *b); /* buf_free of what nobody else may read: the memory is zeroed */
void buf_clear(struct buf *b); /* keeps the memory, forgets an overflow */
void buf_add(struct buf *b, const void *p, size_t n);
char *
buf_take(struct buf *b, size_t n); /* room for n bytes, to be filled at once; NULL: overflow */
void buf_str(struct buf *b, struct str s);
void buf_text(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_format(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_consume(struct buf *b, size_t n); /* drops the first n bytes */
struct str buf_view(const struct buf *b);
const char *buf_cstr(const struct buf *b); /* never NULL */

#endif
