/* docker_task.h - what the two files of a task share: docker_task.c finds and reads its container,
 * docker_task_start.c makes it. No other file includes it. */
#ifndef SLIPWAY_PORTS_DOCKER_TASK_H
#define SLIPWAY_PORTS_DOCKER_TASK_H

#include "ports/docker_parts.h"

struct task_job {
	struct job job;
	enum task_kind task;
	int remakes;
	size_t network_index; /* of the extra networks, the next to join */
	struct network_waiter waiter;
	struct task_watch watch;
	struct loop_timer *timer; /* fires in a later turn: after the commit of this one */
	char name[128];
	char id[65];
	char verdict[REASON_SIZE]; /* to be told unless the engine is going away */
};

/* docker_task.c */
void task_job_find(struct task_job *t); /* what there is under its name */
/* The deploy that has migrated with this digest, in this stage; 0: none, or another kind of task. */
uint64_t task_job_migrated_by(const struct task_job *t);
void task_job_clear(struct task_job *t); /* its container goes, and it begins anew */
void task_job_keep_row(struct task_job *t);
void task_job_follow(struct task_job *t); /* to its end */
void task_job_ask(struct task_job *t, const struct call_request *wanted, const char *format,
    const char *name);
void task_job_fail(struct task_job *t, enum event_kind kind, const char *message);
void task_job_fail_answer(struct task_job *t, const char *what, const struct answer *answer);

/* docker_task_start.c */
void task_job_create(struct task_job *t); /* and start it */
void task_job_start(struct task_job *t); /* it is made */
void task_job_on_kept(void *context); /* of its timer: the row is committed */

#endif
