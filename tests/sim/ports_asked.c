/* ports_asked.c - what the API asks of the ports, in front of the world.
 *
 * The one idea: a simulated part has little to tell. Logs of containers take their time; whatever else
 * is asked is answered at once, mostly by saying that there is none of it. */
#include <string.h>

#include "config/image.h"
#include "ports/docker.h"
#include "ports/edge.h"
#include "ports/notify.h"
#include "ports/registry.h"
#include "ports_inside.h"
#include "sim.h"

struct docker_logs {
	struct docker_logs_request request;
	int64_t at_ms;
	bool is_used;
};

static struct docker_logs logs[16];
static bool are_images_asked[WORLD_ENGINES];

void
asked_reset(void)
{
	memset(logs, 0, sizeof(logs));
	memset(are_images_asked, 0, sizeof(are_images_asked));
}

void
asked_close(void)
{
	memset(logs, 0, sizeof(logs));
}

void
docker_watch(struct docker *docker UNUSED)
{
}

void
docker_engine_status(
    const struct docker *docker UNUSED, uint64_t engine_id UNUSED, struct docker_status *ret)
{
	*ret = (struct docker_status){ .is_known = true, .is_reachable = true };
}

struct docker_logs *
docker_logs_start(struct docker *docker UNUSED, const struct docker_logs_request *request)
{
	for (size_t i = 0; i < COUNT(logs); i++)
		if (!logs[i].is_used) {
			logs[i] = (struct docker_logs){ .request = *request,
				.at_ms = world.now_ms + (int64_t)(world_random() % 2000),
				.is_used = true };
			return &logs[i];
		}
	CHECK(COUNT(logs) == 0);
	return NULL;
}

void
docker_logs_cancel(struct docker_logs *l)
{
	l->is_used = false;
}

void
docker_usage_ask(struct docker *docker UNUSED, uint64_t deploy_id UNUSED,
    const char *container_id UNUSED, docker_usage_fn *on_done, void *context)
{
	on_done(context, NULL, "the simulated engine counts nothing");
}

void
docker_images_ask(struct docker *docker UNUSED, uint64_t engine_id UNUSED,
    docker_images_fn *on_done, void *context)
{
	on_done(context, NULL, "the simulated engine has no list of images");
}

void
docker_images_find(const struct docker_images *images UNUSED, const struct image *image UNUSED,
    struct docker_image_seen *ret)
{
	*ret = (struct docker_image_seen){ .is_there = false };
}

const struct docker_disk *
docker_images_disk(const struct docker_images *images UNUSED)
{
	static const struct docker_disk none;

	return &none;
}

void
docker_images_due(struct docker *docker UNUSED)
{
	memset(are_images_asked, true, sizeof(are_images_asked));
}

/* Asked for, or from time to time. */
bool
ports_are_images_due(uint32_t engine)
{
	bool is_asked = are_images_asked[engine];

	are_images_asked[engine] = false;
	return is_asked || (world.are_images_looked_at && (world.now_ms >> 12) % 3 == 0);
}

int64_t
docker_images_looked_ms(const struct docker *docker UNUSED, uint64_t engine_id UNUSED)
{
	return 0;
}

int64_t
ports_next_ms(void)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < COUNT(logs); i++)
		if (logs[i].is_used && logs[i].at_ms < next_ms)
			next_ms = logs[i].at_ms;
	return next_ms;
}

void
asked_pass(void)
{
	for (size_t i = 0; i < COUNT(logs); i++) {
		struct docker_logs l = logs[i];
		if (!l.is_used || l.at_ms > world.now_ms)
			continue;
		logs[i].is_used = false;
		l.request.on_line(l.request.context, false, STR("hello"));
		l.request.on_end(l.request.context, world_chance(20) ? "it is gone" : NULL);
	}
}

void
registry_explain(struct registry *registry UNUSED, uint64_t stage UNUSED, explain_fn *on_done,
    void *context)
{
	on_done(context,
	    &(struct tag_explanation){ .failure = "the simulated registry has no list" });
}

void
registry_inquire(struct registry *registry UNUSED, const struct registry_inquiry *inquiry)
{
	inquiry->on_told(inquiry->context,
	    &(struct registry_told){ .failure = "the simulated registry tells nothing" });
}

void
registry_look_at(struct registry *registry UNUSED, const struct image_ref *image UNUSED,
    image_facts_fn *on_facts, void *context)
{
	on_facts(context,
	    &(struct image_facts){ .failure = "the simulated registry shows no image" });
}

bool
registry_status(const struct registry *registry UNUSED, uint32_t index UNUSED,
    struct registry_status *ret UNUSED)
{
	return false;
}

bool
edge_is_ready(const struct edge *edge UNUSED)
{
	return true;
}

const char *
edge_fault(const struct edge *edge UNUSED)
{
	return "";
}

size_t
edge_status(struct edge *edge UNUSED, uint64_t stage UNUSED,
    struct edge_server_status *to UNUSED, size_t most UNUSED)
{
	return 0;
}

bool
notifier_is_busy(const struct notifier *notifier UNUSED)
{
	return false;
}

void
notifier_test(struct notifier *notifier UNUSED, const struct notify_test *test UNUSED,
    notify_tested_fn *on_done, void *context)
{
	on_done(context, &(struct notify_tested){ .is_delivered = true, .status = 204 });
}
