/* head.h - what the parser lets pass in a request's head, and two servers in a row could read
 * differently. */
#ifndef SLIPWAY_HTTP_HEAD_H
#define SLIPWAY_HTTP_HEAD_H

#include <stdbool.h>

#include "base/str.h"

struct request_inside;

/* NULL, or what is wrong with the first line and the headers, for a person. */
const char *head_fault(const struct request_inside *rq, bool is_1_0);

/* The client's X-Request-ID instead of ours when it is harmless in logs and headers. */
void head_take_id(struct request_inside *rq);

/* Equal but for the case of letters. */
bool head_value_is(struct str value, const char *text);

#endif
