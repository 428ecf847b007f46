/* value_list.c - lists of texts, maps of texts, and volumes. */
#include "config/import.h"

#include <inttypes.h>
#include <string.h>

#include "config/sockets.h"

static bool
is_list(
    struct import *im, const struct node *node, const struct field *field, const char *example)
{
	if (node->kind == NODE_REFUSED)
		return false;
	if (node->kind != NODE_LIST) {
		import_fault(im, node, "'%s' must be a list: %s", field->key, example);
		return false;
	}
	if (node->count > (size_t)field->most) {
		import_fault(im, node, "'%s' has %zu entries: at most %" PRId64 " are allowed",
		    field->key, node->count, field->most);
		return false;
	}
	return true;
}

static bool
holds(const struct strings *strings, const char *text)
{
	for (size_t i = 0; i < strings->count; i++)
		if (strcmp(strings->items[i], text) == 0)
			return true;
	return false;
}

/* Names (those with a rule) stand in a list once; words of a command may come again. */
bool
value_strings(struct import *im, const struct node *node, const struct field *field,
    struct strings *ret_strings)
{
	static const char commands[] = "[\"sh\", \"-c\", \"...\"], one entry for each word";
	static const char names[] = "[first, second]";
	struct strings strings = { 0 };
	bool is_good = true;

	if (!is_list(im, node, field, field->rule == NULL ? commands : names))
		return false;
	strings.items = arena_take_array(im->arena, node->count, sizeof(*strings.items));
	for (const struct node *item = node->first; item != NULL; item = item->next) {
		const char *text;

		if (!value_text(im, item, field->key, VALUE_SIZE, field->rule, &text)) {
			is_good = false;
		} else if (field->rule != NULL && holds(&strings, text)) {
			import_fault(
			    im, item, "'%s': '%.120s' is in the list twice", field->key, text);
			is_good = false;
		} else {
			strings.items[strings.count++] = text;
		}
	}
	*ret_strings = strings;
	return is_good;
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
	if (!pair_value(im, member, &pair.value) || trouble != NULL)
		return false;
	if (strstr(pair.value, "${") != NULL && field->rule == rule_env_name)
		import_warn(im, member,
		    "'%.60s' holds '${': Slipway expands nothing, the container "
		    "gets it as it stands",
		    pair.name);
	*ret_pair = pair;
	return true;
}

static void
pair_put(struct pair_spec *pairs, size_t *count, const struct pair_spec *pair)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(pairs[i].name, pair->name) == 0) {
			pairs[i].value = pair->value;
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

/* "source:target", "source:target:ro" or ":rw" taken apart; words of what is wrong, or NULL. */
static const char *
volume_parse(struct import *im, struct str text, struct volume_spec *volume)
{
	struct str source;
	struct str target;
	struct str mode = str_cut(str_cut(text, ':', &source), ':', &target);
	const char *trouble;

	if (target.n == 0 || memchr(mode.p, ':', mode.n) != NULL)
		return "must be source:target or source:target:ro";
	if (mode.n == 0 ? text.p[text.n - 1] == ':'
			: !str_is(mode, "ro") && !str_is(mode, "rw"))
		return "must end with the target, or with :ro or :rw behind it";
	*volume = (struct volume_spec){
		.source = arena_text(im->arena, source),
		.target = arena_text(im->arena, target),
		.read_only = str_is(mode, "ro"),
	};
	if (str_starts(source, ".") || str_starts(source, "~"))
		return "has no place to start from here: a path on the host must be absolute";
	trouble = str_starts(source, "/") ? rule_path(volume->source)
					  : rule_volume_name(volume->source);
	if (trouble != NULL)
		return trouble;
	return str_is(target, "/") ? "must not be mounted over the root of the container"
				   : rule_path(volume->target);
}

/* Of an engine in this file or of one that is configured already: a file that leaves it out does not
 * remove it. */
static bool
exposes_engine(const struct import *im, const char *path)
{
	for (size_t i = 0; i < im->file->engine_count; i++)
		if (socket_is_exposed_by(path, im->file->engines[i].host))
			return true;
	for (size_t i = 0; i < im->rules->engine_count; i++)
		if (socket_is_exposed_by(path, im->rules->engine_hosts[i]))
			return true;
	return sockets_are_exposed_by(path);
}

static bool
volume_read(struct import *im, const struct node *item, const struct field *field,
    struct volume_spec *volume)
{
	const char *text;
	const char *trouble;

	if (item->kind == NODE_MAP) {
		import_fault(im, item,
		    "'%s': write a volume in one text: \"data:/var/lib/data\", "
		    "\"/host/path:/target:ro\"",
		    field->key);
		return false;
	}
	if (!value_text(im, item, field->key, VALUE_SIZE, rule_line, &text))
		return false;
	trouble = volume_parse(im, item->text, volume);
	if (trouble != NULL) {
		import_fault(im, item, "'%s': '%.120s' %s", field->key, text, trouble);
		return false;
	}
	if (volume->source[0] == '/' && !im->rules->allows_docker_socket
	    && exposes_engine(im, volume->source)) {
		import_fault(im, item,
		    "'%s': '%.120s' gives the container the socket of a container engine, "
		    "and with it root on the host; if that is meant, start Slipway with "
		    "SLIPWAY_ALLOW_DOCKER_SOCKET=on",
		    field->key, text);
		return false;
	}
	return true;
}

static bool
has_target(const struct volume_spec *volumes, size_t count, const char *target)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(volumes[i].target, target) == 0)
			return true;
	return false;
}

bool
value_volumes(struct import *im, const struct node *node, const struct field *field,
    struct volume_spec **ret_volumes, size_t *ret_count)
{
	struct volume_spec *volumes;
	size_t count = 0;
	bool is_good = true;

	if (!is_list(im, node, field, "[\"data:/var/lib/data\"]"))
		return false;
	volumes = arena_take_array(im->arena, node->count, sizeof(*volumes));
	for (const struct node *item = node->first; item != NULL; item = item->next) {
		struct volume_spec volume;

		if (!volume_read(im, item, field, &volume)) {
			is_good = false;
		} else if (has_target(volumes, count, volume.target)) {
			import_fault(im, item,
			    "'%s': something is mounted on '%.120s' already", field->key,
			    volume.target);
			is_good = false;
		} else {
			volumes[count++] = volume;
		}
	}
	*ret_volumes = volumes;
	*ret_count = count;
	return is_good;
}
