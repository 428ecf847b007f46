/* whole_server.c - see whole_server.h. */
#include "whole_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/loop.h"
#include "config/file.h"
#include "fuzz.h"
#include "http/inside.h"
#include "http/reply.h"
#include "http/server.h"
#include "serve/commands.h"
#include "serve/life.h"
#include "serve/plan.h"
#include "serve/runtime.h"
#include "serve/tick.h"
#include "store/catalog.h"
#include "store/store.h"

enum { QUIET_TICKS = 3, ASK_MAX = 1 << 20 };

static struct app app;
static struct settings *settings;

static void
take_settings(void)
{
	static char token[] = "SLIPWAY_TOKEN=" WHOLE_TOKEN;
	static char edge[] = "SLIPWAY_EDGE=off";
	static char key[] = "SLIPWAY_KEY=0123456789abcdef0123456789abcdef"
			    "0123456789abcdef0123456789abcdef"; /* no file is made */
	char *environment[] = { token, edge, key, NULL };

	if (settings != NULL)
		return;
	settings = settings_load(environment);
	CHECK(settings->faults.count == 0);
	settings->listen.text = "127.0.0.1:0"; /* any: clients come over a pair of sockets */
}

struct app *
whole_begin(struct store *store, struct err *err)
{
	take_settings();
	clock_tick();
	app = (struct app){ .settings = settings, .store = store, .loop = loop_new() };
	return life_begin(&app, err) == 0 ? &app : NULL;
}

/* A handler in whose middle the program ended itself has not answered. */
static void
give_up_requests(struct http_server *server)
{
	while (!chain_is_empty(&server->taken)) {
		struct request_inside *rq =
		    CHAIN_OWNER(server->taken.next, struct request_inside, link);

		reply_error(&rq->public, 500, "INTERNAL", "the program has ended");
	}
}

void
whole_end(void)
{
	if (app.server != NULL)
		give_up_requests(app.server);
	life_end(&app);
	store_close(app.store);
	loop_free(app.loop);
	app = (struct app){ 0 };
}

void
whole_apply(struct app *a, const char *yaml)
{
	struct config_file *file = config_file_parse(str_of(yaml), &settings->rules);
	struct plan plan;
	struct err err;

	CHECK(file->faults.count == 0);
	CHECK(command_apply(a, file, false, &plan, &err) == COMMAND_DONE);
	plan_free(&plan);
	config_file_free(file);
	store_commit(a->store);
	runtime_release(a->runtime);
}

void
whole_tick(struct app *a, bool may_wait)
{
	fuzz_time_stands = !may_wait;
	tick(a);
	fuzz_time_stands = false;
}

static void
add_headers(struct buf *text, struct str headers)
{
	while (headers.n > 0) {
		struct str line;

		headers = str_cut(headers, '\n', &line);
		if (line.n == 0)
			continue;
		buf_str(text, line);
		buf_text(text, "\r\n");
	}
}

void
whole_ask(
    struct app *a, struct talk *talk, struct str line, struct str headers, struct str body)
{
	struct buf text;
	int quiet = 0;

	buf_init(&text, ASK_MAX);
	buf_str(&text, line);
	buf_text(&text, " HTTP/1.1\r\nHost: slipway\r\n");
	if (str_starts(headers, "-"))
		headers = str_cut(headers, '\n', &line);
	else
		buf_text(&text, "Authorization: Bearer " WHOLE_TOKEN "\r\n");
	add_headers(&text, headers);
	if (body.n > 0)
		buf_format(&text, "Content-Length: %zu\r\n", body.n);
	buf_text(&text, "\r\n");
	buf_str(&text, body);
	talk_begin(talk, a->server);
	talk_say(talk, buf_view(&text));
	buf_free(&text);
	while (quiet < QUIET_TICKS) {
		whole_tick(a, false);
		quiet = talk_hear(talk) || http_server_is_busy(a->server) ? 0 : quiet + 1;
	}
}

static void
check_actor(void *context, const struct actor *actor)
{
	const struct app *a = context;
	const struct spec *spec = fsm_spec_of(actor->kind);
	bool rests = spec->resting >> actor->state & 1u;

	CHECK(!fsm_is_final(spec, actor->state));
	CHECK((actor->deadline_ms == 0) == rests);
	if (actor->kind == ACTOR_SWAP) {
		const struct actor *deploy = runtime_actor(a->runtime, actor->swap.deploy);

		CHECK(deploy != NULL && deploy->kind == ACTOR_DEPLOY);
		CHECK(deploy->state == DEPLOY_SWAPPING || deploy->state == DEPLOY_ABORTING
		      || deploy->state == DEPLOY_SWAPPING_BACK
		      || deploy->deploy.strategy != STRATEGY_BLUE_GREEN);
	}
	if (actor->kind == ACTOR_DEPLOY) {
		const struct actor *stage = runtime_actor(a->runtime, actor->deploy.stage);

		CHECK(stage != NULL && stage->kind == ACTOR_STAGE);
		CHECK(actor->state == DEPLOY_RESOLVING || actor->state == DEPLOY_QUEUED
		      || (actor->state == DEPLOY_PENDING ? stage->stage.pending
							 : stage->stage.running)
			     == actor->id);
	}
}

void
whole_check(const struct app *a)
{
	struct app copy = *a;

	runtime_visit(a->runtime, check_actor, &copy);
	CHECK(!store_is_dirty(a->store));
	CHECK(runtime_count(a->runtime, ACTOR_STAGE) == catalog_stage_count(a->catalog));
}
