/* clock.h - one `now` for a whole tick.
 *
 * clock_now_ms() counts milliseconds since the epoch as the wall clock said at start, advanced by
 * the monotonic clock: it never jumps while the process runs, so deadlines hold when somebody sets
 * the time. clock_wall_ms() is for people to read (logs). */
#ifndef SLIPWAY_BASE_CLOCK_H
#define SLIPWAY_BASE_CLOCK_H

#include <stdint.h>

void clock_tick(void); /* reads the clocks; once at the head of each tick */
int64_t clock_now_ms(void); /* as of the last clock_tick() */
int64_t clock_wall_ms(void); /* read afresh */
/* By how much somebody has set the wall clock since the last call; 0: not, or by less than 5 s. */
int64_t clock_jump_ms(void);
int64_t clock_mono_us(void); /* read afresh; for measuring durations only */

/* "2026-01-31T12:34:56.789Z" of wall milliseconds into at least 25 bytes. */
enum { CLOCK_TEXT_SIZE = 25 };
void clock_text(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);

#endif
