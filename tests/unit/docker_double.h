/* docker_double.h - a store and a catalog in a few arrays, for the test of the Docker port.
 *
 * They stand in for the real ones behind the same functions, so a test says in plain fields
 * what is configured and deployed, and reads back what the port wrote. */
#ifndef SLIPWAY_TESTS_DOCKER_DOUBLE_H
#define SLIPWAY_TESTS_DOCKER_DOUBLE_H

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "ports/vault.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/images.h"
#include "store/retention.h"
#include "store/secrets.h"
#include "store/store.h"
#include "store/tasks.h"

enum { DOUBLE_MAX = 256, DOUBLE_LOG_MAX = 4096 };

struct store {
	struct deploy_row deploys[DOUBLE_MAX];
	size_t deploy_count;
	struct instance instances[DOUBLE_MAX * 4];
	size_t instance_count;
	struct deploy_log_row log[DOUBLE_LOG_MAX];
	size_t log_count;
	struct task_row tasks[8];
	size_t task_count;
	int64_t task_puts;
	uint64_t
	    retired; /* deploys that are not listed, up to this one, were removed by rule */
	uint64_t id_floor; /* ids up to this one are not given out */
	const char *secret; /* name of the only secret; NULL: there is none */
	int64_t secret_version;
	struct {
		uint64_t deploy;
		int64_t version;
	} given[8]; /* of that secret */
	size_t given_count;
	struct env_change env[64]; /* of whatever deploy */
	size_t env_count;
	struct image images[8];
	size_t image_count;
	struct image_verdict verdict; /* on each of them */
};

struct catalog {
	struct stage_spec *specs[DOUBLE_MAX]; /* by id */
	struct engine_config engines[4];
	size_t engine_count;
	struct registry_config registries[4];
	size_t registry_count;
	struct stage_entry stages[DOUBLE_MAX];
	size_t stage_count;
};

/* The store. */

/* Finds or adds, by id. */
static struct deploy_row *
double_deploy(struct store *store, uint64_t id)
{
	for (size_t i = 0; i < store->deploy_count; i++)
		if (store->deploys[i].id == id)
			return &store->deploys[i];
	CHECK(store->deploy_count < DOUBLE_MAX);
	store->deploys[store->deploy_count].id = id;
	return &store->deploys[store->deploy_count++];
}

bool
store_deploy_get(struct store *store, uint64_t id, struct deploy_row *ret_row)
{
	for (size_t i = 0; i < store->deploy_count; i++)
		if (store->deploys[i].id == id) {
			*ret_row = store->deploys[i];
			return true;
		}
	return false;
}

bool
store_deploy_is_retired(struct store *store, uint64_t id)
{
	struct deploy_row ignored;

	return id != 0 && id <= store->retired && !store_deploy_get(store, id, &ignored);
}

void
store_id_raise(struct store *store, uint64_t least)
{
	if (least > store->id_floor)
		store->id_floor = least;
}

void
store_instance_put(struct store *store, const struct instance *instance)
{
	for (size_t i = 0; i < store->instance_count; i++)
		if (store->instances[i].deploy == instance->deploy
		    && store->instances[i].replica == instance->replica) {
			store->instances[i] = *instance;
			return;
		}
	CHECK(store->instance_count < COUNT(store->instances));
	store->instances[store->instance_count++] = *instance;
}

size_t
store_instances(struct store *store, uint64_t deploy, struct instance *to, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < store->instance_count && count < most; i++)
		if (store->instances[i].deploy == deploy)
			to[count++] = store->instances[i];
	return count;
}

void
store_deploy_log_add(struct store *store, uint64_t deploy, const char *level, struct str text)
{
	struct deploy_log_row *row = &store->log[store->log_count];

	CHECK(store->log_count < DOUBLE_LOG_MAX);
	*row = (struct deploy_log_row){
		.seq = (int64_t)++store->log_count, .deploy = deploy, .at_ms = clock_wall_ms()
	};
	snprintf(row->level, sizeof(row->level), "%s", level);
	snprintf(row->text, sizeof(row->text), "%.*s", (int)text.n, text.p);
}

