/* disk.c - see disk.h. The functions at the end are the C library's own names: the program's symbols
 * go before those of libc, for libsqlite3 too. */
#include "disk.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

enum { SECTOR = 512, PATH_SIZE = 256, FILES_MAX = 256, NAMES_MAX = 64, FDS_MAX = 256 };

struct change { /* a write, or a truncation (bytes NULL) */
	uint64_t offset;
	uint64_t size;
	unsigned char *bytes;
};

struct file {
	bool is_directory;
	unsigned char *bytes; /* that are durable */
	uint64_t size;
	struct change *changes;
	size_t change_count;
	size_t changes_allocated;
};

struct name {
	char path[PATH_SIZE];
	struct file *file;
};

struct names {
	struct name items[NAMES_MAX];
	size_t count;
};

struct naming { /* a name made (from ""), moved, or removed (file NULL) */
	char from[PATH_SIZE];
	char to[PATH_SIZE];
	struct file *file;
};

/* What becomes of the changes that no sync covers. */
enum mood { MOOD_NOTHING, MOOD_ALL, MOOD_IN_ORDER, MOOD_MIXED, MOOD_COUNT };

static struct {
	char root[PATH_SIZE];
	uint64_t random;
	uint64_t operations;
	uint64_t cut_at;
	struct disk_faults faults;
	bool is_watching;
	struct file files[FILES_MAX];
	size_t file_count;
	struct names now; /* as the programs see them */
	struct names durable;
	struct naming namings[FILES_MAX];
	size_t naming_count;
	struct file *fds[FDS_MAX];
	char fd_paths[FDS_MAX][PATH_SIZE];
	enum mood mood;
	uint64_t left; /* in order: so many changes are kept */
} disk;

uint64_t
disk_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t
draw(uint64_t below)
{
	return disk_random(&disk.random) % below;
}

/* Names. */

static bool
is_below(const char *path)
{
	size_t length = strlen(disk.root);

	return disk.is_watching && strncmp(path, disk.root, length) == 0
	       && (path[length] == '/' || path[length] == '\0');
}

static bool
ends_with(const char *path, const char *end)
{
	size_t length = strlen(path);

	return length >= strlen(end) && strcmp(path + length - strlen(end), end) == 0;
}

static void
copy_path(char to[PATH_SIZE], const char *from)
{
	CHECK(strlen(from) < PATH_SIZE);
	memcpy(to, from, strlen(from) + 1);
}

static struct name *
find(struct names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i].path, path) == 0)
			return &names->items[i];
	return NULL;
}

static void
put(struct names *names, const char *path, struct file *file)
{
	struct name *name = find(names, path);

	if (name == NULL) {
		CHECK(names->count < NAMES_MAX);
		name = &names->items[names->count++];
		copy_path(name->path, path);
	}
	name->file = file;
}

static void
take_out(struct names *names, const char *path)
{
	struct name *name = find(names, path);

	if (name != NULL)
		*name = names->items[--names->count];
}

static void
apply_naming(struct names *names, const struct naming *naming)
{
	if (naming->from[0] != '\0')
		take_out(names, naming->from);
	if (naming->file != NULL)
		put(names, naming->to, naming->file);
}

static bool
is_in(const struct naming *naming, const char *directory)
{
	const char *path = naming->file != NULL ? naming->to : naming->from;
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 && path[length] == '/'
	       && strchr(path + length + 1, '/') == NULL;
}

static void
sync_directory(const char *directory)
{
	size_t kept = 0;

	for (size_t i = 0; i < disk.naming_count; i++)
		if (is_in(&disk.namings[i], directory))
			apply_naming(&disk.durable, &disk.namings[i]);
		else
			disk.namings[kept++] = disk.namings[i];
	disk.naming_count = kept;
}

static struct file *
new_file(void)
{
	CHECK(disk.file_count < FILES_MAX);
	return &disk.files[disk.file_count++];
}

static void
operation(void)
{
	if (++disk.operations == disk.cut_at)
		disk_cut();
}

static void
note_naming(const char *from, const char *to, struct file *file)
{
	struct naming *naming = &disk.namings[disk.naming_count++];

	CHECK(disk.naming_count < FILES_MAX);
	copy_path(naming->from, from);
	copy_path(naming->to, to);
	naming->file = file;
	apply_naming(&disk.now, naming);
	operation();
}

/* Contents. */

static void
resize(struct file *file, uint64_t size)
{
	if (size > file->size) {
		file->bytes = realloc(file->bytes, size);
		CHECK(file->bytes != NULL);
		memset(file->bytes + file->size, 0, size - file->size);
	}
	file->size = size;
}

static void
write_durably(struct file *file, uint64_t offset, const unsigned char *bytes, uint64_t size)
{
	if (offset + size > file->size)
		resize(file, offset + size);
	memcpy(file->bytes + offset, bytes, size);
}

