/* metrics.c - see metrics.h. Names and units follow https://prometheus.io/docs/practices/naming/. */
#include "serve/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/process.h"
#include "ports/docker.h"
#include "ports/edge.h"
#include "ports/proxies.h"
#include "ports/registry.h"
#include "serve/app.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/store.h"

enum { STATUS_LEAST = 100, STATUS_END = 600, STATES_MAX = 32, STEPS_MOST = 128 };

static const int64_t bounds_ms[] = { 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000,
	120000, 300000, 600000 };

struct histogram {
	uint64_t
	    counts[COUNT(bounds_ms) + 1]; /* each its own; the last is of what is longer */
	int64_t sum_ms;
};

struct metrics {
	uint64_t answers[2][STATUS_END - STATUS_LEAST]; /* of the API, to webhooks */
	uint64_t ends[DEPLOY_COUNT][TRIGGER_COUNT];
	struct histogram took[DEPLOY_COUNT]; /* by how it ended */
	struct histogram stayed[DEPLOY_COUNT]; /* in that state */
};

struct metrics *
metrics_new(void)
{
	struct metrics *m = calloc(1, sizeof(*m));

	CHECK(m != NULL);
	return m;
}

void
metrics_free(struct metrics *m)
{
	free(m);
}

/* Counting. */

static void
observe(struct histogram *h, int64_t ms)
{
	size_t i = 0;

	if (ms < 0) /* the machine's clock was set */
		return;
	while (i < COUNT(bounds_ms) && ms > bounds_ms[i])
		i++;
	h->counts[i]++;
	h->sum_ms += ms;
}

/* How long it stayed in each state, as its journal tells: over restarts, too. */
static void
observe_states(struct app *app, uint64_t deploy)
{
	const struct spec *spec = fsm_spec_of(ACTOR_DEPLOY);
	struct journal_row rows[STEPS_MOST];
	size_t count = store_journal(app->store, deploy, 0, rows, STEPS_MOST);
	int64_t since_ms = 0;
	int state = -1;

	for (size_t i = 0; i < count; i++) {
		if (rows[i].actor != deploy
		    || (state >= 0 && strcmp(rows[i].from, rows[i].to) == 0))
			continue;
		if (state >= 0)
			observe(&app->metrics->stayed[state], rows[i].at_ms - since_ms);
		state = fsm_state_by_name(spec, rows[i].to);
		since_ms = rows[i].at_ms;
	}
}

void
metrics_moved(struct app *app, const struct moved *moved)
{
	const struct actor *a = &moved->after;
	struct metrics *m = app->metrics;

	if (a->kind != ACTOR_DEPLOY || !fsm_is_final(fsm_spec_of(ACTOR_DEPLOY), a->state))
		return;
	m->ends[a->state][a->deploy.trigger]++;
	observe(&m->took[a->state], a->deploy.ended_ms - a->deploy.created_ms);
	observe_states(app, a->id);
}

void
metrics_answered(struct metrics *m, bool is_webhook, int status)
{
	if (status >= STATUS_LEAST && status < STATUS_END)
		m->answers[is_webhook][status - STATUS_LEAST]++;
}

/* Writing. */

static void
put_head(struct buf *to, const char *name, const char *type, const char *help)
{
	buf_format(to, "# HELP slipway_%s %s\n# TYPE slipway_%s %s\n", name, help, name, type);
}

static void
put_one(struct buf *to, const char *name, const char *type, const char *help, double value)
{
	put_head(to, name, type, help);
	buf_format(to, "slipway_%s %.15g\n", name, value);
}

/* A label's value: lower case as in the API's words for people, and nothing that ends it. */
static void
put_label(struct buf *to, const char *text)
{
	for (; *text != '\0'; text++) {
		char c = *text;

		if (c == '"' || c == '\\')
			buf_char(to, '\\');
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		buf_char(to, c == '_' ? '-' : c);
	}
}

static void
put_histogram(struct buf *to, const char *name, const char *label, const char *value,
    const struct histogram *h)
{
	uint64_t sum = 0;

	for (size_t i = 0; i <= COUNT(bounds_ms); i++) {
		sum += h->counts[i];
		buf_format(to, "slipway_%s_bucket{%s=\"", name, label);
		put_label(to, value);
		if (i < COUNT(bounds_ms))
			buf_format(to, "\",le=\"%g\"} %" PRIu64 "\n",
			    (double)bounds_ms[i] / 1000, sum);
		else
			buf_format(to, "\",le=\"+Inf\"} %" PRIu64 "\n", sum);
	}
	buf_format(to, "slipway_%s_sum{%s=\"", name, label);
	put_label(to, value);
	buf_format(
	    to, "\"} %.3f\nslipway_%s_count{%s=\"", (double)h->sum_ms / 1000, name, label);
	put_label(to, value);
	buf_format(to, "\"} %" PRIu64 "\n", sum);
}

