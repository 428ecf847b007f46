/* ask.c - see ask.h. Pure. */
#include "actors/ask.h"

#include <string.h>

enum { DELAY_MIN_MS = 500, DELAY_MAX_MS = 20000, AFTER_MAX_MS = 600000 };

int64_t
retry_delay_ms(uint32_t tries, int64_t after_ms)
{
	int64_t delay_ms = tries > 5 ? DELAY_MAX_MS : (int64_t)DELAY_MIN_MS << tries;

	if (after_ms > AFTER_MAX_MS)
		after_ms = AFTER_MAX_MS;
	return after_ms > delay_ms ? after_ms : delay_ms;
}

void
keep_text(char reason[REASON_SIZE], const char *text)
{
	size_t n = strlen(text);

	if (n >= REASON_SIZE)
		n = REASON_SIZE - 1;
	memcpy(reason, text, n);
	memset(reason + n, 0, REASON_SIZE - n);
}

void
keep_reason(char reason[REASON_SIZE], const struct event *e)
{
	if (e->text[0] != '\0')
		keep_text(reason, e->text);
	else if (e->kind == EV_TIMEOUT)
		keep_text(reason, "no answer in time");
	else if (reason[0] == '\0')
		keep_text(reason, "no reason was given");
}
