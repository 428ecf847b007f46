/* actions.pml - what the guards and actions of the tables mean.
 *
 * Each is named as in src/actors and does what the function of that name does there, as far as other
 * actors and the outside can see it: times and texts are left out. Those that are no single line are
 * inlines in steps.pml. A name of the tables that neither file knows is named by `make model` and by
 * tests/integration/test_model.py. */

#if defined(QUARANTINE) || defined(TERMS)
#define is_auto(d) is_by_machine[d]
#else
#define is_auto(d) false
#endif

/* deploy */

#define deploy_IS_tries_left(me, ev) (deploy_tries[me] < TRIES)
#define deploy_NOT_tries_left(me, ev) (!deploy_IS_tries_left(me, ev))
#define deploy_IS_has_route(me, ev) deploy_has_route[me]
#define deploy_NOT_has_route(me, ev) (!deploy_IS_has_route(me, ev))
#define deploy_IS_has_elder(me, ev) (deploy_elder[me] != 0)
#define deploy_NOT_has_elder(me, ev) (!deploy_IS_has_elder(me, ev))

/* Stops the elder first: every deploy of a run, or none. */
#ifdef HALTING
#define stops_first(d) (deploy_elder[d] != 0)
#define set_canceled(me) deploy_is_canceled[me] = true
#define deploy_IS_is_canceled(me, ev) deploy_is_canceled[me]
#define swap_IS_is_parked(me, ev) swap_is_parked[me]
#define set_parked(me) swap_is_parked[me] = true
#else
#define stops_first(d) false
#define set_canceled(me) skip
#define deploy_IS_is_canceled(me, ev) false
#define swap_IS_is_parked(me, ev) false
#define set_parked(me) skip
#endif
#define deploy_NOT_is_canceled(me, ev) (!deploy_IS_is_canceled(me, ev))
#define swap_NOT_is_parked(me, ev) (!swap_IS_is_parked(me, ev))
#define deploy_IS_halts(me, ev) stops_first(me)
#define deploy_NOT_halts(me, ev) (!deploy_IS_halts(me, ev))
#define deploy_IS_parks(me, ev) (stops_first(me) && deploy_has_route[me])
#define deploy_NOT_parks(me, ev) (!deploy_IS_parks(me, ev))
#define deploy_IS_may_undo(me, ev) (stops_first(me) || deploy_IS_tries_left(me, ev))
#define deploy_NOT_may_undo(me, ev) (!deploy_IS_may_undo(me, ev))

/* Starts nothing: the stage shall be stopped. */
#ifdef STOPS
#define only_stops(d) is_stop[d]
#else
#define only_stops(d) false
#endif
#define deploy_IS_stops(me, ev) only_stops(me)
#define deploy_NOT_stops(me, ev) (!deploy_IS_stops(me, ev))
#define deploy_IS_stops_routed(me, ev) (only_stops(me) && deploy_has_route[me])
#define deploy_NOT_stops_routed(me, ev) (!deploy_IS_stops_routed(me, ev))
#define stage_IS_is_stop(me, ev) only_stops(e_from)
#define stage_NOT_is_stop(me, ev) (!stage_IS_is_stop(me, ev))

#ifdef MIGRATION
#define deploy_IS_has_migration(me, ev) (!deploy_is_back(me))
#else
#define deploy_IS_has_migration(me, ev) false
#endif
#define deploy_NOT_has_migration(me, ev) (!deploy_IS_has_migration(me, ev))
#ifdef QUARANTINE
#define deploy_is_back(me) is_back[me]
#else
#define deploy_is_back(me) false
#endif


/* Hooks before and after the switch, and behind the retirement; the one after it may lead back. And a window in which
 * the new version is watched. */
