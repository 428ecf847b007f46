/* fuzz_spec.c - a stage's canonical JSON, as it stands in the store: what is read is written again
 * with equal bytes, whatever was in the text besides. */
#include <string.h>

#include "config/spec.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SPEC_MAX = 8 << 20 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct stage_spec *first;
	struct stage_spec *second;
	struct buf once;
	struct buf twice;
	struct err err = { "" };

	first = stage_spec_parse(text, &err);
	if (first == NULL) {
		CHECK(err.text[0] != '\0');
		return 0;
	}
	CHECK(strlen(first->project) < NAME_SIZE && strlen(first->stage) < NAME_SIZE);
	CHECK(first->replicas >= 1 && first->replicas <= REPLICAS_MAX);
	buf_init(&once, SPEC_MAX);
	buf_init(&twice, SPEC_MAX);
	stage_spec_write(first, &once);
	CHECK(!once.overflow);
	second = stage_spec_parse(buf_view(&once), &err);
	CHECK(second != NULL);
	stage_spec_write(second, &twice);
	CHECK(once.n == twice.n && memcmp(once.p, twice.p, once.n) == 0);
	stage_spec_free(first);
	stage_spec_free(second);
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
