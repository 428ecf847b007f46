/* file.h - slipway.yml as bounded structs: engines, registries, proxies, projects with stages.
 *
 * The one idea: a file is good as a whole or not at all. Every fault is collected with line and
 * column; a file with even one yields no engines, registries or projects.
 *
 * How the catalog takes it over: everything is in the order of the file; names are unique (engines
 * and projects by name, registries by host, stages by project and name); engine_count is at least 1,
 * since a file without engines gets "local"; every stage's `engine` names one of engines[]; every
 * text fits its array in struct engine_config, registry_config and proxy_config. A stage is a finished stage_spec,
 * its project's keys merged in and env and labels sorted: stage_spec_write() of it is the revision,
 * equal bytes mean nothing changed. All of it lives until config_file_free; a stage_spec in here has
 * no memory of its own, so never call stage_spec_free on it. */
#ifndef SLIPWAY_CONFIG_FILE_H
#define SLIPWAY_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/notice.h"
#include "base/str.h"
#include "config/problems.h"
#include "config/receiver.h"
#include "config/registry_kind.h"
#include "config/spec.h"

struct config_engine {
	const char *name;
	const char *host; /* unix:///path, tcp://host:port */
	const char *ca_file; /* tcp with TLS: all three; else "" */
	const char *cert_file;
	const char *key_file;
	const char *network; /* the shared network */
	bool is_published; /* reach containers by a port published on publish_address */
	const char *publish_address; /* an IP address */
};

/* What a file without engines gets. */
extern const struct config_engine config_engine_local;

struct config_registry {
	const char *host; /* as images name it, with its port */
	const char *kind; /* "": as its host tells (registry_kind.h) */
	bool is_insecure; /* plain HTTP */
	const char *ca_file; /* these five: "" when not given */
	const char *username;
	const char *password_file; /* with a username: one of the two */
	const char *password_env;
	const char *token_url; /* ECR only */
};

struct config_proxy { /* beside the edge */
	const char *name;
	enum proxy_kind kind; /* PROXY_NPM or PROXY_CADDY */
	bool is_direct; /* straight to the containers; else it hands over to the edge */
	bool mends; /* what was changed there by others; else it only reports */
	const char *address; /* http(s)://host:port; Caddy's may be unix:///path */
	const char *entry; /* http://host:port where its visitors come in; "": as it says */
	const char *https_entry; /* https://host:port, for hosts that want HTTPS */
	const char *edge_address; /* host:port where it reaches the edge; "": the edge's own */
	const char *username; /* the rest: "" when not given */
	const char *password_file; /* NPM: one of the two */
	const char *password_env;
	const char *ca_file; /* https: trust these */
	const char *server; /* Caddy: its HTTP server that gets the routes ("slipway") */
	const char *listen; /* Caddy: where that one listens if it must be made (":443") */
	const char *names; /* Caddy, straight: host:port of the name server that it asks */
};

struct config_receiver { /* of notifications */
	const char *name;
	enum receiver_kind kind;
	uint32_t events; /* set of enum notice */
	bool is_insecure;
	const char *url; /* one of these three; the others "" */
	const char *url_file;
	const char *url_env;
	const char *secret_name; /* these: "" when not given */
	const char *secret_file;
	const char *secret_env;
	const char *ca_file;
	const char *from; /* mail */
	const char *username;
	struct strings to;
};

/* Whom a stage, all stages of a project ("" for stage) or all of all ("" for both) tell. */
struct config_notify {
	const char *project;
	const char *stage;
	struct strings receivers; /* none: nobody is told */
	struct config_notify *next;
};

struct config_webhook { /* what it must prove; both "": nothing but its URL */
	const char *secret_file;
	const char *secret_env;
	bool takes_unsigned;
};

struct config_project {
	const char *name;
	struct config_webhook webhook;
	struct stage_spec *stages;
	size_t stage_count; /* at least 1 */
};

struct config_file {
	struct config_engine *engines;
	size_t engine_count;
	struct config_registry *registries;
	size_t registry_count;
	struct config_proxy *proxies;
	size_t proxy_count;
	struct config_receiver *receivers;
	size_t receiver_count;
	struct config_notify *notify; /* where it was given; NULL: nowhere */
	struct config_webhook webhook; /* the one that is for all projects */
	struct config_project *projects;
	size_t project_count;
	size_t stage_count; /* of all projects */
	struct config_problems faults; /* any: the counts above are 0 */
	struct config_problems warnings; /* good, but worth a look */
	void *memory;
};

/* NULL: the file says nothing of exactly this one. */
const struct config_notify *
config_notify_find(const struct config_file *file, const char *project, const char *stage);

/* What the process's settings say about files. NULL stands for all zero. */
struct config_rules {
	bool allows_docker_socket; /* SLIPWAY_ALLOW_DOCKER_SOCKET */
	const int
	    *taken_ports; /* ports that the edge listens on already: no TCP routes there */
	size_t taken_port_count;
	const char *const *engine_hosts; /* of the engines that are configured already */
	size_t engine_count;
	const char *volume_paths; /* SLIPWAY_ALLOW_VOLUME_PATHS; NULL: not looked at here */
	const char *powers; /* SLIPWAY_ALLOW_POWERS; NULL: not looked at here */
	const char *secret_paths; /* SLIPWAY_SECRET_PATHS; NULL: not looked at here */
	bool (*has_secret)(void *context, const char *name); /* NULL: not known here */
	void *context;
};

/* Never NULL; look at faults.count first. The text may go away afterwards. */
struct config_file *
config_file_parse(struct str text, const struct config_rules *rules) MUST_USE;

/* NULL only when the file cannot be read (err). Reads at most CONFIG_BYTES_MAX at once. */
struct config_file *
config_file_load(const char *path, const struct config_rules *rules, struct err *err) MUST_USE;

void config_file_free(struct config_file *file); /* NULL allowed */

#endif
