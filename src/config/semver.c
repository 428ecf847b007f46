/* semver.c - see semver.h. */
#include "config/semver.h"

#include <string.h>

#define DIGITS "0123456789"
#define IDENTIFIER DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"

/* How many of the first bytes are in the set. */
static size_t
span(struct str s, const char *set)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '\0' && strchr(set, s.p[n]) != NULL)
		n++;
	return n;
}

static struct str
skip(struct str s, size_t n)
{
	return (struct str){ s.p + n, s.n - n };
}

static bool
begins(struct str s, char c)
{
	return s.n > 0 && s.p[0] == c;
}

int
decimal_order(struct str a, struct str b)
{
	while (a.n > 1 && a.p[0] == '0')
		a = skip(a, 1);
	while (b.n > 1 && b.p[0] == '0')
		b = skip(b, 1);
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return a.n == 0 ? 0 : memcmp(a.p, b.p, a.n);
}

/* A number without a leading zero. */
static bool
take_number(struct str *s, struct str *ret_number)
{
	size_t n = span(*s, DIGITS);

	if (n == 0 || (n > 1 && s->p[0] == '0'))
		return false;
	*ret_number = (struct str){ s->p, n };
	*s = skip(*s, n);
	return true;
}

/* Identifiers between dots, none empty; numeric ones without leading zeros where that counts. */
static bool
take_identifiers(struct str *s, bool is_strict, struct str *ret_all)
{
	const char *start = s->p;

	for (;;) {
		size_t n = span(*s, IDENTIFIER);
		bool is_numeric = span(*s, DIGITS) == n;

		if (n == 0 || (is_strict && is_numeric && n > 1 && s->p[0] == '0'))
			return false;
		*s = skip(*s, n);
		if (!begins(*s, '.'))
			break;
		*s = skip(*s, 1);
	}
	*ret_all = (struct str){ start, (size_t)(s->p - start) };
	return true;
}

/* What may stand behind the third number. */
static bool
take_suffixes(struct str *s, struct str *ret_pre)
{
	struct str build;

	*ret_pre = (struct str){ s->p, 0 };
	if (begins(*s, '-')) {
		*s = skip(*s, 1);
		if (!take_identifiers(s, true, ret_pre))
			return false;
	}
	if (begins(*s, '+') || begins(*s, '_')) {
		*s = skip(*s, 1);
		return take_identifiers(s, false, &build);
	}
	return true;
}

bool
semver_parse(struct str text, struct semver *ret_version)
{
	struct semver version = { 0 };

	if (begins(text, 'v') || begins(text, 'V'))
		text = skip(text, 1);
	for (size_t i = 0; i < COUNT(version.number); i++) {
		if (i > 0) {
			if (!begins(text, '.'))
				return false;
			text = skip(text, 1);
		}
		if (!take_number(&text, &version.number[i]))
			return false;
	}
	if (!take_suffixes(&text, &version.pre) || text.n > 0)
		return false;
	*ret_version = version;
	return true;
}

