/* npm_host.c - a proxy host of Nginx Proxy Manager: read, and the bodies that change it.
 *
 * The one idea: a host belongs to whoever made it. What a person set stays, so a body has only the columns
 * that change; and in the host's `meta` Slipway keeps whose it is, where it set it to lead, and where it
 * led before, so that a change by somebody else is seen and everything can be given back after any crash:
 *
 *     "slipway": {"store": "...", "stage": 7, "set": "http://10.0.0.2:8080", "made": false,
 *                 "before": {"forward_scheme": "http", "forward_host": "nas", "forward_port": 80}}
 *
 * and there, too, the certificate that it had, once the stage has named another.
 *
 * A location for "/" takes the place of the host's own target; then both are set, and kept. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ports/npm_inside.h"

/* Reading. */

bool
npm_target_read(const struct front_route *route, struct npm_target *ret)
{
	const char *address = route->targets[0].address;
	const char *colon = strrchr(address, ':');
	uint64_t port;

	*ret = (struct npm_target){ .scheme = "http" };
	if (route->target_count == 0 || colon == NULL
	    || !str_number(str_of(colon + 1), 65535, &port)
	    || !str_copy(ret->host, sizeof(ret->host),
		(struct str){ address, (size_t)(colon - address) }))
		return false;
	ret->port = (int)port;
	snprintf(
	    ret->text, sizeof(ret->text), "%s://%.250s:%d", ret->scheme, ret->host, ret->port);
	return true;
}

static void
own_target_of(const struct json *host, char text[NPM_TARGET_SIZE])
{
	snprintf(text, NPM_TARGET_SIZE, "%.7s://%.250s:%" PRId64,
	    json_text(json_get(host, "forward_scheme")),
	    json_text(json_get(host, "forward_host")),
	    json_number(json_get(host, "forward_port")));
}

static bool
is_root(const struct json *location)
{
	return strcmp(json_text(json_get(location, "path")), "/") == 0;
}

static const struct json *
root_location(const struct json *host)
{
	const struct json *locations = json_get(host, "locations");

	for (size_t i = 0; i < json_count(locations); i++)
		if (is_root(json_at(locations, i)))
			return json_at(locations, i);
	return NULL;
}

void
npm_target_of(const struct json *host, char text[NPM_TARGET_SIZE])
{
	const struct json *root = root_location(host);

	own_target_of(root != NULL ? root : host, text);
}

bool
npm_leads_to(const struct json *host, const struct npm_target *target)
{
	char own[NPM_TARGET_SIZE];
	char is[NPM_TARGET_SIZE];

	own_target_of(host, own); /* Slipway's location tells this one */
	npm_target_of(host, is);
	return strcmp(own, target->text) == 0 && strcmp(is, target->text) == 0;
}

const struct json *
npm_mark_of(const struct npm_wish *wish, const struct json *host)
{
	const struct json *mark = json_get(json_get(host, "meta"), "slipway");

	return strcmp(json_text(json_get(mark, "store")), wish->store_uuid) == 0 ? mark : NULL;
}

bool
npm_is_of_stage(const struct npm_wish *wish, const struct json *host)
{
	const struct json *mark = npm_mark_of(wish, host);

	return mark != NULL
	       && json_number(json_get(mark, "stage")) == (int64_t)wish->route->stage;
}

bool
npm_has_domain(const struct json *host, const char *domain)
{
	const struct json *names = json_get(host, "domain_names");

	for (size_t i = 0; i < json_count(names); i++)
		if (strcasecmp(json_text(json_at(names, i)), domain) == 0)
			return true;
	return false;
}

const char *
npm_first_domain(const struct json *host)
{
	return json_text(json_at(json_get(host, "domain_names"), 0));
}

bool
npm_is_true(const struct json *value)
{
	return json_bool(value) || json_number(value) == 1;
}

bool
npm_is_online(const struct json *host)
{
	return json_bool(json_get(json_get(host, "meta"), "nginx_online"));
}

/* The first line, behind "[emerg]", without the time and process that some versions put there: the
 * same fault is the same text. */
void
npm_fault_of(const struct json *host, char text[NPM_TEXT_SIZE])
{
	const char *said = json_text(json_get(json_get(host, "meta"), "nginx_err"));
	const char *level = strstr(said, "[emerg] ");
	const char *words;

	if (level != NULL) {
		words = level + strlen("[emerg] ");
		said = words + strspn(words, "0123456789#: ");
	}
	if (said[0] == '\0')
		said = "it was not asked to the end, or does not say why";
	snprintf(text, NPM_TEXT_SIZE, "nginx does not take proxy host %" PRId64 " (%s): %.*s",
	    json_number(json_get(host, "id")), npm_first_domain(host),
	    (int)strcspn(said, "\n"), said);
}

