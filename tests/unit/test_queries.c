/* test_queries.c - every statement that the store prepares finds its rows by an index.
 *
 * Each function of the store is called once, so that its statements are prepared; then SQLite is asked
 * for the plan of each. Reading a whole table is allowed only for tables that the configuration
 * bounds. That nothing was forgotten is known from the sources: as many statements are seen there. */
#include <dirent.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/str.h"
#include "config/file.h"
#include "config/spec.h"
#include "store/answers.h"
#include "store/catalog.h"
#include "store/db.h"
#include "store/deliveries.h"
#include "store/deploys.h"
#include "store/images.h"
#include "store/notifications.h"
#include "store/promotions.h"
#include "store/retention.h"
#include "store/secrets.h"
#include "store/statistics.h"
#include "store/store.h"
#include "store/tags.h"
#include "store/tasks.h"

/* One place in the sources may prepare several: the mixes of filters of store_deploys() and
 * store_notifications(), an actor of each kind put and loaded, the rules of store_audit(), three tables more
 * that go with a deploy, what an image is needed for. */
enum { PAGES = 6, AUDITS = 22, OF_A_DEPLOY = 3, NEEDS = 5 };
enum {
	MORE_THAN_PLACES =
	    2 * (PAGES - 1) + AUDITS - 1 + 2 * (ACTOR_KIND_COUNT - 1) + OF_A_DEPLOY + NEEDS - 1
};

static sqlite3 *sqlite;

static int
keep_handle(sqlite3 *opened, const char **message UNUSED,
    const struct sqlite3_api_routines *api UNUSED)
{
	sqlite = opened;
	return SQLITE_OK;
}

static size_t
count_places(const char *path)
{
	char line[1024];
	size_t count = 0;
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		if (strstr(line, "db_read(") != NULL || strstr(line, "db_write(") != NULL)
			count++;
	fclose(file);
	return count;
}

/* In every folder but the one file that defines them, and the one that works on a store that nobody serves. */
static size_t
count_all_places(void)
{
	static const char *const folders[] = { "src/store", "src/serve", "src/api",
		"src/ports" };
	char path[512];
	size_t count = 0;

	for (size_t i = 0; i < COUNT(folders); i++) {
		DIR *folder = opendir(folders[i]);
		const struct dirent *entry;

		if (folder == NULL)
			fail_msg("run this from the top of the source: no %s", folders[i]);
		while ((entry = readdir(folder)) != NULL) {
			size_t n = strlen(entry->d_name);

			if (n < 3 || strcmp(entry->d_name + n - 2, ".c") != 0
			    || strcmp(entry->d_name, "db.c") == 0
			    || strcmp(entry->d_name, "backup.c") == 0)
				continue;
			snprintf(path, sizeof(path), "%s/%s", folders[i], entry->d_name);
			count += count_places(path);
		}
		closedir(folder);
	}
	return count;
}

static void
use_catalog(struct store *store, struct str spec)
{
	struct catalog *catalog = catalog_new(store);
	struct registry_config registry = { .host = "registry.example" };
	struct engine_config engine = { .name = "local" };
	struct err err;
	bool is_new;
	uint64_t project;

	assert_int_equal(catalog_load(catalog, &err), 0);
	catalog_put_engine(catalog, &engine, &is_new);
	catalog_replace_registries(catalog, &registry, 1);
	catalog_put_proxy(catalog, &(struct proxy_config){ .name = "npm" });
	catalog_replace_receivers(catalog, &(struct receiver_config){ .name = "ops" }, 1);
	catalog_set_notify(catalog, "shop", "", "ops");
	catalog_set_notify(catalog, "shop", "", NULL);
	project = catalog_put_project(catalog, "shop", &is_new);
	catalog_rotate_webhook(catalog, project);
	catalog_set_webhook_rules(
	    catalog, 0, &(struct webhook_rules){ .takes_unsigned = true });
	catalog_add_stage(catalog, project, 1, 2, spec);
	catalog_set_spec(catalog, 1, spec);
	assert_non_null(catalog_spec(catalog, 1));
	catalog_free(catalog);
	catalog = catalog_new(store); /* which does not remember the first revision */
	assert_int_equal(catalog_load(catalog, &err), 0);
	assert_non_null(catalog_spec(catalog, 1));
	catalog_free(catalog);
}

