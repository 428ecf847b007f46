/* swap: made by `slipway machines --promela swap`; do not edit */
#ifdef IS_tries_left
#ifndef NOT_tries_left
#define NOT_tries_left (!IS_tries_left)
#endif
#else
#define IS_tries_left true
#define NOT_tries_left true
#endif
inline swap_step(ev) {
  if
  :: swap_state == swap_SWITCHING && ev == EV_START -> DO_swap_switch_route(); swap_ask = FX_SWITCH; swap_state = swap_SWITCHING
  :: swap_state == swap_SWITCHING && ev == EV_RECOVERED -> DO_swap_switch_route(); swap_ask = FX_SWITCH; swap_state = swap_SWITCHING
  :: swap_state == swap_SWITCHING && ev == EV_SWITCHED -> DO_swap_confirm(); swap_ask = FX_CONFIRM; swap_state = swap_CONFIRMING
  :: swap_state == swap_SWITCHING && ev == EV_TIMEOUT && IS_tries_left -> DO_swap_switch_again(); swap_ask = FX_SWITCH; swap_state = swap_SWITCHING
  :: swap_state == swap_SWITCHING && ev == EV_TROUBLED && IS_tries_left -> DO_swap_switch_again(); swap_ask = FX_SWITCH; swap_state = swap_SWITCHING
  :: swap_state == swap_SWITCHING && ev == EV_CANCEL -> DO_swap_restore(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: swap_state == swap_SWITCHING && ev == EV_TIMEOUT && NOT_tries_left -> DO_swap_restore(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: swap_state == swap_SWITCHING && ev == EV_REFUSED -> DO_swap_restore(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: swap_state == swap_SWITCHING && ev == EV_TROUBLED && NOT_tries_left -> DO_swap_restore(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: swap_state == swap_CONFIRMING && ev == EV_CONFIRMED -> DO_swap_finish(); swap_ask = 0; swap_state = swap_DONE
  :: swap_state == swap_CONFIRMING && ev == EV_RECOVERED -> DO_swap_switch_route(); swap_ask = FX_SWITCH; swap_state = swap_SWITCHING
  :: swap_state == swap_CONFIRMING && ev == EV_TIMEOUT && IS_tries_left -> DO_swap_switch_again(); swap_ask = FX_SWITCH; swap_state = swap_SWITCHING
  :: swap_state == swap_CONFIRMING && ev == EV_TROUBLED && IS_tries_left -> DO_swap_switch_again(); swap_ask = FX_SWITCH; swap_state = swap_SWITCHING
  :: swap_state == swap_CONFIRMING && ev == EV_CANCEL -> DO_swap_restore(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: swap_state == swap_CONFIRMING && ev == EV_TIMEOUT && NOT_tries_left -> DO_swap_restore(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: swap_state == swap_CONFIRMING && ev == EV_REFUSED -> DO_swap_restore(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: swap_state == swap_CONFIRMING && ev == EV_TROUBLED && NOT_tries_left -> DO_swap_restore(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: swap_state == swap_RESTORING && ev == EV_RESTORED -> DO_swap_give_back(); swap_ask = 0; swap_state = swap_RESTORED
  :: swap_state == swap_RESTORING && ev == EV_CANCEL -> DO_swap_restore_now(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: swap_state == swap_RESTORING && ev == EV_RECOVERED -> DO_swap_restore_now(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: swap_state == swap_RESTORING && ev == EV_TIMEOUT -> DO_swap_restore_again(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: swap_state == swap_RESTORING && ev == EV_REFUSED -> DO_swap_restore_again(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: swap_state == swap_RESTORING && ev == EV_TROUBLED -> DO_swap_restore_again(); swap_ask = FX_RESTORE; swap_state = swap_RESTORING
  :: else -> skip
  fi
}
