/* sweep: made by `slipway machines --promela sweep`; do not edit */
#ifdef IS_has_orphans
#ifndef NOT_has_orphans
#define NOT_has_orphans (!IS_has_orphans)
#endif
#else
#define IS_has_orphans true
#define NOT_has_orphans true
#endif
inline sweep_step(ev) {
  if
  :: sweep_state == sweep_WAITING && ev == EV_START -> DO_sweep_survey(); sweep_ask = FX_SURVEY; sweep_state = sweep_SURVEYING
  :: sweep_state == sweep_WAITING && ev == EV_TIMEOUT -> DO_sweep_survey(); sweep_ask = FX_SURVEY; sweep_state = sweep_SURVEYING
  :: sweep_state == sweep_WAITING && ev == EV_RECOVERED -> DO_sweep_survey(); sweep_ask = FX_SURVEY; sweep_state = sweep_SURVEYING
  :: sweep_state == sweep_WAITING && ev == EV_NUDGED -> DO_sweep_survey(); sweep_ask = FX_SURVEY; sweep_state = sweep_SURVEYING
  :: sweep_state == sweep_WAITING && ev == EV_CANCEL -> DO_sweep_stop(); sweep_ask = 0; sweep_state = sweep_STOPPED
  :: sweep_state == sweep_SURVEYING && ev == EV_SURVEYED && IS_has_orphans -> DO_sweep_collect(); sweep_ask = FX_COLLECT; sweep_state = sweep_COLLECTING
  :: sweep_state == sweep_SURVEYING && ev == EV_SURVEYED && NOT_has_orphans -> DO_sweep_wait(); sweep_ask = 0; sweep_state = sweep_WAITING
  :: sweep_state == sweep_SURVEYING && ev == EV_RECOVERED -> DO_sweep_survey(); sweep_ask = FX_SURVEY; sweep_state = sweep_SURVEYING
  :: sweep_state == sweep_SURVEYING && ev == EV_NUDGED -> DO_sweep_survey(); sweep_ask = FX_SURVEY; sweep_state = sweep_SURVEYING
  :: sweep_state == sweep_SURVEYING && ev == EV_TIMEOUT -> DO_sweep_back_off(); sweep_ask = 0; sweep_state = sweep_WAITING
  :: sweep_state == sweep_SURVEYING && ev == EV_REFUSED -> DO_sweep_back_off(); sweep_ask = 0; sweep_state = sweep_WAITING
  :: sweep_state == sweep_SURVEYING && ev == EV_TROUBLED -> DO_sweep_back_off(); sweep_ask = 0; sweep_state = sweep_WAITING
  :: sweep_state == sweep_SURVEYING && ev == EV_CANCEL -> DO_sweep_stop(); sweep_ask = 0; sweep_state = sweep_STOPPED
  :: sweep_state == sweep_COLLECTING && ev == EV_RECOVERED -> DO_sweep_survey(); sweep_ask = FX_SURVEY; sweep_state = sweep_SURVEYING
  :: sweep_state == sweep_COLLECTING && ev == EV_COLLECTED -> DO_sweep_survey(); sweep_ask = FX_SURVEY; sweep_state = sweep_SURVEYING
  :: sweep_state == sweep_COLLECTING && ev == EV_TIMEOUT -> DO_sweep_back_off(); sweep_ask = 0; sweep_state = sweep_WAITING
  :: sweep_state == sweep_COLLECTING && ev == EV_REFUSED -> DO_sweep_back_off(); sweep_ask = 0; sweep_state = sweep_WAITING
  :: sweep_state == sweep_COLLECTING && ev == EV_TROUBLED -> DO_sweep_back_off(); sweep_ask = 0; sweep_state = sweep_WAITING
  :: sweep_state == sweep_COLLECTING && ev == EV_CANCEL -> DO_sweep_stop(); sweep_ask = 0; sweep_state = sweep_STOPPED
  :: else -> skip
  fi
}
