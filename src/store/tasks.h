/* tasks.h - what runs once in a container of its own (the migration of a version), and what came of it,
 * as rows.
 *
 * One row for each task that a deploy has begun. A migration that has ended well is remembered by
 * stage and digest, beyond its deploy's own row: it is never run again. */
#ifndef SLIPWAY_STORE_TASKS_H
#define SLIPWAY_STORE_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/kinds.h"
#include "base/limits.h"

struct store;

/* clang-format off */
#define TASK_STATUSES(X)                                                                      \
	X(running)  /* its container is there, and nobody has seen it end */                  \
	X(stopping) /* it was asked to end, by Slipway */                                     \
	X(done)     /* ended by itself with exit code 0 */                                    \
	X(failed)   /* ended with another one */                                              \
	X(overdue)  /* its time was over, and it was stopped */                               \
	X(stopped)  /* its deploy was given up, and it was stopped */                         \
	X(unclear)  /* its container was removed by somebody: nobody knows how it ended */
/* clang-format on */

#define STATUS(name) TASK_IS_##name,
enum task_status { TASK_STATUSES(STATUS) TASK_STATUS_COUNT };
#undef STATUS
extern const char *const task_status_names[TASK_STATUS_COUNT];

struct task_row {
	uint64_t deploy; /* that has begun it */
	uint64_t stage;
	enum task_kind kind;
	enum task_status status;
	int exit_code; /* once it has ended by itself or was stopped */
	bool is_compatible; /* the version before works with what it leaves */
	int64_t began_ms;
	int64_t ended_ms; /* 0: not yet */
	char digest[DIGEST_SIZE];
	char container_id[65];
	char name[128]; /* of the container */
};

static inline bool
task_is_over(const struct task_row *row)
{
	return row->status != TASK_IS_running && row->status != TASK_IS_stopping;
}

/* In the tick's transaction; by deploy and kind. */
void store_task_put(struct store *store, const struct task_row *row);
bool store_task_get(
    struct store *store, uint64_t deploy, enum task_kind kind, struct task_row *ret_row);
/* Those of one deploy, in the order of enum task_kind; returns how many. */
size_t store_tasks(struct store *store, uint64_t deploy, struct task_row to[TASK_COUNT]);

/* The deploy whose migration of this digest has ended well in this stage; 0: none yet. */
uint64_t store_task_migrated(struct store *store, uint64_t stage, const char *digest);

/* The newest deploy behind `after` that ran a migration of another digest which the version before it
 * does not work with; 0: none. */
uint64_t store_task_incompatible(
    struct store *store, uint64_t stage, uint64_t after, const char *digest);

#endif
