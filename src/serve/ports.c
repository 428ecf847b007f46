/* ports.c - see ports.h. */
#include "serve/ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "config/settings.h"
#include "ports/docker.h"
#include "ports/ecr.h"
#include "ports/edge.h"
#include "ports/fetch.h"
#include "ports/notify.h"
#include "ports/port.h"
#include "ports/proxies.h"
#include "ports/registry.h"
#include "serve/app.h"
#include "serve/notices.h"
#include "serve/runtime.h"
#include "serve/kept.h"
#include "store/catalog.h"
#include "store/retention.h"
#include "store/store.h"

/* An effect that waits for its time. Its actor may have moved on by then: the port's answer is
 * stale then, and every port drops the older effect of an actor when a newer one comes; so the
 * epoch is looked at once more before it leaves. */
struct delayed {
	struct app *app;
	struct effect effect;
	struct loop_timer *timer;
	struct delayed *next;
	struct delayed **at;
};

enum {
	SERVERS_MAX = 4 * REPLICAS_MAX
}; /* of a stage at the edge: several versions, HTTP and TCP */

static struct delayed *waiting;

/* Each look at an engine is one at the routes too, also at an engine that is away. */
static bool
is_look_at_engine(const struct app *app, const struct event *event)
{
	const struct actor *to = runtime_actor(app->runtime, event->to);

	return to != NULL && to->kind == ACTOR_SWEEP && to->state == SWEEP_SURVEYING;
}

static void
answer(void *context, const struct event *event)
{
	struct app *app = context;

	/* While it shuts down no poll may bring new work. */
	if (app->is_draining && event->kind == EV_SOUGHT)
		return;
	if (is_look_at_engine(app, event))
		proxies_look(app->proxies);
	if (event->kind == EV_SURVEYED) /* it may have met ids that the store does not know */
		runtime_raise_id(app->runtime, store_id_max(app->store) + 1);
	if (!runtime_post(app->runtime, event))
		log_debug(NULL, "port.stale", "%s for actor %llu came too late",
		    event_names[event->kind], (unsigned long long)event->to);
}

static bool
stage_is_busy(void *context, uint64_t stage)
{
	const struct app *app = context;
	const struct actor *a = runtime_actor(app->runtime, stage);

	return a != NULL && a->stage.running != 0;
}

static bool
stage_is_awaited(void *context, uint64_t stage)
{
	const struct app *app = context;

	return app->proxies == NULL || proxies_await(app->proxies, stage);
}

static uint64_t
stage_live(void *context, uint64_t stage)
{
	const struct app *app = context;
	const struct actor *a = runtime_actor(app->runtime, stage);

	return a == NULL ? 0 : a->stage.live;
}

/* Which deploy of a stage is missed when it ends: none while its successor stops it first. */
static uint64_t
stage_watched(void *context, uint64_t stage)
{
	const struct app *app = context;
	uint64_t live = stage_live(context, stage);
	const struct actor *a = runtime_actor(app->runtime, stage);
	const struct actor *running =
	    a == NULL ? NULL : runtime_actor(app->runtime, a->stage.running);

	if (running == NULL || running->deploy.strategy == STRATEGY_BLUE_GREEN
	    || running->deploy.elder != live || running->state == DEPLOY_PULLING
	    || running->state == DEPLOY_PARKING || running->state == DEPLOY_RETURNING)
		return live;
	return 0;
}

/* Behind its switch, and before the version before is given up. */
static uint64_t
stage_trial(void *context, uint64_t stage)
{
	const struct app *app = context;
	const struct actor *a = runtime_actor(app->runtime, stage);
	const struct actor *running =
	    a == NULL ? NULL : runtime_actor(app->runtime, a->stage.running);
	bool is_behind =
	    running != NULL
	    && (running->state == DEPLOY_POST_SWITCH || running->state == DEPLOY_VERIFYING);

	return is_behind && running->id != a->stage.live ? running->id : 0;
}

/* To which deploy its route leads, as long as no swap is under way; one that stopped the stage leads to nobody. */
static uint64_t
stage_led_to(void *context, uint64_t stage)
{
	const struct app *app = context;
	uint64_t trial = stage_trial(context, stage);
	uint64_t live = stage_live(context, stage);
	const struct actor *a = runtime_actor(app->runtime, stage);

	if (trial != 0)
		return trial;
	return live != 0 || a == NULL ? live : a->stage.stopped;
}

static size_t
stage_kept(void *context, uint64_t stage, uint64_t ret_deploys[KEPT_MAX])
{
	const struct app *app = context;
	const struct actor *a = runtime_actor(app->runtime, stage);
	size_t count = 0;

	while (a != NULL && count < KEPT_MAX && a->stage.kept[count].deploy != 0) {
		ret_deploys[count] = a->stage.kept[count].deploy;
		count++;
	}
	return count;
}