static void
use_promotions(struct store *store)
{
	struct wish wish = { .by = "ann" };
	struct approval approval = { .by = "bob", .note = "good" };
	struct audit_row row = { .by = "ann", .action = "freeze", .project = "shop" };

	store_wish_put(store, 10, &wish);
	store_wish_get(store, 10, &wish);
	assert_string_equal(wish.by, "ann");
	assert_true(store_approval_add(store, 10, &approval));
	memcpy(approval.by, "BOB", 4); /* the same person */
	assert_false(store_approval_add(store, 10, &approval));
	assert_int_equal(store_approvals(store, 10, &approval, 1), 1);
	assert_string_equal(approval.by, "bob");
	approval.is_rejection = true; /* on second thoughts */
	assert_true(store_approval_add(store, 10, &approval));
	approval.is_rejection = false;
	assert_int_equal(store_approvals(store, 10, &approval, 2), 1);
	assert_true(approval.is_rejection);
	store_audit_add(store, &row);
	db_script(
	    store_db(store), "UPDATE sqlite_sequence SET seq = 1000000 WHERE name = 'audit'");
	store_audit_add(store, &row); /* the oldest are too many now */
	assert_int_equal(store_audit_log(store, 0, &row, 1), 1);
	assert_int_equal(row.seq, 1000001);
	assert_int_equal(store_audit_log(store, row.seq, &row, 1), 0);
}

static void
use_deploys(struct store *store)
{
	struct instance instance = { .deploy = 10 };
	struct task_row task = {
		.deploy = 10, .stage = 1, .status = TASK_IS_done, .digest = "a"
	};
	struct deploy_log_row line;
	struct deploy_brief brief;
	struct tag_marks marks;
	struct moved_tag moved;
	struct deploy_row row;
	struct deploy_filter filter = { .project = "", .state = "" };

	assert_int_equal(store_deploys(store, &filter, &row, 1), 1);
	filter.state = "LIVE";
	assert_int_equal(store_deploys(store, &filter, &row, 1), 1);
	filter.project = "shop";
	assert_int_equal(store_deploys(store, &filter, &row, 1), 1);
	filter.state = "";
	assert_int_equal(store_deploys(store, &filter, &row, 1), 1);
	filter.stage = 1;
	assert_int_equal(store_deploys(store, &filter, &row, 1), 1);
	filter.state = "LIVE";
	assert_int_equal(store_deploys(store, &filter, &row, 1), 1);
	assert_true(store_deploy_get(store, 10, &row));
	assert_true(store_deploy_brief(store, 10, &brief));
	store_tag_marks(store, 1, 2, &marks);
	store_tag_see(store, 1, "v1", "a", 5, false);
	store_tag_see(store, 1, "v1", "b", 6, true);
	assert_int_equal(store_tag_first_ms(store, 1, "v1", "a"), 5);
	assert_true(store_tag_record(store, 1, "v1", marks.seen_digest));
	assert_string_equal(marks.seen_digest, "a");
	assert_int_equal(store_tags_moved(store, 1, &moved, 1), 1);
	assert_string_equal(moved.digest, "b");
	store_tag_settle(store, 1, "v1", "b", 7);
	assert_int_equal(store_tags_moved(store, 1, &moved, 1), 0);
	assert_int_equal(store_tag_first_ms(store, 1, "v1", "a"), 0);
	store_task_put(store, &task);
	assert_true(store_task_get(store, 10, TASK_MIGRATION, &task));
	assert_int_equal(store_task_migrated(store, 1, "a"), 10);
	assert_int_equal(store_task_incompatible(store, 1, 9, "b"), 10);
	store_instance_put(store, &instance);
	assert_int_equal(store_instances(store, 10, &instance, 1), 1);
	assert_int_equal(store_instances_count(store, 10).running, 0);
	assert_int_equal(store_deploy_live_before(store, 1, 10), 0);
	use_promotions(store);
	store_deploy_log_add(store, 10, "info", STR("a line"));
	assert_int_equal(store_deploy_log(store, 10, 0, &line, 1), 1);
}

