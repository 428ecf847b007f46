/* promotion.c - see promotion.h. */
#include "serve/promotion.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "actors/permit.h"
#include "base/clock.h"
#include "serve/app.h"
#include "serve/runtime.h"
#include "serve/terms.h"
#include "store/deploys.h"
#include "store/promotions.h"

/* What is shown in lists and logs: one line, nothing that hides. */
static bool
is_line(const char *text, size_t most)
{
	struct str line = str_of(text);

	return line.n <= most && str_trim(line).n == line.n && !str_turns(line);
}

enum command_result
promotion_check_name(const char *by, struct err *err)
{
	if (by[0] == '\0') {
		err_set(err, "say who does this: 'by' (of the command line: --as NAME)");
		return COMMAND_INVALID;
	}
	if (!is_line(by, NAME_SIZE - 1) || str_hides(str_of(by))) {
		err_set(err,
		    "'by' is a name: one line of at most %d bytes, without blanks at its ends "
		    "and characters that nobody sees",
		    NAME_SIZE - 1);
		return COMMAND_INVALID;
	}
	return COMMAND_DONE;
}

static enum command_result
check_line(const char *text, const char *what, size_t most, struct err *err)
{
	if (is_line(text, most))
		return COMMAND_DONE;
	err_set(err,
	    "'%s' is one line of at most %zu bytes, without blanks at its ends and marks that "
	    "turn it",
	    what, most);
	return COMMAND_INVALID;
}

void
promotion_audit(struct app *app, const char *by, const char *action, const char *project,
    const char *stage, uint64_t deploy, const char *text)
{
	struct audit_row row = { .deploy = deploy };

	snprintf(row.by, sizeof(row.by), "%s", by);
	snprintf(row.action, sizeof(row.action), "%s", action);
	snprintf(row.project, sizeof(row.project), "%s", project);
	snprintf(row.stage, sizeof(row.stage), "%s", stage);
	snprintf(row.text, sizeof(row.text), "%s", text);
	store_audit_add(app->store, &row);
}

