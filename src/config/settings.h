/* settings.h - the settings of the process, from the environment.
 *
 * The one idea: one table (name, type, default, help) drives the reading, what `slipway check` prints
 * and the reference in docs. Each setting may come as NAME or, from a file's contents, as NAME_FILE. */
#ifndef SLIPWAY_CONFIG_SETTINGS_H
#define SLIPWAY_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "config/file.h"
#include "config/problems.h"

struct buf;

struct address {
	const char *text; /* as given: "127.0.0.1:8080", "[::1]:8080" */
	const char *host; /* the IP address alone */
	int port;
};

struct addresses {
	struct address *items;
	size_t count;
};

struct keep_settings { /* see store/retention.h */
	int64_t deploys;
	int64_t days;
	int64_t rollbacks;
	int64_t images_ms;
	bool removes_images;
};

enum log_format {
	LOG_FORMAT_AUTO,
	LOG_FORMAT_JSON,
	LOG_FORMAT_TEXT
}; /* auto: text on a terminal */

enum quick_deploy {
	QUICK_OFF,
	QUICK_API,
	QUICK_WEBHOOK
}; /* what may make a project of an image: nothing, a person, the webhook of all projects, too */

struct settings {
	struct address listen;
	const char *data; /* folder */
	const char *config; /* path; "" = none */
	const char *token; /* "" = not set */
	const char *url; /* of the server, for the client; no slash at its end */
	int log_level; /* enum log_level */
	int log_format; /* enum log_format */
	bool serves_docs; /* /openapi.json and /docs */
	bool is_edge_on;
	bool starts_edge; /* when none runs */
	struct addresses edge_http;
	struct addresses edge_https;
	const char *edge_certificates; /* file or folder; "" = none */
	const char *edge_trusted; /* addresses and networks of proxies before it; "" = none */
	const char *haproxy;
	int64_t shutdown_drain_timeout_ms;
	int64_t sweep_interval_ms;
	struct keep_settings keep;
	int64_t disk_floor_mb; /* of engines; 0: none */
	const char *backups; /* folder */
	int64_t backup_interval_ms; /* 0: never */
	int64_t backup_keep;
	bool allows_docker_socket;
	const char *key_file; /* of the secrets' keys; "": secrets.key in the data folder */
	const char *keys; /* the keys themselves; "": in that file */
	const char *volume_paths; /* folders that stages may mount; "" = none */
	const char *powers; /* that stages may have; "" = none */
	const char *secret_paths; /* folders of files with values; "" = none */
	int quick_deploy; /* enum quick_deploy */
	const char *quick_domain; /* of what is deployed so; "" = none */

	struct config_rules rules; /* for config_file_parse; valid as long as the settings */
	struct config_problems faults; /* any: do not start */
	void *memory;
};

/* environment: "NAME=value" texts, ended by NULL. Never NULL; look at faults.count first. All faults
 * are collected; an unknown SLIPWAY_ variable is one. An empty value counts as not set. */
struct settings *settings_load(char *const *environment) MUST_USE;
void settings_free(struct settings *settings); /* NULL allowed */

/* One line a setting: name, value and where it came from; secrets only as "set". */
void settings_write_summary(const struct settings *settings, struct buf *text);

/* The table as Markdown, for docs/settings.md. */
void settings_write_reference(struct buf *markdown);

#endif
