/* api_tags.c - every tag of a stage's repository, and why it is kept or refused.
 *
 * The registry is asked at that moment, so the answer is held until it has said everything. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/inside.h"
#include "config/image.h"
#include "ports/registry.h"
#include "serve/runtime.h"
#include "store/catalog.h"

struct question {
	struct app *app;
	struct request *rq;
	uint64_t stage;
	uint64_t limit; /* of items */
	char after[TAG_SIZE]; /* only those behind it; "": from the first */
};

/* What becomes of the newest tag, for a machine and for a person. */
struct fate {
	enum tag_reason reason;
	char words[REASON_SIZE];
};

static void PRINTF_LIKE(3, 4)
    set_fate(struct fate *fate, enum tag_reason reason, const char *format, ...)
{
	va_list args;

	fate->reason = reason;
	va_start(args, format);
	vsnprintf(fate->words, sizeof(fate->words), format, args);
	va_end(args);
}

/* In the order in which the program itself looks. */
static void
judge_chosen(const struct tag_explanation *e, const struct stage *stage, struct fate *fate)
{
	const struct tag_marks *marks = &e->marks;
	bool is_older = false;
	uint64_t deploy = 0;

	for (size_t i = 0; i < e->count && !is_older; i++)
		is_older =
		    e->tags[i].reason == TAG_OLDER && strcmp(e->tags[i].tag, e->chosen) == 0;
	if (e->digest[0] != '\0' && stage_holds(stage, e->digest, &deploy))
		set_fate(fate, TAG_QUARANTINED,
		    "in quarantine since deploy %llu was rolled back or left: deploy it by "
		    "hand, "
		    "or lift the quarantine",
		    (unsigned long long)deploy);
	else if (e->verdict != TAG_KEPT)
		set_fate(fate, e->verdict, "%s", e->words);
	else if (strcmp(e->digest, marks->live_digest) == 0)
		set_fate(fate, TAG_LIVE, "%s",
		    stage->stopped == 0 ? "its digest serves already"
					: "the stage is stopped, and a start brings it back");
	else if (is_older)
		set_fate(fate, TAG_OLDER,
		    "older than what serves (%s) or was seen last (%s), and 'downgrade' is "
		    "not "
		    "allow",
		    marks->live_tag[0] == '\0' ? "nothing" : marks->live_tag,
		    marks->seen_tag[0] == '\0' ? "nothing" : marks->seen_tag);
	else if (strcmp(e->chosen, marks->seen_tag) == 0
		 && strcmp(e->digest, marks->seen_digest) == 0)
		set_fate(fate, TAG_SEEN,
		    "polls have seen it before: the first look only records, and what was "
		    "tried once is not tried again; deploy it by hand");
	else
		set_fate(fate, TAG_KEPT, "%s",
		    stage->stopped == 0 ? "it would be deployed"
					: "it would pend: the stage is stopped");
}

static void
write_mark(struct json_writer *w, const char *key, const char *tag, const char *digest)
{
	json_key(w, key);
	if (tag[0] == '\0' && digest[0] == '\0') {
		json_put_null(w);
		return;
	}
	json_object_open(w);
	json_pair_text(w, "tag", tag);
	json_pair_text(w, "digest", digest);
	json_object_close(w);
}

static void
write_chosen(struct json_writer *w, const struct tag_explanation *e,
    const struct stage_spec *spec, const struct fate *fate)
{
	json_key(w, "chosen");
	if (e->chosen[0] == '\0') {
		json_put_null(w);
		return;
	}
	json_object_open(w);
	json_pair_text(w, "tag", e->chosen);
	json_pair_text(w, "digest", e->digest);
	json_pair_bool(w, "deploys", fate->reason == TAG_KEPT && spec->is_auto);
	json_pair_text(w, "code", tag_reason_codes[fate->reason]);
	json_pair_text(w, "reason",
	    fate->reason == TAG_KEPT && !spec->is_auto
		? "it would be reported: the stage deploys by hand only (auto: false)"
		: fate->words);
	json_object_close(w);
}

