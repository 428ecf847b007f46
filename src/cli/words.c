/* words.c - see words.h. */
#include "cli/words.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, DIGEST_SHOWN = 12 };

#define YEAR_9999_MS INT64_C(253402300799999)

int64_t
words_ms(const struct json *object, const char *key)
{
	int64_t ms = json_number(json_get(object, key));

	return ms < 0 || ms > YEAR_9999_MS ? 0 : ms;
}

void
words_age(int64_t ms, char text[WORDS_SIZE])
{
	int64_t s = ms < 0 ? 0 : ms / 1000;

	if (s < MINUTE)
		snprintf(text, WORDS_SIZE, "%" PRId64 "s", s);
	else if (s < HOUR)
		snprintf(text, WORDS_SIZE, "%" PRId64 "m", s / MINUTE);
	else if (s < 2 * DAY)
		snprintf(text, WORDS_SIZE, "%" PRId64 "h", s / HOUR);
	else
		snprintf(text, WORDS_SIZE, "%" PRId64 "d", s / DAY);
}

void
words_took(int64_t ms, char text[WORDS_SIZE])
{
	int64_t tenths = ms < 0 ? 0 : (ms + 50) / 100;
	int64_t s = tenths / 10;

	if (s < 100)
		snprintf(text, WORDS_SIZE, "%" PRId64 ".%" PRId64 " s", s, tenths % 10);
	else if (s < HOUR)
		snprintf(
		    text, WORDS_SIZE, "%" PRId64 "m%02" PRId64 "s", s / MINUTE, s % MINUTE);
	else
		snprintf(text, WORDS_SIZE, "%" PRId64 "h%02" PRId64 "m", s / HOUR,
		    s % HOUR / MINUTE);
}

void
words_digest(const char *digest, char text[WORDS_SIZE])
{
	const char *digits = strncmp(digest, "sha256:", 7) == 0 ? digest + 7 : digest;

	snprintf(text, WORDS_SIZE, "%.*s", DIGEST_SHOWN, digits);
}

void
words_state(const char *state, char text[WORDS_SIZE])
{
	size_t n = 0;

	for (; n < WORDS_SIZE - 1 && state[n] != '\0'; n++)
		text[n] = state[n] == '_' ? ' ' : (char)tolower((unsigned char)state[n]);
	text[n] = '\0';
}

bool
words_state_name(const char *text, char name[WORDS_SIZE])
{
	size_t n = 0;

	for (; n < WORDS_SIZE - 1 && text[n] != '\0'; n++)
		name[n] = text[n] == '-' || text[n] == ' '
			      ? '_'
			      : (char)toupper((unsigned char)text[n]);
	name[n] = '\0';
	return text[n] == '\0';
}

void
words_time(int64_t wall_ms, char text[WORDS_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL
	    || strftime(text, WORDS_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		text[0] = '\0';
}

static bool
is_first_of_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

size_t
words_width(struct str text)
{
	size_t width = 0;

	for (size_t i = 0; i < text.n; i++)
		width += is_first_of_character(text.p[i]);
	return width;
}

struct str
words_cut(struct str text, size_t width)
{
	size_t seen = 0;

	for (size_t i = 0; i < text.n; i++)
		if (is_first_of_character(text.p[i]) && ++seen > width)
			return (struct str){ text.p, i };
	return text;
}

/* Length of a sequence "ESC [ digits ; digits" with one of ends at the beginning of text, else 0. */
static size_t
sequence_length(struct str text, const char *ends)
{
	size_t i = 2;

	if (text.n < 3 || text.p[0] != '\x1b' || text.p[1] != '[')
		return 0;
	while (i < text.n && (isdigit((unsigned char)text.p[i]) || text.p[i] == ';'))
		i++;
	return i < text.n && memchr(ends, text.p[i], strlen(ends)) != NULL ? i + 1 : 0;
}

/* U+0080 to U+009F, which some terminals obey: C2 80 to C2 9F. */
static bool
is_upper_control(struct str text)
{
	return text.n >= 2 && (unsigned char)text.p[0] == 0xc2
	       && (unsigned char)text.p[1] < 0xa0;
}

void
words_clean(struct buf *to, struct str text, bool keep_colour)
{
	while (text.n > 0) {
		unsigned char c = (unsigned char)text.p[0];
		size_t colour = keep_colour ? sequence_length(text, "m") : 0;
		size_t used = colour > 0 ? colour : is_upper_control(text) ? 2 : 1;

		if (colour > 0 || (used == 1 && c >= ' ' && c != 0x7f))
			buf_add(to, text.p, used);
		else
			buf_char(to, c == '\t' ? ' ' : '?');
		text.p += used;
		text.n -= used;
	}
}

/* Bytes at the beginning of text that a terminal would obey. */
static size_t
obeyed_length(struct str text)
{
	unsigned char c = (unsigned char)text.p[0];

	if (is_upper_control(text))
		return 2;
	if (c == 0x1b)
		return sequence_length(text, "mK") == 0;
	return c == 0x7f || (c < ' ' && c != '\n' && c != '\r' && c != '\t');
}

struct str
words_harmless(struct str *rest)
{
	struct str run;
	size_t obeyed;

	while (rest->n > 0 && (obeyed = obeyed_length(*rest)) > 0)
		*rest = (struct str){ rest->p + obeyed, rest->n - obeyed };
	run = (struct str){ rest->p, 0 };
	while (rest->n > 0 && obeyed_length(*rest) == 0) {
		*rest = (struct str){ rest->p + 1, rest->n - 1 };
		run.n++;
	}
	return run;
}

int
words_target(const char *text, bool needs_stage, struct target *ret, struct err *err)
{
	struct str project;
	struct str stage = str_cut(str_of(text), '/', &project);
	bool has_slash = strchr(text, '/') != NULL;
	struct target target;

	if (needs_stage && !has_slash)
		return err_set(err,
		    "'%.80s' names no stage; write PROJECT/STAGE, as `slipway status`"
		    " lists them",
		    text);
	if (project.n == 0 || has_slash != (stage.n > 0)
	    || (stage.n > 0 && memchr(stage.p, '/', stage.n) != NULL)
	    || !str_copy(target.project, sizeof(target.project), project)
	    || !str_copy(target.stage, sizeof(target.stage), stage))
		return err_set(err, "'%.80s' is not of the form PROJECT/STAGE", text);
	*ret = target;
	return 0;
}
