/* api_webhook.c - what comes to a webhook's URL.
 *
 * The one idea: first who sends it, then what it says, then whether it came before; only what was acted
 * on is remembered, so that whatever was refused or ignored may come again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/inside.h"
#include "base/log.h"
#include "ports/password.h"
#include "ports/registry.h"
#include "serve/quick.h"
#include "store/catalog.h"
#include "store/deliveries.h"
#include "triggers/webhook.h"

static struct str
header_of(const void *context, const char *name)
{
	return request_header(context, name);
}

static void
refuse_sender(struct request *rq, const struct log_context *log, enum webhook_proof proof)
{
	const char *why =
	    proof == PROOF_BAD
		? "the signature or token is wrong: the sender has another secret than this "
		  "webhook"
		: "this webhook takes only what proves to know its secret: give it to the "
		  "sender, or set require_signature: false";

	log_warn(log, "webhook.refused", "%s", why);
	reply_header(rq, "WWW-Authenticate", STR("Bearer"));
	reply_error(rq, 401, "UNAUTHORIZED", "%s", why);
}

/* false: answered already. */
static bool
is_from_whom_it_should(const struct project_entry *project, struct request *rq,
    const struct log_context *log, const struct webhook_source *source)
{
	const struct webhook_rules *rules = &project->rules;
	char secret[PASSWORD_SIZE];
	enum webhook_proof proof;
	struct err err;

	if (rules->secret_file[0] == '\0' && rules->secret_env[0] == '\0')
		return true;
	if (password_read(rules->secret_file, rules->secret_env, secret, &err) != 0) {
		log_error(log, "webhook.no_secret",
		    "no webhook is taken, its secret is not to be had: %s", err.text);
		reply_header(rq, "Retry-After", STR("60"));
		reply_error(rq, 503, "BUSY",
		    "the secret of this webhook cannot be read: the server's log says why");
		return false;
	}
	proof = webhook_prove(source, str_of(secret));
	password_wipe(secret);
	if (proof == PROOF_GOOD || (proof == PROOF_NONE && rules->takes_unsigned))
		return true;
	refuse_sender(rq, log, proof);
	return false;
}

/* JSON under any of its names, or a form that holds it. */
static bool
is_known_type(const struct request *rq)
{
	struct str type;
	size_t n = strlen("+json");

	str_cut(request_header(rq, "Content-Type"), ';', &type);
	type = str_trim(type);
	if (type.n > n && memcmp(type.p + type.n - n, "+json", n) == 0)
		return true;
	return rq->body.n == 0 || api_is_type(rq, "application/json")
	       || api_is_type(rq, "application/x-www-form-urlencoded");
}

int
api_read_webhook(
    struct request *rq, const struct webhook_source *source, struct webhook *webhook)
{
	struct json_writer w;
	struct buf detail;
	struct err err;

	if (!is_known_type(rq)) {
		reply_error(rq, 415, "UNSUPPORTED_TYPE",
		    "send the body as application/json, or as a form with the field payload");
		return -1;
	}
	if (webhook_read(source, webhook, &err) == 0)
		return 0;
	buf_init(&detail, 8 << 10);
	json_writer_init(&w, &detail);
	if (webhook->fault[0] != '\0')
		json_put_text(&w, webhook->fault);
	reply_error_detail(rq, 400, "INVALID", buf_view(&detail), "%s", err.text);
	buf_free(&detail);
	return -1;
}

static void
reply_ignored(struct request *rq, const char *why, uint64_t deploy)
{
	struct json_writer w;

	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_text(&w, "ignored", why);
	if (deploy != 0)
		json_pair_integer(&w, "id", (int64_t)deploy);
	json_object_close(&w);
	reply_json(rq, 200);
}

