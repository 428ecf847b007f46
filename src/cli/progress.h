/* progress.h - how a deploy under way is shown: events in, text for standard output out.
 *
 * Pure. On a terminal one live line (the states so far with their times) is drawn over and over in
 * its place, and everything else goes above it; elsewhere there is a plain line for each thing that
 * happened. Times are the server's; between its events the own clock counts on from the last one. */
#ifndef SLIPWAY_CLI_PROGRESS_H
#define SLIPWAY_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/str.h"

struct json;

struct progress_style {
	size_t width; /* columns of the terminal; 0: plain lines */
	bool has_colour;
};

enum { PROGRESS_STATES_MAX = 8, PROGRESS_STATE_SIZE = 32, PROGRESS_TITLE_SIZE = 320 };

struct progress_state {
	char name[PROGRESS_STATE_SIZE];
	int64_t begin_ms;
	int64_t end_ms; /* of the last one: 0 */
	int tries;
};

struct progress {
	struct progress_style style;
	char title[PROGRESS_TITLE_SIZE];
	struct progress_state states[PROGRESS_STATES_MAX]; /* the last ones */
	size_t state_count;
	size_t state_dropped;
	char swap[PROGRESS_STATE_SIZE]; /* where the swap stands; "" none */
	int64_t first_ms;
	int64_t ahead_ms; /* the server's clock before ours, as far as it is known */
	bool has_clock;
	int64_t step_seq; /* the last that was shown: a resumed stream may repeat */
	int64_t log_seq;
	size_t tail_count;
	struct buf tail; /* the container's last lines, each with a newline */
	struct buf shown; /* the live line as it stands on the terminal */
};

void progress_init(struct progress *p, struct progress_style style, const char *title);
void progress_free(struct progress *p);

/* The stream's events `step` and `log`. now_ms: the own clock, any zero. */
void
progress_step(struct progress *p, const struct json *step, int64_t now_ms, struct buf *out);
void
progress_log(struct progress *p, const struct json *line, int64_t now_ms, struct buf *out);

/* Something of our own to say, as "connection lost". */
void progress_note(struct progress *p, const char *text, int64_t now_ms, struct buf *out);

/* Draws the live line again, when it has changed; width as it is now. */
void progress_refresh(struct progress *p, size_t width, int64_t now_ms, struct buf *out);

/* Takes the live line away, for good. */
void progress_clear(struct progress *p, struct buf *out);

/* The last line: "live: shop/production v3 (deploy 12) in 1.8 s", or what became of it and why, with
 * the last lines of the container below. deploy: the stream's `end`. */
void progress_end(struct progress *p, const struct json *deploy, struct buf *out);

#endif
