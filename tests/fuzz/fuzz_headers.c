/* fuzz_headers.c - words that come from registries: headers, URLs, image references, tags. Each line
 * of the input is taken for all of them in turn. */
#include <stdlib.h>
#include <string.h>

#include "config/image.h"
#include "fuzz.h"
#include "ports/fetch_text.h"
#include "ports/registry_headers.h"
#include "ports/registry_tokens.h"
#include "ports/registry_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MAX = 8, TEXT_MAX = 1 << 20, DAY_MS = 86400000 };

static bool
is_within(struct str inner, struct str outer)
{
	return inner.n == 0 || (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n);
}

static void
check_header(struct str line)
{
	static const int64_t now_ms = INT64_C(1769860800000);
	int64_t after_ms = retry_after_ms(line, now_ms);
	struct rate rate = rate_parse(line);

	CHECK(after_ms >= 0 && after_ms <= DAY_MS);
	CHECK(rate.count >= -1 && rate.window_s >= 0);
	CHECK(is_within(link_next(line), line));
}

static void
check_challenges(const struct str *lines, size_t count)
{
	struct challenge challenge = { 0 };

	for (size_t i = 0; i < count; i++) {
		bool was_bearer = challenge.kind == CHALLENGE_BEARER;

		challenge_add(&challenge, lines[i]);
		CHECK(!was_bearer || challenge.kind == CHALLENGE_BEARER);
		CHECK(memchr(challenge.realm, '\0', sizeof(challenge.realm)) != NULL);
		CHECK(memchr(challenge.service, '\0', sizeof(challenge.service)) != NULL);
		CHECK(memchr(challenge.scope, '\0', sizeof(challenge.scope)) != NULL);
	}
}

static bool
is_url_text(struct str text)
{
	return fuzz_is_plain(text) && memchr(text.p, ' ', text.n) == NULL;
}

static void
check_url(struct str base, struct str reference)
{
	struct url from;
	struct url to;
	struct buf joined;

	buf_init(&joined, TEXT_MAX);
	if (url_split(base, &from)) {
		CHECK(is_within(from.authority, base) && is_within(from.path, base));
		CHECK(is_url_text(base) && from.authority.n > 0);
		CHECK(memchr(from.authority.p, '@', from.authority.n) == NULL);
		CHECK(url_is_same_host(&from, &from));
		if (url_join(base, reference, &joined)) {
			CHECK(url_split(buf_view(&joined), &to));
			CHECK(to.is_https == from.is_https && url_is_same_host(&from, &to));
		}
	}
	buf_free(&joined);
}

static void
check_escape(const char *text)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	url_query_escape(&out, text);
	for (size_t i = 0; i < out.n; i++)
		CHECK(out.p[i] > ' ' && out.p[i] < 0x7f && strchr("&#+=", out.p[i]) == NULL);
	buf_free(&out);
}

/* A reference is the same when it is written out and read again. */
static void
check_image(const char *text)
{
	struct image_ref first;
	struct image_ref second;
	struct err err = { "" };
	struct buf out;

	if (image_ref_parse(text, &first, &err) != 0) {
		CHECK(err.text[0] != '\0');
		return;
	}
	CHECK(first.tag[0] == '\0' || image_tag_is_valid(str_of(first.tag)));
	CHECK(first.digest[0] == '\0' || image_digest_is_valid(str_of(first.digest)));
	CHECK(image_ref_server(&first)[0] != '\0');
	buf_init(&out, TEXT_MAX);
	buf_format(&out, "%s/%s%s%s%s%s", first.host, first.path,
	    first.tag[0] == '\0' ? "" : ":", first.tag, first.digest[0] == '\0' ? "" : "@",
	    first.digest);
	CHECK(image_ref_parse(buf_cstr(&out), &second, &err) == 0);
	CHECK(strcmp(first.host, second.host) == 0 && strcmp(first.path, second.path) == 0);
	CHECK(strcmp(first.tag, second.tag) == 0 && strcmp(first.digest, second.digest) == 0);
	buf_free(&out);
}

/* The same answer as the plainest way to find it: which ends of the text does each beginning of the
 * pattern reach? */
static bool
glob_plainly(const char *pattern, const char *text)
{
	size_t n = strlen(text);
	bool *reached = calloc(n + 2, 1);
	bool fits;

	CHECK(reached != NULL);
	reached[0] = true;
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '*') {
			for (size_t i = 0; i < n; i++)
				reached[i + 1] = reached[i + 1] || reached[i];
			continue;
		}
		for (size_t i = n; i-- > 0;)
			reached[i + 1] =
			    reached[i] && (*pattern == '?' || *pattern == text[i]);
		reached[0] = false;
	}
	fits = reached[n];
	free(reached);
	return fits;
}

static int
sign(int n)
{
	return (n > 0) - (n < 0);
}

static void
check_order(const char *a, const char *b, const char *c)
{
	int ab = sign(str_version_order(a, b));
	int bc = sign(str_version_order(b, c));
	int ac = sign(str_version_order(a, c));

	CHECK(str_version_order(a, a) == 0);
	CHECK(ab == -sign(str_version_order(b, a)));
	if (ab == bc)
		CHECK(ac == ab);
	if (ab == 0)
		CHECK(ac == bc);
}

static void
check_tokens(char *const *texts, size_t count)
{
	struct tokens *tokens = tokens_new();

	for (size_t i = 0; i < count; i++)
		tokens_put(tokens, texts[i], str_of(texts[count - 1 - i]), 1000, 3600000);
	for (size_t i = 0; i < count; i++) {
		const char *found = tokens_find(tokens, texts[i], 1000);
		bool is_last = true;

		for (size_t j = i + 1; j < count; j++)
			is_last = is_last && strcmp(texts[i], texts[j]) != 0;
		CHECK(found != NULL);
		CHECK(!is_last || strcmp(found, texts[count - 1 - i]) == 0);
		CHECK(tokens_find(tokens, texts[i], 1000 + 3600000) == NULL);
	}
	for (size_t i = 0; i < count; i++) {
		tokens_drop(tokens, texts[i]);
		CHECK(tokens_find(tokens, texts[i], 1000) == NULL);
	}
	tokens_free(tokens);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct str lines[LINES_MAX];
	char *texts[LINES_MAX];
	size_t count = 0;

	while (rest.n > 0 && count < LINES_MAX) {
		rest = str_cut(rest, '\n', &lines[count]);
		texts[count] = fuzz_text(lines[count]);
		count++;
	}
	check_challenges(lines, count);
	header_find((struct str){ (const char *)data, size }, "Link", 1);
	for (size_t i = 0; i < count; i++) {
		const char *next = texts[(i + 1) % count];

		check_header(lines[i]);
		check_url(lines[i], lines[(i + 1) % count]);
		check_escape(texts[i]);
		check_image(texts[i]);
		CHECK(str_glob(texts[i], next) == glob_plainly(texts[i], next));
		check_order(texts[i], next, texts[(i + 2) % count]);
	}
	check_tokens(texts, count);
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	return 0;
}
