/* spec_read.c - canonical JSON back into a spec.
 *
 * Reading checks types and ranges but no names or paths: a revision was checked when it was applied,
 * and a rule that grew stricter since then must not keep an old revision from being read. For the
 * same reason a key that is not there means its default (an older program wrote it); a key that is
 * not known is an error (a newer one did). */
#include "config/spec.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "config/fields.h"

enum { SPEC_ARENA_SIZE = 2048 };

struct reader {
	struct arena *arena;
	const struct field *fields; /* of the object being read */
	size_t field_count;
	const struct field *field; /* being read */
	struct pair_spec *pairs;
	size_t pair_count;
	struct err *err;
	bool is_bad;
};

static int
refuse(const struct reader *r, const char *wanted)
{
	return err_set(r->err, "\"%s\" is not %s", r->field->json, wanted);
}

static const char *
keep(const struct reader *r, const struct json *value)
{
	return arena_text(r->arena, str_of(json_text(value)));
}

static int
read_number(const struct reader *r, const struct json *value, int64_t *ret_number)
{
	int64_t number = json_number(value);
	const struct field *field = r->field;

	if (json_kind(value) != JSON_IS_INTEGER)
		return refuse(r, "an integer");
	if (number != field->initial && (number < field->least || number > field->most))
		return err_set(
		    r->err, "\"%s\" is %" PRId64 ", not in its range", field->json, number);
	*ret_number = number;
	return 0;
}

/* True for an array or object (kind) with no more entries than the field may have. */
static int
check_count(const struct reader *r, const struct json *value, enum json_kind kind)
{
	if (json_kind(value) != kind)
		return refuse(r, kind == JSON_IS_ARRAY ? "an array" : "an object");
	if (json_count(value) > (size_t)r->field->most)
		return refuse(r, "that long");
	return 0;
}

static int
read_strings(const struct reader *r, const struct json *value, struct strings *strings)
{
	size_t count = json_count(value);

	if (check_count(r, value, JSON_IS_ARRAY) != 0)
		return -1;
	strings->items = arena_take_array(r->arena, count, sizeof(*strings->items));
	for (size_t i = 0; i < count; i++) {
		if (json_kind(json_at(value, i)) != JSON_IS_TEXT)
			return refuse(r, "an array of texts");
		strings->items[i] = keep(r, json_at(value, i));
	}
	strings->count = count;
	return 0;
}

/* A text, or an object whose one member says where the text is. */
static bool
read_source(const struct json **value, enum value_source *ret_source)
{
	*ret_source = VALUE_PLAIN;
	if (json_kind(*value) == JSON_IS_TEXT)
		return true;
	for (int i = VALUE_PLAIN + 1; i < VALUE_SOURCE_COUNT; i++) {
		const struct json *named = json_get(*value, value_source_names[i]);

		if (json_kind(named) != JSON_IS_TEXT || json_count(*value) != 1)
			continue;
		*value = named;
		*ret_source = (enum value_source)i;
		return true;
	}
	return false;
}

static bool
read_pair(void *context, const char *key, const struct json *value)
{
	struct reader *r = context;
	enum value_source source;

	if (!read_source(&value, &source)
	    || (source != VALUE_PLAIN && !r->field->has_sources)) {
		refuse(r, "an object of texts");
		r->is_bad = true;
		return false;
	}
	r->pairs[r->pair_count++] =
	    (struct pair_spec){ arena_text(r->arena, str_of(key)), keep(r, value), source };
	return true;
}

static int
read_pairs(struct reader *r, const struct json *value, struct pair_spec **pairs, size_t *count)
{
	if (check_count(r, value, JSON_IS_OBJECT) != 0)
		return -1;
	r->pairs = arena_take_array(r->arena, json_count(value), sizeof(*r->pairs));
	r->pair_count = 0;
	json_visit(value, read_pair, r);
	if (r->is_bad)
		return -1;
	pairs_sort(r->pairs, r->pair_count);
	*pairs = r->pairs;
	*count = r->pair_count;
	return 0;
}

static int
read_volumes(const struct reader *r, const struct json *value, struct volume_spec **volumes,
    size_t *count)
{
	struct volume_spec *list;

	if (check_count(r, value, JSON_IS_ARRAY) != 0)
		return -1;
	list = arena_take_array(r->arena, json_count(value), sizeof(*list));
	for (size_t i = 0; i < json_count(value); i++) {
		const struct json *volume = json_at(value, i);

		if (json_kind(json_get(volume, "source")) != JSON_IS_TEXT
		    || json_kind(json_get(volume, "target")) != JSON_IS_TEXT)
			return refuse(r, "an array of volumes with source and target");
		list[i].source = keep(r, json_get(volume, "source"));
		list[i].target = keep(r, json_get(volume, "target"));
		list[i].read_only = json_bool(json_get(volume, "read_only"));
		list[i].is_isolated = json_bool(json_get(volume, "isolated"));
		list[i].is_shared = json_bool(json_get(volume, "shared"));
	}
	*volumes = list;
	*count = json_count(value);
	return 0;
}

