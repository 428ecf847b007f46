/* docker_survey.h - what a survey finds, for the collection that comes behind it. */
#ifndef SLIPWAY_PORTS_DOCKER_SURVEY_H
#define SLIPWAY_PORTS_DOCKER_SURVEY_H

#include "actors/orphan.h"
#include "ports/docker_parts.h"

enum { FOREIGN_MAX = 128 }; /* remembered, so that each is reported once */

struct orphan {
	char id[65];
	uint64_t deploy;
	uint64_t stage;
	enum task_kind task; /* TASK_COUNT: none, but an instance */
};

struct survey_memory {
	struct orphan orphans[ORPHANS_MAX];
	size_t orphan_count;
	char foreign[FOREIGN_MAX][65];
	size_t foreign_count;
};

struct survey_memory *survey_memory_of(struct engine *engine);

/* By the store as it is now. */
enum orphan_verdict
survey_judge(const struct docker *docker, bool is_ours, const struct orphan *orphan);

#endif
