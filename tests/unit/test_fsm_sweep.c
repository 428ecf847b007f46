/* test_fsm_sweep.c - the sweep, cell by cell: it looks, removes, and looks again; trouble makes it
 * look later. */
#include "fsm_bed.h"

enum { SURVEY_MS = 60000, COLLECT_MS = 120000, INTERVAL_MS = 30000, FAILURES_MAX = 4 };

enum failures { SAME, NONE, MORE }; /* MORE, with the reason; NONE, without one */

struct duty {
	enum sweep_state in;
	uint64_t on;
	uint32_t orphans;
	enum sweep_state to;
	uint64_t asks;
	int64_t wait_ms;
	enum failures failures;
	bool is_quiet;
};

#define ANY (ON(TROUBLED) | ON(TIMEOUT) | ON(REFUSED))

/* clang-format off */
static const struct duty duties[] = {
	{ SWEEP_WAITING, ON(START) | ON(RECOVERED) | ON(TIMEOUT) | ON(NUDGED), 0,
	    SWEEP_SURVEYING, FX(SURVEY), SURVEY_MS, SAME, true },
	{ SWEEP_WAITING, ON(CANCEL), 0, SWEEP_STOPPED, 0, 0, SAME, false },

	{ SWEEP_SURVEYING, ON(SURVEYED), 1, SWEEP_COLLECTING, FX(COLLECT), COLLECT_MS, SAME, false },
	{ SWEEP_SURVEYING, ON(SURVEYED), 0, SWEEP_WAITING, 0, INTERVAL_MS, NONE, true },
	{ SWEEP_SURVEYING, ON(NUDGED) | ON(RECOVERED), 0, SWEEP_SURVEYING, FX(SURVEY), SURVEY_MS, SAME, true },
	{ SWEEP_SURVEYING, ANY, 0, SWEEP_WAITING, 0, 3 * INTERVAL_MS, MORE, true },
	{ SWEEP_SURVEYING, ON(CANCEL), 0, SWEEP_STOPPED, 0, 0, SAME, false },

	{ SWEEP_COLLECTING, ON(COLLECTED) | ON(RECOVERED), 0, SWEEP_SURVEYING, FX(SURVEY), SURVEY_MS, SAME, false },
	{ SWEEP_COLLECTING, ANY, 0, SWEEP_WAITING, 0, 3 * INTERVAL_MS, MORE, false },
	{ SWEEP_COLLECTING, ON(CANCEL), 0, SWEEP_STOPPED, 0, 0, SAME, false },
};
/* clang-format on */

static struct actor
sweep_in(enum sweep_state state)
{
	struct actor a = { .id = 3,
		.kind = ACTOR_SWEEP,
		.state = (int)state,
		.epoch = EPOCH,
		.deadline_ms = 9 };

	a.sweep = (struct sweep){ .engine = 5, .interval_ms = INTERVAL_MS, .failures = 2 };
	keep_text(a.sweep.reason, "the first reason");
	return a;
}

static struct event
event_of(int kind, uint32_t orphans)
{
	struct event e = { .kind = (enum event_kind)kind, .count = orphans };

	snprintf(e.text, sizeof(e.text), "what happened");
	return e;
}

static void
does_its_duty(const struct duty *d, int ev)
{
	struct actor a = sweep_in(d->in);
	struct actor wanted = a;
	struct event e = event_of(ev, d->orphans);

	wanted.state = (int)d->to;
	wanted.deadline_ms = d->wait_ms == 0 ? 0 : NOW_MS + d->wait_ms;
	if (d->failures == NONE) {
		wanted.sweep.failures = 0;
		keep_text(wanted.sweep.reason, "");
	} else if (d->failures == MORE) {
		wanted.sweep.failures++;
		keep_text(wanted.sweep.reason, "what happened");
	}
	step_gives(&a, &e, wanted);
	asked(&a, d->asks, 0, (struct effect){ .engine = 5 });
	told(0, 3, 0);
	assert_int_equal(last.spawn_count, 0);
	/* What changes the outside is stored before it is done; looking is not worth a row. */
	assert_int_equal(last.row->is_quiet, d->is_quiet);
}

static void
each_state_does_its_duty(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(duties); i++)
		for (int ev = 0; ev < EV_COUNT; ev++)
			if (duties[i].on >> ev & 1u)
				does_its_duty(&duties[i], ev);
}

static void
what_is_no_duty_is_refused(void **state UNUSED)
{
	for (int in = 0; in < SWEEP_STOPPED; in++) {
		uint64_t on = 0;

		for (size_t i = 0; i < COUNT(duties); i++)
			if ((int)duties[i].in == in)
				on |= duties[i].on;
		for (int ev = 0; ev < EV_COUNT; ev++) {
			struct actor a = sweep_in((enum sweep_state)in);
			struct event e = event_of(ev, 1);
			if (!(on >> ev & 1u))
				step_refused(&a, &e);
		}
	}
}

static void
trouble_is_looked_after_later_up_to_a_limit(void **state UNUSED)
{
	struct actor a = sweep_in(SWEEP_SURVEYING);

	a.sweep.failures = 0;
	for (int i = 1; i < 20; i++) {
		int64_t times = i < FAILURES_MAX ? i : FAILURES_MAX;
		a.state = SWEEP_SURVEYING;
		assert_int_equal(step(&a, EV_TROUBLED), STEP_TAKEN);
		assert_int_equal(a.deadline_ms, NOW_MS + times * INTERVAL_MS);
	}
}

static void
a_sweep_that_is_over_answers_nothing(void **state UNUSED)
{
	for (int ev = 0; ev < EV_COUNT; ev++) {
		struct actor a = sweep_in(SWEEP_STOPPED);
		assert_int_equal(step(&a, (enum event_kind)ev), STEP_STALE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_does_its_duty),
		cmocka_unit_test(what_is_no_duty_is_refused),
		cmocka_unit_test(trouble_is_looked_after_later_up_to_a_limit),
		cmocka_unit_test(a_sweep_that_is_over_answers_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
