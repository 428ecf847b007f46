/* window.h - when a stage may be deployed to: "mon-fri 09:00-17:00", in one time zone.
 *
 * The one idea: pure arithmetic over a week. A zone is UTC or a fixed distance from it, so that a window
 * lies where it is written, in summer as in winter. */
#ifndef SLIPWAY_CONFIG_WINDOW_H
#define SLIPWAY_CONFIG_WINDOW_H

#include <stdint.h>

#include "config/spec.h"

struct window {
	unsigned days; /* set of bits: 0 is Monday */
	int from_min; /* of the day */
	int to_min; /* greater than from_min; beyond 24:00 it ends on the next day */
};

/* NULL, or what is wrong with the text. */
const char *window_parse(const char *text, struct window *ret);
const char *rule_window(const char *text);
const char *rule_time_zone(const char *text);

/* How long until one of them opens; 0: one is open, or there are none. The texts were checked. */
int64_t windows_closed_ms(const struct strings *windows, const char *zone, int64_t now_ms);

#endif
