/* json_write.c - JSON out, without a tree. */
#include <string.h>

#include "base/json.h"

void
json_writer_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){ .out = out };
}

/* The comma before a member, unless it is the first or stands behind its key. */
static void
separate(struct json_writer *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->has_member[w->depth])
		buf_char(w->out, ',');
	w->has_member[w->depth] = true;
}

static void
open_scope(struct json_writer *w, char c)
{
	separate(w);
	buf_char(w->out, c);
	w->depth++;
	CHECK(w->depth < JSON_DEPTH_MAX);
	w->has_member[w->depth] = false;
}

static void
close_scope(struct json_writer *w, char c)
{
	CHECK(w->depth > 0 && !w->after_key);
	w->depth--;
	buf_char(w->out, c);
}

void
json_object_open(struct json_writer *w)
{
	open_scope(w, '{');
}

void
json_object_close(struct json_writer *w)
{
	close_scope(w, '}');
}

void
json_array_open(struct json_writer *w)
{
	open_scope(w, '[');
}

void
json_array_close(struct json_writer *w)
{
	close_scope(w, ']');
}

/* Length of the UTF-8 sequence at s (RFC 3629), 0 when it is broken. */
static size_t
utf8_length(const unsigned char *s, size_t n)
{
	size_t length = s[0] < 0x80   ? 1
			: s[0] < 0xc2 ? 0
			: s[0] < 0xe0 ? 2
			: s[0] < 0xf0 ? 3
			: s[0] < 0xf5 ? 4
				      : 0;

	if (length == 0 || length > n)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)
	    || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

bool
json_takes(struct str s)
{
	while (s.n > 0) {
		size_t n = utf8_length((const unsigned char *)s.p, s.n);

		if (n == 0)
			return false;
		s = (struct str){ s.p + n, s.n - n };
	}
	return true;
}

/* Bytes at the front that stand in a JSON text as they are: nearly always all of them. */
static size_t
plain_length(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f && s.p[n] != '"' && s.p[n] != '\\')
		n++;
	return n;
}

/* One character that is not plain; returns its bytes. */
static size_t
put_special(struct buf *out, struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t length = utf8_length((const unsigned char *)s.p, s.n);

	if (length == 0)
		buf_text(out, "\xef\xbf\xbd");
	else if (c == '"' || c == '\\')
		buf_format(out, "\\%c", c);
	else if (c == '\n')
		buf_text(out, "\\n");
	else if (c == '\r')
		buf_text(out, "\\r");
	else if (c == '\t')
		buf_text(out, "\\t");
	else if (c < 0x20 || c == 0x7f)
		buf_format(out, "\\u%04x", c);
	else
		buf_add(out, s.p, length);
	return length == 0 ? 1 : length;
}

static void
put_quoted(struct buf *out, struct str s)
{
	if (plain_length(s) == s.n) {
		char *place = buf_take(out, s.n + 2);

		if (place == NULL)
			return;
		place[0] = '"';
		if (s.n > 0)
			memcpy(place + 1, s.p, s.n);
		place[s.n + 1] = '"';
		return;
	}
	buf_char(out, '"');
	while (s.n > 0) {
		size_t n = plain_length(s);

		buf_add(out, s.p, n);
		if (n < s.n)
			n += put_special(out, (struct str){ s.p + n, s.n - n });
		s = (struct str){ s.p + n, s.n - n };
	}
	buf_char(out, '"');
}

void
json_key(struct json_writer *w, const char *key)
{
	separate(w);
	put_quoted(w->out, str_of(key));
	buf_char(w->out, ':');
	w->after_key = true;
}

void
json_put_str(struct json_writer *w, struct str s)
{
	separate(w);
	put_quoted(w->out, s);
}

void
json_put_text(struct json_writer *w, const char *text)
{
	if (text == NULL)
		json_put_null(w);
	else
		json_put_str(w, str_of(text));
}

void
json_put_integer(struct json_writer *w, int64_t n)
{
	char digits[24];
	char *p = digits + sizeof(digits);
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	separate(w);
	do
		*--p = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (n < 0)
		*--p = '-';
	buf_add(w->out, p, (size_t)(digits + sizeof(digits) - p));
}

void
json_put_bool(struct json_writer *w, bool b)
{
	json_put_raw(w, b ? STR("true") : STR("false"));
}

void
json_put_null(struct json_writer *w)
{
	json_put_raw(w, STR("null"));
}

void
json_put_raw(struct json_writer *w, struct str json)
{
	separate(w);
	buf_str(w->out, json);
}

void
json_pair_text(struct json_writer *w, const char *key, const char *text)
{
	json_key(w, key);
	json_put_text(w, text);
}

void
json_pair_str(struct json_writer *w, const char *key, struct str s)
{
	json_key(w, key);
	json_put_str(w, s);
}

void
json_pair_integer(struct json_writer *w, const char *key, int64_t n)
{
	json_key(w, key);
	json_put_integer(w, n);
}

void
json_pair_bool(struct json_writer *w, const char *key, bool b)
{
	json_key(w, key);
	json_put_bool(w, b);
}
