/* registry_trouble.c - what is said and learnt when a registry gives no answer.
 *
 * The one idea: every text names the registry, the cause and the remedy; and trouble of the registry
 * as a whole is told apart from that of one repository, because all others learn from it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "ports/registry_parts.h"

enum { LIMITED_MS = 60000 }; /* the wait when 429 names none */

static void
fail(struct question *q, enum event_kind kind, int64_t after_ms, const char *why)
{
	struct question_answer answer = { .kind = kind, .after_ms = after_ms, .why = why };

	question_finish(q, &answer);
}

void
trouble_site(struct question *q, enum event_kind kind, bool is_down, const char *format, ...)
{
	struct question_answer answer = { .kind = kind, .is_known = true };
	char why[REASON_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	site_note_trouble(q->site, why, is_down);
	answer.why = why;
	question_finish(q, &answer);
}

void
trouble_read(struct str body, char code[64], char message[128])
{
	struct err ignored;
	struct json *root = body.n == 0 ? NULL : json_parse(body, &ignored);
	const struct json *first = json_at(json_get(root, "errors"), 0);

	snprintf(code, 64, "%s", json_text(json_get(first, "code")));
	snprintf(message, 128, "%s", json_text(json_get(first, "message")));
	for (char *c = message; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	json_free(root);
}

void
trouble_unreached(struct question *q, const struct fetch_result *result, const char *who)
{
	static const char *const plain[] = { "wrong version number", "packet length too long",
		"http request" };
	const char *host = q->site->status.host;
	bool is_down = result->outcome == FETCH_UNREACHED;

	if (result->outcome == FETCH_TOO_LARGE) {
		char why[REASON_SIZE];
		snprintf(why, sizeof(why), "%s%s gave too long an answer about '%s': %s", who,
		    host, q->repository, result->why);
		fail(q, EV_REFUSED, 0, why);
		return;
	}
	for (size_t i = 0; i < COUNT(plain) && !q->site->config.is_insecure; i++)
		if (strstr(result->why, plain[i]) != NULL) {
			trouble_site(q, EV_REFUSED, is_down,
			    "%sregistry %s speaks plain HTTP; set insecure: true for it under "
			    "registries",
			    who, host);
			return;
		}
	if (strstr(result->why, "certificate") != NULL
	    || strstr(result->why, "trust anchors") != NULL)
		trouble_site(q, EV_REFUSED, is_down,
		    "%sthe certificate of registry %s cannot be trusted (%.120s): check "
		    "registries: ca_file",
		    who, host, result->why);
	else
		trouble_site(q, EV_TROUBLED, is_down, "cannot reach %sthe registry %s: %s",
		    who, host, result->why);
}

/* With a time to wait, everybody waits. */
void
trouble_slow(struct question *q, const struct fetch_result *result, const char *who)
{
	struct question_answer answer = { .kind = EV_TROUBLED, .is_known = true };
	int64_t after_ms =
	    retry_after_ms(fetch_header(result->transfer, "Retry-After"), clock_wall_ms());
	bool is_limit = result->status == 429;
	char why[REASON_SIZE];
	char code[64];
	char message[128];

	trouble_read(result->body, code, message);
	if (is_limit && after_ms == 0)
		after_ms = LIMITED_MS;
	snprintf(why, sizeof(why), "%s%s answered %d%s%s%s", who, q->site->status.host,
	    result->status, is_limit ? ", its rate limit is reached" : "",
	    message[0] == '\0' ? "" : ": ", message);
	site_note_trouble(q->site, why, false);
	if (after_ms > 0)
		site_close_gate(q->site, after_ms);
	answer.after_ms = after_ms;
	answer.why = why;
	question_finish(q, &answer);
}

void
trouble_login(struct question *q)
{
	char why[REASON_SIZE];

	login_explain(q->site, why);
	if (q->hash[0] == '\0') { /* others may be open to everybody */
		fail(q, EV_REFUSED, 0, why);
		return;
	}
	login_refused(q->site, q->hash);
	trouble_site(q, EV_REFUSED, false, "%s", why);
}

void
trouble_rights(struct question *q, const struct fetch_result *result)
{
	const char *user = q->site->config.username;
	char why[REASON_SIZE];
	char code[64];
	char message[128];

	trouble_read(result->body, code, message);
	if (q->repository[0] == '\0')
		login_explain(q->site, why);
	else if (user[0] == '\0')
		snprintf(why, sizeof(why),
		    "%s shows '%s' to nobody without a login: check the image's name, or "
		    "give a username and a password_file under registries",
		    q->site->status.host, q->repository);
	else
		snprintf(why, sizeof(why),
		    "%s refused the user '%.64s' for '%s'%s%s: check registries: username, "
		    "and the rights of that user there",
		    q->site->status.host, user, q->repository, message[0] == '\0' ? "" : ": ",
		    message);
	fail(q, EV_REFUSED, 0, why);
}
