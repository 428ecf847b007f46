/* keys.c - unknown keys, and what was probably meant. */
#include "config/import.h"

#include <string.h>

#include "config/nearest.h"

/* Keys that people bring along from elsewhere, and what does their work here. */
static const struct {
	const char *key;
	const char *hint;
} foreign[] = {
	{ "services", "this looks like a compose file; Slipway has 'projects' with 'stages'" },
	{ "service", "Slipway has 'projects' with 'stages'" },
	{ "environment", "here it is 'env', a map" },
	{ "env_file", "values stand in 'env'; mount a file with 'volumes'" },
	{ "ports",
	    "name the container's port with 'port', and its route with 'domains' or 'tcp'" },
	{ "expose", "name the container's port with 'port'" },
	{ "healthcheck", "here it is 'health'" },
	{ "mem_limit", "here it is 'memory'" },
	{ "deploy", "'replicas', 'memory' and 'cpus' are keys of their own here" },
	{ "scale", "here it is 'replicas'" },
	{ "stop_grace_period", "here it is 'stop_timeout'" },
	{ "hosts", "here it is 'domains'" },
	{ "hostname",
	    "Slipway names containers itself; a route's host name stands in 'domains'" },
	{ "container_name", "Slipway names containers itself: two versions run side by side" },
	{ "network_mode", "here it is 'networks', or 'host_network: true'" },
	{ "pid", "here it is 'host_pid: true'" },
	{ "ipc", "here it is 'host_ipc: true'" },
	{ "pids_limit", "here it is 'pids'" },
	{ "logging", "here it is 'log_driver' and 'log_options'" },
	{ "depends_on", "stages start on their own" },
	{ "build", "Slipway deploys images that a registry holds" },
	{ "password",
	    "secrets do not belong in this file; use 'password_file' or 'password_env'" },
	{ "secret", "secrets do not belong in this file; use 'secret_file' or 'secret_env'" },
	{ "webhook", "it belongs to a project, or stands at the top level" },
	{ "retries", "a single failure does not count; 'deadline' ends the gate" },
	{ "pattern", "here it is 'glob', or 'regex' for a regular expression" },
	{ "range", "here it is 'semver'" },
	{ "policy", "its kinds are keys of their own here: 'semver', 'numeric', 'date'" },
	{ "extract", "a group called version in 'regex' does that: \"^v(?<version>.*)$\"" },
	{ "start_period", "here it is 'min_uptime' and 'deadline'" },
	{ "pre_deploy", "here it is 'migration': it runs in a container of the new image" },
	{ "migrate", "here it is 'migration'" },
	{ "post_deploy", "here it is 'post_switch' of 'hooks'" },
	{ "pre_switch", "it belongs to 'hooks'" },
	{ "post_switch", "it belongs to 'hooks'" },
	{ "post_retire", "it belongs to 'hooks'" },
	{ "verification", "here it is 'verify'" },
	{ "bake_time", "here it is 'verify: {for: 60s}'" },
};

static const char *
hint_for(const char *key)
{
	for (size_t i = 0; i < COUNT(foreign); i++)
		if (strcmp(foreign[i].key, key) == 0)
			return foreign[i].hint;
	return NULL;
}

static void
tell_known(struct import *im, const struct node *member, const char *const *known)
{
	struct buf list;

	buf_init(&list, ERR_TEXT_SIZE);
	for (; *known != NULL; known++)
		buf_format(&list, "%s%s", list.n == 0 ? "" : ", ", *known);
	import_fault_key(im, member, "unknown key '%.60s': known here are %s", member->key.p,
	    buf_cstr(&list));
	buf_free(&list);
}

bool
key_is_known(struct import *im, const struct node *member, const char *const *known)
{
	struct nearest nearest;

	for (size_t i = 0; known[i] != NULL; i++)
		if (strcmp(known[i], member->key.p) == 0)
			return true;
	nearest_begin(&nearest, member->key);
	for (size_t i = 0; known[i] != NULL; i++)
		nearest_offer(&nearest, known[i]);
	if (hint_for(member->key.p) != NULL)
		import_fault_key(im, member, "unknown key '%s': %s", member->key.p,
		    hint_for(member->key.p));
	else if (nearest.name != NULL)
		import_fault_key(im, member, "unknown key '%.60s': did you mean '%s'?",
		    member->key.p, nearest.name);
	else
		tell_known(im, member, known);
	return false;
}

void
keys_check(struct import *im, const struct node *map, const char *const *known)
{
	for (const struct node *member = map->first; member != NULL; member = member->next)
		(void)key_is_known(im, member, known);
}
