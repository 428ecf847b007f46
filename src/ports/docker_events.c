/* docker_events.c - what an engine says by itself: one stream of events for each.
 *
 * The one idea: the stream carries no truth, it only says that a look is worth while: now
 * at the gates, soon at everything (the sweep). So a gap in it costs time, never
 * correctness; after each gap everything is looked at. That it ends is itself the first
 * sign of an engine going away. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "ports/docker_parts.h"

enum {
	BACKOFF_MIN_MS = 200,
	BACKOFF_MAX_MS = 5000,
	LOOK_SOON_MS = 100,
	LOOK_LATER_MS = 2000,
	STEADY_MS = 10000, /* a stream that lived so long begins with the least backoff */
	LINE_BYTES_MAX = 65536,
};

struct event_stream {
	struct engine *engine;
	struct engine_config config; /* that it was opened with */
	struct call_list calls;
	struct loop_timer *again;
	struct loop_timer *nudge;
	int64_t nudge_due_ms; /* 0: none is under way */
	int64_t backoff_ms;
	int64_t opened_ms;
	struct buf pending;
};

/* A look that is under way is answered first. Else an engine that says more than it can be asked, a
 * container that ends all the time for example, would never be looked at to the end. */
static void
on_nudge(void *context)
{
	struct event_stream *events = context;
	const struct docker_settings *settings = &events->engine->docker->settings;

	if (survey_is_under_way(events->engine)) {
		loop_timer_set(events->nudge, LOOK_SOON_MS);
		return;
	}
	events->nudge_due_ms = 0;
	settings->nudge(settings->context, events->engine->config.id);
}

static void
nudge(struct event_stream *events, int64_t delay_ms)
{
	int64_t due_ms = clock_mono_us() / 1000 + delay_ms;

	if (events->nudge_due_ms != 0 && events->nudge_due_ms <= due_ms)
		return;
	events->nudge_due_ms = due_ms;
	loop_timer_set(events->nudge, delay_ms);
}

/* The deploy of a container that serves, into row; false: it is another's, or does not serve. */
static bool
serves(const struct docker *docker, const struct json *labels, struct deploy_row *row)
{
	uint64_t deploy;

	return strcmp(json_text(json_get(labels, "slipway.store")), docker->store_uuid) == 0
	       && task_of_labels(labels) == TASK_COUNT /* it serves nobody */
	       && str_number(
		   str_of(json_text(json_get(labels, "slipway.deploy"))), INT64_MAX, &deploy)
	       && store_deploy_get(docker->host.store, deploy, row)
	       && (docker->settings.stage_live(docker->settings.context, row->stage) == deploy
		   || stage_trial_of(docker, row->stage) == deploy);
}

/* One that serves and ends by itself may be back before anybody looks: it is told here. What we stop
 * does not serve any more. */
static void
tell_end(const struct event_stream *events, const struct json *actor, const char *action,
    const struct deploy_row *deploy)
{
	const struct json *labels = json_get(actor, "Attributes");
	struct log_context context;

	if (strcmp(action, "oom") != 0 && strcmp(action, "die") != 0)
		return;
	events->engine->is_one_away = true;
	context = (struct log_context){ .project = deploy->project,
		.stage = deploy->stage_name,
		.tag = deploy->tag,
		.digest = deploy->digest,
		.deploy_id = deploy->id,
		.instance_id = json_text(json_get(actor, "ID")) };
	if (action[0] == 'o')
		log_warn(&context, "instance.memory",
		    "container %s ran out of memory: raise `memory`, or mend the app",
		    json_text(json_get(labels, "name")));
	else
		log_warn(&context, "instance.died",
		    "container %s ended by itself with exit code %s; Docker starts it again"
		    " unless `restart` forbids it",
		    json_text(json_get(labels, "name")),
		    json_text(json_get(labels, "exitCode")));
}

/* What serves and changes is looked at soon. All others may wait a moment for each other: a hundred
 * deploys at once would have the engine list all its containers ten times a second. */
