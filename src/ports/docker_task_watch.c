/* docker_task_watch.c - the container of a task, followed to its end.
 *
 * The one idea: its exit code is the only word on how it went, unless Slipway asked it to end; so that
 * is stored before it is asked. What must be stored first is done by a timer: it fires in a later
 * turn of the loop, and the tick in between commits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "ports/docker_parts.h"

enum {
	PAUSE_MIN_MS = 100, /* between two looks; Docker's events come sooner */
	PAUSE_MAX_MS = 5000,
	LOOK_MS = 10000,
	LOG_MS = 30000,
	KILL_MS = 60000, /* for the engine itself, on top of the time for the task */
	STOPS_MAX = 3,
};

static void look(struct task_watch *w);

static void
later(struct task_watch *w, void (*then)(struct task_watch *w), int64_t delay_ms)
{
	w->then = then;
	loop_timer_set(w->timer, delay_ms);
}

static void
on_time(void *context)
{
	struct task_watch *w = context;
	void (*then)(struct task_watch * w) = w->then;

	w->then = NULL;
	if (then != NULL)
		then(w);
}

static void
ask(struct task_watch *w, const struct call_request *wanted, const char *format)
{
	struct call_request request = *wanted;

	request.context = w;
	call_named(w->job->engine, &w->job->calls, &request, format, w->row.container_id);
}

/* The end. */

static enum task_status
judge(const struct task_watch *w)
{
	const struct container *c = &w->seen;
	int64_t ran_ms = container_time_ms(c->finished_at) - container_time_ms(c->started_at);
	bool was_stopped = w->row.status == TASK_IS_stopping;

	if (c->exit_code == 0 && !was_stopped)
		return TASK_IS_done;
	if (ran_ms >= w->timeout_ms)
		return TASK_IS_overdue;
	return was_stopped ? TASK_IS_stopped : TASK_IS_failed;
}

static void
keep_lines(struct task_watch *w)
{
	struct str rest = buf_view(&w->lines);

	while (rest.n > 0) {
		struct str line;

		rest = str_cut(rest, '\n', &line);
		store_deploy_log_add(w->job->docker->host.store, w->row.deploy, "task", line);
	}
}

static void
end(struct task_watch *w, enum task_status status)
{
	w->row.status = status;
	w->row.ended_ms = container_time_ms(w->seen.finished_at);
	if (w->row.ended_ms == 0)
		w->row.ended_ms = clock_wall_ms();
	w->row.exit_code = w->seen.exit_code;
	if (w->is_reading) {
		keep_lines(w);
		w->is_reading = false;
	}
	store_task_put(w->job->docker->host.store, &w->row);
	w->on_end(w->context);
}

/* Its last lines. */

static void
on_line(void *context, bool is_error_stream UNUSED, struct str line)
{
	struct task_watch *w = context;

	if (w->lines.n + line.n + 1 > w->lines.max)
		return;
	buf_str(&w->lines, line);
	buf_char(&w->lines, '\n');
}

static bool
on_piece(void *context, struct str piece)
{
	struct task_watch *w = context;

	frames_feed(&w->frames, piece, on_line, w);
	return true;
}

static void
on_log_end(void *context, const struct answer *answer)
{
	struct task_watch *w = context;

	frames_end(&w->frames, on_line, w);
	frames_init(&w->frames);
	if (answer->kind == ANSWER_TROUBLED)
		w->on_trouble(w->context, "read its output", answer);
	else
		end(w, judge(w));
}

static void
read_log(struct task_watch *w)
{
	struct call_request request = { .is_fresh = true,
		.total_ms = LOG_MS,
		.on_body = on_piece,
		.on_done = on_log_end,
		.context = w };
	struct buf path;

	frames_end(&w->frames, NULL, NULL);
	frames_init(&w->frames);
	buf_clear(&w->lines);
	w->is_reading = true;
	buf_init(&path, 512);
	logs_path(&path, w->row.container_id, TASK_LOG_LINES, false, false);
	request.path = buf_cstr(&path);
	call_start(w->job->engine, &w->job->calls, &request);
	buf_free(&path);
}

/* Stopping. */

static void
on_stopped(void *context, const struct answer *answer)
{
	struct task_watch *w = context;

	if (answer->status == 304) { /* it had ended by itself already */
		w->row.status = TASK_IS_running;
		store_task_put(w->job->docker->host.store, &w->row);
	}
	if (answer->kind == ANSWER_DONE || answer->status == 404)
		look(w);
	else
		w->on_trouble(w->context, "stop it", answer);
}

static void
stop(struct task_watch *w)
{
	char format[64];

	snprintf(format, sizeof(format), "/containers/*/stop?t=%lld",
	    (long long)((w->stop_ms + 999) / 1000));
	w->stops++;
	ask(w,
	    &(struct call_request){ .method = "POST",
		.lane = LANE_STOP,
		.total_ms = w->stop_ms + KILL_MS,
		.on_done = on_stopped },
	    format);
}

static void
stop_soon(struct task_watch *w)
{
	static const struct answer still_runs = { .kind = ANSWER_TROUBLED,
		.message = "it runs on" };

	if (w->stops == STOPS_MAX) {
		w->on_trouble(w->context, "stop it", &still_runs);
		return;
	}
	w->row.status = TASK_IS_stopping;
	store_task_put(w->job->docker->host.store, &w->row);
	later(w, stop, 0);
}

/* Looking. */

static void
on_running(struct task_watch *w)
{
	int64_t left_ms =
	    w->timeout_ms - (clock_wall_ms() - container_time_ms(w->seen.started_at));

	if (w->must_stop || left_ms <= 0 || w->row.status == TASK_IS_stopping) {
		stop_soon(w);
		return;
	}
	later(w, look, left_ms < w->pause_ms ? left_ms : w->pause_ms);
	w->pause_ms += w->pause_ms / 2;
	if (w->pause_ms > PAUSE_MAX_MS)
		w->pause_ms = PAUSE_MAX_MS;
}

static void
on_looked(void *context, const struct answer *answer)
{
	struct task_watch *w = context;

	if (answer->status == 404) {
		end(w, TASK_IS_unclear);
		return;
	}
	if (answer->kind != ANSWER_DONE) {
		w->on_trouble(w->context, "look at it", answer);
		return;
	}
	container_read(answer->json, &w->seen);
	if (strcmp(w->seen.status, "exited") == 0 || strcmp(w->seen.status, "dead") == 0)
		read_log(w);
	else if (strcmp(w->seen.status, "created") == 0)
		end(w, TASK_IS_stopped); /* whoever asks gives it up: it never ran */
	else
		on_running(w);
}

static void
look(struct task_watch *w)
{
	ask(w, &(struct call_request){ .total_ms = LOOK_MS, .on_done = on_looked },
	    "/containers/*/json");
}

void
task_watch_begin(struct task_watch *w)
{
	CHECK(w->timer == NULL);
	w->timer = loop_timer_new(w->job->docker->host.loop, on_time, w);
	w->pause_ms = PAUSE_MIN_MS;
	frames_init(&w->frames);
	buf_init(&w->lines, TASK_LOG_BYTES);
	look(w);
}

void
task_watch_wake(struct task_watch *w)
{
	if (w->timer != NULL && w->then == look)
		loop_timer_set(w->timer, 0);
}

void
task_watch_end(struct task_watch *w)
{
	if (w->timer == NULL)
		return;
	loop_timer_free(w->timer);
	w->timer = NULL;
	frames_end(&w->frames, NULL, NULL);
	buf_free(&w->lines);
}
