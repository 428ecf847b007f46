/* tags.h - what is known of tags of a stage: which was seen last and which serves; and, where its
 * policy asks for it, which digests each tag has led to and since when. */
#ifndef SLIPWAY_STORE_TAGS_H
#define SLIPWAY_STORE_TAGS_H

#include <stdbool.h>
#include <stddef.h>
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

/* When this digest was first seen under the tag; 0: never. */
int64_t
store_tag_first_ms(struct store *store, uint64_t stage, const char *tag, const char *digest);

/* The digest that the tag has rightly: the newest that did not count as moved. false: none. */
bool store_tag_record(
    struct store *store, uint64_t stage, const char *tag, char ret_digest[DIGEST_SIZE]);

/* Notes a first sight; what is known already stays as it is. */
void store_tag_see(struct store *store, uint64_t stage, const char *tag, const char *digest,
    int64_t now_ms, bool is_moved);

/* The tag leads rightly to this digest: whatever else it led to is forgotten. */
void store_tag_settle(
    struct store *store, uint64_t stage, const char *tag, const char *digest, int64_t now_ms);

struct moved_tag {
	char tag[TAG_SIZE];
	char digest[DIGEST_SIZE]; /* which it must not lead to, and did */
	int64_t since_ms;
};

/* The newest first; returns how many. */
size_t
store_tags_moved(struct store *store, uint64_t stage, struct moved_tag *to, size_t most);

#endif
