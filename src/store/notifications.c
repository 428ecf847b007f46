/* notifications.c - see notifications.h. */
#include "store/notifications.h"

#include <string.h>

#include "store/db.h"
#include "store/store.h"

#define COLUMNS_FROM                                                                     \
	"SELECT d.id, p.name, s.name, d.state, d.notice, d.stage, d.deploy, d.tries,"    \
	" d.status, d.created_ms, d.due_ms, d.ended_ms, d.receiver, d.tier, d.delivery," \
	" d.tag, d.digest, d.text, d.reason FROM "
#define JOINS "CROSS JOIN stage s ON s.id = d.stage CROSS JOIN project p ON p.id = s.project "
#define COLUMNS COLUMNS_FROM "notify d " JOINS

static void
read_row(struct query *q, struct notification *row)
{
	struct notify *n = &row->of;

	*row = (struct notification){ .id = (uint64_t)column_integer(q, 0) };
	column_copy(q, 1, row->project, sizeof(row->project));
	column_copy(q, 2, row->stage_name, sizeof(row->stage_name));
	column_copy(q, 3, row->state, sizeof(row->state));
	column_copy(q, 4, row->event, sizeof(row->event));
	n->stage = (uint64_t)column_integer(q, 5);
	n->deploy = (uint64_t)column_integer(q, 6);
	n->tries = (uint32_t)column_integer(q, 7);
	n->status = (uint32_t)column_integer(q, 8);
	n->created_ms = column_integer(q, 9);
	n->due_ms = column_integer(q, 10);
	n->ended_ms = column_integer(q, 11);
	column_copy(q, 12, n->receiver, sizeof(n->receiver));
	column_copy(q, 13, n->tier, sizeof(n->tier));
	column_copy(q, 14, n->delivery, sizeof(n->delivery));
	column_copy(q, 15, n->tag, sizeof(n->tag));
	column_copy(q, 16, n->digest, sizeof(n->digest));
	column_copy(q, 17, n->text, sizeof(n->text));
	column_copy(q, 18, n->reason, sizeof(n->reason));
}

bool
store_notification_get(struct store *store, uint64_t id, struct notification *ret_row)
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

/* As deploys are paged: see deploys.c. */
#define PAGE "ORDER BY d.id DESC LIMIT ?2"
#define NEWEST(of_stage, before, and_state)                                \
	"SELECT (SELECT max(x.id) FROM notify x WHERE x.stage = " of_stage \
	" AND x.id < " before and_state "), " of_stage
#define MERGE(and_state)                                                                     \
	"WITH RECURSIVE newest(id, stage) AS (" NEWEST("s.id", "?1",                         \
	    and_state) " FROM stage s WHERE s.project = (SELECT id FROM project WHERE name " \
		       "= ?3)"                                                               \
		       " UNION ALL " NEWEST("n.stage", "n.id",                               \
			   and_state) " FROM newest n WHERE n.id IS NOT NULL ORDER BY 1 "    \
				      "DESC LIMIT ?2) " COLUMNS_FROM                         \
				      "newest n CROSS JOIN notify d ON d.id = n.id " JOINS   \
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
store_notifications(struct store *store, const struct notification_filter *filter,
    struct notification *to, size_t most)
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

bool
store_notification_is_told(struct store *store, const struct notify *what, int64_t since_ms)
{
	struct query *q =
	    db_read(store_db(store), "SELECT 1 FROM notify WHERE receiver = ? AND stage = ? "
				     "AND notice = ? AND subject = ?"
				     " AND created_ms > ? LIMIT 1");
	bool found;

	query_text(q, what->receiver);
	query_integer(q, (int64_t)what->stage);
	query_text(q, notice_names[what->notice]);
	query_text(q, what->subject);
	query_integer(q, since_ms);
	found = db_next(q);
	db_done(q);
	return found;
}
