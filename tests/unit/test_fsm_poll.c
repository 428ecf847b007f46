/* test_fsm_poll.c - a poll, cell by cell: the first look only records, what is known is quiet, and
 * trouble makes it look later. */
#include "fsm_bed.h"

enum {
	SEEK_MS = 120000,
	INTERVAL_MS = 30000,
	OTHER_MS = 50000,
	/* The place of actor 2 in its interval: 2 * 2654435761 mod 1000 is 522. */
	PLACE = 522,
	TURN_MS = 1 + INTERVAL_MS * PLACE / 1000,
	OTHER_TURN_MS = 1 + OTHER_MS * PLACE / 1000,
	HOUR_MS = 3600000,
};

static struct actor
poll_in(enum poll_state state)
{
	struct actor a = { .id = 2,
		.kind = ACTOR_POLL,
		.state = (int)state,
		.epoch = EPOCH,
		.deadline_ms = state == POLL_OFF ? 0 : 9 };

	a.poll = (struct poll){
		.stage = 1, .interval_ms = INTERVAL_MS, .is_auto = true, .failures = 2
	};
	snprintf(a.poll.tag, sizeof(a.poll.tag), "v1");
	snprintf(a.poll.digest, sizeof(a.poll.digest), "sha256:1");
	keep_text(a.poll.reason, "the first reason");
	return a;
}

static struct event
event_of(enum event_kind kind)
{
	struct event e = { .kind = kind };

	snprintf(e.text, sizeof(e.text), "what happened");
	return e;
}

static struct event
sought(const char *tag, const char *digest)
{
	struct event e = event_of(EV_SOUGHT);

	snprintf(e.tag, sizeof(e.tag), "%s", tag);
	snprintf(e.digest, sizeof(e.digest), "%s", digest);
	return e;
}

static void
gives(struct actor *a, const struct event *e, const struct actor *wanted, uint64_t asks,
    bool is_quiet)
{
	step_gives(a, e, *wanted);
	asked(a, asks, 0, (struct effect){ .stage = 1 });
	assert_int_equal(last.spawn_count, 0);
	assert_int_equal(last.row->is_quiet, is_quiet);
}

static void
off_rests(void **state UNUSED)
{
	static const enum event_kind kinds[] = { EV_START, EV_RECOVERED, EV_CANCEL };

	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct actor a = poll_in(POLL_OFF);
		struct event e = event_of(kinds[i]);
		struct actor wanted = a;
		gives(&a, &e, &wanted, 0, true);
		told(0, 2, 0);
	}
}

/* An image or pattern that changed makes all that was seen unsaid. */
static void
configured_begins_anew(enum poll_state in, int64_t interval_ms, uint32_t changes)
{
	struct actor a = poll_in(in);
	struct event e = event_of(EV_CONFIGURED);
	struct actor wanted = a;

	e.after_ms = interval_ms;
	e.count = changes;
	e.flag = false;
	wanted.state = interval_ms > 0 ? POLL_WAITING : POLL_OFF;
	wanted.deadline_ms = interval_ms > 0 ? NOW_MS + OTHER_TURN_MS : 0;
	wanted.poll.interval_ms = interval_ms;
	wanted.poll.is_auto = false;
	wanted.poll.failures = 0;
	if (changes > 0) {
		wanted.poll.tag[0] = '\0';
		wanted.poll.digest[0] = '\0';
	}
	gives(&a, &e, &wanted, 0, false);
	told(0, 2, 0);
	a.state = POLL_OFF;
	a.deadline_ms = 0;
	e.flag = true;
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_true(a.poll.is_auto);
}

static void
each_state_is_configured(void **state UNUSED)
{
	for (int in = 0; in < POLL_COUNT; in++) {
		configured_begins_anew((enum poll_state)in, OTHER_MS, 0);
		configured_begins_anew((enum poll_state)in, OTHER_MS, 1);
		configured_begins_anew((enum poll_state)in, 0, 0);
		configured_begins_anew((enum poll_state)in, 0, 1);
	}
}

