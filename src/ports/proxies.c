/* proxies.c - see proxies.h. */
#include "ports/proxies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ports/front_driver.h"
#include "ports/route.h"
#include "store/catalog.h"
#include "store/deploys.h"

enum { LOOK_US = 10000000 }; /* at what is not ours */

struct proxies {
	struct port_host host;
	struct front_settings settings;
	char directory[4096]; /* what the settings point to */
	char edge_address[DOMAIN_SIZE + 8];
	char store_uuid[64];
	struct edge *edge;
	struct front
	    *fronts[PROXIES_MAX]; /* by their place in the catalog; made when needed */
	int64_t looked_us; /* at the fronts, the last time */
};

/* Nobody leads traffic there, so there is nothing to move. */
static void
perform_nothing(struct proxies *p, const struct effect *effect)
{
	static const enum event_kind done[FX_COUNT] = { [FX_SWITCH] = EV_SWITCHED,
		[FX_CONFIRM] = EV_CONFIRMED,
		[FX_RESTORE] = EV_RESTORED,
		[FX_DRAIN] = EV_DRAINED,
		[FX_PARK] = EV_PARKED };
	struct event event = port_answer(effect, done[effect->kind]);

	port_send(&p->host, &event);
}

static void
perform_at_edge(void *context, const struct effect *effect)
{
	struct proxies *p = context;

	if (p->edge != NULL)
		edge_perform(p->edge, effect);
	else
		perform_nothing(p, effect);
}

/* The front of that name as it is configured now; NULL: none is. */
static struct front *
front_of(struct proxies *p, const char *name)
{
	for (size_t i = 0; i < catalog_proxy_count(p->host.catalog); i++) {
		const struct proxy_config *config = catalog_proxy_at(p->host.catalog, i);

		if (strcmp(config->name, name) != 0)
			continue;
		if (p->fronts[i] != NULL && !front_is(p->fronts[i], config)) {
			front_interrupt(p->fronts[i], "its settings were changed");
			front_free(p->fronts[i]);
			p->fronts[i] = NULL;
		}
		if (p->fronts[i] == NULL)
			p->fronts[i] = front_new(&p->host, &p->settings, config,
			    config->kind == PROXY_NPM ? &npm_driver : &caddy_driver);
		return p->fronts[i];
	}
	return NULL;
}

/* "" when the deploy or its revision is not known any more. */
static const char *
proxy_of(const struct proxies *p, uint64_t deploy, const struct stage_spec **ret_spec)
{
	struct deploy_row row;

	*ret_spec = NULL;
	if (deploy != 0 && store_deploy_get(p->host.store, deploy, &row))
		*ret_spec = catalog_spec(p->host.catalog, row.spec);
	return *ret_spec == NULL ? "" : (*ret_spec)->proxy;
}

/* It leads nobody anywhere. */
static bool
is_stop(const struct proxies *p, uint64_t deploy)
{
	struct deploy_row row;

	return store_deploy_get(p->host.store, deploy, &row)
	       && strcmp(row.trigger, trigger_names[TRIGGER_STOP]) == 0;
}

static void
note_guarantee(
    const struct proxies *p, const struct effect *effect, const struct stage_spec *spec)
{
	const struct guarantee *guarantee = route_guarantee(p->host.catalog, spec);

	if (stage_spec_has_route(spec) && !is_stop(p, effect->deploy))
		port_note(&p->host, effect, LOG_INFO, "switching by %s: %s: %s",
		    guarantee->way, guarantee->promise, guarantee->reason);
}

static void
perform_by(struct proxies *p, const char *name, const struct effect *effect, bool is_moving)
{
	struct front *front;

	if (strcmp(name, "none") == 0) {
		perform_nothing(p, effect);
		return;
	}
	if (name[0] == '\0' || strcmp(name, "edge") == 0) {
		perform_at_edge(p, effect);
		return;
	}
	front = front_of(p, name);
	if (front != NULL && is_moving)
		front_remove(front, effect);
	else if (front != NULL)
		front_perform(front, effect);
	else if (effect->kind == FX_SWITCH || effect->kind == FX_CONFIRM)
		port_fail(&p->host, effect, EV_REFUSED,
		    "no proxy is called '%s' any more: add it under 'proxies', or let the"
		    " stage name another one",
		    name);
	else
		perform_nothing(p, effect); /* nothing of it can be led anywhere */
}

