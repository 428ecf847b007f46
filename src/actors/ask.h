/* ask.h - what the machines share: how long to wait before asking again, and keeping a reason. */
#ifndef SLIPWAY_ACTORS_ASK_H
#define SLIPWAY_ACTORS_ASK_H

#include "actors/fsm.h"

/* Pause before try number `tries` + 1: half a second, doubled each time, 20 s at most; eight of them
 * outlast a minute without an engine. Never less than the peer asked for (after_ms), which is taken
 * up to 10 minutes. */
int64_t retry_delay_ms(uint32_t tries, int64_t after_ms);

/* Copies the event's text, or words for its kind when it has none. */
void keep_reason(char reason[REASON_SIZE], const struct event *e);
void keep_text(char reason[REASON_SIZE], const char *text);

#endif
