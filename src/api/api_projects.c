/* api_projects.c - projects, applying a configuration, and the webhook. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "api/views.h"
#include "base/log.h"
#include "config/file.h"
#include "store/catalog.h"
#include "store/deploys.h"

void
api_projects_list(void *context, struct request *rq)
{
	struct app *app = context;
	struct json_writer w;

	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	for (size_t i = 0; i < catalog_project_count(app->catalog); i++) {
		json_object_open(&w);
		view_project(&w, app, catalog_project_at(app->catalog, i));
		json_object_close(&w);
	}
	json_array_close(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}

void
api_project_show(void *context, struct request *rq)
{
	struct app *app = context;
	const char *name = api_parameter(rq, "project");
	const struct project_entry *project = api_project(app, rq, name);
	struct json_writer w;

	if (project == NULL)
		return;
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	view_project(&w, app, project);
	json_object_close(&w);
	reply_json(rq, 200);
}

static void
write_faults(struct json_writer *w, const struct config_problems *faults)
{
	json_array_open(w);
	for (size_t i = 0; i < faults->count; i++) {
		json_object_open(w);
		json_pair_integer(w, "line", faults->items[i].line);
		json_pair_integer(w, "column", faults->items[i].column);
		json_pair_text(w, "message", faults->items[i].text);
		json_object_close(w);
	}
	json_array_close(w);
}

static void
refuse_file(struct request *rq, const struct config_file *file)
{
	struct json_writer w;
	struct buf detail;

	buf_init(&detail, 1 << 20);
	json_writer_init(&w, &detail);
	write_faults(&w, &file->faults);
	reply_error_detail(rq, 400, "INVALID", buf_view(&detail),
	    "the configuration has %zu fault%s", file->faults.count + file->faults.unlisted,
	    file->faults.count + file->faults.unlisted == 1 ? "" : "s");
	buf_free(&detail);
}

static void
reply_plan(struct request *rq, const struct plan *plan, const struct config_file *file)
{
	struct json_writer w;

	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_integer(&w, "changes", (int64_t)plan->changes);
	json_key(&w, "plan");
	json_array_open(&w);
	for (size_t i = 0; i < plan->count; i++) {
		json_object_open(&w);
		json_pair_text(&w, "action", plan->entries[i].action);
		json_pair_text(&w, "what", plan->entries[i].what);
		json_object_close(&w);
	}
	json_array_close(&w);
	json_key(&w, "warnings");
	write_faults(&w, &file->warnings);
	json_object_close(&w);
	reply_json(rq, 200);
}

static struct config_file *
parse(struct app *app, struct str text)
{
	struct config_rules rules = app->settings->rules;
	const char *hosts[ENGINES_MAX];

	rules.engine_hosts = hosts;
	rules.engine_count = catalog_engine_count(app->catalog);
	CHECK(rules.engine_count <= ENGINES_MAX);
	for (size_t i = 0; i < rules.engine_count; i++)
		hosts[i] = catalog_engine_at(app->catalog, i)->host;
	return config_file_parse(text, &rules);
}

void
api_apply(void *context, struct request *rq)
{
	struct app *app = context;
	struct log_context log = { .request_id = rq->id };
	struct config_file *file;
	enum command_result result;
	struct plan plan = { 0 };
	uint64_t dry = 0;
	struct err err;

	if (!api_query_number(rq, "dry", 1, &dry))
		return;
	if (!api_is_type(rq, "application/yaml") && !api_is_type(rq, "application/json")) {
		reply_error(rq, 415, "UNSUPPORTED_TYPE",
		    "send slipway.yml as application/yaml, or the same as application/json");
		return;
	}
	file = parse(app, rq->body);
	if (file->faults.count > 0) {
		refuse_file(rq, file);
	} else {
		result = command_apply(app, file, dry == 1, &plan, &err);
		if (result == COMMAND_DONE)
			reply_plan(rq, &plan, file);
		else
			api_refuse(rq, result, &err);
		if (result == COMMAND_DONE && dry == 0)
			log_info(&log, "config.applied",
			    "a configuration was applied: %zu change%s", plan.changes,
			    plan.changes == 1 ? "" : "s");
	}
	plan_free(&plan);
	config_file_free(file);
}

static void
reply_hook(struct app *app, struct request *rq, const struct hook_result *hook)
{
	struct json_writer w;

	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	if (hook->count == 0) {
		json_pair_text(&w, "ignored",
		    hook->was_reported ? "the stage deploys by hand only (auto: false)"
				       : "no stage of this project takes this image and tag");
	} else {
		json_pair_integer(&w, "id", (int64_t)hook->deploys[0]);
		json_key(&w, "deploys");
		json_array_open(&w);
		for (size_t i = 0; i < hook->count; i++) {
			const struct stage_entry *stage =
			    catalog_stage(app->catalog, hook->stages[i]);
			json_object_open(&w);
			json_pair_integer(&w, "id", (int64_t)hook->deploys[i]);
			json_pair_text(&w, "project", stage->spec->project);
			json_pair_text(&w, "stage", stage->spec->stage);
			json_object_close(&w);
		}
		json_array_close(&w);
	}
	json_object_close(&w);
	reply_json(rq, hook->count == 0 ? 200 : 202);
}

static void
log_hook(struct app *app, const struct request *rq, const struct project_entry *project,
    const char *image, const struct hook_result *hook)
{
	struct log_context log = { .request_id = rq->id, .project = project->name };

	log_info(&log, "webhook.received", "webhook for %s: %zu deploy%s", image, hook->count,
	    hook->count == 1 ? "" : "s");
	for (size_t i = 0; i < hook->count; i++)
		api_log_deploy(app, rq, hook->deploys[i], "deploy.requested",
		    "a webhook brought this image");
}

void
api_webhook(void *context, struct request *rq)
{
	struct app *app = context;
	static const char *const known[] = { "image", NULL };
	const struct project_entry *project;
	const char *image = NULL;
	struct hook_result hook;
	enum command_result result;
	struct json *body;
	struct err err;

	project = catalog_project_by_webhook(app->catalog, request_parameter(rq, "uuid"));
	if (project == NULL) {
		reply_error(rq, 404, "NOT_FOUND", "not found");
		return;
	}
	body = api_body(rq, known);
	if (body == NULL)
		return;
	if (!api_text(rq, body, "image", &image)) {
		json_free(body);
		return;
	}
	if (image == NULL) {
		reply_error_detail(rq, 400, "INVALID", STR("\"image\""),
		    "'image' is missing: send {\"image\":\"host/org/app:tag\"}");
		json_free(body);
		return;
	}
	result = command_webhook(app, request_parameter(rq, "uuid"), image, &hook, &err);
	if (result == COMMAND_DONE || hook.count > 0)
		log_hook(app, rq, project, image, &hook);
	if (result == COMMAND_DONE)
		reply_hook(app, rq, &hook);
	else
		api_refuse(rq, result, &err);
	json_free(body);
}
