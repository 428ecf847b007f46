/* deploy.c - one deploy: from "this tag, please" to live traffic, or back to nothing.
 *
 * Pure (see fsm.h). Each waiting state waits for one effect, or for its swap, or for its turn; so
 * recovery is to enter the stored state again. Two rules shape the table. Traffic first: from
 * SWAPPING on, nothing of the new version is removed before the swap actor has said where the
 * traffic goes. Clean up last: what cannot be removed now does not keep a deploy from ending; the
 * sweep removes it later.
 *
 * What the stage has kept running needs no start: such a deploy borrows the containers of that version
 * (body) and only moves the traffic; should they not answer, it goes the usual way.
 *
 * A strategy that stops the old version first begins its swap before that, at PARKING, and has no old
 * version to fall back on until REVIVING has started it again: so whatever fails in between leads
 * there, over the removal of the new one, and REVIVING does not give up while nobody knows.
 *
 * The migration comes before all of it, while the old version serves. Behind the switch a version may be on
 * trial: a post-switch hook that may lead back, and then the verification window, in which it is watched. Until
 * that has ended well, the version before is what counts as live, and it still runs; so going back starts nothing.
 * Where nothing is started, no hook runs, and nothing is on trial.
 *
 * To stop a stage is a deploy that starts nothing: its swap leads to nobody, and what served is drained and
 * retired as by a successor. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/ask.h"
#include "actors/deploy_ask.h"
#include "actors/fsm.h"

enum {
	RESOLVE_MS = 60000,
	QUEUE_MS = 4 * 3600 * 1000, /* others run before; each of those ends */
	PULL_MS = 1800000, /* big images, slow lines */
	VERIFY_MS = 3900000, /* a verification window is at most an hour */
	TASK_MS = 47100000, /* a task's own timeout is at most 12 hours, its stop an hour */
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
/* It starts nothing: what serves shall be stopped, and nothing come in its place. */
GUARD(stops) { return a->deploy.trigger == TRIGGER_STOP; }
GUARD(stops_routed) { return stops(a, e) && a->deploy.has_route; }
/* What runs already answers its gate, and the one before is let run on. */
GUARD(is_spared) { return e->spare != 0; }
GUARD(is_warm) { return a->deploy.body != 0; }
GUARD(keeps) { return a->deploy.keep_ms != 0; }
/* Two of them must never run at once. */
GUARD(may_undo) { return halts(a, e) || tries_left(a, e); }
static bool
has_task(const struct actor *a, int task)
{
	return a->deploy.body == 0 && (a->deploy.tasks >> task & 1u) != 0;
}

/* A version that served before has done what it needs, and a database does not go back. */
GUARD(has_migration)
{
	return has_task(a, TASK_MIGRATION) && a->deploy.trigger != TRIGGER_ROLLBACK;
}
GUARD(has_pre_switch) { return has_task(a, TASK_PRE_SWITCH); }
GUARD(has_post_switch) { return has_task(a, TASK_POST_SWITCH); }
GUARD(has_post_retire) { return has_task(a, TASK_POST_RETIRE); }
/* There is a version to go back to, and it is not retired before the hook has ended. */
GUARD(may_return)
{
	return has_task(a, TASK_POST_SWITCH) && has_task(a, TASK_SWAPS_BACK)
	       && a->deploy.elder != 0 && !halts(a, e);
}
GUARD(may_swap_back) { return may_return(a, e) && a->deploy.has_route; }
/* The same, before its window is over. What somebody has just left is nothing to go back to. */
GUARD(verifies)
{
	return has_task(a, TASK_VERIFIES) && a->deploy.trigger != TRIGGER_ROLLBACK
	       && a->deploy.elder != 0 && !halts(a, e);
}
GUARD(is_on_trial) { return may_return(a, e) || verifies(a, e); }
GUARD(is_led_on_trial) { return is_on_trial(a, e) && a->deploy.has_route; }
GUARD(drains) { return a->deploy.has_route && a->deploy.elder != 0; }

