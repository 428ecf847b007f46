/* world.pml - engine, proxy and registry, doing what they are asked; the laws are asserted where they act. */

/* An orphan, by the rule of src/actors/orphan.c. */

#ifdef NO_BUSY
#define is_busy(stage_) false
#else
#define is_busy(stage_) (stage_running[stage_] != 0)
#endif
#if defined(WARM) && !defined(NO_WARM)
#ifdef NO_OLDER
#define is_kept(d) (stage_warm[deploy_stage[d]] == d)
#else
#define is_kept(d) (stage_warm[deploy_stage[d]] == d || older(deploy_stage[d]) == d)
#endif
#else
#define is_kept(d) false
#endif
#ifdef MIGRATION /* no container of a task is needed beyond its deploy */
#define is_task_orphan(d) (migration[d] != NOWHERE && deploy_IS_FINAL(deploy_state[d]))
#else
#define is_task_orphan(d) false
#endif
#define is_instance_orphan(d) \
	(runs[d] && !is_kept(d) && deploy_IS_FINAL(deploy_state[d]) && stage_live[deploy_stage[d]] != d && \
	    !is_busy(deploy_stage[d]))
#define is_orphan(d) (is_instance_orphan(d) || is_task_orphan(d))

#if DEPLOYS > 5
#define has_orphan (is_orphan(1) || is_orphan(2) || is_orphan(3) || is_orphan(4) || is_orphan(5))
#elif DEPLOYS > 4
#define has_orphan (is_orphan(1) || is_orphan(2) || is_orphan(3) || is_orphan(4))
#elif DEPLOYS > 3
#define has_orphan (is_orphan(1) || is_orphan(2) || is_orphan(3))
#else
#define has_orphan (is_orphan(1) || is_orphan(DEPLOYS - 1))
#endif

/* The outside, doing what it is asked. */

#ifdef NO_FENCE
#define is_fenced(s, id_, epoch_) false
#else
#define is_fenced(s, id_, epoch_) (id_ < fence_id[s] || (id_ == fence_id[s] && epoch_ < fence_epoch[s]))
#endif

inline remove_container(d) {
	assert(target[deploy_stage[d]] != d); /* 1: the route never points at what does not run */
	assert(has_drained[d]); /* 4: what was in flight has ended, or its time is over */
	runs[d] = false
}

/* Migrations. Whoever asks again meets the container of before; one of the stage runs at a time, and a digest is
 * migrated once. What was left over is ended by the sweep. */
#ifdef MIGRATION
#if STAGES > 1 || DEPLOYS > 4
#error migration_of_others looks at three places
#endif
#define runs_migration(d) (d < DEPLOYS && migration[d] == ASKED)
#ifdef SIDE_BY_SIDE
#define migration_of_others(d) false
#else
#define migration_of_others(d) \
	((d != 1 && migration[1] == ASKED) || (d != 2 && migration[2] == ASKED) || \
	    (d != DEPLOYS - 1 && migration[DEPLOYS - 1] == ASKED))
#endif
#define was_migrated(d) ((migrated[deploy_stage[d]] & (1 << deploy_digest[d])) != 0)

inline begin_migration(d) {
	if
	:: was_migrated(d) -> said = EV_MIGRATED
	:: !was_migrated(d) && has_migrated[d] && migration[d] == NOWHERE -> said = EV_REFUSED /* it failed */
	:: !was_migrated(d) && !has_migrated[d] && migration_of_others(d) -> said = EV_TROUBLED
	:: else ->
		if
		:: !has_migrated[d] ->
			for (i : 1 .. DEPLOYS - 1) {
				/* 98: one of a stage at a time */
				assert(i == d || migration[i] != ASKED)
			}
			has_migrated[d] = true; /* 98: a deploy begins it once */
			migration[d] = ASKED
		:: else -> skip
		fi;
		said = EV_MIGRATED
	fi
}

/* By itself, or because it was asked to. */
inline end_migration(d, is_good) {
	if
	:: migration[d] == ASKED && is_good ->
		migrated[deploy_stage[d]] = migrated[deploy_stage[d]] | (1 << deploy_digest[d]);
		migration[d] = DONE
	:: migration[d] == ASKED && !is_good -> migration[d] = NOWHERE
	:: else -> skip
	fi
}
#define remove_migration(d) end_migration(d, false); migration[d] = NOWHERE
#define assert_migrated(d) assert(deploy_is_back(d) || was_migrated(d)) /* 99: before the first container */
#else
inline begin_migration(d) { said = EV_MIGRATED }
inline end_migration(d, is_good) { skip }
#define remove_migration(d) skip
#define assert_migrated(d) skip
#endif

