/* world_images.c - registries with their tags and images, and the images that engines have.
 *
 * The one idea: an image is a number that no other image of its registry has; a tag names one, and
 * an engine that has it needs no registry any more. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "world_images.h"

enum { IMAGES_KEPT_MAX = 64, GONE_MAX = 16 };

struct image_ring { /* the oldest is forgotten */
	uint64_t names[IMAGES_KEPT_MAX];
	bool is_free[IMAGES_KEPT_MAX]; /* as the last look has found it */
	uint32_t next;
};

static uint64_t made_of[WORLD_DEPLOYS]; /* the image of its containers */

static struct image_ring kept[WORLD_ENGINES];
static struct image_ring gone; /* from their registries */

static uint64_t
name_of(uint32_t registry, uint32_t image)
{
	return ((uint64_t)registry + 1) << 32 | image;
}

static bool
has(const struct image_ring *ring, uint64_t name)
{
	for (size_t i = 0; i < COUNT(ring->names); i++)
		if (ring->names[i] == name)
			return true;
	return false;
}

static void
put(struct image_ring *ring, uint32_t most, uint64_t name)
{
	if (has(ring, name))
		return;
	ring->names[ring->next] = name;
	ring->is_free[ring->next] = false;
	ring->next = (ring->next + 1) % most;
}

void
images_reset(void)
{
	memset(kept, 0, sizeof(kept));
	memset(&gone, 0, sizeof(gone));
	memset(made_of, 0, sizeof(made_of));
	for (uint32_t r = 0; r < WORLD_REGISTRIES; r++)
		for (uint32_t i = 0; i < WORLD_TAGS; i++)
			world.tag_digest[r][i] = i;
}

void
world_push_image(uint32_t registry, uint32_t tag, uint32_t image)
{
	for (size_t i = 0; i < COUNT(gone.names); i++)
		if (gone.names[i] == name_of(registry, image))
			gone.names[i] = 0;
	world.tag_digest[registry][tag] = image;
	world.is_tag_gone[registry][tag] = false;
	if (tag > world.newest_tag[registry])
		world.newest_tag[registry] = tag;
}

void
world_delete_image(uint32_t registry, uint32_t tag)
{
	uint32_t image = world.tag_digest[registry][tag];

	put(&gone, GONE_MAX, name_of(registry, image));
	for (uint32_t i = 0; i < WORLD_TAGS; i++)
		if (world.tag_digest[registry][i] == image)
			world.is_tag_gone[registry][i] = true;
}

bool
images_has(uint32_t engine, uint32_t registry, uint32_t image)
{
	return has(&kept[engine], name_of(registry, image));
}

void
images_ran(uint64_t deploy, const struct facts *facts)
{
	made_of[deploy] = name_of(facts->registry, facts->image);
}

/* As the engine refuses it. */
static bool
is_used(uint32_t engine, uint64_t name)
{
	for (uint64_t d = 1; d <= world.newest_deploy; d++)
		if (world.there[d] != 0 && world.engine_of[d] == engine && made_of[d] == name)
			return true;
	return false;
}

static bool
is_free(uint32_t engine, uint64_t name)
{
	return name != 0 && world.is_image_free != NULL
	       && world.is_image_free(engine, (uint32_t)(name >> 32) - 1, (uint32_t)name)
	       && !is_used(engine, name);
}

uint32_t
images_survey(uint32_t engine)
{
	struct image_ring *ring = &kept[engine];
	uint32_t count = 0;

	for (size_t i = 0; i < COUNT(ring->names); i++) {
		ring->is_free[i] = is_free(engine, ring->names[i]);
		count += ring->is_free[i];
	}
	return count;
}

bool
images_are_surveyed(uint32_t engine)
{
	for (size_t i = 0; i < COUNT(kept[engine].names); i++)
		if (kept[engine].is_free[i] && is_free(engine, kept[engine].names[i]))
			return true;
	return false;
}

void
images_collect(uint32_t engine)
{
	struct image_ring *ring = &kept[engine];

	for (size_t i = 0; i < COUNT(ring->names); i++) {
		uint64_t name = ring->names[i];

		if (ring->is_free[i] && is_free(engine, name)) {
			ring->names[i] = 0;
			if (world.image_removed != NULL)
				world.image_removed(
				    engine, (uint32_t)(name >> 32) - 1, (uint32_t)name);
		}
		ring->is_free[i] = false;
	}
}

void
images_crash(void)
{
	for (size_t e = 0; e < COUNT(kept); e++)
		memset(kept[e].is_free, 0, sizeof(kept[e].is_free));
}

bool
images_are_on_engine(const struct facts *facts)
{
	return has(&kept[facts->engine], name_of(facts->registry, facts->image));
}

void
images_pull(const struct facts *facts, struct event *answer)
{
	uint64_t name = name_of(facts->registry, facts->image);

	if (has(&gone, name)) {
		answer_as(answer, EV_REFUSED, "manifest unknown");
		return;
	}
	put(&kept[facts->engine], IMAGES_KEPT_MAX, name);
	answer->kind = EV_PULLED;
}

/* The newest that there still is; WORLD_TAGS: none. */
static uint32_t
newest(uint32_t registry)
{
	for (uint32_t tag = world.newest_tag[registry] + 1; tag-- > 0;)
		if (!world.is_tag_gone[registry][tag])
			return tag;
	return WORLD_TAGS;
}

void
registry_perform_in_world(
    const struct effect *ask, const struct facts *facts, struct event *answer)
{
	uint32_t r = facts->registry;
	uint32_t tag = ask->kind == FX_SEEK ? newest(r) : facts->tag % WORLD_TAGS;

	if (tag == WORLD_TAGS) { /* a poll looks again: one may be pushed */
		answer_as(answer, EV_TROUBLED, "no tag matches");
		return;
	}
	if (world.is_tag_gone[r][tag]) {
		answer_as(answer, EV_REFUSED, "no such tag");
		return;
	}
	answer->kind = ask->kind == FX_SEEK ? EV_SOUGHT : EV_RESOLVED;
	snprintf(answer->digest, DIGEST_SIZE, "sha256:%064u", world.tag_digest[r][tag]);
	snprintf(answer->tag, sizeof(answer->tag), "v%u", tag);
}
