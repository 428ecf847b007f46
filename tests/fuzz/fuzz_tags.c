/* fuzz_tags.c - tag policies from the configuration over tags from a registry. The first line is the
 * kind (a glob, or "regex", "semver", "date" or "numeric" before a blank and its text), each other one
 * a tag. */
#include <stdlib.h>
#include <string.h>

#include "config/fields.h"
#include "config/semver.h"
#include "config/tag_policy.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TAGS_MAX = 24 };

static char *
text_of(struct str s)
{
	char *text = malloc(s.n + 1);

	CHECK(text != NULL);
	if (s.n > 0)
		memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return text;
}

static void
set_policy(struct stage_spec *spec, struct str kind, const char *text, bool prereleases)
{
	stage_spec_set_defaults(spec);
	spec->tag_prereleases = prereleases;
	if (str_is(kind, "regex"))
		spec->tag_regex = text;
	else if (str_is(kind, "semver"))
		spec->tag_semver = text;
	else if (str_is(kind, "date"))
		spec->tag_date = text;
	else if (str_is(kind, "numeric"))
		spec->tag_numeric = true;
	else
		spec->tags = text;
}

/* What is kept is ordered without ties and without circles, and every verdict has its words. */
static void
check_tags(struct tag_policy *policy, char *const *tags, size_t count)
{
	struct tag_judged judged[TAGS_MAX];
	struct tag_judged turned[TAGS_MAX];
	char words[REASON_SIZE];

	for (size_t i = 0; i < count; i++) {
		tag_policy_judge(policy, tags[i], &judged[i]);
		tag_policy_explain(policy, &judged[i], words);
		CHECK((words[0] == '\0') == (judged[i].reason == TAG_KEPT));
		CHECK(judged[i].part.p >= tags[i]
		      && judged[i].part.p + judged[i].part.n <= tags[i] + strlen(tags[i]));
		turned[count - 1 - i] = judged[i];
	}
	tag_policy_sort(policy, judged, count);
	tag_policy_sort(policy, turned, count);
	for (size_t i = 0; i < count; i++) {
		CHECK(strcmp(judged[i].tag, turned[i].tag) == 0);
		if (i == 0 || judged[i].reason != TAG_KEPT)
			continue;
		CHECK(judged[i - 1].reason == TAG_KEPT);
		for (size_t k = 0; k < i; k++)
			CHECK(tag_policy_order(policy, &judged[k], &judged[i]) > 0
			      || strcmp(judged[k].tag, judged[i].tag) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct stage_spec spec;
	struct tag_policy *policy;
	struct err err = { "" };
	struct str line;
	struct str kind;
	struct str text;
	char *policy_text;
	char *tags[TAGS_MAX];
	size_t count = 0;

	if (memchr(data, '\0', size) != NULL)
		return 0;
	rest = str_cut(rest, '\n', &line);
	text = str_cut(line, ' ', &kind);
	policy_text = text_of(text.n > 0 ? text : line);
	set_policy(&spec, kind, policy_text, size % 2 == 0);
	policy = tag_policy_new(&spec, &err);
	CHECK((policy == NULL) == (err.text[0] != '\0'));
	while (policy != NULL && rest.n > 0 && count < TAGS_MAX) {
		rest = str_cut(rest, '\n', &line);
		tags[count++] = text_of(line);
	}
	if (policy != NULL)
		check_tags(policy, tags, count);
	while (count > 0)
		free(tags[--count]);
	tag_policy_free(policy);
	free(policy_text);
	return 0;
}
