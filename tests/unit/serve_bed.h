/* serve_bed.h - a whole server as a process of its own, for the tests of what it answers and does: its
 * HTTP and its store are real, its registry is a socket of the test, on which an effect shows by its
 * arrival. */
#ifndef SLIPWAY_TESTS_SERVE_BED_H
#define SLIPWAY_TESTS_SERVE_BED_H

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
static const char *more_headers = ""; /* of each question: whole lines */
static pid_t server;
static char answer[ANSWER_SIZE];
static char token[64]; /* of who asks; the server is given it, too */
static bool is_token_given;
static bool is_config_given; /* the file of that name in the directory, at the start */

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
	snprintf(token, sizeof(token), TOKEN);
	is_token_given = true;
	is_config_given = false;
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
	static const char *const names[] = { "data/lock", "data/slipway.db",
		"data/slipway.db-wal", "data/slipway.db-shm", "data/secrets.key", "config",
		"stderr" };
	char path[128];

	stop(SIGKILL);
	close(registry);
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
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
	char given[96];
	char file[128];
	char said[128];
	char edge[] = "SLIPWAY_EDGE=off";
	char *environment[6] = { data, address, edge };
	size_t count = 3;
	struct settings *settings;

	snprintf(data, sizeof(data), "SLIPWAY_DATA=%s/data", directory);
	snprintf(address, sizeof(address), "SLIPWAY_LISTEN=127.0.0.1:%u", port);
	snprintf(given, sizeof(given), "SLIPWAY_TOKEN=%s", token);
	snprintf(file, sizeof(file), "SLIPWAY_CONFIG=%s/config", directory);
	snprintf(said, sizeof(said), "%s/stderr", directory);
	if (is_token_given)
		environment[count++] = given;
	if (is_config_given)
		environment[count++] = file;
	if (freopen("/dev/null", "w", stdout) == NULL || freopen(said, "w", stderr) == NULL)
		_exit(9);
	setvbuf(stderr, NULL, _IONBF, 0); /* as it was */
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
	    "Authorization: Bearer %s\r\n"
	    "%sContent-Type: application/%s\r\nContent-Length: %zu\r\n\r\n%s",
	    method, path, token, more_headers, body == config ? "yaml" : "json", strlen(body),
	    body);

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

static UNUSED void
start_with_a_stage(void)
{
	start();
	if (!is_answered("POST", "/api/v1/apply", config, "200"))
		fail_msg("%s", answer);
}

#define STAGE "/api/v1/projects/shop/stages/one"

/* Between two lives of the server: ends the one, and begins none. */
static UNUSED void
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
}

#endif
