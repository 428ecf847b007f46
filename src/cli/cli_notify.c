/* cli_notify.c - notify: what was told, who is told, and a try. */
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

enum { PATH_BYTES_MAX = 2048, NOTIFICATIONS_SHOWN = 20 };

static const char *
text_of(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

/* The target behind the first word; nothing for all. */
static int
read_target(struct invocation *in, struct target *target)
{
	*target = (struct target){ .project = "" };
	if (in->options.argument_count < 2)
		return 0;
	return words_target(in->options.arguments[1], false, target, in->err);
}

/* list */

static void
write_row(struct table *t, const struct json *item)
{
	int64_t status = json_number(json_get(item, "status_code"));
	int64_t ended_ms = words_ms(item, "ended_ms");
	char state[WORDS_SIZE];
	char age[WORDS_SIZE];

	words_state(text_of(item, "state"), state);
	words_age(clock_wall_ms() - words_ms(item, "created_ms"), age);
	table_cell_format(t, "%" PRId64, json_number(json_get(item, "id")));
	table_cell_format(t, "%s/%s", text_of(item, "project"), text_of(item, "stage"));
	table_cell(t, text_of(item, "event"));
	table_cell(t, text_of(item, "tag"));
	table_cell(t, text_of(item, "receiver"));
	table_cell(t, state);
	if (status == 0)
		table_cell(t, "");
	else
		table_cell_format(t, "%" PRId64, status);
	table_cell(t, age);
	table_cell(t, ended_ms != 0 && text_of(item, "reason")[0] == '\0'
			  ? ""
			  : text_of(item, "reason"));
}

static void
print_list(const struct json *answer)
{
	static const char *const heads[] = { ">ID", "STAGE", "EVENT", "TAG", "RECEIVER",
		"STATE", ">STATUS", ">AGE", "WHY", NULL };
	const struct json *items = json_get(answer, "items");
	struct table t;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	table_init(&t, heads);
	for (size_t i = 0; i < json_count(items); i++)
		write_row(&t, json_at(items, i));
	if (json_count(items) == 0)
		buf_text(&out, "nobody was told of anything\n");
	else
		table_write(&t, output_width(), &out);
	table_free(&t);
	output_buf(&out);
}

static enum cli_exit
list(struct invocation *in)
{
	const char *state = options_value(&in->options, "state");
	uint64_t limit = NOTIFICATIONS_SHOWN;
	char name[WORDS_SIZE] = "";
	struct target target;
	struct answer answer;
	struct buf path;
	enum cli_exit code;

	if (read_target(in, &target) != 0
	    || options_number(&in->options, "limit", 1, PAGE_MAX, &limit, in->err) != 0)
		return CLI_USAGE;
	if (state != NULL && !words_state_name(state, name)) {
		err_set(in->err,
		    "'%.60s' is no state: there are pending, sending, delivered, "
		    "given-up",
		    state);
		return CLI_USAGE;
	}
	buf_init(&path, PATH_BYTES_MAX);
	buf_format(&path, "/api/v1/notifications?limit=%" PRIu64, limit);
	if (target.project[0] != '\0')
		buf_format(&path, "&project=%s", target.project);
	if (target.stage[0] != '\0')
		buf_format(&path, "&stage=%s", target.stage);
	if (name[0] != '\0') {
		buf_text(&path, "&state=");
		client_path_part(&path, name);
	}
	code = ask_or_print(in, buf_cstr(&path), &answer);
	if (code == CLI_OK && answer.json != NULL)
		print_list(answer.json);
	answer_free(&answer);
	buf_free(&path);
	return code;
}

/* receivers */

static void
write_words(struct table *t, const struct json *words)
{
	struct buf text;

	buf_init(&text, CLI_TEXT_MAX);
	for (size_t i = 0; i < json_count(words); i++)
		buf_format(&text, "%s%s", i == 0 ? "" : ", ", json_text(json_at(words, i)));
	table_cell(t, buf_cstr(&text));
	buf_free(&text);
}

static void
print_receivers(const struct json *answer)
{
	static const char *const heads[] = { "NAME", "KIND", "URL", "SECRET", "TO", "EVENTS",
		NULL };
	const struct json *items = json_get(answer, "items");
	struct table t;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	table_init(&t, heads);
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *item = json_at(items, i);
		const char *url = text_of(item, "url");

		table_cell(&t, text_of(item, "name"));
		table_cell(&t, text_of(item, "kind"));
		if (url[0] != '\0')
			table_cell(&t, url);
		else
			table_cell_format(&t, "from %s", text_of(item, "url_from"));
		table_cell(&t, text_of(item, "secret_from"));
		write_words(&t, json_get(item, "to"));
		write_words(&t, json_get(item, "events"));
	}
	if (json_count(items) == 0)
		buf_text(&out, "no receivers: add some under 'receivers' in slipway.yml\n");
	else
		table_write(&t, output_width(), &out);
	table_free(&t);
	output_buf(&out);
}

