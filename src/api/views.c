/* views.c - see views.h. */
#include "api/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/tag_policy.h"
#include "ports/docker.h"
#include "ports/edge.h"
#include "ports/proxies.h"
#include "ports/route.h"
#include "ports/registry.h"
#include "serve/app.h"
#include "serve/backups.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/secrets.h"
#include "store/store.h"
#include "store/tags.h"
#include "store/tasks.h"

/* 0: it is not watched just now. */
static int64_t
watched_until_ms(const struct app *app, const struct deploy_row *row)
{
	const struct stage_spec *spec = catalog_spec(app->catalog, row->spec);

	if (spec == NULL || strcmp(row->state, deploy_spec.state_names[DEPLOY_VERIFYING]) != 0)
		return 0;
	return row->watched_since_ms + spec->verify.for_ms;
}

void
view_deploy(struct json_writer *w, const struct app *app, const struct deploy_row *row)
{
	json_pair_integer(w, "id", (int64_t)row->id);
	json_pair_text(w, "project", row->project);
	json_pair_text(w, "stage", row->stage_name);
	json_pair_text(w, "state", row->state);
	json_pair_text(w, "trigger", row->trigger);
	json_pair_text(w, "strategy", row->strategy);
	json_pair_text(w, "tag", row->tag);
	json_pair_text(w, "digest", row->digest);
	json_pair_text(w, "reason", row->reason);
	json_pair_integer(w, "created_ms", row->created_ms);
	json_pair_integer(w, "ended_ms", row->ended_ms);
	json_pair_bool(w, "is_live", row->is_live);
	json_pair_integer(w, "elder", (int64_t)row->elder);
	json_pair_integer(w, "watched_until_ms", watched_until_ms(app, row));
}

void
view_env_changes(struct json_writer *w, const struct app *app, uint64_t deploy)
{
	struct env_change changes[2 * ENV_MAX];
	size_t count = store_deploy_env(app->store, deploy, changes, COUNT(changes));

	json_key(w, "env");
	json_array_open(w);
	for (size_t i = 0; i < count; i++) {
		json_object_open(w);
		json_pair_text(w, "name", changes[i].name);
		json_pair_text(w, "change", changes[i].change);
		json_object_close(w);
	}
	json_array_close(w);
}

void
view_step(struct json_writer *w, const struct journal_row *row)
{
	json_pair_integer(w, "seq", row->seq);
	json_pair_integer(w, "at_ms", row->at_ms);
	json_pair_integer(w, "deploy", (int64_t)row->deploy);
	json_pair_text(w, "actor", row->kind);
	json_pair_text(w, "from", row->from);
	json_pair_text(w, "on", row->on);
	json_pair_text(w, "to", row->to);
}

void
view_log_line(struct json_writer *w, const struct deploy_log_row *row)
{
	json_pair_integer(w, "seq", row->seq);
	json_pair_integer(w, "at_ms", row->at_ms);
	json_pair_text(w, "level", row->level);
	json_pair_text(w, "text", row->text);
}

void
view_instance(struct json_writer *w, const struct instance *instance)
{
	json_pair_integer(w, "deploy", (int64_t)instance->deploy);
	json_pair_integer(w, "replica", instance->replica);
	json_pair_text(w, "container_id", instance->container_id);
	json_pair_text(w, "name", instance->name);
	json_pair_text(w, "address", instance->address);
	json_pair_text(w, "status", instance->status);
	json_pair_integer(w, "since_ms", instance->since_ms);
}

void
view_task(struct json_writer *w, const struct task_row *row)
{
	json_pair_text(w, "task", task_names[row->kind]);
	json_pair_text(w, "status", task_status_names[row->status]);
	json_pair_integer(w, "exit_code", row->exit_code);
	json_pair_bool(w, "backward_compatible", row->is_compatible);
	json_pair_text(w, "container_id", row->container_id);
	json_pair_text(w, "name", row->name);
	json_pair_integer(w, "began_ms", row->began_ms);
	json_pair_integer(w, "ended_ms", row->ended_ms);
}

