/* test_webhook.c - the dialects of webhooks, read from recorded shapes (tests/webhooks), and the proofs that
 * senders give. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"
#include "triggers/webhook.h"

enum { FILE_MAX = 64 << 10 };

/* A recorded request: its headers, an empty line, its body. */
struct recorded {
	struct buf text;
	struct str head;
	struct webhook_source source;
};

static struct str
find_header(const void *context, const char *name)
{
	struct str rest = *(const struct str *)context;
	struct str line;
	struct str value;
	struct str key;

	while (rest.n > 0) {
		rest = str_cut(rest, '\n', &line);
		value = str_cut(line, ':', &key);
		if (key.n == strlen(name) && strncasecmp(key.p, name, key.n) == 0)
			return str_trim(value);
	}
	return (struct str){ "", 0 };
}

static void
set_source(struct recorded *r)
{
	const char *end = memmem(r->text.p, r->text.n, "\n\n", 2);

	assert_non_null(end);
	r->head = (struct str){ r->text.p, (size_t)(end - r->text.p) };
	r->source = (struct webhook_source){ .body = { end + 2, r->text.n - r->head.n - 2 },
		.header = find_header,
		.context = &r->head };
	r->source.type = find_header(&r->head, "Content-Type");
}

static void
open_text(struct recorded *r, const char *text)
{
	buf_init(&r->text, FILE_MAX);
	buf_text(&r->text, text);
	set_source(r);
}

static void
open_file(struct recorded *r, const char *name)
{
	char path[256];
	struct err err;

	snprintf(path, sizeof(path), "tests/webhooks/%s.http", name);
	buf_init(&r->text, FILE_MAX);
	if (file_read(path, &r->text, &err) != 0)
		fail_msg("%s", err.text);
	set_source(r);
}

static void
write_images(const struct webhook *hook, struct buf *to)
{
	for (size_t i = 0; i < hook->image_count; i++)
		buf_format(to, "%s%s/%s:%s", i == 0 ? "" : " ", hook->images[i].host,
		    hook->images[i].path, hook->images[i].tag);
}

#define GITHUB(n) "72d3162e-cc78-11e3-81ab-4c9367dc09" n
#define GITEA(n) "f6266f16-1bf3-46a5-9ea4-602e06ead4" n
#define EVENT(n) "320678d8-ca14-430f-8bb6-4ca139cd83" n
#define GHCR "ghcr.io/acme/shop:v1.2.3"
#define ANY "/acme/shop:v1.2.3"
#define OWN "registry.example:5000/acme/shop:v1.2.3"
#define HARBOR "harbor.example/acme/shop:v1.2.3"

