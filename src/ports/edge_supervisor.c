/* edge_supervisor.c - `slipway edge`: keeps HAProxy running, and tells Caddy names.
 *
 * The one idea: it knows nothing of routes. It starts HAProxy from the files, which the server keeps
 * current, and starts it again when it dies; names come from a file, too (names_server.h). What HAProxy complains of goes to the log, and the
 * first complaint also to the file `fault`, where the server finds it. */
#include "ports/edge_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/names_server.h"

enum {
	DELAY_MAX_MS = 5000,
	STEADY_US = 1000000, /* HAProxy that ran so long is started again at once */
	STOP_MS = 30000, /* for requests in flight when we are asked to end */
	KILL_MS = 5000,
	LINE_MAX_BYTES = 4096,
	LOCK_TRIES = 20,
};

enum stopping { RUNNING, STOPPING_SOFTLY, STOPPING, KILLING };

struct supervisor {
	struct edge edge; /* directory, files, program */
	struct loop *loop;
	struct loop_timer *timer; /* start again, or the next way to stop */
	struct names_server *names;
	struct loop_io *child_io;
	struct loop_io *pipe_io;
	pid_t child; /* 0: none */
	int child_fd;
	int pipe_fd;
	struct buf said;
	int64_t started_us;
	int64_t delay_ms;
	enum stopping stopping;
	bool is_over;
	bool has_fault; /* of this start */
};

static void start(struct supervisor *s);

/* "[ALERT]    (123) : Binding [...] for frontend http: cannot bind socket (Address already in use)
 * for [127.0.0.1:80]" becomes a sentence that says what to do; of "config : parsing [file:12] : cause"
 * the cause is left, since the file is not the person's. */
static void
explain(struct str alert, char *text, size_t size)
{
	char line[LINE_MAX_BYTES];
	const char *bind;
	const char *address;
	const char *cause;

	snprintf(line, sizeof(line), "%.*s", (int)alert.n, alert.p);
	bind = strstr(line, "cannot bind socket");
	address = bind == NULL ? NULL : strrchr(bind, '[');
	cause = strstr(line, "] : ");
	if (address == NULL)
		snprintf(text, size, "HAProxy says: %s", cause != NULL ? cause + 4 : line);
	else if (strstr(bind, "Permission denied") != NULL)
		snprintf(text, size,
		    "the edge may not listen on %s: ports below 1024 need root or the"
		    " capability CAP_NET_BIND_SERVICE; give it, or choose another port",
		    address);
	else
		snprintf(text, size,
		    "the edge cannot listen on %s: another program does already (find it"
		    " with `ss -ltnp`); stop it, or choose another address",
		    address);
}

static void
keep_fault(struct supervisor *s, struct str alert)
{
	char text[ERR_TEXT_SIZE];
	char path[EDGE_PATH_SIZE];
	struct err err;

	if (s->has_fault)
		return;
	s->has_fault = true;
	explain(alert, text, sizeof(text));
	log_error(NULL, "edge.fault", "%s", text);
	edge_path(&s->edge, "fault", path);
	if (file_replace(path, str_of(text), &err) != 0)
		log_error(NULL, "edge.fault", "%s", err.text);
}

/* Each change over the runtime socket makes a warning of HAProxy: those are for debugging only. */
static void
take_line(struct supervisor *s, struct str line)
{
	struct str text;

	line = str_trim(line);
	if (line.n == 0)
		return;
	edge_log_bound(&s->edge);
	text = str_trim(str_cut(line, ':', &(struct str){ "", 0 }));
	if (str_starts(line, "[ALERT]")) {
		log_error(NULL, "edge.haproxy", "%.*s", (int)line.n, line.p);
		/* The first says the cause; a worker that was killed is told by its exit. */
		if (str_starts(text, "Binding") || str_starts(text, "Starting")
		    || str_starts(text, "config") || str_starts(text, "parsing"))
			keep_fault(s, text);
	} else if (str_starts(text, "Reloading HAProxy")) {
		log_info(NULL, "edge.haproxy", "%.*s", (int)line.n, line.p);
		s->has_fault = false; /* complaints before it were about something else */
	} else {
		log_debug(NULL, "edge.haproxy", "%.*s", (int)line.n, line.p);
	}
}

