/* yaml.h - one YAML (or JSON) document as a tree of nodes that know their place (libyaml behind it).
 *
 * The one idea: only what cannot surprise. Anchors, aliases, merge keys, tags, duplicate keys and
 * more than one document are refused; depth, nodes and sizes are bounded; whether a scalar was
 * quoted is kept, so that "1" is a text and 1 a number. */
#ifndef SLIPWAY_CONFIG_YAML_H
#define SLIPWAY_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "config/problems.h"

struct arena;

enum node_kind {
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP,
	NODE_REFUSED, /* a fault is told already: say no more about it */
};

struct node {
	enum node_kind kind;
	bool is_plain; /* a scalar without quotes */
	int line;
	int column;
	struct str text; /* of a scalar; no NUL inside, one behind */
	struct node *first; /* members of a list or map, in order */
	struct node *next; /* in the list or map that this is a member of */
	size_t count; /* members */
	struct str key; /* of a member of a map; ended by NUL */
	int key_line;
	int key_column;
};

/* What a scalar is, by YAML's core schema; quoted ones are always text. */
enum scalar_type { SCALAR_TEXT, SCALAR_NULL, SCALAR_BOOL, SCALAR_INTEGER, SCALAR_REAL };
enum scalar_type node_scalar_type(const struct node *scalar);

/* Parses the one document of text. Faults go to problems; NULL when there is no tree to look at
 * (broken syntax, an empty document). The tree and its texts live in the arena. */
struct node *
yaml_tree_parse(struct arena *arena, struct str text, struct config_problems *faults);

/* Tells each key that its map has already, and marks the later one as refused. */
void node_refuse_duplicates(
    struct arena *arena, const struct node *map, struct config_problems *faults);

/* Member of a map by key; NULL: no such key. */
const struct node *node_get(const struct node *map, const char *key);

#endif
