/* test_fetch.c - fetch against a small server that misbehaves on demand.
 *
 * The server lives on the same loop, answers by path and notes what it got. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/loop.h"
#include "base/str.h"
#include "ports/fetch.h"
#include "ports/fetch_text.h"

enum { PEERS_MAX = 600, WAIT_MS = 20000 };

struct peer {
	struct loop_io *io;
	struct buf in;
	int fd;
	bool is_flood;
};

static struct loop *loop;
static struct fetch *fetch;
static struct peer peers[PEERS_MAX];
static struct loop_io *listener;
static int listener_fd;
static int port;
static int accepted;
static char last_request[4096];
static char base[64];

static void
peer_close(struct peer *peer)
{
	loop_io_free(peer->io);
	close(peer->fd);
	buf_free(&peer->in);
	*peer = (struct peer){ .fd = -1 };
}

static void
say(struct peer *peer, const char *text)
{
	assert_int_equal(
	    send(peer->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void
say_body(struct peer *peer, const char *status, const char *more, const char *body)
{
	char text[8192];

	snprintf(text, sizeof(text), "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status,
	    more, strlen(body), body);
	say(peer, text);
}

/* Answers the request in peer->in; false when the connection is closed by it. */
static bool
answer(struct peer *peer)
{
	struct str rest = buf_view(&peer->in);
	struct str method;
	struct str path;
	char to[128];

	snprintf(last_request, sizeof(last_request), "%s", buf_cstr(&peer->in));
	rest = str_cut(rest, ' ', &method);
	str_cut(rest, ' ', &path);
	if (str_is(path, "/hello"))
		say_body(peer, "200 OK", "X-Thing: one\r\nx-other:  two  \r\n", "hello");
	else if (str_is(path, "/missing"))
		say_body(peer, "404 Not Found", "", "no");
	else if (str_is(path, "/head"))
		say(peer,
		    "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nEtag: \"e\"\r\n\r\n");
	else if (str_is(path, "/hang"))
		return true;
	else if (str_is(path, "/flood")) {
		say(peer, "HTTP/1.1 200 OK\r\n\r\n");
		peer->is_flood = true;
		loop_io_want(peer->io, LOOP_READ | LOOP_WRITE);
	} else if (str_is(path, "/half")) {
		say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
		peer_close(peer);
		return false;
	} else if (str_is(path, "/drop")) {
		peer_close(peer);
		return false;
	} else if (str_is(path, "/away")) {
		snprintf(to, sizeof(to), "Location: http://localhost:%d/hello\r\n", port);
		say_body(peer, "302 Found", to, "");
	} else if (str_is(path, "/here")) {
		say_body(peer, "302 Found", "Location: /hello\r\n", "");
	} else if (str_is(path, "/wall")) {
		say_body(peer, "302 Found", "Location: http://127.0.0.1:1/\r\n", "");
	} else if (str_is(path, "/loop")) {
		say_body(peer, "302 Found", "Location: /loop\r\n", "");
	} else if (str_is(path, "/headers")) {
		say(peer, "HTTP/1.1 200 OK\r\n");
		for (int i = 0; i < 80; i++) {
			char line[1100];
			snprintf(line, sizeof(line), "X-%d: %01000d\r\n", i, 0);
			say(peer, line);
		}
		say(peer, "Content-Length: 0\r\n\r\n");
	} else {
		say_body(peer, "200 OK", "", "?");
	}
	return true;
}

static bool
is_whole(struct peer *peer)
{
	const char *end = strstr(buf_cstr(&peer->in), "\r\n\r\n");
	const char *length = strcasestr(buf_cstr(&peer->in), "Content-Length:");

	if (end == NULL)
		return false;
	return length == NULL || length > end
	       || strlen(end + 4) >= (size_t)strtoul(length + 15, NULL, 10);
}

static void
on_peer(void *context, int ready)
{
	struct peer *peer = context;
	char piece[4096];
	ssize_t n;

	if (ready & LOOP_READ) {
		n = recv(peer->fd, piece, sizeof(piece), 0);
		if (n <= 0) {
			peer_close(peer);
			return;
		}
		buf_add(&peer->in, piece, (size_t)n);
		if (is_whole(peer) && answer(peer))
			buf_clear(&peer->in);
		return;
	}
	if (peer->is_flood) {
		memset(piece, 'x', sizeof(piece));
		if (send(peer->fd, piece, sizeof(piece), MSG_NOSIGNAL | MSG_DONTWAIT) < 0
		    && errno != EAGAIN)
			peer_close(peer);
	}
}

