/* deploy.c - one deploy: from "this tag, please" to live traffic, or back to nothing.
 *
 * Pure (see fsm.h). Each waiting state waits for one effect, or for its swap, or for its turn; so
 * recovery is to enter the stored state again. Two rules shape the table. Traffic first: from
 * SWAPPING on, nothing of the new version is removed before the swap actor has said where the
 * traffic goes. Clean up last: what cannot be removed now does not keep a deploy from ending; the
 * sweep removes it later.
 *
 * A strategy that stops the old version first begins its swap before that, at PARKING, and has no old
 * version to fall back on until REVIVING has started it again: so whatever fails in between leads
 * there, over the removal of the new one, and REVIVING does not give up while nobody knows.
 *
 * The migration comes before all of it, while the old version serves. */
#include <string.h>

#include "actors/ask.h"
#include "actors/deploy_ask.h"
#include "actors/fsm.h"

enum {
	RESOLVE_MS = 60000,
	QUEUE_MS = 4 * 3600 * 1000, /* others run before; each of those ends */
	PULL_MS = 1800000, /* big images, slow lines */
	MIGRATE_MS =
	    47100000, /* a migration's own timeout is at most 12 hours, its stop an hour */
	RUN_MS = 120000,
	PROBE_MS = 7800000, /* a gate's own deadline is at most two hours */
	PASS_MS = 60000, /* the stage answers in the same step */
	SWAP_MS = 600000, /* the swap has deadlines of its own; this only looks after it */
	DRAIN_MS = 3700000, /* a drain's own deadline is at most an hour */
	RETIRE_MS = 3900000, /* a stop's own deadline is at most an hour */
	REMOVE_MS = 3900000, /* a migration under way is stopped in peace: at most an hour */
	HALT_MS = RETIRE_MS,
	REVIVE_MS = RUN_MS,
	TRIES_MAX = 8,
};

/* Guards. */

GUARD(tries_left) { return a->deploy.tries < TRIES_MAX; }
GUARD(has_route) { return a->deploy.has_route; }
GUARD(has_elder) { return a->deploy.elder != 0; }
GUARD(is_canceled) { return a->deploy.is_canceled; }

/* The elder is stopped before this one starts; and before that its route is parked, by our swap. */
GUARD(halts) { return a->deploy.strategy != STRATEGY_BLUE_GREEN && a->deploy.elder != 0; }
GUARD(parks) { return halts(a, e) && a->deploy.has_route; }
/* Two of them must never run at once. */
GUARD(may_undo) { return halts(a, e) || tries_left(a, e); }
/* A version that served before has done what it needs, and a database does not go back. */
GUARD(has_migration)
{
	return (a->deploy.tasks >> TASK_MIGRATION & 1u)
	       && a->deploy.trigger != TRIGGER_ROLLBACK;
}

/* Actions. */

ACTION(resolve) { deploy_ask(a, e, out, FX_RESOLVE, RESOLVE_MS); }
ACTION(resolve_again) { deploy_ask_later(a, e, out, FX_RESOLVE, RESOLVE_MS); }
ACTION(pull_again) { deploy_ask_later(a, e, out, FX_PULL, PULL_MS); }
ACTION(repull) { deploy_ask(a, e, out, FX_PULL, PULL_MS); }
ACTION(migrate) { deploy_ask_first(a, e, out, FX_MIGRATE, MIGRATE_MS); }
ACTION(remigrate) { deploy_ask(a, e, out, FX_MIGRATE, MIGRATE_MS); }
ACTION(migrate_again) { deploy_ask_later(a, e, out, FX_MIGRATE, MIGRATE_MS); }
ACTION(run) { deploy_ask_first(a, e, out, FX_RUN, RUN_MS); }
ACTION(rerun) { deploy_ask(a, e, out, FX_RUN, RUN_MS); }
ACTION(run_again) { deploy_ask_later(a, e, out, FX_RUN, RUN_MS); }
ACTION(probe) { deploy_ask_first(a, e, out, FX_PROBE, PROBE_MS); }
ACTION(reprobe) { deploy_ask(a, e, out, FX_PROBE, PROBE_MS); }
ACTION(probe_again) { deploy_ask_later(a, e, out, FX_PROBE, PROBE_MS); }
ACTION(redrain) { deploy_ask(a, e, out, FX_DRAIN, DRAIN_MS); }
ACTION(drain_again) { deploy_ask_later(a, e, out, FX_DRAIN, DRAIN_MS); }
ACTION(retire) { deploy_ask_first(a, e, out, FX_RETIRE, RETIRE_MS); }
ACTION(reretire) { deploy_ask(a, e, out, FX_RETIRE, RETIRE_MS); }
ACTION(retire_again) { deploy_ask_later(a, e, out, FX_RETIRE, RETIRE_MS); }
ACTION(reundo) { deploy_ask(a, e, out, FX_REMOVE, REMOVE_MS); }
ACTION(rehalt) { deploy_ask(a, e, out, FX_HALT, HALT_MS); }
ACTION(halt) { deploy_ask_first(a, e, out, FX_HALT, HALT_MS); }
ACTION(halt_again) { deploy_ask_later(a, e, out, FX_HALT, HALT_MS); }
ACTION(rerevive) { deploy_ask(a, e, out, FX_REVIVE, REVIVE_MS); }
ACTION(watch_swap) { a->deadline_ms = e->now_ms + SWAP_MS; }

