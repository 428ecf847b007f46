/* fuzz_registry.c - the registry port against any answers: each effect is answered once and soon, a
 * digest is one, and a password goes to nobody else.
 *
 * The first line names the effects, RESOLVE and SEEK, each with the place of its stage; the rest is
 * the script of answers. */
#include <stdlib.h>
#include <string.h>

#include "config/image.h"
#include "fuzz.h"
#include "port_bed.h"
#include "ports/registry.h"
#include "ports/registry_url.h"
#include "scripted_fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EFFECTS_MAX = 6, WAIT_MS = 3600000, TURNS_MAX = 40000, REQUESTS_MAX = 6000 };

/* Compared in a way that does not teach the fuzzer the password. */
__attribute__((no_sanitize("coverage"))) static bool
tells_password(const char *text)
{
	static const char password[] = "a-password";

	for (; *text != '\0'; text++) {
		size_t n = 0;

		while (n < sizeof(password) - 1 && text[n] == password[n])
			n++;
		if (n == sizeof(password) - 1)
			return true;
	}
	return false;
}

static bool
is_private(const struct url *url)
{
	return url->is_https || url_is_loopback(url);
}

/* A password goes over HTTPS, or stays on this machine, unless its registry is configured as insecure. */
static void
watch(void *context, const struct fetch_request *request)
{
	const uint64_t *place = context; /* of the effect under way */
	struct url url;

	CHECK(url_split(str_of(request->url), &url));
	CHECK(request->basic_user == NULL || is_private(&url) || port_bed_is_insecure(*place));
	CHECK(script_requests() < REQUESTS_MAX);
	for (const char *const *h = request->headers; h != NULL && *h != NULL; h++)
		if (strncmp(*h, "Authorization:", 14) == 0) {
			CHECK(is_private(&url) || port_bed_is_insecure(*place));
			CHECK(!tells_password(*h));
		}
}

/* A registry that has what is asked for, and wants no login. */
static void
model(const char *method UNUSED, const char *url, struct buf *part)
{
	if (strstr(url, "/tags/list") != NULL)
		buf_text(
		    part, "200\n\n{\"name\":\"a\",\"tags\":[\"v1\",\"v2-rc1\",\"latest\"]}");
	else if (strstr(url, "/manifests/") != NULL)
		buf_text(
		    part, "200\nDocker-Content-Digest: {sha256}\n\n{\"schemaVersion\":2}");
	else
		buf_text(part, "200\n\n{\"token\":\"t\",\"expires_in\":300}");
}

static void
check_answer(const struct event *event, const struct effect *effect)
{
	enum event_kind good = effect->kind == FX_RESOLVE ? EV_RESOLVED : EV_SOUGHT;

	CHECK(event->to == effect->actor && event->epoch == effect->epoch);
	CHECK(event->kind == good || event->kind == EV_REFUSED || event->kind == EV_TROUBLED);
	CHECK(!tells_password(event->text));
	if (event->kind == good) {
		CHECK(image_digest_is_valid(str_of(event->digest)));
		CHECK(event->tag[0] == '\0' || image_tag_is_valid(str_of(event->tag)));
	}
}

static void
perform(struct port_bed *bed, struct registry *registry, struct str word, uint64_t number)
{
	enum effect_kind kind = str_is(word, "SEEK") ? FX_SEEK : FX_RESOLVE;
	struct registry_status status;
	struct effect effect;
	uint32_t before = bed->answers;

	effect = port_bed_effect(kind, (size_t)number);
	if (kind == FX_SEEK)
		effect.actor = port_bed_stage((size_t)number) + 1;
	registry_perform(registry, &effect);
	CHECK(bed->answers > before || port_bed_wait(bed, WAIT_MS, TURNS_MAX));
	CHECK(bed->answers == before + 1);
	check_answer(&bed->last, &effect);
	for (uint32_t i = 0; registry_status(registry, i, &status); i++)
		CHECK(status.active == 0 && status.waiting == 0 && status.limit >= -1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct port_bed *bed = port_bed();
	struct registry *registry = registry_new(&bed->host);
	uint64_t number = 0;
	struct str words;
	struct str rest = str_cut((struct str){ (const char *)data, size }, '\n', &words);

	script_set(rest, watch, &number);
	script_set_model(model);
	for (int i = 0; words.n > 0 && i < EFFECTS_MAX; i++) {
		struct str word;
		struct str place;

		words = str_cut(words, ' ', &word);
		words = str_cut(words, ' ', &place);
		number = 0;
		(void)!str_number(place, BED_STAGES - 1, &number);
		perform(bed, registry, word, number);
	}
	registry_free(registry);
	port_bed_end(bed);
	return 0;
}