#ifdef HOOKED
#define is_hooked true
#else
#define is_hooked false
#endif
#ifdef TRIAL
#define leads_back true
#else
#define leads_back false
#endif
#ifdef WATCHED
#define is_watched true
#else
#define is_watched false
#endif
#define deploy_IS_has_pre_switch(me, ev) (is_hooked && !deploy_IS_is_warm(me, ev))
#define deploy_NOT_has_pre_switch(me, ev) (!deploy_IS_has_pre_switch(me, ev))
#define deploy_IS_has_post_switch(me, ev) (is_hooked && !deploy_IS_is_warm(me, ev))
#define deploy_NOT_has_post_switch(me, ev) (!deploy_IS_has_post_switch(me, ev))
#define deploy_IS_has_post_retire(me, ev) (is_hooked && !deploy_IS_is_warm(me, ev))
#define deploy_NOT_has_post_retire(me, ev) (!deploy_IS_has_post_retire(me, ev))
#define deploy_IS_may_return(me, ev) (leads_back && deploy_elder[me] != 0 && !deploy_IS_is_warm(me, ev))
#define deploy_NOT_may_return(me, ev) (!deploy_IS_may_return(me, ev))
#define deploy_IS_may_swap_back(me, ev) (deploy_IS_may_return(me, ev) && deploy_has_route[me])
#define deploy_NOT_may_swap_back(me, ev) (!deploy_IS_may_swap_back(me, ev))
#define deploy_IS_verifies(me, ev) \
	(is_watched && deploy_elder[me] != 0 && !stops_first(me) && !deploy_IS_is_warm(me, ev) && !deploy_is_back(me))
#define deploy_NOT_verifies(me, ev) (!deploy_IS_verifies(me, ev))
#define deploy_IS_is_on_trial(me, ev) (deploy_IS_may_return(me, ev) || deploy_IS_verifies(me, ev))
#define deploy_NOT_is_on_trial(me, ev) (!deploy_IS_is_on_trial(me, ev))
#define deploy_IS_is_led_on_trial(me, ev) (deploy_IS_is_on_trial(me, ev) && deploy_has_route[me])
#define deploy_NOT_is_led_on_trial(me, ev) (!deploy_IS_is_led_on_trial(me, ev))
#define deploy_IS_drains(me, ev) (deploy_has_route[me] && deploy_elder[me] != 0)
#define deploy_NOT_drains(me, ev) (!deploy_IS_drains(me, ev))
/* Borrows what is kept warm; and keeps the one before. */
#ifdef WARM
#define deploy_IS_is_spared(me, ev) (e_digest != 0)
#define deploy_IS_is_warm(me, ev) (deploy_body[me] != 0)
#define deploy_IS_keeps(me, ev) deploy_keeps[me]
#define deploy_DO_reuse(me, ev) deploy_elder[me] = e_word; deploy_body[me] = e_digest; deploy_tries[me] = 0
#define deploy_DO_cool(me, ev) deploy_body[me] = 0; deploy_tries[me] = 0
#ifdef VERSIONS
#define older(me) stage_older[me]
#else
#define older(me) 0
#endif
#define is_same_as(deploy_, kept) \
	(kept != 0 && !deploy_is_forced[deploy_] && deploy_digest[deploy_] == deploy_digest[kept] && \
	    deploy_spec[deploy_] == deploy_spec[kept])
#define spare_for(me, deploy_) \
	(is_same_as(deploy_, stage_warm[me]) -> stage_warm[me] : (is_same_as(deploy_, older(me)) -> older(me) : 0))
#else
#define deploy_IS_is_spared(me, ev) false
#define deploy_IS_is_warm(me, ev) false
#define deploy_IS_keeps(me, ev) false
#define deploy_DO_reuse(me, ev) skip
#define deploy_DO_cool(me, ev) skip
#define stage_DO_cool(me, ev) skip
#define spare_for(me, deploy_) 0
#endif
#define deploy_NOT_is_spared(me, ev) (!deploy_IS_is_spared(me, ev))
#define deploy_NOT_is_warm(me, ev) (!deploy_IS_is_warm(me, ev))
#define deploy_NOT_keeps(me, ev) (!deploy_IS_keeps(me, ev))

#define tell_stage(me, ev) post(STAGE, deploy_stage[me], ev); with(from) = me

