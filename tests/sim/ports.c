/* ports.c - src/serve/ports.h, and what the API asks of the ports, in front of the world.
 *
 * The process's side of a port is here: what it reads from the store before it asks, and the rows
 * and log lines that it writes when an answer comes, in the turn that posts the answer. */
#include "serve/ports.h"
#include "serve/notices.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/orphan.h"
#include "base/clock.h"
#include "base/loop.h"
#include "config/image.h"
#include "ports/docker.h"
#include "ports/edge.h"
#include "ports/notify.h"
#include "ports/port.h"
#include "ports/proxies.h"
#include "ports/vault.h"
#include "ports/registry.h"
#include "sim.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/images.h"
#include "store/notifications.h"
#include "store/retention.h"
#include "store/store.h"
#include "store/tasks.h"
#include "world_tasks.h"
#include "world_images.h"

enum { RESTORE_MS = 8000 };

/* An effect that waits for its time. */
struct held {
	struct effect effect;
	struct loop_timer *timer; /* NULL: not used */
};

struct docker_logs {
	struct docker_logs_request request;
	int64_t at_ms;
	bool is_used;
};

struct reading {
	uint64_t commits; /* when it was read */
	uint32_t serving;
};

static struct docker_logs logs[16];
static struct facts known[WORLD_DEPLOYS];
static struct held held[16];
const char *const receiver_names[WORLD_RECEIVERS] = { "ops", "chat", "mail" };
static char the_edge;
static struct reading readings[WORLD_DEPLOYS];
static struct notice_facts notices[WORLD_DEPLOYS]; /* deploy 0: none was asked */
static struct port_host host;
static bool are_images_asked[WORLD_ENGINES];

const char *
image_host(uint32_t registry)
{
	return registry == 0 ? "registry.example" : "127.0.0.1:5000";
}

/* What a port reads. */

uint32_t
lead_of(const char *domain)
{
	static const char *const names[] = { "a.example", "b.example", "x.example",
		"y.example" };

	for (uint32_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], domain) == 0)
			return 1u << i;
	return 0;
}

static uint32_t
leads_of(const struct stage_spec *spec)
{
	uint32_t leads = 0;

	for (size_t i = 0; i < spec->domains.count; i++)
		leads |= lead_of(spec->domains.items[i]);
	if (spec->tcp_port != 0)
		leads |= 1u << (4 + (uint32_t)spec->tcp_port - 5672u);
	return leads;
}

static enum at
proxy_of(const struct stage_spec *spec)
{
	if (strcmp(spec->proxy, "npm") == 0)
		return AT_NPM;
	return strcmp(spec->proxy, "caddy") == 0 ? AT_CADDY : AT_EDGE;
}

static uint32_t
number_behind(const char *text, size_t at)
{
	uint64_t number = 0;

	for (; strlen(text) > at && text[at] >= '0' && text[at] <= '9'; at++)
		number = number * 10 + (uint64_t)(text[at] - '0');
	return (uint32_t)number;
}

static bool
facts_of_spec(const struct stage_spec *spec, struct facts *ret)
{
	if (spec == NULL)
		return false;
	*ret = (struct facts){ .engine = strcmp(spec->engine, "far") == 0,
		.registry = strncmp(spec->image, image_host(0), strlen(image_host(0))) != 0,
		.replicas = (uint32_t)spec->replicas,
		.leads = leads_of(spec),
		.proxy = proxy_of(spec),
		.migrates = spec->migration.command.count > 0,
		.drain_ms = spec->drain_ms };
	return true;
}

static uint32_t
read_serving(uint64_t deploy)
{
	struct instance rows[REPLICAS_MAX];
	size_t count = store_instances(sim.store, deploy, rows, REPLICAS_MAX);
	uint32_t serving = 0;

	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].status, "running") == 0)
			serving |= 1u << rows[i].replica;
	return serving;
}

/* The laws ask after every tick, most of which change no row. */
static uint32_t
serving_of(uint64_t deploy)
{
	struct reading *last = &readings[deploy];

	if (sim.commits == 0 || store_is_dirty(sim.store))
		return read_serving(deploy);
	if (last->commits != sim.commits)
		*last = (struct reading){ sim.commits, read_serving(deploy) };
	return last->serving;
}

