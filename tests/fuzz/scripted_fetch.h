/* scripted_fetch.h - outgoing HTTP whose answers are the input, behind ports/fetch.h.
 *
 * Each request takes the next part of the script (see fuzz_next_part):
 *
 *	200
 *	Content-Type: application/json
 *
 *	{"body": "{sha256} stands for the body's own digest, in headers too"}
 *
 * or, in place of the status, one of the words unreached, broken, large, silent, and ok: what a peer in
 * good health would say. When the script is over nobody is reached any more. */
#ifndef SLIPWAY_TESTS_SCRIPTED_FETCH_H
#define SLIPWAY_TESTS_SCRIPTED_FETCH_H

#include "base/str.h"
#include "ports/fetch.h"

/* Called for each request, for a harness to look at; NULL: nobody looks. */
typedef void script_watch_fn(void *context, const struct fetch_request *request);

void script_set(struct str script, script_watch_fn *watch, void *context);

/* Appends the part that "ok" stands for. */
typedef void script_model_fn(const char *method, const char *url, struct buf *part);
void script_set_model(script_model_fn *model);
void script_repeat_model(void); /* everything behind the end of the script is "ok" */
bool script_is_over(void);
uint32_t script_requests(void); /* since script_set */

#endif
