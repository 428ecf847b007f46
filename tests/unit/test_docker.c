/* test_docker.c - the Docker port against an engine that says exactly what a test wants.
 *
 * The real engine is met in the integration tests; here are the answers that a real one
 * gives rarely or never: too old, too new, errors inside a pull, a digest that does not
 * match, another's container under our name, 429, a frame cut anywhere. A script of
 * expected requests and answers is served on a Unix socket; a request out of script fails
 * the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "actors/orphan.h"
#include "base/clock.h"
#include "docker_double.h"
#include "ports/docker_images.h"
#include "ports/docker_parts.h"

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define IMAGE "registry.example/shop/web"
#define IMAGE_PATH "/images/" IMAGE "@" DIGEST "/json"
#define VERSION                                                                         \
	"{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"," \
	"\"Os\":\"linux\",\"Arch\":\"amd64\"}"

#define PULL_CALL "POST /v1.41/images/create?fromImage=" IMAGE "&tag=" DIGEST " "

enum { WAIT_MS = 20000, SLOW_MS = 1500, PEERS_MAX = 32 };

struct turn { /* of the script */
	const char *request; /* how the request line begins: "GET /v1.41/x" */
	const char *status; /* "200 OK"; "": see give(); NULL: the connection is cut */
	const char *body;
};

struct peer {
	struct loop_io *io;
	struct buf in;
	int fd;
};

static struct store store;
static struct catalog catalog;
static struct stage_spec spec;
static struct loop *loop;
static struct fetch *fetch;
static struct docker *docker;
static const struct turn *script;
static struct peer peers[PEERS_MAX];
static struct loop_io *listener;
static struct loop_timer *holder;
static struct peer *held;
static const struct turn *slow; /* its answer comes late */
static int listener_fd = -1;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static char last_request[65536];
static char last_pull[4096];
static struct event last_event;
static int event_count;
static bool is_stage_busy;
static uint64_t live_deploy;
static uint64_t live_stage; /* 0: each */
static int changes;
static int nudges;
static int events_when_nudged;
static struct peer *unanswered;

/* The scripted engine. */

static void
peer_close(struct peer *peer)
{
	loop_io_free(peer->io);
	close(peer->fd);
	buf_free(&peer->in);
	*peer = (struct peer){ .fd = -1 };
}

static void
give(struct peer *peer, const struct turn *turn)
{
	char head[512];

	snprintf(head, sizeof(head),
	    "HTTP/1.1 %s\r\nApi-Version: 1.41\r\nServer: Docker/20\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    turn->status, strlen(turn->body));
	(void)!write(peer->fd, head, strlen(head));
	(void)!write(peer->fd, turn->body, strlen(turn->body));
}

static void
answer(struct peer *peer)
{
	snprintf(last_request, sizeof(last_request), "%s", buf_cstr(&peer->in));
	buf_clear(&peer->in);
	if (strncmp(last_request, PULL_CALL, sizeof(PULL_CALL) - 1) == 0)
		snprintf(last_pull, sizeof(last_pull), "%s", last_request);
	if (script->request == NULL
	    || strncmp(last_request, script->request, strlen(script->request)) != 0)
		fail_msg("expected %s, got %.300s",
		    script->request == NULL ? "nothing more" : script->request, last_request);
	if (script->status == NULL) {
		script++;
		peer_close(peer);
		return;
	}
	if (script->status[0] == '\0')
		unanswered = peer;
	else
		give(peer, script);
	script++;
}

static void
on_held(void *context UNUSED)
{
	answer(held);
}

static void
on_peer(void *context, int ready UNUSED)
{
	struct peer *peer = context;
	char piece[65536];
	const char *end;
	const char *length;
	ssize_t n = recv(peer->fd, piece, sizeof(piece), 0);

	if (n <= 0) {
		peer_close(peer);
		return;
	}
	buf_add(&peer->in, piece, (size_t)n);
	end = strstr(buf_cstr(&peer->in), "\r\n\r\n");
	length = strcasestr(buf_cstr(&peer->in), "Content-Length:");
	if (end != NULL
	    && (length == NULL || strlen(end + 4) >= strtoul(length + 15, NULL, 10))) {
		held = peer;
		if (script == slow)
			loop_timer_set(holder, SLOW_MS);
		else
			answer(peer);
	}
}

static void
on_accept(void *context UNUSED, int ready UNUSED)
{
	struct peer *peer = peers;

	while (peer->fd != -1)
		peer++;
	assert_true(peer < peers + PEERS_MAX);
	peer->fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(peer->fd >= 0);
	buf_init(&peer->in, 1 << 20);
	peer->io = loop_io_new(loop, peer->fd, LOOP_READ, on_peer, peer);
}

/* The host. */

static void
on_event(void *context UNUSED, const struct event *event)
{
	last_event = *event;
	event_count++;
}

static bool
stage_is_busy(void *context UNUSED, uint64_t stage UNUSED)
{
	return is_stage_busy;
}

static size_t
stage_kept(void *context UNUSED, uint64_t stage UNUSED, uint64_t ret_deploys[KEPT_MAX] UNUSED)
{
	return 0;
}

static uint64_t
stage_live(void *context UNUSED, uint64_t stage)
{
	return live_stage == 0 || stage == live_stage ? live_deploy : 0;
}

static void
nudge(void *context UNUSED, uint64_t engine UNUSED)
{
	events_when_nudged = event_count;
	nudges++;
}

static void
instances_changed(void *context UNUSED, uint64_t deploy UNUSED)
{
	changes++;
}

static void
configure(void)
{
	struct engine_config *engine = double_engine(&catalog, 1);
	struct deploy_row *row = double_deploy(&store, 7);

	snprintf(engine->name, sizeof(engine->name), "local");
	snprintf(engine->host, sizeof(engine->host), "unix://%s", address.sun_path);
	spec = (struct stage_spec){ .project = "shop",
		.stage = "web",
		.engine = "local",
		.image = IMAGE,
		.port = 8080,
		.replicas = 1,
		.user = "",
		.restart = "always",
		.stop_ms = 1500,
		.stop_signal = "",
		.log_driver = "local",
		.health = { .kind = HEALTH_NONE,
		    .path = "/",
		    .host = "",
		    .successes = 1,
		    .interval_ms = 10,
		    .timeout_ms = 1000,
		    .min_uptime_ms = 0,
		    .deadline_ms = 5000 } };
	catalog.specs[3] = &spec;
	row->stage = 5;
	row->spec = 3;
	snprintf(row->project, sizeof(row->project), "shop");
	snprintf(row->stage_name, sizeof(row->stage_name), "web");
	snprintf(row->tag, sizeof(row->tag), "v1");
	snprintf(row->digest, sizeof(row->digest), DIGEST);
	double_stage(&catalog, 5);
}

/* What the edge has counted; nothing: of this version no request comes by. */
static struct docker_traffic counted;
static struct docker_traffic counted_before;

static bool
traffic(
    void *context UNUSED, uint64_t stage UNUSED, uint64_t deploy, struct docker_traffic *ret)
{
	*ret = deploy == 6 ? counted_before : counted;
	return ret->requests > 0;
}

static struct config_rules rules;
static const struct retention_rules keep = { .removes_images = true };
static int64_t disk_floor_mb;

static int
set_up(void **state UNUSED)
{
	struct port_host host = { .store = &store, .catalog = &catalog, .answer = on_event };
	struct docker_settings settings = { .store_uuid = "u-1",
		.stage_is_busy = stage_is_busy,
		.stage_live = stage_live,
		.stage_kept = stage_kept,
		.nudge = nudge,
		.instances_changed = instances_changed,
		.traffic = traffic,
		.rules = &rules,
		.environment = { (struct vault *)&store, "" },
		.keep = &keep,
		.disk_floor_mb = disk_floor_mb };

	log_setup(LOG_ERROR, true, 2);
	memset(&store, 0, sizeof(store));
	memset(&catalog, 0, sizeof(catalog));
	for (size_t i = 0; i < PEERS_MAX; i++)
		peers[i] = (struct peer){ .fd = -1 };
	event_count = 0;
	changes = 0;
	nudges = 0;
	live_deploy = 0;
	live_stage = 0;
	slow = NULL;
	is_stage_busy = false;
	counted = counted_before = (struct docker_traffic){ 0 };
	last_event = (struct event){ 0 };
	snprintf(address.sun_path, sizeof(address.sun_path),
	    "/tmp/slipway-test-docker-%d.sock", (int)getpid());
	unlink(address.sun_path);
	listener_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener_fd, 16), 0);
	configure();
	host.loop = loop = loop_new();
	host.fetch = fetch = fetch_new(loop);
	holder = loop_timer_new(loop, on_held, NULL);
	listener = loop_io_new(loop, listener_fd, LOOP_READ, on_accept, NULL);
	docker = docker_new(&host, &settings);
	return 0;
}

static int
tear_down(void **state UNUSED)
{
	docker_free(docker);
	fetch_free(fetch);
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (peers[i].fd != -1)
			peer_close(&peers[i]);
	loop_io_free(listener);
	loop_timer_free(holder);
	close(listener_fd);
	unlink(address.sun_path);
	loop_free(loop);
	return 0;
}

static void
turn_until(const int *count, int wanted)
{
	int64_t end_us = clock_mono_us() + WAIT_MS * 1000;

	while (*count < wanted) {
		assert_true(clock_mono_us() < end_us);
		clock_tick();
		loop_turn(loop, false);
	}
}

static enum task_kind task; /* that HOOK is of */

static void
perform(enum effect_kind kind)
{
	static uint32_t epoch;
	bool is_sweep = kind == FX_SURVEY || kind == FX_COLLECT;
	struct effect effect = { .kind = kind,
		.actor = is_sweep ? 99 : 7,
		.epoch = ++epoch,
		.deploy = is_sweep ? 0 : 7,
		.engine = is_sweep ? 1 : 0,
		.elder = kind == FX_VERIFY ? 6 : 0,
		.task = kind == FX_HOOK ? task : TASK_MIGRATION };

	docker_perform(docker, &effect);
}

/* Performs, serves the script to its end, and returns the one answer. */
static const struct event *
run(enum effect_kind kind, const struct turn *turns)
{
	int before = event_count;

	script = turns;
	perform(kind);
	turn_until(&event_count, before + 1);
	assert_null(script->request); /* all of it was asked */
	assert_int_equal(event_count, before + 1);
	return &last_event;
}

#define PING                                  \
	{                                     \
		"GET /_ping ", "200 OK", "OK" \
	}
#define GREET \
	PING, { "GET /version ", "200 OK", VERSION }
#define END                      \
	{                        \
		NULL, NULL, NULL \
	}
#define INSPECT_IMAGE "GET /v1.41" IMAGE_PATH " "

static void
assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* Versions. */

static void
test_engine_too_old(void **state UNUSED)
{
	const struct turn turns[] = { PING,
		{ "GET /version ", "200 OK",
		    "{\"Version\":\"19.03\",\"ApiVersion\":\"1.40\",\"MinAPIVersion\":\"1."
		    "12\"}" },
		END };
	const struct event *e = run(FX_PULL, turns);

	assert_int_equal(e->kind, EV_REFUSED);
	assert_has(e->text, "1.40");
	assert_has(e->text, "upgrade the engine");
}

static void
test_engine_too_new(void **state UNUSED)
{
	const struct turn turns[] = { PING,
		{ "GET /version ", "200 OK",
		    "{\"Version\":\"99\",\"ApiVersion\":\"1.99\",\"MinAPIVersion\":\"1."
		    "90\"}" },
		END };
	const struct event *e = run(FX_PULL, turns);

	assert_int_equal(e->kind, EV_REFUSED);
	assert_has(e->text, "wants at least API 1.90");
}

static void
test_newest_of_both_is_spoken_and_asked_again_after_trouble(void **state UNUSED)
{
	struct docker_status status;
	const struct turn turns[] = { PING,
		{ "GET /version ", "200 OK",
		    "{\"Version\":\"29\",\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1."
		    "44\"}" },
		{ "GET /v1.47/images/", NULL, NULL }, END };
	const struct turn again[] = { PING,
		{ "GET /v1.47/images/", "500 No", "{\"message\":\"x\"}" }, END };

	assert_int_equal(run(FX_PULL, turns)->kind, EV_TROUBLED);
	assert_int_equal(run(FX_PULL, again)->kind, EV_TROUBLED);
	docker_engine_status(docker, 1, &status);
	assert_true(status.is_reachable);
	assert_string_equal(status.api, "1.47");
}

static void
test_not_an_engine(void **state UNUSED)
{
	const struct turn turns[] = { { "GET /_ping ", "404 Not Found", "no" }, END };
	const struct event *e = run(FX_PULL, turns);

	assert_int_equal(e->kind, EV_REFUSED);
	assert_has(e->text, "check its host");
}

static void
test_absent_socket_and_engine_not_configured(void **state UNUSED)
{
	static const struct turn none[] = { END };
	const struct event *e;

	unlink(address.sun_path);
	e = run(FX_RUN, none);
	assert_int_equal(e->kind, EV_TROUBLED);
	assert_has(e->text, "there is no such socket");
	spec.engine = "elsewhere";
	e = run(FX_RUN, none);
	assert_int_equal(e->kind, EV_REFUSED);
	assert_has(e->text, "'elsewhere' is not configured");
}

/* Pulling. */

static const char image_json[] =
    "{\"Id\":\"sha256:abc\",\"RepoDigests\":[\"other@sha256:2\",\"" IMAGE "@" DIGEST "\"],"
    "\"Architecture\":\"amd64\",\"Os\":\"linux\"}";

static void
test_pull_skips_what_is_there(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { INSPECT_IMAGE, "200 OK", image_json }, END };

	assert_int_equal(run(FX_PULL, turns)->kind, EV_PULLED);
}

