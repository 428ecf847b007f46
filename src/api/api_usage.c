/* api_usage.c - what a live container uses just now. Its engine is asked at that moment, so the answer is held
 * until it has said so; nothing is sampled while nobody looks. */
#include <stdlib.h>

#include "api/inside.h"
#include "base/clock.h"
#include "ports/docker.h"
#include "store/deploys.h"

struct question {
	struct request *rq;
	int replica;
};

static void
on_usage(void *context, const struct docker_usage *usage, const char *why)
{
	struct question *q = context;
	struct json_writer w;

	if (usage != NULL) {
		json_writer_init(&w, reply_body(q->rq));
		json_object_open(&w);
		json_pair_integer(&w, "replica", q->replica);
		json_pair_integer(&w, "at_ms", clock_wall_ms());
		json_pair_integer(&w, "cpu_ns", usage->cpu_ns);
		json_pair_integer(&w, "memory_bytes", usage->memory_bytes);
		json_pair_integer(&w, "memory_limit_bytes", usage->memory_limit_bytes);
		json_pair_integer(&w, "processes", usage->process_count);
		json_object_close(&w);
		reply_json(q->rq, 200);
	} else if (why != NULL) {
		reply_error(q->rq, 502, "ENGINE",
		    "the engine did not tell what the container uses: %s", why);
	}
	free(q);
}

void
api_instance_usage(void *context, struct request *rq)
{
	struct app *app = context;
	struct instance instance;
	struct question *q;

	if (!api_instance(app, rq, &instance))
		return;
	q = calloc(1, sizeof(*q));
	CHECK(q != NULL);
	*q = (struct question){ rq, instance.replica };
	request_hold(rq);
	docker_usage_ask(app->docker, instance.deploy, instance.container_id, on_usage, q);
}