/* Actions. */

ACTION(resolve) { deploy_ask(a, e, out, FX_RESOLVE, RESOLVE_MS); }
ACTION(resolve_again) { deploy_ask_later(a, e, out, FX_RESOLVE, RESOLVE_MS); }
ACTION(pull_again) { deploy_ask_later(a, e, out, FX_PULL, PULL_MS); }
ACTION(repull) { deploy_ask(a, e, out, FX_PULL, PULL_MS); }
ACTION(migrate) { deploy_ask_first(a, e, out, FX_MIGRATE, TASK_MS); }
ACTION(remigrate) { deploy_ask(a, e, out, FX_MIGRATE, TASK_MS); }
ACTION(migrate_again) { deploy_ask_later(a, e, out, FX_MIGRATE, TASK_MS); }
ACTION(hook_before) { deploy_ask_hook(a, e, out, TASK_MS, TASK_PRE_SWITCH); }
ACTION(hook_behind) { deploy_ask_hook(a, e, out, TASK_MS, TASK_POST_RETIRE); }
ACTION(rehook) { deploy_ask_hook_again(a, e, out, TASK_MS); }
ACTION(hook_again) { deploy_ask_hook_later(a, e, out, TASK_MS); }
ACTION(reverify) { deploy_ask(a, e, out, FX_VERIFY, VERIFY_MS); }
ACTION(verify_again) { deploy_ask_later(a, e, out, FX_VERIFY, VERIFY_MS); }
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

/* Nothing is started: it runs, and passed its gate once. */
ACTION(reuse)
{
	a->deploy.elder = e->elder;
	a->deploy.body = e->spare;
	deploy_ask_first(a, e, out, FX_PROBE, PROBE_MS);
}

/* It answers no more: the same version is started anew. */
ACTION(cool)
{
	a->deploy.body = 0;
	deploy_ask_first(a, e, out, FX_PULL, PULL_MS);
}

static void
spawn_swap(struct actor *a, const struct event *e, struct out *out, enum swap_state state)
{
	struct actor child = { .kind = ACTOR_SWAP, .state = (int)state };

	child.swap.stage = a->deploy.stage;
	child.swap.deploy = a->id;
	child.swap.body = a->deploy.body;
	child.swap.elder = a->deploy.elder;
	keep_text(child.swap.reason, a->deploy.reason);
	a->deploy.swap = spawn(out, child);
	a->deadline_ms = e->now_ms + SWAP_MS;
}

static void
begin_a_swap(struct actor *a, const struct event *e, struct out *out, enum swap_state state)
{
	a->deploy.reason[0] = '\0';
	spawn_swap(a, e, out, state);
}

ACTION(begin_swap)
{
	a->deploy.keep_ms = a->deploy.elder != 0 ? e->after_ms : 0;
	begin_a_swap(a, e, out, SWAP_SWITCHING);
}

ACTION(begin_park) { begin_a_swap(a, e, out, SWAP_PARKING); }

ACTION(go)
{
	deploy_tell_swap(a, out, EV_GO);
	a->deploy.reason[0] = '\0';
	a->deadline_ms = e->now_ms + SWAP_MS;
}

/* The version before still runs, and is what counts. */
ACTION(swap_back)
{
	keep_reason(a->deploy.reason, e);
	deploy_tell_stage(a, out, e->kind == EV_REFUSED ? EV_CONDEMNED : EV_GIVEN_UP);
	spawn_swap(a, e, out, SWAP_RESTORING);
}

