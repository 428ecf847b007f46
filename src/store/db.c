/* db.c - see db.h. */
#include "store/db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"

enum { STATEMENTS_MAX = 192, SLOTS = 512, DB_UPKEEP_WAIT_MS = 5000 };

struct query {
	struct db *db;
	const char *sql;
	sqlite3_stmt *stmt;
	int bound;
};

struct db {
	sqlite3 *sqlite;
	char *path;
	int told_wal_pages; /* how long the log was when that was last told */
	bool in_transaction;
	bool in_reads;
	int statement_count;
	struct query statements[STATEMENTS_MAX];
	uint8_t slots[SLOTS]; /* by the address of the text: place in statements + 1 */
};

/* What to do about the last error. A full disk shows in several ways: SQLite maps the shared memory
 * file's to an I/O error. */
static const char *
remedy(struct db *db)
{
	int code = sqlite3_errcode(db->sqlite);

	if (code == SQLITE_FULL || sqlite3_system_errno(db->sqlite) == ENOSPC)
		return "free space on its disk and start again, nothing is lost";
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR
	    || code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH)
		return "the file is damaged, or is not Slipway's: put a backup in its place, "
		       "or move it "
		       "away to begin anew";
	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return "another program holds it: end that one and start again";
	return "check its disk and permissions and start again";
}

static _Noreturn void
die(struct db *db, const char *what)
{
	log_error(NULL, "store.failed", "the store %s cannot be written or read: %s (%s); %s",
	    db->path, sqlite3_errmsg(db->sqlite), what, remedy(db));
	_exit(EXIT_STORE_BROKEN);
}

void
db_damaged(struct db *db, const char *what)
{
	log_error(NULL, "store.failed",
	    "the store %s is damaged: %s; put a backup in its place, or move it away to begin "
	    "anew",
	    db->path, what);
	_exit(EXIT_STORE_BROKEN);
}

static void
execute(struct db *db, const char *sql)
{
	if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		die(db, sql);
}

