/* api.c - the route table, the bearer token, and reading requests.
 *
 * Default deny: a route is open only when its row says so. */
#include "api/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "api/views.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/log.h"
#include "http/route.h"
#include "http/stream.h"
#include "serve/metrics.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/retention.h"
#include "store/store.h"

enum { OPEN = 1 };

static bool has_token(const struct app *app, const struct request *rq);

static void
health(void *context, struct request *rq)
{
	struct app *app = context;
	struct json_writer w;

	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	view_health(&w, app, has_token(app, rq));
	json_object_close(&w);
	reply_json(rq, 200);
}

#define STAGE "/api/v1/projects/{project}/stages/{stage}"

/* clang-format off */
static const struct route routes[] = {
	{ METHOD_GET, "/health", health, OPEN },
	{ METHOD_GET, "/api/v1/health", health, OPEN },
	{ METHOD_GET, "/metrics", api_metrics, 0 },
	{ METHOD_GET, "/openapi.json", api_openapi, OPEN },
	{ METHOD_GET, "/docs", api_docs, OPEN },
	{ METHOD_GET, "/docs/page.css", api_docs_style, OPEN },
	{ METHOD_GET, "/docs/page.js", api_docs_script, OPEN },
	{ METHOD_POST, "/api/webhook/{uuid}", api_webhook, OPEN },
	{ METHOD_GET, "/api/v1/projects", api_projects_list, 0 },
	{ METHOD_GET, "/api/v1/projects/{project}", api_project_show, 0 },
	{ METHOD_GET, "/api/v1/projects/{project}/webhook", api_webhook_show, 0 },
	{ METHOD_POST, "/api/v1/projects/{project}/webhook/rotate", api_webhook_rotate, 0 },
	{ METHOD_POST, "/api/v1/projects/{project}/webhook/test", api_webhook_test, 0 },
	{ METHOD_GET, "/api/v1/webhook", api_everyone_show, 0 },
	{ METHOD_POST, "/api/v1/webhook/rotate", api_everyone_rotate, 0 },
	{ METHOD_POST, "/api/v1/webhook/test", api_everyone_test, 0 },
	{ METHOD_POST, "/api/v1/inspect", api_inspect, 0 },
	{ METHOD_POST, "/api/v1/quick", api_quick, 0 },
	{ METHOD_GET, "/api/v1/registries", api_registries_list, 0 },
	{ METHOD_POST, "/api/v1/registries/{host}/test", api_registry_test, 0 },
	{ METHOD_GET, "/api/v1/registries/{host}/tags", api_registry_tags, 0 },
	{ METHOD_GET, "/api/v1/stages", api_stages_list, 0 },
	{ METHOD_GET, STAGE, api_stage_show, 0 },
	{ METHOD_GET, STAGE "/instances", api_stage_instances, 0 },
	{ METHOD_GET, STAGE "/instances/{replica}/logs", api_instance_logs, 0 },
	{ METHOD_GET, STAGE "/instances/{replica}/usage", api_instance_usage, 0 },
	{ METHOD_GET, STAGE "/plan", api_stage_plan, 0 },
	{ METHOD_POST, STAGE "/deploys", api_stage_deploy, 0 },
	{ METHOD_POST, STAGE "/rollback", api_stage_rollback, 0 },
	{ METHOD_GET, STAGE "/rollbacks", api_stage_rollbacks, 0 },
	{ METHOD_POST, STAGE "/restart", api_stage_restart, 0 },
	{ METHOD_POST, STAGE "/stop", api_stage_stop, 0 },
	{ METHOD_POST, STAGE "/start", api_stage_start, 0 },
	{ METHOD_POST, STAGE "/remove", api_stage_remove, 0 },
	{ METHOD_POST, STAGE "/poll", api_stage_poll, 0 },
	{ METHOD_GET, STAGE "/tags", api_stage_tags, 0 },
	{ METHOD_POST, STAGE "/quarantine/lift", api_stage_lift, 0 },
	{ METHOD_POST, STAGE "/promote", api_stage_promote, 0 },
	{ METHOD_POST, STAGE "/freeze", api_stage_freeze, 0 },
	{ METHOD_POST, STAGE "/unfreeze", api_stage_unfreeze, 0 },
	{ METHOD_POST, "/api/v1/projects/{project}/freeze", api_project_freeze, 0 },
	{ METHOD_POST, "/api/v1/projects/{project}/unfreeze", api_project_unfreeze, 0 },
	{ METHOD_GET, "/api/v1/promotable", api_promotable, 0 },
	{ METHOD_GET, "/api/v1/audit", api_audit, 0 },
	{ METHOD_GET, "/api/v1/retention", api_retention_show, 0 },
	{ METHOD_POST, "/api/v1/retention/run", api_retention_run, 0 },
	{ METHOD_GET, "/api/v1/deploys", api_deploys_list, 0 },
	{ METHOD_GET, "/api/v1/statistics", api_statistics, 0 },
	{ METHOD_GET, "/api/v1/deploys/{id}", api_deploy_show, 0 },
	{ METHOD_POST, "/api/v1/deploys/{id}/cancel", api_deploy_cancel, 0 },
	{ METHOD_POST, "/api/v1/deploys/{id}/approve", api_deploy_approve, 0 },
	{ METHOD_POST, "/api/v1/deploys/{id}/reject", api_deploy_reject, 0 },
	{ METHOD_PUT, "/api/v1/deploys/{id}/pin", api_deploy_pin, 0 },
	{ METHOD_DELETE, "/api/v1/deploys/{id}/pin", api_deploy_unpin, 0 },
	{ METHOD_GET, "/api/v1/deploys/{id}/log", api_deploy_log, 0 },
	{ METHOD_GET, "/api/v1/events", api_events, 0 },
	{ METHOD_GET, "/api/v1/config", api_config_show, 0 },
	{ METHOD_POST, "/api/v1/apply", api_apply, 0 },
	{ METHOD_GET, "/api/v1/secrets", api_secrets_list, 0 },
	{ METHOD_POST, "/api/v1/secrets/rotate", api_secrets_rotate, 0 },
	{ METHOD_PUT, "/api/v1/secrets/{name}", api_secret_set, 0 },
	{ METHOD_DELETE, "/api/v1/secrets/{name}", api_secret_remove, 0 },
	{ METHOD_GET, "/api/v1/notifications", api_notifications_list, 0 },
	{ METHOD_POST, "/api/v1/notifications/test", api_notifications_test, 0 },
	{ METHOD_GET, "/api/v1/receivers", api_receivers_list, 0 },
};
/* clang-format on */

