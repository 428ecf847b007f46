/* test_notices.c - what is told to whom: the most specific list, who wants the event, once in an hour,
 * and never more than may wait; and that it comes back from the store as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/file.h"
#include "ports/port.h"
#include "serve/app.h"
#include "serve/notices.h"
#include "serve/runtime.h"
#include "store/promotions.h"
#include "store/catalog.h"
#include "store/notifications.h"
#include "store/store.h"

enum { STAGE = 1 };

static struct app app;
static size_t asked;

static void
on_perform(void *context UNUSED, const struct effect *effect)
{
	assert_int_equal(effect->kind, FX_NOTIFY);
	asked++;
}

static void
on_moved(void *context UNUSED, const struct moved *m UNUSED)
{
}

static void
set_receivers(void)
{
	struct receiver_config all[] = {
		{ .name = "ops", .kind = RECEIVER_WEBHOOK, .events = NOTICES_ALL, .url = "a" },
		{ .name = "chat",
		    .kind = RECEIVER_SLACK,
		    .events = NOTICES_USUAL,
		    .url_env = "b" },
		{ .name = "mail", .kind = RECEIVER_EMAIL, .events = NOTICE(DRIFT) },
	};

	catalog_replace_receivers(app.catalog, all, COUNT(all));
}

static void
set_stage(void)
{
	struct config_file *file =
	    config_file_parse(STR("version: 1\nprojects: {shop: {image: r.io/a, health: none, "
				  "stages: {production: "
				  "{approvals: 2}}}}"),
		NULL);
	struct buf json;
	bool is_new;
	uint64_t project;

	assert_int_equal(file->faults.count, 0);
	buf_init(&json, 64 << 10);
	stage_spec_write(&file->projects[0].stages[0], &json);
	project = catalog_put_project(app.catalog, "shop", &is_new);
	catalog_add_stage(app.catalog, project, STAGE, 2, buf_view(&json));
	buf_free(&json);
	config_file_free(file);
}

static int
begin(void **state UNUSED)
{
	struct runtime_host host = { .perform = on_perform, .moved = on_moved };
	struct err err = { "" };

	log_setup(LOG_ERROR, false, 2);
	clock_tick();
	asked = 0;
	app = (struct app){ .store = store_open(NULL, &err), .notices = notices_new() };
	assert_non_null(app.store);
	app.catalog = catalog_new(app.store);
	assert_int_equal(catalog_load(app.catalog, &err), 0);
	set_receivers();
	set_stage();
	app.runtime = runtime_new(app.store, &host);
	runtime_raise_id(app.runtime, 10);
	runtime_step(app.runtime, clock_now_ms());
	return 0;
}

static int
end(void **state UNUSED)
{
	runtime_free(app.runtime);
	catalog_free(app.catalog);
	notices_free(app.notices);
	store_rollback(app.store);
	store_close(app.store);
	return 0;
}

static void
notice(enum notice what, const char *subject)
{
	struct noticed n = { .notice = what,
		.stage = STAGE,
		.deploy = 7,
		.tag = "v1",
		.digest = "sha256:a",
		.text = "it is so" };

	snprintf(n.subject, sizeof(n.subject), "%s", subject);
	notices_add(&app, &n);
	notices_step(&app);
}

static size_t
count_rows(const char *state)
{
	static struct notification rows[1200];
	struct notification_filter filter = { .project = "", .state = state };

	return store_notifications(app.store, &filter, rows, COUNT(rows));
}

/* Who was told of the newest thing: names in the order of the list. */
static void
expect_told(const char *wanted, const char *tier)
{
	struct notification rows[4];
	struct notification_filter filter = { .project = "", .state = "" };
	size_t count = store_notifications(app.store, &filter, rows, COUNT(rows));
	char names[256] = "";

	for (size_t i = count; i-- > 0;) {
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
		    rows[i].of.receiver);
		assert_string_equal(rows[i].of.tier, tier);
	}
	assert_string_equal(names, wanted);
	store_rollback(app.store); /* what was told, and to whom; the lists are in memory */
}

