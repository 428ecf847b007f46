/* apply_inside.h - what the files of an apply share. */
#ifndef SLIPWAY_SERVE_APPLY_INSIDE_H
#define SLIPWAY_SERVE_APPLY_INSIDE_H

#include <stdbool.h>

struct app;
struct config_file;
struct plan;

/* apply_notify.c: receivers, and who tells whom. */
void apply_notifications(
    struct app *app, const struct config_file *file, bool dry, struct plan *plan);

#endif
