/* import_proxy.c - the proxies in front: Nginx Proxy Manager and Caddy, and how to speak to them. */
#include "config/import.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "config/guarantee.h"
#include "config/hosts.h"
#include "config/nearest.h"
#include "config/strategy.h"

enum { PATH_SIZE = 512 }; /* as the catalog keeps it, with its NUL */

static bool
is_https(const char *url)
{
	return strncmp(url, "https://", 8) == 0;
}

static bool
is_loopback(const char *url)
{
	const char *host = strstr(url, "://");

	return host == NULL || strncmp(url, "unix://", 7) == 0
	       || strncmp(host + 3, "127.", 4) == 0 || strncmp(host + 3, "localhost", 9) == 0
	       || strncmp(host + 3, "[::1]", 5) == 0;
}

/* http(s)://host[:port] and nothing behind it: the driver knows the paths. */
static const char *
rule_http_address(const char *text)
{
	const char *host = text + (is_https(text) ? 8 : 7);

	if (strncmp(text, "http://", 7) != 0 && !is_https(text))
		return "must begin with http:// or https://";
	return rule_host_header(host) == NULL
		   ? NULL
		   : "must be http(s)://host:port without a path or a slash at its end";
}

static const char *
rule_http_entry(const char *text)
{
	return is_https(text) ? "must begin with http://; for HTTPS there is 'https_entry'"
			      : rule_http_address(text);
}

static const char *
rule_https_entry(const char *text)
{
	return is_https(text) ? rule_http_address(text) : "must begin with https://";
}

static const char *
rule_admin_address(const char *text)
{
	if (strncmp(text, "unix://", 7) == 0)
		return rule_path(text + 7) == NULL ? NULL
						   : "needs an absolute path behind unix://";
	return rule_http_address(text) == NULL
		   ? NULL
		   : "must be unix:///path/of/admin.sock or http://host:port";
}

static const char *
rule_host_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;

	return colon != NULL && str_number(str_of(colon + 1), 65535, &port) && port > 0
		       && rule_host_header(text) == NULL
		   ? NULL
		   : "must be host:port";
}

/* Caddy asks there for names, so the place cannot be a name itself. */
static const char *
rule_ip_port(const char *text)
{
	struct in_addr binary;
	char host[INET_ADDRSTRLEN] = "";
	bool is_four = str_copy(host, sizeof(host), (struct str){ text, strcspn(text, ":") })
		       && inet_pton(AF_INET, host, &binary) == 1;

	return rule_host_port(text) == NULL && (is_four || text[0] == '[')
		   ? NULL
		   : "must be an IP address and a port: 127.0.0.1:8953";
}

/* ":443" or "127.0.0.1:8443": what Caddy takes as a listener. */
static const char *
rule_listener(const char *text)
{
	uint64_t port;

	if (text[0] == ':')
		return str_number(str_of(text + 1), 65535, &port) && port > 0
			   ? NULL
			   : "must be :port or host:port";
	return rule_host_port(text) == NULL ? NULL : "must be :port or host:port";
}

/* One word of two; false: neither. */
static bool
read_choice(struct import *im, const struct node *map, const char *key, const char *yes,
    const char *no, bool *ret_is_yes)
{
	const struct node *node = node_get(map, key);
	const char *word = "";

	if (node == NULL)
		return true;
	if (!value_text(im, node, key, NAME_SIZE, rule_line, &word))
		return false;
	*ret_is_yes = strcmp(word, yes) == 0;
	if (*ret_is_yes || strcmp(word, no) == 0)
		return true;
	import_fault(im, node, "'%s' must be %s or %s", key, yes, no);
	return false;
}

static void
read_kind(struct import *im, const struct node *map, struct config_proxy *proxy)
{
	const struct node *npm = node_get(map, "npm");
	const struct node *caddy = node_get(map, "caddy");

	if ((npm == NULL) == (caddy == NULL)) {
		import_fault_key(im, map,
		    "proxy '%.60s' needs one of 'npm' and 'caddy': the address of Nginx "
		    "Proxy Manager's admin site, or of Caddy's admin endpoint",
		    proxy->name);
		return;
	}
	proxy->kind = npm != NULL ? PROXY_NPM : PROXY_CADDY;
	if (npm != NULL)
		(void)value_text(
		    im, npm, "npm", PATH_SIZE - 1, rule_http_address, &proxy->address);
	else
		(void)value_text(
		    im, caddy, "caddy", PATH_SIZE - 1, rule_admin_address, &proxy->address);
}

