/* retention.c - see retention.h. */
#include "store/retention.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "store/db.h"
#include "store/deploys.h"
#include "store/store.h"

enum { DAY_MS = 86400000 };

struct retention {
	struct store *store;
	struct retention_rules rules;
	uint64_t queue[RETENTION_QUEUE_MAX]; /* a ring of stages to look at */
	size_t queue_first;
	size_t queue_count;
	bool is_round; /* over all stages, then over what belongs to none */
	uint64_t round_stage; /* the last one looked at; 0: at the beginning */
	bool is_round_past_stages;
	int64_t next_round_ms;
	uint64_t removed_deploys; /* since the last line in the log */
	uint64_t removed_rows;
};

/* What a step may still do. */
struct removal {
	struct retention *retention;
	struct db *db;
	int64_t too_young_ms;
	int64_t rows_left;
};

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

struct retention *
retention_new(struct store *store, const struct retention_rules *rules, int64_t now_ms)
{
	struct retention *r = calloc(1, sizeof(*r));

	CHECK(r != NULL && rules->rollbacks <= ROLLBACKS_MAX);
	r->store = store;
	r->rules = *rules;
	r->next_round_ms = now_ms + RETENTION_FIRST_MS;
	return r;
}

void
retention_free(struct retention *r)
{
	free(r);
}

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

/* Rollback targets. */

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
		CHECK(str_copy(digests[count], DIGEST_SIZE, column_str(q, 1)));
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
		s->retention->removed_rows++;
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
	mark_raise(s->retention->store, "journal_floor", remove_rows(s, q));
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
	mark_raise(
	    s->retention->store, "id_floor", (int64_t)store_id_max(s->retention->store));
	mark_raise(s->retention->store, "deploy_floor", (int64_t)deploy);
	remove_log(s, deploy);
	remove_steps(s, deploy);
	if (s->rows_left <= 0)
		return false;
	store_instances_forget(s->retention->store, deploy);
	run_about(s, "DELETE FROM swap WHERE deploy = ?", deploy);
	run_about(s, "DELETE FROM deploy WHERE id = ?", deploy);
	s->rows_left--;
	s->retention->removed_deploys++;
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
	query_integer(q, s->retention->rules.deploys);
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
		CHECK(str_copy(to[count].digest, DIGEST_SIZE, column_str(q, 3)));
		count++;
	}
	db_done(q);
	return count;
}

/* It serves, or what is under way replaces it and has yet to end its containers. */
static bool
is_needed(struct removal *s, uint64_t stage, uint64_t deploy)
{
	struct query *q = db_read(s->db,
	    "SELECT EXISTS (SELECT 1 FROM stage_actor WHERE id = ? AND live = ?)"
	    " OR EXISTS (SELECT 1 FROM deploy WHERE ended_ms = 0 AND stage = ?"
	    " AND elder = ?)");
	bool result;

	query_integer(q, (int64_t)stage);
	query_integer(q, (int64_t)deploy);
	query_integer(q, (int64_t)stage);
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

/* True: nothing is left to remove of this stage now. */
static bool
look_at(struct removal *s, uint64_t stage)
{
	struct look look = { .stage = stage, .last = find_last(s, stage) };
	size_t most = (size_t)s->retention->rules.rollbacks + 1;
	bool is_whole;

	if (look.last != 0) {
		look.target_count = store_rollback_targets(
		    s->retention->store, stage, look.targets, most, &is_whole);
		look.has_all_targets = is_whole || look.target_count == most;
		if (!remove_old(s, &look))
			return false;
	}
	if (has_old_spec(s, stage))
		remove_specs(s, stage);
	return s->rows_left > 0;
}

/* The steps of polls, stages and sweeps. True: no older ones are left. */
static bool
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

/* Where to look next. */

void
retention_look(struct retention *r, uint64_t stage)
{
	for (size_t i = 0; i < r->queue_count; i++)
		if (r->queue[(r->queue_first + i) % RETENTION_QUEUE_MAX] == stage)
			return;
	if (r->queue_count == RETENTION_QUEUE_MAX)
		r->next_round_ms = 0;
	else
		r->queue[(r->queue_first + r->queue_count++) % RETENTION_QUEUE_MAX] = stage;
}

int64_t
retention_due_ms(const struct retention *r, int64_t now_ms)
{
	return r->queue_count > 0 || r->is_round ? now_ms : r->next_round_ms;
}

static uint64_t
stage_after(struct retention *r, uint64_t stage)
{
	struct query *q = db_read(
	    store_db(r->store), "SELECT id FROM stage WHERE id > ? ORDER BY id LIMIT 1");
	uint64_t next = 0;

	query_integer(q, (int64_t)stage);
	if (db_next(q))
		next = (uint64_t)column_integer(q, 0);
	db_done(q);
	return next;
}

static void
end_round(struct retention *r, int64_t now_ms)
{
	r->is_round = false;
	r->next_round_ms = now_ms + RETENTION_ROUND_MS;
	if (r->removed_deploys + r->removed_rows == 0)
		return;
	log_info(NULL, "retention.removed",
	    "removed since the last time, as SLIPWAY_KEEP_DEPLOYS and SLIPWAY_KEEP_DAYS say:"
	    " deploys %" PRIu64 ", steps, lines and revisions %" PRIu64,
	    r->removed_deploys, r->removed_rows);
	r->removed_deploys = 0;
	r->removed_rows = 0;
}

/* One look, at what is most urgent. False: nothing is due. */
static bool
look_once(struct removal *s, int64_t now_ms)
{
	struct retention *r = s->retention;
	uint64_t next;

	if (r->queue_count > 0) {
		if (look_at(s, r->queue[r->queue_first])) {
			r->queue_first = (r->queue_first + 1) % RETENTION_QUEUE_MAX;
			r->queue_count--;
			remove_steps_of_none(s); /* deploys bring most of them */
		}
		return true;
	}
	if (!r->is_round)
		return false;
	next = r->is_round_past_stages ? 0 : stage_after(r, r->round_stage);
	if (next != 0) {
		if (look_at(s, next))
			r->round_stage = next;
		return true;
	}
	r->is_round_past_stages = true;
	if (remove_steps_of_none(s))
		end_round(r, now_ms);
	return true;
}

void
retention_step(struct retention *r, int64_t now_ms)
{
	struct removal s = { .retention = r,
		.db = store_db(r->store),
		.too_young_ms = now_ms - r->rules.days * DAY_MS,
		.rows_left = RETENTION_ROWS_MAX };

	if (!r->is_round && now_ms >= r->next_round_ms) {
		r->is_round = true;
		r->is_round_past_stages = false;
		r->round_stage = 0;
	}
	for (int i = 0; i < RETENTION_LOOKS_MAX && s.rows_left > 0; i++)
		if (!look_once(&s, now_ms))
			return;
}
