/* world.c - see world.h: the wire and the engines. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "world_edge.h"
#include "world_front.h"
#include "world_images.h"
#include "world_tasks.h"
#include "world_window.h"

enum { FLIGHTS_MAX = 1024 };

struct flight {
	int64_t at_ms;
	uint64_t order;
	bool is_answer;
	bool is_of_the_dead; /* who asked has crashed since */
	bool has_facts;
	struct facts facts;
	struct effect ask;
	struct event answer;
};

struct world world;

static uint64_t random_state;
static uint64_t next_order;
static struct flight flights[FLIGHTS_MAX];
static uint32_t flight_count;
static uint32_t last_epochs[WORLD_DEPLOYS]; /* of what each deploy has asked for */

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
	memset(last_epochs, 0, sizeof(last_epochs));
	memset(&world, 0, sizeof(world));
	edge_reset();
	fronts_of_world_reset();
	tasks_reset();
	windows_reset();
	traffic_reset();
	world.now_ms = 1000000;
	/* Swarm testing: each seed has its own mix, many have some faults at zero. */
	world.faults = (struct faults){
		.lose_ask = draw(1) * draw(20),
		.lose_answer = draw(1) * draw(20),
		.trouble = draw(1) * draw(30),
		.refuse = draw(1) * draw(10),
		.slow = draw(1) * draw(30),
		.bad_image = draw(40),
		.vanish = draw(1) * draw(6),
	};
	images_reset();
	for (uint32_t i = 0; i < WORLD_ENGINES; i++)
		world.engine_ids[i] = i;
}

int
world_place(uint64_t stage)
{
	for (int i = 0; i < WORLD_STAGES; i++)
		if (world.stage_ids[i] == stage)
			return i;
	return -1;
}

uint64_t
world_target(enum at proxy, int place)
{
	const struct front_of_world *f = &fronts_of_world[proxy];

	if (proxy == AT_EDGE)
		return world.routes[place].target;
	return (f->is_off ? &f->files : &f->generations[0].serves)->stages[place].target;
}

struct route *
world_route(uint64_t stage)
{
	int place = world_place(stage);

	CHECK(place >= 0 || stage == 0); /* it is none of this world */
	return place < 0 ? NULL : &world.routes[place];
}

/* A port does one thing for an actor at a time: what was asked later lands later. */
static int64_t
last_ask_ms(uint64_t actor)
{
	int64_t last_ms = 0;

	for (uint32_t i = 0; i < flight_count; i++)
		if (!flights[i].is_answer && !flights[i].is_of_the_dead
		    && flights[i].ask.actor == actor && flights[i].at_ms > last_ms)
			last_ms = flights[i].at_ms;
	return last_ms;
}

static void
fly(struct flight f, int64_t delay_ms)
{
	CHECK(flight_count < FLIGHTS_MAX);
	f.at_ms = world.now_ms + delay_ms + (int64_t)(world_random() % 300);
	if (world_chance(world.faults.slow))
		f.at_ms += (int64_t)(world_random() % 3000000);
	if (!f.is_answer && last_ask_ms(f.ask.actor) > f.at_ms)
		f.at_ms = last_ask_ms(f.ask.actor);
	f.order = next_order++;
	flights[flight_count++] = f;
}

static bool
default_facts(uint64_t stage, struct facts *ret)
{
	int place = world_place(stage);

	*ret = (struct facts){
		.stage = stage, .replicas = 1, .leads = 1u << place, .drain_ms = 30000
	};
	return place >= 0;
}

static bool
facts_of(uint64_t deploy, uint64_t stage, struct facts *ret)
{
	return world.facts == NULL ? default_facts(stage, ret)
				   : world.facts(deploy, stage, ret);
}

/* The port has read what it needs by now. */
void
world_ask(const struct effect *effect)
{
	struct flight f = { .ask = *effect };

	if (world_chance(world.faults.lose_ask)) {
		edge_did_not_drain(effect);
		return;
	}
	if (effect->actor == effect->deploy)
		last_epochs[effect->deploy] = effect->epoch;
	f.has_facts =
	    effect->kind == FX_NOTIFY || facts_of(effect->deploy, effect->stage, &f.facts);
	edge_replace(effect);
	fly(f, effect->delay_ms);
}

void
answer_as(struct event *answer, enum event_kind kind, const char *why)
{
	answer->kind = kind;
	snprintf(answer->text, sizeof(answer->text), "%s", why);
}

/* Engines. */

static void
stop(uint64_t deploy, const char *by)
{
	uint32_t running = world.running[deploy];

	world.running[deploy] = 0;
	world.there[deploy] = 0;
	world.is_halted[deploy] = false;
	if (running != 0)
		traffic_stopped(deploy, running, by);
}

