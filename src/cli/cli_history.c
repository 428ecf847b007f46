/* cli_history.c - history and show: deploys of the past and of now. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/fsm.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

enum { PATH_BYTES_MAX = 4096, HISTORY_DEFAULT = 20, STATES_BYTES_MAX = 400 };

static const char *
text_of(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

static int64_t
number_of(const struct json *object, const char *key)
{
	return json_number(json_get(object, key));
}

/* How long it took, or how long it is under way. */
static void
took_of(const struct json *deploy, char text[WORDS_SIZE])
{
	int64_t ended_ms = words_ms(deploy, "ended_ms");

	if (ended_ms == 0)
		ended_ms = clock_wall_ms();
	words_took(ended_ms - words_ms(deploy, "created_ms"), text);
}

static void
put_deploy(struct table *t, const struct json *deploy)
{
	char text[WORDS_SIZE];
	const char *reason = text_of(deploy, "reason");

	table_cell_format(t, "%" PRId64, number_of(deploy, "id"));
	table_cell_format(t, "%s/%s", text_of(deploy, "project"), text_of(deploy, "stage"));
	table_cell(t, text_of(deploy, "tag"));
	words_digest(text_of(deploy, "digest"), text);
	table_cell(t, text);
	words_state(text_of(deploy, "state"), text);
	table_cell(t, text);
	words_state(text_of(deploy, "trigger"), text);
	table_cell(t, text);
	words_age(clock_wall_ms() - words_ms(deploy, "created_ms"), text);
	table_cell(t, text);
	took_of(deploy, text);
	table_cell(t, text);
	if (json_bool(json_get(deploy, "is_live")))
		table_cell_format(t, "serves now%s%s", reason[0] == '\0' ? "" : "; ", reason);
	else
		table_cell(t, reason);
}

static void
print_history(const struct json *answer)
{
	static const char *const heads[] = { ">ID", "STAGE", "TAG", "DIGEST", "STATE",
		"TRIGGER", ">AGE", ">TOOK", "NOTE", NULL };
	const struct json *items = json_get(answer, "items");
	int64_t next = number_of(answer, "next");
	struct table t;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	table_init(&t, heads);
	for (size_t i = 0; i < json_count(items); i++)
		put_deploy(&t, json_at(items, i));
	if (json_count(items) > 0)
		table_write(&t, output_width(), &out);
	else
		buf_text(&out, "no deploys\n");
	/* For a person only: it would be a strange row to a script. */
	if (next != 0 && output_width() > 0)
		buf_format(&out, "older ones: --before %" PRId64 "\n", next);
	table_free(&t);
	output_buf(&out);
}

static void
add_query(struct buf *path, const char *name, const char *value)
{
	buf_format(path, "&%s=", name);
	client_path_part(path, value);
}

static int
tell_states(const char *wanted, struct err *err)
{
	struct buf known;

	buf_init(&known, STATES_BYTES_MAX);
	for (int i = 0; i < deploy_spec.state_count; i++) {
		char name[WORDS_SIZE];
		char *gap;

		words_state(deploy_spec.state_names[i], name);
		gap = strchr(name, ' ');
		if (gap != NULL)
			*gap = '-'; /* as one word in a shell */
		buf_format(&known, "%s%s", i > 0 ? ", " : "", name);
	}
	err_set(err, "--state: '%.40s' is no state of a deploy: there are %s", wanted,
	    buf_cstr(&known));
	buf_free(&known);
	return -1;
}

/* The path of the list, from the options. */
static int
write_path(struct invocation *in, const struct target *target, struct buf *path)
{
	const char *wanted = options_value(&in->options, "state");
	char state[WORDS_SIZE];
	uint64_t limit = HISTORY_DEFAULT;
	uint64_t before = 0;

	if (options_number(&in->options, "limit", 1, PAGE_MAX, &limit, in->err) != 0
	    || options_number(&in->options, "before", 1, INT64_MAX, &before, in->err) != 0)
		return -1;
	if (wanted != NULL
	    && (!words_state_name(wanted, state)
		|| fsm_state_by_name(&deploy_spec, state) < 0))
		return tell_states(wanted, in->err);
	buf_format(path, "/api/v1/deploys?limit=%" PRIu64, limit);
	if (before != 0)
		buf_format(path, "&before=%" PRIu64, before);
	if (target->project[0] != '\0')
		add_query(path, "project", target->project);
	if (target->stage[0] != '\0')
		add_query(path, "stage", target->stage);
	if (wanted != NULL)
		add_query(path, "state", state);
	return 0;
}

