/* ecr.c - see ecr.h. */
#include "ports/ecr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/aws_sign.h"
#include "ports/fetch.h"
#include "ports/password.h"
#include "ports/registry_url.h"
#include "store/catalog.h"

enum {
	MARGIN_MS = 600000, /* before its end: a pull may take long */
	LIFE_MAX_MS = 43200000, /* AWS gives twelve hours */
	FAILED_MS = 5000, /* a failure is told again so long */
	TOTAL_MS = 20000,
	ANSWER_MAX = 64 << 10,
	HEADER_MAX = 1024,
};

#define TARGET "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
#define TYPE "application/x-amz-json-1.1"
#define TYPE_HEADER "Content-Type: application/x-amz-json-1.1"

struct ecr_wait {
	struct key *key;
	struct ecr_wait *next;
	ecr_done_fn *on_done;
	void *context;
};

/* One registry with one access key. */
struct key {
	struct ecr *ecr;
	struct key *next;
	struct registry_config config;
	char *password; /* NULL: none */
	int64_t until_ms;
	int64_t failed_ms; /* 0: not */
	char why[REASON_SIZE];
	struct fetch_transfer *transfer;
	struct ecr_wait *waits;
	struct loop_timer *soon; /* tells those who wait, in the next turn */
};

struct ecr {
	struct port_host host;
	struct key *keys;
};

struct ecr *
ecr_new(const struct port_host *host)
{
	struct ecr *ecr = calloc(1, sizeof(*ecr));

	CHECK(ecr != NULL);
	ecr->host = *host;
	return ecr;
}

static void
drop_password(struct key *key)
{
	if (key->password != NULL)
		explicit_bzero(key->password, strlen(key->password));
	free(key->password);
	key->password = NULL;
}

void
ecr_free(struct ecr *ecr)
{
	while (ecr != NULL && ecr->keys != NULL) {
		struct key *key = ecr->keys;

		ecr->keys = key->next;
		if (key->transfer != NULL)
			fetch_cancel(key->transfer);
		while (key->waits != NULL)
			ecr_cancel(key->waits);
		loop_timer_free(key->soon);
		drop_password(key);
		free(key);
	}
	free(ecr);
}

/* Those who wait may ask again at once, so they are taken off first. */
static void
tell_all(void *context)
{
	struct key *key = context;
	const char *failure = key->password == NULL ? key->why : NULL;

	while (key->waits != NULL) {
		struct ecr_wait *wait = key->waits;

		key->waits = wait->next;
		wait->on_done(wait->context, failure);
		free(wait);
	}
}

static bool
is_same(const struct registry_config *a, const struct registry_config *b)
{
	return strcmp(a->host, b->host) == 0 && strcmp(a->username, b->username) == 0
	       && strcmp(a->token_url, b->token_url) == 0;
}

/* As many as there are registries; what is configured otherwise takes the place of what was. */
static struct key *
find(struct ecr *ecr, const struct registry_config *config)
{
	struct key *key = ecr->keys;

	while (key != NULL && strcmp(key->config.host, config->host) != 0)
		key = key->next;
	if (key == NULL) {
		key = calloc(1, sizeof(*key));
		CHECK(key != NULL);
		key->ecr = ecr;
		key->next = ecr->keys;
		key->soon = loop_timer_new(ecr->host.loop, tell_all, key);
		ecr->keys = key;
	} else if (!is_same(&key->config, config)) {
		drop_password(key);
		key->failed_ms = 0;
	}
	key->config = *config;
	return key;
}

const char *
ecr_password(struct ecr *ecr, const struct registry_config *config)
{
	struct key *key = find(ecr, config);

	if (key->password != NULL && key->until_ms <= clock_now_ms())
		drop_password(key);
	return key->password;
}

static void
fail(struct key *key, const char *why)
{
	snprintf(key->why, sizeof(key->why), "no password for %s: %s", key->config.host, why);
	key->failed_ms = clock_now_ms();
	drop_password(key);
	log_warn(NULL, "registry.troubled", "%s", key->why);
	loop_timer_set(key->soon, 0);
}

