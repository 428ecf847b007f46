/* rules.h - what a single value in the configuration must look like.
 *
 * Each rule answers NULL for a good value, else the end of a sentence that begins with the value:
 * "must start with a slash". The words say how to mend it. Pure functions, no tables. */
#ifndef SLIPWAY_CONFIG_RULES_H
#define SLIPWAY_CONFIG_RULES_H

#include "base/str.h"

typedef const char *rule_fn(const char *text);

enum { RULE_NAME_MAX = 40 }; /* of a project, stage or engine: two make a container's name */

rule_fn rule_name; /* project, stage, engine */
rule_fn rule_image; /* host/path without tag */
rule_fn rule_registry; /* host[:port] as images name it */
rule_fn rule_glob; /* of tags */
rule_fn rule_domain; /* of a route */
rule_fn rule_host_header; /* domain, address, either with a port */
rule_fn rule_env_name;
rule_fn rule_env_key; /* of a container: not what Slipway itself puts there */
rule_fn rule_secret_name;
rule_fn rule_label_name;
rule_fn rule_network;
rule_fn rule_volume_name;
rule_fn rule_user; /* name or number, with group or not */
rule_fn rule_restart;
rule_fn rule_strategy;
rule_fn rule_probe_path; /* of an HTTP probe */
rule_fn rule_path; /* absolute, no "..", "." or empty part */
rule_fn rule_ip; /* an address that can be bound and reached */
rule_fn rule_line; /* one line without control characters */

/* rules_container.c: of what a container may use and do. */
rule_fn rule_signal; /* SIGTERM */
rule_fn rule_tmpfs; /* "/tmp", "/tmp:64m" */
rule_fn rule_ulimit; /* "nofile=1024", "nofile=1024:2048" */
rule_fn rule_log_driver;
rule_fn rule_log_option;
rule_fn rule_capability; /* NET_ADMIN, ALL */
rule_fn rule_device; /* "/dev/fuse", "/dev/a:/dev/b", "/dev/a:/dev/b:rwm" */

#endif
