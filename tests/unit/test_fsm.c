/* test_fsm.c - the engine, and what each machine must and must not do, told row by row where a
 * mistake would cost traffic. The simulator and the laws of fsm_verify() cover the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actors/ask.h"
#include "actors/fsm.h"
#include "actors/orphan.h"
#include "base/check.h"

static struct out out;

static enum step
step(struct actor *a, enum event_kind kind)
{
	struct event e = { .kind = kind, .to = a->id, .epoch = a->epoch, .now_ms = 1000 };

	out = (struct out){ .fresh_id = 100 };
	return fsm_step(fsm_spec_of(a->kind), a, &e, &out);
}

static struct actor
deploy_in(enum deploy_state state)
{
	struct actor a = { .id = 7,
		.kind = ACTOR_DEPLOY,
		.state = (int)state,
		.epoch = 5,
		.deadline_ms = 9 };

	a.deploy.stage = 1;
	a.deploy.elder = 4;
	a.deploy.has_route = true;
	a.deploy.swap = 8;
	return a;
}

static void
every_table_keeps_the_laws(void **state UNUSED)
{
	for (int kind = 0; kind < ACTOR_KIND_COUNT; kind++)
		fsm_verify(fsm_spec_of((enum actor_kind)kind));
}

static void
stale_answers_change_nothing(void **state UNUSED)
{
	struct actor a = deploy_in(DEPLOY_PULLING);
	struct actor before = a;
	struct event late = { .kind = EV_PULLED, .to = 7, .epoch = 4, .now_ms = 1000 };

	out = (struct out){ .fresh_id = 100 };
	assert_int_equal(fsm_step(&deploy_spec, &a, &late, &out), STEP_STALE);
	assert_memory_equal(&a, &before, sizeof(a));
	late.kind = EV_TIMEOUT; /* a deadline of an older step */
	assert_int_equal(fsm_step(&deploy_spec, &a, &late, &out), STEP_STALE);
}

static void
a_deploy_that_is_over_answers_nothing(void **state UNUSED)
{
	struct actor a = deploy_in(DEPLOY_LIVE);

	for (int ev = 0; ev < EV_COUNT; ev++)
		assert_int_equal(step(&a, (enum event_kind)ev), STEP_STALE);
}

/* Before the swap has said where the traffic goes, nothing may be removed. */
static void
swapping_never_removes(void **state UNUSED)
{
	const uint64_t removing = FX(REMOVE) | FX(RETIRE);

	for (int ev = 0; ev < EV_COUNT; ev++) {
		struct actor a = deploy_in(DEPLOY_SWAPPING);
		if (step(&a, (enum event_kind)ev) != STEP_TAKEN)
			continue;
		if (ev == EV_UNSWAPPED)
			assert_int_equal(out.emitted, FX(REMOVE));
		else
			assert_false(out.emitted & removing);
	}
	for (int ev = 0; ev < EV_COUNT; ev++) {
		struct actor a = deploy_in(DEPLOY_ABORTING);
		if (step(&a, (enum event_kind)ev) == STEP_TAKEN && ev != EV_UNSWAPPED)
			assert_int_equal(out.emitted, 0);
	}
}

static void
the_elder_goes_only_after_the_drain(void **state UNUSED)
{
	struct actor a = deploy_in(DEPLOY_SWAPPING);

	assert_int_equal(step(&a, EV_SWAPPED), STEP_TAKEN);
	assert_int_equal(a.state, DEPLOY_DRAINING);
	assert_int_equal(out.emitted, FX(DRAIN));
	assert_int_equal(out.messages[0].kind, EV_MOVED);
	assert_int_equal(step(&a, EV_DRAINED), STEP_TAKEN);
	assert_int_equal(out.emitted, FX(RETIRE));
	assert_int_equal(out.effects[0].elder, 4);
	assert_int_equal(step(&a, EV_RETIRED), STEP_TAKEN);
	assert_int_equal(a.state, DEPLOY_LIVE);
	assert_int_equal(out.messages[0].kind, EV_ENDED);
}

static void
a_worker_has_no_swap(void **state UNUSED)
{
	struct actor a = deploy_in(DEPLOY_PROBING);

	a.deploy.has_route = false;
	assert_int_equal(step(&a, EV_HEALTHY), STEP_TAKEN);
	assert_int_equal(a.state, DEPLOY_RETIRING);
	assert_int_equal(out.spawn_count, 0);
	a = deploy_in(DEPLOY_PROBING);
	a.deploy.has_route = false;
	a.deploy.elder = 0;
	assert_int_equal(step(&a, EV_HEALTHY), STEP_TAKEN);
	assert_int_equal(a.state, DEPLOY_LIVE);
}

