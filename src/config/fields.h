/* fields.h - the table of everything that a stage can be told: name, type, range and default.
 *
 * The one idea: the file's keys, the canonical JSON and the defaults are columns of one table, so a
 * new key is one line here and one member of struct stage_spec. */
#ifndef SLIPWAY_CONFIG_FIELDS_H
#define SLIPWAY_CONFIG_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "config/rules.h"
#include "config/spec.h"

enum field_kind { /* member of the struct */
	FIELD_TEXT, /* const char * */
	FIELD_TAGS, /* the same, of `tags`; as a map it sets those behind it, too */
	FIELD_INTEGER, /* int */
	FIELD_DURATION, /* int64_t, milliseconds; "30s" in the file */
	FIELD_SIZE, /* int64_t, bytes; "256m" in the file */
	FIELD_CPUS, /* int64_t, thousandths; 0.5 in the file */
	FIELD_BOOL, /* bool */
	FIELD_STRINGS, /* struct strings */
	FIELD_PAIRS, /* struct pair_spec * and its count */
	FIELD_VOLUMES, /* struct volume_spec * and its count */
	FIELD_HEALTH, /* struct health_spec */
	FIELD_CHECK, /* enum health_kind */
	FIELD_TASK, /* struct task_spec */
	FIELD_HOOKS, /* struct hooks_spec */
	FIELD_VERIFY, /* struct verify_spec */
};

/* Where a key may stand in the file. */
enum field_place { IN_NEITHER, IN_STAGE, IN_BOTH };

struct field {
	const char *key; /* in slipway.yml; NULL: not written there under one key */
	const char *json; /* in canonical JSON */
	enum field_kind kind;
	enum field_place place;
	size_t offset; /* in struct stage_spec, or the one that it is a member of */
	size_t count_offset; /* FIELD_PAIRS, FIELD_VOLUMES */
	int64_t least; /* numbers: range */
	int64_t most; /* texts: bytes; lists and maps: entries */
	int64_t initial; /* default of numbers, booleans */
	const char *initial_text; /* default of texts */
	rule_fn *rule; /* of a text or of each entry; NULL: any text */
	bool
	    is_at_once; /* a change takes no deploy: only what chooses versions, not what runs */
	bool has_sources; /* FIELD_PAIRS: values may be secrets, files, variables */
	const struct field *members; /* FIELD_TASK, _HOOKS, _VERIFY: what there is in it */
	size_t member_count;
};

