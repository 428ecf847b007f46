/* notify_send.c - one delivery: address and secret are read, the request is made, its answer judged. */
#include "ports/notify_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "ports/password.h"
#include "ports/registry_headers.h"
#include "ports/vault.h"

enum {
	HTTP_MS = 10000,
	MAIL_MS = 30000, /* several round trips, and servers that greet late on purpose */
	ANSWER_SHOWN = 160,
	HEADERS_MAX = 10,
	PARCEL_ARENA_SIZE = 4096,
};

/* Everything of one request; wiped when it has been copied. */
struct parcel {
	struct arena *arena;
	char address[PASSWORD_SIZE]; /* the URL; of Slack and Discord a secret */
	char secret[PASSWORD_SIZE];
	char token[PASSWORD_SIZE + 64]; /* the header that carries it */
	struct buf url;
	struct buf body;
	const char *headers[HEADERS_MAX + 1];
	size_t header_count;
	const char *recipients[RECIPIENTS_MAX + 1];
};

static void
refuse(struct verdict *v, enum event_kind kind, const char *text)
{
	*v = (struct verdict){ .kind = kind };
	CHECK(str_copy(v->text, sizeof(v->text),
	    (struct str){ text, strnlen(text, sizeof(v->text) - 1) }));
}

static void PRINTF_LIKE(2, 3) add_header(struct parcel *p, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	CHECK(p->header_count < HEADERS_MAX);
	p->headers[p->header_count++] = arena_text(p->arena, str_of(line));
}

static int
open_sealed(struct vault *vault, const char *name, char secret[PASSWORD_SIZE], struct err *err)
{
	struct buf value;
	int64_t version;
	int result;

	buf_init(&value, VALUE_SIZE);
	result = vault_get(vault, name, &value, &version, err);
	if (result == 0 && !str_copy(secret, PASSWORD_SIZE, buf_view(&value)))
		result =
		    err_set(err, "'%.80s' is longer than %d bytes", name, PASSWORD_SIZE - 1);
	buf_wipe(&value);
	return result;
}

static int
read_secret(
    struct parcel *p, const struct receiver_config *r, struct vault *vault, struct err *err)
{
	if (r->secret_name[0] != '\0')
		return open_sealed(vault, r->secret_name, p->secret, err);
	if (r->secret_file[0] == '\0' && r->secret_env[0] == '\0')
		return 0;
	return password_read(r->secret_file, r->secret_env, p->secret, err);
}

/* Both may be missing where the configuration says that they are: that can be mended while it waits. */
static bool
read_secrets(
    struct parcel *p, const struct receiver_config *r, struct vault *vault, struct verdict *v)
{
	struct err err;

	if (r->url[0] != '\0')
		CHECK(str_copy(p->address, sizeof(p->address), str_of(r->url)));
	else if (password_read(r->url_file, r->url_env, p->address, &err) != 0) {
		err_context(&err, "the URL of receiver '%s'", r->name);
		refuse(v, EV_TROUBLED, err.text);
		return false;
	}
	if (read_secret(p, r, vault, &err) == 0)
		return true;
	err_context(&err, "the secret of receiver '%s'", r->name);
	refuse(v, EV_TROUBLED, err.text);
	return false;
}

/* A URL from a file was seen by nobody yet. What is wrong with it is told, and not the URL. */
static bool
check_address(const struct parcel *p, const struct receiver_config *r, struct verdict *v)
{
	const char *fault = receiver_url_fault(r->kind, p->address);
	char text[REASON_SIZE];

	if (fault == NULL && !r->is_insecure
	    && receiver_tells_secret(r->kind, p->address, p->secret[0] != '\0'))
		fault = "is not https://: what is secret would go there in the clear; set "
			"'insecure: true' to allow that";
	if (fault == NULL && strpbrk(p->secret, "\r\n") != NULL)
		fault = "has a secret that is not one line";
	if (fault == NULL)
		return true;
	snprintf(text, sizeof(text), "the URL of receiver '%s' %s", r->name, fault);
	refuse(v, EV_TROUBLED, text);
	return false;
}

