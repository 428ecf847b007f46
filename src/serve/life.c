/* life.c - see life.h. */
#include "serve/life.h"

#include <stdio.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/loop.h"
#include "config/file.h"
#include "config/report.h"
#include "config/settings.h"
#include "http/server.h"
#include "ports/proxies.h"
#include "ports/vault.h"
#include "serve/app.h"
#include "serve/backups.h"
#include "serve/commands.h"
#include "serve/metrics.h"
#include "serve/notices.h"
#include "serve/plan.h"
#include "serve/ports.h"
#include "serve/runtime.h"
#include "serve/terms.h"
#include "serve/kept.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/retention.h"
#include "store/store.h"

enum { TOKEN_BYTES = 24 };

static void
on_wake(void *context UNUSED)
{
}

/* Of what is in memory, if it can be: each step comes by here. */
static void
tell_whose(const struct app *app, const struct moved *m, struct log_context *log,
    struct deploy_row *row)
{
	const struct actor *a = &m->after;
	bool is_swap = a->kind == ACTOR_SWAP;
	const struct actor *deploy = is_swap ? runtime_actor(app->runtime, a->swap.deploy) : a;
	const struct stage_entry *stage =
	    catalog_stage(app->catalog, is_swap ? a->swap.stage : a->deploy.stage);

	log->deploy_id = is_swap ? a->swap.deploy : a->id;
	if (stage != NULL) {
		log->project = stage->spec->project;
		log->stage = stage->spec->stage;
	}
	if (deploy != NULL) {
		log->tag = deploy->deploy.tag;
		log->digest = deploy->deploy.digest;
	} else if (store_deploy_get(
		       app->store, log->deploy_id, row)) { /* it ended with its swap */
		log->tag = row->tag;
		log->digest = row->digest;
	}
}

static void
on_deploy_ended(struct app *app, const struct actor *deploy)
{
	retention_look(app->retention, deploy->deploy.stage);
	/* A route that was parked where the stage is not led any more is put right at once. */
	if (deploy->deploy.strategy != STRATEGY_BLUE_GREEN)
		proxies_sync(app->proxies);
}

/* One place prints transitions: here, from what the journal keeps, after the commit. */
static void
on_moved(void *context, const struct moved *m)
{
	struct app *app = context;
	const struct spec *spec = fsm_spec_of(m->after.kind);
	struct log_context log = { 0 };
	struct deploy_row row;

	if (m->after.kind == ACTOR_DEPLOY || m->after.kind == ACTOR_SWAP)
		tell_whose(app, m, &log, &row);
	log_event(log.deploy_id == 0 ? LOG_DEBUG : LOG_INFO, &log, "actor.moved",
	    (struct log_field[]){ LOG_TEXT("actor", spec->name),
		LOG_TEXT("from", spec->state_names[m->from]),
		LOG_TEXT("on", event_names[m->on]),
		LOG_TEXT("to", spec->state_names[m->after.state]), LOG_END },
	    "%s %s -> %s%s%s", spec->name, spec->state_names[m->from],
	    spec->state_names[m->after.state], m->text[0] == '\0' ? "" : ": ", m->text);
	kept_moved(app, m);
	if (log.deploy_id != 0)
		api_wake(app, log.deploy_id);
	if (fsm_is_final(spec, m->after.state))
		ports_forget(app, m->after.id);
	metrics_moved(app, m);
	if (m->after.kind == ACTOR_DEPLOY && fsm_is_final(spec, m->after.state))
		on_deploy_ended(app, &m->after);
}

static void
on_log_added(void *context, uint64_t deploy)
{
	api_wake(context, deploy);
}

/* SLIPWAY_TOKEN, or one that is made at the first start and shown once. Only its hash is stored. */
static void
set_up_token(struct app *app)
{
	const char *given = app->settings->token;
	char made[2 * TOKEN_BYTES + 1];
	unsigned char bytes[TOKEN_BYTES];

	if (given[0] != '\0') {
		/* Kept, or the one before would count again once the setting is gone. */
		hash_sha256_hex(str_of(given), app->token_hash);
		store_meta_put(app->store, "token_hash", app->token_hash);
		return;
	}
	store_meta_get(app->store, "token_hash", app->token_hash, sizeof(app->token_hash));
	if (app->token_hash[0] != '\0')
		return;
	random_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(made + 2 * i, 3, "%02x", bytes[i]);
	hash_sha256_hex(str_of(made), app->token_hash);
	store_meta_put(app->store, "token_hash", app->token_hash);
	store_commit(app->store);
	fprintf(stderr,
	    "\nThe API token, shown this once (keep it as SLIPWAY_TOKEN):\n\n    %s\n\n",
	    made);
}

