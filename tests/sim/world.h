/* world.h - the outside as the simulator has it: engines with containers, registries, the edge and
 * the proxies in front with their routes and requests, and a wire that loses, delays and refuses. Everything random comes from
 * one seed.
 *
 * The one idea: an effect goes onto the wire (world_ask) and lands later (world_land); landing does
 * what was asked, or not, and sends an answer, or not. What is on the way to the world survives a
 * crash of the server; what is on the way back does not. */
#ifndef SLIPWAY_TESTS_SIM_WORLD_H
#define SLIPWAY_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/fsm.h"

enum {
	WORLD_STAGES = 4,
	WORLD_ENGINES = 2,
	WORLD_REGISTRIES = 2,
	WORLD_LEADS = 6, /* what clients reach: four host names and two TCP ports */
	WORLD_REPLICAS = 3,
	WORLD_DEPLOYS = 4096, /* ids of actors of every kind */
	WORLD_RECEIVERS = 3,
	WORLD_TAGS = 6,
};

struct faults { /* percent */
	uint32_t lose_ask;
	uint32_t lose_answer;
	uint32_t trouble;
	uint32_t refuse;
	uint32_t slow;
	uint32_t bad_image;
	uint32_t vanish;
};

/* Who leads traffic: what a stage may name as its proxy. */
enum at { AT_EDGE, AT_NPM, AT_CADDY, AT_COUNT };

/* Parts that go down; of proxies, engines and registries there are several. */
enum outage {
	OUTAGE_PROXY, /* what changes it; it goes on serving */
	OUTAGE_NGINX = OUTAGE_PROXY + AT_COUNT, /* what serves behind NPM */
	OUTAGE_ENGINE,
	OUTAGE_REGISTRY = OUTAGE_ENGINE + WORLD_ENGINES,
	OUTAGE_RECEIVER = OUTAGE_REGISTRY + WORLD_REGISTRIES,
	OUTAGE_COUNT = OUTAGE_RECEIVER + WORLD_RECEIVERS
};

/* What a port reads from the store before it does its work. */
struct facts {
	uint64_t stage;
	uint64_t elder;
	uint32_t engine; /* place, not id */
	uint32_t registry;
	uint32_t replicas;
	uint32_t tag; /* of the deploy; its number */
	uint32_t image; /* the number in its digest */
	uint32_t serving; /* set of the replicas whose rows say that they run */
	uint32_t leads; /* set of places in leads */
	enum at proxy;
	uint32_t
	    tasks; /* set of enum task_kind, and TASK_SWAPS_BACK, TASK_VERIFIES; a rollback has no migration */
	int64_t drain_ms;
	int64_t verify_ms; /* it is watched for so long behind its switch; 0: not at all */
	bool is_stop; /* it starts nothing: its route leads to nobody */
	bool halts; /* the elder is stopped before this deploy starts */
	bool is_waited; /* and requests wait meanwhile */
};

struct route { /* of one stage, at the edge */
	uint64_t target; /* deploy; 0: none */
	uint32_t replicas; /* set of the target's that get requests */
	uint64_t fence_actor; /* the newest that moved it */
	uint32_t fence_epoch;
	bool is_parked; /* nobody serves: a deploy stops the elder first */
	bool is_waited; /* requests wait for it then */
	bool is_stopped; /* nobody serves: a person has stopped the stage */
	bool has_served; /* the stage called something live, wherever it is led */
	int64_t moved_ms;
};

struct world {
	int64_t now_ms;
	struct faults faults;
	uint64_t newest_deploy; /* that ever ran */
	uint8_t there[WORLD_DEPLOYS]; /* set of replicas whose containers exist */
	uint8_t running[WORLD_DEPLOYS]; /* those of them that run */
	uint8_t vanished[WORLD_DEPLOYS]; /* set of those that ended by a fault of their own */
	bool is_halted[WORLD_DEPLOYS]; /* stopped for its successor, and not started again */
	bool is_untold[WORLD_DEPLOYS]; /* and who leads to it has not parked its route */
	bool is_unrevived[WORLD_DEPLOYS]; /* the engine said that it cannot be started again */
	bool is_late[WORLD_DEPLOYS]; /* an order of a process that had died started it */
	uint8_t engine_of[WORLD_DEPLOYS];
	bool is_bad[WORLD_DEPLOYS]; /* never becomes healthy */
	bool cannot_start[WORLD_DEPLOYS]; /* its containers are made and never run */
	uint8_t failing_tasks[WORLD_DEPLOYS]; /* set of enum task_kind */
	int64_t bad_after_ms[WORLD_DEPLOYS]; /* it fails so long after its switch; 0: never */
	bool is_task_surveyed
	    [WORLD_DEPLOYS]; /* as is_surveyed, for the containers of its tasks */
	bool is_collected[WORLD_DEPLOYS]; /* its rows are not told yet */
	bool is_surveyed[WORLD_DEPLOYS]; /* the process has seen that it is an orphan */
	uint8_t drain_failures[WORLD_DEPLOYS]; /* this elder was not drained, so often */
	struct route routes[WORLD_STAGES];
	uint64_t stage_ids[WORLD_STAGES];
	uint8_t lead_owner[WORLD_LEADS]; /* place of the stage + 1; 0: leads nowhere */
	bool are_images_looked_at; /* by some of the surveys */
	bool was_given_up; /* a name; the edge compares its routes then */
	int64_t outage_until_ms[OUTAGE_COUNT];
	uint32_t
	    outage_mode[OUTAGE_COUNT]; /* 0 silent, 1 trouble, 2 a flat no, 3 any of these */
	uint32_t newest_tag[WORLD_REGISTRIES];
	uint32_t tag_digest[WORLD_REGISTRIES][WORLD_TAGS];
	bool is_tag_gone[WORLD_REGISTRIES][WORLD_TAGS];
	uint64_t engine_ids[WORLD_ENGINES];

