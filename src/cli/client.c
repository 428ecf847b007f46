/* client.c - see client.h. */
#include "cli/client.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/loop.h"
#include "config/settings.h"

enum { URL_SIZE = 4096, HEADER_SIZE = 512, ENVIRONMENT_MAX = 8 };

struct client {
	struct loop *loop;
	struct fetch *fetch;
	char url[URL_SIZE];
	char authorization[HEADER_SIZE]; /* the whole header; "": none */
};

/* A client must not stumble over the settings of a server that share its environment. */
static void
choose_variables(char *const *environment, bool with_token, char *chosen[ENVIRONMENT_MAX + 1])
{
	static const char *const names[] = { "SLIPWAY_URL=", "SLIPWAY_URL_FILE=",
		"SLIPWAY_LISTEN=", "SLIPWAY_LISTEN_FILE=", "SLIPWAY_TOKEN=",
		"SLIPWAY_TOKEN_FILE=" };
	size_t most = with_token ? COUNT(names) : COUNT(names) - 2;
	size_t count = 0;

	for (; *environment != NULL; environment++)
		for (size_t i = 0; i < most && count < ENVIRONMENT_MAX; i++)
			if (strncmp(*environment, names[i], strlen(names[i])) == 0)
				chosen[count++] = *environment;
	chosen[count] = NULL;
}

static bool
has_url(char *const *chosen)
{
	for (; *chosen != NULL; chosen++) {
		const char *equals = strchr(*chosen, '=');

		if (strncmp(*chosen, "SLIPWAY_URL", 11) == 0 && equals[1] != '\0')
			return true;
	}
	return false;
}

/* "All addresses" is no address to connect to. */
static void
url_of_listener(const struct address *listen, char url[URL_SIZE])
{
	const char *host = listen->host;

	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0)
		host = "::1";
	snprintf(url, URL_SIZE, strchr(host, ':') != NULL ? "http://[%s]:%d" : "http://%s:%d",
	    host, listen->port);
}

static int
take_settings(
    struct client *client, char *const *environment, bool with_token, struct err *err)
{
	char *chosen[ENVIRONMENT_MAX + 1];
	struct settings *settings;
	int result = 0;

	choose_variables(environment, with_token, chosen);
	settings = settings_load(chosen);
	if (settings->faults.count > 0)
		result = err_set(err, "%s", settings->faults.items[0].text);
	else if (has_url(chosen) && !str_copy(client->url, URL_SIZE, str_of(settings->url)))
		result = err_set(err, "SLIPWAY_URL: longer than %d characters", URL_SIZE - 1);
	else if (!has_url(chosen))
		url_of_listener(&settings->listen, client->url);
	if (result == 0 && settings->token[0] != '\0')
		snprintf(client->authorization, HEADER_SIZE, "Authorization: Bearer %s",
		    settings->token);
	settings_free(settings);
	return result;
}

struct client *
client_new(char *const *environment, bool with_token, struct err *err)
{
	struct client *client = calloc(1, sizeof(*client));

	CHECK(client != NULL);
	if (take_settings(client, environment, with_token, err) != 0) {
		free(client);
		return NULL;
	}
	client->loop = loop_new();
	client->fetch = fetch_new(client->loop);
	return client;
}

void
client_free(struct client *client)
{
	if (client == NULL)
		return;
	fetch_free(client->fetch);
	loop_free(client->loop);
	explicit_bzero(client->authorization, sizeof(client->authorization));
	free(client);
}

const char *
client_url(const struct client *client)
{
	return client->url;
}

bool
client_has_token(const struct client *client)
{
	return client->authorization[0] != '\0';
}

struct loop *
client_loop(const struct client *client)
{
	return client->loop;
}

void
client_path_part(struct buf *path, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-._~", c) != NULL)
			buf_char(path, (char)c);
		else
			buf_format(path, "%%%02X", c);
	}
}

struct asking {
	struct client *client;
	const struct call *call;
	struct answer *answer;
	struct err *err;
	enum cli_exit code;
	bool is_over;
};

