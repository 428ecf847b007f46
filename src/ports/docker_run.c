/* docker_run.c - RUN: every replica of a deploy created and started. REVIVE: those of the elder,
 * which was stopped: the same containers are started again, and only what is gone is made anew.
 *
 * The one idea: the container's name is made of the deploy's id, so asking again meets what
 * was made before. What carries this deploy's labels and runs is taken over; what does not
 * run is made anew (nothing of it serves yet, and an engine that was killed in the middle
 * of a start may never be able to finish that one); what belongs to somebody else is an
 * error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "ports/docker_parts.h"

enum { CREATE_BYTES_MAX = 4 << 20, REMAKES_MAX = 2 };

struct replica {
	struct run_job *run;
	int index;
	int remakes;
	size_t network_index; /* of the extra networks, the next to join */
	char name[128];
	char id[65];
	char verdict[REASON_SIZE]; /* to be told unless the engine is going away */
	struct container seen;
	struct tail tail;
};

struct run_job {
	struct job job;
	struct network_waiter waiter;
	int count;
	int left;
	bool is_reviving;
	struct replica replicas[REPLICAS_MAX];
};

static bool create(struct replica *r);
static void join_networks(struct replica *r);
static void inspect(struct replica *r, const char *id, call_done_fn *on_done);

static void
fail(struct replica *r, enum event_kind kind, const char *message)
{
	job_fail(&r->run->job, kind, "container %s: %s", r->name, message);
}

static void
fail_answer(struct replica *r, const char *what, const struct answer *answer)
{
	char text[REASON_SIZE];

	snprintf(text, sizeof(text), "container %s: %s", r->name, what);
	job_fail_answer(&r->run->job, text, answer);
}

static void
ask(struct replica *r, const struct call_request *wanted, const char *format, const char *name)
{
	struct call_request request = *wanted;

	request.context = r;
	call_named(r->run->job.engine, &r->run->job.calls, &request, format, name);
}

/* The end: it runs, or it ran. */

static void
replica_done(struct replica *r, const struct json *json)
{
	struct run_job *run = r->run;
	const struct docker_settings *settings = &run->job.docker->settings;
	struct instance row = { .deploy = run->job.row.id,
		.replica = r->index,
		.since_ms = clock_wall_ms(),
		.status = "running" };

	CHECK(str_copy(row.container_id, sizeof(row.container_id), str_of(r->seen.id)));
	CHECK(str_copy(row.name, sizeof(row.name), str_of(r->name)));
	container_address(&run->job.engine->config, json, job_spec(&run->job)->port,
	    row.address, sizeof(row.address));
	if (row.address[0] == '\0' && job_spec(&run->job)->port != 0) {
		fail(r, EV_TROUBLED, "runs, but has no address yet");
		return;
	}
	store_instance_put(run->job.docker->host.store, &row);
	port_note_instance(&run->job.docker->host, &run->job.effect, row.container_id,
	    LOG_INFO, "container %s runs%s%s", row.name, row.address[0] == '\0' ? "" : " at ",
	    row.address);
	if (--run->left > 0)
		return;
	port_note(&run->job.docker->host, &run->job.effect, LOG_INFO, "%d container%s %s",
	    run->count, run->count == 1 ? "" : "s",
	    run->is_reviving ? "of the version before started again" : "started");
	/* They may have the address of one that serves no more: its route must not lead here. */
	if (run->job.engine->is_one_away)
		settings->nudge(settings->context, run->job.engine->config.id);
	job_answer(&run->job, run->is_reviving ? EV_REVIVED : EV_STARTED);
}

static void
on_tail(void *context, const struct answer *answer)
{
	struct replica *r = context;
	char text[REASON_SIZE];

	if (answer->kind != ANSWER_DONE) { /* it may have ended because the engine ends */
		fail_answer(r, "ended", answer);
		return;
	}
	container_ending(&r->seen, text);
	job_fail(&r->run->job, EV_REFUSED,
	    "container %s %s right after its start; its last lines are "
	    "in the log of this deploy",
	    r->name, text);
}

static void
on_started_inspected(void *context, const struct answer *answer)
{
	struct replica *r = context;

	if (answer->kind != ANSWER_DONE) {
		job_fail(&r->run->job, EV_TROUBLED, "container %s: look at it: %s", r->name,
		    answer->message);
		return;
	}
	container_read(answer->json, &r->seen);
	if (r->seen.is_running && r->seen.restart_count == 0)
		replica_done(r, answer->json);
	else
		tail_take(&r->tail, &r->run->job, r->id);
}

/* Starting. */

/* Docker answers 500 to most failures of a start. These will not go away by themselves. */
bool
start_fails_for_good(const char *message)
{
	static const char *const words[] = { "port is already allocated",
		"address already in use", "executable file not found",
		"no such file or directory", "permission denied", "exec format error",
		"is a directory", "invalid ", "not a directory", "unable to find user",
		"unable to find group" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcasestr(message, words[i]) != NULL)
			return true;
	return false;
}

