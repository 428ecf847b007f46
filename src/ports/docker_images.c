/* docker_images.c - a look at an engine's images: which of those that Slipway pulled are there, what
 * somebody has called them, and which containers are made of them.
 *
 * Three lists of the engine, asked one after the other; images are found by digest, containers by the id of their
 * image, each in an order of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports/docker_images.h"

struct image_entry { /* one of the engine's digests */
	const char *digest; /* "sha256:..." behind a repository's name */
	const struct json *image;
};

struct container_entry {
	const char *image_id;
	const struct json *container;
};

struct docker_images {
	struct json *images;
	struct json *containers;
	struct image_entry *by_digest;
	size_t digest_count;
	struct container_entry *by_image;
	size_t container_count;
	struct docker_disk disk;
};

struct image_look {
	LIST_ENTRY(image_look) entry;
	struct engine *engine;
	struct call_list calls;
	struct docker_images found;
	image_look_fn *on_done;
	void *context;
	docker_images_fn *asker; /* of the API; NULL: the sweep's own */
	void *asker_context;
};

/* Finding. */

static int
digest_order(const void *a, const void *b)
{
	return strcmp(
	    ((const struct image_entry *)a)->digest, ((const struct image_entry *)b)->digest);
}

static int
container_order(const void *a, const void *b)
{
	return strcmp(((const struct container_entry *)a)->image_id,
	    ((const struct container_entry *)b)->image_id);
}

static void
order_images(struct docker_images *found)
{
	size_t most = 0;

	for (size_t i = 0; i < json_count(found->images); i++)
		most += json_count(json_get(json_at(found->images, i), "RepoDigests"));
	found->by_digest = calloc(most + 1, sizeof(*found->by_digest));
	CHECK(found->by_digest != NULL);
	for (size_t i = 0; i < json_count(found->images); i++) {
		const struct json *image = json_at(found->images, i);
		const struct json *names = json_get(image, "RepoDigests");

		for (size_t k = 0; k < json_count(names); k++) {
			const char *at = strchr(json_text(json_at(names, k)), '@');

			if (at != NULL)
				found->by_digest[found->digest_count++] =
				    (struct image_entry){ at + 1, image };
		}
	}
	qsort(found->by_digest, found->digest_count, sizeof(*found->by_digest), digest_order);
}

static void
order_containers(struct docker_images *found)
{
	found->container_count = json_count(found->containers);
	found->by_image = calloc(found->container_count + 1, sizeof(*found->by_image));
	CHECK(found->by_image != NULL);
	for (size_t i = 0; i < found->container_count; i++) {
		const struct json *container = json_at(found->containers, i);

		found->by_image[i] =
		    (struct container_entry){ json_text(json_get(container, "ImageID")),
			    container };
	}
	qsort(found->by_image, found->container_count, sizeof(*found->by_image),
	    container_order);
}

/* A name that somebody gave it: Slipway pulls by digest and gives none. */
static void
find_tag(const struct json *image, struct docker_image_seen *ret)
{
	const char *tag = json_text(json_at(json_get(image, "RepoTags"), 0));

	if (strcmp(tag, "<none>:<none>") != 0)
		snprintf(ret->tag, sizeof(ret->tag), "%s", tag);
}

static void
find_container(
    const struct docker_images *found, const struct json *image, struct docker_image_seen *ret)
{
	struct container_entry key = { .image_id = json_text(json_get(image, "Id")) };
	const struct container_entry *entry = bsearch(&key, found->by_image,
	    found->container_count, sizeof(*found->by_image), container_order);
	const char *name;

	if (entry == NULL)
		return;
	name = json_text(json_at(json_get(entry->container, "Names"), 0));
	snprintf(ret->container, sizeof(ret->container), "%s",
	    name[0] == '\0'  ? json_text(json_get(entry->container, "Id"))
	    : name[0] == '/' ? name + 1
			     : name);
}

