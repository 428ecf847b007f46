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
#include "base/limits.h"
#include "store/db.h"
#include "store/deliveries.h"
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
		.strategy = STRATEGY_RECREATE,
		.has_route = true,
		.is_canceled = true,
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
	err.text[0] = '\0'; /* told before anything that only looks wrong by it */
	assert_int_equal(store_audit(store, &err), -1);
	assert_non_null(strstr(err.text, "TELEPORTING"));
	store_close(store);
}

#define DEPLOY_COLUMNS                                                              \
	"(id, state, epoch, deadline_ms, stage, spec, elder, swap, tries, trigger," \
	" has_route, is_forced, created_ms, ended_ms, tag, digest, reason)"

/* A stage 2 with its poll 3; deploy 4 is live, 5 swaps by 6, 7 waits, 8 resolves. */
static void
fill(struct store *store)
{
	db_script(store_db(store),
	    "INSERT INTO project VALUES(1, 'shop', 'w');"
	    "INSERT INTO spec VALUES(1, 2, 0, '{}');"
	    "INSERT INTO stage VALUES(2, 1, 'production', 1, 3);"
	    "INSERT INTO stage_actor(id, state, epoch, deadline_ms, spec, live, live_spec, "
	    "running, running_spec, waiting, waiting_spec, resolving, has_route, live_digest, "
	    "running_digest, waiting_digest, resolving_tag, merged) VALUES(2, 'QUEUEING', 1, "
	    "0, 1, 4, 1, 5, 1, 7, 1, 8, 1,"
	    " 'a', 'b', 'c', 'v', 4);"
	    "INSERT INTO poll_actor VALUES(3, 'WAITING', 1, 9, 2, 30000, 1, 0, '', '', '');"
	    "INSERT INTO sweep_actor VALUES(9, 'WAITING', 1, 9, 1, 30000, 0, '');"
	    "INSERT INTO deploy" DEPLOY_COLUMNS
	    " VALUES(4, 'LIVE', 9, 0, 2, 1, 0, 0, 0, 'MANUAL', 1, 0, 1, 2,"
	    " 'v1', 'a', '');"
	    "INSERT INTO deploy" DEPLOY_COLUMNS
	    " SELECT 5, 'SWAPPING', 1, 9, stage, spec, 4, 6, tries, trigger,"
	    " has_route, is_forced, 3, 0, 'v2', 'b', '' FROM deploy WHERE id = 4;"
	    "INSERT INTO deploy" DEPLOY_COLUMNS
	    " SELECT 7, 'QUEUED', 1, 9, stage, spec, 0, 0, tries, trigger,"
	    " has_route, is_forced, 3, 0, 'v3', 'c', '' FROM deploy WHERE id = 4;"
	    "INSERT INTO deploy" DEPLOY_COLUMNS
	    " SELECT 8, 'RESOLVING', 1, 9, stage, spec, 0, 0, tries, "
	    "trigger,"
	    " has_route, is_forced, 3, 0, 'v4', '', '' FROM deploy WHERE id = 4;"
	    "INSERT INTO swap(id, state, epoch, deadline_ms, stage, deploy, elder, tries, "
	    "reason)"
	    " VALUES(6, 'CONFIRMING', 1, 9, 2, 5, 4, 0, '');");
}

