/* test_fsm.c - the engine under the machines: which row is taken, what is stale, the laws that every
 * table keeps and that a step is held to; and the two rules that are no machine: pauses, orphans. */
#include "fsm_bed.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/orphan.h"

/* A machine made to be broken: RED asks and waits, GREEN rests, BLACK is over. */
enum light { RED, GREEN, BLACK, LIGHT_COUNT };
enum { RED_MS = 500 };

static const char *const light_names[] = { "RED", "GREEN", "BLACK" };
static bool is_open;

GUARD(is_allowed) { return is_open; }

ACTION(nothing) {}
ACTION(stay) { a->deadline_ms = e->now_ms + RED_MS; }
ACTION(stay_no_more) { a->deadline_ms = e->now_ms; }
ACTION(pull)
{
	stay(a, e, out);
	emit(a, out, (struct effect){ .kind = FX_PULL, .deploy = 7 });
}
ACTION(whisper)
{
	stay(a, e, out);
	tell(a, out, (struct event){ .kind = EV_CANCEL, .to = 9 });
}
ACTION(breed)
{
	stay(a, e, out);
	spawn(out, (struct actor){ .kind = ACTOR_DEPLOY });
	spawn(out, (struct actor){ .kind = ACTOR_DEPLOY });
}
ACTION(shout)
{
	stay(a, e, out);
	for (int i = 0; i <= OUT_MAX; i++)
		emit(a, out, (struct effect){ .kind = FX_PULL });
}
ACTION(gossip)
{
	stay(a, e, out);
	for (int i = 0; i <= OUT_MAX; i++)
		tell(a, out, (struct event){ .kind = EV_CANCEL, .to = 9 });
}
ACTION(swarm)
{
	stay(a, e, out);
	for (int i = 0; i <= OUT_MAX; i++)
		spawn(out, (struct actor){ .kind = ACTOR_DEPLOY });
}
ACTION(tell_nobody)
{
	stay(a, e, out);
	tell(a, out, (struct event){ .kind = EV_CANCEL });
}

#define ROW(in, on, guard, action, emits, then, is_quiet)                     \
	{                                                                     \
		in, then, on, guard, action, emits, is_quiet, #guard, #action \
	}
#define LIVES(in, action, emits)                               \
	ROW(in, ON(CANCEL), always, nothing, 0, BLACK, false), \
	    ROW(in, ON(RECOVERED), always, action, emits, in, false)

static const struct row light_rows[] = {
	LIVES(RED, pull, FX(PULL)),
	ROW(RED, ON(TIMEOUT) | ON(PULLED), is_allowed, nothing, 0, GREEN, false),
	ROW(RED, ON(TIMEOUT) | ON(PULLED), always, pull, FX(PULL), RED, false),
	LIVES(GREEN, nothing, 0),
	ROW(GREEN, ON(START), always, breed, 0, RED, false),
};

static struct spec
spec_of(const struct row *rows, size_t count)
{
	return (struct spec){ .name = "light",
		.state_names = light_names,
		.rows = rows,
		.state_count = LIGHT_COUNT,
		.row_count = (int)count,
		.initial = STATE(RED),
		.final = STATE(BLACK),
		.resting = STATE(GREEN) };
}

static struct actor
light(enum light state)
{
	return (struct actor){ .id = 7, .state = (int)state, .epoch = EPOCH };
}

static enum step
step_light(const struct spec *s, struct actor *a, enum event_kind kind, uint32_t epoch)
{
	struct event e = { .kind = kind, .to = 7, .epoch = epoch, .now_ms = NOW_MS };

	last = (struct out){ .fresh_id = FRESH_ID };
	return fsm_step(s, a, &e, &last);
}

/* Runs it in a child, with its words away: true when that was aborted by a CHECK. */
static bool
is_a_fault(void (*run)(const void *context), const void *context)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(9);
		run(context);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* Steps. */

