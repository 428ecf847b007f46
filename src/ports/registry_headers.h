/* registry_headers.h - what the headers of a registry's answer mean. Pure. */
#ifndef SLIPWAY_PORTS_REGISTRY_HEADERS_H
#define SLIPWAY_PORTS_REGISTRY_HEADERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum challenge_kind {
	CHALLENGE_NONE, /* nothing that can be answered here */
	CHALLENGE_BASIC,
	CHALLENGE_BEARER, /* with a token from realm */
};

struct challenge {
	enum challenge_kind kind;
	char realm[512];
	char service[256];
	char scope[512];
};

/* WWW-Authenticate (RFC 9110, 11.6.1), which may hold several challenges: adds this one to what
 * earlier headers of the answer said; Bearer wins over Basic. Begin with zeros. */
void challenge_add(struct challenge *challenge, struct str header);

/* Retry-After: seconds, or a date (wall clock), as milliseconds from now_ms; at most a day. 0: it is
 * absent, broken or past. */
int64_t retry_after_ms(struct str header, int64_t now_ms);

/* The reference in <...>; rel="next" of a Link header (RFC 8288); empty when there is none. */
struct str link_next(struct str header);

struct rate {
	int64_t count; /* -1: not said */
	int64_t window_s; /* 0: not said */
};

/* RateLimit-Limit, RateLimit-Remaining: "100;w=21600", "100", the first of several. */
struct rate rate_parse(struct str header);

#endif