static void
note_change(struct file *file, uint64_t offset, uint64_t size, const void *bytes)
{
	struct change *change;

	if (file->change_count == file->changes_allocated) {
		file->changes_allocated =
		    file->change_count == 0 ? 16 : 2 * file->change_count;
		file->changes =
		    realloc(file->changes, file->changes_allocated * sizeof(*change));
		CHECK(file->changes != NULL);
	}
	change = &file->changes[file->change_count++];
	*change = (struct change){ .offset = offset, .size = size };
	if (bytes != NULL) {
		change->bytes = malloc(size);
		CHECK(change->bytes != NULL);
		memcpy(change->bytes, bytes, size);
	}
	operation();
}

static void
sync_file(struct file *file)
{
	for (size_t i = 0; i < file->change_count; i++) {
		struct change *c = &file->changes[i];

		if (c->bytes == NULL)
			resize(file, c->offset);
		else
			write_durably(file, c->offset, c->bytes, c->size);
		free(c->bytes);
	}
	file->change_count = 0;
}

/* The cut. */

static bool
is_kept(void)
{
	switch (disk.mood) {
	case MOOD_NOTHING:
		return false;
	case MOOD_ALL:
		return true;
	case MOOD_IN_ORDER:
		return disk.left > 0 && disk.left-- > 0;
	case MOOD_MIXED:
	case MOOD_COUNT:
		break;
	}
	return draw(2) == 0;
}

/* One sector's part of a write that was under way. What a write does not name stays as it was: SQLite
 * counts on that (powersafe overwrite), as it does in production. */
static void
garble(struct file *file, uint64_t offset, const unsigned char *bytes, uint64_t size)
{
	unsigned char made[SECTOR] = { 0 };
	uint64_t fate = disk.mood == MOOD_MIXED ? draw(10) : 0;

	if (fate < 7) {
		if (is_kept())
			write_durably(file, offset, bytes, size);
	} else if (fate == 7) {
		write_durably(file, offset, bytes, 1 + draw(size)); /* torn */
	} else {
		for (size_t i = 0; fate == 8 && i < size; i++)
			made[i] = (unsigned char)draw(256);
		write_durably(file, offset, made, size);
	}
}

static void
lose_changes(struct file *file)
{
	uint64_t size = file->size;

	for (size_t i = 0; i < file->change_count; i++) {
		const struct change *c = &file->changes[i];

		if (c->bytes == NULL && is_kept())
			resize(file, c->offset);
		size = c->bytes == NULL             ? c->offset
		       : c->offset + c->size > size ? c->offset + c->size
						    : size;
		for (uint64_t at = 0; c->bytes != NULL && at < c->size;) {
			uint64_t part = SECTOR - (c->offset + at) % SECTOR;

			if (part > c->size - at)
				part = c->size - at;
			garble(file, c->offset + at, c->bytes + at, part);
			at += part;
		}
	}
	if (size > file->size && disk.mood == MOOD_MIXED && draw(3) == 0)
		resize(file, size); /* the new length made it, the contents did not */
}

/* Memory that programs share through a file is written whenever the kernel likes. */
static void
take_shared(const struct name *name)
{
	unsigned char sector[SECTOR];
	uint64_t offset = 0;
	ssize_t n;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, name->path, O_RDONLY);

	CHECK(fd >= 0);
	while ((n = read(fd, sector, sizeof(sector))) > 0) {
		note_change(name->file, offset, (uint64_t)n, sector);
		offset += (uint64_t)n;
	}
	close(fd);
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->path, ((const struct name *)b)->path);
}

/* A name counts only when its directories are there: they come before it. */
static void
leave(const struct names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct name *name = &names->items[i];
		int fd;

		if (name->file->is_directory) {
			(void)mkdir(name->path, 0700);
			continue;
		}
		fd = open(name->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (fd < 0)
			continue;
		CHECK(write(fd, name->file->bytes, name->file->size)
		      == (ssize_t)name->file->size);
		close(fd);
	}
}

_Noreturn void
disk_cut(void)
{
	disk.cut_at = 0;
	for (size_t i = 0; i < disk.now.count; i++)
		if (ends_with(disk.now.items[i].path, "-shm"))
			take_shared(&disk.now.items[i]);
	disk.mood = (enum mood)draw(MOOD_COUNT);
	disk.left = draw(64);
	for (size_t i = 0; i < disk.naming_count; i++)
		if (is_kept())
			apply_naming(&disk.durable, &disk.namings[i]);
	for (size_t i = 0; i < disk.file_count; i++)
		lose_changes(&disk.files[i]);
	disk.is_watching = false;
	disk_remove(disk.root);
	CHECK(mkdir(disk.root, 0700) == 0);
	qsort(disk.durable.items, disk.durable.count, sizeof(struct name), by_path);
	leave(&disk.durable);
	_exit(DISK_CUT);
}

