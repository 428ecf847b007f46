/* diff.c - see diff.h. Both sides are taken apart into lines (lines.h); those of one key are
 * compared. */
#include "config/diff.h"

#include <string.h>

#include "config/lines.h"
#include "config/yaml_write.h"

enum { TEXT_BYTES_MAX = 2 << 20 }; /* a list of LIST_MAX texts, each quoted */

struct said {
	const char *key;
	const char *value;
	struct said *next;
};

struct side {
	struct arena *arena;
	struct said *first;
	struct said *last;
	size_t count;
};

static const char *
join_path(struct arena *arena, const struct config_line *line)
{
	struct buf text;
	const char *key;

	buf_init(&text, TEXT_BYTES_MAX);
	for (size_t i = 0; i < line->depth; i++)
		buf_format(&text, "%s%s", i == 0 ? "" : ".", line->path[i]);
	key = arena_text(arena, buf_view(&text));
	buf_free(&text);
	return key;
}

static const char *
join_items(struct arena *arena, const struct strings *items)
{
	struct buf text;
	const char *value;

	buf_init(&text, TEXT_BYTES_MAX);
	buf_char(&text, '[');
	for (size_t i = 0; i < items->count; i++) {
		buf_text(&text, i == 0 ? "" : ", ");
		yaml_write_scalar(&text, str_of(items->items[i]));
	}
	buf_char(&text, ']');
	value = arena_text(arena, buf_view(&text));
	buf_free(&text);
	return value;
}

static void
keep(void *context, const struct config_line *line)
{
	struct side *side = context;
	struct said *said = arena_take(side->arena, sizeof(*said));

	said->key = join_path(side->arena, line);
	said->value =
	    line->items == NULL ? line->value.p : join_items(side->arena, line->items);
	if (side->last == NULL)
		side->first = said;
	else
		side->last->next = said;
	side->last = said;
	side->count++;
}

static const char *
find(const struct side *side, const char *key)
{
	for (const struct said *said = side->first; said != NULL; said = said->next)
		if (strcmp(said->key, key) == 0)
			return said->value;
	return NULL;
}

/* In the order of the keys; what is only new behind the rest. */
static struct config_changes
compare(const struct side *from, const struct side *to)
{
	struct config_changes changes = { arena_take_array(from->arena,
					      from->count + to->count, sizeof(*changes.items)),
		0 };

	for (const struct said *said = from->first; said != NULL; said = said->next) {
		const char *now = find(to, said->key);

		if (now == NULL || strcmp(now, said->value) != 0)
			changes.items[changes.count++] =
			    (struct config_change){ said->key, said->value, now };
	}
	for (const struct said *said = to->first; said != NULL; said = said->next)
		if (find(from, said->key) == NULL)
			changes.items[changes.count++] =
			    (struct config_change){ said->key, NULL, said->value };
	return changes;
}

#define DIFF(name, type, lines_of)                                                   \
	struct config_changes name(                                                  \
	    const struct type *from, const struct type *to, struct arena *arena)     \
	{                                                                            \
		struct side before = { .arena = arena };                             \
		struct side after = { .arena = arena };                              \
                                                                                     \
		if (from != NULL)                                                    \
			lines_of(from, &(struct line_sink){ arena, keep, &before }); \
		if (to != NULL)                                                      \
			lines_of(to, &(struct line_sink){ arena, keep, &after });    \
		return compare(&before, &after);                                     \
	}

static void
lines_of_whole_stage(const struct stage_spec *spec, const struct line_sink *sink)
{
	lines_of_stage(spec, NULL, sink);
}

DIFF(diff_engines, config_engine, lines_of_engine)
DIFF(diff_registries, config_registry, lines_of_registry)
DIFF(diff_proxies, config_proxy, lines_of_proxy)
DIFF(diff_receivers, config_receiver, lines_of_receiver)
DIFF(diff_notify, strings, lines_of_notify)
DIFF(diff_webhooks, config_webhook, lines_of_webhook)
DIFF(diff_stages, stage_spec, lines_of_whole_stage)
