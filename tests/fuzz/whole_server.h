/* whole_server.h - everything that `slipway serve` has, with its own birth and tick, over any store, in
 * virtual time and without an edge. */
#ifndef SLIPWAY_TESTS_WHOLE_SERVER_H
#define SLIPWAY_TESTS_WHOLE_SERVER_H

#include <stdbool.h>

#include "base/err.h"
#include "serve/app.h"
#include "talk.h"

#define WHOLE_TOKEN "0123456789abcdef0123456789abcdef"

/* Takes the store over. NULL: it refuses to start; whole_end() all the same. */
struct app *whole_begin(struct store *store, struct err *err) MUST_USE;

/* Also after a birth or a tick that was left in the middle. */
void whole_end(void);

/* CHECKs that the file has no faults. */
void whole_apply(struct app *app, const char *yaml);

/* may_wait: time jumps to what comes next when there is nothing to do now. */
void whole_tick(struct app *app, bool may_wait);

/* One request over a connection of its own; its head is made: the token (unless the headers begin with
 * "-"), Host and Content-Length. Ticks until the answer has come, or no more comes. */
void whole_ask(
    struct app *app, struct talk *talk, struct str line, struct str headers, struct str body);

/* The laws that hold between two ticks. */
void whole_check(const struct app *app);

#endif
