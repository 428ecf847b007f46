/* adversary.pml - hooks, people, the configuration, crashes, and what comes late; and the two that look by
 * themselves, sweep and poll. */

/* What is on its way to the receiver may arrive all the same. */
#ifdef NOTIFIED
inline crash_of_notify(me) {
	if
	:: notify_wire[me] == DONE -> notify_wire[me] = NOWHERE
	:: else -> skip
	fi;
	if
	:: notify_state[me] != UNBORN && !notify_IS_FINAL(notify_state[me]) ->
		post(NOTIFY, me, EV_RECOVERED)
	:: else -> skip
	fi
}
#else
#define crash_of_notify(me) skip
#endif

inline crash() {
	sweep_state[0] = sweep_stored;
	sweep_ask = FX_NOTHING;
	sweep_wire = NOWHERE;
	poll_state[0] = poll_stored;
	poll_ask = FX_NOTHING;
	poll_wire = NOWHERE;
	for (i : 0 .. STAGES - 1) {
		post(STAGE, i, EV_RECOVERED)
	}
	for (i : 1 .. DEPLOYS - 1) {
		if
		:: deploy_wire[i] == DONE -> deploy_wire[i] = NOWHERE
		:: else -> skip
		fi;
		if
		:: swap_wire[i] == DONE -> swap_wire[i] = NOWHERE
		:: else -> skip
		fi;
		if
		:: deploy_state[i] != UNBORN && !deploy_IS_FINAL(deploy_state[i]) ->
			post(DEPLOY, i, EV_RECOVERED)
		:: else -> skip
		fi;
		if
		:: swap_state[i] != UNBORN -> post(SWAP, i, EV_RECOVERED)
		:: else -> skip
		fi;
		crash_of_notify(i)
	}
	post(SWEEP, 0, EV_RECOVERED);
	post(POLL, 0, EV_RECOVERED)
}

/* The answer of an older step: its epoch is not the actor's any more. */
#ifdef NO_EPOCHS
#define is_stale(ev) false
#else
#define is_stale(ev) IS_TIED_TO_EPOCH(ev)
#endif

inline deliver_late(slot) {
	if
	:: late_ask[slot] == FX_RESOLVE -> said = EV_RESOLVED
	:: late_ask[slot] == FX_PULL -> said = EV_PULLED
	:: late_ask[slot] == FX_MIGRATE -> said = EV_MIGRATED
	:: late_ask[slot] == FX_HOOK -> said = EV_HOOKED
	:: late_ask[slot] == FX_VERIFY -> said = EV_VERIFIED
	:: late_ask[slot] == FX_RUN -> said = EV_STARTED
	:: late_ask[slot] == FX_PROBE -> said = EV_HEALTHY
	:: late_ask[slot] == FX_REMOVE -> said = EV_REMOVED
	:: late_ask[slot] == FX_DRAIN -> said = EV_DRAINED
	:: late_ask[slot] == FX_RETIRE -> said = EV_RETIRED
	:: late_ask[slot] == FX_SWITCH -> said = EV_SWITCHED
	:: late_ask[slot] == FX_CONFIRM -> said = EV_CONFIRMED
	:: late_ask[slot] == FX_RESTORE -> said = EV_RESTORED
	:: said = EV_REFUSED
	:: said = EV_TROUBLED
	fi;
	if
	:: is_stale(said) -> skip
	:: else ->
		if
		:: late_id[slot] != 0 -> post(SWAP, late_deploy[slot], said)
		:: else -> post(DEPLOY, late_deploy[slot], said); with(digest) = 1
		fi
	fi
}

inline land_late(slot) {
	if
	:: late_is_answer[slot] -> deliver_late(slot)
	:: else -> perform(late_ask[slot], late_deploy[slot], late_elder[slot], late_id[slot], late_epoch[slot])
	fi;
	late_ask[slot] = FX_NOTHING;
	late_deploy[slot] = 0;
	late_elder[slot] = 0;
	late_id[slot] = 0;
	late_epoch[slot] = 0;
	late_is_answer[slot] = false;
	go!0
}

/* Hooks, people, the configuration, crashes, and what comes late. */

