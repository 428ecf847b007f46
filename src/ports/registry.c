/* registry.c - see registry.h.
 *
 * The one idea: a task lives from its effect to its one answer. What it asks is in the other files;
 * here is what it is about, and what is said at its end. */
#include "ports/registry.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/registry_parts.h"
#include "store/deploys.h"

static void
on_soon(void *context)
{
	struct registry *r = context;

	for (struct site *site = r->sites; site != NULL; site = site->next)
		if (site->lines[PRIORITY_DEPLOY].count + site->lines[PRIORITY_POLL].count > 0)
			site_pump(site);
}

struct registry *
registry_new(const struct port_host *host)
{
	struct registry *r = calloc(1, sizeof(*r));

	CHECK(r != NULL);
	r->host = *host;
	r->tokens = tokens_new();
	r->soon = loop_timer_new(host->loop, on_soon, r);
	return r;
}

void
task_free(struct task *task)
{
	*task->link = task->next;
	if (task->next != NULL)
		task->next->link = task->link;
	question_cancel(task->question);
	tags_forget(task);
	explanation_free(task);
	choice_free(task);
	if (task->site != NULL)
		site_leave(task->site);
	free(task);
}

void
registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	while (r->tasks != NULL)
		task_free(r->tasks);
	inquiries_free(r);
	looks_free(r);
	CHECK(r->lists == NULL);
	sites_free(r);
	tokens_free(r->tokens);
	loop_timer_free(r->soon);
	free(r);
}

/* The end of a task. */

enum priority
task_priority(const struct task *task)
{
	return task->effect.kind == FX_RESOLVE ? PRIORITY_DEPLOY : PRIORITY_POLL;
}

/* A deploy's words go into its own log; a poll's into the server's, with what it was about. */
static void
say(const struct task *task, enum log_level level, const char *text)
{
	struct log_context context = {
		.project = task->project, .stage = task->stage, .tag = task->image.tag
	};

	if (task->effect.kind == FX_RESOLVE)
		port_note(&task->registry->host, &task->effect, (int)level, "%s", text);
	else
		log_event(level, &context, "poll.note", NULL, "%s", text);
}

static void
answer_found(struct task *task, const char *tag, const char *digest, bool is_older)
{
	bool is_deploy = task->effect.kind == FX_RESOLVE;
	struct event event = port_answer(&task->effect, is_deploy ? EV_RESOLVED : EV_SOUGHT);
	struct port_host host = task->registry->host;
	char text[REASON_SIZE * 2];

	event.flag = is_older;
	CHECK(str_copy(event.tag, sizeof(event.tag), str_of(tag)));
	CHECK(str_copy(event.digest, sizeof(event.digest), str_of(digest)));
	snprintf(text, sizeof(text), "%s/%s:%s is %s", task->image.host, task->image.path, tag,
	    digest);
	say(task, is_deploy ? LOG_INFO : LOG_DEBUG, text);
	task_free(task);
	port_send(&host, &event);
}

/* A look that may not have what it found goes on with the next older one, up to what was seen before:
 * then there is no news. */
static void
seek_on(struct task *task, enum tag_reason reason)
{
	if (reason == TAG_TOO_YOUNG && choice_next(task))
		manifest_find(task);
	else
		answer_found(task, task->marks.seen_tag, task->marks.seen_digest, false);
}

static bool
is_seen(struct task *task, const char *digest)
{
	choice_load_marks(task);
	return strcmp(task->marks.seen_tag, task->image.tag) == 0
	       && strcmp(task->marks.seen_digest, digest) == 0;
}

/* The first look only records, whatever it finds; and what was seen before is no news. */
static void
seek_found(struct task *task, const char *digest)
{
	bool is_known = is_seen(task, digest);
	char words[REASON_SIZE];
	enum tag_reason reason = admit(task, digest, true, words);

	if (reason != TAG_KEPT && !is_known && task->marks.seen_digest[0] != '\0')
		seek_on(task, reason);
	else
		answer_found(
		    task, task->image.tag, digest, choice_is_older(task, task->image.tag));
}

void
task_succeed(struct task *task, const char *digest)
{
	enum tag_reason reason = TAG_KEPT;
	char words[REASON_SIZE] = "";

	if (task->explanation != NULL) {
		reason = admit(task, digest, false, words);
		explanation_found(task, digest, reason, words);
		return;
	}
	if (task->effect.kind == FX_SEEK) {
		seek_found(task, digest);
		return;
	}
	if (task->is_by_person)
		admit_for_person(task, digest);
	else
		reason = admit(task, digest, true, words);
	if (reason != TAG_KEPT)
		task_fail(task, EV_REFUSED, 0, "tag %s %s", task->image.tag, words);
	else
		answer_found(task, task->image.tag, digest, false);
}

static void
end_troubled(
    struct task *task, enum event_kind kind, int64_t after_ms, bool is_known, const char *why)
{
	struct event event = port_answer(&task->effect, kind);
	struct port_host host = task->registry->host;
	bool is_quiet = is_known && task->effect.kind == FX_SEEK;

	CHECK(kind == EV_REFUSED || kind == EV_TROUBLED);
	if (task->explanation != NULL) {
		explanation_failed(task, why);
		return;
	}
	event.after_ms = after_ms;
	snprintf(event.text, sizeof(event.text), "%s", why);
	if (task->effect.kind == FX_RESOLVE)
		port_note_failure(&host, &task->effect, kind, event.text);
	else
		say(task,
		    is_quiet             ? LOG_DEBUG
		    : kind == EV_REFUSED ? LOG_ERROR
					 : LOG_WARN,
		    event.text);
	task_free(task);
	port_send(&host, &event);
}

