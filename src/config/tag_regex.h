/* tag_regex.h - regular expressions over tags (PCRE2 behind it), which cannot take long.
 *
 * The one idea: a tag is short and a good expression takes few steps; one that wants more gives no
 * answer for that tag, and after some of those it is not asked any more. */
#ifndef SLIPWAY_CONFIG_TAG_REGEX_H
#define SLIPWAY_CONFIG_TAG_REGEX_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct tag_regex;

/* NULL: err says what is wrong with it and at which character. */
struct tag_regex *tag_regex_new(const char *pattern, struct err *err) MUST_USE;
void tag_regex_free(struct tag_regex *regex); /* NULL allowed */

enum tag_regex_result { REGEX_MATCHES, REGEX_DIFFERS, REGEX_GAVE_UP };

/* Anywhere in the tag, unless it has ^ and $. *ret_part: the group called `version`, else the first
 * group, else the whole tag; empty when that group took part in no match. */
enum tag_regex_result
tag_regex_match(struct tag_regex *regex, struct str tag, struct str *ret_part);

#endif
