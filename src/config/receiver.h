/* receiver.h - the kinds of receivers of notifications, and what each of them needs. */
#ifndef SLIPWAY_CONFIG_RECEIVER_H
#define SLIPWAY_CONFIG_RECEIVER_H

#include <stdbool.h>

#include "base/limits.h"

enum receiver_kind {
	RECEIVER_WEBHOOK, /* JSON, signed with the secret */
	RECEIVER_SLACK,
	RECEIVER_DISCORD,
	RECEIVER_NTFY, /* the URL is the topic's; the secret an access token */
	RECEIVER_GOTIFY, /* the secret is the application's token */
	RECEIVER_EMAIL, /* by SMTP; the secret is the password */
	RECEIVER_KIND_COUNT
};

enum need { NEVER, MAYBE, ALWAYS };

struct receiver_traits {
	const char *name; /* as slipway.yml calls it */
	enum need secret;
	bool is_url_secret; /* who knows the URL may write there */
	bool sends_secret; /* the secret itself goes over the wire */
};

extern const struct receiver_traits receiver_traits[RECEIVER_KIND_COUNT];

/* RECEIVER_KIND_COUNT: no such kind. */
enum receiver_kind receiver_kind_by_name(const char *name);

/* http(s)://host[:port]/..., for mail smtp(s)://host[:port]: NULL, or what is wrong with it. */
const char *receiver_url_fault(enum receiver_kind kind, const char *url);

/* What is secret would go to this URL in the clear, and not to this machine itself. */
bool receiver_tells_secret(enum receiver_kind kind, const char *url, bool has_secret);

#endif
