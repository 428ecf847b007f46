/* cli_project.c - poll, webhook, apply: how versions and configuration get in. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/words.h"

enum { PATH_BYTES_MAX = 2048 };

enum cli_exit
cli_poll(struct invocation *in)
{
	struct call call = { .method = "POST", .body = STR("{}") };
	struct target target;
	struct answer answer;
	struct buf path;
	struct buf out;
	enum cli_exit code;

	if (words_target(in->options.arguments[0], true, &target, in->err) != 0)
		return CLI_USAGE;
	stage_path(&path, target.project, target.stage, "/poll");
	call.path = buf_cstr(&path);
	code = client_ask(in->client, &call, &answer, in->err);
	if (code == CLI_OK) {
		buf_init(&out, PATH_BYTES_MAX);
		buf_format(&out,
		    "the registry is being asked; `slipway status %s/%s` shows what is "
		    "found\n",
		    target.project, target.stage);
		output_buf(&out);
	}
	answer_free(&answer);
	buf_free(&path);
	return code;
}

/* The URL alone, for scripts; it is a secret, as the help says. */
enum cli_exit
cli_webhook(struct invocation *in)
{
	struct target target;
	struct answer answer;
	struct buf path;
	struct buf out;
	enum cli_exit code;

	if (words_target(in->options.arguments[0], false, &target, in->err) != 0)
		return CLI_USAGE;
	buf_init(&path, PATH_BYTES_MAX);
	buf_text(&path, "/api/v1/projects/");
	client_path_part(&path, target.project);
	code = client_ask(
	    in->client, &(struct call){ .path = buf_cstr(&path) }, &answer, in->err);
	if (code == CLI_OK) {
		buf_init(&out, 2 * PATH_BYTES_MAX);
		buf_text(&out, client_url(in->client));
		words_clean(
		    &out, str_of(json_text(json_get(answer.json, "webhook_path"))), false);
		buf_char(&out, '\n');
		output_buf(&out);
	}
	answer_free(&answer);
	buf_free(&path);
	return code;
}

/* apply */

static int
read_input(struct buf *text, struct err *err)
{
	for (;;) {
		char piece[16384];
		ssize_t n = read(STDIN_FILENO, piece, sizeof(piece));

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "standard input: cannot be read");
		buf_add(text, piece, (size_t)n);
		if (text->overflow)
			return err_set(
			    err, "standard input: larger than %zu bytes", text->max);
	}
}

static bool
is_json_file(const char *path)
{
	size_t n = strlen(path);

	return n > 5 && strcmp(path + n - 5, ".json") == 0;
}

/* As compilers write them, so that editors find the place. */
static void
print_places(const struct json *places, const char *file, const char *kind)
{
	struct buf text;

	buf_init(&text, CLI_TEXT_MAX);
	for (size_t i = 0; i < json_count(places); i++) {
		const struct json *one = json_at(places, i);
		int64_t line = json_number(json_get(one, "line"));

		buf_text(&text, file);
		if (line != 0)
			buf_format(&text, ":%" PRId64 ":%" PRId64, line,
			    json_number(json_get(one, "column")));
		buf_format(&text, ": %s", kind);
		words_clean(&text, str_of(json_text(json_get(one, "message"))), false);
		buf_char(&text, '\n');
	}
	fwrite(buf_cstr(&text), 1, text.n, stderr);
	buf_free(&text);
}

static void
print_plan(const struct json *answer, bool is_dry)
{
	const struct json *plan = json_get(answer, "plan");
	int64_t changes = json_number(json_get(answer, "changes"));
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	for (size_t i = 0; i < json_count(plan); i++) {
		const struct json *entry = json_at(plan, i);
		const char *action = json_text(json_get(entry, "action"));

		if (strcmp(action, "keep") == 0)
			continue;
		words_clean(&out, str_of(action), false);
		buf_format(&out, "%*s ", strlen(action) < 7 ? 7 - (int)strlen(action) : 0, "");
		words_clean(&out, str_of(json_text(json_get(entry, "what"))), false);
		buf_char(&out, '\n');
	}
	if (changes == 0)
		buf_text(&out, "nothing to change\n");
	else
		buf_format(&out, "%" PRId64 " change%s %s\n", changes, changes == 1 ? "" : "s",
		    is_dry ? "would be made (--dry-run: nothing was)" : "made");
	output_buf(&out);
}

/* The faults one by one, then what it comes to. */
static void
tell_faults(const struct answer *answer, const char *file, struct err *err)
{
	struct err ignored;
	struct json *json = json_parse(buf_view(&answer->text), &ignored);
	const struct json *detail = json_get(json_get(json, "error"), "detail");

	if (json_kind(detail) == JSON_IS_ARRAY && json_count(detail) > 0) {
		print_places(detail, file, "");
		err_set(err, "%.200s has %zu fault%s; nothing was changed", file,
		    json_count(detail), json_count(detail) == 1 ? "" : "s");
	}
	json_free(json);
}

static enum cli_exit
apply_text(struct invocation *in, const char *file, struct str text)
{
	bool is_dry = options_has(&in->options, "dry-run");
	struct call call = { .method = "POST",
		.body = text,
		.path = is_dry ? "/api/v1/apply?dry=1" : "/api/v1/apply?dry=0",
		.type = is_json_file(file) ? "application/json" : "application/yaml" };
	struct answer answer;
	enum cli_exit code = client_ask(in->client, &call, &answer, in->err);

	if (code == CLI_INVALID)
		tell_faults(&answer, file, in->err);
	if (code == CLI_OK && options_has(&in->options, "json"))
		output_json(buf_view(&answer.text));
	else if (code == CLI_OK) {
		print_places(json_get(answer.json, "warnings"), file, "warning: ");
		print_plan(answer.json, is_dry);
	}
	answer_free(&answer);
	return code;
}

enum cli_exit
cli_apply(struct invocation *in)
{
	const char *path = in->options.arguments[0];
	bool is_input = strcmp(path, "-") == 0;
	const char *file = is_input ? "standard input" : path;
	struct buf text;
	enum cli_exit code = CLI_USAGE;

	buf_init(&text, CONFIG_BYTES_MAX);
	if ((is_input ? read_input(&text, in->err) : file_read_any(path, &text, in->err)) != 0)
		code = CLI_USAGE;
	else if (text.n == 0)
		err_set(in->err, "%s: is empty", file);
	else
		code = apply_text(in, file, buf_view(&text));
	buf_free(&text);
	return code;
}
