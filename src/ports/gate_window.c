/* gate_window.c - VERIFY: the verification window, in which a version is watched that has the traffic.
 *
 * The one idea: it is the gate held open. The same rounds go on over the same containers, so what fails a gate fails
 * the window, and an engine that goes away is waited for. Two things come to it: a check that fails three rounds in a
 * row, and too many of its requests that fail at the edge. Figures alone condemn nothing: only when each container has been
 * looked at once more, and runs as it did, they are the version's own. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "ports/gate_parts.h"
#include "ports/probe.h"

enum {
	PACE_MS = 1000, /* between two rounds, and two looks at the figures, at the least */
	FAILURES_MAX = 3, /* one may be chance */
	SHARE_MS =
	    10000, /* the share is of so long: of an hour a bad minute were too little */
};

bool
gate_is_window(const struct gate *gate)
{
	return gate->job.effect.kind == FX_VERIFY;
}

static const struct verify_spec *
window_spec(const struct gate *gate)
{
	return &job_spec(&gate->job)->verify;
}

/* Whatever time was spent on it before a crash counts; and a clock that was set meanwhile makes it no longer. */
void
gate_window_begin(struct gate *gate)
{
	int64_t length_ms = window_spec(gate)->for_ms;
	int64_t now_ms = clock_now_ms();
	int64_t left_ms = gate->job.row.watched_since_ms + length_ms - now_ms;

	if (left_ms > length_ms)
		left_ms = length_ms;
	if (left_ms < 0)
		left_ms = 0;
	gate->window_until_ms = now_ms + left_ms;
	gate->based_ms = gate_now_ms();
	loop_timer_set(gate->deadline, left_ms < PACE_MS ? left_ms : PACE_MS);
	port_note(&gate->job.docker->host, &gate->job.effect, LOG_INFO,
	    "watched for %.1f s more; if it fails meanwhile, deploy %" PRIu64
	    ", which still runs, serves again",
	    (double)left_ms / 1e3, gate->job.effect.elder);
}

/* The figures. */

static bool
read_figures(const struct gate *gate, uint64_t deploy, struct docker_traffic *ret)
{
	const struct docker_settings *settings = &gate->job.docker->settings;

	*ret = (struct docker_traffic){ 0 };
	return settings->traffic != NULL
	       && settings->traffic(settings->context, gate->job.row.stage, deploy, ret);
}

/* Of this version, since the last that was looked at. A proxy that was started again counts from zero. */
static bool
read_own(struct gate *gate, struct docker_traffic *ret)
{
	if (!read_figures(gate, gate->job.effect.deploy, ret))
		return false;
	if (ret->requests < gate->base.requests || ret->failures < gate->base.failures)
		gate->base = (struct docker_traffic){ 0 };
	ret->requests -= gate->base.requests;
	ret->failures -= gate->base.failures;
	return true;
}

static double
percent_of(const struct docker_traffic *traffic)
{
	return traffic->requests == 0
		   ? 0
		   : 100.0 * (double)traffic->failures / (double)traffic->requests;
}

static void
begin_share(struct gate *gate)
{
	(void)read_figures(gate, gate->job.effect.deploy, &gate->base);
	gate->based_ms = gate_now_ms();
}

static void
accuse(struct gate *gate)
{
	const struct verify_spec *spec = window_spec(gate);
	struct docker_traffic own;
	struct docker_traffic before;
	double usual;

	if (!read_own(gate, &own) || own.requests < (uint64_t)spec->min_requests)
		return;
	(void)read_figures(gate, gate->job.effect.elder, &before);
	usual = percent_of(&before);
	if (percent_of(&own) <= usual + spec->max_error_percent) {
		if (gate_now_ms() - gate->based_ms >= SHARE_MS)
			begin_share(gate);
		return;
	}
	snprintf(gate->accusation, sizeof(gate->accusation),
	    "%" PRIu64 " of %" PRIu64 " requests failed in its verification window: %.1f %%, "
	    "with the version before %.1f %%",
	    own.failures, own.requests, percent_of(&own), usual);
}

/* The engine took the containers away: what fails until they are healthy again is not theirs, for as long as a gate
 * gives them. */
