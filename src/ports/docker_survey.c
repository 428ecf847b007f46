/* docker_survey.c - SURVEY: what runs, what is an orphan, who is gone, and now and then which images nothing
 * needs. docker_collect.c removes both.
 *
 * The one idea: a container is removed only after two judgements by the same pure rule
 * (actors/orphan.h), one when it is found and one right before. What does not carry this
 * store's label and a deploy that the store knows is never touched. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/orphan.h"
#include "base/check.h"
#include "base/clock.h"
#include "ports/docker_images.h"
#include "ports/docker_parts.h"
#include "ports/docker_survey.h"
#include "store/store.h"
#include "store/retention.h"

enum {
	SLICE = 50, /* stages looked after in one turn of the loop: 2 ms of reading */
	LIST_MS = 10000, /* it takes 5 ms; who hangs shall be told soon */
};

#define LABEL_ID_MAX (INT64_MAX / 4) /* half of what store/audit.c lets an id be */

void
survey_memory_free(struct survey_memory *memory)
{
	free(memory);
}

struct survey_memory *
survey_memory_of(struct engine *engine)
{
	if (engine->survey == NULL) {
		engine->survey = calloc(1, sizeof(*engine->survey));
		CHECK(engine->survey != NULL);
	}
	return engine->survey;
}

/* Judging. */

enum orphan_verdict
survey_judge(const struct docker *docker, bool is_ours, const struct orphan *orphan)
{
	struct orphan_facts facts = { .is_ours = is_ours,
		.is_task = orphan->task != TASK_COUNT };
	uint64_t deploy = orphan->deploy;
	uint64_t stage = orphan->stage;
	struct deploy_row row;

	if (is_ours && store_deploy_get(docker->host.store, deploy, &row)
	    && row.stage == stage) {
		facts.is_known = true;
		facts.is_final = row.ended_ms != 0;
		facts.is_live = row.is_live;
		facts.is_kept = row.is_kept;
		facts.is_led_to =
		    docker->settings.is_led_to != NULL
		    && docker->settings.is_led_to(docker->settings.context, deploy, row.spec);
		facts.is_stage_busy =
		    docker->settings.stage_is_busy(docker->settings.context, stage);
	} else if (is_ours && store_deploy_is_retired(docker->host.store, deploy)) {
		facts.is_known = true; /* its row is removed already: so it was over */
		facts.is_final = true;
		facts.is_stage_busy =
		    docker->settings.stage_is_busy(docker->settings.context, stage);
	}
	return orphan_judge(&facts);
}

/* 0: it is none of ours. Ids are counted up; who wrote a larger one by hand must not end that. */
static uint64_t
label_id(const struct json *labels, const char *name)
{
	uint64_t number = 0;

	(void)str_number(str_of(json_text(json_get(labels, name))), LABEL_ID_MAX, &number);
	return number;
}

/* The survey. */

struct survey_job {
	struct job job;
	struct json *found; /* the engine's list */
	int64_t asked_ms; /* for it, as the rows' since_ms */
	size_t next_stage;
	struct loop_timer *timer;
	struct image_sweep *images;
};

static void
report_foreign(struct engine *engine, const struct json *container)
{
	struct survey_memory *memory = survey_memory_of(engine);
	const char *id = json_text(json_get(container, "Id"));

	for (size_t i = 0; i < memory->foreign_count; i++)
		if (strcmp(memory->foreign[i], id) == 0)
			return;
	if (memory->foreign_count == FOREIGN_MAX)
		return;
	snprintf(
	    memory->foreign[memory->foreign_count++], sizeof(memory->foreign[0]), "%s", id);
	log_warn(NULL, "sweep.foreign",
	    "Docker engine '%s': container %s was made by another Slipway "
	    "or from another store; it stays as it is",
	    engine->config.name, json_text(json_at(json_get(container, "Names"), 0)));
}

static void
judge_found(struct survey_job *survey, const struct json *container)
{
	struct engine *engine = survey->job.engine;
	struct survey_memory *memory = survey_memory_of(engine);
	const struct json *labels = json_get(container, "Labels");
	bool is_ours =
	    strcmp(json_text(json_get(labels, "slipway.store")), engine->docker->store_uuid)
	    == 0;
	struct orphan orphan = { .deploy = label_id(labels, "slipway.deploy"),
		.stage = label_id(labels, "slipway.stage-id"),
		.task = task_of_labels(labels) };

	if (is_ours)
		store_id_raise(engine->docker->host.store, orphan.deploy);
	switch (survey_judge(engine->docker, is_ours, &orphan)) {
	case ORPHAN_KEEP:
		break;
	case ORPHAN_FOREIGN:
		report_foreign(engine, container);
		break;
	case ORPHAN_REMOVE:
		snprintf(
		    orphan.id, sizeof(orphan.id), "%s", json_text(json_get(container, "Id")));
		if (memory->orphan_count < ORPHANS_MAX)
			memory->orphans[memory->orphan_count++] = orphan;
		break;
	}
}