static size_t
stage_versions(void *context, uint64_t stage, uint64_t ret_deploys[KEPT_MAX + 1])
{
	struct app *app = context;
	const struct actor *a = runtime_actor(app->runtime, stage);
	const struct stage_spec *spec =
	    a == NULL ? NULL : catalog_spec(app->catalog, a->stage.live_spec);
	size_t count = 0;

	if (spec != NULL && a->stage.live != 0 && spec->max_instances > 1)
		ret_deploys[count++] = a->stage.live;
	for (int i = 0; a != NULL && i < KEPT_MAX && a->stage.kept[i].deploy != 0; i++)
		if (a->stage.kept[i].until_ms == 0)
			ret_deploys[count++] = a->stage.kept[i].deploy;
	return count;
}

static bool
is_led_to(void *context, uint64_t deploy, uint64_t spec_id)
{
	struct app *app = context;
	const struct stage_spec *spec = catalog_spec(app->catalog, spec_id);

	return app->edge != NULL && spec != NULL && spec->max_instances > 1
	       && edge_leads_to_version(app->edge, deploy, spec->drain_ms);
}

struct find_sweep {
	uint64_t engine;
	uint64_t actor;
};

static void
match_sweep(void *context, const struct actor *a)
{
	struct find_sweep *find = context;

	if (a->kind == ACTOR_SWEEP && a->sweep.engine == find->engine)
		find->actor = a->id;
}

static void
nudge(void *context, uint64_t engine)
{
	struct app *app = context;
	struct find_sweep find = { .engine = engine };

	runtime_visit(app->runtime, match_sweep, &find);
	if (find.actor != 0)
		runtime_post(
		    app->runtime, &(struct event){ .kind = EV_NUDGED, .to = find.actor });
}

static void
nudge_sweep(void *context, const struct actor *a)
{
	struct app *app = context;

	if (a->kind == ACTOR_SWEEP)
		(void)runtime_post(
		    app->runtime, &(struct event){ .kind = EV_NUDGED, .to = a->id });
}

static void
version_left(void *context)
{
	struct app *app = context;

	runtime_visit(app->runtime, nudge_sweep, app);
}

static void
instances_changed(void *context, uint64_t deploy)
{
	struct app *app = context;

	kept_check(app, deploy);
	proxies_sync(app->proxies);
}

static bool
traffic(void *context, uint64_t stage, uint64_t deploy, struct docker_traffic *ret)
{
	const struct app *app = context;
	struct edge_server_status servers[SERVERS_MAX];
	size_t count;
	bool is_known = false;

	*ret = (struct docker_traffic){ 0 };
	if (app->edge == NULL || !edge_is_ready(app->edge))
		return false;
	count = edge_status(app->edge, stage, servers, SERVERS_MAX);
	for (size_t i = 0; i < count; i++)
		if (servers[i].deploy == deploy) {
			is_known = true;
			ret->requests += servers[i].requests;
			ret->failures += servers[i].failures;
		}
	return is_known;
}

static int
open_edge(struct app *app, const struct port_host *host, struct err *err)
{
	const struct settings *s = app->settings;
	struct edge_settings settings = {
		.haproxy = s->haproxy,
		.http = s->edge_http,
		.https = s->edge_https,
		.certificates = s->edge_certificates,
		.trusted = s->edge_trusted,
		.is_kept_elsewhere = !s->starts_edge,
		.stage_live = stage_led_to,
		.stage_is_busy = stage_is_busy,
		.stage_is_awaited = stage_is_awaited,
		.stage_versions = stage_versions,
		.version_left = version_left,
		.context = app,
	};
	char directory[4096];

	snprintf(directory, sizeof(directory), "%s/edge", s->data);
	settings.directory = directory;
	app->edge = edge_new(host, &settings, err);
	return app->edge == NULL ? -1 : 0;
}

/* Where a proxy on this machine reaches the edge; "": nowhere. */
static void
edge_address(const struct settings *s, char *to, size_t size)
{
	const char *host;

	to[0] = '\0';
	if (!s->is_edge_on || s->edge_http.count == 0)
		return;
	host = s->edge_http.items[0].host;
	if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "*") == 0
	    || strcmp(host, "::") == 0)
		host = "127.0.0.1";
	snprintf(to, size, strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d", host,
	    s->edge_http.items[0].port);
}

