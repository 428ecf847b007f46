/* docker_logs.c - the output of containers: Docker's frames cut into lines, the tail, the
 * follower.
 *
 * Docker mixes standard output and standard error into one stream of frames; a line may
 * span several frames and frames of both may alternate, so each has its own unfinished
 * line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ports/docker_parts.h"

enum { TAIL_MS = 10000 };

/* Frames. */

void
frames_init(struct frames *frames)
{
	*frames = (struct frames){ 0 };
	buf_init(&frames->pending[0], LOG_LINE_SIZE - 1);
	buf_init(&frames->pending[1], LOG_LINE_SIZE - 1);
}

/* A line that is too long is cut. */
static void
add_cut(struct buf *pending, struct str text)
{
	size_t room = pending->max - pending->n;

	buf_add(pending, text.p, text.n < room ? text.n : room);
}

static void
feed_text(struct frames *frames, struct str text, frame_line_fn *each, void *context)
{
	struct buf *pending = &frames->pending[frames->stream];

	while (text.n > 0) {
		struct str line;
		bool is_ended = memchr(text.p, '\n', text.n) != NULL;

		text = str_cut(text, '\n', &line);
		add_cut(pending, line);
		if (!is_ended)
			return;
		each(context, frames->stream == 1, buf_view(pending));
		buf_clear(pending);
	}
}

/* Takes what is still missing of the frame's head. */
static struct str
feed_head(struct frames *frames, struct str piece)
{
	const unsigned char *head = frames->head;

	while (frames->head_count < sizeof(frames->head) && piece.n > 0) {
		frames->head[frames->head_count++] = (unsigned char)piece.p[0];
		piece.p++;
		piece.n--;
	}
	if (frames->head_count < sizeof(frames->head))
		return piece;
	frames->stream = head[0] == 2 ? 1 : 0;
	frames->left =
	    (size_t)head[4] << 24 | (size_t)head[5] << 16 | (size_t)head[6] << 8 | head[7];
	if (frames->left == 0)
		frames->head_count = 0;
	return piece;
}

void
frames_feed(struct frames *frames, struct str piece, frame_line_fn *each, void *context)
{
	while (piece.n > 0) {
		size_t n = piece.n < frames->left ? piece.n : frames->left;

		if (frames->left == 0) {
			piece = feed_head(frames, piece);
			continue;
		}
		feed_text(frames, (struct str){ piece.p, n }, each, context);
		piece.p += n;
		piece.n -= n;
		frames->left -= n;
		if (frames->left == 0)
			frames->head_count = 0;
	}
}

void
frames_end(struct frames *frames, frame_line_fn *each, void *context)
{
	for (int i = 0; i < 2; i++) {
		if (each != NULL && frames->pending[i].n > 0)
			each(context, i == 1, buf_view(&frames->pending[i]));
		buf_free(&frames->pending[i]);
	}
}

void
logs_path(struct buf *path, const char *container_id, int tail, bool follow, bool timestamps)
{
	buf_text(path, "/containers/");
	url_escape(path, container_id);
	buf_text(path, "/logs?stdout=1&stderr=1");
	if (tail >= 0)
		buf_format(path, "&tail=%d", tail);
	if (follow)
		buf_text(path, "&follow=1");
	if (timestamps)
		buf_text(path, "&timestamps=1");
}

/* The tail of a container that failed. */

static void
on_tail_line(void *context, bool is_error_stream UNUSED, struct str line)
{
	struct tail *tail = context;

	if (tail->count++ < 2 * LOG_TAIL_LINES) /* both streams, should the engine count so */
		store_deploy_log_add(
		    tail->job->docker->host.store, tail->job->row.id, "out", line);
}

static bool
on_tail_piece(void *context, struct str piece)
{
	struct tail *tail = context;

	frames_feed(&tail->frames, piece, on_tail_line, tail);
	return true;
}

static void
on_tail_end(void *context, const struct answer *answer)
{
	struct tail *tail = context;
	struct answer gone = { .kind = ANSWER_DONE, .message = "" };

	tail->is_open = false;
	frames_end(&tail->frames, on_tail_line, tail);
	tail->on_done(tail->context, answer->kind == ANSWER_REFUSED ? &gone : answer);
}

void
tail_take(struct tail *tail, struct job *job, const char *container_id)
{
	struct call_request request = { .is_fresh = true,
		.total_ms = TAIL_MS,
		.on_body = on_tail_piece,
		.on_done = on_tail_end,
		.context = tail };
	struct buf path;

	CHECK(!tail->is_open);
	tail->job = job;
	tail->is_open = true;
	tail->count = 0;
	frames_init(&tail->frames);
	buf_init(&path, 512);
	logs_path(&path, container_id, LOG_TAIL_LINES, false, false);
	request.path = buf_cstr(&path);
	call_start(job->engine, &job->calls, &request);
	buf_free(&path);
}

