/* serve.c - the birth, the tick and the end of the server.
 *
 * Start: lock, load, recover, and only then listen. Tick: events in, pure steps, one commit, then
 * answers and effects (see runtime.h). End: SIGTERM and SIGINT stop new work and let every deploy
 * finish; a second one, or the time limit, ends at once, which is the same as a crash and safe. */
#include "serve/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/memory.h"
#include "config/file.h"
#include "config/report.h"
#include "config/settings.h"
#include "http/server.h"
#include "ports/fetch.h"
#include "serve/app.h"
#include "serve/commands.h"
#include "serve/ports.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/retention.h"
#include "store/store.h"

enum { TOKEN_BYTES = 24, SLEEP_MAX_MS = 60000, SETTLE_MS = 2000, DESCRIPTORS_WANTED = 8192 };

static struct app app;
static int signals_seen;
static int64_t drain_until_ms;
static struct loop_timer *wake;
static struct loop_timer *settle;

static void
on_signal(void *context UNUSED)
{
	signals_seen++;
}

static void
on_wake(void *context UNUSED)
{
}

static void
on_settled(void *context UNUSED)
{
	memory_settle();
}

/* One place prints transitions: here, from what the journal keeps, after the commit. */
static void
on_moved(void *context, const struct moved *m)
{
	const struct spec *spec = fsm_spec_of(m->after.kind);
	uint64_t deploy = m->after.kind == ACTOR_DEPLOY ? m->after.id
			  : m->after.kind == ACTOR_SWAP ? m->after.swap.deploy
							: 0;
	struct log_context log = { .deploy_id = deploy };
	struct deploy_row row;

	if (deploy != 0 && store_deploy_get(app.store, deploy, &row)) {
		log.project = row.project;
		log.stage = row.stage_name;
		log.tag = row.tag;
		log.digest = row.digest;
	}
	log_event(deploy == 0 ? LOG_DEBUG : LOG_INFO, &log, "actor.moved",
	    (struct log_field[]){ LOG_TEXT("actor", spec->name),
		LOG_TEXT("from", spec->state_names[m->from]),
		LOG_TEXT("on", event_names[m->on]),
		LOG_TEXT("to", spec->state_names[m->after.state]), LOG_END },
	    "%s %s -> %s%s%s", spec->name, spec->state_names[m->from],
	    spec->state_names[m->after.state], m->text[0] == '\0' ? "" : ": ", m->text);
	if (deploy != 0)
		api_wake(context, deploy);
	if (m->after.kind == ACTOR_DEPLOY && fsm_is_final(spec, m->after.state))
		retention_look(app.retention, m->after.deploy.stage);
}

static void
on_log_added(void *context, uint64_t deploy)
{
	api_wake(context, deploy);
}

/* SLIPWAY_TOKEN, or one that is made at the first start and shown once. Only its hash is stored. */
static void
set_up_token(void)
{
	const char *given = app.settings->token;
	char made[2 * TOKEN_BYTES + 1];
	unsigned char bytes[TOKEN_BYTES];

	if (given[0] != '\0') {
		/* Kept, or the one before would count again once the setting is gone. */
		hash_sha256_hex(str_of(given), app.token_hash);
		store_meta_put(app.store, "token_hash", app.token_hash);
		store_commit(app.store);
		return;
	}
	store_meta_get(app.store, "token_hash", app.token_hash, sizeof(app.token_hash));
	if (app.token_hash[0] != '\0')
		return;
	random_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(made + 2 * i, 3, "%02x", bytes[i]);
	hash_sha256_hex(str_of(made), app.token_hash);
	store_meta_put(app.store, "token_hash", app.token_hash);
	store_commit(app.store);
	fprintf(stderr,
	    "\nThe API token, shown this once (keep it as SLIPWAY_TOKEN):\n\n    %s\n\n",
	    made);
}

