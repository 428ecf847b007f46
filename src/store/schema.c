/* schema.c - the tables. A migration is never edited once released; a change is a new one.
 *
 * Each has its way back, which takes away what it made and touches nothing else: rows of older tables
 * stay, and so do the older columns of those it widened. */
#include "store/schema.h"

#include "store/db.h"

/* Columns that every actor has; `state` holds a name, so that reordering an enum cannot
 * reinterpret history. */
#define ACTOR                                                                  \
	"id INTEGER PRIMARY KEY, state TEXT NOT NULL, epoch INTEGER NOT NULL," \
	" deadline_ms INTEGER NOT NULL,"

#define ADD_KEPT(n)                                                                          \
	"ALTER TABLE stage_actor ADD COLUMN kept_deploy_" n " INTEGER NOT NULL DEFAULT 0;"   \
	"ALTER TABLE stage_actor ADD COLUMN kept_spec_" n " INTEGER NOT NULL DEFAULT 0;"     \
	"ALTER TABLE stage_actor ADD COLUMN kept_until_ms_" n " INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE stage_actor ADD COLUMN kept_tag_" n " TEXT NOT NULL DEFAULT '';"        \
	"ALTER TABLE stage_actor ADD COLUMN kept_digest_" n " TEXT NOT NULL DEFAULT '';"
#define DROP_KEPT(n)                                               \
	"ALTER TABLE stage_actor DROP COLUMN kept_digest_" n ";"   \
	"ALTER TABLE stage_actor DROP COLUMN kept_tag_" n ";"      \
	"ALTER TABLE stage_actor DROP COLUMN kept_until_ms_" n ";" \
	"ALTER TABLE stage_actor DROP COLUMN kept_spec_" n ";"     \
	"ALTER TABLE stage_actor DROP COLUMN kept_deploy_" n ";"
#define HELD(n)                                                                            \
	"ALTER TABLE stage_actor ADD COLUMN held_deploy_" n " INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE stage_actor ADD COLUMN held_digest_" n " TEXT NOT NULL DEFAULT '';"

#define LET_GO(n)                                                \
	"ALTER TABLE stage_actor DROP COLUMN held_deploy_" n ";" \
	"ALTER TABLE stage_actor DROP COLUMN held_digest_" n ";"

struct migration {
	const char *up;
	const char *down;
};