static void
test_pull_with_credentials_and_progress(void **state UNUSED)
{
	const struct turn turns[] = { GREET,
		{ INSPECT_IMAGE, "404 Not Found", "{\"message\":\"no\"}" },
		{ PULL_CALL, "200 OK",
		    "{\"status\":\"Downloading\",\"id\":\"a\",\"progressDetail\":"
		    "{\"current\":1,\"total\":2}}\r\n{\"status\":\"Done\"}\r\n" },
		{ INSPECT_IMAGE, "200 OK", image_json }, END };
	struct registry_config *registry = &catalog.registries[catalog.registry_count++];

	snprintf(registry->host, sizeof(registry->host), "registry.example");
	snprintf(registry->username, sizeof(registry->username), "robot");
	snprintf(
	    registry->password_env, sizeof(registry->password_env), "TEST_DOCKER_PASSWORD");
	setenv("TEST_DOCKER_PASSWORD", "se?cret>", 1);
	assert_int_equal(run(FX_PULL, turns)->kind, EV_PULLED);
	unsetenv("TEST_DOCKER_PASSWORD");
	assert_has(last_pull, "\r\nX-Registry-Auth: "
			      "eyJ1c2VybmFtZSI6InJvYm90IiwicGFzc3dvcmQiOiJzZT9jcmV0PiIsInNlcnZ"
			      "lcmFkZHJlc3MiOiJyZWdpc3RyeS5leGFtcGxlIn0=\r\n");
	assert_has(double_log(&store, 7), "is pulled");
	assert_null(strstr(double_log(&store, 7), "cret"));
}

static void
test_auth_header(void **state UNUSED)
{
	struct registry_config *registry = &catalog.registries[catalog.registry_count++];
	struct buf header;
	struct err err;

	buf_init(&header, 4096);
	assert_int_equal(registry_auth(docker, IMAGE, &header, &err), EV_PULLED);
	snprintf(registry->host, sizeof(registry->host), "registry.example");
	assert_int_equal(registry_auth(docker, IMAGE, &header, &err), EV_PULLED);
	assert_int_equal(header.n, 0);
	snprintf(registry->username, sizeof(registry->username), "robot");
	assert_int_equal(registry_auth(docker, IMAGE, &header, &err), EV_REFUSED);
	assert_has(err.text, "no password");
	snprintf(
	    registry->password_env, sizeof(registry->password_env), "TEST_DOCKER_PASSWORD");
	assert_int_equal(registry_auth(docker, IMAGE, &header, &err), EV_REFUSED);
	setenv("TEST_DOCKER_PASSWORD", "a?b>", 1);
	assert_int_equal(registry_auth(docker, IMAGE, &header, &err), EV_PULLED);
	assert_string_equal(buf_cstr(&header),
	    "eyJ1c2VybmFtZSI6InJvYm90IiwicGFzc3dvcmQiOiJhP2I-Iiwic2VydmVyYWRkcmVzcyI6InJlZ2lz"
	    "dHJ5LmV4YW1wbGUifQ==");
	unsetenv("TEST_DOCKER_PASSWORD");
	snprintf(registry->password_file, sizeof(registry->password_file), "/nonexistent/pw");
	assert_int_equal(registry_auth(docker, IMAGE, &header, &err), EV_REFUSED);
	assert_has(err.text, "/nonexistent/pw");
	buf_free(&header);
}

static void
check_pull_failure(
    const char *status, const char *body, enum event_kind kind, const char *words)
{
	const struct turn turns[] = { PING, { "GET /version ", "200 OK", VERSION },
		{ INSPECT_IMAGE, "404 Not Found", "{\"message\":\"no\"}" },
		{ PULL_CALL, status, body }, END };
	const struct turn later[] = { { INSPECT_IMAGE, "404 Not Found",
					  "{\"message\":\"no\"}" },
		{ PULL_CALL, status, body }, END };
	const struct event *e = run(FX_PULL, event_count == 0 ? turns : later);

	assert_int_equal(e->kind, kind);
	assert_has(e->text, words);
}

static void
test_pull_failures(void **state UNUSED)
{
	check_pull_failure("200 OK",
	    "{\"status\":\"x\"}\r\n{\"errorDetail\":{\"message\":"
	    "\"unauthorized: authentication required\"},\"error\":\"u\"}\r\n",
	    EV_REFUSED, "check user and password");
	check_pull_failure("404 Not Found", "{\"message\":\"manifest unknown\"}", EV_REFUSED,
	    "manifest unknown");
	check_pull_failure("200 OK",
	    "{\"error\":\"write /var/lib/x: no space left on device\"}\r\n", EV_REFUSED,
	    "free some disk");
	check_pull_failure("500 Error",
	    "{\"message\":\"http: server gave HTTP response to HTTPS "
	    "client\"}",
	    EV_REFUSED, "insecure-registries");
	check_pull_failure("500 Error", "{\"message\":\"dial tcp: i/o timeout\"}", EV_TROUBLED,
	    "i/o timeout");
	check_pull_failure("500 Error",
	    "{\"message\":\"toomanyrequests: You have reached your limit, "
	    "denied\"}",
	    EV_TROUBLED, "toomanyrequests");
	assert_int_equal(last_event.after_ms, 60000);
	check_pull_failure("200 OK",
	    "{\"error\":\"received unexpected HTTP status: 429 Too Many Requests\"}",
	    EV_TROUBLED, "429 Too Many");
	assert_int_equal(last_event.after_ms, 60000);
	/* The number alone is part of one digest in seventy. */
	check_pull_failure("200 OK",
	    "{\"error\":\"manifest verification failed for digest sha256:76429f\"}",
	    EV_REFUSED, "push it again");
	check_pull_failure(
	    "200 OK", "{\"error\":\"unexpected EOF\"}", EV_TROUBLED, "unexpected EOF");
}

static void
check_image(const char *json, const char *words)
{
	const struct turn turns[] = { PING, { "GET /version ", "200 OK", VERSION },
		{ INSPECT_IMAGE, "200 OK", json }, END };
	const struct turn later[] = { { INSPECT_IMAGE, "200 OK", json }, END };
	const struct event *e = run(FX_PULL, event_count == 0 ? turns : later);

	assert_int_equal(e->kind, EV_REFUSED);
	assert_has(e->text, words);
}

static void
test_image_that_does_not_fit(void **state UNUSED)
{
	check_image("{\"RepoDigests\":[\"" IMAGE "@sha256:2\"],\"Architecture\":\"amd64\"}",
	    "does not have the digest");
	check_image("{\"RepoDigests\":[\"x@" DIGEST
		    "\"],\"Architecture\":\"arm64\",\"Os\":\"linux\"}",
	    "linux/arm64, but the Docker engine 'local' runs linux/amd64");
	check_image("{\"RepoDigests\":[\"x@" DIGEST
		    "\"],\"Architecture\":\"amd64\",\"Os\":\"windows\"}",
	    "windows/amd64");
}

/* Running. */

#define NETWORK                                                \
	{                                                      \
		"GET /v1.41/networks/slipway ", "200 OK", "{}" \
	}
#define CREATE "POST /v1.41/containers/create?name=shop-web-7-0 "
#define RUNNING                                                                             \
	"{\"Id\":\"c1\",\"Name\":\"/"                                                       \
	"shop-web-7-0\",\"Image\":\"sha256:abc\",\"RestartCount\":0,"                       \
	"\"State\":{\"Status\":\"running\",\"Running\":true,\"StartedAt\":"                 \
	"\"2026-01-01T00:00:00.5Z\"},\"Config\":{\"Labels\":{\"slipway.managed\":\"true\"," \
	"\"slipway.store\":\"u-1\",\"slipway.deploy\":\"7\",\"slipway.digest\":\"" DIGEST   \
	"\"}},\"NetworkSettings\":{"                                                        \
	"\"Networks\":{"                                                                    \
	"\"slipway\":{\"IPAddress\":\"10.0.0.2\"}}}}"

static void
test_run_makes_the_network_once(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { "GET /v1.41/networks/slipway ", "404 N", "{}" },
		{ "POST /v1.41/networks/create ", "409 Conflict", "{\"message\":\"exists\"}" },
		{ CREATE, "201 Created", "{\"Id\":\"c1\"}" },
		{ "POST /v1.41/containers/c1/start ", "204 No Content", "" },
		{ "GET /v1.41/containers/c1/json ", "200 OK", RUNNING }, END };
	struct instance row;

	assert_int_equal(run(FX_RUN, turns)->kind, EV_STARTED);
	assert_int_equal(store_instances(&store, 7, &row, 1), 1);
	assert_string_equal(row.address, "10.0.0.2:8080");
	assert_string_equal(row.status, "running");
}

#define NETWORKS(first, second)                                                        \
	{                                                                              \
		"GET /v1.41/networks ", "200 OK",                                      \
		    "[{\"Name\":\"slipway-2\",\"Id\":\"other\",\"Created\":\"2026-01-" \
		    "01T00\"},"                                                        \
		    "{\"Name\":\"slipway\",\"Id\":\"young\",\"Created\":\"2026-01-"    \
		    "03T00\"," first "},"                                              \
		    "{\"Name\":\"slipway\",\"Id\":\"old\",\"Created\":\"2026-01-"      \
		    "02T00\"," second "}]"                                             \
	}
#define OURS "\"Labels\":{\"slipway.managed\":\"true\"}"
#define THEIRS "\"Labels\":{}"
#define AMBIGUOUS                                                                       \
	{                                                                               \
		"GET /v1.41/networks/slipway ", "400 Bad Request",                      \
		    "{\"message\":\"2 matches found based on name: network slipway is " \
		    "ambiguous\"}"                                                      \
	}
#define DELETE_NETWORK(id, status)                             \
	{                                                      \
		"DELETE /v1.41/networks/" id " ", status, "{}" \
	}
#define CREATED                                          \
	{                                                \
		CREATE, "201 Created", "{\"Id\":\"c1\"}" \
	}
#define START "POST /v1.41/containers/c1/start "
#define STARTED                                                     \
	{ START, "204 No Content", "" },                            \
	{                                                           \
		"GET /v1.41/containers/c1/json ", "200 OK", RUNNING \
	}

static void
test_run_leaves_one_network_of_a_name(void **state UNUSED)
{
	const struct turn made[] = { GREET, { "GET /v1.41/networks/slipway ", "404 N", "{}" },
		{ "POST /v1.41/networks/create ", "201 Created", "{\"Id\":\"young\"}" },
		NETWORKS(OURS, OURS), DELETE_NETWORK("young", "204 No Content"), CREATED,
		STARTED, END };
	const struct turn met[] = { CREATED,
		{ START, "400 Bad Request", "{\"message\":\"network slipway is ambiguous\"}" },
		END };
	const struct turn used[] = { AMBIGUOUS, NETWORKS(OURS, OURS),
		DELETE_NETWORK("young", "403 Forbidden"),
		DELETE_NETWORK("old", "204 No Content"), CREATED, { START, "500 Error", "{}" },
		END };
	const struct turn foreign[] = { AMBIGUOUS, NETWORKS(THEIRS, OURS),
		DELETE_NETWORK("old", "404 N"), CREATED, { START, "500 Error", "{}" }, END };
	const struct turn stuck[] = { AMBIGUOUS, NETWORKS(OURS, OURS),
		DELETE_NETWORK("young", "403 Forbidden"),
		DELETE_NETWORK("old", "403 Forbidden"), END };
	const struct turn strange[] = { AMBIGUOUS, NETWORKS(THEIRS, THEIRS), END };

	assert_int_equal(run(FX_RUN, made)->kind, EV_STARTED);
	assert_int_equal(run(FX_RUN, met)->kind, EV_TROUBLED);
	assert_int_equal(run(FX_RUN, used)->kind, EV_TROUBLED);
	assert_int_equal(run(FX_RUN, foreign)->kind, EV_TROUBLED);
	assert_has(run(FX_RUN, stuck)->text, "docker network rm old");
	assert_has(run(FX_RUN, strange)->text, "Slipway made neither");
}

static void
test_run_adopts_its_own(void **state UNUSED)
{
	const struct turn turns[] = { GREET, NETWORK, { CREATE, "409 Conflict", "{}" },
		{ "GET /v1.41/containers/shop-web-7-0/json ", "200 OK", RUNNING }, END };

	assert_int_equal(run(FX_RUN, turns)->kind, EV_STARTED);
}

/* After a store was put back from a copy an id may come again; the container of the first one serves. */
static void
test_run_leaves_another_digest_alone(void **state UNUSED)
{
	const struct turn turns[] = { GREET, NETWORK, { CREATE, "409 Conflict", "{}" },
		{ "GET /v1.41/containers/shop-web-7-0/json ", "200 OK",
		    "{\"Id\":\"c1\",\"State\":{\"Running\":true},\"Config\":{\"Labels\":{"
		    "\"slipway.managed\":\"true\",\"slipway.store\":\"u-1\","
		    "\"slipway.deploy\":\"7\",\"slipway.digest\":\"sha256:2\"}}}" },
		END };

	assert_int_equal(run(FX_RUN, turns)->kind, EV_REFUSED);
}

static void
test_run_leaves_others_alone(void **state UNUSED)
{
	const struct turn turns[] = { GREET, NETWORK, { CREATE, "409 Conflict", "{}" },
		{ "GET /v1.41/containers/shop-web-7-0/json ", "200 OK",
		    "{\"Id\":\"c9\",\"State\":{\"Status\":\"running\",\"Running\":true},"
		    "\"Config\":"
		    "{\"Labels\":{\"slipway.managed\":\"true\",\"slipway.store\":\"u-2\","
		    "\"slipway.deploy\":\"7\"}}}" },
		END };
	const struct event *e = run(FX_RUN, turns);

	assert_int_equal(e->kind, EV_REFUSED);
	assert_has(e->text, "remove or rename it");
}

