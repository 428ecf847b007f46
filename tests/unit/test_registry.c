/* test_registry.c - the registry port against a registry that misbehaves on purpose: digests, tag
 * lists, waits, budgets and order. Logins are in test_registry_login.c. */
#include "registry_bed.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SAYS_A "Docker-Content-Digest: " DIGEST_A "\r\n"
#define MANIFEST "{\"schemaVersion\":2}"
/* Of MANIFEST's bytes, as sha256sum says. */
#define MANIFEST_DIGEST \
	"sha256:bafebd36189ad3688b7b3915ea55d461e0bfcfbdde11e54b0a123999fb6be50f"

static const char *
image_at(const struct fake *fake, const char *path)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", fake->host, path);
	return text;
}

static void
assert_event(const struct event *event, enum event_kind kind, const char *part)
{
	if (event->kind != kind)
		fail_msg("%s: '%s'", event_names[event->kind], event->text);
	assert_contains(event->text, part);
}

/* Digests. */

static void
serve_head(struct fake *fake UNUSED, const struct fake_request *request, struct buf *reply)
{
	assert_string_equal(request->method, "HEAD");
	fake_reply(reply, request, 200, SAYS_A, "");
}

static void
resolve_takes_the_digest_of_a_head(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_head);
	const struct event *event;

	bed_put(1, image_at(bed->fake, "shop/web"), "v*", "v1");
	event = bed_ask(bed, FX_RESOLVE, 1);
	assert_int_equal(event->kind, EV_RESOLVED);
	assert_string_equal(event->digest, DIGEST_A);
	assert_string_equal(event->tag, "v1");
	assert_int_equal(bed->fake->count, 1);
	assert_string_equal(bed->fake->requests[0].path, "/v2/shop/web/manifests/v1");
	assert_contains(
	    bed->fake->requests[0].accept, "application/vnd.oci.image.index.v1+json");
	assert_contains(bed->fake->requests[0].accept, "manifest.list.v2+json");
	assert_contains(
	    bed->fake->requests[0].accept, "application/vnd.oci.image.manifest.v1+json");
	assert_contains(bed->fake->requests[0].accept, "distribution.manifest.v2+json");
	assert_string_equal(bed->fake->requests[0].authorization, "");
	assert_contains(bed_store.log, "info: ");
	assert_contains(bed_store.log, "/shop/web:v1 is " DIGEST_A);
	assert_true(bed_status(bed).ok_ms > 0);
	assert_string_equal(bed_status(bed).host, bed->fake->host);
	bed_free(bed);
}

/* The tag says what is wrong with HEAD. */
static void
serve_get(struct fake *fake UNUSED, const struct fake_request *request, struct buf *reply)
{
	bool is_head = strcmp(request->method, "HEAD") == 0;

	if (!is_head)
		fake_reply(reply, request, 200, "", MANIFEST);
	else if (strstr(request->path, "without"))
		fake_reply(reply, request, 200, "", "");
	else if (strstr(request->path, "odd"))
		fake_reply(reply, request, 200, "Docker-Content-Digest: sha256:AAAA\r\n", "");
	else if (strstr(request->path, "404"))
		fake_reply(reply, request, 404, "", "");
	else
		fake_reply(reply, request, 405, "Allow: GET\r\n", "");
}

static void
resolve_hashes_the_manifest_where_head_is_of_no_use(void **state UNUSED)
{
	static const char *const tags[] = { "without", "odd", "404", "405" };
	struct bed *bed = bed_new(serve_get);

	for (size_t i = 0; i < COUNT(tags); i++) {
		bed_put(i + 1, image_at(bed->fake, "a"), "*", tags[i]);
		assert_int_equal(bed_ask(bed, FX_RESOLVE, i + 1)->kind, EV_RESOLVED);
		assert_string_equal(bed_catalog.items[i + 1].event.digest, MANIFEST_DIGEST);
	}
	assert_int_equal(fake_seen(bed->fake, "GET", "/manifests/"), COUNT(tags));
	bed_free(bed);
}

static void
serve_mismatch(struct fake *fake UNUSED, const struct fake_request *request, struct buf *reply)
{
	if (strcmp(request->method, "HEAD") == 0)
		fake_reply(reply, request, 405, "", "");
	else if (strstr(request->path, "old"))
		fake_reply(reply, request, 200,
		    "Content-Type: "
		    "application/vnd.docker.distribution.manifest.v1+prettyjws\r\n",
		    MANIFEST);
	else
		fake_reply(reply, request, 200, SAYS_A, MANIFEST);
}

static void
resolve_refuses_bytes_that_do_not_match(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_mismatch);

	bed_put(1, image_at(bed->fake, "shop/web"), "*", "v1");
	assert_event(bed_ask(bed, FX_RESOLVE, 1), EV_REFUSED, "digest does not match");
	assert_contains(bed_store.log, "error: ");
	bed_put(2, image_at(bed->fake, "shop/web"), "*", "old");
	assert_event(bed_ask(bed, FX_RESOLVE, 2), EV_REFUSED, "schema 1");
	bed_free(bed);
}

