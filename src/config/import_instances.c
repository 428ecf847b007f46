/* import_instances.c - several versions of a stage at once: whether they can run beside each other, and whether
 * anybody can reach each. */
#include "config/import.h"

#include "config/domain.h"
#include "config/strategy.h"

static size_t
count_tag_domains(const struct strings *domains)
{
	size_t count = 0;

	for (size_t i = 0; i < domains->count; i++)
		count += domain_has_tag(domains->items[i]);
	return count;
}

/* While a new version takes over there is one more than stays. */
static size_t
most_names(const struct stage_spec *spec)
{
	size_t tags = count_tag_domains(&spec->domains);

	return spec->domains.count - tags + tags * ((size_t)spec->max_instances + 1);
}

void
draft_finish_instances(struct import *im, const struct draft *draft, bool is_by_edge)
{
	const struct stage_spec *spec = &draft->spec;
	const struct node *key = draft->at[STAGE_FIELD_MAX_INSTANCES];
	struct strategy_plan plan;

	if (key == NULL || spec->max_instances <= 1
	    || !draft->is_good[STAGE_FIELD_MAX_INSTANCES]
	    || !draft->is_good[STAGE_FIELD_DOMAINS])
		return;
	strategy_plan(spec, is_by_edge, &plan);
	if (plan.strategy != STRATEGY_BLUE_GREEN)
		import_fault_key(im, key,
		    "stage '%s' can have one version at a time (%s, because %s): take "
		    "'max_instances' out",
		    spec->stage, plan.name, plan.reason);
	if (count_tag_domains(&spec->domains) == 0)
		import_fault_key(im, key,
		    "the versions that 'max_instances' keeps are reached by their tag: give "
		    "stage '%s' a domain with {tag}, like "
		    "\"{stage}-{project}-{tag}.example.org\"",
		    spec->stage);
	else if (!is_by_edge)
		import_fault_key(im, key,
		    "only the edge leads to several versions of a stage: use 'proxy: edge' "
		    "for stage '%s', or a proxy that hands over to it",
		    spec->stage);
	else if (most_names(spec) > DOMAINS_MAX)
		import_fault_key(im, key,
		    "%d versions of stage '%s' would have %zu host names, and %d are "
		    "possible: take domains out, or keep fewer versions",
		    spec->max_instances, spec->stage, most_names(spec), DOMAINS_MAX);
	if (spec->hooks.post_retire.command.count > 0)
		import_fault_key(im, key,
		    "'post_retire' of stage '%s' runs when the version before is gone, and "
		    "'max_instances' keeps it: leave one of them out",
		    spec->stage);
}
