/* fuzz_settings.c - the environment, one NAME=value a line: faults are told, secrets are not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/report.h"
#include "config/settings.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VARIABLES_MAX = 64, SUMMARY_MAX = 1 << 20 };

/* Files of the machine are not the input's to choose. */
static bool
is_allowed(struct str line)
{
	return memmem(line.p, line.n, "_FILE=", 6) == NULL
	       || memmem(line.p, line.n, "_FILE=corpus/", 13) != NULL;
}

static size_t
split(struct str text, char *environment[VARIABLES_MAX + 1])
{
	size_t count = 0;

	while (text.n > 0 && count < VARIABLES_MAX) {
		struct str line;

		text = str_cut(text, '\n', &line);
		if (memchr(line.p, '=', line.n) != NULL && is_allowed(line))
			environment[count++] = fuzz_text(line);
	}
	environment[count] = NULL;
	return count;
}

static void
summarize(char *const *environment, struct buf *summary)
{
	struct settings *settings = settings_load(environment);

	buf_clear(summary);
	settings_write_summary(settings, summary);
	settings_free(settings);
}

/* What is shown is the same, whatever the token is. */
static void
check_secret(char **environment, size_t count)
{
	struct buf first;
	struct buf second;

	buf_init(&first, SUMMARY_MAX);
	buf_init(&second, SUMMARY_MAX);
	summarize(environment, &first);
	for (size_t i = 0; i < count; i++)
		if (strncmp(environment[i], "SLIPWAY_TOKEN=", 14) == 0)
			for (char *c = environment[i] + 14; *c != '\0'; c++)
				*c = *c == 'x' ? 'y' : *c > ' ' && *c < 0x7f ? 'x' : *c;
	summarize(environment, &second);
	CHECK(first.n == second.n);
	CHECK(first.n == 0 || memcmp(first.p, second.p, first.n) == 0);
	buf_free(&first);
	buf_free(&second);
}

static void
check_settings(const struct settings *settings)
{
	for (size_t i = 0; i < settings->faults.count; i++)
		CHECK(fuzz_is_plain(str_of(settings->faults.items[i].text)));
	if (settings->faults.count > 0)
		return;
	CHECK(settings->listen.port >= 0 && settings->listen.port <= 65535);
	CHECK(settings->data[0] != '\0' && settings->token != NULL);
	CHECK(settings->sweep_interval_ms > 0 && settings->shutdown_drain_timeout_ms >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	char *environment[VARIABLES_MAX + 1];
	size_t count = split((struct str){ (const char *)data, size }, environment);
	struct settings *settings = settings_load(environment);

	if (nowhere == NULL)
		nowhere = fopen("/dev/null", "w");
	CHECK(nowhere != NULL);
	check_settings(settings);
	CHECK(settings_check(settings, nowhere) == (settings->faults.count > 0));
	settings_free(settings);
	check_secret(environment, count);
	for (size_t i = 0; i < count; i++)
		free(environment[i]);
	return 0;
}
