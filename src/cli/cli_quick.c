/* cli_quick.c - inspect and quick: an image by itself, and what becomes of it. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/words.h"

enum { BODY_BYTES_MAX = 4096 };

/* false: not a port. */
static bool
write_wish(struct invocation *in, bool has_name, struct buf *body)
{
	struct json_writer w;
	uint64_t port = 0;

	buf_init(body, BODY_BYTES_MAX);
	if (options_number(&in->options, "port", 1, UINT16_MAX, &port, in->err) != 0)
		return false;
	json_writer_init(&w, body);
	json_object_open(&w);
	json_pair_text(&w, "image", in->options.arguments[0]);
	put_option(&w, in, "project", "project");
	put_option(&w, in, "stage", "stage");
	put_option(&w, in, "domain", "domain");
	if (has_name)
		put_option(&w, in, "as", "by");
	if (port != 0)
		json_pair_integer(&w, "port", (int64_t)port);
	json_object_close(&w);
	if (!body->overflow)
		return true;
	err_set(in->err, "a name or domain is too long");
	return false;
}

static void
put_clean(struct buf *out, const char *head, const char *text)
{
	buf_text(out, head);
	words_clean(out, str_of(text), false);
	buf_char(out, '\n');
}

static void
put_list(struct buf *out, const char *head, const struct json *list)
{
	buf_text(out, head);
	if (json_count(list) == 0)
		buf_text(out, "none");
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *one = json_at(list, i);

		buf_text(out, i == 0 ? "" : ", ");
		if (json_kind(one) == JSON_IS_INTEGER)
			buf_format(out, "%" PRId64, json_number(one));
		else
			words_clean(out, json_str(one), false);
	}
	buf_char(out, '\n');
}

/* The file's own lines, which hold nothing but what was checked. */
static void
print_inspected(const struct json *answer)
{
	const char *user = json_text(json_get(answer, "user"));
	bool has_check = json_bool(json_get(answer, "healthcheck"));
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	put_clean(&out, "digest       ", json_text(json_get(answer, "digest")));
	put_clean(&out, "platform     ", json_text(json_get(answer, "platform")));
	put_clean(&out, "created      ", json_text(json_get(answer, "created")));
	buf_format(&out, "size         %.1f MB in the registry\n",
	    (double)json_number(json_get(answer, "bytes")) / (1 << 20));
	put_list(&out, "ports        ", json_get(answer, "ports"));
	put_clean(&out, "health check ", has_check ? "its own" : "none");
	put_clean(&out, "user         ", user[0] == '\0' ? "root" : user);
	put_list(&out, "volumes      ", json_get(answer, "volumes"));
	buf_char(&out, '\n');
	buf_text(&out, json_text(json_get(json_get(answer, "suggestion"), "yaml")));
	output_buf(&out);
}

enum cli_exit
cli_inspect(struct invocation *in)
{
	struct call call = { .method = "POST", .path = "/api/v1/inspect" };
	enum cli_exit code = CLI_USAGE;
	struct answer answer;
	struct buf body;

	if (write_wish(in, false, &body)) {
		call.body = buf_view(&body);
		code = client_ask(in->client, &call, &answer, in->err);
		if (code == CLI_OK && options_has(&in->options, "json"))
			output_json(buf_view(&answer.text));
		else if (code == CLI_OK)
			print_inspected(answer.json);
		answer_free(&answer);
	}
	buf_free(&body);
	return code;
}

enum cli_exit
cli_quick(struct invocation *in)
{
	struct call call = { .method = "POST", .path = "/api/v1/quick" };
	enum cli_exit code = CLI_USAGE;
	struct target target;
	struct answer answer;
	struct buf body;

	if (write_wish(in, true, &body)) {
		call.body = buf_view(&body);
		code = client_ask(in->client, &call, &answer, in->err);
		if (code == CLI_OK) {
			snprintf(target.project, sizeof(target.project), "%s",
			    json_text(json_get(answer.json, "project")));
			snprintf(target.stage, sizeof(target.stage), "%s",
			    json_text(json_get(answer.json, "stage")));
			code = follow_begun(in, &target, &answer,
			    (uint64_t)json_number(json_get(answer.json, "id")));
		}
		answer_free(&answer);
	}
	buf_free(&body);
	return code;
}
