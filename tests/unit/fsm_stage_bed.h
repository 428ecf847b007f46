/* fsm_stage_bed.h - a stage with everything in it, and what a step of it changes and says. */
#ifndef SLIPWAY_TESTS_FSM_STAGE_BED_H
#define SLIPWAY_TESTS_FSM_STAGE_BED_H

#include "fsm_bed.h"

/* The stage of most tests: deploy 4 is live, 12 was merged with it, 17 runs, 19 waits, 25 asks for the
 * digest of v5. */
enum {
	STAGE_ID = 1,
	SPEC = 3,
	WAS_LIVE = 3,
	LIVE = 4,
	WAS_MERGED = 12,
	RUNNING = 17,
	WAITING = 19,
	PENDS = 21,
	RESOLVING = 25
};

static inline struct actor
stage_in(enum stage_state state)
{
	struct actor a = {
		.id = STAGE_ID, .kind = ACTOR_STAGE, .state = (int)state, .epoch = EPOCH
	};

	a.stage.spec = SPEC;
	a.stage.live = LIVE;
	a.stage.live_spec = SPEC;
	snprintf(a.stage.live_digest, DIGEST_SIZE, "sha256:live");
	a.stage.merged = WAS_MERGED;
	a.stage.resolving = RESOLVING;
	snprintf(a.stage.resolving_tag, TAG_SIZE, "v5");
	if (state != STAGE_IDLE) {
		a.stage.running = RUNNING;
		a.stage.running_spec = SPEC;
		snprintf(a.stage.running_digest, DIGEST_SIZE, "sha256:running");
	}
	if (state == STAGE_QUEUEING) {
		a.stage.waiting = WAITING;
		a.stage.waiting_spec = SPEC;
		snprintf(a.stage.waiting_digest, DIGEST_SIZE, "sha256:waiting");
	}
	return a;
}

/* Taken, kept in the journal, and nothing asked of the outside. */
static inline void
gives(struct actor *a, const struct event *e, const struct actor *wanted)
{
	step_gives(a, e, *wanted);
	assert_false(last.row->is_quiet);
	assert_int_equal(last.effect_count, 0);
}

static inline void
says(uint32_t i, uint64_t to, enum event_kind kind, const char *text)
{
	assert_true(i < last.message_count);
	assert_int_equal(last.messages[i].to, to);
	assert_int_equal(last.messages[i].from, STAGE_ID);
	assert_string_equal(event_names[last.messages[i].kind], event_names[kind]);
	assert_string_equal(last.messages[i].text, text);
}

static inline void
says_nothing(void)
{
	assert_int_equal(last.message_count, 0);
	assert_int_equal(last.spawn_count, 0);
}

static inline struct kept
kept_of(uint64_t deploy, uint64_t spec, int64_t until_ms, const char *digest)
{
	struct kept kept = { .deploy = deploy, .spec = spec, .until_ms = until_ms };

	snprintf(kept.digest, DIGEST_SIZE, "%s", digest);
	return kept;
}

/* What many stages lack: something that pends, is kept warm, is frozen. */
static inline void
fill(struct actor *a)
{
	a->stage.strategy = STRATEGY_STOP_FIRST;
	a->stage.tasks = 1;
	a->stage.frozen_until_ms = 9000;
	snprintf(a->stage.freeze, FREEZE_SIZE, "by alice");
	a->stage.pending = a->stage.pending == 0 ? PENDS : a->stage.pending;
	a->stage.pending_spec = SPEC;
	snprintf(a->stage.pending_digest, DIGEST_SIZE, "sha256:pending");
	if (a->stage.kept[0].deploy == 0)
		a->stage.kept[0] = kept_of(WAS_LIVE, SPEC, 8000, "sha256:warm");
}

/* Whatever the stage holds, and whatever the event carries beside. */
static inline void
is_quiet_about(struct actor a, const struct event *event)
{
	struct event e = *event;

	a.stage.spec = SPEC + 5;
	a.stage.has_route = true;
	fill(&a);
	e.spare = a.stage.kept[0].deploy;
	a.stage.running = a.stage.running == 0 ? RUNNING : a.stage.running;
	a.stage.waiting = a.stage.waiting == 0 ? WAITING : a.stage.waiting;
	snprintf(a.stage.running_digest, DIGEST_SIZE, "sha256:running");
	/* With something in quarantine a person's wish is never quiet. */
	if (e.kind != EV_TRIGGER || e.trigger == TRIGGER_WEBHOOK
	    || e.trigger == TRIGGER_POLL) {
		a.stage.quarantine[0].deploy = 2;
		snprintf(a.stage.quarantine[0].digest, DIGEST_SIZE, "%s",
		    e.digest[0] == '\0' ? "sha256:bad" : e.digest);
	}
	e.from = e.from == 0 ? RESOLVING : e.from;
	a.stage.resolving = e.from;
	step_gives(&a, &e, a);
	assert_true(last.row->is_quiet);
	assert_int_equal(last.effect_count, 0);
	says_nothing();
}

static inline void
no_longer_resolving(struct actor *a)
{
	a->stage.resolving = 0;
	a->stage.resolving_tag[0] = '\0';
}

static inline void
no_longer_waiting(struct actor *a)
{
	a->stage.waiting = 0;
	a->stage.waiting_spec = 0;
	a->stage.waiting_digest[0] = '\0';
}

static inline void
no_longer_running(struct actor *a)
{
	a->stage.running = 0;
	a->stage.running_spec = 0;
	a->stage.running_digest[0] = '\0';
}

static inline void
begins_to_run(struct actor *a, uint64_t deploy, uint64_t spec, const char *digest)
{
	a->state = STAGE_DEPLOYING;
	a->stage.running = deploy;
	a->stage.running_spec = spec;
	snprintf(a->stage.running_digest, DIGEST_SIZE, "%s", digest);
}

#endif
