/* life.c - see life.h: the real store and the real runtime, with answers drawn from the seed. */
#include "life.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "disk.h"
#include "serve/runtime.h"
#include "store/deploys.h"
#include "store/store.h"

enum {
	STAGES = 3,
	PATH_SIZE = 256,
	GROWING = 2, /* the last of the tables */
	TICKS_MAX = 200,
	TICKS_LAST = 10,
	EFFECTS_MAX = 256,
	FILE_MAX = 65536,
};

static const char *const tables[TABLES] = { "meta", "deploy", "swap", "poll_actor",
	"stage_actor", "sweep_actor", "instance", "sqlite_schema", "journal", "deploy_log" };
static const char *const files[FILES] = { "haproxy.cfg", "hosts.map" };

static uint64_t seed;
static uint64_t random_state;
static const char *root;
static struct promise *promise;
static sqlite3 *sqlite; /* the store's own connection */
static sqlite3_stmt *looks[TABLES]; /* at the tables */
static struct store *store;
static struct runtime *runtime;
static int64_t now_ms = 1000000;
static uint64_t ids[STAGES];
static struct effect effects[EFFECTS_MAX]; /* asked and not answered */
static size_t effect_count;
static struct {
	int64_t last; /* seq that the digest has */
	uint64_t digest;
} grown[GROWING];

int64_t __wrap_clock_wall_ms(void);

/* Rows name the time: by the seed, too. */
int64_t
__wrap_clock_wall_ms(void)
{
	return now_ms;
}

static _Noreturn void
fail(const char *what, const char *about)
{
	printf("lost (seed of this life %" PRIu64 "): %s: %s\n", seed, what, about);
	fflush(stdout);
	exit(1);
}

static uint64_t
draw(uint64_t below)
{
	return disk_random(&random_state) % below;
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
		fail(sql, sqlite3_errmsg(sqlite));
	return stmt;
}

static bool
next_row(sqlite3_stmt *stmt)
{
	int code = sqlite3_step(stmt);

	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		fail(sqlite3_sql(stmt), sqlite3_errmsg(sqlite));
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
		fail(tables[table], sqlite3_errmsg(sqlite));
	return digest;
}

/* Of a table that only grows, what is new since the last time is put to the digest of then. */
static struct content
take_content(void)
{
	static const uint64_t start = UINT64_C(14695981039346656037);
	struct content content;
	int64_t ignored = 0;

	for (size_t i = 0; i < TABLES - GROWING; i++)
		content.digests[i] = digest_rows(start, i, &ignored);
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
			fail("integrity_check", text_of(stmt, 0));
}

/* All tables as they were at one commit: the last that came back, or the one under way. */
static void
check_content(void)
{
	struct content is = take_content();

	if (memcmp(&is, &promise->kept, sizeof(is)) == 0
	    || memcmp(&is, &promise->begun, sizeof(is)) == 0)
		return;
	for (size_t i = 0; i < TABLES; i++)
		if (is.digests[i] != promise->kept.digests[i]
		    && is.digests[i] != promise->begun.digests[i])
			fail("neither as committed nor as begun", tables[i]);
	fail("half of a commit", "the tables are of different ones");
}

static void
check_none(const char *law, const char *sql)
{
	sqlite3_stmt *stmt = query(sql);

	while (next_row(stmt))
		fail(law, text_of(stmt, 0));
}

static void
check_journal(void)
{
	check_none("the journal has a gap",
	    "SELECT seq FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS n FROM journal)"
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
				fail("a file that was replaced", err.text);
		} else if (is_text(i, promise->file_begun[i], buf_view(&is))) {
			promise->file_kept[i] = promise->file_begun[i];
		} else if (!is_text(i, promise->file_kept[i], buf_view(&is))) {
			fail("neither the old file nor the new one", path);
		}
		promise->file_begun[i] = promise->file_kept[i];
		buf_free(&is);
	}
}

