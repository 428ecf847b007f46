/* docker_task.c - MIGRATE, HOOK: what runs once, in a container of its own of the new image.
 *
 * The one idea: the container's name is made of what may happen once: of stage and digest for a migration,
 * of the deploy for a hook.
 * Whoever asks again meets the container of before, and reads how it ended instead of running it
 * again. What is removed before it was read leaves a row that says so. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "ports/docker_task.h"

enum {
	DIGITS_SHOWN = 16, /* of the digest, in the container's name */
	OTHER_AGAIN_MS = 2000, /* while another one of the stage is being stopped */
};

const struct task_spec *
task_spec_of(const struct stage_spec *spec, enum task_kind task)
{
	const struct task_spec *const specs[TASK_COUNT] = {
		[TASK_MIGRATION] = &spec->migration,
		[TASK_PRE_SWITCH] = &spec->hooks.pre_switch,
		[TASK_POST_SWITCH] = &spec->hooks.post_switch,
		[TASK_POST_RETIRE] = &spec->hooks.post_retire,
	};

	return specs[task];
}

const char *
task_word(enum task_kind task)
{
	static const char *const words[TASK_COUNT] = {
		[TASK_MIGRATION] = "the migration",
		[TASK_PRE_SWITCH] = "the pre-switch hook",
		[TASK_POST_SWITCH] = "the post-switch hook",
		[TASK_POST_RETIRE] = "the post-retire hook",
	};

	return words[task];
}

enum task_kind
task_of_labels(const struct json *labels)
{
	const char *name = json_text(json_get(labels, "slipway.task"));
	int task = 0;

	while (task < TASK_COUNT && strcmp(task_names[task], name) != 0)
		task++;
	return (enum task_kind)task;
}

void
task_job_ask(struct task_job *t, const struct call_request *wanted, const char *format,
    const char *name)
{
	struct call_request request = *wanted;

	request.context = t;
	call_named(t->job.engine, &t->job.calls, &request, format, name);
}

void
task_job_fail(struct task_job *t, enum event_kind kind, const char *message)
{
	job_fail(&t->job, kind, "%s (container %s): %s", task_word(t->task), t->name, message);
}

void
task_job_fail_answer(struct task_job *t, const char *what, const struct answer *answer)
{
	char text[REASON_SIZE];

	snprintf(
	    text, sizeof(text), "%s (container %s): %s", task_word(t->task), t->name, what);
	job_fail_answer(&t->job, text, answer);
}

/* The end. */

static void
tell_good_end(struct task_job *t)
{
	job_answer(&t->job, t->task == TASK_MIGRATION ? EV_MIGRATED : EV_HOOKED);
}

uint64_t
task_job_migrated_by(const struct task_job *t)
{
	const struct job *job = &t->job;

	if (t->task != TASK_MIGRATION)
		return 0;
	return store_task_migrated(job->docker->host.store, job->row.stage, job->row.digest);
}

static void
tell_migrated(struct task_job *t, uint64_t by)
{
	if (by != t->job.row.id)
		port_note(&t->job.docker->host, &t->job.effect, LOG_INFO,
		    "deploy %" PRIu64
		    " has migrated with this digest already: it is not run again",
		    by);
	tell_good_end(t);
}

static void
tell_end(struct task_job *t)
{
	const struct task_row *row = &t->watch.row;
	int64_t took_ms = row->ended_ms - row->began_ms;
	int64_t timeout_s = t->watch.timeout_ms / 1000;
	const char *word = task_word(t->task);

	if (row->status == TASK_IS_done) {
		port_note(&t->job.docker->host, &t->job.effect, LOG_INFO,
		    "%s ended well after %" PRId64 ".%" PRId64 " s", word, took_ms / 1000,
		    took_ms % 1000 / 100);
		tell_good_end(t);
	} else if (row->status == TASK_IS_overdue) {
		job_fail(&t->job, EV_REFUSED,
		    "%s did not end within its timeout of %" PRId64
		    " s and was stopped: look at what it has done so far, raise `timeout`, "
		    "and "
		    "deploy again",
		    word, timeout_s);
	} else if (row->status == TASK_IS_unclear) {
		job_fail(&t->job, EV_REFUSED,
		    "somebody removed the container of %s before its end was seen: find out "
		    "what it has done, and deploy again",
		    word);
	} else {
		job_fail(&t->job, EV_REFUSED,
		    "%s ended with exit code %d; its last lines are in the log of this deploy",
		    word, row->exit_code);
	}
}

static void
on_end(void *context)
{
	tell_end(context);
}

static void
on_trouble(void *context, const char *what, const struct answer *answer)
{
	task_job_fail_answer(context, what, answer);
}

