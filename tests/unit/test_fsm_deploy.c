/* test_fsm_deploy.c - a deploy, cell by cell: what each state does at each event, said once more
 * and in words of effects; and what is in no line here must be refused. */
#include "fsm_bed.h"

enum {
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
	RESOLVE_MS = MINUTE,
	QUEUE_MS = 4 * HOUR,
	PULL_MS = 30 * MINUTE,
	RUN_MS = 2 * MINUTE,
	PROBE_MS = 130 * MINUTE,
	SWAP_MS = 10 * MINUTE,
	DRAIN_MS = HOUR + 100 * SECOND,
	RETIRE_MS = HOUR + 5 * MINUTE,
	PASS_MS = MINUTE,
	HALT_MS = RETIRE_MS,
	LONGEST_MS = 20 * SECOND, /* after many tries */
	TASK_MS = 13 * HOUR + 5 * MINUTE,
	REMOVE_MS = HOUR + 5 * MINUTE,
	VERIFY_MS = HOUR + 5 * MINUTE,
	PAUSE_MS = 6 * SECOND, /* as the peer asks; longer than the third pause of its own */
};

enum tries { KEEPS, BEGINS, COUNTS }; /* the first of them; one more */
enum reason { SAME, NONE, TOLD, CANCELED, UNTIDY, UNTIDY_STOP, FLAWED, BORROWED };

enum given {
	USUAL,
	SPENT = 1,
	NO_ROUTE = 2,
	NO_ELDER = 4,
	FORCED = 8,
	HALTS = 16, /* the elder is stopped first */
	GONE = 32, /* somebody has canceled it meanwhile */
	MIGRATES = 64,
	GOES_BACK = 128,
	HOOKS = 256, /* before and after the switch, and after the retirement */
	ON_TRIAL = 512, /* the one after the switch leads back when it fails */
	WARM = 1024, /* it borrows the containers of 5 */
	SPARED = 2048, /* it is told that it may */
	KEEPING = 4096, /* the elder is kept warm */
	WATCHED = 8192, /* behind its switch, and the elder runs on */
	NO_AFTER = 16384, /* of the hooks: none after the switch */
	NO_RETIRE = 32768, /* of the hooks: none after the retirement */
	STOPS = 65536 /* it starts nothing: the stage shall be stopped */
};

struct duty {
	enum deploy_state in;
	uint64_t on;
	unsigned given;
	enum deploy_state to;
	uint64_t asks;
	int64_t wait_ms; /* until its deadline; 0: none */
	enum tries tries; /* COUNTS: and the effect is delayed */
	enum reason reason;
	uint64_t tells; /* the stage, but CANCEL and GO the swap */
};

#define CLEAR (ON(TROUBLED) | ON(TIMEOUT))
#define ANY (CLEAR | ON(REFUSED))
#define ENTER (ON(START) | ON(RECOVERED))
#define LATE (ON(RECOVERED) | ON(CANCEL)) /* to cancel */