/* But for the rows of its containers, what is read of a deploy never changes, and is still known while the server is down. Only what is
 * committed is kept: the id of a row that never was comes again. */
bool
ports_facts(uint64_t deploy, uint64_t stage, struct facts *ret)
{
	struct deploy_row row;

	if (deploy >= WORLD_DEPLOYS || (deploy == 0 && !sim.is_up))
		return false;
	if (deploy == 0) {
		const struct stage_entry *entry = catalog_stage(sim.app.catalog, stage);
		return entry != NULL && facts_of_spec(entry->spec, ret);
	}
	*ret = known[deploy];
	ret->serving = serving_of(deploy);
	if (ret->stage != 0 || !sim.is_up)
		return ret->stage != 0;
	if (!store_deploy_get(sim.store, deploy, &row)
	    || !facts_of_spec(catalog_spec(sim.app.catalog, row.spec), ret))
		return false;
	ret->stage = row.stage;
	ret->elder = row.elder;
	ret->tag = number_behind(row.tag, 1);
	ret->image = number_behind(row.digest, strlen("sha256:"));
	ret->is_waited = strcmp(row.strategy, "STOP_FIRST") == 0;
	ret->halts = row.elder != 0 && strcmp(row.strategy, "BLUE_GREEN") != 0;
	ret->migrates = ret->migrates && strcmp(row.trigger, "ROLLBACK") != 0;
	ret->serving = serving_of(deploy);
	if (!store_is_dirty(sim.store) && strcmp(row.state, "RESOLVING") != 0
	    && strcmp(row.state, "QUEUED") != 0 && strcmp(row.state, "PENDING") != 0)
		known[deploy] = *ret;
	return true;
}

void
ports_reset(void)
{
	memset(known, 0, sizeof(known));
	memset(logs, 0, sizeof(logs));
	memset(are_images_asked, 0, sizeof(are_images_asked));
	memset(notices, 0, sizeof(notices));
	fronts_reset();
}

/* As src/ports/docker_survey.c judges. */
static bool
is_orphan(uint64_t deploy, bool is_task)
{
	struct orphan_facts facts = { .is_ours = true, .is_task = is_task };
	struct deploy_row row;

	if (!sim.is_up)
		return false;
	if (store_deploy_get(sim.store, deploy, &row)) {
		const struct actor *stage = runtime_actor(sim.app.runtime, row.stage);
		facts.is_known = true;
		facts.is_final = row.ended_ms != 0;
		facts.is_live = row.is_live;
		facts.is_stage_busy = stage != NULL && stage->stage.running != 0;
	} else if (store_deploy_is_retired(sim.store, deploy)) {
		const struct actor *stage =
		    runtime_actor(sim.app.runtime, known[deploy].stage);
		facts.is_known = true;
		facts.is_final = true;
		facts.is_stage_busy = stage != NULL && stage->stage.running != 0;
	}
	return orphan_judge(&facts) == ORPHAN_REMOVE;
}

bool
ports_is_orphan(uint64_t deploy)
{
	return is_orphan(deploy, false);
}

bool
ports_is_task_orphan(uint64_t deploy)
{
	return is_orphan(deploy, true);
}

/* What came of a task is kept by the port, in the turn in which it reads it. */

bool
ports_is_task_kept(uint64_t deploy)
{
	struct task_row row;

	return sim.is_up && store_task_get(sim.store, deploy, TASK_MIGRATION, &row);
}

void
ports_keep_task(uint64_t deploy)
{
	struct task_row row = { .deploy = deploy,
		.stage = known[deploy].stage,
		.kind = TASK_MIGRATION,
		.status = task_ended_well(deploy) ? TASK_IS_done : TASK_IS_failed,
		.ended_ms = world.now_ms };

	if (!sim.is_up || known[deploy].stage == 0)
		return;
	snprintf(row.digest, sizeof(row.digest), "sha256:%064u", known[deploy].image);
	store_task_put(sim.store, &row);
}