static void
trouble_is_tried_again_later_each_time(void **state UNUSED)
{
	struct actor a = deploy_in(DEPLOY_PULLING);
	int64_t last_ms = -1;
	int tries = 0;

	while (step(&a, EV_TROUBLED) == STEP_TAKEN && a.state == DEPLOY_PULLING) {
		assert_int_equal(out.emitted, FX(PULL));
		assert_true(out.effects[0].delay_ms >= last_ms);
		assert_true(out.effects[0].delay_ms > 0);
		last_ms = out.effects[0].delay_ms;
		tries++;
	}
	assert_int_equal(a.state, DEPLOY_FAILED);
	assert_true(tries >= 5);
	assert_string_equal(a.deploy.reason, "no reason was given");
}

static void
a_restore_ends_only_by_a_clear_answer(void **state UNUSED)
{
	for (int ev = 0; ev < EV_COUNT; ev++) {
		struct actor a = { .id = 8,
			.kind = ACTOR_SWAP,
			.state = SWAP_RESTORING,
			.epoch = 2,
			.deadline_ms = 9 };
		a.swap.deploy = 7;
		a.swap.tries = 1000;
		if (step(&a, (enum event_kind)ev) != STEP_TAKEN)
			continue;
		assert_int_equal(a.state, ev == EV_RESTORED ? SWAP_RESTORED : SWAP_RESTORING);
	}
}

static void
a_retry_waits_as_long_as_the_peer_asks(void **state UNUSED)
{
	assert_int_equal(retry_delay_ms(0, 0), 500);
	assert_int_equal(retry_delay_ms(3, 0), 4000);
	assert_int_equal(retry_delay_ms(50, 0), 20000);
	assert_int_equal(retry_delay_ms(0, 7000), 7000);
	assert_int_equal(retry_delay_ms(0, INT64_MAX), 600000);
}

/* What each state of a deploy is for: its question, and where each kind of answer leads. */
struct duty {
	enum deploy_state in;
	uint64_t asks; /* when entered again: RECOVERED */
	enum deploy_state canceled; /* CANCEL */
	enum deploy_state troubled; /* TROUBLED and TIMEOUT, with tries left */
	enum deploy_state spent; /* the same with none left */
	enum deploy_state refused;
	enum event_kind done;
	enum deploy_state next;
	uint64_t then_asks;
};

/* clang-format off */
static const struct duty duties[] = {
	{ DEPLOY_RESOLVING, FX(RESOLVE), DEPLOY_CANCELED, DEPLOY_RESOLVING, DEPLOY_FAILED, DEPLOY_FAILED,
	    EV_RESOLVED, DEPLOY_QUEUED, 0 },
	{ DEPLOY_PULLING, FX(PULL), DEPLOY_CANCELED, DEPLOY_PULLING, DEPLOY_FAILED, DEPLOY_FAILED,
	    EV_PULLED, DEPLOY_STARTING, FX(RUN) },
	{ DEPLOY_STARTING, FX(RUN), DEPLOY_CANCELING, DEPLOY_STARTING, DEPLOY_UNDOING, DEPLOY_UNDOING,
	    EV_STARTED, DEPLOY_PROBING, FX(PROBE) },
	{ DEPLOY_PROBING, FX(PROBE), DEPLOY_CANCELING, DEPLOY_PROBING, DEPLOY_UNDOING, DEPLOY_UNDOING,
	    EV_HEALTHY, DEPLOY_SWAPPING, 0 },
	{ DEPLOY_DRAINING, FX(DRAIN), DEPLOY_DRAINING, DEPLOY_DRAINING, DEPLOY_RETIRING, DEPLOY_DRAINING,
	    EV_DRAINED, DEPLOY_RETIRING, FX(RETIRE) },
	{ DEPLOY_RETIRING, FX(RETIRE), DEPLOY_RETIRING, DEPLOY_RETIRING, DEPLOY_LIVE, DEPLOY_RETIRING,
	    EV_RETIRED, DEPLOY_LIVE, 0 },
	{ DEPLOY_UNDOING, FX(REMOVE), DEPLOY_UNDOING, DEPLOY_UNDOING, DEPLOY_ROLLED_BACK, DEPLOY_UNDOING,
	    EV_REMOVED, DEPLOY_ROLLED_BACK, 0 },
	{ DEPLOY_CANCELING, FX(REMOVE), DEPLOY_CANCELING, DEPLOY_CANCELING, DEPLOY_CANCELED, DEPLOY_CANCELING,
	    EV_REMOVED, DEPLOY_CANCELED, 0 },
};
/* clang-format on */

