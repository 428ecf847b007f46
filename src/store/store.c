/* store.c - opening the store: directory, lock, schema, identity. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/db.h"
#include "store/schema.h"

struct store {
	struct db *db;
	int lock_fd;
	char uuid[37];
	store_log_fn *log_added;
	void *log_context;
};

void
store_make_uuid(char text[37])
{
	unsigned char b[16];

	CHECK(getrandom(b, sizeof(b), 0) == (ssize_t)sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(text, 37,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
	    b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
	    b[15]);
}

/* The lock lives as long as the descriptor, so it ends with the process however that dies. */
int
store_lock(const char *directory, struct err *err)
{
	char path[4096];
	int fd;

	if (mkdir(directory, 0700) != 0) {
		if (errno != EEXIST)
			return err_errno(err,
			    "cannot make the data directory %s (make it for this user, or set "
			    "SLIPWAY_DATA)",
			    directory);
	} else if (file_sync_parent(directory, err) != 0) {
		return -1;
	}
	snprintf(path, sizeof(path), "%s/lock", directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err,
		    "cannot write in the data directory %s (let this user"
		    " write there, or set SLIPWAY_DATA)",
		    directory);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return err_set(err,
		    "another slipway serves the data directory %s already: stop it,"
		    " or set SLIPWAY_DATA to another directory",
		    directory);
	}
	return fd;
}

static int
open_db(struct store *store, const char *directory, struct err *err)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/slipway.db", directory == NULL ? "" : directory);
	store->db = db_open(directory == NULL ? ":memory:" : path, err);
	if (store->db == NULL || schema_migrate(store->db, err) != 0)
		return -1;
	store_meta_get(store, "uuid", store->uuid, sizeof(store->uuid));
	if (store->uuid[0] == '\0') {
		store_make_uuid(store->uuid);
		store_meta_put(store, "uuid", store->uuid);
		db_commit(store->db);
	}
	return 0;
}

struct store *
store_open(const char *directory, struct err *err)
{
	struct store *store = calloc(1, sizeof(*store));

	CHECK(store != NULL);
	store->lock_fd = -1;
	umask(077);
	if (directory != NULL)
		store->lock_fd = store_lock(directory, err);
	if ((directory != NULL && store->lock_fd < 0) || open_db(store, directory, err) != 0) {
		store_close(store);
		return NULL;
	}
	return store;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	db_close(store->db);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free(store);
}

struct db *
store_db(struct store *store)
{
	return store->db;
}

void
store_commit(struct store *store)
{
	db_commit(store->db);
}

void
store_rollback(struct store *store)
{
	db_rollback(store->db);
}

bool
store_is_dirty(const struct store *store)
{
	return db_is_dirty(store->db);
}

void
store_reads_begin(struct store *store)
{
	db_reads_begin(store->db);
}

void
store_reads_end(struct store *store)
{
	db_reads_end(store->db);
}

const char *
store_uuid(const struct store *store)
{
	return store->uuid;
}

void
store_watch_log(struct store *store, store_log_fn *added, void *context)
{
	store->log_added = added;
	store->log_context = context;
}

void
store_log_added(struct store *store, uint64_t deploy)
{
	if (store->log_added != NULL)
		store->log_added(store->log_context, deploy);
}

void
store_meta_get(struct store *store, const char *key, char *value, size_t size)
{
	struct query *q = db_read(store->db, "SELECT value FROM meta WHERE key = ?");

	value[0] = '\0';
	query_text(q, key);
	while (db_next(q))
		column_copy(q, 0, value, size);
}

void
store_meta_put(struct store *store, const char *key, const char *value)
{
	struct query *q =
	    db_write(store->db, "INSERT INTO meta(key, value) VALUES(?, ?) ON CONFLICT(key) "
				"DO UPDATE SET value = excluded.value");

	query_text(q, key);
	query_text(q, value);
	db_run(q);
}
