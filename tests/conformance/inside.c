/* inside.c - Slipway as far as ports see it: rows in a store, a catalog, and actors to answer.
 *
 * The one idea: the actors stand still. An effect raises its actor's epoch, as a step would,
 * and an answer to an older one is dropped, as fsm_step() does; which effect comes next is in
 * the scenario. The few functions of the runtime that ports call are here in its place. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "config/file.h"
#include "config/strategy.h"
#include "conformance.h"
#include "serve/notices.h"
#include "serve/ports.h"
#include "serve/runtime.h"
#include "serve/kept.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/retention.h"
#include "store/store.h"
#include "store/tasks.h"

enum {
	ACTORS = 512,
	ANSWERS = 16,
	SWEEP_ID = 9,
	DEPLOY_ID = 10,
	SWAP_ID = 100,
	NOTIFY_ID = 200,
	STAGES = 4
};

struct app app;

#define RECEIVER "ops"

static struct actor actors[ACTORS]; /* by id */
static struct event answers[ANSWERS];
static size_t answer_count;
static char stage_names[STAGES][NAME_SIZE];
static struct {
	char tag[TAG_SIZE];
	char digest[DIGEST_SIZE];
} images[IMAGES_KNOWN];
static size_t image_count;
static char scenario_name[NAME_SIZE];
static char registry_host[128];
static struct engine_config engine;

/* In the runtime's place. */

const struct actor *
runtime_actor(const struct runtime *rt UNUSED, uint64_t id)
{
	return id < ACTORS && actors[id].id != 0 ? &actors[id] : NULL;
}

void
runtime_visit(const struct runtime *rt UNUSED, runtime_visit_fn *visit, void *context)
{
	for (size_t i = 0; i < ACTORS; i++)
		if (actors[i].id != 0)
			visit(context, &actors[i]);
}

void
runtime_raise_id(struct runtime *rt UNUSED, uint64_t next_id UNUSED)
{
}

bool
runtime_post(struct runtime *rt, const struct event *event)
{
	const struct actor *a = runtime_actor(rt, event->to);

	if (a == NULL)
		return false;
	if (!fsm_is_tied_to_epoch(event->kind) || event->epoch != a->epoch)
		return true;
	CHECK(answer_count < ANSWERS);
	answers[answer_count++] = *event;
	return true;
}

/* No scenario keeps a version warm: nothing cools. */
enum step
runtime_deliver(
    struct runtime *rt UNUSED, const struct event *event UNUSED, uint64_t *id UNUSED)
{
	return STEP_REFUSED;
}

void
notices_add(struct app *server UNUSED, const struct noticed *what UNUSED)
{
}

void
kept_check(struct app *server UNUSED, uint64_t deploy UNUSED)
{
}

/* What is configured. */

static int
place_of(const char *stage)
{
	for (int i = 0; i < STAGES; i++)
		if (strcmp(stage_names[i], stage) == 0)
			return i;
	return -1;
}

static uint64_t
stage_id(int place)
{
	CHECK(place >= 0);
	return 1 + 2 * (uint64_t)place; /* its poll has the next one */
}

static void
write_config(const char *stage, const char *options, struct buf *text)
{
	buf_format(text,
	    "version: 1\nengines:\n  local: {host: \"%s\"}\nprojects:\n  %s-%s:\n"
	    "    image: %s/%s\n    port: 8080\n    stop_timeout: 1s\n    tags: \"v*\"\n"
	    "    health: {http: /health, successes: 2, interval: 50ms, min_uptime: 0s,"
	    " deadline: 5s}\n    stages:\n      production: {%s}\n",
	    engine.host, scenario_name, stage, registry_host, scenario_name, options);
}

static struct config_file *
parse(const char *stage, const char *options)
{
	struct config_file *file;
	struct buf text;

	buf_init(&text, CONFIG_BYTES_MAX);
	write_config(stage, options, &text);
	file = config_file_parse(buf_view(&text), NULL);
	if (file->faults.count > 0) {
		fprintf(
		    stderr, "stage %s %s: %s\n", stage, options, file->faults.items[0].text);
		exit(2);
	}
	buf_free(&text);
	return file;
}

