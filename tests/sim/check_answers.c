/* check_answers.c - laws of HTTP: what an answer promised is still so after every crash. */
#include <string.h>

#include "base/check.h"
#include "base/str.h"
#include "sim.h"
#include "store/catalog.h"
#include "store/db.h"
#include "store/deploys.h"
#include "store/retention.h"
#include "store/store.h"

enum { STEPS_MAX = 1 << 15, REVISIONS_MAX = 2048, ANY_STAGE = WORLD_STAGES };

struct promise {
	bool is_known; /* an answer named it */
	bool is_rollback;
	bool is_canceled; /* its cancellation was accepted */
	uint8_t place; /* of its stage; ANY_STAGE: not said */
};

struct revision {
	bool may_be; /* what is configured now */
	uint32_t sent;
	uint32_t answered; /* 0: not yet */
};

static struct promise promises[WORLD_DEPLOYS];
static uint64_t deliveries[WORLD_STAGES][DELIVERIES + 1]; /* the deploy; 0: none was told */
static uint64_t steps[STEPS_MAX]; /* by seq: the deploy, as somebody saw it */
static struct revision revisions[REVISIONS_MAX];
static uint32_t moment; /* counts what was sent and answered */
static int64_t newest_step;
static uint64_t newest_deploy;
static uint32_t newest_revision;

void
answers_reset(void)
{
	memset(promises, 0, (newest_deploy + 1) * sizeof(promises[0]));
	memset(steps, 0, ((size_t)newest_step + 1) * sizeof(steps[0]));
	memset(revisions, 0, (newest_revision + 1) * sizeof(revisions[0]));
	memset(deliveries, 0, sizeof(deliveries));
	newest_deploy = 0;
	newest_step = 0;
	newest_revision = 0;
	moment = 0;
}

static struct promise *
promise_of(uint64_t deploy)
{
	CHECK(deploy < WORLD_DEPLOYS);
	if (deploy > newest_deploy)
		newest_deploy = deploy;
	return &promises[deploy];
}

void
promise_deploy(uint64_t deploy, uint32_t place, bool is_rollback)
{
	struct promise *p = promise_of(deploy);

	if (!p->is_known)
		p->place = ANY_STAGE;
	p->is_known = true;
	p->is_rollback = p->is_rollback || is_rollback;
	if (place < WORLD_STAGES)
		p->place = (uint8_t)place;
}

/* A webhook that was acted on is known when it comes again, and nothing else of its number is begun. */
bool
promise_delivery(uint32_t place, uint32_t delivery, int status, uint64_t deploy)
{
	uint64_t *known = &deliveries[place][delivery];

	CHECK(place < WORLD_STAGES && delivery <= DELIVERIES);
	if (*known != 0) /* whichever of two answers is read first */
		return status == 503 || deploy == *known;
	/* It may have been acted on without that anybody heard of it. */
	if ((status == 202 || status == 200) && deploy != 0)
		*known = deploy;
	return true;
}

void
promise_cancel(uint64_t deploy)
{
	promise_of(deploy)->is_canceled = true;
}

static struct revision *
revision_at(uint32_t number)
{
	CHECK(number < REVISIONS_MAX);
	if (number > newest_revision)
		newest_revision = number;
	return &revisions[number];
}

void
promise_sent(uint32_t number)
{
	*revision_at(number) = (struct revision){ .may_be = true, .sent = ++moment };
}

/* Whatever was answered before this one was sent is no longer what counts. */
void
promise_applied(uint32_t number)
{
	struct revision *r = revision_at(number);

	for (uint32_t i = 0; i <= newest_revision; i++)
		if (revisions[i].answered != 0 && revisions[i].answered < r->sent)
			revisions[i].may_be = false;
	r->answered = ++moment;
}

void
promise_refused(uint32_t number)
{
	revision_at(number)->may_be = false;
}

void
promise_step(int64_t seq, uint64_t deploy)
{
	CHECK(seq > 0 && seq < STEPS_MAX);
	steps[seq] = deploy;
	if (seq > newest_step)
		newest_step = seq;
}

static void
check_rollback(const struct deploy_row *row)
{
	struct query *q = db_read(store_db(sim.store),
	    "SELECT count(*) FROM deploy WHERE stage = ? AND id < ? AND digest = ? AND state ="
	    " 'LIVE'");
	int64_t count;

	query_integer(q, (int64_t)row->stage);
	query_integer(q, (int64_t)row->id);
	query_text(q, row->digest);
	CHECK(db_next(q));
	count = column_integer(q, 0);
	db_done(q);
	if (count == 0)
		sim_fail("a rollback to what never was live", row->id);
}

static void
check_cancel(uint64_t deploy)
{
	struct query *q = db_read(store_db(sim.store),
	    "SELECT count(*) FROM journal WHERE deploy = ? AND deploy != 0 AND actor = ? AND "
	    "on_ = 'CANCEL'");
	int64_t count;

	query_integer(q, (int64_t)deploy);
	query_integer(q, (int64_t)deploy);
	CHECK(db_next(q));
	count = column_integer(q, 0);
	db_done(q);
	if (count == 0)
		sim_fail("a cancellation that was accepted is lost", deploy);
}

static void
check_deploy(uint64_t id, const struct promise *p)
{
	struct deploy_row row;

	if (p->is_canceled && !sim.keeps_little)
		check_cancel(id);
	if (!p->is_known)
		return;
	if (sim.keeps_little && store_deploy_is_retired(sim.store, id))
		return;
	if (!store_deploy_get(sim.store, id, &row))
		sim_fail("a deploy that was answered is lost", id);
	if (p->place != ANY_STAGE && row.stage != world.stage_ids[p->place])
		sim_fail("a deploy that was answered is of another stage", id);
	if (row.ended_ms == 0)
		sim_fail("a deploy that was answered has not ended", id);
	if (p->is_rollback && !sim.keeps_little)
		check_rollback(&row);
}

static void
check_steps(void)
{
	struct journal_row rows[64];
	int64_t after = 0;
	size_t count;

	do {
		count = store_journal(sim.store, 0, after, rows, COUNT(rows));
		for (size_t i = 0; i < count; i++) {
			after = rows[i].seq;
			if (after <= newest_step && steps[after] == rows[i].deploy)
				steps[after] = 0;
		}
	} while (count == COUNT(rows));
	for (int64_t seq = 1; seq <= newest_step; seq++)
		if (steps[seq] != 0)
			sim_fail("a step that was seen is lost", (uint64_t)seq);
}

/* What is configured is what was applied last. */
static void
check_revision(void)
{
	const struct stage_spec *spec =
	    catalog_stage(sim.app.catalog, world.stage_ids[0])->spec;
	uint64_t revision = 0;

	for (size_t i = 0; i < spec->env_count; i++)
		if (strcmp(spec->env[i].name, "REVISION") == 0)
			CHECK(str_number(
			    str_of(spec->env[i].value), REVISIONS_MAX - 1, &revision));
	if (!revisions[revision].may_be)
		sim_fail("a configuration that was applied is lost", revision);
}

void
check_answers(void)
{
	for (uint64_t id = 1; id <= newest_deploy; id++)
		check_deploy(id, &promises[id]);
	check_revision();
	if (!sim.keeps_little)
		check_steps();
}
