/* test_registry_headers.c - what a registry's headers mean: challenges, links, waits, budgets, URLs, and
 * the store of tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "ports/registry_headers.h"
#include "ports/registry_tokens.h"
#include "ports/registry_url.h"

static void
challenge(const char *header, enum challenge_kind kind, const char *realm, const char *service,
    const char *scope)
{
	struct challenge c = { .kind = CHALLENGE_NONE };

	challenge_add(&c, str_of(header));
	if (c.kind != kind)
		fail_msg("'%s' is of kind %d", header, (int)c.kind);
	if (kind != CHALLENGE_BEARER)
		return;
	assert_string_equal(c.realm, realm);
	assert_string_equal(c.service, service);
	assert_string_equal(c.scope, scope);
}

static void
challenge_is_read(void **state)
{
	(void)state;
	challenge("Bearer "
		  "realm=\"https://a.example/"
		  "token\",service=\"registry\",scope=\"repository:x/y:pull\"",
	    CHALLENGE_BEARER, "https://a.example/token", "registry", "repository:x/y:pull");
	challenge("bearer  Realm = \"r\" , SERVICE=s", CHALLENGE_BEARER, "r", "s", "");
	challenge("Bearer realm=\"a\\\"b,c=d\", scope=\"repository:a:pull,push\", "
		  "error=\"insufficient_scope\"",
	    CHALLENGE_BEARER, "a\"b,c=d", "", "repository:a:pull,push");
	challenge("Basic realm=\"x, Bearer realm=y\"", CHALLENGE_BASIC, "", "", "");
	challenge("Basic", CHALLENGE_BASIC, "", "", "");
	challenge("Basic realm=\"x\", Bearer realm=\"t\",service=\"s\"", CHALLENGE_BEARER, "t",
	    "s", "");
	challenge("Bearer realm=\"t\", Basic realm=\"x\"", CHALLENGE_BEARER, "t", "", "");
	challenge("Negotiate, Bearer realm=\"t\"", CHALLENGE_BEARER, "t", "", "");
	challenge("Negotiate YII/+abc==, Basic realm=\"x\"", CHALLENGE_BASIC, "", "", "");
	challenge("NTLM abc=, Bearer realm=t", CHALLENGE_BEARER, "t", "", "");
	challenge(
	    "Digest realm=\"d\", nonce=\"n\", Basic realm=\"x\"", CHALLENGE_BASIC, "", "", "");
	challenge("Bearer realm=\"first\", Bearer realm=\"second\"", CHALLENGE_BEARER, "first",
	    "", "");
	challenge("Bearer service=\"s\", Basic realm=\"x\"", CHALLENGE_BASIC, "", "", "");
	challenge("Bearer realm=\"\"", CHALLENGE_NONE, "", "", "");
	challenge("", CHALLENGE_NONE, "", "", "");
	challenge(",,, ,", CHALLENGE_NONE, "", "", "");
	challenge("Digest realm=\"x\"", CHALLENGE_NONE, "", "", "");
	challenge("Bearer realm=\"never ends", CHALLENGE_NONE, "", "", "");
	challenge("Bearer realm=", CHALLENGE_NONE, "", "", "");
	challenge("=\"=", CHALLENGE_NONE, "", "", "");
	challenge("realm=\"x\"", CHALLENGE_NONE, "", "", "");
}

static void
challenge_of_several_headers_and_of_too_much(void **state)
{
	struct challenge c = { .kind = CHALLENGE_NONE };
	char header[2048];

	(void)state;
	challenge_add(&c, STR("Basic realm=\"x\""));
	challenge_add(&c, STR("Bearer realm=\"t\""));
	challenge_add(&c, STR("Basic realm=\"y\""));
	assert_int_equal(c.kind, CHALLENGE_BEARER);
	assert_string_equal(c.realm, "t");
	memset(header, 'a', sizeof(header));
	memcpy(header, "Bearer realm=\"", 14);
	header[sizeof(header) - 2] = '"';
	header[sizeof(header) - 1] = '\0';
	challenge(header, CHALLENGE_NONE, "", "", "");
	memcpy(header, "Bearer junk=\"x", 14); /* too long, but nobody needs it */
	header[sizeof(header) - 40] = '\0';
	snprintf(header + strlen(header), 40, "\", realm=\"t\"");
	challenge(header, CHALLENGE_BEARER, "t", "", "");
}