static void
add_stage(int place, const char *project, struct str json)
{
	uint64_t id = stage_id(place);
	bool is_new;

	actors[id] = (struct actor){ .id = id, .kind = ACTOR_STAGE };
	actors[id + 1] = (struct actor){ .id = id + 1, .kind = ACTOR_POLL };
	actors[id + 1].poll.stage = id;
	store_actor_put(app.store, &actors[id]);
	catalog_add_stage(
	    app.catalog, catalog_put_project(app.catalog, project, &is_new), id, id + 1, json);
}

void
inside_stage(const char *name, const char *options)
{
	struct config_file *file = parse(name, options);
	int place = place_of(name);
	struct buf json;

	buf_init(&json, CONFIG_BYTES_MAX);
	stage_spec_write(&file->projects[0].stages[0], &json);
	if (place < 0) {
		place = place_of("");
		CHECK(place >= 0 && str_copy(stage_names[place], NAME_SIZE, str_of(name)));
		add_stage(place, file->projects[0].name, buf_view(&json));
	} else {
		catalog_set_spec(app.catalog, stage_id(place), buf_view(&json));
	}
	outside_know(0, stage_id(place), place);
	buf_free(&json);
	config_file_free(file);
}

/* Images. */

void
inside_learn(const char *tag, const char *digest)
{
	CHECK(image_count < IMAGES_KNOWN);
	CHECK(str_copy(images[image_count].tag, TAG_SIZE, str_of(tag)));
	CHECK(str_copy(images[image_count++].digest, DIGEST_SIZE, str_of(digest)));
}

const char *
inside_image(const char *digest)
{
	for (size_t i = 0; i < image_count; i++)
		if (strcmp(images[i].digest, digest) == 0)
			return images[i].tag;
	return "unknown";
}

/* Deploys. */

uint64_t
inside_id(const char *label)
{
	uint64_t number = 0;

	CHECK(label[0] == 'd' || label[0] == 's');
	CHECK(str_number(str_of(label + 1), 50, &number));
	return number + (label[0] == 'd' ? DEPLOY_ID : SWAP_ID);
}

void
inside_deploy(const char *label, const char *stage, const char *tag)
{
	uint64_t id = inside_id(label);
	struct actor *on = &actors[stage_id(place_of(stage))];
	const struct stage_entry *entry = catalog_stage(app.catalog, on->id);
	struct actor *a = &actors[id];
	struct strategy_plan plan;

	*a = (struct actor){ .id = id, .kind = ACTOR_DEPLOY, .state = DEPLOY_RESOLVING };
	strategy_plan(entry->spec, true, &plan);
	a->deploy = (struct deploy){ .stage = on->id,
		.spec = entry->spec_id,
		.strategy = plan.strategy,
		.elder = on->stage.live,
		.created_ms = clock_wall_ms() };
	CHECK(str_copy(a->deploy.tag, TAG_SIZE, str_of(tag)));
	for (size_t i = 0; i < image_count; i++)
		if (strcmp(images[i].tag, tag) == 0)
			CHECK(
			    str_copy(a->deploy.digest, DIGEST_SIZE, str_of(images[i].digest)));
	on->stage.running = id;
	store_actor_put(app.store, a);
	store_actor_put(app.store, on);
}

void
inside_stop(const char *label, const char *stage)
{
	struct actor *a = &actors[inside_id(label)];
	const struct actor *live = &actors[actors[stage_id(place_of(stage))].stage.live];

	inside_deploy(label, stage, live->deploy.tag);
	a->deploy.trigger = TRIGGER_STOP;
	a->deploy.strategy = STRATEGY_BLUE_GREEN;
	store_actor_put(app.store, a);
}

