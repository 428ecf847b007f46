/* docker_image_sweep.c - the images that nothing needs any more: found by a part of SURVEY, removed by a
 * part of COLLECT.
 *
 * By digest and one by one, never by pruning, and never by force: the engine refuses what a container uses. The
 * one idea is that of docker_survey.c: each is judged twice, when it is found and right before it is removed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ports/docker_images.h"
#include "store/retention.h"

enum {
	SLICE = 50, /* images judged in one turn of the loop: 2 ms */
	REMOVAL_MS = 60000, /* of one; large ones take seconds */
};

struct image_memory { /* of one engine, between a look and what follows from it */
	struct image free[IMAGES_REMOVED_MAX];
	int64_t bytes[IMAGES_REMOVED_MAX];
	uint32_t count;
	uint32_t next; /* to be removed */
	int64_t due_us; /* the next look; monotonic, as is: */
	int64_t removing_until_us;
	char removing[DIGEST_SIZE];
	int64_t looked_ms; /* the last look that told something; 0: none yet */
};

void
image_memory_free(struct image_memory *memory)
{
	free(memory);
}

static struct image_memory *
memory_of(struct engine *engine)
{
	if (engine->images == NULL) {
		engine->images = calloc(1, sizeof(*engine->images));
		CHECK(engine->images != NULL);
		engine->images->due_us = clock_mono_us() + IMAGES_FIRST_MS * INT64_C(1000);
	}
	return engine->images;
}

static const struct retention_rules *
rules_of(const struct engine *engine)
{
	return engine->docker->settings.keep;
}

/* When to look. */

bool
image_sweep_is_due(struct engine *engine)
{
	return rules_of(engine)->removes_images
	       && memory_of(engine)->due_us <= clock_mono_us();
}

static void
look_within(struct engine *engine, int64_t ms)
{
	int64_t due_us = clock_mono_us() + ms * 1000;

	if (due_us < memory_of(engine)->due_us)
		engine->images->due_us = due_us;
}

void
image_sweep_want(struct engine *engine)
{
	look_within(engine, IMAGES_REST_MS);
}

void
docker_images_due(struct docker *docker)
{
	struct engine *engine;

	LIST_FOREACH(engine, &docker->engines, entry)
	{
		look_within(engine, 0);
		docker->settings.nudge(docker->settings.context, engine->config.id);
	}
}

int64_t
docker_images_looked_ms(const struct docker *docker, uint64_t engine_id)
{
	const struct engine *engine;

	LIST_FOREACH(engine, &docker->engines, entry)
	if (engine->config.id == engine_id && engine->images != NULL)
		return engine->images->looked_ms;
	return 0;
}

/* Finding. */

struct image_sweep {
	struct engine *engine;
	struct image_look *look;
	struct loop_timer *timer;
	struct image last; /* judged */
	void (*on_done)(void *context);
	void *context;
};

void
image_sweep_free(struct image_sweep *sweep)
{
	if (sweep == NULL)
		return;
	image_look_free(sweep->look);
	loop_timer_free(sweep->timer);
	free(sweep);
}

uint32_t
image_sweep_count(const struct engine *engine)
{
	return engine->images == NULL ? 0 : engine->images->count;
}

static void
judge(struct image_sweep *sweep, const struct image *image)
{
	struct store *store = sweep->engine->docker->host.store;
	struct image_memory *memory = memory_of(sweep->engine);
	struct docker_image_seen seen;
	struct image_verdict verdict;

	docker_images_find(image_look_found(sweep->look), image, &seen);
	store_image_judge(store, rules_of(sweep->engine), image, clock_now_ms(), &verdict);
	if (!seen.is_there) {
		/* What is pulled just now will be there. */
		if (verdict.need != IMAGE_UNDER_WAY)
			store_image_forget(store, image);
		return;
	}
	if (verdict.need != IMAGE_FREE || seen.tag[0] != '\0' || seen.container[0] != '\0'
	    || image->next_ms > clock_now_ms() || memory->count == IMAGES_REMOVED_MAX)
		return;
	memory->bytes[memory->count] = seen.bytes;
	memory->free[memory->count++] = *image;
}

static void
judge_slice(void *context)
{
	struct image_sweep *sweep = context;
	struct store *store = sweep->engine->docker->host.store;
	struct image images[SLICE];
	size_t count = store_images(store, &sweep->last, images, SLICE);

	for (size_t i = 0; i < count; i++) {
		if (images[i].engine != sweep->engine->config.id) {
			count = i;
			break;
		}
		judge(sweep, &images[i]);
		sweep->last = images[i];
	}
	if (count == SLICE) {
		loop_timer_set(sweep->timer, 0);
		return;
	}
	memory_of(sweep->engine)->looked_ms = clock_wall_ms();
	sweep->on_done(sweep->context);
}

