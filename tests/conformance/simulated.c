/* simulated.c - the outside of the program that plays on simulated ports: the world of tests/sim,
 * calm.
 *
 * The one idea: no fault comes by chance here; what happens is what the scenario says, done to
 * the world by the functions with which the storm does it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "conformance.h"
#include "serve/ports.h"
#include "sim.h"
#include "world_tasks.h"
#include "world_window.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/store.h"
#include "world_images.h"

enum { DAY_MS = 86400000, MOMENT_MS = 1000, FIRST_REGISTRY = 0, HEARD_MAX = 16 };

enum image { IMAGE_GOOD, IMAGE_SICK, IMAGE_BROKEN };

struct sim sim = { .is_calm = true, .is_up = true };

static const struct settings settings;
static enum image images[WORLD_TAGS]; /* by the number of their first tag */
static uint64_t heard[HEARD_MAX]; /* notifications, one for each time */
static size_t heard_count;

/* Of the simulator, as far as its ports need them. */

_Noreturn void
sim_fail(const char *law, uint64_t about)
{
	fprintf(stderr, "%s (%" PRIu64 ")\n", law, about);
	_Exit(3);
}

void
sim_trace(const char *format UNUSED, ...)
{
}

void
check_effect(const struct effect *effect UNUSED)
{
	CHECK(!store_is_dirty(sim.store) || sim.has_port_written);
}

void
server_die(enum crash_point point UNUSED, const char *when)
{
	sim_fail(when, 0);
}

static void
hear(uint64_t actor)
{
	CHECK(heard_count < HEARD_MAX);
	heard[heard_count++] = actor;
}

void
outside_open(struct outside_parts *ret_parts)
{
	*ret_parts = (struct outside_parts){ .registry = image_host(FIRST_REGISTRY),
		.engine = "unix:///run/local.sock",
		.receiver = "https://ops.example/hook" };
	world_reset(1);
	memset(&world.faults, 0, sizeof(world.faults));
	world.facts = ports_facts;
	world.is_orphan = ports_is_orphan;
	world.is_task_orphan = ports_is_task_orphan;
	world.are_tasks_kept = ports_are_tasks_kept;
	world.keep_tasks = ports_keep_tasks;
	world.is_migrated = ports_is_migrated;
	world.is_image_free = ports_is_image_free;
	world.are_images_due = ports_are_images_due;
	world.broken = sim_fail;
	world.heard = hear;
	for (uint32_t tag = 0; tag < WORLD_TAGS; tag++)
		world_delete_image(FIRST_REGISTRY, tag);
}

void
outside_ready(void)
{
	struct err err;

	app.settings = &settings;
	ports_reset();
	CHECK(ports_open(&app, &err) == 0);
	sim.app = app;
	sim.store = app.store;
	world.engine_ids[0] = catalog_engine(app.catalog, "local")->id;
	ports_start(&app);
}

static uint32_t
number_of(const char *tag)
{
	uint64_t number = 0;

	CHECK(tag[0] == 'v' && str_number(str_of(tag + 1), WORLD_TAGS - 1, &number));
	return (uint32_t)number;
}

static unsigned
says_false(const struct task_spec *task)
{
	return task->command.count > 0 && strcmp(task->command.items[0], "false") == 0;
}

/* Which image a deploy runs says how its containers are. */
void
outside_know(uint64_t deploy, uint64_t stage, int place)
{
	struct deploy_row row;
	const char *tag;

	const struct stage_spec *spec;

	world.stage_ids[place] = stage;
	if (deploy == 0 || !store_deploy_get(app.store, deploy, &row))
		return;
	spec = catalog_spec(app.catalog, row.spec);
	world.failing_tasks[deploy] =
	    (uint8_t)(says_false(&spec->migration) << TASK_MIGRATION
		      | says_false(&spec->hooks.pre_switch) << TASK_PRE_SWITCH);
	tag = inside_image(row.digest);
	if (tag[0] != 'v')
		return;
	if (row.watched_since_ms != 0 && window_since_ms(deploy) == 0)
		window_began(deploy, world.now_ms);
	world.is_bad[deploy] = images[number_of(tag)] == IMAGE_SICK;
	world.cannot_start[deploy] = images[number_of(tag)] == IMAGE_BROKEN;
}

/* What others do. */

static void
push(const char *tag, const char *kind, struct buf *said)
{
	uint32_t number = number_of(tag);

	images[number] = strcmp(kind, "sick") == 0     ? IMAGE_SICK
			 : strcmp(kind, "broken") == 0 ? IMAGE_BROKEN
						       : IMAGE_GOOD;
	world_push_image(FIRST_REGISTRY, number, number);
	buf_format(said, "sha256:%064u", number);
}

static uint32_t
place_of(const char *name)
{
	uint32_t place = 0;

	CHECK(lead_of(name) != 0);
	while (lead_of(name) != 1u << place)
		place++;
	return place;
}

