/* process.c - see process.h. Small reads of /proc, which never wait for a disk. */
#include "base/process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static int64_t
read_resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long all;
	long resident = -1;

	if (file == NULL)
		return -1;
	if (fscanf(file, "%ld %ld", &all, &resident) != 2)
		resident = -1;
	fclose(file);
	return resident < 0 ? -1 : resident * sysconf(_SC_PAGESIZE);
}

/* But for the one that looks. */
static int64_t
count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int64_t count = -1;

	if (folder == NULL)
		return -1;
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

void
process_usage(struct process_usage *ret)
{
	struct timespec cpu;
	struct rlimit limit;

	*ret = (struct process_usage){ .cpu_us = -1,
		.resident_bytes = read_resident_bytes(),
		.descriptors = count_descriptors(),
		.descriptors_max = -1 };
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
		ret->cpu_us = (int64_t)cpu.tv_sec * 1000000 + cpu.tv_nsec / 1000;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		ret->descriptors_max = (int64_t)limit.rlim_cur;
}

int64_t
process_disk_free_bytes(const char *path)
{
	struct statvfs disk;

	if (statvfs(path, &disk) != 0)
		return -1;
	return (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
}

int64_t
process_file_bytes(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 ? (int64_t)file.st_size : -1;
}
