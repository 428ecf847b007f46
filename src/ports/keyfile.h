/* keyfile.h - the file that holds the keys of the secrets. */
#ifndef SLIPWAY_PORTS_KEYFILE_H
#define SLIPWAY_PORTS_KEYFILE_H

#include "base/err.h"
#include "base/str.h"

enum keyfile_state { KEYFILE_READ, KEYFILE_ABSENT, KEYFILE_BAD };

/* text gets what is in it; wipe it after use. KEYFILE_BAD: err says why. */
enum keyfile_state keyfile_read(const char *path, struct buf *text, struct err *err) MUST_USE;

/* All of it anew, or nothing: neither a crash nor a power cut leaves a part. Only its owner reads it. */
int keyfile_replace(const char *path, struct str text, struct err *err) MUST_USE;

#endif
