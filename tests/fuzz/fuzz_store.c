/* fuzz_store.c - a start from a store in which somebody has changed anything: the server refuses, in so
 * many words, or it runs, keeps its laws, answers its API, and every deploy comes to its end.
 *
 * The store holds deploys in many states. The input is one change a line: "TABLE COLUMN ROW VALUE",
 * "delete TABLE ROW", "copy TABLE ROW ID", "version NUMBER", "byte OFFSET VALUE", and "seed TEXT", which
 * decides how the world answers. Names that are none stand for one by their hash, so any word does. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "fuzz.h"
#include "scripted_fetch.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/db.h"
#include "store/deploys.h"
#include "store/store.h"
#include "whole_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int fsync(int fd);
int fdatasync(int fd);

enum { ANSWERS_MAX = 512, STORM_TICKS = 60, CALM_TICKS = 4000, IMAGE_MAX = 1 << 20 };
enum { EDITS_MAX = 12, COLUMNS_MAX = 24 };

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char config[] =
    "version: 1\n"
    "projects:\n"
    "  shop:\n"
    "    image: registry.example/shop/web\n"
    "    port: 80\n"
    "    health: {http: /}\n"
    "    stages:\n"
    "      production: {domains: [shop.example], tags: 'v*', poll: 30s}\n"
    "      staging: {domains: [staging.example]}\n"
    "      trial: {}\n"
    "  data:\n"
    "    image: ghcr.io/data/db\n"
    "    health: none\n"
    "    stages: {main: {}, spare: {}}\n";

/* The disk is none: nothing is lost by not waiting for it. */
int
fsync(int fd UNUSED)
{
	return 0;
}

int
fdatasync(int fd UNUSED)
{
	return 0;
}

/* The world. */

static struct app *app;
static struct event answers[ANSWERS_MAX];
static size_t answer_count;
static uint64_t seed;
static bool is_calm;
static enum effect_kind mute; /* of this kind nothing is answered: to leave deploys there */
static bool is_muted;

static const enum event_kind good[FX_COUNT] = {
	[FX_RESOLVE] = EV_RESOLVED,
	[FX_PULL] = EV_PULLED,
	[FX_RUN] = EV_STARTED,
	[FX_MIGRATE] = EV_MIGRATED,
	[FX_HOOK] = EV_HOOKED,
	[FX_VERIFY] = EV_VERIFIED,
	[FX_PROBE] = EV_HEALTHY,
	[FX_REMOVE] = EV_REMOVED,
	[FX_DRAIN] = EV_DRAINED,
	[FX_RETIRE] = EV_RETIRED,
	[FX_SWITCH] = EV_SWITCHED,
	[FX_CONFIRM] = EV_CONFIRMED,
	[FX_RESTORE] = EV_RESTORED,
	[FX_SEEK] = EV_SOUGHT,
	[FX_SURVEY] = EV_SURVEYED,
	[FX_COLLECT] = EV_COLLECTED,
	[FX_NOTIFY] = EV_NOTIFIED,
};

/* In the place of the ports' own. */
void __wrap_ports_start(struct app *of);
void __wrap_ports_perform(void *context, const struct effect *effect);

void
__wrap_ports_start(struct app *of UNUSED)
{
}

void
__wrap_ports_perform(void *context UNUSED, const struct effect *effect)
{
	struct event e = {
		.kind = good[effect->kind], .to = effect->actor, .epoch = effect->epoch
	};
	uint64_t luck = is_calm ? 0 : fuzz_random(&seed) % 10;

	if (answer_count == ANSWERS_MAX || (is_muted && effect->kind == mute) || luck == 9)
		return;
	if (luck >= 7) {
		e.kind = luck == 7 ? EV_REFUSED : EV_TROUBLED;
		snprintf(e.text, sizeof(e.text), "the world is like that");
	}
	snprintf(e.tag, sizeof(e.tag), "v1");
	snprintf(e.digest, sizeof(e.digest), "%s",
	    effect->kind == FX_SEEK || effect->deploy % 2 == 0 ? DIGEST_A : DIGEST_B);
	answers[answer_count++] = e;
}

static void
tick(bool may_wait)
{
	for (size_t i = 0; i < answer_count; i++)
		runtime_post(app->runtime, &answers[i]);
	answer_count = 0;
	whole_tick(app, may_wait);
}

/* The store as it was before somebody changed it. */

static char directory[64];
static char db_path[128];
static char *image;
static size_t image_size;
static sqlite3 *left_open;
static int fd_begin; /* descriptors from here on are of the server under test */

static void
forget_files(void)
{
	static const char *const names[] = { "", "-wal", "-shm", "-journal" };
	char path[160];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s%s", db_path, names[i]);
		unlink(path);
	}
}

