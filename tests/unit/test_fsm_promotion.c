/* test_fsm_promotion.c - the terms of a stage: what may go, what pends and for how long, what never may;
 * and that a pending deploy keeps its place until it is settled. */
#include "fsm_stage_bed.h"

#include "actors/permit.h"

enum { PENDING = 30, NEW = 31, HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS };

static struct event
asks(enum event_kind kind, uint64_t from, const char *digest)
{
	struct event e = { .kind = kind, .from = from, .spec = SPEC, .now_ms = NOW_MS };

	snprintf(e.digest, sizeof(e.digest), "%s", digest);
	return e;
}

/* Live in the source since an hour and a minute, and an hour is enough. */
static struct event
asks_promoted(uint64_t from, const char *digest)
{
	struct event e = asks(EV_READY, from, digest);

	e.terms = (struct terms){ .soak_ms = HOUR_MS,
		.source_since_ms = NOW_MS - HOUR_MS - 60000,
		.approve_ms = DAY_MS };
	snprintf(e.terms.source, NAME_SIZE, "staging");
	snprintf(e.terms.source_digest, DIGEST_SIZE, "sha256:good");
	return e;
}

static void
is_judged(const struct stage *stage, const struct event *e, enum permit_verdict wanted,
    int64_t after_ms, const char *text)
{
	struct permit permit;

	assert_int_equal(permit_judge(stage, e, &permit), wanted);
	assert_int_equal(permit.after_ms, after_ms);
	assert_string_equal(permit.text, text);
	assert_int_equal(permit_judge(stage, e, NULL), wanted);
}

static void
without_terms_anything_may_go(void **state UNUSED)
{
	struct stage stage = stage_in(STAGE_IDLE).stage;
	struct event e = asks(EV_READY, NEW, "sha256:new");

	is_judged(&stage, &e, PERMIT_GO, 0, "");
	e.digest[0] = '\0';
	is_judged(&stage, &e, PERMIT_GO, 0, "");
	e.after_ms = 100 * (int64_t)DAY_MS; /* however old the wish */
	is_judged(&stage, &e, PERMIT_GO, 0, "");
}

static void
only_what_is_live_in_the_source_may_come(void **state UNUSED)
{
	static const char other[] =
	    "this digest is not what is live in 'staging': only that may come here";
	static const char none[] = "nothing that runs and is verified is live in 'staging'";
	struct stage stage = stage_in(STAGE_IDLE).stage;
	struct event e = asks_promoted(NEW, "sha256:good");

	is_judged(&stage, &e, PERMIT_GO, 0, "");
	e = asks_promoted(NEW, "sha256:other");
	is_judged(&stage, &e, PERMIT_DENY, 0, other);
	e.is_overriding = true; /* that is for windows and freezes */
	is_judged(&stage, &e, PERMIT_DENY, 0, other);
	e = asks_promoted(NEW, "");
	is_judged(&stage, &e, PERMIT_DENY, 0, other);
	e.terms.source_digest[0] = '\0';
	is_judged(&stage, &e, PERMIT_DENY, 0, none);
}

static void
it_soaks_first(void **state UNUSED)
{
	struct stage stage = stage_in(STAGE_IDLE).stage;
	struct event e = asks_promoted(NEW, "sha256:good");

	e.terms.source_since_ms = NOW_MS - HOUR_MS + 1;
	is_judged(&stage, &e, PERMIT_WAIT, 1, "not long enough in 'staging' yet");
	e.terms.source_since_ms = NOW_MS - HOUR_MS;
	is_judged(&stage, &e, PERMIT_GO, 0, "");
	e.terms.source_since_ms = NOW_MS - 60000;
	e.is_overriding = true;
	is_judged(
	    &stage, &e, PERMIT_WAIT, HOUR_MS - 60000, "not long enough in 'staging' yet");
	e.terms.soak_ms = 30 * (int64_t)DAY_MS; /* it looks now and then what serves there */
	is_judged(
	    &stage, &e, PERMIT_WAIT, PENDING_LOOK_MS, "not long enough in 'staging' yet");
}

