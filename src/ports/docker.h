/* docker.h - the port to Docker engines: images, containers, the health gate, the sweep.
 *
 * Performs PULL, RUN, PROBE, REMOVE, RETIRE, HALT, REVIVE, SURVEY and COLLECT (see actors/kinds.h). Every
 * effect may be asked again after a crash: containers are found by name and labels, and
 * what is done already is not done twice. Engines are known by the ids of the catalog; each
 * is spoken to in the newest version of the API that both sides know. */
#ifndef SLIPWAY_PORTS_DOCKER_H
#define SLIPWAY_PORTS_DOCKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/str.h"
#include "config/file.h"
#include "ports/environment.h"
#include "ports/port.h"

struct docker;
struct docker_logs;
struct docker_sockets;
struct image;
struct retention_rules;

/* What a proxy has counted of the requests to a deploy's containers. */
struct docker_traffic {
	uint64_t requests;
	uint64_t failures; /* error responses, or none */
};

/* What the port asks of and tells to the program around it, always from a loop turn or from
 * inside docker_perform(). The context is handed to each. */
struct docker_settings {
	const char
	    *store_uuid; /* on every container; others' containers are never touched; copied */
	/* A deploy of that stage is under way. */
	bool (*stage_is_busy)(void *context, uint64_t stage_id);
	/* The deploy that serves it; 0: none. */
	uint64_t (*stage_live)(void *context, uint64_t stage_id);
	/* The deploys that served it before and still run; returns how many. */
	size_t (*stage_kept)(void *context, uint64_t stage_id, uint64_t ret_deploys[KEPT_MAX]);
	/* Requests may still come to a version that is not kept any more, by its tag. NULL: never. */
	bool (*is_led_to)(void *context, uint64_t deploy_id, uint64_t spec_id);
	/* The deploy that has its traffic on trial, while the one before counts as live; 0: none;
	 * NULL: there is never one. */
	uint64_t (*stage_trial)(void *context, uint64_t stage_id);
	/* Something happened to containers of ours: a survey is worth while. At most every
	 * 100 ms. */
	void (*nudge)(void *context, uint64_t engine_id);
	/* A survey has changed the rows of the instances of this deploy, live, kept or on trial
	 * (status or address). */
	void (*instances_changed)(void *context, uint64_t deploy_id);
	/* false: its requests do not come by the edge, or the edge is not there just now. NULL: nobody
	 * counts. */
	bool (*traffic)(void *context, uint64_t stage_id, uint64_t deploy_id,
	    struct docker_traffic *ret_traffic);
	void *context;
	const struct config_rules *rules; /* what stages may have of their host */
	struct environment environment; /* of the values that specs only name */
	const struct retention_rules *keep; /* which images stay */
	int64_t
	    disk_floor_mb; /* without so much room nothing is pulled; 0: whatever there is */
};

struct docker *
docker_new(const struct port_host *host, const struct docker_settings *settings);
void docker_free(struct docker *docker); /* drops everything under way; NULL allowed */

/* Answers once, by host->answer, unless a newer effect for the same actor comes before. */
void docker_perform(struct docker *docker, const struct effect *effect);

/* The actor is over: nobody waits for what was done for it any more. */
void docker_forget(struct docker *docker, uint64_t actor);

/* Follows the events of every engine in the catalog, and of no other. Call it at start and
 * after every apply. */
void docker_watch(struct docker *docker);

/* What is known of an engine just now, without asking it. */
struct docker_status {
	bool is_known; /* somebody has talked to it, or tried to */
	bool is_reachable;
	int64_t since_ms; /* of is_reachable */
	char version[32]; /* "20.10.24"; "" before the first contact */
	char api[16]; /* the version spoken: "1.41" */
	char platform[48]; /* "linux/amd64" */
	char why[REASON_SIZE]; /* not reachable: why, and the remedy */
};

void docker_engine_status(
    const struct docker *docker, uint64_t engine_id, struct docker_status *ret_status);

/* The output of one container, line by line. */
struct docker_logs_request {
	uint64_t deploy_id; /* whose container it is; says which engine */
	const char *container_id; /* copied */
	int tail; /* last lines to begin with; -1: all */
	bool follow; /* go on until cancelled or the container ends */
	bool timestamps; /* each line begins with its time */
	void (*on_line)(void *context, bool is_error_stream, struct str line);
	void (*on_end)(void *context, const char *why); /* why: NULL when all was read */
	void *context;
};

/* on_end comes exactly once, from a loop turn, unless cancelled before. */
struct docker_logs *
docker_logs_start(struct docker *docker, const struct docker_logs_request *request);
void docker_logs_cancel(struct docker_logs *logs); /* not after on_end */

/* What one container uses, as its engine counts it just now. */
struct docker_usage {
	int64_t
	    cpu_ns; /* of all processors, since it was started; two looks give the share between */
	int64_t memory_bytes; /* without what is only cached */
	int64_t memory_limit_bytes; /* of the container, or of the machine */
	int64_t process_count;
};

/* usage NULL: why says what is wrong; both NULL: the port ends, only the context is to be freed. */
typedef void docker_usage_fn(void *context, const struct docker_usage *usage, const char *why);

/* on_done comes exactly once, from a loop turn, within USAGE_MS. */
void docker_usage_ask(struct docker *docker, uint64_t deploy_id, const char *container_id,
    docker_usage_fn *on_done, void *context);

/* What an engine has of the images that Slipway pulled, as it was told just now. */
struct docker_images;
struct docker_image_seen {
	bool is_there;
	int64_t bytes; /* with layers that it shares with others */
	char tag[IMAGE_SIZE + TAG_SIZE]; /* a name that somebody gave it; "": none */
	char container[128]; /* one that is made of it; "": none */
};
struct docker_disk {
	bool is_known;
	int64_t free_bytes;
	int64_t all_bytes;
	char folder[512]; /* where the engine keeps its images */
	char why[REASON_SIZE]; /* not known: why, and the remedy */
};
void docker_images_find(const struct docker_images *images, const struct image *image,
    struct docker_image_seen *ret);
const struct docker_disk *docker_images_disk(const struct docker_images *images);

/* images NULL: why says what is wrong; both NULL: the port ends, only the context is to be freed. */
typedef void
docker_images_fn(void *context, const struct docker_images *images, const char *why);

/* on_done comes exactly once, from a loop turn. The engine is one of the catalog. */
void docker_images_ask(
    struct docker *docker, uint64_t engine_id, docker_images_fn *on_done, void *context);

/* The next survey of each engine, which is asked for now, looks at its images, too. */
void docker_images_due(struct docker *docker);
/* When that was done the last time; 0: not yet. */
int64_t docker_images_looked_ms(const struct docker *docker, uint64_t engine_id);

/* The connections that a deploy's containers have on the stage's port: what a proxy without idle
 * connections has in flight there. on_ready comes once, from a loop turn; then it can be counted,
 * as often as one likes. */
typedef void docker_sockets_fn(void *context);
struct docker_sockets *docker_sockets_new(
    struct docker *docker, uint64_t deploy, docker_sockets_fn *on_ready, void *context);
void docker_sockets_free(struct docker_sockets *sockets); /* NULL allowed */
/* false: not to be seen from here; a fixed time must do. */
bool docker_sockets_count(const struct docker_sockets *sockets, uint32_t *ret_count);

#endif
