/* edge.c - effects in, events out: the operations of the edge; see edge.h and edge_inside.h. */
#include "ports/edge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/edge_inside.h"
#include "store/catalog.h"

/* Less than the effects' own deadlines, so that the answer says what was seen. */
enum {
	SWITCH_MS = 10000,
	CONFIRM_MS = 15000,
	RESTORE_MS = 15000,
	MEND_MS = 15000,
	DRAIN_EXTRA_MS = 15000
};

void
edge_fault_set(struct edge *edge, const char *format, ...)
{
	char before[ERR_TEXT_SIZE];
	va_list args;

	memcpy(before, edge->fault, sizeof(before));
	va_start(args, format);
	vsnprintf(edge->fault, sizeof(edge->fault), format, args);
	va_end(args);
	if (strcmp(before, edge->fault) != 0)
		log_error(NULL, "edge.fault", "%s", edge->fault);
}

/* Life of an operation. */

void
edge_op_suspend(struct edge_op *op)
{
	edge_ask_drop(op->ask);
	op->ask = NULL;
	loop_timer_stop(op->timer);
	edge_confirm_stop(op);
}

void
edge_op_drop(struct edge_op *op)
{
	edge_op_suspend(op);
	CHECK(op->stage->op == op);
	op->stage->op = NULL;
	if (op->stage->version_of != 0 && op->edge->is_version_awaited) {
		op->edge->is_version_awaited = false;
		edge_sync(op->edge);
	}
	loop_timer_free(op->timer);
	loop_timer_free(op->deadline);
	buf_free(&op->plan);
	buf_free(&op->workers);
	free(op);
}

void
edge_op_done(struct edge_op *op, enum event_kind kind)
{
	struct edge *edge = op->edge;
	struct event event = port_answer(&op->effect, kind);

	CHECK(op->kind != EDGE_MEND);
	event.count = op->cut;
	edge_op_drop(op);
	port_send(&edge->host, &event);
}