static void
test_run_tells_a_final_failure_from_an_engine_going_down(void **state UNUSED)
{
	const char *taken =
	    "{\"message\":\"Bind for 127.0.0.1:80 failed: port is already allocated\"}";
	const struct turn turns[] = { GREET, NETWORK,
		{ CREATE, "201 Created", "{\"Id\":\"c1\"}" },
		{ "POST /v1.41/containers/c1/start ", "500 Error", taken },
		{ "GET /v1.41/containers/c1/json ", "200 OK", "{}" }, END };
	const struct turn cut[] = { NETWORK, { CREATE, "201 Created", "{\"Id\":\"c1\"}" },
		{ "POST /v1.41/containers/c1/start ", "500 Error", taken },
		{ "GET /v1.41/containers/c1/json ", NULL, NULL }, END };
	const struct event *e = run(FX_RUN, turns);

	assert_int_equal(e->kind, EV_REFUSED);
	assert_has(e->text, "port is already allocated");
	assert_int_equal(run(FX_RUN, cut)->kind, EV_TROUBLED);
}

static void
turn_until_asked(const struct turn *turn)
{
	int64_t end_us = clock_mono_us() + WAIT_MS * 1000;

	while (script < turn) {
		assert_true(clock_mono_us() < end_us);
		loop_turn(loop, false);
	}
}

#define EXISTING(replica) "GET /v1.41/containers/shop-web-7-" replica "/json "

static void
test_every_replica_has_to_run(void **state UNUSED)
{
	const struct turn turns[] = { GREET, NETWORK,
		{ "POST /v1.41/containers/create?name=shop-web-7-", "", "" },
		{ "POST /v1.41/containers/create?name=shop-web-7-", "", "" },
		{ "GET /v1.41/containers/shop-web-7-", "200 OK", RUNNING },
		{ "GET /v1.41/containers/shop-web-7-", "200 OK", RUNNING }, END };
	const struct turn conflict = { "", "409 Conflict", "{}" };
	struct instance rows[2];
	struct peer *first;

	spec.replicas = 2;
	script = turns;
	perform(FX_RUN);
	turn_until_asked(&turns[4]);
	first = unanswered;
	turn_until_asked(&turns[5]);
	give(first, &conflict);
	turn_until_asked(&turns[6]);
	give(unanswered, &conflict);
	turn_until(&event_count, 1);
	assert_int_equal(last_event.kind, EV_STARTED);
	assert_null(script->request);
	assert_int_equal(store_instances(&store, 7, rows, 2), 2);
}

/* Docker has started it again since: it crashes. */
static void
test_run_makes_anew_what_was_restarted(void **state UNUSED)
{
	const struct turn turns[] = { GREET, NETWORK, { CREATE, "409 Conflict", "{}" },
		{ EXISTING("0"), "200 OK",
		    "{\"Id\":\"c0\",\"RestartCount\":1,\"State\":{\"Running\":true},"
		    "\"Config\":{\"Labels\":{\"slipway.managed\":\"true\","
		    "\"slipway.store\":\"u-1\",\"slipway.deploy\":\"7\","
		    "\"slipway.digest\":\"" DIGEST "\"}}}" },
		{ "DELETE /v1.41/containers/c0?", "204 No Content", "" },
		{ CREATE, "201 Created", "{\"Id\":\"c1\"}" },
		{ "POST /v1.41/containers/c1/start ", "204 No Content", "" },
		{ "GET /v1.41/containers/c1/json ", "200 OK", RUNNING }, END };

	assert_int_equal(run(FX_RUN, turns)->kind, EV_STARTED);
}

static void
test_who_ends_right_after_the_start_did_not_start(void **state UNUSED)
{
	const struct turn turns[] = { GREET, NETWORK,
		{ CREATE, "201 Created", "{\"Id\":\"c1\"}" },
		{ "POST /v1.41/containers/c1/start ", "204 No Content", "" },
		{ "GET /v1.41/containers/c1/json ", "200 OK",
		    "{\"Id\":\"c1\",\"State\":{\"Running\":false,\"ExitCode\":3}}" },
		{ "GET /v1.41/containers/c1/logs?stdout=1&stderr=1&tail=50 ", "200 OK", "" },
		END };
	const struct event *e = run(FX_RUN, turns);

	assert_int_equal(e->kind, EV_REFUSED);
	assert_has(e->text, "exited with code 3");
	assert_int_equal(store.instance_count, 0);
}

#define TROUBLE "{\"message\":\"the disk is slow\"}"

/* Migrations. */

#define TASK_NAME "shop-web-5-migration-1111111111111111"
#define TASK_FOUND "GET /v1.41/containers/" TASK_NAME "/json "
#define TASK_OTHERS                                                               \
	"GET /v1.41/containers/json?filters=%7B%22label%22:%5B%22slipway.task%3D" \
	"MIGRATION%22%2C%22slipway.stage-id%3D5%22%2C%22slipway.store%3Du-1%22%5D%7D "
#define TASK_CREATE "POST /v1.41/containers/create?name=" TASK_NAME " "
#define TASK_START "POST /v1.41/containers/t1/start "
#define TASK_LOOK "GET /v1.41/containers/t1/json "
#define TASK_LOG "GET /v1.41/containers/t1/logs?stdout=1&stderr=1&tail=200 "
#define TASK_IN(state, deploy)                                                     \
	"{\"Id\":\"t1\",\"State\":{" state "},\"Config\":{\"Labels\":{"            \
	"\"slipway.managed\":\"true\",\"slipway.store\":\"u-1\",\"slipway.task\":" \
	"\"MIGRATION\",\"slipway.stage-id\":\"5\",\"slipway.deploy\":\"" deploy    \
	"\",\"slipway.digest\":\"" DIGEST "\"}}}"
#define EXITED(code)                               \
	"\"Status\":\"exited\",\"ExitCode\":" code \
	",\"StartedAt\":\"2026-01-31T12:00:00Z\",\"FinishedAt\":\"2026-01-31T12:00:01Z\""
#define RUNS "\"Status\":\"running\",\"Running\":true,\"StartedAt\":\"2126-01-31T12:00:00Z\""

static const char *migrate_words[] = { "migrate" };

static void
configure_migration(void)
{
	spec.migration =
	    (struct task_spec){ .command = { migrate_words, 1 }, .timeout_ms = 60000 };
}

#define HOOK_NAME "shop-web-5-post-switch-7"
#define HOOK_FOUND "GET /v1.41/containers/" HOOK_NAME "/json "
#define HOOK_CREATE "POST /v1.41/containers/create?name=" HOOK_NAME " "

static const struct event *
run_hook(const struct turn *turns)
{
	spec.hooks.post_switch =
	    (struct task_spec){ .command = { migrate_words, 1 }, .timeout_ms = 60000 };
	task = TASK_POST_SWITCH;
	return run(FX_HOOK, turns);
}

/* It is of the deploy, not of the digest: what other deploys did does not count, and none is looked for. */
static void
test_a_hook_runs_once_in_a_deploy(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { HOOK_FOUND, "404 Not Found", "{}" }, NETWORK,
		{ HOOK_CREATE, "201 Created", "{\"Id\":\"t1\"}" },
		{ TASK_START, "204 No Content", "" },
		{ TASK_LOOK, "200 OK", TASK_IN(EXITED("0"), "7") }, { TASK_LOG, "200 OK", "" },
		END };
	const struct turn again[] = { END };

	store_task_put(&store, &(struct task_row){ .deploy = 6,
				   .stage = 5,
				   .kind = TASK_MIGRATION,
				   .digest = DIGEST,
				   .status = TASK_IS_done });
	assert_int_equal(run_hook(turns)->kind, EV_HOOKED);
	assert_int_equal(store.tasks[1].kind, TASK_POST_SWITCH);
	assert_int_equal(store.tasks[1].status, TASK_IS_done);
	assert_true(store.tasks[1].is_compatible);
	assert_int_equal(run_hook(again)->kind, EV_HOOKED);
}

static void
test_a_hook_that_fails_is_refused(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { HOOK_FOUND, "404 Not Found", "{}" }, NETWORK,
		{ HOOK_CREATE, "201 Created", "{\"Id\":\"t1\"}" },
		{ TASK_START, "204 No Content", "" },
		{ TASK_LOOK, "200 OK", TASK_IN(EXITED("3"), "7") }, { TASK_LOG, "200 OK", "" },
		END };

	assert_int_equal(run_hook(turns)->kind, EV_REFUSED);
	assert_has(last_event.text, "the post-switch hook ended with exit code 3");
}

/* Its row is stored before it starts; how it ended, and its last lines, when it has. */
static void
test_a_migration_runs_and_is_read(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { TASK_FOUND, "404 Not Found", "{}" },
		{ TASK_OTHERS, "200 OK", "[]" }, NETWORK,
		{ TASK_CREATE, "201 Created", "{\"Id\":\"t1\"}" },
		{ TASK_START, "204 No Content", "" },
		{ TASK_LOOK, "200 OK", TASK_IN(RUNS, "7") },
		{ TASK_LOOK, "200 OK", TASK_IN(EXITED("0"), "7") }, { TASK_LOG, "200 OK", "" },
		END };
	const struct turn again[] = { END };

	configure_migration();
	assert_int_equal(run(FX_MIGRATE, turns)->kind, EV_MIGRATED);
	assert_int_equal(store.task_puts, 2);
	assert_int_equal(store.tasks[0].status, TASK_IS_done);
	assert_string_equal(store.tasks[0].container_id, "t1");
	assert_int_equal(run(FX_MIGRATE, again)->kind, EV_MIGRATED); /* nothing is asked */
}

/* What another deploy did with this digest counts, whether it was read or not. */
static void
test_a_migration_of_before_counts(void **state UNUSED)
{
	const struct turn turns[] = { GREET,
		{ TASK_FOUND, "200 OK", TASK_IN(EXITED("0"), "6") }, END };
	const struct turn again[] = { END };

	configure_migration();
	store_task_put(
	    &store, &(struct task_row){ .deploy = 6, .stage = 5, .digest = DIGEST });
	assert_int_equal(run(FX_MIGRATE, turns)->kind, EV_MIGRATED);
	assert_int_equal(store.tasks[0].status, TASK_IS_done);
	assert_int_equal(run(FX_MIGRATE, again)->kind, EV_MIGRATED);
	assert_has(double_log(&store, 7), "deploy 6 has migrated");
}

/* Another deploy's is known to be done when `at` is to come: the answer before it is on its way. */
static void
migrate_meanwhile(const struct turn *turns, const struct turn *at)
{
	configure_migration();
	script = turns;
	perform(FX_MIGRATE);
	turn_until_asked(at);
	store_task_put(
	    &store, &(struct task_row){
			.deploy = 6, .stage = 5, .digest = DIGEST, .status = TASK_IS_done });
	turn_until(&event_count, 1);
	assert_null(script->request);
	assert_int_equal(last_event.kind, EV_MIGRATED);
	assert_int_equal(store.task_count, 1);
	assert_has(double_log(&store, 7), "deploy 6 has migrated");
}

/* The sweep read how an earlier deploy's ended, and removed it, while it was looked for. */
static void
test_a_migration_that_was_read_meanwhile_counts(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { TASK_FOUND, "404 Not Found", "{}" }, END };

	migrate_meanwhile(turns, &turns[3]);
}

/* The same while its own was made: that one goes, not started. */
static void
test_a_migration_that_was_read_late_counts(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { TASK_FOUND, "404 Not Found", "{}" },
		{ TASK_OTHERS, "200 OK", "[]" }, NETWORK,
		{ TASK_CREATE, "201 Created", "{\"Id\":\"t1\"}" },
		{ "DELETE /v1.41/containers/t1?v=true ", "204 No Content", "" }, END };

	migrate_meanwhile(turns, &turns[6]);
}

/* One that was asked to end says nothing by its exit code: it makes room. */
static void
test_a_stopped_migration_is_run_anew(void **state UNUSED)
{
	const struct turn turns[] = { GREET,
		{ TASK_FOUND, "200 OK", TASK_IN(EXITED("0"), "6") },
		{ "DELETE /v1.41/containers/t1?v=true ", "204 No Content", "" },
		{ TASK_OTHERS, "200 OK", "[]" }, NETWORK,
		{ TASK_CREATE, "201 Created", "{\"Id\":\"t1\"}" },
		{ TASK_START, "204 No Content", "" },
		{ TASK_LOOK, "200 OK", TASK_IN(EXITED("3"), "7") }, { TASK_LOG, "200 OK", "" },
		END };
	const struct event *e;

	configure_migration();
	store_task_put(&store,
	    &(struct task_row){
		.deploy = 6, .stage = 5, .digest = DIGEST, .status = TASK_IS_stopped });
	e = run(FX_MIGRATE, turns);
	assert_int_equal(e->kind, EV_REFUSED);
	assert_has(e->text, "exit code 3");
	assert_int_equal(store.tasks[1].status, TASK_IS_failed);
}

static void
test_one_migration_runs_in_a_stage(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { TASK_FOUND, "404 Not Found", "{}" },
		{ TASK_OTHERS, "200 OK",
		    "[{\"Id\":\"t0\",\"Labels\":{\"slipway.deploy\":\"4\"}}]" },
		END };
	const struct event *e;

	configure_migration();
	e = run(FX_MIGRATE, turns);
	assert_int_equal(e->kind, EV_TROUBLED);
	assert_has(e->text, "that of deploy 4 still runs");
	assert_int_equal(nudges, 1); /* the sweep ends it */
	assert_int_equal(store.task_count, 0);
}

static void
test_a_migration_that_was_removed_is_not_run_again(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { TASK_FOUND, "404 Not Found", "{}" }, END };

	configure_migration();
	store_task_put(
	    &store, &(struct task_row){
			.deploy = 7, .stage = 5, .digest = DIGEST, .container_id = "t1" });
	assert_int_equal(run(FX_MIGRATE, turns)->kind, EV_REFUSED);
	assert_has(last_event.text, "somebody removed the container");
	assert_int_equal(store.tasks[0].status, TASK_IS_unclear);
}

