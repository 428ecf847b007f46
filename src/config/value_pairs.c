/* value_pairs.c - env and labels: maps whose entries a stage adds to those of its project, replaces, or
 * takes away. */
#include "config/import.h"

#include <inttypes.h>
#include <string.h>

#include "config/paths.h"

/* {secret: name}, {file: /path} or {env: NAME}: where the value is, in place of the value. */
static bool
pair_source(struct import *im, const struct node *map, struct pair_spec *pair)
{
	static rule_fn *const rules[VALUE_SOURCE_COUNT] = { [VALUE_SECRET] = rule_secret_name,
		[VALUE_FILE] = rule_path,
		[VALUE_VARIABLE] = rule_env_name };
	const struct node *named = map->first;
	int source = VALUE_PLAIN + 1;

	while (named != NULL && source < VALUE_SOURCE_COUNT
	       && !str_is(named->key, value_source_names[source]))
		source++;
	if (named == NULL || named->next != NULL || source == VALUE_SOURCE_COUNT) {
		import_fault(im, map,
		    "'%.60s' must be a text, {secret: name}, {file: /path} or {env: NAME}",
		    map->key.p);
		return false;
	}
	pair->source = (enum value_source)source;
	return value_text(im, named, map->key.p, VALUE_SIZE / 2, rules[source], &pair->value);
}

/* What the server keeps for itself, or does not have yet. */
static bool
check_source(struct import *im, const struct node *member, const struct pair_spec *pair)
{
	const struct config_rules *rules = im->rules;

	if (pair->source == VALUE_VARIABLE && strncmp(pair->value, "SLIPWAY_", 8) == 0) {
		import_fault(im, member,
		    "'%.60s': '%.60s' is a setting of Slipway itself, which no container gets",
		    pair->name, pair->value);
		return false;
	}
	if (pair->source == VALUE_FILE && rules->secret_paths != NULL
	    && !paths_hold(rules->secret_paths, pair->value)) {
		import_fault(im, member,
		    "'%.60s': '%.120s' must lie in a folder of SLIPWAY_SECRET_PATHS (%.120s)",
		    pair->name, pair->value,
		    rules->secret_paths[0] == '\0' ? "none" : rules->secret_paths);
		return false;
	}
	if (pair->source == VALUE_SECRET && rules->has_secret != NULL
	    && !rules->has_secret(rules->context, pair->value))
		import_warn(im, member,
		    "there is no secret '%s' yet: before the next deploy, `slipway secrets "
		    "set "
		    "%s`",
		    pair->value, pair->value);
	return true;
}

/* Names that people give to what nobody else may know. */
static bool
looks_secret(const char *name)
{
	static const char *const words[] = { "PASSWORD", "PASSWD", "SECRET", "TOKEN",
		"PRIVATE_KEY", "API_KEY", "CREDENTIAL" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcasestr(name, words[i]) != NULL)
			return true;
	return false;
}

static void
warn_plain(struct import *im, const struct node *member, const struct pair_spec *pair)
{
	if (strstr(pair->value, "${") != NULL)
		import_warn(im, member,
		    "'%.60s' holds '${': Slipway expands nothing, the container "
		    "gets it as it stands",
		    pair->name);
	if (pair->value[0] != '\0' && looks_secret(pair->name)
	    && (strlen(pair->name) < 5
		|| strcmp(pair->name + strlen(pair->name) - 5, "_FILE") != 0))
		import_warn(im, member,
		    "'%.60s' looks like a secret and is kept as plain text: write {secret: "
		    "name} and give its value to `slipway secrets set`",
		    pair->name);
}

/* A value of env or labels: any scalar that reads the same for everybody. */
static bool
pair_value(struct import *im, const struct node *member, const char **ret_value)
{
	enum scalar_type type;

	if (member->kind == NODE_REFUSED)
		return false;
	if (member->kind != NODE_SCALAR) {
		import_fault(im, member, "'%.60s' must be a text or a number", member->key.p);
		return false;
	}
	type = node_scalar_type(member);
	if (type == SCALAR_NULL) {
		import_fault(im, member, "'%.60s' has no value: write \"\" for an empty one",
		    member->key.p);
		return false;
	}
	if (type == SCALAR_BOOL) {
		import_fault(im, member,
		    "'%.60s': a container gets texts: put it in quotes: \"%s\"", member->key.p,
		    member->text.p);
		return false;
	}
	*ret_value = member->text.p;
	return true;
}

static bool
pair_read(struct import *im, const struct node *member, const struct field *field,
    struct pair_spec *ret_pair)
{
	const char *trouble = member->key.n == 0 ? "is empty" : field->rule(member->key.p);
	struct pair_spec pair = { .name = member->key.p };

	if (trouble != NULL && member->kind != NODE_REFUSED)
		import_fault_key(
		    im, member, "'%s': '%.120s' %s", field->key, member->key.p, trouble);
	if (field->has_sources && member->kind == NODE_MAP) {
		if (!pair_source(im, member, &pair) || !check_source(im, member, &pair))
			return false;
	} else if (!pair_value(im, member, &pair.value)) {
		return false;
	}
	if (trouble != NULL)
		return false;
	if (field->has_sources && pair.source == VALUE_PLAIN)
		warn_plain(im, member, &pair);
	*ret_pair = pair;
	return true;
}

static bool
is_null(const struct node *node)
{
	return node->kind == NODE_SCALAR && node_scalar_type(node) == SCALAR_NULL;
}

/* Takes away what the project says; false: it says nothing of that name. */
static bool
pair_remove(struct pair_spec *pairs, size_t *count, const char *name)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(pairs[i].name, name) == 0) {
			pairs[i] = pairs[--*count];
			return true;
		}
	return false;
}

static void
pair_put(struct pair_spec *pairs, size_t *count, const struct pair_spec *pair)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(pairs[i].name, pair->name) == 0) {
			pairs[i] = *pair;
			return;
		}
	pairs[(*count)++] = *pair;
}

bool
value_pairs(struct import *im, const struct node *node, const struct field *field,
    struct pair_spec **pairs, size_t *count)
{
	struct pair_spec *merged;
	size_t merged_count = *count;
	bool is_good = true;

	if (node->kind == NODE_LIST) {
		import_fault(im, node, "'%s' must be a map: write KEY: value, not - KEY=value",
		    field->key);
		return false;
	}
	if (!value_is_map(im, node, field->key))
		return false;
	if (node->count > (size_t)field->most) {
		import_fault(im, node, "'%s' has %zu entries: at most %" PRId64 " are allowed",
		    field->key, node->count, field->most);
		return false;
	}
	merged = arena_take_array(im->arena, *count + node->count, sizeof(*merged));
	if (*count > 0)
		memcpy(merged, *pairs, *count * sizeof(*merged));
	for (const struct node *member = node->first; member != NULL; member = member->next) {
		struct pair_spec pair;

		if (is_null(member) && pair_remove(merged, &merged_count, member->key.p))
			continue;
		if (pair_read(im, member, field, &pair))
			pair_put(merged, &merged_count, &pair);
		else
			is_good = false;
	}
	if (merged_count > (size_t)field->most) {
		import_fault(im, node,
		    "'%s' and that of the project have %zu entries together: at "
		    "most %" PRId64 " are allowed",
		    field->key, merged_count, field->most);
		return false;
	}
	pairs_sort(merged, merged_count);
	*pairs = merged;
	*count = merged_count;
	return is_good;
}
