/* world_images.c - registries with their tags and images, and the images that engines have.
 *
 * The one idea: an image is a number that no other image of its registry has; a tag names one, and
 * an engine that has it needs no registry any more. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "world_images.h"

enum { KEPT_MAX = 64, GONE_MAX = 16 };

struct image_ring { /* the oldest is forgotten */
	uint64_t names[KEPT_MAX];
	uint32_t next;
};

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
	ring->next = (ring->next + 1) % most;
}

void
images_reset(void)
{
	memset(kept, 0, sizeof(kept));
	memset(&gone, 0, sizeof(gone));
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
	put(&kept[facts->engine], KEPT_MAX, name);
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
