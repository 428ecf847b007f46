/* cli_plan.c - plan: how the next version of a stage would take the place of the one that serves. */
#include <inttypes.h>

#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

static const char *
text_of(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

static void
write_gap(struct table *t, const struct json *answer)
{
	const struct json *last = json_get(answer, "last");
	char expected[WORDS_SIZE];
	char most[WORDS_SIZE];
	char took[WORDS_SIZE];

	words_took(words_ms(answer, "expected_ms"), expected);
	words_took(words_ms(answer, "most_ms"), most);
	table_cell(t, "  without an answer");
	table_cell_format(t, "about %s, at most %s", expected, most);
	if (json_kind(last) != JSON_IS_OBJECT)
		return;
	words_took(words_ms(last, "took_ms"), took);
	table_cell(t, "  the last time");
	table_cell_format(
	    t, "%s, by deploy %" PRId64, took, json_number(json_get(last, "deploy")));
}

static void
print(const struct json *answer)
{
	static const char *const none[] = { "", "", NULL };
	struct table t;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	table_init(&t, none);
	buf_format(&out, "%s/%s: %s\n", text_of(answer, "project"), text_of(answer, "stage"),
	    text_of(answer, "strategy"));
	table_cell(&t, "  so");
	table_cell(&t, text_of(answer, "promise"));
	table_cell(&t, "  because");
	table_cell(&t, text_of(answer, "reason"));
	if (text_of(answer, "window")[0] != '\0') {
		table_cell(&t, "  watched");
		table_cell(&t, text_of(answer, "window"));
	}
	if (text_of(answer, "refusal")[0] != '\0') {
		table_cell(&t, "  refused");
		table_cell(&t, text_of(answer, "refusal"));
	}
	if (words_ms(answer, "most_ms") > 0)
		write_gap(&t, answer);
	if (!json_bool(json_get(answer, "replaces"))) {
		table_cell(&t, "  now");
		table_cell(&t, "nothing serves: the next version replaces nothing");
	}
	table_write(&t, 0, &out);
	table_free(&t);
	output_buf(&out);
}

enum cli_exit
cli_plan(struct invocation *in)
{
	struct target target;
	struct answer answer;
	struct buf path;
	enum cli_exit code;

	if (words_target(in->options.arguments[0], true, &target, in->err) != 0)
		return CLI_USAGE;
	stage_path(&path, target.project, target.stage, "/plan");
	code = ask_or_print(in, buf_cstr(&path), &answer);
	if (code == CLI_OK && answer.json != NULL)
		print(answer.json);
	answer_free(&answer);
	buf_free(&path);
	return code;
}
