/* images.h - the images that Slipway has pulled, by engine; which of them have to stay, and why.
 *
 * An image gets its row before it is pulled and loses it when it is not on the engine any more; what has
 * no row was brought by somebody else and is never removed. The one idea: whether one may go is
 * asked anew each time, of the deploys alone: its digest decides, whatever repository or engine it is on,
 * so a stage that has moved keeps what it may go back to. */
#ifndef SLIPWAY_STORE_IMAGES_H
#define SLIPWAY_STORE_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct store;
struct retention_rules;

struct image {
	uint64_t engine; /* id in the catalog */
	char repository[IMAGE_SIZE]; /* host/path, as stages name it */
	char digest[DIGEST_SIZE];
	int64_t pulled_ms;
	int64_t used_ms; /* a deploy asked for it the last time */
	int64_t tries; /* to remove it, that failed */
	int64_t next_ms; /* not tried again before */
	char trouble[REASON_SIZE]; /* why the last one failed; "": none has */
};

void
store_image_put(struct store *, const struct image *image); /* by engine, repository, digest */
bool store_image_get(struct store *, uint64_t engine, const char *repository,
    const char *digest, struct image *ret);
void store_image_forget(struct store *, const struct image *image);

/* Ordered by engine, repository and digest, behind `after` (NULL: from the first); returns how many. */
size_t store_images(struct store *, const struct image *after, struct image *to, size_t most);

/* Why an image stays, as far as the store knows: engines know of containers and names beside. */
enum image_need {
	IMAGE_FREE, /* nothing needs it */
	IMAGE_LIVE, /* it serves a stage */
	IMAGE_UNDER_WAY, /* a deploy of it is not over */
	IMAGE_ROLLBACK, /* a stage may go back to it */
	IMAGE_PINNED, /* somebody wants it kept */
	IMAGE_YOUNG, /* it was used not long ago */
	IMAGE_NEED_COUNT
};

struct image_verdict {
	enum image_need need;
	uint64_t stage; /* that needs it; 0: none */
	uint64_t deploy; /* because of this one; 0: none */
	int64_t until_ms; /* of IMAGE_YOUNG */
};

void store_image_judge(struct store *, const struct retention_rules *rules,
    const struct image *image, int64_t now_ms, struct image_verdict *ret);

/* Deploys that somebody wants kept, with their images. */
void store_pin(struct store *, uint64_t deploy, int64_t now_ms);
void store_unpin(struct store *, uint64_t deploy);
bool store_is_pinned(struct store *, uint64_t deploy);
int64_t store_pins_count(struct store *, uint64_t stage);

#endif