static void
it_looks_when_it_is_time_or_somebody_asks(void **state UNUSED)
{
	static const struct {
		enum poll_state in;
		enum event_kind on;
	} looks[] = { { POLL_WAITING, EV_TIMEOUT }, { POLL_WAITING, EV_NUDGED },
		{ POLL_SEEKING, EV_NUDGED }, { POLL_SEEKING, EV_RECOVERED } };

	for (size_t i = 0; i < COUNT(looks); i++) {
		struct actor a = poll_in(looks[i].in);
		struct event e = event_of(looks[i].on);
		struct actor wanted = a;
		wanted.state = POLL_SEEKING;
		wanted.deadline_ms = NOW_MS + SEEK_MS;
		gives(&a, &e, &wanted, FX(SEEK), true);
		told(0, 2, 0);
	}
}

static void
waits(enum poll_state in, enum event_kind on, int64_t wait_ms)
{
	struct actor a = poll_in(in);
	struct event e = event_of(on);
	struct actor wanted = a;

	wanted.state = POLL_WAITING;
	wanted.deadline_ms = NOW_MS + wait_ms;
	gives(&a, &e, &wanted, 0, true);
	told(0, 2, 0);
}

/* After a restart all would ask at once, if each did not wait for its turn. */
static void
it_waits_for_its_turn(void **state UNUSED)
{
	waits(POLL_WAITING, EV_RECOVERED, TURN_MS);
	waits(POLL_WAITING, EV_CANCEL, TURN_MS);
	waits(POLL_SEEKING, EV_CANCEL, INTERVAL_MS);
}

static void
what_is_seen_is_recorded(struct actor a, const struct event *e, bool is_told)
{
	struct actor wanted = a;

	wanted.state = POLL_WAITING;
	wanted.deadline_ms = NOW_MS + INTERVAL_MS;
	wanted.poll.failures = 0;
	memcpy(wanted.poll.tag, e->tag, sizeof(e->tag));
	memcpy(wanted.poll.digest, e->digest, sizeof(e->digest));
	wanted.poll.reason[0] = '\0';
	gives(&a, e, &wanted, 0, false);
	told(1, 2, is_told ? ON(TRIGGER) : 0);
	if (!is_told)
		return;
	assert_int_equal(last.messages[0].trigger, TRIGGER_POLL);
	assert_false(last.messages[0].flag);
	assert_string_equal(last.messages[0].tag, e->tag);
	assert_string_equal(last.messages[0].digest, e->digest);
}

static void
the_first_look_only_records(void **state UNUSED)
{
	struct actor a = poll_in(POLL_SEEKING);
	struct event e = sought("v1", "sha256:1");

	a.poll.tag[0] = '\0';
	a.poll.digest[0] = '\0';
	what_is_seen_is_recorded(a, &e, false);
}

static void
news_is_told_or_only_recorded(void **state UNUSED)
{
	static const struct {
		const char *tag;
		const char *digest;
	} news[] = { { "v2", "sha256:2" }, { "v1", "sha256:2" }, { "v2", "sha256:1" } };

	for (size_t i = 0; i < COUNT(news); i++) {
		struct actor a = poll_in(POLL_SEEKING);
		struct event e = sought(news[i].tag, news[i].digest);
		what_is_seen_is_recorded(a, &e, true);
		a.poll.is_auto = false;
		what_is_seen_is_recorded(a, &e, false);
	}
}

/* The newest tag was deleted from the registry: that is no wish to go back. */
static void
an_older_tag_is_only_recorded(void **state UNUSED)
{
	struct actor a = poll_in(POLL_SEEKING);
	struct event e = sought("v0", "sha256:0");

	e.flag = true;
	what_is_seen_is_recorded(a, &e, false);
	a.poll.is_auto = false;
	what_is_seen_is_recorded(a, &e, false);
	a.poll.is_auto = true;
	e.flag = false; /* the registry's port knows the order, the poll does not */
	what_is_seen_is_recorded(a, &e, true);
}

