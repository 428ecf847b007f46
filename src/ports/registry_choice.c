/* registry_choice.c - which of a repository's tags a poll takes.
 *
 * The one idea: of the tags that go by only the newest few are kept, as the stage's policy orders them;
 * more than one only where the newest may turn out to be out of the question. */
#include <stdlib.h>
#include <string.h>

#include "ports/registry_parts.h"
#include "store/tags.h"

struct candidate {
	struct tag_judged judged; /* leads into tag */
	char tag[TAG_SIZE];
};

static uint32_t
place_of(const struct task *task, const struct tag_judged *judged)
{
	uint32_t at = task->candidate_count;

	while (
	    at > 0
	    && tag_policy_order(task->policy, judged, &task->candidates[at - 1]->judged) > 0)
		at--;
	return at;
}

void
choice_offer(struct task *task, const char *tag)
{
	struct candidate *candidate;
	struct tag_judged judged;
	uint32_t at;

	tag_policy_judge(task->policy, tag, &judged);
	if (judged.reason != TAG_KEPT)
		return;
	at = place_of(task, &judged);
	if (at == TAGS_TRIED_MAX)
		return;
	if (task->candidate_count == TAGS_TRIED_MAX)
		free(task->candidates[--task->candidate_count]);
	candidate = calloc(1, sizeof(*candidate));
	CHECK(candidate != NULL);
	CHECK(str_copy(candidate->tag, sizeof(candidate->tag), str_of(tag)));
	tag_policy_judge(task->policy, candidate->tag, &candidate->judged);
	memmove(&task->candidates[at + 1], &task->candidates[at],
	    (task->candidate_count - at) * sizeof(task->candidates[0]));
	task->candidates[at] = candidate;
	task->candidate_count++;
}

bool
choice_next(struct task *task)
{
	if (task->candidate_at == task->candidate_count)
		return false;
	CHECK(str_copy(task->image.tag, sizeof(task->image.tag),
	    str_of(task->candidates[task->candidate_at]->tag)));
	task->candidate_at++;
	return true;
}

void
choice_free(struct task *task)
{
	while (task->candidate_count > 0)
		free(task->candidates[--task->candidate_count]);
	tag_policy_free(task->policy);
}

/* A tag that the policy would not take says nothing about one that it does. */
static bool
is_older_than(struct task *task, const char *tag, const char *mark)
{
	struct tag_judged left;
	struct tag_judged right;

	tag_policy_judge(task->policy, tag, &left);
	tag_policy_judge(task->policy, mark, &right);
	return left.reason == TAG_KEPT && right.reason == TAG_KEPT
	       && tag_policy_order(task->policy, &left, &right) < 0;
}

bool
choice_is_older(struct task *task, const char *tag)
{
	const struct stage_entry *stage =
	    catalog_stage(task->registry->host.catalog, task->effect.stage);
	struct tag_marks marks;

	if (stage == NULL || tag_policy_allows_downgrade(task->policy))
		return false;
	store_tag_marks(task->registry->host.store, stage->id, stage->poll_id, &marks);
	return is_older_than(task, tag, marks.seen_tag)
	       || is_older_than(task, tag, marks.live_tag);
}
