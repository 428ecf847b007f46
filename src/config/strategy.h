/* strategy.h - the planner: which strategy a stage gets, why, and what that means for its requests.
 *
 * The one idea: it is known from the configuration alone, before anything is deployed. `slipway check`,
 * `slipway plan`, the API, the deploy's log and the machine all get the same answer from here. */
#ifndef SLIPWAY_CONFIG_STRATEGY_H
#define SLIPWAY_CONFIG_STRATEGY_H

#include "base/strategy.h"
#include "config/spec.h"

struct strategy_plan {
	enum strategy strategy;
	const char *name; /* as slipway.yml has it: "stop-first" */
	const char *promise; /* what becomes of requests, for a person */
	char reason[REASON_SIZE]; /* why this one */
	char refusal
	    [REASON_SIZE]; /* the stage names one that cannot work, and why; "": it can */
	/* The verification window behind the switch, for a person; "": none is asked for. */
	char window[REASON_SIZE];
	/* Nobody answers from the stop of the old version to the start of the new one: */
	int64_t expected_ms; /* for an app that ends and starts at once */
	int64_t most_ms; /* with every second that the stage is given */
};

/* is_by_edge: requests come by the edge, so that they can wait there. */
void
strategy_plan(const struct stage_spec *spec, bool is_by_edge, struct strategy_plan *ret_plan);

/* "blue-green" and the others; the value of `strategy` in a stage may also be "auto". */
const char *strategy_name(enum strategy strategy);

/* In one line: "stop-first: ...". */
void strategy_describe(const struct strategy_plan *plan, struct buf *to);

#endif
