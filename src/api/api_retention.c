/* api_retention.c - what is kept and why, what would go, and removing it now.
 *
 * The engines are asked at that moment, one after the other, so the answer is held until the last of them
 * has said something; one that says nothing is told as such, beside the others. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/inside.h"
#include "base/clock.h"
#include "ports/docker.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/images.h"
#include "store/retention.h"

enum { BATCH = 50 };

struct question {
	struct app *app;
	struct request *rq;
	const char *project; /* "": any */
	const char *stage;
	struct buf text; /* of the answer; what is held may be answered with 504 meanwhile */
	struct json_writer w;
	struct retention_rules rules; /* by which deploys would go */
	size_t next_engine;
	uint32_t shown;
};

static void
question_free(struct question *q)
{
	buf_free(&q->text);
	free(q);
}

/* Why an image stays, or goes: a word for programs and a sentence for people. */
struct reason {
	const char *word;
	bool goes;
	char text[REASON_SIZE];
};

static void
explain_need(const struct app *app, const struct image_verdict *verdict, struct reason *ret)
{
	static const struct {
		const char *word;
		const char *text;
	} needs[IMAGE_NEED_COUNT] = {
		[IMAGE_FREE] = { "free", "nothing needs it" },
		[IMAGE_LIVE] = { "live", "it is live at" },
		[IMAGE_UNDER_WAY] = { "under-way", "it is being deployed to" },
		[IMAGE_ROLLBACK] = { "rollback", "a rollback may go to it at" },
		[IMAGE_PINNED] = { "pinned", "it is pinned at" },
		[IMAGE_YOUNG] = { "young", "nothing needs it, but it was used not long ago" },
	};
	const struct stage_entry *stage = catalog_stage(app->catalog, verdict->stage);

	ret->word = needs[verdict->need].word;
	ret->goes = verdict->need == IMAGE_FREE;
	if (stage == NULL)
		snprintf(ret->text, sizeof(ret->text), "%s", needs[verdict->need].text);
	else
		snprintf(ret->text, sizeof(ret->text), "%s %s/%s (deploy %" PRIu64 ")",
		    needs[verdict->need].text, stage->spec->project, stage->spec->stage,
		    verdict->deploy);
}

/* What the engine knows beside, of an image that no deploy needs. */
static void
explain_use(const struct retention_rules *rules, const struct image *image,
    const struct docker_image_seen *seen, struct reason *ret)
{
	if (seen->container[0] != '\0') {
		ret->word = "container";
		snprintf(ret->text, sizeof(ret->text), "container %s is made of it",
		    seen->container);
	} else if (seen->tag[0] != '\0') {
		ret->word = "tagged";
		snprintf(ret->text, sizeof(ret->text), "somebody has given it the name %.180s",
		    seen->tag);
	} else if (!rules->removes_images) {
		ret->word = "off";
		snprintf(ret->text, sizeof(ret->text),
		    "nothing needs it, but SLIPWAY_REMOVE_IMAGES is off");
	} else if (image->next_ms > clock_now_ms()) {
		ret->word = "failed";
		snprintf(ret->text, sizeof(ret->text),
		    "removing it has failed, and is tried again later: %.180s",
		    image->trouble);
	} else {
		return;
	}
	ret->goes = false;
}

static void
write_image(struct question *q, const struct image *image,
    const struct docker_image_seen *seen, const struct image_verdict *verdict)
{
	const struct retention_rules *rules = retention_rules(q->app->retention);
	struct json_writer *w = &q->w;
	struct reason reason;

	explain_need(q->app, verdict, &reason);
	if (reason.goes)
		explain_use(rules, image, seen, &reason);
	json_object_open(w);
	json_pair_text(w, "image", image->repository);
	json_pair_text(w, "digest", image->digest);
	json_pair_integer(w, "bytes", seen->bytes);
	json_pair_integer(w, "pulled_ms", image->pulled_ms);
	json_pair_integer(w, "used_ms", image->used_ms);
	json_pair_bool(w, "goes", reason.goes);
	json_pair_text(w, "why", reason.word);
	json_pair_text(w, "reason", reason.text);
	json_pair_integer(w, "deploy", (int64_t)verdict->deploy);
	json_pair_integer(
	    w, "until_ms", verdict->need == IMAGE_YOUNG ? verdict->until_ms : image->next_ms);
	json_pair_integer(w, "tries", image->tries);
	json_object_close(w);
	q->shown++;
}

/* Some stage of those that were asked for runs this repository on this engine. */
static bool
is_asked_for(const struct question *q, const struct image *image)
{
	const struct catalog *catalog = q->app->catalog;
	const struct engine_config *engine = catalog_engine_by_id(catalog, image->engine);
	size_t count;
	size_t first;

	if (q->project[0] == '\0')
		return true;
	first = catalog_stages_of(catalog, q->project, &count);
	for (size_t i = first; i < first + count; i++) {
		const struct stage_spec *spec = catalog_stage_at(catalog, i)->spec;

		if ((q->stage[0] == '\0' || strcmp(spec->stage, q->stage) == 0)
		    && strcmp(spec->image, image->repository) == 0
		    && strcmp(spec->engine, engine->name) == 0)
			return true;
	}
	return false;
}

