/* tick.c - see tick.h. */
#include "serve/tick.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "http/server.h"
#include "ports/notify.h"
#include "serve/app.h"
#include "serve/notices.h"
#include "serve/runtime.h"
#include "serve/kept.h"
#include "store/catalog.h"
#include "store/retention.h"
#include "store/store.h"

enum { SLEEP_MAX_MS = 60000, GOODBYE_MS = 2000 };

/* While it ends, nothing is removed: that can wait. */
static int64_t
next_due_ms(const struct app *app)
{
	int64_t due_ms = runtime_due_ms(app->runtime, clock_now_ms());
	int64_t removing_ms = retention_due_ms(app->retention, clock_now_ms());
	int64_t cooling_ms = kept_due_ms(app);

	due_ms = cooling_ms < due_ms ? cooling_ms : due_ms;
	return !app->is_draining && removing_ms < due_ms ? removing_ms : due_ms;
}

static void
set_alarm(const struct app *app, int64_t due_ms)
{
	int64_t sleep_ms = due_ms == INT64_MAX ? SLEEP_MAX_MS : due_ms - clock_now_ms();

	if (app->is_draining && sleep_ms > app->drain_until_ms - clock_now_ms())
		sleep_ms = app->drain_until_ms - clock_now_ms();
	loop_timer_set(app->wake, sleep_ms < SLEEP_MAX_MS ? sleep_ms : SLEEP_MAX_MS);
}

static void
wait(struct app *app)
{
	int64_t due_ms = next_due_ms(app);
	bool may_wait = !http_server_is_busy(app->server) && !store_is_dirty(app->store)
			&& due_ms > clock_now_ms();

	if (may_wait)
		set_alarm(app, due_ms);
	loop_turn(app->loop, may_wait);
}

static void
count_tick(struct app *app, int64_t took_us)
{
	struct tick_figures *ticks = &app->ticks;

	ticks->count++;
	ticks->spent_us += took_us;
	if (took_us > ticks->longest_us)
		ticks->longest_us = took_us;
	if (took_us <= TICK_SLOW_MS * 1000)
		return;
	ticks->slow++;
	log_event(LOG_WARN, NULL, "tick.slow",
	    (struct log_field[]){ LOG_NUMBER("ms", took_us / 1000), LOG_END },
	    "a tick took %" PRId64 " ms", took_us / 1000);
}

static void
tell_jump(void)
{
	int64_t by_ms = clock_jump_ms();

	if (by_ms != 0)
		log_warn(NULL, "clock.jumped",
		    "the machine's clock was set by %+" PRId64
		    " s; deadlines are not affected, and deploys are dated by the new time"
		    " after the next start of slipway",
		    (by_ms + (by_ms > 0 ? 500 : -500)) / 1000);
}

void
tick(struct app *app)
{
	int64_t started_us;

	wait(app);
	clock_tick();
	tell_jump();
	started_us = clock_mono_us();
	runtime_step(app->runtime, clock_now_ms());
	kept_step(app, clock_now_ms());
	http_server_step(app->server, TICK_EVENTS_MAX);
	notices_step(app);
	if (!app->is_draining) /* behind what asks whether it was told before */
		retention_step(app->retention, clock_now_ms());
	store_commit(app->store);
	/* Answers first: ports may write lines while they are asked, and a stream reads the store. */
	http_server_release(app->server);
	runtime_release(app->runtime);
	catalog_reap(app->catalog);
	count_tick(app, clock_mono_us() - started_us);
}

void
drain_begin(struct app *app)
{
	app->is_draining = true;
	app->drain_until_ms = clock_now_ms() + app->settings->shutdown_drain_timeout_ms;
	log_info(NULL, "serve.draining",
	    "stopping: new work is refused, %zu deploys finish (at most %" PRId64 " s);"
	    " a second signal ends at once",
	    runtime_count(app->runtime, ACTOR_DEPLOY),
	    app->settings->shutdown_drain_timeout_ms / 1000);
}

/* What pends may do so for days, and goes on after the next start. */
static void
count_unended(void *context, const struct actor *a)
{
	size_t *count = context;

	*count += a->kind == ACTOR_DEPLOY && a->state != DEPLOY_PENDING;
}

bool
drain_is_over(const struct app *app)
{
	size_t unended = 0;

	if (app->is_draining)
		runtime_visit(app->runtime, count_unended, &unended);
	return app->is_draining && unended == 0
	       && runtime_count(app->runtime, ACTOR_SWAP) == 0;
}

bool
drain_is_late(const struct app *app)
{
	return app->is_draining && clock_now_ms() >= app->drain_until_ms;
}

/* What the last deploys had to tell is on its way; the rest is kept for the next start. */
static bool
has_said_goodbye(const struct app *app)
{
	return http_server_is_drained(app->server) && !notifier_is_busy(app->notifier);
}

void
drain_end(struct app *app)
{
	int64_t until_ms = clock_now_ms() + GOODBYE_MS;

	http_server_stop_accepting(app->server);
	http_server_drain(app->server);
	while (!has_said_goodbye(app) && clock_now_ms() < until_ms)
		tick(app);
}
