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
	STORM_STEPS = 68,
	CALM_STEPS = 60000,
	PATIENT = 4,
	GUARDED = 3, /* every so many seeds, those with this rest, have terms */
	GUARDED_REST = 2,
	SILENT_STEPS = 500,
	DOWN_MS = 120000,
	MOST_TRIES = 8, /* of a deploy */
	SHORT_MS = 100000,
	LONG_MS = 100000000,
	SILENCE_MS = 40000000, /* eight tries of a drain that hears nothing */
	MOMENT_MS = 700,
	SWAP_TRIES = 5,
};

static uint32_t disturb_percent;
static uint32_t traffic_percent;
static int64_t down_until_ms;
static int64_t silent_until_ms; /* nobody does anything: long waits come to their end */

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

/* Who draining is asked of. */
static uint64_t
proxy_of_drain(const struct actor *a)
{
	struct facts facts = { .proxy = AT_EDGE };
	uint64_t deploy = a->deploy.elder != 0 ? a->deploy.elder : a->id;

	ports_facts(deploy, 0, &facts);
	return OUTAGE_PROXY + facts.proxy;
}

static void
break_for(int64_t length_ms, uint64_t part, uint64_t modes)
{
	world.outage_until_ms[part] = world.now_ms + length_ms;
	world.outage_mode[part] = (uint32_t)(world_random() % modes);
	sim_trace(
	    "           outage of part %" PRIu64 " for %" PRId64 " ms\n", part, length_ms);
}

/* Requests come in the very moment in which a route changes. */
static void
hurry(const struct actor *a)
{
	bool is_moment = (a->kind == ACTOR_SWAP && a->state == SWAP_CONFIRMING)
			 || (a->kind == ACTOR_DEPLOY && a->state == DEPLOY_DRAINING);

	for (uint32_t i = 0; is_moment && i < WORLD_LEADS; i++)
		if (world_chance(traffic_percent))
			traffic_begin(i, (int64_t)(world_random() % 100));
}

static uint32_t
receiver_of(uint64_t actor)
{
	struct notice_facts facts;

	ports_notice(actor, &facts);
	return facts.receiver;
}

/* Trouble now, and there is no try left. */
static void
spoil_the_last_try(const struct actor *a)
{
	struct facts facts = { .proxy = AT_EDGE };

	ports_facts(a->swap.deploy, 0, &facts);
	break_for(SHORT_MS, OUTAGE_PROXY + facts.proxy, 1);
	world.outage_mode[OUTAGE_PROXY + facts.proxy] = 1;
}

/* Who runs before it hears nothing of its engine. */
static void
keep_waiting(const struct actor *a)
{
	const struct actor *stage = runtime_actor(sim.app.runtime, a->deploy.stage);
	struct facts facts;

	if (stage->stage.waiting != a->id || !ports_facts(stage->stage.running, 0, &facts))
		return;
	break_for(LONG_MS, OUTAGE_ENGINE + facts.engine, 1);
	silent_until_ms = world.now_ms + SILENCE_MS;
}

/* While one is under way in a stage with terms, and while another waits, several more are wished. */
static void
crowd(const struct actor *a)
{
	if (a->kind == ACTOR_DEPLOY && a->state == DEPLOY_PULLING && world_chance(50))
		clients_burst(world_place(a->deploy.stage));
	if (a->kind != ACTOR_STAGE || a->state != STAGE_QUEUEING || world_chance(20))
		return;
	clients_burst(world_place(a->id));
	if (world_chance(50)) /* so that what hooks bring now pends */
		runtime_post(sim.app.runtime,
		    &(struct event){
			.kind = EV_FROZEN, .to = a->id, .after_ms = 600000, .text = "crowd" });
}

/* Of what a deploy that stops the old version first needs next. */
static void
break_while_nobody_serves(const struct actor *a)
{
	uint64_t pick = world_random() % 8;
	bool is_down = world.now_ms < world.outage_until_ms[OUTAGE_PROXY];

	if (a->kind == ACTOR_DEPLOY
	    && (a->state == DEPLOY_HALTING || a->state == DEPLOY_REVIVING)) {
		uint64_t engine = OUTAGE_ENGINE + world.engine_of[a->deploy.elder];

		if (pick == 0) {
			break_for(LONG_MS, engine, 3);
		} else if (pick == 1 || (pick > 5 && a->state == DEPLOY_HALTING)) {
			runtime_post(sim.app.runtime,
			    &(struct event){ .kind = EV_CANCEL, .to = a->id });
		} else if (pick < 5 && a->state == DEPLOY_REVIVING && !a->deploy.has_route) {
			break_for(
			    LONG_MS, engine, 1); /* it says no, as often as it is asked */
			world.outage_mode[engine] = 2;
		}
	} else if (a->kind == ACTOR_DEPLOY && a->state == DEPLOY_DRAINING) {
		if (pick < 2) {
			break_for(LONG_MS, proxy_of_drain(a), 1);
			world.outage_mode[proxy_of_drain(a)] = 1;
		}
	} else if (a->kind == ACTOR_SWAP && a->state == SWAP_CONFIRMING
		   && (a->id % 2 == 0 || a->swap.tries > 0)) {
		if (!is_down) { /* each time, until its tries are spent */
			break_for(MOMENT_MS, OUTAGE_PROXY, 1);
			world.outage_mode[OUTAGE_PROXY] = a->swap.tries == SWAP_TRIES
							      ? (uint32_t)(pick % 2)
							      : 1 + (uint32_t)(pick == 7);
		}
	} else if (a->kind == ACTOR_SWAP
		   && (a->state == SWAP_SWITCHING || a->state == SWAP_CONFIRMING)) {
		if (pick < 2)
			break_for(LONG_MS, OUTAGE_PROXY, 2);
		else if (pick == 2)
			runtime_post(sim.app.runtime,
			    &(struct event){ .kind = EV_CANCEL, .to = a->swap.deploy });
	}
}

