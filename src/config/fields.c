/* fields.c - the table itself. */
#include "config/fields.h"

#include <stdlib.h>
#include <string.h>

#include "config/window.h"

#define SPEC_AT(member) .offset = offsetof(struct stage_spec, member)
#define PAIRS_AT(member, count)                        \
	.offset = offsetof(struct stage_spec, member), \
	.count_offset = offsetof(struct stage_spec, count)
#define HEALTH_AT(member) .offset = offsetof(struct health_spec, member)
#define TASK_AT(member) .offset = offsetof(struct task_spec, member)
#define HOOKS_AT(member) .offset = offsetof(struct hooks_spec, member)
#define VERIFY_AT(member) .offset = offsetof(struct verify_spec, member)
#define MEMBERS(table) .members = (table), .member_count = COUNT(table)
#define RANGE(from, to, default) .least = (from), .most = (to), .initial = (default)
#define SECONDS(n) ((int64_t)(n)*1000)
#define MINUTES(n) ((int64_t)(n)*60 * 1000)
#define HOURS(n) ((int64_t)(n)*60 * 60 * 1000)
#define MEBIBYTES(n) ((int64_t)(n) << 20)

/* Ranges, where they are not plain:
 * poll      a registry counts requests by the hour; 0 turns it off for one stage
 * soak      and approve_within: a month; PENDING_DAYS_MAX of src/actors/permit.h is both
 * memory    Docker refuses less than 6 MiB
 * cpus      one thousandth to 1,024 cores
 * pids      Linux has no more numbers for processes (PID_MAX_LIMIT) */
