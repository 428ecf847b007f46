/* sim.c - the real runtime and the real store in a world that fails in every way the seed likes.
 *
 *   sim FROM COUNT     runs seeds FROM .. FROM + COUNT - 1; exit 1 at the first broken law
 *   sim FROM COUNT cover   the same, and every row of every table must have been taken
 *   sim FROM 1             with a readable trace
 *
 * A seed is a storm (triggers, cancels, crashes, faults) followed by calm: then everything must
 * settle. The laws are in check_*; same seed, same journal. At the end the rows that no seed took
 * are named. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/orphan.h"
#include "serve/runtime.h"
#include "base/check.h"
#include "base/log.h"
#include "store/db.h"
#include "store/store.h"
#include "world.h"

enum {
	STORM_STEPS = 150,
	CALM_STEPS = 4000,
	ROWS_MAX = 96,
	DEPLOYS_MAX = WORLD_DEPLOYS,
	POLL_MS = 600000,
	SWEEP_MS = 300000,
	SLOW_FACTOR = 10,
	WORKER = WORLD_STAGES - 1
};

static struct store *store;
static struct runtime *runtime;
static uint64_t seed;
static bool is_verbose;
static bool is_calm;
static uint64_t journal_hash;
static uint32_t crash_percent;
static uint64_t polls[WORLD_STAGES];
static int64_t pace; /* of polls and sweeps: slow ones leave room for long waits */
static uint64_t hits[ACTOR_KIND_COUNT][ROWS_MAX][EV_COUNT];
static uint64_t totals[DEPLOY_COUNT];
static uint8_t final_state[DEPLOYS_MAX]; /* enum deploy_state + 1 once over */

static _Noreturn void
fail(const char *law, uint64_t about)
{
	printf("FAILED seed=%" PRIu64 " at %" PRId64 " ms: %s (%" PRIu64 ")\n"
	       "replay: make sim SEED=%" PRIu64 "\n",
	    seed, world.now_ms, law, about, seed);
	exit(1);
}

/* Laws of a single step, checked when it is released: the commit has happened. */
static void
check_moved(const struct moved *m)
{
	const struct actor *a = &m->after;

	if (a->kind != ACTOR_DEPLOY || !fsm_is_final(&deploy_spec, a->state))
		return;
	const struct route *r = world_route(a->deploy.stage);
	const struct actor *stage = runtime_actor(runtime, a->deploy.stage);

	if (final_state[a->id] != 0)
		fail("a deploy ended twice", a->id);
	final_state[a->id] = (uint8_t)(a->state + 1);
	totals[a->state]++;
	if (a->deploy.ended_ms == 0)
		fail("a deploy ended without a time", a->id);
	if (a->state == DEPLOY_LIVE) {
		if (a->deploy.has_route && r->target != a->id)
			fail("LIVE, but the route points elsewhere", a->id);
		if (!world.is_running[a->id] && !world.has_vanished[a->id])
			fail("LIVE, but nothing runs", a->id);
		if (stage->stage.live != a->id)
			fail("LIVE, but the stage says otherwise", a->id);
	} else {
		if (r->target == a->id)
			fail("ended without success and holds the route", a->id);
		if (stage->stage.live == a->id)
			fail("ended without success and is called live", a->id);
		if (a->state != DEPLOY_FAILED && a->deploy.reason[0] == '\0')
			fail("ended without a reason", a->id);
	}
}