static void
challenge_survives_any_bytes(void **state)
{
	static const char letters[] = "BearerBasic realm=\"\\,; scope\t=x";
	uint64_t seed = 2463534242u;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		char text[48];
		size_t n;
		struct challenge c = { .kind = CHALLENGE_NONE };
		char *exact;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		n = seed % sizeof(text);
		for (size_t i = 0; i < n; i++)
			text[i] =
			    letters[(seed >> (i % 11) * 5) * (i + 3) % (sizeof(letters) - 1)];
		exact = malloc(n + 1); /* so that a byte too far is seen */
		assert_non_null(exact);
		memcpy(exact, text, n);
		challenge_add(&c, (struct str){ exact, n });
		link_next((struct str){ exact, n });
		rate_parse((struct str){ exact, n });
		retry_after_ms((struct str){ exact, n }, 0);
		exact = realloc(exact, n == 0 ? 1 : n);
		challenge_add(&c, (struct str){ exact, n });
		free(exact);
	}
}

static void
next(const char *header, const char *url)
{
	struct str found = link_next(str_of(header));

	if (!str_is(found, url))
		fail_msg("'%s' gives '%.*s'", header, (int)found.n, found.p);
}

static void
link_names_the_next_page(void **state)
{
	(void)state;
	next("</v2/a/tags/list?last=x&n=2>; rel=\"next\"", "/v2/a/tags/list?last=x&n=2");
	next("<u>;rel=next", "u");
	next("<u> ; title=\"a, b; rel=next\" ; rel=\"prev next\"", "u");
	next("<a>; rel=\"prev\", <b>; rel=\"next\"", "b");
	next("<a,b>; rel=NEXT", "a,b");
	next("<a>; rel=\"nextish\"", "");
	next("<a>", "");
	next("<a", "");
	next("a; rel=next", "");
	next("", "");
	next("<a>; anchor; rel=next", "a");
}

static void
retry_after_is_seconds_or_a_date(void **state)
{
	int64_t now_ms = INT64_C(784111777) * 1000; /* Sun, 06 Nov 1994 08:49:37 GMT */

	(void)state;
	assert_int_equal(retry_after_ms(STR("120"), now_ms), 120000);
	assert_int_equal(retry_after_ms(STR(" 0 "), now_ms), 0);
	assert_int_equal(retry_after_ms(STR("Sun, 06 Nov 1994 08:50:37 GMT"), now_ms), 60000);
	assert_int_equal(retry_after_ms(STR("Sun, 06 Nov 1994 08:49:37 GMT"), now_ms), 0);
	assert_int_equal(retry_after_ms(STR("Sat, 05 Nov 1994 08:49:37 GMT"), now_ms), 0);
	assert_int_equal(retry_after_ms(STR("99999999999999"), now_ms), 86400000);
	assert_int_equal(
	    retry_after_ms(STR("Sun, 06 Nov 2094 08:50:37 GMT"), now_ms), 86400000);
	assert_int_equal(retry_after_ms(STR("-5"), now_ms), 0);
	assert_int_equal(retry_after_ms(STR("soon"), now_ms), 0);
	assert_int_equal(retry_after_ms(STR(""), now_ms), 0);
}

static void
rate_is_a_count_in_a_window(void **state)
{
	struct rate rate = rate_parse(STR("100;w=21600"));

	(void)state;
	assert_int_equal(rate.count, 100);
	assert_int_equal(rate.window_s, 21600);
	rate = rate_parse(STR(" 76 "));
	assert_int_equal(rate.count, 76);
	assert_int_equal(rate.window_s, 0);
	rate = rate_parse(STR("10; comment=\"x\" ; w=60, 1000;w=3600"));
	assert_int_equal(rate.count, 10);
	assert_int_equal(rate.window_s, 60);
	assert_int_equal(rate_parse(STR("")).count, -1);
	assert_int_equal(rate_parse(STR("many")).count, -1);
	assert_int_equal(rate_parse(STR("-1;w=5")).count, -1);
}

static void
joins(const char *base, const char *reference, const char *whole)
{
	struct buf url;

	buf_init(&url, 300);
	assert_true(url_join(str_of(base), str_of(reference), &url));
	assert_string_equal(buf_cstr(&url), whole);
	buf_free(&url);
}

static void
parts(const char *base, const char *reference)
{
	struct buf url;

	buf_init(&url, 300);
	if (url_join(str_of(base), str_of(reference), &url))
		fail_msg("%s + %s gave %s", base, reference, buf_cstr(&url));
	buf_free(&url);
}