void
world_stop_container(uint64_t deploy, uint32_t replica)
{
	if (!(world.running[deploy] >> replica & 1u))
		return;
	world.vanished[deploy] |= (uint8_t)(1u << replica);
	world.running[deploy] &= (uint8_t) ~(1u << replica);
	traffic_stopped(deploy, 1u << replica, "itself");
}

void
world_vanish(uint64_t deploy, uint32_t replica)
{
	world_stop_container(deploy, replica);
	world.there[deploy] &= (uint8_t) ~(1u << replica);
}

static bool
is_on(uint64_t deploy, uint64_t engine)
{
	return world.there[deploy] != 0 && world.engine_ids[world.engine_of[deploy]] == engine;
}

static bool
is_task_on(uint64_t deploy, uint64_t engine)
{
	return tasks_are_there(deploy) && world.engine_ids[world.engine_of[deploy]] == engine;
}

static uint32_t
place_of_engine(uint64_t engine)
{
	uint32_t place = 0;

	while (place < WORLD_ENGINES && world.engine_ids[place] != engine)
		place++;
	return place;
}

/* Now and then the images, too; they stay remembered until the next look at them. */
static uint32_t
survey_images(uint64_t engine)
{
	uint32_t place = place_of_engine(engine);

	if (place == WORLD_ENGINES || world.are_images_due == NULL
	    || !world.are_images_due(place))
		return 0;
	return images_survey(place);
}

/* Counts containers, and remembers whose they are. */
static uint32_t
survey(uint64_t engine)
{
	uint32_t count = 0;

	for (uint64_t d = 1; d <= world.newest_deploy; d++) {
		if (world.engine_ids[world.engine_of[d]] == engine) {
			world.is_surveyed[d] = false;
			world.is_task_surveyed[d] = false;
		}
		if (is_task_on(d, engine) && world.is_task_orphan(d)) {
			world.is_task_surveyed[d] = true;
			count++;
		}
		if (!is_on(d, engine) || !world.is_orphan(d))
			continue;
		world.is_surveyed[d] = true;
		count += (uint32_t)__builtin_popcount(world.there[d]);
	}
	return count + survey_images(engine);
}

static bool
has_surveyed(uint64_t engine)
{
	for (uint64_t d = 1; d <= world.newest_deploy; d++)
		if ((world.is_surveyed[d] && is_on(d, engine) && world.is_orphan(d))
		    || (world.is_task_surveyed[d] && is_task_on(d, engine)
			&& world.is_task_orphan(d)))
			return true;
	return place_of_engine(engine) < WORLD_ENGINES
	       && images_are_surveyed(place_of_engine(engine));
}

/* It is ended, its end is kept, and then it goes: what is not committed yet waits for the next look. */
static void
collect_task(uint64_t deploy)
{
	world.is_task_surveyed[deploy] = false;
	if (!world.is_task_orphan(deploy))
		return;
	tasks_stop(deploy);
	if (world.are_tasks_kept(deploy))
		tasks_remove(deploy);
	else
		world.keep_tasks(deploy);
}

/* What the last survey has found, and is still to be removed. */
static void
collect(uint64_t engine)
{
	for (uint64_t d = 1; d <= world.newest_deploy; d++) {
		if (world.is_task_surveyed[d] && is_task_on(d, engine))
			collect_task(d);
		if (!world.is_surveyed[d] || !is_on(d, engine))
			continue;
		world.is_surveyed[d] = false;
		if (world.is_orphan(d)) {
			stop(d, "COLLECT");
			world.is_collected[d] = true;
		}
	}
	if (place_of_engine(engine) < WORLD_ENGINES)
		images_collect(place_of_engine(engine));
}

static void
run(const struct effect *ask, const struct facts *facts, struct event *answer)
{
	uint8_t all = (uint8_t)((1u << facts->replicas) - 1);

	CHECK(ask->deploy < WORLD_DEPLOYS);
	if (!images_are_on_engine(facts)) {
		answer_as(answer, EV_REFUSED, "no such image");
		return;
	}
	tasks_are_before(ask->deploy, facts);
	if (ask->deploy > world.newest_deploy)
		world.newest_deploy = ask->deploy;
	world.engine_of[ask->deploy] = (uint8_t)facts->engine;
	world.there[ask->deploy] = all;
	images_ran(ask->deploy, facts);
	if (world.cannot_start[ask->deploy]) {
		answer_as(answer, EV_REFUSED, "cannot start it");
		return;
	}
	world.running[ask->deploy] = all;
	if (facts->halts && world.running[ask->elder] != 0 && !world.is_late[ask->deploy]
	    && !world.is_late[ask->elder])
		world.broken("two versions run, and only one may", ask->deploy);
	answer->kind = EV_STARTED;
}

