/* docker.c - effects in, events out: one job for each effect under way.
 *
 * The one idea: a job that is over leaves nothing half done behind. Creating and starting a
 * container are not taken back on the wire, because the engine would go on with them; the job
 * lingers until they have ended, and only then its successor (the removal, say) begins. */
#include "ports/docker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ports/docker_parts.h"

static const struct job_kind *
kind_of(enum effect_kind kind)
{
	static const struct job_kind *const kinds[FX_COUNT] = {
		[FX_PULL] = &pull_kind,
		[FX_MIGRATE] = &task_job_kind,
		[FX_HOOK] = &task_job_kind,
		[FX_RUN] = &run_kind,
		[FX_PROBE] = &gate_kind,
		[FX_VERIFY] = &gate_kind,
		[FX_REMOVE] = &remove_kind,
		[FX_RETIRE] = &retire_kind,
		[FX_HALT] = &halt_kind,
		[FX_REVIVE] = &revive_kind,
		[FX_SURVEY] = &survey_kind,
		[FX_COLLECT] = &collect_kind,
	};

	return kinds[kind];
}

struct docker *
docker_new(const struct port_host *host, const struct docker_settings *settings)
{
	struct docker *docker = calloc(1, sizeof(*docker));

	CHECK(docker != NULL);
	docker->host = *host;
	docker->settings = *settings;
	CHECK(str_copy(
	    docker->store_uuid, sizeof(docker->store_uuid), str_of(settings->store_uuid)));
	docker->settings.store_uuid = docker->store_uuid;
	LIST_INIT(&docker->engines);
	LIST_INIT(&docker->jobs);
	LIST_INIT(&docker->logs);
	return docker;
}

static void
job_free(struct job *job)
{
	call_list_cancel(&job->calls);
	LIST_REMOVE(job, entry);
	free(job);
}

void
docker_free(struct docker *docker)
{
	struct engine *next_engine;
	struct job *next_job;

	if (docker == NULL)
		return;
	for (struct job *job = LIST_FIRST(&docker->jobs); job != NULL; job = next_job) {
		next_job = LIST_NEXT(job, entry);
		if (!job->is_over && job->kind->release != NULL)
			job->kind->release(job);
		job_free(job);
	}
	logs_free_all(docker);
	usage_free_all(docker);
	image_looks_free(docker);
	for (struct engine *e = LIST_FIRST(&docker->engines); e != NULL; e = next_engine) {
		next_engine = LIST_NEXT(e, entry);
		engine_free(e);
	}
	free(docker);
}

/* Jobs. */

/* The engine that the effect is about; NULL with the reason in err. */
static struct engine *
find_engine(
    struct docker *docker, const struct effect *effect, uint64_t spec_id, struct err *err)
{
	const struct engine_config *config;
	const struct stage_spec *spec;

	if (effect->deploy == 0) {
		config = catalog_engine_by_id(docker->host.catalog, effect->engine);
		if (config == NULL)
			err_set(err, "the Docker engine is not configured any more");
	} else {
		spec = catalog_spec(docker->host.catalog, spec_id);
		CHECK(spec != NULL);
		config = catalog_engine(docker->host.catalog, spec->engine);
		if (config == NULL)
			err_set(err,
			    "the Docker engine '%s' is not configured: add it under engines, "
			    "or name another one in the stage",
			    spec->engine);
	}
	return config == NULL ? NULL : engine_of(docker, config);
}

static bool
is_about_elder(enum effect_kind kind)
{
	return kind == FX_RETIRE || kind == FX_HALT || kind == FX_REVIVE;
}

static void
job_begin(struct docker *docker, const struct effect *effect)
{
	/* The elder may live on another engine than the deploy. */
	uint64_t about = is_about_elder(effect->kind) ? effect->elder : effect->deploy;
	struct deploy_row row = { 0 };
	struct err err;
	struct engine *engine = NULL;
	struct job *job;

	if (effect->deploy != 0 && !store_deploy_get(docker->host.store, about, &row))
		err_set(&err, "deploy %llu is not known", (unsigned long long)about);
	else
		engine = find_engine(docker, effect, row.spec, &err);
	if (engine == NULL) {
		port_fail(&docker->host, effect, EV_REFUSED, "%s", err.text);
		return;
	}
	job = calloc(1, kind_of(effect->kind)->size);
	CHECK(job != NULL);
	job->kind = kind_of(effect->kind);
	job->docker = docker;
	job->engine = engine;
	job->effect = *effect;
	job->row = row;
	LIST_INIT(&job->calls);
	LIST_INSERT_HEAD(&docker->jobs, job, entry);
	job->kind->work(job);
}

