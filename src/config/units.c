/* units.c - durations, sizes and thousandths, in and out. */
#include "config/units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define YEAR_MS (INT64_C(366) * 24 * 60 * 60 * 1000)
#define NUMBER_MAX (INT64_C(1) << 40)

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = {
	{ "h", 60 * 60 * 1000 },
	{ "m", 60 * 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

static const struct unit sizes[] = {
	{ "t", INT64_C(1) << 40 },
	{ "g", INT64_C(1) << 30 },
	{ "m", INT64_C(1) << 20 },
	{ "k", INT64_C(1) << 10 },
};

/* Cuts the leading run of digits (or of other characters) off. */
static struct str
run(struct str *text, bool of_digits)
{
	struct str head = { text->p, 0 };

	while (head.n < text->n && (isdigit((unsigned char)text->p[head.n]) != 0) == of_digits)
		head.n++;
	text->p += head.n;
	text->n -= head.n;
	return head;
}

bool
units_duration(struct str text, int64_t *ret_ms)
{
	int64_t total = 0;
	size_t next = 0; /* the largest unit still allowed */

	if (text.n == 0)
		return false;
	while (text.n > 0) {
		struct str digits = run(&text, true);
		struct str name = run(&text, false);
		uint64_t number;

		while (next < COUNT(durations) && !str_is(name, durations[next].name))
			next++;
		if (next == COUNT(durations) || !str_number(digits, NUMBER_MAX, &number))
			return false;
		if ((int64_t)number > YEAR_MS / durations[next].factor)
			return false;
		total += (int64_t)number * durations[next++].factor;
	}
	if (total > YEAR_MS)
		return false;
	*ret_ms = total;
	return true;
}

bool
units_size(struct str text, int64_t *ret_bytes)
{
	struct str digits = run(&text, true);
	uint64_t number;

	if (text.n == 2 && tolower((unsigned char)text.p[1]) == 'b')
		text.n = 1;
	if (text.n != 1 || !str_number(digits, NUMBER_MAX, &number))
		return false;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		if (tolower((unsigned char)text.p[0]) != sizes[i].name[0])
			continue;
		if ((int64_t)number > INT64_MAX / sizes[i].factor)
			return false;
		*ret_bytes = (int64_t)number * sizes[i].factor;
		return true;
	}
	return false;
}

bool
units_milli(struct str text, int64_t *ret_milli)
{
	struct str whole;
	struct str rest = str_cut(text, '.', &whole);
	uint64_t number;
	uint64_t thousandths = 0;

	if (!str_number(whole, NUMBER_MAX, &number))
		return false;
	if (whole.n != text.n && !str_number(rest, 999, &thousandths))
		return false;
	if (rest.n > 3)
		return false;
	for (size_t digits = rest.n; digits > 0 && digits < 3; digits++)
		thousandths *= 10;
	*ret_milli = (int64_t)(number * 1000 + thousandths);
	return true;
}

/* In the largest unit that leaves no remainder. */
static bool
put_exact(const struct unit *units, size_t count, int64_t value, char text[UNITS_TEXT_SIZE])
{
	for (size_t i = 0; i < count; i++)
		if (value != 0 && value % units[i].factor == 0) {
			snprintf(text, UNITS_TEXT_SIZE, "%" PRId64 "%s",
			    value / units[i].factor, units[i].name);
			return true;
		}
	return false;
}

void
units_duration_text(int64_t ms, char text[UNITS_TEXT_SIZE])
{
	if (!put_exact(durations, COUNT(durations), ms, text))
		snprintf(text, UNITS_TEXT_SIZE, "0s");
}

void
units_size_text(int64_t bytes, char text[UNITS_TEXT_SIZE])
{
	if (!put_exact(sizes, COUNT(sizes), bytes, text))
		snprintf(text, UNITS_TEXT_SIZE, "%" PRId64, bytes);
}

void
units_milli_text(int64_t milli, char text[UNITS_TEXT_SIZE])
{
	size_t n;

	snprintf(text, UNITS_TEXT_SIZE, "%" PRId64 ".%03" PRId64, milli / 1000, milli % 1000);
	n = strlen(text);
	while (text[n - 1] == '0')
		text[--n] = '\0';
	if (text[n - 1] == '.')
		text[n - 1] = '\0';
}
