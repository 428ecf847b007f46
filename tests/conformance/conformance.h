/* conformance.h - what the files of the conformance programs share.
 *
 * Two programs play the same scenarios: `real` on src/serve/ports.c with an engine, a registry
 * and HAProxy, `simulated` on the ports and the world of tests/sim. scenario.c reads a scenario
 * and writes down what came back; inside.c is Slipway as far as ports see it; real.c and
 * simulated.c are the outside, one for each program. */
#ifndef SLIPWAY_TESTS_CONFORMANCE_H
#define SLIPWAY_TESTS_CONFORMANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/fsm.h"
#include "base/str.h"
#include "serve/app.h"

enum { SAID_SIZE = 256, IMAGES_KNOWN = 6 };

struct outside_parts {
	const char *registry; /* the address that images begin with */
	const char *engine; /* its host */
	const char *receiver; /* the URL of the one whom every notification is for */
};

/* inside.c: a store, a catalog and the actors that effects are for. They take no steps: what
 * they ask is in the scenario. */
extern struct app app;

void inside_open(const char *scenario, const struct outside_parts *parts);
void inside_close(void);

/* "shop", "domains: [a.example]": the stage, or a new revision of its configuration. */
void inside_stage(const char *name, const char *options);

/* Labels are as in scenarios: "d1" a deploy, "s1" a swap, "shop" a stage. */
void inside_deploy(const char *label, const char *stage, const char *tag);
void inside_stop(const char *label, const char *stage); /* a deploy that stops it */
void inside_end(const char *label, bool is_live);
uint64_t inside_id(const char *label);
void inside_rows(const char *label, struct buf *said);
void inside_tasks(const char *label, struct buf *said);

/* Lets an effect leave, after its commit. by: the label of a swap, or "". */
void inside_ask(enum effect_kind kind, const char *about, const char *by);

/* The next answer that its actor would take. false: there is none yet. */
bool inside_take(struct event *ret_event);

/* A digest that the registry gave to a tag: images have the names of their first tags. */
void inside_learn(const char *tag, const char *digest);
const char *inside_image(const char *digest);

/* The outside. */

void outside_open(struct outside_parts *ret_parts);

/* Stages and engine have their ids; the ports are there and may start. */
void outside_ready(void);

/* What a deploy is about may have changed since: told before each effect. */
void outside_know(uint64_t deploy, uint64_t stage, int place);

/* Somebody else than Slipway does something, or looks: "push v1", "ask a.example". */
void outside_do(const char *statement, struct buf *said);

/* Lets something happen; the first of several turns begins a wait. false: nothing will. */
bool outside_turn(bool is_first);

/* A moment passes, in which what was asked arrives. */
void outside_pause(void);

/* The process ends without a word, and another one begins. */
void outside_restart(void);
void outside_close(void);

#endif
