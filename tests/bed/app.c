/* SPDX-License-Identifier: MIT */
/*
 * The app that test containers run: one thread, one epoll, an HTTP server (MODE=http), a TCP
 * echo (MODE=tcp) or a worker that only prints (MODE=worker). The environment says how it
 * misbehaves; tests/bed/image.py lists the knobs. On SIGTERM it takes the connections that
 * already wait, stops accepting, finishes what is in flight and exits 0.
 */
#define _GNU_SOURCE
#include "app.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNS_MAX = 8192, EVENTS_MAX = 256, OUTPUT_HELD_MAX = 80 * 1024 * 1024 };

struct app app;

static struct conn *conns[CONNS_MAX];
static int conns_count;
static int epoll_fd = -1, listen_fd = -1, signal_fd = -1;
static int64_t drain_deadline_ms;

int64_t
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *
env_text(const char *name, const char *fallback)
{
	const char *value = getenv(name);
	return value && *value ? value : fallback;
}

long
env_number(const char *name, long fallback)
{
	const char *value = getenv(name);
	return value && *value ? strtol(value, NULL, 10) : fallback;
}

void
say(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

static void
die(const char *what)
{
	say("fatal: %s: %s", what, strerror(errno));
	exit(70);
}

/* ---- connections ---- */

static void
conn_watch(struct conn *c)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	if (c->output_sent < c->output_size)
		event.events = EPOLLOUT | EPOLLIN;
	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

void
conn_write(struct conn *c, const void *bytes, size_t size)
{
	size_t need = c->output_size + size;
	if (need > OUTPUT_HELD_MAX) {
		c->is_dead = true;
		return;
	}
	if (need > c->output_capacity) {
		c->output_capacity = need * 2;
		c->output = realloc(c->output, c->output_capacity);
	}
	memcpy(c->output + c->output_size, bytes, size);
	c->output_size += size;
}

static void
conn_flush(struct conn *c)
{
	while (!c->is_dead && c->output_sent < c->output_size) {
		ssize_t n = send(c->fd, c->output + c->output_sent,
		    c->output_size - c->output_sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			c->is_dead = true;
		else
			c->output_sent += (size_t)n;
	}
	bool is_done = c->output_sent == c->output_size;
	if (is_done)
		c->output_sent = c->output_size = 0;
	if (is_done == c->is_writing) {
		c->is_writing = !is_done;
		conn_watch(c);
	}
	bool is_idle = c->phase == PHASE_HEAD || c->phase == PHASE_WEBSOCKET;
	if (is_done && c->close_after && is_idle)
		c->is_dead = true;
}

static void
conn_input(struct conn *c)
{
	if (c->phase == PHASE_WEBSOCKET) {
		websocket_input(c);
	} else if (c->phase == PHASE_LINES) {
		conn_write(c, c->input, c->input_size);
		c->input_size = 0;
	} else {
		http_input(c);
	}
}

static void
conn_read(struct conn *c)
{
	while (!c->is_dead && c->input_size < INPUT_SIZE) {
		ssize_t n =
		    recv(c->fd, c->input + c->input_size, INPUT_SIZE - c->input_size, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			c->is_dead = true;
			return;
		}
		c->input_size += (size_t)n;
		c->input[c->input_size] = '\0';
		size_t before = c->input_size;
		conn_input(c);
		if (c->input_size == before && before == INPUT_SIZE)
			return;
	}
}

static void
conn_open(int fd)
{
	if (conns_count == CONNS_MAX) {
		close(fd);
		return;
	}
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	struct conn *c = calloc(1, sizeof *c);
	c->fd = fd;
	conns[conns_count++] = c;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
	if (strcmp(app.mode, "tcp") == 0) {
		char line[512];
		int size = snprintf(line, sizeof line, "%s %s\n", app.version, app.instance);
		c->phase = PHASE_LINES;
		conn_write(c, line, (size_t)size);
		conn_flush(c);
	}
}

static void
accept_all(void)
{
	int fd;
	while ((fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		conn_open(fd);
}

/* Closes what is dead and, while draining, what is idle. */
static void
conns_reap(void)
{
	for (int i = conns_count - 1; i >= 0; i--) {
		struct conn *c = conns[i];
		bool is_idle = c->phase == PHASE_HEAD && c->input_size == 0 && !c->is_writing;
		if (!c->is_dead && !(app.is_draining && (is_idle || c->phase == PHASE_LINES)))
			continue;
		close(c->fd);
		free(c->output);
		free(c->body);
		free(c);
		conns[i] = conns[--conns_count];
	}
}

/* Gives due answers and returns how long to wait for the next one; -1 for as long as it takes.
 */
static int
conns_due(int64_t now)
{
	int64_t wait_ms = -1;
	for (int i = 0; i < conns_count; i++) {
		struct conn *c = conns[i];
		if (c->phase != PHASE_SLOW && c->phase != PHASE_STREAM)
			continue;
		if (c->due_ms <= now) {
			http_due(c);
			conn_input(c);
			conn_flush(c);
		}
		if (c->phase != PHASE_SLOW && c->phase != PHASE_STREAM)
			continue;
		int64_t left_ms = c->due_ms > now ? c->due_ms - now : 0;
		wait_ms = wait_ms < 0 || left_ms < wait_ms ? left_ms : wait_ms;
	}
	return (int)wait_ms;
}

/* ---- the life of the process ---- */

static void
listen_open(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)app.port) };
	int one = 1;
	listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listen_fd, (struct sockaddr *)&any, sizeof any) < 0
	    || listen(listen_fd, 4096) < 0)
		die("listen");
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &listen_fd };
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event);
	say("listening port=%d", app.port);
}

