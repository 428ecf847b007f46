/* test_domain.c - templates of host names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "config/domain.h"

static const struct domain_words words = { "shop", "production", "v1.2" };

static void
expects(const char *text, const char *expected)
{
	char domain[DOMAIN_SIZE];

	assert_true(domain_expand(text, &words, domain));
	assert_string_equal(domain, expected);
}

static void
test_words(void **state UNUSED)
{
	expects("plain.example.org", "plain.example.org");
	expects("{stage}.{project}.example.org", "production.shop.example.org");
	expects("{stage}-{project}.example.org", "production-shop.example.org");
	expects("*.{project}.example.org", "*.shop.example.org");
}

/* A tag's dots must not become labels of their own: nobody has a certificate for those. */
static void
test_tag_is_made_safe(void **state UNUSED)
{
	char domain[DOMAIN_SIZE];

	expects("{tag}.example.org", "v1-2.example.org");
	assert_true(
	    domain_expand("{tag}.a.org", &(struct domain_words){ .tag = "V1_rc.2-" }, domain));
	assert_string_equal(domain, "v1-rc-2.a.org");
	assert_false(
	    domain_expand("{tag}.a.org", &(struct domain_words){ .tag = "___" }, domain));
}

static void
test_tag_waits(void **state UNUSED)
{
	char domain[DOMAIN_SIZE];

	assert_true(domain_expand("{stage}-{tag}.example.org",
	    &(struct domain_words){ .project = "shop", .stage = "qa" }, domain));
	assert_string_equal(domain, "qa-{tag}.example.org");
	assert_true(domain_has_tag(domain));
	assert_false(domain_has_tag("qa.example.org"));
}

/* What is too long before a tag is known is cut when it is: else all tags would have one name. */
static void
test_a_long_label_waits_for_its_tag(void **state UNUSED)
{
	const struct domain_words unknown = { .project =
						  "a-project-whose-name-is-long-enough-here",
		.stage = "a-stage-whose-name-is-long" };
	char domain[DOMAIN_SIZE];
	char first[DOMAIN_SIZE];
	char second[DOMAIN_SIZE];

	assert_true(domain_expand("{project}-{stage}-{tag}.a.org", &unknown, domain));
	assert_true(domain_has_tag(domain));
	assert_true(domain_expand(domain, &(struct domain_words){ .tag = "v1" }, first));
	assert_true(domain_expand(domain, &(struct domain_words){ .tag = "v2" }, second));
	assert_int_equal(strcspn(first, "."), 63);
	assert_string_not_equal(first, second);
	assert_true(domain_expand("{stage}-{stage}-{stage}.{tag}.a.org", &unknown, domain));
	assert_in_range(strcspn(first, "."), 55, 63);
}

static void
test_long_labels_are_cut_and_stay_different(void **state UNUSED)
{
	char tag[129];
	char first[DOMAIN_SIZE];
	char second[DOMAIN_SIZE];
	char whole[DOMAIN_SIZE];

	memset(tag, 'a', sizeof(tag) - 1);
	tag[128] = '\0';
	assert_true(domain_expand("{tag}.a.org", &(struct domain_words){ .tag = tag }, first));
	assert_int_equal(strcspn(first, "."), 63);
	tag[127] = 'b';
	assert_true(
	    domain_expand("{tag}.a.org", &(struct domain_words){ .tag = tag }, second));
	assert_int_equal(strcspn(second, "."), 63);
	assert_string_not_equal(first, second);
	assert_memory_equal(first, second, 54);
	tag[63] = '\0';
	assert_true(domain_expand("{tag}.a.org", &(struct domain_words){ .tag = tag }, whole));
	assert_memory_equal(whole, tag, 63); /* 63 octets are just allowed */
	assert_string_equal(whole + 63, ".a.org");
}

static void
test_names_that_are_too_long(void **state UNUSED)
{
	char domain[DOMAIN_SIZE];
	char text[300];

	for (size_t i = 0; i + 1 < sizeof(text); i++)
		text[i] = i % 60 == 59 ? '.' : 'x';
	text[sizeof(text) - 1] = '\0';
	assert_false(domain_expand(text, &words, domain));
	text[250] = '\0';
	assert_true(domain_expand(text, &words, domain));
}

static void
test_wildcards(void **state UNUSED)
{
	assert_true(domain_matches("*.example.org", "a.example.org"));
	assert_false(domain_matches("*.example.org", "a.b.example.org"));
	assert_false(domain_matches("*.example.org", "example.org"));
	assert_false(domain_matches("*.example.org", ".example.org"));
	assert_true(domain_matches("a.example.org", "a.example.org"));
	assert_false(domain_matches("a.example.org", "b.example.org"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_tag_is_made_safe),
		cmocka_unit_test(test_tag_waits),
		cmocka_unit_test(test_a_long_label_waits_for_its_tag),
		cmocka_unit_test(test_long_labels_are_cut_and_stay_different),
		cmocka_unit_test(test_names_that_are_too_long),
		cmocka_unit_test(test_wildcards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
