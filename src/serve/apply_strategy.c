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
	return spec->migration.command.count > 0 ? 1u << TASK_MIGRATION : 0;
}