static void
the_most_specific_list_counts(void **state UNUSED)
{
	store_commit(app.store);
	notice(NOTICE_GONE, "a");
	expect_told("", "");
	catalog_set_notify(app.catalog, "", "", "ops");
	store_commit(app.store);
	notice(NOTICE_GONE, "b");
	expect_told("ops ", "global");
	catalog_set_notify(app.catalog, "shop", "", "chat ops");
	catalog_set_notify(app.catalog, "blog", "", "mail");
	store_commit(app.store);
	notice(NOTICE_GONE, "c");
	expect_told("chat ops ", "project");
	catalog_set_notify(app.catalog, "shop", "production", "chat");
	catalog_set_notify(app.catalog, "shop", "staging", "mail");
	store_commit(app.store);
	notice(NOTICE_GONE, "d");
	expect_told("chat ", "stage");
	catalog_set_notify(app.catalog, "shop", "production", "");
	store_commit(app.store);
	notice(NOTICE_GONE, "e");
	expect_told("", "");
	catalog_set_notify(app.catalog, "shop", "production", NULL);
	store_commit(app.store);
	notice(NOTICE_GONE, "f");
	expect_told("chat ops ", "project");
}

/* As a new process finds them. */
static void
lists_and_receivers_come_back(void **state UNUSED)
{
	struct receiver_config full = { .name = "full",
		.kind = RECEIVER_EMAIL,
		.events = NOTICE(HELD) | NOTICE(GONE),
		.is_insecure = true };
	struct err err = { "" };
	const char *tier;

#define FILL(text) snprintf(full.text, sizeof(full.text), "the " #text);
	RECEIVER_TEXTS(FILL)
#undef FILL
	catalog_replace_receivers(app.catalog, &full, 1);
	catalog_set_notify(app.catalog, "shop", "production", "full other");
	catalog_set_notify(app.catalog, "shop", "", "gone");
	catalog_set_notify(app.catalog, "shop", "", NULL);
	catalog_set_notify(app.catalog, "", "", "");
	catalog_free(app.catalog);
	app.catalog = catalog_new(app.store);
	assert_int_equal(catalog_load(app.catalog, &err), 0);
	assert_int_equal(catalog_receiver_count(app.catalog), 1);
	assert_true(receiver_config_is(catalog_receiver(app.catalog, "full"), &full));
	assert_null(catalog_receiver(app.catalog, "ops"));
	assert_string_equal(
	    catalog_notify(app.catalog, "shop", "production", &tier), "full other");
	assert_string_equal(catalog_notify(app.catalog, "shop", "staging", &tier), "");
	assert_string_equal(tier, "global");
	assert_null(catalog_notify_rule(app.catalog, "shop", ""));
	full.ca_file[0] = 'T';
	assert_false(receiver_config_is(catalog_receiver(app.catalog, "full"), &full));
}

static void
a_notification_comes_back_as_it_was(void **state UNUSED)
{
	struct notification row;
	struct actor a = { .id = 10, .kind = ACTOR_NOTIFY, .state = NOTIFY_PENDING };

	a.notify = (struct notify){ .stage = STAGE,
		.deploy = 2,
		.notice = NOTICE_DRIFT,
		.tries = 3,
		.status = 4,
		.created_ms = 5,
		.due_ms = 6,
		.ended_ms = 0,
		.receiver = "ops",
		.tier = "stage",
		.delivery = "a delivery",
		.tag = "v1",
		.digest = "sha256:a",
		.text = "a text",
		.reason = "a reason" };
	store_actor_put(app.store, &a);
	assert_true(store_notification_get(app.store, 10, &row));
	assert_string_equal(row.project, "shop");
	assert_string_equal(row.stage_name, "production");
	assert_string_equal(row.state, "PENDING");
	assert_string_equal(row.event, "drift");
	row.of.notice = NOTICE_DRIFT;
	assert_memory_equal(&row.of, &a.notify, sizeof(row.of));
	assert_false(store_notification_get(app.store, 11, &row));
}

