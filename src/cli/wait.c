/* wait.c - `--wait`: a deploy followed to its end.
 *
 * A deploy that was merged into another one (SKIPPED: the same digest is being deployed already) has
 * not brought anything yet; what was asked for comes with the other one, so that is followed next. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/follow.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/progress.h"

enum { MERGES_MAX = 8, NOTE_SIZE = 512 };

struct waiting {
	uint64_t id;
	bool as_json;
	struct progress progress;
	struct json *end; /* the deploy as it ended */
	struct buf end_text;
};

static int64_t
now_ms(void)
{
	return clock_mono_us() / 1000;
}

static void
show(const struct waiting *w, struct buf *out)
{
	if (w->as_json)
		buf_free(out);
	else
		(void)output_buf(out);
}

static bool
on_event(void *context, const struct sse_event *event)
{
	struct waiting *w = context;
	struct err ignored;
	struct json *json = json_parse(event->data, &ignored);
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	if (json != NULL && strcmp(event->name, "end") == 0) {
		progress_end(&w->progress, json, &out);
		w->end = json;
		buf_str(&w->end_text, event->data);
		show(w, &out);
		return false;
	}
	if (json != NULL && strcmp(event->name, "step") == 0)
		progress_step(&w->progress, json, now_ms(), &out);
	else if (json != NULL && strcmp(event->name, "log") == 0)
		progress_log(&w->progress, json, now_ms(), &out);
	json_free(json);
	show(w, &out);
	return true; /* nobody may read any more, but the exit code tells how it ended */
}

static void
on_lost(void *context, const char *why)
{
	struct waiting *w = context;
	char note[NOTE_SIZE];
	struct buf out;

	snprintf(note, sizeof(note),
	    "connection lost (%.200s); the deploy goes on, trying again for %d s", why,
	    CLI_RETRY_MS / 1000);
	buf_init(&out, CLI_TEXT_MAX);
	progress_note(&w->progress, note, now_ms(), &out);
	show(w, &out);
}

static void
on_tick(void *context)
{
	struct waiting *w = context;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	progress_refresh(&w->progress, output_width(), now_ms(), &out);
	show(w, &out);
}

/* "shop/production v3 (deploy 12)", or without what cannot be told now. */
static void
find_title(struct client *client, uint64_t id, char title[PROGRESS_TITLE_SIZE])
{
	char path[64];
	struct answer answer;
	struct err ignored;

	snprintf(path, sizeof(path), "/api/v1/deploys/%" PRIu64, id);
	if (client_ask(client, &(struct call){ .path = path }, &answer, &ignored) == CLI_OK)
		snprintf(title, PROGRESS_TITLE_SIZE, "%s/%s %s (deploy %" PRIu64 ")",
		    json_text(json_get(answer.json, "project")),
		    json_text(json_get(answer.json, "stage")),
		    json_text(json_get(answer.json, "tag")), id);
	else
		snprintf(title, PROGRESS_TITLE_SIZE, "deploy %" PRIu64, id);
	answer_free(&answer);
}

/* The deploy that brings the digest of this one, which was skipped; 0: none does, or it is live. */
static uint64_t
find_bringer(const struct json *stage, const struct json *skipped)
{
	static const char *const places[] = { "running", "waiting", "pending" };
	const char *digest = json_text(json_get(skipped, "digest"));

	for (size_t i = 0; i < COUNT(places) && digest[0] != '\0'; i++) {
		const struct json *other = json_get(stage, places[i]);
		int64_t id = json_number(json_get(other, "deploy"));

		if (strcmp(json_text(json_get(other, "digest")), digest) == 0
		    && id != json_number(json_get(skipped, "id")))
			return (uint64_t)id;
	}
	return 0;
}

static enum cli_exit
judge_skipped(struct invocation *in, const struct json *skipped, uint64_t *ret_next)
{
	const char *digest = json_text(json_get(skipped, "digest"));
	struct answer answer;
	struct buf path;
	enum cli_exit code;

	stage_path(&path, json_text(json_get(skipped, "project")),
	    json_text(json_get(skipped, "stage")), "");
	code = client_ask(
	    in->client, &(struct call){ .path = buf_cstr(&path) }, &answer, in->err);
	if (code == CLI_OK) {
		const char *live =
		    json_text(json_get(json_get(answer.json, "live"), "digest"));

		*ret_next = find_bringer(answer.json, skipped);
		if (*ret_next == 0 && strcmp(live, digest) != 0) {
			err_set(in->err, "what it was left to did not go live; deploy again");
			code = CLI_FAILED;
		}
	}
	buf_free(&path);
	answer_free(&answer);
	return code;
}

static enum cli_exit
judge(struct invocation *in, const struct json *deploy, uint64_t *ret_next)
{
	const char *state = json_text(json_get(deploy, "state"));

	if (strcmp(state, "LIVE") == 0 || strcmp(state, "STOPPED") == 0)
		return CLI_OK;
	if (strcmp(state, "SKIPPED") == 0)
		return judge_skipped(in, deploy, ret_next);
	return CLI_FAILED;
}

static void
explain_stop(const struct waiting *w, enum cli_exit code, struct err *err)
{
	if (code == CLI_INTERRUPTED)
		err_set(err,
		    "no longer watched; deploy %" PRIu64 " goes on: `slipway logs %" PRIu64
		    " --follow` watches it, `slipway cancel %" PRIu64 "` stops it",
		    w->id, w->id, w->id);
	else if (code == CLI_UNREACHABLE)
		err_context(
		    err, "deploy %" PRIu64 " was asked for, its end is not known", w->id);
}

/* One deploy to its end. *ret_next: the one to follow now, or 0. */
static enum cli_exit
wait_for_one(struct invocation *in, uint64_t id, bool as_json, uint64_t *ret_next)
{
	struct waiting w = { .id = id, .as_json = as_json };
	struct progress_style style = output_style();
	char path[64];
	char title[PROGRESS_TITLE_SIZE];
	struct follow follow = {
		.path = path,
		.has_last_event = true,
		.is_patient = true,
		.on_event = on_event,
		.on_lost = on_lost,
		.on_tick = style.width > 0 && !as_json ? on_tick : NULL,
		.context = &w,
	};
	struct buf out;
	enum cli_exit code;

	find_title(in->client, id, title);
	progress_init(&w.progress, style, title);
	buf_init(&w.end_text, CLI_EVENT_MAX);
	snprintf(path, sizeof(path), "/api/v1/deploys/%" PRIu64 "/log", id);
	code = client_follow(in->client, &follow, in->err);
	*ret_next = 0;
	if (code == CLI_OK && w.end != NULL)
		code = judge(in, w.end, ret_next);
	else
		explain_stop(&w, code, in->err);
	if (as_json && w.end != NULL && *ret_next == 0)
		output_json(buf_view(&w.end_text));
	buf_init(&out, CLI_TEXT_MAX);
	progress_clear(&w.progress, &out);
	show(&w, &out);
	json_free(w.end);
	buf_free(&w.end_text);
	progress_free(&w.progress);
	return code;
}

enum cli_exit
wait_for_deploy(struct invocation *in, uint64_t id, bool as_json)
{
	enum cli_exit code = CLI_OK;

	for (int i = 0; i < MERGES_MAX && id != 0 && code == CLI_OK; i++)
		code = wait_for_one(in, id, as_json, &id);
	return code;
}
