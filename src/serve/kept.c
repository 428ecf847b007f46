/* kept.c - see kept.h.
 *
 * The one idea: nothing is removed here. A stage is told that a version is not kept any more (COOLED); once
 * that is stored, the containers are orphans like any others, and a sweep ends them. So a swap back that
 * begins at the same moment either has the version or never hears of it. */
#include "serve/kept.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "ports/proxies.h"
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

void
kept_terms(const struct app *app, const struct stage_entry *stage, struct terms *terms)
{
	const struct stage_spec *spec = stage->spec;
	bool is_retired = spec->hooks.post_retire.command.count > 0; /* and waited for */

	if (!stage_spec_has_route(spec))
		return;
	if (spec->max_instances > 1) {
		terms->keep_ms = KEEP_ON;
		terms->keep_most = (uint32_t)spec->max_instances - 1;
	} else if (!is_retired && spec->warm_ms > 0 && !is_short(app, spec)) {
		terms->keep_ms = spec->warm_ms;
		terms->keep_most = 1;
	}
}

static void
look_at(struct app *app, int64_t due_ms)
{
	if (due_ms < app->kept_due_ms)
		app->kept_due_ms = due_ms;
}

void
kept_moved(struct app *app, const struct moved *moved)
{
	const struct stage_entry *stage;

	if (moved->after.kind != ACTOR_STAGE)
		return;
	if (moved->after.stage.kept[0].deploy != 0)
		look_at(app, 0);
	if (moved->on != EV_MOVED && moved->on != EV_COOLED)
		return;
	stage = catalog_stage(app->catalog, moved->after.id);
	if (stage != NULL && stage->spec->max_instances > 1)
		proxies_sync(app->proxies); /* others are reached by their tags now */
}

static struct event
cooled(uint64_t stage, uint64_t deploy)
{
	return (struct event){ .kind = EV_COOLED, .to = stage, .spare = deploy };
}

/* One that has no time may start again by itself, as what serves does. */
static bool
is_of_use(const struct instance *instance, bool is_timed)
{
	return strcmp(instance->status, "running") == 0
	       || (!is_timed && strcmp(instance->status, "missing") != 0);
}

static bool
has_time(const struct app *app, uint64_t stage, uint64_t deploy)
{
	const struct actor *a = runtime_actor(app->runtime, stage);

	for (int i = 0; a != NULL && i < KEPT_MAX; i++)
		if (a->stage.kept[i].deploy == deploy)
			return a->stage.kept[i].until_ms != 0;
	return true;
}

void
kept_check(struct app *app, uint64_t deploy)
{
	struct instance rows[REPLICAS_MAX];
	struct deploy_row row;
	struct event event;
	size_t count;
	size_t useful = 0;
	bool is_timed;

	if (!store_deploy_get(app->store, deploy, &row) || !row.is_kept)
		return;
	event = cooled(row.stage, deploy);
	is_timed = has_time(app, row.stage, deploy);
	count = store_instances(app->store, deploy, rows, REPLICAS_MAX);
	for (size_t i = 0; i < count; i++)
		useful += is_of_use(&rows[i], is_timed);
	/* To go back takes all of them; to be reached, one. Full: the next look tells. */
	if (is_timed ? useful < count : useful == 0)
		(void)runtime_post(app->runtime, &event);
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

void
kept_let_go(struct app *app, const struct stage_entry *stage, uint64_t deploy, const char *why)
{
	struct log_context about = { .deploy_id = deploy,
		.project = stage->spec->project,
		.stage = stage->spec->stage };
	struct event event = cooled(stage->id, deploy);

	log_event(LOG_INFO, &about, "stage.cooled", (struct log_field[]){ LOG_END },
	    "deploy %" PRIu64 " is not kept running any more%s", deploy, why);
	runtime_deliver(app->runtime, &event, NULL);
	runtime_visit(app->runtime, nudge, app);
}

/* "": it stays. */
static const char *
why_not(struct app *app, const struct stage_entry *entry, const struct kept *kept, int place,
    int64_t now_ms)
{
	if (kept->until_ms == 0)
		return place + 1 < entry->spec->max_instances
			   ? ""
			   : ": the configuration wants fewer";
	if (kept->until_ms <= now_ms)
		return ": its time is over";
	if (is_short(app, entry->spec))
		return ": the machine is short of memory";
	look_at(app, kept->until_ms);
	look_at(app, now_ms + MEMORY_LOOK_MS);
	return "";
}

static void
step_stage(struct app *app, const struct stage_entry *entry, int64_t now_ms)
{
	struct stage stage = runtime_actor(app->runtime, entry->id)->stage;

	for (int i = 0; i < KEPT_MAX && stage.kept[i].deploy != 0; i++) {
		const char *why = why_not(app, entry, &stage.kept[i], i, now_ms);

		if (why[0] != '\0')
			kept_let_go(app, entry, stage.kept[i].deploy, why);
	}
}

void
kept_step(struct app *app, int64_t now_ms)
{
	if (now_ms < app->kept_due_ms)
		return;
	app->kept_due_ms = INT64_MAX;
	for (size_t i = 0; i < catalog_stage_count(app->catalog); i++)
		step_stage(app, catalog_stage_at(app->catalog, i), now_ms);
}

int64_t
kept_due_ms(const struct app *app)
{
	return app->kept_due_ms;
}
