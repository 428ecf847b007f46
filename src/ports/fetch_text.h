/* fetch_text.h - the texts of HTTP that need no transfer to be understood, for fetch.c
 * alone. */
#ifndef SLIPWAY_PORTS_FETCH_TEXT_H
#define SLIPWAY_PORTS_FETCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Value of the index-th header of that name in the raw lines of an answer; empty: no such. */
struct str header_find(struct str raw, const char *name, uint32_t index);

/* "Name: value" is the header of that name. */
bool header_is(const char *line, const char *name);

/* The host of the URL is an address already: there is nothing to look up. */
bool url_has_address(const char *url);

/* "host:port:address" as curl's "host:port:address:port"; an IPv6 address gets its
 * brackets. */
void detour_write(const char *resolve, char *to, size_t size);

#endif
