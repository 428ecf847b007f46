/* test_fsm_stop.c - a stage that a person stops, and starts again. */
#include "fsm_stage_bed.h"

#include "actors/permit.h"

enum { STOP = 40, LATER = 41 };

static struct event
of(enum event_kind kind, uint64_t from, enum trigger trigger)
{
	struct event e = {
		.kind = kind, .from = from, .trigger = trigger, .spec = SPEC, .now_ms = NOW_MS
	};

	snprintf(e.digest, sizeof(e.digest), "sha256:live");
	return e;
}

static struct actor
stopped(void)
{
	struct actor a = stage_in(STAGE_IDLE);

	a.stage.live = 0;
	a.stage.live_spec = 0;
	a.stage.stopped = STOP; /* and its digest is what would come back */
	a.stage.merged = STOP;
	a.stage.resolving = 0;
	memset(a.stage.resolving_tag, 0, TAG_SIZE);
	return a;
}

/* It has the configuration of what serves, and nothing of it runs. */
static void
to_stop_starts_nothing(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_IDLE);
	struct event e = of(EV_TRIGGER, 0, TRIGGER_STOP);

	a.stage.spec = SPEC + 1;
	a.stage.has_route = true;
	a.stage.tasks = 1u << TASK_MIGRATION;
	a.stage.strategy = STRATEGY_RECREATE;
	e.flag = true;
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(last.spawn_count, 1);
	assert_int_equal(last.spawns[0].state, DEPLOY_QUEUED);
	assert_int_equal(last.spawns[0].deploy.trigger, TRIGGER_STOP);
	assert_int_equal(last.spawns[0].deploy.spec, SPEC);
	assert_int_equal(last.spawns[0].deploy.strategy, STRATEGY_BLUE_GREEN);
	assert_int_equal(last.spawns[0].deploy.tasks, 0);
	assert_true(last.spawns[0].deploy.has_route);
}

static void
then_nothing_is_live(void **state UNUSED)
{
	for (int in = STAGE_DEPLOYING; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct actor wanted = a;
		struct event e = of(EV_MOVED, RUNNING, TRIGGER_STOP);

		a.stage.kept[0].deploy = WAS_LIVE;
		a.stage.kept[0].until_ms = 8000;
		a.stage.live_since_ms = 5;
		wanted.stage.live = 0;
		wanted.stage.live_spec = 0;
		wanted.stage.stopped = RUNNING;
		wanted.stage.merged = RUNNING; /* wishes of before come too late */
		gives(&a, &e, &wanted);
		says_nothing();
	}
}

static void
is_judged(
    const struct actor *a, enum trigger trigger, enum permit_verdict wanted, const char *text)
{
	struct event e = of(EV_READY, LATER, trigger);
	struct permit permit;

	assert_int_equal(permit_judge(&a->stage, &e, &permit), wanted);
	assert_string_equal(permit.text, text);
	assert_int_equal(permit.after_ms, wanted == PERMIT_WAIT ? PENDING_LOOK_MS : 0);
}

/* Whatever the terms say of it by then. */
static void
nothing_else_leaves(void **state UNUSED)
{
	for (int in = STAGE_DEPLOYING; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct event e = of(EV_MOVED, RUNNING, TRIGGER_RESTART);

		snprintf(e.digest, sizeof(e.digest), "sha256:other");
		assert_int_equal(permit_judge(&a.stage, &e, NULL), PERMIT_DENY);
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(a.stage.live, RUNNING);
		assert_int_equal(a.stage.stopped, 0);
	}
}

/* Freezes and windows do not hold a person who stops or starts. */
static void
machines_wait_and_people_do_not(void **state UNUSED)
{
	struct actor a = stopped();
	struct actor other = stage_in(STAGE_IDLE);

	is_judged(&a, TRIGGER_WEBHOOK, PERMIT_WAIT, "the stage is stopped");
	is_judged(&a, TRIGGER_POLL, PERMIT_WAIT, "the stage is stopped");
	is_judged(&a, TRIGGER_MANUAL, PERMIT_GO, "");
	is_judged(&a, TRIGGER_PROMOTE, PERMIT_GO, "");
	is_judged(&a, TRIGGER_ROLLBACK, PERMIT_GO, "");
	a.stage.frozen_until_ms = INT64_MAX;
	other.stage.frozen_until_ms = INT64_MAX;
	is_judged(&a, TRIGGER_START, PERMIT_GO, "");
	is_judged(&a, TRIGGER_STOP, PERMIT_DENY, "nothing is live any more");
	is_judged(&a, TRIGGER_RESTART, PERMIT_DENY,
	    "the version to start anew is not live any more");
	is_judged(&other, TRIGGER_STOP, PERMIT_GO, "");
	other.stage.running = RUNNING;
	is_judged(&other, TRIGGER_STOP, PERMIT_DENY, "another deploy is under way");
	is_judged(&other, TRIGGER_START, PERMIT_DENY, "something is live already");
}

/* What came meanwhile is told that it may ask again. */
static void
what_goes_live_ends_it(void **state UNUSED)
{
	struct actor a = stopped();
	struct actor wanted;
	struct event e = of(EV_MOVED, LATER, TRIGGER_START);

	a.state = STAGE_DEPLOYING;
	a.stage.running = LATER;
	a.stage.pending = PENDS;
	wanted = a;
	wanted.stage.stopped = 0;
	wanted.stage.live = LATER;
	wanted.stage.live_spec = SPEC;
	wanted.stage.live_since_ms = NOW_MS;
	gives(&a, &e, &wanted);
	assert_int_equal(last.message_count, 1);
	says(0, PENDS, EV_RECALLED, "");
	a.stage.running = LATER + 1; /* the next one changes nothing for what pends */
	e.from = LATER + 1;
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(last.message_count, 0);
}

/* What served until then is left by who goes back to another version, and by nobody who brings it back. */
static void
a_rollback_leaves_what_was_stopped(void **state UNUSED)
{
	struct actor a = stopped();
	struct event e = of(EV_TRIGGER, 0, TRIGGER_ROLLBACK);

	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.stage.quarantine[0].deploy, 0);
	assert_int_equal(last.spawn_count, 1);
	a = stopped();
	snprintf(e.digest, sizeof(e.digest), "sha256:before");
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.stage.quarantine[0].deploy, STOP);
	assert_string_equal(a.stage.quarantine[0].digest, "sha256:live");
}

/* It would never be live: it is merged with nothing. */
static void
nobody_is_left_to_a_stop(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_IDLE);
	struct event e = of(EV_READY, STOP, TRIGGER_STOP);

	a.stage.resolving = 0;
	memset(a.stage.resolving_tag, 0, TAG_SIZE);
	e.flag = true;
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	told(STOP, STAGE_ID, ON(GRANTED));
	assert_int_equal(a.state, STAGE_DEPLOYING);
	e = of(EV_READY, LATER, TRIGGER_MANUAL);
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.state, STAGE_QUEUEING);
	assert_int_equal(a.stage.waiting, LATER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_stop_starts_nothing),
		cmocka_unit_test(then_nothing_is_live),
		cmocka_unit_test(nothing_else_leaves),
		cmocka_unit_test(machines_wait_and_people_do_not),
		cmocka_unit_test(what_goes_live_ends_it),
		cmocka_unit_test(a_rollback_leaves_what_was_stopped),
		cmocka_unit_test(nobody_is_left_to_a_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
