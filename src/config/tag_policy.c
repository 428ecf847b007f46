/* tag_policy.c - see tag_policy.h. */
#include "config/tag_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/image.h"
#include "config/spec.h"
#include "config/tag_date.h"
#include "config/tag_regex.h"

#define TAG_REASON_CODE(name, code) code,
const char *const tag_reason_codes[TAG_REASON_COUNT] = { TAG_REASONS(TAG_REASON_CODE) };

enum order_kind { ORDER_NATURAL, ORDER_SEMVER, ORDER_NUMERIC, ORDER_DATE };

struct tag_policy {
	enum order_kind order;
	char glob[TAG_SIZE];
	char date[TAG_SIZE];
	char immutable[TAG_SIZE];
	struct tag_regex *regex; /* NULL: none */
	struct semver_range range;
	bool allows_downgrade;
	int64_t min_age_ms;
};

static int
fail(struct err *err, const char *key, const struct err *why)
{
	return err_set(err, "'%s' %s", key, why->text);
}

static int
take_text(char to[TAG_SIZE], const char *text, const char *key, struct err *err)
{
	if (str_copy(to, TAG_SIZE, str_of(text)))
		return 0;
	return err_set(err, "'%s' is longer than %d characters", key, TAG_SIZE - 1);
}

static int
take_order(struct tag_policy *policy, const struct stage_spec *spec, struct err *err)
{
	bool is_semver = spec->tag_semver[0] != '\0';
	bool is_date = spec->tag_date[0] != '\0';
	struct err why;

	if (is_semver + is_date + spec->tag_numeric > 1)
		return err_set(err,
		    "has more than one of 'semver', 'numeric' and 'date': tags "
		    "have one order");
	policy->order = is_semver           ? ORDER_SEMVER
			: is_date           ? ORDER_DATE
			: spec->tag_numeric ? ORDER_NUMERIC
					    : ORDER_NATURAL;
	if (is_semver
	    && semver_range_parse(
		   spec->tag_semver, spec->tag_prereleases, &policy->range, &why)
		   != 0)
		return fail(err, "semver", &why);
	if (is_date && tag_date_check(spec->tag_date, &why) != 0)
		return fail(err, "date", &why);
	return take_text(policy->date, spec->tag_date, "date", err);
}

static int
take(struct tag_policy *policy, const struct stage_spec *spec, struct err *err)
{
	struct err why;

	policy->allows_downgrade = spec->tag_downgrade;
	policy->min_age_ms = spec->tag_min_age_ms;
	if (take_text(policy->glob, spec->tags, "glob", err) != 0
	    || take_text(policy->immutable, spec->tag_immutable, "immutable", err) != 0
	    || take_order(policy, spec, err) != 0)
		return -1;
	if (spec->tag_regex[0] == '\0')
		return 0;
	policy->regex = tag_regex_new(spec->tag_regex, &why);
	return policy->regex == NULL ? fail(err, "regex", &why) : 0;
}

struct tag_policy *
tag_policy_new(const struct stage_spec *spec, struct err *err)
{
	struct tag_policy *policy = calloc(1, sizeof(*policy));

	CHECK(policy != NULL);
	if (take(policy, spec, err) == 0)
		return policy;
	tag_policy_free(policy);
	return NULL;
}

void
tag_policy_free(struct tag_policy *policy)
{
	if (policy == NULL)
		return;
	tag_regex_free(policy->regex);
	free(policy);
}

bool
tag_is_attachment(struct str tag)
{
	size_t digits = 0;

	if (!str_starts(tag, "sha256-"))
		return false;
	while (7 + digits < tag.n && strchr("0123456789abcdef", tag.p[7 + digits]) != NULL)
		digits++;
	tag = (struct str){ tag.p + 7 + digits, tag.n - 7 - digits };
	return (tag.n == 0 && digits == 64) || str_is(tag, ".sig") || str_is(tag, ".att")
	       || str_is(tag, ".sbom");
}

