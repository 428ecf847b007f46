/* test_ports.c - between the runtime and the ports: which port an effect goes to and when, what its
 * answer becomes, and what the ports are told of the actors. The ports are lists of what they were
 * asked; so is the runtime. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/loop.h"
#include "config/settings.h"
#include "ports/docker.h"
#include "ports/edge.h"
#include "ports/fetch.h"
#include "ports/notify.h"
#include "ports/proxies.h"
#include "ports/registry.h"
#include "serve/app.h"
#include "serve/notices.h"
#include "serve/ports.h"
#include "serve/runtime.h"
#include "serve/kept.h"
#include "store/retention.h"
#include "store/store.h"

enum { ASKED_MAX = 32, SOON_MS = 30, PATIENCE_US = 10000000 };

enum port { NOBODY, DOCKER, REGISTRY, PROXIES, NOTIFIER };

struct asked {
	enum port port;
	struct effect effect;
};

static struct asked asked[ASKED_MAX];
static size_t asked_count;
static struct event posted[ASKED_MAX];
static size_t posted_count;
static struct actor actor; /* the one that is alive */
static struct actor under_way; /* and what is under way there */
static bool is_edge_ready;
static struct port_host host;
static struct docker_settings docker_settings;
static struct edge_settings edge_settings;
static struct front_settings front_settings;
static uint64_t forgotten;
static uint64_t forgotten_notice;
static struct noticed noticed;
static uint64_t raised_to;
static int syncs;
static uint64_t checked; /* deploy that may be warm no more */
static struct settings settings;
static struct app app;

static void
note(enum port port, const struct effect *effect)
{
	assert_true(asked_count < ASKED_MAX);
	asked[asked_count++] = (struct asked){ port, *effect };
}

/* The ports. */

struct docker *
docker_new(const struct port_host *given, const struct docker_settings *given_settings)
{
	host = *given;
	docker_settings = *given_settings;
	return (struct docker *)&asked;
}

void
docker_free(struct docker *docker UNUSED)
{
}

void
docker_perform(struct docker *docker UNUSED, const struct effect *effect)
{
	note(DOCKER, effect);
}

void
docker_forget(struct docker *docker UNUSED, uint64_t id)
{
	forgotten = id;
}

void
docker_watch(struct docker *docker UNUSED)
{
}

struct registry *
registry_new(const struct port_host *given UNUSED)
{
	return (struct registry *)&asked;
}

void
registry_free(struct registry *registry UNUSED)
{
}

void
registry_perform(struct registry *registry UNUSED, const struct effect *effect)
{
	note(REGISTRY, effect);
}

struct notifier *
notifier_new(const struct port_host *given UNUSED, struct vault *vault UNUSED, bool is_https)
{
	assert_int_equal(is_https, settings.edge_https.count > 0);
	return (struct notifier *)&asked;
}

void
notifier_free(struct notifier *notifier UNUSED)
{
}

void
notifier_perform(struct notifier *notifier UNUSED, const struct effect *effect)
{
	note(NOTIFIER, effect);
}

void
notifier_forget(struct notifier *notifier UNUSED, uint64_t id)
{
	forgotten_notice = id;
}

void
notices_add(struct app *to, const struct noticed *what)
{
	assert_ptr_equal(to, &app);
	noticed = *what;
}

struct edge *
edge_new(const struct port_host *given UNUSED, const struct edge_settings *given_settings,
    struct err *err UNUSED)
{
	edge_settings = *given_settings;
	return (struct edge *)&asked;
}

void
edge_free(struct edge *edge UNUSED)
{
}

const char *
edge_probe_header(const struct edge *edge UNUSED)
{
	return "slipway-probe: secret";
}

bool
edge_is_ready(const struct edge *edge UNUSED)
{
	return is_edge_ready;
}