static void
only_who_wants_the_event(void **state UNUSED)
{
	catalog_set_notify(app.catalog, "", "", "ops chat mail nobody");
	store_commit(app.store);
	notice(NOTICE_STARTED, "a");
	expect_told("ops ", "global");
	notice(NOTICE_DRIFT, "b");
	expect_told("ops chat mail ", "global");
	notice(NOTICE_GONE, "c");
	expect_told("ops chat ", "global");
}

static void
the_same_is_told_once_in_an_hour(void **state UNUSED)
{
	struct actor old = { .id = 5, .kind = ACTOR_NOTIFY, .state = NOTIFY_DELIVERED };

	catalog_set_notify(app.catalog, "", "", "ops");
	old.notify = (struct notify){ .stage = STAGE,
		.notice = NOTICE_GONE,
		.created_ms = clock_now_ms() - NOTICE_AGAIN_MS,
		.ended_ms = 1,
		.receiver = "ops",
		.subject = "a" };
	store_actor_put(app.store, &old);
	notice(NOTICE_GONE, "a"); /* that was an hour ago */
	assert_int_equal(count_rows(""), 2);
	notice(NOTICE_GONE, "a");
	assert_int_equal(count_rows(""), 2);
	notice(NOTICE_GONE, "b");
	notice(NOTICE_DRIFT, "a");
	assert_int_equal(count_rows(""), 4);
	catalog_set_notify(app.catalog, "", "", "chat");
	notice(NOTICE_GONE, "a"); /* somebody else */
	assert_int_equal(count_rows(""), 5);
}

/* A deploy that has asked for its turn, and may not go yet; people agree in the same tick. */
static uint64_t
pend(uint64_t id, uint32_t approvals)
{
	struct actor deploy = { .kind = ACTOR_DEPLOY, .state = DEPLOY_QUEUED };
	struct event deferred = {
		.kind = EV_DEFERRED, .to = id, .after_ms = 1000, .text = "has 0 of 2 approvals"
	};

	store_commit(app.store);
	runtime_release(app.runtime);
	deploy.deploy.stage = STAGE;
	deploy.deploy.spec = 2;
	memcpy(deploy.deploy.tag, "v1", 3);
	if (id == 0)
		deferred.to = runtime_spawn(app.runtime, deploy);
	else
		runtime_deliver(
		    app.runtime, &(struct event){ .kind = EV_RECALLED, .to = id }, NULL);
	assert_int_equal(runtime_deliver(app.runtime, &deferred, NULL), STEP_TAKEN);
	for (uint32_t i = 0; i < approvals; i++) {
		struct approval approval = { .at_ms = 1 };

		snprintf(approval.by, sizeof(approval.by), "person%u", i);
		assert_true(store_approval_add(app.store, deferred.to, &approval));
	}
	notices_step(&app);
	return deferred.to;
}

static void
people_are_asked_once_for_their_approval(void **state UNUSED)
{
	struct notification row;
	uint64_t id;

	catalog_set_notify(app.catalog, "", "", "ops mail");
	id = pend(0, 0);
	assert_int_equal(count_rows(""), 1);
	assert_true(store_notification_get(app.store, id + 1, &row));
	assert_string_equal(row.event, "approval_wanted");
	assert_string_equal(row.of.receiver, "ops"); /* mail does not want to hear of it */
	assert_string_equal(row.of.text, "has 0 of 2 approvals");
	assert_true(row.of.deploy == id);
	pend(id, 0);
	assert_int_equal(count_rows(""), 1);
	pend(0, 1); /* another one */
	assert_int_equal(count_rows(""), 2);
	pend(0, 2); /* that waits for time alone */
	assert_int_equal(count_rows(""), 2);
}

/* It pends for weeks, and looks every hour. */
static void
people_were_asked_long_ago(void **state UNUSED)
{
	struct actor old = { .id = 5, .kind = ACTOR_NOTIFY, .state = NOTIFY_DELIVERED };

	catalog_set_notify(app.catalog, "", "", "ops");
	old.notify = (struct notify){ .stage = STAGE,
		.notice = NOTICE_APPROVAL,
		.created_ms = 1,
		.ended_ms = 1,
		.receiver = "ops",
		.subject = "10" };
	store_actor_put(app.store, &old);
	assert_int_equal(pend(0, 0), 10);
	assert_int_equal(count_rows(""), 1);
}