void
tail_drop(struct tail *tail)
{
	if (tail->is_open)
		frames_end(&tail->frames, NULL, NULL);
	tail->is_open = false;
}

/* The follower. */

struct docker_logs {
	LIST_ENTRY(docker_logs) entry;
	struct docker *docker;
	struct engine *engine;
	struct call_list calls;
	struct loop_timer *soon; /* tells a failure that was clear at once */
	const char *why;
	struct frames frames;
	bool is_feeding;
	bool is_cancelled; /* by on_line: freed when the piece is through */
	struct docker_logs_request request;
};

static void
logs_free(struct docker_logs *logs)
{
	LIST_REMOVE(logs, entry);
	call_list_cancel(&logs->calls);
	loop_timer_free(logs->soon);
	frames_end(&logs->frames, NULL, NULL);
	free(logs);
}

static void
on_logs_line(void *context, bool is_error_stream, struct str line)
{
	struct docker_logs *logs = context;

	if (!logs->is_cancelled)
		logs->request.on_line(logs->request.context, is_error_stream, line);
}

static bool
on_logs_piece(void *context, struct str piece)
{
	struct docker_logs *logs = context;

	logs->is_feeding = true;
	frames_feed(&logs->frames, piece, on_logs_line, logs);
	logs->is_feeding = false;
	if (logs->is_cancelled)
		logs_free(logs);
	return true;
}

static void
logs_end(struct docker_logs *logs, const char *why)
{
	struct docker_logs_request request = logs->request;

	logs_free(logs);
	request.on_end(request.context, why);
}

static void
on_logs_end(void *context, const struct answer *answer)
{
	struct docker_logs *logs = context;

	logs->is_feeding = true;
	frames_end(&logs->frames, on_logs_line, logs);
	frames_init(&logs->frames);
	logs->is_feeding = false;
	if (logs->is_cancelled)
		logs_free(logs);
	else
		logs_end(logs, answer->kind == ANSWER_DONE ? NULL : answer->message);
}

static void
on_soon(void *context)
{
	struct docker_logs *logs = context;

	logs_end(logs, logs->why);
}

struct engine *
engine_of_deploy(struct docker *docker, uint64_t deploy_id)
{
	const struct engine_config *config;
	const struct stage_spec *spec;
	struct deploy_row row;

	if (!store_deploy_get(docker->host.store, deploy_id, &row))
		return NULL;
	spec = catalog_spec(docker->host.catalog, row.spec);
	config = spec == NULL ? NULL : catalog_engine(docker->host.catalog, spec->engine);
	return config == NULL ? NULL : engine_of(docker, config);
}

struct docker_logs *
docker_logs_start(struct docker *docker, const struct docker_logs_request *wanted)
{
	struct docker_logs *logs = calloc(1, sizeof(*logs));
	struct docker_logs *other;
	int count = 0;
	struct call_request request = { .total_ms = wanted->follow ? -1 : 0,
		.is_fresh = true,
		.on_body = on_logs_piece,
		.on_done = on_logs_end,
		.context = logs };
	struct buf path;

	CHECK(logs != NULL && wanted->on_line != NULL && wanted->on_end != NULL);
	LIST_FOREACH(other, &docker->logs, entry)
	count++;
	logs->docker = docker;
	logs->request = *wanted;
	logs->engine = engine_of_deploy(docker, wanted->deploy_id);
	logs->soon = loop_timer_new(docker->host.loop, on_soon, logs);
	LIST_INIT(&logs->calls);
	frames_init(&logs->frames);
	LIST_INSERT_HEAD(&docker->logs, logs, entry);
	if (count >= LOG_FOLLOWERS_MAX)
		logs->why = "too many logs are being read already; end some and try again";
	else if (logs->engine == NULL)
		logs->why =
		    "the deploy is not known, or its Docker engine is not configured any more";
	if (logs->why != NULL) {
		loop_timer_set(logs->soon, 0);
		return logs;
	}
	buf_init(&path, 512);
	logs_path(
	    &path, wanted->container_id, wanted->tail, wanted->follow, wanted->timestamps);
	request.path = buf_cstr(&path);
	call_start(logs->engine, &logs->calls, &request);
	buf_free(&path);
	return logs;
}

void
docker_logs_cancel(struct docker_logs *logs)
{
	if (logs->is_feeding)
		logs->is_cancelled = true;
	else
		logs_free(logs);
}

void
logs_free_all(struct docker *docker)
{
	struct docker_logs *next;

	for (struct docker_logs *l = LIST_FIRST(&docker->logs); l != NULL; l = next) {
		next = LIST_NEXT(l, entry);
		logs_free(l);
	}
}

bool
logs_use(const struct docker *docker, const struct engine *engine)
{
	const struct docker_logs *logs;

	LIST_FOREACH(logs, &docker->logs, entry)
	if (logs->engine == engine)
		return true;
	return false;
}