static enum cli_exit
take_answer(struct asking *a, const struct fetch_result *result)
{
	struct err ignored;

	a->answer->status = result->status;
	buf_str(&a->answer->text, result->body);
	if (result->status < 200 || result->status > 299)
		return client_refused(a->client, result->status, result->body, a->err);
	if (a->call->wants_text)
		return CLI_OK;
	a->answer->json = json_parse(result->body, &ignored);
	if (json_kind(a->answer->json) == JSON_IS_OBJECT)
		return CLI_OK;
	return client_refused(a->client, result->status, str_of(""), a->err);
}

static void
on_done(void *context, const struct fetch_result *result)
{
	struct asking *a = context;
	bool is_read = a->call->method == NULL;

	a->is_over = true;
	switch (result->outcome) {
	case FETCH_ANSWERED:
		a->code = take_answer(a, result);
		break;
	case FETCH_UNREACHED:
	case FETCH_BROKEN:
		a->code = client_unreached(a->client, result->why,
		    result->outcome == FETCH_BROKEN && !is_read, a->err);
		break;
	case FETCH_TOO_LARGE:
		err_set(a->err, "%s; ask for less", result->why);
		a->code = CLI_FAILED;
		break;
	}
}

/* Adds to the request what all have. header, other: more of them, or NULL. */
static struct fetch_transfer *
start(struct client *client, struct fetch_request *request, const char *path,
    const char *accept, const char *header, const char *other)
{
	const char *headers[5] = { accept };
	struct fetch_transfer *transfer;
	size_t count = 1;
	struct buf url;

	if (client_has_token(client))
		headers[count++] = client->authorization;
	if (header != NULL)
		headers[count++] = header;
	headers[count++] = other;
	headers[count] = NULL;
	buf_init(&url, 2 * URL_SIZE);
	buf_format(&url, "%s%s", client->url, path);
	CHECK(!url.overflow);
	request->headers = headers;
	request->url = buf_cstr(&url);
	transfer = fetch_start(client->fetch, request);
	buf_free(&url);
	return transfer;
}

/* Lines of a container come from its engine, which may take as long as it is given. */
static int64_t
time_of(const struct call *call)
{
	if (call->total_ms != 0)
		return call->total_ms;
	return call->method == NULL && !call->wants_text ? CLI_READ_MS : CLI_CALL_MS;
}

enum cli_exit
client_ask(
    struct client *client, const struct call *call, struct answer *answer, struct err *err)
{
	char type[HEADER_SIZE];
	char match[HEADER_SIZE] = "";
	struct asking asking = { .client = client, .call = call, .err = err };
	struct fetch_request request = {
		.method = call->method,
		.body = call->body,
		.total_ms = time_of(call),
		.body_max = HTTP_REPLY_MAX,
		.on_done = on_done,
		.context = &asking,
	};

	*answer = (struct answer){ 0 };
	asking.answer = answer;
	buf_init(&answer->text, HTTP_REPLY_MAX);
	snprintf(type, sizeof(type), "Content-Type: %s",
	    call->type == NULL ? "application/json" : call->type);
	if (call->match != NULL)
		snprintf(match, sizeof(match), "If-Match: %s", call->match);
	start(client, &request, call->path,
	    call->wants_text ? "Accept: text/plain" : "Accept: application/json",
	    call->body.n > 0 ? type : NULL, call->match == NULL ? NULL : match);
	while (!asking.is_over)
		loop_turn(client->loop, true);
	return asking.code;
}

void
answer_free(struct answer *answer)
{
	buf_free(&answer->text);
	json_free(answer->json);
	answer->json = NULL;
}

struct fetch_transfer *
client_stream_start(struct client *client, const char *path, const char *last_id,
    fetch_body_fn *on_body, fetch_done_fn *done, void *context)
{
	char resume[HEADER_SIZE];
	struct fetch_request request = {
		.total_ms = -1,
		.on_body = on_body,
		.on_done = done,
		.context = context,
		.fresh =
		    true, /* a kept connection may be one to the server before its restart */
	};

	snprintf(resume, sizeof(resume), "Last-Event-ID: %s", last_id);
	return start(client, &request, path, "Accept: text/event-stream",
	    last_id[0] != '\0' ? resume : NULL, NULL);
}
