/* serve.c - the process around the server: its signals, its store, its exit code.
 *
 * What is born and dies is in life.c, the turn in tick.c. The end: SIGTERM and SIGINT stop new work
 * and let every deploy finish; a second one, or the time limit, ends at once, which is the same as
 * a crash and safe. One that comes while it starts waits until it has. SIGHUP, be it of a terminal
 * that is gone or of a person who renewed a certificate, ends nothing. */
#include "serve/serve.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/memory.h"
#include "config/settings.h"
#include "ports/edge.h"
#include "serve/app.h"
#include "serve/life.h"
#include "serve/runtime.h"
#include "serve/tick.h"
#include "store/catalog.h"
#include "store/store.h"

enum { SETTLE_MS = 2000 };

static struct app app;
static int signals_seen;
static struct loop_timer *settle;
static struct loop_signal *signals[3];

static void
on_signal(void *context UNUSED)
{
	signals_seen++;
}

static void
on_hangup(void *context UNUSED)
{
	log_info(NULL, "serve.hangup",
	    "SIGHUP: slipway goes on; certificates are looked at now (`slipway apply` changes"
	    " the configuration, SIGTERM ends)");
	if (app.edge != NULL)
		edge_sync(app.edge);
}

static void
listen_for_signals(void)
{
	signals[0] = loop_signal_new(app.loop, SIGTERM, on_signal, NULL);
	signals[1] = loop_signal_new(app.loop, SIGINT, on_signal, NULL);
	signals[2] = loop_signal_new(app.loop, SIGHUP, on_hangup, NULL);
}

static void
on_settled(void *context UNUSED)
{
	memory_settle();
}

static int
birth(struct err *err)
{
	app.loop = loop_new();
	listen_for_signals();
	settle = loop_timer_new(app.loop, on_settled, NULL);
	app.store = store_open(app.settings->data, err);
	if (app.store == NULL || life_begin(&app, err) != 0)
		return -1;
	loop_timer_set(settle, SETTLE_MS);
	return 0;
}

static void
death(void)
{
	life_end(&app);
	store_close(app.store);
	loop_timer_free(settle);
	for (size_t i = 0; i < COUNT(signals); i++)
		loop_signal_free(signals[i]);
	loop_free(app.loop);
}

static int
run(void)
{
	while (!drain_is_over(&app)) {
		tick(&app);
		if (signals_seen > 0 && !app.is_draining)
			drain_begin(&app);
		if (signals_seen > 1 || drain_is_late(&app)) {
			log_warn(NULL, "serve.cut",
			    "ending with %zu deploys under way; the next start goes on",
			    runtime_count(app.runtime, ACTOR_DEPLOY));
			return EXIT_SERVE_CUT;
		}
	}
	drain_end(&app);
	return 0;
}

/* Connections and streams of the API, transfers, the edge: more than the usual 1,024 descriptors. With
 * fewer than wanted clients get half: whoever holds connections must not make a deploy fail. */
static void
share_descriptors(size_t count)
{
	size_t of_clients = count > 2 * DESCRIPTORS_OWN ? count - DESCRIPTORS_OWN : count / 2;

	app.connections_max = of_clients / 2 > 0 ? of_clients / 2 : 1;
	if (app.connections_max > HTTP_CONNECTIONS_MAX)
		app.connections_max = HTTP_CONNECTIONS_MAX;
	log_warn(NULL, "serve.descriptors",
	    "only %zu descriptors may be open (ulimit -n): no more than %zu connections and as"
	    " many event streams are served; %d would be enough for all",
	    count, app.connections_max, DESCRIPTORS_WANTED);
}

static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS_WANTED)
		return;
	limit.rlim_cur =
	    limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS_WANTED)
		return;
	share_descriptors((size_t)limit.rlim_cur);
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
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, NULL);
}

int
serve(const struct settings *settings)
{
	struct err err = { "" };
	int code;

	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	clock_tick();
	app.settings = settings;
	if (birth(&err) != 0) {
		log_error(NULL, "serve.failed", "%s", err.text);
		death();
		return EXIT_SERVE_FAILED;
	}
	log_event(LOG_INFO, NULL, "serve.ready",
	    (struct log_field[]){ LOG_NUMBER("pid", getpid()),
		LOG_NUMBER("stages", (int64_t)catalog_stage_count(app.catalog)), LOG_END },
	    "slipway %s listens on http://%s", SLIPWAY_VERSION, settings->listen.text);
	code = run();
	block_signals();
	death();
	log_info(NULL, "serve.ended", "slipway has ended");
	return code;
}
