/* terms.c - see terms.h. */
#include "serve/terms.h"

#include <string.h>

#include "base/clock.h"
#include "config/window.h"
#include "serve/app.h"
#include "serve/kept.h"
#include "serve/runtime.h"
#include "store/deploys.h"

bool
terms_is_whole(const struct app *app, const struct stage_entry *stage)
{
	const struct actor *a = runtime_actor(app->runtime, stage->id);
	struct instance instances[REPLICAS_MAX];
	size_t count = store_instances(app->store, a->stage.live, instances, REPLICAS_MAX);

	for (size_t i = 0; i < count; i++)
		if (strcmp(instances[i].status, "running") != 0)
			return false;
	return count > 0;
}

const struct stage_entry *
terms_source(const struct app *app, const struct stage_entry *stage)
{
	if (stage->spec->promote_from[0] == '\0')
		return NULL;
	return catalog_stage_by_name(
	    app->catalog, stage->spec->project, stage->spec->promote_from);
}

/* What somebody is leaving (it is in quarantine while it still serves) is not verified any more. */
static void
read_source(const struct app *app, const struct stage_entry *source, struct terms *terms)
{
	const struct actor *a;

	if (source == NULL)
		return;
	a = runtime_actor(app->runtime, source->id);
	if (a->stage.live == 0 || stage_holds(&a->stage, a->stage.live_digest, NULL)
	    || !terms_is_whole(app, source))
		return;
	memcpy(terms->source_digest, a->stage.live_digest, sizeof(terms->source_digest));
	terms->source_since_ms = a->stage.live_since_ms;
}

void
terms_read(const struct app *app, const struct stage_entry *stage, struct terms *ret_terms)
{
	const struct stage_spec *spec = stage->spec;

	*ret_terms = (struct terms){ .soak_ms = spec->soak_ms,
		.approve_ms = spec->approve_ms,
		.approvals = (uint32_t)spec->approvals,
		/* Hours of the day are the machine's own, also when somebody has set its clock. */
		.closed_ms =
		    windows_closed_ms(&spec->windows, spec->time_zone, clock_wall_ms()) };
	if (spec->promote_from[0] == '\0')
		return;
	CHECK(str_copy(
	    ret_terms->source, sizeof(ret_terms->source), str_of(spec->promote_from)));
	read_source(app, terms_source(app, stage), ret_terms);
}

void
terms_inform(void *context, struct event *event)
{
	const struct app *app = context;
	const struct stage_entry *stage = catalog_stage(app->catalog, event->to);

	if (stage == NULL)
		return;
	terms_read(app, stage, &event->terms);
	if (event->kind == EV_PASSING)
		kept_terms(app, stage, &event->terms);
}
