/* plan.h - what an apply does or would do, entry by entry, with what each changes. */
#ifndef SLIPWAY_SERVE_PLAN_H
#define SLIPWAY_SERVE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "base/limits.h"
#include "config/diff.h"

#define PLAN_ADD "add"
#define PLAN_CHANGE "change"
#define PLAN_REMOVE "remove"
#define PLAN_KEEP "keep"
#define PLAN_LEFT "left alone"

struct plan_entry {
	const char *action; /* one of the words above */
	char what[3 * NAME_SIZE];
	struct config_changes changes; /* as long as the plan */
	bool awaits_deploy; /* what is live goes on as it is until the next deploy */
};

struct plan {
	struct plan_entry *entries;
	size_t count;
	size_t changes; /* entries that add, change or remove */
	struct arena *arena; /* of the changes */
};

void plan_init(struct plan *plan);
void plan_free(struct plan *plan); /* one that is all zero is allowed */

/* Valid until the next one is added. */
struct plan_entry *
plan_add(struct plan *plan, const char *action, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
