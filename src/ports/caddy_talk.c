/* caddy_talk.c - calls of Caddy's admin endpoint.
 *
 * The one idea: each change makes Caddy load its configuration anew and replace the listener of its admin
 * endpoint, which may tear a connection that waits there. So one call at a time, each on a connection of its
 * own, and "torn" is never "not done": what became of it is read. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "ports/caddy_inside.h"

enum { CALL_MS = 10000, UNIX_PREFIX = 7 };

/* Caddy's answers of failure are {"error":"..."}, the cause at their end. */
static void
read_error(struct str body, char *text, size_t size)
{
	struct err ignored;
	struct json *tree = json_parse(body, &ignored);
	const char *error = json_text(json_get(tree, "error"));
	size_t n = strlen(error);

	snprintf(text, size, "%s%s", n < size ? "" : "...",
	    n < size ? error : error + n - (size - 4));
	json_free(tree);
}

static void
judge_answer(struct caddy_talk *talk, int status, struct str body, struct caddy_reply *reply)
{
	char error[200];

	read_error(body, error, sizeof(error));
	if (status >= 200 && status < 300) {
		reply->kind = CADDY_SAID_OK;
		reply->body = body;
	} else if (status == 412) {
		reply->kind = CADDY_SAID_STALE;
		snprintf(reply->text, sizeof(reply->text),
		    "others change Caddy's configuration all the time");
	} else if (status == 401 || status == 403) {
		reply->kind = CADDY_SAID_KEEP_OUT;
		snprintf(reply->text, sizeof(reply->text),
		    "Caddy's admin endpoint %s does not let Slipway in (%d%s%s): allow its "
		    "address as one of 'admin.origins' in Caddy",
		    talk->config->address, status, error[0] == '\0' ? "" : ", ", error);
	} else if (error[0] == '\0') {
		snprintf(reply->text, sizeof(reply->text),
		    "%s answers with status %d, and not as Caddy's admin endpoint does",
		    talk->config->address, status);
	} else {
		reply->kind = CADDY_SAID_NO;
		snprintf(reply->text, sizeof(reply->text), "Caddy refuses the change (%d): %s",
		    status, error);
	}
}

static void
on_done(void *context, const struct fetch_result *result)
{
	struct caddy_talk *talk = context;
	struct caddy_reply reply = { .kind = CADDY_SAID_NOTHING };
	bool is_unix = strncmp(talk->config->address, "unix://", UNIX_PREFIX) == 0;

	talk->transfer = NULL;
	if (result->outcome == FETCH_ANSWERED) {
		judge_answer(talk, result->status, result->body, &reply);
		if (result->status == 403 && is_unix)
			talk->has_host = !talk->has_host; /* the next call tries the other */
	} else if (result->outcome == FETCH_TOO_LARGE)
		snprintf(
		    reply.text, sizeof(reply.text), "Caddy's configuration: %s", result->why);
	else {
		snprintf(reply.text, sizeof(reply.text),
		    "Caddy's admin endpoint %s cannot be reached (%.160s): does Caddy run, "
		    "and "
		    "does it listen there?",
		    talk->config->address, result->why);
	}
	/* Old versions send it behind the body, which is the same to us. */
	if (talk->is_reading
	    && (reply.kind != CADDY_SAID_OK
		|| !str_copy(
		    talk->tag, sizeof(talk->tag), fetch_header(result->transfer, "Etag"))))
		talk->tag[0] = '\0';
	talk->on_reply(talk->context, &reply);
}

static void
call(struct caddy_talk *talk, const char *method, const char *path, struct str body)
{
	const char *address = talk->config->address;
	bool is_unix = strncmp(address, "unix://", UNIX_PREFIX) == 0;
	char url[sizeof(talk->config->address) + CADDY_PATH_SIZE];
	char condition[CADDY_TAG_SIZE + 16];
	const char *headers[4] = { NULL, NULL, NULL, NULL };
	size_t count = 0;
	struct fetch_request request = { .method = method,
		.url = url,
		.headers = headers,
		.body = body,
		.unix_socket = is_unix ? address + UNIX_PREFIX : NULL,
		.ca_file = talk->config->ca_file[0] != '\0' ? talk->config->ca_file : NULL,
		.fresh = true,
		.total_ms = CALL_MS,
		.body_max = CADDY_CONFIG_MAX,
		.on_done = on_done,
		.context = talk };

	CHECK(talk->transfer == NULL);
	snprintf(url, sizeof(url), "%s%s", is_unix ? "http://localhost" : address, path);
	if (body.n > 0)
		headers[count++] = "Content-Type: application/json";
	if (is_unix && !talk->has_host)
		headers[count++] = "Host;"; /* which is how curl is told of an empty one */
	if (!talk->is_reading && talk->tag[0] != '\0') {
		snprintf(condition, sizeof(condition), "If-Match: %s", talk->tag);
		headers[count++] = condition;
	}
	talk->transfer = fetch_start(talk->fetch, &request);
}

void
caddy_read(struct caddy_talk *talk, const char *path)
{
	talk->is_reading = true;
	call(talk, "GET", path, str_of(""));
}

void
caddy_change(struct caddy_talk *talk, const char *method, const char *path, struct str body)
{
	talk->is_reading = false;
	call(talk, method, path, body);
}

void
caddy_hush(struct caddy_talk *talk)
{
	if (talk->transfer != NULL)
		fetch_cancel(talk->transfer);
	talk->transfer = NULL;
}
