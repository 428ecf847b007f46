/* registry_question.c - one HTTP request to a registry, with whatever logins it takes.
 *
 * The one idea: how a registry wants to be asked is remembered with its site, so the first 401 is
 * usually the last; a token is fetched before the request that needs it. A 401 is answered once: what
 * is refused after that is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "ports/registry_parts.h"

enum { TOTAL_MS = 20000, KEY_SIZE = DOMAIN_SIZE + IMAGE_SIZE + 300 };

static void send_request(struct question *q);

/* Beginning and end. */

struct question *
question_ask(const struct question_request *request)
{
	struct question *q = calloc(1, sizeof(*q));

	CHECK(q != NULL && strlen(request->url) <= QUESTION_URL_MAX);
	q->site = request->site;
	q->priority = request->priority;
	snprintf(q->repository, sizeof(q->repository), "%s", request->repository);
	if (request->repository[0] != '\0')
		snprintf(
		    q->scope, sizeof(q->scope), "repository:%s:pull", request->repository);
	q->url = strdup(request->url);
	CHECK(q->url != NULL);
	q->method = request->method;
	q->accept = request->accept;
	q->body_max = request->body_max;
	q->on_done = request->on_done;
	q->context = request->context;
	q->site->users++;
	site_join_line(q->site, q);
	return q;
}

static void
question_free(struct question *q)
{
	site_leave(q->site);
	token_free(q->token);
	free(q->url);
	free(q);
}

void
question_cancel(struct question *q)
{
	if (q == NULL)
		return;
	if (!q->is_started) {
		site_leave_line(q->site, q);
	} else {
		ecr_cancel(q->wait);
		if (q->transfer != NULL)
			fetch_cancel(q->transfer);
		q->site->active[q->priority]--;
		loop_timer_set(q->site->registry->soon, 0);
	}
	question_free(q);
}

void
question_start(struct question *q)
{
	q->is_started = true;
	q->site->active[q->priority]++;
	send_request(q);
}

void
question_finish(struct question *q, const struct question_answer *answer)
{
	CHECK(q->transfer == NULL && q->wait == NULL);
	q->site->active[q->priority]--;
	loop_timer_set(q->site->registry->soon, 0);
	q->on_done(q->context, answer);
	question_free(q);
}

void
question_turn_away(struct question *q, int64_t after_ms, const char *why)
{
	struct question_answer answer = {
		.kind = EV_TROUBLED, .after_ms = after_ms, .why = why, .is_known = true
	};

	q->on_done(q->context, &answer);
	question_free(q);
}

/* Tokens. */

static void
token_key(const struct question *q, char key[KEY_SIZE])
{
	snprintf(key, KEY_SIZE, "%s %s %s", q->site->status.host, q->site->config.username,
	    q->repository);
}

static void
keep_token(struct question *q, char *token, int64_t life_ms)
{
	char key[KEY_SIZE];

	token_key(q, key);
	tokens_put(q->site->registry->tokens, key, str_of(token), clock_now_ms(), life_ms);
	token_free(q->token);
	q->token = token;
}

static void
on_token(void *context, const struct fetch_result *result)
{
	struct question *q = context;
	struct site *site = q->site;
	bool is_stale = false;
	int64_t life_ms;
	char *token;

	q->transfer = NULL;
	if (result->outcome == FETCH_ANSWERED && result->status == 200
	    && (token = login_take_token(result->body, &life_ms)) != NULL) {
		keep_token(q, token, life_ms);
		send_request(q);
		return;
	}
	if (result->outcome != FETCH_ANSWERED) {
		trouble_unreached(q, result, "the token server of ");
	} else if (result->status == 429 || result->status >= 500) {
		trouble_slow(q, result, "the token server of ");
	} else if (result->status == 401) {
		trouble_login(q);
	} else if (result->status == 403) { /* some say so of a single repository */
		trouble_rights(q, result);
	} else if (!q->was_challenged) {
		is_stale = true;
	} else {
		trouble_site(q, EV_TROUBLED, false,
		    "the token server of %s (%.100s) answered %d and gave no token",
		    site->status.host, site->challenge.realm, result->status);
	}
	/* It may send elsewhere by now: the next request, without a token, is told. */
	memset(&site->challenge, 0, sizeof(site->challenge));
	if (is_stale)
		send_request(q);
}

/* -1: the question is over. */
static int
add_login(struct question *q, struct fetch_request *request, struct login *login)
{
	struct err err;

	if (q->site->config.username[0] == '\0')
		return 0;
	if (login_read(q->site, login, &err) != 0) {
		trouble_site(q, EV_REFUSED, false, "%s", err.text);
		return -1;
	}
	memcpy(q->hash, login->hash, sizeof(q->hash));
	request->basic_user =
	    q->site->config.kind == REGISTRY_ECR ? "AWS" : q->site->config.username;
	request->basic_password = login->password;
	return 0;
}

static void
begin(struct question *q, struct fetch_request *request)
{
	const struct registry_config *config = &q->site->config;

	CHECK(q->transfer == NULL);
	request->ca_file = config->ca_file[0] == '\0' ? NULL : config->ca_file;
	request->follow = true;
	request->total_ms = TOTAL_MS;
	request->context = q;
	q->transfer = fetch_start(q->site->registry->host.fetch, request);
}

