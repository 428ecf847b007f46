/* stage_places.c - see stage_places.h. Pure. */
#include "actors/stage_places.h"

#include <string.h>

void
stage_clear_waiting(struct stage *stage)
{
	stage->waiting = 0;
	stage->waiting_spec = 0;
	memset(stage->waiting_digest, 0, DIGEST_SIZE);
}

void
stage_clear_pending(struct stage *stage)
{
	stage->pending = 0;
	stage->pending_spec = 0;
	memset(stage->pending_digest, 0, DIGEST_SIZE);
}

void
stage_clear_running(struct stage *stage)
{
	stage->running = 0;
	stage->running_spec = 0;
	memset(stage->running_digest, 0, DIGEST_SIZE);
}

void
stage_clear_resolving(struct stage *stage)
{
	stage->resolving = 0;
	memset(stage->resolving_tag, 0, TAG_SIZE);
}
