/* loop.h - the event loop: descriptors, timers and signals (libev behind it).
 *
 * The one idea: a callback only notes what happened (posts an event, moves bytes); the program
 * runs in the tick, between two turns of the loop. Watchers are handles owned by whoever made
 * them; freeing one from inside a callback, its own included, is allowed. */
#ifndef SLIPWAY_BASE_LOOP_H
#define SLIPWAY_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_io;
struct loop_timer;
struct loop_signal;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

typedef void loop_io_fn(void *context, int ready); /* ready: set of LOOP_READ, LOOP_WRITE */
typedef void loop_fn(void *context);

struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* One turn: waits until something happens (at once when !may_wait), runs the callbacks. */
void loop_turn(struct loop *loop, bool may_wait);

/* Makes a waiting loop_turn return from another thread. Safe in any thread. */
void loop_wake(struct loop *loop);

/* wanted: set of LOOP_READ, LOOP_WRITE; 0 pauses. The descriptor stays the caller's. */
struct loop_io *loop_io_new(struct loop *, int fd, int wanted, loop_io_fn *, void *context);
void loop_io_want(struct loop_io *, int wanted);
void loop_io_free(struct loop_io *); /* NULL is allowed, here and below */

/* Starts stopped. set: runs once after delay_ms (0 = next turn); a later set replaces it. */
struct loop_timer *loop_timer_new(struct loop *, loop_fn *, void *context);
void loop_timer_set(struct loop_timer *, int64_t delay_ms);
void loop_timer_stop(struct loop_timer *);
void loop_timer_free(struct loop_timer *);

struct loop_signal *loop_signal_new(struct loop *, int number, loop_fn *, void *context);
void loop_signal_free(struct loop_signal *);

#endif
