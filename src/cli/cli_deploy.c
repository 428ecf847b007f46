/* cli_deploy.c - deploy, rollback, restart, stop, start, remove, cancel: asking for something that then takes its time. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/words.h"

enum { BODY_BYTES_MAX = 4096, SENTENCE_SIZE = 512 };

static void
say(const char *sentence)
{
	output_str(str_of(sentence));
}

/* POSTs and takes the id of the deploy that it made. */
static enum cli_exit
post(struct invocation *in, const char *path, struct str body, struct answer *answer,
    uint64_t *ret_id)
{
	struct call call = { .method = "POST", .path = path, .body = body };
	enum cli_exit code = client_ask(in->client, &call, answer, in->err);

	if (code == CLI_OK)
		*ret_id = (uint64_t)json_number(json_get(answer->json, "id"));
	return code;
}

enum cli_exit
follow_begun(struct invocation *in, const struct target *target, const struct answer *answer,
    uint64_t id)
{
	const char *warning = json_text(json_get(answer->json, "warning"));
	char sentence[SENTENCE_SIZE];
	bool as_json = options_has(&in->options, "json");

	if (options_has(&in->options, "wait")) /* a warning is in the log of the deploy */
		return wait_for_deploy(in, id, as_json);
	if (as_json) {
		output_json(buf_view(&answer->text));
		return CLI_OK;
	}
	snprintf(sentence, sizeof(sentence),
	    "deploy %" PRIu64 " of %s/%s has begun; `slipway logs %" PRIu64
	    " --follow` watches it\n",
	    id, target->project, target->stage, id);
	say(sentence);
	if (warning[0] != '\0') {
		snprintf(sentence, sizeof(sentence), "warning: %s\n", warning);
		say(sentence);
	}
	return CLI_OK;
}

enum cli_exit
ask_for_deploy(
    struct invocation *in, const struct target *target, const char *what, struct str body)
{
	struct answer answer;
	struct buf path;
	enum cli_exit code;
	uint64_t id = 0;

	stage_path(&path, target->project, target->stage, what);
	code = post(in, buf_cstr(&path), body, &answer, &id);
	if (code == CLI_OK)
		code = follow_begun(in, target, &answer, id);
	buf_free(&path);
	answer_free(&answer);
	return code;
}

void
put_option(
    struct json_writer *w, const struct invocation *in, const char *option, const char *member)
{
	const char *value = options_value(&in->options, option);

	if (value != NULL)
		json_pair_text(w, member, value);
}

enum cli_exit
cli_deploy(struct invocation *in)
{
	const char *digest = options_value(&in->options, "digest");
	struct target target;
	struct json_writer w;
	struct buf body;
	enum cli_exit code;

	if (words_target(in->options.arguments[0], true, &target, in->err) != 0)
		return CLI_USAGE;
	buf_init(&body, BODY_BYTES_MAX);
	json_writer_init(&w, &body);
	json_object_open(&w);
	json_pair_text(&w, "tag", in->options.arguments[1]);
	if (digest != NULL)
		json_pair_text(&w, "digest", digest);
	if (options_has(&in->options, "force"))
		json_pair_bool(&w, "force", true);
	put_option(&w, in, "as", "by");
	put_option(&w, in, "override", "override");
	json_object_close(&w);
	if (body.overflow) {
		err_set(in->err, "the tag, the digest or another text is too long");
		code = CLI_USAGE;
	} else {
		code = ask_for_deploy(in, &target, "/deploys", buf_view(&body));
	}
	buf_free(&body);
	return code;
}

enum cli_exit
cli_rollback(struct invocation *in)
{
	struct target target;
	char body[64] = "{}";
	uint64_t to = 0;

	if (words_target(in->options.arguments[0], true, &target, in->err) != 0
	    || options_number(&in->options, "to", 1, INT64_MAX, &to, in->err) != 0)
		return CLI_USAGE;
	if (options_has(&in->options, "list"))
		return list_rollbacks(in, &target);
	if (to != 0)
		snprintf(body, sizeof(body), "{\"to\":%" PRIu64 "}", to);
	return ask_for_deploy(in, &target, "/rollback", str_of(body));
}