	/* Asked of whoever runs the world. facts: false when there is no such deploy (or stage,
	 * with deploy 0); NULL: one replica on the first engine, one lead for each stage. */
	bool (*facts)(uint64_t deploy, uint64_t stage, struct facts *ret_facts);
	bool (*is_orphan)(uint64_t deploy); /* asked at the moment of looking */
	/* The same of images; NULL: none goes. engine and registry are places. */
	bool (*is_image_free)(uint32_t engine, uint32_t registry, uint32_t image);
	void (*image_removed)(uint32_t engine, uint32_t registry, uint32_t image);
	bool (*are_images_due)(uint32_t engine); /* a survey looks at them, too */
	uint32_t (*receiver)(uint64_t actor); /* whom a notification is for */
	void (*heard)(uint64_t actor); /* a receiver has got one; NULL: nobody counts */
	bool (*is_task_orphan)(uint64_t deploy);
	bool (*are_tasks_kept)(
	    uint64_t deploy); /* their ends are in the store, and committed */
	void (*keep_tasks)(uint64_t deploy);
	bool (*is_migrated)(uint64_t deploy); /* the store says so of its digest */
	/* A law of the traffic is broken. */
	void (*broken)(const char *law, uint64_t about);
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
int world_place(uint64_t stage); /* in routes and stage_ids; -1: of another world */
uint64_t world_target(enum at proxy, int place); /* what new requests go to; 0: nothing */

/* The edge compares a route with what the store calls live (0: nothing) and mends it. */
void world_mend(uint64_t stage, uint64_t live);

/* A container ends by no deed of Slipway's: it is there no more, or does not run any more. */
void world_vanish(uint64_t deploy, uint32_t replica);
void world_stop_container(uint64_t deploy, uint32_t replica);

/* A tag names an image from now on; an image goes, and with it every tag that names it. */
void world_push_image(uint32_t registry, uint32_t tag, uint32_t image);
void world_delete_image(uint32_t registry, uint32_t tag);

/* traffic.c: requests through the proxies. */

struct traffic_counts {
	uint64_t begun;
	uint64_t ended; /* well */
	uint64_t cut; /* by the edge, when the time that requests are given was over */
	uint64_t lost; /* with a container that ended by itself */
	uint64_t waited; /* at the edge, while the old version was stopped; then begun */
	uint64_t late; /* of those, who waited for longer than the edge lets them */
	uint64_t refused; /* while nobody served, and nobody had promised to */
};
extern struct traffic_counts traffic_counts;

void traffic_reset(void);
void traffic_begin(uint32_t lead, int64_t length_ms);
void traffic_pass(void); /* those whose time has come end */
void traffic_end(void); /* all of them end, well */
/* In flight through the edge, not to the target. */
uint32_t traffic_count_others(int place, uint64_t target);
int64_t traffic_next_ms(int place, uint64_t target); /* when the next of those ends */
uint32_t traffic_cut_others(int place, uint64_t target);
void traffic_stopped(uint64_t deploy, uint32_t replicas, const char *by);
void traffic_unpark(int place); /* who waits goes on, to what serves now */
uint32_t traffic_count_of(uint64_t deploy); /* in flight, whoever led them there */
void traffic_cut_of(uint64_t deploy); /* their time is over */
void traffic_lost_at(enum at proxy); /* what serves there died */
bool traffic_has_given_up(uint64_t elder); /* it was asked to drain in vain too often */

/* sim.c, for mutate.c: runs the seeds; exits 1 at the first broken law. */
void sim_run(uint64_t from, uint64_t count);

#endif
