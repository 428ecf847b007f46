/* SPDX-License-Identifier: MIT */
/*
 * checker [-w WORKERS] [-r REQUESTS_PER_S] [-t TIMEOUT_MS]
 * [HOST=ADDRESS:PORT[,app=NAME][,path=/P]]...
 *
 * Asks its targets all the time, at a bounded rate, from WORKERS threads of four kinds: GET on
 * keep-alive connections, GET on fresh ones, POST on keep-alive ones, POST on fresh ones.
 * Commands on stdin, one a line:
 *
 *   snap                  print what was seen so far, as one line of JSON
 *   add HOST=ADDRESS...   ask this target too
 *   expect HOST VERSION   a version that was seen before will come back
 *   rate N                change the total rate
 *
 * The end of stdin, SIGTERM or SIGINT prints the last snapshot ("final":true) and ends it.
 */
#define _GNU_SOURCE
#include "checker.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS_MAX = 64, CONNECTION_USES_MAX = 1000, SLEEP_SLICE_US = 50000 };

static struct target targets[TARGETS_MAX];
static atomic_int targets_count;
static atomic_bool is_ending;
static _Atomic double rate = 1000;
static int workers_count = 8;
static int timeout_ms = 10000;

int64_t
now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool
target_parse(const char *text, struct target *t)
{
	char copy[1024], *save = NULL;
	int port;
	memset(t, 0, sizeof *t);
	snprintf(t->path, sizeof t->path, "/");
	snprintf(copy, sizeof copy, "%s", text);
	char *main_part = strtok_r(copy, ",", &save);
	char ip[64];
	if (!main_part || sscanf(main_part, "%127[^=]=%63[^:]:%d", t->host, ip, &port) != 3)
		return false;
	t->address.sin_family = AF_INET;
	t->address.sin_port = htons((uint16_t)port);
	if (port < 1 || port > 65535 || inet_pton(AF_INET, ip, &t->address.sin_addr) != 1)
		return false;
	for (char *part; (part = strtok_r(NULL, ",", &save));) {
		if (strncmp(part, "app=", 4) == 0)
			snprintf(t->app, sizeof t->app, "%s", part + 4);
		else if (strncmp(part, "path=", 5) == 0)
			snprintf(t->path, sizeof t->path, "%s", part + 5);
		else
			return false;
	}
	return true;
}

static bool
target_add(const char *text)
{
	int index = atomic_load(&targets_count);
	if (index == TARGETS_MAX || !target_parse(text, &targets[index]))
		return false;
	report_target(index, targets[index].host);
	atomic_store(&targets_count, index + 1);
	return true;
}

/* Sleeps in slices, so that the end is not waited for at a low rate. */
static void
sleep_until(int64_t at_us)
{
	int64_t now;
	while ((now = now_us()) < at_us && !atomic_load(&is_ending)) {
		int64_t until_us = at_us - now > SLEEP_SLICE_US ? now + SLEEP_SLICE_US : at_us;
		struct timespec t = { until_us / 1000000, until_us % 1000000 * 1000 };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	}
}

/* One worker: kind 0 to 3 is bit 0 "fresh connections" and bit 1 "POST". */
static void *
worker(void *argument)
{
	int index = (int)(intptr_t)argument;
	bool is_fresh_kind = index & 1, is_post = index & 2;
	struct link links[TARGETS_MAX];
	for (int i = 0; i < TARGETS_MAX; i++)
		links[i] = (struct link){ .fd = -1 };
	int64_t next_us = now_us() + index * 1000;
	for (unsigned turn = (unsigned)index; !atomic_load(&is_ending); turn++) {
		int64_t now = now_us();
		next_us += (int64_t)(1e6 * workers_count / atomic_load(&rate));
		if (next_us < now)
			next_us = now; /* behind: do not make up for it with a burst */
		sleep_until(next_us);
		int count = atomic_load(&targets_count);
		if (count == 0 || atomic_load(&is_ending))
			continue;
		int target = (int)(turn % (unsigned)count);
		struct outcome outcome;
		struct link *link = &links[target];
		bool keep_alive = !is_fresh_kind && link->uses < CONNECTION_USES_MAX;
		http_ask(&targets[target], link, is_post, keep_alive, timeout_ms, &outcome);
		report_add(target, &outcome);
	}
	for (int i = 0; i < TARGETS_MAX; i++)
		if (links[i].fd >= 0)
			close(links[i].fd);
	return NULL;
}

static void
command(char *line)
{
	char host[128], version[64];
	double value;
	if (strcmp(line, "snap") == 0) {
		report_print(false, atomic_load(&targets_count), atomic_load(&rate));
	} else if (strncmp(line, "add ", 4) == 0) {
		printf("{\"ok\":%s}\n", target_add(line + 4) ? "true" : "false");
	} else if (sscanf(line, "expect %127s %63s", host, version) == 2) {
		printf("{\"ok\":%s}\n", report_expect(host, version) ? "true" : "false");
	} else if (sscanf(line, "rate %lf", &value) == 1 && value > 0) {
		atomic_store(&rate, value);
		printf("{\"ok\":true}\n");
	} else {
		printf("{\"ok\":false}\n");
	}
	fflush(stdout);
}

/* Reads commands until stdin ends or a signal comes. */
static void
commands(int signal_fd)
{
	char input[4096];
	size_t size = 0;
	struct pollfd polled[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = signal_fd, .events = POLLIN } };
	while (poll(polled, 2, -1) >= 0 && !polled[1].revents) {
		ssize_t n = read(STDIN_FILENO, input + size, sizeof input - 1 - size);
		if (n <= 0)
			return;
		size += (size_t)n;
		input[size] = '\0';
		char *line = input, *end;
		while ((end = strchr(line, '\n'))) {
			*end = '\0';
			command(line);
			line = end + 1;
		}
		size = strlen(line);
		memmove(input, line, size + 1);
		if (size == sizeof input - 1)
			size = 0;
	}
}

static int
usage(void)
{
	fprintf(stderr, "usage: checker [-w workers] [-r requests per s] [-t timeout in ms] "
			"[host=address:port[,app=name][,path=/p]]...\n");
	return 64;
}

int
main(int argc, char **argv)
{
	pthread_t threads[WORKERS_MAX];
	sigset_t set;
	for (int option; (option = getopt(argc, argv, "w:r:t:")) != -1;) {
		if (option == 'w')
			workers_count = (int)strtol(optarg, NULL, 10);
		else if (option == 'r')
			atomic_store(&rate, strtod(optarg, NULL));
		else if (option == 't')
			timeout_ms = (int)strtol(optarg, NULL, 10);
		else
			return usage();
	}
	if (workers_count < 1 || workers_count > WORKERS_MAX || atomic_load(&rate) <= 0)
		return usage();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	int signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	report_begin();
	for (int i = optind; i < argc; i++)
		if (!target_add(argv[i]))
			return usage();
	for (int i = 0; i < workers_count; i++)
		pthread_create(&threads[i], NULL, worker, (void *)(intptr_t)i);
	commands(signal_fd);
	atomic_store(&is_ending, true);
	for (int i = 0; i < workers_count; i++)
		pthread_join(threads[i], NULL);
	report_print(true, atomic_load(&targets_count), atomic_load(&rate));
	return 0;
}
