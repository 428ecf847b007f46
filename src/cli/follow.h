/* follow.h - reads an event stream of the server to its end, over lost connections and restarts. */
#ifndef SLIPWAY_CLI_FOLLOW_H
#define SLIPWAY_CLI_FOLLOW_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/sse.h"

struct follow {
	const char *path;
	const char *again_path; /* after a lost connection; NULL: the same */
	bool has_last_event; /* the stream is over with an event; one without it has broken */
	bool is_patient; /* a server that is away at the beginning is waited for, too */
	sse_event_fn *on_event; /* false: this was the last one */
	void (*on_lost)(void *context, const char *why); /* and sought again; once a loss */
	void (*on_tick)(void *context); /* every CLI_REFRESH_MS; NULL: not needed */
	void *context;
};

/* CLI_OK: it came to its end. CLI_INTERRUPTED: Ctrl-C (err is empty). A loss is mended within
 * CLI_RETRY_MS, resuming behind the last event, or is the end of it. */
enum cli_exit
client_follow(struct client *client, const struct follow *follow, struct err *err) MUST_USE;

#endif
