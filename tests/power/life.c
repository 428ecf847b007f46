/* life.c - see life.h: the real store and the real runtime, with answers drawn from the seed. */
#include "life.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "checks.h"
#include "disk.h"
#include "serve/runtime.h"
#include "store/deploys.h"
#include "store/retention.h"
#include "store/store.h"

enum {
	STAGES = 3,
	PATH_SIZE = 256,
	TICKS_MAX = 200,
	TICKS_LAST = 10,
	EFFECTS_MAX = 256,
};

static uint64_t random_state;
static const char *root;
static struct promise *promise;
static struct store *store;
static struct runtime *runtime;
static struct retention *retention;
static uint64_t ids[STAGES];
static struct effect effects[EFFECTS_MAX]; /* asked and not answered */
static size_t effect_count;

int64_t __wrap_clock_wall_ms(void);

/* Rows name the time: by the seed, too. */
int64_t
__wrap_clock_wall_ms(void)
{
	return promise->now_ms;
}

static uint64_t
draw(uint64_t below)
{
	return disk_random(&random_state) % below;
}

/* The world. */

static struct event
answer_of(const struct effect *effect)
{
	static const enum event_kind done[FX_COUNT] = { [FX_RESOLVE] = EV_RESOLVED,
		[FX_PULL] = EV_PULLED,
		[FX_RUN] = EV_STARTED,
		[FX_MIGRATE] = EV_MIGRATED,
		[FX_HOOK] = EV_HOOKED,
		[FX_VERIFY] = EV_VERIFIED,
		[FX_PROBE] = EV_HEALTHY,
		[FX_REMOVE] = EV_REMOVED,
		[FX_DRAIN] = EV_DRAINED,
		[FX_RETIRE] = EV_RETIRED,
		[FX_SWITCH] = EV_SWITCHED,
		[FX_CONFIRM] = EV_CONFIRMED,
		[FX_RESTORE] = EV_RESTORED,
		[FX_SEEK] = EV_SOUGHT,
		[FX_SURVEY] = EV_SURVEYED,
		[FX_COLLECT] = EV_COLLECTED,
		[FX_NOTIFY] = EV_NOTIFIED };
	struct event e = { .kind = done[effect->kind],
		.to = effect->actor,
		.epoch = effect->epoch,
		.count = (uint32_t)draw(2) };

	snprintf(e.tag, sizeof(e.tag), "v%" PRIu64, draw(9));
	snprintf(e.digest, sizeof(e.digest), "sha256:%064" PRIu64, draw(30));
	if (draw(10) == 0) {
		e.kind = draw(3) == 0 ? EV_REFUSED : EV_TROUBLED;
		snprintf(e.text, sizeof(e.text), "the seed says no (%" PRIu64 ")", draw(1000));
	}
	return e;
}

static void
on_perform(void *context UNUSED, const struct effect *effect)
{
	if (effect_count == EFFECTS_MAX) /* the oldest is lost: its deadline will tell */
		memmove(effects, effects + 1, --effect_count * sizeof(effects[0]));
	effects[effect_count++] = *effect;
}

static void
on_moved(void *context UNUSED, const struct moved *moved)
{
	const struct actor *a = &moved->after;

	if (promise->is_removing && a->kind == ACTOR_DEPLOY
	    && fsm_is_final(&deploy_spec, a->state))
		retention_look(retention, a->deploy.stage);
}

/* What ports write beside their answer. */
static void
write_rows(const struct effect *effect)
{
	struct instance row = { .deploy = effect->deploy, .replica = (int)draw(3) };
	char line[LOG_LINE_SIZE];
	size_t size = 1 + draw(draw(4) == 0 ? sizeof(line) - 1 : 80);

	if (effect->deploy == 0)
		return;
	memset(line, 'a' + (int)draw(26), size);
	store_deploy_log_add(store, effect->deploy, "info", (struct str){ line, size });
	if (effect->kind == FX_RUN) {
		snprintf(
		    row.container_id, sizeof(row.container_id), "%064" PRIu64, draw(1000));
		snprintf(row.status, sizeof(row.status), "running");
		store_instance_put(store, &row);
	}
	if (effect->kind == FX_REMOVE && draw(2) == 0)
		store_instances_forget(store, effect->deploy);
}

static void
answer_some(void)
{
	for (uint64_t n = draw(4); n > 0 && effect_count > 0; n--) {
		size_t i = draw(effect_count);
		struct event e = answer_of(&effects[i]);

		write_rows(&effects[i]);
		runtime_post(runtime, &e);
		effects[i] = effects[--effect_count];
	}
}

