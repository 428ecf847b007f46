/* actors.c - actors as rows: one description of columns for each kind, read and written by the
 * same few lines, so that the two cannot differ. */
#include <stddef.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/db.h"
#include "store/store.h"

enum column_type {
	UNSIGNED64,
	UNSIGNED32,
	SIGNED64,
	FLAG,
	TRIGGER_NAME,
	STRATEGY_NAME,
	NOTICE_NAME,
	TEXT
};

struct column {
	const char *name;
	enum column_type type;
	size_t offset;
	size_t size;
};

struct table {
	const char *name;
	const struct column *columns;
	size_t column_count;
	char put_sql[3072];
	char load_sql[3072];
};

#define COLUMN(kind, member, type)                                  \
	{                                                           \
#member, type, offsetof(struct actor, kind.member), \
		    sizeof(((struct actor *)0)->kind.member)        \
	}

/* One place of a stage's quarantine. */
#define HELD(n)                                                                              \
	{ "held_deploy_" #n, UNSIGNED64, offsetof(struct actor, stage.quarantine[n].deploy), \
		sizeof(uint64_t) },                                                          \
	{                                                                                    \
		"held_digest_" #n, TEXT, offsetof(struct actor, stage.quarantine[n].digest), \
		    DIGEST_SIZE                                                              \
	}
_Static_assert(QUARANTINE_MAX == 8, "each place is a pair of columns");

#define KEPT_MEMBER(name, n, member, type)                                \
	{                                                                 \
		name, type, offsetof(struct actor, stage.kept[n].member), \
		    sizeof(((struct actor *)0)->stage.kept[n].member)     \
	}
