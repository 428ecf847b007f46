/* steps.pml - what a step of an actor does, and the runtime that takes one event at a time.
 *
 * The one idea: a step that was committed is whole. Mail and births among actors follow within it, as in
 * src/serve/runtime.c; what it asks of the outside goes on the wire, where the adversary waits. */

/* Mail. */

inline post(kind_, to_, ev_) {
	assert(mail_count < MAIL);
	mail_kind[mail_count] = kind_;
	mail_to[mail_count] = to_;
	mail_ev[mail_count] = ev_;
	mail_count++
}

/* Steps. An ask that is still under way when its actor moves on is gone, or lands late. */

#define CHANGES_THE_WORLD(fx) \
	(fx == FX_RUN || fx == FX_REMOVE || fx == FX_RETIRE || fx == FX_SWITCH || fx == FX_RESTORE)

inline overtake(me, ask_, wire_, id_, epoch_) {
	if
	:: true -> skip
	:: lates > 0 && wire_ == ASKED && CHANGES_THE_WORLD(ask_) ->
		keep_late(me, ask_, id_, epoch_, false)
#ifdef STALE
	:: lates > 0 && wire_ != NOWHERE && ask_ != FX_NOTHING ->
		keep_late(me, ask_, id_, epoch_, true)
#endif
	fi
}

inline keep_late(me, ask_, id_, epoch_, is_answer_) {
	lates--;
	late_ask[lates] = ask_;
	late_deploy[lates] = me;
	late_elder[lates] = deploy_elder[me];
	late_id[lates] = id_;
	late_epoch[lates] = epoch_;
	late_is_answer[lates] = is_answer_
}

/* As src/serve/notices.c: in the step that it tells of. */
#ifdef NOTIFIED
inline born_to_tell(me) {
	if
	:: is_told_of(then_state) ->
		assert(notify_state[me] == UNBORN); /* 14: a deploy ends once */
		assert(notify_IS_INITIAL(notify_PENDING));
		notify_state[me] = notify_PENDING;
		post(NOTIFY, me, EV_START)
	:: else -> skip
	fi
}

inline notify_taken(me) {
	if
	:: then_state != UNBORN ->
		notify_state[me] = then_state;
		notify_ask[me] = then_ask;
		notify_wire[me] = (then_ask == FX_NOTHING -> NOWHERE : ASKED)
	:: else -> skip
	fi
}
#else
#define born_to_tell(me) skip
#endif

inline deploy_taken(me) {
	if
	:: then_state != UNBORN ->
		overtake(me, deploy_ask[me], deploy_wire[me], 0, 0);
		deploy_state[me] = then_state;
		deploy_ask[me] = then_ask;
		deploy_wire[me] = (then_ask == FX_NOTHING -> NOWHERE : ASKED)
	:: else -> skip
	fi;
	if
	:: deploy_IS_FINAL(then_state) ->
		assert(swap_state[me] == UNBORN); /* 30: a swap ends before its deploy */
		became_live = (then_state == deploy_LIVE -> me : became_live);
#ifdef HALTING
		deploy_is_canceled[me] = false;
#endif
		deploy_tries[me] = 0;
		deploy_elder[me] = 0;
		born_to_tell(me)
	:: else -> skip
	fi
}

inline swap_taken(me) {
	if
	:: then_state != UNBORN ->
		overtake(me, swap_ask[me], swap_wire[me], swap_id[me], swap_epoch[me]);
		swap_state[me] = then_state;
		swap_epoch[me]++;
		swap_ask[me] = then_ask;
		swap_wire[me] = (then_ask == FX_NOTHING -> NOWHERE : ASKED)
	:: else -> skip
	fi;
	if
	:: swap_IS_FINAL(then_state) ->
#ifdef HALTING
		swap_is_parked[me] = false;
#endif
		swap_state[me] = UNBORN;
		swap_id[me] = 0;
		swap_epoch[me] = 0;
		swap_tries[me] = 0
	:: else -> skip
	fi
}