static enum tag_reason
judge_order(const struct tag_policy *policy, struct tag_judged *judged)
{
	static const enum tag_reason of[] = { [SEMVER_FITS] = TAG_KEPT,
		[SEMVER_OUTSIDE] = TAG_RANGE,
		[SEMVER_IS_PRERELEASE] = TAG_PRERELEASE };
	struct str part = judged->part;

	switch (policy->order) {
	case ORDER_NATURAL:
		return TAG_KEPT;
	case ORDER_SEMVER:
		if (!semver_parse(part, &judged->version))
			return TAG_NO_VERSION;
		return of[semver_range_fits(&policy->range, &judged->version)];
	case ORDER_NUMERIC:
		for (size_t i = 0; i < part.n; i++)
			if (part.p[i] < '0' || part.p[i] > '9')
				return TAG_NO_NUMBER;
		return part.n == 0 ? TAG_NO_NUMBER : TAG_KEPT;
	case ORDER_DATE:
		return tag_date_read(policy->date, part, &judged->seconds) ? TAG_KEPT
									   : TAG_NO_DATE;
	}
	return TAG_NOT_VALID;
}

static enum tag_reason
judge(struct tag_policy *policy, struct tag_judged *judged)
{
	struct str tag = str_of(judged->tag);

	judged->part = tag;
	if (!image_tag_is_valid(tag))
		return TAG_NOT_VALID;
	if (tag_is_attachment(tag))
		return TAG_ATTACHMENT;
	if (!str_glob(policy->glob, judged->tag))
		return TAG_GLOB;
	if (policy->regex != NULL)
		switch (tag_regex_match(policy->regex, tag, &judged->part)) {
		case REGEX_MATCHES:
			break;
		case REGEX_DIFFERS:
			return TAG_REGEX;
		case REGEX_GAVE_UP:
			return TAG_REGEX_LIMIT;
		}
	return judge_order(policy, judged);
}

void
tag_policy_judge(struct tag_policy *policy, const char *tag, struct tag_judged *ret_judged)
{
	*ret_judged = (struct tag_judged){ .tag = tag };
	ret_judged->reason = judge(policy, ret_judged);
}

/* By version as people read it; parts of two tags may be equal, the tags then decide. */
static int
natural_order(const struct tag_judged *a, const struct tag_judged *b)
{
	char left[TAG_SIZE];
	char right[TAG_SIZE];

	if (a->part.n == strlen(a->tag) && b->part.n == strlen(b->tag))
		return str_version_order(a->tag, b->tag);
	CHECK(str_copy(left, sizeof(left), a->part));
	CHECK(str_copy(right, sizeof(right), b->part));
	return str_version_order(left, right);
}

int
tag_policy_order(
    const struct tag_policy *policy, const struct tag_judged *a, const struct tag_judged *b)
{
	int order = 0;

	switch (policy->order) {
	case ORDER_NATURAL:
		order = natural_order(a, b);
		break;
	case ORDER_SEMVER:
		order = semver_order(&a->version, &b->version);
		break;
	case ORDER_NUMERIC:
		order = decimal_order(a->part, b->part);
		break;
	case ORDER_DATE:
		order = (a->seconds > b->seconds) - (a->seconds < b->seconds);
		break;
	}
	return order != 0 ? order : str_version_order(a->tag, b->tag);
}

static int
place_order(const void *left, const void *right, void *context)
{
	const struct tag_judged *a = left;
	const struct tag_judged *b = right;
	bool is_a_kept = a->reason == TAG_KEPT;
	bool is_b_kept = b->reason == TAG_KEPT;

	if (is_a_kept != is_b_kept)
		return is_a_kept ? -1 : 1;
	return is_a_kept ? tag_policy_order(context, b, a) : strcmp(a->tag, b->tag);
}

