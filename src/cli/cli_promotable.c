/* cli_promotable.c - promotable: what could be promoted, as a table, or one stage in detail. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

enum { PATH_BYTES_MAX = 2048 };

static const char *
text_of(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

static void
put_version(struct table *t, const struct json *version)
{
	char digest[WORDS_SIZE];
	char age[WORDS_SIZE];

	words_digest(text_of(version, "digest"), digest);
	words_age(clock_wall_ms() - words_ms(version, "since_ms"), age);
	table_cell(t, text_of(version, "tag"));
	table_cell(t, digest);
	table_cell(t, json_kind(version) == JSON_IS_OBJECT ? age : "");
}

/* The deploy that pends says it better than what would be answered now. */
static void
put_verdict(struct table *t, const struct json *item)
{
	const struct json *pending = json_get(item, "pending");

	if (json_kind(pending) == JSON_IS_OBJECT) {
		table_cell_format(
		    t, "pending (%" PRId64 ")", json_number(json_get(pending, "deploy")));
		table_cell(t, text_of(pending, "reason"));
		return;
	}
	table_cell(t, text_of(item, "verdict"));
	table_cell(t, text_of(item, "reason"));
}

static void
write_table(const struct json *items, struct buf *out)
{
	static const char *const heads[] = { "STAGE", "LIVE", "FROM", "VERSION", "DIGEST",
		">AGE", "VERDICT", "WHY", NULL };
	struct table t;

	table_init(&t, heads);
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *item = json_at(items, i);

		table_cell_format(
		    &t, "%s/%s", text_of(item, "project"), text_of(item, "stage"));
		table_cell(&t, text_of(json_get(item, "live"), "tag"));
		table_cell(&t, text_of(item, "from"));
		put_version(&t, json_get(item, "version"));
		put_verdict(&t, item);
	}
	table_write(&t, output_width(), out);
	table_free(&t);
}

static void
write_names(const struct json *names, const char *what, struct buf *out)
{
	if (json_count(names) == 0)
		return;
	buf_format(out, "  %s:", what);
	for (size_t i = 0; i < json_count(names); i++)
		buf_format(out, " %s", json_text(json_at(names, i)));
	buf_char(out, '\n');
}

static void
write_difference(const struct json *item, struct buf *out)
{
	const struct json *env = json_get(item, "env");
	const struct json *live = json_get(item, "env_live");
	const struct json *version = json_get(item, "version");
	char state[WORDS_SIZE];

	buf_char(out, '\n');
	if (json_kind(version) == JSON_IS_OBJECT) {
		words_state(text_of(version, "state"), state);
		buf_format(out,
		    "  in %s: deploy %" PRId64 " is %s, %" PRId64 " of %" PRId64
		    " replicas run\n",
		    text_of(item, "from"), json_number(json_get(version, "deploy")), state,
		    json_number(json_get(item, "replicas_running")),
		    json_number(json_get(item, "replicas")));
	}
	write_names(json_get(env, "only_there"), "env only in the source", out);
	write_names(json_get(env, "only_here"), "env only here", out);
	write_names(json_get(env, "different"), "env with another value here", out);
	write_names(json_get(live, "only_here"), "env that is new here", out);
	write_names(json_get(live, "only_there"), "env that goes here", out);
	write_names(json_get(live, "different"), "env that changes here", out);
}

static void
show(const struct target *target, const struct json *items)
{
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	if (json_count(items) > 0)
		write_table(items, &out);
	if (json_count(items) == 1 && target->stage[0] != '\0')
		write_difference(json_at(items, 0), &out);
	if (json_count(items) == 0)
		buf_format(&out, "%s\n",
		    target->stage[0] != '\0'
			? "nothing is promoted to this stage: it has no 'promote_from'"
			: "no stage has 'promote_from' in slipway.yml");
	output_buf(&out);
}

enum cli_exit
cli_promotable(struct invocation *in)
{
	struct target target = { "", "" };
	struct answer answer;
	struct buf path;
	enum cli_exit code;

	if (in->options.argument_count == 1
	    && words_target(in->options.arguments[0], false, &target, in->err) != 0)
		return CLI_USAGE;
	buf_init(&path, PATH_BYTES_MAX);
	buf_text(&path, "/api/v1/promotable");
	if (target.project[0] != '\0') {
		buf_text(&path, "?project=");
		client_path_part(&path, target.project);
	}
	if (target.stage[0] != '\0') {
		buf_text(&path, "&stage=");
		client_path_part(&path, target.stage);
	}
	code = ask_or_print(in, buf_cstr(&path), &answer);
	if (code == CLI_OK && answer.json != NULL)
		show(&target, json_get(answer.json, "items"));
	answer_free(&answer);
	buf_free(&path);
	return code;
}
