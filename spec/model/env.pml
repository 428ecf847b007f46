/* env.pml - the world around the machines, as hostile as it may be: its bounds, its state, its beginning.
 *
 * The machines are not written here: they come out of the tables (spec/generated/machines.pml).
 * actions.pml gives their guards and actions a meaning, steps.pml carries messages and births within
 * a step as the runtime does, world.pml plays engine, registry and proxy, adversary.pml hooks, people
 * and the process that dies; laws.pml says what must hold. What the adversary may do is counted: so many
 * faults, crashes, cancels, late orders. What is free is what happens on a good day; so each run
 * ends, and what holds then is checked too.
 *
 * A deploy is known by its place in the order of births; its swap has the same place. Digests, tags and
 * revisions of the configuration are small numbers. An answer to an older step can only be told from
 * a good one by its epoch, and so it is not carried unless STALE asks for it; the epoch of a swap is
 * counted, for the fence. */

#ifndef STAGES
#define STAGES 1
#endif
#ifndef HOOKS
#define HOOKS 2 /* triggers, over all stages */
#endif
#ifndef DIGESTS
#define DIGESTS 2 /* and tags; tag 1 may lead to any digest */
#endif
#ifndef FAULTS
#define FAULTS 2 /* asks and answers lost, trouble, refusals, deadlines too early */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef CANCELS
#define CANCELS 1
#endif
#ifndef LATES
#define LATES 1 /* orders that land after their actor has moved on */
#endif
#ifndef LOOKS
#define LOOKS 0 /* of the poll, and of the sweep without a cause */
#endif
#ifndef CHANGES
#define CHANGES 0 /* of the configuration */
#endif
#ifndef LIFTS
#define LIFTS 0 /* of the quarantine, by a person */
#endif
#ifndef TRIES
#define TRIES 1 /* that a machine has before it gives up */
#endif

#ifndef COOLINGS
#define COOLINGS 1 /* of a version that is kept warm: its time is over */
#endif

#ifndef VOTES
#define VOTES 0 /* of people, about what pends */
#endif

/* What the terms of a stage say. */
#define GO 0
#define NOT_YET 1
#define NEVER 2

/* Who wanted a deploy. */
#define BY_PERSON 0
#define BY_POLL 1
#define BY_HOOK 2
#define BY_ROLLBACK 3
#define BY_STOP 4

#ifdef FIRST /* nothing serves yet */
#define ELDERS 0
#else
#define ELDERS STAGES
#endif
#ifdef TERMS /* each change may put one off, and another comes in its place */
#define PUT_OFFS TERMS
#else
#define PUT_OFFS 0
#endif
#define DEPLOYS (1 + ELDERS + HOOKS + PUT_OFFS) /* place 0 is nobody */
#if DEPLOYS > 6
#error has_orphan of world.pml looks at five places
#endif

/* What a row ends in; `taken` below does it, once for all rows of a machine. */
#define TAKE(then, fx, is_kept) then_state = then; then_ask = fx; then_is_kept = is_kept
#define deploy_TAKE(me, then, fx, is_kept) TAKE(then, fx, is_kept)
#define swap_TAKE(me, then, fx, is_kept) TAKE(then, fx, is_kept)
#define stage_TAKE(me, then, fx, is_kept) TAKE(then, fx, is_kept)
#define sweep_TAKE(me, then, fx, is_kept) TAKE(then, fx, is_kept)
#define poll_TAKE(me, then, fx, is_kept) TAKE(then, fx, is_kept)
#define notify_TAKE(me, then, fx, is_kept) TAKE(then, fx, is_kept)
/* The rest of what was posted last; 0 when nobody says. */
#define with(what) mail_##what[mail_count - 1]
#define KEPT true
#define QUIET false
#include "actions.pml"
#include "../generated/machines.pml"

#define UNBORN 0

mtype = { NOWHERE, ASKED, DONE }; /* an ask: lost or none, on the wire, done and not answered yet */
mtype = { DEPLOY, SWAP, STAGE, SWEEP, POLL, NOTIFY };

