/* test_fsm_warm.c - a stage that keeps the version before running: when it begins, who is told of it, when it ends. */
#include "fsm_stage_bed.h"

enum { WARM = 3, WARM_SPEC = 2, WARM_MS = 500 };

static struct actor
warm_in(enum stage_state state)
{
	struct actor a = stage_in(state);

	a.stage.warm = WARM;
	a.stage.warm_spec = WARM_SPEC;
	a.stage.warm_until_ms = NOW_MS + 7;
	snprintf(a.stage.warm_digest, DIGEST_SIZE, "sha256:warm");
	return a;
}

static void
no_longer_warm(struct actor *a)
{
	a->stage.warm = 0;
	a->stage.warm_spec = 0;
	a->stage.warm_until_ms = 0;
	a->stage.warm_digest[0] = '\0';
}

static struct event
ready(const char *digest, uint64_t spec)
{
	struct event e = {
		.kind = EV_READY, .from = RESOLVING, .spec = spec, .trigger = TRIGGER_ROLLBACK
	};

	snprintf(e.digest, sizeof(e.digest), "%s", digest);
	return e;
}

static uint64_t
offered(struct event e)
{
	struct actor a = warm_in(STAGE_IDLE);

	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.state, STAGE_DEPLOYING);
	told(RESOLVING, STAGE_ID, ON(GRANTED));
	assert_int_equal(last.messages[0].elder, LIVE);
	assert_int_equal(a.stage.warm, e.strategy == STRATEGY_BLUE_GREEN ? WARM : 0);
	return last.messages[0].spare;
}

static void
the_same_version_is_offered_what_runs(void **state UNUSED)
{
	struct event e = ready("sha256:warm", WARM_SPEC);

	assert_int_equal(offered(e), WARM);
	e.flag = true; /* somebody wants new containers */
	assert_int_equal(offered(e), 0);
	assert_int_equal(offered(ready("sha256:other", WARM_SPEC)), 0);
	assert_int_equal(
	    offered(ready("sha256:warm", SPEC)), 0); /* configured otherwise since */
}

/* It would write the same volume. */
static void
who_stops_the_elder_stops_it_too(void **state UNUSED)
{
	struct event e = ready("sha256:warm", WARM_SPEC);

	e.strategy = STRATEGY_STOP_FIRST;
	assert_int_equal(offered(e), 0);
	e.strategy = STRATEGY_RECREATE;
	assert_int_equal(offered(e), 0);
}

static void
the_last_word_says_how_long(void **state UNUSED)
{
	for (int in = STAGE_DEPLOYING; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct event e = { .kind = EV_PASSING, .from = RUNNING, .spec = SPEC };
		struct actor wanted = a;

		e.terms.warm_ms = WARM_MS;
		gives(&a, &e, &wanted);
		told(RUNNING, STAGE_ID, ON(GRANTED));
		assert_int_equal(last.messages[0].after_ms, WARM_MS);
		assert_int_equal(last.messages[0].spare, 0);
	}
}

/* Nobody goes back to the version that serves. */
static void
the_same_version_is_not_kept(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_DEPLOYING);
	struct event e = { .kind = EV_PASSING, .from = RUNNING, .spec = SPEC };
	struct actor wanted = a;

	e.terms.warm_ms = WARM_MS;
	memcpy(e.digest, a.stage.live_digest, sizeof(e.digest));
	gives(&a, &e, &wanted);
	told(RUNNING, STAGE_ID, ON(GRANTED));
	assert_int_equal(last.messages[0].after_ms, 0);
}

static struct event
moved(uint64_t spare, int64_t keep_ms)
{
	struct event e = { .kind = EV_MOVED,
		.from = RUNNING,
		.spec = WARM_SPEC,
		.spare = spare,
		.after_ms = keep_ms };

	snprintf(e.digest, sizeof(e.digest), "sha256:warm");
	return e;
}

static void
now_serves(struct actor *a, uint64_t deploy)
{
	a->stage.live = deploy;
	a->stage.live_spec = WARM_SPEC;
	a->stage.live_since_ms = NOW_MS;
	snprintf(a->stage.live_digest, DIGEST_SIZE, "sha256:warm");
}

static void
what_was_live_is_kept(void **state UNUSED)
{
	for (int in = STAGE_DEPLOYING; in < STAGE_COUNT; in++) {
		struct actor a = warm_in((enum stage_state)in);
		struct actor wanted = a;
		struct event e = moved(0, WARM_MS);

		now_serves(&wanted, RUNNING);
		wanted.stage.warm = LIVE; /* one at most: the other one goes */
		wanted.stage.warm_spec = SPEC;
		wanted.stage.warm_until_ms = NOW_MS + WARM_MS;
		snprintf(wanted.stage.warm_digest, DIGEST_SIZE, "sha256:live");
		gives(&a, &e, &wanted);
		says_nothing();
	}
}

static void
nothing_is_kept_unasked(void **state UNUSED)
{
	struct actor a = warm_in(STAGE_DEPLOYING);
	struct actor wanted = a;
	struct event e = moved(0, 0);

	now_serves(&wanted, RUNNING);
	no_longer_warm(&wanted);
	gives(&a, &e, &wanted);
	a = warm_in(STAGE_DEPLOYING); /* the first version of a stage */
	a.stage.live = 0;
	e = moved(0, WARM_MS);
	wanted = a;
	now_serves(&wanted, RUNNING);
	no_longer_warm(&wanted);
	gives(&a, &e, &wanted);
}

/* It is older than its deploy: wishes from before that one come too late all the same. */
static void
what_was_warm_serves_again(void **state UNUSED)
{
	struct actor a = warm_in(STAGE_DEPLOYING);
	struct actor wanted = a;
	struct event e = moved(WARM, WARM_MS);

	now_serves(&wanted, WARM);
	wanted.stage.merged = RUNNING;
	wanted.stage.merged_into = WARM;
	wanted.stage.warm = LIVE;
	wanted.stage.warm_spec = SPEC;
	wanted.stage.warm_until_ms = NOW_MS + WARM_MS;
	snprintf(wanted.stage.warm_digest, DIGEST_SIZE, "sha256:live");
	gives(&a, &e, &wanted);
}

static void
it_cools(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = warm_in((enum stage_state)in);
		struct actor wanted = a;
		struct event e = { .kind = EV_COOLED, .spare = WARM + 1 };

		gives(&a, &e, &wanted); /* that one was another */
		e.spare = WARM;
		no_longer_warm(&wanted);
		wanted.epoch = a.epoch;
		gives(&a, &e, &wanted);
		says_nothing();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_version_is_offered_what_runs),
		cmocka_unit_test(who_stops_the_elder_stops_it_too),
		cmocka_unit_test(the_last_word_says_how_long),
		cmocka_unit_test(the_same_version_is_not_kept),
		cmocka_unit_test(what_was_live_is_kept),
		cmocka_unit_test(nothing_is_kept_unasked),
		cmocka_unit_test(what_was_warm_serves_again),
		cmocka_unit_test(it_cools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