static void
use_secrets(struct store *store)
{
	struct sealed_secret secret = { .row = { "a", "k", 1, 1 }, .size = SEAL_EXTRA_SIZE };
	struct env_change change;

	assert_int_equal(store_secret_next_version(store), 1);
	store_secret_put(store, &secret);
	assert_true(store_secret_get(store, "a", &secret));
	assert_int_equal(store_secrets(store, "", &secret.row, 1), 1);
	assert_int_equal(store_secret_count(store), 1);
	assert_true(store_secret_key_is_used(store, "k"));
	store_deploy_secret_put(store, 10, "a", 1);
	assert_int_equal(store_deploy_secret(store, 10, "a"), 1);
	assert_false(store_deploy_secrets_are_old(store, 10));
	store_deploy_env_put(store, 10, "A", "added");
	assert_int_equal(store_deploy_env(store, 10, &change, 1), 1);
	assert_true(store_secret_remove(store, "a"));
}

static void
use_answers(struct store *store)
{
	struct kept_answer kept = { .request = "a", .status = 202, .is_whole = true };
	struct deploy_times times;
	struct buf body;

	buf_init(&body, 64);
	store_answer_put(store, STR("key"), 1, &kept, STR("{}"));
	assert_true(store_answer_get(store, STR("key"), 1, &kept, &body));
	buf_free(&body);
	assert_int_equal(store_deploy_times(store, 0, 0, &times, 1), 1);
	assert_int_equal(store_deploy_times(store, 1, 0, &times, 1), 1);
}

static void
put_deploys(struct store *store)
{
	for (uint64_t id = 10; id < 14; id++) {
		struct actor a = { .id = id, .kind = ACTOR_DEPLOY, .state = DEPLOY_LIVE };

		a.deploy.stage = 1;
		a.deploy.spec = 1;
		a.deploy.ended_ms = 1;
		store_actor_put(store, &a);
		store_journal_add(store, 1, &a, DEPLOY_RETIRING, EV_RETIRED);
	}
}

static void
ignore_actor(void *context UNUSED, const struct actor *actor UNUSED)
{
}

static void
use_actors(struct store *store)
{
	struct journal_row row;
	struct err err;

	for (int kind = 0; kind < ACTOR_KIND_COUNT; kind++) {
		struct actor a = { .id = 1, .kind = (enum actor_kind)kind };

		store_actor_put(store, &a);
	}
	assert_int_equal(store_actors_load(store, ignore_actor, NULL, &err), 0);
	store_sweeps_set_interval(store, 1000);
	assert_true(store_id_max(store) > 0);
	assert_int_equal(store_journal(store, 10, 0, &row, 1), 1);
	assert_int_equal(store_journal(store, 0, 0, &row, 1), 1);
	assert_true(store_journal_last(store) > 0);
}