static void
replace_file(void)
{
	size_t file = draw(FILES);
	char path[PATH_SIZE];
	struct buf text;
	struct err err;

	path_of(file, path);
	buf_init(&text, FILE_MAX);
	write_text(file, ++promise->file_begun[file], &text);
	if (file_replace(path, buf_view(&text), &err) != 0)
		fail("a file cannot be replaced", err.text);
	promise->file_kept[file] = promise->file_begun[file];
	buf_free(&text);
}

/* The world. */

static struct event
answer_of(const struct effect *effect)
{
	static const enum event_kind done[FX_COUNT] = { [FX_RESOLVE] = EV_RESOLVED,
		[FX_PULL] = EV_PULLED,
		[FX_RUN] = EV_STARTED,
		[FX_PROBE] = EV_HEALTHY,
		[FX_REMOVE] = EV_REMOVED,
		[FX_DRAIN] = EV_DRAINED,
		[FX_RETIRE] = EV_RETIRED,
		[FX_SWITCH] = EV_SWITCHED,
		[FX_CONFIRM] = EV_CONFIRMED,
		[FX_RESTORE] = EV_RESTORED,
		[FX_SEEK] = EV_SOUGHT,
		[FX_SURVEY] = EV_SURVEYED,
		[FX_COLLECT] = EV_COLLECTED };
	struct event e = { .kind = done[effect->kind],
		.to = effect->actor,
		.epoch = effect->epoch,
		.count = (uint32_t)draw(2) };

	snprintf(e.tag, sizeof(e.tag), "v%" PRIu64, draw(9));
	snprintf(e.digest, sizeof(e.digest), "sha256:%064" PRIu64, draw(30));
	if (draw(10) == 0) {
		e.kind = draw(3) == 0 ? EV_REFUSED : EV_TROUBLED;
		snprintf(e.text, sizeof(e.text), "the seed says no (%" PRIu64 ")", draw(1000));
	}
	return e;
}

static void
on_perform(void *context UNUSED, const struct effect *effect)
{
	if (effect_count == EFFECTS_MAX) /* the oldest is lost: its deadline will tell */
		memmove(effects, effects + 1, --effect_count * sizeof(effects[0]));
	effects[effect_count++] = *effect;
}

static void
on_moved(void *context UNUSED, const struct moved *moved UNUSED)
{
}

/* What ports write beside their answer. */
static void
write_rows(const struct effect *effect)
{
	struct instance row = { .deploy = effect->deploy, .replica = (int)draw(3) };
	char line[LOG_LINE_SIZE];
	size_t size = 1 + draw(draw(4) == 0 ? sizeof(line) - 1 : 80);

	if (effect->deploy == 0)
		return;
	memset(line, 'a' + (int)draw(26), size);
	store_deploy_log_add(store, effect->deploy, "info", (struct str){ line, size });
	if (effect->kind == FX_RUN) {
		snprintf(
		    row.container_id, sizeof(row.container_id), "%064" PRIu64, draw(1000));
		snprintf(row.status, sizeof(row.status), "running");
		store_instance_put(store, &row);
	}
	if (effect->kind == FX_REMOVE && draw(2) == 0)
		store_instances_forget(store, effect->deploy);
}

static void
answer_some(void)
{
	for (uint64_t n = draw(4); n > 0 && effect_count > 0; n--) {
		size_t i = draw(effect_count);
		struct event e = answer_of(&effects[i]);

		write_rows(&effects[i]);
		runtime_post(runtime, &e);
		effects[i] = effects[--effect_count];
	}
}

static void
disturb(void)
{
	struct event e = { .kind = EV_TRIGGER, .to = ids[draw(STAGES)], .flag = draw(5) == 0 };

	snprintf(e.tag, sizeof(e.tag), "v%" PRIu64, draw(9));
	if (draw(3) == 0)
		runtime_deliver(runtime, &e, NULL);
	if (draw(30) == 0) {
		e.kind = EV_CANCEL;
		runtime_deliver(runtime, &e, NULL);
	}
	if (draw(20) == 0)
		store_meta_put(store, "power", e.tag);
	if (draw(8) == 0)
		replace_file();
}

/* The store. */

