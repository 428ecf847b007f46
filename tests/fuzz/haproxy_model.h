/* haproxy_model.h - an HAProxy in this process: its runtime socket and its master's, with what was
 * said to it kept in mind, and answers of the input in between.
 *
 * Each command takes the next part of the script (see fuzz_next_part): "ok" for what HAProxy would
 * say, "close", "silent", "!" and raw bytes without a prompt behind them, or else the answer's text.
 * When the script is over everything is "ok". Commands are carried out whatever is said of them,
 * but for one whose part begins with "no". */
#ifndef SLIPWAY_TESTS_HAPROXY_MODEL_H
#define SLIPWAY_TESTS_HAPROXY_MODEL_H

#include "base/str.h"

struct loop;
struct haproxy_model;

/* Listens in the directory on stats.sock and master.sock. */
struct haproxy_model *
haproxy_model_new(struct loop *loop, const char *directory, struct str script);
void haproxy_model_free(struct haproxy_model *model);

#endif