static void
on_confirmed(void *context, const struct answer *answer)
{
	struct replica *r = context;

	if (answer->kind == ANSWER_TROUBLED)
		fail(r, EV_TROUBLED, answer->message);
	else
		fail(r, EV_REFUSED, r->verdict);
}

/* An engine that is shutting down fails in the same words; but it takes no new connections. */
static void
confirm(struct replica *r, const char *verdict)
{
	snprintf(r->verdict, sizeof(r->verdict), "%s", verdict);
	ask(r, &(struct call_request){ .is_fresh = true, .on_done = on_confirmed },
	    "/containers/*/json", r->id);
}

static void
fail_without_network(struct replica *r, const char *network)
{
	job_fail(&r->run->job, EV_REFUSED,
	    "container %s: the engine has no network '%s': create it "
	    "(docker network create %s) or take it out of the stage",
	    r->name, network, network);
}

/* Joining a network that is not there may succeed; the start then tells. */
static const char *
missing_network(const struct replica *r, const char *message)
{
	const struct strings *networks = &job_spec(&r->run->job)->networks;
	char words[NAME_SIZE * 2 + 32];

	for (size_t i = 0; i < networks->count; i++) {
		snprintf(words, sizeof(words), "network %s not found", networks->items[i]);
		if (strstr(message, words) != NULL)
			return networks->items[i];
	}
	return NULL;
}

static void
on_started(void *context, const struct answer *answer)
{
	struct replica *r = context;
	const char *network;
	char text[REASON_SIZE];

	if (answer->kind == ANSWER_DONE) {
		inspect(r, r->id, on_started_inspected);
		return;
	}
	snprintf(text, sizeof(text), "cannot start it: %s", answer->message);
	r->run->job.engine->has_network = false; /* it may be what is missing */
	network = missing_network(r, answer->message);
	if (network != NULL)
		fail_without_network(r, network);
	else if (network_is_ambiguous(answer))
		fail(r, EV_TROUBLED, text);
	else if (answer->status == 400)
		fail(r, EV_REFUSED, text);
	else if (answer->status == 500 && start_fails_for_good(answer->message))
		confirm(r, text);
	else
		fail(r, EV_TROUBLED, text);
}

static void
start(struct replica *r)
{
	ask(r,
	    &(struct call_request){
		.method = "POST", .lane = LANE_WORK, .must_end = true, .on_done = on_started },
	    "/containers/*/start", r->id);
}

/* Extra networks, before the start, so that the app finds them. */

static void
on_joined(void *context, const struct answer *answer)
{
	struct replica *r = context;
	const char *network = job_spec(&r->run->job)->networks.items[r->network_index];
	bool is_in =
	    answer->status == 403 && strcasestr(answer->message, "already exists") != NULL;

	if (answer->kind == ANSWER_DONE || is_in) {
		r->network_index++;
		join_networks(r);
	} else if (answer->status == 404 && strcasestr(answer->message, "container") == NULL) {
		fail_without_network(r, network);
	} else {
		fail_answer(r, "join a network", answer);
	}
}

static void
join_networks(struct replica *r)
{
	const struct stage_spec *spec = job_spec(&r->run->job);
	struct json_writer w;
	struct buf json;

	if (r->network_index >= spec->networks.count) {
		start(r);
		return;
	}
	buf_init(&json, 1024);
	json_writer_init(&w, &json);
	json_object_open(&w);
	json_pair_text(&w, "Container", r->id);
	json_object_close(&w);
	ask(r,
	    &(struct call_request){ .method = "POST",
		.lane = LANE_WORK,
		.must_end = true,
		.body = buf_view(&json),
		.on_done = on_joined },
	    "/networks/*/connect", spec->networks.items[r->network_index]);
	buf_free(&json);
}

/* What is there already under the name. */

static void
on_cleared(void *context, const struct answer *answer)
{
	struct replica *r = context;

	if (answer->kind == ANSWER_DONE || answer->status == 404)
		create(r);
	else
		fail(r, EV_TROUBLED, answer->message);
}

static bool
is_ours(const struct replica *r, const struct json *json)
{
	char deploy[24];

	snprintf(deploy, sizeof(deploy), "%llu", (unsigned long long)r->run->job.row.id);
	return strcmp(container_label(json, "slipway.managed"), "true") == 0
	       && strcmp(
		      container_label(json, "slipway.store"), r->run->job.docker->store_uuid)
		      == 0
	       && strcmp(container_label(json, "slipway.deploy"), deploy) == 0
	       && strcmp(container_label(json, "slipway.digest"), r->run->job.row.digest) == 0;
}