ACTION(cancel_trial)
{
	keep_text(a->deploy.reason, "canceled");
	deploy_tell_stage(a, out, EV_GIVEN_UP);
	spawn_swap(a, e, out, SWAP_RESTORING);
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

/* From here on this deploy is what serves; told once, and not while it is on trial. */
static void
move(struct actor *a, struct out *out)
{
	if (a->state != DEPLOY_POST_SWITCH || is_on_trial(a, NULL))
		deploy_tell_moved(a, out);
}

/* What fails once the traffic has moved for good is told, and changes nothing. */
static void
count_failure(struct actor *a, const struct event *e)
{
	if (a->state == DEPLOY_POST_SWITCH && e->kind != EV_HOOKED)
		a->deploy.failed_tasks |= 1u << TASK_POST_SWITCH;
	if (a->state == DEPLOY_POST_RETIRE && e->kind != EV_HOOKED)
		a->deploy.failed_tasks |= 1u << TASK_POST_RETIRE;
	if (a->state == DEPLOY_VERIFYING && e->kind != EV_VERIFIED)
		a->deploy.failed_tasks |= 1u << TASK_VERIFIES;
}

ACTION(hook_after)
{
	if (!is_on_trial(a, e))
		move(a, out);
	deploy_ask_hook(a, e, out, TASK_MS, TASK_POST_SWITCH);
}

/* The window counts from here, whatever ends the process meanwhile. */
ACTION(verify)
{
	count_failure(a, e);
	a->deploy.watched_since_ms = e->now_ms;
	deploy_ask_first(a, e, out, FX_VERIFY, VERIFY_MS);
}

ACTION(drain)
{
	count_failure(a, e);
	move(a, out);
	deploy_ask_first(a, e, out, FX_DRAIN, DRAIN_MS);
}

ACTION(replace)
{
	count_failure(a, e);
	move(a, out);
	deploy_ask_first(a, e, out, FX_RETIRE, RETIRE_MS);
}

/* First nobody is led to it any more. */
ACTION(leave)
{
	a->deploy.elder = e->elder;
	begin_a_swap(a, e, out, SWAP_SWITCHING);
}

ACTION(leave_unrouted)
{
	a->deploy.elder = e->elder;
	replace(a, e, out);
}

static void
finish_with(struct actor *a, const struct event *e, struct out *out, const char *flaw)
{
	bool is_unwatched = a->deploy.failed_tasks >> TASK_VERIFIES & 1u;
	bool has_failed = (a->deploy.failed_tasks & ~(1u << TASK_VERIFIES)) != 0;

	snprintf(a->deploy.reason, REASON_SIZE, "%s%s%s%s%s",
	    a->deploy.failed_tasks != 0 || flaw[0] != '\0' ? "live" : "",
	    has_failed ? "; a hook failed, see the log of this deploy" : "",
	    is_unwatched ? "; it could not be watched until its verification window was over"
			 : "",
	    flaw[0] != '\0' ? "; " : "", flaw);
	end(a, e, out);
}

ACTION(go_live)
{
	deploy_tell_moved(a, out);
	finish_with(a, e, out, "");
}

ACTION(finish)
{
	count_failure(a, e);
	finish_with(a, e, out, "");
	if (a->deploy.body != 0)
		snprintf(a->deploy.reason, sizeof(a->deploy.reason),
		    "deploy %" PRIu64 " was kept warm and serves again; nothing was started",
		    a->deploy.body);
}

ACTION(finish_untidy)
{
	if (stops(a, e)) {
		keep_text(a->deploy.reason, "what served could not be removed yet");
		end(a, e, out);
		return;
	}
	finish_with(a, e, out, "the version before could not be removed yet");
}

ACTION(fail)
{
	keep_reason(a->deploy.reason, e);
	end(a, e, out);
}

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

#include "actors/deploy_rows.h" /* names what is above */

SPEC(deploy, DEPLOY, DEPLOY_STATES, STATE(DEPLOY_RESOLVING) | STATE(DEPLOY_QUEUED),
    STATE(DEPLOY_LIVE) | STATE(DEPLOY_FAILED) | STATE(DEPLOY_ROLLED_BACK)
	| STATE(DEPLOY_CANCELED) | STATE(DEPLOY_SUPERSEDED) | STATE(DEPLOY_SKIPPED)
	| STATE(DEPLOY_REFUSED) | STATE(DEPLOY_STOPPED),
    0);
