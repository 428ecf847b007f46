/* world_window.h - see world_window.c. */
#ifndef SLIPWAY_TESTS_SIM_WORLD_WINDOW_H
#define SLIPWAY_TESTS_SIM_WORLD_WINDOW_H

#include "world.h"

void windows_reset(void);

/* A deploy is watched since then, as its row says. */
void window_began(uint64_t deploy, int64_t since_ms);
int64_t window_since_ms(uint64_t deploy); /* 0: it was never */
/* It has shown in its window that it is bad; and it was watched for so long as it had to be. */
bool window_has_failed(uint64_t deploy);
bool window_has_passed(uint64_t deploy);

/* VERIFY. The answer is EV_COUNT when it comes later, as the window goes on. */
void window_perform(const struct effect *ask, const struct facts *facts, struct event *answer);
void windows_forget(uint64_t actor);
void windows_lost_their_server(void);
int64_t windows_next_ms(void); /* INT64_MAX: nobody is watched */
void windows_pass(void);

#endif
