/* api_rollbacks.c - the versions that a stage can go back to: those whose image is on its engine, or still
 * in the registry.
 *
 * The engine is asked once, the registry about each image that the engine does not have; the answer is held until
 * the last word. What cannot be told is not offered, and says why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/inside.h"
#include "config/image.h"
#include "ports/docker.h"
#include "ports/registry.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/images.h"
#include "store/retention.h"

struct question {
	struct app *app;
	struct request *rq;
	struct image image; /* the stage's; each target's digest in turn */
	uint64_t targets[ROLLBACKS_MAX + 1];
	const char *where[ROLLBACKS_MAX + 1]; /* "": not known yet */
	char reason[ROLLBACKS_MAX + 1][REASON_SIZE];
	char engine_why[REASON_SIZE]; /* the engine told nothing; "": it did */
	size_t count;
	size_t next; /* to ask the registry about */
};

static void
write_target(struct json_writer *w, const struct question *q, size_t i)
{
	struct deploy_row row;

	if (!store_deploy_get(q->app->store, q->targets[i], &row))
		return;
	json_object_open(w);
	json_pair_integer(w, "deploy", (int64_t)row.id);
	json_pair_text(w, "tag", row.tag);
	json_pair_text(w, "digest", row.digest);
	json_pair_integer(w, "ended_ms", row.ended_ms);
	json_pair_bool(w, "is_live", row.is_live);
	json_pair_bool(w, "pinned", store_is_pinned(q->app->store, row.id));
	json_pair_text(w, "image", q->where[i]);
	json_pair_bool(w, "offered",
	    !row.is_live
		&& (strcmp(q->where[i], "engine") == 0
		    || strcmp(q->where[i], "registry") == 0));
	json_pair_text(w, "reason", q->reason[i]);
	json_object_close(w);
}

static void
finish(struct question *q)
{
	struct json_writer w;

	json_writer_init(&w, reply_body(q->rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	for (size_t i = 0; i < q->count; i++)
		write_target(&w, q, i);
	json_array_close(&w);
	json_object_close(&w);
	reply_json(q->rq, 200);
	free(q);
}

static void ask_next(struct question *q);

/* What the registry lacks may still be on an engine that told nothing. */
static void
judge(struct question *q, const struct registry_told *told)
{
	char *reason = q->reason[q->next];

	q->where[q->next] = "registry";
	if (told->failure == NULL)
		return;
	q->where[q->next] = told->is_missing && q->engine_why[0] == '\0' ? "gone" : "unknown";
	if (q->engine_why[0] == '\0')
		snprintf(reason, REASON_SIZE, "%s", told->failure);
	else
		snprintf(reason, REASON_SIZE, "%.120s; %.120s", told->failure, q->engine_why);
}

static void
on_told(void *context, const struct registry_told *told)
{
	struct question *q = context;

	if (told == NULL) {
		free(q);
		return;
	}
	judge(q, told);
	q->next++;
	ask_next(q);
}

static void
ask_next(struct question *q)
{
	struct deploy_row row = { .digest = "" };
	struct image_ref image;
	struct err err;

	while (q->next < q->count && q->where[q->next][0] != '\0')
		q->next++;
	if (q->next == q->count) {
		finish(q);
		return;
	}
	CHECK(image_ref_parse(q->image.repository, &image, &err) == 0);
	if (store_deploy_get(q->app->store, q->targets[q->next], &row))
		memcpy(image.digest, row.digest, sizeof(image.digest));
	registry_inquire(q->app->registry,
	    &(struct registry_inquiry){
		.image = &image, .after = "", .on_told = on_told, .context = q });
}

static void
on_images(void *context, const struct docker_images *found, const char *why)
{
	struct question *q = context;

	if (found == NULL && why == NULL) {
		free(q);
		return;
	}
	if (found == NULL)
		snprintf(q->engine_why, sizeof(q->engine_why), "%s", why);
	for (size_t i = 0; i < q->count; i++) {
		struct docker_image_seen seen = { .is_there = false };
		struct deploy_brief brief;

		if (!store_deploy_brief(q->app->store, q->targets[i], &brief))
			continue;
		memcpy(q->image.digest, brief.digest, sizeof(q->image.digest));
		if (found != NULL)
			docker_images_find(found, &q->image, &seen);
		if (seen.is_there)
			q->where[i] = "engine";
	}
	ask_next(q);
}

void
api_stage_rollbacks(void *context, struct request *rq)
{
	struct app *app = context;
	const struct stage_entry *stage = api_stage(app, rq);
	const struct retention_rules *rules = retention_rules(app->retention);
	const struct engine_config *engine;
	struct question *q;
	bool is_whole;

	if (stage == NULL)
		return;
	q = calloc(1, sizeof(*q));
	CHECK(q != NULL);
	q->app = app;
	q->rq = rq;
	CHECK(str_copy(
	    q->image.repository, sizeof(q->image.repository), str_of(stage->spec->image)));
	q->count = store_rollback_targets(app->store, stage->id, q->targets,
	    (size_t)retention_versions(rules, stage->id) + 1, &is_whole);
	for (size_t i = 0; i < q->count; i++)
		q->where[i] = "";
	request_hold(rq);
	engine = catalog_engine(app->catalog, stage->spec->engine);
	if (engine == NULL || q->count == 0)
		on_images(q, NULL, "the stage's engine is not configured");
	else
		docker_images_ask(app->docker, engine->id, on_images, q);
}
