/* server.c - the real server in the simulator: its births, its deaths, its turns.
 *
 * The one idea: a crash is a promise broken, not memory freed. The process is marked dead at a point
 * within the tick; from there on its commit is a rollback, its effects and bytes go nowhere; when the
 * tick has ended what is left of it is taken down in order, and the store is what a next life finds.
 * The __wrap_ functions are those points. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "config/settings.h"
#include "http/server.h"
#include "net.h"
#include "sabotage.h"
#include "serve/life.h"
#include "serve/tick.h"
#include "sim.h"
#include "store/db.h"
#include "store/store.h"

static struct settings settings = { .listen = { .text = "127.0.0.1:8080" },
	.data = "",
	.config = "",
	.token = "the-token-of-the-simulator",
	.is_edge_on = true,
	.key_file = "",
	.keys = "",
	.secret_paths = "",
	.volume_paths = "",
	.powers = "",
	.shutdown_drain_timeout_ms = 300000 };
static struct runtime_host real_host;

void __wrap_store_commit(struct store *store);
void __real_store_commit(struct store *store);
struct runtime *__wrap_runtime_new(struct store *store, const struct runtime_host *host);
struct runtime *__real_runtime_new(struct store *store, const struct runtime_host *host);
void __wrap_http_server_release(struct http_server *server);
void __real_http_server_release(struct http_server *server);
void __wrap_random_bytes(void *to, size_t n);
void __real_random_bytes(void *to, size_t n);
ssize_t __wrap_getrandom(void *to, size_t n, unsigned flags);
void
__wrap_log_event(enum log_level level, const struct log_context *context, const char *event,
    const struct log_field *fields, const char *format, ...) PRINTF_LIKE(5, 6);
void
__real_log_event(enum log_level level, const struct log_context *context, const char *event,
    const struct log_field *fields, const char *format, ...) PRINTF_LIKE(5, 6);
void __wrap_fsm_verify(const struct spec *spec);
void __real_fsm_verify(const struct spec *spec);

void
server_die(enum crash_point point, const char *when)
{
	if (sim.is_dead)
		return;
	sim.crashes[point]++;
	sim.is_dead = true;
	sim_trace("           crash  %s\n", when);
}

void
__wrap_store_commit(struct store *store)
{
	bool may_die = !sim.is_calm && sim.is_up && store_is_dirty(store);

	if (may_die && world_chance(sim.crash_percent))
		server_die(CRASH_BEFORE_COMMIT, "before the commit");
	if (sim.is_dead) {
		sim.has_port_written = false;
		store_rollback(store);
		kept_end(false);
		notices_end(false);
		return;
	}
	if (sim.is_born && sabotage == SABOTAGE_ANSWER_FIRST)
		__wrap_http_server_release(sim.app.server);
	if (sim.is_born && sabotage == SABOTAGE_LOSE_COMMIT && world_chance(2))
		store_rollback(store);
	sim.commits += store_is_dirty(store);
	__real_store_commit(store);
	sim.has_port_written = false;
	kept_end(true);
	notices_end(true);
	if (may_die && world_chance(sim.crash_percent))
		server_die(CRASH_AFTER_COMMIT, "after the commit");
}

static void
on_moved(void *context, const struct moved *m)
{
	const struct spec *spec = fsm_spec_of(m->after.kind);

	if (sim.is_dead)
		return;
	sim.happened +=
	    m->after.kind != ACTOR_NOTIFY; /* the storm waits for what it is about */
	sim_hash(&m->seq, sizeof(m->seq));
	sim_hash(&m->after.id, sizeof(m->after.id));
	sim_hash(&m->after.state, sizeof(m->after.state));
	sim_trace("%9" PRId64 "  %-6s %3" PRIu64 "  %-10s %-10s -> %s  %s\n",
	    world.now_ms - 1000000, spec->name, m->after.id, spec->state_names[m->from],
	    event_names[m->on], spec->state_names[m->after.state], m->text);
	terms_moved(m);
	check_moved(m);
	real_host.moved(context, m);
	storm_moved(m);
}

struct runtime *
__wrap_runtime_new(struct store *store, const struct runtime_host *host)
{
	struct runtime_host ours = *host;

	real_host = *host;
	ours.moved = on_moved;
	return __real_runtime_new(store, &ours);
}

void
__wrap_http_server_release(struct http_server *server)
{
	sim.is_releasing = true;
	__real_http_server_release(server);
	sim.is_releasing = false;
}

static bool
on_leaving(void)
{
	check_leaving();
	if (sim.is_releasing && !sim.is_calm && world_chance(sim.crash_percent / 4))
		server_die(CRASH_IN_ANSWERS, "between two answers");
	return !sim.is_dead || sabotage == SABOTAGE_LAST_WORDS;
}

