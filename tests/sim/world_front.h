/* world_front.h - Nginx Proxy Manager and Caddy of the simulated world.
 *
 * The one idea: what such a proxy was told, what stands in its files and what it serves are three
 * things. A change moves the first, then the second, then the third; it may break off in between,
 * and for a moment after it new requests are still led as before. */
#ifndef SLIPWAY_TESTS_SIM_WORLD_FRONT_H
#define SLIPWAY_TESTS_SIM_WORLD_FRONT_H

#include "world.h"

enum { GENERATIONS = 6, FRONT_JOBS_MAX = 8 };

struct led { /* of one stage */
	uint64_t target; /* deploy; 0: no route */
	uint32_t replicas; /* set */
	uint32_t leads; /* set */
};

struct leading {
	struct led stages[WORLD_STAGES];
};

struct front_change {
	int place;
	struct led to; /* target 0: the route goes */
	bool leaves_what_is_taken; /* names of other stages, instead of being refused */
	bool is_look; /* only compares */
	bool is_written; /* also what it was told already */
};

enum front_said { SAID_DONE, SAID_DIFFERS, SAID_REFUSED, SAID_TROUBLED };

struct front_of_world {
	struct leading told; /* NPM's database */
	struct leading files; /* the next reload brings these */
	struct generation {
		struct leading serves;
		int64_t until_ms; /* gets new requests; the first one always */
	} generations[GENERATIONS];
	uint8_t owner[WORLD_LEADS]; /* the last place that had the name, + 1 */
	bool is_off; /* what serves does not run */
	struct front_job_of_world {
		struct front_change change;
		int64_t ends_ms;
		bool is_heard;
	} jobs[FRONT_JOBS_MAX];
	uint32_t job_count;
	int64_t reload_ms; /* somebody else lets it load its files; 0: no */
};

extern struct front_of_world fronts_of_world[AT_COUNT]; /* not the edge's */

/* Who gets the answer to the job that is heard: from a turn of the loop. */
extern void (*front_says)(
    enum at proxy, enum front_said said, bool has_changed, uint32_t left);

void fronts_of_world_reset(void);

/* A change is on its way, and comes to its end even when nobody hears of it. */
void front_ask(enum at proxy, const struct front_change *change);
void front_unhear(enum at proxy);
bool fronts_of_world_are_idle(void);

int64_t fronts_of_world_next_ms(void);
void fronts_of_world_pass(void);

/* A request to that name comes to one of the generations that take new ones. */
struct reach {
	int place;
	enum at proxy;
	uint64_t target;
	uint32_t replicas;
};
bool front_reach(enum at proxy, uint32_t lead, struct reach *ret);

/* Is any of these names not another stage's? */
bool front_has_room(enum at proxy, int place, uint32_t leads);

/* A person deletes what is ours there, or it came back from before us: nothing of the stage is left. */
void front_lose(enum at proxy, int place);

/* Its route is deleted, and what serves has not loaded that: who deletes it again is told that it is done, and from
 * outside it cannot be told from none when what it leads to has died. */
bool front_is_behind(enum at proxy, int place);

/* Does any generation that takes new requests lead the stage to something else? */
bool front_leads_elsewhere(enum at proxy, int place, uint64_t target);

#endif
