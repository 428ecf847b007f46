/* test_fsm_notify.c - a notification, cell by cell: it is sent, waits longer after each failure, and
 * ends delivered or given up with a reason. */
#include "fsm_bed.h"

enum {
	SEND_MS = 900000,
	FIRST_WAIT_MS = 5000,
	LONGEST_WAIT_MS = 3600000,
	LIFE_MS = 86400000,
	DUE_MS = NOW_MS + 77,
	STATUS = 503,
};

enum change { NOTHING, FAILS, DELIVERED, GIVEN_UP, DROPPED };

struct duty {
	enum notify_state in;
	uint64_t on;
	enum notify_state to;
	uint64_t asks;
	int64_t wait_ms; /* 0: no deadline */
	enum change change;
	bool is_old; /* there is no time for another try */
};

#define ANY (ON(TROUBLED) | ON(TIMEOUT) | ON(REFUSED))

/* clang-format off */
static const struct duty duties[] = {
	{ NOTIFY_PENDING, ON(START) | ON(TIMEOUT), NOTIFY_SENDING, FX(NOTIFY), SEND_MS, NOTHING, false },
	{ NOTIFY_PENDING, ON(RECOVERED), NOTIFY_PENDING, 0, 77, NOTHING, false },
	{ NOTIFY_PENDING, ON(CANCEL), NOTIFY_GIVEN_UP, 0, 0, DROPPED, false },

	{ NOTIFY_SENDING, ON(NOTIFIED), NOTIFY_DELIVERED, 0, 0, DELIVERED, false },
	{ NOTIFY_SENDING, ON(RECOVERED), NOTIFY_SENDING, FX(NOTIFY), SEND_MS, NOTHING, false },
	{ NOTIFY_SENDING, ON(TROUBLED) | ON(TIMEOUT), NOTIFY_PENDING, 0, 4 * FIRST_WAIT_MS, FAILS, false },
	{ NOTIFY_SENDING, ON(REFUSED), NOTIFY_GIVEN_UP, 0, 0, GIVEN_UP, false },
	{ NOTIFY_SENDING, ANY, NOTIFY_GIVEN_UP, 0, 0, GIVEN_UP, true },
	{ NOTIFY_SENDING, ON(CANCEL), NOTIFY_GIVEN_UP, 0, 0, DROPPED, false },
};
/* clang-format on */

static struct actor
notify_in(enum notify_state state)
{
	struct actor a = { .id = 3,
		.kind = ACTOR_NOTIFY,
		.state = (int)state,
		.epoch = EPOCH,
		.deadline_ms = 9 };

	a.notify = (struct notify){ .stage = 5,
		.deploy = 6,
		.notice = NOTICE_GONE,
		.tries = 2,
		.status = 500,
		.created_ms = NOW_MS,
		.due_ms = DUE_MS };
	keep_text(a.notify.reason, "the first reason");
	keep_text(a.notify.text, "what is told");
	snprintf(a.notify.receiver, sizeof(a.notify.receiver), "ops");
	return a;
}

static struct event
event_of(int kind)
{
	struct event e = { .kind = (enum event_kind)kind, .count = STATUS };

	snprintf(e.text, sizeof(e.text), "what happened");
	return e;
}

static void
change(struct notify *n, enum change what)
{
	if (what == NOTHING)
		return;
	keep_text(n->reason, what == DELIVERED ? "" : "what happened");
	n->status = what == DROPPED ? n->status : STATUS;
	if (what == FAILS) {
		n->tries++;
		n->due_ms = NOW_MS + 4 * FIRST_WAIT_MS;
	} else {
		n->ended_ms = NOW_MS;
	}
}

static void
does_its_duty(const struct duty *d, int ev)
{
	struct actor a = notify_in(d->in);
	struct event e = event_of(ev);
	struct actor wanted;

	if (d->is_old)
		a.notify.created_ms = NOW_MS + 4 * FIRST_WAIT_MS - LIFE_MS - 1;
	wanted = a;
	wanted.state = (int)d->to;
	wanted.deadline_ms = d->wait_ms == 0 ? 0 : NOW_MS + d->wait_ms;
	change(&wanted.notify, d->change);
	step_gives(&a, &e, wanted);
	asked(&a, d->asks, 0, (struct effect){ .stage = 5, .deploy = 6 });
	told(0, 3, 0);
	assert_int_equal(last.spawn_count, 0);
	assert_false(last.row->is_quiet); /* the row is the outbox */
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
	for (int in = 0; in <= NOTIFY_SENDING; in++) {
		uint64_t on = 0;

		for (size_t i = 0; i < COUNT(duties); i++)
			if ((int)duties[i].in == in)
				on |= duties[i].on;
		for (int ev = 0; ev < EV_COUNT; ev++) {
			struct actor a = notify_in((enum notify_state)in);
			struct event e = event_of(ev);
			if (!(on >> ev & 1u))
				step_refused(&a, &e);
		}
	}
}