static void
people_agree_in_time(void **state UNUSED)
{
	struct stage stage = stage_in(STAGE_IDLE).stage;
	struct event e = asks(EV_READY, NEW, "sha256:new");

	e.terms.approvals = 2;
	e.terms.approve_ms = HOUR_MS / 2;
	is_judged(&stage, &e, PERMIT_WAIT, HOUR_MS / 2, "has 0 of 2 approvals");
	e.count = 1;
	e.after_ms = HOUR_MS / 2 - 1;
	is_judged(&stage, &e, PERMIT_WAIT, 1, "has 1 of 2 approvals");
	e.after_ms = HOUR_MS / 2;
	is_judged(&stage, &e, PERMIT_DENY, 0, "not approved in time: has 1 of 2 approvals");
	e.count = 2; /* they were in time */
	is_judged(&stage, &e, PERMIT_GO, 0, "");
	e.count = 1;
	e.is_overriding = true;
	e.after_ms = 0;
	is_judged(&stage, &e, PERMIT_WAIT, HOUR_MS / 2, "has 1 of 2 approvals");
	/* It waits for them whatever else holds it: all is told. */
	e.terms.closed_ms = 1000;
	e.is_overriding = false;
	is_judged(&stage, &e, PERMIT_WAIT, HOUR_MS / 2,
	    "outside of its deploy windows; has 1 of 2 approvals");
}

static void
windows_and_freezes_hold_what_does_not_override(void **state UNUSED)
{
	struct stage stage = stage_in(STAGE_IDLE).stage;
	struct event e = asks(EV_READY, NEW, "sha256:new");

	e.terms.closed_ms = 5000;
	is_judged(&stage, &e, PERMIT_WAIT, 5000, "outside of its deploy windows");
	stage.frozen_until_ms = NOW_MS + 9000;
	snprintf(stage.freeze, FREEZE_SIZE, "sale (by ann)");
	is_judged(&stage, &e, PERMIT_WAIT, 9000,
	    "frozen: sale (by ann); outside of its deploy windows");
	e.is_overriding = true;
	is_judged(&stage, &e, PERMIT_GO, 0, "");
	e.is_overriding = false;
	e.terms.closed_ms = 0;
	stage.frozen_until_ms = INT64_MAX;
	is_judged(&stage, &e, PERMIT_WAIT, PENDING_LOOK_MS, "frozen: sale (by ann)");
	stage.frozen_until_ms = NOW_MS; /* it is over */
	is_judged(&stage, &e, PERMIT_GO, 0, "");
}

/* A freeze without an end does not keep a deploy from ending. */
static void
nothing_pends_for_ever(void **state UNUSED)
{
	struct stage stage = stage_in(STAGE_IDLE).stage;
	struct event e = asks(EV_READY, NEW, "sha256:new");

	stage.frozen_until_ms = INT64_MAX;
	snprintf(stage.freeze, FREEZE_SIZE, "gone");
	e.after_ms = (int64_t)PENDING_DAYS_MAX * DAY_MS - 1;
	is_judged(&stage, &e, PERMIT_WAIT, PENDING_LOOK_MS, "frozen: gone");
	e.after_ms++;
	is_judged(&stage, &e, PERMIT_DENY, 0, "pending for too long: frozen: gone");
}

static void
a_rollback_goes_under_any_terms(void **state UNUSED)
{
	struct stage stage = stage_in(STAGE_IDLE).stage;
	struct event e = asks_promoted(NEW, "sha256:other");

	e.trigger = TRIGGER_ROLLBACK;
	e.terms.approvals = 2;
	e.terms.closed_ms = 5000;
	stage.frozen_until_ms = INT64_MAX;
	is_judged(&stage, &e, PERMIT_GO, 0, "");
}

static void
a_restart_brings_nothing_new(void **state UNUSED)
{
	struct stage stage = stage_in(STAGE_IDLE).stage;
	struct event e = asks_promoted(NEW, "sha256:live");

	memcpy(stage.live_digest, "sha256:live", sizeof("sha256:live"));
	e.trigger = TRIGGER_RESTART;
	e.terms.approvals = 2;
	e.terms.closed_ms = 5000;
	stage.frozen_until_ms = INT64_MAX;
	is_judged(&stage, &e, PERMIT_GO, 0, "");
	memcpy(stage.live_digest, "sha256:newer", sizeof("sha256:newer"));
	is_judged(
	    &stage, &e, PERMIT_DENY, 0, "the version to start anew is not live any more");
}

/* The machine. */

static struct actor
stage_with_pending(enum stage_state in)
{
	struct actor a = stage_in(in);

	a.stage.pending = PENDING;
	a.stage.pending_spec = SPEC;
	snprintf(a.stage.pending_digest, DIGEST_SIZE, "sha256:pending");
	return a;
}

