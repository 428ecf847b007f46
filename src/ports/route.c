/* route.c - see route.h. */
#include "ports/route.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "config/domain.h"
#include "store/catalog.h"
#include "store/deploys.h"

enum { RESTART_KEPT_MS = 3000 };

bool
route_is_address(const char *text)
{
	char host[64];
	unsigned char binary[sizeof(struct in6_addr)];
	const char *colon = strrchr(text, ':');
	uint64_t port;
	size_t n;

	if (colon == NULL || !str_number(str_of(colon + 1), 65535, &port) || port == 0)
		return false;
	n = (size_t)(colon - text);
	if (text[0] == '[' && n > 2 && text[n - 1] == ']')
		return str_copy(host, sizeof(host), (struct str){ text + 1, n - 2 })
		       && inet_pton(AF_INET6, host, binary) == 1;
	return str_copy(host, sizeof(host), (struct str){ text, n })
	       && inet_pton(AF_INET, host, binary) == 1;
}

/* Docker gives the address of a container that does not run to the next one that starts: to go on
 * leading requests there would be to answer them by another app. When it runs again the next look at
 * the engine tells, with the address that it has then. One that crashed and whose address nobody has
 * taken is waited for a moment: its clients wait too, instead of failing. One that is paused keeps its
 * address, and its clients wait for it unless another replica runs. */
static bool
is_gone(struct route_want *want, const struct instance *instance, bool has_running)
{
	if (strcmp(instance->status, "paused") == 0)
		return has_running;
	if (strcmp(instance->status, "restarting") == 0
	    && clock_wall_ms() - instance->since_ms < RESTART_KEPT_MS) {
		want->is_restart_awaited = true;
		return false;
	}
	return strcmp(instance->status, "running") != 0;
}

static void
want_targets(struct store *store, struct route_want *want)
{
	struct instance instances[REPLICAS_MAX];
	size_t count = store_instances(store, want->deploy, instances, REPLICAS_MAX);
	bool has_running = false;

	for (size_t i = 0; i < count; i++)
		has_running |= strcmp(instances[i].status, "running") == 0;
	for (size_t i = 0; i < count; i++) {
		struct route_target *target = &want->targets[want->target_count];

		if (!route_is_address(instances[i].address)
		    || is_gone(want, &instances[i], has_running))
			continue;
		target->replica = instances[i].replica;
		memcpy(target->address, instances[i].address, sizeof(target->address));
		want->target_count++;
	}
}

/* The names come from a file that was checked, the tag from outside. */
static bool
is_domain(const char *text)
{
	const char *rest = strncmp(text, "*.", 2) == 0 ? text + 2 : text;

	return rest[0] != '\0'
	       && rest[strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789-._")] == '\0';
}

static bool
has_domain(const struct route_want *want, const char *name)
{
	for (size_t i = 0; i < want->domain_count; i++)
		if (strcmp(want->domains[i], name) == 0)
			return true;
	return false;
}

static int
want_domains(struct route_want *want, const char *tag, struct err *err)
{
	const struct domain_words words = { .project = want->spec->project,
		.stage = want->spec->stage,
		.tag = tag[0] == '\0' ? NULL : tag };

	for (size_t i = 0; i < want->spec->domains.count; i++) {
		const char *text = want->spec->domains.items[i];
		char name[DOMAIN_SIZE];

		if (!domain_expand(text, &words, name) || !is_domain(name))
			return err_set(err,
			    "the domain '%s' makes no host name with the tag '%s'", text, tag);
		if (has_domain(want, name) || want->domain_count == DOMAINS_MAX)
			continue;
		want->is_of_tag[want->domain_count] = domain_has_tag(text);
		memcpy(want->domains[want->domain_count++], name, sizeof(name));
	}
	return 0;
}

int
route_want(struct store *store, struct catalog *catalog, uint64_t deploy,
    struct route_want *ret, struct err *err)
{
	struct deploy_row row;

	*ret = (struct route_want){ .deploy = deploy };
	if (deploy == 0)
		return 0;
	if (!store_deploy_get(store, deploy, &row))
		return err_set(err, "deploy %" PRIu64 " is not known any more", deploy);
	ret->stage = row.stage;
	ret->is_stopped = strcmp(row.trigger, trigger_names[TRIGGER_STOP]) == 0;
	ret->spec = catalog_spec(catalog, row.spec);
	if (ret->spec == NULL)
		return err_set(err,
		    "the configuration of deploy %" PRIu64 " is not known any more", deploy);
	want_targets(store, ret);
	return want_domains(ret, row.tag, err);
}

bool
route_is_by_edge(const struct catalog *catalog, const struct stage_spec *spec)
{
	const struct proxy_config *proxy = catalog_proxy(catalog, spec->proxy);

	return proxy != NULL ? !proxy->is_direct : strcmp(spec->proxy, "none") != 0;
}

const struct guarantee *
route_guarantee(const struct catalog *catalog, const struct stage_spec *spec)
{
	const struct proxy_config *proxy = catalog_proxy(catalog, spec->proxy);

	if (proxy != NULL)
		return guarantee_of(proxy->kind, proxy->is_direct);
	return guarantee_of(strcmp(spec->proxy, "none") == 0 ? PROXY_NONE : PROXY_EDGE, false);
}
