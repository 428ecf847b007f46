/* poll.c - watches the repository of one stage for a newer tag or a moved one.
 *
 * Pure (see fsm.h). The first look only records, so that switching polling on deploys nothing. A
 * look that finds nothing new is quiet: not stored, not journaled; a thousand polled stages cost
 * no disk writes. */
#include <string.h>

#include "actors/ask.h"
#include "actors/fsm.h"

enum { SEEK_MS = 120000, BACKOFF_MAX_MS = 3600000, FAILURES_COUNTED = 16 };

GUARD(is_wanted) { return e->after_ms > 0; }
GUARD(is_first) { return a->poll.digest[0] == '\0'; }
GUARD(is_known)
{
	return strcmp(a->poll.digest, e->digest) == 0 && strcmp(a->poll.tag, e->tag) == 0;
}
/* The newest tag was deleted from the registry: that is no wish to go back. What is older, the stage's
 * tag policy says. */
GUARD(is_older) { return e->flag; }
GUARD(is_auto) { return a->poll.is_auto; }

/* Stages of one configuration do not all ask in the same second: each begins at its own place in
 * the interval (Knuth's multiplicative hash of its id). */
static int64_t
first_wait_ms(const struct actor *a)
{
	uint64_t place = a->id * UINT64_C(2654435761) % 1000;

	return 1 + a->poll.interval_ms * (int64_t)place / 1000;
}

ACTION(ignore) {}
ACTION(wait) { a->deadline_ms = e->now_ms + a->poll.interval_ms; }

/* After a restart, too: otherwise all would ask in one moment, and again after each interval. */
ACTION(wait_in_turn) { a->deadline_ms = e->now_ms + first_wait_ms(a); }

ACTION(configure)
{
	a->poll.interval_ms = e->after_ms;
	a->poll.is_auto = e->flag;
	if (e->count > 0) { /* image or pattern changed: what was seen says nothing now */
		memset(a->poll.tag, 0, sizeof(a->poll.tag));
		memset(a->poll.digest, 0, sizeof(a->poll.digest));
	}
	a->poll.failures = 0;
	a->deadline_ms = a->poll.interval_ms > 0 ? e->now_ms + first_wait_ms(a) : 0;
}

ACTION(seek)
{
	a->deadline_ms = e->now_ms + SEEK_MS;
	emit(a, out, (struct effect){ .kind = FX_SEEK, .stage = a->poll.stage });
}

ACTION(record)
{
	memcpy(a->poll.tag, e->tag, sizeof(a->poll.tag));
	memcpy(a->poll.digest, e->digest, sizeof(a->poll.digest));
	memset(a->poll.reason, 0, sizeof(a->poll.reason));
	a->poll.failures = 0;
	a->deadline_ms = e->now_ms + a->poll.interval_ms;
}

ACTION(report)
{
	struct event message = {
		.kind = EV_TRIGGER, .to = a->poll.stage, .trigger = TRIGGER_POLL
	};

	record(a, e, out);
	memcpy(message.tag, e->tag, sizeof(message.tag));
	memcpy(message.digest, e->digest, sizeof(message.digest));
	tell(a, out, message);
}

ACTION(back_off)
{
	int64_t wait_ms = a->poll.interval_ms;

	keep_reason(a->poll.reason, e);
	for (uint32_t i = 0; i < a->poll.failures && wait_ms < BACKOFF_MAX_MS; i++)
		wait_ms *= 2;
	if (wait_ms > BACKOFF_MAX_MS && a->poll.interval_ms < BACKOFF_MAX_MS)
		wait_ms = BACKOFF_MAX_MS;
	if (wait_ms < e->after_ms)
		wait_ms = e->after_ms;
	if (a->poll.failures < FAILURES_COUNTED)
		a->poll.failures++;
	a->deadline_ms = e->now_ms + wait_ms;
}

/* clang-format off */
#define BAD (ON(TROUBLED) | ON(TIMEOUT) | ON(REFUSED))
#define ROW(in, on, guard, action, emits, then) \
	{ POLL_##in, POLL_##then, on, guard, action, emits, false, #guard, #action }
#define QUIET(in, on, guard, action, emits, then) \
	{ POLL_##in, POLL_##then, on, guard, action, emits, true, #guard, #action }

static const struct row rows[] = {
	/*    in       on                          if         do               emits     then     */
	QUIET(OFF,     ON(START) | ON(RECOVERED) | ON(CANCEL), always, ignore, 0,        OFF),
	ROW(  OFF,     ON(CONFIGURED),             is_wanted, configure,       0,        WAITING),
	ROW(  OFF,     ON(CONFIGURED),             always,    configure,       0,        OFF),

	QUIET(WAITING, ON(TIMEOUT) | ON(NUDGED),   always,    seek,            FX(SEEK), SEEKING),
	QUIET(WAITING, ON(RECOVERED) | ON(CANCEL), always,    wait_in_turn,    0,        WAITING),
	ROW(  WAITING, ON(CONFIGURED),             is_wanted, configure,       0,        WAITING),
	ROW(  WAITING, ON(CONFIGURED),             always,    configure,       0,        OFF),

	ROW(  SEEKING, ON(SOUGHT),                 is_first,  record,          0,        WAITING),
	QUIET(SEEKING, ON(SOUGHT),                 is_known,  record,          0,        WAITING),
	ROW(  SEEKING, ON(SOUGHT),                 is_older,  record,          0,        WAITING),
	ROW(  SEEKING, ON(SOUGHT),                 is_auto,   report,          0,        WAITING),
	ROW(  SEEKING, ON(SOUGHT),                 always,    record,          0,        WAITING),
	QUIET(SEEKING, BAD,                        always,    back_off,        0,        WAITING),
	QUIET(SEEKING, ON(RECOVERED) | ON(NUDGED), always,    seek,            FX(SEEK), SEEKING),
	QUIET(SEEKING, ON(CANCEL),                 always,    wait,            0,        WAITING),
	ROW(  SEEKING, ON(CONFIGURED),             is_wanted, configure,       0,        WAITING),
	ROW(  SEEKING, ON(CONFIGURED),             always,    configure,       0,        OFF),
};
/* clang-format on */

SPEC(poll, POLL, POLL_STATES, STATE(POLL_OFF), 0, STATE(POLL_OFF));