static void
no_longer_pending(struct actor *a)
{
	a->stage.pending = 0;
	a->stage.pending_spec = 0;
	a->stage.pending_digest[0] = '\0';
}

static struct event
asks_too_early(uint64_t from, const char *digest)
{
	struct event e = asks(EV_READY, from, digest);

	e.terms.closed_ms = 7000;
	return e;
}

static void
who_may_not_go_yet_pends(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct actor wanted = a;
		struct event e = asks_too_early(RESOLVING, "sha256:new");

		no_longer_resolving(&wanted);
		wanted.stage.pending = RESOLVING;
		wanted.stage.pending_spec = SPEC;
		snprintf(wanted.stage.pending_digest, DIGEST_SIZE, "sha256:new");
		gives(&a, &e, &wanted);
		assert_int_equal(last.message_count, 1);
		says(0, RESOLVING, EV_DEFERRED, "outside of its deploy windows");
		assert_int_equal(last.messages[0].after_ms, 7000);
		/* It asks again, and is told the same. */
		wanted = a;
		gives(&a, &e, &wanted);
		says(0, RESOLVING, EV_DEFERRED, "outside of its deploy windows");
	}
}

static void
who_never_may_is_told_so(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_with_pending((enum stage_state)in);
		struct event e = asks_promoted(PENDING, "sha256:pending");
		struct actor wanted = a;

		no_longer_pending(&wanted);
		gives(&a, &e, &wanted);
		assert_int_equal(last.message_count, 1);
		says(0, PENDING, EV_DENIED,
		    "this digest is not what is live in 'staging': only that may come here");
		a = stage_with_pending((enum stage_state)in); /* who pends does not mind */
		e = asks_promoted(RESOLVING, "sha256:other");
		wanted = a;
		no_longer_resolving(&wanted);
		gives(&a, &e, &wanted);
		told(RESOLVING, STAGE_ID, ON(DENIED));
	}
}

static void
the_newest_pends(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_with_pending((enum stage_state)in);
		struct event e = asks_too_early(NEW, "sha256:new");

		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(last.message_count, 2);
		says(0, PENDING, EV_SUPERSEDED, "superseded by deploy 31");
		says(1, NEW, EV_DEFERRED, "outside of its deploy windows");
		assert_int_equal(a.stage.pending, NEW);
		assert_string_equal(a.stage.pending_digest, "sha256:new");
		e = asks_too_early(RESOLVING, "sha256:late");
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(last.message_count, 1);
		says(0, RESOLVING, EV_SUPERSEDED, "superseded by deploy 31");
		assert_int_equal(a.stage.pending, NEW);
		assert_int_equal(a.stage.resolving, 0);
		assert_int_equal(a.state, in);
		/* One that wants the same is told where it pends, however late it comes; and what may never go, why. */
		e = asks_too_early(RESOLVING, "sha256:new");
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		says(0, RESOLVING, EV_MERGED,
		    "this digest may not go yet and is pending as deploy 31");
		snprintf(e.terms.source, NAME_SIZE, "staging");
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_string_equal(event_names[last.messages[0].kind], "DENIED");
	}
}

/* So a hook that comes again takes nobody's approvals away. */
static void
one_digest_pends_once(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_with_pending((enum stage_state)in);
		struct event e = asks_too_early(NEW, "sha256:pending");
		struct actor wanted = a;

		wanted.stage.merged = NEW;
		wanted.stage.merged_into = PENDING;
		gives(&a, &e, &wanted);
		assert_int_equal(last.message_count, 1);
		says(0, NEW, EV_MERGED,
		    "this digest may not go yet and is pending as deploy 30");
		e = asks(EV_READY, PENDING, "sha256:pending"); /* which is not too late now */
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(
		    in == STAGE_IDLE ? a.stage.running : a.stage.waiting, PENDING);
		assert_int_equal(a.stage.pending, 0);
	}
	for (int other = 0; other < 3; other++) { /* another wish: it takes the place */
		struct actor a = stage_with_pending(STAGE_IDLE);
		struct event e = asks_too_early(NEW, "sha256:pending");

		e.flag = other == 0;
		e.spec = other == 1 ? SPEC + 1 : SPEC;
		e.is_overriding = other == 2;
		e.terms.approvals = 1;
		e.terms.approve_ms = DAY_MS;
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(a.stage.pending, NEW);
	}
}

