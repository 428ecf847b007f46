/* ask.c - what several commands ask in the same way. */
#include <inttypes.h>

#include "base/json.h"
#include "cli/inside.h"
#include "cli/output.h"

enum { PATH_BYTES_MAX = 2048 };

int
take_id(const char *text, uint64_t *ret_id, struct err *err)
{
	if (str_number(str_of(text), INT64_MAX, ret_id) && *ret_id > 0)
		return 0;
	return err_set(
	    err, "'%.80s' is no id of a deploy; `slipway history` lists them", text);
}

void
stage_path(struct buf *path, const char *project, const char *stage, const char *tail)
{
	buf_init(path, PATH_BYTES_MAX);
	buf_text(path, "/api/v1/projects/");
	client_path_part(path, project);
	buf_text(path, "/stages/");
	client_path_part(path, stage);
	buf_text(path, tail);
}

enum cli_exit
ask_or_print(struct invocation *in, const char *path, struct answer *answer)
{
	enum cli_exit code =
	    client_ask(in->client, &(struct call){ .path = path }, answer, in->err);

	if (code == CLI_OK && options_has(&in->options, "json")) {
		output_json(buf_view(&answer->text));
		json_free(answer->json);
		answer->json = NULL;
	}
	return code;
}

enum cli_exit
find_project(struct invocation *in, const char *project)
{
	struct answer answer;
	struct buf path;
	enum cli_exit code;

	buf_init(&path, PATH_BYTES_MAX);
	buf_text(&path, "/api/v1/projects/");
	client_path_part(&path, project);
	code = client_ask(
	    in->client, &(struct call){ .path = buf_cstr(&path) }, &answer, in->err);
	answer_free(&answer);
	buf_free(&path);
	return code;
}
