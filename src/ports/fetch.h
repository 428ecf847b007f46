/* fetch.h - outgoing HTTP(S), many at a time, never blocking (libcurl multi on the loop).
 *
 * The one idea: a transfer is started once and ends once, by calling done() from a loop turn, never
 * from inside fetch_start(). Cancelling is allowed at any time and calls nothing. */
#ifndef SLIPWAY_PORTS_FETCH_H
#define SLIPWAY_PORTS_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct loop;
struct fetch; /* the pool of connections */
struct fetch_transfer; /* one under way */

enum fetch_outcome {
	FETCH_ANSWERED, /* a whole HTTP answer came; look at status */
	FETCH_UNREACHED, /* certain that the peer did not get the request (DNS, refused, TLS) */
	FETCH_BROKEN, /* the connection broke or the time ran out: the peer may have acted */
	FETCH_TOO_LARGE, /* the answer was larger than body_max */
};

struct fetch_result {
	enum fetch_outcome outcome;
	int status; /* HTTP status, when ANSWERED; of mail the last reply, whatever came of it */
	struct str body; /* valid during done() only; empty when a body function took it */
	const char *why; /* not ANSWERED: what happened, for a person */
	const struct fetch_transfer *transfer; /* for fetch_header() during done() */
};

typedef void fetch_done_fn(void *context, const struct fetch_result *result);
/* Takes a piece of the body as it comes; false ends the transfer as BROKEN. */
typedef bool fetch_body_fn(void *context, struct str piece);

struct fetch_mail { /* by SMTP; addresses are copied as they are */
	const char *from;
	const char *const *to; /* ended by NULL */
	bool may_be_plain; /* also without TLS, if the server offers none */
};

struct fetch_request {
	const char *method; /* NULL: GET */
	const char *url; /* http or https; with `mail` smtp or smtps; copied */
	const struct fetch_mail *mail; /* NULL: HTTP; else `body` is the message */
	const char *unix_socket; /* path, or NULL */
	const char *const *headers; /* "Name: value", ended by NULL, or NULL; copied */
	struct str body; /* copied */
	const char *basic_user; /* Basic authorization, SMTP's login; copied, never logged */
	const char *basic_password;
	const char *ca_file; /* trust these instead of the system's, or NULL */
	const char *cert_file; /* client certificate and its key, or NULL */
	const char *key_file;
	const char *resolve; /* "host:port:address" overriding DNS, or NULL */
	bool fresh; /* use and leave no kept connection */
	bool is_unverified; /* take any certificate: the answer itself is the proof */
	bool follow; /* follow up to 5 redirects; authorization stays with its host */
	int64_t connect_ms; /* 0: 5 s */
	int64_t total_ms; /* 0: 30 s; -1: none (streams), then stall_ms guards */
	int64_t stall_ms; /* no byte for so long ends it; 0: none */
	size_t body_max; /* 0: FETCH_BODY_MAX */
	fetch_body_fn *on_body; /* NULL: collect into result.body */
	fetch_done_fn *on_done; /* never NULL */
	void *context;
};

struct fetch *fetch_new(struct loop *loop);
void fetch_free(struct fetch *fetch); /* cancels everything */

/* Never fails at once: every trouble is told by on_done in a later turn. */
struct fetch_transfer *fetch_start(struct fetch *fetch, const struct fetch_request *request);

/* Ends a transfer without on_done; the peer may have acted. Not after its on_done was called. */
void fetch_cancel(struct fetch_transfer *transfer);

/* Value of a header of the (last) answer, during on_done (and in on_body); empty when absent. */
struct str fetch_header(const struct fetch_transfer *transfer, const char *name);

/* The same of a header that may come several times: index 0, 1, ... until it is empty. */
struct str
fetch_header_at(const struct fetch_transfer *transfer, const char *name, uint32_t index);

/* Status of the answer so far, for on_body; 0: none that could be. */
int fetch_status(const struct fetch_transfer *transfer);

uint32_t fetch_active(const struct fetch *fetch); /* under way and waiting */

#endif
