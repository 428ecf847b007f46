/* str.c - views, tag order and buffers. */
#include "base/str.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct str
str_of(const char *text)
{
	return text == NULL ? (struct str){ "", 0 } : (struct str){ text, strlen(text) };
}

bool
str_is(struct str s, const char *text)
{
	size_t n = strlen(text);

	return s.n == n && memcmp(s.p, text, n) == 0;
}

bool
str_starts(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

enum { REPLACEMENT = 0xfffd };

/* One character of UTF-8 off the head of s; a byte that begins none counts as U+FFFD, as it is shown. */
static uint32_t
take_character(struct str *s)
{
	unsigned char first = (unsigned char)s->p[0];
	size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
	uint32_t character = more == 0 ? first : first & (0x3fu >> more);
	size_t i;

	for (i = 1; i <= more && i < s->n && ((unsigned char)s->p[i] & 0xc0) == 0x80; i++)
		character = character << 6 | ((unsigned char)s->p[i] & 0x3f);
	if (i <= more || (more == 0 && first >= 0x80)) {
		character = REPLACEMENT;
		i = 1;
	}
	s->p += i;
	s->n -= i;
	return character;
}

struct range {
	uint32_t first;
	uint32_t last;
};

static bool
has_one_of(struct str s, const struct range *ranges, size_t count)
{
	while (s.n > 0) {
		uint32_t character = take_character(&s);

		for (size_t i = 0; i < count; i++)
			if (character >= ranges[i].first && character <= ranges[i].last)
				return true;
	}
	return false;
}

bool
str_turns(struct str s)
{
	static const struct range ranges[] = {
		{ 0, 0x1f },
		{ 0x7f, 0x9f },
		{ 0x61c, 0x61c }, /* marks of direction, here and below */
		{ 0x200e, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2066, 0x206f },
		{ 0xfff9, 0xfffb },
	};

	return has_one_of(s, ranges, COUNT(ranges));
}

bool
str_hides(struct str s)
{
	static const struct range ranges[] = {
		{ 0xa0, 0xa0 },
		{ 0xad, 0xad }, /* a hyphen that shows at the end of a line only */
		{ 0x34f, 0x34f },
		{ 0x115f, 0x1160 }, /* fillers of Hangul; of half width below */
		{ 0x17b4, 0x17b5 },
		{ 0x180b, 0x180f },
		{ 0x2000, 0x200d }, /* blanks of all widths, and joiners */
		{ 0x202f, 0x202f },
		{ 0x205f, 0x2064 },
		{ 0x3000, 0x3000 },
		{ 0x3164, 0x3164 },
		{ 0xfe00, 0xfe0f }, /* of the form of the character before */
		{ 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 },
		{ 0xe0000, 0xe0fff },
	};

	return str_turns(s) || has_one_of(s, ranges, COUNT(ranges));
}

struct str
str_cut(struct str s, char at, struct str *head)
{
	const char *found = s.n > 0 ? memchr(s.p, at, s.n) : NULL;

	if (found == NULL) {
		*head = s;
		return (struct str){ s.n > 0 ? s.p + s.n : s.p, 0 };
	}
	*head = (struct str){ s.p, (size_t)(found - s.p) };
	return (struct str){ found + 1, s.n - head->n - 1 };
}

bool
str_number(struct str s, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (s.n == 0 || s.n > 20)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(s.p[i] - '0');
		if (number > (UINT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	if (number > max)
		return false;
	*ret_number = number;
	return true;
}

bool
str_copy(char *to, size_t to_size, struct str from)
{
	CHECK(to_size > 0);
	if (from.n >= to_size) {
		to[0] = '\0';
		return false;
	}
	if (from.n > 0)
		memcpy(to, from.p, from.n);
	to[from.n] = '\0';
	return true;
}

bool
str_glob(const char *pattern, const char *text)
{
	const char *star = NULL;
	const char *retry = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			retry = text;
		} else if (*pattern == '?' || (*pattern != '\0' && *pattern == *text)) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static int
digits_order(const char **a, const char **b)
{
	size_t a_count;
	size_t b_count;
	int order;

	while (**a == '0' && isdigit((unsigned char)(*a)[1]))
		(*a)++;
	while (**b == '0' && isdigit((unsigned char)(*b)[1]))
		(*b)++;
	a_count = strspn(*a, "0123456789");
	b_count = strspn(*b, "0123456789");
	if (a_count != b_count)
		return a_count < b_count ? -1 : 1;
	order = memcmp(*a, *b, a_count);
	*a += a_count;
	*b += b_count;
	return order;
}

int
str_version_order(const char *a, const char *b)
{
	const char *a_start = a;
	const char *b_start = b;

	while (*a != '\0' && *b != '\0') {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			int order = digits_order(&a, &b);
			if (order != 0)
				return order;
		} else if (*a != *b) {
			break;
		} else {
			a++;
			b++;
		}
	}
	if (*a == '\0' && *b == '\0')
		return strcmp(a_start, b_start); /* v1 and v01: total and stable */
	if (*a == '-' && *b != '-')
		return -1;
	if (*b == '-' && *a != '-')
		return 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

bool
str_equal_secret(struct str a, struct str b)
{
	unsigned difference = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		difference |= (unsigned)((unsigned char)a.p[i] ^ (unsigned char)b.p[i]);
	return difference == 0;
}

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->allocated);
	buf_free(b);
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->overflow = false;
	if (b->p != NULL)
		b->p[0] = '\0';
}

/* True when n more bytes and the NUL fit; grows by doubling up to the maximum. */
static bool
buf_reserve(struct buf *b, size_t n)
{
	size_t wanted;
	char *grown;

	if (b->overflow || n > b->max - b->n) {
		b->overflow = true;
		return false;
	}
	if (b->n + n < b->allocated)
		return true;
	wanted = b->allocated < 64 ? 64 : b->allocated * 2;
	if (wanted < b->n + n + 1)
		wanted = b->n + n + 1;
	if (wanted > b->max + 1)
		wanted = b->max + 1;
	grown = realloc(b->p, wanted);
	CHECK(grown != NULL);
	b->p = grown;
	b->allocated = wanted;
	return true;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (!buf_reserve(b, n))
		return;
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

char *
buf_take(struct buf *b, size_t n)
{
	char *place;

	if (!buf_reserve(b, n))
		return NULL;
	place = b->p + b->n;
	b->n += n;
	b->p[b->n] = '\0';
	return place;
}

void
buf_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

void
buf_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void
buf_char(struct buf *b, char c)
{
	if (!buf_reserve(b, 1))
		return;
	b->p[b->n++] = c;
	b->p[b->n] = '\0';
}

void
buf_format(struct buf *b, const char *format, ...)
{
	size_t room = b->allocated - b->n; /* with the NUL */
	va_list args;
	va_list again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(room > 0 ? b->p + b->n : NULL, room, format, args);
	CHECK(n >= 0);
	if (buf_reserve(b, (size_t)n)) {
		if ((size_t)n >= room)
			vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
		b->n += (size_t)n;
	} else if (room > 0) {
		b->p[b->n] = '\0'; /* of the text that did not fit nothing is kept */
	}
	va_end(again);
	va_end(args);
}

void
buf_consume(struct buf *b, size_t n)
{
	CHECK(n <= b->n);
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
	b->p[b->n] = '\0';
}

struct str
buf_view(const struct buf *b)
{
	return (struct str){ b->p == NULL ? "" : b->p, b->n };
}

const char *
buf_cstr(const struct buf *b)
{
	return b->p == NULL ? "" : b->p;
}