/* clang-format off */
const struct field stage_fields[STAGE_FIELD_COUNT] = {
	[STAGE_FIELD_PROJECT] = { NULL, "project", FIELD_TEXT, IN_NEITHER, SPEC_AT(project), .most = RULE_NAME_MAX },
	[STAGE_FIELD_STAGE] = { NULL, "stage", FIELD_TEXT, IN_NEITHER, SPEC_AT(stage), .most = RULE_NAME_MAX },
	[STAGE_FIELD_ENGINE] = { "engine", "engine", FIELD_TEXT, IN_BOTH, SPEC_AT(engine), .most = RULE_NAME_MAX, .rule = rule_name },
	[STAGE_FIELD_IMAGE] = { "image", "image", FIELD_TEXT, IN_BOTH, SPEC_AT(image), .most = IMAGE_SIZE - 1, .rule = rule_image },
	[STAGE_FIELD_PORT] = { "port", "port", FIELD_INTEGER, IN_BOTH, SPEC_AT(port), RANGE(1, 65535, 0) },
	[STAGE_FIELD_REPLICAS] = { "replicas", "replicas", FIELD_INTEGER, IN_BOTH, SPEC_AT(replicas), RANGE(1, REPLICAS_MAX, 1) },
	[STAGE_FIELD_HEALTH] = { "health", "health", FIELD_HEALTH, IN_BOTH, SPEC_AT(health) },
	[STAGE_FIELD_TAGS] = { "tags", "tags", FIELD_TAGS, IN_BOTH, SPEC_AT(tags), .most = TAG_SIZE - 1, .initial_text = "*", .rule = rule_glob, .is_at_once = true },
	[STAGE_FIELD_TAG_REGEX] = { NULL, "tag_regex", FIELD_TEXT, IN_NEITHER, SPEC_AT(tag_regex), .most = TAG_REGEX_SIZE - 1, .is_at_once = true },
	[STAGE_FIELD_TAG_SEMVER] = { NULL, "tag_semver", FIELD_TEXT, IN_NEITHER, SPEC_AT(tag_semver), .most = TAG_SIZE - 1, .is_at_once = true },
	[STAGE_FIELD_TAG_PRERELEASES] = { NULL, "tag_prereleases", FIELD_BOOL, IN_NEITHER, SPEC_AT(tag_prereleases), .is_at_once = true },
	[STAGE_FIELD_TAG_NUMERIC] = { NULL, "tag_numeric", FIELD_BOOL, IN_NEITHER, SPEC_AT(tag_numeric), .is_at_once = true },
	[STAGE_FIELD_TAG_DATE] = { NULL, "tag_date", FIELD_TEXT, IN_NEITHER, SPEC_AT(tag_date), .most = TAG_SIZE - 1, .is_at_once = true },
	[STAGE_FIELD_TAG_DOWNGRADE] = { NULL, "tag_downgrade", FIELD_BOOL, IN_NEITHER, SPEC_AT(tag_downgrade), .is_at_once = true },
	[STAGE_FIELD_TAG_MIN_AGE] = { "min_age", "tag_min_age_ms", FIELD_DURATION, IN_NEITHER, SPEC_AT(tag_min_age_ms), RANGE(SECONDS(1), HOURS(8784), 0), .is_at_once = true },
	[STAGE_FIELD_TAG_IMMUTABLE] = { NULL, "tag_immutable", FIELD_TEXT, IN_NEITHER, SPEC_AT(tag_immutable), .most = TAG_SIZE - 1, .is_at_once = true },
	[STAGE_FIELD_AUTO] = { "auto", "auto", FIELD_BOOL, IN_BOTH, SPEC_AT(is_auto), .initial = true, .is_at_once = true },
	[STAGE_FIELD_POLL] = { "poll", "poll_ms", FIELD_DURATION, IN_BOTH, SPEC_AT(poll_ms), RANGE(SECONDS(1), HOURS(24), 0), .is_at_once = true },
	[STAGE_FIELD_PROMOTE_FROM] = { "promote_from", "promote_from", FIELD_TEXT, IN_STAGE, SPEC_AT(promote_from), .most = RULE_NAME_MAX, .rule = rule_name, .is_at_once = true },
	[STAGE_FIELD_SOAK] = { "soak", "soak_ms", FIELD_DURATION, IN_STAGE, SPEC_AT(soak_ms), RANGE(SECONDS(1), HOURS(720), 0), .is_at_once = true },
	[STAGE_FIELD_APPROVALS] = { "approvals", "approvals", FIELD_INTEGER, IN_STAGE, SPEC_AT(approvals), RANGE(0, APPROVALS_MAX, 0), .is_at_once = true },
	[STAGE_FIELD_APPROVE] = { "approve_within", "approve_ms", FIELD_DURATION, IN_STAGE, SPEC_AT(approve_ms), RANGE(SECONDS(1), HOURS(720), HOURS(24)), .is_at_once = true },
	[STAGE_FIELD_WINDOWS] = { "windows", "windows", FIELD_STRINGS, IN_BOTH, SPEC_AT(windows), .most = WINDOWS_MAX, .rule = rule_window, .is_at_once = true },
	[STAGE_FIELD_ZONE] = { "time_zone", "time_zone", FIELD_TEXT, IN_BOTH, SPEC_AT(time_zone), .most = WINDOW_SIZE - 1, .initial_text = "UTC", .rule = rule_time_zone, .is_at_once = true },
	[STAGE_FIELD_KEEP] = { "keep_versions", "keep_versions", FIELD_INTEGER, IN_BOTH, SPEC_AT(keep_versions), RANGE(1, ROLLBACKS_MAX, 0), .is_at_once = true },
	[STAGE_FIELD_DOMAINS] = { "domains", "domains", FIELD_STRINGS, IN_BOTH, SPEC_AT(domains), .most = DOMAINS_MAX, .rule = rule_domain },
	[STAGE_FIELD_TCP] = { "tcp", "tcp_port", FIELD_INTEGER, IN_STAGE, SPEC_AT(tcp_port), RANGE(1, 65535, 0) },
	[STAGE_FIELD_PROXY] = { "proxy", "proxy", FIELD_TEXT, IN_BOTH, SPEC_AT(proxy), .most = RULE_NAME_MAX, .initial_text = "edge", .rule = rule_name },
	[STAGE_FIELD_CERTIFICATE] = { "certificate", "certificate", FIELD_TEXT, IN_BOTH, SPEC_AT(certificate), .most = DOMAIN_SIZE - 1, .rule = rule_line },
	[STAGE_FIELD_ENV] = { "env", "env", FIELD_PAIRS, IN_BOTH, PAIRS_AT(env, env_count), .most = ENV_MAX, .rule = rule_env_key, .has_sources = true },
	[STAGE_FIELD_LABELS] = { "labels", "labels", FIELD_PAIRS, IN_BOTH, PAIRS_AT(labels, label_count), .most = LIST_MAX, .rule = rule_label_name },
	[STAGE_FIELD_VOLUMES] = { "volumes", "volumes", FIELD_VOLUMES, IN_BOTH, PAIRS_AT(volumes, volume_count), .most = LIST_MAX },
	[STAGE_FIELD_COMMAND] = { "command", "command", FIELD_STRINGS, IN_BOTH, SPEC_AT(command), .most = LIST_MAX },
	[STAGE_FIELD_NETWORKS] = { "networks", "networks", FIELD_STRINGS, IN_BOTH, SPEC_AT(networks), .most = LIST_MAX, .rule = rule_network },
	[STAGE_FIELD_USER] = { "user", "user", FIELD_TEXT, IN_BOTH, SPEC_AT(user), .most = NAME_SIZE - 1, .rule = rule_user },
	[STAGE_FIELD_RESTART] = { "restart", "restart", FIELD_TEXT, IN_BOTH, SPEC_AT(restart), .most = NAME_SIZE - 1, .initial_text = "unless-stopped", .rule = rule_restart },
	[STAGE_FIELD_MEMORY] = { "memory", "memory_bytes", FIELD_SIZE, IN_BOTH, SPEC_AT(memory_bytes), RANGE(MEBIBYTES(6), MEBIBYTES(1) << 20, 0) },
	[STAGE_FIELD_CPUS] = { "cpus", "cpu_milli", FIELD_CPUS, IN_BOTH, SPEC_AT(cpu_milli), RANGE(1, 1024000, 0) },
	[STAGE_FIELD_STOP] = { "stop_timeout", "stop_ms", FIELD_DURATION, IN_BOTH, SPEC_AT(stop_ms), RANGE(0, HOURS(1), SECONDS(10)) },
	[STAGE_FIELD_DRAIN] = { "drain_timeout", "drain_ms", FIELD_DURATION, IN_BOTH, SPEC_AT(drain_ms), RANGE(0, HOURS(1), SECONDS(30)) },
	[STAGE_FIELD_ENTRYPOINT] = { "entrypoint", "entrypoint", FIELD_STRINGS, IN_BOTH, SPEC_AT(entrypoint), .most = LIST_MAX },
	[STAGE_FIELD_STOP_SIGNAL] = { "stop_signal", "stop_signal", FIELD_TEXT, IN_BOTH, SPEC_AT(stop_signal), .most = NAME_SIZE - 1, .rule = rule_signal },
	[STAGE_FIELD_PIDS] = { "pids", "pids", FIELD_INTEGER, IN_BOTH, SPEC_AT(pids), RANGE(1, 4194304, 0) },
	[STAGE_FIELD_INIT] = { "init", "init", FIELD_BOOL, IN_BOTH, SPEC_AT(has_init), .initial = true },
	[STAGE_FIELD_READ_ONLY] = { "read_only", "root_read_only", FIELD_BOOL, IN_BOTH, SPEC_AT(is_root_read_only) },
	[STAGE_FIELD_TMPFS] = { "tmpfs", "tmpfs", FIELD_STRINGS, IN_BOTH, SPEC_AT(tmpfs), .most = LIST_MAX, .rule = rule_tmpfs },
	[STAGE_FIELD_ULIMITS] = { "ulimits", "ulimits", FIELD_STRINGS, IN_BOTH, SPEC_AT(ulimits), .most = LIST_MAX, .rule = rule_ulimit },
	[STAGE_FIELD_LOG_DRIVER] = { "log_driver", "log_driver", FIELD_TEXT, IN_BOTH, SPEC_AT(log_driver), .most = NAME_SIZE - 1, .initial_text = "json-file", .rule = rule_log_driver },
	[STAGE_FIELD_LOG_OPTIONS] = { "log_options", "log_options", FIELD_PAIRS, IN_BOTH, PAIRS_AT(log_options, log_option_count), .most = LIST_MAX, .rule = rule_log_option },
	[STAGE_FIELD_CAP_DROP] = { "cap_drop", "cap_drop", FIELD_STRINGS, IN_BOTH, SPEC_AT(cap_drop), .most = LIST_MAX, .rule = rule_capability },
	[STAGE_FIELD_CAP_ADD] = { "cap_add", "cap_add", FIELD_STRINGS, IN_BOTH, SPEC_AT(cap_add), .most = LIST_MAX, .rule = rule_capability },
	[STAGE_FIELD_DEVICES] = { "devices", "devices", FIELD_STRINGS, IN_BOTH, SPEC_AT(devices), .most = LIST_MAX, .rule = rule_device },
	[STAGE_FIELD_PRIVILEGED] = { "privileged", "privileged", FIELD_BOOL, IN_BOTH, SPEC_AT(is_privileged) },
	[STAGE_FIELD_HOST_NETWORK] = { "host_network", "host_network", FIELD_BOOL, IN_BOTH, SPEC_AT(has_host_network) },
	[STAGE_FIELD_HOST_PID] = { "host_pid", "host_pid", FIELD_BOOL, IN_BOTH, SPEC_AT(has_host_pid) },
	[STAGE_FIELD_HOST_IPC] = { "host_ipc", "host_ipc", FIELD_BOOL, IN_BOTH, SPEC_AT(has_host_ipc) },
	[STAGE_FIELD_WARM] = { "warm_keep", "warm_ms", FIELD_DURATION, IN_BOTH, SPEC_AT(warm_ms), RANGE(0, HOURS(24), MINUTES(10)), .is_at_once = true },
	[STAGE_FIELD_MAX_INSTANCES] = { "max_instances", "max_instances", FIELD_INTEGER, IN_BOTH, SPEC_AT(max_instances), RANGE(1, KEPT_MAX + 1, 1) },
	[STAGE_FIELD_STRATEGY] = { "strategy", "strategy", FIELD_TEXT, IN_BOTH, SPEC_AT(strategy), .most = NAME_SIZE - 1, .initial_text = "auto", .rule = rule_strategy },
	[STAGE_FIELD_MIGRATION] = { "migration", "migration", FIELD_TASK, IN_BOTH, SPEC_AT(migration), MEMBERS(migration_fields) },
	[STAGE_FIELD_HOOKS] = { "hooks", "hooks", FIELD_HOOKS, IN_BOTH, SPEC_AT(hooks), MEMBERS(hooks_fields) },
	[STAGE_FIELD_VERIFY] = { "verify", "verify", FIELD_VERIFY, IN_BOTH, SPEC_AT(verify), MEMBERS(verify_fields), .is_at_once = true },
};

