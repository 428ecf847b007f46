/* npm_talk.c - calls of Nginx Proxy Manager's API, logged in.
 *
 * The one idea: its statuses mislead. A token that is old, forged or of a disabled account is answered with
 * 400, 401, 403, 404 or 500, by version; so whatever could be that is asked once more after a new
 * login, and only then believed. Each call has a connection of its own: the API stands behind the
 * nginx that it reloads, which closes idle ones. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "ports/npm_inside.h"
#include "ports/password.h"

enum {
	CALL_MS = 40000, /* with 200 hosts a change takes 2 s */
	ANSWER_BYTES_MAX = 8 << 20, /* 10,000 hosts */
	TOKEN_USED_S = 3600, /* it lives a day; a login takes 0.4 s */
};

static void start(struct npm_talk *talk);

static void
answer(struct npm_talk *talk, struct npm_answer *a)
{
	npm_answer_fn *on_answer = talk->on_answer;

	talk->on_answer = NULL;
	buf_free(&talk->body);
	on_answer(talk->context, a);
}

static void fail(struct npm_talk *talk, enum npm_said said, int status, bool is_unreached,
    const char *format, ...) PRINTF_LIKE(5, 6);

static void
fail(struct npm_talk *talk, enum npm_said said, int status, bool is_unreached,
    const char *format, ...)
{
	struct npm_answer a = { .said = said, .status = status, .is_unreached = is_unreached };
	va_list args;

	va_start(args, format);
	vsnprintf(a.text, sizeof(a.text), format, args);
	va_end(args);
	answer(talk, &a);
}

static const char *
address(const struct npm_talk *talk)
{
	return talk->host->config->address;
}

static struct fetch_transfer *
fetch(struct npm_talk *talk, const char *method, const char *path, struct str body,
    fetch_done_fn *on_done)
{
	char url[1024];
	char authorization[NPM_TOKEN_SIZE + 32];
	const char *headers[] = { "Content-Type: application/json", NULL, NULL };
	struct fetch_request request = { .method = method,
		.url = url,
		.headers = headers,
		.body = body,
		.ca_file = talk->host->config->ca_file[0] != '\0' ? talk->host->config->ca_file
								  : NULL,
		.fresh = true,
		.total_ms = CALL_MS,
		.body_max = ANSWER_BYTES_MAX,
		.on_done = on_done,
		.context = talk };
	struct fetch_transfer *transfer;

	snprintf(url, sizeof(url), "%s/api%s", address(talk), path);
	if (talk->token[0] != '\0' && strcmp(path, "/tokens") != 0) {
		snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s",
		    talk->token);
		headers[1] = authorization;
	}
	transfer = fetch_start(talk->host->fetch, &request);
	explicit_bzero(authorization, sizeof(authorization));
	return transfer;
}

static bool
is_untrusted(const struct fetch_result *result)
{
	return result->outcome == FETCH_UNREACHED
	       && strstr(result->why, "certificate") != NULL;
}

static void
tell_untrusted(struct npm_talk *talk, const struct fetch_result *result)
{
	fail(talk, NPM_NO, 0, true,
	    "the certificate of %s cannot be trusted (%.160s): name who signed it in "
	    "'ca_file' of "
	    "the proxy",
	    address(talk), result->why);
}

/* Logging in. */

static void
take_token(struct npm_talk *talk, const struct json *json)
{
	if (json_get(json, "requires_2fa") != NULL) {
		fail(talk, NPM_NO, 200, true,
		    "the account %.100s of Nginx Proxy Manager wants a second factor: give "
		    "Slipway an account of its own without 2FA",
		    talk->host->config->username);
		return;
	}
	if (!str_copy(talk->token, sizeof(talk->token), json_str(json_get(json, "token")))
	    || talk->token[0] == '\0') {
		fail(talk, NPM_NO, 200, true,
		    "%s does not answer as Nginx Proxy Manager's API does: is the address "
		    "that of its admin site?",
		    address(talk));
		return;
	}
	talk->token_until_us = clock_mono_us() + (int64_t)TOKEN_USED_S * 1000000;
	start(talk);
}

