/* test_schema.c - migrations up and down: every step has its way back, and rows survive both.
 *
 * The one idea: nothing here knows a table. What is there is asked of SQLite itself over a connection
 * of the test's own, so a migration that is added is tested as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/str.h"
#include "store/db.h"
#include "store/schema.h"

enum { TEXT_MAX = 1 << 20, NAMES_MAX = 128 };

struct names {
	char items[NAMES_MAX][64];
	size_t count;
};

static char directory[64];
static struct db *db;
static sqlite3 *eye;

static int
open_both(void **state UNUSED)
{
	struct err err = { "" };
	char path[128];

	snprintf(directory, sizeof(directory), "/tmp/slipway-schema-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/slipway.db", directory);
	db = db_open(path, &err);
	assert_non_null(db);
	assert_int_equal(sqlite3_open(path, &eye), SQLITE_OK);
	return 0;
}

static int
close_both(void **state UNUSED)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[128];

	sqlite3_close(eye);
	db_close(db);
	for (size_t i = 0; i < COUNT(ends); i++) {
		snprintf(path, sizeof(path), "%s/slipway.db%s", directory, ends[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(directory), 0);
	return 0;
}

static void
move(int64_t to)
{
	struct err err = { "" };

	assert_int_equal(schema_move(db, to, &err), 0);
	assert_int_equal(db_version(db), to);
	assert_false(db_is_dirty(db));
}

static sqlite3_stmt *
ask(const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(eye, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(eye));
	return stmt;
}

static const char *
text_of(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text == NULL ? "" : text;
}

static void
list(const char *sql, struct names *names)
{
	sqlite3_stmt *stmt = ask(sql);

	names->count = 0;
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		assert_true(names->count < NAMES_MAX);
		snprintf(names->items[names->count++], sizeof(names->items[0]), "%s",
		    text_of(stmt, 0));
	}
	sqlite3_finalize(stmt);
}

static void
list_tables(struct names *tables)
{
	list(
	    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
	    "ORDER BY rowid",
	    tables);
}

static void
list_columns(const char *table, struct names *columns)
{
	char sql[256];

	snprintf(
	    sql, sizeof(sql), "SELECT name FROM pragma_table_info('%s') ORDER BY cid", table);
	list(sql, columns);
}

static bool
holds(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i], name) == 0)
			return true;
	return false;
}

/* Everything that SQLite keeps of the schema, but its blanks. */
static char *
read_schema(void)
{
	sqlite3_stmt *stmt =
	    ask("SELECT type, name, tbl_name, replace(coalesce(sql, ''), ' ', '') FROM "
		"sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2");
	struct buf text;
	char *copy;

	buf_init(&text, TEXT_MAX);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		buf_format(&text, "%s %s %s %s\n", text_of(stmt, 0), text_of(stmt, 1),
		    text_of(stmt, 2), text_of(stmt, 3));
	sqlite3_finalize(stmt);
	assert_false(text.overflow);
	copy = strdup(buf_cstr(&text));
	buf_free(&text);
	return copy;
}

static void
run(const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(eye, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
}

/* One row with 1 and 'x' wherever there is none: references lead to each other's rows. */
static void
fill(void)
{
	struct names tables;
	struct names columns;

	list_tables(&tables);
	run("BEGIN; PRAGMA defer_foreign_keys=ON");
	for (size_t i = 0; i < tables.count; i++) {
		struct buf sql;

		buf_init(&sql, TEXT_MAX);
		list_columns(tables.items[i], &columns);
		buf_format(&sql, "INSERT INTO \"%s\" SELECT ", tables.items[i]);
		for (size_t k = 0; k < columns.count; k++)
			buf_format(&sql,
			    "%s(SELECT CASE type WHEN 'INTEGER' THEN 1 ELSE 'x' END FROM "
			    "pragma_table_info('%s') WHERE cid = %zu)",
			    k == 0 ? "" : ", ", tables.items[i], k);
		buf_format(&sql, " WHERE NOT EXISTS (SELECT 1 FROM \"%s\")", tables.items[i]);
		run(buf_cstr(&sql));
		buf_free(&sql);
	}
	run("COMMIT");
}

/* Rows of all tables, in the columns that `columns` of the same place name. */
static char *
read_rows(const struct names *tables, const struct names *columns)
{
	struct buf text;
	char *copy;

	buf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < tables->count; i++) {
		for (size_t k = 0; k < columns[i].count; k++) {
			char sql[256];
			sqlite3_stmt *stmt;

			snprintf(sql, sizeof(sql), "SELECT \"%s\" FROM \"%s\"",
			    columns[i].items[k], tables->items[i]);
			stmt = ask(sql);
			while (sqlite3_step(stmt) == SQLITE_ROW)
				buf_format(&text, "%s.%s=%s\n", tables->items[i],
				    columns[i].items[k], text_of(stmt, 0));
			sqlite3_finalize(stmt);
		}
	}
	assert_false(text.overflow);
	copy = strdup(buf_cstr(&text));
	buf_free(&text);
	return copy;
}

