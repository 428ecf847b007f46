/* deploys.c - see deploys.h. */
#include "store/deploys.h"

#include <string.h>

#include "base/clock.h"
#include "store/db.h"
#include "store/store.h"

#define COLUMNS_FROM                                                                        \
	"SELECT d.id, d.stage, d.spec, d.elder, p.name, s.name, d.state, d.trigger, d.tag," \
	" d.digest, d.reason, d.created_ms, d.ended_ms, a.live = d.id, d.strategy,"         \
	" d.id IN (" KEPT_DEPLOYS("a.") "), d.watched_since_ms FROM "
#define JOINS                                                                           \
	"CROSS JOIN stage s ON s.id = d.stage CROSS JOIN project p ON p.id = s.project" \
	" CROSS JOIN stage_actor a ON a.id = d.stage "
#define COLUMNS COLUMNS_FROM "deploy d " JOINS

static void
read_row(struct query *q, struct deploy_row *row)
{
	*row = (struct deploy_row){ .id = (uint64_t)column_integer(q, 0),
		.stage = (uint64_t)column_integer(q, 1),
		.spec = (uint64_t)column_integer(q, 2),
		.elder = (uint64_t)column_integer(q, 3),
		.created_ms = column_integer(q, 11),
		.ended_ms = column_integer(q, 12),
		.is_live = column_integer(q, 13) != 0,
		.is_kept = column_integer(q, 15) != 0,
		.watched_since_ms = column_integer(q, 16) };
	column_copy(q, 4, row->project, sizeof(row->project));
	column_copy(q, 5, row->stage_name, sizeof(row->stage_name));
	column_copy(q, 6, row->state, sizeof(row->state));
	column_copy(q, 7, row->trigger, sizeof(row->trigger));
	column_copy(q, 8, row->tag, sizeof(row->tag));
	column_copy(q, 9, row->digest, sizeof(row->digest));
	column_copy(q, 10, row->reason, sizeof(row->reason));
	column_copy(q, 14, row->strategy, sizeof(row->strategy));
}

bool
store_deploy_get(struct store *store, uint64_t id, struct deploy_row *ret_row)
{
	struct query *q = db_read(store_db(store), COLUMNS "WHERE d.id = ?");
	bool found;

	query_integer(q, (int64_t)id);
	found = db_next(q);
	if (found)
		read_row(q, ret_row);
	db_done(q);
	return found;
}

bool
store_deploy_brief(struct store *store, uint64_t id, struct deploy_brief *ret_brief)
{
	struct query *q = db_read(store_db(store),
	    "SELECT state, tag, digest, created_ms, ended_ms FROM deploy WHERE id = ?");
	bool found;

	query_integer(q, (int64_t)id);
	found = db_next(q);
	if (found) {
		column_copy(q, 0, ret_brief->state, sizeof(ret_brief->state));
		column_copy(q, 1, ret_brief->tag, sizeof(ret_brief->tag));
		column_copy(q, 2, ret_brief->digest, sizeof(ret_brief->digest));
		ret_brief->created_ms = column_integer(q, 3);
		ret_brief->ended_ms = column_integer(q, 4);
	}
	db_done(q);
	return found;
}

/* One statement for each mix of filters, so that each walks an index from its newest end and stops
 * when the page is full. Parameters: before, limit, then the stage's id or the project's name,
 * then the state. */
#define PAGE "ORDER BY d.id DESC LIMIT ?2"

/* A project is a merge of its stages: the queue of this recursion holds the next deploy of each
 * stage, and its order gives out the newest of them first. */
#define NEWEST(of_stage, before, and_state)                                \
	"SELECT (SELECT max(x.id) FROM deploy x WHERE x.stage = " of_stage \
	" AND x.id < " before and_state "), " of_stage
#define MERGE(and_state)                                                                     \
	"WITH RECURSIVE newest(id, stage) AS (" NEWEST("s.id", "?1",                         \
	    and_state) " FROM stage s WHERE s.project = (SELECT id FROM project WHERE name " \
		       "= ?3)"                                                               \
		       " UNION ALL " NEWEST("n.stage", "n.id",                               \
			   and_state) " FROM newest n WHERE n.id IS NOT NULL ORDER BY 1 "    \
				      "DESC LIMIT ?2) " COLUMNS_FROM                         \
				      "newest n CROSS JOIN deploy d ON d.id = n.id " JOINS   \
					  PAGE

enum scope { ALL, OF_STAGE, OF_PROJECT };

static const char *const pages[][2] = {
	[ALL] = { COLUMNS "WHERE d.id < ?1 " PAGE,
	    COLUMNS "WHERE d.id < ?1 AND d.state = ?3 " PAGE },
	[OF_STAGE] = { COLUMNS "WHERE d.id < ?1 AND d.stage = ?3 " PAGE,
	    COLUMNS "WHERE d.id < ?1 AND d.stage = ?3 AND d.state = ?4 " PAGE },
	[OF_PROJECT] = { MERGE(""), MERGE(" AND x.state = ?4") },
};

