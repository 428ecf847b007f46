/* fetch_watch.h - the descriptors that curl wants watched, for fetch.c alone. */
#ifndef SLIPWAY_PORTS_FETCH_WATCH_H
#define SLIPWAY_PORTS_FETCH_WATCH_H

#include <sys/queue.h>

struct loop;
struct watch;

LIST_HEAD(watch_list, watch);

struct watches {
	struct watch_list all;
	struct loop *loop;
	void (*on_ready)(void *context, int fd, int ready); /* the watch may be freed in it */
	void *context;
};

/* wanted: set of LOOP_READ, LOOP_WRITE. Makes a watch when there is none; returns it. */
struct watch *watch_set(struct watches *watches, struct watch *watch, int fd, int wanted);
void watch_free(struct watch *watch); /* NULL allowed */
void watches_free_all(struct watches *watches);

#endif
