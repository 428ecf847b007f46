/* config.c - slipway.yml of the simulated user: four stages of three projects on two engines, two
 * registries and three proxies. Each seed begins with its own and changes it as it goes: replicas,
 * drain times, polling, names that move from one stage to another, stages that change their proxy; and,
 * where the seed is guarded, the terms of its stages. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "config/spec.h"
#include "sim.h"
#include "store/catalog.h"

bool __wrap_memory_host_is_short(void);

struct stage_wish {
	uint32_t replicas;
	uint32_t drain_s;
	uint32_t leads; /* as in world.h */
	enum at proxy;
	bool is_polled;
	bool is_auto;
	uint32_t tells; /* set of receivers; TELLS_AS_PROJECT: its project says whom */
	bool is_promoted; /* the first comes from the third, which has the same registry */
	uint32_t soak_s;
	uint32_t approvals;
	uint32_t window; /* hour in which it opens; 0: always open */
	uint32_t tasks; /* set of enum task_kind, and TASK_SWAPS_BACK */
};

enum { TELLS_AS_PROJECT = 1u << WORLD_RECEIVERS };

static uint32_t project_tells[WORLD_STAGES]; /* of the project of that stage */
static const char *const images[WORLD_STAGES] = { "shop", "blog", "queue", "worker" };
static const char *const projects[WORLD_STAGES] = { "shop", "blog", "shop", "worker" };
static struct stage_wish wishes[WORLD_STAGES];
static uint32_t revision;

const char *
stage_project(int place)
{
	return projects[place];
}

const char *
stage_name(int place)
{
	return place == 0 ? "production" : "staging";
}

const char *
stage_image(int place)
{
	return images[place];
}

/* One stage says so itself in some of the seeds. */
static bool
has_own_rule(int place)
{
	return place == 1 && sim.seed % 3 == 0;
}

int64_t
stage_keeps(int place)
{
	return has_own_rule(place) ? 2 : sim.keep.rollbacks;
}

uint32_t
config_revision(void)
{
	return revision;
}

/* One seed in four keeps the version before running for a while. */
static uint32_t
warm_s(void)
{
	return sim.seed % 4 == 1 ? 900 : 0;
}

/* A quarter of those keep more than one, where versions can be beside each other, each by its tag. */
static bool
has_versions(int place)
{
	const struct stage_wish *w = &wishes[place];

	return sim.seed % 16 == 1 && w->proxy == AT_EDGE && (w->leads & 15u) != 0;
}

/* A set of enum task_kind, and TASK_SWAPS_BACK. */
static uint32_t
draw_tasks(int place)
{
	const uint32_t percents[] = { [TASK_MIGRATION] = 30,
		[TASK_PRE_SWITCH] = 30,
		[TASK_POST_SWITCH] = place == WORKER ? 75 : 40,
		[TASK_POST_RETIRE] = 30,
		[TASK_SWAPS_BACK] = 60 };
	uint32_t tasks = 0;

	for (int i = 0; i <= TASK_SWAPS_BACK; i++)
		if (world_chance(percents[i]))
			tasks |= 1u << i;
	if (warm_s() != 0) /* who waits for the end of the old version keeps none warm */
		tasks &= ~(1u << TASK_POST_RETIRE);
	return tasks >> TASK_POST_SWITCH & 1u ? tasks : tasks & ~(1u << TASK_SWAPS_BACK);
}

static void
change_terms(int place)
{
	struct stage_wish *w = &wishes[place];

	w->is_promoted = place == 0 && world_chance(85);
	w->soak_s = world_chance(50) ? (uint32_t)(world_random() % 3600) : 0;
	w->approvals =
	    world_chance(place == 0 ? 60 : 25) ? 1 + (uint32_t)(world_random() % 2) : 0;
	w->window = world_chance(40) ? 1 + (uint32_t)(world_random() % 12) : 0;
}

void
config_reset(void)
{
	static const uint32_t leads[WORLD_STAGES] = { 1u | 4u, 2u, 16u, 0 };

	revision = 1;
	for (int i = 0; i < WORLD_STAGES; i++)
		wishes[i] =
		    (struct stage_wish){ .replicas = 1 + (uint32_t)(world_random() % 2),
			    .drain_s = 5 + (uint32_t)(world_random() % 150),
			    .leads = leads[i],
			    .proxy = i < 2 ? (enum at)(world_random() % AT_COUNT) : AT_EDGE,
			    .is_polled = i != 1,
			    .is_auto = true,
			    .tasks = draw_tasks(i),
			    .tells = (uint32_t)(world_random() % (2 * TELLS_AS_PROJECT)) };
	for (int i = 0; i < WORLD_STAGES; i++)
		project_tells[i] = (uint32_t)(world_random() % (2 * TELLS_AS_PROJECT));
	for (int i = 0; i < WORLD_STAGES && sim.is_guarded; i++)
		change_terms(i);
}