static void
moves_to(enum deploy_state in, uint32_t tries, enum event_kind on, enum deploy_state to)
{
	struct actor a = deploy_in(in);

	a.deploy.tries = tries;
	keep_text(a.deploy.reason, "the first reason");
	assert_int_equal(step(&a, on), STEP_TAKEN);
	assert_int_equal(a.state, to);
	if (fsm_is_final(&deploy_spec, a.state)) {
		assert_int_equal(a.deploy.ended_ms, 1000);
		assert_int_equal(out.messages[out.message_count - 1].kind, EV_ENDED);
		assert_int_equal(out.messages[out.message_count - 1].to, 1);
		if (to == DEPLOY_CANCELED)
			assert_string_equal(a.deploy.reason, "canceled");
		else if (to != DEPLOY_LIVE)
			assert_int_not_equal(a.deploy.reason[0], 0);
	}
}

static void
each_state_does_its_duty(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(duties); i++) {
		const struct duty *d = &duties[i];
		struct actor a = deploy_in(d->in);

		a.deploy.tries = 5;
		assert_int_equal(step(&a, EV_RECOVERED), STEP_TAKEN);
		assert_int_equal(a.state, d->in);
		assert_int_equal(out.emitted, d->asks);
		assert_int_equal(out.effects[0].delay_ms, 0);
		assert_int_equal(out.effects[0].epoch, a.epoch);
		assert_int_equal(a.deploy.tries, 5); /* a restart spends no try */
		assert_int_equal(out.message_count, 0);

		moves_to(d->in, 5, EV_CANCEL, d->canceled);
		moves_to(d->in, 1000, EV_REFUSED, d->refused == d->in ? d->spent : d->refused);
		moves_to(d->in, 0, EV_REFUSED, d->refused);
		moves_to(d->in, 1000, EV_TROUBLED, d->spent);
		moves_to(d->in, 1000, EV_TIMEOUT, d->spent);
		moves_to(d->in, 0, EV_TROUBLED, d->troubled);
		if (d->troubled == d->in)
			assert_int_equal(out.emitted, d->asks);
		moves_to(d->in, 0, d->done, d->next);
		assert_int_equal(out.emitted, d->then_asks);
	}
	moves_to(DEPLOY_PROBING, 0, EV_TIMEOUT, DEPLOY_UNDOING); /* a gate has one chance */
	moves_to(DEPLOY_RESOLVING, 0, EV_TIMEOUT, DEPLOY_RESOLVING);
	moves_to(DEPLOY_QUEUED, 0, EV_CANCEL, DEPLOY_CANCELED);
	moves_to(DEPLOY_QUEUED, 0, EV_TIMEOUT, DEPLOY_FAILED);
	moves_to(DEPLOY_QUEUED, 0, EV_GRANTED, DEPLOY_PULLING);
	moves_to(DEPLOY_SWAPPING, 0, EV_CANCEL, DEPLOY_ABORTING);
	assert_int_equal(out.messages[0].to, 8);
	assert_int_equal(out.messages[0].kind, EV_CANCEL);
	moves_to(DEPLOY_SWAPPING, 0, EV_RECOVERED, DEPLOY_SWAPPING);
	moves_to(DEPLOY_SWAPPING, 0, EV_TIMEOUT, DEPLOY_SWAPPING);
	moves_to(DEPLOY_SWAPPING, 0, EV_UNSWAPPED, DEPLOY_UNDOING);
	moves_to(DEPLOY_ABORTING, 0, EV_UNSWAPPED, DEPLOY_CANCELING);
	moves_to(DEPLOY_ABORTING, 0, EV_TIMEOUT, DEPLOY_ABORTING);
	assert_int_equal(out.message_count, 0);
}

static void
a_deploy_that_starts_asks_or_queues(void **state UNUSED)
{
	static const enum event_kind starts[] = { EV_START, EV_RECOVERED };

	for (size_t i = 0; i < COUNT(starts); i++) {
		struct actor a = deploy_in(DEPLOY_RESOLVING);
		assert_int_equal(step(&a, starts[i]), STEP_TAKEN);
		assert_int_equal(out.emitted, FX(RESOLVE));
		assert_int_equal(a.deploy.tries, 0);
		a = deploy_in(DEPLOY_QUEUED);
		memcpy(a.deploy.digest, "sha256:1", 9);
		assert_int_equal(step(&a, starts[i]), STEP_TAKEN);
		assert_int_equal(a.state, DEPLOY_QUEUED);
		assert_int_equal(out.messages[0].kind, EV_READY);
		assert_string_equal(out.messages[0].digest, "sha256:1");
	}
}

