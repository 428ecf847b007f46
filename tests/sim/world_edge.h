/* world_edge.h - the edge of the simulated world, for world.c alone. */
#ifndef SLIPWAY_TESTS_SIM_WORLD_EDGE_H
#define SLIPWAY_TESTS_SIM_WORLD_EDGE_H

#include "world.h"

void edge_reset(void);

/* answer->kind becomes EV_COUNT when the answer waits for requests to end. */
void edge_perform_in_world(
    const struct effect *ask, const struct facts *facts, struct event *answer);

/* A newer effect of the same actor takes the place of what the edge does for it. */
void edge_replace(const struct effect *effect);
void edge_forget(const struct effect *effect); /* it does not answer that one */

/* Waiting operations: when the next look is due, and that look. */
int64_t edge_next_ms(void);
void edge_pass(void);
void edge_lost_its_server(void);

/* Counts what makes a deploy give up draining. */
void edge_did_not_drain(const struct effect *effect);

/* world.c */
void world_answer(const struct event *answer);
void answer_as(struct event *answer, enum event_kind kind, const char *why);

#endif
