/* disk.h - a disk that loses power: it stands below the real SQLite and below the real file calls of
 * Slipway, and knows what was synced and what was not.
 *
 * The one idea: the files are real (in memory, below one directory), so everything above works as
 * in production; beside them the disk keeps what is durable, and each change since. When the power
 * fails, every change that no sync covers is kept, dropped, torn, zeroed or made random, by the
 * seed; so is every name that was made, moved or removed in a directory that was not synced. */
#ifndef SLIPWAY_TESTS_POWER_DISK_H
#define SLIPWAY_TESTS_POWER_DISK_H

#include <stdbool.h>
#include <stdint.h>

enum { DISK_CUT = 86 }; /* the exit code of a process whose power was cut */

/* Promises that are broken on purpose, to see that it is noticed. */
struct disk_faults {
	bool ignores_directories; /* a sync of a directory does nothing */
	const char *ignored_end; /* nor one of a file whose name ends so; NULL: of none */
};

/* Watches what is below root from now on; what is there is durable. The power fails in the
 * operation of that number (write, truncate, sync, name made, moved or removed). */
void
disk_begin(const char *root, uint64_t seed, uint64_t cut_at, const struct disk_faults *faults);

/* The power fails now: leaves below root what is found when it is back, and exits with DISK_CUT. */
_Noreturn void disk_cut(void);

/* Removes everything below root, and root. */
void disk_remove(const char *root);

/* splitmix64 over the state. */
uint64_t disk_random(uint64_t *state);

#endif