void
view_project(struct json_writer *w, const struct app *app, const struct project_entry *project)
{
	char path[64];
	size_t count;
	size_t first = catalog_stages_of(app->catalog, project->name, &count);

	snprintf(path, sizeof(path), "/api/webhook/%s", project->webhook);
	json_pair_text(w, "name", project->name);
	json_pair_text(w, "webhook_path", path);
	json_key(w, "stages");
	json_array_open(w);
	for (size_t i = first; i < first + count; i++)
		json_put_text(w, catalog_stage_at(app->catalog, i)->spec->stage);
	json_array_close(w);
}

/* A deploy in short, or null. */
static void
view_short(struct json_writer *w, const struct app *app, const char *key, uint64_t id)
{
	struct deploy_brief row;

	json_key(w, key);
	if (id == 0 || !store_deploy_brief(app->store, id, &row)) {
		json_put_null(w);
		return;
	}
	json_object_open(w);
	json_pair_integer(w, "deploy", (int64_t)id);
	json_pair_text(w, "tag", row.tag);
	json_pair_text(w, "digest", row.digest);
	json_pair_text(w, "state", row.state);
	json_pair_integer(w, "since_ms", row.ended_ms != 0 ? row.ended_ms : row.created_ms);
	json_object_close(w);
}

/* By which it is reached. */
static void
view_names(struct json_writer *w, const struct app *app, uint64_t deploy)
{
	struct route_want *want = calloc(1, sizeof(*want));
	struct err ignored;

	CHECK(want != NULL);
	json_key(w, "domains");
	json_array_open(w);
	if (route_want(app->store, app->catalog, deploy, want, &ignored) == 0)
		for (size_t i = 0; i < want->domain_count; i++)
			if (want->is_of_tag[i])
				json_put_text(w, want->domains[i]);
	json_array_close(w);
	free(want);
}

/* What runs beside the version that serves. */
static void
view_kept(struct json_writer *w, const struct app *app, const struct stage *stage)
{
	json_key(w, "kept");
	json_array_open(w);
	for (int i = 0; i < KEPT_MAX && stage->kept[i].deploy != 0; i++) {
		const struct kept *kept = &stage->kept[i];

		json_object_open(w);
		json_pair_integer(w, "deploy", (int64_t)kept->deploy);
		json_pair_text(w, "tag", kept->tag);
		json_pair_text(w, "digest", kept->digest);
		json_pair_integer(w, "until_ms", kept->until_ms);
		view_names(w, app, kept->until_ms == 0 ? kept->deploy : 0);
		json_object_close(w);
	}
	json_array_close(w);
}

static void
view_poll(struct json_writer *w, const struct app *app, const struct stage_entry *stage)
{
	const struct actor *a = runtime_actor(app->runtime, stage->poll_id);

	json_key(w, "poll");
	json_object_open(w);
	if (a != NULL) {
		json_pair_text(w, "state", fsm_spec_of(ACTOR_POLL)->state_names[a->state]);
		json_pair_integer(w, "interval_ms", a->poll.interval_ms);
		json_pair_integer(w, "next_ms", a->deadline_ms);
		json_pair_text(w, "tag", a->poll.tag);
		json_pair_text(w, "digest", a->poll.digest);
		json_pair_text(w, "reason", a->poll.reason);
	}
	json_object_close(w);
}

static int64_t
count_in_flight(struct edge *edge, uint64_t stage)
{
	struct edge_server_status servers[4 * REPLICAS_MAX];
	size_t count = edge_status(edge, stage, servers, COUNT(servers));
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += servers[i].in_flight;
	return sum;
}

/* What a switch of this stage promises, and what its proxy complains of. */
static void
view_proxy(struct json_writer *w, const struct app *app, const struct stage_spec *spec)
{
	const struct guarantee *guarantee = route_guarantee(app->catalog, spec);

	json_key(w, "proxy");
	json_object_open(w);
	json_pair_text(w, "name", spec->proxy);
	json_pair_text(w, "way", guarantee->way);
	json_pair_text(w, "promise", guarantee->promise);
	json_pair_text(w, "reason", guarantee->reason);
	json_pair_text(w, "why", proxies_fault(app->proxies, spec->proxy));
	json_object_close(w);
}

