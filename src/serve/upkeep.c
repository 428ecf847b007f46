/* upkeep.c - see upkeep.h: status, migrate, rollback, backup, restore of the store.
 *
 * It works on the files of SLIPWAY_DATA, by itself: status and backup beside a server that runs, the rest
 * only when none does. */
#include "serve/upkeep.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/str.h"
#include "config/settings.h"
#include "store/backup.h"
#include "store/schema.h"

enum { TEXT_MAX = 64 << 10 };

void
upkeep_folder(const struct settings *settings, char *path)
{
	if (settings->backups[0] != '\0')
		snprintf(path, BACKUP_PATH_SIZE, "%s", settings->backups);
	else
		snprintf(path, BACKUP_PATH_SIZE, "%s/backups", settings->data);
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static int
fail(const struct err *err)
{
	fprintf(stderr, "slipway: %s\n", err->text);
	return 1;
}

static int
print(struct buf *text)
{
	bool is_written =
	    fwrite(buf_cstr(text), 1, text->n, stdout) == text->n && fflush(stdout) == 0;

	buf_free(text);
	return is_written ? 0 : 1;
}

static void
write_status(const struct store_status *s, struct buf *to)
{
	buf_format(
	    to, "store     %s, %s\n", s->path, s->is_served ? "served now" : "not served");
	buf_format(to, "schema    version %" PRId64, s->version);
	if (s->version < schema_version())
		buf_format(to, "; this slipway brings it to %" PRId64 " when it starts",
		    schema_version());
	else if (s->version > schema_version())
		buf_format(to, "; this slipway knows only %" PRId64, schema_version());
	buf_format(to, "\nsize      %.1f MB, and %.1f MB of log\n", (double)s->bytes / 1048576,
	    (double)s->log_bytes / 1048576);
	buf_format(
	    to, "holds     %" PRId64 " stages, %" PRId64 " deploys\n", s->stages, s->deploys);
	buf_format(to, "integrity %s\n", s->trouble[0] == '\0' ? "ok" : s->trouble);
}

static void
write_status_json(const struct store_status *s, struct buf *to)
{
	struct json_writer w;

	json_writer_init(&w, to);
	json_object_open(&w);
	json_pair_text(&w, "path", s->path);
	json_pair_bool(&w, "served", s->is_served);
	json_pair_integer(&w, "version", s->version);
	json_pair_integer(&w, "known_version", schema_version());
	json_pair_integer(&w, "bytes", s->bytes);
	json_pair_integer(&w, "log_bytes", s->log_bytes);
	json_pair_integer(&w, "stages", s->stages);
	json_pair_integer(&w, "deploys", s->deploys);
	json_pair_text(&w, "trouble", s->trouble);
	json_object_close(&w);
	buf_char(to, '\n');
}

/* Exits with 1 when the store is damaged, or of a version that this program cannot serve. */
static int
run_status(const struct settings *settings, bool as_json)
{
	struct store_status status;
	struct err err;
	struct buf text;

	if (store_status(settings->data, &status, &err) != 0)
		return fail(&err);
	buf_init(&text, TEXT_MAX);
	if (as_json)
		write_status_json(&status, &text);
	else
		write_status(&status, &text);
	if (print(&text) != 0)
		return 1;
	return status.trouble[0] != '\0' || status.version > schema_version();
}

static int
run_move(const struct settings *settings, int64_t to)
{
	char kept[BACKUP_PATH_SIZE];
	int64_t from = 0;
	struct err err;

	if (store_move(settings->data, to, now_ms(), kept, &from, &err) != 0)
		return fail(&err);
	if (from == to)
		printf("the store has schema version %" PRId64 " already\n", to);
	else
		printf("the store has schema version %" PRId64 " now, it was %" PRId64 "\n",
		    to, from);
	if (kept[0] != '\0')
		printf("what was there is kept as %s\n", kept);
	return fflush(stdout) == 0 ? 0 : 1;
}

/* to: a version, or NULL for the one before. */
static int
run_rollback(const struct settings *settings, const char *to)
{
	struct store_status status;
	uint64_t version = 0;
	struct err err;

	if (store_status(settings->data, &status, &err) != 0)
		return fail(&err);
	if (to == NULL)
		version = (uint64_t)status.version - 1;
	else if (!str_number(str_of(to), INT32_MAX, &version))
		version = 0;
	if (version < 1 || (int64_t)version > status.version) {
		err_set(&err,
		    "there is no way back to version '%.20s': the store has version %" PRId64
		    ", the oldest one is 1",
		    to == NULL ? "0" : to, status.version);
		return fail(&err);
	}
	return run_move(settings, (int64_t)version);
}

static int
run_backup(const struct settings *settings, const char *to)
{
	char folder[BACKUP_PATH_SIZE];
	char path[BACKUP_PATH_SIZE];
	struct err err;
	int result;

	upkeep_folder(settings, folder);
	if (to != NULL)
		result = store_backup(settings->data, to, &err);
	else
		result = store_backup_by_rule(
		    settings->data, folder, settings->backup_keep, now_ms(), path, &err);
	if (result != 0)
		return fail(&err);
	printf("backed up to %s\n", to == NULL ? path : to);
	return fflush(stdout) == 0 ? 0 : 1;
}

static int
run_restore(const struct settings *settings, const char *from)
{
	char kept[BACKUP_PATH_SIZE];
	struct err err;

	if (store_restore(settings->data, from, now_ms(), kept, &err) != 0)
		return fail(&err);
	printf("restored from %s\n", from);
	if (kept[0] != '\0')
		printf("what was there is kept as %s\n", kept);
	return fflush(stdout) == 0 ? 0 : 1;
}

static bool
is(const char *word, const char *wanted)
{
	return strcmp(word, wanted) == 0;
}

int
upkeep_run(const struct settings *settings, int count, char *const *words)
{
	const char *action = count > 0 ? words[0] : "";
	const char *next = count > 1 ? words[1] : "";
	bool has_file = count == 2 && strncmp(next, "--", 2) != 0;

	if (is(action, "status") && (count == 1 || (count == 2 && is(next, "--json"))))
		return run_status(settings, count == 2);
	if (is(action, "migrate") && count == 1)
		return run_move(settings, schema_version());
	if (is(action, "rollback") && count == 1)
		return run_rollback(settings, NULL);
	if (is(action, "rollback") && count == 3 && is(next, "--to"))
		return run_rollback(settings, words[2]);
	if (is(action, "backup") && (count == 1 || has_file))
		return run_backup(settings, has_file ? next : NULL);
	if (is(action, "restore") && has_file)
		return run_restore(settings, next);
	return -1;
}
