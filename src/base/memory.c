/* memory.c - see memory.h.
 *
 * The dynamic linker reads every symbol table, and the kernel maps 64 KB around each page touched:
 * after a start some 10 MB of libraries are resident of which a running server uses a third. Only
 * segments that are mapped without PF_W are dropped: they hold what is in the file and nothing
 * else (relocated data lies in the writable ones). */
#include "base/memory.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"

static int
drop_clean(struct dl_phdr_info *info, size_t size UNUSED, void *context)
{
	const uintptr_t page = *(const uintptr_t *)context;

	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t begin = (info->dlpi_addr + segment->p_vaddr) & ~(page - 1);
		uintptr_t end = info->dlpi_addr + segment->p_vaddr + segment->p_filesz;

		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) == 0)
			madvise((void *)begin, end - begin, MADV_DONTNEED);
	}
	return 0;
}

void
memory_settle(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	malloc_trim(0);
	dl_iterate_phdr(drop_clean, &page);
}

/* A line of /proc/meminfo: "MemTotal:       16309792 kB". */
static void
read_line(const char *line, const char *name, unsigned long long *to)
{
	size_t n = strlen(name);

	if (strncmp(line, name, n) == 0)
		(void)sscanf(line + n, " %llu", to);
}

bool
memory_host_is_short(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long total = 0;
	unsigned long long available = 0;
	char line[128];

	if (file == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL) {
		read_line(line, "MemTotal:", &total);
		read_line(line, "MemAvailable:", &available);
	}
	fclose(file);
	return total > 0 && available > 0 && available < total / 10;
}