static void
a_settled_deploy_keeps_the_stages_words(void **state UNUSED)
{
	static const enum event_kind words[] = { EV_MERGED, EV_SUPERSEDED };
	static const enum deploy_state ends[] = { DEPLOY_SKIPPED, DEPLOY_SUPERSEDED };

	for (size_t i = 0; i < COUNT(words); i++) {
		struct actor a = deploy_in(DEPLOY_QUEUED);
		struct event e = {
			.kind = words[i], .to = 7, .now_ms = 1000, .text = "by deploy 9"
		};
		out = (struct out){ .fresh_id = 100 };
		assert_int_equal(fsm_step(&deploy_spec, &a, &e, &out), STEP_TAKEN);
		assert_int_equal(a.state, ends[i]);
		assert_string_equal(a.deploy.reason, "by deploy 9");
		assert_int_equal(a.deploy.ended_ms, 1000);
		assert_int_equal(out.message_count, 0); /* it would be told to itself */
	}
}

/* It waited while the same digest went live: the stage merges it, and it insists. */
static void
a_forced_deploy_is_never_merged(void **state UNUSED)
{
	struct actor a = deploy_in(DEPLOY_QUEUED);

	a.deploy.is_forced = true;
	assert_int_equal(step(&a, EV_MERGED), STEP_TAKEN);
	assert_int_equal(a.state, DEPLOY_QUEUED);
	assert_int_equal(out.message_count, 1);
	assert_int_equal(out.messages[0].kind, EV_READY);
	assert_true(out.messages[0].flag);
	assert_int_equal(step(&a, EV_SUPERSEDED), STEP_TAKEN);
	assert_int_equal(a.state, DEPLOY_SUPERSEDED);
}

static void
an_undo_keeps_its_reason_and_counts_its_own_tries(void **state UNUSED)
{
	struct actor a = deploy_in(DEPLOY_PROBING);
	struct event e = {
		.kind = EV_REFUSED, .to = 7, .epoch = 5, .now_ms = 1000, .text = "503 answered"
	};

	a.deploy.tries = 1000;
	out = (struct out){ .fresh_id = 100 };
	assert_int_equal(fsm_step(&deploy_spec, &a, &e, &out), STEP_TAKEN);
	assert_int_equal(out.emitted, FX(REMOVE));
	assert_int_equal(a.deploy.tries, 0);
	assert_int_equal(step(&a, EV_TROUBLED), STEP_TAKEN);
	assert_int_equal(a.state, DEPLOY_UNDOING);
	assert_true(out.effects[0].delay_ms > 0);
	assert_int_equal(a.deploy.tries, 1);
	assert_string_equal(a.deploy.reason, "503 answered");
	assert_int_equal(step(&a, EV_REMOVED), STEP_TAKEN);
	assert_string_equal(a.deploy.reason, "503 answered");
}

/* The swap. */

struct swap_duty {
	enum swap_state in;
	enum event_kind on;
	uint32_t tries;
	enum swap_state to;
	uint64_t asks;
	bool is_later; /* after a pause */
};

