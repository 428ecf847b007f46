/* rules_container.c - the rules of what a container may use and do; see rules.h. */
#include <string.h>

#include "config/rules.h"
#include "config/units.h"

enum { PATH_SIZE = 512 };

static bool
consists_of(struct str s, const char *set)
{
	for (size_t i = 0; i < s.n; i++)
		if (strchr(set, s.p[i]) == NULL)
			return false;
	return s.n > 0;
}

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static bool
is_path(struct str s)
{
	char path[PATH_SIZE];

	return str_copy(path, sizeof(path), s) && rule_path(path) == NULL && path[1] != '\0';
}

const char *
rule_signal(const char *text)
{
	static const char *const known[] = { "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP",
		"SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGKILL" };
	uint64_t number;

	for (size_t i = 0; i < COUNT(known); i++)
		if (strcmp(text, known[i]) == 0)
			return NULL;
	if (strncmp(text, "SIGRTMIN+", 9) == 0 && str_number(str_of(text + 9), 15, &number))
		return NULL;
	return "must be one of SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, "
	       "SIGKILL, or SIGRTMIN+3";
}

const char *
rule_tmpfs(const char *text)
{
	struct str path;
	struct str size = str_cut(str_of(text), ':', &path);
	int64_t bytes;

	if (!is_path(path))
		return "must be an absolute path, with a size behind it or not: /tmp, "
		       "/tmp:64m";
	if (path.n == strlen(text))
		return NULL;
	if (!units_size(size, &bytes) || bytes < 4096)
		return "must end with a size and its unit, at least 4k: /tmp:64m";
	return NULL;
}

const char *
rule_ulimit(const char *text)
{
	static const char *const known[] = { "core", "cpu", "data", "fsize", "locks",
		"memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime",
		"sigpending", "stack" };
	struct str name;
	struct str soft;
	struct str limits = str_cut(str_of(text), '=', &name);
	struct str hard = str_cut(limits, ':', &soft);
	uint64_t low = 0;
	uint64_t high = 0;
	bool is_known = false;

	for (size_t i = 0; i < COUNT(known); i++)
		is_known |= str_is(name, known[i]);
	if (!is_known)
		return "must begin with a limit's name: core, cpu, data, fsize, locks, "
		       "memlock, "
		       "msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack";
	if (soft.n == limits.n)
		hard = soft;
	if (!str_number(soft, INT64_MAX, &low) || !str_number(hard, INT64_MAX, &high))
		return "must be name=number, or name=soft:hard: nofile=1024:2048";
	return low > high ? "has a soft limit above the hard one" : NULL;
}

const char *
rule_log_driver(const char *text)
{
	if (!consists_of(str_of(text), LOWER DIGITS "-") || text[0] == '-')
		return "is no name of a log driver: json-file, local, journald, none, ...";
	return NULL;
}

const char *
rule_log_option(const char *text)
{
	if (!consists_of(str_of(text), LOWER UPPER DIGITS "-_."))
		return "is no name of an option: a-z, 0-9, '-', '_' and '.'";
	return NULL;
}

const char *
rule_capability(const char *text)
{
	if (strncmp(text, "CAP_", 4) == 0)
		return "must be written without CAP_: NET_ADMIN";
	if (!consists_of(str_of(text), UPPER DIGITS "_") || strlen(text) > 40)
		return "is no capability: NET_ADMIN, SYS_PTRACE, ..., or ALL";
	return NULL;
}

const char *
rule_device(const char *text)
{
	struct str host;
	struct str inside;
	struct str mode = str_cut(str_cut(str_of(text), ':', &host), ':', &inside);

	if (!is_path(host) || (host.n != strlen(text) && !is_path(inside)))
		return "must be a device of the host, its name inside, and what is allowed: "
		       "/dev/fuse, /dev/sda:/dev/disk, /dev/sda:/dev/disk:r";
	if (mode.n > 3 || (mode.n > 0 && !consists_of(mode, "rwm"))
	    || text[strlen(text) - 1] == ':')
		return "must end with what is allowed, of r (read), w (write) and m (make)";
	return NULL;
}
