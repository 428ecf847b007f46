/* port.h - what every port gets from its host: how to answer and where to read.
 *
 * A port performs effects and answers each with exactly one event, from a loop turn (answering from
 * inside perform() is allowed too). Effects are idempotent by deploy id: asked again after a
 * crash, a port finds what is done and does the rest. A newer effect for the same actor replaces
 * the older one: the port drops what it was doing for it (its answer would be stale). */
#ifndef SLIPWAY_PORTS_PORT_H
#define SLIPWAY_PORTS_PORT_H

#include "actors/fsm.h"

struct loop;
struct fetch;
struct store;
struct catalog;
struct ecr;

/* What a port sees that people want to know of, beside the answers to effects. */
struct noticed {
	enum notice notice;
	uint64_t stage;
	uint64_t deploy; /* 0: about none */
	char subject[SUBJECT_SIZE]; /* what is told once, beside notice and stage */
	char tag[TAG_SIZE];
	char digest[DIGEST_SIZE];
	char text[REASON_SIZE];
};

struct port_host {
	struct loop *loop;
	struct fetch *fetch;
	struct store *store; /* deploys, instances, deploy log */
	struct catalog *catalog; /* specs, engines, registries */
	struct ecr *ecr; /* passwords of Amazon's registries */
	void (*answer)(void *context, const struct event *event);
	void (*noticed)(void *context, const struct noticed *what); /* NULL: nobody listens */
	void *context;
};

/* Of a route: the newest swap that has moved it, and how far that had come. Zero: none yet. */
struct port_fence {
	uint64_t actor;
	uint32_t epoch;
};

/* The effect comes from an older swap, or from an older step of the same one. */
bool port_is_overtaken(const struct port_fence *fence, const struct effect *effect);

/* False: it is overtaken, and was answered with REFUSED. A DRAIN passes always: it never changes where the
 * route leads. All others are remembered. */
bool port_passes_fence(
    const struct port_host *host, struct port_fence *fence, const struct effect *effect);

/* Begins the answer to an effect: kind, to, epoch. */
struct event port_answer(const struct effect *effect, enum event_kind kind);

/* Sends it. */
void port_send(const struct port_host *host, const struct event *event);

/* Tells what was seen of a live deploy, whose stage and version are filled in. */
void port_notice(const struct port_host *host, enum notice notice, uint64_t deploy,
    const char *subject, const char *format, ...) PRINTF_LIKE(5, 6);

/* REFUSED or TROUBLED with a reason for a person; the reason also goes to the deploy's log. */
void port_fail(const struct port_host *host, const struct effect *effect, enum event_kind kind,
    const char *format, ...) PRINTF_LIKE(4, 5);

/* One line into the log of effect's deploy (and to the JSON log). Level: enum log_level. */
void port_note(const struct port_host *host, const struct effect *effect, int level,
    const char *format, ...) PRINTF_LIKE(4, 5);

/* The line of a step that is REFUSED or TROUBLED; port_fail() writes it by itself. */
void port_note_failure(const struct port_host *host, const struct effect *effect,
    enum event_kind kind, const char *text);

/* A line about one container of the deploy: the JSON line carries its id as instance_id. */
void port_note_instance(const struct port_host *host, const struct effect *effect,
    const char *container_id, int level, const char *format, ...) PRINTF_LIKE(5, 6);

#endif