void
api_write_routes(struct buf *to)
{
	for (size_t i = 0; i < COUNT(routes); i++)
		buf_format(to, "%s %s%s\n", method_text(routes[i].method), routes[i].pattern,
		    routes[i].flags & OPEN ? " open" : "");
}

/* Hashes are compared, so that neither length nor content of the token shows in the time. */
static bool
has_token(const struct app *app, const struct request *rq)
{
	struct str value = request_header(rq, "Authorization");
	char hash[HASH_HEX_SIZE];

	if (value.n < 7 || strncasecmp(value.p, "Bearer ", 7) != 0)
		return false;
	hash_sha256_hex(str_trim((struct str){ value.p + 7, value.n - 7 }), hash);
	return str_equal_secret(str_of(hash), str_of(app->token_hash));
}

/* Paths of webhooks are secrets: they are logged without their last piece. A 500 is a fault of
 * ours, which the answer tells to look for by its request id. */
void
api_answered(void *context, const struct request *rq, int status)
{
	struct app *app = context;
	struct log_context log = { .request_id = rq->id };
	bool is_hook = str_starts(rq->path, "/api/webhook/");
	struct str path = is_hook ? STR("/api/webhook/...") : rq->path;

	metrics_answered(app->metrics, is_hook, status);
	log_event(status == 500 ? LOG_ERROR : LOG_DEBUG, &log, "http.request",
	    (struct log_field[]){ LOG_NUMBER("status", status), LOG_END }, "%s %.*s",
	    path.n == 0 ? "refused before its path was read" : method_text(rq->method),
	    (int)(path.n < 256 ? path.n : 256), path.n == 0 ? "" : path.p);
}

/* The line that joins a request and what became of it: from here on the deploy's id is the key. */
void
api_log_deploy(struct app *app, const struct request *rq, uint64_t deploy, const char *event,
    const char *what)
{
	struct log_context log = { .request_id = rq->id, .deploy_id = deploy };
	char peer[REQUEST_PEER_SIZE];
	struct deploy_row row;

	request_peer(rq, peer);
	if (store_deploy_get(app->store, deploy, &row)) {
		log.project = row.project;
		log.stage = row.stage_name;
		log.tag = row.tag;
		log.digest = row.digest;
	}
	log_event(LOG_INFO, &log, event,
	    (struct log_field[]){ LOG_TEXT("peer", peer), LOG_END }, "%s", what);
}

