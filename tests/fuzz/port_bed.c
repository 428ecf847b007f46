/* port_bed.c - see port_bed.h. */
#include "port_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "config/file.h"
#include "fuzz.h"
#include "ports/fetch.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/store.h"

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char config[] =
    "version: 1\n"
    "engines:\n"
    "  local: {host: 'unix:///docker.sock'}\n"
    "  far: {host: 'tcp://10.0.0.1:2375', publish_address: 127.0.0.1}\n"
    "registries:\n"
    "  registry.example: {username: somebody, password_env: FUZZ_PASSWORD}\n"
    "  127.0.0.1:5000: {insecure: true, username: me, password_env: FUZZ_PASSWORD}\n"
    "projects:\n"
    "  shop:\n"
    "    image: registry.example/shop/web\n"
    "    port: 8080\n"
    "    stages:\n"
    "      production:\n"
    "        domains: [shop.example, www.shop.example]\n"
    "        replicas: 2\n"
    "        tags: v*\n"
    "        poll: 30s\n"
    "        health: {http: /health, interval: 100ms, deadline: 20s}\n"
    "        env: {A: b}\n"
    "        volumes: ['data:/data', '/srv/in:/in:ro']\n"
    "      staging:\n"
    "        engine: far\n"
    "        tags: latest\n"
    "        image: 127.0.0.1:5000/shop/web\n"
    "        domains: [staging.example]\n"
    "        health: {tcp: true, deadline: 20s}\n"
    "      worker:\n"
    "        image: docker.io/library/debian\n"
    "        health: none\n"
    "        command: [sleep, '9']\n"
    "        networks: [other]\n"
    "        memory: 64MB\n"
    "  data:\n"
    "    image: ghcr.io/data/db\n"
    "    port: 5432\n"
    "    stages:\n"
    "      main:\n"
    "        tcp: 5432\n"
    "        health: {docker: true, deadline: 20s}\n"
    "      spare:\n"
    "        domains: [spare.example]\n"
    "        health: {http: /, deadline: 20s}\n";

static struct port_bed bed;

static void
take_answer(void *context, const struct event *event)
{
	struct port_bed *b = context;

	CHECK(event->to != 0 && event->kind < EV_COUNT);
	CHECK(memchr(event->text, '\0', sizeof(event->text)) != NULL);
	CHECK((event->kind != EV_REFUSED && event->kind != EV_TROUBLED)
	      || event->text[0] != '\0');
	CHECK(event->after_ms >= 0 && event->after_ms <= 86400000);
	b->answers++;
	b->last = *event;
}

static void
put_engine(const struct config_engine *e)
{
	struct engine_config engine = { .is_published = e->is_published };
	bool is_new;

	snprintf(engine.name, sizeof(engine.name), "%s", e->name);
	snprintf(engine.host, sizeof(engine.host), "%s", e->host);
	snprintf(engine.network, sizeof(engine.network), "%s", e->network);
	snprintf(
	    engine.publish_address, sizeof(engine.publish_address), "%s", e->publish_address);
	catalog_put_engine(bed.host.catalog, &engine, &is_new);
}

static void
put_registries(const struct config_file *file)
{
	struct registry_config all[4] = { 0 };

	CHECK(file->registry_count <= COUNT(all));
	for (size_t i = 0; i < file->registry_count; i++) {
		const struct config_registry *r = &file->registries[i];

		all[i].is_insecure = r->is_insecure;
		snprintf(all[i].host, sizeof(all[i].host), "%s", r->host);
		snprintf(all[i].username, sizeof(all[i].username), "%s", r->username);
		snprintf(
		    all[i].password_env, sizeof(all[i].password_env), "%s", r->password_env);
	}
	catalog_replace_registries(bed.host.catalog, all, file->registry_count);
}

static void
put_deploy(size_t place, uint64_t id, bool is_live)
{
	const struct stage_entry *stage = catalog_stage_at(bed.host.catalog, place);
	struct actor a = { .id = id,
		.kind = ACTOR_DEPLOY,
		.state = is_live ? DEPLOY_LIVE : DEPLOY_PULLING,
		.epoch = 3,
		.deadline_ms = is_live ? 0 : clock_now_ms() + 60000 };

	a.deploy = (struct deploy){ .stage = stage->id,
		.spec = stage->spec_id,
		.elder = is_live ? 0 : id - 1,
		.created_ms = clock_now_ms(),
		.ended_ms = is_live ? clock_now_ms() : 0,
		.has_route = stage_spec_has_route(stage->spec),
		.tag = "v1",
		.digest = DIGEST };
	store_actor_put(bed.host.store, &a);
	for (int replica = 0; replica < stage->spec->replicas; replica++) {
		struct instance instance = {
			.deploy = id, .replica = replica, .status = "running", .since_ms = 1
		};

		snprintf(instance.container_id, sizeof(instance.container_id), "c%dd%d",
		    replica, (int)id);
		snprintf(instance.name, sizeof(instance.name), "%s-%s-%d-%d",
		    stage->spec->project, stage->spec->stage, (int)id, replica);
		snprintf(instance.address, sizeof(instance.address), "10.0.%d.%d:8080",
		    (int)id, replica + 1);
		store_instance_put(bed.host.store, &instance);
	}
}