/* clang-format off */
static const struct swap_duty swap_duties[] = {
	{ SWAP_SWITCHING, EV_START, 0, SWAP_SWITCHING, FX(SWITCH), false },
	{ SWAP_SWITCHING, EV_RECOVERED, 3, SWAP_SWITCHING, FX(SWITCH), false },
	{ SWAP_SWITCHING, EV_SWITCHED, 3, SWAP_CONFIRMING, FX(CONFIRM), false },
	{ SWAP_SWITCHING, EV_TROUBLED, 0, SWAP_SWITCHING, FX(SWITCH), true },
	{ SWAP_SWITCHING, EV_TIMEOUT, 0, SWAP_SWITCHING, FX(SWITCH), true },
	{ SWAP_SWITCHING, EV_TROUBLED, 99, SWAP_RESTORING, FX(RESTORE), false },
	{ SWAP_SWITCHING, EV_TIMEOUT, 99, SWAP_RESTORING, FX(RESTORE), false },
	{ SWAP_SWITCHING, EV_REFUSED, 0, SWAP_RESTORING, FX(RESTORE), false },
	{ SWAP_SWITCHING, EV_CANCEL, 0, SWAP_RESTORING, FX(RESTORE), false },
	{ SWAP_CONFIRMING, EV_RECOVERED, 3, SWAP_SWITCHING, FX(SWITCH), false },
	{ SWAP_CONFIRMING, EV_TROUBLED, 0, SWAP_SWITCHING, FX(SWITCH), true },
	{ SWAP_CONFIRMING, EV_TIMEOUT, 0, SWAP_SWITCHING, FX(SWITCH), true },
	{ SWAP_CONFIRMING, EV_TROUBLED, 99, SWAP_RESTORING, FX(RESTORE), false },
	{ SWAP_CONFIRMING, EV_REFUSED, 0, SWAP_RESTORING, FX(RESTORE), false },
	{ SWAP_CONFIRMING, EV_CANCEL, 0, SWAP_RESTORING, FX(RESTORE), false },
	{ SWAP_RESTORING, EV_RECOVERED, 3, SWAP_RESTORING, FX(RESTORE), false },
	{ SWAP_RESTORING, EV_CANCEL, 3, SWAP_RESTORING, FX(RESTORE), false },
	{ SWAP_RESTORING, EV_TROUBLED, 3, SWAP_RESTORING, FX(RESTORE), true },
	{ SWAP_RESTORING, EV_REFUSED, 3, SWAP_RESTORING, FX(RESTORE), true },
};
/* clang-format on */

static void
each_state_of_a_swap_does_its_duty(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(swap_duties); i++) {
		const struct swap_duty *d = &swap_duties[i];
		struct actor a = { .id = 8,
			.kind = ACTOR_SWAP,
			.state = (int)d->in,
			.epoch = 2,
			.deadline_ms = 9 };

		a.swap =
		    (struct swap){ .stage = 1, .deploy = 7, .elder = 4, .tries = d->tries };
		assert_int_equal(step(&a, d->on), STEP_TAKEN);
		assert_int_equal(a.state, d->to);
		assert_int_equal(out.emitted, d->asks);
		assert_int_equal(out.effects[0].delay_ms > 0, d->is_later);
		assert_int_equal(out.effects[0].elder, 4);
		assert_int_equal(out.effects[0].deploy, 7);
		assert_int_equal(out.message_count, 0);
		if (d->on == EV_CANCEL && d->in != SWAP_RESTORING)
			assert_string_equal(a.swap.reason, "canceled");
		if (d->on == EV_RECOVERED)
			assert_int_equal(a.swap.tries, d->tries);
	}
}

static void
a_swap_says_how_it_ended(void **state UNUSED)
{
	struct actor a = { .id = 8,
		.kind = ACTOR_SWAP,
		.state = SWAP_CONFIRMING,
		.epoch = 2,
		.deadline_ms = 9 };

	a.swap.deploy = 7;
	assert_int_equal(step(&a, EV_CONFIRMED), STEP_TAKEN);
	assert_int_equal(a.state, SWAP_DONE);
	assert_int_equal(out.messages[0].kind, EV_SWAPPED);
	assert_int_equal(out.messages[0].to, 7);
	a.state = SWAP_RESTORING;
	a.deadline_ms = 9;
	keep_text(a.swap.reason, "the new version did not answer");
	assert_int_equal(step(&a, EV_RESTORED), STEP_TAKEN);
	assert_int_equal(a.state, SWAP_RESTORED);
	assert_int_equal(out.messages[0].kind, EV_UNSWAPPED);
	assert_string_equal(out.messages[0].text, "the new version did not answer");
}

/* The sweep. */