static enum cli_exit
show_history(struct invocation *in, const struct target *target, const char *path)
{
	struct answer answer;
	enum cli_exit code =
	    client_ask(in->client, &(struct call){ .path = path }, &answer, in->err);

	/* The server tells a missing stage, but not a missing project. */
	if (code == CLI_OK && json_count(json_get(answer.json, "items")) == 0
	    && target->project[0] != '\0')
		code = find_project(in, target->project);
	if (code == CLI_OK && options_has(&in->options, "json"))
		output_json(buf_view(&answer.text));
	else if (code == CLI_OK)
		print_history(answer.json);
	answer_free(&answer);
	return code;
}

enum cli_exit
cli_history(struct invocation *in)
{
	struct target target = { "", "" };
	struct buf path;
	enum cli_exit code = CLI_USAGE;

	if (in->options.argument_count == 1
	    && words_target(in->options.arguments[0], false, &target, in->err) != 0)
		return CLI_USAGE;
	buf_init(&path, PATH_BYTES_MAX);
	if (write_path(in, &target, &path) == 0)
		code = show_history(in, &target, buf_cstr(&path));
	buf_free(&path);
	return code;
}

/* show */

static void
pair(struct table *t, const char *name, const char *value)
{
	table_cell_format(t, "  %s", name);
	table_cell(t, value);
}

/* "changed A, B; removed C" against the deploy that it replaces. */
static void
write_env(const struct json *deploy, struct table *t)
{
	static const char *const changes[] = { "added", "changed", "removed" };
	const struct json *env = json_get(deploy, "env");
	struct buf text;

	buf_init(&text, CLI_TEXT_MAX);
	for (size_t i = 0; i < COUNT(changes); i++) {
		size_t found = 0;

		for (size_t k = 0; k < json_count(env); k++) {
			const struct json *one = json_at(env, k);

			if (strcmp(text_of(one, "change"), changes[i]) != 0)
				continue;
			if (found++ == 0)
				buf_format(
				    &text, "%s%s ", text.n == 0 ? "" : "; ", changes[i]);
			else
				buf_text(&text, ", ");
			buf_text(&text, text_of(one, "name"));
		}
	}
	if (text.n > 0)
		pair(t, "env", buf_cstr(&text));
	buf_free(&text);
}

/* Who wanted it, who agreed, and what was set aside for it. */
static void
write_people(struct table *t, const struct json *deploy)
{
	const struct json *decisions = json_get(deploy, "decisions");

	if (text_of(deploy, "requested_by")[0] != '\0')
		pair(t, "asked by", text_of(deploy, "requested_by"));
	if (text_of(deploy, "override")[0] != '\0')
		pair(t, "override", text_of(deploy, "override"));
	for (size_t i = 0; i < json_count(decisions); i++) {
		const struct json *one = json_at(decisions, i);
		const char *note = text_of(one, "note");

		table_cell_format(t, "  %s", text_of(one, "decision"));
		table_cell_format(
		    t, "by %s%s%s", text_of(one, "by"), note[0] == '\0' ? "" : ": ", note);
	}
}

/* "migration done in 1.2 s", "migration failed (exit code 3) in 0.4 s". */
static void
put_tasks(struct table *t, const struct json *deploy)
{
	const struct json *tasks = json_get(deploy, "tasks");

	for (size_t i = 0; i < json_count(tasks); i++) {
		const struct json *task = json_at(tasks, i);
		int64_t ended_ms = words_ms(task, "ended_ms");
		char name[WORDS_SIZE];
		char took[WORDS_SIZE];
		char code[32] = "";

		if (ended_ms == 0)
			ended_ms = clock_wall_ms();
		if (number_of(task, "exit_code") != 0)
			snprintf(code, sizeof(code), " (exit code %" PRId64 ")",
			    number_of(task, "exit_code"));
		words_state(text_of(task, "task"), name);
		words_took(ended_ms - words_ms(task, "began_ms"), took);
		table_cell_format(t, "  %s", name);
		table_cell_format(t, "%s%s in %s%s", text_of(task, "status"), code, took,
		    json_bool(json_get(task, "backward_compatible"))
			? ""
			: ", not backward compatible");
	}
}

