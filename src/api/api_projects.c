/* api_projects.c - projects. */
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
