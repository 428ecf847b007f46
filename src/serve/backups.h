/* backups.h - the store backed up by rule while it is served (SLIPWAY_BACKUP_INTERVAL).
 *
 * The one idea: the server starts `slipway db backup` as anybody may, so there is one way to make a backup and it
 * never keeps the loop waiting. When the next one is due is read from the names of those that are there. */
#ifndef SLIPWAY_SERVE_BACKUPS_H
#define SLIPWAY_SERVE_BACKUPS_H

#include <stdbool.h>
#include <stdint.h>

struct backups;
struct loop;
struct settings;

/* NULL when the interval is 0. */
struct backups *backups_new(struct loop *loop, const struct settings *settings);
void backups_free(struct backups *); /* one under way is cut off; NULL allowed */

enum { BACKUPS_WHY_SIZE = 1024 };

struct backups_status {
	int64_t interval_ms;
	int64_t newest_ms; /* 0: there is none */
	bool is_overdue; /* by more than one may take */
	char
	    why[BACKUPS_WHY_SIZE]; /* the last one was not made; "": it was, or is under way */
};

/* As of the last look at the folder. */
void backups_status(const struct backups *b, struct backups_status *ret);

#endif
