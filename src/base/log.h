/* log.h - one line for each thing that happened: JSON for machines, text for a terminal.
 *
 * The line is a stable interface (spec/log.schema.json). `event` is a fixed dotted name to search
 * for, the format makes the sentence for a person. Context that is not known stays out. Secrets
 * never come here; the caller sees to that. Only this file writes to standard output in `serve`. */
#ifndef SLIPWAY_BASE_LOG_H
#define SLIPWAY_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_context { /* NULL, "" or 0: not known */
	const char *request_id;
	const char *project;
	const char *stage;
	const char *tag;
	const char *digest;
	uint64_t deploy_id;
	const char *instance_id;
};

/* Extra members of one line; an array of them ends with LOG_END. */
struct log_field {
	const char *key;
	const char *text; /* NULL: the number counts */
	int64_t number;
};
#define LOG_TEXT(k, t)                  \
	{                               \
		.key = (k), .text = (t) \
	}
#define LOG_NUMBER(k, n)                  \
	{                                 \
		.key = (k), .number = (n) \
	}
#define LOG_END          \
	{                \
		.key = 0 \
	}

void log_setup(enum log_level least, bool as_json, int fd);
bool log_level_parse(const char *name, enum log_level *ret_level); /* debug info warn error */

/* context and fields may be NULL. Never blocks: when the reader of a pipe is slow, lines are
 * dropped and counted, and the count is logged once there is room again. */
void log_event(enum log_level level, const struct log_context *context, const char *event,
    const struct log_field *fields, const char *format, ...) PRINTF_LIKE(5, 6);

#define log_debug(context, event, ...) log_event(LOG_DEBUG, context, event, 0, __VA_ARGS__)
#define log_info(context, event, ...) log_event(LOG_INFO, context, event, 0, __VA_ARGS__)
#define log_warn(context, event, ...) log_event(LOG_WARN, context, event, 0, __VA_ARGS__)
#define log_error(context, event, ...) log_event(LOG_ERROR, context, event, 0, __VA_ARGS__)

#endif