/* Repeats what takes it back without losing why. */
static void
retry_back(
    struct actor *a, const struct event *e, struct out *out, enum effect_kind kind, int64_t ms)
{
	char reason[REASON_SIZE];

	memcpy(reason, a->deploy.reason, sizeof(reason));
	deploy_ask_later(a, e, out, kind, ms);
	memcpy(a->deploy.reason, reason, sizeof(reason));
}

ACTION(undo_again) { retry_back(a, e, out, FX_REMOVE, REMOVE_MS); }
ACTION(revive_again) { retry_back(a, e, out, FX_REVIVE, REVIVE_MS); }

/* Nothing of this version runs: the one before may run again. */
ACTION(revive)
{
	a->deploy.tries = 0;
	deploy_ask(a, e, out, FX_REVIVE, REVIVE_MS);
}

ACTION(revive_after)
{
	keep_reason(a->deploy.reason, e);
	deploy_tell_stage(a, out, EV_GIVEN_UP);
	revive(a, e, out);
}

ACTION(cancel_halt)
{
	keep_text(a->deploy.reason, "canceled");
	a->deploy.is_canceled = true;
	deploy_tell_stage(a, out, EV_GIVEN_UP);
	revive(a, e, out);
}

/* The elder runs, as far as it can: requests go there again. */
ACTION(give_back)
{
	deploy_tell_swap(a, out, EV_CANCEL);
	a->deadline_ms = e->now_ms + SWAP_MS;
}

ACTION(cancel_park)
{
	keep_text(a->deploy.reason, "canceled");
	a->deploy.is_canceled = true;
	give_back(a, e, out);
	deploy_tell_stage(a, out, EV_GIVEN_UP);
}

/* From here on it will not go live, and the same wish would be in vain if it were merged with it. */
ACTION(undo)
{
	keep_reason(a->deploy.reason, e);
	a->deploy.tries = 0;
	deploy_tell_stage(a, out, EV_GIVEN_UP);
	deploy_ask(a, e, out, FX_REMOVE, REMOVE_MS);
}

/* The version itself did not start or pass: the stage shall not have it again by itself. Trouble of the engine or
 * of a proxy is no fault of the version. */
ACTION(condemn)
{
	keep_reason(a->deploy.reason, e);
	a->deploy.tries = 0;
	deploy_tell_stage(a, out, EV_CONDEMNED);
	deploy_ask(a, e, out, FX_REMOVE, REMOVE_MS);
}

ACTION(ask_turn)
{
	a->deadline_ms = e->now_ms + QUEUE_MS;
	deploy_ask_stage(a, e, out, EV_READY);
}

/* The last word before traffic moves: what was so when it got its turn may have changed. */
ACTION(ask_to_pass)
{
	a->deadline_ms = e->now_ms + PASS_MS;
	deploy_ask_stage(a, e, out, EV_PASSING);
}

/* Not yet. It asks again by itself, so nothing that changes unheard keeps it for ever. */
ACTION(pend)
{
	keep_reason(a->deploy.reason, e);
	a->deadline_ms = e->now_ms + e->after_ms;
}

ACTION(count_approval)
{
	a->deploy.approvals++;
	ask_turn(a, e, out);
}

ACTION(take_digest)
{
	memcpy(a->deploy.digest, e->digest, sizeof(a->deploy.digest));
	a->deploy.reason[0] = '\0';
	ask_turn(a, e, out);
}

/* The stage says which deploy serves now. */
ACTION(pull)
{
	a->deploy.elder = e->elder;
	deploy_ask_first(a, e, out, FX_PULL, PULL_MS);
}

