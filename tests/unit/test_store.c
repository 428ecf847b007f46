/* test_store.c - actors as rows and back, the journal, migrations, the lock, the full sync. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "store/db.h"
#include "store/deploys.h"
#include "store/store.h"

static char directory[64];

static int
make_directory(void **state UNUSED)
{
	strcpy(directory, "/tmp/slipway-store-XXXXXX");
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int
remove_directory(void **state UNUSED)
{
	static const char *const names[] = { "lock", "slipway.db", "slipway.db-wal",
		"slipway.db-shm" };
	char path[128];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	return rmdir(directory);
}

static struct store *
open_store(void)
{
	struct err err = { "" };
	struct store *store = store_open(directory, &err);

	if (store == NULL)
		fail_msg("%s", err.text);
	return store;
}

static struct actor loaded[16];
static size_t loaded_count;

static void
collect(void *context UNUSED, const struct actor *actor)
{
	assert_true(loaded_count < COUNT(loaded));
	loaded[loaded_count++] = *actor;
}

static struct actor
full_deploy(void)
{
	struct actor a = { .id = 42,
		.kind = ACTOR_DEPLOY,
		.state = DEPLOY_PROBING,
		.epoch = 17,
		.deadline_ms = INT64_C(1800000000123) };

	a.deploy = (struct deploy){ .stage = 1,
		.spec = UINT64_C(1) << 40,
		.elder = 41,
		.swap = 43,
		.tries = 3,
		.trigger = TRIGGER_ROLLBACK,
		.has_route = true,
		.is_forced = true,
		.created_ms = 1800000000000,
		.tag = "v1.2",
		.digest = "sha256:abc",
		.reason = "it's \"so\"" };
	return a;
}

static void
an_actor_comes_back_as_it_was(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err;
	struct actor a = full_deploy();

	store_actor_put(store, &a);
	assert_true(store_is_dirty(store));
	store_commit(store);
	store_close(store);
	store = open_store();
	loaded_count = 0;
	assert_int_equal(store_actors_load(store, collect, NULL, &err), 0);
	assert_int_equal(loaded_count, 1);
	assert_memory_equal(&loaded[0], &a, sizeof(a));
	assert_int_equal(store_id_max(store), 42);
	store_close(store);
}

static void
the_sweep_interval_is_that_of_the_settings(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err;
	struct actor a = { .id = 3, .kind = ACTOR_SWEEP, .state = SWEEP_WAITING };

	a.sweep.interval_ms = 30000;
	store_actor_put(store, &a);
	store_sweeps_set_interval(store, 5000);
	loaded_count = 0;
	assert_int_equal(store_actors_load(store, collect, NULL, &err), 0);
	assert_int_equal(loaded_count, 1);
	assert_int_equal(loaded[0].sweep.interval_ms, 5000);
	store_close(store);
}

static void
what_is_over_is_not_loaded(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err;
	struct actor a = full_deploy();

	a.state = DEPLOY_LIVE;
	a.deadline_ms = 0;
	a.deploy.ended_ms = 5;
	store_actor_put(store, &a);
	loaded_count = 0;
	assert_int_equal(store_actors_load(store, collect, NULL, &err), 0);
	assert_int_equal(loaded_count, 0);
	assert_int_equal(store_id_max(store), 42);
	store_close(store);
}

static void
an_unknown_state_refuses_to_start(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err;
	struct actor a = full_deploy();

	store_actor_put(store, &a);
	db_script(store_db(store), "UPDATE deploy SET state = 'TELEPORTING'");
	loaded_count = 0;
	assert_int_equal(store_actors_load(store, collect, NULL, &err), -1);
	assert_non_null(strstr(err.text, "TELEPORTING"));
	assert_non_null(strstr(err.text, "newer"));
	store_close(store);
}

static void
a_rollback_leaves_nothing(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err;
	struct actor a = full_deploy();

	store_actor_put(store, &a);
	store_journal_add(store, 1, &a, DEPLOY_STARTING, EV_STARTED);
	store_rollback(store);
	loaded_count = 0;
	assert_int_equal(store_actors_load(store, collect, NULL, &err), 0);
	assert_int_equal(loaded_count, 0);
	assert_int_equal(store_journal_last(store), 0);
	store_close(store);
}

static void
the_journal_tells_a_deploy_with_its_swap(void **state UNUSED)
{
	struct store *store = open_store();
	struct actor a = full_deploy();
	struct actor swap = { .id = 43, .kind = ACTOR_SWAP, .state = SWAP_CONFIRMING };
	struct journal_row rows[4];

	swap.swap.deploy = 42;
	swap.swap.stage = 1;
	store_journal_add(store, 5, &a, DEPLOY_STARTING, EV_STARTED);
	store_journal_add(store, 6, &swap, SWAP_SWITCHING, EV_SWITCHED);
	assert_int_equal(store_journal(store, 42, 0, rows, 4), 2);
	assert_string_equal(rows[0].from, "STARTING");
	assert_string_equal(rows[0].to, "PROBING");
	assert_string_equal(rows[1].kind, "SWAP");
	assert_string_equal(rows[1].on, "SWITCHED");
	assert_int_equal(store_journal(store, 42, rows[0].seq, rows, 4), 1);
	assert_int_equal(store_journal(store, 41, 0, rows, 4), 0);
	store_close(store);
}

static void
a_second_process_is_refused(void **state UNUSED)
{
	struct store *store = open_store();
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct err err = { "" };
		struct store *second = store_open(directory, &err);
		_exit(second == NULL && strstr(err.text, "another slipway") != NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	store_close(store);
}

static void
a_newer_store_is_refused(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err = { "" };

	db_set_version(store_db(store), 999);
	store_commit(store);
	store_close(store);
	assert_null(store_open(directory, &err));
	assert_non_null(strstr(err.text, "newer slipway"));
}

static void
commits_are_synced_in_full(void **state UNUSED)
{
	struct store *store = open_store();
	struct query *q = db_read(store_db(store), "PRAGMA synchronous");

	assert_true(db_next(q));
	assert_int_equal(column_integer(q, 0), 2);
	db_done(q);
	q = db_read(store_db(store), "PRAGMA journal_mode");
	assert_true(db_next(q));
	assert_string_equal(column_text(q, 0), "wal");
	db_done(q);
	store_close(store);
}

static void
a_directory_that_cannot_be_made_says_so(void **state UNUSED)
{
	struct err err = { "" };

	assert_null(store_open("/proc/slipway", &err));
	assert_non_null(strstr(err.text, "SLIPWAY_DATA"));
}

static void
logs_are_kept_in_order_and_cut(void **state UNUSED)
{
	struct store *store = open_store();
	struct deploy_log_row rows[3];
	char *line = malloc(5000);

	memset(line, 'x', 5000);
	store_deploy_log_add(store, 42, "info", STR("first"));
	store_deploy_log_add(store, 42, "out", (struct str){ line, 5000 });
	store_deploy_log_add(store, 7, "info", STR("another deploy"));
	assert_int_equal(store_deploy_log(store, 42, 0, rows, 3), 2);
	assert_string_equal(rows[0].text, "first");
	assert_int_equal(strlen(rows[1].text), LOG_LINE_SIZE - 1);
	assert_int_equal(store_deploy_log(store, 42, rows[0].seq, rows, 3), 1);
	free(line);
	store_close(store);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)
	const struct CMUnitTest tests[] = {
		TEST(an_actor_comes_back_as_it_was),
		TEST(the_sweep_interval_is_that_of_the_settings),
		TEST(what_is_over_is_not_loaded),
		TEST(an_unknown_state_refuses_to_start),
		TEST(a_rollback_leaves_nothing),
		TEST(the_journal_tells_a_deploy_with_its_swap),
		TEST(a_second_process_is_refused),
		TEST(a_newer_store_is_refused),
		TEST(commits_are_synced_in_full),
		TEST(a_directory_that_cannot_be_made_says_so),
		TEST(logs_are_kept_in_order_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