/* What the adversary has left. */
byte faults = FAULTS;
byte crashes = CRASHES;
byte cancels = CANCELS;
byte hooks = HOOKS;
byte looks = LOOKS;
byte changes = CHANGES;
byte lifts = LIFTS;
byte lates = LATES;

/* The actors. */
byte deploy_state[DEPLOYS];
byte deploy_stage[DEPLOYS];
byte deploy_elder[DEPLOYS];
byte deploy_digest[DEPLOYS];
byte deploy_spec[DEPLOYS];
byte deploy_tries[DEPLOYS];
bool deploy_has_route[DEPLOYS];
bool deploy_is_forced[DEPLOYS];
byte deploy_ask[DEPLOYS];
mtype deploy_wire[DEPLOYS] = NOWHERE;

#ifdef HALTING
bool deploy_is_canceled[DEPLOYS];
bool swap_is_parked[DEPLOYS];
bool is_unrevived[DEPLOYS]; /* the engine said that it cannot be started again */
#endif

#ifdef WARM
byte deploy_body[DEPLOYS]; /* whose containers it borrows */
bool deploy_keeps[DEPLOYS];
byte stage_warm[STAGES];
#ifdef VERSIONS
byte stage_older[STAGES]; /* a second one, which left before that */
#endif
byte last_moved[STAGES];
byte coolings = COOLINGS;
#define body(d) (deploy_body[d] != 0 -> deploy_body[d] : d)
#else
#define body(d) d
#endif

byte swap_state[DEPLOYS];
byte swap_id[DEPLOYS]; /* in the order of births */
byte swap_epoch[DEPLOYS];
byte swap_tries[DEPLOYS];
byte swap_ask[DEPLOYS];
mtype swap_wire[DEPLOYS] = NOWHERE;
byte swap_births;

byte stage_state[STAGES] = stage_IDLE;
byte stage_spec[STAGES]; /* revisions of the configuration */
byte stage_live[STAGES];
byte stage_running[STAGES];
byte stage_waiting[STAGES];
byte stage_resolving[STAGES];
byte stage_merged[STAGES];
byte stage_merged_into[STAGES];
byte stage_pending[STAGES];
bool stage_is_given_up[STAGES]; /* what runs: its digest is not compared any more */
byte stage_resolving_tag[STAGES];
bool stage_has_route[STAGES];
#if defined(QUARANTINE) || defined(TERMS)
bool is_by_machine[DEPLOYS]; /* a hook or a poll wanted it */
#endif
#ifdef TERMS
byte terms[STAGES];
bool is_exempt[DEPLOYS]; /* a rollback */
byte changes_of_terms = TERMS;
byte votes = VOTES;
#endif
#ifdef QUARANTINE
byte stage_held[STAGES]; /* set of digests */
bool is_back[DEPLOYS]; /* a rollback */
byte bad; /* the digests of stage 0 that may be run for a person only */
#endif

#ifdef STOPS /* people stop stages, too */
bool is_stop[DEPLOYS];
byte stage_stopped[STAGES];
#endif

byte sweep_state[1] = sweep_WAITING;
byte sweep_stored = sweep_WAITING; /* what a crash leaves: quiet steps are not kept */
byte sweep_ask;
mtype sweep_wire = NOWHERE;

byte poll_state[1] = poll_OFF;
byte poll_stored = poll_OFF;
byte poll_digest; /* seen last */
bool poll_is_auto = true;
byte poll_ask;
mtype poll_wire = NOWHERE;

#ifdef NOTIFIED /* one receiver, who is told how each deploy ends; places as those of deploys */
byte notify_state[DEPLOYS];
byte notify_tries[DEPLOYS];
byte notify_ask[DEPLOYS];
mtype notify_wire[DEPLOYS] = NOWHERE;
bool was_told[DEPLOYS];
#define is_told_of(state) (state == deploy_LIVE || state == deploy_FAILED || state == deploy_ROLLED_BACK)
#endif

byte deploy_births; /* places taken */

