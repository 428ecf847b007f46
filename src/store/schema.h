/* schema.h - the numbered migrations. */
#ifndef SLIPWAY_STORE_SCHEMA_H
#define SLIPWAY_STORE_SCHEMA_H

#include "base/err.h"

struct db;

/* Brings the store to this program's version, each step in the same transaction. -1: the store
 * was written by a newer program. */
int schema_migrate(struct db *db, struct err *err) MUST_USE;

#endif