/* The file counts only for an empty store; later changes come by `slipway apply`. */
static int
import_config(struct err *err)
{
	const char *path = app.settings->config;
	struct config_file *file;
	struct plan plan;
	int result = 0;

	if (path[0] == '\0' || !catalog_is_empty(app.catalog))
		return 0;
	file = config_file_load(path, &app.settings->rules, err);
	if (file == NULL)
		return -1;
	config_report_write(path, file, stderr);
	if (file->faults.count > 0) {
		result = err_set(err,
		    "%s has faults, nothing was imported: mend them and start again", path);
	} else if (command_apply(&app, file, false, &plan, err) != COMMAND_DONE) {
		result = -1;
	} else {
		log_info(NULL, "config.imported", "%s: %zu projects, %zu stages", path,
		    file->project_count, file->stage_count);
		plan_free(&plan);
	}
	config_file_free(file);
	return result;
}

static int
open_store(struct err *err)
{
	const struct keep_settings *keep = &app.settings->keep;
	struct retention_rules rules = { keep->deploys, keep->days, keep->rollbacks };

	app.store = store_open(app.settings->data, err);
	if (app.store == NULL)
		return -1;
	store_sweeps_set_interval(app.store, app.settings->sweep_interval_ms);
	app.retention = retention_new(app.store, &rules, clock_now_ms());
	app.catalog = catalog_new(app.store);
	return catalog_load(app.catalog, err);
}

static int
open_server(struct err *err)
{
	const char *listen[] = { app.settings->listen.text, NULL };
	struct http_settings settings = { .listen = listen,
		.handle = api_handle,
		.answered = api_answered,
		.context = &app };

	app.server = http_server_new(app.loop, &settings, err);
	return app.server == NULL ? -1 : 0;
}

/* Everything that can be wrong is found before anything is taken up again. */
static int
birth(struct err *err)
{
	static const struct runtime_host host = {
		.perform = ports_perform, .moved = on_moved, .context = &app
	};

	app.loop = loop_new();
	wake = loop_timer_new(app.loop, on_wake, NULL);
	settle = loop_timer_new(app.loop, on_settled, NULL);
	if (open_store(err) != 0)
		return -1;
	app.runtime = runtime_new(app.store, &host);
	if (open_server(err) != 0 || ports_open(&app, err) != 0
	    || runtime_load(app.runtime, err) != 0)
		return -1;
	store_watch_log(app.store, on_log_added, &app);
	runtime_recover(app.runtime, clock_now_ms());
	if (import_config(err) != 0)
		return -1;
	set_up_token();
	store_commit(app.store);
	runtime_release(app.runtime);
	ports_start(&app);
	loop_timer_set(settle, SETTLE_MS);
	return http_server_open(app.server, err);
}

static void
death(void)
{
	http_server_free(app.server);
	if (app.fetch != NULL)
		ports_close(&app);
	runtime_free(app.runtime);
	catalog_free(app.catalog);
	retention_free(app.retention);
	store_close(app.store);
	loop_timer_free(wake);
	loop_timer_free(settle);
	loop_free(app.loop);
}

/* While it ends, nothing is removed: that can wait. */
static int64_t
next_due_ms(void)
{
	int64_t due_ms = runtime_due_ms(app.runtime, clock_now_ms());
	int64_t removing_ms = retention_due_ms(app.retention, clock_now_ms());

	return !app.is_draining && removing_ms < due_ms ? removing_ms : due_ms;
}