#define deploy_DO_resolve(me, ev) skip
#define deploy_DO_repull(me, ev) skip
#define deploy_DO_remigrate(me, ev) skip
#define deploy_DO_migrate(me, ev) deploy_tries[me] = 0
#define deploy_DO_migrate_again(me, ev) deploy_tries[me]++
#define deploy_DO_rerun(me, ev) skip
#define deploy_DO_reprobe(me, ev) skip
#define deploy_DO_redrain(me, ev) skip
#define deploy_DO_reretire(me, ev) skip
#define deploy_DO_reundo(me, ev) skip
#define deploy_DO_watch_swap(me, ev) skip
#define deploy_DO_run(me, ev) deploy_tries[me] = 0
#define deploy_DO_probe(me, ev) deploy_tries[me] = 0
#define deploy_DO_retire(me, ev) deploy_tries[me] = 0
#ifdef TERMS /* 118: what a machine wants, and may not go yet, comes again */
#define assert_kept(me, ev) \
	assert(ev != EV_DENIED || !is_auto(me) || terms[deploy_stage[me]] != NOT_YET || deploy_births > me)
#else
#define assert_kept(me, ev) skip
#endif
#define deploy_DO_undo(me, ev) assert_kept(me, ev); deploy_tries[me] = 0; tell_stage(me, EV_GIVEN_UP)
#define deploy_DO_condemn(me, ev) \
	deploy_tries[me] = 0; becomes_bad(deploy_digest[me], deploy_digest[stage_live[deploy_stage[me]]]); \
	tell_stage(me, EV_CONDEMNED)
#define deploy_DO_cancel_run(me, ev) set_canceled(me); deploy_tries[me] = 0; tell_stage(me, EV_GIVEN_UP)
#define deploy_DO_rehalt(me, ev) skip
#define deploy_DO_rerevive(me, ev) skip
#define deploy_DO_halt(me, ev) deploy_tries[me] = 0
#define deploy_DO_halt_again(me, ev) deploy_tries[me]++
#define deploy_DO_revive(me, ev) deploy_tries[me] = 0
#define deploy_DO_revive_again(me, ev) deploy_tries[me] = TRIES
#define deploy_DO_revive_after(me, ev) tell_stage(me, EV_GIVEN_UP); deploy_tries[me] = 0
#define deploy_DO_cancel_halt(me, ev) set_canceled(me); tell_stage(me, EV_GIVEN_UP); deploy_tries[me] = 0
#define deploy_DO_give_back(me, ev) post(SWAP, me, EV_CANCEL)
#define deploy_DO_cancel_park(me, ev) set_canceled(me); post(SWAP, me, EV_CANCEL); tell_stage(me, EV_GIVEN_UP)
#define deploy_DO_go(me, ev) post(SWAP, me, EV_GO)
#define deploy_DO_resolve_again(me, ev) deploy_tries[me]++
#define deploy_DO_pull_again(me, ev) deploy_tries[me]++
#define deploy_DO_run_again(me, ev) deploy_tries[me]++
#define deploy_DO_probe_again(me, ev) deploy_tries[me]++
#define deploy_DO_drain_again(me, ev) deploy_tries[me]++
#define deploy_DO_retire_again(me, ev) deploy_tries[me]++
#define deploy_DO_undo_again(me, ev) deploy_tries[me] = (deploy_tries[me] < TRIES -> deploy_tries[me] + 1 : TRIES)
#define deploy_DO_ask_turn(me, ev) tell_stage(me, EV_READY)
#define deploy_DO_ask_to_pass(me, ev) tell_stage(me, EV_PASSING)
#define deploy_DO_count_approval(me, ev) tell_stage(me, EV_READY)
#define deploy_DO_pend(me, ev) skip
#define deploy_DO_take_digest(me, ev) deploy_digest[me] = e_digest; tell_stage(me, EV_READY)
#define deploy_DO_pull(me, ev) deploy_elder[me] = e_word; deploy_tries[me] = 0
#define deploy_DO_leave_unrouted(me, ev) deploy_elder[me] = e_word; move(me); deploy_tries[me] = 0
#define deploy_DO_abort_swap(me, ev) post(SWAP, me, EV_CANCEL); tell_stage(me, EV_GIVEN_UP)
#define deploy_DO_hook_before(me, ev) deploy_tries[me] = 0
#define deploy_DO_verify(me, ev) deploy_tries[me] = 0
#define deploy_DO_reverify(me, ev) skip
#define deploy_DO_verify_again(me, ev) deploy_tries[me]++
#define deploy_DO_hook_behind(me, ev) deploy_tries[me] = 0
#define deploy_DO_hook_after(me, ev) move_unless_on_trial(me); deploy_tries[me] = 0
#define deploy_DO_rehook(me, ev) skip
#define deploy_DO_hook_again(me, ev) deploy_tries[me]++
#define deploy_DO_drain(me, ev) move(me); deploy_tries[me] = 0
#define deploy_DO_replace(me, ev) move(me); deploy_tries[me] = 0
#define deploy_DO_go_live(me, ev) tell_stage(me, EV_MOVED); tell_stage(me, EV_ENDED)
#define deploy_DO_finish(me, ev) tell_stage(me, EV_ENDED)
#define deploy_DO_finish_untidy(me, ev) tell_stage(me, EV_ENDED)
#define deploy_DO_fail(me, ev) tell_stage(me, EV_ENDED)
#define deploy_DO_give_up(me, ev) tell_stage(me, EV_ENDED)
#define deploy_DO_cancel(me, ev) tell_stage(me, EV_ENDED)

