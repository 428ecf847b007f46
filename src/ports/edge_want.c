/* edge_want.c - what a stage's route shall be, from the store; and what that needs of the edge.
 *
 * The one idea: a route is wanted for one deploy: its instances as servers, the domains and the TCP
 * port of its own revision. So restoring is the same work as switching, for the elder. */
#include "ports/edge_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ports/route.h"
#include "store/catalog.h"
#include "store/deploys.h"

static void
want_domain(struct edge_op *op, const char *name, bool is_wanted)
{
	struct edge_domain *domain = &op->domains[op->domain_count];

	for (size_t i = 0; i < op->domain_count; i++)
		if (strcmp(op->domains[i].name, name) == 0)
			return;
	if (op->domain_count == EDGE_DOMAINS_SEEN_MAX)
		return;
	domain->is_wanted = is_wanted;
	domain->state = EDGE_DOMAIN_ABSENT;
	snprintf(domain->name, sizeof(domain->name), "%s", name);
	op->domain_count++;
}

/* A route that is there stays until the proxy before it needs it no more. */
static bool
is_still_used(const struct edge_op *op)
{
	const struct edge *edge = op->edge;

	return op->kind == EDGE_MEND && op->stage->http != NULL
	       && edge->stage_is_awaited != NULL
	       && edge->stage_is_awaited(edge->context, op->stage->id);
}

/* Several versions are reached by their tags beside each other: each has a route of its own for that, and the stage's
 * leads from the other names. */
static bool
is_of_this_route(const struct edge_op *op, const struct route_want *want, size_t domain)
{
	if (op->stage->version_of != 0)
		return want->is_of_tag[domain];
	if (!want->is_of_tag[domain] || want->spec->max_instances <= 1)
		return true;
	/* It was the stage's until now: so it stays, until the version has it. */
	for (size_t i = 0; i < op->stage->domain_count; i++)
		if (strcmp(op->stage->domains[i], want->domains[domain]) == 0)
			return true;
	return false;
}

/* A server that is never up tells, also to the next process, whose the backend is. */
static void
want_marker(struct edge_op *op)
{
	struct edge_server *marker = &op->wanted[0];

	op->wanted_count = 1;
	*marker = (struct edge_server){ .deploy = op->deploy,
		.replica = EDGE_NOBODY,
		.address = EDGE_NOBODY_ADDRESS,
		.state = EDGE_SERVER_OFF };
	snprintf(marker->name, sizeof(marker->name), "d%" PRIu64 "h", op->deploy);
}

int
edge_want(struct edge_op *op, uint64_t deploy, struct err *err)
{
	struct route_want want;
	int result =
	    route_want(op->edge->host.store, op->edge->host.catalog, deploy, &want, err);

	op->deploy = deploy;
	op->is_stopped = want.is_stopped;
	op->wanted_count = 0;
	op->domain_count = 0;
	op->tag_name_count = 0;
	op->tcp_port = 0;
	if (result != 0 || deploy == 0)
		return result;
	if (want.is_restart_awaited) {
		op->edge->is_restart_awaited = true;
		edge_tidy_later(op->edge);
	}
	for (size_t i = 0; i < want.target_count; i++) {
		struct edge_server *server = &op->wanted[op->wanted_count++];

		*server = (struct edge_server){ .deploy = deploy,
			.replica = want.targets[i].replica };
		snprintf(server->name, sizeof(server->name), "d%" PRIu64 "%c%d", deploy,
		    op->stage->version_of != 0 ? 'v' : 'r', want.targets[i].replica);
		memcpy(server->address, want.targets[i].address, sizeof(server->address));
	}
	if (route_is_by_edge(op->edge->host.catalog, want.spec) || is_still_used(op)) {
		for (size_t i = 0; i < want.domain_count; i++)
			if (is_of_this_route(op, &want, i))
				want_domain(op, want.domains[i], true);
			else if (want.is_of_tag[i])
				memcpy(op->tag_names[op->tag_name_count++], want.domains[i],
				    sizeof(op->tag_names[0]));
		op->tcp_port = op->stage->version_of != 0 ? 0 : want.spec->tcp_port;
	}
	if (want.is_stopped)
		want_marker(op);
	op->drain_ms = want.spec->drain_ms;
	snprintf(op->path, sizeof(op->path), "%s",
	    want.spec->health.kind == HEALTH_HTTP && want.spec->health.path != NULL
		? want.spec->health.path
		: "/");
	return 0;
}

