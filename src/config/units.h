/* units.h - numbers with a unit, as people write them in slipway.yml and the environment. */
#ifndef SLIPWAY_CONFIG_UNITS_H
#define SLIPWAY_CONFIG_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* "500ms", "30s", "5m", "1h", "1m30s" (units fall, each once); "0s". Up to a year. */
bool units_duration(struct str text, int64_t *ret_ms);

/* "512k", "256m", "1g", "1t": powers of 1,024; also in capitals, also with a b behind. */
bool units_size(struct str text, int64_t *ret_bytes);

/* "0.5", "2", "1.25": at most three digits behind the point. */
bool units_milli(struct str text, int64_t *ret_milli);

/* The shortest form that reads back as the same value, into at least 32 bytes. */
enum { UNITS_TEXT_SIZE = 32 };
void units_duration_text(int64_t ms, char text[UNITS_TEXT_SIZE]);
void units_size_text(int64_t bytes, char text[UNITS_TEXT_SIZE]);
void units_milli_text(int64_t milli, char text[UNITS_TEXT_SIZE]);

#endif