/* What happens by itself as time passes; -1 is "never". */
static struct {
	int64_t listen_ms, exit_ms, print_ms;
	long prints;
} due;

static void
drain_begin(void)
{
	if (env_number("IGNORE_SIGTERM", 0)) {
		say("SIGTERM ignored");
		return;
	}
	if (listen_fd >= 0) {
		accept_all();
		close(listen_fd);
		listen_fd = -1;
	}
	due.listen_ms = -1;
	for (int i = 0; i < conns_count; i++) {
		conn_read(conns[i]); /* a request that already came is answered, not reset */
		conn_flush(conns[i]);
	}
	app.is_draining = true;
	drain_deadline_ms = now_ms() + env_number("DRAIN_MS", 30000);
	say("SIGTERM: draining connections=%d", conns_count);
}

static int
earlier(int64_t wait_ms, int64_t due_ms, int64_t now)
{
	int64_t left_ms = due_ms > now ? due_ms - now : 0;
	return (int)(wait_ms < 0 || left_ms < wait_ms ? left_ms : wait_ms);
}

static void
bad_begin(int64_t from_ms)
{
	long exit_after_ms = env_number("EXIT_AFTER_MS", -1);
	app.bad_from_ms = from_ms;
	due.exit_ms = exit_after_ms < 0 || from_ms == INT64_MAX ? -1 : from_ms + exit_after_ms;
}

static void
due_begin(void)
{
	bool is_worker = strcmp(app.mode, "worker") == 0;
	bool is_told = strcmp(env_text("AFTER", "start"), "SIGUSR1") == 0;
	bad_begin(is_told ? INT64_MAX : app.start_ms);
	due.listen_ms = is_worker ? -1 : app.start_ms + env_number("LISTEN_DELAY_MS", 0);
	due.print_ms = is_worker ? app.start_ms : -1;
}

