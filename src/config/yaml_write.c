/* yaml_write.c - see yaml_write.h: the file as a whole, from its lines (lines.h). */
#include "config/yaml_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "config/lines.h"

enum { WRITE_ARENA_SIZE = 16 << 10 };

struct writer {
	struct buf *to;
	struct arena *arena;
	int indent; /* of what is being written */
	const char *above[LINE_DEPTH_MAX]; /* keys that the last line stood under */
	size_t above_count;
};

static void
put_indent(struct writer *w, size_t deeper)
{
	for (size_t i = 0; i < (size_t)w->indent + deeper; i++)
		buf_text(w->to, "  ");
}

static void
put_key(struct writer *w, size_t deeper, const char *key)
{
	put_indent(w, deeper);
	yaml_write_scalar(w->to, str_of(key));
	buf_char(w->to, ':');
}

/* The keys above it that the line before did not have. */
static void
put_above(struct writer *w, const struct config_line *line)
{
	size_t depth = line->depth - 1;
	size_t same = 0;

	while (same < depth && same < w->above_count
	       && strcmp(line->path[same], w->above[same]) == 0)
		same++;
	for (; same < depth; same++) {
		put_key(w, same, line->path[same]);
		buf_char(w->to, '\n');
	}
	memcpy(w->above, line->path, sizeof(w->above));
	w->above_count = depth;
}

static void
put_line(void *context, const struct config_line *line)
{
	struct writer *w = context;

	put_above(w, line);
	put_key(w, line->depth - 1, line->path[line->depth - 1]);
	if (line->items == NULL) {
		buf_char(w->to, ' ');
		buf_str(w->to, line->value);
	}
	buf_char(w->to, '\n');
	for (size_t i = 0; line->items != NULL && i < line->items->count; i++) {
		put_indent(w, line->depth);
		buf_text(w->to, "- ");
		yaml_write_scalar(w->to, str_of(line->items->items[i]));
		buf_char(w->to, '\n');
	}
}

/* A key with a map behind it; whoever writes its lines goes one deeper. */
static struct line_sink
open_map(struct writer *w, const char *key)
{
	put_key(w, 0, key);
	buf_char(w->to, '\n');
	w->indent++;
	w->above_count = 0;
	return (struct line_sink){ w->arena, put_line, w };
}

static void
close_map(struct writer *w)
{
	w->indent--;
}

/* Engines, registries, proxies and projects all begin with their name. */
static int
name_order(const void *a, const void *b)
{
	return strcmp(**(const char *const *const *)a, **(const char *const *const *)b);
}

static const void **
in_order(struct writer *w, const void *items, size_t count, size_t size)
{
	const void **sorted = arena_take_array(w->arena, count, sizeof(*sorted));

	for (size_t i = 0; i < count; i++)
		sorted[i] = (const char *)items + i * size;
	if (count > 1)
		qsort(sorted, count, sizeof(*sorted), name_order);
	return sorted;
}

static void
put_engines(struct writer *w, const struct config_file *file)
{
	const void **sorted =
	    in_order(w, file->engines, file->engine_count, sizeof(*file->engines));

	if (file->engine_count > 0)
		open_map(w, "engines");
	for (size_t i = 0; i < file->engine_count; i++) {
		const struct config_engine *engine = sorted[i];
		struct line_sink sink = open_map(w, engine->name);

		lines_of_engine(engine, &sink);
		close_map(w);
	}
	if (file->engine_count > 0)
		close_map(w);
}

static void
put_registries(struct writer *w, const struct config_file *file)
{
	const void **sorted =
	    in_order(w, file->registries, file->registry_count, sizeof(*file->registries));

	if (file->registry_count > 0)
		open_map(w, "registries");
	for (size_t i = 0; i < file->registry_count; i++) {
		const struct config_registry *registry = sorted[i];
		struct line_sink sink = open_map(w, registry->host);

		lines_of_registry(registry, &sink);
		close_map(w);
	}
	if (file->registry_count > 0)
		close_map(w);
}

