/* follow.c - see follow.h.
 *
 * The clock of a loss starts when a connection ends and stops with the next event, or when a new
 * connection has held for a while: a server that takes connections only to drop them is away. */
#include "cli/follow.h"

#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/loop.h"

enum { RETRY_FIRST_MS = 250, HELD_MS = 5000, REFUSAL_MAX = 64 << 10 };

struct following {
	struct client *client;
	const struct follow *wanted;
	struct sse sse;
	struct buf refusal; /* the body of an answer that is no stream */
	struct fetch_transfer *transfer; /* NULL between two tries */
	struct loop_timer *retry;
	struct loop_timer *stall;
	struct loop_timer *tick;
	struct loop_timer *held;
	int64_t lost_ms; /* since when; 0: not lost */
	int64_t delay_ms;
	bool has_begun; /* some connection was good */
	bool is_over;
	enum cli_exit code;
	struct err *err;
};

static void connect_stream(void *context);

static int64_t
now_ms(void)
{
	return clock_mono_us() / 1000;
}

static void
finish(struct following *f, enum cli_exit code)
{
	f->code = code;
	f->is_over = true;
}

static void
hold(void *context)
{
	struct following *f = context;

	f->lost_ms = 0;
	f->delay_ms = RETRY_FIRST_MS;
}

static bool
on_event(void *context, const struct sse_event *event)
{
	struct following *f = context;

	hold(f);
	if (!f->wanted->on_event(f->wanted->context, event))
		finish(f, CLI_OK);
	return !f->is_over;
}

static bool
on_body(void *context, struct str piece)
{
	struct following *f = context;

	loop_timer_set(f->stall, CLI_STALL_MS);
	if (fetch_status(f->transfer) != 200) {
		buf_str(&f->refusal, piece);
		return true;
	}
	if (!f->has_begun || f->lost_ms != 0)
		loop_timer_set(f->held, HELD_MS);
	f->has_begun = true;
	return sse_feed(&f->sse, piece, on_event, f);
}

static void
lose(struct following *f, const char *why)
{
	int64_t now = now_ms();

	loop_timer_stop(f->stall);
	loop_timer_stop(f->held);
	if (f->lost_ms == 0) {
		f->lost_ms = now;
		if (f->wanted->on_lost != NULL && f->has_begun)
			f->wanted->on_lost(f->wanted->context, why);
	}
	if (now - f->lost_ms >= CLI_RETRY_MS || (!f->has_begun && !f->wanted->is_patient)) {
		finish(f, client_unreached(f->client, why, false, f->err));
		return;
	}
	loop_timer_set(f->retry, f->delay_ms);
	f->delay_ms =
	    f->delay_ms * 2 > CLI_RETRY_STEP_MS ? CLI_RETRY_STEP_MS : f->delay_ms * 2;
}

/* A server that shuts down or a proxy without one behind it: it will be back. */
static bool
is_passing(int status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

static void
on_done(void *context, const struct fetch_result *result)
{
	struct following *f = context;
	bool is_stream = result->outcome == FETCH_ANSWERED && result->status == 200;

	f->transfer = NULL;
	if (f->is_over)
		return;
	if (is_stream && !f->wanted->has_last_event)
		finish(f, CLI_OK);
	else if (is_stream)
		lose(f, "it ended the stream");
	else if (result->outcome != FETCH_ANSWERED)
		lose(f, result->why);
	else if (is_passing(result->status) && (f->has_begun || f->wanted->is_patient))
		lose(f, "it is busy or shutting down");
	else
		finish(f,
		    client_refused(f->client, result->status, buf_view(&f->refusal), f->err));
}

static void
on_stall(void *context)
{
	struct following *f = context;

	if (f->transfer == NULL)
		return;
	fetch_cancel(f->transfer);
	f->transfer = NULL;
	lose(f, "nothing came for too long");
}

static void
on_tick(void *context)
{
	struct following *f = context;

	f->wanted->on_tick(f->wanted->context);
	loop_timer_set(f->tick, CLI_REFRESH_MS);
}

static void
on_interrupt(void *context)
{
	finish(context, CLI_INTERRUPTED);
}

static void
connect_stream(void *context)
{
	struct following *f = context;
	const char *path = f->wanted->path;

	if (f->has_begun && f->wanted->again_path != NULL)
		path = f->wanted->again_path;
	sse_restart(&f->sse);
	buf_clear(&f->refusal);
	loop_timer_set(f->stall, CLI_STALL_MS);
	f->transfer =
	    client_stream_start(f->client, path, f->sse.last_id, on_body, on_done, f);
}

static void
open_all(struct following *f, struct loop *loop)
{
	sse_init(&f->sse);
	buf_init(&f->refusal, REFUSAL_MAX);
	f->retry = loop_timer_new(loop, connect_stream, f);
	f->stall = loop_timer_new(loop, on_stall, f);
	f->tick = loop_timer_new(loop, on_tick, f);
	f->held = loop_timer_new(loop, hold, f);
}

static void
close_all(struct following *f)
{
	loop_timer_free(f->retry);
	loop_timer_free(f->stall);
	loop_timer_free(f->tick);
	loop_timer_free(f->held);
	buf_free(&f->refusal);
	sse_free(&f->sse);
}

enum cli_exit
client_follow(struct client *client, const struct follow *follow, struct err *err)
{
	struct loop *loop = client_loop(client);
	struct following f = {
		.client = client, .wanted = follow, .delay_ms = RETRY_FIRST_MS, .err = err
	};
	struct loop_signal *interrupt = loop_signal_new(loop, SIGINT, on_interrupt, &f);

	err->text[0] = '\0';
	open_all(&f, loop);
	connect_stream(&f);
	if (follow->on_tick != NULL)
		loop_timer_set(f.tick, CLI_REFRESH_MS);
	while (!f.is_over)
		loop_turn(loop, true);
	/* Still running when Ctrl-C or the last event came; ended by itself otherwise. */
	if (f.transfer != NULL)
		fetch_cancel(f.transfer);
	loop_signal_free(interrupt);
	close_all(&f);
	return f.code;
}
