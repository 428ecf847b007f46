/* plan.c - see plan.h. */
#include "serve/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLAN_ARENA_SIZE = 16 << 10 };

void
plan_init(struct plan *plan)
{
	*plan = (struct plan){ .arena = arena_new(PLAN_ARENA_SIZE) };
}

void
plan_free(struct plan *plan)
{
	arena_free(plan->arena);
	free(plan->entries);
	*plan = (struct plan){ 0 };
}

struct plan_entry *
plan_add(struct plan *plan, const char *action, const char *format, ...)
{
	struct plan_entry *entry;
	va_list args;

	if ((plan->count & (plan->count - 1)) == 0) {
		plan->entries = realloc(plan->entries,
		    (plan->count == 0 ? 1 : plan->count * 2) * sizeof(*plan->entries));
		CHECK(plan->entries != NULL);
	}
	entry = &plan->entries[plan->count++];
	*entry = (struct plan_entry){ .action = action };
	va_start(args, format);
	vsnprintf(entry->what, sizeof(entry->what), format, args);
	va_end(args);
	if (strcmp(action, PLAN_KEEP) != 0 && strcmp(action, PLAN_LEFT) != 0)
		plan->changes++;
	return entry;
}