static void
a_sweep_looks_removes_and_looks_again(void **state UNUSED)
{
	struct actor a = { .id = 3,
		.kind = ACTOR_SWEEP,
		.state = SWEEP_WAITING,
		.epoch = 2,
		.deadline_ms = 9 };
	struct event found = { .kind = EV_SURVEYED, .to = 3, .now_ms = 1000, .count = 2 };

	a.sweep.engine = 5;
	a.sweep.interval_ms = 30000;
	assert_int_equal(step(&a, EV_TIMEOUT), STEP_TAKEN);
	assert_int_equal(out.emitted, FX(SURVEY));
	assert_int_equal(out.effects[0].engine, 5);
	found.epoch = a.epoch;
	out = (struct out){ .fresh_id = 100 };
	assert_int_equal(fsm_step(&sweep_spec, &a, &found, &out), STEP_TAKEN);
	assert_int_equal(out.emitted, FX(COLLECT));
	assert_false(out.row->is_quiet); /* removing is stored before it is done */
	assert_int_equal(step(&a, EV_COLLECTED), STEP_TAKEN);
	assert_int_equal(out.emitted, FX(SURVEY));
	assert_int_equal(step(&a, EV_NUDGED), STEP_TAKEN);
	assert_int_equal(out.emitted, FX(SURVEY));
	assert_int_equal(step(&a, EV_TROUBLED), STEP_TAKEN);
	assert_int_equal(a.state, SWEEP_WAITING);
	assert_int_equal(a.deadline_ms, 31000);
	assert_int_equal(a.sweep.failures, 1);
	assert_int_equal(step(&a, EV_NUDGED), STEP_TAKEN);
	assert_int_equal(step(&a, EV_SURVEYED), STEP_TAKEN); /* none found */
	assert_int_equal(a.state, SWEEP_WAITING);
	assert_int_equal(a.sweep.failures, 0);
	for (int in = 0; in < SWEEP_STOPPED; in++) {
		a.state = in;
		a.deadline_ms = 9;
		assert_int_equal(step(&a, EV_CANCEL), STEP_TAKEN);
		assert_int_equal(a.state, SWEEP_STOPPED);
	}
	a.state = SWEEP_COLLECTING;
	assert_int_equal(step(&a, EV_RECOVERED), STEP_TAKEN);
	assert_int_equal(a.state, SWEEP_SURVEYING);
	a.state = SWEEP_COLLECTING;
	assert_int_equal(step(&a, EV_TIMEOUT), STEP_TAKEN);
	assert_int_equal(a.state, SWEEP_WAITING);
	assert_int_equal(a.sweep.failures, 1);
}

/* The stage. */

static struct actor
a_stage(void)
{
	struct actor a = { .id = 1, .kind = ACTOR_STAGE, .state = STAGE_DEPLOYING };

	a.stage.spec = 3;
	a.stage.live = 4;
	a.stage.live_spec = 3;
	strcpy(a.stage.live_digest, "sha256:live");
	a.stage.running = 7;
	a.stage.running_spec = 3;
	strcpy(a.stage.running_digest, "sha256:running");
	return a;
}

static void
ready(struct actor *a, uint64_t from, const char *digest, bool is_forced)
{
	struct event e = {
		.kind = EV_READY, .to = a->id, .from = from, .spec = 3, .flag = is_forced
	};

	snprintf(e.digest, sizeof(e.digest), "%s", digest);
	out = (struct out){ .fresh_id = 100 };
	assert_int_equal(fsm_step(&stage_spec, a, &e, &out), STEP_TAKEN);
}

static void
one_deploy_runs_and_the_newest_waits(void **state UNUSED)
{
	struct actor a = a_stage();

	ready(&a, 9, "sha256:new", false);
	assert_int_equal(a.state, STAGE_QUEUEING);
	assert_int_equal(a.stage.waiting, 9);
	ready(&a, 11, "sha256:newer", false);
	assert_int_equal(a.stage.waiting, 11);
	assert_int_equal(out.messages[0].to, 9);
	assert_int_equal(out.messages[0].kind, EV_SUPERSEDED);
	assert_string_equal(out.messages[0].text, "superseded by deploy 11");
	ready(&a, 10, "sha256:late", false);
	assert_int_equal(out.messages[0].to, 10);
	assert_int_equal(out.messages[0].kind, EV_SUPERSEDED);
	assert_int_equal(a.stage.waiting, 11);
}

/* The registry was slow for an old hook; the newer version is live by now. */
static void
an_old_wish_does_not_replace_a_newer_version(void **state UNUSED)
{
	struct actor a = a_stage();

	a.state = STAGE_IDLE;
	a.stage.running = 0;
	a.stage.resolving = 3;
	ready(&a, 3, "sha256:old", false);
	assert_int_equal(a.state, STAGE_IDLE);
	assert_int_equal(out.message_count, 1);
	assert_int_equal(out.messages[0].to, 3);
	assert_int_equal(out.messages[0].kind, EV_SUPERSEDED);
	assert_string_equal(out.messages[0].text, "superseded by deploy 4");
	assert_int_equal(a.stage.resolving, 0);
	ready(&a, 3, "sha256:old", true); /* not even when somebody insisted, then */
	assert_int_equal(out.messages[0].kind, EV_SUPERSEDED);
}