const struct field health_fields[HEALTH_FIELD_COUNT] = {
	[HEALTH_FIELD_KIND] = { NULL, "kind", FIELD_CHECK, IN_NEITHER, HEALTH_AT(kind) },
	[HEALTH_FIELD_PATH] = { "http", "path", FIELD_TEXT, IN_BOTH, HEALTH_AT(path), .most = 1023, .rule = rule_probe_path },
	[HEALTH_FIELD_HOST] = { "host", "host", FIELD_TEXT, IN_BOTH, HEALTH_AT(host), .most = DOMAIN_SIZE - 1, .rule = rule_host_header },
	[HEALTH_FIELD_PORT] = { "port", "port", FIELD_INTEGER, IN_BOTH, HEALTH_AT(port), RANGE(1, 65535, 0) },
	[HEALTH_FIELD_STATUS_MIN] = { NULL, "status_min", FIELD_INTEGER, IN_NEITHER, HEALTH_AT(status_min), RANGE(100, 599, 200) },
	[HEALTH_FIELD_STATUS_MAX] = { NULL, "status_max", FIELD_INTEGER, IN_NEITHER, HEALTH_AT(status_max), RANGE(100, 599, 299) },
	[HEALTH_FIELD_SUCCESSES] = { "successes", "successes", FIELD_INTEGER, IN_BOTH, HEALTH_AT(successes), RANGE(1, 100, 3) },
	[HEALTH_FIELD_INTERVAL] = { "interval", "interval_ms", FIELD_DURATION, IN_BOTH, HEALTH_AT(interval_ms), RANGE(10, MINUTES(5), SECONDS(1)) },
	[HEALTH_FIELD_TIMEOUT] = { "timeout", "timeout_ms", FIELD_DURATION, IN_BOTH, HEALTH_AT(timeout_ms), RANGE(10, MINUTES(5), SECONDS(5)) },
	[HEALTH_FIELD_MIN_UPTIME] = { "min_uptime", "min_uptime_ms", FIELD_DURATION, IN_BOTH, HEALTH_AT(min_uptime_ms), RANGE(0, HOURS(1), SECONDS(10)) },
	[HEALTH_FIELD_DEADLINE] = { "deadline", "deadline_ms", FIELD_DURATION, IN_BOTH, HEALTH_AT(deadline_ms), RANGE(SECONDS(1), HOURS(2), SECONDS(60)) },
};

