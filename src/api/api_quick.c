/* api_quick.c - an image is inspected, and becomes a project: POST /inspect, POST /quick.
 *
 * The registry is asked at that moment, so the answer is held until it has said something. */
#include <stdlib.h>

#include "api/inside.h"
#include "base/arena.h"
#include "base/log.h"
#include "config/image.h"
#include "ports/registry.h"
#include "serve/quick.h"

enum { TEXT_MAX = 8192 };

struct quick {
	struct app *app;
	struct request *rq;
	struct image_ref image;
	struct quick_wish wish; /* texts of the request's arena */
	bool is_dry; /* nothing is done: what would be */
};

static void
write_facts(struct json_writer *w, const struct image_facts *facts)
{
	json_pair_text(w, "digest", facts->digest);
	json_pair_text(w, "platform", facts->platform);
	json_pair_text(w, "created", facts->created);
	json_pair_integer(w, "bytes", facts->bytes);
	json_pair_text(w, "user", facts->user);
	json_pair_bool(w, "healthcheck", facts->has_healthcheck);
	json_key(w, "ports");
	json_array_open(w);
	for (size_t i = 0; i < facts->port_count; i++)
		json_put_integer(w, facts->ports[i]);
	json_array_close(w);
	json_key(w, "volumes");
	json_array_open(w);
	for (size_t i = 0; i < facts->volume_count; i++)
		json_put_text(w, facts->volumes[i]);
	json_array_close(w);
}

static void
write_plan(struct json_writer *w, const struct quick_plan *plan)
{
	json_pair_text(w, "project", plan->project);
	json_pair_text(w, "stage", plan->stage);
	json_pair_text(w, "domain", plan->domain);
	json_pair_integer(w, "port", plan->port);
}

static void
reply_inspected(struct quick *q, const struct image_facts *facts)
{
	struct quick_plan plan;
	struct json_writer w;
	struct buf text;
	struct err err;
	enum command_result result =
	    quick_plan(q->app, &q->image, facts, &q->wish, &plan, &err);

	if (result != COMMAND_DONE) {
		api_refuse(q->rq, result, &err);
		return;
	}
	buf_init(&text, TEXT_MAX);
	quick_write(q->app, &q->image, facts, &plan, &text);
	json_writer_init(&w, reply_body(q->rq));
	json_object_open(&w);
	write_facts(&w, facts);
	json_key(&w, "suggestion");
	json_object_open(&w);
	write_plan(&w, &plan);
	json_pair_str(&w, "yaml", buf_view(&text));
	json_object_close(&w);
	json_object_close(&w);
	reply_json(q->rq, 200);
	buf_free(&text);
}

static void
add(struct quick *q, const struct image_facts *facts)
{
	struct log_context log = { .request_id = q->rq->id };
	struct quick_plan plan;
	struct json_writer w;
	struct err err;
	uint64_t id = 0;
	enum command_result result =
	    command_quick(q->app, &q->image, facts, &q->wish, &plan, &id, &err);

	if (result != COMMAND_DONE) {
		api_refuse(q->rq, result, &err);
		return;
	}
	log.project = plan.project;
	log_info(&log, "project.added", "the project '%s' was made of %s/%s", plan.project,
	    q->image.host, q->image.path);
	api_log_deploy(q->app, q->rq, id, "deploy.requested", "a quick deploy was asked for");
	json_writer_init(&w, reply_body(q->rq));
	json_object_open(&w);
	json_pair_integer(&w, "id", (int64_t)id);
	write_plan(&w, &plan);
	json_object_close(&w);
	reply_json(q->rq, 202);
}

static void
on_facts(void *context, const struct image_facts *facts)
{
	struct quick *q = context;

	if (facts != NULL && facts->failure[0] != '\0')
		reply_error(q->rq, 502, "REGISTRY", "the image could not be looked at: %s",
		    facts->failure);
	else if (facts != NULL && q->is_dry)
		reply_inspected(q, facts);
	else if (facts != NULL)
		add(q, facts);
	free(q);
}

/* false: answered already. */
static bool
read_wish(struct request *rq, const struct json *body, struct quick *q)
{
	const char *image = "";
	struct err err;

	if (!api_text(rq, body, "image", &image)
	    || !api_text(rq, body, "project", &q->wish.project)
	    || !api_text(rq, body, "stage", &q->wish.stage)
	    || !api_text(rq, body, "domain", &q->wish.domain)
	    || !api_text(rq, body, "by", &q->wish.by)
	    || !api_number(rq, body, "port", &q->wish.port))
		return false;
	if (image[0] == '\0') {
		reply_error_detail(rq, 400, "INVALID", STR("\"image\""),
		    "'image' is missing: registry.example.org/team/app:v1");
		return false;
	}
	if (image_ref_parse(image, &q->image, &err) != 0) {
		reply_error(rq, 400, "INVALID", "'image': %s", err.text);
		return false;
	}
	if (q->image.tag[0] == '\0') {
		reply_error(rq, 400, "INVALID",
		    "'image' names no tag: registry.example.org/team/app:v1");
		return false;
	}
	return true;
}

static void
look(struct app *app, struct request *rq, bool is_dry)
{
	static const char *const known[] = { "image", "project", "stage", "domain", "port",
		"by", NULL };
	struct quick q = { .app = app,
		.rq = rq,
		.is_dry = is_dry,
		.wish = { "", "", "", 0, "", TRIGGER_MANUAL } };
	struct json *body;
	struct quick *kept;

	if (app->settings->quick_deploy == QUICK_OFF) {
		reply_error(rq, 409, "CONFLICT",
		    "quick deploys are off on this server (SLIPWAY_QUICK_DEPLOY=off): write "
		    "the "
		    "project into slipway.yml and apply it");
		return;
	}
	body = api_body(rq, known);
	if (body == NULL)
		return;
	if (!read_wish(rq, body, &q)) {
		json_free(body);
		return;
	}
	q.wish.project = arena_text(rq->arena, str_of(q.wish.project));
	q.wish.stage = arena_text(rq->arena, str_of(q.wish.stage));
	q.wish.domain = arena_text(rq->arena, str_of(q.wish.domain));
	q.wish.by = arena_text(rq->arena, str_of(q.wish.by));
	json_free(body);
	kept = malloc(sizeof(*kept));
	CHECK(kept != NULL);
	*kept = q;
	request_hold(rq);
	registry_look_at(app->registry, &kept->image, on_facts, kept);
}

void
api_inspect(void *context, struct request *rq)
{
	look(context, rq, true);
}

void
api_quick(void *context, struct request *rq)
{
	look(context, rq, false);
}
