/* traffic.c - requests through the simulated proxies, and the law of the whole product: none of them
 * fails.
 *
 * A request begins at the target of its route and holds one container until it ends. It may end
 * early for two reasons only: its container ended by a fault of its own, or it is to an old version
 * and the time that its stage gives requests is over.
 *
 * While a deploy has stopped the old version first, requests wait at the edge and then begin at what
 * serves; that they may wait for too long, or are not let wait, is what such a stage was told. */
#include <string.h>

#include "base/check.h"
#include "world.h"
#include "world_front.h"

enum { REQUESTS_MAX = 48, DRAINS_TRIED = 8, WAIT_MS = 30000 };

struct request_in_flight {
	int place; /* of the stage */
	enum at proxy;
	uint64_t deploy;
	uint32_t replica;
	int64_t arrives_ms; /* a proxy in front may hold it for a moment */
	int64_t ends_ms;
};

struct waiting_request {
	int place;
	int64_t until_ms;
	int64_t length_ms;
};

struct traffic_counts traffic_counts;

static struct waiting_request waiting[REQUESTS_MAX];
static uint32_t waiting_count;
static struct request_in_flight requests[REQUESTS_MAX];
static uint32_t request_count;

void
traffic_reset(void)
{
	request_count = 0;
	waiting_count = 0;
}

static void
drop(uint32_t at)
{
	requests[at] = requests[--request_count];
}

/* HAProxy and Caddy try another server when one does not take the connection. */
static bool
find_server(const struct reach *to, uint32_t *ret_replica)
{
	uint32_t able = to->replicas & world.running[to->target];
	uint32_t first = (uint32_t)(world_random() % WORLD_REPLICAS);

	for (uint32_t i = 0; i < WORLD_REPLICAS; i++) {
		*ret_replica = (first + i) % WORLD_REPLICAS;
		if (able >> *ret_replica & 1u)
			return true;
	}
	return false;
}

/* A name that two proxies lead is reached at either. */
static bool
reach(uint32_t lead, struct reach *ret)
{
	uint32_t first = (uint32_t)(world_random() % AT_COUNT);

	for (uint32_t i = 0; i < AT_COUNT; i++) {
		enum at proxy = (enum at)((first + i) % AT_COUNT);
		int place = world.lead_owner[lead] - 1;
		if (proxy != AT_EDGE && front_reach(proxy, lead, ret))
			return true;
		if (proxy != AT_EDGE || place < 0)
			continue;
		*ret = (struct reach){ .place = place,
			.proxy = AT_EDGE,
			.target = world.routes[place].target,
			.replicas = world.routes[place].replicas };
		return true;
	}
	return false;
}

/* nginx reads a small body before it passes a request on, to where it led when the request began. */
static int64_t
held_at(enum at proxy)
{
	if (proxy == AT_EDGE)
		return 0;
	return (int64_t)(world_random() % (proxy == AT_NPM ? 800 : 50));
}

static void
wait_at_edge(int place, int64_t length_ms)
{
	if (!world.routes[place].is_waited || waiting_count == REQUESTS_MAX) {
		traffic_counts.refused++;
		return;
	}
	waiting[waiting_count++] = (struct waiting_request){
		.place = place, .until_ms = world.now_ms + WAIT_MS, .length_ms = length_ms
	};
}

/* The plan has told so, and nobody else may be without an answer. */
static bool
is_announced(const struct reach *to)
{
	return world.is_untold[to->target];
}

static void
begin(const struct reach *whither, int64_t length_ms)
{
	struct reach to = *whither;
	uint32_t replica = 0;
	int64_t held_ms = held_at(to.proxy);

	if (request_count == REQUESTS_MAX)
		return;
	traffic_counts.begun++;
	if (is_announced(&to)) {
		traffic_counts.refused++;
		return;
	}
	if (!find_server(&to, &replica)) {
		traffic_counts.lost++;
		if (world.routes[to.place].has_served && world.vanished[to.target] == 0
		    && !traffic_has_given_up(to.target) && !world.is_unrevived[to.target])
			world.broken("a request found nothing that serves", to.target);
		return;
	}
	if (world.is_bad[to.target])
		world.broken("a request went to what never was healthy", to.target);
	requests[request_count++] = (struct request_in_flight){ .place = to.place,
		.proxy = to.proxy,
		.deploy = to.target,
		.replica = replica,
		.arrives_ms = world.now_ms + held_ms,
		.ends_ms = world.now_ms + held_ms + length_ms };
}