/* That it is asked to end is stored first: its exit code counts no more, whatever it is. */
static void
test_an_overdue_migration_is_stopped(void **state UNUSED)
{
	const struct turn turns[] = { GREET,
		{ TASK_FOUND, "200 OK",
		    TASK_IN("\"Status\":\"running\",\"Running\":true", "7") },
		{ TASK_LOOK, "200 OK",
		    TASK_IN("\"Status\":\"running\",\"Running\":true,"
			    "\"StartedAt\":\"2026-01-31T12:00:00Z\"",
			"7") },
		{ "POST /v1.41/containers/t1/stop?t=2 ", "204 No Content", "" },
		{ TASK_LOOK, "200 OK",
		    TASK_IN("\"Status\":\"exited\",\"ExitCode\":0,"
			    "\"StartedAt\":\"2026-01-31T12:00:00Z\","
			    "\"FinishedAt\":\"2026-01-31T12:05:00Z\"",
			"7") },
		{ TASK_LOG, "200 OK", "" }, END };

	configure_migration();
	script = turns;
	perform(FX_MIGRATE);
	turn_until_asked(&turns[5]);
	assert_int_equal(store.tasks[0].status, TASK_IS_stopping);
	turn_until(&event_count, 1);
	assert_null(script->request);
	assert_int_equal(last_event.kind, EV_REFUSED);
	assert_has(last_event.text, "timeout of 60 s");
	assert_int_equal(store.tasks[0].status, TASK_IS_overdue);
}

/* The words of a start that fails for good end it; others are tried again. */
static void
test_a_migration_that_cannot_start(void **state UNUSED)
{
	const struct turn gone[] = { GREET,
		{ TASK_FOUND, "200 OK", TASK_IN("\"Status\":\"created\"", "7") },
		{ TASK_START, "400 Bad Request",
		    "{\"message\":\"exec: migrate: executable file not found\"}" },
		END };
	const struct turn later[] = { { TASK_FOUND, "200 OK",
					  TASK_IN("\"Status\":\"created\"", "7") },
		{ TASK_START, "500 Server Error", TROUBLE }, END };

	configure_migration();
	assert_int_equal(run(FX_MIGRATE, gone)->kind, EV_REFUSED);
	assert_has(last_event.text, "executable file not found");
	assert_int_equal(run(FX_MIGRATE, later)->kind, EV_TROUBLED);
}

/* Nobody is led to it: no port, no name on the network, no label of the stage; it is not restarted. */
static void
test_migration_body(void **state UNUSED)
{
	struct pair_spec label = { .name = "team", .value = "blue" };
	struct deploy_row row;
	struct buf json;
	struct err err;

	configure_migration();
	spec.labels = &label;
	spec.label_count = 1;
	assert_true(store_deploy_get(&store, 7, &row));
	buf_init(&json, 1 << 16);
	assert_int_equal(task_write(docker, double_engine(&catalog, 1), &row, &spec,
			     TASK_MIGRATION, "t", &json, &err),
	    0);
	assert_has(buf_cstr(&json), "\"Cmd\":[\"migrate\"]");
	assert_has(buf_cstr(&json), "\"slipway.task\":\"MIGRATION\"");
	assert_has(buf_cstr(&json), "\"SLIPWAY_INSTANCE=t\"");
	assert_has(buf_cstr(&json), "\"RestartPolicy\":{\"Name\":\"no\"}");
	assert_null(strstr(buf_cstr(&json), "team"));
	assert_null(strstr(buf_cstr(&json), "Aliases"));
	assert_null(strstr(buf_cstr(&json), "ExposedPorts"));
	buf_free(&json);
}

/* Removing and retiring. */

#define LABELS(more)                                                                       \
	"GET /v1.41/containers/json?all=true&filters=%7B%22label%22:%5B%22slipway.managed" \
	"%3Dtrue%22" more
/* Of this deploy, this store and this digest; nobody else's. */
#define LIST                                                                          \
	LABELS("%2C%22slipway.deploy%3D7%22%2C%22slipway.store%3Du-1%22%2C%22slipway" \
	       ".digest%3D" DIGEST "%22%5D%7D ")
#define ONE "[{\"Id\":\"c1\",\"Names\":[\"/shop-web-7-0\"]}]"
#define TROUBLE "{\"message\":\"the disk is slow\"}"

static void
put_row(void)
{
	struct instance row = { .deploy = 7, .status = "running", .container_id = "c1" };

	store_instance_put(&store, &row);
}

static void
retire(const struct turn *turns)
{
	script = turns;
	docker_perform(docker, &(struct effect){ .kind = FX_RETIRE,
				   .actor = 8,
				   .epoch = 1,
				   .stage = 5,
				   .deploy = 8,
				   .elder = 7 });
	turn_until(&event_count, 1);
	assert_null(script->request);
}

/* The elder is asked to end and has its time; then it is removed, and looked for once more. */
static void
test_retire_stops_in_peace_and_looks_again(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { LIST, "200 OK", ONE },
		{ "POST /v1.41/containers/c1/stop?t=2 ", "204 No Content", "" },
		{ "DELETE /v1.41/containers/c1?force=true&v=true ", "204 No Content", "" },
		{ LIST, "200 OK", "[]" }, END };

	*double_deploy(&store, 8) = store.deploys[0];
	store.deploys[1].id = 8;
	put_row();
	retire(turns);
	assert_int_equal(last_event.kind, EV_RETIRED);
	assert_string_equal(store.instances[0].status, "removed");
}

/* Who could not be stopped may serve still: killing it is not what was asked for. */
static void
test_who_cannot_be_stopped_is_not_removed(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { LIST, "200 OK", ONE },
		{ "POST /v1.41/containers/c1/stop?t=2 ", "500 Server Error", TROUBLE }, END };

	*double_deploy(&store, 8) = store.deploys[0];
	store.deploys[1].id = 8;
	put_row();
	retire(turns);
	assert_int_equal(last_event.kind, EV_TROUBLED);
	assert_has(last_event.text, "the disk is slow");
	assert_string_equal(store.instances[0].status, "running");
}

#define TASK_LISTED \
	"[{\"Id\":\"t1\",\"Names\":[\"/t\"],\"Labels\":{\"slipway.task\":\"MIGRATION\"}}]"

/* A migration under way is asked to end, and how it ended is kept before it goes. */
static void
test_remove_reads_how_a_migration_ended(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { LIST, "200 OK", TASK_LISTED },
		{ TASK_LOOK, "200 OK", TASK_IN(RUNS, "7") },
		{ "POST /v1.41/containers/t1/stop?t=2 ", "304 Not Modified", "" },
		{ TASK_LOOK, "200 OK", TASK_IN(EXITED("0"), "7") }, { TASK_LOG, "200 OK", "" },
		{ "DELETE /v1.41/containers/t1?force=true&v=true ", "204 No Content", "" },
		{ LIST, "200 OK", "[]" }, END };

	configure_migration();
	store_task_put(
	    &store, &(struct task_row){
			.deploy = 7, .stage = 5, .digest = DIGEST, .container_id = "t1" });
	assert_int_equal(run(FX_REMOVE, turns)->kind, EV_REMOVED);
	/* 304: it had ended by itself before it was asked. */
	assert_int_equal(store.tasks[0].status, TASK_IS_done);
}

static void
test_remove_looks_until_nothing_is_left(void **state UNUSED)
{
	const struct turn trouble[] = { GREET, { LIST, "200 OK", ONE },
		{ "DELETE /v1.41/containers/c1?", "500 Server Error", TROUBLE }, END };
	const struct turn later[] = { { LIST, "200 OK", ONE },
		{ "DELETE /v1.41/containers/c1?", "409 Conflict", "{}" }, /* it is at it */
		{ LIST, "200 OK", ONE },
		{ "DELETE /v1.41/containers/c1?", "404 Not Found", "{}" },
		{ LIST, "200 OK", "[]" }, END };

	put_row();
	assert_int_equal(run(FX_REMOVE, trouble)->kind, EV_TROUBLED);
	assert_string_equal(store.instances[0].status, "running");
	assert_int_equal(run(FX_REMOVE, later)->kind, EV_REMOVED);
	assert_string_equal(store.instances[0].status, "removed");
}

/* What is given up while the engine works at it makes room for others. */
static void
test_who_is_forgotten_makes_room(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { LIST, "200 OK", ONE },
		{ "DELETE /v1.41/containers/c1?", "", "" }, END };
	const struct turn again[] = { { LIST, "200 OK", ONE },
		{ "DELETE /v1.41/containers/c1?", "", "" }, END };

	script = turns;
	perform(FX_REMOVE);
	turn_until_asked(&turns[4]);
	for (int i = 0; i < 10; i++) { /* there is room for eight at most */
		docker_forget(docker, 7);
		script = again;
		perform(FX_REMOVE);
		turn_until_asked(&again[2]);
	}
	assert_int_equal(event_count, 0);
}

/* The engine would go on with a creation that nobody waits for: the container would be there after its
 * removal. The survey shows that the removal waits. */
static void
test_a_creation_on_its_way_is_waited_for(void **state UNUSED)
{
	const struct turn turns[] = { GREET, NETWORK, { CREATE, "", "" },
		{ LABELS("%5D%7D "), "200 OK", "[]" }, { LIST, "200 OK", "[]" }, END };
	const struct turn created = { "", "201 Created", "{\"Id\":\"c1\"}" };
	struct peer *creation;

	script = turns;
	perform(FX_RUN);
	turn_until_asked(&turns[4]);
	creation = unanswered;
	perform(FX_REMOVE);
	perform(FX_SURVEY);
	turn_until(&event_count, 1);
	assert_int_equal(last_event.kind, EV_SURVEYED);
	give(creation, &created);
	turn_until(&event_count, 2);
	assert_int_equal(last_event.kind, EV_REMOVED);
	assert_null(script->request);
}

static void
test_a_replaced_run_ends_before_the_removal_begins(void **state UNUSED)
{
	const struct turn turns[] = { GREET, NETWORK,
		{ CREATE, "201 Created", "{\"Id\":\"c1\"}" },
		{ "GET /v1.41/containers/json?all=true", "200 OK", "[]" }, END };
	int64_t end_us = clock_mono_us() + WAIT_MS * 1000;

	script = turns;
	perform(FX_RUN);
	while (script
	       < turns + 4) { /* until the creation is answered, which nobody has read yet */
		assert_true(clock_mono_us() < end_us);
		loop_turn(loop, false);
	}
	perform(FX_REMOVE); /* the script refuses a list before, and a start after */
	turn_until(&event_count, 1);
	assert_int_equal(last_event.kind, EV_REMOVED);
	assert_null(script->request);
}

/* An apply changes the engine while creations wait for room: they are asked once it is known which
 * API is spoken there. */
static void
test_who_waits_for_room_waits_for_a_changed_engine(void **state UNUSED)
{
	enum { MOST = 8 };
	const struct turn begin[] = { GREET, NETWORK };
	const struct turn created = { "", "201 Created", "{\"Id\":\"c1\"}" };
	const struct turn ping = { "", "200 OK", "OK" };
	struct turn turns[COUNT(begin) + MOST + 4] = { { NULL, NULL, NULL } };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t room = cores * 2 > MOST ? MOST : (size_t)cores * 2;
	struct peer *creation;
	size_t n = COUNT(begin);

	memcpy(turns, begin, sizeof(begin));
	for (size_t i = 0; i < room; i++)
		turns[n++] = (struct turn){ "POST /v1.41/containers/create", "", "" };
	spec.replicas = (int)room + 1;
	script = turns;
	perform(FX_RUN);
	turn_until_asked(&turns[n]);
	creation = unanswered;
	snprintf(catalog.engines[0].publish_address, 64, "127.0.0.2");
	turns[n++] = (struct turn){ "GET /_ping ", "", "" };
	turns[n++] = (struct turn){ "GET /version ", "200 OK", VERSION };
	turns[n++] = (struct turn){ "POST /v1.41/containers/create", "", "" };
	perform(FX_SURVEY);
	turn_until_asked(&turns[n - 2]);
	docker_forget(docker, 99);
	give(creation, &created); /* which makes room */
	for (int i = 0; i < 20; i++)
		loop_turn(loop, false);
	give(unanswered, &ping);
	turn_until_asked(&turns[n]);
}

