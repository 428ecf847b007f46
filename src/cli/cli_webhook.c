/* cli_webhook.c - webhook: its URL shown or made anew, and tried without deploying anything. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

enum { PATH_BYTES_MAX = 2048, URL_BYTES_MAX = 4096 };

struct wish {
	const char *action;
	const char *project; /* NULL: of all */
	const char *image;
};

static const char *
text_of(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

static int
take_words(struct invocation *in, struct wish *wish)
{
	const struct options *o = &in->options;
	bool is_all = options_has(o, "all");
	bool is_test = strcmp(o->arguments[0], "test") == 0;
	size_t wanted = is_all ? 1 : 2;

	if (!is_test && strcmp(o->arguments[0], "show") != 0
	    && strcmp(o->arguments[0], "rotate") != 0)
		return err_set(in->err,
		    "'%.60s' is nothing that can be done with a webhook; show, rotate and "
		    "test are",
		    o->arguments[0]);
	wanted += is_test ? 1 : 0;
	if (o->argument_count != wanted)
		return err_set(in->err, "`slipway webhook %s` takes %s%s", o->arguments[0],
		    is_all ? "no PROJECT with --all" : "a PROJECT, or --all for all of them",
		    is_test ? ", and an IMAGE with its tag" : "");
	*wish = (struct wish){ .action = o->arguments[0],
		.project = is_all ? NULL : o->arguments[1],
		.image = is_test ? o->arguments[wanted - 1] : NULL };
	return 0;
}

static void
write_path(const struct wish *wish, struct buf *path)
{
	buf_init(path, PATH_BYTES_MAX);
	if (wish->project == NULL) {
		buf_text(path, "/api/v1/webhook");
	} else {
		buf_text(path, "/api/v1/projects/");
		client_path_part(path, wish->project);
		buf_text(path, "/webhook");
	}
	if (strcmp(wish->action, "show") != 0)
		buf_format(path, "/%s", wish->action);
}

/* The URL alone, for scripts; what is wrong with its secret goes where people look. */
static void
print_url(struct invocation *in, const struct json *answer)
{
	const char *why = text_of(json_get(answer, "secret"), "why");
	struct buf out;

	buf_init(&out, URL_BYTES_MAX);
	buf_text(&out, client_url(in->client));
	words_clean(&out, str_of(text_of(answer, "webhook_path")), false);
	buf_char(&out, '\n');
	output_buf(&out);
	if (why[0] == '\0')
		return;
	buf_init(&out, URL_BYTES_MAX);
	buf_text(&out, "warning: no webhook is taken, its secret is not to be had: ");
	words_clean(&out, str_of(why), false);
	fprintf(stderr, "%s\n", buf_cstr(&out));
	buf_free(&out);
}

static void
print_items(const struct json *items)
{
	static const char *const heads[] = { "STAGE", "DEPLOYS", "TAG", "WHY", NULL };
	struct table t;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	table_init(&t, heads);
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *item = json_at(items, i);

		table_cell_format(
		    &t, "%s/%s", text_of(item, "project"), text_of(item, "stage"));
		table_cell(&t, json_bool(json_get(item, "deploys")) ? "yes" : "no");
		table_cell(&t, text_of(item, "tag"));
		table_cell(&t, text_of(item, "reason"));
	}
	table_write(&t, output_width(), &out);
	table_free(&t);
	output_buf(&out);
}

/* Success means that a webhook would deploy something. */
static enum cli_exit
judge(struct invocation *in, const struct json *answer)
{
	const struct json *items = json_get(answer, "items");
	const char *why = text_of(json_get(answer, "secret"), "why");

	if (why[0] != '\0') {
		err_set(
		    in->err, "no webhook is taken, its secret is not to be had: %.200s", why);
		return CLI_FAILED;
	}
	for (size_t i = 0; i < json_count(items); i++)
		if (json_bool(json_get(json_at(items, i), "deploys")))
			return CLI_OK;
	err_set(in->err, json_count(items) == 0 ? "no stage has this image"
						: "no stage would deploy this image");
	return CLI_FAILED;
}

static void
write_body(const struct wish *wish, struct buf *body)
{
	struct json_writer w;

	buf_init(body, 8 << 10);
	json_writer_init(&w, body);
	json_object_open(&w);
	if (wish->image != NULL)
		json_pair_text(&w, "image", wish->image);
	json_object_close(&w);
}

enum cli_exit
cli_webhook(struct invocation *in)
{
	struct call call = { .method = NULL };
	struct wish wish = { .action = "" };
	struct answer answer;
	struct buf path;
	struct buf body;
	enum cli_exit code;

	if (take_words(in, &wish) != 0)
		return CLI_USAGE;
	write_path(&wish, &path);
	write_body(&wish, &body);
	call.path = buf_cstr(&path);
	if (strcmp(wish.action, "show") != 0) {
		call.method = "POST";
		call.body = buf_view(&body);
	}
	code = client_ask(in->client, &call, &answer, in->err);
	if (code == CLI_OK) {
		if (options_has(&in->options, "json"))
			output_json(buf_view(&answer.text));
		else if (wish.image == NULL)
			print_url(in, answer.json);
		else if (json_count(json_get(answer.json, "items")) > 0)
			print_items(json_get(answer.json, "items"));
		if (wish.image != NULL)
			code = judge(in, answer.json);
	}
	answer_free(&answer);
	buf_free(&path);
	buf_free(&body);
	return code;
}