/* What a PRAGMA answers, as text. */
static void
ask_pragma(struct db *db, const char *sql, char *answer, size_t size)
{
	sqlite3_stmt *stmt;

	answer[0] = '\0';
	if (sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
		return;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		snprintf(answer, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
}

/* After each commit: the log goes into the file piece by piece. While another program reads the file
 * (a backup), SQLite has to keep what is newer than that one's view, and the log grows. */
static int
on_wal(void *context, sqlite3 *sqlite, const char *name, int pages)
{
	struct db *db = context;

	if (pages < STORE_WAL_PAGES) {
		db->told_wal_pages = 0;
		return SQLITE_OK;
	}
	(void)sqlite3_wal_checkpoint_v2(sqlite, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (pages >= STORE_WAL_WARN_PAGES && pages >= 2 * db->told_wal_pages) {
		db->told_wal_pages = pages;
		log_warn(NULL, "store.wal",
		    "%s-wal has grown to %d MB, because another program keeps %s open for "
		    "reading:"
		    " end that one (fuser shows it)",
		    db->path, pages / 256, db->path);
	}
	return SQLITE_OK;
}

static int
set_up(struct db *db, bool is_file, struct err *err)
{
	char answer[32];
	char sql[64];

	sqlite3_busy_timeout(db->sqlite, 2000);
	ask_pragma(db, "PRAGMA journal_mode=WAL", answer, sizeof(answer));
	if (is_file && strcmp(answer, "wal") != 0)
		return err_set(err, "%s; %s", sqlite3_errmsg(db->sqlite), remedy(db));
	ask_pragma(db, "PRAGMA synchronous=FULL", answer, sizeof(answer));
	ask_pragma(db, "PRAGMA synchronous", answer, sizeof(answer));
	if (strcmp(answer, "2") != 0) /* NORMAL would lose commits on power failure */
		return err_set(err, "synchronous=FULL was not accepted (it is %s)", answer);
	ask_pragma(db, "PRAGMA foreign_keys=ON", answer, sizeof(answer));
	ask_pragma(db, "PRAGMA cache_size=-1024", answer, sizeof(answer));
	snprintf(sql, sizeof(sql), "PRAGMA journal_size_limit=%d", STORE_WAL_KEPT);
	ask_pragma(db, sql, answer, sizeof(answer));
	/* Or a statement is planned anew for each value that a partial index might have wanted. */
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
	sqlite3_wal_hook(db->sqlite, on_wal, db);
	return 0;
}

struct db *
db_open(const char *path, struct err *err)
{
	struct db *db = calloc(1, sizeof(*db));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	CHECK(db != NULL);
	db->path = strdup(path);
	CHECK(db->path != NULL);
	if (sqlite3_open_v2(path, &db->sqlite, flags, NULL) != SQLITE_OK) {
		err_set(err, "cannot open the store %s: %s; %s", path,
		    sqlite3_errmsg(db->sqlite), remedy(db));
		db_close(db);
		return NULL;
	}
	if (set_up(db, strcmp(path, ":memory:") != 0, err) != 0) {
		err_context(err, "cannot use the store %s", path);
		db_close(db);
		return NULL;
	}
	return db;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (int i = 0; i < db->statement_count; i++)
		sqlite3_finalize(db->statements[i].stmt);
	sqlite3_close(db->sqlite);
	free(db->path);
	free(db);
}

static struct query *
prepare(struct db *db, const char *sql)
{
	struct query *q = &db->statements[db->statement_count];

	CHECK(db->statement_count < STATEMENTS_MAX);
	db->statement_count++;
	*q = (struct query){ .db = db, .sql = sql };
	if (sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &q->stmt, NULL)
	    != SQLITE_OK)
		die(db, sql);
	return q;
}

struct query *
db_read(struct db *db, const char *sql)
{
	size_t at = (size_t)((uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15) >> 40) % SLOTS;
	struct query *q;

	while (db->slots[at] != 0 && db->statements[db->slots[at] - 1].sql != sql)
		at = (at + 1) % SLOTS;
	if (db->slots[at] == 0) {
		prepare(db, sql);
		db->slots[at] = (uint8_t)db->statement_count;
	}
	q = &db->statements[db->slots[at] - 1];
	CHECK(!sqlite3_stmt_busy(q->stmt));
	q->bound = 0;
	return q;
}

/* Of a transaction: kept, too, as each tick that writes needs two of them. */
static void
run(struct db *db, const char *sql)
{
	db_run(db_read(db, sql));
}

struct query *
db_write(struct db *db, const char *sql)
{
	CHECK(!db->in_reads);
	if (!db->in_transaction) {
		run(db, "BEGIN IMMEDIATE");
		db->in_transaction = true;
	}
	return db_read(db, sql);
}

void
db_reads_begin(struct db *db)
{
	CHECK(!db->in_reads);
	if (db->in_transaction)
		return;
	run(db, "BEGIN");
	db->in_reads = true;
}

void
db_reads_end(struct db *db)
{
	if (!db->in_reads)
		return;
	run(db, "COMMIT");
	db->in_reads = false;
}

void
query_integer(struct query *q, int64_t value)
{
	CHECK(sqlite3_bind_int64(q->stmt, ++q->bound, value) == SQLITE_OK);
}

void
query_str(struct query *q, struct str value)
{
	CHECK(sqlite3_bind_text64(q->stmt, ++q->bound, value.p == NULL ? "" : value.p, value.n,
		  SQLITE_TRANSIENT, SQLITE_UTF8)
	      == SQLITE_OK);
}

void
query_text(struct query *q, const char *value)
{
	query_str(q, str_of(value));
}

bool
db_next(struct query *q)
{
	int code;

	CHECK(q->bound == sqlite3_bind_parameter_count(q->stmt));
	code = sqlite3_step(q->stmt);
	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		die(q->db, q->sql);
	sqlite3_reset(q->stmt);
	return false;
}

void
db_done(struct query *q)
{
	sqlite3_reset(q->stmt);
}

void
db_run(struct query *q)
{
	while (db_next(q))
		;
}

int64_t
db_inserted(const struct db *db)
{
	return sqlite3_last_insert_rowid(db->sqlite);
}

int64_t
column_integer(struct query *q, int column)
{
	return sqlite3_column_int64(q->stmt, column);
}

const char *
column_text(struct query *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q->stmt, column);

	return text == NULL ? "" : text;
}

struct str
column_str(struct query *q, int column)
{
	const char *text = column_text(q, column);

	return (struct str){ text, (size_t)sqlite3_column_bytes(q->stmt, column) };
}

void
column_copy(struct query *q, int column, char *to, size_t size)
{
	struct str text = column_str(q, column);
	char what[REASON_SIZE];

	if (str_copy(to, size, text))
		return;
	snprintf(what, sizeof(what), "a '%s' has %zu bytes, at most %zu can be",
	    sqlite3_column_name(q->stmt, column), text.n, size - 1);
	db_damaged(q->db, what);
}

void
db_script(struct db *db, const char *sql)
{
	if (!db->in_transaction) {
		run(db, "BEGIN IMMEDIATE");
		db->in_transaction = true;
	}
	execute(db, sql);
}

bool
db_is_dirty(const struct db *db)
{
	return db->in_transaction;
}

void
db_commit(struct db *db)
{
	if (!db->in_transaction)
		return;
	run(db, "COMMIT");
	db->in_transaction = false;
}

void
db_rollback(struct db *db)
{
	if (!db->in_transaction)
		return;
	run(db, "ROLLBACK");
	db->in_transaction = false;
}

int64_t
db_version(struct db *db)
{
	char answer[32];

	ask_pragma(db, "PRAGMA user_version", answer, sizeof(answer));
	if (answer[0] == '\0')
		die(db, "PRAGMA user_version");
	return strtoll(answer, NULL, 10);
}

void
db_set_version(struct db *db, int64_t version)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA user_version=%lld", (long long)version);
	db_script(db, sql);
}

