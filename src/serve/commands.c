/* commands.c - see commands.h. apply is in apply.c, webhooks are in webhooks.c, restart, stop and start in
 * commands_stage.c. */
#include "serve/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "config/image.h"
#include "serve/app.h"
#include "serve/commands_inside.h"
#include "serve/promotion.h"
#include "serve/runtime.h"
#include "serve/terms.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/tasks.h"

enum command_result
command_is_ready(const struct app *app, struct err *err)
{
	if (app->is_draining) {
		err_set(err, "slipway is shutting down and takes no new work; try again when "
			     "it is back");
		return COMMAND_BUSY;
	}
	if (!runtime_has_room(app->runtime)) {
		err_set(err, "too much is waiting already; try again in a few seconds");
		return COMMAND_BUSY;
	}
	return COMMAND_DONE;
}

struct resolving {
	uint64_t stage;
	int count;
};

static void
count_resolving(void *context, const struct actor *a)
{
	struct resolving *found = context;

	found->count += a->kind == ACTOR_DEPLOY && a->state == DEPLOY_RESOLVING
			&& a->deploy.stage == found->stage;
}

const struct stage_entry *
command_stage(const struct app *app, const char *project, const char *stage, struct err *err)
{
	const struct stage_entry *entry = catalog_stage_by_name(app->catalog, project, stage);

	if (entry == NULL && catalog_project_by_name(app->catalog, project) == NULL)
		err_set(err, "there is no project '%s'", project);
	else if (entry == NULL)
		err_set(err, "project '%s' has no stage '%s'", project, stage);
	return entry;
}

bool
stage_is_live_whole(const struct app *app, const struct stage_entry *stage)
{
	return runtime_actor(app->runtime, stage->id)->stage.live == 0
	       || terms_is_whole(app, stage);
}

bool
stage_is_resolving_too_much(const struct app *app, const struct stage_entry *stage)
{
	struct resolving found = { .stage = stage->id };

	runtime_visit(app->runtime, count_resolving, &found);
	return found.count >= RESOLVING_MAX;
}

enum command_result
command_refuse_one_more(const struct stage_entry *stage, struct err *err)
{
	err_set(err, "%d tags of %s/%s wait for the registry already; try again later",
	    RESOLVING_MAX, stage->spec->project, stage->spec->stage);
	return COMMAND_BUSY;
}

uint64_t
command_trigger(struct app *app, uint64_t stage, const struct event *event)
{
	uint64_t spawned = 0;
	const struct actor *a;

	runtime_deliver(app->runtime, event, &spawned);
	if (spawned != 0)
		return spawned;
	a = runtime_actor(app->runtime, stage);
	CHECK(a != NULL);
	return a->stage.resolving;
}

enum command_result
command_deploy(struct app *app, const struct deploy_command *command, uint64_t *ret_deploy,
    struct err *err)
{
	struct event event = { .kind = EV_TRIGGER,
		.trigger = command->trigger,
		.flag = command->is_forced,
		.is_overriding = command->override[0] != '\0' };
	const struct stage_entry *stage;
	enum command_result result = command_is_ready(app, err);

	if (result != COMMAND_DONE)
		return result;
	stage = command_stage(app, command->project, command->stage, err);
	if (stage == NULL)
		return COMMAND_NOT_FOUND;
	if (!image_tag_is_valid(str_of(command->tag))) {
		err_set(err,
		    "'%.140s' is no image tag: letters, digits, '_', '.' and '-', at most 128,"
		    " not beginning with '.' or '-'",
		    command->tag);
		return COMMAND_INVALID;
	}
	if (command->digest[0] != '\0' && !image_digest_is_valid(str_of(command->digest))) {
		err_set(err, "a digest is 'sha256:' and 64 hexadecimal digits");
		return COMMAND_INVALID;
	}
	if (stage_is_resolving_too_much(app, stage))
		return command_refuse_one_more(stage, err);
	event.to = stage->id;
	event.flag |= !stage_is_live_whole(app, stage);
	CHECK(str_copy(event.tag, sizeof(event.tag), str_of(command->tag)));
	CHECK(str_copy(event.digest, sizeof(event.digest), str_of(command->digest)));
	result = promotion_admit(app, stage, command, &event, err);
	if (result != COMMAND_DONE)
		return result;
	*ret_deploy = command_trigger(app, stage->id, &event);
	promotion_note(app, stage, command, *ret_deploy);
	return COMMAND_DONE;
}

/* When what is live got its traffic: a version that was kept is older than that. */
static uint64_t
last_move(const struct stage *stage)
{
	bool is_back = stage->merged_into == stage->live && stage->merged > stage->live;

	return is_back ? stage->merged : stage->live;
}

/* The newest deploy that was live with another digest than the one that is live now. */
static bool
find_earlier(struct app *app, const struct stage_entry *stage, struct deploy_row *ret_row)
{
	const struct actor *a = runtime_actor(app->runtime, stage->id);
	struct deploy_filter filter = { .before = last_move(&a->stage),
		.stage = stage->id,
		.project = "",
		.state = "LIVE" };

	while (store_deploys(app->store, &filter, ret_row, 1) == 1) {
		if (strcmp(ret_row->digest, a->stage.live_digest) != 0)
			return true;
		filter.before = ret_row->id;
	}
	return false;
}

/* Going back "by one" while a version is on its way up would go back by two once it is live. */
static bool
is_before_its_switch(
    const struct app *app, const struct stage_entry *stage, uint64_t *ret_running)
{
	const struct actor *a = runtime_actor(app->runtime, stage->id);

	*ret_running = a->stage.running;
	return a->stage.running != 0 && a->stage.live != 0
	       && a->stage.live != a->stage.running;
}

