/* test_fsm_kept.c - a stage that keeps versions running beside the one that serves: when that begins, who is told of
 * it, whom newer ones push out, when it ends. */
#include "fsm_stage_bed.h"

enum { KEPT = 3, OLDER = 2, OLDEST = 1, KEPT_SPEC = 2, KEEP_MS = 500 };

/* For a time. */
static struct actor
warm_in(enum stage_state state)
{
	struct actor a = stage_in(state);

	a.stage.keep_most = 1;
	a.stage.kept[0] = kept_of(KEPT, KEPT_SPEC, NOW_MS + 7, "sha256:kept");
	return a;
}

static struct kept
of_tag(uint64_t deploy, const char *tag)
{
	struct kept kept = kept_of(deploy, KEPT_SPEC, 0, "");

	snprintf(kept.tag, TAG_SIZE, "%s", tag);
	snprintf(kept.digest, DIGEST_SIZE, "sha256:%s", tag);
	return kept;
}

/* v3, v2 and v1 run beside what serves. */
static struct actor
many_in(enum stage_state state, uint32_t most)
{
	struct actor a = stage_in(state);

	a.stage.keep_most = most;
	snprintf(a.stage.live_tag, TAG_SIZE, "v4");
	a.stage.kept[0] = of_tag(KEPT, "v3");
	a.stage.kept[1] = of_tag(OLDER, "v2");
	a.stage.kept[2] = of_tag(OLDEST, "v1");
	return a;
}

static void
clear_kept(struct actor *a)
{
	memset(a->stage.kept, 0, sizeof(a->stage.kept));
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
	assert_int_equal(a.stage.kept[0].deploy, e.strategy == STRATEGY_BLUE_GREEN ? KEPT : 0);
	return last.messages[0].spare;
}

static void
the_same_version_is_offered_what_runs(void **state UNUSED)
{
	struct event e = ready("sha256:kept", KEPT_SPEC);

	assert_int_equal(offered(e), KEPT);
	e.flag = true; /* somebody wants new containers */
	assert_int_equal(offered(e), 0);
	assert_int_equal(offered(ready("sha256:other", KEPT_SPEC)), 0);
	assert_int_equal(
	    offered(ready("sha256:kept", SPEC)), 0); /* configured otherwise since */
}

static void
any_of_them_is_offered(void **state UNUSED)
{
	struct actor a = many_in(STAGE_IDLE, 3);
	struct event e = ready("sha256:v1", KEPT_SPEC);

	snprintf(e.tag, sizeof(e.tag), "v1");
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(last.messages[0].spare, OLDEST);
	assert_int_equal(a.stage.kept[2].deploy, OLDEST);
	/* Another tag is reached by another name, so it needs containers of its own. */
	a = many_in(STAGE_IDLE, 3);
	snprintf(e.tag, sizeof(e.tag), "stable");
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(last.messages[0].spare, 0);
}

/* It would write the same volume. */
static void
who_stops_the_elder_stops_it_too(void **state UNUSED)
{
	struct event e = ready("sha256:kept", KEPT_SPEC);
	struct actor a = many_in(STAGE_IDLE, 3);

	e.strategy = STRATEGY_STOP_FIRST;
	assert_int_equal(offered(e), 0);
	e.strategy = STRATEGY_RECREATE;
	assert_int_equal(offered(e), 0);
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.stage.kept[0].deploy, 0);
	assert_int_equal(a.stage.kept[2].deploy, 0);
}

static struct event
passing(int64_t keep_ms, uint32_t keep_most, const char *tag, const char *digest)
{
	struct event e = { .kind = EV_PASSING, .from = RUNNING, .spec = SPEC };

	e.terms.keep_ms = keep_ms;
	e.terms.keep_most = keep_most;
	snprintf(e.tag, sizeof(e.tag), "%s", tag);
	snprintf(e.digest, sizeof(e.digest), "%s", digest);
	return e;
}

static void
the_last_word_says_how_long_and_how_many(void **state UNUSED)
{
	for (int in = STAGE_DEPLOYING; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct event e = passing(KEEP_MS, 1, "", "");
		struct actor wanted = a;

		wanted.stage.keep_most = 1;
		gives(&a, &e, &wanted);
		told(RUNNING, STAGE_ID, ON(GRANTED));
		assert_int_equal(last.messages[0].after_ms, KEEP_MS);
		assert_int_equal(last.messages[0].spare, 0);
	}
}

