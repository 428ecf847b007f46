/* retention_rules.c - which rows have to go, and taking them out: see retention.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "store/catalog.h"
#include "store/db.h"
#include "store/deploys.h"
#include "store/promotions.h"
#include "store/retention_inside.h"
#include "store/store.h"

enum { DAY_MS = 86400000 };

/* One stage, as this step finds it. */
struct look {
	uint64_t stage;
	uint64_t last; /* the newest deploy that is one too many; 0: there is none */
	uint64_t targets[ROLLBACKS_MAX + 1];
	size_t target_count;
	bool has_all_targets;
};

struct old_deploy {
	uint64_t id;
	int64_t ended_ms;
	bool was_live;
	char digest[DIGEST_SIZE];
};

/* Marks: numbers in meta that only rise, so that what was removed is still known of. */

static int64_t
mark_get(struct store *store, const char *key)
{
	char text[24];

	store_meta_get(store, key, text, sizeof(text));
	return strtoll(text, NULL, 10);
}

static void
mark_raise(struct store *store, const char *key, int64_t value)
{
	char text[24];

	if (value <= mark_get(store, key))
		return;
	snprintf(text, sizeof(text), "%" PRId64, value);
	store_meta_put(store, key, text);
}

int64_t
store_journal_floor(struct store *store)
{
	return mark_get(store, "journal_floor");
}

bool
store_deploy_is_retired(struct store *store, uint64_t id)
{
	struct query *q;
	bool is_there;

	if (id == 0 || (int64_t)id > mark_get(store, "deploy_floor"))
		return false;
	q = db_read(store_db(store), "SELECT 1 FROM deploy WHERE id = ?");
	query_integer(q, (int64_t)id);
	is_there = db_next(q);
	db_done(q);
	return !is_there;
}

void
removal_begin(struct removal *s, struct store *store, const struct retention_rules *rules,
    int64_t now_ms)
{
	*s = (struct removal){ .store = store,
		.db = store_db(store),
		.rules = rules,
		.too_young_ms = now_ms - rules->days * DAY_MS,
		.rows_left = RETENTION_ROWS_MAX };
}

/* Rollback targets. */

int64_t
retention_versions(const struct retention_rules *rules, uint64_t stage)
{
	const struct stage_entry *entry =
	    rules->catalog == NULL ? NULL : catalog_stage(rules->catalog, stage);

	return entry == NULL || entry->spec->keep_versions == 0 ? rules->rollbacks
								: entry->spec->keep_versions;
}

static bool
is_among(struct str digest, char digests[][DIGEST_SIZE], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_is(digest, digests[i]))
			return true;
	return false;
}

size_t
store_rollback_targets(
    struct store *store, uint64_t stage, uint64_t *to, size_t most, bool *ret_is_whole)
{
	char digests[ROLLBACKS_MAX + 1][DIGEST_SIZE];
	size_t count = 0;
	size_t seen = 0;
	struct query *q = db_read(store_db(store),
	    "SELECT id, digest FROM deploy WHERE stage = ? AND state = 'LIVE'"
	    " ORDER BY id DESC LIMIT ?");

	CHECK(most <= ROLLBACKS_MAX + 1);
	query_integer(q, (int64_t)stage);
	query_integer(q, RETENTION_SCAN_MAX);
	while (count < most && db_next(q)) {
		seen++;
		if (is_among(column_str(q, 1), digests, count))
			continue;
		column_copy(q, 1, digests[count], DIGEST_SIZE);
		to[count++] = (uint64_t)column_integer(q, 0);
	}
	db_done(q);
	*ret_is_whole = count < most && seen < RETENTION_SCAN_MAX;
	return count;
}

static bool
has_newer_of_digest(struct removal *s, const struct look *look, const struct old_deploy *old)
{
	struct query *q = db_read(s->db,
	    "SELECT 1 FROM deploy WHERE state = 'LIVE' AND stage = ? AND digest = ?"
	    " AND id > ? LIMIT 1");
	bool found;

	query_integer(q, (int64_t)look->stage);
	query_text(q, old->digest);
	query_integer(q, (int64_t)old->id);
	found = db_next(q);
	db_done(q);
	return found;
}