void
task_fail(struct task *task, enum event_kind kind, int64_t after_ms, const char *format, ...)
{
	char why[REASON_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	end_troubled(task, kind, after_ms, false, why);
}

void
task_fail_as(struct task *task, const struct question_answer *answer)
{
	end_troubled(task, answer->kind, answer->after_ms, answer->is_known, answer->why);
}

/* The beginning of a task. */

/* What a deploy asks for: its own tag, or the digest it was started with. */
static const struct stage_spec *
load_deploy(struct task *task, struct deploy_row *row)
{
	struct port_host *host = &task->registry->host;

	if (!store_deploy_get(host->store, task->effect.deploy, row))
		return NULL;
	return catalog_spec(host->catalog, row->spec);
}

static const struct stage_spec *
load_stage(struct task *task)
{
	const struct stage_entry *stage =
	    catalog_stage(task->registry->host.catalog, task->effect.stage);

	return stage == NULL ? NULL : stage->spec;
}

static bool
has_rules(const struct stage_spec *spec)
{
	return spec->tag_min_age_ms > 0 || spec->tag_immutable[0] != '\0';
}

/* What exactly is asked for? -1: nothing that a registry could know. */
static int
load_reference(struct task *task, const struct stage_spec *spec, const struct deploy_row *row,
    struct err *err)
{
	const char *tag = row->tag;
	struct image_ref *image = &task->image;

	image->tag[0] = '\0';
	image->digest[0] = '\0';
	if (task->effect.kind == FX_SEEK || has_rules(spec)) {
		task->policy = tag_policy_new(spec, err);
		if (task->policy == NULL)
			return -1;
	}
	/* Registries tell of a push before its tag can be found (distribution does). */
	task->is_awaited = strcmp(row->trigger, trigger_names[TRIGGER_WEBHOOK]) == 0
			   && clock_now_ms() - row->created_ms < REGISTRY_TAG_LATE_MS;
	task->is_by_person = strcmp(row->trigger, trigger_names[TRIGGER_WEBHOOK]) != 0
			     && strcmp(row->trigger, trigger_names[TRIGGER_POLL]) != 0;
	if (task->effect.kind == FX_SEEK) {
		tag = tag_policy_only(task->policy);
		if (tag == NULL) /* it is chosen from a list */
			return 0;
	}
	if (tag[0] == '\0' && image_digest_is_valid(str_of(row->digest)))
		return str_copy(image->digest, sizeof(image->digest), str_of(row->digest))
			   ? 0
			   : -1;
	if (!image_tag_is_valid(str_of(tag))
	    || !str_copy(image->tag, sizeof(image->tag), str_of(tag)))
		return err_set(err, "'%.80s' is no tag", tag);
	return 0;
}

static int
load(struct task *task, struct err *err)
{
	struct deploy_row row = { .digest = "" };
	const struct stage_spec *spec =
	    task->effect.kind == FX_RESOLVE ? load_deploy(task, &row) : load_stage(task);

	if (spec == NULL)
		return err_set(err, "its configuration is gone");
	snprintf(task->project, sizeof(task->project), "%s", spec->project);
	snprintf(task->stage, sizeof(task->stage), "%s", spec->stage);
	if (image_ref_parse(spec->image, &task->image, err) != 0
	    || load_reference(task, spec, &row, err) != 0)
		return -1;
	task->site = site_enter(task->registry, &task->image);
	if (task->site == NULL)
		return err_set(
		    err, "more than %d registries are asked at once", REGISTRY_SITES_MAX);
	return 0;
}

static void
drop_older(struct registry *r, uint64_t actor)
{
	for (struct task *task = r->tasks; task != NULL; task = task->next)
		if (task->effect.actor == actor) {
			task_free(task);
			return;
		}
}

void
registry_perform(struct registry *r, const struct effect *effect)
{
	drop_older(r, effect->actor);
	task_begin(r, effect, NULL);
}

/* The only tag that there can be is looked at without a list. */
static void
begin_single(struct task *task)
{
	if (task->explanation != NULL)
		explanation_add(task, task->image.tag);
	manifest_find(task);
}

void
task_begin(struct registry *r, const struct effect *effect, struct explanation *explanation)
{
	struct task *task = calloc(1, sizeof(*task));
	struct err err;

	CHECK(task != NULL && (effect->kind == FX_RESOLVE || effect->kind == FX_SEEK));
	*task = (struct task){ .registry = r,
		.effect = *effect,
		.next = r->tasks,
		.link = &r->tasks,
		.explanation = explanation };
	if (task->next != NULL)
		task->next->link = &task->next;
	r->tasks = task;
	if (load(task, &err) != 0)
		task_fail(task, EV_REFUSED, 0, "%s", err.text);
	else if (task->effect.kind == FX_SEEK && task->image.tag[0] == '\0')
		tags_find(task);
	else
		begin_single(task);
}

bool
registry_status(const struct registry *r, uint32_t index, struct registry_status *ret_status)
{
	const struct site *site = r->sites;

	for (; site != NULL && index > 0; index--)
		site = site->next;
	if (site == NULL)
		return false;
	*ret_status = site->status;
	ret_status->active = site->active[PRIORITY_DEPLOY] + site->active[PRIORITY_POLL];
	ret_status->waiting =
	    site->lines[PRIORITY_DEPLOY].count + site->lines[PRIORITY_POLL].count;
	return true;
}
