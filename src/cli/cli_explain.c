/* cli_explain.c - explain: every tag of a stage's repository, and why it is kept or refused. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

enum { TAGS_SHOWN = 50 };

static const char *
text_of(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

/* "v3 is newest: its digest serves already". */
static void
write_summary(const struct json *answer, struct buf *out)
{
	const struct json *chosen = json_get(answer, "chosen");
	const struct json *live = json_get(answer, "live");
	char digest[WORDS_SIZE];

	buf_format(out, "%s, tags: %s (%" PRId64 " in the registry)\n",
	    text_of(answer, "image"), text_of(answer, "policy"),
	    json_number(json_get(answer, "total")));
	if (json_kind(live) == JSON_IS_OBJECT) {
		words_digest(text_of(live, "digest"), digest);
		buf_format(out, "live: %s %s\n", text_of(live, "tag"), digest);
	}
	if (json_kind(chosen) != JSON_IS_OBJECT) {
		buf_text(out, "newest: no tag is kept\n\n");
		return;
	}
	words_digest(text_of(chosen, "digest"), digest);
	buf_format(out, "newest: %s %s: %s\n\n", text_of(chosen, "tag"), digest,
	    text_of(chosen, "reason"));
}

static void
write_tags(const struct json *items, struct buf *out)
{
	static const char *const heads[] = { ">PLACE", "TAG", "VERDICT", "WHY", NULL };
	struct table t;

	table_init(&t, heads);
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *item = json_at(items, i);
		int64_t place = json_number(json_get(item, "place"));

		if (place > 0)
			table_cell_format(&t, "%" PRId64, place);
		else
			table_cell(&t, "");
		table_cell(&t, text_of(item, "tag"));
		table_cell(&t, text_of(item, "code"));
		table_cell(&t, text_of(item, "reason"));
	}
	table_write(&t, output_width(), out);
	table_free(&t);
}

static void
print(const struct json *answer, bool is_first_page)
{
	const struct json *items = json_get(answer, "items");
	int64_t left = json_number(json_get(answer, "total")) - (int64_t)json_count(items);
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	if (is_first_page)
		write_summary(answer, &out);
	write_tags(items, &out);
	if (text_of(answer, "next")[0] != '\0') {
		buf_text(&out, "and ");
		if (is_first_page)
			buf_format(&out, "%" PRId64 " ", left);
		buf_text(&out, "more; `--limit N` shows more at once, `--after ");
		words_clean(&out, str_of(text_of(answer, "next")), false);
		buf_text(&out, "` the next ones\n");
	}
	output_buf(&out);
}

enum cli_exit
cli_explain(struct invocation *in)
{
	const char *after = options_value(&in->options, "after");
	uint64_t limit = options_has(&in->options, "json") ? TAGS_EXPLAINED_MAX : TAGS_SHOWN;
	struct target target;
	struct answer answer;
	struct buf path;
	enum cli_exit code;

	if (words_target(in->options.arguments[0], true, &target, in->err) != 0
	    || options_number(&in->options, "limit", 1, TAGS_EXPLAINED_MAX, &limit, in->err)
		   != 0)
		return CLI_USAGE;
	stage_path(&path, target.project, target.stage, "/tags");
	buf_format(&path, "?limit=%" PRIu64, limit);
	if (after != NULL) {
		buf_text(&path, "&after=");
		client_path_part(&path, after);
	}
	code = ask_or_print(in, buf_cstr(&path), &answer);
	if (code == CLI_OK && answer.json != NULL)
		print(answer.json, after == NULL);
	answer_free(&answer);
	buf_free(&path);
	return code;
}
