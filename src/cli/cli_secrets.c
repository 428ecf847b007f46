/* cli_secrets.c - secrets: values go in from standard input or a file, never by the command line, where
 * everybody on the machine could read them; and none comes out. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

enum { PATH_BYTES_MAX = 2048, BODY_BYTES_MAX = 8 * VALUE_SIZE };

typedef enum cli_exit action_fn(struct invocation *in, const char *name);

static enum cli_exit
tell(struct invocation *in, const struct answer *answer, struct buf *words)
{
	if (options_has(&in->options, "json")) {
		buf_free(words);
		output_json(buf_view(&answer->text));
	} else {
		output_buf(words);
	}
	return CLI_OK;
}

/* list */

static void
write_users(const struct json *users, struct table *t)
{
	struct buf text;

	buf_init(&text, CLI_TEXT_MAX);
	for (size_t i = 0; i < json_count(users); i++)
		buf_format(&text, "%s%s", i == 0 ? "" : ", ", json_text(json_at(users, i)));
	table_cell(t, buf_cstr(&text));
	buf_free(&text);
}

static void
write_list(const struct json *answer, struct buf *out)
{
	static const char *const heads[] = { "SECRET", ">VERSION", ">SET", "KEY", "USED BY",
		NULL };
	const struct json *items = json_get(answer, "items");
	struct table t;

	table_init(&t, heads);
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *item = json_at(items, i);
		const char *key = json_text(json_get(item, "key"));
		char age[WORDS_SIZE];

		words_age(clock_wall_ms() - words_ms(item, "set_ms"), age);
		table_cell(&t, json_text(json_get(item, "name")));
		table_cell_format(&t, "%" PRId64, json_number(json_get(item, "version")));
		table_cell(&t, age);
		table_cell_format(&t, "%.8s%s", key,
		    json_bool(json_get(item, "is_readable")) ? "" : " is missing");
		write_users(json_get(item, "used_by"), &t);
	}
	if (json_count(items) > 0)
		table_write(&t, output_width(), out);
	else
		buf_text(out, "no secrets yet: `slipway secrets set NAME`\n");
	table_free(&t);
}

static enum cli_exit
list(struct invocation *in, const char *name UNUSED)
{
	struct answer answer;
	struct buf out;
	enum cli_exit code = ask_or_print(in, "/api/v1/secrets", &answer);

	if (code == CLI_OK && answer.json != NULL) {
		buf_init(&out, CLI_TEXT_MAX);
		write_list(answer.json, &out);
		output_buf(&out);
	}
	answer_free(&answer);
	return code;
}

/* set */

/* At a terminal one line, which is not shown. */
static int
read_hidden(const char *name, struct buf *text, struct err *err)
{
	struct termios before;
	struct termios hidden;
	char line[VALUE_SIZE + 2];
	bool is_read;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return err_errno(err, "the terminal");
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(stderr, "value of %s: ", name);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	is_read = fgets(line, sizeof(line), stdin) != NULL;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	if (is_read)
		buf_text(text, line);
	explicit_bzero(line, sizeof(line));
	return is_read ? 0 : err_set(err, "no value was given");
}

static int
read_value(struct invocation *in, const char *name, struct buf *value)
{
	const char *path = options_value(&in->options, "file");

	if (path != NULL && strcmp(path, "-") != 0)
		return file_read_any(path, value, in->err);
	if (isatty(STDIN_FILENO))
		return read_hidden(name, value, in->err);
	return read_input(value, in->err);
}

/* Without the newline at its end, which editors and `echo` put there. */
static int
write_body(const struct buf *value, struct buf *body, struct err *err)
{
	struct str text = buf_view(value);
	struct json_writer w;

	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (text.n == 0)
		return err_set(err, "the value is empty");
	if (memchr(text.p, '\0', text.n) != NULL || !json_takes(text))
		return err_set(err, "the value is no text (UTF-8): variables hold text; "
				    "encode it, as base64 for example");
	json_writer_init(&w, body);
	json_object_open(&w);
	json_pair_str(&w, "value", text);
	json_object_close(&w);
	return 0;
}

static void
secret_path(struct buf *path, const char *name)
{
	buf_init(path, PATH_BYTES_MAX);
	buf_text(path, "/api/v1/secrets/");
	client_path_part(path, name);
}

static enum cli_exit
set_to(struct invocation *in, const char *name, const struct buf *body)
{
	struct answer answer;
	struct buf path;
	struct buf out;
	enum cli_exit code;

	secret_path(&path, name);
	code = client_ask(in->client,
	    &(struct call){ .method = "PUT", .path = buf_cstr(&path), .body = buf_view(body) },
	    &answer, in->err);
	if (code == CLI_OK) {
		buf_init(&out, PATH_BYTES_MAX);
		buf_format(&out,
		    "%s is set (version %" PRId64 "); the next deploy brings it\n", name,
		    json_number(json_get(answer.json, "version")));
		tell(in, &answer, &out);
	}
	answer_free(&answer);
	buf_free(&path);
	return code;
}