static void
resolve_by_digest_wants_that_digest(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_head);

	bed_put(1, image_at(bed->fake, "a"), "*", "");
	memcpy(bed_catalog.items[1].row.digest, DIGEST_A, sizeof(DIGEST_A));
	assert_int_equal(bed_ask(bed, FX_RESOLVE, 1)->kind, EV_RESOLVED);
	assert_string_equal(bed->fake->requests[0].path, "/v2/a/manifests/" DIGEST_A);
	bed_put(2, image_at(bed->fake, "a"), "*", "");
	memcpy(bed_catalog.items[2].row.digest, DIGEST_B, sizeof(DIGEST_B));
	assert_event(bed_ask(bed, FX_RESOLVE, 2), EV_REFUSED, "digest does not match");
	bed_free(bed);
}

static void
serve_nothing(struct fake *fake UNUSED, const struct fake_request *request, struct buf *reply)
{
	fake_reply(reply, request, 404, "Content-Type: application/json\r\n",
	    strstr(request->path, "/nobody/") != NULL
		? "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"repository name not "
		  "known\"}]}"
		: "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest "
		  "unknown\"}]}");
}

static void
what_is_not_there_is_named(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_nothing);
	char text[128];

	bed_put(1, image_at(bed->fake, "shop/web"), "v1", "v9");
	snprintf(text, sizeof(text), "no tag 'v9' in %s/shop/web", bed->fake->host);
	assert_event(bed_ask(bed, FX_RESOLVE, 1), EV_REFUSED, text);
	assert_event(bed_ask(bed, FX_SEEK, 1), EV_TROUBLED, "no tag 'v1'");
	bed_put(2, image_at(bed->fake, "nobody/web"), "v*", "v9");
	assert_event(bed_ask(bed, FX_RESOLVE, 2), EV_REFUSED, "no repository 'nobody/web'");
	assert_event(bed_ask(bed, FX_SEEK, 2), EV_REFUSED, "no repository 'nobody/web'");
	bed_free(bed);
}

/* Distribution tells of a push before the tag can be found. */
static void
what_a_webhook_named_just_now_may_come(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_nothing);
	struct deploy_row *row = &bed_catalog.items[1].row;

	bed_put(1, image_at(bed->fake, "shop/web"), "v*", "v9");
	snprintf(row->trigger, sizeof(row->trigger), "WEBHOOK");
	row->created_ms = clock_now_ms() - REGISTRY_TAG_LATE_MS / 2;
	assert_event(bed_ask(bed, FX_RESOLVE, 1), EV_TROUBLED, "no tag 'v9'");
	row->created_ms = clock_now_ms() - REGISTRY_TAG_LATE_MS - 1;
	assert_event(bed_ask(bed, FX_RESOLVE, 1), EV_REFUSED, "no tag 'v9'");
	row->created_ms = clock_now_ms();
	snprintf(row->trigger, sizeof(row->trigger), "MANUAL");
	assert_event(bed_ask(bed, FX_RESOLVE, 1), EV_REFUSED, "no tag 'v9'");
	bed_free(bed);
}

static void
what_is_not_configured_is_refused(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_head);

	bed_perform(bed, FX_RESOLVE, 9); /* answered at once */
	assert_event(&bed_catalog.items[9].event, EV_REFUSED, "its configuration is gone");
	bed_put(1, "127.0.0.1:5000/Shop", "v*", "v1");
	bed_perform(bed, FX_SEEK, 1);
	assert_event(&bed_catalog.items[1].event, EV_REFUSED, "lower case");
	bed_put(1, image_at(bed->fake, "a"), "v*", "v 1");
	bed_perform(bed, FX_RESOLVE, 1);
	assert_event(&bed_catalog.items[1].event, EV_REFUSED, "'v 1' is no tag");
	assert_int_equal(bed->answers, 3);
	assert_int_equal(bed->fake->count, 0);
	bed_free(bed);
}

static void
serve_much(struct fake *fake UNUSED, const struct fake_request *request, struct buf *reply)
{
	static char much[5 << 20];

	memset(much, ' ', sizeof(much) - 1);
	fake_reply(reply, request, strcmp(request->method, "HEAD") == 0 ? 405 : 200, "", much);
}

static void
too_much_is_refused(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_much);

	bed_put(1, image_at(bed->fake, "a"), "v*", "v1");
	assert_event(bed_ask(bed, FX_RESOLVE, 1), EV_REFUSED, "too long an answer");
	assert_event(bed_ask(bed, FX_SEEK, 1), EV_REFUSED, "too long an answer");
	bed_free(bed);
}

/* Tag lists. */

static void
serve_pages(struct fake *fake, const struct fake_request *request, struct buf *reply)
{
	char link[256];

	if (strstr(request->path, "/manifests/")) {
		fake_reply(reply, request, 200, SAYS_A, "");
	} else if (strstr(request->path, "last=2")) {
		fake_reply(reply, request, 200, "",
		    "{\"name\":\"a\",\"tags\":[\"v1.10.0\",\"v1.9.9\",\"latest\",\"v2.0.0-"
		    "rc1\"]}");
	} else if (strstr(request->path, "last=1")) {
		snprintf(link, sizeof(link),
		    "Link: <http://%s/v2/a/tags/list?last=2>; rel=\"next\"\r\n", fake->host);
		fake_reply(
		    reply, request, 200, link, "{\"name\":\"a\",\"tags\":[\"v1.2.0\"]}");
	} else {
		fake_reply(reply, request, 200,
		    "Link: </v2/a/tags/list?last=1&n=1000>; rel=\"next\"\r\n",
		    "{\"name\":\"a\",\"tags\":[\"v1.1.0\",\"v1.1.0\",\"not a tag\",7,\"sha256-"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.sig\","
		    "\"sha256-00.att\",\"sha256-ff.sbom\"]}");
	}
}

