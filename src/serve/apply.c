/* apply.c - the configuration becomes what the file says (see commands.h). */
#include <stdlib.h>
#include <string.h>

#include "config/diff.h"
#include "config/fields.h"
#include "config/file.h"
#include "config/tag_policy.h"
#include "ports/docker.h"
#include "ports/vault.h"
#include "serve/app.h"
#include "serve/apply_inside.h"
#include "serve/commands.h"
#include "serve/export.h"
#include "serve/plan.h"
#include "serve/runtime.h"
#include "store/catalog.h"

static void
copy(char *to, size_t size, const char *from)
{
	CHECK(str_copy(to, size, str_of(from)));
}

/* What is there already is compared key by key. */
static const char *
action_of(bool is_new, const struct config_changes *changes)
{
	if (is_new)
		return PLAN_ADD;
	return changes->count == 0 ? PLAN_KEEP : PLAN_CHANGE;
}

static void
apply_engine(struct app *app, const struct config_engine *wanted, bool dry, struct plan *plan)
{
	const struct engine_config *old = catalog_engine(app->catalog, wanted->name);
	struct engine_config engine = { .is_published = wanted->is_published };
	struct config_engine was = old == NULL ? *wanted : export_engine(old);
	struct config_changes changes =
	    diff_engines(old == NULL ? NULL : &was, wanted, plan->arena);
	const char *action = action_of(old == NULL, &changes);
	bool is_new;

	copy(engine.name, sizeof(engine.name), wanted->name);
	copy(engine.host, sizeof(engine.host), wanted->host);
	copy(engine.ca_file, sizeof(engine.ca_file), wanted->ca_file);
	copy(engine.cert_file, sizeof(engine.cert_file), wanted->cert_file);
	copy(engine.key_file, sizeof(engine.key_file), wanted->key_file);
	copy(engine.network, sizeof(engine.network), wanted->network);
	copy(engine.publish_address, sizeof(engine.publish_address), wanted->publish_address);
	plan_add(plan, action, "engine %s", wanted->name)->changes = changes;
	if (dry || strcmp(action, PLAN_KEEP) == 0)
		return;
	engine.id = catalog_put_engine(app->catalog, &engine, &is_new);
	if (is_new) {
		struct actor a = { .kind = ACTOR_SWEEP, .state = SWEEP_WAITING };
		a.sweep.engine = engine.id;
		a.sweep.interval_ms = app->settings->sweep_interval_ms;
		runtime_spawn(app->runtime, a);
	}
}

static const struct registry_config *
find_registry(const struct catalog *catalog, const char *host)
{
	for (size_t i = 0; i < catalog_registry_count(catalog); i++)
		if (strcmp(catalog_registry_at(catalog, i)->host, host) == 0)
			return catalog_registry_at(catalog, i);
	return NULL;
}

/* Registries are the file's alone: no container depends on an entry, so one may go. */
static void
plan_removed_registries(
    const struct catalog *catalog, const struct config_file *file, struct plan *plan)
{
	for (size_t i = 0; i < catalog_registry_count(catalog); i++) {
		const char *host = catalog_registry_at(catalog, i)->host;
		bool is_named = false;

		for (size_t k = 0; k < file->registry_count; k++)
			is_named |= strcmp(file->registries[k].host, host) == 0;
		if (!is_named)
			plan_add(plan, PLAN_REMOVE, "registry %s", host);
	}
}

static void
apply_registries(struct app *app, const struct config_file *file, bool dry, struct plan *plan)
{
	struct registry_config *all = calloc(file->registry_count + 1, sizeof(*all));

	CHECK(all != NULL && file->registry_count <= REGISTRIES_MAX);
	for (size_t i = 0; i < file->registry_count; i++) {
		const struct config_registry *wanted = &file->registries[i];
		struct registry_config *r = &all[i];
		const struct registry_config *old = find_registry(app->catalog, wanted->host);
		struct config_registry was;
		struct config_changes changes;

		r->kind = registry_kind_said(wanted->kind, wanted->host);
		r->is_insecure = wanted->is_insecure;
		copy(r->host, sizeof(r->host), wanted->host);
		copy(r->ca_file, sizeof(r->ca_file), wanted->ca_file);
		copy(r->username, sizeof(r->username), wanted->username);
		copy(r->password_file, sizeof(r->password_file), wanted->password_file);
		copy(r->password_env, sizeof(r->password_env), wanted->password_env);
		copy(r->token_url, sizeof(r->token_url), wanted->token_url);
		if (old != NULL)
			was = export_registry(old);
		changes = diff_registries(old == NULL ? NULL : &was, wanted, plan->arena);
		plan_add(plan, action_of(old == NULL, &changes), "registry %s", r->host)
		    ->changes = changes;
	}
	plan_removed_registries(app->catalog, file, plan);
	if (!dry)
		catalog_replace_registries(app->catalog, all, file->registry_count);
	free(all);
}