void
edge_want_nobody(struct edge_op *op)
{
	struct edge_server *nobody = &op->wanted[0];
	struct deploy_row row;
	bool is_waited = store_deploy_get(op->edge->host.store, op->effect.deploy, &row)
			 && strcmp(row.strategy, strategy_names[STRATEGY_STOP_FIRST]) == 0;

	op->deploy = op->effect.deploy;
	op->wanted_count = is_waited ? 1 : 0;
	*nobody = (struct edge_server){
		.deploy = op->deploy, .replica = EDGE_NOBODY, .address = EDGE_NOBODY_ADDRESS
	};
	snprintf(nobody->name, sizeof(nobody->name), "d%" PRIu64 "h", op->deploy);
	/* Who waits already has half a minute in all. */
	if (is_waited && op->drain_ms > EDGE_PARK_DRAIN_MS)
		op->drain_ms = EDGE_PARK_DRAIN_MS;
}

bool
edge_wants_route(const struct edge_op *op)
{
	return op->domain_count > 0 || op->tcp_port != 0;
}

/* Claims. */

static const struct edge_stage *
domain_owner(const struct edge_op *op, const char *name)
{
	for (const struct edge_stage *stage = op->edge->stages; stage != NULL;
	     stage = stage->next)
		for (size_t i = 0; stage != op->stage && i < stage->domain_count; i++)
			if (strcmp(stage->domains[i], name) == 0
			    && !edge_version_is_akin(op, stage))
				return stage;
	return NULL;
}

static void
name_of(const struct edge *edge, const struct edge_stage *stage, char *text, size_t size)
{
	const struct stage_entry *entry = catalog_stage(
	    edge->host.catalog, stage->version_of != 0 ? stage->version_of : stage->id);

	if (entry != NULL)
		snprintf(text, size, "%s/%s", entry->spec->project, entry->spec->stage);
	else
		snprintf(text, size, "a stage that is no longer configured");
}

static const struct edge_stage *
port_owner(const struct edge_op *op)
{
	for (const struct edge_stage *stage = op->edge->stages; stage != NULL;
	     stage = stage->next)
		if (stage != op->stage && stage->tcp != NULL
		    && stage->tcp->tcp_port == op->tcp_port)
			return stage;
	return NULL;
}

static int
check_owners(const struct edge_op *op, struct err *err)
{
	const struct edge_stage *stage = port_owner(op);
	char owner[2 * NAME_SIZE + 64];

	if (stage != NULL) {
		name_of(op->edge, stage, owner, sizeof(owner));
		return err_set(err,
		    "the TCP port %d is served by %s; take it away there and deploy that "
		    "first",
		    op->tcp_port, owner);
	}
	for (size_t i = 0; i < op->domain_count + op->tag_name_count; i++) {
		const char *name = i < op->domain_count ? op->domains[i].name
							: op->tag_names[i - op->domain_count];

		stage = domain_owner(op, name);
		if (stage == NULL)
			continue;
		name_of(op->edge, stage, owner, sizeof(owner));
		return err_set(err,
		    "the domain %s is served by %s; take it away there and deploy that first",
		    name, owner);
	}
	return 0;
}

/* What another stage has got meanwhile stays there: a restore must end, whatever it finds, and what
 * is left of a route is mended all the same. */