/* From when on the store knows that its container may have run. */
void
task_job_keep_row(struct task_job *t)
{
	struct task_row *row = &t->watch.row;

	*row = (struct task_row){ .deploy = t->job.row.id,
		.stage = t->job.row.stage,
		.kind = t->task,
		.status = TASK_IS_running,
		.is_compatible =
		    t->task != TASK_MIGRATION || job_spec(&t->job)->migration.is_compatible,
		.began_ms = clock_wall_ms() };
	CHECK(str_copy(row->digest, sizeof(row->digest), str_of(t->job.row.digest)));
	CHECK(str_copy(row->container_id, sizeof(row->container_id), str_of(t->id)));
	CHECK(str_copy(row->name, sizeof(row->name), str_of(t->name)));
	store_task_put(t->job.docker->host.store, row);
}

void
task_job_follow(struct task_job *t)
{
	const struct stage_spec *spec = job_spec(&t->job);

	t->watch.job = &t->job;
	t->watch.timeout_ms = task_spec_of(spec, t->task)->timeout_ms;
	t->watch.stop_ms = spec->stop_ms;
	t->watch.on_end = on_end;
	t->watch.on_trouble = on_trouble;
	t->watch.context = t;
	task_watch_begin(&t->watch);
}
/* Two of a stage never run side by side, whatever was left over: the sweep ends the other one. */
static void
on_others(void *context, const struct answer *answer)
{
	struct task_job *t = context;
	const struct docker_settings *settings = &t->job.docker->settings;
	const struct json *other = json_at(answer->json, 0);

	if (answer->kind != ANSWER_DONE) {
		task_job_fail_answer(t, "list the others", answer);
	} else if (other == NULL) {
		task_job_create(t);
	} else {
		settings->nudge(settings->context, t->job.engine->config.id);
		t->job.retry_ms = OTHER_AGAIN_MS;
		job_fail(&t->job, EV_TROUBLED,
		    "%s waits: that of deploy %s still runs in this stage, and is being ended",
		    task_word(t->task),
		    json_text(json_get(json_get(other, "Labels"), "slipway.deploy")));
	}
}

static void
list_others(struct task_job *t)
{
	char stage[48];
	char store[96];
	const char *labels[] = { "slipway.task=MIGRATION", stage, store, NULL };
	struct call_request request = { .on_done = on_others, .context = t };
	struct buf path;

	snprintf(stage, sizeof(stage), "slipway.stage-id=%llu",
	    (unsigned long long)t->job.row.stage);
	snprintf(store, sizeof(store), "slipway.store=%s", t->job.docker->store_uuid);
	buf_init(&path, 1024);
	buf_text(&path, "/containers/json?filters="); /* only those that run */
	url_label_filter(&path, labels);
	request.path = buf_cstr(&path);
	call_start(t->job.engine, &t->job.calls, &request);
	buf_free(&path);
}

/* A deploy's hooks come one after another, and a stage's deploys do. An earlier one's container may have
 * been read and removed while this one's question was on its way. */
static void
begin(struct task_job *t)
{
	uint64_t by = task_job_migrated_by(t);

	if (by != 0)
		tell_migrated(t, by);
	else if (t->task == TASK_MIGRATION)
		list_others(t);
	else
		task_job_create(t);
}

/* What is there already under the name. */

static void
on_cleared(void *context, const struct answer *answer)
{
	struct task_job *t = context;

	if (answer->kind == ANSWER_DONE || answer->status == 404)
		begin(t);
	else
		task_job_fail(t, EV_TROUBLED, answer->message);
}

void
task_job_clear(struct task_job *t)
{
	task_job_ask(t,
	    &(struct call_request){ .method = "DELETE",
		.lane = LANE_WORK,
		.must_end = true,
		.on_done = on_cleared },
	    "/containers/*?v=true", t->id);
}

/* Of an earlier deploy, which is over: one that ended well, and was not asked to, counts; any other makes
 * room for ours. One that still runs is among the others. */
static void
on_earlier(struct task_job *t, const struct container *seen, uint64_t deploy)
{
	struct store *store = t->job.docker->host.store;
	struct task_row row;

	if (seen->is_running || strcmp(seen->status, "paused") == 0) {
		list_others(t);
		return;
	}
	if (strcmp(seen->status, "exited") != 0 || seen->exit_code != 0
	    || !store_task_get(store, deploy, t->task, &row)
	    || row.status != TASK_IS_running) {
		task_job_clear(t);
		return;
	}
	row.status = TASK_IS_done;
	row.ended_ms = container_time_ms(seen->finished_at);
	store_task_put(store, &row);
	port_note(&t->job.docker->host, &t->job.effect, LOG_INFO,
	    "%s of deploy %" PRIu64 " has ended well by now: it is not run again",
	    task_word(t->task), deploy);
	tell_good_end(t);
}