static void
apply_proxy(struct app *app, const struct config_proxy *wanted, bool dry, struct plan *plan)
{
	const struct proxy_config *old = catalog_proxy(app->catalog, wanted->name);
	struct proxy_config proxy = {
		.kind = wanted->kind, .is_direct = wanted->is_direct, .mends = wanted->mends
	};
	struct config_proxy was = old == NULL ? *wanted : export_proxy(old);
	struct config_changes changes =
	    diff_proxies(old == NULL ? NULL : &was, wanted, plan->arena);
	const char *action = action_of(old == NULL, &changes);

	copy(proxy.name, sizeof(proxy.name), wanted->name);
#define COPY(text) copy(proxy.text, sizeof(proxy.text), wanted->text);
	PROXY_TEXTS(COPY)
#undef COPY
	plan_add(plan, action, "proxy %s", wanted->name)->changes = changes;
	if (!dry && strcmp(action, PLAN_KEEP) != 0)
		catalog_put_proxy(app->catalog, &proxy);
}

static struct config_changes
apply_webhook(struct app *app, const struct project_entry *project,
    const struct config_webhook *wanted, bool dry, struct plan *plan)
{
	struct webhook_rules rules = { .takes_unsigned = wanted->takes_unsigned };
	struct config_webhook was = { "", "", false };
	struct config_changes changes;

	if (project != NULL)
		was = export_webhook(&project->rules);
	changes = diff_webhooks(&was, wanted, plan->arena);
	if (dry || changes.count == 0)
		return changes;
	CHECK(project != NULL); /* it was put a moment ago */
	copy(rules.secret_file, sizeof(rules.secret_file), wanted->secret_file);
	copy(rules.secret_env, sizeof(rules.secret_env), wanted->secret_env);
	catalog_set_webhook_rules(app->catalog, project->id, &rules);
	return changes;
}

/* The webhook that is for all projects. */
static void
apply_everyone(
    struct app *app, const struct config_webhook *wanted, bool dry, struct plan *plan)
{
	struct config_changes changes =
	    apply_webhook(app, catalog_everyone(app->catalog), wanted, dry, plan);

	if (changes.count > 0)
		plan_add(plan, PLAN_CHANGE, "webhook of all projects")->changes = changes;
}

static void
configure_actors(struct app *app, uint64_t stage_id, uint64_t poll_id,
    const struct stage_spec *spec, bool forget)
{
	const struct stage_entry *entry = catalog_stage(app->catalog, stage_id);

	runtime_deliver(app->runtime,
	    &(struct event){ .kind = EV_CONFIGURED,
		.to = stage_id,
		.spec = entry->spec_id,
		.strategy = apply_strategy_of(app, spec),
		.count = apply_tasks_of(spec),
		.flag = stage_spec_has_route(spec) },
	    NULL);
	runtime_deliver(app->runtime,
	    &(struct event){ .kind = EV_CONFIGURED,
		.to = poll_id,
		.after_ms = spec->poll_ms,
		.flag = spec->is_auto,
		.count = forget ? 1 : 0 },
	    NULL);
}

static void
add_stage(struct app *app, uint64_t project_id, const struct stage_spec *spec, struct str json)
{
	struct actor stage = { .kind = ACTOR_STAGE, .state = STAGE_IDLE };
	struct actor poll = { .kind = ACTOR_POLL, .state = POLL_OFF };
	uint64_t stage_id = runtime_spawn(app->runtime, stage);

	poll.poll.stage = stage_id;
	uint64_t poll_id = runtime_spawn(app->runtime, poll);
	catalog_add_stage(app->catalog, project_id, stage_id, poll_id, json);
	configure_actors(app, stage_id, poll_id, spec, false);
}

static void
change_stage(struct app *app, const struct stage_entry *entry, const struct stage_spec *spec,
    struct str json)
{
	bool forget = strcmp(entry->spec->image, spec->image) != 0
		      || !tag_policy_chooses_alike(entry->spec, spec);
	uint64_t stage_id = entry->id;
	uint64_t poll_id = entry->poll_id;

	catalog_set_spec(app->catalog, stage_id, json);
	configure_actors(app, stage_id, poll_id, spec, forget);
}

/* Equal bytes: nothing has changed. */
static bool
is_same_stage(const struct stage_spec *spec, struct str json)
{
	struct buf old;
	bool is_same;

	buf_init(&old, CONFIG_BYTES_MAX);
	stage_spec_write(spec, &old);
	is_same = old.n == json.n && memcmp(old.p, json.p, json.n) == 0;
	buf_free(&old);
	return is_same;
}