/* One place for a version that runs on beside what serves. */
#define KEPT(n)                                                      \
	KEPT_MEMBER("kept_deploy_" #n, n, deploy, UNSIGNED64),       \
	    KEPT_MEMBER("kept_spec_" #n, n, spec, UNSIGNED64),       \
	    KEPT_MEMBER("kept_until_ms_" #n, n, until_ms, SIGNED64), \
	    KEPT_MEMBER("kept_tag_" #n, n, tag, TEXT),               \
	    KEPT_MEMBER("kept_digest_" #n, n, digest, TEXT)
_Static_assert(KEPT_MAX == 7, "each place is five columns");

static const struct column deploy_columns[] = {
	COLUMN(deploy, stage, UNSIGNED64),
	COLUMN(deploy, spec, UNSIGNED64),
	COLUMN(deploy, elder, UNSIGNED64),
	COLUMN(deploy, swap, UNSIGNED64),
	COLUMN(deploy, body, UNSIGNED64),
	COLUMN(deploy, keep_ms, SIGNED64),
	COLUMN(deploy, watched_since_ms, SIGNED64),
	COLUMN(deploy, tries, UNSIGNED32),
	COLUMN(deploy, tasks, UNSIGNED32),
	COLUMN(deploy, failed_tasks, UNSIGNED32),
	COLUMN(deploy, trigger, TRIGGER_NAME),
	COLUMN(deploy, strategy, STRATEGY_NAME),
	COLUMN(deploy, has_route, FLAG),
	COLUMN(deploy, is_canceled, FLAG),
	COLUMN(deploy, is_forced, FLAG),
	COLUMN(deploy, is_overriding, FLAG),
	COLUMN(deploy, approvals, UNSIGNED32),
	COLUMN(deploy, created_ms, SIGNED64),
	COLUMN(deploy, ended_ms, SIGNED64),
	COLUMN(deploy, tag, TEXT),
	COLUMN(deploy, digest, TEXT),
	COLUMN(deploy, reason, TEXT),
};
static const struct column swap_columns[] = {
	COLUMN(swap, stage, UNSIGNED64),
	COLUMN(swap, deploy, UNSIGNED64),
	COLUMN(swap, body, UNSIGNED64),
	COLUMN(swap, elder, UNSIGNED64),
	COLUMN(swap, tries, UNSIGNED32),
	COLUMN(swap, is_parked, FLAG),
	COLUMN(swap, reason, TEXT),
};
static const struct column poll_columns[] = {
	COLUMN(poll, stage, UNSIGNED64),
	COLUMN(poll, interval_ms, SIGNED64),
	COLUMN(poll, is_auto, FLAG),
	COLUMN(poll, failures, UNSIGNED32),
	COLUMN(poll, tag, TEXT),
	COLUMN(poll, digest, TEXT),
	COLUMN(poll, reason, TEXT),
};
static const struct column stage_columns[] = {
	COLUMN(stage, spec, UNSIGNED64),
	COLUMN(stage, live, UNSIGNED64),
	COLUMN(stage, live_spec, UNSIGNED64),
	COLUMN(stage, stopped, UNSIGNED64),
	COLUMN(stage, running, UNSIGNED64),
	COLUMN(stage, running_spec, UNSIGNED64),
	COLUMN(stage, waiting, UNSIGNED64),
	COLUMN(stage, waiting_spec, UNSIGNED64),
	COLUMN(stage, resolving, UNSIGNED64),
	COLUMN(stage, merged, UNSIGNED64),
	COLUMN(stage, merged_into, UNSIGNED64),
	COLUMN(stage, pending, UNSIGNED64),
	COLUMN(stage, pending_spec, UNSIGNED64),
	COLUMN(stage, strategy, STRATEGY_NAME),
	COLUMN(stage, tasks, UNSIGNED32),
	COLUMN(stage, keep_most, UNSIGNED32),
	COLUMN(stage, has_route, FLAG),
	COLUMN(stage, live_since_ms, SIGNED64),
	COLUMN(stage, frozen_until_ms, SIGNED64),
	COLUMN(stage, freeze, TEXT),
	COLUMN(stage, live_tag, TEXT),
	COLUMN(stage, live_digest, TEXT),
	COLUMN(stage, running_digest, TEXT),
	COLUMN(stage, waiting_digest, TEXT),
	COLUMN(stage, pending_digest, TEXT),
	COLUMN(stage, resolving_tag, TEXT),
	HELD(0),
	HELD(1),
	HELD(2),
	HELD(3),
	HELD(4),
	HELD(5),
	HELD(6),
	HELD(7),
	KEPT_MEMBER("warm", 0, deploy, UNSIGNED64), /* there was one place, once */
	KEPT_MEMBER("warm_spec", 0, spec, UNSIGNED64),
	KEPT_MEMBER("warm_until_ms", 0, until_ms, SIGNED64),
	KEPT_MEMBER("warm_tag", 0, tag, TEXT),
	KEPT_MEMBER("warm_digest", 0, digest, TEXT),
	KEPT(1),
	KEPT(2),
	KEPT(3),
	KEPT(4),
	KEPT(5),
	KEPT(6),
};
static const struct column sweep_columns[] = {
	COLUMN(sweep, engine, UNSIGNED64),
	COLUMN(sweep, interval_ms, SIGNED64),
	COLUMN(sweep, failures, UNSIGNED32),
	COLUMN(sweep, reason, TEXT),
};

static const struct column notify_columns[] = {
	COLUMN(notify, stage, UNSIGNED64),
	COLUMN(notify, deploy, UNSIGNED64),
	COLUMN(notify, notice, NOTICE_NAME),
	COLUMN(notify, tries, UNSIGNED32),
	COLUMN(notify, status, UNSIGNED32),
	COLUMN(notify, created_ms, SIGNED64),
	COLUMN(notify, due_ms, SIGNED64),
	COLUMN(notify, ended_ms, SIGNED64),
	COLUMN(notify, receiver, TEXT),
	COLUMN(notify, tier, TEXT),
	COLUMN(notify, delivery, TEXT),
	COLUMN(notify, subject, TEXT),
	COLUMN(notify, tag, TEXT),
	COLUMN(notify, digest, TEXT),
	COLUMN(notify, text, TEXT),
	COLUMN(notify, reason, TEXT),
};

#define TABLE(name, columns)                          \
	{                                             \
		name, columns, COUNT(columns), "", "" \
	}

static struct table tables[ACTOR_KIND_COUNT] = {
	[ACTOR_DEPLOY] = TABLE("deploy", deploy_columns),
	[ACTOR_SWAP] = TABLE("swap", swap_columns),
	[ACTOR_POLL] = TABLE("poll_actor", poll_columns),
	[ACTOR_STAGE] = TABLE("stage_actor", stage_columns),
	[ACTOR_SWEEP] = TABLE("sweep_actor", sweep_columns),
	[ACTOR_NOTIFY] = TABLE("notify", notify_columns),
};

static struct table *
table_of(enum actor_kind kind)
{
	struct table *t = &tables[kind];
	struct buf names;
	struct buf marks;

	if (t->put_sql[0] != '\0')
		return t;
	buf_init(&names, 2048);
	buf_init(&marks, 512);
	for (size_t i = 0; i < t->column_count; i++) {
		buf_format(&names, ", %s", t->columns[i].name);
		buf_text(&marks, ", ?");
	}
	CHECK(!names.overflow && !marks.overflow);
	snprintf(t->put_sql, sizeof(t->put_sql),
	    "INSERT OR REPLACE INTO %s(id, state, epoch, deadline_ms%s) VALUES(?, ?, ?, ?%s)",
	    t->name, names.p, marks.p);
	snprintf(t->load_sql, sizeof(t->load_sql),
	    "SELECT id, state, epoch, deadline_ms%s FROM %s%s ORDER BY id", names.p, t->name,
	    kind == ACTOR_DEPLOY || kind == ACTOR_NOTIFY ? " WHERE ended_ms = 0"
	    : kind == ACTOR_SWAP                         ? " WHERE deadline_ms != 0"
							 : "");
	buf_free(&names);
	buf_free(&marks);
	return t;
}

static void
bind_column(struct query *q, const struct column *c, const struct actor *actor)
{
	const char *at = (const char *)actor + c->offset;
	uint64_t wide;
	uint32_t narrow;
	int64_t number;
	bool flag;
	enum trigger trigger;
	enum notice notice;
	enum strategy strategy;

	switch (c->type) {
	case UNSIGNED64:
		memcpy(&wide, at, sizeof(wide));
		query_integer(q, (int64_t)wide);
		break;
	case UNSIGNED32:
		memcpy(&narrow, at, sizeof(narrow));
		query_integer(q, narrow);
		break;
	case SIGNED64:
		memcpy(&number, at, sizeof(number));
		query_integer(q, number);
		break;
	case FLAG:
		memcpy(&flag, at, sizeof(flag));
		query_integer(q, flag);
		break;
	case TRIGGER_NAME:
		memcpy(&trigger, at, sizeof(trigger));
		query_text(q, trigger_names[trigger]);
		break;
	case NOTICE_NAME:
		memcpy(&notice, at, sizeof(notice));
		query_text(q, notice_names[notice]);
		break;
	case STRATEGY_NAME:
		memcpy(&strategy, at, sizeof(strategy));
		query_text(q, strategy_names[strategy]);
		break;
	case TEXT:
		query_text(q, at);
		break;
	}
}

static enum trigger
trigger_by_name(const char *name)
{
	for (int i = 0; i < TRIGGER_COUNT; i++)
		if (strcmp(trigger_names[i], name) == 0)
			return (enum trigger)i;
	return TRIGGER_MANUAL;
}

static enum strategy
strategy_by_name(const char *name)
{
	for (int i = 0; i < STRATEGY_COUNT; i++)
		if (strcmp(strategy_names[i], name) == 0)
			return (enum strategy)i;
	return STRATEGY_BLUE_GREEN;
}

static void
read_column(struct query *q, int index, const struct column *c, struct actor *actor)
{
	char *at = (char *)actor + c->offset;
	uint64_t wide = (uint64_t)column_integer(q, index);
	uint32_t narrow = (uint32_t)wide;
	int64_t number = (int64_t)wide;
	bool flag = wide != 0;
	enum trigger trigger;
	enum notice notice;
	enum strategy strategy;

	switch (c->type) {
	case UNSIGNED64:
		memcpy(at, &wide, sizeof(wide));
		break;
	case UNSIGNED32:
		memcpy(at, &narrow, sizeof(narrow));
		break;
	case SIGNED64:
		memcpy(at, &number, sizeof(number));
		break;
	case FLAG:
		memcpy(at, &flag, sizeof(flag));
		break;
	case TRIGGER_NAME:
		trigger = trigger_by_name(column_text(q, index));
		memcpy(at, &trigger, sizeof(trigger));
		break;
	case NOTICE_NAME:
		notice = notice_by_name(column_text(q, index));
		memcpy(at, &notice, sizeof(notice));
		break;
	case STRATEGY_NAME:
		strategy = strategy_by_name(column_text(q, index));
		memcpy(at, &strategy, sizeof(strategy));
		break;
	case TEXT:
		column_copy(q, index, at, c->size);
		break;
	}
}

void
store_actor_put(struct store *store, const struct actor *actor)
{
	struct table *t = table_of(actor->kind);
	struct query *q = db_write(store_db(store), t->put_sql);

	query_integer(q, (int64_t)actor->id);
	query_text(q, fsm_spec_of(actor->kind)->state_names[actor->state]);
	query_integer(q, actor->epoch);
	query_integer(q, actor->deadline_ms);
	for (size_t i = 0; i < t->column_count; i++)
		bind_column(q, &t->columns[i], actor);
	db_run(q);
}

static int
load_kind(struct store *store, enum actor_kind kind, store_actor_fn *each, void *context,
    struct err *err)
{
	struct table *t = table_of(kind);
	const struct spec *spec = fsm_spec_of(kind);
	struct query *q = db_read(store_db(store), t->load_sql);

	while (db_next(q)) {
		struct actor actor = { .kind = kind };
		actor.id = (uint64_t)column_integer(q, 0);
		actor.state = fsm_state_by_name(spec, column_text(q, 1));
		actor.epoch = (uint32_t)column_integer(q, 2);
		actor.deadline_ms = column_integer(q, 3);
		if (actor.state < 0) {
			err_set(err,
			    "%s %llu is in the state '%s', which this slipway does not know:"
			    " a newer one wrote it; start that one",
			    t->name, (unsigned long long)actor.id, column_text(q, 1));
			db_done(q);
			return -1;
		}
		for (size_t i = 0; i < t->column_count; i++)
			read_column(q, 4 + (int)i, &t->columns[i], &actor);
		if (!fsm_is_final(spec, actor.state))
			each(context, &actor);
	}
	return 0;
}

int
store_actors_load(struct store *store, store_actor_fn *each, void *context, struct err *err)
{
	for (int kind = 0; kind < ACTOR_KIND_COUNT; kind++)
		if (load_kind(store, (enum actor_kind)kind, each, context, err) != 0)
			return -1;
	return 0;
}

void
store_sweeps_set_interval(struct store *store, int64_t interval_ms)
{
	struct query *q = db_write(store_db(store), "UPDATE sweep_actor SET interval_ms = ?");

	query_integer(q, interval_ms);
	db_run(q);
}

void
store_id_raise(struct store *store, uint64_t least)
{
	char text[24];

	if (least <= store_id_max(store))
		return;
	snprintf(text, sizeof(text), "%" PRIu64, least);
	store_meta_put(store, "id_floor", text);
}

uint64_t
store_id_max(struct store *store)
{
	struct query *q =
	    db_read(store_db(store), "SELECT max(coalesce((SELECT CAST(value AS INTEGER)"
				     " FROM meta WHERE key = 'id_floor'), 0),"
				     " coalesce((SELECT max(id) FROM deploy), 0),"
				     " coalesce((SELECT max(id) FROM swap), 0), "
				     "coalesce((SELECT max(id) FROM poll_actor), 0),"
				     " coalesce((SELECT max(id) FROM stage_actor), 0),"
				     " coalesce((SELECT max(id) FROM sweep_actor), 0),"
				     " coalesce((SELECT max(id) FROM notify), 0))");
	uint64_t id;

	CHECK(db_next(q));
	id = (uint64_t)column_integer(q, 0);
	db_done(q);
	return id;
}