inline stage_taken(me) {
	stage_state[me] = (then_state != UNBORN -> then_state : stage_state[me])
}

/* A quiet step is not stored: a crash takes it back. */
inline sweep_taken() {
	if
	:: then_state != UNBORN ->
		sweep_state[0] = then_state;
		sweep_stored = (then_is_kept -> then_state : sweep_stored);
		sweep_ask = then_ask;
		sweep_wire = (then_ask == FX_NOTHING -> NOWHERE : ASKED)
	:: else -> skip
	fi
}

inline poll_taken() {
	if
	:: then_state != UNBORN ->
		poll_state[0] = then_state;
		poll_stored = (then_is_kept -> then_state : poll_stored);
		poll_ask = then_ask;
		poll_wire = (then_ask == FX_NOTHING -> NOWHERE : ASKED)
	:: else -> skip
	fi
}

/* Told once: a hook behind the switch told of it when it began, unless its deploy was on trial. */
inline move(me) {
	if
	:: deploy_state[me] == deploy_POST_SWITCH && !deploy_IS_is_on_trial(me, ev) -> skip
	:: else -> tell_stage(me, EV_MOVED)
	fi
}

inline move_unless_on_trial(me) {
	if
	:: deploy_IS_is_on_trial(me, ev) -> skip
	:: else -> tell_stage(me, EV_MOVED)
	fi
}

inline bear_swap(me, state_) {
	assert(swap_state[me] == UNBORN); /* 30: a deploy has one */
	assert(swap_IS_INITIAL(state_));
	swap_state[me] = state_;
	swap_births++;
	swap_id[me] = swap_births;
	post(SWAP, me, EV_START)
}

inline deploy_DO_begin_swap(me, ev) {
	assert(may_go(deploy_stage[me], me)); /* 81: no traffic moves against the terms */
#ifdef WARM
	deploy_keeps[me] = deploy_elder[me] != 0;
#endif
	bear_swap(me, swap_SWITCHING)
}

inline deploy_DO_leave(me, ev) {
	deploy_elder[me] = e_word;
	bear_swap(me, swap_SWITCHING)
}

inline deploy_DO_begin_park(me, ev) {
	bear_swap(me, swap_PARKING)
}

inline deploy_DO_swap_back(me, ev) {
	if
	:: ev == EV_REFUSED ->
		becomes_bad(deploy_digest[me], deploy_digest[stage_live[deploy_stage[me]]]);
		tell_stage(me, EV_CONDEMNED)
	:: else -> tell_stage(me, EV_GIVEN_UP)
	fi;
	bear_swap(me, swap_RESTORING)
}

inline deploy_DO_cancel_trial(me, ev) {
	tell_stage(me, EV_GIVEN_UP);
	bear_swap(me, swap_RESTORING)
}

/* 17: merged is only what nobody forced, into one with the same digest and configuration. */
inline deploy_DO_close(me, ev) {
	if
	:: ev == EV_MERGED ->
		assert(!deploy_is_forced[me] && deploy_digest[me] == deploy_digest[e_word]);
		assert(deploy_spec[me] == deploy_spec[e_word])
	:: ev == EV_SUPERSEDED -> assert(e_word > me) /* 16: by a newer one */
	:: else -> skip
	fi
}

inline leave_line(me, deploy_) {
	if
	:: stage_resolving[me] == deploy_ -> clear_resolving(me)
	:: else -> skip
	fi;
	stage_pending[me] = (stage_pending[me] == deploy_ -> 0 : stage_pending[me])
}

inline outdate_pending(me, by_) {
	if
	:: stage_pending[me] != 0 && stage_pending[me] < by_ ->
		settle(stage_pending[me], EV_SUPERSEDED, by_);
		stage_pending[me] = 0
	:: else -> skip
	fi
}

inline recall_pending(me) {
	if
	:: stage_pending[me] != 0 -> post(DEPLOY, stage_pending[me], EV_RECALLED)
	:: else -> skip
	fi
}

inline stage_DO_freeze(me, ev) {
#ifdef TERMS
	terms[me] = NOT_YET
#else
	skip
#endif
}

