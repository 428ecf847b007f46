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
	bool is_isolated; /* each stage has its own: see volume_name() */
	bool is_shared; /* two versions may write it at once */
};

/* Where the value of a variable comes from. What is no plain text is only named here; the value is
 * read when a container is created (ports/environment.h). */
enum value_source {
	VALUE_PLAIN,
	VALUE_SECRET, /* name of a secret of this server */
	VALUE_FILE, /* path of a file on the server */
	VALUE_VARIABLE, /* name of a variable of the server's own environment */
};

struct pair_spec {
	const char *name;
	const char *value; /* the text, or what the source calls it */
	enum value_source source; /* of labels: VALUE_PLAIN */
};

struct strings {
	const char **items;
	size_t count;
};

/* What runs once, in a container of its own of the new image. */
struct task_spec {
	struct strings command; /* empty: there is no such task */
	int64_t timeout_ms; /* from its start to its end (600,000) */
	bool is_compatible; /* a migration: the version before works with what it leaves */
	bool swaps_back; /* post_switch: its failure leads the traffic to the version before */
};

struct hooks_spec {
	struct task_spec
	    pre_switch; /* it is healthy and has no traffic: the last that can stop it */
	struct task_spec
	    post_switch; /* it has the traffic, and the version before still runs */
	struct task_spec post_retire; /* the version before is gone */
};

/* The verification window: the version that has the traffic is watched, and the one before runs on. */
struct verify_spec {
	int64_t for_ms; /* 0: there is none */
	int max_error_percent; /* of its requests may fail, beyond those of the version before (10) */
	int min_requests; /* with fewer nothing is made of that (20) */
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

	const char *promote_from; /* only what is live in that stage may come; "": anything */
	int64_t soak_ms; /* and has been live there for so long */
	int approvals; /* of so many people; 0: none is asked for */
	int64_t approve_ms; /* which come within that time */
	struct strings windows; /* when it may go; empty: at any time (window.h) */
	const char *time_zone; /* of these: "UTC", "+02:00" */
	int keep_versions; /* to go back to, before the live one; 0: as the server keeps them */

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
	int64_t warm_ms; /* the version before runs on for so long (600,000); 0: not at all */
	int max_instances; /* versions at once, with what serves: each is reached by its tag (1) */
	const char *strategy; /* "auto", or one that the stage insists on: see strategy.h */
	struct task_spec migration; /* before the first container of a new version */
	struct hooks_spec hooks; /* around its switch */
	struct verify_spec verify; /* behind it */

	struct strings entrypoint; /* empty: the image's */
	const char *stop_signal; /* "" = the image's */
	int pids; /* processes and threads; 0 = no limit */
	bool has_init; /* a process 1 that passes signals on and buries children (true) */
	bool is_root_read_only;
	struct strings tmpfs; /* "/run", "/tmp:64m" */
	struct strings ulimits; /* "nofile=1024:2048" */
	const char *log_driver; /* "json-file" */
	struct pair_spec *log_options;
	size_t log_option_count;
	struct strings cap_drop;

	/* What makes a container more than a container; see powers.h. */
	struct strings cap_add;
	struct strings devices; /* "/dev/fuse", "/dev/a:/dev/b:rw" */
	bool is_privileged;
	bool has_host_network;
	bool has_host_pid;
	bool has_host_ipc;

	void *memory; /* owned */
};

/* Reads canonical JSON back. NULL on error. Free with stage_spec_free. */
struct stage_spec *stage_spec_parse(struct str json, struct err *err) MUST_USE;
void stage_spec_free(struct stage_spec *spec); /* NULL allowed */

/* Canonical JSON: every key present, always in the same order; equal specs give equal bytes. */
void stage_spec_write(const struct stage_spec *spec, struct buf *json);

/* Only what is not the default: what a program reads that does not know the newest keys. */
void stage_spec_write_sparse(const struct stage_spec *spec, struct buf *json);
bool pair_spec_is(const struct pair_spec *a, const struct pair_spec *b); /* equal */

/* A route exists for domains or a TCP port; without one the stage is a worker. */
bool stage_spec_has_route(const struct stage_spec *spec);

/* What a volume is called on its host: an isolated one gets the names of project and stage, as a part of
 * its name ("shop-production-data") or as folders below its path ("/srv/data/shop/production"). */
enum { VOLUME_NAME_SIZE = VALUE_SIZE + 2 * NAME_SIZE };
void volume_name(const struct stage_spec *spec, const struct volume_spec *volume,
    char name[VOLUME_NAME_SIZE]);

/* What each container is told of itself by variables of its environment. A slipway that runs in one
 * has them too: they are no settings. */
enum { TOLD_PROJECT, TOLD_STAGE, TOLD_TAG, TOLD_DEPLOY, TOLD_INSTANCE, TOLD_COUNT };
extern const char *const told_names[TOLD_COUNT];

#endif