static void
on_moved(void *context UNUSED, const struct moved *m)
{
	const struct spec *spec = fsm_spec_of(m->after.kind);

	journal_hash = (journal_hash ^ m->after.id ^ (uint64_t)m->after.state << 32
			   ^ (uint64_t)m->on << 40)
			   * UINT64_C(0x100000001b3)
		       + (uint64_t)world.now_ms;
	if (is_verbose)
		printf("%9" PRId64 "  %-6s %3" PRIu64 "  %-10s %-10s -> %s  %s\n",
		    world.now_ms - 1000000, spec->name, m->after.id,
		    spec->state_names[m->from], event_names[m->on],
		    spec->state_names[m->after.state], m->text);
	check_moved(m);
	/* A part that dies right after the swap, for long: the rarest of histories, made less rare. */
	if (!is_calm && m->after.kind == ACTOR_DEPLOY && m->after.state == DEPLOY_DRAINING
	    && m->from == DEPLOY_SWAPPING && world_chance(pace == 1 ? 2 : 20)) {
		world.outage_until_ms[OUTAGE_PROXY] = world.now_ms + 100000000;
		world.outage_mode[OUTAGE_PROXY] = (uint32_t)(world_random() % 4 % 3);
	}
}

/* Law: nothing is released before its commit. What the store says now is what a crash would find. */
static void
check_released(const struct effect *effect)
{
	const struct actor *a = runtime_actor(runtime, effect->actor);
	struct query *q;

	if (store_is_dirty(store))
		fail("an effect left before the commit", effect->actor);
	if (effect->kind != FX_SWITCH && effect->kind != FX_RESTORE)
		return;
	CHECK(a != NULL);
	q = db_read(store_db(store), "SELECT epoch FROM swap WHERE id = ?");
	query_integer(q, (int64_t)effect->actor);
	if (!db_next(q) || (uint32_t)column_integer(q, 0) < effect->epoch)
		fail("a fence left before it was stored", effect->actor);
	db_done(q);
}

static bool release_crashes;

static void
on_perform(void *context UNUSED, const struct effect *effect)
{
	check_released(effect);
	if (release_crashes)
		return;
	world_ask(effect);
	if (!is_calm && world_chance(crash_percent / 4))
		release_crashes = true; /* died between two releases */
}

static const struct runtime_host host = { .perform = on_perform, .moved = on_moved };

/* Laws of the whole world, after every tick. */

static uint32_t active[WORLD_STAGES];

static void
check_actor(void *context UNUSED, const struct actor *a)
{
	const struct spec *spec = fsm_spec_of(a->kind);
	bool rests = spec->resting >> a->state & 1u;

	if ((a->deadline_ms == 0) != rests && a->deadline_ms == 0)
		fail("a state without a deadline", a->id);
	if (a->kind == ACTOR_DEPLOY && a->state != DEPLOY_RESOLVING
	    && a->state != DEPLOY_QUEUED)
		for (int i = 0; i < WORLD_STAGES; i++)
			if (world.stage_ids[i] == a->deploy.stage && ++active[i] > 1)
				fail("two deploys under way in one stage", a->deploy.stage);
	if (a->kind == ACTOR_SWAP) {
		const struct actor *parent = runtime_actor(runtime, a->swap.deploy);
		if (parent == NULL
		    || (parent->state != DEPLOY_SWAPPING && parent->state != DEPLOY_ABORTING))
			fail("a swap without its deploy", a->id);
	}
}

static void
check_world(void)
{
	for (int i = 0; i < WORLD_STAGES; i++) {
		const struct route *r = &world.routes[i];
		if (r->target != 0 && !world.is_running[r->target]
		    && !world.has_vanished[r->target])
			fail("the route points at what does not run", r->target);
		if (r->has_served && r->target == 0) {
			const struct actor *s = runtime_actor(runtime, world.stage_ids[i]);
			if (s->stage.live != 0)
				fail("a stage that served has no route", world.stage_ids[i]);
		}
	}
	memset(active, 0, sizeof(active));
	runtime_visit(runtime, check_actor, NULL);
}

