/* test_commands.c - what people and hooks may ask for, of a whole server: what is taken, by which stage,
 * and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve_bed.h"

/* The path of the project's webhook. */
static void
read_webhook(char *path, size_t size)
{
	static const char key[] = "\"webhook_path\":\"";
	const char *at;

	assert_true(is_answered("GET", "/api/v1/projects", "", "200"));
	at = strstr(answer, "\"name\":\"shop\"");
	assert_non_null(at);
	at = strstr(at, key);
	assert_non_null(at);
	snprintf(path, size, "%.*s", (int)strcspn(at + sizeof(key) - 1, "\""),
	    at + sizeof(key) - 1);
}

/* Bytes of {"image": ...} sent to a webhook: what it says, and what has come of it in the store. */
static bool
is_hook_ignored(const char *webhook, const char *image)
{
	char body[128];

	snprintf(body, sizeof(body), "{\"image\": \"%s\"}", image);
	if (!is_answered("POST", webhook, body, "200")
	    || strstr(answer, "\"ignored\"") == NULL)
		return false;
	return is_answered("GET", "/api/v1/deploys", "", "200")
	       && strstr(answer, "{\"items\":[]") != NULL;
}

static void
a_hook_is_for_its_own_image_and_project(void **state UNUSED)
{
	char webhook[64];
	char image[64];
	char body[128];

	start_with_a_stage();
	read_webhook(webhook, sizeof(webhook));
	assert_true(is_hook_ignored(webhook, "registry.example/shop/web:v1"));
	snprintf(image, sizeof(image), "127.0.0.1:%u/shop/other:v1", registry_port);
	assert_true(is_hook_ignored(webhook, image));
	snprintf(image, sizeof(image), "127.0.0.1:%u/other/web:v1", registry_port);
	assert_true(is_hook_ignored(webhook, image));
	snprintf(image, sizeof(image), "127.0.0.1:%u/shop/web:latest", registry_port);
	assert_true(is_hook_ignored(webhook, image));
	snprintf(image, sizeof(image), "127.0.0.1:%u/shop/web:v1", registry_port);
	snprintf(body, sizeof(body), "{\"image\": \"%s\"}", image);
	assert_true(is_answered("POST", webhook, body, "202"));
	assert_true(is_answered("GET", "/api/v1/deploys", "", "200"));
	assert_non_null(strstr(answer, "\"stage\":\"one\""));
	assert_null(strstr(answer, "\"stage\":\"two\""));
	assert_null(strstr(answer, "\"stage\":\"byhand\""));
	assert_null(strstr(answer, "\"project\":\"blog\""));
}

/* Two stages take the image, one of them nothing more: whoever sent it must know, to come again. */
static void
a_hook_that_a_stage_cannot_take_comes_again(void **state UNUSED)
{
	char webhook[64];
	char body[128];

	start_with_a_stage();
	read_webhook(webhook, sizeof(webhook));
	for (int i = 0; i < RESOLVING_MAX; i++) {
		snprintf(body, sizeof(body), "{\"tag\": \"v1.%d\"}", i);
		assert_true(is_answered("POST", STAGE "/deploys", body, "202"));
	}
	assert_true(is_answered("POST", STAGE "/deploys", "{\"tag\": \"v2\"}", "503"));
	snprintf(
	    body, sizeof(body), "{\"image\": \"127.0.0.1:%u/shop/web:v9\"}", registry_port);
	assert_true(is_answered("POST", webhook, body, "503"));
	assert_non_null(strstr(answer, "Retry-After: "));
	assert_non_null(strstr(answer, "shop/one"));
	/* The other one need not wait for that. */
	assert_true(is_answered("GET", "/api/v1/deploys?project=shop&stage=two", "", "200"));
	assert_non_null(strstr(answer, "\"v9\""));
}

#define DIGEST_OF(c) "sha256:" c c c c c c c c
#define EIGHT(c) c c c c c c c c
#define VERSION_1 DIGEST_OF(EIGHT("1"))
#define VERSION_2 DIGEST_OF(EIGHT("2"))

