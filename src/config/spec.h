/* spec.h - what one stage shall run: one immutable revision of its configuration.
 *
 * The one idea: project and stage are merged once, when the configuration is applied. A revision is
 * stored as canonical JSON, gets an id, never changes, and every deploy names the revision it uses.
 * All pointers lead into memory owned by the struct. */
#ifndef SLIPWAY_CONFIG_SPEC_H
#define SLIPWAY_CONFIG_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

/* Who leads traffic to a stage. */
enum proxy_kind {
	PROXY_EDGE, /* Slipway's own HAProxy */
	PROXY_NONE, /* nobody: its containers are reached in another way, or not at all */
	PROXY_NPM, /* Nginx Proxy Manager */
	PROXY_CADDY,
};

enum health_kind {
	HEALTH_NONE, /* chosen in so many words ("none"): the container runs for min_uptime */
	HEALTH_HTTP,
	HEALTH_TCP,
	HEALTH_DOCKER, /* the image's own HEALTHCHECK */
};

struct health_spec {
	enum health_kind kind;
	const char *path; /* HTTP: "/health" */
	const char *host; /* HTTP: Host header; "" = the address */
	int port; /* 0 = the stage's port */
	int status_min; /* HTTP: 200 */
	int status_max; /* HTTP: 299 */
	int successes; /* consecutive, 1..100 (3) */
	int64_t interval_ms; /* between two probes (1,000) */
	int64_t timeout_ms; /* of one probe (5,000) */
	int64_t min_uptime_ms; /* 10,000 */
	int64_t deadline_ms; /* from start to passed (60,000) */
};

enum volume_kind { VOLUME_NAMED, VOLUME_BIND };

struct volume_spec {
	const char *source; /* name of a volume, or an absolute host path */
	const char *target; /* absolute path in the container */
	bool read_only;
};

struct pair_spec {
	const char *name;
	const char *value;
};

struct strings {
	const char **items;
	size_t count;
};

struct stage_spec {
	const char *project;
	const char *stage;
	const char *engine; /* name of a Docker engine */
	const char *image; /* host/path without a tag: "127.0.0.1:5000/shop/web" */
	int port; /* the container's; 0 for a worker */
	int replicas; /* 1..REPLICAS_MAX */
	struct health_spec health;

	const char *tags; /* glob of the tags that webhooks and polls may deploy */
	const char *tag_regex; /* and a regular expression; "": none */
	const char *tag_semver; /* how they are ordered: a range of semantic versions ... */
	bool tag_prereleases; /* ... with these, too ... */
	bool tag_numeric; /* ... or by number ... */
	const char *tag_date; /* ... or by a date of this format; none of them: as people do */
	bool tag_downgrade; /* polls may go back to an older one */
	int64_t tag_min_age_ms; /* since it was first seen; 0: none */
	const char *tag_immutable; /* glob of tags that must not move; "": all may */
	bool is_auto; /* webhooks and polls deploy; else they only report */
	int64_t poll_ms; /* 0: not polled */

	struct strings domains; /* HTTP route by host name, lower case */
	int tcp_port; /* TCP route: the edge's port; 0 = none */
	const char *proxy; /* "edge", "none", or the name of one */
	const char
	    *certificate; /* NPM: "", "letsencrypt", or a certificate's name or number */

	struct pair_spec *env;
	size_t env_count;
	struct pair_spec *labels;
	size_t label_count;
	struct volume_spec *volumes;
	size_t volume_count;
	struct strings command; /* empty: the image's */
	struct strings networks; /* besides the shared one */
	const char *user; /* "" = the image's */
	const char *restart; /* "no", "always", "on-failure", "unless-stopped" */
	int64_t memory_bytes; /* 0 = no limit */
	int64_t cpu_milli; /* thousandths of a core; 0 = no limit */
	int64_t stop_ms; /* from SIGTERM to SIGKILL (10,000) */
	int64_t drain_ms; /* for requests in flight to the old version (30,000) */

	void *memory; /* owned */
};

/* Reads canonical JSON back. NULL on error. Free with stage_spec_free. */
struct stage_spec *stage_spec_parse(struct str json, struct err *err) MUST_USE;
void stage_spec_free(struct stage_spec *spec); /* NULL allowed */

/* Canonical JSON: every key present, always in the same order; equal specs give equal bytes. */
void stage_spec_write(const struct stage_spec *spec, struct buf *json);

/* Only what is not the default: what a program reads that does not know the newest keys. */
void stage_spec_write_sparse(const struct stage_spec *spec, struct buf *json);

/* A route exists for domains or a TCP port; without one the stage is a worker. */
bool stage_spec_has_route(const struct stage_spec *spec);

/* What each container is told of itself by variables of its environment. A slipway that runs in one
 * has them too: they are no settings. */
enum { TOLD_PROJECT, TOLD_STAGE, TOLD_TAG, TOLD_DEPLOY, TOLD_INSTANCE, TOLD_COUNT };
extern const char *const told_names[TOLD_COUNT];

#endif
