/* tick.h - one turn of the server, and its end in peace.
 *
 * The one idea: the order of commit and release is written down once, in tick(), and whoever runs a
 * server, real or simulated, calls it. */
#ifndef SLIPWAY_SERVE_TICK_H
#define SLIPWAY_SERVE_TICK_H

#include <stdbool.h>

struct app;

/* Waits until something is due, then: events in, pure steps, one commit, answers and effects. */
void tick(struct app *app);

/* SIGTERM. begin: new work is refused, polls fall silent. is_over: every deploy has ended; is_late:
 * the time for it has. end: streams and connections are told, which takes a moment of ticks. */
void drain_begin(struct app *app);
bool drain_is_over(const struct app *app);
bool drain_is_late(const struct app *app);
void drain_end(struct app *app);

#endif
