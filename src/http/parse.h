/* parse.h - bytes into a request (llhttp in strict mode, and what it leaves to us).
 *
 * The one idea: sans-IO. Bytes are fed as they come, in pieces of any size; the answer is
 * "more", "whole", or a refusal with the status to send. One parse serves one request. */
#ifndef SLIPWAY_HTTP_PARSE_H
#define SLIPWAY_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct parse;
struct request_inside;

enum parse_outcome { PARSE_MORE, PARSE_WHOLE, PARSE_REFUSED };

enum { REFUSAL_TEXT_SIZE = 160 };

struct refusal {
	int status; /* 0: none */
	const char *code;
	char text[REFUSAL_TEXT_SIZE];
};

/* Lives in the request's arena. */
struct parse *parse_new(struct request_inside *rq);

/* *ret_used: how many bytes belong to this request; fewer than given only when whole. */
enum parse_outcome parse_feed(struct parse *parse, struct str bytes, size_t *ret_used);

const struct refusal *parse_refusal(const struct parse *parse);

/* True once: the head is complete, no byte of its body has come, and the client waits for
 * 100. */
bool parse_wants_continue(struct parse *parse);

#endif