/* Indexes into stage_fields, in the order of canonical JSON. */
enum stage_field {
	STAGE_FIELD_PROJECT,
	STAGE_FIELD_STAGE,
	STAGE_FIELD_ENGINE,
	STAGE_FIELD_IMAGE,
	STAGE_FIELD_PORT,
	STAGE_FIELD_REPLICAS,
	STAGE_FIELD_HEALTH,
	STAGE_FIELD_TAGS,
	STAGE_FIELD_TAG_REGEX,
	STAGE_FIELD_TAG_SEMVER,
	STAGE_FIELD_TAG_PRERELEASES,
	STAGE_FIELD_TAG_NUMERIC,
	STAGE_FIELD_TAG_DATE,
	STAGE_FIELD_TAG_DOWNGRADE,
	STAGE_FIELD_TAG_MIN_AGE,
	STAGE_FIELD_TAG_IMMUTABLE,
	STAGE_FIELD_AUTO,
	STAGE_FIELD_POLL,
	STAGE_FIELD_PROMOTE_FROM,
	STAGE_FIELD_SOAK,
	STAGE_FIELD_APPROVALS,
	STAGE_FIELD_APPROVE,
	STAGE_FIELD_WINDOWS,
	STAGE_FIELD_ZONE,
	STAGE_FIELD_KEEP,
	STAGE_FIELD_DOMAINS,
	STAGE_FIELD_TCP,
	STAGE_FIELD_PROXY,
	STAGE_FIELD_CERTIFICATE,
	STAGE_FIELD_ENV,
	STAGE_FIELD_LABELS,
	STAGE_FIELD_VOLUMES,
	STAGE_FIELD_COMMAND,
	STAGE_FIELD_NETWORKS,
	STAGE_FIELD_USER,
	STAGE_FIELD_RESTART,
	STAGE_FIELD_MEMORY,
	STAGE_FIELD_CPUS,
	STAGE_FIELD_STOP,
	STAGE_FIELD_DRAIN,
	STAGE_FIELD_ENTRYPOINT,
	STAGE_FIELD_STOP_SIGNAL,
	STAGE_FIELD_PIDS,
	STAGE_FIELD_INIT,
	STAGE_FIELD_READ_ONLY,
	STAGE_FIELD_TMPFS,
	STAGE_FIELD_ULIMITS,
	STAGE_FIELD_LOG_DRIVER,
	STAGE_FIELD_LOG_OPTIONS,
	STAGE_FIELD_CAP_DROP,
	STAGE_FIELD_CAP_ADD,
	STAGE_FIELD_DEVICES,
	STAGE_FIELD_PRIVILEGED,
	STAGE_FIELD_HOST_NETWORK,
	STAGE_FIELD_HOST_PID,
	STAGE_FIELD_HOST_IPC,
	STAGE_FIELD_WARM,
	STAGE_FIELD_MAX_INSTANCES,
	STAGE_FIELD_STRATEGY,
	STAGE_FIELD_MIGRATION,
	STAGE_FIELD_HOOKS,
	STAGE_FIELD_VERIFY,
	STAGE_FIELD_COUNT,
};

enum health_field {
	HEALTH_FIELD_KIND,
	HEALTH_FIELD_PATH,
	HEALTH_FIELD_HOST,
	HEALTH_FIELD_PORT,
	HEALTH_FIELD_STATUS_MIN,
	HEALTH_FIELD_STATUS_MAX,
	HEALTH_FIELD_SUCCESSES,
	HEALTH_FIELD_INTERVAL,
	HEALTH_FIELD_TIMEOUT,
	HEALTH_FIELD_MIN_UPTIME,
	HEALTH_FIELD_DEADLINE,
	HEALTH_FIELD_COUNT,
};

enum { MIGRATION_FIELD_COUNT = 3, HOOK_FIELD_COUNT = 2, POST_SWITCH_FIELD_COUNT = 3 };
enum { HOOKS_FIELD_COUNT = 3, VERIFY_FIELD_COUNT = 3, MEMBER_COUNT_MAX = 3 };

extern const struct field stage_fields[STAGE_FIELD_COUNT];
extern const struct field health_fields[HEALTH_FIELD_COUNT];
extern const struct field migration_fields[MIGRATION_FIELD_COUNT];
extern const struct field hook_fields[HOOK_FIELD_COUNT];
extern const struct field post_switch_fields[POST_SWITCH_FIELD_COUNT];
extern const struct field hooks_fields[HOOKS_FIELD_COUNT];
extern const struct field verify_fields[VERIFY_FIELD_COUNT];

/* "none", "http", "tcp", "docker" by enum health_kind. */
enum { HEALTH_KIND_COUNT = HEALTH_DOCKER + 1 };
extern const char *const health_kind_names[HEALTH_KIND_COUNT];

/* The key beside a variable's name when its value is not plain: "secret", "file", "env". */
enum { VALUE_SOURCE_COUNT = VALUE_VARIABLE + 1 };
extern const char *const value_source_names[VALUE_SOURCE_COUNT];

/* Puts every default in; texts without one become "". */
void fields_set_defaults(const struct field *fields, size_t count, void *record);
void stage_spec_set_defaults(struct stage_spec *spec);

/* Does it say the same in both records? Of FIELD_TAGS all of the policy, so these are whole specs. */
bool field_is_same(const struct field *field, const void *a, const void *b);

/* Orders pairs by name, bytewise: what makes equal specs equal bytes. */
void pairs_sort(struct pair_spec *pairs, size_t count);

#endif