/* The stage has had version 1, then 2 by two deploys, the second of which is live, and one that
 * failed. */
static void
put_history(void)
{
	edit_store(
	    "INSERT INTO deploy(id, state, epoch, deadline_ms, stage, spec, elder, swap, "
	    "tries,"
	    " trigger, has_route, is_forced, created_ms, ended_ms, tag, digest, reason)"
	    " SELECT x.id, x.state, 9, 0, s.id, s.spec, 0, 0, 0, 'MANUAL', 0, 0, 1, 2, x.tag,"
	    " x.digest, '' FROM stage s JOIN project p ON p.id = s.project AND p.name = "
	    "'shop',"
	    " (SELECT 101 id, 'LIVE' state, 'v1' tag, '" VERSION_1 "' digest"
	    " UNION SELECT 102, 'LIVE', 'v2', '" VERSION_2 "'"
	    " UNION SELECT 103, 'FAILED', 'v3', '" DIGEST_OF(
		EIGHT("3")) "'"
			    " UNION SELECT 104, 'LIVE', 'v2.0', '" VERSION_2
			    "') x WHERE s.name = 'one';"
			    "UPDATE stage_actor SET live = 104, live_digest = '" VERSION_2 "',"
			    " live_spec = (SELECT spec FROM deploy WHERE id = 104) WHERE id ="
			    " (SELECT stage FROM deploy WHERE id = 104);"
			    "INSERT INTO instance(deploy, replica, container_id, name, "
			    "address, status, since_ms)"
			    " VALUES(104, 0, 'c', 'n', '10.0.0.2:80', 'running', 1)");
	start();
}

/* What a poll has seen under one pattern says nothing about another: its first look only records. */
static void
a_poll_forgets_what_it_saw_when_its_tags_change(void **state UNUSED)
{
	static const char seen[] = "\"digest\":\"" VERSION_1 "\"";
	char *tags;

	start_with_a_stage();
	edit_store("UPDATE poll_actor SET tag = 'v1', digest = '" VERSION_1 "'");
	start();
	assert_true(is_answered("POST", "/api/v1/apply", config, "200"));
	assert_true(is_answered("GET", STAGE, "", "200"));
	assert_non_null(strstr(answer, seen));
	tags = strstr(config, "\"v*\"");
	assert_non_null(tags);
	tags[1] = 'w';
	assert_true(is_answered("POST", "/api/v1/apply", config, "200"));
	assert_true(is_answered("GET", STAGE, "", "200"));
	assert_null(strstr(answer, seen));
	assert_true(is_answered("GET", "/api/v1/projects/shop/stages/two", "", "200"));
	assert_non_null(strstr(answer, seen));
}

/* Who asks for what is live means it when it does not run. */
static void
what_is_live_is_deployed_again_when_it_is_broken(void **state UNUSED)
{
	static const char wish[] = "{\"tag\": \"v2\", \"digest\": \"" VERSION_2 "\"}";

	start_with_a_stage();
	put_history();
	assert_true(is_answered("POST", STAGE "/deploys", wish, "202"));
	assert_true(is_answered("GET", "/api/v1/deploys?limit=1", "", "200"));
	assert_non_null(strstr(answer, "\"state\":\"SKIPPED\""));
	edit_store("UPDATE instance SET status = 'exited'");
	start();
	assert_true(is_answered("POST", STAGE "/deploys", wish, "202"));
	assert_true(is_answered("GET", "/api/v1/deploys?limit=1", "", "200"));
	assert_non_null(strstr(answer, "\"state\":\"PULLING\""));
}

