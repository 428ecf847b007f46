/* front_drain.c - the elder finishes what it has in hand; after a restore the version that failed does.
 *
 * The one idea: such a proxy does not say what is in flight to one server, but the server's kernel
 * does (docker_sockets.c). Two looks with nothing are believed, after a floor that covers what the
 * proxy may still send there; where nothing can be seen the whole drain time is waited. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/front_inside.h"
#include "store/catalog.h"
#include "store/deploys.h"

enum { LOOK_MS = 100, QUIET_LOOKS = 2, RESTORE_MS = 8000 };

static int64_t
drain_ms_of(const struct front *front, uint64_t deploy)
{
	const struct stage_spec *spec = NULL;
	struct deploy_row row;

	if (store_deploy_get(front->host.store, deploy, &row))
		spec = catalog_spec(front->host.catalog, row.spec);
	return spec == NULL ? 0 : spec->drain_ms;
}

static void
drained(struct front_op *op, uint32_t cut)
{
	if (cut > 0)
		port_note(&op->front->host, &op->effect, LOG_WARN,
		    "%" PRIu32
		    " connection%s to the version that goes did not end in time and %s cut",
		    cut, cut == 1 ? "" : "s", cut == 1 ? "was" : "were");
	front_op_done(op, op->kind == FRONT_DRAIN ? EV_DRAINED : EV_RESTORED, cut);
}

static void
look(struct front_op *op)
{
	int64_t passed_ms = (clock_mono_us() - op->began_us) / 1000;
	uint32_t count = 0;
	bool is_known = docker_sockets_count(op->sockets, &count);

	op->quiet_looks = is_known && count == 0 ? op->quiet_looks + 1 : 0;
	if (passed_ms >= op->front->driver->drain_floor_ms && op->quiet_looks >= QUIET_LOOKS)
		drained(op, 0);
	else if (passed_ms >= op->drain_ms && passed_ms >= op->front->driver->drain_floor_ms)
		drained(op, count);
	else
		loop_timer_set(op->timer, LOOK_MS);
}

static void
on_ready(void *context)
{
	struct front_op *op = context;
	uint32_t count;

	op->began_us = clock_mono_us();
	if (!docker_sockets_count(op->sockets, &count))
		port_note(&op->front->host, &op->effect, LOG_INFO,
		    "what is in flight to the version that goes cannot be seen from here: its "
		    "whole"
		    " drain time of %" PRId64 " s is waited",
		    op->drain_ms / 1000);
	look(op);
}

void
front_drain(struct front_op *op)
{
	bool is_elder;

	if (op->sockets != NULL) {
		look(op);
		return;
	}
	is_elder = op->kind == FRONT_DRAIN;
	op->drain_ms = is_elder ? drain_ms_of(op->front, op->effect.elder) : RESTORE_MS;
	front_confirm_stop(op); /* a question may be open, or the next one due */
	loop_timer_stop(op->deadline); /* this has an end of its own */
	op->sockets = docker_sockets_new(op->front->settings.docker,
	    is_elder ? op->effect.elder : op->effect.deploy, on_ready, op);
}

void
front_drain_stop(struct front_op *op)
{
	docker_sockets_free(op->sockets);
	op->sockets = NULL;
}
