/* test_retention.c - what is removed by rule, what never is, how much at once, and that a crash in the
 * middle only leaves the rest for later. */
#include "stages_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/fields.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/images.h"
#include "store/retention.h"
#include "store/tasks.h"

#define DAY_MS INT64_C(86400000)

enum { POLL = 3, STEPS_OF_DEPLOY = 4, LINES_OF_DEPLOY = 3 };

static const struct retention_rules rules = { .deploys = 10, .days = 30, .rollbacks = 2 };

/* A deploy that has ended, with its steps, its log, its container and its swap. */
static void
put_ended(
    uint64_t id, uint64_t stage, enum deploy_state state, const char *digest, int64_t ended_ms)
{
	struct actor a = { .id = id, .kind = ACTOR_DEPLOY, .state = (int)state };
	struct actor swap = { .id = id + 1, .kind = ACTOR_SWAP, .state = SWAP_DONE };
	struct instance container = { .deploy = id, .status = "removed" };

	a.deploy.stage = stage;
	a.deploy.spec = stage == STAGE ? 7 : 8;
	a.deploy.ended_ms = ended_ms;
	CHECK(str_copy(a.deploy.digest, sizeof(a.deploy.digest), str_of(digest)));
	swap.swap.deploy = id;
	swap.swap.stage = stage;
	store_actor_put(store, &a);
	store_actor_put(store, &swap);
	store_instance_put(store, &container);
	for (int i = 0; i < STEPS_OF_DEPLOY; i++)
		store_journal_add(store, ended_ms, &a, DEPLOY_PULLING, EV_PULLED);
	for (int i = 0; i < LINES_OF_DEPLOY; i++)
		store_deploy_log_add(store, id, "info", STR("a line"));
}

static void
set_live(uint64_t stage, uint64_t deploy)
{
	struct actor a = { .id = stage, .kind = ACTOR_STAGE, .state = STAGE_IDLE };

	a.stage.live = deploy;
	store_actor_put(store, &a);
}

/* Ids 100, 110 and so on; ended a day apart, the last one a minute ago unless all are old. */
static void
put_many(int count, enum deploy_state state, const char *digest, int64_t last_ended_ms)
{
	for (int i = 0; i < count; i++)
		put_ended(100 + 10 * (uint64_t)i, STAGE, state, digest,
		    last_ended_ms - (count - 1 - i) * DAY_MS);
}

static int64_t
count_rows(const char *sql)
{
	struct query *q = db_read(store_db(store), sql);
	int64_t count;

	assert_true(db_next(q));
	count = column_integer(q, 0);
	db_done(q);
	return count;
}

static int64_t
count_history(void)
{
	return count_rows("SELECT (SELECT count(*) FROM journal)"
			  " + (SELECT count(*) FROM deploy_log)");
}

static bool
is_there(uint64_t deploy)
{
	struct deploy_row row;

	return store_deploy_get(store, deploy, &row);
}

/* Until nothing is due; returns the number of steps that removed something. */
static int
run_until_done(const struct retention_rules *with, int64_t now_ms)
{
	struct retention *r = retention_new(store, with, now_ms - RETENTION_FIRST_MS);
	int steps = 0;

	store_commit(store);
	while (retention_due_ms(r, now_ms) <= now_ms) {
		retention_step(r, now_ms);
		steps += store_is_dirty(store);
		store_commit(store);
	}
	retention_free(r);
	return steps;
}

