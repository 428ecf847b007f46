/* retention_inside.h - what retention.c (when and where to look) asks of retention_rules.c (what goes). */
#ifndef SLIPWAY_STORE_RETENTION_INSIDE_H
#define SLIPWAY_STORE_RETENTION_INSIDE_H

#include "store/retention.h"

struct db;

/* What one step may still do, and what it did. */
struct removal {
	struct store *store;
	struct db *db;
	const struct retention_rules *rules;
	int64_t too_young_ms; /* what ended after that is kept for some days more */
	int64_t rows_left;
	uint64_t deploys;
	uint64_t rows; /* beside them */
};

/* Nothing is done yet. */
void removal_begin(struct removal *, struct store *store, const struct retention_rules *rules,
    int64_t now_ms);

/* What is too much of one stage. True: nothing of it is left to remove. */
bool remove_of_stage(struct removal *, uint64_t stage);

/* The old steps of polls, stages and sweeps. True: none are left. */
bool remove_steps_of_none(struct removal *);

/* Notifications that are over and old. True: none are left. */
bool remove_notifications(struct removal *);

#endif
