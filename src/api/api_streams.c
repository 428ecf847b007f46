/* api_streams.c - a deploy's log and the events of all deploys, as JSON or as server-sent events.
 *
 * A stream's cursors are positions in the store, so that it resumes anywhere: Last-Event-ID is the
 * journal's seq for /events; for one deploy it packs the seqs of log and journal (see pack()). */
#include <stdlib.h>
#include <string.h>

#include "api/inside.h"
#include "api/views.h"
#include "base/arena.h"
#include "http/stream.h"
#include "store/deploys.h"
#include "store/retention.h"
#include "store/store.h"

enum { BATCH = 64, LOG_PAGE = 1000, STEP_BITS = 24 };

struct follower {
	struct app *app;
	uint64_t deploy; /* 0: all of them */
	int64_t log_seq;
	int64_t step_seq;
	int64_t step_base; /* ids carry steps relative to the deploy's first */
	bool has_gap; /* to be told before anything else */
	int64_t gap_after;
	int64_t gap_until;
	bool has_ended;
};

/* One id for two cursors: the log's seq above, how many journal rows behind the deploy's first
 * below. 2^24 rows of all deploys may lie between the steps of one. */
static uint64_t
pack(const struct follower *f)
{
	int64_t steps = f->step_seq - f->step_base;

	if (steps < 0)
		steps = 0;
	if (steps >= 1 << STEP_BITS)
		steps = (1 << STEP_BITS) - 1;
	return (uint64_t)f->log_seq << STEP_BITS | (uint64_t)steps;
}

static bool
send_json(struct stream *stream, uint64_t id, const char *event, struct buf *json)
{
	bool sent = stream_event(stream, id, event, buf_view(json));

	buf_free(json);
	return sent;
}

static bool
send_step(struct follower *f, struct stream *stream, const struct journal_row *row)
{
	int64_t before = f->step_seq;
	struct json_writer w;
	struct buf json;

	buf_init(&json, 4096);
	json_writer_init(&w, &json);
	json_object_open(&w);
	view_step(&w, row);
	json_object_close(&w);
	f->step_seq = row->seq;
	if (send_json(stream, f->deploy == 0 ? (uint64_t)row->seq : pack(f), "step", &json))
		return true;
	f->step_seq = before;
	return false;
}

static bool
send_log(struct follower *f, struct stream *stream, const struct deploy_log_row *row)
{
	int64_t before = f->log_seq;
	struct json_writer w;
	struct buf json;

	buf_init(&json, 16384);
	json_writer_init(&w, &json);
	json_object_open(&w);
	view_log_line(&w, row);
	json_object_close(&w);
	f->log_seq = row->seq;
	if (send_json(stream, pack(f), "log", &json))
		return true;
	f->log_seq = before;
	return false;
}

static bool
send_end(struct follower *f, struct stream *stream)
{
	struct deploy_row row;
	struct json_writer w;
	struct buf json;

	if (!store_deploy_get(f->app->store, f->deploy, &row) || row.ended_ms == 0)
		return true;
	buf_init(&json, 8192);
	json_writer_init(&w, &json);
	json_object_open(&w);
	view_deploy(&w, f->app, &row);
	json_object_close(&w);
	if (!send_json(stream, pack(f), "end", &json))
		return false;
	stream_end(stream);
	f->has_ended = true;
	return true;
}

/* Steps and lines in the order of their times, as far as this batch goes. */
static bool
next_of_deploy(void *context, struct stream *stream)
{
	struct follower *f = context;
	struct journal_row steps[BATCH];
	struct deploy_log_row *lines;
	size_t step_count;
	size_t line_count;
	size_t s = 0;
	size_t l = 0;
	bool is_full = false;

	if (f->has_ended)
		return false;
	lines = calloc(BATCH, sizeof(*lines));
	CHECK(lines != NULL);
	step_count = store_journal(f->app->store, f->deploy, f->step_seq, steps, BATCH);
	line_count = store_deploy_log(f->app->store, f->deploy, f->log_seq, lines, BATCH);
	while (!is_full && (s < step_count || l < line_count)) {
		if (l == line_count || (s < step_count && steps[s].at_ms <= lines[l].at_ms))
			is_full = !send_step(f, stream, &steps[s++]);
		else
			is_full = !send_log(f, stream, &lines[l++]);
	}
	free(lines);
	if (is_full || step_count == BATCH || line_count == BATCH)
		return true;
	return !send_end(f, stream);
}

