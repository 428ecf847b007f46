/* yaml.c - libyaml's events become a tree; the only file that includes its header.
 *
 * The stack of open lists and maps is an array, so depth is bounded and nothing recurses. A fault in
 * what a key or value says is told and passed over; only broken syntax and exceeded bounds end the
 * reading. Values under a refused key are built but hung up nowhere. */
#include "config/yaml.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/err.h"

#define STANDARD_TAG "tag:yaml.org,2002:" /* what libyaml makes of !! */

struct level {
	struct node *node;
	struct node *last; /* member; NULL: none yet */
	bool has_key; /* of a map: the next node is a value */
	bool key_is_refused;
	bool is_merge; /* that key is << */
	struct str key;
	int key_line;
	int key_column;
};

struct builder {
	struct arena *arena;
	struct config_problems *faults;
	struct level stack[CONFIG_DEPTH_MAX];
	size_t depth;
	size_t nodes;
	size_t documents;
	struct node *root;
	bool is_over; /* the stream ended */
	bool is_broken; /* stop: no tree */
};

static int
place(size_t from_zero)
{
	return from_zero < INT_MAX ? (int)from_zero + 1 : INT_MAX;
}

static void PRINTF_LIKE(3, 4)
    fault(struct builder *b, const yaml_mark_t *mark, const char *format, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	problems_add(b->faults, place(mark->line), place(mark->column), "%s", text);
}

static struct level *
top(struct builder *b)
{
	return b->depth == 0 ? NULL : &b->stack[b->depth - 1];
}

static bool
wants_key(struct builder *b)
{
	return b->depth > 0 && top(b)->node->kind == NODE_MAP && !top(b)->has_key;
}

/* A new node, hung into the list, map or root that is open. */
static struct node *
node_new(struct builder *b, const yaml_event_t *event, enum node_kind kind)
{
	struct level *level = top(b);
	struct node *node = arena_take(b->arena, sizeof(*node));

	node->kind = kind;
	node->line = place(event->start_mark.line);
	node->column = place(event->start_mark.column);
	if (level == NULL) {
		b->root = node;
		return node;
	}
	if (level->node->kind == NODE_MAP) {
		node->key = level->key;
		node->key_line = level->key_line;
		node->key_column = level->key_column;
		level->has_key = false;
		if (level->key_is_refused)
			return node;
	}
	if (level->last == NULL)
		level->node->first = node;
	else
		level->last->next = node;
	level->last = node;
	level->node->count++;
	return node;
}

/* True when one more node may be; each event of a key or value comes by here. */
static bool
count_node(struct builder *b, const yaml_event_t *event)
{
	if (++b->nodes <= CONFIG_NODES_MAX)
		return true;
	fault(b, &event->start_mark, "more than %d values in one file", CONFIG_NODES_MAX);
	b->is_broken = true;
	return false;
}

static void
refuse_decoration(struct builder *b, const yaml_event_t *event, const yaml_char_t *anchor,
    const yaml_char_t *tag)
{
	size_t prefix_length = strlen(STANDARD_TAG);
	bool is_standard =
	    tag != NULL && strncmp((const char *)tag, STANDARD_TAG, prefix_length) == 0;

	if (anchor != NULL)
		fault(b, &event->start_mark,
		    "anchor '&%.40s': anchors are not supported; what several stages share "
		    "belongs to their project, and every stage inherits it",
		    (const char *)anchor);
	if (tag != NULL)
		fault(b, &event->start_mark,
		    "tag '%s%.40s': tags are not supported; put a value in quotes to make it "
		    "text",
		    is_standard ? "!!" : "",
		    (const char *)tag + (is_standard ? prefix_length : 0));
}

/* Words for a scalar that must not be, or NULL. */
static const char *
scalar_trouble(const yaml_event_t *event)
{
	if (memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL)
		return "a NUL character inside a text: no program could be given it";
	if (event->data.scalar.length >= VALUE_SIZE)
		return "a text longer than 8,191 bytes: put it into a file and mount that";
	return NULL;
}