static void
test_create_body(void **state UNUSED)
{
	struct pair_spec env[] = { { "A", "1", VALUE_PLAIN },
		{ "PASSWORD", "db", VALUE_SECRET }, { "SLIPWAY_TAG", "mine", VALUE_PLAIN } };
	struct pair_spec labels[] = { { "team", "blue", VALUE_PLAIN },
		{ "slipway.deploy", "8", VALUE_PLAIN } };
	struct volume_spec volumes[] = { { "data", "/data", false, false, false },
		{ "/srv/x", "/x", true, false, false }, { "own", "/own", false, true, false },
		{ "/srv/y", "/y", false, true, false } };
	struct pair_spec options[] = { { "max-size", "1m", VALUE_PLAIN } };
	const char *tmpfs[] = { "/tmp", "/run:64m" };
	const char *ulimits[] = { "nofile=1024:2048", "core=0" };
	const char *devices[] = { "/dev/fuse", "/dev/a:/dev/b:r" };
	const char *caps[] = { "NET_ADMIN" };
	const char *words[] = { "run", "it" };
	struct err err;
	struct buf text;

	spec.env = env;
	spec.env_count = 3;
	store.secret = "db";
	spec.labels = labels;
	spec.label_count = 2;
	spec.volumes = volumes;
	spec.volume_count = 4;
	spec.project = "shop";
	spec.stage = "web";
	spec.log_driver = "json-file";
	spec.log_options = options;
	spec.log_option_count = 1;
	spec.tmpfs = (struct strings){ tmpfs, 2 };
	spec.ulimits = (struct strings){ ulimits, 2 };
	spec.devices = (struct strings){ devices, 2 };
	spec.cap_add = spec.cap_drop = (struct strings){ caps, 1 };
	spec.entrypoint = (struct strings){ words, 1 };
	spec.stop_signal = "SIGINT";
	spec.pids = 77;
	spec.is_root_read_only = true;
	spec.is_privileged = true;
	spec.has_host_pid = true;
	spec.has_host_ipc = true;
	spec.command = (struct strings){ words, 2 };
	spec.memory_bytes = 64 << 20;
	spec.cpu_milli = 1500;
	spec.health.port = 9090;
	catalog.engines[0].is_published = true;
	buf_init(&text, 1 << 20);
	assert_int_equal(container_write(docker, &catalog.engines[0], &store.deploys[0], &spec,
			     2, &text, &err),
	    0);
	struct json *json = json_parse(buf_view(&text), &err);
	assert_non_null(json);
	const struct json *host = json_get(json, "HostConfig");
	assert_string_equal(json_text(json_get(json, "Image")), IMAGE "@" DIGEST);
	assert_has(buf_cstr(&text), "\"SLIPWAY_INSTANCE=shop-web-7-2\"");
	assert_has(buf_cstr(&text), "\"PASSWORD=s3cret\"");
	assert_has(buf_cstr(&text), "\"SLIPWAY_TAG=v1\"");
	assert_null(strstr(buf_cstr(&text), "SLIPWAY_TAG=mine"));
	assert_string_equal(
	    json_text(json_get(json_get(json, "Labels"), "slipway.deploy")), "7");
	assert_string_equal(
	    json_text(json_get(json_get(json, "Labels"), "slipway.stage-id")), "5");
	assert_string_equal(json_text(json_get(json_get(json, "Labels"), "team")), "blue");
	assert_int_equal(json_number(json_get(json, "StopTimeout")), 2);
	assert_int_equal(json_number(json_get(host, "Memory")), 64 << 20);
	assert_int_equal(json_number(json_get(host, "MemorySwap")), 64 << 20);
	assert_int_equal(json_number(json_get(host, "NanoCpus")), 1500000000);
	assert_false(json_bool(json_get(host, "Init")));
	assert_int_equal(json_count(json_get(host, "PortBindings")), 2);
	assert_int_equal(json_count(json_get(host, "Mounts")), 3);
	assert_has(buf_cstr(&text), "\"Source\":\"shop-web-own\",\"Target\":\"/own\"");
	assert_has(buf_cstr(&text), "\"Binds\":[\"/srv/y/shop/web:/y:rw\"]");
	assert_has(buf_cstr(&text), "\"Entrypoint\":[\"run\"],\"Cmd\":[\"run\",\"it\"]");
	assert_has(buf_cstr(&text), "\"StopSignal\":\"SIGINT\"");
	assert_has(buf_cstr(&text), "\"Tmpfs\":{\"/tmp\":\"\",\"/run\":\"size=67108864\"}");
	assert_has(buf_cstr(&text),
	    "\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":1024,\"Hard\":2048},"
	    "{\"Name\":\"core\",\"Soft\":0,\"Hard\":0}]");
	assert_has(buf_cstr(&text),
	    "\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-file\":\"3\","
	    "\"max-size\":\"1m\"}}");
	assert_has(buf_cstr(&text),
	    "\"Devices\":[{\"PathOnHost\":\"/dev/fuse\",\"PathInContainer\":\"/dev/fuse\","
	    "\"CgroupPermissions\":\"rwm\"},{\"PathOnHost\":\"/dev/a\","
	    "\"PathInContainer\":\"/dev/b\",\"CgroupPermissions\":\"r\"}]");
	assert_has(buf_cstr(&text), "\"CapDrop\":[\"NET_ADMIN\"]");
	assert_has(buf_cstr(&text), "\"CapAdd\":[\"NET_ADMIN\"]");
	assert_has(buf_cstr(&text), "\"PidMode\":\"host\",\"IpcMode\":\"host\"");
	assert_true(json_bool(json_get(host, "Privileged")));
	assert_true(json_bool(json_get(host, "ReadonlyRootfs")));
	assert_int_equal(json_number(json_get(host, "PidsLimit")), 77);
	assert_string_equal(
	    json_text(json_get(json_at(json_get(host, "Mounts"), 1), "Type")), "bind");
	assert_has(buf_cstr(&text), "\"Aliases\":[\"shop-web\"]");
	json_free(json);
	buf_free(&text);
}

/* Before anything is asked of the engine: what is missing is no fault of the version. */
static void
test_pull_wants_every_value(void **state UNUSED)
{
	struct pair_spec env[] = { { "PASSWORD", "db", VALUE_SECRET } };
	const struct turn nothing[] = { END };
	const struct turn pull[] = { GREET, { INSPECT_IMAGE, "200 OK", image_json }, END };

	spec.env = env;
	spec.env_count = 1;
	assert_int_equal(run(FX_PULL, nothing)->kind, EV_REFUSED);
	assert_string_equal(last_event.text, "env PASSWORD: there is no secret 'db'");
	store.secret = "db";
	assert_int_equal(run(FX_PULL, pull)->kind, EV_PULLED);
}

/* What was applied under other settings, or leads elsewhere by now. */
static void
test_pull_wants_what_the_owner_allows(void **state UNUSED)
{
	struct volume_spec volume = { "/etc", "/e", true, false, false };
	const struct turn nothing[] = { END };
	const struct turn pull[] = { GREET, { INSPECT_IMAGE, "200 OK", image_json }, END };

	rules = (struct config_rules){ .powers = "host-pid", .volume_paths = "/srv" };
	spec.volumes = &volume;
	spec.volume_count = 1;
	spec.has_host_ipc = true;
	assert_int_equal(run(FX_PULL, nothing)->kind, EV_REFUSED);
	assert_has(last_event.text, "'host-ipc' is not allowed by the server's owner");
	spec.has_host_ipc = false;
	spec.has_host_pid = true;
	assert_int_equal(run(FX_PULL, nothing)->kind, EV_REFUSED);
	assert_has(
	    last_event.text, "in none of the folders of SLIPWAY_ALLOW_VOLUME_PATHS (/srv)");
	volume.source = address.sun_path; /* of the engine, in a folder that is allowed */
	rules.volume_paths = "/tmp";
	assert_int_equal(run(FX_PULL, nothing)->kind, EV_REFUSED);
	assert_has(last_event.text, "leads to the socket of a container engine");
	rules.allows_docker_socket = true;
	assert_int_equal(run(FX_PULL, pull)->kind, EV_PULLED);
	rules = (struct config_rules){ 0 };
}

static void
test_pull_follows_links(void **state UNUSED)
{
	struct volume_spec volume = { "/tmp", "/e", true, false, false };
	const struct turn nothing[] = { END };
	char link[128];

	snprintf(link, sizeof(link), "/tmp/slipway-test-link-%d", (int)getpid());
	assert_int_equal(symlink("/etc", link), 0);
	rules = (struct config_rules){ .volume_paths = "/tmp" };
	volume.source = link;
	spec.volumes = &volume;
	spec.volume_count = 1;
	assert_int_equal(run(FX_PULL, nothing)->kind, EV_REFUSED);
	assert_has(last_event.text, "leads to /etc, in none of the folders");
	assert_int_equal(unlink(link), 0);
	rules = (struct config_rules){ 0 };
}

static void
expect_change(size_t index, const char *name, const char *change)
{
	assert_string_equal(store.env[index].name, name);
	assert_string_equal(store.env[index].change, change);
}

/* Names alone, against the deploy that serves; asked again, the first record stays. */
static void
test_run_records_what_it_changes_in_the_env(void **state UNUSED)
{
	struct pair_spec before[] = { { "GONE", "1", VALUE_PLAIN },
		{ "OTHER", "1", VALUE_PLAIN }, { "PASSWORD", "db", VALUE_SECRET },
		{ "SAME", "1", VALUE_PLAIN }, { "SOURCE", "x", VALUE_PLAIN } };
	struct pair_spec after[] = { { "NEW", "1", VALUE_PLAIN },
		{ "OTHER", "2", VALUE_PLAIN }, { "PASSWORD", "db", VALUE_SECRET },
		{ "SAME", "1", VALUE_PLAIN }, { "SOURCE", "x", VALUE_VARIABLE } };
	struct stage_spec old = spec;
	struct deploy_row *elder = double_deploy(&store, 6);
	struct job job = {
		.docker = docker, .row = store.deploys[0], .effect = { .deploy = 7 }
	};

	old.env = before;
	old.env_count = COUNT(before);
	spec.env = after;
	spec.env_count = COUNT(after);
	catalog.specs[2] = &old;
	elder->spec = 2;
	store.secret = "db";
	store.secret_version = 4;
	store_deploy_secret_put(&store, 6, "db", 3);
	job.row.elder = 6;
	job_record_env(&job);
	assert_int_equal(store.env_count, 5);
	expect_change(0, "NEW", "added");
	expect_change(1, "OTHER", "changed");
	expect_change(2, "PASSWORD", "changed");
	expect_change(3, "SOURCE", "changed");
	expect_change(4, "GONE", "removed");
	assert_int_equal(store_deploy_secret(&store, 7, "db"), 4);
	assert_int_equal(store.log_count, 1);
	assert_string_equal(store.log[0].text,
	    "env, against deploy 6: added NEW; changed OTHER, PASSWORD, SOURCE; removed GONE");
	store.secret_version = 5;
	job_record_env(&job);
	assert_int_equal(store_deploy_secret(&store, 7, "db"), 4);
	assert_int_equal(store.env_count, 5);
	assert_int_equal(store.log_count, 1);
}

static void
test_run_says_nothing_of_an_env_that_stays(void **state UNUSED)
{
	struct pair_spec env[] = { { "PASSWORD", "db", VALUE_SECRET } };
	struct job job = {
		.docker = docker, .row = store.deploys[0], .effect = { .deploy = 7 }
	};

	spec.env = env;
	spec.env_count = 1;
	store.secret = "db";
	store.secret_version = 3;
	double_deploy(&store, 6)->spec = 3;
	store_deploy_secret_put(&store, 6, "db", 3);
	job.row.elder = 6;
	job_record_env(&job);
	job.row.elder = 0;
	job_record_env(&job);
	assert_int_equal(store.env_count, 0);
	assert_int_equal(store.log_count, 0);
}

static void
test_name_keeps_the_id(void **state UNUSED)
{
	struct deploy_row row = { .id = UINT64_MAX };
	char name[128];

	memset(row.project, 'p', sizeof(row.project) - 1);
	memset(row.stage_name, 's', sizeof(row.stage_name) - 1);
	container_name(&row, 15, name, sizeof(name));
	assert_has(name, "-18446744073709551615-15");
}

/* The gate. */

static void
test_gate_compares_the_image(void **state UNUSED)
{
	const struct turn good[] = { GREET,
		{ "GET /v1.41/containers/shop-web-7-0/json ", "200 OK", RUNNING },
		{ INSPECT_IMAGE, "200 OK", image_json },
		{ "GET /v1.41/containers/c1/json ", "200 OK", RUNNING }, END };
	const struct turn wrong[] = { { "GET /v1.41/containers/shop-web-7-0/json ", "200 OK",
					  RUNNING },
		{ INSPECT_IMAGE, "200 OK", "{\"Id\":\"sha256:other\"}" }, END };

	assert_int_equal(run(FX_PROBE, good)->kind, EV_HEALTHY);
	assert_int_equal(run(FX_PROBE, wrong)->kind, EV_REFUSED);
	assert_has(last_event.text, "does not run the image");
}

static void
test_gate_keeps_the_last_lines(void **state UNUSED)
{
	const char *exited =
	    "{\"Id\":\"c1\",\"State\":{\"Status\":\"exited\",\"ExitCode\":3}}";
	const struct turn turns[] = { GREET,
		{ "GET /v1.41/containers/shop-web-7-0/json ", "200 OK", exited },
		{ "GET /v1.41/containers/c1/logs?stdout=1&stderr=1&tail=50 ", "200 OK", "" },
		END };
	const struct event *e = run(FX_PROBE, turns);

	assert_int_equal(e->kind, EV_REFUSED);
	assert_has(e->text, "exited with code 3 before it was healthy");
}

static const char healthy[] =
    "{\"Id\":\"c1\",\"Image\":\"sha256:i1\",\"State\":{\"Status\":\"running\","
    "\"Running\":true,\"StartedAt\":\"2026-01-01T00:00:00Z\",\"Health\":{"
    "\"Status\":\"healthy\",\"Log\":[{\"Output\":\"all is well\"}]}}}";

/* An engine that hangs takes nothing of the app's time, though it answers before it is given up. */
static void
test_gate_does_not_count_the_time_of_an_engine_that_hangs(void **state UNUSED)
{
	const struct turn turns[] = { GREET,
		{ "GET /v1.41/containers/shop-web-7-0/json ", "200 OK", healthy },
		{ "GET /v1.41/containers/c1/json ", "200 OK", healthy },
		{ INSPECT_IMAGE, "200 OK", "{\"Id\":\"sha256:i1\"}" },
		{ "GET /v1.41/containers/c1/json ", "200 OK", healthy }, END };

	spec.health.kind = HEALTH_DOCKER;
	spec.health.successes = 2;
	spec.health.deadline_ms = 300;
	slow = &turns[3];
	assert_int_equal(run(FX_PROBE, turns)->kind, EV_HEALTHY);
}

#define LOOK(json)                                               \
	{                                                        \
		"GET /v1.41/containers/c1/json ", "200 OK", json \
	}
