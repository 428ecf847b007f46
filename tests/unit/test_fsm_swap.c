/* test_fsm_swap.c - a swap, cell by cell: the route is confirmed or given back, and RESTORING ends
 * by a clear answer only. What is in no line here must be refused. */
#include "fsm_bed.h"

enum {
	SWITCH_MS = 240000,
	CONFIRM_MS = 30000,
	PARKED_MS = 3600000,
	PAUSE_MS = 9000,
	TRIES_MAX = 5
};

enum tries { KEEPS, BEGINS, COUNTS }; /* the first of them; one more, and after a pause */
enum reason { SAME, TOLD, CANCELED };
enum given { USUAL, SPENT = 1, PARKED = 2, WARM = 4 };
/* SPENT: no tries left; PARKED: the elder may be stopped; WARM: the traffic is for another's containers */

struct duty {
	enum swap_state in;
	uint64_t on;
	unsigned given;
	enum swap_state to;
	uint64_t asks;
	enum tries tries;
	enum reason reason;
	uint64_t tells; /* the deploy */
};

#define CLEAR (ON(TROUBLED) | ON(TIMEOUT))
#define ANY (CLEAR | ON(REFUSED))
#define ENTER (ON(START) | ON(RECOVERED))

/* clang-format off */
static const struct duty duties[] = {
	{ SWAP_SWITCHING, ENTER, USUAL, SWAP_SWITCHING, FX(SWITCH), KEEPS, SAME, 0 },
	{ SWAP_SWITCHING, ON(SWITCHED), USUAL, SWAP_CONFIRMING, FX(CONFIRM), KEEPS, SAME, 0 },
	{ SWAP_SWITCHING, CLEAR, USUAL, SWAP_SWITCHING, FX(SWITCH), COUNTS, TOLD, 0 },
	{ SWAP_SWITCHING, ANY, SPENT, SWAP_RESTORING, FX(RESTORE), BEGINS, TOLD, 0 },
	{ SWAP_SWITCHING, ON(REFUSED), USUAL, SWAP_RESTORING, FX(RESTORE), BEGINS, TOLD, 0 },
	{ SWAP_SWITCHING, ON(CANCEL), USUAL, SWAP_RESTORING, FX(RESTORE), BEGINS, CANCELED, 0 },

	{ SWAP_CONFIRMING, ON(CONFIRMED), USUAL, SWAP_DONE, 0, KEEPS, SAME, ON(SWAPPED) },
	{ SWAP_CONFIRMING, ON(RECOVERED), USUAL, SWAP_SWITCHING, FX(SWITCH), KEEPS, SAME, 0 },
	{ SWAP_CONFIRMING, CLEAR, USUAL, SWAP_SWITCHING, FX(SWITCH), COUNTS, TOLD, 0 },
	{ SWAP_CONFIRMING, ANY, SPENT, SWAP_RESTORING, FX(RESTORE), BEGINS, TOLD, 0 },
	{ SWAP_CONFIRMING, ON(REFUSED), USUAL, SWAP_RESTORING, FX(RESTORE), BEGINS, TOLD, 0 },
	{ SWAP_CONFIRMING, ON(CANCEL), USUAL, SWAP_RESTORING, FX(RESTORE), BEGINS, CANCELED, 0 },

	{ SWAP_SWITCHING, ENTER, WARM, SWAP_SWITCHING, FX(SWITCH), KEEPS, SAME, 0 },
	{ SWAP_SWITCHING, ON(SWITCHED), WARM, SWAP_CONFIRMING, FX(CONFIRM), KEEPS, SAME, 0 },
	{ SWAP_CONFIRMING, ON(REFUSED), WARM, SWAP_RESTORING, FX(RESTORE), BEGINS, TOLD, 0 },

	/* What is kept is why the route goes back, not what keeps it from going. */
	{ SWAP_RESTORING, ON(RESTORED), USUAL, SWAP_RESTORED, 0, KEEPS, SAME, ON(UNSWAPPED) },
	{ SWAP_RESTORING, ENTER | ON(CANCEL), USUAL, SWAP_RESTORING, FX(RESTORE), KEEPS, SAME, 0 },
	{ SWAP_RESTORING, ANY, USUAL, SWAP_RESTORING, FX(RESTORE), COUNTS, SAME, 0 },

	{ SWAP_PARKING, ENTER, USUAL, SWAP_PARKING, FX(PARK), KEEPS, SAME, 0 },
	{ SWAP_PARKING, ON(PARKED) | ON(RESTORED), USUAL, SWAP_PARKED, 0, BEGINS, SAME, ON(CLEARED) },
	{ SWAP_PARKING, CLEAR, USUAL, SWAP_PARKING, FX(PARK), COUNTS, TOLD, 0 },
	{ SWAP_PARKING, ANY, SPENT, SWAP_RESTORING, FX(RESTORE), BEGINS, TOLD, 0 },
	{ SWAP_PARKING, ON(REFUSED), USUAL, SWAP_RESTORING, FX(RESTORE), BEGINS, TOLD, 0 },
	{ SWAP_PARKING, ON(CANCEL), USUAL, SWAP_RESTORING, FX(RESTORE), BEGINS, CANCELED, 0 },

	/* Nothing is asked, whatever comes, until the deploy says where to. */
	{ SWAP_PARKED, ON(GO), PARKED, SWAP_SWITCHING, FX(SWITCH), KEEPS, SAME, 0 },
	{ SWAP_PARKED, ON(CANCEL), PARKED, SWAP_RESTORING, FX(RESTORE), BEGINS, SAME, 0 },
	{ SWAP_PARKED, ON(TIMEOUT) | ON(RECOVERED), PARKED, SWAP_PARKED, 0, KEEPS, SAME, 0 },

	/* The elder is stopped: a switch that fails leads back to nobody. */
	{ SWAP_SWITCHING, CLEAR, PARKED, SWAP_SWITCHING, FX(SWITCH), COUNTS, TOLD, 0 },
	{ SWAP_SWITCHING, ANY, PARKED | SPENT, SWAP_REPARKING, FX(PARK), BEGINS, TOLD, 0 },
	{ SWAP_SWITCHING, ON(CANCEL), PARKED, SWAP_REPARKING, FX(PARK), BEGINS, CANCELED, 0 },
	{ SWAP_CONFIRMING, CLEAR, PARKED, SWAP_SWITCHING, FX(SWITCH), COUNTS, TOLD, 0 },
	{ SWAP_CONFIRMING, ANY, PARKED | SPENT, SWAP_REPARKING, FX(PARK), BEGINS, TOLD, 0 },
	{ SWAP_CONFIRMING, ON(CANCEL), PARKED, SWAP_REPARKING, FX(PARK), BEGINS, CANCELED, 0 },

	{ SWAP_REPARKING, ON(PARKED) | ON(RESTORED), PARKED, SWAP_PARKED, 0, KEEPS, SAME, ON(UNSWAPPED) },
	{ SWAP_REPARKING, ON(RECOVERED) | ON(CANCEL), PARKED, SWAP_REPARKING, FX(PARK), KEEPS, SAME, 0 },
	{ SWAP_REPARKING, ANY, PARKED, SWAP_REPARKING, FX(PARK), COUNTS, SAME, 0 },
};
/* clang-format on */

