/* password.h - a password that the configuration names and the store never holds. */
#ifndef SLIPWAY_PORTS_PASSWORD_H
#define SLIPWAY_PORTS_PASSWORD_H

#include <stddef.h>

#include "base/err.h"

enum { PASSWORD_SIZE = 8192 }; /* tokens of cloud registries are the longest: 4 KB */

/* The first line of the file, or else the value of the environment variable; one of the names is
 * "". Wipe the text after use. -1: err says why there is none. */
int password_read(const char *file, const char *variable, char password[PASSWORD_SIZE],
    struct err *err) MUST_USE;
void password_wipe(char password[PASSWORD_SIZE]);

#endif
