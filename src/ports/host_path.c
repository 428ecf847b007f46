/* host_path.c - see host_path.h. */
#include "ports/host_path.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/paths.h"

_Static_assert(HOST_PATH_SIZE >= PATH_MAX, "realpath() may need it");

int
host_path_resolve(const char *path, char real[HOST_PATH_SIZE], struct err *err)
{
	return realpath(path, real) != NULL ? 0 : err_errno(err, "%s", path);
}

/* Cuts the last part off; false: only the root is left. */
static bool
cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == path && path[1] == '\0')
		return false;
	slash[slash == path ? 1 : 0] = '\0';
	return true;
}

int
host_path_resolve_as_far(const char *path, char real[HOST_PATH_SIZE], struct err *err)
{
	char head[HOST_PATH_SIZE];
	const char *rest;
	struct stat info;
	size_t n;

	if (path[0] != '/' || !str_copy(head, sizeof(head), str_of(path)))
		return err_set(err, "%.200s: the path is too long", path);
	while (realpath(head, real) == NULL) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_errno(err, "%s", head);
		if (lstat(head, &info) == 0)
			return err_set(err, "%s is a link that leads nowhere here", head);
		if (!cut_last(head))
			return err_errno(err, "%s", path);
	}
	rest = path + (strcmp(head, "/") == 0 ? 0 : strlen(head));
	n = strcmp(real, "/") == 0 ? 0 : strlen(real);
	if (n + strlen(rest) >= HOST_PATH_SIZE)
		return err_set(err, "%.200s: the path is too long", path);
	memcpy(real + n, rest, strlen(rest) + 1);
	if (real[0] == '\0')
		memcpy(real, "/", 2);
	return 0;
}

bool
host_path_is_in(const char *folders, const char *real)
{
	struct str list = str_of(folders);
	struct str folder;

	while (paths_next(&list, &folder)) {
		char path[HOST_PATH_SIZE];
		char folder_real[HOST_PATH_SIZE];
		struct err ignored;

		if (str_copy(path, sizeof(path), folder)
		    && host_path_resolve_as_far(path, folder_real, &ignored) == 0
		    && path_is_in(str_of(folder_real), real))
			return true;
	}
	return false;
}