static void
leave_what_is_taken(struct edge_op *op)
{
	size_t left = 0;

	for (size_t i = 0; i < op->domain_count; i++) {
		if (domain_owner(op, op->domains[i].name) == NULL) {
			op->domains[left++] = op->domains[i];
			continue;
		}
		if (op->kind == EDGE_RESTORE)
			port_note(&op->edge->host, &op->effect, LOG_WARN,
			    "the domain %s has gone to another stage and stays there",
			    op->domains[i].name);
	}
	op->domain_count = left;
	op->tag_name_count = 0;
	if (port_owner(op) == NULL)
		return;
	if (op->kind == EDGE_RESTORE)
		port_note(&op->edge->host, &op->effect, LOG_WARN,
		    "the TCP port %d has gone to another stage and stays there", op->tcp_port);
	op->tcp_port = 0;
}

/* Asked before HAProxy is, because a reload that fails on it stops accepting for a moment. */
static int
check_port_free(const struct edge *edge, int port, struct err *err)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) } };
	const char *host = edge_tcp_host(edge);
	const int one = 1;
	socklen_t size = sizeof(address.v4);
	int result = 0;
	int fd;

	if (inet_pton(AF_INET, host, &address.v4.sin_addr) != 1) {
		address.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
			.sin6_port = htons((uint16_t)port) };
		size = sizeof(address.v6);
		if (inet_pton(AF_INET6, host, &address.v6.sin6_addr) != 1)
			return 0; /* a name: HAProxy will say */
	}
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &address.any, size) != 0) {
		int number = errno;

		result = err_set(err, "the edge cannot listen on %s:%d: %s; %s", host, port,
		    strerror(number),
		    number == EACCES ? "ports below 1024 need root or CAP_NET_BIND_SERVICE"
				     : "stop what listens there (`ss -ltnp`) or choose "
				       "another port for the stage");
	}
	close(fd);
	return result;
}

static struct edge_backend *
take_free_backend(struct edge *edge)
{
	for (int tries = 0; tries < 2; tries++) {
		for (size_t i = 0; i < edge->pool_count; i++)
			if (edge->pool[i]->stage == NULL && edge->pool[i]->server_count == 0)
				return edge->pool[i];
		if (edge->pool_count == 0 || edge->pool_count * 2 > EDGE_BACKENDS_MAX)
			return NULL;
		edge_pool_grow(edge, edge->pool_count * 2);
	}
	return NULL;
}

void
edge_tcp_drop_unborn(struct edge_stage *stage)
{
	if (stage->tcp == NULL || stage->tcp->is_running)
		return;
	edge_backend_free(stage->tcp);
	stage->tcp = NULL;
}

static int
claim_tcp(struct edge_op *op, struct err *err)
{
	struct edge_stage *stage = op->stage;
	char name[EDGE_BACKEND_NAME_SIZE];

	if ((stage->tcp == NULL ? 0 : stage->tcp->tcp_port) == op->tcp_port)
		return 0;
	if (op->tcp_port != 0 && !edge_listens_on(op->edge, op->tcp_port)
	    && check_port_free(op->edge, op->tcp_port, err) != 0)
		return -1;
	edge_backend_free(stage->tcp);
	stage->tcp = NULL;
	if (op->tcp_port == 0)
		return 0;
	snprintf(name, sizeof(name), "t%d", op->tcp_port);
	stage->tcp = edge_backend_new(name, op->tcp_port);
	stage->tcp->stage = stage;
	stage->tcp->is_running = edge_listens_on(op->edge, op->tcp_port);
	return 0;
}

