/* swap.c - one change of one route: the new version confirmed through the proxy, or the old one
 * restored.
 *
 * Pure (see fsm.h). An unclear answer never ends a swap: what may have happened is first made known
 * (switch again, read back) or harmless (restore). RESTORING has no way out but a clear answer,
 * because whoever waits for this swap removes containers when it ends. A deploy that has been switched
 * to and must go back after all begins a swap there.
 *
 * A deploy that has to stop the old version first begins at PARKING: the route leads to nobody, until
 * the deploy says GO (switch) or CANCEL (the old version runs again: restore). From there on a switch
 * that fails goes back to PARKED and not to the old version, which is stopped. A proxy where no request
 * can wait says RESTORED instead: it does not lead to the new version, that much is sure. */
#include "actors/ask.h"
#include "actors/fsm.h"

/* Longer than a proxy takes at most, its line of other changes included; an answer that never comes is
 * the exception, since every port ends each effect by a deadline of its own. */
enum {
	SWITCH_MS = 240000,
	CONFIRM_MS = 30000,
	RESTORE_MS = 240000,
	PARK_MS = 240000,
	PARKED_MS = 3600000, /* what the deploy does meanwhile has deadlines of its own */
	TRIES_MAX = 5,
};

GUARD(tries_left) { return a->swap.tries < TRIES_MAX; }
GUARD(is_parked) { return a->swap.is_parked; }

static void
await(struct actor *a, const struct event *e, struct out *out, enum effect_kind kind,
    int64_t delay_ms, int64_t ms)
{
	a->deadline_ms = e->now_ms + delay_ms + ms;
	emit(a, out,
	    (struct effect){ .kind = kind,
		.stage = a->swap.stage,
		.deploy = a->swap.body != 0 ? a->swap.body : a->swap.deploy,
		.elder = a->swap.elder,
		.delay_ms = delay_ms });
}

static int64_t
count_try(struct actor *a, const struct event *e)
{
	keep_reason(a->swap.reason, e);
	return retry_delay_ms(a->swap.tries++, e->after_ms);
}

static void
tell_deploy(struct actor *a, struct out *out, enum event_kind kind)
{
	struct event message = { .kind = kind, .to = a->swap.deploy };

	keep_text(message.text, a->swap.reason);
	tell(a, out, message);
}

ACTION(switch_route) { await(a, e, out, FX_SWITCH, 0, SWITCH_MS); }
ACTION(switch_again) { await(a, e, out, FX_SWITCH, count_try(a, e), SWITCH_MS); }
ACTION(confirm) { await(a, e, out, FX_CONFIRM, 0, CONFIRM_MS); }
ACTION(finish) { tell_deploy(a, out, EV_SWAPPED); }
ACTION(give_back) { tell_deploy(a, out, EV_UNSWAPPED); }
ACTION(restore_now) { await(a, e, out, FX_RESTORE, 0, RESTORE_MS); }

ACTION(restore)
{
	if (e->kind == EV_CANCEL)
		keep_text(a->swap.reason, "canceled");
	else
		keep_reason(a->swap.reason, e);
	a->swap.tries = 0;
	await(a, e, out, FX_RESTORE, 0, RESTORE_MS);
}

/* Keeps the reason why the route goes back; counts only for the pause. */
ACTION(restore_again)
{
	await(a, e, out, FX_RESTORE, retry_delay_ms(a->swap.tries, e->after_ms), RESTORE_MS);
	if (a->swap.tries < TRIES_MAX)
		a->swap.tries++;
}

ACTION(park) { await(a, e, out, FX_PARK, 0, PARK_MS); }
ACTION(park_again) { await(a, e, out, FX_PARK, count_try(a, e), PARK_MS); }

/* The elder may be stopped from here on. */
ACTION(clear)
{
	a->swap.is_parked = true;
	a->swap.tries = 0;
	tell_deploy(a, out, EV_CLEARED);
	a->deadline_ms = e->now_ms + PARKED_MS;
}

/* Why, the deploy knows. */
ACTION(go_back)
{
	a->swap.tries = 0;
	await(a, e, out, FX_RESTORE, 0, RESTORE_MS);
}

ACTION(wait) { a->deadline_ms = e->now_ms + PARKED_MS; }

