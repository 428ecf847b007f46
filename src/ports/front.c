/* front.c - effects in, events out: the operations of a proxy in front; see front.h.
 *
 * The one idea: an operation belongs to one stage and answers once. What changes the proxy goes through
 * the line (front_line.c); what only looks (front_confirm.c, front_drain.c) goes on beside it. */
#include "ports/front.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/loop.h"
#include "config/guarantee.h"
#include "ports/front_inside.h"
#include "store/catalog.h"

/* What a proxy was told it may take a moment to take up: nginx starts new workers, and those of before go on until then. */
enum { TAKEN_UP_US = 10000000 };

void
front_fault_set(struct front *front, const char *format, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strcmp(text, front->fault) == 0)
		return;
	memcpy(front->fault, text, sizeof(text));
	if (text[0] == '\0')
		log_info(NULL, "proxy.reached", "proxy '%s' can be driven again",
		    front->config.name);
	else
		log_error(NULL, "proxy.fault", "proxy '%s': %s", front->config.name, text);
}

const char *
front_fault(const struct front *front)
{
	const struct front_stage *stage;

	if (front->fault[0] != '\0')
		return front->fault;
	LIST_FOREACH(stage, &front->stages, entry)
	{
		if (stage->difference[0] != '\0')
			return stage->difference;
	}
	return "";
}

bool
front_leads(const struct front *front, uint64_t id)
{
	const struct front_stage *stage;

	LIST_FOREACH(stage, &front->stages, entry)
	{
		if (stage->id == id)
			return stage->led_since_us != 0
			       && clock_mono_us() - stage->led_since_us > TAKEN_UP_US;
	}
	return false;
}

void
front_is_led(struct front_stage *stage, bool is_changed)
{
	if (is_changed || stage->led_since_us == 0)
		stage->led_since_us = clock_mono_us();
}

/* Stages are few, and only those that this proxy leads to. */
struct front_stage *
front_stage_get(struct front *front, uint64_t id)
{
	struct front_stage *stage;

	LIST_FOREACH(stage, &front->stages, entry)
	{
		if (stage->id == id)
			return stage;
	}
	stage = calloc(1, sizeof(*stage));
	CHECK(stage != NULL);
	stage->id = id;
	stage->is_touched = true; /* perhaps, by the process before */
	LIST_INSERT_HEAD(&front->stages, stage, entry);
	return stage;
}

/* Life of an operation. */

void
front_op_free(struct front_op *op)
{
	front_confirm_stop(op);
	front_drain_stop(op);
	if (op->is_in_line)
		TAILQ_REMOVE(&op->front->line, op, entry);
	loop_timer_free(op->timer);
	loop_timer_free(op->deadline);
	free(op);
}

void
front_op_drop(struct front_op *op)
{
	if (op->kind == FRONT_SYNC) /* on with the next stage */
		loop_timer_set(op->front->sync_timer, 0);
	if (op->stage != NULL)
		op->stage->op = NULL;
	op->stage = NULL;
	if (op->front->working == op) { /* it may be half done: see to its end */
		loop_timer_stop(op->deadline);
		return;
	}
	front_op_free(op);
}

void
front_op_done(struct front_op *op, enum event_kind kind, uint32_t count)
{
	struct front *front = op->front;
	struct event event = port_answer(&op->effect, kind);

	event.count = count;
	front_op_drop(op);
	port_send(&front->host, &event);
}

