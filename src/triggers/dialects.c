/* dialects.c - the table of dialects, and the one that people write themselves. */
#include "triggers/dialects.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Gitea and Forgejo send GitHub's headers, too, so they come first. Whoever has a header of its own is
 * known by that; the others by what nobody else sends. */
/* clang-format off */
const struct dialect dialects[] = {
	{ "forgejo",      "X-Forgejo-Event", "X-Forgejo-Delivery",  NULL,            read_gitea },
	{ "gitea",        "X-Gitea-Event",   "X-Gitea-Delivery",    NULL,            read_gitea },
	{ "github",       "X-GitHub-Event",  "X-GitHub-Delivery",   NULL,            read_github },
	{ "gitlab",       "X-Gitlab-Event",  "X-Gitlab-Event-UUID", NULL,            read_nothing },
	{ "distribution", NULL,              NULL,                  is_distribution, read_distribution },
	{ "harbor",       NULL,              NULL,                  is_harbor,       read_harbor },
	{ "docker hub",   NULL,              NULL,                  is_docker_hub,   read_docker_hub },
	{ "quay",         NULL,              NULL,                  is_quay,         read_quay },
	{ "azure",        NULL,              NULL,                  is_acr,          read_acr },
	{ "jfrog",        NULL,              NULL,                  is_jfrog,        read_jfrog },
	{ "generic",      NULL,              "Idempotency-Key",     is_anything,     read_generic },
	{ .sender = NULL },
};
/* clang-format on */

/* GitLab's projects and groups tell nothing about their registry (GitLab's own registry speaks as
 * distribution does). */
int
read_nothing(
    const struct json *body UNUSED, struct webhook *hook UNUSED, struct err *err UNUSED)
{
	return 0;
}

/* {"image":"host/org/app:v3"}, or with "tag", "project" and "stage" of their own. What is not known is
 * refused: a typing error in a CI job must be seen. */

bool
is_anything(const struct json *body UNUSED)
{
	return true;
}

static const char *const members[] = { "image", "tag", "digest", "project", "stage" };

static bool
find_unknown(void *context, const char *key, const struct json *value UNUSED)
{
	struct webhook *hook = context;

	for (size_t i = 0; i < COUNT(members); i++)
		if (strcmp(members[i], key) == 0)
			return true;
	snprintf(hook->fault, sizeof(hook->fault), "%s", key);
	return false;
}

static int PRINTF_LIKE(4, 5)
    refuse(struct webhook *hook, const char *member, struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	if (member != hook->fault)
		snprintf(hook->fault, sizeof(hook->fault), "%s", member);
	return -1;
}

/* A text of at most size - 1 bytes; empty when absent. */
static int
take(const struct json *body, const char *member, struct webhook *hook, char *to, size_t size,
    struct err *err)
{
	const struct json *value = json_get(body, member);
	struct str text = json_str(value);

	to[0] = '\0';
	if (value == NULL)
		return 0;
	if (json_kind(value) != JSON_IS_TEXT || memchr(text.p, '\0', text.n) != NULL
	    || !str_copy(to, size, text))
		return refuse(hook, member, err, "'%s' must be a text of at most %zu bytes",
		    member, size - 1);
	return 0;
}

static int
read_reference(const char *image, const char *tag, struct webhook *hook, struct err *err)
{
	struct image_ref *ref = &hook->images[0];

	if (image_ref_parse(image, ref, err) != 0) {
		snprintf(hook->fault, sizeof(hook->fault), "image");
		return -1;
	}
	if (tag[0] != '\0' && !image_tag_is_valid(str_of(tag)))
		return refuse(hook, "tag", err, "'tag': '%.140s' is no image tag", tag);
	if (tag[0] != '\0' && ref->tag[0] != '\0' && strcmp(tag, ref->tag) != 0)
		return refuse(hook, "tag", err,
		    "'tag' says '%s' and 'image' says '%s': name one tag", tag, ref->tag);
	if (tag[0] != '\0')
		memcpy(ref->tag, tag, strlen(tag) + 1);
	if (ref->tag[0] == '\0')
		CHECK(str_copy(ref->tag, sizeof(ref->tag), STR("latest")));
	hook->image_count = 1;
	hook->kind = WEBHOOK_PUSH;
	return 0;
}

int
read_generic(const struct json *body, struct webhook *hook, struct err *err)
{
	char image[2 * IMAGE_SIZE];
	char tag[2 * TAG_SIZE];
	char digest[2 * DIGEST_SIZE];

	hook->is_exact = true;
	json_visit(body, find_unknown, hook);
	if (hook->fault[0] != '\0')
		return refuse(hook, hook->fault, err,
		    "unknown member '%.60s': no registry known here sends it, and a job of "
		    "yours sends 'image', 'tag', 'digest', 'project', 'stage'",
		    hook->fault);
	if (take(body, "image", hook, image, sizeof(image), err) != 0
	    || take(body, "tag", hook, tag, sizeof(tag), err) != 0
	    || take(body, "digest", hook, digest, sizeof(digest), err) != 0
	    || take(body, "project", hook, hook->project, sizeof(hook->project), err) != 0
	    || take(body, "stage", hook, hook->stage, sizeof(hook->stage), err) != 0)
		return -1;
	if (json_get(body, "image") == NULL)
		return refuse(hook, "image", err,
		    "'image' is missing: send {\"image\":\"host/org/app:tag\"}");
	if (digest[0] != '\0' && !image_digest_is_valid(str_of(digest)))
		return refuse(hook, "digest", err,
		    "'digest': a digest is 'sha256:' and 64 hexadecimal digits");
	return read_reference(image, tag, hook, err);
}
