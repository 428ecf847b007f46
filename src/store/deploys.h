/* deploys.h - deploys, their containers (instances) and their log, as rows.
 *
 * Reads see what this tick has written. Writes join the tick's transaction; a failing statement
 * ends the process (recovery is the error path), so they return nothing. */
#ifndef SLIPWAY_STORE_DEPLOYS_H
#define SLIPWAY_STORE_DEPLOYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/fsm.h"
#include "base/limits.h"
#include "base/str.h"

struct store;

struct deploy_row {
	uint64_t id;
	uint64_t stage;
	uint64_t spec;
	uint64_t elder;
	char project[NAME_SIZE];
	char stage_name[NAME_SIZE];
	char state[32]; /* name of enum deploy_state */
	char trigger[16];
	char strategy[16];
	char tag[TAG_SIZE];
	char digest[DIGEST_SIZE];
	char reason[REASON_SIZE];
	int64_t created_ms;
	int64_t ended_ms; /* 0: under way */
	int64_t watched_since_ms; /* its verification window has begun; 0: not yet */
	bool is_live; /* its containers serve its stage now */
	bool is_kept; /* they did so before, and still run */
};

/* The places of a stage_actor for deploys that served before and still run; prefix: "a.", say. */
#define KEPT_DEPLOYS(prefix)                                                              \
	prefix "warm, " prefix "kept_deploy_1, " prefix "kept_deploy_2, " prefix          \
	       "kept_deploy_3, " prefix "kept_deploy_4, " prefix "kept_deploy_5, " prefix \
	       "kept_deploy_6"

bool store_deploy_get(struct store *store, uint64_t id, struct deploy_row *ret_row);

/* What a list of stages shows of a deploy, read without joining anything. */
struct deploy_brief {
	char state[32];
	char tag[TAG_SIZE];
	char digest[DIGEST_SIZE];
	int64_t created_ms;
	int64_t ended_ms;
};

bool store_deploy_brief(struct store *store, uint64_t id, struct deploy_brief *ret_brief);

struct deploy_filter {
	uint64_t before; /* ids below this one; 0: from the newest */
	uint64_t stage; /* 0: any */
	const char *project; /* "": any; not looked at when there is a stage */
	const char *state; /* "": any */
};

/* Newest first; returns how many. */
size_t store_deploys(struct store *store, const struct deploy_filter *filter,
    struct deploy_row *to, size_t most);

/* One container of a deploy. */
struct instance {
	uint64_t deploy;
	int replica; /* 0.. */
	char container_id[65];
	char name[128];
	char address[64]; /* "10.0.0.2:8080": where probes and the edge reach it; "" unknown */
	char status[16]; /* running, paused, restarting, exited, missing, removed */
	int64_t since_ms; /* of that status */
};

void store_instance_put(
    struct store *store, const struct instance *instance); /* by deploy, replica */
size_t store_instances(struct store *store, uint64_t deploy, struct instance *to, size_t most);
/* The newest of the stage that went live and has a lower id; 0: none. Of one that was stopped, with the deploy that
 * did it: what a start brings back. */
uint64_t store_deploy_live_before(struct store *store, uint64_t stage, uint64_t before);

/* Of its containers, when they were looked at last; none of deploy 0. */
struct instance_count {
	int64_t running;
	int64_t paused;
};
struct instance_count store_instances_count(struct store *store, uint64_t deploy);
void store_instances_forget(struct store *store, uint64_t deploy);

struct deploy_log_row {
	int64_t seq; /* rises over all deploys */
	uint64_t deploy;
	int64_t at_ms;
	char level[8]; /* info warn error, or "out" for a line of the container */
	char text[LOG_LINE_SIZE];
};

void
store_deploy_log_add(struct store *store, uint64_t deploy, const char *level, struct str text);

/* Oldest first, after seq; returns how many. */
size_t store_deploy_log(struct store *store, uint64_t deploy, int64_t after_seq,
    struct deploy_log_row *to, size_t most);

#endif
