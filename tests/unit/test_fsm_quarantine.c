/* test_fsm_quarantine.c - what a stage holds back: which digests, from whom, and for how long. */
#include "fsm_stage_bed.h"

static void
hold(struct actor *a, int place, uint64_t deploy, const char *digest)
{
	a->stage.quarantine[place] = (struct quarantined){ .deploy = deploy };
	snprintf(a->stage.quarantine[place].digest, DIGEST_SIZE, "%s", digest);
}

static struct event
event_by(enum event_kind kind, enum trigger trigger, const char *digest)
{
	struct event e = { .kind = kind, .trigger = trigger, .from = RESOLVING, .spec = SPEC };

	snprintf(e.digest, sizeof(e.digest), "%s", digest);
	return e;
}

/* Hooks and polls are held back, in every state; and even when a replica is missing (forced). */
static void
machines_do_not_bring_it_again(void **state UNUSED)
{
	static const enum trigger machines[] = { TRIGGER_WEBHOOK, TRIGGER_POLL };

	for (int in = 0; in < STAGE_COUNT; in++)
		for (size_t i = 0; i < 2 * COUNT(machines); i++) {
			struct actor a = stage_in((enum stage_state)in);
			struct event e = event_by(EV_READY, machines[i / 2], "sha256:bad");
			struct actor wanted;

			hold(&a, 0, 3, "sha256:other");
			hold(&a, 1, 2, "sha256:bad");
			wanted = a;
			no_longer_resolving(&wanted);
			e.flag = i % 2 == 1;
			gives(&a, &e, &wanted);
			says(0, RESOLVING, EV_HELD,
			    "in quarantine: this digest was rolled back or left, see deploy "
			    "2; "
			    "deploy it by hand, or lift the quarantine");
			assert_int_equal(last.message_count, 1);
			assert_int_equal(last.spawn_count, 0);
		}
}

/* A poll names the digest: nothing is begun. */
static void
a_poll_that_knows_the_digest_begins_nothing(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct event e = event_by(EV_TRIGGER, TRIGGER_POLL, "sha256:bad");

		hold(&a, 0, 2, "sha256:bad");
		is_quiet_about(a, &e);
	}
}

/* What is under way or serves is no news, in quarantine or not; that it was found lifts nothing. */
static void
what_is_no_news_lifts_nothing(void **state UNUSED)
{
	static const char *const last_of[] = { [STAGE_IDLE] = "sha256:live",
		[STAGE_DEPLOYING] = "sha256:running",
		[STAGE_QUEUEING] = "sha256:waiting" };

	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct event e = event_by(EV_TRIGGER, TRIGGER_POLL, last_of[in]);

		hold(&a, 0, 2, last_of[in]);
		step_gives(&a, &e, a);
		assert_true(last.row->is_quiet);
		says_nothing();
	}
}

/* Whatever else could be said of it: that it serves, runs, or comes too late. */
static void
held_is_told_first(void **state UNUSED)
{
	static const struct {
		enum stage_state in;
		uint64_t from;
		const char *digest;
	} rows[] = { { STAGE_IDLE, RESOLVING, "sha256:live" },
		{ STAGE_DEPLOYING, RESOLVING, "sha256:running" },
		{ STAGE_QUEUEING, RUNNING - 1, "sha256:bad" } };

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct actor a = stage_in(rows[i].in);
		struct event e = event_by(EV_READY, TRIGGER_WEBHOOK, rows[i].digest);

		e.from = rows[i].from;
		hold(&a, 0, 2, rows[i].digest);
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		told(rows[i].from, STAGE_ID, ON(HELD));
	}
}

/* It has its place; whether it may run is told when its turn comes. */
static void
who_waits_asks_again_after_a_restart(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_QUEUEING);
	struct event e = event_by(EV_READY, TRIGGER_WEBHOOK, "sha256:waiting");

	e.from = WAITING;
	is_quiet_about(a, &e);
}

static void
a_person_may(void **state UNUSED)
{
	static const enum trigger people[] = { TRIGGER_MANUAL, TRIGGER_ROLLBACK };

	for (size_t i = 0; i < COUNT(people); i++) {
		struct actor a = stage_in(STAGE_IDLE);
		struct event e = event_by(EV_READY, people[i], "sha256:bad");
		struct actor wanted;

		hold(&a, 0, 2, "sha256:bad");
		wanted = a;
		no_longer_resolving(&wanted);
		begins_to_run(&wanted, RESOLVING, SPEC, "sha256:bad");
		gives(&a, &e, &wanted);
		says(0, RESOLVING, EV_GRANTED, "");
	}
}

