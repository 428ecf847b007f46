/* docker_auth.c - the registry's user and password, as the engine wants them for a pull.
 *
 * The password is read for each pull, handed over and wiped; it is never kept, logged or
 * put into an error. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ports/docker_parts.h"

enum { PASSWORD_SIZE = 8192 }; /* tokens of cloud registries are the longest: 4 KB */

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

/* The first line of a file. */
static int
read_file(const char *path, char password[PASSWORD_SIZE], struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return err_errno(err, "cannot read the registry password from %s", path);
	n = read(fd, password, PASSWORD_SIZE - 1);
	if (n < 0) {
		err_errno(err, "cannot read the registry password from %s", path);
		close(fd);
		return -1;
	}
	close(fd);
	password[n] = '\0';
	password[strcspn(password, "\r\n")] = '\0';
	if (password[0] == '\0')
		return err_set(err, "the registry password file %s is empty", path);
	return 0;
}

static int
read_password(
    const struct registry_config *registry, char password[PASSWORD_SIZE], struct err *err)
{
	const char *value;

	if (registry->password_file[0] != '\0')
		return read_file(registry->password_file, password, err);
	if (registry->password_env[0] == '\0')
		return err_set(err,
		    "the registry %s has a user but no password: set password_file or "
		    "password_env",
		    registry->host);
	value = getenv(registry->password_env);
	if (value == NULL || value[0] == '\0')
		return err_set(err,
		    "the environment variable %s with the password of registry %s is "
		    "not set",
		    registry->password_env, registry->host);
	if (!str_copy(password, PASSWORD_SIZE, str_of(value)))
		return err_set(err, "the password in %s is longer than %d bytes",
		    registry->password_env, PASSWORD_SIZE - 1);
	return 0;
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

int
registry_auth(
    const struct docker *docker, const char *image, struct buf *header, struct err *err)
{
	struct registry_config registry = { 0 };
	char host[sizeof(registry.host)];
	char password[PASSWORD_SIZE];
	struct json_writer w;
	struct buf json;

	registry_host(image, host, sizeof(host));
	catalog_registry(docker->host.catalog, host, &registry);
	if (registry.username[0] == '\0')
		return 0;
	if (read_password(&registry, password, err) != 0)
		return -1;
	buf_init(&json, PASSWORD_SIZE * 2);
	json_writer_init(&w, &json);
	json_object_open(&w);
	json_pair_text(&w, "username", registry.username);
	json_pair_text(&w, "password", password);
	json_pair_text(&w, "serveraddress",
	    strcmp(host, "docker.io") == 0 ? "https://index.docker.io/v1/" : host);
	json_object_close(&w);
	base64url(buf_view(&json), header);
	explicit_bzero(password, sizeof(password));
	if (json.p != NULL)
		explicit_bzero(json.p, json.n);
	buf_free(&json);
	return 0;
}
