/* gate.c - PROBE: the health gate. Nothing gets traffic that did not pass it.
 *
 * The one idea: every round looks at the container first and asks it second, and when all
 * replicas are good at the same time all are looked at once more: the same container,
 * running since the same moment, never restarted, of the image that was asked for. A
 * container that ended fails the gate at once, unless it ended because its engine did: then
 * it is started again and the gate begins afresh. VERIFY holds it open (gate_window.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "ports/gate_parts.h"
#include "ports/probe.h"

enum {
	QUICK_MS = 50, /* first wait while nobody listens; grows to the interval */
	LOOK_MS = 10000, /* for the engine to answer; a hundred times what it takes */
	UPTIME_BELIEVED_MS = 3600000,
	WARM_MS = 3000, /* or else the version is started anew, which is sure */
};

static void last_look(struct gate *gate);

int64_t
gate_now_ms(void)
{
	return clock_mono_us() / 1000;
}

const struct health_spec *
gate_health(const struct gate *gate)
{
	return &gate->health;
}

void
trial_wait(struct trial *t, int64_t delay_ms)
{
	loop_timer_set(t->timer, delay_ms < 1 ? 1 : delay_ms);
}

void
trial_ask(struct trial *t, const char *method, const char *suffix, call_done_fn *on_done)
{
	struct call_request request = { .method = method,
		.on_done = on_done,
		.context = t,
		.lane = method == NULL ? LANE_NONE : LANE_WORK,
		.must_end = method != NULL,
		.total_ms = method == NULL ? LOOK_MS : 0 };
	struct buf path;

	CHECK(!t->is_asking);
	t->is_asking = true;
	t->asked_ms = gate_now_ms();
	buf_init(&path, 512);
	buf_text(&path, "/containers/");
	url_escape(&path, t->id[0] != '\0' ? t->id : t->name);
	buf_text(&path, suffix);
	request.path = buf_cstr(&path);
	call_start(t->gate->job.engine, &t->gate->job.calls, &request);
	buf_free(&path);
}

/* Passing. */

static void
check_all_good(struct gate *gate)
{
	for (int i = 0; i < gate->count; i++)
		if (!gate->trials[i].is_good)
			return;
	if (gate->phase == PHASE_PROBING)
		last_look(gate);
}

static int64_t
uptime_ms(const struct trial *t)
{
	return gate_now_ms() - t->begun_ms;
}

/* When the next round is due, now that this one has told something. */
static int64_t
next_delay_ms(struct trial *t, bool is_closed)
{
	const struct health_spec *health = gate_health(t->gate);
	int64_t left_ms = health->min_uptime_ms - uptime_ms(t);
	int64_t delay_ms = health->interval_ms;

	if (is_closed && t->success_ms == 0 && t->quick_ms < delay_ms) {
		delay_ms = t->quick_ms;
		t->quick_ms += t->quick_ms / 2;
	}
	if ((health->kind == HEALTH_NONE || t->successes >= health->successes) && left_ms > 0
	    && left_ms < delay_ms)
		delay_ms = left_ms;
	return delay_ms;
}

static void
note_result(struct trial *t, const char *text)
{
	t->last_count = strcmp(t->last, text) == 0 ? t->last_count + 1 : 1;
	snprintf(t->last, sizeof(t->last), "%s", text);
}

static void
judge(struct trial *t, bool is_success, bool is_closed, const char *text)
{
	const struct health_spec *health = gate_health(t->gate);
	int64_t since_ms = gate_now_ms() - t->success_ms;

	note_result(t, text);
	t->is_last_good = is_success;
	if (gate_is_window(t->gate)) {
		gate_window_judge(t, is_success, text);
		return;
	}
	if (!is_success) {
		t->successes = 0;
	} else if (t->successes == 0 || since_ms >= health->interval_ms - 1) {
		t->successes++;
		t->success_ms = gate_now_ms();
	}
	t->is_good = is_success
		     && (health->kind == HEALTH_NONE || t->successes >= health->successes)
		     && uptime_ms(t) >= health->min_uptime_ms;
	trial_wait(t, next_delay_ms(t, is_closed));
	check_all_good(t->gate); /* the timer stops there, should this have been the last */
}

static void
on_probed(void *context, const struct probe_result *result)
{
	struct trial *t = context;

	t->probe = NULL;
	judge(t, result->is_good, result->is_closed, result->text);
}

static void
probe(struct trial *t, const struct json *json)
{
	struct gate *gate = t->gate;
	const struct stage_spec *spec = job_spec(&gate->job);
	const struct health_spec *health = &spec->health;
	char address[64];
	struct probe_request request = { .address = address,
		.host = health->host,
		.path = health->kind == HEALTH_HTTP ? health->path : NULL,
		.status_min = health->status_min,
		.status_max = health->status_max,
		.timeout_ms = health->timeout_ms,
		.on_done = on_probed,
		.context = t };

	container_address(&gate->job.engine->config, json,
	    health->port != 0 ? health->port : spec->port, address, sizeof(address));
	if (address[0] == '\0')
		judge(t, false, true, "the container has no address in the shared network");
	else
		t->probe = probe_start(
		    gate->job.docker->host.loop, gate->job.docker->host.fetch, &request);
}