static void
seek_finds_the_newest_of_all_pages(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_pages);

	bed_put(1, image_at(bed->fake, "a"), "v1.*", "");
	assert_int_equal(bed_ask(bed, FX_SEEK, 1)->kind, EV_SOUGHT);
	assert_string_equal(bed_catalog.items[1].event.tag, "v1.10.0");
	assert_string_equal(bed_catalog.items[1].event.digest, DIGEST_A);
	assert_int_equal(bed->fake->count, 4);
	assert_string_equal(bed->fake->requests[0].path, "/v2/a/tags/list?n=1000");
	assert_string_equal(bed->fake->requests[1].path, "/v2/a/tags/list?last=1&n=1000");
	assert_string_equal(bed->fake->requests[2].path, "/v2/a/tags/list?last=2");
	assert_string_equal(bed->fake->requests[3].path, "/v2/a/manifests/v1.10.0");
	assert_string_equal(bed->fake->requests[3].method, "HEAD");
	bed_put(2, image_at(bed->fake, "a"), "x?", "");
	assert_event(
	    bed_ask(bed, FX_SEEK, 2), EV_TROUBLED, "no tag matches 'x?' (7 tags seen)");
	bed_put(3, image_at(bed->fake, "a"), "s*", ""); /* signatures are no versions */
	assert_event(bed_ask(bed, FX_SEEK, 3), EV_TROUBLED, "no tag matches 's*'");
	bed_free(bed);
}

static void
seek_obeys_the_policy(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_pages);

	bed_put(1, image_at(bed->fake, "a"), "*", "");
	bed_catalog.items[1].spec.tag_semver = ">=1.2";
	assert_int_equal(bed_ask(bed, FX_SEEK, 1)->kind, EV_SOUGHT);
	assert_string_equal(bed_catalog.items[1].event.tag, "v1.10.0");
	bed_catalog.items[1].spec.tag_prereleases = true;
	assert_int_equal(bed_ask(bed, FX_SEEK, 1)->kind, EV_SOUGHT);
	assert_string_equal(bed_catalog.items[1].event.tag, "v2.0.0-rc1");
	bed_catalog.items[1].spec.tag_semver = "^7";
	assert_event(bed_ask(bed, FX_SEEK, 1), EV_TROUBLED,
	    "no tag matches 'semver ^7 with prereleases' (7 tags seen)");
	bed_catalog.items[1].spec.tag_semver = "latest";
	bed_perform(bed, FX_SEEK, 1); /* answered at once */
	assert_event(&bed_catalog.items[1].event, EV_REFUSED, "'semver' is no range");
	bed_free(bed);
}

/* Older than what serves, or than what was seen last, by the policy's order; but not than what the
 * policy does not take. */
static void
what_is_older_is_told(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_pages);
	struct bed_item *item = &bed_catalog.items[1];

	bed_put(1, image_at(bed->fake, "a"), "v1.*", "");
	assert_false(bed_ask(bed, FX_SEEK, 1)->flag);
	snprintf(item->marks.seen_tag, TAG_SIZE, "v1.9.0");
	snprintf(item->marks.live_tag, TAG_SIZE, "v1.10.0");
	assert_false(bed_ask(bed, FX_SEEK, 1)->flag);
	snprintf(item->marks.live_tag, TAG_SIZE, "v1.11.0");
	assert_true(bed_ask(bed, FX_SEEK, 1)->flag);
	item->spec.tag_downgrade = true;
	assert_false(bed_ask(bed, FX_SEEK, 1)->flag);
	item->spec.tag_downgrade = false;
	snprintf(item->marks.live_tag, TAG_SIZE, "v2.0.0");
	assert_false(bed_ask(bed, FX_SEEK, 1)->flag);
	snprintf(item->marks.seen_tag, TAG_SIZE, "v1.10.1");
	assert_true(bed_ask(bed, FX_SEEK, 1)->flag);
	bed_free(bed);
}

struct told {
	uint32_t count; /* of answers */
	bool is_dropped;
	char text[1024]; /* "v2=kept v1=older ... -> v2 sha256:..." or the failure */
};

static void
take_explanation(void *context, const struct tag_explanation *e)
{
	struct told *told = context;
	size_t n = 0;

	told->count++;
	told->is_dropped = e == NULL;
	for (size_t i = 0; e != NULL && i < e->count; i++)
		n += (size_t)snprintf(told->text + n, sizeof(told->text) - n, "%s=%s ",
		    e->tags[i].tag, tag_reason_codes[e->tags[i].reason]);
	if (e != NULL)
		snprintf(told->text + n, sizeof(told->text) - n, "-> %s %s", e->chosen,
		    e->failure == NULL ? e->digest : e->failure);
}

static void
explains(struct bed *bed, uint64_t id, const char *expected)
{
	struct told told = { .count = 0 };
	int64_t until_us = clock_mono_us() + (int64_t)BED_PATIENCE_MS * 1000;

	registry_explain(bed->registry, id, take_explanation, &told);
	while (told.count == 0 && clock_mono_us() < until_us)
		bed_turn(bed);
	assert_int_equal(told.count, 1);
	assert_string_equal(told.text, expected);
}

