/* images.c - see images.h. */
#include "store/images.h"

#include <string.h>

#include "store/db.h"
#include "store/deploys.h"
#include "store/retention.h"
#include "store/store.h"

#define COLUMNS                                                                           \
	"SELECT engine, repository, digest, pulled_ms, used_ms, tries, next_ms, trouble " \
	"FROM image "

static void
read_image(struct query *q, struct image *ret)
{
	*ret = (struct image){ .engine = (uint64_t)column_integer(q, 0),
		.pulled_ms = column_integer(q, 3),
		.used_ms = column_integer(q, 4),
		.tries = column_integer(q, 5),
		.next_ms = column_integer(q, 6) };
	column_copy(q, 1, ret->repository, sizeof(ret->repository));
	column_copy(q, 2, ret->digest, sizeof(ret->digest));
	column_copy(q, 7, ret->trouble, sizeof(ret->trouble));
}

void
store_image_put(struct store *store, const struct image *image)
{
	struct query *q = db_write(store_db(store),
	    "INSERT OR REPLACE INTO image(engine, repository, digest, pulled_ms, used_ms,"
	    " tries, next_ms, trouble) VALUES(?, ?, ?, ?, ?, ?, ?, ?)");

	query_integer(q, (int64_t)image->engine);
	query_text(q, image->repository);
	query_text(q, image->digest);
	query_integer(q, image->pulled_ms);
	query_integer(q, image->used_ms);
	query_integer(q, image->tries);
	query_integer(q, image->next_ms);
	query_text(q, image->trouble);
	db_run(q);
}

bool
store_image_get(struct store *store, uint64_t engine, const char *repository,
    const char *digest, struct image *ret)
{
	struct query *q = db_read(
	    store_db(store), COLUMNS "WHERE engine = ? AND repository = ? AND digest = ?");
	bool is_found;

	query_integer(q, (int64_t)engine);
	query_text(q, repository);
	query_text(q, digest);
	is_found = db_next(q);
	if (is_found)
		read_image(q, ret);
	db_done(q);
	return is_found;
}

void
store_image_forget(struct store *store, const struct image *image)
{
	struct query *q = db_write(store_db(store),
	    "DELETE FROM image WHERE engine = ? AND repository = ? AND digest = ?");

	query_integer(q, (int64_t)image->engine);
	query_text(q, image->repository);
	query_text(q, image->digest);
	db_run(q);
}

size_t
store_images(struct store *store, const struct image *after, struct image *to, size_t most)
{
	struct query *q =
	    db_read(store_db(store), COLUMNS "WHERE (engine, repository, digest) > (?, ?, ?)"
					     " ORDER BY engine, repository, digest LIMIT ?");
	size_t count = 0;

	query_integer(q, after == NULL ? -1 : (int64_t)after->engine);
	query_text(q, after == NULL ? "" : after->repository);
	query_text(q, after == NULL ? "" : after->digest);
	query_integer(q, (int64_t)most);
	while (count < most && db_next(q))
		read_image(q, &to[count++]);
	db_done(q);
	return count;
}

/* Judging: one stage that has a deploy of the digest at a time. */

/* The first column of the first row, of a question about a stage and a digest; 0: there is none. */
static uint64_t
find(struct store *store, const char *sql, uint64_t stage, const char *digest)
{
	struct query *q = db_read(store_db(store), sql);
	uint64_t found = 0;

	query_integer(q, (int64_t)stage);
	query_text(q, digest);
	if (db_next(q))
		found = (uint64_t)column_integer(q, 0);
	db_done(q);
	return found;
}

/* One of the versions to go back to. While more deploys than are read hide the older versions, each
 * version that was live stays. */
