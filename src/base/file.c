/* file.c - see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

enum { PATH_SIZE = 4096 };

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

/* A pipe that nobody has opened for writing yet has an end already, but poll() waits for it. */
static int
read_pipe(int fd, const char *path, struct buf *text, struct err *err)
{
	int64_t until_us = clock_mono_us() + FILE_PIPE_MS * INT64_C(1000);

	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int64_t left_us = until_us - clock_mono_us();
		char piece[16384];
		ssize_t n;

		if (left_us <= 0)
			return err_set(err, "%s: is a pipe whose end did not come within %d s",
			    path, FILE_PIPE_MS / 1000);
		if (poll(&ready, 1, (int)(left_us / 1000) + 1) <= 0)
			continue;
		n = read(fd, piece, sizeof(piece));
		if (n == 0)
			return 0;
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return err_errno(err, "%s: cannot be read", path);
		buf_add(text, piece, (size_t)n);
		if (text->overflow)
			return err_set(err, "%s: larger than %zu bytes", path, text->max);
	}
}

static int
read_path(const char *path, bool takes_pipe, struct buf *text, struct err *err)
{
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int result;

	if (fd < 0)
		return err_errno(err, "%s: cannot be opened", path);
	if (fstat(fd, &info) != 0)
		result = err_errno(err, "%s: cannot be read", path);
	else if (takes_pipe && S_ISFIFO(info.st_mode))
		result = read_pipe(fd, path, text, err);
	else if (!S_ISREG(info.st_mode))
		result = err_set(err, "%s: is no plain file", path);
	else
		result = read_all(fd, path, text, err);
	close(fd);
	return result;
}

int
file_read(const char *path, struct buf *text, struct err *err)
{
	return read_path(path, false, text, err);
}

int
file_read_any(const char *path, struct buf *text, struct err *err)
{
	return read_path(path, true, text, err);
}

static int
write_fd(int fd, struct str text)
{
	while (text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text.p += n;
		text.n -= (size_t)n;
	}
	return 0;
}

static int
write_failed(const char *path, struct err *err)
{
	const char *remedy =
	    errno == ENOSPC || errno == EDQUOT ? "; free space on its disk" : "";

	return err_set(err, "cannot write %s: %s%s", path, strerror(errno), remedy);
}

int
file_replace(const char *path, struct str text, struct err *err)
{
	char fresh[PATH_SIZE + 4];
	int fd;
	int result;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return write_failed(fresh, err);
	result = write_fd(fd, text);
	if (result == 0)
		result = fsync(fd); /* or the name could lead to nothing after a power cut */
	if (close(fd) != 0)
		result = -1;
	if (result != 0 || rename(fresh, path) != 0)
		return write_failed(path, err);
	return file_sync_parent(path, err);
}

int
file_take_name(const char *fresh, const char *path, struct err *err)
{
	int fd = open(fresh, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int result = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0 && close(fd) != 0)
		result = -1;
	if (result != 0 || rename(fresh, path) != 0)
		return write_failed(path, err);
	return file_sync_parent(path, err);
}

/* Who may write in a directory may yet not read it, and not every file system can sync one: then
 * there is no more to be done. */
int
file_sync_parent(const char *path, struct err *err)
{
	char copy[PATH_SIZE];
	int result = 0;
	int fd;

	if (!str_copy(copy, sizeof(copy), str_of(path)))
		return err_set(err, "%s: the path is too long", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? 0 : err_errno(err, "the directory of %s", path);
	if (fsync(fd) != 0 && errno != EINVAL)
		result = err_errno(err, "cannot sync the directory of %s", path);
	close(fd);
	return result;
}
