/* deadlines.h - a heap of (deadline, actor), soonest first; equal ones by rising id, so that the
 * order is the same in every run.
 *
 * An actor's older deadlines stay in it until they come up, and whoever takes them drops them; when
 * they become many, deadlines_keep() takes them out at once. */
#ifndef SLIPWAY_SERVE_DEADLINES_H
#define SLIPWAY_SERVE_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deadline {
	int64_t at_ms;
	uint64_t actor;
	uint32_t epoch; /* of the step that set it: an older one is stale */
};

struct deadlines {
	struct deadline *heap;
	size_t count;
	size_t allocated;
};

void deadlines_free(struct deadlines *d);
void deadlines_add(struct deadlines *d, struct deadline deadline);
const struct deadline *deadlines_first(const struct deadlines *d); /* NULL: none */
/* Only those for which is_kept() holds stay. */
typedef bool deadline_fn(void *context, const struct deadline *deadline);
void deadlines_keep(struct deadlines *d, deadline_fn *is_kept, void *context);

struct deadline deadlines_take(struct deadlines *d); /* the first; there must be one */

#endif
