/* lines.h - configuration taken apart into single values, each with the keys that lead to it.
 *
 * The one idea: what is written to a file and what is compared is the same walk over the same tables, so
 * a key that can be set is exported and shown in a diff, or neither compiles. A value that is the default is
 * left out; the order is that of the tables, so equal configurations give equal lines. */
#ifndef SLIPWAY_CONFIG_LINES_H
#define SLIPWAY_CONFIG_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "config/fields.h"
#include "config/file.h"

enum { LINE_DEPTH_MAX = 3 }; /* hooks, post_switch, timeout */

struct config_line {
	const char *path[LINE_DEPTH_MAX]; /* keys as they are, not quoted */
	size_t depth;
	struct str value; /* as YAML: quoted where it must be; of a list nothing */
	const struct strings *items; /* a list: its texts as they are; else NULL */
};

typedef void config_line_fn(void *context, const struct config_line *line);

/* Where lines go. What a line leads to lives as long as the arena and what is taken apart do. */
struct line_sink {
	struct arena *arena;
	config_line_fn *each;
	void *context;
};

void lines_of_engine(const struct config_engine *, const struct line_sink *);
void lines_of_registry(const struct config_registry *, const struct line_sink *);
void lines_of_proxy(const struct config_proxy *, const struct line_sink *);
void lines_of_receiver(const struct config_receiver *, const struct line_sink *);
void lines_of_notify(const struct strings *receivers, const struct line_sink *);
void lines_of_webhook(const struct config_webhook *, const struct line_sink *);

/* What the stages of a project have in common: keys by the table, and entries of maps, which the spec
 * holds. */
struct shared_spec {
	struct stage_spec spec;
	bool has[STAGE_FIELD_COUNT];
};

/* Of at least two stages, for the file: it says once what all of them say. */
void shared_find(const struct stage_spec *stages, size_t count, struct arena *arena,
    struct shared_spec *ret);

/* shared: left out here, because it stands at the project; NULL: nothing. */
void lines_of_stage(
    const struct stage_spec *, const struct shared_spec *shared, const struct line_sink *);
void lines_of_shared(const struct shared_spec *, const struct line_sink *);

#endif
