/* cli_config.c - export, diff, apply: the configuration as a file, out of the server and into it.
 *
 * The one idea: diff and apply print one and the same plan, which the server makes. A person on a terminal
 * sees it before it is done; what is done then is done only if it is still that plan. */
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
cli_export(struct invocation *in)
{
	struct call call = { .wants_text = true };
	struct answer answer;
	struct buf path;
	enum cli_exit code;

	buf_init(&path, PATH_BYTES_MAX);
	buf_text(&path, "/api/v1/config");
	if (in->options.argument_count == 1) {
		buf_text(&path, "?project=");
		client_path_part(&path, in->options.arguments[0]);
	}
	call.path = buf_cstr(&path);
	code = client_ask(in->client, &call, &answer, in->err);
	if (code == CLI_OK && answer.text.n > CONFIG_BYTES_MAX)
		fprintf(stderr,
		    "slipway: this is larger than the %d bytes that `slipway apply` takes at "
		    "once: export its projects one by one\n",
		    CONFIG_BYTES_MAX);
	if (code == CLI_OK)
		output_str(buf_view(&answer.text));
	answer_free(&answer);
	buf_free(&path);
	return code;
}

/* The file that diff and apply are given. */

struct input {
	const char *name; /* for people */
	const char *type;
	struct buf text;
};

int
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