static void
write_images(struct question *q, uint64_t engine, const struct docker_images *found)
{
	struct image rows[BATCH];
	struct image last = { .engine = engine };
	struct docker_image_seen seen;
	struct image_verdict verdict;
	size_t count;

	do {
		count = store_images(q->app->store, &last, rows, BATCH);
		for (size_t i = 0; i < count && rows[i].engine == engine; i++) {
			last = rows[i];
			if (q->shown >= IMAGES_SHOWN_MAX || !is_asked_for(q, &rows[i]))
				continue;
			docker_images_find(found, &rows[i], &seen);
			if (!seen.is_there)
				continue;
			store_image_judge(q->app->store, retention_rules(q->app->retention),
			    &rows[i], clock_now_ms(), &verdict);
			write_image(q, &rows[i], &seen, &verdict);
		}
	} while (count == BATCH && rows[count - 1].engine == engine);
}

static void
write_disk(struct json_writer *w, const struct docker_disk *disk)
{
	json_key(w, "disk");
	json_object_open(w);
	json_pair_bool(w, "is_known", disk->is_known);
	json_pair_text(w, "folder", disk->folder);
	json_pair_integer(w, "free_bytes", disk->free_bytes);
	json_pair_integer(w, "all_bytes", disk->all_bytes);
	json_pair_text(w, "why", disk->why);
	json_object_close(w);
}

static void
write_rules(struct json_writer *w, const struct app *app)
{
	const struct retention_rules *rules = retention_rules(app->retention);

	json_key(w, "rules");
	json_object_open(w);
	json_pair_integer(w, "deploys", rules->deploys);
	json_pair_integer(w, "days", rules->days);
	json_pair_integer(w, "versions", rules->rollbacks);
	json_pair_integer(w, "images_ms", rules->images_ms);
	json_pair_bool(w, "removes_images", rules->removes_images);
	json_pair_integer(w, "disk_floor_mb", app->settings->disk_floor_mb);
	json_object_close(w);
}

static void
write_deploy(
    struct json_writer *w, const struct app *app, const struct stage_spec *spec, uint64_t id)
{
	struct deploy_brief row;

	if (!store_deploy_brief(app->store, id, &row))
		return;
	json_object_open(w);
	json_pair_text(w, "project", spec->project);
	json_pair_text(w, "stage", spec->stage);
	json_pair_integer(w, "id", (int64_t)id);
	json_pair_text(w, "tag", row.tag);
	json_pair_text(w, "state", row.state);
	json_pair_integer(w, "ended_ms", row.ended_ms);
	json_object_close(w);
}

static size_t
write_deploys_of(struct question *q, const struct stage_entry *stage, size_t most)
{
	uint64_t going[DEPLOYS_SHOWN_MAX];
	size_t count;

	if ((q->project[0] != '\0' && strcmp(stage->spec->project, q->project) != 0)
	    || (q->stage[0] != '\0' && strcmp(stage->spec->stage, q->stage) != 0))
		return 0;
	count = store_deploys_going(
	    q->app->store, &q->rules, stage->id, clock_now_ms(), going, most);
	for (size_t i = 0; i < count; i++)
		write_deploy(&q->w, q->app, stage->spec, going[i]);
	return count;
}

/* What is over and goes with the next look, by the rules that were asked for. */
static void
write_deploys(struct question *q)
{
	const struct catalog *catalog = q->app->catalog;
	size_t left = DEPLOYS_SHOWN_MAX;

	json_key(&q->w, "deploys");
	json_object_open(&q->w);
	json_pair_integer(&q->w, "keep_deploys", q->rules.deploys);
	json_pair_integer(&q->w, "keep_days", q->rules.days);
	json_key(&q->w, "items");
	json_array_open(&q->w);
	for (size_t i = 0; i < catalog_stage_count(catalog) && left > 0; i++)
		left -= write_deploys_of(q, catalog_stage_at(catalog, i), left);
	json_array_close(&q->w);
	json_pair_bool(&q->w, "is_whole", left > 0);
	json_object_close(&q->w);
}

static void ask_next(struct question *q);

static void
on_images(void *context, const struct docker_images *found, const char *why)
{
	struct question *q = context;
	const struct engine_config *engine;

	if (found == NULL && why == NULL) {
		question_free(q);
		return;
	}
	/* An apply may have come in between; engines keep their places. */
	engine = catalog_engine_at(q->app->catalog, q->next_engine++);
	json_object_open(&q->w);
	json_pair_text(&q->w, "name", engine->name);
	json_pair_integer(
	    &q->w, "looked_ms", docker_images_looked_ms(q->app->docker, engine->id));
	json_pair_text(&q->w, "failure", found == NULL ? why : "");
	if (found != NULL)
		write_disk(&q->w, docker_images_disk(found));
	json_key(&q->w, "images");
	json_array_open(&q->w);
	if (found != NULL)
		write_images(q, engine->id, found);
	json_array_close(&q->w);
	json_object_close(&q->w);
	ask_next(q);
}

