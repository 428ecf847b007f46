/* import.h - the parts that turn a tree of nodes into a struct config_file; for src/config alone.
 *
 * The one idea: readers tell each fault once, at the node, and answer false; the caller goes on with
 * the default. What depends on several keys is looked at afterwards, and only where each of those
 * keys was good. */
#ifndef SLIPWAY_CONFIG_IMPORT_H
#define SLIPWAY_CONFIG_IMPORT_H

#include "base/arena.h"
#include "config/fields.h"
#include "config/file.h"
#include "config/yaml.h"

/* One domain or TCP port of one stage, kept to find those given twice. */
struct route_claim {
	const char *domain; /* NULL: the port counts */
	int port;
	const char *project;
	const char *stage;
	const struct node *at;
	struct route_claim *next;
};

/* One 'promote_from' of the project being read. */
struct source_claim {
	const char *stage;
	const char *source;
	const struct node *at;
	struct source_claim *next;
};

struct import {
	struct arena *arena;
	struct config_file *file;
	const struct config_rules *rules;
	struct route_claim *claims;
	size_t claim_count;
	struct source_claim *sources;
	struct buf json; /* one stage as canonical JSON, to see that it is not too large */
	size_t json_total;
	bool has_bad_engines; /* a fault there: do not tell of names that are missing now */
	bool has_bad_proxies;
	bool has_bad_receivers;
};

/* A stage in the making: at[] tells which keys were given and where, good[] which were right. */
struct draft {
	struct stage_spec spec;
	const struct node *at[STAGE_FIELD_COUNT];
	bool is_good[STAGE_FIELD_COUNT];
};

void import_fault(struct import *im, const struct node *at, const char *format, ...)
    PRINTF_LIKE(3, 4);
void import_fault_key(struct import *im, const struct node *at, const char *format, ...)
    PRINTF_LIKE(3, 4);
void import_warn(struct import *im, const struct node *at, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* value.c: one scalar. `what` is its key, for the message. */
bool value_text(struct import *im, const struct node *node, const char *what, int64_t most,
    rule_fn *rule, const char **ret_text);
bool value_bool(struct import *im, const struct node *node, const char *what, bool *ret_bool);
bool value_integer(struct import *im, const struct node *node, const char *what, int64_t least,
    int64_t most, int *ret_integer);
/* A duration, size or number of cores, by the field's kind and range. */
bool value_quantity(
    struct import *im, const struct node *node, const struct field *field, int64_t *ret_value);
/* True for a map; an empty value counts as an empty map. */
bool value_is_map(struct import *im, const struct node *node, const char *what);

/* value_list.c: lists and maps of texts. */
bool value_strings(struct import *im, const struct node *node, const struct field *field,
    struct strings *ret_strings);
bool value_volumes(struct import *im, const struct node *node, const struct field *field,
    struct volume_spec **ret_volumes, size_t *ret_count);

/* value_pairs.c: maps, merged into what is there. */
bool value_pairs(struct import *im, const struct node *node, const struct field *field,
    struct pair_spec **pairs, size_t *count);

/* keys.c: is it known here? `known` ends with NULL; tells an unknown key with the nearest one. */
bool key_is_known(struct import *im, const struct node *member, const char *const *known);
/* Tells every member whose key is not known. */
void keys_check(struct import *im, const struct node *map, const char *const *known);

bool import_health(struct import *im, const struct node *node, struct health_spec *ret_health);
/* A map with `command`, or the word none. */
bool import_task(struct import *im, const struct node *node, const struct field *field,
    struct task_spec *ret_task);
bool import_hooks(struct import *im, const struct node *node, const struct field *field,
    struct hooks_spec *ret_hooks);
bool import_verify(struct import *im, const struct node *node, const struct field *field,
    struct verify_spec *ret_verify);
/* Each member of a map by field->members. */
bool import_members(
    struct import *im, const struct node *map, const struct field *field, void *record);
/* The tag policy as a whole: `tags` and everything called tag_ of the spec. */
bool import_tags(struct import *im, const struct node *node, struct stage_spec *spec);
void import_engines(struct import *im, const struct node *map);
void import_registries(struct import *im, const struct node *map);
void import_proxies(struct import *im, const struct node *map);
void import_receivers(struct import *im, const struct node *map);
/* node: the list `notify` of a stage, of a project (stage ""), of the file; NULL: not given. */
void import_notify(
    struct import *im, const struct node *node, const char *project, const char *stage);
/* map: NULL when there is none. */
void import_webhook(struct import *im, const struct node *map, struct config_webhook *webhook);
void import_projects(struct import *im, const struct node *map);

/* import_stage.c */
void draft_apply(
    struct import *im, struct draft *draft, const struct node *map, enum field_place place);

/* import_finish.c: what depends on several keys, and the warnings. at: the stage. */
void draft_finish(struct import *im, struct draft *draft, const struct node *at);

/* import_proxy.c */
void draft_finish_proxy(struct import *im, struct draft *draft, const struct node *at);

/* import_instances.c */
void draft_finish_instances(struct import *im, const struct draft *draft, bool is_by_edge);

/* import_promotion.c: of each stage, and then of all of a project. */
void promotion_claim(struct import *im, struct draft *draft);
void promotion_check(struct import *im, const struct config_project *project);

/* import_routes.c: what depends on several stages. */
void routes_claim(struct import *im, struct draft *draft);
void routes_check(struct import *im);

#endif
