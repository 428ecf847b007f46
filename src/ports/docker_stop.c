/* docker_stop.c - REMOVE: a deploy's containers gone at once. RETIRE: the elder's, after a
 * stop in peace. HALT: the elder's stopped in peace, and kept;
 * with it whatever else of the stage runs, a version that was kept or that nobody knows of.
 *
 * The one idea: the list comes from the engine, by labels, so containers that no row knows
 * of are found too; and the list is asked for again until nothing is left to do in it. The end of a
 * task is read before it goes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "ports/docker_images.h"

enum {
	AGAIN_MS = 100, /* while the engine is still removing something */
	ROUNDS_MAX = 50,
	KILL_MS = 60000, /* for the engine itself, on top of the time for the app */
	VICTIMS_MAX = 64, /* REPLICAS_MAX is usual; the next round sees the rest */
};

struct stop_job;

struct victim {
	struct stop_job *stop;
	char id[65];
	char name[128];
	int64_t asked_ms; /* to stop */
	enum task_kind task; /* TASK_COUNT: none, but an instance */
	struct tail tail;
};

struct stop_job {
	struct job job;
	bool is_retiring; /* ask the app to end, and give it time */
	bool is_halting; /* the same, and nothing is removed */
	bool keeps_tail; /* of a deploy that failed, unless it is kept already */
	int rounds;
	int count;
	int left;
	struct loop_timer *timer;
	struct task_watch watch;
	struct victim victims[VICTIMS_MAX];
};

static void list(struct stop_job *stop);

static void
ask(struct victim *v, const char *method, const char *suffix, enum lane lane, int64_t total_ms,
    call_done_fn *on_done)
{
	struct call_request request = { .method = method,
		.lane = lane,
		.total_ms = total_ms,
		.on_done = on_done,
		.context = v };
	struct buf path;

	buf_init(&path, 512);
	buf_format(&path, "/containers/%s%s", v->id, suffix);
	request.path = buf_cstr(&path);
	call_start(v->stop->job.engine, &v->stop->job.calls, &request);
	buf_free(&path);
}

static void
victim_done(struct stop_job *stop)
{
	if (--stop->left == 0)
		list(stop);
}

static void
on_removed(void *context, const struct answer *answer)
{
	struct victim *v = context;

	/* 404: gone. 409: the engine is at it. */
	if (answer->kind == ANSWER_DONE || answer->status == 404 || answer->status == 409)
		victim_done(v->stop);
	else
		job_fail(&v->stop->job, EV_TROUBLED, "remove container %s: %s", v->name,
		    answer->message);
}

static void
remove_container(struct victim *v)
{
	/* Anonymous volumes go with it; named ones stay. */
	ask(v, "DELETE", "?force=true&v=true", LANE_WORK, 0, on_removed);
}

static void
on_tail(void *context, const struct answer *answer UNUSED)
{
	remove_container(context); /* the lines are a courtesy */
}

static void
on_stopped(void *context, const struct answer *answer)
{
	struct victim *v = context;
	int64_t stop_ms = job_spec(&v->stop->job)->stop_ms;

	if (answer->kind == ANSWER_DONE && clock_mono_us() / 1000 - v->asked_ms >= stop_ms
	    && stop_ms > 0)
		port_note_instance(&v->stop->job.docker->host, &v->stop->job.effect, v->id,
		    LOG_WARN,
		    "container %s did not end within its stop_timeout of %" PRId64 ".%" PRId64
		    " s and was killed: let the app end on SIGTERM",
		    v->name, stop_ms / 1000, stop_ms % 1000 / 100);
	if (answer->kind != ANSWER_DONE && answer->status != 404)
		job_fail(&v->stop->job, EV_TROUBLED, "stop container %s: %s", v->name,
		    answer->message);
	else if (v->stop->is_halting)
		victim_done(v->stop);
	else
		remove_container(v);
}

static void
stop_container(struct victim *v)
{
	int64_t stop_ms = job_spec(&v->stop->job)->stop_ms;
	char suffix[40];

	v->asked_ms = clock_mono_us() / 1000;
	snprintf(suffix, sizeof(suffix), "/stop?t=%lld", (long long)((stop_ms + 999) / 1000));
	ask(v, "POST", suffix, LANE_STOP, stop_ms + KILL_MS, on_stopped);
}

