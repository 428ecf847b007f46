/* registry_explain.c - every tag of a stage's repository with what its policy says of it.
 *
 * The one idea: it is a look like a poll's, by the same task, that also keeps the tags which it passes
 * over, and tells them instead of answering an effect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "ports/registry_parts.h"

enum { ARENA_SIZE = 64 << 10, TAGS_FIRST = 256 };

struct explanation {
	struct tag_explanation told;
	struct arena *names;
	struct tag_judged *tags; /* told.tags */
	size_t allocated;
	explain_fn *on_done;
	void *context;
};

void
explanation_add(struct task *task, const char *tag)
{
	struct explanation *e = task->explanation;
	struct tag_explanation *told = &e->told;

	told->total++;
	if (told->count == TAGS_EXPLAINED_MAX)
		return;
	if (told->count == e->allocated) {
		e->allocated = e->allocated == 0 ? TAGS_FIRST : e->allocated * 2;
		e->tags = realloc(e->tags, e->allocated * sizeof(*e->tags));
		CHECK(e->tags != NULL);
		told->tags = e->tags;
	}
	tag_policy_judge(
	    task->policy, arena_text(e->names, str_of(tag)), &e->tags[told->count++]);
}

void
explanation_free(struct task *task)
{
	struct explanation *e = task->explanation;

	if (e == NULL)
		return;
	if (e->on_done != NULL)
		e->on_done(e->context, NULL);
	arena_free(e->names);
	free(e->tags);
	free(e);
	task->explanation = NULL;
}

/* What the order alone cannot tell: the older ones are kept, and still not taken. */
static void
note_older(struct task *task)
{
	struct explanation *e = task->explanation;

	for (size_t i = 0; i < e->told.count; i++)
		if (choice_is_before(task, &e->tags[i]))
			e->tags[i].reason = TAG_OLDER;
}

/* A page may repeat tags of the one before. */
static void
drop_doubles(struct explanation *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->told.count; i++)
		if (kept == 0 || strcmp(e->tags[kept - 1].tag, e->tags[i].tag) != 0)
			e->tags[kept++] = e->tags[i];
	e->told.total -= (uint32_t)(e->told.count - kept);
	e->told.count = kept;
}

static void
finish(struct task *task)
{
	struct explanation *e = task->explanation;
	explain_fn *on_done = e->on_done;

	if (task->policy != NULL) {
		tag_policy_sort(task->policy, e->tags, e->told.count);
		drop_doubles(e);
		choice_load_marks(task);
		e->told.marks = task->marks;
		note_older(task);
	}
	e->told.policy = task->policy;
	e->on_done = NULL;
	on_done(e->context, &e->told);
	task_free(task);
}

void
explanation_found(
    struct task *task, const char *digest, enum tag_reason verdict, const char *words)
{
	struct tag_explanation *told = &task->explanation->told;

	snprintf(told->chosen, sizeof(told->chosen), "%s", task->image.tag);
	snprintf(told->digest, sizeof(told->digest), "%s", digest);
	snprintf(told->words, sizeof(told->words), "%s", words);
	told->verdict = verdict;
	finish(task);
}

void
explanation_failed(struct task *task, const char *why)
{
	struct tag_explanation *told = &task->explanation->told;

	if (task->image.tag[0] != '\0' && told->count > 0) {
		explanation_found(task, "", TAG_NOT_FOUND, why);
		return;
	}
	told->failure = told->total == 0 ? why : NULL;
	finish(task);
}

void
registry_explain(struct registry *r, uint64_t stage, explain_fn *on_done, void *context)
{
	struct explanation *e = calloc(1, sizeof(*e));
	struct effect effect = { .kind = FX_SEEK, .stage = stage };

	CHECK(e != NULL);
	e->names = arena_new(ARENA_SIZE);
	e->on_done = on_done;
	e->context = context;
	task_begin(r, &effect, e);
}
