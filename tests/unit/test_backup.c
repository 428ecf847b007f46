/* test_backup.c - backups of a store in use, what is looked at before one counts, restore and rollback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "config/fields.h"
#include "store/backup.h"
#include "store/catalog.h"
#include "store/db.h"
#include "store/schema.h"
#include "store/store.h"

enum { PATH_SIZE = 256 };
#define DAY_MS INT64_C(86400000)
#define NOON_MS INT64_C(1767268800000) /* 2026-01-01 12:00 UTC */

static char directory[64];

static int
make_directory(void **state UNUSED)
{
	snprintf(directory, sizeof(directory), "/tmp/slipway-backup-XXXXXX");
	assert_non_null(mkdtemp(directory));
	clock_tick();
	return 0;
}

static int
remove_directory(void **state UNUSED)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
	return 0;
}

static const char *
inside(const char *name)
{
	static char paths[8][PATH_SIZE];
	static size_t next;
	char *path = paths[next++ % COUNT(paths)];

	snprintf(path, PATH_SIZE, "%s/%s", directory, name);
	return path;
}

static bool
is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static struct store *
open_store(void)
{
	struct err err = { "" };
	struct store *store = store_open(inside("data"), &err);

	if (store == NULL)
		fail_msg("%s", err.text);
	return store;
}

static void
put(struct store *store, const char *value)
{
	store_meta_put(store, "test", value);
	store_commit(store);
}

/* What a store in the file holds; the file is looked at as a restore would. */
static void
assert_holds(const char *path, const char *value)
{
	struct db_findings found;
	struct err err = { "" };
	char sql[256];

	assert_int_equal(db_examine(path, &found, &err), 0);
	assert_string_equal(found.trouble, "");
	snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM meta WHERE key = 'test' AND value = '%s'", value);
	assert_int_equal(db_count(path, sql), 1);
}

static void
write_file(const char *path, const char *text)
{
	struct err err = { "" };

	assert_int_equal(file_replace(path, str_of(text), &err), 0);
}

