/* check_journal.c - laws of history: the journal of each actor is a path through its table, without
 * gaps, that ends once; and played back it gives what is stored. Where retention removes rows under the
 * simulator's eyes, what is left has to be such a path.
 *
 * Rows of polls and sweeps have quiet steps between them, which are not written down: there the path
 * may go on where quiet rows lead. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim.h"
#include "store/db.h"
#include "store/store.h"

struct history {
	enum actor_kind kind;
	int state; /* after the row read last; -1: none read */
	uint32_t rows;
};

static struct history histories[WORLD_DEPLOYS];

static int
event_by_name(const char *name)
{
	for (int i = 0; i < EV_COUNT; i++)
		if (strcmp(event_names[i], name) == 0)
			return i;
	return -1;
}

static enum actor_kind
kind_by_name(const char *name)
{
	int kind = 0;

	while (kind < ACTOR_KIND_COUNT && strcmp(actor_kind_names[kind], name) != 0)
		kind++;
	return (enum actor_kind)kind;
}

/* Set of the states where quiet rows may lead from here. */
static uint64_t
quietly_reached(const struct spec *s, uint64_t from)
{
	uint64_t before;

	do {
		before = from;
		for (int i = 0; i < s->row_count; i++)
			if (s->rows[i].is_quiet && (from >> s->rows[i].in & 1u))
				from |= STATE(s->rows[i].then);
	} while (from != before);
	return from;
}

static bool
is_in_table(const struct spec *s, int from, int on, int to)
{
	for (int i = 0; i < s->row_count; i++)
		if (s->rows[i].in == from && (s->rows[i].on >> on & 1u)
		    && s->rows[i].then == to && !s->rows[i].is_quiet)
			return true;
	return false;
}

static void
read_row(const struct journal_row *row)
{
	struct history *h = &histories[row->actor];
	enum actor_kind kind = kind_by_name(row->kind);
	const struct spec *s = fsm_spec_of(kind);
	int from = fsm_state_by_name(s, row->from);
	int to = fsm_state_by_name(s, row->to);
	int on = event_by_name(row->on);
	uint64_t begins = h->rows == 0 ? s->initial : STATE(h->state);

	if (h->rows > 0 && fsm_is_final(s, h->state))
		sim_fail("a history goes on after its end", row->actor);
	if (h->rows > 0 && h->kind != kind)
		sim_fail("a history of two kinds", row->actor);
	if (from < 0 || to < 0 || on < 0 || !is_in_table(s, from, on, to))
		sim_fail("a step that is in no table", row->actor);
	if (h->rows == 0 && sim.keeps_little)
		begins = STATE(from); /* the rows before were removed */
	if (!(begins >> from & 1u) && !(quietly_reached(s, begins) >> from & 1u))
		sim_fail("a history with a gap", row->actor);
	h->kind = kind;
	h->state = to;
	h->rows++;
}

static void
compare(uint64_t id, const char *state_name, uint32_t epoch, enum actor_kind kind)
{
	const struct history *h = &histories[id];
	const struct spec *s = fsm_spec_of(kind);
	int state = fsm_state_by_name(s, state_name);
	bool is_exact = kind == ACTOR_DEPLOY || kind == ACTOR_SWAP || kind == ACTOR_NOTIFY;

	if (h->rows == 0) {
		if (sim.keeps_little)
			return;
		if (is_exact || !(s->initial >> state & 1u))
			sim_fail("stored without a history", id);
		return;
	}
	if (h->kind != kind || h->state != state)
		sim_fail("the history does not give what is stored", id);
	if (is_exact && !sim.keeps_little ? epoch != h->rows : epoch < h->rows)
		sim_fail("the epoch is not the count of the steps", id);
}

void
check_journal(void)
{
	static const char *const tables[ACTOR_KIND_COUNT] = {
		[ACTOR_DEPLOY] = "SELECT id, state, epoch FROM deploy",
		[ACTOR_SWAP] = "SELECT id, state, epoch FROM swap",
		[ACTOR_POLL] = "SELECT id, state, epoch FROM poll_actor",
		[ACTOR_STAGE] = "SELECT id, state, epoch FROM stage_actor",
		[ACTOR_SWEEP] = "SELECT id, state, epoch FROM sweep_actor",
		[ACTOR_NOTIFY] = "SELECT id, state, epoch FROM notify",
	};
	struct journal_row rows[64];
	int64_t after = 0;
	size_t count;

	memset(histories, 0, sizeof(histories));
	do {
		count = store_journal(sim.store, 0, after, rows, COUNT(rows));
		for (size_t i = 0; i < count; i++) {
			CHECK(rows[i].actor < WORLD_DEPLOYS);
			read_row(&rows[i]);
			after = rows[i].seq;
		}
	} while (count == COUNT(rows));
	for (int kind = 0; kind < ACTOR_KIND_COUNT; kind++) {
		struct query *q = db_read(store_db(sim.store), tables[kind]);
		while (db_next(q))
			compare((uint64_t)column_integer(q, 0), column_text(q, 1),
			    (uint32_t)column_integer(q, 2), (enum actor_kind)kind);
	}
}