/* Two containers of deploy 8, and one of the version before. */
size_t
edge_status(
    struct edge *edge UNUSED, uint64_t stage, struct edge_server_status *to, size_t most)
{
	assert_int_equal(stage, 4);
	assert_true(most >= 3);
	to[0] = (struct edge_server_status){ .deploy = 8, .requests = 10, .failures = 1 };
	to[1] = (struct edge_server_status){ .deploy = 6, .requests = 500, .failures = 50 };
	to[2] = (struct edge_server_status){ .deploy = 8, .requests = 20, .failures = 2 };
	return 3;
}

struct proxies *
proxies_new(const struct port_host *given UNUSED, const struct front_settings *given_settings,
    struct edge *edge)
{
	assert_ptr_equal(edge, app.edge);
	front_settings = *given_settings;
	return (struct proxies *)&asked;
}

void
proxies_free(struct proxies *proxies UNUSED)
{
}

void
proxies_perform(struct proxies *proxies UNUSED, const struct effect *effect)
{
	note(PROXIES, effect);
}

void
proxies_look(struct proxies *proxies UNUSED)
{
	syncs++;
}

bool
proxies_await(const struct proxies *proxies UNUSED, uint64_t stage)
{
	return stage == 5;
}

void
proxies_sync(struct proxies *proxies UNUSED)
{
	syncs++;
}

void
kept_check(struct app *app_ UNUSED, uint64_t deploy)
{
	checked = deploy;
}

/* The runtime. */

const struct actor *
runtime_actor(const struct runtime *rt UNUSED, uint64_t id)
{
	if (under_way.id != 0 && id == under_way.id)
		return &under_way;
	return id == actor.id ? &actor : NULL;
}

bool
runtime_post(struct runtime *rt UNUSED, const struct event *event)
{
	assert_true(posted_count < ASKED_MAX);
	posted[posted_count++] = *event;
	return true;
}

void
runtime_visit(const struct runtime *rt UNUSED, runtime_visit_fn *visit, void *context)
{
	visit(context, &actor);
}

void
runtime_raise_id(struct runtime *rt UNUSED, uint64_t next_id)
{
	raised_to = next_id;
}

static int
open_all(void **state UNUSED)
{
	struct err err;

	asked_count = 0;
	posted_count = 0;
	syncs = 0;
	checked = 0;
	raised_to = 0;
	forgotten = 0;
	settings = (struct settings){ .is_edge_on = true, .data = "/data" };
	app = (struct app){
		.settings = &settings, .loop = loop_new(), .store = store_open(NULL, &err)
	};
	if (app.store == NULL)
		return -1;
	clock_tick();
	app.retention = retention_new(
	    app.store, &(struct retention_rules){ .deploys = 10, .rollbacks = 1 }, 1);
	actor = (struct actor){ .id = 7, .kind = ACTOR_DEPLOY, .epoch = 3 };
	return ports_open(&app, &err);
}

static int
close_all(void **state UNUSED)
{
	ports_close(&app);
	retention_free(app.retention);
	store_close(app.store);
	loop_free(app.loop);
	return 0;
}

static void
perform(enum effect_kind kind, int64_t delay_ms)
{
	ports_perform(&app,
	    &(struct effect){
		.kind = kind, .actor = 7, .epoch = 3, .deploy = 7, .delay_ms = delay_ms });
}

static void
each_effect_goes_to_its_port(void **state UNUSED)
{
	static const enum port ports[FX_COUNT] = {
		[FX_RESOLVE] = REGISTRY,
		[FX_SEEK] = REGISTRY,
		[FX_PULL] = DOCKER,
		[FX_MIGRATE] = DOCKER,
		[FX_HOOK] = DOCKER,
		[FX_RUN] = DOCKER,
		[FX_PROBE] = DOCKER,
		[FX_VERIFY] = DOCKER,
		[FX_SWITCH] = PROXIES,
		[FX_CONFIRM] = PROXIES,
		[FX_RESTORE] = PROXIES,
		[FX_DRAIN] = PROXIES,
		[FX_RETIRE] = DOCKER,
		[FX_REMOVE] = DOCKER,
		[FX_SURVEY] = DOCKER,
		[FX_COLLECT] = DOCKER,
		[FX_NOTIFY] = NOTIFIER,
		[FX_PARK] = PROXIES,
		[FX_HALT] = DOCKER,
		[FX_REVIVE] = DOCKER,
	};

	for (int kind = 0; kind < FX_COUNT; kind++) {
		perform((enum effect_kind)kind, 0);
		assert_int_equal(asked_count, kind + 1);
		assert_int_equal(asked[kind].port, ports[kind]);
		assert_int_equal(asked[kind].effect.kind, kind);
	}
}