/* The outside. */
bool runs[DEPLOYS];
#ifdef MIGRATION
mtype migration[DEPLOYS] = NOWHERE; /* its container: NOWHERE none, ASKED it runs, DONE it has ended well */
bool has_migrated[DEPLOYS]; /* it was begun, whatever came of it */
byte migrated[STAGES]; /* set of digests that were migrated well */
#endif
#ifdef HOOKED
bool has_hooked[DEPLOYS]; /* its hook before the switch has ended well */
bool has_failed[DEPLOYS]; /* the one behind it has not */
#endif
#ifdef WATCHED
bool has_gone_bad[DEPLOYS]; /* in its window */
#endif
bool has_drained[DEPLOYS]; /* nothing is in flight to it, or its time to end is over */
byte target[STAGES]; /* the deploy that the route leads to */
byte fence_id[STAGES];
byte fence_epoch[STAGES];
#ifdef SHARED /* one domain that the stages want in turn */
byte owner; /* 1 + the stage that HAProxy gives it to */
bool wants_domain[DEPLOYS];
#endif
byte newest_digest = 1; /* what a poll would find */

#ifdef GOOD_DAY /* what the newest wish was: a deploy, or only a digest */
byte wish[STAGES];
byte wish_digest[STAGES];
byte wish_spec[STAGES];
#endif

/* Orders and answers of older steps that are still under way. */
byte late_ask[LATES + 1];
byte late_deploy[LATES + 1];
byte late_elder[LATES + 1];
byte late_id[LATES + 1];
byte late_epoch[LATES + 1];
bool late_is_answer[LATES + 1];

byte became_live; /* in this step */

/* Scratch of one atomic step; not part of the state. */
hidden byte i;
hidden byte said; /* the answer of a port */
hidden byte fresh;
hidden byte then_state;
hidden byte then_ask;
hidden byte then_is_kept;
hidden byte mail_first;
hidden byte mail_count;
#define MAIL 24
hidden mtype mail_kind[MAIL];
hidden byte mail_to[MAIL];
hidden byte mail_ev[MAIL];
hidden byte mail_from[MAIL];
hidden byte mail_word[MAIL]; /* TRIGGER: tag; GRANTED: elder; SOUGHT: is older; SUPERSEDED, MERGED: by whom */
hidden byte mail_digest[MAIL];
hidden byte mail_flag[MAIL]; /* TRIGGER: forced; CONFIGURED: as the receiver says */
hidden byte mail_is_poll[MAIL]; /* TRIGGER: by whom */
hidden byte e_to;
hidden byte e_kind;
hidden byte e_from;
hidden byte e_word;
hidden byte e_digest;
hidden byte e_flag;
hidden byte e_is_poll;

chan go = [0] of { bit };

#include "world.pml"
#include "laws.pml"
#include "steps.pml"
#include "ports.pml"
#include "adversary.pml"

init {
	atomic {
		for (i : 0 .. STAGES - 1) {
			stage_state[i] = stage_IDLE;
#ifndef WORKER
			stage_has_route[i] = true;
#endif
#if ELDERS > 0
			deploy_births++;
			deploy_state[deploy_births] = deploy_LIVE;
			deploy_stage[deploy_births] = i;
			deploy_digest[deploy_births] = 1;
			deploy_has_route[deploy_births] = stage_has_route[i];
			runs[deploy_births] = true;
			stage_live[i] = deploy_births;
			if
			:: stage_has_route[i] -> target[i] = deploy_births
			:: else -> has_drained[deploy_births] = true
			fi
#endif
		}
#ifdef SHARED
		wants_domain[1] = true;
		owner = 1;
#endif
#ifdef POLLED
		poll_state[0] = poll_WAITING;
		poll_stored = poll_WAITING;
		run registry();
#endif
		for (fresh : 1 + ELDERS .. DEPLOYS - 1) {
			run ports(fresh);
#ifdef NOTIFIED
			run receiver(fresh)
#endif
		}
		run engine();
		run nudges();
		run storm()
	}
}

