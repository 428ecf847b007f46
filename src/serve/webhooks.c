/* webhooks.c - which stages a webhook is for, and what it begins there.
 *
 * The one idea: it begins at most one deploy for each stage, of the tag that the stage's own policy
 * prefers; which image that is, the registry tells. */
#include <stdio.h>
#include <string.h>

#include "config/tag_policy.h"
#include "serve/app.h"
#include "serve/commands_inside.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "triggers/webhook.h"

struct scope {
	const struct catalog *catalog;
	size_t first;
	size_t count;
};

static struct scope
scope_of(const struct app *app, const struct project_entry *project)
{
	struct scope scope = { app->catalog, 0, catalog_stage_count(app->catalog) };

	if (project->id != 0)
		scope.first = catalog_stages_of(app->catalog, project->name, &scope.count);
	return scope;
}

/* A cheap look at the stage's image before it is taken apart: there may be thousands. */
static bool
is_path(const struct stage_spec *spec, const struct image_ref *wanted, struct image_ref *ret)
{
	const char *last = strrchr(wanted->path, '/');
	struct err ignored;

	last = last == NULL ? wanted->path : last + 1;
	return strstr(spec->image, last) != NULL
	       && image_ref_parse(spec->image, ret, &ignored) == 0
	       && strcmp(ret->path, wanted->path) == 0;
}

static bool
is_asked_for(const struct webhook *webhook, const struct stage_spec *spec)
{
	return (webhook->project[0] == '\0' || strcmp(webhook->project, spec->project) == 0)
	       && (webhook->stage[0] == '\0' || strcmp(webhook->stage, spec->stage) == 0);
}

/* By which of its images may a webhook mean a stage of another host? A registry is often called
 * otherwise by itself than by others: behind a proxy, by a mirror. But when a stage has that very host,
 * only such stages are meant. */
static void
find_named(const struct scope *scope, const struct webhook *webhook, bool *is_named)
{
	struct image_ref own;

	for (size_t k = 0; k < webhook->image_count; k++) {
		is_named[k] = webhook->is_exact;
		for (size_t i = scope->first; i < scope->first + scope->count && !is_named[k];
		     i++)
			is_named[k] = is_path(catalog_stage_at(scope->catalog, i)->spec,
					  &webhook->images[k], &own)
				      && strcmp(own.host, webhook->images[k].host) == 0;
	}
}

struct choice {
	bool is_meant; /* one of its images is the stage's */
	bool is_untold; /* without a tag */
	struct tag_judged best;
};

static void
offer(struct choice *choice, struct tag_policy *policy, const char *tag)
{
	struct tag_judged judged;

	choice->is_meant = true;
	if (tag[0] == '\0') {
		choice->is_untold = true;
		return;
	}
	tag_policy_judge(policy, tag, &judged);
	if (choice->best.tag == NULL
	    || (judged.reason == TAG_KEPT
		&& (choice->best.reason != TAG_KEPT
		    || tag_policy_order(policy, &judged, &choice->best) > 0)))
		choice->best = judged;
}

static bool
wants_proof(const struct webhook_rules *rules)
{
	return (rules->secret_file[0] != '\0' || rules->secret_env[0] != '\0')
	       && !rules->takes_unsigned;
}

/* A project that takes only what is proved does not take it by the URL of all projects either, unless
 * that one has asked for a proof. */
static bool
is_trusted(
    const struct app *app, const struct project_entry *by, const struct stage_spec *spec)
{
	const struct project_entry *own = catalog_project_by_name(app->catalog, spec->project);

	return by->id != 0 || wants_proof(&by->rules) || !wants_proof(&own->rules);
}

static void
tell_fit(const struct app *app, const struct stage_entry *stage, const struct choice *choice,
    const struct tag_policy *policy, webhook_fit_fn *each, void *context)
{
	const struct actor *poll = runtime_actor(app->runtime, stage->poll_id);
	const char *tag = choice->best.tag == NULL ? "" : choice->best.tag;
	char why[REASON_SIZE] = "";

	if (choice->best.tag != NULL && choice->best.reason == TAG_KEPT) {
		if (stage->spec->is_auto)
			each(context, stage, WEBHOOK_DEPLOYS, tag,
			    "what the registry has under this tag is deployed");
		else
			each(context, stage, WEBHOOK_BY_HAND, tag,
			    "the stage deploys by hand only (auto: false)");
	} else if (choice->is_untold && poll->state != POLL_OFF) {
		each(context, stage, WEBHOOK_LOOKS, tag,
		    "it names no tag: the registry is looked at now");
	} else if (choice->is_untold) {
		each(context, stage, WEBHOOK_NOT_POLLED, tag,
		    "it names no tag, and the stage is not polled: give it 'poll: 5m', and "
		    "each such webhook makes it look at once");
	} else {
		tag_policy_explain(policy, &choice->best, why);
		each(context, stage, WEBHOOK_TAG, tag, why);
	}
}

