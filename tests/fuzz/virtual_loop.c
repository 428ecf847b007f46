/* virtual_loop.c - the event loop and the clocks in virtual time, behind base/loop.h and base/clock.h.
 *
 * The one idea: nobody ever waits. A turn hands out what descriptors have now and what timers are
 * due; when there is neither and it may wait, time jumps to the next timer. */
#include <poll.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "base/check.h"
#include "base/loop.h"
#include "fuzz.h"

static int virtual_time(clockid_t which, struct timespec *ret_time);

/* The real clock.c over another source of time. */
#define clock_gettime virtual_time
#include "base/clock.c"
#undef clock_gettime

int64_t fuzz_now_us = INT64_C(1769860800000000); /* 2026-01-31T12:00:00Z */

bool fuzz_time_stands;

static int
virtual_time(clockid_t which UNUSED, struct timespec *ret_time)
{
	*ret_time = (struct timespec){ .tv_sec = fuzz_now_us / 1000000,
		.tv_nsec = fuzz_now_us % 1000000 * 1000 };
	return 0;
}

enum { IO_MAX = 64 };

struct loop_io {
	TAILQ_ENTRY(loop_io) entry;
	struct loop *loop;
	loop_io_fn *call;
	void *context;
	int fd;
	int wanted;
	int ready;
};

struct loop_timer {
	TAILQ_ENTRY(loop_timer) entry; /* while it runs */
	struct loop *loop;
	loop_fn *call;
	void *context;
	int64_t due_us;
	bool is_set;
	bool is_due;
};

TAILQ_HEAD(io_list, loop_io);
TAILQ_HEAD(timer_list, loop_timer);

struct loop {
	struct io_list ios;
	struct timer_list timers; /* soonest first; equal ones in the order of their setting */
};

static void *
allocate(size_t size)
{
	void *p = calloc(1, size);

	CHECK(p != NULL);
	return p;
}

struct loop *
loop_new(void)
{
	struct loop *loop = allocate(sizeof(*loop));

	TAILQ_INIT(&loop->ios);
	TAILQ_INIT(&loop->timers);
	return loop;
}

/* Whoever made a watcher frees it before the loop: a law of the program. */
void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	CHECK(TAILQ_EMPTY(&loop->ios) && TAILQ_EMPTY(&loop->timers));
	free(loop);
}

void
loop_wake(struct loop *loop UNUSED)
{
}

/* Marks what is ready now; returns how many. */
static int
look(const struct loop *loop)
{
	struct pollfd fds[IO_MAX];
	struct loop_io *at[IO_MAX];
	struct loop_io *io;
	nfds_t count = 0;
	int ready = 0;

	TAILQ_FOREACH(io, &loop->ios, entry)
	{
		io->ready = 0;
		if (io->wanted == 0)
			continue;
		CHECK(count < IO_MAX);
		at[count] = io;
		fds[count++] = (struct pollfd){ .fd = io->fd,
			.events = (short)((io->wanted & LOOP_READ ? POLLIN : 0)
					  | (io->wanted & LOOP_WRITE ? POLLOUT : 0)) };
	}
	if (count == 0 || poll(fds, count, 0) <= 0)
		return 0;
	for (nfds_t i = 0; i < count; i++) {
		CHECK((fds[i].revents & POLLNVAL) == 0);
		if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
			at[i]->ready |= LOOP_READ;
		if (fds[i].revents & (POLLOUT | POLLHUP | POLLERR))
			at[i]->ready |= LOOP_WRITE;
		at[i]->ready &= at[i]->wanted;
		ready += at[i]->ready != 0;
	}
	return ready;
}

/* A callback may free any watcher, so each time the list is walked anew. */
static struct loop_io *
next_ready(const struct loop *loop)
{
	struct loop_io *io;

	TAILQ_FOREACH(io, &loop->ios, entry)
	if ((io->ready & io->wanted) != 0)
		return io;
	return NULL;
}

static void
call_ready(struct loop *loop)
{
	struct loop_io *io;

	while ((io = next_ready(loop)) != NULL) {
		int ready = io->ready & io->wanted;

		io->ready = 0;
		io->call(io->context, ready);
	}
}

static bool
call_due(struct loop *loop)
{
	struct loop_timer *timer;
	bool any = false;

	TAILQ_FOREACH(timer, &loop->timers, entry)
	timer->is_due = timer->due_us <= fuzz_now_us;
	while ((timer = TAILQ_FIRST(&loop->timers)) != NULL && timer->is_due) {
		any = true;
		loop_timer_stop(timer);
		timer->call(timer->context);
	}
	return any;
}

void
loop_turn(struct loop *loop, bool may_wait)
{
	bool any = look(loop) > 0;
	struct loop_timer *first;

	call_ready(loop);
	any |= call_due(loop);
	first = TAILQ_FIRST(&loop->timers);
	if (any || !may_wait || fuzz_time_stands || first == NULL)
		return;
	if (first->due_us > fuzz_now_us)
		fuzz_now_us = first->due_us;
	call_due(loop);
}

bool
fuzz_loop_is_idle(const struct loop *loop)
{
	return look(loop) == 0 && TAILQ_EMPTY(&loop->timers);
}

struct loop_io *
loop_io_new(struct loop *loop, int fd, int wanted, loop_io_fn *call, void *context)
{
	struct loop_io *io = allocate(sizeof(*io));

	CHECK(fd >= 0);
	*io = (struct loop_io){
		.loop = loop, .call = call, .context = context, .fd = fd, .wanted = wanted
	};
	TAILQ_INSERT_TAIL(&loop->ios, io, entry);
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
	if (io == NULL)
		return;
	TAILQ_REMOVE(&io->loop->ios, io, entry);
	free(io);
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_fn *call, void *context)
{
	struct loop_timer *timer = allocate(sizeof(*timer));

	*timer = (struct loop_timer){ .loop = loop, .call = call, .context = context };
	return timer;
}

void
loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
	struct loop_timer *later;

	loop_timer_stop(timer);
	timer->is_set = true;
	timer->due_us = fuzz_now_us + (delay_ms <= 0 ? 0 : delay_ms * 1000);
	TAILQ_FOREACH(later, &timer->loop->timers, entry)
	if (later->due_us > timer->due_us)
		break;
	if (later != NULL)
		TAILQ_INSERT_BEFORE(later, timer, entry);
	else
		TAILQ_INSERT_TAIL(&timer->loop->timers, timer, entry);
}

void
loop_timer_stop(struct loop_timer *timer)
{
	if (timer->is_set)
		TAILQ_REMOVE(&timer->loop->timers, timer, entry);
	timer->is_set = false;
	timer->is_due = false;
}

void
loop_timer_free(struct loop_timer *timer)
{
	if (timer == NULL)
		return;
	loop_timer_stop(timer);
	free(timer);
}

/* Nobody sends signals here. */
struct loop_signal {
	struct loop *loop;
};

struct loop_signal *
loop_signal_new(
    struct loop *loop, int number UNUSED, loop_fn *call UNUSED, void *context UNUSED)
{
	struct loop_signal *sig = allocate(sizeof(*sig));

	sig->loop = loop;
	return sig;
}

void
loop_signal_free(struct loop_signal *sig)
{
	free(sig);
}
