/* life.h - the birth and the death of the server's parts, in one order for every host of them.
 *
 * The one idea: what is around the parts (settings, loop, store) is the caller's: a process that
 * starts, or a simulator that lets a server die and live again a hundred times on one store. */
#ifndef SLIPWAY_SERVE_LIFE_H
#define SLIPWAY_SERVE_LIFE_H

#include "base/err.h"

struct app;

/* Takes up what the store holds and listens; everything that can be wrong is found before anything
 * is taken up again. Needs app's settings, loop and store. After -1, too, life_end() is due. */
int life_begin(struct app *app, struct err *err) MUST_USE;

/* Lets go of all but settings, loop and store: at the end, or as if it had crashed. */
void life_end(struct app *app);

#endif
