/* test_fsm_stage.c - a stage: what begins a deploy, what its end brings, and what changes nothing. Whose
 * turn it is: test_fsm_turns.c. */
#include "fsm_stage_bed.h"

/* Rest. */

static void
a_start_and_a_restart_change_nothing(void **state UNUSED)
{
	is_quiet_about(stage_in(STAGE_IDLE), &(struct event){ .kind = EV_START });
	for (int in = 0; in < STAGE_COUNT; in++)
		is_quiet_about(
		    stage_in((enum stage_state)in), &(struct event){ .kind = EV_RECOVERED });
}

static void
a_configuration_is_for_the_next_deploy(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++)
		for (int has_route = 0; has_route < 2; has_route++) {
			struct actor a = stage_in((enum stage_state)in);
			struct actor wanted = a;
			wanted.stage.spec = 8;
			wanted.stage.tasks = 1u << TASK_MIGRATION;
			wanted.stage.has_route = has_route;
			/* The same tag under another configuration is another wish. */
			no_longer_resolving(&wanted);
			gives(&a,
			    &(struct event){ .kind = EV_CONFIGURED,
				.spec = 8,
				.count = 1u << TASK_MIGRATION,
				.flag = has_route },
			    &wanted);
			says_nothing();
		}
}

/* The version that takes the route away must not stop the one that still has it. */
static void
a_route_that_was_is_not_forgotten(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct actor wanted;
		a.stage.has_route = true;
		wanted = a;
		wanted.stage.spec = 8;
		no_longer_resolving(&wanted);
		gives(&a, &(struct event){ .kind = EV_CONFIGURED, .spec = 8 }, &wanted);
	}
}

static void
cancel_reaches_all_who_have_a_turn(void **state UNUSED)
{
	const struct event cancel = { .kind = EV_CANCEL };
	struct actor a = stage_in(STAGE_DEPLOYING);
	struct actor wanted = a;

	is_quiet_about(stage_in(STAGE_IDLE), &cancel);
	gives(&a, &cancel, &wanted);
	told(RUNNING, STAGE_ID, ON(CANCEL));
	a = stage_in(STAGE_QUEUEING);
	wanted = a;
	gives(&a, &cancel, &wanted);
	assert_int_equal(
	    last.message_count, 2); /* else the end of one would start the other */
	says(0, WAITING, EV_CANCEL, "");
	says(1, RUNNING, EV_CANCEL, "");
}

static void
anything_else_is_refused(void **state UNUSED)
{
	const uint64_t always_heard = ON(RECOVERED) | ON(CONFIGURED) | ON(TRIGGER) | ON(CANCEL)
				      | ON(READY) | ON(ENDED) | ON(LIFTED) | ON(FROZEN)
				      | ON(THAWED) | ON(COOLED);

	for (int in = 0; in < STAGE_COUNT; in++)
		for (int ev = 0; ev < EV_COUNT; ev++) {
			struct actor a = stage_in((enum stage_state)in);
			uint64_t here = in == STAGE_IDLE ? ON(START)
							 : ON(MOVED) | ON(GIVEN_UP)
							       | ON(CONDEMNED) | ON(PASSING);
			if (!((always_heard | here) >> ev & 1u))
				step_refused(
				    &a, &(struct event){ .kind = (enum event_kind)ev });
		}
}

/* Triggers. */

static struct event
trigger(const char *tag, const char *digest)
{
	struct event e = { .kind = EV_TRIGGER, .trigger = TRIGGER_WEBHOOK };

	snprintf(e.tag, sizeof(e.tag), "%s", tag);
	snprintf(e.digest, sizeof(e.digest), "%s", digest);
	return e;
}