/* clang-format off */
static const struct {
	const char *file;
	const char *sender;
	enum webhook_kind kind;
	const char *event;
	const char *delivery;
	const char *images;
} cases[] = {
	{ "github_package", "github", WEBHOOK_PUSH, "package", GITHUB("01"), GHCR },
	{ "github_registry_package", "github", WEBHOOK_PUSH, "registry_package", GITHUB("02"), GHCR },
	{ "github_url_only", "github", WEBHOOK_PUSH, "registry_package", GITHUB("03"), GHCR },
	{ "github_no_tag", "github", WEBHOOK_PUSH, "package", GITHUB("04"), "ghcr.io/acme/shop:" },
	{ "github_no_url", "github", WEBHOOK_PUSH, "package", GITHUB("05"), GHCR },
	{ "github_npm", "github", WEBHOOK_OTHER, "package", GITHUB("06"), "" },
	{ "github_ping", "github", WEBHOOK_PING, "ping", GITHUB("07"), "" },
	{ "github_push", "github", WEBHOOK_OTHER, "push", GITHUB("08"), "" },
	{ "github_form", "github", WEBHOOK_PUSH, "package", GITHUB("09"), GHCR },
	{ "gitea_created", "gitea", WEBHOOK_PUSH, "package", GITEA("01"), ANY },
	{ "gitea_digest", "gitea", WEBHOOK_OTHER, "package", GITEA("02"), "" },
	{ "gitea_deleted", "gitea", WEBHOOK_DELETE, "package", GITEA("03"), "" },
	{ "gitea_npm", "gitea", WEBHOOK_OTHER, "package", GITEA("04"), "" },
	{ "forgejo_created", "forgejo", WEBHOOK_PUSH, "package", GITEA("05"), ANY },
	{ "distribution_push", "distribution", WEBHOOK_PUSH, "push", EVENT("01"), OWN },
	{ "distribution_pull", "distribution", WEBHOOK_OTHER, "pull", "", "" },
	{ "distribution_delete", "distribution", WEBHOOK_DELETE, "delete", "", "" },
	{ "distribution_many", "distribution", WEBHOOK_PUSH, "push", EVENT("08"), OWN " registry.example:5000/acme/shop:latest" },
	{ "gitlab_registry", "distribution", WEBHOOK_PUSH, "push", EVENT("22"), "registry.gitlab.example/acme/shop:v1.2.3" },
	{ "gitlab_project", "gitlab", WEBHOOK_OTHER, "PushHook", "13792a34-cac6-4fda-95a8-c58e00a3954e", "" },
	{ "harbor_push", "harbor", WEBHOOK_PUSH, "PUSH_ARTIFACT", "", HARBOR },
	{ "harbor_old", "harbor", WEBHOOK_PUSH, "pushImage", "", HARBOR },
	{ "harbor_several", "harbor", WEBHOOK_PUSH, "PUSH_ARTIFACT", "", HARBOR " harbor.example/acme/shop:latest" },
	{ "harbor_delete", "harbor", WEBHOOK_DELETE, "DELETE_ARTIFACT", "", "" },
	{ "harbor_scan", "harbor", WEBHOOK_OTHER, "SCANNING_COMPLETED", "", "" },
	{ "harbor_cloudevent", "harbor", WEBHOOK_PUSH, "harbor.artifact.pushed", "66e18103-8dcc-4b4e-8a5d-5f1f7d7f2f5a", HARBOR },
	{ "docker_hub", "docker hub", WEBHOOK_PUSH, "push", "", "docker.io/acme/shop:v1.2.3" },
	{ "quay_push", "quay", WEBHOOK_PUSH, "push", "", "quay.io/acme/shop:v1.2.3 quay.io/acme/shop:latest" },
	{ "quay_build", "quay", WEBHOOK_OTHER, "", "", "" },
	{ "azure_push", "azure", WEBHOOK_PUSH, "push", "cb8c3971-9adc-488b-xxxx-43cbb4974ff5", "acme.azurecr.io/acme/shop:v1.2.3" },
	{ "azure_delete", "azure", WEBHOOK_DELETE, "delete", "cb8c3971-9adc-488b-xxxx-43cbb4974ff5", "" },
	{ "azure_chart", "azure", WEBHOOK_OTHER, "chart_push", "cb8c3971-9adc-488b-xxxx-43cbb4974ff5", "" },
	{ "azure_ping", "azure", WEBHOOK_PING, "ping", "cb8c3971-9adc-488b-xxxx-43cbb4974ff6", "" },
	{ "jfrog_push", "jfrog", WEBHOOK_PUSH, "pushed", "", "/docker-local/acme/shop:v1.2.3 " ANY },
	{ "jfrog_deleted", "jfrog", WEBHOOK_DELETE, "deleted", "", "" },
	{ "jfrog_artifact", "jfrog", WEBHOOK_OTHER, "deployed", "", "" },
	{ "generic", "generic", WEBHOOK_PUSH, "", "run-4711", OWN },
	{ "generic_long", "generic", WEBHOOK_PUSH, "", "", OWN },
};
/* clang-format on */

static void
every_recorded_shape_is_read(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct recorded r;
		struct webhook hook;
		struct buf images;
		struct err err;

		open_file(&r, cases[i].file);
		if (webhook_read(&r.source, &hook, &err) != 0)
			fail_msg("%s: %s", cases[i].file, err.text);
		buf_init(&images, 4096);
		write_images(&hook, &images);
		if (strcmp(hook.sender, cases[i].sender) != 0 || hook.kind != cases[i].kind
		    || strcmp(hook.event, cases[i].event) != 0
		    || strcmp(hook.delivery, cases[i].delivery) != 0
		    || strcmp(buf_cstr(&images), cases[i].images) != 0)
			fail_msg("%s: %s, kind %d, event '%s', delivery '%s', images %s",
			    cases[i].file, hook.sender, (int)hook.kind, hook.event,
			    hook.delivery, buf_cstr(&images));
		assert_int_equal(hook.is_exact, strcmp(hook.sender, "generic") == 0);
		buf_free(&images);
		buf_free(&r.text);
	}
}

static void
no_recorded_shape_is_left_out(void **state UNUSED)
{
	DIR *folder = opendir("tests/webhooks");
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL)
		count += strstr(entry->d_name, ".http") != NULL;
	closedir(folder);
	assert_int_equal(count, COUNT(cases));
}

#define JSON_HEAD "Content-Type: application/json\n\n"

