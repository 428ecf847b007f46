/* test_store.c - actors as rows and back, the journal, migrations, the lock, the full sync. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/log.h"
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

/* Three stages of one project and one of another, in turns, in three states. */
static void
put_deploys(struct store *store, uint64_t count)
{
	static const enum deploy_state states[] = { DEPLOY_LIVE, DEPLOY_FAILED,
		DEPLOY_CANCELED };

	db_script(store_db(store),
	    "INSERT INTO project(id, name, webhook) VALUES(1, 'shop', 'a'), (2, 'blog', 'b'),"
	    " (3, 'empty', 'c');"
	    "INSERT INTO stage(id, project, name, spec, poll) VALUES(1, 1, 'x', 1, 0),"
	    " (2, 2, 'x', 1, 0), (3, 1, 'y', 1, 0), (4, 1, 'z', 1, 0)");
	for (uint64_t id = 1; id <= 4; id++)
		store_actor_put(store, &(struct actor){ .id = id, .kind = ACTOR_STAGE });
	for (uint64_t i = 0; i < count; i++) {
		struct actor a = { .id = 100 + i, .kind = ACTOR_DEPLOY };

		a.state = states[i * 5 / 3 % COUNT(states)];
		a.deploy.stage = 1 + i * i % 7 % 4;
		a.deploy.ended_ms = 1;
		store_actor_put(store, &a);
	}
}

static bool
matches(const struct deploy_row *row, const struct deploy_filter *filter)
{
	return (filter->before == 0 || row->id < filter->before)
	       && (filter->stage == 0 || row->stage == filter->stage)
	       && (filter->project[0] == '\0' || strcmp(row->project, filter->project) == 0)
	       && (filter->state[0] == '\0' || strcmp(row->state, filter->state) == 0);
}

/* What the filter lets through is what one finds by looking at each deploy, newest first. */
static void
check_filter(struct store *store, const struct deploy_filter *filter, uint64_t last_id)
{
	struct deploy_row rows[20];
	size_t count = store_deploys(store, filter, rows, COUNT(rows));
	size_t at = 0;

	for (uint64_t id = last_id; id >= 100 && at < COUNT(rows); id--) {
		struct deploy_row row;

		assert_true(store_deploy_get(store, id, &row));
		if (!matches(&row, filter))
			continue;
		assert_true(at < count);
		assert_memory_equal(&rows[at], &row, sizeof(row));
		at++;
	}
	assert_int_equal(at, count);
}

static void
every_filter_gives_the_newest_that_match(void **state UNUSED)
{
	static const char *const projects[] = { "", "shop", "blog", "empty", "nobody" };
	static const char *const states[] = { "", "LIVE", "FAILED", "SKIPPED" };
	static const uint64_t before[] = { 0, 100, 120, 170, 10000 };
	struct store *store = open_store();

	put_deploys(store, 80);
	for (size_t p = 0; p < COUNT(projects); p++)
		for (size_t s = 0; s < COUNT(states); s++)
			for (size_t b = 0; b < COUNT(before); b++)
				check_filter(store,
				    &(struct deploy_filter){ .project = projects[p],
					.state = states[s],
					.before = before[b] },
				    179);
	for (uint64_t stage = 1; stage <= 4; stage++)
		for (size_t s = 0; s < COUNT(states); s++)
			check_filter(store,
			    &(struct deploy_filter){ .stage = stage,
				.project = "",
				.state = states[s],
				.before = before[s] },
			    179);
	store_commit(store);
	store_close(store);
}

static void
reads_in_a_row_see_and_leave_all(void **state UNUSED)
{
	struct store *store = open_store();
	struct deploy_row row;

	put_deploys(store, 3);
	store_reads_begin(store); /* within what is being written */
	assert_true(store_deploy_get(store, 102, &row));
	store_reads_end(store);
	assert_true(store_is_dirty(store));
	store_commit(store);
	store_reads_begin(store);
	assert_true(store_deploy_get(store, 102, &row));
	store_reads_end(store);
	assert_false(store_is_dirty(store));
	store_meta_put(store, "key", "value"); /* it would abort while the reads last */
	store_commit(store);
	store_close(store);
}

static off_t
wal_bytes(void)
{
	char path[128];
	struct stat file;

	snprintf(path, sizeof(path), "%s/slipway.db-wal", directory);
	assert_int_equal(stat(path, &file), 0);
	return file.st_size;
}

static void
write_megabytes(struct store *store, int count)
{
	for (int i = 0; i < count; i++) {
		db_script(store_db(store), "UPDATE meta SET value = randomblob(1 << 20)"
					   " WHERE key = 'large'");
		store_commit(store);
	}
}

/* What a backup does that hangs: it reads, and goes on reading. */
static sqlite3 *
begin_to_read(void)
{
	char path[128];
	sqlite3 *reader;

	snprintf(path, sizeof(path), "%s/slipway.db", directory);
	assert_int_equal(sqlite3_open(path, &reader), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(reader, "BEGIN; SELECT * FROM meta", NULL, NULL, NULL), SQLITE_OK);
	return reader;
}

static bool
was_told(int log, const char *word)
{
	static char text[65536];
	ssize_t n = pread(log, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return strstr(text, word) != NULL;
}

static void
the_log_of_sqlite_is_bounded_and_a_reader_that_stays_is_told_of(void **state UNUSED)
{
	int log = memfd_create("log", 0);
	struct store *store = open_store();
	sqlite3 *reader;

	log_setup(LOG_INFO, true, log);
	store_meta_put(store, "large", "");
	write_megabytes(store, 40);
	assert_true(wal_bytes() < 8 << 20);
	reader = begin_to_read();
	write_megabytes(store, 40);
	assert_true(wal_bytes() > STORE_WAL_KEPT);
	assert_false(was_told(log, "store.wal"));
	write_megabytes(store, 40);
	assert_true(was_told(log, "store.wal"));
	sqlite3_close(reader);
	write_megabytes(store, 5); /* everything goes into the file, then the log is cut */
	assert_true(wal_bytes() <= STORE_WAL_KEPT);
	log_setup(LOG_INFO, true, STDOUT_FILENO);
	store_close(store);
	close(log);
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
		TEST(every_filter_gives_the_newest_that_match),
		TEST(reads_in_a_row_see_and_leave_all),
		TEST(the_log_of_sqlite_is_bounded_and_a_reader_that_stays_is_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
