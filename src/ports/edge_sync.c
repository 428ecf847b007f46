/* edge_sync.c - keeping the routes true, and the figures that people look at.
 *
 * The one idea: everything HAProxy has is read in four questions, then each stage is compared with
 * what the store says, some a turn. A stage that is busy with a deploy is left to it, unless its
 * route leads to the live deploy only: then it cannot be in the middle of a swap. */
#include "ports/edge_inside.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "store/catalog.h"
#include "store/deploys.h"

enum { TIDY_MS = 1000, WATCH_MS = 1000, WATCH_US = 10000000 };

static bool
leads_only_to(const struct edge_backend *b, uint64_t live)
{
	size_t ready_count = 0;

	for (size_t i = 0; b != NULL && i < b->server_count; i++) {
		if (b->servers[i].state != EDGE_SERVER_READY)
			continue;
		if (b->servers[i].deploy != live)
			return false;
		ready_count++;
	}
	return b == NULL || ready_count > 0;
}

static bool
has_idle_others(const struct edge_op *op, const struct edge_backend *b)
{
	for (size_t i = 0; b != NULL && i < b->server_count; i++)
		if (!edge_wants_server(op, b, &b->servers[i]) && b->servers[i].in_flight == 0)
			return true;
	return false;
}

/* A store that was put back from a copy does not know what was deployed since; that serves, and what
 * the store knows does not run any more. */
static bool
leads_to_unknown(const struct edge *edge, const struct edge_backend *b)
{
	struct deploy_row row;

	for (size_t i = 0; b != NULL && i < b->server_count; i++)
		if (b->servers[i].state == EDGE_SERVER_READY
		    && !store_deploy_get(edge->host.store, b->servers[i].deploy, &row))
			return true;
	return false;
}

static bool
needs_mending(struct edge *edge, struct edge_stage *stage, uint64_t live, bool is_busy)
{
	struct edge_op *op = calloc(1, sizeof(*op));
	struct err ignored;
	bool result = false;

	CHECK(op != NULL);
	op->edge = edge;
	op->stage = stage;
	op->kind = EDGE_MEND;
	if (edge_want(op, live, &ignored) == 0
	    && (op->wanted_count > 0 || !edge_wants_route(op)
		|| (!leads_to_unknown(edge, stage->http)
		    && !leads_to_unknown(edge, stage->tcp))))
		result = edge_want_differs(op)
			 || (!is_busy
			     && (has_idle_others(op, stage->http)
				 || has_idle_others(op, stage->tcp)));
	free(op);
	return result;
}

static uint64_t
led_to(const struct edge *edge, const struct edge_stage *stage)
{
	if (stage->version_of != 0)
		return edge_version_is_wanted(edge, stage) ? stage->id : 0;
	return edge->stage_live(edge->context, stage->id);
}

/* A stage to its deploy; a version that goes to those whose routes are made, which may take its names. */
static bool
is_left_to_others(struct edge *edge, const struct edge_stage *stage, uint64_t live)
{
	bool is_busy;

	if (stage->version_of == 0)
		return edge->stage_is_busy(edge->context, stage->id);
	is_busy = live == 0 && edge_version_is_busy(edge, stage);
	edge->is_version_awaited = edge->is_version_awaited || is_busy;
	return is_busy;
}

static void
compare(struct edge *edge, struct edge_stage *stage)
{
	uint64_t live = led_to(edge, stage);
	bool is_busy = is_left_to_others(edge, stage, live);

	stage->is_visited = true;
	if (live != 0)
		stage->left_us = 0;
	else if (stage->left_us == 0)
		stage->left_us = clock_mono_us();
	if (stage->op != NULL)
		return;
	if (live == 0) {
		if (!is_busy && (stage->http != NULL || stage->tcp != NULL))
			edge_mend(edge, stage, 0);
		return;
	}
	if (is_busy && (!leads_only_to(stage->http, live) || !leads_only_to(stage->tcp, live)))
		return;
	if (needs_mending(edge, stage, live, is_busy))
		edge_mend(edge, stage, live);
}

/* Before those that nobody is led to any more: what one tag leads to may have changed. */
static void
compare_versions(struct edge *edge, uint64_t stage)
{
	uint64_t deploys[KEPT_MAX + 1];
	size_t count = edge_versions(edge, stage, deploys);

	for (size_t i = 0; i < count && edge->link == EDGE_LINK_UP; i++)
		compare(edge, edge_version_get(edge, deploys[i], stage));
}

/* Routes of stages that are no longer configured, and of versions that are not kept. */
static void
compare_rest(struct edge *edge)
{
	for (struct edge_stage *stage = edge->stages;
	     stage != NULL && edge->link == EDGE_LINK_UP; stage = stage->next)
		if (!stage->is_visited)
			compare(edge, stage);
	edge->is_syncing = false;
	if (edge->is_sync_wanted)
		edge_sync(edge);
}

static void
compare_some(struct edge *edge)
{
	size_t count = catalog_stage_count(edge->host.catalog);

	for (int i = 0; i < EDGE_SYNC_MAX && edge->sync_at < count; i++) {
		uint64_t id = catalog_stage_at(edge->host.catalog, edge->sync_at++)->id;

		if (edge_stage_find(edge, id) != NULL
		    || edge->stage_live(edge->context, id) != 0)
			compare(edge, edge_stage_get(edge, id));
		compare_versions(edge, id);
		if (edge->link != EDGE_LINK_UP)
			return; /* mending needed a reload; everything is compared after it */
	}
	if (edge->sync_at < count)
		loop_timer_set(edge->sync_timer, 0);
	else
		compare_rest(edge);
}