/* Its own, or an earlier deploy's of the same name. */
static void
keep_tasks(const struct actor *a)
{
	struct facts facts;

	if (!ports_facts(a->id, 0, &facts))
		return;
	for (uint64_t d = 1; d <= a->id; d++)
		if (task_is_of(d, facts.stage, facts.image) && !task_runs(d)
		    && !ports_is_task_kept(d))
			ports_keep_task(d);
}

/* As src/ports/docker_image_sweep.c judges: what has no row was pulled by nobody of ours. */
bool
ports_is_image_free(uint32_t engine, uint32_t registry, uint32_t image)
{
	struct image last = { .engine = world.engine_ids[engine] };
	bool is_found = false;
	struct image row;

	if (!sim.is_up)
		return false;
	while (store_images(sim.store, &last, &row, 1) == 1
	       && row.engine == world.engine_ids[engine]) {
		struct image_verdict verdict;

		last = row;
		if (number_behind(row.digest, strlen("sha256:")) != image
		    || strncmp(
			   row.repository, image_host(registry), strlen(image_host(registry)))
			   != 0)
			continue;
		store_image_judge(sim.store, retention_rules(sim.app.retention), &row,
		    clock_now_ms(), &verdict);
		if (verdict.need != IMAGE_FREE)
			return false;
		is_found = true;
	}
	return is_found;
}

/* Asked for, or from time to time. */
bool
ports_are_images_due(uint32_t engine)
{
	bool is_asked = are_images_asked[engine];

	are_images_asked[engine] = false;
	return is_asked || (world.are_images_looked_at && (world.now_ms >> 12) % 3 == 0);
}

/* Rows of images that the engine has not any more. */
static void
survey_images(uint64_t engine)
{
	struct image last = { .engine = engine };
	struct image row;
	uint32_t place = world.engine_ids[0] == engine ? 0 : 1;

	while (store_images(sim.store, &last, &row, 1) == 1 && row.engine == engine) {
		uint32_t registry =
		    strncmp(row.repository, image_host(0), strlen(image_host(0))) != 0;
		struct image_verdict verdict;

		last = row;
		store_image_judge(sim.store, retention_rules(sim.app.retention), &row,
		    clock_now_ms(), &verdict);
		if (verdict.need != IMAGE_UNDER_WAY
		    && !images_has(
			place, registry, number_behind(row.digest, strlen("sha256:"))))
			store_image_forget(sim.store, &row);
	}
}

/* Before it is pulled, if it has to be; and when it is there. */
static void
note_image(uint64_t deploy, bool is_pulled)
{
	const struct stage_spec *spec;
	struct image image = { .pulled_ms = clock_now_ms() };
	struct deploy_row row;
	struct facts facts;

	if (!store_deploy_get(sim.store, deploy, &row) || !ports_facts(deploy, 0, &facts))
		return;
	spec = catalog_spec(sim.app.catalog, row.spec);
	image.engine = world.engine_ids[facts.engine];
	CHECK(str_copy(image.repository, sizeof(image.repository), str_of(spec->image)));
	memcpy(image.digest, row.digest, sizeof(image.digest));
	if (!store_image_get(sim.store, image.engine, image.repository, image.digest, &image)
	    && (is_pulled || images_are_on_engine(&facts)))
		return;
	image.used_ms = clock_now_ms();
	store_image_put(sim.store, &image);
}

/* Life. */

static uint64_t
stage_live(void *context UNUSED, uint64_t stage)
{
	const struct actor *a = runtime_actor(sim.app.runtime, stage);

	return a == NULL ? 0 : a->stage.live;
}

static bool
stage_is_busy(void *context UNUSED, uint64_t stage)
{
	const struct actor *a = runtime_actor(sim.app.runtime, stage);

	return a != NULL && a->stage.running != 0;
}