static void
the_first_row_whose_guard_holds_is_taken(void **state UNUSED)
{
	struct spec s = spec_of(light_rows, COUNT(light_rows));
	struct actor a = light(RED);

	is_open = false;
	assert_int_equal(step_light(&s, &a, EV_PULLED, EPOCH), STEP_TAKEN);
	assert_int_equal(a.state, RED);
	assert_int_equal(a.epoch, EPOCH + 1);
	assert_int_equal(a.deadline_ms, NOW_MS + RED_MS);
	assert_ptr_equal(last.row, &light_rows[3]);
	assert_int_equal(last.effects[0].epoch, EPOCH + 1); /* its answer is of this step */
	assert_int_equal(last.effects[0].actor, 7);
	is_open = true;
	assert_int_equal(step_light(&s, &a, EV_TIMEOUT, EPOCH + 1), STEP_TAKEN);
	assert_int_equal(a.state, GREEN);
	assert_int_equal(a.deadline_ms, 0); /* no deadline outlives its step */
}

static void
births_get_the_next_free_ids(void **state UNUSED)
{
	struct spec s = spec_of(light_rows, COUNT(light_rows));
	struct actor a = light(GREEN);

	assert_int_equal(step_light(&s, &a, EV_START, 0), STEP_TAKEN);
	assert_int_equal(last.spawn_count, 2);
	assert_int_equal(last.spawns[0].id, FRESH_ID);
	assert_int_equal(last.spawns[1].id, FRESH_ID + 1);
	assert_int_equal(last.fresh_id, FRESH_ID + 2);
}

/* Answers, refusals and deadlines of an older step; what people and other actors say is never old. */
static void
stale_answers_change_nothing(void **state UNUSED)
{
	static const uint64_t never_old =
	    ON(START) | ON(CANCEL) | ON(RECOVERED) | ON(TRIGGER) | ON(CONFIGURED) | ON(NUDGED)
	    | ON(READY) | ON(GRANTED) | ON(SUPERSEDED) | ON(MERGED) | ON(MOVED) | ON(GIVEN_UP)
	    | ON(ENDED) | ON(SWAPPED) | ON(UNSWAPPED) | ON(LIFTED) | ON(HELD) | ON(CONDEMNED)
	    | ON(FROZEN) | ON(THAWED) | ON(APPROVED) | ON(REJECTED) | ON(DEFERRED) | ON(DENIED)
	    | ON(RECALLED) | ON(PASSING) | ON(CLEARED) | ON(GO) | ON(COOLED);
	struct spec s = spec_of(light_rows, COUNT(light_rows));

	for (int ev = 0; ev < EV_COUNT; ev++)
		for (uint32_t epoch = EPOCH - 1; epoch <= EPOCH + 1; epoch += 2) {
			struct actor a = light(RED);
			struct actor before = a;
			enum step got = step_light(&s, &a, (enum event_kind)ev, epoch);
			if (never_old >> ev & 1u) {
				assert_int_not_equal(got, STEP_STALE);
				continue;
			}
			assert_int_equal(got, STEP_STALE);
			assert_memory_equal(&a, &before, sizeof(a));
		}
}

static void
what_has_no_row_is_refused_and_what_is_over_is_stale(void **state UNUSED)
{
	struct spec s = spec_of(light_rows, COUNT(light_rows));

	for (int in = 0; in < LIGHT_COUNT; in++) {
		struct actor a = light((enum light)in);
		struct actor before = a;
		enum step wanted = in == BLACK ? STEP_STALE : STEP_REFUSED;
		assert_int_equal(step_light(&s, &a, EV_NUDGED, 0), wanted);
		assert_memory_equal(&a, &before, sizeof(a));
		assert_null(last.row);
		assert_int_equal(last.fresh_id, FRESH_ID);
	}
}

/* What a step is held to. */

struct misstep {
	const char *what;
	struct row row; /* on NUDGED, by RED */
};