/* Something that the containers and their route are made from, and they are there. */
static bool
awaits_deploy(
    const struct app *app, const struct stage_entry *entry, const struct stage_spec *wanted)
{
	const struct actor *stage = runtime_actor(app->runtime, entry->id);

	if (stage == NULL || (stage->stage.live == 0 && stage->stage.running == 0))
		return false;
	for (size_t i = 0; i < STAGE_FIELD_COUNT; i++)
		if (!stage_fields[i].is_at_once
		    && !field_is_same(&stage_fields[i], entry->spec, wanted))
			return true;
	return false;
}

static void
plan_stage(const struct app *app, const struct stage_entry *entry,
    const struct stage_spec *spec, struct str json, struct plan *plan)
{
	bool is_same = entry != NULL && is_same_stage(entry->spec, json);
	const char *action = entry == NULL ? PLAN_ADD : is_same ? PLAN_KEEP : PLAN_CHANGE;
	struct plan_entry *planned =
	    plan_add(plan, action, "stage %s/%s", spec->project, spec->stage);

	if (is_same)
		return;
	planned->changes = diff_stages(entry == NULL ? NULL : entry->spec, spec, plan->arena);
	planned->awaits_deploy = entry != NULL && awaits_deploy(app, entry, spec);
}

static void
apply_stage(struct app *app, uint64_t project_id, const struct stage_spec *spec, bool dry,
    struct plan *plan)
{
	const struct stage_entry *entry =
	    catalog_stage_by_name(app->catalog, spec->project, spec->stage);
	struct buf json;

	buf_init(&json, CONFIG_BYTES_MAX);
	stage_spec_write(spec, &json);
	CHECK(!json.overflow);
	plan_stage(app, entry, spec, buf_view(&json), plan);
	if (!dry && entry == NULL)
		add_stage(app, project_id, spec, buf_view(&json));
	else if (!dry && strcmp(plan->entries[plan->count - 1].action, PLAN_CHANGE) == 0)
		change_stage(app, entry, spec, buf_view(&json));
	buf_free(&json);
}

static void
apply_project(
    struct app *app, const struct config_project *project, bool dry, struct plan *plan)
{
	bool is_new = catalog_project_by_name(app->catalog, project->name) == NULL;
	uint64_t id = dry ? 0 : catalog_put_project(app->catalog, project->name, &is_new);
	struct config_changes changes =
	    apply_webhook(app, catalog_project_by_name(app->catalog, project->name),
		&project->webhook, dry, plan);

	plan_add(plan, action_of(is_new, &changes), "project %s", project->name)->changes =
	    changes;
	for (size_t k = 0; k < project->stage_count; k++)
		apply_stage(app, id, &project->stages[k], dry, plan);
}

static bool
names_stage(const struct config_file *file, const struct stage_spec *spec)
{
	for (size_t i = 0; i < file->project_count; i++)
		for (size_t k = 0; k < file->projects[i].stage_count; k++)
			if (strcmp(file->projects[i].stages[k].project, spec->project) == 0
			    && strcmp(file->projects[i].stages[k].stage, spec->stage) == 0)
				return true;
	return false;
}

/* A domain or port of a stage that the file leaves out still belongs to that stage. */
static bool
find_clash(const struct stage_spec *wanted, const struct stage_spec *other, struct err *err)
{
	for (size_t i = 0; i < wanted->domains.count; i++)
		for (size_t k = 0; k < other->domains.count; k++)
			if (strcmp(wanted->domains.items[i], other->domains.items[k]) == 0) {
				err_set(err,
				    "the domain %s of %s/%s belongs to %s/%s, which the file "
				    "leaves"
				    " out: keep that stage in the file and change its domains "
				    "there",
				    wanted->domains.items[i], wanted->project, wanted->stage,
				    other->project, other->stage);
				return true;
			}
	if (wanted->tcp_port != 0 && wanted->tcp_port == other->tcp_port) {
		err_set(err,
		    "the TCP port %d of %s/%s belongs to %s/%s, which the file leaves out",
		    wanted->tcp_port, wanted->project, wanted->stage, other->project,
		    other->stage);
		return true;
	}
	return false;
}

static bool
clashes_with_left_alone(const struct app *app, const struct config_file *file, struct err *err)
{
	for (size_t s = 0; s < catalog_stage_count(app->catalog); s++) {
		const struct stage_spec *other = catalog_stage_at(app->catalog, s)->spec;
		if (names_stage(file, other))
			continue;
		for (size_t i = 0; i < file->project_count; i++)
			for (size_t k = 0; k < file->projects[i].stage_count; k++)
				if (find_clash(&file->projects[i].stages[k], other, err))
					return true;
	}
	return false;
}

