/* audit.c - rows that no Slipway wrote.
 *
 * The one idea: the machines CHECK what they assume of each other, and a CHECK that fails ends the
 * process at any later time, and again after each start. So what one row says of another is
 * looked at once, before an actor is loaded; a store that was damaged or edited is refused in one
 * sentence that names the row. Only what can still move is looked at, through an index: a long
 * history costs nothing here. */
#include "base/notice.h"
#include "store/db.h"
#include "store/store.h"

struct rule {
	const char *who; /* the row at fault is called so, with its id */
	const char *what; /* and this is wrong with it */
	const char *sql; /* the ids of such rows */
};

/* Ids are counted up from 1, epochs with each step: neither comes near its end in a thousand
 * years. */
#define ID_END "4611686018427387904"
#define EPOCH_END "2147483648"
/* Of a moment in milliseconds: there is room to count on from it, or back. */
#define TIME_END ID_END
#define DAY_MS "86400000"
#define NO " NOT EXISTS (SELECT 1 FROM "
#define BAD_IDS(table)                          \
	"SELECT id FROM " table " WHERE id < 1" \
	" UNION ALL SELECT id FROM " table " WHERE id >= " ID_END
/* Each place of a stage for a version that runs on; of(deploy, until_ms). */
#define EACH_KEPT(of)                                                                         \
	of("warm", "warm_until_ms") of("kept_deploy_1", "kept_until_ms_1")                    \
	    of("kept_deploy_2", "kept_until_ms_2") of("kept_deploy_3", "kept_until_ms_3")     \
		of("kept_deploy_4", "kept_until_ms_4") of("kept_deploy_5", "kept_until_ms_5") \
		    of("kept_deploy_6", "kept_until_ms_6")
#define LASTS_TOO_LONG(deploy, until_ms)                                            \
	" UNION ALL SELECT id FROM stage_actor WHERE " until_ms " < 0 OR " until_ms \
	" > " TIME_END
#define IS_KEPT_BADLY(deploy, until_ms)                                                    \
	" UNION ALL SELECT a.id FROM stage_actor a WHERE a." deploy " != 0 AND (a." deploy \
	" = a.live OR" NO "deploy d WHERE d.id = a." deploy                                \
	" AND d.stage = a.id AND d.ended_ms != 0))"
#define EACH_ACTOR                                                     \
	"SELECT id, epoch FROM deploy WHERE ended_ms = 0"              \
	" UNION ALL SELECT id, epoch FROM swap WHERE deadline_ms != 0" \
	" UNION ALL SELECT id, epoch FROM poll_actor"                  \
	" UNION ALL SELECT id, epoch FROM stage_actor"                 \
	" UNION ALL SELECT id, epoch FROM sweep_actor"                 \
	" UNION ALL SELECT id, epoch FROM notify WHERE ended_ms = 0"
#define QUOTED(name, text) ", '" text "'"