/* The answer. */

static int
letter_value(char c)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(letters, c);

	return at == NULL ? -1 : (int)(at - letters);
}

/* Base64 (RFC 4648) up to its padding; to gets what was good. */
static void
decode(struct str text, struct buf *to)
{
	unsigned bits = 0;
	int count = 0;

	for (size_t i = 0; i < text.n && letter_value(text.p[i]) >= 0; i++) {
		bits = bits << 6 | (unsigned)letter_value(text.p[i]);
		count += 6;
		if (count >= 8) {
			count -= 8;
			buf_char(to, (char)(bits >> count & 255));
		}
	}
}

/* {"authorizationData":[{"authorizationToken":base64("AWS:password"),"expiresAt":1.7e9}]} */
static bool
take_token(struct key *key, struct str body)
{
	struct err ignored;
	struct json *root = json_parse(body, &ignored);
	const struct json *data = json_at(json_get(root, "authorizationData"), 0);
	int64_t left_ms =
	    json_number(json_get(data, "expiresAt")) * 1000 - clock_wall_ms() - MARGIN_MS;
	struct buf both;
	bool is_good;

	buf_init(&both, PASSWORD_SIZE - 1);
	decode(json_str(json_get(data, "authorizationToken")), &both);
	is_good = !both.overflow && str_starts(buf_view(&both), "AWS:") && both.n > 4
		  && memchr(both.p, '\0', both.n) == NULL && left_ms > 0;
	if (is_good) {
		drop_password(key);
		key->password = strdup(both.p + 4);
		CHECK(key->password != NULL);
		if (left_ms > LIFE_MAX_MS)
			left_ms = LIFE_MAX_MS;
		key->until_ms = clock_now_ms() + left_ms;
		key->failed_ms = 0;
	}
	if (both.p != NULL)
		explicit_bzero(both.p, both.n);
	buf_free(&both);
	json_free(root);
	return is_good;
}

/* {"__type":"UnrecognizedClientException","message":"..."} */
static void
explain(const struct fetch_result *result, char why[REASON_SIZE])
{
	struct err ignored;
	struct json *root = json_parse(result->body, &ignored);
	struct str kind = json_str(json_get(root, "__type"));
	struct buf text;

	buf_init(&text, REASON_SIZE - 1);
	buf_format(&text, "AWS answered %d: ", result->status);
	for (size_t i = 0; i < kind.n; i++)
		if (kind.p[i] > ' ' && kind.p[i] <= '~')
			buf_char(&text, kind.p[i]);
	if (result->status == 400 || result->status == 403)
		buf_text(&text, ": check username (the access key's id), its secret, and "
				"that it may ecr:GetAuthorizationToken");
	snprintf(why, REASON_SIZE, "%s", buf_cstr(&text));
	buf_free(&text);
	json_free(root);
}

static void
on_answer(void *context, const struct fetch_result *result)
{
	struct key *key = context;
	char why[REASON_SIZE];

	key->transfer = NULL;
	if (result->outcome != FETCH_ANSWERED) {
		snprintf(why, sizeof(why), "cannot reach AWS: %s", result->why);
		fail(key, why);
	} else if (result->status != 200) {
		explain(result, why);
		fail(key, why);
	} else if (!take_token(key, result->body)) {
		fail(key, "AWS's answer has none, or one that is over");
	} else {
		loop_timer_set(key->soon, 0);
	}
}

/* The question. */

/* "account.dkr.ecr.REGION.amazonaws.com", "api.ecr.REGION.amazonaws.com". */
static bool
find_region(const char *text, char *region, size_t size)
{
	const char *at = strstr(text, "ecr.");

	return at != NULL
	       && str_copy(region, size, (struct str){ at + 4, strcspn(at + 4, ".:/") })
	       && region[0] != '\0';
}