proctype storm() {
	byte s;

end:	do
	:: atomic {
		hooks > 0 && deploy_births + 1 < DEPLOYS ->
		hooks--;
		if
		:: s = 0
		:: STAGES > 1 -> s = STAGES - 1
		fi;
		post(STAGE, s, EV_TRIGGER);
		with(word) = 1;
		if
		:: true -> skip /* a tag */
		:: DIGESTS > 1 -> with(word) = 2
		:: with(digest) = 1 /* a rollback names its digest */
#ifdef QUARANTINE
		:: with(is_poll) = BY_HOOK
		:: with(is_poll) = BY_HOOK; with(flag) = true
		:: with(digest) = 1; with(is_poll) = BY_ROLLBACK; becomes_bad(deploy_digest[stage_live[0]], 1)
		:: with(digest) = 2; with(is_poll) = BY_POLL
#endif
#ifdef TERMS
		:: with(is_poll) = BY_HOOK
		:: with(digest) = 1; with(is_poll) = BY_ROLLBACK
#endif
#ifdef STOPS
		:: with(digest) = 1; with(flag) = true; with(is_poll) = BY_STOP
#endif
#ifdef FORCED
		:: with(flag) = true
		:: with(flag) = true; with(digest) = 1
#endif
		fi;
		s = 0;
		go!0
	}
	:: atomic {
		cancels > 0 && stage_state[0] != stage_IDLE ->
		cancels--;
		post(STAGE, 0, EV_CANCEL);
		go!0
	}
	:: atomic {
		changes > 0 ->
		changes--;
		if
		:: post(STAGE, 0, EV_CONFIGURED); with(flag) = true
		:: post(STAGE, 0, EV_CONFIGURED)
		fi;
		go!0
	}
#ifdef QUARANTINE
	:: atomic {
		lifts > 0 ->
		lifts--;
		post(STAGE, 0, EV_LIFTED);
		becomes_good(1);
		with(digest) = 1;
		go!0
	}
#endif
#ifdef WARM
	:: atomic {
		coolings > 0 && stage_warm[0] != 0 ->
		coolings--;
		post(STAGE, 0, EV_COOLED);
		with(word) = stage_warm[0];
		go!0
	}
#ifdef VERSIONS
	:: atomic {
		coolings > 0 && stage_older[0] != 0 ->
		coolings--;
		post(STAGE, 0, EV_COOLED);
		with(word) = stage_older[0];
		go!0
	}
#endif
#endif
#ifdef TERMS
	:: atomic {
		changes_of_terms > 0 ->
		changes_of_terms--;
		if
		:: post(STAGE, 0, EV_FROZEN)
		:: post(STAGE, 0, EV_THAWED)
		:: terms[0] = NEVER /* the source has moved on: nobody tells */
		fi;
		go!0
	}
	:: atomic {
		votes > 0 && stage_pending[0] != 0 ->
		votes--;
		if
		:: post(DEPLOY, stage_pending[0], EV_APPROVED)
		:: post(DEPLOY, stage_pending[0], EV_REJECTED)
		fi;
		go!0
	}
#endif
	/* The process dies: answers under way are lost with what was not stored; asks may still land. */
	:: atomic {
		crashes > 0 ->
		crashes--;
		crash();
		go!0
	}
#if LATES > 0
	:: atomic {
		late_ask[LATES - 1] != FX_NOTHING -> land_late(LATES - 1)
	}
#endif
#if LATES > 1
	:: atomic {
		late_ask[LATES - 2] != FX_NOTHING -> land_late(LATES - 2)
	}
#endif
	:: atomic { timeout -> check_settled(); break }
	od
}

/* What the engine says by itself makes the sweep look LOOKS times, or for ever; but not before the look that
 * is under way is answered (src/ports/docker_events.c). */
#ifdef IMPATIENT
#define is_free_for_a_look true
#else
#define is_free_for_a_look (sweep_ask != FX_SURVEY || sweep_wire == NOWHERE)
#endif

proctype nudges() {
end:	do
	:: atomic {
		looks > 0 && is_free_for_a_look ->
#ifndef FAIR
		looks--;
#endif
		post(SWEEP, 0, EV_NUDGED);
		go!0
	}
	od
}

/* The sweep looks when there is something to find. A look takes its time: DONE is the engine's list. */

