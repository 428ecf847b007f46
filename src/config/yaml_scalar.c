/* yaml_scalar.c - one text as YAML, such that every reader takes it for that text. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/yaml_write.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* Not texts to readers of YAML 1.1, or not to those of 1.2. */
static bool
is_word_of_yaml(struct str text)
{
	static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "true",
		"false", "null" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (text.n == strlen(words[i]) && strncasecmp(text.p, words[i], text.n) == 0)
			return true;
	return false;
}

static size_t
span(struct str text, const char *of)
{
	size_t n = 0;

	while (n < text.n && text.p[n] != '\0' && strchr(of, text.p[n]) != NULL)
		n++;
	return n;
}

/* A colon only within: behind a blank or at the end it would make a key. */
static bool
is_plain(struct str text)
{
	return span(text, LETTERS "/_") > 0 && span(text, LETTERS DIGITS "/_.:-") == text.n
	       && text.p[text.n - 1] != ':' && !is_word_of_yaml(text);
}

/* The bytes of one character and its code; a byte that begins none stands for itself. */
static size_t
next_code(struct str text, unsigned *ret_code)
{
	unsigned char first = (unsigned char)text.p[0];
	size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;

	if (n > text.n)
		n = 1;
	*ret_code = n == 1 ? first : first & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++)
		*ret_code = *ret_code << 6 | ((unsigned char)text.p[i] & 0x3f);
	return n;
}

/* Controls, line ends of Unicode, the byte order mark and what is no character: a reader would refuse
 * or fold them. */
static bool
needs_escape(unsigned code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029
	       || code == 0xfeff || code == 0xfffe || code == 0xffff;
}

void
yaml_write_quoted(struct buf *to, struct str text)
{
	buf_char(to, '"');
	while (text.n > 0) {
		unsigned code;
		size_t n = next_code(text, &code);

		if (code == '"' || code == '\\')
			buf_format(to, "\\%c", (char)code);
		else if (code == '\n')
			buf_text(to, "\\n");
		else if (code == '\t')
			buf_text(to, "\\t");
		else if (needs_escape(code))
			buf_format(to, "\\u%04x", code);
		else
			buf_add(to, text.p, n);
		text.p += n;
		text.n -= n;
	}
	buf_char(to, '"');
}

void
yaml_write_scalar(struct buf *to, struct str text)
{
	if (is_plain(text))
		buf_str(to, text);
	else
		yaml_write_quoted(to, text);
}