static void
what_is_no_webhook_is_refused_with_the_member(void **state UNUSED)
{
	static const struct {
		const char *body;
		const char *member;
		const char *why;
	} bad[] = {
		{ "[]", "", "must be a JSON object" },
		{ "{", "", "not JSON" },
		{ "{}", "image", "'image' is missing" },
		{ "{\"img\":\"a/b:c\"}", "img", "unknown member 'img'" },
		{ "{\"image\":5}", "image", "must be a text" },
		{ "{\"image\":\"a b\"}", "image", "a name is a-z" },
		{ "{\"image\":\"h.example/a:v1\",\"tag\":\"v2\"}", "tag", "name one tag" },
		{ "{\"image\":\"h.example/a\",\"tag\":\"-x\"}", "tag", "no image tag" },
		{ "{\"image\":\"h.example/a\",\"digest\":\"x\"}", "digest", "64 hexadecimal" },
		{ "{\"image\":\"h.example/a\",\"stage\":\"s\\u0000t\"}", "stage", "a text" },
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		char text[256];
		struct recorded r;
		struct webhook hook;
		struct err err;

		snprintf(text, sizeof(text), JSON_HEAD "%s", bad[i].body);
		open_text(&r, text);
		assert_int_equal(webhook_read(&r.source, &hook, &err), -1);
		assert_string_equal(hook.fault, bad[i].member);
		if (strstr(err.text, bad[i].why) == NULL)
			fail_msg("%s: %s", bad[i].body, err.text);
		buf_free(&r.text);
	}
}

static void
read_text(const char *text, struct webhook *hook)
{
	struct recorded r;
	struct err err;

	open_text(&r, text);
	if (webhook_read(&r.source, hook, &err) != 0)
		fail_msg("%s", err.text);
	buf_free(&r.text);
}

/* What a sender says may be anything: what is no image or tag names none, and starts nothing. */
static void
names_that_are_none_are_left_out(void **state UNUSED)
{
	static const char *const bodies[] = {
		"{\"docker_url\":\"quay.io/acme/../shop\",\"updated_tags\":[\"v1\"]}",
		"{\"docker_url\":\"quay.io/acme/shop\",\"updated_tags\":[\"v 1\",\"\",7]}",
		"{\"docker_url\":\"\",\"updated_tags\":[\"v1\"]}",
		"{\"docker_url\":\"quay.io\",\"updated_tags\":[\"v1\"]}",
		"{\"push_data\":{\"tag\":\"v1\"},\"repository\":{\"repo_name\":\"a:b@c\"}}",
		"{\"events\":[{\"target\":{}},7,null]}",
		"{\"events\":[]}",
		"{\"action\":\"push\",\"target\":{\"repository\":\"a/b\",\"tag\":\"\"}}",
	};
	struct webhook hook;
	char text[512];

	for (size_t i = 0; i < COUNT(bodies); i++) {
		snprintf(text, sizeof(text), JSON_HEAD "%s", bodies[i]);
		read_text(text, &hook);
		assert_int_equal(hook.image_count, 0);
		assert_int_equal(hook.kind, WEBHOOK_OTHER);
	}
}

static void
a_long_delivery_is_kept_as_its_hash(void **state UNUSED)
{
	char text[512];
	char id[101];
	char hash[HASH_HEX_SIZE];
	struct webhook hook;

	memset(id, 'x', sizeof(id) - 1);
	id[100] = '\0';
	snprintf(text, sizeof(text),
	    "Idempotency-Key: %s\n" JSON_HEAD "{\"image\":\"h.example/a:v1\"}", id);
	read_text(text, &hook);
	hash_sha256_hex(str_of(id), hash);
	assert_string_equal(hook.delivery, hash);
	id[64] = '\0';
	snprintf(text, sizeof(text),
	    "Idempotency-Key: %s\n" JSON_HEAD "{\"image\":\"h.example/a:v1\"}", id);
	read_text(text, &hook);
	assert_string_equal(hook.delivery, id);
}

static void
more_tags_than_a_stage_takes_are_refused(void **state UNUSED)
{
	struct recorded r;
	struct webhook hook;
	struct buf text;
	struct err err;

	buf_init(&text, 8192);
	buf_text(&text, JSON_HEAD "{\"docker_url\":\"quay.io/a/b\",\"updated_tags\":[");
	for (int i = 0; i < WEBHOOK_IMAGES_MAX; i++)
		buf_format(&text, "%s\"v%d\",\"v%d\"", i == 0 ? "" : ",", i, i);
	open_text(&r, buf_cstr(&text));
	buf_text(&r.text, "]}");
	set_source(&r);
	assert_int_equal(webhook_read(&r.source, &hook, &err), 0);
	assert_int_equal(hook.image_count, WEBHOOK_IMAGES_MAX);
	buf_free(&r.text);
	buf_text(&text, ",\"more\"]}");
	open_text(&r, buf_cstr(&text));
	assert_int_equal(webhook_read(&r.source, &hook, &err), -1);
	assert_non_null(strstr(err.text, "more than 32"));
	buf_free(&r.text);
	buf_free(&text);
}

