/* promela.h - the tables in the language of the model checker spin. */
#ifndef SLIPWAY_CLI_PROMELA_H
#define SLIPWAY_CLI_PROMELA_H

#include "actors/fsm.h"
#include "base/str.h"

/* The names that all machines share: events, effects, and which events are tied to an epoch. */
void promela_write_names(struct buf *to);

/* One machine: its states, and what one event does to one of its actors. Guards, actions and the
 * bookkeeping of a step are names that spec/model/env.pml gives a meaning. */
void promela_write(const struct spec *spec, struct buf *to);

#endif