static uint64_t
find_target(struct store *store, const struct retention_rules *rules, uint64_t stage,
    const char *digest)
{
	uint64_t targets[ROLLBACKS_MAX + 1];
	size_t most = (size_t)retention_versions(rules, stage) + 1;
	bool is_whole;
	size_t count = store_rollback_targets(store, stage, targets, most, &is_whole);
	struct deploy_brief brief;

	for (size_t i = 0; i < count; i++)
		if (store_deploy_brief(store, targets[i], &brief)
		    && strcmp(brief.digest, digest) == 0)
			return targets[i];
	if (is_whole || count == most)
		return 0;
	return find(store,
	    "SELECT id FROM deploy WHERE stage = ? AND digest = ? AND state = 'LIVE'"
	    " ORDER BY id DESC LIMIT 1",
	    stage, digest);
}

static bool
is_needed_by(struct store *store, const struct retention_rules *rules, uint64_t stage,
    const char *digest, struct image_verdict *ret)
{
	ret->stage = stage;
	ret->need = IMAGE_LIVE;
	ret->deploy = find(store,
	    "SELECT d.id FROM stage_actor a JOIN deploy d ON d.id = a.live"
	    " WHERE a.id = ? AND d.digest = ?",
	    stage, digest);
	if (ret->deploy != 0)
		return true;
	ret->need = IMAGE_UNDER_WAY;
	ret->deploy = find(store,
	    "SELECT id FROM deploy WHERE ended_ms = 0 AND stage = ? AND digest = ? LIMIT 1",
	    stage, digest);
	if (ret->deploy != 0)
		return true;
	ret->need = IMAGE_ROLLBACK;
	ret->deploy = find_target(store, rules, stage, digest);
	if (ret->deploy != 0)
		return true;
	ret->need = IMAGE_PINNED;
	ret->deploy = find(store,
	    "SELECT deploy FROM pin WHERE stage = ? AND digest = ? LIMIT 1", stage, digest);
	return ret->deploy != 0;
}

static uint64_t
stage_after(struct store *store, uint64_t stage, const char *digest)
{
	return find(store,
	    "SELECT stage FROM deploy WHERE stage > ? AND digest != '' AND digest = ?"
	    " ORDER BY stage LIMIT 1",
	    stage, digest);
}

void
store_image_judge(struct store *store, const struct retention_rules *rules,
    const struct image *image, int64_t now_ms, struct image_verdict *ret)
{
	int64_t until_ms = image->used_ms + rules->images_ms;

	for (uint64_t stage = stage_after(store, 0, image->digest); stage != 0;
	     stage = stage_after(store, stage, image->digest)) {
		*ret = (struct image_verdict){ 0 };
		if (is_needed_by(store, rules, stage, image->digest, ret))
			return;
	}
	*ret = (struct image_verdict){ .need = now_ms < until_ms ? IMAGE_YOUNG : IMAGE_FREE,
		.until_ms = now_ms < until_ms ? until_ms : 0 };
}

/* Pins. */

void
store_pin(struct store *store, uint64_t deploy, int64_t now_ms)
{
	struct query *q =
	    db_write(store_db(store), "INSERT OR IGNORE INTO pin(deploy, stage, digest, at_ms)"
				      " SELECT id, stage, digest, ? FROM deploy WHERE id = ?");

	query_integer(q, now_ms);
	query_integer(q, (int64_t)deploy);
	db_run(q);
}

void
store_unpin(struct store *store, uint64_t deploy)
{
	struct query *q = db_write(store_db(store), "DELETE FROM pin WHERE deploy = ?");

	query_integer(q, (int64_t)deploy);
	db_run(q);
}

bool
store_is_pinned(struct store *store, uint64_t deploy)
{
	struct query *q = db_read(store_db(store), "SELECT 1 FROM pin WHERE deploy = ?");
	bool is_pinned;

	query_integer(q, (int64_t)deploy);
	is_pinned = db_next(q);
	db_done(q);
	return is_pinned;
}

int64_t
store_pins_count(struct store *store, uint64_t stage)
{
	struct query *q = db_read(store_db(store), "SELECT count(*) FROM pin WHERE stage = ?");
	int64_t count;

	query_integer(q, (int64_t)stage);
	CHECK(db_next(q));
	count = column_integer(q, 0);
	db_done(q);
	return count;
}