/* Of the proxies in front: within the turn. */
static void
answer(void *context UNUSED, const struct event *event)
{
	const struct actor *a = runtime_actor(sim.app.runtime, event->to);
	bool is_bad = event->kind == EV_TROUBLED || event->kind == EV_REFUSED;

	sim.happened++;
	if (event->kind == EV_DRAINED && a != NULL && a->kind == ACTOR_DEPLOY)
		fronts_cut(a->deploy.elder, 0);
	else if (event->kind == EV_RESTORED && a != NULL && a->kind == ACTOR_SWAP)
		fronts_cut(a->swap.deploy, RESTORE_MS);
	if (is_bad && a != NULL && a->kind == ACTOR_DEPLOY && a->epoch == event->epoch
	    && world.drain_failures[a->id] < UINT8_MAX)
		world.drain_failures[a->id]++;
	runtime_post(sim.app.runtime, event);
}

static void
noticed(void *context UNUSED, const struct noticed *what)
{
	notices_add(&sim.app, what);
}

int
ports_open(struct app *app, struct err *err UNUSED)
{
	struct front_settings settings = { .directory = "",
		.edge_address = "127.0.0.1:80",
		.edge_probe = "",
		.edge_mark = "",
		.store_uuid = "",
		.stage_live = stage_live,
		.stage_is_busy = stage_is_busy };

	host = (struct port_host){ .loop = app->loop,
		.store = app->store,
		.catalog = app->catalog,
		.answer = answer,
		.noticed = noticed };
	app->edge = (struct edge *)&the_edge;
	app->proxies = proxies_new(&host, &settings, app->edge);
	return 0;
}

void
ports_close(struct app *app)
{
	memset(logs, 0, sizeof(logs));
	for (size_t i = 0; i < COUNT(held); i++) {
		loop_timer_free(held[i].timer);
		held[i].timer = NULL;
	}
	proxies_free(app->proxies);
	app->proxies = NULL;
}

/* As src/ports/edge_sync.c compares. */
void
edge_sync(struct edge *edge UNUSED)
{
	world.was_given_up = false;
	for (int i = 0; i < WORLD_STAGES; i++) {
		const struct actor *a = runtime_actor(sim.app.runtime, world.stage_ids[i]);
		if (a == NULL || sim.is_dead
		    || (a->stage.running != 0 && world.routes[i].target != a->stage.live))
			continue;
		if (world.now_ms >= world.outage_until_ms[OUTAGE_PROXY])
			world_mend(a->id, a->stage.live);
	}
	world.was_given_up = false;
}

void
ports_start(struct app *app)
{
	proxies_sync(app->proxies);
}

void
edge_perform(struct edge *edge UNUSED, const struct effect *effect)
{
	struct effect now = *effect;

	now.delay_ms = 0;
	world_ask(&now);
}

static void
on_time(void *context)
{
	struct held *h = context;
	const struct actor *a = runtime_actor(sim.app.runtime, h->effect.actor);

	loop_timer_free(h->timer);
	h->timer = NULL;
	if (a != NULL && a->epoch == h->effect.epoch)
		proxies_perform(sim.app.proxies, &h->effect);
}

static void
hold(const struct effect *effect)
{
	size_t i = 0;

	while (i < COUNT(held) && held[i].timer != NULL)
		i++;
	CHECK(i < COUNT(held));
	held[i].effect = *effect;
	held[i].timer = loop_timer_new(sim.app.loop, on_time, &held[i]);
	loop_timer_set(held[i].timer, effect->delay_ms);
}

static bool
is_for_proxies(const struct effect *effect)
{
	return effect->kind == FX_SWITCH || effect->kind == FX_CONFIRM
	       || effect->kind == FX_RESTORE || effect->kind == FX_DRAIN
	       || effect->kind == FX_PARK;
}

/* As src/ports/notify.c reads the row in its turn. */
static void
learn_notice(uint64_t actor)
{
	struct notification row;
	uint32_t place = 0;

	if (!store_notification_get(sim.store, actor, &row))
		sim_fail("a notification left without its row", actor);
	while (
	    place < WORLD_RECEIVERS - 1 && strcmp(receiver_names[place], row.of.receiver) != 0)
		place++;
	notices[actor] =
	    (struct notice_facts){ row.of.deploy, notice_by_name(row.event), place };
}

bool
ports_notice(uint64_t actor, struct notice_facts *ret)
{
	*ret = notices[actor];
	return ret->deploy != 0;
}

