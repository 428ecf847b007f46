/* edge_answers.c - HAProxy's answers taken apart, into the mirror.
 *
 * The one idea: a server's name says which deploy and replica it is ("d42r0"), a deploy's row says
 * of which stage. So everything about a running edge can be learned from itself and the store,
 * and nothing has to be remembered beside it. */
#include "ports/edge_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/deploys.h"

/* Columns of `show servers state` (version 1) and `show stat`. */
enum {
	STATE_BACKEND = 1,
	STATE_SERVER = 3,
	STATE_ADDRESS = 4,
	STATE_ADMIN = 6,
	STATE_PORT = 18
};
enum {
	STAT_BACKEND = 0,
	STAT_SERVER = 1,
	STAT_QUEUE = 2,
	STAT_SESSIONS = 4,
	STAT_TOTAL = 7,
	STAT_ERRORS = 13,
	STAT_BROKEN = 14, /* answers that ended before their head did */
	STAT_5XX = 43,
	STAT_REQUESTS = 48,
};
enum { ADMIN_OFF = 0x01 | 0x02 | 0x04 | 0x20 | 0x40, ADMIN_DRAIN = 0x08 | 0x10 };

bool
edge_next_line(struct str *rest, struct str *ret_line)
{
	if (rest->n == 0)
		return false;
	*rest = str_cut(*rest, '\n', ret_line);
	return true;
}

struct str
edge_field(struct str line, char separator, int index)
{
	struct str field = { "", 0 };

	for (int i = 0; i <= index; i++)
		line = str_cut(line, separator, &field);
	return field;
}

bool
edge_is_stopping(struct str info)
{
	struct str line;

	while (edge_next_line(&info, &line))
		if (str_is(str_trim(line), "Stopping: 1"))
			return true;
	return false;
}

static uint64_t
number_of(struct str text)
{
	uint64_t number = 0;

	return str_number(text, UINT64_MAX, &number) ? number : 0;
}

/* An adopted backend belongs to the stage whose deploys its servers are. One that the store does not
 * know (any more) gets a stage that does not exist, so that the comparison takes its route away. */
static void
backend_adopt(struct edge *edge, struct edge_backend *b, const struct edge_server *server)
{
	struct edge_stage *stage;
	struct deploy_row row;

	if (b->stage != NULL || b->tcp_port != 0)
		return;
	if (server->deploy != 0 && store_deploy_get(edge->host.store, server->deploy, &row))
		stage = edge_server_is_of_version(server->name)
			    ? edge_version_get(edge, server->deploy, row.stage)
			    : edge_stage_get(edge, row.stage);
	else
		stage = edge_stage_get(edge, UINT64_MAX - number_of(str_of(b->name + 1)));
	if (stage->http != NULL)
		stage = edge_stage_get(edge, UINT64_MAX - number_of(str_of(b->name + 1)));
	stage->http = b;
	b->stage = stage;
}

/* A TCP backend exists only for a stage: it is made for the first server that names one. */
static struct edge_backend *
tcp_backend_adopt(struct edge *edge, struct str name, const char *server_name)
{
	struct edge_stage *stage;
	struct deploy_row row;
	uint64_t deploy;
	uint64_t port;
	int replica;
	char text[EDGE_BACKEND_NAME_SIZE];

	if (name.n < 2 || name.p[0] != 't' || !str_copy(text, sizeof(text), name)
	    || !str_number(str_of(text + 1), 65535, &port)
	    || !edge_server_name_parse(server_name, &deploy, &replica)
	    || !store_deploy_get(edge->host.store, deploy, &row))
		return NULL;
	stage = edge_stage_get(edge, row.stage);
	if (stage->tcp != NULL)
		return NULL;
	stage->tcp = edge_backend_new(text, (int)port);
	stage->tcp->stage = stage;
	stage->tcp->is_running = true;
	return stage->tcp;
}

static void
set_address(struct edge_server *server, struct str host, struct str port)
{
	bool is_v6 = memchr(host.p, ':', host.n) != NULL;

	snprintf(server->address, sizeof(server->address), is_v6 ? "[%.*s]:%.*s" : "%.*s:%.*s",
	    (int)host.n, host.p, (int)port.n, port.p);
}

static void
take_server(struct edge *edge, struct edge_backend *only, struct str line)
{
	struct str backend_name = edge_field(line, ' ', STATE_BACKEND);
	uint64_t admin = number_of(edge_field(line, ' ', STATE_ADMIN));
	struct edge_backend *b = edge_backend_find(edge, backend_name);
	struct edge_server *server;
	char name[EDGE_SERVER_NAME_SIZE];

	if (!str_copy(name, sizeof(name), edge_field(line, ' ', STATE_SERVER)))
		return;
	if (b == NULL && only == NULL)
		b = tcp_backend_adopt(edge, backend_name, name);
	if (b == NULL || (only != NULL && b != only))
		return;
	server = edge_server_find(b, name);
	if (server == NULL)
		server = edge_server_add(b, name);
	if (server == NULL)
		return;
	server->is_seen = true;
	server->state = (admin & ADMIN_OFF)     ? EDGE_SERVER_OFF
			: (admin & ADMIN_DRAIN) ? EDGE_SERVER_DRAINING
						: EDGE_SERVER_READY;
	set_address(
	    server, edge_field(line, ' ', STATE_ADDRESS), edge_field(line, ' ', STATE_PORT));
	backend_adopt(edge, b, server);
}

