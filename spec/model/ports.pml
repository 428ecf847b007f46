/* ports.pml - the ports of one deploy and its swap: what they answer on a good day, and what else may come. */

/* A drain that got no good answer: the time of what is in flight is over. */
inline give_up_drain(d) {
	if
	:: deploy_ask[d] == FX_DRAIN -> has_drained[deploy_elder[d]] = true
	:: else -> skip
	fi
}

/* What cannot be started again cannot be led to either. */
inline note_refusal(d) {
#ifdef HALTING
	is_unrevived[deploy_elder[d]] = is_unrevived[deploy_elder[d]] || deploy_ask[d] == FX_REVIVE
#else
	skip
#endif
}

proctype ports(byte d) {
end:	do
	/* What a good day brings. */
	:: atomic {
		deploy_wire[d] == ASKED && deploy_ask[d] == FX_RESOLVE ->
		deploy_wire[d] = NOWHERE;
		if
		:: post(DEPLOY, d, EV_RESOLVED); with(digest) = 1
		:: DIGESTS > 1 -> post(DEPLOY, d, EV_RESOLVED); with(digest) = 2
		:: DIGESTS > 2 -> post(DEPLOY, d, EV_RESOLVED); with(digest) = 3
		fi;
		go!0
	}
	:: atomic {
		deploy_wire[d] == ASKED && IS_AT_ONCE(deploy_ask[d]) && deploy_ask[d] != FX_RESOLVE ->
		deploy_wire[d] = NOWHERE;
		perform(deploy_ask[d], d, deploy_elder[d], 0, 0);
		post(DEPLOY, d, said);
		go!0
	}
#ifdef HOOKED
	:: atomic { /* it ends with another exit code */
		deploy_wire[d] == ASKED && deploy_ask[d] == FX_HOOK ->
		deploy_wire[d] = NOWHERE;
		fail_hook(d);
		post(DEPLOY, d, EV_REFUSED);
		go!0
	}
#endif
#ifdef WATCHED
	:: atomic { /* it goes bad behind its switch */
		deploy_wire[d] == ASKED && deploy_ask[d] == FX_VERIFY ->
		deploy_wire[d] = NOWHERE;
		has_gone_bad[d] = true;
		post(DEPLOY, d, EV_REFUSED);
		go!0
	}
#endif
#ifndef GOOD_DAY
	:: atomic { /* the image is bad */
		deploy_wire[d] == ASKED && deploy_ask[d] == FX_PROBE ->
		deploy_wire[d] = NOWHERE;
		post(DEPLOY, d, EV_REFUSED);
		go!0
	}
#endif
	:: atomic {
		deploy_wire[d] == ASKED && !IS_AT_ONCE(deploy_ask[d]) ->
		perform(deploy_ask[d], d, deploy_elder[d], 0, 0);
		if
		:: said == EV_REFUSED || said == EV_TROUBLED ->
			deploy_wire[d] = NOWHERE;
			post(DEPLOY, d, said);
			go!0
		:: else -> deploy_wire[d] = DONE
		fi
	}
#ifdef MIGRATION
	:: atomic { /* its container ends, whoever waits for that */
		migration[d] == ASKED ->
		end_migration(d, true)
	}
	:: atomic {
		migration[d] == ASKED ->
		end_migration(d, false);
		if
		:: deploy_ask[d] == FX_MIGRATE && deploy_wire[d] == DONE ->
			deploy_wire[d] = NOWHERE;
			post(DEPLOY, d, EV_REFUSED);
			go!0
		:: else -> skip
		fi
	}
#define is_migrating(d) (deploy_ask[d] == FX_MIGRATE && migration[d] == ASKED)
#else
#define is_migrating(d) false
#endif
	:: atomic {
		deploy_wire[d] == DONE && !is_migrating(d) ->
		deploy_wire[d] = NOWHERE;
		if
		:: deploy_ask[d] == FX_MIGRATE -> post(DEPLOY, d, EV_MIGRATED)
		:: deploy_ask[d] == FX_RUN -> post(DEPLOY, d, EV_STARTED)
		:: deploy_ask[d] == FX_REMOVE -> post(DEPLOY, d, EV_REMOVED)
		:: deploy_ask[d] == FX_DRAIN -> post(DEPLOY, d, EV_DRAINED)
		:: deploy_ask[d] == FX_RETIRE -> post(DEPLOY, d, EV_RETIRED)
		:: deploy_ask[d] == FX_HALT -> post(DEPLOY, d, EV_HALTED)
		:: deploy_ask[d] == FX_REVIVE -> post(DEPLOY, d, EV_REVIVED)
		fi;
		go!0
	}
	:: atomic {
		swap_wire[d] == ASKED ->
		perform(swap_ask[d], d, deploy_elder[d], swap_id[d], swap_epoch[d]);
		if
		:: said == EV_REFUSED || said == EV_TROUBLED ->
			swap_wire[d] = NOWHERE;
			post(SWAP, d, said);
			go!0
		:: else -> swap_wire[d] = DONE
		fi
	}
	:: atomic {
		swap_wire[d] == DONE ->
		swap_wire[d] = NOWHERE;
		if
		:: swap_ask[d] == FX_SWITCH -> post(SWAP, d, EV_SWITCHED)
		:: swap_ask[d] == FX_CONFIRM -> post(SWAP, d, EV_CONFIRMED)
		:: swap_ask[d] == FX_RESTORE -> post(SWAP, d, EV_RESTORED)
		:: swap_ask[d] == FX_PARK -> post(SWAP, d, EV_PARKED)
		fi;
		go!0
	}
	/* What was lost is noticed by its deadline. */
	:: atomic {
		deploy_ask[d] != FX_NOTHING && deploy_wire[d] == NOWHERE ->
		give_up_drain(d);
		post(DEPLOY, d, EV_TIMEOUT);
		go!0
	}
	:: atomic {
		swap_ask[d] != FX_NOTHING && swap_wire[d] == NOWHERE ->
		post(SWAP, d, EV_TIMEOUT);
		go!0
	}
#ifdef TERMS
	/* What pends asks again, and in the end the terms allow it or never will. */
	:: atomic {
		deploy_state[d] == deploy_PENDING && terms[deploy_stage[d]] != NOT_YET ->
		post(DEPLOY, d, EV_TIMEOUT);
		go!0
	}
	:: atomic { deploy_state[d] == deploy_PENDING && terms[deploy_stage[d]] == NOT_YET -> terms[deploy_stage[d]] = GO }
	:: atomic { deploy_state[d] == deploy_PENDING && terms[deploy_stage[d]] == NOT_YET -> terms[deploy_stage[d]] = NEVER }
#endif
	/* Faults. */
	:: atomic { faults > 0 && deploy_wire[d] != NOWHERE -> faults--; deploy_wire[d] = NOWHERE }
	:: atomic { faults > 0 && swap_wire[d] != NOWHERE -> faults--; swap_wire[d] = NOWHERE }
	:: atomic {
		faults > 0 && deploy_wire[d] != NOWHERE ->
		faults--;
		give_up_drain(d);
		if
		:: deploy_wire[d] == ASKED -> note_refusal(d); deploy_wire[d] = NOWHERE; post(DEPLOY, d, EV_REFUSED)
		:: deploy_wire[d] = NOWHERE; post(DEPLOY, d, EV_TROUBLED)
		:: post(DEPLOY, d, EV_TIMEOUT)
		fi;
		go!0
	}
	:: atomic {
		faults > 0 && swap_wire[d] != NOWHERE ->
		faults--;
		if
		:: swap_wire[d] == ASKED -> swap_wire[d] = NOWHERE; post(SWAP, d, EV_REFUSED)
		:: swap_wire[d] = NOWHERE; post(SWAP, d, EV_TROUBLED)
		:: post(SWAP, d, EV_TIMEOUT)
		fi;
		go!0
	}
	:: atomic { /* a deadline while it waits for another actor */
		faults > 0 && deploy_ask[d] == FX_NOTHING && deploy_state[d] != UNBORN &&
		    !deploy_IS_FINAL(deploy_state[d]) ->
		faults--;
		post(DEPLOY, d, EV_TIMEOUT);
		go!0
	}
	:: atomic {
		cancels > 0 && deploy_state[d] != UNBORN && !deploy_IS_FINAL(deploy_state[d]) ->
		cancels--;
		post(DEPLOY, d, EV_CANCEL);
		go!0
	}
	od
}