static void
spawn_swap(struct actor *a, const struct event *e, struct out *out, enum swap_state state)
{
	struct actor child = { .kind = ACTOR_SWAP, .state = (int)state };

	child.swap.stage = a->deploy.stage;
	child.swap.deploy = a->id;
	child.swap.elder = a->deploy.elder;
	a->deploy.swap = spawn(out, child);
	a->deploy.reason[0] = '\0';
	a->deadline_ms = e->now_ms + SWAP_MS;
}

ACTION(begin_swap) { spawn_swap(a, e, out, SWAP_SWITCHING); }
ACTION(begin_park) { spawn_swap(a, e, out, SWAP_PARKING); }

ACTION(go)
{
	deploy_tell_swap(a, out, EV_GO);
	a->deploy.reason[0] = '\0';
	a->deadline_ms = e->now_ms + SWAP_MS;
}

ACTION(abort_swap)
{
	deploy_tell_swap(a, out, EV_CANCEL);
	deploy_tell_stage(a, out, EV_GIVEN_UP);
	keep_text(a->deploy.reason, "canceled");
	a->deadline_ms = e->now_ms + SWAP_MS;
}

static void
end(struct actor *a, const struct event *e, struct out *out)
{
	a->deploy.ended_ms = e->now_ms;
	deploy_tell_stage(a, out, EV_ENDED);
}

/* From here on this deploy is what serves. */
ACTION(drain)
{
	deploy_tell_stage(a, out, EV_MOVED);
	deploy_ask_first(a, e, out, FX_DRAIN, DRAIN_MS);
}

ACTION(replace)
{
	deploy_tell_stage(a, out, EV_MOVED);
	deploy_ask_first(a, e, out, FX_RETIRE, RETIRE_MS);
}

ACTION(go_live)
{
	a->deploy.reason[0] = '\0';
	deploy_tell_stage(a, out, EV_MOVED);
	end(a, e, out);
}

ACTION(finish)
{
	a->deploy.reason[0] = '\0';
	end(a, e, out);
}

ACTION(finish_untidy)
{
	keep_text(a->deploy.reason, "live; the version before could not be removed yet");
	end(a, e, out);
}

ACTION(fail)
{
	keep_reason(a->deploy.reason, e);
	end(a, e, out);
}

ACTION(roll_back) { end(a, e, out); }
ACTION(give_up) { end(a, e, out); }

ACTION(cancel)
{
	keep_text(a->deploy.reason, "canceled");
	end(a, e, out);
}

ACTION(cancel_run)
{
	keep_text(a->deploy.reason, "canceled");
	a->deploy.is_canceled = true;
	a->deploy.tries = 0;
	deploy_tell_stage(a, out, EV_GIVEN_UP);
	deploy_ask(a, e, out, FX_REMOVE, REMOVE_MS);
}

