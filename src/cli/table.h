/* table.h - aligned columns of text.
 *
 * Pure: cells in, lines out. Filled row by row; an empty cell shows as "-". */
#ifndef SLIPWAY_CLI_TABLE_H
#define SLIPWAY_CLI_TABLE_H

#include <stddef.h>

#include "base/check.h"
#include "base/str.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct table {
	size_t columns;
	size_t cells; /* the heads count, too */
	struct buf text; /* each cell and a NUL */
};

/* heads: ended by NULL; a head that begins with '>' sets its column to the right. With heads that
 * are all "", no line of heads is written. */
void table_init(struct table *t, const char *const *heads);
void table_free(struct table *t);

void table_cell(struct table *t, const char *text);
void table_cell_format(struct table *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* The whole table. width: lines are cut there, marked by ".."; 0: as long as they are. */
void table_write(const struct table *t, size_t width, struct buf *to);

#endif