static void
who_is_away_pushes_out_only_its_own(void **state UNUSED)
{
	struct notification row;

	catalog_set_notify(app.catalog, "", "", "chat");
	notice(NOTICE_GONE, "the first of chat");
	catalog_set_notify(app.catalog, "", "", "ops");
	for (int i = 0; i <= NOTIFICATIONS_OPEN_OF_ONE_MAX; i++) {
		char subject[SUBJECT_SIZE];
		snprintf(subject, sizeof(subject), "%d", i);
		notice(NOTICE_GONE, subject);
	}
	assert_int_equal(count_rows("GIVEN_UP"), 1);
	assert_true(store_notification_get(app.store, 11, &row)); /* the oldest of ops */
	assert_string_equal(row.state, "GIVEN_UP");
	assert_non_null(strstr(row.of.reason, "given up for newer ones: 128 wait already"));
	assert_int_equal(
	    runtime_count(app.runtime, ACTOR_NOTIFY), NOTIFICATIONS_OPEN_OF_ONE_MAX + 1);
}

static void
beyond_all_that_may_wait_the_oldest_goes(void **state UNUSED)
{
	struct receiver_config
	    many[NOTIFICATIONS_OPEN_MAX / NOTIFICATIONS_OPEN_OF_ONE_MAX + 1];
	struct notification row;

	for (size_t i = 0; i < COUNT(many); i++) {
		many[i] = (struct receiver_config){ .events = NOTICES_ALL };
		snprintf(many[i].name, sizeof(many[i].name), "r%zu", i);
	}
	catalog_replace_receivers(app.catalog, many, COUNT(many));
	for (int i = 0; i <= NOTIFICATIONS_OPEN_MAX; i++) {
		char subject[SUBJECT_SIZE];
		snprintf(subject, sizeof(subject), "%d", i);
		catalog_set_notify(
		    app.catalog, "", "", many[i / NOTIFICATIONS_OPEN_OF_ONE_MAX].name);
		notice(NOTICE_GONE, subject);
	}
	assert_int_equal(runtime_count(app.runtime, ACTOR_NOTIFY), NOTIFICATIONS_OPEN_MAX);
	assert_true(store_notification_get(app.store, 10, &row));
	assert_string_equal(row.state, "GIVEN_UP");
}

static void
what_is_too_much_for_a_turn_is_left_out(void **state UNUSED)
{
	struct noticed n = { .notice = NOTICE_GONE, .stage = STAGE };

	catalog_set_notify(app.catalog, "", "", "ops");
	for (int i = 0; i <= NOTICES_WAITING_MAX; i++) {
		snprintf(n.subject, sizeof(n.subject), "%d", i);
		notices_add(&app, &n);
	}
	notices_step(&app);
	assert_int_equal(
	    count_rows(""), NOTICES_WAITING_MAX); /* some given up for newer ones */
	notices_step(&app);
	assert_int_equal(count_rows(""), NOTICES_WAITING_MAX);
}

/* Asked is nothing before the commit. */
static void
it_leaves_after_the_commit(void **state UNUSED)
{
	catalog_set_notify(app.catalog, "", "", "ops");
	notice(NOTICE_GONE, "a");
	assert_int_equal(asked, 0);
	store_commit(app.store);
	runtime_release(app.runtime);
	assert_int_equal(asked, 1);
	assert_int_equal(runtime_moved_count(app.runtime), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_most_specific_list_counts),
		TEST(lists_and_receivers_come_back),
		TEST(a_notification_comes_back_as_it_was),
		TEST(only_who_wants_the_event),
		TEST(the_same_is_told_once_in_an_hour),
		TEST(people_are_asked_once_for_their_approval),
		TEST(people_were_asked_long_ago),
		TEST(who_is_away_pushes_out_only_its_own),
		TEST(beyond_all_that_may_wait_the_oldest_goes),
		TEST(what_is_too_much_for_a_turn_is_left_out),
		TEST(it_leaves_after_the_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
