/* fronts.c - the real src/ports/proxies.c and front*.c, on the simulated Nginx Proxy Manager and Caddy.
 *
 * The one idea: the process's side of a proxy in front runs as it is; simulated is only what it asks:
 * the two drivers, the requests that confirm, and the kernel's count of connections. Its effects
 * are in the process, so they die with it; what a driver has asked is the world's, and does not. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Here they are not constant: sabotage makes them hasty. */
#define npm_driver const_npm_driver
#define caddy_driver const_caddy_driver
#include "ports/front_driver.h"
#undef npm_driver
#undef caddy_driver

#include "base/check.h"
#include "base/str.h"
#include "ports/docker.h"
#include "ports/edge.h"
#include "ports/fetch.h"
#include "ports/proxies.h"
#include "sim.h"
#include "world_front.h"

struct fetch_transfer {
	enum at proxy;
	uint32_t lead;
	fetch_done_fn *on_done;
	void *context;
	int64_t at_ms; /* 0: not used */
	uint64_t answered_by; /* 0: nobody */
};

struct docker_sockets {
	uint64_t deploy;
	docker_sockets_fn *on_ready;
	void *context;
	int64_t at_ms; /* 0: was told */
	bool is_used;
	bool is_blind;
};

struct driver {
	enum at proxy;
	struct front_job job;
	bool is_busy;
};

static struct driver drivers[AT_COUNT];
static struct fetch_transfer transfers[2 * WORLD_STAGES];
static struct docker_sockets sockets[2 * WORLD_STAGES];
static int64_t counted_from_ms[WORLD_DEPLOYS];

/* Drivers. */

static void *
open_npm(const struct front_host *host UNUSED)
{
	return &drivers[AT_NPM];
}

static void *
open_caddy(const struct front_host *host UNUSED)
{
	return &drivers[AT_CADDY];
}

static void
stop(void *self)
{
	struct driver *d = self;

	d->is_busy = false;
	front_unhear(d->proxy);
}

/* "10.x.y.z:8080" as ports.c gives them. */
static bool
read_address(const char *address, uint64_t *ret_deploy, uint32_t *ret_replica)
{
	unsigned high;
	unsigned low;

	if (sscanf(address, "10.%u.%u.%u:", &high, &low, ret_replica) != 3)
		return false;
	*ret_deploy = high << 8 | low;
	*ret_replica -= 2;
	return true;
}

static void
begin(void *self, const struct front_job *job)
{
	struct driver *d = self;
	const struct front_route *route = job->route;
	struct front_change change = { .place = world_place(route->stage),
		.leaves_what_is_taken = job->work != FRONT_ENSURE,
		.is_look = job->work == FRONT_COMPARE,
		.is_written = d->proxy == AT_NPM };

	CHECK(!d->is_busy && change.place >= 0);
	if (sim.is_dead)
		return;
	for (size_t i = 0; job->work != FRONT_REMOVE && i < route->target_count; i++) {
		uint32_t replica;
		CHECK(read_address(route->targets[i].address, &change.to.target, &replica));
		change.to.replicas |= 1u << replica;
	}
	for (size_t i = 0; i < route->domain_count; i++)
		change.to.leads |= lead_of(route->domains[i]);
	d->job = *job;
	d->is_busy = true;
	front_ask(d->proxy, &change);
}

static void
answered(enum at proxy, enum front_said said, bool has_changed, uint32_t left)
{
	static const enum front_outcome outcomes[] = { [SAID_DONE] = FRONT_DONE,
		[SAID_DIFFERS] = FRONT_DIFFERS,
		[SAID_REFUSED] = FRONT_REFUSED,
		[SAID_TROUBLED] = FRONT_TROUBLED };
	struct driver *d = &drivers[proxy];
	bool is_restoring = d->job.work == FRONT_RESTORE;
	uint32_t all = (1u << d->job.route->domain_count) - 1;
	uint32_t places = 0;

	CHECK(d->is_busy);
	for (size_t i = 0; i < d->job.route->domain_count; i++)
		if (lead_of(d->job.route->domains[i]) & left)
			places |= 1u << i;
	d->is_busy = false;
	sim.happened++;
	d->job.on_done(
	    d->job.context, &(struct front_answer){ .outcome = outcomes[said],
				.has_changed = has_changed,
				.is_untouched = !has_changed,
				.is_left = is_restoring && places != 0 && places == all,
				.left = is_restoring ? places : 0,
				.text = said == SAID_DONE ? "" : "the proxy says no" });
}

static void
probe(void *self, const struct front_route *route, int count, struct front_request *to)
{
	const struct driver *d = self;
	const char *domain = route->domains[(size_t)count % route->domain_count];

	snprintf(to->url, sizeof(to->url), "http://%d/", (int)d->proxy);
	snprintf(to->host, sizeof(to->host), "Host: %s", domain);
}

static enum front_proof
proves(void *self UNUSED, const struct front_route *route, const struct fetch_result *result,
    char said[128])
{
	uint64_t deploy = 0;
	uint32_t replica;

	snprintf(said, 128, "deploy %" PRIu64 " answered", result->transfer->answered_by);
	if (route->target_count > 0)
		CHECK(read_address(route->targets[0].address, &deploy, &replica));
	if (result->transfer->answered_by == 0)
		return FRONT_UNPROVEN;
	return deploy == result->transfer->answered_by ? FRONT_PROVEN : FRONT_OTHER;
}

/* In place of the real ones, with fewer questions that take as long. */

