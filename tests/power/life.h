/* life.h - one life of a server whose power will be cut: see power.c. */
#ifndef SLIPWAY_TESTS_POWER_LIFE_H
#define SLIPWAY_TESTS_POWER_LIFE_H

#include <stdbool.h>
#include <stdint.h>

enum { TABLES = 10, FILES = 2 };

struct content { /* of the store, as one digest for each table */
	uint64_t digests[TABLES];
};

struct promise { /* what one life told the next */
	bool is_removing; /* old rows are removed by rule, in each life of this seed */
	int64_t now_ms; /* goes on */
	bool is_made; /* the store was opened once, so it is there */
	struct content kept; /* as of the last commit that came back */
	struct content begun; /* as of the one under way */
	uint64_t file_kept[FILES]; /* how often each was replaced */
	uint64_t file_begun[FILES];
};

/* Opens the store below root, checks it against the promise, and works on. With is_last it ends in
 * order after a few steps. synchronous: "OFF" or "NORMAL" to break the promise; else NULL. */
void life(const char *root, uint64_t seed, struct promise *promise, bool is_last,
    const char *synchronous);

#endif
