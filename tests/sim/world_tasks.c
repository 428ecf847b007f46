/* world_tasks.c - migrations and hooks: containers that run for a while and end with an exit code.
 *
 * The one idea: the world remembers what ran and how it ended, whoever was told; so it can say at each
 * start that it is the first of its deploy, that no other migration of its stage runs, that the digest
 * was not migrated before, and that a hook comes in its place. */
#include <string.h>

#include "base/check.h"
#include "world_images.h"
#include "world_tasks.h"

struct container {
	uint64_t stage;
	uint64_t actor; /* who waits for its end; 0: nobody */
	uint32_t epoch;
	uint32_t image;
	uint32_t engine;
	bool has_begun;
	bool is_there;
	bool is_running;
	bool will_fail;
	bool is_good; /* ended by itself with exit code 0 */
	int64_t ends_ms;
};

static struct container tasks[WORLD_DEPLOYS][TASK_COUNT];
static bool is_retired[WORLD_DEPLOYS];
static uint64_t newest;
static uint32_t running; /* so many */

void
tasks_reset(void)
{
	memset(tasks, 0, (newest + 1) * sizeof(tasks[0]));
	memset(is_retired, 0, sizeof(is_retired));
	newest = 0;
	running = 0;
}

bool
tasks_are_there(uint64_t deploy)
{
	for (int k = 0; k < TASK_COUNT; k++)
		if (tasks[deploy][k].is_there)
			return true;
	return false;
}

void
tasks_stop(uint64_t deploy)
{
	for (int k = 0; k < TASK_COUNT; k++) {
		running -= tasks[deploy][k].is_running;
		tasks[deploy][k].is_running = false;
	}
}

void
tasks_remove(uint64_t deploy)
{
	tasks_stop(deploy);
	for (int k = 0; k < TASK_COUNT; k++)
		tasks[deploy][k].is_there = false;
}

bool
task_is_there(uint64_t deploy, enum task_kind task)
{
	return tasks[deploy][task].is_there;
}

bool
task_has_begun(uint64_t deploy, enum task_kind task)
{
	return tasks[deploy][task].has_begun;
}

bool
task_runs(uint64_t deploy, enum task_kind task)
{
	return tasks[deploy][task].is_running;
}

bool
task_ended_well(uint64_t deploy, enum task_kind task)
{
	return tasks[deploy][task].is_good;
}

bool
task_is_of(uint64_t deploy, uint64_t stage, uint32_t image)
{
	const struct container *t = &tasks[deploy][TASK_MIGRATION];

	return t->has_begun && t->stage == stage && t->image == image;
}

bool
tasks_migrated(uint64_t stage, uint32_t image)
{
	for (uint64_t d = 1; d <= newest; d++)
		if (task_is_of(d, stage, image) && task_ended_well(d, TASK_MIGRATION))
			return true;
	return false;
}

static void
migration_is_in_place(const struct effect *ask, const struct facts *facts)
{
	if (tasks_migrated(ask->stage, facts->image))
		world.broken("a digest is migrated twice in a stage", ask->deploy);
	for (uint64_t d = 1; d <= newest; d++)
		if (task_runs(d, TASK_MIGRATION)
		    && tasks[d][TASK_MIGRATION].stage == ask->stage)
			world.broken("two migrations of a stage run at once", d);
}

void
tasks_hook_is_asked(const struct effect *ask, const struct facts *facts)
{
	uint64_t target = facts->leads == 0 || facts->proxy != AT_EDGE
			      ? ask->deploy
			      : world_target(AT_EDGE, world_place(ask->stage));

	if (ask->task == TASK_PRE_SWITCH && facts->leads != 0 && facts->proxy == AT_EDGE
	    && target == ask->deploy)
		world.broken("a pre-switch hook runs behind the switch", ask->deploy);
	if (ask->task == TASK_POST_SWITCH && target != ask->deploy)
		world.broken("a post-switch hook runs before the switch", ask->deploy);
	if (ask->task == TASK_POST_SWITCH && is_retired[facts->elder])
		world.broken("a post-switch hook runs behind the retirement", ask->deploy);
	if (ask->task == TASK_POST_RETIRE && !is_retired[facts->elder])
		world.broken("a post-retire hook runs before the retirement", ask->deploy);
}

static void
begin(const struct effect *ask, const struct facts *facts)
{
	static const uint64_t most_ms[] = { 2000, 2000, 60000, 1000000 };
	struct container *t = &tasks[ask->deploy][ask->task];

	if (t->has_begun)
		world.broken("a deploy runs a task twice", ask->deploy);
	if (task_runs(ask->deploy, TASK_MIGRATION) || task_runs(ask->deploy, TASK_PRE_SWITCH))
		world.broken("a task is begun before the last one has ended", ask->deploy);
	if (ask->task == TASK_MIGRATION)
		migration_is_in_place(ask, facts);
	if (ask->deploy > newest)
		newest = ask->deploy;
	if (ask->deploy > world.newest_deploy)
		world.newest_deploy = ask->deploy;
	world.engine_of[ask->deploy] = (uint8_t)facts->engine;
	running++;
	*t = (struct container){ .stage = ask->stage,
		.image = facts->image,
		.engine = facts->engine,
		.has_begun = true,
		.is_there = true,
		.is_running = true,
		.will_fail = world.failing_tasks[ask->deploy] >> ask->task & 1u,
		.ends_ms =
		    world.now_ms + (int64_t)(world_random() % most_ms[world_random() % 4]) };
}