static void
a_store_that_contradicts_itself_is_refused(void **state UNUSED)
{
	static const struct {
		const char *change;
		const char *told;
	} cases[] = {
		{ "UPDATE deploy SET id = -4 WHERE id = 4", "an actor -4 has an id" },
		{ "UPDATE deploy SET id = 9223372036854775807 WHERE id = 4", "has an id" },
		{ "UPDATE sweep_actor SET id = 8", "actor 8 is there twice" },
		{ "UPDATE deploy SET epoch = 4294967296 WHERE id = 7", "actor 7 has taken" },
		{ "UPDATE swap SET epoch = 'x'", "actor 6 has taken" },
		{ "DELETE FROM stage_actor", "stage 2 lacks" },
		{ "DELETE FROM poll_actor", "stage 2 lacks" },
		{ "DELETE FROM stage", "actor 2 belongs to a stage that is not there" },
		{ "UPDATE poll_actor SET interval_ms = 0", "actor 3 polls at an interval" },
		{ "UPDATE poll_actor SET interval_ms = 9223372036854775807", "interval" },
		{ "UPDATE deploy SET stage = 9 WHERE id = 8", "deploy 8 has no stage" },
		{ "UPDATE deploy SET spec = 9 WHERE id = 8", "deploy 8 has no stage or no" },
		{ "UPDATE deploy SET state = 'PULLING' WHERE id = 7",
		    "deploy 7 is under way" },
		{ "UPDATE swap SET deploy = 7",
		    "swap 6 works for a deploy that does not swap" },
		{ "UPDATE deploy SET swap = 0 WHERE id = 5", "swap 6 works for" },
		{ "UPDATE deploy SET created_ms = -1 WHERE id = 5", "actor 5 is of a time" },
		{ "UPDATE deploy SET created_ms = 1 << 62 | 1 WHERE id = 5",
		    "actor 5 is of a time" },
		{ "UPDATE stage_actor SET live_since_ms = -1", "actor 2 is of a time" },
		{ "UPDATE stage_actor SET frozen_until_ms = -1", "actor 2 is of a time" },
		{ "UPDATE stage_actor SET live = 3", "stage 2 calls a deploy live" },
		{ "DELETE FROM deploy WHERE id = 4", "stage 2 calls a deploy live" },
		{ "UPDATE deploy SET ended_ms = 4 WHERE id = 5; DELETE FROM swap",
		    "stage 2 waits for the end of a deploy that is not under way" },
		{ "UPDATE stage_actor SET stopped = 4", "stage 2 was stopped by a deploy" },
		{ "UPDATE stage_actor SET live = 0, stopped = 3", "stage 2 was stopped by" },
		{ "UPDATE stage_actor SET waiting = 4", "stage 2 keeps a turn" },
		{ "UPDATE stage_actor SET pending = 7", "stage 2 keeps a place" },
		{ "UPDATE deploy SET state = 'PENDING' WHERE id = 8",
		    "deploy 8 pends, and its stage knows nothing of it" },
		{ "UPDATE stage_actor SET resolving = 7", "stage 2 waits for the digest" },
		{ "UPDATE stage_actor SET merged = 9", "stage 2 merged a deploy" },
		{ "UPDATE stage_actor SET merged = -1", "stage 2 merged a deploy" },
		{ "UPDATE stage_actor SET state = 'DEPLOYING'", "stage 2 is in a state" },
	};
	struct store *store = open_store();
	struct err err = { "" };

	fill(store);
	store_commit(store);
	if (store_audit(store, &err) != 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < COUNT(cases); i++) {
		db_script(store_db(store), "PRAGMA defer_foreign_keys=ON");
		db_script(store_db(store), cases[i].change);
		assert_int_equal(store_audit(store, &err), -1);
		if (strstr(err.text, cases[i].told) == NULL)
			fail_msg("%s: %s", cases[i].change, err.text);
		assert_non_null(strstr(err.text, "put a backup in its place"));
		store_rollback(store);
	}
	assert_int_equal(store_audit(store, &err), 0);
	store_close(store);
}

static void
read_deploy(struct store *store)
{
	struct deploy_row row;

	(void)!store_deploy_get(store, 4, &row);
}

static void
read_brief(struct store *store)
{
	struct deploy_brief brief;

	(void)!store_deploy_brief(store, 4, &brief);
}

static void
read_instance(struct store *store)
{
	struct instance instance;

	store_instances(store, 4, &instance, 1);
}

static void
read_log(struct store *store)
{
	struct deploy_log_row row;

	store_deploy_log(store, 4, 0, &row, 1);
}

/* What a process says that changes a row and reads it; it must end by EXIT_STORE_BROKEN. */
static void
read_changed(
    struct store *store, const char *change, void (*read_row)(struct store *), char said[4096])
{
	int fds[2];
	int status;
	pid_t child;
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		log_setup(LOG_INFO, false, fds[1]);
		db_script(store_db(store), change);
		read_row(store);
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], said, 4095);
	said[n < 0 ? 0 : n] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_STORE_BROKEN)
		fail_msg("%s: status %d: %s", change, status, said);
}

