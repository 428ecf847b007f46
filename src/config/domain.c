/* domain.c - see domain.h. */
#include "config/domain.h"

#include <string.h>

#include "base/hash.h"
#include "base/str.h"

#define TAG_WORD "{tag}"

enum { LABEL_MAX = 63, LABEL_HASH = 8, EXPANDED_MAX = 1024 };

static char
safe(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

static void
put_word(struct buf *out, const char *word)
{
	for (; *word != '\0'; word++)
		buf_char(out, safe(*word));
}

/* The word in braces at the beginning of text: its value, and how long it is with them. */
static const char *
word_at(const char *text, const struct domain_words *words, size_t *ret_size)
{
	const struct {
		const char *name;
		const char *value;
	} known[] = { { "{project}", words->project }, { "{stage}", words->stage },
		{ TAG_WORD, words->tag } };

	for (size_t i = 0; i < COUNT(known); i++) {
		*ret_size = strlen(known[i].name);
		if (strncmp(text, known[i].name, *ret_size) == 0)
			return known[i].value;
	}
	return NULL;
}

/* Without '-' at its ends (a tag may bring one), and no longer than DNS takes. One that waits for
 * its tag is not judged yet. */
static bool
put_label(struct buf *out, struct str label)
{
	char hex[HASH_HEX_SIZE];

	if (memmem(label.p, label.n, TAG_WORD, strlen(TAG_WORD)) != NULL) {
		buf_str(out, label);
		return true;
	}
	while (label.n > 0 && label.p[0] == '-')
		label = (struct str){ label.p + 1, label.n - 1 };
	while (label.n > 0 && label.p[label.n - 1] == '-')
		label.n--;
	if (label.n <= LABEL_MAX) {
		buf_str(out, label);
		return label.n > 0;
	}
	hash_sha256_hex(label, hex);
	label.n = LABEL_MAX - LABEL_HASH - 1;
	while (label.p[label.n - 1] == '-')
		label.n--;
	buf_str(out, label);
	buf_char(out, '-');
	buf_add(out, hex, LABEL_HASH);
	return true;
}

static bool
put_labels(struct buf *out, struct str name)
{
	bool is_good = true;

	while (name.n > 0 && is_good) {
		struct str label;

		name = str_cut(name, '.', &label);
		is_good = put_label(out, label);
		if (name.n > 0)
			buf_char(out, '.');
	}
	return is_good;
}

bool
domain_expand(const char *text, const struct domain_words *words, char ret_domain[DOMAIN_SIZE])
{
	struct buf whole;
	struct buf name;
	bool is_good;

	buf_init(&whole, EXPANDED_MAX);
	buf_init(&name, DOMAIN_SIZE - 1);
	while (*text != '\0') {
		size_t size;
		const char *word = word_at(text, words, &size);

		if (word == NULL) {
			buf_char(&whole, *text++);
			continue;
		}
		put_word(&whole, word);
		text += size;
	}
	is_good = !whole.overflow && whole.n > 0 && put_labels(&name, buf_view(&whole))
		  && !name.overflow && str_copy(ret_domain, DOMAIN_SIZE, buf_view(&name));
	buf_free(&whole);
	buf_free(&name);
	return is_good;
}

bool
domain_has_tag(const char *text)
{
	return strstr(text, TAG_WORD) != NULL;
}

bool
domain_matches(const char *domain, const char *host)
{
	const char *dot = strchr(host, '.');

	if (domain[0] != '*')
		return strcmp(domain, host) == 0;
	return dot != NULL && dot != host && strcmp(domain + 1, dot) == 0;
}