/* clang-format off */
static const struct migration migrations[] = {
	/* 1 */
	{ "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"

	"CREATE TABLE engine(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, host TEXT NOT NULL,"
	" ca_file TEXT NOT NULL, cert_file TEXT NOT NULL, key_file TEXT NOT NULL,"
	" network TEXT NOT NULL, is_published INTEGER NOT NULL, publish_address TEXT NOT NULL);"
	"CREATE TABLE registry(host TEXT PRIMARY KEY, is_insecure INTEGER NOT NULL,"
	" ca_file TEXT NOT NULL, username TEXT NOT NULL, password_file TEXT NOT NULL,"
	" password_env TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" webhook TEXT NOT NULL UNIQUE);"
	"CREATE TABLE stage(id INTEGER PRIMARY KEY, project INTEGER NOT NULL REFERENCES project,"
	" name TEXT NOT NULL, spec INTEGER NOT NULL, poll INTEGER NOT NULL, UNIQUE(project, name));"
	"CREATE TABLE spec(id INTEGER PRIMARY KEY, stage INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" json TEXT NOT NULL);"

	"CREATE TABLE deploy(" ACTOR " stage INTEGER NOT NULL, spec INTEGER NOT NULL,"
	" elder INTEGER NOT NULL, swap INTEGER NOT NULL, tries INTEGER NOT NULL,"
	" trigger TEXT NOT NULL, has_route INTEGER NOT NULL, is_forced INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, tag TEXT NOT NULL,"
	" digest TEXT NOT NULL, reason TEXT NOT NULL);"
	"CREATE INDEX deploy_by_stage ON deploy(stage, id);"
	"CREATE INDEX deploy_by_state ON deploy(state, id);"
	"CREATE INDEX deploy_open ON deploy(id) WHERE ended_ms = 0;"
	"CREATE TABLE swap(" ACTOR " stage INTEGER NOT NULL, deploy INTEGER NOT NULL,"
	" elder INTEGER NOT NULL, tries INTEGER NOT NULL, reason TEXT NOT NULL);"
	"CREATE TABLE poll_actor(" ACTOR " stage INTEGER NOT NULL, interval_ms INTEGER NOT NULL,"
	" is_auto INTEGER NOT NULL, failures INTEGER NOT NULL, tag TEXT NOT NULL,"
	" digest TEXT NOT NULL, reason TEXT NOT NULL);"
	"CREATE TABLE stage_actor(" ACTOR " spec INTEGER NOT NULL, live INTEGER NOT NULL,"
	" live_spec INTEGER NOT NULL, running INTEGER NOT NULL, running_spec INTEGER NOT NULL,"
	" waiting INTEGER NOT NULL, waiting_spec INTEGER NOT NULL, resolving INTEGER NOT NULL,"
	" has_route INTEGER NOT NULL, live_digest TEXT NOT NULL, running_digest TEXT NOT NULL,"
	" waiting_digest TEXT NOT NULL, resolving_tag TEXT NOT NULL);"
	"CREATE TABLE sweep_actor(" ACTOR " engine INTEGER NOT NULL, interval_ms INTEGER NOT NULL,"
	" failures INTEGER NOT NULL, reason TEXT NOT NULL);"

	"CREATE TABLE journal(seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,"
	" kind TEXT NOT NULL, actor INTEGER NOT NULL, deploy INTEGER NOT NULL,"
	" stage INTEGER NOT NULL, from_ TEXT NOT NULL, on_ TEXT NOT NULL, to_ TEXT NOT NULL);"
	"CREATE INDEX journal_by_deploy ON journal(deploy, seq) WHERE deploy != 0;"
	"CREATE TABLE deploy_log(seq INTEGER PRIMARY KEY AUTOINCREMENT, deploy INTEGER NOT NULL,"
	" at_ms INTEGER NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL);"
	"CREATE INDEX deploy_log_by_deploy ON deploy_log(deploy, seq);"
	"CREATE TABLE instance(deploy INTEGER NOT NULL, replica INTEGER NOT NULL,"
	" container_id TEXT NOT NULL, name TEXT NOT NULL, address TEXT NOT NULL,"
	" status TEXT NOT NULL, since_ms INTEGER NOT NULL, PRIMARY KEY(deploy, replica))"
	" WITHOUT ROWID;",
	"DROP TABLE instance; DROP TABLE deploy_log; DROP TABLE journal; DROP TABLE sweep_actor;"
	"DROP TABLE stage_actor; DROP TABLE poll_actor; DROP TABLE swap; DROP TABLE deploy;"
	"DROP TABLE spec; DROP TABLE stage; DROP TABLE project; DROP TABLE registry;"
	"DROP TABLE engine; DROP TABLE meta;" },

	/* 2: what lists with a filter, removing by rule and the start look for */
	{ "CREATE INDEX deploy_by_stage_state ON deploy(stage, state, id);"
	"CREATE INDEX deploy_by_digest ON deploy(stage, digest, id) WHERE state = 'LIVE';"
	"CREATE INDEX deploy_by_spec ON deploy(spec);"
	"CREATE INDEX deploy_open_by_stage ON deploy(stage, elder) WHERE ended_ms = 0;"
	"CREATE INDEX spec_by_stage ON spec(stage, id);"
	"CREATE INDEX swap_by_deploy ON swap(deploy);"
	"CREATE INDEX swap_open ON swap(id) WHERE deadline_ms != 0;"
	"CREATE INDEX journal_by_time ON journal(at_ms) WHERE deploy = 0;",
	"DROP INDEX journal_by_time; DROP INDEX swap_open; DROP INDEX swap_by_deploy;"
	"DROP INDEX spec_by_stage; DROP INDEX deploy_open_by_stage; DROP INDEX deploy_by_spec;"
	"DROP INDEX deploy_by_digest; DROP INDEX deploy_by_stage_state;" },

	/* 3: wishes older than one that was merged come too late */
	{ "ALTER TABLE stage_actor ADD COLUMN merged INTEGER NOT NULL DEFAULT 0;",
	"ALTER TABLE stage_actor DROP COLUMN merged;" },

	/* 4: proxies beside the edge */
	{ "CREATE TABLE proxy(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,"
	" is_direct INTEGER NOT NULL, mends INTEGER NOT NULL, address TEXT NOT NULL,"
	" entry TEXT NOT NULL, https_entry TEXT NOT NULL, edge_address TEXT NOT NULL,"
	" username TEXT NOT NULL, password_file TEXT NOT NULL, password_env TEXT NOT NULL,"
	" ca_file TEXT NOT NULL, server TEXT NOT NULL, listen TEXT NOT NULL, names TEXT NOT NULL);",
	"DROP TABLE proxy;" },

	/* 5: what was rolled back is held */
	{ "ALTER TABLE stage_actor ADD COLUMN is_waiting_auto INTEGER NOT NULL DEFAULT 0;"
	HELD("0") HELD("1") HELD("2") HELD("3") HELD("4") HELD("5") HELD("6") HELD("7"),
	"ALTER TABLE stage_actor DROP COLUMN is_waiting_auto;"
	LET_GO("0") LET_GO("1") LET_GO("2") LET_GO("3") LET_GO("4") LET_GO("5") LET_GO("6") LET_GO("7") },

	/* 6: when a digest was first seen under a tag, where a policy asks for it */
	{ "CREATE TABLE tag_seen(stage INTEGER NOT NULL, tag TEXT NOT NULL, digest TEXT NOT NULL,"
	" first_ms INTEGER NOT NULL, is_moved INTEGER NOT NULL, PRIMARY KEY(stage, tag, digest))"
	" WITHOUT ROWID;"
	"CREATE INDEX tag_seen_by_time ON tag_seen(stage, first_ms);"
	"CREATE INDEX tag_seen_moved ON tag_seen(stage, first_ms) WHERE is_moved = 1;",
	"DROP TABLE tag_seen;" },

	/* 7: secrets, sealed; which version of them a deploy got, and what it changed in the env */
	{ "CREATE TABLE secret(name TEXT PRIMARY KEY, version INTEGER NOT NULL, set_ms INTEGER NOT NULL,"
	" key TEXT NOT NULL, nonce TEXT NOT NULL, sealed TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX secret_by_key ON secret(key);"
	"CREATE TABLE deploy_secret(deploy INTEGER NOT NULL, secret TEXT NOT NULL,"
	" version INTEGER NOT NULL, PRIMARY KEY(deploy, secret)) WITHOUT ROWID;"
	"CREATE TABLE deploy_env(deploy INTEGER NOT NULL, name TEXT NOT NULL, change TEXT NOT NULL,"
	" PRIMARY KEY(deploy, name)) WITHOUT ROWID;",
	"DROP TABLE deploy_env; DROP TABLE deploy_secret; DROP TABLE secret;"
	"DELETE FROM meta WHERE key = 'secret_version';" },

	/* 8: notifications: who gets them, who named whom, and each one with its fate */
	{ "CREATE TABLE receiver(name TEXT PRIMARY KEY, kind TEXT NOT NULL, events TEXT NOT NULL,"
	" is_insecure INTEGER NOT NULL, url TEXT NOT NULL, url_file TEXT NOT NULL,"
	" url_env TEXT NOT NULL, secret_file TEXT NOT NULL, secret_env TEXT NOT NULL,"
	" ca_file TEXT NOT NULL, username TEXT NOT NULL, sender TEXT NOT NULL,"
	" recipients TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE notify_rule(project TEXT NOT NULL, stage TEXT NOT NULL,"
	" receivers TEXT NOT NULL, PRIMARY KEY(project, stage)) WITHOUT ROWID;"
	"CREATE TABLE notify(" ACTOR " stage INTEGER NOT NULL, deploy INTEGER NOT NULL,"
	" notice TEXT NOT NULL, tries INTEGER NOT NULL, status INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
	" receiver TEXT NOT NULL, tier TEXT NOT NULL, delivery TEXT NOT NULL,"
	" subject TEXT NOT NULL, tag TEXT NOT NULL, digest TEXT NOT NULL, text TEXT NOT NULL,"
	" reason TEXT NOT NULL);"
	"CREATE INDEX notify_open ON notify(id) WHERE ended_ms = 0;"
	"CREATE INDEX notify_by_stage ON notify(stage, id);"
	"CREATE INDEX notify_by_state ON notify(state, id);"
	"CREATE INDEX notify_by_stage_state ON notify(stage, state, id);"
	"CREATE INDEX notify_by_subject ON notify(receiver, stage, notice, subject, created_ms);"
	"CREATE INDEX notify_by_end ON notify(ended_ms) WHERE ended_ms != 0;",
	"DROP TABLE notify; DROP TABLE notify_rule; DROP TABLE receiver;" },

	/* 9: answers to writes that carried a key, given again when the write comes again */
	{ "CREATE TABLE answer(seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,"
	" request TEXT NOT NULL, at_ms INTEGER NOT NULL, status INTEGER NOT NULL, is_whole INTEGER NOT NULL,"
	" body TEXT NOT NULL);"
	"CREATE INDEX answer_by_time ON answer(at_ms);",
	"DROP TABLE answer;" },

	/* 10: promotion; a program that knows none ends what pends, and is_waiting_auto is used no more */
	{ "ALTER TABLE deploy ADD COLUMN is_overriding INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN approvals INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN merged_into INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN pending_spec INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN pending_digest TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE stage_actor ADD COLUMN live_since_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN frozen_until_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN freeze TEXT NOT NULL DEFAULT '';"
	"UPDATE stage_actor SET live_since_ms = coalesce((SELECT max(d.created_ms, d.ended_ms)"
	" FROM deploy d WHERE d.id = live), 0);"
	"CREATE TABLE wish(deploy INTEGER PRIMARY KEY, by_ TEXT NOT NULL, override TEXT NOT NULL);"
	"CREATE TABLE approval(deploy INTEGER NOT NULL, by_ TEXT NOT NULL COLLATE NOCASE,"
	" is_rejection INTEGER NOT NULL, at_ms INTEGER NOT NULL, note TEXT NOT NULL,"
	" PRIMARY KEY(deploy, by_)) WITHOUT ROWID;"
	"CREATE TABLE audit(seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,"
	" by_ TEXT NOT NULL, action TEXT NOT NULL, project TEXT NOT NULL, stage TEXT NOT NULL,"
	" deploy INTEGER NOT NULL, text TEXT NOT NULL);",
	"DROP TABLE audit; DROP TABLE approval; DROP TABLE wish;"
	"UPDATE deploy SET state = 'CANCELED', deadline_ms = 0, ended_ms = max(created_ms, 1)"
	" WHERE state = 'PENDING';"
	"UPDATE deploy SET state = 'SKIPPED' WHERE state = 'REFUSED';"
	"ALTER TABLE stage_actor DROP COLUMN freeze;"
	"ALTER TABLE stage_actor DROP COLUMN frozen_until_ms;"
	"ALTER TABLE stage_actor DROP COLUMN live_since_ms;"
	"ALTER TABLE stage_actor DROP COLUMN pending_digest;"
	"ALTER TABLE stage_actor DROP COLUMN pending_spec;"
	"ALTER TABLE stage_actor DROP COLUMN pending;"
	"ALTER TABLE stage_actor DROP COLUMN merged_into;"
	"ALTER TABLE deploy DROP COLUMN approvals;"
	"ALTER TABLE deploy DROP COLUMN is_overriding;" },

	/* 11: what webhooks must prove (project 0: the one for all), and which came before */
	{ "CREATE TABLE webhook(project INTEGER PRIMARY KEY, secret_file TEXT NOT NULL,"
	" secret_env TEXT NOT NULL, takes_unsigned INTEGER NOT NULL);"
	"CREATE TABLE delivery(id INTEGER PRIMARY KEY, project INTEGER NOT NULL, key TEXT NOT NULL,"
	" deploy INTEGER NOT NULL, UNIQUE(project, key));",
	"DROP TABLE delivery; DROP TABLE webhook; DELETE FROM meta WHERE key = 'webhook';" },

	/* 12: which product a registry is */
	{ "ALTER TABLE registry ADD COLUMN kind TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE registry ADD COLUMN token_url TEXT NOT NULL DEFAULT '';",
	"ALTER TABLE registry DROP COLUMN token_url; ALTER TABLE registry DROP COLUMN kind;" },

	/* 13: strategies that stop the old version first; what an older program finds of such a deploy is undone,
	 * and the version before is started by the next deploy of its digest */
	{ "ALTER TABLE deploy ADD COLUMN strategy TEXT NOT NULL DEFAULT 'BLUE_GREEN';"
	"ALTER TABLE deploy ADD COLUMN is_canceled INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE swap ADD COLUMN is_parked INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN strategy TEXT NOT NULL DEFAULT 'BLUE_GREEN';",
	"UPDATE swap SET state = 'RESTORED', deadline_ms = 0"
	" WHERE state IN ('PARKING', 'PARKED', 'REPARKING')"
	" OR (is_parked = 1 AND state IN ('SWITCHING', 'CONFIRMING', 'RESTORING'));"
	"UPDATE deploy SET state = 'UNDOING' WHERE ended_ms = 0 AND state IN ('PARKING', 'HALTING',"
	" 'REVIVING', 'RETURNING');"
	"ALTER TABLE stage_actor DROP COLUMN strategy; ALTER TABLE swap DROP COLUMN is_parked;"
	"ALTER TABLE deploy DROP COLUMN is_canceled; ALTER TABLE deploy DROP COLUMN strategy;" },

	/* 14: what runs once in a container of its own, and what came of it */
	{ "ALTER TABLE deploy ADD COLUMN tasks INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN tasks INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE task(deploy INTEGER NOT NULL, kind TEXT NOT NULL, stage INTEGER NOT NULL,"
	" digest TEXT NOT NULL, container_id TEXT NOT NULL, name TEXT NOT NULL,"
	" status TEXT NOT NULL, exit_code INTEGER NOT NULL, is_compatible INTEGER NOT NULL,"
	" began_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, PRIMARY KEY(deploy, kind))"
	" WITHOUT ROWID;"
	"CREATE INDEX task_migrated ON task(stage, digest)"
	" WHERE kind = 'MIGRATION' AND status = 'done';"
	"CREATE INDEX task_by_stage ON task(stage, kind, deploy);",
	"UPDATE deploy SET state = 'UNDOING' WHERE ended_ms = 0 AND state IN ('MIGRATING', 'STOPPING');"
	"DROP TABLE task; ALTER TABLE stage_actor DROP COLUMN tasks;"
	"ALTER TABLE deploy DROP COLUMN tasks;" },

	/* 15: images that were pulled, and deploys that are kept by hand */
	{ "CREATE TABLE image(engine INTEGER NOT NULL, repository TEXT NOT NULL, digest TEXT NOT NULL,"
	" pulled_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL, tries INTEGER NOT NULL,"
	" next_ms INTEGER NOT NULL, trouble TEXT NOT NULL, PRIMARY KEY(engine, repository, digest))"
	" WITHOUT ROWID;"
	"CREATE TABLE pin(deploy INTEGER PRIMARY KEY, stage INTEGER NOT NULL, digest TEXT NOT NULL,"
	" at_ms INTEGER NOT NULL);"
	"CREATE INDEX pin_by_stage ON pin(stage, digest);"
	"CREATE INDEX deploy_by_image ON deploy(digest, stage) WHERE digest != '';",
	"DROP INDEX deploy_by_image; DROP TABLE pin; DROP TABLE image;" },

	/* 16: receivers whose secret is sealed here; to a program that knows none they have no secret */
	{ "ALTER TABLE receiver ADD COLUMN secret_name TEXT NOT NULL DEFAULT '';",
	"ALTER TABLE receiver DROP COLUMN secret_name;" },
	
	/* 17: hooks that a deploy went live in spite of */
	{ "ALTER TABLE deploy ADD COLUMN failed_tasks INTEGER NOT NULL DEFAULT 0;",
	"UPDATE deploy SET state = 'PROBING' WHERE ended_ms = 0 AND state = 'PRE_SWITCH';"
	"UPDATE deploy SET state = 'SWAPPING' WHERE ended_ms = 0 AND state = 'SWAPPING_BACK';"
	"UPDATE deploy SET state = 'DRAINING' WHERE ended_ms = 0 AND state = 'POST_SWITCH';"
	"UPDATE deploy SET state = 'RETIRING' WHERE ended_ms = 0 AND state = 'POST_RETIRE';"
	"ALTER TABLE deploy DROP COLUMN failed_tasks;" },

	/* 18: the version before is kept warm; of a deploy that has borrowed its containers an older program finds
	 * none, and goes back */
	{ "ALTER TABLE deploy ADD COLUMN body INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN keep_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE swap ADD COLUMN body INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN warm INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN warm_spec INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN warm_until_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN warm_digest TEXT NOT NULL DEFAULT '';",
	"ALTER TABLE stage_actor DROP COLUMN warm_digest; ALTER TABLE stage_actor DROP COLUMN warm_until_ms;"
	"ALTER TABLE stage_actor DROP COLUMN warm_spec; ALTER TABLE stage_actor DROP COLUMN warm;"
	"ALTER TABLE swap DROP COLUMN body; ALTER TABLE deploy DROP COLUMN keep_ms;"
	"ALTER TABLE deploy DROP COLUMN body;" },

	/* 19: the verification window behind the switch; an older program switches such a deploy once more */
	{ "ALTER TABLE deploy ADD COLUMN watched_since_ms INTEGER NOT NULL DEFAULT 0;",
	"UPDATE deploy SET state = 'PROBING' WHERE ended_ms = 0 AND state = 'VERIFYING';"
	"ALTER TABLE deploy DROP COLUMN watched_since_ms;" },

	/* 20: stages that a person stopped; an older program takes them for stages that nothing was deployed to. What is being
	 * stopped when nothing serves any more ends there as rolled back, and its containers go with the next sweep; what
	 * is about to be stopped gets its route back. A hook that waits for the start goes live there */
	{ "ALTER TABLE stage_actor ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;",
	"UPDATE deploy SET state = 'CANCELED', reason = 'stopped the stage' WHERE state = 'STOPPED';"
	"UPDATE deploy SET state = 'UNDOING', reason = 'stopped the stage'"
	" WHERE ended_ms = 0 AND trigger = 'STOP' AND state IN ('DRAINING', 'RETIRING');"
	"UPDATE deploy SET trigger = 'MANUAL' WHERE trigger IN ('STOP', 'START', 'RESTART');"
	"ALTER TABLE stage_actor DROP COLUMN stopped;" },

	/* 21: several versions run on beside the one that serves; an older program knows of the one that left last, and that
	 * ends at once */
	{ "ALTER TABLE stage_actor ADD COLUMN keep_most INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stage_actor ADD COLUMN live_tag TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE stage_actor ADD COLUMN warm_tag TEXT NOT NULL DEFAULT '';"
	ADD_KEPT("1") ADD_KEPT("2") ADD_KEPT("3") ADD_KEPT("4") ADD_KEPT("5") ADD_KEPT("6")
	"UPDATE stage_actor SET keep_most = warm != 0,"
	" live_tag = coalesce((SELECT tag FROM deploy WHERE id = live), ''),"
	" warm_tag = coalesce((SELECT tag FROM deploy WHERE id = warm), '');",
	"UPDATE deploy SET keep_ms = 1 WHERE keep_ms < 0;"
	DROP_KEPT("6") DROP_KEPT("5") DROP_KEPT("4") DROP_KEPT("3") DROP_KEPT("2") DROP_KEPT("1")
	"ALTER TABLE stage_actor DROP COLUMN warm_tag; ALTER TABLE stage_actor DROP COLUMN live_tag;"
	"ALTER TABLE stage_actor DROP COLUMN keep_most;" },
};
/* clang-format on */

int64_t
schema_version(void)
{
	return (int64_t)COUNT(migrations);
}

static int
check_known(int64_t version, struct err *err)
{
	if (version < 0)
		return err_set(err,
		    "the store has schema version %lld, which no slipway wrote: it is "
		    "damaged; put a"
		    " backup in its place, or move it away to begin anew",
		    (long long)version);
	if (version > schema_version())
		return err_set(err,
		    "the store has schema version %lld, this slipway knows %lld: it was "
		    "written by"
		    " a newer slipway; start that one, or restore a backup made with this one",
		    (long long)version, (long long)schema_version());
	return 0;
}

int
schema_move(struct db *db, int64_t to, struct err *err)
{
	int64_t version = db_version(db);

	CHECK(to >= 0 && to <= schema_version());
	if (check_known(version, err) != 0)
		return -1;
	for (; version < to; version++)
		db_script(db, migrations[version].up);
	for (; version > to; version--)
		db_script(db, migrations[version - 1].down);
	if (db_version(db) != to)
		db_set_version(db, to);
	db_commit(db);
	return 0;
}

int
schema_migrate(struct db *db, struct err *err)
{
	return schema_move(db, schema_version(), err);
}
