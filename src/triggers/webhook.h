/* webhook.h - what registries, forges and CI jobs say about images, in any of their dialects.
 *
 * The one idea: a body is a hint. From whichever sender it comes, all that is taken from it is which
 * repository and tags it speaks of; which image that is, only the registry tells. Pure. */
#ifndef SLIPWAY_TRIGGERS_WEBHOOK_H
#define SLIPWAY_TRIGGERS_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "config/image.h"

enum webhook_kind {
	WEBHOOK_PUSH, /* images[] were pushed */
	WEBHOOK_DELETE, /* something was deleted: never a reason to deploy */
	WEBHOOK_PING, /* the sender tries whether somebody listens */
	WEBHOOK_OTHER, /* nothing that images[] would come of */
};

/* A request, as far as it matters here. */
struct webhook_source {
	struct str type; /* Content-Type */
	struct str body;
	/* The value of a header, empty when absent. */
	struct str (*header)(const void *context, const char *name);
	const void *context;
};

struct webhook {
	const char *sender; /* "github", ...: a name of docs/webhooks.md */
	enum webhook_kind kind;
	char event[NAME_SIZE]; /* as the sender calls it; plain ASCII */
	char delivery[WEBHOOK_DELIVERY_SIZE]; /* the same when it is sent again; "": unknown */
	char project[NAME_SIZE]; /* only stages called so; "": any */
	char stage[NAME_SIZE];
	bool
	    is_exact; /* hosts are meant to the letter, else they say how the sender sees itself */
	struct image_ref
	    images[WEBHOOK_IMAGES_MAX]; /* tag "": the sender does not name it; host
	                                              * "": likewise */
	size_t image_count;
	size_t named_count; /* the same ones again, and what is no image, counted each time */
	char fault
	    [NAME_SIZE]; /* -1 was returned: the member of the body that is at fault, or "" */
};

/* -1: it is nothing that could be read; err says why, and what is expected. */
int webhook_read(
    const struct webhook_source *source, struct webhook *ret, struct err *err) MUST_USE;

enum webhook_proof {
	PROOF_NONE, /* the sender proves nothing */
	PROOF_GOOD,
	PROOF_BAD,
};

/* Does the sender know the secret? By an HMAC of the body, or by the secret itself, in whichever header
 * senders put it. One bad proof makes all bad. In constant time. */
enum webhook_proof webhook_prove(const struct webhook_source *source, struct str secret);

#endif