static void
every_tag_is_explained(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_pages);
	struct told told = { .count = 0 };

	bed_put(1, image_at(bed->fake, "a"), "v1.*", "");
	snprintf(bed_catalog.items[1].marks.live_tag, TAG_SIZE, "v1.9.5");
	explains(bed, 1,
	    "v1.10.0=kept v1.9.9=kept v1.2.0=older v1.1.0=older latest=glob "
	    "sha256-00.att=attachment "
	    "sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.sig="
	    "attachment sha256-ff.sbom=attachment v2.0.0-rc1=glob -> v1.10.0 " DIGEST_A);
	bed_put(2, image_at(bed->fake, "a"), "latest", "");
	explains(bed, 2, "latest=kept -> latest " DIGEST_A);
	bed_put(3, image_at(bed->fake, "a"), "none*", "");
	bed_catalog.items[3].spec.tag_date = "%d";
	explains(bed, 3, "->  'date' needs %Y, or %s alone: without a year there is no order");
	explains(bed, 9, "->  its configuration is gone");
	registry_explain(bed->registry, 1, take_explanation, &told);
	bed_free(bed); /* nobody may be answered any more */
	assert_true(told.is_dropped);
	assert_int_equal(told.count, 1);
}

static const char *digest_now;

/* v1 and v2, both of them the digest of the moment. */
static void
serve_two(struct fake *fake UNUSED, const struct fake_request *request, struct buf *reply)
{
	char headers[256];

	snprintf(headers, sizeof(headers), "Docker-Content-Digest: %s\r\n", digest_now);
	if (strstr(request->path, "/manifests/"))
		fake_reply(reply, request, 200, headers, "");
	else
		fake_reply(
		    reply, request, 200, "", "{\"name\":\"a\",\"tags\":[\"v1\",\"v2\"]}");
}

static void
saw(const char *tag, const char *digest)
{
	snprintf(bed_catalog.items[1].marks.seen_tag, TAG_SIZE, "%s", tag);
	snprintf(bed_catalog.items[1].marks.seen_digest, DIGEST_SIZE, "%s", digest);
}

#define DIGEST_1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define DIGEST_2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"

/* The first look only records; later ones pass over what is too young. */
static void
young_digests_wait(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_two);
	struct bed_item *item = &bed_catalog.items[1];
	const struct event *e;

	digest_now = DIGEST_1;
	bed_put(1, image_at(bed->fake, "a"), "v*", "v2");
	item->spec.tag_min_age_ms = 3600000;
	e = bed_ask(bed, FX_SEEK, 1);
	assert_string_equal(e->tag, "v2");
	assert_int_equal(bed_store.seen_count, 1);
	saw("v1", DIGEST_1);
	e = bed_ask(bed, FX_SEEK, 1); /* v2 is new: the poll is told what it knows */
	assert_string_equal(e->tag, "v1");
	assert_string_equal(e->digest, DIGEST_1);
	assert_int_equal(e->kind, EV_SOUGHT);
	saw("v0", DIGEST_1);
	e = bed_ask(bed, FX_SEEK, 1); /* none is old enough */
	assert_string_equal(e->tag, "v0");
	snprintf(item->row.trigger, sizeof(item->row.trigger), "WEBHOOK");
	assert_event(bed_ask(bed, FX_RESOLVE, 1), EV_REFUSED, "'min_age' is 1h");
	snprintf(item->row.trigger, sizeof(item->row.trigger), "MANUAL");
	assert_int_equal(bed_ask(bed, FX_RESOLVE, 1)->kind, EV_RESOLVED);
	bed_find_seen("v2", DIGEST_1)->first_ms -= 3600000;
	e = bed_ask(bed, FX_SEEK, 1);
	assert_string_equal(e->tag, "v2");
	digest_now = DIGEST_2; /* pushed again: young again */
	assert_string_equal(bed_ask(bed, FX_SEEK, 1)->tag, "v0");
	bed_free(bed);
}

static void
immutable_tags_that_move_are_not_taken(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_two);
	struct bed_item *item = &bed_catalog.items[1];

	digest_now = DIGEST_1;
	bed_put(1, image_at(bed->fake, "a"), "v*", "v2");
	snprintf(item->row.trigger, sizeof(item->row.trigger), "WEBHOOK");
	item->spec.tag_immutable = "v*";
	assert_string_equal(bed_ask(bed, FX_SEEK, 1)->tag, "v2");
	saw("v2", DIGEST_1);
	digest_now = DIGEST_2;
	assert_string_equal(bed_ask(bed, FX_SEEK, 1)->digest, DIGEST_1);
	assert_true(bed_find_seen("v2", DIGEST_2)->is_moved);
	assert_event(bed_ask(bed, FX_RESOLVE, 1), EV_REFUSED,
	    "tag v2 is immutable and has moved from sha256:111111111111 to "
	    "sha256:222222222222");
	digest_now = DIGEST_1; /* it leads back: all is well */
	assert_int_equal(bed_ask(bed, FX_RESOLVE, 1)->kind, EV_RESOLVED);
	assert_null(bed_find_seen("v2", DIGEST_2));
	digest_now = DIGEST_2; /* what a person deploys is right */
	assert_event(bed_ask(bed, FX_RESOLVE, 1), EV_REFUSED, "has moved");
	snprintf(item->row.trigger, sizeof(item->row.trigger), "MANUAL");
	assert_int_equal(bed_ask(bed, FX_RESOLVE, 1)->kind, EV_RESOLVED);
	assert_string_equal(bed_ask(bed, FX_SEEK, 1)->digest, DIGEST_2);
	item->spec.tag_immutable = "w*"; /* others may move */
	digest_now = DIGEST_1;
	assert_string_equal(bed_ask(bed, FX_SEEK, 1)->digest, DIGEST_1);
	bed_free(bed);
}

