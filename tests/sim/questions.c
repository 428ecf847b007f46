/* questions.c - what the simulated users ask of the API, and which answers may come.
 *
 * An answer that promises something (a deploy was begun, a configuration applied, a step shown) is
 * noted; check_answers.c holds the server to it after the storm. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clients.h"
#include "sim.h"
#include "store/catalog.h"
#include "talk_promotion.h"

#define API "/api/v1/projects/%s/stages/%s"
#define TOKEN "Authorization: Bearer the-token-of-the-simulator\r\n"

static char webhooks[WORLD_STAGES][37];

void
questions_reset(void)
{
	memset(webhooks, 0, sizeof(webhooks));
}

void
questions_learn(void)
{
	for (int i = 0; i < WORLD_STAGES; i++) {
		const struct project_entry *p =
		    catalog_project_by_name(sim.app.catalog, stage_project(i));
		if (p != NULL)
			memcpy(webhooks[i], p->webhook, sizeof(webhooks[i]));
	}
}

static void
get(struct client *c, const char *path)
{
	buf_format(&c->request, "GET %s HTTP/1.1\r\nHost: s\r\n" TOKEN "\r\n", path);
}

static void
post(struct client *c, const char *path, const char *head, const char *type, const char *body)
{
	buf_format(&c->request,
	    "POST %s HTTP/1.1\r\nHost: s\r\n%sContent-Type: %s\r\nContent-Length: "
	    "%zu\r\n\r\n%s",
	    path, head, type, strlen(body), body);
}

void
post_json(struct client *c, const char *path, const char *body)
{
	post(c, path, TOKEN, "application/json", body);
}

void
post_to_stage(struct client *c, const char *what, const char *body)
{
	char path[160];

	snprintf(path, sizeof(path), API "/%s", stage_project(c->place), stage_name(c->place),
	    what);
	post(c, path, TOKEN, "application/json", body);
}

static bool
is_ok(struct client *c, int status, struct str body)
{
	(void)c;
	return status == 200 && body.n > 0;
}

static bool
is_ok_or_missing(struct client *c, int status, struct str body)
{
	return status == 404 || is_ok(c, status, body);
}

static bool
is_busy(const struct client *c, int status)
{
	return status == 503 && sim.drained_ms >= c->begun_ms;
}

/* Asking for deploys. */

static uint32_t
some_tag(void)
{
	return (uint32_t)(world_random() % WORLD_TAGS);
}

static bool
begun(struct client *c, int status, struct str body, bool is_rollback)
{
	uint64_t id;
	size_t at = 0;

	if (status != 202)
		return is_busy(c, status);
	if (!find_number(body, "\"id\":", &at, &id) || id == 0)
		return false;
	promise_deploy(id, (uint32_t)c->place, is_rollback);
	return true;
}

/* Of several senders; some number what they say, and say it again whether it was heard or not. */
static void
hook(struct client *c, uint32_t tag)
{
	const char *host = image_host((uint32_t)c->place % WORLD_REGISTRIES);
	const char *name = stage_image(c->place);
	char path[64];
	char head[80] = "";
	char body[256];

	c->delivery = c->deploy % 3 == 0 ? 0 : 1 + (uint32_t)(c->deploy % DELIVERIES);
	snprintf(path, sizeof(path), "/api/webhook/%s", webhooks[c->place]);
	if (c->deploy % 3 == 1)
		snprintf(body, sizeof(body),
		    "{\"events\":[{\"id\":\"d%d-%u\",\"action\":\"push\",\"target\":"
		    "{\"repository\":\"%s\",\"tag\":\"v%u\"},\"request\":{\"host\":\"%s\"}}]}",
		    c->place, c->delivery, name, tag, host);
	else
		snprintf(body, sizeof(body), "{\"image\":\"%s/%s:v%u\"}", host, name, tag);
	if (c->deploy % 3 == 2)
		snprintf(
		    head, sizeof(head), "Idempotency-Key: d%d-%u\r\n", c->place, c->delivery);
	post(c, path, head, "application/json", body);
}

static void
ask_hook(struct client *c)
{
	hook(c, some_tag());
}

static bool
judge_hook(struct client *c, int status, struct str body)
{
	size_t at = 0;
	uint64_t id = 0;

	if (status == 200 || status == 202)
		find_number(body, "\"id\":", &at, &id);
	if (c->delivery != 0 && !promise_delivery((uint32_t)c->place, c->delivery, status, id))
		return false;
	if (status == 200)
		return memmem(body.p, body.n, "ignored", 7) != NULL;
	return begun(c, status, body, false);
}

