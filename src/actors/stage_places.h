/* stage_places.h - the places that a stage has for deploys, emptied: what runs, waits, pends, or asks
 * for its digest. Pure. */
#ifndef SLIPWAY_ACTORS_STAGE_PLACES_H
#define SLIPWAY_ACTORS_STAGE_PLACES_H

#include "actors/fsm.h"

void stage_clear_waiting(struct stage *stage);
void stage_clear_pending(struct stage *stage);
void stage_clear_running(struct stage *stage);
void stage_clear_resolving(struct stage *stage);

#endif
