/* fetch_watch.c - see fetch_watch.h. The descriptors are curl's; only the watching is ours. */
#include "ports/fetch_watch.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/loop.h"

struct watch {
	LIST_ENTRY(watch) entry;
	struct watches *watches;
	struct loop_io *io;
	int fd;
};

static void
on_io(void *context, int ready)
{
	struct watch *watch = context;

	watch->watches->on_ready(watch->watches->context, watch->fd, ready);
}

struct watch *
watch_set(struct watches *watches, struct watch *watch, int fd, int wanted)
{
	if (watch == NULL) {
		watch = calloc(1, sizeof(*watch));
		CHECK(watch != NULL);
		watch->watches = watches;
		watch->fd = fd;
		watch->io = loop_io_new(watches->loop, fd, 0, on_io, watch);
		LIST_INSERT_HEAD(&watches->all, watch, entry);
	}
	loop_io_want(watch->io, wanted);
	return watch;
}

void
watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	LIST_REMOVE(watch, entry);
	loop_io_free(watch->io);
	free(watch);
}

void
watches_free_all(struct watches *watches)
{
	struct watch *next;

	for (struct watch *watch = LIST_FIRST(&watches->all); watch != NULL; watch = next) {
		next = LIST_NEXT(watch, entry);
		watch_free(watch);
	}
}
