/* import_stage.c - projects and stages: a project's keys are read once into a draft, and each of its
 * stages starts from a copy of it. */
#include "config/import.h"

#include <string.h>

/* Keys of a project itself, which its stages do not take over. */
enum { PROJECT_KEYS = 2 };
static const char *const project_keys[PROJECT_KEYS] = { "stages", "webhook" };

static bool
is_project_key(struct str key)
{
	for (size_t i = 0; i < PROJECT_KEYS; i++)
		if (str_is(key, project_keys[i]))
			return true;
	return false;
}

/* The keys that may stand here, by the table; ended by NULL. */
static void
known_keys(enum field_place place, const char *known[STAGE_FIELD_COUNT + PROJECT_KEYS + 2])
{
	size_t count = 0;

	for (size_t i = 0; i < STAGE_FIELD_COUNT; i++)
		if (stage_fields[i].place == IN_BOTH || stage_fields[i].place == place)
			known[count++] = stage_fields[i].key;
	known[count++] = "notify";
	for (size_t i = 0; place == IN_BOTH && i < PROJECT_KEYS; i++)
		known[count++] = project_keys[i];
	known[count] = NULL;
}

static size_t
field_find(const char *key)
{
	size_t i = 0;

	while (i < STAGE_FIELD_COUNT
	       && (stage_fields[i].key == NULL || strcmp(stage_fields[i].key, key) != 0))
		i++;
	return i;
}

static bool
read_field(struct import *im, const struct node *node, const struct field *field,
    struct stage_spec *spec)
{
	void *member = (char *)spec + field->offset;
	void *count = (char *)spec + field->count_offset;

	switch (field->kind) {
	case FIELD_TEXT:
		return value_text(im, node, field->key, field->most, field->rule, member);
	case FIELD_TAGS:
		return import_tags(im, node, spec);
	case FIELD_INTEGER:
		return value_integer(im, node, field->key, field->least, field->most, member);
	case FIELD_DURATION:
	case FIELD_SIZE:
	case FIELD_CPUS:
		return value_quantity(im, node, field, member);
	case FIELD_BOOL:
		return value_bool(im, node, field->key, member);
	case FIELD_STRINGS:
		return value_strings(im, node, field, member);
	case FIELD_PAIRS:
		return value_pairs(im, node, field, member, count);
	case FIELD_VOLUMES:
		return value_volumes(im, node, field, member, count);
	case FIELD_HEALTH:
		return import_health(im, node, member);
	case FIELD_TASK:
		return import_task(im, node, field, member);
	case FIELD_HOOKS:
		return import_hooks(im, node, field, member);
	case FIELD_VERIFY:
		return import_verify(im, node, field, member);
	case FIELD_CHECK:
		break; /* part of health */
	}
	CHECK(false);
	return false;
}

void
draft_apply(
    struct import *im, struct draft *draft, const struct node *map, enum field_place place)
{
	const char *known[STAGE_FIELD_COUNT + PROJECT_KEYS + 2];

	known_keys(place, known);
	for (const struct node *member = map->first; member != NULL; member = member->next) {
		size_t i = field_find(member->key.p);

		if (str_is(member->key, "notify")
		    || (place == IN_BOTH && is_project_key(member->key)))
			continue; /* read apart: no part of what a stage runs */
		if (place == IN_BOTH && i < STAGE_FIELD_COUNT
		    && stage_fields[i].place == IN_STAGE) {
			import_fault_key(im, member,
			    "'%s' belongs to a stage: no two can share it", member->key.p);
			continue;
		}
		if (!key_is_known(im, member, known))
			continue;
		draft->at[i] = member;
		draft->is_good[i] = read_field(im, member, &stage_fields[i], &draft->spec);
	}
}

static void
import_stage(struct import *im, const struct node *map, const struct draft *base,
    struct config_project *project)
{
	struct draft draft = *base;
	const char *trouble = rule_name(map->key.p);

	if (trouble != NULL)
		import_fault_key(im, map, "stage '%.60s' %s", map->key.p, trouble);
	if (!value_is_map(im, map, map->key.p))
		return;
	draft.spec.project = project->name;
	draft.spec.stage = map->key.p;
	draft_apply(im, &draft, map, IN_STAGE);
	import_notify(im, node_get(map, "notify"), project->name, map->key.p);
	routes_claim(im, &draft);
	promotion_claim(im, &draft);
	draft_finish(im, &draft, map);
	project->stages[project->stage_count++] = draft.spec;
	im->file->stage_count++;
}

static void
import_stages(struct import *im, const struct node *map, const struct draft *base,
    struct config_project *project)
{
	if (!value_is_map(im, map, "stages"))
		return;
	if (map->count == 0)
		import_fault_key(
		    im, map, "'stages' is empty: a project has at least one stage");
	if (im->file->stage_count + map->count > STAGES_MAX) {
		import_fault_key(im, map, "more than %d stages in one file", STAGES_MAX);
		return;
	}
	project->stages = arena_take_array(im->arena, map->count, sizeof(*project->stages));
	for (const struct node *m = map->first; m != NULL; m = m->next)
		if (m->kind != NODE_REFUSED)
			import_stage(im, m, base, project);
	promotion_check(im, project);
}

static void
import_project(struct import *im, const struct node *map, struct config_project *project)
{
	struct draft base = { 0 };
	const char *trouble = rule_name(map->key.p);
	const struct node *stages;

	if (trouble != NULL)
		import_fault_key(im, map, "project '%.60s' %s", map->key.p, trouble);
	if (!value_is_map(im, map, map->key.p))
		return;
	project->name = map->key.p;
	stage_spec_set_defaults(&base.spec);
	draft_apply(im, &base, map, IN_BOTH);
	import_notify(im, node_get(map, "notify"), project->name, "");
	import_webhook(im, node_get(map, "webhook"), &project->webhook);
	stages = node_get(map, "stages");
	if (stages == NULL)
		import_fault_key(im, map,
		    "project '%s' has no 'stages': add one, production for "
		    "example",
		    project->name);
	else
		import_stages(im, stages, &base, project);
}

void
import_projects(struct import *im, const struct node *map)
{
	struct config_file *file = im->file;

	if (!value_is_map(im, map, "projects"))
		return;
	if (map->count > PROJECTS_MAX) {
		import_fault(
		    im, map, "%zu projects: at most %d are allowed", map->count, PROJECTS_MAX);
		return;
	}
	file->projects = arena_take_array(im->arena, map->count, sizeof(*file->projects));
	for (const struct node *m = map->first; m != NULL; m = m->next)
		if (m->kind != NODE_REFUSED)
			import_project(im, m, &file->projects[file->project_count++]);
}