static void
check_login(struct import *im, const struct node *map, const struct config_proxy *proxy)
{
	const struct node *file = node_get(map, "password_file");
	const struct node *variable = node_get(map, "password_env");

	if (file != NULL && variable != NULL)
		import_fault_key(
		    im, variable, "'password_env' beside 'password_file': keep one");
	if (node_get(map, "username") == NULL
	    || (file == NULL && variable == NULL && node_get(map, "password") == NULL))
		import_fault_key(im, map,
		    "proxy '%.60s' needs 'username' and 'password_file' or 'password_env': "
		    "an account of Nginx Proxy Manager for Slipway alone, without 2FA",
		    proxy->name);
	if (!is_https(proxy->address) && !is_loopback(proxy->address))
		import_warn(im, map, "proxy '%.60s' gets the password without encryption",
		    proxy->name);
}

static void
read_texts(struct import *im, const struct node *map, struct config_proxy *proxy)
{
	const struct {
		const char *key;
		rule_fn *rule;
		int64_t most;
		const char **to;
	} texts[] = {
		{ "entry", rule_http_entry, DOMAIN_SIZE + 15, &proxy->entry },
		{ "https_entry", rule_https_entry, DOMAIN_SIZE + 15, &proxy->https_entry },
		{ "edge_address", rule_host_port, DOMAIN_SIZE + 7, &proxy->edge_address },
		{ "username", rule_line, 255, &proxy->username },
		{ "password_file", rule_path, PATH_SIZE - 1, &proxy->password_file },
		{ "password_env", rule_env_name, 127, &proxy->password_env },
		{ "ca_file", rule_path, PATH_SIZE - 1, &proxy->ca_file },
		{ "server", rule_name, NAME_SIZE - 1, &proxy->server },
		{ "listen", rule_listener, NAME_SIZE - 1, &proxy->listen },
		{ "names", rule_ip_port, NAME_SIZE - 1, &proxy->names },
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		if (node_get(map, texts[i].key) != NULL)
			(void)value_text(im, node_get(map, texts[i].key), texts[i].key,
			    texts[i].most, texts[i].rule, texts[i].to);
}

static void
read_proxy(struct import *im, const struct node *map, struct config_proxy *proxy)
{
	const char *known[HOST_KEYS_MAX];
	bool reports = false;

	if (!value_is_map(im, map, proxy->name))
		return;
	read_kind(im, map, proxy);
	if (proxy->kind == PROXY_EDGE)
		return; /* neither: its keys cannot be judged */
	host_known(HOST_PROXY, NULL, proxy->kind, known);
	keys_check(im, map, known);
	(void)read_choice(im, map, "way", "direct", "edge", &proxy->is_direct);
	if (read_choice(im, map, "drift", "report", "mend", &reports))
		proxy->mends = !reports;
	read_texts(im, map, proxy);
	if (proxy->is_direct && node_get(map, "edge_address") != NULL)
		import_fault_key(im, node_get(map, "edge_address"),
		    "'edge_address' belongs to 'way: edge'; this one leads straight to the "
		    "containers");
	if (node_get(map, "ca_file") != NULL && !is_https(proxy->address))
		import_fault_key(
		    im, node_get(map, "ca_file"), "'ca_file' belongs to an https:// address");
	if (proxy->kind == PROXY_NPM)
		check_login(im, map, proxy);
}

void
import_proxies(struct import *im, const struct node *map)
{
	struct config_file *file = im->file;

	if (map == NULL)
		return;
	im->has_bad_proxies = true;
	if (!value_is_map(im, map, "proxies"))
		return;
	if (map->count > PROXIES_MAX) {
		import_fault(
		    im, map, "%zu proxies: at most %d are allowed", map->count, PROXIES_MAX);
		return;
	}
	im->has_bad_proxies = false;
	file->proxies = arena_take_array(im->arena, map->count, sizeof(*file->proxies));
	for (const struct node *m = map->first; m != NULL; m = m->next) {
		const char *trouble = rule_name(m->key.p);
		struct config_proxy *proxy;

		if (m->kind == NODE_REFUSED)
			continue;
		if (strcmp(m->key.p, "edge") == 0 || strcmp(m->key.p, "none") == 0)
			trouble = "is a word of its own: give the proxy another name";
		if (trouble != NULL)
			import_fault_key(im, m, "proxy '%.60s' %s", m->key.p, trouble);
		proxy = &file->proxies[file->proxy_count++];
		*proxy = (struct config_proxy){ .name = m->key.p,
			.mends = true,
			.address = "",
			.entry = "",
			.edge_address = "",
			.username = "",
			.password_file = "",
			.password_env = "",
			.ca_file = "",
			.server = "slipway",
			.https_entry = "",
			.listen = ":443",
			.names = "127.0.0.1:8953" };
		read_proxy(im, m, proxy);
	}
}

static void
tell_unknown_proxy(struct import *im, const struct node *at, const char *name)
{
	struct nearest nearest;

	nearest_begin(&nearest, str_of(name));
	nearest_offer(&nearest, "edge");
	nearest_offer(&nearest, "none");
	for (size_t i = 0; i < im->file->proxy_count; i++)
		nearest_offer(&nearest, im->file->proxies[i].name);
	if (nearest.name != NULL)
		import_fault(im, at, "no proxy is called '%.60s': did you mean '%s'?", name,
		    nearest.name);
	else
		import_fault(
		    im, at, "no proxy is called '%.60s': add it under 'proxies'", name);
}

static const struct config_proxy *
find_proxy(const struct config_file *file, const char *name)
{
	for (size_t i = 0; i < file->proxy_count; i++)
		if (strcmp(file->proxies[i].name, name) == 0)
			return &file->proxies[i];
	return NULL;
}

static void
check_direct(struct import *im, const struct draft *draft, const struct config_proxy *proxy,
    const struct node *at)
{
	const struct guarantee *guarantee = guarantee_of(proxy->kind, true);

	if (proxy->kind == PROXY_NPM && draft->spec.replicas > 1)
		import_fault_key(im, at,
		    "stage '%s' has %d replicas: Nginx Proxy Manager leads a host to one "
		    "container; use 'way: edge' for proxy '%s', or one replica",
		    draft->spec.stage, draft->spec.replicas, proxy->name);
	if (!guarantee->is_hitless)
		import_warn(im, at,
		    "stage '%s' by proxy '%s': %s: %s; with 'way: edge' none is",
		    draft->spec.stage, proxy->name, guarantee->promise, guarantee->reason);
}

static void
check_strategy(
    struct import *im, const struct draft *draft, bool is_by_edge, const struct node *at)
{
	const struct node *named = draft->at[STAGE_FIELD_STRATEGY];
	struct strategy_plan plan;

	strategy_plan(&draft->spec, is_by_edge, &plan);
	if (plan.refusal[0] != '\0' && draft->is_good[STAGE_FIELD_STRATEGY])
		import_fault_key(im, named == NULL ? at : named, "stage '%s': %s",
		    draft->spec.stage, plan.refusal);
}

void
draft_finish_proxy(struct import *im, struct draft *draft, const struct node *at)
{
	const struct node *named = draft->at[STAGE_FIELD_PROXY];
	const struct node *certificate = draft->at[STAGE_FIELD_CERTIFICATE];
	const char *name = draft->spec.proxy;
	const struct config_proxy *proxy = find_proxy(im->file, name);
	bool is_edge = strcmp(name, "edge") == 0;
	bool is_none = strcmp(name, "none") == 0;
	bool is_by_edge;

	if (im->has_bad_proxies || (named != NULL && !draft->is_good[STAGE_FIELD_PROXY]))
		return;
	if (proxy == NULL && !is_edge && !is_none) {
		tell_unknown_proxy(im, named, name);
		return;
	}
	if (is_none && stage_spec_has_route(&draft->spec))
		import_fault_key(im, at,
		    "stage '%s' has a route and 'proxy: none': leave one of them out",
		    draft->spec.stage);
	if (proxy != NULL && draft->spec.tcp_port != 0)
		import_fault_key(im, draft->at[STAGE_FIELD_TCP],
		    "only the edge has TCP routes: use 'proxy: edge' for stage '%s'",
		    draft->spec.stage);
	if (certificate != NULL && (proxy == NULL || proxy->kind != PROXY_NPM))
		import_fault_key(im, certificate,
		    "'certificate' belongs to a stage behind Nginx Proxy Manager: the edge "
		    "takes SLIPWAY_EDGE_CERTIFICATES, and Caddy gets its own");
	if (proxy != NULL && proxy->is_direct && draft->spec.domains.count > 0)
		check_direct(im, draft, proxy, at);
	is_by_edge = !is_none && (proxy == NULL || !proxy->is_direct);
	check_strategy(im, draft, is_by_edge, at);
	draft_finish_instances(im, draft, is_by_edge);
}