static bool
is_orphan(uint64_t deploy)
{
	const struct actor *d = runtime_actor(runtime, deploy);
	struct orphan_facts facts = {
		.is_ours = true, .is_known = true, .is_final = d == NULL
	};

	for (int i = 0; i < WORLD_STAGES; i++) {
		const struct actor *s = runtime_actor(runtime, world.stage_ids[i]);
		if (s->stage.live == deploy)
			facts.is_live = true;
	}
	struct query *q = db_read(store_db(store), "SELECT stage FROM deploy WHERE id = ?");
	query_integer(q, (int64_t)deploy);
	if (db_next(q)) {
		const struct actor *s = runtime_actor(runtime, (uint64_t)column_integer(q, 0));
		facts.is_stage_busy = s->stage.running != 0;
	}
	db_done(q);
	return orphan_judge(&facts) == ORPHAN_REMOVE;
}

static void
crash(const char *when)
{
	struct err err;

	if (is_verbose)
		printf("%9" PRId64 "  crash %s\n", world.now_ms - 1000000, when);
	store_rollback(store);
	world_crash();
	runtime_free(runtime);
	runtime = runtime_new(store, &host);
	CHECK(runtime_load(runtime, &err) == 0);
	runtime_recover(runtime, world.now_ms);
}

static void
commit_and_release(void)
{
	if (!is_calm && world_chance(crash_percent)) {
		crash("before the commit");
		store_commit(store);
	} else {
		store_commit(store);
		if (!is_calm && world_chance(crash_percent)) {
			crash("after the commit");
			store_commit(store);
		}
	}
	release_crashes = false;
	runtime_release(runtime);
	if (release_crashes) {
		crash("between two releases");
		release_crashes = false;
		store_commit(store);
		bool was_calm = is_calm;
		is_calm = true; /* one crash at a time */
		runtime_release(runtime);
		is_calm = was_calm;
	}
	check_world();
}

static void
tick(void)
{
	runtime_step(runtime, world.now_ms);
	commit_and_release();
}

static void
trigger(void)
{
	uint32_t tag = (uint32_t)(world_random() % WORLD_TAGS);
	struct event e = { .kind = EV_TRIGGER,
		.to = world.stage_ids[world_random() % WORLD_STAGES],
		.trigger = TRIGGER_WEBHOOK,
		.flag = world_chance(10) };

	snprintf(e.tag, sizeof(e.tag), "v%u", tag);
	if (world_chance(30)) { /* a rollback names the digest */
		e.trigger = TRIGGER_ROLLBACK;
		snprintf(e.digest, sizeof(e.digest), "sha256:%064u", world.tag_digest[tag]);
	}
	if (world_chance(20))
		world.newest_tag = tag;
	if (world_chance(10))
		world.tag_digest[tag] += 100; /* the tag moves */
	runtime_post(runtime, &e);
	if (world_chance(20))
		runtime_post(runtime, &e); /* hooks come twice */
}

static void
disturb(void)
{
	struct event e = { 0 };
	uint64_t pick = world_random() % 11;
	int stage = (int)(world_random() % WORLD_STAGES);

	if (pick < 4) {
		trigger();
		return;
	}
	if (pick < 6) { /* cancel something that may exist */
		e.kind = EV_CANCEL;
		e.to = 1 + world_random() % (store_id_max(store) + 1);
		const struct actor *a = runtime_actor(runtime, e.to);
		if (a == NULL || a->kind == ACTOR_SWAP)
			return;
		if (a->kind == ACTOR_SWEEP && !world_chance(20))
			return;
	} else if (pick < 7) {
		e.kind = EV_NUDGED;
		e.to = polls[stage] + (world_chance(50) ? 0 : WORLD_STAGES - (uint64_t)stage);
	} else if (pick < 8) {
		e.kind = EV_CONFIGURED;
		e.to = polls[stage];
		e.after_ms = world_chance(70) ? POLL_MS * pace : 0;
		e.flag = world_chance(80);
		e.count = world_chance(20);
	} else if (pick < 9) {
		e.kind = EV_CONFIGURED;
		e.to = world.stage_ids[stage];
		e.spec = 1 + world_random() % 3;
		e.flag = stage != WORKER;
	} else if (pick < 10) { /* a part goes down: for seconds, for hours, rarely for days */
		static const int64_t most_ms[] = { 60000, 60000, 3600000, 20000000,
			200000000 };
		int64_t length_ms =
		    (int64_t)(world_random()
			      % (uint64_t)most_ms[world_random() % COUNT(most_ms)]);
		uint64_t part = world_random() % OUTAGE_COUNT;
		if (world_chance(60) && world.outage_until_ms[part] < world.now_ms) {
			world.outage_until_ms[part] = world.now_ms + length_ms;
			world.outage_mode[part] = (uint32_t)(world_random() % 4);
		}
		return;
	} else if (world_chance(world.faults.vanish)) {
		uint64_t d = world.routes[stage].target;
		world.is_running[d] = false;
		world.has_vanished[d] = true;
		return;
	} else {
		return;
	}
	runtime_post(runtime, &e);
}

