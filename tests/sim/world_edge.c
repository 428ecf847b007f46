/* world_edge.c - the edge of the simulated world: routes, who owns which name, and the operations
 * that wait until requests have ended.
 *
 * The one idea: it does what src/ports/edge does as its clients see it. A switch claims the names of
 * the new revision, gives up the others and moves new requests at once; DRAIN and RESTORE answer
 * when nothing is in flight to anything but the target, or cut what is left when its time is over. */
#include "world_edge.h"

#include <string.h>

#include "base/check.h"

enum { OPERATIONS_MAX = 16, RESTORE_MS = 8000, PARK_DRAIN_MS = 10000 };

struct operation { /* one a stage at most */
	bool is_waiting;
	bool is_silent; /* nobody hears its answer any more: it still cuts and empties */
	struct effect ask;
	uint64_t target;
	int64_t until_ms;
};

static struct operation operations[WORLD_STAGES];

void
edge_reset(void)
{
	memset(operations, 0, sizeof(operations));
}

/* A route obeys the newest swap that spoke to it. */
static bool
is_fenced(const struct effect *ask)
{
	struct route *r = world_route(ask->stage);

	if (ask->actor != r->fence_actor)
		return ask->actor < r->fence_actor;
	return ask->epoch < r->fence_epoch;
}

static bool
is_taken(int place, uint32_t leads)
{
	for (uint32_t i = 0; i < WORLD_LEADS; i++)
		if ((leads >> i & 1u) && world.lead_owner[i] != 0
		    && world.lead_owner[i] != place + 1)
			return true;
	return false;
}

/* Names of others stay with them. */
static void
claim(int place, uint32_t leads)
{
	for (uint32_t i = 0; i < WORLD_LEADS; i++) {
		bool is_ours = world.lead_owner[i] == place + 1;
		if ((leads >> i & 1u) && world.lead_owner[i] == 0)
			world.lead_owner[i] = (uint8_t)(place + 1);
		else if (!(leads >> i & 1u) && is_ours) {
			world.lead_owner[i] = 0;
			world.was_given_up = true;
		}
	}
}

static void
lead_to(int place, uint64_t target, const struct facts *facts)
{
	struct route *r = &world.routes[place];

	claim(place, target == 0 ? 0 : facts->leads);
	if (r->target != target)
		r->moved_ms = world.now_ms;
	r->is_stopped = target != 0 && facts->is_stop && facts->leads != 0;
	if (target != 0 && facts->is_stop)
		target = 0; /* the names stay, if there are any, and lead to nobody */
	r->target = target;
	r->replicas = target == 0 ? 0 : facts->serving;
	world.drain_failures[target] = 0; /* it may be an elder that was kept */
	r->is_parked = false;
	if ((r->replicas & world.running[target]) != 0)
		world.is_untold[target] = false;
	traffic_unpark(place);
}

static void
wait_until_empty(
    const struct effect *ask, uint64_t target, int64_t limit_ms, struct event *answer)
{
	int place = world_place(ask->stage);

	if (traffic_count_others(place, target) == 0) {
		operations[place].is_waiting = false;
		return;
	}
	operations[place] = (struct operation){ .is_waiting = true,
		.ask = *ask,
		.target = target,
		.until_ms = world.now_ms + limit_ms };
	answer->kind = EV_COUNT;
}

/* Its rows name no container that runs. */
static bool
has_nothing_to_lead_to(const struct facts *facts)
{
	return facts->leads != 0 && facts->serving == 0 && !facts->is_stop;
}

static void
restore(const struct effect *ask, struct event *answer)
{
	struct facts elder;
	uint64_t target = ask->elder;

	if (target != 0
	    && (!world.facts(target, ask->stage, &elder) || elder.proxy != AT_EDGE
		|| has_nothing_to_lead_to(&elder)))
		target = 0; /* nothing was here before, or nothing is left of it */
	lead_to(world_place(ask->stage), target, &elder);
	answer->kind = EV_RESTORED;
	wait_until_empty(ask, target, RESTORE_MS, answer);
}

/* The names stay: who comes by them waits, or is told that nobody serves. */
static void
park(const struct effect *ask, const struct facts *facts, struct event *answer)
{
	int place = world_place(ask->stage);
	struct route *r = &world.routes[place];
	struct facts elder;
	int64_t limit_ms;

	if (!facts->halts)
		world.broken("a route is parked for a deploy that stops nobody", ask->deploy);
	if (!world.facts(ask->elder, ask->stage, &elder)) {
		answer_as(answer, EV_REFUSED, "not known any more");
		return;
	}
	limit_ms = elder.drain_ms;
	if (facts->is_waited && limit_ms > PARK_DRAIN_MS)
		limit_ms = PARK_DRAIN_MS;
	claim(place, elder.leads);
	r->target = 0;
	r->replicas = 0;
	r->is_stopped = false;
	r->is_parked = elder.leads != 0;
	r->is_waited = facts->is_waited;
	answer->kind = EV_PARKED;
	wait_until_empty(ask, 0, limit_ms, answer);
}

