/* quarantine.h - the digests that no hook and no poll brings to a stage again.
 *
 * A few in the stage itself, the newest first; one more lets the oldest go. stage_holds() of fsm.h asks. */
#ifndef SLIPWAY_ACTORS_QUARANTINE_H
#define SLIPWAY_ACTORS_QUARANTINE_H

#include "actors/fsm.h"

/* Because of this deploy; a digest that is there becomes the newest. "" is none. */
void quarantine_put(struct stage *stage, const char *digest, uint64_t deploy);

/* Out of it; "": all. */
void quarantine_release(struct stage *stage, const char *digest);

#endif