static bool
is_too_much(const struct app *app, const struct config_file *file, struct err *err)
{
	size_t engines = catalog_engine_count(app->catalog);
	size_t stages = catalog_stage_count(app->catalog);
	size_t proxies = catalog_proxy_count(app->catalog);

	for (size_t i = 0; i < file->proxy_count; i++)
		proxies += catalog_proxy(app->catalog, file->proxies[i].name) == NULL;
	for (size_t i = 0; i < file->engine_count; i++)
		engines += catalog_engine(app->catalog, file->engines[i].name) == NULL;
	for (size_t i = 0; i < file->project_count; i++)
		for (size_t k = 0; k < file->projects[i].stage_count; k++)
			stages += catalog_stage_by_name(app->catalog, file->projects[i].name,
				      file->projects[i].stages[k].stage)
				  == NULL;
	if (engines <= ENGINES_MAX && stages <= STAGES_MAX && proxies <= PROXIES_MAX)
		return false;
	err_set(err,
	    "with this file there would be %zu engines, %zu proxies and %zu stages; at most "
	    "%d, %d and %d",
	    engines, proxies, stages, ENGINES_MAX, PROXIES_MAX, STAGES_MAX);
	return true;
}

static bool
names_engine(const struct config_file *file, const char *name)
{
	for (size_t i = 0; i < file->engine_count; i++)
		if (strcmp(file->engines[i].name, name) == 0)
			return true;
	return false;
}

static bool
names_proxy(const struct config_file *file, const char *name)
{
	for (size_t i = 0; i < file->proxy_count; i++)
		if (strcmp(file->proxies[i].name, name) == 0)
			return true;
	return false;
}

static void
plan_left_hosts(const struct app *app, const struct config_file *file, struct plan *plan)
{
	for (size_t i = 0; i < catalog_engine_count(app->catalog); i++) {
		const char *name = catalog_engine_at(app->catalog, i)->name;

		if (!names_engine(file, name))
			plan_add(plan, PLAN_LEFT, "engine %s", name);
	}
	for (size_t i = 0; i < catalog_proxy_count(app->catalog); i++) {
		const char *name = catalog_proxy_at(app->catalog, i)->name;

		if (!names_proxy(file, name))
			plan_add(plan, PLAN_LEFT, "proxy %s", name);
	}
}

static bool
has_secret(void *context, const char *name)
{
	const struct app *app = context;

	return vault_has(app->vault, name);
}

struct config_rules
command_rules(struct app *app)
{
	struct config_rules rules = app->settings->rules;

	rules.has_secret = has_secret;
	rules.context = app;
	return rules;
}

enum command_result
command_add_projects(
    struct app *app, const struct config_file *file, struct plan *ret_plan, struct err *err)
{
	plan_init(ret_plan);
	if (clashes_with_left_alone(app, file, err) || is_too_much(app, file, err))
		return COMMAND_CONFLICT;
	for (size_t i = 0; i < file->project_count; i++)
		apply_project(app, &file->projects[i], false, ret_plan);
	return COMMAND_DONE;
}

enum command_result
command_apply(struct app *app, const struct config_file *file, bool dry, struct plan *ret_plan,
    struct err *err)
{
	plan_init(ret_plan);
	if (app->is_draining && !dry) {
		err_set(err, "slipway is shutting down and takes no new work; try again when "
			     "it is back");
		return COMMAND_BUSY;
	}
	if (clashes_with_left_alone(app, file, err) || is_too_much(app, file, err))
		return COMMAND_CONFLICT;
	for (size_t i = 0; i < file->engine_count; i++)
		apply_engine(app, &file->engines[i], dry, ret_plan);
	apply_registries(app, file, dry, ret_plan);
	for (size_t i = 0; i < file->proxy_count; i++)
		apply_proxy(app, &file->proxies[i], dry, ret_plan);
	apply_everyone(app, &file->webhook, dry, ret_plan);
	for (size_t i = 0; i < file->project_count; i++)
		apply_project(app, &file->projects[i], dry, ret_plan);
	for (size_t i = 0; i < catalog_stage_count(app->catalog); i++) {
		const struct stage_spec *spec = catalog_stage_at(app->catalog, i)->spec;
		if (!names_stage(file, spec))
			plan_add(
			    ret_plan, PLAN_LEFT, "stage %s/%s", spec->project, spec->stage);
	}
	plan_left_hosts(app, file, ret_plan);
	apply_notifications(app, file, dry, ret_plan);
	if (!dry) {
		apply_strategies(app);
		docker_watch(app->docker);
	}
	return COMMAND_DONE;
}
