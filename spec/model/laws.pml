/* laws.pml - what must hold: after every step, and when nothing can happen any more. The numbers are those of
 * spec/invariants.md. */

/* 102: nobody serves only while a deploy that stops the old version first is under way, or after the engine
 * has said that it cannot be started again. */
#ifdef HALTING
#define is_lost(s) (is_unrevived[stage_live[s]] && !runs[stage_live[s]])
#define is_parked_by_right(s) \
	(is_lost(s) || (stage_running[s] != 0 && (stops_first(stage_running[s]) || only_stops(stage_running[s]))))
#else
#define is_lost(s) false
#define is_parked_by_right(s) (stage_running[s] != 0 && only_stops(stage_running[s]))
#endif

/* 112: what failed on trial does not stay. */
#if defined(TRIAL) && !defined(FIRST)
#define assert_passed(d) assert(!has_failed[d])
#else
#define assert_passed(d) skip
#endif

/* 115: nor what went bad in its window. */
#ifdef WATCHED
#define assert_verified(d) assert(!has_gone_bad[d])
#else
#define assert_verified(d) skip
#endif


/* The laws, after every step. */
inline check() {
	d_step {
		for (i : 0 .. STAGES - 1) {
			/* 1 and 8: the route leads to what runs, and to something once a stage has served */
			assert(target[i] == 0 || runs[target[i]]);
			assert(!deploy_has_route[stage_live[i]] || target[i] != 0 || is_parked_by_right(i));
#ifdef STOPS /* 119: while a stage is stopped its route leads to nobody */
			assert(stage_stopped[i] == 0 || stage_live[i] == 0);
			assert(stage_stopped[i] == 0 || stage_running[i] != 0 || target[i] == 0);
#endif
#ifdef WARM /* 114: what is called warm runs */
			assert(stage_warm[i] == 0 || (runs[stage_warm[i]] && stage_warm[i] != stage_live[i]));
			assert(older(i) == 0 || (runs[older(i)] && older(i) != stage_live[i]));
			assert(older(i) == 0 || (stage_warm[i] != 0 && older(i) != stage_warm[i]));
#ifdef VERSIONS /* 121: one of a tag, which the digest is here */
			assert(older(i) == 0 || deploy_digest[older(i)] != deploy_digest[stage_warm[i]]);
#endif
#endif
			/* 16: what the stage says of its deploys is so */
			assert((stage_state[i] == stage_IDLE) == (stage_running[i] == 0));
			assert((stage_state[i] == stage_QUEUEING) == (stage_waiting[i] != 0));
			assert(stage_waiting[i] == 0 || stage_waiting[i] > stage_running[i]);
			assert(stage_pending[i] == 0 || deploy_state[stage_pending[i]] == deploy_PENDING);
			assert(stage_resolving[i] == 0 ||
			    deploy_state[stage_resolving[i]] == deploy_RESOLVING)
		}
		for (i : 1 .. DEPLOYS - 1) {
			if
			:: deploy_state[i] == deploy_QUEUED ->
				assert(stage_waiting[deploy_stage[i]] == i)
			:: deploy_state[i] == deploy_PENDING ->
				assert(stage_pending[deploy_stage[i]] == i)
			:: deploy_state[i] == UNBORN || deploy_state[i] == deploy_RESOLVING ||
			    deploy_state[i] == deploy_LIVE -> skip
#ifdef WATCHED /* 116: what is watched can go back: the version before runs, and counts */
			:: deploy_state[i] == deploy_VERIFYING || deploy_state[i] == deploy_SWAPPING_BACK ->
				assert(stage_running[deploy_stage[i]] == i && runs[deploy_elder[i]] &&
				    stage_live[deploy_stage[i]] == deploy_elder[i])
#endif
			:: deploy_IS_FINAL(deploy_state[i]) && deploy_state[i] != deploy_LIVE ->
				/* 13: what ends otherwise holds no route and is not called live */
				assert(target[deploy_stage[i]] != i && stage_live[deploy_stage[i]] != i)
			:: else ->
				/* 16: one deploy runs in a stage */
				assert(stage_running[deploy_stage[i]] == i)
			fi;
			/* 30: a swap lives only beside its deploy */
			assert(swap_state[i] == UNBORN || deploy_state[i] == deploy_SWAPPING ||
			    deploy_state[i] == deploy_ABORTING || deploy_state[i] == deploy_SWAPPING_BACK ||
			    stops_first(i))
		}
		if
		:: became_live != 0 -> /* 11: LIVE means so */
			assert(runs[body(became_live)] &&
			    (stage_live[deploy_stage[became_live]] == body(became_live) ||
				only_stops(stage_running[deploy_stage[became_live]]))); /* in the same step */
			assert(!deploy_has_route[became_live] ||
			    target[deploy_stage[became_live]] == body(became_live));
			assert_passed(became_live);
			assert_verified(became_live)
		:: else -> skip
		fi;
		became_live = 0
	}
}

