/* table.c - see table.h. The cells lie one behind the other; they are walked twice, first to learn
 * the widths. */
#include "cli/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cli/words.h"

enum { CELL_SIZE = 1024, GAP = 2 };

void
table_init(struct table *t, const char *const *heads)
{
	*t = (struct table){ 0 };
	buf_init(&t->text, CLI_TEXT_MAX);
	while (heads[t->columns] != NULL) {
		CHECK(t->columns < TABLE_COLUMNS_MAX);
		buf_add(&t->text, heads[t->columns], strlen(heads[t->columns]) + 1);
		t->columns++;
	}
	t->cells = t->columns;
}

void
table_free(struct table *t)
{
	buf_free(&t->text);
}

void
table_cell(struct table *t, const char *text)
{
	struct str whole = str_of(text[0] == '\0' ? "-" : text);

	words_clean(&t->text, whole, false);
	buf_char(&t->text, '\0');
	t->cells++;
}

void
table_cell_format(struct table *t, const char *format, ...)
{
	char text[CELL_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	table_cell(t, text);
}

/* The cell at *offset, which moves on. A head's '>' is no part of it. */
static struct str
next_cell(const struct table *t, size_t *offset, bool is_head)
{
	struct str cell = str_of(t->text.p + *offset);

	*offset += cell.n + 1;
	if (is_head && str_starts(cell, ">"))
		cell = (struct str){ cell.p + 1, cell.n - 1 };
	return cell;
}

static void
measure(
    const struct table *t, size_t widths[TABLE_COLUMNS_MAX], bool is_right[TABLE_COLUMNS_MAX])
{
	size_t offset = 0;

	for (size_t i = 0; i < t->cells; i++) {
		bool is_head = i < t->columns;
		size_t column = i % t->columns;
		size_t width;

		if (is_head)
			is_right[column] = t->text.p[offset] == '>';
		width = words_width(next_cell(t, &offset, is_head));
		if (is_head || width > widths[column])
			widths[column] = width;
	}
}

static void
pad(struct buf *line, size_t n)
{
	while (n-- > 0)
		buf_char(line, ' ');
}

static void
write_line(struct buf *line, size_t width, struct buf *to)
{
	struct str text = buf_view(line);

	while (text.n > 0 && text.p[text.n - 1] == ' ')
		text.n--;
	if (width > 2 && words_width(text) > width) {
		buf_str(to, words_cut(text, width - 2));
		buf_text(to, "..");
	} else {
		buf_str(to, text);
	}
	buf_char(to, '\n');
	buf_clear(line);
}

static bool
has_heads(const struct table *t)
{
	for (size_t i = 0; i < t->columns; i++)
		if (t->text.p[i] != '\0')
			return true;
	return false;
}

void
table_write(const struct table *t, size_t width, struct buf *to)
{
	size_t widths[TABLE_COLUMNS_MAX] = { 0 };
	bool is_right[TABLE_COLUMNS_MAX] = { false };
	bool shows_heads = has_heads(t);
	struct buf line;
	size_t offset = 0;

	CHECK(t->cells % t->columns == 0);
	CHECK(!t->text.overflow);
	buf_init(&line, CLI_TEXT_MAX);
	measure(t, widths, is_right);
	for (size_t i = 0; i < t->cells; i++) {
		struct str cell = next_cell(t, &offset, i < t->columns);
		size_t column = i % t->columns;
		size_t blanks = widths[column] - words_width(cell);

		pad(&line, (column > 0 ? GAP : 0) + (is_right[column] ? blanks : 0));
		buf_str(&line, cell);
		if (!is_right[column])
			pad(&line, blanks);
		if (column + 1 == t->columns && (i >= t->columns || shows_heads))
			write_line(&line, width, to);
		else if (column + 1 == t->columns)
			buf_clear(&line);
	}
	buf_free(&line);
}
