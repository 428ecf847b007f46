/* docker_create.c - a container as Docker is asked to create it.
 *
 * The one idea: everything that says whose container it is and what it shall run is in its
 * labels and its name, so it can be recognised without the store. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "ports/docker_parts.h"

/* Docker's own default keeps a container's output for ever; this is 30 MB of it. */
#define LOG_FILE_SIZE "10m"
#define LOG_FILES "3"

static bool
has_env(const struct stage_spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->env_count; i++)
		if (strcmp(spec->env[i].name, name) == 0)
			return true;
	return false;
}

static void
write_env_pair(struct json_writer *w, const char *name, const char *value)
{
	struct buf pair;

	buf_init(&pair, VALUE_SIZE * 2);
	buf_format(&pair, "%s=%s", name, value);
	json_put_str(w, buf_view(&pair));
	buf_free(&pair);
}

/* The user's own value of a name wins over ours, which only inform. */
static void
write_env(struct json_writer *w, const struct deploy_row *row, const struct stage_spec *spec,
    const char *instance)
{
	char deploy[24];
	const char *const told[TOLD_COUNT] = {
		[TOLD_PROJECT] = row->project,
		[TOLD_STAGE] = row->stage_name,
		[TOLD_TAG] = row->tag,
		[TOLD_DEPLOY] = deploy,
		[TOLD_INSTANCE] = instance,
	};

	snprintf(deploy, sizeof(deploy), "%llu", (unsigned long long)row->id);
	json_key(w, "Env");
	json_array_open(w);
	for (size_t i = 0; i < TOLD_COUNT; i++)
		if (!has_env(spec, told_names[i]))
			write_env_pair(w, told_names[i], told[i]);
	for (size_t i = 0; i < spec->env_count; i++)
		write_env_pair(w, spec->env[i].name, spec->env[i].value);
	json_array_close(w);
}

static void
write_labels(struct json_writer *w, const struct docker *docker, const struct deploy_row *row,
    const struct stage_spec *spec, int replica)
{
	char number[24];

	json_key(w, "Labels");
	json_object_open(w);
	for (size_t i = 0; i < spec->label_count; i++)
		if (strncmp(spec->labels[i].name, "slipway.", 8) != 0)
			json_pair_text(w, spec->labels[i].name, spec->labels[i].value);
	json_pair_text(w, "slipway.managed", "true");
	json_pair_text(w, "slipway.store", docker->store_uuid);
	json_pair_text(w, "slipway.project", row->project);
	json_pair_text(w, "slipway.stage", row->stage_name);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)row->stage);
	json_pair_text(w, "slipway.stage-id", number);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)row->id);
	json_pair_text(w, "slipway.deploy", number);
	snprintf(number, sizeof(number), "%d", replica);
	json_pair_text(w, "slipway.replica", number);
	json_pair_text(w, "slipway.tag", row->tag);
	json_pair_text(w, "slipway.digest", row->digest);
	json_object_close(w);
}

/* The container's ports that somebody outside must reach: the service's and the probe's. */
static int
list_ports(const struct stage_spec *spec, int ports[2])
{
	int count = 0;

	if (spec->port != 0)
		ports[count++] = spec->port;
	if (spec->health.port != 0 && spec->health.port != spec->port)
		ports[count++] = spec->health.port;
	return count;
}

static void
write_ports(struct json_writer *w, const struct engine_config *config,
    const struct stage_spec *spec, bool is_binding)
{
	int ports[2];
	int count = list_ports(spec, ports);

	json_key(w, is_binding ? "PortBindings" : "ExposedPorts");
	json_object_open(w);
	for (int i = 0; i < count; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%d/tcp", ports[i]);
		json_key(w, key);
		if (is_binding)
			json_array_open(w);
		json_object_open(w);
		if (is_binding) {
			json_pair_text(w, "HostIp", config->publish_address);
			json_pair_text(w, "HostPort", ""); /* the engine finds a free one */
		}
		json_object_close(w);
		if (is_binding)
			json_array_close(w);
	}
	json_object_close(w);
}