#define TASK_COMMAND { "command", "command", FIELD_STRINGS, IN_BOTH, TASK_AT(command), .most = LIST_MAX }
#define TASK_TIMEOUT { "timeout", "timeout_ms", FIELD_DURATION, IN_BOTH, TASK_AT(timeout_ms), RANGE(SECONDS(1), HOURS(12), MINUTES(10)) }
const struct field migration_fields[MIGRATION_FIELD_COUNT] = {
	TASK_COMMAND,
	TASK_TIMEOUT,
	{ "backward_compatible", "is_compatible", FIELD_BOOL, IN_BOTH, TASK_AT(is_compatible), .initial = true },
};

const struct field hook_fields[HOOK_FIELD_COUNT] = { TASK_COMMAND, TASK_TIMEOUT };

const struct field post_switch_fields[POST_SWITCH_FIELD_COUNT] = {
	TASK_COMMAND,
	TASK_TIMEOUT,
	{ "swap_back", "swaps_back", FIELD_BOOL, IN_BOTH, TASK_AT(swaps_back) },
};

const struct field hooks_fields[HOOKS_FIELD_COUNT] = {
	{ "pre_switch", "pre_switch", FIELD_TASK, IN_BOTH, HOOKS_AT(pre_switch), MEMBERS(hook_fields) },
	{ "post_switch", "post_switch", FIELD_TASK, IN_BOTH, HOOKS_AT(post_switch), MEMBERS(post_switch_fields) },
	{ "post_retire", "post_retire", FIELD_TASK, IN_BOTH, HOOKS_AT(post_retire), MEMBERS(hook_fields) },
};