/* Where a letter of that kind is posted; *target: the topic of ntfy, which is told in the body. */
static void
write_url(struct parcel *p, const struct receiver_config *r, const char **target)
{
	size_t n = strlen(p->address);
	const char *slash = strrchr(p->address, '/');

	*target = "";
	if (r->kind == RECEIVER_NTFY) {
		*target = slash + 1;
		n = (size_t)(slash - p->address) + 1;
	}
	buf_str(&p->url, (struct str){ p->address, n });
	if (r->kind == RECEIVER_GOTIFY)
		buf_text(&p->url, p->address[n - 1] == '/' ? "message" : "/message");
}

/* The advisory headers stand beside the body, which says the same and is signed. */
static void
sign(struct parcel *p, const struct letter *letter, struct delivery *d)
{
	char timestamp[CLOCK_TEXT_SIZE];
	char hex[HASH_HEX_SIZE];

	clock_text(letter->at_ms, timestamp);
	add_header(p, "X-Slipway-Event: %s", letter_event(letter));
	add_header(p, "X-Slipway-Delivery: %s", letter->delivery);
	add_header(p, "X-Slipway-Timestamp: %s", timestamp);
	add_header(p, "X-Slipway-Tier: %s", letter->tier);
	if (p->secret[0] == '\0')
		return;
	hash_hmac_hex(str_of(p->secret), buf_view(&p->body), hex);
	add_header(p, "X-Hub-Signature-256: sha256=%s", hex);
	d->is_signed = true;
}

static void
carry_token(struct parcel *p, const char *head)
{
	if (p->secret[0] == '\0')
		return;
	snprintf(p->token, sizeof(p->token), "%s%s", head, p->secret);
	CHECK(p->header_count < HEADERS_MAX);
	p->headers[p->header_count++] = p->token;
}

static bool
take_answer(void *context, struct str piece)
{
	struct delivery *d = context;

	if (d->answer.n + piece.n > d->answer.max)
		piece.n = d->answer.max - d->answer.n;
	buf_str(&d->answer, piece);
	return true;
}

static void
post(struct parcel *p, struct delivery *d, const struct letter *letter,
    const struct receiver_config *r, struct fetch_request *request)
{
	const char *target;

	write_url(p, r, &target);
	letter_write(letter, r->kind, target, &p->body);
	add_header(p, "Content-Type: application/json");
	add_header(p, "User-Agent: Slipway/%s", SLIPWAY_VERSION);
	if (r->kind == RECEIVER_WEBHOOK)
		sign(p, letter, d);
	else if (r->kind == RECEIVER_NTFY)
		carry_token(p, "Authorization: Bearer ");
	else if (r->kind == RECEIVER_GOTIFY)
		carry_token(p, "X-Gotify-Key: ");
	request->method = "POST";
	request->url = buf_cstr(&p->url);
	request->headers = p->headers;
	request->total_ms = HTTP_MS;
	request->on_body = take_answer;
}

static void
mail(struct parcel *p, const struct letter *letter, const struct receiver_config *r,
    struct fetch_request *request, struct fetch_mail *envelope)
{
	struct str rest = str_of(r->recipients);
	size_t count = 0;

	while (rest.n > 0) {
		struct str one;

		rest = str_cut(rest, ' ', &one);
		CHECK(count < RECIPIENTS_MAX);
		p->recipients[count++] = arena_text(p->arena, one);
	}
	letter_mail(letter, r->sender, p->recipients, &p->body);
	*envelope = (struct fetch_mail){ r->sender, p->recipients, r->is_insecure };
	request->mail = envelope;
	request->url = p->address;
	request->total_ms = MAIL_MS;
	if (r->username[0] != '\0') {
		request->basic_user = r->username;
		request->basic_password = p->secret;
	}
}

/* Enough of it to know it again. */
static void
remember_secret(const struct parcel *p, const struct receiver_config *r, struct delivery *d)
{
	const char *secret = p->secret;

	if (receiver_traits[r->kind].is_url_secret && strrchr(p->address, '/') != NULL)
		secret = strrchr(p->address, '/') + 1;
	CHECK(str_copy(d->secret, sizeof(d->secret),
	    (struct str){ secret, strnlen(secret, sizeof(d->secret) - 1) }));
}

