/* test_edge.c - the edge against a real HAProxy on loopback, with real clients and backends.
 *
 * The program is its own `slipway edge`: started with that word it is the keeper of HAProxy. The store
 * and the catalog are small doubles in memory. */
#include "edge_bed.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/edge.h"
#include "ports/edge_inside.h"
#include "ports/fetch.h"
#include "store/catalog.h"
#include "store/deploys.h"

enum { STAGES = 80, DEPLOYS = 600, WAIT_MS = 25000, SWAPS = 200 };

/* The store and the catalog. */

static struct stage_spec specs[STAGES];
static char domains[STAGES][32];
static const char *domain_lists[STAGES][2];
static struct stage_entry entries[STAGES];
static size_t stage_count;
static uint64_t live[STAGES + 1]; /* by stage id, 1.. */
static bool busy[STAGES + 1];

static struct {
	uint64_t stage;
	uint64_t spec;
	size_t count;
	struct instance instances[REPLICAS_MAX];
} deploys[DEPLOYS];

bool
store_deploy_get(struct store *store UNUSED, uint64_t id, struct deploy_row *ret_row)
{
	if (id == 0 || id >= DEPLOYS || deploys[id].stage == 0)
		return false;
	*ret_row = (struct deploy_row){
		.id = id, .stage = deploys[id].stage, .spec = deploys[id].spec
	};
	return true;
}

void
store_deploy_log_add(struct store *store UNUSED, uint64_t deploy UNUSED,
    const char *level UNUSED, struct str text UNUSED)
{
}

size_t
store_instances(struct store *store UNUSED, uint64_t deploy, struct instance *to, size_t most)
{
	size_t count = deploys[deploy].count;

	assert_true(count <= most);
	memcpy(to, deploys[deploy].instances, count * sizeof(*to));
	return count;
}

const struct stage_spec *
catalog_spec(struct catalog *catalog UNUSED, uint64_t id)
{
	return id > 0 && id <= STAGES ? &specs[id - 1] : NULL;
}

/* All stages are the edge's own. */
const struct proxy_config *
catalog_proxy(const struct catalog *catalog UNUSED, const char *name UNUSED)
{
	return NULL;
}

size_t
catalog_stage_count(const struct catalog *catalog UNUSED)
{
	return stage_count;
}

const struct stage_entry *
catalog_stage_at(const struct catalog *catalog UNUSED, size_t index)
{
	return &entries[index];
}

const struct stage_entry *
catalog_stage(const struct catalog *catalog UNUSED, uint64_t id)
{
	return id > 0 && id <= stage_count ? &entries[id - 1] : NULL;
}

static uint64_t
stage_live(void *context UNUSED, uint64_t stage)
{
	return stage <= STAGES ? live[stage] : 0;
}

static bool
stage_is_busy(void *context UNUSED, uint64_t stage)
{
	return stage <= STAGES && busy[stage];
}

/* Stage n has revision n, the domain "app<n>.test", and an id that counts from 1. */
static void
world_reset(void)
{
	memset(live, 0, sizeof(live));
	memset(busy, true, sizeof(busy)); /* until go_live() */
	memset(deploys, 0, sizeof(deploys));
	stage_count = 3;
	for (size_t i = 0; i < STAGES; i++) {
		snprintf(domains[i], sizeof(domains[i]), "app%zu.test", i + 1);
		domain_lists[i][0] = domains[i];
		domain_lists[i][1] = NULL;
		specs[i] = (struct stage_spec){ .project = "shop",
			.stage = domains[i],
			.drain_ms = 20000,
			.health = { .kind = HEALTH_HTTP, .path = "/health" },
			.domains = { .items = domain_lists[i], .count = 1 },
			.proxy = "edge" };
		entries[i] =
		    (struct stage_entry){ .id = i + 1, .spec_id = i + 1, .spec = &specs[i] };
	}
}

static void
go_live(uint64_t stage, uint64_t deploy)
{
	live[stage] = deploy;
	busy[stage] = false;
}

static void
world_deploy(uint64_t id, uint64_t stage, uint64_t spec, int port, size_t replicas)
{
	deploys[id].stage = stage;
	deploys[id].spec = spec;
	deploys[id].count = replicas;
	for (size_t i = 0; i < replicas; i++) {
		struct instance *instance = &deploys[id].instances[i];

		*instance =
		    (struct instance){ .deploy = id, .replica = (int)i, .status = "running" };
		snprintf(instance->address, sizeof(instance->address), "127.0.0.1:%d", port);
	}
}

/* The bench: one loop, one edge. */

static char directory[64];
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

static void
answer(void *context UNUSED, const struct event *event)
{
	assert_true(answer_count < COUNT(answers));
	answers[answer_count++] = *event;
}

typedef bool ready_fn(void);

static bool
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

static bool
edge_up(void)
{
	return edge_is_ready(edge);
}
static bool
edge_up_and_compared(void)
{
	return edge_is_ready(edge) && !edge->is_syncing && !edge->is_sync_wanted;
}
static bool
edge_down(void)
{
	return !edge_is_ready(edge);
}
static bool
has_answer(void)
{
	return answer_count > 0;
}
static bool
has_fault(void)
{
	return edge_fault(edge)[0] != '\0';
}
static bool
has_hold(void)
{
	return atomic_load(&bed->holds) > 0;
}

static void
edge_make(void)
{
	struct port_host host = { .loop = loop, .fetch = fetch, .answer = answer };
	struct err err;

	edge = edge_new(&host, &settings, &err);
	if (edge == NULL)
		fail_msg("%s", err.text);
}

static void
keep_child(void)
{
	if (edge->child != 0
	    && (keeper_count == 0 || keepers[keeper_count - 1] != edge->child))
		keepers[keeper_count++] = edge->child;
}

static void
edge_start(void)
{
	edge_make();
	if (!wait_until(edge_up_and_compared, WAIT_MS))
		fail_msg("the edge did not come up: %s", edge_fault(edge));
	keep_child();
}

static int
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
static void
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

static void
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

static int
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

static struct event
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

static void
expect(struct event event, enum event_kind kind)
{
	if (event.kind != kind)
		fail_msg("got %s instead of %s: %s", event_names[event.kind],
		    event_names[kind], event.text);
}

