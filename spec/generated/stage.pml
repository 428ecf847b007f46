/* stage: made by `slipway machines --promela stage`; do not edit */
#ifdef IS_is_asked_already
#ifndef NOT_is_asked_already
#define NOT_is_asked_already (!IS_is_asked_already)
#endif
#else
#define IS_is_asked_already true
#define NOT_is_asked_already true
#endif
#ifdef IS_is_no_news
#ifndef NOT_is_no_news
#define NOT_is_no_news (!IS_is_no_news)
#endif
#else
#define IS_is_no_news true
#define NOT_is_no_news true
#endif
#ifdef IS_is_live_already
#ifndef NOT_is_live_already
#define NOT_is_live_already (!IS_is_live_already)
#endif
#else
#define IS_is_live_already true
#define NOT_is_live_already true
#endif
#ifdef IS_is_running_already
#ifndef NOT_is_running_already
#define NOT_is_running_already (!IS_is_running_already)
#endif
#else
#define IS_is_running_already true
#define NOT_is_running_already true
#endif
#ifdef IS_is_older_than_running
#ifndef NOT_is_older_than_running
#define NOT_is_older_than_running (!IS_is_older_than_running)
#endif
#else
#define IS_is_older_than_running true
#define NOT_is_older_than_running true
#endif
#ifdef IS_is_from_running
#ifndef NOT_is_from_running
#define NOT_is_from_running (!IS_is_from_running)
#endif
#else
#define IS_is_from_running true
#define NOT_is_from_running true
#endif
#ifdef IS_is_from_waiting
#ifndef NOT_is_from_waiting
#define NOT_is_from_waiting (!IS_is_from_waiting)
#endif
#else
#define IS_is_from_waiting true
#define NOT_is_from_waiting true
#endif
#ifdef IS_is_older_than_waiting
#ifndef NOT_is_older_than_waiting
#define NOT_is_older_than_waiting (!IS_is_older_than_waiting)
#endif
#else
#define IS_is_older_than_waiting true
#define NOT_is_older_than_waiting true
#endif
#ifdef IS_is_waiting_already
#ifndef NOT_is_waiting_already
#define NOT_is_waiting_already (!IS_is_waiting_already)
#endif
#else
#define IS_is_waiting_already true
#define NOT_is_waiting_already true
#endif
#ifdef IS_is_waiting_live_now
#ifndef NOT_is_waiting_live_now
#define NOT_is_waiting_live_now (!IS_is_waiting_live_now)
#endif
#else
#define IS_is_waiting_live_now true
#define NOT_is_waiting_live_now true
#endif
inline stage_step(ev) {
  if
  :: stage_state == stage_IDLE && ev == EV_RECOVERED -> DO_stage_ignore(); stage_ask = 0; stage_state = stage_IDLE
  :: stage_state == stage_IDLE && ev == EV_CONFIGURED -> DO_stage_configure(); stage_ask = 0; stage_state = stage_IDLE
  :: stage_state == stage_IDLE && ev == EV_TRIGGER && IS_is_asked_already -> DO_stage_ignore(); stage_ask = 0; stage_state = stage_IDLE
  :: stage_state == stage_IDLE && ev == EV_TRIGGER && NOT_is_asked_already && IS_is_no_news -> DO_stage_ignore(); stage_ask = 0; stage_state = stage_IDLE
  :: stage_state == stage_IDLE && ev == EV_TRIGGER && NOT_is_asked_already && NOT_is_no_news -> DO_stage_begin(); stage_ask = 0; stage_state = stage_IDLE
  :: stage_state == stage_IDLE && ev == EV_START -> DO_stage_ignore(); stage_ask = 0; stage_state = stage_IDLE
  :: stage_state == stage_IDLE && ev == EV_CANCEL -> DO_stage_ignore(); stage_ask = 0; stage_state = stage_IDLE
  :: stage_state == stage_IDLE && ev == EV_READY && IS_is_live_already -> DO_stage_merge_live(); stage_ask = 0; stage_state = stage_IDLE
  :: stage_state == stage_IDLE && ev == EV_READY && NOT_is_live_already -> DO_stage_start(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_IDLE && ev == EV_ENDED -> DO_stage_forget(); stage_ask = 0; stage_state = stage_IDLE
  :: stage_state == stage_DEPLOYING && ev == EV_RECOVERED -> DO_stage_ignore(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_DEPLOYING && ev == EV_CONFIGURED -> DO_stage_configure(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_DEPLOYING && ev == EV_TRIGGER && IS_is_asked_already -> DO_stage_ignore(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_DEPLOYING && ev == EV_TRIGGER && NOT_is_asked_already && IS_is_no_news -> DO_stage_ignore(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_DEPLOYING && ev == EV_TRIGGER && NOT_is_asked_already && NOT_is_no_news -> DO_stage_begin(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_DEPLOYING && ev == EV_CANCEL -> DO_stage_cancel_running(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_DEPLOYING && ev == EV_READY && IS_is_running_already -> DO_stage_merge_running(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_DEPLOYING && ev == EV_READY && NOT_is_running_already && IS_is_older_than_running -> DO_stage_supersede_by_running(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_DEPLOYING && ev == EV_READY && NOT_is_running_already && NOT_is_older_than_running -> DO_stage_enqueue(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_DEPLOYING && ev == EV_MOVED -> DO_stage_move(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_DEPLOYING && ev == EV_ENDED && IS_is_from_running -> DO_stage_rest(); stage_ask = 0; stage_state = stage_IDLE
  :: stage_state == stage_DEPLOYING && ev == EV_ENDED && NOT_is_from_running -> DO_stage_forget(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_QUEUEING && ev == EV_RECOVERED -> DO_stage_ignore(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_QUEUEING && ev == EV_CONFIGURED -> DO_stage_configure(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_QUEUEING && ev == EV_TRIGGER && IS_is_asked_already -> DO_stage_ignore(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_QUEUEING && ev == EV_TRIGGER && NOT_is_asked_already && IS_is_no_news -> DO_stage_ignore(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_QUEUEING && ev == EV_TRIGGER && NOT_is_asked_already && NOT_is_no_news -> DO_stage_begin(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_QUEUEING && ev == EV_CANCEL -> DO_stage_cancel_both(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_QUEUEING && ev == EV_READY && IS_is_from_waiting -> DO_stage_ignore(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_QUEUEING && ev == EV_READY && NOT_is_from_waiting && IS_is_older_than_running -> DO_stage_supersede_by_running(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_QUEUEING && ev == EV_READY && NOT_is_from_waiting && NOT_is_older_than_running && IS_is_older_than_waiting -> DO_stage_supersede_by_waiting(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_QUEUEING && ev == EV_READY && NOT_is_from_waiting && NOT_is_older_than_running && NOT_is_older_than_waiting && IS_is_waiting_already -> DO_stage_merge_waiting(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_QUEUEING && ev == EV_READY && NOT_is_from_waiting && NOT_is_older_than_running && NOT_is_older_than_waiting && NOT_is_waiting_already && IS_is_running_already -> DO_stage_merge_running_drop_waiting(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_QUEUEING && ev == EV_READY && NOT_is_from_waiting && NOT_is_older_than_running && NOT_is_older_than_waiting && NOT_is_waiting_already && NOT_is_running_already -> DO_stage_replace_waiting(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_QUEUEING && ev == EV_MOVED -> DO_stage_move(); stage_ask = 0; stage_state = stage_QUEUEING
  :: stage_state == stage_QUEUEING && ev == EV_ENDED && IS_is_waiting_live_now -> DO_stage_merge_waiting_rest(); stage_ask = 0; stage_state = stage_IDLE
  :: stage_state == stage_QUEUEING && ev == EV_ENDED && NOT_is_waiting_live_now && IS_is_from_running -> DO_stage_start_waiting(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_QUEUEING && ev == EV_ENDED && NOT_is_waiting_live_now && NOT_is_from_running && IS_is_from_waiting -> DO_stage_drop_waiting(); stage_ask = 0; stage_state = stage_DEPLOYING
  :: stage_state == stage_QUEUEING && ev == EV_ENDED && NOT_is_waiting_live_now && NOT_is_from_running && NOT_is_from_waiting -> DO_stage_forget(); stage_ask = 0; stage_state = stage_QUEUEING
  :: else -> skip
  fi
}