static void
take_misstep(const void *context)
{
	const struct misstep *m = context;
	struct row rows[COUNT(light_rows) + 1];
	struct spec s = spec_of(rows, COUNT(rows));
	struct actor a = light(RED);

	memcpy(rows, light_rows, sizeof(light_rows));
	rows[COUNT(light_rows)] = m->row;
	step_light(&s, &a, EV_NUDGED, 0);
}

static void
a_step_is_held_to_its_row(void **state UNUSED)
{
	/* clang-format off */
	static const struct misstep faults[] = {
		{ "asks what it does not say", ROW(RED, ON(NUDGED), always, pull, 0, RED, false) },
		{ "does not ask what it says", ROW(RED, ON(NUDGED), always, stay, FX(PULL), RED, false) },
		{ "asks another question", ROW(RED, ON(NUDGED), always, pull, FX(RUN), RED, false) },
		{ "waits without a deadline", ROW(RED, ON(NUDGED), always, nothing, 0, RED, false) },
		{ "waits for a moment that is over", ROW(RED, ON(NUDGED), always, stay_no_more, 0, RED, false) },
		{ "rests with a deadline", ROW(RED, ON(NUDGED), always, stay, 0, GREEN, false) },
		{ "is over with a deadline", ROW(RED, ON(NUDGED), always, stay, 0, BLACK, false) },
		{ "tells in quiet", ROW(RED, ON(NUDGED), always, whisper, 0, RED, true) },
		{ "breeds in quiet", ROW(RED, ON(NUDGED), always, breed, 0, RED, true) },
		{ "asks too much", ROW(RED, ON(NUDGED), always, shout, FX(PULL), RED, false) },
		{ "tells too much", ROW(RED, ON(NUDGED), always, gossip, 0, RED, false) },
		{ "breeds too much", ROW(RED, ON(NUDGED), always, swarm, 0, RED, false) },
		{ "tells nobody", ROW(RED, ON(NUDGED), always, tell_nobody, 0, RED, false) },
	};
	static const struct misstep right[] = {
		{ "asks as it says", ROW(RED, ON(NUDGED), always, pull, FX(PULL), RED, true) },
		{ "tells", ROW(RED, ON(NUDGED), always, whisper, 0, RED, false) },
	};
	/* clang-format on */

	for (size_t i = 0; i < COUNT(faults); i++)
		if (!is_a_fault(take_misstep, &faults[i]))
			fail_msg("nobody notices that it %s", faults[i].what);
	for (size_t i = 0; i < COUNT(right); i++)
		assert_false(is_a_fault(take_misstep, &right[i]));
}

struct call {
	uint64_t to;
	int state;
	uint64_t fresh_id;
};

static void
call_it(const void *context)
{
	const struct call *call = context;
	struct spec s = spec_of(light_rows, COUNT(light_rows));
	struct actor a = light(GREEN);
	struct event e = { .kind = EV_START, .to = call->to, .now_ms = NOW_MS };

	a.state = call->state;
	last = (struct out){ .fresh_id = call->fresh_id };
	fsm_step(&s, &a, &e, &last);
}

static void
a_step_is_asked_in_order(void **state UNUSED)
{
	assert_false(is_a_fault(call_it, &(struct call){ 7, GREEN, FRESH_ID }));
	assert_true(is_a_fault(call_it, &(struct call){ 8, GREEN, FRESH_ID })); /* another's */
	assert_true(is_a_fault(call_it, &(struct call){ 7, -1, FRESH_ID }));
	assert_true(is_a_fault(call_it, &(struct call){ 7, LIGHT_COUNT, FRESH_ID }));
	assert_true(is_a_fault(call_it, &(struct call){ 7, GREEN, 0 })); /* no id to give */
}

/* Tables. */

static void
verify(const void *context)
{
	fsm_verify(context);
}

