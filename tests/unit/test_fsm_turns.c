/* test_fsm_turns.c - who may deploy next: one runs, the newest other one waits, older ones are told
 * so, and one digest is one deploy. */
#include "fsm_stage_bed.h"

#include <inttypes.h>

static struct event
ready(uint64_t from, const char *digest)
{
	struct event e = { .kind = EV_READY, .from = from, .spec = SPEC };

	snprintf(e.digest, sizeof(e.digest), "%s", digest);
	return e;
}

static void
who_comes_first_runs(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_IDLE);
	struct actor wanted = a;
	struct event e = ready(RESOLVING, "sha256:new");

	e.spec = 2;
	begins_to_run(&wanted, RESOLVING, 2, "sha256:new");
	no_longer_resolving(&wanted);
	gives(&a, &e, &wanted);
	told(RESOLVING, STAGE_ID, ON(GRANTED));
	assert_int_equal(last.messages[0].elder, LIVE);
}

static void
who_comes_second_waits(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_DEPLOYING);
	struct actor wanted = a;
	struct event e = ready(30, "sha256:new");

	wanted.state = STAGE_QUEUEING;
	wanted.stage.waiting = 30;
	wanted.stage.waiting_spec = SPEC;
	snprintf(wanted.stage.waiting_digest, DIGEST_SIZE, "sha256:new");
	gives(&a, &e, &wanted); /* the one that still asks for its digest stays */
	says_nothing();
	e.spec = SPEC + 1;
	is_quiet_about(a, &e); /* after a restart it asks again */
}

static void
the_newest_waits(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_QUEUEING);
	struct actor wanted = a;
	struct event e = ready(RESOLVING, "sha256:new");

	wanted.stage.waiting = RESOLVING;
	snprintf(wanted.stage.waiting_digest, DIGEST_SIZE, "sha256:new");
	no_longer_resolving(&wanted);
	gives(&a, &e, &wanted);
	assert_int_equal(last.message_count, 1);
	says(0, WAITING, EV_SUPERSEDED, "superseded by deploy 25");
}

/* READY of an older one than `newer`: it is told so, and nothing else changes; not even when somebody
 * insisted, then. */
static void
is_superseded(enum stage_state in, uint64_t from, const char *digest, uint64_t newer)
{
	struct event e = ready(from, digest);
	char text[64];

	snprintf(text, sizeof(text), "superseded by deploy %" PRIu64, newer);
	for (int is_forced = 0; is_forced < 2; is_forced++) {
		struct actor a = stage_in(in);
		struct actor wanted;
		e.flag = is_forced;
		a.stage.resolving = from;
		wanted = a;
		no_longer_resolving(&wanted);
		gives(&a, &e, &wanted);
		assert_int_equal(last.message_count, 1);
		says(0, from, EV_SUPERSEDED, text);
	}
}

static void
who_comes_late_is_superseded(void **state UNUSED)
{
	/* The registry was slow for an old hook; the newer version is live by now. */
	is_superseded(STAGE_IDLE, LIVE - 1, "sha256:old", LIVE);
	is_superseded(STAGE_DEPLOYING, RUNNING - 1, "sha256:old", RUNNING);
	is_superseded(STAGE_QUEUEING, RUNNING - 1, "sha256:old", RUNNING);
	is_superseded(STAGE_QUEUEING, RUNNING + 1, "sha256:old", WAITING);
	/* A newer wish is granted by what is live, runs or waits. */
	is_superseded(STAGE_IDLE, WAS_MERGED - 1, "sha256:old", WAS_MERGED);
	/* Even if it brings the same as a newer one. */
	is_superseded(STAGE_QUEUEING, RUNNING - 1, "sha256:waiting", RUNNING);
	is_superseded(STAGE_QUEUEING, RUNNING + 1, "sha256:waiting", WAITING);
	is_superseded(STAGE_QUEUEING, RUNNING + 1, "sha256:running", WAITING);
}

