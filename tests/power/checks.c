/* checks.c - see checks.h. It reads the tables by the store's own connection, so it sees what a
 * commit is about to keep. */
#include "checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"

enum {
	GROWING = 2, /* the last of the tables */
	PATH_SIZE = 256,
	FILE_MAX = 65536,
};

static const char *const tables[TABLES] = { "meta", "deploy", "swap", "poll_actor",
	"stage_actor", "sweep_actor", "instance", "sqlite_schema", "journal", "deploy_log" };
static const char *const files[FILES] = { "haproxy.cfg", "hosts.map" };

static const char *root;
static struct promise *promise;
static sqlite3 *sqlite;
static sqlite3_stmt *looks[TABLES]; /* at the tables */
static struct {
	int64_t last; /* seq that the digest has */
	uint64_t digest;
} grown[GROWING];

_Noreturn void
lost(const char *what, const char *about)
{
	printf("lost: %s: %s\n", what, about);
	fflush(stdout);
	exit(1);
}

/* What is in the store. */

static uint64_t
digest_bytes(uint64_t digest, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		digest =
		    (digest ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
	return digest;
}

static sqlite3_stmt *
query(const char *sql)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
		lost(sql, sqlite3_errmsg(sqlite));
	return stmt;
}

static bool
next_row(sqlite3_stmt *stmt)
{
	int code = sqlite3_step(stmt);

	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		lost(sqlite3_sql(stmt), sqlite3_errmsg(sqlite));
	sqlite3_finalize(stmt);
	return false;
}

static const char *
text_of(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text == NULL ? "" : text;
}

/* The rows of a table behind a seq, or all. */
static uint64_t
digest_rows(uint64_t digest, size_t table, int64_t *last)
{
	sqlite3_stmt *stmt = looks[table];
	char sql[96];

	if (stmt == NULL) {
		snprintf(sql, sizeof(sql), "SELECT * FROM %s %s ORDER BY 1, 2", tables[table],
		    table < TABLES - GROWING ? "" : "WHERE seq > ?");
		stmt = looks[table] = query(sql);
	}
	sqlite3_reset(stmt);
	sqlite3_bind_int64(stmt, 1, *last);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		*last = sqlite3_column_int64(stmt, 0);
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const char *text = text_of(stmt, i);

			digest = digest_bytes(digest, text, strlen(text) + 1);
		}
	}
	if (sqlite3_reset(stmt) != SQLITE_OK)
		lost(tables[table], sqlite3_errmsg(sqlite));
	return digest;
}

/* Where nothing is removed, what is new in a table that grows is put to the digest of before. */
struct content
checks_content(void)
{
	static const uint64_t start = UINT64_C(14695981039346656037);
	struct content content;
	int64_t ignored = 0;

	for (size_t i = 0; i < TABLES - GROWING; i++)
		content.digests[i] = digest_rows(start, i, &ignored);
	if (promise->is_removing)
		memset(grown, 0, sizeof(grown));
	for (size_t i = 0; i < GROWING; i++) {
		size_t table = TABLES - GROWING + i;

		grown[i].digest = digest_rows(
		    grown[i].last == 0 ? start : grown[i].digest, table, &grown[i].last);
		content.digests[table] = grown[i].digest;
	}
	return content;
}

/* Checks. */

static void
check_integrity(void)
{
	sqlite3_stmt *stmt = query("PRAGMA integrity_check");

	while (next_row(stmt))
		if (strcmp(text_of(stmt, 0), "ok") != 0)
			lost("integrity_check", text_of(stmt, 0));
}

/* All tables as they were at one commit: the last that came back, or the one under way. */
static void
check_content(void)
{
	struct content is = checks_content();

	if (memcmp(&is, &promise->kept, sizeof(is)) == 0
	    || memcmp(&is, &promise->begun, sizeof(is)) == 0)
		return;
	for (size_t i = 0; i < TABLES; i++)
		if (is.digests[i] != promise->kept.digests[i]
		    && is.digests[i] != promise->begun.digests[i])
			lost("neither as committed nor as begun", tables[i]);
	lost("half of a commit", "the tables are of different ones");
}