struct front_driver npm_driver = { open_npm, stop, begin, stop, probe, proves,
	.ensure_ms = 60000, .confirm_ms = 15000, .confirm_pause_ms = 80 };
struct front_driver caddy_driver = { open_caddy, stop, begin, stop, probe, proves,
	.ensure_ms = 30000, .confirm_ms = 15000, .confirm_pause_ms = 80 };

static void
set_driver(struct front_driver *driver, int64_t least_ms, int64_t floor_ms)
{
	bool is_hasty = sim.one_answer_is_enough;

	driver->confirm_answers = is_hasty ? 1 : 5;
	driver->confirm_least_ms = is_hasty ? 0 : least_ms;
	driver->drain_floor_ms = sim.drains_have_no_floor ? 0 : floor_ms;
}

/* Requests that confirm. */

struct fetch_transfer *
fetch_start(struct fetch *fetch UNUSED, const struct fetch_request *request)
{
	static const char head[] = "Host: ";

	for (size_t i = 0; i < COUNT(transfers); i++) {
		struct fetch_transfer *t = &transfers[i];
		if (t->at_ms != 0)
			continue;
		*t = (struct fetch_transfer){ .on_done = request->on_done,
			.context = request->context,
			.at_ms = world.now_ms + 1 + (int64_t)(world_random() % 20) };
		t->proxy = (enum at)(request->url[strlen("http://")] - '0');
		while (lead_of(request->headers[0] + strlen(head)) != 1u << t->lead)
			t->lead++;
		return t;
	}
	CHECK(COUNT(transfers) == 0);
	return NULL;
}

void
fetch_cancel(struct fetch_transfer *t)
{
	t->at_ms = 0;
}

struct str
fetch_header(const struct fetch_transfer *t UNUSED, const char *name UNUSED)
{
	return STR("");
}

static void
end_transfer(struct fetch_transfer *t)
{
	struct fetch_transfer done = *t;
	struct fetch_result result = {
		.outcome = FETCH_ANSWERED, .status = 200, .why = "", .transfer = &done
	};
	struct reach to;

	t->at_ms = 0;
	if (fronts_of_world[done.proxy].is_off || world_chance(world.faults.trouble / 4))
		result = (struct fetch_result){ .outcome = FETCH_UNREACHED,
			.why = "connection refused",
			.transfer = &done };
	else if (front_reach(done.proxy, done.lead, &to)
		 && (to.replicas & world.running[to.target]) != 0)
		done.answered_by = to.target;
	done.on_done(done.context, &result);
}

/* Connections of containers. */

struct docker_sockets *
docker_sockets_new(
    struct docker *docker UNUSED, uint64_t deploy, docker_sockets_fn *on_ready, void *context)
{
	for (size_t i = 0; i < COUNT(sockets); i++)
		if (!sockets[i].is_used) {
			sockets[i] = (struct docker_sockets){ .deploy = deploy,
				.on_ready = on_ready,
				.context = context,
				.at_ms = world.now_ms + (int64_t)(world_random() % 50),
				.is_used = true,
				.is_blind = world_chance(10) };
			return &sockets[i];
		}
	CHECK(COUNT(sockets) == 0);
	return NULL;
}

void
docker_sockets_free(struct docker_sockets *s)
{
	if (s != NULL)
		s->is_used = false;
}

bool
docker_sockets_count(const struct docker_sockets *s, uint32_t *ret_count)
{
	*ret_count = traffic_count_of(s->deploy);
	return !s->is_blind;
}

void
fronts_cut(uint64_t deploy, int64_t ms)
{
	struct facts facts;

	if (deploy == 0 || !ports_facts(deploy, 0, &facts))
		return;
	if (counted_from_ms[deploy] != 0
	    && world.now_ms - counted_from_ms[deploy] >= (ms == 0 ? facts.drain_ms : ms))
		traffic_cut_of(deploy);
}

/* Time. */

int64_t
fronts_next_ms(void)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < COUNT(transfers); i++)
		if (transfers[i].at_ms != 0 && transfers[i].at_ms < next_ms)
			next_ms = transfers[i].at_ms;
	for (size_t i = 0; i < COUNT(sockets); i++)
		if (sockets[i].is_used && sockets[i].at_ms != 0 && sockets[i].at_ms < next_ms)
			next_ms = sockets[i].at_ms;
	return next_ms;
}

void
fronts_pass(void)
{
	for (size_t i = 0; i < COUNT(transfers); i++)
		if (transfers[i].at_ms != 0 && transfers[i].at_ms <= world.now_ms)
			end_transfer(&transfers[i]);
	for (size_t i = 0; i < COUNT(sockets); i++)
		if (sockets[i].is_used && sockets[i].at_ms != 0
		    && sockets[i].at_ms <= world.now_ms) {
			sockets[i].at_ms = 0;
			counted_from_ms[sockets[i].deploy] = world.now_ms;
			sockets[i].on_ready(sockets[i].context);
		}
}

void
fronts_reset(void)
{
	memset(transfers, 0, sizeof(transfers));
	memset(sockets, 0, sizeof(sockets));
	memset(counted_from_ms, 0, sizeof(counted_from_ms));
	for (int i = 0; i < AT_COUNT; i++)
		drivers[i] = (struct driver){ .proxy = (enum at)i };
	set_driver(&npm_driver, 500, 1000);
	set_driver(&caddy_driver, 300, 1500);
	front_says = answered;
}