static void
on_line(void *context, struct str line)
{
	struct event_stream *events = context;
	struct engine *engine = events->engine;
	struct err err;
	struct json *json = json_parse(line, &err);
	const struct json *actor = json_get(json, "Actor");
	const char *action = json_text(json_get(json, "Action"));
	struct deploy_row deploy;

	if (action[0] != '\0' && strcmp(action, "start") != 0) {
		gate_wake(engine->docker, engine, json_text(json_get(actor, "ID")));
		task_wake(engine->docker, engine, json_text(json_get(actor, "ID")));
	}
	if (action[0] != '\0' && strncmp(action, "health_status", 13) != 0) {
		if (serves(engine->docker, json_get(actor, "Attributes"), &deploy)) {
			tell_end(events, actor, action, &deploy);
			nudge(events, LOOK_SOON_MS);
		} else {
			nudge(events, LOOK_LATER_MS);
		}
	}
	json_free(json);
}

static bool
on_piece(void *context, struct str piece)
{
	struct event_stream *events = context;

	lines_feed(&events->pending, piece, on_line, events);
	return true;
}

/* An engine that shuts down ends the stream; one that hangs lets it stand. */
static void
on_end(void *context, const struct answer *answer)
{
	struct event_stream *events = context;
	struct engine *engine = events->engine;
	char why[REASON_SIZE];

	buf_clear(&events->pending);
	if (clock_mono_us() / 1000 - events->opened_ms > STEADY_MS)
		events->backoff_ms = BACKOFF_MIN_MS;
	if (answer->status == 200 || (answer->status == 0 && !answer->is_unreached)) {
		snprintf(why, sizeof(why),
		    "the Docker engine '%s' at %.110s closed its event stream: it ends or"
		    " restarts; if it stays away, start Docker (systemctl start docker)",
		    engine->config.name, engine->config.host);
		engine_lost(engine, why);
	}
	loop_timer_set(events->again, events->backoff_ms);
	events->backoff_ms =
	    events->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : events->backoff_ms * 2;
}

static void
open_stream(void *context)
{
	static const char filter[] =
	    "{\"type\":[\"container\"],\"label\":[\"slipway.managed=true\"],"
	    "\"event\":[\"start\",\"die\",\"oom\",\"destroy\",\"pause\",\"unpause\","
	    "\"health_status\"]}";
	struct event_stream *events = context;
	struct call_request request = {
		.total_ms = -1, .on_body = on_piece, .on_done = on_end, .context = events
	};
	struct buf path;

	events->opened_ms = clock_mono_us() / 1000;
	buf_init(&path, 1024);
	buf_text(&path, "/events?filters=");
	url_escape(&path, filter);
	request.path = buf_cstr(&path);
	call_start(events->engine, &events->calls, &request);
	buf_free(&path);
	nudge(events, LOOK_SOON_MS); /* whatever was missed */
}

void
events_start(struct engine *engine)
{
	struct event_stream *events = engine->events;

	if (events != NULL && engine_config_is(&events->config, &engine->config))
		return;
	events_stop(engine);
	events = calloc(1, sizeof(*events));
	CHECK(events != NULL);
	events->engine = engine;
	events->config = engine->config;
	events->backoff_ms = BACKOFF_MIN_MS;
	events->again = loop_timer_new(engine->docker->host.loop, open_stream, events);
	events->nudge = loop_timer_new(engine->docker->host.loop, on_nudge, events);
	LIST_INIT(&events->calls);
	buf_init(&events->pending, LINE_BYTES_MAX);
	engine->events = events;
	open_stream(events);
}

void
events_stop(struct engine *engine)
{
	struct event_stream *events = engine->events;

	if (events == NULL)
		return;
	call_list_cancel(&events->calls);
	loop_timer_free(events->again);
	loop_timer_free(events->nudge);
	buf_free(&events->pending);
	free(events);
	engine->events = NULL;
}
