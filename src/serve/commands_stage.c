/* commands_stage.c - restart, stop, start and remove: what a person does with a stage without bringing anything new.
 *
 * The one idea: the first three are deploys of a version that is live, or was until the stage was stopped, so
 * everything that holds for deploys holds for them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "serve/app.h"
#include "serve/commands_inside.h"
#include "serve/kept.h"
#include "serve/promotion.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/promotions.h"

static enum command_result
admit(const struct app *app, const struct stage_command *command,
    const struct stage_entry **ret_stage, struct err *err)
{
	enum command_result result = command_is_ready(app, err);

	if (result == COMMAND_DONE && command->by[0] != '\0')
		result = promotion_check_name(command->by, err);
	if (result != COMMAND_DONE)
		return result;
	*ret_stage = command_stage(app, command->project, command->stage, err);
	return *ret_stage == NULL ? COMMAND_NOT_FOUND : COMMAND_DONE;
}

static const struct stage *
state_of(const struct app *app, const struct stage_entry *stage)
{
	return &runtime_actor(app->runtime, stage->id)->stage;
}

/* A deploy of that version. */
static uint64_t
begin(struct app *app, const struct stage_entry *stage, const struct stage_command *command,
    enum trigger trigger, const struct deploy_row *version)
{
	struct deploy_command wish = { .by = command->by, .override = "", .trigger = trigger };
	struct event event = { .kind = EV_TRIGGER,
		.trigger = trigger,
		.to = stage->id,
		.flag = trigger != TRIGGER_START };
	uint64_t deploy;

	memcpy(event.tag, version->tag, sizeof(event.tag));
	memcpy(event.digest, version->digest, sizeof(event.digest));
	deploy = command_trigger(app, stage->id, &event);
	promotion_note(app, stage, &wish, deploy);
	return deploy;
}

static enum command_result
refuse(struct err *err, const struct stage_command *command, const char *why)
{
	err_set(err, "%s/%s %s", command->project, command->stage, why);
	return COMMAND_CONFLICT;
}

/* Another deploy would start its own containers, and one that pends would be outdated by a newer wish. */
static uint64_t
find_unsettled(const struct stage *stage)
{
	if (stage->running != 0)
		return stage->running;
	return stage->resolving != 0 ? stage->resolving : stage->pending;
}

enum command_result
command_restart(struct app *app, const struct stage_command *command, uint64_t *ret_deploy,
    struct err *err)
{
	const struct stage_entry *entry;
	const struct stage *stage;
	struct deploy_row row;
	enum command_result result = admit(app, command, &entry, err);

	if (result != COMMAND_DONE)
		return result;
	stage = state_of(app, entry);
	if (stage->stopped != 0)
		return refuse(err, command, "is stopped: start it");
	if (find_unsettled(stage) != 0) {
		err_set(err,
		    "deploy %" PRIu64
		    " is under way or pending: wait for its end, or cancel or reject it first",
		    find_unsettled(stage));
		return COMMAND_CONFLICT;
	}
	if (stage->live == 0 || !store_deploy_get(app->store, stage->live, &row)) {
		err_set(err, "nothing is live at %s/%s: deploy a version first",
		    command->project, command->stage);
		return COMMAND_CONFLICT;
	}
	*ret_deploy = begin(app, entry, command, TRIGGER_RESTART, &row);
	return COMMAND_DONE;
}

static bool
is_stopping(const struct app *app, const struct stage *stage)
{
	const struct actor *running = runtime_actor(app->runtime, stage->running);

	return running != NULL && running->deploy.trigger == TRIGGER_STOP;
}

static enum command_result
refuse_while_under_way(const struct app *app, const struct stage *stage, struct err *err)
{
	if (is_stopping(app, stage) && stage->waiting != 0)
		err_set(err,
		    "deploy %" PRIu64 " stops it already, and deploy %" PRIu64
		    " waits to start it: cancel that to keep it stopped",
		    stage->running, stage->waiting);
	else if (is_stopping(app, stage))
		err_set(err, "deploy %" PRIu64 " stops it already", stage->running);
	else
		err_set(err,
		    "deploy %" PRIu64 " is under way: wait for its end, or cancel it first",
		    stage->running);
	return COMMAND_CONFLICT;
}

enum command_result
command_stop(struct app *app, const struct stage_command *command, uint64_t *ret_deploy,
    struct err *err)
{
	const struct stage_entry *entry;
	const struct stage *stage;
	struct deploy_row row;
	enum command_result result = admit(app, command, &entry, err);

	if (result != COMMAND_DONE)
		return result;
	stage = state_of(app, entry);
	if (stage->running != 0)
		return refuse_while_under_way(app, stage, err);
	if (stage->stopped != 0)
		return refuse(err, command, "is stopped already");
	if (stage->live == 0 || !store_deploy_get(app->store, stage->live, &row)) {
		err_set(err,
		    "nothing is live at %s/%s, so there is nothing to stop; a deploy that is "
		    "under way can be canceled",
		    command->project, command->stage);
		return COMMAND_CONFLICT;
	}
	*ret_deploy = begin(app, entry, command, TRIGGER_STOP, &row);
	return COMMAND_DONE;
}