void
traffic_begin(uint32_t lead, int64_t length_ms)
{
	struct reach to;

	if (request_count == REQUESTS_MAX || !reach(lead, &to))
		return;
	if (to.proxy == AT_EDGE && world.routes[to.place].is_stopped)
		traffic_counts.refused++;
	else if (to.proxy == AT_EDGE && world.routes[to.place].is_parked)
		wait_at_edge(to.place, length_ms);
	else
		begin(&to, length_ms);
}

void
traffic_unpark(int place)
{
	for (uint32_t i = 0; i < waiting_count;) {
		struct waiting_request w = waiting[i];
		struct reach to = { .place = place,
			.proxy = AT_EDGE,
			.target = world.routes[place].target,
			.replicas = world.routes[place].replicas };

		if (w.place != place) {
			i++;
			continue;
		}
		waiting[i] = waiting[--waiting_count];
		if (w.until_ms < world.now_ms) {
			traffic_counts.late++;
		} else if (to.target != 0) {
			traffic_counts.waited++;
			begin(&to, w.length_ms);
		}
	}
}

void
traffic_pass(void)
{
	for (uint32_t i = 0; i < request_count;)
		if (requests[i].ends_ms <= world.now_ms) {
			traffic_counts.ended++;
			drop(i);
		} else {
			i++;
		}
}

void
traffic_end(void)
{
	for (uint32_t i = 0; i < request_count; i++)
		requests[i].ends_ms = world.now_ms;
	traffic_pass();
}

static bool
is_other(uint32_t at, int place, uint64_t target)
{
	return requests[at].proxy == AT_EDGE && requests[at].place == place
	       && requests[at].deploy != target;
}

uint32_t
traffic_count_others(int place, uint64_t target)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < request_count; i++)
		count += is_other(i, place, target);
	return count;
}

int64_t
traffic_next_ms(int place, uint64_t target)
{
	int64_t next_ms = INT64_MAX;

	for (uint32_t i = 0; i < request_count; i++)
		if (is_other(i, place, target) && requests[i].ends_ms < next_ms)
			next_ms = requests[i].ends_ms;
	return next_ms == INT64_MAX ? world.now_ms : next_ms;
}

uint32_t
traffic_cut_others(int place, uint64_t target)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < request_count;)
		if (is_other(i, place, target)) {
			count++;
			traffic_counts.cut++;
			drop(i);
		} else {
			i++;
		}
	return count;
}

uint32_t
traffic_count_of(uint64_t deploy)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < request_count; i++)
		count +=
		    requests[i].deploy == deploy && requests[i].arrives_ms <= world.now_ms;
	return count;
}

void
traffic_cut_of(uint64_t deploy)
{
	for (uint32_t i = 0; i < request_count;)
		if (requests[i].deploy == deploy) {
			traffic_counts.cut++;
			drop(i);
		} else {
			i++;
		}
}

void
traffic_lost_at(enum at proxy)
{
	for (uint32_t i = 0; i < request_count;)
		if (requests[i].proxy == proxy) {
			traffic_counts.lost++;
			drop(i);
		} else {
			i++;
		}
}

/* The proxy could not be asked as often as a deploy tries: then the old version is stopped all the
 * same, which is the one way in which a request may fail. */
bool
traffic_has_given_up(uint64_t elder)
{
	return world.drain_failures[elder] > DRAINS_TRIED;
}

void
traffic_stopped(uint64_t deploy, uint32_t replicas, const char *by)
{
	bool is_by_itself = by[0] == 'i';

	for (uint32_t i = 0; i < request_count;) {
		if (requests[i].deploy != deploy || !(replicas >> requests[i].replica & 1u)) {
			i++;
			continue;
		}
		traffic_counts.lost++;
		if (!is_by_itself && !traffic_has_given_up(deploy))
			world.broken("a request was cut off with its container", deploy);
		drop(i);
	}
}
