/* import_promotion.c - which stage versions come from: it must be there, and not come from itself by
 * any way round. */
#include "config/import.h"

#include <string.h>

#include "config/nearest.h"

void
promotion_claim(struct import *im, struct draft *draft)
{
	const struct node *from = draft->at[STAGE_FIELD_PROMOTE_FROM];
	const struct node *soak = draft->at[STAGE_FIELD_SOAK];
	const struct node *within = draft->at[STAGE_FIELD_APPROVE];
	struct source_claim *made;

	if (soak != NULL && from == NULL)
		import_fault_key(im, soak, "'soak' does nothing without 'promote_from'");
	if (within != NULL && draft->spec.approvals == 0)
		import_fault_key(
		    im, within, "'approve_within' does nothing without 'approvals'");
	if (from == NULL || !draft->is_good[STAGE_FIELD_PROMOTE_FROM])
		return;
	made = arena_take(im->arena, sizeof(*made));
	*made = (struct source_claim){ .stage = draft->spec.stage,
		.source = draft->spec.promote_from,
		.at = from,
		.next = im->sources };
	im->sources = made;
}

static size_t
stage_find(const struct config_project *project, const char *name)
{
	size_t i = 0;

	while (i < project->stage_count && strcmp(project->stages[i].stage, name) != 0)
		i++;
	return i;
}

static void
tell_unknown(
    struct import *im, const struct config_project *project, const struct source_claim *claim)
{
	struct nearest nearest;

	nearest_begin(&nearest, str_of(claim->source));
	for (size_t i = 0; i < project->stage_count; i++)
		if (strcmp(project->stages[i].stage, claim->stage) != 0)
			nearest_offer(&nearest, project->stages[i].stage);
	if (nearest.name != NULL)
		import_fault(im, claim->at,
		    "project '%s' has no stage '%.60s' to promote from: did you mean '%s'?",
		    project->name, claim->source, nearest.name);
	else
		import_fault(im, claim->at,
		    "project '%s' has no stage '%.60s' to promote from", project->name,
		    claim->source);
}

/* A digest is of one repository; a mirror may have it, too. */
static void
warn_source(struct import *im, const struct source_claim *claim,
    const struct stage_spec *stage, const struct stage_spec *source)
{
	if (strcmp(stage->image, source->image) != 0)
		import_warn(im, claim->at,
		    "stage '%s' runs another image than '%s': the same digest has to be "
		    "there, "
		    "too",
		    stage->stage, source->stage);
	if (stage->is_auto)
		import_warn(im, claim->at,
		    "stage '%s' has 'auto: true': of what webhooks and polls bring it takes "
		    "only what is live in '%s' by then; the others end as refused",
		    stage->stage, source->stage);
}

/* Each stage has one source, so a way leads to its end or round. Who is met again on the same way is on
 * a ring, which is told where the file has it first. */
static void
check_ring(struct import *im, const struct config_project *project,
    const struct source_claim *const *claims, const size_t *sources, size_t *ways,
    size_t first)
{
	size_t none = project->stage_count;
	size_t at = first;
	size_t told;

	while (at != none && ways[at] == 0) {
		ways[at] = first + 1;
		at = sources[at];
	}
	if (at == none || ways[at] != first + 1)
		return;
	told = at;
	for (size_t i = sources[at]; i != at; i = sources[i])
		if (i < told)
			told = i;
	import_fault(im, claims[told]->at,
	    "'promote_from' goes round: '%s' would come from itself, over '%s'",
	    project->stages[told].stage, claims[told]->source);
}

void
promotion_check(struct import *im, const struct config_project *project)
{
	size_t count = project->stage_count;
	const struct source_claim **claims =
	    arena_take_array(im->arena, count, sizeof(*claims));
	size_t *sources = arena_take_array(im->arena, count, sizeof(*sources));
	size_t *ways = arena_take_array(im->arena, count, sizeof(*ways));

	for (size_t i = 0; i < count; i++) {
		claims[i] = NULL;
		sources[i] = count;
		ways[i] = 0;
	}
	for (const struct source_claim *one = im->sources; one != NULL; one = one->next) {
		size_t stage = stage_find(project, one->stage);
		size_t source = stage_find(project, one->source);

		if (stage == count)
			continue;
		claims[stage] = one;
		sources[stage] = source;
		if (source == count)
			tell_unknown(im, project, one);
		else if (source != stage)
			warn_source(
			    im, one, &project->stages[stage], &project->stages[source]);
	}
	for (size_t i = 0; i < count; i++)
		check_ring(im, project, claims, sources, ways, i);
	im->sources = NULL;
}