/* From one stage to another, or to nobody for a while; the second may be left without any. */
static void
move_name(uint32_t lead)
{
	uint32_t bit = 1u << lead;
	int from = wishes[0].leads & bit ? 0 : 1;
	bool is_nobodys = !(wishes[from].leads & bit);

	wishes[from].leads &= ~bit;
	if (is_nobodys || world_chance(70))
		wishes[1 - from].leads |= bit;
}

void
config_change(void)
{
	struct stage_wish *w = &wishes[world_random() % WORLD_STAGES];
	uint64_t pick = world_random() % 13;

	revision++;
	if (sim.is_guarded && world_chance(40))
		change_terms((int)(world_random() % WORLD_STAGES));
	if (pick < 4)
		move_name(1 + (uint32_t)(world_random() % 3));
	else if (pick == 4)
		wishes[2].leads ^= 16u | 32u;
	else if (pick == 5)
		w->replicas = 1 + (uint32_t)(world_random() % WORLD_REPLICAS);
	else if (pick == 6)
		w->drain_s = 5 + (uint32_t)(world_random() % 150);
	else if (pick == 7)
		w->is_polled = !w->is_polled;
	else if (pick == 8)
		wishes[world_random() % 2].proxy = (enum at)(world_random() % AT_COUNT);
	else if (pick == 9)
		w->tells = (uint32_t)(world_random() % (2 * TELLS_AS_PROJECT));
	else if (pick == 10)
		project_tells[world_random() % WORLD_STAGES] =
		    (uint32_t)(world_random() % (2 * TELLS_AS_PROJECT));
	else if (pick == 11)
		w->is_auto = !w->is_auto;
	else
		w->tasks = draw_tasks((int)(w - wishes));
}

/* Another one in four has stages that stop the old version first. Drawn from nothing else, so that the other
 * seeds are what they were. */
static const char *
strategy_of(int place)
{
	static const char *const names[] = { "auto", "recreate", "stop-first", "stop-first" };
	uint64_t mix = (sim.seed / 4 + (uint64_t)place * 7 + revision / 3) % COUNT(names);
	const struct stage_wish *w = &wishes[place];
	bool can_wait = w->proxy == AT_EDGE && w->leads != 0;

	if (sim.seed % 4 != 3)
		return names[0];
	return mix > 1 && !can_wait ? names[1] : names[mix];
}

/* Another one, and some of those with anything else, watches versions behind their switch. */
static uint32_t
verify_s(int place)
{
	static const uint32_t lengths_s[] = { 5, 60, 600, 3600, 0 };
	bool is_watched = sim.seed % 4 == 2 || sim.seed % 8 == 5 || sim.seed % 8 == 7;
	uint64_t mix = (sim.seed / 8 + (uint64_t)place * 3 + revision / 4) % COUNT(lengths_s);

	return is_watched ? lengths_s[mix] : 0;
}

bool
__wrap_memory_host_is_short(void)
{
	return warm_s() != 0 && !sim.is_calm && world_chance(2);
}

/* Often nobody has given it yet, and then no version of the stage starts. */
static bool
needs_secret(int place)
{
	return place == WORKER && sim.seed % 5 == 0;
}

static void
write_tells(struct buf *text, const char *indent, uint32_t tells)
{
	const char *comma = "";

	if (tells & TELLS_AS_PROJECT)
		return;
	buf_format(text, "%snotify: [", indent);
	for (uint32_t i = 0; i < WORLD_RECEIVERS; i++)
		if (tells >> i & 1u) {
			buf_format(text, "%s%s", comma, receiver_names[i]);
			comma = ", ";
		}
	buf_text(text, "]\n");
}

static void
write_terms(struct buf *text, const struct stage_wish *w)
{
	if (w->is_promoted)
		buf_format(
		    text, "        promote_from: staging\n        soak: %us\n", w->soak_s);
	if (w->approvals > 0)
		buf_format(text, "        approvals: %u\n        approve_within: %us\n",
		    w->approvals, 1800 + 60 * w->soak_s);
	if (w->window > 0)
		buf_format(text, "        windows: [\"daily %02u:00-%02u:00\"]\n", w->window,
		    w->window + 8);
}

