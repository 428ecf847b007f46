/* config.c - slipway.yml of the simulated user: four stages of four projects on two engines, two
 * registries and three proxies. Each seed begins with its own and changes it as it goes: replicas,
 * drain times, polling, names that move from one stage to another, stages that change their proxy. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "config/spec.h"
#include "sim.h"
#include "store/catalog.h"

struct stage_wish {
	uint32_t replicas;
	uint32_t drain_s;
	uint32_t leads; /* as in world.h */
	enum at proxy;
	bool is_polled;
	bool is_auto;
	uint32_t tells; /* set of receivers; TELLS_AS_PROJECT: its project says whom */
};

enum { TELLS_AS_PROJECT = 1u << WORLD_RECEIVERS };

static uint32_t project_tells[WORLD_STAGES]; /* the same for projects: all say it */
static const char *const projects[WORLD_STAGES] = { "shop", "blog", "queue", "worker" };
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
	return place % 2 == 0 ? "production" : "staging";
}

uint32_t
config_revision(void)
{
	return revision;
}

void
config_reset(void)
{
	static const uint32_t leads[WORLD_STAGES] = { 1u | 4u, 2u, 16u, 0 };

	revision = 1;
	for (int i = 0; i < WORLD_STAGES; i++)
		wishes[i] =
		    (struct stage_wish){ .replicas = 1 + (uint32_t)(world_random() % 2),
			    .drain_s = 5 + (uint32_t)(world_random() % 600),
			    .leads = leads[i],
			    .proxy = i < 2 ? (enum at)(world_random() % AT_COUNT) : AT_EDGE,
			    .is_polled = i != 1,
			    .is_auto = true,
			    .tells = (uint32_t)(world_random() % (2 * TELLS_AS_PROJECT)) };
	for (int i = 0; i < WORLD_STAGES; i++)
		project_tells[i] = (uint32_t)(world_random() % (2 * TELLS_AS_PROJECT));
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
	uint64_t pick = world_random() % 12;

	revision++;
	if (pick < 4)
		move_name(1 + (uint32_t)(world_random() % 3));
	else if (pick == 4)
		wishes[2].leads ^= 16u | 32u;
	else if (pick == 5)
		w->replicas = 1 + (uint32_t)(world_random() % WORLD_REPLICAS);
	else if (pick == 6)
		w->drain_s = 5 + (uint32_t)(world_random() % 600);
	else if (pick == 7)
		w->is_polled = !w->is_polled;
	else if (pick == 8)
		wishes[world_random() % 2].proxy = (enum at)(world_random() % AT_COUNT);
	else if (pick == 9)
		w->tells = (uint32_t)(world_random() % (2 * TELLS_AS_PROJECT));
	else if (pick == 10)
		project_tells[world_random() % WORLD_STAGES] =
		    (uint32_t)(world_random() % (2 * TELLS_AS_PROJECT));
	else
		w->is_auto = !w->is_auto;
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
write_stage(struct buf *text, int place)
{
	static const char *const names[] = { "a.example", "b.example", "x.example",
		"y.example" };
	static const char *const proxies[AT_COUNT] = { "edge", "npm", "caddy" };
	const struct stage_wish *w = &wishes[place];
	bool is_one = w->proxy == AT_NPM && w->leads != 0; /* it leads to one container */

	buf_format(text,
	    "  %s:\n    image: %s/%s\n    engine: %s\n    health: none\n    port: 8080\n"
	    "    env: {REVISION: \"%u\"%s}\n",
	    projects[place], image_host((uint32_t)place % WORLD_REGISTRIES), projects[place],
	    place >= 2 ? "far" : "local", revision,
	    place == WORKER ? ", KEY: {secret: s0}" : "");
	write_tells(text, "    ", project_tells[place]);
	buf_format(text,
	    "    stages:\n      %s:\n        replicas: %u\n"
	    "        proxy: %s\n"
	    "        drain_timeout: %us\n        auto: %s\n        poll: %" PRId64 "s\n",
	    stage_name(place), is_one ? 1 : w->replicas, proxies[w->proxy], w->drain_s,
	    w->is_auto ? "true" : "false", w->is_polled ? POLL_MS / 1000 * sim.pace : 0);
	write_tells(text, "        ", w->tells);
	if (w->leads & 15u) {
		const char *comma = "";
		buf_text(text, "        domains: [");
		for (uint32_t i = 0; i < COUNT(names); i++)
			if (w->leads >> i & 1u) {
				buf_format(text, "%s%s", comma, names[i]);
				comma = ", ";
			}
		buf_text(text, "]\n");
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
	    " deploy_success, deploy_failure, deploy_rolled_back, deploy_held, drift,"
	    " instance_gone]}\n"
	    "  chat: {kind: slack, url_env: P}\n"
	    "  mail: {kind: email, url: \"smtp://127.0.0.1:25\", from: a@b.c, to: [d@e.f],"
	    " events: [deploy_failure, deploy_rolled_back]}\nnotify: [ops]\nprojects:\n");
	for (int i = 0; i < WORLD_STAGES; i++)
		write_stage(text, i);
}
