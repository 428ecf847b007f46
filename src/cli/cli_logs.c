/* cli_logs.c - logs: of a container that is live, or of a deploy. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "cli/follow.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/words.h"

enum { TAIL_DEFAULT = 100, TAIL_MAX = 5000, PATH_BYTES_MAX = 4096 };

/* A container's output is the application's own: it is shown as it is, but cannot steer a
 * terminal. */
static bool
print_line(struct str line)
{
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	output_foreign(&out, line);
	buf_char(&out, '\n');
	return output_buf(&out);
}

static void
tell_loss(void *context UNUSED, const char *why)
{
	fprintf(stderr, "slipway: connection lost (%s); trying again for %d s\n", why,
	    CLI_RETRY_MS / 1000);
}

static enum cli_exit
end_follow(enum cli_exit code)
{
	return code == CLI_INTERRUPTED ? CLI_OK : code; /* Ctrl-C is how one leaves a log */
}

/* Containers. */

static bool
on_container_event(void *context UNUSED, const struct sse_event *event)
{
	struct err ignored;
	struct json *json = NULL;
	bool goes_on = true;

	if (strcmp(event->name, "line") != 0)
		return true;
	json = json_parse(event->data, &ignored);
	goes_on = print_line(str_of(json_text(json_get(json, "text"))));
	json_free(json);
	return goes_on;
}

static enum cli_exit
follow_container(struct invocation *in, const char *path, const char *again_path)
{
	/* Lines have no ids: after a loss only new ones can be asked for. */
	struct follow follow = { .path = path,
		.again_path = again_path,
		.on_event = on_container_event,
		.on_lost = tell_loss };

	return end_follow(client_follow(in->client, &follow, in->err));
}

static enum cli_exit
print_container(struct invocation *in, const char *path)
{
	struct call call = { .path = path, .wants_text = true };
	struct answer answer;
	enum cli_exit code = client_ask(in->client, &call, &answer, in->err);
	struct str rest = buf_view(&answer.text);

	while (code == CLI_OK && rest.n > 0) {
		struct str line;

		rest = str_cut(rest, '\n', &line);
		if (!print_line(line))
			break;
	}
	answer_free(&answer);
	return code;
}

static enum cli_exit
logs_of_container(struct invocation *in)
{
	bool follows = options_has(&in->options, "follow");
	struct target target;
	struct buf path;
	struct buf again;
	enum cli_exit code;
	uint64_t replica = 0;
	uint64_t tail = TAIL_DEFAULT;
	char tail_of_path[96];

	if (words_target(in->options.arguments[0], true, &target, in->err) != 0
	    || options_number(&in->options, "replica", 0, REPLICAS_MAX - 1, &replica, in->err)
		   != 0
	    || options_number(&in->options, "tail", 0, TAIL_MAX, &tail, in->err) != 0)
		return CLI_USAGE;
	snprintf(tail_of_path, sizeof(tail_of_path),
	    "/instances/%" PRIu64 "/logs?follow=%d&tail=", replica, follows);
	stage_path(&path, target.project, target.stage, tail_of_path);
	stage_path(&again, target.project, target.stage, tail_of_path);
	buf_format(&path, "%" PRIu64, tail);
	buf_text(&again, "0");
	code = follows ? follow_container(in, buf_cstr(&path), buf_cstr(&again))
		       : print_container(in, buf_cstr(&path));
	buf_free(&path);
	buf_free(&again);
	return code;
}

/* Deploys. */

static void
write_entry(const struct json *entry, struct buf *out)
{
	char at[WORDS_SIZE];

	words_time(words_ms(entry, "at_ms"), at);
	buf_format(out, "%s %-5s ", at, json_text(json_get(entry, "level")));
	words_clean(out, str_of(json_text(json_get(entry, "text"))), false);
	buf_char(out, '\n');
}

static void
write_step(const struct json *step, struct buf *out)
{
	char at[WORDS_SIZE];
	char state[WORDS_SIZE];

	words_time(words_ms(step, "at_ms"), at);
	words_state(json_text(json_get(step, "to")), state);
	buf_format(out, "%s step  %s%s\n", at,
	    strcmp(json_text(json_get(step, "actor")), "SWAP") == 0 ? "swap: " : "", state);
}

