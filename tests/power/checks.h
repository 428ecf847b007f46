/* checks.h - is what was promised still there? The store's tables as digests, the laws of its journal,
 * and the files that are replaced. */
#ifndef SLIPWAY_TESTS_POWER_CHECKS_H
#define SLIPWAY_TESTS_POWER_CHECKS_H

#include <sqlite3.h>
#include <stddef.h>

#include "life.h"

/* Says what is not as promised, and ends the process. */
_Noreturn void lost(const char *what, const char *about);

/* First, before the store is opened: the files below root are what was promised. */
void checks_begin(const char *root, struct promise *promise);

/* The store was opened: it is as promised. Returns its connection. */
sqlite3 *checks_opened(void);

/* The store will be closed: lets go of its connection. */
void checks_closing(void);

/* As it is now, what is not committed included. */
struct content checks_content(void);

/* Replaces a file by its next text. */
void checks_replace(size_t file);

#endif