/* Made immutable only now: what serves says what the tag was. */
static void
what_serves_tells_that_a_tag_moved(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_two);
	struct bed_item *item = &bed_catalog.items[1];

	digest_now = DIGEST_2;
	bed_put(1, image_at(bed->fake, "a"), "v2", "");
	item->spec.tag_immutable = "*";
	saw("v2", DIGEST_1);
	snprintf(item->marks.live_tag, TAG_SIZE, "v2");
	snprintf(item->marks.live_digest, DIGEST_SIZE, "%s", DIGEST_1);
	explains(bed, 1, "v2=kept -> v2 " DIGEST_2);
	assert_int_equal(bed_store.seen_count, 0); /* to explain changes nothing */
	assert_string_equal(bed_ask(bed, FX_SEEK, 1)->digest, DIGEST_1);
	assert_true(bed_find_seen("v2", DIGEST_2)->is_moved);
	bed_free(bed);
}

static void
seek_without_wildcard_lists_nothing(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_pages);

	bed_put(1, image_at(bed->fake, "a"), "latest", "");
	assert_int_equal(bed_ask(bed, FX_SEEK, 1)->kind, EV_SOUGHT);
	assert_string_equal(bed_catalog.items[1].event.tag, "latest");
	assert_int_equal(bed->fake->count, 1);
	assert_string_equal(bed->fake->requests[0].path, "/v2/a/manifests/latest");
	bed_free(bed);
}

static void
seeks_of_one_moment_share_the_list(void **state UNUSED)
{
	static const char *const patterns[] = { "v1.*", "v*", "latest*", "v1.*", "none*" };
	static const char *const tags[] = { "v1.10.0", "v2.0.0-rc1", "latest", "v1.10.0", "" };
	struct bed *bed = bed_new(serve_pages);

	for (size_t i = 0; i < COUNT(patterns); i++) {
		bed_put(i + 1, image_at(bed->fake, "a"), patterns[i], "");
		bed_perform(bed, FX_SEEK, i + 1);
	}
	bed_wait(bed, COUNT(patterns));
	for (size_t i = 0; i < COUNT(patterns); i++)
		assert_string_equal(bed_catalog.items[i + 1].event.tag, tags[i]);
	assert_int_equal(bed_catalog.items[5].event.kind, EV_TROUBLED);
	assert_int_equal(fake_seen(bed->fake, "GET", "/tags/list"), 3);
	assert_int_equal(fake_seen(bed->fake, "HEAD", "/manifests/"), 4);
	bed_free(bed);
}

/* The repository names the fault. */
static void
serve_bad_lists(
    struct fake *fake UNUSED, const struct fake_request *request, struct buf *reply)
{
	static unsigned pages;
	char link[256];

	if (strstr(request->path, "/away/"))
		fake_reply(reply, request, 200,
		    "Link: <http://198.51.100.1/v2/x>; rel=\"next\"\r\n",
		    "{\"tags\":[\"v1\"]}");
	else if (strstr(request->path, "/endless/")) {
		snprintf(link, sizeof(link),
		    "Link: </v2/endless/tags/list?last=%u>; rel=\"next\"\r\n", pages++);
		fake_reply(reply, request, 200, link, "{\"tags\":[\"v1\"]}");
	} else if (strstr(request->path, "/broken/"))
		fake_reply(reply, request, 200, "", "{\"tags\":[\"v1\"");
	else if (strstr(request->path, "/odd/"))
		fake_reply(reply, request, 200, "", "{\"tags\":\"v1\"}");
	else if (strstr(request->path, "/empty/"))
		fake_reply(reply, request, 200, "", "{\"name\":\"empty\",\"tags\":null}");
	else
		fake_reply(reply, request, 418, "", "");
}

static void
bad_lists_are_told_apart(void **state UNUSED)
{
	static const char *const paths[] = { "away", "endless", "broken", "odd", "empty",
		"teapot" };
	static const char *const words[] = { "not on that host", "too many tags to list",
		"broken list of tags", "broken list of tags",
		"no tag matches 'v*' (0 tags seen)", "answered 418" };
	struct bed *bed = bed_new(serve_bad_lists);

	for (size_t i = 0; i < COUNT(paths); i++) {
		bed_put(i + 1, image_at(bed->fake, paths[i]), "v*", "");
		assert_event(
		    bed_ask(bed, FX_SEEK, i + 1), i == 4 ? EV_TROUBLED : EV_REFUSED, words[i]);
	}
	assert_int_equal(fake_seen(bed->fake, "GET", "/endless/"), REGISTRY_PAGES_MAX);
	bed_free(bed);
}

/* Waits and budgets. */

static int faults; /* answers still to be spoilt by serve_limited */
static const char *fault_headers;
static int fault_status;