/* By one: to the newest that was live with another digest, and not while a version is on its way. */
static void
a_rollback_goes_to_another_version(void **state UNUSED)
{
	start_with_a_stage();
	assert_true(is_answered("POST", STAGE "/rollback", "", "409"));
	put_history();
	assert_true(is_answered("POST", STAGE "/rollback", "{\"to\": 103}", "409"));
	assert_true(is_answered("POST", STAGE "/rollback", "{\"to\": 99}", "404"));
	assert_true(is_answered(
	    "POST", "/api/v1/projects/shop/stages/two/rollback", "{\"to\": 101}", "404"));
	assert_true(is_answered("POST", STAGE "/rollback", "", "202"));
	assert_true(is_answered("GET", "/api/v1/deploys?limit=1", "", "200"));
	assert_non_null(strstr(answer, "\"trigger\":\"ROLLBACK\""));
	assert_non_null(strstr(answer, "\"tag\":\"v1\""));
	assert_non_null(strstr(answer, VERSION_1));
	assert_true(is_answered("POST", STAGE "/rollback", "", "409"));
	assert_non_null(strstr(answer, "under way"));
}

static void
nothing_is_promotable_before_it_is_live(void **state UNUSED)
{
	start();
	strcat(config, "      two: {promote_from: one, health: none}\n");
	assert_true(is_answered("POST", "/api/v1/apply", config, "200"));
	assert_true(is_answered("GET", "/api/v1/promotable", "", "200"));
	assert_non_null(strstr(answer, "\"verdict\":\"refused\""));
}

/* What is live; not while anything else is on its way. */
static void
a_restart_starts_what_is_live(void **state UNUSED)
{
	start_with_a_stage();
	assert_true(is_answered("POST", STAGE "/restart", "", "409"));
	assert_non_null(strstr(answer, "nothing is live at shop/one"));
	put_history();
	assert_true(is_answered("POST", "/api/v1/projects/shop/stages/no/restart", "", "404"));
	assert_true(is_answered("POST", STAGE "/restart", "{\"to\": 1}", "400"));
	assert_true(is_answered("POST", STAGE "/restart", "", "202"));
	assert_true(is_answered("GET", "/api/v1/deploys?limit=1", "", "200"));
	assert_non_null(strstr(answer, "\"trigger\":\"RESTART\""));
	assert_non_null(strstr(answer, VERSION_2));
	assert_true(is_answered("POST", STAGE "/restart", "", "409"));
	assert_non_null(strstr(answer, "under way or pending"));
}

static void
a_stage_is_stopped_and_started(void **state UNUSED)
{
	start_with_a_stage();
	assert_true(is_answered("POST", STAGE "/stop", "", "409"));
	assert_non_null(strstr(answer, "nothing is live at shop/one"));
	assert_true(is_answered("POST", STAGE "/start", "", "409"));
	assert_non_null(strstr(answer, "was never live"));
	put_history();
	assert_true(is_answered("POST", STAGE "/start", "", "409"));
	assert_non_null(strstr(answer, "is not stopped"));
	assert_true(is_answered("POST", "/api/v1/projects/shop/stages/no/stop", "", "404"));
	assert_true(is_answered("POST", STAGE "/stop", "{\"by\": \" ann\"}", "400"));
	assert_true(is_answered("POST", STAGE "/stop", "{\"by\": \"ann\"}", "202"));
	assert_true(is_answered("GET", "/api/v1/deploys?limit=1", "", "200"));
	assert_non_null(strstr(answer, "\"trigger\":\"STOP\""));
	assert_non_null(strstr(answer, VERSION_2));
	assert_true(is_answered("POST", STAGE "/stop", "", "409"));
	assert_non_null(strstr(answer, "stops it already"));
	assert_true(is_answered("GET", "/api/v1/audit", "", "200"));
	assert_non_null(strstr(answer, "\"by\":\"ann\",\"action\":\"stop\""));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)
	const struct CMUnitTest tests[] = {
		TEST(a_hook_is_for_its_own_image_and_project),
		TEST(a_hook_that_a_stage_cannot_take_comes_again),
		TEST(a_poll_forgets_what_it_saw_when_its_tags_change),
		TEST(what_is_live_is_deployed_again_when_it_is_broken),
		TEST(a_rollback_goes_to_another_version),
		TEST(a_restart_starts_what_is_live),
		TEST(a_stage_is_stopped_and_started),
		TEST(nothing_is_promotable_before_it_is_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