static int64_t
kept_for(struct event e)
{
	struct actor a = stage_in(STAGE_DEPLOYING);
	struct actor wanted = a;

	snprintf(a.stage.live_tag, TAG_SIZE, "v4");
	wanted = a;
	wanted.stage.keep_most = e.terms.keep_most;
	gives(&a, &e, &wanted);
	told(RUNNING, STAGE_ID, ON(GRANTED));
	return last.messages[0].after_ms;
}

/* Nobody goes back to the version that serves; and one tag leads to one version. */
static void
the_same_version_is_not_kept(void **state UNUSED)
{
	assert_int_equal(kept_for(passing(KEEP_MS, 1, "v5", "sha256:live")), 0);
	assert_int_equal(kept_for(passing(KEEP_MS, 1, "v4", "sha256:new")), KEEP_MS);
	assert_int_equal(kept_for(passing(KEEP_ON, 2, "v5", "sha256:live")), KEEP_ON);
	assert_int_equal(kept_for(passing(KEEP_ON, 2, "v4", "sha256:new")), 0);
	assert_int_equal(kept_for(passing(KEEP_ON, 2, "v5", "sha256:new")), KEEP_ON);
}

static struct event
moved(uint64_t spare, int64_t keep_ms, const char *tag)
{
	struct event e = { .kind = EV_MOVED,
		.from = RUNNING,
		.spec = KEPT_SPEC,
		.spare = spare,
		.after_ms = keep_ms };

	snprintf(e.digest, sizeof(e.digest), "sha256:now");
	snprintf(e.tag, sizeof(e.tag), "%s", tag);
	return e;
}

static void
now_serves(struct actor *a, uint64_t deploy, const char *tag)
{
	a->stage.live = deploy;
	a->stage.live_spec = KEPT_SPEC;
	a->stage.live_since_ms = NOW_MS;
	snprintf(a->stage.live_digest, DIGEST_SIZE, "sha256:now");
	memset(a->stage.live_tag, 0, TAG_SIZE);
	snprintf(a->stage.live_tag, TAG_SIZE, "%s", tag);
}

static void
what_was_live_is_kept(void **state UNUSED)
{
	for (int in = STAGE_DEPLOYING; in < STAGE_COUNT; in++) {
		struct actor a = warm_in((enum stage_state)in);
		struct actor wanted = a;
		struct event e = moved(0, KEEP_MS, "v5");

		now_serves(&wanted, RUNNING, "v5");
		/* One at most: the other one goes. */
		wanted.stage.kept[0] = kept_of(LIVE, SPEC, NOW_MS + KEEP_MS, "sha256:live");
		gives(&a, &e, &wanted);
		says_nothing();
	}
}

static void
what_has_a_time_goes_with_the_next(void **state UNUSED)
{
	struct actor a = warm_in(STAGE_DEPLOYING);
	struct actor wanted = a;
	struct event e = moved(0, KEEP_ON, "v5");

	a.stage.keep_most = 3;
	wanted = a;
	now_serves(&wanted, RUNNING, "v5");
	wanted.stage.kept[0] = kept_of(LIVE, SPEC, 0, "sha256:live");
	gives(&a, &e, &wanted);
}

static void
the_oldest_makes_room(void **state UNUSED)
{
	for (uint32_t most = 0; most <= 4; most++) {
		struct actor a = many_in(STAGE_DEPLOYING, most);
		struct event e = moved(0, KEEP_ON, "v5");
		struct actor wanted = a;
		struct kept left = of_tag(LIVE, "v4");

		now_serves(&wanted, RUNNING, "v5");
		left.spec = SPEC;
		snprintf(left.digest, DIGEST_SIZE, "sha256:live");
		clear_kept(&wanted);
		for (uint32_t i = 0; i < most; i++)
			wanted.stage.kept[i] = i == 0 ? left : a.stage.kept[i - 1];
		gives(&a, &e, &wanted);
		says_nothing();
	}
}

static void
all_places_may_be_taken(void **state UNUSED)
{
	struct actor a = many_in(STAGE_DEPLOYING, KEPT_MAX);
	struct event e = moved(0, KEEP_ON, "v9");

	for (uint64_t i = 0; i < KEPT_MAX; i++) {
		char tag[TAG_SIZE];

		snprintf(tag, sizeof(tag), "w%d", (int)i);
		a.stage.kept[i] = of_tag(100 + i, tag);
	}
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.stage.kept[0].deploy, LIVE);
	for (uint64_t i = 1; i < KEPT_MAX; i++)
		assert_int_equal(a.stage.kept[i].deploy, 100 + i - 1);
}

