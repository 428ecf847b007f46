/* misfortunes.c - the rarest of histories, made less rare.
 *
 * The one idea: chance alone hardly ever breaks the one part that a step needs next, and as often as
 * there are tries. So each step is looked at as it is released, and now and then the part that it waits
 * for goes away until it has moved on, its answers are unclear, or somebody thinks again. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "sim.h"
#include "store/catalog.h"
#include "store/store.h"
#include "world_images.h"

enum {
	MOST_TRIES = 8, /* of a deploy */
	SWAP_TRIES = 5,
	SHORT_MS = 100000,
	LONG_MS = 100000000,
	SILENCE_MS = 40000000, /* eight tries of a drain that hears nothing */
	MOMENT_MS = 700,
	SWAP_LOOKS_MS = 650000, /* a deploy looks after its swap once */
};

static int64_t silent_until_ms; /* nobody does anything: long waits come to their end */

/* A part that stays down for as long as somebody is in the state that needs it. */
static struct grudge {
	uint64_t actor; /* 0: none */
	int state;
	uint64_t part;
} grudge;

/* Who is doubted again and again, and in which state + 1; others keep the answers that they get. */
static uint8_t doubted[WORLD_DEPLOYS];

/* Who draining is asked of. */
static uint64_t
proxy_of_drain(const struct actor *a)
{
	struct facts facts = { .proxy = AT_EDGE };
	uint64_t deploy = a->deploy.elder != 0 ? a->deploy.elder : a->id;

	ports_facts(deploy, 0, &facts);
	return OUTAGE_PROXY + facts.proxy;
}

void
break_for(int64_t length_ms, uint64_t part, uint64_t modes)
{
	world.outage_until_ms[part] = world.now_ms + length_ms;
	world.outage_mode[part] = (uint32_t)(world_random() % modes);
	sim_trace(
	    "           outage of part %" PRIu64 " for %" PRId64 " ms\n", part, length_ms);
}

/* Its tries come to their end, and nothing else comes between. */
static void
hold_grudge(const struct actor *a, uint64_t part, uint64_t modes)
{
	if (grudge.actor != 0)
		return;
	break_for(LONG_MS, part, modes);
	if (modes == 3
	    && world_chance(30)) /* a plain no is soon repeated as often as it takes */
		world.outage_mode[part] = 2;
	grudge = (struct grudge){ .actor = a->id, .state = a->state, .part = part };
	silent_until_ms = world.now_ms + SILENCE_MS;
}

static void
forget_grudge(void)
{
	world.outage_until_ms[grudge.part] = world.now_ms;
	grudge.actor = 0;
	silent_until_ms = world.now_ms;
}

/* Requests come in the very moment in which a route changes. */
static void
hurry(const struct actor *a)
{
	bool is_moment = (a->kind == ACTOR_SWAP && a->state == SWAP_CONFIRMING)
			 || (a->kind == ACTOR_DEPLOY && a->state == DEPLOY_DRAINING);

	for (uint32_t i = 0; is_moment && i < WORLD_LEADS; i++)
		if (world_chance(sim.traffic_percent + 20))
			traffic_begin(i, (int64_t)(world_random() % 400));
}