static void
serve_limited(struct fake *fake UNUSED, const struct fake_request *request, struct buf *reply)
{
	if (faults > 0) {
		faults--;
		fake_reply(reply, request, fault_status, fault_headers,
		    "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"slow\\tdown\"}]"
		    "}");
	} else
		fake_reply(reply, request, 200, SAYS_A, "{\"tags\":[\"v1\"]}");
}

static void
spoil(int count, int status, const char *headers)
{
	faults = count;
	fault_status = status;
	fault_headers = headers;
}

static void
a_registry_that_asks_for_patience_gets_it(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_limited);
	int64_t until_us;

	spoil(1, 429, "Retry-After: 1\r\n");
	bed_put(1, image_at(bed->fake, "a"), "v*", "v1");
	bed_put(2, image_at(bed->fake, "b"), "v*", "v1");
	assert_event(bed_ask(bed, FX_SEEK, 1), EV_TROUBLED,
	    "answered 429, its rate limit is reached: slow down");
	assert_int_equal(bed_catalog.items[1].event.after_ms, 1000);
	assert_true(bed_status(bed).gate_until_ms > clock_now_ms());
	assert_contains(bed_status(bed).why, "429");
	assert_event(bed_ask(bed, FX_RESOLVE, 2), EV_TROUBLED, "asked to be left alone");
	assert_true(bed_catalog.items[2].event.after_ms > 0);
	assert_true(bed_catalog.items[2].event.after_ms <= 1000);
	assert_event(bed_ask(bed, FX_SEEK, 2), EV_TROUBLED, "asked to be left alone");
	assert_int_equal(bed->fake->count, 1); /* nobody came near it */
	until_us = clock_mono_us() + 5000000;
	while (bed_status(bed).gate_until_ms > clock_now_ms() && clock_mono_us() < until_us)
		bed_turn(bed);
	assert_int_equal(bed_ask(bed, FX_SEEK, 1)->kind, EV_SOUGHT);
	assert_int_equal(bed_status(bed).gate_until_ms, 0);
	assert_string_equal(bed_status(bed).why, "");
	bed_free(bed);
}

static void
waits_follow_the_header_or_reason(void **state UNUSED)
{
	static const struct {
		int status;
		const char *headers;
		int64_t least_ms;
		int64_t most_ms;
	} cases[] = {
		{ 429, "", 60000, 60000 },
		{ 429, "Retry-After: 90\r\n", 90000, 90000 },
		{ 503, "Retry-After: 30\r\n", 30000, 30000 },
		{ 503, "", 0, 0 },
		{ 500, "Retry-After: soon\r\n", 0, 0 },
		{ 429, "Retry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\n", 86400000, 86400000 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bed *bed = bed_new(serve_limited);
		const struct event *event;

		spoil(1, cases[i].status, cases[i].headers);
		bed_put(1, image_at(bed->fake, "a"), "v*", "v1");
		event = bed_ask(bed, FX_RESOLVE, 1);
		assert_event(event, EV_TROUBLED, "answered");
		assert_in_range(event->after_ms, cases[i].least_ms, cases[i].most_ms);
		event = bed_ask(bed, FX_RESOLVE, 1);
		assert_int_equal(
		    event->kind, cases[i].most_ms == 0 ? EV_RESOLVED : EV_TROUBLED);
		bed_free(bed);
	}
}

static void
serve_budget(struct fake *fake, const struct fake_request *request, struct buf *reply)
{
	char headers[256];

	snprintf(headers, sizeof(headers),
	    SAYS_A "RateLimit-Limit: 100;w=21600\r\nRateLimit-Remaining: %u;w=21600\r\n",
	    12 - fake->count);
	fake_reply(reply, request, 200, headers, "{\"tags\":[\"v1\"]}");
}

static void
what_is_left_of_a_budget_goes_to_deploys(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_budget);
	struct registry_status status;

	bed_put(1, image_at(bed->fake, "a"), "v*", "v1");
	assert_int_equal(bed_ask(bed, FX_SEEK, 1)->kind, EV_SOUGHT); /* 11, 10 left */
	status = bed_status(bed);
	assert_int_equal(status.remaining, 10);
	assert_int_equal(status.limit, 100);
	assert_int_equal(status.window_s, 21600);
	assert_int_equal(status.polls_until_ms, 0);
	assert_int_equal(
	    bed_ask(bed, FX_RESOLVE, 1)->kind, EV_RESOLVED); /* 9 left, 10 are kept */
	assert_event(
	    bed_ask(bed, FX_SEEK, 1), EV_TROUBLED, "9 requests are left of the budget");
	assert_in_range(bed_catalog.items[1].event.after_ms, 899000, 900000);
	assert_true(bed_status(bed).polls_until_ms > 0);
	assert_int_equal(bed_ask(bed, FX_RESOLVE, 1)->kind, EV_RESOLVED);
	assert_int_equal(bed->fake->count, 4);
	bed_free(bed);
}

/* Order. */

