/* test_image.c - image references: the grammar, its defaults, and what the errors say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/image.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
good(const char *text, const char *host, const char *path, const char *tag, const char *digest)
{
	struct image_ref ref;
	struct err err = { .text = "" };

	if (image_ref_parse(text, &ref, &err) != 0)
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(ref.host, host);
	assert_string_equal(ref.path, path);
	assert_string_equal(ref.tag, tag);
	assert_string_equal(ref.digest, digest);
}

static void
bad(const char *text, const char *reason)
{
	struct image_ref ref = { .host = "untouched" };
	struct err err = { .text = "" };

	if (image_ref_parse(text, &ref, &err) == 0)
		fail_msg("'%s' was taken as %s/%s:%s@%s", text, ref.host, ref.path, ref.tag,
		    ref.digest);
	if (strstr(err.text, reason) == NULL)
		fail_msg("'%s': '%s' does not say '%s'", text, err.text, reason);
	assert_string_equal(ref.host, "untouched");
}

static void
image_names_what_docker_names(void **state)
{
	(void)state;
	good("nginx", "docker.io", "library/nginx", "", "");
	good("nginx:1.25", "docker.io", "library/nginx", "1.25", "");
	good("shop/web", "docker.io", "shop/web", "", "");
	good("docker.io/nginx", "docker.io", "library/nginx", "", "");
	good("index.docker.io/nginx", "docker.io", "library/nginx", "", "");
	good("Docker.IO/shop/web", "docker.io", "shop/web", "", "");
	good("ghcr.io/shop/web:v1", "ghcr.io", "shop/web", "v1", "");
	good("127.0.0.1:5000/shop/web:v1.2_rc-3", "127.0.0.1:5000", "shop/web", "v1.2_rc-3",
	    "");
	good("localhost/web", "localhost", "web", "", "");
	good("localhost:5000/web", "localhost:5000", "web", "", "");
	good("registry:5000/web", "registry:5000", "web", "", "");
	good("Registry/web", "Registry", "web", "", "");
	good("[::1]:5000/web:v1", "[::1]:5000", "web", "v1", "");
	good("[2001:DB8::1]/a/b", "[2001:db8::1]", "a/b", "", "");
	good("a.b-c.example/x/y/z/w:T", "a.b-c.example", "x/y/z/w", "T", "");
	good("a/b@" DIGEST, "docker.io", "a/b", "", DIGEST);
	good("host.example:1/a:b@" DIGEST, "host.example:1", "a", "b", DIGEST);
	good("a.b/c.d_e__f-g---h/i", "a.b", "c.d_e__f-g---h/i", "", "");
	good("web:_hidden", "docker.io", "library/web", "_hidden", "");
	good("xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com", "myimage", "xn--n3h.com", "");
}

static void
image_refuses_with_the_cause(void **state)
{
	char long_tag[200];
	char long_name[400];

	(void)state;
	bad("", "empty");
	bad("https://registry.example/web", "leave out 'https://'");
	bad("Web", "lower case");
	bad("shop/Web", "'Web'");
	bad("registry.example/", "missing");
	bad("registry.example//web", "nothing between");
	bad("registry.example/web/", "at the end");
	bad("/web", "nothing between");
	bad("web:", "no tag");
	bad(":v1", "missing");
	bad("web:-v1", "no tag");
	bad("web:.v1", "no tag");
	bad("web:v 1", "no tag");
	bad("web:v1\n", "no tag");
	bad("web:v1:v2", "no tag");
	bad("we b", "a-z");
	bad("web@", "sha256:");
	bad("web@sha256:abc", "64 hexadecimal");
	bad("web@sha512:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	    "sha256:");
	bad("web@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
	    "sha256:");
	bad("web@" DIGEST "@" DIGEST, "sha256:");
	bad("a___b", "a-z");
	bad("a..b/c", "no host");
	bad("a/b..c", "a-z");
	bad("a/-b", "a-z");
	bad("a/b-", "a-z");
	bad("a/b_", "a-z");
	bad("a/._b", "a-z");
	bad("a/b%2f", "a-z");
	bad("../../etc/passwd", "no host");
	bad("host:0/web", "no host");
	bad("host:65536/web", "no host");
	bad("host:/web", "no host");
	bad("host:abc/web", "no host");
	bad("-host.example/web", "no host");
	bad("host_a.example/web", "no host");
	bad("host.example./web", "no host");
	bad("[::1/web", "no host");
	bad("[]:5000/web", "no host");
	bad("user@host.example/web", "sha256:");
	bad("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "image's id");
	memset(long_tag, 'a', sizeof(long_tag));
	memcpy(long_tag, "web:", 4);
	long_tag[4 + 129] = '\0';
	bad(long_tag, "no tag");
	long_tag[4 + 128] = '\0';
	good(long_tag, "docker.io", "library/web", long_tag + 4, "");
	memset(long_name, 'a', sizeof(long_name));
	long_name[399] = '\0';
	bad(long_name, "too long");
	long_name[255] = '\0';
	bad(long_name, "too long"); /* with library/ */
	memcpy(long_name, "h.x/", 4);
	good(long_name, "h.x", long_name + 4, "", "");
}

/* Any bytes at all: either an error, or pieces that make a reference again. */
static void
image_survives_any_bytes(void **state)
{
	static const char letters[] = "aZ0:/@._-[] \n%sha256:0localhost";
	uint64_t seed = 88172645463325252u;
	int taken = 0;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		char text[24];
		struct image_ref ref;
		struct image_ref again;
		struct err err;
		char whole[1024];
		size_t n;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		n = seed % sizeof(text);
		for (size_t i = 0; i < n; i++)
			text[i] =
			    letters[(seed >> (i % 16) * 4) * (i + 1) % (sizeof(letters) - 1)];
		text[n] = '\0';
		if (image_ref_parse(text, &ref, &err) != 0)
			continue;
		taken++;
		snprintf(whole, sizeof(whole), "%s/%s%s%s%s%s", ref.host, ref.path,
		    ref.tag[0] ? ":" : "", ref.tag, ref.digest[0] ? "@" : "", ref.digest);
		assert_int_equal(image_ref_parse(whole, &again, &err), 0);
		assert_string_equal(again.host, ref.host);
		assert_string_equal(again.path, ref.path);
		assert_string_equal(again.tag, ref.tag);
	}
	assert_true(taken > 100);
}

static void
image_knows_where_the_api_is(void **state)
{
	struct image_ref ref;
	struct err err;

	(void)state;
	assert_int_equal(image_ref_parse("nginx", &ref, &err), 0);
	assert_string_equal(image_ref_server(&ref), "registry-1.docker.io");
	assert_int_equal(image_ref_parse("ghcr.io/a/b", &ref, &err), 0);
	assert_string_equal(image_ref_server(&ref), "ghcr.io");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_names_what_docker_names),
		cmocka_unit_test(image_refuses_with_the_cause),
		cmocka_unit_test(image_survives_any_bytes),
		cmocka_unit_test(image_knows_where_the_api_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
