/* docker_network.c - the network that containers share with whoever sends them traffic.
 *
 * The one idea: made at most once, however many deploys start together: Docker does not
 * promise to refuse a second network of the same name, so the question is asked by one for
 * all. */
#include <stdio.h>

#include "base/check.h"
#include "ports/docker_parts.h"

static void
tell_waiters(struct engine *engine, const struct answer *answer)
{
	struct network_waiter *waiter;

	engine->is_making_network = false;
	engine->has_network = answer->kind == ANSWER_DONE;
	while (!engine->is_making_network
	       && (waiter = TAILQ_FIRST(&engine->network_line)) != NULL) {
		network_forget(engine, waiter);
		waiter->on_done(waiter->context, answer);
	}
}

static void
on_created(void *context, const struct answer *answer)
{
	struct engine *engine = context;
	struct answer exists = { .kind = ANSWER_DONE, .message = "" };

	if (answer->kind == ANSWER_DONE)
		log_info(NULL, "engine.network", "Docker engine '%s': network '%s' created",
		    engine->config.name, engine->config.network);
	tell_waiters(engine, answer->status == 409 ? &exists : answer);
}

static void
create(struct engine *engine)
{
	struct call_request request = { .method = "POST",
		.path = "/networks/create",
		.lane = LANE_WORK,
		.on_done = on_created,
		.context = engine };
	struct json_writer w;
	struct buf json;

	buf_init(&json, 1024);
	json_writer_init(&w, &json);
	json_object_open(&w);
	json_pair_text(&w, "Name", engine->config.network);
	json_pair_text(&w, "Driver", "bridge");
	json_pair_bool(&w, "CheckDuplicate", true);
	json_key(&w, "Labels");
	json_object_open(&w);
	json_pair_text(&w, "slipway.managed", "true");
	json_object_close(&w);
	json_object_close(&w);
	request.body = buf_view(&json);
	call_start(engine, &engine->calls, &request);
	buf_free(&json);
}

static void
on_inspected(void *context, const struct answer *answer)
{
	struct engine *engine = context;

	if (answer->status == 404)
		create(engine);
	else
		tell_waiters(engine, answer);
}

void
network_ensure(struct engine *engine, struct network_waiter *waiter)
{
	struct call_request request = { .on_done = on_inspected, .context = engine };
	struct answer exists = { .kind = ANSWER_DONE, .message = "" };
	struct buf path;

	if (engine->has_network) {
		waiter->on_done(waiter->context, &exists);
		return;
	}
	CHECK(!waiter->is_waiting);
	waiter->is_waiting = true;
	TAILQ_INSERT_TAIL(&engine->network_line, waiter, entry);
	if (engine->is_making_network)
		return;
	engine->is_making_network = true;
	buf_init(&path, 512);
	buf_text(&path, "/networks/");
	url_escape(&path, engine->config.network);
	request.path = buf_cstr(&path);
	call_start(engine, &engine->calls, &request);
	buf_free(&path);
}

void
network_forget(struct engine *engine, struct network_waiter *waiter)
{
	if (!waiter->is_waiting)
		return;
	waiter->is_waiting = false;
	TAILQ_REMOVE(&engine->network_line, waiter, entry);
}