static void
the_newest_stay_and_old_ones_go_with_all_that_is_theirs(void **state UNUSED)
{
	put_many(25, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	assert_true(run_until_done(&rules, NOW_MS) > 0);
	assert_int_equal(count_rows("SELECT count(*) FROM deploy"), 10);
	assert_false(is_there(240));
	assert_true(is_there(250));
	assert_int_equal(count_history(), 10 * (STEPS_OF_DEPLOY + LINES_OF_DEPLOY));
	assert_int_equal(count_rows("SELECT min(deploy) FROM journal"), 250);
	assert_int_equal(count_rows("SELECT min(deploy) FROM deploy_log"), 250);
	assert_int_equal(count_rows("SELECT min(deploy) FROM instance"), 250);
	assert_int_equal(count_rows("SELECT min(deploy) FROM swap"), 250);
	assert_int_equal(run_until_done(&rules, NOW_MS), 0);
}

static void
beyond_the_newest_days_count(void **state UNUSED)
{
	put_many(60, DEPLOY_FAILED, "", NOW_MS - 1);
	run_until_done(&rules, NOW_MS);
	assert_int_equal(count_rows("SELECT count(*) FROM deploy"), 30);
	assert_int_equal(count_rows("SELECT min(id) FROM deploy"), 100 + 10 * 30);
	run_until_done(&rules, NOW_MS + 5 * DAY_MS);
	assert_int_equal(count_rows("SELECT count(*) FROM deploy"), 25);
}

static void
stages_count_apart(void **state UNUSED)
{
	put_many(12, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	for (int i = 0; i < 5; i++)
		put_ended(1000 + 10 * (uint64_t)i, OTHER_STAGE, DEPLOY_FAILED, "",
		    NOW_MS - 400 * DAY_MS);
	run_until_done(&rules, NOW_MS);
	assert_int_equal(count_rows("SELECT count(*) FROM deploy WHERE stage = 1"), 10);
	assert_int_equal(count_rows("SELECT count(*) FROM deploy WHERE stage = 2"), 5);
}

static void
what_serves_stays_at_any_age(void **state UNUSED)
{
	put_many(25, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	put_ended(90, STAGE, DEPLOY_LIVE, "sha256:a", NOW_MS - 900 * DAY_MS);
	set_live(STAGE, 90);
	run_until_done(&rules, NOW_MS);
	assert_true(is_there(90));
	assert_int_equal(count_rows("SELECT count(*) FROM deploy"), 11);
	assert_int_equal(
	    count_rows("SELECT count(*) FROM deploy_log WHERE deploy = 90"), LINES_OF_DEPLOY);
}

static void
what_is_being_replaced_stays(void **state UNUSED)
{
	struct actor running = { .id = 5000, .kind = ACTOR_DEPLOY, .state = DEPLOY_RETIRING };

	put_many(25, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	put_ended(90, STAGE, DEPLOY_CANCELED, "", NOW_MS - 900 * DAY_MS);
	running.deploy.stage = STAGE;
	running.deploy.elder = 90;
	running.deadline_ms = NOW_MS;
	store_actor_put(store, &running);
	run_until_done(&rules, NOW_MS);
	assert_true(is_there(90));
	running.state = DEPLOY_LIVE;
	running.deploy.ended_ms = NOW_MS;
	store_actor_put(store, &running);
	run_until_done(&rules, NOW_MS);
	assert_false(is_there(90));
}

static void
what_a_rollback_may_go_to_stays(void **state UNUSED)
{
	bool is_whole;
	uint64_t to[4];

	put_ended(50, STAGE, DEPLOY_LIVE, "sha256:oldest", NOW_MS - 903 * DAY_MS);
	put_ended(60, STAGE, DEPLOY_LIVE, "sha256:older", NOW_MS - 902 * DAY_MS);
	put_ended(70, STAGE, DEPLOY_LIVE, "sha256:old", NOW_MS - 901 * DAY_MS);
	put_ended(80, STAGE, DEPLOY_LIVE, "sha256:older", NOW_MS - 900 * DAY_MS);
	put_many(25, DEPLOY_LIVE, "sha256:same", NOW_MS - 40 * DAY_MS);
	set_live(STAGE, 340);
	run_until_done(&rules, NOW_MS);
	assert_true(is_there(80));
	assert_true(is_there(70));
	assert_false(is_there(60));
	assert_false(is_there(50));
	assert_int_equal(count_rows("SELECT count(*) FROM deploy"), 12);
	assert_int_equal(store_rollback_targets(store, STAGE, to, 4, &is_whole), 3);
	assert_true(is_whole);
	assert_int_equal(to[0], 340);
	assert_int_equal(to[1], 80);
	assert_int_equal(to[2], 70);
}

/* More deploys of one version than are read to find the others. */
static void
an_older_version_behind_many_deploys_of_one_stays(void **state UNUSED)
{
	put_ended(70, STAGE, DEPLOY_LIVE, "sha256:old", NOW_MS - 90 * DAY_MS);
	put_ended(80, STAGE, DEPLOY_LIVE, "sha256:old", NOW_MS - 90 * DAY_MS);
	for (uint64_t i = 0; i < RETENTION_SCAN_MAX + 20; i++)
		put_ended(100 + 10 * i, STAGE, DEPLOY_LIVE, "sha256:same",
		    NOW_MS - 40 * DAY_MS + (int64_t)i);
	set_live(STAGE, 100 + 10 * (RETENTION_SCAN_MAX + 19));
	run_until_done(&rules, NOW_MS);
	assert_true(is_there(80));
	assert_false(is_there(70));
	assert_int_equal(count_rows("SELECT count(*) FROM deploy"), 11);
}

static void
numbers_are_never_given_twice(void **state UNUSED)
{
	int64_t seq;

	put_many(25, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	assert_int_equal(store_id_max(store), 341);
	seq = store_journal_last(store);
	run_until_done(&rules, NOW_MS);
	db_script(
	    store_db(store), "DELETE FROM deploy; DELETE FROM swap; DELETE FROM journal");
	assert_int_equal(store_id_max(store), 341);
	assert_true(store_journal_add(store, 1,
			&(struct actor){ .kind = ACTOR_SWEEP, .state = SWEEP_WAITING },
			SWEEP_WAITING, EV_START)
		    > seq);
}

/* The same digest may be deployed again at any age, and is not migrated twice. */
static void
what_was_migrated_stays_known(void **state UNUSED)
{
	struct task_row row = {
		.deploy = 100, .stage = STAGE, .status = TASK_IS_done, .digest = "sha256:old"
	};

	put_many(25, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	store_task_put(store, &row);
	row.deploy = 110;
	row.status = TASK_IS_failed;
	store_task_put(store, &row);
	run_until_done(&rules, NOW_MS);
	assert_true(store_deploy_is_retired(store, 110));
	assert_int_equal(store_task_migrated(store, STAGE, "sha256:old"), 100);
	assert_false(store_task_get(store, 110, TASK_MIGRATION, &row));
}

/* Of so many that nobody goes back that far, the oldest are forgotten. */
static void
the_oldest_migrations_are_forgotten(void **state UNUSED)
{
	struct task_row row = { .stage = STAGE, .status = TASK_IS_done };

	for (uint64_t i = 1; i <= MIGRATIONS_KEPT + 2; i++) {
		row.deploy = i;
		snprintf(row.digest, sizeof(row.digest), "sha256:%d", (int)i);
		store_task_put(store, &row);
	}
	assert_int_equal(store_task_migrated(store, STAGE, "sha256:2"), 0);
	assert_int_equal(store_task_migrated(store, STAGE, "sha256:3"), 3);
	assert_int_equal(store_task_migrated(store, STAGE + 1, "sha256:3"), 0);
}

static void
what_was_removed_is_known(void **state UNUSED)
{
	struct journal_row row;

	put_many(25, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	assert_int_equal(store_journal_floor(store), 0);
	assert_false(store_deploy_is_retired(store, 100));
	run_until_done(&rules, NOW_MS);
	assert_true(store_deploy_is_retired(store, 100));
	assert_true(store_deploy_is_retired(store, 240));
	assert_false(store_deploy_is_retired(store, 0));
	assert_false(store_deploy_is_retired(store, 250));
	assert_false(store_deploy_is_retired(store, 341));
	assert_int_equal(store_journal(store, 250, 0, &row, 1), 1);
	assert_int_equal(store_journal_floor(store), row.seq - 1);
}

static void
a_step_is_small_and_a_crash_leaves_the_rest_for_later(void **state UNUSED)
{
	struct retention *r;
	int64_t before;

	put_many(11, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	for (int i = 0; i < 3 * RETENTION_ROWS_MAX; i++)
		store_deploy_log_add(store, 100, "out", STR("one of many lines"));
	store_commit(store);
	r = retention_new(store, &rules, NOW_MS - RETENTION_FIRST_MS);
	before = count_history();
	retention_step(r, NOW_MS);
	store_rollback(store); /* as when the process dies before the commit */
	assert_int_equal(count_history(), before);
	for (int i = 1; i <= 3; i++) {
		retention_step(r, NOW_MS);
		store_commit(store);
		assert_int_equal(count_history(), before - i * RETENTION_ROWS_MAX);
		assert_true(is_there(100));
	}
	retention_free(r); /* and the next start begins anew */
	run_until_done(&rules, NOW_MS);
	assert_false(is_there(100));
	assert_int_equal(count_history(), 10 * (STEPS_OF_DEPLOY + LINES_OF_DEPLOY));
}

static void
steps_of_no_deploy_go_by_age(void **state UNUSED)
{
	struct actor poll = { .id = POLL, .kind = ACTOR_POLL, .state = POLL_WAITING };

	put_ended(100, STAGE, DEPLOY_FAILED, "", NOW_MS - 900 * DAY_MS);
	for (int i = 0; i < RETENTION_ROWS_MAX + 40; i++)
		store_journal_add(store, NOW_MS - 31 * DAY_MS, &poll, POLL_OFF, EV_START);
	for (int i = 0; i < 5; i++)
		store_journal_add(store, NOW_MS - 29 * DAY_MS, &poll, POLL_OFF, EV_START);
	assert_int_equal(run_until_done(&rules, NOW_MS), 2);
	assert_int_equal(count_rows("SELECT count(*) FROM journal WHERE deploy = 0"), 5);
	assert_int_equal(
	    count_rows("SELECT count(*) FROM journal WHERE deploy = 100"), STEPS_OF_DEPLOY);
	assert_int_equal(store_journal_floor(store), 0); /* none of a deploy */
}

static void
put_told(uint64_t id, uint64_t deploy, int64_t ended_ms)
{
	struct actor a = { .id = id, .kind = ACTOR_NOTIFY, .state = NOTIFY_DELIVERED };

	a.notify = (struct notify){ .stage = STAGE,
		.deploy = deploy,
		.notice = NOTICE_APPROVAL,
		.created_ms = ended_ms,
		.ended_ms = ended_ms };
	store_actor_put(store, &a);
}

/* What people were told of a deploy that still pends is asked for before they are told again. */
static void
notifications_go_by_age_and_with_their_deploy(void **state UNUSED)
{
	struct actor pending = { .id = 500, .kind = ACTOR_DEPLOY, .state = DEPLOY_PENDING };
	struct retention *r = retention_new(store, &rules, NOW_MS - RETENTION_FIRST_MS);

	pending.deploy.stage = STAGE;
	pending.deploy.spec = 7;
	store_actor_put(store, &pending);
	put_told(501, 0, NOW_MS - 31 * DAY_MS);
	put_told(502, 0, NOW_MS - 29 * DAY_MS);
	put_told(503, 500, NOW_MS - 31 * DAY_MS);
	store_commit(store);
	while (retention_due_ms(r, NOW_MS) <= NOW_MS)
		retention_step(r, NOW_MS);
	store_commit(store);
	assert_int_equal(count_rows("SELECT count(*) FROM notify"), 2);
	assert_int_equal(count_rows("SELECT count(*) FROM notify WHERE id = 503"), 1);
	pending.state = DEPLOY_CANCELED;
	pending.deploy.ended_ms = NOW_MS;
	store_actor_put(store, &pending);
	retention_look(r, STAGE);
	while (retention_due_ms(r, NOW_MS) <= NOW_MS)
		retention_step(r, NOW_MS);
	assert_int_equal(count_rows("SELECT count(*) FROM notify"), 1);
	store_commit(store);
	retention_free(r);
}

static void
revisions_stay_as_long_as_a_deploy_of_them(void **state UNUSED)
{
	put_many(25, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	db_script(store_db(store), "INSERT INTO spec(id, stage, created_ms, json) VALUES(4, "
				   "1, 0, '{}'), (5, 1, 0, '{}'),"
				   " (6, 1, 0, '{}');"
				   "UPDATE deploy SET spec = 4 WHERE id = 100; UPDATE deploy "
				   "SET spec = 5 WHERE id = 340;");
	run_until_done(&rules, NOW_MS);
	assert_int_equal(count_rows("SELECT count(*) FROM spec WHERE id IN (5, 7, 8)"), 3);
	assert_int_equal(count_rows("SELECT count(*) FROM spec"), 3);
}

static void
the_end_of_a_deploy_makes_room_at_once(void **state UNUSED)
{
	struct retention *r = retention_new(store, &rules, NOW_MS);

	put_many(11, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	store_commit(store);
	assert_int_equal(retention_due_ms(r, NOW_MS), NOW_MS + RETENTION_FIRST_MS);
	retention_look(r, STAGE);
	retention_look(r, STAGE);
	assert_int_equal(retention_due_ms(r, NOW_MS), NOW_MS);
	retention_step(r, NOW_MS);
	store_commit(store);
	assert_false(is_there(100));
	assert_int_equal(retention_due_ms(r, NOW_MS), NOW_MS + RETENTION_FIRST_MS);
	retention_free(r);
}

static void
more_ends_than_are_remembered_make_a_round(void **state UNUSED)
{
	struct retention *r = retention_new(store, &rules, NOW_MS);

	put_many(11, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	store_commit(store);
	for (uint64_t i = 0; i <= RETENTION_QUEUE_MAX; i++)
		retention_look(r, i == RETENTION_QUEUE_MAX ? STAGE : 1000 + i);
	while (retention_due_ms(r, NOW_MS) <= NOW_MS) {
		retention_step(r, NOW_MS);
		store_commit(store);
	}
	assert_false(is_there(100));
	retention_free(r);
}

static void
what_is_pinned_stays(void **state UNUSED)
{
	put_many(11, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	store_pin(store, 100, NOW_MS);
	run_until_done(&rules, NOW_MS);
	assert_true(is_there(100));
	store_unpin(store, 100);
	run_until_done(&rules, NOW_MS);
	assert_false(is_there(100));
}

/* Its row says where the route leads: to nobody. */
static void
who_stopped_the_stage_stays(void **state UNUSED)
{
	struct actor a = { .id = STAGE, .kind = ACTOR_STAGE, .state = STAGE_IDLE };

	put_many(11, DEPLOY_STOPPED, "", NOW_MS - 40 * DAY_MS);
	a.stage.stopped = 100;
	store_actor_put(store, &a);
	run_until_done(&rules, NOW_MS);
	assert_true(is_there(100));
	set_live(STAGE, 200);
	run_until_done(&rules, NOW_MS);
	assert_false(is_there(100));
}

/* What these rules would remove is what goes when they hold. */
static void
what_would_go_is_what_goes(void **state UNUSED)
{
	struct retention_rules fewer = rules;
	uint64_t going[20];

	put_many(11, DEPLOY_FAILED, "", NOW_MS - 40 * DAY_MS);
	put_ended(300, STAGE, DEPLOY_LIVE, "sha256:live", NOW_MS - 39 * DAY_MS);
	set_live(STAGE, 300);
	store_pin(store, 110, NOW_MS);
	fewer.deploys = 5;
	assert_int_equal(store_deploys_going(store, &fewer, STAGE, NOW_MS, going, 20), 6);
	assert_int_equal(going[0], 100);
	assert_int_equal(going[1], 120);
	assert_int_equal(going[5], 160);
	assert_int_equal(store_deploys_going(store, &fewer, STAGE, NOW_MS, going, 2), 2);
	fewer.days = 365;
	assert_int_equal(store_deploys_going(store, &fewer, STAGE, NOW_MS, going, 20), 0);
	fewer.days = rules.days;
	assert_true(is_there(100));
	run_until_done(&fewer, NOW_MS);
	assert_false(is_there(100));
	assert_true(is_there(110));
	assert_false(is_there(160));
	assert_true(is_there(170));
	assert_int_equal(store_deploys_going(store, &fewer, STAGE, NOW_MS, going, 20), 0);
}

/* As slipway.yml says for it; others keep what the server keeps. */
static void
a_stage_may_keep_more_or_less(void **state UNUSED)
{
	struct catalog *catalog = catalog_new(store);
	struct retention_rules own = rules;
	struct stage_spec spec;
	struct buf json;
	uint64_t project;
	bool is_new;

	stage_spec_set_defaults(&spec);
	spec.project = "blog";
	spec.stage = "c";
	spec.engine = "local";
	spec.image = "r.io/a";
	project = catalog_put_project(catalog, "blog", &is_new);
	for (uint64_t id = 50; id < 54; id += 2) {
		buf_init(&json, 64 << 10);
		spec.keep_versions = id == 50 ? 7 : 0;
		spec.stage = id == 50 ? "c" : "d";
		stage_spec_write(&spec, &json);
		catalog_add_stage(catalog, project, id, id + 1, buf_view(&json));
		buf_free(&json);
	}
	assert_int_equal(retention_versions(&own, 50), 2);
	own.catalog = catalog;
	assert_int_equal(retention_versions(&own, 50), 7);
	assert_int_equal(retention_versions(&own, 52), 2);
	assert_int_equal(retention_versions(&own, 99), 2);
	catalog_free(catalog);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)
	const struct CMUnitTest tests[] = {
		TEST(the_newest_stay_and_old_ones_go_with_all_that_is_theirs),
		TEST(beyond_the_newest_days_count),
		TEST(stages_count_apart),
		TEST(what_serves_stays_at_any_age),
		TEST(what_is_pinned_stays),
		TEST(who_stopped_the_stage_stays),
		TEST(what_would_go_is_what_goes),
		TEST(a_stage_may_keep_more_or_less),
		TEST(what_is_being_replaced_stays),
		TEST(what_a_rollback_may_go_to_stays),
		TEST(an_older_version_behind_many_deploys_of_one_stays),
		TEST(numbers_are_never_given_twice),
		TEST(what_was_migrated_stays_known),
		TEST(the_oldest_migrations_are_forgotten),
		TEST(what_was_removed_is_known),
		TEST(a_step_is_small_and_a_crash_leaves_the_rest_for_later),
		TEST(steps_of_no_deploy_go_by_age),
		TEST(notifications_go_by_age_and_with_their_deploy),
		TEST(revisions_stay_as_long_as_a_deploy_of_them),
		TEST(the_end_of_a_deploy_makes_room_at_once),
		TEST(more_ends_than_are_remembered_make_a_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