/* What goes first settles what pends and is older; what is newer stays. */
static void
who_goes_settles_who_pends(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_with_pending((enum stage_state)in);
		struct event e = asks(EV_READY, NEW, "sha256:new");

		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(a.stage.pending, 0);
		says(in == STAGE_QUEUEING ? 1 : 0, PENDING, EV_SUPERSEDED,
		    "superseded by deploy 31");
		a = stage_with_pending((enum stage_state)in);
		e = asks(EV_READY, RESOLVING, "sha256:new");
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(a.stage.pending, PENDING);
		a = stage_with_pending((enum stage_state)in); /* the same, but it may go */
		e = asks(EV_READY, NEW, "sha256:pending");
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(in == STAGE_IDLE ? a.stage.running : a.stage.waiting, NEW);
		assert_int_equal(a.stage.pending, 0);
	}
}

/* Who wishes for what is live wants nothing else any more. */
static void
a_merged_wish_settles_who_pends(void **state UNUSED)
{
	static const char *const there[] = { "sha256:live", "sha256:running",
		"sha256:waiting" };

	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_with_pending((enum stage_state)in);
		struct event e = asks(EV_READY, NEW, there[in]);

		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(last.message_count, 2);
		says(0, PENDING, EV_SUPERSEDED, "superseded by deploy 31");
		assert_string_equal(event_names[last.messages[1].kind], "MERGED");
		assert_int_equal(a.stage.pending, 0);
	}
}

static void
what_overrides_is_not_left_to_another(void **state UNUSED)
{
	static const char *const there[] = { "", "sha256:running", "sha256:waiting" };

	for (int in = STAGE_DEPLOYING; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct event e = asks(EV_READY, NEW, there[in]);

		e.is_overriding = true;
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(a.stage.waiting, NEW);
	}
	for (int in = 0; in < STAGE_COUNT; in++) { /* nor is its question a common one */
		struct actor a = stage_in((enum stage_state)in);
		struct event e = { .kind = EV_TRIGGER, .is_overriding = true };

		snprintf(e.tag, sizeof(e.tag), "v5");
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(last.spawn_count, 1);
		assert_true(last.spawns[0].deploy.is_overriding);
	}
}

static void
who_pends_may_end(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_with_pending((enum stage_state)in);
		struct actor wanted = a;

		no_longer_pending(&wanted);
		gives(&a, &(struct event){ .kind = EV_ENDED, .from = PENDING }, &wanted);
		says_nothing();
	}
}

static void
traffic_moves_only_under_the_terms(void **state UNUSED)
{
	for (int in = STAGE_DEPLOYING; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct event e = asks(EV_PASSING, RUNNING, "sha256:running");
		struct actor wanted = a;

		gives(&a, &e, &wanted);
		assert_int_equal(last.message_count, 1);
		says(0, RUNNING, EV_GRANTED, "");
		assert_int_equal(last.messages[0].elder, LIVE);
		e.terms.closed_ms = 5;
		gives(&a, &e, &wanted);
		assert_int_equal(last.message_count, 1);
		says(0, RUNNING, EV_DENIED, "outside of its deploy windows");
		e = asks_promoted(RUNNING, "sha256:running");
		e.kind = EV_PASSING;
		gives(&a, &e, &wanted);
		says(0, RUNNING, EV_DENIED,
		    "this digest is not what is live in 'staging': only that may come here");
	}
}

/* A hook does not tell of it again, and a poll finds no news: the wish stays, as a deploy that pends. */
static void
what_machines_want_is_put_off(void **state UNUSED)
{
	static const enum trigger machines[] = { TRIGGER_POLL, TRIGGER_WEBHOOK };

	for (size_t i = 0; i < COUNT(machines); i++) {
		struct actor a = stage_in(STAGE_DEPLOYING);
		struct event e = asks(EV_PASSING, RUNNING, "sha256:running");
		struct actor wanted;

		e.trigger = machines[i];
		e.flag = true;
		snprintf(e.tag, TAG_SIZE, "v7");
		no_longer_resolving(&a);
		a.stage.frozen_until_ms = NOW_MS + 500;
		snprintf(a.stage.freeze, FREEZE_SIZE, "sale");
		wanted = a;
		wanted.stage.running_digest[0] =
		    '\0'; /* who wants the same has its own turn */
		gives(&a, &e, &wanted);
		assert_int_equal(last.message_count, 1);
		says(0, RUNNING, EV_DENIED, "frozen: sale; deploy 100 waits in its place");
		assert_int_equal(last.spawn_count, 1);
		assert_int_equal(last.spawns[0].state, DEPLOY_QUEUED);
		assert_int_equal(last.spawns[0].deploy.trigger, machines[i]);
		assert_string_equal(last.spawns[0].deploy.tag, "v7");
		assert_string_equal(last.spawns[0].deploy.digest, "sha256:running");
		assert_true(last.spawns[0].deploy.is_forced);
		assert_int_equal(last.spawns[0].deploy.created_ms, NOW_MS);
	}
}

