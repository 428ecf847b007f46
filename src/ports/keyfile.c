/* keyfile.c - see keyfile.h. */
#include "ports/keyfile.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"

enum keyfile_state
keyfile_read(const char *path, struct buf *text, struct err *err)
{
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return KEYFILE_ABSENT;
	return file_read(path, text, err) == 0 ? KEYFILE_READ : KEYFILE_BAD;
}

int
keyfile_replace(const char *path, struct str text, struct err *err)
{
	return file_replace(path, text, err);
}