/* When too many deploys of few versions hide the older versions, each version's newest stays. */
static bool
is_target(struct removal *s, const struct look *look, const struct old_deploy *old)
{
	for (size_t i = 0; i < look->target_count; i++)
		if (look->targets[i] == old->id)
			return true;
	return !look->has_all_targets && !has_newer_of_digest(s, look, old);
}

/* Removing. */

/* Rows of one kind that belong to a deploy; returns the highest seq among them, 0 for none. */
static int64_t
remove_rows(struct removal *s, struct query *q)
{
	int64_t last_seq = 0;

	query_integer(q, s->rows_left);
	while (db_next(q)) {
		int64_t seq = column_integer(q, 0);

		last_seq = seq > last_seq ? seq : last_seq;
		s->rows_left--;
		s->rows++;
	}
	return last_seq;
}

static void
remove_steps(struct removal *s, uint64_t deploy)
{
	struct query *q = db_write(s->db,
	    "DELETE FROM journal WHERE seq IN (SELECT seq FROM journal WHERE deploy != 0"
	    " AND deploy = ? ORDER BY seq LIMIT ?) RETURNING seq");

	query_integer(q, (int64_t)deploy);
	mark_raise(s->store, "journal_floor", remove_rows(s, q));
}

static void
remove_log(struct removal *s, uint64_t deploy)
{
	struct query *q =
	    db_write(s->db, "DELETE FROM deploy_log WHERE seq IN (SELECT seq FROM deploy_log"
			    " WHERE deploy = ? ORDER BY seq LIMIT ?) RETURNING seq");

	query_integer(q, (int64_t)deploy);
	remove_rows(s, q);
}

static void
run_about(struct removal *s, const char *sql, uint64_t id)
{
	struct query *q = db_write(s->db, sql);

	query_integer(q, (int64_t)id);
	db_run(q);
}

/* The marks rise before the last row goes: no id is given out twice, and what is gone is known. */
static bool
remove_deploy(struct removal *s, uint64_t deploy)
{
	mark_raise(s->store, "id_floor", (int64_t)store_id_max(s->store));
	mark_raise(s->store, "deploy_floor", (int64_t)deploy);
	remove_log(s, deploy);
	remove_steps(s, deploy);
	if (s->rows_left <= 0)
		return false;
	store_instances_forget(s->store, deploy);
	run_about(s, "DELETE FROM deploy_secret WHERE deploy = ?", deploy);
	run_about(s, "DELETE FROM deploy_env WHERE deploy = ?", deploy);
	run_about(s, "DELETE FROM swap WHERE deploy = ?", deploy);
	store_promotion_forget(s->store, deploy);
	/* What was migrated stays known: the same digest may come again (see MIGRATIONS_KEPT). */
	run_about(s,
	    "DELETE FROM task WHERE deploy = ? AND NOT (kind = 'MIGRATION' AND status = "
	    "'done')",
	    deploy);
	run_about(s, "DELETE FROM deploy WHERE id = ?", deploy);
	s->rows_left--;
	s->deploys++;
	return true;
}

/* Revisions of a stage's configuration that no deploy was made with any more. */
static void
remove_specs(struct removal *s, uint64_t stage)
{
	struct query *q = db_write(s->db, "DELETE FROM spec WHERE id IN (SELECT r.id FROM "
					  "spec r JOIN stage s ON s.id = r.stage"
					  " WHERE r.stage = ? AND r.id < s.spec"
					  " AND NOT EXISTS (SELECT 1 FROM deploy d WHERE "
					  "d.spec = r.id) LIMIT ?) RETURNING id");

	query_integer(q, (int64_t)stage);
	remove_rows(s, q);
}

