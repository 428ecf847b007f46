/* npm_plan.c - what has to change at the proxy hosts for one stage, worked out without asking anybody.
 *
 * The one idea: all hosts are judged before the first is told, so what a person decided refuses a deploy
 * before anything of it is visible. Only giving back is not refused: it does what it may, and tells of the
 * rest, because whoever waits for it must come to an end. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ports/npm_inside.h"

struct planning {
	const struct npm_wish *wish;
	struct npm_plan *plan;
	struct npm_target target; /* that is wanted */
	const char *missing[DOMAINS_MAX]; /* that no host of others has */
	size_t missing_count;
	const struct json *made; /* our own host of this stage */
	uint32_t https; /* places of the domains whose host sends everybody to HTTPS */
};

/* Words for a person. */

static void note(struct npm_plan *plan, const char *format, ...) PRINTF_LIKE(2, 3);
static void refuse(struct npm_plan *plan, const char *format, ...) PRINTF_LIKE(2, 3);
static void
cannot(struct planning *p, const struct json *host, const char *format, ...) PRINTF_LIKE(3, 4);

static void
note(struct npm_plan *plan, const char *format, ...)
{
	size_t n = strlen(plan->text);
	va_list args;

	if (plan->is_refused)
		return;
	if (n > 0 && n + 2 < sizeof(plan->text))
		n += (size_t)snprintf(plan->text + n, sizeof(plan->text) - n, "; ");
	va_start(args, format);
	vsnprintf(plan->text + n, sizeof(plan->text) - n, format, args);
	va_end(args);
}

static void
refuse(struct npm_plan *plan, const char *format, ...)
{
	va_list args;

	if (plan->is_refused)
		return;
	plan->is_refused = true;
	va_start(args, format);
	vsnprintf(plan->text, sizeof(plan->text), format, args);
	va_end(args);
}

/* Which of the route's domains this host has. */
static uint32_t
places(const struct planning *p, const struct json *host)
{
	const struct front_route *route = p->wish->route;
	uint32_t found = 0;

	for (size_t i = 0; i < route->domain_count; i++)
		if (npm_has_domain(host, route->domains[i]))
			found |= 1u << i;
	return found;
}

static uint32_t
missing_places(const struct planning *p)
{
	const struct front_route *route = p->wish->route;
	uint32_t found = 0;

	for (size_t i = 0; i < p->missing_count; i++)
		for (size_t k = 0; k < route->domain_count; k++)
			if (strcmp(p->missing[i], route->domains[k]) == 0)
				found |= 1u << k;
	return found;
}