/* As src/ports/docker_task.c finds them. */
static bool
is_other_running(uint64_t stage, uint64_t deploy)
{
	for (uint64_t d = 1; d <= newest; d++)
		if (d != deploy && task_runs(d, TASK_MIGRATION)
		    && tasks[d][TASK_MIGRATION].stage == stage)
			return true;
	return false;
}

static void
answer_end(const struct container *t, enum task_kind task, struct event *answer)
{
	if (t->is_good)
		answer->kind = task == TASK_MIGRATION ? EV_MIGRATED : EV_HOOKED;
	else
		answer_as(answer, EV_REFUSED, "it failed");
}

/* One of the same name: an earlier deploy's, which ended well and was not asked to. */
static bool
has_earlier(const struct effect *ask, uint32_t image)
{
	if (ask->task != TASK_MIGRATION)
		return false;
	for (uint64_t d = 1; d <= newest; d++)
		if (task_is_of(d, ask->stage, image) && tasks[d][TASK_MIGRATION].is_there
		    && task_ended_well(d, TASK_MIGRATION))
			return true;
	return false;
}

void
tasks_perform(const struct effect *ask, const struct facts *facts, struct event *answer)
{
	struct container *t = &tasks[ask->deploy][ask->task];

	CHECK((ask->kind == FX_MIGRATE) == (ask->task == TASK_MIGRATION)
	      && ask->deploy < WORLD_DEPLOYS);
	answer->kind = EV_COUNT;
	if (!t->has_begun
	    && (has_earlier(ask, facts->image)
		|| (ask->task == TASK_MIGRATION && world.is_migrated(ask->deploy)))) {
		answer->kind = EV_MIGRATED;
	} else if (!t->has_begun && ask->task == TASK_MIGRATION
		   && is_other_running(ask->stage, ask->deploy)) {
		answer_as(answer, EV_TROUBLED, "another one still runs");
	} else if (!t->has_begun && !images_are_on_engine(facts)) {
		answer_as(answer, EV_REFUSED, "no such image");
	} else if (t->has_begun && !t->is_running) {
		answer_end(t, ask->task, answer);
	} else {
		if (!t->has_begun)
			begin(ask, facts);
		t->actor = ask->actor;
		t->epoch = ask->epoch;
	}
}

void
tasks_forget(uint64_t actor)
{
	for (uint64_t d = 1; d <= newest; d++)
		for (int k = 0; k < TASK_COUNT; k++)
			if (tasks[d][k].actor == actor)
				tasks[d][k].actor = 0;
}

void
tasks_lost_their_server(void)
{
	for (uint64_t d = 1; d <= newest; d++)
		for (int k = 0; k < TASK_COUNT; k++)
			tasks[d][k].actor = 0;
}

int64_t
tasks_next_ms(void)
{
	int64_t next_ms = INT64_MAX;

	for (uint64_t d = 1; running > 0 && d <= newest; d++)
		for (int k = 0; k < TASK_COUNT; k++)
			if (tasks[d][k].is_running && tasks[d][k].ends_ms < next_ms)
				next_ms = tasks[d][k].ends_ms;
	return next_ms;
}

static void
end(struct container *t, enum task_kind task)
{
	struct event answer = { .to = t->actor, .epoch = t->epoch };

	running--;
	t->is_running = false;
	t->is_good = !t->will_fail;
	t->actor = 0;
	if (answer.to == 0)
		return;
	if (!world_engine_is_down(t->engine, &answer))
		answer_end(t, task, &answer);
	if (answer.kind != EV_COUNT && !world_chance(world.faults.lose_answer))
		world_answer(&answer);
}

void
tasks_pass(void)
{
	for (uint64_t d = 1; running > 0 && d <= newest; d++)
		for (int k = 0; k < TASK_COUNT; k++)
			if (tasks[d][k].is_running && tasks[d][k].ends_ms <= world.now_ms)
				end(&tasks[d][k], (enum task_kind)k);
}

void
tasks_retired(uint64_t elder)
{
	is_retired[elder] = true;
}

void
tasks_are_before(uint64_t deploy, const struct facts *facts)
{
	if ((facts->tasks >> TASK_MIGRATION & 1u)
	    && !tasks_migrated(facts->stage, facts->image))
		world.broken("a container is made before its migration", deploy);
}
