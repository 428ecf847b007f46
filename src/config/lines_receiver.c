/* lines_receiver.c - receivers of notifications as lines, and whom somebody tells. */
#include <string.h>

#include "config/lines_inside.h"

static void
put_if_given(struct walk *w, const char *key, const char *value)
{
	if (value[0] != '\0')
		walk_put_text(w, key, value);
}

static void
put_events(struct walk *w, uint32_t events)
{
	struct strings *names;

	if (events == NOTICES_USUAL)
		return;
	names = arena_take(w->sink->arena, sizeof(*names));
	names->items = arena_take_array(w->sink->arena, NOTICE_COUNT, sizeof(*names->items));
	for (int i = 0; i < NOTICE_COUNT; i++)
		if (events >> i & 1u)
			names->items[names->count++] = notice_names[i];
	walk_put_list(w, "events", names);
}

void
lines_of_receiver(const struct config_receiver *r, const struct line_sink *sink)
{
	struct walk w;

	walk_begin(&w, sink);
	walk_put_plain(&w, "kind", receiver_traits[r->kind].name);
	put_if_given(&w, "url", r->url);
	put_if_given(&w, "url_file", r->url_file);
	put_if_given(&w, "url_env", r->url_env);
	put_if_given(&w, "secret_name", r->secret_name);
	put_if_given(&w, "secret_file", r->secret_file);
	put_if_given(&w, "secret_env", r->secret_env);
	put_events(&w, r->events);
	put_if_given(&w, "ca_file", r->ca_file);
	if (r->is_insecure)
		walk_put_plain(&w, "insecure", "true");
	put_if_given(&w, "from", r->from);
	if (r->to.count > 0)
		walk_put_list(&w, "to", &r->to);
	put_if_given(&w, "username", r->username);
	walk_end(&w);
}

/* An empty list says something: nobody. */
void
lines_of_notify(const struct strings *receivers, const struct line_sink *sink)
{
	struct walk w;

	walk_begin(&w, sink);
	if (receivers->count == 0)
		walk_put_plain(&w, "notify", "[]");
	else
		walk_put_list(&w, "notify", receivers);
	walk_end(&w);
}
