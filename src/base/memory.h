/* memory.h - giving back what only the start needed. */
#ifndef SLIPWAY_BASE_MEMORY_H
#define SLIPWAY_BASE_MEMORY_H

/* Returns freed heap and the pages of programs and libraries that nobody writes. What is still
 * needed comes back by itself from the page cache: for the end of a start, not for a tick. */
void memory_settle(void);

#endif
