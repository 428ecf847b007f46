/* tag_regex.c - see tag_regex.h. */
#include "config/tag_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

struct tag_regex {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	uint32_t group; /* 0: the whole tag */
	uint32_t given_up; /* tags it had no answer for */
};

/* The group that is called `version`, else the first one. */
static uint32_t
find_group(const pcre2_code *code)
{
	int named = pcre2_substring_number_from_name(code, (PCRE2_SPTR) "version");
	uint32_t count = 0;

	if (named > 0)
		return (uint32_t)named;
	pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &count);
	return count > 0 ? 1 : 0;
}

struct tag_regex *
tag_regex_new(const char *pattern, struct err *err)
{
	const uint32_t options =
	    PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY;
	struct tag_regex *regex = calloc(1, sizeof(*regex));
	PCRE2_UCHAR message[128] = "";
	PCRE2_SIZE at = 0;
	int code = 0;

	CHECK(regex != NULL);
	regex->code = pcre2_compile(
	    (PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &at, NULL);
	if (regex->code == NULL) {
		pcre2_get_error_message(code, message, sizeof(message));
		err_set(err, "is no regular expression: %s at character %zu",
		    (const char *)message, (size_t)at + 1);
		free(regex);
		return NULL;
	}
	regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
	regex->limits = pcre2_match_context_create(NULL);
	CHECK(regex->match != NULL && regex->limits != NULL);
	pcre2_set_match_limit(regex->limits, TAG_REGEX_STEPS_MAX);
	pcre2_set_depth_limit(regex->limits, TAG_REGEX_DEPTH_MAX);
	pcre2_set_heap_limit(regex->limits, TAG_REGEX_HEAP_KIB_MAX);
	regex->group = find_group(regex->code);
	return regex;
}

void
tag_regex_free(struct tag_regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_match_context_free(regex->limits);
	pcre2_match_data_free(regex->match);
	pcre2_code_free(regex->code);
	free(regex);
}

enum tag_regex_result
tag_regex_match(struct tag_regex *regex, struct str tag, struct str *ret_part)
{
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->match);
	int count;

	*ret_part = tag;
	if (regex->given_up >= TAG_REGEX_GIVE_UP_MAX)
		return REGEX_GAVE_UP;
	count = pcre2_match(regex->code, (PCRE2_SPTR)tag.p, tag.n, 0, PCRE2_NO_JIT,
	    regex->match, regex->limits);
	if (count == PCRE2_ERROR_NOMATCH)
		return REGEX_DIFFERS;
	if (count < 0) {
		regex->given_up++;
		return REGEX_GAVE_UP;
	}
	if (regex->group == 0)
		return REGEX_MATCHES;
	/* A group inside a lookbehind with \K may end before it starts. */
	if ((uint32_t)count <= regex->group || ends[2 * regex->group] == PCRE2_UNSET
	    || ends[2 * regex->group + 1] < ends[2 * regex->group])
		*ret_part = (struct str){ tag.p, 0 };
	else
		*ret_part = (struct str){ tag.p + ends[2 * regex->group],
			ends[2 * regex->group + 1] - ends[2 * regex->group] };
	return REGEX_MATCHES;
}
