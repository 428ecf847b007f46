/* fsm.c - the only code that changes an actor's state. */
#include "actors/fsm.h"

#include <string.h>

#include "base/check.h"

#define NAME(name) #name,
const char *const event_names[EV_COUNT] = { EVENTS(NAME) };
const char *const effect_names[FX_COUNT] = { EFFECTS(NAME) };
const char *const actor_kind_names[ACTOR_KIND_COUNT] = { ACTOR_KINDS(NAME) };
const char *const trigger_names[TRIGGER_COUNT] = { TRIGGERS(NAME) };
const char *const strategy_names[STRATEGY_COUNT] = { STRATEGIES(NAME) };
const char *const task_names[TASK_COUNT] = { TASKS(NAME) };
#undef NAME

/* Answers to effects, and TIMEOUT, count only when they belong to the step that asked. */
#define TIED_TO_EPOCH                                                                         \
	(ON(RESOLVED) | ON(PULLED) | ON(STARTED) | ON(HEALTHY) | ON(SWITCHED) | ON(CONFIRMED) \
	    | ON(RESTORED) | ON(DRAINED) | ON(RETIRED) | ON(REMOVED) | ON(SOUGHT)             \
	    | ON(SURVEYED) | ON(COLLECTED) | ON(NOTIFIED) | ON(PARKED) | ON(HALTED)           \
	    | ON(REVIVED) | ON(MIGRATED) | ON(HOOKED) | ON(VERIFIED) | ON(REFUSED)            \
	    | ON(TROUBLED) | ON(TIMEOUT))

/* What every state that is not final answers; a resting state has no deadline to run out. */
#define UNIVERSAL (ON(CANCEL) | ON(TIMEOUT) | ON(RECOVERED))
#define UNIVERSAL_RESTING (ON(CANCEL) | ON(RECOVERED))

void (*fsm_on_taken)(const struct actor *before, const struct row *row, enum event_kind kind);

bool
always(const struct actor *a UNUSED, const struct event *e UNUSED)
{
	return true;
}

const struct spec *
fsm_spec_of(enum actor_kind kind)
{
	static const struct spec *const specs[ACTOR_KIND_COUNT] = {
		[ACTOR_DEPLOY] = &deploy_spec,
		[ACTOR_SWAP] = &swap_spec,
		[ACTOR_POLL] = &poll_spec,
		[ACTOR_STAGE] = &stage_spec,
		[ACTOR_SWEEP] = &sweep_spec,
		[ACTOR_NOTIFY] = &notify_spec,
	};

	CHECK(kind < ACTOR_KIND_COUNT);
	return specs[kind];
}

bool
fsm_is_final(const struct spec *s, int state)
{
	return s->final >> state & 1u;
}

bool
fsm_is_tied_to_epoch(enum event_kind kind)
{
	return TIED_TO_EPOCH >> kind & 1u;
}

int
fsm_state_by_name(const struct spec *s, const char *name)
{
	for (int i = 0; i < s->state_count; i++)
		if (strcmp(s->state_names[i], name) == 0)
			return i;
	return -1;
}

void
emit(struct actor *a, struct out *out, struct effect effect)
{
	CHECK(out->effect_count < OUT_MAX);
	effect.actor = a->id;
	effect.epoch = a->epoch;
	out->effects[out->effect_count++] = effect;
	out->emitted |= UINT64_C(1) << effect.kind;
}

void
tell(const struct actor *a, struct out *out, struct event message)
{
	CHECK(out->message_count < OUT_MAX);
	CHECK(message.to != 0);
	message.from = a->id;
	out->messages[out->message_count++] = message;
}

uint64_t
spawn(struct out *out, struct actor child)
{
	CHECK(out->spawn_count < OUT_MAX);
	CHECK(out->fresh_id != 0);
	child.id = out->fresh_id++;
	out->spawns[out->spawn_count++] = child;
	return child.id;
}

/* Its lists are long, and hold nothing beyond their counts. */
void
out_begin(struct out *out, uint64_t fresh_id)
{
	out->row = NULL;
	out->fresh_id = fresh_id;
	out->effect_count = 0;
	out->message_count = 0;
	out->spawn_count = 0;
	out->emitted = 0;
}

static const struct row *
find_row(const struct spec *s, const struct actor *a, const struct event *e)
{
	for (int i = 0; i < s->row_count; i++) {
		const struct row *r = &s->rows[i];
		if (r->in == a->state && (r->on >> e->kind & 1u) && r->guard(a, e))
			return r;
	}
	return NULL;
}

enum step
fsm_step(const struct spec *s, struct actor *a, const struct event *e, struct out *out)
{
	uint64_t fresh_id = out->fresh_id;
	const struct row *row;

	CHECK(e->to == a->id);
	CHECK(a->state >= 0 && a->state < s->state_count);
	if (fsm_is_final(s, a->state))
		return STEP_STALE;
	if (fsm_is_tied_to_epoch(e->kind) && e->epoch != a->epoch)
		return STEP_STALE;
	row = find_row(s, a, e);
	if (row == NULL)
		return STEP_REFUSED;

	if (fsm_on_taken != NULL)
		fsm_on_taken(a, row, e->kind);
	out_begin(out, fresh_id);
	out->row = row;
	a->epoch++;
	a->deadline_ms = 0;
	row->action(a, e, out);
	a->state = row->then;

	CHECK(out->emitted == row->emits);
	if (fsm_is_final(s, a->state) || (s->resting >> a->state & 1u))
		CHECK(a->deadline_ms == 0);
	else
		CHECK(a->deadline_ms > e->now_ms);
	if (row->is_quiet)
		CHECK(out->message_count == 0 && out->spawn_count == 0);
	return STEP_TAKEN;
}

/* Each guarded cell must end in an unguarded row, and no row may stand behind that one. */
static void
verify_cell(const struct spec *s, int state, int event)
{
	uint64_t owed = s->resting >> state & 1u ? UNIVERSAL_RESTING : UNIVERSAL;
	const struct row *last = NULL;

	for (int i = 0; i < s->row_count; i++) {
		const struct row *r = &s->rows[i];
		if (r->in != state || !(r->on >> event & 1u))
			continue;
		CHECK(last == NULL || last->guard != always);
		last = r;
	}
	CHECK(last == NULL || last->guard == always);
	CHECK(last == NULL || !fsm_is_final(s, state));
	if (!fsm_is_final(s, state) && (owed >> event & 1u))
		CHECK(last != NULL);
}

void
fsm_verify(const struct spec *s)
{
	uint64_t reached = s->initial;

	CHECK(s->state_count < 64 && EV_COUNT <= 64 && FX_COUNT <= 64);
	for (int pass = 0; pass < s->state_count; pass++)
		for (int i = 0; i < s->row_count; i++)
			if (reached >> s->rows[i].in & 1u)
				reached |= STATE(s->rows[i].then);
	CHECK(reached == STATE(s->state_count) - 1);
	CHECK((s->final & s->resting) == 0);

	for (int state = 0; state < s->state_count; state++)
		for (int event = 0; event < EV_COUNT; event++)
			verify_cell(s, state, event);
}
