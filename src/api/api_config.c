/* api_config.c - the configuration as a whole: given out as slipway.yml, and made what a file says.
 *
 * The one idea: what is given out has a tag, and a file may be applied on the condition that this is still
 * what it was made from (If-Match), so that two people do not undo each other's work unseen. */
#include <stdio.h>

#include "api/inside.h"
#include "base/log.h"
#include "config/file.h"
#include "config/settings.h"
#include "serve/export.h"
#include "serve/plan.h"
#include "store/catalog.h"

enum { ETAG_SIZE = HASH_HEX_SIZE + 2 };

static void
write_etag(const struct app *app, char etag[ETAG_SIZE])
{
	char tag[HASH_HEX_SIZE];

	export_tag(app->catalog, tag);
	snprintf(etag, ETAG_SIZE, "\"%s\"", tag);
}

void
api_config_show(void *context, struct request *rq)
{
	struct app *app = context;
	char etag[ETAG_SIZE];
	struct str text;
	const char *project = NULL;

	if (request_query(rq, "project", &text)) {
		project = api_query(rq, "project");
		if (api_project(app, rq, project) == NULL)
			return;
	}
	write_etag(app, etag);
	reply_header(rq, "ETag", str_of(etag));
	export_write(app->catalog, project, reply_body(rq));
	reply_built(rq, 200, "application/yaml");
}

static void
write_faults(struct json_writer *w, const struct config_problems *faults)
{
	json_array_open(w);
	for (size_t i = 0; i < faults->count; i++) {
		json_object_open(w);
		json_pair_integer(w, "line", faults->items[i].line);
		json_pair_integer(w, "column", faults->items[i].column);
		json_pair_text(w, "message", faults->items[i].text);
		json_object_close(w);
	}
	json_array_close(w);
}

static void
refuse_file(struct request *rq, const struct config_file *file)
{
	struct json_writer w;
	struct buf detail;

	buf_init(&detail, 1 << 20);
	json_writer_init(&w, &detail);
	write_faults(&w, &file->faults);
	reply_error_detail(rq, 400, "INVALID", buf_view(&detail),
	    "the configuration has %zu fault%s", file->faults.count + file->faults.unlisted,
	    file->faults.count + file->faults.unlisted == 1 ? "" : "s");
	buf_free(&detail);
}

static void
write_change(struct json_writer *w, const struct config_change *change)
{
	json_object_open(w);
	json_pair_text(w, "key", change->key);
	json_pair_text(w, "from", change->from);
	json_pair_text(w, "to", change->to);
	json_object_close(w);
}

static void
write_entry(struct json_writer *w, const struct plan_entry *entry)
{
	json_object_open(w);
	json_pair_text(w, "action", entry->action);
	json_pair_text(w, "what", entry->what);
	json_pair_bool(w, "awaits_deploy", entry->awaits_deploy);
	json_key(w, "changes");
	json_array_open(w);
	for (size_t i = 0; i < entry->changes.count; i++)
		write_change(w, &entry->changes.items[i]);
	json_array_close(w);
	json_object_close(w);
}

static void
reply_plan(struct app *app, struct request *rq, const struct plan *plan,
    const struct config_file *file)
{
	char etag[ETAG_SIZE];
	struct json_writer w;

	write_etag(app, etag);
	reply_header(rq, "ETag", str_of(etag));
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_integer(&w, "changes", (int64_t)plan->changes);
	json_pair_text(&w, "etag", etag);
	json_key(&w, "plan");
	json_array_open(&w);
	for (size_t i = 0; i < plan->count; i++)
		write_entry(&w, &plan->entries[i]);
	json_array_close(&w);
	json_key(&w, "warnings");
	write_faults(&w, &file->warnings);
	json_object_close(&w);
	reply_json(rq, 200);
}

static struct config_file *
parse(struct app *app, struct str text)
{
	struct config_rules rules = command_rules(app);
	const char *hosts[ENGINES_MAX];

	rules.engine_hosts = hosts;
	rules.engine_count = catalog_engine_count(app->catalog);
	CHECK(rules.engine_count <= ENGINES_MAX);
	for (size_t i = 0; i < rules.engine_count; i++)
		hosts[i] = catalog_engine_at(app->catalog, i)->host;
	return config_file_parse(text, &rules);
}

/* False: answered already, somebody has changed it since. */
static bool
check_match(const struct app *app, struct request *rq)
{
	struct str wanted = request_header(rq, "If-Match");
	char etag[ETAG_SIZE];

	write_etag(app, etag);
	if (wanted.n == 0 || str_is(wanted, "*") || str_is(wanted, etag))
		return true;
	reply_header(rq, "ETag", str_of(etag));
	reply_error(rq, 412, "CHANGED",
	    "the configuration has been changed since the one that If-Match names: look at it "
	    "again and apply on top of that");
	return false;
}

static void
run_apply(struct app *app, struct request *rq, const struct config_file *file, bool is_dry)
{
	struct log_context log = { .request_id = rq->id };
	struct plan plan = { 0 };
	struct err err;
	enum command_result result = command_apply(app, file, is_dry, &plan, &err);

	if (result == COMMAND_DONE)
		reply_plan(app, rq, &plan, file);
	else
		api_refuse(rq, result, &err);
	if (result == COMMAND_DONE && !is_dry)
		log_info(&log, "config.applied", "a configuration was applied: %zu change%s",
		    plan.changes, plan.changes == 1 ? "" : "s");
	plan_free(&plan);
}

void
api_apply(void *context, struct request *rq)
{
	struct app *app = context;
	struct config_file *file;
	uint64_t dry = 0;

	if (!api_query_number(rq, "dry", 1, &dry))
		return;
	if (!api_is_type(rq, "application/yaml") && !api_is_type(rq, "application/json")) {
		reply_error(rq, 415, "UNSUPPORTED_TYPE",
		    "send slipway.yml as application/yaml, or the same as application/json");
		return;
	}
	if (!check_match(app, rq))
		return;
	file = parse(app, rq->body);
	if (file->faults.count > 0)
		refuse_file(rq, file);
	else
		run_apply(app, rq, file, dry == 1);
	config_file_free(file);
}
