/* api_plan.c - how the next version of a stage would take the place of the one that serves.
 *
 * The one idea: the plan comes from the configuration alone (config/strategy.h); beside it stands what
 * the last deploy that stopped the old version first has really cost. */
#include <string.h>

#include "api/inside.h"
#include "base/arena.h"
#include "config/strategy.h"
#include "ports/route.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/store.h"

enum { STEPS_MAX = 256 };

/* From the stop of the elder until requests went to this one; 0: it never stopped it first. */
static int64_t
measure(struct app *app, struct request *rq, uint64_t deploy)
{
	struct journal_row *steps = arena_take_array(rq->arena, STEPS_MAX, sizeof(*steps));
	size_t count = store_journal(app->store, deploy, 0, steps, STEPS_MAX);
	int64_t from_ms = 0;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(steps[i].to, "HALTING") == 0 && from_ms == 0)
			from_ms = steps[i].at_ms;
		if (from_ms != 0
		    && (strcmp(steps[i].to, "CONFIRMING") == 0
			|| strcmp(steps[i].to, "RETIRING") == 0))
			return steps[i].at_ms - from_ms;
	}
	return 0;
}

static void
put_last(struct json_writer *w, struct app *app, struct request *rq, uint64_t live)
{
	int64_t took_ms = live == 0 ? 0 : measure(app, rq, live);

	json_key(w, "last");
	if (took_ms == 0) {
		json_put_null(w);
		return;
	}
	json_object_open(w);
	json_pair_integer(w, "deploy", (int64_t)live);
	json_pair_integer(w, "took_ms", took_ms);
	json_object_close(w);
}

void
api_stage_plan(void *context, struct request *rq)
{
	struct app *app = context;
	const struct stage_entry *stage = api_stage(app, rq);
	struct strategy_plan plan;
	struct json_writer w;
	uint64_t live;

	if (stage == NULL)
		return;
	live = runtime_actor(app->runtime, stage->id)->stage.live;
	strategy_plan(stage->spec, route_is_by_edge(app->catalog, stage->spec), &plan);
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_text(&w, "project", stage->spec->project);
	json_pair_text(&w, "stage", stage->spec->stage);
	json_pair_text(&w, "configured", stage->spec->strategy);
	json_pair_text(&w, "strategy", plan.name);
	json_pair_text(&w, "promise", plan.promise);
	json_pair_text(&w, "reason", plan.reason);
	json_pair_text(&w, "refusal", plan.refusal);
	json_pair_text(&w, "window", plan.window);
	json_pair_bool(&w, "replaces", live != 0);
	json_pair_integer(&w, "expected_ms", plan.expected_ms);
	json_pair_integer(&w, "most_ms", plan.most_ms);
	put_last(&w, app, rq, live);
	json_object_close(&w);
	reply_json(rq, 200);
}
