/* retention.c - when and where to look for what has to go: after the end of a deploy at its stage, and
 * from time to time at everything. What goes is retention_rules.c. */
#include "store/retention_inside.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/db.h"
#include "store/store.h"

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

const struct retention_rules *
retention_rules(const struct retention *r)
{
	return &r->rules;
}

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

void
retention_round(struct retention *r)
{
	r->next_round_ms = 0;
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
look_once(struct retention *r, struct removal *s)
{
	uint64_t next;

	if (r->queue_count > 0) {
		if (remove_of_stage(s, r->queue[r->queue_first])) {
			r->queue_first = (r->queue_first + 1) % RETENTION_QUEUE_MAX;
			r->queue_count--;
			remove_steps_of_none(s); /* deploys bring most of them */
			remove_notifications(s);
		}
		return true;
	}
	if (!r->is_round)
		return false;
	next = r->is_round_past_stages ? 0 : stage_after(r, r->round_stage);
	if (next != 0) {
		if (remove_of_stage(s, next))
			r->round_stage = next;
		return true;
	}
	r->is_round_past_stages = true;
	if (remove_steps_of_none(s) && remove_notifications(s))
		r->is_round = false;
	return true;
}

void
retention_step(struct retention *r, int64_t now_ms)
{
	struct removal s;
	bool was_round;

	removal_begin(&s, r->store, &r->rules, now_ms);

	if (!r->is_round && now_ms >= r->next_round_ms) {
		r->is_round = true;
		r->is_round_past_stages = false;
		r->round_stage = 0;
	}
	was_round = r->is_round;
	for (int i = 0; i < RETENTION_LOOKS_MAX && s.rows_left > 0; i++)
		if (!look_once(r, &s))
			break;
	r->removed_deploys += s.deploys;
	r->removed_rows += s.rows;
	if (was_round && !r->is_round)
		end_round(r, now_ms);
}
