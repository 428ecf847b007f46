/* test_runtime.c - the middle of the tick: what is delivered in which order, what is kept, and what
 * leaves when. The machines are the real ones, the store is in memory, the outside is a list. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/limits.h"
#include "serve/runtime.h"
#include "store/store.h"

enum { LEFT_MAX = 512, NOW_MS = 1000000 };

struct left { /* a step, or else an effect, in the order of their leaving */
	bool is_effect;
	struct effect effect;
	struct moved moved;
};

static struct left left[LEFT_MAX];
static size_t left_count;
static struct store *store;
static struct runtime *rt;

static void
on_perform(void *context UNUSED, const struct effect *effect)
{
	assert_true(left_count < LEFT_MAX);
	left[left_count++] = (struct left){ .is_effect = true, .effect = *effect };
}

static void
on_moved(void *context UNUSED, const struct moved *moved)
{
	assert_true(left_count < LEFT_MAX);
	left[left_count++] = (struct left){ .moved = *moved };
}

static const struct runtime_host host = { .perform = on_perform, .moved = on_moved };

static int
begin(void **state UNUSED)
{
	struct err err;

	store = store_open(NULL, &err);
	rt = runtime_new(store, &host);
	runtime_step(rt, NOW_MS);
	left_count = 0;
	return 0;
}

static int
end(void **state UNUSED)
{
	runtime_free(rt);
	store_close(store);
	return 0;
}

/* The process is gone; what was committed is taken up again. */
static void
start_again(void)
{
	struct err err;

	store_rollback(store);
	runtime_free(rt);
	rt = runtime_new(store, &host);
	assert_int_equal(runtime_load(rt, &err), 0);
	left_count = 0;
}

static void
commit_and_release(void)
{
	store_commit(store);
	runtime_release(rt);
}

static uint64_t
new_stage(void)
{
	struct actor a = { .kind = ACTOR_STAGE, .state = STAGE_IDLE };

	a.stage.spec = 1;
	return runtime_spawn(rt, a);
}

static uint64_t
new_sweep(int64_t interval_ms)
{
	struct actor a = { .kind = ACTOR_SWEEP, .state = SWEEP_WAITING };

	a.sweep.interval_ms = interval_ms;
	return runtime_spawn(rt, a);
}

static struct event
trigger(uint64_t stage, const char *tag, const char *digest)
{
	struct event e = { .kind = EV_TRIGGER, .to = stage };

	snprintf(e.tag, sizeof(e.tag), "%s", tag);
	snprintf(e.digest, sizeof(e.digest), "%s", digest);
	return e;
}

/* Another deploy of the stage; returns its id. */
static uint64_t
deploy(uint64_t stage, const char *digest)
{
	struct event e = trigger(stage, "v1", digest);
	uint64_t id = 0;

	assert_int_equal(runtime_deliver(rt, &e, &id), STEP_TAKEN);
	return id;
}