static void
a_text_longer_than_any_of_ours_is_damage(void **state UNUSED)
{
	static const struct {
		const char *table;
		const char *column;
		void (*read_row)(struct store *);
	} cases[] = {
		{ "deploy", "tag", read_deploy },
		{ "deploy", "digest", read_deploy },
		{ "deploy", "reason", read_deploy },
		{ "project", "name", read_deploy },
		{ "stage", "name", read_deploy },
		{ "deploy", "tag", read_brief },
		{ "deploy", "digest", read_brief },
		{ "instance", "container_id", read_instance },
		{ "instance", "name", read_instance },
		{ "instance", "address", read_instance },
		{ "instance", "status", read_instance },
		{ "deploy_log", "level", read_log },
		{ "deploy_log", "text", read_log },
	};
	struct store *store = open_store();

	fill(store);
	db_script(store_db(store),
	    "INSERT INTO instance VALUES(4, 0, 'c', 'n', '10.0.0.2:80', 'running', 1);"
	    "INSERT INTO deploy_log VALUES(1, 4, 1, 'info', 'a line');");
	store_commit(store);
	for (size_t i = 0; i < COUNT(cases); i++) {
		char change[128];
		char said[4096];
		char column[64];

		snprintf(change, sizeof(change), "UPDATE %s SET %s = hex(zeroblob(4000))",
		    cases[i].table, cases[i].column);
		read_changed(store, change, cases[i].read_row, said);
		snprintf(column, sizeof(column), "'%s' has 8000 bytes", cases[i].column);
		assert_non_null(strstr(said, column));
		assert_non_null(strstr(said, "put a backup in its place"));
	}
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
	q = db_read(store_db(store), "PRAGMA foreign_keys");
	assert_true(db_next(q));
	assert_int_equal(column_integer(q, 0), 1);
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
	/* One byte too long for a row of ours is enough to be called damage when it is read. */
	for (size_t n = LOG_LINE_SIZE - 1; n <= LOG_LINE_SIZE + 1; n++) {
		store_deploy_log_add(store, n, "out", (struct str){ line, n });
		assert_int_equal(store_deploy_log(store, n, 0, rows, 3), 1);
		assert_int_equal(strlen(rows[0].text), LOG_LINE_SIZE - 1);
	}
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

		a.state = (int)states[i * 5 / 3 % COUNT(states)];
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

/* The newest are known, each by its own webhook; what is older than the most of them is not. */
static void
deliveries_are_known_again(void **state UNUSED)
{
	struct err err;
	struct store *store = store_open(NULL, &err);
	uint64_t deploy = 0;
	char key[32];

	assert_non_null(store);
	for (uint64_t i = 0; i <= WEBHOOK_DELIVERIES_MAX; i++) {
		snprintf(key, sizeof(key), "key-%llu", (unsigned long long)i);
		store_delivery_add(store, 7, key, 100 + i);
	}
	assert_false(store_delivery_find(store, 7, "key-0", &deploy));
	assert_true(store_delivery_find(store, 7, "key-1", &deploy));
	assert_int_equal(deploy, 101);
	assert_true(store_delivery_find(store, 7, key, &deploy));
	assert_int_equal(deploy, 100 + WEBHOOK_DELIVERIES_MAX);
	assert_false(store_delivery_find(store, 0, "key-1", &deploy));
	store_delivery_add(store, 0, "key-1", 5);
	assert_true(store_delivery_find(store, 0, "key-1", &deploy));
	assert_int_equal(deploy, 5);
	store_rollback(store);
	store_close(store);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)
	const struct CMUnitTest tests[] = {
		TEST(an_actor_comes_back_as_it_was),
		TEST(the_sweep_interval_is_that_of_the_settings),
		TEST(deliveries_are_known_again),
		TEST(what_is_over_is_not_loaded),
		TEST(an_unknown_state_refuses_to_start),
		TEST(a_store_that_contradicts_itself_is_refused),
		TEST(a_text_longer_than_any_of_ours_is_damage),
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
