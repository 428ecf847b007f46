/* api_statistics.c - what became of each stage's deploys, and how long they took.
 *
 * Times are of those that went live: from the wish until all traffic was theirs, and of that the part in
 * which the traffic moved. */
#include <stdlib.h>
#include <string.h>

#include "api/inside.h"
#include "base/arena.h"
#include "base/clock.h"
#include "store/catalog.h"
#include "store/statistics.h"

enum { DAYS_DEFAULT = 30, DAYS_MAX = 3660 };

#define DAY_MS INT64_C(86400000)

struct figures {
	int64_t live;
	int64_t failed;
	int64_t rolled_back;
	int64_t rollbacks;
	int64_t *live_ms; /* of `live` deploys */
	int64_t *swap_ms;
	size_t times;
};

/* By stage, and within one the newest first. */
static int
order_times(const void *one, const void *other)
{
	const struct deploy_times *a = one;
	const struct deploy_times *b = other;

	if (a->stage != b->stage)
		return a->stage < b->stage ? -1 : 1;
	return (a->created_ms < b->created_ms) - (a->created_ms > b->created_ms);
}

static int
order_numbers(const void *one, const void *other)
{
	int64_t a = *(const int64_t *)one;
	int64_t b = *(const int64_t *)other;

	return (a > b) - (a < b);
}

/* The smallest time that `percent` of them do not exceed. */
static int64_t
percentile(const int64_t *sorted, size_t count, size_t percent)
{
	return sorted[(count * percent + 99) / 100 - 1];
}

static void
write_percentiles(struct json_writer *w, const char *key, int64_t *times, size_t count)
{
	json_key(w, key);
	if (count == 0) {
		json_put_null(w);
		return;
	}
	qsort(times, count, sizeof(*times), order_numbers);
	json_object_open(w);
	json_pair_integer(w, "p50", percentile(times, count, 50));
	json_pair_integer(w, "p95", percentile(times, count, 95));
	json_object_close(w);
}

static void
count_deploy(struct figures *f, const struct deploy_times *one)
{
	f->failed += strcmp(one->state, "FAILED") == 0;
	f->rolled_back += strcmp(one->state, "ROLLED_BACK") == 0;
	f->rollbacks += strcmp(one->trigger, "ROLLBACK") == 0;
	if (one->live_ms == 0 || strcmp(one->state, "STOPPED") == 0)
		return;
	f->live++;
	f->live_ms[f->times] = one->live_ms - one->created_ms;
	f->swap_ms[f->times++] = one->live_ms - one->swap_ms;
}

static void
write_stage(struct json_writer *w, struct request *rq, const struct stage_entry *stage,
    const struct deploy_times *all, size_t count)
{
	struct figures f = { .live = 0 };

	f.live_ms = arena_take_array(rq->arena, count + 1, sizeof(*f.live_ms));
	f.swap_ms = arena_take_array(rq->arena, count + 1, sizeof(*f.swap_ms));
	for (size_t i = 0; i < count; i++)
		count_deploy(&f, &all[i]);
	json_object_open(w);
	json_pair_text(w, "project", stage->spec->project);
	json_pair_text(w, "stage", stage->spec->stage);
	json_pair_integer(w, "deploys", (int64_t)count);
	json_pair_integer(w, "live", f.live);
	json_pair_integer(w, "failed", f.failed);
	json_pair_integer(w, "rolled_back", f.rolled_back);
	json_pair_integer(w, "rollbacks", f.rollbacks);
	write_percentiles(w, "time_to_live_ms", f.live_ms, f.times);
	write_percentiles(w, "swap_ms", f.swap_ms, f.times);
	json_object_close(w);
}

/* Those of one stage lie together; the first of them, and how many. */
static const struct deploy_times *
find_stage(const struct deploy_times *all, size_t count, uint64_t stage, size_t *ret_count)
{
	size_t low = 0;
	size_t high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all[middle].stage < stage)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_count = 0;
	while (low + *ret_count < count && all[low + *ret_count].stage == stage)
		++*ret_count;
	return all + low;
}

/* One stage by its index among all, or those of a project, or all; false: answered already. */
static bool
read_range(struct app *app, struct request *rq, uint64_t *ret_stage, size_t *ret_first,
    size_t *ret_count)
{
	const char *project = api_query(rq, "project");
	const char *name = api_query(rq, "stage");
	const struct stage_entry *stage;

	*ret_stage = 0;
	*ret_first = 0;
	*ret_count = catalog_stage_count(app->catalog);
	if (name[0] == '\0') {
		if (project[0] != '\0' && api_project(app, rq, project) == NULL)
			return false;
		if (project[0] != '\0')
			*ret_first = catalog_stages_of(app->catalog, project, ret_count);
		return true;
	}
	stage = catalog_stage_by_name(app->catalog, project, name);
	if (stage == NULL) {
		reply_error(rq, 404, "NOT_FOUND",
		    "there is no stage '%.64s/%.64s'; name its project, too", project, name);
		return false;
	}
	*ret_stage = stage->id;
	*ret_first = catalog_stages_of(app->catalog, project, ret_count);
	while (catalog_stage_at(app->catalog, *ret_first) != stage)
		++*ret_first;
	*ret_count = 1;
	return true;
}

void
api_statistics(void *context, struct request *rq)
{
	struct app *app = context;
	uint64_t days = DAYS_DEFAULT;
	struct deploy_times *all;
	struct json_writer w;
	uint64_t stage;
	int64_t since_ms;
	size_t first;
	size_t stages;
	size_t count;

	if (!api_query_number(rq, "days", DAYS_MAX, &days)
	    || !read_range(app, rq, &stage, &first, &stages))
		return;
	since_ms = clock_wall_ms() - (int64_t)days * DAY_MS;
	all = arena_take_array(rq->arena, STATISTICS_DEPLOYS_MAX, sizeof(*all));
	count = store_deploy_times(app->store, stage, since_ms, all, STATISTICS_DEPLOYS_MAX);
	qsort(all, count, sizeof(*all), order_times);
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_integer(&w, "since_ms", since_ms);
	json_pair_bool(&w, "truncated", count == STATISTICS_DEPLOYS_MAX);
	json_key(&w, "items");
	json_array_open(&w);
	for (size_t i = first; i < first + stages; i++) {
		const struct stage_entry *entry = catalog_stage_at(app->catalog, i);
		size_t of_stage;
		const struct deploy_times *its = find_stage(all, count, entry->id, &of_stage);

		write_stage(&w, rq, entry, its, of_stage);
	}
	json_array_close(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}