#define FIRST_LOOK(json) \
	GREET, { "GET /v1.41/containers/shop-web-7-0/json ", "200 OK", json }
#define TAIL                                                                             \
	{                                                                                \
		"GET /v1.41/containers/c1/logs?stdout=1&stderr=1&tail=50 ", "200 OK", "" \
	}
#define DOCKER_SAYS(started, health)                                                      \
	"{\"Id\":\"c1\",\"Image\":\"sha256:i1\",\"State\":{\"Status\":\"running\","       \
	"\"Running\":true,\"StartedAt\":\"" started "\",\"Health\":{\"Status\":\"" health \
	"\",\"Log\":[]}}}"
#define GOOD DOCKER_SAYS("2026-01-01T00:00:00Z", "healthy")
#define BAD DOCKER_SAYS("2026-01-01T00:00:00Z", "unhealthy")

enum { ROUNDS = 150 };

/* For as long as it takes: the time between two questions grows no further than the interval. */
static void
test_gate_asks_on_while_nobody_listens(void **state UNUSED)
{
	static const char silent[] =
	    "{\"Id\":\"c1\",\"State\":{\"Status\":\"running\",\"Running\":true,"
	    "\"StartedAt\":\"2026-01-01T00:00:00Z\"},\"NetworkSettings\":{\"Networks\":{"
	    "\"slipway\":{\"IPAddress\":\"127.0.0.1\"}}}}";
	const struct turn last[] = { LOOK("{\"Id\":\"c1\",\"State\":{\"Status\":\"exited\"}}"),
		TAIL, END };
	struct turn turns[ROUNDS + COUNT(last)] = { FIRST_LOOK(silent) };

	for (size_t i = 3; i < ROUNDS; i++)
		turns[i] = (struct turn)LOOK(silent);
	memcpy(&turns[ROUNDS], last, sizeof(last));
	spec.health.kind = HEALTH_TCP;
	spec.health.port = 1;
	spec.health.interval_ms = 1;
	spec.health.deadline_ms = WAIT_MS;
	assert_int_equal(run(FX_PROBE, turns)->kind, EV_REFUSED);
	assert_has(last_event.text, "exited");
}

/* In a row: one that fails begins the count anew. */
static void
test_gate_counts_anew_after_a_failure(void **state UNUSED)
{
	const struct turn turns[] = { FIRST_LOOK(GOOD), LOOK(BAD), LOOK(GOOD), LOOK(GOOD),
		{ INSPECT_IMAGE, "200 OK", "{\"Id\":\"sha256:i1\"}" }, LOOK(GOOD), END };

	spec.health.kind = HEALTH_DOCKER;
	spec.health.successes = 2;
	assert_int_equal(run(FX_PROBE, turns)->kind, EV_HEALTHY);
}

/* Somebody restarted it by hand, which Docker does not count: what was good was another process. */
static void
test_gate_notices_another_process(void **state UNUSED)
{
	const struct turn turns[] = { FIRST_LOOK(GOOD),
		LOOK(DOCKER_SAYS("2026-01-01T00:00:09Z", "healthy")), TAIL, END };

	spec.health.kind = HEALTH_DOCKER;
	spec.health.successes = 2;
	assert_int_equal(run(FX_PROBE, turns)->kind, EV_REFUSED);
}

static void
test_gate_waits_for_the_uptime(void **state UNUSED)
{
	const struct turn turns[] = { FIRST_LOOK(RUNNING), TAIL, END };

	spec.health.interval_ms = 60000;
	spec.health.min_uptime_ms = 60000;
	spec.health.deadline_ms = 300;
	assert_int_equal(run(FX_PROBE, turns)->kind, EV_REFUSED);
	assert_has(last_event.text, "was not healthy within 0.3 s");
}

static void
test_gate_fails_when_the_container_is_gone(void **state UNUSED)
{
	const struct turn turns[] = { GREET,
		{ "GET /v1.41/containers/shop-web-7-0/json ", "404 Not Found",
		    "{\"message\":\"no such container\"}" },
		END };

	assert_int_equal(run(FX_PROBE, turns)->kind, EV_REFUSED);
	assert_has(last_event.text, "is gone");
}

/* One of two ends between its last probe and the last look. */
static void
test_gate_looks_at_all_once_more(void **state UNUSED)
{
	const struct turn turns[] = { GREET,
		{ "GET /v1.41/containers/shop-web-7-", "200 OK", RUNNING },
		{ "GET /v1.41/containers/shop-web-7-", "200 OK", RUNNING },
		{ INSPECT_IMAGE, "200 OK", image_json },
		{ "GET /v1.41/containers/c1/json ", "", "" }, LOOK(RUNNING), TAIL, END };
	const struct turn ended = { "", "200 OK",
		"{\"Id\":\"c1\",\"State\":{\"Status\":\"exited\",\"ExitCode\":3}}" };

	spec.replicas = 2;
	script = turns;
	perform(FX_PROBE);
	turn_until_asked(&turns[7]);
	give(unanswered, &ended);
	turn_until(&event_count, 1);
	assert_int_equal(last_event.kind, EV_REFUSED);
	assert_null(script->request);
}

/* A good answer is not told as the reason of the failure. */
static void
test_gate_says_what_was_lacking(void **state UNUSED)
{
	const struct turn turns[] = { GREET,
		{ "GET /v1.41/containers/shop-web-7-0/json ", "200 OK", healthy },
		{ "GET /v1.41/containers/c1/logs?stdout=1&stderr=1&tail=50 ", "200 OK", "" },
		END };
	const struct event *e;

	spec.health.kind = HEALTH_DOCKER;
	spec.health.successes = 3;
	spec.health.interval_ms = 60000;
	spec.health.deadline_ms = 300;
	e = run(FX_PROBE, turns);
	assert_int_equal(e->kind, EV_REFUSED);
	assert_has(e->text, "was not healthy within 0.3 s: only 1 of 3 probes in a row");
	assert_has(e->text, "healthy: all is well)");
}

/* The window. */

/* It has begun now, and the version before runs. */
static void
watch_for(int64_t ms)
{
	struct instance before = { .deploy = 6, .status = "running" };

	clock_tick();
	spec.verify =
	    (struct verify_spec){ .for_ms = ms, .max_error_percent = 10, .min_requests = 20 };
	store.deploys[0].watched_since_ms = clock_now_ms();
	store_instance_put(&store, &before);
}

static void
test_a_window_ends_when_it_is_over(void **state UNUSED)
{
	const struct turn turns[] = { FIRST_LOOK(RUNNING), LOOK(RUNNING), END };
	const struct turn again[] = { { "GET /v1.41/containers/shop-web-7-0/json ", "200 OK",
					  RUNNING },
		LOOK(RUNNING), END };

	watch_for(300);
	assert_int_equal(run(FX_VERIFY, turns)->kind, EV_VERIFIED);
	assert_true(clock_now_ms() - store.deploys[0].watched_since_ms >= 300);
	spec.verify.for_ms = 60000; /* after a crash: what is left of it */
	store.deploys[0].watched_since_ms = clock_now_ms() - 59900;
	assert_int_equal(run(FX_VERIFY, again)->kind, EV_VERIFIED);
}

/* In a row; and the last lines are kept. */
static void
test_a_window_believes_three_failures(void **state UNUSED)
{
	const struct turn turns[] = { FIRST_LOOK(BAD), LOOK(BAD), LOOK(BAD), TAIL, END };

	watch_for(60000);
	spec.health.kind = HEALTH_DOCKER;
	assert_int_equal(run(FX_VERIFY, turns)->kind, EV_REFUSED);
	assert_has(last_event.text,
	    "failed its health check 3 times in a row in its verification window");
}

static void
test_a_window_forgives_two_failures(void **state UNUSED)
{
	const struct turn turns[] = { FIRST_LOOK(BAD), LOOK(BAD), LOOK(GOOD), LOOK(BAD),
		LOOK(BAD), END };

	watch_for(3500);
	spec.health.kind = HEALTH_DOCKER;
	assert_int_equal(run(FX_VERIFY, turns)->kind, EV_VERIFIED);
}

/* Not by the figures alone: the container is looked at once more. */
static void
test_a_window_leads_back_for_errors(void **state UNUSED)
{
	const struct turn turns[] = { FIRST_LOOK(RUNNING), LOOK(RUNNING), TAIL, END };

	watch_for(900);
	counted = (struct docker_traffic){ 100, 26 };
	counted_before = (struct docker_traffic){ 1000, 150 };
	assert_int_equal(run(FX_VERIFY, turns)->kind, EV_REFUSED);
	assert_has(last_event.text,
	    "26 of 100 requests failed in its verification window: 26.0 %, "
	    "with the version before 15.0 %");
}

static void
expect_no_lead(uint64_t requests, uint64_t failures)
{
	const struct turn turns[] = { FIRST_LOOK(RUNNING), LOOK(RUNNING), END };
	const struct turn later[] = { { "GET /v1.41/containers/shop-web-7-0/json ", "200 OK",
					  RUNNING },
		LOOK(RUNNING), END };

	watch_for(50);
	counted = (struct docker_traffic){ requests, failures };
	assert_int_equal(run(FX_VERIFY, event_count == 0 ? turns : later)->kind, EV_VERIFIED);
}

static void
test_a_window_compares_with_the_version_before(void **state UNUSED)
{
	counted_before = (struct docker_traffic){ 1000, 150 };
	expect_no_lead(100, 25); /* no worse by more than it may be */
	expect_no_lead(19, 19); /* too few */
	expect_no_lead(0, 0);
}

static void
test_a_window_waits_for_its_engine(void **state UNUSED)
{
	const struct turn turns[] = { FIRST_LOOK(RUNNING),
		{ "GET /v1.41/containers/c1/json ", NULL, NULL },
		{ "GET /v1.41/containers/c1/json ", NULL, NULL }, /* a new connection */
		PING, LOOK(RUNNING), LOOK(RUNNING), END };
	watch_for(2000);
	assert_int_equal(run(FX_VERIFY, turns)->kind, EV_VERIFIED);
}

static void
test_a_window_with_nothing_to_go_back_to(void **state UNUSED)
{
	const struct turn turns[] = { GREET,
		{ "GET /v1.41/containers/shop-web-7-0/json ", "404 Not Found",
		    "{\"message\":\"no such container\"}" },
		END };
	const struct turn again[] = { { "GET /v1.41/containers/shop-web-7-0/json ",
					  "404 Not Found",
					  "{\"message\":\"no such container\"}" },
		END };

	watch_for(60000);
	assert_int_equal(run(FX_VERIFY, turns)->kind, EV_REFUSED);
	snprintf(store.instances[0].status, sizeof(store.instances[0].status), "exited");
	assert_int_equal(run(FX_VERIFY, again)->kind, EV_VERIFIED);
	assert_has(
	    store.log[store.log_count - 1].text, "nothing of deploy 6 runs to go back to");
}

/* Sweeping. */

static const char *
survey_list(const char *state, const char *store_uuid, const char *deploy)
{
	static char text[1024];

	snprintf(text, sizeof(text),
	    "[{\"Id\":\"c1\",\"Names\":[\"/n\"],\"State\":\"%s\",\"Labels\":{"
	    "\"slipway.store\":\"%s\",\"slipway.deploy\":\"%s\","
	    "\"slipway.stage-id\":\"5\"},\"NetworkSettings\":{\"Networks\":{"
	    "\"slipway\":{\"IPAddress\":\"10.0.0.9\"}}}}]",
	    state, store_uuid, deploy);
	return text;
}

static uint32_t
survey(const char *list)
{
	static bool is_first;
	const struct turn turns[] = { PING, { "GET /version ", "200 OK", VERSION },
		{ "GET /v1.41/containers/json?all=true", "200 OK", list }, END };
	const struct turn later[] = {
		{ "GET /v1.41/containers/json?all=true", "200 OK", list }, END
	};

	is_first = event_count == 0;
	assert_int_equal(run(FX_SURVEY, is_first ? turns : later)->kind, EV_SURVEYED);
	return last_event.count;
}

static void
test_survey_judges(void **state UNUSED)
{
	const struct turn remove[] = {
		{ "DELETE /v1.41/containers/c1?force=true&v=true ", "204 N", "" }, END
	};
	const struct turn nothing[] = { END };

	assert_int_equal(survey(survey_list("running", "u-1", "7")), 0); /* not over yet */
	store.deploys[0].ended_ms = 1;
	assert_int_equal(survey(survey_list("running", "u-2", "70")), 0); /* another's */
	assert_int_equal(store.id_floor, 7); /* an id that a container of ours has is taken */
	assert_int_equal(survey(survey_list("running", "u-1", "8")), 0); /* not known */
	store.retired = 9; /* known once: its row was removed since, so it was over */
	assert_int_equal(survey(survey_list("running", "u-2", "8")), 0);
	assert_int_equal(survey(survey_list("running", "u-1", "10")), 0);
	assert_int_equal(survey(survey_list("running", "u-1", "8")), 1);
	store.deploys[0].stage = 6;
	assert_int_equal(survey(survey_list("running", "u-1", "7")), 0); /* not of its stage */
	store.deploys[0].stage = 5;
	is_stage_busy = true;
	assert_int_equal(survey(survey_list("running", "u-1", "8")), 0);
	assert_int_equal(survey(survey_list("running", "u-1", "7")), 0);
	is_stage_busy = false;
	assert_int_equal(survey(survey_list("running", "u-1", "7")), 1);
	store.deploys[0].is_live = true; /* judged again */
	assert_int_equal(run(FX_COLLECT, nothing)->kind, EV_COLLECTED);
	store.deploys[0].is_live = false;
	assert_int_equal(survey(survey_list("running", "u-1", "7")), 1);
	assert_int_equal(run(FX_COLLECT, remove)->kind, EV_COLLECTED);
}

