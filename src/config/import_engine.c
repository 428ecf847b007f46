/* import_engine.c - engines and registries: where containers run, where images come from. */
#include "config/import.h"

#include <string.h>

#include "config/hosts.h"

enum { PATH_SIZE = 512 }; /* as the catalog keeps it, with its NUL */

/* "[::1]:2376" or "host:2376": the port must be there. */
static bool
has_port(const char *address)
{
	const char *colon = strrchr(address, ':');
	uint64_t port;

	return colon != NULL && str_number(str_of(colon + 1), 65535, &port) && port > 0
	       && rule_host_header(address) == NULL;
}

static const char *
rule_engine_host(const char *text)
{
	if (strncmp(text, "unix://", 7) == 0)
		return rule_path(text + 7) == NULL ? NULL
						   : "needs an absolute path behind unix://";
	if (strncmp(text, "tcp://", 6) == 0)
		return has_port(text + 6) ? NULL : "needs host:port behind tcp://";
	return "must be unix:///path/of/docker.sock or tcp://host:port";
}

static bool
is_tcp(const struct config_engine *engine)
{
	return strncmp(engine->host, "tcp://", 6) == 0;
}

static bool
is_loopback(const struct config_engine *engine)
{
	const char *address = engine->host + strlen("tcp://");

	return strncmp(address, "127.", 4) == 0 || strncmp(address, "localhost:", 10) == 0
	       || strncmp(address, "[::1]:", 6) == 0;
}

static void
read_tls(struct import *im, const struct node *map, struct config_engine *engine)
{
	const char *known[HOST_KEYS_MAX];
	const char **const to[] = { &engine->ca_file, &engine->cert_file, &engine->key_file };

	if (!value_is_map(im, map, "tls"))
		return;
	host_known(HOST_ENGINE, "tls", PROXY_EDGE, known);
	keys_check(im, map, known);
	for (size_t i = 0; i < COUNT(to); i++) {
		const struct node *node = node_get(map, known[i]);

		if (node != NULL)
			(void)value_text(im, node, known[i], PATH_SIZE - 1, rule_path, to[i]);
		else
			import_fault(im, map,
			    "'tls' lacks '%s': it takes ca, cert and key, three files",
			    known[i]);
	}
	if (engine->host[0] != '\0' && !is_tcp(engine))
		import_fault_key(
		    im, map, "'tls' belongs to a tcp:// engine; this one is a socket");
}

/* A network of its own is not reachable from another machine: there ports are published. */
static void
read_reach(struct import *im, const struct node *map, struct config_engine *engine)
{
	const struct node *reach = node_get(map, "reach");
	const struct node *address = node_get(map, "publish_address");
	bool is_good = reach == NULL;
	const char *word = "";

	engine->is_published = is_tcp(engine);
	if (reach != NULL && value_text(im, reach, "reach", NAME_SIZE, rule_line, &word)) {
		is_good = strcmp(word, "container") == 0 || strcmp(word, "published") == 0;
		if (is_good)
			engine->is_published = strcmp(word, "published") == 0;
		else
			import_fault(im, reach,
			    "'reach' must be container (by the address on the "
			    "shared network) or published (by a port of the host)");
	}
	if (address != NULL)
		(void)value_text(im, address, "publish_address", NAME_SIZE - 1, rule_ip,
		    &engine->publish_address);
	if (address != NULL && is_good && !engine->is_published)
		import_fault_key(
		    im, address, "'publish_address' belongs to 'reach: published'");
	if (address == NULL && engine->is_published && is_tcp(engine) && !is_loopback(engine))
		import_fault_key(im, map,
		    "engine '%s' is another machine: add 'publish_address', the "
		    "IP address of it that the edge can reach",
		    engine->name);
}

