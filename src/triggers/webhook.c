/* webhook.c - see webhook.h: finding the dialect, and what all of them need. */
#include "triggers/webhook.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "triggers/dialects.h"

/* The body. */

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Of a form's field; what is no escape stays as it is, and the JSON within will not be any. */
static void
unescape(struct str text, struct buf *to)
{
	for (size_t i = 0; i < text.n; i++) {
		int high = i + 2 < text.n ? hex_value(text.p[i + 1]) : -1;
		int low = i + 2 < text.n ? hex_value(text.p[i + 2]) : -1;

		if (text.p[i] == '%' && high >= 0 && low >= 0) {
			buf_char(to, (char)(high * 16 + low));
			i += 2;
		} else {
			buf_char(to, text.p[i] == '+' ? ' ' : text.p[i]);
		}
	}
}

/* GitHub's and Gitea's older kind of body: payload=JSON. */
static struct json *
parse_form(struct str body, struct err *err)
{
	struct json *json = NULL;
	struct str field = { "", 0 };
	struct buf text;

	while (body.n > 0 && !str_starts(field, "payload="))
		body = str_cut(body, '&', &field);
	if (!str_starts(field, "payload=")) {
		err_set(err, "the form has no field 'payload'");
		return NULL;
	}
	buf_init(&text, field.n);
	unescape((struct str){ field.p + 8, field.n - 8 }, &text);
	json = json_parse(buf_view(&text), err);
	buf_free(&text);
	return json;
}

static bool
is_form(struct str type)
{
	static const char form[] = "application/x-www-form-urlencoded";

	str_cut(type, ';', &type);
	type = str_trim(type);
	return type.n == sizeof(form) - 1 && strncasecmp(type.p, form, type.n) == 0;
}

static struct json *
parse(const struct webhook_source *source, struct err *err)
{
	struct str body = source->body.n == 0 ? STR("{}") : source->body;
	struct json *json =
	    is_form(source->type) ? parse_form(body, err) : json_parse(body, err);

	if (json == NULL) {
		err_context(err, "the body is not JSON");
	} else if (json_kind(json) != JSON_IS_OBJECT) {
		json_free(json);
		json = NULL;
		err_set(err, "the body must be a JSON object");
	}
	return json;
}

/* What the dialects share. */

void
webhook_cut(struct str text, struct str *host, struct str *path, struct str *tag)
{
	const char *colon;

	*path = str_cut(text, '/', host);
	*tag = (struct str){ "", 0 };
	colon = path->n == 0 ? NULL : memrchr(path->p, ':', path->n);
	if (colon == NULL || memchr(colon, '/', path->n - (size_t)(colon - path->p)) != NULL)
		return;
	tag->p = colon + 1;
	tag->n = path->n - (size_t)(tag->p - path->p);
	path->n = (size_t)(colon - path->p);
}

static bool
is_there(const struct webhook *hook, const struct image_ref *ref)
{
	for (size_t i = 0; i < hook->image_count; i++)
		if (strcmp(hook->images[i].host, ref->host) == 0
		    && strcmp(hook->images[i].path, ref->path) == 0
		    && strcmp(hook->images[i].tag, ref->tag) == 0)
			return true;
	return false;
}

/* Forges name owners as people write them; in a registry all is in lower case. */
static bool
parse_image(struct str host, struct str path, struct image_ref *ref)
{
	char text[2 * IMAGE_SIZE];
	struct err ignored;
	int n;

	if (host.n >= IMAGE_SIZE || path.n >= IMAGE_SIZE || path.n == 0
	    || memchr(path.p, ':', path.n) != NULL || memchr(path.p, '@', path.n) != NULL)
		return false;
	n = snprintf(text, sizeof(text), "%.*s/%.*s", host.n == 0 ? 12 : (int)host.n,
	    host.n == 0 ? "host.invalid" : host.p, (int)path.n, path.p);
	for (int i = 0; i < n; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	if (image_ref_parse(text, ref, &ignored) != 0)
		return false;
	if (host.n == 0)
		ref->host[0] = '\0';
	return true;
}

int
webhook_add(
    struct webhook *hook, struct str host, struct str path, struct str tag, struct err *err)
{
	struct image_ref ref;

	if (hook->named_count++ == WEBHOOK_NAMED_MAX)
		return err_set(err,
		    "images or tags are named more than %d times in one webhook: let the "
		    "sender tell them in several",
		    WEBHOOK_NAMED_MAX);
	if (tag.n > 0 && !image_tag_is_valid(tag))
		return 0;
	if (!parse_image(host, path, &ref))
		return 0;
	CHECK(str_copy(ref.tag, sizeof(ref.tag), tag));
	if (is_there(hook, &ref))
		return 0;
	if (hook->image_count == WEBHOOK_IMAGES_MAX)
		return err_set(err,
		    "more than %d images or tags in one webhook: let the sender tell them in "
		    "several",
		    WEBHOOK_IMAGES_MAX);
	hook->images[hook->image_count++] = ref;
	hook->kind = WEBHOOK_PUSH;
	return 0;
}

void
webhook_name_event(struct webhook *hook, struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n && n + 1 < sizeof(hook->event); i++)
		if (text.p[i] > ' ' && text.p[i] <= '~')
			hook->event[n++] = text.p[i];
	hook->event[n] = '\0';
}