static void
one_digest_is_one_deploy(void **state UNUSED)
{
	struct actor a = a_stage();

	ready(&a, 9, "sha256:running", false);
	assert_int_equal(out.messages[0].kind, EV_MERGED);
	assert_int_equal(a.state, STAGE_DEPLOYING);
	ready(&a, 9, "sha256:running", true); /* somebody insists */
	assert_int_equal(a.state, STAGE_QUEUEING);
	ready(&a, 12, "sha256:running", false);
	assert_int_equal(out.messages[0].kind, EV_MERGED);
	a = a_stage();
	a.state = STAGE_IDLE;
	a.stage.running = 0;
	ready(&a, 9, "sha256:live", false);
	assert_int_equal(out.messages[0].kind, EV_MERGED);
	assert_string_equal(out.messages[0].text, "this digest is live already, by deploy 4");
	a.stage.live_spec =
	    2; /* the same image under another configuration is another deploy */
	ready(&a, 10, "sha256:live", false);
	assert_int_equal(out.messages[0].kind, EV_GRANTED);
	assert_int_equal(out.messages[0].elder, 4);
}

static void
going_back_to_what_runs_drops_what_waits(void **state UNUSED)
{
	struct actor a = a_stage();

	ready(&a, 9, "sha256:new", false);
	ready(&a, 10, "sha256:running", false);
	assert_int_equal(a.state, STAGE_DEPLOYING);
	assert_int_equal(out.message_count, 2);
	assert_int_equal(out.messages[0].to, 9);
	assert_int_equal(out.messages[0].kind, EV_SUPERSEDED);
	assert_int_equal(out.messages[1].to, 10);
	assert_int_equal(out.messages[1].kind, EV_MERGED);
	assert_int_equal(a.stage.waiting, 0);
}

static void
ended(struct actor *a, uint64_t from)
{
	struct event e = { .kind = EV_ENDED, .to = a->id, .from = from };

	out = (struct out){ .fresh_id = 100 };
	assert_int_equal(fsm_step(&stage_spec, a, &e, &out), STEP_TAKEN);
}

static void
the_end_of_one_starts_the_next(void **state UNUSED)
{
	struct actor a = a_stage();

	ready(&a, 9, "sha256:new", false);
	ended(&a, 7);
	assert_int_equal(a.state, STAGE_DEPLOYING);
	assert_int_equal(a.stage.running, 9);
	assert_int_equal(out.messages[0].kind, EV_GRANTED);
	ended(&a, 9);
	assert_int_equal(a.state, STAGE_IDLE);
	assert_int_equal(a.stage.running, 0);
}

static void
a_hook_that_comes_twice_is_one_question(void **state UNUSED)
{
	struct actor a = a_stage();
	struct event e = { .kind = EV_TRIGGER, .to = 1, .tag = "v5" };

	out = (struct out){ .fresh_id = 100 };
	assert_int_equal(fsm_step(&stage_spec, &a, &e, &out), STEP_TAKEN);
	assert_int_equal(out.spawn_count, 1);
	assert_int_equal(out.spawns[0].id, 100);
	assert_int_equal(out.spawns[0].state, DEPLOY_RESOLVING);
	out = (struct out){ .fresh_id = 101 };
	assert_int_equal(fsm_step(&stage_spec, &a, &e, &out), STEP_TAKEN);
	assert_int_equal(out.spawn_count, 0);
	assert_true(out.row->is_quiet);
}

/* The version that takes the route away must not stop the one that still has it. */
static void
a_stage_that_loses_its_route_still_swaps(void **state UNUSED)
{
	struct actor a = a_stage();
	struct event change = { .kind = EV_CONFIGURED, .to = 1, .spec = 4 };
	struct event trigger = { .kind = EV_TRIGGER, .to = 1, .tag = "v5" };

	a.stage.has_route = true;
	out = (struct out){ .fresh_id = 100 };
	assert_int_equal(fsm_step(&stage_spec, &a, &change, &out), STEP_TAKEN);
	assert_int_equal(fsm_step(&stage_spec, &a, &trigger, &out), STEP_TAKEN);
	assert_int_equal(out.spawns[0].deploy.spec, 4);
	assert_true(out.spawns[0].deploy.has_route);
}

/* The poll. */

static void
sought(struct actor *a, const char *tag, const char *digest)
{
	struct event e = { .kind = EV_SOUGHT, .to = a->id, .epoch = a->epoch, .now_ms = 1000 };

	snprintf(e.tag, sizeof(e.tag), "%s", tag);
	snprintf(e.digest, sizeof(e.digest), "%s", digest);
	out = (struct out){ .fresh_id = 100 };
	a->state = POLL_SEEKING;
	a->deadline_ms = 5;
	assert_int_equal(fsm_step(&poll_spec, a, &e, &out), STEP_TAKEN);
}