static void
judge_docker_health(struct trial *t, const struct json *json)
{
	const struct json *log = json_get(json_get(json_get(json, "State"), "Health"), "Log");
	const struct json *last = json_at(log, json_count(log) == 0 ? 0 : json_count(log) - 1);
	struct str output = str_trim(str_of(json_text(json_get(last, "Output"))));
	char text[REASON_SIZE];

	if (t->seen.health[0] == '\0') {
		snprintf(t->verdict, sizeof(t->verdict),
		    "health is set to 'docker', but the image of "
		    "container %s has no HEALTHCHECK: choose http, "
		    "tcp or none",
		    t->name);
		trial_fail(t);
		return;
	}
	snprintf(text, sizeof(text), "Docker's health check says %s%s%.*s", t->seen.health,
	    output.n > 0 ? ": " : "", output.n > 120 ? 120 : (int)output.n, output.p);
	judge(t, strcmp(t->seen.health, "healthy") == 0, false, text);
}

/* Looking. */

/* An engine's clock may differ from ours; only one on this machine is believed. */
static void
begin(struct trial *t)
{
	const char *host = t->gate->job.engine->config.host;
	int64_t up_ms = clock_wall_ms() - container_time_ms(t->seen.started_at);

	t->has_begun = true;
	t->begun_ms = gate_now_ms();
	if (strncmp(host, "unix:", 5) == 0 && up_ms > 0 && up_ms < UPTIME_BELIEVED_MS)
		t->begun_ms -= up_ms;
	memcpy(t->started_at, t->seen.started_at, sizeof(t->started_at));
	t->losses = t->gate->job.engine->losses;
	t->successes = 0;
	t->success_ms = 0;
	t->quick_ms = QUICK_MS;
	t->is_good = false;
}

static void
proceed(struct trial *t, const struct json *json)
{
	char text[REASON_SIZE];

	if (strcmp(t->seen.status, "paused") == 0) {
		judge(t, false, false, "it is paused (`docker unpause` lets it go on)");
		return;
	}
	switch (gate_health(t->gate)->kind) {
	case HEALTH_HTTP:
	case HEALTH_TCP:
		probe(t, json);
		break;
	case HEALTH_DOCKER:
		judge_docker_health(t, json);
		break;
	case HEALTH_NONE:
		snprintf(text, sizeof(text), "it has to run for %g s",
		    (double)gate_health(t->gate)->min_uptime_ms / 1e3);
		judge(t, true, false, text);
		break;
	}
}

static void
pass(struct trial *t)
{
	struct gate *gate = t->gate;

	t->is_passed = true;
	for (int i = 0; i < gate->count; i++)
		if (!gate->trials[i].is_passed)
			return;
	if (gate_is_window(gate)) {
		gate_window_end(gate);
		return;
	}
	port_note(&gate->job.docker->host, &gate->job.effect, LOG_INFO,
	    "%d container%s healthy", gate->count, gate->count == 1 ? "" : "s");
	job_answer(&gate->job, EV_HEALTHY);
}

/* The same container, up since the same moment, never restarted. */
static bool
is_intact(const struct trial *t)
{
	return t->seen.is_running && t->seen.restart_count == 0
	       && strcmp(t->id, t->seen.id) == 0
	       && (!t->has_begun || strcmp(t->started_at, t->seen.started_at) == 0);
}

/* Up again, and the engine was away meanwhile: that restart was not the app's. */
static bool
came_back_with_engine(const struct trial *t)
{
	return t->has_begun && t->seen.is_running && strcmp(t->id, t->seen.id) == 0
	       && strcmp(t->started_at, t->seen.started_at) != 0
	       && t->losses != t->gate->job.engine->losses;
}

static void
examine(struct trial *t, const struct json *json)
{
	struct gate *gate = t->gate;

	container_read(json, &t->seen);
	if (t->id[0] == '\0') /* no row told */
		memcpy(t->id, t->seen.id, sizeof(t->id));
	if (came_back_with_engine(t)) {
		port_note_instance(&gate->job.docker->host, &gate->job.effect, t->id, LOG_WARN,
		    "container %s was restarted with its engine; its gate begins afresh",
		    t->name);
		gate_begin_afresh(gate);
		begin(t);
	}
	if (!is_intact(t)) {
		if (t->seen.is_running && t->seen.restart_count == 0)
			t->seen.restart_count = 1; /* by hand, which Docker does not count */
		trial_ended(t);
		return;
	}
	if (!t->has_begun)
		begin(t);
	t->losses = gate->job.engine->losses;
	if (gate->phase == PHASE_LAST_LOOK)
		pass(t);
	else if (gate->phase == PHASE_PROBING)
		proceed(t, json);
}

static void
on_looked(void *context, const struct answer *answer)
{
	struct trial *t = context;

	t->is_asking = false;
	if (t->gate->phase == PHASE_FAILING)
		return;
	if (answer->kind == ANSWER_TROUBLED) {
		trial_wait_for_engine(t, answer);
	} else if (answer->kind == ANSWER_REFUSED) {
		gate_refuse(t->gate, "container %s is gone: %s", t->name, answer->message);
	} else {
		trial_sees_again(t);
		examine(t, answer->json);
	}
}

