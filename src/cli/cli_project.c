/* cli_project.c - poll: how versions get in. */
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
