/* db.h - SQLite behind few words; the only file that includes sqlite3.h is db.c.
 *
 * The one idea: writes of a tick gather in one transaction, opened by the first of them and ended
 * by db_commit() with a full sync. A statement that fails is a broken store: the process says why
 * and exits, because recovery at the next start is the error path that is tested most. */
#ifndef SLIPWAY_STORE_DB_H
#define SLIPWAY_STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

struct db;
struct query;

enum { EXIT_STORE_BROKEN = 74 }; /* EX_IOERR of sysexits.h */

/* path: a file, or ":memory:". WAL, synchronous=FULL, foreign keys; checked after setting. */
struct db *db_open(const char *path, struct err *err) MUST_USE;
void db_close(struct db *db);

/* A prepared statement, kept for the next use of the same text. db_write opens the transaction.
 * Bind the values in order, then db_next for each row; db_run when no row is wanted. A statement
 * must be finished (db_next returned false, or db_done) before the same one is used again. */
struct query *db_read(struct db *db, const char *sql);
struct query *db_write(struct db *db, const char *sql);

/* Many reads in a row under one lock of the file; four system calls less for each. No write before
 * the end. Within a transaction there is nothing to do. */
void db_reads_begin(struct db *db);
void db_reads_end(struct db *db);

void query_integer(struct query *q, int64_t value);
void query_text(struct query *q, const char *value); /* copied */
void query_str(struct query *q, struct str value); /* copied */

bool db_next(struct query *q);
void db_done(struct query *q);
void db_run(struct query *q);

/* The key of the row that the last INSERT made; cheaper than RETURNING, which makes a table for it. */
int64_t db_inserted(const struct db *db);

int64_t column_integer(struct query *q, int column);
const char *column_text(struct query *q, int column); /* "" for NULL; until the next db_next */
struct str column_str(struct query *q, int column);

/* Into an array that every row we write fits; for another's this ends as db_damaged does. */
void column_copy(struct query *q, int column, char *to, size_t size);

/* Several statements without values; for the schema. */
void db_script(struct db *db, const char *sql);

/* A row makes no sense: ends the process as a failing statement does, saying so. */
_Noreturn void db_damaged(struct db *db, const char *what);

bool db_is_dirty(const struct db *db);
void db_commit(struct db *db); /* nothing to do when clean */
void db_rollback(struct db *db); /* the simulator's crash */

/* Upkeep of a file that another process may have open; nothing here ends the process.
 * copy: everything at one moment into a new file. fold: what is committed comes into the file itself, if
 * nobody else has it open; a file that is damaged stays as it is. */
struct db_findings {
	int64_t version; /* PRAGMA user_version */
	char trouble[REASON_SIZE]; /* the first thing that is wrong with it; "": it is sound */
};
int db_copy(const char *from, const char *to, struct err *err) MUST_USE;
int db_examine(const char *path, struct db_findings *ret, struct err *err) MUST_USE;
void db_fold(const char *path);
int64_t db_count(const char *path, const char *sql); /* one number; 0 when it cannot be told */

int64_t db_version(struct db *db); /* PRAGMA user_version */
void db_set_version(struct db *db, int64_t version);

#endif
