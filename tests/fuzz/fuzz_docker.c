/* fuzz_docker.c - the Docker port against any answers: each effect is answered once and within its
 * time, a stream of logs ends once, and nothing of the answers reaches a path or header as it is.
 *
 * The first line names the effects with the place of their stage (or engine); WATCH follows events,
 * LOGS the output of a container. The rest is the script of answers. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "fuzz.h"
#include "port_bed.h"
#include "ports/docker.h"
#include "scripted_fetch.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/retention.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STORE_UUID "00000000-0000-4000-8000-000000000000"
#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

enum { EFFECTS_MAX = 6, WAIT_MS = 3 * 3600000, TURNS_MAX = 60000, FOLLOW_TURNS = 60 };

static struct port_bed *bed;
static struct docker *docker;

static bool
stage_is_busy(void *context UNUSED, uint64_t stage)
{
	return stage % 4 == 0;
}

static uint64_t
stage_live(void *context UNUSED, uint64_t stage)
{
	for (size_t place = 0; place < BED_STAGES; place++)
		if (port_bed_stage(place) == stage)
			return port_bed_live(place);
	return 0;
}

static size_t
stage_kept(void *context, uint64_t stage, uint64_t ret_deploys[KEPT_MAX])
{
	ret_deploys[0] = stage_live(context, stage);
	return ret_deploys[0] != 0;
}

static void
nudge(void *context UNUSED, uint64_t engine UNUSED)
{
}

static void
instances_changed(void *context UNUSED, uint64_t deploy)
{
	CHECK(deploy != 0);
}

static uint64_t
number_before(const char *url, const char **at)
{
	while (*at > url && (*at)[-1] >= '0' && (*at)[-1] <= '9')
		(*at)--;
	return strtoull(*at, NULL, 10);
}

/* ".../c0d12/json" and ".../shop-web-12-0/json" are the same container. */
static void
model_container(const char *url, struct buf *part)
{
	const char *at = strstr(url, "/json");
	uint64_t last = number_before(url, &at);
	bool is_name = at > url && at[-1] == '-';
	uint64_t first;
	int deploy;

	at -= at > url;
	first = number_before(url, &at);
	deploy = (int)(is_name ? first : last);
	buf_format(part,
	    "200\n\n{\"Id\":\"c%dd%d\",\"Name\":\"/"
	    "x\",\"Image\":\"sha256:abc\",\"RestartCount\":0,"
	    "\"State\":{\"Status\":\"running\",\"Running\":true,\"Health\":{\"Status\":"
	    "\"healthy\"},"
	    "\"StartedAt\":\"2026-01-31T11:00:00.5Z\"},\"Config\":{\"Labels\":{"
	    "\"slipway.managed\":\"true\",\"slipway.store\":\"" STORE_UUID "\","
	    "\"slipway.deploy\":\"%d\"}},\"NetworkSettings\":{\"Ports\":{\"8080/tcp\":[{"
	    "\"HostIp\":\"127.0.0.1\",\"HostPort\":\"49153\"}]},\"Networks\":{"
	    "\"slipway\":{\"IPAddress\":\"10.0.0.2\"}}}}",
	    (int)(is_name ? last : first), deploy, deploy);
}

/* An engine on which everything is as it should be. */
static void
model(const char *method, const char *url, struct buf *part)
{
	bool is_get = strcmp(method, "GET") == 0;

	if (strstr(url, "/_ping") != NULL)
		buf_text(part, "200\nApi-Version: 1.41\n\nOK");
	else if (strstr(url, "/version") != NULL)
		buf_text(part, "200\n\n{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\","
			       "\"MinAPIVersion\":"
			       "\"1.12\",\"Os\":\"linux\",\"Arch\":\"amd64\"}");
	else if (strstr(url, "/images/create") != NULL)
		buf_text(part, "200\n\n{\"status\":\"Downloading\",\"id\":\"a\"}\r\n");
	else if (strstr(url, "/images/") != NULL)
		buf_text(part, "200\n\n{\"Id\":\"sha256:abc\",\"RepoDigests\":[\"x@" DIGEST
			       "\"],\"Architecture\":\"amd64\",\"Os\":\"linux\"}");
	else if (strstr(url, "/containers/json") != NULL)
		buf_text(part,
		    "200\n\n[{\"Id\":\"c0d1\",\"Names\":[\"/x\"],\"State\":\"running\","
		    "\"Status\":\"Up\",\"Labels\":{\"slipway.managed\":\"true\",\"slipway."
		    "store\":"
		    "\"" STORE_UUID
		    "\",\"slipway.deploy\":\"1\",\"slipway.stage-id\":\"1000\"},"
		    "\"NetworkSettings\":{\"Networks\":{\"slipway\":{\"IPAddress\":\"10.0.1."
		    "1\"}}}}]");
	else if (strstr(url, "/containers/create") != NULL)
		buf_text(part, "201\n\n{\"Id\":\"c0d2\",\"Warnings\":[]}");
	else if (strstr(url, "/containers/") != NULL && strstr(url, "/json") != NULL)
		model_container(url, part);
	else
		buf_text(part, is_get ? "200\n\n{}" : "204\n\n");
}