static void
turn_until_asked(enum effect_kind kind)
{
	int64_t until_us = clock_mono_us() + PATIENCE_US;

	while (asked_count == 0 || asked[asked_count - 1].effect.kind != kind) {
		assert_true(clock_mono_us() < until_us);
		loop_turn(app.loop, false);
	}
}

/* A retry waits for its time; then it leaves once, as what comes later shows. */
static void
a_delayed_effect_leaves_later(void **state UNUSED)
{
	perform(FX_PULL, SOON_MS);
	assert_int_equal(asked_count, 0);
	turn_until_asked(FX_PULL);
	perform(FX_RUN, SOON_MS);
	turn_until_asked(FX_RUN);
	assert_int_equal(asked_count, 2);
}

/* Its actor has asked for something else since, or is over: it would take that's place. The third
 * shows that their time has come. */
static void
a_delayed_effect_of_an_older_step_never_leaves(void **state UNUSED)
{
	perform(FX_RUN, SOON_MS);
	ports_perform(&app,
	    &(struct effect){ .kind = FX_RUN, .actor = 8, .epoch = 3, .delay_ms = SOON_MS });
	actor.epoch = 4;
	ports_perform(
	    &app, &(struct effect){
		      .kind = FX_REMOVE, .actor = 7, .epoch = 4, .delay_ms = 2 * SOON_MS });
	turn_until_asked(FX_REMOVE);
	assert_int_equal(asked_count, 1);
}

static void
what_ports_see_is_told(void **state UNUSED)
{
	host.noticed(host.context, &(struct noticed){ .notice = NOTICE_DRIFT, .stage = 5 });
	assert_int_equal(noticed.notice, NOTICE_DRIFT);
	assert_int_equal(noticed.stage, 5);
}

static void
while_it_ends_no_poll_brings_work(void **state UNUSED)
{
	app.is_draining = true;
	perform(FX_SEEK, 0);
	assert_int_equal(asked_count, 0);
	host.answer(host.context, &(struct event){ .kind = EV_SOUGHT, .to = 7 });
	assert_int_equal(posted_count, 0);
	perform(FX_RESOLVE, 0);
	host.answer(host.context, &(struct event){ .kind = EV_RESOLVED, .to = 7 });
	assert_int_equal(asked_count, 1);
	assert_int_equal(posted_count, 1);
}

/* What a stage calls live must serve, and while a deploy is under way nothing is tidied up. */
static void
ports_know_what_serves_and_who_is_busy(void **state UNUSED)
{
	actor = (struct actor){ .id = 5, .kind = ACTOR_STAGE };
	actor.stage.live = 41;
	for (int i = 0; i < 2; i++, actor.stage.running = 42) {
		bool is_busy = i == 1;

		assert_int_equal(docker_settings.stage_live(docker_settings.context, 5), 41);
		assert_int_equal(edge_settings.stage_live(edge_settings.context, 5), 41);
		assert_int_equal(front_settings.stage_live(front_settings.context, 5), 41);
		assert_int_equal(
		    docker_settings.stage_is_busy(docker_settings.context, 5), is_busy);
		assert_int_equal(
		    edge_settings.stage_is_busy(edge_settings.context, 5), is_busy);
		assert_int_equal(
		    front_settings.stage_is_busy(front_settings.context, 5), is_busy);
	}
	assert_true(edge_settings.stage_is_awaited(edge_settings.context, 5));
	assert_false(edge_settings.stage_is_awaited(edge_settings.context, 6));
	assert_int_equal(docker_settings.stage_live(docker_settings.context, 6), 0);
	assert_false(docker_settings.stage_is_busy(docker_settings.context, 6));
	assert_string_equal(docker_settings.store_uuid, store_uuid(app.store));
}

