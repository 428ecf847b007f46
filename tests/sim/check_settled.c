/* check_settled.c - laws of the end: each route is what its stage calls live, and the sweeps have
 * left nothing that does not serve. */
#include "sim.h"
#include "store/catalog.h"
#include "world_front.h"
#include "world_tasks.h"

static void
check_stage(int place)
{
	const struct actor *stage = runtime_actor(sim.app.runtime, world.stage_ids[place]);
	struct facts live = { 0 };

	if (stage->state != STAGE_IDLE || stage->stage.running != 0
	    || stage->stage.waiting != 0 || stage->stage.resolving != 0
	    || stage->stage.pending != 0)
		sim_fail("a stage that is not at rest", stage->id);
	if (world.routes[place].is_parked)
		sim_fail("a route is parked, and nobody comes", stage->id);
	if (world.routes[place].is_stopped && stage->stage.stopped == 0)
		sim_fail(
		    "a route leads to nobody, and nobody has stopped its stage", stage->id);
	if (stage->stage.live != 0 && !ports_facts(stage->stage.live, stage->id, &live))
		sim_fail("what is live is not known", stage->stage.live);
	if (live.proxy != AT_EDGE
	    && (!front_has_room(live.proxy, place, live.leads)
		|| world.running[stage->stage.live] == 0))
		live.leads = 0; /* its names went to others, or it has no address */
	if (world.is_unrevived[stage->stage.live])
		live.leads = 0;
	if (live.leads != 0 && world_target(live.proxy, place) != stage->stage.live)
		sim_fail("the route is not what the stage says", stage->id);
	for (int i = 0; i < AT_COUNT; i++)
		if ((enum at)i != live.proxy && world_target((enum at)i, place) != 0)
			sim_fail("a proxy that the stage has left leads to it", stage->id);
	if (stage->stage.live != 0 && world.running[stage->stage.live] == 0
	    && world.vanished[stage->stage.live] == 0
	    && !world.is_unrevived[stage->stage.live])
		sim_fail("what is live does not run", stage->stage.live);
}

/* What is kept for no time is as many as the configuration of now wants. */
static void
check_versions(int place)
{
	const struct actor *stage = runtime_actor(sim.app.runtime, world.stage_ids[place]);
	const struct stage_entry *entry = catalog_stage(sim.app.catalog, stage->id);

	for (int i = 0; entry != NULL && i < KEPT_MAX; i++)
		if (stage->stage.kept[i].deploy != 0 && stage->stage.kept[i].until_ms == 0
		    && i + 1 >= entry->spec->max_instances)
			sim_fail("more versions are kept than is configured",
			    stage->stage.kept[i].deploy);
}

void
check_settled(void)
{
	for (int i = 0; i < WORLD_STAGES; i++) {
		check_stage(i);
		check_versions(i);
	}
	if (runtime_count(sim.app.runtime, ACTOR_SWEEP) < WORLD_ENGINES)
		return; /* one was stopped: a person's wish that only the simulator has */
	for (uint64_t d = 1; d <= world.newest_deploy; d++) {
		if (world.there[d] != 0 && ports_is_orphan(d))
			sim_fail("an orphan after the sweep", d);
		if (tasks_are_there(d) && ports_is_task_orphan(d))
			sim_fail("the container of a task after the sweep", d);
	}
}
