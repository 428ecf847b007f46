/* gate_parts.h - what the files of the health gate share. No other file includes it. */
#ifndef SLIPWAY_PORTS_GATE_PARTS_H
#define SLIPWAY_PORTS_GATE_PARTS_H

#include "ports/docker_parts.h"

struct probe;

enum phase { PHASE_PROBING, PHASE_IMAGE, PHASE_LAST_LOOK, PHASE_FAILING };

struct gate;

struct trial { /* of one replica */
	struct gate *gate;
	int index;
	char id[65]; /* "" until its row or the first look tells */
	char name[128];
	bool has_begun; /* the fields below hold for this run of the container */
	char started_at[40];
	uint32_t losses; /* of the engine, as of the last look */
	int64_t begun_ms;
	int successes;
	int64_t success_ms; /* of the last one that counted */
	int64_t quick_ms;
	bool is_good; /* enough successes, long enough up */
	bool is_passed; /* the last look too */
	bool is_revived; /* started again by us */
	bool is_asking; /* a call to the engine is under way */
	int64_t asked_ms; /* since then */
	char last[REASON_SIZE]; /* what the newest rounds told */
	int last_count; /* so many in a row */
	int failures; /* rounds in a row that failed, in a window */
	bool is_last_good;
	struct container seen;
	struct probe *probe;
	struct loop_timer *timer;
	struct tail tail;
	char verdict[LOG_LINE_SIZE]; /* why it failed; told when the tail is taken */
};

struct gate {
	struct job job;
	enum phase phase;
	struct loop_timer *deadline;
	int64_t deadline_ms; /* when it passes; later by the time that the engine was away */
	int64_t blind_ms; /* since then the engine does not answer; 0: it does */
	int64_t forgiven_ms; /* up to here that time is counted */
	int64_t away_ms; /* all of it */
	char engine_why[REASON_SIZE];
	struct health_spec health; /* of its revision, less for a version that served before */
	int64_t window_until_ms; /* VERIFY: on clock_now_ms() */
	int64_t
	    pardoned_until_ms; /* on gate_now_ms(): its engine was away, so it may need time */
	struct docker_traffic base; /* counted before, and not looked at any more */
	int64_t based_ms; /* since then, on gate_now_ms() */
	char accusation[REASON_SIZE]; /* by the figures; counts when its containers run */
	int count;
	struct trial trials[REPLICAS_MAX];
};

const struct health_spec *gate_health(const struct gate *gate);

/* A round: looks at the container, then asks it. Nothing when a round is under way. */
void trial_look(struct trial *trial);
void trial_wait(struct trial *trial, int64_t delay_ms); /* until the next round */

/* A call about the container; method NULL: GET. The receiver clears is_asking. */
void
trial_ask(struct trial *trial, const char *method, const char *suffix, call_done_fn *on_done);

/* gate_window.c: VERIFY, the gate held open for a while behind the switch. */
bool gate_is_window(const struct gate *gate);
void gate_window_begin(struct gate *gate);
void gate_window_judge(struct trial *trial, bool is_success, const char *text);
void gate_window_pardon(struct gate *gate); /* its engine was away */
void gate_window_pass(void *gate); /* its time: a look at the figures; or it is over */
void gate_window_end(struct gate *gate); /* each container was looked at once more */
/* The version is at fault; in a window that leads back, if there is something to go back to. */
void gate_refuse(struct gate *gate, const char *format, ...) PRINTF_LIKE(2, 3);

/* gate_end.c: how a gate fails, and when it does not. */
void trial_fail(struct trial *trial); /* with its verdict, once its last lines are taken */
void trial_ended(struct trial *trial); /* the container does not run as it did */
void trial_wait_for_engine(struct trial *trial, const struct answer *answer);
void trial_sees_again(struct trial *trial); /* the engine has answered its look */
int64_t gate_now_ms(void);
void gate_deadline_passed(void *gate);
void gate_hold_all(struct gate *gate); /* no more rounds by themselves */
void gate_begin_afresh(struct gate *gate); /* the deadline counts from now */
void gate_leave_last_look(struct gate *gate);

#endif