/* What was kept, or what an order of the dead has started. */
static void
halt_others(const struct effect *ask)
{
	for (uint64_t d = 1; d <= world.newest_deploy; d++) {
		struct facts facts;

		if (d == ask->deploy || d == ask->elder || world.running[d] == 0
		    || world.engine_of[d] != world.engine_of[ask->elder]
		    || !facts_of(d, ask->stage, &facts) || facts.stage != ask->stage)
			continue;
		traffic_stopped(d, world.running[d], "HALT");
		world.running[d] = 0;
	}
}

/* Stopped, and kept. By the edge nobody may have been in it any more; a proxy that leads straight to it
 * was told nothing, which the plan says. */
static void
halt(const struct effect *ask, const struct facts *facts, struct event *answer)
{
	struct facts elder;
	uint32_t running = world.running[ask->elder];

	world.running[ask->elder] = 0;
	world.is_halted[ask->elder] = true;
	world.is_unrevived[ask->elder] = false;
	if (facts_of(ask->elder, ask->stage, &elder)
	    && (elder.proxy != AT_EDGE || facts->proxy != AT_EDGE)) {
		world.is_untold[ask->elder] = true;
		traffic_cut_of(ask->elder);
	}
	traffic_stopped(ask->elder, running, "HALT");
	halt_others(ask);
	answer->kind = EV_HALTED;
}

static void
revive(const struct effect *ask, struct event *answer)
{
	struct facts elder;

	if (!facts_of(ask->elder, ask->stage, &elder)
	    || (world.there[ask->elder] == 0 && !images_are_on_engine(&elder))) {
		answer_as(answer, EV_REFUSED, "nothing is left of it");
		return;
	}
	if (world.running[ask->deploy] != 0 && !world.is_late[ask->deploy])
		world.broken("two versions run, and only one may", ask->elder);
	world.there[ask->elder] = (uint8_t)((1u << elder.replicas) - 1);
	world.running[ask->elder] = world.there[ask->elder];
	world.vanished[ask->elder] = 0;
	world.is_halted[ask->elder] = false;
	if (elder.proxy != AT_EDGE)
		world.is_untold[ask->elder] = false;
	answer->kind = EV_REVIVED;
}

/* A part that is down: no answer (EV_COUNT), trouble, or a flat no. */
static void
answer_down(uint32_t part, struct event *answer)
{
	uint32_t mode = world.outage_mode[part];
	uint64_t pick = mode < 3 ? mode : world_random() % 3;

	answer->kind = EV_COUNT;
	if (pick != 0)
		answer_as(answer, pick == 1 ? EV_TROUBLED : EV_REFUSED, "down");
}

static bool
is_down(uint32_t part)
{
	return world.now_ms < world.outage_until_ms[part];
}

bool
world_engine_is_down(uint32_t engine, struct event *answer)
{
	if (!is_down(OUTAGE_ENGINE + engine))
		return false;
	answer_down(OUTAGE_ENGINE + engine, answer);
	if (answer->kind
	    == EV_REFUSED) /* nothing that was seen to begin is called impossible */
		answer_as(answer, EV_TROUBLED, "down");
	return true;
}

/* It is the engine that speaks to the registry then. */
static void
pull(const struct facts *facts, struct event *answer)
{
	if (images_are_on_engine(facts))
		answer->kind = EV_PULLED;
	else if (is_down(OUTAGE_REGISTRY + facts->registry))
		answer_down(OUTAGE_REGISTRY + facts->registry, answer);
	else
		images_pull(facts, answer);
}

/* A task's container goes once its end is kept; the sweep removes what is left here. */
static void
remove_all(uint64_t deploy, const char *by)
{
	stop(deploy, by);
	if (!tasks_are_there(deploy))
		return;
	tasks_stop(deploy);
	if (world.are_tasks_kept(deploy))
		tasks_remove(deploy);
}

