/* edge_certificates.c - noticing that certificates were renewed.
 *
 * The one idea: what the files look like from outside (name, time, size) is part of the structure that
 * HAProxy shall have; so a renewed certificate is one more reason for a seamless reload. A look that
 * fails changes nothing: HAProxy goes on with what it has read. */
#include "ports/edge_inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static bool
hash_file(int folder, const char *name, uint64_t *hash)
{
	char text[NAME_MAX + 128];
	struct stat info;

	if (fstatat(folder, name, &info, 0) != 0)
		return false;
	if (!S_ISREG(info.st_mode))
		return true;
	snprintf(text, sizeof(text), "%s %jd.%ld %jd %ju", name, (intmax_t)info.st_mtim.tv_sec,
	    info.st_mtim.tv_nsec, (intmax_t)info.st_size, (uintmax_t)info.st_ino);
	*hash += edge_hash(EDGE_HASH_START, str_of(text)); /* a folder has no order */
	return true;
}

static bool
hash_folder(DIR *folder, uint64_t *hash)
{
	const struct dirent *entry;
	int left = EDGE_CERTIFICATES_MAX;

	while (left-- > 0 && (entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.' /* as HAProxy does */
		    && !hash_file(dirfd(folder), entry->d_name, hash))
			return false;
	return true;
}

void
edge_certificates_look(struct edge *edge)
{
	uint64_t hash = 0;
	DIR *folder;
	bool is_seen;

	if (edge->certificates[0] == '\0')
		return;
	folder = opendir(edge->certificates);
	if (folder == NULL) {
		is_seen = hash_file(AT_FDCWD, edge->certificates, &hash);
	} else {
		is_seen = hash_folder(folder, &hash);
		closedir(folder);
	}
	if (is_seen)
		edge->certificates_hash = hash;
}
