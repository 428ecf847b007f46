/* backup.c - see backup.h. */
#include "store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "config/spec.h"
#include "store/db.h"
#include "store/schema.h"
#include "store/store.h"

enum { MOMENT_SIZE = 40 };

/* Names are times, so the order of names is that of time. */
#define MOMENT "%Y%m%dT%H%M%SZ"
#define RULE_NAME "slipway-" MOMENT ".db"

/* The name of a file in the directory; one that is too long names nothing that is there. */
static void
join(char path[BACKUP_PATH_SIZE], const char *directory, const char *name)
{
	if (snprintf(path, BACKUP_PATH_SIZE, "%s/%s", directory, name) >= BACKUP_PATH_SIZE)
		path[0] = '\0';
}

static void
append(char path[BACKUP_PATH_SIZE], const char *of, const char *ending)
{
	if (snprintf(path, BACKUP_PATH_SIZE, "%s%s", of, ending) >= BACKUP_PATH_SIZE)
		path[0] = '\0';
}

static int64_t
size_of(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 ? (int64_t)found.st_size : 0;
}

/* -1 when there is no store, which must not make one. */
static int
find_store(const char *directory, char path[BACKUP_PATH_SIZE], struct err *err)
{
	join(path, directory, "slipway.db");
	if (path[0] != '\0' && access(path, F_OK) == 0)
		return 0;
	return err_set(err, "there is no store in %s (SLIPWAY_DATA)", directory);
}

int
store_status(const char *directory, struct store_status *ret, struct err *err)
{
	struct db_findings found;
	struct err ignored;
	char log[BACKUP_PATH_SIZE];
	int lock;

	*ret = (struct store_status){ 0 };
	if (find_store(directory, ret->path, err) != 0)
		return -1;
	lock = store_lock(directory, &ignored);
	ret->is_served = lock < 0;
	append(log, ret->path, "-wal");
	ret->bytes = size_of(ret->path);
	ret->log_bytes = size_of(log);
	if (db_examine(ret->path, &found, err) == 0) {
		ret->version = found.version;
		snprintf(ret->trouble, sizeof(ret->trouble), "%s", found.trouble);
		ret->deploys = db_count(ret->path, "SELECT count(*) FROM deploy");
		ret->stages = db_count(ret->path, "SELECT count(*) FROM stage");
	} else {
		snprintf(ret->trouble, sizeof(ret->trouble), "%s", err->text);
	}
	if (lock >= 0)
		close(lock);
	return 0;
}

/* Sound, and of a version that this program can bring up to its own. */
static int
check_copy(const char *path, const char *name, struct err *err)
{
	struct db_findings found;

	if (db_examine(path, &found, err) != 0)
		return -1;
	if (found.trouble[0] != '\0')
		return err_set(err, "%s is damaged: %s", name, found.trouble);
	if (found.version > schema_version())
		return err_set(err,
		    "%s has schema version %" PRId64 ", this slipway knows %" PRId64
		    ": it was written by a newer slipway, which can restore it",
		    name, found.version, schema_version());
	if (found.version < 1
	    || db_count(path, "SELECT count(*) FROM meta WHERE key = 'uuid'") != 1)
		return err_set(err, "%s is no store of Slipway's", name);
	return 0;
}

/* A sound copy of `from` under a name of its own beside `to`, which it may take. */
static int
make_copy(const char *from, const char *to, char fresh[BACKUP_PATH_SIZE], struct err *err)
{
	append(fresh, to, ".new");
	if (fresh[0] == '\0')
		return err_set(err, "the path %.200s... is too long", to);
	if (unlink(fresh) != 0 && errno != ENOENT) /* of one that was cut off */
		return err_errno(err, "cannot write %s", fresh);
	if (db_copy(from, fresh, err) != 0 || check_copy(fresh, from, err) != 0) {
		unlink(fresh);
		return -1;
	}
	return 0;
}

