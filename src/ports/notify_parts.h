/* notify_parts.h - one delivery, for notify.c (whose turn it is) and notify_send.c (what is sent, and
 * what the answer means). */
#ifndef SLIPWAY_PORTS_NOTIFY_PARTS_H
#define SLIPWAY_PORTS_NOTIFY_PARTS_H

#include <sys/queue.h>

#include "ports/fetch.h"
#include "ports/letter.h"
#include "ports/notify.h"
#include "ports/port.h"
#include "store/catalog.h"

struct delivery {
	TAILQ_ENTRY(delivery) entry;
	struct notifier *notifier;
	struct effect effect; /* of an actor; actor 0: a test */
	char receiver[NAME_SIZE];
	struct fetch_transfer *transfer; /* NULL: in line */
	int64_t started_us;
	bool is_mail;
	bool is_signed;
	char id[UUID_SIZE];
	char secret[NAME_SIZE]; /* the beginning of what must not be repeated */
	struct buf answer; /* its first bytes */
	notify_tested_fn *on_tested;
	void *context;
};

/* What came of a try. */
struct verdict {
	enum event_kind kind; /* NOTIFIED, TROUBLED, REFUSED */
	int status;
	int64_t after_ms; /* not before, as the receiver says */
	char text[REASON_SIZE];
};

/* Begins the transfer. False: there is nothing to send, and *verdict says why. */
bool delivery_send(struct delivery *delivery, const struct letter *letter,
    const struct receiver_config *receiver, struct vault *vault, struct fetch *fetch,
    fetch_done_fn *on_done, struct verdict *verdict);

void delivery_judge(
    const struct delivery *delivery, const struct fetch_result *result, struct verdict *ret);

/* The beginning of the answer in one line; not when it repeats a secret. */
void delivery_snippet(const struct delivery *delivery, char snippet[REASON_SIZE]);

#endif
