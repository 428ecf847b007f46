/* import_health.c - the health gate: the word `none`, or a map that names exactly one check.
 *
 * A key that does not belong to the check is a fault, not a thing passed over: somebody who writes
 * `status` beside `tcp` believes that a status is looked at. */
#include "config/import.h"

#include <inttypes.h>
#include <string.h>

#define ON(kind) (1u << HEALTH_##kind)

/* Keys beside the table of fields, and to which checks every key belongs. */
static const struct {
	const char *key;
	unsigned checks;
} keys[] = {
	{ "http", ON(HTTP) },
	{ "tcp", ON(TCP) },
	{ "docker", ON(DOCKER) },
	{ "none", ON(NONE) },
	{ "status", ON(HTTP) },
	{ "host", ON(HTTP) },
	{ "port", ON(HTTP) | ON(TCP) },
	{ "successes", ON(HTTP) | ON(TCP) | ON(DOCKER) },
	{ "interval", ON(HTTP) | ON(TCP) | ON(DOCKER) },
	{ "timeout", ON(HTTP) | ON(TCP) },
	{ "min_uptime", ON(HTTP) | ON(TCP) | ON(DOCKER) | ON(NONE) },
	{ "deadline", ON(HTTP) | ON(TCP) | ON(DOCKER) | ON(NONE) },
};

static bool
belongs(const char *key, enum health_kind kind)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (strcmp(keys[i].key, key) == 0)
			return (keys[i].checks & (1u << kind)) != 0;
	return false;
}

/* "200-299" or one number; plain 200 is a number to YAML, and means itself. */
static bool
read_status(struct import *im, const struct node *node, struct health_spec *health)
{
	const struct field *field = &health_fields[HEALTH_FIELD_STATUS_MIN];
	struct str from;
	struct str to;
	uint64_t least = 0;
	uint64_t most = 0;

	if (node->kind == NODE_REFUSED)
		return false;
	to = str_cut(node->text, '-', &from);
	if (to.n == 0 && from.n == node->text.n)
		to = from;
	if (node->kind != NODE_SCALAR || !str_number(from, (uint64_t)field->most, &least)
	    || !str_number(to, (uint64_t)field->most, &most) || least < (uint64_t)field->least
	    || least > most) {
		import_fault(im, node,
		    "'status' must be a status or a range from 100 to 599: 200, "
		    "\"200-299\"");
		return false;
	}
	health->status_min = (int)least;
	health->status_max = (int)most;
	return true;
}

static bool
read_member(struct import *im, const struct node *member, struct health_spec *health)
{
	for (size_t i = 0; i < COUNT(health_fields); i++) {
		const struct field *field = &health_fields[i];
		void *to = (char *)health + field->offset;

		if (field->key == NULL || strcmp(field->key, member->key.p) != 0)
			continue;
		if (field->kind == FIELD_TEXT)
			return value_text(
			    im, member, field->key, field->most, field->rule, to);
		if (field->kind == FIELD_INTEGER)
			return value_integer(
			    im, member, field->key, field->least, field->most, to);
		CHECK(field->kind == FIELD_DURATION);
		return value_quantity(im, member, field, to);
	}
	if (strcmp(member->key.p, "status") == 0)
		return read_status(im, member, health);
	return false;
}

/* tcp, docker and none take the word true and nothing else. */
static bool
read_switch(struct import *im, const struct node *member)
{
	bool is_on = false;

	if (!value_bool(im, member, member->key.p, &is_on))
		return false;
	if (!is_on)
		import_fault(im, member,
		    "'%s' is false: name the check that is wanted, and no other",
		    member->key.p);
	return is_on;
}

/* The kind of check by the first key that names one; a second one is a fault. */
static const struct node *
find_check(
    struct import *im, const struct node *map, enum health_kind *ret_kind, bool *is_good)
{
	const struct node *found = NULL;

	for (const struct node *member = map->first; member != NULL; member = member->next) {
		int kind = 0;

		while (
		    kind < HEALTH_KIND_COUNT && !str_is(member->key, health_kind_names[kind]))
			kind++;
		if (kind == HEALTH_KIND_COUNT)
			continue;
		if (member->kind == NODE_REFUSED)
			*is_good = false;
		if (found == NULL) {
			found = member;
			*ret_kind = (enum health_kind)kind;
		} else {
			*is_good = false;
			import_fault_key(im, member,
			    "a second check beside '%s': a gate has one", found->key.p);
		}
		if (kind != HEALTH_HTTP && member->kind != NODE_REFUSED
		    && !read_switch(im, member))
			*is_good = false;
	}
	return found;
}

static bool
check_times(struct import *im, const struct node *node, const struct health_spec *health)
{
	int64_t probes_ms = health->interval_ms * (health->successes - 1);

	if (health->deadline_ms < health->min_uptime_ms) {
		import_fault(im, node,
		    "'health' can never pass: 'deadline' (%" PRId64 " ms) ends before "
		    "'min_uptime' (%" PRId64 " ms)",
		    health->deadline_ms, health->min_uptime_ms);
		return false;
	}
	if (health->kind != HEALTH_NONE && health->deadline_ms < probes_ms) {
		import_fault(im, node,
		    "'health' can never pass: %d successes every %" PRId64 " ms take "
		    "longer than 'deadline' (%" PRId64 " ms)",
		    health->successes, health->interval_ms, health->deadline_ms);
		return false;
	}
	return true;
}

static bool
read_members(struct import *im, const struct node *map, struct health_spec *health)
{
	const char *known[COUNT(keys) + 1] = { NULL };
	bool is_good = true;

	for (size_t i = 0; i < COUNT(keys); i++)
		known[i] = keys[i].key;
	for (const struct node *member = map->first; member != NULL; member = member->next) {
		bool is_switch = str_is(member->key, "tcp") || str_is(member->key, "docker")
				 || str_is(member->key, "none");

		if (member->kind == NODE_REFUSED || !key_is_known(im, member, known)) {
			is_good = false;
		} else if (!is_switch && !str_is(member->key, "http")
			   && !belongs(member->key.p, health->kind)) {
			import_fault_key(im, member, "'%s' does not belong to the check '%s'",
			    member->key.p, health_kind_names[health->kind]);
			is_good = false;
		} else if (!is_switch && !read_member(im, member, health)) {
			is_good = false;
		}
	}
	return is_good;
}

bool
import_health(struct import *im, const struct node *node, struct health_spec *ret_health)
{
	struct health_spec health = { 0 };
	bool is_good = true;

	fields_set_defaults(health_fields, COUNT(health_fields), &health);
	if (node->kind == NODE_REFUSED)
		return false;
	if (node->kind == NODE_SCALAR && str_is(node->text, "none")) {
		*ret_health = health;
		return true;
	}
	if (node->kind != NODE_MAP) {
		import_fault(im, node,
		    "'health' must be a map that names a check, {http: /health} for "
		    "example, or the word none");
		return false;
	}
	if (find_check(im, node, &health.kind, &is_good) == NULL) {
		import_fault(im, node,
		    "'health' names no check: add 'http: /path', 'tcp: true' or "
		    "'docker: true', or write 'health: none'");
		is_good = false;
		health.kind =
		    HEALTH_HTTP; /* every key may belong to it: nothing more to tell */
	}
	is_good = read_members(im, node, &health) && is_good;
	if (!is_good || !check_times(im, node, &health))
		return false;
	*ret_health = health;
	return true;
}