static void
note(uint64_t deploy, const char *level, const char *text)
{
	store_deploy_log_add(sim.store, deploy, level, str_of(text));
}

/* As src/ports/docker_image.c asks before it pulls. */
static bool
is_admitted(const struct effect *effect)
{
	struct deploy_row row;
	const struct stage_spec *spec = NULL;

	if (effect->kind != FX_PULL || !store_deploy_get(sim.store, effect->deploy, &row))
		return true;
	spec = catalog_spec(sim.app.catalog, row.spec);
	for (size_t i = 0; i < spec->env_count; i++)
		if (spec->env[i].source == VALUE_SECRET
		    && !vault_has(sim.app.vault, spec->env[i].value))
			return false;
	return true;
}

static void
refuse_without_secret(const struct effect *effect)
{
	struct event answer = { .kind = EV_REFUSED,
		.to = effect->actor,
		.epoch = effect->epoch,
		.text = "there is no such secret" };

	ports_answer(&answer);
}

/* As src/ports/docker_task.c asks before anything else. */
static bool
was_migrated(uint64_t deploy)
{
	struct deploy_row row;

	return store_deploy_get(sim.store, deploy, &row)
	       && store_task_migrated(sim.store, row.stage, row.digest) != 0;
}

void
ports_perform(void *context, const struct effect *effect)
{
	const struct app *app = context;

	sim.happened += effect->kind != FX_NOTIFY;
	check_effect(effect);
	if (sim.is_dead || (app->is_draining && effect->kind == FX_SEEK))
		return;
	sim_trace("           ask    %3" PRIu64 "  %s of %" PRIu64 "\n", effect->actor,
	    effect_names[effect->kind], effect->deploy);
	if (effect->kind == FX_NOTIFY)
		learn_notice(effect->actor);
	if (effect->kind == FX_PULL && is_admitted(effect))
		note_image(effect->deploy, false);
	if (!is_admitted(effect))
		refuse_without_secret(effect);
	else if (effect->kind == FX_MIGRATE && was_migrated(effect->deploy))
		world_answer(&(struct event){
		    .kind = EV_MIGRATED, .to = effect->actor, .epoch = effect->epoch });
	else if (!is_for_proxies(effect))
		world_ask(effect);
	else if (effect->delay_ms > 0)
		hold(effect);
	else
		proxies_perform(app->proxies, effect);
	/* As src/ports/gate.c does at once: it is not committed before the next tick. */
	if (effect->kind == FX_PROBE)
		note(effect->deploy, "warn", "no health check is configured");
	sim.has_port_written |= store_is_dirty(sim.store);
	if (!sim.is_calm && world_chance(sim.crash_percent / 4))
		server_die(CRASH_IN_EFFECTS, "between two effects");
}

/* Answers. */

static void
put_instances(uint64_t deploy)
{
	struct facts facts;

	if (!ports_facts(deploy, 0, &facts))
		return;
	for (uint32_t i = 0; i < facts.replicas; i++) {
		struct instance row = { .deploy = deploy,
			.replica = (int)i,
			.status = "running",
			.since_ms = world.now_ms };
		snprintf(
		    row.container_id, sizeof(row.container_id), "%" PRIu64 "c%u", deploy, i);
		snprintf(row.name, sizeof(row.name), "d%" PRIu64 "-%u", deploy, i);
		snprintf(row.address, sizeof(row.address), "10.%u.%u.%u:8080",
		    (unsigned)(deploy >> 8), (unsigned)(deploy & 255), 2 + i);
		store_instance_put(sim.store, &row);
	}
}

static void
mark_instances(uint64_t deploy, const char *status)
{
	struct instance rows[REPLICAS_MAX];
	size_t count = store_instances(sim.store, deploy, rows, REPLICAS_MAX);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].status, status) == 0
		    || strcmp(rows[i].status, "removed") == 0)
			continue;
		snprintf(rows[i].status, sizeof(rows[i].status), "%s", status);
		store_instance_put(sim.store, &rows[i]);
	}
}

