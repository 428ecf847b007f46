/* notifications.h - notifications as rows: what was told to whom, and what became of it.
 *
 * The rows are those of the notify actors (store_actor_put); here they are only read. */
#ifndef SLIPWAY_STORE_NOTIFICATIONS_H
#define SLIPWAY_STORE_NOTIFICATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/fsm.h"

struct store;

struct notification {
	uint64_t id;
	char project[NAME_SIZE];
	char stage_name[NAME_SIZE];
	char state[32]; /* name of enum notify_state */
	char event[NAME_SIZE]; /* as notice_names has it */
	struct notify of; /* but for its notice, which `event` names */
};

bool store_notification_get(struct store *store, uint64_t id, struct notification *ret_row);

struct notification_filter {
	uint64_t before; /* ids below this one; 0: from the newest */
	uint64_t stage; /* 0: any */
	const char *project; /* "": any; not looked at when there is a stage */
	const char *state; /* "": any */
};

/* Newest first; returns how many. */
size_t store_notifications(struct store *store, const struct notification_filter *filter,
    struct notification *to, size_t most);

/* The same was told to the same receiver since then: in whichever state that is now. */
bool
store_notification_is_told(struct store *store, const struct notify *what, int64_t since_ms);

#endif
