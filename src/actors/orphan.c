/* orphan.c - see orphan.h. Pure. */
#include "actors/orphan.h"

enum orphan_verdict
orphan_judge(const struct orphan_facts *facts)
{
	if (!facts->is_ours || !facts->is_known)
		return ORPHAN_FOREIGN;
	if (facts->is_task)
		return facts->is_final ? ORPHAN_REMOVE : ORPHAN_KEEP;
	if (!facts->is_final || facts->is_live || facts->is_stage_busy)
		return ORPHAN_KEEP;
	return facts->is_kept || facts->is_led_to ? ORPHAN_KEEP : ORPHAN_REMOVE;
}
