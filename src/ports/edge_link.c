/* edge_link.c - the connection to HAProxy: adopt, load, reload, lose, find again.
 *
 * The one idea: whatever happened before, a fresh connection starts with reading everything HAProxy
 * has. Operations that were under way simply begin again: each makes its own part so, whatever
 * it finds. A reload is a planned loss: files written, master told, then wait for a worker that
 * has the structure of the files. */
#include "ports/edge_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "store/catalog.h"

enum {
	DELAY_MIN_MS = 5,
	DELAY_KEPT_MS = 20,
	DELAY_MAX_MS = 500,
	SPAWN_US = 2000000, /* between two starts of `slipway edge` */
	RELOAD_US = 10000000, /* a reload takes 40 ms, with many certificates some seconds */
	RELOAD_LOOK_MS = 5,
	RELOAD_PAUSE_US = 5000000, /* after one that failed */
};

static void on_info(void *context, bool is_answered, struct str answer);

/* Short while somebody keeps HAProxy: it is back any moment, and an attempt costs 10 us. */
static void
retry(struct edge *edge, bool is_kept)
{
	int64_t most_ms = is_kept ? DELAY_KEPT_MS : DELAY_MAX_MS;

	if (edge->link_delay_ms < DELAY_MIN_MS)
		edge->link_delay_ms = DELAY_MIN_MS;
	if (edge->link_delay_ms > most_ms)
		edge->link_delay_ms = most_ms;
	loop_timer_set(edge->link_timer, edge->link_delay_ms);
	edge->link_delay_ms *= 2;
}

static void
suspend_all(struct edge *edge)
{
	edge_sync_stop(edge);
	for (struct edge_stage *stage = edge->stages; stage != NULL; stage = stage->next)
		if (stage->op != NULL)
			edge_op_suspend(stage->op);
}

/* Operations that HAProxy has heard of are told that it is gone; those that still wait go on
 * waiting, and mending is decided anew. */
static void
fail_begun(struct edge *edge)
{
	for (struct edge_stage *stage = edge->stages; stage != NULL; stage = stage->next) {
		struct edge_op *op = stage->op;

		if (op != NULL && op->kind == EDGE_MEND)
			edge_op_drop(op);
		else if (op != NULL && op->is_begun)
			edge_op_fail(
			    op, EV_TROUBLED, "HAProxy ended meanwhile; it is started again");
	}
}

static void
go_down(struct edge *edge)
{
	if (edge->link == EDGE_LINK_UP || edge->link == EDGE_LINK_LOADING)
		log_warn(NULL, "edge.lost", "the connection to HAProxy was lost");
	edge->link = EDGE_LINK_DOWN;
	edge->link_delay_ms = 0;
	edge->reload_until_us = 0;
	edge_sync_stop(edge);
	edge_socket_close(edge->master);
	fail_begun(edge);
	loop_timer_set(edge->link_timer, DELAY_MIN_MS);
}

static void
on_stats_state(void *context, bool is_up)
{
	struct edge *edge = context;

	if (is_up)
		edge_ask(edge->stats, on_info, edge, "show info");
	else if (edge->link == EDGE_LINK_RELOADING)
		loop_timer_set(edge->link_timer, RELOAD_LOOK_MS);
	else
		go_down(edge);
}

/* A reload that we did not ask for (a signal to HAProxy's master) leaves us with a worker that only
 * ends what it has. Operations begin again with the new one, which came up from our files. */
void
edge_follow_reload(struct edge *edge)
{
	CHECK(edge->link == EDGE_LINK_UP);
	log_info(NULL, "edge.reloaded",
	    "HAProxy was reloaded by somebody else; its new process is asked from now on");
	suspend_all(edge);
	edge_socket_close(edge->stats);
	edge_socket_close(edge->master);
	edge->has_old_workers = true;
	edge->link = EDGE_LINK_DOWN;
	edge->link_delay_ms = 0;
	loop_timer_set(edge->link_timer, DELAY_MIN_MS);
}

/* Structure. */

bool
edge_wants_reload(const struct edge *edge)
{
	return edge->structure != edge_structure(edge)
	       && clock_mono_us() >= edge->reload_after_us;
}

static void
begin_operations(struct edge *edge)
{
	for (struct edge_stage *stage = edge->stages;
	     stage != NULL && edge->link == EDGE_LINK_UP; stage = stage->next)
		if (stage->op != NULL)
			edge_op_begin(stage->op);
}

static void
reload_failed(struct edge *edge)
{
	struct err err;
	char why[ERR_TEXT_SIZE] = "it does not say why; see edge.log";

	edge_fault_read(edge, why, sizeof(why));
	edge_fault_set(edge, "HAProxy keeps its old configuration: %s", why);
	edge->reload_after_us = clock_mono_us() + RELOAD_PAUSE_US;
	/* A TCP route that HAProxy did not take must leave the files too, or HAProxy could not even
	 * be started from them. */
	for (struct edge_stage *stage = edge->stages; stage != NULL; stage = stage->next)
		edge_tcp_drop_unborn(stage);
	if (edge_files_write(edge, &err) != 0)
		edge_fault_set(edge, "%s", err.text);
}

