/* tags.c - see tags.h. */
#include "store/tags.h"

#include "store/db.h"
#include "store/store.h"

void
store_tag_marks(
    struct store *store, uint64_t stage, uint64_t poll, struct tag_marks *ret_marks)
{
	struct query *q;

	*ret_marks = (struct tag_marks){ .seen_tag = "" };
	q = db_read(store_db(store), "SELECT tag, digest FROM poll_actor WHERE id = ?");
	query_integer(q, (int64_t)poll);
	if (db_next(q)) {
		column_copy(q, 0, ret_marks->seen_tag, sizeof(ret_marks->seen_tag));
		column_copy(q, 1, ret_marks->seen_digest, sizeof(ret_marks->seen_digest));
	}
	db_done(q);
	q = db_read(store_db(store),
	    "SELECT d.tag, d.digest FROM stage_actor s JOIN deploy d ON d.id = s.live"
	    " WHERE s.id = ?");
	query_integer(q, (int64_t)stage);
	if (db_next(q)) {
		column_copy(q, 0, ret_marks->live_tag, sizeof(ret_marks->live_tag));
		column_copy(q, 1, ret_marks->live_digest, sizeof(ret_marks->live_digest));
	}
	db_done(q);
}