bool
store_secret_get(struct store *store, const char *name, struct sealed_secret *ret)
{
	*ret = (struct sealed_secret){ .row = { .version = store->secret_version } };
	return store->secret != NULL && strcmp(store->secret, name) == 0;
}

int64_t
store_deploy_secret(struct store *store, uint64_t deploy, const char *secret UNUSED)
{
	for (size_t i = 0; i < store->given_count; i++)
		if (store->given[i].deploy == deploy)
			return store->given[i].version;
	return 0;
}

void
store_deploy_secret_put(
    struct store *store, uint64_t deploy, const char *secret, int64_t version)
{
	if (store_deploy_secret(store, deploy, secret) != 0)
		return;
	CHECK(store->given_count < COUNT(store->given));
	store->given[store->given_count].deploy = deploy;
	store->given[store->given_count++].version = version;
}

void
store_deploy_env_put(
    struct store *store, uint64_t deploy UNUSED, const char *name, const char *change)
{
	struct env_change *env = &store->env[store->env_count++];

	CHECK(store->env_count <= COUNT(store->env));
	snprintf(env->name, sizeof(env->name), "%s", name);
	snprintf(env->change, sizeof(env->change), "%s", change);
}

size_t
store_deploy_env(
    struct store *store, uint64_t deploy UNUSED, struct env_change *to, size_t most)
{
	size_t count = store->env_count < most ? store->env_count : most;

	memcpy(to, store->env, count * sizeof(*to));
	return count;
}

/* Images. */

static struct image *
double_image(struct store *store, const struct image *wanted)
{
	for (size_t i = 0; i < store->image_count; i++)
		if (store->images[i].engine == wanted->engine
		    && strcmp(store->images[i].repository, wanted->repository) == 0
		    && strcmp(store->images[i].digest, wanted->digest) == 0)
			return &store->images[i];
	return NULL;
}

bool
store_image_get(struct store *store, uint64_t engine, const char *repository,
    const char *digest, struct image *ret)
{
	struct image key = { .engine = engine };
	const struct image *found;

	snprintf(key.repository, sizeof(key.repository), "%s", repository);
	snprintf(key.digest, sizeof(key.digest), "%s", digest);
	found = double_image(store, &key);
	if (found != NULL)
		*ret = *found;
	return found != NULL;
}

void
store_image_put(struct store *store, const struct image *image)
{
	struct image *found = double_image(store, image);

	CHECK(found != NULL || store->image_count < COUNT(store->images));
	*(found == NULL ? &store->images[store->image_count++] : found) = *image;
}

void
store_image_forget(struct store *store, const struct image *image)
{
	struct image *found = double_image(store, image);

	if (found != NULL)
		*found = store->images[--store->image_count];
}

/* Few enough for one batch, in whatever order. */
size_t
store_images(struct store *store, const struct image *after, struct image *to, size_t most)
{
	if (after != NULL && after->repository[0] != '\0')
		return 0;
	CHECK(store->image_count <= most);
	memcpy(to, store->images, store->image_count * sizeof(*to));
	return store->image_count;
}

void
store_image_judge(struct store *store, const struct retention_rules *rules UNUSED,
    const struct image *image UNUSED, int64_t now_ms UNUSED, struct image_verdict *ret)
{
	*ret = store->verdict;
}

/* The vault: its only secret is "s3cret". */

int
vault_get(struct vault *vault, const char *name, struct buf *value, int64_t *ret_version,
    struct err *err)
{
	const struct store *store = (const struct store *)vault;

	if (store->secret == NULL || strcmp(store->secret, name) != 0)
		return err_set(err, "there is no secret '%s'", name);
	buf_text(value, "s3cret");
	*ret_version = store->secret_version;
	return 0;
}

size_t
store_deploy_log(struct store *store, uint64_t deploy, int64_t after_seq,
    struct deploy_log_row *to, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < store->log_count && count < most; i++)
		if (store->log[i].deploy == deploy && store->log[i].seq > after_seq)
			to[count++] = store->log[i];
	return count;
}

