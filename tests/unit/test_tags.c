/* test_tags.c - which tags a policy keeps, and the order of those. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "config/fields.h"
#include "config/semver.h"
#include "config/tag_date.h"
#include "config/tag_policy.h"
#include "config/tag_regex.h"

/* Semantic versions. */

static void
versions_have_the_precedence_of_the_standard(void **state UNUSED)
{
	static const char *const rising[] = { "0.0.0-0", "0.0.0", "0.9.9", "1.0.0-0",
		"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.1.0", "1.0.0-alpha.beta",
		"1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
		"1.0.1-99999999999999999999998", "1.0.1-99999999999999999999999", "1.0.1--",
		"1.0.1", "1.2.0", "1.10.0", "2.0.0", "2.0.18446744073709551615",
		"2.0.18446744073709551616", "99999999999999999999999.0.0" };

	for (size_t i = 0; i < COUNT(rising); i++)
		for (size_t k = 0; k < COUNT(rising); k++) {
			struct semver a;
			struct semver b;
			int order;

			assert_true(semver_parse(str_of(rising[i]), &a));
			assert_true(semver_parse(str_of(rising[k]), &b));
			order = semver_order(&a, &b);
			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
		}
}

static void
build_metadata_counts_nothing(void **state UNUSED)
{
	struct semver plain;
	struct semver built;

	assert_true(semver_parse(STR("v1.2.3"), &plain));
	assert_true(semver_parse(STR("1.2.3+001.sha-5"), &built));
	assert_int_equal(semver_order(&plain, &built), 0);
	assert_true(semver_parse(STR("1.2.3_4"), &built));
	assert_int_equal(semver_order(&plain, &built), 0);
}

static void
what_is_no_version_is_refused(void **state UNUSED)
{
	static const char *const bad[] = { "", "v", "1", "1.2", "1.2.3.4", "01.2.3", "1.02.3",
		"1.2.03", "1.2.3-", "1.2.3-a..b", "1.2.3-01", "1.2.3-a.", "1.2.3+",
		"1.2.3+a+b", "1.2.x", "-1.2.3", "1.2.3 ", " 1.2.3", "vv1.2.3", "1..3",
		"latest", "1.2.3-\xc3" };
	struct semver version;

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(semver_parse(str_of(bad[i]), &version));
}

static void
fits(const char *range, bool prereleases, const char *text, enum semver_fit expected)
{
	struct semver_range parsed;
	struct semver version;
	struct err err;

	if (semver_range_parse(range, prereleases, &parsed, &err) != 0)
		fail_msg("%s: %s", range, err.text);
	assert_true(semver_parse(str_of(text), &version));
	if (semver_range_fits(&parsed, &version) != expected)
		fail_msg("%s in '%s'%s: not %d", text, range,
		    prereleases ? " with prereleases" : "", (int)expected);
}

