/* value_list.c - lists of texts, and volumes. */
#include "config/import.h"

#include <inttypes.h>
#include <string.h>

#include "config/paths.h"
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

/* "ro", "rw", "isolated", "shared", or some of them with commas. */
static bool
volume_modes(struct str modes, struct volume_spec *volume)
{
	while (modes.n > 0) {
		struct str mode;

		modes = str_cut(modes, ',', &mode);
		if (str_is(mode, "ro"))
			volume->read_only = true;
		else if (str_is(mode, "isolated"))
			volume->is_isolated = true;
		else if (str_is(mode, "shared"))
			volume->is_shared = true;
		else if (!str_is(mode, "rw"))
			return false;
	}
	return true;
}

/* "source:target", "source:target:ro" and the like taken apart; words of what is wrong, or NULL. */
static const char *
volume_parse(struct import *im, struct str text, struct volume_spec *volume)
{
	struct str source;
	struct str target;
	struct str mode = str_cut(str_cut(text, ':', &source), ':', &target);
	const char *trouble;

	if (target.n == 0 || memchr(mode.p, ':', mode.n) != NULL)
		return "must be source:target or source:target:ro";
	*volume = (struct volume_spec){
		.source = arena_text(im->arena, source),
		.target = arena_text(im->arena, target),
	};
	if (mode.n == 0 ? text.p[text.n - 1] == ':' : !volume_modes(mode, volume))
		return "must end with the target, or with :ro, :rw, :isolated or :shared "
		       "behind it";
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

/* What exposes an engine is decided by its own setting, whatever folder it lies in. */
static bool
path_may_be_mounted(
    struct import *im, const struct node *item, const struct field *field, const char *path)
{
	const struct config_rules *rules = im->rules;

	if (exposes_engine(im, path)) {
		if (!rules->allows_docker_socket)
			import_fault(im, item,
			    "'%s': '%.120s' gives the container the socket of a container "
			    "engine, "
			    "and with it root on the host; if that is meant, start Slipway "
			    "with "
			    "SLIPWAY_ALLOW_DOCKER_SOCKET=on",
			    field->key, item->text.p);
		return rules->allows_docker_socket;
	}
	if (rules->volume_paths == NULL || paths_hold(rules->volume_paths, path))
		return true;
	import_fault(im, item,
	    "'%s': '%.120s' lies in no folder of this host that stages may mount: the "
	    "server's "
	    "owner names them in SLIPWAY_ALLOW_VOLUME_PATHS (%.120s)",
	    field->key, path,
	    rules->volume_paths[0] == '\0' ? "none now" : rules->volume_paths);
	return false;
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
	return volume->source[0] != '/'
	       || path_may_be_mounted(im, item, field, volume->source);
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