static void
assert_schema_is(const char *wanted)
{
	char *is = read_schema();

	assert_string_equal(is, wanted);
	free(is);
}

static void
each_step_back_gives_the_schema_before(void **state UNUSED)
{
	for (int64_t version = 0; version < schema_version(); version++) {
		char *before;
		char *after;

		move(version);
		before = read_schema();
		move(version + 1);
		after = read_schema();
		assert_string_not_equal(before, after);
		move(version);
		assert_schema_is(before);
		move(version + 1);
		assert_schema_is(after);
		free(before);
		free(after);
	}
}

static void
from_the_top_to_nothing_and_up_again(void **state UNUSED)
{
	char *top;

	move(schema_version());
	top = read_schema();
	fill();
	move(0);
	assert_schema_is("");
	move(schema_version());
	assert_schema_is(top);
	free(top);
}

/* Down to each version and up again: what that version has, too, is as it was. */
static void
rows_survive_where_their_columns_do(void **state UNUSED)
{
	struct names tables;
	struct names *columns = calloc(NAMES_MAX, sizeof(*columns));

	assert_non_null(columns);
	for (int64_t version = 1; version < schema_version(); version++) {
		char *before;
		char *below;
		char *after;

		move(version);
		list_tables(&tables);
		assert_true(holds(&tables, "deploy"));
		for (size_t i = 0; i < tables.count; i++)
			list_columns(tables.items[i], &columns[i]);
		move(schema_version());
		fill();
		before = read_rows(&tables, columns);
		assert_non_null(strstr(before, "deploy.digest=x"));
		move(version);
		below = read_rows(&tables, columns);
		assert_string_equal(below, before);
		move(schema_version());
		after = read_rows(&tables, columns);
		assert_string_equal(after, before);
		free(before);
		free(below);
		free(after);
	}
	free(columns);
}

static void
a_store_of_a_newer_program_stays_as_it_is(void **state UNUSED)
{
	struct err err = { "" };
	char *before;

	move(schema_version());
	before = read_schema();
	db_set_version(db, schema_version() + 1);
	db_commit(db);
	assert_int_equal(schema_move(db, 1, &err), -1);
	assert_non_null(strstr(err.text, "newer slipway"));
	assert_int_equal(db_version(db), schema_version() + 1);
	assert_schema_is(before);
	free(before);
}

static void
becomes(const char *was, const char *wanted)
{
	struct names found;
	char sql[256];

	snprintf(sql, sizeof(sql), "UPDATE deploy SET %s", was);
	move(schema_version());
	run(sql);
	move(19);
	list("SELECT state || ' ' || trigger || ' ' || reason FROM deploy", &found);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.items[0], wanted);
}

/* A program that knows of no stops finds nothing of one that it would take for a version. */
static void
a_stop_is_no_version_to_an_older_program(void **state UNUSED)
{
	static const char stop[] = "trigger = 'STOP', reason = '', ";
	char was[128];

	move(schema_version());
	fill();
	snprintf(was, sizeof(was), "%sstate = 'STOPPED', ended_ms = 5", stop);
	becomes(was, "CANCELED MANUAL stopped the stage");
	snprintf(was, sizeof(was), "%sstate = 'DRAINING', ended_ms = 0", stop);
	becomes(was, "UNDOING MANUAL stopped the stage");
	snprintf(was, sizeof(was), "%sstate = 'RETIRING', ended_ms = 0", stop);
	becomes(was, "UNDOING MANUAL stopped the stage");
	snprintf(was, sizeof(was), "%sstate = 'SWAPPING', ended_ms = 0", stop);
	becomes(was, "SWAPPING MANUAL ");
	becomes("trigger = 'POLL', reason = '', state = 'DRAINING', ended_ms = 0",
	    "DRAINING POLL ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_both, close_both)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_step_back_gives_the_schema_before),
		TEST(from_the_top_to_nothing_and_up_again),
		TEST(rows_survive_where_their_columns_do),
		TEST(a_store_of_a_newer_program_stays_as_it_is),
		TEST(a_stop_is_no_version_to_an_older_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
