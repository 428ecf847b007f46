/* docker_auth.c - the registry's user and password, as the engine wants them for a pull.
 *
 * The password is read for each pull, handed over and wiped; it is never kept, logged or
 * put into an error. */
#include <stdio.h>
#include <string.h>

#include "ports/docker_parts.h"
#include "ports/ecr.h"
#include "ports/password.h"

/* URL-safe, padded: what Docker's own client sends. */
static void
base64url(struct str from, struct buf *to)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < from.n; i += 3) {
		size_t n = from.n - i < 3 ? from.n - i : 3;
		unsigned bits = (unsigned)(unsigned char)from.p[i] << 16;

		if (n > 1)
			bits |= (unsigned)(unsigned char)from.p[i + 1] << 8;
		if (n > 2)
			bits |= (unsigned)(unsigned char)from.p[i + 2];
		buf_char(to, letters[bits >> 18 & 63]);
		buf_char(to, letters[bits >> 12 & 63]);
		buf_char(to, n > 1 ? letters[bits >> 6 & 63] : '=');
		buf_char(to, n > 2 ? letters[bits & 63] : '=');
	}
}

/* The host that an image names; Docker Hub when its first part is none. */
static void
registry_host(const char *image, char *host, size_t size)
{
	size_t n = strcspn(image, "/");

	if (image[n] == '/'
	    && (memchr(image, '.', n) != NULL || memchr(image, ':', n) != NULL
		|| strncmp(image, "localhost/", 10) == 0))
		snprintf(host, size, "%.*s", (int)n, image);
	else
		snprintf(host, size, "docker.io");
}

static void
write_auth(const char *username, const char *password, const char *host, struct buf *header)
{
	struct json_writer w;
	struct buf json;

	buf_init(&json, PASSWORD_SIZE * 2);
	json_writer_init(&w, &json);
	json_object_open(&w);
	json_pair_text(&w, "username", username);
	json_pair_text(&w, "password", password);
	json_pair_text(&w, "serveraddress",
	    strcmp(host, "docker.io") == 0 ? "https://index.docker.io/v1/" : host);
	json_object_close(&w);
	base64url(buf_view(&json), header);
	if (json.p != NULL)
		explicit_bzero(json.p, json.n);
	buf_free(&json);
}

static void
on_password(void *context UNUSED, const char *failure UNUSED)
{
}

/* It was asked for when the digest was, unless that was before a restart: then the pull comes again. */
static enum event_kind
auth_of_ecr(const struct docker *docker, const struct registry_config *registry,
    struct buf *header, struct err *err)
{
	const char *password = ecr_password(docker->host.ecr, registry);

	if (password == NULL) {
		(void)ecr_ask(docker->host.ecr, registry, on_password, NULL);
		err_set(err, "the password of %s is being asked for", registry->host);
		return EV_TROUBLED;
	}
	write_auth("AWS", password, registry->host, header);
	return EV_PULLED;
}

enum event_kind
registry_auth(
    const struct docker *docker, const char *image, struct buf *header, struct err *err)
{
	struct registry_config registry = { 0 };
	char host[sizeof(registry.host)];
	char password[PASSWORD_SIZE];

	registry_host(image, host, sizeof(host));
	catalog_registry(docker->host.catalog, host, &registry);
	if (registry.username[0] == '\0')
		return EV_PULLED;
	if (registry.kind == REGISTRY_ECR && docker->host.ecr != NULL)
		return auth_of_ecr(docker, &registry, header, err);
	if (password_read(registry.password_file, registry.password_env, password, err) != 0) {
		err_context(err, "no password for the user '%s' of registry %s",
		    registry.username, host);
		return EV_REFUSED;
	}
	write_auth(registry.username, password, host, header);
	password_wipe(password);
	return EV_PULLED;
}
