/* deploy_rows.h - the table of deploy.c, which alone takes it in: in which state, on which event, under which
 * guard, a deploy does what, asks for what, and where that leads. The first row that fits counts. */
#ifndef SLIPWAY_ACTORS_DEPLOY_ROWS_H
#define SLIPWAY_ACTORS_DEPLOY_ROWS_H

/* clang-format off */
#define TRYING (ON(TROUBLED) | ON(TIMEOUT))
#define BAD    (TRYING | ON(REFUSED))
#define AGAIN  (ON(RECOVERED) | ON(CANCEL)) /* too late to cancel: go on */
#define AWAKE  (ON(TIMEOUT) | ON(RECOVERED) | ON(RECALLED))
#define ROW(in, on, guard, action, emits, then) \
	{ DEPLOY_##in, DEPLOY_##then, on, guard, action, emits, false, #guard, #action }

static const struct row rows[] = {
	/*  in         on                         if          do             emits        then        */
	ROW(RESOLVING, ON(START) | ON(RECOVERED), always,     resolve,       FX(RESOLVE), RESOLVING),
	ROW(RESOLVING, ON(RESOLVED),              always,     take_digest,   0,           QUEUED),
	ROW(RESOLVING, TRYING,                    tries_left, resolve_again, FX(RESOLVE), RESOLVING),
	ROW(RESOLVING, BAD,                       always,     fail,          0,           FAILED),
	ROW(RESOLVING, ON(CANCEL),                always,     cancel,        0,           CANCELED),

	ROW(QUEUED,    ON(START) | ON(RECOVERED), always,     ask_turn,      0,           QUEUED),
	ROW(QUEUED,    ON(GRANTED),               stops_routed, leave,       0,           SWAPPING),
	ROW(QUEUED,    ON(GRANTED),               stops,      leave_unrouted, FX(RETIRE), RETIRING),
	ROW(QUEUED,    ON(GRANTED),               is_spared,  reuse,         FX(PROBE),   PROBING),
	ROW(QUEUED,    ON(GRANTED),               always,     pull,          FX(PULL),    PULLING),
	ROW(QUEUED,    ON(MERGED),                always,     close,         0,           SKIPPED),
	ROW(QUEUED,    ON(SUPERSEDED),            always,     close,         0,           SUPERSEDED),
	ROW(QUEUED,    ON(HELD),                  always,     close,         0,           SKIPPED),
	ROW(QUEUED,    ON(DENIED),                always,     close,         0,           REFUSED),
	ROW(QUEUED,    ON(DEFERRED),              always,     pend,          0,           PENDING),
	ROW(QUEUED,    ON(RECALLED),              always,     ask_turn,      0,           QUEUED),
	ROW(QUEUED,    ON(TIMEOUT),               always,     fail,          0,           FAILED),
	ROW(QUEUED,    ON(CANCEL),                always,     cancel,        0,           CANCELED),

	ROW(PENDING,   AWAKE,                     always,     ask_turn,      0,           QUEUED),
	ROW(PENDING,   ON(APPROVED),              always,     count_approval, 0,          QUEUED),
	ROW(PENDING,   ON(REJECTED),              always,     fail,          0,           REFUSED),
	ROW(PENDING,   ON(SUPERSEDED),            always,     close,         0,           SUPERSEDED),
	ROW(PENDING,   ON(CANCEL),                always,     cancel,        0,           CANCELED),

	ROW(PULLING,   ON(PULLED),                has_migration, migrate,    FX(MIGRATE), MIGRATING),
	ROW(PULLING,   ON(PULLED),                parks,      begin_park,    0,           PARKING),
	ROW(PULLING,   ON(PULLED),                halts,      halt,          FX(HALT),    HALTING),
	ROW(PULLING,   ON(PULLED),                always,     run,           FX(RUN),     STARTING),
	ROW(PULLING,   ON(RECOVERED),             always,     repull,        FX(PULL),    PULLING),
	ROW(PULLING,   TRYING,                    tries_left, pull_again,    FX(PULL),    PULLING),
	ROW(PULLING,   BAD,                       always,     fail,          0,           FAILED),
	ROW(PULLING,   ON(CANCEL),                always,     cancel,        0,           CANCELED),

	ROW(MIGRATING, ON(MIGRATED),              parks,      begin_park,    0,           PARKING),
	ROW(MIGRATING, ON(MIGRATED),              halts,      halt,          FX(HALT),    HALTING),
	ROW(MIGRATING, ON(MIGRATED),              always,     run,           FX(RUN),     STARTING),
	ROW(MIGRATING, ON(RECOVERED),             always,     remigrate,     FX(MIGRATE), MIGRATING),
	ROW(MIGRATING, TRYING,                    tries_left, migrate_again, FX(MIGRATE), MIGRATING),
	ROW(MIGRATING, ON(REFUSED),               always,     condemn,       FX(REMOVE),  STOPPING),
	ROW(MIGRATING, TRYING,                    always,     undo,          FX(REMOVE),  STOPPING),
	ROW(MIGRATING, ON(CANCEL),                always,     cancel_run,    FX(REMOVE),  STOPPING),

	ROW(PARKING,   ON(CLEARED),               always,     halt,          FX(HALT),    HALTING),
	ROW(PARKING,   ON(UNSWAPPED),             always,     fail,          0,           FAILED),
	ROW(PARKING,   ON(CANCEL),                always,     cancel_park,   0,           RETURNING),
	ROW(PARKING,   ON(TIMEOUT) | ON(RECOVERED), always,   watch_swap,    0,           PARKING),

	ROW(HALTING,   ON(HALTED),                always,     run,           FX(RUN),     STARTING),
	ROW(HALTING,   ON(RECOVERED),             always,     rehalt,        FX(HALT),    HALTING),
	ROW(HALTING,   TRYING,                    tries_left, halt_again,    FX(HALT),    HALTING),
	ROW(HALTING,   BAD,                       always,     revive_after,  FX(REVIVE),  REVIVING),
	ROW(HALTING,   ON(CANCEL),                always,     cancel_halt,   FX(REVIVE),  REVIVING),

	ROW(STARTING,  ON(STARTED),               always,     probe,         FX(PROBE),   PROBING),
	ROW(STARTING,  ON(RECOVERED),             always,     rerun,         FX(RUN),     STARTING),
	ROW(STARTING,  TRYING,                    tries_left, run_again,     FX(RUN),     STARTING),
	ROW(STARTING,  ON(REFUSED),               always,     condemn,       FX(REMOVE),  UNDOING),
	ROW(STARTING,  TRYING,                    always,     undo,          FX(REMOVE),  UNDOING),
	ROW(STARTING,  ON(CANCEL),                always,     cancel_run,    FX(REMOVE),  CANCELING),

	ROW(PROBING,   ON(HEALTHY),               has_pre_switch, hook_before, FX(HOOK),  PRE_SWITCH),
	ROW(PROBING,   ON(HEALTHY),               always,     ask_to_pass,   0,           PROBING),
	ROW(PROBING,   ON(GRANTED),               parks,      go,            0,           SWAPPING),
	ROW(PROBING,   ON(GRANTED),               has_route,  begin_swap,    0,           SWAPPING),
	ROW(PROBING,   ON(GRANTED),               has_post_switch, hook_after, FX(HOOK),  POST_SWITCH),
	ROW(PROBING,   ON(GRANTED),               verifies,   verify,        FX(VERIFY),  VERIFYING),
	ROW(PROBING,   ON(GRANTED),               has_elder,  replace,       FX(RETIRE),  RETIRING),
	ROW(PROBING,   ON(GRANTED),               always,     go_live,       0,           LIVE),
	ROW(PROBING,   ON(DENIED),                always,     undo,          FX(REMOVE),  UNDOING),
	ROW(PROBING,   BAD,                       is_warm,    cool,          FX(PULL),    PULLING),
	ROW(PROBING,   ON(RECOVERED),             always,     reprobe,       FX(PROBE),   PROBING),
	ROW(PROBING,   ON(TROUBLED),              tries_left, probe_again,   FX(PROBE),   PROBING),
	ROW(PROBING,   ON(REFUSED),               always,     condemn,       FX(REMOVE),  UNDOING),
	ROW(PROBING,   TRYING,                    always,     undo,          FX(REMOVE),  UNDOING),
	ROW(PROBING,   ON(CANCEL),                always,     cancel_run,    FX(REMOVE),  CANCELING),

	/* What the last word before traffic moves depends on may have changed meanwhile. */
	ROW(PRE_SWITCH, ON(HOOKED),               always,     ask_to_pass,   0,           PROBING),
	ROW(PRE_SWITCH, ON(RECOVERED),            always,     rehook,        FX(HOOK),    PRE_SWITCH),
	ROW(PRE_SWITCH, TRYING,                   tries_left, hook_again,    FX(HOOK),    PRE_SWITCH),
	ROW(PRE_SWITCH, ON(REFUSED),              always,     condemn,       FX(REMOVE),  UNDOING),
	ROW(PRE_SWITCH, TRYING,                   always,     undo,          FX(REMOVE),  UNDOING),
	ROW(PRE_SWITCH, ON(CANCEL),               always,     cancel_run,    FX(REMOVE),  CANCELING),

	ROW(SWAPPING,  ON(SWAPPED),               has_post_switch, hook_after, FX(HOOK),  POST_SWITCH),
	ROW(SWAPPING,  ON(SWAPPED),               verifies,   verify,        FX(VERIFY),  VERIFYING),
	ROW(SWAPPING,  ON(SWAPPED),               has_elder,  drain,         FX(DRAIN),   DRAINING),
	ROW(SWAPPING,  ON(SWAPPED),               always,     go_live,       0,           LIVE),
	ROW(SWAPPING,  ON(UNSWAPPED),             always,     undo,          FX(REMOVE),  UNDOING),
	ROW(SWAPPING,  ON(CANCEL),                always,     abort_swap,    0,           ABORTING),
	ROW(SWAPPING,  ON(TIMEOUT) | ON(RECOVERED), always,   watch_swap,    0,           SWAPPING),

	ROW(ABORTING,  ON(UNSWAPPED),             always,     cancel_run,    FX(REMOVE),  CANCELING),
	ROW(ABORTING,  AGAIN | ON(TIMEOUT),       always,     watch_swap,    0,           ABORTING),

	ROW(POST_SWITCH, TRYING,                  tries_left, hook_again,    FX(HOOK),    POST_SWITCH),
	ROW(POST_SWITCH, BAD,                     may_swap_back, swap_back,  0,           SWAPPING_BACK),
	ROW(POST_SWITCH, ON(CANCEL),              is_led_on_trial, cancel_trial, 0,       ABORTING),
	ROW(POST_SWITCH, ON(REFUSED),             may_return, condemn,       FX(REMOVE),  UNDOING),
	ROW(POST_SWITCH, TRYING,                  may_return, undo,          FX(REMOVE),  UNDOING),
	ROW(POST_SWITCH, ON(CANCEL),              is_on_trial, cancel_run,   FX(REMOVE),  CANCELING),
	ROW(POST_SWITCH, AGAIN,                   always,     rehook,        FX(HOOK),    POST_SWITCH),
	ROW(POST_SWITCH, ON(HOOKED) | BAD,        verifies,   verify,        FX(VERIFY),  VERIFYING),
	ROW(POST_SWITCH, ON(HOOKED) | BAD,        drains,     drain,         FX(DRAIN),   DRAINING),
	ROW(POST_SWITCH, ON(HOOKED) | BAD,        has_elder,  replace,       FX(RETIRE),  RETIRING),
	ROW(POST_SWITCH, ON(HOOKED) | BAD,        always,     finish,        0,           LIVE),

	/* Only what the version itself does leads back; when nobody can look, it stays. */
	ROW(VERIFYING, ON(RECOVERED),             always,     reverify,      FX(VERIFY),  VERIFYING),
	ROW(VERIFYING, TRYING,                    tries_left, verify_again,  FX(VERIFY),  VERIFYING),
	ROW(VERIFYING, ON(REFUSED),               has_route,  swap_back,     0,           SWAPPING_BACK),
	ROW(VERIFYING, ON(REFUSED),               always,     condemn,       FX(REMOVE),  UNDOING),
	ROW(VERIFYING, ON(CANCEL),                has_route,  cancel_trial,  0,           ABORTING),
	ROW(VERIFYING, ON(CANCEL),                always,     cancel_run,    FX(REMOVE),  CANCELING),
	ROW(VERIFYING, ON(VERIFIED) | TRYING,     has_route,  drain,         FX(DRAIN),   DRAINING),
	ROW(VERIFYING, ON(VERIFIED) | TRYING,     always,     replace,       FX(RETIRE),  RETIRING),

	ROW(SWAPPING_BACK, ON(UNSWAPPED),         always,     undo,          FX(REMOVE),  UNDOING),
	ROW(SWAPPING_BACK, AGAIN | ON(TIMEOUT),   always,     watch_swap,    0,           SWAPPING_BACK),

	ROW(DRAINING,  ON(DRAINED),               keeps,      finish,        0,           LIVE),
	ROW(DRAINING,  ON(DRAINED),               always,     retire,        FX(RETIRE),  RETIRING),
	ROW(DRAINING,  AGAIN,                     always,     redrain,       FX(DRAIN),   DRAINING),
	ROW(DRAINING,  BAD,                       tries_left, drain_again,   FX(DRAIN),   DRAINING),
	ROW(DRAINING,  BAD,                       keeps,      finish,        0,           LIVE),
	ROW(DRAINING,  BAD,                       always,     retire,        FX(RETIRE),  RETIRING),

	ROW(RETIRING,  ON(RETIRED),               stops,      finish,        0,           STOPPED),
	ROW(RETIRING,  ON(RETIRED),               has_post_retire, hook_behind, FX(HOOK), POST_RETIRE),
	ROW(RETIRING,  ON(RETIRED),               always,     finish,        0,           LIVE),
	ROW(RETIRING,  AGAIN,                     always,     reretire,      FX(RETIRE),  RETIRING),
	ROW(RETIRING,  BAD,                       tries_left, retire_again,  FX(RETIRE),  RETIRING),
	ROW(RETIRING,  BAD,                       stops,      finish_untidy, 0,           STOPPED),
	ROW(RETIRING,  BAD,                       always,     finish_untidy, 0,           LIVE),

	ROW(POST_RETIRE, AGAIN,                   always,     rehook,        FX(HOOK),    POST_RETIRE),
	ROW(POST_RETIRE, TRYING,                  tries_left, hook_again,    FX(HOOK),    POST_RETIRE),
	ROW(POST_RETIRE, ON(HOOKED) | BAD,        always,     finish,        0,           LIVE),

	/* Nothing of the new version has run but its migration, which no one can take back. */
	ROW(STOPPING,  ON(REMOVED),               is_canceled, cancel,       0,           CANCELED),
	ROW(STOPPING,  ON(REMOVED),               always,     give_up,       0,           FAILED),
	ROW(STOPPING,  AGAIN,                     always,     reundo,        FX(REMOVE),  STOPPING),
	ROW(STOPPING,  BAD,                       tries_left, undo_again,    FX(REMOVE),  STOPPING),
	ROW(STOPPING,  BAD,                       is_canceled, cancel,       0,           CANCELED),
	ROW(STOPPING,  BAD,                       always,     give_up,       0,           FAILED),

	ROW(UNDOING,   ON(REMOVED),               halts,      revive,        FX(REVIVE),  REVIVING),
	ROW(UNDOING,   ON(REMOVED),               always,     give_up,       0,           ROLLED_BACK),
	ROW(UNDOING,   AGAIN,                     always,     reundo,        FX(REMOVE),  UNDOING),
	ROW(UNDOING,   BAD,                       may_undo,   undo_again,    FX(REMOVE),  UNDOING),
	ROW(UNDOING,   BAD,                       always,     give_up,       0,           ROLLED_BACK),

	ROW(CANCELING, ON(REMOVED),               halts,      revive,        FX(REVIVE),  REVIVING),
	ROW(CANCELING, ON(REMOVED),               always,     cancel,        0,           CANCELED),
	ROW(CANCELING, AGAIN,                     always,     reundo,        FX(REMOVE),  CANCELING),
	ROW(CANCELING, BAD,                       may_undo,   undo_again,    FX(REMOVE),  CANCELING),
	ROW(CANCELING, BAD,                       always,     cancel,        0,           CANCELED),

	ROW(REVIVING,  TRYING,                    always,     revive_again,  FX(REVIVE),  REVIVING),
	ROW(REVIVING,  ON(REFUSED),               tries_left, revive_again,  FX(REVIVE),  REVIVING),
	ROW(REVIVING,  ON(REVIVED) | ON(REFUSED), parks,      give_back,     0,           RETURNING),
	ROW(REVIVING,  ON(REVIVED) | ON(REFUSED), is_canceled, cancel,       0,           CANCELED),
	ROW(REVIVING,  ON(REVIVED) | ON(REFUSED), always,     give_up,       0,           ROLLED_BACK),
	ROW(REVIVING,  AGAIN,                     always,     rerevive,      FX(REVIVE),  REVIVING),

	ROW(RETURNING, ON(UNSWAPPED),             is_canceled, cancel,       0,           CANCELED),
	ROW(RETURNING, ON(UNSWAPPED),             always,     give_up,       0,           ROLLED_BACK),
	ROW(RETURNING, AGAIN | ON(TIMEOUT),       always,     watch_swap,    0,           RETURNING),
};
/* clang-format on */

#endif
