/* statistics.h - how the newest deploys ended and how long they took, read in one query.
 *
 * The one idea: the journal knows when traffic moved, so nothing is counted while deploys run. What
 * retention has removed is not counted any more. */
#ifndef SLIPWAY_STORE_STATISTICS_H
#define SLIPWAY_STORE_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

struct store;

struct deploy_times {
	uint64_t stage;
	char state[32]; /* name of enum deploy_state */
	char trigger[16];
	int64_t created_ms;
	int64_t swap_ms; /* the traffic began to move; 0: never */
	int64_t live_ms; /* and had moved, confirmed; 0: never */
};

/* Those made at since_ms or later, the newest first; of one stage, or of all (0). At most `most`. */
size_t store_deploy_times(struct store *store, uint64_t stage, int64_t since_ms,
    struct deploy_times *to, size_t most);

#endif
