/* problems.c - a bounded list of sentences. */
#include "config/problems.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

void
problems_init(struct config_problems *problems, struct arena *arena)
{
	problems->count = 0;
	problems->unlisted = 0;
	problems->arena = arena;
}

/* Faults quote the file and go to a terminal: an escape sequence in a key must not work there. */
static void
blunt(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static bool
is_told(const struct config_problems *problems, int line, int column, const char *text)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct config_problem *one = &problems->items[i];

		if (one->line == line && one->column == column && strcmp(one->text, text) == 0)
			return true;
	}
	return false;
}

void
problems_add(struct config_problems *problems, int line, int column, const char *format, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	blunt(text);
	if (is_told(problems, line, column, text))
		return;
	if (problems->count == COUNT(problems->items)) {
		problems->unlisted++;
		return;
	}
	problems->items[problems->count++] = (struct config_problem){
		.line = line,
		.column = column,
		.text = arena_text(problems->arena, str_of(text)),
	};
}

static bool
stands_behind(const struct config_problem *a, const struct config_problem *b)
{
	return a->line > b->line || (a->line == b->line && a->column > b->column);
}

/* By insertion: stable, and the list is short and nearly in order. */
void
problems_sort(struct config_problems *problems)
{
	struct config_problem *items = problems->items;

	for (size_t i = 1; i < problems->count; i++) {
		struct config_problem moving = items[i];
		size_t at = i;

		for (; at > 0 && stands_behind(&items[at - 1], &moving); at--)
			items[at] = items[at - 1];
		items[at] = moving;
	}
}
