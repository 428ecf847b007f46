/* front_line.c - the line before the driver of a proxy.
 *
 * The one idea: one at a time. A proxy like this takes a change by writing files and loading them
 * anew, and two changes at once lose one of them; so all that changes it stands in one line, and a
 * job that is at the proxy is waited for, even when nobody needs it any more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "config/guarantee.h"
#include "ports/front_inside.h"

enum { LINE_MS = 120000 }; /* the swap's own deadline is longer */

void
front_hand_over(const struct front *front, const struct effect *effect)
{
	front->settings.hand_over(front->settings.hand_over_context, effect);
}

static void
note_switched(struct front_op *op, const struct front_answer *answer)
{
	const struct proxy_config *config = &op->front->config;
	const struct guarantee *guarantee = guarantee_of(config->kind, config->is_direct);
	int64_t ms = (clock_mono_us() - op->began_us) / 1000;

	if (answer->text[0] != '\0')
		port_note(&op->front->host, &op->effect, LOG_WARN, "proxy '%s': %s",
		    config->name, answer->text);
	port_note(&op->front->host, &op->effect, LOG_INFO,
	    config->is_direct ? "proxy '%s' leads to this deploy (%s, %" PRId64 " ms)"
			      : "proxy '%s' leads to the edge (%s, %" PRId64 " ms)",
	    config->name, guarantee->way, ms);
}

static void
switched(struct front_op *op, const struct front_answer *answer)
{
	struct front *front = op->front;

	op->stage->difference[0] = '\0';
	front_is_led(op->stage, answer->has_changed);
	note_switched(op, answer);
	if (answer->has_changed)
		front_sync(front); /* a name given up may be wanted back by another stage */
	if (front->config.is_direct) {
		front_op_done(op, EV_SWITCHED, 0);
		return;
	}
	front_confirm_way(op);
}

void
front_arrived(struct front_op *op)
{
	struct front *front = op->front;
	struct effect effect = op->effect;

	op->stage->ensured = front_route_hash(&op->route);
	front_op_drop(op);
	front_hand_over(front, &effect);
}

static void
leave_out(struct front_route *route, uint32_t left)
{
	size_t kept = 0;

	for (size_t i = 0; i < route->domain_count; i++)
		if (!(left >> i & 1u))
			memmove(route->domains[kept++], route->domains[i], DOMAIN_SIZE);
	route->domain_count = kept;
}

static void
given_back(struct front_op *op, const struct front_answer *answer)
{
	struct front *front = op->front;
	struct effect effect = op->effect;

	if (answer->text[0] != '\0')
		port_note(&front->host, &op->effect, LOG_WARN, "proxy '%s': %s",
		    front->config.name, answer->text);
	op->stage->ensured = 0;
	front_sync(front);
	leave_out(&op->route, answer->left);
	if (!front->config.is_direct) {
		front_op_drop(op);
		front_hand_over(front, &effect);
	} else if (answer->is_left)
		front_drain(op);
	else if (op->is_removing || op->route.target_count == 0 || op->route.domain_count == 0)
		front_confirm_gone(op);
	else
		front_confirm(op);
}

/* It leads to the edge, and has led the same domains there for the version that serves. */
static bool
may_stand(const struct front_op *op)
{
	struct front_route elder;
	struct err ignored;

	return op->kind == FRONT_SWITCH && !op->front->config.is_direct
	       && op->effect.elder != 0
	       && front_route_fill(op->front, op->effect.elder, &elder, &ignored) == 0
	       && elder.domain_count > 0
	       && front_route_hash(&elder) == front_route_hash(&op->route);
}

static void
on_worked(void *context, const struct front_answer *answer)
{
	struct front_op *op = context;
	struct front *front = op->front;

	/* A person decided against what would mend it: a difference of the stage, no fault of the proxy. */
	bool is_decided = op->work == FRONT_MEND && answer->outcome == FRONT_REFUSED;

	CHECK(front->working == op);
	front->working = NULL;
	if (op->stage != NULL && answer->is_untouched)
		op->stage->is_touched = op->was_touched;
	if (answer->outcome == FRONT_DONE || answer->outcome == FRONT_DIFFERS || is_decided)
		front_fault_set(front, "%s", "");
	else
		front_fault_set(front, "%s", answer->text);
	if (op->stage == NULL)
		front_op_free(op);
	else if (op->kind == FRONT_SYNC)
		front_synced(op, answer);
	else if (answer->outcome == FRONT_TROUBLED && answer->is_untouched && may_stand(op)) {
		snprintf(op->unasked, sizeof(op->unasked), "%s", answer->text);
		front_confirm_way(op);
	} else if (answer->outcome != FRONT_DONE)
		front_op_fail(op, answer->outcome == FRONT_REFUSED ? EV_REFUSED : EV_TROUBLED,
		    "%s", answer->text);
	else if (op->kind == FRONT_SWITCH)
		switched(op, answer);
	else
		given_back(op, answer);
	front_line_go_on(front);
}

void
front_line_go_on(struct front *front)
{
	struct front_op *op = TAILQ_FIRST(&front->line);
	struct front_job job;

	if (front->working != NULL || op == NULL)
		return;
	TAILQ_REMOVE(&front->line, op, entry);
	op->is_in_line = false;
	front->working = op;
	op->was_touched = op->stage->is_touched;
	if (op->work != FRONT_COMPARE) /* from now on, whatever is heard of it */
		op->stage->is_touched = true;
	loop_timer_set(op->deadline, front->driver->ensure_ms);
	job = (struct front_job){ .work = op->work,
		.route = &op->route,
		.may_overwrite = front->config.mends,
		.on_done = on_worked,
		.context = op };
	front->driver->begin(front->self, &job);
}

void
front_line_up(struct front_op *op, enum front_work work)
{
	op->work = work;
	op->is_in_line = true;
	TAILQ_INSERT_TAIL(&op->front->line, op, entry);
	loop_timer_set(op->deadline, LINE_MS);
	front_line_go_on(op->front);
}