/* Whatever would be lost otherwise: what comes after it, and what may never go. */
static void
nothing_else_is_put_off(void **state UNUSED)
{
	for (int i = 0; i < 5; i++) {
		struct actor a = stage_in(STAGE_DEPLOYING);
		struct event e = asks(EV_PASSING, RUNNING, "sha256:running");
		struct actor wanted;

		e.trigger = i == 0 ? TRIGGER_MANUAL : TRIGGER_POLL;
		if (i != 1)
			no_longer_resolving(&a);
		if (i == 2)
			a.stage.pending = PENDING;
		if (i == 3)
			a.stage.waiting = WAITING;
		a.stage.frozen_until_ms = NOW_MS + 500;
		if (i == 4) {
			snprintf(e.terms.source, NAME_SIZE, "staging");
			snprintf(e.terms.source_digest, DIGEST_SIZE, "sha256:else");
		}
		wanted = a;
		gives(&a, &e, &wanted);
		assert_int_equal(last.message_count, 1);
		assert_int_equal(last.messages[0].kind, EV_DENIED);
		assert_int_equal(last.spawn_count, 0);
	}
}

static void
freezing_and_thawing(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_with_pending((enum stage_state)in);
		struct event e = {
			.kind = EV_FROZEN, .after_ms = 500, .text = "sale (by ann)"
		};
		struct actor wanted = a;

		wanted.stage.frozen_until_ms = NOW_MS + 500;
		snprintf(wanted.stage.freeze, FREEZE_SIZE, "sale (by ann)");
		gives(&a, &e, &wanted);
		says_nothing();
		e.after_ms = 0;
		snprintf(e.text, sizeof(e.text), "more");
		wanted.stage.frozen_until_ms = INT64_MAX;
		memset(wanted.stage.freeze, 0, FREEZE_SIZE);
		snprintf(wanted.stage.freeze, FREEZE_SIZE, "more");
		gives(&a, &e, &wanted);
		wanted.stage.frozen_until_ms = 0;
		memset(wanted.stage.freeze, 0, FREEZE_SIZE);
		gives(&a, &(struct event){ .kind = EV_THAWED }, &wanted);
		told(PENDING, STAGE_ID, ON(RECALLED));
		a = stage_in((enum stage_state)in); /* nobody pends */
		assert_int_equal(step(&a, EV_THAWED), STEP_TAKEN);
		says_nothing();
	}
}

/* The terms may be others now. */
static void
a_configuration_calls_who_pends(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_with_pending((enum stage_state)in);

		assert_int_equal(step(&a, EV_CONFIGURED), STEP_TAKEN);
		told(PENDING, STAGE_ID, ON(RECALLED));
		assert_int_equal(a.stage.pending, PENDING);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_terms_anything_may_go),
		cmocka_unit_test(only_what_is_live_in_the_source_may_come),
		cmocka_unit_test(it_soaks_first),
		cmocka_unit_test(people_agree_in_time),
		cmocka_unit_test(windows_and_freezes_hold_what_does_not_override),
		cmocka_unit_test(nothing_pends_for_ever),
		cmocka_unit_test(a_rollback_goes_under_any_terms),
		cmocka_unit_test(a_restart_brings_nothing_new),
		cmocka_unit_test(who_may_not_go_yet_pends),
		cmocka_unit_test(who_never_may_is_told_so),
		cmocka_unit_test(the_newest_pends),
		cmocka_unit_test(one_digest_pends_once),
		cmocka_unit_test(who_goes_settles_who_pends),
		cmocka_unit_test(a_merged_wish_settles_who_pends),
		cmocka_unit_test(what_overrides_is_not_left_to_another),
		cmocka_unit_test(who_pends_may_end),
		cmocka_unit_test(traffic_moves_only_under_the_terms),
		cmocka_unit_test(what_machines_want_is_put_off),
		cmocka_unit_test(nothing_else_is_put_off),
		cmocka_unit_test(freezing_and_thawing),
		cmocka_unit_test(a_configuration_calls_who_pends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
