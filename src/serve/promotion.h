/* promotion.h - what people decide: to promote, to agree or not, to freeze; each noted with a name.
 *
 * The one idea: a name tells people apart and is not proved (there are no users yet, who may come in is
 * who has the token). Whether a version may go is judged by the stage's machine alone; here it is judged
 * ahead by the same function, so that a person hears of it at once. */
#ifndef SLIPWAY_SERVE_PROMOTION_H
#define SLIPWAY_SERVE_PROMOTION_H

#include "serve/commands.h"
#include "store/catalog.h"

enum {
	NOTE_BYTES_MAX = 160, /* a sentence or two; it is shown in lists */
	FREEZE_REASON_BYTES_MAX = 100, /* with a name it fits FREEZE_SIZE */
};
#define FREEZE_MS_MAX (INT64_C(366) * 24 * 3600 * 1000)

/* COMMAND_INVALID: nobody is called so. */
enum command_result promotion_check_name(const char *by, struct err *err);

/* May this wish begin, as far as is known? Fills in the digest of a tag that is live in the source. */
enum command_result promotion_admit(struct app *app, const struct stage_entry *stage,
    const struct deploy_command *command, struct event *trigger, struct err *err);

/* Who asked for it and what it overrides, with the deploy and in the audit log. */
void promotion_note(struct app *app, const struct stage_entry *stage,
    const struct deploy_command *command, uint64_t deploy);

/* Into the audit log. stage "": the whole project; deploy 0: about none. */
void promotion_audit(struct app *app, const char *by, const char *action, const char *project,
    const char *stage, uint64_t deploy, const char *text);

/* What is live in the stage's source, to the stage. command: tag is not looked at; digest: what the
 * asker has seen there, "" for whatever it is. */
enum command_result command_promote(struct app *app, const struct deploy_command *command,
    uint64_t *ret_deploy, struct err *err);

struct decision {
	const char *by;
	const char *note;
	const char *digest; /* what the decider has seen; "": whatever it is */
	bool is_rejection;
};

/* About a deploy that pends. COMMAND_CONFLICT, too, when it may not go any more, which is noticed now. */
enum command_result command_decide(
    struct app *app, uint64_t deploy, const struct decision *decision, struct err *err);

/* stage "": each stage of the project. for_ms 0: until it is thawed. A stage that is frozen for longer stays so:
 * COMMAND_CONFLICT when all of them are. */
struct freeze_command {
	const char *project;
	const char *stage;
	const char *by;
	const char *reason;
	int64_t for_ms;
};
enum command_result
command_freeze(struct app *app, const struct freeze_command *command, struct err *err);
enum command_result
command_thaw(struct app *app, const struct freeze_command *command, struct err *err);

#endif
