/* export.c - see export.h. */
#include "serve/export.h"

#include <string.h>

#include <inttypes.h>

#include "base/limits.h"
#include "config/yaml_write.h"
#include "store/catalog.h"

enum { EXPORT_ARENA_SIZE = 64 << 10 };

struct config_engine
export_engine(const struct engine_config *e)
{
	return (struct config_engine){ .name = e->name,
		.host = e->host,
		.ca_file = e->ca_file,
		.cert_file = e->cert_file,
		.key_file = e->key_file,
		.network = e->network,
		.is_published = e->is_published,
		.publish_address = e->publish_address };
}

struct config_registry
export_registry(const struct registry_config *r)
{
	bool is_told = r->kind == registry_kind_of(r->host);

	return (struct config_registry){ .host = r->host,
		.kind = is_told ? "" : registry_kind_names[r->kind],
		.is_insecure = r->is_insecure,
		.ca_file = r->ca_file,
		.username = r->username,
		.password_file = r->password_file,
		.password_env = r->password_env,
		.token_url = r->token_url };
}

struct config_proxy
export_proxy(const struct proxy_config *p)
{
#define TEXT(text) .text = p->text,
	return (struct config_proxy){ .name = p->name,
		.kind = p->kind,
		.is_direct = p->is_direct,
		.mends = p->mends,
		PROXY_TEXTS(TEXT) };
#undef TEXT
}

struct strings
export_names(const char *names, struct arena *arena)
{
	struct strings list = { .count = 0 };
	struct str rest = str_of(names);

	list.items = arena_take_array(arena, RECIPIENTS_MAX, sizeof(*list.items));
	while (rest.n > 0) {
		struct str one;

		rest = str_cut(rest, ' ', &one);
		CHECK(list.count < RECIPIENTS_MAX);
		list.items[list.count++] = arena_text(arena, one);
	}
	return list;
}
_Static_assert(RECIPIENTS_MAX >= NOTIFY_NAMES_MAX, "both kinds of lists fit");

struct config_receiver
export_receiver(const struct receiver_config *r, struct arena *arena)
{
	return (struct config_receiver){ .name = r->name,
		.kind = r->kind,
		.events = r->events,
		.is_insecure = r->is_insecure,
		.url = r->url,
		.url_file = r->url_file,
		.url_env = r->url_env,
		.secret_name = r->secret_name,
		.secret_file = r->secret_file,
		.secret_env = r->secret_env,
		.ca_file = r->ca_file,
		.from = r->sender,
		.username = r->username,
		.to = export_names(r->recipients, arena) };
}

static void
view_notify(const struct catalog *catalog, const char *project, const char *stage,
    struct config_file *file, struct arena *arena)
{
	const char *names = catalog_notify_rule(catalog, project, stage);
	struct config_notify *notify;

	if (names == NULL)
		return;
	notify = arena_take(arena, sizeof(*notify));
	*notify =
	    (struct config_notify){ project, stage, export_names(names, arena), file->notify };
	file->notify = notify;
}

static void
view_receivers(const struct catalog *catalog, struct config_file *file, struct arena *arena)
{
	file->receiver_count = catalog_receiver_count(catalog);
	file->receivers =
	    arena_take_array(arena, file->receiver_count, sizeof(*file->receivers));
	for (size_t i = 0; i < file->receiver_count; i++)
		file->receivers[i] = export_receiver(catalog_receiver_at(catalog, i), arena);
	view_notify(catalog, "", "", file, arena);
}

struct config_webhook
export_webhook(const struct webhook_rules *rules)
{
	return (struct config_webhook){ .secret_file = rules->secret_file,
		.secret_env = rules->secret_env,
		.takes_unsigned = rules->takes_unsigned };
}

static void
view_hosts(const struct catalog *catalog, struct config_file *file, struct arena *arena)
{
	size_t count = catalog_engine_count(catalog);

	file->engine_count = count == 0 ? 1 : count;
	file->engines = arena_take_array(arena, count + 1, sizeof(*file->engines));
	file->engines[0] = config_engine_local;
	for (size_t i = 0; i < count; i++)
		file->engines[i] = export_engine(catalog_engine_at(catalog, i));
	file->registry_count = catalog_registry_count(catalog);
	file->registries =
	    arena_take_array(arena, file->registry_count, sizeof(*file->registries));
	for (size_t i = 0; i < file->registry_count; i++)
		file->registries[i] = export_registry(catalog_registry_at(catalog, i));
	file->proxy_count = catalog_proxy_count(catalog);
	file->proxies = arena_take_array(arena, file->proxy_count, sizeof(*file->proxies));
	for (size_t i = 0; i < file->proxy_count; i++)
		file->proxies[i] = export_proxy(catalog_proxy_at(catalog, i));
	view_receivers(catalog, file, arena);
	file->webhook = export_webhook(&catalog_everyone(catalog)->rules);
}

