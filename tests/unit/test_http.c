/* test_http.c - the HTTP server against raw bytes: what is answered, what is refused, what
 * limits hold. Its life is in test_http_life.c, deadlines in test_http_time.c, event streams
 * in test_http_stream.c. */
#include "http_routes.h"

enum ending { KEPT, CLOSES };

struct raw_case {
	const char *name;
	struct str bytes;
	int status;
	enum ending ending;
};

#define CASE(name, bytes, status, ending)                          \
	{                                                          \
		name, { bytes, sizeof(bytes) - 1 }, status, ending \
	}

static const struct raw_case battery[] = {
	CASE("plain", "GET /hello HTTP/1.1\r\n" H "\r\n", 200, KEPT),
	CASE("1.0", "GET /hello HTTP/1.0\r\n\r\n", 200, CLOSES),
	CASE("1.0 keep-alive", "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200,
	    KEPT),
	CASE(
	    "1.1 close", "GET /hello HTTP/1.1\r\n" H "Connection: close\r\n\r\n", 200, CLOSES),
	CASE("blank lines first", "\r\n\r\nGET /hello HTTP/1.1\r\n" H "\r\n", 200, KEPT),
	CASE("upgrade is ignored",
	    "GET /hello HTTP/1.1\r\n" H
	    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	    "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
	    200, KEPT),
	CASE("upgrade with a body",
	    "POST /echo HTTP/1.1\r\n" H
	    "Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nhi",
	    200, KEPT),
	/* Versions and request lines. */
	CASE("no version", "GET /hello\r\n\r\n", 505, CLOSES),
	CASE("0.9", "GET /hello HTTP/0.9\r\n" H "\r\n", 505, CLOSES),
	CASE("2.0", "GET /hello HTTP/2.0\r\n" H "\r\n", 505, CLOSES),
	CASE("1.2", "GET /hello HTTP/1.2\r\n" H "\r\n", 400, CLOSES),
	CASE("h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, CLOSES),
	CASE("two blanks", "GET  /hello HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("blank in the target", "GET /he llo HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("unknown method", "FROB /hello HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("lower-case method", "get /hello HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("CONNECT", "CONNECT a:443 HTTP/1.1\r\n" H "\r\n", 501, CLOSES),
	CASE("TRACE", "TRACE /hello HTTP/1.1\r\n" H "\r\n", 501, CLOSES),
	CASE("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, CLOSES),
	CASE("garbage", "\x00\x01\x02\xff\xfe\r\n\r\n", 400, CLOSES),
	/* Lengths and codings. */
	CASE("CL and TE",
	    "POST /echo HTTP/1.1\r\n" H
	    "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    400, CLOSES),
	CASE("TE and CL",
	    "POST /echo HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
	    400, CLOSES),
	CASE("two CL",
	    "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
	    400, CLOSES),
	CASE("two equal CL",
	    "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
	    400, CLOSES),
	CASE("CL list", "POST /echo HTTP/1.1\r\n" H "Content-Length: 2, 2\r\n\r\nab", 400,
	    CLOSES),
	CASE("CL blank colon", "POST /echo HTTP/1.1\r\n" H "Content-Length : 2\r\n\r\nab", 400,
	    CLOSES),
	CASE("CL +5", "POST /echo HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\nabcde", 400,
	    CLOSES),
	CASE("CL -1", "POST /echo HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 400, CLOSES),
	CASE("CL 0x5", "POST /echo HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\nabcde", 400,
	    CLOSES),
	CASE("CL 5 5", "POST /echo HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\nabcde", 400,
	    CLOSES),
	CASE("CL empty", "POST /echo HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400, CLOSES),
	CASE("CL beyond 64 bits",
	    "POST /echo HTTP/1.1\r\n" H "Content-Length: 18446744073709551617\r\n\r\n", 400,
	    CLOSES),
	CASE("CL over the limit", "POST /echo HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n",
	    413, CLOSES),
	CASE("TE xchunked",
	    "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400,
	    CLOSES),
	CASE("TE identity", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n",
	    400, CLOSES),
	CASE("TE gzip, chunked",
	    "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	    400, CLOSES),
	CASE("TE chunked, identity",
	    "POST /echo HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
	    400, CLOSES),
	CASE("TE twice",
	    "POST /echo HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    400, CLOSES),
	CASE("TE in 1.0",
	    "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    400, CLOSES),
	CASE("chunked",
	    "POST /echo HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
	    200, KEPT),
	CASE("Chunked",
	    "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", 200,
	    KEPT),
	CASE("trailers",
	    "POST /echo HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nHost: b\r\nX: y\r\n\r\n",
	    200, KEPT),
	CASE("chunk size xyz",
	    "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400,
	    CLOSES),
	CASE("chunk size 0x5",
	    "POST /echo HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n",
	    400, CLOSES),
	CASE("chunk size -1",
	    "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400,
	    CLOSES),
	CASE("chunk size beyond 64 bits",
	    "POST /echo HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\n\r\n10000000000000000f\r\n",
	    400, CLOSES),
	CASE("chunk too long",
	    "POST /echo HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
	    400, CLOSES),
	CASE("chunk LF only",
	    "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n", 400,
	    CLOSES),
	CASE("last LF bare behind chunks",
	    "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\n",
	    400, CLOSES),
	CASE("last LF bare behind trailers",
	    "POST /echo HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\n",
	    400, CLOSES),
	/* Headers. */
	CASE("no Host", "GET /hello HTTP/1.1\r\n\r\n", 400, CLOSES),
	CASE("two Hosts", "GET /hello HTTP/1.1\r\n" H "Host: b\r\n\r\n", 400, CLOSES),
	CASE("two Hosts in 1.0", "GET /hello HTTP/1.0\r\n" H H "\r\n", 400, CLOSES),
	CASE("two Authorizations",
	    "GET /hello HTTP/1.1\r\n" H "Authorization: a\r\nauthorization: b\r\n\r\n", 400,
	    CLOSES),
	CASE("obs-fold", "GET /hello HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400, CLOSES),
	CASE("obs-fold, tab", "GET /hello HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n", 400, CLOSES),
	CASE("obs-fold, empty", "GET /hello HTTP/1.1\r\n" H "X: a\r\n \r\n\r\n", 400, CLOSES),
	CASE("obs-fold at once", "GET /hello HTTP/1.1\r\n" H "X:\r\n b\r\n\r\n", 400, CLOSES),
	CASE("fold behind the request line", "GET /hello HTTP/1.1\r\n X: a\r\n" H "\r\n", 400,
	    CLOSES),
	CASE("blank in a name", "GET /hello HTTP/1.1\r\n" H "X Y: a\r\n\r\n", 400, CLOSES),
	CASE("no colon", "GET /hello HTTP/1.1\r\n" H "XY\r\n\r\n", 400, CLOSES),
	CASE("empty name", "GET /hello HTTP/1.1\r\n" H ": a\r\n\r\n", 400, CLOSES),
	CASE("bare LF", "GET /hello HTTP/1.1\nHost: a\n\n", 400, CLOSES),
	CASE("one bare LF", "GET /hello HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400, CLOSES),
	CASE("last LF bare", "GET /hello HTTP/1.1\r\n" H "\n", 400, CLOSES),
	CASE("control character in a value", "GET /hello HTTP/1.1\r\n" H "X: a\x01z\r\n\r\n",
	    400, CLOSES),
	CASE("tab in a value", "GET /hello HTTP/1.1\r\n" H "X: a\tb\r\n\r\n", 200, KEPT),
	CASE("letters beyond ASCII", "GET /hello HTTP/1.1\r\n" H "X: \xc3\xa4\r\n\r\n", 200,
	    KEPT),
	CASE("bare CR in a value", "GET /hello HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400, CLOSES),
	CASE("NUL in a value", "GET /hello HTTP/1.1\r\n" H "X: a\0b\r\n\r\n", 400, CLOSES),
	CASE("NUL in a name", "GET /hello HTTP/1.1\r\n" H "X\0: a\r\n\r\n", 400, CLOSES),
	CASE("NUL in the target", "GET /hel\0lo HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("empty value", "GET /hello HTTP/1.1\r\n" H "X:\r\nY: \r\n\r\n", 200, KEPT),
	CASE("Expect odd",
	    "POST /echo HTTP/1.1\r\n" H "Expect: tea\r\nContent-Length: 1\r\n\r\n", 417,
	    CLOSES),
	CASE("Expect, too large",
	    "POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n",
	    413, CLOSES),
	/* Targets. */
	CASE("absolute", "GET http://a/hello HTTP/1.1\r\n" H "\r\n", 200, KEPT),
	CASE("absolute, no path", "GET http://a HTTP/1.1\r\n" H "\r\n", 200, KEPT),
	CASE("absolute, query only", "GET http://a?x=/hello HTTP/1.1\r\n" H "\r\n", 400,
	    CLOSES),
	CASE("other scheme", "GET ftp://a/hello HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("star", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 204, KEPT),
	CASE("star for GET", "GET * HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("fragment", "GET /hello#x HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("fragment behind a query", "GET /hello?a=b#x HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("decoded", "GET /h%65llo HTTP/1.1\r\n" H "\r\n", 200, KEPT),
	CASE("%2F", "GET /things%2Ffixed HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("%00", "GET /hello%00 HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("%0a", "GET /things/a%0Ab HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("%zz", "GET /things/%zz HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("% at the end", "GET /things/a% HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("%4 at the end", "GET /things/a%4 HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("%00 in the query", "GET /hello?a=%00 HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("%zz in the query", "GET /hello?a=%zz HTTP/1.1\r\n" H "\r\n", 400, CLOSES),
	CASE("..", "GET /things/../hello HTTP/1.1\r\n" H "\r\n", 404, KEPT),
	CASE(".. is a name", "GET /things/.. HTTP/1.1\r\n" H "\r\n", 200, KEPT),
	CASE("%2e%2e", "GET /things/%2e%2e/hello HTTP/1.1\r\n" H "\r\n", 404, KEPT),
	/* Routes. */
	CASE("nothing there", "GET /nothing HTTP/1.1\r\n" H "\r\n", 404, KEPT),
	CASE("slash behind", "GET /hello/ HTTP/1.1\r\n" H "\r\n", 404, KEPT),
	CASE("two slashes", "GET //hello HTTP/1.1\r\n" H "\r\n", 404, KEPT),
	CASE("empty parameter", "GET /things/ HTTP/1.1\r\n" H "\r\n", 404, KEPT),
	CASE("prefix only", "GET /things HTTP/1.1\r\n" H "\r\n", 404, KEPT),
	CASE("root", "GET / HTTP/1.1\r\n" H "\r\n", 200, KEPT),
	CASE("other method", "POST /hello HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 405,
	    KEPT),
	CASE("rare method", "PROPFIND /hello HTTP/1.1\r\n" H "\r\n", 405, KEPT),
};

static const char follow_up[] = "GET /things/next HTTP/1.1\r\n" H "\r\n";

/* The status is right, and the connection is closed, or still good for another request. */
static void
check_raw(struct bed *bed, const struct raw_case *raw, size_t piece_size)
{
	struct client client = client_new(bed);
	struct str rest = raw->bytes;
	char text[4096];
	int status;

	while (rest.n > 0) {
		size_t n = rest.n < piece_size ? rest.n : piece_size;

		client_send(bed, &client, (struct str){ rest.p, n });
		rest.p += n;
		rest.n -= n;
		if (piece_size < raw->bytes.n)
			bed_turn(bed);
	}
	status = client_answer(bed, &client, text, sizeof(text));
	if (status != raw->status)
		fail_msg("%s (pieces of %zu): %d instead of %d: %s", raw->name, piece_size,
		    status, raw->status, text);
	if (raw->ending == KEPT) {
		client_say(bed, &client, follow_up);
		assert_int_equal(client_answer(bed, &client, text, sizeof(text)), 200);
		assert_non_null(strstr(text, "thing=next"));
	} else {
		if (strstr(text, "Connection: close\r\n") == NULL)
			fail_msg("%s: does not say that it closes", raw->name);
		BED_UNTIL(bed, client_is_over(&client));
		if (client.got.n > 0 || client.is_reset)
			fail_msg("%s: more than one answer, or reset", raw->name);
	}
	client_free(&client);
}

static void
battery_whole(void **state UNUSED)
{
	struct bed bed = usual_bed();

	for (size_t i = 0; i < COUNT(battery); i++)
		check_raw(&bed, &battery[i], SIZE_MAX);
	BED_UNTIL(&bed, http_server_counters(bed.server)->connections == 0);
	bed_free(&bed);
}

/* The same in pieces: nothing may depend on where a packet ends. */
static void
battery_in_pieces(void **state UNUSED)
{
	struct bed bed = usual_bed();

	for (size_t i = 0; i < COUNT(battery); i++)
		for (size_t piece_size = 1; piece_size <= 3; piece_size += 2)
			check_raw(&bed, &battery[i], piece_size);
	bed_free(&bed);
}

/* Sends text `count` times between head and tail. */
static int
status_of_repeated(
    struct bed *bed, const char *head, const char *text, size_t count, const char *tail)
{
	struct client client = client_new(bed);
	struct buf bytes;
	int status;

	buf_init(&bytes, 4 << 20);
	buf_text(&bytes, head);
	for (size_t i = 0; i < count; i++)
		buf_text(&bytes, text);
	buf_text(&bytes, tail);
	client_send(bed, &client, buf_view(&bytes));
	status = client_answer(bed, &client, NULL, 0);
	buf_free(&bytes);
	client_free(&client);
	return status;
}

static void
sizes_are_limited(void **state UNUSED)
{
	struct bed bed = usual_bed();
	static const char *const get = "GET /hello HTTP/1.1\r\n" H;
	static const char *const chunked =
	    "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n";

	assert_int_equal(status_of_repeated(&bed, get, "X: 1\r\n", 63, "\r\n"), 200);
	assert_int_equal(status_of_repeated(&bed, get, "X: 1\r\n", 64, "\r\n"), 431);
	assert_int_equal(status_of_repeated(&bed, get, "X: 1\r\n", 1000, "\r\n"), 431);
	assert_int_equal(status_of_repeated(&bed, "GET /hello HTTP/1.1\r\n" H "X: ",
			     "0123456789", 1600, "\r\n\r\n"),
	    200);
	assert_int_equal(status_of_repeated(&bed, "GET /hello HTTP/1.1\r\n" H "X: ",
			     "0123456789", 20000, "\r\n\r\n"),
	    431);
	assert_int_equal(
	    status_of_repeated(&bed, get, "0123456789", 20000, ": x\r\n\r\n"), 431);
	assert_int_equal(
	    status_of_repeated(&bed, "GET /hello?", "a=b&", 32, " HTTP/1.1\r\n" H "\r\n"),
	    200);
	assert_int_equal(
	    status_of_repeated(&bed, "GET /hello?", "a=b&", 33, " HTTP/1.1\r\n" H "\r\n"),
	    400);
	assert_int_equal(status_of_repeated(&bed, "GET /things/", "0123456789", 818,
			     " HTTP/1.1\r\n" H "\r\n"),
	    200);
	assert_int_equal(status_of_repeated(&bed, "GET /things/", "0123456789", 10000,
			     " HTTP/1.1\r\n" H "\r\n"),
	    414);
	assert_int_equal(
	    status_of_repeated(&bed, chunked, "a\r\n0123456789\r\n", 100, "0\r\n\r\n"), 200);
	assert_int_equal(
	    status_of_repeated(&bed, chunked, "a\r\n0123456789\r\n", 101, "0\r\n\r\n"), 413);
	assert_int_equal(
	    status_of_repeated(&bed, chunked, "a\r\n0123456789\r\n", 10000, "0\r\n\r\n"), 413);
	/* Framing that carries nothing. */
	assert_int_equal(
	    status_of_repeated(&bed,
		"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1;",
		"0123456789", 10000, "\r\na\r\n0\r\n\r\n"),
	    413);
	assert_int_equal(
	    status_of_repeated(&bed,
		"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n",
		"X: 1\r\n", 10000, "\r\n"),
	    413);
	bed_free(&bed);
}

/* A large body is refused while it is being sent; the client still reads why. */
static void
refusal_is_readable(void **state UNUSED)
{
	struct bed bed = usual_bed();

	for (int i = 0; i < 20; i++)
		assert_int_equal(
		    status_of_repeated(&bed,
			"POST /echo HTTP/1.1\r\n" H "Content-Length: 2000000\r\n\r\n",
			"0123456789", 200000, ""),
		    413);
	assert_int_equal(http_server_counters(bed.server)->refused, 20);
	bed_free(&bed);
}

/* Bodies under way are bounded all together too; what is full now has room again later. */
static void
bodies_share_a_limit(void **state UNUSED)
{
	struct bed bed = bed_new(
	    (struct http_settings){ .handle = handle, .body_max = 1000, .bodies_max = 2000 });
	struct client clients[3];
	char body[1000];

	memset(body, 'x', sizeof(body));
	for (size_t i = 0; i < 2; i++) {
		clients[i] = client_new(&bed);
		client_say(&bed, &clients[i],
		    "POST /echo HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n");
		client_send(&bed, &clients[i], (struct str){ body, 999 });
	}
	BED_UNTIL(&bed, http_server_counters(bed.server)->bytes_in > 2000);
	clients[2] = client_new(&bed);
	client_say(
	    &bed, &clients[2], "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
	assert_int_equal(client_answer(&bed, &clients[2], NULL, 0), 503);
	client_free(&clients[2]);
	for (size_t i = 0; i < 2; i++) {
		client_say(&bed, &clients[i], "x");
		assert_int_equal(client_answer(&bed, &clients[i], NULL, 0), 200);
	}
	client_say(
	    &bed, &clients[0], "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
	assert_int_equal(client_answer(&bed, &clients[0], NULL, 0), 200);
	client_free(&clients[0]);
	client_free(&clients[1]);
	bed_free(&bed);
}

static void
body_arrives_whole(void **state UNUSED)
{
	struct bed bed = bed_new((struct http_settings){ .handle = handle });
	struct client client = client_new(&bed);
	struct buf sent;
	size_t n;

	buf_init(&sent, HTTP_BODY_MAX);
	for (unsigned i = 0; i < HTTP_BODY_MAX; i++)
		buf_char(&sent, (char)(i * 7 + i / 251));
	client_say(
	    &bed, &client, "PUT /echo HTTP/1.1\r\n" H "Content-Length: 1048576\r\n\r\n");
	client_send(&bed, &client, buf_view(&sent));
	BED_UNTIL(&bed, client_has_answer(&client));
	n = answer_size(buf_view(&client.got), true);
	assert_int_equal(answer_status(buf_view(&client.got)), 200);
	assert_memory_equal(client.got.p + n - sent.n, sent.p, sent.n);
	buf_free(&sent);
	client_free(&client);
	bed_free(&bed);
}

static void
big_reply_arrives_whole(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);
	const char *body;

	big_size = HTTP_REPLY_MAX;
	client_say(&bed, &client, "GET /big HTTP/1.1\r\n" H "\r\n");
	BED_UNTIL(&bed, client_has_answer(&client));
	assert_int_equal(answer_status(buf_view(&client.got)), 200);
	body = client.got.p + client.got.n - big_size;
	for (uint64_t i = 0; i < big_size / sizeof(i); i++)
		assert_memory_equal(body + i * sizeof(i), &i, sizeof(i));
	buf_clear(&client.got);
	big_size = HTTP_REPLY_MAX + 8;
	client_say(&bed, &client, "GET /big HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(client_answer(&bed, &client, NULL, 0), 500);
	client_free(&client);
	bed_free(&bed);
}

static void
continue_is_said_when_asked(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);
	char text[4096];

	client_say(&bed, &client,
	    "POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	BED_UNTIL(&bed, client_has(&client, "HTTP/1.1 100 Continue\r\n\r\n"));
	assert_int_equal(client.got.n, 25);
	buf_clear(&client.got);
	client_say(&bed, &client, "o");
	for (int i = 0; i < 5; i++)
		bed_turn(&bed);
	client_poll(&client);
	assert_int_equal(client.got.n, 0); /* said once */
	client_say(&bed, &client, "k");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 200);
	assert_non_null(strstr(text, "\r\n\r\nok"));
	/* The body is here already: nothing to ask for. HTTP/1.0 does not know it. */
	client_say(&bed, &client,
	    "POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 200);
	client_say(&bed, &client,
	    "POST /echo HTTP/1.0\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	bed_turn(&bed);
	client_say(&bed, &client, "ok");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 200);
	client_free(&client);
	bed_free(&bed);
}

static void
handler_sees_the_request(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);
	char text[4096];

	client_say(&bed, &client,
	    "GET /f%61cts?x=1&a+b=c%26d+e&a%20b=2&&empty HTTP/1.1\r\n" H
	    "X-Value: \t hi there \t\r\nx-value: second\r\n\r\n");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 200);
	assert_non_null(strstr(text, "GET|/facts|127.0.0.1:"));
	assert_non_null(strstr(text, "|hi there|c&d e|none"));
	client_say(&bed, &client, "GET /things/fixed HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 200);
	assert_non_null(strstr(text, "hello")); /* the first row that fits */
	client_say(&bed, &client, "DELETE /things/a%20b%3F HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 200);
	assert_non_null(strstr(text, "thing=a b?"));
	client_free(&client);
	bed_free(&bed);
}

static void
headers_are_safe(void **state UNUSED)
{
	static const char *const always[] = { "HTTP/1.1 200 OK\r\n", "\r\nDate: ", " GMT\r\n",
		"\r\nX-Request-ID: ", "\r\nX-Content-Type-Options: nosniff\r\n",
		"\r\nX-Frame-Options: DENY\r\n", "\r\nReferrer-Policy: no-referrer\r\n" };
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);
	char text[4096];

	client_say(&bed, &client, "GET /hello HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 200);
	for (size_t i = 0; i < COUNT(always); i++)
		assert_non_null(strstr(text, always[i]));
	assert_non_null(strstr(text, "\r\nContent-Security-Policy: default-src 'none'"));
	assert_non_null(strstr(text, "\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Length: 14\r\n"));
	assert_null(strstr(text, "\r\nServer:"));
	client_say(&bed, &client, "GET /page HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 200);
	for (size_t i = 0; i < COUNT(always); i++)
		assert_non_null(strstr(text, always[i]));
	assert_non_null(strstr(text, "\r\nContent-Security-Policy: default-src 'self'\r\n"));
	assert_non_null(strstr(text, "\r\ncache-control: max-age=60\r\n"));
	assert_non_null(
	    strstr(text, "\r\nX-Odd: aSet-Cookie: b\r\n")); /* no line of its own */
	assert_null(strstr(text, "default-src 'none'"));
	assert_null(strstr(text, "no-store"));
	client_free(&client);
	bed_free(&bed);
}

static void
request_id_is_echoed_when_sane(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);
	char text[4096];
	char other[4096];

	client_say(
	    &bed, &client, "GET /nothing HTTP/1.1\r\n" H "X-Request-ID: Ab.1_2-3\r\n\r\n");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 404);
	assert_non_null(strstr(text, "\r\nX-Request-ID: Ab.1_2-3\r\n"));
	assert_non_null(strstr(text,
	    "{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"There is "
	    "nothing at /nothing\",\"detail\":null,\"request_id\":\"Ab.1_2-3\"}}"));
	client_say(&bed, &client, "GET /hello HTTP/1.1\r\n" H "X-Request-ID: a\"b\r\n\r\n");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 200);
	assert_null(strstr(text, "a\"b"));
	client_say(&bed, &client, "GET /hello HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(client_answer(&bed, &client, other, sizeof(other)), 200);
	assert_int_not_equal(
	    strncmp(strstr(text, "X-Request-ID: "), strstr(other, "X-Request-ID: "), 30), 0);
	client_say(&bed, &client, "GET /detail HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(client_answer(&bed, &client, text, sizeof(text)), 422);
	assert_non_null(strstr(text, "\"message\":\"1 faults\",\"detail\":[{\"at\":\"x\"}],"));
	client_free(&client);
	bed_free(&bed);
}

static void
head_has_no_body(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);

	client_say(&bed, &client,
	    "HEAD /hello HTTP/1.1\r\n" H "\r\n"
	    "HEAD /nothing HTTP/1.1\r\n" H "\r\nGET /empty HTTP/1.1\r\n" H "\r\n"
	    "OPTIONS /things/a HTTP/1.1\r\n" H "\r\nGET /hello HTTP/1.1\r\n" H "\r\n");
	BED_UNTIL(&bed, client_has(&client, "{\"hello\":true}"));
	assert_non_null(strstr(client.got.p, "Content-Length: 14\r\n"));
	assert_null(strstr(client.got.p, "NOT_FOUND"));
	assert_non_null(strstr(client.got.p, "HTTP/1.1 404 "));
	assert_non_null(strstr(client.got.p, "HTTP/1.1 204 No Content\r\n"));
	assert_non_null(strstr(client.got.p, "\r\nAllow: GET, HEAD, DELETE, OPTIONS\r\n"));
	assert_null(strstr(client.got.p, "Content-Length: 0"));
	client_free(&client);
	bed_free(&bed);
}

static void
pipelined_answers_come_in_order(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);
	struct buf all;

	for (int count = 10; count <= 5000; count = count < 500 ? 500 : count * 10) {
		buf_init(&all, 1 << 20);
		for (int i = 0; i < count; i++)
			buf_format(&all,
			    "%s /things/%d HTTP/1.1\r\n" H "Content-Length: %d\r\n\r\n%s",
			    i % 2 ? "GET" : "DELETE", i, i % 3,
			    i % 3 == 2 ? "xy"
			    : i % 3    ? "x"
				       : "");
		client_send(&bed, &client, buf_view(&all));
		buf_free(&all);
		for (int i = 0; i < count; i++) {
			char text[2048];
			char wanted[32];

			snprintf(wanted, sizeof(wanted), "\r\n\r\nthing=%d", i);
			assert_int_equal(
			    client_answer(&bed, &client, text, sizeof(text)), 200);
			assert_non_null(strstr(text, wanted));
		}
	}
	client_free(&client);
	bed_free(&bed);
}

/* Pipelined requests behind one that is not answered stay in the kernel beyond
 * HTTP_INPUT_MAX. */
static void
pipelining_is_bounded(void **state UNUSED)
{
	struct bed bed = usual_bed();
	struct client client = client_new(&bed);
	uint64_t came_in;
	uint64_t sent = 0;

	bed.is_gated = true;
	for (int i = 0; i < 20000; i++) {
		ssize_t n = send(client.fd, follow_up, sizeof(follow_up) - 1, MSG_DONTWAIT);

		if (n < (ssize_t)sizeof(follow_up) - 1) {
			sent += n > 0 ? (uint64_t)n : 0;
			break;
		}
		sent += (uint64_t)n;
		if (i % 1000 == 0)
			bed_turn(&bed);
	}
	for (int i = 0; i < 100; i++)
		bed_turn(&bed);
	came_in = http_server_counters(bed.server)->bytes_in;
	assert_true(sent > 3 * HTTP_INPUT_MAX);
	assert_true(came_in <= 2 * HTTP_INPUT_MAX + sizeof(follow_up));
	bed.is_gated = false;
	BED_UNTIL(&bed, !client_is_over(&client)
			    && http_server_counters(bed.server)->requests
				   == sent / (sizeof(follow_up) - 1));
	client_free(&client);
	bed_free(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(battery_whole),
		cmocka_unit_test(battery_in_pieces),
		cmocka_unit_test(sizes_are_limited),
		cmocka_unit_test(refusal_is_readable),
		cmocka_unit_test(bodies_share_a_limit),
		cmocka_unit_test(body_arrives_whole),
		cmocka_unit_test(big_reply_arrives_whole),
		cmocka_unit_test(continue_is_said_when_asked),
		cmocka_unit_test(handler_sees_the_request),
		cmocka_unit_test(headers_are_safe),
		cmocka_unit_test(request_id_is_echoed_when_sane),
		cmocka_unit_test(head_has_no_body),
		cmocka_unit_test(pipelined_answers_come_in_order),
		cmocka_unit_test(pipelining_is_bounded),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