/* clang-format off */
static const struct rule rules[] = {
	{ "an actor", "has an id that is never given",
	  BAD_IDS("deploy") " UNION ALL " BAD_IDS("swap") " UNION ALL " BAD_IDS("poll_actor")
	  " UNION ALL " BAD_IDS("stage_actor") " UNION ALL " BAD_IDS("sweep_actor")
	  " UNION ALL " BAD_IDS("notify") },
	{ "actor", "is there twice",
	  "SELECT id FROM (" EACH_ACTOR ") GROUP BY id HAVING count(*) > 1" },
	{ "actor", "has taken more steps than there can be",
	  "SELECT id FROM (" EACH_ACTOR ") WHERE epoch < 0 OR epoch >= " EPOCH_END },
	{ "actor", "is of a time that there cannot be",
	  "SELECT id FROM deploy WHERE ended_ms = 0 AND (created_ms < 0 OR created_ms > " TIME_END
	  " OR watched_since_ms < 0 OR watched_since_ms > " TIME_END ")"
	  " UNION ALL SELECT id FROM notify WHERE ended_ms = 0"
	  " AND (created_ms < 0 OR created_ms > " TIME_END ")"
	  " UNION ALL SELECT id FROM stage_actor WHERE live_since_ms < 0 OR live_since_ms > " TIME_END
	  " OR frozen_until_ms < 0"
	  EACH_KEPT(LASTS_TOO_LONG) },
	{ "stage", "lacks its project, its configuration or one of its actors",
	  "SELECT s.id FROM stage s WHERE" NO "project p WHERE p.id = s.project)"
	  " OR" NO "spec r WHERE r.id = s.spec)"
	  " OR" NO "stage_actor a WHERE a.id = s.id)"
	  " OR" NO "poll_actor p WHERE p.id = s.poll AND p.stage = s.id)" },
	{ "actor", "belongs to a stage that is not there",
	  "SELECT a.id FROM stage_actor a WHERE" NO "stage s WHERE s.id = a.id)"
	  " UNION ALL SELECT p.id FROM poll_actor p WHERE" NO "stage s"
	  " WHERE s.id = p.stage AND s.poll = p.id)" },
	{ "actor", "polls at an interval that cannot be",
	  "SELECT id FROM poll_actor WHERE interval_ms < (state != 'OFF')"
	  " OR interval_ms > " DAY_MS },
	{ "notification", "belongs to no stage, or tells of nothing that is known",
	  "SELECT n.id FROM notify n WHERE n.ended_ms = 0 AND (" NO "stage s WHERE s.id = n.stage)"
	  " OR n.notice NOT IN (''" NOTICES(QUOTED) "))" },
	{ "deploy", "has no stage or no configuration",
	  "SELECT d.id FROM deploy d WHERE d.ended_ms = 0 AND (" NO "stage s WHERE s.id = d.stage)"
	  " OR" NO "spec r WHERE r.id = d.spec))" },
	{ "deploy", "is under way, and its stage knows nothing of it",
	  "SELECT d.id FROM deploy d WHERE d.ended_ms = 0"
	  " AND d.state NOT IN ('RESOLVING', 'QUEUED', 'PENDING') AND" NO "stage_actor a"
	  " WHERE a.id = d.stage AND a.running = d.id)" },
	{ "swap", "works for a deploy that does not swap",
	  "SELECT w.id FROM swap w WHERE w.deadline_ms != 0 AND" NO "deploy d"
	  " WHERE d.id = w.deploy AND d.swap = w.id AND d.stage = w.stage AND d.ended_ms = 0"
	  " AND (d.state IN ('SWAPPING', 'ABORTING', 'SWAPPING_BACK') OR (d.strategy != 'BLUE_GREEN' AND d.state IN"
	  " ('PARKING', 'HALTING', 'STARTING', 'PROBING', 'PRE_SWITCH', 'UNDOING', 'CANCELING', 'REVIVING',"
	  " 'RETURNING'))))" },
	{ "stage", "calls a deploy live that is not there",
	  "SELECT a.id FROM stage_actor a WHERE a.live != 0 AND" NO "deploy d"
	  " WHERE d.id = a.live AND d.stage = a.id)" },
	{ "stage", "was stopped by a deploy that is not there, or is live as well",
	  "SELECT a.id FROM stage_actor a WHERE a.stopped != 0 AND (a.live != 0 OR" NO "deploy d"
	  " WHERE d.id = a.stopped AND d.stage = a.id))" },
	{ "stage", "keeps a deploy running that is not there, or serves",
	  "SELECT 0 WHERE 0" EACH_KEPT(IS_KEPT_BADLY) },
	{ "deploy", "borrows the containers of one that is not there",
	  "SELECT d.id FROM deploy d WHERE d.ended_ms = 0 AND d.body != 0 AND" NO "deploy b"
	  " WHERE b.id = d.body AND b.stage = d.stage)" },
	{ "stage", "waits for the end of a deploy that is not under way",
	  "SELECT a.id FROM stage_actor a WHERE a.running != 0 AND" NO "deploy d"
	  " WHERE d.id = a.running AND d.stage = a.id AND d.ended_ms = 0"
	  " AND d.state NOT IN ('RESOLVING', 'QUEUED', 'PENDING'))" },
	{ "stage", "keeps a turn for a deploy that does not wait",
	  "SELECT a.id FROM stage_actor a WHERE a.waiting != 0 AND" NO "deploy d"
	  " WHERE d.id = a.waiting AND d.stage = a.id AND d.ended_ms = 0 AND d.state = 'QUEUED')" },
	{ "stage", "keeps a place for a deploy that does not pend",
	  "SELECT a.id FROM stage_actor a WHERE a.pending != 0 AND" NO "deploy d"
	  " WHERE d.id = a.pending AND d.stage = a.id AND d.ended_ms = 0 AND d.state = 'PENDING')" },
	{ "deploy", "pends, and its stage knows nothing of it",
	  "SELECT d.id FROM deploy d WHERE d.ended_ms = 0 AND d.state = 'PENDING' AND" NO
	  "stage_actor a WHERE a.id = d.stage AND a.pending = d.id)" },
	{ "stage", "waits for the digest of a deploy that asks for none",
	  "SELECT a.id FROM stage_actor a WHERE a.resolving != 0 AND" NO "deploy d"
	  " WHERE d.id = a.resolving AND d.stage = a.id AND d.ended_ms = 0"
	  " AND d.state = 'RESOLVING')" },
	/* It would supersede all that come, up to that id. Rows may be gone: the floor is what was given. */
	{ "stage", "merged a deploy that there never was",
	  "SELECT a.id FROM stage_actor a WHERE a.merged < 0 OR a.merged > max("
	  "coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'id_floor'), 0),"
	  " coalesce((SELECT max(id) FROM deploy), 0))" },
	{ "stage", "is in a state that does not fit what it waits for",
	  "SELECT id FROM stage_actor WHERE state IN ('IDLE', 'DEPLOYING', 'QUEUEING')"
	  " AND ((state != 'IDLE') != (running != 0) OR (state = 'QUEUEING') != (waiting != 0))" },
};
/* clang-format on */

static void
ignore(void *context UNUSED, const struct actor *actor UNUSED)
{
}

int
store_audit(struct store *store, struct err *err)
{
	/* Of states that are not ours the rules know nothing: that is to be told instead. */
	if (store_actors_load(store, ignore, NULL, err) != 0)
		return -1;
	for (size_t i = 0; i < COUNT(rules); i++) {
		const struct rule *rule = &rules[i];
		struct query *q = db_read(store_db(store), rule->sql);

		if (!db_next(q))
			continue;
		err_set(err,
		    "the store contradicts itself: %s %lld %s; put a backup in its place, or "
		    "move it away to begin anew",
		    rule->who, (long long)column_integer(q, 0), rule->what);
		db_done(q);
		return -1;
	}
	return 0;
}