/* swap */

#define swap_IS_tries_left(me, ev) (swap_tries[me] < TRIES)
#define swap_NOT_tries_left(me, ev) (!swap_IS_tries_left(me, ev))

#define swap_DO_switch_route(me, ev) skip
#define swap_DO_switch_again(me, ev) swap_tries[me]++
#define swap_DO_confirm(me, ev) skip
#define swap_DO_finish(me, ev) post(DEPLOY, me, EV_SWAPPED)
#define swap_DO_give_back(me, ev) post(DEPLOY, me, EV_UNSWAPPED)
#define swap_DO_restore_now(me, ev) skip
#define swap_DO_restore(me, ev) swap_tries[me] = 0
#define swap_DO_restore_again(me, ev) swap_tries[me] = TRIES
#define swap_DO_park(me, ev) skip
#define swap_DO_park_again(me, ev) swap_tries[me]++
#define swap_DO_clear(me, ev) set_parked(me); swap_tries[me] = 0; post(DEPLOY, me, EV_CLEARED)
#define swap_DO_wait(me, ev) skip
#define swap_DO_go_back(me, ev) swap_tries[me] = 0
#define swap_DO_wait_again(me, ev) post(DEPLOY, me, EV_UNSWAPPED)
#define swap_DO_repark(me, ev) swap_tries[me] = 0
#define swap_DO_repark_again(me, ev) swap_tries[me] = TRIES

/* stage */

#define is_same(other) \
	(!deploy_is_forced[e_from] && other != 0 && e_from != other && deploy_digest[e_from] != 0 \
	    && deploy_digest[e_from] == deploy_digest[other] \
	    && deploy_spec[e_from] == deploy_spec[other])
#define stage_IS_is_live_already(me, ev) is_same(stage_live[me])
#define stage_NOT_is_live_already(me, ev) (!stage_IS_is_live_already(me, ev))
#define stage_IS_is_running_already(me, ev) \
	(!stage_is_given_up[me] && is_same(stage_running[me]))
#define stage_NOT_is_running_already(me, ev) (!stage_IS_is_running_already(me, ev))
#define stage_IS_is_waiting_already(me, ev) is_same(stage_waiting[me])
#define stage_NOT_is_waiting_already(me, ev) (!stage_IS_is_waiting_already(me, ev))
#define stage_IS_is_older_than_live(me, ev) (e_from < stage_live[me])
#define stage_NOT_is_older_than_live(me, ev) (!stage_IS_is_older_than_live(me, ev))
#define stage_IS_is_older_than_running(me, ev) (e_from < stage_running[me])
#define stage_NOT_is_older_than_running(me, ev) (!stage_IS_is_older_than_running(me, ev))
#define stage_IS_is_older_than_waiting(me, ev) (e_from < stage_waiting[me])
#define stage_NOT_is_older_than_waiting(me, ev) (!stage_IS_is_older_than_waiting(me, ev))
#define stage_IS_is_older_than_merged(me, ev) \
	(e_from < stage_merged[me] && e_from != stage_merged_into[me])
