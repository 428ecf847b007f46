/* check_window.c - laws of the verification window: a version that has shown itself bad does not stay, one that
 * stays was watched for as long as its stage asks, and going back starts nothing, because the version before runs. */
#include "sim.h"
#include "world_window.h"

/* It has one to go back to, and was not brought by somebody who has left that. */
static bool
has_window(const struct actor *a, const struct facts *facts)
{
	return facts->verify_ms > 0 && a->deploy.elder != 0 && a->deploy.body == 0
	       && a->deploy.strategy == STRATEGY_BLUE_GREEN
	       && a->deploy.trigger != TRIGGER_ROLLBACK;
}

static bool
is_behind_window(const struct moved *m)
{
	return m->after.state == DEPLOY_DRAINING || m->after.state == DEPLOY_RETIRING
	       || m->after.state == DEPLOY_LIVE;
}

void
check_window_moved(const struct moved *m)
{
	const struct actor *a = &m->after;
	bool is_unwatched = a->deploy.failed_tasks >> TASK_VERIFIES & 1u;
	struct facts facts;

	if (a->state == DEPLOY_VERIFYING)
		window_began(a->id, a->deploy.watched_since_ms);
	if (m->from == a->state || !is_behind_window(m) || !ports_facts(a->id, 0, &facts)
	    || (a->deploy.tasks >> TASK_VERIFIES & 1u) == 0 || !has_window(a, &facts))
		return;
	if (window_since_ms(a->id) == 0)
		sim_fail("it stays, and was not watched", a->id);
	if (window_has_failed(a->id) && !window_has_passed(a->id) && !is_unwatched)
		sim_fail("it stays, though it failed in its window", a->id);
	if (!window_has_passed(a->id) && !is_unwatched)
		sim_fail("it stays, and its window was not over", a->id);
}

/* What runs is led back to. What a deploy before could not start again does not. */
void
check_window_effect(const struct effect *effect)
{
	bool starts = effect->kind == FX_RUN || effect->kind == FX_REVIVE
		      || effect->kind == FX_PULL || effect->kind == FX_HALT;

	if (starts && effect->deploy != 0 && window_since_ms(effect->deploy) != 0)
		sim_fail("something is started by a deploy that was on trial", effect->deploy);
}

void
check_window_actor(const struct actor *a)
{
	const struct actor *stage;

	if (a->state != DEPLOY_VERIFYING
	    && (a->state != DEPLOY_SWAPPING_BACK || a->deploy.watched_since_ms == 0))
		return;
	stage = runtime_actor(sim.app.runtime, a->deploy.stage);
	if (stage->stage.live != a->deploy.elder)
		sim_fail(
		    "on trial, and another than the version before counts as live", a->id);
	if (world.running[a->deploy.elder] == 0 && world.vanished[a->deploy.elder] == 0
	    && !world.is_unrevived[a->deploy.elder])
		sim_fail("on trial, and the version before does not run", a->id);
}
