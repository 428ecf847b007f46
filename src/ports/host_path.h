/* host_path.h - where a path of this host really leads, links and all. */
#ifndef SLIPWAY_PORTS_HOST_PATH_H
#define SLIPWAY_PORTS_HOST_PATH_H

#include <stdbool.h>

#include "base/err.h"

enum { HOST_PATH_SIZE = 4096 }; /* PATH_MAX of Linux, which realpath(3) may fill */

/* -1: nothing is there, or it may not be looked at; err says which. */
int host_path_resolve(const char *path, char real[HOST_PATH_SIZE], struct err *err) MUST_USE;

/* The same as far as the path is there, with the rest as it is named. -1: a link on the way leads to
 * nothing here, so nobody knows where it leads on the engine's host. */
int host_path_resolve_as_far(
    const char *path, char real[HOST_PATH_SIZE], struct err *err) MUST_USE;

/* A resolved path lies in one of the folders of a setting's list, where those really are. */
bool host_path_is_in(const char *folders, const char *real);

#endif
