/* fuzz_webhook.c - what the world may send without a token: the body of a webhook. It is taken, ignored
 * or refused with a reason; only an image of the project's own starts anything.
 *
 * The first line is the Content-Type and, behind tabs, more headers; the rest is the body. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "config/image.h"
#include "fuzz.h"
#include "scripted_fetch.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/store.h"
#include "whole_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char config[] = "version: 1\n"
			     "projects:\n"
			     "  shop:\n"
			     "    image: registry.example/shop/web\n"
			     "    health: none\n"
			     "    stages:\n"
			     "      production: {tags: 'v*'}\n"
			     "      staging: {tags: latest, auto: false}\n"
			     "      nightly: {tags: '*-night-?'}\n"
			     "      hub: {image: docker.io/library/nginx}\n";

static struct app *app;

static void
fresh_server(void)
{
	struct err err;

	if (app != NULL)
		whole_end();
	app = whole_begin(store_open(NULL, &err), &err);
	CHECK(app != NULL);
	whole_apply(app, config);
	whole_tick(app, false);
}

static bool
is_json(struct str type)
{
	return str_is(type, "application/json");
}

/* By the body alone: what must come of it? */
static bool
must_deploy(struct str body)
{
	struct err err;
	struct json *json = json_parse(body, &err);
	struct image_ref ref;
	bool must = false;

	if (json_kind(json) == JSON_IS_OBJECT && json_count(json) == 1
	    && image_ref_parse(json_text(json_get(json, "image")), &ref, &err) == 0) {
		const char *tag = ref.tag[0] == '\0' ? "latest" : ref.tag;
		bool is_web = strcmp(ref.host, "registry.example") == 0
			      && strcmp(ref.path, "shop/web") == 0;

		must = (is_web && (tag[0] == 'v' || str_glob("*-night-?", tag)))
		       || (strcmp(ref.host, "docker.io") == 0
			   && strcmp(ref.path, "library/nginx") == 0);
	}
	json_free(json);
	return must;
}

/* A deploy has a tag that the body names; how escapes may say it is the parsers' own matter. */
static void
check_named(struct str body)
{
	struct deploy_filter filter = { .project = "", .state = "" };
	struct deploy_row row;

	CHECK(store_deploys(app->store, &filter, &row, 1) == 1);
	CHECK(image_tag_is_valid(str_of(row.tag)));
	CHECK(strcmp(row.stage_name, "staging") != 0);
	CHECK(strcmp(row.trigger, "WEBHOOK") == 0);
	if (memchr(body.p, '\\', body.n) == NULL && memchr(body.p, '%', body.n) == NULL
	    && strcmp(row.tag, "latest") != 0)
		CHECK(memmem(body.p, body.n, row.tag, strlen(row.tag)) != NULL);
}

static void
add_headers(struct buf *headers, struct str line)
{
	struct str type;

	line = str_cut(line, '\t', &type);
	buf_text(headers, "-\nContent-Type: ");
	buf_str(headers, type);
	while (line.n > 0) {
		struct str header;

		line = str_cut(line, '\t', &header);
		buf_char(headers, '\n');
		buf_str(headers, header);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str type;
	struct str body = str_cut((struct str){ (const char *)data, size }, '\n', &type);
	struct talk talk;
	struct said said;
	struct str rest;
	struct buf line;
	struct buf headers;
	size_t before;

	script_set(STR(""), NULL, NULL);
	if (app == NULL || runtime_count(app->runtime, ACTOR_DEPLOY) > 0)
		fresh_server();
	before = runtime_count(app->runtime, ACTOR_DEPLOY);
	buf_init(&line, 256);
	buf_init(&headers, 8192);
	buf_format(
	    &line, "POST /api/webhook/%s", catalog_project_at(app->catalog, 0)->webhook);
	add_headers(&headers, type);
	whole_ask(app, &talk, buf_view(&line), buf_view(&headers), body);
	rest = buf_view(&talk.heard);
	CHECK(talk_next_answer(&rest, true, &said) && rest.n == 0);
	CHECK(said.status == 200 || said.status == 202 || said.status == 400
	      || said.status == 408 || said.status == 411 || said.status == 413
	      || said.status == 415 || said.status == 417 || said.status == 431
	      || said.status == 501);
	CHECK((said.status == 202) == (runtime_count(app->runtime, ACTOR_DEPLOY) > before));
	if (said.status == 202)
		check_named(body);
	CHECK(said.status != 200 || memchr(type.p, '\t', type.n) != NULL || !is_json(type)
	      || !must_deploy(body));
	whole_check(app);
	talk_end(&talk);
	buf_free(&line);
	buf_free(&headers);
	whole_tick(app, false);
	return 0;
}