static void
end(struct victim *v)
{
	if (v->stop->is_retiring || v->stop->is_halting)
		stop_container(v);
	else if (v->stop->keeps_tail && v->task == TASK_COUNT)
		tail_take(&v->tail, &v->stop->job, v->id);
	else
		remove_container(v);
}

static void
mark_rows(struct stop_job *stop, const char *status)
{
	struct store *store = stop->job.docker->host.store;
	struct instance rows[REPLICAS_MAX];
	size_t count = store_instances(store, stop->job.row.id, rows, REPLICAS_MAX);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].status, "removed") == 0
		    || strcmp(rows[i].status, status) == 0)
			continue;
		snprintf(rows[i].status, sizeof(rows[i].status), "%s", status);
		rows[i].since_ms = clock_wall_ms();
		store_instance_put(store, &rows[i]);
	}
}

static void
all_done(struct stop_job *stop)
{
	mark_rows(stop, stop->is_halting ? "exited" : "removed");
	if (stop->is_halting) {
		const struct docker_settings *settings = &stop->job.docker->settings;

		if (settings->instances_changed != NULL)
			settings->instances_changed(settings->context, stop->job.row.id);
		port_note(&stop->job.docker->host, &stop->job.effect, LOG_INFO,
		    "the version before (deploy %" PRIu64 ") is stopped", stop->job.row.id);
		job_answer(&stop->job, EV_HALTED);
		return;
	}
	image_sweep_want(stop->job.engine);
	job_answer(&stop->job, stop->is_retiring ? EV_RETIRED : EV_REMOVED);
}

/* What a halt has stopped already is left alone; so is what it makes room for. */
static bool
is_victim(const struct stop_job *stop, const struct json *container)
{
	const char *state = json_text(json_get(container, "State"));
	uint64_t deploy = 0;

	(void)str_number(
	    str_of(json_text(json_get(json_get(container, "Labels"), "slipway.deploy"))),
	    INT64_MAX, &deploy);
	return !stop->is_halting
	       || (deploy != stop->job.effect.deploy && strcmp(state, "exited") != 0
		   && strcmp(state, "created") != 0 && strcmp(state, "dead") != 0);
}

static void
take_victims(struct stop_job *stop, const struct json *found)
{
	stop->count = 0;
	for (size_t i = 0; i < json_count(found) && stop->count < VICTIMS_MAX; i++) {
		struct victim *v = &stop->victims[stop->count];
		const char *name = json_text(json_at(json_get(json_at(found, i), "Names"), 0));

		if (!is_victim(stop, json_at(found, i)))
			continue;
		stop->count++;
		*v = (struct victim){ .stop = stop,
			.task = task_of_labels(json_get(json_at(found, i), "Labels")) };
		v->tail.on_done = on_tail;
		v->tail.context = v;
		snprintf(
		    v->id, sizeof(v->id), "%s", json_text(json_get(json_at(found, i), "Id")));
		snprintf(v->name, sizeof(v->name), "%s", name[0] == '/' ? name + 1 : name);
	}
	stop->left = stop->count;
}

static void
end_all(void *context)
{
	struct stop_job *stop = context;

	for (int i = 0; i < stop->count; i++)
		end(&stop->victims[i]);
}

/* A task under way ends in peace, and how it ended is stored before its container goes: the timer
 * fires in a later turn, after the commit. */
static void
on_task_ended(void *context)
{
	struct stop_job *stop = context;

	loop_timer_set(stop->timer, 0);
}

static void
on_task_trouble(void *context, const char *what, const struct answer *answer)
{
	struct stop_job *stop = context;

	job_fail(&stop->job, EV_TROUBLED, "container %s: %s: %s", stop->watch.row.name, what,
	    answer->message);
}

/* A deploy has one task under way at most; false: none. */
static bool
end_task(struct stop_job *stop)
{
	struct task_watch *w = &stop->watch;
	const struct stage_spec *spec = job_spec(&stop->job);

	for (int i = 0; i < stop->count; i++) {
		const struct victim *v = &stop->victims[i];

		if (v->task == TASK_COUNT
		    || !store_task_get(
			stop->job.docker->host.store, stop->job.row.id, v->task, &w->row)
		    || task_is_over(&w->row) || strcmp(w->row.container_id, v->id) != 0)
			continue;
		w->job = &stop->job;
		w->must_stop = true;
		w->timeout_ms = task_spec_of(spec, v->task)->timeout_ms;
		w->stop_ms = spec->stop_ms;
		w->on_end = on_task_ended;
		w->on_trouble = on_task_trouble;
		w->context = stop;
		task_watch_begin(w);
		return true;
	}
	return false;
}

