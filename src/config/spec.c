/* spec.c - a spec as canonical JSON, driven by the table of fields; spec_read.c is the way back. */
#include "config/spec.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "config/fields.h"

static void
write_strings(struct json_writer *w, const struct strings *strings)
{
	json_array_open(w);
	for (size_t i = 0; i < strings->count; i++)
		json_put_text(w, strings->items[i]);
	json_array_close(w);
}

static void
write_pairs(struct json_writer *w, const struct pair_spec *pairs, size_t count)
{
	struct pair_spec sorted[ENV_MAX];

	CHECK(count <= COUNT(sorted));
	if (count > 0)
		memcpy(sorted, pairs, count * sizeof(*pairs));
	pairs_sort(sorted, count);
	json_object_open(w);
	for (size_t i = 0; i < count; i++) {
		json_key(w, sorted[i].name);
		if (sorted[i].source == VALUE_PLAIN) {
			json_put_text(w, sorted[i].value);
			continue;
		}
		json_object_open(w);
		json_pair_text(w, value_source_names[sorted[i].source], sorted[i].value);
		json_object_close(w);
	}
	json_object_close(w);
}

static void
write_volumes(struct json_writer *w, const struct volume_spec *volumes, size_t count)
{
	json_array_open(w);
	for (size_t i = 0; i < count; i++) {
		json_object_open(w);
		json_pair_text(w, "source", volumes[i].source);
		json_pair_text(w, "target", volumes[i].target);
		json_pair_bool(w, "read_only", volumes[i].read_only);
		json_pair_bool(w, "isolated", volumes[i].is_isolated);
		json_pair_bool(w, "shared", volumes[i].is_shared);
		json_object_close(w);
	}
	json_array_close(w);
}

static void write_fields(struct json_writer *w, const struct field *fields, size_t count,
    const void *record, const void *initial);

static void
write_field(
    struct json_writer *w, const struct field *field, const void *record, const void *initial)
{
	const void *member = (const char *)record + field->offset;
	const void *count = (const char *)record + field->count_offset;
	const char *text;

	json_key(w, field->json);
	switch (field->kind) {
	case FIELD_TEXT:
	case FIELD_TAGS:
		text = *(const char *const *)member;
		json_put_text(w, text == NULL ? "" : text);
		break;
	case FIELD_INTEGER:
		json_put_integer(w, *(const int *)member);
		break;
	case FIELD_DURATION:
	case FIELD_SIZE:
	case FIELD_CPUS:
		json_put_integer(w, *(const int64_t *)member);
		break;
	case FIELD_BOOL:
		json_put_bool(w, *(const bool *)member);
		break;
	case FIELD_STRINGS:
		write_strings(w, member);
		break;
	case FIELD_PAIRS:
		write_pairs(
		    w, *(const struct pair_spec *const *)member, *(const size_t *)count);
		break;
	case FIELD_VOLUMES:
		write_volumes(
		    w, *(const struct volume_spec *const *)member, *(const size_t *)count);
		break;
	case FIELD_HEALTH:
		write_fields(w, health_fields, COUNT(health_fields), member,
		    initial == NULL ? NULL : (const char *)initial + field->offset);
		break;
	case FIELD_TASK:
	case FIELD_HOOKS:
	case FIELD_VERIFY:
		write_fields(w, field->members, field->member_count, member, NULL);
		break;
	case FIELD_CHECK:
		json_put_text(w, health_kind_names[*(const enum health_kind *)member]);
		break;
	}
}

/* A reader wants to find it, whatever it says. */
static bool
is_needed(const struct field *field)
{
	return field->kind == FIELD_HEALTH || field->kind == FIELD_CHECK;
}

/* By the tables: a stage, its health, its tasks. initial: what says the same there is left out; NULL:
 * nothing is. */
static void
write_fields(struct json_writer *w, const struct field *fields, size_t count,
    const void *record, const void *initial)
{
	json_object_open(w);
	for (size_t i = 0; i < count; i++)
		if (initial == NULL || is_needed(&fields[i])
		    || !field_is_same(&fields[i], record, initial))
			write_field(w, &fields[i], record, initial);
	json_object_close(w);
}

void
stage_spec_write(const struct stage_spec *spec, struct buf *json)
{
	struct json_writer w;

	json_writer_init(&w, json);
	write_fields(&w, stage_fields, COUNT(stage_fields), spec, NULL);
}

void
stage_spec_write_sparse(const struct stage_spec *spec, struct buf *json)
{
	struct stage_spec initial;
	struct json_writer w;

	stage_spec_set_defaults(&initial);
	json_writer_init(&w, json);
	write_fields(&w, stage_fields, COUNT(stage_fields), spec, &initial);
}

void
stage_spec_free(struct stage_spec *spec)
{
	if (spec != NULL)
		arena_free(spec->memory); /* spec itself lies in it */
}

bool
pair_spec_is(const struct pair_spec *a, const struct pair_spec *b)
{
	return strcmp(a->name, b->name) == 0 && a->source == b->source
	       && strcmp(a->value, b->value) == 0;
}

bool
stage_spec_has_route(const struct stage_spec *spec)
{
	return spec->domains.count > 0 || spec->tcp_port != 0;
}

void
volume_name(const struct stage_spec *spec, const struct volume_spec *volume,
    char name[VOLUME_NAME_SIZE])
{
	if (!volume->is_isolated)
		snprintf(name, VOLUME_NAME_SIZE, "%s", volume->source);
	else if (volume->source[0] == '/')
		snprintf(name, VOLUME_NAME_SIZE, "%s/%s/%s", volume->source, spec->project,
		    spec->stage);
	else
		snprintf(name, VOLUME_NAME_SIZE, "%s-%s-%s", spec->project, spec->stage,
		    volume->source);
}

const char *const told_names[TOLD_COUNT] = {
	[TOLD_PROJECT] = "SLIPWAY_PROJECT",
	[TOLD_STAGE] = "SLIPWAY_STAGE",
	[TOLD_TAG] = "SLIPWAY_TAG",
	[TOLD_DEPLOY] = "SLIPWAY_DEPLOY",
	[TOLD_INSTANCE] = "SLIPWAY_INSTANCE",
};
