/* test_serve.c - a whole server as a process of its own: its HTTP and its store are real, its
 * registry is a socket of this test, on which an effect shows by its arrival.
 *
 * The one idea: a limit on the size of its files, set from outside, makes the next commit fail; then
 * neither an answer nor an effect may have left. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/settings.h"
#include "serve/serve.h"
#include "store/db.h"
#include "store/store.h"

enum { PATIENCE_MS = 20000, ANSWER_SIZE = 65536, STILL_RUNS = -1 };

#define TOKEN "0123456789abcdef0123456789abcdef"

static char directory[64];
static char config[4096];
static int registry; /* listens */
static uint16_t registry_port;
static uint16_t port;
static pid_t server;
static char answer[ANSWER_SIZE];

static int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A socket on a free port of loopback. */
static int
listener(uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void
write_config(void)
{
	uint16_t at;

	registry = listener(&registry_port);
	at = registry_port;
	assert_int_equal(listen(registry, 64), 0);
	snprintf(config, sizeof(config),
	    "version: 1\n"
	    "engines:\n"
	    "  local: {host: \"unix://%s/none.sock\"}\n"
	    "registries:\n"
	    "  \"127.0.0.1:%u\": {insecure: true}\n"
	    "projects:\n"
	    "  shop:\n"
	    "    image: 127.0.0.1:%u/shop/web\n"
	    "    stages:\n"
	    "      one: {tags: \"v*\", health: none}\n"
	    "      two: {tags: \"v9*\", health: none}\n"
	    "      byhand: {tags: \"*\", auto: false, health: none}\n"
	    "  blog:\n"
	    "    image: 127.0.0.1:%u/shop/web\n"
	    "    stages:\n"
	    "      one: {health: none}\n",
	    directory, at, at, at);
}

static int
make_place(void **state UNUSED)
{
	strcpy(directory, "/tmp/slipway-serve-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	write_config();
	close(listener(&port)); /* free a moment ago */
	return 0;
}

static void
stop(int signal)
{
	if (server > 0) {
		kill(server, signal);
		waitpid(server, NULL, 0);
	}
	server = 0;
}

static int
remove_place(void **state UNUSED)
{
	static const char *const names[] = { "lock", "slipway.db", "slipway.db-wal",
		"slipway.db-shm" };
	char path[128];

	stop(SIGKILL);
	close(registry);
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/data/%s", directory, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/data", directory);
	rmdir(path);
	return rmdir(directory);
}

/* The process of the server: ends with serve()'s exit code. */
static _Noreturn void
be_server(void)
{
	char data[128];
	char address[64];
	char token[] = "SLIPWAY_TOKEN=" TOKEN;
	char edge[] = "SLIPWAY_EDGE=off";
	char *environment[] = { data, address, token, edge, NULL };
	struct settings *settings;

	snprintf(data, sizeof(data), "SLIPWAY_DATA=%s/data", directory);
	snprintf(address, sizeof(address), "SLIPWAY_LISTEN=127.0.0.1:%u", port);
	if (freopen("/dev/null", "w", stdout) == NULL
	    || freopen("/dev/null", "w", stderr) == NULL)
		_exit(9);
	close(registry);
	signal(SIGXFSZ, SIG_IGN); /* then a write that is too far fails */
	settings = settings_load(environment);
	if (settings->faults.count > 0)
		_exit(8);
	log_setup(LOG_ERROR, true, STDOUT_FILENO);
	_exit(serve(settings));
}

/* Asks and reads until the connection ends; bytes of the answer, -1 when nobody listens. */
static ssize_t
ask(const char *method, const char *path, const char *body)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port) };
	int64_t until_ms = clock_ms() + PATIENCE_MS;
	char question[8192];
	size_t count = 0;
	ssize_t got = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int length = snprintf(question, sizeof(question),
	    "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "Authorization: Bearer " TOKEN "\r\n"
	    "Content-Type: application/%s\r\nContent-Length: %zu\r\n\r\n%s",
	    method, path, body == config ? "yaml" : "json", strlen(body), body);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0
	    || send(fd, question, (size_t)length, MSG_NOSIGNAL) != length) {
		close(fd);
		return -1;
	}
	while (got > 0 && clock_ms() < until_ms) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, 100) == 0)
			continue;
		got = recv(fd, answer + count, sizeof(answer) - 1 - count, 0);
		if (got > 0)
			count += (size_t)got;
	}
	answer[count] = '\0';
	close(fd);
	assert_true(clock_ms() < until_ms);
	return (ssize_t)count;
}