static void
match_stage(const struct app *app, const struct project_entry *by,
    const struct stage_entry *stage, const struct webhook *webhook, const bool *is_named,
    webhook_fit_fn *each, void *context)
{
	struct choice choice = { .best = { .tag = NULL } };
	struct tag_policy *policy = NULL;
	struct image_ref own;
	struct err err;

	for (size_t k = 0; k < webhook->image_count; k++) {
		const struct image_ref *image = &webhook->images[k];

		if (!is_path(stage->spec, image, &own)
		    || (is_named[k] && strcmp(own.host, image->host) != 0))
			continue;
		if (policy == NULL)
			policy = tag_policy_new(stage->spec, &err);
		if (policy == NULL) { /* an older program's: takes nothing */
			each(context, stage, WEBHOOK_TAG, image->tag, err.text);
			return;
		}
		offer(&choice, policy, image->tag);
	}
	if (choice.is_meant && !is_trusted(app, by, stage->spec))
		each(context, stage, WEBHOOK_UNPROVED, "",
		    "its project takes only what is signed, and the webhook of all projects "
		    "has no secret: use the project's own, or give that one a secret");
	else if (choice.is_meant)
		tell_fit(app, stage, &choice, policy, each, context);
	tag_policy_free(policy);
}

void
webhook_match(const struct app *app, const struct project_entry *project,
    const struct webhook *webhook, webhook_fit_fn *each, void *context)
{
	struct scope scope = scope_of(app, project);
	bool is_named[WEBHOOK_IMAGES_MAX];

	find_named(&scope, webhook, is_named);
	for (size_t i = scope.first; i < scope.first + scope.count; i++) {
		const struct stage_entry *stage = catalog_stage_at(scope.catalog, i);

		if (is_asked_for(webhook, stage->spec))
			match_stage(app, project, stage, webhook, is_named, each, context);
	}
}

struct beginning {
	struct app *app;
	struct webhook_result *result;
	enum command_result outcome;
	struct err *err;
};

static void
begin_deploy(struct beginning *b, const struct stage_entry *stage, const char *tag)
{
	struct event event = {
		.kind = EV_TRIGGER, .to = stage->id, .trigger = TRIGGER_WEBHOOK
	};
	size_t place = b->result->count;

	if (stage_is_resolving_too_much(b->app, stage)) {
		/* The others need not wait for this one. */
		b->outcome = command_refuse_one_more(stage, b->err);
		return;
	}
	event.flag = !stage_is_live_whole(b->app, stage);
	CHECK(str_copy(event.tag, sizeof(event.tag), str_of(tag)));
	b->result->stages[place] = stage->id;
	b->result->deploys[place] = command_trigger(b->app, stage->id, &event);
	b->result->count++;
}

static void
begin(void *context, const struct stage_entry *stage, enum webhook_fit fit, const char *tag,
    const char *why UNUSED)
{
	struct beginning *b = context;

	b->result->is_unknown = false;
	switch (fit) {
	case WEBHOOK_DEPLOYS:
		begin_deploy(b, stage, tag);
		break;
	case WEBHOOK_LOOKS:
		runtime_deliver(b->app->runtime,
		    &(struct event){ .kind = EV_NUDGED, .to = stage->poll_id }, NULL);
		b->result->looks++;
		break;
	case WEBHOOK_BY_HAND:
		b->result->ignored = "the stage deploys by hand only (auto: false)";
		break;
	case WEBHOOK_NOT_POLLED:
		b->result->ignored = "it names no tag, and the stage is not polled: give it "
				     "'poll', and such a webhook makes it look";
		break;
	case WEBHOOK_UNPROVED:
		b->result->ignored =
		    "its project takes only what is signed, and the webhook of "
		    "all projects has no secret";
		break;
	case WEBHOOK_TAG:
		break;
	}
}

static const char *
ignored_kind(enum webhook_kind kind)
{
	if (kind == WEBHOOK_PING)
		return "a ping: the webhook works";
	if (kind == WEBHOOK_DELETE)
		return "a deletion is never deployed";
	return "this event names no image with a tag that was pushed";
}

enum command_result
command_webhook(struct app *app, const struct project_entry *project,
    const struct webhook *webhook, struct webhook_result *ret, struct err *err)
{
	struct beginning b = { app, ret, command_is_ready(app, err), err };

	ret->count = 0;
	ret->looks = 0;
	ret->is_unknown = webhook->kind == WEBHOOK_PUSH;
	ret->ignored = project->id == 0 ? "no stage takes this image and tag"
					: "no stage of this project takes this image and tag";
	if (b.outcome != COMMAND_DONE)
		return b.outcome;
	if (webhook->kind == WEBHOOK_PUSH)
		webhook_match(app, project, webhook, begin, &b);
	else
		ret->ignored = ignored_kind(webhook->kind);
	return b.outcome;
}
