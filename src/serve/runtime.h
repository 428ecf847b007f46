/* runtime.h - the actors alive, their mailbox and deadlines, and the middle of the tick.
 *
 * The one idea: events are stepped on actors in memory and in the open transaction at once;
 * whatever those steps want done outside (effects) waits until runtime_release(), which the main
 * loop calls after the commit. Messages between actors and births are delivered within the same
 * tick, so a transaction never splits a conversation. */
#ifndef SLIPWAY_SERVE_RUNTIME_H
#define SLIPWAY_SERVE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/fsm.h"
#include "base/err.h"

struct runtime;
struct store;

struct moved { /* one step that was taken and kept */
	struct actor after;
	int from;
	enum event_kind on;
	int64_t seq; /* of its journal row */
	char text[REASON_SIZE];
};

struct runtime_host {
	/* After the commit, in the order of the steps. */
	void (*perform)(void *context, const struct effect *effect);
	void (*moved)(void *context, const struct moved *moved);
	/* What a stage is asked to judge by, put into the event (terms) as it is delivered. */
	void (*inform)(void *context, struct event *event);
	void *context;
};

struct runtime *runtime_new(struct store *store, const struct runtime_host *host);
void runtime_free(struct runtime *rt);

/* Loads every actor that is not over and re-arms its deadline; nothing is stepped. */
int runtime_load(struct runtime *rt, struct err *err) MUST_USE;

/* Delivers RECOVERED to each, in the order of their ids. The first thing of the first tick. */
void runtime_recover(struct runtime *rt, int64_t now_ms);

/* Ids below this one are not given out any more. */
void runtime_raise_id(struct runtime *rt, uint64_t next_id);

/* For callbacks between ticks: queues an event for the next tick. false: the mailbox is full, or
 * there is no such actor alive (the event is stale). */
bool runtime_post(struct runtime *rt, const struct event *event);

/* For the tick (handlers, the configuration): steps the actor at once, with all that follows among
 * actors. *ret_spawned (may be NULL): the first actor born by it, 0 for none. */
enum step
runtime_deliver(struct runtime *rt, const struct event *event, uint64_t *ret_spawned);

/* Births an actor; id is chosen, START delivered. Returns the id. */
uint64_t runtime_spawn(struct runtime *rt, struct actor actor);

/* The middle of the tick: due deadlines, then at most TICK_EVENTS_MAX events. */
void runtime_step(struct runtime *rt, int64_t now_ms);

/* After the commit: what was set aside goes out. */
void runtime_release(struct runtime *rt);

/* The steps that were kept since the last release; valid until the next step. */
size_t runtime_moved_count(const struct runtime *rt);
const struct moved *runtime_moved_at(const struct runtime *rt, size_t index);

/* When the next tick has to happen: now_ms when events wait, the nearest deadline otherwise, or
 * INT64_MAX. */
int64_t runtime_due_ms(const struct runtime *rt, int64_t now_ms);

/* NULL: not alive. Valid until the next step. */
const struct actor *runtime_actor(const struct runtime *rt, uint64_t id);

size_t runtime_count(const struct runtime *rt, enum actor_kind kind);
bool runtime_has_room(const struct runtime *rt); /* for outside work; else answer 503 */

/* Visits every actor alive. */
typedef void runtime_visit_fn(void *context, const struct actor *actor);
void runtime_visit(const struct runtime *rt, runtime_visit_fn *visit, void *context);

#endif