static void
find_url(const struct registry_config *config, const char *region, struct buf *url)
{
	size_t n = strlen(config->host);
	bool is_china = n > 3 && strcmp(config->host + n - 3, ".cn") == 0;

	if (config->token_url[0] != '\0')
		buf_text(url, config->token_url);
	else
		buf_format(
		    url, "https://api.ecr.%s.amazonaws.com%s/", region, is_china ? ".cn" : "");
}

static void
send_signed(struct key *key, const char *url, const char *region, const char *secret)
{
	struct url parts;
	char host[DOMAIN_SIZE + 8] = "";
	char date[AWS_DATE_SIZE];
	struct aws_header signed_headers[] = { { "content-type", TYPE }, { "host", host },
		{ "x-amz-date", date }, { "x-amz-target", TARGET } };
	struct buf lines[3];
	const char *headers[] = { NULL, NULL, NULL, TYPE_HEADER, NULL };
	struct fetch_request request = { .method = "POST",
		.url = url,
		.headers = headers,
		.body = STR("{}"),
		.ca_file = key->config.token_url[0] == '\0' || key->config.ca_file[0] == '\0'
			       ? NULL
			       : key->config.ca_file,
		.total_ms = TOTAL_MS,
		.body_max = ANSWER_MAX,
		.on_done = on_answer,
		.context = key };

	CHECK(url_split(str_of(url), &parts) && str_copy(host, sizeof(host), parts.authority));
	aws_date(clock_wall_ms(), date);
	for (size_t i = 0; i < COUNT(lines); i++)
		buf_init(&lines[i], HEADER_MAX);
	buf_format(&lines[0], "X-Amz-Date: %s", date);
	buf_text(&lines[1], "X-Amz-Target: " TARGET);
	buf_text(&lines[2], "Authorization: ");
	aws_sign(&(struct aws_request){ .key_id = key->config.username,
		     .secret = secret,
		     .region = region,
		     .service = "ecr",
		     .date = date,
		     .method = "POST",
		     .path = "/",
		     .headers = signed_headers,
		     .header_count = COUNT(signed_headers),
		     .body = request.body },
	    &lines[2]);
	for (size_t i = 0; i < COUNT(lines); i++)
		headers[i] = buf_cstr(&lines[i]);
	key->transfer = fetch_start(key->ecr->host.fetch, &request);
	for (size_t i = 0; i < COUNT(lines); i++)
		buf_free(&lines[i]);
}

static void
start(struct key *key)
{
	const struct registry_config *config = &key->config;
	char secret[PASSWORD_SIZE];
	char region[NAME_SIZE];
	struct buf url;
	struct err err;

	if (!find_region(config->token_url, region, sizeof(region))
	    && !find_region(config->host, region, sizeof(region))) {
		fail(key, "neither its host nor token_url tells the region: "
			  "...ecr.eu-west-1.amazonaws.com");
		return;
	}
	if (password_read(config->password_file, config->password_env, secret, &err) != 0) {
		fail(key, err.text);
		return;
	}
	buf_init(&url, 1024);
	find_url(config, region, &url);
	send_signed(key, buf_cstr(&url), region, secret);
	password_wipe(secret);
	buf_free(&url);
}

struct ecr_wait *
ecr_ask(
    struct ecr *ecr, const struct registry_config *config, ecr_done_fn *on_done, void *context)
{
	struct key *key = find(ecr, config);
	struct ecr_wait *wait = calloc(1, sizeof(*wait));
	bool has_just_failed =
	    key->failed_ms != 0 && clock_now_ms() - key->failed_ms < FAILED_MS;

	CHECK(wait != NULL);
	*wait = (struct ecr_wait){ key, key->waits, on_done, context };
	key->waits = wait;
	if (has_just_failed || ecr_password(ecr, config) != NULL)
		loop_timer_set(key->soon, 0);
	else if (key->transfer == NULL)
		start(key);
	return wait;
}

void
ecr_cancel(struct ecr_wait *wait)
{
	struct ecr_wait **at;

	if (wait == NULL)
		return;
	at = &wait->key->waits;
	while (*at != wait)
		at = &(*at)->next;
	*at = wait->next;
	free(wait);
}
