/* docker_usage.c - what a container uses just now: one question, one answer of its engine.
 *
 * The engine is asked for a single look (one-shot), which it answers at once; without it would look twice, a
 * second apart. */
#include <stdlib.h>

#include "base/check.h"
#include "base/json.h"
#include "ports/docker_parts.h"

struct usage_question {
	LIST_ENTRY(usage_question) entry;
	struct engine *engine;
	struct call_list calls;
	struct loop_timer *soon; /* tells a failure that was clear at once */
	const char *why;
	docker_usage_fn *on_done;
	void *context;
};

static void
question_end(struct usage_question *q, const struct docker_usage *usage, const char *why)
{
	docker_usage_fn *on_done = q->on_done;
	void *context = q->context;

	LIST_REMOVE(q, entry);
	on_done(context, usage, why);
	call_list_cancel(&q->calls);
	loop_timer_free(q->soon);
	free(q);
}

/* What is cached of files goes when memory is needed; the engine's own client takes it off, too. The two
 * names are those of the older and the newer control groups. */
static int64_t
cached_bytes(const struct json *memory)
{
	const struct json *stats = json_get(memory, "stats");
	int64_t older = json_number(json_get(stats, "total_inactive_file"));

	return older > 0 ? older : json_number(json_get(stats, "inactive_file"));
}

void
usage_read(const struct json *answer, struct docker_usage *ret)
{
	const struct json *memory = json_get(answer, "memory_stats");
	int64_t used = json_number(json_get(memory, "usage"));
	int64_t cached = cached_bytes(memory);

	*ret = (struct docker_usage){ .memory_bytes = cached < used ? used - cached : used,
		.memory_limit_bytes = json_number(json_get(memory, "limit")),
		.cpu_ns = json_number(json_get(
		    json_get(json_get(answer, "cpu_stats"), "cpu_usage"), "total_usage")),
		.process_count =
		    json_number(json_get(json_get(answer, "pids_stats"), "current")) };
}

static void
on_answer(void *context, const struct answer *answer)
{
	struct usage_question *q = context;
	struct docker_usage usage;

	if (answer->kind != ANSWER_DONE) {
		question_end(q, NULL, answer->message);
		return;
	}
	usage_read(answer->json, &usage);
	question_end(q, &usage, NULL);
}

static void
on_soon(void *context)
{
	struct usage_question *q = context;

	question_end(q, NULL, q->why);
}

void
docker_usage_ask(struct docker *docker, uint64_t deploy_id, const char *container_id,
    docker_usage_fn *on_done, void *context)
{
	struct usage_question *q = calloc(1, sizeof(*q));
	struct call_request request = {
		.total_ms = USAGE_MS, .on_done = on_answer, .context = q
	};
	struct usage_question *other;
	struct buf path;
	int count = 0;

	CHECK(q != NULL && on_done != NULL);
	LIST_FOREACH(other, &docker->usages, entry)
	count++;
	q->on_done = on_done;
	q->context = context;
	q->engine = engine_of_deploy(docker, deploy_id);
	q->soon = loop_timer_new(docker->host.loop, on_soon, q);
	LIST_INIT(&q->calls);
	LIST_INSERT_HEAD(&docker->usages, q, entry);
	if (count >= USAGES_MAX)
		q->why = "too many containers are being looked at already; try again";
	else if (q->engine == NULL)
		q->why =
		    "the deploy is not known, or its Docker engine is not configured any more";
	if (q->why != NULL) {
		loop_timer_set(q->soon, 0);
		return;
	}
	buf_init(&path, 512);
	buf_text(&path, "/containers/");
	url_escape(&path, container_id);
	buf_text(&path, "/stats?stream=false&one-shot=true");
	request.path = buf_cstr(&path);
	call_start(q->engine, &q->calls, &request);
	buf_free(&path);
}

void
usage_free_all(struct docker *docker)
{
	while (!LIST_EMPTY(&docker->usages))
		question_end(LIST_FIRST(&docker->usages), NULL, NULL);
}

bool
usage_uses(const struct docker *docker, const struct engine *engine)
{
	const struct usage_question *q;

	LIST_FOREACH(q, &docker->usages, entry)
	if (q->engine == engine)
		return true;
	return false;
}
