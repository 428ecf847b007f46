/* dialects_registries.c - what registries say: distribution (and with it GitLab's registry and
 * others that are made of it), Harbor, Docker Hub, Quay, Azure, JFrog. Known by their shapes. */
#include <string.h>

#include "triggers/dialects.h"

static bool
is_text(const struct json *object, const char *key)
{
	return json_kind(json_get(object, key)) == JSON_IS_TEXT;
}

static bool
is_object(const struct json *object, const char *key)
{
	return json_kind(json_get(object, key)) == JSON_IS_OBJECT;
}

static bool
is_said(const struct json *object, const char *key, const char *word)
{
	return strcmp(json_text(json_get(object, key)), word) == 0;
}

/* Distribution: an envelope of events, of each layer and each pull as well. A tag stands only on the push of
 * a manifest by that tag. The host is what the request to the registry called it. */

bool
is_distribution(const struct json *body)
{
	const struct json *events = json_get(body, "events");

	return json_kind(events) == JSON_IS_ARRAY
	       && (json_count(events) == 0 || is_object(json_at(events, 0), "target"));
}

int
read_distribution(const struct json *body, struct webhook *hook, struct err *err)
{
	const struct json *events = json_get(body, "events");

	for (size_t i = 0; i < json_count(events); i++) {
		const struct json *event = json_at(events, i);
		const struct json *target = json_get(event, "target");
		struct str tag = json_str(json_get(target, "tag"));
		struct str host = json_str(json_get(json_get(event, "request"), "host"));

		if (hook->image_count == 0)
			webhook_name_event(hook, json_str(json_get(event, "action")));
		if (is_said(event, "action", "delete") && hook->kind != WEBHOOK_PUSH)
			hook->kind = WEBHOOK_DELETE;
		if (!is_said(event, "action", "push") || tag.n == 0)
			continue;
		if (hook->delivery[0] == '\0')
			webhook_name_delivery(hook, json_str(json_get(event, "id")));
		if (webhook_add(hook, host, json_str(json_get(target, "repository")), tag, err)
		    != 0)
			return -1;
	}
	return 0;
}

/* Harbor, in its own shape of today, the one before 2.0 and as a CloudEvent. */

bool
is_harbor(const struct json *body)
{
	return is_text(body, "type")
	       && (is_object(body, "event_data")
		   || (is_text(body, "specversion")
		       && str_starts(json_str(json_get(body, "type")), "harbor.")));
}

static enum webhook_kind
kind_of_harbor(const char *type)
{
	static const struct {
		const char *type;
		enum webhook_kind kind;
	} kinds[] = {
		{ "PUSH_ARTIFACT", WEBHOOK_PUSH },
		{ "pushImage", WEBHOOK_PUSH },
		{ "harbor.artifact.pushed", WEBHOOK_PUSH },
		{ "DELETE_ARTIFACT", WEBHOOK_DELETE },
		{ "deleteImage", WEBHOOK_DELETE },
		{ "harbor.artifact.deleted", WEBHOOK_DELETE },
	};

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (strcmp(kinds[i].type, type) == 0)
			return kinds[i].kind;
	return WEBHOOK_OTHER;
}

int
read_harbor(const struct json *body, struct webhook *hook, struct err *err)
{
	bool is_cloud_event = is_text(body, "specversion");
	const struct json *data = json_get(body, is_cloud_event ? "data" : "event_data");
	const struct json *resources = json_get(data, "resources");
	struct str name = json_str(json_get(json_get(data, "repository"), "repo_full_name"));
	enum webhook_kind kind = kind_of_harbor(json_text(json_get(body, "type")));

	webhook_name_event(hook, json_str(json_get(body, "type")));
	if (is_cloud_event)
		webhook_name_delivery(hook, json_str(json_get(body, "id")));
	if (kind != WEBHOOK_PUSH) {
		hook->kind = kind;
		return 0;
	}
	for (size_t i = 0; i < json_count(resources); i++) {
		const struct json *resource = json_at(resources, i);
		struct str tag = json_str(json_get(resource, "tag"));
		struct str host;
		struct str path;
		struct str ignored;

		webhook_cut(
		    json_str(json_get(resource, "resource_url")), &host, &path, &ignored);
		if (tag.n > 0
		    && webhook_add(hook, host, name.n > 0 ? name : path, tag, err) != 0)
			return -1;
	}
	return 0;
}