/* A database does not go back with its version. */
static void
warn_of_migration(struct app *app, const struct stage_entry *stage,
    const struct deploy_row *target, uint64_t deploy, char warning[REASON_SIZE])
{
	uint64_t by =
	    store_task_incompatible(app->store, stage->id, target->id, target->digest);

	warning[0] = '\0';
	if (by == 0)
		return;
	snprintf(warning, REASON_SIZE,
	    "deploy %" PRIu64
	    " ran a migration that is not backward compatible, and it is not "
	    "taken back: this version may not work with what it left",
	    by);
	store_deploy_log_add(app->store, deploy, "warn", str_of(warning));
}

enum command_result
command_rollback(struct app *app, const char *project, const char *stage_name, uint64_t to,
    uint64_t *ret_deploy, char ret_warning[REASON_SIZE], struct err *err)
{
	struct event event = { .kind = EV_TRIGGER, .trigger = TRIGGER_ROLLBACK };
	struct deploy_row row;
	const struct stage_entry *stage;
	uint64_t running;
	enum command_result result = command_is_ready(app, err);

	if (result != COMMAND_DONE)
		return result;
	stage = command_stage(app, project, stage_name, err);
	if (stage == NULL)
		return COMMAND_NOT_FOUND;
	if (to == 0 && is_before_its_switch(app, stage, &running)) {
		err_set(err,
		    "deploy %" PRIu64 " is under way and what was live before still serves: "
		    "cancel it to keep that, or name the deploy to go back to",
		    running);
		return COMMAND_CONFLICT;
	}
	if (to == 0 && runtime_actor(app->runtime, stage->id)->stage.stopped != 0) {
		err_set(err,
		    "%s/%s is stopped: `slipway start` brings back what was live, or name the "
		    "deploy to go back to",
		    project, stage_name);
		return COMMAND_CONFLICT;
	}
	if (to == 0 && !find_earlier(app, stage, &row)) {
		err_set(err,
		    "there is nothing to go back to: no earlier deploy of %s/%s was live",
		    project, stage_name);
		return COMMAND_CONFLICT;
	}
	if (to != 0 && (!store_deploy_get(app->store, to, &row) || row.stage != stage->id)) {
		err_set(err, "%s/%s has no deploy %" PRIu64, project, stage_name, to);
		return COMMAND_NOT_FOUND;
	}
	if (strcmp(row.state, "LIVE") != 0) {
		err_set(err,
		    "deploy %" PRIu64 " never went live (it is %s): choose one that did",
		    row.id, row.state);
		return COMMAND_CONFLICT;
	}
	event.to = stage->id;
	memcpy(event.tag, row.tag, sizeof(event.tag));
	memcpy(event.digest, row.digest, sizeof(event.digest));
	*ret_deploy = command_trigger(app, stage->id, &event);
	warn_of_migration(app, stage, &row, *ret_deploy, ret_warning);
	return COMMAND_DONE;
}

enum command_result
command_lift(struct app *app, const char *project, const char *stage_name, const char *digest,
    struct err *err)
{
	struct event event = { .kind = EV_LIFTED };
	const struct stage_entry *stage = command_stage(app, project, stage_name, err);
	const struct stage *held;

	if (stage == NULL)
		return COMMAND_NOT_FOUND;
	if (digest[0] != '\0' && !image_digest_is_valid(str_of(digest))) {
		err_set(err, "a digest is 'sha256:' and 64 hexadecimal digits");
		return COMMAND_INVALID;
	}
	held = &runtime_actor(app->runtime, stage->id)->stage;
	if (held->quarantine[0].deploy == 0) {
		err_set(err, "nothing of %s/%s is in quarantine", project, stage_name);
		return COMMAND_CONFLICT;
	}
	if (digest[0] != '\0' && !stage_holds(held, digest, NULL)) {
		err_set(err,
		    "this digest is not in quarantine: `slipway status %s/%s` shows "
		    "what is",
		    project, stage_name);
		return COMMAND_CONFLICT;
	}
	event.to = stage->id;
	CHECK(str_copy(event.digest, sizeof(event.digest), str_of(digest)));
	runtime_deliver(app->runtime, &event, NULL);
	return COMMAND_DONE;
}

enum command_result
command_cancel(struct app *app, uint64_t deploy, struct err *err)
{
	const struct actor *a = runtime_actor(app->runtime, deploy);
	struct deploy_row row;

	if (a == NULL || a->kind != ACTOR_DEPLOY) {
		if (!store_deploy_get(app->store, deploy, &row)) {
			err_set(err, "there is no deploy %" PRIu64, deploy);
			return COMMAND_NOT_FOUND;
		}
		err_set(err, "deploy %" PRIu64 " is over (%s)", deploy, row.state);
		return COMMAND_CONFLICT;
	}
	if (a->state == DEPLOY_DRAINING || a->state == DEPLOY_RETIRING
	    || runtime_actor(app->runtime, a->deploy.stage)->stage.live == deploy) {
		err_set(err,
		    a->deploy.trigger == TRIGGER_STOP
			? "deploy %" PRIu64 " has stopped its stage: start that again"
			: "deploy %" PRIu64 " serves already: use rollback to go back",
		    deploy);
		return COMMAND_CONFLICT;
	}
	runtime_deliver(
	    app->runtime, &(struct event){ .kind = EV_CANCEL, .to = deploy }, NULL);
	return COMMAND_DONE;
}
