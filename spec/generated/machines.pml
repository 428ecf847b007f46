/* made by `slipway machines --promela`; do not edit */
#define FX_NOTHING 0
#define EV_START 1
#define EV_CANCEL 2
#define EV_TIMEOUT 3
#define EV_RECOVERED 4
#define EV_TRIGGER 5
#define EV_CONFIGURED 6
#define EV_NUDGED 7
#define EV_LIFTED 8
#define EV_FROZEN 9
#define EV_THAWED 10
#define EV_APPROVED 11
#define EV_REJECTED 12
#define EV_COOLED 13
#define EV_READY 14
#define EV_GRANTED 15
#define EV_SUPERSEDED 16
#define EV_MERGED 17
#define EV_MOVED 18
#define EV_GIVEN_UP 19
#define EV_ENDED 20
#define EV_SWAPPED 21
#define EV_UNSWAPPED 22
#define EV_HELD 23
#define EV_CONDEMNED 24
#define EV_CLEARED 25
#define EV_GO 26
#define EV_DEFERRED 27
#define EV_DENIED 28
#define EV_RECALLED 29
#define EV_PASSING 30
#define EV_RESOLVED 31
#define EV_PULLED 32
#define EV_STARTED 33
#define EV_HEALTHY 34
#define EV_SWITCHED 35
#define EV_CONFIRMED 36
#define EV_RESTORED 37
#define EV_DRAINED 38
#define EV_RETIRED 39
#define EV_REMOVED 40
#define EV_SOUGHT 41
#define EV_SURVEYED 42
#define EV_COLLECTED 43
#define EV_NOTIFIED 44
#define EV_PARKED 45
#define EV_HALTED 46
#define EV_REVIVED 47
#define EV_MIGRATED 48
#define EV_HOOKED 49
#define EV_VERIFIED 50
#define EV_REFUSED 51
#define EV_TROUBLED 52
#define FX_RESOLVE 1
#define FX_PULL 2
#define FX_MIGRATE 3
#define FX_HOOK 4
#define FX_RUN 5
#define FX_PROBE 6
#define FX_VERIFY 7
#define FX_REMOVE 8
#define FX_DRAIN 9
#define FX_RETIRE 10
#define FX_SWITCH 11
#define FX_CONFIRM 12
#define FX_RESTORE 13
#define FX_PARK 14
#define FX_HALT 15
#define FX_REVIVE 16
#define FX_SEEK 17
#define FX_SURVEY 18
#define FX_COLLECT 19
#define FX_NOTIFY 20
#define IS_TIED_TO_EPOCH(ev) ((ev) == EV_TIMEOUT || (ev) == EV_RESOLVED || (ev) == EV_PULLED || (ev) == EV_STARTED || (ev) == EV_HEALTHY || (ev) == EV_SWITCHED || (ev) == EV_CONFIRMED || (ev) == EV_RESTORED || (ev) == EV_DRAINED || (ev) == EV_RETIRED || (ev) == EV_REMOVED || (ev) == EV_SOUGHT || (ev) == EV_SURVEYED || (ev) == EV_COLLECTED || (ev) == EV_NOTIFIED || (ev) == EV_PARKED || (ev) == EV_HALTED || (ev) == EV_REVIVED || (ev) == EV_MIGRATED || (ev) == EV_HOOKED || (ev) == EV_VERIFIED || (ev) == EV_REFUSED || (ev) == EV_TROUBLED)

