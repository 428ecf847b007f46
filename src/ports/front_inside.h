/* front_inside.h - what the files of a front share; nobody else includes it.
 *
 * An operation works for one stage, a stage has one at most. What needs the driver stands in line for
 * it; confirming and draining do not, so stages do these side by side. */
#ifndef SLIPWAY_PORTS_FRONT_INSIDE_H
#define SLIPWAY_PORTS_FRONT_INSIDE_H

#include <sys/queue.h>

#include "ports/docker.h"
#include "ports/front_driver.h"

enum { FRONT_SECRET_SIZE = 33 };

enum front_kind { FRONT_SWITCH, FRONT_CONFIRM, FRONT_GIVE_BACK, FRONT_DRAIN, FRONT_SYNC };

struct front_stage {
	LIST_ENTRY(front_stage) entry;
	uint64_t id;
	struct front_op *op;
	struct port_fence fence;
	bool is_touched; /* by the swap under way, or not known */
	uint64_t ensured; /* hash of the route to the edge that stands; 0: to be looked at */
	int64_t
	    led_since_us; /* its route was seen, or made, to be as it shall be; 0: not yet */
	bool is_clear; /* nothing of a stage that is led elsewhere is left here */
	char difference[ERR_TEXT_SIZE]; /* that a person should know of; "" none */
};

struct front_op {
	TAILQ_ENTRY(front_op) entry; /* of the line */
	struct front *front;
	struct front_stage *stage; /* NULL: nobody waits for it any more */
	enum front_kind kind;
	enum front_work work; /* what the driver is asked for */
	bool is_in_line;
	bool was_touched; /* the stage, before this was at the driver */
	bool is_removing; /* the route is not this proxy's any more */
	bool is_arriving; /* seeing whether the way to the edge is there */
	/* The proxy could not be asked whether its route stands, and why: visitors tell. "" it was. */
	char unasked[REASON_SIZE];
	bool is_leaving; /* confirming that the version that goes answers no more */
	bool was_reached; /* some answer was not that nobody listens */
	struct effect effect; /* not for SYNC */
	struct front_route route;
	struct loop_timer *timer; /* the next look */
	struct loop_timer *deadline;
	int64_t began_us;
	char said[REASON_SIZE]; /* the last thing that was not as it should be */

	struct fetch_transfer *transfer; /* confirming */
	int asked;
	int confirmed;
	int64_t first_us; /* of the good answers in a row */
	bool
	    is_dead_end; /* somebody else gave the last answer, who should be behind the edge */
	bool is_other; /* the last answer came from another version */

	struct docker_sockets *sockets; /* draining */
	int64_t drain_ms;
	int quiet_looks;
	uint32_t in_flight;
};

LIST_HEAD(front_stages, front_stage);
TAILQ_HEAD(front_line, front_op);

struct front {
	struct port_host host;
	struct front_settings settings;
	struct proxy_config config;
	char directory[4096];
	char edge_address[DOMAIN_SIZE + 8];
	char store_uuid[64];
	char secret[FRONT_SECRET_SIZE];
	const struct front_driver *driver;
	struct front_host driver_host;
	void *self; /* the driver's */
	struct front_stages stages;
	struct front_line line;
	struct front_op *working; /* the driver is at it */
	char fault[ERR_TEXT_SIZE];
	struct loop_timer *sync_timer;
	bool is_sync_wanted;
	bool is_syncing;
	size_t sync_at; /* the next stage of the catalog */
};

/* front.c */
struct front_op *
front_op_new(struct front *front, struct front_stage *stage, enum front_kind kind);
void front_op_done(struct front_op *op, enum event_kind kind, uint32_t count); /* op is gone */
void front_op_fail(struct front_op *op, enum event_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);
void front_op_drop(struct front_op *op); /* no answer */
void front_op_free(struct front_op *op);
void front_is_led(struct front_stage *stage, bool is_changed); /* ... by us, just now */
struct front_stage *front_stage_get(struct front *front, uint64_t id);
/* front_route.c. The route of a deploy as this proxy shall have it. Words for a person on -1. */
int front_route_fill(
    struct front *front, uint64_t deploy, struct front_route *ret, struct err *err) MUST_USE;
uint64_t front_route_hash(const struct front_route *route);
void front_fault_set(struct front *front, const char *format, ...) PRINTF_LIKE(2, 3);

/* front_line.c */
void front_line_up(struct front_op *op, enum front_work work);
void front_line_go_on(struct front *front); /* the next one, if the driver is free */
void front_arrived(struct front_op *op); /* the way to the edge is there: on with the effect */
/* The same effect, once more, for the edge behind the proxy. */
void front_hand_over(const struct front *front, const struct effect *effect);

/* front_confirm.c: good answers in a row through the proxy, then CONFIRMED; or, for RESTORE, what the
 * version that failed has in hand. */
void front_confirm(struct front_op *op);
void front_confirm_gone(struct front_op *op); /* the same when no route is left */
void front_confirm_way(struct front_op *op); /* that the edge answers, then front_arrived() */
void front_confirm_stop(struct front_op *op);
void front_confirm_late(struct front_op *op); /* its time is over */
bool front_confirm_is_good(
    const struct front_op *op, const struct fetch_result *result, enum front_proof proof);

/* front_drain.c: until nothing is in flight to the version that goes, then DRAINED or RESTORED. */
void front_drain(struct front_op *op);
void front_drain_stop(struct front_op *op);

/* front_sync.c */
void front_sync_new(struct front *front);
void front_sync_free(struct front *front);
void front_synced(struct front_op *op, const struct front_answer *answer);

#endif