static void
parcel_wipe(struct parcel *p)
{
	if (p->url.p != NULL)
		explicit_bzero(p->url.p, p->url.n);
	buf_free(&p->url);
	buf_free(&p->body);
	arena_free(p->arena);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

static void
start(struct parcel *p, struct delivery *d, const struct letter *letter,
    const struct receiver_config *r, struct fetch *fetch, fetch_done_fn *on_done)
{
	struct fetch_request request = { .on_done = on_done, .context = d, .fresh = true };
	struct fetch_mail envelope;

	if (r->kind == RECEIVER_EMAIL)
		mail(p, letter, r, &request, &envelope);
	else
		post(p, d, letter, r, &request);
	CHECK(!p->url.overflow && !p->body.overflow);
	request.ca_file = r->ca_file[0] == '\0' ? NULL : r->ca_file;
	request.body = buf_view(&p->body);
	d->is_mail = request.mail != NULL;
	d->started_us = clock_mono_us();
	d->transfer = fetch_start(fetch, &request);
}

bool
delivery_send(struct delivery *d, const struct letter *letter, const struct receiver_config *r,
    struct vault *vault, struct fetch *fetch, fetch_done_fn *on_done, struct verdict *verdict)
{
	struct parcel *p = calloc(1, sizeof(*p));
	bool is_good;

	CHECK(p != NULL);
	p->arena = arena_new(PARCEL_ARENA_SIZE);
	buf_init(&p->url, PASSWORD_SIZE + 16);
	buf_init(&p->body, 4 * NOTIFY_BODY_MAX);
	buf_init(&d->answer, ANSWER_SHOWN);
	is_good = read_secrets(p, r, vault, verdict) && check_address(p, r, verdict);
	if (is_good) {
		remember_secret(p, r, d);
		start(p, d, letter, r, fetch, on_done);
	}
	parcel_wipe(p);
	return is_good;
}

void
delivery_snippet(const struct delivery *d, char snippet[REASON_SIZE])
{
	struct str text = str_trim(buf_view(&d->answer));
	size_t n = 0;

	snippet[0] = '\0';
	if (text.n == 0)
		return;
	if (d->secret[0] != '\0'
	    && memmem(text.p, text.n, d->secret, strlen(d->secret)) != NULL) {
		snprintf(snippet, REASON_SIZE, "(not shown: it repeats the secret)");
		return;
	}
	for (; n < text.n && n < REASON_SIZE - 1; n++) {
		unsigned char c = (unsigned char)text.p[n];

		snippet[n] = c < ' ' || c >= 0x7f ? ' ' : (char)c;
	}
	snippet[n] = '\0';
}

static bool
is_worth_another_try(int status)
{
	return status == 404 || status == 408 || status == 425 || status == 429
	       || status >= 500;
}

static void
judge_http(const struct delivery *d, const struct fetch_result *result, struct verdict *v)
{
	char snippet[REASON_SIZE];

	delivery_snippet(d, snippet);
	if (result->status >= 200 && result->status < 300) {
		v->kind = EV_NOTIFIED;
		return;
	}
	v->kind = is_worth_another_try(result->status) ? EV_TROUBLED : EV_REFUSED;
	v->after_ms =
	    retry_after_ms(fetch_header(result->transfer, "Retry-After"), clock_wall_ms());
	if (result->status >= 300 && result->status < 400)
		snprintf(v->text, sizeof(v->text),
		    "it answered %d, a redirect, which is not followed: name the place where "
		    "it leads",
		    result->status);
	else
		snprintf(v->text, sizeof(v->text), "it answered %d%s%s", result->status,
		    snippet[0] == '\0' ? "" : ": ", snippet);
}

/* Of a mail the last reply counts, which may be that of an early step. */
static void
judge_mail(const struct fetch_result *result, struct verdict *v)
{
	bool is_final = result->status >= 500 && result->status < 600;

	v->kind = result->outcome == FETCH_ANSWERED ? EV_NOTIFIED
		  : is_final                        ? EV_REFUSED
						    : EV_TROUBLED;
	if (v->kind == EV_NOTIFIED)
		return;
	if (result->status >= 400)
		snprintf(v->text, sizeof(v->text), "the mail server answered %d: %s",
		    result->status, result->why);
	else
		snprintf(v->text, sizeof(v->text), "the mail was not sent: %s", result->why);
}

void
delivery_judge(
    const struct delivery *d, const struct fetch_result *result, struct verdict *ret)
{
	*ret = (struct verdict){ .status = result->status };
	if (d->is_mail)
		judge_mail(result, ret);
	else if (result->outcome == FETCH_ANSWERED)
		judge_http(d, result, ret);
	else {
		ret->kind = EV_TROUBLED;
		snprintf(
		    ret->text, sizeof(ret->text), "it cannot be reached: %s", result->why);
	}
}