static void
perform_on_engine(const struct effect *ask, const struct facts *facts, struct event *answer)
{
	if (ask->kind == FX_PULL) {
		pull(facts, answer);
	} else if (ask->kind == FX_MIGRATE || ask->kind == FX_HOOK) {
		tasks_perform(ask, facts, answer);
	} else if (ask->kind == FX_RUN) {
		run(ask, facts, answer);
	} else if (ask->kind == FX_PROBE) {
		if (world.running[ask->deploy] != (1u << facts->replicas) - 1
		    || world.is_bad[ask->deploy])
			answer_as(answer, EV_REFUSED, "never healthy");
		else
			answer->kind = EV_HEALTHY;
	} else if (ask->kind == FX_VERIFY) {
		window_perform(ask, facts, answer);
	} else if (ask->kind == FX_REMOVE) {
		remove_all(ask->deploy, "REMOVE");
		answer->kind = EV_REMOVED;
	} else if (ask->kind == FX_RETIRE) {
		remove_all(ask->elder, "RETIRE");
		tasks_retired(ask->elder);
		answer->kind = EV_RETIRED;
	} else if (ask->kind == FX_HALT) {
		halt(ask, facts, answer);
	} else if (ask->kind == FX_REVIVE) {
		revive(ask, answer);
	} else if (ask->kind == FX_SURVEY) {
		answer->kind = EV_SURVEYED;
		answer->count = survey(ask->engine);
	} else {
		CHECK(ask->kind == FX_COLLECT);
		answer->kind = EV_COLLECTED;
		collect(ask->engine);
	}
}

/* The wire may lose its answer: then it hears the same once more. */
static void
notify(const struct effect *ask, struct event *answer)
{
	if (world.heard != NULL)
		world.heard(ask->actor);
	answer->kind = EV_NOTIFIED;
	answer->count = 204;
}

static bool
is_for_edge(const struct effect *ask)
{
	return ask->kind == FX_SWITCH || ask->kind == FX_CONFIRM || ask->kind == FX_RESTORE
	       || ask->kind == FX_DRAIN || ask->kind == FX_PARK;
}

/* Does what was asked and says what a real port would say; EV_COUNT: that comes later. */
static void
perform(const struct effect *ask, const struct facts *facts, struct event *answer)
{
	if (is_for_edge(ask))
		edge_perform_in_world(ask, facts, answer);
	else if (ask->kind == FX_RESOLVE || ask->kind == FX_SEEK)
		registry_perform_in_world(ask, facts, answer);
	else if (ask->kind == FX_NOTIFY)
		notify(ask, answer);
	else
		perform_on_engine(ask, facts, answer);
}

/* The wire. */

static uint32_t
part_of(const struct effect *ask, const struct facts *facts)
{
	if (is_for_edge(ask))
		return OUTAGE_PROXY;
	if (ask->kind == FX_RESOLVE || ask->kind == FX_SEEK)
		return OUTAGE_REGISTRY + facts->registry;
	if (ask->kind == FX_NOTIFY)
		return OUTAGE_RECEIVER
		       + (world.receiver == NULL ? 0 : world.receiver(ask->actor));
	for (uint32_t i = 0; i < WORLD_ENGINES && ask->engine != 0; i++)
		if (world.engine_ids[i] == ask->engine)
			return OUTAGE_ENGINE + i;
	return OUTAGE_ENGINE + facts->engine;
}

void
world_answer(const struct event *answer)
{
	fly((struct flight){ .is_answer = true, .answer = *answer }, 0);
}

/* Of what was seen to begin nobody says that it cannot be. */
static bool
has_begun(const struct effect *ask)
{
	return (ask->kind == FX_MIGRATE || ask->kind == FX_HOOK)
	       && task_has_begun(ask->deploy, ask->task);
}

/* Never anything is done. A port that has found no orphans need not ask to remove them. */
static void
land_in_outage(const struct effect *ask, struct event *answer, uint32_t part)
{
	edge_did_not_drain(ask);
	if (ask->kind == FX_COLLECT && !has_surveyed(ask->engine))
		answer->kind = EV_COLLECTED;
	else
		answer_down(part, answer);
	if (answer->kind == EV_REFUSED && has_begun(ask))
		answer_as(answer, EV_TROUBLED, "down");
	if (answer->kind != EV_COUNT)
		world_answer(answer);
}

/* What the law of traffic makes allowance for. */
static void
note_outcome(const struct effect *ask, const struct event *answer)
{
	if (ask->kind == FX_REVIVE && answer->kind == EV_REFUSED)
		world.is_unrevived[ask->elder] = true;
}

