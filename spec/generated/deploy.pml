/* deploy: made by `slipway machines --promela deploy`; do not edit */
#ifdef IS_tries_left
#ifndef NOT_tries_left
#define NOT_tries_left (!IS_tries_left)
#endif
#else
#define IS_tries_left true
#define NOT_tries_left true
#endif
#ifdef IS_has_route
#ifndef NOT_has_route
#define NOT_has_route (!IS_has_route)
#endif
#else
#define IS_has_route true
#define NOT_has_route true
#endif
#ifdef IS_has_elder
#ifndef NOT_has_elder
#define NOT_has_elder (!IS_has_elder)
#endif
#else
#define IS_has_elder true
#define NOT_has_elder true
#endif
inline deploy_step(ev) {
  if
  :: deploy_state == deploy_RESOLVING && ev == EV_START -> DO_deploy_resolve(); deploy_ask = FX_RESOLVE; deploy_state = deploy_RESOLVING
  :: deploy_state == deploy_RESOLVING && ev == EV_RECOVERED -> DO_deploy_resolve(); deploy_ask = FX_RESOLVE; deploy_state = deploy_RESOLVING
  :: deploy_state == deploy_RESOLVING && ev == EV_RESOLVED -> DO_deploy_take_digest(); deploy_ask = 0; deploy_state = deploy_QUEUED
  :: deploy_state == deploy_RESOLVING && ev == EV_TIMEOUT && IS_tries_left -> DO_deploy_resolve_again(); deploy_ask = FX_RESOLVE; deploy_state = deploy_RESOLVING
  :: deploy_state == deploy_RESOLVING && ev == EV_TROUBLED && IS_tries_left -> DO_deploy_resolve_again(); deploy_ask = FX_RESOLVE; deploy_state = deploy_RESOLVING
  :: deploy_state == deploy_RESOLVING && ev == EV_TIMEOUT && NOT_tries_left -> DO_deploy_fail(); deploy_ask = 0; deploy_state = deploy_FAILED
  :: deploy_state == deploy_RESOLVING && ev == EV_REFUSED -> DO_deploy_fail(); deploy_ask = 0; deploy_state = deploy_FAILED
  :: deploy_state == deploy_RESOLVING && ev == EV_TROUBLED && NOT_tries_left -> DO_deploy_fail(); deploy_ask = 0; deploy_state = deploy_FAILED
  :: deploy_state == deploy_RESOLVING && ev == EV_CANCEL -> DO_deploy_cancel(); deploy_ask = 0; deploy_state = deploy_CANCELED
  :: deploy_state == deploy_QUEUED && ev == EV_START -> DO_deploy_ask_turn(); deploy_ask = 0; deploy_state = deploy_QUEUED
  :: deploy_state == deploy_QUEUED && ev == EV_RECOVERED -> DO_deploy_ask_turn(); deploy_ask = 0; deploy_state = deploy_QUEUED
  :: deploy_state == deploy_QUEUED && ev == EV_GRANTED -> DO_deploy_pull(); deploy_ask = FX_PULL; deploy_state = deploy_PULLING
  :: deploy_state == deploy_QUEUED && ev == EV_MERGED -> DO_deploy_close(); deploy_ask = 0; deploy_state = deploy_SKIPPED
  :: deploy_state == deploy_QUEUED && ev == EV_SUPERSEDED -> DO_deploy_close(); deploy_ask = 0; deploy_state = deploy_SUPERSEDED
  :: deploy_state == deploy_QUEUED && ev == EV_TIMEOUT -> DO_deploy_fail(); deploy_ask = 0; deploy_state = deploy_FAILED
  :: deploy_state == deploy_QUEUED && ev == EV_CANCEL -> DO_deploy_cancel(); deploy_ask = 0; deploy_state = deploy_CANCELED
  :: deploy_state == deploy_PULLING && ev == EV_PULLED -> DO_deploy_run(); deploy_ask = FX_RUN; deploy_state = deploy_STARTING
  :: deploy_state == deploy_PULLING && ev == EV_RECOVERED -> DO_deploy_repull(); deploy_ask = FX_PULL; deploy_state = deploy_PULLING
  :: deploy_state == deploy_PULLING && ev == EV_TIMEOUT && IS_tries_left -> DO_deploy_pull_again(); deploy_ask = FX_PULL; deploy_state = deploy_PULLING
  :: deploy_state == deploy_PULLING && ev == EV_TROUBLED && IS_tries_left -> DO_deploy_pull_again(); deploy_ask = FX_PULL; deploy_state = deploy_PULLING
  :: deploy_state == deploy_PULLING && ev == EV_TIMEOUT && NOT_tries_left -> DO_deploy_fail(); deploy_ask = 0; deploy_state = deploy_FAILED
  :: deploy_state == deploy_PULLING && ev == EV_REFUSED -> DO_deploy_fail(); deploy_ask = 0; deploy_state = deploy_FAILED
  :: deploy_state == deploy_PULLING && ev == EV_TROUBLED && NOT_tries_left -> DO_deploy_fail(); deploy_ask = 0; deploy_state = deploy_FAILED
  :: deploy_state == deploy_PULLING && ev == EV_CANCEL -> DO_deploy_cancel(); deploy_ask = 0; deploy_state = deploy_CANCELED
  :: deploy_state == deploy_STARTING && ev == EV_STARTED -> DO_deploy_probe(); deploy_ask = FX_PROBE; deploy_state = deploy_PROBING
  :: deploy_state == deploy_STARTING && ev == EV_RECOVERED -> DO_deploy_rerun(); deploy_ask = FX_RUN; deploy_state = deploy_STARTING
  :: deploy_state == deploy_STARTING && ev == EV_TIMEOUT && IS_tries_left -> DO_deploy_run_again(); deploy_ask = FX_RUN; deploy_state = deploy_STARTING
  :: deploy_state == deploy_STARTING && ev == EV_TROUBLED && IS_tries_left -> DO_deploy_run_again(); deploy_ask = FX_RUN; deploy_state = deploy_STARTING
  :: deploy_state == deploy_STARTING && ev == EV_TIMEOUT && NOT_tries_left -> DO_deploy_undo(); deploy_ask = FX_REMOVE; deploy_state = deploy_UNDOING
  :: deploy_state == deploy_STARTING && ev == EV_REFUSED -> DO_deploy_undo(); deploy_ask = FX_REMOVE; deploy_state = deploy_UNDOING
  :: deploy_state == deploy_STARTING && ev == EV_TROUBLED && NOT_tries_left -> DO_deploy_undo(); deploy_ask = FX_REMOVE; deploy_state = deploy_UNDOING
  :: deploy_state == deploy_STARTING && ev == EV_CANCEL -> DO_deploy_cancel_run(); deploy_ask = FX_REMOVE; deploy_state = deploy_CANCELING
  :: deploy_state == deploy_PROBING && ev == EV_HEALTHY && IS_has_route -> DO_deploy_begin_swap(); deploy_ask = 0; deploy_state = deploy_SWAPPING
  :: deploy_state == deploy_PROBING && ev == EV_HEALTHY && NOT_has_route && IS_has_elder -> DO_deploy_replace(); deploy_ask = FX_RETIRE; deploy_state = deploy_RETIRING
  :: deploy_state == deploy_PROBING && ev == EV_HEALTHY && NOT_has_route && NOT_has_elder -> DO_deploy_go_live(); deploy_ask = 0; deploy_state = deploy_LIVE
  :: deploy_state == deploy_PROBING && ev == EV_RECOVERED -> DO_deploy_reprobe(); deploy_ask = FX_PROBE; deploy_state = deploy_PROBING
  :: deploy_state == deploy_PROBING && ev == EV_TROUBLED && IS_tries_left -> DO_deploy_probe_again(); deploy_ask = FX_PROBE; deploy_state = deploy_PROBING
  :: deploy_state == deploy_PROBING && ev == EV_TIMEOUT -> DO_deploy_undo(); deploy_ask = FX_REMOVE; deploy_state = deploy_UNDOING
  :: deploy_state == deploy_PROBING && ev == EV_REFUSED -> DO_deploy_undo(); deploy_ask = FX_REMOVE; deploy_state = deploy_UNDOING
  :: deploy_state == deploy_PROBING && ev == EV_TROUBLED && NOT_tries_left -> DO_deploy_undo(); deploy_ask = FX_REMOVE; deploy_state = deploy_UNDOING
  :: deploy_state == deploy_PROBING && ev == EV_CANCEL -> DO_deploy_cancel_run(); deploy_ask = FX_REMOVE; deploy_state = deploy_CANCELING
  :: deploy_state == deploy_SWAPPING && ev == EV_SWAPPED && IS_has_elder -> DO_deploy_drain(); deploy_ask = FX_DRAIN; deploy_state = deploy_DRAINING
  :: deploy_state == deploy_SWAPPING && ev == EV_SWAPPED && NOT_has_elder -> DO_deploy_go_live(); deploy_ask = 0; deploy_state = deploy_LIVE
  :: deploy_state == deploy_SWAPPING && ev == EV_UNSWAPPED -> DO_deploy_undo(); deploy_ask = FX_REMOVE; deploy_state = deploy_UNDOING
  :: deploy_state == deploy_SWAPPING && ev == EV_CANCEL -> DO_deploy_abort_swap(); deploy_ask = 0; deploy_state = deploy_ABORTING
  :: deploy_state == deploy_SWAPPING && ev == EV_TIMEOUT -> DO_deploy_watch_swap(); deploy_ask = 0; deploy_state = deploy_SWAPPING
  :: deploy_state == deploy_SWAPPING && ev == EV_RECOVERED -> DO_deploy_watch_swap(); deploy_ask = 0; deploy_state = deploy_SWAPPING
  :: deploy_state == deploy_ABORTING && ev == EV_UNSWAPPED -> DO_deploy_cancel_run(); deploy_ask = FX_REMOVE; deploy_state = deploy_CANCELING
  :: deploy_state == deploy_ABORTING && ev == EV_CANCEL -> DO_deploy_watch_swap(); deploy_ask = 0; deploy_state = deploy_ABORTING
  :: deploy_state == deploy_ABORTING && ev == EV_TIMEOUT -> DO_deploy_watch_swap(); deploy_ask = 0; deploy_state = deploy_ABORTING
  :: deploy_state == deploy_ABORTING && ev == EV_RECOVERED -> DO_deploy_watch_swap(); deploy_ask = 0; deploy_state = deploy_ABORTING
  :: deploy_state == deploy_DRAINING && ev == EV_DRAINED -> DO_deploy_retire(); deploy_ask = FX_RETIRE; deploy_state = deploy_RETIRING
  :: deploy_state == deploy_DRAINING && ev == EV_CANCEL -> DO_deploy_redrain(); deploy_ask = FX_DRAIN; deploy_state = deploy_DRAINING
  :: deploy_state == deploy_DRAINING && ev == EV_RECOVERED -> DO_deploy_redrain(); deploy_ask = FX_DRAIN; deploy_state = deploy_DRAINING
  :: deploy_state == deploy_DRAINING && ev == EV_TIMEOUT && IS_tries_left -> DO_deploy_drain_again(); deploy_ask = FX_DRAIN; deploy_state = deploy_DRAINING
  :: deploy_state == deploy_DRAINING && ev == EV_REFUSED && IS_tries_left -> DO_deploy_drain_again(); deploy_ask = FX_DRAIN; deploy_state = deploy_DRAINING
  :: deploy_state == deploy_DRAINING && ev == EV_TROUBLED && IS_tries_left -> DO_deploy_drain_again(); deploy_ask = FX_DRAIN; deploy_state = deploy_DRAINING
  :: deploy_state == deploy_DRAINING && ev == EV_TIMEOUT && NOT_tries_left -> DO_deploy_retire(); deploy_ask = FX_RETIRE; deploy_state = deploy_RETIRING
  :: deploy_state == deploy_DRAINING && ev == EV_REFUSED && NOT_tries_left -> DO_deploy_retire(); deploy_ask = FX_RETIRE; deploy_state = deploy_RETIRING
  :: deploy_state == deploy_DRAINING && ev == EV_TROUBLED && NOT_tries_left -> DO_deploy_retire(); deploy_ask = FX_RETIRE; deploy_state = deploy_RETIRING
  :: deploy_state == deploy_RETIRING && ev == EV_RETIRED -> DO_deploy_finish(); deploy_ask = 0; deploy_state = deploy_LIVE
  :: deploy_state == deploy_RETIRING && ev == EV_CANCEL -> DO_deploy_reretire(); deploy_ask = FX_RETIRE; deploy_state = deploy_RETIRING
  :: deploy_state == deploy_RETIRING && ev == EV_RECOVERED -> DO_deploy_reretire(); deploy_ask = FX_RETIRE; deploy_state = deploy_RETIRING
  :: deploy_state == deploy_RETIRING && ev == EV_TIMEOUT && IS_tries_left -> DO_deploy_retire_again(); deploy_ask = FX_RETIRE; deploy_state = deploy_RETIRING
  :: deploy_state == deploy_RETIRING && ev == EV_REFUSED && IS_tries_left -> DO_deploy_retire_again(); deploy_ask = FX_RETIRE; deploy_state = deploy_RETIRING
  :: deploy_state == deploy_RETIRING && ev == EV_TROUBLED && IS_tries_left -> DO_deploy_retire_again(); deploy_ask = FX_RETIRE; deploy_state = deploy_RETIRING
  :: deploy_state == deploy_RETIRING && ev == EV_TIMEOUT && NOT_tries_left -> DO_deploy_finish_untidy(); deploy_ask = 0; deploy_state = deploy_LIVE
  :: deploy_state == deploy_RETIRING && ev == EV_REFUSED && NOT_tries_left -> DO_deploy_finish_untidy(); deploy_ask = 0; deploy_state = deploy_LIVE
  :: deploy_state == deploy_RETIRING && ev == EV_TROUBLED && NOT_tries_left -> DO_deploy_finish_untidy(); deploy_ask = 0; deploy_state = deploy_LIVE
  :: deploy_state == deploy_UNDOING && ev == EV_REMOVED -> DO_deploy_roll_back(); deploy_ask = 0; deploy_state = deploy_ROLLED_BACK
  :: deploy_state == deploy_UNDOING && ev == EV_CANCEL -> DO_deploy_reundo(); deploy_ask = FX_REMOVE; deploy_state = deploy_UNDOING
  :: deploy_state == deploy_UNDOING && ev == EV_RECOVERED -> DO_deploy_reundo(); deploy_ask = FX_REMOVE; deploy_state = deploy_UNDOING
  :: deploy_state == deploy_UNDOING && ev == EV_TIMEOUT && IS_tries_left -> DO_deploy_undo_again(); deploy_ask = FX_REMOVE; deploy_state = deploy_UNDOING
  :: deploy_state == deploy_UNDOING && ev == EV_REFUSED && IS_tries_left -> DO_deploy_undo_again(); deploy_ask = FX_REMOVE; deploy_state = deploy_UNDOING
  :: deploy_state == deploy_UNDOING && ev == EV_TROUBLED && IS_tries_left -> DO_deploy_undo_again(); deploy_ask = FX_REMOVE; deploy_state = deploy_UNDOING
  :: deploy_state == deploy_UNDOING && ev == EV_TIMEOUT && NOT_tries_left -> DO_deploy_roll_back(); deploy_ask = 0; deploy_state = deploy_ROLLED_BACK
  :: deploy_state == deploy_UNDOING && ev == EV_REFUSED && NOT_tries_left -> DO_deploy_roll_back(); deploy_ask = 0; deploy_state = deploy_ROLLED_BACK
  :: deploy_state == deploy_UNDOING && ev == EV_TROUBLED && NOT_tries_left -> DO_deploy_roll_back(); deploy_ask = 0; deploy_state = deploy_ROLLED_BACK
  :: deploy_state == deploy_CANCELING && ev == EV_REMOVED -> DO_deploy_cancel(); deploy_ask = 0; deploy_state = deploy_CANCELED
  :: deploy_state == deploy_CANCELING && ev == EV_CANCEL -> DO_deploy_reundo(); deploy_ask = FX_REMOVE; deploy_state = deploy_CANCELING
  :: deploy_state == deploy_CANCELING && ev == EV_RECOVERED -> DO_deploy_reundo(); deploy_ask = FX_REMOVE; deploy_state = deploy_CANCELING
  :: deploy_state == deploy_CANCELING && ev == EV_TIMEOUT && IS_tries_left -> DO_deploy_undo_again(); deploy_ask = FX_REMOVE; deploy_state = deploy_CANCELING
  :: deploy_state == deploy_CANCELING && ev == EV_REFUSED && IS_tries_left -> DO_deploy_undo_again(); deploy_ask = FX_REMOVE; deploy_state = deploy_CANCELING
  :: deploy_state == deploy_CANCELING && ev == EV_TROUBLED && IS_tries_left -> DO_deploy_undo_again(); deploy_ask = FX_REMOVE; deploy_state = deploy_CANCELING
  :: deploy_state == deploy_CANCELING && ev == EV_TIMEOUT && NOT_tries_left -> DO_deploy_cancel(); deploy_ask = 0; deploy_state = deploy_CANCELED
  :: deploy_state == deploy_CANCELING && ev == EV_REFUSED && NOT_tries_left -> DO_deploy_cancel(); deploy_ask = 0; deploy_state = deploy_CANCELED
  :: deploy_state == deploy_CANCELING && ev == EV_TROUBLED && NOT_tries_left -> DO_deploy_cancel(); deploy_ask = 0; deploy_state = deploy_CANCELED
  :: else -> skip
  fi
}
