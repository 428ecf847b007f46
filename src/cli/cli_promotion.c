/* cli_promotion.c - promote, approve, reject, freeze, unfreeze, audit: what people decide. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"
#include "config/units.h"

enum { BODY_BYTES_MAX = 4096, ENTRIES_SHOWN = 20 };

static void
body_open(struct buf *body, struct json_writer *w)
{
	buf_init(body, BODY_BYTES_MAX);
	json_writer_init(w, body);
	json_object_open(w);
}

static int
body_close(struct buf *body, struct json_writer *w, struct err *err)
{
	json_object_close(w);
	return body->overflow ? err_set(err, "a text is too long: a line is enough") : 0;
}

enum cli_exit
cli_promote(struct invocation *in)
{
	enum cli_exit code = CLI_USAGE;
	struct target target;
	struct json_writer w;
	struct buf body;

	if (words_target(in->options.arguments[0], true, &target, in->err) != 0)
		return CLI_USAGE;
	body_open(&body, &w);
	put_option(&w, in, "digest", "digest");
	put_option(&w, in, "as", "by");
	put_option(&w, in, "override", "override");
	if (options_has(&in->options, "force"))
		json_pair_bool(&w, "force", true);
	if (body_close(&body, &w, in->err) == 0)
		code = ask_for_deploy(in, &target, "/promote", buf_view(&body));
	buf_free(&body);
	return code;
}

/* POSTs; with --json prints the answer and leaves answer->json alone, too. */
static enum cli_exit
send(struct invocation *in, const char *path, struct str body, struct answer *answer)
{
	struct call call = { .method = "POST", .path = path, .body = body };
	enum cli_exit code = client_ask(in->client, &call, answer, in->err);

	if (code == CLI_OK && options_has(&in->options, "json"))
		output_json(buf_view(&answer->text));
	return code;
}

static void
say_decided(uint64_t id, const char *done, const struct json *answer)
{
	char state[WORDS_SIZE];
	struct buf out;

	words_state(json_text(json_get(answer, "state")), state);
	buf_init(&out, CLI_TEXT_MAX);
	buf_format(&out, "deploy %" PRIu64 " is %s; it is %s now\n", id, done, state);
	output_buf(&out);
}

static enum cli_exit
decide(struct invocation *in, const char *verb, const char *done)
{
	enum cli_exit code = CLI_USAGE;
	struct answer answer = { .json = NULL };
	struct json_writer w;
	struct buf body;
	char path[64];
	uint64_t id;

	if (take_id(in->options.arguments[0], &id, in->err) != 0)
		return CLI_USAGE;
	snprintf(path, sizeof(path), "/api/v1/deploys/%" PRIu64 "/%s", id, verb);
	body_open(&body, &w);
	put_option(&w, in, "as", "by");
	put_option(&w, in, "note", "note");
	put_option(&w, in, "digest", "digest");
	if (body_close(&body, &w, in->err) == 0) {
		code = send(in, path, buf_view(&body), &answer);
		if (code == CLI_OK && !options_has(&in->options, "json"))
			say_decided(id, done, answer.json);
		answer_free(&answer);
	}
	buf_free(&body);
	return code;
}

enum cli_exit
cli_approve(struct invocation *in)
{
	return decide(in, "approve", "approved");
}

enum cli_exit
cli_reject(struct invocation *in)
{
	return decide(in, "reject", "rejected");
}

/* Of a stage or of a project. */
static void
target_path(struct buf *path, const struct target *target, const char *what)
{
	if (target->stage[0] != '\0') {
		stage_path(path, target->project, target->stage, what);
		return;
	}
	buf_init(path, BODY_BYTES_MAX);
	buf_text(path, "/api/v1/projects/");
	client_path_part(path, target->project);
	buf_text(path, what);
}

