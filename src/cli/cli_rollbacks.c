/* cli_rollbacks.c - rollback --list: the versions that a stage can go back to, and where their images are. */
#include <inttypes.h>

#include "base/clock.h"
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
write_row(struct table *t, const struct json *item)
{
	bool is_live = json_bool(json_get(item, "is_live"));
	char digest[WORDS_SIZE];
	char age[WORDS_SIZE];

	words_digest(text_of(item, "digest"), digest);
	words_age(clock_wall_ms() - words_ms(item, "ended_ms"), age);
	table_cell_format(t, "%" PRId64, json_number(json_get(item, "deploy")));
	table_cell(t, text_of(item, "tag"));
	table_cell(t, digest);
	table_cell(t, age);
	table_cell(t, is_live ? "live" : json_bool(json_get(item, "offered")) ? "yes" : "no");
	table_cell_format(t, "%s%s", text_of(item, "image"),
	    json_bool(json_get(item, "pinned")) ? ", pinned" : "");
	table_cell(t, text_of(item, "reason"));
}

enum cli_exit
list_rollbacks(struct invocation *in, const struct target *target)
{
	static const char *const heads[] = { ">DEPLOY", "TAG", "DIGEST", ">AGE", "GO BACK",
		"IMAGE", "WHY", NULL };
	const struct json *items;
	struct answer answer;
	struct buf path;
	struct table t;
	struct buf out;
	enum cli_exit code;

	stage_path(&path, target->project, target->stage, "/rollbacks");
	code = ask_or_print(in, buf_cstr(&path), &answer);
	buf_free(&path);
	if (code == CLI_OK && answer.json != NULL) {
		items = json_get(answer.json, "items");
		buf_init(&out, CLI_TEXT_MAX);
		table_init(&t, heads);
		for (size_t i = 0; i < json_count(items); i++)
			write_row(&t, json_at(items, i));
		if (json_count(items) == 0)
			buf_text(&out, "nothing was live yet\n");
		else
			table_write(&t, output_width(), &out);
		table_free(&t);
		output_buf(&out);
	}
	answer_free(&answer);
	return code;
}