static void
backend_unsee(struct edge_backend *b)
{
	for (size_t i = 0; i < b->server_count; i++)
		b->servers[i].is_seen = false;
}

static void
backend_forget_unseen(struct edge_backend *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->server_count; i++)
		if (b->servers[i].is_seen)
			b->servers[kept++] = b->servers[i];
	b->server_count = kept;
}

static void
each_backend(
    struct edge *edge, struct edge_backend *only, void (*visit)(struct edge_backend *))
{
	if (only != NULL) {
		visit(only);
		return;
	}
	for (size_t i = 0; i < edge->pool_count; i++)
		visit(edge->pool[i]);
	for (struct edge_stage *stage = edge->stages; stage != NULL; stage = stage->next)
		if (stage->tcp != NULL)
			visit(stage->tcp);
}

void
edge_take_servers(struct edge *edge, struct edge_backend *only, struct str answer)
{
	struct str line;

	each_backend(edge, only, backend_unsee);
	while (edge_next_line(&answer, &line))
		if (line.n > 0 && line.p[0] >= '0' && line.p[0] <= '9'
		    && memchr(line.p, ' ', line.n) != NULL)
			take_server(edge, only, line);
	each_backend(edge, only, backend_forget_unseen);
}

/* Without an answer of its own HAProxy gives one, and counts no response of the server. */
static void
take_requests(const struct edge_backend *b, struct edge_server *server, struct str line)
{
	uint64_t unanswered = server->failed + number_of(edge_field(line, ',', STAT_BROKEN));

	if (b->tcp_port != 0)
		return;
	server->requests = number_of(edge_field(line, ',', STAT_REQUESTS)) + unanswered;
	server->failures = number_of(edge_field(line, ',', STAT_5XX)) + unanswered;
}

void
edge_take_stat(struct edge *edge, struct str answer)
{
	struct str line;

	while (edge_next_line(&answer, &line)) {
		const struct edge_backend *b =
		    edge_backend_find(edge, edge_field(line, ',', STAT_BACKEND));
		struct edge_server *server = NULL;
		char name[EDGE_SERVER_NAME_SIZE];

		if (b != NULL
		    && str_copy(name, sizeof(name), edge_field(line, ',', STAT_SERVER)))
			server = edge_server_find(b, name);
		if (server == NULL)
			continue;
		server->in_flight = (uint32_t)(number_of(edge_field(line, ',', STAT_SESSIONS))
					       + number_of(edge_field(line, ',', STAT_QUEUE)));
		server->served = number_of(edge_field(line, ',', STAT_TOTAL));
		server->failed = number_of(edge_field(line, ',', STAT_ERRORS));
		take_requests(b, server, line);
	}
}

/* Whether it can be told back in a command. No Host header is like one that cannot. */
static bool
is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr(";\\\"'", s.p[i]) != NULL)
			return false;
	return s.n > 0;
}

/* A name that leads to a backend of nobody is taken off at once: it could only answer 503, and
 * would lead into whichever stage gets that backend next. */
void
edge_take_map(struct edge *edge, struct str answer)
{
	struct str line;
	char path[EDGE_PATH_SIZE];

	edge_path(edge, "hosts.map", path);
	for (struct edge_stage *stage = edge->stages; stage != NULL; stage = stage->next)
		if (stage->op == NULL)
			stage->domain_count = 0;
	while (edge_next_line(&answer, &line)) {
		struct str name = edge_field(line, ' ', 1);
		const struct edge_backend *b =
		    edge_backend_find(edge, edge_field(line, ' ', 2));

		if (!is_word(name))
			continue;
		if (b == NULL || b->stage == NULL)
			edge_ask(edge->stats, NULL, NULL, "del map %s %.*s", path, (int)name.n,
			    name.p);
		else if (b->stage->op == NULL)
			edge_domain_add(b->stage, name);
	}
}

bool
edge_listens_on(const struct edge *edge, int tcp_port)
{
	for (size_t i = 0; i < edge->tcp_port_count; i++)
		if (edge->tcp_ports[i] == tcp_port)
			return true;
	return false;
}

static void
note_listener(struct edge *edge, struct str name)
{
	uint64_t port;
	uint16_t *grown;

	if (name.n < 2 || name.p[0] != 't'
	    || !str_number((struct str){ name.p + 1, name.n - 1 }, 65535, &port))
		return;
	grown = realloc(edge->tcp_ports, (edge->tcp_port_count + 1) * sizeof(*grown));
	CHECK(grown != NULL);
	edge->tcp_ports = grown;
	grown[edge->tcp_port_count++] = (uint16_t)port;
}

void
edge_take_backends(struct edge *edge, struct str answer)
{
	struct str rest = answer;
	struct str line;

	for (size_t i = 0; i < edge->pool_count; i++)
		edge->pool[i]->is_running = false;
	for (struct edge_stage *stage = edge->stages; stage != NULL; stage = stage->next)
		if (stage->tcp != NULL)
			stage->tcp->is_running = false;
	edge->tcp_port_count = 0;
	while (edge_next_line(&rest, &line)) {
		uint64_t number;
		struct edge_backend *b;

		line = str_trim(line);
		note_listener(edge, line);
		if (line.n > 1 && line.p[0] == 'b'
		    && str_number((struct str){ line.p + 1, line.n - 1 },
			EDGE_BACKENDS_MAX - 1, &number))
			edge_pool_grow(edge, (size_t)number + 1);
		b = edge_backend_find(edge, line);
		if (b != NULL)
			b->is_running = true;
	}
}
