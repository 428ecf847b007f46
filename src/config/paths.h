/* paths.h - lists of folders in settings ("/srv/data,/mnt/disk"), and what lies in one of them. */
#ifndef SLIPWAY_CONFIG_PATHS_H
#define SLIPWAY_CONFIG_PATHS_H

#include <stdbool.h>

#include "base/str.h"
#include "config/rules.h"

rule_fn rule_paths; /* of a list */

/* The next folder of the list, which is shortened by it; false: there is none left. */
bool paths_next(struct str *list, struct str *ret_path);

/* The path is one of the folders or lies below one, by their names alone. It is absolute and plain
 * (rule_path). */
bool paths_hold(const char *list, const char *path);
bool path_is_in(struct str folder, const char *path);

#endif
