/* sse.c - see sse.h. The rules are those of the HTML standard's event streams; lines end with LF, CR
 * or both. */
#include "cli/sse.h"

#include <string.h>

#include "base/limits.h"

void
sse_init(struct sse *sse)
{
	*sse = (struct sse){ 0 };
	buf_init(&sse->line, CLI_EVENT_MAX);
	buf_init(&sse->data, CLI_EVENT_MAX);
}

void
sse_free(struct sse *sse)
{
	buf_free(&sse->line);
	buf_free(&sse->data);
}

static void
forget_event(struct sse *sse)
{
	buf_clear(&sse->data);
	sse->has_data = false;
	sse->name[0] = '\0';
}

void
sse_restart(struct sse *sse)
{
	buf_clear(&sse->line);
	forget_event(sse);
	sse->skips_newline = false;
	memcpy(sse->next_id, sse->last_id, sizeof(sse->next_id));
}

static bool
dispatch(struct sse *sse, sse_event_fn *on_event, void *context)
{
	struct sse_event event = { sse->name[0] == '\0' ? "message" : sse->name,
		buf_view(&sse->data) };
	bool goes_on = true;

	memcpy(sse->last_id, sse->next_id, sizeof(sse->last_id));
	if (sse->has_data)
		goes_on = on_event(context, &event);
	forget_event(sse);
	return goes_on;
}

static void
take_field(struct sse *sse, struct str line)
{
	struct str name;
	struct str value = str_cut(line, ':', &name);

	if (str_starts(value, " "))
		value = (struct str){ value.p + 1, value.n - 1 };
	if (str_is(name, "data")) {
		if (sse->has_data)
			buf_char(&sse->data, '\n');
		buf_str(&sse->data, value);
		sse->has_data = true;
	} else if (str_is(name, "event")) {
		/* A name too long for us is none that we know. */
		if (!str_copy(sse->name, sizeof(sse->name), value))
			memcpy(sse->name, "unknown", sizeof("unknown"));
	} else if (str_is(name, "id") && value.n < sizeof(sse->next_id)) {
		(void)!str_copy(sse->next_id, sizeof(sse->next_id), value);
	}
}

static bool
end_line(struct sse *sse, sse_event_fn *on_event, void *context)
{
	bool goes_on = true;

	if (sse->line.overflow || sse->data.overflow)
		return false;
	if (sse->line.n == 0)
		goes_on = dispatch(sse, on_event, context);
	else if (sse->line.p[0] != ':')
		take_field(sse, buf_view(&sse->line));
	buf_clear(&sse->line);
	return goes_on;
}

bool
sse_feed(struct sse *sse, struct str bytes, sse_event_fn *on_event, void *context)
{
	for (size_t i = 0; i < bytes.n; i++) {
		char c = bytes.p[i];
		bool skips = sse->skips_newline && c == '\n';

		sse->skips_newline = c == '\r';
		if (skips)
			continue;
		if (c != '\n' && c != '\r')
			buf_char(&sse->line, c);
		else if (!end_line(sse, on_event, context))
			return false;
	}
	return !sse->line.overflow;
}
