/* apply_inside.h - what the files of an apply share. */
#ifndef SLIPWAY_SERVE_APPLY_INSIDE_H
#define SLIPWAY_SERVE_APPLY_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strategy.h"

struct app;
struct config_file;
struct plan;
struct stage_spec;

/* apply_notify.c: receivers, and who tells whom. */
void apply_notifications(
    struct app *app, const struct config_file *file, bool dry, struct plan *plan);

/* apply_strategy.c: how versions of that revision are replaced. */
enum strategy apply_strategy_of(const struct app *app, const struct stage_spec *spec);
/* What its deploys run once, as a set of enum task_kind, and TASK_SWAPS_BACK. */
uint32_t apply_tasks_of(const struct stage_spec *spec);

#endif