static void
ask_next(struct question *q)
{
	if (q->next_engine < catalog_engine_count(q->app->catalog)) {
		docker_images_ask(q->app->docker,
		    catalog_engine_at(q->app->catalog, q->next_engine)->id, on_images, q);
		return;
	}
	json_array_close(&q->w);
	json_pair_bool(&q->w, "is_whole", q->shown < IMAGES_SHOWN_MAX);
	json_object_close(&q->w);
	buf_str(reply_body(q->rq), buf_view(&q->text));
	reply_json(q->rq, 200);
	question_free(q);
}

/* ?project= and ?stage=; false: answered already. */
static bool
take_target(struct app *app, struct request *rq, const char *project, const char *stage)
{
	if (project[0] == '\0' && stage[0] == '\0')
		return true;
	if (project[0] == '\0') {
		reply_error(rq, 400, "INVALID", "'stage' needs its 'project', too");
		return false;
	}
	if (api_project(app, rq, project) == NULL)
		return false;
	if (stage[0] != '\0' && catalog_stage_by_name(app->catalog, project, stage) == NULL) {
		reply_error(
		    rq, 404, "NOT_FOUND", "there is no stage '%.64s/%.64s'", project, stage);
		return false;
	}
	return true;
}

void
api_retention_show(void *context, struct request *rq)
{
	struct app *app = context;
	const char *project = api_query(rq, "project");
	const char *stage = api_query(rq, "stage");
	struct retention_rules rules = *retention_rules(app->retention);
	uint64_t deploys = (uint64_t)rules.deploys;
	uint64_t days = (uint64_t)rules.days;
	struct question *q;

	if (!take_target(app, rq, project, stage)
	    || !api_query_number(rq, "keep_deploys", KEEP_DEPLOYS_MAX, &deploys)
	    || !api_query_number(rq, "keep_days", KEEP_DAYS_MAX, &days))
		return;
	rules.deploys = (int64_t)deploys;
	rules.days = (int64_t)days;
	q = calloc(1, sizeof(*q));
	CHECK(q != NULL);
	*q = (struct question){
		.app = app, .rq = rq, .project = project, .stage = stage, .rules = rules
	};
	request_hold(rq);
	buf_init(&q->text, HTTP_REPLY_MAX);
	json_writer_init(&q->w, &q->text);
	json_object_open(&q->w);
	write_rules(&q->w, app);
	write_deploys(q);
	json_key(&q->w, "engines");
	json_array_open(&q->w);
	ask_next(q);
}

void
api_retention_run(void *context, struct request *rq)
{
	static const char *const known[] = { NULL };
	struct app *app = context;
	struct json *body = api_body(rq, known);
	struct json_writer w;
	struct err err;

	if (body == NULL)
		return;
	json_free(body);
	if (app->is_draining) {
		err_set(&err, "slipway is shutting down: try again when it is back");
		api_refuse(rq, COMMAND_BUSY, &err);
		return;
	}
	retention_round(app->retention);
	docker_images_due(app->docker);
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_integer(&w, "engines", (int64_t)catalog_engine_count(app->catalog));
	json_pair_bool(&w, "removes_images", retention_rules(app->retention)->removes_images);
	json_object_close(&w);
	reply_json(rq, 202);
}

/* Pins. */

static void
reply_pin(struct app *app, struct request *rq, uint64_t deploy)
{
	struct json_writer w;

	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_integer(&w, "id", (int64_t)deploy);
	json_pair_bool(&w, "pinned", store_is_pinned(app->store, deploy));
	json_object_close(&w);
	reply_json(rq, 200);
}

void
api_deploy_pin(void *context, struct request *rq)
{
	struct app *app = context;
	struct deploy_row row;
	uint64_t id;

	if (!api_id(rq, "id", &id))
		return;
	if (!store_deploy_get(app->store, id, &row)) {
		api_no_deploy(app, rq, id);
	} else if (strcmp(row.state, "LIVE") != 0) {
		reply_error(rq, 409, "CONFLICT",
		    "deploy %" PRIu64 " never went live (it is %s): pin one that did", id,
		    row.state);
	} else if (!store_is_pinned(app->store, id)
		   && store_pins_count(app->store, row.stage) >= PINS_MAX) {
		reply_error(rq, 409, "CONFLICT",
		    "%d deploys of %s/%s are pinned already: unpin one of them", PINS_MAX,
		    row.project, row.stage_name);
	} else {
		store_pin(app->store, id, clock_now_ms());
		reply_pin(app, rq, id);
	}
}

void
api_deploy_unpin(void *context, struct request *rq)
{
	struct app *app = context;
	struct deploy_row row;
	uint64_t id;

	if (!api_id(rq, "id", &id))
		return;
	if (!store_deploy_get(app->store, id, &row)) {
		api_no_deploy(app, rq, id);
		return;
	}
	store_unpin(app->store, id);
	retention_look(app->retention, row.stage);
	reply_pin(app, rq, id);
}
