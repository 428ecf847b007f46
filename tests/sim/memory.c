/* memory.c - what SQLite allocates. Debian's is built without its own lookaside, and takes some 700
 * pieces of memory for each commit. Here a piece that is given back is the next one of its size. */
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim.h"

enum { STEP = 64, STEPS = 80, BLOCK = 1 << 20 };

/* Before each piece: its size, and while nobody has it the next free one of that size. */
struct piece {
	size_t size;
	struct piece *next;
};

enum { HEAD = offsetof(struct piece, next) };

static struct piece *spare[STEPS + 1];
static char *block;
static size_t left;

static int
round_up(int n)
{
	return (n + HEAD + STEP - 1) / STEP * STEP - HEAD;
}

static struct piece *
cut(size_t size)
{
	struct piece *piece;

	if (left < size) {
		block = malloc(BLOCK);
		CHECK(block != NULL);
		left = BLOCK;
	}
	piece = (struct piece *)(void *)block;
	block += size;
	left -= size;
	return piece;
}

static void *
take(int n)
{
	size_t size = (size_t)round_up(n) + HEAD;
	struct piece **first = &spare[size / STEP];
	struct piece *piece;

	if (size / STEP > STEPS) {
		piece = malloc(size);
		CHECK(piece != NULL);
	} else if (*first == NULL) {
		piece = cut(size);
	} else {
		piece = *first;
		*first = piece->next;
	}
	piece->size = size;
	return &piece->next;
}

static struct piece *
piece_of(void *p)
{
	return (struct piece *)(void *)((char *)p - HEAD);
}

static void
give(void *p)
{
	struct piece *piece = piece_of(p);

	if (piece->size / STEP > STEPS) {
		free(piece);
		return;
	}
	piece->next = spare[piece->size / STEP];
	spare[piece->size / STEP] = piece;
}

static int
size_of(void *p)
{
	return (int)piece_of(p)->size - HEAD;
}

static void *
resize(void *p, int n)
{
	void *other;

	if (round_up(n) == size_of(p))
		return p;
	other = take(n);
	memcpy(other, p, (size_t)(n < size_of(p) ? n : size_of(p)));
	give(p);
	return other;
}

static int
begin(void *context UNUSED)
{
	return SQLITE_OK;
}

static void
end(void *context UNUSED)
{
}

void
memory_set_up(void)
{
	static const sqlite3_mem_methods methods = { .xMalloc = take,
		.xFree = give,
		.xRealloc = resize,
		.xSize = size_of,
		.xRoundup = round_up,
		.xInit = begin,
		.xShutdown = end };

	CHECK(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK);
}
