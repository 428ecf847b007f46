/* world_front.c - see world_front.h. Figures are those measured on the real ones: an NPM of a few hosts
 * takes 100 ms and more for a change, its nginx serves the old configuration for up to 364 ms after
 * it; Caddy asks for names every 100 ms. */
#include "world_front.h"

#include <string.h>

#include "base/check.h"

enum { SILENT_MS = 30000, SLOW_MS = 80000, RELOAD_MS = 600000 };

struct front_of_world fronts_of_world[AT_COUNT];
void (*front_says)(enum at proxy, enum front_said said, bool has_changed, uint32_t left);

void
fronts_of_world_reset(void)
{
	memset(fronts_of_world, 0, sizeof(fronts_of_world));
}

static int64_t
draw_ms(int64_t least, int64_t most)
{
	return least + (int64_t)(world_random() % (uint64_t)(most - least + 1));
}

static bool
is_down(enum at proxy)
{
	return world.now_ms < world.outage_until_ms[OUTAGE_PROXY + proxy];
}

/* What it serves. */

/* The new generation takes requests at once, the others for a moment yet. */
static void
load(struct front_of_world *f, enum at proxy)
{
	if (f->is_off || memcmp(&f->files, &f->generations[0].serves, sizeof(f->files)) == 0)
		return;
	memmove(&f->generations[1], &f->generations[0],
	    (GENERATIONS - 1) * sizeof(f->generations[0]));
	f->generations[1].until_ms =
	    world.now_ms + (proxy == AT_NPM ? draw_ms(100, 364) : draw_ms(0, 100));
	f->generations[0] = (struct generation){ .serves = f->files };
}

static bool
is_taking(const struct front_of_world *f, int i)
{
	return i == 0 || f->generations[i].until_ms > world.now_ms;
}

bool
front_reach(enum at proxy, uint32_t lead, struct reach *ret)
{
	const struct front_of_world *f = &fronts_of_world[proxy];
	int taking[GENERATIONS];
	uint32_t count = 0;

	if (f->is_off)
		return false;
	for (int i = 0; i < GENERATIONS; i++)
		if (is_taking(f, i))
			taking[count++] = i;
	const struct leading *l = &f->generations[taking[world_random() % count]].serves;
	for (int i = 0; i < WORLD_STAGES; i++)
		if (l->stages[i].target != 0 && (l->stages[i].leads >> lead & 1u)) {
			*ret = (struct reach){ .place = i,
				.proxy = proxy,
				.target = l->stages[i].target,
				.replicas = l->stages[i].replicas };
			return true;
		}
	return false;
}

bool
front_is_behind(enum at proxy, int place)
{
	const struct front_of_world *f = &fronts_of_world[proxy];

	return proxy != AT_EDGE && f->reload_ms != 0 && f->told.stages[place].target == 0
	       && f->files.stages[place].target == 0;
}

bool
front_leads_elsewhere(enum at proxy, int place, uint64_t target)
{
	const struct front_of_world *f = &fronts_of_world[proxy];

	for (int i = 0; i < GENERATIONS; i++)
		if (is_taking(f, i) && f->generations[i].serves.stages[place].target != target)
			return true;
	return false;
}

/* Changes. */

static uint32_t
leads_of_others(const struct leading *l, int place)
{
	uint32_t leads = 0;

	for (int i = 0; i < WORLD_STAGES; i++)
		if (i != place && l->stages[i].target != 0)
			leads |= l->stages[i].leads;
	return leads;
}

bool
front_has_room(enum at proxy, int place, uint32_t leads)
{
	return (leads & ~leads_of_others(&fronts_of_world[proxy].told, place)) != 0;
}

static bool
is_same(const struct led *a, const struct led *b)
{
	return a->target == b->target
	       && (a->target == 0 || (a->leads == b->leads && a->replicas == b->replicas));
}

static void
take_names(struct front_of_world *f, int place)
{
	const struct led *led = &f->told.stages[place];

	for (uint32_t i = 0; i < WORLD_LEADS && led->target != 0; i++)
		if (led->leads >> i & 1u)
			f->owner[i] = (uint8_t)(place + 1);
}

/* How far it comes: all of it, or with an error that says nothing of how far. */
static enum front_said
write_change(struct front_of_world *f, enum at proxy, const struct front_change *change,
    const struct led *to)
{
	bool is_troubled = f->is_off || world_chance(world.faults.trouble);
	uint64_t steps = f->is_off ? 2 : is_troubled ? world_random() % 4 : 3;

	if (proxy == AT_CADDY && steps < 3)
		steps = 0; /* it takes a change whole or not at all */
	if (to->target == 0 && steps == 1)
		steps = 2; /* it deletes the file before it tries the others */
	if (steps >= 1) {
		f->told.stages[change->place] = *to;
		take_names(f, change->place);
	}
	if (steps >= 2)
		f->files.stages[change->place] = *to;
	if (steps >= 3)
		load(f, proxy);
	else if (steps == 2)
		f->reload_ms = world.now_ms + draw_ms(0, RELOAD_MS);
	return is_troubled ? SAID_TROUBLED : SAID_DONE;
}

