/* arena.h - memory that is taken in many pieces and given back in one.
 *
 * The one idea: what lives as long as one thing (a parsed file, a spec) is freed with it, so nothing
 * inside needs an owner of its own. The caller bounds what it takes: the arena has no limit, because
 * everything put into one comes from input that already has. Memory that runs out ends the process. */
#ifndef SLIPWAY_BASE_ARENA_H
#define SLIPWAY_BASE_ARENA_H

#include <stddef.h>

#include "base/check.h"
#include "base/str.h"

struct arena;

/* first_size: bytes to have ready at once; later pieces are taken in growing blocks. */
struct arena *arena_new(size_t first_size) MUST_USE;
void arena_free(struct arena *arena); /* NULL allowed */

/* Zeroed, aligned for any type, never NULL. */
void *arena_take(struct arena *arena, size_t size);
void *arena_take_array(struct arena *arena, size_t count, size_t item_size);

/* A copy ended by NUL. */
char *arena_text(struct arena *arena, struct str text);

#endif
