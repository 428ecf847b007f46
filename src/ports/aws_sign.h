/* aws_sign.h - AWS's signature, version 4, of one request; of ECR only. Pure. */
#ifndef SLIPWAY_PORTS_AWS_SIGN_H
#define SLIPWAY_PORTS_AWS_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct aws_header {
	const char *name; /* lower case */
	const char *value; /* without blanks at its ends */
};

enum { AWS_DATE_SIZE = 17 }; /* "20150830T123600Z" */

struct aws_request {
	const char *key_id;
	const char *secret;
	const char *region;
	const char *service;
	const char *date; /* of aws_date(); x-amz-date must be among the headers */
	const char *method;
	const char *path; /* "/" */
	const struct aws_header
	    *headers; /* all that are signed, in the order of their names */
	size_t header_count;
	struct str body;
};

void aws_date(int64_t wall_ms, char date[AWS_DATE_SIZE]);

/* Appends the value of the header Authorization. */
void aws_sign(const struct aws_request *request, struct buf *to);

#endif