static void
write_facts(const struct json *deploy, struct buf *out)
{
	static const char *const none[] = { "", "", NULL };
	char text[WORDS_SIZE];
	char age[WORDS_SIZE];
	struct table t;

	table_init(&t, none);
	words_state(text_of(deploy, "state"), text);
	table_cell(&t, "  state");
	table_cell_format(
	    &t, "%s%s", text, json_bool(json_get(deploy, "is_live")) ? ", serves now" : "");
	if (text_of(deploy, "reason")[0] != '\0')
		pair(&t, "reason", text_of(deploy, "reason"));
	pair(&t, "digest", text_of(deploy, "digest"));
	words_state(text_of(deploy, "trigger"), text);
	pair(&t, "trigger", text);
	words_state(text_of(deploy, "strategy"), text);
	pair(&t, "strategy", text);
	write_people(&t, deploy);
	words_time(words_ms(deploy, "created_ms"), text);
	words_age(clock_wall_ms() - words_ms(deploy, "created_ms"), age);
	table_cell(&t, "  begun");
	table_cell_format(&t, "%s (%s ago)", text, age);
	took_of(deploy, text);
	table_cell(&t, "  took");
	table_cell_format(
	    &t, "%s%s", text, words_ms(deploy, "ended_ms") == 0 ? " so far" : "");
	if (words_ms(deploy, "watched_until_ms") != 0) {
		words_took(words_ms(deploy, "watched_until_ms") - clock_wall_ms(), text);
		table_cell(&t, "  watched");
		table_cell_format(&t, "for %s more; `slipway cancel` leads back", text);
	}
	if (number_of(deploy, "elder") != 0) {
		table_cell(&t, "  replaces");
		table_cell_format(&t, "deploy %" PRId64, number_of(deploy, "elder"));
	}
	write_env(deploy, &t);
	put_tasks(&t, deploy);
	table_write(&t, output_width(), out);
	table_free(&t);
}

/* When the same actor took its next step; 0: it did not. */
static int64_t
next_step_ms(const struct json *steps, size_t index)
{
	const char *actor = text_of(json_at(steps, index), "actor");

	for (size_t i = index + 1; i < json_count(steps); i++)
		if (strcmp(text_of(json_at(steps, i), "actor"), actor) == 0)
			return words_ms(json_at(steps, i), "at_ms");
	return 0;
}

static void
write_steps(const struct json *deploy, struct buf *out)
{
	static const char *const heads[] = { ">AFTER", "STATE", ">FOR", "BECAUSE OF", NULL };
	const struct json *steps = json_get(deploy, "steps");
	int64_t created_ms = words_ms(deploy, "created_ms");
	char text[WORDS_SIZE];
	struct table t;

	table_init(&t, heads);
	for (size_t i = 0; i < json_count(steps); i++) {
		const struct json *step = json_at(steps, i);
		bool is_swap = strcmp(text_of(step, "actor"), "SWAP") == 0;
		int64_t next_ms = next_step_ms(steps, i);

		words_took(words_ms(step, "at_ms") - created_ms, text);
		table_cell(&t, text);
		words_state(text_of(step, "to"), text);
		table_cell_format(&t, "%s%s", is_swap ? "swap: " : "", text);
		words_took(next_ms - words_ms(step, "at_ms"), text);
		table_cell(&t, next_ms == 0 ? "" : text);
		words_state(text_of(step, "on"), text);
		table_cell(&t, text);
	}
	if (json_count(steps) > 0) {
		buf_char(out, '\n');
		table_write(&t, output_width(), out);
	}
	table_free(&t);
}

enum cli_exit
cli_show(struct invocation *in)
{
	struct answer answer;
	struct buf out;
	enum cli_exit code;
	char path[64];
	uint64_t id;

	if (take_id(in->options.arguments[0], &id, in->err) != 0)
		return CLI_USAGE;
	snprintf(path, sizeof(path), "/api/v1/deploys/%" PRIu64, id);
	code = ask_or_print(in, path, &answer);
	if (code == CLI_OK && answer.json != NULL) {
		buf_init(&out, CLI_TEXT_MAX);
		buf_format(&out, "deploy %" PRIu64 ": %s/%s %s\n", id,
		    text_of(answer.json, "project"), text_of(answer.json, "stage"),
		    text_of(answer.json, "tag"));
		write_facts(answer.json, &out);
		write_steps(answer.json, &out);
		output_buf(&out);
	}
	answer_free(&answer);
	return code;
}