static void
deploys_go_before_polls_and_polls_leave_room(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_limited);
	int64_t until_us = clock_mono_us() + 5000000;

	spoil(0, 0, "");
	bed->fake->is_holding = true;
	for (uint64_t id = 1; id <= 30; id++) {
		char path[32];
		snprintf(path, sizeof(path), "r%u", (unsigned)id);
		bed_put(id, image_at(bed->fake, path), "v1", "v1");
		bed_perform(bed, id <= 20 ? FX_SEEK : FX_RESOLVE, id);
		while (id == 20 && bed->fake->held < REGISTRY_POLLS_MAX
		       && clock_mono_us() < until_us)
			bed_turn(bed);
	}
	while (bed->fake->held < REGISTRY_QUESTIONS_MAX && clock_mono_us() < until_us)
		bed_turn(bed);
	assert_int_equal(bed->fake->held, REGISTRY_QUESTIONS_MAX);
	assert_int_equal(bed_status(bed).active, REGISTRY_QUESTIONS_MAX);
	assert_int_equal(bed_status(bed).waiting, 30 - REGISTRY_QUESTIONS_MAX);
	assert_contains(bed->fake->requests[7].path, "/v2/r21/"); /* the deploys' own place */
	for (uint32_t released = 1; released <= 30;
	     released++) { /* one by one, so that order shows */
		fake_release(bed->fake, 1);
		bed_wait(bed, released);
		for (int i = 0; i < 3 || bed->fake->held != bed_status(bed).active; i++)
			bed_turn(bed);
	}
	assert_int_equal(bed->fake->held_most, REGISTRY_QUESTIONS_MAX);
	for (uint32_t i = 0; i < 22; i++) {
		/* The places that became free: the deploys first, then the polls, as they came. */
		char path[32];
		snprintf(path, sizeof(path), "/v2/r%u/", i < 9 ? 22 + i : i - 9 + 8);
		assert_contains(bed->fake->requests[8 + i].path, path);
	}
	for (uint64_t id = 1; id <= 30; id++)
		assert_int_equal(bed_catalog.items[id].answers, 1);
	bed_free(bed);
}

static void
a_newer_effect_replaces_the_older(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_pages);

	bed->fake->is_holding = true;
	bed_put(1, image_at(bed->fake, "a"), "v*", "");
	bed_put(2, image_at(bed->fake, "a"), "v1.*", "");
	bed_perform(bed, FX_SEEK, 1);
	while (bed->fake->held < 1)
		bed_turn(bed);
	bed_perform(bed, FX_SEEK, 2); /* joins the list of 1 */
	bed_perform(bed, FX_SEEK, 1); /* leaves it and joins it again */
	registry_perform(bed->registry,
	    &(struct effect){ .kind = FX_SEEK, .actor = 2, .epoch = 8, .stage = 1 });
	fake_release(bed->fake, 0);
	bed_wait(bed, 2);
	for (int i = 0; i < 20; i++)
		bed_turn(bed);
	assert_int_equal(bed->answers, 2);
	assert_int_equal(bed_catalog.items[1].event.epoch, 8);
	assert_string_equal(bed_catalog.items[1].event.tag, "v2.0.0-rc1");
	assert_int_equal(fake_seen(bed->fake, "GET", "/tags/list"), 3);
	/* A list that nobody wants any more is dropped, and so is a waiting question. */
	bed->fake->is_holding = true;
	bed_perform(bed, FX_SEEK, 1);
	while (bed->fake->held < 1)
		bed_turn(bed);
	bed_catalog.items[1].row.id = 1;
	snprintf(bed_catalog.items[1].row.tag, TAG_SIZE, "v1");
	bed_perform(bed, FX_RESOLVE, 1);
	fake_release(bed->fake, 0);
	bed_wait(bed, 3);
	assert_int_equal(bed_catalog.items[1].event.kind, EV_RESOLVED);
	bed_free(bed);
}

static void
freeing_drops_what_is_under_way(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_pages);

	bed->fake->is_holding = true;
	for (uint64_t id = 1; id <= 40; id++) {
		char path[32];
		snprintf(path, sizeof(path), "r%u", (unsigned)id % 15);
		bed_put(id, image_at(bed->fake, path), id % 3 == 0 ? "v1" : "v*", "v1");
		bed_perform(bed, id % 5 == 0 ? FX_RESOLVE : FX_SEEK, id);
	}
	while (bed->fake->held < REGISTRY_QUESTIONS_MAX)
		bed_turn(bed);
	bed_free(bed); /* the sanitizer sees what is left */
}

/* The network. */

static void
a_registry_that_is_down_is_not_asked_by_every_poll(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_head);
	char host[32];

	memcpy(host, bed->fake->host, sizeof(host));
	fake_free(bed->fake);
	bed->fake = NULL;
	for (uint64_t id = 1; id <= 3; id++) {
		char image[64];
		snprintf(image, sizeof(image), "%s/a", host);
		bed_put(id, image, "v1", "v1");
	}
	assert_event(
	    bed_ask(bed, FX_RESOLVE, 1), EV_TROUBLED, "cannot reach the registry 127.0.0.1:");
	assert_contains(bed_catalog.items[1].event.text, "refused");
	assert_event(bed_ask(bed, FX_SEEK, 2), EV_TROUBLED, "cannot reach the registry");
	assert_true(bed_catalog.items[2].event.after_ms > 0); /* told so without asking */
	assert_event(bed_ask(bed, FX_RESOLVE, 3), EV_TROUBLED, "cannot reach the registry");
	assert_int_equal(
	    bed_catalog.items[3].event.after_ms, 0); /* a deploy sees for itself */
	assert_contains(bed_status(bed).why, "cannot reach");
	bed_free(bed);
}

static void
serve_cut(struct fake *fake UNUSED, const struct fake_request *request UNUSED,
    struct buf *reply UNUSED)
{
}

