/* api_projects.c - projects, and the webhook. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "api/views.h"
#include "base/log.h"
#include "store/catalog.h"
#include "store/deploys.h"

void
api_projects_list(void *context, struct request *rq)
{
	struct app *app = context;
	size_t count = catalog_project_count(app->catalog);
	const char *last = "";
	struct json_writer w;
	struct page page;
	size_t i = 0;

	if (!api_page(rq, PROJECTS_MAX, &page))
		return;
	while (i < count && strcmp(catalog_project_at(app->catalog, i)->name, page.after) <= 0)
		i++;
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	for (; i < count && page.limit > 0; i++, page.limit--) {
		json_object_open(&w);
		view_project(&w, app, catalog_project_at(app->catalog, i));
		json_object_close(&w);
		last = catalog_project_at(app->catalog, i)->name;
	}
	json_array_close(&w);
	api_page_next(&w, i < count ? last : "");
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
