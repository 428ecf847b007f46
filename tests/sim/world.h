/* world.h - the outside as the simulator has it: containers, routes, a registry, and a wire that
 * loses, delays and refuses. Everything random comes from one seed. */
#ifndef SLIPWAY_TESTS_SIM_WORLD_H
#define SLIPWAY_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/fsm.h"

enum { WORLD_STAGES = 3, WORLD_DEPLOYS = 4096, WORLD_TAGS = 6 };

struct faults { /* percent */
	uint32_t lose_ask;
	uint32_t lose_answer;
	uint32_t trouble;
	uint32_t refuse;
	uint32_t slow;
	uint32_t bad_image;
	uint32_t vanish;
};

enum outage { OUTAGE_ENGINE, OUTAGE_PROXY, OUTAGE_REGISTRY, OUTAGE_COUNT };

struct route {
	uint64_t target; /* deploy; 0: none */
	uint64_t fence_actor; /* the newest that moved it */
	uint32_t fence_epoch;
	bool has_served;
};

struct world {
	int64_t now_ms;
	struct faults faults;
	uint64_t newest_deploy; /* that ever ran */
	bool is_running[WORLD_DEPLOYS];
	bool is_bad[WORLD_DEPLOYS]; /* never becomes healthy */
	bool has_vanished[WORLD_DEPLOYS];
	struct route routes[WORLD_STAGES];
	uint64_t stage_ids[WORLD_STAGES];
	int64_t outage_until_ms[OUTAGE_COUNT];
	uint32_t
	    outage_mode[OUTAGE_COUNT]; /* 0 silent, 1 trouble, 2 a flat no, 3 any of these */
	uint32_t newest_tag;
	uint32_t tag_digest[WORLD_TAGS];
	bool (*is_orphan)(uint64_t deploy); /* asked at the moment of looking */
};

extern struct world world;

void world_reset(uint64_t seed);
uint64_t world_random(void);
bool world_chance(uint32_t percent);

/* An effect left the process. */
void world_ask(const struct effect *effect);

/* The next thing on the wire lands: an ask is performed, an answer comes back. Returns true and
 * fills the event when it is an answer. */
bool world_has_flights(void);
int64_t world_next_ms(void);
bool world_land(struct event *ret_answer);

/* The process died: answers on the wire are lost, asks are not. */
void world_crash(void);

struct route *world_route(uint64_t stage);

/* sim.c, for mutate.c: runs the seeds; exits 1 at the first broken law. */
void sim_run(uint64_t from, uint64_t count);

#endif
