/* cli_stats.c - stats: what became of each stage's deploys, and how long they took. */
#include <inttypes.h>

#include "base/json.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

enum { PATH_BYTES_MAX = 4096, DAYS_DEFAULT = 30, DAYS_MAX = 3660 };

static void
put_number(struct table *t, const struct json *item, const char *key)
{
	table_cell_format(t, "%" PRId64, json_number(json_get(item, key)));
}

/* A swap takes some milliseconds. */
static void
put_time(struct table *t, int64_t ms)
{
	char text[WORDS_SIZE];

	words_took(ms, text);
	if (ms < 1000)
		table_cell_format(t, "%" PRId64 " ms", ms);
	else
		table_cell(t, text);
}

static void
put_times(struct table *t, const struct json *times)
{
	if (json_kind(times) == JSON_IS_NULL) {
		table_cell(t, "");
		table_cell(t, "");
		return;
	}
	put_time(t, words_ms(times, "p50"));
	put_time(t, words_ms(times, "p95"));
}

static void
print_statistics(const struct json *answer, uint64_t days)
{
	static const char *const heads[] = { "STAGE", ">DEPLOYS", ">LIVE", ">FAILED",
		">TAKEN BACK", ">ROLLBACKS", ">TO LIVE", ">95%", ">SWAP", ">95%", NULL };
	const struct json *items = json_get(answer, "items");
	struct table t;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	table_init(&t, heads);
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *item = json_at(items, i);

		table_cell_format(&t, "%s/%s", json_text(json_get(item, "project")),
		    json_text(json_get(item, "stage")));
		put_number(&t, item, "deploys");
		put_number(&t, item, "live");
		put_number(&t, item, "failed");
		put_number(&t, item, "rolled_back");
		put_number(&t, item, "rollbacks");
		put_times(&t, json_get(item, "time_to_live_ms"));
		put_times(&t, json_get(item, "swap_ms"));
	}
	if (json_count(items) > 0)
		table_write(&t, output_width(), &out);
	else
		buf_text(&out, "no stages\n");
	/* For a person only: it would be a strange row to a script. */
	if (output_width() > 0)
		buf_format(&out,
		    "deploys of %" PRIu64 " days%s; the middle time, and that of 95%%\n", days,
		    json_bool(json_get(answer, "truncated")) ? ", the newest 2000" : "");
	table_free(&t);
	output_buf(&out);
}

enum cli_exit
cli_stats(struct invocation *in)
{
	struct target target = { .project = "" };
	uint64_t days = DAYS_DEFAULT;
	struct answer answer;
	enum cli_exit code;
	struct buf path;

	if (options_number(&in->options, "days", 1, DAYS_MAX, &days, in->err) != 0
	    || (in->options.argument_count == 1
		&& words_target(in->options.arguments[0], false, &target, in->err) != 0))
		return CLI_USAGE;
	buf_init(&path, PATH_BYTES_MAX);
	buf_format(&path, "/api/v1/statistics?days=%" PRIu64, days);
	if (target.project[0] != '\0') {
		buf_text(&path, "&project=");
		client_path_part(&path, target.project);
	}
	if (target.stage[0] != '\0') {
		buf_text(&path, "&stage=");
		client_path_part(&path, target.stage);
	}
	code = ask_or_print(in, buf_cstr(&path), &answer);
	buf_free(&path);
	if (code == CLI_OK && answer.json != NULL)
		print_statistics(answer.json, days);
	answer_free(&answer);
	return code;
}
