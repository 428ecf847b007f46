/* front_confirm.c - is it the right version that answers through the proxy?
 *
 * The one idea: believe only answers that name who gave them, each on a connection of its own, in a
 * row and over a while: a proxy that loads its configuration anew goes on serving the old one for a
 * moment after it said that it is done. The same when a route was taken away: what has gone answers no
 * more. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/front_inside.h"

enum {
	REQUEST_MS = 10000,
	BODY_MAX = 256 << 10,
	SLOW_ANSWERS = 2, /* are enough from an app that took so long for them: */
	SLOW_US = 4000000,
};

static void
confirmed(struct front_op *op)
{
	int64_t ms = (clock_mono_us() - op->began_us) / 1000;

	if (op->unasked[0] != '\0')
		port_note(&op->front->host, &op->effect, LOG_WARN,
		    "proxy '%s' could not be asked; its visitors come to the edge as before: "
		    "%s",
		    op->front->config.name, op->unasked);
	if (op->is_arriving) {
		front_arrived(op);
		return;
	}
	if (op->kind == FRONT_CONFIRM && !op->is_leaving)
		port_note(&op->front->host, &op->effect, LOG_INFO,
		    "confirmed through proxy '%s': %d answers in a row (%lld ms)",
		    op->front->config.name, op->confirmed, (long long)ms);
	if (op->kind == FRONT_CONFIRM)
		front_op_done(op, EV_CONFIRMED, 0);
	else
		front_drain(op);
}

/* What the old version answers after a restore is not this deploy's fault. */
bool
front_confirm_is_good(
    const struct front_op *op, const struct fetch_result *result, enum front_proof proof)
{
	if (op->is_leaving)
		return result->outcome != FETCH_BROKEN && result->outcome != FETCH_UNREACHED
		       && proof != FRONT_PROVEN && proof != FRONT_LEADS;
	return proof == FRONT_PROVEN || (proof == FRONT_LEADS && op->kind != FRONT_CONFIRM);
}

/* Whatever the status is: the edge gave it, or a server behind it. */
static enum front_proof
came_by_edge(const struct front_op *op, const struct fetch_result *result, char said[128])
{
	const struct front *front = op->front;
	const char *set = front->config.edge_address;

	if (fetch_header(result->transfer, front->settings.edge_mark).n > 0)
		return FRONT_PROVEN;
	snprintf(said, 128, "an answer with status %d did not come from the edge at %.60s",
	    result->status, set[0] != '\0' ? set : front->edge_address);
	return FRONT_UNPROVEN;
}

/* Who has a login, or sends everybody elsewhere first, stands before the edge; whatever else answers
 * stands in its place. */
static bool
is_in_its_place(const struct fetch_result *result)
{
	int status = result->status;
	bool is_guard = status == 401 || status == 403 || status == 429
			|| (status >= 300 && status <= 399);

	return (result->outcome == FETCH_ANSWERED || result->outcome == FETCH_TOO_LARGE)
	       && !is_guard;
}

static void
on_fetched(void *context, const struct fetch_result *result)
{
	struct front_op *op = context;
	const struct front_driver *driver = op->front->driver;
	int64_t now_us = clock_mono_us();
	char said[128] = "";
	enum front_proof proof = FRONT_UNPROVEN;
	bool is_proof;

	op->transfer = NULL;
	if (result->outcome == FETCH_ANSWERED || result->outcome == FETCH_TOO_LARGE)
		proof = op->is_arriving
			    ? came_by_edge(op, result, said)
			    : driver->proves(op->front->self, &op->route, result, said);
	op->is_dead_end = is_in_its_place(result);
	op->is_other = proof == FRONT_OTHER;
	op->was_reached |= result->outcome != FETCH_UNREACHED;
	is_proof = front_confirm_is_good(op, result, proof);
	if (!is_proof && op->is_leaving)
		snprintf(op->said, sizeof(op->said), "%s still answers for %s",
		    op->route.targets[0].address, op->route.domains[0]);
	else if (!is_proof && result->outcome == FETCH_UNREACHED)
		snprintf(op->said, sizeof(op->said),
		    "nobody listens where its visitors come "
		    "in (%s): say where in 'entry' of the proxy",
		    result->why);
	else if (!is_proof)
		snprintf(
		    op->said, sizeof(op->said), "%s", said[0] != '\0' ? said : result->why);
	if (op->confirmed == 0)
		op->first_us = now_us;
	op->confirmed = is_proof ? op->confirmed + 1 : 0;
	if (op->confirmed >= SLOW_ANSWERS && now_us - op->first_us > SLOW_US)
		confirmed(op);
	else if (op->confirmed >= driver->confirm_answers
		 && now_us - op->first_us >= driver->confirm_least_ms * 1000)
		confirmed(op);
	else
		loop_timer_set(op->timer, driver->confirm_pause_ms);
}

