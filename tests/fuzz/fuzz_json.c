/* fuzz_json.c - JSON in and out: what is read and written comes back the same, and a text of any
 * bytes makes good JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 64 << 20 };

static bool
visit(void *context, const char *key, const struct json *value)
{
	int *depth = context;

	CHECK(key != NULL && value != NULL);
	if (--*depth > 0)
		json_visit(value, visit, depth);
	++*depth;
	return true;
}

static void
ask_everything(const struct json *j)
{
	int64_t number = json_number(j);
	int depth = 16;

	CHECK(strlen(json_text(j)) <= json_str(j).n);
	CHECK(json_kind(j) == JSON_IS_INTEGER || json_kind(j) == JSON_IS_REAL || number == 0);
	CHECK(json_kind(j) == JSON_IS_BOOL || !json_bool(j));
	for (size_t i = 0; i < json_count(j) && i < 64; i++)
		ask_everything(json_at(j, i));
	CHECK(json_at(j, json_count(j)) == NULL);
	json_visit(j, visit, &depth);
}

static void
check_reading(struct str text)
{
	struct json *first;
	struct json *second;
	struct buf once;
	struct buf twice;
	struct err err;

	first = json_parse(text, &err);
	if (first == NULL) {
		CHECK(err.text[0] != '\0');
		return;
	}
	ask_everything(first);
	buf_init(&once, OUT_MAX);
	buf_init(&twice, OUT_MAX);
	json_dump(first, &once);
	second = json_parse(buf_view(&once), &err);
	CHECK(second != NULL);
	json_dump(second, &twice);
	CHECK(once.n == twice.n && memcmp(once.p, twice.p, once.n) == 0);
	json_free(first);
	json_free(second);
	buf_free(&once);
	buf_free(&twice);
}

/* A quote in the middle, so that a text ends in the middle of a character, too. */
static void
check_writing(struct str text)
{
	struct json_writer w;
	struct json *back;
	struct buf out;
	struct err err;
	struct str half = { text.p, text.n / 2 };

	buf_init(&out, OUT_MAX);
	json_writer_init(&w, &out);
	json_object_open(&w);
	json_pair_str(&w, "all", text);
	json_pair_str(&w, "half", half);
	json_key(&w, "list");
	json_array_open(&w);
	json_put_integer(&w, (int64_t)text.n);
	json_put_null(&w);
	json_array_close(&w);
	json_object_close(&w);
	back = json_parse(buf_view(&out), &err);
	CHECK(back != NULL);
	CHECK(json_count(back) == 3 && json_kind(json_get(back, "all")) == JSON_IS_TEXT);
	CHECK(json_number(json_at(json_get(back, "list"), 0)) == (int64_t)text.n);
	/* What was good comes back as it was; a second time nothing changes any more. */
	buf_clear(&out);
	json_writer_init(&w, &out);
	json_put_str(&w, json_str(json_get(back, "all")));
	json_free(back);
	back = json_parse(buf_view(&out), &err);
	CHECK(back != NULL);
	json_free(back);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };

	check_reading(text);
	check_writing(text);
	return 0;
}
