/* promotions.h - who asked for a deploy, who agreed to it, and the log of what people decided.
 *
 * Names are what requests say (there are no users yet): they tell people apart, and differ in more
 * than their capitals. */
#ifndef SLIPWAY_STORE_PROMOTIONS_H
#define SLIPWAY_STORE_PROMOTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct store;

struct wish {
	char by[NAME_SIZE]; /* "": nobody said, or no person did */
	char override[REASON_SIZE]; /* why windows and freezes do not hold it; "": they do */
};

/* The first wish counts, of those that led to the same deploy. */
void store_wish_put(struct store *store, uint64_t deploy, const struct wish *wish);
void store_wish_get(struct store *store, uint64_t deploy, struct wish *ret_wish);

struct approval {
	char by[NAME_SIZE];
	char note[REASON_SIZE];
	int64_t at_ms;
	bool is_rejection;
};

/* A rejection takes the place of what this person has said before. false: an approval, and there is one. */
bool store_approval_add(struct store *store, uint64_t deploy, const struct approval *approval);
/* By name; returns how many. */
size_t store_approvals(struct store *store, uint64_t deploy, struct approval *to, size_t most);

/* The deploy's rows of both kinds go. */
void store_promotion_forget(struct store *store, uint64_t deploy);

struct audit_row {
	int64_t seq;
	int64_t at_ms;
	uint64_t deploy; /* 0: about none */
	char by[NAME_SIZE];
	char action
	    [16]; /* promote, deploy, restart, stop, start, remove, approve, reject, freeze, unfreeze */
	char project[NAME_SIZE];
	char stage[NAME_SIZE]; /* "": the whole project */
	char text[REASON_SIZE];
};

/* seq and at_ms are chosen. The newest AUDIT_MAX are kept. */
void store_audit_add(struct store *store, const struct audit_row *row);
/* Newest first, those before `before` (0: all); returns how many. */
size_t store_audit_log(struct store *store, int64_t before, struct audit_row *to, size_t most);

#endif
