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

int64_t
store_tag_first_ms(struct store *store, uint64_t stage, const char *tag, const char *digest)
{
	struct query *q = db_read(store_db(store),
	    "SELECT first_ms FROM tag_seen WHERE stage = ? AND tag = ? AND digest = ?");
	int64_t first_ms = 0;

	query_integer(q, (int64_t)stage);
	query_text(q, tag);
	query_text(q, digest);
	if (db_next(q))
		first_ms = column_integer(q, 0);
	db_done(q);
	return first_ms;
}

bool
store_tag_record(
    struct store *store, uint64_t stage, const char *tag, char ret_digest[DIGEST_SIZE])
{
	struct query *q = db_read(store_db(store),
	    "SELECT digest FROM tag_seen WHERE stage = ? AND tag = ? AND is_moved = 0"
	    " ORDER BY first_ms DESC LIMIT 1");
	bool is_known;

	query_integer(q, (int64_t)stage);
	query_text(q, tag);
	is_known = db_next(q);
	if (is_known)
		column_copy(q, 0, ret_digest, DIGEST_SIZE);
	db_done(q);
	return is_known;
}

/* The oldest go, one for each that comes. */
static void
trim(struct store *store, uint64_t stage)
{
	struct query *q = db_write(store_db(store),
	    "DELETE FROM tag_seen WHERE stage = ?1 AND first_ms < (SELECT first_ms FROM "
	    "tag_seen"
	    " WHERE stage = ?1 ORDER BY first_ms DESC LIMIT 1 OFFSET ?2)");

	query_integer(q, (int64_t)stage);
	query_integer(q, TAGS_SEEN_MAX - 1);
	db_run(q);
}

void
store_tag_see(struct store *store, uint64_t stage, const char *tag, const char *digest,
    int64_t now_ms, bool is_moved)
{
	struct query *q = db_write(store_db(store),
	    "INSERT OR IGNORE INTO tag_seen(stage, tag, digest, first_ms, is_moved)"
	    " VALUES(?, ?, ?, ?, ?)");

	query_integer(q, (int64_t)stage);
	query_text(q, tag);
	query_text(q, digest);
	query_integer(q, now_ms);
	query_integer(q, is_moved);
	db_run(q);
	trim(store, stage);
}

void
store_tag_settle(
    struct store *store, uint64_t stage, const char *tag, const char *digest, int64_t now_ms)
{
	struct query *q = db_write(store_db(store),
	    "DELETE FROM tag_seen WHERE stage = ? AND tag = ? AND digest != ?");

	query_integer(q, (int64_t)stage);
	query_text(q, tag);
	query_text(q, digest);
	db_run(q);
	store_tag_see(store, stage, tag, digest, now_ms, false);
	q = db_write(store_db(store),
	    "UPDATE tag_seen SET is_moved = 0 WHERE stage = ? AND tag = ? AND digest = ?");
	query_integer(q, (int64_t)stage);
	query_text(q, tag);
	query_text(q, digest);
	db_run(q);
}

size_t
store_tags_moved(struct store *store, uint64_t stage, struct moved_tag *to, size_t most)
{
	struct query *q = db_read(store_db(store),
	    "SELECT tag, digest, first_ms FROM tag_seen WHERE stage = ? AND is_moved = 1"
	    " ORDER BY first_ms DESC LIMIT ?");
	size_t count = 0;

	query_integer(q, (int64_t)stage);
	query_integer(q, (int64_t)most);
	while (count < most && db_next(q)) {
		column_copy(q, 0, to[count].tag, sizeof(to[count].tag));
		column_copy(q, 1, to[count].digest, sizeof(to[count].digest));
		to[count].since_ms = column_integer(q, 2);
		count++;
	}
	db_done(q);
	return count;
}