void
gate_window_pardon(struct gate *gate)
{
	gate->pardoned_until_ms = gate_now_ms() + gate_health(gate)->deadline_ms;
}

static bool
is_pardoned(const struct gate *gate, const struct trial *trial)
{
	return trial->success_ms == 0 && gate_now_ms() < gate->pardoned_until_ms;
}

/* False: some of them are not back yet. */
static bool
are_all_back(struct gate *gate)
{
	for (int i = 0; i < gate->count; i++)
		if (is_pardoned(gate, &gate->trials[i])) {
			begin_share(gate);
			return false;
		}
	return true;
}

/* Rounds. */

void
gate_window_judge(struct trial *t, bool is_success, const char *text)
{
	int64_t interval_ms = gate_health(t->gate)->interval_ms;

	if (is_success)
		t->success_ms = gate_now_ms();
	t->failures = is_success || is_pardoned(t->gate, t) ? 0 : t->failures + 1;
	if (t->failures < FAILURES_MAX) {
		trial_wait(t, interval_ms < PACE_MS ? PACE_MS : interval_ms);
		return;
	}
	snprintf(t->verdict, sizeof(t->verdict),
	    "container %s failed its health check %d times in a row in its verification "
	    "window: "
	    "%s",
	    t->name, t->failures, text);
	trial_fail(t);
}

static bool
is_under_way(const struct gate *gate)
{
	for (int i = 0; i < gate->count; i++)
		if (gate->trials[i].is_asking || gate->trials[i].tail.is_open)
			return true;
	return false;
}

static void
look_once_more(struct gate *gate)
{
	gate->phase = PHASE_LAST_LOOK;
	gate_hold_all(gate);
	for (int i = 0; i < gate->count; i++) {
		gate->trials[i].is_passed = false;
		trial_look(&gate->trials[i]);
	}
}

/* What is under way may say more: a container that ended, an engine that does not answer. */
void
gate_window_pass(void *context)
{
	struct gate *gate = context;
	int64_t left_ms = gate->window_until_ms - clock_now_ms();

	loop_timer_set(gate->deadline, left_ms > 0 && left_ms < PACE_MS ? left_ms : PACE_MS);
	if (gate->phase != PHASE_PROBING || is_under_way(gate))
		return;
	if (gate->blind_ms != 0) {
		if (left_ms <= 0)
			job_fail(&gate->job, EV_TROUBLED, "%s", gate->engine_why);
		return;
	}
	if (!are_all_back(gate))
		return;
	gate->accusation[0] = '\0';
	accuse(gate);
	if (gate->accusation[0] != '\0' || left_ms <= 0)
		look_once_more(gate);
}

void
gate_window_end(struct gate *gate)
{
	struct trial *first = &gate->trials[0];
	struct docker_traffic own;
	char counted[96] = "";

	if (gate->accusation[0] != '\0') {
		snprintf(first->verdict, sizeof(first->verdict), "%s", gate->accusation);
		trial_fail(first);
		return;
	}
	if (read_figures(gate, gate->job.effect.deploy, &own) && own.requests > 0)
		snprintf(counted, sizeof(counted),
		    "; %" PRIu64 " of %" PRIu64 " requests failed", own.failures,
		    own.requests);
	port_note(&gate->job.docker->host, &gate->job.effect, LOG_INFO,
	    "verified: it ran for its whole window%s", counted);
	job_answer(&gate->job, EV_VERIFIED);
}

/* By its rows, which follow what the engine tells of it. */
static bool
runs_before(const struct gate *gate)
{
	struct instance rows[REPLICAS_MAX];
	size_t count = store_instances(
	    gate->job.docker->host.store, gate->job.effect.elder, rows, REPLICAS_MAX);

	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].status, "running") == 0)
			return true;
	return false;
}

void
gate_refuse(struct gate *gate, const char *format, ...)
{
	char text[LOG_LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!gate_is_window(gate) || runs_before(gate)) {
		job_fail(&gate->job, EV_REFUSED, "%s", text);
		return;
	}
	port_note(&gate->job.docker->host, &gate->job.effect, LOG_WARN,
	    "%s; it stays nevertheless: nothing of deploy %" PRIu64 " runs to go back to",
	    text, gate->job.effect.elder);
	job_answer(&gate->job, EV_VERIFIED);
}