/* Writing. */

static void
put_json(struct json_writer *w, const struct json *value)
{
	struct buf text;

	buf_init(&text, NPM_BODY_MAX);
	json_dump(value, &text);
	w->out->overflow |= text.overflow;
	json_put_raw(w, buf_view(&text));
	buf_free(&text);
}

static void
put_target(struct json_writer *w, const struct npm_target *target)
{
	json_pair_text(w, "forward_scheme", target->scheme);
	json_pair_text(w, "forward_host", target->host);
	json_pair_integer(w, "forward_port", target->port);
}

static void
put_target_of(struct json_writer *w, const struct json *from)
{
	json_pair_text(w, "forward_scheme", json_text(json_get(from, "forward_scheme")));
	json_pair_text(w, "forward_host", json_text(json_get(from, "forward_host")));
	json_pair_integer(w, "forward_port", json_number(json_get(from, "forward_port")));
}

static void
put_names(struct json_writer *w, const char *const *names, size_t count)
{
	json_key(w, "domain_names");
	json_array_open(w);
	for (size_t i = 0; i < count; i++)
		json_put_text(w, names[i]);
	json_array_close(w);
}

/* What others keep there stays; what Nginx Proxy Manager says of nginx it says anew. */
static bool
copy_meta(void *context, const char *key, const struct json *value)
{
	struct json_writer *w = context;

	if (strcmp(key, "slipway") != 0 && strncmp(key, "nginx_", 6) != 0) {
		json_key(w, key);
		put_json(w, value);
	}
	return true;
}

/* Of what was before, all but the certificate. */
static bool
copy_target(void *context, const char *key, const struct json *value)
{
	struct json_writer *w = context;

	if (strncmp(key, "forward_", 8) == 0 || strcmp(key, "root") == 0) {
		json_key(w, key);
		put_json(w, value);
	}
	return true;
}

static void
put_certificate_of(struct json_writer *w, const struct json *from)
{
	json_pair_integer(w, "certificate_id", json_number(json_get(from, "certificate_id")));
	json_pair_bool(w, "ssl_forced", npm_is_true(json_get(from, "ssl_forced")));
	json_pair_bool(w, "http2_support", npm_is_true(json_get(from, "http2_support")));
}

/* Where a host led that was there before us, and the certificate that gives way to the stage's. */
static void
put_before(struct json_writer *w, const struct npm_wish *wish, const struct json *host,
    const struct npm_change *change)
{
	const struct json *before = json_get(npm_mark_of(wish, host), "before");
	const struct json *root = root_location(host);
	bool had = json_get(before, "certificate_id") != NULL;

	json_key(w, "before");
	json_object_open(w);
	if (before != NULL)
		json_visit(before, copy_target, w);
	else
		put_target_of(w, host);
	if (before == NULL && root != NULL) {
		json_key(w, "root");
		json_object_open(w);
		put_target_of(w, root);
		json_object_close(w);
	}
	if (change->back == NULL && (had || change->has_certificate))
		put_certificate_of(w, had ? before : host);
	json_object_close(w);
}

static void
put_mark(struct json_writer *w, const struct npm_wish *wish, const struct json *host,
    const struct npm_change *change)
{
	json_key(w, "slipway");
	json_object_open(w);
	json_pair_text(w, "store", wish->store_uuid);
	json_pair_integer(w, "stage", (int64_t)wish->route->stage);
	json_pair_text(w, "set", change->target->text);
	json_pair_bool(w, "made", change->is_made);
	if (!change->is_made)
		put_before(w, wish, host, change);
	json_object_close(w);
}

struct copying {
	struct json_writer *w;
	bool without_target;
};

static bool
copy_location(void *context, const char *key, const struct json *value)
{
	struct copying *copying = context;
	bool is_target = strncmp(key, "forward_", 8) == 0 && strcmp(key, "forward_path") != 0;

	if (!is_target || !copying->without_target) {
		json_key(copying->w, key);
		put_json(copying->w, value);
	}
	return true;
}

/* All locations, the one for "/" leading to target, or else as `from` says, or else as it does. */
static void
put_locations(struct json_writer *w, const struct json *host, const struct npm_target *target,
    const struct json *from)
{
	const struct json *locations = json_get(host, "locations");
	bool is_other = target != NULL || from != NULL;

	json_key(w, "locations");
	json_array_open(w);
	for (size_t i = 0; i < json_count(locations); i++) {
		const struct json *one = json_at(locations, i);
		struct copying copying = { .w = w,
			.without_target = is_other && is_root(one) };

		json_object_open(w);
		json_visit(one, copy_location, &copying);
		if (copying.without_target && target != NULL)
			put_target(w, target);
		else if (copying.without_target)
			put_target_of(w, from);
		json_object_close(w);
	}
	json_array_close(w);
}

