/* docker_images.h - what the files of the Docker port share about images: a look at what an engine has of
 * them, and removing those that nothing needs as a part of the sweep. */
#ifndef SLIPWAY_PORTS_DOCKER_IMAGES_H
#define SLIPWAY_PORTS_DOCKER_IMAGES_H

#include "ports/docker_parts.h"
#include "store/images.h"

/* A look: the engine's images, its containers and where it keeps them. on_done comes once, from a loop
 * turn: why is NULL when all was told. */
struct image_look;
typedef void image_look_fn(void *context, const char *why);
struct image_look *
image_look_new(struct engine *engine, image_look_fn *on_done, void *context);
void image_look_free(struct image_look *look); /* NULL allowed */
const struct docker_images *image_look_found(const struct image_look *look);

/* The sweep's part. Due: it is some time since the last look, or somebody asked for one. */
bool image_sweep_is_due(struct engine *engine);
/* There may be more to remove in a moment: a container has gone. */
void image_sweep_want(struct engine *engine);
/* Looks, judges, and remembers which may go; on_done comes once, from a loop turn, whatever came of it. */
struct image_sweep;
struct image_sweep *
image_sweep_new(struct engine *engine, void (*on_done)(void *context), void *context);
void image_sweep_free(struct image_sweep *sweep); /* NULL allowed */
uint32_t image_sweep_count(const struct engine *engine); /* of those that may go */

/* Removes them, one after the other, each judged once more right before; then answers the job. */
void image_removal_begin(struct job *collect);
/* It is on its way out just now: whoever wants it waits until that is over. */
bool image_is_removed_now(const struct engine *engine, const char *digest);

/* Room for one more image, of the engine's words about itself (GET /info), if it says any: what stands
 * between it and us may let other calls through only. */
void
disk_read(const struct engine *engine, const struct answer *info, struct docker_disk *ret);
/* -1: there is too little; err says how much, and how to mend it. */
int disk_check(
    const struct engine *engine, const struct docker_disk *disk, struct err *err) MUST_USE;

#endif
