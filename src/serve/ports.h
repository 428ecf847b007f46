/* ports.h - between the runtime and the ports: effects go out, answers come in. */
#ifndef SLIPWAY_SERVE_PORTS_H
#define SLIPWAY_SERVE_PORTS_H

#include "actors/fsm.h"
#include "base/err.h"

struct app;

/* Makes fetch, docker, registry and (unless switched off) the edge. */
int ports_open(struct app *app, struct err *err) MUST_USE;
void ports_close(struct app *app); /* nothing to do when they never opened */

/* After recovery: event streams on, the routes of the edge compared with the store. */
void ports_start(struct app *app);

/* Hands an effect to its port, after its delay. context: the struct app. */
/* An actor is over: what is still done for it has no use. */
void ports_forget(struct app *app, uint64_t actor);

void ports_perform(void *context, const struct effect *effect);

#endif