static void
bears(enum stage_state in, struct event e)
{
	struct actor a = stage_in(in);
	struct actor wanted = a;
	const struct actor *child = &last.spawns[0];

	no_longer_resolving(&wanted); /* who asks has become an older one */
	if (e.digest[0] == '\0') {
		wanted.stage.resolving = FRESH_ID;
		memcpy(wanted.stage.resolving_tag, e.tag, TAG_SIZE);
	}
	a.stage.has_route = true;
	a.stage.tasks = 1u << TASK_MIGRATION;
	wanted.stage.has_route = true;
	wanted.stage.tasks = 1u << TASK_MIGRATION;
	gives(&a, &e, &wanted);
	assert_int_equal(last.message_count, 0);
	assert_int_equal(last.spawn_count, 1);
	assert_int_equal(child->id, FRESH_ID);
	assert_int_equal(child->kind, ACTOR_DEPLOY);
	assert_int_equal(child->state, e.digest[0] == '\0' ? DEPLOY_RESOLVING : DEPLOY_QUEUED);
	assert_int_equal(child->deploy.stage, STAGE_ID);
	assert_int_equal(child->deploy.spec, SPEC);
	assert_int_equal(child->deploy.trigger, e.trigger);
	assert_true(child->deploy.has_route);
	assert_int_equal(child->deploy.tasks, 1u << TASK_MIGRATION);
	assert_int_equal(child->deploy.is_forced, e.flag);
	assert_int_equal(child->deploy.created_ms, NOW_MS);
	assert_int_equal(child->deploy.ended_ms, 0);
	assert_string_equal(child->deploy.tag, e.tag);
	assert_string_equal(child->deploy.digest, e.digest);
}

static void
a_trigger_bears_a_deploy(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct event e = trigger("v6", "");
		bears((enum stage_state)in, e);
		bears((enum stage_state)in, trigger("v5", "sha256:other")); /* a rollback */
		bears((enum stage_state)in, trigger("v5", "sha256:live"));
		e.trigger = TRIGGER_POLL;
		bears((enum stage_state)in, e);
		e = trigger("v5", "");
		e.flag = true; /* somebody insists */
		bears((enum stage_state)in, e);
		e = trigger("v9", "sha256:other");
		e.trigger = TRIGGER_POLL;
		bears((enum stage_state)in, e);
	}
}

static void
a_hook_that_comes_twice_is_one_question(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct event e = trigger("v5", "");
		struct actor a = stage_in((enum stage_state)in);
		is_quiet_about(a, &e);
		no_longer_resolving(&a);
		e = trigger("", "");
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(last.spawn_count, 1);
	}
}

static void
is_no_news(struct actor a, const struct event *event)
{
	struct event e = *event;

	a.stage.spec = SPEC + 5;
	a.stage.has_route = true;
	a.stage.running_spec = SPEC;
	a.stage.waiting_spec = SPEC;
	snprintf(a.stage.running_digest, DIGEST_SIZE, "sha256:running");
	fill(&a);
	e.spare = a.stage.kept[0].deploy;
	e.from = RESOLVING;
	step_gives(&a, &e, a);
	assert_true(last.row->is_quiet);
	assert_int_equal(last.effect_count, 0);
	says_nothing();
}

static void
a_poll_finds_what_a_hook_brought(void **state UNUSED)
{
	static const char *const known[] = { "sha256:live", "sha256:running",
		"sha256:waiting" };

	for (int in = 0; in < STAGE_COUNT; in++)
		for (int i = 0; i < (int)COUNT(known); i++) {
			struct event e = trigger("v9", known[i]);
			e.trigger = TRIGGER_POLL;
			/* What will be live when nothing is in line any more. */
			if (i == in)
				is_no_news(stage_in((enum stage_state)in), &e);
			else
				bears((enum stage_state)in, e);
		}
}

/* Ends. */

static void
what_is_given_up_is_compared_with_nothing(void **state UNUSED)
{
	const struct event given_up = {
		.kind = EV_GIVEN_UP, .from = RUNNING, .digest = "sha256:running"
	};
	struct event e = trigger("v9", "sha256:running");

	e.trigger = TRIGGER_POLL;
	for (int in = STAGE_DEPLOYING; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct actor wanted = a;
		wanted.stage.running_digest[0] = '\0';
		gives(&a, &given_up, &wanted);
		says_nothing();
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(last.spawn_count, 1);
	}
}

