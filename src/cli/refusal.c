/* refusal.c - what went wrong with a call, as an exit code and in words for a person. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/client.h"

enum { WHY_SIZE = 256 };

/* curl's "Failed to connect to A port P after 0 ms: Couldn't connect to server: Connection refused"
 * is worth its end; the address stands in the sentence around it. */
static void
shorten(const char *why, char text[WHY_SIZE])
{
	const char *last = why;

	if (strncmp(why, "Failed to connect to", 20) == 0)
		for (const char *p = strstr(why, ": "); p != NULL; p = strstr(last, ": "))
			last = p + 2;
	snprintf(text, WHY_SIZE, "%s", last);
	if (islower((unsigned char)text[1]))
		text[0] = (char)tolower((unsigned char)text[0]);
}

enum cli_exit
client_unreached(
    const struct client *client, const char *why, bool may_have_acted, struct err *err)
{
	char text[WHY_SIZE] = "";

	shorten(why, text);
	if (may_have_acted)
		err_set(err,
		    "the answer of slipway at %.200s was lost: %s; it may have acted all the "
		    "same: look with `slipway history`",
		    client_url(client), text);
	else if (strstr(why, "Operation timed out") != NULL)
		err_set(err,
		    "slipway at %.200s does not answer (%s): it is stopped, hangs, or its "
		    "machine is overloaded",
		    client_url(client), text);
	else
		err_set(err,
		    "cannot reach slipway at %.200s: %s; is `slipway serve` running? (set "
		    "SLIPWAY_URL)",
		    client_url(client), text);
	return CLI_UNREACHABLE;
}

static const struct {
	int status;
	enum cli_exit code;
	const char *remedy;
} refusals[] = {
	{ 400, CLI_INVALID, "" },
	{ 401, CLI_UNAUTHORIZED, "" },
	{ 404, CLI_NOT_FOUND,
	    "; `slipway status` lists the stages, `slipway history` the deploys" },
	{ 405, CLI_INVALID,
	    "; is the server of another version than `slipway version` says?" },
	{ 409, CLI_CONFLICT, "" },
	{ 412, CLI_CONFLICT, "" },
	{ 413, CLI_INVALID, "" },
	{ 415, CLI_INVALID, "" },
	{ 429, CLI_UNREACHABLE, "; try again in a few seconds" },
	{ 503, CLI_UNREACHABLE, "; try again in a few seconds" },
};

static void
tell_refusal(const struct json *error, int status, const char *remedy, struct err *err)
{
	const char *message = json_text(json_get(error, "message"));
	const char *detail = json_text(json_get(error, "detail"));

	if (message[0] == '\0') {
		err_set(err, "the server refuses this (%d) and does not say why%s", status,
		    remedy);
		return;
	}
	err_set(err, "%.300s%s%.80s%s%s", message, detail[0] == '\0' ? "" : " (", detail,
	    detail[0] == '\0' ? "" : ")", strchr(message, ';') == NULL ? remedy : "");
}

/* Not a status that the API has: a fault of the server's, or of something in between. */
static enum cli_exit
tell_fault(const struct client *client, int status, const struct json *error, struct err *err)
{
	if (json_kind(error) == JSON_IS_OBJECT) {
		err_set(err,
		    "the server failed (%d): %.200s; its log tells more about request %.80s",
		    status, json_text(json_get(error, "message")),
		    json_text(json_get(error, "request_id")));
		return CLI_FAILED;
	}
	err_set(err, "what answers at %.200s (with %d) is no slipway; set SLIPWAY_URL",
	    client_url(client), status);
	return CLI_UNREACHABLE;
}

enum cli_exit
client_refused(const struct client *client, int status, struct str body, struct err *err)
{
	struct err ignored;
	struct json *json = json_parse(body, &ignored);
	const struct json *error = json_get(json, "error");
	enum cli_exit code = CLI_OK;

	for (size_t i = 0; i < COUNT(refusals) && json_kind(error) == JSON_IS_OBJECT; i++)
		if (refusals[i].status == status) {
			code = refusals[i].code;
			tell_refusal(error, status, refusals[i].remedy, err);
		}
	if (code == CLI_UNAUTHORIZED && !client_has_token(client))
		err_set(err,
		    "the server at %.200s wants a token; set SLIPWAY_TOKEN to the server's, "
		    "or SLIPWAY_TOKEN_FILE to the path of a file that holds it",
		    client_url(client));
	else if (code == CLI_UNAUTHORIZED)
		err_set(err,
		    "the server at %.200s does not take this token; set SLIPWAY_TOKEN (or "
		    "SLIPWAY_TOKEN_FILE) to the server's",
		    client_url(client));
	else if (code == CLI_OK && (status == 502 || status == 503 || status == 504)
		 && error == NULL)
		code = client_unreached(
		    client, "a proxy answers that the server is away", false, err);
	else if (code == CLI_OK)
		code = tell_fault(client, status, error, err);
	json_free(json);
	return code;
}
