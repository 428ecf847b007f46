/* edge_drain.c - the second half of DRAIN, RESTORE, PARK and mending: the servers that are not wanted any
 * more finish what they have in hand, are switched off and deleted.
 *
 * The one idea: in flight is what HAProxy counts, in the worker that runs and in those of before a
 * reload, which keep their connections until they end. Two looks with nothing in flight are
 * believed. A server that cannot be deleted yet (an idle connection) is off and harms nobody; it
 * is deleted later. */
#include "ports/edge_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"

enum {
	LOOK_MIN_MS = 2,
	LOOK_MAX_MS = 200,
	QUIET_LOOKS = 2,
	CUT_US = 2000000, /* for cut connections to be gone */
	RESTORE_US = 8000000, /* a failed version's requests; its effect has 20 s in all */
	WORKERS_BYTES_MAX = 4096,
};

static void look_next_worker(struct edge_op *op);

static void
each_other(struct edge_op *op,
    void (*visit)(struct edge_op *, const struct edge_backend *, const struct edge_server *))
{
	const struct edge_backend *backends[] = { op->stage->http, op->stage->tcp };

	for (size_t k = 0; k < COUNT(backends); k++)
		for (size_t i = 0; backends[k] != NULL && i < backends[k]->server_count; i++)
			if (!edge_wants_server(op, backends[k], &backends[k]->servers[i]))
				visit(op, backends[k], &backends[k]->servers[i]);
}

/* The end. */

static void
count_left(struct edge_op *op, const struct edge_backend *b UNUSED,
    const struct edge_server *server UNUSED)
{
	op->stage->has_garbage = true;
}

static void
release(struct edge_op *op)
{
	struct edge_stage *stage = op->stage;

	if (stage->http != NULL && stage->http->server_count == 0
	    && !edge_wants_backend(op, stage->http)) {
		stage->http->stage = NULL;
		stage->http = NULL;
	}
	if (stage->tcp != NULL && stage->tcp->server_count == 0
	    && !edge_wants_backend(op, stage->tcp)) {
		edge_backend_free(stage->tcp);
		stage->tcp = NULL;
	}
}

static void
finish(struct edge_op *op)
{
	struct edge *edge = op->edge;

	op->stage->has_garbage = false;
	each_other(op, count_left);
	if (op->stage->has_garbage)
		edge_tidy_later(edge);
	release(op);
	if (op->kind == EDGE_MEND) {
		if (op->stage->version_of != 0 && op->stage->http == NULL)
			edge->version_left(edge->context);
		edge_op_drop(op);
		return;
	}
	if (op->cut > 0)
		port_note(&edge->host, &op->effect, LOG_WARN,
		    "%" PRIu32
		    " connection%s to the old version did not end in time and %s cut",
		    op->cut, op->cut == 1 ? "" : "s", op->cut == 1 ? "was" : "were");
	edge_op_done(op, op->kind == EDGE_DRAIN  ? EV_DRAINED
			 : op->kind == EDGE_PARK ? EV_PARKED
						 : EV_RESTORED);
}

static void
on_swept(void *context, bool is_answered, struct str answers)
{
	struct edge_op *op = context;
	struct str answer = { "", 0 };

	op->ask = NULL;
	if (!is_answered)
		return;
	for (; op->sent_count > 0; op->sent_count--)
		edge_next_answer(&answers, &answer);
	if (op->stage->http != NULL && edge_next_answer(&answers, &answer))
		edge_take_servers(op->edge, op->stage->http, answer);
	if (op->stage->tcp != NULL && edge_next_answer(&answers, &answer))
		edge_take_servers(op->edge, op->stage->tcp, answer);
	finish(op);
}

static void
plan_sweep(struct edge_op *op, const struct edge_backend *b, const struct edge_server *server)
{
	if (op->kind == EDGE_MEND && server->in_flight > 0)
		return;
	buf_format(&op->plan, "set server %s/%s state maint\ndel server %s/%s\n", b->name,
	    server->name, b->name, server->name);
	op->sent_count += 2;
}

/* Puts "<question> <backend>" for each backend of the stage. */
static void
plan_questions(struct edge_op *op, const char *question, const char *rest)
{
	if (op->stage->http != NULL)
		buf_format(&op->plan, "%s %s%s\n", question, op->stage->http->name, rest);
	if (op->stage->tcp != NULL)
		buf_format(&op->plan, "%s %s%s\n", question, op->stage->tcp->name, rest);
	CHECK(!op->plan.overflow);
}

