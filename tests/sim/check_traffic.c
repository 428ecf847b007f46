/* check_traffic.c - the law of traffic, at every instant: what a route leads to runs and is healthy,
 * a stage that has served goes on serving, and no name of what is live leads nowhere. */
#include <string.h>

#include "sim.h"

static void
check_route(int place)
{
	const struct route *r = &world.routes[place];
	if (r->target == 0)
		return;
	if ((r->replicas & world.running[r->target]) == 0 && world.vanished[r->target] == 0)
		sim_fail("the route points at what does not run", r->target);
	if (world.is_bad[r->target])
		sim_fail("the route points at what never was healthy", r->target);
	if (r->replicas & ~(uint32_t)(world.running[r->target] | world.vanished[r->target]))
		sim_fail("the route leads to a replica that was never there", r->target);
}

/* What is live holds its names, but one that another stage took over. Should its containers have gone
 * by themselves, a restore takes the route away until the next look. */
static void
check_names(int place)
{
	const struct actor *stage = runtime_actor(sim.app.runtime, world.stage_ids[place]);
	struct facts live;
	struct facts running;

	if (stage == NULL || stage->stage.live == 0
	    || !ports_facts(stage->stage.live, stage->id, &live)
	    || (live.serving == 0 && world.vanished[stage->stage.live] != 0))
		return;
	if (live.leads != 0 && world.routes[place].target == 0)
		sim_fail("a stage that served has no route", stage->id);
	if (stage->stage.running != 0 && ports_facts(stage->stage.running, 0, &running))
		live.leads &= running.leads;
	for (uint32_t i = 0; i < WORLD_LEADS; i++)
		if ((live.leads >> i & 1u) && world.lead_owner[i] == 0)
			sim_fail("a name of what is live leads nowhere", i);
}

void
check_traffic(void)
{
	for (int i = 0; i < WORLD_STAGES; i++) {
		check_route(i);
		if (sim.is_up && !sim.is_dead)
			check_names(i);
	}
}
