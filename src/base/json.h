/* json.h - JSON in and out (RFC 8259).
 *
 * Reading: a tree owned by the caller (jansson behind it), duplicates of a key refused. Every
 * accessor takes NULL for "not there" and answers with a harmless value, so that
 * json_text(json_get(json_get(j, "State"), "Status")) needs no checks in between.
 * Writing: straight into a buf; the writer puts the commas. */
#ifndef SLIPWAY_BASE_JSON_H
#define SLIPWAY_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct json; /* a value inside a tree */

enum json_kind {
	JSON_IS_NULL,
	JSON_IS_BOOL,
	JSON_IS_INTEGER,
	JSON_IS_REAL,
	JSON_IS_TEXT,
	JSON_IS_ARRAY,
	JSON_IS_OBJECT
};

/* Parses the whole of text. NULL on error (err says line and column). Free with json_free. */
struct json *json_parse(struct str text, struct err *err) MUST_USE;
void json_free(struct json *root); /* the root only; NULL allowed */

enum json_kind json_kind(const struct json *j); /* NULL pointer: JSON_IS_NULL */
const struct json *
json_get(const struct json *object, const char *key); /* NULL: no such key */
size_t json_count(const struct json *j); /* members of an array or object, else 0 */
const struct json *json_at(const struct json *array, size_t index);
const char *json_text(const struct json *j); /* "" when it is no text; as long as the tree */
struct str json_str(const struct json *j); /* the same with its length: it may contain NUL */
int64_t json_number(
    const struct json *j); /* whole part; 0 when it is no number, or too large a real one */
bool json_bool(const struct json *j); /* true only for `true` */

/* Visits the members of an object in order; false from the visitor ends it. */
typedef bool json_visit_fn(void *context, const char *key, const struct json *value);
void json_visit(const struct json *object, json_visit_fn *visit, void *context);

/* The value again as compact JSON. */
void json_dump(const struct json *j, struct buf *to);
/* The same with the keys of all objects in order: equal values give equal text. */
void json_dump_sorted(const struct json *j, struct buf *to);

enum { JSON_DEPTH_MAX = 16 };

struct json_writer {
	struct buf *out;
	int depth;
	bool has_member[JSON_DEPTH_MAX];
	bool after_key;
};

void json_writer_init(struct json_writer *w, struct buf *out);
void json_object_open(struct json_writer *w);
void json_object_close(struct json_writer *w);
void json_array_open(struct json_writer *w);
void json_array_close(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_put_str(struct json_writer *w, struct str s); /* bad UTF-8 becomes U+FFFD */
bool json_takes(struct str s); /* UTF-8 (RFC 3629): as it is, then */
void json_put_text(struct json_writer *w, const char *text); /* NULL writes null */
void json_put_integer(struct json_writer *w, int64_t n);
void json_put_bool(struct json_writer *w, bool b);
void json_put_null(struct json_writer *w);
void json_put_raw(struct json_writer *w, struct str json); /* already JSON */

/* key and value in one go, the usual case. */
void json_pair_text(struct json_writer *w, const char *key, const char *text);
void json_pair_str(struct json_writer *w, const char *key, struct str s);
void json_pair_integer(struct json_writer *w, const char *key, int64_t n);
void json_pair_bool(struct json_writer *w, const char *key, bool b);

#endif
