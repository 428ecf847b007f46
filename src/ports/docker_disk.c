/* docker_disk.c - how much room an engine has for images.
 *
 * The one idea: only what is seen is said. The API tells the folder, never what is free in it; so an
 * engine on this machine is asked of the kernel, and of any other, or of a folder that this process
 * does not see, nothing is known, and that is said. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "ports/docker_images.h"

#define CONTAINERD_FOLDER "/var/lib/containerd" /* images live there; no answer names it */

/* With the image store of containerd the folder of Docker itself stays small. */
static bool
uses_containerd(const struct json *info)
{
	const struct json *pairs = json_get(info, "DriverStatus");

	for (size_t i = 0; i < json_count(pairs); i++)
		if (strstr(
			json_text(json_at(json_at(pairs, i), 1)), "io.containerd.snapshotter")
		    != NULL)
			return true;
	return false;
}

void
disk_read(const struct engine *engine, const struct answer *info, struct docker_disk *ret)
{
	const char *folder = uses_containerd(info->json)
				 ? CONTAINERD_FOLDER
				 : json_text(json_get(info->json, "DockerRootDir"));
	struct statvfs disk;

	*ret = (struct docker_disk){ .is_known = false };
	snprintf(ret->folder, sizeof(ret->folder), "%s", folder);
	if (info->kind != ANSWER_DONE) {
		snprintf(ret->why, sizeof(ret->why),
		    "the Docker engine '%s' does not tell of itself: %.150s",
		    engine->config.name, info->message);
	} else if (strncmp(engine->config.host, "unix://", 7) != 0) {
		snprintf(ret->why, sizeof(ret->why),
		    "the Docker engine '%s' is not on this machine", engine->config.name);
	} else if (folder[0] != '/') {
		snprintf(ret->why, sizeof(ret->why),
		    "the Docker engine '%s' does not tell where it keeps its images",
		    engine->config.name);
	} else if (statvfs(folder, &disk) != 0) {
		snprintf(ret->why, sizeof(ret->why),
		    "its folder %.100s is not seen from here (%s): mount it into Slipway's "
		    "container",
		    folder, strerror(errno));
	} else {
		ret->is_known = true;
		ret->free_bytes = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
		ret->all_bytes = (int64_t)disk.f_blocks * (int64_t)disk.f_frsize;
	}
}

int
disk_check(const struct engine *engine, const struct docker_disk *disk, struct err *err)
{
	int64_t floor_mb = engine->docker->settings.disk_floor_mb;

	if (!disk->is_known || disk->free_bytes >> 20 >= floor_mb)
		return 0;
	return err_set(err,
	    "%lld MB are free in %.80s, less than SLIPWAY_DISK_FLOOR_MB (%lld): not pulled; "
	    "make "
	    "room (`slipway retention` shows what may go)",
	    (long long)(disk->free_bytes >> 20), disk->folder, (long long)floor_mb);
}