static void
ranges_keep_what_they_mean(void **state UNUSED)
{
	static const struct {
		const char *range;
		const char *in; /* between blanks */
		const char *out;
	} rows[] = {
		{ "*", "0.0.0 1.2.3 99.0.0", "" },
		{ "x", "1.2.3", "" },
		{ "1.2.3", "1.2.3", "1.2.4 1.2.2 1.2.3-rc.1" },
		{ "=v1.2.3", "1.2.3", "1.2.4" },
		{ "^1.2.3", "1.2.3 1.2.4 1.99.0", "1.2.2 2.0.0 0.9.9 2.0.0-rc.1" },
		{ "^1.2", "1.2.0 1.9.9", "1.1.9 2.0.0" },
		{ "^1", "1.0.0 1.9.9", "0.9.9 2.0.0" },
		{ "^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0 1.0.0" },
		{ "^0.0.3", "0.0.3", "0.0.2 0.0.4 0.1.0" },
		{ "^0.0", "0.0.0 0.0.9", "0.1.0" },
		{ "^0.x", "0.0.0 0.9.0", "1.0.0" },
		{ "^0", "0.0.0 0.9.0", "1.0.0" },
		{ "~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0" },
		{ "~1.2", "1.2.0 1.2.9", "1.1.9 1.3.0" },
		{ "~1", "1.0.0 1.9.0", "2.0.0 0.9.0" },
		{ "~0.2.3", "0.2.3 0.2.9", "0.3.0" },
		{ "1.x", "1.0.0 1.9.0", "2.0.0 0.9.9" },
		{ "1.2.*", "1.2.0 1.2.9", "1.3.0" },
		{ "1.2", "1.2.0 1.2.9", "1.3.0" },
		{ ">1.2", "1.3.0 2.0.0", "1.2.0 1.2.9 1.1.0" },
		{ ">=1.2", "1.2.0 2.0.0", "1.1.9" },
		{ "<1.2", "1.1.9 0.0.1", "1.2.0" },
		{ "<=1.2", "1.2.9 1.0.0", "1.3.0" },
		{ ">1.2.3", "1.2.4", "1.2.3" },
		{ "<= 1.2.3", "1.2.3 1.0.0", "1.2.4" },
		{ ">=1.2.0 <1.5.0", "1.2.0 1.4.9", "1.1.0 1.5.0" },
		{ ">=1.2.0, <1.5.0", "1.2.0 1.4.9", "1.1.0 1.5.0" },
		{ "1.2.3 - 2.3.4", "1.2.3 2.3.4", "1.2.2 2.3.5" },
		{ "1.2 - 2.3", "1.2.0 2.3.9", "1.1.9 2.4.0" },
		{ "1 - 2", "1.0.0 2.9.9", "0.9.9 3.0.0" },
		{ "1.x || >=2.5.0 || 5.0.0 - 7.2.3", "1.9.9 2.5.0 3.0.0", "2.4.9 0.1.0" },
		{ "^1.2 || ~3.4", "1.3.0 3.4.9", "2.0.0 3.5.0" },
		{ ">=99999999999999999999.0.0", "100000000000000000000.0.0", "1.0.0" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *lists[] = { rows[i].in, rows[i].out };

		for (size_t k = 0; k < COUNT(lists); k++) {
			struct str rest = str_of(lists[k]);

			while (rest.n > 0) {
				struct str word;
				char version[64];

				rest = str_cut(rest, ' ', &word);
				assert_true(str_copy(version, sizeof(version), word));
				fits(rows[i].range, false, version,
				    k == 0 ? SEMVER_FITS : SEMVER_OUTSIDE);
			}
		}
	}
}

/* As npm has it: by themselves only where a bound names a prerelease of the same three numbers. */
static void
prereleases_come_only_when_asked_for(void **state UNUSED)
{
	fits("^1.2", false, "1.3.0-rc.1", SEMVER_IS_PRERELEASE);
	fits("*", false, "1.3.0-rc.1", SEMVER_IS_PRERELEASE);
	fits("^1.2", true, "1.3.0-rc.1", SEMVER_FITS);
	fits("^1.2", true, "2.0.0-rc.1", SEMVER_OUTSIDE);
	fits("1.x", true, "1.0.0-0", SEMVER_FITS);
	fits("~1.2.3", true, "1.3.0-rc.1", SEMVER_OUTSIDE);
	fits("^1.2.3-beta.2", false, "1.2.3-beta.4", SEMVER_FITS);
	fits("^1.2.3-beta.2", false, "1.2.3-beta.1", SEMVER_OUTSIDE);
	fits("^1.2.3-beta.2", false, "1.2.4-beta.4", SEMVER_IS_PRERELEASE);
	fits("^1.2.3-beta.2", false, "1.2.3", SEMVER_FITS);
	fits("^0.0.3-beta", false, "0.0.3", SEMVER_FITS);
	fits(">1.2.3-alpha.3 || ^2", false, "1.2.3-alpha.7", SEMVER_FITS);
	fits(">1.2.3-alpha.3 || ^2", false, "2.1.0-alpha.7", SEMVER_IS_PRERELEASE);
	fits("<2.0.0", true, "2.0.0-rc.1", SEMVER_FITS);
	fits("<2.0.0-0", true, "2.0.0-rc.1", SEMVER_OUTSIDE);
	fits("=1.2.3-rc.1", false, "1.2.3-rc.1", SEMVER_FITS);
}

static void
ranges_that_mean_nothing_are_refused(void **state UNUSED)
{
	static const char *const bad[] = { "", " ", "latest", "^", ">= ", "1.2.3.4", "^1.2 ||",
		"|| 1", "1 | 2", "01.2", "1.2.3-", "1.2.3 -2", "1.2 -", "~>1.2", "=>1", ">>1",
		"1.x.3", "^1.2.3-a_", "1 - 2 - ", "(1)", "1,,", "1.2.3-01" };
	struct semver_range range;
	struct err err;

	for (size_t i = 0; i < COUNT(bad); i++)
		if (strcmp(bad[i], "1,,") != 0
		    && semver_range_parse(bad[i], false, &range, &err) == 0)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(semver_range_parse(
			     "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", false, &range, &err),
	    -1);
	assert_non_null(strstr(err.text, "more than 16"));
}

/* Dates. */

static void
dates_are_read(void **state UNUSED)
{
	static const struct {
		const char *format;
		const char *text;
		int64_t seconds; /* -1: refused */
	} rows[] = {
		{ "%Y%m%d", "19700101", 0 },
		{ "%Y%m%d", "20240229", 1709164800 },
		{ "%Y%m%d", "20230229", -1 },
		{ "%Y%m%d", "20240230", -1 },
		{ "%Y%m%d", "21000229", -1 },
		{ "%Y%m%d", "20241301", -1 },
		{ "%Y%m%d", "20240100", -1 },
		{ "%Y%m%d", "2024010", -1 },
		{ "%Y%m%d", "202401011", -1 },
		{ "%Y%m%d", "2024-1-1", -1 },
		{ "%Y", "2024", 1704067200 },
		{ "%Y-%m", "2024-02", 1706745600 },
		{ "v%Y.%m.%d", "v2024.02.29", 1709164800 },
		{ "%Y%m%d-%H%M%S", "20240229-235959", 1709251199 },
		{ "%Y%m%d-%H%M%S", "20240229-240000", -1 },
		{ "%Y%m%dT%H%M", "20240229T0101", 1709168460 },
		{ "%Y.%j", "2024.060", 1709164800 },
		{ "%Y.%j", "2023.366", -1 },
		{ "%Y.%j", "2024.366", 1735603200 },
		{ "%s", "1709251199", 1709251199 },
		{ "%s", "999999999999999", 999999999999999 },
		{ "%s", "9999999999999999", -1 },
		{ "%Y%%", "2024%", 1704067200 },
		{ "%d-%m-%Y", "29-02-2024", 1709164800 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t seconds = -1;
		struct err err;

		assert_int_equal(tag_date_check(rows[i].format, &err), 0);
		if (tag_date_read(rows[i].format, str_of(rows[i].text), &seconds)
			!= (rows[i].seconds >= 0)
		    || seconds != rows[i].seconds)
			fail_msg("%s as %s: %lld", rows[i].text, rows[i].format,
			    (long long)seconds);
	}
}

static void
each_day_follows_the_one_before(void **state UNUSED)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t before = -719528 * INT64_C(86400) - 86400;

	for (int year = 0; year <= 9999; year++)
		for (int month = 1; month <= 12; month++) {
			bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
			int length = lengths[month - 1] + (month == 2 && is_leap);

			for (int day = 1; day <= length; day += day == 1 ? length - 1 : 1) {
				char text[16];
				int64_t seconds;

				snprintf(text, sizeof(text), "%04d%02d%02d", year, month, day);
				assert_true(tag_date_read("%Y%m%d", str_of(text), &seconds));
				assert_int_equal(seconds,
				    before + (day == 1 ? 1 : length - 1) * INT64_C(86400));
				before = seconds;
			}
		}
}

static void
formats_without_an_order_are_refused(void **state UNUSED)
{
	static const char *const bad[] = { "", "%m%d", "%H%M", "%q", "%", "%Y%", "%Y%Y",
		"%Y%s", "%s%s", "%Y%j%m", "v" };
	struct err err;

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(tag_date_check(bad[i], &err), -1);
}

/* Regular expressions. */

static void
a_group_is_taken_out(void **state UNUSED)
{
	static const struct {
		const char *pattern;
		const char *tag;
		const char *part; /* NULL: it differs */
	} rows[] = {
		{ "^v", "v12", "v12" },
		{ "^v", "w12", NULL },
		{ "12", "v123", "v123" },
		{ "^v(\\d+)$", "v12", "12" },
		{ "^(?:v|w)(\\d+)-(.*)$", "w12-a", "12" },
		{ "^([a-z]+)-(?<version>\\d+)$", "build-7", "7" },
		{ "^(a)?b", "b", "" },
		{ "^v(?=(\\d))", "v5", "5" },
		{ "^v\\d+$", "v5\n", NULL },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err;
		struct tag_regex *regex = tag_regex_new(rows[i].pattern, &err);
		struct str part;
		enum tag_regex_result result;

		assert_non_null(regex);
		result = tag_regex_match(regex, str_of(rows[i].tag), &part);
		assert_int_equal(result, rows[i].part == NULL ? REGEX_DIFFERS : REGEX_MATCHES);
		if (rows[i].part != NULL)
			assert_true(str_is(part, rows[i].part));
		tag_regex_free(regex);
	}
}

static void
a_regex_that_takes_long_is_given_up(void **state UNUSED)
{
	struct err err;
	struct tag_regex *regex = tag_regex_new("^(a+)+$", &err);
	struct str part;
	char tag[TAG_SIZE] = "";

	memset(tag, 'a', 100);
	tag[99] = 'b';
	for (int i = 0; i < TAG_REGEX_GIVE_UP_MAX; i++)
		assert_int_equal(tag_regex_match(regex, str_of(tag), &part), REGEX_GAVE_UP);
	assert_int_equal(tag_regex_match(regex, STR("a"), &part), REGEX_GAVE_UP);
	tag_regex_free(regex);
}

static void
a_bad_regex_is_told_with_its_place(void **state UNUSED)
{
	struct err err;

	assert_null(tag_regex_new("^v(", &err));
	assert_non_null(strstr(err.text, "character 4"));
}

/* Policies. */

enum { TAGS_MAX = 40 };

static struct stage_spec
spec_of(void)
{
	struct stage_spec spec;

	stage_spec_set_defaults(&spec);
	return spec;
}

static struct tag_policy *
policy_of(const struct stage_spec *spec)
{
	struct err err;
	struct tag_policy *policy = tag_policy_new(spec, &err);

	if (policy == NULL)
		fail_msg("%s", err.text);
	return policy;
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Every permutation of the tags that is tried gives this order, newest first, and then the refused. */
static void
orders(const struct stage_spec *spec, const char *const *expected, const char *const *codes)
{
	struct tag_policy *policy = policy_of(spec);
	const char *tags[TAGS_MAX];
	struct tag_judged judged[TAGS_MAX];
	uint64_t seed = 88172645463325252u;
	size_t count = 0;

	for (; expected[count] != NULL; count++)
		tags[count] = expected[count];
	for (int round = 0; round < 50; round++) {
		for (size_t i = count; i > 1; i--) {
			size_t k = next_random(&seed) % i;
			const char *swapped = tags[i - 1];

			tags[i - 1] = tags[k];
			tags[k] = swapped;
		}
		for (size_t i = 0; i < count; i++)
			tag_policy_judge(policy, tags[i], &judged[i]);
		tag_policy_sort(policy, judged, count);
		for (size_t i = 0; i < count; i++) {
			assert_string_equal(judged[i].tag, expected[i]);
			assert_string_equal(tag_reason_codes[judged[i].reason], codes[i]);
		}
	}
	tag_policy_free(policy);
}

static void
a_glob_orders_as_people_do(void **state UNUSED)
{
	struct stage_spec spec = spec_of();

	spec.tags = "v*";
	orders(&spec,
	    (const char *const[]){ "v10.0", "v2.1", "v2", "v2-rc2", "v2-rc1", "v1", "v01",
		".v9", "latest",
		"sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.sig",
		NULL },
	    (const char *const[]){ "kept", "kept", "kept", "kept", "kept", "kept", "kept",
		"not-valid", "glob", "attachment" });
}

static void
semver_orders_and_refuses(void **state UNUSED)
{
	struct stage_spec spec = spec_of();

	spec.tag_semver = ">=1.2";
	orders(&spec,
	    (const char *const[]){ "v10.0.0", "v1.10.0", "v1.2.0", "1.2.0", "1.1.9", "2",
		"2.0.0-rc.1", "latest", NULL },
	    (const char *const[]){ "kept", "kept", "kept", "kept", "range", "no-version",
		"prerelease", "no-version" });
}

static void
a_regex_gives_the_part_that_is_ordered(void **state UNUSED)
{
	struct stage_spec spec = spec_of();

	spec.tag_regex = "^(?<version>[0-9.]+)-alpine([0-9.]+)$";
	spec.tag_semver = "^1";
	orders(&spec,
	    (const char *const[]){ "1.10.0-alpine3.9", "1.9.0-alpine3.19", "1.9.0-alpine3.2",
		"1.9-alpine3.1", "1.9.0", "2.0.0-alpine3.1", NULL },
	    (const char *const[]){ "kept", "kept", "kept", "no-version", "regex", "range" });
}

static void
numbers_of_any_length_are_compared(void **state UNUSED)
{
	struct stage_spec spec = spec_of();

	spec.tag_numeric = true;
	orders(&spec,
	    (const char *const[]){ "100000000000000000000000000000000000001",
		"100000000000000000000000000000000000000", "18446744073709551616", "10", "9",
		"0009", "0", "1a", "v1", NULL },
	    (const char *const[]){ "kept", "kept", "kept", "kept", "kept", "kept", "kept",
		"no-number", "no-number" });
}

static void
dates_are_ordered(void **state UNUSED)
{
	struct stage_spec spec = spec_of();

	spec.tag_regex = "^(?:main|dev)-(\\d{8})$";
	spec.tag_date = "%d%m%Y";
	orders(&spec,
	    (const char *const[]){ "dev-01022025", "main-31012025", "dev-31012025",
		"main-31122024", "main-32012025", "main-x", NULL },
	    (const char *const[]){ "kept", "kept", "kept", "kept", "no-date", "regex" });
}

/* Total: exactly one of <, =, > holds; transitive: checked over all triples of a crowd that collides
 * on purpose. */
static void
the_order_is_total(void **state UNUSED)
{
	static const char *const tags[] = { "1", "01", "001", "1-", "1--", "1-0", "1-rc",
		"1.0", "1.00", "1.0.0", "v1.0.0", "V1.0.0", "1.0.0-rc.1", "1.0.0-rc.01x", "1a",
		"1_", "a1", "a01", "a1-", "a-1", "a", "A", "_", "1.0.0_1", "1.0.0_2",
		"20240101", "020240101" };
	struct stage_spec specs[4];

	for (size_t i = 0; i < COUNT(specs); i++)
		specs[i] = spec_of();
	specs[1].tag_semver = "*";
	specs[1].tag_prereleases = true;
	specs[2].tag_numeric = true;
	specs[3].tag_regex = "([0-9]+)";
	for (size_t s = 0; s < COUNT(specs); s++) {
		struct tag_policy *policy = policy_of(&specs[s]);
		struct tag_judged kept[COUNT(tags)];
		size_t count = 0;

		for (size_t i = 0; i < COUNT(tags); i++) {
			tag_policy_judge(policy, tags[i], &kept[count]);
			count += kept[count].reason == TAG_KEPT;
		}
		assert_true(count > 3);
		for (size_t i = 0; i < count; i++)
			for (size_t k = 0; k < count; k++) {
				int order = tag_policy_order(policy, &kept[i], &kept[k]);
				int back = tag_policy_order(policy, &kept[k], &kept[i]);

				assert_int_equal(order == 0, i == k);
				assert_int_equal(
				    (order > 0) - (order < 0), (back < 0) - (back > 0));
				for (size_t m = 0; m < count && order < 0; m++)
					if (tag_policy_order(policy, &kept[k], &kept[m]) < 0)
						assert_true(tag_policy_order(
								policy, &kept[i], &kept[m])
							    < 0);
			}
		tag_policy_free(policy);
	}
}

static void
each_refusal_has_words(void **state UNUSED)
{
	static const struct {
		const char *tag;
		const char *words;
	} rows[] = { { "v1.2.3", "" }, { "v2.0.0", "outside '^1'" },
		{ "w1", "does not fit 'v*'" }, { "v1", "'v1' is no semantic version" },
		{ "v1.3.0-rc", "a prerelease, and 'prereleases' is not set" } };
	struct stage_spec spec = spec_of();
	struct tag_policy *policy;

	spec.tags = "v*";
	spec.tag_semver = "^1";
	policy = policy_of(&spec);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tag_judged judged;
		char words[REASON_SIZE];

		tag_policy_judge(policy, rows[i].tag, &judged);
		tag_policy_explain(policy, &judged, words);
		assert_string_equal(words, rows[i].words);
	}
	tag_policy_free(policy);
}

static void
a_policy_has_a_name(void **state UNUSED)
{
	struct stage_spec spec = spec_of();
	char name[REASON_SIZE];

	tag_policy_name(&spec, name);
	assert_string_equal(name, "*");
	spec.tags = "v*";
	tag_policy_name(&spec, name);
	assert_string_equal(name, "v*");
	spec.tag_regex = "^v";
	tag_policy_name(&spec, name);
	assert_string_equal(name, "v* and regex ^v");
	spec.tags = "*";
	spec.tag_semver = "^1";
	spec.tag_prereleases = true;
	tag_policy_name(&spec, name);
	assert_string_equal(name, "semver ^1 with prereleases of regex ^v");
}

static void
one_tag_needs_no_list(void **state UNUSED)
{
	struct stage_spec spec = spec_of();
	struct tag_policy *policy = policy_of(&spec);

	assert_null(tag_policy_only(policy));
	assert_false(tag_policy_is_immutable(policy, "v1"));
	tag_policy_free(policy);
	spec.tags = "main";
	spec.tag_immutable = "m*";
	policy = policy_of(&spec);
	assert_string_equal(tag_policy_only(policy), "main");
	assert_true(tag_policy_is_immutable(policy, "main"));
	assert_false(tag_policy_is_immutable(policy, "v1"));
	tag_policy_free(policy);
}

static void
two_orders_are_refused(void **state UNUSED)
{
	struct stage_spec spec = spec_of();
	struct err err;

	spec.tag_numeric = true;
	spec.tag_semver = "*";
	assert_null(tag_policy_new(&spec, &err));
	assert_non_null(strstr(err.text, "more than one"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_have_the_precedence_of_the_standard),
		cmocka_unit_test(build_metadata_counts_nothing),
		cmocka_unit_test(what_is_no_version_is_refused),
		cmocka_unit_test(ranges_keep_what_they_mean),
		cmocka_unit_test(prereleases_come_only_when_asked_for),
		cmocka_unit_test(ranges_that_mean_nothing_are_refused),
		cmocka_unit_test(dates_are_read),
		cmocka_unit_test(each_day_follows_the_one_before),
		cmocka_unit_test(formats_without_an_order_are_refused),
		cmocka_unit_test(a_group_is_taken_out),
		cmocka_unit_test(a_regex_that_takes_long_is_given_up),
		cmocka_unit_test(a_bad_regex_is_told_with_its_place),
		cmocka_unit_test(a_glob_orders_as_people_do),
		cmocka_unit_test(semver_orders_and_refuses),
		cmocka_unit_test(a_regex_gives_the_part_that_is_ordered),
		cmocka_unit_test(numbers_of_any_length_are_compared),
		cmocka_unit_test(dates_are_ordered),
		cmocka_unit_test(the_order_is_total),
		cmocka_unit_test(each_refusal_has_words),
		cmocka_unit_test(a_policy_has_a_name),
		cmocka_unit_test(one_tag_needs_no_list),
		cmocka_unit_test(two_orders_are_refused),
	};

	return cmocka_run_group_tests_name("tags", tests, NULL, NULL);
}