static void
is_merged(struct actor a, const char *digest, uint64_t into, const char *text)
{
	struct event e = ready(RESOLVING, digest);
	struct actor wanted = a;

	no_longer_resolving(&wanted);
	wanted.stage.merged = RESOLVING;
	wanted.stage.merged_into = into;
	gives(&a, &e, &wanted);
	assert_int_equal(last.message_count, 1);
	says(0, RESOLVING, EV_MERGED, text);
}

static void
one_digest_is_one_deploy(void **state UNUSED)
{
	is_merged(stage_in(STAGE_IDLE), "sha256:live", LIVE,
	    "this digest is live already, by deploy 4");
	is_merged(stage_in(STAGE_DEPLOYING), "sha256:running", RUNNING,
	    "this digest is being deployed already, by deploy 17");
	is_merged(stage_in(STAGE_QUEUEING), "sha256:waiting", WAITING,
	    "this digest waits for its turn already, as deploy 19");
}

/* It is told where its digest is, which says more than that it is late. */
static void
who_comes_late_with_the_same_is_merged(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_IDLE);
	struct event e = ready(LIVE - 1, "sha256:live");
	struct actor wanted = a;

	gives(&a, &e, &wanted);
	assert_int_equal(last.message_count, 1);
	says(0, LIVE - 1, EV_MERGED, "this digest is live already, by deploy 4");
	a = stage_in(STAGE_DEPLOYING);
	e = ready(RUNNING - 1, "sha256:running");
	wanted = a;
	wanted.stage.merged = RUNNING - 1;
	wanted.stage.merged_into = RUNNING;
	gives(&a, &e, &wanted);
	assert_int_equal(last.message_count, 1);
	says(0, RUNNING - 1, EV_MERGED, "this digest is being deployed already, by deploy 17");
}

/* While it asked for its digest, somebody wished for what is live, runs or waits again. */
static void
who_is_older_than_a_merged_one_comes_late(void **state UNUSED)
{
	static const char *const digests[] = { "sha256:other", "sha256:running",
		"sha256:waiting" };
	const uint64_t merged = RESOLVING + 5;

	for (int in = 0; in < STAGE_COUNT; in++)
		for (size_t i = 0; i < COUNT(digests); i++) {
			struct actor a = stage_in((enum stage_state)in);
			struct event e = ready(RESOLVING, digests[i]);
			struct actor wanted;
			if (in == STAGE_DEPLOYING && i == 1)
				continue; /* told where its digest is, as always */
			a.stage.merged = merged;
			wanted = a;
			no_longer_resolving(&wanted);
			gives(&a, &e, &wanted);
			assert_int_equal(last.message_count, 1);
			says(0, RESOLVING, EV_SUPERSEDED, "superseded by deploy 30");
		}
	for (int in = STAGE_DEPLOYING; in < STAGE_COUNT;
	     in++) { /* who runs or waits is named first */
		struct actor a = stage_in((enum stage_state)in);
		struct event e = ready(RUNNING - 1, "sha256:old");
		a.stage.merged = merged;
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		says(0, RUNNING - 1, EV_SUPERSEDED, "superseded by deploy 17");
		e = ready(RUNNING + 1, "sha256:old");
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		says(0, RUNNING + 1, EV_SUPERSEDED,
		    in == STAGE_QUEUEING ? "superseded by deploy 19"
					 : "superseded by deploy 30");
	}
	for (int in = 0; in < STAGE_COUNT; in++) { /* the merged one itself insists */
		struct actor a = stage_in((enum stage_state)in);
		struct event e = ready(merged, "sha256:other");
		a.stage.merged = merged;
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(in == STAGE_IDLE ? a.stage.running : a.stage.waiting, merged);
	}
}

/* Somebody insisted on deploying it twice: the second time stays in line. */
static void
what_runs_and_waits_is_merged_with_what_waits(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_QUEUEING);

	snprintf(a.stage.waiting_digest, DIGEST_SIZE, "sha256:running");
	is_merged(a, "sha256:running", WAITING,
	    "this digest waits for its turn already, as deploy 19");
}

