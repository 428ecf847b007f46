/* registry_tags.c - the newest tag that a policy takes.
 *
 * The one idea: the tags of a repository are listed once for all who look at that moment; each page
 * is shown to every one of them, and each keeps the best by its own policy. Only the winner's
 * manifest is asked for. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "ports/registry_parts.h"
#include "ports/registry_url.h"

enum { PAGE_TAGS = 1000 };

struct tag_list {
	struct registry *registry;
	struct tag_list *next;
	struct site *site;
	struct question *question;
	char host[DOMAIN_SIZE + 8];
	char path[IMAGE_SIZE];
	struct buf url; /* of the page that was asked for */
	struct task *watchers;
	uint32_t pages;
	uint32_t tags; /* seen, signatures not counted */
};

static void ask(struct tag_list *list);

/* Nobody joins any more. */
static void
list_close(struct tag_list *list)
{
	for (struct tag_list **at = &list->registry->lists; *at != NULL; at = &(*at)->next)
		if (*at == list) {
			*at = list->next;
			return;
		}
}

static void
list_free(struct tag_list *list)
{
	CHECK(list->watchers == NULL);
	list_close(list);
	question_cancel(list->question);
	site_leave(list->site);
	buf_free(&list->url);
	free(list);
}

void
tags_forget(struct task *task)
{
	struct tag_list *list = task->list;

	if (list == NULL)
		return;
	for (struct task **at = &list->watchers; *at != NULL; at = &(*at)->list_next)
		if (*at == task) {
			*at = task->list_next;
			break;
		}
	task->list = NULL;
	if (list->watchers == NULL)
		list_free(list);
}

/* The watchers are taken off one by one: what becomes of a task may end others. The last one takes the
 * list with it. */
static struct task *
next_watcher(struct tag_list *list)
{
	struct task *task = list->watchers;

	list->watchers = task->list_next;
	task->list = NULL;
	return task;
}

static void
end_with(struct tag_list *list, const struct question_answer *answer)
{
	list_close(list);
	while (list->watchers != NULL)
		task_fail_as(next_watcher(list), answer);
	list_free(list);
}

