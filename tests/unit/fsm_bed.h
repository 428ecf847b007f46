/* fsm_bed.h - one step of one actor, and what must have come of it.
 *
 * The one idea: a test says what the step must change and what it must send; step_gives() compares
 * the whole actor, so that whatever else changed is a failure, too. */
#ifndef SLIPWAY_TESTS_FSM_BED_H
#define SLIPWAY_TESTS_FSM_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actors/ask.h"
#include "actors/fsm.h"
#include "base/check.h"

enum { NOW_MS = 1000, EPOCH = 5, FRESH_ID = 100 };

static struct out last; /* of the last step */

static inline enum step
take(struct actor *a, const struct event *event)
{
	struct event e = *event;

	e.to = a->id;
	e.epoch = a->epoch;
	e.now_ms = NOW_MS;
	last = (struct out){ .fresh_id = FRESH_ID };
	return fsm_step(fsm_spec_of(a->kind), a, &e, &last);
}

static inline enum step
step(struct actor *a, enum event_kind kind)
{
	return take(a, &(struct event){ .kind = kind });
}

/* Behind the end of a text there may be anything. */
static inline void
tidy_text(char *text, size_t size)
{
	size_t n = strnlen(text, size);

	assert_true(n < size);
	memset(text + n, 0, size - n);
}

#define TIDY(text) tidy_text(text, sizeof(text))

static inline void
tidy(struct actor *a)
{
	switch (a->kind) {
	case ACTOR_DEPLOY:
		TIDY(a->deploy.tag);
		TIDY(a->deploy.digest);
		TIDY(a->deploy.reason);
		break;
	case ACTOR_SWAP:
		TIDY(a->swap.reason);
		break;
	case ACTOR_POLL:
		TIDY(a->poll.tag);
		TIDY(a->poll.digest);
		TIDY(a->poll.reason);
		break;
	case ACTOR_STAGE:
		TIDY(a->stage.live_tag);
		TIDY(a->stage.live_digest);
		TIDY(a->stage.running_digest);
		TIDY(a->stage.waiting_digest);
		TIDY(a->stage.pending_digest);
		TIDY(a->stage.freeze);
		TIDY(a->stage.resolving_tag);
		for (int i = 0; i < QUARANTINE_MAX; i++)
			TIDY(a->stage.quarantine[i].digest);
		for (int i = 0; i < KEPT_MAX; i++) {
			TIDY(a->stage.kept[i].tag);
			TIDY(a->stage.kept[i].digest);
		}
		break;
	case ACTOR_SWEEP:
		TIDY(a->sweep.reason);
		break;
	case ACTOR_NOTIFY:
		TIDY(a->notify.text);
		TIDY(a->notify.reason);
		break;
	case ACTOR_KIND_COUNT:
		fail();
	}
}

/* The step is taken and leaves the actor as `wanted`, but for the epoch, which rises by one. */
static inline void
step_gives(struct actor *a, const struct event *e, struct actor wanted)
{
	const char *event = event_names[e->kind];
	const struct spec *spec = fsm_spec_of(a->kind);
	const char *from = spec->state_names[a->state];
	struct actor got;

	wanted.epoch = a->epoch + 1;
	if (take(a, e) != STEP_TAKEN)
		fail_msg("%s %s: %s was not taken", spec->name, from, event);
	if (a->state != wanted.state)
		fail_msg("%s %s: %s led to %s, not to %s", spec->name, from, event,
		    spec->state_names[a->state], spec->state_names[wanted.state]);
	got = *a;
	tidy(&got);
	tidy(&wanted);
	if (got.deadline_ms != wanted.deadline_ms)
		fail_msg("%s %s: after %s the deadline is %lld, not %lld", spec->name, from,
		    event, (long long)got.deadline_ms, (long long)wanted.deadline_ms);
	if (memcmp(&got, &wanted, sizeof(got)) != 0)
		fail_msg("%s %s: %s changed what it should not, or did not change what it "
			 "should",
		    spec->name, from, event);
}

/* No row: nothing happens, and nothing is changed. */
static inline void
step_refused(struct actor *a, const struct event *e)
{
	struct actor before = *a;

	if (take(a, e) != STEP_REFUSED)
		fail_msg("%s %s: %s was taken", fsm_spec_of(a->kind)->name,
		    fsm_spec_of(before.kind)->state_names[before.state], event_names[e->kind]);
	assert_memory_equal(a, &before, sizeof(before));
}

/* kinds: all that was told, in the order of their names in EVENTS. */
static inline void
told(uint64_t to, uint64_t from, uint64_t kinds)
{
	uint32_t i = 0;

	for (int kind = 0; kind < EV_COUNT; kind++) {
		if (!(kinds >> kind & 1u))
			continue;
		assert_true(i < last.message_count);
		assert_string_equal(event_names[last.messages[i].kind], event_names[kind]);
		assert_int_equal(last.messages[i].to, to);
		assert_int_equal(last.messages[i].from, from);
		i++;
	}
	assert_int_equal(last.message_count, i);
}

/* wanted 0: no effect; else a set of one. Its ids must be those of `like`. */
static inline void
asked(const struct actor *a, uint64_t wanted, int64_t delay_ms, struct effect like)
{
	const struct effect *e = &last.effects[0];

	assert_int_equal(last.emitted, wanted);
	assert_int_equal(last.effect_count, wanted == 0 ? 0 : 1);
	if (wanted == 0)
		return;
	assert_int_equal(UINT64_C(1) << e->kind, wanted);
	assert_int_equal(e->actor, a->id);
	assert_int_equal(e->epoch, a->epoch);
	assert_int_equal(e->delay_ms, delay_ms);
	assert_int_equal(e->stage, like.stage);
	assert_int_equal(e->deploy, like.deploy);
	assert_int_equal(e->elder, like.elder);
	assert_int_equal(e->engine, like.engine);
}

#endif
