/* promotions.c - see promotions.h. */
#include "store/promotions.h"

#include "base/clock.h"
#include "store/db.h"
#include "store/store.h"

void
store_wish_put(struct store *store, uint64_t deploy, const struct wish *wish)
{
	struct query *q = db_write(store_db(store),
	    "INSERT OR IGNORE INTO wish(deploy, by_, override) VALUES(?, ?, ?)");

	query_integer(q, (int64_t)deploy);
	query_text(q, wish->by);
	query_text(q, wish->override);
	db_run(q);
}

void
store_wish_get(struct store *store, uint64_t deploy, struct wish *ret_wish)
{
	struct query *q =
	    db_read(store_db(store), "SELECT by_, override FROM wish WHERE deploy = ?");

	*ret_wish = (struct wish){ .by = "" };
	query_integer(q, (int64_t)deploy);
	if (db_next(q)) {
		column_copy(q, 0, ret_wish->by, sizeof(ret_wish->by));
		column_copy(q, 1, ret_wish->override, sizeof(ret_wish->override));
	}
	db_done(q);
}

bool
store_approval_add(struct store *store, uint64_t deploy, const struct approval *approval)
{
	struct query *q =
	    db_read(store_db(store), "SELECT 1 FROM approval WHERE deploy = ? AND by_ = ?");
	bool is_known;

	query_integer(q, (int64_t)deploy);
	query_text(q, approval->by);
	is_known = db_next(q);
	db_done(q);
	if (is_known && !approval->is_rejection)
		return false;
	q = db_write(store_db(store),
	    "INSERT OR REPLACE INTO approval(deploy, by_, is_rejection, at_ms, note)"
	    " VALUES(?, ?, ?, ?, ?)");
	query_integer(q, (int64_t)deploy);
	query_text(q, approval->by);
	query_integer(q, approval->is_rejection);
	query_integer(q, clock_wall_ms());
	query_text(q, approval->note);
	db_run(q);
	return true;
}

size_t
store_approvals(struct store *store, uint64_t deploy, struct approval *to, size_t most)
{
	struct query *q =
	    db_read(store_db(store), "SELECT by_, note, at_ms, is_rejection FROM approval"
				     " WHERE deploy = ? ORDER BY by_ LIMIT ?");
	size_t count = 0;

	query_integer(q, (int64_t)deploy);
	query_integer(q, (int64_t)most);
	while (count < most && db_next(q)) {
		struct approval *a = &to[count++];

		column_copy(q, 0, a->by, sizeof(a->by));
		column_copy(q, 1, a->note, sizeof(a->note));
		a->at_ms = column_integer(q, 2);
		a->is_rejection = column_integer(q, 3) != 0;
	}
	db_done(q);
	return count;
}

void
store_promotion_forget(struct store *store, uint64_t deploy)
{
	struct query *q = db_write(store_db(store), "DELETE FROM wish WHERE deploy = ?");

	query_integer(q, (int64_t)deploy);
	db_run(q);
	q = db_write(store_db(store), "DELETE FROM approval WHERE deploy = ?");
	query_integer(q, (int64_t)deploy);
	db_run(q);
}

/* Some at a time: a look at both ends of the table is cheap, removing one by one is not. */
static void
trim(struct store *store)
{
	struct query *q =
	    db_read(store_db(store), "SELECT coalesce((SELECT min(seq) FROM audit), 0),"
				     " coalesce((SELECT max(seq) FROM audit), 0)");
	int64_t first;
	int64_t last;

	CHECK(db_next(q));
	first = column_integer(q, 0);
	last = column_integer(q, 1);
	db_done(q);
	if (last - first < AUDIT_MAX + AUDIT_SPARE)
		return;
	q = db_write(store_db(store), "DELETE FROM audit WHERE seq <= ?");
	query_integer(q, last - AUDIT_MAX);
	db_run(q);
}

void
store_audit_add(struct store *store, const struct audit_row *row)
{
	struct query *q = db_write(store_db(store),
	    "INSERT INTO audit(at_ms, by_, action, project, stage, deploy, text)"
	    " VALUES(?, ?, ?, ?, ?, ?, ?)");

	query_integer(q, clock_wall_ms());
	query_text(q, row->by);
	query_text(q, row->action);
	query_text(q, row->project);
	query_text(q, row->stage);
	query_integer(q, (int64_t)row->deploy);
	query_text(q, row->text);
	db_run(q);
	trim(store);
}

size_t
store_audit_log(struct store *store, int64_t before, struct audit_row *to, size_t most)
{
	struct query *q = db_read(store_db(store),
	    "SELECT seq, at_ms, deploy, by_, action, project, stage, text FROM audit"
	    " WHERE seq < ? ORDER BY seq DESC LIMIT ?");
	size_t count = 0;

	query_integer(q, before == 0 ? INT64_MAX : before);
	query_integer(q, (int64_t)most);
	while (count < most && db_next(q)) {
		struct audit_row *row = &to[count++];

		row->seq = column_integer(q, 0);
		row->at_ms = column_integer(q, 1);
		row->deploy = (uint64_t)column_integer(q, 2);
		column_copy(q, 3, row->by, sizeof(row->by));
		column_copy(q, 4, row->action, sizeof(row->action));
		column_copy(q, 5, row->project, sizeof(row->project));
		column_copy(q, 6, row->stage, sizeof(row->stage));
		column_copy(q, 7, row->text, sizeof(row->text));
	}
	db_done(q);
	return count;
}
