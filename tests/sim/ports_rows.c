/* ports_rows.c - the rows of deploys, tasks and images, as the process's side of a port uses them.
 *
 * The one idea: what a port reads before it asks, and judges by, is here, and so is what it keeps of
 * tasks and images. The rows of containers are written with the answers, in ports.c. */
#include <stdio.h>
#include <string.h>

#include "actors/orphan.h"
#include "base/clock.h"
#include "ports_inside.h"
#include "sim.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/images.h"
#include "store/retention.h"
#include "store/store.h"
#include "store/tasks.h"
#include "world_images.h"
#include "world_tasks.h"

struct reading {
	uint64_t commits; /* when it was read */
	uint32_t serving;
};

static struct facts known[WORLD_DEPLOYS];
static struct reading readings[WORLD_DEPLOYS];

void
rows_reset(void)
{
	memset(known, 0, sizeof(known));
}

const char *
image_host(uint32_t registry)
{
	return registry == 0 ? "registry.example" : "127.0.0.1:5000";
}

/* What a port reads. */

uint32_t
lead_of(const char *domain)
{
	static const char *const names[] = { "a.example", "b.example", "x.example",
		"y.example" };

	for (uint32_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], domain) == 0)
			return 1u << i;
	return 0;
}

static uint32_t
leads_of(const struct stage_spec *spec)
{
	uint32_t leads = 0;

	for (size_t i = 0; i < spec->domains.count; i++)
		leads |= lead_of(spec->domains.items[i]);
	if (spec->tcp_port != 0)
		leads |= 1u << (4 + (uint32_t)spec->tcp_port - 5672u);
	return leads;
}

static enum at
proxy_of(const struct stage_spec *spec)
{
	if (strcmp(spec->proxy, "npm") == 0)
		return AT_NPM;
	return strcmp(spec->proxy, "caddy") == 0 ? AT_CADDY : AT_EDGE;
}

static uint32_t
number_behind(const char *text, size_t at)
{
	uint64_t number = 0;

	for (; strlen(text) > at && text[at] >= '0' && text[at] <= '9'; at++)
		number = number * 10 + (uint64_t)(text[at] - '0');
	return (uint32_t)number;
}

static uint32_t
tasks_of(const struct stage_spec *spec)
{
	const struct task_spec *const specs[] = { &spec->migration, &spec->hooks.pre_switch,
		&spec->hooks.post_switch, &spec->hooks.post_retire };
	uint32_t tasks = (uint32_t)spec->hooks.post_switch.swaps_back << TASK_SWAPS_BACK;

	for (size_t i = 0; i < COUNT(specs); i++)
		tasks |= (uint32_t)(specs[i]->command.count > 0) << i;
	return tasks | (uint32_t)(spec->verify.for_ms > 0) << TASK_VERIFIES;
}

static bool
facts_of_spec(const struct stage_spec *spec, struct facts *ret)
{
	if (spec == NULL)
		return false;
	*ret = (struct facts){ .engine = strcmp(spec->engine, "far") == 0,
		.registry = strncmp(spec->image, image_host(0), strlen(image_host(0))) != 0,
		.replicas = (uint32_t)spec->replicas,
		.leads = leads_of(spec),
		.proxy = proxy_of(spec),
		.tasks = tasks_of(spec),
		.verify_ms = spec->verify.for_ms,
		.drain_ms = spec->drain_ms };
	return true;
}

static uint32_t
read_serving(uint64_t deploy)
{
	struct instance rows[REPLICAS_MAX];
	size_t count = store_instances(sim.store, deploy, rows, REPLICAS_MAX);
	uint32_t serving = 0;

	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].status, "running") == 0)
			serving |= 1u << rows[i].replica;
	return serving;
}

