/* check_deploys.c - laws of deploys, stages and swaps: how a deploy ends, one at a time in a stage,
 * a deadline wherever something waits, and nothing leaves before the commit that explains it. */
#include <string.h>

#include "base/check.h"
#include "sim.h"
#include "store/db.h"
#include "store/store.h"
#include "world_front.h"
#include "world_tasks.h"

enum { MOMENT_MS = 1000 };

uint64_t final_counts[DEPLOY_COUNT];

static uint8_t final_state[WORLD_DEPLOYS]; /* enum deploy_state + 1 once over */
static uint32_t active[WORLD_STAGES];

void
check_reset(void)
{
	memset(final_state, 0, sizeof(final_state));
}

/* Whose containers serve once it is live. */
static uint64_t
body_of(const struct actor *a)
{
	return a->deploy.body != 0 ? a->deploy.body : a->id;
}

static void
check_live(const struct actor *a, int place, const struct actor *stage)
{
	struct facts facts = { .proxy = AT_EDGE };
	uint64_t body = body_of(a);

	ports_facts(body, stage->id, &facts);
	if (a->deploy.has_route && facts.leads != 0
	    && world_target(facts.proxy, place) != body)
		sim_fail("LIVE, but the route points elsewhere", a->id);
	if (world.running[body] == 0 && world.vanished[body] == 0)
		sim_fail("LIVE, but nothing runs", a->id);
	if (world.is_bad[body])
		sim_fail("LIVE, but it never was healthy", a->id);
	if (body != a->id && world.there[a->id] != 0)
		sim_fail("what was kept warm serves, and something was started", a->id);
	if (stage->stage.live != body && !is_being_stopped(stage)) /* in the same tick */
		sim_fail("LIVE, but the stage says otherwise", a->id);
	if ((facts.tasks >> TASK_SWAPS_BACK & 1u) && facts.elder != 0 && !facts.halts
	    && task_has_begun(a->id, TASK_POST_SWITCH)
	    && !task_ended_well(a->id, TASK_POST_SWITCH))
		sim_fail("LIVE, though a hook that would lead back has failed", a->id);
}

static void
check_not_live(const struct actor *a, int place, const struct actor *stage)
{
	for (int i = 0; i < AT_COUNT; i++)
		if (world_target((enum at)i, place) == body_of(a)
		    && stage->stage.live != body_of(a)
		    && !(
			world.vanished[body_of(a)] != 0 && front_is_behind((enum at)i, place)))
			sim_fail("ended without success and holds the route", a->id);
	if (stage->stage.live == a->id)
		sim_fail("ended without success and is called live", a->id);
	if (a->state != DEPLOY_FAILED && a->deploy.reason[0] == '\0')
		sim_fail("ended without a reason", a->id);
}

/* Nothing was started, and nobody is led anywhere. */
static void
check_stopped(const struct actor *a, int place, const struct actor *stage)
{
	if (a->deploy.trigger != TRIGGER_STOP || world.there[a->id] != 0)
		sim_fail("STOPPED, and something was started", a->id);
	if (stage->stage.live != 0 || stage->stage.kept[0].deploy != 0
	    || stage->stage.stopped != a->id)
		sim_fail("STOPPED, but the stage says otherwise", a->id);
	for (int i = 0; i < AT_COUNT; i++)
		if (world_target((enum at)i, place) != 0
		    && !front_is_behind((enum at)i, place))
			sim_fail("STOPPED, but the route leads somewhere", a->id);
}

/* A swap is done when no new request goes anywhere else. */
static void
check_swapped(const struct actor *swap)
{
	int place = world_place(swap->swap.stage);
	uint64_t body = swap->swap.body != 0 ? swap->swap.body : swap->swap.deploy;
	struct facts facts;

	if (!ports_facts(body, swap->swap.stage, &facts) || facts.proxy == AT_EDGE
	    || facts.leads == 0)
		return;
	if (facts.is_stop && fronts_of_world[facts.proxy].is_off)
		return; /* where nobody listens nobody is led anywhere */
	if (front_leads_elsewhere(facts.proxy, place, facts.is_stop ? 0 : body))
		sim_fail("a swap is done, and new requests go elsewhere", swap->swap.deploy);
}

/* A step, as it is released: its commit has happened. */
void
check_moved(const struct moved *m)
{
	const struct actor *a = &m->after;

	if (a->kind == ACTOR_STAGE && (a->stage.live != 0 || a->stage.stopped != 0))
		world_route(a->id)->has_served = a->stage.live != 0;
	if (a->kind == ACTOR_SWAP && a->state == SWAP_DONE)
		check_swapped(a);
	if (a->kind == ACTOR_DEPLOY)
		check_window_moved(m);
	if (a->kind != ACTOR_DEPLOY || !fsm_is_final(&deploy_spec, a->state))
		return;
	const struct actor *stage = runtime_actor(sim.app.runtime, a->deploy.stage);

	if (final_state[a->id] != 0)
		sim_fail("a deploy ended twice", a->id);
	final_state[a->id] = (uint8_t)(a->state + 1);
	final_counts[a->state]++;
	if (a->deploy.ended_ms == 0)
		sim_fail("a deploy ended without a time", a->id);
	if (a->state == DEPLOY_STOPPED)
		check_stopped(a, world_place(stage->id), stage);
	else if (a->state == DEPLOY_LIVE)
		check_live(a, world_place(stage->id), stage);
	else
		check_not_live(a, world_place(stage->id), stage);
}