/* What could not be done last is over once nothing is left undone; after a reload that failed, not
 * before the next one may be tried: until then it is what operations answer. */
void
edge_fault_over(struct edge *edge)
{
	if (edge->fault[0] == '\0' || clock_mono_us() < edge->reload_after_us
	    || edge->structure != edge_structure(edge))
		return;
	edge->fault[0] = '\0';
	edge_fault_forget(edge);
}

static void
go_up(struct edge *edge)
{
	struct err err;

	if (edge->reload_until_us != 0 && edge->structure != edge_structure(edge))
		reload_failed(edge);
	edge->reload_until_us = 0;
	edge->link_delay_ms = 0;
	edge_pool_grow(edge, EDGE_BACKENDS_MIN);
	edge->link = EDGE_LINK_UP;
	if (edge_wants_reload(edge)) {
		edge_reload(edge);
		return;
	}
	edge_fault_over(edge);
	if (edge_files_write(edge, &err) != 0)
		edge_fault_set(edge, "%s", err.text);
	edge->has_files = true;
	edge_socket_open(edge->master);
	log_info(NULL, "edge.ready", "HAProxy is ready");
	begin_operations(edge);
	edge_sync(edge);
}

static void
on_map(void *context, bool is_answered, struct str answer)
{
	struct edge *edge = context;

	if (!is_answered)
		return;
	edge_take_map(edge, answer);
	go_up(edge);
}

static void
on_servers(void *context, bool is_answered, struct str answer)
{
	struct edge *edge = context;
	char path[EDGE_PATH_SIZE];

	if (!is_answered)
		return;
	edge_take_servers(edge, NULL, answer);
	edge_path(edge, "hosts.map", path);
	edge_ask(edge->stats, on_map, edge, "show map %s", path);
}

static void
on_backends(void *context, bool is_answered, struct str answer)
{
	struct edge *edge = context;

	if (!is_answered)
		return;
	edge_take_backends(edge, answer);
	edge_ask(edge->stats, on_servers, edge, "show servers state");
}

static uint64_t
structure_of(struct str info)
{
	static const char head[] = "description: slipway-";
	struct str line;

	while (edge_next_line(&info, &line)) {
		char text[32];

		line = str_trim(line);
		if (str_starts(line, head)
		    && str_copy(text, sizeof(text),
			(struct str){
			    line.p + sizeof(head) - 1, line.n - (sizeof(head) - 1) }))
			return strtoull(text, NULL, 16);
	}
	return 0;
}

static void
on_info(void *context, bool is_answered, struct str answer)
{
	struct edge *edge = context;

	if (!is_answered)
		return;
	edge->structure = structure_of(answer);
	if (edge->link == EDGE_LINK_RELOADING && edge->structure != edge_structure(edge)
	    && clock_mono_us() < edge->reload_until_us) {
		edge_socket_close(edge->stats); /* still the old worker */
		loop_timer_set(edge->link_timer, RELOAD_LOOK_MS);
		return;
	}
	if (edge->link == EDGE_LINK_LOADING && edge_is_stopping(answer)) {
		edge_socket_close(edge->stats); /* it still takes connections for a moment */
		edge->link = EDGE_LINK_DOWN;
		loop_timer_set(edge->link_timer, DELAY_MIN_MS);
		return;
	}
	edge->link = EDGE_LINK_LOADING;
	edge_ask(edge->stats, on_backends, edge, "show backend");
}

/* Reload. */

static void
on_failures(void *context, bool is_answered, struct str answer)
{
	struct edge *edge = context;
	static const char none[] = "[failed: 0]";

	if (!is_answered || edge->link != EDGE_LINK_RELOADING)
		return;
	/* The master says so at once; otherwise the worker's silence would be waited for. */
	if (memmem(answer.p, answer.n, "[failed: ", 9) != NULL
	    && memmem(answer.p, answer.n, none, sizeof(none) - 1) == NULL)
		edge->reload_until_us = 1;
	edge_socket_close(edge->master);
}

/* The master executes itself anew, so its connection ends instead of an answer. */
static void
on_reload(void *context, bool is_answered UNUSED, struct str answer UNUSED)
{
	struct edge *edge = context;

	if (edge->link != EDGE_LINK_RELOADING)
		return;
	edge->is_reload_sent = true;
	edge->has_old_workers = true;
	edge_socket_close(edge->stats);
	loop_timer_set(edge->link_timer, RELOAD_LOOK_MS);
}