void
front_op_fail(struct front_op *op, enum event_kind kind, const char *format, ...)
{
	struct front *front = op->front;
	struct effect effect = op->effect;
	char text[ERR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	front_op_drop(op);
	port_fail(&front->host, &effect, kind, "proxy '%s': %s", front->config.name, text);
}

static void
on_deadline(void *context)
{
	struct front_op *op = context;

	if (op->kind == FRONT_SYNC)
		front_op_drop(op);
	else if (op->is_in_line)
		front_op_fail(op, EV_TROUBLED,
		    "other changes of it took too long; this one was not begun");
	else if (op->front->working == op)
		front_op_fail(op, EV_TROUBLED, "it did not answer in time");
	else
		front_confirm_late(op);
}

static void
on_time(void *context)
{
	struct front_op *op = context;

	if (op->sockets != NULL)
		front_drain(op);
	else
		front_confirm(op);
}

struct front_op *
front_op_new(struct front *front, struct front_stage *stage, enum front_kind kind)
{
	struct front_op *op = malloc(sizeof(*op));

	CHECK(op != NULL && stage->op == NULL);
	*op = (struct front_op){
		.front = front, .stage = stage, .kind = kind, .began_us = clock_mono_us()
	};
	op->timer = loop_timer_new(front->host.loop, on_time, op);
	op->deadline = loop_timer_new(front->host.loop, on_deadline, op);
	stage->op = op;
	return op;
}

/* Effects. */

static void
make_room(struct front_stage *stage, const struct effect *effect)
{
	struct front_op *op = stage->op;

	if (op == NULL)
		return;
	if (op->kind == FRONT_SYNC || op->effect.actor == effect->actor)
		front_op_drop(op);
	else
		front_op_fail(op, EV_TROUBLED, "interrupted by another change of this route");
}

static void
begin_switch(struct front_op *op)
{
	struct front *front = op->front;

	op->stage->is_clear = false;
	if (op->route.domain_count == 0) {
		front_line_up(op, FRONT_REMOVE);
	} else if (op->route.target_count == 0)
		front_op_fail(op, EV_REFUSED,
		    front->config.is_direct
			? "no container of deploy %" PRIu64 " has an address to lead to"
			: "the edge listens nowhere for deploy %" PRIu64
			  ": set SLIPWAY_EDGE_HTTP, or 'edge_address' of the proxy",
		    op->route.deploy);
	else if (!front->config.is_direct
		 && op->stage->ensured == front_route_hash(&op->route)) {
		struct effect effect = op->effect;

		front_op_drop(op);
		front_hand_over(front, &effect);
	} else
		front_line_up(op, FRONT_ENSURE);
}

/* A proxy that was away all the time needs not be waited for: nothing was changed. */
static void
give_back_untouched(struct front_op *op)
{
	struct front *front = op->front;
	struct effect effect = op->effect;

	if (front->config.is_direct) {
		front_op_done(op, EV_RESTORED, 0);
		return;
	}
	front_op_drop(op);
	front_hand_over(front, &effect);
}

/* A job that nobody waits for any more is still under way. */
static bool
is_at_work(const struct front *front, uint64_t stage)
{
	return front->working != NULL && front->working->route.stage == stage;
}

static void
begin(struct front_op *op)
{
	const struct effect *effect = &op->effect;
	uint64_t deploy =
	    op->kind == FRONT_GIVE_BACK || op->is_removing ? effect->elder : effect->deploy;
	struct err err = { "" };
	int filled = front_route_fill(op->front, deploy, &op->route, &err);

	op->route.stage = effect->stage;
	/* The first effect of a swap: what was before is as it was. */
	if (op->kind == FRONT_SWITCH && effect->epoch == 1
	    && !is_at_work(op->front, op->stage->id))
		op->stage->is_touched = false;
	if (op->kind == FRONT_GIVE_BACK && !op->stage->is_touched) {
		give_back_untouched(op);
		return;
	}
	if (op->is_removing) {
		op->route.target_count = 0;
		front_line_up(op, FRONT_REMOVE);
	} else if (op->kind == FRONT_GIVE_BACK) {
		if (filled != 0) /* restoring must come to an end */
			op->route = (struct front_route){ .stage = effect->stage };
		if (op->route.domain_count == 0)
			op->route.target_count = 0;
		front_line_up(op, FRONT_RESTORE);
	} else if (op->kind == FRONT_DRAIN)
		front_drain(op);
	else if (filled != 0)
		front_op_fail(op, EV_REFUSED, "%s", err.text);
	else if (op->kind == FRONT_SWITCH)
		begin_switch(op);
	else if (op->route.domain_count == 0)
		front_confirm_gone(op);
	else
		front_confirm(op);
}

static void
perform(struct front *front, const struct effect *effect, bool is_removing)
{
	static const enum front_kind kinds[FX_COUNT] = { [FX_SWITCH] = FRONT_SWITCH,
		[FX_CONFIRM] = FRONT_CONFIRM,
		[FX_RESTORE] = FRONT_GIVE_BACK,
		[FX_DRAIN] = FRONT_DRAIN };
	struct front_stage *stage = front_stage_get(front, effect->stage);
	struct front_op *op;

	if (!port_passes_fence(&front->host, &stage->fence, effect))
		return;
	make_room(stage, effect);
	op = front_op_new(front, stage, kinds[effect->kind]);
	op->effect = *effect;
	op->is_removing = is_removing;
	begin(op);
}

/* Before the edge: the version that failed may have had other domains than the one that stays. Nobody
 * waits for these: who answers is decided at the edge, now, whether or not the proxy can be reached. */
static void
give_back_domains(struct front *front, const struct effect *effect)
{
	struct front_stage *stage = front_stage_get(front, effect->stage);
	struct front_op *op;
	struct err ignored;

	if (port_is_overtaken(&stage->fence, effect)
	    || (!stage->is_touched && !is_at_work(front, stage->id)))
		return;
	make_room(stage, effect);
	op = front_op_new(front, stage, FRONT_SYNC);
	if (front_route_fill(front, effect->elder, &op->route, &ignored) != 0
	    || op->route.domain_count == 0 || op->route.target_count == 0)
		front_op_drop(op);
	else
		front_line_up(op, FRONT_RESTORE);
}

void
front_perform(struct front *front, const struct effect *effect)
{
	if (front->config.is_direct || effect->kind == FX_SWITCH) {
		perform(front, effect, false);
		return;
	}
	if (effect->kind == FX_RESTORE)
		give_back_domains(front, effect);
	front_hand_over(front, effect);
}

void
front_remove(struct front *front, const struct effect *effect)
{
	perform(front, effect, true);
}

/* Life of a front. */

/* Only we can ask under this name, and it stays the same over restarts: what is written into a proxy's
 * configuration must not change with each start. */
static void
make_secret(struct front *front)
{
	char hex[HASH_HEX_SIZE];
	char text[256];

	snprintf(
	    text, sizeof(text), "slipway probe %s %s", front->store_uuid, front->config.name);
	hash_sha256_hex(str_of(text), hex);
	snprintf(front->secret, sizeof(front->secret), "%.32s", hex);
}

struct front *
front_new(const struct port_host *host, const struct front_settings *settings,
    const struct proxy_config *config, const struct front_driver *driver)
{
	struct front *front = calloc(1, sizeof(*front));

	CHECK(front != NULL);
	front->host = *host;
	front->settings = *settings;
	front->config = *config;
	snprintf(front->directory, sizeof(front->directory), "%s", settings->directory);
	snprintf(
	    front->edge_address, sizeof(front->edge_address), "%s", settings->edge_address);
	snprintf(front->store_uuid, sizeof(front->store_uuid), "%s", settings->store_uuid);
	make_secret(front);
	LIST_INIT(&front->stages);
	TAILQ_INIT(&front->line);
	front->driver = driver;
	front->driver_host = (struct front_host){ .loop = host->loop,
		.fetch = host->fetch,
		.config = &front->config,
		.directory = front->directory,
		.store_uuid = front->store_uuid,
		.secret = front->secret };
	front->self = front->driver->open(&front->driver_host);
	front_sync_new(front);
	return front;
}

void
front_free(struct front *front)
{
	struct front_stage *stage;

	if (front == NULL)
		return;
	front->driver->close(front->self);
	if (front->working != NULL) {
		struct front_op *op = front->working;

		front->working = NULL;
		front_op_drop(op);
	}
	while ((stage = LIST_FIRST(&front->stages)) != NULL) {
		if (stage->op != NULL)
			front_op_drop(stage->op);
		LIST_REMOVE(stage, entry);
		free(stage);
	}
	front_sync_free(front);
	free(front);
}

void
front_interrupt(struct front *front, const char *why)
{
	struct front_stage *stage;

	LIST_FOREACH(stage, &front->stages, entry)
	{
		if (stage->op != NULL && stage->op->kind != FRONT_SYNC)
			front_op_fail(stage->op, EV_TROUBLED, "%s", why);
	}
}

bool
front_is(const struct front *front, const struct proxy_config *config)
{
	return proxy_config_is(&front->config, config);
}
