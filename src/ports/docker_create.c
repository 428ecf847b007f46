/* docker_create.c - a container as Docker is asked to create it.
 *
 * The one idea: everything that says whose container it is and what it shall run is in its
 * labels and its name, so it can be recognised without the store. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "ports/docker_parts.h"

static bool
is_told(const char *name)
{
	for (size_t i = 0; i < TOLD_COUNT; i++)
		if (strcmp(name, told_names[i]) == 0)
			return true;
	return false;
}

static void
write_told(struct json_writer *w, const char *name, const char *value)
{
	char pair[2 * NAME_SIZE + TAG_SIZE];

	snprintf(pair, sizeof(pair), "%s=%s", name, value);
	json_put_text(w, pair);
}

static int
write_variable(const struct environment *from, struct json_writer *w,
    const struct pair_spec *variable, struct err *err)
{
	struct buf pair;
	int64_t version;
	int result;

	buf_init(&pair, VALUE_SIZE * 2);
	buf_format(&pair, "%s=", variable->name);
	result = environment_value(from, variable, &pair, &version, err);
	if (result == 0)
		json_put_str(w, buf_view(&pair));
	buf_wipe(&pair);
	return result;
}

/* Names of ours are refused in slipway.yml; a configuration that is older than that may have them. */
static int
write_env(const struct environment *from, struct json_writer *w, const struct deploy_row *row,
    const struct stage_spec *spec, const char *instance, struct err *err)
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
		write_told(w, told_names[i], told[i]);
	for (size_t i = 0; i < spec->env_count; i++)
		if (!is_told(spec->env[i].name)
		    && write_variable(from, w, &spec->env[i], err) != 0)
			return -1;
	json_array_close(w);
	return 0;
}

/* Ours: whose it is. */
static void
write_marks(struct json_writer *w, const struct docker *docker, const struct deploy_row *row)
{
	char number[24];

	json_pair_text(w, "slipway.managed", "true");
	json_pair_text(w, "slipway.store", docker->store_uuid);
	json_pair_text(w, "slipway.project", row->project);
	json_pair_text(w, "slipway.stage", row->stage_name);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)row->stage);
	json_pair_text(w, "slipway.stage-id", number);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)row->id);
	json_pair_text(w, "slipway.deploy", number);
	json_pair_text(w, "slipway.tag", row->tag);
	json_pair_text(w, "slipway.digest", row->digest);
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
	write_marks(w, docker, row);
	snprintf(number, sizeof(number), "%d", replica);
	json_pair_text(w, "slipway.replica", number);
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

/* The folder of a stage alone is made by the engine when it is not there. */
static bool
is_made(const struct volume_spec *volume)
{
	return volume->source[0] == '/' && volume->is_isolated;
}

static void
write_binds(struct json_writer *w, const struct stage_spec *spec)
{
	char name[VOLUME_NAME_SIZE];
	char bind[VOLUME_NAME_SIZE + VALUE_SIZE];

	json_key(w, "Binds");
	json_array_open(w);
	for (size_t i = 0; i < spec->volume_count; i++) {
		if (!is_made(&spec->volumes[i]))
			continue;
		volume_name(spec, &spec->volumes[i], name);
		snprintf(bind, sizeof(bind), "%s:%s:%s", name, spec->volumes[i].target,
		    spec->volumes[i].read_only ? "ro" : "rw");
		json_put_text(w, bind);
	}
	json_array_close(w);
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
		char name[VOLUME_NAME_SIZE];

		if (is_made(volume))
			continue;
		volume_name(spec, volume, name);
		json_object_open(w);
		json_pair_text(w, "Type", is_bind ? "bind" : "volume");
		json_pair_text(w, "Source", name);
		json_pair_text(w, "Target", volume->target);
		json_pair_bool(w, "ReadOnly", volume->read_only);
		json_object_close(w);
	}
	json_array_close(w);
}

static void
write_host_config(struct json_writer *w, const struct engine_config *config,
    const struct stage_spec *spec, bool is_task)
{
	json_key(w, "HostConfig");
	json_object_open(w);
	json_pair_text(w, "NetworkMode", spec->has_host_network ? "host" : config->network);
	json_key(w, "RestartPolicy");
	json_object_open(w);
	json_pair_text(w, "Name", is_task ? "no" : spec->restart);
	json_object_close(w);
	write_mounts(w, spec);
	write_binds(w, spec);
	if (config->is_published && !spec->has_host_network && !is_task)
		write_ports(w, config, spec, true);
	container_write_limits(w, spec);
	json_object_close(w);
}

static void
write_network(struct json_writer *w, const struct engine_config *config,
    const struct deploy_row *row, const struct stage_spec *spec)
{
	char alias[NAME_SIZE * 2];

	if (spec->has_host_network)
		return;
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

/* Nothing given: the image's. */
static void
write_words(struct json_writer *w, const char *key, const struct strings *words)
{
	if (words->count == 0)
		return;
	json_key(w, key);
	json_array_open(w);
	for (size_t i = 0; i < words->count; i++)
		json_put_text(w, words->items[i]);
	json_array_close(w);
}

/* What a task shares with the containers of its deploy. */
static void
write_rest(struct json_writer *w, const struct engine_config *config,
    const struct stage_spec *spec, const struct strings *command, bool is_task)
{
	write_words(w, "Entrypoint", &spec->entrypoint);
	write_words(w, "Cmd", command);
	if (spec->user[0] != '\0')
		json_pair_text(w, "User", spec->user);
	if (spec->stop_signal[0] != '\0')
		json_pair_text(w, "StopSignal", spec->stop_signal);
	json_pair_integer(w, "StopTimeout", (spec->stop_ms + 999) / 1000);
	write_host_config(w, config, spec, is_task);
}

int
container_write(const struct docker *docker, const struct engine_config *config,
    const struct deploy_row *row, const struct stage_spec *spec, int replica, struct buf *json,
    struct err *err)
{
	char image[IMAGE_SIZE + DIGEST_SIZE + 1];
	char name[128];
	struct json_writer w;

	snprintf(image, sizeof(image), "%s@%s", spec->image, row->digest);
	container_name(row, replica, name, sizeof(name));
	json_writer_init(&w, json);
	json_object_open(&w);
	json_pair_text(&w, "Image", image);
	if (write_env(&docker->settings.environment, &w, row, spec, name, err) != 0)
		return -1;
	write_labels(&w, docker, row, spec, replica);
	write_ports(&w, config, spec, false);
	write_rest(&w, config, spec, &spec->command, false);
	write_network(&w, config, row, spec);
	json_object_close(&w);
	return 0;
}

/* The labels of the stage are left out, since a proxy may lead people to what carries them; so is its
 * name on the shared network. */
int
task_write(const struct docker *docker, const struct engine_config *config,
    const struct deploy_row *row, const struct stage_spec *spec, enum task_kind task,
    const char *name, struct buf *json, struct err *err)
{
	char image[IMAGE_SIZE + DIGEST_SIZE + 1];
	struct json_writer w;

	snprintf(image, sizeof(image), "%s@%s", spec->image, row->digest);
	json_writer_init(&w, json);
	json_object_open(&w);
	json_pair_text(&w, "Image", image);
	if (write_env(&docker->settings.environment, &w, row, spec, name, err) != 0)
		return -1;
	json_key(&w, "Labels");
	json_object_open(&w);
	write_marks(&w, docker, row);
	json_pair_text(&w, "slipway.task", task_names[task]);
	json_object_close(&w);
	write_rest(&w, config, spec, &task_spec_of(spec, task)->command, true);
	json_object_close(&w);
	return 0;
}
