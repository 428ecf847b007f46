/* front_sync.c - keeping the routes true: each live one is compared with what the proxy has.
 *
 * The one idea: a proxy that people run is theirs. What they changed is always told, in the log and
 * in /health, and put back only where the configuration says so. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "ports/front_inside.h"
#include "store/catalog.h"

/* A version that is not kept any more has taken its name along: that is no change of somebody else's. */
static bool
is_put_by_us(const struct front_stage *stage, const struct front_route *route)
{
	return stage->ensured == 0 || stage->ensured == front_route_hash(route);
}

/* What is left of a stage that is led elsewhere or nowhere: once is enough, it does not come back. False:
 * there is nothing to ask. */
static bool
compare(struct front *front, struct front_stage *stage, uint64_t live)
{
	struct front_op *op = front_op_new(front, stage, FRONT_SYNC);
	struct err ignored;
	bool is_known = front_route_fill(front, live, &op->route, &ignored) == 0;

	op->route.stage = stage->id;
	if (is_known && op->route.domain_count == 0 && !stage->is_clear)
		front_line_up(op, FRONT_REMOVE);
	else if (is_known && op->route.domain_count > 0 && op->route.target_count > 0)
		front_line_up(
		    op, is_put_by_us(stage, &op->route) ? FRONT_COMPARE : FRONT_MEND);
	else {
		front_op_drop(op);
		return false;
	}
	return true;
}

static void
on_time(void *context)
{
	struct front *front = context;
	size_t count = catalog_stage_count(front->host.catalog);

	if (!front->is_syncing) {
		if (!front->is_sync_wanted)
			return;
		front->is_sync_wanted = false;
		front->is_syncing = true;
		front->sync_at = 0;
	}
	while (front->sync_at < count) {
		const struct stage_entry *entry =
		    catalog_stage_at(front->host.catalog, front->sync_at++);
		struct front_settings *settings = &front->settings;
		uint64_t live = settings->stage_live(settings->context, entry->id);
		struct front_stage *stage;

		if (live == 0 || settings->stage_is_busy(settings->context, entry->id))
			continue;
		stage = front_stage_get(front, entry->id);
		if (stage->op == NULL && compare(front, stage, live))
			return;
	}
	front->is_syncing = false;
	if (front->is_sync_wanted)
		loop_timer_set(front->sync_timer, 0);
}

void
front_sync(struct front *front)
{
	front->is_sync_wanted = true;
	if (!front->is_syncing)
		loop_timer_set(front->sync_timer, 0);
}

static void
report(struct front_op *op, const char *text)
{
	struct log_context context = { .deploy_id = op->route.deploy,
		.project = op->route.project,
		.stage = op->route.stage_name };

	if (strncmp(op->stage->difference, text, sizeof(op->stage->difference) - 1) == 0)
		return;
	snprintf(op->stage->difference, sizeof(op->stage->difference), "%s", text);
	log_warn(&context, "proxy.drift", "proxy '%s': %s", op->front->config.name, text);
	port_notice(&op->front->host, NOTICE_DRIFT, op->route.deploy, op->front->config.name,
	    "proxy '%s': %s", op->front->config.name, text);
}

void
front_synced(struct front_op *op, const struct front_answer *answer)
{
	struct front *front = op->front;
	struct log_context context = { .deploy_id = op->route.deploy,
		.project = op->route.project,
		.stage = op->route.stage_name };

	if (answer->outcome == FRONT_DIFFERS) {
		/* Where it is mended, and cannot be, that says more. */
		if (!front->config.mends || op->stage->difference[0] == '\0')
			report(op, answer->text);
		op->stage->ensured = 0;
		if (front->config.mends) {
			front_line_up(op, FRONT_MEND);
			return;
		}
	} else if (op->work == FRONT_MEND && answer->outcome == FRONT_REFUSED) {
		report(op, answer->text);
	} else if (op->work == FRONT_RESTORE) { /* a comparison sees what could not be done */
		op->stage->ensured = 0;
		front_sync(front);
	} else if (op->work == FRONT_REMOVE) {
		op->stage->is_clear = answer->outcome == FRONT_DONE;
	} else if (answer->outcome == FRONT_DONE) {
		if (op->work == FRONT_MEND && op->stage->difference[0] != '\0')
			log_info(&context, "proxy.mended",
			    "proxy '%s': the route is as it should be again",
			    front->config.name);
		op->stage->difference[0] = '\0';
		front_is_led(op->stage, op->work == FRONT_MEND);
		if (!front->config.is_direct)
			op->stage->ensured = front_route_hash(&op->route);
	}
	front_op_drop(op);
}

void
front_sync_new(struct front *front)
{
	front->sync_timer = loop_timer_new(front->host.loop, on_time, front);
}

void
front_sync_free(struct front *front)
{
	loop_timer_free(front->sync_timer);
}