static void
a_backup_is_of_what_is_committed(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err = { "" };
	struct stat found;

	put(store, "first");
	store_meta_put(store, "test", "second");
	assert_int_equal(store_backup(inside("data"), inside("copy.db"), &err), 0);
	assert_holds(inside("copy.db"), "first");
	assert_int_equal(stat(inside("copy.db"), &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
	store_commit(store);
	assert_int_equal(store_backup(inside("data"), inside("copy.db"), &err), 0);
	assert_holds(inside("copy.db"), "second");
	assert_false(is_there(inside("copy.db.new")));
	store_close(store);
}

static void
what_was_cut_off_is_no_hindrance(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err = { "" };

	put(store, "x");
	write_file(inside("copy.db.new"), "half of a backup");
	assert_int_equal(store_backup(inside("data"), inside("copy.db"), &err), 0);
	assert_holds(inside("copy.db"), "x");
	store_close(store);
}

static void
damage(const char *path)
{
	FILE *file = fopen(path, "r+b");

	assert_non_null(file);
	assert_int_equal(fseek(file, 8192, SEEK_SET), 0);
	for (int i = 0; i < 8192; i++)
		fputc(i * 7 % 251, file);
	assert_int_equal(fclose(file), 0);
}

/* A backup of yesterday is worth more than one of a store that was damaged today. */
static void
a_damaged_store_does_not_replace_a_good_backup(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err = { "" };

	put(store, "good");
	assert_int_equal(store_backup(inside("data"), inside("copy.db"), &err), 0);
	store_close(store);
	damage(inside("data/slipway.db"));
	assert_int_equal(store_backup(inside("data"), inside("copy.db"), &err), -1);
	assert_holds(inside("copy.db"), "good");
	assert_false(is_there(inside("copy.db.new")));
}

static void
nothing_is_made_where_no_store_is(void **state UNUSED)
{
	struct store_status status;
	struct err err = { "" };

	assert_int_equal(store_backup(inside("data"), inside("copy.db"), &err), -1);
	assert_non_null(strstr(err.text, "there is no store in"));
	assert_int_equal(store_status(inside("data"), &status, &err), -1);
	assert_false(is_there(inside("data")));
	assert_false(is_there(inside("copy.db")));
}

static size_t
count_files(const char *path)
{
	DIR *folder = opendir(path);
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count - 2;
}

static void
by_rule_the_newest_stay(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err = { "" };
	char to[BACKUP_PATH_SIZE];

	assert_int_equal(store_backup_newest_ms(inside("copies")), 0);
	for (int day = 0; day < 5; day++)
		assert_int_equal(store_backup_by_rule(inside("data"), inside("copies"), 3,
				     NOON_MS + day * DAY_MS, to, &err),
		    0);
	assert_string_equal(to, inside("copies/slipway-20260105T120000Z.db"));
	assert_int_equal(count_files(inside("copies")), 3);
	assert_true(is_there(inside("copies/slipway-20260103T120000Z.db")));
	assert_false(is_there(inside("copies/slipway-20260102T120000Z.db")));
	assert_int_equal(store_backup_newest_ms(inside("copies")), NOON_MS + 4 * DAY_MS);
	write_file(inside("copies/slipway-20250101T120000Z.db.mine"), "of a person");
	write_file(inside("copies/a.db"), "of a person");
	assert_int_equal(store_backup_by_rule(inside("data"), inside("copies"), 1,
			     NOON_MS + 5 * DAY_MS, to, &err),
	    0);
	assert_int_equal(count_files(inside("copies")), 3);
	store_close(store);
}

static void
a_restore_brings_back_and_keeps(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err = { "" };
	char kept[BACKUP_PATH_SIZE];

	put(store, "then");
	assert_int_equal(store_backup(inside("data"), inside("copy.db"), &err), 0);
	put(store, "now");
	assert_int_equal(
	    store_restore(inside("data"), inside("copy.db"), NOON_MS, kept, &err), -1);
	assert_non_null(strstr(err.text, "serves the data directory"));
	store_close(store);
	assert_int_equal(
	    store_restore(inside("data"), inside("copy.db"), NOON_MS, kept, &err), 0);
	assert_string_equal(kept, inside("data/slipway.db.before-20260101T120000Z"));
	assert_holds(inside("data/slipway.db"), "then");
	assert_holds(kept, "now");
	store = open_store();
	put(store, "later");
	store_close(store);
	assert_holds(inside("copy.db"), "then");
}

/* After a crash the last commits are in the log alone; another store's log must not be applied to the one that
 * comes in its place. */
static void
what_is_only_in_the_log_is_kept_too(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err = { "" };
	char kept[BACKUP_PATH_SIZE];
	char command[512];

	put(store, "then");
	assert_int_equal(store_backup(inside("data"), inside("copy.db"), &err), 0);
	put(store, "now");
	snprintf(command, sizeof(command), "cp -r %s/data %s/crashed", directory, directory);
	assert_int_equal(system(command), 0);
	store_close(store);
	assert_true(is_there(inside("crashed/slipway.db-wal")));
	assert_int_equal(
	    store_restore(inside("crashed"), inside("copy.db"), NOON_MS, kept, &err), 0);
	assert_holds(inside("crashed/slipway.db"), "then");
	assert_holds(kept, "now");
}

/* Of a store that is too broken to take its log in. */
static void
the_log_of_a_lost_store_is_not_applied(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err = { "" };
	char kept[BACKUP_PATH_SIZE];
	char command[512];
	char lost[16384];

	put(store, "then");
	assert_int_equal(store_backup(inside("data"), inside("copy.db"), &err), 0);
	store_close(store); /* which takes the log in */
	store = open_store();
	put(store, "now");
	snprintf(command, sizeof(command), "cp -r %s/data %s/crashed", directory, directory);
	assert_int_equal(system(command), 0);
	store_close(store);
	memset(lost, 'x', sizeof(lost) - 1);
	lost[sizeof(lost) - 1] = '\0';
	write_file(inside("crashed/slipway.db"), lost);
	assert_int_equal(
	    store_restore(inside("crashed"), inside("copy.db"), NOON_MS, kept, &err), 0);
	assert_holds(inside("crashed/slipway.db"), "then");
}

static void
assert_not_restored(const char *from, const char *why)
{
	struct err err = { "" };
	char kept[BACKUP_PATH_SIZE];

	assert_int_equal(store_restore(inside("data"), from, NOON_MS, kept, &err), -1);
	if (strstr(err.text, why) == NULL)
		fail_msg("'%s' does not say '%s'", err.text, why);
	assert_holds(inside("data/slipway.db"), "now");
	assert_false(is_there(inside("data/slipway.db.new")));
}

static void
only_a_sound_store_is_restored(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err = { "" };
	struct db *db;

	put(store, "now");
	assert_int_equal(store_backup(inside("data"), inside("damaged.db"), &err), 0);
	assert_int_equal(store_backup(inside("data"), inside("newer.db"), &err), 0);
	store_close(store);
	damage(inside("damaged.db"));
	db = db_open(inside("newer.db"), &err);
	db_set_version(db, schema_version() + 1);
	db_commit(db);
	db_close(db);
	db = db_open(inside("other.db"), &err);
	db_script(db, "CREATE TABLE meta(key TEXT, value TEXT)");
	db_commit(db);
	db_close(db);
	write_file(inside("text.db"), "no store at all, but a text of some length");
	assert_not_restored(inside("none.db"), "cannot be read");
	assert_not_restored(inside("damaged.db"), "malformed");
	assert_not_restored(inside("newer.db"), "written by a newer slipway");
	assert_not_restored(inside("other.db"), "is no store of Slipway's");
	assert_not_restored(inside("text.db"), "not a database");
}

static void
into_an_empty_place_nothing_is_kept(void **state UNUSED)
{
	struct store *store = open_store();
	struct err err = { "" };
	char kept[BACKUP_PATH_SIZE];

	put(store, "x");
	assert_int_equal(store_backup(inside("data"), inside("copy.db"), &err), 0);
	store_close(store);
	assert_int_equal(
	    store_restore(inside("fresh"), inside("copy.db"), NOON_MS, kept, &err), 0);
	assert_string_equal(kept, "");
	assert_holds(inside("fresh/slipway.db"), "x");
}

/* A configuration that says nothing but the defaults, and one member more. */
static int64_t
count_specs(const char *member)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM spec WHERE json LIKE '%%\"%s\"%%'",
	    member);
	return db_count(inside("data/slipway.db"), sql);
}

