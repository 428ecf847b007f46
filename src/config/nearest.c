/* nearest.c - distance of two names in single edits: insert, delete, replace, swap neighbours. */
#include "config/nearest.h"

#include <ctype.h>
#include <string.h>

enum { NEAREST_LENGTH_MAX = 64 };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static char
lower(char c)
{
	return (char)tolower((unsigned char)c);
}

/* Three rows of the usual table: two are not enough for swapped neighbours. */
static size_t
distance(struct str a, struct str b)
{
	size_t rows[3][NEAREST_LENGTH_MAX + 1];
	size_t *before = rows[0];
	size_t *last = rows[1];
	size_t *row = rows[2];

	for (size_t j = 0; j <= b.n; j++)
		last[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			bool is_same = lower(a.p[i - 1]) == lower(b.p[j - 1]);

			row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + !is_same);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2]
			    && a.p[i - 2] == b.p[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[b.n];
}

void
nearest_begin(struct nearest *nearest, struct str wanted)
{
	*nearest = (struct nearest){ .wanted = wanted, .distance = 1 + wanted.n / 3 };
	if (wanted.n > NEAREST_LENGTH_MAX)
		nearest->wanted.n = 0;
}

void
nearest_offer(struct nearest *nearest, const char *name)
{
	struct str other = str_of(name);
	size_t far;

	if (nearest->wanted.n == 0 || other.n > NEAREST_LENGTH_MAX)
		return;
	far = distance(nearest->wanted, other);
	/* The first limit itself is allowed, later only what is nearer. */
	if (far < nearest->distance || (far == nearest->distance && nearest->name == NULL)) {
		nearest->name = name;
		nearest->distance = far;
	}
}