static int
read_check(const struct reader *r, const struct json *value, enum health_kind *kind)
{
	for (int i = 0; i < HEALTH_KIND_COUNT; i++)
		if (strcmp(json_text(value), health_kind_names[i]) == 0) {
			*kind = (enum health_kind)i;
			return 0;
		}
	return refuse(r, "a known kind of check");
}

static int read_fields(struct reader *r, const struct field *fields, size_t count,
    const struct json *object, void *record);

static int
read_field(struct reader *r, const struct json *value, void *record)
{
	void *member = (char *)record + r->field->offset;
	void *count = (char *)record + r->field->count_offset;
	int64_t number = 0;

	switch (r->field->kind) {
	case FIELD_TEXT:
	case FIELD_TAGS:
		if (json_kind(value) != JSON_IS_TEXT)
			return refuse(r, "a text");
		if (strlen(json_text(value)) > (size_t)r->field->most) /* arrays wait for it */
			return refuse(r, "short enough");
		*(const char **)member = keep(r, value);
		return 0;
	case FIELD_INTEGER:
		if (read_number(r, value, &number) != 0)
			return -1;
		*(int *)member = (int)number;
		return 0;
	case FIELD_DURATION:
	case FIELD_SIZE:
	case FIELD_CPUS:
		return read_number(r, value, member);
	case FIELD_BOOL:
		if (json_kind(value) != JSON_IS_BOOL)
			return refuse(r, "true or false");
		*(bool *)member = json_bool(value);
		return 0;
	case FIELD_STRINGS:
		return read_strings(r, value, member);
	case FIELD_PAIRS:
		return read_pairs(r, value, member, count);
	case FIELD_VOLUMES:
		return read_volumes(r, value, member, count);
	case FIELD_HEALTH:
		if (json_kind(value) != JSON_IS_OBJECT)
			return refuse(r, "an object");
		return read_fields(r, health_fields, COUNT(health_fields), value, member);
	case FIELD_TASK:
	case FIELD_HOOKS:
	case FIELD_VERIFY:
		if (json_kind(value) != JSON_IS_OBJECT)
			return refuse(r, "an object");
		return read_fields(
		    r, r->field->members, r->field->member_count, value, member);
	case FIELD_CHECK:
		return read_check(r, value, member);
	}
	return refuse(r, "of a known type");
}

static bool
check_known(void *context, const char *key, const struct json *value UNUSED)
{
	struct reader *r = context;

	for (size_t i = 0; i < r->field_count; i++)
		if (strcmp(r->fields[i].json, key) == 0)
			return true;
	err_set(r->err, "\"%.64s\" is not known: a newer Slipway wrote this", key);
	r->is_bad = true;
	return false;
}

/* By the tables: a stage, its health, its tasks. */
static int
read_fields(struct reader *r, const struct field *fields, size_t count,
    const struct json *object, void *record)
{
	r->fields = fields;
	r->field_count = count;
	json_visit(object, check_known, r);
	if (r->is_bad)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct json *value = json_get(object, fields[i].json);

		r->field = &fields[i];
		if (value != NULL && read_field(r, value, record) != 0)
			return -1;
	}
	return 0;
}

static int
read_root(struct reader *r, const struct json *root, struct stage_spec *spec)
{
	static const char *const required[] = { "project", "stage", "engine", "image",
		"health" };

	if (json_kind(root) != JSON_IS_OBJECT)
		return err_set(r->err, "a stage's configuration is a JSON object");
	for (size_t i = 0; i < COUNT(required); i++)
		if (json_get(root, required[i]) == NULL)
			return err_set(r->err, "\"%s\" is missing", required[i]);
	return read_fields(r, stage_fields, COUNT(stage_fields), root, spec);
}

struct stage_spec *
stage_spec_parse(struct str json, struct err *err)
{
	struct json *root = json_parse(json, err);
	struct arena *arena;
	struct stage_spec *spec;
	struct reader r;
	int result;

	if (root == NULL)
		return NULL;
	arena = arena_new(SPEC_ARENA_SIZE);
	spec = arena_take(arena, sizeof(*spec));
	stage_spec_set_defaults(spec);
	spec->memory = arena;
	r = (struct reader){ .arena = arena, .err = err };
	result = read_root(&r, root, spec);
	json_free(root);
	if (result != 0) {
		arena_free(arena);
		return NULL;
	}
	return spec;
}