static int
text_order(struct str a, struct str b)
{
	size_t least = a.n < b.n ? a.n : b.n;
	int order = least == 0 ? 0 : memcmp(a.p, b.p, least);

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int
identifier_order(struct str a, struct str b)
{
	bool is_a_number = span(a, DIGITS) == a.n;
	bool is_b_number = span(b, DIGITS) == b.n;

	if (is_a_number && is_b_number)
		return decimal_order(a, b);
	if (is_a_number != is_b_number)
		return is_a_number ? -1 : 1;
	return text_order(a, b);
}

static int
prerelease_order(struct str a, struct str b)
{
	if (a.n == 0 || b.n == 0)
		return (a.n == 0) - (b.n == 0);
	while (a.n > 0 && b.n > 0) {
		struct str left;
		struct str right;
		int order;

		a = str_cut(a, '.', &left);
		b = str_cut(b, '.', &right);
		order = identifier_order(left, right);
		if (order != 0)
			return order;
	}
	return (a.n > 0) - (b.n > 0);
}

/* By the first numbers alone. */
static int
numbers_order(const struct semver *a, const struct semver *b, size_t count)
{
	int order = 0;

	for (size_t i = 0; i < count && order == 0; i++)
		order = decimal_order(a->number[i], b->number[i]);
	return order;
}

int
semver_order(const struct semver *a, const struct semver *b)
{
	int order = numbers_order(a, b, COUNT(a->number));

	return order != 0 ? order : prerelease_order(a->pre, b->pre);
}

/* Ranges. */

struct reader {
	struct str rest;
	struct semver_range *range;
	bool begins_set;
	struct err *err;
};

static int
refuse(const struct reader *r)
{
	struct str at = r->rest;

	if (at.n == 0)
		return err_set(r->err, "ends where a version should stand");
	return err_set(r->err,
	    "is no range of versions from '%.*s' on: \"^1.2\", \"~1.2.3\", \">=1.2 <2 || "
	    "3.x\", "
	    "\"1.2 - 2.3\"",
	    (int)(at.n < 40 ? at.n : 40), at.p);
}

static void
skip_blanks(struct reader *r)
{
	r->rest = skip(r->rest, span(r->rest, " ,"));
}

static int
add_bound(
    struct reader *r, char op, const struct semver_bound *like, uint8_t count, bool is_prefix)
{
	struct semver_bound *bound = &r->range->bounds[r->range->count];

	if (r->range->count == SEMVER_BOUNDS_MAX)
		return err_set(
		    r->err, "has more than %d bounds: simplify it", SEMVER_BOUNDS_MAX);
	*bound = *like;
	bound->op = op;
	bound->count = count;
	bound->is_prefix = is_prefix;
	bound->begins_set = r->begins_set;
	r->begins_set = false;
	r->range->count++;
	return 0;
}

/* "1", "1.2", "1.x", "1.2.3-rc.1", "*": count says how many numbers were named. */
static int
take_partial(struct reader *r, struct semver_bound *ret_bound)
{
	struct semver_bound bound = { 0 };
	bool is_free = false;

	if (begins(r->rest, 'v') || begins(r->rest, 'V'))
		r->rest = skip(r->rest, 1);
	for (size_t i = 0; i < COUNT(bound.version.number); i++) {
		bound.version.number[i] = STR("0");
		if (i > 0) {
			if (!begins(r->rest, '.'))
				continue;
			r->rest = skip(r->rest, 1);
		}
		if (r->rest.n > 0 && strchr("xX*", r->rest.p[0]) != NULL) {
			is_free = true;
			r->rest = skip(r->rest, 1);
			continue;
		}
		if (is_free || !take_number(&r->rest, &bound.version.number[i]))
			return refuse(r);
		bound.count = (uint8_t)(i + 1);
	}
	if (bound.count == COUNT(bound.version.number)
	    && !take_suffixes(&r->rest, &bound.version.pre))
		return refuse(r);
	if (r->rest.n > 0 && strchr(" ,|", r->rest.p[0]) == NULL)
		return refuse(r);
	*ret_bound = bound;
	return 0;
}

/* Up to the next number that the first one unlike 0 leaves in place. */
static uint8_t
caret_count(const struct semver_bound *bound)
{
	uint8_t i = 0;

	while (i < bound->count && str_is(bound->version.number[i], "0"))
		i++;
	return i < bound->count ? (uint8_t)(i + 1) : bound->count;
}

static int
add_from(struct reader *r, const struct semver_bound *bound, uint8_t fixed)
{
	if (add_bound(r, 'g', bound, bound->count, false) != 0)
		return -1;
	return add_bound(r, '=', bound, fixed, true);
}

static char
take_operator(struct reader *r)
{
	char op = '=';

	if (r->rest.n == 0 || strchr("<>=~^", r->rest.p[0]) == NULL)
		return op;
	op = r->rest.p[0];
	r->rest = skip(r->rest, 1);
	if ((op == '<' || op == '>') && begins(r->rest, '=')) {
		r->rest = skip(r->rest, 1);
		op = op == '<' ? 'l' : 'g';
	}
	r->rest = skip(r->rest, span(r->rest, " "));
	return op;
}

/* A version behind " - ": the end of a range that began with the one before. */
static bool
take_hyphen(struct reader *r)
{
	size_t blanks = span(r->rest, " ");
	struct str behind = skip(r->rest, blanks);

	if (blanks == 0 || behind.n < 2 || behind.p[0] != '-' || behind.p[1] != ' ')
		return false;
	r->rest = skip(behind, 1);
	r->rest = skip(r->rest, span(r->rest, " "));
	return true;
}

static int
take_bound(struct reader *r)
{
	bool is_plain = r->rest.n > 0 && strchr("<>=~^", r->rest.p[0]) == NULL;
	char op = take_operator(r);
	struct semver_bound bound = { 0 };

	if (take_partial(r, &bound) != 0)
		return -1;
	if (is_plain && take_hyphen(r)) {
		if (add_bound(r, 'g', &bound, bound.count, false) != 0
		    || take_partial(r, &bound) != 0)
			return -1;
		return add_bound(r, 'l', &bound, bound.count, false);
	}
	if (op == '^')
		return add_from(r, &bound, caret_count(&bound));
	if (op == '~')
		return add_from(r, &bound, bound.count < 2 ? bound.count : 2);
	return add_bound(r, op, &bound, bound.count, false);
}

int
semver_range_parse(
    const char *text, bool prereleases, struct semver_range *ret_range, struct err *err)
{
	struct reader r = { .range = ret_range, .begins_set = true, .err = err };

	ret_range->count = 0;
	ret_range->prereleases = prereleases;
	if (!str_copy(ret_range->text, sizeof(ret_range->text), str_of(text)))
		return err_set(
		    err, "is longer than %zu characters", sizeof(ret_range->text) - 1);
	r.rest = str_trim(str_of(ret_range->text));
	do {
		skip_blanks(&r);
		if (take_bound(&r) != 0)
			return -1;
		skip_blanks(&r);
		if (r.rest.n > 1 && r.rest.p[0] == '|' && r.rest.p[1] == '|') {
			r.rest = skip(r.rest, 2);
			r.begins_set = true;
			skip_blanks(&r);
			if (r.rest.n == 0)
				return refuse(&r);
		}
	} while (r.rest.n > 0);
	return 0;
}

static bool
keeps(const struct semver_bound *bound, const struct semver *version)
{
	int order = numbers_order(version, &bound->version, bound->count);

	if (order == 0 && bound->count == COUNT(version->number) && !bound->is_prefix)
		order = prerelease_order(version->pre, bound->version.pre);
	switch (bound->op) {
	case '<':
		return order < 0;
	case 'l':
		return order <= 0;
	case '>':
		return order > 0;
	case 'g':
		return order >= 0;
	default:
		return order == 0;
	}
}

/* One set: all its bounds. names_pre: one of them is a prerelease of the same numbers. */
static bool
set_keeps(const struct semver_range *range, size_t *at, const struct semver *version,
    bool *ret_names_pre)
{
	bool is_kept = true;

	*ret_names_pre = false;
	do {
		const struct semver_bound *bound = &range->bounds[(*at)++];

		is_kept = is_kept && keeps(bound, version);
		if (!bound->is_prefix && bound->version.pre.n > 0
		    && numbers_order(version, &bound->version, COUNT(version->number)) == 0)
			*ret_names_pre = true;
	} while (*at < range->count && !range->bounds[*at].begins_set);
	return is_kept;
}

enum semver_fit
semver_range_fits(const struct semver_range *range, const struct semver *version)
{
	enum semver_fit fit = SEMVER_OUTSIDE;
	size_t at = 0;

	while (at < range->count) {
		bool names_pre;

		if (!set_keeps(range, &at, version, &names_pre))
			continue;
		if (version->pre.n == 0 || range->prereleases || names_pre)
			return SEMVER_FITS;
		fit = SEMVER_IS_PRERELEASE;
	}
	return fit;
}