static bool
stops_first(uint64_t deploy)
{
	const struct actor *a = runtime_actor(sim.app.runtime, deploy);

	return a != NULL && a->deploy.strategy != STRATEGY_BLUE_GREEN && a->deploy.elder != 0;
}

/* Each hook comes in its place, and nothing leads traffic to a version whose pre-switch hook has not ended well. */
static void
check_hooks(const struct effect *effect)
{
	struct facts facts;

	if (effect->kind == FX_HOOK && ports_facts(effect->deploy, effect->stage, &facts))
		tasks_hook_is_asked(effect, &facts);
	if (effect->kind == FX_SWITCH && ports_facts(effect->deploy, effect->stage, &facts)
	    && (facts.tasks >> TASK_PRE_SWITCH & 1u)
	    && !task_ended_well(effect->deploy, TASK_PRE_SWITCH))
		sim_fail("a switch before the pre-switch hook", effect->deploy);
}

/* What the store says now is what a crash would find. */
void
check_effect(const struct effect *effect)
{
	struct query *q;

	/* What a port writes while it is asked is in the next transaction, and no part of a step. */
	if (store_is_dirty(sim.store) && !sim.has_port_written)
		sim_fail("an effect left before the commit", effect->actor);
	if ((effect->kind == FX_PARK || effect->kind == FX_HALT || effect->kind == FX_REVIVE)
	    && !stops_first(effect->deploy))
		sim_fail("the old version is to be stopped by a deploy that needs it",
		    effect->deploy);
	check_hooks(effect);
	check_window_effect(effect);
	if (effect->kind != FX_SWITCH && effect->kind != FX_RESTORE && effect->kind != FX_PARK)
		return;
	q = db_read(store_db(sim.store), "SELECT epoch FROM swap WHERE id = ?");
	query_integer(q, (int64_t)effect->actor);
	if (!sim.is_dead && (!db_next(q) || (uint32_t)column_integer(q, 0) < effect->epoch))
		sim_fail("a fence left before it was stored", effect->actor);
	db_done(q);
}

/* Beside refusals and heartbeats, which know nothing, answers leave in the release only. */
void
check_leaving(void)
{
	if (sim.is_releasing && store_is_dirty(sim.store))
		sim_fail("an answer left before the commit", 0);
}

static void
check_deploy(const struct actor *a)
{
	int place = world_place(a->deploy.stage);

	CHECK(place >= 0);
	terms_actor(a);
	check_window_actor(a);
	if (a->state != DEPLOY_RESOLVING && a->state != DEPLOY_QUEUED
	    && a->state != DEPLOY_PENDING && ++active[place] > 1)
		sim_fail("two deploys under way in one stage", a->deploy.stage);
}

/* What a stage keeps runs on, for its time and no longer. */
static void
check_running_on(const struct actor *stage)
{
	const struct kept *kept = stage->stage.kept;

	for (uint32_t i = 0; i < KEPT_MAX && kept[i].deploy != 0; i++) {
		uint64_t deploy = kept[i].deploy;

		if (deploy == stage->stage.live)
			sim_fail("what serves is called kept", deploy);
		if (world.running[deploy] == 0 && world.vanished[deploy] == 0)
			sim_fail("what is kept does not run", deploy);
		if (kept[i].until_ms != 0 && kept[i].until_ms + MOMENT_MS < world.now_ms)
			sim_fail("kept for longer than was asked for", deploy);
		if (i >= CONFIG_INSTANCES_MAX - 1)
			sim_fail("more is kept than was ever asked for", deploy);
		for (uint32_t k = 0; kept[i].until_ms == 0 && k < i; k++)
			if (strcmp(kept[k].tag, kept[i].tag) == 0)
				sim_fail("two versions of one tag are kept", deploy);
	}
}

static void
check_actor(void *context UNUSED, const struct actor *a)
{
	const struct spec *spec = fsm_spec_of(a->kind);
	bool rests = spec->resting >> a->state & 1u;

	if (!rests && a->deadline_ms == 0)
		sim_fail("a state without a deadline", a->id);
	if (rests && a->deadline_ms != 0)
		sim_fail("a resting state with a deadline", a->id);
	if (a->kind == ACTOR_DEPLOY)
		check_deploy(a);
	if (a->kind == ACTOR_STAGE)
		check_running_on(a);
	if (a->kind == ACTOR_SWAP) {
		const struct actor *parent = runtime_actor(sim.app.runtime, a->swap.deploy);
		if (parent == NULL || parent->deploy.swap != a->id
		    || (parent->state != DEPLOY_SWAPPING && parent->state != DEPLOY_ABORTING
			&& parent->state != DEPLOY_SWAPPING_BACK && !stops_first(parent->id)))
			sim_fail("a swap without its deploy", a->id);
	}
}

/* After every tick that the process survived. */
void
check_world(void)
{
	check_traffic();
	if (!sim.is_up || sim.is_dead)
		return;
	memset(active, 0, sizeof(active));
	runtime_visit(sim.app.runtime, check_actor, NULL);
}
