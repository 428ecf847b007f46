/* test_serve.c - a whole server as a process of its own: what is answered and asked, and when.
 *
 * The one idea: a limit on the size of its files, set from outside, makes the next commit fail; then
 * neither an answer nor an effect may have left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve_bed.h"

/* True when an effect, the question for a tag, arrives at the registry. */
static bool
is_registry_asked(int patience_ms)
{
	struct pollfd p = { .fd = registry, .events = POLLIN };
	int fd;

	if (poll(&p, 1, patience_ms) != 1)
		return false;
	fd = accept(registry, NULL, NULL);
	close(fd);
	return fd >= 0;
}

static void
no_more_bytes_for_the_store(void)
{
	struct rlimit none = { 0, 0 };

	assert_int_equal(prlimit(server, RLIMIT_FSIZE, &none, NULL), 0);
}

static void
what_was_answered_is_kept(void **state UNUSED)
{
	start_with_a_stage();
	stop(SIGKILL);
	start();
	assert_true(is_answered("GET", STAGE, "", "200"));
	assert_non_null(strstr(answer, "\"one\""));
}

static void
a_commit_that_fails_answers_nothing(void **state UNUSED)
{
	start();
	no_more_bytes_for_the_store();
	assert_int_equal(ask("POST", "/api/v1/apply", config), 0);
	assert_int_equal(end_of_server(PATIENCE_MS), EXIT_STORE_BROKEN);
	start();
	assert_true(is_answered("GET", STAGE, "", "404"));
}

static void
a_commit_that_fails_asks_nothing(void **state UNUSED)
{
	start_with_a_stage();
	no_more_bytes_for_the_store();
	assert_int_equal(ask("POST", STAGE "/deploys", "{\"tag\": \"v1\"}"), 0);
	assert_int_equal(end_of_server(PATIENCE_MS), EXIT_STORE_BROKEN);
	assert_false(is_registry_asked(0));
	start();
	assert_true(is_answered("GET", "/api/v1/deploys", "", "200"));
	assert_null(strstr(answer, "\"v1\""));
}

static void
what_is_committed_is_asked_and_asked_again(void **state UNUSED)
{
	start_with_a_stage();
	assert_true(is_answered("POST", STAGE "/deploys", "{\"tag\": \"v1\"}", "202"));
	assert_true(is_registry_asked(PATIENCE_MS));
	stop(SIGKILL);
	start();
	assert_true(is_registry_asked(PATIENCE_MS));
	assert_true(is_answered("GET", "/api/v1/deploys", "", "200"));
	assert_non_null(strstr(answer, "\"RESOLVING\""));
}

static void
a_key_is_done_once_over_a_crash(void **state UNUSED)
{
	const char *first;

	start_with_a_stage();
	more_headers = "Idempotency-Key: one\r\n";
	assert_true(is_answered("POST", STAGE "/deploys", "{\"tag\": \"v1\"}", "202"));
	assert_null(strstr(answer, "Idempotency-Replayed"));
	stop(SIGKILL);
	start();
	assert_true(is_answered("POST", STAGE "/deploys", "{\"tag\": \"v1\"}", "202"));
	assert_non_null(strstr(answer, "Idempotency-Replayed: true\r\n"));
	assert_true(is_answered("POST", STAGE "/deploys", "{\"tag\": \"v2\"}", "409"));
	assert_true(is_answered("GET", "/api/v1/deploys", "", "200"));
	more_headers = "";
	first = strstr(answer, "{\"id\":");
	assert_non_null(first);
	assert_null(strstr(first + 1, "{\"id\":"));
}

/* A deploy that its stage knows nothing of: the machines would meet it at any later time. */
static void
a_store_that_contradicts_itself_starts_nothing(void **state UNUSED)
{
	start_with_a_stage();
	assert_true(is_answered("POST", STAGE "/deploys", "{\"tag\": \"v1\"}", "202"));
	assert_true(is_registry_asked(PATIENCE_MS));
	edit_store("UPDATE deploy SET stage = 999");
	server = fork();
	if (server == 0)
		be_server();
	assert_int_equal(end_of_server(PATIENCE_MS), EXIT_SERVE_FAILED);
	assert_false(is_registry_asked(0));
}

/* Does the first deploy of the answer tell a reason? */
static bool
is_reason_told(void)
{
	static const char key[] = "\"reason\":\"";
	const char *reason = strstr(answer, key);

	return reason != NULL && reason[sizeof(key) - 1] != '"';
}

/* The registry hangs up: the deploy tells it while it tries again. */
static void
an_answer_from_outside_is_heard(void **state UNUSED)
{
	int64_t until_ms = clock_ms() + PATIENCE_MS;

	start_with_a_stage();
	assert_true(is_answered("POST", STAGE "/deploys", "{\"tag\": \"v1\"}", "202"));
	assert_true(is_registry_asked(PATIENCE_MS));
	do
		assert_true(is_answered("GET", "/api/v1/deploys", "", "200"));
	while (!is_reason_told() && clock_ms() < until_ms);
	assert_true(is_reason_told());
}

static void
a_server_ends_in_peace_or_at_once(void **state UNUSED)
{
	start_with_a_stage();
	kill(server, SIGTERM);
	assert_int_equal(end_of_server(PATIENCE_MS), 0);
	start();
	assert_true(is_answered("POST", STAGE "/deploys", "{\"tag\": \"v1\"}", "202"));
	kill(server, SIGTERM);
	while (!is_answered("POST", STAGE "/deploys", "{\"tag\": \"v2\"}", "503"))
		assert_int_equal(end_of_server(2), STILL_RUNS);
	assert_true(is_answered("POST", "/api/v1/apply", config, "503"));
	assert_int_equal(end_of_server(0), STILL_RUNS); /* a deploy is under way */
	kill(server, SIGTERM);
	assert_int_equal(end_of_server(PATIENCE_MS), EXIT_SERVE_CUT);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)
	const struct CMUnitTest tests[] = {
		TEST(what_was_answered_is_kept),
		TEST(a_commit_that_fails_answers_nothing),
		TEST(a_commit_that_fails_asks_nothing),
		TEST(what_is_committed_is_asked_and_asked_again),
		TEST(a_key_is_done_once_over_a_crash),
		TEST(a_store_that_contradicts_itself_starts_nothing),
		TEST(an_answer_from_outside_is_heard),
		TEST(a_server_ends_in_peace_or_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
