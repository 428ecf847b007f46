/* file.c - the file as a whole: read it, look at its top level, hand the parts on. */
#include "config/file.h"

#include "base/file.h"
#include "config/import.h"

enum { FILE_ARENA_SIZE = 16 << 10 };

static void
check_version(struct import *im, const struct node *root)
{
	const struct node *node = node_get(root, "version");
	int version = 1;

	if (node == NULL)
		import_fault(im, root, "'version' is missing: begin the file with version: 1");
	else if (value_integer(im, node, "version", 0, 1000000, &version) && version != 1)
		import_fault(
		    im, node, "'version' is %d: this Slipway reads version 1", version);
}

/* An entry that no image uses is most likely a host name with a typing error. */
static void
warn_unused_registries(struct import *im, const struct node *map)
{
	const struct config_file *file = im->file;

	for (const struct node *m = map == NULL ? NULL : map->first; m != NULL; m = m->next) {
		bool is_used = false;

		for (size_t i = 0; i < file->project_count; i++)
			for (size_t k = 0; k < file->projects[i].stage_count; k++) {
				struct str host;

				str_cut(str_of(file->projects[i].stages[k].image), '/', &host);
				is_used = is_used || str_is(host, m->key.p);
			}
		if (!is_used && m->kind != NODE_REFUSED)
			import_warn(im, m,
			    "no image comes from registry '%.120s': names must agree to "
			    "the letter, with the port",
			    m->key.p);
	}
}

static void
import_root(struct import *im, const struct node *root)
{
	static const char *const known[] = { "version", "engines", "registries", "proxies",
		"receivers", "notify", "webhook", "projects", NULL };
	const struct node *projects;

	if (root->kind != NODE_MAP) {
		import_fault(
		    im, root, "the file must be a map with the keys version and projects");
		return;
	}
	keys_check(im, root, known);
	check_version(im, root);
	import_engines(im, node_get(root, "engines"));
	import_registries(im, node_get(root, "registries"));
	import_proxies(im, node_get(root, "proxies"));
	import_receivers(im, node_get(root, "receivers"));
	import_notify(im, node_get(root, "notify"), "", "");
	import_webhook(im, node_get(root, "webhook"), &im->file->webhook);
	projects = node_get(root, "projects");
	if (projects == NULL) {
		import_fault(im, root, "'projects' is missing: write projects: {} for none");
		return;
	}
	import_projects(im, projects);
	routes_check(im);
	warn_unused_registries(im, node_get(root, "registries"));
}

static void
forget_results(struct config_file *file)
{
	file->engine_count = 0;
	file->registry_count = 0;
	file->proxy_count = 0;
	file->receiver_count = 0;
	file->notify = NULL;
	file->project_count = 0;
	file->stage_count = 0;
}

struct config_file *
config_file_parse(struct str text, const struct config_rules *rules)
{
	static const struct config_rules none = { 0 };
	struct arena *arena = arena_new(FILE_ARENA_SIZE);
	struct config_file *file = arena_take(arena, sizeof(*file));
	struct import im = {
		.arena = arena, .file = file, .rules = rules == NULL ? &none : rules
	};
	const struct node *root;

	file->memory = arena;
	problems_init(&file->faults, arena);
	problems_init(&file->warnings, arena);
	buf_init(&im.json, CONFIG_SPEC_BYTES_MAX);
	root = yaml_tree_parse(arena, text, &file->faults);
	if (root != NULL)
		import_root(&im, root);
	buf_free(&im.json);
	problems_sort(&file->faults);
	problems_sort(&file->warnings);
	if (file->faults.count > 0)
		forget_results(file);
	return file;
}

struct config_file *
config_file_load(const char *path, const struct config_rules *rules, struct err *err)
{
	struct config_file *file = NULL;
	struct buf text;

	buf_init(&text, CONFIG_BYTES_MAX);
	if (file_read(path, &text, err) == 0)
		file = config_file_parse(buf_view(&text), rules);
	buf_free(&text);
	return file;
}

void
config_file_free(struct config_file *file)
{
	if (file != NULL)
		arena_free(file->memory); /* file itself lies in it */
}
