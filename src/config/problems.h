/* problems.h - what is wrong with a file, all of it at once, each with its place.
 *
 * The one idea: checking goes on after a fault, so that a person mends a file in one sitting. */
#ifndef SLIPWAY_CONFIG_PROBLEMS_H
#define SLIPWAY_CONFIG_PROBLEMS_H

#include <stddef.h>

#include "base/check.h"
#include "base/limits.h"

struct arena;

struct config_problem {
	int line; /* from 1; 0: the file as a whole */
	int column; /* from 1, in characters */
	const char *text;
};

struct config_problems {
	struct config_problem items[CONFIG_FAULTS_MAX];
	size_t count; /* in items */
	size_t unlisted; /* more, for which there was no room */
	struct arena *arena;
};

void problems_init(struct config_problems *problems, struct arena *arena);

/* The same words at the same place are told once: every stage may find the fault of its project. */
void problems_add(struct config_problems *problems, int line, int column, const char *format,
    ...) PRINTF_LIKE(4, 5);

/* By line and column; those of one place stay in the order of their coming. */
void problems_sort(struct config_problems *problems);

#endif
