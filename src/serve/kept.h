/* kept.h - versions that served before and are kept running, so that going back to one starts nothing, and so that
 * each is reached by its tag: for how long, and when that ends before its time. */
#ifndef SLIPWAY_SERVE_KEPT_H
#define SLIPWAY_SERVE_KEPT_H

#include <stdint.h>

struct app;
struct moved;
struct stage_entry;
struct terms;

/* Fills in how long, and how many, of a stage's versions may be kept once the next one serves. */
void kept_terms(const struct app *app, const struct stage_entry *stage, struct terms *terms);

/* A step was kept: a stage may have begun to keep one. */
void kept_moved(struct app *app, const struct moved *moved);

/* Some instance of that deploy does not run any more: who is kept for nothing is let go: one that has a
 * time with the first of them, one that is reached by its tag with the last that is gone. */
void kept_check(struct app *app, uint64_t deploy);

/* Its containers end with the next sweep, which is nudged; why, for a person: ": its time is over". */
void kept_let_go(
    struct app *app, const struct stage_entry *stage, uint64_t deploy, const char *why);

/* In each tick, before its commit: those whose time is over are let go, those that are more than the
 * configuration wants by now, and while the machine is short of memory all that have a time. */
void kept_step(struct app *app, int64_t now_ms);
int64_t kept_due_ms(const struct app *app); /* of the next such step; INT64_MAX: none */

#endif
