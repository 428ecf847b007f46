/* machines.c - the tables, drawn. Nothing is parsed: the drawing is linked with the tables that the
 * server steps, so the two cannot drift. */
#include "cli/machines.h"

#include <string.h>

#include "actors/fsm.h"
#include "base/json.h"
#include "cli/promela.h"

static void
write_set(
    struct buf *to, uint64_t set, const char *const *names, int count, const char *separator)
{
	const char *before = "";

	for (int i = 0; i < count; i++) {
		if (!(set >> i & 1u))
			continue;
		buf_format(to, "%s%s", before, names[i]);
		before = separator;
	}
}

static void
mermaid(const struct spec *s, struct buf *to)
{
	buf_format(to, "---\ntitle: %s\n---\nstateDiagram-v2\n", s->name);
	for (int state = 0; state < s->state_count; state++)
		if (s->initial >> state & 1u)
			buf_format(to, "  [*] --> %s\n", s->state_names[state]);
	for (int i = 0; i < s->row_count; i++) {
		const struct row *r = &s->rows[i];
		buf_format(
		    to, "  %s --> %s: ", s->state_names[r->in], s->state_names[r->then]);
		write_set(to, r->on, event_names, EV_COUNT, ", ");
		if (r->guard != always)
			buf_format(to, " [%s]", r->guard_name);
		if (r->emits != 0)
			buf_text(to, " / ");
		write_set(to, r->emits, effect_names, FX_COUNT, ", ");
		buf_char(to, '\n');
	}
	for (int state = 0; state < s->state_count; state++)
		if (fsm_is_final(s, state))
			buf_format(to, "  %s --> [*]\n", s->state_names[state]);
}

static void
dot(const struct spec *s, struct buf *to)
{
	buf_format(
	    to, "digraph %s {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n", s->name);
	for (int state = 0; state < s->state_count; state++)
		if (fsm_is_final(s, state))
			buf_format(to, "  %s [peripheries=2];\n", s->state_names[state]);
	for (int i = 0; i < s->row_count; i++) {
		const struct row *r = &s->rows[i];
		buf_format(to, "  %s -> %s [label=\"", s->state_names[r->in],
		    s->state_names[r->then]);
		write_set(to, r->on, event_names, EV_COUNT, "\\n");
		if (r->guard != always)
			buf_format(to, "\\n[%s]", r->guard_name);
		buf_text(to, "\"];\n");
	}
	buf_text(to, "}\n");
}

static void
json_set(
    struct json_writer *w, const char *key, uint64_t set, const char *const *names, int count)
{
	json_key(w, key);
	json_array_open(w);
	for (int i = 0; i < count; i++)
		if (set >> i & 1u)
			json_put_text(w, names[i]);
	json_array_close(w);
}

static void
json(const struct spec *s, struct json_writer *w)
{
	json_object_open(w);
	json_pair_text(w, "name", s->name);
	json_set(w, "states", STATE(s->state_count) - 1, s->state_names, s->state_count);
	json_set(w, "initial", s->initial, s->state_names, s->state_count);
	json_set(w, "final", s->final, s->state_names, s->state_count);
	json_set(w, "resting", s->resting, s->state_names, s->state_count);
	json_key(w, "rows");
	json_array_open(w);
	for (int i = 0; i < s->row_count; i++) {
		const struct row *r = &s->rows[i];
		json_object_open(w);
		json_pair_text(w, "in", s->state_names[r->in]);
		json_set(w, "on", r->on, event_names, EV_COUNT);
		json_pair_text(w, "guard", r->guard_name);
		json_pair_text(w, "action", r->action_name);
		json_set(w, "emits", r->emits, effect_names, FX_COUNT);
		json_pair_text(w, "then", s->state_names[r->then]);
		json_pair_bool(w, "quiet", r->is_quiet);
		json_object_close(w);
	}
	json_array_close(w);
	json_object_close(w);
}

bool
machines_write(const char *format, const char *name, struct buf *to)
{
	struct json_writer w;
	bool found = false;

	json_writer_init(&w, to);
	if (strcmp(format, "json") == 0)
		json_array_open(&w);
	if (strcmp(format, "promela") == 0)
		promela_write_names(to);
	for (int kind = 0; kind < ACTOR_KIND_COUNT; kind++) {
		const struct spec *s = fsm_spec_of((enum actor_kind)kind);
		if (name != NULL && strcmp(name, s->name) != 0)
			continue;
		found = true;
		if (strcmp(format, "mermaid") == 0)
			mermaid(s, to);
		else if (strcmp(format, "dot") == 0)
			dot(s, to);
		else if (strcmp(format, "promela") == 0)
			promela_write(s, to);
		else if (strcmp(format, "json") == 0)
			json(s, &w);
		else
			return false;
	}
	if (strcmp(format, "json") == 0) {
		json_array_close(&w);
		buf_char(to, '\n');
	}
	return found;
}