static void
count_tick(int64_t took_us)
{
	struct tick_figures *ticks = &app.ticks;

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

static void
tick(void)
{
	int64_t due_ms = next_due_ms();
	bool may_wait = !http_server_is_busy(app.server) && !store_is_dirty(app.store)
			&& due_ms > clock_now_ms();
	int64_t started_us;

	if (may_wait) {
		int64_t sleep_ms =
		    due_ms == INT64_MAX ? SLEEP_MAX_MS : due_ms - clock_now_ms();
		if (app.is_draining && sleep_ms > drain_until_ms - clock_now_ms())
			sleep_ms = drain_until_ms - clock_now_ms();
		loop_timer_set(wake, sleep_ms < SLEEP_MAX_MS ? sleep_ms : SLEEP_MAX_MS);
	}
	loop_turn(app.loop, may_wait);
	clock_tick();
	tell_jump();
	started_us = clock_mono_us();
	runtime_step(app.runtime, clock_now_ms());
	http_server_step(app.server, TICK_EVENTS_MAX);
	if (!app.is_draining)
		retention_step(app.retention, clock_now_ms());
	store_commit(app.store);
	runtime_release(app.runtime);
	http_server_release(app.server);
	catalog_reap(app.catalog);
	count_tick(clock_mono_us() - started_us);
}

static size_t
under_way(void)
{
	return runtime_count(app.runtime, ACTOR_DEPLOY)
	       + runtime_count(app.runtime, ACTOR_SWAP);
}

static void
begin_drain(void)
{
	app.is_draining = true;
	drain_until_ms = clock_now_ms() + app.settings->shutdown_drain_timeout_ms;
	log_info(NULL, "serve.draining",
	    "stopping: new work is refused, %zu deploys finish (at most %" PRId64 " s);"
	    " a second signal ends at once",
	    runtime_count(app.runtime, ACTOR_DEPLOY),
	    app.settings->shutdown_drain_timeout_ms / 1000);
}

static int
run(void)
{
	while (!app.is_draining || under_way() > 0) {
		tick();
		if (signals_seen > 0 && !app.is_draining)
			begin_drain();
		if (signals_seen > 1
		    || (app.is_draining && clock_now_ms() >= drain_until_ms)) {
			log_warn(NULL, "serve.cut",
			    "ending with %zu deploys under way; the next start goes on",
			    runtime_count(app.runtime, ACTOR_DEPLOY));
			return EXIT_SERVE_CUT;
		}
	}
	http_server_stop_accepting(app.server);
	http_server_drain(app.server);
	for (int64_t until_ms = clock_now_ms() + 2000;
	     !http_server_is_drained(app.server) && clock_now_ms() < until_ms;)
		tick();
	return 0;
}

/* Connections and streams of the API, transfers, the edge: more than the usual 1,024 descriptors. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS_WANTED)
		return;
	limit.rlim_cur =
	    limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < DESCRIPTORS_WANTED)
		log_warn(NULL, "serve.descriptors",
		    "only %llu descriptors may be open (ulimit -n): fewer"
		    " clients than %d can be served",
		    (unsigned long long)limit.rlim_cur,
		    HTTP_CONNECTIONS_MAX + SSE_STREAMS_MAX);
}

/* It ends already: one that comes now, when nobody listens for them any more, must not make an
 * end in order look like one by a signal. */
static void
block_signals(void)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigprocmask(SIG_BLOCK, &ending, NULL);
}

int
serve(const struct settings *settings)
{
	struct loop_signal *term;
	struct loop_signal *interrupt;
	struct err err = { "" };
	int code;

	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	clock_tick();
	app.settings = settings;
	app.started_ms = clock_now_ms();
	if (birth(&err) != 0) {
		log_error(NULL, "serve.failed", "%s", err.text);
		death();
		return EXIT_SERVE_FAILED;
	}
	term = loop_signal_new(app.loop, SIGTERM, on_signal, NULL);
	interrupt = loop_signal_new(app.loop, SIGINT, on_signal, NULL);
	log_event(LOG_INFO, NULL, "serve.ready",
	    (struct log_field[]){ LOG_NUMBER("pid", getpid()),
		LOG_NUMBER("stages", (int64_t)catalog_stage_count(app.catalog)), LOG_END },
	    "slipway %s listens on http://%s", SLIPWAY_VERSION, settings->listen.text);
	code = run();
	block_signals();
	loop_signal_free(term);
	loop_signal_free(interrupt);
	death();
	log_info(NULL, "serve.ended", "slipway has ended");
	return code;
}