/* The laws ask after every tick, most of which change no row. */
static uint32_t
serving_of(uint64_t deploy)
{
	struct reading *last = &readings[deploy];

	if (sim.commits == 0 || store_is_dirty(sim.store))
		return read_serving(deploy);
	if (last->commits != sim.commits)
		*last = (struct reading){ sim.commits, read_serving(deploy) };
	return last->serving;
}

/* But for the rows of its containers, what is read of a deploy never changes, and is still known while the server is down. Only what is
 * committed is kept: the id of a row that never was comes again. */
bool
ports_facts(uint64_t deploy, uint64_t stage, struct facts *ret)
{
	struct deploy_row row;

	if (deploy >= WORLD_DEPLOYS || (deploy == 0 && !sim.is_up))
		return false;
	if (deploy == 0) {
		const struct stage_entry *entry = catalog_stage(sim.app.catalog, stage);
		return entry != NULL && facts_of_spec(entry->spec, ret);
	}
	*ret = known[deploy];
	ret->serving = serving_of(deploy);
	if (ret->stage != 0 || !sim.is_up)
		return ret->stage != 0;
	if (!store_deploy_get(sim.store, deploy, &row)
	    || !facts_of_spec(catalog_spec(sim.app.catalog, row.spec), ret))
		return false;
	ret->stage = row.stage;
	ret->elder = row.elder;
	ret->tag = number_behind(row.tag, 1);
	ret->image = number_behind(row.digest, strlen("sha256:"));
	ret->is_stop = strcmp(row.trigger, "STOP") == 0;
	ret->is_waited = strcmp(row.strategy, "STOP_FIRST") == 0;
	ret->halts = row.elder != 0 && strcmp(row.strategy, "BLUE_GREEN") != 0;
	if (strcmp(row.trigger, "ROLLBACK") == 0)
		ret->tasks &= ~(1u << TASK_MIGRATION);
	if (ret->is_stop)
		ret->tasks = 0;
	ret->serving = serving_of(deploy);
	if (!store_is_dirty(sim.store) && strcmp(row.state, "RESOLVING") != 0
	    && strcmp(row.state, "QUEUED") != 0 && strcmp(row.state, "PENDING") != 0)
		known[deploy] = *ret;
	return true;
}

/* As src/ports/docker_survey.c judges. */
static bool
is_orphan(uint64_t deploy, bool is_task)
{
	struct orphan_facts facts = { .is_ours = true, .is_task = is_task };
	struct deploy_row row;

	if (!sim.is_up)
		return false;
	if (store_deploy_get(sim.store, deploy, &row)) {
		const struct actor *stage = runtime_actor(sim.app.runtime, row.stage);
		facts.is_known = true;
		facts.is_final = row.ended_ms != 0;
		facts.is_live = row.is_live;
		facts.is_kept = row.is_kept;
		facts.is_stage_busy = stage != NULL && stage->stage.running != 0;
	} else if (store_deploy_is_retired(sim.store, deploy)) {
		const struct actor *stage =
		    runtime_actor(sim.app.runtime, known[deploy].stage);
		facts.is_known = true;
		facts.is_final = true;
		facts.is_stage_busy = stage != NULL && stage->stage.running != 0;
	}
	return orphan_judge(&facts) == ORPHAN_REMOVE;
}

bool
ports_is_orphan(uint64_t deploy)
{
	return is_orphan(deploy, false);
}

bool
ports_is_task_orphan(uint64_t deploy)
{
	return is_orphan(deploy, true);
}

/* What came of a task is kept by the port, in the turn in which it reads it. */

static bool
is_kept(uint64_t deploy, enum task_kind task)
{
	struct task_row row;

	return store_task_get(sim.store, deploy, task, &row);
}

bool
ports_are_tasks_kept(uint64_t deploy)
{
	if (!sim.is_up)
		return false;
	for (int k = 0; k < TASK_COUNT; k++)
		if (task_has_begun(deploy, (enum task_kind)k)
		    && !is_kept(deploy, (enum task_kind)k))
			return false;
	return true;
}