void
tag_policy_sort(const struct tag_policy *policy, struct tag_judged *tags, size_t count)
{
	/* qsort_r() hands the context on as it is: nothing is written there. */
	union {
		const struct tag_policy *in;
		void *out;
	} context = { .in = policy };

	if (count > 1)
		qsort_r(tags, count, sizeof(*tags), place_order, context.out);
}

const char *
tag_policy_only(const struct tag_policy *policy)
{
	return strpbrk(policy->glob, "*?") == NULL ? policy->glob : NULL;
}

bool
tag_policy_is_immutable(const struct tag_policy *policy, const char *tag)
{
	return policy->immutable[0] != '\0' && str_glob(policy->immutable, tag);
}

bool
tag_policy_allows_downgrade(const struct tag_policy *policy)
{
	return policy->allows_downgrade;
}

int64_t
tag_policy_min_age_ms(const struct tag_policy *policy)
{
	return policy->min_age_ms;
}

void
tag_policy_explain(
    const struct tag_policy *policy, const struct tag_judged *judged, char words[REASON_SIZE])
{
	static const char *const fixed[TAG_REASON_COUNT] = {
		[TAG_NOT_VALID] = "no tag can be called so",
		[TAG_ATTACHMENT] = "a signature or the like, no version",
		[TAG_REGEX] = "does not match the regular expression",
		[TAG_REGEX_LIMIT] = "the regular expression takes too long: make it simpler",
		[TAG_PRERELEASE] = "a prerelease, and 'prereleases' is not set",
	};
	struct str part = judged->part;
	const char *text = fixed[judged->reason];

	words[0] = '\0';
	if (judged->reason == TAG_GLOB)
		snprintf(words, REASON_SIZE, "does not fit '%s'", policy->glob);
	else if (judged->reason == TAG_RANGE)
		snprintf(words, REASON_SIZE, "outside '%s'", policy->range.text);
	else if (judged->reason == TAG_NO_VERSION)
		snprintf(
		    words, REASON_SIZE, "'%.*s' is no semantic version", (int)part.n, part.p);
	else if (judged->reason == TAG_NO_NUMBER)
		snprintf(words, REASON_SIZE, "'%.*s' is no number", (int)part.n, part.p);
	else if (judged->reason == TAG_NO_DATE)
		snprintf(words, REASON_SIZE, "'%.*s' is no date like '%s'", (int)part.n,
		    part.p, policy->date);
	else if (text != NULL)
		snprintf(words, REASON_SIZE, "%s", text);
}

void
tag_policy_name(const struct stage_spec *spec, char name[REASON_SIZE])
{
	bool has_glob = strcmp(spec->tags, "*") != 0;
	bool has_regex = spec->tag_regex[0] != '\0';
	const char *of = has_glob || has_regex ? " of " : "";
	struct buf text;

	buf_init(&text, REASON_SIZE - 1);
	if (spec->tag_semver[0] != '\0')
		buf_format(&text, "semver %s%s%s", spec->tag_semver,
		    spec->tag_prereleases ? " with prereleases" : "", of);
	else if (spec->tag_numeric)
		buf_format(&text, "numeric%s", of);
	else if (spec->tag_date[0] != '\0')
		buf_format(&text, "date %s%s", spec->tag_date, of);
	else if (!has_glob && !has_regex)
		buf_text(&text, "*");
	if (has_glob)
		buf_text(&text, spec->tags);
	if (has_regex)
		buf_format(&text, "%sregex %s", has_glob ? " and " : "", spec->tag_regex);
	snprintf(name, REASON_SIZE, "%s", buf_cstr(&text));
	buf_free(&text);
}

bool
tag_policy_chooses_alike(const struct stage_spec *a, const struct stage_spec *b)
{
	return strcmp(a->tags, b->tags) == 0 && strcmp(a->tag_regex, b->tag_regex) == 0
	       && strcmp(a->tag_semver, b->tag_semver) == 0
	       && strcmp(a->tag_date, b->tag_date) == 0 && a->tag_numeric == b->tag_numeric
	       && a->tag_prereleases == b->tag_prereleases;
}