/* Docker Hub: always docker.io; only pushes, without a digest. */

bool
is_docker_hub(const struct json *body)
{
	return is_object(body, "push_data")
	       && is_text(json_get(body, "repository"), "repo_name");
}

int
read_docker_hub(const struct json *body, struct webhook *hook, struct err *err)
{
	struct str tag = json_str(json_get(json_get(body, "push_data"), "tag"));

	webhook_name_event(hook, STR("push"));
	if (tag.n == 0)
		return 0;
	return webhook_add(hook, STR("docker.io"),
	    json_str(json_get(json_get(body, "repository"), "repo_name")), tag, err);
}

/* Quay tells of other things, too, with docker_url but without updated_tags. */

bool
is_quay(const struct json *body)
{
	return is_text(body, "docker_url");
}

int
read_quay(const struct json *body, struct webhook *hook, struct err *err)
{
	const struct json *tags = json_get(body, "updated_tags");
	struct str host;
	struct str path;
	struct str ignored;

	webhook_cut(json_str(json_get(body, "docker_url")), &host, &path, &ignored);
	if (json_kind(tags) == JSON_IS_ARRAY)
		webhook_name_event(hook, STR("push"));
	for (size_t i = 0; i < json_count(tags); i++) {
		struct str tag = json_str(json_at(tags, i));

		if (tag.n > 0 && webhook_add(hook, host, path, tag, err) != 0)
			return -1;
	}
	return 0;
}

/* Azure Container Registry: distribution's event, alone. Charts are pushed with another action. */

bool
is_acr(const struct json *body)
{
	return is_text(body, "action")
	       && (is_object(body, "target")
		   || (is_said(body, "action", "ping") && is_text(body, "timestamp")));
}

int
read_acr(const struct json *body, struct webhook *hook, struct err *err)
{
	const struct json *target = json_get(body, "target");
	struct str tag = json_str(json_get(target, "tag"));

	webhook_name_event(hook, json_str(json_get(body, "action")));
	webhook_name_delivery(hook, json_str(json_get(body, "id")));
	if (is_said(body, "action", "ping"))
		hook->kind = WEBHOOK_PING;
	if (is_said(body, "action", "delete"))
		hook->kind = WEBHOOK_DELETE;
	if (!is_said(body, "action", "push") || tag.n == 0)
		return 0;
	return webhook_add(hook, json_str(json_get(json_get(body, "request"), "host")),
	    json_str(json_get(target, "repository")), tag, err);
}

/* JFrog: a repository's key is part of the path or of the host, by how it is set up; the body does not say
 * which, so both are meant. */

bool
is_jfrog(const struct json *body)
{
	return is_text(body, "domain") && is_text(body, "event_type");
}

int
read_jfrog(const struct json *body, struct webhook *hook, struct err *err)
{
	const struct json *data = json_get(body, "data");
	struct str name = json_str(json_get(data, "image_name"));
	struct str tag = json_str(json_get(data, "tag"));
	struct buf path;
	int result = 0;

	webhook_name_event(hook, json_str(json_get(body, "event_type")));
	if (!is_said(body, "domain", "docker"))
		return 0;
	if (is_said(body, "event_type", "deleted"))
		hook->kind = WEBHOOK_DELETE;
	if (!is_said(body, "event_type", "pushed") || tag.n == 0)
		return 0;
	buf_init(&path, IMAGE_SIZE);
	buf_str(&path, json_str(json_get(data, "repo_key")));
	buf_char(&path, '/');
	buf_str(&path, name);
	if (!path.overflow)
		result = webhook_add(hook, STR(""), buf_view(&path), tag, err);
	if (result == 0)
		result = webhook_add(hook, STR(""), name, tag, err);
	buf_free(&path);
	return result;
}
