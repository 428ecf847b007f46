/* warm.h - versions that have served until a moment ago and are kept running, so that going back to one
 * starts nothing: for how long, and when that ends before its time. */
#ifndef SLIPWAY_SERVE_WARM_H
#define SLIPWAY_SERVE_WARM_H

#include <stdint.h>

struct app;
struct moved;
struct stage_entry;

/* How long a stage's version may be kept once the next one serves; 0: not at all. */
int64_t warm_keep_ms(const struct app *app, const struct stage_entry *stage);

/* A step was kept: a stage may have begun to keep one. */
void warm_moved(struct app *app, const struct moved *moved);

/* Some instance of that deploy does not run any more: who is kept warm for nothing is let go. */
void warm_check(struct app *app, uint64_t deploy);

/* In each tick, before its commit: those whose time is over are let go, and all while the machine is
 * short of memory. */
void warm_step(struct app *app, int64_t now_ms);
int64_t warm_due_ms(const struct app *app); /* of the next such step; INT64_MAX: none */

#endif
