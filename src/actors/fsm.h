/* fsm.h - the shape of every actor: a plain value, a table of rows, one engine to step it.
 *
 * The one idea: guards ask, actions change the actor and emit; neither does I/O, reads a clock,
 * allocates or fails. Only fsm_step() assigns a state. What an actor wants done outside is an
 * effect; what comes back is an event with the epoch of the step that asked. */
#ifndef SLIPWAY_ACTORS_FSM_H
#define SLIPWAY_ACTORS_FSM_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/kinds.h"
#include "base/notice.h"

enum { KEEP_ON = -1 }; /* no time ends it */

/* Under which terms a stage takes a version, as they are now: a machine may not look them up, so
 * the runtime fills them in (see permit.h). All zero: it takes any at any time. */
struct terms {
	char source[NAME_SIZE]; /* the stage that versions come from; "": any may come */
	char source_digest[DIGEST_SIZE]; /* what runs and is verified there; "": nothing */
	int64_t source_since_ms; /* when that went live there */
	int64_t soak_ms; /* it has to be live there for so long */
	int64_t approve_ms; /* approvals come within that time of the wish */
	int64_t closed_ms; /* until a deploy window opens; 0: one is open, or there are none */
	int64_t
	    keep_ms; /* how long the version before is kept running; 0: it goes at once; KEEP_ON: until newer ones
	                  * take its place */
	uint32_t keep_most; /* how many of them, beside what serves */
	uint32_t approvals; /* how many people must agree */
};

struct event {
	enum event_kind kind;
	enum trigger trigger; /* TRIGGER, and what a deploy tells its stage: who wanted it */
	enum strategy strategy; /* CONFIGURED, READY: how the version before is replaced */
	uint64_t to; /* the actor */
	uint64_t from; /* messages: the actor that sent it */
	uint64_t spec; /* CONFIGURED, READY: which revision of the stage's configuration */
	uint64_t elder; /* GRANTED: the deploy that serves now */
	uint64_t spare; /* GRANTED, MOVED, COOLED: the deploy whose containers were kept */
	uint32_t epoch; /* answers and TIMEOUT: the step that asked */
	uint32_t count; /* SURVEYED: orphans; DRAINED: connections cut; answers to NOTIFY: the
	                 * receiver's status; READY, PASSING: approvals; CONFIGURED: set of tasks */
	bool is_overriding; /* TRIGGER, READY, PASSING: windows and freezes do not hold it */
	bool
	    flag; /* CONFIGURED: see the receiver; TRIGGER, READY: even what is live; SOUGHT: older
	            * than what was seen or serves, and it may not go back */
	int64_t now_ms; /* stamped by the runtime: machines own no clock */
	int64_t
	    after_ms; /* CONFIGURED: interval; TROUBLED: not before that time has passed; READY,
	                     * PASSING: the wish's age; GRANTED, MOVED: keep the elder for so long; DEFERRED: until the next look; FROZEN: how
	                     * long, 0 until it is thawed */
	char tag[TAG_SIZE];
	char digest[DIGEST_SIZE]; /* "" when not known; LIFTED: all */
	char text[REASON_SIZE]; /* REFUSED, TROUBLED, FROZEN, ...: why, for a person */
	struct terms terms; /* READY, PASSING */
};

struct effect {
	enum effect_kind kind;
	uint32_t epoch;
	uint64_t actor; /* who gets the answer */
	uint64_t stage; /* ids of what it is about; 0 when not meant */
	uint64_t deploy;
	uint64_t elder; /* the deploy that serves now */
	uint64_t engine; /* SURVEY, COLLECT: id of the Docker engine */
	enum task_kind task; /* MIGRATE: TASK_MIGRATION; HOOK: which */
	int64_t delay_ms; /* start no sooner than this after the commit */
};

struct deploy {
	uint64_t stage;
	uint64_t spec;
	uint64_t elder; /* 0: the first deploy of its stage */
	uint64_t swap; /* the swap actor, while one works for us */
	uint64_t body; /* whose containers it leads to: a deploy that was kept; 0: its own */
	int64_t keep_ms; /* so long the elder is kept; see struct terms */
	int64_t watched_since_ms; /* its verification window has begun; 0: not yet */
	uint32_t tries; /* of the effect under way */
	uint32_t tasks; /* set of enum task_kind: what its configuration wants to run once */
	uint32_t failed_tasks; /* those of them that it went live in spite of */
	enum trigger trigger;
	enum strategy strategy;
	bool has_route;
	bool is_canceled; /* somebody gave it up while the elder was stopped */
	bool is_forced; /* deploy even when the same digest and spec are live */
	bool is_overriding; /* windows and freezes do not hold it: somebody said why */
	uint32_t approvals; /* people who have agreed to this digest */
	int64_t created_ms;
	int64_t ended_ms; /* 0: under way */
	char tag[TAG_SIZE];
	char digest[DIGEST_SIZE];
	char reason[REASON_SIZE];
};

