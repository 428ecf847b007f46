/* inside.h - what the files of the API share. */
#ifndef SLIPWAY_API_INSIDE_H
#define SLIPWAY_API_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "http/reply.h"
#include "http/request.h"
#include "serve/app.h"
#include "serve/commands.h"

/* An info line of a deploy that was asked for, with the request's id. */
void api_log_deploy(struct app *app, const struct request *rq, uint64_t deploy,
    const char *event, const char *what);

/* 202 with the deploy's id, or the refusal; `what` is for the log. */
void api_reply_deploy(struct app *app, struct request *rq, enum command_result result,
    uint64_t id, const struct err *err, const char *what);

/* Who asked for a deploy and who has decided about it, as members of its object. */
void api_put_decisions(struct json_writer *w, const struct app *app, uint64_t deploy);

/* Answers a command that was not done. */
void api_refuse(struct request *rq, enum command_result result, const struct err *err);

/* The Content-Type, its parameters aside. */
bool api_is_type(const struct request *rq, const char *wanted);

/* The body as a JSON object with no other members than `known` (ended by NULL), or NULL: answered
 * with 400 or 415 already. Free with json_free. An empty body counts as {}. */
struct json *api_body(struct request *rq, const char *const *known);

/* Members of a body; false: answered with 400 already. Absent members leave the value alone. */
bool api_text(struct request *rq, const struct json *body, const char *key, const char **ret);
bool api_number(struct request *rq, const struct json *body, const char *key, uint64_t *ret);
bool api_bool(struct request *rq, const struct json *body, const char *key, bool *ret);

/* {id} of the path, or a number of the query; false: answered already. */
bool api_id(struct request *rq, const char *name, uint64_t *ret);
bool api_query_number(struct request *rq, const char *name, uint64_t most, uint64_t *ret);

/* `after` and `limit` of a list that lies in memory, ordered by name; false: answered already. */
struct page {
	const char *after; /* a name; "": from the beginning */
	uint64_t limit; /* at least 1 */
};
bool api_page(struct request *rq, uint64_t most, struct page *ret);
/* The member that goes into the `after` of the next page; "": this was the last one. */
void api_page_next(struct json_writer *w, const char *name);

/* {project} or a query's text as a C string in the request's arena; "" when absent. */
const char *api_parameter(struct request *rq, const char *name);
const char *api_query(struct request *rq, const char *name);

struct webhook;
struct webhook_source;
/* A webhook's body; -1: answered with 400 or 415 already. */
int api_read_webhook(struct request *rq, const struct webhook_source *source,
    struct webhook *ret_webhook) MUST_USE;

/* A project by its name; NULL: answered with 404 already. */
const struct project_entry *api_project(struct app *app, struct request *rq, const char *name);

/* An id that no deploy has: answers with 404, and whether it was removed by rule. */
void api_no_deploy(struct app *app, struct request *rq, uint64_t id);

/* {project} and {stage}; NULL: answered with 404 already. */
const struct stage_entry *api_stage(struct app *app, struct request *rq);

/* {replica} of what is live at {project}/{stage}; false: answered with 404 already. */
struct instance;
bool api_instance(struct app *app, struct request *rq, struct instance *ret);

/* Around the handler of a POST that may carry an Idempotency-Key; true: answered already. */
bool api_answer_again(struct app *app, struct request *rq);
void api_keep_answer(struct app *app, struct request *rq);

/* Handlers. */
void api_openapi(void *context, struct request *rq);
void api_docs(void *context, struct request *rq);
void api_docs_style(void *context, struct request *rq);
void api_docs_script(void *context, struct request *rq);
void api_deploys_list(void *context, struct request *rq);
void api_statistics(void *context, struct request *rq);
void api_deploy_show(void *context, struct request *rq);
void api_deploy_cancel(void *context, struct request *rq);
void api_deploy_log(void *context, struct request *rq);
void api_events(void *context, struct request *rq);
void api_stages_list(void *context, struct request *rq);
void api_stage_show(void *context, struct request *rq);
void api_stage_instances(void *context, struct request *rq);
void api_instance_usage(void *context, struct request *rq);
void api_instance_logs(void *context, struct request *rq);
void api_stage_plan(void *context, struct request *rq);
void api_stage_deploy(void *context, struct request *rq);
void api_stage_rollback(void *context, struct request *rq);
void api_stage_restart(void *context, struct request *rq);
void api_stage_stop(void *context, struct request *rq);
void api_stage_start(void *context, struct request *rq);
void api_stage_remove(void *context, struct request *rq);
void api_stage_poll(void *context, struct request *rq);
void api_stage_tags(void *context, struct request *rq);
void api_stage_lift(void *context, struct request *rq);
void api_stage_promote(void *context, struct request *rq);
void api_stage_freeze(void *context, struct request *rq);
void api_stage_unfreeze(void *context, struct request *rq);
void api_project_freeze(void *context, struct request *rq);
void api_project_unfreeze(void *context, struct request *rq);
void api_deploy_approve(void *context, struct request *rq);
void api_deploy_reject(void *context, struct request *rq);
void api_promotable(void *context, struct request *rq);
void api_audit(void *context, struct request *rq);
void api_retention_show(void *context, struct request *rq);
void api_retention_run(void *context, struct request *rq);
void api_deploy_pin(void *context, struct request *rq);
void api_deploy_unpin(void *context, struct request *rq);
void api_stage_rollbacks(void *context, struct request *rq);
void api_projects_list(void *context, struct request *rq);
void api_project_show(void *context, struct request *rq);
void api_config_show(void *context, struct request *rq);
void api_apply(void *context, struct request *rq);
void api_webhook(void *context, struct request *rq);
void api_metrics(void *context, struct request *rq);
void api_inspect(void *context, struct request *rq);
void api_quick(void *context, struct request *rq);
void api_secrets_list(void *context, struct request *rq);
void api_secret_set(void *context, struct request *rq);
void api_secret_remove(void *context, struct request *rq);
void api_secrets_rotate(void *context, struct request *rq);
void api_notifications_list(void *context, struct request *rq);
void api_notifications_test(void *context, struct request *rq);
void api_receivers_list(void *context, struct request *rq);
void api_registries_list(void *context, struct request *rq);
void api_registry_test(void *context, struct request *rq);
void api_registry_tags(void *context, struct request *rq);
void api_webhook_show(void *context, struct request *rq);
void api_webhook_rotate(void *context, struct request *rq);
void api_webhook_test(void *context, struct request *rq);
void api_everyone_show(void *context, struct request *rq);
void api_everyone_rotate(void *context, struct request *rq);
void api_everyone_test(void *context, struct request *rq);

/* Topic of the streams of one deploy; of all of them: */
enum { TOPIC_EVENTS = 1 };
uint64_t api_topic(uint64_t deploy);

#endif