static void
swap_to(uint64_t stage, uint64_t deploy, uint64_t elder)
{
	expect(perform(FX_SWITCH, ++next_actor, 1, stage, deploy, elder), EV_SWITCHED);
}

static void
assert_served_by(const char *host, const char *name)
{
	char text[4096];
	int status = bed_get(http_address.port, host, "/", "", text, sizeof(text));

	assert_int_equal(status, 200);
	assert_string_equal(bed_body(text), name);
}

static int
status_of(const char *host)
{
	char text[4096];

	return bed_get(http_address.port, host, "/", "", text, sizeof(text));
}

static void
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
static void
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

static pid_t
haproxy_pid(void)
{
	char text[16384];
	const char *at;

	haproxy_say("show info", text, sizeof(text));
	at = strstr(text, "\nPid: ");
	assert_non_null(at);
	return (pid_t)strtol(at + 6, NULL, 10);
}

static uint32_t
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

static size_t
server_count_of(uint64_t stage)
{
	struct edge_server_status status[64];

	return edge_status(edge, stage, status, COUNT(status));
}

static size_t servers_expected;
static bool
servers_are_tidied(void)
{
	return server_count_of(1) == servers_expected;
}

/* A server with an idle connection is deleted a second later only, by the comparison. */
static void
assert_tidied(uint64_t deploy, size_t servers)
{
	servers_expected = servers;
	go_live(1, deploy);
	if (!wait_until(servers_are_tidied, WAIT_MS))
		fail_msg("%zu servers are left", server_count_of(1));
}

static pid_t load[16];
static size_t load_count;

static void
load_start(int keep_count, int fresh_count)
{
	bed_load_reset();
	load_count = 0;
	for (int i = 0; i < keep_count + fresh_count; i++)
		load[load_count++] = bed_load(http_address.port, "app1.test", i < keep_count);
}

static bool
load_runs(void)
{
	return atomic_load(&bed->requests) > 100;
}

static void
load_stop(const char *what)
{
	atomic_store(&bed->stop, 1);
	for (size_t i = 0; i < load_count; i++)
		waitpid(load[i], NULL, 0);
	load_count = 0;
	print_message(
	    "           %s: %lu requests, %lu failed, %lu asked again on a new connection\n",
	    what, atomic_load(&bed->requests), atomic_load(&bed->failed),
	    atomic_load(&bed->stale));
	if (atomic_load(&bed->failed) != 0)
		fail_msg("%lu requests failed: %s", atomic_load(&bed->failed), bed->why);
}

/* Tests. */

