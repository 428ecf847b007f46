/* api_logs.c - the output of a live container: its last lines, or followed as server-sent events.
 *
 * Lines wait in a bounded ring between the engine's stream and the reader's socket; a reader that
 * falls behind loses the oldest ones and is told how many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/inside.h"
#include "base/json.h"
#include "http/stream.h"
#include "ports/docker.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/deploys.h"

enum { WAITING_MAX = 256 << 10, TAIL_MAX = 5000 };

struct tail {
	struct app *app;
	struct docker_logs *logs; /* NULL once it has ended */
	struct request *rq; /* not followed: held until the end */
	struct buf lines; /* followed: each line and a newline */
	uint64_t topic;
	uint64_t dropped;
	bool is_over;
};

static uint64_t
next_topic(void)
{
	static uint64_t topic = UINT64_C(1) << 62;

	return topic++;
}

static void
tail_gone(void *context)
{
	struct tail *t = context;

	if (t->logs != NULL)
		docker_logs_cancel(t->logs);
	buf_free(&t->lines);
	free(t);
}

static void
on_line(void *context, bool is_error_stream UNUSED, struct str line)
{
	struct tail *t = context;

	if (t->rq != NULL) {
		if (!t->lines.overflow) {
			buf_str(&t->lines, line);
			buf_char(&t->lines, '\n');
		}
		return;
	}
	if (t->lines.n + line.n + 1 > t->lines.max) {
		t->dropped++;
		return;
	}
	buf_str(&t->lines, line);
	buf_char(&t->lines, '\n');
	http_streams_wake(t->app->server, t->topic);
}

static bool
send_line(struct stream *stream, struct str line)
{
	struct json_writer w;
	struct buf json;
	bool sent;

	buf_init(&json, 1 << 20);
	json_writer_init(&w, &json);
	json_object_open(&w);
	json_pair_str(&w, "text", line);
	json_object_close(&w);
	sent = stream_event(stream, 0, "line", buf_view(&json));
	buf_free(&json);
	return sent;
}

static bool
tail_next(void *context, struct stream *stream)
{
	struct tail *t = context;

	while (t->lines.n > 0) {
		struct str line;
		str_cut(buf_view(&t->lines), '\n', &line);
		if (!send_line(stream, line))
			return true;
		buf_consume(&t->lines, line.n + 1);
	}
	if (t->dropped > 0) {
		char text[64];
		snprintf(text, sizeof(text), "(%llu lines dropped: the reader was too slow)",
		    (unsigned long long)t->dropped);
		if (!send_line(stream, str_of(text)))
			return true;
		t->dropped = 0;
	}
	if (t->is_over)
		stream_end(stream);
	return false;
}

/* An app may print anything, NUL as well. */
static void
reply_lines(struct tail *t)
{
	buf_str(reply_body(t->rq), buf_view(&t->lines));
	reply_built(t->rq, 200, "text/plain; charset=utf-8");
}

static void
on_end(void *context, const char *why)
{
	struct tail *t = context;

	t->logs = NULL;
	t->is_over = true;
	if (t->rq == NULL) {
		http_streams_wake(t->app->server, t->topic);
		return;
	}
	if (why != NULL)
		reply_error(t->rq, 502, "ENGINE", "the engine did not give the log: %s", why);
	else
		reply_lines(t);
	tail_gone(t);
}

bool
api_instance(struct app *app, struct request *rq, struct instance *ret)
{
	const struct stage_entry *stage = api_stage(app, rq);
	struct instance all[REPLICAS_MAX];
	uint64_t replica;
	size_t count;

	if (stage == NULL)
		return false;
	count = store_instances(
	    app->store, runtime_actor(app->runtime, stage->id)->stage.live, all, REPLICAS_MAX);
	if (str_number(request_parameter(rq, "replica"), REPLICAS_MAX, &replica))
		for (size_t i = 0; i < count; i++)
			if (all[i].replica == (int)replica && all[i].container_id[0] != '\0') {
				*ret = all[i];
				return true;
			}
	reply_error(
	    rq, 404, "NOT_FOUND", "nothing is live there, or there is no such replica");
	return false;
}

void
api_instance_logs(void *context, struct request *rq)
{
	struct app *app = context;
	struct docker_logs_request wanted = { .on_line = on_line, .on_end = on_end };
	struct instance instance;
	uint64_t lines = 100;
	uint64_t follow = 0;
	struct tail *t;

	if (!api_query_number(rq, "tail", TAIL_MAX, &lines)
	    || !api_query_number(rq, "follow", 1, &follow)
	    || !api_instance(app, rq, &instance))
		return;
	t = calloc(1, sizeof(*t));
	CHECK(t != NULL);
	t->app = app;
	t->topic = next_topic();
	buf_init(&t->lines, follow == 1 ? WAITING_MAX : HTTP_REPLY_MAX - 1);
	wanted.deploy_id = instance.deploy;
	wanted.container_id = instance.container_id;
	wanted.tail = (int)lines;
	wanted.follow = follow == 1;
	wanted.context = t;
	if (follow == 1) {
		t->logs = docker_logs_start(app->docker, &wanted);
		reply_stream(rq, &(struct stream_source){ .topic = t->topic,
				     .next = tail_next,
				     .gone = tail_gone,
				     .context = t });
	} else {
		t->rq = rq;
		request_hold(rq);
		t->logs = docker_logs_start(app->docker, &wanted);
	}
}
