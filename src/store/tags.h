/* tags.h - what is known of tags of a stage: which was seen last, and which serves. */
#ifndef SLIPWAY_STORE_TAGS_H
#define SLIPWAY_STORE_TAGS_H

#include <stdint.h>

#include "base/limits.h"

struct store;

struct tag_marks { /* "": none */
	char seen_tag[TAG_SIZE]; /* by the stage's poll */
	char seen_digest[DIGEST_SIZE];
	char live_tag[TAG_SIZE];
	char live_digest[DIGEST_SIZE];
};

void store_tag_marks(
    struct store *store, uint64_t stage, uint64_t poll, struct tag_marks *ret_marks);

#endif
