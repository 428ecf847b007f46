/* edge_mirror.c - the mirror of what HAProxy has: backends, servers, stages and their domains; see
 * edge_inside.h. edge_answers.c fills it. */
#include "ports/edge_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
edge_server_is_of_version(const char *name)
{
	return strchr(name, 'v') != NULL;
}

bool
edge_server_name_parse(const char *name, uint64_t *ret_deploy, int *ret_replica)
{
	struct str deploy;
	struct str replica =
	    str_cut(str_of(name), edge_server_is_of_version(name) ? 'v' : 'r', &deploy);
	uint64_t deploy_id;
	uint64_t replica_index;
	size_t n = strlen(name);

	if (n > 2 && name[0] == 'd' && name[n - 1] == 'h'
	    && str_number((struct str){ name + 1, n - 2 }, INT64_MAX, &deploy_id)
	    && deploy_id != 0) {
		*ret_deploy = deploy_id;
		*ret_replica = EDGE_NOBODY;
		return true;
	}
	if (deploy.n < 2 || deploy.p[0] != 'd')
		return false;
	deploy.p++;
	deploy.n--;
	if (!str_number(deploy, INT64_MAX, &deploy_id)
	    || !str_number(replica, REPLICAS_MAX - 1, &replica_index) || deploy_id == 0)
		return false;
	*ret_deploy = deploy_id;
	*ret_replica = (int)replica_index;
	return true;
}

struct edge_stage *
edge_stage_find(const struct edge *edge, uint64_t id)
{
	struct edge_stage *stage = edge->stages_by_id[id % EDGE_STAGES_WAYS];

	while (stage != NULL && stage->id != id)
		stage = stage->next_by_id;
	return stage;
}

struct edge_stage *
edge_stage_get(struct edge *edge, uint64_t id)
{
	struct edge_stage *stage = edge_stage_find(edge, id);
	struct edge_stage **way = &edge->stages_by_id[id % EDGE_STAGES_WAYS];

	if (stage != NULL)
		return stage;
	stage = calloc(1, sizeof(*stage));
	CHECK(stage != NULL);
	*stage = (struct edge_stage){ .id = id, .next = edge->stages, .next_by_id = *way };
	edge->stages = stage;
	*way = stage;
	return stage;
}

struct edge_stage *
edge_version_get(struct edge *edge, uint64_t deploy, uint64_t stage)
{
	struct edge_stage *version = edge_stage_get(edge, deploy);

	version->version_of = stage;
	return version;
}

struct edge_backend *
edge_backend_new(const char *name, int tcp_port)
{
	struct edge_backend *b = calloc(1, sizeof(*b));

	CHECK(b != NULL);
	b->tcp_port = tcp_port;
	snprintf(b->name, sizeof(b->name), "%s", name);
	return b;
}

void
edge_backend_free(struct edge_backend *b)
{
	if (b == NULL)
		return;
	free(b->servers);
	free(b);
}

void
edge_pool_grow(struct edge *edge, size_t count)
{
	struct edge_backend **grown;

	if (count <= edge->pool_count)
		return;
	CHECK(count <= EDGE_BACKENDS_MAX);
	grown = realloc(edge->pool, count * sizeof(*grown));
	CHECK(grown != NULL);
	edge->pool = grown;
	for (; edge->pool_count < count; edge->pool_count++) {
		char name[EDGE_BACKEND_NAME_SIZE];

		snprintf(name, sizeof(name), "b%zu", edge->pool_count);
		edge->pool[edge->pool_count] = edge_backend_new(name, 0);
	}
}

void
edge_stages_free(struct edge *edge)
{
	while (edge->stages != NULL) {
		struct edge_stage *stage = edge->stages;

		edge->stages = stage->next;
		edge_backend_free(stage->tcp);
		free(stage->domains);
		free(stage);
	}
	for (size_t i = 0; i < edge->pool_count; i++)
		edge_backend_free(edge->pool[i]);
	free(edge->pool);
	free(edge->tcp_ports);
}

struct edge_backend *
edge_backend_find(const struct edge *edge, struct str name)
{
	char kind = name.n > 1 ? name.p[0] : '\0';
	uint64_t number;

	if (kind == '\0'
	    || !str_number((struct str){ name.p + 1, name.n - 1 }, 65535, &number))
		return NULL;
	if (kind == 'b')
		return number < edge->pool_count ? edge->pool[number] : NULL;
	for (const struct edge_stage *stage = edge->stages; kind == 't' && stage != NULL;
	     stage = stage->next)
		if (stage->tcp != NULL && (uint64_t)stage->tcp->tcp_port == number)
			return stage->tcp;
	return NULL;
}

struct edge_server *
edge_server_find(const struct edge_backend *b, const char *name)
{
	for (size_t i = 0; i < b->server_count; i++)
		if (strcmp(b->servers[i].name, name) == 0)
			return &b->servers[i];
	return NULL;
}

struct edge_server *
edge_server_add(struct edge_backend *b, const char *name)
{
	struct edge_server *server;

	if (b->server_count == EDGE_SERVERS_MAX)
		return NULL;
	if (b->server_count == b->allocated) {
		size_t more = b->allocated == 0 ? 4 : b->allocated * 2;
		struct edge_server *grown = realloc(b->servers, more * sizeof(*grown));

		CHECK(grown != NULL);
		b->servers = grown;
		b->allocated = more;
	}
	server = &b->servers[b->server_count++];
	*server = (struct edge_server){ .deploy = 0 };
	snprintf(server->name, sizeof(server->name), "%s", name);
	if (!edge_server_name_parse(name, &server->deploy, &server->replica))
		server->deploy = 0;
	return server;
}

void
edge_domain_add(struct edge_stage *stage, struct str name)
{
	char(*grown)[DOMAIN_SIZE];

	if (stage->domain_count == EDGE_DOMAINS_SEEN_MAX || name.n >= DOMAIN_SIZE)
		return;
	grown = realloc(stage->domains, (stage->domain_count + 1) * sizeof(*grown));
	CHECK(grown != NULL);
	stage->domains = grown;
	if (str_copy(grown[stage->domain_count], DOMAIN_SIZE, name))
		stage->domain_count++;
}

void
edge_stage_set_domains(
    struct edge_stage *stage, const struct edge_domain *domains, size_t count)
{
	stage->domain_count = 0;
	for (size_t i = 0; i < count; i++)
		edge_domain_add(stage, str_of(domains[i].name));
}