static void
tell_who_answers(const char *name, struct buf *said)
{
	int place = world.lead_owner[place_of(name)] - 1;
	const struct route *r = place < 0 ? NULL : &world.routes[place];
	struct deploy_row row;

	if (r == NULL || r->target == 0 || (r->replicas & world.running[r->target]) == 0
	    || !store_deploy_get(app.store, r->target, &row))
		buf_text(said, "nobody");
	else
		buf_text(said, inside_image(row.digest));
}

static void
tell_who_answers_soon(const char *name, struct buf *said)
{
	outside_pause();
	tell_who_answers(name, said);
}

static void
tell_what_runs(uint64_t deploy, struct buf *said)
{
	for (uint32_t i = 0; i < WORLD_REPLICAS; i++)
		if (world.there[deploy] >> i & 1u)
			buf_format(said, "%s%s", said->n == 0 ? "" : " ",
			    world.running[deploy] >> i & 1u ? "running" : "ended");
	for (int k = 0; k < TASK_COUNT; k++)
		if (task_is_there(deploy, (enum task_kind)k))
			buf_format(said, "%s%s", said->n == 0 ? "" : " ",
			    task_runs(deploy, (enum task_kind)k) ? "running" : "ended");
	if (said->n == 0)
		buf_text(said, "none");
}

static void
tell_what_was_heard(struct buf *said)
{
	size_t different = 0;

	for (size_t i = 0; i < heard_count; i++) {
		size_t first = 0;

		while (heard[first] != heard[i])
			first++;
		different += first == i;
	}
	buf_format(said, "%zu of %zu", heard_count, different);
}

static void
set_outage(enum outage part, bool is_down)
{
	world.outage_mode[part] = 1;
	world.outage_until_ms[part] = is_down ? INT64_MAX : 0;
}

static bool
break_a_part(const char *verb, const char *what)
{
	static const char *const names[OUTAGE_COUNT] = { [OUTAGE_PROXY] = "edge",
		[OUTAGE_ENGINE] = "engine",
		[OUTAGE_REGISTRY] = "registry",
		[OUTAGE_RECEIVER] = "receiver" };

	for (int i = 0; i < OUTAGE_COUNT; i++)
		if (names[i] != NULL && strcmp(names[i], what) == 0) {
			set_outage((enum outage)i, strcmp(verb, "stops") == 0);
			return true;
		}
	return false;
}

void
outside_do(const char *statement, struct buf *said)
{
	char verb[16] = "";
	char a[24] = "";
	char b[24] = "";
	uint64_t id = 0;
	uint64_t replica = 0;

	(void)sscanf(statement, "%15s %23s %23s", verb, a, b);
	(void)str_number(str_of(a), UINT32_MAX, &id);
	(void)str_number(str_of(b), WORLD_REPLICAS - 1, &replica);
	if (strcmp(verb, "push") == 0)
		push(a, b, said);
	else if (strcmp(verb, "retag") == 0)
		world_push_image(FIRST_REGISTRY, number_of(a), number_of(b));
	else if (strcmp(verb, "delete") == 0)
		world_delete_image(FIRST_REGISTRY, number_of(a));
	else if (strcmp(verb, "halt") == 0)
		world_stop_container(id, (uint32_t)replica);
	else if (strcmp(verb, "remove") == 0)
		world_vanish(id, (uint32_t)replica);
	else if (strcmp(verb, "open") == 0)
		traffic_begin(place_of(a), DAY_MS);
	else if (strcmp(verb, "close") == 0)
		traffic_end();
	else if (strcmp(verb, "ask") == 0)
		tell_who_answers(a, said);
	else if (strcmp(verb, "soon") == 0)
		tell_who_answers_soon(a, said);
	else if (strcmp(verb, "runs") == 0)
		tell_what_runs(id, said);
	else if (strcmp(verb, "heard") == 0)
		tell_what_was_heard(said);
	else if (strcmp(verb, "has") == 0)
		buf_text(said, images_has(0, FIRST_REGISTRY, number_of(a)) ? "yes" : "no");
	else if (!break_a_part(a, verb))
		sim_fail(statement, 0);
}

bool
outside_turn(bool is_first UNUSED)
{
	struct event answer;

	if (world_next_ms() == INT64_MAX)
		return false;
	if (world_land(&answer))
		ports_answer(&answer);
	ports_pass();
	return true;
}

/* What was asked lands and is answered; what waits for requests to end goes on waiting. */
void
outside_pause(void)
{
	int64_t end_ms = world.now_ms + MOMENT_MS;

	while (world_next_ms() <= end_ms)
		outside_turn(false);
}

void
outside_restart(void)
{
	world_crash();
	ports_start(&app);
}

void
outside_close(void)
{
}
