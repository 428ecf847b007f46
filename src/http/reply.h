/* reply.h - answering a request.
 *
 * The one idea: a reply is only set aside here. It leaves with http_server_release() after the
 * tick's commit, so nobody sees what is not on disk. Each reply_...() that takes a status
 * completes the answer; a request is answered once (CHECKed).
 *
 * Every answer carries Date, X-Request-ID, X-Content-Type-Options: nosniff, X-Frame-Options:
 * DENY, Referrer-Policy: no-referrer, a Content-Security-Policy that allows nothing, and
 * Cache-Control: no-store. reply_header() with the same name replaces one of them. */
#ifndef SLIPWAY_HTTP_REPLY_H
#define SLIPWAY_HTTP_REPLY_H

#include <stdbool.h>

#include "base/check.h"
#include "base/str.h"

struct request;

/* Adds a header; before the answer is completed. Control characters in value are dropped. */
void reply_header(struct request *rq, const char *name, struct str value);

/* The buffer that reply_json() and reply_built() send; at most HTTP_REPLY_MAX, beyond it the
 * client gets a 500 that says so. */
struct buf *reply_body(struct request *rq);
void reply_json(struct request *rq, int status);
void reply_built(struct request *rq, int status, const char *content_type);

/* Whether the answer that was completed in this tick is JSON, and what it says. */
bool reply_is_json(const struct request *rq, int *ret_status, struct str *ret_body);

/* bytes are not copied: constant, or in the request's arena. */
void reply_bytes(struct request *rq, int status, const char *content_type, struct str bytes);

void reply_text(struct request *rq, int status, const char *text); /* copied */
void reply_empty(struct request *rq, int status);

/* {"error":{"code","message","detail","request_id"}}; throws away a body begun before. code: a
 * fixed word for programs ("NOT_FOUND"); the message is for a person. detail: JSON, may be
 * empty (then null). */
void reply_error(struct request *rq, int status, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);
void reply_error_detail(struct request *rq, int status, const char *code, struct str detail,
    const char *format, ...) PRINTF_LIKE(5, 6);

#endif