static void
disturb(void)
{
	struct event e = { .kind = EV_TRIGGER, .to = ids[draw(STAGES)], .flag = draw(5) == 0 };

	snprintf(e.tag, sizeof(e.tag), "v%" PRIu64, draw(9));
	if (draw(3) == 0)
		runtime_deliver(runtime, &e, NULL);
	if (draw(30) == 0) {
		e.kind = EV_CANCEL;
		runtime_deliver(runtime, &e, NULL);
	}
	if (draw(20) == 0)
		store_meta_put(store, "power", e.tag);
	if (draw(8) == 0)
		checks_replace(draw(FILES));
}

/* The store. */

static void
open_store(void)
{
	char directory[PATH_SIZE];
	struct err err;

	snprintf(directory, sizeof(directory), "%s/data", root);
	store = store_open(directory, &err);
	if (store == NULL)
		lost("the store does not open", err.text);
}

/* Settings of the connection that only a test has. */
static void
set_up(sqlite3 *sqlite, const char *synchronous)
{
	static const int checkpoints[] = { 100, 20 };
	char sql[64];

	if (draw(2) == 0) /* more often than a server does, so that the cut meets one */
		sqlite3_wal_autocheckpoint(sqlite, checkpoints[draw(COUNT(checkpoints))]);
	if (synchronous == NULL)
		return;
	snprintf(sql, sizeof(sql), "PRAGMA synchronous=%s", synchronous);
	CHECK(sqlite3_exec(sqlite, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static void
commit(void)
{
	if (!store_is_dirty(store))
		return;
	promise->begun = checks_content();
	store_commit(store);
	promise->kept = promise->begun;
}

static void
find_stage(void *context, const struct actor *a)
{
	size_t *count = context;

	if (a->kind == ACTOR_STAGE && *count < STAGES)
		ids[(*count)++] = a->id;
}

static void
make_stages(void)
{
	struct actor sweep = { .kind = ACTOR_SWEEP, .state = SWEEP_WAITING };

	sweep.sweep.engine = 1;
	sweep.sweep.interval_ms = 60000;
	runtime_spawn(runtime, sweep);
	for (size_t i = 0; i < STAGES; i++) {
		struct actor stage = { .kind = ACTOR_STAGE, .state = STAGE_IDLE };
		struct actor poll = { .kind = ACTOR_POLL, .state = POLL_OFF };
		struct event e = { .kind = EV_CONFIGURED, .spec = 1, .flag = i > 0 };

		e.to = ids[i] = runtime_spawn(runtime, stage);
		runtime_deliver(runtime, &e, NULL);
		poll.poll.stage = ids[i];
		e.after_ms = 600000;
		e.to = runtime_spawn(runtime, poll);
		runtime_deliver(runtime, &e, NULL);
	}
}

static void
take_up(void)
{
	static const struct runtime_host host = { .perform = on_perform, .moved = on_moved };
	static const struct retention_rules rules = { .deploys = 3, .rollbacks = 1 };
	size_t count = 0;
	struct err err;

	retention = retention_new(store, &rules, promise->now_ms);
	runtime = runtime_new(store, &host);
	if (runtime_load(runtime, &err) != 0)
		lost("the actors do not load", err.text);
	runtime_recover(runtime, promise->now_ms);
	runtime_visit(runtime, find_stage, &count);
	if (count == 0)
		make_stages();
	else if (count != STAGES)
		lost("stages", "some are missing");
	commit();
	runtime_release(runtime);
}

static void
open_all(const char *synchronous)
{
	open_store();
	set_up(checks_opened(), synchronous);
	take_up();
}

static void
close_all(void)
{
	checks_closing();
	retention_free(retention);
	runtime_free(runtime);
	store_close(store);
	effect_count = 0;
}

void
life(const char *below, uint64_t life_seed, struct promise *shared, bool is_last,
    const char *synchronous)
{
	uint64_t ticks;

	root = below;
	random_state = life_seed;
	promise = shared;
	ticks = is_last ? TICKS_LAST : TICKS_MAX;
	checks_begin(below, shared);
	open_all(synchronous);
	for (uint64_t i = 0; i < ticks; i++) {
		promise->now_ms += (int64_t)draw(draw(10) == 0 ? 600000 : 500);
		answer_some();
		disturb();
		runtime_step(runtime, promise->now_ms);
		if (promise->is_removing)
			retention_step(retention, promise->now_ms);
		commit();
		runtime_release(runtime);
		if (draw(40) == 0) { /* in order: SQLite puts the WAL into the database */
			close_all();
			open_all(synchronous);
		}
	}
	close_all();
}
