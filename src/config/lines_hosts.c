/* lines_hosts.c - engines, registries, proxies and webhooks as lines, by tables of their keys.
 *
 * The one idea: the reader of a file asks the same tables which keys it knows (host_keys()), so a key that
 * is read is written, too. */
#include <string.h>

#include "config/hosts.h"
#include "config/lines_inside.h"

static bool
is_published(const void *record)
{
	return ((const struct config_engine *)record)->is_published;
}

static bool
is_by_edge(const void *record)
{
	return !((const struct config_proxy *)record)->is_direct;
}

#define ENGINE(member) offsetof(struct config_engine, member)
#define REGISTRY(member) offsetof(struct config_registry, member)
#define WEBHOOK(member) offsetof(struct config_webhook, member)
#define PROXY(member) offsetof(struct config_proxy, member)
#define NPM (1u << PROXY_NPM)
#define CADDY (1u << PROXY_CADDY)

/* clang-format off */
static const struct host_key engine_keys[] = {
	{ .key = "host", .offset = ENGINE(host) },
	{ .above = "tls", .key = "ca", .offset = ENGINE(ca_file) },
	{ .above = "tls", .key = "cert", .offset = ENGINE(cert_file) },
	{ .above = "tls", .key = "key", .offset = ENGINE(key_file) },
	{ .key = "network", .offset = ENGINE(network), .initial = "slipway" },
	{ .key = "reach", .yes = "published", .no = "container", .offset = ENGINE(is_published) },
	{ .key = "publish_address", .offset = ENGINE(publish_address), .applies = is_published },
	{ .key = NULL },
};
static const struct host_key registry_keys[] = {
	{ .key = "kind", .offset = REGISTRY(kind) },
	{ .key = "insecure", .yes = "true", .no = "false", .initial = "false", .offset = REGISTRY(is_insecure) },
	{ .key = "ca_file", .offset = REGISTRY(ca_file) },
	{ .key = "username", .offset = REGISTRY(username) },
	{ .key = "password_file", .offset = REGISTRY(password_file) },
	{ .key = "password_env", .offset = REGISTRY(password_env) },
	{ .key = "token_url", .offset = REGISTRY(token_url) },
	{ .key = NULL },
};
static const struct host_key webhook_keys[] = {
	{ .key = "secret_file", .offset = WEBHOOK(secret_file) },
	{ .key = "secret_env", .offset = WEBHOOK(secret_env) },
	{ .key = "require_signature", .yes = "false", .no = "true", .initial = "true", .offset = WEBHOOK(takes_unsigned) },
	{ .key = NULL },
};
static const struct host_key proxy_keys[] = {
	{ .key = "npm", .offset = PROXY(address), .kinds = NPM },
	{ .key = "caddy", .offset = PROXY(address), .kinds = CADDY },
	{ .key = "way", .yes = "direct", .no = "edge", .offset = PROXY(is_direct) },
	{ .key = "drift", .yes = "mend", .no = "report", .initial = "mend", .offset = PROXY(mends) },
	{ .key = "entry", .offset = PROXY(entry) },
	{ .key = "https_entry", .offset = PROXY(https_entry) },
	{ .key = "edge_address", .offset = PROXY(edge_address), .applies = is_by_edge },
	{ .key = "ca_file", .offset = PROXY(ca_file) },
	{ .key = "username", .offset = PROXY(username), .kinds = NPM },
	{ .key = "password_file", .offset = PROXY(password_file), .kinds = NPM },
	{ .key = "password_env", .offset = PROXY(password_env), .kinds = NPM },
	{ .key = "server", .offset = PROXY(server), .initial = "slipway", .kinds = CADDY },
	{ .key = "listen", .offset = PROXY(listen), .initial = ":443", .kinds = CADDY },
	{ .key = "names", .offset = PROXY(names), .initial = "127.0.0.1:8953", .kinds = CADDY },
	{ .key = NULL },
};
/* clang-format on */

static const struct host_key *const tables[] = {
	[HOST_ENGINE] = engine_keys,
	[HOST_REGISTRY] = registry_keys,
	[HOST_PROXY] = proxy_keys,
	[HOST_WEBHOOK] = webhook_keys,
};

const struct host_key *
host_keys(enum host_section section)
{
	return tables[section];
}

static bool
is_of_kind(const struct host_key *key, enum proxy_kind kind)
{
	return key->kinds == 0 || (key->kinds & (1u << kind)) != 0;
}

void
host_known(enum host_section section, const char *above, enum proxy_kind kind,
    const char *known[HOST_KEYS_MAX])
{
	const char *last = NULL;
	size_t count = 0;

	for (const struct host_key *k = tables[section]; k->key != NULL; k++) {
		const char *name = k->key;

		if (!is_of_kind(k, kind) || (above != NULL && k->above == NULL))
			continue;
		if (above == NULL && k->above != NULL)
			name = k->above;
		if (last != NULL && strcmp(last, name) == 0)
			continue;
		CHECK(count < HOST_KEYS_MAX - 1);
		known[count++] = last = name;
	}
	known[count] = NULL;
}

static void
put(struct walk *w, const struct host_key *key, const void *record)
{
	const void *member = (const char *)record + key->offset;
	const char *value = key->yes == NULL        ? *(const char *const *)member
			    : *(const bool *)member ? key->yes
						    : key->no;

	if (value[0] == '\0' || (key->applies != NULL && !key->applies(record))
	    || (key->initial != NULL && strcmp(value, key->initial) == 0))
		return;
	if (key->above != NULL)
		walk_enter(w, key->above);
	if (key->yes != NULL)
		walk_put_plain(w, key->key, value);
	else
		walk_put_text(w, key->key, value);
	if (key->above != NULL)
		walk_leave(w);
}

static void
lines_of(enum host_section section, const void *record, enum proxy_kind kind,
    const struct line_sink *sink)
{
	struct walk w;

	walk_begin(&w, sink);
	for (const struct host_key *k = tables[section]; k->key != NULL; k++)
		if (is_of_kind(k, kind))
			put(&w, k, record);
	walk_end(&w);
}

void
lines_of_engine(const struct config_engine *engine, const struct line_sink *sink)
{
	lines_of(HOST_ENGINE, engine, PROXY_EDGE, sink);
}

void
lines_of_registry(const struct config_registry *registry, const struct line_sink *sink)
{
	lines_of(HOST_REGISTRY, registry, PROXY_EDGE, sink);
}

void
lines_of_proxy(const struct config_proxy *proxy, const struct line_sink *sink)
{
	lines_of(HOST_PROXY, proxy, proxy->kind, sink);
}

void
lines_of_webhook(const struct config_webhook *webhook, const struct line_sink *sink)
{
	lines_of(HOST_WEBHOOK, webhook, PROXY_EDGE, sink);
}
