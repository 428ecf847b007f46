/* import_routes.c - host names are made whole, and no two stages may claim one of them or one port
 * of the edge. */
#include "config/import.h"

#include <stdlib.h>
#include <string.h>

#include "config/domain.h"

static void
claim(struct import *im, const struct draft *draft, const char *domain, int port,
    const struct node *at)
{
	struct route_claim *made = arena_take(im->arena, sizeof(*made));

	*made = (struct route_claim){
		.domain = domain,
		.port = port,
		.project = draft->spec.project,
		.stage = draft->spec.stage,
		.at = at,
		.next = im->claims,
	};
	im->claims = made;
	im->claim_count++;
}

/* {project} and {stage} are put in here; what is left, {tag}, waits for a deploy. */
static const char *
expand(struct import *im, const struct draft *draft, const char *text, const struct node *at)
{
	const struct domain_words words = { .project = draft->spec.project,
		.stage = draft->spec.stage };
	char name[DOMAIN_SIZE];

	if (domain_expand(text, &words, name))
		return arena_text(im->arena, str_of(name));
	import_fault(im, at, "the domain '%.120s' is longer than 253 characters", text);
	return text;
}

/* The list may be the project's, which its stages share: each gets its own. */
static void
claim_domains(struct import *im, struct draft *draft, const struct node *item)
{
	struct strings *domains = &draft->spec.domains;
	const char **names = arena_take_array(im->arena, domains->count, sizeof(*names));

	for (size_t i = 0; i < domains->count; i++, item = item->next) {
		names[i] = expand(im, draft, domains->items[i], item);
		claim(im, draft, names[i], 0, item);
	}
	domains->items = names;
}

void
routes_claim(struct import *im, struct draft *draft)
{
	const struct node *domains = draft->at[STAGE_FIELD_DOMAINS];
	const struct node *tcp = draft->at[STAGE_FIELD_TCP];

	if (domains != NULL && draft->is_good[STAGE_FIELD_DOMAINS])
		claim_domains(im, draft, domains->first);
	if (tcp != NULL && draft->is_good[STAGE_FIELD_TCP])
		claim(im, draft, NULL, draft->spec.tcp_port, tcp);
}

static int
same_route_order(const struct route_claim *a, const struct route_claim *b)
{
	if (a->domain != NULL && b->domain != NULL)
		return strcmp(a->domain, b->domain);
	if (a->domain == NULL && b->domain == NULL)
		return (a->port > b->port) - (a->port < b->port);
	return a->domain == NULL ? -1 : 1;
}

/* Equal routes side by side, and among them the first of the file in front. */
static int
claim_order(const void *x, const void *y)
{
	const struct route_claim *a = *(const struct route_claim *const *)x;
	const struct route_claim *b = *(const struct route_claim *const *)y;
	int order = same_route_order(a, b);

	if (order != 0)
		return order;
	if (a->at->line != b->at->line)
		return a->at->line < b->at->line ? -1 : 1;
	if (a->at->column != b->at->column)
		return a->at->column < b->at->column ? -1 : 1;
	return strcmp(a->stage, b->stage); /* one list of a project, for each of its stages */
}

static void
tell_taken(struct import *im, const struct route_claim *again, const struct route_claim *first)
{
	if (again->at == first->at)
		import_fault(im, again->at,
		    "domain '%s' is the same for %.80s/%.80s and %.80s: put {stage} in it",
		    again->domain, first->project, first->stage, again->stage);
	else if (again->domain != NULL)
		import_fault(im, again->at, "domain '%s' is taken by %.80s/%.80s on line %d",
		    again->domain, first->project, first->stage, first->at->line);
	else
		import_fault(im, again->at, "TCP port %d is taken by %.80s/%.80s on line %d",
		    again->port, first->project, first->stage, first->at->line);
}

static void
check_taken_port(struct import *im, const struct route_claim *one)
{
	for (size_t i = 0; i < im->rules->taken_port_count; i++)
		if (one->domain == NULL && one->port == im->rules->taken_ports[i])
			import_fault(im, one->at,
			    "TCP port %d is one that Slipway or its edge listens on "
			    "(SLIPWAY_LISTEN, SLIPWAY_EDGE_HTTP, SLIPWAY_EDGE_HTTPS)",
			    one->port);
}

void
routes_check(struct import *im)
{
	const struct route_claim **sorted =
	    arena_take_array(im->arena, im->claim_count, sizeof(*sorted));
	size_t count = 0;
	size_t first = 0;

	for (const struct route_claim *one = im->claims; one != NULL; one = one->next)
		sorted[count++] = one;
	if (count > 1)
		qsort(sorted, count, sizeof(*sorted), claim_order);
	for (size_t i = 0; i < count; i++) {
		check_taken_port(im, sorted[i]);
		if (i > 0 && same_route_order(sorted[first], sorted[i]) == 0)
			tell_taken(im, sorted[i], sorted[first]);
		else
			first = i;
	}
}