static void
a_broken_answer_is_troubled(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_cut);

	bed_put(1, image_at(bed->fake, "a"), "v*", "v1");
	assert_event(bed_ask(bed, FX_RESOLVE, 1), EV_TROUBLED, "cannot reach the registry");
	assert_event(bed_ask(bed, FX_SEEK, 1), EV_TROUBLED, "cannot reach the registry");
	bed_free(bed);
}

static void
serve_plain(
    struct fake *fake UNUSED, const struct fake_request *request UNUSED, struct buf *reply)
{
	buf_text(reply, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
}

static void
plain_http_must_be_allowed(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_plain);

	/* Its answer to a TLS greeting is what a web server says: the bytes of an HTTP answer. */
	bed_catalog.registries[0].is_insecure = false;
	bed->fake->is_raw = true;
	bed_put(1, image_at(bed->fake, "a"), "v*", "v1");
	assert_event(bed_ask(bed, FX_RESOLVE, 1), EV_REFUSED,
	    "speaks plain HTTP; set insecure: true for it under registries");
	bed_free(bed);
}

static void
serve_https_refusal(
    struct fake *fake UNUSED, const struct fake_request *request UNUSED, struct buf *reply)
{
	buf_text(reply, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an "
			"HTTPS server.\n");
}

static void
https_must_be_asked_as_such(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_https_refusal);

	bed->fake->is_closing = true;
	bed_put(1, image_at(bed->fake, "a"), "v*", "v1");
	assert_event(
	    bed_ask(bed, FX_RESOLVE, 1), EV_REFUSED, "speaks HTTPS; take insecure: true away");
	bed_free(bed);
}

static struct fake *elsewhere;

static void
serve_redirect(struct fake *fake, const struct fake_request *request, struct buf *reply)
{
	char headers[256];

	if (fake == elsewhere) {
		fake_reply(reply, request, strcmp(request->method, "HEAD") == 0 ? 405 : 200,
		    "", MANIFEST);
	} else if (request->authorization[0] == '\0') {
		fake_reply(reply, request, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
	} else {
		snprintf(
		    headers, sizeof(headers), "Location: http://%s/blob\r\n", elsewhere->host);
		fake_reply(reply, request, 307, headers, "");
	}
}

static void
redirects_are_followed_without_the_login(void **state UNUSED)
{
	struct bed *bed = bed_new(serve_redirect);

	elsewhere = fake_new(bed->loop, serve_redirect);
	assert_int_equal(setenv("REGISTRY_TEST_PASSWORD", "correct-horse", 1), 0);
	memcpy(bed_catalog.registries[0].username, "ci", 3);
	memcpy(bed_catalog.registries[0].password_env, "REGISTRY_TEST_PASSWORD", 23);
	bed_put(1, image_at(bed->fake, "a"), "v*", "v1");
	assert_int_equal(bed_ask(bed, FX_RESOLVE, 1)->kind, EV_RESOLVED);
	assert_string_equal(bed_catalog.items[1].event.digest, MANIFEST_DIGEST);
	assert_int_equal(elsewhere->count, 2);
	for (uint32_t i = 0; i < elsewhere->count; i++)
		assert_string_equal(elsewhere->requests[i].authorization, "");
	assert_contains(bed->fake->requests[1].authorization, "Basic ");
	fake_free(elsewhere);
	bed_free(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolve_takes_the_digest_of_a_head),
		cmocka_unit_test(resolve_hashes_the_manifest_where_head_is_of_no_use),
		cmocka_unit_test(resolve_refuses_bytes_that_do_not_match),
		cmocka_unit_test(resolve_by_digest_wants_that_digest),
		cmocka_unit_test(what_is_not_there_is_named),
		cmocka_unit_test(what_a_webhook_named_just_now_may_come),
		cmocka_unit_test(what_is_not_configured_is_refused),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(seek_finds_the_newest_of_all_pages),
		cmocka_unit_test(seek_obeys_the_policy),
		cmocka_unit_test(what_is_older_is_told),
		cmocka_unit_test(every_tag_is_explained),
		cmocka_unit_test(young_digests_wait),
		cmocka_unit_test(immutable_tags_that_move_are_not_taken),
		cmocka_unit_test(what_serves_tells_that_a_tag_moved),
		cmocka_unit_test(seek_without_wildcard_lists_nothing),
		cmocka_unit_test(seeks_of_one_moment_share_the_list),
		cmocka_unit_test(bad_lists_are_told_apart),
		cmocka_unit_test(a_registry_that_asks_for_patience_gets_it),
		cmocka_unit_test(waits_follow_the_header_or_reason),
		cmocka_unit_test(what_is_left_of_a_budget_goes_to_deploys),
		cmocka_unit_test(deploys_go_before_polls_and_polls_leave_room),
		cmocka_unit_test(a_newer_effect_replaces_the_older),
		cmocka_unit_test(freeing_drops_what_is_under_way),
		cmocka_unit_test(a_registry_that_is_down_is_not_asked_by_every_poll),
		cmocka_unit_test(a_broken_answer_is_troubled),
		cmocka_unit_test(plain_http_must_be_allowed),
		cmocka_unit_test(https_must_be_asked_as_such),
		cmocka_unit_test(redirects_are_followed_without_the_login),
	};

	log_setup(LOG_ERROR, false, 2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
