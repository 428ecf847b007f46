/* registry_url.h - the few questions about URLs that a registry's headers raise. Pure. */
#ifndef SLIPWAY_PORTS_REGISTRY_URL_H
#define SLIPWAY_PORTS_REGISTRY_URL_H

#include <stdbool.h>

#include "base/str.h"

struct url {
	bool is_https;
	struct str authority; /* host and port as written */
	struct str path; /* with its query; may be empty */
};

/* An absolute http or https URL without user, blanks and control characters; false otherwise. */
bool url_split(struct str text, struct url *ret);

/* Same host and port; the default port may be written or not. */
bool url_is_same_host(const struct url *a, const struct url *b);

/* localhost, 127.0.0.0/8 or [::1]. */
bool url_is_loopback(const struct url *url);

/* Appends what `reference`, found at the absolute URL `base`, points to: with base's scheme and host,
 * whatever the reference says of its scheme. false: it leads to another host, or is broken. */
bool url_join(struct str base, struct str reference, struct buf *to);

/* Appends text for use as a value in a query. */
void url_query_escape(struct buf *to, const char *text);

#endif