/* Else a person's wish would end as that of a hook which may not bring it. */
static void
a_person_does_not_share_the_question_of_a_hook(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct event e = event_by(EV_TRIGGER, TRIGGER_MANUAL, "");

		snprintf(e.tag, sizeof(e.tag), "v5");
		is_quiet_about(a, &e);
		hold(&a, 0, 2, "sha256:bad");
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(last.spawn_count, 1);
		e.trigger = TRIGGER_WEBHOOK;
		is_quiet_about(stage_in((enum stage_state)in), &e);
	}
}

static void
a_version_that_fails_is_held(void **state UNUSED)
{
	static const enum stage_state busy[] = { STAGE_DEPLOYING, STAGE_QUEUEING };

	for (size_t i = 0; i < COUNT(busy); i++) {
		struct actor a = stage_in(busy[i]);
		struct event e = event_by(EV_CONDEMNED, TRIGGER_MANUAL, "sha256:running");
		struct actor wanted;

		hold(&a, 0, 2, "sha256:bad");
		e.from = RUNNING;
		wanted = a;
		hold(&wanted, 0, RUNNING, "sha256:running");
		hold(&wanted, 1, 2, "sha256:bad");
		wanted.stage.running_digest[0] = '\0';
		gives(&a, &e, &wanted);
		says_nothing();
	}
}

/* Deployed once more by force, it failed this time: it serves all the same. */
static void
what_serves_is_not_held(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_DEPLOYING);
	struct event e = event_by(EV_CONDEMNED, TRIGGER_MANUAL, "sha256:live");
	struct actor wanted = a;

	e.from = RUNNING;
	wanted.stage.running_digest[0] = '\0';
	gives(&a, &e, &wanted);
}

/* From the moment when a person asks for the rollback; not if it leaves nothing. */
static void
what_a_rollback_leaves_is_held(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct event e = event_by(EV_TRIGGER, TRIGGER_ROLLBACK, "sha256:old");
		struct actor wanted = a;

		no_longer_resolving(&wanted);
		hold(&wanted, 0, LIVE, "sha256:live");
		gives(&a, &e, &wanted);
		assert_int_equal(last.spawn_count, 1);
		a = stage_in((enum stage_state)in);
		wanted = a;
		no_longer_resolving(&wanted);
		e = event_by(EV_TRIGGER, TRIGGER_ROLLBACK, "sha256:live");
		gives(&a, &e, &wanted);
	}
}

/* Another one went live in between: that is the one which is left. */
static void
what_is_left_at_the_switch_is_held(void **state UNUSED)
{
	static const enum stage_state busy[] = { STAGE_DEPLOYING, STAGE_QUEUEING };

	for (size_t i = 0; i < COUNT(busy); i++) {
		struct actor a = stage_in(busy[i]);
		struct event e = event_by(EV_MOVED, TRIGGER_ROLLBACK, "sha256:running");
		struct actor wanted;

		e.from = RUNNING;
		wanted = a;
		wanted.stage.live = RUNNING;
		wanted.stage.live_since_ms = NOW_MS;
		snprintf(wanted.stage.live_digest, DIGEST_SIZE, "sha256:running");
		hold(&wanted, 0, LIVE, "sha256:live");
		gives(&a, &e, &wanted);
		a = stage_in(busy[i]);
		e.trigger = TRIGGER_WEBHOOK; /* a newer version: nobody left the older one */
		memset(&wanted.stage.quarantine, 0, sizeof(wanted.stage.quarantine));
		gives(&a, &e, &wanted);
		a = stage_in(busy[i]);
		snprintf(a.stage.live_digest, DIGEST_SIZE, "sha256:running");
		e.trigger = TRIGGER_ROLLBACK; /* the same digest with other settings */
		wanted.stage.live_since_ms = 0;
		gives(&a, &e, &wanted);
	}
}

static void
what_goes_live_is_held_no_longer(void **state UNUSED)
{
	static const enum stage_state busy[] = { STAGE_DEPLOYING, STAGE_QUEUEING };

	for (size_t i = 0; i < COUNT(busy); i++) {
		struct actor a = stage_in(busy[i]);
		struct event e = event_by(EV_MOVED, TRIGGER_MANUAL, "sha256:running");
		struct actor wanted;

		hold(&a, 0, 3, "sha256:running");
		hold(&a, 1, 2, "sha256:bad");
		e.from = RUNNING;
		wanted = a;
		memset(&wanted.stage.quarantine, 0, sizeof(wanted.stage.quarantine));
		hold(&wanted, 0, 2, "sha256:bad");
		wanted.stage.live = RUNNING;
		wanted.stage.live_since_ms = NOW_MS;
		snprintf(wanted.stage.live_digest, DIGEST_SIZE, "sha256:running");
		gives(&a, &e, &wanted);
	}
}

