/* tag_date.c - see tag_date.h. */
#include "config/tag_date.h"

#include <string.h>

#include "base/limits.h"

enum { YEAR, MONTH, DAY, DAY_OF_YEAR, HOUR, MINUTE, SECOND, FIELD_COUNT };

static const struct {
	char letter;
	uint8_t width;
	uint16_t least;
	uint16_t most;
} fields[FIELD_COUNT] = {
	[YEAR] = { 'Y', 4, 0, 9999 },
	[MONTH] = { 'm', 2, 1, 12 },
	[DAY] = { 'd', 2, 1, 31 },
	[DAY_OF_YEAR] = { 'j', 3, 1, 366 },
	[HOUR] = { 'H', 2, 0, 23 },
	[MINUTE] = { 'M', 2, 0, 59 },
	[SECOND] = { 'S', 2, 0, 60 },
};

static int
field_of(char letter)
{
	int i = 0;

	while (i < FIELD_COUNT && fields[i].letter != letter)
		i++;
	return i;
}

static int
check_letter(char letter, unsigned *seen, struct err *err)
{
	int field = field_of(letter);

	if (letter == '%')
		return 0;
	if (letter == 's')
		field = FIELD_COUNT;
	else if (field == FIELD_COUNT)
		return err_set(err,
		    "knows no '%%%c': %%Y %%m %%d %%j %%H %%M %%S, %%s (seconds since 1970), "
		    "%%%%",
		    letter == '\0' ? ' ' : letter);
	if ((*seen & (1u << field)) != 0)
		return err_set(err, "has '%%%c' twice", letter);
	*seen |= 1u << field;
	return 0;
}

int
tag_date_check(const char *format, struct err *err)
{
	const unsigned seconds = 1u << FIELD_COUNT;
	unsigned seen = 0;

	if (strlen(format) >= TAG_SIZE)
		return err_set(err, "is longer than %d characters", TAG_SIZE - 1);
	for (const char *p = format; *p != '\0'; p++) {
		if (*p != '%')
			continue;
		p++;
		if (check_letter(*p, &seen, err) != 0)
			return -1;
		if (*p == '\0')
			break;
	}
	if ((seen & seconds) != 0 && seen != seconds)
		return err_set(err, "has '%%s' beside other fields: it is a whole time");
	if ((seen & seconds) == 0 && (seen & (1u << YEAR)) == 0)
		return err_set(
		    err, "needs %%Y, or %%s alone: without a year there is no order");
	if ((seen & (1u << DAY_OF_YEAR)) != 0 && (seen & ((1u << MONTH) | (1u << DAY))) != 0)
		return err_set(err, "has '%%j' beside '%%m' or '%%d': one of them is enough");
	return 0;
}

/* width 0: all digits that are there, up to 15. */
static bool
take_digits(struct str *text, size_t width, int64_t *ret_number)
{
	int64_t number = 0;
	size_t n = 0;

	while (n < text->n && n < (width == 0 ? 15 : width) && text->p[n] >= '0'
	       && text->p[n] <= '9')
		number = number * 10 + (text->p[n++] - '0');
	if (n == 0 || (width != 0 && n != width))
		return false;
	*text = (struct str){ text->p + n, text->n - n };
	*ret_number = number;
	return true;
}

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the first of January; year 0 is a year. */
static int64_t
days_before_year(int64_t year)
{
	int64_t past = year - 1;

	if (year == 0)
		return -719528;
	return past * 365 + past / 4 - past / 100 + past / 400 - 719162;
}

static bool
to_seconds(const int64_t at[FIELD_COUNT], int64_t *ret_seconds)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t day = at[DAY_OF_YEAR] - 1;

	if (at[DAY_OF_YEAR] == 366 && !is_leap(at[YEAR]))
		return false;
	if (at[DAY] > lengths[at[MONTH] - 1] + (at[MONTH] == 2 && is_leap(at[YEAR])))
		return false;
	for (int64_t month = 1; month < at[MONTH]; month++)
		day += lengths[month - 1] + (month == 2 && is_leap(at[YEAR]));
	day += at[DAY] - 1 + days_before_year(at[YEAR]);
	*ret_seconds = ((day * 24 + at[HOUR]) * 60 + at[MINUTE]) * 60 + at[SECOND];
	return true;
}

bool
tag_date_read(const char *format, struct str text, int64_t *ret_seconds)
{
	int64_t at[FIELD_COUNT] = { 1970, 1, 1, 1, 0, 0, 0 };
	int64_t seconds = -1;

	for (const char *p = format; *p != '\0'; p++) {
		int field = *p == '%' ? field_of(p[1]) : FIELD_COUNT;

		if (*p == '%' && p[1] == 's') {
			if (!take_digits(&text, 0, &seconds))
				return false;
			p++;
			continue;
		}
		if (field < FIELD_COUNT) {
			if (!take_digits(&text, fields[field].width, &at[field])
			    || at[field] < fields[field].least
			    || at[field] > fields[field].most)
				return false;
			p++;
			continue;
		}
		if (*p == '%')
			p++;
		if (text.n == 0 || text.p[0] != *p)
			return false;
		text = (struct str){ text.p + 1, text.n - 1 };
	}
	if (text.n > 0)
		return false;
	if (seconds >= 0) {
		*ret_seconds = seconds;
		return true;
	}
	return to_seconds(at, ret_seconds);
}
