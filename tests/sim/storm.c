/* storm.c - one seed: a server is configured, a storm of wishes and faults comes over it, then calm;
 * and then everything must be settled, kept and told. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "sabotage.h"
#include "ports/proxies.h"
#include "sim.h"
#include "store/catalog.h"
#include "store/store.h"
#include "world_front.h"

enum {
	STORM_STEPS = 31,
	CALM_STEPS = 60000,
	PATIENT = 9, /* one in so many waits until all comes round by itself */
	GUARDED = 3, /* every so many seeds, those with this rest, have terms */
	GUARDED_REST = 2,
	STOPPING = 6, /* of those, every so many have people who stop and start stages */
	STOPPING_REST = 5,
	SILENT_STEPS = 500,
	FIRST_IDS = 8,
	FIRST_TICKS = 200,
	DOWN_MS = 120000,
	LONG_MS = 100000000,
};

static uint32_t disturb_percent;
static int64_t down_until_ms;

/* What comes by itself; loop.c asks. */

int64_t
sim_next_ms(void)
{
	int64_t next_ms = world_next_ms();
	int64_t others[] = { clients_next_ms(), ports_next_ms(), fronts_next_ms() };

	for (size_t i = 0; i < COUNT(others); i++)
		if (others[i] < next_ms)
			next_ms = others[i];
	return next_ms;
}

/* One thing at a time, so that a tick, and perhaps a crash, may come between any two. */
void
sim_arrive(void)
{
	struct event answer;

	traffic_pass();
	clients_act();
	if (world_next_ms() <= world.now_ms && world_land(&answer))
		ports_answer(&answer);
	ports_pass();
	fronts_pass();
}

/* The ids that this store gave. */
static void
learn(void)
{
	for (int i = 0; i < WORLD_STAGES; i++) {
		const struct stage_entry *entry =
		    catalog_stage_by_name(sim.app.catalog, stage_project(i), stage_name(i));
		CHECK(entry != NULL);
		world.stage_ids[i] = entry->id;
	}
	world.engine_ids[0] = catalog_engine(sim.app.catalog, "local")->id;
	world.engine_ids[1] = catalog_engine(sim.app.catalog, "far")->id;
	clients_learn();
}

/* Events that no call of the API makes: what the tables promise for them holds all the same. */
static void
nudge_and_cancel(void)
{
	const struct stage_entry *entry =
	    catalog_stage_at(sim.app.catalog, world_random() % WORLD_STAGES);
	struct event e = { .kind = world_chance(60) ? EV_NUDGED : EV_CANCEL };
	uint64_t pick = world_random() % 4;

	if (pick == 0)
		e.to = entry->id;
	else if (pick == 1)
		e.to = entry->poll_id;
	else
		e.to = 1 + world_random() % (store_id_max(sim.store) + 1);
	const struct actor *a = runtime_actor(sim.app.runtime, e.to);
	if (a == NULL || (a->kind == ACTOR_SWAP && e.kind == EV_CANCEL))
		return;
	if (a->kind == ACTOR_SWEEP && e.kind == EV_CANCEL && !world_chance(15))
		return;
	runtime_post(sim.app.runtime, &e);
}

/* A part goes down: for seconds, for hours, rarely for days. */
static void
break_a_part(void)
{
	static const int64_t most_ms[] = { 60000, 60000, 3600000, 20000000, 200000000 };
	int64_t length_ms =
	    (int64_t)(world_random() % (uint64_t)most_ms[world_random() % COUNT(most_ms)]);
	uint64_t part = world_chance(20) ? OUTAGE_RECEIVER + world_random() % WORLD_RECEIVERS
					 : world_random() % OUTAGE_RECEIVER;

	if (!world_chance(60) || world.outage_until_ms[part] >= world.now_ms)
		return;
	world.outage_until_ms[part] = world.now_ms + length_ms;
	world.outage_mode[part] = (uint32_t)(world_random() % 4);
	fronts_of_world_pass();
	sim_trace(
	    "           outage of part %" PRIu64 " for %" PRId64 " ms\n", part, length_ms);
}

static void
move_tags(void)
{
	uint32_t r = (uint32_t)(world_random() % WORLD_REGISTRIES);
	uint32_t tag = (uint32_t)(world_random() % WORLD_TAGS);

	if (world_chance(50))
		world.newest_tag[r] = tag;
	if (world_chance(50))
		world_push_image(r, tag, world.tag_digest[r][tag] + 100);
	else if (world_chance(20))
		world_delete_image(r, tag);
}

static void
lose_a_container(void)
{
	int place = (int)(world_random() % WORLD_STAGES);
	uint32_t replica = (uint32_t)(world_random() % WORLD_REPLICAS);
	enum at proxy = AT_EDGE;
	uint64_t deploy;

	while (proxy < AT_COUNT - 1 && world_target(proxy, place) == 0)
		proxy++;
	deploy = world_target(proxy, place);
	if (world_chance(50))
		world_vanish(deploy, replica);
	else
		world_stop_container(deploy, replica);
}