static bool
is_aborted(void (*run)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(9);
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* Release. */

static void
release(void)
{
	runtime_release(rt);
}

static void
nothing_leaves_before_the_commit(void **state UNUSED)
{
	deploy(new_stage(), "sha256:1");
	assert_true(store_is_dirty(store));
	assert_int_equal(left_count, 0);
	assert_true(is_aborted(release));
	commit_and_release();
	assert_true(left_count > 0);
	assert_false(is_aborted(release));
}

static void
steps_are_told_before_effects_and_both_once(void **state UNUSED)
{
	uint64_t stage = new_stage();
	uint64_t one = deploy(stage, "sha256:1");
	uint64_t two = deploy(new_stage(), "sha256:2");
	size_t moves = 0;
	int64_t last_seq = 0;

	commit_and_release();
	while (moves < left_count && !left[moves].is_effect) {
		assert_true(left[moves].moved.seq > last_seq);
		last_seq = left[moves].moved.seq;
		moves++;
	}
	assert_int_equal(last_seq, store_journal_last(store));
	assert_int_equal(left_count, moves + 2);
	assert_int_equal(left[moves].effect.kind, FX_PULL);
	assert_int_equal(left[moves].effect.actor, one);
	assert_int_equal(left[moves + 1].effect.actor, two);
	left_count = 0;
	runtime_release(rt);
	assert_int_equal(left_count, 0);
	runtime_deliver(rt, &(struct event){ .kind = EV_CANCEL, .to = two }, NULL);
	commit_and_release();
	assert_int_equal(left_count, 2); /* the deploy and its stage, not all of it again */
	assert_int_equal(left[0].moved.from, DEPLOY_PULLING);
	assert_int_equal(left[0].moved.on, EV_CANCEL);
	assert_int_equal(left[0].moved.after.id, two);
	assert_int_equal(left[0].moved.after.state, DEPLOY_CANCELED);
	assert_int_equal(left[0].moved.after.deploy.ended_ms, NOW_MS);
}

static void
words_go_with_the_step(void **state UNUSED)
{
	uint64_t id = deploy(new_stage(), "");
	struct event e = {
		.kind = EV_REFUSED, .to = id, .epoch = runtime_actor(rt, id)->epoch
	};

	commit_and_release();
	left_count = 0;
	snprintf(e.text, sizeof(e.text), "no such tag");
	assert_int_equal(runtime_deliver(rt, &e, NULL), STEP_TAKEN);
	commit_and_release();
	assert_string_equal(left[0].moved.text, "no such tag");
}

/* Cascades. */

static void
a_conversation_ends_within_its_tick(void **state UNUSED)
{
	uint64_t stage = new_stage();
	uint64_t id = deploy(stage, "sha256:1");

	/* TRIGGER, START, READY, GRANTED: the deploy has its turn already. */
	assert_int_equal(id, stage + 1);
	assert_int_equal(runtime_actor(rt, id)->state, DEPLOY_PULLING);
	assert_int_equal(runtime_actor(rt, stage)->state, STAGE_DEPLOYING);
	assert_int_equal(runtime_actor(rt, stage)->stage.running, id);
	assert_int_equal(runtime_count(rt, ACTOR_DEPLOY), 1);
	/* And is over: nothing of it is said again after the next event. */
	runtime_deliver(
	    rt, &(struct event){ .kind = EV_CONFIGURED, .to = stage, .spec = 2 }, NULL);
	assert_int_equal(runtime_actor(rt, stage)->state, STAGE_DEPLOYING);
	assert_int_equal(runtime_actor(rt, stage)->stage.spec, 2);
}

/* Who waits is canceled first: else the end of the one that runs would give it its turn. */
static void
messages_arrive_in_the_order_of_their_sending(void **state UNUSED)
{
	uint64_t stage = new_stage();
	uint64_t running = deploy(stage, "sha256:1");
	uint64_t waiting = deploy(stage, "sha256:2");

	commit_and_release();
	left_count = 0;
	runtime_deliver(rt, &(struct event){ .kind = EV_CANCEL, .to = stage }, NULL);
	commit_and_release();
	assert_null(runtime_actor(rt, running));
	assert_null(runtime_actor(rt, waiting));
	assert_int_equal(runtime_actor(rt, stage)->state, STAGE_IDLE);
	for (size_t i = 0; i < left_count; i++)
		assert_false(left[i].is_effect);
}

static void
who_is_over_is_forgotten(void **state UNUSED)
{
	uint64_t ids[40];
	uint64_t stages[40];

	for (size_t i = 0; i < COUNT(ids); i++) {
		stages[i] = new_stage();
		ids[i] = deploy(stages[i], "sha256:1");
	}
	assert_int_equal(runtime_count(rt, ACTOR_DEPLOY), COUNT(ids));
	for (size_t i = 0; i < COUNT(ids); i += 2) {
		struct event cancel = { .kind = EV_CANCEL, .to = ids[i] };
		runtime_deliver(rt, &cancel, NULL);
		assert_int_equal(runtime_deliver(rt, &cancel, NULL), STEP_STALE);
		assert_false(runtime_post(rt, &cancel));
	}
	assert_int_equal(runtime_count(rt, ACTOR_DEPLOY), COUNT(ids) / 2);
	for (size_t i = 0; i < COUNT(ids); i++) {
		const struct actor *a = runtime_actor(rt, ids[i]);
		assert_int_equal(a != NULL, i % 2 == 1);
		if (a != NULL)
			assert_int_equal(a->id, ids[i]);
		assert_int_equal(runtime_actor(rt, stages[i])->id, stages[i]);
	}
}

static uint64_t bad_child;

static void
spawn_in_the_middle(void)
{
	struct actor a = { .kind = ACTOR_DEPLOY, .state = DEPLOY_PULLING };

	bad_child = runtime_spawn(rt, a);
}

static void
nobody_is_born_in_the_middle(void **state UNUSED)
{
	assert_true(is_aborted(spawn_in_the_middle));
}

/* Mail. */

static void
mail_is_delivered_in_its_order(void **state UNUSED)
{
	uint64_t stage = new_stage();
	struct event tags[3] = { trigger(stage, "v1", ""), trigger(stage, "v2", ""),
		trigger(stage, "v3", "") };
	uint64_t first = stage + 1;

	for (size_t i = 0; i < COUNT(tags); i++)
		assert_true(runtime_post(rt, &tags[i]));
	assert_null(runtime_actor(rt, first)); /* nothing is stepped between ticks */
	assert_int_equal(runtime_due_ms(rt, NOW_MS), NOW_MS);
	runtime_step(rt, NOW_MS + 5);
	for (size_t i = 0; i < COUNT(tags); i++) {
		const struct actor *a = runtime_actor(rt, first + i);
		assert_string_equal(a->deploy.tag, tags[i].tag);
		assert_int_equal(a->deploy.created_ms, NOW_MS + 5);
	}
	assert_true(runtime_due_ms(rt, NOW_MS) > NOW_MS);
}

static void
mail_is_bounded(void **state UNUSED)
{
	uint64_t sweep = new_sweep(1000);
	struct event nudge = { .kind = EV_NUDGED, .to = sweep };
	uint32_t epoch = runtime_actor(rt, sweep)->epoch;
	size_t posted = 0;

	assert_false(runtime_post(rt, &(struct event){ .kind = EV_NUDGED, .to = 999 }));
	assert_true(runtime_has_room(rt));
	while (runtime_post(rt, &nudge)) {
		posted++;
		assert_int_equal(runtime_has_room(rt), posted < MAILBOX_MAX / 2);
	}
	assert_int_equal(posted, MAILBOX_MAX);
	runtime_step(rt, NOW_MS);
	assert_int_equal(runtime_actor(rt, sweep)->epoch, epoch + TICK_EVENTS_MAX);
	assert_true(runtime_post(rt, &nudge));
	assert_int_equal(runtime_due_ms(rt, NOW_MS), NOW_MS);
}

static void
deploys_are_bounded(void **state UNUSED)
{
	uint64_t stage = new_stage();

	for (int i = 0; i < DEPLOYS_OPEN_MAX; i++) {
		char tag[TAG_SIZE];
		struct event e;
		snprintf(tag, sizeof(tag), "v%d", i);
		e = trigger(stage, tag, "");
		assert_true(runtime_has_room(rt));
		assert_int_equal(runtime_deliver(rt, &e, NULL), STEP_TAKEN);
	}
	assert_false(runtime_has_room(rt));
}

/* Deadlines. */

static void
a_deadline_comes_when_it_is_due(void **state UNUSED)
{
	uint64_t sweep = new_sweep(1000);
	int64_t due_ms = runtime_actor(rt, sweep)->deadline_ms;

	assert_true(due_ms > NOW_MS);
	assert_int_equal(runtime_due_ms(rt, NOW_MS), due_ms);
	runtime_step(rt, due_ms - 1);
	assert_int_equal(runtime_actor(rt, sweep)->state, SWEEP_SURVEYING);
	runtime_step(rt, due_ms);
	assert_int_equal(runtime_actor(rt, sweep)->state, SWEEP_WAITING);
	assert_int_equal(runtime_actor(rt, sweep)->deadline_ms, due_ms + 1000);
	runtime_step(rt, due_ms + 1000); /* and the next one, armed by that step */
	assert_int_equal(runtime_actor(rt, sweep)->state, SWEEP_SURVEYING);
	assert_int_equal(runtime_actor(rt, sweep)->sweep.failures, 1);
}

static void
a_deadline_of_an_older_step_is_nothing(void **state UNUSED)
{
	uint64_t sweep = new_sweep(1000);
	int64_t due_ms = runtime_actor(rt, sweep)->deadline_ms;

	runtime_step(rt, due_ms - 10);
	runtime_deliver(rt, &(struct event){ .kind = EV_NUDGED, .to = sweep }, NULL);
	runtime_step(rt, due_ms);
	assert_int_equal(runtime_actor(rt, sweep)->state, SWEEP_SURVEYING);
	assert_int_equal(runtime_actor(rt, sweep)->sweep.failures, 0);
}

/* An answer that comes with the deadline comes too late. */
static void
deadlines_come_before_mail(void **state UNUSED)
{
	uint64_t sweep = new_sweep(1000);
	const struct actor *a = runtime_actor(rt, sweep);
	struct event found = {
		.kind = EV_SURVEYED, .to = sweep, .epoch = a->epoch, .count = 1
	};

	assert_true(runtime_post(rt, &found));
	runtime_step(rt, a->deadline_ms);
	assert_int_equal(runtime_actor(rt, sweep)->state, SWEEP_WAITING);
}

/* Deadlines of older steps are taken out when they become many; those that count are not. */
static void
the_one_that_counts_among_many_deadlines_comes(void **state UNUSED)
{
	uint64_t patient = new_sweep(1000);
	uint64_t sweep = new_sweep(1000);
	int64_t due_ms = runtime_actor(rt, patient)->deadline_ms;

	for (int i = 0; i < 3 * DEADLINES_STALE_MAX; i++)
		runtime_deliver(rt, &(struct event){ .kind = EV_NUDGED, .to = sweep }, NULL);
	assert_int_equal(runtime_due_ms(rt, NOW_MS), due_ms);
	runtime_step(rt, due_ms);
	assert_int_equal(runtime_actor(rt, patient)->state, SWEEP_WAITING);
	assert_int_equal(runtime_actor(rt, sweep)->state, SWEEP_WAITING);
}

/* The store. */

static void
quiet_steps_are_not_kept(void **state UNUSED)
{
	uint64_t sweep = new_sweep(1000);

	commit_and_release();
	left_count = 0;
	runtime_deliver(rt, &(struct event){ .kind = EV_NUDGED, .to = sweep }, NULL);
	assert_false(store_is_dirty(store));
	runtime_release(rt);
	assert_int_equal(left_count, 1);
	assert_int_equal(left[0].effect.kind, FX_SURVEY);
	assert_int_equal(left[0].effect.epoch, runtime_actor(rt, sweep)->epoch);
	runtime_deliver(rt, &(struct event){ .kind = EV_CANCEL, .to = sweep }, NULL);
	assert_true(store_is_dirty(store));
}

static void
what_is_refused_changes_nothing(void **state UNUSED)
{
	uint64_t stage = new_stage();
	struct actor before;

	commit_and_release();
	before = *runtime_actor(rt, stage);
	assert_int_equal(
	    runtime_deliver(rt, &(struct event){ .kind = EV_SOUGHT, .to = stage }, NULL),
	    STEP_STALE);
	assert_int_equal(
	    runtime_deliver(rt, &(struct event){ .kind = EV_NUDGED, .to = stage }, NULL),
	    STEP_REFUSED);
	assert_false(store_is_dirty(store));
	assert_memory_equal(runtime_actor(rt, stage), &before, sizeof(before));
}

static void
who_is_committed_is_taken_up_again(void **state UNUSED)
{
	uint64_t stage = new_stage();
	uint64_t one = deploy(stage, "sha256:1");
	uint64_t quiet = new_stage(); /* has been born, and nothing else has happened to it */
	struct actor before;
	struct actor stage_before;
	uint64_t lost;

	commit_and_release();
	before = *runtime_actor(rt, one);
	stage_before = *runtime_actor(rt, stage);
	lost = deploy(quiet, "sha256:2");
	start_again();
	assert_memory_equal(runtime_actor(rt, one), &before, sizeof(before));
	assert_memory_equal(runtime_actor(rt, stage), &stage_before, sizeof(stage_before));
	assert_int_equal(runtime_actor(rt, quiet)->state, STAGE_IDLE);
	assert_null(runtime_actor(rt, lost));
	assert_int_equal(runtime_due_ms(rt, NOW_MS), before.deadline_ms);
	assert_int_equal(deploy(quiet, "sha256:2"), lost); /* nobody saw that id */
}

static void
deadlines_are_armed_again(void **state UNUSED)
{
	uint64_t id = deploy(new_stage(), "sha256:1");
	int64_t due_ms = runtime_actor(rt, id)->deadline_ms;
	uint32_t tries = runtime_actor(rt, id)->deploy.tries;

	commit_and_release();
	start_again();
	runtime_step(rt, due_ms - 1);
	assert_int_equal(runtime_actor(rt, id)->deploy.tries, tries);
	runtime_step(rt, due_ms);
	assert_int_equal(runtime_actor(rt, id)->deploy.tries, tries + 1);
}

/* Each is told in the order of the ids, whatever their kinds, and asks its question again. */
static void
a_restart_asks_again(void **state UNUSED)
{
	uint64_t ids[6];
	size_t effects = 0;

	for (size_t i = 0; i < COUNT(ids); i += 2) {
		ids[i] = i == 2 ? new_sweep(1000) : deploy(new_stage(), "");
		ids[i + 1] = deploy(new_stage(), "sha256:1");
	}
	commit_and_release();
	start_again();
	for (size_t i = 0; i < COUNT(ids); i++)
		assert_non_null(runtime_actor(rt, ids[i]));
	runtime_recover(rt, NOW_MS + 7);
	commit_and_release();
	for (size_t i = 0; i < left_count; i++) {
		if (!left[i].is_effect) {
			assert_int_equal(left[i].moved.on, EV_RECOVERED);
			continue;
		}
		assert_int_equal(left[i].effect.actor, ids[effects]);
		assert_true(runtime_actor(rt, ids[effects])->deadline_ms > NOW_MS + 7 + 1000);
		effects++;
	}
	assert_int_equal(effects, COUNT(ids));
	assert_int_equal(left[left_count - 1].effect.kind, FX_PULL);
}

static size_t visited;

static void
visit(void *context, const struct actor *a)
{
	assert_ptr_equal(context, &visited);
	assert_ptr_equal(runtime_actor(rt, a->id), a);
	visited++;
}

static void
everybody_alive_is_visited(void **state UNUSED)
{
	uint64_t stage = new_stage();
	uint64_t id = deploy(stage, "sha256:1");

	visited = 0;
	runtime_visit(rt, visit, &visited);
	assert_int_equal(visited, 2);
	runtime_deliver(rt, &(struct event){ .kind = EV_CANCEL, .to = id }, NULL);
	visited = 0;
	runtime_visit(rt, visit, &visited);
	assert_int_equal(visited, 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(nothing_leaves_before_the_commit),
		TEST(steps_are_told_before_effects_and_both_once),
		TEST(words_go_with_the_step),
		TEST(a_conversation_ends_within_its_tick),
		TEST(messages_arrive_in_the_order_of_their_sending),
		TEST(who_is_over_is_forgotten),
		TEST(nobody_is_born_in_the_middle),
		TEST(mail_is_delivered_in_its_order),
		TEST(mail_is_bounded),
		TEST(deploys_are_bounded),
		TEST(a_deadline_comes_when_it_is_due),
		TEST(a_deadline_of_an_older_step_is_nothing),
		TEST(deadlines_come_before_mail),
		TEST(the_one_that_counts_among_many_deadlines_comes),
		TEST(quiet_steps_are_not_kept),
		TEST(what_is_refused_changes_nothing),
		TEST(who_is_committed_is_taken_up_again),
		TEST(deadlines_are_armed_again),
		TEST(a_restart_asks_again),
		TEST(everybody_alive_is_visited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
