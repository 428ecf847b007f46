/* quarantine.c - see quarantine.h. Pure. */
#include "actors/quarantine.h"

#include <string.h>

bool
stage_holds(const struct stage *stage, const char *digest, uint64_t *ret_deploy)
{
	for (int i = 0; i < QUARANTINE_MAX && stage->quarantine[i].deploy != 0; i++)
		if (digest[0] != '\0' && strcmp(stage->quarantine[i].digest, digest) == 0) {
			if (ret_deploy != NULL)
				*ret_deploy = stage->quarantine[i].deploy;
			return true;
		}
	return false;
}

void
quarantine_release(struct stage *stage, const char *digest)
{
	struct quarantined *q = stage->quarantine;
	int kept = 0;

	for (int i = 0; i < QUARANTINE_MAX && q[i].deploy != 0; i++)
		if (digest[0] != '\0' && strcmp(q[i].digest, digest) != 0)
			q[kept++] = q[i];
	memset(&q[kept], 0, (size_t)(QUARANTINE_MAX - kept) * sizeof(q[0]));
}

void
quarantine_put(struct stage *stage, const char *digest, uint64_t deploy)
{
	struct quarantined *q = stage->quarantine;

	if (digest[0] == '\0')
		return;
	quarantine_release(stage, digest);
	memmove(&q[1], &q[0], (QUARANTINE_MAX - 1) * sizeof(q[0]));
	q[0] = (struct quarantined){ .deploy = deploy };
	memcpy(q[0].digest, digest, DIGEST_SIZE);
}
