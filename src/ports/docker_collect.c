/* docker_collect.c - COLLECT: orphans are removed, and images that nothing needs.
 *
 * The one idea: what a survey has found is judged once more, right before it goes. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "ports/docker_images.h"
#include "ports/docker_survey.h"
#include "store/store.h"

enum {
	STOP_MS = 30000, /* COLLECT has two minutes; stop_timeout may be longer */
	KILL_MS = 30000, /* for the engine itself, on top of that */
	TASK_STOP_MS = 30000, /* for a task that was left over: COLLECT has two minutes */
};

/* The collection: one after the other; there is no hurry. What served once may end in peace. */

struct collect_job {
	struct job job;
	size_t next;
	struct loop_timer *timer;
	struct task_watch watch; /* of a task whose end nobody has read */
};

static void collect_next(struct collect_job *collect);
static void collect_again(void *context);

static void
mark_removed(const struct port_host *host, const struct orphan *orphan)
{
	struct instance rows[REPLICAS_MAX];
	size_t count = store_instances(host->store, orphan->deploy, rows, REPLICAS_MAX);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].container_id, orphan->id) != 0)
			continue;
		snprintf(rows[i].status, sizeof(rows[i].status), "removed");
		rows[i].since_ms = clock_wall_ms();
		store_instance_put(host->store, &rows[i]);
	}
}

static void
on_collected(void *context, const struct answer *answer)
{
	struct collect_job *collect = context;
	const struct orphan *orphan =
	    &survey_memory_of(collect->job.engine)->orphans[collect->next];
	struct effect about = { .deploy = orphan->deploy };

	if (answer->kind != ANSWER_DONE && answer->status != 404 && answer->status != 409) {
		job_fail_answer(&collect->job, "remove an orphan", answer);
		return;
	}
	mark_removed(&collect->job.docker->host, orphan);
	if (orphan->task == TASK_COUNT) /* a task has done its work; each is removed here */
		port_note_instance(&collect->job.docker->host, &about, orphan->id, LOG_INFO,
		    "container %.12s is not needed any more; it is removed", orphan->id);
	collect->next++;
	collect_next(collect);
}

static void
on_task_ended(void *context)
{
	struct collect_job *collect = context;

	loop_timer_set(collect->timer, 0); /* in a later turn, after the commit */
}

static void
on_task_trouble(void *context, const char *what, const struct answer *answer)
{
	struct collect_job *collect = context;

	job_fail_answer(&collect->job, what, answer);
}

/* It is ended, and its end read, before it is removed. false: that is known already. */
static bool
end_task(struct collect_job *collect, const struct orphan *orphan)
{
	struct task_watch *w = &collect->watch;

	if (orphan->task == TASK_COUNT
	    || !store_task_get(
		collect->job.docker->host.store, orphan->deploy, orphan->task, &w->row)
	    || task_is_over(&w->row) || strcmp(w->row.container_id, orphan->id) != 0)
		return false;
	task_watch_end(w); /* of the one before */
	w->job = &collect->job;
	w->must_stop = true;
	w->timeout_ms = INT64_MAX;
	w->stop_ms = TASK_STOP_MS;
	w->stops = 0;
	w->on_end = on_task_ended;
	w->on_trouble = on_task_trouble;
	w->context = collect;
	task_watch_begin(w);
	return true;
}

static void
remove_orphan(struct collect_job *collect)
{
	struct engine *engine = collect->job.engine;
	struct call_request request = { .method = "DELETE",
		.lane = LANE_WORK,
		.on_done = on_collected,
		.context = collect };
	char path[128];

	snprintf(path, sizeof(path), "/containers/%s?force=true&v=true",
	    survey_memory_of(engine)->orphans[collect->next].id);
	request.path = path;
	call_start(engine, &collect->job.calls, &request);
}

static void
on_orphan_stopped(void *context, const struct answer *answer UNUSED)
{
	remove_orphan(context); /* however it ended */
}

/* How long it may take to end; 0: it never served, so nothing in it matters to anybody. */
static int64_t
patience_ms(const struct docker *docker, const struct orphan *orphan)
{
	const struct stage_spec *spec;
	struct deploy_row row;

	if (orphan->task != TASK_COUNT
	    || !store_deploy_get(docker->host.store, orphan->deploy, &row)
	    || strcmp(row.state, "LIVE") != 0)
		return 0;
	spec = catalog_spec(docker->host.catalog, row.spec);
	if (spec == NULL)
		return 0;
	return spec->stop_ms < STOP_MS ? spec->stop_ms : STOP_MS;
}

static void
end_orphan(struct collect_job *collect, const struct orphan *orphan)
{
	struct engine *engine = collect->job.engine;
	int64_t stop_ms = patience_ms(engine->docker, orphan);
	struct call_request request = { .method = "POST",
		.lane = LANE_STOP,
		.total_ms = stop_ms + KILL_MS,
		.on_done = on_orphan_stopped,
		.context = collect };
	char path[128];

	if (stop_ms == 0) {
		remove_orphan(collect);
		return;
	}
	snprintf(path, sizeof(path), "/containers/%s/stop?t=%lld", orphan->id,
	    (long long)((stop_ms + 999) / 1000));
	request.path = path;
	call_start(engine, &collect->job.calls, &request);
}

static void
collect_next(struct collect_job *collect)
{
	struct engine *engine = collect->job.engine;
	struct survey_memory *memory = survey_memory_of(engine);

	while (collect->next < memory->orphan_count) {
		const struct orphan *orphan = &memory->orphans[collect->next];

		if (survey_judge(engine->docker, true, orphan) != ORPHAN_REMOVE) {
			collect->next++;
			continue;
		}
		if (end_task(collect, orphan))
			return;
		end_orphan(collect, orphan);
		return;
	}
	memory->orphan_count = 0;
	image_removal_begin(&collect->job);
}

static void
collect_again(void *context)
{
	collect_next(context);
}

static void
collect_work(struct job *job)
{
	struct collect_job *collect = (struct collect_job *)job;

	collect->timer = loop_timer_new(job->docker->host.loop, collect_again, collect);
	collect_next(collect);
}

static void
collect_release(struct job *job)
{
	struct collect_job *collect = (struct collect_job *)job;

	loop_timer_free(collect->timer);
	task_watch_end(&collect->watch);
}

const struct job_kind collect_kind = { sizeof(struct collect_job), collect_work,
	collect_release };
