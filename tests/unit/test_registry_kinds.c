/* test_registry_kinds.c - which product a registry is, and AWS's signature, against the examples that AWS
 * publishes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "config/registry_kind.h"
#include "ports/aws_sign.h"

static void
hosts_tell_their_kind(void **state UNUSED)
{
	static const struct {
		const char *host;
		enum registry_kind kind;
	} hosts[] = {
		{ "docker.io", REGISTRY_DOCKER_HUB },
		{ "ghcr.io", REGISTRY_GHCR },
		{ "quay.io", REGISTRY_QUAY },
		{ "registry.gitlab.com", REGISTRY_GITLAB },
		{ "codeberg.org", REGISTRY_GITEA },
		{ "123456789012.dkr.ecr.eu-west-1.amazonaws.com", REGISTRY_ECR },
		{ "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", REGISTRY_ECR },
		{ "registry.example.org", REGISTRY_GENERIC },
		{ "xghcr.io", REGISTRY_GENERIC },
		{ "123.dkr.ecr.eu-west-1.amazonaws.com.example.org", REGISTRY_GENERIC },
		{ "127.0.0.1:5000", REGISTRY_GENERIC },
	};

	for (size_t i = 0; i < COUNT(hosts); i++)
		assert_int_equal(registry_kind_of(hosts[i].host), hosts[i].kind);
}

static void
every_kind_has_its_name_and_login(void **state UNUSED)
{
	for (int i = 0; i < REGISTRY_KIND_COUNT; i++) {
		enum registry_kind kind = (enum registry_kind)i;

		assert_int_equal(registry_kind_named(registry_kind_names[i]), kind);
		assert_int_equal(
		    registry_kind_login(kind)[0] == '\0', kind == REGISTRY_GENERIC);
	}
	assert_int_equal(registry_kind_named("nexus"), REGISTRY_KIND_COUNT);
	assert_int_equal(registry_kind_named(""), REGISTRY_KIND_COUNT);
}

#define ID "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define DATE "20150830T123600Z"

static void
assert_signature(const char *method, const char *wanted)
{
	static const struct aws_header headers[] = { { "host", "example.amazonaws.com" },
		{ "x-amz-date", DATE } };
	struct aws_request request = { .key_id = ID,
		.secret = SECRET,
		.region = "us-east-1",
		.service = "service",
		.date = DATE,
		.method = method,
		.path = "/",
		.headers = headers,
		.header_count = COUNT(headers),
		.body = { "", 0 } };
	struct buf text;

	buf_init(&text, 1024);
	aws_sign(&request, &text);
	assert_true(str_starts(buf_view(&text),
	    "AWS4-HMAC-SHA256 Credential=" ID "/20150830/us-east-1/service/aws4_request, "
	    "SignedHeaders=host;x-amz-date, Signature="));
	assert_string_equal(text.p + text.n - 64, wanted);
	buf_free(&text);
}

/* get-vanilla and post-vanilla of AWS's test suite for version 4. */
static void
signatures_are_those_of_the_suite(void **state UNUSED)
{
	assert_signature(
	    "GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	assert_signature(
	    "POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

static void
dates_are_in_utc(void **state UNUSED)
{
	char date[AWS_DATE_SIZE];

	aws_date(INT64_C(1440938160000), date);
	assert_string_equal(date, DATE);
	aws_date(999, date);
	assert_string_equal(date, "19700101T000000Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_tell_their_kind),
		cmocka_unit_test(every_kind_has_its_name_and_login),
		cmocka_unit_test(signatures_are_those_of_the_suite),
		cmocka_unit_test(dates_are_in_utc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
