/* commands_options.h - the options of the commands; for commands.c, which alone takes it in. */
#ifndef SLIPWAY_CLI_COMMANDS_OPTIONS_H
#define SLIPWAY_CLI_COMMANDS_OPTIONS_H

#include "cli/inside.h"

#define HELP                                   \
	{                                      \
		"help", 'h', NULL, "this text" \
	}
#define JSON                                                                          \
	{                                                                             \
		"json", 0, NULL, "print the API's answer as it is: one JSON document" \
	}
#define AS                                                         \
	{                                                          \
		"as", 0, "NAME", "who you are; it is kept with it" \
	}
#define OVERRIDE                                                                              \
	{                                                                                     \
		"override", 0, "REASON",                                                      \
		    "in spite of freezes and outside of windows; it is kept in the audit log" \
	}
#define END                         \
	{                           \
		NULL, 0, NULL, NULL \
	}

static const struct option_spec only_help[] = { HELP, END };
static const struct option_spec only_json[] = { JSON, HELP, END };
static const struct option_spec deploy_options[] = {
	{ "digest", 0, "DIGEST", "deploy exactly this digest (sha256:...) under that tag" },
	{ "force", 0, NULL, "deploy even when this digest is live already" },
	AS,
	OVERRIDE,
	{ "wait", 'w', NULL, "follow it to its end; the exit code says how it ended" },
	JSON,
	HELP,
	END,
};
static const struct option_spec promote_options[] = {
	{ "digest", 0, "DIGEST", "only if this is what is live in the source" },
	{ "force", 0, NULL, "deploy even when this digest is live already" },
	AS,
	OVERRIDE,
	{ "wait", 'w', NULL, "follow it to its end; the exit code says how it ended" },
	JSON,
	HELP,
	END,
};
static const struct option_spec decide_options[] = {
	AS,
	{ "note", 0, "TEXT", "a remark that is kept with it" },
	{ "digest", 0, "DIGEST", "only if the deploy is of this digest" },
	JSON,
	HELP,
	END,
};
static const struct option_spec freeze_options[] = {
	AS,
	{ "reason", 0, "TEXT", "why; it is shown to whom it stops" },
	{ "for", 0, "TIME", "how long: 90m, 8h; without it, until `slipway unfreeze`" },
	JSON,
	HELP,
	END,
};
static const struct option_spec as_options[] = { AS, JSON, HELP, END };
static const struct option_spec audit_options[] = {
	{ "limit", 'n', "N", "at most so many (20; up to 500)" },
	{ "before", 0, "SEQ", "only those older than this one" },
	JSON,
	HELP,
	END,
};
static const struct option_spec rollback_options[] = {
	{ "to", 0, "ID", "the deploy to go back to; without it, the one live before" },
	{ "list", 0, NULL,
	    "only show the versions that it can go back to, and where their images are" },
	{ "wait", 'w', NULL, "follow it to its end; the exit code says how it ended" },
	JSON,
	HELP,
	END,
};
static const struct option_spec remove_options[] = { AS, JSON, HELP, END };
static const struct option_spec restart_options[] = {
	AS,
	{ "wait", 'w', NULL, "follow it to its end; the exit code says how it ended" },
	JSON,
	HELP,
	END,
};
static const struct option_spec retention_options[] = {
	{ "keep-deploys", 0, "N",
	    "which deploys would go if so many of each stage were kept" },
	{ "keep-days", 0, "N", "and older ones for so many days" },
	JSON,
	HELP,
	END,
};
static const struct option_spec history_options[] = {
	{ "limit", 'n', "N", "at most so many (20; up to 500)" },
	{ "state", 0, "STATE", "only those in this state: live, failed, rolled-back, ..." },
	{ "before", 0, "ID", "only those older than this one" },
	JSON,
	HELP,
	END,
};
static const struct option_spec stats_options[] = {
	{ "days", 0, "N", "of the last N days (30)" },
	JSON,
	HELP,
	END,
};
static const struct option_spec top_options[] = {
	{ "json", 0, NULL,
	    "for programs: one JSON document; cpu_milli is thousandths of a processor" },
	HELP,
	END,
};
static const struct option_spec logs_options[] = {
	{ "replica", 0, "N", "which container of the stage (0, the first)" },
	{ "tail", 'n', "N", "only the last N lines (100 of a container, all of a deploy)" },
	{ "follow", 'f', NULL, "go on with new lines as they come" },
	HELP,
	END,
};
static const struct option_spec explain_options[] = {
	{ "limit", 'n', "N", "at most so many tags (50; with --json all, up to 10000)" },
	{ "after", 0, "TAG", "only those behind this one" },
	JSON,
	HELP,
	END,
};
static const struct option_spec notify_options[] = {
	{ "limit", 'n', "N", "list: at most so many (20; up to 500)" },
	{ "state", 0, "STATE", "list: only pending, sending, delivered or given-up ones" },
	JSON,
	HELP,
	END,
};
static const struct option_spec webhook_options[] = {
	{ "all", 0, NULL, "the webhook that is for all projects of the server" },
	JSON,
	HELP,
	END,
};
#define WISHES                                                                         \
	{ "project", 0, "NAME", "how the project is called (as the image)" },          \
	    { "stage", 0, "NAME", "and its stage (dev)" },                             \
	    { "domain", 0, "NAME",                                                     \
		    "its route; without it SLIPWAY_QUICK_DOMAIN of the server" },      \
	{                                                                              \
		"port", 0, "PORT", "the container's port (one that the image exposes)" \
	}
static const struct option_spec inspect_options[] = { WISHES, JSON, HELP, END };
static const struct option_spec quick_options[] = {
	WISHES,
	AS,
	{ "wait", 'w', NULL, "follow it to its end; the exit code says how it ended" },
	JSON,
	HELP,
	END,
};
static const struct option_spec registry_options[] = {
	{ "limit", 'n', "N", "tags: at most so many on the page (100; up to 1000)" },
	{ "after", 0, "TAG", "tags: the page behind this one" },
	JSON,
	HELP,
	END,
};
static const struct option_spec apply_options[] = {
	{ "dry-run", 0, NULL, "only tell what would change" },
	{ "yes", 'y', NULL, "do not ask, even on a terminal" },
	{ "if-match", 0, "ETAG",
	    "only if nothing has changed since the answer that had this ETag" },
	JSON,
	HELP,
	END,
};
static const struct option_spec secrets_options[] = {
	{ "file", 0, "FILE", "set: the value is what this file holds, not standard input" },
	JSON,
	HELP,
	END,
};
static const struct option_spec db_options[] = {
	{ "to", 0, "VERSION", "rollback: to which one; without it, the one before" },
	{ "json", 0, NULL, "status: for programs" },
	HELP,
	END,
};
static const struct option_spec help_options[] = {
	{ "man", 0, NULL, "all of it as a manual page: slipway(1)" },
	HELP,
	END,
};
static const struct option_spec machines_options[] = {
	{ "mermaid", 0, NULL, "for Markdown pages (the default)" },
	{ "dot", 0, NULL, "for Graphviz" },
	{ "promela", 0, NULL, "for the model checker Spin" },
	{ "json", 0, NULL, "for programs" },
	HELP,
	END,
};

#endif