static void
disturb(void)
{
	uint64_t pick = world_random() % 16;

	if (pick < 8)
		clients_begin();
	else if (pick < 10)
		nudge_and_cancel();
	else if (pick < 12)
		break_a_part();
	else if (pick < 14)
		move_tags();
	else if (world_chance(world.faults.vanish))
		lose_a_container();
}

static void
make_traffic(void)
{
	uint64_t pick = world_random() % 10;
	uint64_t most_ms = pick < 6 ? 200 : pick < 9 ? 60000 : 2000000;

	traffic_begin(
	    (uint32_t)(world_random() % WORLD_LEADS), (int64_t)(world_random() % most_ms));
}

static void
restart(void)
{
	server_bury();
	down_until_ms = world.now_ms;
	if (!sim.is_calm && world_chance(50))
		down_until_ms += (int64_t)(world_random() % DOWN_MS);
	while (world_next_ms() <= down_until_ms) {
		struct event lost;
		world_land(&lost);
		check_traffic();
	}
	if (world.now_ms < down_until_ms)
		world.now_ms = down_until_ms;
	traffic_pass();
	do {
		server_start();
		if (sim.is_dead)
			server_bury();
	} while (!sim.is_up);
	learn();
}

static void
step(void)
{
	server_tick();
	if (sim.is_dead) {
		restart();
	} else if (!sim.is_calm && world_chance(sim.crash_percent) && world_chance(5)) {
		server_stop_in_peace();
		restart();
	}
	check_world();
}

/* The loop wakes once a minute whatever comes, and streams have heartbeats: hours of silence must not
 * use the storm up. */
static void
step_until_something_happens(void)
{
	uint64_t before = sim.happened;

	for (int i = 0; i < SILENT_STEPS && sim.happened == before; i++)
		step();
}

static void
find_unsettled(void *context, const struct actor *a)
{
	uint64_t *found = context;

	if (a->kind == ACTOR_DEPLOY || a->kind == ACTOR_SWAP || a->kind == ACTOR_NOTIFY
	    || (a->kind == ACTOR_STAGE
		&& (a->state != STAGE_IDLE || a->stage.kept[0].until_ms != 0))
	    || (a->kind == ACTOR_SWEEP && a->state != SWEEP_WAITING))
		*found = a->id;
}

static void
nudge_sweep(void *context UNUSED, const struct actor *a)
{
	if (a->kind == ACTOR_SWEEP)
		runtime_post(
		    sim.app.runtime, &(struct event){ .kind = EV_NUDGED, .to = a->id });
}

/* The sweeps look once more, and at the proxies: most seeds do not wait until they come round by
 * themselves. */
static int64_t
sweep_once_more(void)
{
	if (sim.seed % PATIENT == 0)
		return world.now_ms + 5 * sim.pace * SWEEP_MS;
	runtime_visit(sim.app.runtime, nudge_sweep, NULL);
	proxies_sync(sim.app.proxies);
	return world.now_ms + 4000; /* a task takes two looks: its end is kept, then it goes */
}

static bool
is_stopped(uint64_t stage)
{
	const struct actor *a = runtime_actor(sim.app.runtime, stage);

	return a != NULL && a->stage.stopped != 0;
}

/* Most seeds do not wait for the hours of windows either, and none until a stage is started again: somebody takes
 * back what pends. */
static void
take_back(void *context UNUSED, const struct actor *a)
{
	if (a->kind == ACTOR_DEPLOY && a->state == DEPLOY_PENDING
	    && (sim.seed % PATIENT != 0 || is_stopped(a->deploy.stage)))
		runtime_post(
		    sim.app.runtime, &(struct event){ .kind = EV_CANCEL, .to = a->id });
}

static void
thaw(void *context UNUSED, const struct actor *a)
{
	if (a->kind == ACTOR_STAGE && a->stage.frozen_until_ms != 0)
		runtime_post(
		    sim.app.runtime, &(struct event){ .kind = EV_THAWED, .to = a->id });
}

/* Everything comes to its end, what is late on the wire lands, and the sweeps come round. */
static void
settle(void)
{
	int64_t until_ms = 0;

	sim.is_calm = true;
	memset(&world.faults, 0, sizeof(world.faults));
	memset(&world.outage_until_ms, 0, sizeof(world.outage_until_ms));
	if (world_chance(3)) /* who is told may stay away for longer than anybody waits */
		for (uint64_t i = 0; i < WORLD_RECEIVERS; i++)
			break_for(LONG_MS, OUTAGE_RECEIVER + i, 3);
	runtime_visit(sim.app.runtime, thaw, NULL); /* else it would take months */
	for (int i = 0;; i++) {
		uint64_t unsettled = 0;
		runtime_visit(sim.app.runtime, find_unsettled, &unsettled);
		runtime_visit(sim.app.runtime, take_back, NULL);
		if (runtime_count(sim.app.runtime, ACTOR_DEPLOY) > 0)
			until_ms =
			    0; /* a poll has brought it; what it leaves goes by a later look */
		if (unsettled == 0 && !world_has_flights() && fronts_of_world_are_idle()) {
			if (until_ms == 0)
				until_ms = sweep_once_more();
			else if (world.now_ms >= until_ms)
				return;
		}
		if (i > CALM_STEPS)
			sim_fail("no end after the storm", unsettled);
		step();
	}
}

