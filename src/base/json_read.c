/* json_read.c - JSON in; the only file that includes jansson. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* A struct json is a json_t that nobody outside this file can look into. */
static const json_t *
inside(const struct json *j)
{
	return (const json_t *)(const void *)j;
}

static const struct json *
outside(const json_t *j)
{
	return (const struct json *)(const void *)j;
}

struct json *
json_parse(struct str text, struct err *err)
{
	json_error_t where;
	json_t *root = json_loadb(
	    text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &where);

	if (root == NULL) {
		err_set(err, "line %d, column %d: %s", where.line, where.column, where.text);
		return NULL;
	}
	return (struct json *)(void *)root;
}

void
json_free(struct json *root)
{
	json_decref((json_t *)(void *)root);
}

enum json_kind
json_kind(const struct json *j)
{
	if (j == NULL)
		return JSON_IS_NULL;
	if (json_is_object(inside(j)))
		return JSON_IS_OBJECT;
	if (json_is_array(inside(j)))
		return JSON_IS_ARRAY;
	if (json_is_string(inside(j)))
		return JSON_IS_TEXT;
	if (json_is_integer(inside(j)))
		return JSON_IS_INTEGER;
	if (json_is_real(inside(j)))
		return JSON_IS_REAL;
	return json_is_boolean(inside(j)) ? JSON_IS_BOOL : JSON_IS_NULL;
}

const struct json *
json_get(const struct json *object, const char *key)
{
	return object == NULL ? NULL : outside(json_object_get(inside(object), key));
}

size_t
json_count(const struct json *j)
{
	if (j == NULL)
		return 0;
	return json_is_array(inside(j)) ? json_array_size(inside(j))
					: json_object_size(inside(j));
}

const struct json *
json_at(const struct json *array, size_t index)
{
	return array == NULL ? NULL : outside(json_array_get(inside(array), index));
}

struct str
json_str(const struct json *j)
{
	struct str text = { json_text(j), 0 };

	text.n = json_string_length((const json_t *)j);
	return text;
}

const char *
json_text(const struct json *j)
{
	const char *text = j == NULL ? NULL : json_string_value(inside(j));

	return text == NULL ? "" : text;
}

static int64_t
whole_part(double real)
{
	static const double end =
	    9223372036854775808.0; /* the double after the largest int64_t */

	return real >= -end && real < end ? (int64_t)real : 0;
}

int64_t
json_number(const struct json *j)
{
	if (j == NULL)
		return 0;
	if (json_is_real(inside(j)))
		return whole_part(json_real_value(inside(j)));
	return json_integer_value(inside(j));
}

bool
json_bool(const struct json *j)
{
	return j != NULL && json_is_true(inside(j));
}

void
json_visit(const struct json *object, json_visit_fn *visit, void *context)
{
	const char *key;
	json_t *value;

	if (json_kind(object) != JSON_IS_OBJECT)
		return;
	json_object_foreach((json_t *)(uintptr_t)inside(object), key, value)
		if (!visit(context, key, outside(value)))
			return;
}

static void
dump(const struct json *j, size_t flags, struct buf *to)
{
	char *text;

	if (j == NULL) {
		buf_text(to, "null");
		return;
	}
	text = json_dumps(inside(j), JSON_COMPACT | JSON_ENCODE_ANY | flags);
	CHECK(text != NULL);
	buf_text(to, text);
	free(text);
}

void
json_dump(const struct json *j, struct buf *to)
{
	dump(j, 0, to);
}

void
json_dump_sorted(const struct json *j, struct buf *to)
{
	dump(j, JSON_SORT_KEYS, to);
}
