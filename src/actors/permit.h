/* permit.h - may this version go now? The terms of a stage, judged.
 *
 * The one idea: a pure question about a stage, a deploy that asks (READY, or PASSING before its traffic
 * moves) and the terms that the runtime filled into its event. A rollback goes under any terms: it
 * brings back what this stage has served, and it is how harm is ended. */
#ifndef SLIPWAY_ACTORS_PERMIT_H
#define SLIPWAY_ACTORS_PERMIT_H

#include "actors/fsm.h"

enum permit_verdict {
	PERMIT_GO,
	PERMIT_WAIT, /* time or a person may change that */
	PERMIT_DENY,
};

enum {
	PENDING_LOOK_MS = 3600000, /* nobody tells what changes in another stage: look again */
	PENDING_DAYS_MAX = 62, /* a soak and approvals of 30 days each fit */
};

struct permit {
	int64_t after_ms; /* WAIT: when to ask again */
	char text[REASON_SIZE]; /* WAIT, DENY: why, for a person */
};

/* ret: NULL allowed. */
enum permit_verdict
permit_judge(const struct stage *stage, const struct event *e, struct permit *ret);

/* A hook or a poll wants it, and no person. */
bool permit_is_by_machine(const struct event *e);

/* For actions: says it to the deploy that asked. */
void permit_answer(
    const struct actor *a, const struct event *e, struct out *out, enum event_kind kind);

void permit_freeze(struct stage *stage, const struct event *frozen);
void permit_thaw(struct stage *stage);

#endif