static void
reply_begun(struct app *app, struct request *rq, const struct webhook_result *result)
{
	struct json_writer w;

	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	if (result->count > 0)
		json_pair_integer(&w, "id", (int64_t)result->deploys[0]);
	json_key(&w, "deploys");
	json_array_open(&w);
	for (size_t i = 0; i < result->count; i++) {
		const struct stage_entry *stage =
		    catalog_stage(app->catalog, result->stages[i]);

		json_object_open(&w);
		json_pair_integer(&w, "id", (int64_t)result->deploys[i]);
		json_pair_text(&w, "project", stage->spec->project);
		json_pair_text(&w, "stage", stage->spec->stage);
		json_object_close(&w);
	}
	json_array_close(&w);
	if (result->looks > 0)
		json_pair_integer(&w, "looks", (int64_t)result->looks);
	json_object_close(&w);
	reply_json(rq, 202);
}

static void
log_webhook(struct app *app, const struct request *rq, const struct log_context *log,
    const struct webhook *webhook, const struct webhook_result *result)
{
	const struct image_ref *first = &webhook->images[0];
	char what[2 * IMAGE_SIZE + TAG_SIZE] = "nothing that could be deployed";

	if (webhook->image_count > 0)
		snprintf(what, sizeof(what), "%s%s%s:%s", first->host,
		    first->host[0] == '\0' ? "" : "/", first->path, first->tag);
	log_event(LOG_INFO, log, "webhook.received",
	    (struct log_field[]){ LOG_TEXT("sender", webhook->sender), LOG_END },
	    "webhook%s%s for %s%s: %zu deploy%s", webhook->event[0] == '\0' ? "" : " ",
	    webhook->event, what, webhook->image_count > 1 ? " and others" : "", result->count,
	    result->count == 1 ? "" : "s");
	for (size_t i = 0; i < result->count; i++)
		api_log_deploy(app, rq, result->deploys[i], "deploy.requested",
		    "a webhook brought this image");
}

/* true: it was acted on before, and is answered. */
static bool
is_known(struct app *app, struct request *rq, const struct project_entry *project,
    const struct webhook *webhook)
{
	uint64_t deploy;

	if (webhook->delivery[0] == '\0'
	    || !store_delivery_find(app->store, project->id, webhook->delivery, &deploy))
		return false;
	reply_ignored(rq, "this delivery was acted on before", deploy);
	return true;
}

/* What a webhook has begun is told, and that it came is remembered. */
static void
conclude(struct app *app, struct request *rq, const struct project_entry *project,
    const struct log_context *log, const struct webhook *webhook, enum command_result outcome,
    const struct webhook_result *result, const struct err *err)
{
	if (outcome == COMMAND_DONE || result->count > 0)
		log_webhook(app, rq, log, webhook, result);
	if (outcome != COMMAND_DONE) {
		api_refuse(rq, outcome, err);
		return;
	}
	if (result->count > 0 && webhook->delivery[0] != '\0')
		store_delivery_add(
		    app->store, project->id, webhook->delivery, result->deploys[0]);
	if (result->count + result->looks > 0)
		reply_begun(app, rq, result);
	else
		reply_ignored(rq, result->ignored, 0);
}

/* An image that no stage has, on its way to become a project. */
struct newcomer {
	struct app *app;
	struct request *rq;
	struct webhook webhook;
};

static void
add_newcomer(struct newcomer *n, const struct image_facts *facts)
{
	const struct image_ref *image = &n->webhook.images[0];
	struct quick_wish wish = { "", "", "", 0, "", TRIGGER_WEBHOOK };
	struct log_context log = { .request_id = n->rq->id };
	struct webhook_result result = { .count = 1 };
	struct quick_plan plan;
	struct err err;
	enum command_result outcome =
	    command_quick(n->app, image, facts, &wish, &plan, &result.deploys[0], &err);

	if (outcome == COMMAND_CONFLICT || outcome == COMMAND_INVALID) {
		reply_ignored(n->rq, err.text, 0);
		return;
	}
	if (outcome != COMMAND_DONE) {
		api_refuse(n->rq, outcome, &err);
		return;
	}
	result.stages[0] =
	    catalog_stage_by_name(n->app->catalog, plan.project, plan.stage)->id;
	log.project = plan.project;
	log_webhook(n->app, n->rq, &log, &n->webhook, &result);
	log_info(&log, "project.added", "the project '%s' was made of %s/%s", plan.project,
	    image->host, image->path);
	if (n->webhook.delivery[0] != '\0')
		store_delivery_add(n->app->store, 0, n->webhook.delivery, result.deploys[0]);
	reply_begun(n->app, n->rq, &result);
}