static void
what_moved_the_traffic_is_live(void **state UNUSED)
{
	for (int in = STAGE_DEPLOYING; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct actor wanted = a;
		struct event e = { .kind = EV_MOVED, .from = RUNNING, .spec = 6 };
		snprintf(e.digest, sizeof(e.digest), "sha256:running");
		wanted.stage.live = RUNNING;
		wanted.stage.live_spec = 6;
		wanted.stage.live_since_ms = NOW_MS;
		snprintf(wanted.stage.live_digest, DIGEST_SIZE, "sha256:running");
		gives(&a, &e, &wanted);
		says_nothing();
		a.stage.live_since_ms =
		    55; /* the same version once more is as old as it was */
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_int_equal(a.stage.live_since_ms, 55);
	}
}

static void
the_end_of_the_last_is_rest(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_DEPLOYING);
	struct actor wanted = a;

	wanted.state = STAGE_IDLE;
	no_longer_running(&wanted);
	gives(&a, &(struct event){ .kind = EV_ENDED, .from = RUNNING }, &wanted);
	says_nothing();
}

/* Since it came in line much may have changed: it asks anew. */
static void
the_end_of_one_calls_the_next(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_QUEUEING);
	struct actor wanted = a;

	wanted.state = STAGE_IDLE;
	no_longer_waiting(&wanted);
	no_longer_running(&wanted);
	gives(&a, &(struct event){ .kind = EV_ENDED, .from = RUNNING }, &wanted);
	told(WAITING, STAGE_ID, ON(RECALLED));
	a = stage_in(STAGE_QUEUEING); /* and while another one runs it waits */
	wanted = a;
	no_longer_resolving(&wanted);
	gives(&a, &(struct event){ .kind = EV_ENDED, .from = RESOLVING }, &wanted);
	says_nothing();
}

static void
who_waits_may_end_before_its_turn(void **state UNUSED)
{
	struct actor a = stage_in(STAGE_QUEUEING);
	struct actor wanted = a;

	wanted.state = STAGE_DEPLOYING;
	no_longer_waiting(&wanted);
	gives(&a, &(struct event){ .kind = EV_ENDED, .from = WAITING }, &wanted);
	says_nothing();
}

static void
who_never_had_a_turn_is_forgotten(void **state UNUSED)
{
	for (int in = 0; in < STAGE_COUNT; in++) {
		struct actor a = stage_in((enum stage_state)in);
		struct actor wanted = a;
		for (uint64_t from = 40; from > 15; from -= 11) { /* newer and older ones */
			gives(&a, &(struct event){ .kind = EV_ENDED, .from = from }, &wanted);
			says_nothing();
		}
		no_longer_resolving(&wanted);
		gives(&a, &(struct event){ .kind = EV_ENDED, .from = RESOLVING }, &wanted);
		says_nothing();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_and_a_restart_change_nothing),
		cmocka_unit_test(a_configuration_is_for_the_next_deploy),
		cmocka_unit_test(a_route_that_was_is_not_forgotten),
		cmocka_unit_test(cancel_reaches_all_who_have_a_turn),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(a_trigger_bears_a_deploy),
		cmocka_unit_test(a_hook_that_comes_twice_is_one_question),
		cmocka_unit_test(a_poll_finds_what_a_hook_brought),
		cmocka_unit_test(what_is_given_up_is_compared_with_nothing),
		cmocka_unit_test(what_moved_the_traffic_is_live),
		cmocka_unit_test(the_end_of_the_last_is_rest),
		cmocka_unit_test(the_end_of_one_calls_the_next),
		cmocka_unit_test(who_waits_may_end_before_its_turn),
		cmocka_unit_test(who_never_had_a_turn_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
