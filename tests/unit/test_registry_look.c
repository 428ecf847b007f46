/* test_registry_look.c - what an image says of itself: of one platform or several, and when it lies. */
#include "registry_bed.h"

#include "config/image.h"

#define CONFIG                                                                               \
	"{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2026-01-02T03:04:05Z\"," \
	"\"config\":{\"User\":\"app\",\"ExposedPorts\":{\"9090/tcp\":{},\"53/udp\":{},"      \
	"\"80\":{},\"x/tcp\":{},\"70000/tcp\":{}},\"Volumes\":{\"/data\":{}},"               \
	"\"Healthcheck\":{\"Test\":[\"CMD\",\"/ok\"]}}}"
#define NOTHING                                                                               \
	"{\"architecture\":\"s390x\",\"os\":\"linux\",\"config\":{\"Healthcheck\":{\"Test\":" \
	"[\"NONE\"]}}}"

static char manifest[512];
static char other_manifest[512];
static char index_text[1024];
static const char *first; /* what the tag names */
static const char *config;
static int config_status;
static struct image_facts found;
static int calls;

static const char *
digest_of(const char *text, char digest[DIGEST_SIZE])
{
	memcpy(digest, "sha256:", 8);
	hash_sha256_hex(str_of(text), digest + 7);
	return digest;
}

static void
write_manifest(char *to, size_t size, const char *of)
{
	char digest[DIGEST_SIZE];

	snprintf(to, size,
	    "{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\"},"
	    "\"layers\":[{\"size\":1000},{\"size\":234},{\"size\":-5}]}",
	    digest_of(of, digest));
}

static void
write_all(void)
{
	char mine[DIGEST_SIZE];
	char others[DIGEST_SIZE];

	write_manifest(manifest, sizeof(manifest), CONFIG);
	write_manifest(other_manifest, sizeof(other_manifest), NOTHING);
#if defined(__aarch64__)
#define MINE "arm64"
#else
#define MINE "amd64"
#endif
	snprintf(index_text, sizeof(index_text),
	    "{\"manifests\":[{\"digest\":\"sha256:0\",\"platform\":{\"os\":\"unknown\","
	    "\"architecture\":\"unknown\"}},{\"digest\":\"%s\",\"platform\":{\"os\":\"linux\","
	    "\"architecture\":\"s390x\"}},{\"digest\":\"%s\",\"platform\":{\"os\":\"linux\","
	    "\"architecture\":\"" MINE "\"}}]}",
	    digest_of(other_manifest, others), digest_of(manifest, mine));
	first = manifest;
	config = CONFIG;
	config_status = 200;
	calls = 0;
	memset(&found, 0, sizeof(found));
}

/* By tag, by digest, and a blob for the rest. */
static void
serve(struct fake *fake UNUSED, const struct fake_request *request, struct buf *reply)
{
	static const char *const all[] = { manifest, other_manifest, index_text };
	char digest[DIGEST_SIZE];

	assert_string_equal(request->method, "GET");
	if (strstr(request->path, "/manifests/v1") != NULL) {
		assert_contains(request->accept, "image.index.v1+json");
		fake_reply(reply, request, 200, "", first);
		return;
	}
	if (strstr(request->path, "/manifests/v404") != NULL) {
		fake_reply(reply, request, 404, "", "{}");
		return;
	}
	for (size_t i = 0; i < COUNT(all); i++)
		if (strstr(request->path, digest_of(all[i], digest)) != NULL) {
			fake_reply(reply, request, 200, "", all[i]);
			return;
		}
	assert_contains(request->path, "/v2/team/app/blobs/sha256:");
	fake_reply(reply, request, config_status, "", config);
}

static void
keep(void *context UNUSED, const struct image_facts *facts)
{
	calls++;
	if (facts != NULL)
		found = *facts;
}