static void
on_existing(void *context, const struct answer *answer)
{
	struct replica *r = context;

	if (answer->status == 404 && r->remakes++ < REMAKES_MAX) {
		create(r);
		return;
	}
	if (answer->kind != ANSWER_DONE) {
		fail(r, EV_TROUBLED, answer->message);
		return;
	}
	container_read(answer->json, &r->seen);
	memcpy(r->id, r->seen.id, sizeof(r->id));
	if (!is_ours(r, answer->json))
		fail(r, EV_REFUSED,
		    "there is another container of that name, not made for this deploy: "
		    "remove or rename it (docker rm)");
	else if (r->seen.is_running && (r->seen.restart_count == 0 || r->run->is_reviving))
		replica_done(r, answer->json);
	else if (r->run->is_reviving && strcmp(r->seen.status, "exited") == 0)
		start(r);
	else if (r->remakes++ < REMAKES_MAX)
		ask(r,
		    &(struct call_request){ .method = "DELETE",
			.lane = LANE_WORK,
			.must_end = true,
			.on_done = on_cleared },
		    "/containers/*?force=true&v=true", r->id);
	else
		fail(r, EV_TROUBLED, "it cannot be made anew");
}

static void
inspect(struct replica *r, const char *id, call_done_fn *on_done)
{
	ask(r, &(struct call_request){ .on_done = on_done }, "/containers/*/json", id);
}

/* Creating. */

static void
on_created(void *context, const struct answer *answer)
{
	struct replica *r = context;

	if (answer->kind == ANSWER_DONE) {
		if (!str_copy(
			r->id, sizeof(r->id), str_of(json_text(json_get(answer->json, "Id"))))
		    || r->id[0] == '\0')
			fail(r, EV_TROUBLED, "the engine gave it no id");
		else
			join_networks(r);
	} else if (answer->status == 409) {
		inspect(r, r->name, on_existing);
	} else if (answer->status == 404 && strcasestr(answer->message, "network") != NULL) {
		r->run->job.engine->has_network = false;
		fail(r, EV_TROUBLED, answer->message);
	} else {
		fail_answer(r, "cannot create it", answer);
	}
}

/* false: that failed the job. */
static bool
create(struct replica *r)
{
	struct run_job *run = r->run;
	struct buf json;
	struct err err;
	bool is_whole;

	buf_init(&json, CREATE_BYTES_MAX);
	is_whole = container_write(run->job.docker, &run->job.engine->config, &run->job.row,
		       job_spec(&run->job), r->index, &json, &err)
		   == 0;
	if (!is_whole) /* it was there when this deploy began: no fault of the version */
		fail(r, EV_TROUBLED, err.text);
	else if (json.overflow)
		fail(r, EV_REFUSED, "its configuration is larger than 4 MB: shorten env");
	else
		ask(r,
		    &(struct call_request){ .method = "POST",
			.lane = LANE_WORK,
			.must_end = true,
			.body = buf_view(&json),
			.on_done = on_created },
		    "/containers/create?name=*", r->name);
	is_whole = is_whole && !json.overflow;
	buf_wipe(&json);
	return is_whole;
}

static void
on_network(void *context, const struct answer *answer)
{
	struct run_job *run = context;

	if (answer->kind != ANSWER_DONE) {
		job_fail_answer(&run->job, "the shared network", answer);
		return;
	}
	for (int i = 0; i < run->count; i++)
		if (!create(&run->replicas[i]))
			return; /* the job is gone */
}

static void
run_work(struct job *job)
{
	struct run_job *run = (struct run_job *)job;

	run->count = job_spec(job)->replicas;
	CHECK(run->count >= 1 && run->count <= REPLICAS_MAX);
	run->left = run->count;
	for (int i = 0; i < run->count; i++) {
		run->replicas[i].run = run;
		run->replicas[i].index = i;
		run->replicas[i].tail.on_done = on_tail;
		run->replicas[i].tail.context = &run->replicas[i];
		container_name(
		    &job->row, i, run->replicas[i].name, sizeof(run->replicas[i].name));
	}
	job_record_env(job);
	run->waiter.on_done = on_network;
	run->waiter.context = run;
	network_ensure(job->engine, &run->waiter);
}

static void
run_release(struct job *job)
{
	struct run_job *run = (struct run_job *)job;

	network_forget(job->engine, &run->waiter);
	for (int i = 0; i < run->count; i++)
		tail_drop(&run->replicas[i].tail);
}

static void
revive_work(struct job *job)
{
	struct run_job *run = (struct run_job *)job;

	run->is_reviving = true;
	run_work(job);
}

const struct job_kind run_kind = { sizeof(struct run_job), run_work, run_release };
const struct job_kind revive_kind = { sizeof(struct run_job), revive_work, run_release };
