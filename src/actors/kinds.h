/* kinds.h - the names of everything that actors are, hear, ask for and go through.
 *
 * Each list is written once; the code, the store, the log and the drawings use its names. */
#ifndef SLIPWAY_ACTORS_KINDS_H
#define SLIPWAY_ACTORS_KINDS_H

#include "base/check.h"
#include "base/limits.h"
#include "base/strategy.h"

/* clang-format off */
#define ACTOR_KINDS(X) X(DEPLOY) X(SWAP) X(POLL) X(STAGE) X(SWEEP) X(NOTIFY)

#define TRIGGERS(X) X(MANUAL) X(WEBHOOK) X(POLL) X(ROLLBACK) X(PROMOTE) X(RESTART) X(STOP) X(START)

/* What runs once, in a container of its own of the new image: a migration and the hooks. */
#define TASKS(X) X(MIGRATION) X(PRE_SWITCH) X(POST_SWITCH) X(POST_RETIRE)

#define EVENTS(X)                                                                             \
	/* from the runtime */                                                                \
	X(START) X(CANCEL) X(TIMEOUT) X(RECOVERED)                                            \
	/* from outside: people, hooks, configuration, Docker's event stream */               \
	X(TRIGGER) X(CONFIGURED) X(NUDGED) X(LIFTED) X(FROZEN) X(THAWED)                      \
	X(APPROVED) X(REJECTED) X(COOLED)                                                     \
	/* from actor to actor */                                                             \
	X(READY) X(GRANTED) X(SUPERSEDED) X(MERGED) X(MOVED) X(GIVEN_UP) X(ENDED)             \
	X(SWAPPED) X(UNSWAPPED) X(HELD) X(CONDEMNED) X(CLEARED) X(GO)                         \
	X(DEFERRED) X(DENIED) X(RECALLED) X(PASSING)                                          \
	/* answers to effects */                                                              \
	X(RESOLVED) X(PULLED) X(STARTED) X(HEALTHY) X(SWITCHED) X(CONFIRMED) X(RESTORED)      \
	X(DRAINED) X(RETIRED) X(REMOVED) X(SOUGHT) X(SURVEYED) X(COLLECTED) X(NOTIFIED)       \
	X(PARKED) X(HALTED) X(REVIVED) X(MIGRATED) X(HOOKED) X(VERIFIED)                      \
	/* REFUSED: certain, it did not happen, and asking again will not help.               \
	 * TROUBLED: it may have happened, or asking again may help. */                       \
	X(REFUSED) X(TROUBLED)

#define EFFECTS(X)                                                                            \
	X(RESOLVE)  /* registry: which digest is the tag?               -> RESOLVED */        \
	X(PULL)     /* engine: have the image by its digest             -> PULLED */          \
	X(MIGRATE)  /* engine: the migration has run, once a digest     -> MIGRATED */        \
	X(HOOK)     /* engine: a hook has run, once a deploy            -> HOOKED */          \
	X(RUN)      /* engine: every replica created and started        -> STARTED */         \
	X(PROBE)    /* engine and network: the health gate              -> HEALTHY */         \
	X(VERIFY)   /* engine, edge: behind its switch it went well     -> VERIFIED */        \
	X(REMOVE)   /* engine: this deploy's containers gone            -> REMOVED */         \
	X(DRAIN)    /* proxy: nothing in flight to the elder any more   -> DRAINED */         \
	X(RETIRE)   /* engine: the elder stopped and removed            -> RETIRED */         \
	X(SWITCH)   /* proxy: new requests go to the deploy             -> SWITCHED */        \
	X(CONFIRM)  /* through the proxy: the deploy answers            -> CONFIRMED */       \
	X(RESTORE)  /* proxy: new requests go to the elder again        -> RESTORED */        \
	X(PARK)     /* proxy: no request goes to the elder, none is left-> PARKED */          \
	X(HALT)     /* engine: the elder stopped, and kept; the warm too -> HALTED */          \
	X(REVIVE)   /* engine: the elder started again                  -> REVIVED */         \
	X(SEEK)     /* registry: the newest tag that the stage wants    -> SOUGHT */          \
	X(SURVEY)   /* engine: what runs, what is an orphan, who is gone-> SURVEYED */        \
	X(COLLECT)  /* engine: remove the orphans                       -> COLLECTED */       \
	X(NOTIFY)   /* receiver: here is what has happened              -> NOTIFIED */

#define DEPLOY_STATES(X)                                                                      \
	X(RESOLVING) X(QUEUED) X(PENDING) X(PULLING) X(MIGRATING) X(PARKING) X(HALTING)       \
	X(STARTING) X(PROBING) X(PRE_SWITCH) X(SWAPPING) X(ABORTING) X(POST_SWITCH)           \
	X(VERIFYING) X(SWAPPING_BACK) X(DRAINING) X(RETIRING) X(POST_RETIRE) X(STOPPING)      \
	X(UNDOING) X(CANCELING) X(REVIVING) X(RETURNING)                                      \
	X(LIVE) X(FAILED) X(ROLLED_BACK) X(CANCELED) X(SUPERSEDED) X(SKIPPED) X(REFUSED)       \
	X(STOPPED)
#define SWAP_STATES(X)                                                                        \
	X(SWITCHING) X(CONFIRMING) X(RESTORING) X(PARKING) X(PARKED) X(REPARKING)             \
	X(DONE) X(RESTORED)
#define POLL_STATES(X) X(OFF) X(WAITING) X(SEEKING)
#define STAGE_STATES(X) X(IDLE) X(DEPLOYING) X(QUEUEING)
#define SWEEP_STATES(X) X(WAITING) X(SURVEYING) X(COLLECTING) X(STOPPED)
#define NOTIFY_STATES(X) X(PENDING) X(SENDING) X(DELIVERED) X(GIVEN_UP)
/* clang-format on */

#define KIND(name) ACTOR_##name,
enum actor_kind { ACTOR_KINDS(KIND) ACTOR_KIND_COUNT };
#undef KIND
#define KIND(name) TRIGGER_##name,
enum trigger { TRIGGERS(KIND) TRIGGER_COUNT };
#undef KIND
#define KIND(name) TASK_##name,
enum task_kind { TASKS(KIND) TASK_COUNT };
#undef KIND
/* In a set of tasks, too: a post-switch hook that fails leads the traffic to the version before; and there is a
 * verification window. */
enum { TASK_SWAPS_BACK = TASK_COUNT, TASK_VERIFIES };
#define KIND(name) EV_##name,
enum event_kind { EVENTS(KIND) EV_COUNT };
#undef KIND
#define KIND(name) FX_##name,
enum effect_kind { EFFECTS(KIND) FX_COUNT };
#undef KIND
#define KIND(name) DEPLOY_##name,
enum deploy_state { DEPLOY_STATES(KIND) DEPLOY_COUNT };
#undef KIND
#define KIND(name) SWAP_##name,
enum swap_state { SWAP_STATES(KIND) SWAP_COUNT };
#undef KIND
#define KIND(name) POLL_##name,
enum poll_state { POLL_STATES(KIND) POLL_COUNT };
#undef KIND
#define KIND(name) STAGE_##name,
enum stage_state { STAGE_STATES(KIND) STAGE_COUNT };
#undef KIND
#define KIND(name) SWEEP_##name,
enum sweep_state { SWEEP_STATES(KIND) SWEEP_COUNT };
#undef KIND
#define KIND(name) NOTIFY_##name,
enum notify_state { NOTIFY_STATES(KIND) NOTIFY_COUNT };
#undef KIND

#endif
