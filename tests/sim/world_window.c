/* world_window.c - verification windows: how versions do behind their switch, and who watches them.
 *
 * The one idea: whether a version goes bad in its window, and when, is drawn beforehand; so the world can say
 * afterwards what its watcher must have found. An engine that is away tells nothing, and condemns nothing. */
#include "world_window.h"

#include <string.h>

#include "base/check.h"
#include "world_tasks.h"

enum { BLIND_MS = 1000 }; /* who sees nothing looks again */

struct window {
	uint64_t actor; /* who waits for its end; 0: nobody */
	uint32_t epoch;
	struct facts facts;
	int64_t since_ms;
	int64_t next_ms; /* something is to be told */
	bool has_failed;
	bool has_passed;
};

static struct window windows[WORLD_DEPLOYS];

void
windows_reset(void)
{
	memset(windows, 0, sizeof(windows));
}

void
window_began(uint64_t deploy, int64_t since_ms)
{
	if (windows[deploy].since_ms != 0 && windows[deploy].since_ms != since_ms)
		world.broken("a verification window began twice", deploy);
	windows[deploy].since_ms = since_ms;
}

int64_t
window_since_ms(uint64_t deploy)
{
	return windows[deploy].since_ms;
}

bool
window_has_failed(uint64_t deploy)
{
	return windows[deploy].has_failed;
}

bool
window_has_passed(uint64_t deploy)
{
	return windows[deploy].has_passed;
}

static int64_t
until_ms(const struct window *w)
{
	return w->since_ms + w->facts.verify_ms;
}

static bool
goes_bad(uint64_t deploy)
{
	return world.bad_after_ms[deploy] != 0
	       && world.bad_after_ms[deploy] < windows[deploy].facts.verify_ms;
}

static bool
is_whole(uint64_t deploy)
{
	uint32_t all = (1u << windows[deploy].facts.replicas) - 1;

	return world.running[deploy] == all && world.vanished[deploy] == 0;
}

/* By what the store says of it. */
static bool
runs_before(const struct window *w)
{
	struct facts elder;

	return world.facts == NULL
		   ? world.running[w->facts.elder] != 0
		   : world.facts(w->facts.elder, w->facts.stage, &elder) && elder.serving != 0;
}

/* As src/ports/gate_window.c judges. EV_COUNT: it goes on. */
static void
judge(uint64_t deploy, struct event *answer)
{
	struct window *w = &windows[deploy];
	bool is_bad =
	    !is_whole(deploy) || world.is_bad[deploy]
	    || (goes_bad(deploy) && world.now_ms >= w->since_ms + world.bad_after_ms[deploy]);

	answer->kind = EV_COUNT;
	if (world_engine_is_down(w->facts.engine, answer)) {
		if (answer->kind != EV_COUNT && world.now_ms < until_ms(w))
			answer->kind = EV_COUNT; /* it may be back before the end */
	} else if (is_bad && runs_before(w)) {
		w->has_failed = true;
		answer_as(answer, EV_REFUSED, "it failed in its verification window");
	} else if (is_bad || world.now_ms >= until_ms(w)) {
		w->has_passed = true;
		answer->kind = EV_VERIFIED;
	}
}

static void
wait_on(uint64_t deploy)
{
	struct window *w = &windows[deploy];
	int64_t bad_ms = w->since_ms + world.bad_after_ms[deploy];

	w->next_ms = goes_bad(deploy) && bad_ms > world.now_ms ? bad_ms : until_ms(w);
	if (w->next_ms <= world.now_ms)
		w->next_ms = world.now_ms + BLIND_MS;
}

void
window_perform(const struct effect *ask, const struct facts *facts, struct event *answer)
{
	struct window *w = &windows[ask->deploy];

	CHECK(ask->kind == FX_VERIFY && w->since_ms != 0);
	w->facts = *facts;
	w->actor = 0;
	judge(ask->deploy, answer);
	if (answer->kind != EV_COUNT)
		return;
	w->actor = ask->actor;
	w->epoch = ask->epoch;
	wait_on(ask->deploy);
}

void
windows_forget(uint64_t actor)
{
	windows[actor].actor = 0;
}

void
windows_lost_their_server(void)
{
	for (uint64_t d = 1; d < WORLD_DEPLOYS; d++)
		windows[d].actor = 0;
}

/* One that ends by itself is told of at once. */
static int64_t
due_ms(uint64_t deploy)
{
	return is_whole(deploy) || windows[deploy].next_ms < world.now_ms + BLIND_MS
		   ? windows[deploy].next_ms
		   : world.now_ms + BLIND_MS;
}

int64_t
windows_next_ms(void)
{
	int64_t next_ms = INT64_MAX;

	for (uint64_t d = 1; d <= world.newest_deploy; d++)
		if (windows[d].actor != 0 && due_ms(d) < next_ms)
			next_ms = due_ms(d);
	return next_ms;
}

void
windows_pass(void)
{
	for (uint64_t d = 1; d <= world.newest_deploy; d++) {
		struct window *w = &windows[d];
		struct event answer = { .to = w->actor, .epoch = w->epoch };

		if (w->actor == 0 || (is_whole(d) && w->next_ms > world.now_ms))
			continue;
		judge(d, &answer);
		wait_on(d);
		if (answer.kind == EV_COUNT)
			continue;
		w->actor = 0;
		if (!world_chance(world.faults.lose_answer))
			world_answer(&answer);
	}
}