/* 17: what a deploy is merged into may still go live. */
inline assert_is_on_its_way(d) {
	assert(deploy_state[d] != deploy_ABORTING && deploy_state[d] != deploy_UNDOING &&
	    deploy_state[d] != deploy_CANCELING && deploy_state[d] != deploy_REVIVING &&
	    deploy_state[d] != deploy_RETURNING && deploy_state[d] != deploy_STOPPING &&
	    deploy_state[d] != deploy_SWAPPING_BACK)
}

/* 16: when nothing goes wrong, what was wished last is what serves in the end. */
#ifdef GOOD_DAY
inline wishes(s, deploy_, digest_) {
	wish_spec[s] = (deploy_ != 0 -> stage_spec[s] : wish_spec[s]);
	wish[s] = deploy_;
	wish_digest[s] = digest_
}
/* A poll that finds what is there takes back nothing that somebody asks for just now. */
inline finds(s, digest_) {
	fresh = 0;
	for (i : 1 .. DEPLOYS - 1) {
		fresh = (deploy_state[i] == deploy_RESOLVING && deploy_stage[i] == s -> i : fresh)
	}
	if
	:: fresh == 0 -> wishes(s, 0, digest_)
	:: else -> skip
	fi
}
#define wished_digest(s) (wish_digest[s] != 0 -> wish_digest[s] : deploy_digest[wish[s]])
#define is_granted(s) \
	(wished_digest(s) == 0 || (deploy_digest[stage_live[s]] == wished_digest(s) && \
	    deploy_spec[stage_live[s]] == wish_spec[s]))
#else
#define wishes(s, deploy_, digest_) skip
#define finds(s, digest_) skip
#define is_granted(s) true
#endif

/* When nothing can happen any more. 14: every deploy has ended, without a person. 8: each route is what
 * its stage calls live. 20: nothing is left over. */
inline check_settled() {
	d_step {
		for (i : 0 .. STAGES - 1) {
			assert(stage_state[i] == stage_IDLE && stage_pending[i] == 0);
			assert(is_granted(i));
			assert(!deploy_has_route[stage_live[i]] || target[i] == stage_live[i] || is_lost(i))
		}
		for (i : 1 .. DEPLOYS - 1) {
			assert(deploy_state[i] == UNBORN || deploy_IS_FINAL(deploy_state[i]));
#ifdef NOTIFIED /* 75: each end is told, or given up */
			assert(i <= ELDERS || !is_told_of(deploy_state[i]) || notify_IS_FINAL(notify_state[i]));
#endif
			assert(sweep_state[0] == sweep_STOPPED || !is_orphan(i))
		}
	}
}

/* With nothing to stop the sweep from looking for ever: only fairness gives the others their turn. 14: every
 * deploy ends. 5: a swap that has begun ends. 8: the route becomes what its stage calls live, and stays
 * so. 20: orphans are removed. For one stage, whose deploys are its last HOOKS births. */
#ifdef FAIR
#if HOOKS > 2
#error is_all_over looks at two deploys
#endif
#define is_under_way(d) (deploy_state[d] != UNBORN && !deploy_IS_FINAL(deploy_state[d]))
#define is_all_over (!is_under_way(DEPLOYS - HOOKS) && !is_under_way(DEPLOYS - 1))
#define is_swapping (swap_state[DEPLOYS - HOOKS] != UNBORN || swap_state[DEPLOYS - 1] != UNBORN)
ltl all_end { <> [] is_all_over }
ltl swaps_end { [] (is_swapping -> <> !is_swapping) }
ltl route_settles { <> [] (target[0] == stage_live[0]) }
ltl none_left { <> [] !has_orphan }
#endif