static void
close_pipe(struct supervisor *s)
{
	loop_io_free(s->pipe_io);
	s->pipe_io = NULL;
	if (s->pipe_fd >= 0)
		close(s->pipe_fd);
	s->pipe_fd = -1;
	buf_clear(&s->said);
}

/* False: there is nothing to read until the pipe tells so again. */
static bool
read_said(struct supervisor *s)
{
	char piece[LINE_MAX_BYTES];
	ssize_t n = s->pipe_fd < 0 ? 0 : read(s->pipe_fd, piece, sizeof(piece));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		close_pipe(s);
		return false;
	}
	buf_add(&s->said, piece, (size_t)n);
	if (s->said.overflow)
		buf_clear(&s->said);
	for (;;) {
		const char *end = s->said.n == 0 ? NULL : memchr(s->said.p, '\n', s->said.n);

		if (end == NULL)
			return true;
		take_line(s, (struct str){ s->said.p, (size_t)(end - s->said.p) });
		buf_consume(&s->said, (size_t)(end - s->said.p) + 1);
	}
}

static void
on_said(void *context, int ready UNUSED)
{
	read_said(context);
}

static void
on_ended(void *context, int ready UNUSED)
{
	struct supervisor *s = context;
	siginfo_t info = { .si_pid = 0 };
	bool was_steady = clock_mono_us() - s->started_us > STEADY_US;

	if (waitid(P_PIDFD, (id_t)s->child_fd, &info, WEXITED | WNOHANG) != 0
	    || info.si_pid == 0)
		return;
	loop_io_free(s->child_io);
	close(s->child_fd);
	s->child = 0;
	while (read_said(s)) /* what it said last explains its end */
		;
	close_pipe(s);
	if (s->stopping != RUNNING) {
		s->is_over = true;
		return;
	}
	s->delay_ms = was_steady ? 0 : s->delay_ms == 0 ? 100 : s->delay_ms * 2;
	if (s->delay_ms > DELAY_MAX_MS)
		s->delay_ms = DELAY_MAX_MS;
	log_error(NULL, "edge.died",
	    "HAProxy ended (%s %d); it is started again in %" PRId64 " ms",
	    info.si_code == CLD_EXITED ? "status" : "signal", info.si_status, s->delay_ms);
	loop_timer_set(s->timer, s->delay_ms);
}