/* What was under that tag before is not reached any more. */
static void
its_tag_leads_to_the_new_one(void **state UNUSED)
{
	struct actor a = many_in(STAGE_DEPLOYING, 5);
	struct event e = moved(0, 0, "v2");
	struct actor wanted = a;

	now_serves(&wanted, RUNNING, "v2");
	wanted.stage.kept[1] = a.stage.kept[2];
	wanted.stage.kept[2] = (struct kept){ 0 };
	gives(&a, &e, &wanted);
	/* Two tags that make one host name are one. */
	a = many_in(STAGE_DEPLOYING, 5);
	snprintf(a.stage.kept[1].tag, TAG_SIZE, "V2.0-Rc_1");
	e = moved(0, 0, "v2-0-rC-1");
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.stage.kept[1].deploy, OLDEST);
	a = many_in(STAGE_DEPLOYING, 5);
	e = moved(0, 0, "v2-");
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.stage.kept[1].deploy, OLDER);
}

static void
nothing_is_kept_unasked(void **state UNUSED)
{
	struct actor a = warm_in(STAGE_DEPLOYING);
	struct actor wanted = a;
	struct event e = moved(0, 0, "v5");

	now_serves(&wanted, RUNNING, "v5");
	clear_kept(&wanted);
	gives(&a, &e, &wanted);
	a = warm_in(STAGE_DEPLOYING); /* the first version of a stage */
	a.stage.live = 0;
	e = moved(0, KEEP_MS, "v5");
	wanted = a;
	now_serves(&wanted, RUNNING, "v5");
	clear_kept(&wanted);
	gives(&a, &e, &wanted);
}

/* It is older than its deploy: wishes from before that one come too late all the same. */
static void
what_was_kept_serves_again(void **state UNUSED)
{
	struct actor a = warm_in(STAGE_DEPLOYING);
	struct actor wanted = a;
	struct event e = moved(KEPT, KEEP_MS, "v5");

	now_serves(&wanted, KEPT, "v5");
	wanted.stage.merged = RUNNING;
	wanted.stage.merged_into = KEPT;
	wanted.stage.kept[0] = kept_of(LIVE, SPEC, NOW_MS + KEEP_MS, "sha256:live");
	gives(&a, &e, &wanted);
}

/* Nobody loses his place for it. */
static void
one_of_many_serves_again(void **state UNUSED)
{
	struct actor a = many_in(STAGE_DEPLOYING, 3);
	struct event e = moved(OLDER, KEEP_ON, "v2");

	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.stage.live, OLDER);
	assert_string_equal(a.stage.live_tag, "v2");
	assert_int_equal(a.stage.kept[0].deploy, LIVE);
	assert_string_equal(a.stage.kept[0].tag, "v4");
	assert_int_equal(a.stage.kept[1].deploy, KEPT);
	assert_int_equal(a.stage.kept[2].deploy, OLDEST);
	assert_int_equal(a.stage.kept[3].deploy, 0);
}

static void
it_cools(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = many_in((enum stage_state)in, 3);
		struct actor wanted = a;
		struct event e = { .kind = EV_COOLED, .spare = LIVE };

		gives(&a, &e, &wanted); /* that one was another */
		e.spare = OLDER;
		wanted.stage.kept[1] = a.stage.kept[2];
		wanted.stage.kept[2] = (struct kept){ 0 };
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
		cmocka_unit_test(any_of_them_is_offered),
		cmocka_unit_test(who_stops_the_elder_stops_it_too),
		cmocka_unit_test(the_last_word_says_how_long_and_how_many),
		cmocka_unit_test(the_same_version_is_not_kept),
		cmocka_unit_test(what_was_live_is_kept),
		cmocka_unit_test(what_has_a_time_goes_with_the_next),
		cmocka_unit_test(the_oldest_makes_room),
		cmocka_unit_test(all_places_may_be_taken),
		cmocka_unit_test(its_tag_leads_to_the_new_one),
		cmocka_unit_test(nothing_is_kept_unasked),
		cmocka_unit_test(what_was_kept_serves_again),
		cmocka_unit_test(one_of_many_serves_again),
		cmocka_unit_test(it_cools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
