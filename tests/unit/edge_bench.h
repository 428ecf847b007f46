/* edge_bench.h - the edge against a real HAProxy on loopback, with real clients and backends.
 *
 * The one idea: a program of these tests is its own `slipway edge`: started with that word it is the
 * keeper of HAProxy. The store and the catalog are those of edge_double.h. */
#ifndef SLIPWAY_TESTS_EDGE_BENCH_H
#define SLIPWAY_TESTS_EDGE_BENCH_H

#include "edge_bed.h"
#include "edge_double.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/edge.h"
#include "ports/edge_inside.h"
#include "ports/fetch.h"

enum { WAIT_MS = 25000 };

/* The bench: one loop, one edge. */

static char directory[EDGE_DIRECTORY_SIZE];
static struct loop *loop;
static struct fetch *fetch;
static struct edge *edge;
static struct address http_address;
static struct address https_address;
static struct edge_settings settings;
static struct event answers[512];
static size_t answer_count;
static pid_t keepers[8];
static size_t keeper_count;
static int one_port;
static int two_port;
static pid_t one;
static pid_t two;
static uint64_t next_actor = 1000;

static inline void
answer(void *context UNUSED, const struct event *event)
{
	assert_true(answer_count < COUNT(answers));
	answers[answer_count++] = *event;
}

typedef bool ready_fn(void);

static inline bool
wait_until(ready_fn *is_ready, int64_t ms)
{
	int64_t until_us = clock_mono_us() + ms * 1000;
	struct loop_timer *timer = loop_timer_new(loop, (loop_fn *)clock_tick, NULL);
	bool result;

	while (!(result = is_ready()) && clock_mono_us() < until_us) {
		loop_timer_set(timer, 2);
		loop_turn(loop, true);
		clock_tick();
	}
	loop_timer_free(timer);
	return result;
}

static inline bool
edge_up(void)
{
	return edge_is_ready(edge);
}
static inline bool
edge_up_and_compared(void)
{
	return edge_is_ready(edge) && !edge->is_syncing && !edge->is_sync_wanted;
}
static inline bool
edge_down(void)
{
	return !edge_is_ready(edge);
}
static inline bool
has_answer(void)
{
	return answer_count > 0;
}
static inline bool
has_fault(void)
{
	return edge_fault(edge)[0] != '\0';
}
static inline bool
has_hold(void)
{
	return atomic_load(&bed->holds) > 0;
}

static inline void
edge_make(void)
{
	struct port_host host = { .loop = loop, .fetch = fetch, .answer = answer };
	struct err err;

	edge = edge_new(&host, &settings, &err);
	if (edge == NULL)
		fail_msg("%s", err.text);
}

static inline void
keep_child(void)
{
	if (edge->child != 0
	    && (keeper_count == 0 || keepers[keeper_count - 1] != edge->child))
		keepers[keeper_count++] = edge->child;
}

static inline void
edge_start(void)
{
	edge_make();
	if (!wait_until(edge_up_and_compared, WAIT_MS))
		fail_msg("the edge did not come up: %s", edge_fault(edge));
	keep_child();
}

static inline int
setup(void **state UNUSED)
{
	world_reset();
	snprintf(directory, sizeof(directory), "/tmp/slipway-edge-XXXXXX");
	assert_non_null(mkdtemp(directory));
	loop = loop_new();
	fetch = fetch_new(loop);
	http_address = (struct address){ .host = "127.0.0.1", .port = bed_free_port() };
	https_address = (struct address){ .host = "127.0.0.1", .port = bed_free_port() };
	settings = (struct edge_settings){ .directory = directory,
		.haproxy = "haproxy",
		.http = { .items = &http_address, .count = 1 },
		.certificates = "",
		.stage_live = stage_live,
		.stage_is_busy = stage_is_busy };
	setenv("SLIPWAY_EDGE_TEST_DIRECTORY", directory, 1);
	bed_load_reset();
	atomic_store(&bed->released, 0);
	atomic_store(&bed->holds, 0);
	one_port = bed_free_port();
	two_port = bed_free_port();
	one = bed_backend(one_port, "one", false);
	two = bed_backend(two_port, "two", false);
	answer_count = 0;
	return 0;
}

/* Waits for whatever holds the lock to end, so that nothing is left running. */
static inline void
wait_unlocked(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/lock", directory);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		alarm(30);
		flock(fd, LOCK_EX);
		alarm(0);
		close(fd);
	}
}

static inline void
remove_directory(void)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	char path[512];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		unlink(path);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(directory);
}

static inline int
teardown(void **state UNUSED)
{
	if (edge != NULL)
		keep_child();
	edge_free(edge);
	edge = NULL;
	for (size_t i = 0; i < keeper_count; i++) {
		kill(keepers[i], SIGTERM);
		kill(keepers[i], SIGINT); /* at once */
		waitpid(keepers[i], NULL, 0);
	}
	keeper_count = 0;
	bed_kill(one);
	bed_kill(two);
	wait_unlocked();
	fetch_free(fetch);
	loop_free(loop);
	remove_directory();
	return 0;
}