static void
on_listed(void *context, const struct answer *answer)
{
	struct stop_job *stop = context;

	if (answer->kind != ANSWER_DONE) {
		job_fail(&stop->job, EV_TROUBLED, "list the containers: %s", answer->message);
		return;
	}
	take_victims(stop, answer->json);
	if (stop->count == 0) {
		all_done(stop);
	} else if (stop->rounds++ == ROUNDS_MAX) {
		job_fail(&stop->job, EV_TROUBLED,
		    "%zu containers do not go away: look at them with docker "
		    "ps -a",
		    json_count(answer->json));
	} else {
		if (stop->rounds == 1) {
			if (!end_task(stop))
				end_all(stop);
			return;
		}
		stop->keeps_tail = false; /* that was done in the first round */
		loop_timer_set(stop->timer, AGAIN_MS);
	}
}

static void
list(struct stop_job *stop)
{
	struct call_request request = { .on_done = on_listed, .context = stop };
	char whose[48];
	char store[96];
	char digest[DIGEST_SIZE + 16];
	const char *labels[] = { "slipway.managed=true", whose, store,
		stop->is_halting ? NULL : digest, NULL };
	struct buf path;

	if (stop->is_halting)
		snprintf(whose, sizeof(whose), "slipway.stage-id=%llu",
		    (unsigned long long)stop->job.row.stage);
	else
		snprintf(whose, sizeof(whose), "slipway.deploy=%llu",
		    (unsigned long long)stop->job.row.id);
	snprintf(store, sizeof(store), "slipway.store=%s", stop->job.docker->store_uuid);
	/* A store that was put back from a copy may give an id a second time. */
	snprintf(digest, sizeof(digest), "slipway.digest=%s", stop->job.row.digest);
	buf_init(&path, 1024);
	buf_text(&path, "/containers/json?all=true&filters=");
	url_label_filter(&path, labels);
	request.path = buf_cstr(&path);
	call_start(stop->job.engine, &stop->job.calls, &request);
	buf_free(&path);
}

/* A log that holds lines of the containers has their end already. */
static bool
has_tail(const struct stop_job *stop)
{
	struct store *store = stop->job.docker->host.store;
	struct deploy_log_row *rows = calloc(PAGE_DEFAULT, sizeof(*rows));
	int64_t after_seq = 0;
	bool is_found = false;
	size_t count;

	CHECK(rows != NULL);
	do {
		count =
		    store_deploy_log(store, stop->job.row.id, after_seq, rows, PAGE_DEFAULT);
		for (size_t i = 0; i < count && !is_found; i++)
			is_found = strcmp(rows[i].level, "out") == 0;
		if (count > 0)
			after_seq = rows[count - 1].seq;
	} while (count == PAGE_DEFAULT && !is_found);
	free(rows);
	return is_found;
}

static void
stop_work(struct stop_job *stop)
{
	stop->timer = loop_timer_new(stop->job.docker->host.loop, end_all, stop);
	list(stop);
}

static void
remove_work(struct job *job)
{
	struct stop_job *stop = (struct stop_job *)job;

	stop->keeps_tail = strcmp(job->row.state, "UNDOING") == 0 && !has_tail(stop);
	stop_work(stop);
}

static void
retire_work(struct job *job)
{
	struct stop_job *stop = (struct stop_job *)job;

	stop->is_retiring = true;
	stop_work(stop);
}

static void
halt_work(struct job *job)
{
	struct stop_job *stop = (struct stop_job *)job;

	stop->is_halting = true;
	stop_work(stop);
}

static void
stop_release(struct job *job)
{
	struct stop_job *stop = (struct stop_job *)job;

	loop_timer_free(stop->timer);
	task_watch_end(&stop->watch);
	for (int i = 0; i < stop->count; i++)
		tail_drop(&stop->victims[i].tail);
}

const struct job_kind remove_kind = { sizeof(struct stop_job), remove_work, stop_release };
const struct job_kind retire_kind = { sizeof(struct stop_job), retire_work, stop_release };
const struct job_kind halt_kind = { sizeof(struct stop_job), halt_work, stop_release };