static void
write_tasks(struct buf *text, uint32_t tasks)
{
	static const char *const names[TASK_COUNT] = { [TASK_PRE_SWITCH] = "pre_switch",
		[TASK_POST_SWITCH] = "post_switch",
		[TASK_POST_RETIRE] = "post_retire" };

	if (tasks >> TASK_MIGRATION & 1u)
		buf_text(text, "        migration: {command: [migrate]}\n");
	if ((tasks & ~(1u << TASK_MIGRATION)) == 0)
		return;
	buf_text(text, "        hooks:\n");
	for (int i = TASK_PRE_SWITCH; i < TASK_COUNT; i++)
		if (tasks >> i & 1u)
			buf_format(text, "          %s: {command: [%s]%s}\n", names[i],
			    names[i],
			    i == TASK_POST_SWITCH && (tasks >> TASK_SWAPS_BACK & 1u)
				? ", swap_back: true"
				: "");
}

static void
write_stage(struct buf *text, int place)
{
	static const char *const names[] = { "a.example", "b.example", "x.example",
		"y.example" };
	static const char *const proxies[AT_COUNT] = { "edge", "npm", "caddy" };
	const struct stage_wish *w = &wishes[place];
	bool is_one = w->proxy == AT_NPM && w->leads != 0; /* it leads to one container */

	buf_format(text,
	    "      %s:\n        image: %s/%s\n        engine: %s\n        health: none\n"
	    "        port: 8080\n        env: {REVISION: \"%u\"%s}\n        replicas: %u\n"
	    "        proxy: %s\n        strategy: %s\n        warm_keep: %us\n"
	    "        drain_timeout: %us\n        auto: %s\n        poll: %" PRId64 "s\n",
	    stage_name(place), image_host((uint32_t)place % WORLD_REGISTRIES), images[place],
	    place >= 2 ? "far" : "local", revision,
	    needs_secret(place) ? ", KEY: {secret: s0}" : "", is_one ? 1 : w->replicas,
	    proxies[w->proxy], strategy_of(place), warm_s(), w->drain_s,
	    w->is_auto ? "true" : "false", w->is_polled ? POLL_MS / 1000 * sim.pace : 0);
	if (has_own_rule(place))
		buf_format(text, "        keep_versions: %" PRId64 "\n", stage_keeps(place));
	write_tells(text, "        ", w->tells);
	write_terms(text, w);
	write_tasks(text, w->tasks);
	if (verify_s(place) != 0)
		buf_format(text, "        verify: {for: %us}\n", verify_s(place));
	if (w->leads & 15u) {
		const char *comma = "";
		buf_text(text, "        domains: [");
		for (uint32_t i = 0; i < COUNT(names); i++)
			if (w->leads >> i & 1u) {
				buf_format(text, "%s%s", comma, names[i]);
				comma = ", ";
			}
		if (has_versions(place))
			buf_format(text, "%s\"{tag}.p%d.example\"", comma, place);
		buf_text(text, "]\n");
		if (has_versions(place))
			buf_format(text, "        max_instances: %u\n",
			    CONFIG_INSTANCES_MAX - revision % 2);
	}
	if (w->leads & 48u)
		buf_format(text, "        tcp: %d\n", w->leads & 16u ? 5672 : 5673);
}

void
config_write(struct buf *text)
{
	buf_text(text,
	    "version: 1\nengines:\n  local: {host: \"unix:///run/local.sock\"}\n"
	    "  far: {host: \"unix:///run/far.sock\"}\nproxies:\n"
	    "  npm: {npm: \"http://127.0.0.1:81\", way: direct, username: a@b.c,"
	    " password_env: P}\n"
	    "  caddy: {caddy: \"http://127.0.0.1:2019\", way: direct}\nreceivers:\n"
	    "  ops: {kind: webhook, url: \"http://127.0.0.1:9/\", events: [deploy_started,"
	    " deploy_success, deploy_failure, deploy_rolled_back, deploy_held, "
	    "approval_wanted,"
	    " drift, instance_gone]}\n"
	    "  chat: {kind: slack, url_env: P}\n"
	    "  mail: {kind: email, url: \"smtp://127.0.0.1:25\", from: a@b.c, to: [d@e.f],"
	    " events: [deploy_failure, deploy_rolled_back]}\nnotify: [ops]\nprojects:\n");
	for (int i = 0; i < WORLD_STAGES; i++) {
		if (i == 2) /* written with the first, whose project it shares */
			continue;
		buf_format(text, "  %s:\n", projects[i]);
		write_tells(text, "    ", project_tells[i]);
		buf_text(text, "    stages:\n");
		write_stage(text, i);
		if (i == 0)
			write_stage(text, 2);
	}
}