struct swap {
	uint64_t stage;
	uint64_t deploy; /* that it works for */
	uint64_t body; /* whose containers shall get the traffic; 0: the deploy's own */
	uint64_t elder;
	uint32_t tries;
	bool
	    is_parked; /* the elder may be stopped: the route leads to nobody but the deploy */
	char reason[REASON_SIZE];
};

struct poll {
	uint64_t stage;
	int64_t interval_ms;
	bool is_auto; /* a new tag is deployed, not only reported */
	uint32_t failures; /* in a row */
	char tag[TAG_SIZE]; /* seen last; "" before the first look */
	char digest[DIGEST_SIZE];
	char reason[REASON_SIZE];
};

struct quarantined {
	uint64_t
	    deploy; /* the one that was rolled back, or left by a rollback; 0: a free place */
	char digest[DIGEST_SIZE];
};

struct kept {
	uint64_t deploy; /* whose containers they are; 0: a free place */
	uint64_t spec;
	int64_t until_ms; /* 0: until newer ones take its place */
	char tag[TAG_SIZE];
	char digest[DIGEST_SIZE];
};

struct stage {
	uint64_t spec;
	uint64_t live; /* the deploy whose containers serve; 0: none yet */
	uint64_t live_spec;
	uint64_t stopped; /* the deploy by which a person stopped it; 0: nobody has */
	uint64_t running; /* the deploy under way */
	uint64_t running_spec;
	uint64_t waiting; /* the newest that waits for its turn */
	uint64_t waiting_spec;
	uint64_t resolving; /* the newest of all, while it asks for its digest */
	uint64_t merged; /* the newest that was merged with another one ... */
	uint64_t merged_into; /* ... and with which */
	uint64_t pending; /* the newest that may not go yet */
	uint64_t pending_spec;
	enum strategy strategy;
	uint32_t tasks; /* the same, of the configuration that deploys get */
	uint32_t keep_most; /* as the terms were when a deploy got its traffic last */
	bool has_route;
	int64_t live_since_ms; /* of that digest */
	int64_t frozen_until_ms; /* 0: it is not */
	char freeze[FREEZE_SIZE]; /* who froze it, and why */
	char live_tag[TAG_SIZE]; /* these two while it is stopped of what would come back */
	char live_digest[DIGEST_SIZE];
	char running_digest[DIGEST_SIZE]; /* "": it will not go live any more */
	char waiting_digest[DIGEST_SIZE];
	char pending_digest[DIGEST_SIZE];
	char resolving_tag[TAG_SIZE];
	struct quarantined
	    quarantine[QUARANTINE_MAX]; /* no hook or poll deploys these; newest first */
	struct kept
	    kept[KEPT_MAX]; /* served before and still run; the one that left last first */
};

struct sweep {
	uint64_t engine; /* id of the Docker engine it looks after */
	int64_t interval_ms;
	uint32_t failures;
	char reason[REASON_SIZE];
};

struct notify {
	uint64_t stage;
	uint64_t deploy; /* 0: it is about none */
	enum notice notice;
	uint32_t tries; /* that failed */
	uint32_t status; /* the receiver's last: of HTTP, or of SMTP; 0: none came */
	int64_t created_ms;
	int64_t due_ms; /* of the next try */
	int64_t ended_ms; /* 0: under way */
	char receiver[NAME_SIZE];
	char tier[NAME_SIZE]; /* who named the receiver: "stage", "project", "global" */
	char delivery[UUID_SIZE]; /* the same in every try */
	char subject[SUBJECT_SIZE]; /* with stage and notice: what is told once */
	char tag[TAG_SIZE];
	char digest[DIGEST_SIZE];
	char text[REASON_SIZE]; /* what happened, as it was then */
	char reason[REASON_SIZE]; /* why it is not delivered */
};

struct actor { /* copied, compared, stored and rolled back whole */
	uint64_t id;
	enum actor_kind kind;
	int state;
	uint32_t epoch;
	int64_t deadline_ms; /* 0: none */
	union {
		struct deploy deploy;
		struct swap swap;
		struct poll poll;
		struct stage stage;
		struct sweep sweep;
		struct notify notify;
	};
};

