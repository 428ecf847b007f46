/* registry_inquiry.c - what a person wants to know of a registry: does it let us in, which tags
 * are there?
 *
 * The one idea: it is a question like those of deploys, with the same logins, gates and words, so
 * that what is told here is what a deploy would meet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "ports/registry_parts.h"
#include "ports/registry_url.h"

struct inquiry {
	struct registry *registry;
	struct inquiry *next;
	struct site *site;
	struct question *question;
	struct image_ref image;
	char after[TAG_SIZE];
	uint32_t limit;
	int64_t begun_us;
	registry_told_fn *on_told;
	void *context;
};

static void
inquiry_free(struct inquiry *i)
{
	struct inquiry **at = &i->registry->inquiries;

	while (*at != i)
		at = &(*at)->next;
	*at = i->next;
	question_cancel(i->question);
	if (i->site != NULL)
		site_leave(i->site);
	free(i);
}

void
inquiries_free(struct registry *r)
{
	while (r->inquiries != NULL) {
		struct inquiry *i = r->inquiries;

		i->on_told(i->context, NULL);
		inquiry_free(i);
	}
}

static void
finish(struct inquiry *i, struct registry_told *told)
{
	told->took_ms = (clock_mono_us() - i->begun_us) / 1000;
	i->on_told(i->context, told);
	inquiry_free(i);
}

static void
fail(struct inquiry *i, const char *why)
{
	struct registry_told told = { .failure = why };

	finish(i, &told);
}

static const char *
how_it_let_us_in(const struct site *site)
{
	bool has_user = site->config.username[0] != '\0';

	if (site->challenge.kind != CHALLENGE_NONE)
		return has_user ? "it takes the login" : "it lets everybody in";
	return has_user ? "it asks for no login: the one that is set was not tried"
			: "it asks for no login";
}

static int
order(const void *a, const void *b)
{
	const struct str *x = a;
	const struct str *y = b;
	int result = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return result != 0 ? result : (x->n > y->n) - (x->n < y->n);
}

/* Many registries give all their tags at once, in any order, whatever was asked for: such a list
 * has more than were asked for, or the one that it should begin behind. */
static bool
has_no_pages(const struct inquiry *i, const struct str *tags, size_t count)
{
	bool has_after = false;

	for (size_t k = 0; k < count && !has_after; k++)
		has_after = str_is(tags[k], i->after);
	return count > i->limit || has_after;
}

static void
cut_page(const struct inquiry *i, struct str *tags, struct registry_told *told)
{
	struct str after = str_of(i->after);

	told->tags = tags;
	if (!has_no_pages(i, tags, told->count))
		return;
	qsort(tags, told->count, sizeof(*tags), order);
	while (told->count > 0 && order(told->tags, &after) <= 0) {
		told->tags++;
		told->count--;
	}
	told->has_more = told->count > i->limit;
	if (told->has_more)
		told->count = i->limit;
}

/* A page of tags; without a limit, what was asked was only whether they can be had. */
static void
tell_tags(struct inquiry *i, const struct json *list, struct registry_told *told)
{
	size_t count = i->limit == 0 ? 0 : json_count(list);
	struct str *tags = calloc(count + 1, sizeof(*tags));

	CHECK(tags != NULL);
	for (size_t k = 0; k < count; k++) {
		struct str tag = json_str(json_at(list, k));

		if (image_tag_is_valid(tag))
			tags[told->count++] = tag;
	}
	cut_page(i, tags, told);
	finish(i, told);
	free(tags);
}

static void
take_tags(struct inquiry *i, const struct question_answer *answer)
{
	struct registry_told told = { .note = how_it_let_us_in(i->site) };
	struct err err;
	struct json *root = json_parse(answer->body, &err);
	const struct json *list = json_get(root, "tags");
	char why[REASON_SIZE];

	if (root == NULL
	    || (json_kind(list) != JSON_IS_ARRAY && json_kind(list) != JSON_IS_NULL)) {
		snprintf(why, sizeof(why), "%s answered with a broken list of tags for '%s'",
		    i->image.host, i->image.path);
		fail(i, why);
	} else {
		for (uint32_t k = 0; !told.has_more; k++) {
			struct str header = fetch_header_at(answer->transfer, "Link", k);

			if (header.n == 0)
				break;
			told.has_more = link_next(header).n > 0;
		}
		tell_tags(i, list, &told);
	}
	json_free(root);
}

static void
on_answer(void *context, const struct question_answer *answer)
{
	struct inquiry *i = context;
	struct registry_told told = { .failure = NULL };
	char why[REASON_SIZE];

	i->question = NULL;
	if (answer->status == 0) {
		fail(i, answer->why);
	} else if (answer->status == 404 && i->image.digest[0] != '\0') {
		told.failure = "the registry has it no more";
		told.is_missing = true;
		finish(i, &told);
	} else if (answer->status == 404 && i->image.path[0] != '\0') {
		snprintf(why, sizeof(why),
		    "there is no repository '%s' in %s: check the image's name, or push it",
		    i->image.path, i->image.host);
		fail(i, why);
	} else if (answer->status != 200) {
		snprintf(why, sizeof(why),
		    "%s answered %d where a registry would say 200: check the host and its "
		    "port",
		    i->image.host, answer->status);
		fail(i, why);
	} else if (i->image.path[0] != '\0' && i->image.digest[0] == '\0') {
		take_tags(i, answer);
	} else {
		told.note = how_it_let_us_in(i->site);
		finish(i, &told);
	}
}

static void
ask(struct inquiry *i)
{
	struct buf url;

	buf_init(&url, QUESTION_URL_MAX);
	buf_format(&url, "%s://%s/v2/", i->site->config.is_insecure ? "http" : "https",
	    i->site->server);
	if (i->image.digest[0] != '\0')
		buf_format(&url, "%s/manifests/%s", i->image.path, i->image.digest);
	else if (i->image.path[0] != '\0')
		buf_format(
		    &url, "%s/tags/list?n=%u", i->image.path, i->limit == 0 ? 1 : i->limit);
	if (i->after[0] != '\0') {
		buf_text(&url, "&last=");
		url_query_escape(&url, i->after);
	}
	i->question = question_ask(&(struct question_request){ .site = i->site,
	    .priority = PRIORITY_DEPLOY,
	    .repository = i->image.path,
	    .url = buf_cstr(&url),
	    .method = i->image.digest[0] != '\0' ? "HEAD" : NULL,
	    .accept =
		i->image.digest[0] != '\0' ? manifest_accept : "Accept: application/json",
	    .body_max = REGISTRY_PAGE_BYTES_MAX,
	    .on_done = on_answer,
	    .context = i });
	buf_free(&url);
}

void
registry_inquire(struct registry *r, const struct registry_inquiry *inquiry)
{
	struct inquiry *i = calloc(1, sizeof(*i));
	char why[REASON_SIZE];

	CHECK(i != NULL);
	*i = (struct inquiry){ .registry = r,
		.next = r->inquiries,
		.image = *inquiry->image,
		.limit = inquiry->limit,
		.begun_us = clock_mono_us(),
		.on_told = inquiry->on_told,
		.context = inquiry->context };
	snprintf(i->after, sizeof(i->after), "%s", inquiry->after);
	r->inquiries = i;

	i->site = site_enter(r, &i->image);
	if (i->site == NULL) {
		snprintf(why, sizeof(why), "more than %d registries are asked at once",
		    REGISTRY_SITES_MAX);
		fail(i, why);
		return;
	}
	ask(i);
}