/* The file counts only for an empty store; later changes come by `slipway apply`. */
static int
import_config(struct app *app, struct err *err)
{
	const char *path = app->settings->config;
	struct config_rules rules;
	struct config_file *file;
	struct plan plan = { 0 };
	int result = 0;

	if (path[0] == '\0' || !catalog_is_empty(app->catalog))
		return 0;
	rules = command_rules(app);
	file = config_file_load(path, &rules, err);
	if (file == NULL)
		return -1;
	config_report_write(path, file, stderr);
	if (file->faults.count > 0) {
		result = err_set(err,
		    "%s has faults, nothing was imported: mend them and start again", path);
	} else if (command_apply(app, file, false, &plan, err) != COMMAND_DONE) {
		result = -1;
	} else {
		log_info(NULL, "config.imported", "%s: %zu projects, %zu stages", path,
		    file->project_count, file->stage_count);
	}
	plan_free(&plan);
	config_file_free(file);
	return result;
}

static int
open_vault(struct app *app, struct err *err)
{
	const struct settings *s = app->settings;
	struct vault_settings settings = {
		.store = app->store, .loop = app->loop, .path = s->key_file, .keys = s->keys
	};
	char path[4096];

	if (s->key_file[0] == '\0') {
		snprintf(path, sizeof(path), "%s/secrets.key", s->data);
		settings.path = path;
	}
	app->vault = vault_open(&settings, err);
	return app->vault == NULL ? -1 : 0;
}

static int
open_server(struct app *app, struct err *err)
{
	const char *listen[] = { app->settings->listen.text, NULL };
	struct http_settings settings = { .listen = listen,
		.handle = api_handle,
		.answered = api_answered,
		.connections_max = app->connections_max,
		.streams_max = app->connections_max,
		.context = app };

	app->server = http_server_new(app->loop, &settings, err);
	return app->server == NULL ? -1 : 0;
}

static void
open_retention(struct app *app)
{
	const struct keep_settings *keep = &app->settings->keep;
	struct retention_rules rules = { .deploys = keep->deploys,
		.days = keep->days,
		.rollbacks = keep->rollbacks,
		.images_ms = keep->images_ms,
		.removes_images = keep->removes_images,
		.catalog = app->catalog };

	app->retention = retention_new(app->store, &rules, clock_now_ms());
}

int
life_begin(struct app *app, struct err *err)
{
	struct runtime_host host = { .perform = ports_perform,
		.moved = on_moved,
		.inform = terms_inform,
		.context = app };

	app->started_ms = clock_now_ms();
	app->wake = loop_timer_new(app->loop, on_wake, NULL);
	store_sweeps_set_interval(app->store, app->settings->sweep_interval_ms);
	app->catalog = catalog_new(app->store);
	open_retention(app);
	if (catalog_load(app->catalog, err) != 0)
		return -1;
	if (open_vault(app, err) != 0)
		return -1;
	app->notices = notices_new();
	app->metrics = metrics_new();
	app->runtime = runtime_new(app->store, &host);
	if (open_server(app, err) != 0 || ports_open(app, err) != 0
	    || store_audit(app->store, err) != 0 || runtime_load(app->runtime, err) != 0)
		return -1;
	store_watch_log(app->store, on_log_added, app);
	runtime_recover(app->runtime, clock_now_ms());
	apply_strategies(app);
	kept_step(app, clock_now_ms());
	if (import_config(app, err) != 0)
		return -1;
	notices_step(app);
	set_up_token(app);
	store_commit(app->store);
	runtime_release(app->runtime);
	ports_start(app);
	app->backups = backups_new(app->loop, app->settings);
	return http_server_open(app->server, err);
}

void
life_end(struct app *app)
{
	backups_free(app->backups);
	http_server_free(app->server);
	ports_close(app);
	runtime_free(app->runtime);
	vault_close(app->vault);
	catalog_free(app->catalog);
	retention_free(app->retention);
	notices_free(app->notices);
	metrics_free(app->metrics);
	loop_timer_free(app->wake);
}