/* Behind its switch it has the traffic, and the version before still counts; the edge follows its containers. */
static void
what_is_on_trial_is_led_to(void **state UNUSED)
{
	actor = (struct actor){ .id = 5, .kind = ACTOR_STAGE };
	actor.stage.live = 41;
	actor.stage.running = 42;
	for (int i = 0; i < DEPLOY_COUNT; i++) {
		bool is_behind = i == DEPLOY_VERIFYING || i == DEPLOY_POST_SWITCH;

		under_way = (struct actor){ .id = 42, .kind = ACTOR_DEPLOY, .state = i };
		assert_int_equal(docker_settings.stage_trial(docker_settings.context, 5),
		    is_behind ? 42 : 0);
		assert_int_equal(
		    edge_settings.stage_live(edge_settings.context, 5), is_behind ? 42 : 41);
		assert_int_equal(docker_settings.stage_live(docker_settings.context, 5), 41);
	}
	under_way.state = DEPLOY_POST_SWITCH;
	actor.stage.live = 42; /* it was given the stage for good */
	assert_int_equal(docker_settings.stage_trial(docker_settings.context, 5), 0);
	under_way = (struct actor){ 0 };
}

static void
requests_are_counted_of_all_containers(void **state UNUSED)
{
	struct docker_traffic counted;

	is_edge_ready = false;
	assert_false(docker_settings.traffic(docker_settings.context, 4, 8, &counted));
	is_edge_ready = true;
	assert_true(docker_settings.traffic(docker_settings.context, 4, 8, &counted));
	assert_int_equal(counted.requests, 30);
	assert_int_equal(counted.failures, 3);
	assert_false(docker_settings.traffic(docker_settings.context, 4, 7, &counted));
}

/* Ids of containers that the store does not know are not given again; the routes are compared with
 * every look at an engine, also at one that is away. */
static void
a_look_at_an_engine_is_one_at_ids_and_routes(void **state UNUSED)
{
	actor = (struct actor){ .id = 9, .kind = ACTOR_SWEEP, .state = SWEEP_SURVEYING };
	store_id_raise(app.store, 99);
	host.answer(host.context, &(struct event){ .kind = EV_SURVEYED, .to = 9 });
	assert_int_equal(raised_to, 100);
	assert_int_equal(syncs, 1);
	host.answer(host.context, &(struct event){ .kind = EV_TROUBLED, .to = 9 });
	assert_int_equal(syncs, 2);
	docker_settings.instances_changed(docker_settings.context, 41);
	assert_int_equal(syncs, 3);
	assert_int_equal(checked, 41);
	assert_int_equal(posted_count, 2);
}

static void
an_engine_that_says_something_is_looked_at(void **state UNUSED)
{
	actor = (struct actor){ .id = 9, .kind = ACTOR_SWEEP };
	actor.sweep.engine = 2;
	docker_settings.nudge(docker_settings.context, 1);
	assert_int_equal(posted_count, 0);
	docker_settings.nudge(docker_settings.context, 2);
	assert_int_equal(posted_count, 1);
	assert_int_equal(posted[0].kind, EV_NUDGED);
	assert_int_equal(posted[0].to, 9);
}

static void
who_is_over_is_forgotten(void **state UNUSED)
{
	ports_forget(&app, 7);
	assert_int_equal(forgotten, 7);
	assert_int_equal(forgotten_notice, 7);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)
	const struct CMUnitTest tests[] = {
		TEST(each_effect_goes_to_its_port),
		TEST(a_delayed_effect_leaves_later),
		TEST(a_delayed_effect_of_an_older_step_never_leaves),
		TEST(what_ports_see_is_told),
		TEST(while_it_ends_no_poll_brings_work),
		TEST(ports_know_what_serves_and_who_is_busy),
		TEST(requests_are_counted_of_all_containers),
		TEST(what_is_on_trial_is_led_to),
		TEST(a_look_at_an_engine_is_one_at_ids_and_routes),
		TEST(an_engine_that_says_something_is_looked_at),
		TEST(who_is_over_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
