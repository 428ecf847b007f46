/* api_promotion.c - promoting, agreeing, freezing, and the log of who did. promotable is in
 * api_promotable.c. */
#include <string.h>

#include "api/inside.h"
#include "base/arena.h"
#include "serve/promotion.h"
#include "serve/runtime.h"
#include "store/deploys.h"
#include "store/promotions.h"

void
api_stage_promote(void *context, struct request *rq)
{
	static const char *const known[] = { "digest", "force", "by", "override", NULL };
	struct app *app = context;
	struct deploy_command command = { .project = api_parameter(rq, "project"),
		.stage = api_parameter(rq, "stage"),
		.tag = "",
		.digest = "",
		.by = "",
		.override = "" };
	struct json *body = api_body(rq, known);
	struct err err;
	uint64_t id = 0;

	if (body == NULL)
		return;
	if (api_text(rq, body, "digest", &command.digest)
	    && api_text(rq, body, "by", &command.by)
	    && api_text(rq, body, "override", &command.override)
	    && api_bool(rq, body, "force", &command.is_forced)) {
		enum command_result result = command_promote(app, &command, &id, &err);
		api_reply_deploy(app, rq, result, id, &err, "a promotion was asked for");
	}
	json_free(body);
}

/* Its state after the decision. */
static void
reply_decided(struct app *app, struct request *rq, uint64_t id)
{
	struct deploy_brief row = { .state = "" };
	struct json_writer w;

	store_deploy_brief(app->store, id, &row);
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_integer(&w, "id", (int64_t)id);
	json_pair_text(&w, "state", row.state);
	api_put_decisions(&w, app, id);
	json_object_close(&w);
	reply_json(rq, 200);
}

static void
decide(struct app *app, struct request *rq, bool is_rejection)
{
	static const char *const known[] = { "by", "note", "digest", NULL };
	struct decision decision = {
		.by = "", .note = "", .digest = "", .is_rejection = is_rejection
	};
	enum command_result result;
	struct json *body;
	struct err err;
	uint64_t id;

	if (!api_id(rq, "id", &id))
		return;
	body = api_body(rq, known);
	if (body == NULL)
		return;
	if (api_text(rq, body, "by", &decision.by)
	    && api_text(rq, body, "note", &decision.note)
	    && api_text(rq, body, "digest", &decision.digest)) {
		result = command_decide(app, id, &decision, &err);
		if (result != COMMAND_DONE) {
			api_refuse(rq, result, &err);
		} else {
			api_log_deploy(app, rq, id,
			    is_rejection ? "deploy.rejected" : "deploy.approved",
			    is_rejection ? "a person rejected it" : "a person approved it");
			reply_decided(app, rq, id);
		}
	}
	json_free(body);
}

void
api_deploy_approve(void *context, struct request *rq)
{
	decide(context, rq, false);
}

void
api_deploy_reject(void *context, struct request *rq)
{
	decide(context, rq, true);
}

static void
reply_done(struct request *rq, enum command_result result, const struct err *err)
{
	struct json_writer w;

	if (result != COMMAND_DONE) {
		api_refuse(rq, result, err);
		return;
	}
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}

/* stage "": all of the project. */
static void
freeze(struct app *app, struct request *rq, const char *stage)
{
	static const char *const known[] = { "by", "reason", "for_ms", NULL };
	struct freeze_command command = {
		.project = api_parameter(rq, "project"), .stage = stage, .by = "", .reason = ""
	};
	struct json *body = api_body(rq, known);
	struct err err;
	uint64_t for_ms = 0;

	if (body == NULL)
		return;
	if (api_text(rq, body, "by", &command.by)
	    && api_text(rq, body, "reason", &command.reason)
	    && api_number(rq, body, "for_ms", &for_ms)) {
		command.for_ms = (int64_t)for_ms;
		reply_done(rq, command_freeze(app, &command, &err), &err);
	}
	json_free(body);
}

static void
thaw(struct app *app, struct request *rq, const char *stage)
{
	static const char *const known[] = { "by", NULL };
	struct freeze_command command = {
		.project = api_parameter(rq, "project"), .stage = stage, .by = "", .reason = ""
	};
	struct json *body = api_body(rq, known);
	struct err err;

	if (body == NULL)
		return;
	if (api_text(rq, body, "by", &command.by))
		reply_done(rq, command_thaw(app, &command, &err), &err);
	json_free(body);
}

void
api_stage_freeze(void *context, struct request *rq)
{
	freeze(context, rq, api_parameter(rq, "stage"));
}

void
api_stage_unfreeze(void *context, struct request *rq)
{
	thaw(context, rq, api_parameter(rq, "stage"));
}

void
api_project_freeze(void *context, struct request *rq)
{
	freeze(context, rq, "");
}

void
api_project_unfreeze(void *context, struct request *rq)
{
	thaw(context, rq, "");
}

void
api_put_decisions(struct json_writer *w, const struct app *app, uint64_t deploy)
{
	struct approval approvals[APPROVALS_MAX + 1];
	struct wish wish;
	size_t count = store_approvals(app->store, deploy, approvals, COUNT(approvals));

	store_wish_get(app->store, deploy, &wish);
	json_pair_text(w, "requested_by", wish.by);
	json_pair_text(w, "override", wish.override);
	json_key(w, "decisions");
	json_array_open(w);
	for (size_t i = 0; i < count; i++) {
		json_object_open(w);
		json_pair_text(w, "by", approvals[i].by);
		json_pair_text(
		    w, "decision", approvals[i].is_rejection ? "rejected" : "approved");
		json_pair_integer(w, "at_ms", approvals[i].at_ms);
		json_pair_text(w, "note", approvals[i].note);
		json_object_close(w);
	}
	json_array_close(w);
}

static void
put_entry(struct json_writer *w, const struct audit_row *row)
{
	json_object_open(w);
	json_pair_integer(w, "seq", row->seq);
	json_pair_integer(w, "at_ms", row->at_ms);
	json_pair_text(w, "by", row->by);
	json_pair_text(w, "action", row->action);
	json_pair_text(w, "project", row->project);
	json_pair_text(w, "stage", row->stage);
	json_pair_integer(w, "deploy", (int64_t)row->deploy);
	json_pair_text(w, "text", row->text);
	json_object_close(w);
}

void
api_audit(void *context, struct request *rq)
{
	const struct app *app = context;
	uint64_t before = 0;
	uint64_t limit = PAGE_DEFAULT;
	struct audit_row *rows;
	struct json_writer w;
	size_t count;

	if (!api_query_number(rq, "before", INT64_MAX, &before)
	    || !api_query_number(rq, "limit", PAGE_MAX, &limit))
		return;
	if (limit == 0)
		limit = 1;
	rows = arena_take_array(rq->arena, limit + 1, sizeof(*rows));
	count = store_audit_log(app->store, (int64_t)before, rows, limit + 1);
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	for (size_t i = 0; i < count && i < limit; i++)
		put_entry(&w, &rows[i]);
	json_array_close(&w);
	json_key(&w, "next");
	if (count > limit)
		json_put_integer(&w, rows[limit - 1].seq);
	else
		json_put_null(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}
