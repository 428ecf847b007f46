/* api_stages.c - stages: what they run, and asking them to deploy, go back or look for news. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "api/views.h"
#include "base/arena.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/store.h"

enum { STAGE_CURSOR_SIZE = 2 * NAME_SIZE + 1 };

/* "shop/production" */
static void
write_cursor(const struct stage_entry *stage, char cursor[STAGE_CURSOR_SIZE])
{
	snprintf(cursor, STAGE_CURSOR_SIZE, "%s/%s", stage->spec->project, stage->spec->stage);
}

/* Where the page begins. The cursor is not compared as one text: a project's name may go on with what sorts
 * before the slash. */
static size_t
find_behind(
    const struct app *app, struct request *rq, const char *cursor, size_t i, size_t end)
{
	struct str piece;
	const char *name = arena_text(rq->arena, str_cut(str_of(cursor), '/', &piece));
	const char *project = arena_text(rq->arena, piece);

	for (; i < end; i++) {
		const struct stage_spec *spec = catalog_stage_at(app->catalog, i)->spec;
		int order = strcmp(spec->project, project);

		if (order > 0 || (order == 0 && strcmp(spec->stage, name) > 0))
			break;
	}
	return i;
}

void
api_stages_list(void *context, struct request *rq)
{
	struct app *app = context;
	const char *project = api_query(rq, "project");
	size_t end = catalog_stage_count(app->catalog);
	char next[STAGE_CURSOR_SIZE] = "";
	size_t i = 0;
	struct json_writer w;
	struct page page;

	if (!api_page(rq, STAGES_MAX, &page)
	    || (project[0] != '\0' && !api_project(app, rq, project)))
		return;
	if (project[0] != '\0') {
		i = catalog_stages_of(app->catalog, project, &end);
		end += i;
	}
	i = find_behind(app, rq, page.after, i, end);
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	store_reads_begin(app->store);
	for (; i < end && page.limit > 0; i++, page.limit--) {
		json_object_open(&w);
		view_stage(&w, app, catalog_stage_at(app->catalog, i));
		json_object_close(&w);
		write_cursor(catalog_stage_at(app->catalog, i), next);
	}
	store_reads_end(app->store);
	json_array_close(&w);
	api_page_next(&w, i < end ? next : "");
	json_object_close(&w);
	reply_json(rq, 200);
}

void
api_stage_show(void *context, struct request *rq)
{
	struct app *app = context;
	const struct stage_entry *stage = api_stage(app, rq);
	struct json_writer w;

	if (stage == NULL)
		return;
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	view_stage(&w, app, stage);
	json_object_close(&w);
	reply_json(rq, 200);
}

