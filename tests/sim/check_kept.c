/* check_kept.c - the law of retention: what serves, the newest deploys of a stage and the versions
 * that a rollback may go to are never removed, nor are their images. It keeps a history of its own, from what is
 * written and committed. */
#include <string.h>

#include "base/check.h"
#include "sim.h"
#include "store/deploys.h"
#include "store/store.h"

struct ended {
	uint64_t id;
	int place;
	bool was_live;
	char digest[DIGEST_SIZE];
};

static struct ended ended[WORLD_DEPLOYS]; /* in the order of their ends */
static size_t ended_count;
static size_t committed_count;

void
kept_reset(void)
{
	ended_count = 0;
	committed_count = 0;
}

void
kept_note_put(const struct actor *a)
{
	struct ended *e = &ended[ended_count];

	if (a->kind != ACTOR_DEPLOY || !fsm_is_final(&deploy_spec, a->state))
		return;
	CHECK(++ended_count < WORLD_DEPLOYS);
	*e = (struct ended){ .id = a->id,
		.place = world_place(a->deploy.stage),
		.was_live = a->state == DEPLOY_LIVE };
	memcpy(e->digest, a->deploy.digest, sizeof(e->digest));
}

void
kept_end(bool is_committed)
{
	if (is_committed)
		committed_count = ended_count;
	else
		ended_count = committed_count;
}

static void
must_be_there(uint64_t deploy, const char *law)
{
	struct deploy_row row;

	if (!store_deploy_get(sim.store, deploy, &row))
		sim_fail(law, deploy);
}

/* Of one stage, newest first. */
static const struct ended *
next_older(int place, uint64_t than)
{
	const struct ended *found = NULL;

	for (size_t i = 0; i < ended_count; i++)
		if (ended[i].place == place && ended[i].id < than
		    && (found == NULL || ended[i].id > found->id))
			found = &ended[i];
	return found;
}

static bool
is_newest_of_its_version(const struct ended *e)
{
	for (size_t i = 0; i < ended_count; i++)
		if (ended[i].place == e->place && ended[i].was_live && ended[i].id > e->id
		    && strcmp(ended[i].digest, e->digest) == 0)
			return false;
	return e->was_live;
}

/* Of a deploy that is over; false: it is not known any more. */
static bool
is_of_image(uint64_t deploy, uint32_t engine, uint32_t registry, uint32_t image)
{
	struct facts facts;

	return ports_facts(deploy, 0, &facts) && facts.engine == engine
	       && facts.registry == registry && facts.image == image;
}

static void
must_not_go_back_to(int place, uint32_t engine, uint32_t registry, uint32_t image)
{
	int64_t versions = 0;

	for (const struct ended *e = next_older(place, UINT64_MAX); e != NULL;
	     e = next_older(place, e->id))
		if (is_newest_of_its_version(e) && versions++ <= stage_keeps(place)
		    && is_of_image(e->id, engine, registry, image))
			sim_fail("the image of what a rollback may go to was removed", e->id);
}

/* An engine has removed an image, because nothing needs it: that must be so. */
void
kept_image_removed(uint32_t engine, uint32_t registry, uint32_t image)
{
	for (int i = 0; i < WORLD_STAGES; i++) {
		const struct actor *stage = runtime_actor(sim.app.runtime, world.stage_ids[i]);

		if (stage != NULL && stage->stage.live != 0
		    && is_of_image(stage->stage.live, engine, registry, image))
			sim_fail("the image of what is live was removed", stage->stage.live);
		must_not_go_back_to(i, engine, registry, image);
	}
	for (uint64_t d = 1; d < WORLD_DEPLOYS; d++) {
		const struct actor *a = runtime_actor(sim.app.runtime, d);

		if (world.running[d] != 0 && is_of_image(d, engine, registry, image))
			sim_fail("the image of a container that runs was removed", d);
		if (a != NULL && a->kind == ACTOR_DEPLOY && a->deploy.digest[0] != '\0'
		    && is_of_image(d, engine, registry, image))
			sim_fail("the image of a deploy under way was removed", d);
	}
	sim.images_removed++;
}

static void
check_stage(int place)
{
	const struct actor *stage = runtime_actor(sim.app.runtime, world.stage_ids[place]);
	const struct ended *e = next_older(place, UINT64_MAX);
	int64_t versions = 0;

	if (stage->stage.live != 0)
		must_be_there(stage->stage.live, "what is live was removed");
	for (int64_t i = 0; e != NULL; i++) {
		if (i < sim.keep.deploys)
			must_be_there(e->id, "one of the newest deploys was removed");
		if (is_newest_of_its_version(e) && versions++ <= stage_keeps(place))
			must_be_there(e->id, "what a rollback may go to was removed");
		e = next_older(place, e->id);
	}
}

void
check_kept(void)
{
	for (int i = 0; i < WORLD_STAGES; i++)
		check_stage(i);
}