static void
    PRINTF_LIKE(3, 4) note_log(struct app *app, uint64_t deploy, const char *format, ...)
{
	char text[LOG_LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	store_deploy_log_add(app->store, deploy, "info", str_of(text));
}

/* Of one tag the source runs one digest: that is meant, whatever the registry says by now. */
static enum command_result
take_digest(
    struct app *app, const struct stage_entry *source, struct event *trigger, struct err *err)
{
	const struct actor *a = runtime_actor(app->runtime, source->id);
	struct deploy_brief live;

	if (!store_deploy_brief(app->store, a->stage.live, &live))
		return COMMAND_DONE; /* nothing is: that is told by who judges */
	if (strcmp(live.tag, trigger->tag) != 0) {
		err_set(err,
		    "%s/%s runs %s, not %s: only what is live there may be deployed here",
		    source->spec->project, source->spec->stage, live.tag, trigger->tag);
		return COMMAND_CONFLICT;
	}
	memcpy(trigger->digest, a->stage.live_digest, sizeof(trigger->digest));
	return COMMAND_DONE;
}

/* As the machine will judge it, once for all that can be known before the digest is. */
static enum command_result
judge(struct app *app, const struct stage_entry *stage, const struct event *trigger,
    struct err *err)
{
	const struct stage_spec *spec = stage->spec;
	const struct stage *state = &runtime_actor(app->runtime, stage->id)->stage;
	struct event question = *trigger;
	struct permit permit;

	question.now_ms = clock_now_ms();
	if (!trigger->is_overriding && state->frozen_until_ms > question.now_ms) {
		err_set(err,
		    "%s/%s is frozen: %s; thaw it, or override that and say why ('override')",
		    spec->project, spec->stage, state->freeze);
		return COMMAND_CONFLICT;
	}
	terms_read(app, stage, &question.terms);
	if (permit_judge(state, &question, &permit) != PERMIT_DENY)
		return COMMAND_DONE;
	err_set(err, "%s/%s: %s", spec->project, spec->stage, permit.text);
	return COMMAND_CONFLICT;
}

enum command_result
promotion_admit(struct app *app, const struct stage_entry *stage,
    const struct deploy_command *command, struct event *trigger, struct err *err)
{
	const struct stage_entry *source = terms_source(app, stage);
	bool needs_name = stage->spec->approvals > 0 || trigger->is_overriding;
	enum command_result result = COMMAND_DONE;

	if (needs_name || command->by[0] != '\0')
		result = promotion_check_name(command->by, err);
	if (result == COMMAND_DONE)
		result = check_line(command->override, "override", NOTE_BYTES_MAX, err);
	if (result == COMMAND_DONE && source != NULL && trigger->digest[0] == '\0')
		result = take_digest(app, source, trigger, err);
	if (result == COMMAND_DONE)
		result = judge(app, stage, trigger, err);
	return result;
}

void
promotion_note(struct app *app, const struct stage_entry *stage,
    const struct deploy_command *command, uint64_t deploy)
{
	static const char *const actions[TRIGGER_COUNT] = {
		[TRIGGER_MANUAL] = "deploy",
		[TRIGGER_PROMOTE] = "promote",
		[TRIGGER_RESTART] = "restart",
		[TRIGGER_STOP] = "stop",
		[TRIGGER_START] = "start",
	};
	struct wish wish;
	char text[REASON_SIZE] = "";

	if (command->by[0] == '\0')
		return;
	snprintf(wish.by, sizeof(wish.by), "%s", command->by);
	snprintf(wish.override, sizeof(wish.override), "%s", command->override);
	store_wish_put(app->store, deploy, &wish);
	if (command->override[0] != '\0')
		snprintf(text, sizeof(text), "override: %s", command->override);
	note_log(app, deploy, "%s asked for this%s%s", command->by,
	    text[0] == '\0' ? "" : ", with an ", text);
	promotion_audit(app, command->by, actions[command->trigger], stage->spec->project,
	    stage->spec->stage, deploy, text);
}

enum command_result
command_promote(struct app *app, const struct deploy_command *command, uint64_t *ret_deploy,
    struct err *err)
{
	struct deploy_command promote = *command;
	const struct stage_entry *stage =
	    catalog_stage_by_name(app->catalog, command->project, command->stage);
	const struct stage_entry *source;
	const struct stage *from;
	struct deploy_brief live;

	promote.trigger = TRIGGER_PROMOTE;
	if (stage == NULL) /* which is told there */
		return command_deploy(app, &promote, ret_deploy, err);
	source = terms_source(app, stage);
	if (source == NULL) {
		err_set(err,
		    "%s/%s has no 'promote_from' in slipway.yml: nothing is promoted to it",
		    command->project, command->stage);
		return COMMAND_CONFLICT;
	}
	from = &runtime_actor(app->runtime, source->id)->stage;
	if (!store_deploy_brief(app->store, from->live, &live)) {
		err_set(err, "nothing is live in %s/%s yet", command->project,
		    source->spec->stage);
		return COMMAND_CONFLICT;
	}
	if (command->digest[0] != '\0' && strcmp(command->digest, from->live_digest) != 0) {
		err_set(err, "%s/%s runs %s with another digest, %s: look at it again",
		    command->project, source->spec->stage, live.tag, from->live_digest);
		return COMMAND_CONFLICT;
	}
	promote.tag = live.tag;
	promote.digest = from->live_digest;
	return command_deploy(app, &promote, ret_deploy, err);
}

/* It must be there, and pend. */
static enum command_result
find_pending(struct app *app, uint64_t deploy, const struct actor **ret, struct err *err)
{
	const struct actor *a = runtime_actor(app->runtime, deploy);
	struct deploy_row row;

	if (!store_deploy_get(app->store, deploy, &row)) {
		err_set(err, "there is no deploy %" PRIu64, deploy);
		return COMMAND_NOT_FOUND;
	}
	if (a == NULL || a->state != DEPLOY_PENDING) {
		err_set(err, "deploy %" PRIu64 " does not pend (it is %s)", deploy, row.state);
		return COMMAND_CONFLICT;
	}
	*ret = a;
	return COMMAND_DONE;
}

static enum command_result
check_decision(
    struct app *app, const struct actor *a, const struct decision *decision, struct err *err)
{
	const struct stage_entry *stage = catalog_stage(app->catalog, a->deploy.stage);
	struct wish wish;

	if (decision->digest[0] != '\0' && strcmp(decision->digest, a->deploy.digest) != 0) {
		err_set(err, "deploy %" PRIu64 " is of another digest, %s: look at it again",
		    a->id, a->deploy.digest);
		return COMMAND_CONFLICT;
	}
	if (decision->is_rejection)
		return COMMAND_DONE;
	if (a->deploy.approvals >= (uint32_t)stage->spec->approvals) {
		err_set(err, "deploy %" PRIu64 " needs no approval%s; it pends because: %s",
		    a->id, stage->spec->approvals == 0 ? "" : " any more", a->deploy.reason);
		return COMMAND_CONFLICT;
	}
	store_wish_get(app->store, a->id, &wish);
	if (strcasecmp(wish.by, decision->by) == 0) {
		err_set(err, "%s has asked for deploy %" PRIu64 ": somebody else must approve",
		    decision->by, a->id);
		return COMMAND_CONFLICT;
	}
	return COMMAND_DONE;
}

/* The approval is noted and the deploy has asked again: perhaps to hear that it is too late. */
static enum command_result
tell_outcome(struct app *app, uint64_t deploy, struct err *err)
{
	struct deploy_row row;

	if (!store_deploy_get(app->store, deploy, &row)
	    || (strcmp(row.state, "REFUSED") != 0 && strcmp(row.state, "SUPERSEDED") != 0))
		return COMMAND_DONE;
	err_set(err, "deploy %" PRIu64 " may not go any more: %s", deploy, row.reason);
	return COMMAND_CONFLICT;
}

static enum command_result
decide(
    struct app *app, const struct actor *a, const struct decision *decision, struct err *err)
{
	const struct stage_spec *spec = catalog_stage(app->catalog, a->deploy.stage)->spec;
	struct approval approval = { .is_rejection = decision->is_rejection };
	struct event event = { .kind = decision->is_rejection ? EV_REJECTED : EV_APPROVED,
		.to = a->id };
	bool has_note = decision->note[0] != '\0';

	snprintf(approval.by, sizeof(approval.by), "%s", decision->by);
	snprintf(approval.note, sizeof(approval.note), "%s", decision->note);
	if (!store_approval_add(app->store, a->id, &approval)) {
		err_set(
		    err, "%s has approved deploy %" PRIu64 " already", decision->by, a->id);
		return COMMAND_CONFLICT;
	}
	snprintf(event.text, sizeof(event.text), "%s by %s%s%s",
	    decision->is_rejection ? "rejected" : "approved", decision->by,
	    has_note ? ": " : "", decision->note);
	note_log(app, a->id, "%s", event.text);
	promotion_audit(app, decision->by, decision->is_rejection ? "reject" : "approve",
	    spec->project, spec->stage, a->id, decision->note);
	runtime_deliver(app->runtime, &event, NULL);
	return decision->is_rejection ? COMMAND_DONE : tell_outcome(app, event.to, err);
}

enum command_result
command_decide(
    struct app *app, uint64_t deploy, const struct decision *decision, struct err *err)
{
	const struct actor *a = NULL;
	enum command_result result = promotion_check_name(decision->by, err);

	if (result == COMMAND_DONE)
		result = check_line(decision->note, "note", NOTE_BYTES_MAX, err);
	if (result == COMMAND_DONE)
		result = find_pending(app, deploy, &a, err);
	if (result == COMMAND_DONE && !decision->is_rejection && app->is_draining) {
		err_set(err, "slipway is shutting down and takes no new work; try again when "
			     "it is back");
		return COMMAND_BUSY;
	}
	if (result == COMMAND_DONE)
		result = check_decision(app, a, decision, err);
	return result == COMMAND_DONE ? decide(app, a, decision, err) : result;
}

/* The stages that a freeze is about: *ret_first and how many follow it. */
static enum command_result
find_stages(struct app *app, const struct freeze_command *command, size_t *ret_first,
    size_t *ret_count, struct err *err)
{
	if (catalog_project_by_name(app->catalog, command->project) == NULL) {
		err_set(err, "there is no project '%s'", command->project);
		return COMMAND_NOT_FOUND;
	}
	*ret_first = catalog_stages_of(app->catalog, command->project, ret_count);
	for (size_t i = *ret_first; command->stage[0] != '\0' && *ret_count > 0; i++) {
		if (i == *ret_first + *ret_count) {
			err_set(err, "project '%s' has no stage '%s'", command->project,
			    command->stage);
			return COMMAND_NOT_FOUND;
		}
		if (strcmp(catalog_stage_at(app->catalog, i)->spec->stage, command->stage)
		    == 0) {
			*ret_first = i;
			*ret_count = 1;
			break;
		}
	}
	return COMMAND_DONE;
}

/* What somebody froze for longer is not let go earlier by who freezes the rest, too. */
static bool
is_frozen_for_longer(const struct stage *stage, const struct event *frozen, int64_t now_ms)
{
	int64_t until_ms = frozen->after_ms == 0 ? INT64_MAX : now_ms + frozen->after_ms;

	return stage->frozen_until_ms > now_ms && stage->frozen_until_ms > until_ms;
}

enum command_result
command_freeze(struct app *app, const struct freeze_command *command, struct err *err)
{
	struct event event = { .kind = EV_FROZEN, .after_ms = command->for_ms };
	enum command_result result = promotion_check_name(command->by, err);
	int64_t now_ms = clock_now_ms();
	const struct stage *longer = NULL;
	size_t first = 0;
	size_t count = 0;
	size_t frozen = 0;

	if (result == COMMAND_DONE && command->reason[0] == '\0') {
		err_set(err, "say why: 'reason'");
		result = COMMAND_INVALID;
	}
	if (result == COMMAND_DONE)
		result = check_line(command->reason, "reason", FREEZE_REASON_BYTES_MAX, err);
	if (result == COMMAND_DONE && command->for_ms > FREEZE_MS_MAX) {
		err_set(err, "'for_ms' is at most a year; 0 is until it is thawed");
		result = COMMAND_INVALID;
	}
	if (result == COMMAND_DONE)
		result = find_stages(app, command, &first, &count, err);
	if (result != COMMAND_DONE)
		return result;
	snprintf(event.text, sizeof(event.text), "%s (by %s)", command->reason, command->by);
	for (size_t i = first; i < first + count; i++) {
		const struct stage *stage;

		event.to = catalog_stage_at(app->catalog, i)->id;
		stage = &runtime_actor(app->runtime, event.to)->stage;
		if (is_frozen_for_longer(stage, &event, now_ms)) {
			longer = stage;
			continue;
		}
		runtime_deliver(app->runtime, &event, NULL);
		frozen++;
	}
	if (longer != NULL && frozen == 0) {
		err_set(err,
		    "%s%s%s is frozen for longer already: %s; thaw it first to shorten that",
		    command->project, command->stage[0] == '\0' ? "" : "/", command->stage,
		    longer->freeze);
		return COMMAND_CONFLICT;
	}
	promotion_audit(
	    app, command->by, "freeze", command->project, command->stage, 0, command->reason);
	return COMMAND_DONE;
}

enum command_result
command_thaw(struct app *app, const struct freeze_command *command, struct err *err)
{
	struct event event = { .kind = EV_THAWED };
	enum command_result result = promotion_check_name(command->by, err);
	size_t first = 0;
	size_t count = 0;
	size_t thawed = 0;

	if (result == COMMAND_DONE)
		result = find_stages(app, command, &first, &count, err);
	if (result != COMMAND_DONE)
		return result;
	for (size_t i = first; i < first + count; i++) {
		event.to = catalog_stage_at(app->catalog, i)->id;
		if (runtime_actor(app->runtime, event.to)->stage.frozen_until_ms
		    <= clock_now_ms())
			continue;
		runtime_deliver(app->runtime, &event, NULL);
		thawed++;
	}
	if (thawed == 0) {
		err_set(err, "nothing of %s%s%s is frozen", command->project,
		    command->stage[0] == '\0' ? "" : "/", command->stage);
		return COMMAND_CONFLICT;
	}
	promotion_audit(app, command->by, "unfreeze", command->project, command->stage, 0, "");
	return COMMAND_DONE;
}