static struct actor
swap_in(enum swap_state state, uint32_t tries, unsigned given)
{
	struct actor a = { .id = 8,
		.kind = ACTOR_SWAP,
		.state = (int)state,
		.epoch = EPOCH,
		.deadline_ms = 9 };

	a.swap = (struct swap){ .stage = 1, .deploy = 7, .elder = 4, .tries = tries };
	a.swap.is_parked = given & PARKED;
	a.swap.body = given & WARM ? 5 : 0;
	keep_text(a.swap.reason, "the first reason");
	return a;
}

static struct event
event_of(int kind)
{
	struct event e = { .kind = (enum event_kind)kind, .from = 7, .after_ms = PAUSE_MS };

	snprintf(e.text, sizeof(e.text), "what happened");
	return e;
}

static struct actor
wanted_after(const struct duty *d, struct actor a)
{
	a.state = (int)d->to;
	a.deadline_ms = 0;
	if (d->to == SWAP_PARKED)
		a.deadline_ms = NOW_MS + PARKED_MS;
	if (d->tells & ON(CLEARED))
		a.swap.is_parked = true;
	if (d->asks != 0)
		a.deadline_ms = NOW_MS + (d->asks == FX(CONFIRM) ? CONFIRM_MS : SWITCH_MS);
	if (d->tries == BEGINS)
		a.swap.tries = 0;
	if (d->tries == COUNTS) {
		a.swap.tries++;
		a.deadline_ms += PAUSE_MS;
	}
	if (d->reason != SAME)
		keep_text(a.swap.reason, d->reason == TOLD ? "what happened" : "canceled");
	return a;
}