static void
advance(void)
{
	int64_t due_ms = runtime_due_ms(runtime, world.now_ms);
	struct event answer;

	if (world_has_flights() && world_next_ms() <= due_ms) {
		if (world_land(&answer))
			runtime_post(runtime, &answer);
	} else if (due_ms != INT64_MAX && due_ms > world.now_ms) {
		world.now_ms = due_ms;
	} else if (due_ms == INT64_MAX) {
		world.now_ms += 60000; /* nothing is due and nothing flies */
	}
	tick();
}

static void
find_unsettled(void *context, const struct actor *a)
{
	uint64_t *found = context;

	if (a->kind == ACTOR_DEPLOY || a->kind == ACTOR_SWAP
	    || (a->kind == ACTOR_STAGE && a->state != STAGE_IDLE))
		*found = a->id;
}

/* Law: when the storm is over everything comes to its end, and the sweep leaves only what serves. */
static void
settle(void)
{
	uint64_t unsettled = 0;
	int64_t until_ms = 0;

	is_calm = true;
	memset(&world.faults, 0, sizeof(world.faults));
	memset(&world.outage_until_ms, 0, sizeof(world.outage_until_ms));
	for (int step = 0;; step++) {
		unsettled = 0;
		runtime_visit(runtime, find_unsettled, &unsettled);
		if (unsettled == 0 && until_ms == 0)
			until_ms =
			    world.now_ms + 5000000
			    + 5 * pace * SWEEP_MS; /* late asks land, sweeps come round */
		if (unsettled == 0 && world.now_ms >= until_ms)
			break;
		if (step > CALM_STEPS * 20)
			fail("no end after the storm", unsettled);
		advance();
	}
	for (int i = 0; i < WORLD_STAGES; i++) {
		const struct actor *s = runtime_actor(runtime, world.stage_ids[i]);
		if (i != WORKER && world.routes[i].target != s->stage.live)
			fail("the route is not what the stage says", s->id);
	}
	if (runtime_count(runtime, ACTOR_SWEEP) == 0)
		return;
	for (uint64_t d = 1; d <= world.newest_deploy; d++)
		if (world.is_running[d] && is_orphan(d))
			fail("an orphan after the sweep", d);
}

static void
populate(void)
{
	for (int i = 0; i < WORLD_STAGES; i++) {
		struct actor a = { .kind = ACTOR_STAGE, .state = STAGE_IDLE };
		a.stage.spec = 1;
		a.stage.has_route = i != WORKER;
		world.stage_ids[i] = runtime_spawn(runtime, a);
	}
	for (int i = 0; i < WORLD_STAGES; i++) {
		struct actor a = { .kind = ACTOR_POLL, .state = POLL_OFF };
		a.poll.stage = world.stage_ids[i];
		polls[i] = runtime_spawn(runtime, a);
		runtime_post(runtime, &(struct event){ .kind = EV_CONFIGURED,
					  .to = polls[i],
					  .after_ms = POLL_MS * pace,
					  .flag = true });
	}
	struct actor a = { .kind = ACTOR_SWEEP, .state = SWEEP_WAITING };
	a.sweep.interval_ms = SWEEP_MS * pace;
	runtime_spawn(runtime, a);
}

