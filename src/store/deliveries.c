/* deliveries.c - see deliveries.h. Ids rise by one, so the oldest is the one so many behind. */
#include "store/deliveries.h"

#include "base/limits.h"
#include "store/db.h"
#include "store/store.h"

bool
store_delivery_find(
    struct store *store, uint64_t project, const char *key, uint64_t *ret_deploy)
{
	struct query *q = db_read(
	    store_db(store), "SELECT deploy FROM delivery WHERE project = ? AND key = ?");
	bool is_found;

	query_integer(q, (int64_t)project);
	query_text(q, key);
	is_found = db_next(q);
	if (is_found)
		*ret_deploy = (uint64_t)column_integer(q, 0);
	db_done(q);
	return is_found;
}

void
store_delivery_add(struct store *store, uint64_t project, const char *key, uint64_t deploy)
{
	struct db *db = store_db(store);
	struct query *q =
	    db_write(db, "INSERT INTO delivery(project, key, deploy) VALUES(?, ?, ?)");

	query_integer(q, (int64_t)project);
	query_text(q, key);
	query_integer(q, (int64_t)deploy);
	db_run(q);
	q = db_write(db, "DELETE FROM delivery WHERE id = ?");
	query_integer(q, db_inserted(db) - WEBHOOK_DELIVERIES_MAX);
	db_run(q);
}