static void
test_comes_up_without_routes(void **state UNUSED)
{
	char text[4096];
	struct stat info;

	edge_start();
	assert_int_equal(
	    bed_get(http_address.port, "nobody.test", "/", "", text, sizeof(text)), 404);
	assert_null(strcasestr(text, "haproxy"));
	assert_null(strcasestr(text, "server:"));
	assert_null(strcasestr(text, "slipway"));
	assert_int_equal(stat(directory, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	assert_string_equal(edge_fault(edge), "");
}

static void
test_the_configuration_is_valid(void **state UNUSED)
{
	char command[256];

	world_deploy(1, 1, 1, one_port, 3);
	specs[1].tcp_port = bed_free_port();
	world_deploy(2, 2, 2, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	swap_to(2, 2, 0);
	/* -dW: a warning is a failure too. */
	snprintf(command, sizeof(command), "/usr/sbin/haproxy -c -dW -q -f %s/haproxy.cfg",
	    directory);
	assert_int_equal(system(command), 0);
}

static void
test_first_deploy_and_headers(void **state UNUSED)
{
	char text[8192];

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	assert_int_equal(status_of("app1.test"), 404);
	swap_to(1, 1, 0);
	assert_served_by("app1.test", "one");
	assert_served_by("APP1.test:8080", "one");
	assert_served_by("app1.test.", "one");
	expect(perform(FX_CONFIRM, next_actor, 2, 1, 1, 0), EV_CONFIRMED);

	assert_int_equal(bed_get(http_address.port, "app1.test", "/echo",
			     "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: "
			     "https\r\nX-Forwarded-Host: evil\r\n"
			     "Forwarded: for=6.6.6.6\r\nslipway-probe: guess\r\n",
			     text, sizeof(text)),
	    200);
	assert_non_null(strcasestr(bed_body(text), "x-forwarded-for: 127.0.0.1\r\n"));
	assert_non_null(strcasestr(bed_body(text), "x-forwarded-proto: http\r\n"));
	assert_non_null(strcasestr(bed_body(text), "x-forwarded-host: app1.test\r\n"));
	assert_null(strstr(text, "6.6.6.6"));
	assert_null(strstr(text, "evil"));
	assert_null(strcasestr(text, "slipway-probe")); /* does not reach the backend */
	assert_null(strcasestr(text, "slipway-instance")); /* neither ours nor the backend's */
}

static void
test_the_probe_is_known_by_its_secret(void **state UNUSED)
{
	char secret[64];
	char header[128];
	char text[8192];

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	read_file("probe.secret", secret, sizeof(secret));
	assert_int_equal(strlen(secret), 32);
	snprintf(header, sizeof(header), "slipway-probe: %s\r\n", secret);
	assert_int_equal(
	    bed_get(http_address.port, "app1.test", "/echo", header, text, sizeof(text)), 200);
	assert_non_null(strcasestr(text, "slipway-instance: d1r0\r\n"));
	assert_null(strstr(text, secret));
	assert_int_equal(
	    bed_get(http_address.port, "nobody.test", "/", header, text, sizeof(text)), 404);
	assert_non_null(strcasestr(text, "slipway-instance: edge\r\n"));
	assert_int_equal(
	    bed_get(http_address.port, "nobody.test", "/",
		"slipway-probe: 00000000000000000000000000000000\r\n", text, sizeof(text)),
	    404);
	assert_null(strcasestr(text, "slipway-instance"));
}

/* Exits by 0 when the files are written and the secret that this process knows is the one in them. */
static void
begin_as_one_of_several(int start_fd)
{
	struct edge *own = calloc(1, sizeof(*own));
	char secret[64];
	struct err err;
	char byte;

	assert_non_null(own);
	while (read(start_fd, &byte, 1) > 0) {
	}
	if (edge_settings_take(own, &settings, &err) != 0)
		_exit(1);
	edge_pool_grow(own, EDGE_BACKENDS_MIN);
	if (edge_files_write(own, &err) != 0)
		_exit(2);
	read_file("probe.secret", secret, sizeof(secret));
	_exit(strcmp(secret, own->secret) == 0 ? 0 : 3);
}

/* Two services, `slipway serve` and `slipway edge`, on a machine that starts for the first time. */
static void
test_a_server_and_its_edge_may_begin_together(void **state UNUSED)
{
	for (int round = 0; round < 40; round++) {
		pid_t children[4];
		int start[2];
		int status;

		remove_directory();
		assert_int_equal(pipe(start), 0);
		for (size_t i = 0; i < COUNT(children); i++) {
			children[i] = fork();
			if (children[i] == 0) {
				close(start[1]);
				begin_as_one_of_several(start[0]);
			}
		}
		close(start[0]);
		close(start[1]); /* now, all of them */
		for (size_t i = 0; i < COUNT(children); i++) {
			assert_int_equal(waitpid(children[i], &status, 0), children[i]);
			assert_int_equal(status, 0);
		}
	}
}

static void
test_confirm_does_not_take_the_elder_for_the_new(void **state UNUSED)
{
	struct event event;

	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	event = perform(FX_CONFIRM, next_actor, 2, 1, 2, 1);
	expect(event, EV_TROUBLED);
	assert_non_null(strstr(event.text, "d1r0"));
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
test_swaps_under_load_lose_nothing(void **state UNUSED)
{
	static double ms[SWAPS];
	static double whole[SWAPS];
	uint64_t elder = 1;

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	load_start(6, 3);
	assert_true(wait_until(load_runs, WAIT_MS));
	for (size_t i = 0; i < SWAPS; i++) {
		uint64_t deploy = 2 + i;
		int64_t began_us = clock_mono_us();

		busy[1] = true;
		world_deploy(deploy, 1, 1, i % 2 == 0 ? two_port : one_port, 1 + i % 3);
		swap_to(1, deploy, elder);
		ms[i] = (double)(clock_mono_us() - began_us) / 1000.;
		expect(perform(FX_CONFIRM, next_actor, 2, 1, deploy, elder), EV_CONFIRMED);
		go_live(1, deploy);
		expect(perform(FX_DRAIN, deploy, 1, 1, deploy, elder), EV_DRAINED);
		assert_int_equal(answers[0].count, 0);
		whole[i] = (double)(clock_mono_us() - began_us) / 1000.;
		deploys[elder].count = 0;
		elder = deploy;
	}
	qsort(ms, SWAPS, sizeof(ms[0]), compare_doubles);
	qsort(whole, SWAPS, sizeof(whole[0]), compare_doubles);
	print_message(
	    "           %d swaps: switch %.2f ms median, %.2f p95, %.2f most; with confirm and"
	    " drain %.1f median, %.1f most\n",
	    SWAPS, ms[SWAPS / 2], ms[SWAPS * 95 / 100], ms[SWAPS - 1], whole[SWAPS / 2],
	    whole[SWAPS - 1]);
	load_stop("swaps");
	assert_tidied(elder, deploys[elder].count);
}

static void
test_restore_leads_back_and_forgets_the_new(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 2);
	world_deploy(2, 1, 1, two_port, 2);
	edge_start();
	swap_to(1, 1, 0);
	swap_to(1, 2, 1);
	assert_served_by("app1.test", "two");
	expect(perform(FX_RESTORE, next_actor, 3, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "one");
	/* Asked again it is the same answer: what is done stays done. */
	expect(perform(FX_RESTORE, next_actor, 4, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "one");
	assert_tidied(1, 2);
}

static void
test_restore_of_a_first_deploy_takes_the_route_away(void **state UNUSED)
{
	char text[8192];

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	assert_served_by("app1.test", "one");
	expect(perform(FX_RESTORE, next_actor, 2, 1, 1, 0), EV_RESTORED);
	assert_int_equal(status_of("app1.test"), 404);
	read_file("hosts.map", text, sizeof(text));
	assert_string_equal(text, "");
	/* The backend is free again for another stage. */
	world_deploy(2, 2, 2, two_port, 1);
	swap_to(2, 2, 0);
	assert_served_by("app2.test", "two");
}

static void
test_switch_is_idempotent_and_fenced(void **state UNUSED)
{
	struct event event;

	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	expect(perform(FX_SWITCH, 50, 1, 1, 1, 0), EV_SWITCHED);
	expect(perform(FX_SWITCH, 50, 2, 1, 1, 0), EV_SWITCHED);
	expect(perform(FX_SWITCH, 60, 1, 1, 2, 1), EV_SWITCHED);
	expect(perform(FX_SWITCH, 60, 1, 1, 2, 1), EV_SWITCHED); /* the same once more */
	event = perform(FX_SWITCH, 50, 3, 1, 1, 0);
	expect(event, EV_REFUSED);
	assert_non_null(strstr(event.text, "overtaken"));
	expect(perform(FX_RESTORE, 60, 0, 1, 2, 1), EV_REFUSED);
	assert_served_by("app1.test", "two");
}

static void
test_a_domain_of_another_stage_is_refused(void **state UNUSED)
{
	struct event event;

	domain_lists[1][0] = domains[0]; /* stage 2 wants the domain of stage 1 */
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	event = perform(FX_SWITCH, ++next_actor, 1, 2, 2, 0);
	expect(event, EV_REFUSED);
	assert_non_null(strstr(event.text, "app1.test"));
	assert_non_null(strstr(event.text, "shop/app1.test"));
	assert_served_by("app1.test", "one");
}

/* Stage 1 gives its domain up, stage 2 takes it, and then stage 1's new version fails: whoever waits for
 * the restore waits for ever unless it ends. */
static void
test_a_restore_ends_when_the_domain_has_gone_to_another(void **state UNUSED)
{
	static const char *both[] = { "app1.test", "app9.test" };

	specs[0].domains = (struct strings){ .items = both, .count = 2 };
	domain_lists[1][0] = domains[0]; /* stage 2 wants a domain of stage 1 */
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 3, two_port, 1); /* revision 3 has app3.test only */
	world_deploy(3, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	expect(perform(FX_SWITCH, 2000, 1, 1, 2, 1), EV_SWITCHED);
	expect(perform(FX_SWITCH, 2001, 1, 2, 3, 0), EV_SWITCHED);
	assert_served_by("app1.test", "two");
	expect(perform(FX_RESTORE, 2000, 2, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "two");
	assert_served_by("app9.test", "one");
	assert_int_equal(status_of("app3.test"), 404);
}

static void
test_domains_follow_the_revision(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 3, two_port, 1); /* revision 3 has app3.test only */
	edge_start();
	swap_to(1, 1, 0);
	swap_to(1, 2, 1);
	assert_served_by("app3.test", "two");
	assert_int_equal(status_of("app1.test"), 404);
	expect(perform(FX_RESTORE, next_actor, 2, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "one");
	assert_int_equal(status_of("app3.test"), 404);
}

static void
test_nothing_to_lead_to_is_refused(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 1);
	snprintf(deploys[1].instances[0].address, sizeof(deploys[1].instances[0].address),
	    "127.0.0.1:80 state ready");
	edge_start();
	expect(perform(FX_SWITCH, ++next_actor, 1, 1, 1, 0), EV_REFUSED);
	deploys[1].count = 0;
	expect(perform(FX_SWITCH, ++next_actor, 1, 1, 1, 0), EV_REFUSED);
	expect(perform(FX_SWITCH, ++next_actor, 1, 1, 77, 0), EV_REFUSED);
}

static int
hold(void)
{
	static const char request[] = "GET /hold HTTP/1.1\r\nHost: app1.test\r\n\r\n";
	int fd = bed_connect(http_address.port);

	assert_true(fd >= 0);
	assert_true(bed_say(fd, request, sizeof(request) - 1));
	assert_true(wait_until(has_hold, WAIT_MS));
	return fd;
}

static bool
leads_to_one_again(void)
{
	char text[4096];

	return bed_get(http_address.port, "app1.test", "/", "", text, sizeof(text)) == 200
	       && strcmp(bed_body(text), "one") == 0;
}

/* And when the other stage gives it up again, it goes back at once, not with the next sweep. */
static void
test_a_name_that_is_given_up_goes_back(void **state UNUSED)
{
	static const char *both[] = { "app1.test", "app9.test" };

	specs[0].domains = (struct strings){ .items = both, .count = 2 };
	domain_lists[1][0] = domains[0];
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 3, two_port, 1);
	world_deploy(3, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	expect(perform(FX_SWITCH, 2000, 1, 1, 2, 1), EV_SWITCHED);
	expect(perform(FX_SWITCH, 2001, 1, 2, 3, 0), EV_SWITCHED);
	expect(perform(FX_RESTORE, 2000, 2, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "two");
	expect(perform(FX_RESTORE, 2001, 2, 2, 3, 0), EV_RESTORED);
	assert_true(wait_until(leads_to_one_again, WAIT_MS));
}

static bool
is_taken_away(void)
{
	return status_of("app1.test") == 404;
}

/* The domain of a stage was taken away: its next version takes the route away as it would take it over,
 * so that the old one still ends only when nobody needs it. Then the domain is free for others. */
static void
test_a_revision_without_a_route_takes_it_away(void **state UNUSED)
{
	struct effect effect = {
		.kind = FX_DRAIN, .actor = 2, .epoch = 1, .stage = 1, .deploy = 2, .elder = 1
	};
	char text[1024];
	bool any;
	int fd;

	specs[2].domains.count = 0;
	domain_lists[1][0] = domains[0];
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 3, two_port, 1);
	deploys[2].instances[0].address[0] = '\0'; /* nobody has to reach it */
	world_deploy(3, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	fd = hold();
	expect(perform(FX_SWITCH, 2000, 1, 1, 2, 1), EV_SWITCHED);
	expect(perform(FX_CONFIRM, 2000, 2, 1, 2, 1), EV_CONFIRMED);
	assert_int_equal(status_of("app1.test"), 404);
	answer_count = 0;
	edge_perform(edge, &effect);
	assert_false(wait_until(has_answer, 300)); /* not while it is in flight */
	atomic_store(&bed->released, 1);
	assert_int_equal(bed_read(fd, text, sizeof(text), &any), 200);
	assert_true(wait_until(has_answer, WAIT_MS));
	expect(answers[0], EV_DRAINED);
	close(fd);
	swap_to(2, 3, 0);
	assert_served_by("app1.test", "two");
}

/* The same found by a comparison: a route that its stage has no use for. */
static void
test_a_route_that_nobody_wants_is_taken_away(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 3, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	specs[2].domains.count = 0;
	go_live(1, 2);
	edge_sync(edge);
	assert_true(wait_until(is_taken_away, WAIT_MS));
}

static bool
drain_sees_it(void)
{
	return in_flight_of(1, 1) == 1;
}

static void
test_drain_waits_for_a_request_in_flight(void **state UNUSED)
{
	struct effect effect = {
		.kind = FX_DRAIN, .actor = 2, .epoch = 1, .stage = 1, .deploy = 2, .elder = 1
	};
	char text[1024];
	bool any;
	int fd;

	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	fd = hold();
	swap_to(1, 2, 1);
	assert_served_by("app1.test", "two");
	answer_count = 0;
	edge_perform(edge, &effect);
	assert_true(wait_until(drain_sees_it, WAIT_MS));
	assert_false(wait_until(has_answer, 300)); /* not while it is in flight */
	atomic_store(&bed->released, 1);
	assert_int_equal(bed_read(fd, text, sizeof(text), &any), 200);
	assert_string_equal(bed_body(text), "one");
	assert_true(wait_until(has_answer, WAIT_MS));
	expect(answers[0], EV_DRAINED);
	assert_int_equal(answers[0].count, 0);
	close(fd);
	assert_tidied(2, 1);
}

static void
test_drain_cuts_when_the_time_is_over(void **state UNUSED)
{
	char text[1024];
	bool any;
	int fd;

	specs[0].drain_ms = 300;
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	fd = hold();
	swap_to(1, 2, 1);
	expect(perform(FX_DRAIN, 2, 1, 1, 2, 1), EV_DRAINED);
	assert_int_equal(answers[0].count, 1);
	assert_int_not_equal(bed_read(fd, text, sizeof(text), &any), 200);
	close(fd);
}

static int
tunnel(void)
{
	static const char request[] =
	    "GET /ws HTTP/1.1\r\nHost: app1.test\r\nConnection: Upgrade\r\n"
	    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	int fd = bed_connect(http_address.port);
	char text[1024];
	bool any;

	assert_true(bed_say(fd, request, sizeof(request) - 1));
	assert_int_equal(bed_read(fd, text, sizeof(text), &any), 101);
	return fd;
}

static void
assert_echo(int fd, const char *wanted)
{
	char text[64];
	ssize_t n;

	assert_true(bed_say(fd, "hello", 5));
	n = recv(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, wanted);
}

static void
test_a_websocket_survives_the_swap(void **state UNUSED)
{
	struct effect effect = {
		.kind = FX_DRAIN, .actor = 2, .epoch = 1, .stage = 1, .deploy = 2, .elder = 1
	};
	int fd;

	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	fd = tunnel();
	assert_echo(fd, "one:hello");
	swap_to(1, 2, 1);
	assert_echo(fd, "one:hello");
	answer_count = 0;
	edge_perform(edge, &effect);
	assert_false(wait_until(has_answer, 200));
	assert_echo(fd, "one:hello");
	close(fd);
	assert_true(wait_until(has_answer, WAIT_MS));
	expect(answers[0], EV_DRAINED);
}

static void
test_a_refused_connection_is_tried_again(void **state UNUSED)
{
	char text[4096];

	world_deploy(1, 1, 1, one_port, 2);
	snprintf(deploys[1].instances[1].address, sizeof(deploys[1].instances[1].address),
	    "127.0.0.1:%d", bed_free_port()); /* nobody listens */
	edge_start();
	swap_to(1, 1, 0);
	for (int i = 0; i < 20; i++)
		assert_served_by("app1.test", "one");
	/* The only one is away for a moment: the request waits. */
	world_deploy(2, 1, 1, one_port, 1);
	swap_to(1, 2, 1);
	bed_kill(one);
	one = bed_fork();
	if (one == 0) {
		int listener;

		usleep(700000);
		listener = bed_listen(one_port);
		bed_serve(listener, "one", false);
	}
	assert_int_equal(
	    bed_get(http_address.port, "app1.test", "/", "", text, sizeof(text)), 200);
}

static void
test_growth_reloads_without_loss(void **state UNUSED)
{
	uint64_t last = EDGE_BACKENDS_MIN + 4;
	pid_t before;

	stage_count = last;
	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	before = haproxy_pid();
	load_start(4, 3);
	assert_true(wait_until(load_runs, WAIT_MS));
	for (uint64_t stage = 2; stage <= last; stage++) {
		world_deploy(stage, stage, stage, two_port, 1);
		swap_to(stage, stage, 0);
		go_live(stage, stage);
	}
	load_stop("growth");
	assert_int_not_equal(haproxy_pid(), before);
	assert_served_by("app1.test", "one");
	assert_served_by(domains[last - 1], "two");
	assert_int_equal(edge->pool_count, EDGE_BACKENDS_MIN * 2);
}

static void
test_killed_haproxy_comes_back_with_its_routes(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 2);
	world_deploy(2, 1, 1, two_port, 2);
	edge_start();
	swap_to(1, 1, 0);
	swap_to(1, 2, 1);
	go_live(1, 2);
	for (int i = 0; i < 3; i++) {
		int64_t began_us = clock_mono_us();

		kill(haproxy_pid(), SIGKILL);
		assert_true(wait_until(edge_down, WAIT_MS));
		assert_true(wait_until(edge_up, WAIT_MS));
		print_message("           killed: back after %.0f ms\n",
		    (double)(clock_mono_us() - began_us) / 1000.);
		assert_served_by("app1.test", "two");
	}
}

static void
test_an_effect_under_way_is_troubled_when_haproxy_dies(void **state UNUSED)
{
	struct effect effect = {
		.kind = FX_DRAIN, .actor = 2, .epoch = 1, .stage = 1, .deploy = 2, .elder = 1
	};
	int fd;

	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	fd = hold();
	swap_to(1, 2, 1);
	answer_count = 0;
	edge_perform(edge, &effect);
	assert_true(wait_until(drain_sees_it, WAIT_MS));
	kill(haproxy_pid(), SIGKILL);
	assert_true(wait_until(has_answer, WAIT_MS));
	expect(answers[0], EV_TROUBLED);
	close(fd);
	/* Asked while it is away, it waits until HAProxy is back. */
	expect(perform(FX_DRAIN, 2, 2, 1, 2, 1), EV_DRAINED);
	assert_served_by("app1.test", "two");
}

static void
test_a_running_edge_is_adopted(void **state UNUSED)
{
	pid_t haproxy;

	stage_count = 1;
	world_deploy(1, 1, 1, one_port, 2);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	haproxy = haproxy_pid();
	keep_child();
	edge_free(edge);
	assert_served_by("app1.test", "one"); /* without us */
	edge_start();
	assert_int_equal(edge->child, 0);
	assert_int_equal(haproxy_pid(), haproxy);
	assert_served_by("app1.test", "one");
	world_deploy(2, 1, 1, two_port, 1);
	swap_to(1, 2, 1);
	assert_served_by("app1.test", "two");
	assert_int_equal(haproxy_pid(), haproxy);
}

static void
test_an_edge_kept_elsewhere_is_waited_for(void **state UNUSED)
{
	struct err err;

	settings.is_kept_elsewhere = true;
	edge_make();
	assert_true(wait_until(has_fault, WAIT_MS));
	assert_non_null(strstr(edge_fault(edge), "slipway edge"));
	assert_int_equal(edge->child, 0);
	assert_false(edge_process_lives(edge));
	assert_int_equal(edge_process_spawn(edge, &err), 0); /* as the other service does */
	keep_child();
	assert_true(wait_until(edge_up, WAIT_MS));
	assert_string_equal(edge_fault(edge), "");
}

static void
test_haproxy_outlives_its_keeper(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	kill(edge->child, SIGKILL);
	waitpid(edge->child, NULL, 0);
	keeper_count = 0;
	edge->child = 0;
	assert_true(edge_process_lives(edge));
	assert_served_by("app1.test", "one");
	/* When it dies in the end, the server starts another keeper. */
	kill(haproxy_pid(), SIGKILL);
	assert_true(wait_until(edge_down, WAIT_MS));
	assert_true(wait_until(edge_up, WAIT_MS));
	assert_int_not_equal(edge->child, 0);
	assert_served_by("app1.test", "one");
}

static bool
process_knows(pid_t pid, const char *word)
{
	char path[64];
	char text[65536];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	return memmem(text, n, word, strlen(word)) != NULL;
}

static void
test_the_environment_holds_no_secret(void **state UNUSED)
{
	setenv("SLIPWAY_TOKEN", "secret-of-the-api", 1);
	setenv("REGISTRY_PASSWORD", "secret-of-a-registry", 1);
	edge_start();
	unsetenv("SLIPWAY_TOKEN");
	unsetenv("REGISTRY_PASSWORD");
	assert_true(process_knows(haproxy_pid(), "PATH="));
	assert_false(process_knows(haproxy_pid(), "secret"));
	assert_true(process_knows(keepers[0], "SLIPWAY_EDGE_TEST_DIRECTORY="));
	assert_false(process_knows(keepers[0], "secret"));
}

static off_t
log_size(const char *name)
{
	char path[128];
	struct stat file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return stat(path, &file) == 0 ? file.st_size : -1;
}

static bool
log_begins_anew(void)
{
	return log_size("edge.log.1") >= EDGE_LOG_MAX && log_size("edge.log") > 0
	       && log_size("edge.log") < EDGE_LOG_MAX;
}

static void
test_its_log_is_bounded(void **state UNUSED)
{
	char path[128];

	edge_start();
	assert_int_equal(log_size("edge.log.1"), -1);
	snprintf(path, sizeof(path), "%s/edge.log", directory);
	for (int turn = 0; turn < 2; turn++) { /* the second takes the place of the first */
		assert_int_equal(truncate(path, EDGE_LOG_MAX + turn), 0);
		kill(haproxy_pid(), SIGKILL);
		assert_true(wait_until(edge_down, WAIT_MS));
		assert_true(wait_until(edge_up, WAIT_MS));
		assert_true(wait_until(log_begins_anew, WAIT_MS));
	}
	assert_true(log_size("edge.log.1") > EDGE_LOG_MAX);
}

static void
test_routes_come_from_the_store_when_the_files_are_gone(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 2);
	world_deploy(2, 2, 2, two_port, 1);
	go_live(1, 1);
	go_live(2, 2);
	edge_make();
	assert_true(wait_until(edge_up, WAIT_MS));
	keep_child();
	assert_served_by("app1.test", "one");
	assert_served_by("app2.test", "two");
}

static bool
first_is_back(void)
{
	return status_of("app1.test") == 200;
}
static bool
second_is_gone(void)
{
	return status_of("app2.test") == 404;
}

static void
test_drift_is_mended(void **state UNUSED)
{
	char command[256];
	char text[4096];

	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	swap_to(2, 2, 0);
	go_live(1, 1);
	go_live(2, 2);
	snprintf(command, sizeof(command),
	    "del map %s/hosts.map app1.test; set server b0/d1r0 state maint", directory);
	haproxy_say(command, text, sizeof(text));
	assert_int_equal(status_of("app1.test"), 404);
	busy[2] =
	    true; /* its route leads to the live deploy only: looked after all the same */
	edge_sync(edge);
	assert_true(wait_until(first_is_back, WAIT_MS));
	busy[2] = false;
	live[2] = 0; /* its deploy is not live any more */
	edge_sync(edge);
	assert_true(wait_until(second_is_gone, WAIT_MS));
	assert_served_by("app1.test", "one");
}

static void
test_a_name_that_is_none_is_not_taken(void **state UNUSED)
{
	const struct edge_stage *stage;

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	edge_take_map(edge, STR("0x1 app1.test b0\n0x2 a\x01p1.test b0\n0x3 a;p1.test b0\n"
				"0x4 \xff\xfep1.test b0\n0x5 a\\p1.test b0\n"));
	stage = edge_stage_find(edge, 1);
	assert_int_equal(stage->domain_count, 1);
	assert_string_equal(stage->domains[0], "app1.test");
}

static bool
leads_to_two(void)
{
	char text[4096];

	return bed_get(http_address.port, "app1.test", "/", "", text, sizeof(text)) == 200
	       && strcmp(bed_body(text), "two") == 0;
}

static void
test_a_changed_address_is_followed(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	world_deploy(1, 1, 1, two_port, 1);
	edge_sync(edge);
	assert_true(wait_until(leads_to_two, WAIT_MS));
}

static bool
leads_nowhere(void)
{
	return status_of("app1.test") == 503;
}

static void
test_a_container_that_restarts_is_waited_for(void **state UNUSED)
{
	struct instance *instance = &deploys[1].instances[0];

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	snprintf(instance->status, sizeof(instance->status), "restarting");
	instance->since_ms = clock_wall_ms();
	edge_sync(edge);
	assert_true(wait_until(edge_up_and_compared, WAIT_MS));
	assert_served_by("app1.test", "one");
	instance->since_ms -= 60000; /* nobody says so again, but its time is over */
	assert_true(wait_until(leads_nowhere, WAIT_MS));
	snprintf(instance->status, sizeof(instance->status), "running");
	edge_sync(edge);
	assert_true(wait_until(first_is_back, WAIT_MS));
}

static bool
first_serves_alone(void)
{
	return edge_up_and_compared() && edge_stage_find(edge, 1)->op == NULL
	       && strcmp(edge_stage_find(edge, 1)->http->servers[0].name, "d1r0") == 0
	       && edge_stage_find(edge, 1)->http->server_count == 1;
}

static void
say_status(int replica, const char *status)
{
	struct instance *instance = &deploys[1].instances[replica];

	snprintf(instance->status, sizeof(instance->status), "%s", status);
	edge_sync(edge);
}

/* It keeps its address, so nobody else can answer; but another replica answers sooner. */
static void
test_a_paused_container_keeps_its_route_when_alone(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 2);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	say_status(1, "paused");
	assert_true(wait_until(first_serves_alone, WAIT_MS));
	say_status(0, "paused");
	assert_true(wait_until(edge_up_and_compared, WAIT_MS));
	assert_served_by("app1.test", "one");
	expect(perform(FX_RESTORE, next_actor, 3, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "one");
}

static bool
is_mended(void)
{
	return edge_up_and_compared() && edge_stage_find(edge, 1)->op == NULL;
}

/* A request that waits for a container that is gone must not reach the next one at its address. */
static void
test_nobody_waits_for_a_container_that_is_gone(void **state UNUSED)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: app1.test\r\n\r\n";
	char text[4096];
	bool is_any;
	int fd;

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	bed_kill(one);
	fd = bed_connect(http_address.port);
	assert_true(fd >= 0 && bed_say(fd, request, sizeof(request) - 1));
	haproxy_say("show info", text, sizeof(text)); /* it has the request by now */
	snprintf(
	    deploys[1].instances[0].status, sizeof(deploys[1].instances[0].status), "exited");
	edge_sync(edge);
	assert_true(wait_until(is_mended, WAIT_MS));
	one = bed_backend(one_port, "other", false);
	assert_int_not_equal(bed_read(fd, text, sizeof(text), &is_any), 200);
	close(fd);
}

static void
test_a_busy_stage_is_left_alone(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	busy[1] = true;
	swap_to(1, 2, 1); /* not live yet */
	edge_sync(edge);
	assert_false(wait_until(edge_down, 200));
	assert_served_by("app1.test", "two");
}

static void
tcp_assert(int port, const char *wanted)
{
	int fd = bed_connect(port);

	assert_true(fd >= 0);
	assert_echo(fd, wanted);
	close(fd);
}

static void
test_a_tcp_route(void **state UNUSED)
{
	int raw_one_port = bed_free_port();
	int raw_two_port = bed_free_port();
	pid_t raw_one = bed_backend(raw_one_port, "one", true);
	pid_t raw_two = bed_backend(raw_two_port, "two", true);
	struct effect effect = {
		.kind = FX_DRAIN, .actor = 2, .epoch = 1, .stage = 1, .deploy = 2, .elder = 1
	};
	int port = bed_free_port();
	int fd;

	specs[0].domains.count = 0;
	specs[0].tcp_port = port;
	world_deploy(1, 1, 1, raw_one_port, 1);
	world_deploy(2, 1, 1, raw_two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	expect(perform(FX_CONFIRM, next_actor, 2, 1, 1, 0), EV_CONFIRMED);
	tcp_assert(port, "one:hello");
	fd = bed_connect(port);
	assert_echo(fd, "one:hello");
	swap_to(1, 2, 1);
	expect(perform(FX_CONFIRM, next_actor, 2, 1, 2, 1), EV_CONFIRMED);
	tcp_assert(port, "two:hello");
	assert_echo(fd, "one:hello");
	/* A reload in between: the old worker still has the connection, and the drain knows. */
	specs[1].tcp_port = bed_free_port();
	world_deploy(3, 2, 2, raw_two_port, 1);
	swap_to(2, 3, 0);
	assert_echo(fd, "one:hello");
	answer_count = 0;
	edge_perform(edge, &effect);
	if (wait_until(has_answer, 300))
		fail_msg("%s: %s", event_names[answers[0].kind], answers[0].text);
	assert_echo(fd, "one:hello");
	close(fd);
	assert_true(wait_until(has_answer, WAIT_MS));
	expect(answers[0], EV_DRAINED);
	bed_kill(raw_one);
	bed_kill(raw_two);
}

static void
test_an_old_worker_is_cut_in_the_end(void **state UNUSED)
{
	int fd;

	specs[0].drain_ms = 400;
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	specs[1].tcp_port = bed_free_port();
	world_deploy(3, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	fd = tunnel();
	swap_to(1, 2, 1);
	swap_to(2, 3, 0); /* reloads */
	assert_echo(fd, "one:hello");
	expect(perform(FX_DRAIN, 2, 1, 1, 2, 1), EV_DRAINED);
	assert_int_equal(answers[0].count, 1);
	assert_int_equal(recv(fd, &(char){ 0 }, 1, 0), 0);
	close(fd);
}

static void
test_a_taken_tcp_port_is_refused(void **state UNUSED)
{
	int port = bed_free_port();
	int taken = bed_listen(port);
	struct event event;
	char text[65536];

	specs[0].tcp_port = port;
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 2, 2, two_port, 1);
	edge_start();
	event = perform(FX_SWITCH, ++next_actor, 1, 1, 1, 0);
	expect(event, EV_REFUSED);
	assert_non_null(strstr(event.text, "in use"));
	read_file("haproxy.cfg", text, sizeof(text));
	assert_null(strstr(text, "tcp-"));
	close(taken);
	swap_to(2, 2, 0); /* nobody else suffers */
	assert_served_by("app2.test", "two");
}

static bool
fault_names_port(void)
{
	char text[32];

	snprintf(text, sizeof(text), ":%d]", http_address.port);
	return has_fault() && strstr(edge_fault(edge), text) != NULL;
}

static void
test_a_taken_address_is_named(void **state UNUSED)
{
	int taken = bed_listen(http_address.port);
	struct event event;

	world_deploy(1, 1, 1, one_port, 1);
	edge_make();
	if (!wait_until(fault_names_port, WAIT_MS))
		fail_msg("the fault does not name the port: %s", edge_fault(edge));
	assert_non_null(strstr(edge_fault(edge), "another program"));
	event = perform(FX_SWITCH, ++next_actor, 1, 1, 1, 0);
	expect(event, EV_TROUBLED);
	assert_non_null(strstr(event.text, "cannot listen"));
	close(taken);
	assert_true(wait_until(edge_up, WAIT_MS)); /* mended by itself */
	assert_string_equal(edge_fault(edge), "");
	keep_child();
}

static void
test_a_missing_haproxy_is_named(void **state UNUSED)
{
	struct port_host host = { .loop = loop, .fetch = fetch, .answer = answer };
	struct err err;

	settings.haproxy = "no-such-haproxy";
	assert_null(edge_new(&host, &settings, &err));
	assert_non_null(strstr(err.text, "apt-get install haproxy"));
	settings.haproxy = "/no/such/haproxy";
	assert_null(edge_new(&host, &settings, &err));
	assert_non_null(strstr(err.text, "apt-get install haproxy"));
}

static void
make_certificate(char *certificate, size_t size)
{
	char command[1024];

	snprintf(certificate, size, "%s/test.pem", directory);
	snprintf(command, sizeof(command),
	    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
	    " -nodes -days 2 -subj /CN=app1.test -keyout %s/test.key -out %s/test.crt "
	    "2>/dev/null &&"
	    " cat %s/test.crt %s/test.key > %s",
	    directory, directory, directory, directory, certificate);
	assert_int_equal(system(command), 0);
}

static void
test_https_and_http2(void **state UNUSED)
{
	char command[1024];
	char certificate[128];
	char text[4096];
	FILE *output;
	size_t n;

	make_certificate(certificate, sizeof(certificate));
	settings.http.count = 0; /* the probe goes through the socket then */
	settings.https = (struct addresses){ .items = &https_address, .count = 1 };
	settings.certificates = certificate;
	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	expect(perform(FX_CONFIRM, next_actor, 2, 1, 1, 0), EV_CONFIRMED);
	for (int version = 1; version <= 2; version++) {
		snprintf(command, sizeof(command),
		    "curl -sk -i --http%s --resolve app1.test:%d:127.0.0.1"
		    " -m 10 https://app1.test:%d/echo",
		    version == 1 ? "1.1" : "2", https_address.port, https_address.port);
		output = popen(command, "r");
		assert_non_null(output);
		n = fread(text, 1, sizeof(text) - 1, output);
		text[n] = '\0';
		assert_int_equal(pclose(output), 0);
		assert_non_null(strstr(text, version == 1 ? "HTTP/1.1 200" : "HTTP/2 200"));
		assert_non_null(strcasestr(text, "x-forwarded-proto: https"));
	}
}

static void
test_other_settings_mend_an_edge_that_cannot_start(void **state UNUSED)
{
	int taken = bed_listen(http_address.port);

	stage_count = 1;
	world_deploy(1, 1, 1, one_port, 1);
	go_live(1, 1);
	edge_make();
	assert_true(wait_until(has_fault, WAIT_MS));
	keep_child();
	edge_free(edge);
	http_address.port = bed_free_port();
	edge_start();
	assert_served_by("app1.test", "one");
	close(taken);
}

static void
test_a_failed_reload_keeps_what_runs(void **state UNUSED)
{
	char certificate[128];
	char aside[128];
	char text[65536];
	struct event event;
	pid_t haproxy;

	make_certificate(certificate, sizeof(certificate));
	settings.https = (struct addresses){ .items = &https_address, .count = 1 };
	settings.certificates = certificate;
	specs[1].tcp_port = bed_free_port();
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	haproxy = haproxy_pid();
	snprintf(aside, sizeof(aside), "%s.aside", certificate);
	assert_int_equal(rename(certificate, aside), 0);
	event = perform(FX_SWITCH, ++next_actor, 1, 2, 2, 0); /* its TCP port needs a reload */
	expect(event, EV_TROUBLED);
	assert_non_null(strstr(event.text, "test.pem"));
	assert_int_equal(haproxy_pid(), haproxy);
	assert_served_by("app1.test", "one");
	read_file("haproxy.cfg", text, sizeof(text));
	assert_null(strstr(text, "tcp-"));
	assert_int_equal(rename(aside, certificate), 0);
	edge->reload_after_us = 0;
	swap_to(2, 2, 0);
	assert_served_by("app2.test", "two");
}

static void
test_changed_settings_reload_a_running_edge(void **state UNUSED)
{
	int before = http_address.port;
	char text[1024];

	world_deploy(1, 1, 1, one_port, 1);
	go_live(1, 1);
	edge_start();
	keep_child();
	edge_free(edge);
	http_address.port = bed_free_port();
	edge_start();
	assert_served_by("app1.test", "one");
	assert_int_equal(bed_get(before, "app1.test", "/", "", text, sizeof(text)), -1);
}

static int
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

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_up_without_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_the_configuration_is_valid, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_first_deploy_and_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_the_probe_is_known_by_its_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_server_and_its_edge_may_begin_together, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_confirm_does_not_take_the_elder_for_the_new, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_swaps_under_load_lose_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_restore_leads_back_and_forgets_the_new, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_restore_of_a_first_deploy_takes_the_route_away, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_switch_is_idempotent_and_fenced, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_domain_of_another_stage_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_restore_ends_when_the_domain_has_gone_to_another, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_name_that_is_given_up_goes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_revision_without_a_route_takes_it_away, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_route_that_nobody_wants_is_taken_away, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_domains_follow_the_revision, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_nothing_to_lead_to_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_drain_waits_for_a_request_in_flight, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_drain_cuts_when_the_time_is_over, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_websocket_survives_the_swap, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_refused_connection_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_growth_reloads_without_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_killed_haproxy_comes_back_with_its_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_an_effect_under_way_is_troubled_when_haproxy_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_running_edge_is_adopted, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_an_edge_kept_elsewhere_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_haproxy_outlives_its_keeper, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_the_environment_holds_no_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_its_log_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_routes_come_from_the_store_when_the_files_are_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drift_is_mended, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_name_that_is_none_is_not_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_changed_address_is_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_container_that_restarts_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_paused_container_keeps_its_route_when_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_nobody_waits_for_a_container_that_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_busy_stage_is_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_tcp_route, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_an_old_worker_is_cut_in_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_taken_tcp_port_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_taken_address_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_missing_haproxy_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_https_and_http2, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_other_settings_mend_an_edge_that_cannot_start, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_failed_reload_keeps_what_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_changed_settings_reload_a_running_edge, setup, teardown),
	};

	if (argc == 2 && strcmp(argv[1], "edge") == 0)
		return run_as_edge();
	log_setup(
	    getenv("EDGE_TEST_LOG") != NULL ? LOG_DEBUG : LOG_ERROR + 1, false, STDERR_FILENO);
	if (argc == 3 && strcmp(argv[1], "-t") == 0)
		cmocka_set_test_filter(argv[2]);
	signal(SIGPIPE, SIG_IGN);
	clock_tick();
	bed_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