/* People have agreed to that digest. */
static void
approve_again(struct app *app, uint64_t from, uint64_t to)
{
	struct approval approvals[APPROVALS_MAX + 1];
	size_t count = store_approvals(app->store, from, approvals, COUNT(approvals));

	for (size_t i = 0; i < count; i++) {
		struct event event = { .kind = EV_APPROVED, .to = to };

		if (approvals[i].is_rejection
		    || !store_approval_add(app->store, to, &approvals[i]))
			continue;
		snprintf(event.text, sizeof(event.text), "approved by %s", approvals[i].by);
		runtime_deliver(app->runtime, &event, NULL);
	}
}

/* What came while the stage was stopped is older than its start now: it is wished once more, behind that. */
static void
wish_again(struct app *app, const struct stage_entry *stage, const struct actor *wished)
{
	struct event event = { .kind = EV_TRIGGER,
		.trigger = wished->deploy.trigger,
		.to = stage->id,
		.flag = wished->deploy.is_forced,
		.is_overriding = wished->deploy.is_overriding };
	struct wish wish;
	uint64_t deploy;

	if (wished->id == 0)
		return;
	memcpy(event.tag, wished->deploy.tag, sizeof(event.tag));
	memcpy(event.digest, wished->deploy.digest, sizeof(event.digest));
	deploy = command_trigger(app, stage->id, &event);
	if (deploy == 0)
		return;
	store_wish_get(app->store, wished->id, &wish);
	if (wish.by[0] != '\0')
		store_wish_put(app->store, deploy, &wish);
	approve_again(app, wished->id, deploy);
}

/* As it is now: by the start it ends. */
static struct actor
copy_of(const struct app *app, uint64_t deploy)
{
	const struct actor *a = runtime_actor(app->runtime, deploy);

	return a == NULL ? (struct actor){ .id = 0 } : *a;
}

enum command_result
command_start(struct app *app, const struct stage_command *command, uint64_t *ret_deploy,
    struct err *err)
{
	const struct stage_entry *entry;
	const struct stage *stage;
	struct actor pending;
	struct actor resolving;
	struct deploy_row row;
	enum command_result result = admit(app, command, &entry, err);

	if (result != COMMAND_DONE)
		return result;
	stage = state_of(app, entry);
	if (stage->stopped == 0 && stage->live != 0 && !is_stopping(app, stage))
		return refuse(err, command, "is not stopped");
	if (stage->running != 0 && (!is_stopping(app, stage) || stage->waiting != 0)) {
		err_set(err,
		    "deploy %" PRIu64 " is under way: it starts %s/%s if it goes live",
		    stage->waiting != 0 ? stage->waiting : stage->running, command->project,
		    command->stage);
		return COMMAND_CONFLICT;
	}
	if (stage->stopped == 0 && is_stopping(app, stage)) {
		err_set(err, "deploy %" PRIu64 " begins to stop it: try again in a moment",
		    stage->running);
		return COMMAND_CONFLICT;
	}
	if (stage->stopped == 0
	    || !store_deploy_get(app->store,
		store_deploy_live_before(app->store, entry->id, stage->stopped), &row))
		return refuse(err, command, "was never live: deploy a version");
	pending = copy_of(app, stage->pending);
	resolving = copy_of(app, stage->resolving);
	*ret_deploy = begin(app, entry, command, TRIGGER_START, &row);
	wish_again(app, entry, &pending);
	wish_again(app, entry, &resolving);
	return COMMAND_DONE;
}

enum command_result
command_remove(struct app *app, const struct stage_command *command, const char *tag,
    uint64_t *ret_deploy, struct err *err)
{
	const struct stage_entry *entry;
	const struct stage *stage;
	enum command_result result = admit(app, command, &entry, err);

	if (result != COMMAND_DONE)
		return result;
	stage = state_of(app, entry);
	for (int i = 0; i < KEPT_MAX && stage->kept[i].deploy != 0; i++)
		if (strcmp(stage->kept[i].tag, tag) == 0) {
			*ret_deploy = stage->kept[i].deploy;
			promotion_audit(app, command->by, "remove", command->project,
			    command->stage, *ret_deploy, "");
			kept_let_go(app, entry, *ret_deploy, ": a person has removed it");
			return COMMAND_DONE;
		}
	if (stage->live != 0 && strcmp(stage->live_tag, tag) == 0)
		err_set(err,
		    "%s is what serves %s/%s: `slipway stop` stops that, another deploy "
		    "replaces it",
		    tag, command->project, command->stage);
	else
		err_set(err,
		    "no version '%s' is kept running: `slipway status %s/%s` shows what is",
		    tag, command->project, command->stage);
	return COMMAND_CONFLICT;
}