/* clang-format off */
static const struct duty duties[] = {
	{ DEPLOY_RESOLVING, ENTER, USUAL, DEPLOY_RESOLVING, FX(RESOLVE), RESOLVE_MS, KEEPS, SAME, 0 },
	{ DEPLOY_RESOLVING, ON(RESOLVED), USUAL, DEPLOY_QUEUED, 0, QUEUE_MS, KEEPS, NONE, ON(READY) },
	{ DEPLOY_RESOLVING, CLEAR, USUAL, DEPLOY_RESOLVING, FX(RESOLVE), RESOLVE_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_RESOLVING, CLEAR, SPENT, DEPLOY_FAILED, 0, 0, KEEPS, TOLD, ON(ENDED) },
	{ DEPLOY_RESOLVING, ON(REFUSED), USUAL, DEPLOY_FAILED, 0, 0, KEEPS, TOLD, ON(ENDED) },
	{ DEPLOY_RESOLVING, ON(CANCEL), USUAL, DEPLOY_CANCELED, 0, 0, KEEPS, CANCELED, ON(ENDED) },

	{ DEPLOY_QUEUED, ENTER, USUAL, DEPLOY_QUEUED, 0, QUEUE_MS, KEEPS, SAME, ON(READY) },
	{ DEPLOY_QUEUED, ON(GRANTED), USUAL, DEPLOY_PULLING, FX(PULL), PULL_MS, BEGINS, NONE, 0 },
	/* What runs already is only asked whether it still answers. */
	{ DEPLOY_QUEUED, ON(GRANTED), SPARED, DEPLOY_PROBING, FX(PROBE), PROBE_MS, BEGINS, NONE, 0 },
	/* Who stops the stage pulls nothing and starts nothing, even where something is kept warm. */
	{ DEPLOY_QUEUED, ON(GRANTED), STOPS, DEPLOY_SWAPPING, 0, SWAP_MS, KEEPS, NONE, 0 },
	{ DEPLOY_QUEUED, ON(GRANTED), STOPS | NO_ROUTE, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_QUEUED, ON(GRANTED), STOPS | NO_ROUTE | SPARED, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_RETIRING, ON(RETIRED), STOPS | HOOKS, DEPLOY_STOPPED, 0, 0, KEEPS, NONE, ON(ENDED) },
	{ DEPLOY_RETIRING, ON(RETIRED), STOPS, DEPLOY_STOPPED, 0, 0, KEEPS, NONE, ON(ENDED) },
	{ DEPLOY_RETIRING, CLEAR, STOPS, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_RETIRING, ANY, STOPS | SPENT, DEPLOY_STOPPED, 0, 0, KEEPS, UNTIDY_STOP, ON(ENDED) },
	{ DEPLOY_SWAPPING, ON(SWAPPED), STOPS, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_SWAPPING, ON(UNSWAPPED), STOPS, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(GIVEN_UP) },

	{ DEPLOY_QUEUED, ON(MERGED), USUAL, DEPLOY_SKIPPED, 0, 0, KEEPS, TOLD, 0 },
	{ DEPLOY_QUEUED, ON(MERGED), FORCED, DEPLOY_SKIPPED, 0, 0, KEEPS, TOLD, 0 },
	{ DEPLOY_QUEUED, ON(SUPERSEDED), USUAL, DEPLOY_SUPERSEDED, 0, 0, KEEPS, TOLD, 0 },
	{ DEPLOY_QUEUED, ON(SUPERSEDED), FORCED, DEPLOY_SUPERSEDED, 0, 0, KEEPS, TOLD, 0 },
	/* However much it insists. */
	{ DEPLOY_QUEUED, ON(HELD), USUAL, DEPLOY_SKIPPED, 0, 0, KEEPS, TOLD, 0 },
	{ DEPLOY_QUEUED, ON(HELD), FORCED, DEPLOY_SKIPPED, 0, 0, KEEPS, TOLD, 0 },
	/* Its stage's terms: not at all, not yet, and now that the turn is free or the terms changed. */
	{ DEPLOY_QUEUED, ON(DENIED), USUAL, DEPLOY_REFUSED, 0, 0, KEEPS, TOLD, 0 },
	{ DEPLOY_QUEUED, ON(DENIED), FORCED, DEPLOY_REFUSED, 0, 0, KEEPS, TOLD, 0 },
	{ DEPLOY_QUEUED, ON(DEFERRED), USUAL, DEPLOY_PENDING, 0, PAUSE_MS, KEEPS, TOLD, 0 },
	{ DEPLOY_QUEUED, ON(RECALLED), USUAL, DEPLOY_QUEUED, 0, QUEUE_MS, KEEPS, SAME, ON(READY) },
	{ DEPLOY_QUEUED, ON(TIMEOUT), USUAL, DEPLOY_FAILED, 0, 0, KEEPS, TOLD, ON(ENDED) },
	{ DEPLOY_QUEUED, ON(CANCEL), USUAL, DEPLOY_CANCELED, 0, 0, KEEPS, CANCELED, ON(ENDED) },

	/* What changes unheard is noticed when it asks by itself. */
	{ DEPLOY_PENDING, ON(TIMEOUT) | ON(RECOVERED) | ON(RECALLED), USUAL, DEPLOY_QUEUED, 0, QUEUE_MS, KEEPS, SAME, ON(READY) },
	{ DEPLOY_PENDING, ON(APPROVED), USUAL, DEPLOY_QUEUED, 0, QUEUE_MS, KEEPS, SAME, ON(READY) },
	{ DEPLOY_PENDING, ON(REJECTED), USUAL, DEPLOY_REFUSED, 0, 0, KEEPS, TOLD, ON(ENDED) },
	{ DEPLOY_PENDING, ON(SUPERSEDED), USUAL, DEPLOY_SUPERSEDED, 0, 0, KEEPS, TOLD, 0 },
	{ DEPLOY_PENDING, ON(CANCEL), USUAL, DEPLOY_CANCELED, 0, 0, KEEPS, CANCELED, ON(ENDED) },

	{ DEPLOY_PULLING, ON(PULLED), USUAL, DEPLOY_STARTING, FX(RUN), RUN_MS, BEGINS, NONE, 0 },
	{ DEPLOY_PULLING, ON(PULLED), MIGRATES, DEPLOY_MIGRATING, FX(MIGRATE), TASK_MS, BEGINS, NONE, 0 },
	{ DEPLOY_PULLING, ON(PULLED), MIGRATES | GOES_BACK, DEPLOY_STARTING, FX(RUN), RUN_MS, BEGINS, NONE, 0 },
	{ DEPLOY_PULLING, ON(RECOVERED), USUAL, DEPLOY_PULLING, FX(PULL), PULL_MS, KEEPS, SAME, 0 },
	{ DEPLOY_PULLING, CLEAR, USUAL, DEPLOY_PULLING, FX(PULL), PULL_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_PULLING, CLEAR, SPENT, DEPLOY_FAILED, 0, 0, KEEPS, TOLD, ON(ENDED) },
	{ DEPLOY_PULLING, ON(REFUSED), USUAL, DEPLOY_FAILED, 0, 0, KEEPS, TOLD, ON(ENDED) },
	{ DEPLOY_PULLING, ON(CANCEL), USUAL, DEPLOY_CANCELED, 0, 0, KEEPS, CANCELED, ON(ENDED) },

	/* The elder first; but there may be none, or none that a request can find. */
	{ DEPLOY_PULLING, ON(PULLED), HALTS, DEPLOY_PARKING, 0, SWAP_MS, KEEPS, NONE, 0 },
	{ DEPLOY_PULLING, ON(PULLED), HALTS | NO_ROUTE, DEPLOY_HALTING, FX(HALT), HALT_MS, BEGINS, NONE, 0 },
	{ DEPLOY_PULLING, ON(PULLED), HALTS | NO_ELDER, DEPLOY_STARTING, FX(RUN), RUN_MS, BEGINS, NONE, 0 },

	{ DEPLOY_PARKING, ON(CLEARED), HALTS, DEPLOY_HALTING, FX(HALT), HALT_MS, BEGINS, NONE, 0 },
	{ DEPLOY_PARKING, ON(UNSWAPPED), HALTS, DEPLOY_FAILED, 0, 0, KEEPS, TOLD, ON(ENDED) },
	{ DEPLOY_PARKING, ON(CANCEL), HALTS, DEPLOY_RETURNING, 0, SWAP_MS, KEEPS, CANCELED, ON(CANCEL) | ON(GIVEN_UP) },
	{ DEPLOY_PARKING, ON(TIMEOUT) | ON(RECOVERED), HALTS, DEPLOY_PARKING, 0, SWAP_MS, KEEPS, SAME, 0 },

	{ DEPLOY_HALTING, ON(HALTED), HALTS, DEPLOY_STARTING, FX(RUN), RUN_MS, BEGINS, NONE, 0 },
	{ DEPLOY_HALTING, ON(RECOVERED), HALTS, DEPLOY_HALTING, FX(HALT), HALT_MS, KEEPS, SAME, 0 },
	{ DEPLOY_HALTING, CLEAR, HALTS, DEPLOY_HALTING, FX(HALT), HALT_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_HALTING, CLEAR, HALTS | SPENT, DEPLOY_REVIVING, FX(REVIVE), RUN_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	{ DEPLOY_HALTING, ON(REFUSED), HALTS, DEPLOY_REVIVING, FX(REVIVE), RUN_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	{ DEPLOY_HALTING, ON(CANCEL), HALTS, DEPLOY_REVIVING, FX(REVIVE), RUN_MS, BEGINS, CANCELED, ON(GIVEN_UP) },

	{ DEPLOY_MIGRATING, ON(MIGRATED), MIGRATES, DEPLOY_STARTING, FX(RUN), RUN_MS, BEGINS, NONE, 0 },
	/* And then the elder, where it is stopped first. */
	{ DEPLOY_PULLING, ON(PULLED), MIGRATES | HALTS, DEPLOY_MIGRATING, FX(MIGRATE), TASK_MS, BEGINS, NONE, 0 },
	{ DEPLOY_MIGRATING, ON(MIGRATED), MIGRATES | HALTS, DEPLOY_PARKING, 0, SWAP_MS, KEEPS, NONE, 0 },
	{ DEPLOY_MIGRATING, ON(MIGRATED), MIGRATES | HALTS | NO_ROUTE, DEPLOY_HALTING, FX(HALT), HALT_MS, BEGINS, NONE, 0 },
	{ DEPLOY_MIGRATING, ON(CANCEL), MIGRATES | HALTS, DEPLOY_STOPPING, FX(REMOVE), REMOVE_MS, BEGINS, CANCELED, ON(GIVEN_UP) },
	{ DEPLOY_MIGRATING, ON(RECOVERED), MIGRATES, DEPLOY_MIGRATING, FX(MIGRATE), TASK_MS, KEEPS, SAME, 0 },
	{ DEPLOY_MIGRATING, CLEAR, MIGRATES, DEPLOY_MIGRATING, FX(MIGRATE), TASK_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_MIGRATING, CLEAR, MIGRATES | SPENT, DEPLOY_STOPPING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	{ DEPLOY_MIGRATING, ON(REFUSED), MIGRATES, DEPLOY_STOPPING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(CONDEMNED) },
	{ DEPLOY_MIGRATING, ON(CANCEL), MIGRATES, DEPLOY_STOPPING, FX(REMOVE), REMOVE_MS, BEGINS, CANCELED, ON(GIVEN_UP) },

	{ DEPLOY_STARTING, ON(STARTED), USUAL, DEPLOY_PROBING, FX(PROBE), PROBE_MS, BEGINS, NONE, 0 },
	{ DEPLOY_STARTING, ON(RECOVERED), USUAL, DEPLOY_STARTING, FX(RUN), RUN_MS, KEEPS, SAME, 0 },
	{ DEPLOY_STARTING, CLEAR, USUAL, DEPLOY_STARTING, FX(RUN), RUN_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_STARTING, CLEAR, SPENT, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	{ DEPLOY_STARTING, ON(REFUSED), USUAL, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(CONDEMNED) },
	{ DEPLOY_STARTING, ON(CANCEL), USUAL, DEPLOY_CANCELING, FX(REMOVE), REMOVE_MS, BEGINS, CANCELED, ON(GIVEN_UP) },

	/* Healthy is not enough: the stage has the last word before traffic moves. */
	{ DEPLOY_PROBING, ON(HEALTHY), USUAL, DEPLOY_PROBING, 0, PASS_MS, KEEPS, SAME, ON(PASSING) },
	{ DEPLOY_PROBING, ON(HEALTHY), NO_ROUTE | NO_ELDER, DEPLOY_PROBING, 0, PASS_MS, KEEPS, SAME, ON(PASSING) },
	{ DEPLOY_PROBING, ON(HEALTHY), HOOKS, DEPLOY_PRE_SWITCH, FX(HOOK), TASK_MS, BEGINS, NONE, 0 },
	{ DEPLOY_PROBING, ON(GRANTED), HOOKS, DEPLOY_SWAPPING, 0, SWAP_MS, KEEPS, NONE, 0 },
	{ DEPLOY_PROBING, ON(GRANTED), NO_ROUTE | HOOKS, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_PROBING, ON(GRANTED), NO_ROUTE | ON_TRIAL, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, BEGINS, NONE, 0 },
	{ DEPLOY_PROBING, ON(GRANTED), NO_ROUTE | NO_ELDER | ON_TRIAL, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_PROBING, ON(GRANTED), NO_ROUTE | HOOKS | NO_AFTER, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_PROBING, ON(GRANTED), NO_ROUTE | HOOKS | WATCHED, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, BEGINS, NONE, 0 },
	{ DEPLOY_PROBING, ON(GRANTED), USUAL, DEPLOY_SWAPPING, 0, SWAP_MS, KEEPS, NONE, 0 },
	{ DEPLOY_PROBING, ON(GRANTED), NO_ELDER, DEPLOY_SWAPPING, 0, SWAP_MS, KEEPS, NONE, 0 },
	{ DEPLOY_PROBING, ON(GRANTED), NO_ROUTE, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_PROBING, ON(GRANTED), NO_ROUTE | NO_ELDER, DEPLOY_LIVE, 0, 0, KEEPS, NONE, ON(MOVED) | ON(ENDED) },
	/* That is no fault of the version. */
	{ DEPLOY_PROBING, ON(DENIED), USUAL, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	/* The swap has begun already, and waits. */
	{ DEPLOY_PROBING, ON(GRANTED), HALTS, DEPLOY_SWAPPING, 0, SWAP_MS, KEEPS, NONE, ON(GO) },
	{ DEPLOY_PROBING, ON(GRANTED), HALTS | NO_ROUTE, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_PROBING, ON(GRANTED), HALTS | NO_ELDER, DEPLOY_SWAPPING, 0, SWAP_MS, KEEPS, NONE, 0 },
	{ DEPLOY_PROBING, ON(GRANTED), WARM, DEPLOY_SWAPPING, 0, SWAP_MS, KEEPS, NONE, 0 },
	/* What was kept warm answers no more: it is started anew, and that is nobody's fault. */
	{ DEPLOY_PROBING, ANY, WARM, DEPLOY_PULLING, FX(PULL), PULL_MS, BEGINS, NONE, 0 },
	{ DEPLOY_PROBING, ON(RECOVERED), WARM, DEPLOY_PROBING, FX(PROBE), PROBE_MS, KEEPS, SAME, 0 },
	{ DEPLOY_PROBING, ON(DENIED), WARM, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	{ DEPLOY_PROBING, ON(CANCEL), WARM, DEPLOY_CANCELING, FX(REMOVE), REMOVE_MS, BEGINS, CANCELED, ON(GIVEN_UP) },
	{ DEPLOY_PROBING, ON(RECOVERED), USUAL, DEPLOY_PROBING, FX(PROBE), PROBE_MS, KEEPS, SAME, 0 },
	{ DEPLOY_PROBING, ON(TROUBLED), USUAL, DEPLOY_PROBING, FX(PROBE), PROBE_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_PROBING, ON(TROUBLED), SPENT, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	{ DEPLOY_PROBING, ON(TIMEOUT), USUAL, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	/* Trouble is no fault of the version; this is. */
	{ DEPLOY_PROBING, ON(REFUSED), USUAL, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(CONDEMNED) },
	{ DEPLOY_PROBING, ON(CANCEL), USUAL, DEPLOY_CANCELING, FX(REMOVE), REMOVE_MS, BEGINS, CANCELED, ON(GIVEN_UP) },

	/* What it depends on may have changed meanwhile: the stage has the last word again. */
	{ DEPLOY_PRE_SWITCH, ON(HOOKED), HOOKS, DEPLOY_PROBING, 0, PASS_MS, KEEPS, SAME, ON(PASSING) },
	{ DEPLOY_PRE_SWITCH, ON(RECOVERED), HOOKS, DEPLOY_PRE_SWITCH, FX(HOOK), TASK_MS, KEEPS, SAME, 0 },
	{ DEPLOY_PRE_SWITCH, CLEAR, HOOKS, DEPLOY_PRE_SWITCH, FX(HOOK), TASK_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_PRE_SWITCH, CLEAR, HOOKS | SPENT, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	{ DEPLOY_PRE_SWITCH, ON(REFUSED), HOOKS, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(CONDEMNED) },
	{ DEPLOY_PRE_SWITCH, ON(CANCEL), HOOKS, DEPLOY_CANCELING, FX(REMOVE), REMOVE_MS, BEGINS, CANCELED, ON(GIVEN_UP) },

	/* On trial the version before is what counts, as long as there is one. */
	{ DEPLOY_SWAPPING, ON(SWAPPED), HOOKS, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_SWAPPING, ON(SWAPPED), ON_TRIAL, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, BEGINS, NONE, 0 },
	{ DEPLOY_SWAPPING, ON(SWAPPED), ON_TRIAL | NO_ELDER, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_SWAPPING, ON(SWAPPED), HOOKS | NO_AFTER, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	/* A swap is of a route: nobody asks for it again. */
	{ DEPLOY_SWAPPING, ON(SWAPPED), NO_ROUTE, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_SWAPPING, ON(SWAPPED), NO_ROUTE | WATCHED, DEPLOY_VERIFYING, FX(VERIFY), VERIFY_MS, BEGINS, NONE, 0 },
	{ DEPLOY_SWAPPING, ON(SWAPPED), USUAL, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_SWAPPING, ON(SWAPPED), KEEPING, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_SWAPPING, ON(SWAPPED), WARM | KEEPING, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_SWAPPING, ON(SWAPPED), NO_ELDER, DEPLOY_LIVE, 0, 0, KEEPS, NONE, ON(MOVED) | ON(ENDED) },
	{ DEPLOY_SWAPPING, ON(UNSWAPPED), USUAL, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	{ DEPLOY_SWAPPING, ON(CANCEL), USUAL, DEPLOY_ABORTING, 0, SWAP_MS, KEEPS, CANCELED, ON(CANCEL) | ON(GIVEN_UP) },
	{ DEPLOY_SWAPPING, ON(TIMEOUT) | ON(RECOVERED), USUAL, DEPLOY_SWAPPING, 0, SWAP_MS, KEEPS, SAME, 0 },

	{ DEPLOY_ABORTING, ON(UNSWAPPED), USUAL, DEPLOY_CANCELING, FX(REMOVE), REMOVE_MS, BEGINS, CANCELED, ON(GIVEN_UP) },
	{ DEPLOY_ABORTING, LATE | ON(TIMEOUT), USUAL, DEPLOY_ABORTING, 0, SWAP_MS, KEEPS, SAME, 0 },

	{ DEPLOY_POST_SWITCH, ON(HOOKED), HOOKS, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, 0 },
	{ DEPLOY_POST_SWITCH, ON(HOOKED), ON_TRIAL, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_POST_SWITCH, ON(HOOKED), HOOKS | NO_ROUTE, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, 0 },
	{ DEPLOY_POST_SWITCH, ON(HOOKED), HOOKS | NO_ELDER, DEPLOY_LIVE, 0, 0, KEEPS, NONE, ON(ENDED) },
	{ DEPLOY_POST_SWITCH, LATE, HOOKS, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, KEEPS, SAME, 0 },
	{ DEPLOY_POST_SWITCH, ON(RECOVERED), ON_TRIAL, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, KEEPS, SAME, 0 },
	{ DEPLOY_POST_SWITCH, CLEAR, HOOKS, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_POST_SWITCH, CLEAR, ON_TRIAL, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, COUNTS, TOLD, 0 },
	/* The traffic has moved for good: it goes on, and is told of in the end. */
	{ DEPLOY_POST_SWITCH, ON(REFUSED), HOOKS, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, 0 },
	{ DEPLOY_POST_SWITCH, CLEAR, HOOKS | SPENT, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, 0 },
	{ DEPLOY_POST_SWITCH, ON(REFUSED), HOOKS | NO_ROUTE, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, 0 },
	{ DEPLOY_POST_SWITCH, CLEAR, HOOKS | SPENT | NO_ROUTE, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, 0 },
	{ DEPLOY_POST_SWITCH, ON(REFUSED), HOOKS | NO_ELDER, DEPLOY_LIVE, 0, 0, KEEPS, FLAWED, ON(ENDED) },
	{ DEPLOY_POST_SWITCH, ON(REFUSED), ON_TRIAL | NO_ELDER, DEPLOY_LIVE, 0, 0, KEEPS, FLAWED, ON(ENDED) },
	/* It has not: back to the version before, which still runs. */
	{ DEPLOY_POST_SWITCH, ON(REFUSED), ON_TRIAL, DEPLOY_SWAPPING_BACK, 0, SWAP_MS, KEEPS, TOLD, ON(CONDEMNED) },
	{ DEPLOY_POST_SWITCH, CLEAR, ON_TRIAL | SPENT, DEPLOY_SWAPPING_BACK, 0, SWAP_MS, KEEPS, TOLD, ON(GIVEN_UP) },
	{ DEPLOY_POST_SWITCH, ON(CANCEL), ON_TRIAL, DEPLOY_ABORTING, 0, SWAP_MS, KEEPS, CANCELED, ON(GIVEN_UP) },
	{ DEPLOY_POST_SWITCH, ON(REFUSED), ON_TRIAL | NO_ROUTE, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(CONDEMNED) },
	{ DEPLOY_POST_SWITCH, CLEAR, ON_TRIAL | NO_ROUTE | SPENT, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	{ DEPLOY_POST_SWITCH, CLEAR, ON_TRIAL | WATCHED | NO_ROUTE | SPENT, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	{ DEPLOY_POST_SWITCH, ON(CANCEL), ON_TRIAL | NO_ROUTE, DEPLOY_CANCELING, FX(REMOVE), REMOVE_MS, BEGINS, CANCELED, ON(GIVEN_UP) },

	/* With a window behind it, it is on trial whatever the hook says; only its failure is told in the end. */
	{ DEPLOY_SWAPPING, ON(SWAPPED), HOOKS | WATCHED, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, BEGINS, NONE, 0 },
	{ DEPLOY_SWAPPING, ON(SWAPPED), HOOKS | WATCHED | GOES_BACK, DEPLOY_POST_SWITCH, FX(HOOK), TASK_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_POST_SWITCH, ON(HOOKED), HOOKS | WATCHED, DEPLOY_VERIFYING, FX(VERIFY), VERIFY_MS, BEGINS, NONE, 0 },
	{ DEPLOY_POST_SWITCH, ON(HOOKED), HOOKS | WATCHED | GOES_BACK, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, 0 },
	{ DEPLOY_POST_SWITCH, ON(HOOKED), HOOKS | WATCHED | NO_ROUTE, DEPLOY_VERIFYING, FX(VERIFY), VERIFY_MS, BEGINS, NONE, 0 },
	{ DEPLOY_POST_SWITCH, ON(HOOKED), ON_TRIAL | WATCHED, DEPLOY_VERIFYING, FX(VERIFY), VERIFY_MS, BEGINS, NONE, 0 },
	{ DEPLOY_POST_SWITCH, ON(REFUSED), HOOKS | WATCHED, DEPLOY_VERIFYING, FX(VERIFY), VERIFY_MS, BEGINS, NONE, 0 },
	{ DEPLOY_POST_SWITCH, CLEAR, HOOKS | WATCHED | SPENT, DEPLOY_VERIFYING, FX(VERIFY), VERIFY_MS, BEGINS, NONE, 0 },
	{ DEPLOY_POST_SWITCH, ON(REFUSED), ON_TRIAL | WATCHED, DEPLOY_SWAPPING_BACK, 0, SWAP_MS, KEEPS, TOLD, ON(CONDEMNED) },
	{ DEPLOY_POST_SWITCH, ON(CANCEL), HOOKS | WATCHED, DEPLOY_ABORTING, 0, SWAP_MS, KEEPS, CANCELED, ON(GIVEN_UP) },
	{ DEPLOY_POST_SWITCH, ON(CANCEL), HOOKS | WATCHED | NO_ROUTE, DEPLOY_CANCELING, FX(REMOVE), REMOVE_MS, BEGINS, CANCELED, ON(GIVEN_UP) },

	/* Not without a version that runs to go back to; and what somebody has just left is none. */
	{ DEPLOY_SWAPPING, ON(SWAPPED), WATCHED, DEPLOY_VERIFYING, FX(VERIFY), VERIFY_MS, BEGINS, NONE, 0 },
	{ DEPLOY_SWAPPING, ON(SWAPPED), WATCHED | KEEPING, DEPLOY_VERIFYING, FX(VERIFY), VERIFY_MS, BEGINS, NONE, 0 },
	{ DEPLOY_SWAPPING, ON(SWAPPED), WATCHED | NO_ELDER, DEPLOY_LIVE, 0, 0, KEEPS, NONE, ON(MOVED) | ON(ENDED) },
	{ DEPLOY_SWAPPING, ON(SWAPPED), WATCHED | HALTS, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_SWAPPING, ON(SWAPPED), WATCHED | WARM, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_SWAPPING, ON(SWAPPED), WATCHED | GOES_BACK, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_PROBING, ON(GRANTED), NO_ROUTE | WATCHED, DEPLOY_VERIFYING, FX(VERIFY), VERIFY_MS, BEGINS, NONE, 0 },
	{ DEPLOY_PROBING, ON(GRANTED), NO_ROUTE | WATCHED | HALTS, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_PROBING, ON(GRANTED), NO_ROUTE | WATCHED | NO_ELDER, DEPLOY_LIVE, 0, 0, KEEPS, NONE, ON(MOVED) | ON(ENDED) },

	{ DEPLOY_VERIFYING, ON(VERIFIED), WATCHED, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_VERIFYING, ON(VERIFIED), WATCHED | KEEPING, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_VERIFYING, ON(VERIFIED), WATCHED | NO_ROUTE, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, ON(MOVED) },
	/* It counts on from where it was. */
	{ DEPLOY_VERIFYING, ON(RECOVERED), WATCHED, DEPLOY_VERIFYING, FX(VERIFY), VERIFY_MS, KEEPS, SAME, 0 },
	{ DEPLOY_VERIFYING, CLEAR, WATCHED, DEPLOY_VERIFYING, FX(VERIFY), VERIFY_MS, COUNTS, TOLD, 0 },
	/* Whoever cannot look condemns nothing. */
	{ DEPLOY_VERIFYING, CLEAR, WATCHED | SPENT, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_VERIFYING, CLEAR, WATCHED | SPENT | NO_ROUTE, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, ON(MOVED) },
	{ DEPLOY_VERIFYING, ON(REFUSED), WATCHED, DEPLOY_SWAPPING_BACK, 0, SWAP_MS, KEEPS, TOLD, ON(CONDEMNED) },
	{ DEPLOY_VERIFYING, ON(REFUSED), WATCHED | NO_ROUTE, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(CONDEMNED) },
	{ DEPLOY_VERIFYING, ON(CANCEL), WATCHED, DEPLOY_ABORTING, 0, SWAP_MS, KEEPS, CANCELED, ON(GIVEN_UP) },
	{ DEPLOY_VERIFYING, ON(CANCEL), WATCHED | NO_ROUTE, DEPLOY_CANCELING, FX(REMOVE), REMOVE_MS, BEGINS, CANCELED, ON(GIVEN_UP) },

	/* The route decides; whether there is a version before was asked when the window began. */
	{ DEPLOY_VERIFYING, ON(REFUSED), WATCHED | NO_ELDER, DEPLOY_SWAPPING_BACK, 0, SWAP_MS, KEEPS, TOLD, ON(CONDEMNED) },
	{ DEPLOY_VERIFYING, ON(CANCEL), WATCHED | NO_ELDER, DEPLOY_ABORTING, 0, SWAP_MS, KEEPS, CANCELED, ON(GIVEN_UP) },
	{ DEPLOY_VERIFYING, ON(VERIFIED), WATCHED | NO_ELDER, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, BEGINS, NONE, ON(MOVED) },

	{ DEPLOY_SWAPPING_BACK, ON(UNSWAPPED), ON_TRIAL, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, BEGINS, TOLD, ON(GIVEN_UP) },
	{ DEPLOY_SWAPPING_BACK, LATE | ON(TIMEOUT), ON_TRIAL, DEPLOY_SWAPPING_BACK, 0, SWAP_MS, KEEPS, SAME, 0 },

	{ DEPLOY_DRAINING, ON(DRAINED), USUAL, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, 0 },
	{ DEPLOY_DRAINING, LATE, USUAL, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, KEEPS, SAME, 0 },
	{ DEPLOY_DRAINING, ANY, USUAL, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_DRAINING, ANY, SPENT, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, BEGINS, NONE, 0 },

	/* It runs on, without requests. */
	{ DEPLOY_DRAINING, ON(DRAINED), KEEPING, DEPLOY_LIVE, 0, 0, KEEPS, NONE, ON(ENDED) },
	{ DEPLOY_DRAINING, ON(DRAINED), WARM | KEEPING, DEPLOY_LIVE, 0, 0, KEEPS, BORROWED, ON(ENDED) },
	{ DEPLOY_DRAINING, ANY, KEEPING, DEPLOY_DRAINING, FX(DRAIN), DRAIN_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_DRAINING, ANY, KEEPING | SPENT, DEPLOY_LIVE, 0, 0, KEEPS, NONE, ON(ENDED) },

	{ DEPLOY_RETIRING, ON(RETIRED), WARM, DEPLOY_LIVE, 0, 0, KEEPS, BORROWED, ON(ENDED) },
	{ DEPLOY_RETIRING, ON(RETIRED), USUAL, DEPLOY_LIVE, 0, 0, KEEPS, NONE, ON(ENDED) },
	{ DEPLOY_RETIRING, ON(RETIRED), HOOKS, DEPLOY_POST_RETIRE, FX(HOOK), TASK_MS, BEGINS, NONE, 0 },
	{ DEPLOY_RETIRING, ON(RETIRED), HOOKS | NO_RETIRE, DEPLOY_LIVE, 0, 0, KEEPS, NONE, ON(ENDED) },
	{ DEPLOY_RETIRING, LATE, USUAL, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, KEEPS, SAME, 0 },
	{ DEPLOY_RETIRING, ANY, USUAL, DEPLOY_RETIRING, FX(RETIRE), RETIRE_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_RETIRING, ANY, SPENT, DEPLOY_LIVE, 0, 0, KEEPS, UNTIDY, ON(ENDED) },

	{ DEPLOY_POST_RETIRE, ON(HOOKED), HOOKS, DEPLOY_LIVE, 0, 0, KEEPS, NONE, ON(ENDED) },
	{ DEPLOY_POST_RETIRE, LATE, HOOKS, DEPLOY_POST_RETIRE, FX(HOOK), TASK_MS, KEEPS, SAME, 0 },
	{ DEPLOY_POST_RETIRE, CLEAR, HOOKS, DEPLOY_POST_RETIRE, FX(HOOK), TASK_MS, COUNTS, TOLD, 0 },
	{ DEPLOY_POST_RETIRE, CLEAR, HOOKS | SPENT, DEPLOY_LIVE, 0, 0, KEEPS, FLAWED, ON(ENDED) },
	{ DEPLOY_POST_RETIRE, ON(REFUSED), HOOKS, DEPLOY_LIVE, 0, 0, KEEPS, FLAWED, ON(ENDED) },

	/* Whatever else goes wrong now, what is kept is why it is undone. */
	{ DEPLOY_UNDOING, ON(REMOVED), USUAL, DEPLOY_ROLLED_BACK, 0, 0, KEEPS, SAME, ON(ENDED) },
	/* The elder runs again once this one is gone, and not before: then nothing is given up. */
	{ DEPLOY_UNDOING, ON(REMOVED), HALTS, DEPLOY_REVIVING, FX(REVIVE), RUN_MS, BEGINS, SAME, 0 },
	{ DEPLOY_UNDOING, ON(REMOVED), HALTS | NO_ROUTE, DEPLOY_REVIVING, FX(REVIVE), RUN_MS, BEGINS, SAME, 0 },
	{ DEPLOY_UNDOING, ON(REMOVED), HALTS | NO_ELDER, DEPLOY_ROLLED_BACK, 0, 0, KEEPS, SAME, ON(ENDED) },
	{ DEPLOY_UNDOING, ANY, HALTS | SPENT, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, COUNTS, SAME, 0 },
	{ DEPLOY_UNDOING, LATE, USUAL, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, KEEPS, SAME, 0 },
	{ DEPLOY_UNDOING, ANY, USUAL, DEPLOY_UNDOING, FX(REMOVE), REMOVE_MS, COUNTS, SAME, 0 },
	{ DEPLOY_UNDOING, ANY, SPENT, DEPLOY_ROLLED_BACK, 0, 0, KEEPS, SAME, ON(ENDED) },

	{ DEPLOY_STOPPING, ON(REMOVED), MIGRATES, DEPLOY_FAILED, 0, 0, KEEPS, SAME, ON(ENDED) },
	{ DEPLOY_STOPPING, ON(REMOVED), MIGRATES | GONE, DEPLOY_CANCELED, 0, 0, KEEPS, CANCELED, ON(ENDED) },
	{ DEPLOY_STOPPING, ANY, MIGRATES | GONE, DEPLOY_STOPPING, FX(REMOVE), REMOVE_MS, COUNTS, SAME, 0 },
	{ DEPLOY_STOPPING, ANY, MIGRATES | GONE | SPENT, DEPLOY_CANCELED, 0, 0, KEEPS, CANCELED, ON(ENDED) },
	{ DEPLOY_STOPPING, LATE, MIGRATES, DEPLOY_STOPPING, FX(REMOVE), REMOVE_MS, KEEPS, SAME, 0 },
	{ DEPLOY_STOPPING, ANY, MIGRATES, DEPLOY_STOPPING, FX(REMOVE), REMOVE_MS, COUNTS, SAME, 0 },
	{ DEPLOY_STOPPING, ANY, MIGRATES | SPENT, DEPLOY_FAILED, 0, 0, KEEPS, SAME, ON(ENDED) },

	{ DEPLOY_CANCELING, ON(REMOVED), USUAL, DEPLOY_CANCELED, 0, 0, KEEPS, CANCELED, ON(ENDED) },
	{ DEPLOY_CANCELING, ON(REMOVED), HALTS | GONE, DEPLOY_REVIVING, FX(REVIVE), RUN_MS, BEGINS, SAME, 0 },
	{ DEPLOY_CANCELING, ON(REMOVED), HALTS | NO_ROUTE | GONE, DEPLOY_REVIVING, FX(REVIVE), RUN_MS, BEGINS, SAME, 0 },
	{ DEPLOY_CANCELING, ANY, HALTS | SPENT | GONE, DEPLOY_CANCELING, FX(REMOVE), REMOVE_MS, COUNTS, SAME, 0 },
	{ DEPLOY_CANCELING, LATE, USUAL, DEPLOY_CANCELING, FX(REMOVE), REMOVE_MS, KEEPS, SAME, 0 },
	{ DEPLOY_CANCELING, ANY, USUAL, DEPLOY_CANCELING, FX(REMOVE), REMOVE_MS, COUNTS, SAME, 0 },
	{ DEPLOY_CANCELING, ANY, SPENT, DEPLOY_CANCELED, 0, 0, KEEPS, CANCELED, ON(ENDED) },

	/* Unclear is not failed; but what certainly cannot run again must not keep the stage from the next. */
	{ DEPLOY_REVIVING, ON(REVIVED), HALTS, DEPLOY_RETURNING, 0, SWAP_MS, KEEPS, SAME, ON(CANCEL) },
	{ DEPLOY_REVIVING, ON(REVIVED), HALTS | GONE, DEPLOY_RETURNING, 0, SWAP_MS, KEEPS, SAME, ON(CANCEL) },
	/* Nothing was parked where nothing is stopped first. */
	{ DEPLOY_REVIVING, ON(REVIVED), USUAL, DEPLOY_ROLLED_BACK, 0, 0, KEEPS, SAME, ON(ENDED) },
	{ DEPLOY_REVIVING, ON(REVIVED), HALTS | NO_ROUTE, DEPLOY_ROLLED_BACK, 0, 0, KEEPS, SAME, ON(ENDED) },
	{ DEPLOY_REVIVING, ON(REVIVED), HALTS | NO_ROUTE | GONE, DEPLOY_CANCELED, 0, 0, KEEPS, CANCELED, ON(ENDED) },
	{ DEPLOY_REVIVING, ANY, HALTS, DEPLOY_REVIVING, FX(REVIVE), RUN_MS, COUNTS, SAME, 0 },
	{ DEPLOY_REVIVING, CLEAR, HALTS | SPENT, DEPLOY_REVIVING, FX(REVIVE), RUN_MS, COUNTS, SAME, 0 },
	{ DEPLOY_REVIVING, ON(REFUSED), HALTS | SPENT, DEPLOY_RETURNING, 0, SWAP_MS, KEEPS, SAME, ON(CANCEL) },
	{ DEPLOY_REVIVING, ON(REFUSED), HALTS | SPENT | NO_ROUTE, DEPLOY_ROLLED_BACK, 0, 0, KEEPS, SAME, ON(ENDED) },
	{ DEPLOY_REVIVING, ON(REFUSED), HALTS | SPENT | NO_ROUTE | GONE, DEPLOY_CANCELED, 0, 0, KEEPS, CANCELED, ON(ENDED) },
	{ DEPLOY_REVIVING, LATE, HALTS, DEPLOY_REVIVING, FX(REVIVE), RUN_MS, KEEPS, SAME, 0 },

	{ DEPLOY_RETURNING, ON(UNSWAPPED), HALTS, DEPLOY_ROLLED_BACK, 0, 0, KEEPS, SAME, ON(ENDED) },
	{ DEPLOY_RETURNING, ON(UNSWAPPED), HALTS | GONE, DEPLOY_CANCELED, 0, 0, KEEPS, CANCELED, ON(ENDED) },
	{ DEPLOY_RETURNING, LATE | ON(TIMEOUT), HALTS, DEPLOY_RETURNING, 0, SWAP_MS, KEEPS, SAME, 0 },
};
/* clang-format on */

static struct actor
deploy_in(enum deploy_state state, unsigned given)
{
	struct actor a = { .id = 7,
		.kind = ACTOR_DEPLOY,
		.state = (int)state,
		.epoch = EPOCH,
		.deadline_ms = 9 };

	a.deploy.stage = 1;
	a.deploy.spec = 3;
	a.deploy.elder = given & NO_ELDER ? 0 : 4;
	a.deploy.swap = 8;
	a.deploy.tries = given & SPENT ? 1000 : 3;
	a.deploy.trigger = given & GOES_BACK ? TRIGGER_ROLLBACK : TRIGGER_WEBHOOK;
	a.deploy.tasks = given & MIGRATES ? 1u << TASK_MIGRATION : 0;
	if (given & (HOOKS | ON_TRIAL))
		a.deploy.tasks |=
		    1u << TASK_PRE_SWITCH | 1u << TASK_POST_SWITCH | 1u << TASK_POST_RETIRE;
	if (given & NO_AFTER)
		a.deploy.tasks &= ~(1u << TASK_POST_SWITCH);
	if (given & NO_RETIRE)
		a.deploy.tasks &= ~(1u << TASK_POST_RETIRE);
	if (given & ON_TRIAL)
		a.deploy.tasks |= 1u << TASK_SWAPS_BACK;
	if (given & WATCHED)
		a.deploy.tasks |= 1u << TASK_VERIFIES;
	a.deploy.watched_since_ms = state == DEPLOY_VERIFYING ? 55 : 0;
	if (given & STOPS)
		a.deploy.trigger = TRIGGER_STOP;
	a.deploy.has_route = !(given & NO_ROUTE);
	a.deploy.is_forced = given & FORCED;
	a.deploy.strategy = given & HALTS ? STRATEGY_STOP_FIRST : STRATEGY_BLUE_GREEN;
	a.deploy.is_canceled = given & GONE;
	a.deploy.body = given & WARM ? 5 : 0;
	a.deploy.keep_ms = given & KEEPING ? 4321 : 0;
	a.deploy.created_ms = 77;
	a.deploy.approvals = 2;
	a.deploy.is_overriding = given & FORCED;
	keep_text(a.deploy.reason, "the first reason");
	snprintf(a.deploy.tag, sizeof(a.deploy.tag), "v7");
	snprintf(a.deploy.digest, sizeof(a.deploy.digest), "sha256:mine");
	return a;
}

static struct event
event_of(int kind)
{
	struct event e = { .kind = (enum event_kind)kind,
		.from = 1,
		.spec = 99,
		.elder = 6,
		.after_ms = PAUSE_MS };

	snprintf(e.tag, sizeof(e.tag), "v9");
	snprintf(e.digest, sizeof(e.digest), "sha256:told");
	snprintf(e.text, sizeof(e.text), "what happened");
	return e;
}

static int64_t
pause_of(const struct duty *d)
{
	return d->given & SPENT ? LONGEST_MS : PAUSE_MS;
}

static bool
bears(const struct duty *d)
{
	return (d->to == DEPLOY_SWAPPING && d->in == DEPLOY_QUEUED)
	       || (d->to == DEPLOY_SWAPPING && d->in == DEPLOY_PROBING && !(d->tells & ON(GO)))
	       || (d->to == DEPLOY_PARKING
		   && (d->in == DEPLOY_PULLING || d->in == DEPLOY_MIGRATING))
	       || ((d->in == DEPLOY_POST_SWITCH || d->in == DEPLOY_VERIFYING)
		   && (d->to == DEPLOY_SWAPPING_BACK || d->to == DEPLOY_ABORTING));
}

static struct actor
wanted_after(const struct duty *d, int ev, struct actor a)
{
	static const char *const reasons[] = { [NONE] = "",
		[TOLD] = "what happened",
		[CANCELED] = "canceled",
		[UNTIDY] = "live; the version before could not be removed yet",
		[UNTIDY_STOP] = "what served could not be removed yet",
		[FLAWED] = "live; a hook failed, see the log of this deploy",
		[BORROWED] = "deploy 5 was kept warm and serves again; nothing was started" };

	a.state = (int)d->to;
	a.deadline_ms = d->wait_ms == 0 ? 0 : NOW_MS + d->wait_ms;
	if (d->tries == BEGINS)
		a.deploy.tries = 0;
	if (d->tries == COUNTS) {
		a.deploy.tries++;
		a.deadline_ms += pause_of(d);
	}
	if (d->reason != SAME)
		keep_text(a.deploy.reason, reasons[d->reason]);
	if (fsm_is_final(&deploy_spec, a.state))
		a.deploy.ended_ms = NOW_MS;
	if (ev == EV_RESOLVED)
		snprintf(a.deploy.digest, sizeof(a.deploy.digest), "sha256:told");
	if (ev == EV_GRANTED && d->in == DEPLOY_QUEUED)
		a.deploy.elder = 6;
	if (d->given & SPARED && !(d->given & STOPS))
		a.deploy.body = 5;
	if (d->to == DEPLOY_PULLING && d->in == DEPLOY_PROBING)
		a.deploy.body = 0;
	if (bears(d) && d->in == DEPLOY_PROBING && a.deploy.elder != 0)
		a.deploy.keep_ms = PAUSE_MS;
	if (ev == EV_APPROVED)
		a.deploy.approvals++;
	if (bears(d))
		a.deploy.swap = FRESH_ID;
	if (ev == EV_CANCEL && d->reason == CANCELED && d->to != DEPLOY_ABORTING
	    && !fsm_is_final(&deploy_spec, a.state))
		a.deploy.is_canceled = true;
	if (d->in == DEPLOY_ABORTING && d->to == DEPLOY_CANCELING)
		a.deploy.is_canceled = true;
	if ((ANY >> ev & 1u) && d->in == DEPLOY_POST_SWITCH
	    && (d->to == DEPLOY_DRAINING || d->to == DEPLOY_RETIRING || d->to == DEPLOY_LIVE
		|| d->to == DEPLOY_VERIFYING))
		a.deploy.failed_tasks |= 1u << TASK_POST_SWITCH;
	if ((ANY >> ev & 1u) && d->in == DEPLOY_VERIFYING
	    && (d->to == DEPLOY_DRAINING || d->to == DEPLOY_RETIRING))
		a.deploy.failed_tasks |= 1u << TASK_VERIFIES;
	if (d->to == DEPLOY_VERIFYING && d->in != DEPLOY_VERIFYING)
		a.deploy.watched_since_ms = NOW_MS;
	if ((ANY >> ev & 1u) && d->in == DEPLOY_POST_RETIRE && d->to == DEPLOY_LIVE)
		a.deploy.failed_tasks |= 1u << TASK_POST_RETIRE;
	return a;
}

static void
tells_its_stage(const struct actor *a, uint64_t kinds)
{
	uint32_t i = 0;

	for (int kind = 0; kind < EV_COUNT; kind++) {
		const struct event *m = &last.messages[i];
		if (!(kinds >> kind & 1u))
			continue;
		assert_true(i++ < last.message_count);
		assert_string_equal(event_names[m->kind], event_names[kind]);
		assert_int_equal(m->to, kind == EV_CANCEL || kind == EV_GO ? 8 : 1);
		assert_int_equal(m->from, 7);
		if (kind == EV_CANCEL || kind == EV_GO)
			continue;
		assert_int_equal(m->spec, 3);
		assert_int_equal(m->flag, a->deploy.is_forced);
		assert_string_equal(m->digest, a->deploy.digest);
		assert_int_equal(m->strategy, a->deploy.strategy);
		assert_int_equal(m->spare, kind == EV_MOVED ? a->deploy.body : 0);
		if (kind == EV_MOVED)
			assert_int_equal(m->after_ms, a->deploy.keep_ms);
		if (kind != EV_READY && kind != EV_PASSING)
			continue;
		assert_int_equal(m->count, a->deploy.approvals);
		assert_int_equal(m->after_ms, NOW_MS - 77);
		assert_int_equal(m->is_overriding, a->deploy.is_overriding);
		assert_int_equal(m->trigger, TRIGGER_WEBHOOK);
	}
	assert_int_equal(last.message_count, i);
}

static void
bears_a_swap(const struct actor *a, bool is_wanted, enum swap_state state)
{
	const struct actor *child = &last.spawns[0];

	assert_int_equal(last.spawn_count, is_wanted ? 1 : 0);
	if (!is_wanted)
		return;
	assert_int_equal(child->id, FRESH_ID);
	assert_int_equal(child->kind, ACTOR_SWAP);
	assert_int_equal(child->state, state);
	assert_string_equal(child->swap.reason, a->deploy.reason);
	assert_int_equal(child->swap.stage, 1);
	assert_int_equal(child->swap.deploy, 7);
	assert_int_equal(child->swap.body, a->deploy.body);
	assert_int_equal(child->swap.elder, a->deploy.elder);
	assert_int_equal(child->swap.tries, 0);
}

static enum task_kind
task_asked_for(const struct duty *d)
{
	return d->to == DEPLOY_PRE_SWITCH    ? TASK_PRE_SWITCH
	       : d->to == DEPLOY_POST_SWITCH ? TASK_POST_SWITCH
	       : d->to == DEPLOY_POST_RETIRE ? TASK_POST_RETIRE
					     : TASK_MIGRATION;
}

static void
does_its_duty(const struct duty *d, int ev)
{
	struct actor a = deploy_in(d->in, d->given);
	struct event e = event_of(ev);
	bool is_borrowed;

	if (d->given & SPARED)
		e.spare = 5;
	step_gives(&a, &e, wanted_after(d, ev, a));
	is_borrowed = a.deploy.body != 0 && d->asks != FX(REMOVE);
	asked(&a, d->asks, d->tries == COUNTS ? pause_of(d) : 0,
	    (struct effect){ .stage = 1,
		.deploy = is_borrowed ? 5 : 7,
		.elder = a.deploy.elder,
		.task = task_asked_for(d) });
	tells_its_stage(&a, d->tells);
	bears_a_swap(&a, bears(d),
	    d->to == DEPLOY_PARKING    ? SWAP_PARKING
	    : d->to == DEPLOY_SWAPPING ? SWAP_SWITCHING
				       : SWAP_RESTORING);
	assert_false(last.row->is_quiet); /* every step of a deploy is history */
}

static void
each_state_does_its_duty(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(duties); i++)
		for (int ev = 0; ev < EV_COUNT; ev++)
			if (duties[i].on >> ev & 1u)
				does_its_duty(&duties[i], ev);
}

static void
what_is_no_duty_is_refused(void **state UNUSED)
{
	for (int in = 0; in < DEPLOY_COUNT; in++) {
		uint64_t on = 0;

		if (fsm_is_final(&deploy_spec, in))
			continue;
		for (size_t i = 0; i < COUNT(duties); i++)
			if ((int)duties[i].in == in)
				on |= duties[i].on;
		for (int ev = 0; ev < EV_COUNT; ev++) {
			struct actor a = deploy_in((enum deploy_state)in, USUAL);
			struct event e = event_of(ev);
			if (!(on >> ev & 1u))
				step_refused(&a, &e);
		}
	}
}

/* Refused with no tries left is what it is with some. */
static void
a_refusal_asks_for_no_tries(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(duties); i++)
		if (duties[i].on == ON(REFUSED) && duties[i].in != DEPLOY_REVIVING) {
			struct duty d = duties[i];
			d.given |= SPENT;
			does_its_duty(&d, EV_REFUSED);
		}
}

/* Where the traffic is decides, not how many times something was tried. */
static void
healthy_and_swapped_count_no_tries(void **state UNUSED)
{
	const uint64_t good = ON(HEALTHY) | ON(GRANTED) | ON(SWAPPED);

	for (size_t i = 0; i < COUNT(duties); i++)
		for (int ev = 0; ev < EV_COUNT; ev++)
			if (duties[i].on & good && duties[i].on >> ev & 1u) {
				struct duty d = duties[i];
				d.given |= SPENT;
				does_its_duty(&d, ev);
			}
}

/* The tries are the same for a worker, and for the first deploy of a stage. */
static void
trouble_is_the_same_for_all(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(duties); i++)
		for (int ev = 0; ev < EV_COUNT; ev++)
			if (duties[i].on & ANY && duties[i].on >> ev & 1u
			    && !(duties[i].given & (HALTS | KEEPING))
			    && duties[i].in != DEPLOY_POST_SWITCH
			    && duties[i].in != DEPLOY_VERIFYING) {
				struct duty d = duties[i];
				d.given |= NO_ROUTE | NO_ELDER;
				does_its_duty(&d, ev);
			}
}

/* And where the elder is stopped first: only what takes this version away goes on until it is gone. */
static void
trouble_ends_though_the_elder_is_stopped(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(duties); i++)
		for (int ev = 0; ev < EV_COUNT; ev++)
			if (duties[i].on & CLEAR && duties[i].on >> ev & 1u
			    && duties[i].given & SPENT && !(duties[i].given & ON_TRIAL)
			    && duties[i].in != DEPLOY_UNDOING
			    && duties[i].in != DEPLOY_CANCELING
			    && !(duties[i].in == DEPLOY_POST_SWITCH
				 && duties[i].given & WATCHED)) {
				struct duty d = duties[i];
				d.given |= HALTS;
				does_its_duty(&d, ev);
			}
}

static void
a_deploy_that_is_over_answers_nothing(void **state UNUSED)
{
	for (int in = 0; in < DEPLOY_COUNT; in++)
		for (int ev = 0; ev < EV_COUNT; ev++) {
			struct actor a = deploy_in((enum deploy_state)in, USUAL);
			if (fsm_is_final(&deploy_spec, in))
				assert_int_equal(step(&a, (enum event_kind)ev), STEP_STALE);
		}
}

/* Two of them must never run at once: the elder's start comes after our end, and nothing else does. */
static void
the_elder_runs_again_only_when_this_one_is_gone(void **state UNUSED)
{
	for (int in = 0; in < DEPLOY_COUNT; in++)
		for (int ev = 0; ev < EV_COUNT; ev++) {
			struct actor a = deploy_in((enum deploy_state)in, HALTS | SPENT);
			struct event e = event_of(ev);
			if (fsm_is_final(&deploy_spec, in) || take(&a, &e) != STEP_TAKEN
			    || !(last.emitted & FX(REVIVE)))
				continue;
			/* It was not started yet, or it is removed, or it was asked before. */
			assert_true(
			    in == DEPLOY_HALTING || ev == EV_REMOVED || in == DEPLOY_REVIVING);
		}
}

/* Before the swap has said where the traffic goes, nothing may be removed. */
static void
swapping_never_removes(void **state UNUSED)
{
	const uint64_t removing = FX(REMOVE) | FX(RETIRE);

	for (int ev = 0; ev < EV_COUNT; ev++) {
		struct actor a = deploy_in(DEPLOY_SWAPPING, USUAL);
		if (step(&a, (enum event_kind)ev) != STEP_TAKEN)
			continue;
		if (ev == EV_UNSWAPPED)
			assert_int_equal(last.emitted, FX(REMOVE));
		else
			assert_false(last.emitted & removing);
	}
	for (int ev = 0; ev < EV_COUNT; ev++) {
		struct actor a = deploy_in(DEPLOY_ABORTING, USUAL);
		if (step(&a, (enum event_kind)ev) == STEP_TAKEN && ev != EV_UNSWAPPED)
			assert_int_equal(last.emitted, 0);
	}
}

/* A migration may still run whatever was answered: it is stopped before its deploy ends. */
static void
nothing_ends_in_the_middle_of_a_migration(void **state UNUSED)
{
	for (int ev = 0; ev < EV_COUNT; ev++)
		for (unsigned given = MIGRATES; given <= (MIGRATES | SPENT); given++) {
			struct actor a = deploy_in(DEPLOY_MIGRATING, given);
			struct event e = event_of(ev);

			if (take(&a, &e) == STEP_TAKEN && ev != EV_MIGRATED)
				assert_true(
				    last.emitted == FX(MIGRATE) || last.emitted == FX(REMOVE));
		}
}

static void
the_elder_goes_only_after_the_drain(void **state UNUSED)
{
	struct actor a = deploy_in(DEPLOY_SWAPPING, USUAL);

	assert_int_equal(step(&a, EV_SWAPPED), STEP_TAKEN);
	assert_int_equal(a.state, DEPLOY_DRAINING);
	assert_int_equal(last.emitted, FX(DRAIN));
	assert_int_equal(step(&a, EV_DRAINED), STEP_TAKEN);
	assert_int_equal(last.emitted, FX(RETIRE));
	assert_int_equal(step(&a, EV_RETIRED), STEP_TAKEN);
	assert_int_equal(a.state, DEPLOY_LIVE);
}

static void
trouble_is_tried_again_later_each_time(void **state UNUSED)
{
	static const enum deploy_state states[] = { DEPLOY_RESOLVING, DEPLOY_PULLING,
		DEPLOY_MIGRATING, DEPLOY_STARTING, DEPLOY_PROBING, DEPLOY_PRE_SWITCH,
		DEPLOY_POST_SWITCH, DEPLOY_VERIFYING, DEPLOY_DRAINING, DEPLOY_RETIRING,
		DEPLOY_POST_RETIRE, DEPLOY_STOPPING, DEPLOY_UNDOING, DEPLOY_CANCELING };

	for (size_t i = 0; i < COUNT(states); i++) {
		struct actor a = deploy_in(states[i], USUAL);
		int64_t last_ms = 1;
		int tries = 0;

		a.deploy.tries = 0;
		while (step(&a, EV_TROUBLED) == STEP_TAKEN && a.state == (int)states[i]
		       && tries < 100) {
			assert_true(last.effects[0].delay_ms >= last_ms);
			last_ms = last.effects[0].delay_ms;
			tries++;
		}
		assert_in_range(tries, 5, 20);
	}
}

/* Each flaw is told in the end, whatever came between. */
static void
a_failed_hook_is_told_at_the_end(void **state UNUSED)
{
	struct actor a = deploy_in(DEPLOY_POST_SWITCH, HOOKS);

	assert_int_equal(step(&a, EV_REFUSED), STEP_TAKEN);
	assert_int_equal(step(&a, EV_DRAINED), STEP_TAKEN);
	a.deploy.tries = 1000;
	assert_int_equal(step(&a, EV_REFUSED), STEP_TAKEN);
	assert_int_equal(a.state, DEPLOY_LIVE);
	assert_string_equal(a.deploy.reason,
	    "live; a hook failed, see the log of this deploy; the version before could not be "
	    "removed yet");
}

/* Whatever came of its hook, too. */
static void
a_window_that_nobody_watched_is_told_at_the_end(void **state UNUSED)
{
	struct actor a = deploy_in(DEPLOY_POST_SWITCH, HOOKS | WATCHED);

	assert_int_equal(step(&a, EV_REFUSED), STEP_TAKEN);
	a.deploy.tries = 1000;
	assert_int_equal(step(&a, EV_TROUBLED), STEP_TAKEN);
	assert_int_equal(step(&a, EV_DRAINED), STEP_TAKEN);
	assert_int_equal(step(&a, EV_RETIRED), STEP_TAKEN);
	assert_int_equal(step(&a, EV_HOOKED), STEP_TAKEN);
	assert_string_equal(a.deploy.reason, "live; a hook failed, see the log of this "
					     "deploy; it could not be watched until its "
					     "verification window was over");
}

/* Going back is a swap to what runs: until that is done nothing is removed, and nothing is started at all. */
static void
going_back_starts_nothing(void **state UNUSED)
{
	for (int ev = EV_CANCEL; ev <= EV_REFUSED; ev++) {
		struct actor a = deploy_in(DEPLOY_VERIFYING, WATCHED);
		struct event e = event_of(ev);

		if ((ev != EV_CANCEL && ev != EV_REFUSED) || take(&a, &e) != STEP_TAKEN)
			continue;
		assert_int_equal(last.emitted, 0);
		assert_int_equal(last.spawns[0].state, SWAP_RESTORING);
		assert_int_equal(step(&a, EV_UNSWAPPED), STEP_TAKEN);
		assert_int_equal(last.emitted, FX(REMOVE));
		assert_int_equal(step(&a, EV_REMOVED), STEP_TAKEN);
		assert_int_equal(last.emitted, 0);
		assert_int_equal(
		    a.state, ev == EV_CANCEL ? DEPLOY_CANCELED : DEPLOY_ROLLED_BACK);
	}
}

static void
what_has_no_reason_is_told_one(void **state UNUSED)
{
	struct actor a = deploy_in(DEPLOY_PULLING, SPENT);

	a.deploy.reason[0] = '\0';
	assert_int_equal(step(&a, EV_TROUBLED), STEP_TAKEN);
	assert_string_equal(a.deploy.reason, "no reason was given");
	a = deploy_in(DEPLOY_QUEUED, USUAL);
	assert_int_equal(step(&a, EV_TIMEOUT), STEP_TAKEN);
	assert_string_equal(a.deploy.reason, "no answer in time");
	a = deploy_in(DEPLOY_PULLING, SPENT); /* what came before says more than nothing */
	assert_int_equal(step(&a, EV_TROUBLED), STEP_TAKEN);
	assert_string_equal(a.deploy.reason, "the first reason");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_does_its_duty),
		cmocka_unit_test(what_is_no_duty_is_refused),
		cmocka_unit_test(a_refusal_asks_for_no_tries),
		cmocka_unit_test(healthy_and_swapped_count_no_tries),
		cmocka_unit_test(trouble_is_the_same_for_all),
		cmocka_unit_test(trouble_ends_though_the_elder_is_stopped),
		cmocka_unit_test(a_deploy_that_is_over_answers_nothing),
		cmocka_unit_test(the_elder_runs_again_only_when_this_one_is_gone),
		cmocka_unit_test(swapping_never_removes),
		cmocka_unit_test(nothing_ends_in_the_middle_of_a_migration),
		cmocka_unit_test(the_elder_goes_only_after_the_drain),
		cmocka_unit_test(trouble_is_tried_again_later_each_time),
		cmocka_unit_test(a_failed_hook_is_told_at_the_end),
		cmocka_unit_test(a_window_that_nobody_watched_is_told_at_the_end),
		cmocka_unit_test(going_back_starts_nothing),
		cmocka_unit_test(what_has_no_reason_is_told_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
