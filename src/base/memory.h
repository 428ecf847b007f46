/* memory.h - giving back what only the start needed; how much the machine has left. */
#ifndef SLIPWAY_BASE_MEMORY_H
#define SLIPWAY_BASE_MEMORY_H

#include <stdbool.h>

/* Returns freed heap and the pages of programs and libraries that nobody writes. What is still
 * needed comes back by itself from the page cache: for the end of a start, not for a tick. */
void memory_settle(void);

/* Less than a tenth of this machine's memory is available. false: that is not known. */
bool memory_host_is_short(void);

#endif
