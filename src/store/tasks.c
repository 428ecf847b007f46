/* tasks.c - see tasks.h. */
#include "store/tasks.h"

#include <string.h>

#include "base/check.h"
#include "store/db.h"
#include "store/store.h"

#include "actors/fsm.h"

#define STATUS(name) #name,
const char *const task_status_names[TASK_STATUS_COUNT] = { TASK_STATUSES(STATUS) };
#undef STATUS

#define COLUMNS                                                               \
	"deploy, kind, stage, digest, container_id, name, status, exit_code," \
	" is_compatible, began_ms, ended_ms"

static int
find_name(const char *name, const char *const *names, int count)
{
	int i = 0;

	while (i < count && strcmp(names[i], name) != 0)
		i++;
	return i;
}

/* false: a newer program wrote it. */
static bool
read_row(struct query *q, struct task_row *row)
{
	int kind = find_name(column_text(q, 1), task_names, TASK_COUNT);
	int status = find_name(column_text(q, 6), task_status_names, TASK_STATUS_COUNT);

	if (kind == TASK_COUNT || status == TASK_STATUS_COUNT)
		return false;
	*row = (struct task_row){ .deploy = (uint64_t)column_integer(q, 0),
		.kind = (enum task_kind)kind,
		.stage = (uint64_t)column_integer(q, 2),
		.status = (enum task_status)status,
		.exit_code = (int)column_integer(q, 7),
		.is_compatible = column_integer(q, 8) != 0,
		.began_ms = column_integer(q, 9),
		.ended_ms = column_integer(q, 10) };
	column_copy(q, 3, row->digest, sizeof(row->digest));
	column_copy(q, 4, row->container_id, sizeof(row->container_id));
	column_copy(q, 5, row->name, sizeof(row->name));
	return true;
}

/* Outcomes stay beyond their deploys; of those a stage keeps so many. */
static void
forget_oldest(struct store *store, uint64_t stage)
{
	struct query *q = db_write(store_db(store),
	    "DELETE FROM task WHERE stage = ?1 AND kind = 'MIGRATION' AND deploy <= (SELECT "
	    "deploy"
	    " FROM task WHERE stage = ?1 AND kind = 'MIGRATION' ORDER BY deploy DESC"
	    " LIMIT 1 OFFSET ?2)");

	query_integer(q, (int64_t)stage);
	query_integer(q, MIGRATIONS_KEPT);
	db_run(q);
}

void
store_task_put(struct store *store, const struct task_row *row)
{
	struct query *q =
	    db_write(store_db(store), "INSERT OR REPLACE INTO task(" COLUMNS
				      ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	query_integer(q, (int64_t)row->deploy);
	query_text(q, task_names[row->kind]);
	query_integer(q, (int64_t)row->stage);
	query_text(q, row->digest);
	query_text(q, row->container_id);
	query_text(q, row->name);
	query_text(q, task_status_names[row->status]);
	query_integer(q, row->exit_code);
	query_integer(q, row->is_compatible);
	query_integer(q, row->began_ms);
	query_integer(q, row->ended_ms);
	db_run(q);
	if (row->kind == TASK_MIGRATION)
		forget_oldest(store, row->stage);
}

bool
store_task_get(
    struct store *store, uint64_t deploy, enum task_kind kind, struct task_row *ret_row)
{
	struct query *q = db_read(
	    store_db(store), "SELECT " COLUMNS " FROM task WHERE deploy = ? AND kind = ?");
	bool is_found;

	query_integer(q, (int64_t)deploy);
	query_text(q, task_names[kind]);
	is_found = db_next(q) && read_row(q, ret_row);
	db_done(q);
	return is_found;
}

size_t
store_tasks(struct store *store, uint64_t deploy, struct task_row to[TASK_COUNT])
{
	size_t count = 0;

	for (int kind = 0; kind < TASK_COUNT; kind++)
		count += store_task_get(store, deploy, (enum task_kind)kind, &to[count]);
	return count;
}

uint64_t
store_task_migrated(struct store *store, uint64_t stage, const char *digest)
{
	struct query *q = db_read(store_db(store),
	    "SELECT deploy FROM task WHERE stage = ? AND digest = ? AND kind = 'MIGRATION'"
	    " AND status = 'done' LIMIT 1");
	uint64_t deploy = 0;

	query_integer(q, (int64_t)stage);
	query_text(q, digest);
	if (db_next(q))
		deploy = (uint64_t)column_integer(q, 0);
	db_done(q);
	return deploy;
}

uint64_t
store_task_incompatible(
    struct store *store, uint64_t stage, uint64_t after, const char *digest)
{
	struct query *q = db_read(store_db(store),
	    "SELECT deploy FROM task WHERE stage = ? AND kind = 'MIGRATION' AND deploy > ?"
	    " AND is_compatible = 0 AND digest != ? ORDER BY deploy DESC LIMIT 1");
	uint64_t deploy = 0;

	query_integer(q, (int64_t)stage);
	query_integer(q, (int64_t)after);
	query_text(q, digest);
	if (db_next(q))
		deploy = (uint64_t)column_integer(q, 0);
	db_done(q);
	return deploy;
}