static bool
keeps_the_laws(const struct spec *s)
{
	return !is_a_fault(verify, s);
}

static void
every_table_keeps_the_laws(void **state UNUSED)
{
	for (int kind = 0; kind < ACTOR_KIND_COUNT; kind++)
		fsm_verify(fsm_spec_of((enum actor_kind)kind));
}

/* Each row of light_rows as it should not be; then the sets of states. */
static void
a_table_without_law_is_found(void **state UNUSED)
{
	struct row rows[COUNT(light_rows) + 1];
	struct spec s = spec_of(rows, COUNT(light_rows));
	const size_t more = COUNT(light_rows);

	memcpy(rows, light_rows, sizeof(light_rows));
	assert_true(keeps_the_laws(&s));
	for (size_t i = 0; i < 2; i++) { /* RED answers neither CANCEL nor RECOVERED */
		rows[i].on = 0;
		assert_false(keeps_the_laws(&s));
		rows[i] = light_rows[i];
	}
	rows[2].on = rows[3].on = ON(PULLED); /* nor TIMEOUT */
	assert_false(keeps_the_laws(&s));
	memcpy(rows, light_rows, sizeof(light_rows));
	rows[3].guard = is_allowed; /* a cell may be left without an answer */
	assert_false(keeps_the_laws(&s));
	rows[3].guard = always;
	rows[2].guard = always; /* a row that nobody can reach */
	assert_false(keeps_the_laws(&s));
	rows[2].guard = is_allowed;
	for (size_t i = 4; i < 6; i++) { /* nor may GREEN, which rests */
		rows[i].on = 0;
		assert_false(keeps_the_laws(&s));
		rows[i] = light_rows[i];
	}
	s.row_count++; /* what is over does something */
	rows[more] = (struct row)ROW(BLACK, ON(NUDGED), always, nothing, 0, BLACK, false);
	assert_false(keeps_the_laws(&s));
	s.row_count--;
	rows[2].then = RED; /* a state that nothing leads to */
	assert_false(keeps_the_laws(&s));
	rows[2].then = GREEN;
	s.resting |= STATE(BLACK);
	assert_false(keeps_the_laws(&s));
	s.resting = 0; /* then GREEN owes an answer to TIMEOUT */
	assert_false(keeps_the_laws(&s));
	s.resting = STATE(GREEN);
	assert_true(keeps_the_laws(&s));
}

/* Where an actor may begin, end and rest, said once more. */
static void
each_machine_begins_ends_and_rests_as_told(void **state UNUSED)
{
	assert_int_equal(deploy_spec.initial, STATE(DEPLOY_RESOLVING) | STATE(DEPLOY_QUEUED));
	assert_int_equal(deploy_spec.final,
	    STATE(DEPLOY_LIVE) | STATE(DEPLOY_FAILED) | STATE(DEPLOY_ROLLED_BACK)
		| STATE(DEPLOY_CANCELED) | STATE(DEPLOY_SUPERSEDED) | STATE(DEPLOY_SKIPPED)
		| STATE(DEPLOY_REFUSED) | STATE(DEPLOY_STOPPED));
	assert_int_equal(deploy_spec.resting, 0);
	assert_int_equal(swap_spec.initial,
	    STATE(SWAP_SWITCHING) | STATE(SWAP_PARKING) | STATE(SWAP_RESTORING));
	assert_int_equal(swap_spec.final, STATE(SWAP_DONE) | STATE(SWAP_RESTORED));
	assert_int_equal(swap_spec.resting, 0);
	assert_int_equal(poll_spec.initial, STATE(POLL_OFF));
	assert_int_equal(poll_spec.final, 0);
	assert_int_equal(poll_spec.resting, STATE(POLL_OFF));
	assert_int_equal(stage_spec.initial, STATE(STAGE_IDLE));
	assert_int_equal(stage_spec.final, 0);
	assert_int_equal(stage_spec.resting, STATE(STAGE_COUNT) - 1);
	assert_int_equal(sweep_spec.initial, STATE(SWEEP_WAITING));
	assert_int_equal(sweep_spec.final, STATE(SWEEP_STOPPED));
	assert_int_equal(sweep_spec.resting, 0);
	assert_int_equal(notify_spec.initial, STATE(NOTIFY_PENDING));
	assert_int_equal(notify_spec.final, STATE(NOTIFY_DELIVERED) | STATE(NOTIFY_GIVEN_UP));
	assert_int_equal(notify_spec.resting, 0);
}