static void
sweep(struct edge_op *op)
{
	buf_clear(&op->plan);
	op->plan.max = EDGE_QUESTION_MAX - 1;
	op->sent_count = 0;
	each_other(op, plan_sweep);
	plan_questions(op, "show servers state", "");
	if (op->plan.n == 0)
		finish(op);
	else
		op->ask = edge_ask(op->edge->stats, on_swept, op, "%s", buf_cstr(&op->plan));
}

/* Looking. */

static void
add_in_flight(
    struct edge_op *op, const struct edge_backend *b UNUSED, const struct edge_server *server)
{
	op->in_flight += server->in_flight;
}

static void
plan_cut(struct edge_op *op, const struct edge_backend *b, const struct edge_server *server)
{
	if (server->in_flight == 0)
		return;
	if (!op->has_cut)
		op->cut += server->in_flight;
	edge_ask(op->edge->stats, NULL, NULL, "shutdown sessions server %s/%s", b->name,
	    server->name);
}

/* By its tag, until the comparison has taken that away and what was in flight by it has ended. */
static bool
elder_is_reached(const struct edge_op *op)
{
	const struct edge_stage *version =
	    op->kind == EDGE_DRAIN ? edge_stage_find(op->edge, op->effect.elder) : NULL;

	return version != NULL && version->version_of == op->stage->id && version->http != NULL
	       && !edge_version_is_wanted(op->edge, version);
}

static bool
is_over_time(const struct edge_op *op)
{
	return clock_mono_us() >= op->empty_until_us;
}

static void
judge(struct edge_op *op)
{
	each_other(op, add_in_flight);
	op->in_flight += elder_is_reached(op);
	op->quiet_looks = op->in_flight == 0 ? op->quiet_looks + 1 : 0;
	if (op->quiet_looks >= QUIET_LOOKS || op->kind == EDGE_MEND
	    || clock_mono_us() >= op->empty_until_us + CUT_US) {
		sweep(op);
		return;
	}
	if (is_over_time(op)) {
		each_other(op, plan_cut);
		op->has_cut = true;
	}
	edge_op_again(op, op->look_ms);
	op->look_ms = op->in_flight == 0 ? LOOK_MIN_MS : op->look_ms + op->look_ms / 2 + 1;
	if (op->look_ms > LOOK_MAX_MS)
		op->look_ms = LOOK_MAX_MS;
}

/* Old workers: after a reload they hold what they had, and only the master leads to them. */

static bool
is_leaving(const struct edge_op *op, struct str server_name)
{
	char name[EDGE_SERVER_NAME_SIZE];
	char leaving[EDGE_SERVER_NAME_SIZE];
	char reached[EDGE_SERVER_NAME_SIZE];
	uint64_t ids[] = { op->effect.elder, op->effect.deploy };

	if (!str_copy(name, sizeof(name), server_name))
		return false;
	for (size_t i = 0; i < COUNT(ids); i++) {
		snprintf(leaving, sizeof(leaving), "d%" PRIu64 "r", ids[i]);
		snprintf(reached, sizeof(reached), "d%" PRIu64 "v", ids[i]);
		if (ids[i] != 0 && ids[i] != op->deploy
		    && (str_starts(str_of(name), leaving)
			|| (elder_is_reached(op) && str_starts(str_of(name), reached))))
			return true;
	}
	return false;
}

static void
on_worker_stat(void *context, bool is_answered, struct str answer)
{
	struct edge_op *op = context;
	struct str line;

	op->ask = NULL;
	while (is_answered && edge_next_line(&answer, &line)) {
		uint64_t sessions;

		if (is_leaving(op, edge_field(line, ',', 1))
		    && str_number(edge_field(line, ',', 4), UINT32_MAX, &sessions))
			op->in_flight += (uint32_t)sessions;
	}
	look_next_worker(op);
}

/* "0x55e3: proto=tcpv4 src=1.2.3.4:5 fe=http be=b1 srv=d7r0 ts=00 ..."; an old worker refuses
 * `shutdown sessions server`, but ends a single one. */
