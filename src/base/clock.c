/* clock.c - time. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t now_ms;
static int64_t wall_minus_mono_ms;
static int64_t jumped_ms; /* of which clock_jump_ms() has told */
static int has_base;

enum { JUMP_LEAST_MS = 5000 }; /* a loaded machine is late by less, time servers slew */

static int64_t
read_ns(clockid_t which)
{
	struct timespec ts;

	clock_gettime(which, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
clock_tick(void)
{
	int64_t mono_ms = read_ns(CLOCK_MONOTONIC) / 1000000;

	if (!has_base) {
		wall_minus_mono_ms = clock_wall_ms() - mono_ms;
		has_base = 1;
	}
	now_ms = mono_ms + wall_minus_mono_ms;
}

int64_t
clock_jump_ms(void)
{
	int64_t by_ms = clock_wall_ms() - clock_now_ms() - jumped_ms;

	if (by_ms > -JUMP_LEAST_MS && by_ms < JUMP_LEAST_MS)
		return 0;
	jumped_ms += by_ms;
	return by_ms;
}

int64_t
clock_now_ms(void)
{
	if (!has_base)
		clock_tick();
	return now_ms;
}

int64_t
clock_wall_ms(void)
{
	return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t
clock_mono_us(void)
{
	return read_ns(CLOCK_MONOTONIC) / 1000;
}

void
clock_text(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	unsigned milliseconds = (unsigned)(wall_ms % 1000);
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, CLOCK_TEXT_SIZE - n, ".%03uZ", milliseconds);
}
