/* sse.h - reads a stream of server-sent events. Pure: bytes in, events out. */
#ifndef SLIPWAY_CLI_SSE_H
#define SLIPWAY_CLI_SSE_H

#include <stdbool.h>

#include "base/str.h"

enum { SSE_NAME_SIZE = 64 };

struct sse_event {
	const char *name; /* "message" when the stream names none */
	struct str data; /* valid during the call only */
};

/* false: no more, please. */
typedef bool sse_event_fn(void *context, const struct sse_event *event);

struct sse {
	struct buf line;
	struct buf data;
	bool has_data;
	bool skips_newline; /* the LF of a CR LF */
	char name[SSE_NAME_SIZE];
	char last_id[SSE_NAME_SIZE]; /* of the last event; "" before the first */
	char next_id[SSE_NAME_SIZE];
};

void sse_init(struct sse *sse);
void sse_free(struct sse *sse);

/* A new connection begins: what was half read is forgotten, last_id stays. */
void sse_restart(struct sse *sse);

/* Returns false when an event's receiver did, or an event is larger than CLI_EVENT_MAX. */
bool
sse_feed(struct sse *sse, struct str bytes, sse_event_fn *on_event, void *context) MUST_USE;

#endif