static void
open_proxies(struct app *app, const struct port_host *host)
{
	struct front_settings settings = { .store_uuid = store_uuid(app->store),
		.docker = app->docker,
		.stage_live = stage_live,
		.stage_is_busy = stage_is_busy,
		.stage_versions = stage_versions,
		.context = app };
	char directory[4096];
	char address[DOMAIN_SIZE + 8];

	snprintf(directory, sizeof(directory), "%s/edge", app->settings->data);
	edge_address(app->settings, address, sizeof(address));
	settings.directory = directory;
	settings.edge_address = address;
	settings.edge_probe = app->edge != NULL ? edge_probe_header(app->edge) : "";
	settings.edge_mark = EDGE_INSTANCE_HEADER;
	app->proxies = proxies_new(host, &settings, app->edge);
}

static void
noticed(void *context, const struct noticed *what)
{
	notices_add(context, what);
}

int
ports_open(struct app *app, struct err *err)
{
	struct port_host host = { .loop = app->loop,
		.store = app->store,
		.catalog = app->catalog,
		.answer = answer,
		.noticed = noticed,
		.context = app };
	struct docker_settings docker = { .store_uuid = store_uuid(app->store),
		.stage_is_busy = stage_is_busy,
		.stage_live = stage_watched,
		.stage_kept = stage_kept,
		.is_led_to = is_led_to,
		.stage_trial = stage_trial,
		.nudge = nudge,
		.instances_changed = instances_changed,
		.traffic = traffic,
		.context = app,
		.rules = &app->settings->rules,
		.environment = { app->vault, app->settings->secret_paths },
		.keep = retention_rules(app->retention),
		.disk_floor_mb = app->settings->disk_floor_mb };

	app->fetch = fetch_new(app->loop);
	host.fetch = app->fetch;
	app->ecr = ecr_new(&host);
	host.ecr = app->ecr;
	app->docker = docker_new(&host, &docker);
	app->registry = registry_new(&host);
	app->notifier = notifier_new(&host, app->vault, app->settings->edge_https.count > 0);
	if (app->settings->is_edge_on && open_edge(app, &host, err) != 0)
		return -1;
	open_proxies(app, &host);
	return 0;
}

static void
forget(struct delayed *d)
{
	*d->at = d->next;
	if (d->next != NULL)
		d->next->at = d->at;
	loop_timer_free(d->timer);
	free(d);
}

void
ports_close(struct app *app)
{
	if (app->fetch == NULL)
		return;
	while (waiting != NULL)
		forget(waiting);
	proxies_free(app->proxies);
	edge_free(app->edge);
	registry_free(app->registry);
	notifier_free(app->notifier);
	docker_free(app->docker);
	ecr_free(app->ecr);
	fetch_free(app->fetch);
}

void
ports_start(struct app *app)
{
	docker_watch(app->docker);
	proxies_sync(app->proxies);
}

static void
perform_now(struct app *app, const struct effect *effect)
{
	switch (effect->kind) {
	case FX_RESOLVE:
	case FX_SEEK:
		registry_perform(app->registry, effect);
		break;
	case FX_SWITCH:
	case FX_CONFIRM:
	case FX_RESTORE:
	case FX_DRAIN:
	case FX_PARK:
		proxies_perform(app->proxies, effect);
		break;
	case FX_PULL:
	case FX_MIGRATE:
	case FX_HOOK:
	case FX_RUN:
	case FX_PROBE:
	case FX_VERIFY:
	case FX_REMOVE:
	case FX_RETIRE:
	case FX_HALT:
	case FX_REVIVE:
	case FX_SURVEY:
	case FX_COLLECT:
		docker_perform(app->docker, effect);
		break;
	case FX_NOTIFY:
		notifier_perform(app->notifier, effect);
		break;
	case FX_COUNT:
		CHECK(effect->kind != FX_COUNT);
	}
}

static void
on_time(void *context)
{
	struct delayed *d = context;
	struct app *app = d->app;
	struct effect effect = d->effect;
	const struct actor *a = runtime_actor(app->runtime, effect.actor);

	forget(d);
	if (a != NULL && a->epoch == effect.epoch)
		perform_now(app, &effect);
}

void
ports_perform(void *context, const struct effect *effect)
{
	struct app *app = context;
	struct delayed *d;

	if (app->is_draining && effect->kind == FX_SEEK)
		return;
	if (effect->delay_ms == 0) {
		perform_now(app, effect);
		return;
	}
	d = calloc(1, sizeof(*d));
	CHECK(d != NULL);
	*d =
	    (struct delayed){ .app = app, .effect = *effect, .next = waiting, .at = &waiting };
	if (waiting != NULL)
		waiting->at = &d->next;
	waiting = d;
	d->timer = loop_timer_new(app->loop, on_time, d);
	loop_timer_set(d->timer, effect->delay_ms);
}

void
ports_forget(struct app *app, uint64_t actor)
{
	docker_forget(app->docker, actor);
	notifier_forget(app->notifier, actor);
}
