/* loop.c - libev wrapped; no other file includes ev.h. */
#include "base/loop.h"

#include <ev.h>
#include <stdlib.h>

#include "base/check.h"

struct loop {
	struct ev_loop *ev;
	ev_async wake;
};

struct loop_io {
	ev_io watcher;
	struct loop *loop;
	loop_io_fn *call;
	void *context;
	int fd;
};

struct loop_timer {
	ev_timer watcher;
	struct loop *loop;
	loop_fn *call;
	void *context;
};

struct loop_signal {
	ev_signal watcher;
	struct loop *loop;
	loop_fn *call;
	void *context;
};

static void *
allocate(size_t size)
{
	void *p = calloc(1, size);

	CHECK(p != NULL);
	return p;
}

static void
on_wake(struct ev_loop *ev UNUSED, ev_async *watcher UNUSED, int events UNUSED)
{
}

struct loop *
loop_new(void)
{
	struct loop *loop = allocate(sizeof(*loop));

	loop->ev = ev_loop_new(EVFLAG_AUTO);
	CHECK(loop->ev != NULL);
	ev_async_init(&loop->wake, on_wake);
	ev_async_start(loop->ev, &loop->wake);
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	ev_async_stop(loop->ev, &loop->wake);
	ev_loop_destroy(loop->ev);
	free(loop);
}

void
loop_turn(struct loop *loop, bool may_wait)
{
	ev_run(loop->ev, may_wait ? EVRUN_ONCE : EVRUN_NOWAIT);
}

void
loop_wake(struct loop *loop)
{
	ev_async_send(loop->ev, &loop->wake);
}

static void
on_io(struct ev_loop *ev UNUSED, ev_io *watcher, int events)
{
	struct loop_io *io = watcher->data;
	int ready =
	    ((events & EV_READ) ? LOOP_READ : 0) | ((events & EV_WRITE) ? LOOP_WRITE : 0);

	if (ready != 0)
		io->call(io->context, ready);
}

struct loop_io *
loop_io_new(struct loop *loop, int fd, int wanted, loop_io_fn *call, void *context)
{
	struct loop_io *io = allocate(sizeof(*io));

	CHECK(fd >= 0);
	*io = (struct loop_io){ .loop = loop, .call = call, .context = context, .fd = fd };
	ev_init(&io->watcher, on_io);
	io->watcher.data = io;
	ev_io_set(&io->watcher, fd, 0);
	loop_io_want(io, wanted);
	return io;
}

void
loop_io_want(struct loop_io *io, int wanted)
{
	int events =
	    ((wanted & LOOP_READ) ? EV_READ : 0) | ((wanted & LOOP_WRITE) ? EV_WRITE : 0);

	if (ev_is_active(&io->watcher)
	    && (io->watcher.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(io->loop->ev, &io->watcher);
	ev_io_set(&io->watcher, io->fd, events);
	if (events != 0)
		ev_io_start(io->loop->ev, &io->watcher);
}

void
loop_io_free(struct loop_io *io)
{
	if (io == NULL)
		return;
	ev_io_stop(io->loop->ev, &io->watcher);
	free(io);
}

static void
on_timer(struct ev_loop *ev UNUSED, ev_timer *watcher, int events UNUSED)
{
	struct loop_timer *timer = watcher->data;

	timer->call(timer->context);
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_fn *call, void *context)
{
	struct loop_timer *timer = allocate(sizeof(*timer));

	*timer = (struct loop_timer){ .loop = loop, .call = call, .context = context };
	ev_init(&timer->watcher, on_timer);
	timer->watcher.data = timer;
	return timer;
}

void
loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
	ev_timer_stop(timer->loop->ev, &timer->watcher);
	ev_now_update(timer->loop->ev); /* a long tick must not shorten the delay */
	ev_timer_set(&timer->watcher, delay_ms <= 0 ? 0. : (double)delay_ms / 1000., 0.);
	ev_timer_start(timer->loop->ev, &timer->watcher);
}

void
loop_timer_stop(struct loop_timer *timer)
{
	ev_timer_stop(timer->loop->ev, &timer->watcher);
}

void
loop_timer_free(struct loop_timer *timer)
{
	if (timer == NULL)
		return;
	ev_timer_stop(timer->loop->ev, &timer->watcher);
	free(timer);
}

static void
on_signal(struct ev_loop *ev UNUSED, ev_signal *watcher, int events UNUSED)
{
	struct loop_signal *sig = watcher->data;

	sig->call(sig->context);
}

struct loop_signal *
loop_signal_new(struct loop *loop, int number, loop_fn *call, void *context)
{
	struct loop_signal *sig = allocate(sizeof(*sig));

	*sig = (struct loop_signal){ .loop = loop, .call = call, .context = context };
	ev_signal_init(&sig->watcher, on_signal, number);
	sig->watcher.data = sig;
	ev_signal_start(loop->ev, &sig->watcher);
	return sig;
}

void
loop_signal_free(struct loop_signal *sig)
{
	if (sig == NULL)
		return;
	ev_signal_stop(sig->loop->ev, &sig->watcher);
	free(sig);
}
