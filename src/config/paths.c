/* paths.c - see paths.h. */
#include "config/paths.h"

#include <string.h>

enum { PATH_SIZE = 512 };

bool
paths_next(struct str *list, struct str *ret_path)
{
	if (list->n == 0)
		return false;
	*list = str_cut(*list, ',', ret_path);
	*ret_path = str_trim(*ret_path);
	return true;
}

const char *
rule_paths(const char *text)
{
	struct str list = str_of(text);
	struct str path;
	char copy[PATH_SIZE];

	while (paths_next(&list, &path)) {
		if (!str_copy(copy, sizeof(copy), path) || rule_path(copy) != NULL)
			return "must be absolute paths of folders, plain, without a slash at "
			       "their end, "
			       "with commas in between: /srv/data,/mnt/disk";
		if (path.n == 1)
			return "must not hold the root of the host, which everything lies in";
	}
	return NULL;
}

bool
path_is_in(struct str folder, const char *path)
{
	return strncmp(path, folder.p, folder.n) == 0
	       && (path[folder.n] == '/' || path[folder.n] == '\0');
}

bool
paths_hold(const char *list, const char *path)
{
	struct str rest = str_of(list);
	struct str folder;

	while (paths_next(&rest, &folder))
		if (path_is_in(folder, path))
			return true;
	return false;
}