void
webhook_name_delivery(struct webhook *hook, struct str id)
{
	if (id.n < sizeof(hook->delivery))
		CHECK(str_copy(hook->delivery, sizeof(hook->delivery), id));
	else
		hash_sha256_hex(id, hook->delivery);
}

/* Who speaks? */

static const struct dialect *
find_dialect(const struct webhook_source *source, const struct json *body)
{
	const struct dialect *d;

	for (d = dialects; d->sender != NULL; d++)
		if (d->event_header != NULL
		    && source->header(source->context, d->event_header).n > 0)
			return d;
	for (d = dialects; d->sender != NULL; d++)
		if (d->is_shape != NULL && d->is_shape(body))
			return d;
	CHECK(false); /* the last one takes anything */
	return NULL;
}

int
webhook_read(const struct webhook_source *source, struct webhook *ret, struct err *err)
{
	struct json *body = parse(source, err);
	const struct dialect *dialect;
	int result;

	memset(ret, 0, sizeof(*ret));
	ret->kind = WEBHOOK_OTHER;
	ret->sender = "";
	if (body == NULL)
		return -1;
	dialect = find_dialect(source, body);
	ret->sender = dialect->sender;
	if (dialect->event_header != NULL)
		webhook_name_event(
		    ret, source->header(source->context, dialect->event_header));
	if (dialect->delivery_header != NULL)
		webhook_name_delivery(
		    ret, source->header(source->context, dialect->delivery_header));
	result = dialect->read(body, ret, err);
	json_free(body);
	return result;
}

/* Proofs. */

enum { BY_HMAC = 1, BY_SECRET = 2 };

static const struct proof {
	const char *header;
	const char *prefix; /* may stand before the proof, letters in any case */
	int by;
} proofs[] = {
	{ "X-Hub-Signature-256", "sha256=", BY_HMAC },
	{ "X-Gitea-Signature", "", BY_HMAC },
	{ "X-Forgejo-Signature", "", BY_HMAC },
	{ "X-Gogs-Signature", "", BY_HMAC },
	{ "X-JFrog-Event-Auth", "", BY_HMAC | BY_SECRET },
	{ "X-Gitlab-Token", "", BY_SECRET },
	{ "Authorization", "Bearer ", BY_SECRET },
};

static struct str
without(struct str value, const char *prefix)
{
	size_t n = strlen(prefix);

	if (value.n < n || strncasecmp(value.p, prefix, n) != 0)
		return value;
	return str_trim((struct str){ value.p + n, value.n - n });
}

enum webhook_proof
webhook_prove(const struct webhook_source *source, struct str secret)
{
	char hex[HASH_HEX_SIZE];
	enum webhook_proof result = PROOF_NONE;

	hash_hmac_hex(secret, source->body, hex);
	for (size_t i = 0; i < COUNT(proofs); i++) {
		struct str value = source->header(source->context, proofs[i].header);
		struct str given = without(value, proofs[i].prefix);
		bool is_good = false;

		if (given.n == 0) /* Gitea sends "sha256=" when it has no secret */
			continue;
		if (proofs[i].by & BY_HMAC)
			is_good |= str_equal_secret(given, str_of(hex));
		if (proofs[i].by & BY_SECRET)
			is_good |=
			    str_equal_secret(given, secret) || str_equal_secret(value, secret);
		result = is_good && result != PROOF_BAD ? PROOF_GOOD : PROOF_BAD;
	}
	return result;
}