static const struct {
	const char *word;
	enum effect_kind kind;
	enum event_kind good;
} effects[] = {
	{ "PULL", FX_PULL, EV_PULLED },
	{ "RUN", FX_RUN, EV_STARTED },
	{ "MIGRATE", FX_MIGRATE, EV_MIGRATED },
	{ "HOOK", FX_HOOK, EV_HOOKED },
	{ "VERIFY", FX_VERIFY, EV_VERIFIED },
	{ "PROBE", FX_PROBE, EV_HEALTHY },
	{ "REMOVE", FX_REMOVE, EV_REMOVED },
	{ "RETIRE", FX_RETIRE, EV_RETIRED },
	{ "SURVEY", FX_SURVEY, EV_SURVEYED },
	{ "COLLECT", FX_COLLECT, EV_COLLECTED },
};

static void
check_instances(uint64_t deploy)
{
	struct instance rows[REPLICAS_MAX];
	size_t count = store_instances(bed->host.store, deploy, rows, REPLICAS_MAX);

	for (size_t i = 0; i < count; i++) {
		CHECK(rows[i].replica >= 0 && rows[i].replica < REPLICAS_MAX);
		CHECK(fuzz_is_plain(str_of(rows[i].address)));
		CHECK(strchr(rows[i].address, ' ') == NULL);
		CHECK(fuzz_is_plain(str_of(rows[i].container_id)));
	}
}

static void
perform(size_t which, size_t place)
{
	struct effect effect = port_bed_effect(effects[which].kind, place);
	uint32_t before = bed->answers;

	if (effect.kind == FX_SURVEY || effect.kind == FX_COLLECT) {
		effect.deploy = 0;
		effect.stage = 0;
		effect.elder = 0;
		effect.actor = 5000;
		effect.engine = catalog_engine_at(
		    bed->host.catalog, place % catalog_engine_count(bed->host.catalog))
				    ->id;
	}
	docker_perform(docker, &effect);
	CHECK(bed->answers > before || port_bed_wait(bed, WAIT_MS, TURNS_MAX));
	CHECK(bed->answers == before + 1);
	CHECK(bed->last.to == effect.actor && bed->last.epoch == effect.epoch);
	CHECK(bed->last.kind == effects[which].good || bed->last.kind == EV_REFUSED
	      || bed->last.kind == EV_TROUBLED);
	check_instances(effect.deploy);
	check_instances(effect.elder);
}

static void
on_line(void *context, bool is_error_stream UNUSED, struct str line)
{
	uint32_t *ends = context;

	CHECK(*ends == 0 && line.n < LOG_LINE_SIZE);
}

static void
on_end(void *context, const char *why UNUSED)
{
	uint32_t *ends = context;

	CHECK((*ends)++ == 0);
}

static void
follow_logs(size_t place)
{
	uint32_t ends = 0;
	struct docker_logs_request request = { .deploy_id = port_bed_live(place),
		.container_id = "c0d1",
		.tail = 20,
		.follow = place % 2 == 1,
		.timestamps = place % 2 == 0,
		.on_line = on_line,
		.on_end = on_end,
		.context = &ends };
	struct docker_logs *logs = docker_logs_start(docker, &request);

	for (int i = 0; i < FOLLOW_TURNS && ends == 0; i++)
		loop_turn(bed->host.loop, true);
	if (ends == 0)
		docker_logs_cancel(logs);
}

static void
watch_events(void)
{
	docker_watch(docker);
	for (int i = 0; i < FOLLOW_TURNS; i++)
		loop_turn(bed->host.loop, true);
}

static void
take_word(struct str word, size_t place)
{
	struct docker_status status;

	for (size_t i = 0; i < COUNT(effects); i++)
		if (str_is(word, effects[i].word))
			perform(i, place);
	if (str_is(word, "LOGS"))
		follow_logs(place);
	if (str_is(word, "WATCH"))
		watch_events();
	docker_engine_status(docker, 1, &status);
	CHECK(memchr(status.why, '\0', sizeof(status.why)) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct config_rules rules; /* nothing of the host */
	static const struct retention_rules keep = { .rollbacks = 1, .removes_images = true };
	struct docker_settings settings = { .store_uuid = STORE_UUID,
		.rules = &rules,
		.keep = &keep,
		.stage_is_busy = stage_is_busy,
		.stage_live = stage_live,
		.stage_kept = stage_kept,
		.nudge = nudge,
		.instances_changed = instances_changed };
	struct str words;
	struct str rest = str_cut((struct str){ (const char *)data, size }, '\n', &words);

	bed = port_bed();
	docker = docker_new(&bed->host, &settings);
	script_set(rest, NULL, NULL);
	script_set_model(model);
	for (int i = 0; words.n > 0 && i < EFFECTS_MAX; i++) {
		struct str word;
		struct str place;
		uint64_t number = 0;

		words = str_cut(words, ' ', &word);
		words = str_cut(words, ' ', &place);
		(void)!str_number(place, BED_STAGES - 1, &number);
		take_word(word, (size_t)number);
	}
	docker_free(docker);
	port_bed_end(bed);
	return 0;
}