/* Once a process is enough: a table does not change with each of its lives. */
void
__wrap_fsm_verify(const struct spec *spec)
{
	static const struct spec *verified[ACTOR_KIND_COUNT];

	for (int i = 0; i < ACTOR_KIND_COUNT; i++) {
		if (verified[i] == spec)
			return;
		if (verified[i] == NULL) {
			__real_fsm_verify(spec);
			verified[i] = spec;
			return;
		}
	}
	__real_fsm_verify(spec); /* a unit test's own */
}

/* Ids of requests and of webhooks, the same in every run of a seed. */

void
__wrap_random_bytes(void *to, size_t n)
{
	unsigned char *bytes = to;

	if (sabotage == SABOTAGE_CHANCE)
		__real_random_bytes(to, n);
	for (size_t i = 0; i < n && sabotage != SABOTAGE_CHANCE; i++)
		bytes[i] = (unsigned char)world_random();
}

ssize_t
__wrap_getrandom(void *to, size_t n, unsigned flags UNUSED)
{
	__wrap_random_bytes(to, n);
	return (ssize_t)n;
}

/* What goes wrong on purpose is not told; nothing else does. */
void
__wrap_log_event(enum log_level level, const struct log_context *context, const char *event,
    const struct log_field *fields, const char *format, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list args;

	if (level < LOG_ERROR || strncmp(event, "port.", 5) == 0
	    || strncmp(event, "proxy.", 6) == 0 || strncmp(event, "secrets.", 8) == 0)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	__real_log_event(level, context, event, fields, "%s", text);
}

/* Each is compiled once. */
static const char *const empty[] = {
	"DELETE FROM deploy",
	"DELETE FROM swap",
	"DELETE FROM poll_actor",
	"DELETE FROM stage_actor",
	"DELETE FROM sweep_actor",
	"DELETE FROM journal",
	"DELETE FROM deploy_log",
	"DELETE FROM instance",
	"DELETE FROM task",
	"DELETE FROM spec",
	"DELETE FROM stage",
	"DELETE FROM project",
	"DELETE FROM engine",
	"DELETE FROM proxy",
	"DELETE FROM registry",
	"DELETE FROM webhook",
	"DELETE FROM delivery",
	"DELETE FROM sqlite_sequence",
	"DELETE FROM secret",
	"DELETE FROM deploy_secret",
	"DELETE FROM deploy_env",
	"DELETE FROM receiver",
	"DELETE FROM notify_rule",
	"DELETE FROM notify",
	"DELETE FROM wish",
	"DELETE FROM approval",
	"DELETE FROM audit",
	"DELETE FROM image",
	"DELETE FROM pin",
	"DELETE FROM meta WHERE key LIKE '%floor' OR key IN ('webhook', 'secret_version')",
};

void
server_reset(void)
{
	net_reset();
	net_on_leaving = on_leaving;
	for (size_t i = 0; i < COUNT(empty); i++)
		db_run(db_write(store_db(sim.store), empty[i]));
	secrets_reset();
	sim.commits++;
	__real_store_commit(sim.store);
}

void
server_start(void)
{
	struct err err;

	CHECK(!sim.is_up);
	settings.sweep_interval_ms = SWEEP_MS * sim.pace;
	settings.keep = sim.keep;
	sim.app =
	    (struct app){ .settings = &settings, .store = sim.store, .loop = loop_new() };
	sim.is_dead = false;
	sim.has_port_written = false;
	sim.is_up = true;
	sim_trace("           start\n");
	clock_tick();
	terms_begin();
	CHECK(life_begin(&sim.app, &err) == 0);
	sim.is_born = true;
	if (!sim.is_dead)
		check_secrets();
}

void
server_bury(void)
{
	sim.is_dead = true; /* its last words are for nobody */
	store_rollback(sim.store);
	sim.has_port_written = false;
	kept_end(false);
	notices_end(false);
	net_die();
	world_crash();
	life_end(&sim.app);
	store_watch_log(sim.store, NULL, NULL);
	sim.is_up = false;
	sim.is_born = false;
	sim.is_dead = false;
}

void
server_tick(void)
{
	tick(&sim.app);
}

/* As run() of src/serve/serve.c ends. */
void
server_stop_in_peace(void)
{
	sim.drains++;
	sim.drained_ms = world.now_ms;
	sim_trace("           SIGTERM\n");
	drain_begin(&sim.app);
	while (!sim.is_dead && !drain_is_over(&sim.app) && !drain_is_late(&sim.app)) {
		server_tick();
		check_world();
		sim.drained_ms = world.now_ms;
	}
	if (!sim.is_dead && drain_is_over(&sim.app))
		drain_end(&sim.app);
	sim.drained_ms = world.now_ms;
}