static void
refuse_login(struct npm_talk *talk)
{
	fail(talk, NPM_NO, 400, true,
	    "Nginx Proxy Manager does not take the login of '%.100s' (%.100s): check "
	    "'username' and %s of the proxy",
	    talk->host->config->username, talk->why,
	    talk->host->config->password_file[0] != '\0' ? "'password_file'"
							 : "'password_env'");
}

/* A new one, where nobody is anybody yet, says the same as to a wrong password. */
static void
on_health(void *context, const struct fetch_result *result)
{
	struct npm_talk *talk = context;
	struct err ignored;
	struct json *json = json_parse(result->body, &ignored);
	const struct json *setup = json_get(json, "setup");

	talk->transfer = NULL;
	if (json_kind(setup) == JSON_IS_BOOL && !json_bool(setup))
		fail(talk, NPM_NO, 400, true,
		    "Nginx Proxy Manager at %s has no user yet: open it in a browser, create "
		    "one, and an account for Slipway",
		    address(talk));
	else
		refuse_login(talk);
	json_free(json);
}

/* Its admin site is an nginx before its API. */
#define NPM_BEHIND                                                                            \
	"Nginx Proxy Manager cannot be reached behind %s (status %d): does it start, or has " \
	"its API failed? See its log"

static bool
is_of_gateway(int status)
{
	return status >= 502 && status <= 504;
}

static void
explain_login(struct npm_talk *talk, const struct fetch_result *result, const char *message)
{
	int status = result->status;

	snprintf(talk->why, sizeof(talk->why), "%s", message);
	if (status == 400 || status == 401 || status == 403)
		talk->transfer = fetch(talk, "GET", "/", STR(""), on_health);
	else if (is_of_gateway(status))
		fail(talk, NPM_UNCLEAR, status, true, NPM_BEHIND, address(talk), status);
	else
		fail(talk, NPM_UNCLEAR, status, true,
		    "%s answers a login with status %d%s%.100s", address(talk), status,
		    message[0] == '\0' ? "" : ": ", message);
}

static void
on_login(void *context, const struct fetch_result *result)
{
	struct npm_talk *talk = context;
	struct err ignored;
	struct json *json = NULL;

	talk->transfer = NULL;
	if (is_untrusted(result)) {
		tell_untrusted(talk, result);
		return;
	}
	if (result->outcome != FETCH_ANSWERED) {
		fail(talk, NPM_UNCLEAR, 0, true,
		    "Nginx Proxy Manager at %s cannot be reached (%.160s): does it run, and "
		    "is the address that of its admin site?",
		    address(talk), result->why);
		return;
	}
	json = json_parse(result->body, &ignored);
	if (result->status == 200)
		take_token(talk, json);
	else
		explain_login(
		    talk, result, json_text(json_get(json_get(json, "error"), "message")));
	json_free(json);
}

static void
log_in(struct npm_talk *talk)
{
	const struct proxy_config *config = talk->host->config;
	char password[PASSWORD_SIZE];
	struct json_writer w;
	struct buf body;
	struct err err;

	talk->has_logged_in = true;
	talk->token[0] = '\0';
	if (password_read(config->password_file, config->password_env, password, &err) != 0) {
		fail(talk, NPM_NO, 0, true, "no password for '%.100s': %s", config->username,
		    err.text);
		return;
	}
	buf_init(&body, 2 * PASSWORD_SIZE);
	json_writer_init(&w, &body);
	json_object_open(&w);
	json_pair_text(&w, "identity", config->username);
	json_pair_text(&w, "secret", password);
	json_object_close(&w);
	talk->transfer = fetch(talk, "POST", "/tokens", buf_view(&body), on_login);
	password_wipe(password);
	explicit_bzero(body.p, body.n);
	buf_free(&body);
}

/* Calls. */