size_t
store_deploys(struct store *store, const struct deploy_filter *filter, struct deploy_row *to,
    size_t most)
{
	enum scope scope = filter->stage != 0           ? OF_STAGE
			   : filter->project[0] != '\0' ? OF_PROJECT
							: ALL;
	bool has_state = filter->state[0] != '\0';
	struct query *q = db_read(store_db(store), pages[scope][has_state]);
	size_t count = 0;

	query_integer(q, filter->before == 0 ? INT64_MAX : (int64_t)filter->before);
	query_integer(q, (int64_t)most);
	if (scope == OF_STAGE)
		query_integer(q, (int64_t)filter->stage);
	else if (scope == OF_PROJECT)
		query_text(q, filter->project);
	if (has_state)
		query_text(q, filter->state);
	while (count < most && db_next(q))
		read_row(q, &to[count++]);
	db_done(q);
	return count;
}

void
store_instance_put(struct store *store, const struct instance *instance)
{
	struct query *q =
	    db_write(store_db(store), "INSERT OR REPLACE INTO instance(deploy, replica, "
				      "container_id, name, address, status,"
				      " since_ms) VALUES(?, ?, ?, ?, ?, ?, ?)");

	query_integer(q, (int64_t)instance->deploy);
	query_integer(q, instance->replica);
	query_text(q, instance->container_id);
	query_text(q, instance->name);
	query_text(q, instance->address);
	query_text(q, instance->status);
	query_integer(q, instance->since_ms);
	db_run(q);
}

size_t
store_instances(struct store *store, uint64_t deploy, struct instance *to, size_t most)
{
	size_t count = 0;
	struct query *q =
	    db_read(store_db(store), "SELECT deploy, replica, container_id, name, address, "
				     "status, since_ms FROM instance"
				     " WHERE deploy = ? ORDER BY replica LIMIT ?");

	query_integer(q, (int64_t)deploy);
	query_integer(q, (int64_t)most);
	while (count < most && db_next(q)) {
		struct instance *i = &to[count++];
		*i = (struct instance){ .deploy = (uint64_t)column_integer(q, 0),
			.replica = (int)column_integer(q, 1),
			.since_ms = column_integer(q, 6) };
		column_copy(q, 2, i->container_id, sizeof(i->container_id));
		column_copy(q, 3, i->name, sizeof(i->name));
		column_copy(q, 4, i->address, sizeof(i->address));
		column_copy(q, 5, i->status, sizeof(i->status));
	}
	db_done(q);
	return count;
}

uint64_t
store_deploy_live_before(struct store *store, uint64_t stage, uint64_t before)
{
	struct query *q = db_read(store_db(store),
	    "SELECT id FROM deploy WHERE stage = ? AND state = 'LIVE' AND id < ?"
	    " ORDER BY id DESC LIMIT 1");
	uint64_t id = 0;

	query_integer(q, (int64_t)stage);
	query_integer(q, (int64_t)before);
	if (db_next(q))
		id = (uint64_t)column_integer(q, 0);
	db_done(q);
	return id;
}

struct instance_count
store_instances_count(struct store *store, uint64_t deploy)
{
	struct instance_count count;
	struct query *q = db_read(store_db(store),
	    "SELECT total(status = 'running'), total(status = 'paused') FROM instance"
	    " WHERE deploy = ?");

	query_integer(q, (int64_t)deploy);
	CHECK(db_next(q));
	count.running = column_integer(q, 0);
	count.paused = column_integer(q, 1);
	db_done(q);
	return count;
}

void
store_instances_forget(struct store *store, uint64_t deploy)
{
	struct query *q = db_write(store_db(store), "DELETE FROM instance WHERE deploy = ?");

	query_integer(q, (int64_t)deploy);
	db_run(q);
}

void
store_deploy_log_add(struct store *store, uint64_t deploy, const char *level, struct str text)
{
	struct query *q = db_write(store_db(store),
	    "INSERT INTO deploy_log(deploy, at_ms, level, text) VALUES(?, ?, ?, ?)");

	if (text.n >= LOG_LINE_SIZE)
		text.n = LOG_LINE_SIZE - 1;
	query_integer(q, (int64_t)deploy);
	query_integer(q, clock_wall_ms());
	query_text(q, level);
	query_str(q, text);
	db_run(q);
	store_log_added(store, deploy);
}

size_t
store_deploy_log(struct store *store, uint64_t deploy, int64_t after_seq,
    struct deploy_log_row *to, size_t most)
{
	size_t count = 0;
	struct query *q =
	    db_read(store_db(store), "SELECT seq, deploy, at_ms, level, text FROM deploy_log "
				     "WHERE deploy = ? AND seq > ?"
				     " ORDER BY seq LIMIT ?");

	query_integer(q, (int64_t)deploy);
	query_integer(q, after_seq);
	query_integer(q, (int64_t)most);
	while (count < most && db_next(q)) {
		struct deploy_log_row *row = &to[count++];
		row->seq = column_integer(q, 0);
		row->deploy = (uint64_t)column_integer(q, 1);
		row->at_ms = column_integer(q, 2);
		column_copy(q, 3, row->level, sizeof(row->level));
		column_copy(q, 4, row->text, sizeof(row->text));
	}
	db_done(q);
	return count;
}