int
store_backup(const char *directory, const char *to, struct err *err)
{
	char from[BACKUP_PATH_SIZE];
	char fresh[BACKUP_PATH_SIZE];

	umask(077); /* it holds the environment of every stage */
	if (find_store(directory, from, err) != 0 || make_copy(from, to, fresh, err) != 0)
		return -1;
	return file_take_name(fresh, to, err);
}

static void
write_moment(int64_t at_ms, char text[MOMENT_SIZE])
{
	time_t seconds = (time_t)(at_ms / 1000);
	struct tm parts;

	CHECK(gmtime_r(&seconds, &parts) != NULL);
	CHECK(strftime(text, MOMENT_SIZE, MOMENT, &parts) > 0);
}

/* Backups by rule */

static bool
read_name(const char *name, int64_t *ret_ms)
{
	struct tm parts = { 0 };
	const char *end = strptime(name, RULE_NAME, &parts);

	if (end == NULL || *end != '\0')
		return false;
	*ret_ms = (int64_t)timegm(&parts) * 1000;
	return true;
}

static int
only_backups(const struct dirent *entry)
{
	int64_t ignored;

	return read_name(entry->d_name, &ignored);
}

int64_t
store_backup_newest_ms(const char *folder)
{
	struct dirent **found;
	int count = scandir(folder, &found, only_backups, alphasort);
	int64_t newest_ms = 0;

	for (int i = 0; i < count; i++) {
		CHECK(read_name(found[i]->d_name, &newest_ms));
		free(found[i]);
	}
	if (count >= 0)
		free(found);
	return newest_ms;
}

static void
remove_old(const char *folder, int64_t keep)
{
	struct dirent **found;
	int count = scandir(folder, &found, only_backups, alphasort);

	for (int i = 0; i < count; i++) {
		char path[BACKUP_PATH_SIZE];

		join(path, folder, found[i]->d_name);
		if (i < count - keep)
			unlink(path);
		free(found[i]);
	}
	if (count >= 0)
		free(found);
}

int
store_backup_by_rule(const char *directory, const char *folder, int64_t keep, int64_t now_ms,
    char to[BACKUP_PATH_SIZE], struct err *err)
{
	char moment[MOMENT_SIZE];
	char name[2 * MOMENT_SIZE];

	umask(077);
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return err_errno(err, "cannot make %s for backups (SLIPWAY_BACKUPS)", folder);
	write_moment(now_ms, moment);
	snprintf(name, sizeof(name), "slipway-%s.db", moment);
	join(to, folder, name);
	if (store_backup(directory, to, err) != 0)
		return -1;
	remove_old(folder, keep);
	return 0;
}

/* The name under which what was there stays beside it. */
static void
name_kept(const char *path, int64_t now_ms, char kept[BACKUP_PATH_SIZE])
{
	char moment[MOMENT_SIZE];
	char ending[2 * MOMENT_SIZE];

	write_moment(now_ms, moment);
	snprintf(ending, sizeof(ending), ".before-%s", moment);
	append(kept, path, ending);
}

/* What is there stays beside under another name, with its log if that cannot be brought into it; whoever
 * is cut off here has both names on it. */
static int
keep_old(const char *path, int64_t now_ms, char kept[BACKUP_PATH_SIZE], struct err *err)
{
	char log[BACKUP_PATH_SIZE];
	char kept_log[BACKUP_PATH_SIZE];

	kept[0] = '\0';
	if (access(path, F_OK) != 0)
		return 0;
	db_fold(path);
	name_kept(path, now_ms, kept);
	append(kept_log, kept, "-wal");
	append(log, path, "-wal");
	if (kept_log[0] == '\0')
		return err_set(err, "the path %.200s... is too long", path);
	if (link(path, kept) != 0 && errno != EEXIST)
		return err_errno(err, "cannot keep %s as %s", path, kept);
	if (size_of(log) > 0 && link(log, kept_log) != 0 && errno != EEXIST)
		return err_errno(err, "cannot keep %s as %s", log, kept_log);
	return file_sync_parent(kept, err);
}

