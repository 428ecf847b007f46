/* inside.h - what the commands share: their table, and how one is called. */
#ifndef SLIPWAY_CLI_INSIDE_H
#define SLIPWAY_CLI_INSIDE_H

#include "base/err.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/options.h"

enum command_needs { NEEDS_NOTHING, NEEDS_SERVER, NEEDS_TOKEN };

enum command_completes { /* what its first argument may be */
	COMPLETES_NOTHING,
	COMPLETES_STAGES,
	COMPLETES_PROJECTS,
	COMPLETES_REGISTRIES, /* a word */
	COMPLETES_WEBHOOKS, /* a word, then a project */
	COMPLETES_FILES,
	COMPLETES_COMMANDS,
	COMPLETES_SHELLS,
	COMPLETES_ACTIONS,
	COMPLETES_SECRET_ACTIONS,
	COMPLETES_NOTIFY,
};

struct target;

struct invocation {
	struct options options;
	struct client *client; /* as the command needs it */
	struct err *err;
};

/* Returns the exit code; a text in err goes to standard error. */
typedef enum cli_exit command_fn(struct invocation *in);

struct command {
	const char *name;
	const char *arguments; /* as the help shows them */
	const char *summary;
	const char *details; /* whole lines */
	const struct option_spec *options;
	size_t least; /* arguments */
	size_t most;
	enum command_needs needs;
	enum command_completes completes;
	command_fn *run; /* NULL: the program runs it by itself */
};

extern const struct command commands[]; /* ended by name NULL */

const struct command *command_find(const char *name); /* NULL: none */
const char *command_nearest(const char *name); /* NULL: none is near */
void command_write_help(const struct command *command, struct buf *to);
void commands_write_overview(struct buf *to);
void commands_write_manual(struct buf *to); /* slipway(1), as man reads it */

/* Whole lines, each a name or number and what it means. */
extern const char commands_environment[];
extern const char commands_exit_codes[];

/* The commands. */
command_fn cli_deploy;
command_fn cli_rollback;
command_fn cli_restart;
command_fn cli_stop;
command_fn cli_start;
command_fn cli_remove;
command_fn cli_cancel;
command_fn cli_status;
command_fn cli_history;
command_fn cli_stats;
command_fn cli_show;
command_fn cli_top;
command_fn cli_logs;
command_fn cli_poll;
command_fn cli_explain;
command_fn cli_inspect;
command_fn cli_quick;
command_fn cli_plan;
command_fn cli_lift;
command_fn cli_promote;
command_fn cli_promotable;
command_fn cli_approve;
command_fn cli_reject;
command_fn cli_freeze;
command_fn cli_unfreeze;
command_fn cli_audit;
command_fn cli_retention;
command_fn cli_webhook;
command_fn cli_export;
command_fn cli_diff;
command_fn cli_secrets;
command_fn cli_registry;
command_fn cli_apply;
command_fn cli_notify;
command_fn cli_healthcheck;
command_fn cli_version;
command_fn cli_completion;
command_fn cli_help;

/* Shared by several. */

/* Standard input to its end, up to the buffer's maximum. */
int read_input(struct buf *text, struct err *err) MUST_USE;

/* An argument that is the id of a deploy. */
int take_id(const char *text, uint64_t *ret_id, struct err *err) MUST_USE;

/* "/api/v1/projects/P/stages/S" and tail, to be freed. */
void stage_path(struct buf *path, const char *project, const char *stage, const char *tail);

/* CLI_OK: there is such a project. An empty list does not tell. */
enum cli_exit find_project(struct invocation *in, const char *project) MUST_USE;

/* What keeps the server from its work, to standard error; nothing when all is well. */
void tell_troubles(struct invocation *in);

/* GET of path; with --json (if the command has it and it was given) prints the answer as it is and
 * leaves answer->json NULL, so that the caller has nothing left to print. */
enum cli_exit
ask_or_print(struct invocation *in, const char *path, struct answer *answer) MUST_USE;

/* POSTs what begins a deploy in a stage, and says so or follows it (--wait, --json). */
enum cli_exit ask_for_deploy(struct invocation *in, const struct target *target,
    const char *what, struct str body) MUST_USE;

/* What such a command does once the server has said yes: answer holds what it said. */
enum cli_exit follow_begun(struct invocation *in, const struct target *target,
    const struct answer *answer, uint64_t id) MUST_USE;

/* The versions that a stage can go back to. */
enum cli_exit list_rollbacks(struct invocation *in, const struct target *target) MUST_USE;

/* An option's value, if it was given, as a member of a body. */
struct json_writer;
void put_option(struct json_writer *w, const struct invocation *in, const char *option,
    const char *member);

/* Follows a deploy to its end, printing; the exit code says how it ended. */
enum cli_exit wait_for_deploy(struct invocation *in, uint64_t id, bool as_json) MUST_USE;

#endif
