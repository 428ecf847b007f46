/* docker_link.c - the link to an engine: which version of the API, is it there, why not.
 *
 * The one idea: one cheap question (/_ping) opens the link; only an engine that greets
 * differently than before is asked for its version (7 ms, because it runs other programs to
 * answer). After any trouble the link is opened again, since the engine may have been
 * upgraded meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "ports/docker_parts.h"

enum {
	API_OLDEST = 1041, /* 1.41: Docker 20.10 */
	API_NEWEST = 1047, /* what was read of the API's history */
	PING_MS = 10000,
	WORK_MAX = 8, /* measured: more engine work at once only adds latency */
	REMOTE_WORK = 4, /* where the number of cores is not known */
	PULLS_MAX = 4,
	STOPS_MAX = 32, /* they wait for applications, up to minutes */
};

static uint32_t
work_limit(const struct engine_config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (strncmp(config->host, "unix://", 7) != 0)
		return REMOTE_WORK;
	if (cores < 1)
		cores = 1;
	return cores * 2 > WORK_MAX ? WORK_MAX : (uint32_t)(cores * 2);
}

static void
configure(struct engine *engine, const struct engine_config *config)
{
	engine->config = *config;
	engine->link = LINK_UNKNOWN;
	engine->greeting[0] = '\0';
	engine->has_network = false;
	engine->lanes[LANE_WORK].limit = work_limit(config);
	engine->lanes[LANE_PULL].limit = PULLS_MAX;
	engine->lanes[LANE_STOP].limit = STOPS_MAX;
}

static struct engine *
engine_new(struct docker *docker, const struct engine_config *config)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	CHECK(engine != NULL);
	engine->docker = docker;
	LIST_INIT(&engine->calls);
	TAILQ_INIT(&engine->line);
	TAILQ_INIT(&engine->network_line);
	for (size_t i = 0; i < LANE_COUNT; i++)
		TAILQ_INIT(&engine->lanes[i].line);
	configure(engine, config);
	LIST_INSERT_HEAD(&docker->engines, engine, entry);
	return engine;
}

bool
engine_config_is(const struct engine_config *a, const struct engine_config *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->host, b->host) == 0
	       && strcmp(a->ca_file, b->ca_file) == 0
	       && strcmp(a->cert_file, b->cert_file) == 0
	       && strcmp(a->key_file, b->key_file) == 0 && strcmp(a->network, b->network) == 0
	       && a->is_published == b->is_published
	       && strcmp(a->publish_address, b->publish_address) == 0;
}

struct engine *
engine_of(struct docker *docker, const struct engine_config *config)
{
	struct engine *engine;

	LIST_FOREACH(engine, &docker->engines, entry)
	{
		if (engine->config.id != config->id)
			continue;
		if (!engine_config_is(&engine->config, config)) {
			if (engine->link == LINK_ASKING)
				fetch_cancel(engine->asking);
			configure(engine, config);
			engine->status = (struct docker_status){ 0 };
			if (!TAILQ_EMPTY(&engine->line))
				engine_negotiate(engine);
		}
		return engine;
	}
	return engine_new(docker, config);
}

void
engine_free(struct engine *engine)
{
	events_stop(engine);
	survey_memory_free(engine->survey);
	image_memory_free(engine->images);
	call_list_cancel(&engine->calls);
	if (engine->link == LINK_ASKING)
		fetch_cancel(engine->asking);
	CHECK(TAILQ_EMPTY(&engine->line) && TAILQ_EMPTY(&engine->network_line));
	LIST_REMOVE(engine, entry);
	free(engine);
}

static const char *
unix_path(const struct engine_config *config)
{
	return strncmp(config->host, "unix://", 7) == 0 ? config->host + 7 : NULL;
}