/* A log of another file under this name would be taken for the new one's. */
static int
take_place(const char *fresh, const char *path, struct err *err)
{
	static const char *const endings[] = { "-wal", "-shm" };

	for (size_t i = 0; i < COUNT(endings); i++) {
		char beside[BACKUP_PATH_SIZE];

		append(beside, path, endings[i]);
		if (unlink(beside) != 0 && errno != ENOENT)
			return err_errno(err, "cannot remove %s", beside);
	}
	return file_take_name(fresh, path, err);
}

int
store_restore(const char *directory, const char *from, int64_t now_ms,
    char kept[BACKUP_PATH_SIZE], struct err *err)
{
	char path[BACKUP_PATH_SIZE];
	char fresh[BACKUP_PATH_SIZE];
	int lock;
	int result;

	umask(077);
	kept[0] = '\0';
	if (access(from, R_OK) != 0)
		return err_errno(err, "%s cannot be read", from);
	lock = store_lock(directory, err);
	if (lock < 0)
		return -1;
	join(path, directory, "slipway.db");
	result = make_copy(from, path, fresh, err);
	if (result == 0)
		result = keep_old(path, now_ms, kept, err);
	if (result == 0)
		result = take_place(fresh, path, err);
	close(lock);
	return result;
}

/* Configurations as an older program reads them: it knows no newer key, and takes the default for one that is
 * not there. */
static int
thin_specs(struct db *db, struct err *err)
{
	struct stage_spec *spec;
	struct query *q;
	struct buf json;
	int64_t id = 0;
	int result = 0;

	buf_init(&json, CONFIG_SPEC_BYTES_MAX);
	while (result == 0) {
		q = db_write(db, "SELECT id, json FROM spec WHERE id > ? ORDER BY id LIMIT 1");
		query_integer(q, id);
		if (!db_next(q))
			break;
		id = column_integer(q, 0);
		spec = stage_spec_parse(column_str(q, 1), err);
		db_done(q);
		if (spec == NULL) {
			result = err_context(err, "configuration %" PRId64, id);
			continue;
		}
		buf_clear(&json);
		stage_spec_write_sparse(spec, &json);
		stage_spec_free(spec);
		q = db_write(db, "UPDATE spec SET json = ? WHERE id = ?");
		query_str(q, buf_view(&json));
		query_integer(q, id);
		db_run(q);
	}
	buf_free(&json);
	return result;
}

/* The file itself is changed, so what is kept is a copy. */
static int
copy_old(const char *path, int64_t now_ms, char kept[BACKUP_PATH_SIZE], struct err *err)
{
	char fresh[BACKUP_PATH_SIZE];

	name_kept(path, now_ms, kept);
	if (make_copy(path, kept, fresh, err) != 0)
		return -1;
	return file_take_name(fresh, kept, err);
}

static int
move(struct db *db, int64_t to, int64_t from, struct err *err)
{
	if (to < from && thin_specs(db, err) != 0)
		return -1;
	return schema_move(db, to, err);
}

int
store_move(const char *directory, int64_t to, int64_t now_ms, char kept[BACKUP_PATH_SIZE],
    int64_t *ret_from, struct err *err)
{
	char path[BACKUP_PATH_SIZE];
	struct db *db;
	int lock;
	int result;

	umask(077);
	kept[0] = '\0';
	if (find_store(directory, path, err) != 0)
		return -1;
	lock = store_lock(directory, err);
	if (lock < 0)
		return -1;
	db = db_open(path, err);
	result = db == NULL ? -1 : 0;
	if (result == 0)
		*ret_from = db_version(db);
	if (result == 0 && to < *ret_from)
		result = copy_old(path, now_ms, kept, err);
	if (result == 0)
		result = move(db, to, *ret_from, err);
	if (db != NULL)
		db_rollback(db);
	db_close(db);
	close(lock);
	return result;
}
