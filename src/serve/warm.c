/* warm.c - see warm.h.
 *
 * The one idea: nothing is removed here. A stage is told that its warm version has cooled (COOLED); once
 * that is stored, the containers are orphans like any others, and a sweep ends them. So a swap back that
 * begins at the same moment either has the version or never hears of it. */
#include "serve/warm.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "serve/app.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/deploys.h"

enum { MEMORY_LOOK_MS = 10000 };

/* Of another machine's memory nothing is known. */
static bool
is_short(const struct app *app, const struct stage_spec *spec)
{
	const struct engine_config *engine = catalog_engine(app->catalog, spec->engine);

	return engine != NULL && strncmp(engine->host, "unix:", 5) == 0
	       && memory_host_is_short();
}

int64_t
warm_keep_ms(const struct app *app, const struct stage_entry *stage)
{
	bool is_retired =
	    stage->spec->hooks.post_retire.command.count > 0; /* and waited for */

	if (is_retired || !stage_spec_has_route(stage->spec))
		return 0;
	return is_short(app, stage->spec) ? 0 : stage->spec->warm_ms;
}

static void
look_at(struct app *app, int64_t due_ms)
{
	if (due_ms < app->warm_due_ms)
		app->warm_due_ms = due_ms;
}

void
warm_moved(struct app *app, const struct moved *moved)
{
	if (moved->after.kind == ACTOR_STAGE && moved->after.stage.warm != 0)
		look_at(app, 0);
}

static struct event
cooled(uint64_t stage, uint64_t deploy)
{
	return (struct event){ .kind = EV_COOLED, .to = stage, .spare = deploy };
}

void
warm_check(struct app *app, uint64_t deploy)
{
	struct instance rows[REPLICAS_MAX];
	struct deploy_row row;
	struct event event;
	size_t count;

	if (!store_deploy_get(app->store, deploy, &row) || !row.is_warm)
		return;
	event = cooled(row.stage, deploy);
	count = store_instances(app->store, deploy, rows, REPLICAS_MAX);
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].status, "running") != 0) {
			(void)runtime_post(
			    app->runtime, &event); /* full: the next look tells */
			return;
		}
}

/* The sweep is nudged only after the commit, by the next look at the engine at the latest. */
static void
nudge(void *context, const struct actor *a)
{
	struct app *app = context;

	if (a->kind == ACTOR_SWEEP)
		(void)runtime_post(
		    app->runtime, &(struct event){ .kind = EV_NUDGED, .to = a->id });
}

static bool
step_stage(struct app *app, const struct stage_entry *entry, int64_t now_ms)
{
	struct stage stage = runtime_actor(app->runtime, entry->id)->stage;
	struct log_context about = { .deploy_id = stage.warm,
		.project = entry->spec->project,
		.stage = entry->spec->stage };
	bool is_early = stage.warm_until_ms > now_ms;
	struct event event = cooled(entry->id, stage.warm);

	if (stage.warm == 0)
		return false;
	if (is_early && !is_short(app, entry->spec)) {
		look_at(app, stage.warm_until_ms);
		look_at(app, now_ms + MEMORY_LOOK_MS);
		return false;
	}
	log_event(LOG_INFO, &about, "stage.cooled", (struct log_field[]){ LOG_END },
	    "deploy %llu is not kept warm any more%s", (unsigned long long)stage.warm,
	    is_early ? ": the machine is short of memory" : "");
	runtime_deliver(app->runtime, &event, NULL);
	return true;
}

void
warm_step(struct app *app, int64_t now_ms)
{
	bool has_cooled = false;

	if (now_ms < app->warm_due_ms)
		return;
	app->warm_due_ms = INT64_MAX;
	for (size_t i = 0; i < catalog_stage_count(app->catalog); i++)
		has_cooled =
		    step_stage(app, catalog_stage_at(app->catalog, i), now_ms) || has_cooled;
	if (has_cooled)
		runtime_visit(app->runtime, nudge, app);
}

int64_t
warm_due_ms(const struct app *app)
{
	return app->warm_due_ms;
}
