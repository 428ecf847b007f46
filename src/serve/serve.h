/* serve.h - `slipway serve`: the server, from its start to its end. */
#ifndef SLIPWAY_SERVE_SERVE_H
#define SLIPWAY_SERVE_SERVE_H

struct settings;

enum {
	EXIT_SERVE_FAILED = 1, /* could not start: the message says why */
	EXIT_SERVE_CUT = 3, /* ended before every deploy had; the next start goes on */
};

/* Returns the exit code: 0 after a graceful end. */
int serve(const struct settings *settings);

#endif