static void
wipe(void)
{
	db_script(store_db(store),
	    "DELETE FROM deploy; DELETE FROM swap; DELETE FROM poll_actor;"
	    "DELETE FROM stage_actor; DELETE FROM sweep_actor; DELETE FROM journal");
	store_commit(store);
}

static uint64_t
run(uint64_t which)
{
	seed = which;
	journal_hash = 0;
	is_calm = false;
	release_crashes = false;
	memset(final_state, 0, sizeof(final_state));
	world_reset(which);
	world.is_orphan = is_orphan;
	crash_percent = world_chance(70) ? (uint32_t)(world_random() % 8) : 0;
	pace = world_chance(50) ? 1 : SLOW_FACTOR;
	uint32_t disturb_percent = 5 + (uint32_t)(world_random() % 30);
	for (uint64_t d = 0; d < WORLD_DEPLOYS; d++)
		world.is_bad[d] = world_chance(world.faults.bad_image);
	wipe();
	runtime = runtime_new(store, &host);
	runtime_step(runtime, world.now_ms);
	populate();
	store_commit(store);
	runtime_release(runtime);
	int steps = world_chance(20) ? 3 * STORM_STEPS : STORM_STEPS;
	for (int step = 0; step < steps; step++) {
		if (world_chance(disturb_percent))
			disturb();
		advance();
	}
	settle();
	runtime_free(runtime);
	return journal_hash;
}

#ifndef SIM_WITHOUT_MAIN
static int
report_cold(bool is_loud)
{
	int cold = 0;

	for (int kind = 0; kind < ACTOR_KIND_COUNT; kind++) {
		const struct spec *s = fsm_spec_of((enum actor_kind)kind);
		for (int i = 0; i < s->row_count; i++)
			for (int ev = 0; ev < EV_COUNT; ev++) {
				if (!(s->rows[i].on >> ev & 1u) || hits[kind][i][ev] > 0)
					continue;
				if (kind == ACTOR_POLL && s->rows[i].in == POLL_SEEKING
				    && ev == EV_RECOVERED)
					continue; /* entered by quiet rows only: never stored */
				cold++;
				if (is_loud)
					printf("never taken: %s %s on %s [%s]\n", s->name,
					    s->state_names[s->rows[i].in], event_names[ev],
					    s->rows[i].guard_name);
			}
	}
	return cold;
}
#endif

static void
count_hit(const struct actor *a, const struct row *row, enum event_kind kind)
{
	hits[a->kind][row - fsm_spec_of(a->kind)->rows][kind]++;
}

void
sim_run(uint64_t from, uint64_t count)
{
	struct err err;

	log_setup(LOG_ERROR, false, 2);
	fsm_on_taken = count_hit;
	store = store_open(NULL, &err);
	CHECK(store != NULL);
	for (uint64_t s = from; s < from + count; s++) {
		uint64_t hash = run(s);
		if (s % 64 == 0 && run(s) != hash)
			fail("same seed, another journal", s);
	}
	store_close(store);
}

#ifndef SIM_WITHOUT_MAIN
int
main(int argc, char **argv)
{
	uint64_t count;
	bool must_cover;
	int cold;

	CHECK(argc >= 3);
	count = strtoull(argv[2], NULL, 10);
	is_verbose = count == 1;
	sim_run(strtoull(argv[1], NULL, 10), count);
	must_cover = argc > 3 && strcmp(argv[3], "cover") == 0;
	cold = report_cold(must_cover);
	printf("sim: %" PRIu64 " seeds, %d transitions never taken;", count, cold);
	for (int i = 0; i < DEPLOY_COUNT; i++)
		if (totals[i] > 0)
			printf(" %s %" PRIu64, deploy_spec.state_names[i], totals[i]);
	printf("\n");
	return must_cover && cold > 0 ? 1 : 0;
}
#endif