static struct str
scalar_text(struct builder *b, const yaml_event_t *event)
{
	struct str text = { (const char *)event->data.scalar.value,
		event->data.scalar.length };

	text.p = arena_text(b->arena, text);
	return text;
}

static bool
is_plain(const yaml_event_t *event)
{
	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static void
begin_key(struct builder *b, const yaml_event_t *event, bool is_refused)
{
	struct level *level = top(b);

	level->has_key = true;
	level->key_is_refused = is_refused;
	level->is_merge = false;
	level->key = (struct str){ "", 0 };
	level->key_line = place(event->start_mark.line);
	level->key_column = place(event->start_mark.column);
}

static void
add_key(struct builder *b, const yaml_event_t *event)
{
	const char *trouble = scalar_trouble(event);
	struct str text = { (const char *)event->data.scalar.value,
		event->data.scalar.length };

	refuse_decoration(b, event, event->data.scalar.anchor, event->data.scalar.tag);
	begin_key(b, event, trouble != NULL);
	if (trouble != NULL) {
		fault(b, &event->start_mark, "%s", trouble);
	} else if (is_plain(event) && str_is(text, "<<")) {
		top(b)->key_is_refused = true;
		top(b)->is_merge = true;
		fault(b, &event->start_mark,
		    "merge key '<<': merge keys are not supported; what several stages share "
		    "belongs to their project, and every stage inherits it");
	} else {
		top(b)->key = scalar_text(b, event);
	}
}

static void
add_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *trouble = scalar_trouble(event);
	struct node *node;

	if (!count_node(b, event))
		return;
	if (wants_key(b)) {
		add_key(b, event);
		return;
	}
	refuse_decoration(b, event, event->data.scalar.anchor, event->data.scalar.tag);
	node = node_new(b, event, trouble == NULL ? NODE_SCALAR : NODE_REFUSED);
	node->is_plain = is_plain(event);
	if (trouble == NULL)
		node->text = scalar_text(b, event);
	else
		fault(b, &event->start_mark, "%s", trouble);
}

static void
add_alias(struct builder *b, const yaml_event_t *event)
{
	bool is_told = b->depth > 0 && top(b)->has_key && top(b)->is_merge;

	if (!count_node(b, event))
		return;
	if (!is_told)
		fault(b, &event->start_mark,
		    "alias '*%.40s': aliases are not supported; write the value out (and put "
		    "quotes around a text that begins with '*')",
		    (const char *)event->data.alias.anchor);
	if (wants_key(b))
		begin_key(b, event, true);
	else
		node_new(b, event, NODE_REFUSED);
}

static void
open_node(struct builder *b, const yaml_event_t *event, enum node_kind kind)
{
	struct node *node;

	if (!count_node(b, event))
		return;
	if (b->depth == CONFIG_DEPTH_MAX) {
		fault(b, &event->start_mark, "nested deeper than %d levels", CONFIG_DEPTH_MAX);
		b->is_broken = true;
		return;
	}
	if (wants_key(b)) {
		fault(
		    b, &event->start_mark, "a key must be a plain text, not a list or a map");
		begin_key(b, event, true);
		node = arena_take(b->arena, sizeof(*node));
		node->kind = kind;
	} else {
		node = node_new(b, event, kind);
	}
	b->stack[b->depth++] = (struct level){ .node = node };
}

static void
close_node(struct builder *b)
{
	struct level *level = top(b);

	CHECK(level != NULL);
	if (level->node->kind == NODE_MAP)
		node_refuse_duplicates(b->arena, level->node, b->faults);
	b->depth--;
}

static void
begin_document(struct builder *b, const yaml_event_t *event)
{
	if (++b->documents == 1)
		return;
	fault(b, &event->start_mark,
	    "a second document: one file holds one, so remove the '---' "
	    "and what follows, or make it a file of its own");
	b->is_over = true;
}

