/* poll: made by `slipway machines --promela poll`; do not edit */
#ifdef IS_is_wanted
#ifndef NOT_is_wanted
#define NOT_is_wanted (!IS_is_wanted)
#endif
#else
#define IS_is_wanted true
#define NOT_is_wanted true
#endif
#ifdef IS_is_first
#ifndef NOT_is_first
#define NOT_is_first (!IS_is_first)
#endif
#else
#define IS_is_first true
#define NOT_is_first true
#endif
#ifdef IS_is_known
#ifndef NOT_is_known
#define NOT_is_known (!IS_is_known)
#endif
#else
#define IS_is_known true
#define NOT_is_known true
#endif
#ifdef IS_is_auto
#ifndef NOT_is_auto
#define NOT_is_auto (!IS_is_auto)
#endif
#else
#define IS_is_auto true
#define NOT_is_auto true
#endif
inline poll_step(ev) {
  if
  :: poll_state == poll_OFF && ev == EV_START -> DO_poll_ignore(); poll_ask = 0; poll_state = poll_OFF
  :: poll_state == poll_OFF && ev == EV_CANCEL -> DO_poll_ignore(); poll_ask = 0; poll_state = poll_OFF
  :: poll_state == poll_OFF && ev == EV_RECOVERED -> DO_poll_ignore(); poll_ask = 0; poll_state = poll_OFF
  :: poll_state == poll_OFF && ev == EV_CONFIGURED && IS_is_wanted -> DO_poll_configure(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_OFF && ev == EV_CONFIGURED && NOT_is_wanted -> DO_poll_configure(); poll_ask = 0; poll_state = poll_OFF
  :: poll_state == poll_WAITING && ev == EV_TIMEOUT -> DO_poll_seek(); poll_ask = FX_SEEK; poll_state = poll_SEEKING
  :: poll_state == poll_WAITING && ev == EV_NUDGED -> DO_poll_seek(); poll_ask = FX_SEEK; poll_state = poll_SEEKING
  :: poll_state == poll_WAITING && ev == EV_CANCEL -> DO_poll_wait_in_turn(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_WAITING && ev == EV_RECOVERED -> DO_poll_wait_in_turn(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_WAITING && ev == EV_CONFIGURED && IS_is_wanted -> DO_poll_configure(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_WAITING && ev == EV_CONFIGURED && NOT_is_wanted -> DO_poll_configure(); poll_ask = 0; poll_state = poll_OFF
  :: poll_state == poll_SEEKING && ev == EV_SOUGHT && IS_is_first -> DO_poll_record(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_SEEKING && ev == EV_SOUGHT && NOT_is_first && IS_is_known -> DO_poll_see_nothing_new(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_SEEKING && ev == EV_SOUGHT && NOT_is_first && NOT_is_known && IS_is_auto -> DO_poll_report(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_SEEKING && ev == EV_SOUGHT && NOT_is_first && NOT_is_known && NOT_is_auto -> DO_poll_record(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_SEEKING && ev == EV_TIMEOUT -> DO_poll_back_off(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_SEEKING && ev == EV_REFUSED -> DO_poll_back_off(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_SEEKING && ev == EV_TROUBLED -> DO_poll_back_off(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_SEEKING && ev == EV_RECOVERED -> DO_poll_seek(); poll_ask = FX_SEEK; poll_state = poll_SEEKING
  :: poll_state == poll_SEEKING && ev == EV_NUDGED -> DO_poll_seek(); poll_ask = FX_SEEK; poll_state = poll_SEEKING
  :: poll_state == poll_SEEKING && ev == EV_CANCEL -> DO_poll_wait(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_SEEKING && ev == EV_CONFIGURED && IS_is_wanted -> DO_poll_configure(); poll_ask = 0; poll_state = poll_WAITING
  :: poll_state == poll_SEEKING && ev == EV_CONFIGURED && NOT_is_wanted -> DO_poll_configure(); poll_ask = 0; poll_state = poll_OFF
  :: else -> skip
  fi
}