static void
on_accept(void *context, int ready UNUSED)
{
	int fd = accept4(*(int *)context, NULL, NULL, SOCK_CLOEXEC);
	struct peer *peer = peers;

	assert_true(fd >= 0);
	while (peer->fd != -1)
		peer++;
	assert_true(peer < peers + PEERS_MAX);
	accepted++;
	peer->fd = fd;
	buf_init(&peer->in, 1 << 20);
	peer->io = loop_io_new(loop, fd, LOOP_READ, on_peer, peer);
}

static int
set_up(void **state UNUSED)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t at_size = sizeof(at);

	for (size_t i = 0; i < PEERS_MAX; i++)
		peers[i] = (struct peer){ .fd = -1 };
	accepted = 0;
	last_request[0] = '\0';
	loop = loop_new();
	fetch = fetch_new(loop);
	listener_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener_fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener_fd, 512), 0);
	assert_int_equal(getsockname(listener_fd, (struct sockaddr *)&at, &at_size), 0);
	port = ntohs(at.sin_port);
	snprintf(base, sizeof(base), "http://127.0.0.1:%d", port);
	listener = loop_io_new(loop, listener_fd, LOOP_READ, on_accept, &listener_fd);
	return 0;
}

static int
tear_down(void **state UNUSED)
{
	fetch_free(fetch);
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (peers[i].fd != -1)
			peer_close(&peers[i]);
	loop_io_free(listener);
	close(listener_fd);
	loop_free(loop);
	return 0;
}

struct seen { /* what a transfer ended with */
	int count;
	enum fetch_outcome outcome;
	int status;
	char body[256];
	char why[256];
	char thing[64];
	size_t streamed;
	size_t stop_after;
	struct fetch_transfer *cancel; /* by the body function */
	struct fetch_request *then; /* started by the body or done function */
};

static void
on_done(void *context, const struct fetch_result *result)
{
	struct seen *seen = context;

	seen->count++;
	seen->outcome = result->outcome;
	seen->status = result->status;
	snprintf(seen->body, sizeof(seen->body), "%.*s", (int)result->body.n, result->body.p);
	snprintf(seen->why, sizeof(seen->why), "%s", result->why == NULL ? "" : result->why);
	struct str thing = fetch_header(result->transfer, "x-thing");
	snprintf(seen->thing, sizeof(seen->thing), "%.*s", (int)thing.n, thing.p);
	if (seen->then != NULL)
		fetch_start(fetch, seen->then);
}

static bool
on_body(void *context, struct str piece)
{
	struct seen *seen = context;

	seen->streamed += piece.n;
	if (seen->then != NULL) {
		fetch_start(fetch, seen->then);
		seen->then = NULL;
	}
	if (seen->cancel != NULL) {
		fetch_cancel(seen->cancel);
		seen->cancel = NULL;
	}
	return seen->stop_after == 0 || seen->streamed < seen->stop_after;
}

static void
wait_for(const int *count, int wanted)
{
	int64_t end_us = clock_mono_us() + WAIT_MS * 1000;

	while (*count < wanted) {
		assert_true(clock_mono_us() < end_us);
		loop_turn(loop, false);
	}
}

static struct fetch_transfer *
start(struct seen *seen, const char *path, struct fetch_request request)
{
	char url[256];

	snprintf(url, sizeof(url), "%s%s", base, path);
	if (request.url == NULL)
		request.url = url;
	request.on_done = on_done;
	request.context = seen;
	return fetch_start(fetch, &request);
}

static struct seen
run(const char *path, struct fetch_request request)
{
	struct seen seen = { 0 };

	start(&seen, path, request);
	assert_int_equal(seen.count, 0); /* never from inside fetch_start */
	wait_for(&seen.count, 1);
	assert_int_equal(fetch_active(fetch), 0);
	return seen;
}

static void
test_get(void **state UNUSED)
{
	struct seen seen = run("/hello", (struct fetch_request){ 0 });

	assert_int_equal(seen.outcome, FETCH_ANSWERED);
	assert_int_equal(seen.status, 200);
	assert_string_equal(seen.body, "hello");
	assert_string_equal(seen.thing, "one");
	seen = run("/missing", (struct fetch_request){ 0 });
	assert_int_equal(seen.outcome, FETCH_ANSWERED);
	assert_int_equal(seen.status, 404);
	assert_int_equal(accepted, 1); /* the connection was kept */
}