/* As src/ports/docker_survey.c compares the rows of what is live with what the engine lists. */
static void
survey_instances(uint64_t deploy)
{
	struct instance rows[REPLICAS_MAX];
	size_t count = store_instances(sim.store, deploy, rows, REPLICAS_MAX);

	for (size_t i = 0; i < count; i++) {
		uint32_t bit = 1u << rows[i].replica;
		const char *status = world.running[deploy] & bit ? "running"
				     : world.there[deploy] & bit ? "exited"
								 : "missing";
		if (strcmp(rows[i].status, "removed") == 0
		    || strcmp(rows[i].status, status) == 0)
			continue;
		if (strcmp(status, "running") != 0) {
			char subject[SUBJECT_SIZE];
			snprintf(subject, sizeof(subject), "%" PRIu64 "/%d", deploy,
			    rows[i].replica);
			port_notice(&host, NOTICE_GONE, deploy, subject, "container %s %s",
			    rows[i].name, status);
		}
		snprintf(rows[i].status, sizeof(rows[i].status), "%s", status);
		store_instance_put(sim.store, &rows[i]);
		proxies_sync(sim.app.proxies);
	}
}

static void
survey_live(const struct actor *sweep)
{
	for (int i = 0; i < WORLD_STAGES; i++) {
		const struct actor *a = runtime_actor(sim.app.runtime, world.stage_ids[i]);
		struct facts facts;
		if (a != NULL && a->stage.live != 0 && ports_facts(a->stage.live, 0, &facts)
		    && world.engine_ids[facts.engine] == sweep->sweep.engine)
			survey_instances(a->stage.live);
	}
}

/* As ports/registry_choice.c has it. */
static bool
is_older(const struct actor *poll, const char *tag)
{
	const struct actor *stage = runtime_actor(sim.app.runtime, poll->poll.stage);
	struct deploy_row live = { .tag = "" };

	if (stage != NULL)
		store_deploy_get(sim.store, stage->stage.live, &live);
	return str_version_order(tag, poll->poll.tag) < 0
	       || str_version_order(tag, live.tag) < 0;
}

/* A port that has dropped the job writes nothing; its answer may still be on the way. */
void
ports_answer(const struct event *answer)
{
	const struct actor *a = runtime_actor(sim.app.runtime, answer->to);
	struct event sent = *answer;

	sim.happened += a == NULL || a->kind != ACTOR_NOTIFY;
	if (a != NULL && answer->kind == EV_SOUGHT && a->kind == ACTOR_POLL)
		sent.flag = is_older(a, answer->tag);
	if (sim.app.is_draining && answer->kind == EV_SOUGHT)
		return;
	if (a != NULL && a->epoch == answer->epoch && a->kind == ACTOR_DEPLOY) {
		if (answer->kind == EV_STARTED)
			put_instances(a->id);
		else if (answer->kind == EV_PULLED)
			note_image(a->id, true);
		else if (answer->kind == EV_REMOVED)
			mark_instances(a->id, "removed");
		if (answer->kind == EV_REMOVED || answer->kind == EV_MIGRATED
		    || (answer->kind == EV_REFUSED && a->state == DEPLOY_MIGRATING))
			keep_tasks(a);
		if (answer->kind == EV_RETIRED)
			mark_instances(a->deploy.elder, "removed");
		else if (answer->kind == EV_HALTED) {
			mark_instances(a->deploy.elder, "exited");
			proxies_sync(sim.app.proxies);
		} else if (answer->kind == EV_REVIVED)
			put_instances(a->deploy.elder);
		note(a->id, answer->text[0] == '\0' ? "info" : "warn",
		    answer->text[0] == '\0' ? event_names[answer->kind] : answer->text);
	}
	if (answer->kind == EV_SURVEYED) {
		if (a != NULL) {
			survey_live(a);
			survey_images(a->sweep.engine);
		}
		proxies_look(sim.app.proxies);
	}
	runtime_post(sim.app.runtime, &sent);
}

/* What the API asks. */

void
docker_watch(struct docker *docker UNUSED)
{
}

void
docker_engine_status(
    const struct docker *docker UNUSED, uint64_t engine_id UNUSED, struct docker_status *ret)
{
	*ret = (struct docker_status){ .is_known = true, .is_reachable = true };
}