static void
the_first_look_only_records(void **state UNUSED)
{
	struct actor a = { .id = 2, .kind = ACTOR_POLL };

	a.poll.stage = 1;
	a.poll.interval_ms = 30000;
	a.poll.is_auto = true;
	sought(&a, "v1", "sha256:1");
	assert_int_equal(out.message_count, 0);
	assert_string_equal(a.poll.tag, "v1");
	sought(&a, "v1", "sha256:1");
	assert_true(out.row->is_quiet);
	sought(&a, "v1", "sha256:2"); /* a moved tag */
	assert_int_equal(out.messages[0].kind, EV_TRIGGER);
	assert_string_equal(out.messages[0].digest, "sha256:2");
	sought(&a, "v0", "sha256:0"); /* v1 was deleted: no wish to go back */
	assert_int_equal(out.message_count, 0);
	assert_string_equal(a.poll.tag, "v0");
	a.poll.is_auto = false;
	sought(&a, "v2", "sha256:3");
	assert_int_equal(out.message_count, 0);
	assert_string_equal(a.poll.tag, "v2");
}

static void
a_poll_in_trouble_waits_longer_each_time(void **state UNUSED)
{
	struct actor a = {
		.id = 2, .kind = ACTOR_POLL, .state = POLL_SEEKING, .deadline_ms = 5
	};
	int64_t last_ms = 0;

	a.poll.stage = 1;
	a.poll.interval_ms = 30000;
	for (int i = 0; i < 20; i++) {
		a.state = POLL_SEEKING;
		assert_int_equal(step(&a, EV_TROUBLED), STEP_TAKEN);
		assert_true(a.deadline_ms >= last_ms);
		last_ms = a.deadline_ms;
	}
	assert_int_equal(last_ms, 1000 + 3600000);
}

static void
only_true_orphans_are_removed(void **state UNUSED)
{
	for (unsigned bits = 0; bits < 32; bits++) {
		struct orphan_facts f = { bits & 1, bits & 2, bits & 4, bits & 8, bits & 16 };
		enum orphan_verdict v = orphan_judge(&f);
		if (!f.is_ours || !f.is_known)
			assert_int_equal(v, ORPHAN_FOREIGN);
		else if (f.is_final && !f.is_live && !f.is_stage_busy)
			assert_int_equal(v, ORPHAN_REMOVE);
		else
			assert_int_equal(v, ORPHAN_KEEP);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_table_keeps_the_laws),
		cmocka_unit_test(stale_answers_change_nothing),
		cmocka_unit_test(a_deploy_that_is_over_answers_nothing),
		cmocka_unit_test(swapping_never_removes),
		cmocka_unit_test(the_elder_goes_only_after_the_drain),
		cmocka_unit_test(a_worker_has_no_swap),
		cmocka_unit_test(trouble_is_tried_again_later_each_time),
		cmocka_unit_test(a_restore_ends_only_by_a_clear_answer),
		cmocka_unit_test(each_state_does_its_duty),
		cmocka_unit_test(a_deploy_that_starts_asks_or_queues),
		cmocka_unit_test(a_settled_deploy_keeps_the_stages_words),
		cmocka_unit_test(a_forced_deploy_is_never_merged),
		cmocka_unit_test(an_undo_keeps_its_reason_and_counts_its_own_tries),
		cmocka_unit_test(each_state_of_a_swap_does_its_duty),
		cmocka_unit_test(a_swap_says_how_it_ended),
		cmocka_unit_test(a_sweep_looks_removes_and_looks_again),
		cmocka_unit_test(a_retry_waits_as_long_as_the_peer_asks),
		cmocka_unit_test(one_deploy_runs_and_the_newest_waits),
		cmocka_unit_test(an_old_wish_does_not_replace_a_newer_version),
		cmocka_unit_test(one_digest_is_one_deploy),
		cmocka_unit_test(going_back_to_what_runs_drops_what_waits),
		cmocka_unit_test(the_end_of_one_starts_the_next),
		cmocka_unit_test(a_hook_that_comes_twice_is_one_question),
		cmocka_unit_test(a_stage_that_loses_its_route_still_swaps),
		cmocka_unit_test(the_first_look_only_records),
		cmocka_unit_test(a_poll_in_trouble_waits_longer_each_time),
		cmocka_unit_test(only_true_orphans_are_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