static void
look(const char *tag)
{
	struct bed *bed = bed_new(serve);
	int64_t until_us = clock_mono_us() + (int64_t)BED_PATIENCE_MS * 1000;
	struct image_ref image = { .path = "team/app" };

	snprintf(image.host, sizeof(image.host), "%s", bed->fake->host);
	snprintf(image.tag, sizeof(image.tag), "%s", tag);
	registry_look_at(bed->registry, &image, keep, NULL);
	while (calls == 0 && clock_mono_us() < until_us)
		bed_turn(bed);
	bed_free(bed);
	assert_int_equal(calls, 1);
}

static void
an_image_says_what_it_is(void **state UNUSED)
{
	char digest[DIGEST_SIZE];

	write_all();
	look("v1");
	assert_string_equal(found.failure, "");
	assert_string_equal(found.digest, digest_of(manifest, digest));
	assert_string_equal(found.platform, "linux/amd64");
	assert_string_equal(found.created, "2026-01-02T03:04:05Z");
	assert_string_equal(found.user, "app");
	assert_int_equal(found.bytes, 1234);
	assert_true(found.has_healthcheck);
	assert_int_equal(found.port_count, 2);
	assert_int_equal(found.ports[0], 80);
	assert_int_equal(found.ports[1], 9090);
	assert_int_equal(found.volume_count, 1);
	assert_string_equal(found.volumes[0], "/data");
}

static void
of_several_it_is_this_machines(void **state UNUSED)
{
	char digest[DIGEST_SIZE];

	write_all();
	first = index_text;
	look("v1");
	assert_string_equal(found.failure, "");
	assert_string_equal(found.digest, digest_of(index_text, digest));
	assert_int_equal(found.port_count, 2);
	write_all();
	first = other_manifest; /* nothing but its platform */
	config = NOTHING;
	look("v1");
	assert_string_equal(found.platform, "linux/s390x");
	assert_false(found.has_healthcheck);
	assert_int_equal(found.port_count + found.volume_count, 0);
}

static void
what_lies_is_not_believed(void **state UNUSED)
{
	static const struct {
		const char *first;
		const char *config;
		int status;
		const char *told;
	} cases[] = {
		{ manifest, NOTHING, 200, "is not what has the digest sha256:" },
		{ manifest, CONFIG, 404, "there is no 'v1' of 'team/app' in" },
		{ manifest, CONFIG, 418, "answered 418 where an image was expected" },
		{ "{}", CONFIG, 200, "is no image that runs" },
		{ "{\"config\":{\"digest\":\"sha256:../../x\"}}", CONFIG, 200,
		    "is no image that runs" },
		{ "{\"manifests\":[]}", CONFIG, 200, "has no image for Linux" },
		{ "<html>", CONFIG, 200, "is no JSON" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		write_all();
		first = cases[i].first;
		config = cases[i].config;
		config_status = cases[i].status;
		look("v1");
		assert_contains(found.failure, cases[i].told);
	}
	write_all();
	look("v404");
	assert_contains(found.failure, "there is no 'v404' of 'team/app' in");
}

static void
nobody_is_answered_by_a_port_that_goes(void **state UNUSED)
{
	struct bed *bed = bed_new(serve);
	struct image_ref image = { .path = "team/app", .tag = "v1" };

	write_all();
	snprintf(image.host, sizeof(image.host), "%s", bed->fake->host);
	bed->fake->is_holding = true;
	for (int i = 0; i < LOOKS_MAX; i++)
		registry_look_at(bed->registry, &image, keep, NULL);
	assert_int_equal(calls, 0);
	registry_look_at(bed->registry, &image, keep, NULL); /* one too many */
	assert_int_equal(calls, 1);
	assert_contains(found.failure, "16 images are inspected already");
	bed_free(bed);
	assert_int_equal(calls, LOOKS_MAX + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_says_what_it_is),
		cmocka_unit_test(of_several_it_is_this_machines),
		cmocka_unit_test(what_lies_is_not_believed),
		cmocka_unit_test(nobody_is_answered_by_a_port_that_goes),
	};

	return cmocka_run_group_tests_name("registry look", tests, NULL, NULL);
}