void
edge_op_fail(struct edge_op *op, enum event_kind kind, const char *format, ...)
{
	struct edge *edge = op->edge;
	struct effect effect = op->effect;
	bool is_mend = op->kind == EDGE_MEND;
	char text[ERR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (edge->link == EDGE_LINK_UP)
		edge_tcp_drop_unborn(op->stage);
	if (is_mend)
		log_warn(&(struct log_context){ .deploy_id = op->deploy }, "edge.unmended",
		    "%s", text);
	edge_op_drop(op);
	if (!is_mend)
		port_fail(&edge->host, &effect, kind, "%s", text);
}

static void
on_deadline(void *context)
{
	struct edge_op *op = context;
	const char *fault = edge_fault(op->edge);

	if (op->edge->link != EDGE_LINK_UP)
		edge_op_fail(op, EV_TROUBLED, "%s",
		    fault[0] != '\0' ? fault : "HAProxy is not there yet");
	else if (op->kind == EDGE_CONFIRM)
		edge_op_fail(op, EV_TROUBLED,
		    "the new version could not be confirmed through the proxy: %s",
		    op->said[0] != '\0' ? op->said : "no answer came");
	else
		edge_op_fail(op, EV_TROUBLED, "HAProxy did not take the change in time%s%s",
		    op->said[0] != '\0' ? ": " : "", op->said);
}

static void
on_time(void *context)
{
	edge_op_look(context);
}

static struct edge_op *
op_new(struct edge *edge, struct edge_stage *stage, enum edge_op_kind kind)
{
	struct edge_op *op = calloc(1, sizeof(*op));

	CHECK(op != NULL && stage->op == NULL);
	*op = (struct edge_op){ .edge = edge,
		.stage = stage,
		.kind = kind,
		.tcp_fd = -1,
		.began_us = clock_mono_us() };
	op->timer = loop_timer_new(edge->host.loop, on_time, op);
	op->deadline = loop_timer_new(edge->host.loop, on_deadline, op);
	stage->op = op;
	return op;
}

void
edge_op_again(struct edge_op *op, int64_t delay_ms)
{
	loop_timer_set(op->timer, delay_ms);
}

void
edge_op_look(struct edge_op *op)
{
	if (op->kind == EDGE_CONFIRM)
		edge_confirm(op);
	else
		edge_empty(op);
}

/* False: it has failed. */
static bool
want(struct edge_op *op)
{
	uint64_t target = op->kind == EDGE_RESTORE || op->kind == EDGE_PARK ? op->effect.elder
			  : op->kind == EDGE_MEND                           ? op->deploy
						  : op->effect.deploy;
	struct err err = { "" };
	bool is_known = edge_want(op, target, &err) == 0;

	/* A revision without a route needs nothing to lead to: switching to it takes the route away. */
	if (is_known && !edge_wants_route(op))
		return true;
	/* Restoring must come to an end: with nothing left to lead to, there is no route. */
	if (op->kind == EDGE_RESTORE && target != 0 && (!is_known || op->wanted_count == 0)) {
		port_note(&op->edge->host, &op->effect, LOG_WARN,
		    "the version before (deploy %" PRIu64
		    ") has no container left to lead to; the route is taken away",
		    target);
		return edge_want(op, 0, &err) == 0;
	}
	if (!is_known) {
		edge_op_fail(op, EV_REFUSED, "%s", err.text);
		return false;
	}
	if (op->kind == EDGE_PARK) {
		edge_want_nobody(op);
		return true;
	}
	if (op->wanted_count == 0 && op->kind != EDGE_MEND) {
		edge_op_fail(op, op->kind == EDGE_SWITCH ? EV_REFUSED : EV_TROUBLED,
		    "no container of deploy %" PRIu64 " has an address to lead to", target);
		return false;
	}
	return true;
}

void
edge_op_begin(struct edge_op *op)
{
	struct edge *edge = op->edge;
	struct err err = { "" };
	enum event_kind claimed;

	edge_op_suspend(op);
	op->is_begun = true;
	op->quiet_looks = 0;
	op->confirmed = 0;
	op->step = 0;
	if (!want(op))
		return;
	if (op->kind == EDGE_CONFIRM) {
		edge_confirm(op);
		return;
	}
	if (op->kind == EDGE_DRAIN || op->kind == EDGE_PARK)
		loop_timer_set(op->deadline, op->drain_ms + DRAIN_EXTRA_MS);
	claimed = edge_claim(op, &err);
	if (claimed != EV_COUNT) {
		edge_op_fail(op, claimed, "%s", err.text);
		return;
	}
	if (edge_wants_reload(edge)) {
		edge_reload(edge);
		if (edge->link == EDGE_LINK_RELOADING)
			return;
	}
	edge_converge(op);
}

void
edge_mend(struct edge *edge, struct edge_stage *stage, uint64_t deploy)
{
	struct edge_op *op = op_new(edge, stage, EDGE_MEND);

	op->deploy = deploy;
	op->effect.stage = stage->id;
	loop_timer_set(op->deadline, MEND_MS);
	edge_op_begin(op);
}

/* Effects. */

static bool
kind_of(const struct effect *effect, enum edge_op_kind *ret_kind)
{
	static const struct {
		enum effect_kind effect;
		enum edge_op_kind kind;
	} kinds[] = { { FX_SWITCH, EDGE_SWITCH }, { FX_CONFIRM, EDGE_CONFIRM },
		{ FX_RESTORE, EDGE_RESTORE }, { FX_DRAIN, EDGE_DRAIN },
		{ FX_PARK, EDGE_PARK } };

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (kinds[i].effect == effect->kind) {
			*ret_kind = kinds[i].kind;
			return true;
		}
	return false;
}

static void
make_room(struct edge_stage *stage, const struct effect *effect)
{
	struct edge_op *op = stage->op;

	if (op == NULL)
		return;
	if (op->kind == EDGE_MEND || op->effect.actor == effect->actor)
		edge_op_drop(op);
	else
		edge_op_fail(op, EV_TROUBLED, "interrupted by another change of this route");
}

void
edge_perform(struct edge *edge, const struct effect *effect)
{
	struct edge_stage *stage = edge_stage_get(edge, effect->stage);
	enum edge_op_kind kind = EDGE_SWITCH;
	struct edge_op *op;

	CHECK(kind_of(effect, &kind));
	if (!port_passes_fence(&edge->host, &stage->fence, effect))
		return;
	make_room(stage, effect);
	op = op_new(edge, stage, kind);
	op->effect = *effect;
	loop_timer_set(op->deadline, kind == EDGE_CONFIRM   ? CONFIRM_MS
				     : kind == EDGE_RESTORE ? RESTORE_MS
							    : SWITCH_MS);
	if (edge->link == EDGE_LINK_UP)
		edge_op_begin(op);
}

/* Life of the edge. */

struct edge *
edge_new(const struct port_host *host, const struct edge_settings *settings, struct err *err)
{
	struct edge *edge = calloc(1, sizeof(*edge));

	CHECK(edge != NULL);
	edge->host = *host;
	edge->is_kept_elsewhere = settings->is_kept_elsewhere;
	edge->stage_live = settings->stage_live;
	edge->stage_is_busy = settings->stage_is_busy;
	edge->stage_is_awaited = settings->stage_is_awaited;
	edge->stage_versions = settings->stage_versions;
	edge->version_left = settings->version_left;
	edge->context = settings->context;
	if (edge_settings_take(edge, settings, err) != 0) {
		free(edge);
		return NULL;
	}
	edge_sync_new(edge);
	edge_link_new(edge);
	return edge;
}

void
edge_free(struct edge *edge)
{
	if (edge == NULL)
		return;
	for (struct edge_stage *stage = edge->stages; stage != NULL; stage = stage->next)
		if (stage->op != NULL)
			edge_op_drop(stage->op);
	edge_link_free(edge);
	edge_sync_free(edge);
	edge_stages_free(edge);
	free(edge);
}

const char *
edge_probe_header(const struct edge *edge)
{
	return edge->probe_header;
}

bool
edge_is_ready(const struct edge *edge)
{
	return edge->link == EDGE_LINK_UP;
}

const char *
edge_fault(const struct edge *edge)
{
	return edge->fault;
}