static void
put_advanced(struct json_writer *w, const struct buf *text)
{
	w->out->overflow |= text->overflow;
	json_key(w, "advanced_config");
	json_put_str(w, buf_view(text));
}

static void
put_certificate(struct json_writer *w, const struct npm_certificate *certificate)
{
	json_key(w, "certificate_id");
	if (certificate->is_new)
		json_put_text(w, "new");
	else
		json_put_integer(w, certificate->id);
	json_pair_bool(w, "ssl_forced", true);
	json_pair_bool(w, "http2_support", true);
}

void
npm_write_lead(struct buf *to, const struct npm_wish *wish, const struct json *host,
    const struct npm_change *change)
{
	struct json_writer w;

	json_writer_init(&w, to);
	json_object_open(&w);
	put_target(&w, change->target);
	if (change->name_count > 0)
		put_names(&w, change->names, change->name_count);
	if (root_location(host) != NULL)
		put_locations(&w, host, change->target, NULL);
	if (change->has_advanced)
		put_advanced(&w, change->advanced);
	if (change->has_certificate)
		put_certificate(&w, &wish->certificate);
	else if (change->back != NULL)
		put_certificate_of(&w, change->back);
	json_key(&w, "meta");
	json_object_open(&w);
	json_visit(json_get(host, "meta"), copy_meta, &w);
	put_mark(&w, wish, host, change);
	json_object_close(&w);
	json_object_close(&w);
}

void
npm_write_undo(struct buf *to, const struct json *host, const struct npm_change *change)
{
	const struct json *mark = json_get(json_get(host, "meta"), "slipway");
	struct json_writer w;

	json_writer_init(&w, to);
	json_object_open(&w);
	put_target_of(&w, host);
	if (change->name_count > 0) {
		json_key(&w, "domain_names");
		put_json(&w, json_get(host, "domain_names"));
	}
	if (root_location(host) != NULL)
		put_locations(&w, host, NULL, NULL);
	if (change->has_advanced) {
		json_key(&w, "advanced_config");
		json_put_str(&w, json_str(json_get(host, "advanced_config")));
	}
	if (change->has_certificate || change->back != NULL)
		put_certificate_of(&w, host);
	json_key(&w, "meta");
	json_object_open(&w);
	json_visit(json_get(host, "meta"), copy_meta, &w);
	if (mark != NULL) {
		json_key(&w, "slipway");
		put_json(&w, mark);
	}
	json_object_close(&w);
	json_object_close(&w);
}

void
npm_write_new(struct buf *to, const struct npm_wish *wish, const struct npm_change *change)
{
	struct json_writer w;

	json_writer_init(&w, to);
	json_object_open(&w);
	put_names(&w, change->names, change->name_count);
	put_target(&w, change->target);
	json_pair_bool(&w, "allow_websocket_upgrade", true);
	json_pair_bool(&w, "block_exploits", false);
	json_pair_bool(&w, "caching_enabled", false);
	json_pair_integer(&w, "access_list_id", 0);
	put_advanced(&w, change->advanced);
	if (wish->certificate.is_named)
		put_certificate(&w, &wish->certificate);
	json_key(&w, "meta");
	json_object_open(&w);
	if (wish->certificate.is_new && wish->version_minor < 13) {
		json_pair_text(&w, "letsencrypt_email", wish->mail);
		json_pair_bool(&w, "letsencrypt_agree", true);
		json_pair_bool(&w, "dns_challenge", false);
	}
	put_mark(&w, wish, NULL, change);
	json_object_close(&w);
	json_object_close(&w);
}

void
npm_write_back(struct buf *to, const struct npm_wish *wish, const struct json *host,
    const struct buf *advanced, bool keeps_target)
{
	const struct json *before = json_get(npm_mark_of(wish, host), "before");
	const struct json *root = json_get(before, "root");
	struct json_writer w;

	json_writer_init(&w, to);
	json_object_open(&w);
	if (!keeps_target && before != NULL) {
		put_target_of(&w, before);
		if (root_location(host) != NULL)
			put_locations(&w, host, NULL, root != NULL ? root : before);
		if (json_get(before, "certificate_id") != NULL)
			put_certificate_of(&w, before);
	}
	put_advanced(&w, advanced);
	json_key(&w, "meta");
	json_object_open(&w);
	json_visit(json_get(host, "meta"), copy_meta, &w);
	json_object_close(&w);
	json_object_close(&w);
}