static void
read_engine(struct import *im, const struct node *map, struct config_engine *engine)
{
	const char *known[HOST_KEYS_MAX];
	const struct node *host;
	const struct node *network;

	if (!value_is_map(im, map, engine->name))
		return;
	host_known(HOST_ENGINE, NULL, PROXY_EDGE, known);
	keys_check(im, map, known);
	host = node_get(map, "host");
	if (host == NULL)
		import_fault_key(im, map,
		    "engine '%s' has no 'host': unix:///var/run/docker.sock or "
		    "tcp://host:port",
		    engine->name);
	else
		(void)value_text(
		    im, host, "host", PATH_SIZE - 1, rule_engine_host, &engine->host);
	if (node_get(map, "tls") != NULL)
		read_tls(im, node_get(map, "tls"), engine);
	else if (is_tcp(engine) && !is_loopback(engine))
		import_warn(im, map,
		    "engine '%s' is reached without TLS: whoever can reach that port "
		    "is root there",
		    engine->name);
	network = node_get(map, "network");
	if (network != NULL)
		(void)value_text(
		    im, network, "network", NAME_SIZE - 1, rule_network, &engine->network);
	read_reach(im, map, engine);
}

const struct config_engine config_engine_local = {
	.name = "local",
	.host = "unix:///var/run/docker.sock",
	.ca_file = "",
	.cert_file = "",
	.key_file = "",
	.network = "slipway",
	.publish_address = "127.0.0.1",
};

static struct config_engine *
engine_new(struct config_file *file, const char *name)
{
	struct config_engine *engine = &file->engines[file->engine_count++];

	*engine = config_engine_local;
	engine->name = name;
	engine->host = "";
	return engine;
}

void
import_engines(struct import *im, const struct node *map)
{
	struct config_file *file = im->file;
	size_t count = 0;

	if (map != NULL && value_is_map(im, map, "engines"))
		count = map->count;
	else
		im->has_bad_engines = map != NULL;
	if (count > ENGINES_MAX) {
		import_fault(
		    im, map, "%zu engines: at most %d are allowed", count, ENGINES_MAX);
		im->has_bad_engines = true;
		return;
	}
	file->engines = arena_take_array(im->arena, count + 1, sizeof(*file->engines));
	for (const struct node *m = count == 0 ? NULL : map->first; m != NULL; m = m->next) {
		const char *trouble = rule_name(m->key.p);

		if (m->kind == NODE_REFUSED)
			continue;
		if (trouble != NULL)
			import_fault_key(im, m, "engine '%.60s' %s", m->key.p, trouble);
		read_engine(im, m, engine_new(file, m->key.p));
	}
	if (count == 0)
		file->engines[file->engine_count++] = config_engine_local;
}

static const char *
rule_user_name(const char *text)
{
	if (strchr(text, ':') != NULL)
		return "must not hold a colon: HTTP's Basic authorization could not carry it";
	return rule_line(text);
}

/* A name needs a password, a password a name, and one place to come from. */
static void
check_login(struct import *im, const struct node *map, const struct config_registry *registry)
{
	const struct node *user = node_get(map, "username");
	const struct node *file = node_get(map, "password_file");
	const struct node *variable = node_get(map, "password_env");

	if (file != NULL && variable != NULL)
		import_fault_key(
		    im, variable, "'password_env' beside 'password_file': keep one");
	else if (user != NULL && file == NULL && variable == NULL
		 && node_get(map, "password")
			== NULL) /* told already, with what to write instead */
		import_fault_key(im, user,
		    "'username' without a password: add 'password_file' or "
		    "'password_env'");
	else if (user == NULL && (file != NULL || variable != NULL))
		import_fault_key(
		    im, file != NULL ? file : variable, "a password without a 'username'");
	if (registry->is_insecure && user != NULL && strncmp(registry->host, "127.", 4) != 0
	    && strncmp(registry->host, "localhost", 9) != 0)
		import_warn(im, map, "registry '%s' gets the password without encryption",
		    registry->host);
}

static const char *
rule_kind(const char *text)
{
	return registry_kind_named(text) != REGISTRY_KIND_COUNT
		   ? NULL
		   : "must be generic, docker-hub, ghcr, gitea (Forgejo too), gitlab, harbor, "
		     "quay or ecr";
}

