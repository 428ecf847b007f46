/* names.c - the table of names, and the names themselves; see names.h. */
#include "ports/names.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports/names_inside.h"

#define ZONE ".slipway.internal"

void
names_free(struct names *names)
{
	free(names->targets);
	*names = (struct names){ .targets = NULL };
}

static int
order(const void *left, const void *right)
{
	const struct name_target *a = left;
	const struct name_target *b = right;

	if (a->stage != b->stage)
		return a->stage < b->stage ? -1 : 1;
	if (a->deploy != b->deploy)
		return a->deploy < b->deploy ? -1 : 1;
	return a->replica - b->replica;
}

void
names_add(struct names *names, const struct name_target *target)
{
	if (names->count == names->allocated) {
		size_t more = names->allocated == 0 ? 16 : 2 * names->allocated;
		struct name_target *wider =
		    realloc(names->targets, more * sizeof(*names->targets));

		CHECK(wider != NULL);
		names->targets = wider;
		names->allocated = more;
	}
	names->targets[names->count++] = *target;
}

void
names_sort(struct names *names)
{
	if (names->count > 1)
		qsort(names->targets, names->count, sizeof(*names->targets), order);
}

size_t
names_find(const struct names *names, uint64_t stage)
{
	size_t low = 0;
	size_t high = names->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (names->targets[middle].stage < stage)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
names_drop(struct names *names, uint64_t stage)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->count; i++)
		if (names->targets[i].stage != stage)
			names->targets[kept++] = names->targets[i];
	names->count = kept;
}

static bool
is_deploy_live(const struct names *names, uint64_t stage, uint64_t deploy)
{
	for (size_t i = names_find(names, stage);
	     i < names->count && names->targets[i].stage == stage; i++)
		if (names->targets[i].deploy == deploy && names->targets[i].is_live)
			return true;
	return false;
}

void
names_put(struct names *names, const struct name_target *targets, size_t count)
{
	uint64_t stage = targets[0].stage;
	uint64_t deploy = targets[0].deploy;
	bool is_same = is_deploy_live(names, stage, deploy);
	size_t kept = 0;

	for (size_t i = 0; i < names->count; i++) {
		struct name_target *t = &names->targets[i];

		/* Put again, it is still the former one's turn to be known. */
		if (t->stage == stage && (t->deploy == deploy || (!t->is_live && !is_same)))
			continue;
		names->targets[kept] = *t;
		if (t->stage == stage)
			names->targets[kept].is_live = false;
		kept++;
	}
	names->count = kept;
	for (size_t i = 0; i < count; i++) {
		CHECK(targets[i].stage == stage && targets[i].deploy == deploy);
		names_add(names, &targets[i]);
		names->targets[names->count - 1].is_live = true;
	}
	names_sort(names);
}

bool
names_has(const struct names *names, const struct name_target *targets, size_t count)
{
	size_t found = 0;

	for (size_t i = names_find(names, targets[0].stage);
	     i < names->count && names->targets[i].stage == targets[0].stage; i++) {
		const struct name_target *t = &names->targets[i];
		size_t k = 0;

		if (!t->is_live)
			continue;
		while (k < count && order(t, &targets[k]) != 0)
			k++;
		if (k == count || strcmp(t->address, targets[k].address) != 0
		    || strcmp(t->listen, targets[k].listen) != 0)
			return false;
		found++;
	}
	return found == count;
}

bool
names_split(const char *address, char host[NAMES_ADDRESS_SIZE], uint16_t *ret_port)
{
	const char *colon = strrchr(address, ':');
	struct str name;
	uint64_t port;

	if (colon == NULL || !str_number(str_of(colon + 1), 65535, &port) || port == 0)
		return false;
	name = (struct str){ address, (size_t)(colon - address) };
	if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
		name = (struct str){ name.p + 1, name.n - 2 };
	if (name.n == 0 || !str_copy(host, NAMES_ADDRESS_SIZE, name))
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

socklen_t
names_socket_address(const char *listen, struct sockaddr_storage *ret)
{
	char host[NAMES_ADDRESS_SIZE];
	uint16_t port;
	struct sockaddr_in *four = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (!names_split(listen, host, &port))
		return 0;
	if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		return sizeof(*four);
	}
	if (inet_pton(AF_INET6, host, &six->sin6_addr) != 1)
		return 0;
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	return sizeof(*six);
}

/* Names. */

void
names_of_stage(const char *mark, uint64_t stage, char text[NAMES_TEXT_SIZE])
{
	snprintf(text, NAMES_TEXT_SIZE, "s%" PRIu64 ".%s" ZONE, stage, mark);
}

static bool
cut_number(struct str *label, char letter, uint64_t max, uint64_t *ret)
{
	size_t n = 1;

	if (label->n < 2 || label->p[0] != letter)
		return false;
	while (n < label->n && label->p[n] >= '0' && label->p[n] <= '9')
		n++;
	if (!str_number((struct str){ label->p + 1, n - 1 }, max, ret))
		return false;
	*label = (struct str){ label->p + n, label->n - n };
	return true;
}

bool
names_parse_target(const char *mark, struct str name, struct name_target *ret)
{
	struct name_target target = { .stage = 0 };
	struct str label;
	struct str rest = str_cut(name, '.', &label);
	char zone[NAMES_TEXT_SIZE];
	uint64_t replica;

	if (!cut_number(&label, 'd', INT64_MAX, &target.deploy)
	    || !cut_number(&label, 'r', REPLICAS_MAX - 1, &replica) || label.n > 0)
		return false;
	target.replica = (int)replica;
	rest = str_cut(rest, '.', &label);
	if (!cut_number(&label, 's', INT64_MAX, &target.stage) || label.n > 0)
		return false;
	snprintf(zone, sizeof(zone), "%s" ZONE, mark);
	if (!str_starts(rest, zone)
	    || (rest.n > strlen(zone) && strchr(".:", rest.p[strlen(zone)]) == NULL))
		return false;
	*ret = target;
	return true;
}