static void
it_waits_longer_each_time_up_to_an_hour(void **state UNUSED)
{
	struct actor a = notify_in(NOTIFY_SENDING);
	int64_t wait_ms = FIRST_WAIT_MS;

	a.notify.tries = 0;
	for (int i = 0; i < 20; i++) {
		a.state = NOTIFY_SENDING;
		assert_int_equal(step(&a, EV_TROUBLED), STEP_TAKEN);
		assert_int_equal(a.deadline_ms, NOW_MS + wait_ms);
		wait_ms = 2 * wait_ms < LONGEST_WAIT_MS ? 2 * wait_ms : LONGEST_WAIT_MS;
	}
	assert_int_equal(a.notify.tries, 20);
}

static void
never_sooner_than_the_receiver_asks_for(void **state UNUSED)
{
	struct actor a = notify_in(NOTIFY_SENDING);
	struct event e = event_of(EV_TROUBLED);

	e.after_ms = 7200000;
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.state, NOTIFY_PENDING);
	assert_int_equal(a.deadline_ms, NOW_MS + 7200000);
	/* Not after a restart, either. */
	assert_int_equal(step(&a, EV_RECOVERED), STEP_TAKEN);
	assert_int_equal(a.deadline_ms, NOW_MS + 7200000);
}

static void
what_is_due_by_now_is_sent_at_once(void **state UNUSED)
{
	struct actor a = notify_in(NOTIFY_PENDING);

	a.notify.due_ms = NOW_MS - 5;
	assert_int_equal(step(&a, EV_RECOVERED), STEP_TAKEN);
	assert_int_equal(a.deadline_ms, NOW_MS + 1);
}

/* The last moment in which another try is worth it, and the one behind. */
static void
after_a_day_it_is_given_up(void **state UNUSED)
{
	struct event e = event_of(EV_TROUBLED);
	struct actor a = notify_in(NOTIFY_SENDING);

	a.notify.created_ms = NOW_MS + 4 * FIRST_WAIT_MS - LIFE_MS;
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.state, NOTIFY_PENDING);
	a = notify_in(NOTIFY_SENDING);
	e.after_ms = LIFE_MS + 1;
	assert_int_equal(take(&a, &e), STEP_TAKEN);
	assert_int_equal(a.state, NOTIFY_GIVEN_UP);
}

static void
who_cancels_without_a_word_is_told_so(void **state UNUSED)
{
	struct actor a = notify_in(NOTIFY_PENDING);

	assert_int_equal(step(&a, EV_CANCEL), STEP_TAKEN);
	assert_string_equal(a.notify.reason, "canceled");
	a = notify_in(NOTIFY_SENDING);
	assert_int_equal(step(&a, EV_CANCEL), STEP_TAKEN);
	assert_string_equal(a.notify.reason, "canceled");
}

static void
one_that_is_over_answers_nothing(void **state UNUSED)
{
	for (int ev = 0; ev < EV_COUNT; ev++) {
		struct actor a = notify_in(NOTIFY_DELIVERED);
		struct actor b = notify_in(NOTIFY_GIVEN_UP);
		assert_int_equal(step(&a, (enum event_kind)ev), STEP_STALE);
		assert_int_equal(step(&b, (enum event_kind)ev), STEP_STALE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_does_its_duty),
		cmocka_unit_test(what_is_no_duty_is_refused),
		cmocka_unit_test(it_waits_longer_each_time_up_to_an_hour),
		cmocka_unit_test(never_sooner_than_the_receiver_asks_for),
		cmocka_unit_test(what_is_due_by_now_is_sent_at_once),
		cmocka_unit_test(after_a_day_it_is_given_up),
		cmocka_unit_test(who_cancels_without_a_word_is_told_so),
		cmocka_unit_test(one_that_is_over_answers_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