static void
put_proxies(struct writer *w, const struct config_file *file)
{
	const void **sorted =
	    in_order(w, file->proxies, file->proxy_count, sizeof(*file->proxies));

	if (file->proxy_count > 0)
		open_map(w, "proxies");
	for (size_t i = 0; i < file->proxy_count; i++) {
		const struct config_proxy *proxy = sorted[i];
		struct line_sink sink = open_map(w, proxy->name);

		lines_of_proxy(proxy, &sink);
		close_map(w);
	}
	if (file->proxy_count > 0)
		close_map(w);
}

static void
put_receivers(struct writer *w, const struct config_file *file)
{
	const void **sorted =
	    in_order(w, file->receivers, file->receiver_count, sizeof(*file->receivers));

	if (file->receiver_count > 0)
		open_map(w, "receivers");
	for (size_t i = 0; i < file->receiver_count; i++) {
		const struct config_receiver *receiver = sorted[i];
		struct line_sink sink = open_map(w, receiver->name);

		lines_of_receiver(receiver, &sink);
		close_map(w);
	}
	if (file->receiver_count > 0)
		close_map(w);
}

static void
put_notify(
    struct writer *w, const struct config_file *file, const char *project, const char *stage)
{
	const struct config_notify *notify = config_notify_find(file, project, stage);
	struct line_sink sink = { w->arena, put_line, w };

	w->above_count = 0;
	if (notify != NULL)
		lines_of_notify(&notify->receivers, &sink);
}

/* Nothing when it says nothing. */
static void
put_webhook(struct writer *w, const struct config_webhook *webhook)
{
	struct line_sink sink;

	if (webhook->secret_file[0] == '\0' && webhook->secret_env[0] == '\0')
		return;
	sink = open_map(w, "webhook");
	lines_of_webhook(webhook, &sink);
	close_map(w);
}

static int
stage_order(const void *a, const void *b)
{
	const struct stage_spec *const *x = a;
	const struct stage_spec *const *y = b;

	return strcmp((*x)->stage, (*y)->stage);
}

static void
put_stages(struct writer *w, const struct config_file *file,
    const struct config_project *project, const struct shared_spec *shared)
{
	const struct stage_spec **sorted =
	    arena_take_array(w->arena, project->stage_count, sizeof(*sorted));

	for (size_t i = 0; i < project->stage_count; i++)
		sorted[i] = &project->stages[i];
	qsort(sorted, project->stage_count, sizeof(*sorted), stage_order);
	open_map(w, "stages");
	for (size_t i = 0; i < project->stage_count; i++) {
		struct line_sink sink = open_map(w, sorted[i]->stage);

		lines_of_stage(sorted[i], shared, &sink);
		put_notify(w, file, project->name, sorted[i]->stage);
		close_map(w);
	}
	close_map(w);
}

static void
put_project(
    struct writer *w, const struct config_file *file, const struct config_project *project)
{
	struct shared_spec *shared = arena_take(w->arena, sizeof(*shared));
	bool has_shared = project->stage_count > 1;
	struct line_sink sink = open_map(w, project->name);

	if (has_shared) {
		shared_find(project->stages, project->stage_count, w->arena, shared);
		lines_of_shared(shared, &sink);
	}
	put_webhook(w, &project->webhook);
	put_notify(w, file, project->name, "");
	put_stages(w, file, project, has_shared ? shared : NULL);
	close_map(w);
}

static void
put_projects(struct writer *w, const struct config_file *file, const char *only)
{
	const void **sorted =
	    in_order(w, file->projects, file->project_count, sizeof(*file->projects));

	if (file->project_count == 0) {
		buf_text(w->to, "projects: {}\n");
		return;
	}
	open_map(w, "projects");
	for (size_t i = 0; i < file->project_count; i++) {
		const struct config_project *project = sorted[i];

		if (only == NULL || strcmp(only, project->name) == 0)
			put_project(w, file, project);
	}
	close_map(w);
}

void
config_file_write(const struct config_file *file, const char *project, struct buf *to)
{
	struct writer w = { .to = to, .arena = arena_new(WRITE_ARENA_SIZE) };

	buf_text(to, "version: 1\n");
	put_engines(&w, file);
	put_registries(&w, file);
	put_proxies(&w, file);
	put_receivers(&w, file);
	put_notify(&w, file, "", "");
	put_webhook(&w, &file->webhook);
	put_projects(&w, file, project);
	CHECK(w.indent == 0);
	arena_free(w.arena);
}
