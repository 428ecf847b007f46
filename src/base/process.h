/* process.h - what this process uses of the machine, as the kernel counts it. */
#ifndef SLIPWAY_BASE_PROCESS_H
#define SLIPWAY_BASE_PROCESS_H

#include <stdint.h>

struct process_usage { /* -1: the kernel does not tell */
	int64_t cpu_us; /* of all threads, since the start */
	int64_t resident_bytes;
	int64_t descriptors; /* open */
	int64_t descriptors_max;
};

void process_usage(struct process_usage *ret);

/* For those who are not root, on the disk of that path; -1: unknown. */
int64_t process_disk_free_bytes(const char *path);

/* -1: there is no such file. */
int64_t process_file_bytes(const char *path);

#endif
