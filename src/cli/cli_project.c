/* cli_project.c - poll and webhook: how versions get in. */
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