ACTION(wait_again)
{
	tell_deploy(a, out, EV_UNSWAPPED);
	a->deadline_ms = e->now_ms + PARKED_MS;
}

ACTION(repark)
{
	if (e->kind == EV_CANCEL)
		keep_text(a->swap.reason, "canceled");
	else
		keep_reason(a->swap.reason, e);
	a->swap.tries = 0;
	await(a, e, out, FX_PARK, 0, PARK_MS);
}

/* As restore_again: the reason why the switch was given up is worth more. */
ACTION(repark_again)
{
	await(a, e, out, FX_PARK, retry_delay_ms(a->swap.tries, e->after_ms), PARK_MS);
	if (a->swap.tries < TRIES_MAX)
		a->swap.tries++;
}

/* clang-format off */
#define TRYING (ON(TROUBLED) | ON(TIMEOUT))
#define BAD    (TRYING | ON(REFUSED))
#define ROW(in, on, guard, action, emits, then) \
	{ SWAP_##in, SWAP_##then, on, guard, action, emits, false, #guard, #action }

static const struct row rows[] = {
	/*  in          on                         if          do             emits        then       */
	ROW(SWITCHING,  ON(START) | ON(RECOVERED), always,     switch_route,  FX(SWITCH),  SWITCHING),
	ROW(SWITCHING,  ON(SWITCHED),              always,     confirm,       FX(CONFIRM), CONFIRMING),
	ROW(SWITCHING,  TRYING,                    tries_left, switch_again,  FX(SWITCH),  SWITCHING),
	ROW(SWITCHING,  BAD | ON(CANCEL),          is_parked,  repark,        FX(PARK),    REPARKING),
	ROW(SWITCHING,  BAD | ON(CANCEL),          always,     restore,       FX(RESTORE), RESTORING),

	ROW(CONFIRMING, ON(CONFIRMED),             always,     finish,        0,           DONE),
	ROW(CONFIRMING, ON(RECOVERED),             always,     switch_route,  FX(SWITCH),  SWITCHING),
	ROW(CONFIRMING, TRYING,                    tries_left, switch_again,  FX(SWITCH),  SWITCHING),
	ROW(CONFIRMING, BAD | ON(CANCEL),          is_parked,  repark,        FX(PARK),    REPARKING),
	ROW(CONFIRMING, BAD | ON(CANCEL),          always,     restore,       FX(RESTORE), RESTORING),

	ROW(RESTORING,  ON(RESTORED),              always,     give_back,     0,           RESTORED),
	ROW(RESTORING,  ON(START) | ON(RECOVERED) | ON(CANCEL), always, restore_now, FX(RESTORE), RESTORING),
	ROW(RESTORING,  BAD,                       always,     restore_again, FX(RESTORE), RESTORING),

	ROW(PARKING,    ON(START) | ON(RECOVERED), always,     park,          FX(PARK),    PARKING),
	ROW(PARKING,    ON(PARKED) | ON(RESTORED), always,     clear,         0,           PARKED),
	ROW(PARKING,    TRYING,                    tries_left, park_again,    FX(PARK),    PARKING),
	ROW(PARKING,    BAD | ON(CANCEL),          always,     restore,       FX(RESTORE), RESTORING),

	ROW(PARKED,     ON(GO),                    always,     switch_route,  FX(SWITCH),  SWITCHING),
	ROW(PARKED,     ON(CANCEL),                always,     go_back,       FX(RESTORE), RESTORING),
	ROW(PARKED,     ON(TIMEOUT) | ON(RECOVERED), always,   wait,          0,           PARKED),

	ROW(REPARKING,  ON(PARKED) | ON(RESTORED), always,     wait_again,    0,           PARKED),
	ROW(REPARKING,  ON(RECOVERED) | ON(CANCEL), always,    park,          FX(PARK),    REPARKING),
	ROW(REPARKING,  BAD,                       always,     repark_again,  FX(PARK),    REPARKING),
};
/* clang-format on */

SPEC(swap, SWAP, SWAP_STATES,
    STATE(SWAP_SWITCHING) | STATE(SWAP_PARKING) | STATE(SWAP_RESTORING),
    STATE(SWAP_DONE) | STATE(SWAP_RESTORED), 0);