static void
ask_deploy(struct client *c)
{
	char body[160];
	uint32_t tag = some_tag();
	uint32_t registry = (uint32_t)c->place % WORLD_REGISTRIES;

	if (world_chance(70))
		snprintf(body, sizeof(body), "{\"tag\":\"v%u\",\"force\":%s}", tag,
		    world_chance(20) ? "true" : "false");
	else
		snprintf(body, sizeof(body), "{\"tag\":\"v%u\",\"digest\":\"sha256:%064u\"}",
		    tag, world.tag_digest[registry][tag]);
	post_to_stage(c, "deploys", body);
}

bool
judge_begun(struct client *c, int status, struct str body)
{
	return begun(c, status, body, false);
}

/* A guarded stage may say no, and then says why. */
static bool
judge_deploy(struct client *c, int status, struct str body)
{
	if (status == 400 && sim.is_guarded)
		return memmem(body.p, body.n, "say who", 7) != NULL;
	if (status == 409 && sim.is_guarded)
		return memmem(body.p, body.n, "frozen", 6) != NULL
		       || memmem(body.p, body.n, "live", 4) != NULL;
	return begun(c, status, body, false);
}

static void
ask_first(struct client *c)
{
	post_to_stage(c, "deploys", "{\"tag\":\"v0\"}");
}

static void
ask_rollback(struct client *c)
{
	char body[40];

	snprintf(
	    body, sizeof(body), world_chance(70) ? "{}" : "{\"to\":%" PRIu64 "}", c->deploy);
	post_to_stage(c, "rollback", body);
}

static void
ask_back(struct client *c)
{
	post_to_stage(c, "rollback", "{}");
}

static bool
judge_rollback(struct client *c, int status, struct str body)
{
	return status == 409 || status == 404 || begun(c, status, body, true);
}

static void
ask_cancel(struct client *c)
{
	char path[64];

	snprintf(path, sizeof(path), "/api/v1/deploys/%" PRIu64 "/cancel", c->deploy);
	post(c, path, TOKEN, "application/json", "");
}

static bool
judge_cancel(struct client *c, int status, struct str body UNUSED)
{
	if (status == 202)
		promise_cancel(c->deploy);
	return status == 202 || status == 404 || status == 409;
}

static void
ask_poll(struct client *c)
{
	post_to_stage(c, "poll", "");
}

static bool
judge_poll(struct client *c UNUSED, int status, struct str body UNUSED)
{
	return status == 202 || status == 409;
}

static void
ask_lift(struct client *c)
{
	char body[128];
	uint32_t registry = (uint32_t)c->place % WORLD_REGISTRIES;

	snprintf(body, sizeof(body), world_chance(50) ? "{}" : "{\"digest\":\"sha256:%064u\"}",
	    world.tag_digest[registry][some_tag()]);
	post_to_stage(c, "quarantine/lift", body);
}

static bool
judge_lift(struct client *c UNUSED, int status, struct str body UNUSED)
{
	return status == 200 || status == 409;
}

/* Looking. */

static void
ask_show(struct client *c)
{
	char path[64];

	snprintf(path, sizeof(path), "/api/v1/deploys/%" PRIu64, c->deploy);
	get(c, path);
}

static bool
judge_show(struct client *c, int status, struct str body)
{
	uint64_t seq;
	size_t at = 0;

	if (status != 200)
		return status == 404;
	while (find_number(body, "\"seq\":", &at, &seq))
		promise_step((int64_t)seq, c->deploy);
	return true;
}

static void
ask_list(struct client *c)
{
	get(c, "/api/v1/deploys?limit=5");
}

static bool
judge_list(struct client *c UNUSED, int status, struct str body)
{
	uint64_t id;
	size_t at = 0;

	while (find_number(body, "{\"id\":", &at, &id))
		promise_deploy(id, WORLD_STAGES, false);
	return status == 200;
}

static void
ask_look(struct client *c)
{
	static const char *const paths[] = { "/api/v1/stages", "/api/v1/projects",
		"/api/v1/health", "/health", "/api/v1/projects/shop", "/api/v1/promotable",
		"/api/v1/audit?limit=3" };
	size_t pick = world_random() % (COUNT(paths) + 2);
	char path[160];

	if (pick < COUNT(paths))
		snprintf(path, sizeof(path), "%s", paths[pick]);
	else
		snprintf(path, sizeof(path), API "%s", stage_project(c->place),
		    stage_name(c->place), pick == COUNT(paths) ? "" : "/instances");
	get(c, path);
	if (world_chance(20)) { /* the next one behind it, without waiting */
		get(c, "/health");
		c->answers_due = 2;
	}
}

