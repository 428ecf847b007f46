/* edge_link.c - the connection to HAProxy: adopt, load, lose, find again.
 *
 * The one idea: whatever happened before, a fresh connection starts with reading everything HAProxy
 * has. Operations that were under way simply begin again: each makes its own part so, whatever
 * it finds. */
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
	STEP_MS = 5, /* between looks while a reload goes on */
};

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

void
edge_suspend_all(struct edge *edge)
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
			edge_op_fail(op, EV_TROUBLED, "%s",
			    edge_socket_is_silent(edge->stats)
				? edge->fault
				: "HAProxy ended meanwhile; it is started again");
	}
}

/* One that is silent is asked again and again, and told once. */
static void
log_lost(struct edge *edge)
{
	if (!edge_socket_is_silent(edge->stats)) {
		log_warn(NULL, "edge.lost", "the connection to HAProxy was lost");
		return;
	}
	if (edge->link == EDGE_LINK_UP)
		log_warn(NULL, "edge.lost", "HAProxy does not answer");
	edge_fault_set(edge,
	    "HAProxy runs but does not answer: its process is stopped or the machine has no"
	    " time for it; look at it (`ps -C haproxy`), and if it does not recover restart"
	    " the edge");
}

void
edge_go_down(struct edge *edge)
{
	if (edge->link == EDGE_LINK_UP || edge->link == EDGE_LINK_LOADING)
		log_lost(edge);
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
		edge_load(edge);
	else if (edge->link == EDGE_LINK_RELOADING)
		loop_timer_set(edge->link_timer, STEP_MS);
	else
		edge_go_down(edge);
}

static void
begin_operations(struct edge *edge)
{
	for (struct edge_stage *stage = edge->stages;
	     stage != NULL && edge->link == EDGE_LINK_UP; stage = stage->next)
		if (stage->op != NULL)
			edge_op_begin(stage->op);
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
		edge_reload_failed(edge);
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
		loop_timer_set(edge->link_timer, STEP_MS);
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

void
edge_load(struct edge *edge)
{
	edge_ask(edge->stats, on_info, edge, "show info");
}

/* Down. */

/* Before HAProxy is started from them the files say what the store says: after a power cut, or
 * when they are lost, it must not come up with routes of long ago. */
static void
assume_versions(struct edge *edge, uint64_t stage)
{
	uint64_t deploys[KEPT_MAX + 1];
	size_t count = edge_versions(edge, stage, deploys);

	for (size_t i = 0; i < count; i++)
		edge_want_assume(edge, edge_version_get(edge, deploys[i], stage), deploys[i]);
}

void
edge_fill_from_store(struct edge *edge)
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
		assume_versions(edge, id);
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
			edge_fill_from_store(edge);
		}
		return true;
	}
	if (clock_mono_us() < edge->spawn_after_us)
		return edge->child != 0;
	edge->spawn_after_us = clock_mono_us() + SPAWN_US;
	edge_fill_from_store(edge);
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
	bool is_kept;

	if (edge->link == EDGE_LINK_RELOADING) {
		edge_reload_look(edge);
		return;
	}
	if (edge->link != EDGE_LINK_DOWN)
		return;
	if (edge_socket_open(edge->stats)) {
		edge->link = EDGE_LINK_LOADING;
		return;
	}
	is_kept = see_to_process(edge);
	if (!is_kept || !edge_socket_revive(edge))
		retry(edge, is_kept);
}

void
edge_link_new(struct edge *edge)
{
	char path[EDGE_PATH_SIZE];

	edge_stats_path(edge, path);
	edge->has_old_workers = true; /* of one that is adopted: nobody knows yet */
	edge->stats = edge_socket_new(edge->host.loop, path, "", on_stats_state, edge);
	edge_path(edge, "master.sock", path);
	edge->master =
	    edge_socket_new(edge->host.loop, path, "master", edge_on_master_state, edge);
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