static enum cli_exit
receivers(struct invocation *in)
{
	struct answer answer;
	enum cli_exit code;

	if (in->options.argument_count > 1) {
		err_set(in->err, "`slipway notify receivers` takes no further argument");
		return CLI_USAGE;
	}
	code = ask_or_print(in, "/api/v1/receivers", &answer);
	if (code == CLI_OK && answer.json != NULL)
		print_receivers(answer.json);
	answer_free(&answer);
	return code;
}

/* test */

static bool
is_told(const struct json *answer)
{
	const struct json *items = json_get(answer, "items");
	bool is_good = true;

	for (size_t i = 0; i < json_count(items); i++)
		is_good = is_good && json_bool(json_get(json_at(items, i), "delivered"));
	return is_good;
}

static void
print_tested(const struct json *answer)
{
	static const char *const heads[] = { "RECEIVER", "KIND", "TIER", ">STATUS", ">TOOK",
		"SIGNED", "DELIVERY", "ANSWER", NULL };
	const struct json *items = json_get(answer, "items");
	struct table t;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	table_init(&t, heads);
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *item = json_at(items, i);
		int64_t status = json_number(json_get(item, "status_code"));
		const char *why = text_of(item, "reason");

		table_cell(&t, text_of(item, "receiver"));
		table_cell(&t, text_of(item, "kind"));
		table_cell(&t, text_of(item, "tier"));
		if (status == 0)
			table_cell(&t, "");
		else
			table_cell_format(&t, "%" PRId64, status);
		table_cell_format(
		    &t, "%" PRId64 " ms", json_number(json_get(item, "latency_ms")));
		table_cell(&t, json_bool(json_get(item, "signature_sent")) ? "yes" : "no");
		table_cell(&t, text_of(item, "delivery_id"));
		table_cell(&t, why[0] != '\0' ? why : text_of(item, "response_snippet"));
	}
	table_write(&t, output_width(), &out);
	table_free(&t);
	output_buf(&out);
}

static enum cli_exit
test(struct invocation *in)
{
	struct call call = { .method = "POST", .path = "/api/v1/notifications/test" };
	struct json_writer w;
	struct target target;
	struct answer answer;
	struct buf body;
	enum cli_exit code;

	if (read_target(in, &target) != 0)
		return CLI_USAGE;
	buf_init(&body, PATH_BYTES_MAX);
	json_writer_init(&w, &body);
	json_object_open(&w);
	json_pair_text(&w, "project", target.project);
	json_pair_text(&w, "stage", target.stage);
	json_object_close(&w);
	call.body = buf_view(&body);
	code = client_ask(in->client, &call, &answer, in->err);
	if (code == CLI_OK && options_has(&in->options, "json"))
		output_json(buf_view(&answer.text));
	else if (code == CLI_OK)
		print_tested(answer.json);
	if (code == CLI_OK && !is_told(answer.json))
		code = CLI_FAILED;
	answer_free(&answer);
	buf_free(&body);
	return code;
}

enum cli_exit
cli_notify(struct invocation *in)
{
	const char *what = in->options.arguments[0];

	if (strcmp(what, "list") == 0)
		return list(in);
	if (strcmp(what, "receivers") == 0)
		return receivers(in);
	if (strcmp(what, "test") == 0)
		return test(in);
	err_set(in->err,
	    "`slipway notify` lists, tests and shows receivers: list, test or "
	    "receivers, not '%.60s'",
	    what);
	return CLI_USAGE;
}
