/* registry.h - the port to image registries (OCI distribution, version 2).
 *
 * Performs RESOLVE (which digest is this deploy's tag?) and SEEK (the newest tag that a stage wants,
 * with its digest). A digest is an index's own where there is one, never a platform's. A registry
 * that asks for patience gets it from everybody, and what is left of a rate budget goes to deploys
 * before polls. */
#ifndef SLIPWAY_PORTS_REGISTRY_H
#define SLIPWAY_PORTS_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "config/tag_policy.h"
#include "ports/port.h"
#include "store/tags.h"

struct image_ref;
struct registry;

struct registry *registry_new(const struct port_host *host);
void registry_free(struct registry *registry); /* drops everything under way; NULL allowed */

/* Answers once, unless a newer effect for the same actor comes before. */
void registry_perform(struct registry *registry, const struct effect *effect);

/* What a stage's policy says of every tag of its repository, and of the newest one in detail. */
struct tag_explanation {
	const char *failure; /* why nothing is known; NULL: all of this is */
	const struct tag_policy *policy;
	const struct tag_judged *tags; /* sorted: kept ones first, the newest at the top */
	size_t count;
	uint32_t
	    total; /* of the repository; beyond TAGS_EXPLAINED_MAX they are only counted */
	struct tag_marks marks;
	char chosen[TAG_SIZE]; /* the one that a look takes; "": none fits */
	char digest[DIGEST_SIZE]; /* "": not found */
	enum tag_reason verdict; /* of it: KEPT: nothing here speaks against it */
	char words[REASON_SIZE];
};

/* NULL: the registry's port goes away; nothing may be answered any more. */
typedef void explain_fn(void *context, const struct tag_explanation *explanation);

/* Looks as a poll would, and calls on_done exactly once, perhaps at once. */
void registry_explain(
    struct registry *registry, uint64_t stage, explain_fn *on_done, void *context);

/* What a person asked of a registry by name. */
struct registry_told {
	const char *failure; /* what is wrong and how to mend it; NULL: all is well */
	bool is_missing; /* the failure is that there is no such image: that is certain */
	const char *note; /* else: how it let us in */
	int64_t took_ms;
	const struct str *tags; /* of the page */
	size_t count;
	bool has_more; /* than this page */
};

/* NULL: the registry's port goes away; nothing may be answered any more. */
typedef void registry_told_fn(void *context, const struct registry_told *told);

/* Is it there, does it take our login, may we read the repository (path "": any)? limit > 0: a page of
 * the repository's tags behind `after`, in the registry's own order, or, when it gives no pages, in that
 * of their bytes. An image with a digest: is this very image there? Calls on_told exactly once. */
struct registry_inquiry {
	const struct image_ref *image; /* host and path */
	const char *after;
	uint32_t limit;
	registry_told_fn *on_told;
	void *context;
};
void registry_inquire(struct registry *registry, const struct registry_inquiry *inquiry);

/* What an image says of itself, by its manifest and its configuration (OCI image spec). */
struct image_facts {
	char failure[REASON_SIZE]; /* why nothing is known; "": all of this is */
	char digest[DIGEST_SIZE]; /* of what was asked for: an index's own where it is one */
	char platform[64]; /* "linux/amd64": this machine's, if the image has it */
	char created[40]; /* as it is written there */
	char user[64]; /* "": root */
	int64_t bytes; /* of its layers, as the registry has them */
	uint16_t ports[IMAGE_PORTS_MAX]; /* TCP ports that it exposes, the lowest first */
	size_t port_count;
	char volumes[IMAGE_VOLUMES_MAX][128];
	size_t volume_count;
	bool has_healthcheck;
};

/* NULL: the registry's port goes away; nothing may be answered any more. */
typedef void image_facts_fn(void *context, const struct image_facts *facts);

/* image: with its tag or digest. Calls on_facts exactly once, perhaps at once. */
void registry_look_at(struct registry *registry, const struct image_ref *image,
    image_facts_fn *on_facts, void *context);

struct registry_status {
	char host[DOMAIN_SIZE + 8]; /* as images name it */
	char username[256]; /* "": asked without a login */
	int64_t ok_ms; /* the last good answer; 0: none yet */
	int64_t trouble_ms; /* the last trouble; 0: none yet */
	char why[REASON_SIZE]; /* what it was; "" since the next good answer */
	int64_t gate_until_ms; /* it asked to be left alone until then; 0: not */
	int64_t polls_until_ms; /* polls wait until then, to keep the budget; 0: not */
	int64_t limit; /* its rate budget, -1: it does not say ... */
	int64_t remaining; /* ... and what is left of it */
	int64_t window_s; /* for so long; 0: it does not say */
	uint32_t active; /* questions under way ... */
	uint32_t waiting; /* ... and in line */
};

/* The index-th registry (with one login) that was asked; false: there are no more. */
bool registry_status(
    const struct registry *registry, uint32_t index, struct registry_status *ret_status);

#endif
