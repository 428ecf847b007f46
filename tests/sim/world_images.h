/* world_images.h - the registries of the simulated world and the images of its engines, for world.c
 * alone. */
#ifndef SLIPWAY_TESTS_SIM_WORLD_IMAGES_H
#define SLIPWAY_TESTS_SIM_WORLD_IMAGES_H

#include "world.h"

void images_reset(void);

void registry_perform_in_world(
    const struct effect *ask, const struct facts *facts, struct event *answer);

/* Containers of a deploy are made of its image. */
void images_ran(uint64_t deploy, const struct facts *facts);

/* How many images of an engine nobody needs, which are remembered; and they go, if that is still so. */
uint32_t images_survey(uint32_t engine);
bool images_are_surveyed(uint32_t engine);
void images_collect(uint32_t engine);
void images_crash(void); /* what was remembered is not */

/* The image of a deploy is on its engine; or comes from the registry, which answers. */
bool images_are_on_engine(const struct facts *facts);
bool images_has(uint32_t engine, uint32_t registry, uint32_t image);
void images_pull(const struct facts *facts, struct event *answer);

/* world.c */
void answer_as(struct event *answer, enum event_kind kind, const char *why);

#endif