static bool
is_by_edge(const struct proxies *p, const struct stage_spec *spec)
{
	return spec != NULL && route_is_by_edge(p->host.catalog, spec);
}

/* Nobody can wait at a proxy that leads straight to the containers: it finds nothing there until it is
 * switched, as the plan tells before. But it must not lead to a new version that failed. */
static void
withdraw(struct proxies *p, const char *name, const struct effect *effect, bool is_new)
{
	struct effect restore = *effect;

	restore.kind = FX_RESTORE;
	perform_by(p, name, &restore, is_new);
}

void
proxies_perform(struct proxies *p, const struct effect *effect)
{
	const struct stage_spec *spec;
	const struct stage_spec *elder_spec;
	const char *name = proxy_of(p, effect->deploy, &spec);
	const char *elder = proxy_of(p, effect->elder, &elder_spec);
	bool is_moving = elder_spec != NULL && strcmp(name, elder) != 0;
	bool is_new = effect->elder == 0 || is_moving; /* nothing was there before */

	if (effect->kind == FX_SWITCH && spec != NULL)
		note_guarantee(p, effect, spec);
	if (effect->kind == FX_PARK && is_by_edge(p, spec) && is_by_edge(p, elder_spec))
		perform_at_edge(p, effect);
	else if (effect->kind == FX_PARK)
		withdraw(p, name, effect, is_new);
	else if (effect->kind == FX_DRAIN && is_moving)
		perform_by(p, elder, effect, true);
	else
		perform_by(p, name, effect, effect->kind == FX_RESTORE && is_new);
}

void
proxies_look(struct proxies *p)
{
	int64_t now_us = clock_mono_us();

	if (p->edge != NULL)
		edge_sync(p->edge);
	if (p->looked_us == 0 || now_us - p->looked_us >= LOOK_US)
		proxies_sync(p);
}

void
proxies_sync(struct proxies *p)
{
	p->looked_us = clock_mono_us();
	if (p->edge != NULL)
		edge_sync(p->edge);
	for (size_t i = 0; i < catalog_proxy_count(p->host.catalog); i++)
		front_sync(front_of(p, catalog_proxy_at(p->host.catalog, i)->name));
}

bool
proxies_await(const struct proxies *p, uint64_t stage)
{
	const struct stage_spec *spec;
	uint64_t live = p->settings.stage_live(p->settings.context, stage);
	const char *name = proxy_of(p, live, &spec);

	for (size_t i = 0; i < catalog_proxy_count(p->host.catalog); i++) {
		const struct proxy_config *config = catalog_proxy_at(p->host.catalog, i);

		if (strcmp(config->name, name) == 0)
			return config->is_direct
			       && (p->fronts[i] == NULL || !front_is(p->fronts[i], config)
				   || !front_leads(p->fronts[i], stage));
	}
	return false;
}

const char *
proxies_fault(const struct proxies *p, const char *name)
{
	for (size_t i = 0; i < catalog_proxy_count(p->host.catalog); i++)
		if (strcmp(catalog_proxy_at(p->host.catalog, i)->name, name) == 0
		    && p->fronts[i] != NULL)
			return front_fault(p->fronts[i]);
	return "";
}

struct proxies *
proxies_new(
    const struct port_host *host, const struct front_settings *settings, struct edge *edge)
{
	struct proxies *p = calloc(1, sizeof(*p));

	CHECK(p != NULL);
	p->host = *host;
	p->settings = *settings;
	snprintf(p->directory, sizeof(p->directory), "%s", settings->directory);
	snprintf(p->edge_address, sizeof(p->edge_address), "%s", settings->edge_address);
	snprintf(p->store_uuid, sizeof(p->store_uuid), "%s", settings->store_uuid);
	p->settings.directory = p->directory;
	p->settings.edge_address = p->edge_address;
	p->settings.store_uuid = p->store_uuid;
	p->settings.hand_over = perform_at_edge;
	p->settings.hand_over_context = p;
	p->edge = edge;
	return p;
}

void
proxies_free(struct proxies *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < PROXIES_MAX; i++)
		front_free(p->fronts[i]);
	free(p);
}