enum { OUT_MAX = 4 };

struct out { /* what one step wants done */
	const struct row *row;
	uint64_t fresh_id; /* the next free actor id; spawn() takes it */
	uint32_t effect_count;
	uint32_t message_count;
	uint32_t spawn_count;
	uint64_t emitted; /* set of effect kinds */
	struct effect effects[OUT_MAX];
	struct event messages[OUT_MAX];
	struct actor spawns[OUT_MAX];
};

typedef bool guard_fn(const struct actor *a, const struct event *e);
typedef void action_fn(struct actor *a, const struct event *e, struct out *out);

struct row {
	int in;
	int then;
	uint64_t on; /* set of event kinds */
	guard_fn *guard;
	action_fn *action;
	uint64_t emits; /* set of effect kinds: exactly what the action emits */
	bool is_quiet; /* changes nothing worth keeping: neither stored nor journaled */
	const char *guard_name;
	const char *action_name;
};

struct spec {
	const char *name;
	const char *const *state_names;
	const struct row *rows;
	int state_count;
	int row_count;
	uint64_t initial; /* set of states: an actor may begin here; START comes first */
	uint64_t final; /* set of states: over, answers nothing */
	uint64_t resting; /* set of states: waits for the outside with no question open and
	                       * so needs no deadline */
};

enum step { STEP_TAKEN, STEP_STALE, STEP_REFUSED };

/* Takes the first row for (state, event) whose guard holds. STALE: the actor is over, or the event
 * answers an older step. REFUSED: no row. Only on TAKEN *a and *out change; out->fresh_id must be
 * set by the caller. */
enum step
fsm_step(const struct spec *, struct actor *a, const struct event *e, struct out *out);

/* Called for every step that was taken; set by the coverage of the simulator, else NULL. */
extern void (*fsm_on_taken)(
    const struct actor *before, const struct row *row, enum event_kind kind);

/* CHECKs the laws of a table: see spec/invariants.md. */
void fsm_verify(const struct spec *);

bool fsm_is_final(const struct spec *, int state);
bool fsm_is_tied_to_epoch(enum event_kind kind); /* stale when the epoch is not the actor's */
int fsm_state_by_name(const struct spec *, const char *name); /* -1: no such state */
const struct spec *fsm_spec_of(enum actor_kind kind);

/* Is the digest in quarantine? *ret_deploy (NULL allowed): by which deploy. */
bool stage_holds(const struct stage *stage, const char *digest, uint64_t *ret_deploy);

/* Empty, for fsm_step(): ids of what is born begin there. */
void out_begin(struct out *out, uint64_t fresh_id);

/* For actions. */
void emit(struct actor *a, struct out *out, struct effect effect); /* actor, epoch filled in */
void tell(const struct actor *a, struct out *out, struct event message); /* from filled in */
uint64_t spawn(struct out *out, struct actor child); /* id filled in and returned */
guard_fn always;

extern const char *const event_names[EV_COUNT];
extern const char *const effect_names[FX_COUNT];
extern const char *const actor_kind_names[ACTOR_KIND_COUNT];
extern const char *const trigger_names[TRIGGER_COUNT];
extern const char *const strategy_names[STRATEGY_COUNT]; /* as rows have them: "STOP_FIRST" */
extern const char *const task_names[TASK_COUNT];

extern const struct spec deploy_spec;
extern const struct spec swap_spec;
extern const struct spec poll_spec;
extern const struct spec stage_spec;
extern const struct spec sweep_spec;
extern const struct spec notify_spec;

#define ON(name) (UINT64_C(1) << EV_##name)
#define FX(name) (UINT64_C(1) << FX_##name)
#define STATE(state) (UINT64_C(1) << (state))

#define GUARD(name) \
	static bool name(const struct actor *a UNUSED, const struct event *e UNUSED)
#define ACTION(name)      \
	static void name( \
	    struct actor *a UNUSED, const struct event *e UNUSED, struct out *out UNUSED)

#define STATE_NAME(name) #name,
#define SPEC(actor, PREFIX, STATES, initials, finals, restings)          \
	static const char *const state_names[] = { STATES(STATE_NAME) }; \
	const struct spec actor##_spec = {                               \
		.name = #actor,                                          \
		.state_names = state_names,                              \
		.rows = rows,                                            \
		.state_count = PREFIX##_COUNT,                           \
		.row_count = (int)COUNT(rows),                           \
		.initial = initials,                                     \
		.final = finals,                                         \
		.resting = restings,                                     \
	}

#endif