inline stage_DO_thaw(me, ev) {
#ifdef TERMS
	terms[me] = GO;
#endif
	recall_pending(me)
}

/* 119: nothing serves; what was wished before that comes too late. */
inline stage_DO_leave(me, ev) {
	assert(e_from > stage_live[me]);
	note_merged(me, e_from, 0);
	stage_live[me] = 0;
#ifdef WARM
	stage_warm[me] = 0;
#endif
#ifdef VERSIONS
	stage_older[me] = 0;
#endif
#ifdef STOPS
	stage_stopped[me] = e_from
#else
	skip
#endif
}

#ifdef VERSIONS
#define has_gone(kept) (kept == body(e_from) || deploy_digest[kept] == deploy_digest[e_from])
#define is_left(me) \
	(deploy_keeps[e_from] && stage_live[me] != 0 && stage_live[me] != body(e_from) && \
	    deploy_digest[stage_live[me]] != deploy_digest[e_from])
/* The two that left last stay, but what the same tag led to. */
inline keep(me) {
	stage_warm[me] = (has_gone(stage_warm[me]) -> 0 : stage_warm[me]);
	stage_older[me] = (has_gone(stage_older[me]) -> 0 : stage_older[me]);
	close_up(me);
	stage_older[me] = (is_left(me) && stage_warm[me] != 0 -> stage_warm[me] : stage_older[me]);
	stage_warm[me] = (is_left(me) -> stage_live[me] : stage_warm[me])
}
inline close_up(me) {
	if
	:: stage_warm[me] == 0 -> stage_warm[me] = stage_older[me]; stage_older[me] = 0
	:: else -> skip
	fi
}
inline stage_DO_cool(me, ev) {
	stage_older[me] = (e_word == stage_older[me] -> 0 : stage_older[me]);
	stage_warm[me] = (e_word == stage_warm[me] -> 0 : stage_warm[me]);
	close_up(me)
}
#elif defined(WARM)
inline keep(me) {
	stage_warm[me] = (deploy_keeps[e_from] && stage_live[me] != body(e_from) -> stage_live[me] : 0)
}
inline stage_DO_cool(me, ev) {
	stage_warm[me] = (e_word == stage_warm[me] -> 0 : stage_warm[me])
}
#endif

inline stage_DO_move(me, ev) {
	assert(e_from > stage_live[me]); /* 16: what is newer never gives way to what is older */
#ifdef STOPS
	assert(e_from > stage_stopped[me]);
	stage_stopped[me] = 0;
#endif
	release_digest(me, deploy_digest[e_from]);
	becomes_good(deploy_digest[e_from]);
#ifdef WARM
	assert(e_from > last_moved[me]); /* 16, though what serves may be older */
	last_moved[me] = e_from;
	keep(me);
	if
	:: deploy_body[e_from] != 0 -> note_merged(me, e_from, deploy_body[e_from])
	:: else -> skip
	fi;
#endif
	stage_live[me] = body(e_from)
}

inline stage_DO_move_back(me, ev) {
	hold_live(me, deploy_digest[e_from]);
	stage_DO_move(me, ev)
}

inline stage_DO_begin_back(me, ev) {
	hold_live(me, e_digest);
	stage_DO_begin(me, ev)
}

/* 70: what is in quarantine is run for a person only. 81: and nothing against the terms. */
inline assert_may_run(me, deploy_) {
	assert(may_go(me, deploy_));
#ifdef QUARANTINE
	assert(!is_auto(deploy_) || (bad & (1 << deploy_digest[deploy_])) == 0)
#else
	skip
#endif
}

/* A wish that changes nothing has been granted already, or will be. */
inline stage_DO_ignore(me, ev) {
	if
	:: ev != EV_TRIGGER -> skip
	:: ev == EV_TRIGGER && e_digest != 0 -> finds(me, e_digest)
	:: ev == EV_TRIGGER && e_digest == 0 -> wishes(me, stage_resolving[me], 0)
	fi
}