/* deploy */
#define deploy_RESOLVING 1
#define deploy_QUEUED 2
#define deploy_PENDING 3
#define deploy_PULLING 4
#define deploy_MIGRATING 5
#define deploy_PARKING 6
#define deploy_HALTING 7
#define deploy_STARTING 8
#define deploy_PROBING 9
#define deploy_PRE_SWITCH 10
#define deploy_SWAPPING 11
#define deploy_ABORTING 12
#define deploy_POST_SWITCH 13
#define deploy_VERIFYING 14
#define deploy_SWAPPING_BACK 15
#define deploy_DRAINING 16
#define deploy_RETIRING 17
#define deploy_POST_RETIRE 18
#define deploy_STOPPING 19
#define deploy_UNDOING 20
#define deploy_CANCELING 21
#define deploy_REVIVING 22
#define deploy_RETURNING 23
#define deploy_LIVE 24
#define deploy_FAILED 25
#define deploy_ROLLED_BACK 26
#define deploy_CANCELED 27
#define deploy_SUPERSEDED 28
#define deploy_SKIPPED 29
#define deploy_REFUSED 30
#define deploy_STOPPED 31
#define deploy_IS_INITIAL(state) ((state) == deploy_RESOLVING || (state) == deploy_QUEUED)
#define deploy_IS_FINAL(state) ((state) == deploy_LIVE || (state) == deploy_FAILED || (state) == deploy_ROLLED_BACK || (state) == deploy_CANCELED || (state) == deploy_SUPERSEDED || (state) == deploy_SKIPPED || (state) == deploy_REFUSED || (state) == deploy_STOPPED)
#define deploy_IS_RESTING(state) (false)
inline deploy_step(me, ev) {
	if
	:: deploy_state[me] == deploy_RESOLVING ->
		if
		:: ev == EV_START -> deploy_DO_resolve(me, ev); deploy_TAKE(me, deploy_RESOLVING, FX_RESOLVE, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_resolve(me, ev); deploy_TAKE(me, deploy_RESOLVING, FX_RESOLVE, KEPT)
		:: ev == EV_RESOLVED -> deploy_DO_take_digest(me, ev); deploy_TAKE(me, deploy_QUEUED, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_tries_left(me, ev) -> deploy_DO_resolve_again(me, ev); deploy_TAKE(me, deploy_RESOLVING, FX_RESOLVE, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_tries_left(me, ev) -> deploy_DO_resolve_again(me, ev); deploy_TAKE(me, deploy_RESOLVING, FX_RESOLVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) -> deploy_DO_fail(me, ev); deploy_TAKE(me, deploy_FAILED, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED -> deploy_DO_fail(me, ev); deploy_TAKE(me, deploy_FAILED, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) -> deploy_DO_fail(me, ev); deploy_TAKE(me, deploy_FAILED, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_QUEUED ->
		if
		:: ev == EV_START -> deploy_DO_ask_turn(me, ev); deploy_TAKE(me, deploy_QUEUED, FX_NOTHING, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_ask_turn(me, ev); deploy_TAKE(me, deploy_QUEUED, FX_NOTHING, KEPT)
		:: ev == EV_GRANTED && deploy_IS_stops_routed(me, ev) -> deploy_DO_leave(me, ev); deploy_TAKE(me, deploy_SWAPPING, FX_NOTHING, KEPT)
		:: ev == EV_GRANTED && deploy_NOT_stops_routed(me, ev) && deploy_IS_stops(me, ev) -> deploy_DO_leave_unrouted(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_GRANTED && deploy_NOT_stops_routed(me, ev) && deploy_NOT_stops(me, ev) && deploy_IS_is_spared(me, ev) -> deploy_DO_reuse(me, ev); deploy_TAKE(me, deploy_PROBING, FX_PROBE, KEPT)
		:: ev == EV_GRANTED && deploy_NOT_stops_routed(me, ev) && deploy_NOT_stops(me, ev) && deploy_NOT_is_spared(me, ev) -> deploy_DO_pull(me, ev); deploy_TAKE(me, deploy_PULLING, FX_PULL, KEPT)
		:: ev == EV_MERGED -> deploy_DO_close(me, ev); deploy_TAKE(me, deploy_SKIPPED, FX_NOTHING, KEPT)
		:: ev == EV_SUPERSEDED -> deploy_DO_close(me, ev); deploy_TAKE(me, deploy_SUPERSEDED, FX_NOTHING, KEPT)
		:: ev == EV_HELD -> deploy_DO_close(me, ev); deploy_TAKE(me, deploy_SKIPPED, FX_NOTHING, KEPT)
		:: ev == EV_DENIED -> deploy_DO_close(me, ev); deploy_TAKE(me, deploy_REFUSED, FX_NOTHING, KEPT)
		:: ev == EV_DEFERRED -> deploy_DO_pend(me, ev); deploy_TAKE(me, deploy_PENDING, FX_NOTHING, KEPT)
		:: ev == EV_RECALLED -> deploy_DO_ask_turn(me, ev); deploy_TAKE(me, deploy_QUEUED, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT -> deploy_DO_fail(me, ev); deploy_TAKE(me, deploy_FAILED, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_PENDING ->
		if
		:: ev == EV_TIMEOUT -> deploy_DO_ask_turn(me, ev); deploy_TAKE(me, deploy_QUEUED, FX_NOTHING, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_ask_turn(me, ev); deploy_TAKE(me, deploy_QUEUED, FX_NOTHING, KEPT)
		:: ev == EV_RECALLED -> deploy_DO_ask_turn(me, ev); deploy_TAKE(me, deploy_QUEUED, FX_NOTHING, KEPT)
		:: ev == EV_APPROVED -> deploy_DO_count_approval(me, ev); deploy_TAKE(me, deploy_QUEUED, FX_NOTHING, KEPT)
		:: ev == EV_REJECTED -> deploy_DO_fail(me, ev); deploy_TAKE(me, deploy_REFUSED, FX_NOTHING, KEPT)
		:: ev == EV_SUPERSEDED -> deploy_DO_close(me, ev); deploy_TAKE(me, deploy_SUPERSEDED, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_PULLING ->
		if
		:: ev == EV_PULLED && deploy_IS_has_migration(me, ev) -> deploy_DO_migrate(me, ev); deploy_TAKE(me, deploy_MIGRATING, FX_MIGRATE, KEPT)
		:: ev == EV_PULLED && deploy_NOT_has_migration(me, ev) && deploy_IS_parks(me, ev) -> deploy_DO_begin_park(me, ev); deploy_TAKE(me, deploy_PARKING, FX_NOTHING, KEPT)
		:: ev == EV_PULLED && deploy_NOT_has_migration(me, ev) && deploy_NOT_parks(me, ev) && deploy_IS_halts(me, ev) -> deploy_DO_halt(me, ev); deploy_TAKE(me, deploy_HALTING, FX_HALT, KEPT)
		:: ev == EV_PULLED && deploy_NOT_has_migration(me, ev) && deploy_NOT_parks(me, ev) && deploy_NOT_halts(me, ev) -> deploy_DO_run(me, ev); deploy_TAKE(me, deploy_STARTING, FX_RUN, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_repull(me, ev); deploy_TAKE(me, deploy_PULLING, FX_PULL, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_tries_left(me, ev) -> deploy_DO_pull_again(me, ev); deploy_TAKE(me, deploy_PULLING, FX_PULL, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_tries_left(me, ev) -> deploy_DO_pull_again(me, ev); deploy_TAKE(me, deploy_PULLING, FX_PULL, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) -> deploy_DO_fail(me, ev); deploy_TAKE(me, deploy_FAILED, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED -> deploy_DO_fail(me, ev); deploy_TAKE(me, deploy_FAILED, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) -> deploy_DO_fail(me, ev); deploy_TAKE(me, deploy_FAILED, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_MIGRATING ->
		if
		:: ev == EV_MIGRATED && deploy_IS_parks(me, ev) -> deploy_DO_begin_park(me, ev); deploy_TAKE(me, deploy_PARKING, FX_NOTHING, KEPT)
		:: ev == EV_MIGRATED && deploy_NOT_parks(me, ev) && deploy_IS_halts(me, ev) -> deploy_DO_halt(me, ev); deploy_TAKE(me, deploy_HALTING, FX_HALT, KEPT)
		:: ev == EV_MIGRATED && deploy_NOT_parks(me, ev) && deploy_NOT_halts(me, ev) -> deploy_DO_run(me, ev); deploy_TAKE(me, deploy_STARTING, FX_RUN, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_remigrate(me, ev); deploy_TAKE(me, deploy_MIGRATING, FX_MIGRATE, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_tries_left(me, ev) -> deploy_DO_migrate_again(me, ev); deploy_TAKE(me, deploy_MIGRATING, FX_MIGRATE, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_tries_left(me, ev) -> deploy_DO_migrate_again(me, ev); deploy_TAKE(me, deploy_MIGRATING, FX_MIGRATE, KEPT)
		:: ev == EV_REFUSED -> deploy_DO_condemn(me, ev); deploy_TAKE(me, deploy_STOPPING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_STOPPING, FX_REMOVE, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_STOPPING, FX_REMOVE, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_cancel_run(me, ev); deploy_TAKE(me, deploy_STOPPING, FX_REMOVE, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_PARKING ->
		if
		:: ev == EV_CLEARED -> deploy_DO_halt(me, ev); deploy_TAKE(me, deploy_HALTING, FX_HALT, KEPT)
		:: ev == EV_UNSWAPPED -> deploy_DO_fail(me, ev); deploy_TAKE(me, deploy_FAILED, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_cancel_park(me, ev); deploy_TAKE(me, deploy_RETURNING, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_PARKING, FX_NOTHING, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_PARKING, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_HALTING ->
		if
		:: ev == EV_HALTED -> deploy_DO_run(me, ev); deploy_TAKE(me, deploy_STARTING, FX_RUN, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_rehalt(me, ev); deploy_TAKE(me, deploy_HALTING, FX_HALT, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_tries_left(me, ev) -> deploy_DO_halt_again(me, ev); deploy_TAKE(me, deploy_HALTING, FX_HALT, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_tries_left(me, ev) -> deploy_DO_halt_again(me, ev); deploy_TAKE(me, deploy_HALTING, FX_HALT, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) -> deploy_DO_revive_after(me, ev); deploy_TAKE(me, deploy_REVIVING, FX_REVIVE, KEPT)
		:: ev == EV_REFUSED -> deploy_DO_revive_after(me, ev); deploy_TAKE(me, deploy_REVIVING, FX_REVIVE, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) -> deploy_DO_revive_after(me, ev); deploy_TAKE(me, deploy_REVIVING, FX_REVIVE, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_cancel_halt(me, ev); deploy_TAKE(me, deploy_REVIVING, FX_REVIVE, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_STARTING ->
		if
		:: ev == EV_STARTED -> deploy_DO_probe(me, ev); deploy_TAKE(me, deploy_PROBING, FX_PROBE, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_rerun(me, ev); deploy_TAKE(me, deploy_STARTING, FX_RUN, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_tries_left(me, ev) -> deploy_DO_run_again(me, ev); deploy_TAKE(me, deploy_STARTING, FX_RUN, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_tries_left(me, ev) -> deploy_DO_run_again(me, ev); deploy_TAKE(me, deploy_STARTING, FX_RUN, KEPT)
		:: ev == EV_REFUSED -> deploy_DO_condemn(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_cancel_run(me, ev); deploy_TAKE(me, deploy_CANCELING, FX_REMOVE, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_PROBING ->
		if
		:: ev == EV_HEALTHY && deploy_IS_has_pre_switch(me, ev) -> deploy_DO_hook_before(me, ev); deploy_TAKE(me, deploy_PRE_SWITCH, FX_HOOK, KEPT)
		:: ev == EV_HEALTHY && deploy_NOT_has_pre_switch(me, ev) -> deploy_DO_ask_to_pass(me, ev); deploy_TAKE(me, deploy_PROBING, FX_NOTHING, KEPT)
		:: ev == EV_GRANTED && deploy_IS_parks(me, ev) -> deploy_DO_go(me, ev); deploy_TAKE(me, deploy_SWAPPING, FX_NOTHING, KEPT)
		:: ev == EV_GRANTED && deploy_NOT_parks(me, ev) && deploy_IS_has_route(me, ev) -> deploy_DO_begin_swap(me, ev); deploy_TAKE(me, deploy_SWAPPING, FX_NOTHING, KEPT)
		:: ev == EV_GRANTED && deploy_NOT_parks(me, ev) && deploy_NOT_has_route(me, ev) && deploy_IS_has_post_switch(me, ev) -> deploy_DO_hook_after(me, ev); deploy_TAKE(me, deploy_POST_SWITCH, FX_HOOK, KEPT)
		:: ev == EV_GRANTED && deploy_NOT_parks(me, ev) && deploy_NOT_has_route(me, ev) && deploy_NOT_has_post_switch(me, ev) && deploy_IS_verifies(me, ev) -> deploy_DO_verify(me, ev); deploy_TAKE(me, deploy_VERIFYING, FX_VERIFY, KEPT)
		:: ev == EV_GRANTED && deploy_NOT_parks(me, ev) && deploy_NOT_has_route(me, ev) && deploy_NOT_has_post_switch(me, ev) && deploy_NOT_verifies(me, ev) && deploy_IS_has_elder(me, ev) -> deploy_DO_replace(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_GRANTED && deploy_NOT_parks(me, ev) && deploy_NOT_has_route(me, ev) && deploy_NOT_has_post_switch(me, ev) && deploy_NOT_verifies(me, ev) && deploy_NOT_has_elder(me, ev) -> deploy_DO_go_live(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_DENIED -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_is_warm(me, ev) -> deploy_DO_cool(me, ev); deploy_TAKE(me, deploy_PULLING, FX_PULL, KEPT)
		:: ev == EV_REFUSED && deploy_IS_is_warm(me, ev) -> deploy_DO_cool(me, ev); deploy_TAKE(me, deploy_PULLING, FX_PULL, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_is_warm(me, ev) -> deploy_DO_cool(me, ev); deploy_TAKE(me, deploy_PULLING, FX_PULL, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_reprobe(me, ev); deploy_TAKE(me, deploy_PROBING, FX_PROBE, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_is_warm(me, ev) && deploy_IS_tries_left(me, ev) -> deploy_DO_probe_again(me, ev); deploy_TAKE(me, deploy_PROBING, FX_PROBE, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_is_warm(me, ev) -> deploy_DO_condemn(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_is_warm(me, ev) -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_is_warm(me, ev) && deploy_NOT_tries_left(me, ev) -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_cancel_run(me, ev); deploy_TAKE(me, deploy_CANCELING, FX_REMOVE, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_PRE_SWITCH ->
		if
		:: ev == EV_HOOKED -> deploy_DO_ask_to_pass(me, ev); deploy_TAKE(me, deploy_PROBING, FX_NOTHING, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_rehook(me, ev); deploy_TAKE(me, deploy_PRE_SWITCH, FX_HOOK, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_tries_left(me, ev) -> deploy_DO_hook_again(me, ev); deploy_TAKE(me, deploy_PRE_SWITCH, FX_HOOK, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_tries_left(me, ev) -> deploy_DO_hook_again(me, ev); deploy_TAKE(me, deploy_PRE_SWITCH, FX_HOOK, KEPT)
		:: ev == EV_REFUSED -> deploy_DO_condemn(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_cancel_run(me, ev); deploy_TAKE(me, deploy_CANCELING, FX_REMOVE, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_SWAPPING ->
		if
		:: ev == EV_SWAPPED && deploy_IS_has_post_switch(me, ev) -> deploy_DO_hook_after(me, ev); deploy_TAKE(me, deploy_POST_SWITCH, FX_HOOK, KEPT)
		:: ev == EV_SWAPPED && deploy_NOT_has_post_switch(me, ev) && deploy_IS_verifies(me, ev) -> deploy_DO_verify(me, ev); deploy_TAKE(me, deploy_VERIFYING, FX_VERIFY, KEPT)
		:: ev == EV_SWAPPED && deploy_NOT_has_post_switch(me, ev) && deploy_NOT_verifies(me, ev) && deploy_IS_has_elder(me, ev) -> deploy_DO_drain(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_SWAPPED && deploy_NOT_has_post_switch(me, ev) && deploy_NOT_verifies(me, ev) && deploy_NOT_has_elder(me, ev) -> deploy_DO_go_live(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_UNSWAPPED -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_abort_swap(me, ev); deploy_TAKE(me, deploy_ABORTING, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_SWAPPING, FX_NOTHING, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_SWAPPING, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_ABORTING ->
		if
		:: ev == EV_UNSWAPPED -> deploy_DO_cancel_run(me, ev); deploy_TAKE(me, deploy_CANCELING, FX_REMOVE, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_ABORTING, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_ABORTING, FX_NOTHING, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_ABORTING, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_POST_SWITCH ->
		if
		:: ev == EV_TIMEOUT && deploy_IS_tries_left(me, ev) -> deploy_DO_hook_again(me, ev); deploy_TAKE(me, deploy_POST_SWITCH, FX_HOOK, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_tries_left(me, ev) -> deploy_DO_hook_again(me, ev); deploy_TAKE(me, deploy_POST_SWITCH, FX_HOOK, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_IS_may_swap_back(me, ev) -> deploy_DO_swap_back(me, ev); deploy_TAKE(me, deploy_SWAPPING_BACK, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_IS_may_swap_back(me, ev) -> deploy_DO_swap_back(me, ev); deploy_TAKE(me, deploy_SWAPPING_BACK, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_IS_may_swap_back(me, ev) -> deploy_DO_swap_back(me, ev); deploy_TAKE(me, deploy_SWAPPING_BACK, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL && deploy_IS_is_led_on_trial(me, ev) -> deploy_DO_cancel_trial(me, ev); deploy_TAKE(me, deploy_ABORTING, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_may_swap_back(me, ev) && deploy_IS_may_return(me, ev) -> deploy_DO_condemn(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_NOT_may_swap_back(me, ev) && deploy_IS_may_return(me, ev) -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_NOT_may_swap_back(me, ev) && deploy_IS_may_return(me, ev) -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_CANCEL && deploy_NOT_is_led_on_trial(me, ev) && deploy_IS_is_on_trial(me, ev) -> deploy_DO_cancel_run(me, ev); deploy_TAKE(me, deploy_CANCELING, FX_REMOVE, KEPT)
		:: ev == EV_CANCEL && deploy_NOT_is_led_on_trial(me, ev) && deploy_NOT_is_on_trial(me, ev) -> deploy_DO_rehook(me, ev); deploy_TAKE(me, deploy_POST_SWITCH, FX_HOOK, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_rehook(me, ev); deploy_TAKE(me, deploy_POST_SWITCH, FX_HOOK, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_NOT_may_swap_back(me, ev) && deploy_NOT_may_return(me, ev) && deploy_IS_verifies(me, ev) -> deploy_DO_verify(me, ev); deploy_TAKE(me, deploy_VERIFYING, FX_VERIFY, KEPT)
		:: ev == EV_HOOKED && deploy_IS_verifies(me, ev) -> deploy_DO_verify(me, ev); deploy_TAKE(me, deploy_VERIFYING, FX_VERIFY, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_may_swap_back(me, ev) && deploy_NOT_may_return(me, ev) && deploy_IS_verifies(me, ev) -> deploy_DO_verify(me, ev); deploy_TAKE(me, deploy_VERIFYING, FX_VERIFY, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_NOT_may_swap_back(me, ev) && deploy_NOT_may_return(me, ev) && deploy_IS_verifies(me, ev) -> deploy_DO_verify(me, ev); deploy_TAKE(me, deploy_VERIFYING, FX_VERIFY, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_NOT_may_swap_back(me, ev) && deploy_NOT_may_return(me, ev) && deploy_NOT_verifies(me, ev) && deploy_IS_drains(me, ev) -> deploy_DO_drain(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_HOOKED && deploy_NOT_verifies(me, ev) && deploy_IS_drains(me, ev) -> deploy_DO_drain(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_may_swap_back(me, ev) && deploy_NOT_may_return(me, ev) && deploy_NOT_verifies(me, ev) && deploy_IS_drains(me, ev) -> deploy_DO_drain(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_NOT_may_swap_back(me, ev) && deploy_NOT_may_return(me, ev) && deploy_NOT_verifies(me, ev) && deploy_IS_drains(me, ev) -> deploy_DO_drain(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_NOT_may_swap_back(me, ev) && deploy_NOT_may_return(me, ev) && deploy_NOT_verifies(me, ev) && deploy_NOT_drains(me, ev) && deploy_IS_has_elder(me, ev) -> deploy_DO_replace(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_HOOKED && deploy_NOT_verifies(me, ev) && deploy_NOT_drains(me, ev) && deploy_IS_has_elder(me, ev) -> deploy_DO_replace(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_may_swap_back(me, ev) && deploy_NOT_may_return(me, ev) && deploy_NOT_verifies(me, ev) && deploy_NOT_drains(me, ev) && deploy_IS_has_elder(me, ev) -> deploy_DO_replace(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_NOT_may_swap_back(me, ev) && deploy_NOT_may_return(me, ev) && deploy_NOT_verifies(me, ev) && deploy_NOT_drains(me, ev) && deploy_IS_has_elder(me, ev) -> deploy_DO_replace(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_NOT_may_swap_back(me, ev) && deploy_NOT_may_return(me, ev) && deploy_NOT_verifies(me, ev) && deploy_NOT_drains(me, ev) && deploy_NOT_has_elder(me, ev) -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_HOOKED && deploy_NOT_verifies(me, ev) && deploy_NOT_drains(me, ev) && deploy_NOT_has_elder(me, ev) -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_may_swap_back(me, ev) && deploy_NOT_may_return(me, ev) && deploy_NOT_verifies(me, ev) && deploy_NOT_drains(me, ev) && deploy_NOT_has_elder(me, ev) -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_NOT_may_swap_back(me, ev) && deploy_NOT_may_return(me, ev) && deploy_NOT_verifies(me, ev) && deploy_NOT_drains(me, ev) && deploy_NOT_has_elder(me, ev) -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_VERIFYING ->
		if
		:: ev == EV_RECOVERED -> deploy_DO_reverify(me, ev); deploy_TAKE(me, deploy_VERIFYING, FX_VERIFY, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_tries_left(me, ev) -> deploy_DO_verify_again(me, ev); deploy_TAKE(me, deploy_VERIFYING, FX_VERIFY, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_tries_left(me, ev) -> deploy_DO_verify_again(me, ev); deploy_TAKE(me, deploy_VERIFYING, FX_VERIFY, KEPT)
		:: ev == EV_REFUSED && deploy_IS_has_route(me, ev) -> deploy_DO_swap_back(me, ev); deploy_TAKE(me, deploy_SWAPPING_BACK, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_has_route(me, ev) -> deploy_DO_condemn(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_CANCEL && deploy_IS_has_route(me, ev) -> deploy_DO_cancel_trial(me, ev); deploy_TAKE(me, deploy_ABORTING, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL && deploy_NOT_has_route(me, ev) -> deploy_DO_cancel_run(me, ev); deploy_TAKE(me, deploy_CANCELING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_IS_has_route(me, ev) -> deploy_DO_drain(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_VERIFIED && deploy_IS_has_route(me, ev) -> deploy_DO_drain(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_IS_has_route(me, ev) -> deploy_DO_drain(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_NOT_has_route(me, ev) -> deploy_DO_replace(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_VERIFIED && deploy_NOT_has_route(me, ev) -> deploy_DO_replace(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_NOT_has_route(me, ev) -> deploy_DO_replace(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_SWAPPING_BACK ->
		if
		:: ev == EV_UNSWAPPED -> deploy_DO_undo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_SWAPPING_BACK, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_SWAPPING_BACK, FX_NOTHING, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_SWAPPING_BACK, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_DRAINING ->
		if
		:: ev == EV_DRAINED && deploy_IS_keeps(me, ev) -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_DRAINED && deploy_NOT_keeps(me, ev) -> deploy_DO_retire(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_redrain(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_redrain(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_tries_left(me, ev) -> deploy_DO_drain_again(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_REFUSED && deploy_IS_tries_left(me, ev) -> deploy_DO_drain_again(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_tries_left(me, ev) -> deploy_DO_drain_again(me, ev); deploy_TAKE(me, deploy_DRAINING, FX_DRAIN, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_IS_keeps(me, ev) -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_tries_left(me, ev) && deploy_IS_keeps(me, ev) -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_IS_keeps(me, ev) -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_NOT_keeps(me, ev) -> deploy_DO_retire(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_tries_left(me, ev) && deploy_NOT_keeps(me, ev) -> deploy_DO_retire(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_NOT_keeps(me, ev) -> deploy_DO_retire(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_RETIRING ->
		if
		:: ev == EV_RETIRED && deploy_IS_stops(me, ev) -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_STOPPED, FX_NOTHING, KEPT)
		:: ev == EV_RETIRED && deploy_NOT_stops(me, ev) && deploy_IS_has_post_retire(me, ev) -> deploy_DO_hook_behind(me, ev); deploy_TAKE(me, deploy_POST_RETIRE, FX_HOOK, KEPT)
		:: ev == EV_RETIRED && deploy_NOT_stops(me, ev) && deploy_NOT_has_post_retire(me, ev) -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_reretire(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_reretire(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_tries_left(me, ev) -> deploy_DO_retire_again(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_REFUSED && deploy_IS_tries_left(me, ev) -> deploy_DO_retire_again(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_tries_left(me, ev) -> deploy_DO_retire_again(me, ev); deploy_TAKE(me, deploy_RETIRING, FX_RETIRE, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_IS_stops(me, ev) -> deploy_DO_finish_untidy(me, ev); deploy_TAKE(me, deploy_STOPPED, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_tries_left(me, ev) && deploy_IS_stops(me, ev) -> deploy_DO_finish_untidy(me, ev); deploy_TAKE(me, deploy_STOPPED, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_IS_stops(me, ev) -> deploy_DO_finish_untidy(me, ev); deploy_TAKE(me, deploy_STOPPED, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_NOT_stops(me, ev) -> deploy_DO_finish_untidy(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_tries_left(me, ev) && deploy_NOT_stops(me, ev) -> deploy_DO_finish_untidy(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_NOT_stops(me, ev) -> deploy_DO_finish_untidy(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_POST_RETIRE ->
		if
		:: ev == EV_CANCEL -> deploy_DO_rehook(me, ev); deploy_TAKE(me, deploy_POST_RETIRE, FX_HOOK, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_rehook(me, ev); deploy_TAKE(me, deploy_POST_RETIRE, FX_HOOK, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_tries_left(me, ev) -> deploy_DO_hook_again(me, ev); deploy_TAKE(me, deploy_POST_RETIRE, FX_HOOK, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_tries_left(me, ev) -> deploy_DO_hook_again(me, ev); deploy_TAKE(me, deploy_POST_RETIRE, FX_HOOK, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_HOOKED -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) -> deploy_DO_finish(me, ev); deploy_TAKE(me, deploy_LIVE, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_STOPPING ->
		if
		:: ev == EV_REMOVED && deploy_IS_is_canceled(me, ev) -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: ev == EV_REMOVED && deploy_NOT_is_canceled(me, ev) -> deploy_DO_give_up(me, ev); deploy_TAKE(me, deploy_FAILED, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_reundo(me, ev); deploy_TAKE(me, deploy_STOPPING, FX_REMOVE, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_reundo(me, ev); deploy_TAKE(me, deploy_STOPPING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_tries_left(me, ev) -> deploy_DO_undo_again(me, ev); deploy_TAKE(me, deploy_STOPPING, FX_REMOVE, KEPT)
		:: ev == EV_REFUSED && deploy_IS_tries_left(me, ev) -> deploy_DO_undo_again(me, ev); deploy_TAKE(me, deploy_STOPPING, FX_REMOVE, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_tries_left(me, ev) -> deploy_DO_undo_again(me, ev); deploy_TAKE(me, deploy_STOPPING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_IS_is_canceled(me, ev) -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_tries_left(me, ev) && deploy_IS_is_canceled(me, ev) -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_IS_is_canceled(me, ev) -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_tries_left(me, ev) && deploy_NOT_is_canceled(me, ev) -> deploy_DO_give_up(me, ev); deploy_TAKE(me, deploy_FAILED, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_tries_left(me, ev) && deploy_NOT_is_canceled(me, ev) -> deploy_DO_give_up(me, ev); deploy_TAKE(me, deploy_FAILED, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_tries_left(me, ev) && deploy_NOT_is_canceled(me, ev) -> deploy_DO_give_up(me, ev); deploy_TAKE(me, deploy_FAILED, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_UNDOING ->
		if
		:: ev == EV_REMOVED && deploy_IS_halts(me, ev) -> deploy_DO_revive(me, ev); deploy_TAKE(me, deploy_REVIVING, FX_REVIVE, KEPT)
		:: ev == EV_REMOVED && deploy_NOT_halts(me, ev) -> deploy_DO_give_up(me, ev); deploy_TAKE(me, deploy_ROLLED_BACK, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_reundo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_reundo(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_may_undo(me, ev) -> deploy_DO_undo_again(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_REFUSED && deploy_IS_may_undo(me, ev) -> deploy_DO_undo_again(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_may_undo(me, ev) -> deploy_DO_undo_again(me, ev); deploy_TAKE(me, deploy_UNDOING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_may_undo(me, ev) -> deploy_DO_give_up(me, ev); deploy_TAKE(me, deploy_ROLLED_BACK, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_may_undo(me, ev) -> deploy_DO_give_up(me, ev); deploy_TAKE(me, deploy_ROLLED_BACK, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_may_undo(me, ev) -> deploy_DO_give_up(me, ev); deploy_TAKE(me, deploy_ROLLED_BACK, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_CANCELING ->
		if
		:: ev == EV_REMOVED && deploy_IS_halts(me, ev) -> deploy_DO_revive(me, ev); deploy_TAKE(me, deploy_REVIVING, FX_REVIVE, KEPT)
		:: ev == EV_REMOVED && deploy_NOT_halts(me, ev) -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_reundo(me, ev); deploy_TAKE(me, deploy_CANCELING, FX_REMOVE, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_reundo(me, ev); deploy_TAKE(me, deploy_CANCELING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_IS_may_undo(me, ev) -> deploy_DO_undo_again(me, ev); deploy_TAKE(me, deploy_CANCELING, FX_REMOVE, KEPT)
		:: ev == EV_REFUSED && deploy_IS_may_undo(me, ev) -> deploy_DO_undo_again(me, ev); deploy_TAKE(me, deploy_CANCELING, FX_REMOVE, KEPT)
		:: ev == EV_TROUBLED && deploy_IS_may_undo(me, ev) -> deploy_DO_undo_again(me, ev); deploy_TAKE(me, deploy_CANCELING, FX_REMOVE, KEPT)
		:: ev == EV_TIMEOUT && deploy_NOT_may_undo(me, ev) -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_may_undo(me, ev) -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && deploy_NOT_may_undo(me, ev) -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_REVIVING ->
		if
		:: ev == EV_TIMEOUT -> deploy_DO_revive_again(me, ev); deploy_TAKE(me, deploy_REVIVING, FX_REVIVE, KEPT)
		:: ev == EV_TROUBLED -> deploy_DO_revive_again(me, ev); deploy_TAKE(me, deploy_REVIVING, FX_REVIVE, KEPT)
		:: ev == EV_REFUSED && deploy_IS_tries_left(me, ev) -> deploy_DO_revive_again(me, ev); deploy_TAKE(me, deploy_REVIVING, FX_REVIVE, KEPT)
		:: ev == EV_REVIVED && deploy_IS_parks(me, ev) -> deploy_DO_give_back(me, ev); deploy_TAKE(me, deploy_RETURNING, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_tries_left(me, ev) && deploy_IS_parks(me, ev) -> deploy_DO_give_back(me, ev); deploy_TAKE(me, deploy_RETURNING, FX_NOTHING, KEPT)
		:: ev == EV_REVIVED && deploy_NOT_parks(me, ev) && deploy_IS_is_canceled(me, ev) -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_tries_left(me, ev) && deploy_NOT_parks(me, ev) && deploy_IS_is_canceled(me, ev) -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: ev == EV_REVIVED && deploy_NOT_parks(me, ev) && deploy_NOT_is_canceled(me, ev) -> deploy_DO_give_up(me, ev); deploy_TAKE(me, deploy_ROLLED_BACK, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED && deploy_NOT_tries_left(me, ev) && deploy_NOT_parks(me, ev) && deploy_NOT_is_canceled(me, ev) -> deploy_DO_give_up(me, ev); deploy_TAKE(me, deploy_ROLLED_BACK, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_rerevive(me, ev); deploy_TAKE(me, deploy_REVIVING, FX_REVIVE, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_rerevive(me, ev); deploy_TAKE(me, deploy_REVIVING, FX_REVIVE, KEPT)
		:: else -> skip
		fi
	:: deploy_state[me] == deploy_RETURNING ->
		if
		:: ev == EV_UNSWAPPED && deploy_IS_is_canceled(me, ev) -> deploy_DO_cancel(me, ev); deploy_TAKE(me, deploy_CANCELED, FX_NOTHING, KEPT)
		:: ev == EV_UNSWAPPED && deploy_NOT_is_canceled(me, ev) -> deploy_DO_give_up(me, ev); deploy_TAKE(me, deploy_ROLLED_BACK, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_RETURNING, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_RETURNING, FX_NOTHING, KEPT)
		:: ev == EV_RECOVERED -> deploy_DO_watch_swap(me, ev); deploy_TAKE(me, deploy_RETURNING, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: else -> skip
	fi
}

/* swap */
#define swap_SWITCHING 1
#define swap_CONFIRMING 2
#define swap_RESTORING 3
#define swap_PARKING 4
#define swap_PARKED 5
#define swap_REPARKING 6
#define swap_DONE 7
#define swap_RESTORED 8
#define swap_IS_INITIAL(state) ((state) == swap_SWITCHING || (state) == swap_RESTORING || (state) == swap_PARKING)
#define swap_IS_FINAL(state) ((state) == swap_DONE || (state) == swap_RESTORED)
#define swap_IS_RESTING(state) (false)
inline swap_step(me, ev) {
	if
	:: swap_state[me] == swap_SWITCHING ->
		if
		:: ev == EV_START -> swap_DO_switch_route(me, ev); swap_TAKE(me, swap_SWITCHING, FX_SWITCH, KEPT)
		:: ev == EV_RECOVERED -> swap_DO_switch_route(me, ev); swap_TAKE(me, swap_SWITCHING, FX_SWITCH, KEPT)
		:: ev == EV_SWITCHED -> swap_DO_confirm(me, ev); swap_TAKE(me, swap_CONFIRMING, FX_CONFIRM, KEPT)
		:: ev == EV_TIMEOUT && swap_IS_tries_left(me, ev) -> swap_DO_switch_again(me, ev); swap_TAKE(me, swap_SWITCHING, FX_SWITCH, KEPT)
		:: ev == EV_TROUBLED && swap_IS_tries_left(me, ev) -> swap_DO_switch_again(me, ev); swap_TAKE(me, swap_SWITCHING, FX_SWITCH, KEPT)
		:: ev == EV_CANCEL && swap_IS_is_parked(me, ev) -> swap_DO_repark(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: ev == EV_TIMEOUT && swap_NOT_tries_left(me, ev) && swap_IS_is_parked(me, ev) -> swap_DO_repark(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: ev == EV_REFUSED && swap_IS_is_parked(me, ev) -> swap_DO_repark(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: ev == EV_TROUBLED && swap_NOT_tries_left(me, ev) && swap_IS_is_parked(me, ev) -> swap_DO_repark(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: ev == EV_CANCEL && swap_NOT_is_parked(me, ev) -> swap_DO_restore(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_TIMEOUT && swap_NOT_tries_left(me, ev) && swap_NOT_is_parked(me, ev) -> swap_DO_restore(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_REFUSED && swap_NOT_is_parked(me, ev) -> swap_DO_restore(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_TROUBLED && swap_NOT_tries_left(me, ev) && swap_NOT_is_parked(me, ev) -> swap_DO_restore(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: else -> skip
		fi
	:: swap_state[me] == swap_CONFIRMING ->
		if
		:: ev == EV_CONFIRMED -> swap_DO_finish(me, ev); swap_TAKE(me, swap_DONE, FX_NOTHING, KEPT)
		:: ev == EV_RECOVERED -> swap_DO_switch_route(me, ev); swap_TAKE(me, swap_SWITCHING, FX_SWITCH, KEPT)
		:: ev == EV_TIMEOUT && swap_IS_tries_left(me, ev) -> swap_DO_switch_again(me, ev); swap_TAKE(me, swap_SWITCHING, FX_SWITCH, KEPT)
		:: ev == EV_TROUBLED && swap_IS_tries_left(me, ev) -> swap_DO_switch_again(me, ev); swap_TAKE(me, swap_SWITCHING, FX_SWITCH, KEPT)
		:: ev == EV_CANCEL && swap_IS_is_parked(me, ev) -> swap_DO_repark(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: ev == EV_TIMEOUT && swap_NOT_tries_left(me, ev) && swap_IS_is_parked(me, ev) -> swap_DO_repark(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: ev == EV_REFUSED && swap_IS_is_parked(me, ev) -> swap_DO_repark(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: ev == EV_TROUBLED && swap_NOT_tries_left(me, ev) && swap_IS_is_parked(me, ev) -> swap_DO_repark(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: ev == EV_CANCEL && swap_NOT_is_parked(me, ev) -> swap_DO_restore(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_TIMEOUT && swap_NOT_tries_left(me, ev) && swap_NOT_is_parked(me, ev) -> swap_DO_restore(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_REFUSED && swap_NOT_is_parked(me, ev) -> swap_DO_restore(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_TROUBLED && swap_NOT_tries_left(me, ev) && swap_NOT_is_parked(me, ev) -> swap_DO_restore(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: else -> skip
		fi
	:: swap_state[me] == swap_RESTORING ->
		if
		:: ev == EV_RESTORED -> swap_DO_give_back(me, ev); swap_TAKE(me, swap_RESTORED, FX_NOTHING, KEPT)
		:: ev == EV_START -> swap_DO_restore_now(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_CANCEL -> swap_DO_restore_now(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_RECOVERED -> swap_DO_restore_now(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_TIMEOUT -> swap_DO_restore_again(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_REFUSED -> swap_DO_restore_again(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_TROUBLED -> swap_DO_restore_again(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: else -> skip
		fi
	:: swap_state[me] == swap_PARKING ->
		if
		:: ev == EV_START -> swap_DO_park(me, ev); swap_TAKE(me, swap_PARKING, FX_PARK, KEPT)
		:: ev == EV_RECOVERED -> swap_DO_park(me, ev); swap_TAKE(me, swap_PARKING, FX_PARK, KEPT)
		:: ev == EV_RESTORED -> swap_DO_clear(me, ev); swap_TAKE(me, swap_PARKED, FX_NOTHING, KEPT)
		:: ev == EV_PARKED -> swap_DO_clear(me, ev); swap_TAKE(me, swap_PARKED, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT && swap_IS_tries_left(me, ev) -> swap_DO_park_again(me, ev); swap_TAKE(me, swap_PARKING, FX_PARK, KEPT)
		:: ev == EV_TROUBLED && swap_IS_tries_left(me, ev) -> swap_DO_park_again(me, ev); swap_TAKE(me, swap_PARKING, FX_PARK, KEPT)
		:: ev == EV_CANCEL -> swap_DO_restore(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_TIMEOUT && swap_NOT_tries_left(me, ev) -> swap_DO_restore(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_REFUSED -> swap_DO_restore(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_TROUBLED && swap_NOT_tries_left(me, ev) -> swap_DO_restore(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: else -> skip
		fi
	:: swap_state[me] == swap_PARKED ->
		if
		:: ev == EV_GO -> swap_DO_switch_route(me, ev); swap_TAKE(me, swap_SWITCHING, FX_SWITCH, KEPT)
		:: ev == EV_CANCEL -> swap_DO_go_back(me, ev); swap_TAKE(me, swap_RESTORING, FX_RESTORE, KEPT)
		:: ev == EV_TIMEOUT -> swap_DO_wait(me, ev); swap_TAKE(me, swap_PARKED, FX_NOTHING, KEPT)
		:: ev == EV_RECOVERED -> swap_DO_wait(me, ev); swap_TAKE(me, swap_PARKED, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: swap_state[me] == swap_REPARKING ->
		if
		:: ev == EV_RESTORED -> swap_DO_wait_again(me, ev); swap_TAKE(me, swap_PARKED, FX_NOTHING, KEPT)
		:: ev == EV_PARKED -> swap_DO_wait_again(me, ev); swap_TAKE(me, swap_PARKED, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> swap_DO_park(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: ev == EV_RECOVERED -> swap_DO_park(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: ev == EV_TIMEOUT -> swap_DO_repark_again(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: ev == EV_REFUSED -> swap_DO_repark_again(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: ev == EV_TROUBLED -> swap_DO_repark_again(me, ev); swap_TAKE(me, swap_REPARKING, FX_PARK, KEPT)
		:: else -> skip
		fi
	:: else -> skip
	fi
}

/* poll */
#define poll_OFF 1
#define poll_WAITING 2
#define poll_SEEKING 3
#define poll_IS_INITIAL(state) ((state) == poll_OFF)
#define poll_IS_FINAL(state) (false)
#define poll_IS_RESTING(state) ((state) == poll_OFF)
inline poll_step(me, ev) {
	if
	:: poll_state[me] == poll_OFF ->
		if
		:: ev == EV_START -> poll_DO_ignore(me, ev); poll_TAKE(me, poll_OFF, FX_NOTHING, QUIET)
		:: ev == EV_CANCEL -> poll_DO_ignore(me, ev); poll_TAKE(me, poll_OFF, FX_NOTHING, QUIET)
		:: ev == EV_RECOVERED -> poll_DO_ignore(me, ev); poll_TAKE(me, poll_OFF, FX_NOTHING, QUIET)
		:: ev == EV_CONFIGURED && poll_IS_is_wanted(me, ev) -> poll_DO_configure(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, KEPT)
		:: ev == EV_CONFIGURED && poll_NOT_is_wanted(me, ev) -> poll_DO_configure(me, ev); poll_TAKE(me, poll_OFF, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: poll_state[me] == poll_WAITING ->
		if
		:: ev == EV_TIMEOUT -> poll_DO_seek(me, ev); poll_TAKE(me, poll_SEEKING, FX_SEEK, QUIET)
		:: ev == EV_NUDGED -> poll_DO_seek(me, ev); poll_TAKE(me, poll_SEEKING, FX_SEEK, QUIET)
		:: ev == EV_CANCEL -> poll_DO_wait_in_turn(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, QUIET)
		:: ev == EV_RECOVERED -> poll_DO_wait_in_turn(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, QUIET)
		:: ev == EV_CONFIGURED && poll_IS_is_wanted(me, ev) -> poll_DO_configure(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, KEPT)
		:: ev == EV_CONFIGURED && poll_NOT_is_wanted(me, ev) -> poll_DO_configure(me, ev); poll_TAKE(me, poll_OFF, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: poll_state[me] == poll_SEEKING ->
		if
		:: ev == EV_SOUGHT && poll_IS_is_first(me, ev) -> poll_DO_record(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, KEPT)
		:: ev == EV_SOUGHT && poll_NOT_is_first(me, ev) && poll_IS_is_known(me, ev) -> poll_DO_record(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, QUIET)
		:: ev == EV_SOUGHT && poll_NOT_is_first(me, ev) && poll_NOT_is_known(me, ev) && poll_IS_is_older(me, ev) -> poll_DO_record(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, KEPT)
		:: ev == EV_SOUGHT && poll_NOT_is_first(me, ev) && poll_NOT_is_known(me, ev) && poll_NOT_is_older(me, ev) && poll_IS_is_auto(me, ev) -> poll_DO_report(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, KEPT)
		:: ev == EV_SOUGHT && poll_NOT_is_first(me, ev) && poll_NOT_is_known(me, ev) && poll_NOT_is_older(me, ev) && poll_NOT_is_auto(me, ev) -> poll_DO_record(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT -> poll_DO_back_off(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, QUIET)
		:: ev == EV_REFUSED -> poll_DO_back_off(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, QUIET)
		:: ev == EV_TROUBLED -> poll_DO_back_off(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, QUIET)
		:: ev == EV_RECOVERED -> poll_DO_seek(me, ev); poll_TAKE(me, poll_SEEKING, FX_SEEK, QUIET)
		:: ev == EV_NUDGED -> poll_DO_seek(me, ev); poll_TAKE(me, poll_SEEKING, FX_SEEK, QUIET)
		:: ev == EV_CANCEL -> poll_DO_wait(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, QUIET)
		:: ev == EV_CONFIGURED && poll_IS_is_wanted(me, ev) -> poll_DO_configure(me, ev); poll_TAKE(me, poll_WAITING, FX_NOTHING, KEPT)
		:: ev == EV_CONFIGURED && poll_NOT_is_wanted(me, ev) -> poll_DO_configure(me, ev); poll_TAKE(me, poll_OFF, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: else -> skip
	fi
}

/* stage */
#define stage_IDLE 1
#define stage_DEPLOYING 2
#define stage_QUEUEING 3
#define stage_IS_INITIAL(state) ((state) == stage_IDLE)
#define stage_IS_FINAL(state) (false)
#define stage_IS_RESTING(state) ((state) == stage_IDLE || (state) == stage_DEPLOYING || (state) == stage_QUEUEING)
inline stage_step(me, ev) {
	if
	:: stage_state[me] == stage_IDLE ->
		if
		:: ev == EV_RECOVERED -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, QUIET)
		:: ev == EV_LIFTED -> stage_DO_lift(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_FROZEN -> stage_DO_freeze(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_THAWED -> stage_DO_thaw(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_COOLED -> stage_DO_cool(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_CONFIGURED -> stage_DO_configure(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_TRIGGER && stage_IS_is_asked_already(me, ev) -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, QUIET)
		:: ev == EV_TRIGGER && stage_NOT_is_asked_already(me, ev) && stage_IS_is_no_news(me, ev) -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, QUIET)
		:: ev == EV_TRIGGER && stage_NOT_is_asked_already(me, ev) && stage_NOT_is_no_news(me, ev) && stage_IS_is_held(me, ev) -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, QUIET)
		:: ev == EV_TRIGGER && stage_NOT_is_asked_already(me, ev) && stage_NOT_is_no_news(me, ev) && stage_NOT_is_held(me, ev) && stage_IS_is_back(me, ev) -> stage_DO_begin_back(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_TRIGGER && stage_NOT_is_asked_already(me, ev) && stage_NOT_is_no_news(me, ev) && stage_NOT_is_held(me, ev) && stage_NOT_is_back(me, ev) -> stage_DO_begin(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_START -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, QUIET)
		:: ev == EV_CANCEL -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, QUIET)
		:: ev == EV_READY && stage_IS_is_held(me, ev) -> stage_DO_hold_back(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_IS_is_live_already(me, ev) -> stage_DO_merge_live(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_live_already(me, ev) && stage_IS_is_older_than_live(me, ev) -> stage_DO_supersede_by_live(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_live_already(me, ev) && stage_NOT_is_older_than_live(me, ev) && stage_IS_is_older_than_merged(me, ev) -> stage_DO_supersede_by_merged(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_live_already(me, ev) && stage_NOT_is_older_than_live(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_IS_may_go(me, ev) -> stage_DO_start(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_live_already(me, ev) && stage_NOT_is_older_than_live(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_may_go(me, ev) && stage_IS_is_denied(me, ev) -> stage_DO_deny(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_live_already(me, ev) && stage_NOT_is_older_than_live(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_may_go(me, ev) && stage_NOT_is_denied(me, ev) && stage_IS_is_pending_already(me, ev) -> stage_DO_merge_pending(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_live_already(me, ev) && stage_NOT_is_older_than_live(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_may_go(me, ev) && stage_NOT_is_denied(me, ev) && stage_NOT_is_pending_already(me, ev) && stage_IS_is_older_than_pending(me, ev) -> stage_DO_supersede_by_pending(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_live_already(me, ev) && stage_NOT_is_older_than_live(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_may_go(me, ev) && stage_NOT_is_denied(me, ev) && stage_NOT_is_pending_already(me, ev) && stage_NOT_is_older_than_pending(me, ev) -> stage_DO_defer(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_ENDED -> stage_DO_forget(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: stage_state[me] == stage_DEPLOYING ->
		if
		:: ev == EV_RECOVERED -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, QUIET)
		:: ev == EV_LIFTED -> stage_DO_lift(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_FROZEN -> stage_DO_freeze(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_THAWED -> stage_DO_thaw(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_COOLED -> stage_DO_cool(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_CONFIGURED -> stage_DO_configure(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_TRIGGER && stage_IS_is_asked_already(me, ev) -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, QUIET)
		:: ev == EV_TRIGGER && stage_NOT_is_asked_already(me, ev) && stage_IS_is_no_news(me, ev) -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, QUIET)
		:: ev == EV_TRIGGER && stage_NOT_is_asked_already(me, ev) && stage_NOT_is_no_news(me, ev) && stage_IS_is_held(me, ev) -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, QUIET)
		:: ev == EV_TRIGGER && stage_NOT_is_asked_already(me, ev) && stage_NOT_is_no_news(me, ev) && stage_NOT_is_held(me, ev) && stage_IS_is_back(me, ev) -> stage_DO_begin_back(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_TRIGGER && stage_NOT_is_asked_already(me, ev) && stage_NOT_is_no_news(me, ev) && stage_NOT_is_held(me, ev) && stage_NOT_is_back(me, ev) -> stage_DO_begin(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> stage_DO_cancel_running(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_IS_is_held(me, ev) -> stage_DO_hold_back(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_IS_is_running_already(me, ev) -> stage_DO_merge_running(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_running_already(me, ev) && stage_IS_is_older_than_running(me, ev) -> stage_DO_supersede_by_running(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_running_already(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_IS_is_older_than_merged(me, ev) -> stage_DO_supersede_by_merged(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_running_already(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_IS_may_go(me, ev) -> stage_DO_enqueue(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_running_already(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_may_go(me, ev) && stage_IS_is_denied(me, ev) -> stage_DO_deny(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_running_already(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_may_go(me, ev) && stage_NOT_is_denied(me, ev) && stage_IS_is_pending_already(me, ev) -> stage_DO_merge_pending(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_running_already(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_may_go(me, ev) && stage_NOT_is_denied(me, ev) && stage_NOT_is_pending_already(me, ev) && stage_IS_is_older_than_pending(me, ev) -> stage_DO_supersede_by_pending(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_held(me, ev) && stage_NOT_is_running_already(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_may_go(me, ev) && stage_NOT_is_denied(me, ev) && stage_NOT_is_pending_already(me, ev) && stage_NOT_is_older_than_pending(me, ev) -> stage_DO_defer(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_PASSING && stage_IS_may_go(me, ev) -> stage_DO_pass(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_PASSING && stage_NOT_may_go(me, ev) && stage_IS_is_put_off(me, ev) -> stage_DO_put_off(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_PASSING && stage_NOT_may_go(me, ev) && stage_NOT_is_put_off(me, ev) -> stage_DO_deny(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_MOVED && stage_IS_is_stop(me, ev) -> stage_DO_leave(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_MOVED && stage_NOT_is_stop(me, ev) && stage_IS_is_back(me, ev) -> stage_DO_move_back(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_MOVED && stage_NOT_is_stop(me, ev) && stage_NOT_is_back(me, ev) -> stage_DO_move(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_GIVEN_UP -> stage_DO_disown(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_CONDEMNED -> stage_DO_condemn(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_ENDED && stage_IS_is_from_running(me, ev) -> stage_DO_recall_waiting(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_ENDED && stage_NOT_is_from_running(me, ev) -> stage_DO_forget(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: stage_state[me] == stage_QUEUEING ->
		if
		:: ev == EV_RECOVERED -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, QUIET)
		:: ev == EV_LIFTED -> stage_DO_lift(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_FROZEN -> stage_DO_freeze(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_THAWED -> stage_DO_thaw(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_COOLED -> stage_DO_cool(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_CONFIGURED -> stage_DO_configure(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_TRIGGER && stage_IS_is_asked_already(me, ev) -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, QUIET)
		:: ev == EV_TRIGGER && stage_NOT_is_asked_already(me, ev) && stage_IS_is_no_news(me, ev) -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, QUIET)
		:: ev == EV_TRIGGER && stage_NOT_is_asked_already(me, ev) && stage_NOT_is_no_news(me, ev) && stage_IS_is_held(me, ev) -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, QUIET)
		:: ev == EV_TRIGGER && stage_NOT_is_asked_already(me, ev) && stage_NOT_is_no_news(me, ev) && stage_NOT_is_held(me, ev) && stage_IS_is_back(me, ev) -> stage_DO_begin_back(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_TRIGGER && stage_NOT_is_asked_already(me, ev) && stage_NOT_is_no_news(me, ev) && stage_NOT_is_held(me, ev) && stage_NOT_is_back(me, ev) -> stage_DO_begin(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> stage_DO_cancel_both(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_IS_is_from_waiting(me, ev) -> stage_DO_ignore(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, QUIET)
		:: ev == EV_READY && stage_NOT_is_from_waiting(me, ev) && stage_IS_is_held(me, ev) -> stage_DO_hold_back(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_from_waiting(me, ev) && stage_NOT_is_held(me, ev) && stage_IS_is_older_than_running(me, ev) -> stage_DO_supersede_by_running(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_from_waiting(me, ev) && stage_NOT_is_held(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_IS_is_older_than_waiting(me, ev) -> stage_DO_supersede_by_waiting(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_from_waiting(me, ev) && stage_NOT_is_held(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_waiting(me, ev) && stage_IS_is_older_than_merged(me, ev) -> stage_DO_supersede_by_merged(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_from_waiting(me, ev) && stage_NOT_is_held(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_waiting(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_IS_is_waiting_already(me, ev) -> stage_DO_merge_waiting(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_from_waiting(me, ev) && stage_NOT_is_held(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_waiting(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_is_waiting_already(me, ev) && stage_IS_is_running_already(me, ev) -> stage_DO_merge_running_drop_waiting(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_from_waiting(me, ev) && stage_NOT_is_held(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_waiting(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_is_waiting_already(me, ev) && stage_NOT_is_running_already(me, ev) && stage_IS_may_go(me, ev) -> stage_DO_replace_waiting(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_from_waiting(me, ev) && stage_NOT_is_held(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_waiting(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_is_waiting_already(me, ev) && stage_NOT_is_running_already(me, ev) && stage_NOT_may_go(me, ev) && stage_IS_is_denied(me, ev) -> stage_DO_deny(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_from_waiting(me, ev) && stage_NOT_is_held(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_waiting(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_is_waiting_already(me, ev) && stage_NOT_is_running_already(me, ev) && stage_NOT_may_go(me, ev) && stage_NOT_is_denied(me, ev) && stage_IS_is_pending_already(me, ev) -> stage_DO_merge_pending(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_from_waiting(me, ev) && stage_NOT_is_held(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_waiting(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_is_waiting_already(me, ev) && stage_NOT_is_running_already(me, ev) && stage_NOT_may_go(me, ev) && stage_NOT_is_denied(me, ev) && stage_NOT_is_pending_already(me, ev) && stage_IS_is_older_than_pending(me, ev) -> stage_DO_supersede_by_pending(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_READY && stage_NOT_is_from_waiting(me, ev) && stage_NOT_is_held(me, ev) && stage_NOT_is_older_than_running(me, ev) && stage_NOT_is_older_than_waiting(me, ev) && stage_NOT_is_older_than_merged(me, ev) && stage_NOT_is_waiting_already(me, ev) && stage_NOT_is_running_already(me, ev) && stage_NOT_may_go(me, ev) && stage_NOT_is_denied(me, ev) && stage_NOT_is_pending_already(me, ev) && stage_NOT_is_older_than_pending(me, ev) -> stage_DO_defer(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_PASSING && stage_IS_may_go(me, ev) -> stage_DO_pass(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_PASSING && stage_NOT_may_go(me, ev) -> stage_DO_deny(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_MOVED && stage_IS_is_stop(me, ev) -> stage_DO_leave(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_MOVED && stage_NOT_is_stop(me, ev) && stage_IS_is_back(me, ev) -> stage_DO_move_back(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_MOVED && stage_NOT_is_stop(me, ev) && stage_NOT_is_back(me, ev) -> stage_DO_move(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_GIVEN_UP -> stage_DO_disown(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_CONDEMNED -> stage_DO_condemn(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: ev == EV_ENDED && stage_IS_is_from_running(me, ev) -> stage_DO_recall_waiting(me, ev); stage_TAKE(me, stage_IDLE, FX_NOTHING, KEPT)
		:: ev == EV_ENDED && stage_NOT_is_from_running(me, ev) && stage_IS_is_from_waiting(me, ev) -> stage_DO_drop_waiting(me, ev); stage_TAKE(me, stage_DEPLOYING, FX_NOTHING, KEPT)
		:: ev == EV_ENDED && stage_NOT_is_from_running(me, ev) && stage_NOT_is_from_waiting(me, ev) -> stage_DO_forget(me, ev); stage_TAKE(me, stage_QUEUEING, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: else -> skip
	fi
}

/* sweep */
#define sweep_WAITING 1
#define sweep_SURVEYING 2
#define sweep_COLLECTING 3
#define sweep_STOPPED 4
#define sweep_IS_INITIAL(state) ((state) == sweep_WAITING)
#define sweep_IS_FINAL(state) ((state) == sweep_STOPPED)
#define sweep_IS_RESTING(state) (false)
inline sweep_step(me, ev) {
	if
	:: sweep_state[me] == sweep_WAITING ->
		if
		:: ev == EV_START -> sweep_DO_survey(me, ev); sweep_TAKE(me, sweep_SURVEYING, FX_SURVEY, QUIET)
		:: ev == EV_TIMEOUT -> sweep_DO_survey(me, ev); sweep_TAKE(me, sweep_SURVEYING, FX_SURVEY, QUIET)
		:: ev == EV_RECOVERED -> sweep_DO_survey(me, ev); sweep_TAKE(me, sweep_SURVEYING, FX_SURVEY, QUIET)
		:: ev == EV_NUDGED -> sweep_DO_survey(me, ev); sweep_TAKE(me, sweep_SURVEYING, FX_SURVEY, QUIET)
		:: ev == EV_CANCEL -> sweep_DO_stop(me, ev); sweep_TAKE(me, sweep_STOPPED, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: sweep_state[me] == sweep_SURVEYING ->
		if
		:: ev == EV_SURVEYED && sweep_IS_has_orphans(me, ev) -> sweep_DO_collect(me, ev); sweep_TAKE(me, sweep_COLLECTING, FX_COLLECT, KEPT)
		:: ev == EV_SURVEYED && sweep_NOT_has_orphans(me, ev) -> sweep_DO_wait(me, ev); sweep_TAKE(me, sweep_WAITING, FX_NOTHING, QUIET)
		:: ev == EV_RECOVERED -> sweep_DO_survey(me, ev); sweep_TAKE(me, sweep_SURVEYING, FX_SURVEY, QUIET)
		:: ev == EV_NUDGED -> sweep_DO_survey(me, ev); sweep_TAKE(me, sweep_SURVEYING, FX_SURVEY, QUIET)
		:: ev == EV_TIMEOUT -> sweep_DO_back_off(me, ev); sweep_TAKE(me, sweep_WAITING, FX_NOTHING, QUIET)
		:: ev == EV_REFUSED -> sweep_DO_back_off(me, ev); sweep_TAKE(me, sweep_WAITING, FX_NOTHING, QUIET)
		:: ev == EV_TROUBLED -> sweep_DO_back_off(me, ev); sweep_TAKE(me, sweep_WAITING, FX_NOTHING, QUIET)
		:: ev == EV_CANCEL -> sweep_DO_stop(me, ev); sweep_TAKE(me, sweep_STOPPED, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: sweep_state[me] == sweep_COLLECTING ->
		if
		:: ev == EV_RECOVERED -> sweep_DO_survey(me, ev); sweep_TAKE(me, sweep_SURVEYING, FX_SURVEY, KEPT)
		:: ev == EV_COLLECTED -> sweep_DO_survey(me, ev); sweep_TAKE(me, sweep_SURVEYING, FX_SURVEY, KEPT)
		:: ev == EV_TIMEOUT -> sweep_DO_back_off(me, ev); sweep_TAKE(me, sweep_WAITING, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED -> sweep_DO_back_off(me, ev); sweep_TAKE(me, sweep_WAITING, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED -> sweep_DO_back_off(me, ev); sweep_TAKE(me, sweep_WAITING, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> sweep_DO_stop(me, ev); sweep_TAKE(me, sweep_STOPPED, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: else -> skip
	fi
}

/* notify */
#define notify_PENDING 1
#define notify_SENDING 2
#define notify_DELIVERED 3
#define notify_GIVEN_UP 4
#define notify_IS_INITIAL(state) ((state) == notify_PENDING)
#define notify_IS_FINAL(state) ((state) == notify_DELIVERED || (state) == notify_GIVEN_UP)
#define notify_IS_RESTING(state) (false)
inline notify_step(me, ev) {
	if
	:: notify_state[me] == notify_PENDING ->
		if
		:: ev == EV_START -> notify_DO_send(me, ev); notify_TAKE(me, notify_SENDING, FX_NOTIFY, KEPT)
		:: ev == EV_TIMEOUT -> notify_DO_send(me, ev); notify_TAKE(me, notify_SENDING, FX_NOTIFY, KEPT)
		:: ev == EV_RECOVERED -> notify_DO_wait_on(me, ev); notify_TAKE(me, notify_PENDING, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> notify_DO_drop(me, ev); notify_TAKE(me, notify_GIVEN_UP, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: notify_state[me] == notify_SENDING ->
		if
		:: ev == EV_NOTIFIED -> notify_DO_finish(me, ev); notify_TAKE(me, notify_DELIVERED, FX_NOTHING, KEPT)
		:: ev == EV_RECOVERED -> notify_DO_send(me, ev); notify_TAKE(me, notify_SENDING, FX_NOTIFY, KEPT)
		:: ev == EV_TIMEOUT && notify_IS_is_in_time(me, ev) -> notify_DO_back_off(me, ev); notify_TAKE(me, notify_PENDING, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && notify_IS_is_in_time(me, ev) -> notify_DO_back_off(me, ev); notify_TAKE(me, notify_PENDING, FX_NOTHING, KEPT)
		:: ev == EV_TIMEOUT && notify_NOT_is_in_time(me, ev) -> notify_DO_give_up(me, ev); notify_TAKE(me, notify_GIVEN_UP, FX_NOTHING, KEPT)
		:: ev == EV_REFUSED -> notify_DO_give_up(me, ev); notify_TAKE(me, notify_GIVEN_UP, FX_NOTHING, KEPT)
		:: ev == EV_TROUBLED && notify_NOT_is_in_time(me, ev) -> notify_DO_give_up(me, ev); notify_TAKE(me, notify_GIVEN_UP, FX_NOTHING, KEPT)
		:: ev == EV_CANCEL -> notify_DO_drop(me, ev); notify_TAKE(me, notify_GIVEN_UP, FX_NOTHING, KEPT)
		:: else -> skip
		fi
	:: else -> skip
	fi
}