/* What no hook and no poll brings again. */
static void
view_quarantine(struct json_writer *w, const struct app *app, const struct stage *stage)
{
	json_key(w, "quarantine");
	json_array_open(w);
	for (int i = 0; i < QUARANTINE_MAX && stage->quarantine[i].deploy != 0; i++) {
		const struct quarantined *q = &stage->quarantine[i];
		struct deploy_brief row = { .tag = "" };

		store_deploy_brief(app->store, q->deploy, &row);
		json_object_open(w);
		json_pair_text(w, "digest", q->digest);
		json_pair_integer(w, "deploy", (int64_t)q->deploy);
		json_pair_text(w, "tag", row.tag);
		json_pair_text(w, "state", row.state);
		json_object_close(w);
	}
	json_array_close(w);
}

/* Immutable tags that lead elsewhere now. */
static void
view_moved(struct json_writer *w, const struct app *app, const struct stage_entry *stage)
{
	struct moved_tag moved[TAGS_MOVED_SHOWN];
	size_t count = 0;

	if (stage->spec->tag_immutable[0] != '\0')
		count = store_tags_moved(app->store, stage->id, moved, COUNT(moved));
	json_key(w, "moved");
	json_array_open(w);
	for (size_t i = 0; i < count; i++) {
		json_object_open(w);
		json_pair_text(w, "tag", moved[i].tag);
		json_pair_text(w, "digest", moved[i].digest);
		json_pair_integer(w, "since_ms", moved[i].since_ms);
		json_object_close(w);
	}
	json_array_close(w);
}

/* What is configured now, or a secret's value, is not what the live containers were made with. */
static bool
is_outdated(const struct app *app, const struct stage_entry *stage, const struct stage *actor)
{
	if (actor->live == 0)
		return false;
	if (actor->live_spec != stage->spec_id)
		return true;
	for (size_t i = 0; i < stage->spec->env_count; i++)
		if (stage->spec->env[i].source == VALUE_SECRET)
			return store_deploy_secrets_are_old(app->store, actor->live);
	return false;
}

/* null, or until when and why; until_ms 0: until it is thawed. */
static void
view_freeze(struct json_writer *w, const struct stage *stage)
{
	bool is_endless = stage->frozen_until_ms == INT64_MAX;

	json_key(w, "frozen");
	if (stage->frozen_until_ms <= clock_now_ms()) {
		json_put_null(w);
		return;
	}
	json_object_open(w);
	json_pair_integer(w, "until_ms", is_endless ? 0 : stage->frozen_until_ms);
	json_pair_text(w, "reason", stage->freeze);
	json_object_close(w);
}

void
view_stage(struct json_writer *w, const struct app *app, const struct stage_entry *stage)
{
	const struct actor *a = runtime_actor(app->runtime, stage->id);
	const struct stage_spec *spec = stage->spec;
	char tags[REASON_SIZE];
	struct instance_count count;

	CHECK(a != NULL && a->kind == ACTOR_STAGE);
	json_pair_text(w, "project", spec->project);
	json_pair_text(w, "stage", spec->stage);
	json_pair_text(w, "image", spec->image);
	json_pair_text(w, "engine", spec->engine);
	json_pair_text(w, "state", fsm_spec_of(ACTOR_STAGE)->state_names[a->state]);
	view_short(w, app, "live", a->stage.live);
	view_short(w, app, "stopped", a->stage.stopped);
	view_short(w, app, "was_live",
	    a->stage.stopped == 0
		? 0
		: store_deploy_live_before(app->store, stage->id, a->stage.stopped));
	view_kept(w, app, &a->stage);
	view_short(
	    w, app, "running", a->stage.running != 0 ? a->stage.running : a->stage.resolving);
	view_short(w, app, "waiting", a->stage.waiting);
	view_short(w, app, "pending", a->stage.pending);
	view_freeze(w, &a->stage);
	json_pair_text(w, "promote_from", spec->promote_from);
	json_pair_bool(w, "is_outdated", is_outdated(app, stage, &a->stage));
	tag_policy_name(spec, tags);
	json_pair_text(w, "tags", tags);
	json_pair_bool(w, "auto", spec->is_auto);
	view_poll(w, app, stage);
	view_quarantine(w, app, &a->stage);
	view_moved(w, app, stage);
	json_key(w, "domains");
	json_array_open(w);
	for (size_t i = 0; i < spec->domains.count; i++)
		json_put_text(w, spec->domains.items[i]);
	json_array_close(w);
	json_pair_integer(w, "tcp_port", spec->tcp_port);
	view_proxy(w, app, spec);
	json_pair_integer(w, "replicas", spec->replicas);
	count = store_instances_count(app->store, a->stage.live);
	json_pair_integer(w, "replicas_running", count.running);
	json_pair_integer(w, "replicas_paused", count.paused);
	json_pair_integer(w, "in_flight",
	    app->edge == NULL ? 0
			      : count_in_flight(app->edge, stage->id)
				    + count_in_flight(app->edge, a->stage.live));
}