void
docker_images_find(const struct docker_images *found, const struct image *image,
    struct docker_image_seen *ret)
{
	struct image_entry key = { .digest = image->digest };
	const struct image_entry *entry = bsearch(&key, found->by_digest, found->digest_count,
	    sizeof(*found->by_digest), digest_order);

	*ret = (struct docker_image_seen){ .is_there = entry != NULL };
	if (entry == NULL)
		return;
	ret->bytes = json_number(json_get(entry->image, "Size"));
	find_tag(entry->image, ret);
	find_container(found, entry->image, ret);
}

const struct docker_disk *
docker_images_disk(const struct docker_images *found)
{
	return &found->disk;
}

const struct docker_images *
image_look_found(const struct image_look *look)
{
	return &look->found;
}

/* Asking. */

void
image_look_free(struct image_look *look)
{
	if (look == NULL)
		return;
	LIST_REMOVE(look, entry);
	call_list_cancel(&look->calls);
	json_free(look->found.images);
	json_free(look->found.containers);
	free(look->found.by_digest);
	free(look->found.by_image);
	free(look);
}

static void
ask(struct image_look *look, const char *path, call_done_fn *on_done)
{
	call_start(look->engine, &look->calls,
	    &(struct call_request){ .path = path, .on_done = on_done, .context = look });
}

/* The answer's tree, kept; NULL: the look is over. */
static struct json *
keep(struct image_look *look, const struct answer *answer)
{
	struct json *json = *answer->owned;

	if (answer->kind != ANSWER_DONE || json == NULL) {
		look->on_done(look->context, answer->kind == ANSWER_DONE
						 ? "the engine's list is no JSON"
						 : answer->message);
		return NULL;
	}
	*answer->owned = NULL;
	return json;
}

static void
on_info(void *context, const struct answer *answer)
{
	struct image_look *look = context;

	disk_read(look->engine, answer, &look->found.disk);
	look->on_done(look->context, NULL);
}

static void
on_containers(void *context, const struct answer *answer)
{
	struct image_look *look = context;

	look->found.containers = keep(look, answer);
	if (look->found.containers == NULL)
		return;
	order_containers(&look->found);
	ask(look, "/info", on_info);
}

static void
on_images(void *context, const struct answer *answer)
{
	struct image_look *look = context;

	look->found.images = keep(look, answer);
	if (look->found.images == NULL)
		return;
	order_images(&look->found);
	ask(look, "/containers/json?all=true", on_containers);
}

struct image_look *
image_look_new(struct engine *engine, image_look_fn *on_done, void *context)
{
	struct image_look *look = calloc(1, sizeof(*look));

	CHECK(look != NULL);
	look->engine = engine;
	look->on_done = on_done;
	look->context = context;
	LIST_INIT(&look->calls);
	LIST_INSERT_HEAD(&engine->docker->image_looks, look, entry);
	ask(look, "/images/json", on_images);
	return look;
}

/* For the API: the look is its own and ends with the answer. */

static void
tell_asker(void *context, const char *why)
{
	struct image_look *look = context;

	look->asker(look->asker_context, why == NULL ? &look->found : NULL, why);
	image_look_free(look);
}

void
docker_images_ask(
    struct docker *docker, uint64_t engine_id, docker_images_fn *on_done, void *context)
{
	const struct engine_config *config =
	    catalog_engine_by_id(docker->host.catalog, engine_id);
	struct image_look *look;

	CHECK(config != NULL && on_done != NULL);
	look = image_look_new(engine_of(docker, config), tell_asker, NULL);
	look->context = look;
	look->asker = on_done;
	look->asker_context = context;
}

void
image_looks_free(struct docker *docker)
{
	while (!LIST_EMPTY(&docker->image_looks)) {
		struct image_look *look = LIST_FIRST(&docker->image_looks);

		if (look->asker != NULL)
			look->asker(look->asker_context, NULL, NULL);
		image_look_free(look);
	}
}

bool
image_looks_use(const struct docker *docker, const struct engine *engine)
{
	const struct image_look *look;

	LIST_FOREACH(look, &docker->image_looks, entry)
	if (look->engine == engine)
		return true;
	return false;
}
