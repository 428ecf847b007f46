/* names_check.c - see names_check.h. */
#include "ports/names_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/loop.h"
#include "ports/names.h"
#include "ports/names_inside.h"

enum { AGAIN_MS = 50 };

struct names_check {
	struct loop *loop;
	char mark[NAMES_MARK_SIZE];
	struct name_target targets[REPLICAS_MAX];
	size_t count;
	int64_t until_us;
	int fd; /* -1: none */
	struct loop_io *io;
	struct loop_timer *timer; /* asks again */
	struct buf query;
	char trouble[REASON_SIZE];
	names_check_fn *done;
	void *context;
};

void
names_check_free(struct names_check *check)
{
	if (check == NULL)
		return;
	loop_io_free(check->io);
	loop_timer_free(check->timer);
	if (check->fd >= 0)
		close(check->fd);
	buf_free(&check->query);
	free(check);
}

static void
finish(struct names_check *check, bool is_good)
{
	names_check_fn *done = check->done;
	void *context = check->context;
	char trouble[REASON_SIZE];

	memcpy(trouble, check->trouble, sizeof(trouble));
	names_check_free(check);
	done(context, is_good ? NULL : trouble);
}

static bool
is_told(const struct names_check *check, const struct name_target *said, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *port = strrchr(check->targets[i].address, ':');

		/* Both are in the order of the table. */
		if (said[i].deploy != check->targets[i].deploy
		    || said[i].replica != check->targets[i].replica || port == NULL
		    || strcmp(said[i].address, port) != 0)
			return false;
	}
	return count == check->count;
}

static void
on_answer(void *context, int ready UNUSED)
{
	struct names_check *check = context;
	struct name_target said[REPLICAS_MAX];
	char packet[NAMES_UDP_MAX];
	size_t count = 0;
	ssize_t n = recv(check->fd, packet, sizeof(packet), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		snprintf(check->trouble, sizeof(check->trouble), "nobody tells names on %s",
		    check->targets[0].listen);
	else if (names_read_answer(check->mark, buf_view(&check->query),
		     (struct str){ packet, (size_t)n }, said, REPLICAS_MAX, &count)
		 != 0)
		snprintf(check->trouble, sizeof(check->trouble),
		    "another name server answers on %s, or the edge of another Slipway",
		    check->targets[0].listen);
	else if (is_told(check, said, count))
		finish(check, true);
	else
		snprintf(check->trouble, sizeof(check->trouble),
		    "the name server on %s does not follow this Slipway's file",
		    check->targets[0].listen);
}

static void
ask(void *context)
{
	struct names_check *check = context;

	if (clock_mono_us() > check->until_us) {
		finish(check, false);
		return;
	}
	loop_timer_set(check->timer, AGAIN_MS);
	if (check->fd < 0) {
		struct sockaddr_storage address;
		socklen_t size = names_socket_address(check->targets[0].listen, &address);

		check->fd =
		    socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (check->fd < 0)
			return;
		check->io = loop_io_new(check->loop, check->fd, LOOP_READ, on_answer, check);
		(void)connect(check->fd, (struct sockaddr *)&address, size);
	}
	(void)send(check->fd, check->query.p, check->query.n, MSG_NOSIGNAL);
}

struct names_check *
names_check_new(struct loop *loop, const char *mark, const struct name_target *targets,
    size_t count, int64_t wait_ms, names_check_fn *done, void *context)
{
	struct names_check *check = calloc(1, sizeof(*check));
	struct names sorted = { .targets = check == NULL ? NULL : check->targets };
	uint16_t id;

	CHECK(check != NULL && count > 0 && count <= REPLICAS_MAX);
	check->loop = loop;
	snprintf(check->mark, sizeof(check->mark), "%s", mark);
	memcpy(check->targets, targets, count * sizeof(*targets));
	check->count = sorted.count = count;
	names_sort(&sorted);
	check->until_us = clock_mono_us() + wait_ms * 1000;
	check->fd = -1;
	check->done = done;
	check->context = context;
	snprintf(check->trouble, sizeof(check->trouble), "nobody tells names on %s",
	    targets[0].listen);
	buf_init(&check->query, NAMES_QUERY_MAX);
	random_bytes(&id, sizeof(id));
	names_ask(mark, targets[0].stage, id, &check->query);
	check->timer = loop_timer_new(loop, ask, check);
	loop_timer_set(check->timer, 0);
	return check;
}