static inline struct event
perform(enum effect_kind kind, uint64_t actor, uint32_t epoch, uint64_t stage, uint64_t deploy,
    uint64_t elder)
{
	struct effect effect = { .kind = kind,
		.actor = actor,
		.epoch = epoch,
		.stage = stage,
		.deploy = deploy,
		.elder = elder };

	answer_count = 0;
	edge_perform(edge, &effect);
	assert_true(wait_until(has_answer, WAIT_MS));
	assert_int_equal(answer_count, 1);
	assert_int_equal(answers[0].to, actor);
	assert_int_equal(answers[0].epoch, epoch);
	return answers[0];
}

static inline void
expect(struct event event, enum event_kind kind)
{
	if (event.kind != kind)
		fail_msg("got %s instead of %s: %s", event_names[event.kind],
		    event_names[kind], event.text);
}

static inline void
swap_to(uint64_t stage, uint64_t deploy, uint64_t elder)
{
	expect(perform(FX_SWITCH, ++next_actor, 1, stage, deploy, elder), EV_SWITCHED);
}

static inline void
assert_served_by(const char *host, const char *name)
{
	char text[4096];
	int status = bed_get(http_address.port, host, "/", "", text, sizeof(text));

	assert_int_equal(status, 200);
	assert_string_equal(bed_body(text), name);
}

static inline int
status_of(const char *host)
{
	char text[4096];

	return bed_get(http_address.port, host, "/", "", text, sizeof(text));
}

static inline void
read_file(const char *name, char *text, size_t size)
{
	char path[128];
	struct buf content;
	struct err err;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	buf_init(&content, size - 1);
	if (file_read(path, &content, &err) != 0)
		fail_msg("%s", err.text);
	snprintf(text, size, "%s", buf_cstr(&content));
	buf_free(&content);
}

/* A command on HAProxy's socket behind the edge's back. */
static inline void
haproxy_say(const char *command, char *text, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n = 0;
	ssize_t got;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/stats.sock", directory);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	bed_say(fd, command, strlen(command));
	bed_say(fd, "\n", 1);
	while ((got = recv(fd, text + n, size - 1 - n, 0)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(fd);
}

static inline pid_t
haproxy_pid(void)
{
	char text[16384];
	const char *at;

	haproxy_say("show info", text, sizeof(text));
	at = strstr(text, "\nPid: ");
	assert_non_null(at);
	return (pid_t)strtol(at + 6, NULL, 10);
}

static inline uint32_t
in_flight_of(uint64_t stage, uint64_t deploy)
{
	struct edge_server_status status[64];
	size_t count = edge_status(edge, stage, status, COUNT(status));
	uint32_t sum = 0;

	for (size_t i = 0; i < count; i++)
		if (status[i].deploy == deploy)
			sum += status[i].in_flight;
	return sum;
}

static inline size_t
server_count_of(uint64_t stage)
{
	struct edge_server_status status[64];

	return edge_status(edge, stage, status, COUNT(status));
}

static size_t servers_expected;
static inline bool
servers_are_tidied(void)
{
	return server_count_of(1) == servers_expected;
}

/* A server with an idle connection is deleted a second later only, by the comparison. */
static inline void
assert_tidied(uint64_t deploy, size_t servers)
{
	servers_expected = servers;
	go_live(1, deploy);
	if (!wait_until(servers_are_tidied, WAIT_MS))
		fail_msg("%zu servers are left", server_count_of(1));
}

static inline int
hold(void)
{
	static const char request[] = "GET /hold HTTP/1.1\r\nHost: app1.test\r\n\r\n";
	int fd = bed_connect(http_address.port);

	assert_true(fd >= 0);
	assert_true(bed_say(fd, request, sizeof(request) - 1));
	assert_true(wait_until(has_hold, WAIT_MS));
	return fd;
}

static inline bool
drain_sees_it(void)
{
	return in_flight_of(1, 1) == 1;
}

static inline int
run_as_edge(void)
{
	struct edge_settings keeper = { .directory = getenv("SLIPWAY_EDGE_TEST_DIRECTORY"),
		.haproxy = "haproxy",
		.certificates = "" };
	struct err err = { "" };
	int code;

	log_setup(LOG_INFO, true, STDOUT_FILENO);
	code = edge_run(&keeper, &err);
	if (code != 0)
		log_error(NULL, "edge.failed", "%s", err.text);
	return code;
}

static inline bool
is_keeper(int argc, char **argv)
{
	return argc == 2 && strcmp(argv[1], "edge") == 0;
}

/* -t NAME runs the one test. */
static inline void
bench_begin(int argc, char **argv)
{
	log_setup(
	    getenv("EDGE_TEST_LOG") != NULL ? LOG_DEBUG : LOG_ERROR + 1, false, STDERR_FILENO);
	if (argc == 3 && strcmp(argv[1], "-t") == 0)
		cmocka_set_test_filter(argv[2]);
	signal(SIGPIPE, SIG_IGN);
	clock_tick();
	bed_open();
}

#endif
