/* lines_inside.h - what lines.c and lines_hosts.c share: a walk that knows where it is. */
#ifndef SLIPWAY_CONFIG_LINES_INSIDE_H
#define SLIPWAY_CONFIG_LINES_INSIDE_H

#include "config/lines.h"

struct walk {
	const struct line_sink *sink;
	struct config_line line;
	struct buf scalar;
};

void walk_begin(struct walk *w, const struct line_sink *sink);
void walk_end(struct walk *w);
void walk_enter(struct walk *w, const char *key);
void walk_leave(struct walk *w);

void walk_put_plain(struct walk *w, const char *key, const char *value); /* YAML already */
void
walk_put_text(struct walk *w, const char *key, const char *value); /* quoted if it must be */

void walk_put_list(struct walk *w, const char *key, const struct strings *items);

/* lines_shared.c: takes the entries of maps away that others have alike. */
void
pairs_subtract(struct stage_spec *spec, const struct stage_spec *others, struct arena *arena);

#endif