/* Upkeep: one file, nobody's transaction, and errors that are told. */

static sqlite3 *
open_plain(const char *path, struct err *err)
{
	sqlite3 *sqlite;

	if (sqlite3_open_v2(path, &sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL)
	    == SQLITE_OK) {
		sqlite3_busy_timeout(sqlite, DB_UPKEEP_WAIT_MS);
		return sqlite;
	}
	err_set(err, "cannot open %s: %s", path, sqlite3_errmsg(sqlite));
	sqlite3_close(sqlite);
	return NULL;
}

/* The one value that a statement gives, as text; "" for none. */
static int
ask_plain(sqlite3 *sqlite, const char *sql, const char *value, char *answer, size_t size)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL);

	answer[0] = '\0';
	if (code == SQLITE_OK && value != NULL)
		code = sqlite3_bind_text(stmt, 1, value, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL)
		snprintf(answer, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}

int
db_copy(const char *from, const char *to, struct err *err)
{
	sqlite3 *sqlite = open_plain(from, err);
	char answer[32];
	int result = 0;

	if (sqlite == NULL)
		return -1;
	if (ask_plain(sqlite, "VACUUM INTO ?", to, answer, sizeof(answer)) != 0)
		result =
		    err_set(err, "cannot copy %s to %s: %s", from, to, sqlite3_errmsg(sqlite));
	sqlite3_close(sqlite);
	return result;
}

int
db_examine(const char *path, struct db_findings *ret, struct err *err)
{
	sqlite3 *sqlite = open_plain(path, err);
	char number[32];
	int result = 0;

	*ret = (struct db_findings){ 0 };
	if (sqlite == NULL)
		return -1;
	if (ask_plain(sqlite, "PRAGMA user_version", NULL, number, sizeof(number)) != 0
	    || ask_plain(sqlite, "PRAGMA integrity_check(1)", NULL, ret->trouble,
		   sizeof(ret->trouble))
		   != 0)
		result = err_set(err, "cannot read %s: %s", path, sqlite3_errmsg(sqlite));
	ret->version = strtoll(number, NULL, 10);
	if (strcmp(ret->trouble, "ok") == 0)
		ret->trouble[0] = '\0';
	if (result == 0 && ret->trouble[0] == '\0'
	    && ask_plain(sqlite,
		   "SELECT 'a row of ' || \"table\" || ' refers to one that is missing'"
		   " FROM pragma_foreign_key_check LIMIT 1",
		   NULL, ret->trouble, sizeof(ret->trouble))
		   != 0)
		result = err_set(err, "cannot read %s: %s", path, sqlite3_errmsg(sqlite));
	sqlite3_close(sqlite);
	return result;
}

int64_t
db_count(const char *path, const char *sql)
{
	struct err ignored;
	sqlite3 *sqlite = open_plain(path, &ignored);
	char number[32] = "";

	if (sqlite == NULL)
		return 0;
	(void)ask_plain(sqlite, sql, NULL, number, sizeof(number));
	sqlite3_close(sqlite);
	return strtoll(number, NULL, 10);
}

void
db_fold(const char *path)
{
	struct err ignored;
	sqlite3 *sqlite = open_plain(path, &ignored);
	char answer[32];

	if (sqlite == NULL)
		return;
	(void)ask_plain(
	    sqlite, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, answer, sizeof(answer));
	sqlite3_close(sqlite);
}
