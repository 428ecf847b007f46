/* backup.h - copies of the store: made while it is served, looked at before they count, and put back.
 *
 * The one idea: a copy is made by a process of its own, as SQLite's VACUUM INTO: one reader more for the
 * server, which neither waits nor knows; what comes out is one file of one moment. Nothing takes the name it is
 * wanted under before it is whole, checked and on the disk; so a crash at any point leaves what was there. */
#ifndef SLIPWAY_STORE_BACKUP_H
#define SLIPWAY_STORE_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { BACKUP_PATH_SIZE = 4096 };

struct store_status {
	char path[BACKUP_PATH_SIZE]; /* of the file */
	bool is_served; /* a server holds the directory's lock */
	int64_t version; /* of its schema */
	int64_t bytes;
	int64_t log_bytes; /* of what is committed but not yet in the file */
	int64_t deploys;
	int64_t stages;
	char trouble[ERR_TEXT_SIZE]; /* what integrity_check says; "": it is sound */
};

/* directory: SLIPWAY_DATA. Online, too. -1: there is no store, or it cannot be read. */
int store_status(const char *directory, struct store_status *ret, struct err *err) MUST_USE;

/* Online, too. `to` is replaced if it is there. */
int store_backup(const char *directory, const char *to, struct err *err) MUST_USE;

/* By rule: into `folder` (made if missing) under the name of this moment, which is put into `to`; of those
 * of earlier moments only the newest `keep` stay, this one among them. */
int store_backup_by_rule(const char *directory, const char *folder, int64_t keep,
    int64_t now_ms, char to[BACKUP_PATH_SIZE], struct err *err) MUST_USE;

/* When the newest backup by rule was made; 0: there is none. */
int64_t store_backup_newest_ms(const char *folder);

/* Not while it is served. What was there is kept beside it under a name that is put into `kept`; "": there was
 * nothing. */
int store_restore(const char *directory, const char *from, int64_t now_ms,
    char kept[BACKUP_PATH_SIZE], struct err *err) MUST_USE;

/* Not while it is served: to another version of the schema. Downwards what was there is kept as above, and
 * configurations are written such that an older program reads them, as far as they use nothing newer. */
int store_move(const char *directory, int64_t to, int64_t now_ms, char kept[BACKUP_PATH_SIZE],
    int64_t *ret_from, struct err *err) MUST_USE;

#endif
