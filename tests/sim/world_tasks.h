/* world_tasks.h - the containers of tasks in the simulated world, for world.c, storm.c and ports*.c. */
#ifndef SLIPWAY_TESTS_SIM_WORLD_TASKS_H
#define SLIPWAY_TESTS_SIM_WORLD_TASKS_H

#include "world.h"

void tasks_reset(void);

/* MIGRATE, HOOK. The answer is EV_COUNT when it comes later: when the container ends. */
void tasks_perform(const struct effect *ask, const struct facts *facts, struct event *answer);
void tasks_forget(uint64_t actor); /* it was told something already, or died */
void tasks_lost_their_server(void);

int64_t tasks_next_ms(void);
void tasks_pass(void);

/* A deploy's first container is being made: its migration has run, if it has one. */
void tasks_are_before(uint64_t deploy, const struct facts *facts);

/* A hook is asked for: it comes in its place. One that begins late does no harm: what its deploy
 * asks next removes it. */
void tasks_hook_is_asked(const struct effect *ask, const struct facts *facts);
void tasks_retired(uint64_t elder); /* it was asked to go, for good */

/* Of one deploy, whatever they are. */
bool tasks_are_there(uint64_t deploy);
void tasks_stop(uint64_t deploy);
void tasks_remove(uint64_t deploy);

/* One of them. */
bool task_is_there(uint64_t deploy, enum task_kind task);
bool task_has_begun(uint64_t deploy, enum task_kind task);
bool task_runs(uint64_t deploy, enum task_kind task);
bool tasks_migrated(uint64_t stage, uint32_t image); /* by any deploy, well */
bool task_ended_well(uint64_t deploy, enum task_kind task);
/* It has begun the migration of this digest in this stage. */
bool task_is_of(uint64_t deploy, uint64_t stage, uint32_t image);

/* world.c */
void answer_as(struct event *answer, enum event_kind kind, const char *why);
void world_answer(const struct event *answer);
bool world_engine_is_down(uint32_t engine, struct event *answer);

#endif