static int
spawn_haproxy(struct supervisor *s, int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all;
	sigset_t none;
	char config[EDGE_PATH_SIZE];
	char socket[EDGE_PATH_SIZE];
	char *environment[EDGE_ENVIRONMENT_SIZE];
	char words[][4] = { "-W", "-f", "-S" };
	char *arguments[] = { s->edge.haproxy, words[0], words[1], config, words[2], socket,
		NULL };
	int result;

	edge_path(&s->edge, "haproxy.cfg", config);
	edge_path(&s->edge, "master.sock", socket);
	edge_environment(environment);
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, out, 2);
	/* Of its own process group: a Ctrl-C in a terminal is for us, who end it softly. */
	posix_spawnattr_setflags(&attributes,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	result = posix_spawn(
	    ret_pid, s->edge.haproxy, &actions, &attributes, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return result;
}

static void
start(struct supervisor *s)
{
	int ends[2];
	int result;

	CHECK(s->child == 0);
	edge_log_bound(&s->edge);
	edge_fault_forget(&s->edge);
	s->has_fault = false;
	s->started_us = clock_mono_us();
	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	result = spawn_haproxy(s, ends[1], &s->child);
	close(ends[1]);
	if (result != 0) {
		close(ends[0]);
		s->child = 0;
		log_error(NULL, "edge.fault", "cannot start %s: %s", s->edge.haproxy,
		    strerror(result));
		loop_timer_set(s->timer, DELAY_MAX_MS);
		return;
	}
	s->pipe_fd = ends[0];
	s->pipe_io = loop_io_new(s->loop, s->pipe_fd, LOOP_READ, on_said, s);
	s->child_fd = pidfd_open(s->child, 0);
	CHECK(s->child_fd >= 0);
	s->child_io = loop_io_new(s->loop, s->child_fd, LOOP_READ, on_ended, s);
	log_event(LOG_INFO, NULL, "edge.started",
	    (struct log_field[]){ LOG_NUMBER("pid", s->child), LOG_END },
	    "HAProxy was started");
}

static void
stop(struct supervisor *s)
{
	static const int signals[] = { 0, SIGUSR1, SIGTERM, SIGKILL };

	if (s->stopping < KILLING)
		s->stopping++;
	if (s->child == 0) {
		s->is_over = true;
		return;
	}
	kill(s->child, signals[s->stopping]);
	loop_timer_set(s->timer, s->stopping == STOPPING_SOFTLY ? STOP_MS : KILL_MS);
}

static void
on_time(void *context)
{
	struct supervisor *s = context;

	if (s->stopping == RUNNING)
		start(s);
	else
		stop(s);
}

static void
on_signal(void *context)
{
	struct supervisor *s = context;

	log_info(NULL, "edge.stopping",
	    s->stopping == RUNNING ? "the edge ends; requests in flight have %d s"
				   : "the edge ends now",
	    STOP_MS / 1000);
	stop(s);
}

/* The descriptor stays open and is inherited by HAProxy: see edge_process.c. Whoever looks whether it
 * is free holds it for a moment, hence the tries. */
static int
take_lock(const struct edge *edge, int *ret_fd, struct err *err)
{
	char path[EDGE_PATH_SIZE];
	int fd;

	edge_path(edge, "lock", path);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		return err_errno(err, "cannot open %s", path);
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			*ret_fd = fd;
			return 0;
		}
		usleep(50000);
	}
	close(fd);
	return err_set(err,
	    "an edge runs already in %s; stop it first (its processes: `fuser %s`)",
	    edge->directory, path);
}

/* Before the first `serve` there are no files: an edge without routes is right then. */
static int
make_files(struct edge *edge, struct err *err)
{
	char path[EDGE_PATH_SIZE];

	edge_path(edge, "haproxy.cfg", path);
	if (access(path, R_OK) == 0)
		return 0;
	edge_pool_grow(edge, EDGE_BACKENDS_MIN);
	return edge_files_write(edge, err);
}

static void
run(struct supervisor *s)
{
	struct loop_signal *signals[2];

	signals[0] = loop_signal_new(s->loop, SIGTERM, on_signal, s);
	signals[1] = loop_signal_new(s->loop, SIGINT, on_signal, s);
	start(s);
	while (!s->is_over)
		loop_turn(s->loop, true);
	for (size_t i = 0; i < COUNT(signals); i++)
		loop_signal_free(signals[i]);
	edge_fault_forget(&s->edge);
	log_info(NULL, "edge.stopped", "the edge has ended");
}

int
edge_run(const struct edge_settings *settings, struct err *err)
{
	struct supervisor s = { .pipe_fd = -1 };
	int lock = -1;

	if (edge_settings_take(&s.edge, settings, err) != 0
	    || take_lock(&s.edge, &lock, err) != 0)
		return 1;
	if (make_files(&s.edge, err) != 0) {
		close(lock);
		return 1;
	}
	signal(SIGHUP, SIG_IGN); /* the end of a terminal is not the end of the traffic */
	signal(SIGPIPE, SIG_IGN);
	s.loop = loop_new();
	s.timer = loop_timer_new(s.loop, on_time, &s);
	s.names = names_server_new(s.loop, s.edge.directory, false);
	buf_init(&s.said, 16 * LINE_MAX_BYTES);
	run(&s);
	buf_free(&s.said);
	names_server_free(s.names);
	loop_timer_free(s.timer);
	loop_free(s.loop);
	edge_stages_free(&s.edge);
	close(lock);
	return 0;
}
