/* schema.h - the numbered migrations. */
#ifndef SLIPWAY_STORE_SCHEMA_H
#define SLIPWAY_STORE_SCHEMA_H

#include <stdint.h>

#include "base/err.h"

struct db;

/* Of a store that this program writes: how many migrations there are. */
int64_t schema_version(void);

/* Brings the store to that version, up or down, all steps in one transaction. Downwards what the newer
 * versions added is lost; the rest stays as it was. -1: the store was written by a newer program. */
int schema_move(struct db *db, int64_t to, struct err *err) MUST_USE;

/* Up to this program's. */
int schema_migrate(struct db *db, struct err *err) MUST_USE;

#endif