static void
on_stat(void *context, bool is_answered, struct str answer)
{
	struct edge *edge = context;

	if (!is_answered || !edge->is_syncing)
		return;
	edge_take_stat(edge, answer);
	for (struct edge_stage *stage = edge->stages; stage != NULL; stage = stage->next)
		stage->is_visited = false;
	edge->sync_at = 0;
	compare_some(edge);
}

static void
on_map(void *context, bool is_answered, struct str answer)
{
	struct edge *edge = context;

	if (!is_answered || !edge->is_syncing)
		return;
	edge_take_map(edge, answer);
	edge_ask(edge->stats, on_stat, edge, "show stat -1 4 -1");
}

static void
on_servers(void *context, bool is_answered, struct str answer)
{
	struct edge *edge = context;
	char path[EDGE_PATH_SIZE];

	if (!is_answered || !edge->is_syncing)
		return;
	edge_take_servers(edge, NULL, answer);
	edge_path(edge, "hosts.map", path);
	edge_ask(edge->stats, on_map, edge, "show map %s", path);
}

static void
on_info(void *context, bool is_answered, struct str answer)
{
	struct edge *edge = context;

	if (!is_answered || !edge->is_syncing)
		return;
	if (edge_is_stopping(answer))
		edge_follow_reload(edge);
	else
		edge_ask(edge->stats, on_servers, edge, "show servers state");
}

static void
on_time(void *context)
{
	struct edge *edge = context;

	if (edge->link != EDGE_LINK_UP)
		return; /* it comes up with a comparison anyway */
	if (edge->is_syncing && edge->sync_at > 0) {
		compare_some(edge);
		return;
	}
	if (edge->is_syncing || !edge->is_sync_wanted)
		return;
	edge->is_sync_wanted = false;
	edge_certificates_look(edge);
	if (edge_wants_reload(edge)) {
		edge_reload(edge);
		return;
	}
	edge_fault_over(edge);
	edge->is_syncing = true;
	edge->sync_at = 0;
	edge_ask(edge->stats, on_info, edge, "show info");
}

void
edge_sync(struct edge *edge)
{
	edge->is_sync_wanted = true;
	if (!edge->is_syncing)
		loop_timer_set(edge->sync_timer, 0);
}

void
edge_sync_stop(struct edge *edge)
{
	edge->is_syncing = false;
	loop_timer_stop(edge->sync_timer);
}

/* Tidying, and watching. */

static void
on_watched(void *context, bool is_answered, struct str answer)
{
	if (is_answered)
		edge_take_stat(context, answer);
}

static void
on_tidy(void *context)
{
	struct edge *edge = context;
	bool has_garbage = edge->is_restart_awaited;

	edge->is_restart_awaited = false;
	for (const struct edge_stage *stage = edge->stages; stage != NULL; stage = stage->next)
		has_garbage |= stage->has_garbage;
	if (has_garbage)
		edge_sync(edge);
	if (clock_mono_us() >= edge->watched_until_us)
		return;
	if (edge->link == EDGE_LINK_UP)
		edge_ask(edge->stats, on_watched, edge, "show stat -1 4 -1");
	loop_timer_set(edge->tidy_timer, WATCH_MS);
}

void
edge_tidy_later(struct edge *edge)
{
	loop_timer_set(edge->tidy_timer, TIDY_MS);
}

static size_t
put_status(const struct edge_backend *b, struct edge_server_status *to, size_t most)
{
	static const char *const names[] = { "ready", "draining", "off" };
	size_t count = 0;

	for (size_t i = 0; b != NULL && i < b->server_count && count < most; i++) {
		const struct edge_server *server = &b->servers[i];

		to[count] = (struct edge_server_status){ .deploy = server->deploy,
			.replica = server->replica,
			.state = names[server->state],
			.in_flight = server->in_flight,
			.served = server->served,
			.requests = server->requests,
			.failures = server->failures };
		memcpy(to[count].address, server->address, sizeof(to[count].address));
		count++;
	}
	return count;
}

size_t
edge_status(struct edge *edge, uint64_t stage_id, struct edge_server_status *to, size_t most)
{
	const struct edge_stage *stage = edge_stage_find(edge, stage_id);
	bool is_watched = clock_mono_us() < edge->watched_until_us;
	size_t count;

	edge->watched_until_us = clock_mono_us() + WATCH_US;
	if (!is_watched)
		loop_timer_set(edge->tidy_timer, 0);
	if (stage == NULL)
		return 0;
	count = put_status(stage->http, to, most);
	return count + put_status(stage->tcp, to + count, most - count);
}

void
edge_sync_new(struct edge *edge)
{
	edge->sync_timer = loop_timer_new(edge->host.loop, on_time, edge);
	edge->tidy_timer = loop_timer_new(edge->host.loop, on_tidy, edge);
}

void
edge_sync_free(struct edge *edge)
{
	loop_timer_free(edge->sync_timer);
	loop_timer_free(edge->tidy_timer);
}
