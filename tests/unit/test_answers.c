/* test_answers.c - answers kept for who asks again, and statistics of deploys: what is in the store of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actors/fsm.h"
#include "base/check.h"
#include "store/answers.h"
#include "store/db.h"
#include "store/statistics.h"
#include "store/store.h"

static struct store *store;

static int
set_up(void **state UNUSED)
{
	struct err err;

	store = store_open(NULL, &err);
	return store == NULL;
}

static int
tear_down(void **state UNUSED)
{
	store_rollback(store);
	store_close(store);
	return 0;
}

static void
put(const char *key, int64_t now_ms, const char *body)
{
	struct kept_answer kept = { .request = "of this", .status = 202, .is_whole = true };

	store_answer_put(store, str_of(key), now_ms, &kept, str_of(body));
}

static void
assert_kept(const char *key, int64_t now_ms, const char *wanted)
{
	struct kept_answer kept;
	struct buf body;

	buf_init(&body, 1024);
	if (wanted == NULL) {
		assert_false(store_answer_get(store, str_of(key), now_ms, &kept, &body));
	} else {
		assert_true(store_answer_get(store, str_of(key), now_ms, &kept, &body));
		assert_string_equal(buf_cstr(&body), wanted);
		assert_string_equal(kept.request, "of this");
		assert_int_equal(kept.status, 202);
	}
	buf_free(&body);
}

static int64_t
count_rows(void)
{
	struct query *q = db_read(store_db(store), "SELECT count(*) FROM answer");
	int64_t count;

	assert_true(db_next(q));
	count = column_integer(q, 0);
	db_done(q);
	return count;
}

static void
answers_are_given_for_a_day(void **state UNUSED)
{
	put("a", 1000, "first");
	assert_kept("a", 1000 + IDEMPOTENCY_MS - 1, "first");
	assert_kept("a", 1000 + IDEMPOTENCY_MS, NULL);
	assert_kept("A", 1000, NULL);
	/* The key of an old one is free, and the old one goes. */
	put("a", 1000 + IDEMPOTENCY_MS, "second");
	assert_kept("a", 1000 + IDEMPOTENCY_MS, "second");
	assert_int_equal(count_rows(), 1);
	put("b", 1000 + 3 * IDEMPOTENCY_MS, "third");
	assert_int_equal(count_rows(), 1);
}

static void
the_table_is_bounded(void **state UNUSED)
{
	char key[24];

	for (int i = 0; i < IDEMPOTENCY_KEYS_MAX + 5; i++) {
		snprintf(key, sizeof(key), "%d", i);
		put(key, 1000, "");
	}
	assert_int_equal(count_rows(), IDEMPOTENCY_KEYS_MAX);
	assert_kept("4", 1000, NULL);
	assert_kept("5", 1000, "");
}

static void
a_body_that_is_too_large_is_not_kept(void **state UNUSED)
{
	struct kept_answer kept = { .request = "of this", .status = 200, .is_whole = false };
	struct buf body;

	buf_init(&body, 16);
	store_answer_put(store, STR("k"), 5, &kept, STR("not to be kept"));
	assert_true(store_answer_get(store, STR("k"), 5, &kept, &body));
	assert_false(kept.is_whole);
	assert_int_equal(body.n, 0);
	buf_free(&body);
}

/* A deploy that began to move traffic and had moved it; 0: did not. */
static void
put_deploy(uint64_t id, uint64_t stage, int64_t created_ms, int64_t swap_ms, int64_t live_ms)
{
	struct actor a = { .id = id, .kind = ACTOR_DEPLOY, .state = DEPLOY_SWAPPING };

	a.deploy.stage = stage;
	a.deploy.created_ms = created_ms;
	if (swap_ms != 0)
		store_journal_add(store, swap_ms, &a, DEPLOY_PROBING, EV_HEALTHY);
	if (swap_ms != 0) /* it looks again: the traffic began to move before */
		store_journal_add(store, swap_ms + 1, &a, DEPLOY_SWAPPING, EV_TIMEOUT);
	a.state = live_ms != 0 ? DEPLOY_LIVE : DEPLOY_FAILED;
	if (live_ms != 0)
		store_journal_add(store, live_ms, &a, DEPLOY_SWAPPING, EV_SWAPPED);
	a.deploy.ended_ms = live_ms + 1;
	store_actor_put(store, &a);
}

static void
times_are_those_of_the_journal(void **state UNUSED)
{
	struct deploy_times times[4];

	put_deploy(1, 7, 1000, 1200, 1300);
	put_deploy(2, 8, 2000, 0, 0);
	put_deploy(3, 7, 3000, 3500, 0);
	assert_int_equal(store_deploy_times(store, 0, 0, times, 4), 3);
	assert_int_equal(times[0].swap_ms, 3500);
	assert_int_equal(times[0].live_ms, 0);
	assert_string_equal(times[1].state, "FAILED");
	assert_int_equal(times[1].swap_ms, 0);
	assert_int_equal(store_deploy_times(store, 7, 0, times, 4), 2);
	assert_int_equal(times[1].created_ms, 1000);
	assert_int_equal(times[1].swap_ms, 1200);
	assert_int_equal(times[1].live_ms, 1300);
	assert_int_equal(store_deploy_times(store, 7, 1001, times, 4), 1);
	assert_int_equal(store_deploy_times(store, 0, 0, times, 2), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    answers_are_given_for_a_day, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_table_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_body_that_is_too_large_is_not_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    times_are_those_of_the_journal, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