static void
does_its_duty(const struct duty *d, int ev)
{
	struct actor a =
	    swap_in(d->in, d->given & SPENT ? TRIES_MAX : TRIES_MAX - 1, d->given);
	struct event e = event_of(ev);

	step_gives(&a, &e, wanted_after(d, a));
	asked(&a, d->asks, d->tries == COUNTS ? PAUSE_MS : 0,
	    (struct effect){ .stage = 1, .deploy = d->given & WARM ? 5 : 7, .elder = 4 });
	told(7, 8, d->tells);
	if (d->tells != 0)
		assert_string_equal(last.messages[0].text, a.swap.reason);
	assert_int_equal(last.spawn_count, 0);
	assert_false(last.row->is_quiet);
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
	for (int in = 0; in < SWAP_COUNT; in++) {
		uint64_t on = 0;

		if (fsm_is_final(&swap_spec, in))
			continue;
		for (size_t i = 0; i < COUNT(duties); i++)
			if ((int)duties[i].in == in)
				on |= duties[i].on;
		for (int ev = 0; ev < EV_COUNT; ev++) {
			struct actor a = swap_in((enum swap_state)in, 0, USUAL);
			struct event e = event_of(ev);
			if (!(on >> ev & 1u))
				step_refused(&a, &e);
		}
	}
}

/* Nobody gives up on a route. */
static void
a_restore_ends_only_by_a_clear_answer(void **state UNUSED)
{
	for (int ev = 0; ev < EV_COUNT; ev++) {
		struct actor a = swap_in(SWAP_RESTORING, 1000, USUAL);
		if (step(&a, (enum event_kind)ev) != STEP_TAKEN)
			continue;
		assert_int_equal(a.state, ev == EV_RESTORED ? SWAP_RESTORED : SWAP_RESTORING);
	}
}

/* The pause grows, but counting must not run over. */
static void
a_restore_stops_counting(void **state UNUSED)
{
	struct actor a = swap_in(SWAP_RESTORING, 0, USUAL);
	int64_t last_ms = 1;

	for (int i = 0; i < 100; i++) {
		assert_int_equal(step(&a, EV_TROUBLED), STEP_TAKEN);
		assert_true(last.effects[0].delay_ms >= last_ms);
		last_ms = last.effects[0].delay_ms;
	}
	assert_int_equal(last_ms, 16000);
	assert_int_equal(a.swap.tries, TRIES_MAX);
}

static void
a_switch_is_tried_a_few_times(void **state UNUSED)
{
	struct actor a = swap_in(SWAP_SWITCHING, 0, USUAL);
	int tries = 0;

	while (step(&a, EV_TROUBLED) == STEP_TAKEN && a.state == SWAP_SWITCHING && tries < 100)
		tries++;
	assert_int_equal(a.state, SWAP_RESTORING);
	assert_int_equal(tries, TRIES_MAX);
}

static void
a_swap_that_is_over_answers_nothing(void **state UNUSED)
{
	for (int in = SWAP_DONE; in < SWAP_COUNT; in++)
		for (int ev = 0; ev < EV_COUNT; ev++) {
			struct actor a = swap_in((enum swap_state)in, 0, USUAL);
			assert_int_equal(step(&a, (enum event_kind)ev), STEP_STALE);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_does_its_duty),
		cmocka_unit_test(what_is_no_duty_is_refused),
		cmocka_unit_test(a_restore_ends_only_by_a_clear_answer),
		cmocka_unit_test(a_restore_stops_counting),
		cmocka_unit_test(a_switch_is_tried_a_few_times),
		cmocka_unit_test(a_swap_that_is_over_answers_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
