/* retention.h - what is removed from the store by rule, and what never is.
 *
 * Of each stage the newest deploys are kept whatever their age, and older ones for some days more;
 * then a deploy goes with everything that belongs to it. Never removed: what is live, what is under
 * way and what that replaces, and what a rollback may go to. The one idea: nothing is remembered
 * between two steps but where to look next. Each step asks the store anew, removes a bounded
 * number of rows in the tick's transaction, and takes a deploy's own row last; so a crash at
 * any point only leaves the rest for later.
 *
 * Whatever else is kept by rule asks store_rollback_targets(), so that the rules agree: images.h. */
#ifndef SLIPWAY_STORE_RETENTION_H
#define SLIPWAY_STORE_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct catalog;
struct store;
struct retention;

struct retention_rules {
	int64_t deploys; /* the newest ones of each stage, kept at any age */
	int64_t days; /* that others, and steps of no deploy, are kept */
	int64_t rollbacks; /* versions before the live one that stay, at most ROLLBACKS_MAX */
	int64_t images_ms; /* that an image stays after its last use */
	bool removes_images;
	const struct catalog *catalog; /* stages may say more exactly; NULL: none does */
};

/* How many versions before the live one this stage keeps. */
int64_t retention_versions(const struct retention_rules *rules, uint64_t stage);

/* now_ms as everywhere: that of the tick. */
struct retention *
retention_new(struct store *store, const struct retention_rules *rules, int64_t now_ms);
void retention_free(struct retention *); /* NULL allowed */
const struct retention_rules *retention_rules(const struct retention *);

/* A deploy of this stage has ended: there may be one too many now. */
void retention_look(struct retention *, uint64_t stage);

/* A round over everything is due now. */
void retention_round(struct retention *);

/* When a step has something to do: now, later, never INT64_MAX. */
int64_t retention_due_ms(const struct retention *, int64_t now_ms);

/* Once a tick, before the commit: at most RETENTION_ROWS_MAX rows and RETENTION_LOOKS_MAX stages. */
void retention_step(struct retention *, int64_t now_ms);

/* The newest deploy of each of the newest `most` versions (digests) of a stage that were live,
 * newest first; the one that is live is among them. Returns how many. *ret_is_whole: there are no
 * more than these; false: RETENTION_SCAN_MAX deploys have been read, or `most` is reached. */
size_t store_rollback_targets(
    struct store *store, uint64_t stage, uint64_t *to, size_t most, bool *ret_is_whole);

/* The oldest `most` deploys of a stage that these rules would remove by now, whatever rules hold. Returns how many. */
size_t store_deploys_going(struct store *store, const struct retention_rules *rules,
    uint64_t stage, int64_t now_ms, uint64_t *to, size_t most);

/* No deploy has this id any more: it was here, it is over, and it was removed by rule. */
bool store_deploy_is_retired(struct store *store, uint64_t id);

/* Up to this seq steps of deploys may have been removed; 0: none yet. */
int64_t store_journal_floor(struct store *store);

#endif