uint32_t
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
	break_for(SHORT_MS, OUTAGE_PROXY + facts.proxy, 2);
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

	if (a->kind == ACTOR_DEPLOY
	    && (a->state == DEPLOY_HALTING || a->state == DEPLOY_REVIVING)) {
		uint64_t engine = OUTAGE_ENGINE + world.engine_of[a->deploy.elder];

		if (pick == 0) {
			break_for(LONG_MS, engine, 3);
		} else if (pick == 1 || (pick > 5 && a->state == DEPLOY_HALTING)) {
			runtime_post(sim.app.runtime,
			    &(struct event){ .kind = EV_CANCEL, .to = a->id });
		} else if (pick < 7 && a->state == DEPLOY_REVIVING && !a->deploy.has_route) {
			break_for(
			    LONG_MS, engine, 1); /* it says no, as often as it is asked */
			world.outage_mode[engine] = 2;
		}
	} else if (a->kind == ACTOR_DEPLOY && a->state == DEPLOY_DRAINING) {
		if (pick < 2) {
			break_for(LONG_MS, proxy_of_drain(a), 1);
			world.outage_mode[proxy_of_drain(a)] = 1;
		}
	} else if (a->kind == ACTOR_SWAP && a->state == SWAP_REPARKING && pick < 3) {
		runtime_post(sim.app.runtime,
		    &(struct event){ .kind = EV_CANCEL, .to = a->swap.deploy });
	} else if (a->kind == ACTOR_SWAP && a->state == SWAP_CONFIRMING && doubted[a->id] == 0
		   && pick > 5) {
		if (pick == 6)
			runtime_post(sim.app.runtime,
			    &(struct event){ .kind = EV_CANCEL, .to = a->swap.deploy });
		else
			break_for(MOMENT_MS, OUTAGE_PROXY, 1);
		world.outage_mode[OUTAGE_PROXY] = 2;
	} else if (a->kind == ACTOR_SWAP
		   && (a->state == SWAP_SWITCHING || a->state == SWAP_CONFIRMING)
		   && doubted[a->id] == 0) {
		if (pick < 2)
			break_for(LONG_MS, OUTAGE_PROXY, 3);
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

static bool
waits_for_task(const struct actor *a)
{
	return a->state == DEPLOY_MIGRATING || a->state == DEPLOY_PRE_SWITCH
	       || a->state == DEPLOY_POST_SWITCH || a->state == DEPLOY_POST_RETIRE
	       || a->state == DEPLOY_VERIFYING;
}

/* In percent: of those who come there, so many hear nothing clear. */
static uint32_t
first_doubt(const struct actor *a)
{
	if (a->kind == ACTOR_SWAP && a->state == SWAP_CONFIRMING && a->id % 3 != 0)
		return a->swap.is_parked ? 40 : 2;
	if (a->kind == ACTOR_SWAP && a->state == SWAP_SWITCHING && a->id % 3 == 0)
		return a->swap.is_parked ? 30 : 0;
	if (a->kind == ACTOR_SWAP && a->state == SWAP_PARKING)
		return 3;
	if (a->kind != ACTOR_DEPLOY)
		return 0;
	if (a->state == DEPLOY_POST_SWITCH)
		return !a->deploy.has_route ? 70 : a->deploy.elder != 0 ? 30 : 3;
	if (a->state == DEPLOY_VERIFYING)
		return a->deploy.has_route ? 20 : 60;
	if (a->state == DEPLOY_POST_RETIRE)
		return 30;
	if (a->state == DEPLOY_DRAINING)
		return a->deploy.keep_ms != 0 ? 40 : 5;
	if (a->state == DEPLOY_PROBING)
		return a->deploy.body != 0 ? 35 : 3;
	if (a->state == DEPLOY_RETIRING || a->state == DEPLOY_UNDOING
	    || a->state == DEPLOY_CANCELING || a->state == DEPLOY_HALTING)
		return 5;
	if (a->state == DEPLOY_STOPPING)
		return a->deploy.is_canceled ? 25 : 3;
	return waits_for_task(a) ? 3 : 0;
}

/* Where a deploy is canceled seldom, somebody does it sometimes. */
static void
think_again(const struct actor *a)
{
	static const uint64_t states = STATE(DEPLOY_POST_SWITCH) | STATE(DEPLOY_POST_RETIRE)
				       | STATE(DEPLOY_DRAINING) | STATE(DEPLOY_RETIRING)
				       | STATE(DEPLOY_PARKING) | STATE(DEPLOY_HALTING)
				       | STATE(DEPLOY_STOPPING) | STATE(DEPLOY_CANCELING);

	if ((states >> a->state & 1u) && world_chance(a->deploy.has_route ? 6 : 15))
		runtime_post(
		    sim.app.runtime, &(struct event){ .kind = EV_CANCEL, .to = a->id });
}

/* What was given up just now is what a tag names again, and a poll sees it. */
static void
tempt(uint64_t deploy, uint64_t stage)
{
	const struct stage_entry *entry = catalog_stage(sim.app.catalog, stage);
	struct facts facts;

	if (entry == NULL || !ports_facts(deploy, 0, &facts))
		return;
	world_push_image(facts.registry, world.newest_tag[facts.registry], facts.image);
	runtime_post(
	    sim.app.runtime, &(struct event){ .kind = EV_NUDGED, .to = entry->poll_id });
}

/* What is hard stays so for a while: its tries are used up now and then. An answer that is unclear or
 * late says nothing of what happens meanwhile; and that requests are still under way, a proxy may
 * refuse to tell. */
static void
doubt(const struct actor *a)
{
	uint32_t tries = a->kind == ACTOR_SWAP ? a->swap.tries : a->deploy.tries;
	uint32_t percent = first_doubt(a);
	bool is_draining = a->kind == ACTOR_DEPLOY && a->state == DEPLOY_DRAINING;
	bool is_probing = a->kind == ACTOR_DEPLOY && a->state == DEPLOY_PROBING
			  && a->deploy.body == 0; /* a deadline is its end at once */
	struct event e = { .to = a->id, .epoch = a->epoch };

	if (percent == 0 || a->id == grudge.actor)
		return;
	if (tries > 0)
		percent = doubted[a->id] == a->state + 1 ? 94 : 0;
	if (!world_chance(percent))
		return;
	doubted[a->id] = (uint8_t)(a->state + 1);
	e.kind = world_chance(is_probing ? 95 : 50) ? EV_TROUBLED : EV_TIMEOUT;
	if (is_draining && world_chance(35))
		e.kind = EV_REFUSED;
	if (is_draining && world.drain_failures[a->deploy.elder] < UINT8_MAX)
		world.drain_failures[a->deploy.elder]++;
	runtime_post(sim.app.runtime, &e);
}

/* In the middle of its window somebody has second thoughts, or a container ends. */
static void
break_on_trial(const struct actor *a)
{
	uint64_t pick = world_random() % 10;

	if (pick == 0)
		runtime_post(
		    sim.app.runtime, &(struct event){ .kind = EV_CANCEL, .to = a->id });
	else if (pick == 1)
		world_stop_container(a->id, 0);
	else if (pick == 2)
		world_vanish(a->deploy.elder, 0);
}

/* What was kept may have died unseen, or its engine is away, just when it is wanted. */
static void
break_what_is_kept(const struct actor *a)
{
	uint64_t pick = world_random() % 6;

	if (pick == 0)
		world_vanish(a->deploy.body, 0);
	else if (pick < 3)
		hold_grudge(a, OUTAGE_ENGINE + world.engine_of[a->deploy.body], 3);
	else if (pick == 3)
		runtime_post(
		    sim.app.runtime, &(struct event){ .kind = EV_CANCEL, .to = a->id });
}

/* On its way back it is canceled, hears nothing, or the process dies. */
static void
break_the_way_back(const struct actor *a)
{
	struct facts facts = { .proxy = AT_EDGE };
	uint64_t pick = world_random() % 6;

	ports_facts(a->id, 0, &facts);
	if (pick == 0)
		runtime_post(
		    sim.app.runtime, &(struct event){ .kind = EV_CANCEL, .to = a->id });
	else if (pick < 3) {
		break_for(SWAP_LOOKS_MS, OUTAGE_PROXY + facts.proxy, 2);
		silent_until_ms = world.now_ms + SWAP_LOOKS_MS;
	} else if (pick == 3)
		server_die(CRASH_IN_EFFECTS, "on the way back");
}

static bool
is_going_back(const struct actor *a)
{
	return a->state == DEPLOY_SWAPPING_BACK || a->state == DEPLOY_ABORTING
	       || a->state == DEPLOY_RETURNING;
}

/* Of a deploy that has come to another state. */
static void
deploy_moved(const struct actor *a, enum event_kind on)
{
	think_again(a);
	if (on == EV_REFUSED && a->state == DEPLOY_UNDOING && world_chance(30))
		tempt(a->id, a->deploy.stage);
	if (is_going_back(a))
		break_the_way_back(a);
	if (a->state == DEPLOY_LIVE && a->deploy.keep_ms != 0 && world_chance(50))
		clients_go_back(world_place(a->deploy.stage));
	if (a->state == DEPLOY_PROBING && a->deploy.body != 0)
		break_what_is_kept(a);
	if (a->state == DEPLOY_VERIFYING)
		break_on_trial(a);
	if ((a->state == DEPLOY_STOPPING && world_chance(25))
	    || ((a->state == DEPLOY_CANCELING || a->state == DEPLOY_RETIRING)
		&& world_chance(6)))
		hold_grudge(a, OUTAGE_ENGINE + world.engine_of[a->id], 3);
}

static void
break_what_deploy_needs(const struct actor *a)
{
	uint64_t engine = OUTAGE_ENGINE + world.engine_of[a->id];

	if (a->state == DEPLOY_DRAINING || a->state == DEPLOY_ABORTING
	    || a->state == DEPLOY_RETURNING) {
		if (world_chance(10))
			hold_grudge(a, proxy_of_drain(a), 3);
		else
			break_for(LONG_MS, proxy_of_drain(a), 3);
	} else if (a->state == DEPLOY_QUEUED && world_chance(30)) {
		keep_waiting(a);
	} else if (a->state == DEPLOY_RETIRING || a->state == DEPLOY_UNDOING
		   || a->state == DEPLOY_CANCELING || a->state == DEPLOY_STOPPING
		   || waits_for_task(a)) {
		break_for(world_chance(50) ? SHORT_MS : LONG_MS, engine, 4);
	}
}

/* Right after a step a part dies that it needs next. */
static void
break_what_is_next(const struct actor *a)
{
	if (a->kind == ACTOR_DEPLOY)
		break_what_deploy_needs(a);
	else if (a->kind == ACTOR_SWEEP && a->state == SWEEP_COLLECTING && world_chance(50))
		break_for(LONG_MS,
		    OUTAGE_ENGINE + (a->sweep.engine == world.engine_ids[0] ? 0 : 1), 4);
	else if (a->kind == ACTOR_SWEEP && a->state == SWEEP_COLLECTING)
		runtime_post(
		    sim.app.runtime, &(struct event){ .kind = EV_CANCEL, .to = a->id });
	else if (a->kind == ACTOR_NOTIFY && a->state == NOTIFY_SENDING)
		break_for(LONG_MS, OUTAGE_RECEIVER + receiver_of(a->id), 3);
}

void
storm_moved(const struct moved *m)
{
	const struct actor *a = &m->after;
	bool is_new = m->from != a->state;

	if (a->id == grudge.actor && a->state != grudge.state)
		forget_grudge();
	if (sim.is_calm)
		return;
	if (a->kind == ACTOR_SWAP && a->state == SWAP_CONFIRMING && a->swap.tries == SWAP_TRIES
	    && world_chance(90))
		spoil_the_last_try(a);
	if (is_new && is_while_nobody_serves(a))
		break_while_nobody_serves(a);
	doubt(a);
	if (!is_new)
		return;
	hurry(a);
	if (sim.is_guarded)
		crowd(a);
	if (a->kind == ACTOR_DEPLOY)
		deploy_moved(a, m->on);
	if (world_chance(sim.pace == 1 ? 5 : 15))
		break_what_is_next(a);
}

bool
storm_is_silent(void)
{
	return world.now_ms < silent_until_ms;
}

void
misfortunes_reset(void)
{
	silent_until_ms = 0;
	grudge.actor = 0;
	memset(doubted, 0, sizeof(doubted));
}
