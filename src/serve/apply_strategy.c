/* apply_strategy.c - which strategy and which tasks each stage gets, told to its actor.
 *
 * The one idea: that follows from the configuration alone (config/strategy.h), so it is worked out anew wherever
 * it changes, and after a start, instead of being kept. */
#include "config/strategy.h"
#include "ports/route.h"
#include "serve/app.h"
#include "serve/apply_inside.h"
#include "serve/commands.h"
#include "serve/runtime.h"
#include "store/catalog.h"

enum strategy
apply_strategy_of(const struct app *app, const struct stage_spec *spec)
{
	struct strategy_plan plan;

	strategy_plan(spec, route_is_by_edge(app->catalog, spec), &plan);
	return plan.strategy;
}

/* The strategy also depends on the proxy's way, and on what this program holds to be safe. */
void
apply_strategies(struct app *app)
{
	for (size_t i = 0; i < catalog_stage_count(app->catalog); i++) {
		const struct stage_entry *entry = catalog_stage_at(app->catalog, i);
		enum strategy strategy = apply_strategy_of(app, entry->spec);
		struct event event = { .kind = EV_CONFIGURED,
			.to = entry->id,
			.spec = entry->spec_id,
			.strategy = strategy,
			.count = apply_tasks_of(entry->spec),
			.flag = stage_spec_has_route(entry->spec) };

		if (runtime_actor(app->runtime, entry->id)->stage.strategy != strategy)
			runtime_deliver(app->runtime, &event, NULL);
	}
}

uint32_t
apply_tasks_of(const struct stage_spec *spec)
{
	const struct hooks_spec *hooks = &spec->hooks;
	uint32_t tasks = 0;

	tasks |= (uint32_t)(spec->migration.command.count > 0) << TASK_MIGRATION;
	tasks |= (uint32_t)(hooks->pre_switch.command.count > 0) << TASK_PRE_SWITCH;
	tasks |= (uint32_t)(hooks->post_switch.command.count > 0) << TASK_POST_SWITCH;
	tasks |= (uint32_t)(hooks->post_retire.command.count > 0) << TASK_POST_RETIRE;
	tasks |= (uint32_t)hooks->post_switch.swaps_back << TASK_SWAPS_BACK;
	tasks |= (uint32_t)(spec->verify.for_ms > 0) << TASK_VERIFIES;
	return tasks;
}