static bool
leads_to(int place, uint64_t deploy)
{
	const struct route *r = &world.routes[place];

	return r->target == deploy && (r->replicas & world.running[deploy]) != 0;
}

static void
take_fence(const struct effect *ask)
{
	struct route *r = world_route(ask->stage);

	r->fence_actor = ask->actor;
	r->fence_epoch = ask->epoch;
}

void
edge_perform_in_world(
    const struct effect *ask, const struct facts *facts, struct event *answer)
{
	int place = world_place(ask->stage);

	if (ask->kind == FX_DRAIN && has_nothing_to_lead_to(facts)) {
		edge_did_not_drain(ask);
		answer_as(answer, EV_TROUBLED, "no container to lead to");
		return;
	}
	if (ask->kind == FX_DRAIN) {
		answer->kind = EV_DRAINED;
		if (facts->proxy != AT_EDGE)
			lead_to(place, 0, facts); /* the stage has moved to another proxy */
		wait_until_empty(ask, world.routes[place].target, facts->drain_ms, answer);
		return;
	}
	if (is_fenced(ask)) {
		answer_as(answer, EV_REFUSED, "overtaken by a newer change of this route");
		return;
	}
	take_fence(ask);
	if (ask->kind == FX_RESTORE) {
		restore(ask, answer);
	} else if (ask->kind == FX_PARK) {
		park(ask, facts, answer);
	} else if (ask->kind == FX_CONFIRM) {
		bool answers =
		    facts->leads == 0 || facts->is_stop || leads_to(place, ask->deploy);
		answer_as(answer, answers ? EV_CONFIRMED : EV_TROUBLED,
		    answers ? "" : "another version answers");
	} else if (has_nothing_to_lead_to(facts)) {
		answer_as(answer, EV_REFUSED, "no container to lead to");
	} else if (is_taken(place, facts->leads)) {
		answer_as(answer, EV_REFUSED, "the name is served by another stage");
	} else {
		operations[place].is_waiting = false;
		lead_to(place, ask->deploy, facts);
		answer->kind = EV_SWITCHED;
	}
}

void
world_mend(uint64_t stage, uint64_t live)
{
	int place = world_place(stage);
	struct facts facts = { 0 };

	if (place < 0 || (live != 0 && !world.facts(live, stage, &facts)))
		return;
	if (live != 0 && facts.proxy != AT_EDGE)
		live = 0; /* what is left here of a stage that is led elsewhere */
	else if (live != 0 && facts.leads == 0)
		return;
	lead_to(place, live, &facts);
}

void
edge_replace(const struct effect *effect)
{
	int place = world_place(effect->stage);
	struct operation *o;

	if (place < 0)
		return;
	o = &operations[place];
	if (o->is_waiting && o->ask.actor == effect->actor)
		o->is_waiting = false;
}

void
edge_forget(const struct effect *ask)
{
	int place = world_place(ask->stage);

	if (place >= 0 && operations[place].is_waiting
	    && operations[place].ask.actor == ask->actor)
		operations[place].is_waiting = false;
}

void
edge_lost_its_server(void)
{
	for (int i = 0; i < WORLD_STAGES; i++)
		operations[i].is_waiting = false;
}

int64_t
edge_next_ms(void)
{
	int64_t next_ms = INT64_MAX;

	for (int i = 0; i < WORLD_STAGES; i++) {
		const struct operation *o = &operations[i];
		if (!o->is_waiting)
			continue;
		int64_t at_ms = traffic_next_ms(i, o->target);
		if (at_ms > o->until_ms)
			at_ms = o->until_ms;
		if (at_ms < next_ms)
			next_ms = at_ms;
	}
	return next_ms;
}

static void
end(struct operation *o, uint32_t cut)
{
	struct event answer = { .to = o->ask.actor,
		.epoch = o->ask.epoch,
		.count = cut,
		.kind = o->ask.kind == FX_DRAIN  ? EV_DRAINED
			: o->ask.kind == FX_PARK ? EV_PARKED
						 : EV_RESTORED };

	o->is_waiting = false;
	if (world_chance(world.faults.lose_answer))
		edge_did_not_drain(&o->ask);
	else
		world_answer(&answer);
}

void
edge_pass(void)
{
	for (int i = 0; i < WORLD_STAGES; i++) {
		struct operation *o = &operations[i];
		if (!o->is_waiting)
			continue;
		if (traffic_count_others(i, o->target) == 0)
			end(o, 0);
		else if (world.now_ms >= o->until_ms)
			end(o, traffic_cut_others(i, o->target));
	}
}

void
edge_did_not_drain(const struct effect *effect)
{
	if (effect->kind == FX_DRAIN && world.drain_failures[effect->elder] < UINT8_MAX)
		world.drain_failures[effect->elder]++;
}
