/* edge_process.c - finding, starting and asking after the process that keeps HAProxy.
 *
 * The one idea: a lock on <directory>/lock is held by `slipway edge` and, inherited, by HAProxy. So
 * "the lock is taken" means "an edge runs", even when its keeper was killed, and two HAProxies
 * can never share a directory. */
#include "ports/edge_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

bool
edge_process_lives(const struct edge *edge)
{
	char path[EDGE_PATH_SIZE];
	bool is_free;
	int fd;

	edge_path(edge, "lock", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return !is_free;
}

/* HAProxy reads what strangers send, and both outlive this process for months: they get what they
 * need, never the token or a registry's password. */
void
edge_environment(char *kept[EDGE_ENVIRONMENT_SIZE])
{
	static const char *const heads[] = { "PATH=", "LANG=", "TZ=", "SLIPWAY_DATA=",
		"SLIPWAY_HAPROXY=", "SLIPWAY_EDGE", "SLIPWAY_LOG_" };
	size_t count = 0;

	for (char **at = environ; *at != NULL; at++)
		for (size_t i = 0; i < COUNT(heads); i++)
			if (str_starts(str_of(*at), heads[i])
			    && count < EDGE_ENVIRONMENT_SIZE - 1)
				kept[count++] = *at;
	kept[count] = NULL;
}

/* Its own session and no open descriptor of ours: it must not notice how we end. Its output goes to
 * a log of its own, because ours may be a pipe that ends with us. */
static int
spawn_keeper(
    const struct edge *edge, const char *program, char *const *arguments, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all;
	sigset_t none;
	char log[EDGE_PATH_SIZE];
	char *environment[EDGE_ENVIRONMENT_SIZE];
	int result;

	edge_path(edge, "edge.log", log);
	edge_environment(environment);
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(
	    &actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	result = posix_spawn(ret_pid, program, &actions, &attributes, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return result;
}

int
edge_process_spawn(struct edge *edge, struct err *err)
{
	char program[EDGE_PATH_SIZE];
	char name[] = "slipway";
	char command[] = "edge";
	char *arguments[] = { name, command, NULL };
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	pid_t pid;
	int result;

	if (n < 0)
		return err_errno(err, "cannot find our own program to start the edge");
	program[n] = '\0';
	edge_process_reap(edge);
	result = spawn_keeper(edge, program, arguments, &pid);
	if (result != 0)
		return err_set(
		    err, "cannot start the edge (%s edge): %s", program, strerror(result));
	edge->child = pid;
	return 0;
}

/* Only one that has ended; one that runs is left alone. */
void
edge_process_reap(struct edge *edge)
{
	if (edge->child != 0 && waitpid(edge->child, NULL, WNOHANG) != 0)
		edge->child = 0;
}

bool
edge_fault_read(const struct edge *edge, char *text, size_t size)
{
	char path[EDGE_PATH_SIZE];
	struct buf content;
	struct err ignored;
	bool is_there;

	edge_path(edge, "fault", path);
	buf_init(&content, ERR_TEXT_SIZE);
	is_there = file_read(path, &content, &ignored) == 0 && content.n > 0;
	if (is_there)
		snprintf(text, size, "%s", buf_cstr(&content));
	buf_free(&content);
	return is_there;
}

void
edge_fault_forget(const struct edge *edge)
{
	char path[EDGE_PATH_SIZE];

	edge_path(edge, "fault", path);
	unlink(path);
}

static bool
is_program(const char *path)
{
	return access(path, X_OK) == 0;
}

/* A bare name is looked for in PATH and in the folder where Debian puts HAProxy, which is not in
 * everybody's PATH. */
int
edge_haproxy_find(const char *name, char path[EDGE_PATH_SIZE], struct err *err)
{
	const char *folders = getenv("PATH");
	struct str rest = str_of(folders == NULL ? "" : folders);

	if (strchr(name, '/') != NULL) {
		if (!is_program(name))
			return err_errno(err,
			    "HAProxy: %s cannot be run: install the Debian package haproxy"
			    " (apt-get install haproxy), or set SLIPWAY_HAPROXY",
			    name);
		snprintf(path, EDGE_PATH_SIZE, "%s", name);
		return 0;
	}
	while (rest.n > 0) {
		struct str folder;

		rest = str_cut(rest, ':', &folder);
		snprintf(path, EDGE_PATH_SIZE, "%.*s/%s", (int)folder.n, folder.p, name);
		if (folder.n > 0 && is_program(path))
			return 0;
	}
	snprintf(path, EDGE_PATH_SIZE, "/usr/sbin/%s", name);
	if (is_program(path))
		return 0;
	return err_set(err,
	    "%s was not found in PATH: install the Debian package haproxy (apt-get"
	    " install haproxy), set SLIPWAY_HAPROXY to its path, or SLIPWAY_EDGE=off",
	    name);
}
