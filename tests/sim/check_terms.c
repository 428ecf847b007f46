/* check_terms.c - laws of promotion: no version gets its turn, and none gets traffic, against the terms of
 * its stage as they are in that very step; and what pends is known to its stage.
 *
 * The one idea: steps are released in their order, so the stages as they were in each step can be
 * followed beside; what is asked here is worked out anew, not with the code that decides. */
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/clock.h"
#include "config/spec.h"
#include "sim.h"
#include "store/catalog.h"
#include "store/db.h"
#include "store/deploys.h"
#include "store/promotions.h"
#include "store/store.h"

enum { DAY_MS = 86400000, HOUR_MS = 3600000 };

static struct stage stages[WORLD_STAGES]; /* as of the step that was released last */

static void
keep(void *context UNUSED, const struct actor *a)
{
	int place = a->kind == ACTOR_STAGE ? world_place(a->id) : -1;

	if (place >= 0)
		stages[place] = a->stage;
}

/* Before a birth: what a crash has left is not released. */
void
terms_begin(void)
{
	struct err err;

	memset(stages, 0, sizeof(stages));
	CHECK(store_actors_load(sim.store, keep, NULL, &err) == 0);
}

static int
place_of_source(int place, const char *name)
{
	for (int i = 0; i < WORLD_STAGES; i++)
		if (strcmp(stage_project(i), stage_project(place)) == 0
		    && strcmp(stage_name(i), name) == 0)
			return i;
	return -1;
}

static void
check_source(const struct actor *a, int place, const struct stage_spec *spec)
{
	int from = place_of_source(place, spec->promote_from);
	const struct stage *source;

	CHECK(from >= 0);
	source = &stages[from];
	if (source->live == 0 || strcmp(source->live_digest, a->deploy.digest) != 0)
		sim_fail("promoted, and not what is live in the source", a->id);
	if (stage_holds(source, a->deploy.digest, NULL))
		sim_fail("promoted, and given up in the source", a->id);
	if (clock_now_ms() - source->live_since_ms < spec->soak_ms)
		sim_fail("promoted too early", a->id);
}

/* So many people, each once, and none of them who asked. */
static void
check_approvals(const struct actor *a, const struct stage_spec *spec)
{
	struct approval approvals[APPROVALS_MAX + 1];
	size_t count = store_approvals(sim.store, a->id, approvals, COUNT(approvals));
	struct deploy_row row;
	struct wish wish;

	if (!store_deploy_get(sim.store, a->id, &row))
		return; /* it has ended in this very tick, and was removed by rule */
	store_wish_get(sim.store, a->id, &wish);
	if (count < (size_t)spec->approvals)
		sim_fail("too few have approved", a->id);
	for (size_t i = 0; i < count; i++) {
		if (approvals[i].is_rejection)
			sim_fail("rejected, and goes on", a->id);
		if (strcasecmp(approvals[i].by, wish.by) == 0)
			sim_fail("approved by who asked for it", a->id);
	}
}

/* The simulated user writes daily windows of whole hours. */
static bool
is_open(const struct stage_spec *spec)
{
	int64_t hour = clock_now_ms() % DAY_MS / HOUR_MS;

	for (size_t i = 0; i < spec->windows.count; i++) {
		const char *hours = strchr(spec->windows.items[i], ' ') + 1;
		int64_t from = (hours[0] - '0') * 10 + hours[1] - '0';
		int64_t to = (hours[6] - '0') * 10 + hours[7] - '0';

		if (from <= hour && hour < to)
			return true;
	}
	return spec->windows.count == 0;
}

static bool
is_by_machine(const struct actor *a)
{
	return a->deploy.trigger == TRIGGER_POLL || a->deploy.trigger == TRIGGER_WEBHOOK;
}

static void
check_stop_and_start(const struct actor *a, const struct stage *stage)
{
	if ((a->deploy.trigger == TRIGGER_STOP) != (stage->live != 0))
		sim_fail("a stop of nothing, or a start of what is live", a->id);
}

static void
check_granted(const struct actor *a, int place)
{
	const struct stage *stage = &stages[place];
	const struct stage_spec *spec = catalog_spec(sim.app.catalog, stage->spec);

	if (stage->stopped != 0 && is_by_machine(a))
		sim_fail("a machine has started what a person stopped", a->id);
	if (a->deploy.trigger == TRIGGER_STOP || a->deploy.trigger == TRIGGER_START)
		check_stop_and_start(a, stage);
	if (a->deploy.trigger != TRIGGER_MANUAL && a->deploy.trigger != TRIGGER_PROMOTE
	    && !is_by_machine(a))
		return;
	CHECK(spec != NULL);
	if (spec->promote_from[0] != '\0')
		check_source(a, place, spec);
	check_approvals(a, spec);
	if (a->deploy.is_overriding)
		return;
	if (!is_open(spec))
		sim_fail("a deploy outside of the windows", a->id);
	if (stage->frozen_until_ms > clock_now_ms())
		sim_fail("a deploy into a frozen stage", a->id);
}

void
terms_moved(const struct moved *m)
{
	const struct actor *a = &m->after;

	keep(NULL, a);
	if (a->kind == ACTOR_DEPLOY && m->on == EV_GRANTED)
		check_granted(a, world_place(a->deploy.stage));
}

/* After a tick, of each actor that is alive. */
void
terms_actor(const struct actor *a)
{
	const struct actor *stage;

	if (a->kind != ACTOR_DEPLOY || a->state != DEPLOY_PENDING)
		return;
	stage = runtime_actor(sim.app.runtime, a->deploy.stage);
	if (stage->stage.pending != a->id)
		sim_fail("pending, and its stage knows nothing of it", a->id);
}