static void
view_projects(const struct catalog *catalog, struct config_file *file, struct arena *arena)
{
	size_t count = catalog_project_count(catalog);

	file->projects = arena_take_array(arena, count, sizeof(*file->projects));
	for (size_t i = 0; i < count; i++) {
		const struct project_entry *entry = catalog_project_at(catalog, i);
		const char *name = entry->name;
		struct config_project project = { .name = name,
			.webhook = export_webhook(&entry->rules) };
		size_t first = catalog_stages_of(catalog, name, &project.stage_count);

		project.stages =
		    arena_take_array(arena, project.stage_count, sizeof(*project.stages));
		for (size_t k = 0; k < project.stage_count; k++)
			project.stages[k] = *catalog_stage_at(catalog, first + k)->spec;
		view_notify(catalog, name, "", file, arena);
		for (size_t k = 0; k < project.stage_count; k++)
			view_notify(catalog, name, project.stages[k].stage, file, arena);
		file->stage_count += project.stage_count;
		if (project.stage_count > 0)
			file->projects[file->project_count++] = project;
	}
}

struct config_file *
export_view(const struct catalog *catalog, struct arena *arena)
{
	struct config_file *file = arena_take(arena, sizeof(*file));

	view_hosts(catalog, file, arena);
	view_projects(catalog, file, arena);
	return file;
}

void
export_write_hosts(const struct catalog *catalog, struct buf *to)
{
	struct arena *arena = arena_new(EXPORT_ARENA_SIZE);
	struct config_file *view = export_view(catalog, arena);
	struct str end = STR("projects: {}\n");
	struct buf text;

	view->project_count = 0;
	buf_init(&text, to->max);
	config_file_write(view, NULL, &text);
	CHECK(!text.overflow && text.n > end.n);
	CHECK(memcmp(text.p + text.n - end.n, end.p, end.n) == 0);
	buf_add(to, text.p, text.n - end.n);
	buf_free(&text);
	arena_free(arena);
}

void
export_write(const struct catalog *catalog, const char *project, struct buf *to)
{
	struct arena *arena = arena_new(EXPORT_ARENA_SIZE);

	config_file_write(export_view(catalog, arena), project, to);
	arena_free(arena);
}

static void
tag_notify(
    const struct catalog *catalog, const char *project, const char *stage, struct buf *text)
{
	const char *names = catalog_notify_rule(catalog, project, stage);

	if (names != NULL)
		buf_format(text, "%s/%s %s\n", project, stage, names);
}

/* Revisions are never changed and never numbered twice, so of a stage its revision's id is enough. */
void
export_tag(const struct catalog *catalog, char tag[HASH_HEX_SIZE])
{
	struct arena *arena = arena_new(EXPORT_ARENA_SIZE);
	struct config_file *hosts = arena_take(arena, sizeof(*hosts));
	struct buf text;

	view_hosts(catalog, hosts, arena);
	buf_init(&text, EXPORT_TAG_BYTES_MAX);
	config_file_write(hosts, NULL, &text);
	for (size_t i = 0; i < catalog_project_count(catalog); i++) {
		const struct project_entry *project = catalog_project_at(catalog, i);

		buf_format(&text, "%" PRIu64 " %d %s %s\n", project->id,
		    project->rules.takes_unsigned, project->rules.secret_file,
		    project->rules.secret_env);
	}
	for (size_t i = 0; i < catalog_stage_count(catalog); i++) {
		const struct stage_entry *stage = catalog_stage_at(catalog, i);

		buf_format(&text, "%" PRIu64 " %" PRIu64 "\n", stage->id, stage->spec_id);
		tag_notify(catalog, stage->spec->project, stage->spec->stage, &text);
	}
	for (size_t i = 0; i < catalog_project_count(catalog); i++)
		tag_notify(catalog, catalog_project_at(catalog, i)->name, "", &text);
	CHECK(!text.overflow);
	hash_sha256_hex(buf_view(&text), tag);
	buf_free(&text);
	arena_free(arena);
}