static int
remove_one(
    const char *path, const struct stat *info UNUSED, int kind UNUSED, struct FTW *at UNUSED)
{
	return remove(path);
}

void
disk_remove(const char *root)
{
	CHECK(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

/* The beginning. */

static int
take_over(const char *path, const struct stat *info, int kind, struct FTW *at)
{
	struct file *file;
	int fd;

	if (at->level == 0)
		return 0;
	file = new_file();
	file->is_directory = kind == FTW_D;
	put(&disk.now, path, file);
	put(&disk.durable, path, file);
	if (file->is_directory)
		return 0;
	resize(file, (uint64_t)info->st_size);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0 && read(fd, file->bytes, file->size) == (ssize_t)file->size);
	return close(fd);
}

void
disk_begin(const char *root, uint64_t seed, uint64_t cut_at, const struct disk_faults *faults)
{
	CHECK(!disk.is_watching);
	copy_path(disk.root, root);
	disk.random = seed;
	disk.cut_at = cut_at;
	disk.faults = *faults;
	CHECK(nftw(root, take_over, 8, FTW_PHYS) == 0);
	disk.is_watching = true;
}

/* The C library's names. */

static struct file *
file_of(int fd)
{
	return disk.is_watching && fd >= 0 && fd < FDS_MAX ? disk.fds[fd] : NULL;
}

static int
open_file(const char *path, int flags, mode_t mode)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	struct name *name;

	if (fd < 0 || !is_below(path))
		return fd;
	CHECK(fd < FDS_MAX);
	copy_path(disk.fd_paths[fd], path);
	name = find(&disk.now, path);
	disk.fds[fd] = NULL; /* a directory: its path is enough */
	if (strcmp(path, disk.root) == 0 || (name != NULL && name->file->is_directory))
		return fd;
	if (name == NULL)
		note_naming("", path, new_file());
	else if (flags & O_TRUNC)
		note_change(name->file, 0, 0, NULL);
	disk.fds[fd] = find(&disk.now, path)->file;
	return fd;
}

int
open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return open_file(path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return open_file(path, flags, mode);
}

int
close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX) {
		disk.fds[fd] = NULL;
		disk.fd_paths[fd][0] = '\0';
	}
	return (int)syscall(SYS_close, fd);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
	ssize_t n = syscall(SYS_pwrite64, fd, bytes, size, offset);

	if (n > 0 && file_of(fd) != NULL)
		note_change(file_of(fd), (uint64_t)offset, (uint64_t)n, bytes);
	return n;
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
	off_t offset = file_of(fd) == NULL ? 0 : lseek(fd, 0, SEEK_CUR);
	ssize_t n = syscall(SYS_write, fd, bytes, size);

	if (n > 0 && file_of(fd) != NULL)
		note_change(file_of(fd), (uint64_t)offset, (uint64_t)n, bytes);
	return n;
}

int
ftruncate64(int fd, off64_t size)
{
	int result = (int)syscall(SYS_ftruncate, fd, size);

	if (result == 0 && file_of(fd) != NULL)
		note_change(file_of(fd), (uint64_t)size, 0, NULL);
	return result;
}

static int
sync_fd(int fd)
{
	const char *path = fd >= 0 && fd < FDS_MAX ? disk.fd_paths[fd] : "";

	if (!disk.is_watching || path[0] == '\0')
		return 0;
	operation();
	if (disk.fds[fd] != NULL) {
		if (disk.faults.ignored_end == NULL
		    || !ends_with(path, disk.faults.ignored_end))
			sync_file(disk.fds[fd]);
	} else if (!disk.faults.ignores_directories) {
		sync_directory(path);
	}
	return 0;
}

int
fsync(int fd)
{
	return sync_fd(fd);
}

int
fdatasync(int fd)
{
	return sync_fd(fd);
}

int
rename(const char *from, const char *to)
{
	int result = (int)syscall(SYS_rename, from, to);
	struct name *name = result == 0 && is_below(from) ? find(&disk.now, from) : NULL;

	if (name != NULL)
		note_naming(from, to, name->file);
	return result;
}

int
unlink(const char *path)
{
	int result = (int)syscall(SYS_unlink, path);

	if (result == 0 && is_below(path))
		note_naming(path, "", NULL);
	return result;
}

int
mkdir(const char *path, mode_t mode)
{
	int result = (int)syscall(SYS_mkdir, path, mode);
	struct file *file;

	if (result == 0 && is_below(path)) {
		file = new_file();
		file->is_directory = true;
		note_naming("", path, file);
	}
	return result;
}