void
inside_end(const char *label, bool is_live)
{
	struct actor *a = &actors[inside_id(label)];
	struct actor *on = &actors[a->deploy.stage];

	a->state = is_live ? DEPLOY_LIVE : DEPLOY_FAILED;
	a->deploy.ended_ms = clock_wall_ms();
	on->stage.running = 0;
	if (is_live)
		on->stage.live = a->id;
	if (is_live && a->deploy.trigger == TRIGGER_STOP) {
		on->stage.live = 0;
		on->stage.stopped = a->id;
	}
	store_actor_put(app.store, a);
	store_actor_put(app.store, on);
	store_commit(app.store);
}

void
inside_rows(const char *label, struct buf *said)
{
	struct instance rows[REPLICAS_MAX];
	size_t count = store_instances(app.store, inside_id(label), rows, REPLICAS_MAX);

	for (size_t i = 0; i < count; i++)
		buf_format(said, "%s%s", i == 0 ? "" : " ", rows[i].status);
	if (count == 0)
		buf_text(said, "none");
}

void
inside_tasks(const char *label, struct buf *said)
{
	struct task_row rows[TASK_COUNT];
	size_t count = store_tasks(app.store, inside_id(label), rows);

	for (size_t i = 0; i < count; i++)
		buf_format(said, "%s%s", i == 0 ? "" : " ", task_status_names[rows[i].status]);
	if (count == 0)
		buf_text(said, "none");
}

/* Effects and answers. */

/* The state in which a deploy asks for it. */
static int
state_for(enum effect_kind kind)
{
	static const enum deploy_state states[FX_COUNT] = { [FX_RESOLVE] = DEPLOY_RESOLVING,
		[FX_PULL] = DEPLOY_PULLING,
		[FX_MIGRATE] = DEPLOY_MIGRATING,
		[FX_HOOK] = DEPLOY_PRE_SWITCH,
		[FX_RUN] = DEPLOY_STARTING,
		[FX_PROBE] = DEPLOY_PROBING,
		[FX_VERIFY] = DEPLOY_VERIFYING,
		[FX_REMOVE] = DEPLOY_UNDOING,
		[FX_DRAIN] = DEPLOY_DRAINING,
		[FX_RETIRE] = DEPLOY_RETIRING,
		[FX_SWITCH] = DEPLOY_SWAPPING,
		[FX_CONFIRM] = DEPLOY_SWAPPING,
		[FX_RESTORE] = DEPLOY_SWAPPING,
		[FX_PARK] = DEPLOY_PARKING,
		[FX_HALT] = DEPLOY_HALTING,
		[FX_REVIVE] = DEPLOY_REVIVING };

	return (int)states[kind];
}

/* The one notification of a deploy. */
static struct actor *
notify_of(const struct actor *deploy)
{
	uint64_t id = deploy->id - DEPLOY_ID + NOTIFY_ID;
	struct actor *a = &actors[id];

	if (a->id != 0)
		return a;
	*a = (struct actor){ .id = id, .kind = ACTOR_NOTIFY, .state = NOTIFY_SENDING };
	a->notify = (struct notify){ .stage = deploy->deploy.stage,
		.deploy = deploy->id,
		.notice = NOTICE_SUCCEEDED,
		.receiver = RECEIVER,
		.tier = "global",
		.created_ms = clock_wall_ms() };
	store_make_uuid(a->notify.delivery);
	memcpy(a->notify.tag, deploy->deploy.tag, sizeof(a->notify.tag));
	store_actor_put(app.store, a);
	return a;
}