static void
use_notifications(struct store *store)
{
	struct notification_filter filter = { .project = "", .state = "" };
	struct actor a = { .id = 20, .kind = ACTOR_NOTIFY, .state = NOTIFY_DELIVERED };
	struct notification row;

	a.notify.stage = 1;
	a.notify.created_ms = 1;
	a.notify.ended_ms = 1;
	store_actor_put(store, &a);
	assert_true(store_notification_get(store, 20, &row));
	assert_true(store_notification_is_told(store, &a.notify, 0));
	assert_int_equal(store_notifications(store, &filter, &row, 1), 1);
	filter.state = "DELIVERED";
	assert_int_equal(store_notifications(store, &filter, &row, 1), 1);
	filter.project = "shop";
	assert_int_equal(store_notifications(store, &filter, &row, 1), 1);
	filter.state = "";
	assert_int_equal(store_notifications(store, &filter, &row, 1), 1);
	filter.stage = 1;
	assert_int_equal(store_notifications(store, &filter, &row, 1), 1);
	filter.state = "DELIVERED";
	assert_int_equal(store_notifications(store, &filter, &row, 1), 1);
}

/* Of a digest whose stage has more deploys than are read. */
static void
use_images(struct store *store)
{
	struct retention_rules rules = { .rollbacks = 5 };
	struct image image = { .engine = 1, .repository = "r.io/a", .digest = "hidden" };
	struct image_verdict verdict;
	struct image found;

	db_script(store_db(store),
	    "UPDATE deploy SET digest = 'hidden', state = 'FAILED' WHERE id = 13");
	store_image_put(store, &image);
	assert_true(store_image_get(store, 1, "r.io/a", "hidden", &found));
	assert_int_equal(store_images(store, NULL, &found, 1), 1);
	store_image_judge(store, &rules, &image, 1, &verdict);
	assert_int_equal(verdict.need, IMAGE_FREE);
	store_image_forget(store, &image);
	store_pin(store, 13, 1);
	assert_true(store_is_pinned(store, 13));
	assert_int_equal(store_pins_count(store, 1), 1);
	store_unpin(store, 13);
	db_script(
	    store_db(store), "UPDATE deploy SET digest = '', state = 'LIVE' WHERE id = 13");
}

/* Two deploys are one too many each, one of them by a hidden version; an old step, an old revision. */
static void
use_retention(struct store *store)
{
	struct retention_rules rules = { .deploys = 1, .days = 0, .rollbacks = 1 };
	struct retention *r = retention_new(store, &rules, 2 - RETENTION_FIRST_MS);
	struct actor sweep = { .kind = ACTOR_SWEEP };

	for (int i = 0; i < RETENTION_SCAN_MAX; i++)
		db_script(store_db(store),
		    "INSERT INTO deploy(id, state, epoch, deadline_ms, stage, spec, elder, "
		    "swap,"
		    " tries, trigger, has_route, is_forced, created_ms, ended_ms, tag, digest,"
		    " reason) SELECT max(id) + 1, state, epoch, deadline_ms, stage, spec, "
		    "elder,"
		    " swap, tries, trigger, has_route, is_forced, created_ms, ended_ms, tag,"
		    " digest, reason FROM deploy");
	use_images(store);
	store_journal_add(store, 1, &sweep, SWEEP_WAITING, EV_START);
	while (retention_due_ms(r, 2) <= 2)
		retention_step(r, 2);
	assert_true(store_deploy_is_retired(store, 10));
	assert_true(store_journal_floor(store) > 0);
	retention_free(r);
}

static void
use_everything(struct store *store)
{
	struct config_file *file = config_file_parse(
	    STR("version: 1\nprojects: {shop: {image: r.io/a, port: 80, "
		"health: {http: /h}, stages: {production: {domains: [a.b]}}}}"),
	    NULL);
	struct err err = { "" };
	struct buf json;
	uint64_t deploy = 0;

	assert_int_equal(file->faults.count, 0);
	assert_int_equal(store_audit(store, &err), 0);
	buf_init(&json, 64 << 10);
	stage_spec_write(&file->projects[0].stages[0], &json);
	use_catalog(store, buf_view(&json));
	buf_free(&json);
	config_file_free(file);
	put_deploys(store);
	use_actors(store);
	use_deploys(store);
	use_secrets(store);
	use_notifications(store);
	use_answers(store);
	use_retention(store);
	assert_int_equal(store_deploy_secret(store, 10, "a"), 0); /* gone with its deploy */
	store_delivery_add(store, 1, "a", 10);
	assert_true(store_delivery_find(store, 1, "a", &deploy));
	assert_int_equal(deploy, 10);
}

