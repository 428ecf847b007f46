/* world.c - see world.h. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

enum { FLIGHTS_MAX = 4096 };

struct flight {
	int64_t at_ms;
	uint64_t order;
	bool is_answer;
	struct effect ask;
	struct event answer;
};

struct world world;

static uint64_t random_state;
static uint64_t next_order;
static struct flight flights[FLIGHTS_MAX];
static uint32_t flight_count;

/* splitmix64 */
uint64_t
world_random(void)
{
	uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

bool
world_chance(uint32_t percent)
{
	return world_random() % 100 < percent;
}

static uint32_t
draw(uint32_t most)
{
	return (uint32_t)(world_random() % (most + 1));
}

void
world_reset(uint64_t seed)
{
	random_state = seed;
	next_order = 0;
	flight_count = 0;
	memset(&world, 0, sizeof(world));
	world.now_ms = 1000000;
	/* Swarm testing: each seed has its own mix, many have some faults at zero. */
	world.faults = (struct faults){
		.lose_ask = draw(1) * draw(20),
		.lose_answer = draw(1) * draw(20),
		.trouble = draw(1) * draw(30),
		.refuse = draw(1) * draw(10),
		.slow = draw(1) * draw(30),
		.bad_image = draw(40),
		.vanish = draw(1) * draw(3),
	};
	for (uint32_t i = 0; i < WORLD_TAGS; i++)
		world.tag_digest[i] = i;
}

struct route *
world_route(uint64_t stage)
{
	for (int i = 0; i < WORLD_STAGES; i++)
		if (world.stage_ids[i] == stage)
			return &world.routes[i];
	CHECK(stage == 0); /* it is none of this world */
	return NULL;
}

static void
fly(struct flight f, int64_t delay_ms)
{
	CHECK(flight_count < FLIGHTS_MAX);
	f.at_ms = world.now_ms + delay_ms + (int64_t)(world_random() % 300);
	if (world_chance(world.faults.slow))
		f.at_ms += (int64_t)(world_random() % 3000000);
	f.order = next_order++;
	flights[flight_count++] = f;
}

void
world_ask(const struct effect *effect)
{
	if (!world_chance(world.faults.lose_ask))
		fly((struct flight){ .ask = *effect }, effect->delay_ms);
}

static void
digest_of(uint32_t number, char digest[DIGEST_SIZE])
{
	snprintf(digest, DIGEST_SIZE, "sha256:%064u", number);
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

static void
move_route(const struct effect *ask, uint64_t target)
{
	struct route *r = world_route(ask->stage);

	r->target = target;
	r->fence_actor = ask->actor;
	r->fence_epoch = ask->epoch;
	r->has_served = r->has_served || target != 0;
}

static uint32_t
count_orphans(bool remove)
{
	uint32_t count = 0;

	for (uint64_t d = 1; d <= world.newest_deploy; d++) {
		if (!world.is_running[d] || !world.is_orphan(d))
			continue;
		count++;
		if (remove)
			world.is_running[d] = false;
	}
	return count;
}

static void
seek(struct event *answer)
{
	snprintf(answer->tag, sizeof(answer->tag), "v%u", world.newest_tag);
	digest_of(world.tag_digest[world.newest_tag], answer->digest);
}

static void
answer_as(struct event *answer, enum event_kind kind, const char *why)
{
	answer->kind = kind;
	snprintf(answer->text, sizeof(answer->text), "%s", why);
}

/* Does what was asked and says what a real port would say. */
static void
perform(const struct effect *ask, struct event *answer)
{
	switch (ask->kind) {
	case FX_RESOLVE:
		answer->kind = EV_RESOLVED;
		digest_of(world.tag_digest[ask->deploy % WORLD_TAGS], answer->digest);
		break;
	case FX_PULL:
		answer->kind = EV_PULLED;
		break;
	case FX_RUN:
		CHECK(ask->deploy < WORLD_DEPLOYS);
		if (ask->deploy > world.newest_deploy)
			world.newest_deploy = ask->deploy;
		world.is_running[ask->deploy] = true;
		answer->kind = EV_STARTED;
		break;
	case FX_PROBE:
		if (!world.is_running[ask->deploy] || world.is_bad[ask->deploy])
			answer_as(answer, EV_REFUSED, "never healthy");
		else
			answer->kind = EV_HEALTHY;
		break;
	case FX_REMOVE:
		world.is_running[ask->deploy] = false;
		answer->kind = EV_REMOVED;
		break;
	case FX_DRAIN:
		answer->kind = EV_DRAINED;
		break;
	case FX_RETIRE:
		world.is_running[ask->elder] = false;
		answer->kind = EV_RETIRED;
		break;
	case FX_SWITCH:
		if (is_fenced(ask) || !world.is_running[ask->deploy]) {
			answer_as(answer, EV_REFUSED, "fenced or not running");
			break;
		}
		move_route(ask, ask->deploy);
		answer->kind = EV_SWITCHED;
		break;
	case FX_CONFIRM:
		if (world_route(ask->stage)->target == ask->deploy)
			answer->kind = EV_CONFIRMED;
		else
			answer_as(answer, EV_TROUBLED, "another version answers");
		break;
	case FX_RESTORE:
		if (is_fenced(ask)) {
			answer_as(answer, EV_REFUSED, "fenced");
			break;
		}
		move_route(ask, ask->elder);
		answer->kind = EV_RESTORED;
		break;
	case FX_SEEK:
		answer->kind = EV_SOUGHT;
		seek(answer);
		break;
	case FX_SURVEY:
		answer->kind = EV_SURVEYED;
		answer->count = count_orphans(false);
		break;
	case FX_COLLECT:
		answer->kind = EV_COLLECTED;
		count_orphans(true);
		break;
	case FX_COUNT:
		CHECK(ask->kind != FX_COUNT);
	}
}

static enum outage
part_of(enum effect_kind kind)
{
	if (kind == FX_SWITCH || kind == FX_CONFIRM || kind == FX_RESTORE || kind == FX_DRAIN)
		return OUTAGE_PROXY;
	return kind == FX_RESOLVE || kind == FX_SEEK ? OUTAGE_REGISTRY : OUTAGE_ENGINE;
}

/* A part that is down: no answer, trouble, or a flat no; never anything done. */
static void
land_in_outage(struct event *answer, uint32_t mode)
{
	uint64_t pick = mode < 3 ? mode : world_random() % 3;

	if (pick == 0)
		return;
	if (pick == 1)
		answer_as(answer, EV_TROUBLED, "down");
	else
		answer_as(answer, EV_REFUSED, "down");
	fly((struct flight){ .is_answer = true, .answer = *answer }, 0);
}

static void
land_ask(const struct effect *ask)
{
	struct event answer = { .to = ask->actor, .epoch = ask->epoch };
	bool is_done = true;

	if (world.now_ms < world.outage_until_ms[part_of(ask->kind)]) {
		land_in_outage(&answer, world.outage_mode[part_of(ask->kind)]);
		return;
	}
	if (world_chance(world.faults.refuse)) {
		answer_as(&answer, EV_REFUSED, "refused");
		is_done = false;
	} else if (world_chance(world.faults.trouble)) {
		answer_as(&answer, EV_TROUBLED, "trouble");
		answer.after_ms = (int64_t)(world_random() % 2000);
		is_done = world_chance(50); /* unclear is not failed: it may have happened */
	}
	if (is_done) {
		struct event done = answer;
		perform(ask, &done);
		if (answer.kind != EV_TROUBLED)
			answer = done;
	}
	if (!world_chance(world.faults.lose_answer))
		fly((struct flight){ .is_answer = true, .answer = answer }, 0);
}

static uint32_t
first_flight(void)
{
	uint32_t first = 0;

	for (uint32_t i = 1; i < flight_count; i++)
		if (flights[i].at_ms < flights[first].at_ms
		    || (flights[i].at_ms == flights[first].at_ms
			&& flights[i].order < flights[first].order))
			first = i;
	return first;
}

bool
world_has_flights(void)
{
	return flight_count > 0;
}

int64_t
world_next_ms(void)
{
	return flight_count == 0 ? INT64_MAX : flights[first_flight()].at_ms;
}

bool
world_land(struct event *ret_answer)
{
	uint32_t first = first_flight();
	struct flight f = flights[first];

	flights[first] = flights[--flight_count];
	if (f.at_ms > world.now_ms)
		world.now_ms = f.at_ms;
	if (f.is_answer) {
		*ret_answer = f.answer;
		return true;
	}
	land_ask(&f.ask);
	return false;
}

void
world_crash(void)
{
	for (uint32_t i = 0; i < flight_count;)
		if (flights[i].is_answer)
			flights[i] = flights[--flight_count];
		else
			i++;
}
