/* file.c - open, look, read to the end. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int
read_all(int fd, const char *path, struct buf *text, struct err *err)
{
	for (;;) {
		char piece[16384];
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "%s: cannot be read", path);
		buf_add(text, piece, (size_t)n);
		if (text->overflow)
			return err_set(err, "%s: larger than %zu bytes", path, text->max);
	}
}

int
file_read(const char *path, struct buf *text, struct err *err)
{
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int result;

	if (fd < 0)
		return err_errno(err, "%s: cannot be opened", path);
	if (fstat(fd, &info) != 0)
		result = err_errno(err, "%s: cannot be read", path);
	else if (!S_ISREG(info.st_mode))
		result = err_set(err, "%s: is no plain file", path);
	else
		result = read_all(fd, path, text, err);
	close(fd);
	return result;
}
