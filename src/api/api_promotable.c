/* api_promotable.c - what could be promoted where: the version, how it differs, and whether it may go.
 *
 * The one idea: what a person wants to know before saying yes. Of the environment only names are shown,
 * values may be secrets. */
#include <string.h>

#include "actors/permit.h"
#include "api/inside.h"
#include "base/clock.h"
#include "serve/runtime.h"
#include "serve/terms.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/store.h"

static const struct pair_spec *
find_pair(const struct stage_spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->env_count; i++)
		if (strcmp(spec->env[i].name, name) == 0)
			return &spec->env[i];
	return NULL;
}

/* Names that a has and b has not; or, both_differ, that both have with different values. */
static void
put_names(struct json_writer *w, const char *key, const struct stage_spec *a,
    const struct stage_spec *b, bool both_differ)
{
	json_key(w, key);
	json_array_open(w);
	for (size_t i = 0; i < a->env_count; i++) {
		const struct pair_spec *other = find_pair(b, a->env[i].name);
		bool differs = other != NULL
			       && (other->source != a->env[i].source
				   || strcmp(other->value, a->env[i].value) != 0);

		if (both_differ ? differs : other == NULL)
			json_put_text(w, a->env[i].name);
	}
	json_array_close(w);
}

/* `before` may be NULL: nothing is known of it. */
static void
put_env(struct json_writer *w, const char *key, const struct stage_spec *before,
    const struct stage_spec *now)
{
	json_key(w, key);
	if (before == NULL) {
		json_put_null(w);
		return;
	}
	json_object_open(w);
	put_names(w, "only_there", before, now, false);
	put_names(w, "only_here", now, before, false);
	put_names(w, "different", now, before, true);
	json_object_close(w);
}

static void
put_version(
    struct json_writer *w, const struct app *app, const char *key, const struct stage *s)
{
	struct deploy_brief row;

	json_key(w, key);
	if (!store_deploy_brief(app->store, s->live, &row)) {
		json_put_null(w);
		return;
	}
	json_object_open(w);
	json_pair_integer(w, "deploy", (int64_t)s->live);
	json_pair_text(w, "tag", row.tag);
	json_pair_text(w, "digest", s->live_digest);
	json_pair_integer(w, "since_ms", s->live_since_ms);
	json_pair_text(w, "state", row.state);
	json_object_close(w);
}

/* "live": it is here already; else what the stage would say to who asks now. */
static void
put_verdict(struct json_writer *w, const struct app *app, const struct stage_entry *stage,
    const struct stage *here, const char *digest)
{
	static const char *const verdicts[] = {
		[PERMIT_GO] = "ready", [PERMIT_WAIT] = "waits", [PERMIT_DENY] = "refused"
	};
	struct event question = { .trigger = TRIGGER_PROMOTE, .now_ms = clock_now_ms() };
	bool is_live =
	    digest[0] != '\0' && here->live != 0 && strcmp(digest, here->live_digest) == 0;
	enum permit_verdict verdict;
	struct permit permit;

	CHECK(str_copy(question.digest, sizeof(question.digest), str_of(digest)));
	terms_read(app, stage, &question.terms);
	verdict = permit_judge(here, &question, &permit);
	json_pair_text(w, "verdict", is_live ? "live" : verdicts[verdict]);
	json_pair_text(w, "reason", is_live ? "" : permit.text);
}

/* The deploy that pends for this digest, with how many have agreed. */
static void
put_pending(struct json_writer *w, const struct app *app, const struct stage *here)
{
	const struct actor *a = runtime_actor(app->runtime, here->pending);

	json_key(w, "pending");
	if (a == NULL) {
		json_put_null(w);
		return;
	}
	json_object_open(w);
	json_pair_integer(w, "deploy", (int64_t)a->id);
	json_pair_text(w, "tag", a->deploy.tag);
	json_pair_text(w, "digest", a->deploy.digest);
	json_pair_integer(w, "approvals", a->deploy.approvals);
	json_pair_text(w, "reason", a->deploy.reason);
	json_pair_integer(w, "created_ms", a->deploy.created_ms);
	json_object_close(w);
}

static void
put_stage(struct json_writer *w, const struct app *app, const struct stage_entry *stage,
    const struct stage_entry *source)
{
	const struct stage *here = &runtime_actor(app->runtime, stage->id)->stage;
	const struct stage *there = &runtime_actor(app->runtime, source->id)->stage;

	json_object_open(w);
	json_pair_text(w, "project", stage->spec->project);
	json_pair_text(w, "stage", stage->spec->stage);
	json_pair_text(w, "from", source->spec->stage);
	put_version(w, app, "version", there);
	put_version(w, app, "live", here);
	json_pair_integer(w, "replicas", source->spec->replicas);
	json_pair_integer(
	    w, "replicas_running", store_instances_count(app->store, there->live).running);
	put_verdict(w, app, stage, here, there->live == 0 ? "" : there->live_digest);
	json_pair_integer(w, "approvals", stage->spec->approvals);
	put_pending(w, app, here);
	put_env(w, "env", catalog_spec(app->catalog, there->live_spec), stage->spec);
	put_env(w, "env_live", catalog_spec(app->catalog, here->live_spec), stage->spec);
	json_object_close(w);
}

void
api_promotable(void *context, struct request *rq)
{
	const struct app *app = context;
	const char *project = api_query(rq, "project");
	const char *stage = api_query(rq, "stage");
	size_t count = catalog_stage_count(app->catalog);
	size_t first = 0;
	struct json_writer w;

	if (project[0] != '\0' && !api_project(context, rq, project))
		return;
	if (project[0] != '\0')
		first = catalog_stages_of(app->catalog, project, &count);
	if (stage[0] != '\0' && !catalog_stage_by_name(app->catalog, project, stage)) {
		reply_error(rq, 404, "NOT_FOUND",
		    "there is no stage '%.64s/%.64s'; name its project, too", project, stage);
		return;
	}
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	store_reads_begin(app->store);
	for (size_t i = first; i < first + count; i++) {
		const struct stage_entry *one = catalog_stage_at(app->catalog, i);
		const struct stage_entry *source = terms_source(app, one);

		if (source != NULL
		    && (stage[0] == '\0' || strcmp(one->spec->stage, stage) == 0))
			put_stage(&w, app, one, source);
	}
	store_reads_end(app->store);
	json_array_close(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}