void
engine_address(const struct engine *engine, struct fetch_request *request, struct buf *url)
{
	const struct engine_config *config = &engine->config;
	const char *host = strstr(config->host, "://");

	host = host == NULL ? config->host : host + 3;
	request->unix_socket = unix_path(config);
	if (request->unix_socket != NULL) {
		buf_text(url, "http://docker");
		return;
	}
	buf_format(url, "%s://%s", config->ca_file[0] != '\0' ? "https" : "http", host);
	request->ca_file = config->ca_file[0] != '\0' ? config->ca_file : NULL;
	request->cert_file = config->cert_file[0] != '\0' ? config->cert_file : NULL;
	request->key_file = config->key_file[0] != '\0' ? config->key_file : NULL;
}

/* A look at the socket tells the cause better than the failed connect. */
static const char *
remedy(const struct engine_config *config, const char *why)
{
	const char *path = unix_path(config);

	if (strstr(why, "timed out") != NULL)
		return "it hangs; restart it if it stays so";
	if (path == NULL)
		return "check that the engine listens there, and the certificates";
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return "there is no such socket: start Docker, or correct the engine's host";
	if (access(path, R_OK | W_OK) != 0 && errno == EACCES)
		return "run slipway as a user in the socket's group";
	return "start Docker (systemctl start docker)";
}

void
engine_explain(const struct engine *engine, const char *why, char text[REASON_SIZE])
{
	const char *path = unix_path(&engine->config);
	const char *cause = path == NULL ? NULL : strrchr(why, ':');

	snprintf(text, REASON_SIZE, "cannot reach the Docker engine '%s' at %.110s: %.90s; %s",
	    engine->config.name, engine->config.host, cause == NULL ? why : cause + 2,
	    remedy(&engine->config, why));
}

void
engine_lost(struct engine *engine, const char *why)
{
	struct docker_status *status = &engine->status;
	bool is_news = status->is_reachable || !status->is_known;

	if (status->is_reachable) {
		engine->losses++;
		engine->lost_ms = clock_wall_ms();
	}
	if (engine->link == LINK_READY)
		engine->link = LINK_UNKNOWN;
	engine->has_network = false;
	snprintf(status->why, sizeof(status->why), "%s", why);
	if (!is_news)
		return;
	status->is_known = true;
	status->is_reachable = false;
	status->since_ms = clock_wall_ms();
	log_warn(NULL, "engine.lost", "%s", why);
}

static void
engine_ready(struct engine *engine)
{
	struct docker_status *status = &engine->status;

	engine->link = LINK_READY;
	if (!status->is_reachable) {
		status->is_known = true;
		status->is_reachable = true;
		status->since_ms = clock_wall_ms();
		engine->back_ms = status->since_ms;
		status->why[0] = '\0';
		log_info(NULL, "engine.reached", "Docker engine '%s': version %s (%s), API %s",
		    engine->config.name, status->version, status->platform, status->api);
	}
	calls_go_on(engine);
}

/* What waits in line was never sent. */
static void
fail(struct engine *engine, enum answer_kind kind, const char *why)
{
	struct answer answer = { .kind = kind, .is_unreached = true, .message = why };

	engine->link = LINK_UNKNOWN;
	engine->greeting[0] = '\0';
	engine_lost(engine, why);
	calls_fail(engine, &answer);
}

/* "1.41" as 1041; 0 when it is no version. */
static int
api_number(const char *text)
{
	struct str major;
	struct str minor = str_cut(str_of(text), '.', &major);
	uint64_t high;
	uint64_t low;

	if (!str_number(major, 99, &high) || !str_number(minor, 999, &low))
		return 0;
	return (int)(high * 1000 + low);
}