/* Whoever counts on having seen every step has to look at the lists again. */
static bool
send_gap(struct follower *f, struct stream *stream)
{
	struct json_writer w;
	struct buf json;

	buf_init(&json, 256);
	json_writer_init(&w, &json);
	json_object_open(&w);
	json_pair_integer(&w, "after", f->gap_after);
	json_pair_integer(&w, "until", f->gap_until);
	json_object_close(&w);
	if (!send_json(stream, 0, "gap", &json))
		return false;
	f->has_gap = false;
	return true;
}

static bool
next_of_all(void *context, struct stream *stream)
{
	struct follower *f = context;
	struct journal_row steps[BATCH];
	size_t count;
	bool is_sent = false;

	if (f->has_gap && !send_gap(f, stream))
		return true;
	do { /* who has sent nothing is not asked again: a run of other steps must not end it here */
		count = store_journal(f->app->store, 0, f->step_seq, steps, BATCH);
		for (size_t i = 0; i < count; i++) {
			if (steps[i].deploy == 0)
				f->step_seq = steps[i].seq;
			else if (!send_step(f, stream, &steps[i]))
				return true;
			else
				is_sent = true;
		}
	} while (count == BATCH && !is_sent);
	return count == BATCH;
}

static struct follower *
follower_new(struct app *app, uint64_t deploy)
{
	struct follower *f = calloc(1, sizeof(*f));

	CHECK(f != NULL);
	f->app = app;
	f->deploy = deploy;
	return f;
}

/* Steps behind the position may have been removed since; or it is ahead of all steps, and from another
 * store or from a time before a backup was put back. */
static void
resume_all(struct follower *f, int64_t resume)
{
	int64_t last = f->step_seq;
	int64_t floor = store_journal_floor(f->app->store);

	f->has_gap = resume < floor || resume > last;
	f->gap_after = resume;
	f->gap_until = resume < floor ? floor : last;
	if (resume < last)
		f->step_seq = resume;
}

void
api_events(void *context, struct request *rq)
{
	struct app *app = context;
	struct follower *f = follower_new(app, 0);
	uint64_t resume;

	f->step_seq = store_journal_last(app->store);
	if (stream_resume_id(rq, &resume) && resume < INT64_MAX)
		resume_all(f, (int64_t)resume);
	reply_stream(
	    rq, &(struct stream_source){
		    .topic = TOPIC_EVENTS, .next = next_of_all, .gone = free, .context = f });
}

static void
follow_deploy(struct app *app, struct request *rq, uint64_t id)
{
	struct follower *f = follower_new(app, id);
	struct journal_row first;
	uint64_t resume;

	if (store_journal(app->store, id, 0, &first, 1) == 1)
		f->step_base = first.seq - 1;
	f->step_seq = f->step_base;
	if (stream_resume_id(rq, &resume)) {
		f->log_seq = (int64_t)(resume >> STEP_BITS);
		f->step_seq += (int64_t)(resume & ((1 << STEP_BITS) - 1));
	}
	reply_stream(rq,
	    &(struct stream_source){
		.topic = api_topic(id), .next = next_of_deploy, .gone = free, .context = f });
}

static void
list_log(struct app *app, struct request *rq, uint64_t id)
{
	struct deploy_log_row *rows = arena_take_array(rq->arena, LOG_PAGE, sizeof(*rows));
	struct json_writer w;
	uint64_t after = 0;
	size_t count;

	if (!api_query_number(rq, "after", INT64_MAX, &after))
		return;
	count = store_deploy_log(app->store, id, (int64_t)after, rows, LOG_PAGE);
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	for (size_t i = 0; i < count; i++) {
		json_object_open(&w);
		view_log_line(&w, &rows[i]);
		json_object_close(&w);
	}
	json_array_close(&w);
	json_key(&w, "next");
	if (count == LOG_PAGE)
		json_put_integer(&w, rows[count - 1].seq);
	else
		json_put_null(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}

static bool
wants_stream(const struct request *rq)
{
	struct str accept = request_header(rq, "Accept");

	return accept.n >= 17 && memmem(accept.p, accept.n, "text/event-stream", 17) != NULL;
}

void
api_deploy_log(void *context, struct request *rq)
{
	struct app *app = context;
	struct deploy_row row;
	uint64_t id;

	if (!api_id(rq, "id", &id))
		return;
	if (!store_deploy_get(app->store, id, &row))
		api_no_deploy(app, rq, id);
	else if (wants_stream(rq))
		follow_deploy(app, rq, id);
	else
		list_log(app, rq, id);
}