/* Its deploy is over, so it goes, though that serves and its stage is busy; its end is read first. */
static void
test_the_sweep_reads_how_a_migration_ended(void **state UNUSED)
{
	const struct turn turns[] = { { TASK_LOOK, "200 OK", TASK_IN(EXITED("0"), "7") },
		{ TASK_LOG, "200 OK", "" },
		{ "DELETE /v1.41/containers/t1?force=true&v=true ", "204 N", "" }, END };
	const char *list = "[{\"Id\":\"t1\",\"Names\":[\"/t\"],\"State\":\"exited\","
			   "\"Labels\":{\"slipway.store\":\"u-1\",\"slipway.deploy\":\"7\","
			   "\"slipway.stage-id\":\"5\",\"slipway.task\":\"MIGRATION\"}}]";

	store_task_put(
	    &store, &(struct task_row){
			.deploy = 7, .stage = 5, .digest = DIGEST, .container_id = "t1" });
	assert_int_equal(survey(list), 0);
	store.deploys[0].ended_ms = 1;
	store.deploys[0].is_live = true;
	is_stage_busy = true;
	assert_int_equal(survey(list), 1);
	assert_int_equal(run(FX_COLLECT, turns)->kind, EV_COLLECTED);
	assert_int_equal(store.tasks[0].status, TASK_IS_done);
	assert_string_equal(double_log(&store, 7), "");
}

static void
give_list(void *context UNUSED)
{
	give(unanswered, &(struct turn){ "", "200 OK", "[]" });
}

/* Else an engine that says much and answers slowly would never be looked at to the end. */
static void
test_a_survey_is_not_begun_anew_before_its_answer(void **state UNUSED)
{
	const struct turn turns[] = { GREET, { "GET /v1.41/events?", "", "" },
		{ "GET /v1.41/containers/json?all=true", "", "" }, END };
	struct loop_timer *timer = loop_timer_new(loop, give_list, NULL);
	int64_t end_us = clock_mono_us() + WAIT_MS * 1000;

	script = turns;
	docker_watch(docker); /* which wants a look soon */
	while (script < turns + 3) {
		assert_true(clock_mono_us() < end_us);
		loop_turn(loop, false);
	}
	perform(FX_SURVEY);
	loop_timer_set(timer, 400); /* later than a nudge comes by itself */
	turn_until(&nudges, 1);
	assert_int_equal(events_when_nudged, 1);
	assert_int_equal(last_event.kind, EV_SURVEYED);
	loop_timer_free(timer);
}

static void
test_an_orphan_that_stays_is_told(void **state UNUSED)
{
	const struct turn turns[] = { { "DELETE /v1.41/containers/c1?force=true&v=true ",
					  "500 Server Error", TROUBLE },
		END };

	store.deploys[0].ended_ms = 1;
	assert_int_equal(survey(survey_list("running", "u-1", "7")), 1);
	assert_int_equal(run(FX_COLLECT, turns)->kind, EV_TROUBLED);
	assert_has(last_event.text, "the disk is slow");
	assert_null(strstr(double_log(&store, 7), "it is removed"));
}

/* Ids are counted up: one that nobody can have given would be the end of them. */
static void
test_a_label_that_is_no_id_of_ours_takes_none(void **state UNUSED)
{
	survey(survey_list("running", "u-1", "18446744073709551615"));
	survey(survey_list("running", "u-1", "4611686018427387903"));
	assert_int_equal(store.id_floor, 0);
}

/* What this engine does not list may well run on another. */
static void
test_survey_leaves_what_is_on_another_engine(void **state UNUSED)
{
	snprintf(double_engine(&catalog, 2)->name, NAME_SIZE, "far");
	spec.engine = "far";
	live_deploy = 7;
	put_row();
	survey("[]");
	assert_string_equal(store.instances[0].status, "running");
	assert_int_equal(changes, 0);
}

static void
test_survey_looks_at_every_stage(void **state UNUSED)
{
	enum { STAGES = 101 }; /* two slices, and one more */

	catalog.stage_count = 0;
	for (uint64_t id = 1; id <= STAGES; id++)
		double_stage(&catalog, id);
	live_deploy = 7;
	live_stage = STAGES;
	put_row();
	survey("[]");
	assert_string_equal(store.instances[0].status, "missing");
	assert_int_equal(changes, 1);
}

static void
test_survey_follows_live_instances(void **state UNUSED)
{
	struct instance row = { .deploy = 7,
		.container_id = "c1",
		.name = "shop-web-7-0",
		.address = "10.0.0.2:8080",
		.status = "running" };

	store.deploys[0].ended_ms = 1;
	store.deploys[0].is_live = true;
	live_deploy = 7;
	store_instance_put(&store, &row);
	survey(survey_list("running", "u-1", "7"));
	assert_int_equal(changes, 1);
	store_instances(&store, 7, &row, 1);
	assert_string_equal(row.address, "10.0.0.9:8080");
	survey(survey_list("running", "u-1", "7"));
	assert_int_equal(changes, 1); /* once for each change */
	survey(survey_list("exited", "u-1", "7"));
	store_instances(&store, 7, &row, 1);
	assert_string_equal(row.status, "exited");
	survey("[]");
	survey("[]");
	store_instances(&store, 7, &row, 1);
	assert_string_equal(row.status, "missing");
	assert_int_equal(changes, 3);
	assert_has(double_log(&store, 7), "warn: container shop-web-7-0 is missing");
}

/* What the engine has listed before a start ended is no news: nobody's traffic stops for it. */
static void
test_a_survey_that_a_start_has_overtaken(void **state UNUSED)
{
	struct instance row = { .deploy = 7,
		.container_id = "c1",
		.name = "shop-web-7-0",
		.address = "10.0.0.2:8080",
		.status = "running" };
	const struct turn turns[] = { GREET, { "GET /v1.41/containers/json?all=true", "", "" },
		END };
	const struct turn exited = { "", "200 OK", survey_list("exited", "u-1", "7") };

	store.deploys[0].is_live = true;
	live_deploy = 7;
	script = turns;
	perform(FX_SURVEY);
	turn_until_asked(turns + 3);
	row.since_ms = clock_wall_ms();
	store_instance_put(&store, &row);
	give(unanswered, &exited);
	turn_until(&event_count, 1);
	assert_string_equal(store.instances[0].status, "running");
	assert_int_equal(changes, 0);
	store.instances[0].since_ms += 3600000; /* by a clock that was set back since */
	survey(exited.body);
	assert_string_equal(store.instances[0].status, "exited");
	assert_int_equal(changes, 1);
}

static void
test_survey_knows_who_restarts(void **state UNUSED)
{
	static const char two[] =
	    "[{\"Id\":\"c1\",\"Names\":[\"/shop-web-7-0\"],\"State\":\"restarting\"},"
	    "{\"Id\":\"c2\",\"Names\":[\"/other\"],\"State\":\"running\",\"NetworkSettings\":{"
	    "\"Networks\":{\"slipway\":{\"IPAddress\":\"10.0.0.2\"}}}}]";
	struct instance row = { .deploy = 7,
		.container_id = "c1",
		.name = "shop-web-7-0",
		.address = "10.0.0.2:8080",
		.status = "running" };

	store.deploys[0].is_live = true;
	live_deploy = 7;
	store_instance_put(&store, &row);
	survey(survey_list("restarting", "u-1", "7"));
	store_instances(&store, 7, &row, 1);
	assert_string_equal(row.status, "restarting");
	survey(two); /* another one has its address now */
	store_instances(&store, 7, &row, 1);
	assert_string_equal(row.status, "exited");
	survey(survey_list("paused", "u-1", "7"));
	store_instances(&store, 7, &row, 1);
	assert_string_equal(row.status, "paused");
	assert_int_equal(changes, 3);
}

static void
test_orphan_rule(void **state UNUSED)
{
	for (int bits = 0; bits < 256; bits++) {
		struct orphan_facts facts = { .is_ours = bits & 1,
			.is_known = bits & 2,
			.is_final = bits & 4,
			.is_live = bits & 8,
			.is_stage_busy = bits & 16,
			.is_task = bits & 32,
			.is_kept = bits & 64,
			.is_led_to = bits & 128 };
		bool is_needed = (bits & (8 | 16 | 64 | 128)) != 0 && (bits & 32) == 0;
		enum orphan_verdict wanted = (bits & 3) != 3            ? ORPHAN_FOREIGN
					     : (bits & 4) && !is_needed ? ORPHAN_REMOVE
									: ORPHAN_KEEP;

		assert_int_equal(orphan_judge(&facts), wanted);
	}
}

/* Parts. */

static char seen_lines[256];

static void
on_frame_line(void *context UNUSED, bool is_error_stream, struct str line)
{
	size_t n = strlen(seen_lines);

	snprintf(seen_lines + n, sizeof(seen_lines) - n, "%d:%.*s|", is_error_stream,
	    (int)line.n, line.p);
}

static void
assert_usage(
    const char *text, int64_t memory, int64_t limit, int64_t cpu_ns, int64_t processes)
{
	struct docker_usage usage;
	struct err err;
	struct json *json = json_parse(str_of(text), &err);

	assert_non_null(json);
	usage_read(json, &usage);
	assert_int_equal(usage.memory_bytes, memory);
	assert_int_equal(usage.memory_limit_bytes, limit);
	assert_int_equal(usage.cpu_ns, cpu_ns);
	assert_int_equal(usage.process_count, processes);
	json_free(json);
}

/* By the control groups of older and newer kernels; of a container that has ended nothing is said. */
static void
test_usage_leaves_out_what_is_cached(void **state UNUSED)
{
	assert_usage("{\"memory_stats\":{\"usage\":900,\"limit\":5000,\"stats\":"
		     "{\"total_inactive_file\":300,\"inactive_file\":100}},"
		     "\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":77}},"
		     "\"pids_stats\":{\"current\":4}}",
	    600, 5000, 77, 4);
	assert_usage("{\"memory_stats\":{\"usage\":900,\"stats\":{\"inactive_file\":100}}}",
	    800, 0, 0, 0);
	assert_usage("{\"memory_stats\":{\"usage\":90,\"stats\":{\"inactive_file\":100}}}", 90,
	    0, 0, 0);
	assert_usage("{\"memory_stats\":{},\"pids_stats\":null}", 0, 0, 0, 0);
}

static void
test_frames_cut_anywhere(void **state UNUSED)
{
	static const char raw[] = "\1\0\0\0\0\0\0\6one\ntw"
				  "\2\0\0\0\0\0\0\3bad"
				  "\1\0\0\0\0\0\0\0"
				  "\1\0\0\0\0\0\0\2o\n"
				  "\2\0\0\0\0\0\0\2!\n"
				  "\1\0\0\0\0\0\0\3end";

	for (size_t cut = 1; cut < sizeof(raw); cut++) {
		struct frames frames;

		seen_lines[0] = '\0';
		frames_init(&frames);
		for (size_t at = 0; at < sizeof(raw) - 1; at += cut) {
			size_t n = sizeof(raw) - 1 - at < cut ? sizeof(raw) - 1 - at : cut;
			frames_feed(&frames, (struct str){ raw + at, n }, on_frame_line, NULL);
		}
		frames_end(&frames, on_frame_line, NULL);
		assert_string_equal(seen_lines, "0:one|0:two|1:bad!|0:end|");
	}
}

static void
test_times(void **state UNUSED)
{
	assert_int_equal(container_time_ms("2026-01-31T12:34:56.789012345Z"), 1769862896789);
	assert_int_equal(container_time_ms("1970-01-01T00:00:01Z"), 1000);
	assert_int_equal(container_time_ms("0001-01-01T00:00:00Z"), 0);
	assert_int_equal(container_time_ms(""), 0);
}

static void
test_endings(void **state UNUSED)
{
	char text[REASON_SIZE];

	container_ending(&(struct container){ .exit_code = 137, .is_oom_killed = true }, text);
	assert_has(text, "memory limit");
	container_ending(&(struct container){ .exit_code = 2, .restart_count = 3 }, text);
	assert_string_equal(text, "was restarted 3 times (last exit code 2)");
}

/* Images. */

#define IMAGE_NAME IMAGE "@" DIGEST
#define DELETE_IMAGE "DELETE /v1.41/images/" IMAGE_NAME "?noprune=true "
#define LIST_OF_OURS "GET /v1.41/containers/json?all=true&filters="
#define LIST_OF_ALL "GET /v1.41/containers/json?all=true "
#define NO_DISK                                                                         \
	{                                                                               \
		"GET /v1.41/info ", "200 OK", "{\"DockerRootDir\":\"/nowhere/at/all\"}" \
	}
#define IMAGES_WITH(tags)                                                      \
	{                                                                      \
		"GET /v1.41/images/json ", "200 OK",                           \
		    "[{\"Id\":\"sha256:9\",\"RepoTags\":" tags                 \
		    ",\"RepoDigests\":[\"" IMAGE_NAME "\"],\"Size\":5000000}]" \
	}
#define CONTAINERS_OF(image)                                                         \
	{                                                                            \
		LIST_OF_ALL, "200 OK",                                               \
		    "[{\"Id\":\"c\",\"Names\":[\"/db\"],\"ImageID\":\"" image "\"}]" \
	}

static void
put_image(enum image_need need)
{
	struct image image = { .engine = 1, .repository = IMAGE, .digest = DIGEST };

	store_image_put(&store, &image);
	store.verdict = (struct image_verdict){ .need = need };
}

/* A survey that looks at the images, too; returns what it has counted. */
static uint32_t
survey_images(struct turn images, struct turn containers)
{
	static const struct turn greet[] = { GREET };
	struct turn turns[8];
	size_t count = 0;
	struct docker_status status;

	docker_engine_status(docker, 1, &status);
	for (size_t i = 0; i < COUNT(greet) && !status.is_reachable; i++)
		turns[count++] = greet[i];
	turns[count++] = (struct turn){ LIST_OF_OURS, "200 OK", "[]" };
	turns[count++] = images;
	turns[count++] = containers;
	turns[count++] = (struct turn)NO_DISK;
	turns[count] = (struct turn)END;
	engine_of(docker, double_engine(&catalog, 1));
	docker_images_due(docker);
	assert_int_equal(run(FX_SURVEY, turns)->kind, EV_SURVEYED);
	assert_true(docker_images_looked_ms(docker, 1) > 0);
	return last_event.count;
}