static void
write_item(struct json_writer *w, const struct tag_explanation *e,
    const struct tag_judged *judged, size_t place, const struct fate *fate)
{
	bool is_chosen = strcmp(judged->tag, e->chosen) == 0;
	enum tag_reason reason =
	    is_chosen && judged->reason == TAG_KEPT ? fate->reason : judged->reason;
	char words[REASON_SIZE];

	if (is_chosen)
		snprintf(words, sizeof(words), "%s", fate->words);
	else if (reason == TAG_OLDER)
		snprintf(words, sizeof(words), "older than what serves or was seen last");
	else
		tag_policy_explain(e->policy, judged, words);
	json_object_open(w);
	json_pair_text(w, "tag", judged->tag);
	json_pair_bool(w, "kept", place != 0);
	json_pair_integer(w, "place", (int64_t)place);
	json_pair_str(w, "part", judged->part);
	json_pair_text(w, "code", tag_reason_codes[reason]);
	json_pair_text(w, "reason", words);
	json_object_close(w);
}

static void
write_items(struct json_writer *w, const struct tag_explanation *e, size_t first,
    uint64_t limit, const struct fate *fate)
{
	size_t end = limit < e->count - first ? first + limit : e->count;
	size_t place = 0;

	json_key(w, "items");
	json_array_open(w);
	for (size_t i = 0; i < end; i++) {
		bool is_kept = e->tags[i].reason == TAG_KEPT || e->tags[i].reason == TAG_OLDER;

		place += is_kept;
		if (i >= first)
			write_item(w, e, &e->tags[i], is_kept ? place : 0, fate);
	}
	json_array_close(w);
	json_pair_text(w, "next", first < end && end < e->count ? e->tags[end - 1].tag : NULL);
}

/* Where the page begins; beyond all of them when there is no such tag (any more). */
static size_t
find_first(const struct tag_explanation *e, const char *after)
{
	size_t i = 0;

	if (after[0] == '\0')
		return 0;
	while (i < e->count && strcmp(e->tags[i].tag, after) != 0)
		i++;
	return i + 1;
}

static void
reply(
    const struct question *q, const struct tag_explanation *e, const struct stage_entry *stage)
{
	size_t first = find_first(e, q->after);
	char policy[REASON_SIZE];
	struct fate fate = { .words = "" };
	struct json_writer w;

	if (first > e->count) {
		reply_error(q->rq, 400, "INVALID",
		    "'after': the registry has no tag '%.128s' (any more): begin again "
		    "without "
		    "it",
		    q->after);
		return;
	}
	tag_policy_name(stage->spec, policy);
	judge_chosen(e, &runtime_actor(q->app->runtime, stage->id)->stage, &fate);
	json_writer_init(&w, reply_body(q->rq));
	json_object_open(&w);
	json_pair_text(&w, "image", stage->spec->image);
	json_pair_text(&w, "policy", policy);
	json_pair_integer(&w, "total", e->total);
	json_pair_bool(&w, "truncated", e->total > e->count);
	write_mark(&w, "live", e->marks.live_tag, e->marks.live_digest);
	write_mark(&w, "seen", e->marks.seen_tag, e->marks.seen_digest);
	write_chosen(&w, e, stage->spec, &fate);
	write_items(&w, e, first, q->limit, &fate);
	json_object_close(&w);
	reply_json(q->rq, 200);
}

static void
on_explained(void *context, const struct tag_explanation *e)
{
	struct question *q = context;
	const struct stage_entry *stage = catalog_stage(q->app->catalog, q->stage);

	if (e != NULL && (e->failure != NULL || stage == NULL))
		reply_error(q->rq, 502, "REGISTRY", "the registry did not tell its tags: %s",
		    e->failure == NULL ? "the stage is gone" : e->failure);
	else if (e != NULL)
		reply(q, e, stage);
	free(q);
}

void
api_stage_tags(void *context, struct request *rq)
{
	struct app *app = context;
	const struct stage_entry *stage = api_stage(app, rq);
	const char *after = api_query(rq, "after");
	uint64_t limit = TAGS_EXPLAINED_MAX;
	struct question *q;

	if (stage == NULL || !api_query_number(rq, "limit", TAGS_EXPLAINED_MAX, &limit))
		return;
	if (after[0] != '\0' && !image_tag_is_valid(str_of(after))) {
		reply_error(rq, 400, "INVALID", "'after' must be a tag");
		return;
	}
	q = calloc(1, sizeof(*q));
	CHECK(q != NULL);
	*q = (struct question){ .app = app, .rq = rq, .stage = stage->id, .limit = limit };
	CHECK(str_copy(q->after, sizeof(q->after), str_of(after)));
	request_hold(rq);
	registry_explain(app->registry, stage->id, on_explained, q);
}