static enum cli_exit
send_about(struct invocation *in, const char *what, struct str body, const char *done)
{
	struct answer answer;
	struct target target;
	struct buf path;
	struct buf out;
	enum cli_exit code;

	if (words_target(in->options.arguments[0], false, &target, in->err) != 0)
		return CLI_USAGE;
	target_path(&path, &target, what);
	code = send(in, buf_cstr(&path), body, &answer);
	if (code == CLI_OK && !options_has(&in->options, "json")) {
		buf_init(&out, CLI_TEXT_MAX);
		buf_format(&out, "%s is %s\n", in->options.arguments[0], done);
		output_buf(&out);
	}
	answer_free(&answer);
	buf_free(&path);
	return code;
}

enum cli_exit
cli_freeze(struct invocation *in)
{
	const char *length = options_value(&in->options, "for");
	enum cli_exit code = CLI_USAGE;
	struct json_writer w;
	struct buf body;
	int64_t for_ms = 0;

	if (length != NULL && (!units_duration(str_of(length), &for_ms) || for_ms == 0)) {
		err_set(in->err, "'--for %.60s' is no time: write 90m, 8h or 48h", length);
		return CLI_USAGE;
	}
	body_open(&body, &w);
	put_option(&w, in, "as", "by");
	put_option(&w, in, "reason", "reason");
	json_pair_integer(&w, "for_ms", for_ms);
	if (body_close(&body, &w, in->err) == 0)
		code = send_about(in, "/freeze", buf_view(&body),
		    length == NULL ? "frozen until `slipway unfreeze`" : "frozen");
	buf_free(&body);
	return code;
}

enum cli_exit
cli_unfreeze(struct invocation *in)
{
	enum cli_exit code = CLI_USAGE;
	struct json_writer w;
	struct buf body;

	body_open(&body, &w);
	put_option(&w, in, "as", "by");
	if (body_close(&body, &w, in->err) == 0)
		code = send_about(in, "/unfreeze", buf_view(&body), "not frozen any more");
	buf_free(&body);
	return code;
}

static void
print_entries(const struct json *items)
{
	static const char *const heads[] = { ">SEQ", "WHEN", "WHO", "ACTION", "WHERE",
		">DEPLOY", "WHY", NULL };
	struct table t;
	struct buf out;

	table_init(&t, heads);
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *one = json_at(items, i);
		const char *stage = json_text(json_get(one, "stage"));
		int64_t deploy = json_number(json_get(one, "deploy"));
		char when[WORDS_SIZE];

		words_time(words_ms(one, "at_ms"), when);
		table_cell_format(&t, "%" PRId64, json_number(json_get(one, "seq")));
		table_cell(&t, when);
		table_cell(&t, json_text(json_get(one, "by")));
		table_cell(&t, json_text(json_get(one, "action")));
		table_cell_format(&t, "%s%s%s", json_text(json_get(one, "project")),
		    stage[0] == '\0' ? "" : "/", stage);
		if (deploy != 0)
			table_cell_format(&t, "%" PRId64, deploy);
		else
			table_cell(&t, "");
		table_cell(&t, json_text(json_get(one, "text")));
	}
	buf_init(&out, CLI_TEXT_MAX);
	table_write(&t, output_width(), &out);
	table_free(&t);
	output_buf(&out);
}

enum cli_exit
cli_audit(struct invocation *in)
{
	uint64_t limit = ENTRIES_SHOWN;
	uint64_t before = 0;
	struct answer answer;
	enum cli_exit code;
	char path[96];

	if (options_number(&in->options, "limit", 1, PAGE_MAX, &limit, in->err) != 0
	    || options_number(&in->options, "before", 1, INT64_MAX, &before, in->err) != 0)
		return CLI_USAGE;
	snprintf(path, sizeof(path), "/api/v1/audit?limit=%" PRIu64 "&before=%" PRIu64, limit,
	    before);
	code = ask_or_print(in, path, &answer);
	if (code == CLI_OK && answer.json != NULL)
		print_entries(json_get(answer.json, "items"));
	answer_free(&answer);
	return code;
}
