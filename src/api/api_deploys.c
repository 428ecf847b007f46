/* api_deploys.c - deploys: list, show, cancel. */
#include <string.h>

#include "api/inside.h"
#include "api/views.h"
#include "base/arena.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/store.h"
#include "store/tasks.h"

enum { STEPS_MAX = 500, STATES_BYTES_MAX = 400 };

static void
refuse_state(struct request *rq, const char *state)
{
	struct buf known;

	buf_init(&known, STATES_BYTES_MAX);
	for (int i = 0; i < deploy_spec.state_count; i++)
		buf_format(&known, "%s%s", i > 0 ? ", " : "", deploy_spec.state_names[i]);
	reply_error(rq, 400, "INVALID", "'%.32s' is no state of a deploy: there are %s", state,
	    buf_cstr(&known));
	buf_free(&known);
}

static bool
read_filter(struct request *rq, struct app *app, struct deploy_filter *filter, uint64_t *limit)
{
	const char *stage = api_query(rq, "stage");

	*limit = PAGE_DEFAULT;
	*filter = (struct deploy_filter){ .project = api_query(rq, "project"),
		.state = api_query(rq, "state") };
	if (!api_query_number(rq, "before", INT64_MAX, &filter->before)
	    || !api_query_number(rq, "limit", PAGE_MAX, limit))
		return false;
	if (*limit == 0)
		*limit = 1;
	if (filter->state[0] != '\0' && fsm_state_by_name(&deploy_spec, filter->state) < 0) {
		refuse_state(rq, filter->state);
		return false;
	}
	if (stage[0] == '\0') {
		if (filter->project[0] != '\0')
			return api_project(app, rq, filter->project) != NULL;
	} else {
		const struct stage_entry *entry =
		    catalog_stage_by_name(app->catalog, filter->project, stage);
		if (entry == NULL) {
			reply_error(rq, 404, "NOT_FOUND",
			    "there is no stage '%.64s/%.64s'; name its project, too",
			    filter->project, stage);
			return false;
		}
		filter->stage = entry->id;
	}
	return true;
}

void
api_deploys_list(void *context, struct request *rq)
{
	struct app *app = context;
	struct deploy_filter filter;
	struct deploy_row *rows;
	struct json_writer w;
	uint64_t limit;
	size_t count;

	if (!read_filter(rq, app, &filter, &limit))
		return;
	rows = arena_take_array(rq->arena, limit + 1, sizeof(*rows));
	count = store_deploys(app->store, &filter, rows, limit + 1);
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	for (size_t i = 0; i < count && i < limit; i++) {
		json_object_open(&w);
		view_deploy(&w, app, &rows[i]);
		json_object_close(&w);
	}
	json_array_close(&w);
	json_key(&w, "next");
	if (count > limit)
		json_put_integer(&w, (int64_t)rows[limit - 1].id);
	else
		json_put_null(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}

static bool
find_deploy(struct app *app, struct request *rq, struct deploy_row *row)
{
	uint64_t id;

	if (!api_id(rq, "id", &id))
		return false;
	if (store_deploy_get(app->store, id, row))
		return true;
	api_no_deploy(app, rq, id);
	return false;
}

static void
write_tasks(struct app *app, struct json_writer *w, uint64_t deploy)
{
	struct task_row tasks[TASK_COUNT];
	size_t count = store_tasks(app->store, deploy, tasks);

	json_key(w, "tasks");
	json_array_open(w);
	for (size_t i = 0; i < count; i++) {
		json_object_open(w);
		view_task(w, &tasks[i]);
		json_object_close(w);
	}
	json_array_close(w);
}

void
api_deploy_show(void *context, struct request *rq)
{
	struct app *app = context;
	struct instance instances[REPLICAS_MAX];
	struct journal_row *steps;
	struct deploy_row row;
	struct json_writer w;
	size_t count;

	if (!find_deploy(app, rq, &row))
		return;
	steps = arena_take_array(rq->arena, STEPS_MAX, sizeof(*steps));
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	view_deploy(&w, app, &row);
	api_put_decisions(&w, app, row.id);
	json_key(&w, "steps");
	json_array_open(&w);
	count = store_journal(app->store, row.id, 0, steps, STEPS_MAX);
	for (size_t i = 0; i < count; i++) {
		json_object_open(&w);
		view_step(&w, &steps[i]);
		json_object_close(&w);
	}
	json_array_close(&w);
	json_key(&w, "instances");
	json_array_open(&w);
	count = store_instances(app->store, row.id, instances, REPLICAS_MAX);
	for (size_t i = 0; i < count; i++) {
		json_object_open(&w);
		view_instance(&w, &instances[i]);
		json_object_close(&w);
	}
	json_array_close(&w);
	view_env_changes(&w, app, row.id);
	write_tasks(app, &w, row.id);
	json_object_close(&w);
	reply_json(rq, 200);
}

void
api_deploy_cancel(void *context, struct request *rq)
{
	struct app *app = context;
	static const char *const known[] = { NULL };
	enum command_result result;
	struct json_writer w;
	struct json *body;
	struct err err;
	uint64_t id;

	if (!api_id(rq, "id", &id))
		return;
	body = api_body(rq, known);
	if (body == NULL)
		return;
	json_free(body);
	result = command_cancel(app, id, &err);
	if (result != COMMAND_DONE) {
		api_refuse(rq, result, &err);
		return;
	}
	api_log_deploy(
	    app, rq, id, "deploy.cancel_requested", "its cancellation was asked for");
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_integer(&w, "id", (int64_t)id);
	json_object_close(&w);
	reply_json(rq, 202);
}
