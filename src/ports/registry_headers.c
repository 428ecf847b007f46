/* registry_headers.c - see registry_headers.h.
 *
 * A header comes from outside: what does not parse is passed over, never guessed at. */
#include "ports/registry_headers.h"

#include <string.h>
#include <strings.h>
#include <time.h>

enum { DAY_S = 86400 };

static bool
is_name(struct str s, const char *name)
{
	return s.n == strlen(name) && strncasecmp(s.p, name, s.n) == 0;
}

static void
skip(struct str *s, const char *which)
{
	while (s->n > 0 && s->p[0] != '\0' && strchr(which, s->p[0]) != NULL) {
		s->p++;
		s->n--;
	}
}

/* Up to the next of `ends`. */
static struct str
take_until(struct str *s, const char *ends)
{
	struct str word = { s->p, 0 };

	while (word.n < s->n && (s->p[word.n] == '\0' || strchr(ends, s->p[word.n]) == NULL))
		word.n++;
	s->p += word.n;
	s->n -= word.n;
	return word;
}

/* A quoted text with its escapes undone, or a plain word. false: the quote never ends. A value that
 * does not fit comes out as "". */
static bool
take_value(struct str *s, struct buf *to)
{
	buf_clear(to);
	if (s->n == 0 || s->p[0] != '"') {
		buf_str(to, take_until(s, " \t,;"));
		return true;
	}
	s->p++;
	s->n--;
	for (; s->n > 0 && s->p[0] != '"'; s->p++, s->n--) {
		if (s->p[0] == '\\' && s->n > 1) {
			s->p++;
			s->n--;
		}
		buf_char(to, s->p[0]);
	}
	if (s->n == 0)
		return false;
	s->p++;
	s->n--;
	if (to->overflow)
		buf_clear(to);
	return true;
}

static void
keep(struct challenge *c, struct str name, struct str value)
{
	bool fits = true;

	if (is_name(name, "realm"))
		fits = str_copy(c->realm, sizeof(c->realm), value);
	else if (is_name(name, "service"))
		fits = str_copy(c->service, sizeof(c->service), value);
	else if (is_name(name, "scope"))
		fits = str_copy(c->scope, sizeof(c->scope), value);
	if (!fits)
		c->realm[0] = '\0'; /* one cannot be answered by halves */
}

/* Another scheme begins, or the header ends: is what was read better than what is known? */
static void
settle(struct challenge *best, const struct challenge *read)
{
	if (read->kind == CHALLENGE_BEARER && read->realm[0] == '\0')
		return;
	if (read->kind > best->kind)
		*best = *read;
}

void
challenge_add(struct challenge *best, struct str s)
{
	struct challenge read = { .kind = CHALLENGE_NONE };
	struct buf value;

	buf_init(&value, sizeof(read.realm));
	for (skip(&s, " \t,"); s.n > 0; skip(&s, " \t,")) {
		struct str word = take_until(&s, " \t,=");
		struct str behind;

		skip(&s, " \t");
		behind = s;
		skip(&behind, "=");
		if (s.n > 0 && s.p[0] == '=' && behind.n == s.n - 1 && behind.n > 0
		    && behind.p[0] != ',') {
			skip(&behind, " \t");
			if (!take_value(&behind, &value))
				break;
			s = behind;
			keep(&read, word, buf_view(&value));
		} else if (s.n > 0 && s.p[0] == '=') {
			s = behind; /* the padding of a token68 */
		} else {
			settle(best, &read);
			read = (struct challenge){ .kind = is_name(word, "Bearer")
							       ? CHALLENGE_BEARER
							   : is_name(word, "Basic")
							       ? CHALLENGE_BASIC
							       : CHALLENGE_NONE };
		}
	}
	settle(best, &read);
	buf_free(&value);
}

int64_t
retry_after_ms(struct str header, int64_t now_ms)
{
	struct tm tm = { 0 };
	uint64_t seconds;
	char text[64];
	int64_t at_ms;

	header = str_trim(header);
	if (str_number(header, UINT64_MAX, &seconds))
		return (int64_t)(seconds < DAY_S ? seconds : DAY_S) * 1000;
	if (!str_copy(text, sizeof(text), header)
	    || strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL)
		return 0;
	at_ms = (int64_t)timegm(&tm) * 1000;
	if (at_ms <= now_ms)
		return 0;
	return at_ms - now_ms < (int64_t)DAY_S * 1000 ? at_ms - now_ms : (int64_t)DAY_S * 1000;
}

/* rel may name several relations, and stand anywhere among the parameters. */
static bool
is_next(struct buf *value)
{
	struct str names = buf_view(value);

	while (names.n > 0) {
		struct str one;

		names = str_cut(names, ' ', &one);
		if (is_name(one, "next"))
			return true;
	}
	return false;
}

struct str
link_next(struct str s)
{
	struct str found = { "", 0 };
	struct buf value;

	buf_init(&value, 256);
	for (skip(&s, " \t,"); s.n > 0 && s.p[0] == '<' && found.n == 0; skip(&s, " \t,")) {
		struct str url = take_until(&s, ">");

		url = (struct str){ url.p + 1, url.n - 1 };
		for (skip(&s, "> \t"); s.n > 0 && s.p[0] == ';'; skip(&s, " \t")) {
			struct str name;

			skip(&s, "; \t");
			name = take_until(&s, " \t=;,");
			skip(&s, " \t");
			if (s.n == 0 || s.p[0] != '=')
				continue;
			skip(&s, "= \t");
			if (!take_value(&s, &value))
				break;
			if (is_name(name, "rel") && is_next(&value))
				found = url;
		}
		if (s.n > 0 && s.p[0] != ',')
			break;
	}
	buf_free(&value);
	return found;
}

struct rate
rate_parse(struct str header)
{
	struct rate rate = { .count = -1 };
	uint64_t number;
	struct str word;

	str_cut(header, ',', &header);
	header = str_cut(header, ';', &word);
	if (str_number(str_trim(word), INT32_MAX, &number))
		rate.count = (int64_t)number;
	while (header.n > 0) {
		header = str_cut(header, ';', &word);
		word = str_trim(word);
		if (str_starts(word, "w=")
		    && str_number((struct str){ word.p + 2, word.n - 2 }, INT32_MAX, &number))
			rate.window_s = (int64_t)number;
	}
	return rate;
}
