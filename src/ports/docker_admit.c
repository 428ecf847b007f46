/* docker_admit.c - what the host must have and allow for a container.
 *
 * Asked before the image is pulled, with the settings of now: what was applied under others, or leads
 * elsewhere by now, is refused. Links are followed where the engine is on this machine; a path that this
 * process does not see (it may run in a container) is taken as far as it is there. Whoever can write in
 * a folder that is allowed could still change it between this look and the engine's. */
#include <string.h>

#include "base/check.h"
#include "config/paths.h"
#include "config/powers.h"
#include "config/sockets.h"
#include "ports/docker_parts.h"
#include "ports/host_path.h"

static bool
exposes_engine(const struct docker *docker, const char *path)
{
	const struct catalog *catalog = docker->host.catalog;

	for (size_t i = 0; i < catalog_engine_count(catalog); i++)
		if (socket_is_exposed_by(path, catalog_engine_at(catalog, i)->host))
			return true;
	return sockets_are_exposed_by(path);
}

static int
admit_path(const struct docker *docker, const char *named, const char *path, bool is_in,
    struct err *err)
{
	const struct config_rules *rules = docker->settings.rules;

	if (exposes_engine(docker, path))
		return rules->allows_docker_socket
			   ? 0
			   : err_set(err,
			       "the volume %s leads to the socket of a container engine (%s): "
			       "only with SLIPWAY_ALLOW_DOCKER_SOCKET=on",
			       named, path);
	if (is_in)
		return 0;
	return err_set(err,
	    "the volume %s leads to %s, in none of the folders of SLIPWAY_ALLOW_VOLUME_PATHS "
	    "(%s)",
	    named, path,
	    rules->volume_paths == NULL || rules->volume_paths[0] == '\0'
		? "none now"
		: rules->volume_paths);
}

/* By its name, and where that leads. */
static int
admit_volume(const struct job *job, const struct volume_spec *volume, struct err *err)
{
	const struct docker *docker = job->docker;
	const char *folders = docker->settings.rules->volume_paths;
	char name[VOLUME_NAME_SIZE];
	char real[HOST_PATH_SIZE];

	if (folders == NULL)
		folders = "";
	volume_name(job_spec(job), volume, name);
	if (admit_path(docker, name, name, paths_hold(folders, name), err) != 0)
		return -1;
	if (strncmp(job->engine->config.host, "unix://", 7) != 0)
		return 0;
	if (host_path_resolve_as_far(name, real, err) != 0)
		return err_context(err, "the volume %s", name);
	return admit_path(docker, name, real, host_path_is_in(folders, real), err);
}

int
job_admit(const struct job *job, struct err *err)
{
	const struct stage_spec *spec = job_spec(job);
	const char *powers = job->docker->settings.rules->powers;
	char power[POWER_SIZE];

	if (power_is_missing(spec, powers == NULL ? "" : powers, power))
		return err_set(err,
		    "'%s' is not allowed by the server's owner "
		    "(SLIPWAY_ALLOW_POWERS)",
		    power);
	for (size_t i = 0; i < spec->volume_count; i++)
		if (spec->volumes[i].source[0] == '/'
		    && admit_volume(job, &spec->volumes[i], err) != 0)
			return -1;
	return environment_check(&job->docker->settings.environment, spec, err);
}