static int
on_connected(sqlite3 *db, char **message UNUSED, const void *api UNUSED)
{
	sqlite = db;
	return SQLITE_OK;
}

static void
open_store(const char *synchronous)
{
	static const int checkpoints[] = { 1000, 1000, 100, 20 };
	char directory[PATH_SIZE];
	char sql[64];
	struct err err;

	snprintf(directory, sizeof(directory), "%s/data", root);
	store = store_open(directory, &err);
	if (store == NULL)
		fail("the store does not open", err.text);
	/* Now and then more often than a server does, so that the cut meets one. */
	sqlite3_wal_autocheckpoint(sqlite, checkpoints[draw(COUNT(checkpoints))]);
	if (synchronous == NULL)
		return;
	snprintf(sql, sizeof(sql), "PRAGMA synchronous=%s", synchronous);
	CHECK(sqlite3_exec(sqlite, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static void
commit(void)
{
	if (!store_is_dirty(store))
		return;
	promise->begun = take_content();
	store_commit(store);
	promise->kept = promise->begun;
}

static void
find_stage(void *context, const struct actor *a)
{
	size_t *count = context;

	if (a->kind == ACTOR_STAGE && *count < STAGES)
		ids[(*count)++] = a->id;
}

static void
make_stages(void)
{
	struct actor sweep = { .kind = ACTOR_SWEEP, .state = SWEEP_WAITING };

	sweep.sweep.engine = 1;
	sweep.sweep.interval_ms = 60000;
	runtime_spawn(runtime, sweep);
	for (size_t i = 0; i < STAGES; i++) {
		struct actor stage = { .kind = ACTOR_STAGE, .state = STAGE_IDLE };
		struct actor poll = { .kind = ACTOR_POLL, .state = POLL_OFF };
		struct event e = { .kind = EV_CONFIGURED, .spec = 1, .flag = i > 0 };

		e.to = ids[i] = runtime_spawn(runtime, stage);
		runtime_deliver(runtime, &e, NULL);
		poll.poll.stage = ids[i];
		e.after_ms = 600000;
		e.to = runtime_spawn(runtime, poll);
		runtime_deliver(runtime, &e, NULL);
	}
}

static void
take_up(void)
{
	static const struct runtime_host host = { .perform = on_perform, .moved = on_moved };
	size_t count = 0;
	struct err err;

	runtime = runtime_new(store, &host);
	if (runtime_load(runtime, &err) != 0)
		fail("the actors do not load", err.text);
	runtime_recover(runtime, now_ms);
	runtime_visit(runtime, find_stage, &count);
	if (count == 0)
		make_stages();
	else if (count != STAGES)
		fail("stages", "some are missing");
	commit();
	runtime_release(runtime);
}

static void
open_all(const char *synchronous)
{
	open_store(synchronous);
	check_integrity();
	if (promise->is_made)
		check_content();
	check_journal();
	promise->begun = promise->kept = take_content();
	promise->is_made = true;
	take_up();
}

static void
close_all(void)
{
	for (size_t i = 0; i < TABLES; i++) {
		sqlite3_finalize(looks[i]);
		looks[i] = NULL;
	}
	runtime_free(runtime);
	store_close(store);
	effect_count = 0;
	memset(grown, 0, sizeof(grown));
}

void
life(const char *below, uint64_t life_seed, struct promise *shared, bool is_last,
    const char *synchronous)
{
	uint64_t ticks;

	root = below;
	seed = random_state = life_seed;
	promise = shared;
	ticks = is_last ? TICKS_LAST : TICKS_MAX;
	sqlite3_auto_extension((void (*)(void))on_connected);
	check_files();
	open_all(synchronous);
	for (uint64_t i = 0; i < ticks; i++) {
		now_ms += (int64_t)draw(draw(10) == 0 ? 600000 : 500);
		answer_some();
		disturb();
		runtime_step(runtime, now_ms);
		commit();
		runtime_release(runtime);
		if (draw(40)
		    == 0) { /* an end in order: SQLite puts the WAL into the database */
			close_all();
			open_all(synchronous);
		}
	}
	close_all();
}
