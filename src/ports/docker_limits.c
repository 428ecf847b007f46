/* docker_limits.c - what a container may use, and what it may do, as Docker is told. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "config/units.h"
#include "ports/docker_parts.h"

/* Docker's own default keeps a container's output for ever; this is 30 MB of it. */
#define LOG_FILE_SIZE "10m"
#define LOG_FILES "3"

static void
write_resources(struct json_writer *w, const struct stage_spec *spec)
{
	if (spec->memory_bytes > 0) {
		json_pair_integer(w, "Memory", spec->memory_bytes);
		json_pair_integer(w, "MemorySwap", spec->memory_bytes); /* equal: no swap */
	}
	if (spec->cpu_milli > 0)
		json_pair_integer(w, "NanoCpus", spec->cpu_milli * 1000000);
	if (spec->pids > 0)
		json_pair_integer(w, "PidsLimit", spec->pids);
}

/* "nofile=1024:2048", or one number for both. */
static void
write_ulimits(struct json_writer *w, const struct strings *ulimits)
{
	json_key(w, "Ulimits");
	json_array_open(w);
	for (size_t i = 0; i < ulimits->count; i++) {
		struct str name;
		struct str soft;
		struct str limits = str_cut(str_of(ulimits->items[i]), '=', &name);
		struct str hard = str_cut(limits, ':', &soft);
		uint64_t low = 0;
		uint64_t high = 0;

		str_number(soft, INT64_MAX, &low);
		str_number(soft.n == limits.n ? soft : hard, INT64_MAX, &high);
		json_object_open(w);
		json_pair_str(w, "Name", name);
		json_pair_integer(w, "Soft", (int64_t)low);
		json_pair_integer(w, "Hard", (int64_t)high);
		json_object_close(w);
	}
	json_array_close(w);
}

static void
write_tmpfs(struct json_writer *w, const struct strings *tmpfs)
{
	json_key(w, "Tmpfs");
	json_object_open(w);
	for (size_t i = 0; i < tmpfs->count; i++) {
		char path[VALUE_SIZE];
		char options[48] = "";
		struct str head;
		struct str size = str_cut(str_of(tmpfs->items[i]), ':', &head);
		int64_t bytes;

		if (units_size(size, &bytes))
			snprintf(options, sizeof(options), "size=%lld", (long long)bytes);
		if (str_copy(path, sizeof(path), head))
			json_pair_text(w, path, options);
	}
	json_object_close(w);
}

static bool
has_option(const struct stage_spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->log_option_count; i++)
		if (strcmp(spec->log_options[i].name, name) == 0)
			return true;
	return false;
}

/* The drivers that write files here get a limit, unless the stage says another. */
static void
write_log(struct json_writer *w, const struct stage_spec *spec)
{
	bool is_in_files = strcmp(spec->log_driver, "json-file") == 0
			   || strcmp(spec->log_driver, "local") == 0;

	json_key(w, "LogConfig");
	json_object_open(w);
	json_pair_text(w, "Type", spec->log_driver);
	json_key(w, "Config");
	json_object_open(w);
	if (is_in_files && !has_option(spec, "max-size"))
		json_pair_text(w, "max-size", LOG_FILE_SIZE);
	if (is_in_files && !has_option(spec, "max-file"))
		json_pair_text(w, "max-file", LOG_FILES);
	for (size_t i = 0; i < spec->log_option_count; i++)
		json_pair_text(w, spec->log_options[i].name, spec->log_options[i].value);
	json_object_close(w);
	json_object_close(w);
}

static void
write_names(struct json_writer *w, const char *key, const struct strings *names)
{
	if (names->count == 0)
		return;
	json_key(w, key);
	json_array_open(w);
	for (size_t i = 0; i < names->count; i++)
		json_put_text(w, names->items[i]);
	json_array_close(w);
}

static void
write_devices(struct json_writer *w, const struct strings *devices)
{
	if (devices->count == 0)
		return;
	json_key(w, "Devices");
	json_array_open(w);
	for (size_t i = 0; i < devices->count; i++) {
		struct str host;
		struct str inside;
		struct str mode =
		    str_cut(str_cut(str_of(devices->items[i]), ':', &host), ':', &inside);

		json_object_open(w);
		json_pair_str(w, "PathOnHost", host);
		json_pair_str(w, "PathInContainer", inside.n == 0 ? host : inside);
		json_pair_str(w, "CgroupPermissions", mode.n == 0 ? STR("rwm") : mode);
		json_object_close(w);
	}
	json_array_close(w);
}

/* Each was allowed by the server's owner: config/powers.h. */
static void
write_powers(struct json_writer *w, const struct stage_spec *spec)
{
	write_names(w, "CapAdd", &spec->cap_add);
	write_devices(w, &spec->devices);
	if (spec->is_privileged)
		json_pair_bool(w, "Privileged", true);
	if (spec->has_host_pid)
		json_pair_text(w, "PidMode", "host");
	if (spec->has_host_ipc)
		json_pair_text(w, "IpcMode", "host");
}

void
container_write_limits(struct json_writer *w, const struct stage_spec *spec)
{
	json_pair_bool(
	    w, "Init", spec->has_init); /* who ignores SIGTERM as process 1 stops at once */
	json_pair_bool(w, "ReadonlyRootfs", spec->is_root_read_only);
	write_resources(w, spec);
	write_ulimits(w, &spec->ulimits);
	write_tmpfs(w, &spec->tmpfs);
	write_log(w, spec);
	write_names(w, "CapDrop", &spec->cap_drop);
	write_powers(w, spec);
}
