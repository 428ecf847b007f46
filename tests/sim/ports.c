/* ports.c - src/serve/ports.h in front of the world.
 *
 * The one idea: the process's side of a port is here: how it asks, and the rows of containers and the
 * log lines that it writes when an answer comes, in the turn that posts the answer. What it reads before
 * it asks is in ports_rows.c, what the API asks of it in ports_asked.c. */
#include "serve/ports.h"
#include "serve/notices.h"
#include "serve/kept.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/loop.h"
#include "ports/edge.h"
#include "ports/port.h"
#include "ports/proxies.h"
#include "ports/vault.h"
#include "ports_inside.h"
#include "sim.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/notifications.h"
#include "store/store.h"
#include "store/tasks.h"
#include "world_tasks.h"

enum { RESTORE_MS = 8000 };

/* An effect that waits for its time. */
struct held {
	struct effect effect;
	struct loop_timer *timer; /* NULL: not used */
};

static struct held held[64];
const char *const receiver_names[WORLD_RECEIVERS] = { "ops", "chat", "mail" };
static char the_edge;
static struct notice_facts notices[WORLD_DEPLOYS]; /* deploy 0: none was asked */
static struct port_host host;

/* Life. */

void
ports_reset(void)
{
	rows_reset();
	asked_reset();
	memset(notices, 0, sizeof(notices));
	fronts_reset();
}

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
		fronts_cut(a->swap.body != 0 ? a->swap.body : a->swap.deploy, RESTORE_MS);
	if (is_bad && a != NULL && a->kind == ACTOR_DEPLOY && a->epoch == event->epoch
	    && world.drain_failures[a->deploy.elder] < UINT8_MAX)
		world.drain_failures[a->deploy.elder]++;
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
	asked_close();
	for (size_t i = 0; i < COUNT(held); i++) {
		loop_timer_free(held[i].timer);
		held[i].timer = NULL;
	}
	proxies_free(app->proxies);
	app->proxies = NULL;
}

/* As src/serve/ports.c says: behind its switch, and before the version before is given up. */
static uint64_t
stage_trial(const struct actor *stage)
{
	const struct actor *running = runtime_actor(sim.app.runtime, stage->stage.running);
	bool is_behind =
	    running != NULL
	    && (running->state == DEPLOY_POST_SWITCH || running->state == DEPLOY_VERIFYING);

	return is_behind && running->id != stage->stage.live ? running->id : 0;
}

/* As src/ports/edge_sync.c compares. */
void
edge_sync(struct edge *edge UNUSED)
{
	world.was_given_up = false;
	for (int i = 0; i < WORLD_STAGES; i++) {
		const struct actor *a = runtime_actor(sim.app.runtime, world.stage_ids[i]);
		uint64_t trial = a == NULL ? 0 : stage_trial(a);
		uint64_t live = a == NULL ? 0 : a->stage.live;
		uint64_t led_to = trial != 0               ? trial
				  : live != 0 || a == NULL ? live
							   : a->stage.stopped;

		if (a == NULL || sim.is_dead
		    || (a->stage.running != 0 && world.routes[i].target != led_to))
			continue;
		if (world.now_ms >= world.outage_until_ms[OUTAGE_PROXY])
			world_mend(a->id, led_to);
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

/* As src/ports/docker_task.c asks, before anything else and before a container starts. */
bool
ports_is_migrated(uint64_t deploy)
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
		rows_note_image(effect->deploy, false);
	if (!is_admitted(effect))
		refuse_without_secret(effect);
	else if (effect->kind == FX_MIGRATE && ports_is_migrated(effect->deploy))
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

/* As src/ports/docker_survey.c compares the rows of what is live or kept with what the engine lists. */
static void
survey_instances(uint64_t deploy, bool is_live)
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
		if (is_live && strcmp(status, "running") != 0) {
			char subject[SUBJECT_SIZE];
			snprintf(subject, sizeof(subject), "%" PRIu64 "/%d", deploy,
			    rows[i].replica);
			port_notice(&host, NOTICE_GONE, deploy, subject, "container %s %s",
			    rows[i].name, status);
		}
		snprintf(rows[i].status, sizeof(rows[i].status), "%s", status);
		store_instance_put(sim.store, &rows[i]);
		kept_check(&sim.app, deploy);
		proxies_sync(sim.app.proxies);
	}
}

static bool
is_on(uint64_t deploy, const struct actor *sweep)
{
	struct facts facts;

	return deploy != 0 && ports_facts(deploy, 0, &facts)
	       && world.engine_ids[facts.engine] == sweep->sweep.engine;
}

static void
survey_live(const struct actor *sweep)
{
	for (int i = 0; i < WORLD_STAGES; i++) {
		const struct actor *a = runtime_actor(sim.app.runtime, world.stage_ids[i]);
		if (a != NULL && is_on(a->stage.live, sweep))
			survey_instances(a->stage.live, true);
		if (a != NULL && is_on(stage_trial(a), sweep))
			survey_instances(stage_trial(a), false);
		for (int k = 0; a != NULL && k < KEPT_MAX; k++)
			if (is_on(a->stage.kept[k].deploy, sweep))
				survey_instances(a->stage.kept[k].deploy, false);
	}
}

static void
tell_collected(void)
{
	for (uint64_t d = 1; d <= world.newest_deploy; d++)
		if (world.is_collected[d]) {
			world.is_collected[d] = false;
			mark_instances(d, "removed");
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

static bool
is_end_of_task(const struct actor *a, enum event_kind answer)
{
	return answer == EV_MIGRATED || answer == EV_HOOKED
	       || (answer == EV_REFUSED
		   && (a->state == DEPLOY_MIGRATING || a->state == DEPLOY_PRE_SWITCH
		       || a->state == DEPLOY_POST_SWITCH || a->state == DEPLOY_POST_RETIRE));
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
			rows_note_image(a->id, true);
		else if (answer->kind == EV_REMOVED)
			mark_instances(a->id, "removed");
		if (answer->kind == EV_REMOVED || is_end_of_task(a, answer->kind))
			rows_keep_tasks(a);
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
	if (answer->kind == EV_COLLECTED && a != NULL)
		tell_collected();
	if (answer->kind == EV_SURVEYED) {
		if (a != NULL) {
			survey_live(a);
			rows_survey_images(a->sweep.engine);
		}
		proxies_look(sim.app.proxies);
	}
	runtime_post(sim.app.runtime, &sent);
}

void
ports_pass(void)
{
	if (world.was_given_up)
		edge_sync(sim.app.edge);
	asked_pass();
}

/* What nobody waits for any more may still happen: the worst case. */
void
ports_forget(struct app *app UNUSED, uint64_t actor UNUSED)
{
}