static bool
is_ours(const struct task_job *t, const struct json *json)
{
	char stage[24];

	snprintf(stage, sizeof(stage), "%llu", (unsigned long long)t->job.row.stage);
	return strcmp(container_label(json, "slipway.managed"), "true") == 0
	       && strcmp(container_label(json, "slipway.store"), t->job.docker->store_uuid)
		      == 0
	       && strcmp(container_label(json, "slipway.task"), task_names[t->task]) == 0
	       && strcmp(container_label(json, "slipway.stage-id"), stage) == 0
	       && strcmp(container_label(json, "slipway.digest"), t->job.row.digest) == 0;
}

static void
on_existing(struct task_job *t, const struct json *json)
{
	struct container seen;
	uint64_t deploy = 0;

	container_read(json, &seen);
	memcpy(t->id, seen.id, sizeof(t->id));
	(void)str_number(str_of(container_label(json, "slipway.deploy")), INT64_MAX, &deploy);
	if (!is_ours(t, json)) {
		task_job_fail(t, EV_REFUSED,
		    "there is another container of that name, not made for it: remove or "
		    "rename "
		    "it (docker rm)");
	} else if (deploy != t->job.row.id) {
		on_earlier(t, &seen, deploy);
	} else if (strcmp(seen.status, "created") == 0) {
		task_job_start(t);
	} else {
		if (t->watch.row.deploy == 0)
			task_job_keep_row(t);
		task_job_follow(t);
	}
}

static void
on_found(void *context, const struct answer *answer)
{
	struct task_job *t = context;

	if (answer->kind == ANSWER_DONE) {
		on_existing(t, answer->json);
	} else if (answer->status != 404) {
		task_job_fail(t, EV_TROUBLED, answer->message);
	} else if (t->watch.row.deploy != 0) { /* it was there */
		t->watch.row.status = TASK_IS_unclear;
		t->watch.row.ended_ms = clock_wall_ms();
		store_task_put(t->job.docker->host.store, &t->watch.row);
		tell_end(t);
	} else {
		begin(t);
	}
}

void
task_job_find(struct task_job *t)
{
	task_job_ask(
	    t, &(struct call_request){ .on_done = on_found }, "/containers/*/json", t->name);
}

static void
write_name(const struct deploy_row *row, enum task_kind task, char *to, size_t size)
{
	static const char *const ways[TASK_COUNT] = {
		[TASK_MIGRATION] = "migration",
		[TASK_PRE_SWITCH] = "pre-switch",
		[TASK_POST_SWITCH] = "post-switch",
		[TASK_POST_RETIRE] = "post-retire",
	};
	const char *digits = strchr(row->digest, ':');
	char once[24];

	if (task == TASK_MIGRATION)
		snprintf(once, sizeof(once), "%.*s", DIGITS_SHOWN,
		    digits == NULL ? "" : digits + 1);
	else
		snprintf(once, sizeof(once), "%" PRIu64, row->id);
	/* Names of project and stage alone might be those of another pair. */
	snprintf(to, size, "%.40s-%.40s-%" PRIu64 "-%s-%s", row->project, row->stage_name,
	    row->stage, ways[task], once);
}

static void
task_work(struct job *job)
{
	struct task_job *t = (struct task_job *)job;
	struct store *store = job->docker->host.store;
	uint64_t by = 0;

	t->task = job->effect.task;
	t->timer = loop_timer_new(job->docker->host.loop, task_job_on_kept, t);
	write_name(&job->row, t->task, t->name, sizeof(t->name));
	by = task_job_migrated_by(t);
	if (by != 0) {
		tell_migrated(t, by);
	} else if (store_task_get(store, job->row.id, t->task, &t->watch.row)
		   && task_is_over(&t->watch.row)) {
		t->watch.timeout_ms = task_spec_of(job_spec(job), t->task)->timeout_ms;
		tell_end(t);
	} else {
		task_job_find(t);
	}
}

static void
task_release(struct job *job)
{
	struct task_job *t = (struct task_job *)job;

	network_forget(job->engine, &t->waiter);
	task_watch_end(&t->watch);
	loop_timer_free(t->timer);
}

const struct job_kind task_job_kind = { sizeof(struct task_job), task_work, task_release };

void
task_wake(struct docker *docker, const struct engine *engine, const char *container_id)
{
	struct job *job;

	LIST_FOREACH(job, &docker->jobs, entry)
	if (job->kind == &task_job_kind && job->engine == engine && !job->is_over) {
		struct task_job *t = (struct task_job *)job;

		if (strcmp(t->watch.row.container_id, container_id) == 0)
			task_watch_wake(&t->watch);
	}
}