void
api_stage_instances(void *context, struct request *rq)
{
	struct app *app = context;
	const struct stage_entry *stage = api_stage(app, rq);
	struct instance instances[REPLICAS_MAX];
	struct json_writer w;
	size_t count;

	if (stage == NULL)
		return;
	count = store_instances(app->store, runtime_actor(app->runtime, stage->id)->stage.live,
	    instances, REPLICAS_MAX);
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	for (size_t i = 0; i < count; i++) {
		json_object_open(&w);
		view_instance(&w, &instances[i]);
		json_object_close(&w);
	}
	json_array_close(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}

static void
reply_warned(struct app *app, struct request *rq, enum command_result result, uint64_t id,
    const struct err *err, const char *what, const char *warning)
{
	struct json_writer w;

	if (result != COMMAND_DONE) {
		api_refuse(rq, result, err);
		return;
	}
	api_log_deploy(app, rq, id, "deploy.requested", what);
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_integer(&w, "id", (int64_t)id);
	if (warning[0] != '\0')
		json_pair_text(&w, "warning", warning);
	json_object_close(&w);
	reply_json(rq, 202);
}

void
api_reply_deploy(struct app *app, struct request *rq, enum command_result result, uint64_t id,
    const struct err *err, const char *what)
{
	reply_warned(app, rq, result, id, err, what, "");
}

void
api_stage_deploy(void *context, struct request *rq)
{
	struct app *app = context;
	static const char *const known[] = { "tag", "digest", "force", "by", "override",
		NULL };
	struct deploy_command command = { .project = api_parameter(rq, "project"),
		.stage = api_parameter(rq, "stage"),
		.tag = "",
		.digest = "",
		.by = "",
		.override = "",
		.trigger = TRIGGER_MANUAL };
	struct json *body = api_body(rq, known);
	struct err err;
	uint64_t id = 0;

	if (body == NULL)
		return;
	if (api_text(rq, body, "tag", &command.tag)
	    && api_text(rq, body, "digest", &command.digest)
	    && api_text(rq, body, "by", &command.by)
	    && api_text(rq, body, "override", &command.override)
	    && api_bool(rq, body, "force", &command.is_forced)) {
		enum command_result result = command_deploy(app, &command, &id, &err);
		api_reply_deploy(app, rq, result, id, &err, "a deploy was asked for");
	}
	json_free(body);
}

void
api_stage_rollback(void *context, struct request *rq)
{
	struct app *app = context;
	static const char *const known[] = { "to", NULL };
	struct json *body = api_body(rq, known);
	struct err err;
	char warning[REASON_SIZE] = "";
	uint64_t to = 0;
	uint64_t id = 0;

	if (body == NULL)
		return;
	if (api_number(rq, body, "to", &to)) {
		enum command_result result =
		    command_rollback(app, api_parameter(rq, "project"),
			api_parameter(rq, "stage"), to, &id, warning, &err);
		reply_warned(app, rq, result, id, &err, "a rollback was asked for", warning);
	}
	json_free(body);
}

typedef enum command_result stage_command_fn(struct app *app,
    const struct stage_command *command, uint64_t *ret_deploy, struct err *err);

static void
run_command(struct app *app, struct request *rq, stage_command_fn *run, const char *asked)
{
	static const char *const known[] = { "by", NULL };
	struct stage_command command = { .project = api_parameter(rq, "project"),
		.stage = api_parameter(rq, "stage"),
		.by = "" };
	struct json *body = api_body(rq, known);
	struct err err;
	uint64_t id = 0;

	if (body == NULL)
		return;
	if (api_text(rq, body, "by", &command.by)) {
		enum command_result result = run(app, &command, &id, &err);
		api_reply_deploy(app, rq, result, id, &err, asked);
	}
	json_free(body);
}

void
api_stage_restart(void *context, struct request *rq)
{
	run_command(context, rq, command_restart, "a restart was asked for");
}

void
api_stage_stop(void *context, struct request *rq)
{
	run_command(context, rq, command_stop, "a stop was asked for");
}

void
api_stage_start(void *context, struct request *rq)
{
	run_command(context, rq, command_start, "a start was asked for");
}

void
api_stage_remove(void *context, struct request *rq)
{
	struct app *app = context;
	static const char *const known[] = { "tag", "by", NULL };
	struct stage_command command = { .project = api_parameter(rq, "project"),
		.stage = api_parameter(rq, "stage"),
		.by = "" };
	struct json *body = api_body(rq, known);
	const char *tag = "";
	struct err err;
	uint64_t id = 0;

	if (body == NULL)
		return;
	if (!api_text(rq, body, "tag", &tag) || !api_text(rq, body, "by", &command.by)) {
		json_free(body);
		return;
	}
	if (tag[0] == '\0') {
		reply_error_detail(rq, 400, "INVALID", STR("\"tag\""),
		    "'tag' is missing: the tag of the version that shall go");
	} else {
		enum command_result result = command_remove(app, &command, tag, &id, &err);
		api_reply_deploy(app, rq, result, id, &err, "a version is not kept any more");
	}
	json_free(body);
}

void
api_stage_poll(void *context, struct request *rq)
{
	struct app *app = context;
	const struct stage_entry *stage = api_stage(app, rq);
	const struct actor *poll;
	struct json_writer w;

	if (stage == NULL)
		return;
	poll = runtime_actor(app->runtime, stage->poll_id);
	if (poll->state == POLL_OFF) {
		reply_error(rq, 409, "CONFLICT",
		    "%s/%s is not polled: give it 'poll: 30s' in slipway.yml",
		    stage->spec->project, stage->spec->stage);
		return;
	}
	runtime_deliver(
	    app->runtime, &(struct event){ .kind = EV_NUDGED, .to = stage->poll_id }, NULL);
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_object_close(&w);
	reply_json(rq, 202);
}

void
api_stage_lift(void *context, struct request *rq)
{
	struct app *app = context;
	static const char *const known[] = { "digest", NULL };
	struct json *body = api_body(rq, known);
	const char *digest = "";
	struct json_writer w;
	struct err err;

	if (body == NULL)
		return;
	if (api_text(rq, body, "digest", &digest)) {
		enum command_result result = command_lift(app, api_parameter(rq, "project"),
		    api_parameter(rq, "stage"), digest, &err);

		if (result != COMMAND_DONE) {
			api_refuse(rq, result, &err);
		} else {
			json_writer_init(&w, reply_body(rq));
			json_object_open(&w);
			json_object_close(&w);
			reply_json(rq, 200);
		}
	}
	json_free(body);
}