/* Bounded by the configuration, whatever the age of the store; n and newest are the recursion that
 * merges a project's stages. */
static bool
may_be_read_whole(const char *detail)
{
	static const char *const words[] = { "engine", "registry", "proxy", "project", "stage",
		"webhook", "s", "p", "a", "poll_actor", "stage_actor", "sweep_actor", "secret",
		"n", "receiver", "notify_rule", "CONSTANT ROW" };
	size_t length = strcspn(detail + 5, " ");

	if (strncmp(detail + 5, "(subquery", 9) == 0)
		return true; /* its own tables have lines of their own */
	for (size_t i = 0; i < COUNT(words); i++)
		if ((strlen(words[i]) == length && strncmp(detail + 5, words[i], length) == 0)
		    || strcmp(detail + 5, words[i]) == 0)
			return true;
	/* What is under way: an index that holds nothing else. */
	return strstr(detail, "INDEX deploy_open") != NULL
	       || strstr(detail, "INDEX swap_open") != NULL
	       || strstr(detail, "INDEX notify_open") != NULL;
}

static void
check_plan(const char *sql)
{
	sqlite3_stmt *plan;
	char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);

	assert_int_equal(sqlite3_prepare_v2(sqlite, text, -1, &plan, NULL), SQLITE_OK);
	while (sqlite3_step(plan) == SQLITE_ROW) {
		const char *detail = (const char *)sqlite3_column_text(plan, 3);

		if (strncmp(detail, "SCAN ", 5) == 0 && !may_be_read_whole(detail))
			fail_msg("%s\n  reads a whole table: %s", sql, detail);
		if (strstr(detail, "TEMP B-TREE") != NULL && strstr(sql, "newest") == NULL
		    && strstr(sql, "JOIN spec") == NULL && strstr(sql, "count(*) > 1") == NULL)
			fail_msg("%s\n  sorts: %s", sql, detail);
		if (strstr(detail, "AUTOMATIC") != NULL)
			fail_msg("%s\n  makes an index of its own: %s", sql, detail);
	}
	sqlite3_finalize(plan);
	sqlite3_free(text);
}

static bool
is_query(const char *sql)
{
	static const char *const others[] = { "BEGIN", "COMMIT", "ROLLBACK", "EXPLAIN" };

	for (size_t i = 0; i < COUNT(others); i++)
		if (strncmp(sql, others[i], strlen(others[i])) == 0)
			return false;
	return true;
}

static void
every_statement_has_an_index(void **state UNUSED)
{
	struct err err;
	struct store *store;
	size_t count = 0;
	const char *kept[256];

	sqlite3_auto_extension((void (*)(void))keep_handle);
	store = store_open(NULL, &err);
	assert_non_null(store);
	use_everything(store);
	for (sqlite3_stmt *s = sqlite3_next_stmt(sqlite, NULL); s != NULL;
	     s = sqlite3_next_stmt(sqlite, s)) {
		assert_false(sqlite3_stmt_busy(s)); /* it would hold the log's beginning */
		if (is_query(sqlite3_sql(s))) {
			assert_true(count < COUNT(kept));
			if (sqlite3_stmt_status(s, SQLITE_STMTSTATUS_REPREPARE, 0) != 0)
				fail_msg(
				    "%s\n  is planned anew for each value", sqlite3_sql(s));
			kept[count++] = sqlite3_sql(s);
		}
	}
	for (size_t i = 0; i < count; i++)
		check_plan(kept[i]);
	assert_int_equal(count, count_all_places() + MORE_THAN_PLACES);
	store_rollback(store);
	store_close(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_statement_has_an_index) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