static enum cli_exit
ask_with_name(struct invocation *in, const char *what)
{
	struct target target;
	struct json_writer w;
	struct buf body;
	enum cli_exit code;

	if (words_target(in->options.arguments[0], true, &target, in->err) != 0)
		return CLI_USAGE;
	buf_init(&body, BODY_BYTES_MAX);
	json_writer_init(&w, &body);
	json_object_open(&w);
	put_option(&w, in, "as", "by");
	json_object_close(&w);
	if (body.overflow) {
		err_set(in->err, "the name is too long");
		code = CLI_USAGE;
	} else {
		code = ask_for_deploy(in, &target, what, buf_view(&body));
	}
	buf_free(&body);
	return code;
}

enum cli_exit
cli_restart(struct invocation *in)
{
	return ask_with_name(in, "/restart");
}

enum cli_exit
cli_stop(struct invocation *in)
{
	return ask_with_name(in, "/stop");
}

enum cli_exit
cli_start(struct invocation *in)
{
	return ask_with_name(in, "/start");
}

/* The command's second argument, if there is one, is that member; has_by: it has the option --as. */
static enum cli_exit
ask_with_word(struct invocation *in, const char *what, const char *member, bool has_by,
    const char *sentence)
{
	struct call call = { .method = "POST" };
	struct target target;
	struct json_writer w;
	struct answer answer;
	struct buf path;
	struct buf body;
	enum cli_exit code;

	if (words_target(in->options.arguments[0], true, &target, in->err) != 0)
		return CLI_USAGE;
	buf_init(&body, BODY_BYTES_MAX);
	json_writer_init(&w, &body);
	json_object_open(&w);
	if (in->options.argument_count == 2)
		json_pair_text(&w, member, in->options.arguments[1]);
	if (has_by)
		put_option(&w, in, "as", "by");
	json_object_close(&w);
	if (body.overflow) {
		err_set(in->err, "the %s is too long", member);
		buf_free(&body);
		return CLI_USAGE;
	}
	stage_path(&path, target.project, target.stage, what);
	call.path = buf_cstr(&path);
	call.body = buf_view(&body);
	code = client_ask(in->client, &call, &answer, in->err);
	if (code == CLI_OK && options_has(&in->options, "json"))
		output_json(buf_view(&answer.text));
	else if (code == CLI_OK)
		say(sentence);
	answer_free(&answer);
	buf_free(&path);
	buf_free(&body);
	return code;
}

enum cli_exit
cli_lift(struct invocation *in)
{
	return ask_with_word(in, "/quarantine/lift", "digest", false,
	    in->options.argument_count == 2 ? "this digest may be deployed by itself again\n"
					    : "nothing is in quarantine any more\n");
}

enum cli_exit
cli_remove(struct invocation *in)
{
	return ask_with_word(in, "/remove", "tag", true,
	    "nobody is led to it any more; its containers end with the next look at the "
	    "engine\n");
}

enum cli_exit
cli_cancel(struct invocation *in)
{
	char path[64];
	char sentence[SENTENCE_SIZE];
	struct answer answer;
	enum cli_exit code;
	uint64_t id;

	if (take_id(in->options.arguments[0], &id, in->err) != 0)
		return CLI_USAGE;
	snprintf(path, sizeof(path), "/api/v1/deploys/%" PRIu64 "/cancel", id);
	code = post(in, path, STR("{}"), &answer, &id);
	snprintf(sentence, sizeof(sentence), "deploy %" PRIu64 " is being canceled\n", id);
	if (code == CLI_OK && options_has(&in->options, "json"))
		output_json(buf_view(&answer.text));
	else if (code == CLI_OK)
		say(sentence);
	answer_free(&answer);
	return code;
}