struct docker_logs *
docker_logs_start(struct docker *docker UNUSED, const struct docker_logs_request *request)
{
	for (size_t i = 0; i < COUNT(logs); i++)
		if (!logs[i].is_used) {
			logs[i] = (struct docker_logs){ .request = *request,
				.at_ms = world.now_ms + (int64_t)(world_random() % 2000),
				.is_used = true };
			return &logs[i];
		}
	CHECK(COUNT(logs) == 0);
	return NULL;
}

void
docker_logs_cancel(struct docker_logs *l)
{
	l->is_used = false;
}

void
docker_usage_ask(struct docker *docker UNUSED, uint64_t deploy_id UNUSED,
    const char *container_id UNUSED, docker_usage_fn *on_done, void *context)
{
	on_done(context, NULL, "the simulated engine counts nothing");
}

void
docker_images_ask(struct docker *docker UNUSED, uint64_t engine_id UNUSED,
    docker_images_fn *on_done, void *context)
{
	on_done(context, NULL, "the simulated engine has no list of images");
}

void
docker_images_find(const struct docker_images *images UNUSED, const struct image *image UNUSED,
    struct docker_image_seen *ret)
{
	*ret = (struct docker_image_seen){ .is_there = false };
}

const struct docker_disk *
docker_images_disk(const struct docker_images *images UNUSED)
{
	static const struct docker_disk none;

	return &none;
}

void
docker_images_due(struct docker *docker UNUSED)
{
	memset(are_images_asked, true, sizeof(are_images_asked));
}

int64_t
docker_images_looked_ms(const struct docker *docker UNUSED, uint64_t engine_id UNUSED)
{
	return 0;
}

int64_t
ports_next_ms(void)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < COUNT(logs); i++)
		if (logs[i].is_used && logs[i].at_ms < next_ms)
			next_ms = logs[i].at_ms;
	return next_ms;
}

void
ports_pass(void)
{
	if (world.was_given_up)
		edge_sync(sim.app.edge);
	for (size_t i = 0; i < COUNT(logs); i++) {
		struct docker_logs l = logs[i];
		if (!l.is_used || l.at_ms > world.now_ms)
			continue;
		logs[i].is_used = false;
		l.request.on_line(l.request.context, false, STR("hello"));
		l.request.on_end(l.request.context, world_chance(20) ? "it is gone" : NULL);
	}
}

void
registry_explain(struct registry *registry UNUSED, uint64_t stage UNUSED, explain_fn *on_done,
    void *context)
{
	on_done(context,
	    &(struct tag_explanation){ .failure = "the simulated registry has no list" });
}

void
registry_inquire(struct registry *registry UNUSED, const struct registry_inquiry *inquiry)
{
	inquiry->on_told(inquiry->context,
	    &(struct registry_told){ .failure = "the simulated registry tells nothing" });
}

void
registry_look_at(struct registry *registry UNUSED, const struct image_ref *image UNUSED,
    image_facts_fn *on_facts, void *context)
{
	on_facts(context,
	    &(struct image_facts){ .failure = "the simulated registry shows no image" });
}

bool
registry_status(const struct registry *registry UNUSED, uint32_t index UNUSED,
    struct registry_status *ret UNUSED)
{
	return false;
}

bool
edge_is_ready(const struct edge *edge UNUSED)
{
	return true;
}

const char *
edge_fault(const struct edge *edge UNUSED)
{
	return "";
}

size_t
edge_status(struct edge *edge UNUSED, uint64_t stage UNUSED,
    struct edge_server_status *to UNUSED, size_t most UNUSED)
{
	return 0;
}

bool
notifier_is_busy(const struct notifier *notifier UNUSED)
{
	return false;
}

void
notifier_test(struct notifier *notifier UNUSED, const struct notify_test *test UNUSED,
    notify_tested_fn *on_done, void *context)
{
	on_done(context, &(struct notify_tested){ .is_delivered = true, .status = 204 });
}

/* What nobody waits for any more may still happen: the worst case. */
void
ports_forget(struct app *app UNUSED, uint64_t actor UNUSED)
{
}
