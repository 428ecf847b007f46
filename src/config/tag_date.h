/* tag_date.h - dates in tags, by a format like that of strptime: "%Y%m%d-%H%M%S".
 *
 * The one idea: only fields of a fixed width (and %s, seconds since 1970), and the whole text must be
 * the date, so that a format reads a text in one way or not at all. */
#ifndef SLIPWAY_CONFIG_TAG_DATE_H
#define SLIPWAY_CONFIG_TAG_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* %Y %m %d %j %H %M %S %s %% and plain characters; %Y or %s must be there, nothing twice. */
int tag_date_check(const char *format, struct err *err) MUST_USE;

/* Seconds since 1970 (UTC); what the format leaves out is the earliest. false: no such date. format
 * was checked. */
bool tag_date_read(const char *format, struct str text, int64_t *ret_seconds);

#endif
