/* window.c - see window.h. */
#include "config/window.h"

#include <stdbool.h>
#include <string.h>

enum { MINUTE_MS = 60000, DAY_MIN = 24 * 60, WEEK = 7, ZONE_MAX_MIN = 14 * 60 };
enum { FIRST_WEEKDAY = 3 }; /* 1970-01-01 was a Thursday */

#define EVERY_DAY ((1u << WEEK) - 1)

static const char *const day_names[WEEK] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

static int
day_by_name(struct str text)
{
	for (int i = 0; i < WEEK; i++)
		if (str_is(text, day_names[i]))
			return i;
	return -1;
}

/* One day, or two with those between them; fri-mon goes over Sunday. */
static bool
read_days(struct str text, unsigned *ret_days)
{
	struct str first;
	struct str last = str_cut(text, '-', &first);
	int from = day_by_name(first);
	int to = first.n == text.n ? from : day_by_name(last);

	if (from < 0 || to < 0)
		return false;
	for (int day = from;; day = (day + 1) % WEEK) {
		*ret_days |= 1u << day;
		if (day == to)
			return true;
	}
}

/* "09:00", up to "24:00". */
static bool
read_clock(struct str text, int *ret_min)
{
	uint64_t hour;
	uint64_t minute;

	if (text.n != 5 || text.p[2] != ':'
	    || !str_number((struct str){ text.p, 2 }, 24, &hour)
	    || !str_number((struct str){ text.p + 3, 2 }, 59, &minute))
		return false;
	*ret_min = (int)(hour * 60 + minute);
	return *ret_min <= DAY_MIN;
}

static bool
read_span(struct str text, struct window *ret)
{
	struct str from;
	struct str to = str_cut(text, '-', &from);

	if (!read_clock(from, &ret->from_min) || !read_clock(to, &ret->to_min)
	    || ret->from_min == DAY_MIN || ret->from_min == ret->to_min)
		return false;
	if (ret->to_min < ret->from_min)
		ret->to_min += DAY_MIN;
	return true;
}

const char *
window_parse(const char *text, struct window *ret)
{
	static const char form[] =
	    "is no window: write days and hours, \"mon-fri 09:00-17:00\", \"sat,sun "
	    "10:00-12:30\" or \"daily 22:00-04:00\"";
	struct str days;
	struct str span = str_cut(str_of(text), ' ', &days);

	*ret = (struct window){ .days = 0 };
	if (str_is(days, "daily")) {
		ret->days = EVERY_DAY;
		days.n = 0;
	}
	while (days.n > 0) {
		struct str one;

		days = str_cut(days, ',', &one);
		if (!read_days(one, &ret->days))
			return form;
	}
	return ret->days != 0 && read_span(span, ret) ? NULL : form;
}

const char *
rule_window(const char *text)
{
	struct window ignored;

	return window_parse(text, &ignored);
}

/* "+02:00" */
static bool
read_zone(const char *text, int *ret_min)
{
	struct str zone = str_of(text);
	int minutes;

	*ret_min = 0;
	if (str_is(zone, "UTC"))
		return true;
	if (zone.n != 6 || (zone.p[0] != '+' && zone.p[0] != '-')
	    || !read_clock((struct str){ zone.p + 1, 5 }, &minutes) || minutes > ZONE_MAX_MIN)
		return false;
	*ret_min = zone.p[0] == '-' ? -minutes : minutes;
	return true;
}

const char *
rule_time_zone(const char *text)
{
	int ignored;

	return read_zone(text, &ignored)
		   ? NULL
		   : "must be UTC or a distance from it, \"+02:00\" or \"-05:30\"";
}

int64_t
windows_closed_ms(const struct strings *windows, const char *zone, int64_t now_ms)
{
	const int64_t day_ms = (int64_t)DAY_MIN * MINUTE_MS;
	int64_t closed_ms = windows->count == 0 ? 0 : INT64_MAX;
	int offset_min = 0;
	int64_t local_ms;
	int64_t today;

	(void)read_zone(zone, &offset_min);
	local_ms = now_ms + (int64_t)offset_min * MINUTE_MS;
	today = local_ms / day_ms;
	for (size_t i = 0; i < windows->count; i++) {
		struct window window;

		if (window_parse(windows->items[i], &window) != NULL)
			continue;
		/* That of yesterday may still be open; the next one is a week away at most. */
		for (int64_t day = today - 1; day <= today + WEEK; day++) {
			int64_t opens_ms = day * day_ms + (int64_t)window.from_min * MINUTE_MS;
			int64_t ends_ms = day * day_ms + (int64_t)window.to_min * MINUTE_MS;

			if (!(window.days >> (day + FIRST_WEEKDAY) % WEEK & 1u))
				continue;
			if (opens_ms <= local_ms && local_ms < ends_ms)
				return 0;
			if (opens_ms > local_ms && opens_ms - local_ms < closed_ms)
				closed_ms = opens_ms - local_ms;
		}
	}
	return closed_ms;
}
