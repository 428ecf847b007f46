/* check_kept.c - the law of retention: what serves, the newest deploys of a stage and the versions
 * that a rollback may go to are never removed. It keeps a history of its own, from what is
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
kept_put(const struct actor *a)
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
		if (is_newest_of_its_version(e) && versions++ <= sim.keep.rollbacks)
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