static void
put_stage_actor(size_t place)
{
	const struct stage_entry *stage = catalog_stage_at(bed.host.catalog, place);
	struct actor a = { .id = stage->id, .kind = ACTOR_STAGE, .state = STAGE_DEPLOYING };

	a.stage = (struct stage){ .spec = stage->spec_id,
		.live = port_bed_live(place),
		.live_spec = stage->spec_id,
		.live_digest = DIGEST,
		.running = port_bed_next(place),
		.running_spec = stage->spec_id,
		.running_digest = DIGEST,
		.has_route = stage_spec_has_route(stage->spec) };
	store_actor_put(bed.host.store, &a);
}

static void
put_stages(const struct config_file *file)
{
	struct buf json;
	uint64_t id = 1000;
	bool is_new;

	buf_init(&json, CONFIG_SPEC_BYTES_MAX);
	for (size_t i = 0; i < file->project_count; i++) {
		const struct config_project *project = &file->projects[i];
		uint64_t project_id =
		    catalog_put_project(bed.host.catalog, project->name, &is_new);

		for (size_t k = 0; k < project->stage_count; k++) {
			buf_clear(&json);
			stage_spec_write(&project->stages[k], &json);
			catalog_add_stage(
			    bed.host.catalog, project_id, id, id + 1, buf_view(&json));
			id += 2;
		}
	}
	buf_free(&json);
}

static void
set_up(void)
{
	struct config_file *file = config_file_parse(str_of(config), NULL);
	struct err err;

	for (size_t i = 0; i < file->faults.count; i++)
		fprintf(stderr, "port_bed.yml:%d: %s\n", file->faults.items[i].line,
		    file->faults.items[i].text);
	CHECK(file->faults.count == 0 && file->stage_count == BED_STAGES);
	setenv("FUZZ_PASSWORD", "a-password", 1);
	bed.host.loop = loop_new();
	bed.host.fetch = fetch_new(bed.host.loop);
	bed.host.store = store_open(NULL, &err);
	CHECK(bed.host.store != NULL);
	bed.host.catalog = catalog_new(bed.host.store);
	CHECK(catalog_load(bed.host.catalog, &err) == 0);
	bed.host.answer = take_answer;
	bed.host.context = &bed;
	for (size_t i = 0; i < file->engine_count; i++)
		put_engine(&file->engines[i]);
	put_registries(file);
	put_stages(file);
	for (size_t place = 0; place < BED_STAGES; place++) {
		put_stage_actor(place);
		put_deploy(place, port_bed_live(place), true);
		put_deploy(place, port_bed_next(place), false);
	}
	store_commit(bed.host.store);
	config_file_free(file);
}

struct port_bed *
port_bed(void)
{
	if (bed.host.store == NULL)
		set_up();
	bed.answers = 0;
	return &bed;
}

uint64_t
port_bed_stage(size_t place)
{
	return catalog_stage_at(bed.host.catalog, place)->id;
}

bool
port_bed_is_insecure(size_t place)
{
	const struct stage_entry *stage = catalog_stage_at(bed.host.catalog, place);

	return strncmp(stage->spec->image, "127.0.0.1:5000/", 15) == 0;
}

uint64_t
port_bed_live(size_t place)
{
	return place * BED_DEPLOYS_APART + 1;
}

uint64_t
port_bed_next(size_t place)
{
	return place * BED_DEPLOYS_APART + 2;
}

struct effect
port_bed_effect(enum effect_kind kind, size_t place)
{
	static uint32_t epoch;

	return (struct effect){ .kind = kind,
		.epoch = ++epoch,
		.actor = port_bed_next(place),
		.stage = port_bed_stage(place),
		.deploy = port_bed_next(place),
		.elder = port_bed_live(place) };
}

bool
port_bed_wait(struct port_bed *b, int64_t most_ms, uint32_t turns)
{
	uint32_t before = b->answers;
	int64_t until_us = fuzz_now_us + most_ms * 1000;

	for (uint32_t i = 0; i < turns && b->answers == before && fuzz_now_us < until_us;
	     i++) {
		if (fuzz_loop_is_idle(b->host.loop))
			break;
		loop_turn(b->host.loop, true);
		clock_tick();
	}
	return b->answers != before;
}

void
port_bed_end(struct port_bed *b)
{
	store_rollback(b->host.store);
	catalog_reap(b->host.catalog);
	CHECK(fetch_active(b->host.fetch) == 0);
}