static void
on_master_state(void *context, bool is_up)
{
	struct edge *edge = context;

	if (!is_up || edge->link != EDGE_LINK_RELOADING)
		return;
	if (edge->is_reload_sent)
		edge_ask(edge->master, on_failures, edge, "show proc");
	else
		edge_ask(edge->master, on_reload, edge, "reload");
}

void
edge_reload(struct edge *edge)
{
	struct err err;

	CHECK(edge->link == EDGE_LINK_UP);
	if (edge_files_write(edge, &err) != 0) {
		edge_fault_set(edge, "%s", err.text);
		edge->reload_after_us = clock_mono_us() + RELOAD_PAUSE_US;
		return;
	}
	log_info(NULL, "edge.reload", "HAProxy takes a new structure");
	suspend_all(edge);
	edge_fault_forget(edge);
	edge->link = EDGE_LINK_RELOADING;
	edge->is_reload_sent = false;
	edge->reload_until_us = clock_mono_us() + RELOAD_US;
	if (edge_socket_is_up(edge->master))
		on_master_state(edge, true);
	loop_timer_set(edge->link_timer, RELOAD_LOOK_MS);
}

static void
look_at_reload(struct edge *edge)
{
	bool is_late = clock_mono_us() >= edge->reload_until_us;

	edge_socket_open(edge->master);
	if (!edge->is_reload_sent && !is_late) {
		loop_timer_set(edge->link_timer, RELOAD_LOOK_MS);
		return;
	}
	if (edge_socket_is_up(edge->stats))
		edge_ask(edge->stats, on_info, edge, "show info");
	else if (!edge_socket_open(edge->stats)) {
		if (is_late)
			go_down(edge);
		else
			loop_timer_set(edge->link_timer, RELOAD_LOOK_MS);
	}
}

/* Down. */

/* Before HAProxy is started from them the files say what the store says: after a power cut, or
 * when they are lost, it must not come up with routes of long ago. */
static void
fill_from_store(struct edge *edge)
{
	struct err err;

	if (edge->has_files)
		return;
	edge_pool_grow(edge, EDGE_BACKENDS_MIN);
	for (size_t i = 0; i < catalog_stage_count(edge->host.catalog); i++) {
		uint64_t id = catalog_stage_at(edge->host.catalog, i)->id;
		uint64_t live = edge->stage_live(edge->context, id);

		if (live != 0)
			edge_want_assume(edge, edge_stage_get(edge, id), live);
	}
	if (edge_files_write(edge, &err) != 0)
		edge_fault_set(edge, "%s", err.text);
	else
		edge->has_files = true;
}

/* True: somebody keeps HAProxy, or was just started to do so. */
static bool
see_to_process(struct edge *edge)
{
	struct err err;
	char why[ERR_TEXT_SIZE];

	edge_process_reap(edge);
	if (edge_process_lives(edge)) {
		if (edge_fault_read(edge, why, sizeof(why))) {
			edge_fault_set(edge, "%s", why);
			/* HAProxy cannot start from its files; perhaps our settings mend that. */
			fill_from_store(edge);
		}
		return true;
	}
	if (clock_mono_us() < edge->spawn_after_us)
		return edge->child != 0;
	edge->spawn_after_us = clock_mono_us() + SPAWN_US;
	fill_from_store(edge);
	if (!edge->has_files)
		return false;
	if (edge->is_kept_elsewhere) {
		edge_fault_set(edge,
		    "no edge runs in %s: start the service that runs `slipway edge`"
		    " (SLIPWAY_EDGE_START=off)",
		    edge->directory);
		return false;
	}
	log_info(NULL, "edge.start", "starting the edge in %s", edge->directory);
	if (edge_process_spawn(edge, &err) == 0)
		return true;
	edge_fault_set(edge, "%s", err.text);
	return false;
}

static void
on_time(void *context)
{
	struct edge *edge = context;

	if (edge->link == EDGE_LINK_RELOADING) {
		look_at_reload(edge);
		return;
	}
	if (edge->link != EDGE_LINK_DOWN)
		return;
	if (edge_socket_open(edge->stats)) {
		edge->link = EDGE_LINK_LOADING;
		return;
	}
	retry(edge, see_to_process(edge));
}

void
edge_link_new(struct edge *edge)
{
	char path[EDGE_PATH_SIZE];

	edge_path(edge, "stats.sock", path);
	edge->has_old_workers = true; /* of one that is adopted: nobody knows yet */
	edge->stats = edge_socket_new(edge->host.loop, path, "", on_stats_state, edge);
	edge_path(edge, "master.sock", path);
	edge->master = edge_socket_new(edge->host.loop, path, "master", on_master_state, edge);
	edge->link_timer = loop_timer_new(edge->host.loop, on_time, edge);
	loop_timer_set(edge->link_timer, 0);
}

void
edge_link_free(struct edge *edge)
{
	loop_timer_free(edge->link_timer);
	edge_socket_free(edge->stats);
	edge_socket_free(edge->master);
	edge_process_reap(edge);
}
