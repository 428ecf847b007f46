/* sockets.c - see sockets.h.
 *
 * The one idea: a mount exposes a socket when its path is the socket's or that of a folder above it.
 * /var/run is another name of /run. A link elsewhere that leads to a socket is not known: the path
 * may be one of another machine. */
#include "config/sockets.h"

#include <stddef.h>
#include <string.h>

#include "base/str.h"

/* Where Docker, Podman, containerd and CRI-O listen, for root and for users; '*' is any name. */
static const char *const usual[] = {
	"/run/docker.sock",
	"/run/docker/containerd/containerd.sock",
	"/run/containerd/containerd.sock",
	"/run/crio/crio.sock",
	"/run/podman/podman.sock",
	"/run/user/*/docker.sock",
	"/run/user/*/podman/podman.sock",
};

/* At whatever place, as people move them. */
static const char *const names[] = { "docker.sock", "containerd.sock", "crio.sock",
	"podman.sock" };

/* A mount of /var shows /var/run too. */
static const char *
without_var(const char *path)
{
	static const char run[] = "/var/run";
	size_t length = sizeof(run) - 1;

	if (strcmp(path, "/var") == 0)
		return "/run";
	return strncmp(path, run, length) == 0 && (path[length] == '/' || path[length] == '\0')
		   ? path + sizeof("/var") - 1
		   : path;
}

/* The socket itself, or a folder above it; part by part. */
static bool
holds(const char *path, const char *socket)
{
	struct str rest = str_of(path + 1);
	struct str wanted = str_of(socket + 1);

	while (rest.n > 0) {
		struct str part;
		struct str name;

		rest = str_cut(rest, '/', &part);
		wanted = str_cut(wanted, '/', &name);
		if (!str_is(name, "*")
		    && (part.n != name.n || memcmp(part.p, name.p, part.n) != 0))
			return false;
	}
	return true;
}

bool
sockets_are_exposed_by(const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < COUNT(names); i++)
		if (length >= strlen(names[i])
		    && strcmp(path + length - strlen(names[i]), names[i]) == 0)
			return true;
	for (size_t i = 0; i < COUNT(usual); i++)
		if (holds(without_var(path), usual[i]))
			return true;
	return false;
}

bool
socket_is_exposed_by(const char *path, const char *engine_host)
{
	static const char scheme[] = "unix://";
	const char *socket = engine_host + sizeof(scheme) - 1;

	return strncmp(engine_host, scheme, sizeof(scheme) - 1) == 0
	       && (holds(path, socket) || holds(without_var(path), without_var(socket)));
}