/* Without a route nothing is claimed, but a TCP backend stays until its servers are gone. */
enum event_kind
edge_claim(struct edge_op *op, struct err *err)
{
	struct edge_stage *stage = op->stage;
	size_t wanted_count;

	if (op->kind == EDGE_RESTORE || op->kind == EDGE_MEND || op->kind == EDGE_PARK)
		leave_what_is_taken(op);
	if (check_owners(op, err) != 0)
		return EV_REFUSED;
	edge_version_take_names(op);
	wanted_count = op->domain_count;
	if (wanted_count > 0 && stage->http == NULL) {
		stage->http = take_free_backend(op->edge);
		if (stage->http == NULL) {
			err_set(err, "the edge has no room for one more of %d routes",
			    EDGE_BACKENDS_MAX);
			return EV_REFUSED;
		}
		stage->http->stage = stage;
	}
	if (op->deploy != 0 && claim_tcp(op, err) != 0)
		return EV_REFUSED;
	for (size_t i = 0; i < stage->domain_count; i++)
		want_domain(op, stage->domains[i], false);
	edge_stage_set_domains(stage, op->domains, op->domain_count);
	return EV_COUNT;
}

/* Comparison. */

bool
edge_wants_backend(const struct edge_op *op, const struct edge_backend *b)
{
	if (op->deploy == 0)
		return false;
	if (b->tcp_port != 0)
		return b->tcp_port == op->tcp_port;
	return op->domain_count > 0 && op->domains[0].is_wanted;
}

bool
edge_wants_server(
    const struct edge_op *op, const struct edge_backend *b, const struct edge_server *server)
{
	if (!edge_wants_backend(op, b))
		return false;
	for (size_t i = 0; i < op->wanted_count; i++)
		if (strcmp(op->wanted[i].name, server->name) == 0)
			return true;
	return false;
}

static bool
backend_differs(const struct edge_op *op, const struct edge_backend *b)
{
	size_t ready_count = 0;

	for (size_t i = 0; i < op->wanted_count; i++) {
		const struct edge_server *is = edge_server_find(b, op->wanted[i].name);

		if (is == NULL || is->state != op->wanted[i].state
		    || strcmp(is->address, op->wanted[i].address) != 0)
			return true;
	}
	for (size_t i = 0; i < b->server_count; i++)
		ready_count += b->servers[i].state == EDGE_SERVER_READY;
	return ready_count != (op->is_stopped ? 0 : op->wanted_count);
}

bool
edge_want_differs(const struct edge_op *op)
{
	const struct edge_stage *stage = op->stage;
	size_t same = 0;

	if ((op->domain_count > 0) != (stage->http != NULL)
	    || op->tcp_port != (stage->tcp == NULL ? 0 : stage->tcp->tcp_port))
		return true;
	if (stage->domain_count != op->domain_count)
		return true;
	for (size_t i = 0; i < op->domain_count; i++)
		for (size_t k = 0; k < stage->domain_count; k++)
			same += strcmp(op->domains[i].name, stage->domains[k]) == 0;
	return same != op->domain_count
	       || (stage->http != NULL && backend_differs(op, stage->http))
	       || (stage->tcp != NULL && backend_differs(op, stage->tcp));
}

static void
assume_servers(const struct edge_op *op, struct edge_backend *b)
{
	if (b == NULL || op->wanted_count == 0)
		return;
	b->servers = calloc(op->wanted_count, sizeof(*b->servers));
	CHECK(b->servers != NULL);
	memcpy(b->servers, op->wanted, op->wanted_count * sizeof(*b->servers));
	b->server_count = op->wanted_count;
	b->allocated = op->wanted_count;
}

void
edge_want_assume(struct edge *edge, struct edge_stage *stage, uint64_t live)
{
	struct edge_op *op = calloc(1, sizeof(*op));
	struct err ignored;

	CHECK(op != NULL);
	op->edge = edge;
	op->stage = stage;
	if (stage->http == NULL && stage->tcp == NULL && edge_want(op, live, &ignored) == 0
	    && edge_claim(op, &ignored) == EV_COUNT) {
		assume_servers(op, stage->http);
		assume_servers(op, stage->tcp);
	}
	free(op);
}
