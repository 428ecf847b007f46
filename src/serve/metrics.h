/* metrics.h - what has happened since the start, counted, and how things are now: for Prometheus.
 *
 * The one idea: things are counted where they pass anyway, a step when it is kept and an answer when it
 * leaves; how things are is read when somebody asks. Nothing of it is stored: who collects it knows that
 * counters begin at zero with each start. */
#ifndef SLIPWAY_SERVE_METRICS_H
#define SLIPWAY_SERVE_METRICS_H

#include <stdbool.h>

struct app;
struct buf;
struct metrics;
struct moved;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *); /* NULL allowed */

/* After the commit of a step. */
void metrics_moved(struct app *app, const struct moved *moved);

/* An answer that leaves; is_webhook: to a webhook. */
void metrics_answered(struct metrics *, bool is_webhook, int status);

/* All of it, in Prometheus' text format 0.0.4. */
void metrics_write(const struct app *app, struct buf *to);

#endif