void
trial_look(struct trial *t)
{
	if (t->is_asking || t->probe != NULL)
		return;
	loop_timer_stop(t->timer);
	trial_ask(t, NULL, "/json", on_looked);
}

static void
on_timer(void *context)
{
	trial_look(context);
}

/* The image under the digest, to compare with what the containers say they run. */
static void
on_image(void *context, const struct answer *answer)
{
	struct gate *gate = context;
	const char *id = json_text(json_get(answer->json, "Id"));

	if (answer->kind == ANSWER_TROUBLED) {
		gate_leave_last_look(gate);
		return;
	}
	if (answer->kind == ANSWER_REFUSED) {
		job_fail_answer(&gate->job, "the image to compare with", answer);
		return;
	}
	for (int i = 0; i < gate->count; i++)
		if (strcmp(gate->trials[i].seen.image_id, id) != 0) {
			job_fail(&gate->job, EV_REFUSED,
			    "container %s does not run the image of digest %s",
			    gate->trials[i].name, gate->job.row.digest);
			return;
		}
	gate->phase = PHASE_LAST_LOOK;
	for (int i = 0; i < gate->count; i++)
		trial_look(&gate->trials[i]);
}

static void
last_look(struct gate *gate)
{
	struct call_request request = { .on_done = on_image, .context = gate };
	struct buf path;

	gate->phase = PHASE_IMAGE;
	gate_hold_all(gate);
	buf_init(&path, 2048);
	image_path(&gate->job.row, job_spec(&gate->job), &path);
	request.path = buf_cstr(&path);
	call_start(gate->job.engine, &gate->job.calls, &request);
	buf_free(&path);
}

/* Begin and end. */

static void
take_rows(struct gate *gate)
{
	struct instance rows[REPLICAS_MAX];
	size_t count = store_instances(
	    gate->job.docker->host.store, gate->job.row.id, rows, REPLICAS_MAX);

	for (size_t i = 0; i < count; i++)
		if (rows[i].replica >= 0 && rows[i].replica < gate->count)
			memcpy(gate->trials[rows[i].replica].id, rows[i].container_id,
			    sizeof(rows[i].container_id));
}

/* A version that was kept warm has passed its whole gate before: it only has to answer still. */
static void
take_health(struct gate *gate)
{
	gate->health = job_spec(&gate->job)->health;
	if (gate->job.row.ended_ms == 0)
		return;
	gate->health.successes = 1;
	gate->health.min_uptime_ms = 0;
	if (gate->health.deadline_ms > WARM_MS)
		gate->health.deadline_ms = WARM_MS;
}

static void
gate_work(struct job *job)
{
	struct gate *gate = (struct gate *)job;
	struct loop *loop = job->docker->host.loop;

	gate->count = job_spec(job)->replicas;
	CHECK(gate->count >= 1 && gate->count <= REPLICAS_MAX);
	take_health(gate);
	gate->deadline = loop_timer_new(
	    loop, gate_is_window(gate) ? gate_window_pass : gate_deadline_passed, gate);
	take_rows(gate);
	if (gate_is_window(gate))
		gate_window_begin(gate);
	else
		gate_begin_afresh(gate);
	if (gate_health(gate)->kind == HEALTH_NONE && !gate_is_window(gate))
		port_note(&job->docker->host, &job->effect, LOG_WARN,
		    "no health check is configured: the "
		    "containers only have to run for %g s",
		    (double)gate_health(gate)->min_uptime_ms / 1e3);
	for (int i = 0; i < gate->count; i++) {
		struct trial *t = &gate->trials[i];

		t->gate = gate;
		t->index = i;
		t->losses = job->engine->losses;
		t->tail.context = t;
		t->timer = loop_timer_new(loop, on_timer, t);
		container_name(&job->row, i, t->name, sizeof(t->name));
		trial_look(t);
	}
}

static void
gate_release(struct job *job)
{
	struct gate *gate = (struct gate *)job;

	gate_hold_all(gate);
	loop_timer_free(gate->deadline);
	for (int i = 0; i < gate->count; i++) {
		loop_timer_free(gate->trials[i].timer);
		tail_drop(&gate->trials[i].tail);
	}
}

const struct job_kind gate_kind = { sizeof(struct gate), gate_work, gate_release };

void
gate_wake(struct docker *docker, const struct engine *engine, const char *container_id)
{
	struct job *job;

	LIST_FOREACH(job, &docker->jobs, entry)
	{
		struct gate *gate = (struct gate *)job;

		if (job->kind != &gate_kind || job->engine != engine || job->is_over
		    || gate->phase != PHASE_PROBING)
			continue;
		for (int i = 0; i < gate->count; i++) {
			struct trial *t = &gate->trials[i];

			if (strcmp(t->id, container_id) != 0)
				continue;
			probe_cancel(t->probe);
			t->probe = NULL;
			trial_look(t);
		}
	}
}
