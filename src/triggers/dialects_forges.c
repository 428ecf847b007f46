/* dialects_forges.c - forges with a registry of their own: GitHub, Gitea, Forgejo. Each event is told in a
 * header; of all their events only those of container packages matter. */
#include <string.h>
#include <strings.h>

#include "triggers/dialects.h"

static bool
is_one_of(const char *text, const char *a, const char *b)
{
	return strcasecmp(text, a) == 0 || strcasecmp(text, b) == 0;
}

static const struct json *
get(const struct json *body, const char *const *path)
{
	for (; *path != NULL; path++)
		body = json_get(body, *path);
	return body;
}

/* GitHub tells of a container package twice: as `package` and as `registry_package`. The tag's name is often
 * empty, and the package's URL then ends with ":": something was pushed, but GitHub does not say under
 * which tag. */
static int
read_github_package(const struct json *package, struct webhook *hook, struct err *err)
{
	static const char *const tag_path[] = { "package_version", "container_metadata", "tag",
		"name", NULL };
	static const char *const url_path[] = { "package_version", "package_url", NULL };
	struct str tag = json_str(get(package, tag_path));
	struct str url = json_str(get(package, url_path));
	struct str host;
	struct str path;
	struct str url_tag;
	struct buf named;
	int result;

	buf_init(&named, IMAGE_SIZE);
	buf_text(&named, "ghcr.io/");
	buf_str(&named, json_str(json_get(package, "namespace")));
	buf_char(&named, '/');
	buf_str(&named, json_str(json_get(package, "name")));
	str_cut(url.n > 0 ? url : buf_view(&named), '@', &url);
	webhook_cut(url, &host, &path, &url_tag);
	result = webhook_add(hook, host, path, tag.n > 0 ? tag : url_tag, err);
	buf_free(&named);
	return result;
}

int
read_github(const struct json *body, struct webhook *hook, struct err *err)
{
	const char *action = json_text(json_get(body, "action"));
	const struct json *package = json_get(body, hook->event);
	const char *type = json_text(json_get(package, "package_type"));

	if (strcmp(hook->event, "ping") == 0) {
		hook->kind = WEBHOOK_PING;
		return 0;
	}
	if (!is_one_of(hook->event, "package", "registry_package")
	    || !is_one_of(type, "container", "docker"))
		return 0;
	if (strcmp(action, "deleted") == 0)
		hook->kind = WEBHOOK_DELETE;
	if (!is_one_of(action, "published", "updated"))
		return 0;
	return read_github_package(package, hook, err);
}

/* One hook for each version; each platform of an image is one, too, whose name is a digest: only those
 * that are tags count. */
int
read_gitea(const struct json *body, struct webhook *hook, struct err *err)
{
	static const char *const login[] = { "owner", "login", NULL };
	const struct json *package = json_get(body, "package");
	const char *action = json_text(json_get(body, "action"));
	struct str tag = json_str(json_get(package, "version"));
	struct buf path;
	int result = 0;

	if (strcmp(hook->event, "package") != 0
	    || strcmp(json_text(json_get(package, "type")), "container") != 0)
		return 0;
	if (strcmp(action, "deleted") == 0)
		hook->kind = WEBHOOK_DELETE;
	if (strcmp(action, "created") != 0 || tag.n == 0)
		return 0;
	buf_init(&path, IMAGE_SIZE);
	buf_str(&path, json_str(get(package, login)));
	buf_char(&path, '/');
	buf_str(&path, json_str(json_get(package, "name")));
	if (!path.overflow)
		result = webhook_add(hook, STR(""), buf_view(&path), tag, err);
	buf_free(&path);
	return result;
}