/* Without a token even "no such path" is not told anywhere else. */
static bool
is_open_path(const struct app *app, struct str path)
{
	return str_starts(path, "/api/webhook/") || str_is(path, "/health")
	       || str_is(path, "/api/v1/health")
	       || (app->settings->serves_docs
		   && (str_is(path, "/openapi.json") || str_is(path, "/docs")
		       || str_starts(path, "/docs/")));
}

void
api_handle(void *context, struct request *rq)
{
	struct app *app = context;
	const struct route *route;
	bool is_known = has_token(app, rq);

	if (!is_known && !is_open_path(app, rq->path)) {
		reply_header(rq, "WWW-Authenticate", STR("Bearer"));
		reply_error(rq, 401, "UNAUTHORIZED",
		    "this needs 'Authorization: Bearer TOKEN', the value of SLIPWAY_TOKEN");
		return;
	}
	route = route_find(routes, COUNT(routes), rq);
	if (route == NULL)
		return;
	CHECK(is_known || (route->flags & OPEN));
	if (route->flags & OPEN) {
		route->handle(app, rq);
	} else if (!api_answer_again(app, rq)) {
		route->handle(app, rq);
		api_keep_answer(app, rq);
	}
}

uint64_t
api_topic(uint64_t deploy)
{
	return deploy + 16;
}

void
api_wake(struct app *app, uint64_t deploy)
{
	http_streams_wake(app->server, TOPIC_EVENTS);
	if (deploy != 0)
		http_streams_wake(app->server, api_topic(deploy));
}

void
api_refuse(struct request *rq, enum command_result result, const struct err *err)
{
	static const struct {
		int status;
		const char *code;
	} as[] = {
		[COMMAND_INVALID] = { 400, "INVALID" },
		[COMMAND_NOT_FOUND] = { 404, "NOT_FOUND" },
		[COMMAND_CONFLICT] = { 409, "CONFLICT" },
		[COMMAND_BUSY] = { 503, "BUSY" },
	};

	CHECK(result != COMMAND_DONE);
	if (result == COMMAND_BUSY)
		reply_header(rq, "Retry-After", STR("5"));
	reply_error(rq, as[result].status, as[result].code, "%s", err->text);
}

static bool
is_known_member(const char *const *known, const char *key)
{
	for (; *known != NULL; known++)
		if (strcmp(*known, key) == 0)
			return true;
	return false;
}

struct unknown {
	const char *const *known;
	const char *found;
};

static bool
find_unknown(void *context, const char *key, const struct json *value UNUSED)
{
	struct unknown *u = context;

	if (is_known_member(u->known, key))
		return true;
	u->found = key;
	return false;
}

bool
api_is_type(const struct request *rq, const char *wanted)
{
	struct str type;
	struct str rest = str_cut(request_header(rq, "Content-Type"), ';', &type);

	(void)rest;
	type = str_trim(type);
	return type.n == strlen(wanted) && strncasecmp(type.p, wanted, type.n) == 0;
}

/* A member of the body is at fault: `detail` names it for programs. */
static void PRINTF_LIKE(3, 4)
    refuse_member(struct request *rq, const char *member, const char *format, ...)
{
	struct str name = { member, strnlen(member, NAME_SIZE) };
	char message[REASON_SIZE];
	struct json_writer w;
	struct buf detail;
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	buf_init(&detail, 8 << 10);
	json_writer_init(&w, &detail);
	json_put_str(&w, name);
	reply_error_detail(rq, 400, "INVALID", buf_view(&detail), "%s", message);
	buf_free(&detail);
}