/* "Not Found - /nginx/proxy-hosts": the path, where an id would stand for a host that is not there. */
static bool
may_be_login(const struct npm_talk *talk, int status, const char *message)
{
	const char *what = strstr(message, " - ");

	return status == 401 || status == 403
	       || (status == 404 && what != NULL && what[3] == '/')
	       || (status == 400 && strstr(message, "Token") != NULL)
	       || (status == 500 && strcmp(talk->method, "GET") == 0);
}

static void
tell_failure(struct npm_talk *talk, int status, const char *message)
{
	if (status != 500 && may_be_login(talk, status, message))
		fail(talk, NPM_NO, status, true,
		    "the account %.100s may not do this in Nginx Proxy Manager (%.80s): "
		    "permit it to manage proxy hosts and view certificates, with "
		    "visibility of all items",
		    talk->host->config->username, message);
	else if (is_of_gateway(status))
		fail(talk, NPM_UNCLEAR, status, false, NPM_BEHIND, address(talk), status);
	else if (status >= 500 || status == 429)
		fail(talk, NPM_UNCLEAR, status, false,
		    "Nginx Proxy Manager failed (%d%s%.120s): its nginx may not run, or "
		    "refuse another host's configuration; see its log",
		    status, message[0] == '\0' ? "" : ", ", message);
	else if (status == 404)
		fail(talk, NPM_GONE, status, false,
		    "what was there a moment ago is gone from Nginx Proxy Manager (%.200s)",
		    message);
	else
		fail(talk, NPM_NO, status, false,
		    "Nginx Proxy Manager refuses it (%d): %.200s", status, message);
}

static void
on_called(void *context, const struct fetch_result *result)
{
	struct npm_talk *talk = context;
	struct npm_answer a = { .said = NPM_OK, .status = result->status };
	struct err ignored;
	struct json *json;
	char message[300];

	talk->transfer = NULL;
	if (is_untrusted(result)) {
		tell_untrusted(talk, result);
		return;
	}
	if (result->outcome != FETCH_ANSWERED) {
		fail(talk, NPM_UNCLEAR, 0, result->outcome == FETCH_UNREACHED,
		    "Nginx Proxy Manager at %s %s (%.160s)", address(talk),
		    result->outcome == FETCH_UNREACHED ? "cannot be reached"
						       : "gave no whole answer",
		    result->why);
		return;
	}
	json = json_parse(result->body, &ignored);
	snprintf(message, sizeof(message), "%s",
	    json_text(json_get(json_get(json, "error"), "message")));
	if (result->status >= 200 && result->status < 300) {
		a.json = json;
		a.owned = &json;
		answer(talk, &a);
	} else if (!talk->has_logged_in && may_be_login(talk, result->status, message))
		log_in(talk);
	else
		tell_failure(talk, result->status, message);
	json_free(json);
}

static void
start(struct npm_talk *talk)
{
	if (talk->token[0] == '\0' || clock_mono_us() >= talk->token_until_us) {
		log_in(talk);
		return;
	}
	talk->transfer =
	    fetch(talk, talk->method, talk->path, buf_view(&talk->body), on_called);
}

void
npm_call(struct npm_talk *talk, const char *method, const char *path, struct str body,
    npm_answer_fn *on_answer, void *context)
{
	CHECK(talk->transfer == NULL && talk->on_answer == NULL);
	talk->method = method;
	snprintf(talk->path, sizeof(talk->path), "%s", path);
	buf_init(&talk->body, NPM_BODY_MAX);
	buf_str(&talk->body, body);
	talk->has_logged_in = false;
	talk->on_answer = on_answer;
	talk->context = context;
	start(talk);
}

void
npm_hush(struct npm_talk *talk)
{
	if (talk->transfer != NULL)
		fetch_cancel(talk->transfer);
	if (talk->on_answer != NULL)
		buf_free(&talk->body);
	talk->transfer = NULL;
	talk->on_answer = NULL;
}