static void
a_person_lifts_one_or_all(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct event one = event_by(EV_LIFTED, TRIGGER_MANUAL, "sha256:b");
		struct event all = event_by(EV_LIFTED, TRIGGER_MANUAL, "");
		struct actor wanted;

		hold(&a, 0, 3, "sha256:c");
		hold(&a, 1, 2, "sha256:b");
		hold(&a, 2, 1, "sha256:a");
		wanted = a;
		hold(&wanted, 1, 1, "sha256:a");
		memset(&wanted.stage.quarantine[2], 0, sizeof(wanted.stage.quarantine[2]));
		gives(&a, &one, &wanted);
		says_nothing();
		memset(&wanted.stage.quarantine, 0, sizeof(wanted.stage.quarantine));
		gives(&a, &all, &wanted);
	}
}

static void
the_ninth_lets_the_oldest_go(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_DEPLOYING);
	char digest[DIGEST_SIZE];

	for (uint64_t i = 0; i <= QUARANTINE_MAX; i++) {
		struct event e = event_by(EV_CONDEMNED, TRIGGER_MANUAL, "");

		e.from = 100 + i;
		snprintf(e.digest, sizeof(e.digest), "sha256:%d", (int)i);
		assert_int_equal(take(&a, &e), STEP_TAKEN);
	}
	assert_false(stage_holds(&a.stage, "sha256:0", NULL));
	for (int i = 1; i <= QUARANTINE_MAX; i++) {
		uint64_t by = 0;

		snprintf(digest, sizeof(digest), "sha256:%d", i);
		assert_true(stage_holds(&a.stage, digest, &by));
		assert_int_equal(by, 100 + i);
	}
	assert_false(stage_holds(&a.stage, "", NULL));
}

/* It waited for its turn while the same digest failed; it asks anew, and only a person may have it. */
static void
what_waits_is_held_too(void **state UNUSED)
{
	struct event ended = { .kind = EV_ENDED, .from = RUNNING };

	for (int is_person = 0; is_person < 2; is_person++) {
		struct actor a = stage_in(STAGE_QUEUEING);
		struct event e = event_by(
		    EV_READY, is_person ? TRIGGER_MANUAL : TRIGGER_WEBHOOK, "sha256:waiting");

		hold(&a, 0, RUNNING, "sha256:waiting");
		assert_int_equal(take(&a, &ended), STEP_TAKEN);
		told(WAITING, STAGE_ID, ON(RECALLED));
		e.from = WAITING;
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		told(WAITING, STAGE_ID, is_person ? ON(GRANTED) : ON(HELD));
	}
}

/* What pends and is held meanwhile leaves its place. */
static void
what_pends_is_held_too(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_IDLE);
	struct event e = event_by(EV_READY, TRIGGER_WEBHOOK, "sha256:bad");
	struct actor wanted;

	e.from = 30;
	hold(&a, 0, 2, "sha256:bad");
	wanted = a;
	a.stage.pending = 30;
	a.stage.pending_spec = SPEC;
	snprintf(a.stage.pending_digest, DIGEST_SIZE, "sha256:bad");
	gives(&a, &e, &wanted);
	told(30, STAGE_ID, ON(HELD));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machines_do_not_bring_it_again),
		cmocka_unit_test(a_poll_that_knows_the_digest_begins_nothing),
		cmocka_unit_test(what_is_no_news_lifts_nothing),
		cmocka_unit_test(held_is_told_first),
		cmocka_unit_test(who_waits_asks_again_after_a_restart),
		cmocka_unit_test(a_person_may),
		cmocka_unit_test(a_person_does_not_share_the_question_of_a_hook),
		cmocka_unit_test(a_version_that_fails_is_held),
		cmocka_unit_test(what_serves_is_not_held),
		cmocka_unit_test(what_a_rollback_leaves_is_held),
		cmocka_unit_test(what_is_left_at_the_switch_is_held),
		cmocka_unit_test(what_goes_live_is_held_no_longer),
		cmocka_unit_test(a_person_lifts_one_or_all),
		cmocka_unit_test(the_ninth_lets_the_oldest_go),
		cmocka_unit_test(what_waits_is_held_too),
		cmocka_unit_test(what_pends_is_held_too),
	};

	return cmocka_run_group_tests_name("fsm_quarantine", tests, NULL, NULL);
}
