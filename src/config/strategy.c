/* strategy.c - see strategy.h. Pure. */
#include "config/strategy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/units.h"

static const char *const names[STRATEGY_COUNT] = {
	[STRATEGY_BLUE_GREEN] = "blue-green",
	[STRATEGY_STOP_FIRST] = "stop-first",
	[STRATEGY_RECREATE] = "recreate",
};

static const char *const promises[STRATEGY_COUNT] = {
	[STRATEGY_BLUE_GREEN] = "the old version serves until the new one does",
	[STRATEGY_STOP_FIRST] =
	    "the old version is stopped before the new one starts; requests "
	    "wait at the edge, each for up to 30 s",
	[STRATEGY_RECREATE] = "the old version is stopped before the new one starts; requests "
			      "fail meanwhile",
};

const char *
strategy_name(enum strategy strategy)
{
	return names[strategy];
}

/* The first thing that two versions cannot both have; false: there is none. */
static bool
find_exclusive(const struct stage_spec *spec, char reason[REASON_SIZE])
{
	for (size_t i = 0; i < spec->volume_count; i++) {
		const struct volume_spec *volume = &spec->volumes[i];

		if (volume->read_only || volume->is_shared)
			continue;
		snprintf(reason, REASON_SIZE,
		    "'%.120s' at %.120s would be written by two versions at once (if both "
		    "may, "
		    "say so: ':shared' behind it)",
		    volume->source, volume->target);
		return true;
	}
	if (spec->has_host_network)
		snprintf(reason, REASON_SIZE,
		    "with 'host_network' two versions would listen on the same ports of the "
		    "host");
	else if (spec->devices.count > 0)
		snprintf(reason, REASON_SIZE,
		    "two versions would use the device '%.120s' at once",
		    spec->devices.items[0]);
	return spec->has_host_network || spec->devices.count > 0;
}

static void
choose(const struct stage_spec *spec, bool can_wait, struct strategy_plan *plan)
{
	bool is_exclusive = find_exclusive(spec, plan->reason);

	if (!is_exclusive)
		snprintf(plan->reason, sizeof(plan->reason),
		    "two versions have nothing that only one of them may have");
	plan->strategy = !is_exclusive ? STRATEGY_BLUE_GREEN
			 : can_wait    ? STRATEGY_STOP_FIRST
				       : STRATEGY_RECREATE;
}

static void
force(const struct stage_spec *spec, bool can_wait, struct strategy_plan *plan)
{
	char conflict[REASON_SIZE];

	for (int i = 0; i < STRATEGY_COUNT; i++)
		if (strcmp(spec->strategy, names[i]) == 0)
			plan->strategy = (enum strategy)i;
	snprintf(plan->reason, sizeof(plan->reason), "the stage asks for it");
	if (plan->strategy == STRATEGY_BLUE_GREEN && find_exclusive(spec, conflict))
		snprintf(plan->refusal, sizeof(plan->refusal),
		    "blue-green cannot work: %s; or leave 'strategy' out", conflict);
	if (plan->strategy == STRATEGY_STOP_FIRST && !can_wait)
		snprintf(plan->refusal, sizeof(plan->refusal),
		    "stop-first lets requests wait at the edge, and none come by there: "
		    "use 'recreate', or lead the stage by the edge");
}

static int64_t
gate_ms(const struct health_spec *health)
{
	int64_t probes_ms =
	    health->kind == HEALTH_NONE ? 0 : (health->successes - 1) * health->interval_ms;

	return probes_ms > health->min_uptime_ms ? probes_ms : health->min_uptime_ms;
}

/* What is watched behind the switch, and what cannot be. */
static void
describe_window(const struct stage_spec *spec, bool is_by_edge, struct strategy_plan *plan)
{
	char length[UNITS_TEXT_SIZE];

	if (spec->verify.for_ms == 0)
		return;
	units_duration_text(spec->verify.for_ms, length);
	if (plan->strategy != STRATEGY_BLUE_GREEN)
		snprintf(plan->window, sizeof(plan->window),
		    "none, in spite of 'verify': the old version is stopped first, so there "
		    "is nothing that runs to go back to");
	else if (!is_by_edge || spec->domains.count == 0)
		snprintf(plan->window, sizeof(plan->window),
		    "%s, by its containers and their health check; error responses are not "
		    "counted: %s",
		    length,
		    stage_spec_has_route(spec) ? "no HTTP requests come by the edge"
					       : "it has no route");
	else
		snprintf(plan->window, sizeof(plan->window),
		    "%s, by its containers, their health check and its error responses",
		    length);
}

void
strategy_plan(const struct stage_spec *spec, bool is_by_edge, struct strategy_plan *plan)
{
	bool can_wait = is_by_edge && stage_spec_has_route(spec);

	*plan = (struct strategy_plan){ 0 };
	if (strcmp(spec->strategy, "auto") == 0)
		choose(spec, can_wait, plan);
	else
		force(spec, can_wait, plan);
	plan->name = names[plan->strategy];
	plan->promise = promises[plan->strategy];
	describe_window(spec, is_by_edge, plan);
	if (plan->strategy == STRATEGY_BLUE_GREEN)
		return;
	if (!stage_spec_has_route(spec))
		plan->promise = "the old version is stopped before the new one starts";
	plan->expected_ms = gate_ms(&spec->health);
	plan->most_ms = spec->stop_ms + spec->health.deadline_ms;
}

void
strategy_describe(const struct strategy_plan *plan, struct buf *to)
{
	buf_format(to, "%s: %s", plan->name, plan->promise);
	if (plan->strategy != STRATEGY_BLUE_GREEN)
		buf_format(to, "; about %" PRId64 ".%" PRId64 " s, at most %" PRId64 " s",
		    plan->expected_ms / 1000, plan->expected_ms % 1000 / 100,
		    (plan->most_ms + 999) / 1000);
	buf_format(to, "; because %s", plan->reason);
	if (plan->window[0] != '\0')
		buf_format(to, "; verification window: %s", plan->window);
}