static const struct json *
find_container(const struct survey_job *survey, const char *id)
{
	for (size_t i = 0; i < json_count(survey->found); i++)
		if (strcmp(json_text(json_get(json_at(survey->found, i), "Id")), id) == 0)
			return json_at(survey->found, i);
	return NULL;
}

/* As container_address(), from the shorter words of a list. */
static void
listed_address(const struct engine_config *config, const struct json *container, int port,
    char *to, size_t size)
{
	const struct json *networks =
	    json_get(json_get(container, "NetworkSettings"), "Networks");
	const char *ip = json_text(json_get(json_get(networks, config->network), "IPAddress"));
	const struct json *ports = json_get(container, "Ports");

	to[0] = '\0';
	if (port == 0)
		return;
	if (!config->is_published && ip[0] != '\0')
		snprintf(to, size, "%s:%d", ip, port);
	for (size_t i = 0; config->is_published && i < json_count(ports); i++) {
		const struct json *binding = json_at(ports, i);

		if (json_number(json_get(binding, "PrivatePort")) == port
		    && json_number(json_get(binding, "PublicPort")) != 0)
			snprintf(to, size, "%s:%lld", config->publish_address,
			    (long long)json_number(json_get(binding, "PublicPort")));
	}
}

/* Docker gives the address of a container that waits for its next start to whoever starts before. */
static bool
is_address_taken(const struct survey_job *survey, const struct instance *row, int port)
{
	for (size_t i = 0; i < json_count(survey->found); i++) {
		const struct json *other = json_at(survey->found, i);
		char address[64];

		listed_address(
		    &survey->job.engine->config, other, port, address, sizeof(address));
		if (strcmp(address, row->address) == 0
		    && strcmp(json_text(json_get(other, "Id")), row->container_id) != 0)
			return true;
	}
	return false;
}

static const char *
listed_status(const struct survey_job *survey, const struct json *container,
    const struct instance *row, int port)
{
	const char *state = json_text(json_get(container, "State"));

	if (container == NULL)
		return "missing";
	if (strcmp(state, "running") == 0)
		return "running";
	if (strcmp(state, "paused") == 0)
		return "paused"; /* as `docker commit` does for a moment; it keeps its address */
	return strcmp(state, "restarting") == 0 && !is_address_taken(survey, row, port)
		   ? "restarting"
		   : "exited";
}

/* It runs, and the row is younger than the list: what was started meanwhile is listed as it was before. A row
 * from times when the clock said otherwise is not young. */
static bool
is_outdated(const struct survey_job *survey, const struct instance *row)
{
	return strcmp(row->status, "running") == 0 && row->since_ms >= survey->asked_ms
	       && row->since_ms <= clock_wall_ms();
}

/* Compares a row with the engine's word; true when the row was changed. Nobody misses what is kept. */
static bool
check_instance(struct survey_job *survey, struct instance *row, const struct stage_spec *spec,
    bool is_live)
{
	const struct port_host *host = &survey->job.docker->host;
	const struct json *container = find_container(survey, row->container_id);
	const char *status = listed_status(survey, container, row, spec->port);
	bool is_running = strcmp(status, "running") == 0;
	struct engine *engine = survey->job.engine;
	struct effect about = { .deploy = row->deploy };
	char subject[SUBJECT_SIZE];
	char address[64];

	if (!is_running)
		engine->is_one_away = true;
	if (!is_running && is_outdated(survey, row))
		return false;
	memcpy(address, row->address, sizeof(address));
	if (is_running)
		listed_address(
		    &engine->config, container, spec->port, address, sizeof(address));
	/* The engine's network was changed since, or it was detached by hand: what is known of it is
	 * worth more than nothing, as long as it runs. */
	if (address[0] == '\0')
		memcpy(address, row->address, sizeof(address));
	if (strcmp(row->status, status) == 0 && strcmp(row->address, address) == 0)
		return false;
	if (strcmp(row->status, status) != 0) {
		port_note_instance(host, &about, row->container_id,
		    is_running ? LOG_INFO : LOG_WARN, "container %s is %s%s", row->name,
		    is_running ? "running again" : status,
		    container == NULL               ? ": somebody has removed it"
		    : strcmp(status, "paused") == 0 ? ": `docker unpause` lets it go on"
						    : "");
		snprintf(
		    subject, sizeof(subject), "%" PRIu64 "/%d", row->deploy, row->replica);
		if (is_live
		    && (strcmp(status, "exited") == 0 || strcmp(status, "missing") == 0))
			port_notice(host, NOTICE_GONE, row->deploy, subject, "container %s %s",
			    row->name,
			    container == NULL ? "was removed by somebody" : "has ended");
		row->since_ms = clock_wall_ms();
	} else {
		port_note_instance(host, &about, row->container_id, LOG_INFO,
		    "container %s is now reached at %s", row->name, address);
	}
	snprintf(row->status, sizeof(row->status), "%s", status);
	memcpy(row->address, address, sizeof(address));
	store_instance_put(host->store, row);
	return true;
}