static void
put_deploys(const struct metrics *m, struct buf *to)
{
	const struct spec *spec = fsm_spec_of(ACTOR_DEPLOY);

	put_head(to, "deploys_total", "counter",
	    "Deploys that ended since the start, by how and by who wanted them.");
	for (int state = 0; state < DEPLOY_COUNT; state++)
		for (int trigger = 0; fsm_is_final(spec, state) && trigger < TRIGGER_COUNT;
		     trigger++) {
			buf_text(to, "slipway_deploys_total{status=\"");
			put_label(to, spec->state_names[state]);
			buf_text(to, "\",trigger=\"");
			put_label(to, trigger_names[trigger]);
			buf_format(to, "\"} %" PRIu64 "\n", m->ends[state][trigger]);
		}
	put_head(to, "deploy_duration_seconds", "histogram",
	    "From the wish to the end of a deploy, by how it ended.");
	for (int state = 0; state < DEPLOY_COUNT; state++)
		if (fsm_is_final(spec, state))
			put_histogram(to, "deploy_duration_seconds", "status",
			    spec->state_names[state], &m->took[state]);
	put_head(to, "deploy_state_seconds", "histogram",
	    "How long deploys that ended stayed in a state: pulling, probing, swapping, ...");
	for (int state = 0; state < DEPLOY_COUNT; state++)
		if (!fsm_is_final(spec, state))
			put_histogram(to, "deploy_state_seconds", "state",
			    spec->state_names[state], &m->stayed[state]);
}

static void
put_answers(const struct metrics *m, struct buf *to)
{
	static const char *const kinds[] = { "api", "webhook" };

	put_head(to, "http_responses_total", "counter", "Answers of the API and to webhooks.");
	for (int kind = 0; kind < 2; kind++)
		for (int i = 0; i < STATUS_END - STATUS_LEAST; i++)
			if (m->answers[kind][i] > 0)
				buf_format(to,
				    "slipway_http_responses_total{of=\"%s\",code=\"%d\"} "
				    "%" PRIu64 "\n",
				    kinds[kind], i + STATUS_LEAST, m->answers[kind][i]);
}

struct census {
	uint64_t counts[ACTOR_KIND_COUNT][STATES_MAX];
	uint64_t polls_failing;
	int64_t poll_lag_ms; /* of the one that is latest */
};

static void
count_actor(void *context, const struct actor *a)
{
	struct census *c = context;

	CHECK(a->state < STATES_MAX);
	c->counts[a->kind][a->state]++;
	if (a->kind != ACTOR_POLL || a->state == POLL_OFF)
		return;
	c->polls_failing += a->poll.failures > 0;
	if (clock_now_ms() - a->deadline_ms > c->poll_lag_ms)
		c->poll_lag_ms = clock_now_ms() - a->deadline_ms;
}

static void
put_actors(const struct app *app, struct buf *to)
{
	struct census c = { .poll_lag_ms = 0 };

	runtime_visit(app->runtime, count_actor, &c);
	put_head(to, "actors", "gauge", "What is under way, by machine and state.");
	for (int kind = 0; kind < ACTOR_KIND_COUNT; kind++) {
		const struct spec *spec = fsm_spec_of((enum actor_kind)kind);

		for (int state = 0; state < spec->state_count; state++) {
			if (fsm_is_final(spec, state))
				continue;
			buf_format(to, "slipway_actors{machine=\"%s\",state=\"", spec->name);
			put_label(to, spec->state_names[state]);
			buf_format(to, "\"} %" PRIu64 "\n", c.counts[kind][state]);
		}
	}
	put_one(to, "polls_failing", "gauge", "Polls whose last look failed.",
	    (double)c.polls_failing);
	put_one(to, "poll_lag_seconds", "gauge", "How late the latest poll is.",
	    (double)c.poll_lag_ms / 1000);
}

static void
put_up(struct buf *to, const char *what, const char *name, bool is_up)
{
	buf_format(to, "slipway_%s_up{%s=\"", what, what);
	put_label(to, name);
	buf_format(to, "\"} %d\n", is_up);
}