static void
on_worker_sessions(void *context, bool is_answered, struct str answer)
{
	struct edge_op *op = context;
	struct str line;
	struct str pid;

	op->ask = NULL;
	str_cut(buf_view(&op->workers), '\n', &pid);
	while (is_answered && edge_next_line(&answer, &line)) {
		static const char head[] = " srv=";
		const char *at = memmem(line.p, line.n, head, sizeof(head) - 1);
		struct str session = edge_field(line, ':', 0);
		struct str name;

		if (at == NULL)
			continue;
		at += sizeof(head) - 1;
		str_cut((struct str){ at, line.n - (size_t)(at - line.p) }, ' ', &name);
		if (!is_leaving(op, name) || session.n >= 32)
			continue;
		op->cut += !op->has_cut;
		edge_ask(op->edge->master, NULL, NULL, "@!%.*s shutdown session %.*s",
		    (int)pid.n, pid.p, (int)session.n, session.p);
	}
	op->ask = edge_ask(op->edge->master, on_worker_stat, op, "@!%.*s show stat -1 4 -1",
	    (int)pid.n, pid.p);
	buf_consume(&op->workers, pid.n + 1);
	if (op->ask == NULL)
		judge(op);
}

static void
look_next_worker(struct edge_op *op)
{
	struct str pid;

	str_cut(buf_view(&op->workers), '\n', &pid);
	if (pid.n == 0) {
		judge(op);
		return;
	}
	if (is_over_time(op)) {
		op->ask = edge_ask(op->edge->master, on_worker_sessions, op,
		    "@!%.*s show sess", (int)pid.n, pid.p);
	} else {
		op->ask = edge_ask(op->edge->master, on_worker_stat, op,
		    "@!%.*s show stat -1 4 -1", (int)pid.n, pid.p);
		buf_consume(&op->workers, pid.n + 1);
	}
	if (op->ask == NULL)
		judge(op);
}

static void
on_processes(void *context, bool is_answered, struct str answer)
{
	struct edge_op *op = context;
	struct str line;
	bool is_old = false;

	op->ask = NULL;
	buf_clear(&op->workers);
	op->workers.max = WORKERS_BYTES_MAX;
	while (is_answered && edge_next_line(&answer, &line)) {
		struct str pid = edge_field(line, ' ', 0);

		if (str_starts(line, "#"))
			is_old = str_starts(line, "# old workers");
		else if (is_old && pid.n > 0) {
			buf_str(&op->workers, pid);
			buf_char(&op->workers, '\n');
		}
	}
	if (is_answered && op->workers.n == 0)
		op->edge->has_old_workers = false;
	look_next_worker(op);
}

/* Not reaching the master must not count as "nothing in flight". */
static void
look_old(struct edge_op *op)
{
	if (!op->edge->has_old_workers || op->kind == EDGE_MEND) {
		judge(op);
		return;
	}
	op->ask = edge_ask(op->edge->master, on_processes, op, "show proc");
	if (op->ask != NULL)
		return;
	edge_socket_open(op->edge->master);
	op->in_flight = is_over_time(op) ? 0 : 1;
	judge(op);
}

static void
on_stat(void *context, bool is_answered, struct str answers)
{
	struct edge_op *op = context;
	struct str answer;

	op->ask = NULL;
	if (!is_answered)
		return;
	while (edge_next_answer(&answers, &answer))
		edge_take_stat(op->edge, answer);
	look_old(op);
}

static void
look_current(struct edge_op *op)
{
	op->in_flight = 0;
	buf_clear(&op->plan);
	op->plan.max = EDGE_QUESTION_MAX - 1;
	plan_questions(op, "show stat", " 4 -1");
	if (op->plan.n == 0)
		look_old(op);
	else
		op->ask = edge_ask(op->edge->stats, on_stat, op, "%s", buf_cstr(&op->plan));
}

/* Called once the route is right, and again by the timer for each further look. */
void
edge_empty(struct edge_op *op)
{
	if (op->empty_until_us == 0) {
		op->empty_until_us =
		    clock_mono_us()
		    + (op->kind == EDGE_DRAIN || op->kind == EDGE_PARK ? op->drain_ms * 1000
								       : RESTORE_US);
		op->look_ms = LOOK_MIN_MS;
	}
	look_current(op);
}
