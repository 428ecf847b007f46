/* stage_rows.h - the table of stage.c, which alone takes it in: in which state, on which event, under which
 * guard, a stage does what, and where that leads. The first row that fits counts. */
#ifndef SLIPWAY_ACTORS_STAGE_ROWS_H
#define SLIPWAY_ACTORS_STAGE_ROWS_H

/* clang-format off */
#define ROW(in, on, guard, action, then) \
	{ STAGE_##in, STAGE_##then, on, guard, action, 0, false, #guard, #action }
#define QUIET(in, on, guard, action, then) \
	{ STAGE_##in, STAGE_##then, on, guard, action, 0, true, #guard, #action }
#define TRIGGERED(in)                                            \
	QUIET(in, ON(TRIGGER), is_asked_already,   ignore, in),  \
	QUIET(in, ON(TRIGGER), is_no_news,         ignore, in),  \
	QUIET(in, ON(TRIGGER), is_held,            ignore, in),  \
	ROW(  in, ON(TRIGGER), is_back,            begin_back, in), \
	ROW(  in, ON(TRIGGER), always,             begin,  in)
#define ANYTIME(in)                                              \
	QUIET(in, ON(RECOVERED), always, ignore, in),            \
	ROW(  in, ON(LIFTED),    always, lift,   in),            \
	ROW(  in, ON(FROZEN),    always, freeze, in),            \
	ROW(  in, ON(THAWED),    always, thaw,   in),            \
	ROW(  in, ON(COOLED),    always, cool,   in),            \
	ROW(  in, ON(CONFIGURED), always, configure, in)

/* Behind the rows of those that may go. */
#define PENDING(in)                                                      \
	ROW(  in, ON(READY), is_denied,             deny,          in),  \
	ROW(  in, ON(READY), is_pending_already,    merge_pending, in),  \
	ROW(  in, ON(READY), is_older_than_pending, supersede_by_pending, in), \
	ROW(  in, ON(READY), always,                defer,         in)

static const struct row rows[] = {
	/*    in         on          if                     do                          then      */
	ANYTIME(IDLE),
	TRIGGERED(IDLE),
	QUIET(IDLE,      ON(START),  always,                ignore,                     IDLE),
	QUIET(IDLE,      ON(CANCEL), always,                ignore,                     IDLE),
	ROW(  IDLE,      ON(READY),  is_held,               hold_back,                  IDLE),
	ROW(  IDLE,      ON(READY),  is_live_already,       merge_live,                 IDLE),
	ROW(  IDLE,      ON(READY),  is_older_than_live,    supersede_by_live,          IDLE),
	ROW(  IDLE,      ON(READY),  is_older_than_merged,  supersede_by_merged,        IDLE),
	ROW(  IDLE,      ON(READY),  may_go,                start,                      DEPLOYING),
	PENDING(IDLE),
	ROW(  IDLE,      ON(ENDED),  always,                forget,                     IDLE),

	ANYTIME(DEPLOYING),
	TRIGGERED(DEPLOYING),
	ROW(  DEPLOYING, ON(CANCEL), always,                cancel_running,             DEPLOYING),
	ROW(  DEPLOYING, ON(READY),  is_held,               hold_back,                  DEPLOYING),
	ROW(  DEPLOYING, ON(READY),  is_running_already,    merge_running,              DEPLOYING),
	ROW(  DEPLOYING, ON(READY),  is_older_than_running, supersede_by_running,       DEPLOYING),
	ROW(  DEPLOYING, ON(READY),  is_older_than_merged,  supersede_by_merged,        DEPLOYING),
	ROW(  DEPLOYING, ON(READY),  may_go,                enqueue,                    QUEUEING),
	PENDING(DEPLOYING),
	ROW(  DEPLOYING, ON(PASSING), may_go,               pass,                       DEPLOYING),
	ROW(  DEPLOYING, ON(PASSING), is_put_off,           put_off,                    DEPLOYING),
	ROW(  DEPLOYING, ON(PASSING), always,               deny,                       DEPLOYING),
	ROW(  DEPLOYING, ON(MOVED),  is_stop,               leave,                      DEPLOYING),
	ROW(  DEPLOYING, ON(MOVED),  is_back,               move_back,                  DEPLOYING),
	ROW(  DEPLOYING, ON(MOVED),  always,                move,                       DEPLOYING),
	ROW(  DEPLOYING, ON(GIVEN_UP), always,              disown,                     DEPLOYING),
	ROW(  DEPLOYING, ON(CONDEMNED), always,             condemn,                    DEPLOYING),
	ROW(  DEPLOYING, ON(ENDED),  is_from_running,       recall_waiting,             IDLE),
	ROW(  DEPLOYING, ON(ENDED),  always,                forget,                     DEPLOYING),

	ANYTIME(QUEUEING),
	TRIGGERED(QUEUEING),
	ROW(  QUEUEING,  ON(CANCEL), always,                cancel_both,                QUEUEING),
	QUIET(QUEUEING,  ON(READY),  is_from_waiting,       ignore,                     QUEUEING),
	ROW(  QUEUEING,  ON(READY),  is_held,               hold_back,                  QUEUEING),
	ROW(  QUEUEING,  ON(READY),  is_older_than_running, supersede_by_running,       QUEUEING),
	ROW(  QUEUEING,  ON(READY),  is_older_than_waiting, supersede_by_waiting,       QUEUEING),
	ROW(  QUEUEING,  ON(READY),  is_older_than_merged,  supersede_by_merged,        QUEUEING),
	ROW(  QUEUEING,  ON(READY),  is_waiting_already,    merge_waiting,              QUEUEING),
	ROW(  QUEUEING,  ON(READY),  is_running_already,    merge_running_drop_waiting, DEPLOYING),
	ROW(  QUEUEING,  ON(READY),  may_go,                replace_waiting,            QUEUEING),
	PENDING(QUEUEING),
	ROW(  QUEUEING,  ON(PASSING), may_go,               pass,                       QUEUEING),
	ROW(  QUEUEING,  ON(PASSING), always,               deny,                       QUEUEING),
	ROW(  QUEUEING,  ON(MOVED),  is_stop,               leave,                      QUEUEING),
	ROW(  QUEUEING,  ON(MOVED),  is_back,               move_back,                  QUEUEING),
	ROW(  QUEUEING,  ON(MOVED),  always,                move,                       QUEUEING),
	ROW(  QUEUEING,  ON(GIVEN_UP), always,              disown,                     QUEUEING),
	ROW(  QUEUEING,  ON(CONDEMNED), always,             condemn,                    QUEUEING),
	ROW(  QUEUEING,  ON(ENDED),  is_from_running,       recall_waiting,             IDLE),
	ROW(  QUEUEING,  ON(ENDED),  is_from_waiting,       drop_waiting,               DEPLOYING),
	ROW(  QUEUEING,  ON(ENDED),  always,                forget,                     QUEUEING),
};
/* clang-format on */

#endif