static void
on_looked(void *context, const char *why)
{
	struct image_sweep *sweep = context;

	if (why == NULL) {
		loop_timer_set(sweep->timer, 0);
		return;
	}
	log_warn(NULL, "retention.unseen",
	    "Docker engine '%s': its images cannot be looked at, so none is removed: %s",
	    sweep->engine->config.name, why);
	image_sweep_want(sweep->engine);
	sweep->on_done(sweep->context);
}

struct image_sweep *
image_sweep_new(struct engine *engine, void (*on_done)(void *context), void *context)
{
	struct image_sweep *sweep = calloc(1, sizeof(*sweep));
	struct image_memory *memory = memory_of(engine);

	CHECK(sweep != NULL);
	memory->count = 0;
	memory->due_us = clock_mono_us() + IMAGES_ROUND_MS * INT64_C(1000);
	*sweep = (struct image_sweep){ .engine = engine,
		.last = { .engine = engine->config.id },
		.on_done = on_done,
		.context = context };
	sweep->timer = loop_timer_new(engine->docker->host.loop, judge_slice, sweep);
	sweep->look = image_look_new(engine, on_looked, sweep);
	return sweep;
}

/* Removing. */

bool
image_is_removed_now(const struct engine *engine, const char *digest)
{
	return engine->images != NULL && engine->images->removing_until_us > clock_mono_us()
	       && strcmp(engine->images->removing, digest) == 0;
}

/* Told, and tried again: after ten minutes, and later each time, up to a day. */
static void
note_failure(struct engine *engine, const struct image *image, const char *why)
{
	struct image failed = *image;
	int64_t wait_ms = IMAGES_RETRY_MS << (image->tries < 7 ? image->tries : 7);

	failed.tries++;
	failed.next_ms = clock_now_ms() + wait_ms;
	snprintf(failed.trouble, sizeof(failed.trouble), "%s", why);
	store_image_put(engine->docker->host.store, &failed);
	log_warn(NULL, "retention.stays",
	    "image %s@%s is not needed any more and could not be removed from Docker engine "
	    "'%s'; tried "
	    "again in %" PRId64 " min: %s",
	    image->repository, image->digest, engine->config.name, wait_ms / 60000, why);
}

static void remove_next(struct job *collect);

static void
on_removed(void *context, const struct answer *answer)
{
	struct job *collect = context;
	struct engine *engine = collect->engine;
	struct image_memory *memory = memory_of(engine);
	const struct image *image = &memory->free[memory->next];

	if (answer->status != 0 || answer->is_unreached)
		memory->removing_until_us = 0; /* else it may be on its way out still */
	if (answer->status == 0) {
		job_fail_answer(collect, "remove an image", answer);
		return;
	}
	if (answer->kind == ANSWER_DONE || answer->status == 404) {
		store_image_forget(collect->docker->host.store, image);
		log_info(NULL, "retention.image",
		    "image %s@%s removed from Docker engine '%s' (%.1f MB): nothing needs it",
		    image->repository, image->digest, engine->config.name,
		    (double)memory->bytes[memory->next] / 1e6);
	} else {
		note_failure(engine, image, answer->message);
	}
	memory->next++;
	remove_next(collect);
}

static bool
is_still_free(struct engine *engine, const struct image *image)
{
	struct store *store = engine->docker->host.store;
	struct image_verdict verdict;
	struct image now;

	if (!rules_of(engine)->removes_images
	    || !store_image_get(store, image->engine, image->repository, image->digest, &now))
		return false;
	store_image_judge(store, rules_of(engine), &now, clock_now_ms(), &verdict);
	return verdict.need == IMAGE_FREE;
}

static void
remove_image(struct job *collect, const struct image *image)
{
	struct image_memory *memory = collect->engine->images;
	struct call_request request = { .method = "DELETE",
		.lane = LANE_WORK,
		.total_ms = REMOVAL_MS,
		.on_done = on_removed,
		.context = collect };
	struct buf path;

	memcpy(memory->removing, image->digest, sizeof(memory->removing));
	memory->removing_until_us = clock_mono_us() + 2 * REMOVAL_MS * INT64_C(1000);
	buf_init(&path, 2048);
	buf_text(&path, "/images/");
	url_escape(&path, image->repository);
	buf_format(&path, "@%s?noprune=true", image->digest);
	request.path = buf_cstr(&path);
	call_start(collect->engine, &collect->calls, &request);
	buf_free(&path);
}

static void
remove_next(struct job *collect)
{
	struct image_memory *memory = memory_of(collect->engine);

	while (memory->next < memory->count
	       && !is_still_free(collect->engine, &memory->free[memory->next]))
		memory->next++;
	if (memory->next < memory->count) {
		remove_image(collect, &memory->free[memory->next]);
		return;
	}
	memory->count = 0;
	job_answer(collect, EV_COLLECTED);
}

void
image_removal_begin(struct job *collect)
{
	memory_of(collect->engine)->next = 0;
	remove_next(collect);
}
