/* edge_reload.c - HAProxy takes another structure, or loses its socket, or was reloaded by others.
 *
 * The one idea: a reload is a planned loss. Files are written, the master is told, then a worker is
 * waited for that has the structure of the files; operations begin again with that one. */
#include "ports/edge_inside.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"

enum {
	RELOAD_US = 10000000, /* a reload takes 40 ms, with many certificates some seconds */
	RELOAD_LOOK_MS = 5,
	RELOAD_PAUSE_US = 5000000, /* after one that failed */
};

bool
edge_wants_reload(const struct edge *edge)
{
	return edge->structure != edge_structure(edge)
	       && clock_mono_us() >= edge->reload_after_us;
}

void
edge_reload_failed(struct edge *edge)
{
	struct err err;
	char why[ERR_TEXT_SIZE] = "it does not say why; see edge.log";

	edge_fault_read(edge, why, sizeof(why));
	edge_fault_set(edge, "HAProxy keeps its old configuration: %s", why);
	edge->reload_after_us = clock_mono_us() + RELOAD_PAUSE_US;
	/* A TCP route that HAProxy did not take must leave the files too, or HAProxy could not even
	 * be started from them. */
	for (struct edge_stage *stage = edge->stages; stage != NULL; stage = stage->next)
		edge_tcp_drop_unborn(stage);
	if (edge_files_write(edge, &err) != 0)
		edge_fault_set(edge, "%s", err.text);
}

static void
on_failures(void *context, bool is_answered, struct str answer)
{
	struct edge *edge = context;
	static const char none[] = "[failed: 0]";

	if (!is_answered || edge->link != EDGE_LINK_RELOADING)
		return;
	/* The master says so at once; otherwise the worker's silence would be waited for. */
	if (memmem(answer.p, answer.n, "[failed: ", 9) != NULL
	    && memmem(answer.p, answer.n, none, sizeof(none) - 1) == NULL)
		edge->reload_until_us = 1;
	edge_socket_close(edge->master);
}

/* The master executes itself anew, so its connection ends instead of an answer. */
static void
on_reload(void *context, bool is_answered UNUSED, struct str answer UNUSED)
{
	struct edge *edge = context;

	if (edge->link != EDGE_LINK_RELOADING)
		return;
	edge->is_reload_sent = true;
	edge->has_old_workers = true;
	edge_socket_close(edge->stats);
	loop_timer_set(edge->link_timer, RELOAD_LOOK_MS);
}

void
edge_on_master_state(void *context, bool is_up)
{
	struct edge *edge = context;

	if (!is_up || edge->link != EDGE_LINK_RELOADING)
		return;
	if (edge->is_reload_sent)
		edge_ask(edge->master, on_failures, edge, "show proc");
	else
		edge_ask(edge->master, on_reload, edge, "reload");
}

static void
send_reload(struct edge *edge)
{
	edge_fault_forget(edge);
	edge->link = EDGE_LINK_RELOADING;
	edge->is_reload_sent = false;
	edge->reload_until_us = clock_mono_us() + RELOAD_US;
	if (edge_socket_is_up(edge->master))
		edge_on_master_state(edge, true);
	loop_timer_set(edge->link_timer, RELOAD_LOOK_MS);
}

void
edge_reload(struct edge *edge)
{
	struct err err;

	CHECK(edge->link == EDGE_LINK_UP);
	if (edge_files_write(edge, &err) != 0) {
		edge_fault_set(edge, "%s", err.text);
		edge->reload_after_us = clock_mono_us() + RELOAD_PAUSE_US;
		return;
	}
	log_info(NULL, "edge.reload", "HAProxy takes a new structure");
	edge_suspend_all(edge);
	send_reload(edge);
}

void
edge_reload_look(struct edge *edge)
{
	bool is_late = clock_mono_us() >= edge->reload_until_us;

	edge_socket_open(edge->master);
	if (!edge->is_reload_sent && !is_late) {
		loop_timer_set(edge->link_timer, RELOAD_LOOK_MS);
		return;
	}
	if (edge_socket_is_up(edge->stats))
		edge_load(edge);
	else if (!edge_socket_open(edge->stats)) {
		if (is_late)
			edge_go_down(edge);
		else
			loop_timer_set(edge->link_timer, RELOAD_LOOK_MS);
	}
}

/* A reload that we did not ask for (a signal to HAProxy's master) leaves us with a worker that only
 * ends what it has. Operations begin again with the new one, which came up from our files. */
void
edge_follow_reload(struct edge *edge)
{
	CHECK(edge->link == EDGE_LINK_UP);
	log_info(NULL, "edge.reloaded",
	    "HAProxy was reloaded by somebody else; its new process is asked from now on");
	edge_suspend_all(edge);
	edge_socket_close(edge->stats);
	edge_socket_close(edge->master);
	edge->has_old_workers = true;
	edge->link = EDGE_LINK_DOWN;
	edge->link_delay_ms = 0;
	loop_timer_set(edge->link_timer, RELOAD_LOOK_MS);
}

static const char *const stats_names[] = { "stats.sock", "stats-2.sock" };

void
edge_stats_path(const struct edge *edge, char path[EDGE_PATH_SIZE])
{
	edge_path(edge, stats_names[edge->stats_name], path);
}

static void
use_stats_name(struct edge *edge, int name)
{
	char path[EDGE_PATH_SIZE];

	edge->stats_name = name;
	edge_stats_path(edge, path);
	edge_socket_move(edge->stats, path);
}

static bool
is_there(const struct edge *edge, const char *name)
{
	char path[EDGE_PATH_SIZE];

	edge_path(edge, name, path);
	return access(path, F_OK) == 0;
}

/* Not while it starts, or fails to: its sockets are not there yet then. */
static bool
is_serving(const struct edge *edge)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[EDGE_PATH_SIZE];
	bool is_open;
	int fd;

	edge_path(edge, "probe.sock", path);
	if (!str_copy(address.sun_path, sizeof(address.sun_path), str_of(path)))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	is_open = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return is_open;
}

/* HAProxy keeps a socket that it has over all reloads, and nobody can give it back the name that was
 * removed; but a socket of another name is made by a reload, which the master is asked for. */
bool
edge_socket_revive(struct edge *edge)
{
	int other = 1 - edge->stats_name;
	struct err err;

	if (is_there(edge, stats_names[other])) {
		use_stats_name(
		    edge, other); /* perhaps it is this one: the next try will tell */
		return false;
	}
	if (is_there(edge, stats_names[edge->stats_name]))
		return false;
	if (!edge_socket_open(edge->master)) {
		if (!is_there(edge, "master.sock") && is_serving(edge))
			edge_fault_set(edge,
			    "HAProxy runs, but its sockets in %s were removed: restart the "
			    "edge;"
			    " until then routes stay as they are",
			    edge->directory);
		return false;
	}
	if (!edge_socket_is_up(edge->master))
		return false;
	log_warn(NULL, "edge.socket_gone",
	    "%s/%s was removed; HAProxy makes another socket by a reload", edge->directory,
	    stats_names[edge->stats_name]);
	use_stats_name(edge, other);
	edge_fill_from_store(edge);
	if (edge_files_write(edge, &err) != 0) {
		edge_fault_set(edge, "%s", err.text);
		return false;
	}
	send_reload(edge);
	return true;
}