static void
land_ask(const struct flight *f)
{
	const struct effect *ask = &f->ask;
	struct event answer = { .to = ask->actor, .epoch = ask->epoch, .kind = EV_COUNT };
	uint32_t part = part_of(ask, &f->facts);
	bool is_done = true;

	if (f->is_of_the_dead && ask->kind == FX_RUN)
		world.is_late[ask->deploy] = true;
	/* Who makes a container starts it by a second call: nobody does who is dead or asks for another thing. */
	if ((f->is_of_the_dead || ask->epoch < last_epochs[ask->deploy])
	    && ask->kind == FX_MIGRATE && tasks_migrated(ask->stage, f->facts.image))
		return;
	if (is_down(part) && ask->kind != FX_VERIFY) { /* who watches waits for it */
		land_in_outage(ask, &answer, part);
		note_outcome(ask, &answer);
		return;
	}
	if (!f->has_facts && ask->stage != 0) {
		answer_as(&answer, EV_REFUSED, "not known any more");
		is_done = false;
	} else if (world_chance(world.faults.refuse) && !has_begun(ask)) {
		answer_as(&answer, EV_REFUSED, "refused");
		is_done = false;
	} else if (world_chance(world.faults.trouble)) {
		answer_as(&answer, EV_TROUBLED, "trouble");
		answer.after_ms = (int64_t)(world_random() % 2000);
		is_done = world_chance(50); /* unclear is not failed: it may have happened */
	}
	if (answer.kind != EV_COUNT)
		edge_did_not_drain(ask);
	if (is_done) {
		struct event done = answer;
		perform(ask, &f->facts, &done);
		if (answer.kind != EV_TROUBLED)
			answer = done;
		else
			edge_forget(ask);
	}
	note_outcome(ask, &answer);
	if (answer.kind == EV_COUNT)
		return; /* the edge waits for requests to end, a task does, a window goes on */
	if (ask->kind == FX_MIGRATE || ask->kind == FX_HOOK)
		tasks_forget(ask->actor);
	if (ask->kind == FX_VERIFY)
		windows_forget(ask->actor);
	if (world_chance(world.faults.lose_answer))
		edge_did_not_drain(ask);
	else
		world_answer(&answer);
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

static int64_t
parts_next_ms(void)
{
	int64_t next_ms = edge_next_ms();
	int64_t others[] = { fronts_of_world_next_ms(), tasks_next_ms(), windows_next_ms() };

	for (size_t i = 0; i < COUNT(others); i++)
		if (others[i] < next_ms)
			next_ms = others[i];
	return next_ms;
}

int64_t
world_next_ms(void)
{
	int64_t flight_ms = flight_count == 0 ? INT64_MAX : flights[first_flight()].at_ms;
	int64_t part_ms = parts_next_ms();

	return flight_ms < part_ms ? flight_ms : part_ms;
}

bool
world_land(struct event *ret_answer)
{
	uint32_t first = first_flight();
	struct flight f;

	int64_t part_ms = parts_next_ms();

	if (part_ms <= world.now_ms || flight_count == 0 || part_ms < flights[first].at_ms) {
		if (part_ms > world.now_ms)
			world.now_ms = part_ms;
		traffic_pass();
		edge_pass();
		fronts_of_world_pass();
		tasks_pass();
		windows_pass();
		return false;
	}
	f = flights[first];
	flights[first] = flights[--flight_count];
	if (f.at_ms > world.now_ms)
		world.now_ms = f.at_ms;
	traffic_pass();
	if (f.is_answer) {
		*ret_answer = f.answer;
		return true;
	}
	land_ask(&f);
	return false;
}

/* A container that is being stopped or started at this moment is so to the end, and the process that
 * comes next asks again and waits for it; or nothing of it was ever heard. */
static void
settle_order(const struct flight *f)
{
	struct event lost = { .kind = EV_COUNT };

	if (f->has_facts && !is_down(part_of(&f->ask, &f->facts)) && world_chance(50))
		perform(&f->ask, &f->facts, &lost);
}

static bool
is_order_of_elder(const struct flight *f)
{
	return !f->is_answer && (f->ask.kind == FX_HALT || f->ask.kind == FX_REVIVE);
}

/* A task is begun by several requests, each after the answer to the one before: it does not begin
 * once the process is gone. */
static bool
is_in_steps(const struct flight *f)
{
	return f->ask.kind == FX_MIGRATE || f->ask.kind == FX_HOOK || f->ask.kind == FX_VERIFY;
}

void
world_crash(void)
{
	edge_lost_its_server();
	for (uint32_t i = 0; i < flight_count; i++)
		if (is_order_of_elder(&flights[i]))
			settle_order(&flights[i]);
	tasks_lost_their_server();
	windows_lost_their_server();
	for (uint32_t i = 0; i < flight_count;)
		if (flights[i].is_answer || is_order_of_elder(&flights[i])
		    || is_in_steps(&flights[i]))
			flights[i] = flights[--flight_count];
		else
			flights[i++].is_of_the_dead = true;
	memset(world.is_surveyed, 0, sizeof(world.is_surveyed));
	memset(world.is_task_surveyed, 0, sizeof(world.is_task_surveyed));
	images_crash();
}
