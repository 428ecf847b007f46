/* route.c - matching patterns piece by piece. */
#include "http/route.h"

#include <string.h>

#include "http/inside.h"
#include "http/reply.h"

enum { ALLOW_SIZE = 128, PATH_SHOWN = 200 };

/* "/a/b" gives "a" and leaves "/b". */
static bool
piece_take(struct str *rest, struct str *ret_piece)
{
	size_t n = 1;

	if (rest->n == 0 || rest->p[0] != '/')
		return false;
	while (n < rest->n && rest->p[n] != '/')
		n++;
	*ret_piece = (struct str){ rest->p + 1, n - 1 };
	rest->p += n;
	rest->n -= n;
	return true;
}

static bool
piece_fits(struct request_inside *rq, struct str word, struct str piece)
{
	if (word.n < 3 || word.p[0] != '{')
		return word.n == piece.n && memcmp(word.p, piece.p, word.n) == 0;
	CHECK(rq->parameter_count < HTTP_PARAMETERS_MAX);
	rq->parameters[rq->parameter_count++] =
	    (struct pair){ { word.p + 1, word.n - 2 }, piece };
	return piece.n > 0;
}

/* The request's parameters are complete only when it says true. */
static bool
pattern_fits(struct request_inside *rq, const char *pattern)
{
	struct str words = str_of(pattern);
	struct str path = rq->public.path;

	rq->parameter_count = 0;
	while (words.n > 0 && path.n > 0) {
		struct str word;
		struct str piece;

		if (!piece_take(&words, &word) || !piece_take(&path, &piece)
		    || !piece_fits(rq, word, piece))
			return false;
	}
	return words.n == path.n;
}

/* methods: a set of 1 << enum method. */
static void
add_allow(struct request *rq, unsigned methods)
{
	struct buf list;

	buf_init(&list, ALLOW_SIZE);
	if (methods & 1u << METHOD_GET)
		buf_text(&list, "GET, HEAD, ");
	for (int method = METHOD_POST; method < METHOD_OPTIONS; method++)
		if (methods & 1u << method)
			buf_format(&list, "%s, ", method_text((enum method)method));
	buf_text(&list, "OPTIONS");
	CHECK(!list.overflow);
	reply_header(rq, "Allow", buf_view(&list));
	buf_free(&list);
}

const struct route *
route_find(const struct route *table, size_t count, struct request *rq)
{
	unsigned methods = 0;
	int shown = rq->path.n < PATH_SHOWN ? (int)rq->path.n : PATH_SHOWN;

	for (size_t i = 0; i < count; i++) {
		if (!pattern_fits(rq->inside, table[i].pattern))
			continue;
		if (table[i].method == rq->method)
			return &table[i];
		methods |= 1u << table[i].method;
	}
	if (methods == 0 && !str_is(rq->path, "*")) {
		reply_error(
		    rq, 404, "NOT_FOUND", "There is nothing at %.*s", shown, rq->path.p);
		return NULL;
	}
	add_allow(rq, methods);
	if (rq->method == METHOD_OPTIONS)
		reply_empty(rq, 204);
	else
		reply_error(rq, 405, "METHOD_NOT_ALLOWED",
		    "%.*s does not take this method: see the Allow header", shown, rq->path.p);
	return NULL;
}