static void
view_proxies(struct json_writer *w, const struct app *app)
{
	json_key(w, "proxies");
	json_array_open(w);
	for (size_t i = 0; i < catalog_proxy_count(app->catalog); i++) {
		const struct proxy_config *proxy = catalog_proxy_at(app->catalog, i);

		json_object_open(w);
		json_pair_text(w, "name", proxy->name);
		json_pair_text(w, "kind", proxy->kind == PROXY_NPM ? "npm" : "caddy");
		json_pair_text(w, "address", proxy->address);
		json_pair_text(w, "why", proxies_fault(app->proxies, proxy->name));
		json_object_close(w);
	}
	json_array_close(w);
}

static void
view_engines(struct json_writer *w, const struct app *app)
{
	json_key(w, "engines");
	json_array_open(w);
	for (size_t i = 0; i < catalog_engine_count(app->catalog); i++) {
		const struct engine_config *engine = catalog_engine_at(app->catalog, i);
		struct docker_status status;

		docker_engine_status(app->docker, engine->id, &status);
		json_object_open(w);
		json_pair_text(w, "name", engine->name);
		json_pair_text(w, "host", engine->host);
		json_pair_bool(w, "reachable", status.is_reachable);
		json_pair_text(w, "version", status.version);
		json_pair_text(w, "api", status.api);
		json_pair_text(w, "why", status.why);
		json_object_close(w);
	}
	json_array_close(w);
}

static void
view_registries(struct json_writer *w, const struct app *app)
{
	struct registry_status status;

	json_key(w, "registries");
	json_array_open(w);
	for (uint32_t i = 0; registry_status(app->registry, i, &status); i++) {
		json_object_open(w);
		json_pair_text(w, "host", status.host);
		json_pair_text(w, "username", status.username);
		json_pair_integer(w, "ok_ms", status.ok_ms);
		json_pair_integer(w, "gate_until_ms", status.gate_until_ms);
		json_pair_integer(w, "remaining", status.remaining);
		json_pair_text(w, "why", status.why);
		json_object_close(w);
	}
	json_array_close(w);
}

static void
view_backups(struct json_writer *w, const struct backups *backups)
{
	struct backups_status status;

	backups_status(backups, &status);
	json_key(w, "backups");
	json_object_open(w);
	json_pair_integer(w, "interval_ms", status.interval_ms);
	json_pair_integer(w, "newest_ms", status.newest_ms);
	json_pair_bool(w, "overdue", status.is_overdue);
	json_pair_text(w, "why", status.why);
	json_object_close(w);
}

void
view_health(struct json_writer *w, const struct app *app, bool in_detail)
{
	json_pair_text(w, "status", "healthy");
	json_pair_text(w, "version", SLIPWAY_VERSION);
	json_pair_integer(w, "uptime_seconds", (clock_now_ms() - app->started_ms) / 1000);
	json_pair_integer(w, "timestamp", clock_wall_ms() / 1000);
	json_pair_bool(w, "draining", app->is_draining);
	if (!in_detail)
		return;
	json_key(w, "ticks");
	json_object_open(w);
	json_pair_integer(w, "count", app->ticks.count);
	json_pair_integer(w, "spent_us", app->ticks.spent_us);
	json_pair_integer(w, "longest_us", app->ticks.longest_us);
	json_pair_integer(w, "slow", app->ticks.slow);
	json_object_close(w);
	view_engines(w, app);
	view_registries(w, app);
	if (app->edge != NULL) {
		json_key(w, "edge");
		json_object_open(w);
		json_pair_bool(w, "ready", edge_is_ready(app->edge));
		json_pair_text(w, "why", edge_fault(app->edge));
		json_object_close(w);
	}
	view_proxies(w, app);
	if (app->backups != NULL)
		view_backups(w, app->backups);
}