/* What is no machine. */

static void
a_retry_waits_as_long_as_the_peer_asks(void **state UNUSED)
{
	assert_int_equal(retry_delay_ms(0, 0), 500);
	assert_int_equal(retry_delay_ms(3, 0), 4000);
	assert_int_equal(retry_delay_ms(5, 0), 16000);
	assert_int_equal(retry_delay_ms(6, 0), 20000);
	assert_int_equal(retry_delay_ms(50, 0), 20000);
	assert_int_equal(retry_delay_ms(0, 7000), 7000);
	assert_int_equal(retry_delay_ms(3, 3999), 4000);
	assert_int_equal(retry_delay_ms(0, INT64_MAX), 600000);
}

static void
reasons_are_kept_and_cut(void **state UNUSED)
{
	char reason[REASON_SIZE];
	char text[2 * REASON_SIZE];
	struct event e = { .kind = EV_TIMEOUT };

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	keep_text(reason, text);
	assert_int_equal(strlen(reason), REASON_SIZE - 1);
	keep_text(reason, "short");
	assert_string_equal(reason, "short");
	keep_reason(reason, &e); /* says more than what came before */
	assert_string_equal(reason, "no answer in time");
	snprintf(e.text, sizeof(e.text), "told");
	keep_reason(reason, &e);
	assert_string_equal(reason, "told");
	e = (struct event){ .kind = EV_TROUBLED };
	keep_reason(reason, &e);
	assert_string_equal(reason, "told");
	reason[0] = '\0';
	keep_reason(reason, &e);
	assert_string_equal(reason, "no reason was given");
}

static void
only_true_orphans_are_removed(void **state UNUSED)
{
	for (unsigned bits = 0; bits < 256; bits++) {
		struct orphan_facts f = { .is_ours = bits & 1,
			.is_known = bits & 2,
			.is_final = bits & 4,
			.is_live = bits & 8,
			.is_stage_busy = bits & 16,
			.is_task = bits & 32,
			.is_kept = bits & 64,
			.is_led_to = bits & 128 };
		bool is_of_use = f.is_live || f.is_kept || f.is_led_to || f.is_stage_busy;
		enum orphan_verdict v = orphan_judge(&f);
		if (!f.is_ours || !f.is_known)
			assert_int_equal(v, ORPHAN_FOREIGN);
		else if (f.is_final && (f.is_task || !is_of_use))
			assert_int_equal(v, ORPHAN_REMOVE);
		else
			assert_int_equal(v, ORPHAN_KEEP);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_row_whose_guard_holds_is_taken),
		cmocka_unit_test(births_get_the_next_free_ids),
		cmocka_unit_test(stale_answers_change_nothing),
		cmocka_unit_test(what_has_no_row_is_refused_and_what_is_over_is_stale),
		cmocka_unit_test(a_step_is_held_to_its_row),
		cmocka_unit_test(a_step_is_asked_in_order),
		cmocka_unit_test(every_table_keeps_the_laws),
		cmocka_unit_test(a_table_without_law_is_found),
		cmocka_unit_test(each_machine_begins_ends_and_rests_as_told),
		cmocka_unit_test(a_retry_waits_as_long_as_the_peer_asks),
		cmocka_unit_test(reasons_are_kept_and_cut),
		cmocka_unit_test(only_true_orphans_are_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
