/* fuzz_api.c - the whole server, asked over HTTP: every request gets one answer, never a 500, JSON is
 * JSON, and whatever was asked for the machines keep their laws.
 *
 * The input is a list of requests (see fuzz_next_part): "GET /api/v1/stages", headers, an empty line, the
 * body. {hook} stands for a webhook's secret, {deploy} for the newest deploy; "-" as the first header leaves
 * the token out; "tick" lets time go on. The registry and the engine are not reached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fuzz.h"
#include "http/server.h"
#include "scripted_fetch.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/store.h"
#include "whole_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TALKS_MAX = 12, TICKS = 12, TEXT_MAX = 1 << 20 };

static const char config[] =
    "version: 1\n"
    "projects:\n"
    "  shop:\n"
    "    image: registry.example/shop/web\n"
    "    port: 80\n"
    "    health: {http: /}\n"
    "    stages:\n"
    "      production: {domains: [shop.example], tags: 'v*', poll: 30s}\n"
    "      staging: {tags: latest, auto: false}\n"
    "  data:\n"
    "    image: ghcr.io/data/db\n"
    "    health: none\n"
    "    stages: {main: {}}\n";

static struct app *app;
static int64_t journal_at_begin;
static size_t stages_at_begin;
static int64_t time_at_begin;

static void
fresh_server(void)
{
	struct err err;

	if (app != NULL)
		whole_end();
	if (time_at_begin == 0)
		time_at_begin = fuzz_now_us;
	fuzz_now_us = time_at_begin;
	app = whole_begin(store_open(NULL, &err), &err);
	CHECK(app != NULL);
	whole_apply(app, config);
	for (int i = 0; i < TICKS; i++)
		whole_tick(app, false);
	journal_at_begin = store_journal_last(app->store);
	stages_at_begin = catalog_stage_count(app->catalog);
}

static bool
has_changed(void)
{
	return app == NULL || store_journal_last(app->store) != journal_at_begin
	       || catalog_stage_count(app->catalog) != stages_at_begin
	       || fuzz_now_us != time_at_begin;
}

/* A heard stream is no JSON; neither is what a HEAD is told. */
static void
check_answer(const struct talk *talk, bool is_head)
{
	struct str rest = buf_view(&talk->heard);
	struct said said;

	if (!talk_next_answer(&rest, !is_head, &said))
		return; /* held: it waits for the engine */
	CHECK(said.status != 500 && said.status < 504);
	if (!is_head && said.status != 204
	    && memmem(said.head.p, said.head.n, "application/json", 16) != NULL) {
		struct err err;
		struct json *json = json_parse(said.body, &err);

		CHECK(json != NULL && json_kind(json) == JSON_IS_OBJECT);
		CHECK(said.status < 400
		      || json_text(json_get(json_get(json, "error"), "message"))[0] != '\0');
		json_free(json);
	}
}

static void
write_value(struct buf *to, bool is_hook)
{
	struct deploy_filter filter = { .project = "", .state = "" };
	struct deploy_row newest = { 0 };

	if (is_hook) {
		buf_text(to, catalog_project_at(app->catalog, 0)->webhook);
		return;
	}
	store_deploys(app->store, &filter, &newest, 1);
	buf_format(to, "%llu", (unsigned long long)newest.id);
}

/* The request line with {hook} and {deploy} replaced. */
static void
write_line(struct buf *to, struct str line)
{
	static const char *const marks[] = { "{hook}", "{deploy}" };

	for (size_t i = 0; i < COUNT(marks); i++) {
		size_t n = strlen(marks[i]);
		const char *at = line.n == 0 ? NULL : memmem(line.p, line.n, marks[i], n);

		if (at == NULL)
			continue;
		buf_add(to, line.p, (size_t)(at - line.p));
		write_value(to, i == 0);
		line.n -= (size_t)(at - line.p) + n;
		line.p = at + n;
		break;
	}
	buf_str(to, line);
}

static void
ask(struct talk *talk, struct str part)
{
	struct str line;
	struct str headers = str_cut(part, '\n', &line);
	struct str body = { "", 0 };
	const char *gap = headers.n == 0 ? NULL : memmem(headers.p, headers.n, "\n\n", 2);
	struct buf text;

	if (str_starts(headers, "\n")) {
		body = (struct str){ headers.p + 1, headers.n - 1 };
		headers.n = 0;
	} else if (gap != NULL) {
		body = (struct str){ gap + 2, headers.n - (size_t)(gap + 2 - headers.p) };
		headers.n = (size_t)(gap - headers.p);
	}
	buf_init(&text, TEXT_MAX);
	write_line(&text, line);
	whole_ask(app, talk, buf_view(&text), headers, body);
	check_answer(talk, str_starts(line, "HEAD "));
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct talk talks[TALKS_MAX];
	struct str part;
	size_t count = 0;

	script_set(STR(""), NULL, NULL);
	if (has_changed())
		fresh_server();
	while (count < TALKS_MAX && fuzz_next_part(&rest, &part)) {
		if (str_is(part, "tick"))
			whole_tick(app, true);
		else
			ask(&talks[count++], part);
		whole_check(app);
	}
	for (size_t i = 0; i < count; i++)
		talk_end(&talks[i]);
	for (int i = 0; i < 3; i++)
		whole_tick(app, false);
	CHECK(http_server_counters(app->server)->connections == 0);
	CHECK(http_server_counters(app->server)->streams == 0);
	for (int i = 0; has_changed() && i < TICKS; i++) {
		whole_tick(app, true);
		whole_check(app);
	}
	return 0;
}