#define stage_NOT_is_older_than_merged(me, ev) (!stage_IS_is_older_than_merged(me, ev))
#define stage_IS_is_older_than_pending(me, ev) (e_from < stage_pending[me])
#define stage_NOT_is_older_than_pending(me, ev) (!stage_IS_is_older_than_pending(me, ev))
#define stage_IS_is_pending_already(me, ev) is_same(stage_pending[me])
#define stage_NOT_is_pending_already(me, ev) (!stage_IS_is_pending_already(me, ev))

/* Whether the terms of the stage let it go now; a rollback goes under any. */
#ifdef TERMS
#define is_under(me, deploy_, terms_) (terms[me] == terms_ && !is_exempt[deploy_])
#else
#define is_under(me, deploy_, terms_) \
	(terms_ == (only_stops(deploy_) && (stage_live[me] == 0 || \
	    (stage_running[me] != 0 && stage_running[me] != deploy_)) -> NEVER : GO))
#endif
#define may_go(me, deploy_) (!is_under(me, deploy_, NOT_YET) && !is_under(me, deploy_, NEVER))
#define stage_IS_may_go(me, ev) may_go(me, e_from)
#define stage_NOT_may_go(me, ev) (!stage_IS_may_go(me, ev))
#define stage_IS_is_denied(me, ev) is_under(me, e_from, NEVER)
#define stage_NOT_is_denied(me, ev) (!stage_IS_is_denied(me, ev))
#define stage_IS_is_from_running(me, ev) (e_from == stage_running[me])
#define stage_NOT_is_from_running(me, ev) (!stage_IS_is_from_running(me, ev))
#define stage_IS_is_from_waiting(me, ev) (e_from == stage_waiting[me])
#define stage_NOT_is_from_waiting(me, ev) (!stage_IS_is_from_waiting(me, ev))
/* What the law says of it, beside what the stage keeps. */
#ifdef QUARANTINE
#define becomes_bad(digest_, live_) bad = (digest_ == live_ || digest_ == 0 -> bad : (bad | (1 << digest_)))
#define becomes_good(digest_) bad = bad & (255 - (1 << digest_))
#else
#define becomes_bad(digest_, live_) skip
#define becomes_good(digest_) skip
#endif

/* Who wanted it: a person, unless a run asks about quarantine. */
#ifdef QUARANTINE
#define is_held(me, digest_) ((stage_held[me] & (1 << digest_)) != 0)
#define hold_digest(me, digest_) \
	stage_held[me] = (digest_ == 0 || digest_ == deploy_digest[stage_live[me]] -> stage_held[me] : \
	    (stage_held[me] | (1 << digest_)))
#define release_digest(me, digest_) stage_held[me] = stage_held[me] & (255 - (1 << digest_))
#define hold_live(me, digest_) \
	stage_held[me] = (deploy_digest[stage_live[me]] == digest_ || stage_live[me] == 0 -> stage_held[me] : \
	    (stage_held[me] | (1 << deploy_digest[stage_live[me]])))
#define is_any_held(me) (stage_held[me] != 0)
#define stage_IS_is_held(me, ev) \
	(ev == EV_TRIGGER -> \
	    (e_is_poll == BY_POLL && is_held(me, e_digest)) : (is_auto(e_from) && is_held(me, deploy_digest[e_from])))
#define stage_IS_is_back(me, ev) (ev == EV_TRIGGER -> e_is_poll == BY_ROLLBACK : is_back[e_from])
#else
#define is_held(me, digest_) false
#define hold_digest(me, digest_) skip
#define release_digest(me, digest_) skip
#define hold_live(me, digest_) skip
#define is_any_held(me) false
#define stage_IS_is_held(me, ev) false
#define stage_IS_is_back(me, ev) false
#endif
#define stage_NOT_is_held(me, ev) (!stage_IS_is_held(me, ev))
#define stage_NOT_is_back(me, ev) (!stage_IS_is_back(me, ev))
#define stage_IS_is_asked_already(me, ev) \
	((!is_any_held(me) || e_is_poll == BY_POLL || e_is_poll == BY_HOOK) && !e_flag && e_digest == 0 && stage_resolving[me] != 0 && e_word == stage_resolving_tag[me])