/* Most storms come over a stage that serves already. */
static void
serve_first(void)
{
	struct faults faults = world.faults;
	uint64_t next_id = store_id_max(sim.store) + 1;

	memset(&world.faults, 0, sizeof(world.faults));
	for (uint64_t id = next_id; id < next_id + FIRST_IDS; id++) {
		world.is_bad[id] = false;
		world.cannot_start[id] = false;
		world.failing_tasks[id] = 0;
	}
	clients_deploy_first();
	for (int i = 0; i < FIRST_TICKS && runtime_count(sim.app.runtime, ACTOR_DEPLOY) > 0;
	     i++)
		step();
	world.faults = faults;
}

/* One draw for each: there are thousands, of which few are used. */
static void
draw_bad_images(void)
{
	uint32_t percent = world.faults.bad_image;

	for (uint64_t d = 0; d < WORLD_DEPLOYS; d++) {
		uint64_t lot = world_random();

		world.is_bad[d] = lot % 100 < percent;
		world.cannot_start[d] = (lot >> 10) % 100 < percent / 8;
		for (int k = 0; k < TASK_COUNT; k++)
			if ((lot >> (20 + 10 * k)) % 100
			    < (k == TASK_POST_SWITCH ? percent : percent / 2))
				world.failing_tasks[d] |= (uint8_t)(1u << k);
		/* Drawn from nothing else, so that the seeds are what they were. */
		world.bad_after_ms[d] =
		    (sim.seed * 31 + d * 17) % 3 == 0 ? 1 + (int64_t)(d * 7919 % 90000) : 0;
	}
}

static void
begin(uint64_t seed)
{
	sim.seed = seed;
	sim.journal_hash = UINT64_C(0xcbf29ce484222325);
	sim.is_calm = true;
	sim.is_settled = false;
	sim.is_guarded = seed % GUARDED == GUARDED_REST;
	sim.is_stopping = seed % STOPPING == STOPPING_REST;
	sim.drained_ms = 0;
	sim.is_dead = false;
	world_reset(seed);
	world.facts = ports_facts;
	world.is_orphan = ports_is_orphan;
	world.is_task_orphan = ports_is_task_orphan;
	world.are_tasks_kept = ports_are_tasks_kept;
	world.keep_tasks = ports_keep_tasks;
	world.is_migrated = ports_is_migrated;
	world.is_image_free = ports_is_image_free;
	world.are_images_due = ports_are_images_due;
	world.image_removed = kept_image_removed;
	world.are_images_looked_at = true;
	world.broken = sim_fail;
	world.receiver = receiver_of;
	world.heard = notices_heard;
	sim.keeps_little = world_chance(30);
	sim.keep = (struct keep_settings){
		.deploys = 100, .days = 30, .rollbacks = 10, .images_ms = 86400000
	};
	if (sim.keeps_little)
		sim.keep =
		    (struct keep_settings){ .deploys = 1 + (int64_t)(world_random() % 4),
			    .rollbacks = 1 + (int64_t)(world_random() % 3),
			    .images_ms = (int64_t)(seed % 5) * SWEEP_MS };
	sim.keep.removes_images = true;
	sim.crash_percent = world_chance(70) ? (uint32_t)(world_random() % 8) : 0;
	sim.pace = world_chance(50) ? 1 : 10;
	disturb_percent = 15 + (uint32_t)(world_random() % 45);
	sim.traffic_percent = (uint32_t)(world_random() % 50);
	draw_bad_images();
	sim.one_answer_is_enough = sabotage == SABOTAGE_ONE_ANSWER;
	sim.drains_have_no_floor = sabotage == SABOTAGE_NO_FLOOR;
	ports_reset();
	config_reset();
	check_reset();
	answers_reset();
	kept_reset();
	notices_reset();
	server_reset();
	clients_reset();
	server_start();
	clients_apply();
	learn();
	if (world_chance(70))
		serve_first();
	sim.is_calm = false;
}

uint64_t
storm_run(uint64_t seed)
{
	begin(seed);
	int steps = world_chance(20) ? 3 * STORM_STEPS : STORM_STEPS;

	if (sim.seed % 4 == 3) /* deploys have more states, see strategy_of() */
		steps += 2 * STORM_STEPS;
	misfortunes_reset();
	for (int i = 0; i < steps; i += !storm_is_silent()) {
		if (!storm_is_silent()
		    && (clients_are_many() || world_chance(disturb_percent)))
			disturb();
		if (world_chance(sim.traffic_percent))
			make_traffic();
		step_until_something_happens();
	}
	settle();
	sim.is_settled = true;
	check_settled();
	check_notices();
	clients_follow_all(); /* a poll may come round meanwhile */
	check_journal();
	check_answers();
	check_kept();
	check_secrets();
	server_bury();
	return sim.journal_hash;
}