/* The stage has settled it; it needs no telling. */
ACTION(close)
{
	keep_reason(a->deploy.reason, e);
	a->deploy.ended_ms = e->now_ms;
}

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

	ROW(PROBING,   ON(HEALTHY),               always,     ask_to_pass,   0,           PROBING),
	ROW(PROBING,   ON(GRANTED),               parks,      go,            0,           SWAPPING),
	ROW(PROBING,   ON(GRANTED),               has_route,  begin_swap,    0,           SWAPPING),
	ROW(PROBING,   ON(GRANTED),               has_elder,  replace,       FX(RETIRE),  RETIRING),
	ROW(PROBING,   ON(GRANTED),               always,     go_live,       0,           LIVE),
	ROW(PROBING,   ON(DENIED),                always,     undo,          FX(REMOVE),  UNDOING),
	ROW(PROBING,   ON(RECOVERED),             always,     reprobe,       FX(PROBE),   PROBING),
	ROW(PROBING,   ON(TROUBLED),              tries_left, probe_again,   FX(PROBE),   PROBING),
	ROW(PROBING,   ON(REFUSED),               always,     condemn,       FX(REMOVE),  UNDOING),
	ROW(PROBING,   TRYING,                    always,     undo,          FX(REMOVE),  UNDOING),
	ROW(PROBING,   ON(CANCEL),                always,     cancel_run,    FX(REMOVE),  CANCELING),

	ROW(SWAPPING,  ON(SWAPPED),               has_elder,  drain,         FX(DRAIN),   DRAINING),
	ROW(SWAPPING,  ON(SWAPPED),               always,     go_live,       0,           LIVE),
	ROW(SWAPPING,  ON(UNSWAPPED),             always,     undo,          FX(REMOVE),  UNDOING),
	ROW(SWAPPING,  ON(CANCEL),                always,     abort_swap,    0,           ABORTING),
	ROW(SWAPPING,  ON(TIMEOUT) | ON(RECOVERED), always,   watch_swap,    0,           SWAPPING),

	ROW(ABORTING,  ON(UNSWAPPED),             always,     cancel_run,    FX(REMOVE),  CANCELING),
	ROW(ABORTING,  AGAIN | ON(TIMEOUT),       always,     watch_swap,    0,           ABORTING),

	ROW(DRAINING,  ON(DRAINED),               always,     retire,        FX(RETIRE),  RETIRING),
	ROW(DRAINING,  AGAIN,                     always,     redrain,       FX(DRAIN),   DRAINING),
	ROW(DRAINING,  BAD,                       tries_left, drain_again,   FX(DRAIN),   DRAINING),
	ROW(DRAINING,  BAD,                       always,     retire,        FX(RETIRE),  RETIRING),

	ROW(RETIRING,  ON(RETIRED),               always,     finish,        0,           LIVE),
	ROW(RETIRING,  AGAIN,                     always,     reretire,      FX(RETIRE),  RETIRING),
	ROW(RETIRING,  BAD,                       tries_left, retire_again,  FX(RETIRE),  RETIRING),
	ROW(RETIRING,  BAD,                       always,     finish_untidy, 0,           LIVE),

	/* Nothing of the new version has run but its migration, which no one can take back. */
	ROW(STOPPING,  ON(REMOVED),               is_canceled, cancel,       0,           CANCELED),
	ROW(STOPPING,  ON(REMOVED),               always,     give_up,       0,           FAILED),
	ROW(STOPPING,  AGAIN,                     always,     reundo,        FX(REMOVE),  STOPPING),
	ROW(STOPPING,  BAD,                       tries_left, undo_again,    FX(REMOVE),  STOPPING),
	ROW(STOPPING,  BAD,                       is_canceled, cancel,       0,           CANCELED),
	ROW(STOPPING,  BAD,                       always,     give_up,       0,           FAILED),

	ROW(UNDOING,   ON(REMOVED),               halts,      revive,        FX(REVIVE),  REVIVING),
	ROW(UNDOING,   ON(REMOVED),               always,     roll_back,     0,           ROLLED_BACK),
	ROW(UNDOING,   AGAIN,                     always,     reundo,        FX(REMOVE),  UNDOING),
	ROW(UNDOING,   BAD,                       may_undo,   undo_again,    FX(REMOVE),  UNDOING),
	ROW(UNDOING,   BAD,                       always,     roll_back,     0,           ROLLED_BACK),

	ROW(CANCELING, ON(REMOVED),               halts,      revive,        FX(REVIVE),  REVIVING),
	ROW(CANCELING, ON(REMOVED),               always,     cancel,        0,           CANCELED),
	ROW(CANCELING, AGAIN,                     always,     reundo,        FX(REMOVE),  CANCELING),
	ROW(CANCELING, BAD,                       may_undo,   undo_again,    FX(REMOVE),  CANCELING),
	ROW(CANCELING, BAD,                       always,     cancel,        0,           CANCELED),

	ROW(REVIVING,  TRYING,                    always,     revive_again,  FX(REVIVE),  REVIVING),
	ROW(REVIVING,  ON(REFUSED),               tries_left, revive_again,  FX(REVIVE),  REVIVING),
	ROW(REVIVING,  ON(REVIVED) | ON(REFUSED), parks,      give_back,     0,           RETURNING),
	ROW(REVIVING,  ON(REVIVED) | ON(REFUSED), is_canceled, cancel,       0,           CANCELED),
	ROW(REVIVING,  ON(REVIVED) | ON(REFUSED), always,     roll_back,     0,           ROLLED_BACK),
	ROW(REVIVING,  AGAIN,                     always,     rerevive,      FX(REVIVE),  REVIVING),

	ROW(RETURNING, ON(UNSWAPPED),             is_canceled, cancel,       0,           CANCELED),
	ROW(RETURNING, ON(UNSWAPPED),             always,     roll_back,     0,           ROLLED_BACK),
	ROW(RETURNING, AGAIN | ON(TIMEOUT),       always,     watch_swap,    0,           RETURNING),
};
/* clang-format on */

SPEC(deploy, DEPLOY, DEPLOY_STATES, STATE(DEPLOY_RESOLVING) | STATE(DEPLOY_QUEUED),
    STATE(DEPLOY_LIVE) | STATE(DEPLOY_FAILED) | STATE(DEPLOY_ROLLED_BACK)
	| STATE(DEPLOY_CANCELED) | STATE(DEPLOY_SUPERSEDED) | STATE(DEPLOY_SKIPPED)
	| STATE(DEPLOY_REFUSED),
    0);