const struct field verify_fields[VERIFY_FIELD_COUNT] = {
	{ "for", "for_ms", FIELD_DURATION, IN_BOTH, VERIFY_AT(for_ms), RANGE(SECONDS(1), HOURS(1), 0) },
	{ "max_error_percent", "max_error_percent", FIELD_INTEGER, IN_BOTH, VERIFY_AT(max_error_percent), RANGE(0, 100, 10) },
	{ "min_requests", "min_requests", FIELD_INTEGER, IN_BOTH, VERIFY_AT(min_requests), RANGE(1, 1000000, 20) },
};
/* clang-format on */

const char *const health_kind_names[HEALTH_KIND_COUNT] = {
	[HEALTH_NONE] = "none",
	[HEALTH_HTTP] = "http",
	[HEALTH_TCP] = "tcp",
	[HEALTH_DOCKER] = "docker",
};

const char *const value_source_names[VALUE_SOURCE_COUNT] = {
	[VALUE_PLAIN] = "",
	[VALUE_SECRET] = "secret",
	[VALUE_FILE] = "file",
	[VALUE_VARIABLE] = "env",
};

void
fields_set_defaults(const struct field *fields, size_t count, void *record)
{
	for (size_t i = 0; i < count; i++) {
		const struct field *field = &fields[i];
		void *member = (char *)record + field->offset;

		switch (field->kind) {
		case FIELD_TEXT:
		case FIELD_TAGS:
			*(const char **)member =
			    field->initial_text ? field->initial_text : "";
			break;
		case FIELD_INTEGER:
			*(int *)member = (int)field->initial;
			break;
		case FIELD_DURATION:
		case FIELD_SIZE:
		case FIELD_CPUS:
			*(int64_t *)member = field->initial;
			break;
		case FIELD_BOOL:
			*(bool *)member = field->initial != 0;
			break;
		case FIELD_HEALTH:
			fields_set_defaults(health_fields, COUNT(health_fields), member);
			break;
		case FIELD_TASK:
		case FIELD_HOOKS:
		case FIELD_VERIFY:
			fields_set_defaults(field->members, field->member_count, member);
			break;
		case FIELD_STRINGS:
		case FIELD_PAIRS:
		case FIELD_VOLUMES:
		case FIELD_CHECK:
			break; /* empty, and HEALTH_NONE: all zero */
		}
	}
}

void
stage_spec_set_defaults(struct stage_spec *spec)
{
	*spec = (struct stage_spec){ 0 };
	fields_set_defaults(stage_fields, COUNT(stage_fields), spec);
}

static int
pair_order(const void *a, const void *b)
{
	return strcmp(
	    ((const struct pair_spec *)a)->name, ((const struct pair_spec *)b)->name);
}

void
pairs_sort(struct pair_spec *pairs, size_t count)
{
	if (count > 1)
		qsort(pairs, count, sizeof(*pairs), pair_order);
}