static void
write_end(const struct json *deploy, struct buf *out)
{
	const char *reason = json_text(json_get(deploy, "reason"));
	char at[WORDS_SIZE];
	char state[WORDS_SIZE];

	words_time(words_ms(deploy, "ended_ms"), at);
	words_state(json_text(json_get(deploy, "state")), state);
	buf_format(out, "%s end   %s%s", at, state, reason[0] == '\0' ? "" : ": ");
	words_clean(out, str_of(reason), false);
	buf_char(out, '\n');
}

static bool
on_deploy_event(void *context UNUSED, const struct sse_event *event)
{
	struct err ignored;
	struct json *json = json_parse(event->data, &ignored);
	bool is_end = strcmp(event->name, "end") == 0;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	if (json != NULL && is_end)
		write_end(json, &out);
	else if (json != NULL && strcmp(event->name, "log") == 0)
		write_entry(json, &out);
	else if (json != NULL && strcmp(event->name, "step") == 0)
		write_step(json, &out);
	json_free(json);
	return output_buf(&out) && !is_end;
}

static enum cli_exit
follow_deploy(struct invocation *in, const char *path)
{
	struct follow follow = { .path = path,
		.has_last_event = true,
		.on_event = on_deploy_event,
		.on_lost = tell_loss };

	return end_follow(client_follow(in->client, &follow, in->err));
}

/* One page behind *after; *after is 0 behind the last one. */
static enum cli_exit
add_page(struct invocation *in, const char *path, int64_t *after, struct buf *out)
{
	struct answer answer;
	struct buf page;
	const struct json *items;
	enum cli_exit code;

	buf_init(&page, PATH_BYTES_MAX);
	buf_format(&page, "%s?after=%" PRId64, path, *after);
	code = client_ask(
	    in->client, &(struct call){ .path = buf_cstr(&page) }, &answer, in->err);
	items = json_get(answer.json, "items");
	for (size_t i = 0; i < json_count(items); i++)
		write_entry(json_at(items, i), out);
	*after = json_number(json_get(answer.json, "next"));
	answer_free(&answer);
	buf_free(&page);
	return code;
}

/* The last `count` lines of text. */
static struct str
last_lines(struct str text, uint64_t count)
{
	size_t begin = text.n;
	uint64_t seen = 0;

	while (begin > 0) {
		if (text.p[begin - 1] == '\n' && seen++ == count)
			break;
		begin--;
	}
	return (struct str){ text.p + begin, text.n - begin };
}

static enum cli_exit
print_deploy(struct invocation *in, const char *path, uint64_t tail)
{
	struct buf out;
	enum cli_exit code;
	int64_t after = 0;

	buf_init(&out, CLI_TEXT_MAX);
	do
		code = add_page(in, path, &after, &out);
	while (code == CLI_OK && after != 0 && !out.overflow);
	if (code == CLI_OK)
		output_str(last_lines(buf_view(&out), tail));
	if (code == CLI_OK && out.overflow) {
		err_set(in->err, "the log is longer than %d MB: this is its beginning",
		    CLI_TEXT_MAX >> 20);
		code = CLI_FAILED;
	}
	buf_free(&out);
	return code;
}

static enum cli_exit
logs_of_deploy(struct invocation *in)
{
	uint64_t tail = UINT64_MAX;
	char path[64];
	uint64_t id;

	if (take_id(in->options.arguments[0], &id, in->err) != 0
	    || options_number(&in->options, "tail", 0, TAIL_MAX, &tail, in->err) != 0)
		return CLI_USAGE;
	if (options_has(&in->options, "replica")) {
		err_set(in->err, "--replica is for containers; a deploy's log has no "
				 "replicas: leave it out");
		return CLI_USAGE;
	}
	snprintf(path, sizeof(path), "/api/v1/deploys/%" PRIu64 "/log", id);
	if (!options_has(&in->options, "follow"))
		return print_deploy(in, path, tail);
	if (tail != UINT64_MAX) {
		err_set(in->err,
		    "--tail and --follow do not go together for a deploy's log: it is"
		    " followed from its beginning");
		return CLI_USAGE;
	}
	return follow_deploy(in, path);
}

enum cli_exit
cli_logs(struct invocation *in)
{
	return strchr(in->options.arguments[0], '/') != NULL ? logs_of_container(in)
							     : logs_of_deploy(in);
}
