/* kept.h - the versions of a stage that served before and still run: for a time, or until newer ones take their places.
 *
 * A few in the stage itself, the one that left last first. None of them serves the stage's own names. */
#ifndef SLIPWAY_ACTORS_KEPT_H
#define SLIPWAY_ACTORS_KEPT_H

#include "actors/fsm.h"

/* The one whose containers are of that tag, that digest and that revision of the configuration; 0: none. */
uint64_t
kept_find(const struct stage *stage, const char *tag, const char *digest, uint64_t spec);

/* They make one host name; see domain_expand() of config/domain.h. */
bool kept_is_one_name(const char *tag, const char *other);

/* Out of it: the containers of that deploy end, or serve again. */
void kept_drop(struct stage *stage, uint64_t deploy);
void kept_clear(struct stage *stage);

/* Another version serves now, of that tag: what was kept for a time goes, and so does what the same tag meant. */
void kept_outdate(struct stage *stage, const char *tag);

/* Takes it in, as the one that left last. When all places are taken the oldest goes. */
void kept_put(struct stage *stage, const struct kept *kept);

/* So many stay, those that left last. */
void kept_trim(struct stage *stage, uint32_t most);

#endif