static bool
is_answered(const char *method, const char *path, const char *body, const char *status)
{
	char head[32];

	snprintf(head, sizeof(head), "HTTP/1.1 %s ", status);
	return ask(method, path, body) > 0 && strncmp(answer, head, strlen(head)) == 0;
}

/* STILL_RUNS, or the exit code, or 1000 and the signal. */
static int
end_of_server(int64_t patience_ms)
{
	int64_t until_ms = clock_ms() + patience_ms;
	int status;
	pid_t ended;

	while ((ended = waitpid(server, &status, WNOHANG)) == 0 && clock_ms() < until_ms)
		poll(NULL, 0, 2);
	if (ended == 0)
		return STILL_RUNS;
	server = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void
start(void)
{
	int64_t until_ms = clock_ms() + PATIENCE_MS;

	server = fork();
	assert_true(server >= 0);
	if (server == 0)
		be_server();
	while (ask("GET", "/health", "") <= 0) {
		int code = end_of_server(2);
		if (code != STILL_RUNS)
			fail_msg("the server ended with %d", code);
		assert_true(clock_ms() < until_ms);
	}
}

static void
start_with_a_stage(void)
{
	start();
	if (!is_answered("POST", "/api/v1/apply", config, "200"))
		fail_msg("%s", answer);
}

#define STAGE "/api/v1/projects/shop/stages/one"

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

/* A deploy that its stage knows nothing of: the machines would meet it at any later time. */
static void
a_store_that_contradicts_itself_starts_nothing(void **state UNUSED)
{
	char data[128];
	struct store *store;
	struct err err;

	start_with_a_stage();
	assert_true(is_answered("POST", STAGE "/deploys", "{\"tag\": \"v1\"}", "202"));
	assert_true(is_registry_asked(PATIENCE_MS));
	stop(SIGKILL);
	snprintf(data, sizeof(data), "%s/data", directory);
	store = store_open(data, &err);
	assert_non_null(store);
	db_script(store_db(store), "UPDATE deploy SET stage = 999");
	store_commit(store);
	store_close(store);
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

/* Between two lives of the server. */
static void
edit_store(const char *sql)
{
	char data[128];
	struct store *store;
	struct err err;

	stop(SIGKILL);
	snprintf(data, sizeof(data), "%s/data", directory);
	store = store_open(data, &err);
	assert_non_null(store);
	db_script(store_db(store), sql);
	store_commit(store);
	store_close(store);
	start();
}

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
}

/* What a poll has seen under one pattern says nothing about another: its first look only records. */
static void
a_poll_forgets_what_it_saw_when_its_tags_change(void **state UNUSED)
{
	static const char seen[] = "\"digest\":\"" VERSION_1 "\"";
	char *tags;

	start_with_a_stage();
	edit_store("UPDATE poll_actor SET tag = 'v1', digest = '" VERSION_1 "'");
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
		TEST(a_store_that_contradicts_itself_starts_nothing),
		TEST(an_answer_from_outside_is_heard),
		TEST(a_hook_is_for_its_own_image_and_project),
		TEST(a_hook_that_a_stage_cannot_take_comes_again),
		TEST(what_is_live_is_deployed_again_when_it_is_broken),
		TEST(a_poll_forgets_what_it_saw_when_its_tags_change),
		TEST(a_rollback_goes_to_another_version),
		TEST(a_server_ends_in_peace_or_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