static void
test_an_image_that_nothing_needs_is_removed(void **state UNUSED)
{
	const struct turn remove[] = { { DELETE_IMAGE, "200 OK", "[]" }, END };
	static const struct turn nothing[] = { END };
	int before = nudges;

	put_image(IMAGE_FREE);
	assert_int_equal(survey_images((struct turn)IMAGES_WITH("null"),
			     (struct turn)CONTAINERS_OF("sha256:8")),
	    1);
	assert_true(nudges > before); /* who asks for a look gets one */
	assert_int_equal(run(FX_COLLECT, remove)->kind, EV_COLLECTED);
	assert_int_equal(store.image_count, 0);
	assert_int_equal(run(FX_COLLECT, nothing)->kind, EV_COLLECTED);
}

static void
test_an_image_that_is_needed_named_or_used_stays(void **state UNUSED)
{
	put_image(IMAGE_ROLLBACK);
	assert_int_equal(survey_images((struct turn)IMAGES_WITH("null"),
			     (struct turn)CONTAINERS_OF("sha256:8")),
	    0);
	put_image(IMAGE_FREE);
	assert_int_equal(survey_images((struct turn)IMAGES_WITH("[\"shop:mine\"]"),
			     (struct turn)CONTAINERS_OF("sha256:8")),
	    0);
	assert_int_equal(survey_images((struct turn)IMAGES_WITH("[\"<none>:<none>\"]"),
			     (struct turn)CONTAINERS_OF("sha256:9")),
	    0);
	assert_int_equal(store.image_count, 1);
}

/* Between the look and the removal a deploy may have begun. */
static void
test_an_image_is_judged_again_right_before(void **state UNUSED)
{
	static const struct turn nothing[] = { END };

	put_image(IMAGE_FREE);
	assert_int_equal(survey_images((struct turn)IMAGES_WITH("null"),
			     (struct turn)CONTAINERS_OF("sha256:8")),
	    1);
	store.verdict.need = IMAGE_UNDER_WAY;
	assert_int_equal(run(FX_COLLECT, nothing)->kind, EV_COLLECTED);
	assert_int_equal(store.image_count, 1);
}

/* It is told, kept in mind, and not tried again before its time. */
static void
test_an_image_that_cannot_be_removed_waits(void **state UNUSED)
{
	const struct turn refuse[] = {
		{ DELETE_IMAGE, "409 Conflict", "{\"message\":\"image is being used\"}" }, END
	};

	put_image(IMAGE_FREE);
	assert_int_equal(survey_images((struct turn)IMAGES_WITH("null"),
			     (struct turn)CONTAINERS_OF("sha256:8")),
	    1);
	assert_int_equal(run(FX_COLLECT, refuse)->kind, EV_COLLECTED);
	assert_int_equal(store.images[0].tries, 1);
	assert_int_equal(store.images[0].next_ms, clock_now_ms() + IMAGES_RETRY_MS);
	assert_has(store.images[0].trouble, "being used");
	assert_int_equal(survey_images((struct turn)IMAGES_WITH("null"),
			     (struct turn)CONTAINERS_OF("sha256:8")),
	    0);
}

/* Somebody has removed it: then it is not ours any more, unless a deploy is about to pull it. */
static void
test_an_image_that_is_gone_is_forgotten(void **state UNUSED)
{
	const struct turn none = { "GET /v1.41/images/json ", "200 OK", "[]" };

	put_image(IMAGE_UNDER_WAY);
	assert_int_equal(survey_images(none, (struct turn)CONTAINERS_OF("sha256:8")), 0);
	assert_int_equal(store.image_count, 1);
	store.verdict.need = IMAGE_ROLLBACK;
	assert_int_equal(survey_images(none, (struct turn)CONTAINERS_OF("sha256:8")), 0);
	assert_int_equal(store.image_count, 0);
}

/* Whose image it is, is known before it is pulled; one that was there already is another's. */
static void
test_a_pull_says_whose_the_image_is(void **state UNUSED)
{
	const struct turn there[] = { GREET,
		{ INSPECT_IMAGE, "200 OK", "{\"RepoDigests\":[\"" IMAGE_NAME "\"]}" }, END };
	const struct turn fails[] = { { INSPECT_IMAGE, "404 Not Found", "{}" },
		{ PULL_CALL, "500 No", "{\"message\":\"no route\"}" }, END };

	assert_int_equal(run(FX_PULL, there)->kind, EV_PULLED);
	assert_int_equal(store.image_count, 0);
	assert_int_equal(run(FX_PULL, fails)->kind, EV_TROUBLED);
	assert_int_equal(store.image_count, 1);
	assert_string_equal(store.images[0].repository, IMAGE);
	assert_string_equal(store.images[0].digest, DIGEST);
	store.images[0].tries = 3;
	assert_int_equal(run(FX_PULL, there + 2)->kind, EV_PULLED);
	assert_int_equal(store.images[0].tries, 0); /* used: it is young again */
}

/* What is on its way out just then comes back by a pull of its own. */
static void
test_a_pull_waits_for_a_removal(void **state UNUSED)
{
	const struct turn turns[] = { { DELETE_IMAGE, "200 OK", "[]" },
		{ INSPECT_IMAGE, "404 Not Found", "{}" },
		{ PULL_CALL, "500 No", "{\"message\":\"no route\"}" }, END };

	put_image(IMAGE_FREE);
	assert_int_equal(survey_images((struct turn)IMAGES_WITH("null"),
			     (struct turn)CONTAINERS_OF("sha256:8")),
	    1);
	script = turns;
	slow = turns;
	perform(FX_COLLECT);
	perform(FX_PULL);
	turn_until(&event_count, event_count + 2);
	assert_null(script->request);
	assert_int_equal(last_event.kind, EV_TROUBLED);
	assert_int_equal(store.image_count, 1); /* that of the pull */
}

/* The floor is for what has to be pulled; a disk that is not seen refuses nothing, and that is said. */
static void
test_a_full_disk_refuses_a_pull(void **state UNUSED)
{
	const struct turn full[] = { GREET, { INSPECT_IMAGE, "404 Not Found", "{}" },
		{ "GET /v1.41/info ", "200 OK", "{\"DockerRootDir\":\"/\"}" }, END };
	const struct turn there[] = {
		{ INSPECT_IMAGE, "200 OK", "{\"RepoDigests\":[\"" IMAGE_NAME "\"]}" }, END
	};
	const struct turn unseen[] = { { INSPECT_IMAGE, "404 Not Found", "{}" }, NO_DISK,
		{ PULL_CALL, "500 No", "{\"message\":\"no route\"}" }, END };

	tear_down(NULL);
	disk_floor_mb = 1000000000;
	set_up(NULL);
	disk_floor_mb = 0;
	assert_int_equal(run(FX_PULL, full)->kind, EV_REFUSED);
	assert_has(last_event.text, "MB are free in /, less than SLIPWAY_DISK_FLOOR_MB");
	assert_has(last_event.text, "slipway retention");
	assert_int_equal(store.image_count, 0);
	assert_int_equal(run(FX_PULL, there)->kind, EV_PULLED);
	assert_int_equal(run(FX_PULL, unseen)->kind, EV_TROUBLED);
	assert_has(double_log(&store, 7), "room for the image is not known");
}

/* Where containerd keeps the images, the engine's own folder says nothing. */
static void
test_the_disk_is_that_of_the_images(void **state UNUSED)
{
	struct engine *engine = engine_of(docker, double_engine(&catalog, 1));
	struct answer answer = { .kind = ANSWER_DONE, .message = "" };
	struct docker_disk disk;
	struct err err;
	struct json *info =
	    json_parse(STR("{\"DockerRootDir\":\"/\",\"DriverStatus\":[[\"driver-type\","
			   "\"io.containerd.snapshotter.v1\"]]}"),
		&err);

	answer.json = info;
	disk_read(engine, &answer, &disk);
	assert_string_equal(disk.folder, "/var/lib/containerd");
	json_free(info);
	info = json_parse(STR("{\"DockerRootDir\":\"/\"}"), &err);
	answer.json = info;
	disk_read(engine, &answer, &disk);
	assert_true(disk.is_known && disk.free_bytes > 0 && disk.free_bytes <= disk.all_bytes);
	snprintf(engine->config.host, sizeof(engine->config.host), "tcp://10.0.0.1:2376");
	disk_read(engine, &answer, &disk);
	assert_false(disk.is_known);
	assert_has(disk.why, "not on this machine");
	json_free(info);
	answer = (struct answer){ .kind = ANSWER_REFUSED, .message = "403 Forbidden" };
	disk_read(engine, &answer, &disk);
	assert_false(disk.is_known);
	assert_has(disk.why, "does not tell of itself: 403 Forbidden");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_engine_too_old),
		TEST(test_engine_too_new),
		TEST(test_newest_of_both_is_spoken_and_asked_again_after_trouble),
		TEST(test_not_an_engine),
		TEST(test_absent_socket_and_engine_not_configured),
		TEST(test_pull_skips_what_is_there),
		TEST(test_pull_with_credentials_and_progress),
		TEST(test_auth_header),
		TEST(test_pull_failures),
		TEST(test_image_that_does_not_fit),
		TEST(test_run_makes_the_network_once),
		TEST(test_run_leaves_one_network_of_a_name),
		TEST(test_run_adopts_its_own),
		TEST(test_run_leaves_another_digest_alone),
		TEST(test_run_leaves_others_alone),
		TEST(test_run_tells_a_final_failure_from_an_engine_going_down),
		TEST(test_every_replica_has_to_run),
		TEST(test_run_makes_anew_what_was_restarted),
		TEST(test_who_ends_right_after_the_start_did_not_start),
		TEST(test_retire_stops_in_peace_and_looks_again),
		TEST(test_who_cannot_be_stopped_is_not_removed),
		TEST(test_remove_looks_until_nothing_is_left),
		TEST(test_who_is_forgotten_makes_room),
		TEST(test_a_creation_on_its_way_is_waited_for),
		TEST(test_a_replaced_run_ends_before_the_removal_begins),
		TEST(test_who_waits_for_room_waits_for_a_changed_engine),
		TEST(test_create_body),
		TEST(test_name_keeps_the_id),
		TEST(test_pull_wants_every_value),
		TEST(test_pull_wants_what_the_owner_allows),
		TEST(test_pull_follows_links),
		TEST(test_run_records_what_it_changes_in_the_env),
		TEST(test_run_says_nothing_of_an_env_that_stays),
		TEST(test_gate_compares_the_image),
		TEST(test_gate_keeps_the_last_lines),
		TEST(test_gate_does_not_count_the_time_of_an_engine_that_hangs),
		TEST(test_gate_says_what_was_lacking),
		TEST(test_gate_asks_on_while_nobody_listens),
		TEST(test_gate_counts_anew_after_a_failure),
		TEST(test_gate_notices_another_process),
		TEST(test_gate_waits_for_the_uptime),
		TEST(test_gate_fails_when_the_container_is_gone),
		TEST(test_gate_looks_at_all_once_more),
		TEST(test_a_window_ends_when_it_is_over),
		TEST(test_a_window_believes_three_failures),
		TEST(test_a_window_forgives_two_failures),
		TEST(test_a_window_leads_back_for_errors),
		TEST(test_a_window_compares_with_the_version_before),
		TEST(test_a_window_waits_for_its_engine),
		TEST(test_a_window_with_nothing_to_go_back_to),
		TEST(test_an_image_that_nothing_needs_is_removed),
		TEST(test_an_image_that_is_needed_named_or_used_stays),
		TEST(test_an_image_is_judged_again_right_before),
		TEST(test_an_image_that_cannot_be_removed_waits),
		TEST(test_an_image_that_is_gone_is_forgotten),
		TEST(test_a_pull_says_whose_the_image_is),
		TEST(test_a_pull_waits_for_a_removal),
		TEST(test_a_full_disk_refuses_a_pull),
		TEST(test_the_disk_is_that_of_the_images),
		TEST(test_survey_judges),
		TEST(test_a_survey_is_not_begun_anew_before_its_answer),
		TEST(test_an_orphan_that_stays_is_told),
		TEST(test_a_label_that_is_no_id_of_ours_takes_none),
		TEST(test_survey_leaves_what_is_on_another_engine),
		TEST(test_survey_looks_at_every_stage),
		TEST(test_survey_follows_live_instances),
		TEST(test_survey_knows_who_restarts),
		TEST(test_a_survey_that_a_start_has_overtaken),
		TEST(test_a_migration_runs_and_is_read),
		TEST(test_a_hook_runs_once_in_a_deploy),
		TEST(test_a_hook_that_fails_is_refused),
		TEST(test_a_migration_of_before_counts),
		TEST(test_a_migration_that_was_read_meanwhile_counts),
		TEST(test_a_migration_that_was_read_late_counts),
		TEST(test_a_stopped_migration_is_run_anew),
		TEST(test_one_migration_runs_in_a_stage),
		TEST(test_a_migration_that_was_removed_is_not_run_again),
		TEST(test_an_overdue_migration_is_stopped),
		TEST(test_a_migration_that_cannot_start),
		TEST(test_migration_body),
		TEST(test_remove_reads_how_a_migration_ended),
		TEST(test_the_sweep_reads_how_a_migration_ended),
		TEST(test_orphan_rule),
		TEST(test_usage_leaves_out_what_is_cached),
		TEST(test_frames_cut_anywhere),
		TEST(test_times),
		TEST(test_endings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
