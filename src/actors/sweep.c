/* sweep.c - looks at what one Docker engine really runs: at start, at an interval, and when the
 * engine says that something happened.
 *
 * Pure (see fsm.h). Looking is quiet; removing orphans is stored first, like every change of the
 * outside. After a removal it looks again, so that COLLECTING needs no answer to a nudge. */
#include <string.h>

#include "actors/ask.h"
#include "actors/fsm.h"

enum { SURVEY_MS = 60000, COLLECT_MS = 120000, BACKOFF_MAX = 4 };

GUARD(has_orphans) { return e->count > 0; }

ACTION(survey)
{
	a->deadline_ms = e->now_ms + SURVEY_MS;
	emit(a, out, (struct effect){ .kind = FX_SURVEY, .engine = a->sweep.engine });
}

ACTION(collect)
{
	a->deadline_ms = e->now_ms + COLLECT_MS;
	emit(a, out, (struct effect){ .kind = FX_COLLECT, .engine = a->sweep.engine });
}

ACTION(wait)
{
	a->sweep.failures = 0;
	memset(a->sweep.reason, 0, sizeof(a->sweep.reason));
	a->deadline_ms = e->now_ms + a->sweep.interval_ms;
}

ACTION(back_off)
{
	keep_reason(a->sweep.reason, e);
	if (a->sweep.failures < BACKOFF_MAX)
		a->sweep.failures++;
	a->deadline_ms = e->now_ms + a->sweep.interval_ms * (int64_t)a->sweep.failures;
}

ACTION(stop) {}

/* clang-format off */
#define BAD (ON(TROUBLED) | ON(TIMEOUT) | ON(REFUSED))
#define ROW(in, on, guard, action, emits, then) \
	{ SWEEP_##in, SWEEP_##then, on, guard, action, emits, false, #guard, #action }
#define QUIET(in, on, guard, action, emits, then) \
	{ SWEEP_##in, SWEEP_##then, on, guard, action, emits, true, #guard, #action }

static const struct row rows[] = {
	/*    in          on              if           do        emits        then      */
	QUIET(WAITING,    ON(START) | ON(RECOVERED) | ON(TIMEOUT) | ON(NUDGED),
	                                  always,      survey,   FX(SURVEY),  SURVEYING),
	ROW(  WAITING,    ON(CANCEL),     always,      stop,     0,           STOPPED),

	ROW(  SURVEYING,  ON(SURVEYED),   has_orphans, collect,  FX(COLLECT), COLLECTING),
	QUIET(SURVEYING,  ON(SURVEYED),   always,      wait,     0,           WAITING),
	QUIET(SURVEYING,  ON(NUDGED) | ON(RECOVERED), always, survey, FX(SURVEY), SURVEYING),
	QUIET(SURVEYING,  BAD,            always,      back_off, 0,           WAITING),
	ROW(  SURVEYING,  ON(CANCEL),     always,      stop,     0,           STOPPED),

	ROW(  COLLECTING, ON(COLLECTED) | ON(RECOVERED), always, survey, FX(SURVEY), SURVEYING),
	ROW(  COLLECTING, BAD,            always,      back_off, 0,           WAITING),
	ROW(  COLLECTING, ON(CANCEL),     always,      stop,     0,           STOPPED),
};
/* clang-format on */

SPEC(sweep, SWEEP, SWEEP_STATES, STATE(SWEEP_WAITING), STATE(SWEEP_STOPPED), 0);
