/* specs.c - the configuration of a stage is read once. A server starts again and again with the same few
 * stages, and to read their JSON anew took a fifth of the simulator's time. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "config/spec.h"
#include "sim.h"

enum { KNOWN = 64 };

struct known {
	char *text;
	size_t n;
	struct stage_spec *spec;
	uint32_t users;
};

static struct known known[KNOWN];
static size_t next_place;

struct stage_spec *__real_stage_spec_parse(struct str json, struct err *err);
struct stage_spec *__wrap_stage_spec_parse(struct str json, struct err *err);
void __real_stage_spec_free(struct stage_spec *spec);
void __wrap_stage_spec_free(struct stage_spec *spec);

static void
keep(struct str json, struct stage_spec *spec)
{
	struct known *k = &known[next_place++ % KNOWN];

	if (k->users > 0)
		return;
	__real_stage_spec_free(k->spec);
	free(k->text);
	k->text = malloc(json.n);
	CHECK(k->text != NULL);
	memcpy(k->text, json.p, json.n);
	*k = (struct known){ k->text, json.n, spec, 1 };
}

struct stage_spec *
__wrap_stage_spec_parse(struct str json, struct err *err)
{
	struct stage_spec *spec;

	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].n == json.n && known[i].spec != NULL
		    && memcmp(known[i].text, json.p, json.n) == 0) {
			known[i].users++;
			return known[i].spec;
		}
	spec = __real_stage_spec_parse(json, err);
	if (spec != NULL)
		keep(json, spec);
	return spec;
}

void
__wrap_stage_spec_free(struct stage_spec *spec)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (spec != NULL && known[i].spec == spec) {
			known[i].users--;
			return;
		}
	__real_stage_spec_free(spec);
}
