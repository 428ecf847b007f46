/* log.c - the log lines. */
#include "base/log.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

enum { MESSAGE_SIZE = 2048, LINE_MAX_BYTES = 16384, PIPE_SAFE = 4096 };

static struct {
	enum log_level least;
	bool as_json;
	int fd;
	uint64_t dropped;
} setup = { .least = LOG_INFO, .as_json = true, .fd = 1 };

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void
log_setup(enum log_level least, bool as_json, int fd)
{
	setup.least = least;
	setup.as_json = as_json;
	setup.fd = fd;
}

bool
log_level_parse(const char *name, enum log_level *ret_level)
{
	for (size_t i = 0; i < COUNT(level_names); i++)
		if (strcmp(name, level_names[i]) == 0) {
			*ret_level = (enum log_level)i;
			return true;
		}
	return false;
}

/* A pipe that polls writable takes PIPE_BUF bytes at once (POSIX); a file and a terminal in
 * practice any line. Returns false when the reader is too slow. */
static bool
write_line(const char *p, size_t n)
{
	while (n > 0) {
		struct pollfd room = { .fd = setup.fd, .events = POLLOUT };
		ssize_t done;

		if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT))
			return false;
		done = write(setup.fd, p, n < PIPE_SAFE ? n : PIPE_SAFE);
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static void
pair_if_known(struct json_writer *w, const char *key, const char *text)
{
	if (text != NULL && text[0] != '\0')
		json_pair_text(w, key, text);
}

static void
format_json(struct buf *line, enum log_level level, const struct log_context *context,
    const char *event, const struct log_field *fields, const char *message)
{
	struct json_writer w;
	char at[CLOCK_TEXT_SIZE];

	clock_text(clock_wall_ms(), at);
	json_writer_init(&w, line);
	json_object_open(&w);
	json_pair_text(&w, "ts", at);
	json_pair_text(&w, "level", level_names[level]);
	json_pair_text(&w, "event", event);
	json_pair_text(&w, "msg", message);
	if (context != NULL) {
		pair_if_known(&w, "request_id", context->request_id);
		pair_if_known(&w, "project", context->project);
		pair_if_known(&w, "stage", context->stage);
		pair_if_known(&w, "tag", context->tag);
		pair_if_known(&w, "digest", context->digest);
		if (context->deploy_id != 0)
			json_pair_integer(&w, "deploy_id", (int64_t)context->deploy_id);
		pair_if_known(&w, "instance_id", context->instance_id);
	}
	for (; fields != NULL && fields->key != NULL; fields++) {
		if (fields->text != NULL)
			json_pair_text(&w, fields->key, fields->text);
		else
			json_pair_integer(&w, fields->key, fields->number);
	}
	json_object_close(&w);
	buf_char(line, '\n');
}

/* What a registry, an engine or a client said is in it: it must neither steer the terminal nor look like
 * a line of its own. JSON escapes such bytes. */
static void
clean(struct buf *line)
{
	for (size_t i = 0; i < line->n; i++) {
		unsigned char c = (unsigned char)line->p[i];
		bool is_c1 = c == 0xc2 && i + 1 < line->n
			     && (unsigned char)line->p[i + 1] >= 0x80
			     && (unsigned char)line->p[i + 1] < 0xa0;

		if (c < 0x20 || c == 0x7f)
			line->p[i] = '?';
		else if (is_c1)
			line->p[i] = line->p[i + 1] = '?';
	}
}

static void
format_text(struct buf *line, enum log_level level, const struct log_context *context,
    const char *event, const struct log_field *fields, const char *message)
{
	char at[CLOCK_TEXT_SIZE];

	clock_text(clock_wall_ms(), at);
	buf_format(line, "%.8s %-5s", at + 11, level_names[level]);
	if (context != NULL && context->project != NULL && context->project[0] != '\0')
		buf_format(
		    line, " %s/%s", context->project, context->stage ? context->stage : "");
	if (context != NULL && context->deploy_id != 0)
		buf_format(line, " #%" PRIu64, context->deploy_id);
	buf_format(line, " %s", message);
	for (; fields != NULL && fields->key != NULL; fields++) {
		if (fields->text != NULL)
			buf_format(line, " %s=%s", fields->key, fields->text);
		else
			buf_format(line, " %s=%" PRId64, fields->key, fields->number);
	}
	buf_format(line, "  (%s)", event);
	clean(line);
	buf_char(line, '\n');
}

static void
put(enum log_level level, const struct log_context *context, const char *event,
    const struct log_field *fields, const char *message)
{
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	if (setup.as_json)
		format_json(&line, level, context, event, fields, message);
	else
		format_text(&line, level, context, event, fields, message);
	if (line.overflow || !write_line(line.p, line.n))
		setup.dropped++;
	buf_free(&line);
}

void
log_event(enum log_level level, const struct log_context *context, const char *event,
    const struct log_field *fields, const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	if (level < setup.least)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (setup.dropped > 0) {
		uint64_t dropped = setup.dropped;
		struct log_field count[] = { LOG_NUMBER("lines", (int64_t)dropped), LOG_END };
		setup.dropped = 0;
		put(LOG_WARN, NULL, "log.dropped", count,
		    "log lines were dropped: the reader was too slow");
		if (setup.dropped > 0) {
			setup.dropped += dropped;
			return;
		}
	}
	put(level, context, event, fields, message);
}