static void
check_deploy(struct survey_job *survey, uint64_t deploy, bool is_live)
{
	struct docker *docker = survey->job.docker;
	struct instance rows[REPLICAS_MAX];
	const struct stage_spec *spec;
	struct deploy_row row;
	bool is_changed = false;
	size_t count;

	if (deploy == 0 || !store_deploy_get(docker->host.store, deploy, &row))
		return;
	spec = catalog_spec(docker->host.catalog, row.spec);
	if (spec == NULL || strcmp(spec->engine, survey->job.engine->config.name) != 0)
		return;
	count = store_instances(docker->host.store, deploy, rows, REPLICAS_MAX);
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].status, "removed") != 0)
			is_changed =
			    check_instance(survey, &rows[i], spec, is_live) || is_changed;
	if (is_changed && docker->settings.instances_changed != NULL)
		docker->settings.instances_changed(docker->settings.context, deploy);
}

static void
check_kept(struct survey_job *survey, uint64_t stage)
{
	const struct docker_settings *settings = &survey->job.docker->settings;
	uint64_t deploys[KEPT_MAX];
	size_t count = settings->stage_kept(settings->context, stage, deploys);

	for (size_t i = 0; i < count; i++)
		check_deploy(survey, deploys[i], false);
}

static void
answer_survey(void *context)
{
	struct survey_job *survey = context;
	struct engine *engine = survey->job.engine;
	struct event answer = port_answer(&survey->job.effect, EV_SURVEYED);

	answer.count =
	    (uint32_t)survey_memory_of(engine)->orphan_count + image_sweep_count(engine);
	job_send(&survey->job, &answer);
}

/* A slice of the stages in each turn: a thousand at once would hold up everybody else. */
static void
check_slice(void *context)
{
	struct survey_job *survey = context;
	struct docker *docker = survey->job.docker;
	size_t count = catalog_stage_count(docker->host.catalog);
	size_t end = survey->next_stage + SLICE < count ? survey->next_stage + SLICE : count;

	for (; survey->next_stage < end; survey->next_stage++) {
		uint64_t stage =
		    catalog_stage_at(docker->host.catalog, survey->next_stage)->id;

		check_deploy(survey,
		    docker->settings.stage_live(docker->settings.context, stage), true);
		check_deploy(survey, stage_trial_of(docker, stage), false);
		check_kept(survey, stage);
	}
	if (survey->next_stage < count) {
		loop_timer_set(survey->timer, 0);
		return;
	}
	if (image_sweep_is_due(survey->job.engine))
		survey->images = image_sweep_new(survey->job.engine, answer_survey, survey);
	else
		answer_survey(survey);
}

static void
on_listed(void *context, const struct answer *answer)
{
	struct survey_job *survey = context;

	if (answer->kind != ANSWER_DONE || answer->json == NULL) {
		job_fail(&survey->job, EV_TROUBLED, "survey: %s",
		    answer->kind == ANSWER_DONE ? "the engine's list is no JSON"
						: answer->message);
		return;
	}
	survey->found = *answer->owned; /* kept over the turns to come */
	*answer->owned = NULL;
	survey_memory_of(survey->job.engine)->orphan_count = 0;
	for (size_t i = 0; i < json_count(survey->found); i++)
		judge_found(survey, json_at(survey->found, i));
	check_slice(survey);
}

static void
survey_work(struct job *job)
{
	struct survey_job *survey = (struct survey_job *)job;
	static const char *const labels[] = { "slipway.managed=true", NULL };
	struct call_request request = {
		.total_ms = LIST_MS, .on_done = on_listed, .context = survey
	};
	struct buf path;

	job->engine->is_one_away = false;
	survey->asked_ms = clock_wall_ms();
	survey->timer = loop_timer_new(job->docker->host.loop, check_slice, survey);
	buf_init(&path, 512);
	buf_text(&path, "/containers/json?all=true&filters=");
	url_label_filter(&path, labels);
	request.path = buf_cstr(&path);
	call_start(job->engine, &job->calls, &request);
	buf_free(&path);
}

static void
survey_release(struct job *job)
{
	struct survey_job *survey = (struct survey_job *)job;

	image_sweep_free(survey->images);
	loop_timer_free(survey->timer);
	json_free(survey->found);
}

const struct job_kind survey_kind = { sizeof(struct survey_job), survey_work, survey_release };

bool
survey_is_under_way(const struct engine *engine)
{
	const struct job *job;

	LIST_FOREACH(job, &engine->docker->jobs, entry)
	if (job->kind == &survey_kind && job->engine == engine && !job->is_over)
		return true;
	return false;
}