/* A person decided where this host leads. Who restores says so, and goes on. */
static void
cannot(struct planning *p, const struct json *host, const char *format, ...)
{
	char why[NPM_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	if (p->wish->work == FRONT_RESTORE) {
		p->plan->left |= places(p, host);
		note(p->plan, "proxy host %" PRId64 " (%s) %s",
		    json_number(json_get(host, "id")), npm_first_domain(host), why);
	} else
		refuse(p->plan, "proxy host %" PRId64 " (%s) %s",
		    json_number(json_get(host, "id")), npm_first_domain(host), why);
}

static struct npm_action *
add_action(struct npm_plan *plan, enum npm_verb verb, const struct json *host)
{
	struct npm_action *action;

	if (plan->count == NPM_ACTIONS_MAX) {
		refuse(plan, "the stage's domains stand in more than %d proxy hosts",
		    NPM_ACTIONS_MAX);
		return NULL;
	}
	action = &plan->actions[plan->count++];
	*action = (struct npm_action){ .verb = verb,
		.id = json_number(json_get(host, "id")),
		.was_online = npm_is_online(host) };
	buf_init(&action->body, NPM_BODY_MAX);
	buf_init(&action->undo, NPM_BODY_MAX);
	return action;
}

static void
check_fits(struct planning *p, const struct npm_action *action)
{
	if (action->body.overflow || action->undo.overflow)
		refuse(p->plan,
		    "proxy host %" PRId64 " has more text than Slipway takes (%d bytes): "
		    "shorten its advanced configuration",
		    action->id, NPM_BODY_MAX);
}

/* Leading a host to where it shall. */

/* The advanced configuration as it shall be; true: it differs from what is there. */
static bool
want_advanced(const struct planning *p, const struct json *host, struct buf *to)
{
	const struct npm_wish *wish = p->wish;
	struct str is = json_str(json_get(host, "advanced_config"));

	if (wish->route->is_to_edge)
		npm_block_drop(to, is);
	else
		npm_block_put(to, is, wish->secret, wish->route->path);
	return to->overflow || to->n != is.n || (is.n > 0 && memcmp(to->p, is.p, is.n) != 0);
}

/* For the domains that the host has, or shall have. */
static bool
lacks_certificate(const struct planning *p, const struct json *host, bool is_made)
{
	const struct front_route *route = p->wish->route;
	const char *names[DOMAINS_MAX];
	size_t count = 0;

	for (size_t i = 0; !is_made && i < route->domain_count; i++)
		if (npm_has_domain(host, route->domains[i]))
			names[count++] = route->domains[i];
	return is_made
		   ? npm_certificate_is_lacking(p->wish, host, p->missing, p->missing_count)
		   : npm_certificate_is_lacking(p->wish, host, names, count);
}

/* A host that was made with a new certificate was made without TLS by force. */
static bool
wants_certificate(const struct planning *p, const struct json *host, bool is_made)
{
	const struct npm_certificate *certificate = &p->wish->certificate;
	bool lacks_force = is_made && !npm_is_true(json_get(host, "ssl_forced"));

	return lacks_certificate(p, host, is_made)
	       || (certificate->is_named && !certificate->is_new && lacks_force);
}

static bool
has_exactly_missing(const struct planning *p, const struct json *host)
{
	if (json_count(json_get(host, "domain_names")) != p->missing_count)
		return false;
	for (size_t i = 0; i < p->missing_count; i++)
		if (!npm_has_domain(host, p->missing[i]))
			return false;
	return true;
}

/* What keeps visitors from where the host leads. To lead it there harms nobody. */
static void
check_way(struct planning *p, const struct json *host, bool is_made)
{
	if (!npm_is_true(json_get(host, "enabled")))
		cannot(p, host, "is disabled: enable it in Nginx Proxy Manager");
	else if (npm_has_own_root(json_str(json_get(host, "advanced_config"))))
		cannot(p, host,
		    "has a \"location /\" of its own in its advanced configuration, which "
		    "decides where it leads: take it out");
	else if (p->wish->certificate.is_new && lacks_certificate(p, host, is_made))
		cannot(p, host,
		    "has no certificate for its domains yet: ask for one in Nginx Proxy "
		    "Manager, whose site is away while that runs; then deploy again");
}

/* Two that lead one host would take it from each other for ever. A host that has been led elsewhere
 * since is no more of that store, which may be gone. */
static bool
is_of_other_store(struct planning *p, const struct json *host)
{
	const struct json *mark = json_get(json_get(host, "meta"), "slipway");
	char is[NPM_TARGET_SIZE];

	npm_target_of(host, is);
	if (json_text(json_get(mark, "store"))[0] == '\0' || npm_mark_of(p->wish, host) != NULL
	    || strcmp(is, json_text(json_get(mark, "set"))) != 0)
		return false;
	cannot(p, host,
	    "serves a stage of another Slipway: take the domain away there and deploy it; if "
	    "that "
	    "one is gone for good, change where the host leads in Nginx Proxy Manager, and it "
	    "is "
	    "free");
	return true;
}

/* Who wants a name that another stage has got is refused; who only had it leaves it there. */
static bool
is_of_others(struct planning *p, const struct json *host)
{
	if (is_of_other_store(p, host))
		return true;
	if (npm_mark_of(p->wish, host) == NULL || npm_is_of_stage(p->wish, host))
		return false;
	if (p->wish->work == FRONT_ENSURE)
		cannot(p, host,
		    "serves another stage: take the domain away there first, and deploy it; "
		    "or give "
		    "it a proxy host of its own");
	else
		p->plan->left |= places(p, host);
	return true;
}

/* Somebody has led it elsewhere since Slipway did. */
static bool
is_taken(struct planning *p, const struct json *host)
{
	const struct json *mark = npm_mark_of(p->wish, host);
	const char *set = json_text(json_get(mark, "set"));
	char is[NPM_TARGET_SIZE];

	npm_target_of(host, is);
	if (mark == NULL || strcmp(is, set) == 0 || strcmp(is, p->target.text) == 0)
		return false;
	if (!p->wish->may_overwrite) {
		cannot(p, host,
		    "leads to %s, and Slipway had set %s: somebody changed it. Put it back, "
		    "or "
		    "set 'drift: mend' to let Slipway do it",
		    is, set);
		return true;
	}
	note(p->plan,
	    "proxy host %" PRId64
	    " (%s) led to %s by somebody's hand; Slipway had set %s, and "
	    "put it back",
	    json_number(json_get(host, "id")), npm_first_domain(host), is, set);
	return false;
}

/* The first thing that is not as it shall be; false: nothing. */
static bool
find_difference(const struct planning *p, const struct json *host,
    const struct npm_change *change, char text[NPM_TEXT_SIZE])
{
	const struct json *mark = npm_mark_of(p->wish, host);
	char is[NPM_TARGET_SIZE];
	int n = snprintf(text, NPM_TEXT_SIZE, "proxy host %" PRId64 " (%s) ",
	    json_number(json_get(host, "id")), npm_first_domain(host));
	size_t left = n < NPM_TEXT_SIZE ? (size_t)(NPM_TEXT_SIZE - n) : 0;
	char *to = text + NPM_TEXT_SIZE - left;
	bool is_on = npm_is_true(json_get(host, "enabled")); /* else nginx has no part in it */
	bool is_forced = p->wish->is_forced && (places(p, host) & p->plan->left) == 0;

	npm_target_of(host, is);
	if (is_on && !npm_is_online(host))
		npm_fault_of(host, text);
	else if (!npm_leads_to(host, change->target))
		snprintf(to, left, "leads to %s and should lead to %s", is, p->target.text);
	else if (mark == NULL || strcmp(json_text(json_get(mark, "set")), p->target.text) != 0)
		snprintf(to, left, "leads to %s, but Slipway's mark is not there", is);
	else if (change->name_count > 0)
		snprintf(to, left, "has not the domains that the stage has");
	else if (change->has_advanced)
		snprintf(to, left,
		    "has not the location in its advanced configuration through which "
		    "Slipway asks who answers");
	else if (change->has_certificate)
		snprintf(to, left, "has not the certificate that the stage names");
	else if (change->back != NULL)
		snprintf(to, left, "has a certificate that the stage names no more");
	else
		return is_forced;
	return true;
}

static void
tell_first_use(struct planning *p, const struct json *host)
{
	if (npm_mark_of(p->wish, host) == NULL
	    && !npm_is_true(json_get(host, "allow_websocket_upgrade")))
		note(p->plan,
		    "proxy host %" PRId64 " (%s) lets no WebSockets through: allow them in "
		    "Nginx Proxy Manager if the app has any",
		    json_number(json_get(host, "id")), npm_first_domain(host));
}

static void
lead(struct planning *p, const struct json *host, bool is_made)
{
	const struct npm_wish *wish = p->wish;
	struct npm_change change = { .target = &p->target, .is_made = is_made };
	struct npm_action *action;
	struct buf advanced;
	char difference[NPM_TEXT_SIZE] = "";

	if (is_of_others(p, host) || is_taken(p, host))
		return;
	check_way(p, host, is_made);
	buf_init(&advanced, NPM_BODY_MAX);
	change.advanced = &advanced;
	change.has_advanced = want_advanced(p, host, &advanced);
	change.has_certificate = wants_certificate(p, host, is_made);
	change.back = npm_certificate_before(p->wish, host);
	change.names = p->missing;
	change.name_count = is_made && !has_exactly_missing(p, host) ? p->missing_count : 0;
	if (find_difference(p, host, &change, difference)
	    && (action = add_action(p->plan, NPM_PUT, host)) != NULL) {
		memcpy(action->what, difference, sizeof(action->what));
		action->domains = places(p, host) | (is_made ? missing_places(p) : 0);
		npm_write_lead(&action->body, wish, host, &change);
		npm_write_undo(&action->undo, host, &change);
		check_fits(p, action);
		tell_first_use(p, host);
	}
	buf_free(&advanced);
}

static void
make_host(struct planning *p)
{
	struct npm_change change = { .target = &p->target, .is_made = true };
	struct npm_action *action = add_action(p->plan, NPM_POST, NULL);
	struct buf advanced;

	if (action == NULL)
		return;
	snprintf(action->what, sizeof(action->what),
	    "no proxy host has the domain %s; one should lead to %s", p->missing[0],
	    p->target.text);
	action->domains = missing_places(p);
	buf_init(&advanced, NPM_BODY_MAX);
	(void)want_advanced(p, NULL, &advanced);
	change.advanced = &advanced;
	change.names = p->missing;
	change.name_count = p->missing_count;
	npm_write_new(&action->body, p->wish, &change);
	buf_free(&advanced);
}

/* Giving a host back. */

static void
give_back(struct planning *p, const struct json *host)
{
	const struct json *mark = npm_mark_of(p->wish, host);
	int64_t id = json_number(json_get(host, "id"));
	bool is_made = json_bool(json_get(mark, "made"));
	char is[NPM_TARGET_SIZE];
	struct npm_action *action;
	struct buf advanced;
	bool keeps;

	npm_target_of(host, is);
	keeps = strcmp(is, json_text(json_get(mark, "set"))) != 0;
	action = add_action(p->plan, is_made && !keeps ? NPM_DELETE : NPM_PUT, host);
	if (action == NULL)
		return;
	snprintf(action->what, sizeof(action->what),
	    "proxy host %" PRId64 " (%s) is left from before", id, npm_first_domain(host));
	if (keeps)
		note(p->plan,
		    "proxy host %" PRId64 " (%s) leads to %s by somebody's hand, and stays so",
		    id, npm_first_domain(host), is);
	if (action->verb == NPM_DELETE)
		return;
	buf_init(&advanced, NPM_BODY_MAX);
	npm_block_drop(&advanced, json_str(json_get(host, "advanced_config")));
	npm_write_back(&action->body, p->wish, host, &advanced, keeps);
	check_fits(p, action);
	buf_free(&advanced);
}

/* The whole. */

static bool
is_wanted_anywhere(const struct npm_wish *wish, const struct json *host)
{
	for (size_t i = 0; i < wish->route->domain_count; i++)
		if (npm_has_domain(host, wish->route->domains[i]))
			return true;
	return false;
}

/* Probes come in by HTTPS where the host sends everybody there. */
static void
note_way(struct planning *p, const struct json *host, bool is_made)
{
	const struct json *before = npm_certificate_before(p->wish, host);

	if (npm_is_true(json_get(before != NULL ? before : host, "ssl_forced"))
	    || wants_certificate(p, host, is_made))
		p->https |= is_made ? missing_places(p) : places(p, host);
}

static void
look_at_host(struct planning *p, const struct json *host, bool is_keeping)
{
	bool is_ours = npm_is_of_stage(p->wish, host);
	bool is_made = is_ours && json_bool(json_get(npm_mark_of(p->wish, host), "made"));

	if (is_keeping && is_made && p->made == NULL) {
		p->made = host;
	} else if (is_keeping && !is_made && is_wanted_anywhere(p->wish, host)) {
		lead(p, host, false);
		note_way(p, host, false);
		for (size_t i = 0; i < p->missing_count;)
			if (npm_has_domain(host, p->missing[i]))
				p->missing[i] = p->missing[--p->missing_count];
			else
				i++;
	} else if (is_ours)
		give_back(p, host);
}

/* The domains that no host of others has. */
static void
look_at_rest(struct planning *p)
{
	if (p->made != NULL && p->missing_count == 0)
		give_back(p, p->made);
	else if (p->made != NULL) {
		lead(p, p->made, true);
		note_way(p, p->made, true);
	} else if (p->missing_count > 0) {
		make_host(p);
		if (p->wish->certificate.is_named)
			p->https |= missing_places(p);
	}
}

/* A probe asks for the first domain that is not left to others. */
static void
choose_probe(struct planning *p)
{
	const struct front_route *route = p->wish->route;
	size_t at = 0;

	while (at + 1 < route->domain_count && (p->plan->left >> at & 1u) != 0)
		at++;
	p->plan->is_https = (p->https >> at & 1u) != 0;
	npm_probe_domain(route->domains[at], p->plan->domain);
}

void
npm_plan_make(const struct npm_wish *wish, const struct json *hosts, struct npm_plan *ret_plan)
{
	const struct front_route *route = wish->route;
	struct planning p = { .wish = wish, .plan = ret_plan };
	bool is_keeping = wish->work != FRONT_REMOVE && npm_target_read(route, &p.target);

	*ret_plan = (struct npm_plan){ .is_keeping = is_keeping };
	for (size_t i = 0; is_keeping && i < route->domain_count; i++)
		p.missing[p.missing_count++] = route->domains[i];
	for (size_t i = 0; i < json_count(hosts); i++)
		look_at_host(&p, json_at(hosts, i), is_keeping);
	look_at_rest(&p);
	choose_probe(&p);
}

void
npm_plan_free(struct npm_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		buf_free(&plan->actions[i].body);
		buf_free(&plan->actions[i].undo);
	}
	plan->count = 0;
}
