/* docker_sockets.c - how many connections a deploy's containers have, as their kernel counts them.
 *
 * The one idea: a proxy that keeps no idle connections to its servers has exactly as many of them as
 * requests in flight, and the container's own network shows them under /proc of its first process.
 * Where that cannot be seen (Slipway runs beside the engine's host, or without the right to), the
 * answer is "unknown" and never a wrong figure: the process must belong to the container. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/check.h"
#include "base/file.h"
#include "ports/docker_parts.h"

enum { TABLE_BYTES_MAX = 1 << 20, CGROUP_BYTES_MAX = 4096, ESTABLISHED = 1 };

struct watched {
	struct docker_sockets *sockets;
	char id[65];
	pid_t pid; /* 0: not known */
};

struct docker_sockets {
	struct call_list calls;
	struct watched watched[REPLICAS_MAX];
	size_t count;
	size_t left; /* to be told */
	int port;
	bool is_known;
	struct loop_timer *soon;
	docker_sockets_fn *on_ready;
	void *context;
};

static void
on_soon(void *context)
{
	struct docker_sockets *s = context;

	s->on_ready(s->context);
}

/* The number may be that of another process: in another namespace, or when it was used anew. */
static bool
belongs_to(pid_t pid, const char *container_id)
{
	char path[64];
	struct buf text;
	struct err ignored;
	bool result;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	buf_init(&text, CGROUP_BYTES_MAX);
	result = file_read(path, &text, &ignored) == 0
		 && strstr(buf_cstr(&text), container_id) != NULL;
	buf_free(&text);
	return result;
}

static void
on_inspected(void *context, const struct answer *answer)
{
	struct watched *w = context;
	struct docker_sockets *s = w->sockets;

	if (answer->kind == ANSWER_DONE)
		w->pid = (pid_t)json_number(json_get(json_get(answer->json, "State"), "Pid"));
	/* One that is gone, or ended, has no connections; one that cannot be looked into may. */
	if (answer->status != 404
	    && (answer->kind != ANSWER_DONE || (w->pid != 0 && !belongs_to(w->pid, w->id))))
		s->is_known = false;
	if (--s->left == 0)
		s->on_ready(s->context);
}

struct docker_sockets *
docker_sockets_new(
    struct docker *docker, uint64_t deploy, docker_sockets_fn *on_ready, void *context)
{
	struct docker_sockets *s = calloc(1, sizeof(*s));
	struct instance instances[REPLICAS_MAX];
	struct deploy_row row;
	const struct stage_spec *spec = NULL;
	const struct engine_config *config;

	CHECK(s != NULL);
	*s = (struct docker_sockets){
		.is_known = true, .on_ready = on_ready, .context = context
	};
	s->soon = loop_timer_new(docker->host.loop, on_soon, s);
	if (store_deploy_get(docker->host.store, deploy, &row))
		spec = catalog_spec(docker->host.catalog, row.spec);
	config = spec == NULL ? NULL : catalog_engine(docker->host.catalog, spec->engine);
	s->is_known = config != NULL;
	if (config != NULL) {
		s->port = spec->port;
		s->count =
		    store_instances(docker->host.store, deploy, instances, REPLICAS_MAX);
	}
	s->left = s->count;
	for (size_t i = 0; i < s->count; i++) {
		struct watched *w = &s->watched[i];
		char path[96];

		w->sockets = s;
		memcpy(w->id, instances[i].container_id, sizeof(w->id));
		snprintf(path, sizeof(path), "/containers/%s/json", w->id);
		call_start(engine_of(docker, config), &s->calls,
		    &(struct call_request){
			.path = path, .on_done = on_inspected, .context = w });
	}
	if (s->count == 0)
		loop_timer_set(s->soon, 0);
	return s;
}

void
docker_sockets_free(struct docker_sockets *s)
{
	if (s == NULL)
		return;
	call_list_cancel(&s->calls);
	loop_timer_free(s->soon);
	free(s);
}

/* "  0: 0100007F:1F90 0200007F:D2A4 01 ..." (proc(5)): the local port and the state. */
static uint32_t
count_in(const char *table, int port)
{
	uint32_t count = 0;

	for (const char *line = strchr(table, '\n'); line != NULL && line[1] != '\0';
	     line = strchr(line + 1, '\n')) {
		unsigned local_port;
		unsigned state;

		if (sscanf(
			line + 1, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local_port, &state)
			== 2
		    && local_port == (unsigned)port && state == ESTABLISHED)
			count++;
	}
	return count;
}

static uint32_t
count_of(const struct watched *w, int port)
{
	static const char *const tables[] = { "tcp", "tcp6" };
	uint32_t count = 0;

	for (size_t i = 0; i < COUNT(tables); i++) {
		char path[64];
		struct buf text;
		struct err ignored;

		snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)w->pid, tables[i]);
		buf_init(&text, TABLE_BYTES_MAX);
		if (file_read(path, &text, &ignored) == 0)
			count += count_in(buf_cstr(&text), port);
		buf_free(&text);
	}
	return count;
}

bool
docker_sockets_count(const struct docker_sockets *s, uint32_t *ret_count)
{
	*ret_count = 0;
	for (size_t i = 0; s->is_known && i < s->count; i++)
		if (s->watched[i].pid != 0)
			*ret_count += count_of(&s->watched[i], s->port);
	return s->is_known;
}