static void
take_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	case YAML_STREAM_END_EVENT:
		b->is_over = true;
		break;
	case YAML_DOCUMENT_START_EVENT:
		begin_document(b, event);
		break;
	case YAML_ALIAS_EVENT:
		add_alias(b, event);
		break;
	case YAML_SCALAR_EVENT:
		add_scalar(b, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		refuse_decoration(b, event, event->data.sequence_start.anchor,
		    event->data.sequence_start.tag);
		open_node(b, event, NODE_LIST);
		break;
	case YAML_MAPPING_START_EVENT:
		refuse_decoration(
		    b, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
		open_node(b, event, NODE_MAP);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_node(b);
		break;
	}
}

/* Where the byte at offset stands: libyaml tells of a bad byte only by its offset. */
static yaml_mark_t
mark_of(struct str text, size_t offset)
{
	yaml_mark_t mark = { 0 };

	for (size_t i = 0; i < text.n && i < offset; i++) {
		if (text.p[i] == '\n') {
			mark.line++;
			mark.column = 0;
		} else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
			mark.column++;
		}
	}
	return mark;
}

/* A tab among the blanks that begin the line: the usual cause of an unclear message. */
static bool
line_begins_with_tab(struct str text, size_t line)
{
	struct str row = { "", 0 };

	for (size_t i = 0; i <= line; i++)
		text = str_cut(text, '\n', &row);
	for (size_t i = 0; i < row.n && (row.p[i] == ' ' || row.p[i] == '\t'); i++)
		if (row.p[i] == '\t')
			return true;
	return false;
}

static void
tell_syntax(struct builder *b, struct str text, const yaml_parser_t *parser)
{
	const char *problem = parser->problem == NULL ? "cannot be read" : parser->problem;
	yaml_mark_t mark;

	CHECK(parser->error != YAML_MEMORY_ERROR);
	b->is_broken = true;
	if (parser->error == YAML_READER_ERROR) {
		mark = mark_of(text, parser->problem_offset);
		fault(b, &mark, "this is no plain UTF-8 text: %s", problem);
		return;
	}
	mark = parser->problem_mark;
	if (line_begins_with_tab(text, mark.line))
		fault(b, &mark, "broken YAML: indent with spaces, never with tabs");
	else if (strstr(problem, "Unicode character escape") != NULL)
		fault(b, &mark, "broken YAML: %s: write the character itself, not its number",
		    problem);
	else if (parser->context != NULL && parser->context_mark.line != mark.line)
		fault(b, &mark, "broken YAML: %s, %s that begins on line %d", problem,
		    parser->context, place(parser->context_mark.line));
	else
		fault(b, &mark, "broken YAML: %s", problem);
}

static void
run(struct builder *b, struct str text)
{
	yaml_parser_t parser;

	CHECK(yaml_parser_initialize(&parser) == 1);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
	while (!b->is_over && !b->is_broken) {
		yaml_event_t event;

		if (yaml_parser_parse(&parser, &event) == 0) {
			tell_syntax(b, text, &parser);
			break;
		}
		take_event(b, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

struct node *
yaml_tree_parse(struct arena *arena, struct str text, struct config_problems *faults)
{
	struct builder b = { .arena = arena, .faults = faults };

	if (text.n > CONFIG_BYTES_MAX) {
		problems_add(faults, 0, 0, "larger than %d bytes", CONFIG_BYTES_MAX);
		return NULL;
	}
	if (str_starts(text, "\xef\xbb\xbf")) /* a byte order mark says nothing about UTF-8 */
		text = (struct str){ text.p + 3, text.n - 3 };
	run(&b, text);
	if (b.is_broken)
		return NULL;
	if (b.root == NULL)
		problems_add(faults, 0, 0,
		    "nothing in it: slipway.example.yml shows what belongs here");
	return b.root;
}
