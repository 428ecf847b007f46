/* statistics.c - see statistics.h. */
#include "store/statistics.h"

#include "base/check.h"
#include "store/db.h"
#include "store/store.h"

#define STEP(condition)                                                                       \
	"coalesce((SELECT min(j.at_ms) FROM journal j WHERE j.deploy = d.id AND j.deploy != " \
	"0"                                                                                   \
	" AND " condition "), 0)"
#define TIMES                                                                                 \
	"SELECT d.stage, d.state, d.trigger, d.created_ms, " STEP(                            \
	    "j.to_ = 'SWAPPING'") ", " STEP("j.from_ = 'SWAPPING' AND j.on_ = 'SWAPPED'") " " \
											  "F" \
											  "R" \
											  "O" \
											  "M" \
											  " " \
											  "d" \
											  "e" \
											  "p" \
											  "l" \
											  "o" \
											  "y" \
											  " " \
											  "d" \
											  " " \
											  "W" \
											  "H" \
											  "E" \
											  "R" \
											  "E" \
											  " "

/* Ids rise with time, so the first deploy that is too old ends the search. */
size_t
store_deploy_times(struct store *store, uint64_t stage, int64_t since_ms,
    struct deploy_times *to, size_t most)
{
	struct query *q =
	    stage == 0
		? db_read(store_db(store), TIMES "d.id < ?1 ORDER BY d.id DESC LIMIT ?2")
		: db_read(store_db(store),
		    TIMES "d.id < ?1 AND d.stage = ?3 ORDER BY d.id DESC LIMIT ?2");
	size_t count = 0;

	query_integer(q, INT64_MAX);
	query_integer(q, (int64_t)most);
	if (stage != 0)
		query_integer(q, (int64_t)stage);
	while (count < most && db_next(q)) {
		struct deploy_times *one = &to[count];

		*one = (struct deploy_times){ .stage = (uint64_t)column_integer(q, 0),
			.created_ms = column_integer(q, 3),
			.swap_ms = column_integer(q, 4),
			.live_ms = column_integer(q, 5) };
		if (one->created_ms < since_ms)
			break;
		column_copy(q, 1, one->state, sizeof(one->state));
		column_copy(q, 2, one->trigger, sizeof(one->trigger));
		count++;
	}
	db_done(q);
	return count;
}