static bool
has_old_spec(struct removal *s, uint64_t stage)
{
	struct query *q = db_read(s->db,
	    "SELECT 1 FROM spec r JOIN stage s ON s.id = r.stage WHERE r.stage = ? AND r.id < "
	    "s.spec"
	    " AND NOT EXISTS (SELECT 1 FROM deploy d WHERE d.spec = r.id) LIMIT 1");
	bool found;

	query_integer(q, (int64_t)stage);
	found = db_next(q);
	db_done(q);
	return found;
}

/* A look at one stage. */

static uint64_t
find_last(struct removal *s, uint64_t stage)
{
	struct query *q = db_read(
	    s->db, "SELECT id FROM deploy WHERE stage = ? ORDER BY id DESC LIMIT 1 OFFSET ?");
	uint64_t id = 0;

	query_integer(q, (int64_t)stage);
	query_integer(q, s->rules->deploys);
	if (db_next(q))
		id = (uint64_t)column_integer(q, 0);
	db_done(q);
	return id;
}

static size_t
read_old(struct removal *s, const struct look *look, uint64_t after, struct old_deploy *to)
{
	size_t count = 0;
	struct query *q = db_read(s->db,
	    "SELECT id, ended_ms, state = 'LIVE', digest FROM deploy WHERE stage = ?"
	    " AND id > ? AND id <= ? ORDER BY id LIMIT ?");

	query_integer(q, (int64_t)look->stage);
	query_integer(q, (int64_t)after);
	query_integer(q, (int64_t)look->last);
	query_integer(q, RETENTION_BATCH);
	while (count < RETENTION_BATCH && db_next(q)) {
		to[count] = (struct old_deploy){ .id = (uint64_t)column_integer(q, 0),
			.ended_ms = column_integer(q, 1),
			.was_live = column_integer(q, 2) != 0 };
		column_copy(q, 3, to[count].digest, DIGEST_SIZE);
		count++;
	}
	db_done(q);
	return count;
}

#define KEPT KEPT_DEPLOYS("")

/* It serves, or may do so again at once; what is under way replaces it and has yet to end its containers, or
 * has borrowed them; or it is pinned. */
static bool
is_needed(struct removal *s, uint64_t stage, uint64_t deploy)
{
	struct query *q = db_read(s->db,
	    "SELECT EXISTS (SELECT 1 FROM stage_actor WHERE id = ?"
	    " AND (live = ? OR stopped = ? OR ? IN (" KEPT ")))"
	    " OR EXISTS (SELECT 1 FROM deploy WHERE ended_ms = 0 AND stage = ?"
	    " AND (elder = ? OR body = ?)) OR EXISTS (SELECT 1 FROM pin WHERE deploy = ?)");
	bool result;

	query_integer(q, (int64_t)stage);
	for (int i = 0; i < 3; i++)
		query_integer(q, (int64_t)deploy);
	query_integer(q, (int64_t)stage);
	for (int i = 0; i < 3; i++)
		query_integer(q, (int64_t)deploy);
	CHECK(db_next(q));
	result = column_integer(q, 0) != 0;
	db_done(q);
	return result;
}

/* Too young, serving, needed, or to go back to; only the first ends the look: ids rise with time. */
enum verdict { REMOVE, KEEP, KEEP_THE_REST };

static enum verdict
judge(struct removal *s, const struct look *look, const struct old_deploy *old)
{
	if (old->ended_ms == 0)
		return KEEP;
	if (old->ended_ms > s->too_young_ms)
		return KEEP_THE_REST;
	if (is_needed(s, look->stage, old->id) || (old->was_live && is_target(s, look, old)))
		return KEEP;
	return REMOVE;
}

