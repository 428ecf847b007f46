/* check_notices.c - the law of notifications: each end of a deploy, and that it waits for people, is told to
 * exactly the receivers that are configured when it is committed, at least once, and never before; or it is
 * given up, which the row says with a reason. People are asked for their approval once, however often the
 * deploy asks for its turn.
 *
 * It keeps a history of its own, from what is written and committed. */
#include <string.h>

#include "base/check.h"
#include "sim.h"
#include "store/catalog.h"
#include "store/promotions.h"

enum { TOLD_MAX = 2 * WORLD_DEPLOYS };

struct told { /* of one deploy; sets of receivers */
	uint32_t owed[NOTICE_COUNT]; /* what happened was committed */
	uint32_t heard[NOTICE_COUNT];
	uint32_t given_up[NOTICE_COUNT];
	uint64_t asked[WORLD_RECEIVERS]; /* the notification that asks for approvals */
};

/* Put within the transaction, and not committed yet. */
struct put {
	uint64_t deploy;
	uint64_t stage;
	uint32_t receiver; /* given up by this one; WORLD_RECEIVERS: it happened */
	enum notice notice;
};

static struct told told[WORLD_DEPLOYS];
static struct put uncommitted[TOLD_MAX];
static size_t put_count;

void
notices_reset(void)
{
	memset(told, 0, sizeof(told));
	put_count = 0;
}

static void
put(uint64_t deploy, uint64_t stage, enum notice notice, uint32_t receiver)
{
	CHECK(put_count < TOLD_MAX);
	uncommitted[put_count++] = (struct put){ deploy, stage, receiver, notice };
}

static uint32_t
place_of(const char *receiver)
{
	uint32_t place = 0;

	while (strcmp(receiver_names[place], receiver) != 0)
		CHECK(++place < WORLD_RECEIVERS);
	return place;
}

void
notices_put(const struct actor *a)
{
	if (a->kind == ACTOR_NOTIFY && a->state == NOTIFY_GIVEN_UP) {
		if (a->notify.reason[0] == '\0')
			sim_fail("a notification was given up without a reason", a->id);
		put(a->notify.deploy, a->notify.stage, a->notify.notice,
		    place_of(a->notify.receiver));
	}
	if (a->kind != ACTOR_DEPLOY)
		return;
	if (a->state == DEPLOY_LIVE)
		put(a->id, a->deploy.stage, NOTICE_SUCCEEDED, WORLD_RECEIVERS);
	else if (a->state == DEPLOY_FAILED)
		put(a->id, a->deploy.stage, NOTICE_FAILED, WORLD_RECEIVERS);
	else if (a->state == DEPLOY_ROLLED_BACK)
		put(a->id, a->deploy.stage, NOTICE_ROLLED_BACK, WORLD_RECEIVERS);
	else if (a->state == DEPLOY_PENDING)
		put(a->id, a->deploy.stage, NOTICE_APPROVAL, WORLD_RECEIVERS);
}

static bool
waits_for_people(uint64_t deploy, uint64_t stage)
{
	const struct stage_entry *entry = catalog_stage(sim.app.catalog, stage);
	struct approval approvals[APPROVALS_MAX + 1];

	CHECK(entry != NULL);
	return store_approvals(sim.store, deploy, approvals, COUNT(approvals))
	       < (size_t)entry->spec->approvals;
}

/* Who is configured for it now. */
static uint32_t
receivers_of(uint64_t stage, enum notice notice)
{
	const struct stage_entry *entry = catalog_stage(sim.app.catalog, stage);
	char name[NAME_SIZE];
	const char *names;
	const char *tier;
	uint32_t set = 0;

	CHECK(entry != NULL);
	names =
	    catalog_notify(sim.app.catalog, entry->spec->project, entry->spec->stage, &tier);
	while (catalog_notify_next(&names, name))
		if (catalog_receiver(sim.app.catalog, name)->events >> notice & 1u)
			set |= 1u << place_of(name);
	return set;
}

void
notices_end(bool is_committed)
{
	for (size_t i = 0; i < put_count && is_committed; i++) {
		const struct put *p = &uncommitted[i];

		if (p->receiver != WORLD_RECEIVERS)
			told[p->deploy].given_up[p->notice] |= 1u << p->receiver;
		else if (p->notice != NOTICE_APPROVAL || waits_for_people(p->deploy, p->stage))
			told[p->deploy].owed[p->notice] |= receivers_of(p->stage, p->notice);
	}
	put_count = 0;
}

static bool
is_owed(enum notice notice)
{
	return notice == NOTICE_SUCCEEDED || notice == NOTICE_FAILED
	       || notice == NOTICE_ROLLED_BACK || notice == NOTICE_APPROVAL;
}

static void
check_asked_once(const struct notice_facts *facts, uint64_t actor)
{
	uint64_t *asked = &told[facts->deploy].asked[facts->receiver];

	if (facts->notice != NOTICE_APPROVAL)
		return;
	if (*asked != 0 && *asked != actor)
		sim_fail("people were asked twice for their approval", facts->deploy);
	*asked = actor;
}

void
notices_heard(uint64_t actor)
{
	struct notice_facts facts;

	if (!ports_notice(actor, &facts) || !is_owed(facts.notice))
		return;
	if (!(told[facts.deploy].owed[facts.notice] >> facts.receiver & 1u))
		sim_fail("a receiver was told of what is not committed, or not for it",
		    facts.deploy);
	told[facts.deploy].heard[facts.notice] |= 1u << facts.receiver;
	check_asked_once(&facts, actor);
}

void
check_notices(void)
{
	for (uint64_t d = 1; d < WORLD_DEPLOYS; d++)
		for (int i = 0; i < NOTICE_COUNT; i++)
			if (told[d].owed[i] & ~(told[d].heard[i] | told[d].given_up[i]))
				sim_fail(
				    "a receiver was not told how a deploy ended, or that it "
				    "waits for people",
				    d);
}
