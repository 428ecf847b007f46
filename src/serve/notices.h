/* notices.h - what is worth telling people, and to whom: it births a notify actor for each receiver.
 *
 * The one idea: it looks at the steps of the tick that is about to be committed. So a notification
 * is born in the transaction of what it tells of: nothing is told that did not happen, and nothing
 * that happened is forgotten by a crash. Ports, which take no steps, add what they see. */
#ifndef SLIPWAY_SERVE_NOTICES_H
#define SLIPWAY_SERVE_NOTICES_H

#include "base/notice.h"

struct app;
struct noticed;
struct notices;

struct notices *notices_new(void);
void notices_free(struct notices *); /* NULL allowed */

/* What a port has seen, for the tick to come. Beyond NOTICES_WAITING_MAX the rest is only logged. */
void notices_add(struct app *app, const struct noticed *what);

/* Right before each commit. */
void notices_step(struct app *app);

#endif