#define stage_NOT_is_asked_already(me, ev) (!stage_IS_is_asked_already(me, ev))
#ifdef LIVE_IS_NO_NEWS
#define last_digest(me) deploy_digest[stage_live[me]]
#else
#define last_digest(me) \
	(stage_waiting[me] != 0 -> deploy_digest[stage_waiting[me]] : \
	    (stage_running[me] == 0 -> deploy_digest[stage_live[me]] : \
		(stage_is_given_up[me] -> 0 : deploy_digest[stage_running[me]])))
#endif
#define stage_IS_is_no_news(me, ev) (e_is_poll == BY_POLL && e_digest != 0 && e_digest == last_digest(me))
#define stage_NOT_is_no_news(me, ev) (!stage_IS_is_no_news(me, ev))

#define grant(me, deploy_) \
	assert_may_run(me, deploy_); stage_running[me] = deploy_; stage_is_given_up[me] = only_stops(deploy_); \
	post(DEPLOY, deploy_, EV_GRANTED); with(word) = stage_live[me]; with(digest) = spare_for(me, deploy_)
#define clear_running(me) stage_running[me] = 0; stage_is_given_up[me] = false
#define settle(deploy_, ev_, other_) post(DEPLOY, deploy_, ev_); with(word) = other_

#define clear_resolving(me) stage_resolving[me] = 0; stage_resolving_tag[me] = 0
#ifdef OLD_QUESTION_STANDS
#define outdate_resolving(me) skip
#else
#define outdate_resolving(me) clear_resolving(me)
#endif
#define note_merged(me, deploy_, into_) \
	stage_merged_into[me] = (deploy_ >= stage_merged[me] -> into_ : stage_merged_into[me]); \
	stage_merged[me] = (deploy_ > stage_merged[me] -> deploy_ : stage_merged[me])

#define stage_DO_configure(me, ev) \
	stage_has_route[me] = stage_has_route[me] || e_flag; stage_spec[me]++; outdate_resolving(me); \
	recall_pending(me)
#define stage_DO_start(me, ev) leave_line(me, e_from); outdate_pending(me, e_from); grant(me, e_from)
#define stage_DO_enqueue(me, ev) \
	leave_line(me, e_from); stage_waiting[me] = e_from; outdate_pending(me, e_from)
#define stage_DO_replace_waiting(me, ev) \
	settle(stage_waiting[me], EV_SUPERSEDED, e_from); stage_DO_enqueue(me, ev)
#define join(me, other) \
	leave_line(me, e_from); note_merged(me, e_from, other); assert_is_on_its_way(other)
#define merge(me, other) \
	join(me, other); outdate_pending(me, e_from); settle(e_from, EV_MERGED, other)
#define stage_DO_merge_pending(me, ev) \
	join(me, stage_pending[me]); settle(e_from, EV_MERGED, stage_pending[me])
#define stage_DO_merge_live(me, ev) merge(me, stage_live[me])
#define stage_DO_merge_running(me, ev) merge(me, stage_running[me])
#define stage_DO_merge_waiting(me, ev) merge(me, stage_waiting[me])
#define stage_DO_merge_running_drop_waiting(me, ev) \
	settle(stage_waiting[me], EV_SUPERSEDED, e_from); stage_waiting[me] = 0; \
	stage_DO_merge_running(me, ev)
#define supersede(me, other) leave_line(me, e_from); settle(e_from, EV_SUPERSEDED, other)
#define stage_DO_supersede_by_pending(me, ev) supersede(me, stage_pending[me])
#define stage_DO_defer(me, ev) \
	leave_line(me, e_from); outdate_pending(me, e_from); stage_pending[me] = e_from; \
	settle(e_from, EV_DEFERRED, 0)