inline stage_DO_begin(me, ev) {
	assert(deploy_births + 1 < DEPLOYS);
	deploy_births++;
	deploy_state[deploy_births] = (e_digest != 0 -> deploy_QUEUED : deploy_RESOLVING);
	assert(deploy_IS_INITIAL(deploy_state[deploy_births]));
	deploy_stage[deploy_births] = me;
	deploy_digest[deploy_births] = e_digest;
	deploy_has_route[deploy_births] = stage_has_route[me];
	deploy_is_forced[deploy_births] = e_flag;
#if defined(QUARANTINE) || defined(TERMS)
	is_by_machine[deploy_births] = e_is_poll == BY_POLL || e_is_poll == BY_HOOK;
#endif
#ifdef QUARANTINE
	is_back[deploy_births] = e_is_poll == BY_ROLLBACK;
#endif
#ifdef TERMS
	is_exempt[deploy_births] = e_is_poll == BY_ROLLBACK;
#endif
	deploy_spec[deploy_births] = stage_spec[me];
#ifdef STOPS
	is_stop[deploy_births] = e_is_poll == BY_STOP;
#endif
	wishes(me, deploy_births, 0);
	has_drained[deploy_births] = true;
#ifdef SHARED /* each stage's new revision wants what the old one had not, and the other way round */
	wants_domain[deploy_births] = !wants_domain[1 + me];
#endif
	if
	:: e_digest == 0 -> stage_resolving[me] = deploy_births; stage_resolving_tag[me] = e_word
	:: else -> outdate_resolving(me)
	fi;
	post(DEPLOY, deploy_births, EV_START)
}

inline stage_DO_recall_waiting(me, ev) {
	if
	:: stage_waiting[me] != 0 -> post(DEPLOY, stage_waiting[me], EV_RECALLED)
	:: else -> skip
	fi;
	stage_waiting[me] = 0;
	clear_running(me)
}

/* A machine does not tell of it again. */
inline stage_DO_put_off(me, ev) {
	settle(e_from, EV_DENIED, 0);
	stage_is_given_up[me] = true;
	e_digest = deploy_digest[e_from];
	e_flag = deploy_is_forced[e_from];
	e_is_poll = BY_HOOK;
	stage_DO_begin(me, ev)
}

/* The runtime: one event, and within the same step all that follows among the actors. */

active proctype runtime() {
end:	do
	:: atomic {
		go?_ ->
		mail_first = 0;
		do
		:: mail_first < mail_count ->
			e_to = mail_to[mail_first];
			e_kind = mail_ev[mail_first];
			e_from = mail_from[mail_first];
			e_word = mail_word[mail_first];
			e_digest = mail_digest[mail_first];
			e_flag = mail_flag[mail_first];
			e_is_poll = mail_is_poll[mail_first];
			mail_from[mail_first] = 0;
			mail_word[mail_first] = 0;
			mail_digest[mail_first] = 0;
			mail_flag[mail_first] = 0;
			mail_is_poll[mail_first] = 0;
			then_state = UNBORN;
			printf("%e %d hears %d\n", mail_kind[mail_first], e_to, e_kind);
			mail_first++;
			if
			:: mail_kind[mail_first - 1] == DEPLOY -> deploy_step(e_to, e_kind); deploy_taken(e_to)
			:: mail_kind[mail_first - 1] == SWAP -> swap_step(e_to, e_kind); swap_taken(e_to)
			:: mail_kind[mail_first - 1] == STAGE -> stage_step(e_to, e_kind); stage_taken(e_to)
			:: mail_kind[mail_first - 1] == SWEEP -> sweep_step(e_to, e_kind); sweep_taken()
			:: mail_kind[mail_first - 1] == POLL -> poll_step(e_to, e_kind); poll_taken()
#ifdef NOTIFIED
			:: mail_kind[mail_first - 1] == NOTIFY -> notify_step(e_to, e_kind); notify_taken(e_to)
#endif
			fi
		:: else -> break
		od;
		mail_count = 0;
		mail_first = 0;
		check()
	}
	od
}
