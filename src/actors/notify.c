/* notify.c - one notification for one receiver: delivered, or given up where people see it.
 *
 * Pure (see fsm.h). It is born in the transaction of the step that it tells of, so the row is the
 * outbox: told is what has happened, at least once, and always under the same delivery id. One that
 * fails is tried again at growing distances for a day; it waits in PENDING, where nothing is asked,
 * so a receiver that is away for hours holds no place in the port's line. */
#include <string.h>

#include "actors/ask.h"
#include "actors/fsm.h"

enum {
	SEND_MS = 900000, /* the line before it, and one transfer */
	WAIT_MIN_MS = 5000,
	WAIT_MAX_MS = 3600000,
	LIFE_MS = 86400000, /* who hears of a deploy a day late has learned it otherwise */
};

/* Until the next try; never less than the receiver asked for. */
static int64_t
wait_ms(const struct actor *a, const struct event *e)
{
	int64_t ms = WAIT_MIN_MS;

	for (uint32_t i = 0; i < a->notify.tries && ms < WAIT_MAX_MS; i++)
		ms *= 2;
	if (ms > WAIT_MAX_MS)
		ms = WAIT_MAX_MS;
	return e->after_ms > ms ? e->after_ms : ms;
}

GUARD(is_in_time) { return e->now_ms + wait_ms(a, e) <= a->notify.created_ms + LIFE_MS; }

ACTION(send)
{
	a->deadline_ms = e->now_ms + SEND_MS;
	emit(a, out,
	    (struct effect){
		.kind = FX_NOTIFY, .stage = a->notify.stage, .deploy = a->notify.deploy });
}

/* A restart is no reason to ask sooner. */
ACTION(wait_on)
{
	a->deadline_ms = a->notify.due_ms > e->now_ms ? a->notify.due_ms : e->now_ms + 1;
}

ACTION(back_off)
{
	keep_reason(a->notify.reason, e);
	a->notify.status = e->count;
	a->notify.due_ms = e->now_ms + wait_ms(a, e);
	a->notify.tries++;
	a->deadline_ms = a->notify.due_ms;
}

ACTION(finish)
{
	memset(a->notify.reason, 0, sizeof(a->notify.reason));
	a->notify.status = e->count;
	a->notify.ended_ms = e->now_ms;
}

ACTION(give_up)
{
	keep_reason(a->notify.reason, e);
	a->notify.status = e->count;
	a->notify.ended_ms = e->now_ms;
}

/* Keeps what the receiver said last, if it ever said something. */
ACTION(drop)
{
	keep_text(a->notify.reason, e->text[0] == '\0' ? "canceled" : e->text);
	a->notify.ended_ms = e->now_ms;
}

/* clang-format off */
#define TRYING (ON(TROUBLED) | ON(TIMEOUT))
#define BAD    (TRYING | ON(REFUSED))
#define ROW(in, on, guard, action, emits, then) \
	{ NOTIFY_##in, NOTIFY_##then, on, guard, action, emits, false, #guard, #action }

static const struct row rows[] = {
	/*  in       on                       if          do        emits       then      */
	ROW(PENDING, ON(START) | ON(TIMEOUT), always,     send,     FX(NOTIFY), SENDING),
	ROW(PENDING, ON(RECOVERED),           always,     wait_on,  0,          PENDING),
	ROW(PENDING, ON(CANCEL),              always,     drop,     0,          GIVEN_UP),

	ROW(SENDING, ON(NOTIFIED),            always,     finish,   0,          DELIVERED),
	ROW(SENDING, ON(RECOVERED),           always,     send,     FX(NOTIFY), SENDING),
	ROW(SENDING, TRYING,                  is_in_time, back_off, 0,          PENDING),
	ROW(SENDING, BAD,                     always,     give_up,  0,          GIVEN_UP),
	ROW(SENDING, ON(CANCEL),              always,     drop,     0,          GIVEN_UP),
};
/* clang-format on */

SPEC(notify, NOTIFY, NOTIFY_STATES, STATE(NOTIFY_PENDING),
    STATE(NOTIFY_DELIVERED) | STATE(NOTIFY_GIVEN_UP), 0);
