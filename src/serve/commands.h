/* commands.h - what people and hooks can ask for. Called in the tick, by handlers; everything a
 * command does joins the tick's transaction, and its answer leaves after the commit. */
#ifndef SLIPWAY_SERVE_COMMANDS_H
#define SLIPWAY_SERVE_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/fsm.h"
#include "base/err.h"
#include "base/str.h"

struct app;
struct config_file;
struct project_entry;
struct stage_entry;
struct webhook;

enum command_result {
	COMMAND_DONE,
	COMMAND_INVALID, /* 400: the request makes no sense; err says why */
	COMMAND_NOT_FOUND, /* 404 */
	COMMAND_CONFLICT, /* 409: not in this state */
	COMMAND_BUSY, /* 503: draining, or too much is waiting; try again later */
};

struct deploy_command {
	const char *project;
	const char *stage;
	const char *tag; /* "" when digest is given */
	const char *digest; /* "" = ask the registry */
	const char *by; /* who asks; "": nobody says */
	const char *override; /* why windows and freezes shall not hold it; "": they do */
	bool is_forced; /* even what is live already */
	enum trigger trigger;
};

/* *ret_deploy: the deploy that was begun, or the one under way that the wish was merged into. Of a
 * stage that is promoted to, a tag means what is live under it in the source. */
enum command_result command_deploy(struct app *app, const struct deploy_command *command,
    uint64_t *ret_deploy, struct err *err);

/* to: an earlier deploy of the stage that was live; 0: the newest one with another digest. ret_warning:
 * what a person should know before that version serves again; "": nothing. */
enum command_result command_rollback(struct app *app, const char *project, const char *stage,
    uint64_t to, uint64_t *ret_deploy, char ret_warning[REASON_SIZE], struct err *err);

struct stage_command {
	const char *project;
	const char *stage;
	const char *by; /* who asks; "": nobody says */
};

/* What is live is deployed once more, under whatever terms: it serves already. */
enum command_result command_restart(struct app *app, const struct stage_command *command,
    uint64_t *ret_deploy, struct err *err);

/* A deploy that starts nothing: nobody is led to what is live any more, and it ends. It stays so, whatever hooks and
 * polls bring, until a person starts the stage or deploys something. */
enum command_result command_stop(struct app *app, const struct stage_command *command,
    uint64_t *ret_deploy, struct err *err);

/* Of a stage that is stopped: what was live is deployed again, under whatever terms; and behind that what pends. */
enum command_result command_start(struct app *app, const struct stage_command *command,
    uint64_t *ret_deploy, struct err *err);

/* A version that is kept running beside what serves is let go; its containers end soon. ret_deploy: whose they are. */
enum command_result command_remove(struct app *app, const struct stage_command *command,
    const char *tag, uint64_t *ret_deploy, struct err *err);

/* Out of quarantine; digest "": whatever is in it. Deploys nothing. */
enum command_result command_lift(struct app *app, const char *project, const char *stage,
    const char *digest, struct err *err);

enum command_result command_cancel(struct app *app, uint64_t deploy, struct err *err);

/* What a webhook means to one stage whose image it names. */
enum webhook_fit {
	WEBHOOK_DEPLOYS,
	WEBHOOK_LOOKS, /* it names no tag: the stage's poll looks now */
	WEBHOOK_BY_HAND, /* the stage deploys by hand only */
	WEBHOOK_TAG, /* its tag policy takes none of the tags */
	WEBHOOK_NOT_POLLED, /* it names no tag, and nobody looks */
	WEBHOOK_UNPROVED, /* its project wants a proof, and this URL asks for none */
};
typedef void webhook_fit_fn(void *context, const struct stage_entry *stage,
    enum webhook_fit fit, const char *tag, const char *why);

/* Each stage of the project (of all, when that is everyone) whose image it names; does nothing. tag: the
 * one of several that the stage's policy prefers, or "". why: for a person. */
void webhook_match(const struct app *app, const struct project_entry *project,
    const struct webhook *webhook, webhook_fit_fn *each, void *context);

/* What the registry has under that tag is deployed by every stage that it fits. COMMAND_BUSY, too, when
 * one of them asks its registry for too many tags already: ret tells which of the others have begun; they
 * merge the same webhook when it comes again. */
struct webhook_result {
	uint64_t deploys[STAGES_MAX];
	uint64_t stages[STAGES_MAX];
	size_t count;
	size_t looks; /* polls that look now */
	const char *ignored; /* nothing of that: why, in words */
	bool is_unknown; /* it was pushed, and no stage has such an image */
};
enum command_result command_webhook(struct app *app, const struct project_entry *project,
    const struct webhook *webhook, struct webhook_result *ret, struct err *err);

/* The configuration becomes what the file says. Nothing is removed: what the file leaves out is
 * named in the plan as left alone. dry: only the plan. *ret_plan (see plan.h) is to be freed. */
struct plan;
/* What the settings and the store say about files that may be applied. */
struct config_rules command_rules(struct app *app);
enum command_result command_apply(struct app *app, const struct config_file *file, bool dry,
    struct plan *ret_plan, struct err *err);

/* Adds the projects of a file, and nothing else of it: all that is there stays. Its stages name engines,
 * proxies and receivers that are there. */
enum command_result command_add_projects(
    struct app *app, const struct config_file *file, struct plan *ret_plan, struct err *err);

/* Secrets. A new value reaches containers with the next deploy. */
enum command_result command_secret_set(struct app *app, const char *name, struct str value,
    int64_t *ret_version, struct err *err);
/* COMMAND_CONFLICT: a stage or a receiver needs it. */
enum command_result command_secret_remove(struct app *app, const char *name, struct err *err);
enum command_result
command_secrets_rotate(struct app *app, size_t *ret_count, struct err *err);
/* The stages whose configuration names it: "shop/production", in order; NULL: no more from there on. */
const struct stage_entry *
command_secret_user(const struct app *app, const char *name, size_t *index);
/* The receivers that name it, in the same way. */
const struct receiver_config *
command_secret_receiver(const struct app *app, const char *name, size_t *index);

/* Every stage is told its strategy anew, where that is another one now. Also after a start. */
void apply_strategies(struct app *app);

#endif