static const char *
rule_token_url(const char *text)
{
	bool is_plain = strncmp(text, "http://", 7) == 0;

	if (!is_plain && strncmp(text, "https://", 8) != 0)
		return "must be an http or https URL";
	if (strpbrk(text, "@?# \t") != NULL || rule_line(text) != NULL
	    || text[strlen(text) - 1] != '/' || strchr(text + 8, '/')[1] != '\0')
		return "must be a host, with a port or not, and a slash behind it: "
		       "https://api.ecr.eu-west-1.amazonaws.com/";
	return strstr(text, "ecr.") == NULL ? "must name the region behind 'ecr.'" : NULL;
}

/* What the host tells anyway is as if it was not said. */
static void
read_kind(struct import *im, const struct node *node, struct config_registry *registry)
{
	if (node == NULL
	    || !value_text(im, node, "kind", NAME_SIZE - 1, rule_kind, &registry->kind))
		return;
	if (registry_kind_named(registry->kind) == registry_kind_of(registry->host))
		registry->kind = "";
}

static void
read_registry(struct import *im, const struct node *map, struct config_registry *registry)
{
	const char *known[HOST_KEYS_MAX];
	const struct {
		const char *key;
		rule_fn *rule;
		int64_t most;
		const char **to;
	} texts[] = {
		{ "ca_file", rule_path, PATH_SIZE - 1, &registry->ca_file },
		{ "username", rule_user_name, 255, &registry->username },
		{ "password_file", rule_path, PATH_SIZE - 1, &registry->password_file },
		{ "password_env", rule_env_name, 127, &registry->password_env },
		{ "token_url", rule_token_url, PATH_SIZE - 1, &registry->token_url },
	};
	const struct node *insecure;

	if (!value_is_map(im, map, registry->host))
		return;
	host_known(HOST_REGISTRY, NULL, PROXY_EDGE, known);
	keys_check(im, map, known);
	read_kind(im, node_get(map, "kind"), registry);
	insecure = node_get(map, "insecure");
	if (insecure != NULL)
		(void)value_bool(im, insecure, "insecure", &registry->is_insecure);
	for (size_t i = 0; i < COUNT(texts); i++)
		if (node_get(map, texts[i].key) != NULL)
			(void)value_text(im, node_get(map, texts[i].key), texts[i].key,
			    texts[i].most, texts[i].rule, texts[i].to);
	if (registry->is_insecure && node_get(map, "ca_file") != NULL)
		import_fault_key(im, node_get(map, "ca_file"),
		    "'ca_file' beside 'insecure: true': "
		    "plain HTTP has no certificate");
	if (node_get(map, "token_url") != NULL
	    && registry_kind_said(registry->kind, registry->host) != REGISTRY_ECR)
		import_fault_key(im, node_get(map, "token_url"),
		    "'token_url' belongs to 'kind: ecr'; other registries tell by themselves "
		    "where they give tokens");
	check_login(im, map, registry);
}

void
import_registries(struct import *im, const struct node *map)
{
	struct config_file *file = im->file;

	if (map == NULL || !value_is_map(im, map, "registries"))
		return;
	if (map->count > REGISTRIES_MAX) {
		import_fault(im, map, "%zu registries: at most %d are allowed", map->count,
		    REGISTRIES_MAX);
		return;
	}
	file->registries = arena_take_array(im->arena, map->count, sizeof(*file->registries));
	for (const struct node *m = map->first; m != NULL; m = m->next) {
		const char *trouble = rule_registry(m->key.p);
		struct config_registry *registry;

		if (m->kind == NODE_REFUSED)
			continue;
		if (trouble != NULL)
			import_fault_key(im, m, "registry '%.120s' %s", m->key.p, trouble);
		registry = &file->registries[file->registry_count++];
		*registry =
		    (struct config_registry){ m->key.p, "", false, "", "", "", "", "" };
		read_registry(im, m, registry);
	}
}
