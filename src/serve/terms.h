/* terms.h - the terms under which a stage takes a version, read at the moment in which it judges.
 *
 * The one idea: they are never copied into a stage's own rows, so they cannot be out of date: what is
 * configured now, what serves and runs in the source now, and what time it is. */
#ifndef SLIPWAY_SERVE_TERMS_H
#define SLIPWAY_SERVE_TERMS_H

#include <stdint.h>

#include "actors/fsm.h"
#include "store/catalog.h"

struct app;

/* The `inform` of the runtime's host; context is the struct app. */
void terms_inform(void *context, struct event *event);

void
terms_read(const struct app *app, const struct stage_entry *stage, struct terms *ret_terms);

/* The stage that versions come from; NULL: from anywhere, or it is not there. */
const struct stage_entry *terms_source(const struct app *app, const struct stage_entry *stage);

/* Every container of what is live runs, as far as the last look at its engine tells. */
bool terms_is_whole(const struct app *app, const struct stage_entry *stage);

#endif