static void
keep_task(uint64_t deploy, enum task_kind task)
{
	struct task_row row = { .deploy = deploy,
		.stage = known[deploy].stage,
		.kind = task,
		.status = task_ended_well(deploy, task) ? TASK_IS_done : TASK_IS_failed,
		.ended_ms = world.now_ms };

	snprintf(row.digest, sizeof(row.digest), "sha256:%064u", known[deploy].image);
	store_task_put(sim.store, &row);
}

/* Those that have ended. */
void
ports_keep_tasks(uint64_t deploy)
{
	if (!sim.is_up || known[deploy].stage == 0)
		return;
	for (int k = 0; k < TASK_COUNT; k++)
		if (task_has_begun(deploy, (enum task_kind)k)
		    && !task_runs(deploy, (enum task_kind)k)
		    && !is_kept(deploy, (enum task_kind)k))
			keep_task(deploy, (enum task_kind)k);
}

/* Its own, or an earlier deploy's of the same name. */
void
rows_keep_tasks(const struct actor *a)
{
	struct facts facts;

	if (!ports_facts(a->id, 0, &facts))
		return;
	for (uint64_t d = 1; d <= a->id; d++)
		if (d == a->id || task_is_of(d, facts.stage, facts.image))
			ports_keep_tasks(d);
}

/* As src/ports/docker_image_sweep.c judges: what has no row was pulled by nobody of ours. */
bool
ports_is_image_free(uint32_t engine, uint32_t registry, uint32_t image)
{
	struct image last = { .engine = world.engine_ids[engine] };
	bool is_found = false;
	struct image row;

	if (!sim.is_up)
		return false;
	while (store_images(sim.store, &last, &row, 1) == 1
	       && row.engine == world.engine_ids[engine]) {
		struct image_verdict verdict;

		last = row;
		if (number_behind(row.digest, strlen("sha256:")) != image
		    || strncmp(
			   row.repository, image_host(registry), strlen(image_host(registry)))
			   != 0)
			continue;
		store_image_judge(sim.store, retention_rules(sim.app.retention), &row,
		    clock_now_ms(), &verdict);
		if (verdict.need != IMAGE_FREE)
			return false;
		is_found = true;
	}
	return is_found;
}

/* Rows of images that the engine has not any more. */
void
rows_survey_images(uint64_t engine)
{
	struct image last = { .engine = engine };
	struct image row;
	uint32_t place = world.engine_ids[0] == engine ? 0 : 1;

	while (store_images(sim.store, &last, &row, 1) == 1 && row.engine == engine) {
		uint32_t registry =
		    strncmp(row.repository, image_host(0), strlen(image_host(0))) != 0;
		struct image_verdict verdict;

		last = row;
		store_image_judge(sim.store, retention_rules(sim.app.retention), &row,
		    clock_now_ms(), &verdict);
		if (verdict.need != IMAGE_UNDER_WAY
		    && !images_has(
			place, registry, number_behind(row.digest, strlen("sha256:"))))
			store_image_forget(sim.store, &row);
	}
}

/* Before it is pulled, if it has to be; and when it is there. */
void
rows_note_image(uint64_t deploy, bool is_pulled)
{
	const struct stage_spec *spec;
	struct image image = { .pulled_ms = clock_now_ms() };
	struct deploy_row row;
	struct facts facts;

	if (!store_deploy_get(sim.store, deploy, &row) || !ports_facts(deploy, 0, &facts))
		return;
	spec = catalog_spec(sim.app.catalog, row.spec);
	image.engine = world.engine_ids[facts.engine];
	CHECK(str_copy(image.repository, sizeof(image.repository), str_of(spec->image)));
	memcpy(image.digest, row.digest, sizeof(image.digest));
	if (!store_image_get(sim.store, image.engine, image.repository, image.digest, &image)
	    && (is_pulled || images_are_on_engine(&facts)))
		return;
	image.used_ms = clock_now_ms();
	store_image_put(sim.store, &image);
}