#define PAGE "https://r.example/v2/a/tags/list?n=2"

static void
url_join_stays_with_its_host(void **state)
{
	(void)state;
	joins(PAGE, "/v2/a/tags/list?last=b", "https://r.example/v2/a/tags/list?last=b");
	joins(PAGE, "?last=b", "https://r.example/v2/a/tags/list?last=b");
	joins(PAGE, "list?last=b", "https://r.example/v2/a/tags/list?last=b");
	joins(PAGE, "https://r.example/x", "https://r.example/x");
	joins(PAGE, "https://R.EXAMPLE:443/x", "https://r.example/x");
	joins(PAGE, "http://r.example/x", "https://r.example/x");
	joins(
	    "http://127.0.0.1:5000/v2/", "http://127.0.0.1:5000/x", "http://127.0.0.1:5000/x");
	joins("http://h", "x", "http://h/x");
	joins("http://h?n=2", "x", "http://h/x");
	parts(PAGE, "https://other.example/x");
	parts(PAGE, "https://r.example:8443/x");
	parts(PAGE, "https://r.example.evil/x");
	parts(PAGE, "https://r.example@evil/x");
	parts(PAGE, "https://evil\\@r.example/x");
	parts(PAGE, "//other.example/x");
	parts(PAGE, "ftp://r.example/x");
	parts(PAGE, "/x y");
	parts(PAGE, "/x\r\nHost: evil");
	parts(PAGE, "");
}

static void
url_knows_loopback(void **state)
{
	static const char *const near[] = { "http://localhost/t", "http://127.0.0.1:5001/t",
		"http://127.9.9.9/", "http://[::1]:80/t", "http://LOCALHOST" };
	static const char *const far[] = { "http://127.0.0.1.evil.example/",
		"http://localhost.evil/", "http://128.0.0.1/", "http://example/?127.0.0.1",
		"http://127.1.evil/" };
	struct url url;

	(void)state;
	for (size_t i = 0; i < COUNT(near); i++)
		assert_true(url_split(str_of(near[i]), &url) && url_is_loopback(&url));
	for (size_t i = 0; i < COUNT(far); i++)
		assert_true(url_split(str_of(far[i]), &url) && !url_is_loopback(&url));
	assert_false(url_split(STR("http://127.0.0.1@evil/"), &url));
	assert_false(url_split(STR("file:///etc/passwd"), &url));
	assert_false(url_split(STR("https://"), &url));
}

static void
tokens_last_until_they_run_out(void **state)
{
	struct tokens *tokens = tokens_new();

	(void)state;
	tokens_put(tokens, "a", STR("one"), 1000, 300000);
	assert_string_equal(tokens_find(tokens, "a", 1000), "one");
	assert_string_equal(tokens_find(tokens, "a", 290999), "one");
	assert_null(tokens_find(tokens, "a", 291000)); /* ten seconds before the end */
	assert_null(tokens_find(tokens, "b", 1000));
	tokens_put(tokens, "a", STR("two"), 1000, 20000);
	assert_string_equal(
	    tokens_find(tokens, "a", 15999), "two"); /* a quarter before the end */
	assert_null(tokens_find(tokens, "a", 16000));
	tokens_drop(tokens, "a");
	tokens_drop(tokens, "a");
	assert_null(tokens_find(tokens, "a", 1000));
	for (int i = 0; i < REGISTRY_TOKENS_MAX + 200; i++) {
		char key[32];
		snprintf(key, sizeof(key), "key %d", i);
		tokens_put(tokens, key, STR("x"), 1000 + i, 100000);
	}
	assert_null(
	    tokens_find(tokens, "key 0", 1000)); /* the one that ended first made room */
	assert_null(tokens_find(tokens, "key 199", 1000));
	assert_non_null(tokens_find(tokens, "key 200", 1000));
	assert_non_null(tokens_find(tokens, "key 1223", 1000));
	tokens_free(tokens);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenge_is_read),
		cmocka_unit_test(challenge_of_several_headers_and_of_too_much),
		cmocka_unit_test(challenge_survives_any_bytes),
		cmocka_unit_test(link_names_the_next_page),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
		cmocka_unit_test(rate_is_a_count_in_a_window),
		cmocka_unit_test(url_join_stays_with_its_host),
		cmocka_unit_test(url_knows_loopback),
		cmocka_unit_test(tokens_last_until_they_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