static void
ask_log(struct client *c)
{
	char path[64];

	snprintf(path, sizeof(path), "/api/v1/deploys/%" PRIu64 "/log", c->deploy);
	get(c, path);
}

static void
ask_output(struct client *c)
{
	char path[160];

	snprintf(path, sizeof(path), API "/instances/0/logs", stage_project(c->place),
	    stage_name(c->place));
	get(c, path);
}

static bool
judge_output(struct client *c UNUSED, int status, struct str body UNUSED)
{
	return status == 200 || status == 404 || status == 502;
}

/* Applying. */

static void
ask_apply(struct client *c)
{
	struct buf text;

	buf_init(&text, 1 << 16);
	if (!sim.is_calm)
		config_change();
	config_write(&text);
	c->revision = config_revision();
	promise_sent(c->revision);
	post(c, "/api/v1/apply", TOKEN, "application/yaml", buf_cstr(&text));
	buf_free(&text);
}

static bool
judge_apply(struct client *c, int status, struct str body)
{
	if (status == 200 && memmem(body.p, body.n, "\"plan\":", 7) == NULL)
		return false;
	if (status == 200)
		promise_applied(c->revision);
	else
		promise_refused(c->revision);
	if (status == 200 && world_chance(60))
		clients_deploy_both();
	return status == 200 || is_busy(c, status);
}

static void
ask_dry(struct client *c)
{
	struct buf text;

	buf_init(&text, 1 << 16);
	config_write(&text);
	post(c, "/api/v1/apply?dry=1", TOKEN, "application/yaml", buf_cstr(&text));
	buf_free(&text);
}

/* Secrets: setting, removing, a new key. */

static void
ask_secret(struct client *c)
{
	uint32_t name = (uint32_t)(world_random() % SECRETS);
	bool is_removal = world_chance(name == 0 ? 15 : 30);
	char body[64];

	c->revision = secrets_wish(name, is_removal);
	if (is_removal) {
		buf_format(&c->request,
		    "DELETE /api/v1/secrets/s%u HTTP/1.1\r\nHost: s\r\n" TOKEN "\r\n", name);
		return;
	}
	snprintf(body, sizeof(body), "{\"value\":\"%u\"}", c->revision);
	buf_format(&c->request,
	    "PUT /api/v1/secrets/s%u HTTP/1.1\r\nHost: s\r\n" TOKEN
	    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
	    name, strlen(body), body);
}

static bool
judge_secret(struct client *c, int status, struct str body UNUSED)
{
	if (status == 200 || status == 204)
		secrets_done(c->revision);
	else
		secrets_refused(c->revision);
	return status == 200 || status == 204 || status == 404 || status == 409;
}

static void
ask_rotate(struct client *c)
{
	post(c, "/api/v1/secrets/rotate", TOKEN, "application/json", "{}");
}

static bool
judge_rotate(struct client *c UNUSED, int status, struct str body UNUSED)
{
	return status == 200 || status == 409;
}

static void
ask_secrets(struct client *c)
{
	get(c, "/api/v1/secrets");
}

/* What must be refused, each with its status. */

