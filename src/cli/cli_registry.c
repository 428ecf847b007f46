/* cli_registry.c - registry: all of them with their budgets, one tried, the tags of a repository. */
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

enum { PATH_BYTES_MAX = 4096, TAGS_SHOWN = 100, TAGS_MOST = 1000 };

static const char *
text_of(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

/* "answered 3m ago", "closed for 40s: why", or why. */
static void
write_state(struct table *t, const struct json *item)
{
	int64_t now_ms = clock_wall_ms();
	int64_t ok_ms = words_ms(item, "ok_ms");
	int64_t closed_ms = words_ms(json_get(item, "budget"), "closed_until_ms");
	const char *why = text_of(item, "why");
	char age[WORDS_SIZE];

	if (closed_ms > now_ms) {
		words_age(closed_ms - now_ms, age);
		table_cell_format(t, "wants to be left alone for %s: %s", age, why);
	} else if (why[0] != '\0') {
		table_cell(t, why);
	} else if (ok_ms == 0) {
		table_cell(t, "not asked yet");
	} else {
		words_age(now_ms - ok_ms, age);
		table_cell_format(t, "answered %s ago", age);
	}
}

static void
write_budget(struct table *t, const struct json *budget)
{
	int64_t remaining = json_number(json_get(budget, "remaining"));
	int64_t limit = json_number(json_get(budget, "limit"));
	bool polls_wait = words_ms(budget, "polls_wait_until_ms") > clock_wall_ms();

	if (remaining < 0)
		table_cell(t, "");
	else if (limit < 0)
		table_cell_format(t, "%" PRId64 " left%s", remaining,
		    polls_wait ? ", kept for deploys" : "");
	else
		table_cell_format(t, "%" PRId64 " of %" PRId64 " left%s", remaining, limit,
		    polls_wait ? ", kept for deploys" : "");
}

static void
print_list(const struct json *items)
{
	static const char *const heads[] = { "REGISTRY", "KIND", "USER", "BUDGET", "STATE",
		NULL };
	struct table t;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	table_init(&t, heads);
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *item = json_at(items, i);

		table_cell(&t, text_of(item, "host"));
		table_cell(&t, text_of(item, "kind"));
		table_cell(&t, text_of(item, "username"));
		write_budget(&t, json_get(item, "budget"));
		write_state(&t, item);
	}
	table_write(&t, output_width(), &out);
	table_free(&t);
	output_buf(&out);
}

static void
print_tags(const struct json *answer)
{
	const struct json *items = json_get(answer, "items");
	const char *next = text_of(answer, "next");
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	for (size_t i = 0; i < json_count(items); i++) {
		words_clean(&out, json_str(json_at(items, i)), false);
		buf_char(&out, '\n');
	}
	output_buf(&out);
	if (next[0] == '\0')
		return;
	buf_init(&out, PATH_BYTES_MAX);
	words_clean(&out, str_of(next), false);
	fprintf(stderr, "there are more: --after %s\n", buf_cstr(&out));
	buf_free(&out);
}

/* Whether it is well is the exit code, too. */
static enum cli_exit
print_test(struct invocation *in, const struct json *answer)
{
	struct buf out;

	if (!json_bool(json_get(answer, "ok"))) {
		err_set(in->err, "%.500s", text_of(answer, "message"));
		return CLI_FAILED;
	}
	buf_init(&out, PATH_BYTES_MAX);
	words_clean(&out, str_of(text_of(answer, "host")), false);
	buf_format(&out, " answers in %" PRId64 " ms; ", json_number(json_get(answer, "ms")));
	words_clean(&out, str_of(text_of(answer, "message")), false);
	buf_char(&out, '\n');
	output_buf(&out);
	return CLI_OK;
}

static int
write_path(struct invocation *in, const char *action, struct buf *path)
{
	const struct options *o = &in->options;
	uint64_t limit = TAGS_SHOWN;
	struct str host;
	struct str repository;
	char part[2 * IMAGE_SIZE];

	buf_text(path, "/api/v1/registries");
	if (strcmp(action, "list") == 0)
		return o->argument_count == 1
			   ? 0
			   : err_set(in->err, "`slipway registry list` takes no argument");
	if (strcmp(action, "test") != 0 && strcmp(action, "tags") != 0)
		return err_set(in->err,
		    "'%.60s' is nothing that can be done with a registry; list, test and tags "
		    "are",
		    action);
	if (o->argument_count != 2)
		return err_set(in->err, "`slipway registry %s` takes %s", action,
		    action[1] == 'e' ? "a HOST, or HOST/REPOSITORY" : "HOST/REPOSITORY");
	if (options_number(o, "limit", 1, TAGS_MOST, &limit, in->err) != 0)
		return -1;
	repository = str_cut(str_of(o->arguments[1]), '/', &host);
	if (!str_copy(part, sizeof(part), host))
		return err_set(in->err, "'%.80s' is no registry", o->arguments[1]);
	buf_char(path, '/');
	client_path_part(path, part);
	buf_format(path, "/%s?repository=", action);
	client_path_part(path, repository.n == 0 ? "" : repository.p);
	if (strcmp(action, "tags") == 0)
		buf_format(path, "&limit=%" PRIu64 "&after=", limit);
	if (strcmp(action, "tags") == 0 && options_has(o, "after"))
		client_path_part(path, options_value(o, "after"));
	return 0;
}

enum cli_exit
cli_registry(struct invocation *in)
{
	const char *action = in->options.arguments[0];
	bool is_test = strcmp(action, "test") == 0;
	bool is_json = options_has(&in->options, "json");
	struct call call = { .method = is_test ? "POST" : NULL,
		.body = is_test ? STR("{}") : (struct str){ "", 0 } };
	struct answer answer;
	struct buf path;
	enum cli_exit code;

	buf_init(&path, PATH_BYTES_MAX);
	if (write_path(in, action, &path) != 0) {
		buf_free(&path);
		return CLI_USAGE;
	}
	call.path = buf_cstr(&path);
	code = client_ask(in->client, &call, &answer, in->err);
	if (code == CLI_OK) {
		if (is_json)
			output_json(buf_view(&answer.text));
		if (is_test)
			code = is_json && json_bool(json_get(answer.json, "ok"))
				   ? CLI_OK
				   : print_test(in, answer.json);
		else if (!is_json && strcmp(action, "list") == 0)
			print_list(json_get(answer.json, "items"));
		else if (!is_json)
			print_tags(answer.json);
	}
	answer_free(&answer);
	buf_free(&path);
	return code;
}