/* True: no old deploy is left that has to go. */
static bool
remove_old(struct removal *s, const struct look *look)
{
	struct old_deploy old[RETENTION_BATCH];
	uint64_t after = 0;
	size_t count;

	do {
		count = read_old(s, look, after, old);
		for (size_t i = 0; i < count; i++) {
			enum verdict verdict = judge(s, look, &old[i]);

			after = old[i].id;
			if (verdict == KEEP_THE_REST)
				return true;
			if (verdict == REMOVE && !remove_deploy(s, old[i].id))
				return false;
		}
	} while (count == RETENTION_BATCH);
	return true;
}

static void
look_at(struct removal *s, uint64_t stage, struct look *ret)
{
	size_t most = (size_t)retention_versions(s->rules, stage) + 1;
	bool is_whole;

	*ret = (struct look){ .stage = stage, .last = find_last(s, stage) };
	if (ret->last == 0)
		return;
	ret->target_count =
	    store_rollback_targets(s->store, stage, ret->targets, most, &is_whole);
	ret->has_all_targets = is_whole || ret->target_count == most;
}

size_t
store_deploys_going(struct store *store, const struct retention_rules *rules, uint64_t stage,
    int64_t now_ms, uint64_t *to, size_t most)
{
	struct removal s;
	struct old_deploy old[RETENTION_BATCH];
	enum verdict verdict = KEEP;
	struct look look;
	uint64_t after = 0;
	size_t going = 0;
	size_t count;

	removal_begin(&s, store, rules, now_ms);
	look_at(&s, stage, &look);
	do {
		count = look.last == 0 ? 0 : read_old(&s, &look, after, old);
		for (size_t i = 0; i < count && going < most && verdict != KEEP_THE_REST;
		     i++) {
			after = old[i].id;
			verdict = judge(&s, &look, &old[i]);
			if (verdict == REMOVE)
				to[going++] = after;
		}
	} while (count == RETENTION_BATCH && going < most && verdict != KEEP_THE_REST);
	return going;
}

bool
remove_of_stage(struct removal *s, uint64_t stage)
{
	struct look look;

	look_at(s, stage, &look);
	if (look.last != 0 && !remove_old(s, &look))
		return false;
	if (has_old_spec(s, stage))
		remove_specs(s, stage);
	return s->rows_left > 0;
}

bool
remove_steps_of_none(struct removal *s)
{
	struct query *q = db_read(s->db,
	    "SELECT 1 FROM journal WHERE deploy = 0 AND at_ms < ? ORDER BY at_ms LIMIT 1");
	bool is_found;

	query_integer(q, s->too_young_ms);
	is_found = db_next(q);
	db_done(q);
	if (!is_found)
		return true;
	q = db_write(s->db,
	    "DELETE FROM journal WHERE seq IN (SELECT seq FROM journal WHERE deploy = 0"
	    " AND at_ms < ? ORDER BY at_ms LIMIT ?) RETURNING seq");
	query_integer(q, s->too_young_ms);
	remove_rows(s, q);
	return s->rows_left > 0;
}

/* Of a deploy that is still under way they stay: they say what people were told of it already. */
#define OLD_NOTIFICATIONS                                                     \
	"WHERE ended_ms != 0 AND ended_ms < ? AND NOT EXISTS (SELECT 1 FROM " \
	"deploy d WHERE d.id = notify.deploy AND d.ended_ms = 0) ORDER BY ended_ms LIMIT "

/* The marks of ids rise as for deploys: an id that was given is none that comes again. */
bool
remove_notifications(struct removal *s)
{
	struct query *q = db_read(s->db, "SELECT 1 FROM notify " OLD_NOTIFICATIONS "1");
	bool is_found;

	query_integer(q, s->too_young_ms);
	is_found = db_next(q);
	db_done(q);
	if (!is_found)
		return true;
	mark_raise(s->store, "id_floor", (int64_t)store_id_max(s->store));
	q = db_write(s->db,
	    "DELETE FROM notify WHERE id IN (SELECT id FROM notify " OLD_NOTIFICATIONS
	    "?) RETURNING id");
	query_integer(q, s->too_young_ms);
	remove_rows(s, q);
	return s->rows_left > 0;
}
