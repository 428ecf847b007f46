/* gate_end.c - how a gate fails, and when it does not.
 *
 * The one idea: an engine that goes away takes its containers with it, and that is not
 * their fault. So a container that ended fails the gate only after its last lines were read
 * over a fresh connection: an engine that is shutting down takes none. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "ports/gate_parts.h"
#include "ports/probe.h"

enum {
	ENGINE_WAIT_MS = 500, /* between two looks while the engine does not answer */
	ENGINE_END_MS = 15000, /* how long an engine gives its containers to end */
	ENGINE_SLOW_MS =
	    1000, /* a look takes 2 ms: such a one says that the engine was away */
	LATE_MS = 100, /* for what has to end before the gate does */
};

static void
on_tail(void *context, const struct answer *answer)
{
	struct trial *t = context;

	if (answer->kind == ANSWER_TROUBLED) { /* then it was perhaps the engine's fault */
		job_fail(&t->gate->job, EV_TROUBLED, "%s", answer->message);
		return;
	}
	gate_refuse(t->gate, "%s; its last lines are in the log of this deploy", t->verdict);
}

void
trial_fail(struct trial *t)
{
	/* It is decided: Docker's events and answers still under way change nothing any more. */
	t->gate->phase = PHASE_FAILING;
	loop_timer_stop(t->gate->deadline);
	gate_hold_all(t->gate);
	if (t->tail.is_open) { /* its last lines are being read for another reason */
		gate_refuse(t->gate, "%s", t->verdict);
		return;
	}
	t->tail.on_done = on_tail;
	tail_take(&t->tail, &t->gate->job, t->id[0] != '\0' ? t->id : t->name);
}

void
gate_leave_last_look(struct gate *gate)
{
	gate->phase = PHASE_PROBING;
	for (int i = 0; i < gate->count; i++) {
		gate->trials[i].is_passed = false;
		trial_wait(&gate->trials[i], ENGINE_WAIT_MS);
	}
}

/* The engine does not answer: that says nothing about the containers. */
void
trial_wait_for_engine(struct trial *t, const struct answer *answer)
{
	struct gate *gate = t->gate;

	if (gate->phase == PHASE_FAILING)
		return;
	if (gate->blind_ms == 0)
		port_note(&gate->job.docker->host, &gate->job.effect, LOG_WARN,
		    "the gate waits for the engine: %s", answer->message);
	if (gate->blind_ms == 0)
		gate->blind_ms = t->asked_ms;
	snprintf(gate->engine_why, sizeof(gate->engine_why), "%s", answer->message);
	if (gate->phase == PHASE_PROBING)
		trial_wait(t, ENGINE_WAIT_MS);
	else
		gate_leave_last_look(gate);
}

/* The gate looks before it probes, so while the engine does not answer nobody is probed: that time is
 * not the app's. Replicas are looked at side by side, and each moment counts once. */
void
trial_sees_again(struct trial *t)
{
	struct gate *gate = t->gate;
	int64_t now_ms = gate_now_ms();
	int64_t from_ms = gate->blind_ms != 0 ? gate->blind_ms : t->asked_ms;

	gate->blind_ms = 0;
	if (gate_is_window(gate))
		return; /* it ends when it ends */
	if (gate->phase == PHASE_FAILING || now_ms - from_ms < ENGINE_SLOW_MS)
		return;
	if (from_ms < gate->forgiven_ms)
		from_ms = gate->forgiven_ms;
	gate->forgiven_ms = now_ms;
	gate->away_ms += now_ms - from_ms;
	gate->deadline_ms += now_ms - from_ms;
	loop_timer_set(gate->deadline, gate->deadline_ms - now_ms);
}

void
gate_begin_afresh(struct gate *gate)
{
	int64_t deadline_ms = gate_health(gate)->deadline_ms;

	if (gate_is_window(gate)) {
		gate_window_pardon(gate);
		return;
	}
	gate->away_ms = 0;
	gate->forgiven_ms = gate_now_ms();
	gate->deadline_ms = gate->forgiven_ms + deadline_ms;
	loop_timer_set(gate->deadline, deadline_ms);
}

static void
on_restarted(void *context, const struct answer *answer)
{
	struct trial *t = context;

	t->is_asking = false;
	if (answer->kind == ANSWER_DONE) {
		t->has_begun = false;
		gate_begin_afresh(t->gate);
		trial_look(t);
	} else if (answer->kind == ANSWER_TROUBLED && answer->status == 0) {
		trial_wait_for_engine(t, answer);
	} else {
		snprintf(t->verdict, sizeof(t->verdict),
		    "container %s ended with its engine and cannot "
		    "be started again: %s",
		    t->name, answer->message);
		trial_fail(t);
	}
}

