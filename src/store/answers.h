/* answers.h - answers to writes that carried an Idempotency-Key, kept for a day.
 *
 * The one idea: the answer lands in the same transaction as what it tells of, so a client whose answer was
 * lost may ask again and is told the same, over a crash too. The table is bounded by time and number. */
#ifndef SLIPWAY_STORE_ANSWERS_H
#define SLIPWAY_STORE_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/str.h"

struct store;

struct kept_answer {
	char request[HASH_HEX_SIZE]; /* of everything that was asked */
	int status;
	bool is_whole; /* the body was small enough to be kept */
};

/* What is kept under this key at now_ms (wall clock); its body goes to the end of `body`. */
bool store_answer_get(struct store *store, struct str key, int64_t now_ms,
    struct kept_answer *ret, struct buf *body);

/* A key that is there already must be too old to be given. */
void store_answer_put(struct store *store, struct str key, int64_t now_ms,
    const struct kept_answer *answer, struct str body);

#endif
