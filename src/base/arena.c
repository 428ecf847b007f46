/* arena.c - blocks in a list; a piece is cut from the newest. */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MAX = 64 << 10, ALIGNMENT = _Alignof(max_align_t) };

struct block {
	struct block *older;
	size_t size;
	size_t used;
	_Alignas(max_align_t) char bytes[];
};

struct arena {
	struct block *newest;
	size_t next_size;
};

static void
block_add(struct arena *arena, size_t least)
{
	size_t size = arena->next_size > least ? arena->next_size : least;
	struct block *block;

	CHECK(size < SIZE_MAX - sizeof(*block));
	block = calloc(1, sizeof(*block) + size);
	CHECK(block != NULL);
	block->older = arena->newest;
	block->size = size;
	arena->newest = block;
	if (arena->next_size < BLOCK_MAX)
		arena->next_size *= 2;
}

struct arena *
arena_new(size_t first_size)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	CHECK(arena != NULL && first_size > 0);
	arena->next_size = first_size;
	return arena;
}

void
arena_free(struct arena *arena)
{
	struct block *block = arena == NULL ? NULL : arena->newest;

	while (block != NULL) {
		struct block *older = block->older;
		free(block);
		block = older;
	}
	free(arena);
}

void *
arena_take(struct arena *arena, size_t size)
{
	struct block *block;
	void *piece;

	CHECK(size < SIZE_MAX - ALIGNMENT);
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (arena->newest == NULL || size > arena->newest->size - arena->newest->used)
		block_add(arena, size);
	block = arena->newest;
	piece = block->bytes + block->used;
	block->used += size;
	return piece;
}

void *
arena_take_array(struct arena *arena, size_t count, size_t item_size)
{
	CHECK(item_size > 0 && count < SIZE_MAX / item_size);
	return arena_take(arena, count * item_size);
}

char *
arena_text(struct arena *arena, struct str text)
{
	char *copy = arena_take(arena, text.n + 1);

	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	return copy;
}