struct json *
api_body(struct request *rq, const char *const *known)
{
	struct unknown unknown = { .known = known };
	struct str text = rq->body.n == 0 ? STR("{}") : rq->body;
	struct json *body;
	struct err err;

	if (rq->body.n > 0 && !api_is_type(rq, "application/json")) {
		reply_error(rq, 415, "UNSUPPORTED_TYPE", "send the body as application/json");
		return NULL;
	}
	body = json_parse(text, &err);
	if (body == NULL) {
		reply_error(rq, 400, "INVALID", "the body is not JSON: %s", err.text);
		return NULL;
	}
	if (json_kind(body) != JSON_IS_OBJECT) {
		reply_error(rq, 400, "INVALID", "the body must be a JSON object");
		json_free(body);
		return NULL;
	}
	json_visit(body, find_unknown, &unknown);
	if (unknown.found != NULL) {
		struct buf names;
		buf_init(&names, 512);
		for (const char *const *k = known; *k != NULL; k++)
			buf_format(&names, "%s'%s'", k == known ? "known here: " : ", ", *k);
		refuse_member(rq, unknown.found, "unknown member '%.64s': %s", unknown.found,
		    names.n == 0 ? "none is taken here" : buf_cstr(&names));
		buf_free(&names);
		json_free(body);
		return NULL;
	}
	return body;
}

bool
api_text(struct request *rq, const struct json *body, const char *key, const char **ret)
{
	const struct json *value = json_get(body, key);
	struct str text = json_str(value);

	if (value == NULL)
		return true;
	if (json_kind(value) != JSON_IS_TEXT || text.n >= IMAGE_SIZE * 2
	    || memchr(text.p, '\0', text.n) != NULL) {
		refuse_member(rq, key, "'%s' must be a text of at most %d bytes", key,
		    IMAGE_SIZE * 2 - 1);
		return false;
	}
	*ret = json_text(value);
	return true;
}

bool
api_number(struct request *rq, const struct json *body, const char *key, uint64_t *ret)
{
	const struct json *value = json_get(body, key);

	if (value == NULL)
		return true;
	if (json_kind(value) != JSON_IS_INTEGER || json_number(value) < 0) {
		refuse_member(rq, key, "'%s' must be a whole number, 0 or more", key);
		return false;
	}
	*ret = (uint64_t)json_number(value);
	return true;
}

bool
api_bool(struct request *rq, const struct json *body, const char *key, bool *ret)
{
	const struct json *value = json_get(body, key);

	if (value == NULL)
		return true;
	if (json_kind(value) != JSON_IS_BOOL) {
		refuse_member(rq, key, "'%s' must be true or false", key);
		return false;
	}
	*ret = json_bool(value);
	return true;
}

bool
api_id(struct request *rq, const char *name, uint64_t *ret)
{
	struct str text = request_parameter(rq, name);

	if (str_number(text, INT64_MAX, ret))
		return true;
	reply_error(
	    rq, 404, "NOT_FOUND", "'%.*s' is no id", (int)(text.n < 64 ? text.n : 64), text.p);
	return false;
}

bool
api_query_number(struct request *rq, const char *name, uint64_t most, uint64_t *ret)
{
	struct str text;

	if (!request_query(rq, name, &text))
		return true;
	if (str_number(text, most, ret))
		return true;
	reply_error(rq, 400, "INVALID", "'%s' must be a whole number, at most %llu", name,
	    (unsigned long long)most);
	return false;
}

const char *
api_parameter(struct request *rq, const char *name)
{
	return arena_text(rq->arena, request_parameter(rq, name));
}

const char *
api_query(struct request *rq, const char *name)
{
	struct str text;

	return request_query(rq, name, &text) ? arena_text(rq->arena, text) : "";
}

const struct project_entry *
api_project(struct app *app, struct request *rq, const char *name)
{
	const struct project_entry *project = catalog_project_by_name(app->catalog, name);

	if (project == NULL)
		reply_error(rq, 404, "NOT_FOUND", "there is no project '%.64s'", name);
	return project;
}

void
api_no_deploy(struct app *app, struct request *rq, uint64_t id)
{
	if (store_deploy_is_retired(app->store, id))
		reply_error(rq, 404, "NOT_FOUND",
		    "deploy %llu, if there was one, is not kept any more "
		    "(SLIPWAY_KEEP_DEPLOYS,"
		    " SLIPWAY_KEEP_DAYS)",
		    (unsigned long long)id);
	else
		reply_error(
		    rq, 404, "NOT_FOUND", "there is no deploy %llu", (unsigned long long)id);
}

const struct stage_entry *
api_stage(struct app *app, struct request *rq)
{
	const char *project = api_parameter(rq, "project");
	const char *stage = api_parameter(rq, "stage");
	const struct stage_entry *entry = catalog_stage_by_name(app->catalog, project, stage);

	if (entry == NULL)
		reply_error(
		    rq, 404, "NOT_FOUND", "there is no stage '%.64s/%.64s'", project, stage);
	return entry;
}
