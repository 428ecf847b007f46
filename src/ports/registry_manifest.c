/* registry_manifest.c - which digest has this tag?
 *
 * HEAD names it without a body and, on most registries, without being counted as a pull. Where that
 * is of no use the manifest itself is fetched, and then nobody's word is needed: the hash of its
 * bytes is the digest. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "ports/registry_parts.h"

const char manifest_accept[] = "Accept: application/vnd.oci.image.index.v1+json, "
			       "application/vnd.docker.distribution.manifest.list.v2+json, "
			       "application/vnd.oci.image.manifest.v1+json, "
			       "application/vnd.docker.distribution.manifest.v2+json";

static void ask(struct task *task, const char *method);

/* "tag 'v1'" or "digest 'sha256:...'". */
static const char *
reference_of(const struct task *task)
{
	return task->image.tag[0] != '\0' ? task->image.tag : task->image.digest;
}

static void
fail_missing(struct task *task, const struct question_answer *answer)
{
	bool is_digest = task->image.tag[0] == '\0';
	/* A poll looks again: what it waits for may be pushed later. What was pushed just now may come. */
	bool is_final = task->effect.kind == FX_RESOLVE && !task->is_awaited;
	enum event_kind kind = is_final ? EV_REFUSED : EV_TROUBLED;
	char code[64];
	char message[128];

	trouble_read(answer->body, code, message);
	if (strcmp(code, "NAME_UNKNOWN") == 0)
		task_fail(task, kind, 0,
		    "there is no repository '%s' in %s: check the image's name, or push it",
		    task->image.path, task->image.host);
	else
		task_fail(task, kind, 0, "no %s '%s' in %s/%s: check the name, or push it",
		    is_digest ? "image" : "tag", reference_of(task), task->image.host,
		    task->image.path);
}

static void
fail_status(struct task *task, const struct question_answer *answer)
{
	char code[64];
	char message[128];

	trouble_read(answer->body, code, message);
	task_fail(task, EV_REFUSED, 0,
	    "%s answered %d%s%s where a manifest of %s was expected: check the "
	    "image's name",
	    task->image.host, answer->status, message[0] == '\0' ? "" : ": ", message,
	    task->image.path);
}

/* Its digest is not that of its bytes, so nobody could run it by digest. */
static bool
is_schema_1(const struct question_answer *answer)
{
	struct str type = fetch_header(answer->transfer, "Content-Type");

	return str_starts(type, "application/vnd.docker.distribution.manifest.v1+");
}

static void
take_digest(struct task *task, const char *digest)
{
	if (task->image.tag[0] == '\0' && strcmp(task->image.digest, digest) != 0)
		task_fail(task, EV_REFUSED, 0,
		    "%s: the digest does not match: %s was asked for, %s came",
		    task->image.host, task->image.digest, digest);
	else
		task_succeed(task, digest);
}

static void
take_head(struct task *task, const struct question_answer *answer)
{
	struct str said = fetch_header(answer->transfer, "Docker-Content-Digest");
	char digest[DIGEST_SIZE];

	if (answer->status != 200 || !image_digest_is_valid(said)
	    || !str_copy(digest, sizeof(digest), said)) {
		task->has_got = true;
		ask(task, "GET");
		return;
	}
	take_digest(task, digest);
}

static void
take_body(struct task *task, const struct question_answer *answer)
{
	struct str said = fetch_header(answer->transfer, "Docker-Content-Digest");
	char digest[DIGEST_SIZE] = "sha256:";

	hash_sha256_hex(answer->body, digest + 7);
	if (said.n > 0 && !str_is(said, digest))
		task_fail(task, EV_REFUSED, 0,
		    "%s/%s:%s: the digest does not match the manifest, whose bytes "
		    "are %s: something on the way changes them",
		    task->image.host, task->image.path, reference_of(task), digest);
	else
		take_digest(task, digest);
}

static void
on_answer(void *context, const struct question_answer *answer)
{
	struct task *task = context;

	task->question = NULL;
	if (answer->status == 0)
		task_fail_as(task, answer);
	else if (answer->status == 200 && is_schema_1(answer))
		task_fail(task, EV_REFUSED, 0,
		    "%s/%s:%s is stored in the format of 2015 (schema 1), which has no "
		    "digest to run it by: push it again",
		    task->image.host, task->image.path, reference_of(task));
	else if (!task->has_got)
		take_head(task, answer);
	else if (answer->status == 404)
		fail_missing(task, answer);
	else if (answer->status != 200)
		fail_status(task, answer);
	else
		take_body(task, answer);
}

static void
ask(struct task *task, const char *method)
{
	struct buf url;

	buf_init(&url, QUESTION_URL_MAX);
	buf_format(&url, "%s://%s/v2/%s/manifests/%s",
	    task->site->config.is_insecure ? "http" : "https", task->site->server,
	    task->image.path, reference_of(task));
	task->question = question_ask(&(struct question_request){ .site = task->site,
	    .priority = task_priority(task),
	    .repository = task->image.path,
	    .url = buf_cstr(&url),
	    .method = method,
	    .accept = manifest_accept,
	    .body_max = REGISTRY_MANIFEST_MAX,
	    .on_done = on_answer,
	    .context = task });
	buf_free(&url);
}

void
manifest_find(struct task *task)
{
	CHECK(task->question == NULL && reference_of(task)[0] != '\0');
	task->has_got = false;
	ask(task, "HEAD");
}
