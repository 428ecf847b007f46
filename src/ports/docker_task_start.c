/* docker_task_start.c - the container of a task, made and started.
 *
 * The one idea: a row says that it may have run before it is started, so that one which somebody removes
 * is never taken for one that never was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ports/docker_task.h"

enum { CREATE_BYTES_MAX = 4 << 20, REMAKES_MAX = 2 };

static void join_networks(struct task_job *t);

/* Starting. */

static void
on_confirmed(void *context, const struct answer *answer)
{
	struct task_job *t = context;

	if (answer->kind == ANSWER_TROUBLED)
		task_job_fail(t, EV_TROUBLED, answer->message);
	else
		task_job_fail(t, EV_REFUSED, t->verdict);
}

static void
on_started(void *context, const struct answer *answer)
{
	struct task_job *t = context;

	if (answer->kind == ANSWER_DONE) {
		port_note_instance(&t->job.docker->host, &t->job.effect, t->id, LOG_INFO,
		    "%s runs as container %s", task_word(t->task), t->name);
		task_job_follow(t);
		return;
	}
	snprintf(t->verdict, sizeof(t->verdict), "cannot start it: %s", answer->message);
	t->job.engine->has_network = false; /* it may be what is missing */
	if (answer->status == 400)
		task_job_fail(t, EV_REFUSED, t->verdict);
	else if (answer->status == 500 && !network_is_ambiguous(answer)
		 && start_fails_for_good(answer->message))
		/* An engine that ends fails in the same words; but it takes no new connections. */
		task_job_ask(t,
		    &(struct call_request){ .is_fresh = true, .on_done = on_confirmed },
		    "/containers/*/json", t->id);
	else
		task_job_fail(t, EV_TROUBLED, t->verdict);
}

static void
on_joined(void *context, const struct answer *answer)
{
	struct task_job *t = context;
	const char *network = job_spec(&t->job)->networks.items[t->network_index];
	bool is_in =
	    answer->status == 403 && strcasestr(answer->message, "already exists") != NULL;

	if (answer->kind == ANSWER_DONE || is_in) {
		t->network_index++;
		join_networks(t);
	} else if (answer->status == 404 && strcasestr(answer->message, "container") == NULL) {
		job_fail(&t->job, EV_REFUSED,
		    "%s: the engine has no network '%s': create it (docker network create %s) "
		    "or take it out of the stage",
		    task_word(t->task), network, network);
	} else {
		task_job_fail_answer(t, "join a network", answer);
	}
}

/* Then it starts. */
static void
join_networks(struct task_job *t)
{
	const struct strings *networks = &job_spec(&t->job)->networks;
	struct call_request request = {
		.method = "POST", .lane = LANE_WORK, .must_end = true
	};
	struct json_writer w;
	struct buf json;

	if (t->network_index >= networks->count) {
		request.on_done = on_started;
		task_job_ask(t, &request, "/containers/*/start", t->id);
		return;
	}
	buf_init(&json, 1024);
	json_writer_init(&w, &json);
	json_object_open(&w);
	json_pair_text(&w, "Container", t->id);
	json_object_close(&w);
	request.body = buf_view(&json);
	request.on_done = on_joined;
	task_job_ask(t, &request, "/networks/*/connect", networks->items[t->network_index]);
	buf_free(&json);
}

/* After the commit: should somebody remove it from now on, it is known that it was there. */
void
task_job_on_kept(void *context)
{
	join_networks(context);
}

/* An earlier one's end is stored before its container is removed, and ours could only be made behind
 * that: what the store does not say by now has not happened. */
void
task_job_start(struct task_job *t)
{
	if (task_job_migrated_by(t) != 0) {
		task_job_clear(t);
		return;
	}
	task_job_keep_row(t);
	t->network_index = 0;
	loop_timer_set(t->timer, 0);
}

/* Creating. */

static void
on_created(void *context, const struct answer *answer)
{
	struct task_job *t = context;

	if (answer->kind == ANSWER_DONE) {
		if (!str_copy(
			t->id, sizeof(t->id), str_of(json_text(json_get(answer->json, "Id"))))
		    || t->id[0] == '\0')
			task_job_fail(t, EV_TROUBLED, "the engine gave it no id");
		else
			task_job_start(t);
	} else if (answer->status == 409 && t->remakes++ < REMAKES_MAX) {
		task_job_find(t);
	} else if (answer->status == 404 && strcasestr(answer->message, "network") != NULL) {
		t->job.engine->has_network = false;
		task_job_fail(t, EV_TROUBLED, answer->message);
	} else {
		task_job_fail_answer(t, "cannot create it", answer);
	}
}

static void
create(struct task_job *t)
{
	struct buf json;
	struct err err;

	buf_init(&json, CREATE_BYTES_MAX);
	if (task_write(t->job.docker, &t->job.engine->config, &t->job.row, job_spec(&t->job),
		t->task, t->name, &json, &err)
	    != 0) /* it was there when this deploy began: no fault of the version */
		task_job_fail(t, EV_TROUBLED, err.text);
	else if (json.overflow)
		task_job_fail(
		    t, EV_REFUSED, "its configuration is larger than 4 MB: shorten env");
	else
		task_job_ask(t,
		    &(struct call_request){ .method = "POST",
			.lane = LANE_WORK,
			.must_end = true,
			.body = buf_view(&json),
			.on_done = on_created },
		    "/containers/create?name=*", t->name);
	buf_wipe(&json);
}

static void
on_network(void *context, const struct answer *answer)
{
	struct task_job *t = context;

	if (answer->kind == ANSWER_DONE)
		create(t);
	else
		job_fail_answer(&t->job, "the shared network", answer);
}

void
task_job_create(struct task_job *t)
{
	t->waiter.on_done = on_network;
	t->waiter.context = t;
	network_ensure(t->job.engine, &t->waiter);
}