static int
read_repeated(int times, struct webhook *ret, struct err *err)
{
	struct recorded r;
	struct buf text;
	int result;

	buf_init(&text, 65536);
	buf_text(&text, JSON_HEAD "{\"docker_url\":\"quay.io/a/b\",\"updated_tags\":[\"v1\"");
	for (int i = 1; i < times; i++)
		buf_text(&text, ",\"v1\"");
	buf_text(&text, "]}");
	open_text(&r, buf_cstr(&text));
	result = webhook_read(&r.source, ret, err);
	buf_free(&r.text);
	buf_free(&text);
	return result;
}

/* Nobody keeps the server busy with one tag a hundred thousand times. */
static void
a_tag_is_not_read_without_end(void **state UNUSED)
{
	struct webhook hook;
	struct err err;

	assert_int_equal(read_repeated(WEBHOOK_NAMED_MAX, &hook, &err), 0);
	assert_int_equal(hook.image_count, 1);
	assert_int_equal(read_repeated(WEBHOOK_NAMED_MAX + 1, &hook, &err), -1);
	assert_non_null(strstr(err.text, "more than 1000 times"));
}

/* Proofs. The HMAC of GitHub's documentation: its secret, its body, its signature. */

#define SECRET "It's a Secret to Everybody"
#define BODY "Hello, World!"
#define MAC "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

static enum webhook_proof
prove(const char *headers)
{
	char text[1024];
	struct recorded r;
	enum webhook_proof proof;

	snprintf(text, sizeof(text), "Content-Type: text/plain\n%s\n" BODY, headers);
	open_text(&r, text);
	proof = webhook_prove(&r.source, STR(SECRET));
	buf_free(&r.text);
	return proof;
}

static void
senders_prove_that_they_know_the_secret(void **state UNUSED)
{
	assert_int_equal(prove("X-Hub-Signature-256: sha256=" MAC "\n"), PROOF_GOOD);
	assert_int_equal(prove("X-Gitea-Signature: " MAC "\n"), PROOF_GOOD);
	assert_int_equal(prove("X-Forgejo-Signature: " MAC "\n"), PROOF_GOOD);
	assert_int_equal(prove("X-Gogs-Signature: " MAC "\n"), PROOF_GOOD);
	assert_int_equal(prove("X-JFrog-Event-Auth: " MAC "\n"), PROOF_GOOD);
	assert_int_equal(prove("X-JFrog-Event-Auth: " SECRET "\n"), PROOF_GOOD);
	assert_int_equal(prove("X-Gitlab-Token: " SECRET "\n"), PROOF_GOOD);
	assert_int_equal(prove("Authorization: " SECRET "\n"), PROOF_GOOD);
	assert_int_equal(prove("authorization: bearer " SECRET "\n"), PROOF_GOOD);
}

static void
a_wrong_proof_is_not_one(void **state UNUSED)
{
	assert_int_equal(prove("X-Hub-Signature-256: sha256=" SECRET "\n"), PROOF_BAD);
	assert_int_equal(prove("X-Hub-Signature-256: sha256=0" MAC "\n"), PROOF_BAD);
	assert_int_equal(prove("X-Hub-Signature-256: sha1=" MAC "\n"), PROOF_BAD);
	assert_int_equal(prove("X-Gitlab-Token: " MAC "\n"), PROOF_BAD);
	assert_int_equal(prove("Authorization: Bearer x\n"), PROOF_BAD);
	/* A good one beside it does not help, in whichever order. */
	assert_int_equal(
	    prove("X-Hub-Signature-256: sha256=" MAC "\nAuthorization: x\n"), PROOF_BAD);
	assert_int_equal(
	    prove("X-Hub-Signature-256: x\nAuthorization: " SECRET "\n"), PROOF_BAD);
}

static void
who_says_nothing_proves_nothing(void **state UNUSED)
{
	assert_int_equal(prove(""), PROOF_NONE);
	assert_int_equal(prove("X-Hub-Signature: sha1=" MAC "\n"), PROOF_NONE);
	/* So does Gitea when it was given no secret. */
	assert_int_equal(
	    prove("X-Hub-Signature-256: sha256=\nX-Gitea-Signature: \n"), PROOF_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recorded_shape_is_read),
		cmocka_unit_test(no_recorded_shape_is_left_out),
		cmocka_unit_test(what_is_no_webhook_is_refused_with_the_member),
		cmocka_unit_test(names_that_are_none_are_left_out),
		cmocka_unit_test(a_long_delivery_is_kept_as_its_hash),
		cmocka_unit_test(more_tags_than_a_stage_takes_are_refused),
		cmocka_unit_test(a_tag_is_not_read_without_end),
		cmocka_unit_test(senders_prove_that_they_know_the_secret),
		cmocka_unit_test(a_wrong_proof_is_not_one),
		cmocka_unit_test(who_says_nothing_proves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
