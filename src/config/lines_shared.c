/* lines_shared.c - what all stages of a project say alike: written once, at the project. */
#include <string.h>

#include "config/lines_inside.h"

static struct pair_spec **
pairs_of(const struct field *field, struct stage_spec *spec)
{
	return (struct pair_spec **)((char *)spec + field->offset);
}

static size_t *
count_of(const struct field *field, struct stage_spec *spec)
{
	return (size_t *)((char *)spec + field->count_offset);
}

static bool
holds(const struct pair_spec *pairs, size_t count, const struct pair_spec *pair)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(pairs[i].name, pair->name) == 0)
			return pair_spec_is(&pairs[i], pair);
	return false;
}

/* Those of `pairs` that `others` has too, or those that it has not. */
static void
sift(const struct field *field, struct stage_spec *spec, const struct stage_spec *others,
    bool wants_common, struct arena *arena)
{
	struct stage_spec other = *others;
	struct pair_spec *from = *pairs_of(field, spec);
	size_t count = *count_of(field, spec);
	struct pair_spec *kept = arena_take_array(arena, count, sizeof(*kept));
	size_t kept_count = 0;

	for (size_t i = 0; i < count; i++)
		if (holds(*pairs_of(field, &other), *count_of(field, &other), &from[i])
		    == wants_common)
			kept[kept_count++] = from[i];
	*pairs_of(field, spec) = kept;
	*count_of(field, spec) = kept_count;
}

void
pairs_subtract(struct stage_spec *spec, const struct stage_spec *others, struct arena *arena)
{
	for (size_t i = 0; i < STAGE_FIELD_COUNT; i++)
		if (stage_fields[i].kind == FIELD_PAIRS && stage_fields[i].place == IN_BOTH)
			sift(&stage_fields[i], spec, others, false, arena);
}

static bool
is_said_by_all(const struct field *field, const struct stage_spec *stages, size_t count)
{
	struct stage_spec initial;

	stage_spec_set_defaults(&initial);
	if (field->kind != FIELD_HEALTH && field_is_same(field, &stages[0], &initial))
		return false;
	for (size_t i = 1; i < count; i++)
		if (!field_is_same(field, &stages[0], &stages[i]))
			return false;
	return true;
}

void
shared_find(const struct stage_spec *stages, size_t count, struct arena *arena,
    struct shared_spec *ret)
{
	*ret = (struct shared_spec){ .spec = stages[0] };
	for (size_t i = 0; i < STAGE_FIELD_COUNT; i++) {
		const struct field *field = &stage_fields[i];

		if (field->place != IN_BOTH || field->key == NULL)
			continue;
		if (field->kind != FIELD_PAIRS)
			ret->has[i] = is_said_by_all(field, stages, count);
		for (size_t k = 1; field->kind == FIELD_PAIRS && k < count; k++)
			sift(field, &ret->spec, &stages[k], true, arena);
	}
}
