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

void
choice_load_marks(struct task *task)
{
	const struct stage_entry *stage =
	    catalog_stage(task->registry->host.catalog, task->effect.stage);

	task->marks = (struct tag_marks){ .seen_tag = "" };
	if (stage != NULL)
		store_tag_marks(
		    task->registry->host.store, stage->id, stage->poll_id, &task->marks);
	tag_policy_judge(task->policy, task->marks.seen_tag, &task->seen);
	tag_policy_judge(task->policy, task->marks.live_tag, &task->live);
}

/* A tag that the policy would not take says nothing about one that it does. */
static bool
is_before(
    const struct task *task, const struct tag_judged *judged, const struct tag_judged *mark)
{
	return mark->reason == TAG_KEPT && tag_policy_order(task->policy, judged, mark) < 0;
}

bool
choice_is_before(const struct task *task, const struct tag_judged *judged)
{
	return judged->reason == TAG_KEPT && !tag_policy_allows_downgrade(task->policy)
	       && (is_before(task, judged, &task->seen)
		   || is_before(task, judged, &task->live));
}

bool
choice_is_older(struct task *task, const char *tag)
{
	struct tag_judged judged;

	choice_load_marks(task);
	tag_policy_judge(task->policy, tag, &judged);
	return choice_is_before(task, &judged);
}
