/* deploy_ask.h - whom a deploy asks, and what it tells: effects, its stage, its swap. For deploy.c. */
#ifndef SLIPWAY_ACTORS_DEPLOY_ASK_H
#define SLIPWAY_ACTORS_DEPLOY_ASK_H

#include "actors/fsm.h"

/* An effect, whose answer has so long. */
void deploy_ask(struct actor *a, const struct event *e, struct out *out, enum effect_kind kind,
    int64_t ms);
/* The first time: what was before does not count. */
void deploy_ask_first(struct actor *a, const struct event *e, struct out *out,
    enum effect_kind kind, int64_t ms);
/* The same question again, later each time. */
void deploy_ask_later(struct actor *a, const struct event *e, struct out *out,
    enum effect_kind kind, int64_t ms);

/* A hook, by itself, again after a crash, and again later; which one, the state that waits for it says. */
void deploy_ask_hook(
    struct actor *a, const struct event *e, struct out *out, int64_t ms, enum task_kind hook);
void
deploy_ask_hook_again(struct actor *a, const struct event *e, struct out *out, int64_t ms);
void
deploy_ask_hook_later(struct actor *a, const struct event *e, struct out *out, int64_t ms);

void deploy_tell_stage(struct actor *a, struct out *out, enum event_kind kind);
/* Its containers, or those it has borrowed, serve from here on. */
void deploy_tell_moved(struct actor *a, struct out *out);
/* May it go now? What the answer depends on comes along. */
void deploy_ask_stage(
    struct actor *a, const struct event *e, struct out *out, enum event_kind kind);
void deploy_tell_swap(struct actor *a, struct out *out, enum event_kind kind);

#endif
