/* api_webhooks.c - the URLs of webhooks: shown, made anew, and tried without deploying anything. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/log.h"
#include "ports/password.h"
#include "store/catalog.h"
#include "triggers/webhook.h"

/* Where its secret comes from, and whether it can be read now; never the secret. */
static void
write_secret(struct json_writer *w, const struct webhook_rules *rules)
{
	bool is_file = rules->secret_file[0] != '\0';
	bool has_one = is_file || rules->secret_env[0] != '\0';
	char secret[PASSWORD_SIZE];
	struct err err = { .text = "" };

	json_key(w, "secret");
	json_object_open(w);
	json_pair_text(w, "from", is_file ? "file" : has_one ? "env" : "none");
	json_pair_text(w, "name", is_file ? rules->secret_file : rules->secret_env);
	if (has_one && password_read(rules->secret_file, rules->secret_env, secret, &err) == 0)
		err.text[0] = '\0';
	if (has_one)
		password_wipe(secret);
	json_pair_text(w, "why", err.text);
	json_object_close(w);
	json_pair_bool(w, "require_signature", has_one && !rules->takes_unsigned);
}

static void
write_webhook(struct json_writer *w, const struct project_entry *project)
{
	char path[64];

	snprintf(path, sizeof(path), "/api/webhook/%s", project->webhook);
	json_key(w, "project");
	if (project->id == 0)
		json_put_null(w);
	else
		json_put_text(w, project->name);
	json_pair_text(w, "webhook_path", path);
	write_secret(w, &project->rules);
}

static void
show(struct request *rq, const struct project_entry *project)
{
	struct json_writer w;

	if (project == NULL)
		return;
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	write_webhook(&w, project);
	json_object_close(&w);
	reply_json(rq, 200);
}

static void
rotate(struct app *app, struct request *rq, const struct project_entry *project)
{
	struct log_context log = { .request_id = rq->id };

	if (project == NULL)
		return;
	log.project = project->id == 0 ? NULL : project->name;
	catalog_rotate_webhook(app->catalog, project->id);
	log_info(&log, "webhook.rotated",
	    "the webhook has another URL now; the one before is not found any more");
	show(rq, project);
}

static void
write_fit(void *context, const struct stage_entry *stage, enum webhook_fit fit,
    const char *tag, const char *why)
{
	struct json_writer *w = context;

	json_object_open(w);
	json_pair_text(w, "project", stage->spec->project);
	json_pair_text(w, "stage", stage->spec->stage);
	json_pair_bool(w, "deploys", fit == WEBHOOK_DEPLOYS);
	json_pair_text(w, "tag", tag);
	json_pair_text(w, "reason", why);
	json_object_close(w);
}

static struct str
no_header(const void *context UNUSED, const char *name UNUSED)
{
	return (struct str){ "", 0 };
}

/* Nothing is asked, and nothing begun: which stages would take the webhook that this body is? */
static void
test(struct app *app, struct request *rq, const struct project_entry *project)
{
	struct webhook_source source = { request_header(rq, "Content-Type"), rq->body,
		no_header, NULL };
	struct webhook webhook;
	struct json_writer w;

	if (project == NULL || api_read_webhook(rq, &source, &webhook) != 0)
		return;
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	write_webhook(&w, project);
	json_pair_text(&w, "sender", webhook.sender);
	json_key(&w, "items");
	json_array_open(&w);
	webhook_match(app, project, &webhook, write_fit, &w);
	json_array_close(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}

static const struct project_entry *
named(struct app *app, struct request *rq)
{
	return api_project(app, rq, api_parameter(rq, "project"));
}

void
api_webhook_show(void *context, struct request *rq)
{
	show(rq, named(context, rq));
}

void
api_webhook_rotate(void *context, struct request *rq)
{
	rotate(context, rq, named(context, rq));
}

void
api_webhook_test(void *context, struct request *rq)
{
	test(context, rq, named(context, rq));
}

void
api_everyone_show(void *context, struct request *rq)
{
	struct app *app = context;

	show(rq, catalog_everyone(app->catalog));
}

void
api_everyone_rotate(void *context, struct request *rq)
{
	struct app *app = context;

	rotate(app, rq, catalog_everyone(app->catalog));
}

void
api_everyone_test(void *context, struct request *rq)
{
	struct app *app = context;

	test(app, rq, catalog_everyone(app->catalog));
}
