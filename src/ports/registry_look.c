/* registry_look.c - what is in an image, without pulling it: its manifest and its configuration.
 *
 * The one idea: three questions at most, one after the other: what the tag names, of several platforms
 * this machine's, and the configuration. What was asked for by its digest must have it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "ports/registry_parts.h"

#if defined(__aarch64__)
#define ARCHITECTURE "arm64"
#elif defined(__arm__)
#define ARCHITECTURE "arm"
#elif defined(__riscv)
#define ARCHITECTURE "riscv64"
#else
#define ARCHITECTURE "amd64"
#endif

enum look_step { ASKS_IMAGE, ASKS_PLATFORM, ASKS_CONFIG };

struct look {
	struct registry *registry;
	struct look *next;
	struct site *site;
	struct question *question;
	struct image_ref image;
	enum look_step step;
	char wanted[DIGEST_SIZE]; /* of what is asked for now; "": a tag is */
	struct image_facts facts;
	image_facts_fn *on_facts;
	void *context;
};

static void
look_free(struct look *l)
{
	struct look **at = &l->registry->looks;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	question_cancel(l->question);
	if (l->site != NULL)
		site_leave(l->site);
	free(l);
}

void
looks_free(struct registry *r)
{
	while (r->looks != NULL) {
		struct look *l = r->looks;

		l->on_facts(l->context, NULL);
		look_free(l);
	}
}

static void
finish(struct look *l)
{
	l->on_facts(l->context, &l->facts);
	look_free(l);
}

static void PRINTF_LIKE(2, 3) fail(struct look *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(l->facts.failure, sizeof(l->facts.failure), format, args);
	va_end(args);
	finish(l);
}

/* The configuration. */

static bool
take_port(void *context, const char *key, const struct json *value UNUSED)
{
	struct image_facts *facts = context;
	struct str number;
	struct str protocol = str_cut(str_of(key), '/', &number);
	uint64_t port;
	size_t at = facts->port_count;

	if ((protocol.n > 0 && !str_is(protocol, "tcp")) || !str_number(number, 65535, &port)
	    || port == 0 || at == IMAGE_PORTS_MAX)
		return true;
	for (; at > 0 && facts->ports[at - 1] > port; at--)
		facts->ports[at] = facts->ports[at - 1];
	facts->ports[at] = (uint16_t)port;
	facts->port_count++;
	return true;
}

static bool
take_volume(void *context, const char *key, const struct json *value UNUSED)
{
	struct image_facts *facts = context;

	if (facts->volume_count < IMAGE_VOLUMES_MAX
	    && str_copy(
		facts->volumes[facts->volume_count], sizeof(facts->volumes[0]), str_of(key)))
		facts->volume_count++;
	return true;
}

/* The first word of a check is NONE when it takes away the one of the image below. */
static bool
is_check(const struct json *healthcheck)
{
	const char *first = json_text(json_at(json_get(healthcheck, "Test"), 0));

	return first[0] != '\0' && strcmp(first, "NONE") != 0;
}

static void
copy_shortened(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text);
}

static void
take_config(struct look *l, const struct json *root)
{
	const struct json *config = json_get(root, "config");
	struct image_facts *facts = &l->facts;

	snprintf(facts->platform, sizeof(facts->platform), "%.20s/%.20s",
	    json_text(json_get(root, "os")), json_text(json_get(root, "architecture")));
	copy_shortened(
	    facts->created, sizeof(facts->created), json_text(json_get(root, "created")));
	copy_shortened(facts->user, sizeof(facts->user), json_text(json_get(config, "User")));
	json_visit(json_get(config, "ExposedPorts"), take_port, facts);
	json_visit(json_get(config, "Volumes"), take_volume, facts);
	facts->has_healthcheck = is_check(json_get(config, "Healthcheck"));
	finish(l);
}

/* Manifests. */

static void ask(struct look *l, enum look_step step, struct str digest);

/* Of an index: this machine's platform, or else the first that is one. */
static struct str
choose_platform(const struct json *manifests)
{
	struct str chosen = { "", 0 };

	for (size_t i = 0; i < json_count(manifests); i++) {
		const struct json *one = json_at(manifests, i);
		const struct json *platform = json_get(one, "platform");
		const char *architecture = json_text(json_get(platform, "architecture"));

		if (strcmp(json_text(json_get(platform, "os")), "linux") != 0)
			continue;
		if (chosen.n == 0 || strcmp(architecture, ARCHITECTURE) == 0)
			chosen = json_str(json_get(one, "digest"));
		if (strcmp(architecture, ARCHITECTURE) == 0)
			break;
	}
	return chosen;
}

