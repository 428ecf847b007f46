/* target.c - percent-decoding. What could be read in two ways is refused rather than guessed:
 * an encoded slash would move the borders between path pieces, NUL ends a text in C, and
 * control characters have no business in names. Dots are ordinary: nothing here is a file. */
#include "http/target.h"

#include <string.h>

#include "http/inside.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One character from *text, which moves on; -1 for a broken escape. */
static int
decode_one(struct str *text, bool plus_is_blank)
{
	int c = (unsigned char)text->p[0];
	size_t used = 1;

	if (c == '%') {
		int high = text->n < 3 ? -1 : hex_value(text->p[1]);
		int low = text->n < 3 ? -1 : hex_value(text->p[2]);
		if (high < 0 || low < 0)
			return -1;
		c = high * 16 + low;
		used = 3;
	} else if (c == '+' && plus_is_blank) {
		c = ' ';
	}
	text->p += used;
	text->n -= used;
	return c;
}

static bool
is_control(int c)
{
	return c < 0x20 || c == 0x7f;
}

static const char *
read_path(struct request_inside *rq, struct str path)
{
	char *to = arena_take(rq->public.arena, path.n);
	size_t n = 0;

	while (path.n > 0) {
		bool is_escape = path.p[0] == '%';
		int c = decode_one(&path, false);

		if (c < 0)
			return "the path has a % that is not followed by two hexadecimal "
			       "digits";
		if (is_escape && c == '/')
			return "the path has an encoded slash (%2F)";
		if (is_control(c))
			return "the path has an encoded control character";
		to[n++] = (char)c;
	}
	rq->public.path = (struct str){ to, n };
	return NULL;
}

/* Values may have line ends and tabs, names too: they are only compared. */
static const char *
read_piece(struct request_inside *rq, struct str piece, struct str *ret_text)
{
	char *to = arena_take(rq->public.arena, piece.n + 1);
	size_t n = 0;

	while (piece.n > 0) {
		int c = decode_one(&piece, true);

		if (c < 0)
			return "the query has a % that is not followed by two hexadecimal "
			       "digits";
		if (c == 0)
			return "the query has an encoded NUL";
		to[n++] = (char)c;
	}
	*ret_text = (struct str){ to, n };
	return NULL;
}

static const char *
read_query(struct request_inside *rq, struct str query)
{
	while (query.n > 0) {
		struct pair *pair = &rq->query[rq->query_count];
		struct str piece;
		struct str name;
		struct str value;
		const char *fault;

		query = str_cut(query, '&', &piece);
		if (piece.n == 0)
			continue;
		if (rq->query_count == HTTP_QUERY_MAX)
			return "the query has too many parameters";
		value = str_cut(piece, '=', &name);
		fault = read_piece(rq, name, &pair->name);
		if (fault == NULL)
			fault = read_piece(rq, value, &pair->value);
		if (fault != NULL)
			return fault;
		rq->query_count++;
	}
	return NULL;
}

/* "http://host/path" as a proxy would be asked; the Host header was checked already. */
static struct str
without_origin(struct str target)
{
	size_t at;

	if (str_starts(target, "http://"))
		at = 7;
	else if (str_starts(target, "https://"))
		at = 8;
	else
		return target;
	while (at < target.n && target.p[at] != '/' && target.p[at] != '?')
		at++;
	if (at == target.n)
		return STR("/");
	return (struct str){ target.p + at, target.n - at };
}

const char *
target_read(struct request_inside *rq, struct str target)
{
	struct str path;
	struct str query;
	const char *fault;

	if (str_is(target, "*") && rq->public.method == METHOD_OPTIONS) {
		rq->public.path = STR("*");
		return NULL;
	}
	target = without_origin(target);
	query = str_cut(target, '?', &path);
	if (path.n == 0 || path.p[0] != '/')
		return "the target must be a path that begins with a slash";
	if (memchr(target.p, '#', target.n) != NULL)
		return "the target has a fragment (#), which stays in the browser";
	fault = read_path(rq, path);
	return fault != NULL ? fault : read_query(rq, query);
}