static void
put_parts(const struct app *app, struct buf *to)
{
	struct registry_status registry;
	struct docker_status engine;

	put_head(to, "engine_up", "gauge", "Whether Docker answers.");
	for (size_t i = 0; i < catalog_engine_count(app->catalog); i++) {
		const struct engine_config *one = catalog_engine_at(app->catalog, i);

		docker_engine_status(app->docker, one->id, &engine);
		put_up(to, "engine", one->name, engine.is_reachable);
	}
	put_head(to, "registry_up", "gauge", "Whether the last question was answered.");
	for (uint32_t i = 0; registry_status(app->registry, i, &registry); i++)
		put_up(to, "registry", registry.host, registry.why[0] == '\0');
	put_head(
	    to, "proxy_up", "gauge", "Whether the edge and the other proxies can be led.");
	if (app->edge != NULL)
		put_up(to, "proxy", "edge", edge_is_ready(app->edge));
	for (size_t i = 0; i < catalog_proxy_count(app->catalog); i++) {
		const char *name = catalog_proxy_at(app->catalog, i)->name;

		put_up(to, "proxy", name, proxies_fault(app->proxies, name)[0] == '\0');
	}
}

static void
put_stage(struct buf *to, const char *name, const struct stage_spec *spec, int64_t value)
{
	buf_format(to, "slipway_%s{project=\"%s\",stage=\"%s\"} %" PRId64 "\n", name,
	    spec->project, spec->stage, value);
}

static void
put_stages(const struct app *app, struct buf *to)
{
	size_t count = catalog_stage_count(app->catalog);

	put_head(to, "stage_replicas", "gauge", "Replicas that a stage should have.");
	for (size_t i = 0; i < count; i++)
		put_stage(to, "stage_replicas", catalog_stage_at(app->catalog, i)->spec,
		    catalog_stage_at(app->catalog, i)->spec->replicas);
	put_head(to, "stage_stopped", "gauge", "1 while a person has stopped the stage.");
	for (size_t i = 0; i < count; i++) {
		const struct stage_entry *entry = catalog_stage_at(app->catalog, i);

		put_stage(to, "stage_stopped", entry->spec,
		    runtime_actor(app->runtime, entry->id)->stage.stopped != 0);
	}
	put_head(to, "stage_replicas_running", "gauge", "Replicas of what is live that run.");
	for (size_t i = 0; i < count; i++) {
		const struct stage_entry *entry = catalog_stage_at(app->catalog, i);
		const struct actor *a = runtime_actor(app->runtime, entry->id);

		put_stage(to, "stage_replicas_running", entry->spec,
		    store_instances_count(app->store, a->stage.live).running);
	}
}

/* With what waits in its log to be put there. */
static int64_t
store_bytes(const struct app *app)
{
	char path[4096];
	int64_t log;

	snprintf(path, sizeof(path), "%s/slipway.db-wal", app->settings->data);
	log = process_file_bytes(path);
	path[strlen(path) - strlen("-wal")] = '\0';
	return process_file_bytes(path) + (log < 0 ? 0 : log);
}

static void
put_process(const struct app *app, struct buf *to)
{
	struct process_usage usage;

	process_usage(&usage);
	put_head(to, "build_info", "gauge", "Always 1.");
	buf_format(to, "slipway_build_info{version=\"%s\"} 1\n", SLIPWAY_VERSION);
	put_one(to, "uptime_seconds", "gauge", "Since the start.",
	    (double)(clock_now_ms() - app->started_ms) / 1000);
	put_one(
	    to, "draining", "gauge", "1: it ends, and takes no new work.", app->is_draining);
	put_one(to, "cpu_seconds_total", "counter", "Processor time.",
	    (double)usage.cpu_us / 1000000);
	put_one(to, "resident_memory_bytes", "gauge", "Resident memory.",
	    (double)usage.resident_bytes);
	put_one(to, "open_descriptors", "gauge", "Open file descriptors.",
	    (double)usage.descriptors);
	put_one(to, "max_descriptors", "gauge", "How many there may be.",
	    (double)usage.descriptors_max);
	put_one(to, "ticks_total", "counter", "Turns of the loop.", (double)app->ticks.count);
	put_one(to, "tick_seconds_total", "counter", "Time spent in them, commits included.",
	    (double)app->ticks.spent_us / 1000000);
	put_one(
	    to, "ticks_slow_total", "counter", "Those over 50 ms.", (double)app->ticks.slow);
	put_one(to, "tick_longest_seconds", "gauge", "The longest one.",
	    (double)app->ticks.longest_us / 1000000);
	put_one(
	    to, "store_bytes", "gauge", "Size of the store's file.", (double)store_bytes(app));
	put_one(to, "disk_free_bytes", "gauge", "Free on the disk of the data folder.",
	    (double)process_disk_free_bytes(app->settings->data));
}

void
metrics_write(const struct app *app, struct buf *to)
{
	put_process(app, to);
	put_answers(app->metrics, to);
	put_deploys(app->metrics, to);
	put_actors(app, to);
	put_parts(app, to);
	put_stages(app, to);
}