static int
open_input(struct input *input, const char *path, struct err *err)
{
	bool is_standard = strcmp(path, "-") == 0;

	input->name = is_standard ? "standard input" : path;
	input->type = is_json_file(path) ? "application/json" : "application/yaml";
	buf_init(&input->text, CONFIG_BYTES_MAX);
	if ((is_standard ? read_input(&input->text, err)
			 : file_read_any(path, &input->text, err))
	    != 0)
		return -1;
	if (input->text.n == 0)
		return err_set(err, "%s: is empty", input->name);
	return 0;
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

/* The plan */

static void
write_change(struct buf *out, const struct json *change)
{
	const struct json *from = json_get(change, "from");
	const struct json *to = json_get(change, "to");
	bool is_new = json_kind(from) == JSON_IS_NULL;
	bool is_gone = json_kind(to) == JSON_IS_NULL;

	buf_format(out, "  %c ", is_new ? '+' : is_gone ? '-' : '~');
	words_clean(out, str_of(json_text(json_get(change, "key"))), false);
	buf_text(out, ": ");
	words_clean(out, str_of(json_text(is_new ? to : from)), false);
	if (!is_new && !is_gone) {
		buf_text(out, " -> ");
		words_clean(out, str_of(json_text(to)), false);
	}
	buf_char(out, '\n');
}

/* What is kept says nothing; of what is new the name is enough, but for a diff. */
static void
write_entry(struct buf *out, const struct json *entry, bool in_full)
{
	const struct json *changes = json_get(entry, "changes");
	const char *action = json_text(json_get(entry, "action"));

	if (strcmp(action, "keep") == 0)
		return;
	words_clean(out, str_of(action), false);
	buf_format(out, "%*s ", strlen(action) < 7 ? 7 - (int)strlen(action) : 0, "");
	words_clean(out, str_of(json_text(json_get(entry, "what"))), false);
	if (json_bool(json_get(entry, "awaits_deploy")))
		buf_text(out, " (what is live takes it with its next deploy)");
	buf_char(out, '\n');
	for (size_t i = 0; i < json_count(changes); i++)
		if (in_full || strcmp(action, "change") == 0)
			write_change(out, json_at(changes, i));
}

static void
print_plan(const struct json *answer, bool in_full, const char *made)
{
	const struct json *plan = json_get(answer, "plan");
	int64_t changes = json_number(json_get(answer, "changes"));
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	for (size_t i = 0; i < json_count(plan); i++)
		write_entry(&out, json_at(plan, i), in_full);
	if (changes == 0)
		buf_text(&out, "nothing to change\n");
	else if (made != NULL)
		buf_format(
		    &out, "%" PRId64 " change%s %s\n", changes, changes == 1 ? "" : "s", made);
	output_buf(&out);
}

/* Sends the file; the server plans, and does what it planned unless it is dry. */
static enum cli_exit
send(struct invocation *in, const struct input *input, bool is_dry, const char *match,
    struct answer *answer)
{
	struct call call = { .method = "POST",
		.body = buf_view(&input->text),
		.path = is_dry ? "/api/v1/apply?dry=1" : "/api/v1/apply?dry=0",
		.match = match,
		.type = input->type };
	enum cli_exit code = client_ask(in->client, &call, answer, in->err);

	if (code == CLI_INVALID)
		tell_faults(answer, input->name, in->err);
	if (code == CLI_OK && !options_has(&in->options, "json"))
		print_places(json_get(answer->json, "warnings"), input->name, "warning: ");
	return code;
}

/* As diff(1): 0 when there is no difference, 1 when there is, more when it cannot be told. */
enum cli_exit
cli_diff(struct invocation *in)
{
	struct input input;
	struct answer answer = { 0 };
	enum cli_exit code = CLI_USAGE;

	if (open_input(&input, in->options.arguments[0], in->err) == 0) {
		code = send(in, &input, true, NULL, &answer);
		if (code == CLI_FAILED)
			code = CLI_UNREACHABLE;
		if (code == CLI_OK && options_has(&in->options, "json"))
			output_json(buf_view(&answer.text));
		else if (code == CLI_OK)
			print_plan(answer.json, true, NULL);
		if (code == CLI_OK && json_number(json_get(answer.json, "changes")) > 0)
			code = CLI_FAILED;
		answer_free(&answer);
	}
	buf_free(&input.text);
	return code;
}

static bool
is_agreed(int64_t changes)
{
	char line[16] = "";

	fprintf(stderr, "make %s%" PRId64 " change%s? [y/N] ",
	    changes == 1 ? "this " : "these ", changes, changes == 1 ? "" : "s");
	if (fgets(line, sizeof(line), stdin) == NULL)
		fputc('\n', stderr);
	line[strcspn(line, "\r\n")] = '\0';
	return strcmp(line, "y") == 0 || strcmp(line, "yes") == 0;
}

static enum cli_exit
apply(struct invocation *in, const struct input *input, const char *match, bool says_plan)
{
	struct answer answer = { 0 };
	enum cli_exit code = send(in, input, false, match, &answer);

	if (code == CLI_OK && options_has(&in->options, "json"))
		output_json(buf_view(&answer.text));
	else if (code == CLI_OK && says_plan)
		print_plan(answer.json, false, "made");
	else if (code == CLI_OK)
		output_str(STR("done\n"));
	answer_free(&answer);
	return code;
}

/* The plan, and then, when a person says so, exactly that. */
static enum cli_exit
ask_and_apply(struct invocation *in, const struct input *input)
{
	struct answer answer = { 0 };
	enum cli_exit code =
	    send(in, input, true, options_value(&in->options, "if-match"), &answer);
	int64_t changes = json_number(json_get(answer.json, "changes"));

	if (code == CLI_OK) {
		print_plan(answer.json, false, NULL);
		if (changes > 0 && !is_agreed(changes)) {
			err_set(in->err, "nothing was changed");
			code = CLI_FAILED;
		} else if (changes > 0) {
			code =
			    apply(in, input, json_text(json_get(answer.json, "etag")), false);
		}
	}
	answer_free(&answer);
	return code;
}

static enum cli_exit
dry_run(struct invocation *in, const struct input *input)
{
	struct answer answer = { 0 };
	enum cli_exit code =
	    send(in, input, true, options_value(&in->options, "if-match"), &answer);

	if (code == CLI_OK && options_has(&in->options, "json"))
		output_json(buf_view(&answer.text));
	else if (code == CLI_OK)
		print_plan(answer.json, false, "would be made (--dry-run: nothing was)");
	answer_free(&answer);
	return code;
}

enum cli_exit
cli_apply(struct invocation *in)
{
	const struct options *options = &in->options;
	bool is_watched = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct input input;
	enum cli_exit code = CLI_USAGE;

	if (open_input(&input, options->arguments[0], in->err) != 0)
		code = CLI_USAGE;
	else if (options_has(options, "dry-run"))
		code = dry_run(in, &input);
	else if (is_watched && !options_has(options, "yes") && !options_has(options, "json"))
		code = ask_and_apply(in, &input);
	else
		code = apply(in, &input, options_value(options, "if-match"), true);
	buf_free(&input.text);
	return code;
}