void
front_confirm_late(struct front_op *op)
{
	const char *said = op->said[0] != '\0' ? op->said : "no answer came";

	if (op->unasked[0] != '\0') {
		front_op_fail(op, EV_TROUBLED, "%s", op->unasked);
	} else if (op->is_arriving && op->is_dead_end) {
		front_op_fail(op, EV_REFUSED,
		    "its visitors do not come to the edge: %s; see 'edge_address' and "
		    "'entry' of the proxy",
		    said);
	} else if (op->is_arriving) { /* a password before it, or nobody listens here */
		port_note(&op->front->host, &op->effect, LOG_WARN,
		    "proxy '%s' leads to the edge by its own word; it could not be seen: %s",
		    op->front->config.name, said);
		front_arrived(op);
	} else if (op->is_leaving && !op->was_reached) {
		confirmed(
		    op); /* where nobody listens nobody is led to the version that goes */
	} else if (op->is_leaving) {
		front_op_fail(op, EV_TROUBLED, "its route is gone, and yet %s", said);
	} else if (op->kind == FRONT_CONFIRM) {
		front_op_fail(op, EV_TROUBLED,
		    "the new version could not be confirmed through it: %s", said);
	} else if (op->is_other) {
		front_op_fail(
		    op, EV_TROUBLED, "it does not lead to the old version again: %s", said);
	} else {
		port_note(&op->front->host, &op->effect, LOG_WARN,
		    "proxy '%s' leads to the old version again, which does not answer: %s",
		    op->front->config.name, said);
		front_drain(op);
	}
}

/* The way is the driver's; what is asked for is what the gate asks of the app. */
static void
ask_edge(const struct front_op *op, struct front_request *to)
{
	char *path = strchr(strstr(to->url, "://") + 3, '/');
	size_t left = sizeof(to->url) - (size_t)(path - to->url);

	snprintf(path, left, "%s", op->route.path[0] == '/' ? op->route.path : "/");
	snprintf(to->secret, sizeof(to->secret), "%s", op->front->settings.edge_probe);
}

void
front_confirm(struct front_op *op)
{
	struct front *front = op->front;
	struct front_request to = { "", "", "", "" };
	const char *headers[3] = { NULL, NULL, NULL };
	struct fetch_request request = { .url = to.url,
		.headers = headers,
		.fresh = true,
		.is_unverified = true,
		.total_ms = REQUEST_MS,
		.body_max = BODY_MAX,
		.on_done = on_fetched,
		.context = op };

	if (op->asked == 0) {
		op->began_us = clock_mono_us();
		loop_timer_set(op->deadline, front->driver->confirm_ms);
	}
	front->driver->probe(front->self, &op->route, op->asked++, &to);
	if (op->is_arriving)
		ask_edge(op, &to);
	headers[0] = to.host;
	headers[1] = to.secret[0] != '\0' ? to.secret : NULL;
	request.resolve = to.resolve[0] != '\0' ? to.resolve : NULL;
	op->transfer = fetch_start(front->host.fetch, &request);
}

void
front_confirm_gone(struct front_op *op)
{
	uint64_t goes = op->kind == FRONT_GIVE_BACK ? op->effect.deploy : op->effect.elder;
	struct err ignored;

	op->is_leaving = true;
	if (goes == 0 || front_route_fill(op->front, goes, &op->route, &ignored) != 0
	    || op->route.domain_count == 0 || op->route.target_count == 0)
		confirmed(op);
	else
		front_confirm(op);
}

void
front_confirm_way(struct front_op *op)
{
	op->is_arriving = true;
	front_confirm(op);
}

void
front_confirm_stop(struct front_op *op)
{
	if (op->transfer != NULL)
		fetch_cancel(op->transfer);
	op->transfer = NULL;
	loop_timer_stop(op->timer);
}