/* READY with the digest of another one, but not the same: its own turn. */
static void
has_its_own_turn(enum stage_state in, struct event e)
{
	struct actor a = stage_in(in);

	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(in == STAGE_IDLE ? a.stage.running : a.stage.waiting, RESOLVING);
}

static void
what_only_looks_the_same_has_its_own_turn(void **state UNUSED)
{
	static const char *const digests[] = { "sha256:live", "sha256:running",
		"sha256:waiting" };

	for (int in = 0; in < STAGE_COUNT; in++) {
		struct event e = ready(RESOLVING, digests[in]);
		e.spec = SPEC + 1; /* another configuration is another deploy */
		has_its_own_turn((enum stage_state)in, e);
		e.spec = SPEC;
		e.flag = true; /* somebody insists */
		has_its_own_turn((enum stage_state)in, e);
	}
	/* What is live now will not be when what runs is. */
	has_its_own_turn(STAGE_DEPLOYING, ready(RESOLVING, "sha256:live"));
	has_its_own_turn(STAGE_QUEUEING, ready(RESOLVING, "sha256:live"));
	has_its_own_turn(STAGE_IDLE, ready(RESOLVING, "")); /* no digest is like no other */
}

/* Who cancels, and then wants it after all, gets it. */
static void
what_is_given_up_is_no_answer_to_a_wish(void **state UNUSED)
{
	for (int in = STAGE_DEPLOYING; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct event e = ready(RESOLVING, "sha256:running");
		assert_int_equal(step(&a, EV_GIVEN_UP), STEP_TAKEN);
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(a.state, STAGE_QUEUEING);
		assert_int_equal(a.stage.waiting, RESOLVING);
	}
}

static void
going_back_to_what_runs_drops_what_waits(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_QUEUEING);
	struct actor wanted = a;
	struct event e = ready(RESOLVING, "sha256:running");

	wanted.state = STAGE_DEPLOYING;
	no_longer_waiting(&wanted);
	no_longer_resolving(&wanted);
	wanted.stage.merged = RESOLVING;
	wanted.stage.merged_into = RUNNING;
	gives(&a, &e, &wanted);
	assert_int_equal(last.message_count, 2);
	says(0, WAITING, EV_SUPERSEDED, "superseded by deploy 25");
	says(1, RESOLVING, EV_MERGED, "this digest is being deployed already, by deploy 17");
}

/* A newer wish was left to what waits: when the turn is free that one is not too late for it. */
static void
what_others_were_merged_into_is_not_late(void **state UNUSED)
{
	struct event ended = { .kind = EV_ENDED, .from = RUNNING };
	struct actor a = stage_in(STAGE_QUEUEING);
	struct event e = ready(RESOLVING, "sha256:waiting");

	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(take(&a, &ended), STEP_TAKEN);
	e = ready(WAITING, "sha256:waiting");
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	told(WAITING, STAGE_ID, ON(GRANTED));
	a = stage_in(STAGE_IDLE); /* but for a wish that was left to another one it is */
	a.stage.merged = RESOLVING;
	a.stage.merged_into = LIVE;
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	told(WAITING, STAGE_ID, ON(SUPERSEDED));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_comes_first_runs),
		cmocka_unit_test(who_comes_second_waits),
		cmocka_unit_test(the_newest_waits),
		cmocka_unit_test(who_comes_late_is_superseded),
		cmocka_unit_test(one_digest_is_one_deploy),
		cmocka_unit_test(who_comes_late_with_the_same_is_merged),
		cmocka_unit_test(who_is_older_than_a_merged_one_comes_late),
		cmocka_unit_test(what_runs_and_waits_is_merged_with_what_waits),
		cmocka_unit_test(what_only_looks_the_same_has_its_own_turn),
		cmocka_unit_test(what_is_given_up_is_no_answer_to_a_wish),
		cmocka_unit_test(going_back_to_what_runs_drops_what_waits),
		cmocka_unit_test(what_others_were_merged_into_is_not_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
