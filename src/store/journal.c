/* journal.c - every step worth keeping, in the transaction that took it. */
#include <string.h>

#include "store/db.h"
#include "store/store.h"

/* Which deploy and stage a step is about, so that a deploy's history is one index range. */
static void
subject(const struct actor *a, uint64_t *deploy, uint64_t *stage)
{
	*deploy = 0;
	*stage = 0;
	switch (a->kind) {
	case ACTOR_DEPLOY:
		*deploy = a->id;
		*stage = a->deploy.stage;
		break;
	case ACTOR_SWAP:
		*deploy = a->swap.deploy;
		*stage = a->swap.stage;
		break;
	case ACTOR_POLL:
		*stage = a->poll.stage;
		break;
	case ACTOR_STAGE:
		*stage = a->id;
		break;
	case ACTOR_NOTIFY: /* no part of the deploy's history, which ends with it */
		*stage = a->notify.stage;
		break;
	case ACTOR_SWEEP:
	case ACTOR_KIND_COUNT:
		break;
	}
}

int64_t
store_journal_add(struct store *store, int64_t at_ms, const struct actor *after,
    int from_state, enum event_kind on)
{
	const struct spec *spec = fsm_spec_of(after->kind);
	uint64_t deploy;
	uint64_t stage;
	struct query *q = db_write(store_db(store),
	    "INSERT INTO journal(at_ms, kind, actor, deploy, stage, from_, on_, to_)"
	    " VALUES(?, ?, ?, ?, ?, ?, ?, ?)");

	subject(after, &deploy, &stage);
	query_integer(q, at_ms);
	query_text(q, actor_kind_names[after->kind]);
	query_integer(q, (int64_t)after->id);
	query_integer(q, (int64_t)deploy);
	query_integer(q, (int64_t)stage);
	query_text(q, spec->state_names[from_state]);
	query_text(q, event_names[on]);
	query_text(q, spec->state_names[after->state]);
	db_run(q);
	return db_inserted(store_db(store));
}

static void
read_row(struct query *q, struct journal_row *row)
{
	*row = (struct journal_row){ .seq = column_integer(q, 0),
		.at_ms = column_integer(q, 1),
		.actor = (uint64_t)column_integer(q, 3),
		.deploy = (uint64_t)column_integer(q, 4),
		.stage = (uint64_t)column_integer(q, 5) };
	column_copy(q, 2, row->kind, sizeof(row->kind));
	column_copy(q, 6, row->from, sizeof(row->from));
	column_copy(q, 7, row->on, sizeof(row->on));
	column_copy(q, 8, row->to, sizeof(row->to));
}

#define ROWS \
	"SELECT seq, at_ms, kind, actor, deploy, stage, from_, on_, to_ FROM journal WHERE "

size_t
store_journal(struct store *store, uint64_t deploy, int64_t after_seq, struct journal_row *to,
    size_t most)
{
	size_t count = 0;
	struct query *q;

	if (deploy != 0) {
		q = db_read(store_db(store),
		    ROWS "deploy != 0 AND deploy = ? AND seq > ? ORDER BY seq LIMIT ?");
		query_integer(q, (int64_t)deploy);
	} else {
		q = db_read(store_db(store), ROWS "seq > ? ORDER BY seq LIMIT ?");
	}
	query_integer(q, after_seq);
	query_integer(q, (int64_t)most);
	while (count < most && db_next(q))
		read_row(q, &to[count++]);
	db_done(q);
	return count;
}

int64_t
store_journal_last(struct store *store)
{
	struct query *q =
	    db_read(store_db(store), "SELECT coalesce(max(seq), 0) FROM journal");
	int64_t seq;

	CHECK(db_next(q));
	seq = column_integer(q, 0);
	db_done(q);
	return seq;
}