/* As mounts and not as binds: a host path that does not exist is an error, not a new
 * folder. */
static void
write_mounts(struct json_writer *w, const struct stage_spec *spec)
{
	json_key(w, "Mounts");
	json_array_open(w);
	for (size_t i = 0; i < spec->volume_count; i++) {
		const struct volume_spec *volume = &spec->volumes[i];
		bool is_bind = volume->source[0] == '/';

		json_object_open(w);
		json_pair_text(w, "Type", is_bind ? "bind" : "volume");
		json_pair_text(w, "Source", volume->source);
		json_pair_text(w, "Target", volume->target);
		json_pair_bool(w, "ReadOnly", volume->read_only);
		json_object_close(w);
	}
	json_array_close(w);
}

static void
write_host_config(
    struct json_writer *w, const struct engine_config *config, const struct stage_spec *spec)
{
	json_key(w, "HostConfig");
	json_object_open(w);
	json_pair_text(w, "NetworkMode", config->network);
	json_pair_bool(
	    w, "Init", true); /* an app that ignores SIGTERM as process 1 stops at once */
	json_key(w, "RestartPolicy");
	json_object_open(w);
	json_pair_text(w, "Name", spec->restart);
	json_object_close(w);
	if (spec->memory_bytes > 0) {
		json_pair_integer(w, "Memory", spec->memory_bytes);
		json_pair_integer(w, "MemorySwap", spec->memory_bytes); /* equal: no swap */
	}
	if (spec->cpu_milli > 0)
		json_pair_integer(w, "NanoCpus", spec->cpu_milli * 1000000);
	write_mounts(w, spec);
	if (config->is_published)
		write_ports(w, config, spec, true);
	json_key(w, "LogConfig");
	json_object_open(w);
	json_pair_text(w, "Type", "json-file");
	json_key(w, "Config");
	json_object_open(w);
	json_pair_text(w, "max-size", LOG_FILE_SIZE);
	json_pair_text(w, "max-file", LOG_FILES);
	json_object_close(w);
	json_object_close(w);
	json_object_close(w);
}

static void
write_network(
    struct json_writer *w, const struct engine_config *config, const struct deploy_row *row)
{
	char alias[NAME_SIZE * 2];

	snprintf(alias, sizeof(alias), "%s-%s", row->project, row->stage_name);
	json_key(w, "NetworkingConfig");
	json_object_open(w);
	json_key(w, "EndpointsConfig");
	json_object_open(w);
	json_key(w, config->network);
	json_object_open(w);
	json_key(w, "Aliases");
	json_array_open(w);
	json_put_text(w, alias);
	json_array_close(w);
	json_object_close(w);
	json_object_close(w);
	json_object_close(w);
}

void
container_write(const struct docker *docker, const struct engine_config *config,
    const struct deploy_row *row, const struct stage_spec *spec, int replica, struct buf *json)
{
	char image[IMAGE_SIZE + DIGEST_SIZE + 1];
	char name[128];
	struct json_writer w;

	snprintf(image, sizeof(image), "%s@%s", spec->image, row->digest);
	container_name(row, replica, name, sizeof(name));
	json_writer_init(&w, json);
	json_object_open(&w);
	json_pair_text(&w, "Image", image);
	write_env(&w, row, spec, name);
	write_labels(&w, docker, row, spec, replica);
	write_ports(&w, config, spec, false);
	if (spec->command.count > 0) {
		json_key(&w, "Cmd");
		json_array_open(&w);
		for (size_t i = 0; i < spec->command.count; i++)
			json_put_text(&w, spec->command.items[i]);
		json_array_close(&w);
	}
	if (spec->user[0] != '\0')
		json_pair_text(&w, "User", spec->user);
	json_pair_integer(&w, "StopTimeout", (spec->stop_ms + 999) / 1000);
	write_host_config(&w, config, spec);
	write_network(&w, config, row);
	json_object_close(&w);
}