static const struct {
	int status;
	const char *text;
} bad[] = {
	{ 401, "GET /api/v1/stages HTTP/1.1\r\nHost: s\r\n\r\n" },
	{ 401, "GET /nowhere HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer no\r\n\r\n" },
	{ 401, "POST /api/v1/apply HTTP/1.1\r\nHost: s\r\nAuthorization: Basic YTpi\r\n"
	       "Content-Length: 0\r\n\r\n" },
	{ 404, "GET /nowhere HTTP/1.1\r\nHost: s\r\n" TOKEN "\r\n" },
	{ 404, "GET /api/v1/deploys/1999 HTTP/1.1\r\nHost: s\r\n" TOKEN "\r\n" },
	{ 404, "GET /api/v1/projects/shop/stages/no HTTP/1.1\r\nHost: s\r\n" TOKEN "\r\n" },
	{ 404, "POST /api/webhook/00000000-0000-4000-8000-000000000000 HTTP/1.1\r\nHost: s\r\n"
	       "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" },
	{ 405,
	    "POST /api/v1/stages HTTP/1.1\r\nHost: s\r\n" TOKEN "Content-Length: 0\r\n\r\n" },
	{ 400, "GET /api/v1/deploys?limit=x HTTP/1.1\r\nHost: s\r\n" TOKEN "\r\n" },
	{ 400, "GET /api/v1/deploys?state=NO HTTP/1.1\r\nHost: s\r\n" TOKEN "\r\n" },
	{ 400, "POST /api/v1/projects/shop/stages/production/deploys HTTP/1.1\r\nHost: "
	       "s\r\n" TOKEN
	       "Content-Type: application/json\r\nContent-Length: 5\r\n\r\n{\"a\":" },
	{ 400, "POST /api/v1/projects/shop/stages/production/rollback HTTP/1.1\r\nHost: "
	       "s\r\n" TOKEN
	       "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}" },
	{ 415, "POST /api/v1/projects/shop/stages/production/rollback HTTP/1.1\r\nHost: "
	       "s\r\n" TOKEN "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}" },
	{ 415, "POST /api/v1/apply HTTP/1.1\r\nHost: s\r\n" TOKEN
	       "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nno" },
	{ 400, "POST /api/v1/apply HTTP/1.1\r\nHost: s\r\n" TOKEN
	       "Content-Type: application/yaml\r\nContent-Length: 9\r\n\r\n{version:" },
	{ 400, "GET /health HTTP/1.1\r\n\r\n" },
	{ 400, "NOT HTTP AT ALL\r\n\r\n" },
	{ 400, "POST /health HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: gzip\r\n\r\n" },
};

static void
ask_bad(struct client *c)
{
	c->deploy = world_random() % COUNT(bad);
	buf_text(&c->request, bad[c->deploy].text);
}

static bool
judge_bad(struct client *c, int status, struct str body)
{
	return status == bad[c->deploy].status
	       && memmem(body.p, body.n, "\"error\"", 7) != NULL;
}

const struct question questions[] = {
	{ "hook", 30, ask_hook, judge_hook },
	{ "deploy", 14, ask_deploy, judge_deploy },
	{ "rollback", 8, ask_rollback, judge_rollback },
	{ "cancel", 8, ask_cancel, judge_cancel },
	{ "poll", 4, ask_poll, judge_poll },
	{ "lift", 3, ask_lift, judge_lift },
	{ "apply", 6, ask_apply, judge_apply },
	{ "dry apply", 2, ask_dry, is_ok },
	{ "show", 6, ask_show, judge_show },
	{ "list", 4, ask_list, judge_list },
	{ "look", 6, ask_look, is_ok },
	{ "log", 3, ask_log, is_ok_or_missing },
	{ "output", 3, ask_output, judge_output },
	{ "secret", 4, ask_secret, judge_secret },
	{ "rotate", 2, ask_rotate, judge_rotate },
	{ "secrets", 1, ask_secrets, is_ok },
	{ "bad", 6, ask_bad, judge_bad },
	/* The rest is for guarded seeds. */
	{ "promote", 24, ask_promote, judge_promote },
	{ "deploy by", 20, ask_deploy_by, judge_promote },
	{ "approve", 40, ask_approve, judge_decision },
	{ "reject", 2, ask_reject, judge_decision },
	{ "freeze", 5, ask_freeze, judge_freeze },
	{ "unfreeze", 6, ask_unfreeze, judge_freeze },
	/* And of these a few. */
	{ "stop", 130, ask_stop, judge_promote },
	{ "start", 90, ask_start, judge_promote },
	{ "restart", 12, ask_restart, judge_promote },
};
enum { GUARDED_QUESTIONS = 6, STOPPING_QUESTIONS = 3 };

size_t
questions_known(void)
{
	if (sim.is_stopping)
		return COUNT(questions);
	return COUNT(questions) - STOPPING_QUESTIONS
	       - (sim.is_guarded ? 0 : GUARDED_QUESTIONS);
}
const struct question apply_question = { "apply", 1, ask_apply, judge_apply };
const struct question first_question = { "first", 1, ask_first, judge_deploy };
const struct question back_question = { "go back", 1, ask_back, judge_rollback };
const struct question deploy_question = { "deploy", 1, ask_deploy, judge_deploy };
/* What several people and hooks want of one stage at once. */
static void
ask_burst(struct client *c)
{
	uint64_t pick = world_random() % 10;

	if (pick < 6)
		hook(c, world_chance(60) ? 0 : some_tag());
	else if (pick < 9)
		ask_deploy_by(c);
	else
		ask_promote(c);
}

static bool
judge_burst(struct client *c, int status, struct str body)
{
	return status == 200 || judge_promote(c, status, body);
}

const struct question burst_question = { "burst", 1, ask_burst, judge_burst };
