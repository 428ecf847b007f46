/* world_images.h - the registries of the simulated world and the images of its engines, for world.c
 * alone. */
#ifndef SLIPWAY_TESTS_SIM_WORLD_IMAGES_H
#define SLIPWAY_TESTS_SIM_WORLD_IMAGES_H

#include "world.h"

void images_reset(void);

void registry_perform_in_world(
    const struct effect *ask, const struct facts *facts, struct event *answer);

/* The image of a deploy is on its engine; or comes from the registry, which answers. */
bool images_are_on_engine(const struct facts *facts);
void images_pull(const struct facts *facts, struct event *answer);

/* world.c */
void answer_as(struct event *answer, enum event_kind kind, const char *why);

#endif