static bool
is_while_nobody_serves(const struct actor *a)
{
	return (a->kind == ACTOR_DEPLOY && a->deploy.strategy != STRATEGY_BLUE_GREEN
		   && (a->state == DEPLOY_HALTING || a->state == DEPLOY_REVIVING
		       || a->state == DEPLOY_DRAINING))
	       || (a->kind == ACTOR_SWAP && a->swap.is_parked);
}

/* What is hard to migrate stays so for a while: its tries are used up now and then. */
static void
doubt(const struct actor *a)
{
	uint32_t percent = a->deploy.tries == 0 ? 2 : a->deploy.tries < MOST_TRIES ? 80 : 0;

	if (world_chance(percent))
		runtime_post(sim.app.runtime,
		    &(struct event){ .kind = EV_TROUBLED, .to = a->id, .epoch = a->epoch });
}

/* The rarest of histories, made less rare: a part dies right after a step that needs it next. */
void
storm_moved(const struct moved *m)
{
	const struct actor *a = &m->after;
	bool is_new = m->from != a->state;

	if (!sim.is_calm && is_new)
		hurry(a);
	if (!sim.is_calm && is_new && sim.is_guarded)
		crowd(a);
	if (!sim.is_calm && a->kind == ACTOR_SWAP && a->state == SWAP_CONFIRMING
	    && a->swap.tries > 3 && world_chance(50))
		spoil_the_last_try(a);
	if (!sim.is_calm && is_new && is_while_nobody_serves(a))
		break_while_nobody_serves(a);
	if (!sim.is_calm && a->kind == ACTOR_DEPLOY && a->state == DEPLOY_MIGRATING)
		doubt(a);
	if (sim.is_calm || !is_new || !world_chance(sim.pace == 1 ? 5 : 15))
		return;
	if (a->kind == ACTOR_DEPLOY
	    && (a->state == DEPLOY_DRAINING || a->state == DEPLOY_ABORTING)) {
		break_for(LONG_MS, proxy_of_drain(a), 3);
		if (world_chance(10))
			silent_until_ms = world.now_ms + SILENCE_MS;
	} else if (a->kind == ACTOR_DEPLOY && a->state == DEPLOY_QUEUED && world_chance(30)) {
		keep_waiting(a);
	} else if (a->kind == ACTOR_DEPLOY && a->state == DEPLOY_RETIRING)
		break_for(LONG_MS, OUTAGE_ENGINE + world.engine_of[a->id], 3);
	else if (a->kind == ACTOR_DEPLOY
		 && (a->state == DEPLOY_UNDOING || a->state == DEPLOY_CANCELING
		     || a->state == DEPLOY_STOPPING || a->state == DEPLOY_MIGRATING))
		break_for(world_chance(50) ? SHORT_MS : LONG_MS,
		    OUTAGE_ENGINE + world.engine_of[a->id], 4);
	else if (a->kind == ACTOR_SWEEP && a->state == SWEEP_COLLECTING && world_chance(50))
		break_for(LONG_MS,
		    OUTAGE_ENGINE + (a->sweep.engine == world.engine_ids[0] ? 0 : 1), 4);
	else if (a->kind == ACTOR_SWEEP && a->state == SWEEP_COLLECTING)
		runtime_post(
		    sim.app.runtime, &(struct event){ .kind = EV_CANCEL, .to = a->id });
	else if (a->kind == ACTOR_NOTIFY && a->state == NOTIFY_SENDING)
		break_for(LONG_MS, OUTAGE_RECEIVER + receiver_of(a->id), 3);
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
	    || (a->kind == ACTOR_STAGE && a->state != STAGE_IDLE)
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

static void
begin(uint64_t seed)
{
	sim.seed = seed;
	sim.journal_hash = UINT64_C(0xcbf29ce484222325);
	sim.is_calm = true;
	sim.is_settled = false;
	sim.is_guarded = seed % GUARDED == GUARDED_REST;
	sim.drained_ms = 0;
	sim.is_dead = false;
	world_reset(seed);
	world.facts = ports_facts;
	world.is_orphan = ports_is_orphan;
	world.is_task_orphan = ports_is_task_orphan;
	world.is_task_kept = ports_is_task_kept;
	world.keep_task = ports_keep_task;
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
	traffic_percent = (uint32_t)(world_random() % 50);
	for (uint64_t d = 0; d < WORLD_DEPLOYS; d++) {
		world.is_bad[d] = world_chance(world.faults.bad_image);
		world.cannot_start[d] = world_chance(world.faults.bad_image / 8);
		world.fails_to_migrate[d] = world_chance(world.faults.bad_image / 2);
	}
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
	sim.is_calm = false;
}

uint64_t
storm_run(uint64_t seed)
{
	begin(seed);
	int steps = world_chance(20) ? 3 * STORM_STEPS : STORM_STEPS;

	if (sim.seed % 4 == 3) /* deploys have more states, see strategy_of() */
		steps += 2 * STORM_STEPS;
	silent_until_ms = 0;
	for (int i = 0; i < steps; i += world.now_ms >= silent_until_ms) {
		if (world.now_ms >= silent_until_ms && world_chance(disturb_percent))
			disturb();
		if (world_chance(traffic_percent))
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