static struct actor *
asker(const char *about, const char *by, struct effect *effect)
{
	struct actor *a;
	struct actor *swap;

	if (about[0] == '\0') {
		effect->engine = engine.id;
		return &actors[SWEEP_ID];
	}
	if (place_of(about) >= 0) {
		effect->stage = stage_id(place_of(about));
		return &actors[effect->stage + 1];
	}
	a = &actors[inside_id(about)];
	CHECK(a->id != 0);
	effect->deploy = a->id;
	effect->stage = a->deploy.stage;
	effect->elder = a->deploy.elder;
	effect->task = effect->kind == FX_HOOK ? TASK_PRE_SWITCH : TASK_MIGRATION;
	if (effect->kind == FX_NOTIFY)
		return notify_of(a);
	if (effect->kind == FX_VERIFY && a->deploy.watched_since_ms == 0)
		a->deploy.watched_since_ms = clock_now_ms();
	if (a->deploy.ended_ms == 0) {
		a->state = state_for(effect->kind);
		store_actor_put(app.store, a);
	}
	if (by[0] == '\0')
		return a;
	swap = &actors[inside_id(by)];
	if (swap->id == 0)
		*swap = (struct actor){ .id = inside_id(by), .kind = ACTOR_SWAP };
	return swap;
}

void
inside_ask(enum effect_kind kind, const char *about, const char *by)
{
	struct effect effect = { .kind = kind };
	struct actor *a = asker(about, by, &effect);

	effect.actor = a->id;
	effect.epoch = ++a->epoch;
	store_commit(app.store);
	if (effect.stage != 0)
		outside_know(effect.deploy, effect.stage, (int)(effect.stage - 1) / 2);
	ports_perform(&app, &effect);
}

bool
inside_take(struct event *ret_event)
{
	struct actor *a;

	store_commit(app.store);
	if (answer_count == 0)
		return false;
	*ret_event = answers[0];
	memmove(answers, answers + 1, --answer_count * sizeof(answers[0]));
	a = &actors[ret_event->to];
	if (ret_event->kind == EV_RESOLVED) {
		memcpy(a->deploy.digest, ret_event->digest, DIGEST_SIZE);
		a->state = DEPLOY_QUEUED;
		store_actor_put(app.store, a);
	}
	return true;
}

/* Life. */

static void
put_registry(void)
{
	struct registry_config *all = calloc(REGISTRIES_MAX, sizeof(*all));

	CHECK(all != NULL && str_copy(all->host, sizeof(all->host), str_of(registry_host)));
	all->is_insecure = true;
	catalog_replace_registries(app.catalog, all, 1);
	free(all);
}

static void
put_receiver(const char *url)
{
	struct receiver_config *one = calloc(1, sizeof(*one));

	CHECK(one != NULL && str_copy(one->name, sizeof(one->name), str_of(RECEIVER)));
	CHECK(str_copy(one->url, sizeof(one->url), str_of(url)));
	one->kind = RECEIVER_WEBHOOK;
	one->events = NOTICES_ALL;
	catalog_replace_receivers(app.catalog, one, 1);
	free(one);
}

void
inside_open(const char *scenario, const struct outside_parts *parts)
{
	static const struct retention_rules rules = { .rollbacks = 1, .removes_images = true };
	struct err err;
	bool is_new;

	CHECK(str_copy(scenario_name, sizeof(scenario_name), str_of(scenario)));
	CHECK(str_copy(registry_host, sizeof(registry_host), str_of(parts->registry)));
	app.store = store_open(NULL, &err);
	app.catalog = catalog_new(app.store);
	app.retention = retention_new(app.store, &rules, 0);
	CHECK(catalog_load(app.catalog, &err) == 0);
	/* A network of its own: no other scenario gets the address of a container that has ended. */
	engine = (struct engine_config){ .name = "local" };
	CHECK(str_copy(engine.network, sizeof(engine.network), str_of(scenario)));
	CHECK(str_copy(engine.host, sizeof(engine.host), str_of(parts->engine)));
	engine.id = catalog_put_engine(app.catalog, &engine, &is_new);
	put_registry();
	put_receiver(parts->receiver);
	actors[SWEEP_ID] = (struct actor){ .id = SWEEP_ID, .kind = ACTOR_SWEEP };
	actors[SWEEP_ID].state = SWEEP_SURVEYING;
	actors[SWEEP_ID].sweep.engine = engine.id;
	store_commit(app.store);
}

void
inside_close(void)
{
	store_commit(app.store);
	retention_free(app.retention);
	catalog_free(app.catalog);
	store_close(app.store);
}
