/* client.h - calls to the server's API.
 *
 * The one idea: whatever goes wrong becomes an exit code and one line that says what is wrong and
 * how to mend it, in refusal.c and nowhere else. A call blocks its caller; inside runs a private loop. */
#ifndef SLIPWAY_CLI_CLIENT_H
#define SLIPWAY_CLI_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"
#include "ports/fetch.h"

struct client;
struct json;
struct loop;

/* Reads SLIPWAY_URL (default: where SLIPWAY_LISTEN says that a server of this environment listens)
 * and SLIPWAY_TOKEN, or their _FILE forms; nothing else. with_token: calls will be authorized.
 * NULL: a value makes no sense. */
struct client *client_new(char *const *environment, bool with_token, struct err *err) MUST_USE;
void client_free(struct client *client); /* NULL allowed */

const char *client_url(const struct client *client);
bool client_has_token(const struct client *client);
struct loop *client_loop(const struct client *client);

struct call {
	const char *method; /* NULL: GET */
	const char *path;
	const char *type; /* of the body; NULL: application/json */
	const char *match; /* If-Match, with its quotes; NULL: none */
	struct str body;
	bool wants_text; /* the answer is no JSON */
	int64_t total_ms; /* 0: CLI_CALL_MS */
};

struct answer {
	int status;
	struct buf text; /* as it came */
	struct json *json; /* NULL when text was wanted */
};

/* CLI_OK: *answer is filled and must be freed. Otherwise the exit code, err says why, and answer
 * holds what came with a refusal, if anything did; it must be freed, too. */
enum cli_exit client_ask(struct client *client, const struct call *call, struct answer *answer,
    struct err *err) MUST_USE;
void answer_free(struct answer *answer);

/* For streams: starts the GET of an event stream. last_id "": from the beginning. */
struct fetch_transfer *client_stream_start(struct client *client, const char *path,
    const char *last_id, fetch_body_fn *on_body, fetch_done_fn *on_done, void *context);

/* The exit code and the words for what did not succeed. */
enum cli_exit client_unreached(
    const struct client *client, const char *why, bool may_have_acted, struct err *err);
enum cli_exit
client_refused(const struct client *client, int status, struct str body, struct err *err);

/* Appends one part of a path, or a value of a query, escaped. */
void client_path_part(struct buf *path, const char *text);

#endif