static void
check_none(const char *law, const char *sql)
{
	sqlite3_stmt *stmt = query(sql);

	while (next_row(stmt))
		lost(law, text_of(stmt, 0));
}

static void
check_journal(void)
{
	if (!promise->is_removing)
		check_none("the journal has a gap",
		    "SELECT seq FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS n FROM "
		    "journal)"
		    " WHERE seq != n");
	check_none("a step does not begin where the one before ended",
	    "SELECT seq FROM (SELECT seq, from_, lag(to_) OVER (PARTITION BY actor ORDER BY "
	    "seq)"
	    " AS before FROM journal WHERE kind IN ('DEPLOY', 'SWAP', 'STAGE'))"
	    " WHERE before != from_");
	check_none("an actor is not where its last step led",
	    "WITH a(id, state) AS (SELECT id, state FROM deploy UNION ALL"
	    " SELECT id, state FROM swap UNION ALL SELECT id, state FROM stage_actor UNION ALL"
	    " SELECT id, state FROM poll_actor UNION ALL SELECT id, state FROM sweep_actor)"
	    " SELECT a.id FROM a WHERE a.state != coalesce((SELECT to_ FROM journal"
	    " WHERE actor = a.id ORDER BY seq DESC LIMIT 1), a.state)");
	check_none("a step of no actor", "SELECT seq FROM journal WHERE kind = 'DEPLOY' AND "
					 "actor NOT IN (SELECT id FROM deploy)");
}

/* Files that are replaced. */

static void
path_of(size_t file, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "%s/%s", root, files[file]);
}

static void
write_text(size_t file, uint64_t number, struct buf *text)
{
	buf_clear(text);
	for (uint64_t i = 0; i <= number * 37 % 200; i++)
		buf_format(text, "%s %" PRIu64 " line %" PRIu64 "\n", files[file], number, i);
}

static bool
is_text(size_t file, uint64_t number, struct str is)
{
	struct buf wanted;
	bool is_same;

	buf_init(&wanted, FILE_MAX);
	write_text(file, number, &wanted);
	is_same = wanted.n == is.n && (is.n == 0 || memcmp(wanted.p, is.p, is.n) == 0);
	buf_free(&wanted);
	return is_same;
}

static void
check_files(void)
{
	for (size_t i = 0; i < FILES; i++) {
		char path[PATH_SIZE];
		struct buf is;
		struct err err;

		buf_init(&is, FILE_MAX);
		path_of(i, path);
		if (file_read(path, &is, &err) != 0) {
			if (promise->file_kept[i] != 0)
				lost("a file that was replaced", err.text);
		} else if (is_text(i, promise->file_begun[i], buf_view(&is))) {
			promise->file_kept[i] = promise->file_begun[i];
		} else if (!is_text(i, promise->file_kept[i], buf_view(&is))) {
			lost("neither the old file nor the new one", path);
		}
		promise->file_begun[i] = promise->file_kept[i];
		buf_free(&is);
	}
}

void
checks_replace(size_t file)
{
	char path[PATH_SIZE];
	struct buf text;
	struct err err;

	path_of(file, path);
	buf_init(&text, FILE_MAX);
	write_text(file, ++promise->file_begun[file], &text);
	if (file_replace(path, buf_view(&text), &err) != 0)
		lost("a file cannot be replaced", err.text);
	promise->file_kept[file] = promise->file_begun[file];
	buf_free(&text);
}

/* The end and the beginning of a connection. */

static int
on_connected(sqlite3 *db, char **message UNUSED, const void *api UNUSED)
{
	sqlite = db;
	return SQLITE_OK;
}

void
checks_begin(const char *below, struct promise *shared)
{
	root = below;
	promise = shared;
	sqlite3_auto_extension((void (*)(void))on_connected);
	check_files();
}

sqlite3 *
checks_opened(void)
{
	check_integrity();
	if (promise->is_made)
		check_content();
	check_journal();
	promise->begun = promise->kept = checks_content();
	promise->is_made = true;
	return sqlite;
}

void
checks_closing(void)
{
	for (size_t i = 0; i < TABLES; i++) {
		sqlite3_finalize(looks[i]);
		looks[i] = NULL;
	}
	memset(grown, 0, sizeof(grown));
}