/* Hooks. */
#ifdef HOOKED
inline run_hook(d) {
	has_hooked[d] = has_hooked[d] || deploy_state[d] == deploy_PRE_SWITCH;
	said = EV_HOOKED
}
#define fail_hook(d) has_failed[d] = deploy_state[d] == deploy_POST_SWITCH
#define assert_hooked(d) assert(has_hooked[d]) /* 111 */
#else
#define run_hook(d) said = EV_HOOKED
#define fail_hook(d) skip
#define assert_hooked(d) skip
#endif

inline move_route(s, to, id_, epoch_) {
	target[s] = to;
	has_drained[to] = false;
	fence_id[s] = id_;
	fence_epoch[s] = epoch_
}

/* A domain belongs to one stage at a time. What claims another's is refused, but a restore must end: it
 * leaves the domain to whom it belongs now. */
#ifdef SHARED
#define is_taken(d, s) (wants_domain[d] && owner != 0 && owner != s + 1)
inline claim_domain(d, s) {
	if
	:: wants_domain[d] && owner == 0 -> owner = s + 1
	:: !wants_domain[d] && owner == s + 1 -> owner = 0
	:: else -> skip
	fi
}
#else
#define is_taken(d, s) false
#define claim_domain(d, s) skip
#endif
#ifdef RESTORE_MAY_BE_TAKEN
#define is_restore_taken(d, s) is_taken(d, s)
#else
#define is_restore_taken(d, s) false
#endif

inline perform(ask_, d, elder_, id_, epoch_) {
	if
	:: ask_ == FX_MIGRATE -> begin_migration(d)
	:: ask_ == FX_HOOK -> run_hook(d)
	:: ask_ == FX_VERIFY -> said = EV_VERIFIED
	:: ask_ == FX_RUN ->
		assert(!stops_first(d) || !runs[elder_]); /* 102: only one of them at a time */
		assert_migrated(d);
		runs[d] = true;
		said = EV_STARTED
	:: ask_ == FX_HALT ->
		assert(target[deploy_stage[d]] != elder_ && has_drained[elder_]); /* 1, 4 */
		runs[elder_] = false;
		said = EV_HALTED
	:: ask_ == FX_REVIVE ->
		assert(!runs[d]); /* 102 */
		runs[elder_] = true;
		said = EV_REVIVED
	:: ask_ == FX_PARK ->
		if
		:: is_fenced(deploy_stage[d], id_, epoch_) -> said = EV_REFUSED
		:: else ->
			has_drained[elder_] = true;
			has_drained[d] = true;
			move_route(deploy_stage[d], 0, id_, epoch_);
			said = EV_PARKED
		fi
	:: ask_ == FX_REMOVE -> remove_container(d); remove_migration(d); said = EV_REMOVED
	:: ask_ == FX_RETIRE -> remove_container(elder_); said = EV_RETIRED
	:: ask_ == FX_DRAIN -> has_drained[elder_] = target[deploy_stage[d]] != elder_; said = EV_DRAINED
	:: ask_ == FX_SWITCH ->
		if
		:: is_fenced(deploy_stage[d], id_, epoch_) || !(runs[body(d)] || only_stops(d)) ||
		    is_taken(d, deploy_stage[d]) ->
			said = EV_REFUSED
		:: else ->
			assert_hooked(d);
			fresh = (only_stops(d) -> 0 : body(d));
			move_route(deploy_stage[d], fresh, id_, epoch_);
			claim_domain(d, deploy_stage[d]);
			said = EV_SWITCHED
		fi
	:: ask_ == FX_CONFIRM ->
		fresh = (only_stops(d) -> 0 : body(d));
		said = (target[deploy_stage[d]] == fresh -> EV_CONFIRMED : EV_TROUBLED)
	:: ask_ == FX_RESTORE ->
		if
		:: is_fenced(deploy_stage[d], id_, epoch_) || is_restore_taken(elder_, deploy_stage[d]) ->
			said = EV_REFUSED
		:: else ->
			has_drained[body(d)] = true;
			fresh = (deploy_has_route[elder_] && runs[elder_] -> elder_ : 0);
			move_route(deploy_stage[d], fresh, id_, epoch_);
			claim_domain(elder_, deploy_stage[d]);
			said = EV_RESTORED
		fi
	:: ask_ == FX_PULL -> said = EV_PULLED
	:: ask_ == FX_PROBE -> said = (runs[body(d)] -> EV_HEALTHY : EV_REFUSED)
	fi
}

/* Whether landing and answering are told apart: only where something can come between. */
#define IS_AT_ONCE(fx) (fx == FX_RESOLVE || fx == FX_PULL || fx == FX_PROBE || fx == FX_HOOK || fx == FX_VERIFY)