static void
a_rollback_leaves_what_an_older_program_reads(void **state UNUSED)
{
	struct store *store = open_store();
	struct catalog *catalog = catalog_new(store);
	struct stage_spec spec;
	struct err err = { "" };
	char kept[BACKUP_PATH_SIZE];
	struct buf json;
	struct buf again;
	bool is_new;
	int64_t from = 0;

	put(store, "now");
	stage_spec_set_defaults(&spec);
	spec.project = "shop";
	spec.stage = "production";
	spec.image = "r/shop";
	spec.engine = "local";
	spec.replicas = 3;
	buf_init(&json, CONFIG_SPEC_BYTES_MAX);
	stage_spec_write(&spec, &json);
	catalog_add_stage(
	    catalog, catalog_put_project(catalog, "shop", &is_new), 1, 2, buf_view(&json));
	store_commit(store);
	assert_int_equal(
	    store_move(inside("data"), 1, NOON_MS, kept, &from, &err), -1); /* it is served */
	catalog_free(catalog);
	store_close(store);
	assert_int_equal(count_specs("tag_regex"), 1);
	assert_int_equal(store_move(inside("data"), 1, NOON_MS, kept, &from, &err), 0);
	assert_int_equal(from, schema_version());
	assert_holds(inside("data/slipway.db"), "now");
	assert_int_equal(db_count(inside("data/slipway.db"), "PRAGMA user_version"), 1);
	assert_int_equal(count_specs("replicas"), 1);
	assert_int_equal(count_specs("tag_regex"), 0);
	assert_holds(kept, "now");
	assert_int_equal(db_count(kept, "PRAGMA user_version"), schema_version());
	store = open_store();
	catalog = catalog_new(store);
	assert_int_equal(catalog_load(catalog, &err), 0);
	buf_init(&again, CONFIG_SPEC_BYTES_MAX);
	stage_spec_write(catalog_stage_at(catalog, 0)->spec, &again);
	assert_string_equal(buf_cstr(&again), buf_cstr(&json));
	buf_free(&again);
	buf_free(&json);
	catalog_free(catalog);
	store_close(store);
}

static void
the_status_tells_what_is_there(void **state UNUSED)
{
	struct store *store = open_store();
	struct store_status status;
	struct err err = { "" };

	put(store, "x");
	assert_int_equal(store_status(inside("data"), &status, &err), 0);
	assert_true(status.is_served);
	assert_int_equal(status.version, schema_version());
	assert_true(status.bytes + status.log_bytes > 4096);
	assert_string_equal(status.trouble, "");
	store_close(store);
	assert_int_equal(store_status(inside("data"), &status, &err), 0);
	assert_false(status.is_served);
	assert_int_equal(status.log_bytes, 0);
	damage(inside("data/slipway.db"));
	assert_int_equal(store_status(inside("data"), &status, &err), 0);
	assert_string_not_equal(status.trouble, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_backup_is_of_what_is_committed),
		TEST(what_was_cut_off_is_no_hindrance),
		TEST(a_damaged_store_does_not_replace_a_good_backup),
		TEST(nothing_is_made_where_no_store_is),
		TEST(by_rule_the_newest_stay),
		TEST(a_restore_brings_back_and_keeps),
		TEST(what_is_only_in_the_log_is_kept_too),
		TEST(the_log_of_a_lost_store_is_not_applied),
		TEST(only_a_sound_store_is_restored),
		TEST(into_an_empty_place_nothing_is_kept),
		TEST(a_rollback_leaves_what_an_older_program_reads),
		TEST(the_status_tells_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
