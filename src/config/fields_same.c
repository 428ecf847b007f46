/* fields_same.c - do two records say the same under one key? */
#include <string.h>

#include "config/fields.h"

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static bool
same_strings(const struct strings *a, const struct strings *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

/* How many there are stands beside them. */
static bool
same_counts(const struct field *field, const void *a, const void *b, size_t *ret_count)
{
	*ret_count = *(const size_t *)((const char *)a + field->count_offset);
	return *ret_count == *(const size_t *)((const char *)b + field->count_offset);
}

static bool
same_pairs(const struct pair_spec *a, const struct pair_spec *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!pair_spec_is(&a[i], &b[i]))
			return false;
	return true;
}

static bool
same_volumes(const struct volume_spec *a, const struct volume_spec *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(a[i].source, b[i].source) != 0
		    || strcmp(a[i].target, b[i].target) != 0
		    || a[i].read_only != b[i].read_only || a[i].is_isolated != b[i].is_isolated
		    || a[i].is_shared != b[i].is_shared)
			return false;
	return true;
}

/* The policy has no key of its own for each part: they stand together in the table. */
static bool
same_tags(const void *a, const void *b)
{
	for (int i = STAGE_FIELD_TAG_REGEX; i <= STAGE_FIELD_TAG_IMMUTABLE; i++)
		if (!field_is_same(&stage_fields[i], a, b))
			return false;
	return true;
}

static bool
same_health(const void *a, const void *b)
{
	for (size_t i = 0; i < COUNT(health_fields); i++)
		if (!field_is_same(&health_fields[i], a, b))
			return false;
	return true;
}

static bool
same_members(const struct field *field, const void *a, const void *b)
{
	for (size_t i = 0; i < field->member_count; i++)
		if (!field_is_same(&field->members[i], a, b))
			return false;
	return true;
}

bool
field_is_same(const struct field *field, const void *a, const void *b)
{
	const void *x = (const char *)a + field->offset;
	const void *y = (const char *)b + field->offset;
	size_t count;

	switch (field->kind) {
	case FIELD_TEXT:
		return same_text(*(const char *const *)x, *(const char *const *)y);
	case FIELD_TAGS:
		return same_text(*(const char *const *)x, *(const char *const *)y)
		       && same_tags(a, b);
	case FIELD_INTEGER:
		return *(const int *)x == *(const int *)y;
	case FIELD_DURATION:
	case FIELD_SIZE:
	case FIELD_CPUS:
		return *(const int64_t *)x == *(const int64_t *)y;
	case FIELD_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case FIELD_STRINGS:
		return same_strings(x, y);
	case FIELD_PAIRS:
		return same_counts(field, a, b, &count)
		       && same_pairs(*(const struct pair_spec *const *)x,
			   *(const struct pair_spec *const *)y, count);
	case FIELD_VOLUMES:
		return same_counts(field, a, b, &count)
		       && same_volumes(*(const struct volume_spec *const *)x,
			   *(const struct volume_spec *const *)y, count);
	case FIELD_HEALTH:
		return same_health(x, y);
	case FIELD_TASK:
	case FIELD_HOOKS:
	case FIELD_VERIFY:
		return same_members(field, x, y);
	case FIELD_CHECK:
		return *(const enum health_kind *)x == *(const enum health_kind *)y;
	}
	CHECK(false);
	return false;
}