/* -1 with the reason in err: no version that both sides speak. */
static int
choose_api(struct engine *engine, const struct json *version, struct err *err)
{
	const char *newest = json_text(json_get(version, "ApiVersion"));
	const char *oldest = json_text(json_get(version, "MinAPIVersion"));
	const char *release = json_text(json_get(version, "Version"));
	const char *name = engine->config.name;
	int api = api_number(newest);

	if (api == 0)
		return err_set(err,
		    "what answers as the Docker engine '%s' at %s is no Docker "
		    "engine: correct the engine's host",
		    name, engine->config.host);
	if (api < API_OLDEST)
		return err_set(err,
		    "the Docker engine '%s' (version %.20s) speaks the API up to "
		    "%.8s; Slipway needs 1.41 (Docker 20.10) or newer: upgrade the "
		    "engine",
		    name, release, newest);
	if (api_number(oldest) > API_NEWEST)
		return err_set(err,
		    "the Docker engine '%s' (version %.20s) wants at least API "
		    "%.8s; this Slipway speaks 1.41 to 1.47: upgrade Slipway",
		    name, release, oldest);
	if (api > API_NEWEST)
		api = API_NEWEST;
	snprintf(
	    engine->status.api, sizeof(engine->status.api), "%d.%d", api / 1000, api % 1000);
	return 0;
}

static void
on_version(void *context, const struct fetch_result *result)
{
	struct engine *engine = context;
	struct json *version = NULL;
	struct err err;

	engine->asking = NULL;
	if (result->outcome == FETCH_ANSWERED)
		version = json_parse(result->body, &err);
	if (version == NULL) {
		err_set(&err, "the Docker engine '%s' did not tell its version: %s",
		    engine->config.name, result->why == NULL ? "no JSON" : result->why);
		fail(engine, ANSWER_TROUBLED, err.text);
	} else if (choose_api(engine, version, &err) != 0) {
		fail(engine, ANSWER_REFUSED, err.text);
	} else {
		snprintf(engine->status.version, sizeof(engine->status.version), "%s",
		    json_text(json_get(version, "Version")));
		snprintf(
		    engine->os, sizeof(engine->os), "%s", json_text(json_get(version, "Os")));
		snprintf(engine->architecture, sizeof(engine->architecture), "%s",
		    json_text(json_get(version, "Arch")));
		snprintf(engine->status.platform, sizeof(engine->status.platform), "%s/%s",
		    engine->os, engine->architecture);
		engine_ready(engine);
	}
	json_free(version);
}

static void
ask(struct engine *engine, const char *path, fetch_done_fn *on_done)
{
	/* Fresh: an engine that shuts down still answers on the connections it has. */
	struct fetch_request request = {
		.fresh = true, .total_ms = PING_MS, .on_done = on_done, .context = engine
	};
	struct buf url;

	buf_init(&url, 1024);
	engine_address(engine, &request, &url);
	buf_text(&url, path);
	request.url = buf_cstr(&url);
	engine->asking = fetch_start(engine->docker->host.fetch, &request);
	buf_free(&url);
}

static void
on_ping(void *context, const struct fetch_result *result)
{
	struct engine *engine = context;
	struct str server = fetch_header(result->transfer, "Server");
	struct str api = fetch_header(result->transfer, "Api-Version");
	char greeting[sizeof(engine->greeting)];
	char why[REASON_SIZE];

	engine->asking = NULL;
	if (result->outcome != FETCH_ANSWERED) {
		engine_explain(engine, result->why, why);
		fail(engine, ANSWER_TROUBLED, why);
		return;
	}
	if (result->status != 200) {
		snprintf(why, sizeof(why),
		    "what answers as the Docker engine '%s' at %.100s says HTTP %d "
		    "to /_ping: check its host, and whether it wants TLS",
		    engine->config.name, engine->config.host, result->status);
		fail(engine, result->status < 500 ? ANSWER_REFUSED : ANSWER_TROUBLED, why);
		return;
	}
	snprintf(greeting, sizeof(greeting), "%.*s %.*s", (int)server.n, server.p, (int)api.n,
	    api.p);
	if (strcmp(greeting, engine->greeting) == 0) {
		engine_ready(engine);
		return;
	}
	memcpy(engine->greeting, greeting, sizeof(greeting));
	ask(engine, "/version", on_version);
}

void
engine_negotiate(struct engine *engine)
{
	if (engine->link == LINK_ASKING)
		return;
	engine->link = LINK_ASKING;
	engine->round++;
	ask(engine, "/_ping", on_ping);
}