static void
on_lingering_call(void *context, const struct answer *answer UNUSED)
{
	struct job *job = context;
	struct docker *docker = job->docker;
	struct effect successor = job->successor;
	bool has_successor = job->has_successor;

	if (!LIST_EMPTY(&job->calls))
		return;
	job_free(job);
	if (has_successor)
		job_begin(docker, &successor);
}

/* Returns whether the job is gone; else it lingers. */
static bool
job_end(struct job *job)
{
	CHECK(!job->is_over);
	job->is_over = true;
	if (job->kind->release != NULL)
		job->kind->release(job);
	if (call_list_drop(&job->calls, on_lingering_call, job))
		return false;
	job_free(job);
	return true;
}

void
docker_perform(struct docker *docker, const struct effect *effect)
{
	struct job *job;

	CHECK(kind_of(effect->kind) != NULL);
	LIST_FOREACH(job, &docker->jobs, entry)
	{
		if (job->effect.actor != effect->actor)
			continue;
		if (!job->is_over && job_end(job))
			break;
		job->has_successor = true;
		job->successor = *effect;
		return;
	}
	job_begin(docker, effect);
}

void
docker_forget(struct docker *docker, uint64_t actor)
{
	struct job *job;

	LIST_FOREACH(job, &docker->jobs, entry)
	{
		if (job->effect.actor != actor || job->is_over)
			continue;
		(void)job_end(job);
		return;
	}
}

uint64_t
stage_trial_of(const struct docker *docker, uint64_t stage_id)
{
	const struct docker_settings *settings = &docker->settings;

	return settings->stage_trial == NULL
		   ? 0
		   : settings->stage_trial(settings->context, stage_id);
}

const struct stage_spec *
job_spec(const struct job *job)
{
	const struct stage_spec *spec = catalog_spec(job->docker->host.catalog, job->row.spec);

	CHECK(spec != NULL);
	return spec;
}

void
job_send(struct job *job, const struct event *event)
{
	struct docker *docker = job->docker;

	job_end(job);
	port_send(&docker->host, event);
}

void
job_answer(struct job *job, enum event_kind kind)
{
	struct event event = port_answer(&job->effect, kind);

	job_send(job, &event);
}

void
job_fail(struct job *job, enum event_kind kind, const char *format, ...)
{
	const struct port_host *host = &job->docker->host;
	struct effect effect = job->effect;
	struct event answer = port_answer(&effect, kind);
	char text[LOG_LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	answer.after_ms = job->retry_ms;
	job_end(job);
	if (answer.after_ms == 0) {
		port_fail(host, &effect, kind, "%s", text);
		return;
	}
	snprintf(answer.text, sizeof(answer.text), "%s", text);
	port_note(host, &effect, LOG_WARN, "%s; next try in %lld s at the earliest", text,
	    (long long)(answer.after_ms / 1000));
	port_send(host, &answer);
}

void
job_fail_answer(struct job *job, const char *what, const struct answer *answer)
{
	CHECK(answer->kind != ANSWER_DONE);
	if (answer->is_unreached)
		what = ""; /* the engine itself is the matter then */
	job_fail(job, answer->kind == ANSWER_REFUSED ? EV_REFUSED : EV_TROUBLED, "%s%s%s",
	    what, what[0] == '\0' ? "" : ": ", answer->message);
}

/* Engines. */

void
docker_engine_status(
    const struct docker *docker, uint64_t engine_id, struct docker_status *ret_status)
{
	const struct engine *engine;

	*ret_status = (struct docker_status){ 0 };
	LIST_FOREACH(engine, &docker->engines, entry)
	if (engine->config.id == engine_id)
		*ret_status = engine->status;
}

static bool
is_used(const struct docker *docker, const struct engine *engine)
{
	const struct job *job;

	LIST_FOREACH(job, &docker->jobs, entry)
	if (job->engine == engine)
		return true;
	return logs_use(docker, engine) || usage_uses(docker, engine)
	       || image_looks_use(docker, engine) || !LIST_EMPTY(&engine->calls);
}

void
docker_watch(struct docker *docker)
{
	const struct catalog *catalog = docker->host.catalog;
	struct engine *next;

	for (size_t i = 0; i < catalog_engine_count(catalog); i++)
		events_start(engine_of(docker, catalog_engine_at(catalog, i)));
	for (struct engine *engine = LIST_FIRST(&docker->engines); engine != NULL;
	     engine = next) {
		next = LIST_NEXT(engine, entry);
		if (catalog_engine_by_id(catalog, engine->config.id) != NULL)
			continue;
		events_stop(engine);
		if (!is_used(docker, engine))
			engine_free(engine);
	}
}