/* Does what is due and returns how long to wait for the next event. */
static int
due_run(int64_t now)
{
	int wait_ms = conns_due(now);
	if (due.listen_ms >= 0 && now >= due.listen_ms) {
		listen_open();
		due.listen_ms = -1;
	}
	if (due.exit_ms >= 0 && now >= due.exit_ms) {
		say("exit code=%ld after EXIT_AFTER_MS", env_number("EXIT_CODE", 1));
		exit((int)env_number("EXIT_CODE", 1));
	}
	if (due.print_ms >= 0 && now >= due.print_ms) {
		say("working version=%s instance=%s count=%ld", app.version, app.instance,
		    ++due.prints);
		due.print_ms += 1000;
	}
	if (due.listen_ms >= 0)
		wait_ms = earlier(wait_ms, due.listen_ms, now);
	if (due.exit_ms >= 0)
		wait_ms = earlier(wait_ms, due.exit_ms, now);
	if (due.print_ms >= 0)
		wait_ms = earlier(wait_ms, due.print_ms, now);
	return app.is_draining ? earlier(wait_ms, drain_deadline_ms, now) : wait_ms;
}

static void
signal_take(uint32_t number)
{
	if (number == SIGUSR1)
		bad_begin(now_ms());
	else
		drain_begin();
}

static void
event_take(const struct epoll_event *event)
{
	struct signalfd_siginfo info;
	if (event->data.ptr == &listen_fd) {
		accept_all();
	} else if (event->data.ptr == &signal_fd) {
		if (read(signal_fd, &info, sizeof info) == sizeof info)
			signal_take(info.ssi_signo);
	} else {
		struct conn *c = event->data.ptr;
		if (event->events & ~(uint32_t)EPOLLOUT)
			conn_read(c);
		conn_flush(c);
	}
}

static bool
has_drained(void)
{
	return app.is_draining && (conns_count == 0 || now_ms() >= drain_deadline_ms);
}

static void
serve(void)
{
	struct epoll_event events[EVENTS_MAX];
	due_begin();
	while (!has_drained()) {
		int wait_ms = due_run(now_ms());
		conns_reap(); /* an answer that was due may have been its connection's last */
		if (has_drained())
			break;
		int count = epoll_wait(epoll_fd, events, EVENTS_MAX, wait_ms);
		for (int i = 0; i < count; i++)
			event_take(&events[i]);
		conns_reap();
	}
	say("exit code=0 requests=%llu", (unsigned long long)app.requests);
}

static void
memory_hog(long megabytes)
{
	say("taking memory_mb=%ld", megabytes);
	for (long i = 0; i < megabytes; i++) {
		void *page = mmap(
		    NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page != MAP_FAILED)
			memset(page, 1, 1 << 20);
	}
}

static void
signals_open(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &signal_fd };
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, signal_fd, &event);
}

int
main(void)
{
	app.start_ms = now_ms();
	app.name = env_text("APP_NAME", "app");
	app.version = env_text("VERSION", "none");
	app.mode = env_text("MODE", "http");
	app.health = env_text("HEALTH", "ok");
	app.port = (int)env_number("PORT", 8080);
	app.health_fail_after_ms = env_number("HEALTH_FAIL_AFTER_MS", -1);
	app.fail_after_ms = env_number("FAIL_AFTER_MS", -1);
	app.error_after_ms = env_number("ERROR_AFTER_MS", -1);
	app.health_fail_until_ms = env_number("HEALTH_FAIL_UNTIL_MS", 0);
	app.health_slow_ms = env_number("HEALTH_SLOW_MS", 0);
	gethostname(app.instance, sizeof app.instance - 1);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	signals_open();
	say("start app=%s version=%s instance=%s mode=%s", app.name, app.version, app.instance,
	    app.mode);
	for (long i = 0; i < env_number("LOG_LINES", 0); i++)
		say("log line %ld of version %s", i + 1, app.version);
	if (getenv("EXIT_AT_START")) {
		say("exit code=%ld at start", env_number("EXIT_AT_START", 1));
		return (int)env_number("EXIT_AT_START", 1);
	}
	if (env_number("MEMORY_HOG_MB", 0) > 0)
		memory_hog(env_number("MEMORY_HOG_MB", 0));
	serve();
	return 0;
}