static void
what_is_known_is_quiet(void **state UNUSED)
{
	struct actor a = poll_in(POLL_SEEKING);
	struct event e = sought("v1", "sha256:1");
	struct actor wanted = a;

	wanted.state = POLL_WAITING;
	wanted.deadline_ms = NOW_MS + INTERVAL_MS;
	wanted.poll.failures = 0;
	wanted.poll.reason[0] = '\0';
	gives(&a, &e, &wanted, 0, true);
	told(0, 2, 0);
}

static void
trouble_makes_it_wait_longer(void **state UNUSED)
{
	static const enum event_kind kinds[] = { EV_TROUBLED, EV_TIMEOUT, EV_REFUSED };

	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct actor a = poll_in(POLL_SEEKING);
		struct event e = event_of(kinds[i]);
		struct actor wanted = a;
		wanted.state = POLL_WAITING;
		wanted.deadline_ms = NOW_MS + 4 * INTERVAL_MS;
		wanted.poll.failures = 3;
		keep_text(wanted.poll.reason, "what happened");
		gives(&a, &e, &wanted, 0, true);
		told(0, 2, 0);
	}
}

static void
trouble_has_its_limits(void **state UNUSED)
{
	struct actor a = poll_in(POLL_SEEKING);
	struct event e = event_of(EV_TROUBLED);
	int64_t last_ms = 0;

	for (int i = 0; i < 30; i++) {
		a.state = POLL_SEEKING;
		assert_int_equal(take(&a, &e), STEP_TAKEN);
		assert_true(a.deadline_ms >= last_ms);
		last_ms = a.deadline_ms;
	}
	assert_int_equal(last_ms, NOW_MS + HOUR_MS);
	assert_int_equal(a.poll.failures, 16);
	a.state = POLL_SEEKING;
	e.after_ms = 2 * HOUR_MS; /* never sooner than the peer asks */
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.deadline_ms, NOW_MS + 2 * HOUR_MS);
	a.state = POLL_SEEKING;
	a.poll.interval_ms = 3 * HOUR_MS; /* nor than the interval */
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.deadline_ms, NOW_MS + 3 * HOUR_MS);
}

static void
anything_else_is_refused(void **state UNUSED)
{
	static const uint64_t heard[POLL_COUNT] = {
		[POLL_OFF] = ON(START) | ON(RECOVERED) | ON(CANCEL) | ON(CONFIGURED),
		[POLL_WAITING] =
		    ON(TIMEOUT) | ON(NUDGED) | ON(RECOVERED) | ON(CANCEL) | ON(CONFIGURED),
		[POLL_SEEKING] = ON(SOUGHT) | ON(TROUBLED) | ON(TIMEOUT) | ON(REFUSED)
				 | ON(RECOVERED) | ON(NUDGED) | ON(CANCEL) | ON(CONFIGURED),
	};

	for (int in = 0; in < POLL_COUNT; in++)
		for (int ev = 0; ev < EV_COUNT; ev++) {
			struct actor a = poll_in((enum poll_state)in);
			struct event e = event_of((enum event_kind)ev);
			if (!(heard[in] >> ev & 1u))
				step_refused(&a, &e);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(off_rests),
		cmocka_unit_test(each_state_is_configured),
		cmocka_unit_test(it_looks_when_it_is_time_or_somebody_asks),
		cmocka_unit_test(it_waits_for_its_turn),
		cmocka_unit_test(the_first_look_only_records),
		cmocka_unit_test(news_is_told_or_only_recorded),
		cmocka_unit_test(an_older_tag_is_only_recorded),
		cmocka_unit_test(what_is_known_is_quiet),
		cmocka_unit_test(trouble_makes_it_wait_longer),
		cmocka_unit_test(trouble_has_its_limits),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
