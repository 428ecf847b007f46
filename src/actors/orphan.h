/* orphan.h - may this container be removed? One pure rule, asked for each container that a survey
 * finds and again right before it is removed. */
#ifndef SLIPWAY_ACTORS_ORPHAN_H
#define SLIPWAY_ACTORS_ORPHAN_H

#include <stdbool.h>

struct orphan_facts {
	bool is_ours; /* its labels name this store */
	bool is_known; /* its deploy is in the store */
	bool is_final; /* its deploy is over */
	bool is_live; /* its deploy serves its stage */
	bool is_kept; /* ... has served it before, and is kept running */
	bool is_led_to; /* requests may still come to it, or are in flight */
	bool is_task; /* it is the container of a task: none is needed beyond its deploy */
	bool
	    is_stage_busy; /* another deploy of the stage is under way, and may still need it */
};

enum orphan_verdict {
	ORPHAN_KEEP,
	ORPHAN_REMOVE,
	ORPHAN_FOREIGN, /* not made from this store: never touched */
};

enum orphan_verdict orphan_judge(const struct orphan_facts *facts);

#endif