static void
test_methods(void **state UNUSED)
{
	const char *const headers[] = { "Content-Type: application/json", "X-A: b", NULL };
	struct seen seen;

	run("/x", (struct fetch_request){
		      .method = "POST", .body = STR("{\"a\":1}"), .headers = headers });
	assert_non_null(strstr(last_request, "POST /x HTTP/1.1\r\n"));
	assert_non_null(strstr(last_request, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(last_request, "X-A: b\r\n"));
	assert_non_null(strstr(last_request, "\r\n\r\n{\"a\":1}"));
	run("/x", (struct fetch_request){ .method = "POST" });
	assert_non_null(strstr(last_request, "Content-Length: 0\r\n"));
	assert_null(strcasestr(last_request, "Content-Type"));
	run("/x", (struct fetch_request){ .method = "DELETE" });
	assert_non_null(strstr(last_request, "DELETE /x HTTP/1.1\r\n"));
	run("/x", (struct fetch_request){ .method = "PUT", .body = STR("b") });
	assert_non_null(strstr(last_request, "PUT /x HTTP/1.1\r\n"));
	seen = run("/head", (struct fetch_request){ .method = "HEAD" });
	assert_int_equal(seen.outcome, FETCH_ANSWERED);
	assert_non_null(strstr(last_request, "HEAD /head HTTP/1.1\r\n"));
}

static void
test_unreached(void **state UNUSED)
{
	char url[64];
	struct seen seen;

	seen = run("", (struct fetch_request){ .url = "http://127.0.0.1:1/" });
	assert_int_equal(seen.outcome, FETCH_UNREACHED);
	assert_non_null(strstr(seen.why, "refused"));
	seen = run("", (struct fetch_request){ .url = "http://nowhere.invalid/" });
	assert_int_equal(seen.outcome, FETCH_UNREACHED);
	assert_true(seen.why[0] != '\0');
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", port);
	seen = run("", (struct fetch_request){ .url = url, .total_ms = 300 });
	assert_int_equal(seen.outcome, FETCH_UNREACHED); /* no TLS there */
	seen = run("", (struct fetch_request){ .url = "gopher://127.0.0.1/" });
	assert_int_equal(seen.outcome, FETCH_UNREACHED);
	seen = run(
	    "", (struct fetch_request){ .url = "http://x/", .unix_socket = "/nonexistent/s" });
	assert_int_equal(seen.outcome, FETCH_UNREACHED);
	assert_string_equal(
	    seen.why, "cannot connect to /nonexistent/s: No such file or directory");
}

static void
test_broken(void **state UNUSED)
{
	struct seen seen = run("/drop", (struct fetch_request){ 0 });
	int64_t began_us = clock_mono_us();

	assert_int_equal(seen.outcome, FETCH_BROKEN);
	seen = run("/half", (struct fetch_request){ 0 });
	assert_int_equal(seen.outcome, FETCH_BROKEN);
	assert_string_equal(seen.body, "");
	seen = run("/hang", (struct fetch_request){ .total_ms = 60 });
	assert_int_equal(seen.outcome, FETCH_BROKEN);
	assert_true(clock_mono_us() - began_us >= 60000); /* a limit below a second is kept */
	assert_true(clock_mono_us() - began_us < 5000000);
	seen = run("/wall", (struct fetch_request){ .follow = true });
	assert_int_equal(seen.outcome, FETCH_BROKEN); /* the first peer did get it */
	seen = run("/hang", (struct fetch_request){ .total_ms = -1, .stall_ms = 1000 });
	assert_int_equal(seen.outcome, FETCH_BROKEN);
}

static void
test_too_large(void **state UNUSED)
{
	struct seen seen = run("/flood", (struct fetch_request){ .body_max = 100000 });

	assert_int_equal(seen.outcome, FETCH_TOO_LARGE);
	assert_string_equal(seen.why, "the answer is larger than 100000 bytes");
	seen = run("/headers", (struct fetch_request){ 0 });
	assert_int_equal(seen.outcome, FETCH_TOO_LARGE);
	seen = run("/head", (struct fetch_request){ .method = "HEAD", .body_max = 10 });
	assert_int_equal(seen.outcome, FETCH_ANSWERED);
}

static void
test_redirects(void **state UNUSED)
{
	struct seen seen = run("/here", (struct fetch_request){ 0 });

	assert_int_equal(seen.status, 302);
	seen = run("/here", (struct fetch_request){
				.follow = true, .basic_user = "u", .basic_password = "p" });
	assert_int_equal(seen.status, 200);
	assert_string_equal(seen.thing, "one");
	assert_non_null(strstr(last_request, "Authorization: Basic dTpw\r\n"));
	seen = run("/away", (struct fetch_request){
				.follow = true, .basic_user = "u", .basic_password = "p" });
	assert_int_equal(seen.status, 200);
	assert_null(strstr(last_request, "Authorization")); /* another host */
	const char *const headers[] = { "Authorization: Bearer t", NULL };
	run("/here", (struct fetch_request){ .follow = true, .headers = headers });
	assert_non_null(strstr(last_request, "Authorization: Bearer t\r\n"));
	run("/away", (struct fetch_request){ .follow = true, .headers = headers });
	assert_null(strstr(last_request, "Authorization"));
	seen = run("/loop", (struct fetch_request){ .follow = true });
	assert_int_equal(seen.outcome, FETCH_BROKEN);
}

static void
test_fresh_and_detour(void **state UNUSED)
{
	char url[64];
	char detour[64];
	struct seen seen;

	run("/hello", (struct fetch_request){ .fresh = true });
	run("/hello", (struct fetch_request){ .fresh = true });
	run("/hello", (struct fetch_request){ 0 });
	assert_int_equal(accepted, 3);
	snprintf(url, sizeof(url), "http://shop.invalid:%d/hello", port);
	snprintf(detour, sizeof(detour), "shop.invalid:%d:127.0.0.1", port);
	seen = run("", (struct fetch_request){ .url = url, .resolve = detour });
	assert_int_equal(seen.status, 200);
	assert_non_null(strstr(last_request, "Host: shop.invalid"));
	seen = run("", (struct fetch_request){ .url = url });
	assert_int_equal(seen.outcome, FETCH_UNREACHED); /* the detour was of one transfer */
}

static void
test_proxy_of_the_environment_is_not_used(void **state UNUSED)
{
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	struct seen seen = run("/hello", (struct fetch_request){ 0 });
	unsetenv("http_proxy");
	assert_int_equal(seen.status, 200);
}

static void
test_stream(void **state UNUSED)
{
	struct seen seen = { .stop_after = 20u << 20 };
	struct fetch_request request = { .on_body = on_body };

	start(&seen, "/flood", request);
	wait_for(&seen.count, 1);
	assert_int_equal(seen.outcome, FETCH_BROKEN);
	assert_true(seen.streamed >= seen.stop_after); /* held to no limit of memory */
}

static void
test_cancel(void **state UNUSED)
{
	struct seen one = { 0 };
	struct seen two = { 0 };
	struct fetch_transfer *first = start(&one, "/hang", (struct fetch_request){ 0 });
	struct fetch_transfer *second = start(&two, "/hello", (struct fetch_request){ 0 });

	fetch_cancel(second); /* before anything was sent */
	wait_for(&accepted, 1);
	fetch_cancel(first);
	assert_int_equal(fetch_active(fetch), 0);
	run("/hello", (struct fetch_request){ 0 });
	assert_int_equal(one.count + two.count, 0);
}

static void
test_changes_from_inside_the_body_function(void **state UNUSED)
{
	struct seen flood = { 0 };
	struct seen hang = { 0 };
	struct seen then = { 0 };
	char url[128];
	struct fetch_request next = { .url = url, .on_done = on_done, .context = &then };

	snprintf(url, sizeof(url), "%s/hello", base);
	flood.cancel = start(&hang, "/hang", (struct fetch_request){ 0 });
	flood.then = &next;
	flood.stop_after = 1000;
	start(&flood, "/flood", (struct fetch_request){ .on_body = on_body });
	wait_for(&then.count, 1);
	wait_for(&flood.count, 1);
	assert_int_equal(then.status, 200);
	assert_int_equal(hang.count, 0);
	assert_int_equal(fetch_active(fetch), 0);
	flood = (struct seen){ 0 }; /* and of itself */
	flood.cancel = start(&flood, "/flood", (struct fetch_request){ .on_body = on_body });
	while (fetch_active(fetch) > 0)
		loop_turn(loop, true);
	assert_int_equal(flood.count, 0);
}

static void
test_start_from_done(void **state UNUSED)
{
	struct seen two = { 0 };
	char url[128];
	struct fetch_request next = { .url = url, .on_done = on_done, .context = &two };
	struct seen one = { .then = &next };

	snprintf(url, sizeof(url), "%s/hello", base);
	start(&one, "/hello", (struct fetch_request){ 0 });
	wait_for(&two.count, 1);
	assert_int_equal(one.count, 1);
	assert_int_equal(accepted, 1);
}

static void
test_line(void **state UNUSED)
{
	static struct seen many[FETCH_MAX + 10];
	static struct fetch_transfer *transfers[FETCH_MAX + 10];
	struct seen last = { 0 };

	memset(many, 0, sizeof(many));
	for (int i = 0; i < FETCH_MAX + 10; i++)
		transfers[i] =
		    start(&many[i], "/hang", (struct fetch_request){ .total_ms = -1 });
	start(&last, "/hello", (struct fetch_request){ 0 });
	wait_for(&accepted, FETCH_MAX);
	assert_int_equal(fetch_active(fetch), FETCH_MAX + 11);
	assert_int_equal(last.count, 0);
	fetch_cancel(transfers[FETCH_MAX + 5]); /* in the middle of the line */
	for (int i = 0; i < FETCH_MAX + 10; i++)
		if (i != FETCH_MAX + 5)
			fetch_cancel(transfers[i]);
	wait_for(&last.count, 1);
	assert_int_equal(last.status, 200);
}

static void
test_line_full(void **state UNUSED)
{
	static struct seen held;
	struct seen refused = { 0 };

	for (int i = 0; i < FETCH_MAX + FETCH_LINE_MAX; i++)
		start(&held, "/hang", (struct fetch_request){ .total_ms = -1 });
	start(&refused, "/hello", (struct fetch_request){ 0 });
	wait_for(&refused.count, 1);
	assert_int_equal(refused.outcome, FETCH_UNREACHED);
	assert_int_equal(
	    fetch_active(fetch), FETCH_MAX + FETCH_LINE_MAX); /* freed with fetch */
}

static void
test_unix_socket(void **state UNUSED)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct loop_io *io;
	struct seen seen;

	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/slipway-test-fetch-%d.sock",
	    (int)getpid());
	unlink(at.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	seen = run(
	    "", (struct fetch_request){ .url = "http://d/hello", .unix_socket = at.sun_path });
	assert_int_equal(seen.outcome, FETCH_UNREACHED);
	assert_non_null(strstr(seen.why, "Connection refused"));
	assert_int_equal(listen(fd, 8), 0);
	io = loop_io_new(loop, fd, LOOP_READ, on_accept, &fd);
	seen = run(
	    "", (struct fetch_request){ .url = "http://d/hello", .unix_socket = at.sun_path });
	assert_int_equal(seen.status, 200);
	seen = run(
	    "", (struct fetch_request){ .url = "http://d/hello", .unix_socket = at.sun_path });
	assert_int_equal(seen.status, 200);
	assert_int_equal(accepted, 1);
	loop_io_free(io);
	close(fd);
	unlink(at.sun_path);
}

static void
addresses_are_told_from_names(void **state UNUSED)
{
	assert_true(url_has_address("http://127.66.1.2:8080/health"));
	assert_true(url_has_address("http://10.0.0.2/"));
	assert_true(url_has_address("https://[fd00::1]:5000/v2/"));
	assert_false(url_has_address("http://registry.example:5000/v2/"));
	assert_false(url_has_address("http://10.example/v2/"));
	assert_false(url_has_address("http:///v2/"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_get),
		TEST(test_methods),
		TEST(test_unreached),
		TEST(test_broken),
		TEST(test_too_large),
		TEST(test_redirects),
		TEST(test_fresh_and_detour),
		TEST(test_proxy_of_the_environment_is_not_used),
		TEST(test_stream),
		TEST(test_cancel),
		TEST(test_changes_from_inside_the_body_function),
		TEST(test_start_from_done),
		TEST(test_line),
		TEST(test_line_full),
		TEST(test_unix_socket),
		cmocka_unit_test(addresses_are_told_from_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
