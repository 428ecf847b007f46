/* check_traffic.c - the law of traffic, at every instant: what a route leads to runs and is healthy,
 * a stage that has served goes on serving, and no name of what is live leads nowhere. */
#include <string.h>

#include "sim.h"
#include "world_front.h"

static void
check_target(uint64_t target, uint32_t replicas)
{
	uint32_t there = world.running[target] | world.vanished[target];

	if (world.is_unrevived[target]) /* the engine said so, and the deploy ended with it */
		return;
	if (world.is_untold
		[target]) /* stopped first, where no request can wait: that was announced */
		return;
	if (target == 0 || ((replicas & ~there) != 0 && traffic_has_given_up(target)))
		return;
	if ((replicas & world.running[target]) == 0 && world.vanished[target] == 0)
		sim_fail("the route points at what does not run", target);
	if (world.is_bad[target])
		sim_fail("the route points at what never was healthy", target);
	if (replicas & ~there)
		sim_fail("the route leads to a replica that was never there", target);
}

static void
check_route(int place)
{
	check_target(world.routes[place].target, world.routes[place].replicas);
}

static void
check_leading(const struct leading *l)
{
	for (int i = 0; i < WORLD_STAGES; i++)
		check_target(l->stages[i].target, l->stages[i].replicas);
}

/* What takes requests now, and what would take them after a reload. */
static void
check_front(const struct front_of_world *f)
{
	check_leading(&f->files);
	for (int i = 0; i < GENERATIONS && !f->is_off; i++)
		if (i == 0 || f->generations[i].until_ms > world.now_ms)
			check_leading(&f->generations[i].serves);
}

/* A proxy in front needs a moment to give a name back to the stage that another had taken it from. */
static bool
is_led(enum at proxy, uint32_t lead, int place)
{
	const struct front_of_world *f = &fronts_of_world[proxy];

	if (proxy == AT_EDGE)
		return world.lead_owner[lead] != 0;
	if (f->owner[lead] != place + 1)
		return true;
	for (int i = 0; i < WORLD_STAGES; i++)
		if (f->told.stages[i].target != 0 && (f->told.stages[i].leads >> lead & 1u))
			return true;
	return false;
}

/* Only while a deploy that stops the old version first is under way; or, when that one has led the
 * stage away from the edge, until the edge can be asked to give up what it holds. */
static bool
is_parked_by_right(int place, const struct actor *stage)
{
	const struct actor *deploy = runtime_actor(sim.app.runtime, stage->stage.running);

	if (!world.routes[place].is_parked)
		return false;
	if (deploy == NULL)
		return world.now_ms < world.outage_until_ms[OUTAGE_PROXY];
	return deploy->deploy.strategy != STRATEGY_BLUE_GREEN && deploy->deploy.elder != 0;
}

/* The old version was stopped first, runs again, and its proxy is told of it just now. */
static bool
is_returning(const struct actor *stage)
{
	const struct actor *deploy = runtime_actor(sim.app.runtime, stage->stage.running);

	return deploy != NULL
	       && (deploy->state == DEPLOY_REVIVING || deploy->state == DEPLOY_RETURNING);
}

bool
is_being_stopped(const struct actor *stage)
{
	const struct actor *deploy = runtime_actor(sim.app.runtime, stage->stage.running);

	return deploy != NULL && deploy->deploy.trigger == TRIGGER_STOP;
}

static bool
is_away(enum at proxy)
{
	return proxy != AT_EDGE
	       && (fronts_of_world[proxy].is_off
		   || world.now_ms < world.outage_until_ms[OUTAGE_PROXY + (int)proxy]);
}

/* What is live holds its names, but one that another stage took over. Should its containers have gone
 * by themselves, a restore takes the route away until the next look. */
static void
check_names(int place)
{
	const struct actor *stage = runtime_actor(sim.app.runtime, world.stage_ids[place]);
	struct facts live;
	struct facts running;

	if (stage == NULL || stage->stage.live == 0 || is_being_stopped(stage)
	    || !ports_facts(stage->stage.live, stage->id, &live)
	    || (live.serving == 0 && world.vanished[stage->stage.live] != 0))
		return;
	if (stage->stage.running != 0 && ports_facts(stage->stage.running, 0, &running)
	    && running.proxy == live.proxy)
		live.leads &= running.leads;
	if (live.proxy != AT_EDGE
	    && (world.running[stage->stage.live] == 0 || world.is_halted[stage->stage.live]
		|| is_returning(stage)))
		return; /* a restore to it took its route away: it has no address */
	if (world.vanished[stage->stage.live] != 0 && is_away(live.proxy))
		return; /* it came back with an address, and its proxy cannot be told yet */
	if (world.is_unrevived[stage->stage.live] || world.is_untold[stage->stage.live])
		return; /* nothing is left to lead to, and no address; or it was announced */
	if (live.proxy == AT_EDGE && live.leads != 0 && world.routes[place].target == 0
	    && !is_parked_by_right(place, stage))
		sim_fail("a stage that served has no route", stage->id);
	for (uint32_t i = 0; i < WORLD_LEADS; i++)
		if ((live.leads >> i & 1u) && !is_led(live.proxy, i, place))
			sim_fail("a name of what is live leads nowhere", i);
}

void
check_traffic(void)
{
	for (int i = AT_NPM; i < AT_COUNT; i++)
		check_front(&fronts_of_world[i]);
	for (int i = 0; i < WORLD_STAGES; i++) {
		check_route(i);
		if (sim.is_up && !sim.is_dead)
			check_names(i);
	}
}