static void
deploy(const char *stage, const char *tag, const char *force)
{
	struct talk talk;
	struct buf line;
	struct buf body;

	buf_init(&line, 256);
	buf_init(&body, 256);
	buf_format(&line, "POST /api/v1/projects/%s/deploys", stage);
	buf_format(&body, "{\"tag\":\"%s\",\"force\":%s}", tag, force);
	whole_ask(app, &talk, buf_view(&line), STR("Content-Type: application/json"),
	    buf_view(&body));
	CHECK(memmem(talk.heard.p, talk.heard.n, " 202 ", 5) != NULL);
	talk_end(&talk);
	buf_free(&line);
	buf_free(&body);
}

static void
stop_at(enum effect_kind kind, const char *stage)
{
	mute = kind;
	is_muted = true;
	deploy(stage, "v2", "true");
	for (int i = 0; i < 12; i++)
		tick(false);
	is_muted = false;
}

static void
keep_image(void)
{
	int fd = open(db_path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	image = malloc(IMAGE_MAX);
	CHECK(fd >= 0 && image != NULL);
	n = read(fd, image, IMAGE_MAX);
	CHECK(n > 0 && n < IMAGE_MAX);
	image_size = (size_t)n;
	close(fd);
}

static void
fill_store(void)
{
	static const char *const stages[] = { "shop/stages/production", "shop/stages/staging",
		"data/stages/main" };

	is_calm = true;
	whole_apply(app, config);
	for (size_t i = 0; i < COUNT(stages); i++)
		deploy(stages[i], "v1", "false");
	for (int i = 0; i < 40; i++)
		tick(false);
	CHECK(runtime_count(app->runtime, ACTOR_DEPLOY) == 0);
	for (uint64_t id = 12; id <= 14; id++) {
		struct instance instance = { .deploy = id,
			.container_id = "c1",
			.name = "a-b-12-0",
			.address = "10.0.0.2:80",
			.status = "running" };

		store_instance_put(app->store, &instance);
		store_deploy_log_add(app->store, id, "info", STR("a line"));
	}
	stop_at(FX_CONFIRM, "shop/stages/production");
	deploy("shop/stages/production", "v3", "true"); /* waits */
	stop_at(FX_PROBE, "shop/stages/staging");
	stop_at(FX_RESOLVE, "shop/stages/trial");
	stop_at(FX_RETIRE, "data/stages/main");
	stop_at(FX_PULL, "data/stages/spare");
	CHECK(runtime_count(app->runtime, ACTOR_DEPLOY) == 6);
	CHECK(runtime_count(app->runtime, ACTOR_SWAP) == 1);
	is_calm = false;
}

static void tear_down(void);

static void
set_up(void)
{
	struct err err;

	if (image != NULL)
		return;
	snprintf(directory, sizeof(directory), "%s/slipway-fuzz-store.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	CHECK(mkdtemp(directory) != NULL && atexit(tear_down) == 0);
	snprintf(db_path, sizeof(db_path), "%s/slipway.db", directory);
	script_set(STR(""), NULL, NULL);
	app = whole_begin(store_open(directory, &err), &err);
	CHECK(app != NULL);
	fill_store();
	whole_end();
	keep_image();
	fd_begin = dup(0);
	close(fd_begin);
}

static void
tear_down(void)
{
	char path[128];

	forget_files();
	snprintf(path, sizeof(path), "%s/lock", directory);
	unlink(path);
	rmdir(directory);
}

/* The changes. */

static const char *const tables[] = { "deploy", "swap", "poll_actor", "stage_actor",
	"sweep_actor", "stage", "spec", "project", "engine", "registry", "meta", "instance",
	"journal", "deploy_log", "notify", "notify_rule", "receiver" };

static bool
take_word(struct str *line, struct str *word)
{
	*line = str_cut(*line, ' ', word);
	return word->n > 0;
}

static const char *
table_of(struct str word)
{
	for (size_t i = 0; i < COUNT(tables); i++)
		if (str_is(word, tables[i]))
			return tables[i];
	return tables[fuzz_seed(word) % COUNT(tables)];
}

static void
execute(sqlite3 *db, const char *sql, struct str value)
{
	sqlite3_stmt *stmt = NULL;
	uint64_t number;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return;
	if (str_is(value, "NULL"))
		sqlite3_bind_null(stmt, 1);
	else if (str_starts(value, "-")
		 && str_number((struct str){ value.p + 1, value.n - 1 }, INT64_MAX, &number))
		sqlite3_bind_int64(stmt, 1, -(int64_t)number);
	else if (str_number(value, INT64_MAX, &number))
		sqlite3_bind_int64(stmt, 1, (int64_t)number);
	else if (str_starts(value, "blob "))
		sqlite3_bind_blob(stmt, 1, value.p, (int)value.n, SQLITE_TRANSIENT);
	else
		sqlite3_bind_text(
		    stmt, 1, value.n == 0 ? "" : value.p, (int)value.n, SQLITE_TRANSIENT);
	sqlite3_step(stmt);
	sqlite3_finalize(stmt);
}

/* The name of a column, and of the one that a row is found by; -1: no such table. */
static int
column_of(sqlite3 *db, const char *table, struct str word, char name[64], char key[64])
{
	char names[COLUMNS_MAX][64];
	sqlite3_stmt *stmt = NULL;
	char sql[128];
	size_t count = 0;
	size_t chosen = 0;

	snprintf(sql, sizeof(sql), "SELECT name FROM pragma_table_info('%s')", table);
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return -1;
	while (count < COLUMNS_MAX && sqlite3_step(stmt) == SQLITE_ROW)
		snprintf(names[count++], sizeof(names[0]), "%s",
		    (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	if (count == 0)
		return -1;
	chosen = fuzz_seed(word) % count;
	for (size_t i = 0; i < count; i++)
		if (str_is(word, names[i]))
			chosen = i;
	memcpy(name, names[chosen], 64);
	memcpy(key, names[0], 64);
	return 0;
}

static void
change(sqlite3 *db, struct str table_word, struct str line)
{
	const char *table = table_of(table_word);
	struct str column;
	struct str row = { "", 0 };
	uint64_t number = 0;
	char name[64];
	char key[64];
	char sql[512];

	if (!take_word(&line, &column) || column_of(db, table, column, name, key) != 0)
		return;
	take_word(&line, &row);
	(void)!str_number(row, 1000, &number);
	snprintf(sql, sizeof(sql),
	    "UPDATE %s SET %s = ? WHERE %s = (SELECT %s FROM %s LIMIT 1 OFFSET"
	    " %d %% max(1, (SELECT count(*) FROM %s)))",
	    table, name, key, key, table, (int)number, table);
	execute(db, sql, line);
}

static void
remove_row(sqlite3 *db, struct str line)
{
	struct str table_word;
	struct str row = { "", 0 };
	uint64_t number = 0;
	char name[64];
	char key[64];
	char sql[512];
	const char *table;

	take_word(&line, &table_word);
	table = table_of(table_word);
	take_word(&line, &row);
	(void)!str_number(row, 1000, &number);
	if (column_of(db, table, STR(""), name, key) != 0)
		return;
	snprintf(sql, sizeof(sql),
	    "DELETE FROM %s WHERE %s = (SELECT %s FROM %s LIMIT 1 OFFSET"
	    " %d %% max(1, (SELECT count(*) FROM %s)))",
	    table, key, key, table, (int)number, table);
	execute(db, sql, STR(""));
}

/* A row of an actor once more, with another id. */
static void
copy_row(sqlite3 *db, struct str line)
{
	struct str table_word;
	struct str row = { "", 0 };
	uint64_t number = 0;
	const char *table;
	char sql[512];

	take_word(&line, &table_word);
	table = table_of(table_word);
	take_word(&line, &row);
	(void)!str_number(row, 1000, &number);
	snprintf(sql, sizeof(sql),
	    "CREATE TEMP TABLE one AS SELECT * FROM %s LIMIT 1 OFFSET %d %% max(1, (SELECT"
	    " count(*) FROM %s))",
	    table, (int)number, table);
	execute(db, sql, STR(""));
	execute(db, "UPDATE one SET id = ?", line);
	snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO %s SELECT * FROM one", table);
	execute(db, sql, STR(""));
	execute(db, "DROP TABLE one", STR(""));
}

static void
change_rows(struct str input)
{
	sqlite3 *db = NULL;
	int edits = 0;

	CHECK(sqlite3_open(db_path, &db) == SQLITE_OK);
	execute(db, "PRAGMA journal_mode=DELETE", STR(""));
	execute(db, "PRAGMA synchronous=OFF", STR(""));
	execute(db, "BEGIN", STR(""));
	while (input.n > 0 && edits++ < EDITS_MAX) {
		struct str line;
		struct str word;
		uint64_t number;

		input = str_cut(input, '\n', &line);
		take_word(&line, &word);
		if (str_is(word, "seed")) {
			seed = fuzz_seed(line);
		} else if (str_is(word, "delete")) {
			remove_row(db, line);
		} else if (str_is(word, "copy")) {
			copy_row(db, line);
		} else if (str_is(word, "version")) {
			char sql[64];
			if (str_number(line, 99, &number)) {
				snprintf(
				    sql, sizeof(sql), "PRAGMA user_version=%d", (int)number);
				execute(db, sql, STR(""));
			}
		} else if (!str_is(word, "byte") && word.n > 0) {
			change(db, word, line);
		}
	}
	execute(db, "COMMIT", STR(""));
	sqlite3_close(db);
}

static void
change_bytes(struct str input)
{
	int fd = open(db_path, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	while (input.n > 0) {
		struct str line;
		struct str word;
		struct str offset;
		uint64_t at;
		uint64_t value;

		input = str_cut(input, '\n', &line);
		take_word(&line, &word);
		if (!str_is(word, "byte") || !take_word(&line, &offset)
		    || !str_number(offset, INT64_MAX, &at) || !str_number(line, 255, &value))
			continue;
		CHECK(pwrite(fd, &(unsigned char){ (unsigned char)value }, 1,
			  (off_t)(at % image_size))
		      == 1);
	}
	close(fd);
}

static void
write_store(struct str input)
{
	int fd;

	forget_files();
	fd = open(db_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, image, image_size) == (ssize_t)image_size);
	close(fd);
	change_rows(input);
	change_bytes(input);
}

/* The start, and what follows. */

static void
look_around(void)
{
	static const char *const paths[] = { "/api/v1/stages", "/api/v1/deploys", "/health",
		"/api/v1/projects", "/api/v1/deploys/12/log", "/api/v1/deploys/17",
		"/api/v1/projects/shop/stages/production/instances" };

	for (size_t i = 0; i < COUNT(paths); i++) {
		struct talk talk;
		struct said said;
		struct str rest;
		struct buf line;

		buf_init(&line, 128);
		buf_format(&line, "GET %s", paths[i]);
		whole_ask(app, &talk, buf_view(&line), STR(""), STR(""));
		rest = buf_view(&talk.heard);
		CHECK(talk_next_answer(&rest, true, &said));
		CHECK(said.status == 200 || said.status == 404);
		talk_end(&talk);
		buf_free(&line);
	}
}

static size_t
under_way(void)
{
	return runtime_count(app->runtime, ACTOR_DEPLOY)
	       + runtime_count(app->runtime, ACTOR_SWAP);
}

static void
live(void)
{
	whole_check(app);
	look_around();
	for (int i = 0; i < STORM_TICKS; i++) {
		tick(true);
		whole_check(app);
	}
	is_calm = true;
	for (int i = 0; i < CALM_TICKS && under_way() > 0; i++) {
		tick(true);
		whole_check(app);
	}
	CHECK(under_way() == 0);
	look_around();
}

/* What the program opened and left open when it ended itself. */

int __real_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
int __real_sqlite3_close(sqlite3 *db);
int __wrap_sqlite3_close(sqlite3 *db);

int
__wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs)
{
	int code = __real_sqlite3_open_v2(path, db, flags, vfs);

	left_open = *db;
	return code;
}

int
__wrap_sqlite3_close(sqlite3 *db)
{
	if (db == left_open)
		left_open = NULL;
	return __real_sqlite3_close(db);
}

static void
close_what_is_left(void)
{
	sqlite3_stmt *stmt;

	while (left_open != NULL && (stmt = sqlite3_next_stmt(left_open, NULL)) != NULL)
		sqlite3_finalize(stmt);
	__real_sqlite3_close(left_open);
	left_open = NULL;
	close_range((unsigned)fd_begin, ~0u, 0);
}

static void
start(void)
{
	struct err err = { "" };
	struct store *store;
	int code = setjmp(fuzz_way_back);

	if (code != 0) {
		CHECK(code == EXIT_STORE_BROKEN); /* it has said why in the log */
		return;
	}
	fuzz_expects_exit = true;
	store = store_open(directory, &err);
	if (store != NULL)
		app = whole_begin(store, &err);
	if (store != NULL && app != NULL) {
		live();
	} else {
		CHECK(err.text[0] != '\0');
		log_error(NULL, "serve.failed", "%s", err.text);
	}
	fuzz_expects_exit = false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int64_t begin_us;

	set_up();
	if (begin_us == 0)
		begin_us = fuzz_now_us;
	fuzz_now_us = begin_us;
	clock_tick();
	app = NULL;
	answer_count = 0;
	is_calm = false;
	seed = fuzz_seed((struct str){ (const char *)data, size });
	write_store((struct str){ (const char *)data, size });
	script_set(STR(""), NULL, NULL);
	start();
	whole_end();
	close_what_is_left();
	forget_files();
	return 0;
}