void
store_task_put(struct store *store, const struct task_row *row)
{
	size_t i = 0;

	store->task_puts++;
	while (i < store->task_count
	       && (store->tasks[i].deploy != row->deploy || store->tasks[i].kind != row->kind))
		i++;
	CHECK(i < COUNT(store->tasks));
	store->tasks[i] = *row;
	if (i == store->task_count)
		store->task_count++;
}

bool
store_task_get(
    struct store *store, uint64_t deploy, enum task_kind kind, struct task_row *ret_row)
{
	for (size_t i = 0; i < store->task_count; i++)
		if (store->tasks[i].deploy == deploy && store->tasks[i].kind == kind) {
			*ret_row = store->tasks[i];
			return true;
		}
	return false;
}

uint64_t
store_task_migrated(struct store *store, uint64_t stage, const char *digest)
{
	for (size_t i = 0; i < store->task_count; i++)
		if (store->tasks[i].stage == stage && store->tasks[i].status == TASK_IS_done
		    && strcmp(store->tasks[i].digest, digest) == 0)
			return store->tasks[i].deploy;
	return 0;
}

/* The deploy's log as one text, one line each: "level: text\n". */
static const char *
double_log(const struct store *store, uint64_t deploy)
{
	static char text[1 << 20];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < store->log_count; i++)
		if (store->log[i].deploy == deploy && n < sizeof(text) - LOG_LINE_SIZE - 16)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s: %s\n",
			    store->log[i].level, store->log[i].text);
	return text;
}

/* The catalog. */

/* Finds or adds, by id. */
static struct engine_config *
double_engine(struct catalog *catalog, uint64_t id)
{
	struct engine_config *engine;

	for (size_t i = 0; i < catalog->engine_count; i++)
		if (catalog->engines[i].id == id)
			return &catalog->engines[i];
	CHECK(catalog->engine_count < COUNT(catalog->engines));
	engine = &catalog->engines[catalog->engine_count++];
	*engine = (struct engine_config){
		.id = id, .network = "slipway", .publish_address = "127.0.0.1"
	};
	return engine;
}

static void
double_stage(struct catalog *catalog, uint64_t id)
{
	for (size_t i = 0; i < catalog->stage_count; i++)
		if (catalog->stages[i].id == id)
			return;
	CHECK(catalog->stage_count < DOUBLE_MAX);
	catalog->stages[catalog->stage_count++].id = id;
}

const struct stage_spec *
catalog_spec(struct catalog *catalog, uint64_t spec_id)
{
	return spec_id < DOUBLE_MAX ? catalog->specs[spec_id] : NULL;
}

const struct engine_config *
catalog_engine(const struct catalog *catalog, const char *name)
{
	for (size_t i = 0; i < catalog->engine_count; i++)
		if (strcmp(catalog->engines[i].name, name) == 0)
			return &catalog->engines[i];
	return NULL;
}

const struct engine_config *
catalog_engine_by_id(const struct catalog *catalog, uint64_t id)
{
	for (size_t i = 0; i < catalog->engine_count; i++)
		if (catalog->engines[i].id == id)
			return &catalog->engines[i];
	return NULL;
}

size_t
catalog_engine_count(const struct catalog *catalog)
{
	return catalog->engine_count;
}

const struct engine_config *
catalog_engine_at(const struct catalog *catalog, size_t index)
{
	return &catalog->engines[index];
}

void
catalog_registry(const struct catalog *catalog, const char *host, struct registry_config *ret)
{
	*ret = (struct registry_config){ 0 };
	snprintf(ret->host, sizeof(ret->host), "%s", host);
	for (size_t i = 0; i < catalog->registry_count; i++)
		if (strcmp(catalog->registries[i].host, host) == 0)
			*ret = catalog->registries[i];
}

size_t
catalog_stage_count(const struct catalog *catalog)
{
	return catalog->stage_count;
}

const struct stage_entry *
catalog_stage_at(const struct catalog *catalog, size_t index)
{
	return &catalog->stages[index];
}

#endif