proctype engine() {
end:	do
	:: atomic {
		sweep_state[0] == sweep_WAITING && has_orphan ->
		post(SWEEP, 0, EV_TIMEOUT);
		go!0
	}
	:: atomic {
		sweep_wire == ASKED && sweep_ask == FX_SURVEY ->
		sweep_wire = DONE
	}
	:: atomic {
		sweep_wire == ASKED && sweep_ask == FX_COLLECT ->
		for (i : 1 .. DEPLOYS - 1) {
			if
			:: is_instance_orphan(i) -> remove_container(i)
			:: else -> skip
			fi;
			if
			:: is_task_orphan(i) -> remove_migration(i)
			:: else -> skip
			fi
		}
		sweep_wire = DONE
	}
	:: atomic {
		sweep_wire == DONE ->
		sweep_wire = NOWHERE;
		if
		:: sweep_ask == FX_SURVEY -> post(SWEEP, 0, EV_SURVEYED); with(flag) = has_orphan
		:: sweep_ask == FX_COLLECT -> post(SWEEP, 0, EV_COLLECTED)
		fi;
		go!0
	}
	:: atomic {
		sweep_ask != FX_NOTHING && sweep_wire == NOWHERE ->
		post(SWEEP, 0, EV_TIMEOUT);
		go!0
	}
	:: atomic { faults > 0 && sweep_wire != NOWHERE -> faults--; sweep_wire = NOWHERE }
	od
}

/* The registry, for a poll: what is newest changes as often as the poll may look. */

#ifdef POLLED
proctype registry() {
end:	do
	:: atomic {
		looks > 0 ->
		looks--;
		newest_digest = 3 - newest_digest;
		post(POLL, 0, EV_NUDGED);
		go!0
	}
	:: atomic {
		changes > 0 ->
		changes--;
		if
		:: post(POLL, 0, EV_CONFIGURED); with(flag) = true
		:: post(POLL, 0, EV_CONFIGURED); with(flag) = true; with(word) = 1 /* report only */
		:: post(POLL, 0, EV_CONFIGURED); with(flag) = true; with(digest) = 1 /* forget */
		:: post(POLL, 0, EV_CONFIGURED)
		:: post(POLL, 0, EV_CANCEL)
		fi;
		go!0
	}
	:: atomic {
		poll_wire == ASKED && poll_ask == FX_SEEK && deploy_births + 1 < DEPLOYS ->
		poll_wire = NOWHERE;
		post(POLL, 0, EV_SOUGHT);
		with(digest) = newest_digest;
		if
		:: true -> skip
		:: newest_digest != poll_digest -> with(word) = 1 /* the newest tag was deleted */
		fi;
		go!0
	}
	:: atomic {
		poll_wire == ASKED && poll_ask == FX_SEEK && deploy_births + 1 == DEPLOYS ->
		poll_wire = NOWHERE;
		post(POLL, 0, EV_REFUSED);
		go!0
	}
	:: atomic { faults > 0 && poll_wire != NOWHERE -> faults--; poll_wire = NOWHERE }
	:: atomic {
		poll_ask != FX_NOTHING && poll_wire == NOWHERE ->
		post(POLL, 0, EV_TIMEOUT);
		go!0
	}
	od
}
#endif

/* The receiver. One who waits for its next try hears when its time has come. */

#ifdef NOTIFIED
proctype receiver(byte me) {
end:	do
	:: atomic {
		notify_wire[me] == ASKED && notify_ask[me] == FX_NOTIFY ->
		assert(is_told_of(deploy_state[me])); /* 75: never before it has happened */
		was_told[me] = true;
		notify_wire[me] = DONE
	}
	:: atomic {
		notify_wire[me] == DONE ->
		notify_wire[me] = NOWHERE;
		post(NOTIFY, me, EV_NOTIFIED);
		go!0
	}
	:: atomic { faults > 0 && notify_wire[me] != NOWHERE -> faults--; notify_wire[me] = NOWHERE }
	:: atomic {
		faults > 0 && notify_wire[me] == ASKED ->
		faults--;
		notify_wire[me] = NOWHERE;
		if
		:: post(NOTIFY, me, EV_TROUBLED)
		:: post(NOTIFY, me, EV_REFUSED)
		fi;
		go!0
	}
	:: atomic {
		(notify_ask[me] != FX_NOTHING && notify_wire[me] == NOWHERE) ||
		    notify_state[me] == notify_PENDING ->
		post(NOTIFY, me, EV_TIMEOUT);
		go!0
	}
	:: atomic {
		cancels > 0 && notify_state[me] != UNBORN && !notify_IS_FINAL(notify_state[me]) ->
		cancels--;
		post(NOTIFY, me, EV_CANCEL);
		go!0
	}
	od
}
#endif