static void
fetch_token(struct question *q)
{
	struct fetch_request request = { .body_max = REGISTRY_TOKEN_BYTES_MAX,
		.on_done = on_token };
	struct login login = { .password = "" };
	struct buf url;
	struct err err;

	buf_init(&url, QUESTION_URL_MAX);
	if (login_token_url(q->site, q->scope, &url, &err) != 0) {
		memset(&q->site->challenge, 0, sizeof(q->site->challenge));
		trouble_site(q, EV_REFUSED, false, "%s", err.text);
	} else if (add_login(q, &request, &login) == 0) {
		request.url = buf_cstr(&url);
		begin(q, &request);
	}
	login_wipe(&login);
	buf_free(&url);
}

/* The request itself. */

/* The token that was just fetched answers this very challenge: it is the rights that are missing. */
static bool
has_answered(const struct question *q, const struct challenge *c)
{
	const struct challenge *known = &q->site->challenge;

	return q->token != NULL && c->kind == CHALLENGE_BEARER
	       && strcmp(c->realm, known->realm) == 0
	       && strcmp(c->service, known->service) == 0
	       && (c->scope[0] == '\0' || strcmp(c->scope, q->scope) == 0);
}

/* Whatever was known about how to ask: this 401 says it anew. */
static void
answer_challenge(struct question *q, const struct fetch_result *result)
{
	struct challenge challenge = { .kind = CHALLENGE_NONE };
	struct str header;
	char key[KEY_SIZE];

	for (uint32_t i = 0;
	     (header = fetch_header_at(result->transfer, "WWW-Authenticate", i)).n > 0; i++)
		challenge_add(&challenge, header);
	token_key(q, key);
	tokens_drop(q->site->registry->tokens, key);
	if (q->has_sent_basic && challenge.kind != CHALLENGE_BEARER) {
		trouble_login(q);
	} else if (q->was_challenged || has_answered(q, &challenge)) {
		trouble_rights(q, result);
	} else if (challenge.kind == CHALLENGE_NONE) {
		trouble_site(q, EV_REFUSED, false,
		    "%s asks for a kind of login that is not known here (Basic and Bearer "
		    "are)",
		    q->site->status.host);
	} else if (challenge.kind == CHALLENGE_BASIC && q->site->config.username[0] == '\0') {
		trouble_login(q);
	} else {
		q->was_challenged = true;
		token_free(q->token);
		q->token = NULL;
		q->site->challenge = challenge;
		if (challenge.scope[0] != '\0')
			memcpy(q->scope, challenge.scope, sizeof(q->scope));
		send_request(q);
	}
}

static void
on_answer(void *context, const struct fetch_result *result)
{
	struct question *q = context;
	struct question_answer answer = {
		.status = result->status, .body = result->body, .transfer = result->transfer
	};

	q->transfer = NULL;
	if (result->outcome != FETCH_ANSWERED) {
		trouble_unreached(q, result, "");
		return;
	}
	site_note_budget(q->site, result->transfer);
	if (result->status == 401) {
		answer_challenge(q, result);
	} else if (result->status == 403) {
		trouble_rights(q, result);
	} else if (result->status == 429 || result->status >= 500) {
		trouble_slow(q, result, "");
	} else if (result->status == 400 && q->site->config.is_insecure
		   && memmem(result->body.p, result->body.n, "HTTPS", 5) != NULL) {
		trouble_site(q, EV_REFUSED, false,
		    "registry %s speaks HTTPS; take insecure: true away from it under "
		    "registries",
		    q->site->status.host);
	} else {
		site_note_ok(q->site);
		question_finish(q, &answer);
	}
}

static void
send_with_token(struct question *q, struct fetch_request *request, const char *token)
{
	const char *headers[] = { q->accept, NULL, NULL };
	struct buf line;

	buf_init(&line, REGISTRY_TOKEN_BYTES_MAX);
	request->headers = headers;
	if (token != NULL) {
		buf_format(&line, "Authorization: Bearer %s", token);
		CHECK(!line.overflow);
		headers[q->accept == NULL ? 0 : 1] = buf_cstr(&line);
	}
	begin(q, request);
	if (line.p != NULL)
		explicit_bzero(line.p, line.n);
	buf_free(&line);
}

static void
on_password(void *context, const char *failure)
{
	struct question *q = context;

	q->wait = NULL;
	if (failure == NULL)
		send_request(q);
	else
		trouble_site(q, EV_TROUBLED, false, "%s", failure);
}

/* ECR's password is not in the configuration, and may have to be asked for first. */
static bool
waits_for_password(struct question *q)
{
	const struct registry_config *config = &q->site->config;
	struct ecr *ecr = q->site->registry->host.ecr;

	if (config->kind != REGISTRY_ECR || config->username[0] == '\0' || ecr == NULL
	    || ecr_password(ecr, config) != NULL)
		return false;
	q->wait = ecr_ask(ecr, config, on_password, q);
	return true;
}

static void
send_request(struct question *q)
{
	struct fetch_request request = { .method = q->method,
		.url = q->url,
		.body_max = q->body_max,
		.on_done = on_answer };
	struct login login = { .password = "" };
	const char *token = q->token;
	char key[KEY_SIZE];

	if (waits_for_password(q))
		return;
	if (token == NULL && q->site->challenge.kind == CHALLENGE_BEARER) {
		token_key(q, key);
		token = tokens_find(q->site->registry->tokens, key, clock_now_ms());
		if (token == NULL) {
			fetch_token(q);
			return;
		}
	}
	q->has_sent_basic = token == NULL && q->site->challenge.kind == CHALLENGE_BASIC;
	if (!q->has_sent_basic || add_login(q, &request, &login) == 0)
		send_with_token(q, &request, token);
	login_wipe(&login);
}