static enum front_said
finish(enum at proxy, const struct front_change *change, bool *ret_has_changed)
{
	struct front_of_world *f = &fronts_of_world[proxy];
	struct led to = change->to;
	uint32_t taken = leads_of_others(&f->told, change->place);

	if (is_down(proxy)) {
		uint32_t mode = world.outage_mode[OUTAGE_PROXY + proxy];
		return mode == 2 || (mode == 3 && world_chance(50)) ? SAID_REFUSED
								    : SAID_TROUBLED;
	}
	if (world_chance(world.faults.refuse))
		return SAID_REFUSED;
	if (to.target != 0 && (to.leads & taken) != 0 && !change->leaves_what_is_taken)
		return SAID_REFUSED;
	to.leads &= ~taken;
	if (to.leads == 0)
		to = (struct led){ .target = 0 };
	bool is_told = is_same(&to, &f->told.stages[change->place]);
	if (change->is_look)
		return is_told ? SAID_DONE : SAID_DIFFERS;
	if (is_told && (!change->is_written || to.target == 0))
		return SAID_DONE;
	*ret_has_changed = true;
	return write_change(f, proxy, change, &to);
}

static void
end_first(enum at proxy)
{
	struct front_of_world *f = &fronts_of_world[proxy];
	struct front_job_of_world job = f->jobs[0];
	bool has_changed = false;
	uint32_t left = leads_of_others(&f->told, job.change.place);
	enum front_said said = finish(proxy, &job.change, &has_changed);

	f->job_count--;
	memmove(&f->jobs[0], &f->jobs[1], f->job_count * sizeof(f->jobs[0]));
	if (job.is_heard)
		front_says(proxy, said, has_changed, left);
}

/* One after the other, in the order in which they came: its server does one thing at a time, and what
 * a process asked that has died since is done before what the next one asks. */
void
front_ask(enum at proxy, const struct front_change *change)
{
	struct front_of_world *f = &fronts_of_world[proxy];
	int64_t from_ms = world.now_ms;
	int64_t ms = proxy == AT_NPM && !change->is_look ? draw_ms(100, 700) : draw_ms(2, 40);

	front_unhear(proxy);
	if (f->job_count == FRONT_JOBS_MAX)
		end_first(proxy);
	if (f->job_count > 0 && f->jobs[f->job_count - 1].ends_ms > from_ms)
		from_ms = f->jobs[f->job_count - 1].ends_ms;
	if (is_down(proxy) && world.outage_mode[OUTAGE_PROXY + proxy] % 3 == 0)
		ms = SILENT_MS;
	else if (world_chance(world.faults.slow))
		ms += draw_ms(0, SLOW_MS);
	f->jobs[f->job_count++] = (struct front_job_of_world){
		.change = *change, .ends_ms = from_ms + ms, .is_heard = true
	};
}

void
front_unhear(enum at proxy)
{
	struct front_of_world *f = &fronts_of_world[proxy];

	for (uint32_t i = 0; i < f->job_count; i++)
		f->jobs[i].is_heard = false;
}

bool
fronts_of_world_are_idle(void)
{
	return fronts_of_world[AT_NPM].job_count == 0 && fronts_of_world[AT_NPM].reload_ms == 0
	       && fronts_of_world[AT_CADDY].job_count == 0;
}

void
front_lose(enum at proxy, int place)
{
	struct front_of_world *f = &fronts_of_world[proxy];

	f->told.stages[place] = (struct led){ .target = 0 };
	f->files.stages[place] = (struct led){ .target = 0 };
	for (int i = 0; i < GENERATIONS; i++)
		f->generations[i].serves.stages[place] = (struct led){ .target = 0 };
	for (int i = 0; i < WORLD_LEADS; i++)
		if (f->owner[i] == place + 1)
			f->owner[i] = 0;
}

/* Time. */

int64_t
fronts_of_world_next_ms(void)
{
	int64_t next_ms = INT64_MAX;

	for (int i = AT_NPM; i < AT_COUNT; i++)
		if (fronts_of_world[i].job_count > 0
		    && fronts_of_world[i].jobs[0].ends_ms < next_ms)
			next_ms = fronts_of_world[i].jobs[0].ends_ms;
	if (fronts_of_world[AT_NPM].reload_ms != 0
	    && fronts_of_world[AT_NPM].reload_ms < next_ms)
		next_ms = fronts_of_world[AT_NPM].reload_ms;
	if (fronts_of_world[AT_NPM].is_off && world.outage_until_ms[OUTAGE_NGINX] < next_ms)
		next_ms = world.outage_until_ms[OUTAGE_NGINX];
	return next_ms;
}

/* An nginx that starts serves what stands in its files. */
static void
pass_nginx(struct front_of_world *f)
{
	bool is_off = world.now_ms < world.outage_until_ms[OUTAGE_NGINX];

	if (is_off && !f->is_off)
		traffic_lost_at(AT_NPM);
	if (!is_off && f->is_off) {
		memset(f->generations, 0, sizeof(f->generations));
		f->generations[0].serves = f->files;
	}
	f->is_off = is_off;
	if (f->reload_ms != 0 && f->reload_ms <= world.now_ms) {
		f->reload_ms = 0;
		load(f, AT_NPM);
	}
}

void
fronts_of_world_pass(void)
{
	pass_nginx(&fronts_of_world[AT_NPM]);
	for (int i = AT_NPM; i < AT_COUNT; i++)
		while (fronts_of_world[i].job_count > 0
		       && fronts_of_world[i].jobs[0].ends_ms <= world.now_ms)
			end_first((enum at)i);
}
