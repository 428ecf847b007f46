/* answers.c - see answers.h. Each new answer takes away a few of those that are too old or too many, so the
 * table never grows beyond its bound and no step takes long. */
#include "store/answers.h"

#include "base/limits.h"
#include "store/db.h"
#include "store/store.h"

enum { REMOVED_AT_ONCE = 32 };

bool
store_answer_get(struct store *store, struct str key, int64_t now_ms, struct kept_answer *ret,
    struct buf *body)
{
	struct query *q = db_read(store_db(store),
	    "SELECT request, status, is_whole, body FROM answer WHERE key = ? AND at_ms > ?");
	bool found;

	query_str(q, key);
	query_integer(q, now_ms - IDEMPOTENCY_MS);
	found = db_next(q);
	if (found) {
		column_copy(q, 0, ret->request, sizeof(ret->request));
		ret->status = (int)column_integer(q, 1);
		ret->is_whole = column_integer(q, 2) != 0;
		buf_str(body, column_str(q, 3));
	}
	db_done(q);
	return found;
}

static void
remove_old(struct store *store, int64_t now_ms, int64_t newest)
{
	struct query *q =
	    db_write(store_db(store), "DELETE FROM answer WHERE seq IN (SELECT seq FROM "
				      "answer WHERE at_ms <= ? LIMIT ?)");

	query_integer(q, now_ms - IDEMPOTENCY_MS);
	query_integer(q, REMOVED_AT_ONCE);
	db_run(q);
	q = db_write(store_db(store), "DELETE FROM answer WHERE seq <= ?");
	query_integer(q, newest - IDEMPOTENCY_KEYS_MAX);
	db_run(q);
}

void
store_answer_put(struct store *store, struct str key, int64_t now_ms,
    const struct kept_answer *answer, struct str body)
{
	struct query *q = db_write(store_db(store),
	    "INSERT OR REPLACE INTO answer(key, request, at_ms, status, is_whole, body)"
	    " VALUES(?, ?, ?, ?, ?, ?)");

	query_str(q, key);
	query_text(q, answer->request);
	query_integer(q, now_ms);
	query_integer(q, answer->status);
	query_integer(q, answer->is_whole);
	query_str(q, answer->is_whole ? body : STR(""));
	db_run(q);
	remove_old(store, now_ms, db_inserted(store_db(store)));
}