#define stage_DO_deny(me, ev) leave_line(me, e_from); settle(e_from, EV_DENIED, 0)
#define stage_DO_pass(me, ev) settle(e_from, EV_GRANTED, stage_live[me])
#define stage_IS_is_put_off(me, ev) \
	(is_auto(e_from) && stage_waiting[me] == 0 && stage_pending[me] == 0 && \
	    stage_resolving[me] == 0 && is_under(me, e_from, NOT_YET))
#define stage_NOT_is_put_off(me, ev) (!stage_IS_is_put_off(me, ev))
#define stage_DO_supersede_by_live(me, ev) supersede(me, stage_live[me])
#define stage_DO_supersede_by_running(me, ev) supersede(me, stage_running[me])
#define stage_DO_supersede_by_waiting(me, ev) supersede(me, stage_waiting[me])
#define stage_DO_supersede_by_merged(me, ev) supersede(me, stage_merged[me])
#define stage_DO_lift(me, ev) release_digest(me, e_digest)
#define stage_DO_hold_back(me, ev) leave_line(me, e_from); settle(e_from, EV_HELD, 0)
#define stage_DO_condemn(me, ev) stage_is_given_up[me] = true; hold_digest(me, deploy_digest[e_from])
#define stage_DO_disown(me, ev) stage_is_given_up[me] = true
#define stage_DO_drop_waiting(me, ev) stage_waiting[me] = 0
#define stage_DO_forget(me, ev) leave_line(me, e_from)
#define stage_DO_cancel_running(me, ev) post(DEPLOY, stage_running[me], EV_CANCEL)
#define stage_DO_cancel_both(me, ev) \
	post(DEPLOY, stage_waiting[me], EV_CANCEL); post(DEPLOY, stage_running[me], EV_CANCEL)

/* sweep */

#define sweep_IS_has_orphans(me, ev) e_flag
#define sweep_NOT_has_orphans(me, ev) (!sweep_IS_has_orphans(me, ev))
#define sweep_DO_survey(me, ev) skip
#define sweep_DO_collect(me, ev) skip
#define sweep_DO_wait(me, ev) skip
#define sweep_DO_back_off(me, ev) skip
#define sweep_DO_stop(me, ev) skip

/* poll. A tag of its own is left out: a digest tells as much. */

#define poll_IS_is_wanted(me, ev) e_flag
#define poll_NOT_is_wanted(me, ev) (!poll_IS_is_wanted(me, ev))
#define poll_IS_is_first(me, ev) (poll_digest == 0)
#define poll_NOT_is_first(me, ev) (!poll_IS_is_first(me, ev))
#define poll_IS_is_known(me, ev) (poll_digest == e_digest)
#define poll_NOT_is_known(me, ev) (!poll_IS_is_known(me, ev))
#define poll_IS_is_older(me, ev) (e_word != 0)
#define poll_NOT_is_older(me, ev) (!poll_IS_is_older(me, ev))
#define poll_IS_is_auto(me, ev) poll_is_auto
#define poll_NOT_is_auto(me, ev) (!poll_IS_is_auto(me, ev))
#define poll_DO_ignore(me, ev) skip
#define poll_DO_wait(me, ev) skip
#define poll_DO_wait_in_turn(me, ev) skip
#define poll_DO_configure(me, ev) \
	poll_is_auto = e_word == 0; poll_digest = (e_digest != 0 -> 0 : poll_digest)
#define poll_DO_seek(me, ev) skip
#define poll_DO_back_off(me, ev) skip
#define poll_DO_record(me, ev) poll_digest = e_digest
#define poll_DO_report(me, ev) \
	poll_digest = e_digest; post(STAGE, 0, EV_TRIGGER); with(word) = e_digest; \
	with(digest) = e_digest; with(is_poll) = BY_POLL

/* notify */

#define notify_IS_is_in_time(me, ev) (notify_tries[me] < TRIES)
#define notify_NOT_is_in_time(me, ev) (!notify_IS_is_in_time(me, ev))
#define notify_DO_send(me, ev) skip
#define notify_DO_wait_on(me, ev) skip
#define notify_DO_back_off(me, ev) notify_tries[me]++
#define notify_DO_finish(me, ev) assert(was_told[me]) /* 75: delivered is what was told */
#define notify_DO_give_up(me, ev) skip
#define notify_DO_drop(me, ev) skip
