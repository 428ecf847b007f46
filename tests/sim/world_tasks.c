/* world_tasks.c - migrations: containers that run for a while and end with an exit code.
 *
 * The one idea: the world remembers what ran and how it ended, whoever was told; so it can say at each
 * start that it is the first of its deploy, that no other one of its stage runs, and that the
 * digest was not migrated before. */
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

static struct container tasks[WORLD_DEPLOYS];
static uint64_t newest;

void
tasks_reset(void)
{
	memset(tasks, 0, (newest + 1) * sizeof(tasks[0]));
	newest = 0;
}

bool
task_is_there(uint64_t deploy)
{
	return tasks[deploy].is_there;
}

bool
task_runs(uint64_t deploy)
{
	return tasks[deploy].is_running;
}

bool
task_ended_well(uint64_t deploy)
{
	return tasks[deploy].is_good;
}

bool
task_is_of(uint64_t deploy, uint64_t stage, uint32_t image)
{
	const struct container *t = &tasks[deploy];

	return t->has_begun && t->stage == stage && t->image == image;
}

void
task_stop(uint64_t deploy)
{
	tasks[deploy].is_running = false;
}

void
task_remove(uint64_t deploy)
{
	task_stop(deploy);
	tasks[deploy].is_there = false;
}

static bool
was_migrated(uint64_t stage, uint32_t image)
{
	for (uint64_t d = 1; d <= newest; d++)
		if (task_is_of(d, stage, image) && tasks[d].is_good)
			return true;
	return false;
}

static void
begin(const struct effect *ask, const struct facts *facts)
{
	static const uint64_t most_ms[] = { 2000, 2000, 60000, 1000000 };
	struct container *t = &tasks[ask->deploy];

	if (t->has_begun)
		world.broken("a deploy runs its migration twice", ask->deploy);
	if (was_migrated(ask->stage, facts->image))
		world.broken("a digest is migrated twice in a stage", ask->deploy);
	for (uint64_t d = 1; d <= newest; d++)
		if (tasks[d].is_running && tasks[d].stage == ask->stage)
			world.broken("two migrations of a stage run at once", d);
	if (ask->deploy > newest)
		newest = ask->deploy;
	if (ask->deploy > world.newest_deploy)
		world.newest_deploy = ask->deploy;
	world.engine_of[ask->deploy] = (uint8_t)facts->engine;
	*t = (struct container){ .stage = ask->stage,
		.image = facts->image,
		.engine = facts->engine,
		.has_begun = true,
		.is_there = true,
		.is_running = true,
		.will_fail = world.fails_to_migrate[ask->deploy],
		.ends_ms =
		    world.now_ms + (int64_t)(world_random() % most_ms[world_random() % 4]) };
}

/* As src/ports/docker_task.c finds them. */
static bool
is_other_running(uint64_t stage, uint64_t deploy)
{
	for (uint64_t d = 1; d <= newest; d++)
		if (d != deploy && tasks[d].is_running && tasks[d].stage == stage)
			return true;
	return false;
}

static void
answer_end(const struct container *t, struct event *answer)
{
	if (t->is_good)
		answer->kind = EV_MIGRATED;
	else
		answer_as(answer, EV_REFUSED, "the migration failed");
}

/* One of the same name: an earlier deploy's, which ended well and was not asked to. */
static bool
has_earlier(uint64_t stage, uint32_t image)
{
	for (uint64_t d = 1; d <= newest; d++)
		if (task_is_of(d, stage, image) && tasks[d].is_there && tasks[d].is_good)
			return true;
	return false;
}

void
tasks_perform(const struct effect *ask, const struct facts *facts, struct event *answer)
{
	struct container *t = &tasks[ask->deploy];

	CHECK(ask->kind == FX_MIGRATE && ask->deploy < WORLD_DEPLOYS);
	answer->kind = EV_COUNT;
	if (!t->has_begun && has_earlier(ask->stage, facts->image)) {
		answer->kind = EV_MIGRATED;
	} else if (!t->has_begun && is_other_running(ask->stage, ask->deploy)) {
		answer_as(answer, EV_TROUBLED, "another one still runs");
	} else if (!t->has_begun && !images_are_on_engine(facts)) {
		answer_as(answer, EV_REFUSED, "no such image");
	} else if (t->has_begun && !t->is_running) {
		answer_end(t, answer);
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
		if (tasks[d].actor == actor)
			tasks[d].actor = 0;
}

void
tasks_lost_their_server(void)
{
	for (uint64_t d = 1; d <= newest; d++)
		tasks[d].actor = 0;
}

int64_t
tasks_next_ms(void)
{
	int64_t next_ms = INT64_MAX;

	for (uint64_t d = 1; d <= newest; d++)
		if (tasks[d].is_running && tasks[d].ends_ms < next_ms)
			next_ms = tasks[d].ends_ms;
	return next_ms;
}

static void
end(struct container *t)
{
	struct event answer = { .to = t->actor, .epoch = t->epoch };

	t->is_running = false;
	t->is_good = !t->will_fail;
	t->actor = 0;
	if (answer.to == 0)
		return;
	if (!world_engine_is_down(t->engine, &answer))
		answer_end(t, &answer);
	if (answer.kind != EV_COUNT && !world_chance(world.faults.lose_answer))
		world_answer(&answer);
}

void
tasks_pass(void)
{
	for (uint64_t d = 1; d <= newest; d++)
		if (tasks[d].is_running && tasks[d].ends_ms <= world.now_ms)
			end(&tasks[d]);
}

void
tasks_are_before(uint64_t deploy, const struct facts *facts)
{
	if (facts->migrates && !was_migrated(facts->stage, facts->image))
		world.broken("a container is made before its migration", deploy);
}