static enum cli_exit
set(struct invocation *in, const char *name)
{
	enum cli_exit code = CLI_USAGE;
	struct buf value;
	struct buf body;

	buf_init(&value, VALUE_SIZE); /* with its newline */
	buf_init(&body, BODY_BYTES_MAX);
	if (read_value(in, name, &value) == 0 && write_body(&value, &body, in->err) == 0)
		code = set_to(in, name, &body);
	buf_wipe(&value);
	buf_wipe(&body);
	return code;
}

/* remove, rotate */

static enum cli_exit
drop(struct invocation *in, const char *name)
{
	struct answer answer;
	struct buf path;
	struct buf out;
	enum cli_exit code;

	secret_path(&path, name);
	code = client_ask(in->client,
	    &(struct call){ .method = "DELETE", .path = buf_cstr(&path), .wants_text = true },
	    &answer, in->err);
	if (code == CLI_OK && !options_has(&in->options, "json")) {
		buf_init(&out, PATH_BYTES_MAX);
		buf_format(&out, "%s is removed\n", name);
		output_buf(&out);
	}
	answer_free(&answer);
	buf_free(&path);
	return code;
}

static enum cli_exit
rotate(struct invocation *in, const char *name UNUSED)
{
	struct call call = {
		.method = "POST", .path = "/api/v1/secrets/rotate", .body = STR("{}")
	};
	struct answer answer;
	struct buf out;
	enum cli_exit code = client_ask(in->client, &call, &answer, in->err);

	if (code == CLI_OK) {
		int64_t count = json_number(json_get(answer.json, "count"));

		buf_init(&out, PATH_BYTES_MAX);
		buf_format(&out, "%" PRId64 " secret%s sealed anew, with the key ", count,
		    count == 1 ? "" : "s");
		words_clean(&out, str_of(json_text(json_get(answer.json, "key"))), false);
		buf_char(&out, '\n');
		tell(in, &answer, &out);
	}
	answer_free(&answer);
	return code;
}

/* generate */

static int
write_key(const char *path, struct str line, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool is_written;

	if (fd < 0)
		return err_errno(err, "%s: cannot be made", path);
	is_written = write(fd, line.p, line.n) == (ssize_t)line.n && fsync(fd) == 0;
	if (close(fd) != 0 || !is_written)
		return err_errno(err, "%s: cannot be written", path);
	return file_sync_parent(path, err);
}

static enum cli_exit
generate(struct invocation *in, const char *path)
{
	unsigned char key[SEAL_KEY_SIZE];
	char line[2 * SEAL_KEY_SIZE + 2];
	struct str view = { line, sizeof(line) - 1 };
	enum cli_exit code = CLI_OK;

	random_bytes(key, sizeof(key));
	hash_hex((struct str){ (const char *)key, sizeof(key) }, line);
	line[2 * SEAL_KEY_SIZE] = '\n';
	if (path == NULL)
		output_str(view);
	else if (write_key(path, view, in->err) != 0)
		code = CLI_FAILED;
	explicit_bzero(key, sizeof(key));
	explicit_bzero(line, sizeof(line));
	return code;
}

static const struct action {
	const char *name;
	int least; /* names behind it */
	int most;
	bool asks_server;
	action_fn *run;
} actions[] = {
	{ "list", 0, 0, true, list },
	{ "set", 1, 1, true, set },
	{ "remove", 1, 1, true, drop },
	{ "rotate", 0, 0, true, rotate },
	{ "generate", 0, 1, false, generate },
};

static const struct action *
find_action(const struct options *options, struct err *err)
{
	const char *name = options->arguments[0];
	int given = (int)options->argument_count - 1;

	for (size_t i = 0; i < COUNT(actions); i++) {
		if (strcmp(actions[i].name, name) != 0)
			continue;
		if (given < actions[i].least)
			err_set(err, "secrets %s needs the NAME of a secret", name);
		else if (given > actions[i].most)
			err_set(err,
			    "secrets %s takes no '%.40s': a value comes from standard input "
			    "or --file",
			    name, options->arguments[1]);
		else if (options_has(options, "file") && actions[i].run != set)
			err_set(err, "--file belongs to `secrets set`");
		else
			return &actions[i];
		return NULL;
	}
	err_set(err, "'%.40s' is none of list, set, remove, rotate, generate", name);
	return NULL;
}

enum cli_exit
cli_secrets(struct invocation *in)
{
	const struct action *action = find_action(&in->options, in->err);
	const char *name = in->options.argument_count > 1 ? in->options.arguments[1] : NULL;

	if (action == NULL)
		return CLI_USAGE;
	if (action->asks_server) {
		in->client = client_new(environ, true, in->err);
		if (in->client == NULL)
			return CLI_USAGE;
	}
	return action->run(in, name);
}