/* While its image was looked at, this delivery may have been acted on, or another one have brought the project:
 * so what becomes of it is asked once more. */
static void
receive_newcomer(struct newcomer *n, const struct image_facts *facts)
{
	const struct project_entry *everyone = catalog_everyone(n->app->catalog);
	struct log_context log = { .request_id = n->rq->id };
	struct webhook_result result;
	enum command_result outcome;
	struct err err;

	if (is_known(n->app, n->rq, everyone, &n->webhook))
		return;
	outcome = command_webhook(n->app, everyone, &n->webhook, &result, &err);
	if (outcome == COMMAND_DONE && result.is_unknown)
		add_newcomer(n, facts);
	else
		conclude(n->app, n->rq, everyone, &log, &n->webhook, outcome, &result, &err);
}

static void
on_facts(void *context, const struct image_facts *facts)
{
	struct newcomer *n = context;

	if (facts != NULL && facts->failure[0] != '\0') {
		reply_header(n->rq, "Retry-After", STR("60"));
		reply_error(n->rq, 502, "REGISTRY",
		    "no stage has this image, and it could not be looked at: %s",
		    facts->failure);
	} else if (facts != NULL) {
		receive_newcomer(n, facts);
	}
	free(n);
}

/* false: it stays unknown; err says why. */
static bool
meet_newcomer(
    struct app *app, struct request *rq, const struct webhook *webhook, struct err *err)
{
	struct newcomer *n;

	if (webhook->image_count == 0 || webhook->images[0].tag[0] == '\0'
	    || webhook->project[0] != '\0' || webhook->stage[0] != '\0') {
		err_set(err, "no stage takes this image and tag");
		return false;
	}
	if (!quick_takes_webhook(app, &webhook->images[0], err))
		return false;
	n = calloc(1, sizeof(*n));
	CHECK(n != NULL);
	n->app = app;
	n->rq = rq;
	n->webhook = *webhook;
	request_hold(rq);
	registry_look_at(app->registry, &n->webhook.images[0], on_facts, n);
	return true;
}

static void
act(struct app *app, struct request *rq, const struct project_entry *project,
    const struct log_context *log, const struct webhook *webhook)
{
	struct webhook_result result;
	struct err err;
	enum command_result outcome = command_webhook(app, project, webhook, &result, &err);

	if (outcome == COMMAND_DONE && result.is_unknown && project->id == 0) {
		if (meet_newcomer(app, rq, webhook, &err))
			return;
		result.ignored = err.text;
	}
	conclude(app, rq, project, log, webhook, outcome, &result, &err);
}

void
api_webhook(void *context, struct request *rq)
{
	struct app *app = context;
	const struct project_entry *project =
	    catalog_project_by_webhook(app->catalog, request_parameter(rq, "uuid"));
	struct webhook_source source = { request_header(rq, "Content-Type"), rq->body,
		header_of, rq };
	struct log_context log = { .request_id = rq->id };
	struct webhook webhook;

	if (project == NULL) {
		reply_error(rq, 404, "NOT_FOUND", "not found");
		return;
	}
	log.project = project->id == 0 ? NULL : project->name;
	if (!is_from_whom_it_should(project, rq, &log, &source)
	    || api_read_webhook(rq, &source, &webhook) != 0)
		return;
	if (!is_known(app, rq, project, &webhook))
		act(app, rq, project, &log, &webhook);
}
