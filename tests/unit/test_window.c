/* test_window.c - deploy windows: how they are written, and how long it is until one opens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "config/window.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS };
#define DAY_MS (INT64_C(24) * HOUR_MS)
/* Monday, 2026-01-05, 00:00 UTC. */
#define MONDAY_MS (INT64_C(1767571200) * 1000)

static void
windows_are_read(void **state UNUSED)
{
	static const struct {
		const char *text;
		unsigned days;
		int from_min;
		int to_min;
	} good[] = {
		{ "mon-fri 09:00-17:00", 0x1f, 540, 1020 },
		{ "sat,sun 10:00-12:30", 0x60, 600, 750 },
		{ "daily 00:00-24:00", 0x7f, 0, 1440 },
		{ "daily 22:00-04:00", 0x7f, 1320, 1440 + 240 },
		{ "fri-mon 08:00-09:00", 0x71, 480, 540 },
		{ "mon,wed-thu 08:00-09:00", 0x0d, 480, 540 },
		{ "sun 23:59-00:00", 0x40, 1439, 1440 },
	};
	static const char *const bad[] = { "", "mon", "mon ", "daily", " 09:00-17:00",
		"mon 9:00-17:00", "mon 09:00", "mon 09:00-09:00", "mon 24:00-01:00",
		"mon 09:00-24:01", "mon 09:60-10:00", "mon 09:00-25:00", "monday 09:00-10:00",
		"mon- 09:00-10:00", "-fri 09:00-10:00", "mon,,tue 09:00-10:00",
		"mon  09:00-10:00", "mon 09:00-10:00 ", "daily,mon 09:00-10:00",
		"mon 09.00-10:00", "Mon 09:00-10:00" };
	struct window w;

	for (size_t i = 0; i < COUNT(good); i++) {
		assert_null(window_parse(good[i].text, &w));
		assert_null(rule_window(good[i].text));
		assert_int_equal(w.days, good[i].days);
		assert_int_equal(w.from_min, good[i].from_min);
		assert_int_equal(w.to_min, good[i].to_min);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		if (window_parse(bad[i], &w) == NULL)
			fail_msg("'%s' is taken", bad[i]);
}

static void
zones_are_read(void **state UNUSED)
{
	static const char *const good[] = { "UTC", "+00:00", "+02:00", "-05:30", "+14:00" };
	static const char *const bad[] = { "", "utc", "+2:00", "02:00", "+14:01", "+24:00",
		"+02:60", "Europe/Berlin", "+02:00 " };

	for (size_t i = 0; i < COUNT(good); i++)
		assert_null(rule_time_zone(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		if (rule_time_zone(bad[i]) == NULL)
			fail_msg("'%s' is taken", bad[i]);
}

static int64_t
closed(const char *window, const char *zone, int64_t now_ms)
{
	const char *items[] = { window };
	struct strings windows = { items, 1 };

	return windows_closed_ms(&windows, zone, now_ms);
}

static void
windows_open_and_close(void **state UNUSED)
{
	static const char office[] = "mon-fri 09:00-17:00";
	static const char night[] = "fri 22:00-04:00";
	const int64_t friday_ms = MONDAY_MS + 4 * DAY_MS;

	assert_int_equal(closed(office, "UTC", MONDAY_MS), 9 * HOUR_MS);
	assert_int_equal(closed(office, "UTC", MONDAY_MS + 9 * HOUR_MS - 1), 1);
	assert_int_equal(closed(office, "UTC", MONDAY_MS + 9 * HOUR_MS), 0);
	assert_int_equal(closed(office, "UTC", MONDAY_MS + 17 * HOUR_MS - 1), 0);
	assert_int_equal(closed(office, "UTC", MONDAY_MS + 17 * HOUR_MS), 16 * HOUR_MS);
	assert_int_equal(
	    closed(office, "UTC", friday_ms + 17 * HOUR_MS), 2 * DAY_MS + 16 * HOUR_MS);
	/* Over midnight it belongs to the day on which it begins. */
	assert_int_equal(closed(night, "UTC", friday_ms + 22 * HOUR_MS), 0);
	assert_int_equal(closed(night, "UTC", friday_ms + 28 * HOUR_MS - 1), 0);
	assert_int_equal(
	    closed(night, "UTC", friday_ms + 28 * HOUR_MS), 7 * DAY_MS - 6 * HOUR_MS);
	assert_int_equal(closed(night, "UTC", friday_ms + HOUR_MS), 21 * HOUR_MS);
	assert_int_equal(closed("daily 00:00-24:00", "UTC", MONDAY_MS + 77), 0);
}

static void
a_zone_moves_them(void **state UNUSED)
{
	assert_int_equal(closed("mon 09:00-10:00", "+02:00", MONDAY_MS), 7 * HOUR_MS);
	assert_int_equal(closed("mon 01:00-02:00", "+02:00", MONDAY_MS - HOUR_MS), 0);
	assert_int_equal(
	    closed("mon 09:00-10:00", "-05:30", MONDAY_MS), 14 * HOUR_MS + 30 * MINUTE_MS);
}

static void
the_first_of_several_counts(void **state UNUSED)
{
	const char *items[] = { "wed 09:00-10:00", "tue 09:00-10:00", "mon 05:00-06:00" };
	struct strings none = { NULL, 0 };
	struct strings three = { items, 3 };

	assert_int_equal(windows_closed_ms(&none, "UTC", MONDAY_MS), 0);
	assert_int_equal(windows_closed_ms(&three, "UTC", MONDAY_MS), 5 * HOUR_MS);
	assert_int_equal(windows_closed_ms(&three, "UTC", MONDAY_MS + 5 * HOUR_MS), 0);
	assert_int_equal(
	    windows_closed_ms(&three, "UTC", MONDAY_MS + 6 * HOUR_MS), 27 * HOUR_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_are_read),
		cmocka_unit_test(zones_are_read),
		cmocka_unit_test(windows_open_and_close),
		cmocka_unit_test(a_zone_moves_them),
		cmocka_unit_test(the_first_of_several_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
