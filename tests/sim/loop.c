/* loop.c - base/loop.h and base/clock.h in virtual time.
 *
 * The one idea: a wait costs nothing. Where libev would sleep, time jumps to whatever comes first: a
 * timer, something on the world's wire, or a client. All that is ready then runs in one turn, in
 * the order in which it was made. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/loop.h"
#include "net.h"
#include "sim.h"
#include "world.h"

enum { TIMERS_MAX = 64, IOS_MAX = LINKS_MAX + 1 };

struct loop_timer {
	loop_fn *call;
	void *context;
	int64_t at_ms; /* 0: stopped */
	uint64_t order;
};

struct loop_io {
	int fd;
	int wanted;
	loop_io_fn *call;
	void *context;
	uint64_t born;
};

struct loop {
	char nothing; /* there is one loop, and its state is here below */
};

static struct loop_timer *timers[TIMERS_MAX];
static size_t timer_count;
static struct loop_io *ios[IOS_MAX];
static size_t io_count;
static uint64_t next_order = 1;
static int64_t now_ms;

struct loop *
loop_new(void)
{
	static struct loop loop;

	return &loop;
}

void
loop_free(struct loop *loop UNUSED)
{
}

void
loop_wake(struct loop *loop UNUSED)
{
}

/* Descriptors. */

struct loop_io *
loop_io_new(struct loop *loop UNUSED, int fd, int wanted, loop_io_fn *call, void *context)
{
	struct loop_io *io = malloc(sizeof(*io));

	CHECK(io != NULL && io_count < IOS_MAX);
	*io = (struct loop_io){ .fd = fd,
		.wanted = wanted,
		.call = call,
		.context = context,
		.born = next_order++ };
	ios[io_count++] = io;
	return io;
}

void
loop_io_want(struct loop_io *io, int wanted)
{
	io->wanted = wanted;
}

void
loop_io_free(struct loop_io *io)
{
	size_t at = 0;

	if (io == NULL)
		return;
	while (ios[at] != io)
		at++;
	for (io_count--; at < io_count; at++)
		ios[at] = ios[at + 1];
	free(io);
}

static bool
any_is_ready(void)
{
	for (size_t i = 0; i < io_count; i++)
		if (ios[i]->wanted & net_ready(ios[i]->fd))
			return true;
	return false;
}

/* A callback may free any of them, and make new ones, which wait for the next turn. */
static void
run_ready(void)
{
	uint64_t after = 0;
	uint64_t end = next_order;

	for (;;) {
		struct loop_io *next = NULL;
		for (size_t i = 0; i < io_count && next == NULL; i++)
			if (ios[i]->born > after && ios[i]->born < end
			    && (ios[i]->wanted & net_ready(ios[i]->fd)))
				next = ios[i];
		if (next == NULL)
			return;
		after = next->born;
		next->call(next->context, next->wanted & net_ready(next->fd));
	}
}

/* Timers. */

struct loop_timer *
loop_timer_new(struct loop *loop UNUSED, loop_fn *call, void *context)
{
	struct loop_timer *timer = malloc(sizeof(*timer));

	CHECK(timer != NULL && timer_count < TIMERS_MAX);
	*timer = (struct loop_timer){ .call = call, .context = context };
	timers[timer_count++] = timer;
	return timer;
}

void
loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
	timer->at_ms = world.now_ms + (delay_ms < 0 ? 0 : delay_ms);
	timer->order = next_order++;
}

void
loop_timer_stop(struct loop_timer *timer)
{
	timer->at_ms = 0;
}

void
loop_timer_free(struct loop_timer *timer)
{
	size_t at = 0;

	if (timer == NULL)
		return;
	while (timers[at] != timer)
		at++;
	timers[at] = timers[--timer_count];
	free(timer);
}

static struct loop_timer *
first_timer(void)
{
	struct loop_timer *first = NULL;

	for (size_t i = 0; i < timer_count; i++)
		if (timers[i]->at_ms != 0
		    && (first == NULL || timers[i]->at_ms < first->at_ms
			|| (timers[i]->at_ms == first->at_ms
			    && timers[i]->order < first->order)))
			first = timers[i];
	return first;
}

static void
run_timers(void)
{
	uint64_t end = next_order;
	struct loop_timer *timer;

	while ((timer = first_timer()) != NULL && timer->at_ms <= world.now_ms
	       && timer->order < end) {
		timer->at_ms = 0;
		timer->call(timer->context);
	}
}

/* The turn. */

void
loop_turn(struct loop *loop UNUSED, bool may_wait)
{
	if (may_wait && !any_is_ready()) {
		const struct loop_timer *timer = first_timer();
		int64_t until_ms = sim_next_ms();
		if (timer != NULL && timer->at_ms < until_ms)
			until_ms = timer->at_ms;
		CHECK(until_ms != INT64_MAX); /* it would sleep for ever */
		if (until_ms > world.now_ms)
			world.now_ms = until_ms;
	}
	sim_arrive();
	run_timers();
	run_ready();
}

struct loop_signal *
loop_signal_new(
    struct loop *loop UNUSED, int number UNUSED, loop_fn *call UNUSED, void *context UNUSED)
{
	return NULL;
}

void
loop_signal_free(struct loop_signal *sig UNUSED)
{
}

/* The clocks, all of them the world's. */

void
clock_tick(void)
{
	now_ms = world.now_ms;
}

int64_t
clock_now_ms(void)
{
	return now_ms;
}

int64_t
clock_jump_ms(void)
{
	return 0;
}

int64_t
clock_wall_ms(void)
{
	return world.now_ms;
}

int64_t
clock_mono_us(void)
{
	return world.now_ms * 1000;
}

void
clock_text(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	snprintf(text, CLOCK_TEXT_SIZE, "%lld", (long long)wall_ms);
}