static void
take_manifest(struct look *l, const struct json *root)
{
	const struct json *layers = json_get(root, "layers");
	struct str config = json_str(json_get(json_get(root, "config"), "digest"));

	if (!image_digest_is_valid(config)) {
		fail(l, "%s/%s is no image that runs: its manifest names no configuration",
		    l->image.host, l->image.path);
		return;
	}
	for (size_t i = 0; i < json_count(layers); i++) {
		int64_t size = json_number(json_get(json_at(layers, i), "size"));

		if (size > 0 && size < INT64_MAX / 2 - l->facts.bytes)
			l->facts.bytes += size;
	}
	ask(l, ASKS_CONFIG, config);
}

static void
take_image(struct look *l, const struct json *root)
{
	const struct json *manifests = json_get(root, "manifests");
	struct str digest;

	if (json_kind(manifests) != JSON_IS_ARRAY) {
		take_manifest(l, root);
		return;
	}
	digest = choose_platform(manifests);
	if (image_digest_is_valid(digest))
		ask(l, ASKS_PLATFORM, digest);
	else
		fail(l, "%s/%s has no image for Linux", l->image.host, l->image.path);
}

/* Questions. */

static bool
is_what_was_asked_for(struct look *l, struct str body)
{
	char digest[DIGEST_SIZE] = "sha256:";

	hash_sha256_hex(body, digest + 7);
	if (l->step == ASKS_IMAGE)
		memcpy(l->facts.digest, digest, sizeof(digest));
	return l->wanted[0] == '\0' || strcmp(l->wanted, digest) == 0;
}

static void
take_body(struct look *l, struct str body)
{
	struct err err;
	struct json *root;

	if (!is_what_was_asked_for(l, body)) {
		fail(l, "%s: what came is not what has the digest %.71s", l->image.host,
		    l->wanted);
		return;
	}
	root = json_parse(body, &err);
	if (root == NULL)
		fail(l, "%s answered with what is no JSON: %.100s", l->image.host, err.text);
	else if (l->step == ASKS_IMAGE)
		take_image(l, root);
	else if (l->step == ASKS_PLATFORM)
		take_manifest(l, root);
	else
		take_config(l, root);
	json_free(root);
}

static void
on_answer(void *context, const struct question_answer *answer)
{
	struct look *l = context;
	const char *name = l->image.tag[0] != '\0' ? l->image.tag : l->image.digest;

	l->question = NULL;
	if (answer->status == 0)
		fail(l, "%s", answer->why);
	else if (answer->status == 404)
		fail(l, "there is no '%.71s' of '%s' in %s: check the name, or push it", name,
		    l->image.path, l->image.host);
	else if (answer->status != 200)
		fail(l, "%s answered %d where an image was expected: check the image's name",
		    l->image.host, answer->status);
	else
		take_body(l, answer->body);
}

static void
ask(struct look *l, enum look_step step, struct str digest)
{
	bool is_config = step == ASKS_CONFIG;
	struct buf url;

	l->step = step;
	CHECK(str_copy(l->wanted, sizeof(l->wanted), digest));
	buf_init(&url, QUESTION_URL_MAX);
	buf_format(&url, "%s://%s/v2/%s/%s/%s", l->site->config.is_insecure ? "http" : "https",
	    l->site->server, l->image.path, is_config ? "blobs" : "manifests",
	    l->wanted[0] != '\0' ? l->wanted : l->image.tag);
	l->question = question_ask(&(struct question_request){ .site = l->site,
	    .priority = PRIORITY_DEPLOY,
	    .repository = l->image.path,
	    .url = buf_cstr(&url),
	    .method = "GET",
	    .accept = is_config ? "Accept: */*" : manifest_accept,
	    .body_max = is_config ? IMAGE_CONFIG_MAX : REGISTRY_MANIFEST_MAX,
	    .on_done = on_answer,
	    .context = l });
	buf_free(&url);
}

void
registry_look_at(
    struct registry *r, const struct image_ref *image, image_facts_fn *on_facts, void *context)
{
	struct look *l = calloc(1, sizeof(*l));
	size_t count = 0;

	CHECK(l != NULL && (image->tag[0] != '\0' || image->digest[0] != '\0'));
	for (const struct look *other = r->looks; other != NULL; other = other->next)
		count++;
	*l = (struct look){ .registry = r,
		.next = r->looks,
		.image = *image,
		.on_facts = on_facts,
		.context = context };
	r->looks = l;
	if (count < LOOKS_MAX)
		l->site = site_enter(r, image);
	if (count >= LOOKS_MAX)
		fail(l, "%d images are inspected already: try again in a moment", LOOKS_MAX);
	else if (l->site == NULL)
		fail(l, "more than %d registries are asked at once", REGISTRY_SITES_MAX);
	else
		ask(l, ASKS_IMAGE, str_of(image->digest));
}
