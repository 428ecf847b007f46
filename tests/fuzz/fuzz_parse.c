/* fuzz_parse.c - one HTTP request out of bytes: the same however they are cut, and framed exactly as
 * a second, plainer reading of RFC 9112 frames it, so that no proxy can be made to see another
 * request than we do. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/loop.h"
#include "fuzz.h"
#include "http/inside.h"
#include "http/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 300, WAYS = 4 };

struct reading {
	enum parse_outcome outcome;
	size_t used;
	int status;
	struct request_inside *rq;
};

static struct http_server *server;

static void
set_up(void)
{
	static const char *const listen[] = { "127.0.0.1:0", NULL };
	struct http_settings settings = { .listen = listen, .body_max = BODY_MAX };
	struct err err;

	if (server == NULL)
		server = http_server_new(loop_new(), &settings, &err);
	CHECK(server != NULL);
}

static struct reading
read_request(struct str input, int way)
{
	struct reading r = { .outcome = PARSE_MORE, .rq = request_new(server, NULL) };
	uint64_t seed = fuzz_seed(input) + (uint64_t)way;
	struct str piece = input;
	char *memory = NULL;

	while (r.outcome == PARSE_MORE && input.n > 0) {
		size_t used;

		if (way == 0)
			input.n = 0; /* all of it at once */
		else
			memory = fuzz_piece(&input, &seed, way == 1 ? 1 : 40, &piece);
		r.outcome = parse_feed(r.rq->parse, piece, &used);
		CHECK(used <= piece.n && (r.outcome != PARSE_MORE || used == piece.n));
		r.used += used;
		free(memory);
	}
	if (r.outcome == PARSE_REFUSED)
		r.status = parse_refusal(r.rq->parse)->status;
	return r;
}

static void
check_equal(struct str a, struct str b)
{
	CHECK(a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0));
}

static void
check_same(const struct reading *a, const struct reading *b)
{
	CHECK(a->outcome == b->outcome && a->status == b->status);
	if (a->outcome != PARSE_WHOLE)
		return;
	CHECK(a->used == b->used && a->rq->public.method == b->rq->public.method);
	CHECK(a->rq->keeps_alive == b->rq->keeps_alive);
	check_equal(a->rq->public.path, b->rq->public.path);
	check_equal(a->rq->public.body, b->rq->public.body);
	CHECK(a->rq->header_count == b->rq->header_count);
	for (size_t i = 0; i < a->rq->header_count; i++) {
		check_equal(a->rq->headers[i].name, b->rq->headers[i].name);
		check_equal(a->rq->headers[i].value, b->rq->headers[i].value);
	}
	CHECK(a->rq->query_count == b->rq->query_count);
	for (size_t i = 0; i < a->rq->query_count; i++) {
		check_equal(a->rq->query[i].name, b->rq->query[i].name);
		check_equal(a->rq->query[i].value, b->rq->query[i].value);
	}
}

/* The plain reading. */

static struct str
take_line(struct str *rest)
{
	const char *end = memmem(rest->p, rest->n, "\r\n", 2);
	struct str line = { rest->p, 0 };

	CHECK(end != NULL);
	line.n = (size_t)(end - rest->p);
	CHECK(memchr(line.p, '\n', line.n) == NULL && memchr(line.p, '\r', line.n) == NULL);
	CHECK(memchr(line.p, '\0', line.n) == NULL);
	*rest = (struct str){ end + 2, rest->n - line.n - 2 };
	return line;
}

static bool
is_header(struct str line, const char *name, struct str *ret_value)
{
	size_t n = strlen(name);

	if (line.n <= n || line.p[n] != ':' || strncasecmp(line.p, name, n) != 0)
		return false;
	*ret_value = str_trim((struct str){ line.p + n + 1, line.n - n - 1 });
	return true;
}