static void PRINTF_LIKE(2, 3) end_refused(struct tag_list *list, const char *format, ...)
{
	struct question_answer answer = { .kind = EV_REFUSED };
	char why[REASON_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	answer.why = why;
	end_with(list, &answer);
}

static void
fail_empty(struct task *task, uint32_t tags)
{
	const struct stage_entry *stage =
	    catalog_stage(task->registry->host.catalog, task->effect.stage);
	char policy[REASON_SIZE] = "";

	if (stage != NULL)
		tag_policy_name(stage->spec, policy);
	task_fail(
	    task, EV_TROUBLED, 0, "no tag matches '%.150s' (%u tags seen)", policy, tags);
}

static void
end_found(struct tag_list *list)
{
	uint32_t tags = list->tags;

	list_close(list);
	while (list->watchers != NULL) {
		struct task *task = next_watcher(list);

		if (choice_next(task))
			manifest_find(task);
		else
			fail_empty(task, tags);
	}
	list_free(list);
}

static void
show(struct tag_list *list, const char *tag)
{
	for (struct task *t = list->watchers; t != NULL; t = t->list_next) {
		choice_offer(t, tag);
		if (t->explanation != NULL)
			explanation_add(t, tag);
	}
}

static void
show_page(struct tag_list *list, const struct json *tags)
{
	size_t count = json_count(tags);

	for (size_t i = 0; i < count; i++) {
		const char *tag = json_text(json_at(tags, i));

		if (!image_tag_is_valid(str_of(tag)))
			continue;
		list->tags += !tag_is_attachment(str_of(tag));
		show(list, tag);
	}
	list->pages++;
}

/* There is another page, and list->url leads to it. false: there is none, or the list is over. */
static bool
turn_page(struct tag_list *list, const struct question_answer *answer, bool *ret_is_over)
{
	struct str next = { "", 0 };
	struct str header;
	struct buf url;

	for (uint32_t i = 0; next.n == 0; i++) {
		header = fetch_header_at(answer->transfer, "Link", i);
		if (header.n == 0)
			return false;
		next = link_next(header);
	}
	*ret_is_over = true;
	buf_init(&url, QUESTION_URL_MAX);
	if (!url_join(buf_view(&list->url), next, &url)) {
		buf_free(&url);
		end_refused(list,
		    "%s names '%.*s' as the next page of tags, which is not on that host",
		    list->host, (int)(next.n < 120 ? next.n : 120), next.p);
		return false;
	}
	if (list->pages >= REGISTRY_PAGES_MAX || list->tags >= REGISTRY_TAGS_MAX) {
		uint32_t tags = list->tags;
		buf_free(&url);
		end_refused(list,
		    "%s/%s has too many tags to list (%u seen in %u pages): delete old ones, "
		    "or "
		    "set tags to one tag without * and ?",
		    list->host, list->path, tags, list->pages);
		return false;
	}
	*ret_is_over = false;
	buf_free(&list->url);
	list->url = url;
	return true;
}

static void
take_page(struct tag_list *list, const struct question_answer *answer)
{
	struct err err;
	struct json *root = json_parse(answer->body, &err);
	enum json_kind kind = json_kind(json_get(root, "tags"));
	bool is_over = false;

	if (root == NULL || (kind != JSON_IS_ARRAY && kind != JSON_IS_NULL)) {
		json_free(root);
		end_refused(list, "%s answered with a broken list of tags for '%s'%s%.80s",
		    list->host, list->path, root == NULL ? ": " : "",
		    root == NULL ? err.text : "");
		return;
	}
	show_page(list, json_get(root, "tags"));
	json_free(root);
	if (turn_page(list, answer, &is_over))
		ask(list);
	else if (!is_over)
		end_found(list);
}

static void
on_answer(void *context, const struct question_answer *answer)
{
	struct tag_list *list = context;

	list->question = NULL;
	if (answer->status == 0)
		end_with(list, answer);
	else if (answer->status == 404)
		end_refused(list,
		    "there is no repository '%s' in %s: check the image's name, or push it",
		    list->path, list->host);
	else if (answer->status != 200)
		end_refused(list,
		    "%s answered %d where the tags of '%s' were expected: name one tag "
		    "without * "
		    "and ?",
		    list->host, answer->status, list->path);
	else
		take_page(list, answer);
}

static void
ask(struct tag_list *list)
{
	list->question = question_ask(&(struct question_request){ .site = list->site,
	    .priority = PRIORITY_POLL,
	    .repository = list->path,
	    .url = buf_cstr(&list->url),
	    .accept = "Accept: application/json",
	    .body_max = REGISTRY_PAGE_BYTES_MAX,
	    .on_done = on_answer,
	    .context = list });
}

static struct tag_list *
list_new(struct task *task)
{
	struct tag_list *list = calloc(1, sizeof(*list));

	CHECK(list != NULL);
	list->registry = task->registry;
	list->site = task->site;
	list->site->users++;
	memcpy(list->host, task->image.host, sizeof(list->host));
	memcpy(list->path, task->image.path, sizeof(list->path));
	buf_init(&list->url, QUESTION_URL_MAX);
	buf_format(&list->url, "%s://%s/v2/%s/tags/list?n=%d",
	    task->site->config.is_insecure ? "http" : "https", task->site->server, list->path,
	    PAGE_TAGS);
	list->next = list->registry->lists;
	list->registry->lists = list;
	ask(list);
	return list;
}

void
tags_find(struct task *task)
{
	struct tag_list *list = task->registry->lists;

	/* One that has shown a page already is too far gone to join. */
	while (list != NULL
	       && (list->site != task->site || list->pages > 0
		   || strcmp(list->path, task->image.path) != 0))
		list = list->next;
	if (list == NULL)
		list = list_new(task);
	task->list = list;
	task->list_next = list->watchers;
	list->watchers = task;
}
