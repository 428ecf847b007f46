/* docker_network.c - the network that containers share with whoever sends them traffic.
 *
 * The one idea: one of that name, however many deploys start together. Docker does not promise to
 * refuse a second one, and with two of a name it starts nothing any more. So the question is asked
 * by one for all; and since another Slipway, or this one before a crash, may have made one in the
 * same moment, twins are looked for after each creation, and removed: the oldest one stays, and
 * one that was not made by Slipway before those that were. */
#include <stdio.h>
#include <string.h>

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

/* Twins. */

static void
tell_twins(struct engine *engine, const char *why)
{
	char text[REASON_SIZE];
	struct answer answer = { .kind = ANSWER_TROUBLED, .message = text };

	snprintf(text, sizeof(text),
	    "the engine has two networks '%s', and %s: remove one (docker network rm %.12s)",
	    engine->config.network, why, engine->twins[engine->twin_count].id);
	tell_waiters(engine, &answer);
}

static void remove_twin(struct engine *engine);

static void
on_twin_removed(void *context, const struct answer *answer)
{
	struct engine *engine = context;
	struct network_twin twin = engine->twins[engine->twin_count];

	if (answer->kind == ANSWER_DONE || answer->status == 404) {
		log_info(NULL, "engine.network",
		    "Docker engine '%s': a second network '%s' (%.12s) is removed",
		    engine->config.name, engine->config.network, twin.id);
		remove_twin(engine);
	} else if (answer->status == 403 && !engine->twins[0].is_foreign
		   && !engine->is_twin_swapped) { /* it is in use: then the other one goes */
		engine->is_twin_swapped = true;
		engine->twins[engine->twin_count] = engine->twins[0];
		engine->twins[0] = twin;
		engine->twin_count++;
		remove_twin(engine);
	} else if (answer->status == 403) {
		tell_twins(engine, "both are in use");
	} else {
		tell_waiters(engine, answer);
	}
}

static void
remove_twin(struct engine *engine)
{
	struct call_request request = { .method = "DELETE",
		.lane = LANE_WORK,
		.on_done = on_twin_removed,
		.context = engine };
	struct answer exists = { .kind = ANSWER_DONE, .message = "" };
	char path[96];

	if (engine->twin_count <= 1) {
		tell_waiters(engine, &exists);
		return;
	}
	engine->twin_count--;
	if (engine->twins[engine->twin_count].is_foreign) {
		tell_twins(engine, "Slipway made neither");
		return;
	}
	snprintf(path, sizeof(path), "/networks/%s", engine->twins[engine->twin_count].id);
	request.path = path;
	call_start(engine, &engine->calls, &request);
}

/* RFC 3339 in UTC with nine digits, as Docker writes it, is ordered as text. */
static bool
stays_rather(const struct network_twin *a, const struct network_twin *b)
{
	int order = strcmp(a->created, b->created);

	if (a->is_foreign != b->is_foreign)
		return a->is_foreign;
	return order != 0 ? order < 0 : strcmp(a->id, b->id) < 0;
}

static void
add_twin(struct engine *engine, const struct json *network)
{
	struct network_twin twin = {
		.is_foreign =
		    strcmp(json_text(json_get(json_get(network, "Labels"), "slipway.managed")),
			"true")
		    != 0
	};
	size_t at = engine->twin_count;

	if (strcmp(json_text(json_get(network, "Name")), engine->config.network) != 0
	    || at == COUNT(engine->twins))
		return;
	snprintf(twin.id, sizeof(twin.id), "%s", json_text(json_get(network, "Id")));
	snprintf(
	    twin.created, sizeof(twin.created), "%s", json_text(json_get(network, "Created")));
	for (; at > 0 && stays_rather(&twin, &engine->twins[at - 1]); at--)
		engine->twins[at] = engine->twins[at - 1];
	engine->twins[at] = twin;
	engine->twin_count++;
}

static void
on_listed(void *context, const struct answer *answer)
{
	struct engine *engine = context;

	if (answer->kind != ANSWER_DONE) {
		tell_waiters(engine, answer);
		return;
	}
	engine->twin_count = 0;
	engine->is_twin_swapped = false;
	for (size_t i = 0; i < json_count(answer->json); i++)
		add_twin(engine, json_at(answer->json, i));
	remove_twin(engine);
}

static void
look_for_twins(struct engine *engine)
{
	struct call_request request = {
		.path = "/networks", .on_done = on_listed, .context = engine
	};

	call_start(engine, &engine->calls, &request);
}

/* Creating. */

static void
on_created(void *context, const struct answer *answer)
{
	struct engine *engine = context;
	struct answer exists = { .kind = ANSWER_DONE, .message = "" };

	if (answer->kind != ANSWER_DONE) {
		tell_waiters(engine, answer->status == 409 ? &exists : answer);
		return;
	}
	log_info(NULL, "engine.network", "Docker engine '%s': network '%s' created",
	    engine->config.name, engine->config.network);
	look_for_twins(engine);
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
	else if (network_is_ambiguous(answer))
		look_for_twins(engine);
	else
		tell_waiters(engine, answer);
}

bool
network_is_ambiguous(const struct answer *answer)
{
	return answer->status >= 400 && strstr(answer->message, "is ambiguous") != NULL;
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