static uint64_t
hex_number(struct str text)
{
	uint64_t number = 0;

	CHECK(text.n > 0);
	while (text.n > 1 && text.p[0] == '0')
		text = (struct str){ text.p + 1, text.n - 1 };
	CHECK(text.n <= 16);
	for (size_t i = 0; i < text.n; i++) {
		const char *digits = "0123456789abcdef";
		char c =
		    text.p[i] >= 'A' && text.p[i] <= 'F' ? (char)(text.p[i] + 32) : text.p[i];
		const char *at = strchr(digits, c);

		CHECK(at != NULL && c != '\0');
		number = number * 16 + (uint64_t)(at - digits);
	}
	return number;
}

static void
check_chunks(struct str *rest, struct str body)
{
	for (;;) {
		struct str line = take_line(rest);
		struct str digits;
		uint64_t size;

		str_cut(line, ';', &digits);
		size = hex_number(digits);
		if (size == 0)
			break;
		CHECK(size <= body.n && size + 2 <= rest->n);
		CHECK(memcmp(rest->p, body.p, size) == 0);
		CHECK(memcmp(rest->p + size, "\r\n", 2) == 0);
		*rest = (struct str){ rest->p + size + 2, rest->n - size - 2 };
		body = (struct str){ body.p + size, body.n - size };
	}
	CHECK(body.n == 0);
	while (take_line(rest).n > 0) /* trailers */
		;
}

static void
check_framing(struct str bytes, const struct request *rq)
{
	struct str rest = bytes;
	struct str line = take_line(&rest);
	struct str value;
	uint64_t length = 0;
	bool has_length = false;
	bool is_chunked = false;
	size_t hosts = 0;

	while (line.n == 0) /* blank lines before a request are allowed */
		line = take_line(&rest);
	CHECK(memmem(line.p, line.n, " HTTP/1.", 8) != NULL);
	while ((line = take_line(&rest)).n > 0) {
		CHECK(line.p[0] != ' ' && line.p[0] != '\t' && line.p[0] != ':');
		hosts += is_header(line, "Host", &value);
		if (is_header(line, "Content-Length", &value)) {
			CHECK(!has_length && str_number(value, INT64_MAX, &length));
			has_length = true;
		}
		if (is_header(line, "Transfer-Encoding", &value)) {
			CHECK(!is_chunked && value.n == 7
			      && strncasecmp(value.p, "chunked", 7) == 0);
			is_chunked = true;
		}
	}
	CHECK(hosts <= 1 && !(has_length && is_chunked));
	if (is_chunked)
		check_chunks(&rest, rq->body);
	else
		check_equal(rq->body, (struct str){ rest.p, length });
	CHECK(rest.n == (is_chunked ? 0 : length));
}

static void
check_target(const struct request *rq)
{
	CHECK(rq->path.n > 0);
	CHECK(rq->path.p[0] == '/' || (str_is(rq->path, "*") && rq->method == METHOD_OPTIONS));
	CHECK(memchr(rq->path.p, '\0', rq->path.n) == NULL && fuzz_is_plain(rq->path));
	for (size_t i = 0; i < rq->inside->query_count; i++) {
		const struct pair *pair = &rq->inside->query[i];
		struct str value;

		CHECK(memchr(pair->value.p, '\0', pair->value.n) == NULL);
		if (pair->name.n < 64) {
			char *name = fuzz_text(pair->name);
			CHECK(request_query(rq, name, &value));
			free(name);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = { (const char *)data, size };
	struct reading first;
	uint64_t id;

	set_up();
	if (size == 0)
		return 0;
	first = read_request(input, 0);
	for (int way = 1; way < WAYS; way++) {
		struct reading other = read_request(input, way);

		check_same(&first, &other);
		request_free(other.rq);
	}
	if (first.outcome == PARSE_WHOLE) {
		check_framing((struct str){ input.p, first.used }, &first.rq->public);
		check_target(&first.rq->public);
		stream_resume_id(&first.rq->public, &id);
	}
	request_free(first.rq);
	CHECK(server->body_bytes == 0);
	return 0;
}