/* Either the engine went away since the last look, or it did before the gate began and the
 * end falls into that time. */
static bool
ended_with_engine(const struct trial *t)
{
	const struct engine *engine = t->gate->job.engine;
	int64_t end_ms = container_time_ms(t->seen.finished_at);

	if (t->losses != engine->losses)
		return true;
	return !t->has_begun && !t->is_revived && engine->lost_ms != 0
	       && end_ms > engine->lost_ms - ENGINE_END_MS
	       && end_ms < engine->back_ms + ENGINE_END_MS;
}

static void
on_ended(void *context, const struct answer *answer)
{
	struct trial *t = context;
	struct gate *gate = t->gate;
	char ending[REASON_SIZE];

	t->is_asking = false;
	if (answer->kind != ANSWER_DONE) {
		trial_wait_for_engine(t, answer);
	} else if (ended_with_engine(t)) {
		t->losses = gate->job.engine->losses;
		t->is_revived = true;
		port_note_instance(&gate->job.docker->host, &gate->job.effect, t->id, LOG_WARN,
		    "container %s ended with its engine; starting it again", t->name);
		trial_ask(t, "POST", "/start", on_restarted);
	} else {
		container_ending(&t->seen, ending);
		gate_refuse(gate,
		    "container %s %s %s; its last lines are in the log of this deploy",
		    t->name, ending,
		    gate_is_window(gate) ? "in its verification window"
					 : "before it was healthy");
	}
}

/* The container does not run. Its last lines are asked for over a fresh connection: an
 * engine that is shutting down, and has taken the container with it, refuses that. */
void
trial_ended(struct trial *t)
{
	t->is_asking = true;
	t->is_good = false;
	t->tail.on_done = on_ended;
	tail_take(&t->tail, &t->gate->job, t->id);
}

void
gate_hold_all(struct gate *gate)
{
	for (int i = 0; i < gate->count; i++) {
		loop_timer_stop(gate->trials[i].timer);
		probe_cancel(gate->trials[i].probe);
		gate->trials[i].probe = NULL;
	}
}

/* What is under way will say more than that the time is over: an engine that perhaps hangs, the last
 * lines of one that has ended, the last look at those that are good. Each of these has an end of its
 * own; of looks, which begin all the time, only those count in the end that are slow. */
static bool
is_about_to_tell(const struct gate *gate)
{
	int64_t now_ms = gate_now_ms();
	bool is_late = now_ms >= gate->deadline_ms + ENGINE_SLOW_MS;

	if (gate->phase != PHASE_PROBING)
		return true;
	for (int i = 0; i < gate->count; i++) {
		const struct trial *t = &gate->trials[i];
		bool is_slow = now_ms - t->asked_ms >= ENGINE_SLOW_MS;

		if (t->tail.is_open || (t->is_asking && (is_slow || !is_late)))
			return true;
	}
	return false;
}

/* What it lacks. A last answer that was right is no reason by itself. */
static void
write_lack(const struct trial *t, char *text, size_t size)
{
	const struct health_spec *health = gate_health(t->gate);

	if (t->last[0] == '\0')
		snprintf(text, size, "no probe of it has ended yet");
	else if (!t->is_last_good)
		snprintf(text, size, "%s, %d time%s in a row", t->last, t->last_count,
		    t->last_count == 1 ? "" : "s");
	else if (health->kind != HEALTH_NONE && t->successes < health->successes)
		snprintf(text, size, "only %d of %d probes in a row were good so far (%s)",
		    t->successes, health->successes, t->last);
	else
		snprintf(text, size, "it has not run for %g s without a restart yet",
		    (double)health->min_uptime_ms / 1e3);
}

void
gate_deadline_passed(void *context)
{
	struct gate *gate = context;
	struct trial *t = &gate->trials[0];
	char lack[REASON_SIZE + 64];
	char away[64] = "";

	if (gate->blind_ms != 0) {
		job_fail(&gate->job, EV_TROUBLED, "%s", gate->engine_why);
		return;
	}
	if (is_about_to_tell(gate)) {
		loop_timer_set(gate->deadline, LATE_MS);
		return;
	}
	for (int i = gate->count - 1; i >= 0; i--)
		if (!gate->trials[i].is_good)
			t = &gate->trials[i];
	write_lack(t, lack, sizeof(lack));
	if (gate->away_ms > 0)
		snprintf(away, sizeof(away), ", besides %.1f s in which the engine was away",
		    (double)gate->away_ms / 1e3);
	snprintf(t->verdict, sizeof(t->verdict),
	    "container %s was not healthy within %g s%s: %s", t->name,
	    (double)gate_health(gate)->deadline_ms / 1e3, away, lack);
	gate_hold_all(gate);
	call_list_cancel(&gate->job.calls);
	trial_fail(t);
}
